//! Which policies a new token gets: what is asked for, within what its maker or a role may give.

use api::{Error, NameList, Result, check_policy_names, normalize_policies};

use super::grant::POLICIES_MAX;
use super::role::Role;
use crate::policies::{RESPONSE_WRAPPING_NAME, covers};
use crate::visit::Sudo;

const DEFAULT: &str = "default";

/// What is asked for, and by whom.
pub(super) struct Asked<'a> {
    /// The policies asked for; none means that nothing was said.
    pub(super) policies: NameList,
    /// Leaves `default` out, whoever else wants it.
    pub(super) without_default: bool,
    /// The policies of whoever asks.
    pub(super) own: &'a NameList,
    /// Whether they may give what they have not.
    pub(super) sudo: Sudo,
}

/// The policies of the new token.
///
/// # Errors
/// [`Error::Invalid`] when more is asked for than may be given.
pub(super) fn resolve(asked: &Asked<'_>, role: Option<&Role>) -> Result<NameList> {
    check_number(&asked.policies)?;
    check_policy_names("policies", asked.policies.iter())?;
    let mut policies = match role.filter(|role| role.has_lists()) {
        Some(role) => within_role(asked, role)?,
        None => within_maker(asked, role)?,
    };
    if asked.without_default {
        policies.retain(|name| name != DEFAULT);
    }
    if contains(&policies, RESPONSE_WRAPPING_NAME) {
        return Err(Error::invalid("cannot assign policy \"response-wrapping\""));
    }
    Ok(policies)
}

/// Refuses more names than a token carries, before each of them is looked at.
fn check_number(policies: &NameList) -> Result<()> {
    match policies.len() > POLICIES_MAX {
        true => Err(Error::invalid(format!("a token has at most {POLICIES_MAX} policies"))),
        false => Ok(()),
    }
}

/// Nobody gives more than they have, except who holds `sudo`.
fn within_maker(asked: &Asked<'_>, role: Option<&Role>) -> Result<NameList> {
    if asked.policies.is_empty() {
        return Ok(asked.own.clone());
    }
    let refuses = asked.without_default || role.is_some_and(|role| role.without_default_policy);
    let has_default = asked.sudo == Sudo::Held || contains(asked.own, DEFAULT);
    let policies = match has_default && !refuses {
        true => with_default(&asked.policies),
        false => asked.policies.clone(),
    };
    let is_own = |name: &String| asked.own.contains(name);
    match asked.sudo == Sudo::Held || policies.iter().all(is_own) {
        true => Ok(policies),
        false => Err(Error::invalid("child policies must be subset of parent")),
    }
}

/// A role with lists decides alone; what its user has does not matter.
fn within_role(asked: &Asked<'_>, role: &Role) -> Result<NameList> {
    let adds_default =
        !asked.without_default && !role.without_default_policy && !role.denies(DEFAULT);
    let complete = |names: &NameList| match adds_default {
        true => with_default(names),
        false => normalize_policies(names),
    };
    let policies = complete(match (asked.policies.is_empty(), role.has_allowed()) {
        (true, true) => &role.allowed,
        (true, false) => asked.own,
        (false, _) => &asked.policies,
    });
    let is_allowed = |name: &String| {
        (adds_default && name == DEFAULT)
            || role.allowed.contains(name)
            || role.allowed_globs.iter().any(|glob| covers(glob, name))
    };
    if role.has_allowed() && !policies.iter().all(is_allowed) {
        return Err(Error::invalid(format!(
            "token policies ({}) must be subset of the role's allowed policies ({}) or glob \
             policies ({})",
            quoted(&policies),
            quoted(&role.allowed),
            quoted(&role.allowed_globs)
        )));
    }
    match policies.iter().find(|name| role.denies(name)) {
        Some(name) => {
            Err(Error::invalid(format!("token policy \"{name}\" is disallowed by this role")))
        }
        None => Ok(policies),
    }
}

fn with_default(names: &NameList) -> NameList {
    normalize_policies(names.iter().map(String::as_str).chain([DEFAULT]))
}

fn contains(names: &[String], name: &str) -> bool {
    names.iter().any(|known| known == name)
}

