//! What a request wants to do with a path.

use std::fmt;

/// The eight things a request can ask of a path.
///
/// Writing to a path is [`Operation::Create`] when the path can tell that nothing is there yet,
/// and [`Operation::Update`] otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Write where nothing was.
    Create,
    /// Look at one thing.
    Read,
    /// Write over what is there.
    Update,
    /// Change parts of what is there.
    Patch,
    /// Remove.
    Delete,
    /// Name what lies directly below.
    List,
    /// Name everything that lies below.
    Scan,
    /// Explain the path.
    Help,
}

impl Operation {
    /// Every operation, in the order of declaration.
    pub const ALL: [Self; 8] = [
        Self::Create,
        Self::Read,
        Self::Update,
        Self::Patch,
        Self::Delete,
        Self::List,
        Self::Scan,
        Self::Help,
    ];

    /// The word used for it in policies, audit entries and documentation.
    pub const fn name(self) -> &'static str {
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
