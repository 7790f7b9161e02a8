//! Wall time to model time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The time of the model: milliseconds since the epoch, begun at the wall clock's time and then run at `speed`.
///
/// It goes by the monotonic clock, so that a wall clock that is set back does not move executions backwards.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    begun: Instant,
    begun_ms: u64,
    speed: f64,
}

impl Clock {
    /// Starts the clock. `speed`: model seconds per wall second, above 0.
    pub(super) fn start(speed: f64) -> Clock {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { begun: Instant::now(), begun_ms: millis(since_epoch), speed }
    }

    /// When the model began, in epoch milliseconds.
    pub(super) fn begun_ms(&self) -> u64 {
        self.begun_ms
    }

    /// The model's time, in epoch milliseconds.
    pub(super) fn now_ms(&self) -> u64 {
        let elapsed = self.begun.elapsed().as_secs_f64() * self.speed * 1000.0;
        // The cast saturates, and stays far below 2^53 for any run that a person waits for.
        self.begun_ms.saturating_add(elapsed as u64)
    }

    /// How long `model_ms` lasts on the wall.
    pub(super) fn wall(&self, model_ms: u64) -> Duration {
        Duration::try_from_secs_f64(model_ms as f64 / 1000.0 / self.speed).unwrap_or(Duration::MAX)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
