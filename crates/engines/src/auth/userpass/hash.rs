//! Turning passwords into hashes, and comparing.
//!
//! Argon2id, written down as a PHC string (`$argon2id$v=19$m=19456,t=2,p=1$salt$tag`). The work is
//! done in the workshop, in memory that the bench keeps, and once per request however often its
//! attempt starts over.

use api::{Context, Error, Result, Secret};
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// How new passwords are hashed.
const PARAMETERS: Parameters = Parameters { memory_kib: 19_456, passes: 2, lanes: 1 };

const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 32;

/// A stored hash that asks for more than this is refused: it would be a way to stop the server.
const MEMORY_KIB_MAX: u32 = 256 * 1024;
/// As [`MEMORY_KIB_MAX`], for time.
const PASSES_MAX: u32 = 16;
/// As [`MEMORY_KIB_MAX`], for how the memory is divided.
const LANES_MAX: u32 = 16;

/// What one hash costs.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Parameters {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// A password's hash as it is stored. It has no `Debug` form: it is nearly a secret.
#[derive(Clone, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Hashed(String);

/// Memory that one hash needs, kept from job to job.
#[derive(Default)]
struct Arena(Vec<Block>);

type Tag = Zeroizing<[u8; TAG_BYTES]>;

/// Hashes a new password.
pub(super) async fn hash(context: &Context, password: Secret) -> Result<Hashed> {
    let work = async {
        let mut salt = [0; SALT_BYTES];
        context.entropy.fill(&mut salt);
        let job = move |arena: &mut Arena| {
            let tag = derive(PARAMETERS, &salt, &password, arena)?;
            PARAMETERS.encode(&salt, &tag)
        };
        context.workshop.work(move |scratch| job(scratch.of())).await?
    };
    // A request gives at most one password, so this names what the answer depends on.
    context.memory.once("hash the new password", work).await
}

/// Whether `password` is the one that was hashed. Without a hash it never is, and finding that out
/// takes just as long.
pub(super) async fn verify(
    context: &Context,
    hashed: Option<&Hashed>,
    password: Secret,
) -> Result<bool> {
    let known = hashed.is_some();
    let hashed = hashed.cloned().map_or_else(decoy, Ok)?;
    let question = format!("verify the password against {}", hashed.0);
    let work = async {
        let job = move |arena: &mut Arena| hashed.verify(&password, arena);
        context.workshop.work(move |scratch| job(scratch.of())).await?
    };
    let verified = context.memory.once(&question, work).await?;
    Ok(verified && known)
}

/// What the password of somebody unknown is compared with.
fn decoy() -> Result<Hashed> {
    PARAMETERS.encode(&[0; SALT_BYTES], &[0; TAG_BYTES])
}

impl Hashed {
    fn verify(&self, password: &Secret, arena: &mut Arena) -> Result<bool> {
        let (parameters, salt, expected) = self.decode()?;
        let tag = derive(parameters, &salt, password, arena)?;
        Ok(tag.as_slice().ct_eq(expected.as_bytes()).into())
    }

    fn decode(&self) -> Result<(Parameters, Salt, Output)> {
        // The library's own errors could quote the hash.
        let damaged = || Error::internal("a stored password hash is damaged");
        let hash = PasswordHash::new(&self.0).map_err(|_| damaged())?;
        let params = Params::try_from(&hash).map_err(|_| damaged())?;
        let parameters = Parameters::of(&params);
        let version = u32::from(Version::V0x13);
        let ours = hash.algorithm == ARGON2ID_IDENT && hash.version == Some(version);
        match (hash.salt, hash.hash) {
            (Some(salt), Some(tag)) if ours && parameters.within_limits() => {
                Ok((parameters, salt, tag))
            }
            _ => Err(damaged()),
        }
    }
}

impl Parameters {
    fn of(params: &Params) -> Self {
        Self { memory_kib: params.m_cost(), passes: params.t_cost(), lanes: params.p_cost() }
    }

    fn within_limits(self) -> bool {
        let Self { memory_kib, passes, lanes } = self;
        memory_kib <= MEMORY_KIB_MAX && passes <= PASSES_MAX && lanes <= LANES_MAX
    }

