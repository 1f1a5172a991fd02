//! Points in time. Time is an argument: only [`SystemClock`] ever asks the machine.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Seconds;

const NANOSECONDS: i64 = 1_000_000_000;

/// A point in time, in nanoseconds since 1970 UTC. Written as RFC 3339 with up to nine digits.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Moment {
    nanoseconds: i64,
}

/// A clock with two hands. An argument of the kernel, so that tests can hold it still.
pub trait Clock: Send + Sync + 'static {
    /// The time as people know it. Somebody may set it, forward or back, at any moment.
    fn now(&self) -> Moment;

    /// How long the machine has been running: nobody sets this, and it never goes back.
    fn steady(&self) -> Duration;
}

/// The clock of the machine.
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    fn now(&self) -> Moment {
        let nanoseconds = Timestamp::now().as_nanosecond();
        Moment { nanoseconds: i64::try_from(nanoseconds).unwrap_or(i64::MAX) }
    }

    /// Unlike `Instant`, this goes on while the machine sleeps: what is to end in an hour must not
    /// live through a night in which the lid was closed.
    fn steady(&self) -> Duration {
        let since_start = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(since_start.tv_sec).unwrap_or(0);
        Duration::new(seconds, u32::try_from(since_start.tv_nsec).unwrap_or(0))
    }
}

impl Moment {
    /// The point `seconds` after 1970.
    pub fn from_unix(seconds: u64) -> Self {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        Self { nanoseconds: seconds.saturating_mul(NANOSECONDS) }
    }

    /// The point `milliseconds` after 1970.
    pub fn from_unix_milliseconds(milliseconds: u64) -> Self {
        let milliseconds = i64::try_from(milliseconds).unwrap_or(i64::MAX);
        Self { nanoseconds: milliseconds.saturating_mul(1_000_000) }
    }

    /// Whole seconds since 1970.
    pub fn unix(self) -> u64 {
        u64::try_from(self.nanoseconds / NANOSECONDS).unwrap_or(0)
    }

    /// Whole milliseconds since 1970.
    pub fn unix_milliseconds(self) -> u64 {
        u64::try_from(self.nanoseconds / 1_000_000).unwrap_or(0)
    }

    /// This point, `duration` later.
    #[must_use]
    pub fn plus(self, duration: Seconds) -> Self {
        let seconds = i64::try_from(duration.0).unwrap_or(i64::MAX);
        let added = seconds.saturating_mul(NANOSECONDS);
        Self { nanoseconds: self.nanoseconds.saturating_add(added) }
    }

    /// This point, `duration` later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let added = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        Self { nanoseconds: self.nanoseconds.saturating_add(added) }
    }

    /// How long from `earlier` to here, exactly; nothing when `earlier` is later.
    pub fn elapsed_since(self, earlier: Self) -> Duration {
        let nanoseconds = self.nanoseconds.saturating_sub(earlier.nanoseconds);
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(0))
    }

    /// How long from `earlier` to here, rounded up to seconds; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Seconds {
        let nanoseconds = self.nanoseconds.saturating_sub(earlier.nanoseconds).max(0);
        Seconds(u64::try_from(nanoseconds).unwrap_or(0).div_ceil(NANOSECONDS.unsigned_abs()))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = Timestamp::from_nanosecond(self.nanoseconds.into());
        match timestamp {
            Ok(timestamp) => timestamp.fmt(formatter),
            Err(_) => Err(fmt::Error),
        }
    }
}

impl std::str::FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unclear = || "not a point in time; try \"2030-01-31T12:00:00Z\"".to_owned();
        let timestamp: Timestamp = text.parse().map_err(|_| unclear())?;
        let nanoseconds = i64::try_from(timestamp.as_nanosecond()).map_err(|_| unclear())?;
        Ok(Self { nanoseconds })
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Moment;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a point in time such as \"2030-01-31T12:00:00Z\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Moment, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for Moment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Moment".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_as_many_digits_as_there_are() {
        assert_eq!(Moment::from_unix(0).to_string(), "1970-01-01T00:00:00Z");
        let moment: Moment = "2026-02-01T10:00:00.1234Z".parse().expect("a valid time");
        assert_eq!(moment.to_string(), "2026-02-01T10:00:00.1234Z");
    }

    #[test]
    fn durations_round_up_and_never_go_below_zero() {
        let start = Moment::from_unix(100);
        let later = Moment::from_unix_milliseconds(100_001);
        assert_eq!(later.since(start), Seconds(1));
        assert_eq!(start.since(later), Seconds(0));
        assert_eq!(start.plus(Seconds(u64::MAX)).since(start).0, 9_223_371_937);
    }
}
