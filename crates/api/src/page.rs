//! The parameters every listing takes.

use schemars::JsonSchema;
use serde::Deserialize;

/// What is listed, where paths form folders. Only for doors that have it in their path, since that
/// is what the caller may list: elsewhere a parameter would lead past the policies.
#[derive(Deserialize, JsonSchema)]
pub struct Folder {
    /// Location of the folder.
    path: String,
}

/// Which part of a listing is wanted.
#[derive(Deserialize, JsonSchema)]
pub struct Page {
    /// Start behind this entry, whether or not it exists.
    #[serde(default)]
    pub after: String,
    /// Return at most this many entries; 0 or less means all of them.
    limit: Option<i64>,
}

impl Page {
    /// How many entries are wanted.
    pub fn limit(&self) -> usize {
        let limit = self.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(0);
        if limit == 0 { usize::MAX } else { limit }
    }
}

impl Folder {
    /// What the names of all that lies in the folder begin with.
    pub fn prefix(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!("{}/", self.path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(limit: Option<i64>, expected: usize) {
        assert_eq!(Page { after: String::new(), limit }.limit(), expected);
    }

    #[test]
    fn zero_and_less_mean_all() {
        check(None, usize::MAX);
        check(Some(0), usize::MAX);
        check(Some(-1), usize::MAX);
        check(Some(2), 2);
    }
}
