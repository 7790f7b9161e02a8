//! The sans-IO core: owns all state of a run, is given (now, what happened) and gives what is to
//! be done and when it wants to be woken.
//!
//! It has no clock, socket, task or randomness of its own: time comes in, and chance is handed in,
//! so that a run can be played in a moment and a seed replays exactly. Times are counted from the
//! start of the run.
//!
//! This file turns the wheel: input, then timers, then places in `windows`, then calls on `lanes`.
//! When what runs is looked at stands in `watch`, how one list stands for many looks in `sweep`. What a
//! reply means stands in `replies`, of starts in `starts` and of results in `reading`, how tests end in
//! `endings` and how runs do in `closing`, what makes a test pass in `judge`.
//!
//! A start takes a place in its window, has its intent written (`intents`), and then takes a token of
//! its lane. Where its reply is lost, `looking_up` finds out what came of it, and `own` says which
//! execution that is. What a killed process has left is taken up in `taking_up`.

mod budget;
mod closing;
mod endings;
mod intents;
mod judge;
mod lanes;
mod looking_up;
mod messages;
mod own;
mod queue;
mod reading;
mod replies;
mod spacing;
mod starts;
mod sweep;
mod taking_up;
mod test_run;
mod watch;
mod windows;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use self::intents::Pages;
use self::lanes::{Lane, is_current};
use self::looking_up::Before;
use self::queue::{Timer, Timers, Want};
use self::test_run::{State, TestRun};
use self::windows::Window;
use crate::engine::journal::known::KnownRun;
use crate::engine::journal::record::target_of;
use crate::event::{Event, EventKind, Waiting};
use crate::outcome::{AwsError, Signal};
use crate::plan::{Plan, Target, TestIndex};
use crate::service::{CallError, ErrorClass, has_client_tokens};

pub use self::messages::{Action, Call, CallId, Input, Reply, Step};
pub use self::spacing::Chance;

/// The time an interrupted run has to stop what it can. GitHub sends SIGTERM 7.5 s after SIGINT;
/// the run is to be over within 7 (REPORTING-FACTS.md).
const GRACE: Duration = Duration::from_millis(6500);

/// A signal that follows the first so closely is the same request.
pub const TWICE: Duration = Duration::from_millis(250);

/// After so long without news it is told what is waited for.
const QUIET: Duration = Duration::from_secs(60);

/// What a call on the wire was for.
#[derive(Debug, Clone, Copy)]
struct OnTheWire {
    /// Who wanted it, and which of its wants it was: a reply to what is no longer wanted is told
    /// apart by it.
    want: Want,
    /// The lane that it went to.
    lane: usize,
    /// When it was sent.
    sent_at: Duration,
    /// The attempt of the test that it was for, and how many of its starts had begun something.
    of: (u32, usize),
}

/// Why nothing new is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    /// The run has had its `max_failures`.
    Failures,
    /// Its time is up.
    TimeUp,
    /// A signal has come.
    Signal(Signal),
    /// The journal cannot be written any more.
    JournalBroken,
}

/// The state of a run.
pub struct Core {
    plan: Arc<Plan>,
    started_at: DateTime<Utc>,
    nonce: Uuid,
    chance: Chance,
    tests: Vec<TestRun>,
    lanes: Vec<Lane>,
    windows: Vec<Window>,
    timers: Timers,
    pages: Pages,
    /// By target of a service without client tokens: what was there before the run's first start of
    /// it, or that AWS gave no list of that; and the test whose start is under way.
    before: HashMap<Option<usize>, Result<Before, Box<AwsError>>>,
    owners: HashMap<Option<usize>, TestIndex>,
    /// All tests of it.
    sharing: HashMap<Option<usize>, Vec<TestIndex>>,
    /// Those that wait for that one.
    behind: HashMap<Option<usize>, VecDeque<TestIndex>>,
    /// The executions that AWS has begun for the run.
    executions: HashSet<String>,
    /// What another process of the run has left.
    known: Option<KnownRun>,
    /// Tests that have failed in another process, until they are counted here.
    uncounted: HashSet<TestIndex>,
    /// Whether something is left for another process to take up.
    left_open: bool,
    calls: HashMap<CallId, OnTheWire>,
    next_call: CallId,
    unfinished: usize,
    failures: u32,
    /// Tests whose verdict stood before all of their details had been read.
    judged_tests: u64,
    closing: Option<Closing>,
    /// When the first calls could be made.
    begun_at: Duration,
    /// When the first signal came.
    signalled_at: Duration,
    /// When something new was last told.
    told_at: Duration,
    actions: Vec<Action>,
}

