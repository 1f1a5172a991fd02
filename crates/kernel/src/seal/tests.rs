//! What the seal promises: from an empty store to a node that answers, and back.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use storage::{Commit, CommitError, Memory, Store, Transaction};

use super::*;
use crate::entropy::testing::Seeded;

/// Nodes on one store.
#[derive(Default)]
struct House {
    raw: Arc<Memory>,
}

/// One of them.
struct Node {
    barrier: Arc<Barrier>,
    seal: Seal,
}

impl House {
    fn node(&self, seed: u64) -> Node {
        let entropy = Arc::new(Seeded::new(seed));
        let barrier = Arc::new(Barrier::new(self.raw.clone(), entropy.clone()));
        Node { barrier: barrier.clone(), seal: Seal::new(barrier, entropy) }
    }

    async fn set(&self, key: &str, value: impl Into<Bytes>) {
        let puts = [(key.to_owned(), value.into())].into();
        self.raw.commit(Commit { puts, ..Commit::default() }).await.unwrap();
    }

    async fn value(&self, key: &str) -> Bytes {
        self.raw.get(key).await.unwrap().unwrap().value
    }
}

impl Node {
    /// Initialises with one first record.
    async fn initialize(&self, count: i64, threshold: i64) -> Result<Vec<Share>, SealError> {
        let shares = Shares::new(count, threshold)?;
        let founding = self.seal.initialize(shares).await?;
        let transaction = Transaction::begin(founding.store());
        transaction.put("kv/first", "first record");
        transaction.commit().await.unwrap();
        founding.commit().await
    }

    async fn submit(&self, share: &[u8]) -> Result<Status, SealError> {
        self.seal.submit(Share::from(share.to_vec())).await
    }

    /// Submits shares until the node is unsealed.
    async fn unseal(&self, shares: &[Share]) {
        for share in shares {
            self.submit(share.as_bytes()).await.unwrap();
        }
        assert!(!self.barrier.is_sealed());
    }

    async fn progress(&self) -> u8 {
        self.seal.status().await.unwrap().progress
    }
}

#[tokio::test]
async fn a_store_is_initialised_unsealed_and_sealed() {
    let house = House::default();
    let node = house.node(1);
    let uninitialised = Status { sealed: true, ..Status::default() };
    assert_eq!(node.seal.status().await, Ok(uninitialised));

    let shares = node.initialize(5, 3).await.unwrap();
    assert!(shares.len() == 5 && shares.iter().all(|share| share.as_bytes().len() == 33));
    let sealed =
        Status { initialized: true, sealed: true, shares: 5, threshold: 3, ..Status::default() };
    assert_eq!(node.seal.status().await.as_ref(), Ok(&sealed));
    assert_eq!(node.barrier.get("kv/first").await, Err(Error::Sealed));

    let first = node.submit(shares[4].as_bytes()).await.unwrap();
    assert_eq!(first.nonce.len(), 36);
    assert_eq!(first.nonce.as_bytes()[14], b'4');
    assert_eq!(first, Status { progress: 1, nonce: first.nonce.clone(), ..sealed.clone() });
    let second = node.submit(shares[0].as_bytes()).await.unwrap();
    assert_eq!(second, Status { progress: 2, ..first });
    assert_eq!(node.seal.status().await, Ok(second));
    let unsealed = Status { sealed: false, ..sealed.clone() };
    assert_eq!(node.submit(shares[2].as_bytes()).await.as_ref(), Ok(&unsealed));
    assert_eq!(node.seal.status().await, Ok(unsealed));
    let first_record = node.barrier.get("kv/first").await.unwrap().unwrap();
    assert_eq!(first_record.value, "first record");

    node.seal.seal();
    assert_eq!(node.seal.status().await, Ok(sealed));
    assert_eq!(node.barrier.get("kv/first").await, Err(Error::Sealed));
    node.unseal(&shares[1..4]).await;
}

#[tokio::test]
async fn a_share_counts_once_and_one_too_many_is_no_error() {
    let house = House::default();
    let node = house.node(1);
    let shares = node.initialize(3, 2).await.unwrap();
    let once = node.submit(shares[0].as_bytes()).await.unwrap();
    assert_eq!(node.submit(shares[0].as_bytes()).await, Ok(once));
    let unsealed = node.submit(shares[1].as_bytes()).await.unwrap();
    for superfluous in [shares[2].as_bytes(), b"short", &[7; 99]] {
        assert_eq!(node.submit(superfluous).await.as_ref(), Ok(&unsealed));
    }
    node.seal.seal();
    assert_eq!(node.progress().await, 0);
}

