//! Durations as clients write them and read them: `90`, `"1h30m"`, `"7d"`.
//!
//! Everything is whole seconds. A finer duration is cut to the second below it, as clients expect,
//! but never to zero: nearly everywhere zero means "no limit", and a short limit must not become
//! none. So `"1999ms"` is one second, and `"1ms"` is one, too.

use std::fmt;

/// The longest duration there is: what fits 63 bits of nanoseconds, some 292 years.
///
/// Adding one to a moment of this age can therefore never overflow.
pub const SECONDS_MAX: u64 = 9_223_372_036;

const NANOSECOND: u128 = 1;
const SECOND: u128 = 1_000_000_000;
const HOUR: u128 = 3_600 * SECOND;
/// Digits behind the point that count; no unit has more nanoseconds than this has digits.
const FRACTION_DIGITS_MAX: usize = 15;

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It is less than nothing.
    Negative(String),
    /// It has a point or several parts, and a number without a unit.
    MissingUnit(String),
    /// It has a unit nobody knows.
    UnknownUnit(String),
    /// It is longer than [`SECONDS_MAX`].
    TooLong(String),
    /// It is something else.
    Invalid(String),
}

/// Seconds in `text`: a whole number of seconds, or numbers with units (`d h m s ms us ns`).
///
/// An empty text is no time at all; anything between that and a second is one second.
///
/// # Errors
/// When it is not a duration, is negative, or is longer than [`SECONDS_MAX`].
pub fn parse(text: &str) -> Result<u64, Error> {
    if text.is_empty() {
        return Ok(0);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let nanoseconds = if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit())
    {
        whole(unsigned)
            .and_then(|seconds| seconds.checked_mul(SECOND))
            .ok_or_else(too_long(text))?
    } else {
        sum_of_parts(text, unsigned)?
    };
    if text.starts_with('-') && nanoseconds > 0 {
        return Err(Error::Negative(text.to_owned()));
    }
    whole_seconds(nanoseconds).filter(|seconds| *seconds <= SECONDS_MAX).ok_or_else(too_long(text))
}

/// `seconds`, unless there are more than [`SECONDS_MAX`]: for durations that come as numbers.
///
/// # Errors
/// [`Error::TooLong`].
pub fn bounded(seconds: u64) -> Result<u64, Error> {
    if seconds > SECONDS_MAX { Err(Error::TooLong(seconds.to_string())) } else { Ok(seconds) }
}

/// `seconds` in full: `768h0m0s`, `3m20s`, `0s`.
pub fn go_style(seconds: u64) -> String {
    let (hours, minutes, rest) = split(seconds);
    match (hours, minutes) {
        (0, 0) => format!("{rest}s"),
        (0, _) => format!("{minutes}m{rest}s"),
        _ => format!("{hours}h{minutes}m{rest}s"),
    }
}

/// `seconds` without the parts that are zero: `768h`, `1h30m`, `1h5s`, `0s`.
pub fn short(seconds: u64) -> String {
    let (hours, minutes, rest) = split(seconds);
    let part = |count: u64, unit| if count == 0 { String::new() } else { format!("{count}{unit}") };
    match part(hours, 'h') + &part(minutes, 'm') + &part(rest, 's') {
        nothing if nothing.is_empty() => "0s".to_owned(),
        parts => parts,
    }
}

