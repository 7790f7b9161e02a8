//! What the core knows of one test while it is under way.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use super::intents::Intent;
use super::looking_up::{LookUp, Lost};
use super::spacing::Spacing;
use crate::engine::journal::known::{KnownAttempt, KnownStop};
use crate::engine::journal::record::Overdue;
use crate::event::Why;
use crate::outcome::{Attempt, Details, Start, Verdict};
use crate::plan::PlannedTest;
use crate::service::{CallError, End, ErrorClass, PageRequest, ResultKind, Status};

use super::judge::Judgement;

/// The first wait before a call is made again, and the longest. AWS's SDKs begin at up to 1 s and
/// end at 20 s.
pub(super) const RETRY: (Duration, Duration) =
    (Duration::from_millis(500), Duration::from_secs(20));

/// The first wait before a start that came to nothing is followed by another, and the longest: the
/// instance has more to do than it can, and asking it oftener does not help.
const ANEW: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// Where a test is.
#[derive(Debug)]
pub(super) enum State {
    /// In its window's queue.
    Waiting,
    /// It has a place in its window; its start is to be sent, or sent again.
    Starting,
    /// It is looked up what is there before its start, or what came of it.
    LookingUp(Box<LookUp>),
    /// An execution is under way and looked at from time to time.
    Polling(Box<Running>),
    /// The execution is over, and what came out of it is being read.
    Reading(Box<Running>, Reading),
    /// Its judgement stands, and its execution is being stopped, since the time given, once the
    /// record of that number is on disk.
    Stopping(Box<Running>, Judgement, Duration, u64),
    /// It is over.
    Done,
}

/// An execution that AWS has accepted.
#[derive(Debug)]
pub(super) struct Running {
    /// Its id.
    pub(super) execution_id: String,
    /// The last status seen.
    pub(super) status: Status,
    /// When the reply to its start came.
    pub(super) accepted_at: Duration,
    /// When it was seen to have left AWS's queue.
    pub(super) left_queue_at: Option<Duration>,
    /// The spacing of its polls.
    pub(super) spacing: Spacing,
    /// How long it ran, as far as is known: without the time in AWS's queue.
    pub(super) ran: Option<Duration>,
    /// When it is taken to have begun to run on AWS.
    pub(super) begun: Option<Within>,
    /// Whether that is when another has ended.
    pub(super) follows_end: bool,
    /// The last look that has not shown its end was sent then.
    pub(super) looked_at: Duration,
    /// The last look at it by name was sent then.
    pub(super) asked_at: Duration,
    /// When the next look is due, and why then.
    pub(super) due_at: Duration,
    pub(super) why: Why,
    /// Until then no sweep is believed that shows it no more: its status has said otherwise.
    pub(super) doubted_until: Duration,
    /// The deadline that has passed, and when: the next look is the last.
    pub(super) overdue: Option<(Overdue, Duration)>,
    /// A stop that AWS has refused: what was judged, and what AWS said. It may have ended.
    pub(super) stop_refused: Option<(Judgement, String)>,
    /// How long it took by AWS's clock.
    pub(super) took: Option<Duration>,
}

/// Between when and when something has happened on AWS, be it that an execution began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Within {
    pub(super) from: Duration,
    pub(super) to: Duration,
}

impl Within {
    pub(super) fn at(at: Duration) -> Self {
        Self { from: at, to: at }
    }

    /// Where it is taken to have happened.
    pub(super) fn middle(self) -> Duration {
        (self.from + self.to) / 2
    }

    pub(super) fn contains(self, at: Duration) -> bool {
        self.from <= at && at <= self.to
    }

    /// How closely it is known.
    pub(super) fn width(self) -> Duration {
        self.to.saturating_sub(self.from)
    }
}