#[tokio::test]
async fn shares_of_another_store_are_refused_only_when_they_are_enough() {
    let (house, other) = (House::default(), House::default());
    let node = house.node(1);
    let right = node.initialize(5, 3).await.unwrap();
    let wrong = other.node(2).initialize(5, 3).await.unwrap();
    assert_eq!(node.submit(wrong[0].as_bytes()).await.unwrap().progress, 1);
    let second = node.submit(wrong[1].as_bytes()).await.unwrap();
    assert_eq!(node.submit(wrong[2].as_bytes()).await, Err(SealError::WrongKey));
    let status = node.seal.status().await.unwrap();
    assert_eq!((status.progress, status.nonce.as_str(), status.sealed), (0, "", true));

    // One wrong share among right ones: the same answer, and no word on which it was.
    node.submit(right[0].as_bytes()).await.unwrap();
    assert_ne!(node.submit(right[1].as_bytes()).await.unwrap().nonce, second.nonce);
    assert_eq!(node.submit(wrong[2].as_bytes()).await, Err(SealError::WrongKey));
    assert_eq!(node.progress().await, 0);
    node.unseal(&right[..3]).await;
}

#[tokio::test]
async fn shares_that_cannot_be_put_together_use_up_the_attempt() {
    let node = House::default().node(1);
    let shares = node.initialize(3, 2).await.unwrap();
    let check = async |second: &[u8], expected: SealError| {
        node.submit(shares[0].as_bytes()).await.unwrap();
        assert_eq!(node.submit(second).await, Err(expected));
        assert_eq!(node.progress().await, 0);
    };
    let point = shares[0].as_bytes()[32];
    check(&[&[7; 32][..], &[point]].concat(), SealError::Combine(CombineError::SamePoint)).await;
    check(&[0; 33], SealError::Combine(CombineError::PointZero)).await;
    check(&[7; 20], SealError::Combine(CombineError::DifferentLengths)).await;
    node.submit(&[1; 20]).await.unwrap();
    assert_eq!(node.submit(&[2; 20]).await, Err(SealError::NotAKey { bytes: 19 }));
}

#[tokio::test]
async fn only_what_can_be_a_share_is_collected() {
    let node = House::default().node(1);
    assert_eq!(node.submit(&[7; 32]).await, Err(SealError::NotInitialized));
    assert_eq!(node.seal.reset().await, Err(SealError::NotInitialized));
    node.initialize(2, 2).await.unwrap();
    for (length, error) in [
        (0, SealError::ShareTooShort),
        (15, SealError::ShareTooShort),
        (34, SealError::ShareTooLong),
        (4096, SealError::ShareTooLong),
    ] {
        assert_eq!(node.submit(&vec![7; length]).await, Err(error), "{length}");
        assert_eq!(node.progress().await, 0);
    }
    assert_eq!(node.submit(&[7; 16]).await.unwrap().progress, 1);
}

#[tokio::test]
async fn a_single_share_is_the_key_itself() {
    let house = House::default();
    let node = house.node(1);
    let shares = node.initialize(1, 1).await.unwrap();
    assert!(shares.len() == 1 && shares[0].as_bytes().len() == 32);
    assert_eq!(node.submit(&[7; 33]).await, Err(SealError::NotAKey { bytes: 33 }));
    assert_eq!(node.submit(&[7; 32]).await, Err(SealError::WrongKey));
    node.unseal(&shares).await;
}

#[tokio::test]
async fn a_reset_forgets_the_shares() {
    let node = House::default().node(1);
    let shares = node.initialize(3, 2).await.unwrap();
    let before = node.seal.status().await;
    node.submit(shares[0].as_bytes()).await.unwrap();
    assert_eq!(node.seal.reset().await, before);
    assert_eq!(node.seal.reset().await, before);
    assert_eq!(node.submit(shares[1].as_bytes()).await.unwrap().progress, 1);
    node.unseal(&shares[2..]).await;
    assert_eq!(node.seal.reset().await, Err(SealError::Unsealed));
}

