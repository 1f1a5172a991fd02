//! What the barrier promises, over a store that is in reach of an enemy.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use storage::Memory;
use storage::testing::{Busy, Flaky, conformance};

use super::records::{ROOT_KEY, SEAL};
use super::*;
use crate::entropy::testing::Seeded;

const CONFIGURATION: &[u8] = b"three of five";

/// A store in memory, whose next change can be made to fail.
#[derive(Default)]
struct Raw {
    memory: Memory,
    fault: Mutex<Option<Fault>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// The store refuses.
    Refused,
    /// The connection is lost before the commit arrives.
    LostBefore,
    /// The connection is lost before the answer arrives.
    LostAfter,
}

#[async_trait]
impl Store for Raw {
    async fn get(&self, key: &str) -> Result<Option<Record>> {
        self.memory.get(key).await
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>> {
        self.memory.list(prefix, after, limit).await
    }

    async fn commit(&self, commit: Commit) -> std::result::Result<Revision, CommitError> {
        let fault = self.fault.lock().unwrap().take();
        let lost = || CommitError::Unknown("lost".to_owned());
        match fault {
            None => self.memory.commit(commit).await,
            Some(Fault::Refused) => Err(CommitError::Store(Error::Unavailable("no".to_owned()))),
            Some(Fault::LostBefore) => Err(lost()),
            Some(Fault::LostAfter) => self.memory.commit(commit).await.and(Err(lost())),
        }
    }

    fn watch(&self) -> Watch {
        self.memory.watch()
    }
}

impl Raw {
    fn fail_next(&self, fault: Fault) {
        *self.fault.lock().unwrap() = Some(fault);
    }

    async fn value(&self, key: &str) -> Option<Bytes> {
        self.memory.get(key).await.unwrap().map(|record| record.value)
    }

    async fn set(&self, key: &str, value: Bytes) {
        self.memory.commit(put(key, value)).await.unwrap();
    }

    /// Everything there is.
    async fn all(&self) -> BTreeMap<String, Bytes> {
        let mut all = BTreeMap::new();
        for key in self.memory.keys() {
            let value = self.value(&key).await.unwrap();
            all.insert(key, value);
        }
        all
    }

    /// Values above the barrier that are sealed under each term.
    async fn sealed_per_term(&self) -> BTreeMap<u32, u64> {
        let mut terms = BTreeMap::new();
        for (key, value) in self.all().await {
            if !is_reserved(&key) {
                *terms.entry(Envelope::parse(&value).unwrap().term).or_default() += 1;
            }
        }
        terms
    }
}

/// A founded store and its unseal key.
struct House {
    raw: Arc<Raw>,
    unseal_key: Key32,
}

impl House {
    async fn founded() -> Self {
        let house = Self { raw: Arc::default(), unseal_key: Key32::random(&Seeded::new(0)) };
        house.found(1, &[("first", "record")]).await.unwrap();
        house
    }