    fn params(self) -> Result<Params> {
        let Self { memory_kib, passes, lanes } = self;
        Params::new(memory_kib, passes, lanes, Some(TAG_BYTES)).map_err(Error::internal)
    }

    fn encode(self, salt: &[u8], tag: &[u8; TAG_BYTES]) -> Result<Hashed> {
        let hash = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&self.params()?).map_err(Error::internal)?,
            salt: Some(Salt::new(salt).map_err(Error::internal)?),
            hash: Some(Output::new(tag).map_err(Error::internal)?),
        };
        Ok(Hashed(hash.to_string()))
    }
}

/// The work itself.
fn derive(
    parameters: Parameters,
    salt: &[u8],
    password: &Secret,
    arena: &mut Arena,
) -> Result<Tag> {
    let params = parameters.params()?;
    let blocks = params.block_count();
    if arena.0.len() < blocks {
        arena.0.resize(blocks, Block::new());
    }
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut tag = Tag::default();
    let password = password.reveal().as_bytes();
    argon2
        .hash_password_into_with_memory(password, salt, tag.as_mut_slice(), &mut arena.0)
        .map_err(Error::internal)?;
    Ok(tag)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    const TINY: Parameters = Parameters { memory_kib: 8, passes: 1, lanes: 1 };

    fn hashed(parameters: Parameters, password: &str) -> Hashed {
        let salt = [7; SALT_BYTES];
        let tag = derive(parameters, &salt, &Secret::new(password), &mut Arena::default());
        parameters.encode(&salt, &tag.unwrap()).unwrap()
    }

    #[track_caller]
    fn check(stored: &str, password: &str, expected: Option<bool>) {
        let hashed = Hashed(stored.to_owned());
        let verified = hashed.verify(&Secret::new(password), &mut Arena::default());
        assert_eq!(verified.ok(), expected, "{stored}");
    }

    #[test]
    fn only_the_password_itself_verifies() {
        let stored = hashed(TINY, "hunter2").0;
        check(&stored, "hunter2", Some(true));
        check(&stored, "hunter3", Some(false));
        check(&stored, "hunter2\0", Some(false));
        check(&stored, "", Some(false));
    }

    #[test]
    fn hashes_of_others_verify() {
        // Made with the reference implementation.
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ\
                      $CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        check(stored, "password", Some(true));
        check(stored, "differentpassword", Some(false));
    }

    #[test]
    fn damaged_or_greedy_hashes_are_refused() {
        let tail = "$BwcHBwcHBwcHBwcHBwcHBw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        check("", "x", None);
        check("hunter2", "x", None);
        check(&format!("$argon2id$v=19$m=8,t=1,p=1{tail}"), "x", Some(false));
        check(&format!("$argon2i$v=19$m=8,t=1,p=1{tail}"), "x", None);
        check(&format!("$argon2id$v=16$m=8,t=1,p=1{tail}"), "x", None);
        check(&format!("$argon2id$v=19$m=262145,t=1,p=1{tail}"), "x", None);
        check(&format!("$argon2id$v=19$m=8,t=17,p=1{tail}"), "x", None);
        check(&format!("$argon2id$v=19$m=136,t=1,p=17{tail}"), "x", None);
        check("$argon2id$v=19$m=8,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw", "x", None);
    }

    #[test]
    fn new_hashes_cost_what_is_recommended() {
        let stored = decoy().unwrap().0;
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(stored.split('$').map(str::len).collect::<Vec<_>>()[4..], [22, 43]);
    }

    #[test]
    fn a_bench_keeps_its_memory() {
        let mut arena = Arena::default();
        let password = Secret::new("hunter2");
        let first = derive(TINY, &[1; SALT_BYTES], &password, &mut arena).unwrap();
        let place = arena.0.as_ptr();
        let second = derive(TINY, &[1; SALT_BYTES], &password, &mut arena).unwrap();
        assert_eq!(first, second);
        assert_eq!(arena.0.as_ptr(), place);
    }
}