impl Core {
    /// A run of `plan` that begins at `started_at`. `nonce` is a random number that is new for
    /// each run: the client tokens hang on it. `chance` spreads waits.
    pub fn new(plan: Arc<Plan>, started_at: DateTime<Utc>, nonce: Uuid, chance: Chance) -> Self {
        let window = |window: &crate::plan::Window| Window::new(window.in_flight);
        let mut windows: Vec<Window> = plan.windows.iter().map(window).collect();
        let mut tests: Vec<TestRun> = plan.tests.iter().map(|_| TestRun::new()).collect();
        for (rank, test) in plan.order.iter().enumerate() {
            tests[*test].rank = rank;
            windows[plan.tests[*test].window].waiting.insert((0, rank, *test));
        }
        let mut targets: HashMap<BTreeMap<String, String>, usize> = HashMap::new();
        let mut sharing: HashMap<Option<usize>, Vec<TestIndex>> = HashMap::new();
        for (test, run) in tests.iter_mut().enumerate() {
            if !has_client_tokens(plan.tests[test].target.service()) {
                let next = targets.len();
                run.target = Some(*targets.entry(target_of(&plan, test)).or_insert(next));
                sharing.entry(run.target).or_default().push(test);
            }
        }
        let mut timers = Timers::default();
        timers.set(plan.timeout, Timer::RunDeadline);
        timers.set(QUIET, Timer::Quiet);
        Self {
            started_at,
            nonce,
            chance,
            tests,
            lanes: plan.lanes.iter().map(Lane::new).collect(),
            windows,
            timers,
            pages: Pages::default(),
            before: HashMap::new(),
            owners: HashMap::new(),
            sharing,
            behind: HashMap::new(),
            executions: HashSet::new(),
            known: None,
            uncounted: HashSet::new(),
            left_open: false,
            calls: HashMap::new(),
            next_call: 0,
            unfinished: plan.tests.len(),
            failures: 0,
            judged_tests: 0,
            closing: None,
            begun_at: Duration::MAX,
            signalled_at: Duration::ZERO,
            told_at: Duration::ZERO,
            actions: Vec::new(),
            plan,
        }
    }

    /// A run that another process has begun: `known` is what its journal says.
    #[must_use]
    pub fn taking_up(self, known: KnownRun) -> Self {
        Self { nonce: known.nonce, known: Some(known), ..self }
    }

    /// Whether something was left that another process can take up.
    pub fn is_left_open(&self) -> bool {
        self.left_open
    }

    /// Takes note of what has happened by `now` (which never goes back) and says what follows.
    pub fn handle(&mut self, now: Duration, input: Input) -> Step {
        self.begun_at = self.begun_at.min(now);
        if let Some(known) = self.known.take() {
            self.take_up_all(now, &known);
        }
        match input {
            Input::Tick => {}
            Input::Reply(id, reply) => self.reply(now, id, reply),
            Input::Signal(signal) => self.interrupt(now, signal),
            Input::OnDisk(number) => self.on_disk(now, number),
            Input::JournalBroken(why) => self.journal_broken(now, why),
        }
        while let Some(timer) = self.timers.pop(now) {
            self.timer(now, timer);
        }
        self.fill_windows(now);
        self.dispatch(now);
        Step {
            wake_at: self.wake_at(now),
            actions: std::mem::take(&mut self.actions),
            over: self.unfinished == 0,
        }
    }

    fn timer(&mut self, now: Duration, timer: Timer) {
        match timer {
            Timer::Due(test, generation) if self.tests[test].generation == generation => {
                match self.tests[test].state {
                    State::Waiting => self.wait_for_place(now, test),
                    _ => self.due(now, test),
                }
            }
            Timer::Deadline(test, deadline) if self.tests[test].deadline == deadline => {
                self.overdue(now, test);
            }
            Timer::Starved(want) => self.starved(now, want),
            Timer::Due(..) | Timer::Deadline(..) | Timer::Room => {}
            Timer::Quiet => self.still_waiting(now),
            Timer::RunDeadline => self.time_up(now),
            Timer::GraceOver => self.leave(now),
        }
    }

    fn wake_at(&mut self, now: Duration) -> Option<Duration> {
        let (tests, windows) = (&self.tests, &self.windows);
        let timer = self.timers.next(|timer| match timer {
            Timer::Due(test, generation) => tests[test].generation == generation,
            Timer::Deadline(test, deadline) => tests[test].deadline == deadline,
            Timer::Starved(want) => is_current(tests, windows, want),
            Timer::Room | Timer::Quiet | Timer::RunDeadline | Timer::GraceOver => true,
        });
        let lanes = (0..self.lanes.len()).filter_map(|lane| self.next_call_at(now, lane)).min();
        [timer, lanes].into_iter().flatten().min()
    }

