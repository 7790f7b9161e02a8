//! Futures in virtual time: they run one after the other, and sleeping takes no time.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// A future that runs on a [`Clock`].
pub(crate) type Task = Pin<Box<dyn Future<Output = ()>>>;

/// A clock that stands still until all tasks sleep, and then leaps to the first that wakes.
#[derive(Default)]
pub(crate) struct Clock {
    now: Cell<u64>,
    /// The task that runs.
    running: Cell<usize>,
    /// When which task wakes; those of one moment in the order in which they went to sleep.
    sleepers: RefCell<BinaryHeap<Reverse<(u64, u64, usize)>>>,
    sequence: Cell<u64>,
}

impl Clock {
    /// Milliseconds since the beginning.
    pub(crate) fn now(&self) -> u64 {
        self.now.get()
    }

    /// Sleeps for so many milliseconds.
    pub(crate) async fn sleep(&self, millis: u64) {
        let until = self.now() + millis;
        self.sequence.set(self.sequence.get() + 1);
        let sleeper = (until, self.sequence.get(), self.running.get());
        self.sleepers.borrow_mut().push(Reverse(sleeper));
        poll_fn(|_| if self.now() >= until { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    /// Runs tasks to their end. They wait for nothing but this clock.
    pub(crate) fn run(&self, mut tasks: Vec<Task>) {
        let count = tasks.len();
        let mut step = |number: usize| {
            self.running.set(number);
            // A task that is over sleeps no more, and so is not polled again.
            let _ = tasks[number].as_mut().poll(&mut Context::from_waker(Waker::noop()));
        };
        (0..count).for_each(&mut step);
        while let Some((until, number)) = self.first_sleeper() {
            self.now.set(until);
            step(number);
        }
    }

    fn first_sleeper(&self) -> Option<(u64, usize)> {
        self.sleepers.borrow_mut().pop().map(|Reverse((until, _, number))| (until, number))
    }
}
