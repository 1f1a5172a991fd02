//! A crash at every step of a request leaves all of it or nothing.

use std::sync::Arc;

use serde_json::json;
use simulator::House;
use storage::Memory;
use storage::testing::{Fault, Flaky};

/// More steps than any of these requests takes.
const STEPS_MAX: u64 = 60;

/// What a token consists of must be there together or not at all.
async fn check_whole(house: &House) {
    let census = house.census().await;
    let count = |prefix: &str| census.iter().filter(|key| key.starts_with(prefix)).count();
    // The first root token has no due date and no lease.
    assert_eq!(count("sys/token/"), count("sys/accessor/"), "{census:#?}");
    assert_eq!(count("sys/token/"), count("sys/due/") + 1, "{census:#?}");
    assert_eq!(count("sys/token/"), count("sys/lease/") + 1, "{census:#?}");
    // Every other token comes from a login.
    assert_eq!(count("sys/token/"), count("sys/owned/") + 1, "{census:#?}");
}

/// Does `act` with a crash at its every step, and looks at what is left each time.
async fn crash_everywhere(act: impl AsyncFn(&House, &str)) {
    for fault in [Fault::Before, Fault::Middle, Fault::After] {
        for step in 1..STEPS_MAX {
            let flaky = Arc::new(Flaky::new(Arc::new(Memory::default())));
            let mut house = House::on(flaky.clone(), 1, step).await;
            crate::walk::furnish(&house).await;
            let token = house.stranger().login("mitchellh", "foo").await.unwrap();
            let before = flaky.operations();
            flaky.crash_at(step, fault);
            act(&house, &token).await;
            let steps = flaky.operations() - before;
            flaky.heal();
            house.restart(1).await;
            check_whole(&house).await;
            house.wait(3_000_000);
            house.settle().await.unwrap();
            check_whole(&house).await;
            if steps < step {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_login_happens_wholly_or_not_at_all() {
    crash_everywhere(async |house, _| {
        let _ = house.stranger().login("mitchellh", "foo").await;
    })
    .await;
}

#[tokio::test]
async fn a_renewal_happens_wholly_or_not_at_all() {
    crash_everywhere(async |house, token| {
        house.wait(60);
        let _ = house.holder(token).write("auth/token/renew-self", json!({})).await;
    })
    .await;
}

#[tokio::test]
async fn a_revocation_happens_wholly_or_not_at_all() {
    crash_everywhere(async |house, token| {
        let _ = house.holder(token).write("auth/token/revoke-self", json!({})).await;
    })
    .await;
}
