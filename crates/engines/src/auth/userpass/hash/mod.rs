//! Turning passwords into hashes, and comparing, without telling by time who exists.
//!
//! New passwords are hashed with Argon2id. Hashes made elsewhere are taken over as they are
//! ([`Hashed::import`]) and replaced by one of ours at the next login. The work is done in the
//! workshop, in memory that the bench keeps, and once per request however often its attempt starts
//! over.
//!
//! Hashes of different kinds take differently long, so every login at a mount does the same work,
//! whoever it names: one verification of each kind that occurs among the mount's users, and one of
//! the kind that new hashes have. The user's own hash takes the place of its kind; the other places
//! are taken by decoys. See [`verify`].
//!
//! Reading order: here, then [`kind`] (what a hash costs), then the file of an algorithm.

use api::{Context, Error, Result, Scratch, Secret};
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

mod argon2;
mod bcrypt;
mod kind;
mod limits;
mod notation;
mod parameters;
mod pbkdf2;
mod scrypt;

pub(super) use kind::Kind;
pub(super) use limits::Limits;
pub(super) use parameters::Parameters;

/// How many kinds of hashes the users of a mount may have: each costs every login.
pub(super) const KINDS_MAX: usize = 16;

const SALT_BYTES: usize = 16;
/// No hash we know is written longer.
const TEXT_BYTES_MAX: usize = 512;

/// A password's hash. It is stored as text, and has no `Debug` form: it is nearly a secret.
#[derive(Clone, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Hashed {
    text: String,
    opened: Opened,
}

/// A question about a password, and what else to do so that the time does not tell the answer.
pub(super) struct Verification<'a> {
    /// The hash of the user, if there is such a user.
    pub(super) hashed: Option<&'a Hashed>,
    /// The kinds of hashes that occur among the users of this mount.
    pub(super) others: &'a [Kind],
    /// How this mount hashes new passwords.
    pub(super) parameters: Parameters,
    /// What was given as the password.
    pub(super) password: &'a Secret,
}

/// The answer to a [`Verification`].
#[derive(Clone)]
pub(super) struct Verdict {
    /// Whether it is the password that was hashed.
    pub(super) matches: bool,
    /// A hash to keep instead, if it matches and the old one is not of the kind of new ones.
    pub(super) rehashed: Option<Hashed>,
}

/// Hashes a new password.
pub(super) async fn hash(
    context: &Context,
    parameters: Parameters,
    password: &Secret,
) -> Result<Hashed> {
    hash_for(context, parameters, password, "the one it is about").await
}

/// Hashes a new password of `whom`, in a request that may give several people the same one.
pub(super) async fn hash_for(
    context: &Context,
    parameters: Parameters,
    password: &Secret,
    whom: &str,
) -> Result<Hashed> {
    let kind = parameters.kind();
    let question = format!("hash {} as {kind} for {whom}", fingerprint(password));
    let work = async {
        let salt = fresh_salt(context);
        let password = password.clone();
        let job = move |scratch: &mut Scratch| parameters.hash(&salt, &password, scratch);
        context.workshop.work(job).await?
    };
    context.memory.once(&question, work).await
}

/// Whether the password is the one that was hashed. Without a hash it never is, and finding that
/// out takes just as long.
pub(super) async fn verify(context: &Context, question: Verification<'_>) -> Result<Verdict> {
    let Verification { hashed, others, parameters, password } = question;
    let kinds = kinds(hashed, others, parameters);
    let against = hashed.map_or("nothing", |hashed| &hashed.text);
    let question = format!("verify {} against {against} as {kinds:?}", fingerprint(password));
    let round = Round {
        places: kinds.into_iter().map(|kind| Place::of(kind, hashed, parameters)).collect(),
        parameters,
        salt: fresh_salt(context),
        password: password.clone(),
    };
    let work = async { context.workshop.work(move |scratch| round.run(scratch)).await? };
    context.memory.once(&question, work).await
}

/// What tells passwords apart in a request's memory, which must not hold the passwords themselves.
fn fingerprint(password: &Secret) -> String {
    HEXLOWER.encode(digest(&SHA256, password.reveal().as_bytes()).as_ref())
}

fn fresh_salt(context: &Context) -> [u8; SALT_BYTES] {
    let mut salt = [0; SALT_BYTES];
    context.entropy.fill(&mut salt);
    salt
}

