//! Durations, as people and Go programs write them.

/// Reads seconds, or a duration such as `1h30m`, `1.5h` or `7d`. Parts of a second are dropped, but
/// less than a second is one: zero often means "no limit", and a short limit must not become none.
pub(crate) fn parse(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(seconds);
    }
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, behind) = rest.split_at(end);
        let next = behind.find(|letter: char| letter.is_ascii_digit() || letter == '.');
        let (unit, behind) = behind.split_at(next.unwrap_or(behind.len()));
        seconds += number.parse::<f64>().ok()? * unit_seconds(unit)?;
        rest = behind;
    }
    // Beyond this a float no longer holds whole seconds exactly, and nobody means it.
    let whole = if seconds > 0.0 { seconds.max(1.0) } else { seconds };
    (seconds < 1e15).then_some((sign * whole) as i64)
}

fn unit_seconds(unit: &str) -> Option<f64> {
    match unit {
        "d" => Some(86_400.0),
        "h" => Some(3_600.0),
        "m" => Some(60.0),
        "s" => Some(1.0),
        "ms" => Some(1e-3),
        "us" | "µs" => Some(1e-6),
        "ns" => Some(1e-9),
        _ => None,
    }
}

/// A duration as Go prints it: `768h0m0s`, `1m30s`, `0s`.
pub(crate) fn go(seconds: i64) -> String {
    let (sign, rest) =
        if seconds < 0 { ("-", seconds.unsigned_abs()) } else { ("", seconds as u64) };
    let (hours, minutes, seconds) = (rest / 3600, rest / 60 % 60, rest % 60);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// A duration as people like it: without the parts that are zero.
pub(crate) fn human(seconds: i64) -> String {
    let (sign, rest) =
        if seconds < 0 { ("-", seconds.unsigned_abs()) } else { ("", seconds as u64) };
    let parts = [(rest / 3600, "h"), (rest / 60 % 60, "m"), (rest % 60, "s")];
    let shown: String = parts
        .iter()
        .filter(|(amount, _)| *amount > 0)
        .map(|(amount, unit)| format!("{amount}{unit}"))
        .collect();
    if shown.is_empty() { "0s".to_owned() } else { format!("{sign}{shown}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(parse(text), expected, "{text}");
    }

    #[test]
    fn durations_are_read_in_every_usual_form() {
        check("60", Some(60));
        check("0", Some(0));
        check("-1", Some(-1));
        check("60s", Some(60));
        check("1h30m", Some(5400));
        check("1.5h", Some(5400));
        check("1d", Some(86_400));
        check("7d12h", Some(648_000));
        check("500ms", Some(1));
        check("1ns", Some(1));
        check("1.9s", Some(1));
        check("0.0s", Some(0));
        check("-0.5s", Some(-1));
        check("-1h", Some(-3600));
        check("", None);
        check("-", None);
        check("soon", None);
        check("1", Some(1));
        check("1x", None);
        check("1h30", None);
        check("h", None);
        check("1..2h", None);
        check("99999999999999999999h", None);
    }

    #[track_caller]
    fn check_shown(seconds: i64, as_go: &str, as_human: &str) {
        assert_eq!((go(seconds).as_str(), human(seconds).as_str()), (as_go, as_human));
    }

    #[test]
    fn durations_are_shown_in_both_forms() {
        check_shown(0, "0s", "0s");
        check_shown(45, "45s", "45s");
        check_shown(90, "1m30s", "1m30s");
        check_shown(300, "5m0s", "5m");
        check_shown(3600, "1h0m0s", "1h");
        check_shown(3605, "1h0m5s", "1h5s");
        check_shown(2_764_800, "768h0m0s", "768h");
        check_shown(-60, "-1m0s", "-1m");
    }
}
