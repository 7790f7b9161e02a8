//! What waits: calls for a token, in order of worth, and timers for their time.
//!
//! Nothing is ever searched for and taken out: an entry carries the generation of what it was
//! made for, and one that has been overtaken is dropped when it comes up.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::plan::TestIndex;

/// What a call is worth while tokens are short: the first is made first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    /// Stopping what would go on and cost.
    Stop,
    /// Finding out what came of a start.
    LookUp,
    /// Starting where AWS has a free slot: it is time lost.
    Start,
    /// Seeing an end, and what came out.
    Confirm,
    /// Starting what will wait in AWS's queue.
    Refill,
    /// Looking whether something has changed.
    Poll,
    /// Looking so at all that is under way in a window.
    Sweep,
    /// What is good to know beside a verdict that stands.
    Detail,
}

/// Who wants a call, and which of its wants it is: an earlier one is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Want {
    /// A test, in a generation of its own.
    Test(TestIndex, u32),
    /// The sweep of a window, in a generation of its own.
    Sweep(usize, u32),
}

/// The calls of a lane that could be made now.
#[derive(Debug, Default)]
pub(super) struct Ready {
    heap: BinaryHeap<Reverse<(Worth, u64, Want, Duration)>>,
    sequence: u64,
}

impl Ready {
    /// Adds a call that is wanted at `now`; equals come in the `order` given, or else in that in
    /// which they were added.
    pub(super) fn push(&mut self, worth: Worth, order: Option<u64>, want: Want, now: Duration) {
        self.sequence += 1;
        let order = order.unwrap_or(self.sequence);
        self.heap.push(Reverse((worth, order, want, now)));
    }

    /// What comes first, and since when it waits, of what `is_current` holds for.
    pub(super) fn first(&mut self, is_current: impl Fn(Want) -> bool) -> Option<(Want, Duration)> {
        while let Some(Reverse((_, _, want, since))) = self.heap.peek() {
            if is_current(*want) {
                return Some((*want, *since));
            }
            self.heap.pop();
        }
        None
    }

    /// Takes the first away.
    pub(super) fn pop(&mut self) {
        self.heap.pop();
    }
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The call that a test wants is due; with the test's generation.
    Due(TestIndex, u32),
    /// A deadline of a test; with the generation of the deadline.
    Deadline(TestIndex, u32),
    /// A call that is worth little has waited for long: it is worth more now.
    Starved(Want),
    /// A window that AWS had no room for may start again.
    Room,
    /// Nothing has been told for a while.
    Quiet,
    /// The run's time is up.
    RunDeadline,
    /// The time in which an interrupted run may tidy up is over.
    GraceOver,
}

/// Timers by their time.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Duration, u64, Timer)>>,
    sequence: u64,
}

impl Timers {
    /// Sets a timer; those of one time go off in the order set.
    pub(super) fn set(&mut self, at: Duration, timer: Timer) {
        self.sequence += 1;
        self.heap.push(Reverse((at, self.sequence, timer)));
    }

    /// When the next goes off, of those for which `is_current` holds.
    pub(super) fn next(&mut self, is_current: impl Fn(Timer) -> bool) -> Option<Duration> {
        while let Some(Reverse((at, _, timer))) = self.heap.peek() {
            if is_current(*timer) {
                return Some(*at);
            }
            self.heap.pop();
        }
        None
    }

    /// The next that has gone off by `now`.
    pub(super) fn pop(&mut self, now: Duration) -> Option<Timer> {
        if self.heap.peek().is_some_and(|Reverse((at, _, _))| *at <= now) {
            self.heap.pop().map(|Reverse((_, _, timer))| timer)
        } else {
            None
        }
    }
}
