//! What a suite need not say: the defaults of DESIGN.md §1, in one place.

use std::time::Duration;

use super::model::{Poll, RetryOn};
use crate::outcome::ServiceName;

/// The whole run.
pub const RUN_TIMEOUT: Duration = Duration::from_secs(2 * 3600);

/// From an accepted start to leaving AWS's queue.
pub const QUEUE_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// Calls a second: Connect answers 2 for a whole account and Region by default, and Lex is not
/// asked for more (AWS-FACTS.md).
pub const REQUESTS_PER_SECOND: f64 = 2.0;

/// New attempts follow a verdict; trouble on the way is not the test's.
pub const RETRY_ON: RetryOn = RetryOn { failed: true, error: false };

/// A pass that has observed nothing has tested nothing.
pub const MIN_OBSERVATIONS: u32 = 1;

/// AWS's burst, of which callcheck uses one less.
pub const BURST: u32 = 5;

/// One execution, from leaving AWS's queue. Connect itself ends a simulation after 5 minutes, so
/// that a minute more lets AWS's own verdict come first.
pub fn timeout(service: ServiceName) -> Duration {
    match service {
        ServiceName::Connect => Duration::from_secs(6 * 60),
        ServiceName::Lex => Duration::from_secs(3600),
    }
}

/// The spacing of polls of one execution.
pub fn poll(service: ServiceName) -> Poll {
    let (min, max) = match service {
        ServiceName::Connect => (2, 10),
        ServiceName::Lex => (5, 30),
    };
    Poll { min: Duration::from_secs(min), max: Duration::from_secs(max) }
}

/// Executions begun and not ended: Connect's five slots and a short queue behind them; for Lex,
/// five a Region.
pub fn in_flight(service: ServiceName) -> u32 {
    match service {
        ServiceName::Connect => 10,
        ServiceName::Lex => 5,
    }
}