/// Results that are being read, page by page.
#[derive(Debug)]
pub(super) struct Reading {
    /// How AWS says that the execution ended.
    pub(super) end: End,
    /// What is being read, and then what follows.
    pub(super) kinds: Vec<ResultKind>,
    /// The page that is asked for.
    pub(super) next_token: Option<String>,
    /// The tokens of the pages read so far of what is being read.
    pub(super) seen: HashSet<String>,
    /// How often they came round again.
    pub(super) times_anew: u32,
    /// What is judged already, while more is read than the verdict hangs on.
    pub(super) judged: Option<Judgement>,
}

impl Reading {
    /// What is read of an execution that ended as `end`: nothing yet.
    pub(super) fn after(end: End) -> Self {
        Self {
            end,
            kinds: Vec::new(),
            next_token: None,
            seen: HashSet::new(),
            times_anew: 0,
            judged: None,
        }
    }

    /// The page to ask for; none when all is read.
    pub(super) fn request(&self) -> Option<PageRequest> {
        let kind = *self.kinds.first()?;
        Some(PageRequest { kind, next_token: self.next_token.clone() })
    }
}

/// A test under way.
#[derive(Debug)]
pub(super) struct TestRun {
    pub(super) state: State,
    /// Whether the look that is due is left to a sweep.
    pub(super) left_to_sweep: bool,
    /// Its place in the order of the starts.
    pub(super) rank: usize,
    /// How often AWS has had no room for it.
    pub(super) refused: u32,
    /// Since when it waits for a place in its window.
    pub(super) waiting_since: Duration,
    /// Why its next call is made when it is made, where its execution does not say.
    pub(super) why: Why,
    /// When its verdict stood, and as which of the run's, while details are read beside it.
    pub(super) judged: Option<(Duration, u64)>,
    /// Counts what the test has wanted: a timer or a place in a queue that was made for an
    /// earlier want is void.
    pub(super) generation: u32,
    /// The same for its deadline.
    pub(super) deadline: u32,
    /// Whether a call for what it wants now is on the wire.
    pub(super) on_the_wire: bool,
    /// The attempt, from 1.
    pub(super) attempt: u32,
    /// When the attempt's start was first sent.
    pub(super) first_sent_at: Option<Duration>,
    /// What it starts, where the service has no client tokens: equal for what AWS cannot tell apart.
    pub(super) target: Option<usize>,
    /// The intent of the start that is to be sent.
    pub(super) intent: Option<Intent>,
    /// A start that may have taken effect though no reply to it was seen.
    pub(super) lost: Option<Lost>,
    /// How often a reply was lost and nothing had come of the start.
    pub(super) times_lost: u32,
    /// What another process has left of this attempt and those after it.
    pub(super) known: VecDeque<KnownAttempt>,
    /// The verdict that another process has come to: it stands, whatever can be read of it now.
    pub(super) standing: Option<Verdict>,
    /// Why another process was about to stop the execution.
    pub(super) stopped_as: Option<KnownStop>,
    /// Whether the attempt's verdict is in the journal.
    pub(super) recorded: bool,
    /// Whether something of the attempt may still run on AWS, and nothing can be done about it.
    pub(super) left_running: bool,
    /// How the last call failed, if it did.
    pub(super) trouble: Option<CallError>,
    /// Since when no call has worked. AWS having no room is no trouble in this sense: it answers.
    pub(super) trouble_since: Option<Duration>,
    /// The spacing of tries that follow trouble.
    pub(super) retry: Spacing,
    /// The spacing of starts that follow one that came to nothing.
    pub(super) anew: Spacing,
    /// What AWS said of the last start that came to nothing.
    pub(super) came_to_nothing: Option<String>,
    /// The executions begun for the attempt.
    pub(super) starts: Vec<Start>,
    /// What is known of the attempt.
    pub(super) details: Details,
    /// The attempts that are over.
    pub(super) attempts: Vec<Attempt>,
    /// When the first start of the first attempt was sent.
    pub(super) begun_at: Option<Duration>,
}

