//! Lists of names, as policies and addresses are given.

use unicode_normalization::is_nfc;

use crate::{Error, Result};

/// A list of names that clients may also write as `"a,b"`.
pub type NameList = Vec<String>;

/// A name as it is known wherever case does not matter: in paths, in records, in lists of names.
pub fn fold_name(name: &str) -> String {
    name.to_lowercase()
}

/// Whether this is letters, digits and underscores, with dashes and dots between them; ASCII only.
pub fn is_name(text: &str) -> bool {
    is_spelt_with(text, "-.")
}

/// Whether this is a name, or one that only an e-mail address has: with `@` and `+` in it as well.
pub fn is_name_or_address(text: &str) -> bool {
    is_spelt_with(text, "-.@+")
}

fn is_spelt_with(text: &str, between: &str) -> bool {
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.starts_with(is_word)
        && text.ends_with(is_word)
        && text.chars().all(|letter| is_word(letter) || between.contains(letter))
}

/// Policy names as tokens carry them: trimmed, lower-case, each once, sorted; `root` stands alone.
pub fn normalize_policies<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> NameList {
    let folded = names.into_iter().map(|name| name.as_ref().trim().to_lowercase());
    let mut names: NameList = folded.filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    if names.iter().any(|name| name == "root") { vec!["root".to_owned()] } else { names }
}

/// Refuses names that no policy can have, since no path that leads to one is written so. Nobody has
/// a use for them, but careless hands might take them for the names of others. `field` is what they
/// were given as.
///
/// # Errors
/// [`Error::Invalid`] when there is one.
pub fn check_policy_names<'a>(
    field: &str,
    names: impl IntoIterator<Item = &'a String>,
) -> Result<()> {
    let is_part = |part: &str| !matches!(part, "" | "." | "..");
    let is_one = |name: &str| {
        name.is_empty()
            || is_nfc(name) && !name.chars().any(char::is_control) && name.split('/').all(is_part)
    };
    if names.into_iter().all(|name| is_one(name.trim())) {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "'{field}' has a name that no policy can have; names have no empty part, no \".\" or \
         \"..\" between slashes, no control characters, and are in Unicode normalization form C"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_path_leads_to_is_no_name() {
        let check = |name: &str| check_policy_names("policies", [&name.to_owned()]).is_ok();
        for name in ["", "dev", " Dev\t", "team/dev", "dev-*", "caf\u{e9}", ".a", "a.."] {
            assert!(check(name), "{name:?}");
        }
        for name in ["..", "../root", "a/../b", "a/./b", "a//b", "/a", "a/", "a\0", "cafe\u{301}"] {
            assert!(!check(name), "{name:?}");
        }
    }

    #[test]
    fn names_are_folded_before_anyone_looks() {
        assert_eq!(normalize_policies(["Ops", " dev", "dev", ""]), ["dev", "ops"]);
        assert_eq!(normalize_policies(["dev", " ROOT\t"]), ["root"]);
        assert_eq!(normalize_policies(Vec::<String>::new()), Vec::<String>::new());
    }
}
