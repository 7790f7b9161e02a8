//! The vocabulary that everything shares: verdicts, attempts, results, the conclusion.
//!
//! [`RunSummary`] is also the JSON report, version 1: every other report is made from it, so
//! that no two of them can tell a different story. Nothing here knows how a verdict is come by
//! (that is the engine's) nor how it is shown (that is the reports').

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod attempt;
mod lex;
mod transcript;

pub use attempt::{
    Attempt, AwsError, Details, FailedObservation, Observations, Start, TestOutcome,
};
pub use lex::{Conversation, Counts, LexResults, Match, Said, Speaker, Turn, sum};
pub use transcript::{
    ActionKind, Assertion, FlowActionEvent, MessageEvent, StepAction, StepEvent, StepFailure,
    Transcript, TranscriptStep,
};

/// The version of the JSON report that this build writes.
pub const REPORT_VERSION: u32 = 1;

/// One of the two AWS services that hold tests.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ServiceName {
    /// Amazon Connect: test cases.
    Connect,
    /// Amazon Lex V2: test executions of the Test Workbench.
    Lex,
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Connect => "connect",
            Self::Lex => "lex",
        })
    }
}

/// What is known of a test once it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verdict", content = "kind", rename_all = "kebab-case")]
pub enum Verdict {
    /// AWS ran it and it passed all that was expected of it.
    Passed,
    /// AWS ran it and it did not.
    Failed,
    /// There is no verdict; the kind says why.
    Error(ErrorKind),
    /// It was never started, since the run had had its `max_failures`.
    NotRun,
}

impl Verdict {
    /// Whether this is a pass that was seen; everything else is not green.
    pub fn is_pass(self) -> bool {
        self == Self::Passed
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.pad("passed"),
            Self::Failed => f.pad("failed"),
            Self::Error(kind) => f.pad(&format!("error({kind})")),
            Self::NotRun => f.pad("not-run"),
        }
    }
}

/// Why a test has no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// AWS refused to start it (missing, unpublished, access denied, invalid).
    StartRejected,
    /// It is not known whether the start took effect.
    StartUnknown,
    /// AWS accepted the start and then never ran the test (initialization failure).
    NotStarted,
    /// AWS kept throttling the start, or kept its queue full, until the time was up.
    Throttled,
    /// It waited in AWS's queue for longer than `queue_timeout`.
    QueuedOut,
    /// Its status could not be read.
    Poll,
    /// It ran for longer than its `timeout`, or the run's `timeout` was up.
    TimedOut,
    /// Somebody else stopped it.
    Stopped,
    /// It ended, and what came out of it could not be read.
    ResultsUnavailable,
    /// The AWS credentials are missing, expired or refused.
    Credentials,
    /// The run was interrupted before it ended.
    Cancelled,
    /// The report was written before it ended.
    NotFinished,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::StartRejected => "start-rejected",
            Self::StartUnknown => "start-unknown",
            Self::NotStarted => "not-started",
            Self::Throttled => "throttled",
            Self::QueuedOut => "queued-out",
            Self::Poll => "poll",
            Self::TimedOut => "timed-out",
            Self::Stopped => "stopped",
            Self::ResultsUnavailable => "results-unavailable",
            Self::Credentials => "credentials",
            Self::Cancelled => "cancelled",
            Self::NotFinished => "not-finished",
        })
    }
}

/// A test with its result, as every report sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestResult {
    /// The service that it belongs to.
    pub service: ServiceName,
    /// Its stable identity within the suite.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The line of the suite file where it stands, from 1.
    pub line: usize,
    /// Its tags, inherited ones first.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Who looks after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What else its author says of it, such as a runbook.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meta: BTreeMap<String, String>,
    /// Whether its failure fails the build.
    pub blocking: bool,
    /// Whether the exit code counts it: see [`gate`].
    pub gates: bool,
    /// The Region that it runs in, where it is known.
    pub region: Option<String>,
    /// AWS's ids of what is tested, by AWS's names for them.
    pub target: BTreeMap<String, String>,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: TestOutcome,
}

/// A suite file with its results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SuiteResult {
    /// The suite's name.
    pub name: String,
    /// Its path as it was given.
    pub file: String,
    /// Its tests, in the order of the file.
    pub tests: Vec<TestResult>,
}

