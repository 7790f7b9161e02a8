//! All that a reporter may know while a run is under way.

use std::time::Duration;

use crate::outcome::{Attempt, AwsError, ServiceName, Signal, TestOutcome};
use crate::plan::TestIndex;

/// Something that happened, and when, counted from the start of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The time since the run began.
    pub at: Duration,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// AWS accepted a start.
    Started {
        /// The test.
        test: TestIndex,
        /// The attempt, from 1.
        attempt: u32,
        /// The execution that was begun.
        execution_id: String,
        /// The status the reply gave, in AWS's word.
        status: String,
        /// How it is known of.
        known: KnownBy,
    },
    /// The reply to a start was lost, here or in the process that this one goes on for: what came of
    /// it is looked up.
    LookingUp {
        /// The test.
        test: TestIndex,
        /// What went wrong; none where another process has sent it.
        error: Option<Box<AwsError>>,
    },
    /// AWS gives no list of the executions of a lane: what comes of a start whose reply is lost cannot
    /// be looked up.
    LookUpsOff {
        /// The service.
        service: ServiceName,
        /// The Region.
        region: Option<String>,
        /// What AWS said.
        error: Box<AwsError>,
    },
    /// The journal cannot be written any more: nothing new is started.
    JournalBroken {
        /// Why.
        why: String,
    },
    /// An execution has a new status.
    Moved {
        /// The test.
        test: TestIndex,
        /// The status in AWS's word.
        status: String,
    },
    /// The verdict of a test stands, and details are being read beside it, which takes a while
    /// where there are many.
    Judged {
        /// The test.
        test: TestIndex,
        /// How it will end, but for the attempt's details.
        outcome: Box<TestOutcome>,
    },
    /// A call did not do what it was to do and will be made again.
    Retrying {
        /// The test that it was for.
        test: TestIndex,
        /// What went wrong.
        error: Box<AwsError>,
        /// When it is made again, at the earliest.
        after: Duration,
    },
    /// AWS accepted a start and never ran the test: another start follows.
    StartingAnew {
        /// The test.
        test: TestIndex,
        /// What AWS said.
        reason: String,
        /// When, at the earliest.
        after: Duration,
    },
    /// No call of a lane has had a reply so far, and this one had none either.
    Unreached {
        /// The service.
        service: ServiceName,
        /// The Region.
        region: Option<String>,
        /// What went wrong.
        error: Box<AwsError>,
    },
    /// AWS throttled: the calls of a lane pause.
    Paused {
        /// The service.
        service: ServiceName,
        /// The Region.
        region: Option<String>,
        /// For how long.
        pause: Duration,
        /// Calls a second after that, for now.
        rate: f64,
    },
    /// A call about a test is made.
    Calling {
        /// The test.
        test: TestIndex,
        /// Which call.
        operation: Operation,
        /// Why it is made, and now.
        why: Why,
        /// Whether it is made once more, having failed.
        again: bool,
        /// What it has waited for since it was due.
        waited: Waited,
    },
    /// One list is asked for that stands for looks at all executions of a window.
    Sweeping {
        /// The service.
        service: ServiceName,
        /// The window: a Connect instance, or a Region.
        place: String,
        /// The executions that are under way there.
        executions: usize,
        /// Why it is asked for, and now.
        why: Why,
        /// What it has waited for since it was due.
        waited: Waited,
    },
    /// AWS gives no list of what runs in a window, or none that is of use: each execution is looked
    /// at by name, for a while or for good.
    SweepsOff {
        /// The service.
        service: ServiceName,
        /// The window: a Connect instance, or a Region.
        place: String,
        /// For how long; none: for good.
        off: Option<Duration>,
        /// Why.
        why: String,
    },
    /// AWS has more room again.
    Uncrowded {
        /// The service.
        service: ServiceName,
        /// The window: a Connect instance, or a Region.
        place: String,
        /// So many at once.
        places: u32,
        /// Of so many that the suite's `in_flight` asks for.
        of: u32,
    },
    /// AWS has less room than was thought: fewer executions are in flight for now.
    Crowded {
        /// The service.
        service: ServiceName,
        /// The window: a Connect instance, or a Region.
        place: String,
        /// How it was seen.
        because: Backpressure,
        /// So many at once were to be in flight.
        before: u32,
        /// So many are to be now.
        places: u32,
        /// So many are: AWS has accepted them.
        in_flight: usize,
    },
    /// Nothing new has been told for a while, and this is waited for.
    StillWaiting(Waiting),
    /// An execution is being stopped.
    Stopping {
        /// The test.
        test: TestIndex,
        /// The execution.
        execution_id: String,
        /// Why.
        reason: String,
    },
    /// An execution could not be stopped, or cannot be, and may still run.
    LeftRunning {
        /// The test.
        test: TestIndex,
        /// The execution; none where the reply to its start never came.
        execution_id: Option<String>,
        /// Why.
        reason: String,
    },
    /// An attempt came to no pass, and another follows.
    AttemptEnded {
        /// The test.
        test: TestIndex,
        /// The attempt.
        attempt: Box<Attempt>,
    },
    /// A test is over.
    Ended {
        /// The test.
        test: TestIndex,
        /// How.
        outcome: TestOutcome,
    },
    /// Nothing new is started any more: the run has had its `max_failures`.
    TooManyFailures {
        /// How many.
        failures: u32,
    },
    /// The run's `timeout` is up.
    TimeUp,
    /// A signal broke the run off.
    Interrupted {
        /// Which.
        signal: Signal,
    },
}

