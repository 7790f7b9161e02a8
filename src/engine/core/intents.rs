//! What comes before a start is sent: what is there already is known, no other start of the same
//! target is under way, and the intent is on disk.
//!
//! Whoever finds the journal after this process was killed knows by it what may have been started.

use std::collections::VecDeque;
use std::time::Duration;

use super::queue::Want;
use super::test_run::State;
use super::{Action, Closing, Core, Timer};
use crate::engine::journal::record::Record;
use crate::event::EventKind;
use crate::plan::TestIndex;
use crate::service::has_client_tokens;

/// An intent is good for so many of a test's shortest waits between looks, a minute of Lex: a start
/// that is sent later has it written again. For as long it is looked for what may have come of one.
const GOOD_FOR: u32 = 12;

/// A client token that was sent so long ago without a reply is not sent again before it was looked up
/// what came of it: how long AWS remembers it is documented nowhere (AWS-FACTS.md).
pub(super) const REMEMBERED: Duration = Duration::from_secs(600);

/// An intent that was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intent {
    /// Its number among all records.
    number: u64,
    /// When.
    at: Duration,
}

/// The journal, as far as the core knows it.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// Records given out to be written.
    written: u64,
    /// So many of them are on disk.
    on_disk: u64,
    /// Calls that wait for a record to be on disk.
    waiting: VecDeque<(u64, Want)>,
    /// Nothing can be written any more.
    broken: bool,
}

impl Core {
    /// How long an intent is good for, and how long is looked for what may have come of a start.
    pub(super) fn grace(&self, test: TestIndex) -> Duration {
        self.plan.tests[test].poll.min * GOOD_FOR
    }

    /// Has a record written. Gives its number.
    pub(super) fn persist(&mut self, record: Record) -> u64 {
        self.pages.written += 1;
        self.actions.push(Action::Persist(record));
        self.pages.written
    }

    /// Lets the call that a test wants wait for its token once a record is on disk.
    pub(super) fn ready_once_on_disk(&mut self, now: Duration, test: TestIndex, number: u64) {
        let stops = matches!(self.tests[test].state, State::Stopping(..));
        if number <= self.pages.on_disk || self.pages.broken && stops {
            return self.make_ready(now, test);
        }
        let want = Want::Test(test, self.tests[test].generation);
        self.pages.waiting.push_back((number, want));
    }

    /// All records up to `number` are on disk.
    pub(super) fn on_disk(&mut self, now: Duration, number: u64) {
        self.pages.on_disk = self.pages.on_disk.max(number);
        self.wake_written(now);
    }

    fn wake_written(&mut self, now: Duration) {
        let written = if self.pages.broken { u64::MAX } else { self.pages.on_disk };
        while self.pages.waiting.front().is_some_and(|(number, _)| *number <= written) {
            if let Some((_, Want::Test(test, generation))) = self.pages.waiting.pop_front()
                && self.tests[test].generation == generation
            {
                // It is as old as it is on disk: a slow one is not to be written for ever.
                if let Some(intent) = &mut self.tests[test].intent {
                    intent.at = now;
                }
                self.make_ready(now, test);
            }
        }
    }

    /// The journal cannot be written any more: nothing is started, and what runs is seen to its end.
    pub(super) fn journal_broken(&mut self, now: Duration, why: String) {
        if std::mem::replace(&mut self.pages.broken, true) {
            return;
        }
        self.left_open = true;
        self.emit(now, EventKind::JournalBroken { why });
        if self.closing.is_none() {
            self.closing = Some(Closing::JournalBroken);
        }
        self.end_all_unstarted(now);
        self.wake_written(now);
    }

    /// Sees to all that comes before a start; then it waits for its token.
    pub(super) fn prepare_start(&mut self, now: Duration, test: TestIndex) {
        let (service, poll) = {
            let planned = &self.plan.tests[test];
            (planned.target.service(), planned.poll)
        };
        let run = &self.tests[test];
        if has_client_tokens(service) {
            if run.lost.as_ref().is_some_and(|lost| now >= lost.remembered_until) {
                return self.look_up(now, test);
            }
        } else if !self.owns_target(test) {
            // Whoever is before it wakes it, or is looked up.
            let run = &self.tests[test];
            let behind = self.behind.entry(run.target).or_default();
            if !behind.contains(&test) {
                behind.push_back(test);
            }
            return self.timers.set(now + poll.max, Timer::Due(test, run.generation));
        } else if !self.before.contains_key(&self.tests[test].target) {
            return self.look_before(now, test);
        }
        let number = match self.tests[test].intent {
            Some(intent) if self.has_intent(now, test) => intent.number,
            _ => self.write_intent(now, test),
        };
        self.ready_once_on_disk(now, test, number);
    }

    /// Whether a start has an intent that is still good.
    pub(super) fn has_intent(&self, now: Duration, test: TestIndex) -> bool {
        let intent = self.tests[test].intent;
        intent.is_some_and(|intent| now < intent.at + self.grace(test))
    }

    fn write_intent(&mut self, now: Duration, test: TestIndex) -> u64 {
        let run = &self.tests[test];
        let before = self.before.get(&run.target).and_then(|before| before.as_ref().ok());
        let at = self.started_at + now;
        let record = Record::Intent {
            test,
            attempt: run.attempt,
            start: run.starts.len() + 1,
            at,
            aws_at: before.and_then(|before| Some(before.clock?.earliest(at))),
            again: run.lost.is_some(),
            before: before.map(|before| before.recent.clone()).unwrap_or_default(),
        };
        let number = self.persist(record);
        self.tests[test].intent = Some(Intent { number, at: now });
        number
    }

    /// A start is answered, or is not to be: the next of its target may be sent.
    pub(super) fn wake_behind(&mut self, now: Duration, test: TestIndex) {
        let Some(behind) = self.behind.get_mut(&self.tests[test].target) else { return };
        // One may have been woken by its own timer, and sent its start.
        let waits = |next: &TestIndex| {
            let run = &self.tests[*next];
            *next != test && matches!(run.state, State::Starting) && !run.on_the_wire
        };
        let next = std::iter::from_fn(|| behind.pop_front()).find(waits);
        // In a moment: the state of the one before it is about to change.
        if let Some(next) = next {
            self.timers.set(now, Timer::Due(next, self.tests[next].generation));
        }
    }

    /// Takes the target of a test for it, unless another test has a start of it under way: of two
    /// executions that appear nobody could tell which is whose.
    fn owns_target(&mut self, test: TestIndex) -> bool {
        let target = self.tests[test].target;
        let is_looked_up = |test: &TestIndex| matches!(&self.tests[*test].state, State::LookingUp(it) if it.of_start);
        if self.sharing.get(&target).is_some_and(|all| all.iter().any(is_looked_up)) {
            return false;
        }
        let owner = self.owners.entry(target).or_insert(test);
        if !matches!(self.tests[*owner].state, State::Starting | State::LookingUp(_)) {
            *owner = test;
        }
        *owner == test
    }
}
