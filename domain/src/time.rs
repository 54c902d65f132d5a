//! Points in time, to the millisecond.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A string that is no RFC 3339 time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an RFC 3339 time")]
pub struct TimestampError;

/// Milliseconds since 1970-01-01T00:00:00Z. Stored as that number, shown as RFC 3339 with three decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A time from its milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This time moved by so many milliseconds, at most to the end of time.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = i128::from(self.0) * 1_000_000;
        let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        // an inbox shows a hundred times: digit by digit takes a tenth of what the formatting machinery does
        let mut text = *b"0000-00-00T00:00:00.000Z";
        for (at, width, value) in [
            (0, 4, u32::try_from(at.year()).unwrap_or_default()),
            (5, 2, u8::from(at.month()).into()),
            (8, 2, at.day().into()),
            (11, 2, at.hour().into()),
            (14, 2, at.minute().into()),
            (17, 2, at.second().into()),
            (20, 3, at.millisecond().into()),
        ] {
            put_digits(&mut text[at..at + width], value);
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// A string that is no day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a day such as 2026-11-20")]
pub struct DayError;

/// A day of the calendar, in UTC. Shown as `2026-11-20`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day([u8; 10]);

impl Day {
    /// The day of a moment.
    pub fn of(at: Timestamp) -> Self {
        let mut day = *b"0000-00-00";
        for (digit, shown) in day.iter_mut().zip(at.to_string().bytes()) {
            *digit = shown;
        }
        Self(day)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl FromStr for Day {
    type Err = DayError;

    fn from_str(text: &str) -> Result<Self, DayError> {
        let begins: Timestamp = format!("{text}T00:00:00Z").parse().map_err(|TimestampError| DayError)?;
        let day = Self::of(begins);
        // one day has one spelling
        if day.0 == text.as_bytes() { Ok(day) } else { Err(DayError) }
    }
}

fn put_digits(text: &mut [u8], mut value: u32) {
    for digit in text.iter_mut().rev() {
        *digit = b"0123456789"[value as usize % 10];
        value /= 10;
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| TimestampError)?;
        let millis = at.unix_timestamp_nanos().div_euclid(1_000_000);
        i64::try_from(millis).map(Self).map_err(|_| TimestampError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_with_milliseconds_and_read_with_any_offset() {
        let at = Timestamp::from_millis(1_100_521_080_007);
        assert_eq!(at.to_string(), "2004-11-15T12:18:00.007Z");
        assert_eq!("2004-11-15T13:18:00.007+01:00".parse(), Ok(at));
        assert_eq!("yesterday".parse::<Timestamp>(), Err(TimestampError));
    }

    #[test]
    fn a_day_has_one_spelling() {
        let day = Day::of(Timestamp::from_millis(1_100_521_080_007));
        assert_eq!((day.to_string().as_str(), "2004-11-15".parse()), ("2004-11-15", Ok(day)));
        for text in ["", "2004-11-31", "2004-1-5", "2004-11-15T", "20041115", " 2004-11-15", "2004-11-15 "] {
            assert_eq!(text.parse::<Day>(), Err(DayError), "{text:?}");
        }
    }
}
