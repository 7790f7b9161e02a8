//! The two AWS services as the engine sees them: six calls, each one attempt on the wire.
//!
//! Retrying, waiting and judging are the engine's. Errors are read once, into
//! [`ErrorClass`], where the SDK's error is at hand; nobody reads their text later.

mod aws;
mod connect;
mod credentials;
mod error;
mod lex;
pub mod permissions;
mod records;
mod reply;
mod time;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use aws::{Access, Fetch, Reached, default_region, reach};

use crate::outcome::{
    AwsError, Conversation, Counts, Observations, ServiceName, TranscriptStep, Turn,
};
use crate::plan::{PlannedTest, Target};

/// A call under way.
pub type Pending<T> = Pin<Box<dyn Future<Output = Result<T, CallError>> + Send>>;

/// One of the two services in one Region. Each method is one attempt of one call on the wire.
pub trait Service: Send + Sync {
    /// Begins an execution. `client_token` makes it the same start however often it is sent,
    /// where the service knows client tokens (Connect does, Lex does not).
    fn start(&self, target: Target, client_token: String) -> Pending<Started>;

    /// Reads the status of an execution.
    fn poll(&self, execution: Execution) -> Pending<Snapshot>;

    /// Lists one page of the executions of a window.
    fn list(&self, request: ListRequest) -> Pending<Listing>;

    /// Lists one page of the executions of one target, whatever their status: what a start may have
    /// begun whose reply was lost.
    fn look_up(&self, request: ListRequest) -> Pending<Found>;

    /// Stops an execution, where the service can (Connect can, Lex cannot).
    fn stop(&self, execution: Execution, client_token: String) -> Pending<()>;

    /// Reads one page of what came out of an execution.
    fn results(&self, execution: Execution, page: PageRequest) -> Pending<Page>;
}

/// Whether a service has an operation that stops an execution (AWS-FACTS.md: Lex has none).
pub fn can_stop(service: ServiceName) -> bool {
    service == ServiceName::Connect
}

/// Whether a service makes a start that is sent again the same start.
pub fn has_client_tokens(service: ServiceName) -> bool {
    service == ServiceName::Connect
}

/// Whether a start that a service has no room for (402) was refused by a queue that all tests of a
/// window share. Connect's is documented; when Lex answers so is not, and it may be the one test's
/// affair (AWS-FACTS.md).
pub fn has_queue(service: ServiceName) -> bool {
    service == ServiceName::Connect
}

/// Whether a list shows only what is running, so that what is missing there has not begun or has
/// ended. Connect lists one status at a time; Lex lists all of them.
pub fn lists_running_only(service: ServiceName) -> bool {
    service == ServiceName::Connect
}

/// An execution on AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// What it runs.
    pub target: Target,
    /// The id AWS gave it.
    pub id: String,
}

impl Execution {
    /// The execution `id` of a test.
    pub fn of(test: &PlannedTest, id: &str) -> Self {
        Self { target: test.target.clone(), id: id.to_owned() }
    }
}

/// The reply to an accepted start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The id of the execution.
    pub execution_id: String,
    /// Its status.
    pub status: Status,
}

/// A status in AWS's word, and what it means for waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The word.
    pub word: String,
    /// What it means.
    pub phase: Phase,
}

/// How far an execution is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// In AWS's queue.
    Queued,
    /// Out of the queue and not over. A status not known yet is this: never an end.
    Running,
    /// Over.
    Ended(End),
}

/// How AWS says that an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Connect PASSED.
    Passed,
    /// Connect FAILED or Lex Failed.
    Failed,
    /// Lex Completed: it was run, which says nothing of what came out.
    Completed,
    /// Stopped by somebody.
    Stopped,
}

/// What a status call says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The status.
    pub status: Status,
    /// Connect: the observation counts.
    pub observations: Option<Observations>,
    /// Lex: why it failed.
    pub failure_reasons: Vec<String>,
    /// How long it took by AWS's own clock, once both ends are known.
    pub took: Option<Duration>,
    /// When it ended, by AWS's own clock.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A page of a list to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRequest {
    /// Any target of the window: it names the Connect instance, or the service. For a look-up, the
    /// one that is looked for.
    pub target: Target,
    /// What began before is left out, where AWS can do that. By AWS's clock, as far as it is known.
    pub since: DateTime<Utc>,
    /// Where to go on; none for the first page.
    pub next_token: Option<String>,
}

