//! Many nodes, one store, no leader.

use std::sync::Arc;

use api::Error;
use serde_json::json;
use simulator::House;
use storage::Memory;
use storage::testing::Busy;

async fn busy(nodes: usize) -> House {
    let memory = Arc::new(Memory::default());
    let mut house = House::on(memory.clone(), 0, 7).await;
    house.store = Arc::new(Busy::new(memory, 7));
    house.restart(nodes).await;
    crate::walk::furnish(&house).await;
    house
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_ended_on_one_node_is_refused_by_every_other_from_that_moment_on() {
    let house = busy(3).await;
    for round in 0..20 {
        let token = house.at(round % 3).login("mitchellh", "foo").await.unwrap();
        for node in 0..3 {
            house.at(node).with_token(&token).read("auth/token/lookup-self").await.unwrap();
        }
        house
            .at(round % 3)
            .with_token(&token)
            .write("auth/token/revoke-self", json!({}))
            .await
            .unwrap();
        for node in 0..3 {
            let refused = house.at(node).with_token(&token).read("auth/token/lookup-self").await;
            assert_eq!(refused, Err(Error::UnknownToken));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn mounts_and_policies_of_one_node_hold_on_every_other_at_once() {
    let house = busy(2).await;
    for round in 0..20 {
        let (here, there) = (house.at(round % 2), house.at((round + 1) % 2));
        let (here, there) = (here.with_token(&house.root), there.with_token(&house.root));
        let path = format!("sys/mounts/m{round}");
        here.write(&path, json!({"type": "kv"})).await.unwrap();
        there.write(&format!("m{round}/a"), json!({"b": "c"})).await.unwrap();
        there.delete(&path).await.unwrap();
        assert!(matches!(here.read(&format!("m{round}/a")).await, Err(Error::NoRoute(_))));
    }
}

/// What stays of a first login when its token has ended: the entity with its alias, the ways to
/// find it by name, by alias, and by the alias's id, and when its user last logged in.
const RECORDS_OF_A_USER: usize = 5;

/// Four nodes reach for the same hundred leases; each lease ends exactly once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_lease_ends_exactly_once() {
    let house = busy(4).await;
    house.root().write("auth/userpass/users/mitchellh", json!({"ttl": 60})).await.unwrap();
    let census = house.census().await.len();
    for number in 0..100 {
        house.at(number % 4).login("mitchellh", "foo").await.unwrap();
    }
    assert_eq!(house.settle().await, Ok(0), "nothing is due yet");
    assert!(house.census().await.len() >= census + 300);
    house.wait(61);
    let mut tasks = vec![];
    for node in house.nodes.clone() {
        tasks.push(tokio::spawn(async move {
            let mut ended = 0;
            for _ in 0..8 {
                for worker in kernel::WORKERS {
                    let done = (worker.work)(&node).await.unwrap();
                    // What is cleared up behind them is no second end.
                    ended += if worker.name == "end leases that are due" { done } else { 0 };
                }
            }
            ended
        }));
    }
    let mut ended = 0;
    for task in tasks {
        ended += task.await.unwrap();
    }
    assert_eq!(ended, 100);
    house.settle().await.unwrap();
    assert_eq!(house.census().await.len(), census + RECORDS_OF_A_USER);
}

/// Everybody wants to mount at the same place; one of them does.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_want_the_same_place_one_gets_it() {
    let house = Arc::new(busy(4).await);
    let mut tasks = vec![];
    for number in 0..16 {
        let house = house.clone();
        tasks.push(tokio::spawn(async move {
            let caller = house.at(number % 4).with_token(&house.root);
            caller.write("sys/mounts/place", json!({"type": "kv"})).await.is_ok()
        }));
    }
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await.unwrap());
    }
    assert_eq!(winners, 1);
}
