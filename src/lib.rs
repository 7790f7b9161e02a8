//! callcheck runs Amazon Connect test cases and Amazon Lex V2 test executions in CI.
//!
//! ```text
//!   suite.yaml ──▶ suite ──▶ plan ──▶ engine ◀──▶ service ◀──▶ AWS, or the simulator
//!                                       │ events
//!                                       ▼
//!                  exit ◀── outcome ◀── app ──▶ report ──▶ log, JUnit, JSON, HTML, Markdown
//! ```
//!
//! In reading order:

/// Verdicts, attempts, results, the conclusion: the vocabulary, and the JSON report.
pub mod outcome;

/// How durations are written.
pub mod duration;

/// YAML as written, with places; every problem at once.
pub mod suite;

/// What will be run, with defaults, within what limits.
pub mod plan;

/// What a reporter may know while a run is under way.
pub mod event;

/// Both AWS services over the SDK: six calls, errors as types.
pub mod service;

/// The run itself: a core that decides without I/O, a driver that carries out.
pub mod engine;

/// Terminal, JUnit, JSON, HTML, Markdown, annotations, redaction: pure functions, and one writer.
pub mod report;

/// The exit codes.
pub mod exit;

/// What ends a run beside its tests: kind, cause, hint.
pub mod error;

/// The command line.
pub mod cli;

/// The one place that wires it all.
pub mod app;

/// A stand-in for both services behind their real wire protocol.
pub mod simulator;
