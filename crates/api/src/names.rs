//! Lists of names, as policies and addresses are given.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_before_anyone_looks() {
        assert_eq!(normalize_policies(["Ops", " dev", "dev", ""]), ["dev", "ops"]);
        assert_eq!(normalize_policies(["dev", " ROOT\t"]), ["root"]);
        assert_eq!(normalize_policies(Vec::<String>::new()), Vec::<String>::new());
    }
}
