//! From proof to token: what becomes of a login once its auth method is convinced.

use std::net::SocketAddr;

use api::{Auth, Class, Error, Login, Reply, Result, TokenKind, normalize_policies};
use ipnet::IpNet;

use crate::metrics::{LoginEvent, TokenEvent};
use crate::mounts::{Mount, Route};
use crate::tokens::{Grant, Issue, Kind, issue};
use crate::visit::Visit;
use crate::{identity, lockout, policies};

/// Turns a proven login into a token and its lease, in the same transaction that proved it.
///
/// Whatever a user's record says, no login ever yields the `root` policy: policies are folded
/// first, so there is no spelling of it left to slip through.
///
/// # Errors
/// [`Error::LockedOut`]; [`Error::Invalid`] when the policies are not for logins, or the uses of a
/// batch token were to be counted; [`Error::Internal`] when what answered is no auth method at a
/// public door.
pub(crate) async fn complete(visit: &Visit, route: &Route<'_>, login: Login) -> Result<Reply> {
    if route.mount.class != Class::Auth || !route.is_public() {
        return Err(Error::internal("only the public door of an auth method can log anyone in"));
    }
    // First of all: whatever else there is to say, a locked name does not get to hear it.
    lockout::admit(visit, &route.mount, &login.alias).await?;
    let policies = policies_of(&login)?;
    let kind = route.mount.tuning.token_type.choose(wanted_kind(login.kind));
    if kind == Kind::Batch && login.uses > 0 {
        return Err(Error::invalid(
            "this mount gives out batch tokens, which cannot have \"token_num_uses\" set",
        ));
    }
    let networks = networks_of(&login, visit.remote)?;
    let identified = identity::identify(visit, &route.mount, &login).await?;
    let facts = visit.facts(&route.mount);
    let grant = Grant {
        ttl: login.ttl.unwrap_or_default(),
        ttl_max: login.ttl_max.unwrap_or_default(),
        ttl_explicit_max: login.ttl_explicit_max.unwrap_or_default(),
        period: login.period.unwrap_or_default(),
        mount_default: facts.ttl_default,
        mount_max: facts.ttl_max,
        ..Grant::default()
    };
    let ttl = grant.decide(visit.now, visit.now, &mut |text| visit.warn(text))?;
    let method = facts.path.trim_start_matches("auth/").trim_end_matches('/').replace('/', "-");
    let auth: Auth = issue(
        visit,
        Issue {
            policies,
            path: visit.path.as_str().to_owned(),
            metadata: Some(login.metadata).filter(|metadata| !metadata.is_empty()),
            display_name: format!("{method}-{}", login.display_name),
            parent: None,
            mount: Some(route.mount.storage.clone()),
            ttl: Some(ttl),
            ttl_explicit_max: grant.ttl_explicit_max,
            period: grant.period,
            renewable: true,
            networks,
            kind,
            uses: Some(login.uses).filter(|uses| *uses > 0),
            role: None,
            entity: Some(identified.entity),
            owner: Some(identified.owner),
            identity_policies: identified.policies,
        },
    )
    .await?;
    visit.tally.note(TokenEvent::LoggedIn);
    Ok(Reply::Auth(Box::new(auth)))
}

/// Counts a login, now that what came of it is committed.
pub(crate) fn note(visit: &Visit, mount: &Mount, outcome: &Result<Reply>) {
    let metrics = &visit.kernel.metrics;
    match outcome {
        // Not seen from the reply: it may be wrapped.
        Ok(_) if visit.tally.is_login() => metrics.note_login(mount, LoginEvent::Succeeded),
        Err(Error::LoginFailed(_)) => {
            metrics.note_login(mount, LoginEvent::Failed);
            lockout::announce(visit, mount);
        }
        Err(Error::LockedOut) => metrics.note_login(mount, LoginEvent::Locked),
        _ => {}
    }
}

/// The kind the auth method wants, if it wants one; the mount decides.
fn wanted_kind(kind: TokenKind) -> Option<Kind> {
    match kind {
        TokenKind::Default => None,
        TokenKind::Service => Some(Kind::Service),
        TokenKind::Batch => Some(Kind::Batch),
    }
}

/// The networks the token can be used from: those configured, or only where the login came from.
fn networks_of(login: &Login, remote: Option<SocketAddr>) -> Result<Vec<IpNet>> {
    if !login.bound_to_address {
        return Ok(login.networks.clone());
    }
    let remote = remote.ok_or(Error::Unauthenticated)?;
    Ok(vec![IpNet::from(remote.ip().to_canonical())])
}

fn policies_of(login: &Login) -> Result<Vec<String>> {
    let mut policies = normalize_policies(&login.policies);
    if policies.iter().any(|name| name == "root") {
        return Err(Error::invalid("auth methods cannot create root tokens"));
    }
    if policies.iter().any(|name| name == policies::RESPONSE_WRAPPING_NAME) {
        return Err(Error::invalid("cannot assign policy \"response-wrapping\""));
    }
    if login.without_default_policy {
        policies.retain(|name| name != "default");
        return Ok(policies);
    }
    policies.push("default".to_owned());
    Ok(normalize_policies(policies))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(policies: &[&str], expected: Option<&[&str]>) {
        let policies = policies.iter().map(|name| (*name).to_owned()).collect();
        let given = policies_of(&Login { policies, ..Login::default() }).ok();
        assert_eq!(
            given.as_deref(),
            expected.map(|e| e.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).as_deref()
        );
    }

    #[test]
    fn a_token_can_be_bound_to_the_address_its_login_came_from() {
        let networks: Vec<IpNet> = ["10.0.0.0/8".parse().expect("a network")].into();
        let free = Login { networks: networks.clone(), ..Login::default() };
        let bound = Login { bound_to_address: true, ..free.clone() };
        assert_eq!(networks_of(&free, None), Ok(networks));
        for (remote, expected) in [
            ("10.1.2.3:50000", "10.1.2.3/32"),
            ("[::ffff:10.1.2.3]:50000", "10.1.2.3/32"),
            ("[2001:db8::1]:50000", "2001:db8::1/128"),
        ] {
            let expected: IpNet = expected.parse().expect("a network");
            let remote = remote.parse().ok();
            assert_eq!(networks_of(&bound, remote), Ok(vec![expected]), "{remote:?}");
        }
        assert_eq!(networks_of(&bound, None), Err(Error::Unauthenticated));
    }

    #[test]
    fn no_spelling_of_root_gets_through() {
        for root in ["root", "ROOT", " root", "Root\t", "rOOt\n", "\u{a0}root", "root\u{2003}"] {
            check(&["dev", root], None);
        }
        check(&["response-wrapping"], None);
        check(&[], Some(&["default"]));
        check(&["Ops", "dev"], Some(&["default", "dev", "ops"]));
        check(&["roots", "toor"], Some(&["default", "roots", "toor"]));
    }
}
