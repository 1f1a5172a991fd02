//! `name=value&name=value`, as it stands in addresses and in the bodies of forms.

use api::{Error, Result};
use data_encoding::HEXLOWER_PERMISSIVE;

/// The pairs in `text`, in its order, decoded.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Result<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'+' => decoded.push(b' '),
            b'%' => {
                let digits = tail.get(..2).and_then(|two| HEXLOWER_PERMISSIVE.decode(two).ok());
                decoded.extend(digits.ok_or_else(unclear)?);
                rest = tail.get(2..).unwrap_or_default();
            }
            byte => decoded.push(*byte),
        }
    }
    String::from_utf8(decoded).map_err(|_| unclear())
}

/// Says nothing of the text itself: a form may hold a password.
fn unclear() -> Error {
    Error::invalid("parameters are not valid percent-encoded UTF-8; encode % as %25")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&[(&str, &str)]>) {
        let expected = expected.map(|pairs| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        });
        assert_eq!(pairs(text).ok(), expected, "{text}");
    }

    #[test]
    fn pairs_are_decoded_once() {
        check("", Some(&[]));
        check("a=b", Some(&[("a", "b")]));
        check("a=b&&a=c&d", Some(&[("a", "b"), ("a", "c"), ("d", "")]));
        check("a%26=b%3Dc=d+e%2Bf", Some(&[("a&", "b=c=d e+f")]));
        check("a=%252f%C3%A9", Some(&[("a", "%2f\u{e9}")]));
        for unclear in ["a=%", "a=%1", "a=%zz", "%ff=1"] {
            check(unclear, None);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = pairs(&text);
        }
    }
}
