//! Paths with holes: `secret/data/{{identity.entity.name}}/*`, filled in for whoever asks.
//!
//! A value goes into a path only if it consists of letters, digits and `_ . @ -`. So it cannot end
//! a segment, stand for others, or be read as anything else than itself. A hole without a value, or
//! with another one, cannot be filled; what that means is decided in [`Compiled`](super::Compiled).
//!
//! Before anybody is asked who they are, the frame of a template (what stands around its holes)
//! tells whether it could match a path at all, whatever stands in the holes.

use api::KeyValues;

use super::Pattern;
use crate::mounts::is_spelled_as_accessor;

/// Stands for a hole in a frame. No path contains it.
const HOLE: char = '\0';
/// What can stand for something else than itself.
const OPEN: [char; 3] = [HOLE, '+', '*'];

/// The path of a rule, taken apart.
#[derive(Debug)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    /// The path with [`HOLE`] for each hole.
    frame: String,
    /// How much of the frame comes before anything that could stand for something else.
    fixed_bytes: usize,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Hole(Hole),
}

/// What a hole asks for.
#[derive(Debug, PartialEq)]
enum Hole {
    EntityId,
    EntityName,
    EntityMetadata(String),
    /// Of the alias at a mount, which is named by its accessor or its path.
    Alias(String, OfAlias),
    /// Of a group. There are none yet, so nobody is in one.
    Group,
    /// Of nothing anybody knows of.
    Unknown,
}

#[derive(Debug, PartialEq)]
enum OfAlias {
    Id,
    Name,
    Metadata(String),
    CustomMetadata(String),
}

/// Who asks, as far as templates want to know.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// Whoever the token belongs to. Tokens that nobody logged in for may belong to nobody.
    pub person: Option<Person>,
}

/// The entity behind a token.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its metadata.
    pub metadata: KeyValues,
    /// The names it is known by.
    pub aliases: Vec<KnownAs>,
}

/// A name that an entity is known by.
#[derive(Clone, Debug, Default)]
pub struct KnownAs {
    /// The accessor of the mount.
    pub mount_accessor: String,
    /// The path of the mount, as `auth/userpass/`; empty when it is no longer there.
    pub mount_path: String,
    /// The id of the alias.
    pub id: String,
    /// The name.
    pub name: String,
    /// What the auth method says about it.
    pub metadata: KeyValues,
    /// What operators say about it.
    pub custom_metadata: KeyValues,
    /// Whether the token that asks was given out to this very alias.
    pub is_own: bool,
}

impl Template {
    /// The template that the text of a pattern is. What stands between braces may be nothing that
    /// anybody knows of.
    pub(super) fn new(path: &str) -> Self {
        let mut parts = path.split("{{");
        let mut pieces = vec![Piece::Text(parts.next().unwrap_or_default().to_owned())];
        for part in parts {
            // Without an end, all that follows is part of a hole that nothing fills.
            let (inside, after) = part.split_once("}}").unwrap_or((part, ""));
            pieces.push(Piece::Hole(Hole::named(inside.trim())));
            pieces.push(Piece::Text(after.to_owned()));
        }
        let framed = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Hole(_) => HOLE.to_string(),
        };
        let frame: String = pieces.iter().map(framed).collect();
        let fixed_bytes = frame.find(OPEN).unwrap_or(frame.len());
        Self { pieces, frame, fixed_bytes }
    }

    /// Whether everything it asks for is something that can be known.
    pub(super) fn is_understood(&self) -> bool {
        !self.pieces.iter().any(|piece| matches!(piece, Piece::Hole(Hole::Unknown)))
    }

    /// The path for `subject`; `None` when a hole cannot be filled safely.
    pub(super) fn fill(&self, subject: &Subject) -> Option<Pattern> {
        let mut path = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => path.push_str(text),
                Piece::Hole(hole) => {
                    let value = hole.value(subject.person.as_ref()?)?;
                    path.push_str(Some(value).filter(|value| is_safe(value))?);
                }
            }
        }
        Some(Pattern::filled(path))
    }

    /// Whether it could match `path`, whatever stands in the holes.
    pub(super) fn may_match(&self, path: &str) -> bool {
        // Every decision asks every template, and hardly any path begins like one.
        path.starts_with(self.fixed()) && self.fits(path)
    }

    fn fits(&self, path: &str) -> bool {
        let (frame, is_open) = match self.frame.strip_suffix('*') {
            Some(frame) => (frame, true),
            None => (self.frame.as_str(), false),
        };
        let mut segments = frame.split('/').peekable();
        let mut names = path.split('/');
        while let Some(segment) = segments.next() {
            let Some(name) = names.next() else { return false };
            if is_open && segments.peek().is_none() {
                return name.starts_with(segment.split(HOLE).next().unwrap_or_default());
            }
            if !may_fit(segment, name) {
                return false;
            }
        }
        names.next().is_none()
    }

    /// Whether it could match something below `folder`, which ends in a slash.
    pub(super) fn may_reach_below(&self, folder: &str) -> bool {
        let text = self.fixed();
        text.starts_with(folder) || folder.starts_with(text)
    }

    fn fixed(&self) -> &str {
        self.frame.get(..self.fixed_bytes).unwrap_or_default()
    }
}

