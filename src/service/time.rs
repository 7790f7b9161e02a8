//! AWS's times.

use std::time::Duration;

use aws_smithy_types::DateTime;
use chrono::Utc;

/// Seconds beyond this are milliseconds: AWS has sent those where the protocol says seconds
/// (AWS-FACTS.md, seen live), and this many seconds are the year 5138.
const LAST_SECOND: i64 = 100_000_000_000;

/// How long something took by AWS's clock; none where a time is missing or they make no sense.
pub(super) fn took(start: Option<&DateTime>, end: Option<&DateTime>) -> Option<Duration> {
    let millis = epoch_millis(end?).checked_sub(epoch_millis(start?))?;
    u64::try_from(millis).ok().map(Duration::from_millis)
}

/// A time of AWS's; none where it makes no sense.
pub(super) fn utc(time: &DateTime) -> Option<chrono::DateTime<Utc>> {
    chrono::DateTime::from_timestamp_millis(epoch_millis(time))
}

fn epoch_millis(time: &DateTime) -> i64 {
    if time.secs() > LAST_SECOND {
        time.secs()
    } else {
        time.secs().saturating_mul(1000).saturating_add(i64::from(time.subsec_nanos() / 1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_where_seconds_are_due_are_accepted() {
        let nine = Some(Duration::from_secs(9));
        let (from, to) = (1_770_000_000_500, 1_770_000_009_500);
        let seconds = (DateTime::from_millis(from), DateTime::from_millis(to));
        assert_eq!(took(Some(&seconds.0), Some(&seconds.1)), nine);
        let millis = (DateTime::from_secs(from), DateTime::from_secs(to));
        assert_eq!(took(Some(&millis.0), Some(&millis.1)), nine);
        assert_eq!(utc(&seconds.1).map(|time| time.timestamp_millis()), Some(to));
        assert_eq!(utc(&millis.1), utc(&seconds.1));
        assert_eq!(took(Some(&seconds.1), Some(&seconds.0)), None, "an end before its start");
        assert_eq!(took(None, Some(&seconds.0)), None);
    }
}
