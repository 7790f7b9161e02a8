//! The simulator: a state model of Amazon Connect's testing API and of Lex V2's Test Workbench
//! behind their real wire protocol, on loopback.
//!
//! ```text
//!   the real SDK, boto3 ── HTTP ──▶ wire ──▶ limits, faults ──▶ connect, lex ──▶ queue
//!                                    │                              ▲
//!                                    └──▶ ledger           scenario ┘
//! ```
//!
//! [`connect`] and [`lex`] are sans-IO models: each call brings the time. [`wire`] alone knows
//! sockets and the clock. What they hold and what goes wrong is data in a [`Scenario`]; what
//! happened stands in the [`Ledger`]. Nothing here sees the rest of the crate: it stands in for
//! AWS, and is held to AWS's own description of itself.

pub mod api;
mod clock;
pub mod connect;
mod ledger;
pub mod lex;
pub mod limits;
mod queue;
pub mod scenario;
mod wire;

pub use ledger::{Call, ExecutionEntry, Ledger};
pub use scenario::{Scenario, ScenarioError};
pub use wire::Simulator;

/// The operations that are served, in AWS's words.
pub const OPERATIONS: [&str; 12] = [
    "StartTestCaseExecution",
    "GetTestCaseExecutionSummary",
    "ListTestCaseExecutionRecords",
    "ListTestCaseExecutions",
    "StopTestCaseExecution",
    "ListTestCases",
    "StartTestExecution",
    "DescribeTestExecution",
    "ListTestExecutions",
    "ListTestExecutionResultItems",
    "ListTestSets",
    "DescribeTestSet",
];