/// Whether a segment of a frame could be `name`.
fn may_fit(segment: &str, name: &str) -> bool {
    let Some((before, rest)) = segment.split_once(HOLE) else {
        return segment == "+" || segment == name;
    };
    let after = rest.rsplit_once(HOLE).map_or(rest, |(_, after)| after);
    name.strip_prefix(before).is_some_and(|rest| rest.ends_with(after))
}

/// Letters, digits, and what means nothing in a path.
fn is_safe(value: &str) -> bool {
    let is_safe =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '@' | '-');
    !value.is_empty() && value != "." && value != ".." && value.chars().all(is_safe)
}

impl Hole {
    fn named(text: &str) -> Self {
        match text {
            "identity.entity.id" => return Self::EntityId,
            "identity.entity.name" => return Self::EntityName,
            _ => {}
        }
        if let Some(key) = text.strip_prefix("identity.entity.metadata.") {
            return Self::EntityMetadata(key.to_owned());
        }
        if let Some(rest) = text.strip_prefix("identity.entity.aliases.") {
            return Self::alias(rest).unwrap_or(Self::Unknown);
        }
        match text.strip_prefix("identity.groups.").is_some_and(is_of_group) {
            true => Self::Group,
            false => Self::Unknown,
        }
    }

    /// `<mount>.id`, `.name`, `.metadata.<key>` or `.custom_metadata.<key>`.
    ///
    /// The keys come first: a key may be called `name`.
    fn alias(text: &str) -> Option<Self> {
        type Keyed = fn(String) -> OfAlias;
        let keyed: [(&str, Keyed); 2] =
            [(".custom_metadata.", OfAlias::CustomMetadata), (".metadata.", OfAlias::Metadata)];
        let of_key = keyed.into_iter().find_map(|(word, of)| {
            text.split_once(word).map(|(mount, key)| (mount, of(key.to_owned())))
        });
        let (mount, of) = of_key
            .or_else(|| Some((text.strip_suffix(".id")?, OfAlias::Id)))
            .or_else(|| Some((text.strip_suffix(".name")?, OfAlias::Name)))?;
        (!mount.is_empty()).then(|| Self::Alias(mount.to_owned(), of))
    }

    fn value<'person>(&self, person: &'person Person) -> Option<&'person str> {
        match self {
            Self::EntityId => Some(&person.id),
            Self::EntityName => Some(&person.name),
            Self::EntityMetadata(key) => person.metadata.get(key).map(String::as_str),
            Self::Alias(mount, of) => of.value(person.alias_at(mount)?),
            Self::Group | Self::Unknown => None,
        }
    }
}

/// `ids.<id>.name`, `ids.<id>.metadata.<key>`, `names.<name>.id`, `names.<name>.metadata.<key>`.
fn is_of_group(text: &str) -> bool {
    let (by, rest) = text.split_once('.').unwrap_or((text, ""));
    let last = if by == "ids" { ".name" } else { ".id" };
    matches!(by, "ids" | "names") && (rest.ends_with(last) || rest.contains(".metadata."))
}

impl OfAlias {
    fn value<'alias>(&self, alias: &'alias KnownAs) -> Option<&'alias str> {
        match self {
            Self::Id => Some(&alias.id),
            Self::Name => Some(&alias.name),
            Self::Metadata(key) => alias.metadata.get(key).map(String::as_str),
            Self::CustomMetadata(key) => alias.custom_metadata.get(key).map(String::as_str),
        }
    }
}

