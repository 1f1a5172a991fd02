//! What a request wants to do.

use std::fmt;

/// The verbs of the API. Policies grant capabilities of the same names.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Operation {
    /// Write where nothing is yet.
    Create,
    /// Read.
    Read,
    /// Write over what there is, or act.
    Update,
    /// Change parts of what there is.
    Patch,
    /// Remove.
    Delete,
    /// List the entries of a folder.
    List,
    /// List a folder and all below it.
    Scan,
    /// Ask for the description of a path.
    Help,
}

impl Operation {
    /// The word policies, audit entries and errors use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Scan => "scan",
            Self::Help => "help",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
