//! Lists of names, as policies and addresses are given.

/// A list of names that clients may also write as `"a,b"`.
pub type NameList = Vec<String>;

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