impl Person {
    /// The alias at the mount with this accessor, or else with this path.
    ///
    /// Of several at one mount it is the one that the token was given out to, never just the first.
    /// What is spelled as accessors are is no path, whether or not there is a mount with that
    /// accessor (any more): so no mount can be made to look like another by its path.
    fn alias_at(&self, mount: &str) -> Option<&KnownAs> {
        let path = mount.trim_matches('/');
        let is_accessor = is_spelled_as_accessor(path);
        let is_at_path = |alias: &&KnownAs| {
            let of_alias = alias.mount_path.trim_end_matches('/');
            !of_alias.is_empty() && of_alias.strip_prefix("auth/").unwrap_or(of_alias) == path
                || of_alias == path
        };
        let is_there = |alias: &&KnownAs| match is_accessor {
            true => alias.mount_accessor == mount,
            false => is_at_path(alias),
        };
        let there: Vec<_> = self.aliases.iter().filter(is_there).collect();
        match there.as_slice() {
            [only] => Some(*only),
            several => several.iter().find(|alias| alias.is_own).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(name: &str, is_own: bool) -> KnownAs {
        KnownAs {
            mount_accessor: "auth_userpass_0a1b2c3d".to_owned(),
            mount_path: "auth/team/userpass/".to_owned(),
            id: format!("id-{name}"),
            name: name.to_owned(),
            metadata: [("name".to_owned(), "x".to_owned())].into(),
            custom_metadata: [("floor".to_owned(), "3".to_owned())].into(),
            is_own,
        }
    }

    fn subject() -> Subject {
        let metadata = [("team", "red"), ("slash", "a/b"), ("star", "*"), ("empty", "")];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let other =
            KnownAs { mount_accessor: "auth_jwt_4e5f6a7b".to_owned(), ..alias("wrong", false) };
        let elsewhere = KnownAs { mount_path: "auth/jwt/".to_owned(), ..other };
        let aliases = vec![alias("first", false), alias("bob", true), elsewhere];
        let (id, name) = ("e-1".to_owned(), "Bob.B@x_y-z".to_owned());
        Subject { person: Some(Person { id, name, metadata: metadata.into(), aliases }) }
    }

    #[track_caller]
    fn check(hole: &str, expected: Option<&str>) {
        let filled = Template::new(&format!("a/{{{{{hole}}}}}/*")).fill(&subject());
        let expected = expected.map(|value| format!("a/{value}/*"));
        assert_eq!(filled.as_ref().map(Pattern::text), expected.as_deref(), "{hole:?}");
    }

    #[test]
    fn holes_are_filled_with_what_is_known_of_the_caller() {
        check("identity.entity.id", Some("e-1"));
        check(" identity.entity.name ", Some("Bob.B@x_y-z"));
        check("identity.entity.metadata.team", Some("red"));
        check("identity.entity.metadata.none", None);
        check("identity.entity.aliases.auth_jwt_4e5f6a7b.name", Some("wrong"));
        check("identity.entity.aliases.auth_jwt_4e5f6a7b.metadata.name", Some("x"));
        check("identity.entity.aliases.auth_jwt_4e5f6a7b.custom_metadata.floor", Some("3"));
        check("identity.entity.aliases.jwt.name", Some("wrong"));
        check("identity.entity.aliases.auth/jwt/.id", Some("id-wrong"));
        check("identity.entity.aliases.nowhere.name", None);
        check("identity.groups.ids.1-2.name", None);
        check("identity.groups.names.ops.metadata.x", None);
    }

    #[test]
    fn of_several_aliases_at_a_mount_the_one_that_logged_in_counts() {
        check("identity.entity.aliases.auth_userpass_0a1b2c3d.name", Some("bob"));
        check("identity.entity.aliases.team/userpass.name", Some("bob"));
        let mut subject = subject();
        subject.person.iter_mut().flat_map(|person| &mut person.aliases).for_each(|alias| {
            alias.is_own = false;
        });
        let template = Template::new("{{identity.entity.aliases.auth_userpass_0a1b2c3d.name}}");
        assert_eq!(template.fill(&subject), None);
    }

    #[test]
    fn a_value_cannot_widen_a_path() {
        check("identity.entity.metadata.slash", None);
        check("identity.entity.metadata.star", None);
        check("identity.entity.metadata.empty", None);
        for value in ["+", "a+b", "a b", "..", ".", "a,b", "{{", "é", "%2f", "a\n"] {
            assert!(!is_safe(value), "{value:?}");
        }
    }

    #[test]
    fn what_nobody_can_know_is_not_understood() {
        for hole in ["", "x", "identity.entity", "identity.entity.aliases.name", "token.id"] {
            assert!(!Template::new(&format!("a/{{{{{hole}}}}}")).is_understood(), "{hole:?}");
        }
        for hole in ["identity.groups.ids.x.name", "identity.entity.aliases.x.id"] {
            assert!(Template::new(&format!("a/{{{{{hole}}}}}")).is_understood(), "{hole:?}");
        }
    }

    #[track_caller]
    fn check_frame(path: &str, asked: &str, expected: bool) {
        assert_eq!(Template::new(path).may_match(asked), expected, "{path:?} {asked:?}");
    }

    #[test]
    fn a_frame_tells_what_could_match() {
        check_frame("a/{{x}}/b", "a/any/b", true);
        check_frame("a/{{x}}/b", "a/any/c", false);
        check_frame("a/{{x}}/b", "a/any/b/c", false);
        check_frame("a/{{x}}/b", "a/any", false);
        check_frame("a/{{x}}/*", "a/any/b/c", true);
        check_frame("a/{{x}}/*", "a/any/", true);
        check_frame("a/{{x}}/*", "a/any", false);
        check_frame("a/{{x}}*", "a/any/b", true);
        check_frame("a/{{x}}*", "b/any", false);
        check_frame("a/p-{{x}}-{{y}}-s", "a/p-1-2-s", true);
        check_frame("a/p-{{x}}-s", "a/p-1", false);
        check_frame("+/{{x}}", "any/any", true);
        check_frame("{{x}}", "any", true);
    }
}
