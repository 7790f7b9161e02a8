//! The exit codes: the contract with every CI job that runs callcheck.

use crate::outcome::{Conclusion, Signal};

/// Every gating test passed.
pub const PASSED: u8 = 0;
/// At least one gating test failed.
pub const FAILED: u8 = 1;
/// The command line, a suite or the run id is invalid; nothing was started.
pub const INVALID: u8 = 2;
/// No test failed, but some gating test has no verdict, or a report could not be written.
pub const INCOMPLETE: u8 = 3;
/// No test was selected.
pub const EMPTY: u8 = 4;
/// Interrupted by SIGINT, Ctrl-C or Ctrl-Break.
pub const SIGINT: u8 = 130;
/// Interrupted by SIGTERM.
pub const SIGTERM: u8 = 143;

/// The exit code of a conclusion; `signal` is what broke a cancelled run off.
pub fn code(conclusion: Conclusion, signal: Option<Signal>) -> u8 {
    match (conclusion, signal) {
        (Conclusion::Cancelled, Some(Signal::Sigterm)) => SIGTERM,
        (Conclusion::Cancelled, _) => SIGINT,
        (Conclusion::Passed, _) => PASSED,
        (Conclusion::Failed | Conclusion::FailedIncomplete, _) => FAILED,
        (Conclusion::Incomplete, _) => INCOMPLETE,
        (Conclusion::Invalid, _) => INVALID,
        (Conclusion::Empty, _) => EMPTY,
    }
}

/// The table that `--help` prints.
pub const TABLE: &str = "\
Exit codes:
  0    every gating test passed
  1    at least one gating test failed
  2    command line, suite or run id invalid; nothing was started
  3    no failed verdict, but some gating test has none, or a report could not be written
  4    nothing selected (unless --allow-empty)
  130  interrupted by SIGINT (Ctrl-C)
  143  interrupted by SIGTERM";
