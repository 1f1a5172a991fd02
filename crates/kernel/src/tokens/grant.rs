//! How long a token lives, and writing a new one down.
//!
//! The rules are those clients rely on: facts and names follow the API's own documentation of
//! token time-to-live (`ttl`, `max_ttl`, `explicit_max_ttl`, `period`).

use api::{Auth, Entropy, Error, KeyValues, Moment, NameList, Result, Seconds, Secret};
use aws_lc_rs::hmac;
use ipnet::IpNet;
use storage::View;

use super::kind::Kind;
use super::record::{
    ACCESSORS, CHILDREN, ENDED, FIRST_ROOT_PATH, OWNED, Owner, TOKENS, Token, TokenKey,
};
use super::{batch, format};
use crate::metrics::TokenEvent;
use crate::visit::Visit;
use crate::{leases, policies};

/// Policies of one token: each is looked at whenever the token is used.
pub(super) const POLICIES_MAX: usize = 1000;
/// Bytes of what is remembered about a token: audit entries carry it along.
const METADATA_BYTES_MAX: usize = 64 * 1024;

/// What decides how long a token lives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grant {
    /// How long its holder asks for, from now; only when renewing.
    pub(crate) increment: Seconds,
    /// How long its maker or auth method wants it to live.
    pub(crate) ttl: Seconds,
    /// How long it can be renewed, says its auth method; 0 says nothing.
    pub(crate) ttl_max: Seconds,
    /// An end no renewal moves; 0 when there is none.
    pub(crate) ttl_explicit_max: Seconds,
    /// It lives as long as it is renewed within this time; 0 when it is not periodic.
    pub(crate) period: Seconds,
    /// What the mount says when nobody else does.
    pub(crate) mount_default: Seconds,
    /// What nobody may exceed.
    pub(crate) mount_max: Seconds,
}

/// A new token, but for its text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Issue {
    pub(crate) policies: NameList,
    pub(crate) path: String,
    pub(crate) metadata: Option<KeyValues>,
    pub(crate) display_name: String,
    pub(crate) parent: Option<TokenKey>,
    pub(crate) mount: Option<String>,
    /// For ever, when there is none.
    pub(crate) ttl: Option<Seconds>,
    pub(crate) ttl_explicit_max: Seconds,
    pub(crate) period: Seconds,
    pub(crate) renewable: bool,
    pub(crate) networks: Vec<IpNet>,
    pub(crate) kind: Kind,
    /// How often it can be used; always, when there is none.
    pub(crate) uses: Option<u64>,
    pub(crate) role: Option<String>,
    pub(crate) entity: Option<String>,
    pub(crate) owner: Option<Owner>,
    /// Policies its entity brings: shown, but not kept with the token.
    pub(crate) identity_policies: NameList,
}

impl Grant {
    /// How long the token lives from `now`, having been issued at `issued`; what had to be cut
    /// short is told to `warn`.
    ///
    /// # Errors
    /// [`Error::Failed`] when its last end has come.
    pub(crate) fn decide(
        &self,
        issued: Moment,
        now: Moment,
        warn: &mut dyn FnMut(String),
    ) -> Result<Seconds> {
        let limits = [Some(self.mount_max), self.ttl_max.set(), self.ttl_explicit_max.set()];
        let max = limits.into_iter().flatten().min().unwrap_or(self.mount_max);
        let (wanted, end) = match self.period.set() {
            Some(period) => {
                if period > max {
                    warn(format!(
                        "period of \"{period}\" exceeded the effective max_ttl of \"{max}\"; \
                         period value is capped accordingly"
                    ));
                }
                let end = self.ttl_explicit_max.set().map(|explicit| issued.plus(explicit));
                (period.min(max), end)
            }
            None => {
                let asked = [self.increment.set(), self.ttl.set()].into_iter().flatten().next();
                (asked.unwrap_or(self.mount_default), Some(issued.plus(max)))
            }
        };
        let Some(end) = end else { return Ok(wanted) };
        if now >= end {
            return Err(Error::Failed("past the max TTL, cannot renew".to_owned()));
        }
        if now.plus(wanted) <= end {
            return Ok(wanted);
        }
        let left = end.since(now);
        // What is cut by less than a second is not worth a word.
        if left < wanted {
            warn(format!(
                "TTL of \"{wanted}\" exceeded the effective max_ttl of \"{left}\"; \
                 TTL value is capped accordingly"
            ));
        }
        Ok(left)
    }
}

