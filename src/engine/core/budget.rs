//! The budget of a lane: how often AWS may be called.

use std::time::Duration;

/// A token bucket, kept as the time at which it will be full again: whole nanoseconds, so that
/// nothing drifts however long a run is.
#[derive(Debug)]
pub(super) struct Budget {
    /// One token comes in every such interval.
    interval: Duration,
    /// The bucket is as deep as the tokens of this time, beyond the first.
    depth: Duration,
    /// When the bucket will be full; in the past where it is.
    full_at: Duration,
}

impl Budget {
    /// `burst` is AWS's: the bucket is one token smaller, since latency jitter moves calls of a
    /// full burst into the same second as those after it (AWS-FACTS.md: 1.9 of 200 throttled).
    pub(super) fn new(requests_per_second: f64, burst: u32) -> Self {
        let interval = Duration::from_secs_f64(1.0 / requests_per_second);
        let size = burst.saturating_sub(1).max(1);
        Self { interval, depth: interval * (size - 1), full_at: Duration::ZERO }
    }

    /// When the next call may be made: `now` or later.
    pub(super) fn next(&self, now: Duration) -> Duration {
        self.full_at.saturating_sub(self.depth).max(now)
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        let free = self.next(now) <= now;
        if free {
            self.full_at = self.full_at.max(now) + self.interval;
        }
        free
    }

    /// Empties the bucket until `until`: AWS has said that it holds less than was thought.
    pub(super) fn pause(&mut self, until: Duration) {
        self.full_at = self.full_at.max(until + self.depth);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_all(budget: &mut Budget, now: Duration) -> usize {
        std::iter::repeat_with(|| budget.take(now)).take_while(|taken| *taken).count()
    }

    #[test]
    fn a_burst_is_one_less_than_aws_allows_and_refills_at_the_rate() {
        let mut budget = Budget::new(2.0, 5);
        let second = Duration::from_secs(1);
        assert_eq!(take_all(&mut budget, Duration::ZERO), 4);
        assert_eq!(budget.next(Duration::ZERO), Duration::from_millis(500));
        assert_eq!(take_all(&mut budget, Duration::from_millis(499)), 0);
        assert_eq!(take_all(&mut budget, second), 2);
        assert_eq!(take_all(&mut budget, 100 * second), 4, "never more than the burst");
    }

    #[test]
    fn a_pause_empties_it() {
        let mut budget = Budget::new(2.0, 5);
        budget.pause(Duration::from_secs(3));
        assert_eq!(take_all(&mut budget, Duration::from_millis(2999)), 0);
        assert_eq!(take_all(&mut budget, Duration::from_secs(3)), 1);
        assert_eq!(budget.next(Duration::from_secs(3)), Duration::from_millis(3500));
    }

    #[test]
    fn a_burst_of_one_still_lets_calls_through() {
        let mut budget = Budget::new(0.5, 1);
        assert_eq!(take_all(&mut budget, Duration::ZERO), 1);
        assert_eq!(budget.next(Duration::ZERO), Duration::from_secs(2));
    }
}
