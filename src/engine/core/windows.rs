//! What bounds the executions in flight: a window has places, and tests wait for them.

use std::collections::VecDeque;
use std::time::Duration;

use super::Core;
use super::test_run::State;
use crate::plan::TestIndex;

/// A window of the plan under way.
#[derive(Default)]
pub(super) struct Window {
    /// Tests that have not been started, in order.
    pub(super) waiting: VecDeque<TestIndex>,
    /// Places taken.
    taken: u32,
}

impl Core {
    /// Gives free places to tests that wait.
    pub(super) fn fill_windows(&mut self, now: Duration) {
        for index in 0..self.windows.len() {
            while self.windows[index].taken < self.plan.windows[index].in_flight {
                let Some(test) = self.windows[index].waiting.pop_front() else { break };
                // One that has ended while it waited is still in the queue.
                if !matches!(self.tests[test].state, State::Waiting) {
                    continue;
                }
                self.windows[index].taken += 1;
                self.tests[test].has_place = true;
                self.tests[test].state = State::Starting;
                self.want(now, test, now);
            }
        }
    }

    /// Gives the place that a test has in its window, if it has one, to the next.
    pub(super) fn free_place(&mut self, test: TestIndex) {
        if std::mem::take(&mut self.tests[test].has_place) {
            self.windows[self.plan.tests[test].window].taken -= 1;
        }
    }
}
