//! The budget of a lane: how often AWS may be called.

use std::time::Duration;

/// Tokens come in at most so many times as seldom as the suite asks for.
const SLOWEST: u32 = 8;

/// A token bucket, kept as the time at which it will be full again: whole nanoseconds, so that
/// nothing drifts however long a run is.
#[derive(Debug)]
pub(super) struct Budget {
    /// One token comes in every such interval, now.
    interval: Duration,
    /// And so often where AWS does not throttle.
    shortest: Duration,
    /// The bucket is as deep as the tokens of this time, beyond the first.
    depth: Duration,
    /// When the bucket will be full; in the past where it is.
    full_at: Duration,
    /// No token before.
    paused_until: Duration,
}

impl Budget {
    /// `burst` is AWS's: the bucket is one token smaller, since latency jitter moves calls of a
    /// full burst into the same second as those after it (AWS-FACTS.md: 1.9 of 200 throttled).
    pub(super) fn new(requests_per_second: f64, burst: u32) -> Self {
        let interval = Duration::from_secs_f64(1.0 / requests_per_second);
        let size = burst.saturating_sub(1).max(1);
        Self {
            interval,
            shortest: interval,
            depth: interval * (size - 1),
            full_at: Duration::ZERO,
            paused_until: Duration::ZERO,
        }
    }

    /// When the next call may be made: `now` or later.
    pub(super) fn next(&self, now: Duration) -> Duration {
        self.full_at().saturating_sub(self.depth).max(now)
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        let free = self.next(now) <= now;
        if free {
            self.full_at = self.full_at().max(now) + self.interval;
        }
        free
    }

    /// Lets tokens come in more seldom: AWS has throttled, be it that others call, or that the suite
    /// asks for more than AWS gives.
    pub(super) fn slow_down(&mut self) {
        self.interval = (self.interval * 3 / 2).min(self.shortest * SLOWEST);
    }

    /// Lets tokens come in a little oftener again, up to what the suite asks for: a call has worked.
    pub(super) fn speed_up(&mut self) {
        self.interval = (self.interval * 49 / 50).max(self.shortest);
    }

    /// How many tokens come in a second, now.
    pub(super) fn requests_per_second(&self) -> f64 {
        1.0 / self.interval.as_secs_f64()
    }

    /// Ends a pause now, as if it had been asked for until now.
    pub(super) fn resume(&mut self, now: Duration) {
        self.paused_until = self.paused_until.min(now);
    }

    /// A call that was sent before has only now arrived, as far as AWS counts.
    pub(super) fn arrived(&mut self, now: Duration) {
        self.full_at = self.full_at.max(now + self.interval);
    }

    /// Empties the bucket until `until`: AWS has said that it holds less than was thought.
    pub(super) fn pause(&mut self, until: Duration) {
        self.paused_until = self.paused_until.max(until);
    }

    /// When it will be full, with the pause: that leaves it empty.
    fn full_at(&self) -> Duration {
        let paused = !self.paused_until.is_zero();
        let after_pause = if paused { self.paused_until + self.depth } else { Duration::ZERO };
        self.full_at.max(after_pause)
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
    fn throttling_slows_it_down_and_calls_that_work_speed_it_up_again() {
        let mut budget = Budget::new(2.0, 5);
        budget.slow_down();
        assert_eq!(budget.interval, Duration::from_millis(750));
        (0..20).for_each(|_| budget.slow_down());
        assert_eq!(budget.interval, Duration::from_secs(4), "and no further");
        (0..200).for_each(|_| budget.speed_up());
        assert_eq!(budget.interval, Duration::from_millis(500), "never beyond what was asked for");
    }

    #[test]
    fn a_pause_can_be_taken_back_and_leaves_no_burst_behind() {
        let mut budget = Budget::new(2.0, 5);
        budget.pause(Duration::from_secs(90));
        budget.resume(Duration::from_secs(3));
        assert_eq!(take_all(&mut budget, Duration::from_secs(3)), 1);
        assert_eq!(budget.next(Duration::from_secs(3)), Duration::from_millis(3500));
    }

    #[test]
    fn a_call_that_arrives_late_counts_from_then() {
        let mut budget = Budget::new(2.0, 5);
        assert!(budget.take(Duration::ZERO));
        budget.arrived(Duration::from_secs(2));
        assert_eq!(take_all(&mut budget, Duration::from_secs(2)), 3);
    }

    #[test]
    fn a_burst_of_one_still_lets_calls_through() {
        let mut budget = Budget::new(0.5, 1);
        assert_eq!(take_all(&mut budget, Duration::ZERO), 1);
        assert_eq!(budget.next(Duration::ZERO), Duration::from_secs(2));
    }
}
