//! Runs that are not to be: the command line, a suite or a signal keeps them from it. Their reports say so,
//! and no report of an earlier run stays to be taken for theirs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::collect::without_tests;
use super::host::{annotate, outputs};
use super::run::Identity;
use super::{Console, history, suites};
use crate::cli::{Guess, RunArgs};
use crate::engine::journal::files::Folder;
use crate::error::{Error, Kind};
use crate::exit;
use crate::outcome::{Conclusion, RunError, RunSummary, Signal};
use crate::report::writer::Outputs;

/// Whether a report would take the place of what a run reads or keeps.
///
/// # Errors
///
/// It would: of what.
pub(super) fn check_outputs(args: &RunArgs, outputs: &Outputs) -> Result<(), Error> {
    let inputs = args.suites.iter().chain(args.access.simulate.iter().flatten());
    let inputs: Vec<PathBuf> = inputs.cloned().collect();
    match clash(outputs, &inputs, &args.state_dir) {
        Some(clash) => {
            Err(Error::new(Kind::Invalid, clash).hint("give each report a path of its own"))
        }
        None => Ok(()),
    }
}

fn clash(outputs: &Outputs, inputs: &[PathBuf], state_dir: &Path) -> Option<String> {
    let history = state_dir.join(history::FILE);
    let taken: Vec<PathBuf> = inputs.iter().cloned().chain([history]).collect();
    outputs.clash(&taken).or_else(|| outputs.lies_in(Folder::of(state_dir).path()))
}

/// Tells the later steps of a job alone of a run that is not to be, and gives why: its reports would take
/// the place of something else.
pub(super) fn refuse_without_reports(
    error: Error,
    identity: Identity,
    outputs: &Outputs,
) -> Result<u8, Error> {
    let Identity { run_id, started_at, .. } = identity;
    let errors = vec![error.for_reports()];
    let summary = without_tests(run_id, started_at, error.kind.conclusion(), errors);
    match outputs.without_reports().hand_on(&summary) {
        Ok(()) => Err(error),
        Err(problem) => Err(Error { message: format!("{}; {problem}", error.message), ..error }),
    }
}

/// Writes the reports of a run that is not to be, and gives why.
pub(super) fn refuse(
    error: Error,
    identity: Identity,
    outputs: &Outputs,
    console: &Console,
) -> Result<u8, Error> {
    // No report of an earlier run may stay and be taken for this one's.
    let errors = vec![error.for_reports()];
    let conclusion = error.kind.conclusion();
    let summary = without_tests(identity.run_id, identity.started_at, conclusion, errors);
    write_all(&summary, outputs, console);
    Err(error)
}

/// Writes the reports of a run that a signal has ended before it began, and gives its exit code.
pub(super) fn interrupted(
    signal: Signal,
    identity: Identity,
    outputs: &Outputs,
    console: &Console,
) -> u8 {
    let message = format!("interrupted by {signal}; nothing was started");
    console.log(&format!("error: {message}"));
    let errors = vec![RunError::new(message, "")];
    let Identity { run_id, started_at, .. } = identity;
    let summary = without_tests(run_id, started_at, Conclusion::Cancelled, errors);
    let exit_code = exit::code(Conclusion::Cancelled, Some(signal));
    let summary = RunSummary { signal: Some(signal), exit_code, ..summary };
    write_all(&summary, outputs, console);
    exit_code
}

/// Writes all there is of a run that is not to be, and tells what could not be written.
fn write_all(summary: &RunSummary, outputs: &Outputs, console: &Console) {
    for problem in outputs.write_all(summary) {
        console.log(&format!("error: {problem}"));
    }
    annotate(summary, outputs, console);
}

/// Writes reports for a command line of `run` that could not be read, as far as it says where
/// they go: no report of an earlier run may stay and be taken for this one's.
pub fn report_invalid_command_line(args: &[OsString], error: &clap::Error, console: &Console) {
    let Some(Guess { reports, state_dir, inputs }) = Guess::of(args) else { return };
    // A dry run writes nothing.
    if args.iter().any(|arg| arg == "--dry-run") {
        return;
    }
    let Identity { run_id, started_at, .. } = Identity::new(None);
    let details = error.render().to_string();
    let errors = vec![RunError::new("the command line is invalid; nothing was started", details)];
    let summary = without_tests(run_id, started_at, Kind::Invalid.conclusion(), errors);
    let outputs = outputs(&reports);
    // What may be a suite, or a journal, stays as it is.
    let outputs = match clash(&outputs, &suites::expand(&inputs).0, &state_dir) {
        Some(_) => outputs.without_reports(),
        None => outputs,
    };
    write_all(&summary, &outputs, console);
}