/// A page of a list: neither its order nor that it is up to date is promised (AWS-FACTS.md).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Executions by id, with their status.
    pub executions: Vec<(String, Status)>,
    /// Where the next page begins; none at the end.
    pub next_token: Option<String>,
}

/// A page of the executions of one target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The executions.
    pub executions: Vec<FoundExecution>,
    /// Where the next page begins; none at the end.
    pub next_token: Option<String>,
    /// What AWS's clock said when it answered: a whole second, which had begun by then.
    pub date: Option<DateTime<Utc>>,
}

/// An execution of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundExecution {
    /// Its id.
    pub id: String,
    /// Its status.
    pub status: Status,
    /// When it was begun, by AWS's clock, where AWS says so.
    pub created_at: Option<DateTime<Utc>>,
}

/// What to read of an execution's results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultKind {
    /// Connect: ListTestCaseExecutionRecords.
    Records,
    /// Lex: OverallTestResults.
    Overall,
    /// Lex: IntentClassificationTestResults.
    Intents,
    /// Lex: SlotResolutionTestResults.
    Slots,
    /// Lex: ConversationLevelTestResults.
    Conversations,
    /// Lex: UtteranceLevelResults.
    Turns,
}

/// A page to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Of what.
    pub kind: ResultKind,
    /// Where to go on; none for the first page.
    pub next_token: Option<String>,
}

/// A page of results.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Its rows.
    pub rows: Vec<Row>,
    /// Where the next page begins; none at the end.
    pub next_token: Option<String>,
}

/// A row of results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// What was right from end to end.
    EndToEnd {
        /// How many.
        counts: Counts,
        /// Whether these are conversations of several turns.
        multi_turn: bool,
    },
    /// What was transcribed rightly.
    Speech(Counts),
    /// An intent by name.
    Intent(String, Counts),
    /// A slot, named `Intent.Slot`.
    Slot(String, Counts),
    /// A conversation that did not match.
    Conversation(Conversation),
    /// A record of a test set.
    Turn(Turn),
    /// A record of a Connect execution.
    Record(Record),
}

/// What could be read of a record of a Connect execution, whose form AWS does not document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The observation that it records.
    pub step: Option<TranscriptStep>,
    /// How the execution completed.
    pub completion: Option<CompletionRecord>,
    /// The ids of contacts that it names.
    pub contact_ids: Vec<String>,
    /// The record as AWS gave it.
    pub raw: Option<String>,
}

/// How a Connect execution completed, by its last record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompletionRecord {
    /// `CompletionReason.Type`: SUCCESS, FAILURE or TIMEOUT, as far as is known.
    pub kind: Option<String>,
    /// `CompletionReason.FailureReasons`.
    pub reasons: Vec<String>,
    /// `CompletionReason.Message`.
    pub message: Option<String>,
    /// `ExecutionSummary.ExecutionDurationMs`.
    pub duration_ms: Option<u64>,
}

/// A call that did not do what it was to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// What follows from it.
    pub class: ErrorClass,
    /// What AWS said.
    pub error: Box<AwsError>,
}

impl CallError {
    /// A call that came to no reply for a reason of this program's own.
    pub fn lost(why: &str) -> Self {
        Self { class: ErrorClass::Ambiguous, error: error::own_error("(call)", why) }
    }
}

/// What follows from an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// AWS throttled the call and did not act on it.
    Throttled {
        /// How long AWS asks to wait.
        retry_after: Option<Duration>,
    },
    /// AWS has no room for the start now (402): it did not act on it.
    Full {
        /// How long AWS asks to wait.
        retry_after: Option<Duration>,
    },
    /// Something is in the way for now (409): AWS did not act on it.
    Conflict,
    /// There is no reply that could be read, or a 5xx: AWS may have acted.
    Ambiguous,
    /// The call never left: AWS cannot have acted.
    Unsent,
    /// The same, since the source of the credentials had none to give just now.
    CredentialsSource,
    /// AWS refused it and will refuse it again.
    Rejected,
    /// The call was refused and the clocks differ, which may be why; the SDK has taken note of by
    /// how much, so that the next call is signed for AWS's time.
    ClockSkew {
        /// Whether AWS says that access is denied, which may also be just so.
        denied: bool,
    },
    /// The credentials are missing, expired or refused.
    Credentials,
}

/// The services of a plan's lanes, in the order of the lanes.
pub type Services = Vec<Arc<dyn Service>>;
