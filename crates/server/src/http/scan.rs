//! What a JSON text will cost, found out before anything is built from it.
//!
//! Small texts can become large trees: `[[],[],[],…]` grows tenfold and more. This scanner walks
//! over the bytes once, keeps nothing but how many brackets are open, and refuses what would cost
//! too much. It does not check the grammar, since the parser behind it does; it only has to be
//! right about texts that the parser accepts.

use api::{ENTRIES_MAX, Error, Result, Trust};

/// How many objects and arrays may lie within each other, the outermost included.
pub(super) const DEPTH_MAX: usize = 32;
/// How long a number may be.
pub(super) const NUMBER_BYTES_MAX: usize = 256;
/// How many strings, keys included, may come from somebody who has not proved who they are.
pub(super) const ANONYMOUS_STRINGS_MAX: usize = 1000;

/// How many values, names included, may come from anybody. Each is copied, hashed for the audit and
/// taken apart several times on its way, which takes longer than its few bytes took to send.
pub(super) const VALUES_MAX: usize = 128 * 1024;

/// What a value costs in memory, wherever it stands.
const VALUE_BYTES: u64 = 48;
/// What a container costs besides: a map's first node has room for several entries.
const CONTAINER_BYTES: u64 = 640;
/// The tree may be this many times as large as the largest text.
const GROWTH_MAX: u64 = 2;

/// The key by which the parser smuggles numbers to itself; in a client's text it would turn an
/// object into a number.
const RESERVED_KEY: &str = "$serde_json::private::Number";

/// Refuses a text that would cost more than a caller of this `trust` may make us spend, where
/// texts of up to `bytes_max` are taken. Says how many names are given a value in it.
pub(super) fn check(text: &[u8], trust: Trust, bytes_max: u64) -> Result<usize> {
    let strings_max = match trust {
        Trust::Anonymous => ANONYMOUS_STRINGS_MAX,
        Trust::Authenticated => usize::MAX,
    };
    let cost_max = bytes_max.saturating_mul(GROWTH_MAX);
    Scanner {
        text,
        place: 0,
        open: [0; DEPTH_MAX],
        depth: 0,
        strings: 0,
        names: 0,
        values: 0,
        cost: 0,
    }
    .run(strings_max, cost_max)
}

struct Scanner<'a> {
    text: &'a [u8],
    place: usize,
    /// How many entries each open container has so far, the outermost first.
    open: [usize; DEPTH_MAX],
    depth: usize,
    strings: usize,
    /// How many colons stand outside of strings: each gives a name its value.
    names: usize,
    values: usize,
    cost: u64,
}

impl Scanner<'_> {
    fn run(mut self, strings_max: usize, cost_max: u64) -> Result<usize> {
        // Ends: every round takes at least one byte.
        while let Some(byte) = self.text.get(self.place).copied() {
            self.place += 1;
            match byte {
                b'{' | b'[' => self.enter()?,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b',' => self.count_entry()?,
                b':' => self.names += 1,
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number()?,
                b't' | b'f' | b'n' => self.count_value(0),
                _ => {}
            }
            if self.strings > strings_max {
                return refuse("exceeded maximum number of strings");
            }
            if self.values > VALUES_MAX {
                return refuse(&format!("more than {VALUES_MAX} values and names; send fewer"));
            }
            if self.cost > cost_max {
                return refuse("exceeded maximum estimated memory limits");
            }
        }
        Ok(self.names)
    }

    fn enter(&mut self) -> Result<()> {
        self.count_value(CONTAINER_BYTES);
        let Some(entries) = self.open.get_mut(self.depth) else {
            return refuse(&format!("nested more than {DEPTH_MAX} levels deep"));
        };
        *entries = 1;
        self.depth += 1;
        Ok(())
    }

    fn count_entry(&mut self) -> Result<()> {
        let innermost = self.depth.checked_sub(1).and_then(|depth| self.open.get_mut(depth));
        let Some(entries) = innermost else { return Ok(()) };
        *entries += 1;
        if *entries > ENTRIES_MAX {
            return refuse(&format!("more than {ENTRIES_MAX} entries in one place"));
        }
        Ok(())
    }

    fn string(&mut self) -> Result<()> {
        let start = self.place;
        let mut escaped = false;
        // Ends: every round takes one byte.
        while let Some(byte) = self.text.get(self.place).copied() {
            self.place += 1;
            match byte {
                b'\\' => {
                    escaped = true;
                    self.place += 1;
                }
                b'"' => break,
                _ => {}
            }
        }
        self.strings += 1;
        self.count_value((self.place - start) as u64);
        self.check_reserved(start, escaped)
    }

    fn check_reserved(&self, start: usize, escaped: bool) -> Result<()> {
        let inside = self.text.get(start..self.place.saturating_sub(1)).unwrap_or_default();
        // Each character can be written in six bytes, as in \u0024.
        let reserved = if escaped && inside.len() <= RESERVED_KEY.len() * 6 {
            let quoted = self.text.get(start.saturating_sub(1)..self.place).unwrap_or_default();
            serde_json::from_slice::<String>(quoted).is_ok_and(|text| text == RESERVED_KEY)
        } else {
            inside == RESERVED_KEY.as_bytes()
        };
        if reserved { refuse("a reserved name is used") } else { Ok(()) }
    }

    fn number(&mut self) -> Result<()> {
        let start = self.place;
        let rest = self.text.get(start..).unwrap_or_default();
        let belongs = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
        let length = rest.iter().take_while(|byte| belongs(byte)).count();
        if length >= NUMBER_BYTES_MAX {
            return refuse(&format!("a number has more than {NUMBER_BYTES_MAX} characters"));
        }
        self.place += length;
        self.count_value(length as u64);
        Ok(())
    }

    /// Counts a value or a name that takes so many bytes besides its place.
    fn count_value(&mut self, bytes: u64) {
        self.values += 1;
        self.cost += VALUE_BYTES + bytes;
    }
}