/// Makes a token: its record, accessor, place in the tree and due date, in this transaction; or a
/// batch token, of which nothing is written.
///
/// # Errors
/// When the barrier is sealed.
pub(crate) async fn issue(visit: &Visit, issue: Issue) -> Result<Auth> {
    if issue.kind == Kind::Batch {
        return issue_batch(visit, issue).await;
    }
    let text = format::generate(&*visit.kernel.entropy, visit.now);
    let key = key_of(visit, &text)?;
    issue_under(visit, issue, (&text, key)).await
}

/// As [`issue`], with a text of the maker's choice.
///
/// # Errors
/// [`Error::Invalid`] when there is such a token already, or was one until just now: what that one
/// left behind must not become this one's.
pub(crate) async fn issue_as(visit: &Visit, issue: Issue, text: &Secret) -> Result<Auth> {
    let key = key_of(visit, text)?;
    if ENDED.get(&visit.system, &key).await?.is_some() {
        return Err(Error::invalid(
            "a token with this ID has just ended; try again in a moment or choose another ID",
        ));
    }
    issue_under(visit, issue, (text, key)).await
}

/// The name a token with this text is stored under.
///
/// # Errors
/// [`Error::Invalid`] when no token can be like that.
pub(crate) fn key_of(visit: &Visit, text: &Secret) -> Result<TokenKey> {
    let index = visit.kernel.token_index()?;
    let key = format::key_of(text, &index);
    key.ok_or_else(|| Error::invalid("a token cannot be empty"))
}

async fn issue_under(
    visit: &Visit,
    issue: Issue,
    (text, key): (&Secret, TokenKey),
) -> Result<Auth> {
    if TOKENS.get(&visit.system, &key).await?.is_some() {
        return Err(Error::invalid("cannot create a token with a duplicate ID"));
    }
    check_size(&issue)?;
    let is_endless = issue.ttl.is_none_or(Seconds::is_zero);
    if is_endless && !issue.policies.iter().any(|name| name == "root") {
        return Err(Error::internal("only a token that may do everything may live for ever"));
    }
    let identity_policies = issue.identity_policies.clone();
    let mut token = issue.into_token(visit, leases::era(visit).await?);
    token.accessor = format::generate_accessor(&*visit.kernel.entropy, visit.now);
    write(&visit.system, &key, &token);
    visit.tally.note(TokenEvent::Created);
    Ok(token.to_auth(visit.now, text.reveal(), &identity_policies))
}

/// It can be neither renewed nor counted, since nothing about it can change; and what ends it are
/// its time, its ancestors, its mount, its entity and the end of all its owner's tokens.
async fn issue_batch(visit: &Visit, issue: Issue) -> Result<Auth> {
    if issue.ttl.is_none() {
        return Err(Error::internal("a batch token has to end by itself"));
    }
    check_size(&issue)?;
    let identity_policies = issue.identity_policies.clone();
    let token = Token {
        renewable: false,
        uses_left: None,
        ttl_explicit_max: Seconds::ZERO,
        period: Seconds::ZERO,
        ..issue.into_token(visit, leases::era(visit).await?)
    };
    let mut auth = token.to_auth(visit.now, "", &identity_policies);
    let subkey = visit.kernel.batch_tokens()?;
    let text = batch::seal(token, &subkey, &*visit.kernel.entropy)?;
    text.reveal().clone_into(&mut auth.client_token);
    visit.tally.note(TokenEvent::Created);
    Ok(auth)
}

impl Issue {
    /// The token that is made now, but for its accessor.
    fn into_token(self, visit: &Visit, era: u64) -> Token {
        let ttl = self.ttl.unwrap_or_default();
        Token {
            accessor: String::new(),
            policies: self.policies,
            path: self.path,
            metadata: self.metadata,
            display_name: self.display_name,
            parent: self.parent,
            mount: self.mount,
            issued: visit.now,
            renewed: None,
            expires: self.ttl.map(|ttl| visit.now.plus(ttl)),
            ttl_creation: ttl,
            ttl,
            ttl_explicit_max: self.ttl_explicit_max,
            period: self.period,
            renewable: self.renewable && self.ttl.is_some(),
            networks: self.networks,
            kind: self.kind,
            uses_left: self.uses,
            role: self.role,
            entity: self.entity,
            owner: self.owner,
            address: visit.remote.map(|remote| remote.ip().to_canonical()),
            era,
        }
    }
}

/// Refuses what would make every later use of the token dear.
fn check_size(issue: &Issue) -> Result<()> {
    if issue.policies.len() > POLICIES_MAX {
        return Err(Error::invalid(format!("a token has at most {POLICIES_MAX} policies")));
    }
    if issue.policies.iter().any(|name| name.chars().count() > policies::NAME_MAX) {
        return Err(Error::invalid("a policy name has at most 256 letters"));
    }
    let metadata = issue.metadata.iter().flatten();
    if metadata.map(|(name, value)| name.len() + value.len()).sum::<usize>() > METADATA_BYTES_MAX {
        return Err(Error::invalid("the metadata of a token is longer than 64 KiB"));
    }
    Ok(())
}