fn split(seconds: u64) -> (u64, u64, u64) {
    (seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Only what is zero itself becomes zero.
fn whole_seconds(nanoseconds: u128) -> Option<u64> {
    match nanoseconds {
        1..SECOND => Some(1),
        _ => u64::try_from(nanoseconds / SECOND).ok(),
    }
}

/// Nanoseconds in a row of numbers with units, such as `1h30m` or `1.5h`.
fn sum_of_parts(text: &str, unsigned: &str) -> Result<u128, Error> {
    let invalid = || Error::Invalid(text.to_owned());
    let mut rest = unsigned;
    let mut total: u128 = 0;
    // Ends: every turn takes at least a digit and the letter behind it.
    while !rest.is_empty() {
        let (before_point, after_number) = digits(rest);
        let (after_point, after_number) = match after_number.strip_prefix('.') {
            Some(fraction) => digits(fraction),
            None => ("", after_number),
        };
        if before_point.is_empty() && after_point.is_empty() {
            return Err(invalid());
        }
        let (unit, after_unit) = letters(after_number);
        let size = match unit {
            "" if after_unit.is_empty() => return Err(Error::MissingUnit(text.to_owned())),
            "" => return Err(invalid()),
            unit => size_of(unit).ok_or_else(|| Error::UnknownUnit(text.to_owned()))?,
        };
        total = whole(before_point)
            .and_then(|count| count.checked_mul(size))
            .and_then(|part| part.checked_add(fraction_of(after_point, size)))
            .and_then(|part| part.checked_add(total))
            .ok_or_else(too_long(text))?;
        rest = after_unit;
    }
    // A lone sign has no parts at all.
    if unsigned.is_empty() { Err(invalid()) } else { Ok(total) }
}

fn size_of(unit: &str) -> Option<u128> {
    Some(match unit {
        "d" => 24 * HOUR,
        "h" => HOUR,
        "m" => 60 * SECOND,
        "s" => SECOND,
        "ms" => 1_000_000 * NANOSECOND,
        // The micro sign and the Greek letter look the same; people type both.
        "us" | "µs" | "μs" => 1_000 * NANOSECOND,
        "ns" => NANOSECOND,
        _ => return None,
    })
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn letters(text: &str) -> (&str, &str) {
    let end = text.find(|letter: char| letter == '.' || letter.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// The number in `digits`, nothing being zero; `None` when it is far beyond any duration.
fn whole(digits: &str) -> Option<u128> {
    if digits.is_empty() { Some(0) } else { digits.parse::<u64>().ok().map(u128::from) }
}

/// What `0.digits` of a unit comes to. More than nothing remains more than nothing.
fn fraction_of(digits: &str, size: u128) -> u128 {
    let least = u128::from(digits.bytes().any(|byte| byte != b'0'));
    let counted = digits.bytes().take(FRACTION_DIGITS_MAX);
    let (value, scale) = counted.fold((0, 1), |(value, scale), byte| {
        (value * 10 + u128::from(byte.saturating_sub(b'0')), scale * 10)
    });
    (value * size / scale).max(least)
}

fn too_long(text: &str) -> impl Fn() -> Error {
    || Error::TooLong(text.to_owned())
}

impl Error {
    /// What is wrong, without the text itself: in a request it may be a misplaced password.
    pub fn discreet(&self) -> &'static str {
        match self {
            Self::Negative(_) => "cannot provide negative value",
            Self::MissingUnit(_) => "time: missing unit in duration; try \"1h30m\"",
            Self::UnknownUnit(_) => "time: unknown unit in duration; try d, h, m or s",
            Self::TooLong(_) => "the duration is too long; at most 292 years",
            Self::Invalid(_) => "time: invalid duration; try \"1h30m\"",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Negative(text) => write!(formatter, "cannot provide negative value '{text}'"),
            Self::MissingUnit(text) => {
                write!(formatter, "time: missing unit in duration {text:?}")
            }
            Self::UnknownUnit(text) => {
                write!(formatter, "time: unknown unit in duration {text:?}; try d, h, m or s")
            }
            Self::TooLong(text) => {
                write!(formatter, "duration {text:?} is too long; at most {SECONDS_MAX}s")
            }
            Self::Invalid(text) => {
                write!(formatter, "time: invalid duration {text:?}; try \"1h30m\"")
            }
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<u64, &str>) {
        let got = parse(text).map_err(|error| error.to_string());
        assert_eq!(got.as_ref().map(|n| *n).map_err(String::as_str), expected, "{text:?}");
    }

    #[test]
    fn every_spelling_of_a_duration_is_understood() {
        check("", Ok(0));
        check("0", Ok(0));
        check("-0", Ok(0));
        check("90", Ok(90));
        check("+90", Ok(90));
        check("0090", Ok(90));
        check("90s", Ok(90));
        check("1h30m", Ok(5_400));
        check("1.5h", Ok(5_400));
        check(".5h", Ok(1_800));
        check("5.s", Ok(5));
        check("7d", Ok(604_800));
        check("1d12h", Ok(129_600));
        check("768h0m0s", Ok(2_764_800));
        check("1999ms", Ok(1));
        check("1.5s", Ok(1));
        check("500ms500ms", Ok(1));
        check("1500000us", Ok(1));
        check("1500000µs", Ok(1));
        check("1500000μs", Ok(1));
        check("3000000000ns", Ok(3));
        check("9223372036", Ok(SECONDS_MAX));
        check("9223372036s", Ok(SECONDS_MAX));
    }

    #[test]
    fn a_limit_under_a_second_is_never_no_limit() {
        for text in ["1ns", "1us", "1ms", "500ms", "999ms", "0.5s", ".001s", "+0.1ns"] {
            check(text, Ok(1));
        }
        check("0.000000000000000000000000001h", Ok(1));
        for text in ["0ms", "0.0s", "0h0m0s", "-0ms", "0.000000000000000000000000000h"] {
            check(text, Ok(0));
        }
        for text in ["-0.5s", "-1ms", "-0.1ns"] {
            check(text, Err(&format!("cannot provide negative value '{text}'")));
        }
    }

    #[test]
    fn what_is_not_a_duration_says_why() {
        check("1.5", Err(r#"time: missing unit in duration "1.5""#));
        check("1h30", Err(r#"time: missing unit in duration "1h30""#));
        check("-5", Err("cannot provide negative value '-5'"));
        check("-5s", Err("cannot provide negative value '-5s'"));
        check("-1ns", Err("cannot provide negative value '-1ns'"));
        check("1w", Err(r#"time: unknown unit in duration "1w"; try d, h, m or s"#));
        check("1 h", Err(r#"time: unknown unit in duration "1 h"; try d, h, m or s"#));
        for text in ["soon", "s", ".", ".s", "-", "+", "--5", " 5", "1..5s"] {
            check(text, Err(&format!("time: invalid duration {text:?}; try \"1h30m\"")));
        }
        for text in ["9223372037", "99999999999999999999999", "99999999999999999999h", "106752d"] {
            check(text, Err(&format!("duration {text:?} is too long; at most 9223372036s")));
        }
    }

    #[track_caller]
    fn check_style(seconds: u64, full: &str, brief: &str) {
        assert_eq!((go_style(seconds).as_str(), short(seconds).as_str()), (full, brief));
    }

    #[test]
    fn durations_are_written_in_full_and_in_short() {
        check_style(0, "0s", "0s");
        check_style(45, "45s", "45s");
        check_style(60, "1m0s", "1m");
        check_style(200, "3m20s", "3m20s");
        check_style(3_605, "1h0m5s", "1h5s");
        check_style(5_400, "1h30m0s", "1h30m");
        check_style(12_319, "3h25m19s", "3h25m19s");
        check_style(2_764_800, "768h0m0s", "768h");
        check_style(u64::MAX, "5124095576030431h0m15s", "5124095576030431h15s");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0..=SECONDS_MAX) {
            prop_assert_eq!(parse(&go_style(seconds)), Ok(seconds));
            prop_assert_eq!(parse(&short(seconds)), Ok(seconds));
            prop_assert_eq!(parse(&seconds.to_string()), Ok(seconds));
        }

        #[test]
        fn no_text_is_too_strange(text in "[-+0-9.dhmsnuµ ]{0,40}|.{0,20}") {
            if let Ok(seconds) = parse(&text) {
                prop_assert!(seconds <= SECONDS_MAX);
            }
        }
    }
}
