//! Waits that grow: between polls, and between tries of a call.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// Where a core takes its chance from: numbers from 0 up to 1.
pub type Chance = Box<dyn FnMut() -> f64 + Send>;

/// Exponentially growing waits, each drawn from the upper half of its step and never outside the
/// bounds. (backon's own jitter adds above the maximum, so it stays off.)
#[derive(Debug)]
pub(super) struct Spacing {
    min: Duration,
    max: Duration,
    /// Steps taken. (The iterator itself is four times as large, and there are three a test.)
    taken: u32,
}

/// From so many steps on, a second has become longer than any wait.
const MOST_STEPS: u32 = 40;

impl Spacing {
    pub(super) fn new(min: Duration, max: Duration) -> Self {
        Self { min, max, taken: 0 }
    }

    /// The next wait.
    pub(super) fn next(&mut self, chance: &mut Chance) -> Duration {
        let mut steps = ExponentialBuilder::new()
            .with_min_delay(self.min)
            .with_max_delay(self.max)
            .with_factor(2.0)
            .without_max_times()
            .build();
        let step = steps.nth(self.taken as usize).unwrap_or(self.max).clamp(self.min, self.max);
        self.taken = MOST_STEPS.min(self.taken + 1);
        let low = (step / 2).max(self.min);
        low + (step - low).mul_f64(chance().clamp(0.0, 1.0))
    }

    /// Begins again with the shortest.
    pub(super) fn reset(&mut self) {
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(mut chance: Chance, count: usize) -> Vec<u64> {
        let mut spacing = Spacing::new(Duration::from_secs(2), Duration::from_secs(10));
        (0..count).map(|_| spacing.next(&mut chance).as_millis() as u64).collect()
    }

    #[test]
    fn waits_double_up_to_the_maximum() {
        assert_eq!(waits(Box::new(|| 1.0), 5), [2000, 4000, 8000, 10_000, 10_000]);
    }

    #[test]
    fn chance_takes_off_at_most_half_and_never_below_the_minimum() {
        assert_eq!(waits(Box::new(|| 0.0), 5), [2000, 2000, 4000, 5000, 5000]);
    }

    #[test]
    fn a_reset_begins_again() {
        let mut spacing = Spacing::new(Duration::from_secs(2), Duration::from_secs(10));
        let mut chance: Chance = Box::new(|| 1.0);
        spacing.next(&mut chance);
        spacing.next(&mut chance);
        spacing.reset();
        assert_eq!(spacing.next(&mut chance), Duration::from_secs(2));
    }
}
