//! Durations as people write them: `250ms`, `90s`, `5m`, `1h30m`.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

/// A duration in milliseconds of model time. `0s` is one too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Millis(pub u64);

const EXPECTED: &str = "a duration such as 250ms, 90s, 5m or 1h30m";

impl Millis {
    /// Reads numbers with units, the largest unit first, each unit once.
    fn parse(text: &str) -> Option<Millis> {
        let mut rest = text;
        let mut total: u64 = 0;
        let mut last = u64::MAX;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit())?;
            let number: u64 = rest[..digits].parse().ok()?;
            let after = &rest[digits..];
            let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
            let unit = match &after[..end] {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                _ => return None,
            };
            if unit >= last {
                return None;
            }
            last = unit;
            total = total.checked_add(number.checked_mul(unit)?)?;
            rest = &after[end..];
        }
        (!text.is_empty()).then_some(Millis(total))
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Millis, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Millis;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Millis, E> {
                Millis::parse(text)
                    .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &EXPECTED))
            }
        }
        from.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, ms) in [
            ("0s", 0),
            ("250ms", 250),
            ("90s", 90_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1h2m3s4ms", 3_723_004),
        ] {
            assert_eq!(Millis::parse(text), Some(Millis(ms)), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "5",
            "s",
            "1.5s",
            "-1s",
            "5 s",
            "1s2m",
            "1s1s",
            "5d",
            "99999999999999999999s",
            "9999999999999999h",
            "1sü",
        ] {
            assert_eq!(Millis::parse(text), None, "{text}");
        }
    }
}
