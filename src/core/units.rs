//! Sizes, durations and optional text as people write them in settings.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use bytesize::ByteSize;
use serde::de::value::StringDeserializer;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A size in bytes. Written as an integer or as text with an SI (`"5MB"`) or IEC (`"5MiB"`) unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteCount(u64);

impl ByteCount {
    /// A size in bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// A size in kilobytes of 1,000 bytes.
    pub const fn kilobytes(count: u64) -> Self {
        Self(count * 1_000)
    }

    /// A size in megabytes of 1,000,000 bytes.
    pub const fn megabytes(count: u64) -> Self {
        Self(count * 1_000_000)
    }

    /// The size in bytes.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ByteCount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        ByteSize::b(self.0).display().si().fmt(formatter)
    }
}

impl<'de> Deserialize<'de> for ByteCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Size;

        const EXPECTED: &str = "expected a size such as 5000000, \"5MB\" or \"5MiB\"";

        impl Visitor<'_> for Size {
            type Value = ByteCount;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(EXPECTED)
            }

            fn visit_u64<E: Error>(self, bytes: u64) -> Result<ByteCount, E> {
                Ok(ByteCount(bytes))
            }

            fn visit_i64<E: Error>(self, bytes: i64) -> Result<ByteCount, E> {
                u64::try_from(bytes)
                    .map(ByteCount)
                    .map_err(|_| E::custom(EXPECTED))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ByteCount, E> {
                let size: ByteSize = text.trim().parse().map_err(|_| E::custom(EXPECTED))?;
                Ok(ByteCount(size.as_u64()))
            }
        }

        deserializer.deserialize_any(Size)
    }
}

/// A duration. Written as seconds, integer or decimal, not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(Duration);

impl Seconds {
    /// A duration of whole seconds.
    pub const fn new(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The duration.
    pub const fn get(self) -> Duration {
        self.0
    }

    /// Whether it lasts no time at all.
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        seconds.0
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} s", self.0.as_secs_f64())
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Time;

        const EXPECTED: &str = "expected a number of seconds such as 10 or 2.5";
        /// Ten years: deadlines are sums of a clock and these, and must not overflow.
        const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

        fn bounded<E: Error>(time: Duration) -> Result<Seconds, E> {
            if time <= LONGEST {
                Ok(Seconds(time))
            } else {
                Err(E::custom("expected at most ten years in seconds"))
            }
        }

        impl Visitor<'_> for Time {
            type Value = Seconds;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(EXPECTED)
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<Seconds, E> {
                bounded(Duration::from_secs(seconds))
            }

            fn visit_i64<E: Error>(self, seconds: i64) -> Result<Seconds, E> {
                let seconds = u64::try_from(seconds).map_err(|_| E::custom(EXPECTED))?;
                self.visit_u64(seconds)
            }

            fn visit_f64<E: Error>(self, seconds: f64) -> Result<Seconds, E> {
                let time = Duration::try_from_secs_f64(seconds).map_err(|_| E::custom(EXPECTED))?;
                bounded(time)
            }
        }

        deserializer.deserialize_any(Time)
    }
}

/// A count as the default of a setting; there is no count of nothing, so 0 becomes 1.
pub const fn count(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}

/// Reads text into an optional value; empty text means that there is none.
///
/// For `#[serde(deserialize_with = "…")]`.
pub fn none_if_empty<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    T::deserialize(StringDeserializer::<D::Error>::new(text)).map(Some)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    #[test]
    fn sizes_are_bytes_si_or_iec() {
        let cases = [
            ("5", Some(5)),
            ("\"5\"", Some(5)),
            ("\"5MB\"", Some(5_000_000)),
            ("\"5 MiB\"", Some(5_242_880)),
            ("\"64KB\"", Some(64_000)),
            ("-1", None),
            ("1.5", None),
            ("true", None),
            ("\"\"", None),
            ("\"5 bananas\"", None),
        ];
        for (written, expected) in cases {
            let read: Option<ByteCount> = serde_json::from_str(written).ok();
            assert_eq!(read.map(ByteCount::get), expected, "{written}");
        }
    }

    #[test]
    fn durations_are_finite_seconds() {
        let cases = [
            ("10", Some(Duration::from_secs(10))),
            ("2.5", Some(Duration::from_millis(2500))),
            ("0", Some(Duration::ZERO)),
            ("-1", None),
            ("-0.5", None),
            ("1e300", None),
            ("9223372036854775807", None),
            ("\"10\"", None),
        ];
        for (written, expected) in cases {
            let read: Option<Seconds> = serde_json::from_str(written).ok();
            assert_eq!(read.map(Seconds::get), expected, "{written}");
        }
    }
}
