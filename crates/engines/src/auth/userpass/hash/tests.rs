//! What may be taken over and what not, that only the password itself matches, and that every login
//! does the same work.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

const TINY: Parameters = Parameters { memory_kib: 8, passes: 1, lanes: 1 };

/// Cheap hashes of "hunter2" that others made, and their kinds.
const MADE_ELSEWHERE: &[(&str, &str)] = &[
    ("$2a$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.", "bcrypt-5"),
    ("$2b$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.", "bcrypt-5"),
    ("$2y$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.", "bcrypt-5"),
    (
        "$scrypt$ln=4,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$fYpGYhlMKzgJh+e6UfpeSke1iVjuP3DTKNvOyJPRAHk",
        "scrypt-n4-r8-p1",
    ),
    (
        "$scrypt$ln=10,r=8,p=2$MDEyMzQ1Njc4OWFiY2RlZg$rVFmWe25YrXjNxjRzRdCoU0Z1HXcAlySfZM94y7csrQ",
        "scrypt-n10-r8-p2",
    ),
    (
        "$7$26..../....0123456789abcdef$xdcFWZ/HfUH05SiiFdjL8RIh7WZvz.rocghn6DNo.Y5",
        "scrypt-n4-r8-p1",
    ),
    ("$pbkdf2$i=1000,l=20$MDEyMzQ1Njc4OWFiY2RlZg$EXf/SoHQ/PUuLqi74PYEPFhhLxQ", "pbkdf2-sha1-i1000"),
    ("$pbkdf2$1000$MDEyMzQ1Njc4OWFiY2RlZg$EXf/SoHQ/PUuLqi74PYEPFhhLxQ", "pbkdf2-sha1-i1000"),
    ("pbkdf2_sha1$1000$0123456789abcdef$EXf/SoHQ/PUuLqi74PYEPFhhLxQ=", "pbkdf2-sha1-i1000"),
    (
        "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg\
         $pj4T35D2v4tYmC1sTJ1y5tcMADOdtnQGvuHmyYDQh2g",
        "pbkdf2-sha256-i1000",
    ),
    (
        "$pbkdf2-sha256$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$pj4T35D2v4tYmC1sTJ1y5tcMADOdtnQGvuHmyYDQh2g",
        "pbkdf2-sha256-i1000",
    ),
    (
        "$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$pj4T35D2v4tYmC1sTJ1y5tcMADOdtnQGvuHmyYDQh2g",
        "pbkdf2-sha256-i1000",
    ),
    (
        "pbkdf2_sha256$1000$0123456789abcdef$pj4T35D2v4tYmC1sTJ1y5tcMADOdtnQGvuHmyYDQh2g=",
        "pbkdf2-sha256-i1000",
    ),
    (
        "$pbkdf2-sha512$1000$MDEyMzQ1Njc4OWFiY2RlZg$Xp/4UtI3VYuUskUJvg/ElBho/1QUob2t4wOqDH2dRs5/\
         P6kzj5.E8oi97sPcw7P4ZvydZ2rKx3aQeetuxYWOOg",
        "pbkdf2-sha512-i1000",
    ),
];

/// Hashes of "password" from the tests of Argon2's reference implementation, and their kinds.
const OF_THE_REFERENCE: &[(&str, &str)] = &[
    (
        "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "argon2id-m256-t2-p1",
    ),
    (
        "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        "argon2id-m256-t2-p2",
    ),
    (
        "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
        "argon2i-m256-t2-p1",
    ),
    (
        "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
        "argon2i-v16-m256-t2-p1",
    ),
    (
        "$argon2i$v=16$m=256,t=2,p=2$c29tZXNhbHQ$tsEVYKap1h6scGt5ovl9aLRGOqOth+AMB+KwHpDFZPs",
        "argon2i-v16-m256-t2-p2",
    ),
];

fn import(text: &str) -> Result<Hashed> {
    Hashed::import(&Secret::new(text), &Limits::default())
}

fn hashed(parameters: Parameters, password: &str) -> Hashed {
    let salt = [7; SALT_BYTES];
    parameters.hash(&salt, &Secret::new(password), &mut Scratch::default()).unwrap()
}