/// The signal that broke off a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Signal {
    /// SIGINT, Ctrl-C, Ctrl-Break.
    Sigint,
    /// SIGTERM.
    Sigterm,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sigint => "SIGINT",
            Self::Sigterm => "SIGTERM",
        })
    }
}

/// One word for how the run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Conclusion {
    /// Every gating test passed.
    Passed,
    /// Some gating test failed.
    Failed,
    /// Some gating test failed, and some other has no verdict.
    FailedIncomplete,
    /// None failed, and some gating test has no verdict.
    Incomplete,
    /// A signal broke it off.
    Cancelled,
    /// The command line, a suite or the run id is invalid; nothing was started.
    Invalid,
    /// No test was selected.
    Empty,
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::FailedIncomplete => "failed-incomplete",
            Self::Incomplete => "incomplete",
            Self::Cancelled => "cancelled",
            Self::Invalid => "invalid",
            Self::Empty => "empty",
        })
    }
}

/// Trouble of the run itself rather than of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunError {
    /// One line.
    pub message: String,
    /// All that is known, in several lines where it helps.
    pub details: String,
    /// What in suites it is about, where it is about something there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
}

impl RunError {
    /// Trouble that lies nowhere in a suite.
    pub fn new(message: impl Into<String>, details: impl Into<String>) -> Self {
        Self { message: message.into(), details: details.into(), places: Vec::new() }
    }
}

/// What is wrong at a place in a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The file, as the command line names it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, and what was expected.
    pub message: String,
}

/// A whole run: the JSON report, and what the other reports are made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunSummary {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// The run's id.
    pub run_id: String,
    /// One word for how it ended.
    pub conclusion: Conclusion,
    /// The exit code that belongs to it.
    pub exit_code: u8,
    /// When it began, or was taken up.
    pub started_at: DateTime<Utc>,
    /// When it first began, where another process had begun it and this one has taken it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_started_at: Option<DateTime<Utc>>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Whether a flaky pass counts as failed.
    pub fail_on_flaky: bool,
    /// The signal that broke it off.
    pub signal: Option<Signal>,
    /// Trouble of the run itself.
    pub errors: Vec<RunError>,
    /// The suites.
    pub suites: Vec<SuiteResult>,
}

/// What a test does to the build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// It lets the build pass.
    Passes,
    /// It fails the build.
    Fails,
    /// It has no verdict, so the build cannot pass.
    NoVerdict,
    /// The build does not look at it.
    Ignored,
}

/// Says what a result does to the build: the one place that decides it, for the exit code and
/// for every report.
pub fn gate(blocking: bool, outcome: &TestOutcome, fail_on_flaky: bool) -> Gate {
    match outcome.verdict {
        // While anything is under way the run is not over, whether the test blocks or not.
        Verdict::Error(ErrorKind::NotFinished) => Gate::NoVerdict,
        _ if !blocking => Gate::Ignored,
        Verdict::Passed if outcome.flaky && fail_on_flaky => Gate::Fails,
        Verdict::Passed => Gate::Passes,
        Verdict::Failed => Gate::Fails,
        Verdict::Error(_) | Verdict::NotRun => Gate::NoVerdict,
    }
}

impl RunSummary {
    /// Every test of every suite.
    pub fn tests(&self) -> impl Iterator<Item = &TestResult> {
        self.suites.iter().flat_map(|suite| &suite.tests)
    }

    /// Every test with the suite that it stands in.
    pub fn placed(&self) -> impl Iterator<Item = (&SuiteResult, &TestResult)> {
        self.suites.iter().flat_map(|suite| suite.tests.iter().map(move |test| (suite, test)))
    }

    /// What `test` does to the build in this run.
    pub fn gate(&self, test: &TestResult) -> Gate {
        gate(test.blocking, &test.outcome, self.fail_on_flaky)
    }

    /// The conclusion that the tests, the errors and the signal come to, in the order of
    /// precedence of DESIGN.md §2: interrupted, failed, incomplete.
    pub fn conclude(&self) -> Conclusion {
        let any = |gate| self.tests().any(|test| self.gate(test) == gate);
        let incomplete = !self.errors.is_empty() || any(Gate::NoVerdict);
        match (self.signal, any(Gate::Fails), incomplete) {
            (Some(_), _, _) => Conclusion::Cancelled,
            (None, true, true) => Conclusion::FailedIncomplete,
            (None, true, false) => Conclusion::Failed,
            (None, false, true) => Conclusion::Incomplete,
            (None, false, false) => Conclusion::Passed,
        }
    }
}
