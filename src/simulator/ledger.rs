//! What happened: every call on the wire, and every execution. The truth that a client's report is held against.

use serde::Serialize;

/// A snapshot of what happened up to now. Times are model milliseconds since the simulator began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// One entry a call, in the order of arrival.
    pub calls: Vec<Call>,
    /// Connect's executions, then Lex's, each in the order of their start.
    pub executions: Vec<ExecutionEntry>,
}

/// One call on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call {
    /// When it came.
    pub at_ms: u64,
    /// AWS's name, or `Unknown`.
    pub operation: &'static str,
    /// The test case, execution or test set that it names first; for lists of executions the test case filter
    /// or the instance; else empty.
    pub target: String,
    /// The Region it was signed for.
    pub region: String,
    /// HTTP status; 0 = the connection was reset or left hanging.
    pub status: u16,
    /// AWS's error code.
    pub code: Option<String>,
    /// The scenario's fault that it met.
    pub fault: Option<&'static str>,
    /// The id in the reply's header.
    pub request_id: String,
}

/// One execution, known to the service whether or not a client ever heard of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExecutionEntry {
    /// `connect` or `lex`.
    pub service: &'static str,
    /// Its Region.
    pub region: String,
    /// Its id.
    pub execution_id: String,
    /// Connect: what it runs.
    pub test_case_id: Option<String>,
    /// Lex: what it runs.
    pub test_set_id: Option<String>,
    /// Connect: the token that it was started with.
    pub client_token: Option<String>,
    /// When it was started.
    pub created_ms: u64,
    /// When it left INITIATED, Pending or Waiting.
    pub started_ms: Option<u64>,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// Its status now.
    pub status: String,
}