impl TestRun {
    pub(super) fn new() -> Self {
        Self {
            state: State::Waiting,
            left_to_sweep: false,
            rank: 0,
            refused: 0,
            waiting_since: Duration::ZERO,
            why: Why::Next,
            judged: None,
            generation: 0,
            deadline: 0,
            on_the_wire: false,
            attempt: 1,
            first_sent_at: None,
            target: None,
            intent: None,
            lost: None,
            times_lost: 0,
            known: VecDeque::new(),
            standing: None,
            stopped_as: None,
            recorded: false,
            left_running: false,
            trouble: None,
            trouble_since: None,
            retry: Spacing::new(RETRY.0, RETRY.1),
            anew: Spacing::new(ANEW.0, ANEW.1),
            came_to_nothing: None,
            starts: Vec::new(),
            details: Details::default(),
            attempts: Vec::new(),
            begun_at: None,
        }
    }

    /// Makes ready for another attempt.
    pub(super) fn begin_again(&mut self) {
        let Self { generation, deadline, attempt, begun_at, rank, target, .. } = *self;
        let attempts = std::mem::take(&mut self.attempts);
        let known = std::mem::take(&mut self.known);
        *self = Self {
            generation,
            deadline,
            attempt: attempt + 1,
            begun_at,
            attempts,
            rank,
            target,
            known,
            ..Self::new()
        };
    }

    /// Takes note that a call did not work.
    pub(super) fn note_trouble(&mut self, now: Duration, error: CallError) {
        match error.class {
            ErrorClass::Throttled { .. } | ErrorClass::Full { .. } => self.trouble_since = None,
            _ => drop(self.trouble_since.get_or_insert(now)),
        }
        self.trouble = Some(error);
    }

    /// Why the call that it wants is made now.
    pub(super) fn why(&self) -> Why {
        match &self.state {
            State::Polling(running) if running.overdue.is_some() => Why::Deadline,
            State::Polling(running) => running.why,
            _ => self.why,
        }
    }

    /// For how long no call has worked.
    pub(super) fn troubled_for(&self, now: Duration) -> Duration {
        now.saturating_sub(self.trouble_since.unwrap_or(now))
    }

    /// Takes note that a call worked.
    pub(super) fn no_trouble(&mut self) {
        self.trouble_since = None;
        if self.trouble.take().is_some() {
            self.retry.reset();
        }
    }

    /// The execution under way.
    pub(super) fn running(&self) -> Option<&Running> {
        match &self.state {
            State::Polling(running) | State::Reading(running, _) | State::Stopping(running, ..) => {
                Some(running)
            }
            State::Waiting | State::Starting | State::LookingUp(_) | State::Done => None,
        }
    }

    /// Which start it is at: its attempt, and how many starts of it have begun something.
    pub(super) fn start_of(&self) -> (u32, usize) {
        (self.attempt, self.starts.len())
    }

    /// Whether an execution may have been begun of which nothing is known.
    pub(super) fn may_have_started(&self) -> bool {
        self.lost.is_some()
    }
}

impl Running {
    pub(super) fn new(
        test: &PlannedTest,
        execution_id: String,
        status: Status,
        now: Duration,
    ) -> Self {
        Self {
            execution_id,
            status,
            accepted_at: now,
            left_queue_at: None,
            spacing: Spacing::new(test.poll.min, test.poll.max),
            ran: None,
            begun: None,
            follows_end: false,
            looked_at: now,
            asked_at: now,
            due_at: now,
            why: Why::Spacing(Duration::ZERO),
            doubted_until: now,
            overdue: None,
            stop_refused: None,
            took: None,
        }
    }

    /// Whether the next look is to see an end that is known of otherwise, or expected, or is the
    /// last.
    pub(super) fn is_to_be_confirmed(&self) -> bool {
        self.overdue.is_some() || matches!(self.why, Why::Swept | Why::Expected(_) | Why::TakenUp)
    }
}