/// How an execution is known of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    /// The reply to its start.
    Reply,
    /// It was found by looking it up.
    LookUp,
    /// The journal, in which another process has written it down.
    Journal {
        /// Whether that one had looked it up.
        adopted: bool,
    },
}

impl KnownBy {
    /// Whether it was found by looking it up rather than by the reply to its start.
    pub fn is_adopted(self) -> bool {
        matches!(self, Self::LookUp | Self::Journal { adopted: true })
    }
}

/// A call, by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Begins an execution.
    Start,
    /// Looks at one.
    Poll,
    /// Lists those of a window.
    List,
    /// Lists those of a target.
    LookUp,
    /// Stops one.
    Stop,
    /// Reads what came out of one.
    Results,
}

/// Why a call is made when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It follows from the one before.
    Next,
    /// There is a place for it in its window, for which it has waited so long.
    Place(Duration),
    /// So long after the last look, or the last list.
    Spacing(Duration),
    /// Executions of this window have taken no longer than this of late.
    Expected(Duration),
    /// A list says that the execution is over, or does not show it any more.
    Swept,
    /// A deadline has passed: this is the last look.
    Deadline,
    /// Another process has begun it: the first look of this one.
    TakenUp,
}

/// What a call that was due has waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waited {
    /// A token of the request budget.
    pub rate: Duration,
    /// The end of a pause: AWS had throttled.
    pub pause: Duration,
}

/// How AWS shows that there is less room than was thought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backpressure {
    /// It refused a start, having no room for it (402).
    Full,
    /// It throttled a call (429).
    Throttled,
    /// It accepted a start and never ran it.
    NeverRun,
}

/// Tests by what they wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// A place in their window.
    pub for_place: usize,
    /// Those among them whose window is smaller for now, since AWS had no room.
    pub no_room: usize,
    /// Their start, which has a place.
    pub to_start: usize,
    /// To leave AWS's queue.
    pub queued: usize,
    /// The end of their execution.
    pub running: usize,
    /// What came out of it.
    pub results: usize,
    /// Calls pause still for so long, since AWS has throttled.
    pub paused: Option<Duration>,
}

impl EventKind {
    /// The test that it is about, if it is about one.
    pub fn test(&self) -> Option<TestIndex> {
        match self {
            Self::Started { test, .. }
            | Self::Moved { test, .. }
            | Self::Judged { test, .. }
            | Self::Retrying { test, .. }
            | Self::Calling { test, .. }
            | Self::LookingUp { test, .. }
            | Self::StartingAnew { test, .. }
            | Self::Stopping { test, .. }
            | Self::LeftRunning { test, .. }
            | Self::AttemptEnded { test, .. }
            | Self::Ended { test, .. } => Some(*test),
            Self::Paused { .. }
            | Self::LookUpsOff { .. }
            | Self::Unreached { .. }
            | Self::Sweeping { .. }
            | Self::SweepsOff { .. }
            | Self::Crowded { .. }
            | Self::Uncrowded { .. }
            | Self::StillWaiting(_)
            | Self::TooManyFailures { .. }
            | Self::TimeUp
            | Self::JournalBroken { .. }
            | Self::Interrupted { .. } => None,
        }
    }

    /// Whether it tells a person anything that was not to be expected anyway.
    pub fn is_news(&self) -> bool {
        let routine = matches!(
            self,
            Self::Calling { .. }
                | Self::Sweeping { .. }
                | Self::Retrying { .. }
                | Self::Paused { .. }
        );
        !routine
    }
}
