//! The end of a run: its last reports, the end of its journal, and what a person is told.

use std::time::Duration;

use chrono::Utc;

use super::collect::{Collector, journal_broken};
use super::host::show;
use super::{Console, history, off_thread};
use crate::cli::RunArgs;
use crate::engine::driver::Ended;
use crate::engine::journal::record::Record;
use crate::engine::journal::writer::{Journal, NotEnded};
use crate::engine::signals::Signals;
use crate::outcome::{RunError, RunSummary, Signal};
use crate::report::writer::{Moment, Outputs, Report};

/// How long the last record of the journal is waited for, and how long after a signal.
const PATIENCE: Duration = Duration::from_secs(30);
const HURRY: Duration = Duration::from_millis(300);

/// How long that, and a report that goes to a pipe, is waited for after a signal which comes only then: the
/// process is to be gone within seven seconds.
const CUT_SHORT: Duration = Duration::from_secs(5);

/// Writes the reports of a run for the last time, ends its journal, and tells how it came out; `ended` is
/// what the engine has left, unless it broke.
pub(super) async fn conclude(
    args: &RunArgs,
    collector: &mut Collector,
    ended: Option<Ended>,
    outputs: &Outputs,
    quiet: bool,
    console: &Console,
) {
    let (mut journal, mut left_open, mut signals) = (None, false, Signals::none());
    if let Some(ended) = ended {
        (journal, left_open, signals) = (Some(ended.journal), ended.left_open, ended.signals);
    }
    let written = write(collector, outputs, &mut signals, console).await;
    if let Some(journal) = journal {
        // Only once its reports are there is a run finished: whoever takes it up writes them again.
        left_open |= !written;
        match end(journal, left_open, &mut signals, collector.summary()).await {
            Ok(()) => {}
            // What was to be started is on disk: whoever takes it up needs no more.
            Err(NotEnded::Late(why)) if left_open => console.log(&format!("warning: {why}")),
            Err(why) => {
                left_open = false;
                not_finished(collector, outputs, console, &why.to_string());
            }
        }
    }
    tell(args, collector.summary(), outputs, quiet, console);
    if left_open && args.access.simulate.is_none() && !quiet {
        let run_id = &collector.summary().run_id;
        console.log(&format!("to take the run up: the same command, with --run-id {run_id}"));
    }
}

/// Writes the reports for the last time. Where one cannot be written, the others say so. Gives whether
/// all could be.
async fn write(
    collector: &mut Collector,
    outputs: &Outputs,
    signals: &mut Signals,
    console: &Console,
) -> bool {
    let note = |collector: &mut Collector, problem: String| {
        console.log(&format!("error: {problem}"));
        collector.trouble(RunError::new(problem, ""));
    };
    let written = outputs.write(collector.concluded(), Moment::End);
    let mut all = written.is_ok();
    written.err().into_iter().flatten().for_each(|problem| note(collector, problem));
    if let Err(problem) = outputs.hand_on(collector.concluded()) {
        note(collector, problem);
        all = false;
    }
    // What cannot be taken back comes last: it is no greener than what is known by then.
    if let Err(problem) = outputs.summarize(collector.concluded()) {
        note(collector, problem);
        all = false;
    }
    let mut taken = true;
    for report in Report::ALL.into_iter().filter(|report| outputs.is_stream(*report)) {
        let (to, summary) = (outputs.clone(), collector.concluded().clone());
        let written = off_thread(move || to.write_stream(report, &summary));
        let written = tokio::select! {
            written = written => written,
            signal = cut_short(signals) => {
                collector.interrupted(signal);
                Err(format!("nobody reads the {report} report"))
            }
        };
        if let Err(problem) = written {
            note(collector, problem);
            taken = false;
        }
    }
    if !taken {
        // Behind the one that was greener, which cannot be taken back.
        let _ = outputs.summarize(collector.concluded());
        all = false;
    }
    if !all {
        let _ = outputs.hand_on(collector.concluded());
        let _ = outputs.write(collector.concluded(), Moment::End);
    }
    all
}

/// A signal that comes only now, once what is still to be done had a little more time.
async fn cut_short(signals: &mut Signals) -> Signal {
    match signals.recv().await {
        Some(signal) => {
            tokio::time::sleep(CUT_SHORT).await;
            signal
        }
        None => std::future::pending().await,
    }
}

/// Ends the journal: of a run that is finished, with what it has come to. After a signal the disk has less
/// time.
///
/// # Errors
///
/// It is not known to be on disk: why.
async fn end(
    journal: Journal,
    open: bool,
    signals: &mut Signals,
    summary: &RunSummary,
) -> Result<(), NotEnded> {
    let conclusion = summary.conclusion;
    let end = (!open).then(|| Record::End { at: Utc::now(), conclusion });
    let patience = if summary.signal.is_some() { HURRY } else { PATIENCE };
    let ended = tokio::task::spawn_blocking(move || journal.end(end, patience));
    tokio::select! {
        ended = ended => ended.unwrap_or_else(|error| Err(NotEnded::Broken(error.to_string()))),
        signal = cut_short(signals) => Err(NotEnded::Late(format!("{signal} came first"))),
    }
}

/// The journal does not say that the run is finished, and whoever takes it up would hear again what it has
/// come to: nor may its reports say so.
fn not_finished(collector: &mut Collector, outputs: &Outputs, console: &Console, why: &str) {
    let message = journal_broken(why);
    console.log(&format!("error: {message}; what the run has started is in its reports"));
    // It may have been known before.
    if collector.summary().errors.iter().all(|error| error.message != message) {
        collector.trouble(RunError::new(message, ""));
        let _ = outputs.hand_on(collector.concluded());
        // Behind the one that was greener, which cannot be taken back.
        let _ = outputs.summarize(collector.concluded());
        let _ = outputs.write(collector.concluded(), Moment::End);
    }
}

/// Tells how a run came out, to those after it and to whoever reads the log.
fn tell(args: &RunArgs, summary: &RunSummary, outputs: &Outputs, quiet: bool, console: &Console) {
    // What is simulated says nothing of how tests go on AWS.
    if args.access.simulate.is_none()
        && let Err(problem) = history::save(&args.state_dir, summary)
        && !quiet
    {
        console.log(&format!("warning: {problem}"));
    }
    if !quiet {
        console.log(&format!("report: {}", outputs.describe().join(", ")));
    }
    // The exit code and the reports tell the result, whether stdout takes it or not.
    if let Err(error) = show(summary, outputs, console) {
        console.log(&error.to_string());
    }
}
