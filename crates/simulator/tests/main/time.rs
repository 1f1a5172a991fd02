//! An hour forward or back, or a node whose clock is ahead of another's, neither revives nor loses
//! anything.

use std::sync::Arc;

use api::testing::HeldClock;
use api::{Error, Seconds};
use kernel::{Company, WORKERS};
use serde_json::{Value, json};
use simulator::{Caller, House, START_SECONDS};
use storage::Memory;

const HOUR: u64 = 3600;
/// What a token of an hour may be short of, or over, when somebody sets the clock: a fiftieth.
const SLACK: u64 = 72;

async fn token(caller: &Caller, seconds: u64) -> String {
    let body = json!({"policies": ["default"], "ttl": seconds});
    let made = caller.write("auth/token/create", body).await.unwrap();
    made["client_token"].as_str().unwrap().to_owned()
}

async fn look(house: &House, node: usize, token: &str) -> Result<Value, Error> {
    house.at(node).with_token(token).read("auth/token/lookup-self").await
}

async fn is_good(house: &House, token: &str) -> bool {
    look(house, 0, token).await.is_ok()
}

/// Lets time pass second by second at both machines, with every chore done along the way.
async fn pass(house: &House, other: Option<&HeldClock>, seconds: u64) {
    for _ in 0..seconds {
        house.wait(1);
        if let Some(other) = other {
            other.advance(Seconds(1));
        }
        house.settle().await.unwrap();
    }
}

#[tokio::test]
async fn an_hour_forward_on_a_running_node_ends_no_token_early() {
    let house = House::new().await;
    let token = token(&house.root(), HOUR).await;
    house.clock.step_forward(Seconds(HOUR));
    house.settle().await.unwrap();
    assert!(is_good(&house, &token).await);
    house.wait(HOUR - SLACK);
    house.settle().await.unwrap();
    assert!(is_good(&house, &token).await);
    house.wait(SLACK);
    assert!(!is_good(&house, &token).await, "nor does it live longer");
}

#[tokio::test]
async fn an_hour_back_revives_nothing_and_loses_nothing() {
    let house = House::new().await;
    let (short, long) = (token(&house.root(), 60).await, token(&house.root(), 2 * HOUR).await);
    house.wait(60);
    assert!(!is_good(&house, &short).await);
    house.clock.step_back(Seconds(HOUR));
    assert!(!is_good(&house, &short).await);
    assert!(is_good(&house, &long).await);
    house.wait(2 * HOUR - 60 - SLACK);
    assert!(is_good(&house, &long).await);
    house.wait(4 * SLACK);
    assert!(!is_good(&house, &long).await, "an hour back is not an hour more");
}

#[tokio::test]
async fn an_hour_back_while_the_node_is_down_revives_nothing_and_loses_nothing() {
    let mut house = House::new().await;
    let (short, long) = (token(&house.root(), 60).await, token(&house.root(), 2 * HOUR).await);
    house.wait(55);
    for worker in WORKERS.iter().filter(|worker| worker.name == "keep the time") {
        (worker.work)(&house.nodes[0]).await.unwrap();
    }
    // It ends between two notes, and nobody has cleared it up when the power goes.
    house.wait(5);
    assert!(!is_good(&house, &short).await);
    house.clock.step_back(Seconds(HOUR));
    house.restart(1).await;
    assert!(!is_good(&house, &short).await);
    assert!(is_good(&house, &long).await);
    house.wait(2 * HOUR - 60 - 3 * SLACK);
    assert!(is_good(&house, &long).await);
}

#[tokio::test]
async fn what_ended_while_all_nodes_were_down_is_refused_at_the_first_request() {
    let mut house = House::new().await;
    let token = token(&house.root(), 60).await;
    house.wait(61);
    house.restart(1).await;
    assert_eq!(look(&house, 0, &token).await, Err(Error::UnknownToken));
}

/// A node that knows the time, and another whose clock is an hour ahead.
async fn two_that_differ() -> (House, Arc<HeldClock>) {
    let mut house = House::on(Arc::new(Memory::default()), 0, 3).await;
    house.join(house.clock.clone(), Company::Others).await;
    let ahead = Arc::new(HeldClock::at(START_SECONDS + HOUR));
    house.join(ahead.clone(), Company::Others).await;
    (house, ahead)
}

#[tokio::test]
async fn a_node_whose_clock_is_ahead_follows_the_others() {
    let (house, ahead) = two_that_differ().await;
    let early = token(&house.root(), HOUR).await;
    let waits = look(&house, 1, &early).await;
    assert!(matches!(waits, Err(Error::NotYet(_))), "{waits:?}");
    assert_eq!(house.at(1).read("sys/health").await.unwrap()["standby"], true);

    pass(&house, Some(&ahead), 12).await;
    assert_eq!(house.at(1).read("sys/health").await.unwrap()["standby"], false);
    look(&house, 1, &early).await.unwrap();
    let late = token(&house.at(1).with_token(&house.root), HOUR).await;
    pass(&house, Some(&ahead), HOUR - 30).await;
    for node in 0..2 {
        look(&house, node, &early).await.unwrap();
        look(&house, node, &late).await.unwrap();
    }
    pass(&house, Some(&ahead), 60).await;
    for node in 0..2 {
        assert_eq!(look(&house, node, &early).await, Err(Error::UnknownToken), "at {node}");
        assert_eq!(look(&house, node, &late).await, Err(Error::UnknownToken), "at {node}");
    }
}

#[tokio::test]
async fn a_node_that_waits_for_others_in_vain_was_alone() {
    let mut house = House::on(Arc::new(Memory::default()), 0, 3).await;
    house.join(house.clock.clone(), Company::Others).await;
    let token = token(&house.root(), HOUR).await;
    house.nodes.clear();
    house.wait(2 * HOUR);
    house.join(house.clock.clone(), Company::Others).await;
    house.settle().await.unwrap();
    assert!(matches!(look(&house, 0, &token).await, Err(Error::NotYet(_))));
    pass(&house, None, 31).await;
    assert_eq!(look(&house, 0, &token).await, Err(Error::UnknownToken));
}

/// Both were down for an hour, and one of them has a clock that is an hour ahead of the other's.
#[tokio::test]
async fn nodes_that_start_together_agree_on_one_time() {
    let (mut house, ahead) = two_that_differ().await;
    house.nodes.clear();
    house.wait(HOUR);
    ahead.advance(Seconds(HOUR));
    house.join(house.clock.clone(), Company::Others).await;
    house.join(ahead.clone(), Company::Others).await;
    pass(&house, Some(&ahead), 40).await;
    for node in 0..2 {
        // The first to note its time decides, which the clock that is ahead is not.
        let health = house.at(node).read("sys/health").await.unwrap();
        let time = health["server_time_utc"].as_u64().unwrap();
        assert!((START_SECONDS + HOUR..=START_SECONDS + HOUR + 40).contains(&time));
    }
    let token = token(&house.root(), 600).await;
    pass(&house, Some(&ahead), 570).await;
    for node in 0..2 {
        look(&house, node, &token).await.unwrap();
    }
    pass(&house, Some(&ahead), 60).await;
    for node in 0..2 {
        assert_eq!(look(&house, node, &token).await, Err(Error::UnknownToken), "at {node}");
    }
}