fn refuse<T>(why: &str) -> Result<T> {
    Err(Error::invalid(format!("refused JSON input due to high complexity: {why}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BYTES_MAX: u64 = 1024 * 1024;

    #[track_caller]
    fn passes(text: &str) {
        assert!(check(text.as_bytes(), Trust::Anonymous, BYTES_MAX).is_ok());
    }

    #[track_caller]
    fn refused(text: &str, trust: Trust, why: &str) {
        let Err(Error::Invalid(problem)) = check(text.as_bytes(), trust, BYTES_MAX) else {
            unreachable!("accepted: {why}")
        };
        assert!(problem.ends_with(why), "{problem}");
    }

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn ordinary_texts_pass() {
        passes(r#"{"password":"a\"b\\","n":-1.5e3,"l":[true,null],"o":{}}"#);
        passes(&nested(DEPTH_MAX));
        passes(&format!(r#"{{"a":{}}}"#, "9".repeat(NUMBER_BYTES_MAX)));
        passes(&format!("[{}0]", "0,".repeat(ENTRIES_MAX - 1)));
        passes(&format!(r#"["{}"]"#, "a".repeat(1_000_000)));
        passes(&format!(r#"[{}""]"#, r#""","#.repeat(ANONYMOUS_STRINGS_MAX - 1)));
        // Brackets and commas within strings are only text.
        passes(&format!(r#"["{}"]"#, "[,{\\\"".repeat(50_000)));
    }

    #[test]
    fn costly_texts_are_refused() {
        let anyone = Trust::Anonymous;
        let caller = Trust::Authenticated;
        refused(&nested(DEPTH_MAX + 1), caller, "levels deep");
        refused(&"[".repeat(200_000), anyone, "levels deep");
        refused(&"9".repeat(NUMBER_BYTES_MAX + 1), caller, "characters");
        refused(&format!("[{}0]", "0,".repeat(ENTRIES_MAX)), caller, "entries in one place");
        let strings = format!(r#"[{}""]"#, r#""","#.repeat(ANONYMOUS_STRINGS_MAX));
        refused(&strings, anyone, "maximum number of strings");
        assert_eq!(check(strings.as_bytes(), caller, BYTES_MAX), Ok(0));
        refused(&format!("[{}[]]", "[],".repeat(9000)), caller, "memory limits");
    }

    #[test]
    fn all_values_of_a_text_together_have_a_bound() {
        let caller = Trust::Authenticated;
        let most = ENTRIES_MAX - 1;
        let full = format!("[{}0]", "0,".repeat(most - 1));
        let (lists, rest) = (VALUES_MAX / ENTRIES_MAX, VALUES_MAX % ENTRIES_MAX);
        // One for the list around all, and one for the last list.
        let text = |last: usize| {
            format!("[{}[{}0]]", (full.clone() + ",").repeat(lists), "0,".repeat(last))
        };
        let bytes_max = 32 * BYTES_MAX;
        assert_eq!(check(text(rest - 3).as_bytes(), caller, bytes_max), Ok(0));
        let Err(Error::Invalid(problem)) = check(text(rest - 2).as_bytes(), caller, bytes_max)
        else {
            unreachable!("accepted")
        };
        assert!(problem.ends_with("more than 131072 values and names; send fewer"), "{problem}");
        let names = (0..ENTRIES_MAX).map(|name| format!("\"{name}\":{{}}"));
        let names = format!("{{{}}}", names.collect::<Vec<_>>().join(","));
        let text = format!("[{}0]", (names + ",").repeat(VALUES_MAX / (2 * ENTRIES_MAX) + 1));
        assert!(check(text.as_bytes(), caller, u64::MAX).is_err());
    }

    #[test]
    fn names_are_counted_wherever_they_stand() {
        let count = |text: &str| check(text.as_bytes(), Trust::Anonymous, BYTES_MAX);
        assert_eq!(count("{}"), Ok(0));
        assert_eq!(count(r#"{"a":1,"a":[{"b:\":":{}},":"]}"#), Ok(3));
    }

    #[test]
    fn nobody_can_speak_the_parsers_private_language() {
        refused(r#"{"a":{"$serde_json::private::Number":"1"}}"#, Trust::Anonymous, "name is used");
        let spelled = r#"{"\u0024serde_json::private::N\u0075mber":"1"}"#;
        refused(spelled, Trust::Anonymous, "name is used");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = check(&text, Trust::Anonymous, BYTES_MAX);
        }

        #[test]
        fn small_texts_always_pass(text in r#"[\[\]{}",:\\a0-9eEtrufalsn .+-]{0,31}"#) {
            prop_assert!(check(text.as_bytes(), Trust::Anonymous, BYTES_MAX).is_ok());
        }
    }
}