    async fn found(
        &self,
        seed: u64,
        records: &[(&str, &'static str)],
    ) -> std::result::Result<(), CommitError> {
        let barrier = self.sealed(seed);
        let records = records.iter().map(|(key, value)| ((*key).to_owned(), (*value).into()));
        let configuration = Bytes::from_static(CONFIGURATION);
        let guard = Guard { unseal_key: &self.unseal_key, configuration };
        barrier.found(&barrier.foundation(), guard, &records.collect()).await
    }

    fn sealed(&self, seed: u64) -> Barrier {
        Barrier::new(self.raw.clone(), Arc::new(Seeded::new(seed)))
    }

    async fn unsealed(&self, seed: u64) -> Barrier {
        let barrier = self.sealed(seed);
        let opened = barrier.open(&self.unseal_key, CONFIGURATION).await;
        barrier.install(opened.unwrap_or_else(|_| panic!("the right key is refused")));
        barrier
    }

    async fn opens(&self) -> bool {
        self.sealed(99).open(&self.unseal_key, CONFIGURATION).await.is_ok()
    }
}

fn put(key: &str, value: impl Into<Bytes>) -> Commit {
    Commit { puts: [(key.to_owned(), value.into())].into(), ..Commit::default() }
}

async fn read(barrier: &Barrier, key: &str) -> Result<Option<Bytes>> {
    Ok(barrier.get(key).await?.map(|record| record.value))
}

fn value(text: &'static str) -> Result<Option<Bytes>> {
    Ok(Some(Bytes::from_static(text.as_bytes())))
}

fn flipped(value: &Bytes, bit: usize) -> Bytes {
    let mut value = value.to_vec();
    value[bit / 8] ^= 1 << (bit % 8);
    value.into()
}

async fn check_sealed(barrier: &Barrier) {
    let sealed = || CommitError::Store(Error::Sealed);
    assert!(barrier.is_sealed());
    assert_eq!(barrier.get("first").await, Err(Error::Sealed));
    assert_eq!(barrier.get(KEYRING).await, Err(Error::Sealed));
    assert_eq!(barrier.list("", "", 9).await, Err(Error::Sealed));
    assert_eq!(barrier.commit(put("a", "b")).await, Err(sealed()));
    assert_eq!(barrier.commit(Commit::default()).await, Err(sealed()));
    assert_eq!(barrier.rotate().await, Err(sealed()));
    assert_eq!(barrier.active_term(), Err(Error::Sealed));
    assert_eq!(barrier.subkey("a").err(), Some(Error::Sealed));
}

#[tokio::test]
async fn a_sealed_barrier_answers_nothing() {
    let house = House::founded().await;
    check_sealed(&house.sealed(2)).await;
    let barrier = house.unsealed(2).await;
    assert_eq!(read(&barrier, "first").await, value("record"));
    barrier.seal();
    check_sealed(&barrier).await;
}

#[tokio::test]
async fn what_is_put_comes_back_and_only_ciphertext_is_stored() {
    let house = House::founded().await;
    let barrier = house.unsealed(2).await;
    let canary = "a value nobody shall find";
    barrier.commit(put("kv/a", canary)).await.unwrap();
    barrier.rotate().await.unwrap();
    barrier.commit(put("kv/b", canary)).await.unwrap();
    assert_eq!(read(&barrier, "kv/a").await, value(canary));
    assert_eq!(read(&house.unsealed(3).await, "kv/b").await, value(canary));

    let keys = barrier.keys().unwrap();
    let mut secrets: Vec<Vec<u8>> = vec![canary.into(), b"record".to_vec()];
    secrets.push(keys.root.as_bytes().to_vec());
    secrets.push(house.unseal_key.as_bytes().to_vec());
    secrets.extend(keys.keyring.encode().windows(16).map(<[u8]>::to_vec));
    for (key, stored) in house.raw.all().await {
        if key == SEAL {
            assert_eq!(stored, CONFIGURATION);
            continue;
        }
        for secret in &secrets {
            assert!(!stored.windows(secret.len()).any(|window| window == secret), "{key}");
        }
    }
}

#[tokio::test]
async fn every_flipped_bit_of_a_value_is_noticed() {
    let house = House::founded().await;
    let barrier = house.unsealed(2).await;
    let good = house.raw.value("first").await.unwrap();
    for bit in 0..good.len() * 8 {
        house.raw.set("first", flipped(&good, bit)).await;
        assert_eq!(read(&barrier, "first").await, Err(corrupt("first")), "bit {bit}");
    }
    for length in 0..good.len() {
        house.raw.set("first", good.slice(..length)).await;
        assert_eq!(read(&barrier, "first").await, Err(corrupt("first")), "{length} bytes");
    }
    house.raw.set("first", good).await;
    assert_eq!(read(&barrier, "first").await, value("record"));
}

#[tokio::test]
async fn every_flipped_bit_of_what_guards_the_keys_is_refused() {
    let house = House::founded().await;
    for key in [ROOT_KEY, KEYRING] {
        let good = house.raw.value(key).await.unwrap();
        for bit in 0..good.len() * 8 {
            house.raw.set(key, flipped(&good, bit)).await;
            assert!(!house.opens().await, "bit {bit} of {key}");
        }
        house.raw.set(key, good).await;
    }
    for bit in 0..CONFIGURATION.len() * 8 {
        let configuration = flipped(&Bytes::from_static(CONFIGURATION), bit);
        let opened = house.sealed(2).open(&house.unseal_key, &configuration).await;
        assert!(matches!(opened, Err(OpeningError::Refused)), "bit {bit}");
    }
    assert!(house.opens().await);
}

#[tokio::test]
async fn every_flipped_bit_of_the_count_stops_writing() {
    let house = House::founded().await;
    let path = budget::path(1);
    let good = house.raw.value(&path).await.unwrap();
    for bit in 0..good.len() * 8 {
        house.raw.set(&path, flipped(&good, bit)).await;
        let written = house.unsealed(2).await.commit(put("a", "b")).await;
        assert_eq!(written, Err(CommitError::Store(corrupt(&path))), "bit {bit}");
    }
}

#[tokio::test]
async fn values_that_changed_places_are_noticed() {
    let house = House::founded().await;
    let barrier = house.unsealed(2).await;
    barrier.commit(put("second", "other")).await.unwrap();
    let (first, second) = (house.raw.value("first").await, house.raw.value("second").await);
    house.raw.set("first", second.unwrap()).await;
    house.raw.set("second", first.unwrap()).await;
    assert_eq!(read(&barrier, "first").await, Err(corrupt("first")));
    assert_eq!(read(&barrier, "second").await, Err(corrupt("second")));
}

#[tokio::test]
async fn nobody_above_reaches_the_barriers_own_records() {
    let house = House::founded().await;
    let barrier = house.unsealed(2).await;
    barrier.commit(put("c", "")).await.unwrap();
    barrier.commit(put("corf", "")).await.unwrap();
    let before = house.raw.all().await;
    let key = || KEYRING.to_owned();
    let refused = refuse_reserved(KEYRING).unwrap_err();
    let deletes = Commit { deletes: [key()].into(), ..Commit::default() };
    let checks = Commit { checks: [(key(), None)].into(), ..Commit::default() };
    for commit in [put("core/new", "x"), put(KEYRING, "x"), deletes, checks] {
        let answer = barrier.commit(commit).await;
        assert_eq!(answer, Err(CommitError::Store(refused.clone())));
    }
    assert_eq!(barrier.get(KEYRING).await, Err(refused.clone()));
    assert_eq!(barrier.list("core/", "", 9).await, Err(refused.clone()));
    assert_eq!(barrier.list("core/b", "", 9).await, Err(refused));
    assert_eq!(house.raw.all().await, before);

    assert_eq!(barrier.list("", "", 9).await.unwrap(), ["c", "corf", "first"]);
    assert_eq!(barrier.list("", "c", 1).await.unwrap(), ["corf"]);
    assert_eq!(barrier.list("cor", "", 1).await.unwrap(), ["corf"]);
    assert_eq!(barrier.list("core", "", 9).await.unwrap(), [""; 0]);
    assert_eq!(barrier.list("", "", 0).await.unwrap(), [""; 0]);
    assert_eq!(barrier.list("f", "", 9).await.unwrap(), ["first"]);
}

#[tokio::test]
async fn nodes_read_each_other_and_follow_a_rotation_at_once() {
    let house = House::founded().await;
    let (here, there) = (house.unsealed(2).await, house.unsealed(3).await);
    there.commit(put("old", "under term one")).await.unwrap();
    let subkey = *there.subkey("tokens").unwrap().as_bytes();
    assert_eq!(here.rotate().await, Ok(2));

    // The other node has not looked since, and yet does not use the old key once more.
    there.commit(put("there", "x")).await.unwrap();
    here.commit(put("here", "y")).await.unwrap();
    assert_eq!(house.raw.sealed_per_term().await, [(1, 2), (2, 2)].into());
    assert_eq!(there.active_term(), Ok(2));

    assert_eq!(here.rotate().await, Ok(3));
    here.commit(put("new", "z")).await.unwrap();
    assert_eq!(read(&there, "new").await, value("z"));
    assert_eq!(read(&there, "old").await, value("under term one"));
    assert_eq!(subkey, *there.subkey("tokens").unwrap().as_bytes());
    assert_eq!(subkey, *house.unsealed(4).await.subkey("tokens").unwrap().as_bytes());
}

#[tokio::test]
async fn of_two_rotations_at_once_one_counts() {
    let house = House::founded().await;
    let (here, there) = (house.unsealed(2).await, house.unsealed(3).await);
    let stale = there.keys().unwrap();
    assert_eq!(here.rotate().await, Ok(2));
    there.rotate_once(&stale).await.unwrap();
    assert_eq!(there.active_term(), Ok(2));
    here.commit(put("a", "b")).await.unwrap();
    assert_eq!(read(&there, "a").await, value("b"));
    // Asked for later, it is another rotation, also on the node that did not see the first.
    assert_eq!(there.rotate().await, Ok(3));
    assert_eq!(here.rotate().await, Ok(4));
}

#[tokio::test]
async fn a_rotation_that_breaks_off_leaves_the_old_keyring_or_the_new() {
    for (fault, term) in [(Fault::Refused, 1), (Fault::LostBefore, 1), (Fault::LostAfter, 2)] {
        let house = House::founded().await;
        let barrier = house.unsealed(2).await;
        barrier.commit(put("a", "before")).await.unwrap();
        house.raw.fail_next(fault);
        assert_eq!(barrier.rotate().await.is_ok(), term == 2);
        assert_eq!(house.unsealed(3).await.active_term(), Ok(term));
        assert_eq!(barrier.active_term(), Ok(term));
        assert_eq!(read(&barrier, "a").await, value("before"));
        barrier.commit(put("b", "after")).await.unwrap();
        assert_eq!(barrier.rotate().await, Ok(term + 1));
        assert_eq!(read(&barrier, "b").await, value("after"));
        let later = house.unsealed(4).await;
        assert_eq!(later.active_term(), Ok(term + 1));
        assert_eq!(read(&later, "a").await, value("before"));
    }
}

#[tokio::test]
async fn a_sealing_is_not_undone_by_what_was_under_way() {
    let house = House::founded().await;
    let barrier = house.unsealed(2).await;
    let keys = barrier.keys().unwrap();
    house.unsealed(3).await.rotate().await.unwrap();
    barrier.seal();
    assert_eq!(barrier.reload(&keys).await.err(), Some(Error::Sealed));
    assert_eq!(barrier.rotate_once(&keys).await, Err(CommitError::Store(Error::Sealed)));
    check_sealed(&barrier).await;
}

#[tokio::test]
async fn keys_in_use_are_not_replaced_by_older_ones() {
    let house = House::founded().await;
    let barrier = house.unsealed(2).await;
    let Ok(opened) = barrier.open(&house.unseal_key, CONFIGURATION).await else {
        panic!("the right key is refused")
    };
    barrier.rotate().await.unwrap();
    barrier.install(opened);
    assert_eq!(barrier.active_term(), Ok(2));
}

/// Writes one value after another, each under a key of its own, on nodes that live for `lifetime`
/// writes, and checks the count after each.
async fn check_budget(block: u64, term: u64, lifetime: u64) {
    let house = House::founded().await;
    let mut node = house.unsealed(2).await;
    for written in 0..60 {
        if written % lifetime == 0 {
            node = house.unsealed(1000 + written).await;
            node.allowance = Allowance { block, term };
        }
        node.commit(put(&format!("kv/{written}"), "x")).await.unwrap();
        let sealed = house.raw.sealed_per_term().await;
        assert!(sealed.values().all(|count| *count <= term), "{sealed:?}");
        let active = node.active_term().unwrap();
        let count = house.raw.value(&budget::path(active)).await.unwrap();
        let counted = budget::open_count(&node.keys().unwrap().keyring, &count).unwrap();
        assert!(counted >= sealed[&active] && counted <= term, "{counted} of {sealed:?}");
    }
    assert!(node.active_term().unwrap() >= u32::try_from(60 / term).unwrap());
    let budgets = house.raw.list(records::BUDGETS, "", 9).await.unwrap();
    assert_eq!(budgets, [budget::path(node.active_term().unwrap())]);
}

#[tokio::test]
async fn no_key_seals_more_than_its_share_whatever_crashes() {
    check_budget(4, 10, 100).await;
    check_budget(4, 10, 3).await;
    check_budget(4, 10, 1).await;
    check_budget(10, 10, 7).await;
    check_budget(1, 7, 2).await;
}

#[tokio::test]
async fn nodes_share_one_budget() {
    let house = House::founded().await;
    let mut nodes = Vec::new();
    for seed in 2..6 {
        let mut node = house.unsealed(seed).await;
        node.allowance = Allowance { block: 3, term: 20 };
        nodes.push(node);
    }
    for written in 0..120 {
        let node = &nodes[written * written % 4];
        node.commit(put(&format!("kv/{written}"), "x")).await.unwrap();
    }
    let sealed = house.raw.sealed_per_term().await;
    assert!(sealed.len() >= 6 && sealed.values().all(|count| *count <= 20), "{sealed:?}");
}

#[tokio::test]
async fn a_lost_reservation_costs_a_block_and_writes_nothing() {
    let house = House::founded().await;
    let barrier = house.unsealed(2).await;
    for fault in [Fault::Refused, Fault::LostBefore, Fault::LostAfter] {
        house.raw.fail_next(fault);
        let answer = barrier.commit(put("a", "b")).await;
        assert!(matches!(answer, Err(CommitError::Store(Error::Unavailable(_)))), "{answer:?}");
        assert_eq!(house.raw.value("a").await, None);
    }
    barrier.commit(put("a", "b")).await.unwrap();
    let count = house.raw.value(&budget::path(1)).await.unwrap();
    let counted = budget::open_count(&barrier.keys().unwrap().keyring, &count).unwrap();
    assert_eq!(counted, 1 + 2 * Allowance::default().block);
}

#[tokio::test]
async fn a_commit_larger_than_a_key_may_seal_is_refused() {
    let house = House::founded().await;
    let mut barrier = house.unsealed(2).await;
    barrier.allowance = Allowance { block: 1, term: 2 };
    let puts = |count| (0..count).map(|n| (format!("kv/{n}"), Bytes::new())).collect();
    barrier.commit(Commit { puts: puts(2), ..Commit::default() }).await.unwrap();
    let answer = barrier.commit(Commit { puts: puts(3), ..Commit::default() }).await;
    assert!(matches!(answer, Err(CommitError::Store(Error::Unavailable(_)))), "{answer:?}");
}

#[tokio::test]
async fn a_count_or_keyring_that_was_put_back_or_removed_is_noticed() {
    let house = House::founded().await;
    let mut barrier = house.unsealed(2).await;
    barrier.allowance = Allowance { block: 1, term: 100 };
    let (count, path) = (house.raw.value(&budget::path(1)).await.unwrap(), budget::path(1));
    barrier.commit(put("a", "b")).await.unwrap();
    house.raw.set(&path, count).await;
    let damaged = Err(CommitError::Store(corrupt(&path)));
    assert_eq!(barrier.commit(put("a", "b")).await, damaged);
    let removal = Commit { deletes: [path.clone()].into(), ..Commit::default() };
    house.raw.memory.commit(removal).await.unwrap();
    assert_eq!(barrier.commit(put("a", "b")).await, damaged);

    let house = House::founded().await;
    let barrier = house.unsealed(2).await;
    let keyring = house.raw.value(KEYRING).await.unwrap();
    barrier.rotate().await.unwrap();
    house.raw.set(KEYRING, keyring).await;
    let damaged = Err(CommitError::Store(corrupt(KEYRING)));
    assert_eq!(barrier.commit(put("a", "b")).await, damaged);
}

#[tokio::test]
async fn a_store_is_founded_once_and_whole() {
    let house = House { raw: Arc::default(), unseal_key: Key32::random(&Seeded::new(0)) };
    for fault in [Fault::Refused, Fault::LostBefore] {
        house.raw.fail_next(fault);
        assert!(house.found(1, &[("a", "b")]).await.is_err());
        assert_eq!(house.raw.memory.keys(), [""; 0]);
    }
    assert!(house.found(1, &[(KEYRING, "b")]).await.is_err());
    house.raw.fail_next(Fault::LostAfter);
    assert_eq!(house.found(1, &[("a", "b")]).await, Ok(()));
    let before = house.raw.all().await;
    let again = house.found(2, &[("c", "d")]).await.unwrap_err();
    assert!(matches!(again, CommitError::Conflict { key } if is_reserved(&key)));
    assert_eq!(house.raw.all().await, before);
    assert_eq!(read(&house.unsealed(3).await, "a").await, value("b"));
}

#[tokio::test]
async fn another_stores_keys_never_write_here() {
    let house = House::founded().await;
    let barrier = house.unsealed(2).await;
    barrier.commit(put("a", "b")).await.unwrap();
    let all =
        Commit { deletes: house.raw.memory.keys().into_iter().collect(), ..Commit::default() };
    house.raw.memory.commit(all).await.unwrap();
    house.found(77, &[]).await.unwrap();
    let refused = Err(CommitError::Store(corrupt(KEYRING)));
    assert_eq!(barrier.commit(put("a", "b")).await, refused);
}

#[tokio::test]
async fn no_nonce_is_used_twice() {
    let house = House::founded().await;
    let barrier = house.unsealed(2).await;
    let puts = (0..300).map(|n| (format!("kv/{n}"), Bytes::new())).collect();
    barrier.commit(Commit { puts, ..Commit::default() }).await.unwrap();
    barrier.commit(put("kv/x", "")).await.unwrap();
    let all = house.raw.all().await;
    let nonces: std::collections::BTreeSet<_> =
        all.iter().filter(|(key, _)| *key != SEAL).map(|(_, value)| &value[5..17]).collect();
    assert_eq!(nonces.len(), all.len() - 1);
}

/// Several nodes on one store, which take turns.
struct Nodes {
    barriers: Vec<Barrier>,
    turn: AtomicUsize,
}

impl Nodes {
    /// Two nodes on `below`, which shows them `memory`. They have so little room in their budget
    /// that every few writes one of them has to reserve or to rotate.
    async fn on(memory: Arc<Memory>, below: Arc<dyn Store>) -> Self {
        let unseal_key = Key32::random(&Seeded::new(0));
        let founder = Barrier::new(memory.clone(), Arc::new(Seeded::new(1)));
        let guard = Guard { unseal_key: &unseal_key, configuration: Bytes::new() };
        founder.found(&founder.foundation(), guard, &BTreeMap::new()).await.unwrap();
        let mut barriers = Vec::new();
        for seed in 2..4 {
            let mut barrier = Barrier::new(below.clone(), Arc::new(Seeded::new(seed)));
            barrier.allowance = Allowance { block: 5, term: 40 };
            let opened = founder.open(&unseal_key, b"").await;
            barrier.install(opened.unwrap_or_else(|_| panic!("the right key is refused")));
            barriers.push(barrier);
        }
        Self { barriers, turn: AtomicUsize::new(0) }
    }

    fn next(&self) -> &Barrier {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        &self.barriers[turn % self.barriers.len()]
    }
}

#[async_trait]
impl Store for Nodes {
    async fn get(&self, key: &str) -> Result<Option<Record>> {
        self.next().get(key).await
    }

    async fn list(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>> {
        self.next().list(prefix, after, limit).await
    }

    async fn commit(&self, commit: Commit) -> std::result::Result<Revision, CommitError> {
        self.next().commit(commit).await
    }

    fn watch(&self) -> Watch {
        self.next().watch()
    }
}

#[tokio::test]
async fn barriers_are_a_store_like_any_other() {
    let plain = async || {
        let memory: Arc<Memory> = Arc::default();
        Arc::new(Nodes::on(memory.clone(), memory).await) as Arc<dyn Store>
    };
    conformance::run(plain).await;
    for seed in 0..3 {
        conformance::run_busy(plain, seed).await;
        let contested = async || {
            let memory: Arc<Memory> = Arc::default();
            let busy = Arc::new(Busy::losing_one_in(12, memory.clone(), seed));
            Arc::new(Nodes::on(memory, busy).await) as Arc<dyn Store>
        };
        conformance::run_busy(contested, seed).await;
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_whatever_fails() {
    for seed in 0..20 {
        let memory: Arc<Memory> = Arc::default();
        let flaky = Flaky::failing_one_in(5, memory.clone(), seed);
        let nodes = Nodes::on(memory.clone(), Arc::new(flaky)).await;
        let mut acknowledged = Vec::new();
        for written in 0..150 {
            let key = format!("kv/{written}");
            if nodes.commit(put(&key, key.clone())).await.is_ok() {
                acknowledged.push(key);
            }
        }
        assert!(acknowledged.len() > 50);
        let raw = Raw { memory: Memory::default(), fault: Mutex::default() };
        for key in memory.keys() {
            raw.set(&key, memory.get(&key).await.unwrap().unwrap().value).await;
        }
        let sealed = raw.sealed_per_term().await;
        assert!(sealed.len() > 2 && sealed.values().all(|count| *count <= 40), "{sealed:?}");
        let house = House { raw: Arc::new(raw), unseal_key: Key32::random(&Seeded::new(0)) };
        let reader = house.sealed(9);
        let opened = reader.open(&house.unseal_key, b"").await;
        reader.install(opened.unwrap_or_else(|_| panic!("the right key is refused")));
        for key in acknowledged {
            assert_eq!(read(&reader, &key).await, Ok(Some(key.into())), "seed {seed}");
        }
    }
}