/// Every kind once, in an order that does not depend on whose password it is.
fn kinds(hashed: Option<&Hashed>, others: &[Kind], parameters: Parameters) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = others.iter().take(KINDS_MAX).copied().collect();
    kinds.push(parameters.kind());
    kinds.extend(hashed.map(Hashed::kind));
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// One login's work: a hash of every kind. What the hashes are for differs between users, and
/// nothing that takes time depends on it.
struct Round {
    places: Vec<Place>,
    parameters: Parameters,
    salt: [u8; SALT_BYTES],
    password: Secret,
}

/// What the hash of one kind is for.
enum Place {
    /// Is it the user's password?
    Own(Opened),
    /// If it is, this will be kept instead of the user's hash.
    Fresh,
    /// Only time.
    Decoy(Opened),
}

impl Place {
    fn of(kind: Kind, hashed: Option<&Hashed>, parameters: Parameters) -> Self {
        match hashed.filter(|hashed| hashed.kind() == kind) {
            Some(own) => Self::Own(own.opened.clone()),
            None if kind == parameters.kind() => Self::Fresh,
            None => Self::Decoy(Opened::decoy(kind)),
        }
    }
}

impl Round {
    fn run(&self, scratch: &mut Scratch) -> Result<Verdict> {
        let Self { places, parameters, salt, password } = self;
        let mut matches = Choice::from(0);
        let mut rehashed = None;
        for place in places {
            match place {
                Place::Own(own) => matches = own.matches(password, scratch)?,
                Place::Fresh => rehashed = Some(parameters.hash(salt, password, scratch)?),
                Place::Decoy(decoy) => drop(decoy.matches(password, scratch)?),
            }
        }
        let matches = bool::from(matches);
        Ok(Verdict { matches, rehashed: rehashed.filter(|_| matches) })
    }
}

impl Hashed {
    /// Takes over a hash that was made elsewhere.
    pub(super) fn import(text: &Secret, limits: &Limits) -> Result<Self> {
        let text = text.reveal().to_owned();
        let opened = Opened::read(&text)?;
        opened.kind.check(limits)?;
        Ok(Self { text, opened })
    }

    /// What one verification costs.
    pub(super) fn kind(&self) -> Kind {
        self.opened.kind
    }
}

impl TryFrom<String> for Hashed {
    type Error = &'static str;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        // The texts of `import` are for operators, about what they gave.
        Self::import(&Secret::new(text), &Limits::default())
            .map_err(|_| "a stored password hash is damaged")
    }
}

impl From<Hashed> for String {
    fn from(hashed: Hashed) -> Self {
        hashed.text
    }
}

/// A hash taken apart.
#[derive(Clone)]
struct Opened {
    kind: Kind,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Opened {
    fn read(text: &str) -> Result<Self> {
        let readers = [argon2::read, bcrypt::read, scrypt::read, pbkdf2::read];
        let known = readers.iter().filter(|_| text.len() <= TEXT_BYTES_MAX);
        known.filter_map(|read| read(text)).next().unwrap_or_else(|| {
            Err(Error::invalid(
                "password_hash has none of the forms that work: bcrypt ($2b$10$...), Argon2 \
                 ($argon2id$v=19$m=..,t=..,p=..$salt$hash), scrypt \
                 ($scrypt$ln=..,r=..,p=..$salt$hash or $7$...), PBKDF2 \
                 ($pbkdf2-sha256$i=..$salt$hash, $pbkdf2-sha256$rounds$salt$hash or \
                 pbkdf2_sha256$rounds$salt$hash)",
            ))
        })
    }

    /// What is verified in place of a hash that the user does not have.
    fn decoy(kind: Kind) -> Self {
        Self { kind, salt: vec![0; SALT_BYTES], tag: vec![0; kind.algorithm().tag_bytes()] }
    }

    fn matches(&self, password: &Secret, scratch: &mut Scratch) -> Result<Choice> {
        let algorithm = self.kind.algorithm();
        let password = password.reveal().as_bytes();
        // What the algorithm cannot take does not match, but the work is done all the same.
        let taken = algorithm.takes(password);
        let given = if taken { password } else { b"" };
        let mut tag = Zeroizing::new(vec![0; self.tag.len()]);
        algorithm.derive((given, &self.salt), &mut tag, scratch)?;
        Ok(tag.ct_eq(&self.tag) & Choice::from(u8::from(taken)))
    }
}

#[cfg(test)]
mod tests;
