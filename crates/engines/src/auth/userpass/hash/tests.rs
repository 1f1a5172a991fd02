//! What may be taken over, what it costs, and that only the password itself matches.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

const TINY: Parameters = Parameters { memory_kib: 8, passes: 1, lanes: 1 };

/// Hashes of "hunter2", cheap ones, made elsewhere.
const OF_HUNTER2: &[(&str, &str)] = &[
    ("$argon2id$v=19$m=8,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$", "argon2id-m8-t1-p1"),
    ("$2b$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.", "bcrypt-5"),
];

#[track_caller]
fn imported(text: &str) -> Hashed {
    Hashed::import(&Secret::new(text), &Limits::default()).unwrap()
}

#[track_caller]
fn matches(hashed: &Hashed, password: &str) -> bool {
    let matches = hashed.opened.matches(&Secret::new(password), &mut Scratch::default());
    matches.unwrap().into()
}

#[test]
fn bcrypt_smoke() {
    let (text, kind) = OF_HUNTER2[1];
    let hashed = imported(text);
    assert_eq!(hashed.kind().to_string(), kind);
    assert!(matches(&hashed, "hunter2"));
    assert!(!matches(&hashed, "hunter3"));
    let _ = TINY;
    let h = imported("$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D");
    assert!(matches(&h, "pleaseletmein"));
    assert!(!matches(&h, "pleaseletmeinn"));
}