fn matches(hashed: &Hashed, password: &str) -> bool {
    let matches = hashed.opened.matches(&Secret::new(password), &mut Scratch::default());
    matches.unwrap().into()
}

#[test]
fn what_others_made_can_be_taken_over() {
    #[track_caller]
    fn check((text, kind): (&str, &str), password: &str) {
        let hashed = import(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(hashed.kind().to_string(), kind);
        assert_eq!(kind.parse(), Ok(hashed.kind()));
        assert!(matches(&hashed, password), "{text}");
        let similar = [&password[1..], "", &format!("{password}x"), &format!("{password}\0")];
        for other in similar {
            assert!(!matches(&hashed, other), "{text} {other}");
        }
    }
    MADE_ELSEWHERE.iter().for_each(|made| check(*made, "hunter2"));
    OF_THE_REFERENCE.iter().for_each(|made| check(*made, "password"));
    // The whole of what bcrypt looks at.
    let whole = "$2b$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q";
    check((whole, "bcrypt-5"), &"x".repeat(72));
    let letters = "$2b$05$abcdefghijklmnopqrstuupFNNxf/SECay9kI526tIM6jEh2Dprwe";
    assert!(matches(&import(letters).unwrap(), "ünïcödé"));
}

#[test]
fn passwords_that_bcrypt_would_confuse_do_not_match() {
    let hashed = import(MADE_ELSEWHERE[0].0).unwrap();
    assert!(matches(&hashed, "hunter2"));
    assert!(!matches(&hashed, "hunter2\0hunter2"));
}

#[test]
fn what_cannot_be_taken_over_is_refused_with_a_word_why() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        match import(text).map(String::from) {
            Err(Error::Invalid(why)) => assert!(why.starts_with(expected), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    let bcrypt = "password_hash is not a valid bcrypt hash";
    let rest = "abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.";
    check(&format!("$2b$04${rest}"), "bcrypt cost of 4 is too low, want 5 at minimum");
    check(&format!("$2b$15${rest}"), "bcrypt cost of 15 exceeds maximum cost of 14");
    for head in ["$2b$03$", "$2b$32$", "$2b$5$", "$2b$+5$", "$2b$5x$", "$2x$05$", "$2$05$", "$2b$"]
    {
        check(&format!("{head}{rest}"), bcrypt);
    }
    check("$2b$05$abcdefghijklmnopqrstuu", bcrypt);
    check(&format!("$2b$05${}", &rest[1..]), bcrypt);
    check(&format!("$2b$05${rest}."), bcrypt);
    check(&format!("$2b$05${}", rest.replace('K', "ä")), bcrypt);
    check(&format!("$2b$05${}", rest.replace('K', "!")), bcrypt);

    let tail = "$BwcHBwcHBwcHBwcHBwcHBw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let argon2 = "password_hash is not a valid Argon2 hash";
    for head in [
        "$argon2$v=19$m=8,t=1,p=1",
        "$argon2id$v=18$m=8,t=1,p=1",
        "$argon2id$v=19$m=7,t=1,p=1",
        "$argon2id$v=19$m=8,t=0,p=1",
        "$argon2id$v=19$m=8,t=1,p=0",
        "$argon2id$v=19$m=08,t=1,p=1",
        "$argon2id$v=19$t=1,m=8,p=1",
        "$argon2id$v=19$m=8,t=1,p=1,keyid=x",
        "$argon2id$v=19$m=99999999999,t=1,p=1",
        "$argon2id$v=19$m=8,t=1,p=1$more",
    ] {
        check(&format!("{head}{tail}"), argon2);
    }
    check("$argon2id$v=19$m=8,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw", argon2);
    check("$argon2id$v=19$m=8,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$AAAA", argon2);
    check("$argon2id$v=19$m=8,t=1,p=1$BwcH$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", argon2);

    check(&format!("$scrypt$ln=0,r=8,p=1{tail}"), "password_hash is not a valid scrypt hash");
    check(&format!("$scrypt$ln=32,r=8,p=1{tail}"), "password_hash is not a valid scrypt hash");
    check("$7$2", "password_hash is not a valid scrypt hash");
    check("$7$ä6..../....salt$tag", "password_hash is not a valid scrypt hash");
    let pbkdf2 = "password_hash is not a valid PBKDF2 hash";
    check(&format!("$pbkdf2-sha256$0{tail}"), pbkdf2);
    check(&format!("$pbkdf2-md5$1000{tail}"), pbkdf2);
    check(&format!("$pbkdf2-sha256$i=1000,l=31{tail}"), pbkdf2);
    // Longer than the digest, so it would cost twice.
    check(&format!("$pbkdf2$i=1000,l=32{tail}"), pbkdf2);

    for text in ["", "hunter2", "$1$salt$hash", "$6$salt$hash", "$y$j9T$salt$hash", "{SSHA}x"] {
        check(text, "password_hash has none of the forms that work: bcrypt ($2b$10$...), Argon2");
    }
    check(&"$2b$".repeat(200), "password_hash has none of the forms");
}

#[test]
fn greedy_hashes_are_refused() {
    #[track_caller]
    fn check(greedy: &str, modest: &str) {
        let tail = "$BwcHBwcHBwcHBwcHBwcHBw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        assert!(import(&format!("{modest}{tail}")).is_ok(), "{modest}");
        match import(&format!("{greedy}{tail}")).map(String::from) {
            Err(Error::Invalid(why)) => assert!(why.contains("exceed the maximum of"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    check("$argon2id$v=19$m=262145,t=1,p=1", "$argon2id$v=19$m=262144,t=4,p=1");
    check("$argon2id$v=19$m=262144,t=5,p=1", "$argon2id$v=19$m=65536,t=16,p=1");
    check("$argon2id$v=19$m=8,t=17,p=1", "$argon2id$v=19$m=8,t=16,p=1");
    check("$argon2id$v=19$m=136,t=1,p=17", "$argon2id$v=19$m=136,t=1,p=16");
    check("$scrypt$ln=19,r=8,p=1", "$scrypt$ln=18,r=8,p=4");
    check("$scrypt$ln=18,r=8,p=5", "$scrypt$ln=17,r=8,p=1");
    check("$scrypt$ln=1,r=4294967295,p=4294967295", "$scrypt$ln=16,r=8,p=1");
    check("$pbkdf2-sha256$2000001", "$pbkdf2-sha256$2000000");
}

#[test]
fn names_of_kinds_have_one_form_and_are_within_the_limits() {
    #[track_caller]
    fn check(text: &str, expected: bool) {
        assert_eq!(text.parse::<Kind>().is_ok(), expected, "{text}");
    }
    check("argon2id-m19456-t2-p1", true);
    check("argon2d-v16-m8-t1-p1", true);
    check("bcrypt-10", true);
    check("scrypt-n14-r8-p1", true);
    check("pbkdf2-sha512-i25000", true);
    for text in ["", "bcrypt", "bcrypt-010", "bcrypt-+1", "bcrypt-10-1", "argon2-m8-t1-p1"] {
        check(text, false);
    }
    for text in ["bcrypt-15", "argon2id-m262145-t1-p1", "argon2id-m7-t1-p1", "pbkdf2-sha1-i0"] {
        check(text, false);
    }
}

#[test]
fn parameters_are_neither_weak_nor_greedy() {
    #[track_caller]
    fn check((memory_kib, passes, lanes): (u32, u32, u32), expected: &str) {
        let parameters = Parameters { memory_kib, passes, lanes };
        let refused = parameters.check().err().map(|error| match error {
            Error::Invalid(why) => why,
            other => panic!("{other:?}"),
        });
        assert_eq!(refused.unwrap_or_default(), expected);
    }
    assert_eq!(Parameters::default().kind().to_string(), "argon2id-m19456-t2-p1");
    check((19_456, 2, 1), "");
    check((7168, 5, 1), "");
    check((47_104, 1, 16), "");
    check((262_144, 4, 4), "");
    check((7167, 9, 1), "argon2_memory_kib must be from 7168 to 262144");
    check((262_145, 1, 1), "argon2_memory_kib must be from 7168 to 262144");
    check((19_456, 0, 1), "argon2_passes must be from 1 to 16");
    check((19_456, 17, 1), "argon2_passes must be from 1 to 16");
    check((19_456, 2, 0), "argon2_lanes must be from 1 to 16");
    check((19_456, 2, 17), "argon2_lanes must be from 1 to 16");
    let work = "argon2_memory_kib times argon2_passes must be from 35840 to 1048576";
    check((7168, 4, 1), work);
    check((262_144, 5, 1), work);
}

#[test]
fn a_new_hash_is_written_as_others_would() {
    let hashed = hashed(TINY, "hunter2");
    assert!(matches(&hashed, "hunter2"));
    assert!(!matches(&hashed, "hunter2\0"));
    let text = String::from(hashed);
    assert!(text.starts_with("$argon2id$v=19$m=8,t=1,p=1$BwcHBwcHBwcHBwcHBwcHBw$"), "{text}");
    let again = Hashed::try_from(text.clone()).unwrap();
    assert_eq!(String::from(again), text);
    assert_eq!(
        Hashed::try_from(text[1..].to_owned()).err(),
        Some("a stored password hash is damaged")
    );
}

/// What is done at a login, and whether it ends well.
fn round(hashed: Option<&Hashed>, others: &[Kind], password: &str) -> (Vec<String>, Verdict) {
    let kinds = kinds(hashed, others, TINY);
    let done = kinds.iter().map(Kind::to_string).collect();
    let places = kinds.into_iter().map(|kind| Place::of(kind, hashed, TINY)).collect();
    let password = Secret::new(password);
    let round = Round { places, parameters: TINY, salt: [9; SALT_BYTES], password };
    (done, round.run(&mut Scratch::default()).unwrap())
}

#[test]
fn every_login_does_the_same_work_whoever_it_names() {
    let made = MADE_ELSEWHERE.iter().map(|(text, _)| import(text).unwrap());
    let users: Vec<Hashed> = made.chain([hashed(TINY, "hunter2")]).collect();
    let others: Vec<Kind> = users.iter().map(Hashed::kind).collect();
    let (expected, verdict) = round(None, &others, "hunter2");
    assert_eq!(expected.len(), 7, "{expected:?}");
    assert!(!verdict.matches && verdict.rehashed.is_none());
    for user in &users {
        let (work, verdict) = round(Some(user), &others, "hunter2");
        assert_eq!(work, expected);
        assert!(verdict.matches);
        // Every place does the work of its kind, and a place of each kind is there once.
        let places = others.iter().map(|kind| Place::of(*kind, Some(user), TINY));
        for (kind, place) in others.iter().zip(places) {
            let worked_at = match place {
                Place::Own(opened) | Place::Decoy(opened) => opened.kind,
                Place::Fresh => TINY.kind(),
            };
            assert_eq!(worked_at, *kind);
        }
        let (work, verdict) = round(Some(user), &others, "hunter3");
        assert_eq!(work, expected);
        assert!(!verdict.matches && verdict.rehashed.is_none());
    }
}

#[test]
fn an_old_hash_is_replaced_by_a_new_one_of_the_same_password() {
    for (text, _) in MADE_ELSEWHERE {
        let (_, verdict) = round(Some(&import(text).unwrap()), &[], "hunter2");
        let rehashed = verdict.rehashed.unwrap();
        assert_eq!(rehashed.kind(), TINY.kind());
        assert!(matches(&rehashed, "hunter2"));
    }
    let (_, verdict) = round(Some(&hashed(TINY, "hunter2")), &[], "hunter2");
    assert!(verdict.matches && verdict.rehashed.is_none());
}

#[test]
fn a_decoy_takes_a_password_of_any_length() {
    let kind = import(MADE_ELSEWHERE[0].0).unwrap().kind();
    for password in ["", "\0", &"x".repeat(1024)] {
        let (_, verdict) = round(None, &[kind], password);
        assert!(!verdict.matches);
    }
}

#[test]
fn a_mount_can_have_only_so_many_kinds() {
    let others: Vec<Kind> =
        (5..30).map(|cost| format!("pbkdf2-sha1-i{cost}").parse().unwrap()).collect();
    assert_eq!(kinds(None, &others, TINY).len(), KINDS_MAX + 1);
}