#[tokio::test]
async fn a_store_is_initialised_once() {
    let house = House::default();
    let (here, there) = (house.node(1), house.node(2));
    let shares = Shares::new(1, 1).unwrap();
    let slower = there.seal.initialize(shares).await.unwrap();
    drop(there.seal.initialize(shares).await.unwrap());
    assert_eq!(house.raw.keys(), [""; 0]);

    let kept = here.initialize(1, 1).await.unwrap();
    let stored = house.raw.keys();
    assert_eq!(slower.commit().await.err(), Some(SealError::AlreadyInitialized));
    assert_eq!(here.initialize(1, 1).await.err(), Some(SealError::AlreadyInitialized));
    assert_eq!(there.initialize(3, 2).await.err(), Some(SealError::AlreadyInitialized));
    assert_eq!(house.raw.keys(), stored);
    there.unseal(&kept).await;
}

#[tokio::test]
async fn what_is_derived_at_initialisation_is_derived_ever_after() {
    let house = House::default();
    let node = house.node(1);
    let founding = node.seal.initialize(Shares::new(1, 1).unwrap()).await.unwrap();
    let key = founding.subkey("tokens");
    let shares = founding.commit().await.unwrap();
    node.unseal(&shares).await;
    assert_eq!(node.barrier.subkey("tokens").unwrap().as_bytes(), key.as_bytes());
    assert_ne!(node.barrier.subkey("audit").unwrap().as_bytes(), key.as_bytes());
}

#[tokio::test]
async fn each_node_collects_its_own_shares() {
    let house = House::default();
    let (here, there) = (house.node(1), house.node(2));
    let shares = here.initialize(3, 2).await.unwrap();
    here.submit(shares[0].as_bytes()).await.unwrap();
    assert_eq!(there.submit(shares[1].as_bytes()).await.unwrap().progress, 1);
    assert_eq!(here.progress().await, 1);
    there.unseal(&shares[2..]).await;
    assert!(here.barrier.is_sealed());
    here.unseal(&shares[1..2]).await;
    here.seal.seal();
    assert!(there.barrier.get("kv/first").await.is_ok());
}

#[tokio::test]
async fn submissions_that_race_end_in_one_unsealing() {
    let house = House::default();
    let node = house.node(1);
    let shares = node.initialize(3, 2).await.unwrap();
    let configuration = house.value("core/seal").await;
    let split = Shares::new(3, 2).unwrap();
    let collect = |at: usize| {
        let share = Share::from(shares[at].as_bytes().to_vec());
        node.seal.collect(share, split, &configuration)
    };
    assert!(collect(0).is_none());
    let attempt = collect(1).unwrap();
    // Taken while the attempt is under way: it belongs to the next one, which never comes.
    assert!(collect(2).is_none());
    assert_eq!(node.progress().await, 1);
    node.seal.unseal(attempt).await.unwrap();
    assert!(node.seal.progress().parts.is_empty());
    assert!(collect(0).is_none());
    assert!(node.seal.progress().parts.is_empty());
}

#[tokio::test]
async fn an_attempt_that_began_before_a_sealing_does_not_undo_it() {
    let house = House::default();
    let node = house.node(1);
    let shares = node.initialize(2, 2).await.unwrap();
    let configuration = house.value("core/seal").await;
    let split = Shares::new(2, 2).unwrap();
    let mut attempts = shares.into_iter().map(|share| {
        let attempt = node.seal.collect(share, split, &configuration);
        node.seal.seal();
        attempt
    });
    // Sealing also forgets what was collected, so the second share is the first of a new attempt.
    assert!(attempts.all(|attempt| attempt.is_none()));

    let house = House::default();
    let node = house.node(1);
    let [share] = <[Share; 1]>::try_from(node.initialize(1, 1).await.unwrap()).unwrap();
    let configuration = house.value("core/seal").await;
    let attempt = node.seal.collect(share, Shares::new(1, 1).unwrap(), &configuration).unwrap();
    node.seal.seal();
    node.seal.unseal(attempt).await.unwrap();
    assert!(node.barrier.is_sealed());
}

#[tokio::test]
async fn shares_collected_under_another_configuration_mean_nothing() {
    let (house, other) = (House::default(), House::default());
    let node = house.node(1);
    let old = node.initialize(3, 2).await.unwrap();
    node.submit(old[0].as_bytes()).await.unwrap();
    let new = other.node(2).initialize(3, 3).await.unwrap();
    for key in other.raw.keys() {
        house.set(&key, other.value(&key).await).await;
    }
    let status = node.seal.status().await.unwrap();
    assert_eq!((status.threshold, status.progress, status.nonce.as_str()), (3, 0, ""));
    node.unseal(&new).await;
}

