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
        error: AwsError,
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
        error: AwsError,
    },
    /// AWS throttled: the calls of a lane pause.
    Paused {
        /// The service.
        service: ServiceName,
        /// The Region.
        region: Option<String>,
        /// For how long.
        pause: Duration,
    },
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

impl EventKind {
    /// The test that it is about, if it is about one.
    pub fn test(&self) -> Option<TestIndex> {
        match self {
            Self::Started { test, .. }
            | Self::Moved { test, .. }
            | Self::Judged { test, .. }
            | Self::Retrying { test, .. }
            | Self::StartingAnew { test, .. }
            | Self::Stopping { test, .. }
            | Self::LeftRunning { test, .. }
            | Self::AttemptEnded { test, .. }
            | Self::Ended { test, .. } => Some(*test),
            Self::Paused { .. }
            | Self::Unreached { .. }
            | Self::TooManyFailures { .. }
            | Self::TimeUp
            | Self::Interrupted { .. } => None,
        }
    }
}
