//! A token that cannot be printed by accident.
//!
//! Its memory is wiped when it goes away. Whoever needs the text asks for it by name, with
//! [`Token::expose`].

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A bearer token: whoever knows it is its owner.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// Takes a text as a token, without the white space around it.
    pub fn new(text: impl AsRef<str>) -> Token {
        Token(Zeroizing::new(text.as_ref().trim().to_owned()))
    }

    /// The text of the token, for a header, a body, or the person who asked to see it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True when there is no token at all, as in an answer that only asks for a second factor.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[redacted]")
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Token, D::Error> {
        Ok(Token(Zeroizing::new(String::deserialize(deserializer)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_shows_in_debug_output() {
        assert_eq!(format!("{:?}", Some(Token::new("s.secret"))), "Some([redacted])");
    }
}
