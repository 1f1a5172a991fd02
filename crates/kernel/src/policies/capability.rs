//! What a rule can let someone do.

use api::Operation;

/// One thing a rule can allow, or the refusal of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// Write where nothing was.
    Create,
    /// Remove.
    Delete,
    /// Nothing at all, whatever else is granted.
    Deny,
    /// Name what lies directly below.
    List,
    /// Change parts of what is there.
    Patch,
    /// Look at one thing.
    Read,
    /// Bring back from a snapshot.
    Recover,
    /// Name everything that lies below.
    Scan,
    /// Hear of events.
    Subscribe,
    /// Use doors that are protected beyond the ordinary; allows nothing by itself.
    Sudo,
    /// Write over what is there.
    Update,
}

/// A set of capabilities. With [`Capability::Deny`] in it, nothing else is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Capabilities(u16);

impl Capability {
    /// Every capability, in the order of the alphabet.
    pub const ALL: [Self; 11] = [
        Self::Create,
        Self::Delete,
        Self::Deny,
        Self::List,
        Self::Patch,
        Self::Read,
        Self::Recover,
        Self::Scan,
        Self::Subscribe,
        Self::Sudo,
        Self::Update,
    ];

    /// The word for it in a policy.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Deny => "deny",
            Self::List => "list",
            Self::Patch => "patch",
            Self::Read => "read",
            Self::Recover => "recover",
            Self::Scan => "scan",
            Self::Subscribe => "subscribe",
            Self::Sudo => "sudo",
            Self::Update => "update",
        }
    }

    /// The capability that a policy calls `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.name() == name)
    }

    /// What it takes to perform `operation`; asking for help takes nothing.
    pub const fn needed_for(operation: Operation) -> Option<Self> {
        match operation {
            Operation::Create => Some(Self::Create),
            Operation::Read => Some(Self::Read),
            Operation::Update => Some(Self::Update),
            Operation::Patch => Some(Self::Patch),
            Operation::Delete => Some(Self::Delete),
            Operation::List => Some(Self::List),
            Operation::Scan => Some(Self::Scan),
            Operation::Help => None,
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl Capabilities {
    /// No capability.
    pub const NONE: Self = Self(0);

    /// Every capability but the refusal of all.
    pub fn all() -> Self {
        Capability::ALL.into_iter().filter(|one| *one != Capability::Deny).collect()
    }

    /// Whether `capability` is among them.
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & capability.bit() != 0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether these let anybody do anything.
    pub const fn grant_something(self) -> bool {
        !self.is_empty() && !self.contains(Capability::Deny)
    }

    /// These and the `other` ones; a refusal in either is a refusal of all.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        let both = Self(self.0 | other.0);
        if both.contains(Capability::Deny) { Self(Capability::Deny.bit()) } else { both }
    }

    /// The words for them, in the order of the alphabet.
    pub fn names(self) -> Vec<&'static str> {
        Capability::ALL
            .into_iter()
            .filter(|capability| self.contains(*capability))
            .map(Capability::name)
            .collect()
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        capabilities.into_iter().fold(Self::NONE, |all, one| all.union(Self(one.bit())))
    }
}