#[tokio::test]
async fn a_changed_configuration_makes_right_shares_wrong() {
    for (changed, needed) in [
        (r#"{"version":1,"shares":5,"threshold":2}"#, 2), // Fewer shares shall not do,
        (r#"{"version":1,"shares":5,"threshold":4}"#, 4), // nor does asking for more,
        (r#"{"version":1,"shares":4,"threshold":3}"#, 3), // nor lying about their number,
        (r#"{"version":1, "shares":5,"threshold":3}"#, 3), // nor saying the same otherwise.
    ] {
        let house = House::default();
        let node = house.node(1);
        let shares = node.initialize(5, 3).await.unwrap();
        house.set("core/seal", changed).await;
        for share in &shares[..needed - 1] {
            node.submit(share.as_bytes()).await.unwrap();
        }
        let last = node.submit(shares[needed - 1].as_bytes()).await;
        assert_eq!(last, Err(SealError::WrongKey), "{changed}");
    }
}

#[tokio::test]
async fn a_damaged_store_refuses_to_unseal_with_one_error() {
    let house = House::default();
    let node = house.node(1);
    let shares = node.initialize(1, 1).await.unwrap();
    for key in ["core/root-key", "core/keyring"] {
        let good = house.value(key).await;
        for bit in 0..good.len() * 8 {
            let mut damaged = good.to_vec();
            damaged[bit / 8] ^= 1 << (bit % 8);
            house.set(key, damaged).await;
            let answer = node.submit(shares[0].as_bytes()).await;
            assert_eq!(answer, Err(SealError::WrongKey), "bit {bit} of {key}");
        }
        house
            .raw
            .commit(Commit { deletes: [key.into()].into(), ..Commit::default() })
            .await
            .unwrap();
        assert_eq!(node.submit(shares[0].as_bytes()).await, Err(SealError::WrongKey));
        house.set(key, good).await;
    }
    house.set("core/seal", "nonsense").await;
    let damaged = SealError::Store(Error::Corrupt { key: "core/seal".to_owned() });
    assert_eq!(node.submit(shares[0].as_bytes()).await, Err(damaged.clone()));
    assert_eq!(node.seal.status().await, Err(damaged));
    assert!(node.barrier.is_sealed());
}

#[tokio::test]
async fn no_share_is_stored() {
    let house = House::default();
    let node = house.node(1);
    let shares = node.initialize(3, 2).await.unwrap();
    node.unseal(&shares[..2]).await;
    for key in house.raw.keys() {
        let stored = house.value(&key).await;
        for share in &shares {
            let values = &share.as_bytes()[..16];
            assert!(!stored.windows(16).any(|window| window == values), "{key}");
        }
    }
}

#[track_caller]
fn check(error: SealError, text: &str, callers: bool) {
    assert_eq!(error.to_string(), text);
    assert_eq!(error.is_callers(), callers, "{text}");
}

#[test]
fn errors_read_as_clients_know_them() {
    check(SealError::AlreadyInitialized, "Vault is already initialized", true);
    check(SealError::NotInitialized, "Vault is not initialized", true);
    check(SealError::Unsealed, "vault is unsealed", true);
    check(SealError::NotAShare, "'key' must be a valid hex or base64 string", true);
    let short = "invalid key: key is shorter than minimum 16 bytes";
    check(SealError::ShareTooShort, short, true);
    let long = "invalid key: key is longer than maximum 33 bytes";
    check(SealError::ShareTooLong, long, true);
    let combine = "invalid key: failed to compute combined key: duplicate part detected";
    check(SealError::Combine(CombineError::SamePoint), combine, true);
    let setup = "invalid key: failed to setup unseal key: \
                 the key has 33 bytes where 32 are needed";
    check(SealError::NotAKey { bytes: 33 }, setup, true);
    let decrypt = "invalid key: failed to decrypt keys from storage: \
                   cipher: message authentication failed";
    check(SealError::WrongKey, decrypt, true);
    check(SealError::Store(Error::Sealed), "the barrier is sealed; unseal it first", false);
    let unknown = "it is not known whether the commit was applied: lost";
    check(SealError::Commit(CommitError::Unknown("lost".into())), unknown, false);
}