    /// Lets a test want the call that its state asks for, at `at`; what it wanted before is void.
    fn want(&mut self, now: Duration, test: TestIndex, at: Duration) {
        let run = &mut self.tests[test];
        run.generation += 1;
        run.on_the_wire = false;
        run.left_to_sweep = false;
        if at <= now {
            self.due(now, test);
        } else {
            self.timers.set(at, Timer::Due(test, self.tests[test].generation));
        }
    }

    /// What a test wants is due: its call waits for a token, or a sweep stands for it.
    fn due(&mut self, now: Duration, test: TestIndex) {
        if self.is_swept(now, test) {
            self.want_sweep(now, self.plan.tests[test].window);
            // Whatever becomes of the sweep, the test is not forgotten.
            let (longest, run) = (self.plan.tests[test].poll.max, &mut self.tests[test]);
            run.left_to_sweep = true;
            self.timers.set(now + longest, Timer::Due(test, run.generation));
            return;
        }
        match self.tests[test].state {
            State::Starting => self.prepare_start(now, test),
            State::Stopping(_, _, _, record) => self.ready_once_on_disk(now, test, record),
            _ => self.make_ready(now, test),
        }
    }

    /// Whether the run is to be over soon.
    fn is_hurried(&self) -> bool {
        matches!(self.closing, Some(Closing::TimeUp | Closing::Signal(_)))
    }

    /// Lets a test want its call again after trouble, with a wait that grows.
    fn want_again(&mut self, now: Duration, test: TestIndex, error: CallError) {
        let mut pause = Duration::ZERO;
        let wait = match error.class {
            // The lane pauses as a whole. A start waits for longer: it is worth the most, and would
            // take the one token that there is after a pause from those who look at what runs.
            ErrorClass::Throttled { retry_after } => {
                let lane = self.plan.lane(test);
                self.pause(now, lane, retry_after);
                pause = self.lanes[lane].paused_until.saturating_sub(now);
                if matches!(self.tests[test].state, State::Starting) {
                    pause + self.tests[test].retry.next(&mut self.chance)
                } else {
                    Duration::ZERO
                }
            }
            ErrorClass::ClockSkew { .. } => Duration::ZERO,
            _ => self.tests[test].retry.next(&mut self.chance),
        };
        let after = wait.max(pause);
        let event = EventKind::Retrying { test, error: error.error.clone(), after };
        self.emit(now, event);
        let run = &mut self.tests[test];
        run.note_trouble(now, error);
        self.want(now, test, now + wait);
    }

    /// Lets a test want nothing any more.
    fn want_nothing(&mut self, test: TestIndex) {
        let run = &mut self.tests[test];
        run.generation += 1;
        run.deadline += 1;
        run.on_the_wire = false;
    }

    /// The client token of what is sent for a test now: the same however often it is sent, and
    /// never that of another start, of another run, or of a stop.
    fn token(&self, purpose: &str, test: TestIndex) -> String {
        let run = &self.tests[test];
        let start = run.starts.len();
        let identity = self.plan.identity(test);
        // A run may be taken up with a test that is another test case by now.
        let case = match &self.plan.tests[test].target {
            Target::Connect(target) => target.test_case_id.as_str(),
            Target::Lex(_) => "",
        };
        let name = format!("{purpose}\0{identity}\0{case}\0{}\0{start}", run.attempt);
        Uuid::new_v5(&self.nonce, name.as_bytes()).to_string()
    }

    /// Tells what is waited for, where nothing else has been told for long: a host may take a job
    /// that is silent for a dead one, and a person too.
    fn still_waiting(&mut self, now: Duration) {
        if now >= self.told_at + QUIET {
            let mut counts = Waiting { paused: self.paused(now), ..Waiting::default() };
            for (test, run) in self.tests.iter().enumerate() {
                match &run.state {
                    State::Waiting => {
                        let window = &self.windows[self.plan.tests[test].window];
                        counts.for_place += 1;
                        counts.no_room += usize::from(window.is_crowded());
                    }
                    State::Starting | State::LookingUp(_) => counts.to_start += 1,
                    State::Polling(running) if running.left_queue_at.is_none() => {
                        counts.queued += 1
                    }
                    State::Polling(_) | State::Stopping(..) => counts.running += 1,
                    State::Reading(..) => counts.results += 1,
                    State::Done => {}
                }
            }
            self.emit(now, EventKind::StillWaiting(counts));
        }
        self.timers.set(self.told_at + QUIET, Timer::Quiet);
    }

    fn emit(&mut self, now: Duration, kind: EventKind) {
        if kind.is_news() {
            self.told_at = now;
        }
        self.actions.push(Action::Emit(Event { at: now, kind }));
    }
}

#[cfg(test)]
mod tests;