/// A list as these texts have always shown it: `["a" "b"]`.
fn quoted(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("{name:?}")).collect();
    format!("[{}]", quoted.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> NameList {
        text.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    fn role(allowed: &str, disallowed: &str) -> Role {
        Role { allowed: names(allowed), disallowed: names(disallowed), ..Role::default() }
    }

    fn globs(allowed: &str, disallowed: &str) -> Role {
        Role {
            allowed_globs: names(allowed),
            disallowed_globs: names(disallowed),
            ..Role::default()
        }
    }

    /// What `own` asking for `policies` gets by `role`; `!` in front leaves `default` out.
    #[track_caller]
    fn check(
        role: Option<&Role>,
        own: &str,
        policies: &str,
        expected: std::result::Result<&str, &str>,
    ) {
        let own = names(own);
        let asked = Asked {
            policies: normalize_policies(names(policies.trim_start_matches('!'))),
            without_default: policies.starts_with('!'),
            own: &own,
            sudo: if contains(&own, "root") { Sudo::Held } else { Sudo::NotHeld },
        };
        let got = resolve(&asked, role).map(|policies| policies.join(" "));
        let expected = expected.map(str::to_owned).map_err(Error::invalid);
        assert_eq!(got, expected, "{own:?} asks for {policies:?} of {role:?}");
    }

    const SUPERSET: &str = "child policies must be subset of parent";

    // Cases 41, 42, 59, 61, 89 and 90.
    #[test]
    fn without_a_role_nobody_gives_more_than_they_have() {
        check(None, "root", "", Ok("root"));
        check(None, "root", "p", Ok("default p"));
        check(None, "root", "!p", Ok("p"));
        check(None, "default p", "", Ok("default p"));
        check(None, "default p", "!", Ok("p"));
        check(None, "p", "", Ok("p"));
        check(None, "default p q", "P p", Ok("default p"));
        check(None, "default p", "q", Err(SUPERSET));
        check(None, "p", "default", Err(SUPERSET));
        check(None, "root", "z A z", Ok("a default z"));
        check(None, "root", "response-wrapping", Err("cannot assign policy \"response-wrapping\""));
        check(Some(&role("", "")), "p", "p", Ok("p"));
        check(Some(&role("", "")), "p", "q", Err(SUPERSET));
    }

    // Cases 62 to 71.
    #[test]
    fn a_role_with_lists_decides_alone() {
        check(Some(&role("p", "")), "q", "", Ok("default p"));
        check(Some(&role("p", "default")), "q", "", Ok("p"));
        check(Some(&role("", "default")), "p", "", Ok("p"));
        let disallowed = "token policy \"default\" is disallowed by this role";
        check(Some(&role("default", "default")), "q", "", Err(disallowed));
        let p = Err("token policy \"p\" is disallowed by this role");
        check(Some(&role("p", "p")), "q", "p", p);
        check(Some(&role("", "p")), "p", "", p);
        check(Some(&role("", "p")), "q", "foo bar", Ok("bar default foo"));
        check(Some(&role("", "test*")), "q", "test1", Ok("default test1"));
        let star = "token policy \"test*\" is disallowed by this role";
        check(Some(&role("", "test*")), "q", "test*", Err(star));

        let literal = role("test*", "");
        check(Some(&literal), "q", "test*", Ok("default test*"));
        let refused = "token policies ([\"default\" \"test\"]) must be subset of the role's \
                       allowed policies ([\"test*\"]) or glob policies ([])";
        check(Some(&literal), "q", "test", Err(refused));

        let glob = globs("test* lit", "test3*");
        check(Some(&glob), "q", "testfoo test2 test lit", Ok("default lit test test2 testfoo"));
        let refused = "token policies ([\"default\" \"footest\"]) must be subset of the role's \
                       allowed policies ([]) or glob policies ([\"test*\" \"lit\"])";
        check(Some(&glob), "q", "footest", Err(refused));
        check(Some(&glob), "q", "", Ok("default"));
        for name in ["test3", "test3b"] {
            let refused = format!("token policy \"{name}\" is disallowed by this role");
            check(Some(&glob), "q", name, Err(&refused));
        }
    }

    #[test]
    fn default_is_added_unless_the_request_or_the_role_leaves_it_out() {
        let without = Role { without_default_policy: true, ..role("p default", "") };
        check(Some(&without), "q", "p", Ok("p"));
        check(Some(&without), "q", "", Ok("default p"));
        check(Some(&without), "q", "!", Ok("p"));
        check(Some(&role("p", "")), "q", "!p", Ok("p"));
        let bare = Role { without_default_policy: true, ..Role::default() };
        check(Some(&bare), "root", "p", Ok("p"));
    }

    #[test]
    fn too_many_names_are_refused_before_they_are_looked_at() {
        let many: Vec<_> = (0..=POLICIES_MAX).map(|number| number.to_string()).collect();
        check(None, "root", &many.join(" "), Err("a token has at most 1000 policies"));
    }

    #[test]
    fn root_stands_alone_however_it_is_written() {
        check(None, "root", "p ROOT", Ok("root"));
        check(Some(&role("p root", "")), "q", "p", Ok("default p"));
        check(Some(&role("p root", "")), "q", "", Ok("root"));
    }
}
