//! How durations are written: in suites, on the command line, and in every message.

use std::time::Duration;

/// The longest duration that may be written: a year, far beyond any run, so that arithmetic on
/// times cannot overflow.
const MAX_DURATION: Duration = Duration::from_secs(365 * 24 * 3600);

/// Reads a duration such as `250ms`, `90s`, `5m` or `1h30m`; above 0.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "a duration such as 250ms, 90s, 5m or 1h30m";
    const TOO_LONG: &str = "a duration of at most a year (8760h)";
    const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let mut rest = text;
    let mut total: u64 = 0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let amount: u64 = rest[..digits]
            .parse()
            .map_err(|_| if digits == 0 { EXPECTED } else { TOO_LONG }.to_owned())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        // Units come once each, the largest first, so that there is one way to write a duration.
        let (index, (_, millis)) = UNITS
            .iter()
            .enumerate()
            .skip(next_unit)
            .find(|(_, (unit, _))| *unit == &rest[..letters])
            .ok_or_else(|| EXPECTED.to_owned())?;
        next_unit = index + 1;
        rest = &rest[letters..];
        total = amount
            .checked_mul(*millis)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(|| TOO_LONG.to_owned())?;
    }
    let duration = Duration::from_millis(total);
    if text.is_empty() {
        Err(EXPECTED.to_owned())
    } else if duration.is_zero() {
        Err("a duration above 0".to_owned())
    } else if duration > MAX_DURATION {
        Err(TOO_LONG.to_owned())
    } else {
        Ok(duration)
    }
}

/// Writes a duration as the grammar has it.
pub fn format_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let parts = [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let mut rest = millis;
    let mut text = String::new();
    for (size, unit) in parts {
        if rest / size > 0 {
            text.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_the_grammar_says() {
        for (text, millis) in
            [("250ms", 250), ("90s", 90_000), ("5m", 300_000), ("1h30m", 5_400_000)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
            assert_eq!(
                parse_duration(&format_duration(Duration::from_millis(millis))),
                Ok(Duration::from_millis(millis))
            );
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        let bad = [
            "",
            "0s",
            "0h0m",
            "5",
            "m",
            "1.5h",
            "-5s",
            "5 m",
            "5m5m",
            "30m1h",
            "1d",
            "9h9h",
            "99999999999999999999s",
            "8761h",
            "307445734561825861m",
        ];
        for text in bad {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