/// Makes the first token of a new server: it may do everything and never ends.
pub(crate) fn found_root(
    system: &View,
    index: &hmac::Key,
    entropy: &dyn Entropy,
    now: Moment,
) -> Secret {
    let text = format::generate(entropy, now);
    let key = format::key_of(&text, index).expect("a new token can be a token");
    let token = Token {
        accessor: format::generate_accessor(entropy, now),
        policies: vec!["root".to_owned()],
        path: FIRST_ROOT_PATH.to_owned(),
        metadata: None,
        display_name: "root".to_owned(),
        parent: None,
        mount: None,
        issued: now,
        renewed: None,
        expires: None,
        ttl_creation: Seconds::ZERO,
        ttl: Seconds::ZERO,
        ttl_explicit_max: Seconds::ZERO,
        period: Seconds::ZERO,
        renewable: false,
        networks: vec![],
        kind: Kind::Service,
        uses_left: None,
        role: None,
        entity: None,
        owner: None,
        address: None,
        era: 0,
    };
    write(system, &key, &token);
    text
}

/// Everything there is of a token, together.
fn write(system: &View, key: &TokenKey, token: &Token) {
    TOKENS.put(system, key, token);
    ACCESSORS.put(system, &token.accessor, key);
    leases::put(system, key, token);
    if let Some(parent) = &token.parent {
        CHILDREN.put(system, &format!("{parent}/{key}"), &());
    }
    if let Some(owner) = &token.owner {
        OWNED.put(system, &owner.place_of(key), &());
    }
    if let Some(end) = token.expires {
        leases::put_due(system, end, key);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const HOUR: u64 = 3600;

    /// Times in hours: how long is granted at `now` to a token issued at 0, and how many warnings.
    #[track_caller]
    fn check(grant: &Grant, now: u64, expected: Option<(u64, usize)>) {
        let mut warnings = vec![];
        let base = Moment::from_unix(1_000_000);
        let decided = grant.decide(base, base.plus(Seconds(now * HOUR)), &mut |w| warnings.push(w));
        let decided = decided.ok().map(|ttl| (ttl.0 / HOUR, warnings.len()));
        assert_eq!(decided, expected, "{grant:?} at {now}");
    }

    fn hours(hours: u64) -> Seconds {
        Seconds(hours * HOUR)
    }

    #[test]
    fn the_first_who_says_decides_and_the_smallest_limit_holds() {
        let mount = Grant { mount_default: hours(24), mount_max: hours(100), ..Grant::default() };
        check(&mount, 0, Some((24, 0)));
        check(&mount, 90, Some((10, 1)));
        check(&mount, 100, None);
        let own = Grant { ttl: hours(5), ttl_max: hours(10), ..mount.clone() };
        check(&own, 0, Some((5, 0)));
        check(&own, 8, Some((2, 1)));
        check(&Grant { increment: hours(1), ..own.clone() }, 8, Some((1, 0)));
        check(&Grant { ttl: hours(200), ..mount.clone() }, 0, Some((100, 1)));
        check(&Grant { ttl_explicit_max: hours(3), ..own }, 0, Some((3, 1)));
    }

    #[test]
    fn a_period_has_no_end_unless_one_is_explicit() {
        let periodic = Grant {
            period: hours(2),
            increment: hours(50),
            mount_default: hours(24),
            mount_max: hours(100),
            ..Grant::default()
        };
        check(&periodic, 0, Some((2, 0)));
        check(&periodic, 1000, Some((2, 0)));
        check(&Grant { period: hours(2000), ..periodic.clone() }, 0, Some((100, 1)));
        let ending = Grant { ttl_explicit_max: hours(3), ..periodic };
        check(&ending, 2, Some((1, 1)));
        check(&ending, 3, None);
    }

    #[test]
    fn warnings_say_what_was_cut_to_what() {
        let mut text = String::new();
        let grant = Grant { ttl: hours(1000), mount_max: hours(768), ..Grant::default() };
        grant
            .decide(Moment::from_unix(0), Moment::from_unix(0), &mut |warning| text = warning)
            .unwrap();
        assert_eq!(
            text,
            "TTL of \"1000h\" exceeded the effective max_ttl of \"768h\"; \
             TTL value is capped accordingly"
        );
    }
}
