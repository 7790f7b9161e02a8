//! `callcheck run`: from the suites to the exit code.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::collect::Collector;
use super::ending::conclude;
use super::host::{annotate, annotate_places, host, outputs};
use super::journal::{self, Chosen};
use super::prepare::{Prepared, prepare};
use super::refused::{check_outputs, interrupted, refuse, refuse_without_reports};
use super::{Console, forecast, listen, off_thread, suites};
use crate::cli::{Progress, RunArgs};
use crate::engine::core::Core;
use crate::engine::driver;
use crate::engine::journal::writer::Journal;
use crate::error::{Error, Kind};
use crate::event::{Event, EventKind};
use crate::exit;
use crate::outcome::{RunError, RunSummary, ServiceName};
use crate::plan::Plan;
use crate::report::progress::{self, Detail};
use crate::report::redact::Redactor;
use crate::report::transcript;
use crate::report::writer::{Moment, Outputs};
use crate::service::{self, Fetch, Reached};

/// While tests end, reports are written at most so often.
const WRITE_EVERY: Duration = Duration::from_secs(5);

/// And so seldom that no more than one part in so many of the time goes into writing: a report of
/// ten thousand tests is long, and a run of them too.
const WRITE_SHARE: u32 = 50;

/// What a run is known by.
pub(super) struct Identity {
    pub(super) run_id: String,
    pub(super) started_at: DateTime<Utc>,
    /// The same moment, by a clock that nobody sets.
    began: Instant,
    pub(super) nonce: Uuid,
}

impl Identity {
    pub(super) fn new(run_id: Option<String>) -> Self {
        let (started_at, began, nonce) = (Utc::now(), Instant::now(), Uuid::new_v4());
        let random = &nonce.simple().to_string()[..6];
        let made = format!("{}-{random}", started_at.format("%Y%m%dT%H%M%SZ"));
        Self { run_id: run_id.unwrap_or(made), started_at, began, nonce }
    }
}

/// Runs suites to the exit code.
pub(super) async fn run(mut args: RunArgs, console: &Console) -> Result<u8, Error> {
    if args.dry_run {
        return dry_run(args, console).await;
    }
    let mut identity = Identity::new(args.run_id.clone());
    let outputs = outputs(&args.reports);
    // One that comes while the run is prepared ends it as one that comes later does, with its reports.
    let mut signals = listen()?;
    let given = args.suites.clone();
    let expanding = off_thread(move || suites::expand(&given));
    let (suites, failure) = match signals.unless_interrupted(expanding).await {
        Ok(expanded) => expanded,
        // Nothing else may be written before it is known that no report takes the place of a suite.
        Err(signal) => {
            console
                .log("warning: no report was written: one that is there may be of an earlier run");
            return Ok(interrupted(signal, identity, &outputs.without_reports(), console));
        }
    };
    args.suites = suites;
    if let Err(error) = check_outputs(&args, &outputs) {
        return refuse_without_reports(error, identity, &outputs);
    }
    if let Some(error) = failure {
        return refuse(error, identity, &outputs, console);
    }
    let args = &args;
    let prepared = match signals.unless_interrupted(prepare(args)).await {
        Ok(prepared) => prepared,
        Err(signal) => return Ok(interrupted(signal, identity, &outputs, console)),
    };
    let prepared = prepared.and_then(|prepared| {
        // What is simulated is gone with its process: there is nothing to be taken up.
        let keeps_journal = !prepared.access.simulated;
        let chosen = keeps_journal.then(|| journal::choose(args, &prepared.plan, &mut identity));
        Ok((prepared, chosen.transpose()?))
    });
    let (prepared, chosen) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return refuse(error, identity, &outputs, console),
    };
    let Prepared { plan, access, simulator, warnings } = prepared;
    let plan = Arc::new(plan);
    let notes = match &chosen {
        Some(chosen) => chosen.notes.clone(),
        None if args.resume.is_some() => {
            vec!["a simulated run leaves nothing to take up: a new one begins".to_owned()]
        }
        None => Vec::new(),
    };
    let known = chosen.as_ref().and_then(|chosen| chosen.known.clone());
    let run_id = identity.run_id.clone();
    let mut collector = Collector::new(&plan, run_id.clone(), identity.started_at);
    collector.keeps_journal(chosen.is_some(), known.as_ref().map(|known| known.started_at));
    let journal = match begin(args, &run_id, &mut collector, &outputs, chosen) {
        Ok(journal) => journal,
        Err(error) => {
            // Its cause alone: of the tests there is nothing to say.
            let cause = RunSummary { suites: Vec::new(), ..collector.summary().clone() };
            annotate(&cause, &outputs, console);
            return Err(error);
        }
    };
    let detail = detail(args);
    // A host that folds sections shows the result only, until somebody wants to see more.
    let section = |line: Option<String>| {
        if let Some(line) = line.filter(|_| detail > Detail::Quiet) {
            console.command(&line);
        }
    };
    if detail > Detail::Quiet {
        console.log(&banner(&plan, &identity.run_id, args));
        for note in notes {
            console.log(&note);
        }
        for warning in warnings {
            console.log(&format!("warning: {warning}"));
        }
    }
    section(host().open_progress(Utc::now().timestamp()));
    // A chain that hangs takes seconds, which whoever sent a signal does not have.
    let reaching = service::reach(&plan, &access, Fetch::Ahead);
    let reached = match signals.unless_interrupted(reaching).await {
        Ok(reached) => reached,
        Err(signal) => {
            signals.give_back(signal);
            service::reach(&plan, &access, Fetch::WhenNeeded).await
        }
    };
    let Reached { services, credentials_until } = reached;
    let warning =
        credentials_until.and_then(|until| forecast::credentials(&plan, until, Utc::now()));
    if let Some(warning) = warning.filter(|_| detail > Detail::Quiet) {
        console.log(&format!("warning: {warning}"));
    }
    let mut random = fastrand::Rng::new();
    let chance = Box::new(move || random.f64());
    let core = Core::new(Arc::clone(&plan), identity.started_at, identity.nonce, chance);
    let core = match known {
        Some(known) => core.taking_up(known),
        None => core,
    };
    let (sender, events) = unbounded_channel();
    let engine = driver::run(core, identity.began, services, signals, sender, journal);
    let engine = tokio::spawn(engine);
    let redactor = Redactor::new(ids(&collector), args.show_sensitive);
    let show = Show { detail, redactor };
    report_while_running(&mut collector, events, &outputs, console, show).await;
    let ended = match engine.await {
        Ok(ended) => Some(ended),
        Err(error) => {
            let message = format!("callcheck broke: {error}");
            collector.trouble(RunError::new(message, "please report it, with the log"));
            None
        }
    };
    drop(simulator);
    section(host().close_progress(Utc::now().timestamp()));
    conclude(args, &mut collector, ended, &outputs, detail == Detail::Quiet, console).await;
    Ok(collector.summary().exit_code)
}

/// Writes the first reports and begins the journal: whether they can be written is found out before
/// anything is started.
fn begin(
    args: &RunArgs,
    run_id: &str,
    collector: &mut Collector,
    outputs: &Outputs,
    chosen: Option<Chosen>,
) -> Result<Journal, Error> {
    let written = outputs.write(collector.concluded(), Moment::Meanwhile);
    // A job that is killed has later steps, too.
    let written = written.and_then(|()| {
        let summary = collector.concluded();
        let begun = outputs.hand_on(summary).and_then(|()| outputs.begin_summary(summary));
        begun.map_err(|problem| vec![problem])
    });
    let problems = written.err().unwrap_or_default();
    let begun = match chosen {
        _ if !problems.is_empty() => {
            let error = Error::new(Kind::Environment, problems.join("; "));
            Err(error.hint("nothing was started"))
        }
        Some(chosen) => chosen.begin(&args.state_dir, run_id),
        None => Ok(Journal::nowhere()),
    };
    begun.map_err(|error| {
        collector.trouble(error.for_reports());
        // The reports that can be written tell of what cannot.
        let more = outputs.write_all(collector.concluded());
        let more = more.into_iter().filter(|problem| !problems.contains(problem));
        let all: Vec<String> = std::iter::once(error.message).chain(more).collect();
        Error { message: all.join("; "), ..error }
    })
}

/// Tells what a run would do. No report is written: nothing was run that one could tell of.
async fn dry_run(mut args: RunArgs, console: &Console) -> Result<u8, Error> {
    let (suites, failure) = suites::expand(&args.suites);
    args.suites = suites;
    check_outputs(&args, &outputs(&args.reports))?;
    failure.map_or(Ok(()), Err)?;
    let prepared = prepare(&args).await.inspect_err(|error| annotate_places(error, console));
    let Prepared { plan, warnings, .. } = prepared?;
    for warning in warnings.iter().filter(|_| !args.quiet) {
        console.log(&format!("warning: {warning}"));
    }
    if args.resume.is_some() && !args.quiet {
        console.log("a dry run is of a new run: no journal is looked at");
    }
    console.show(&forecast::dry_run(&plan))?;
    Ok(exit::PASSED)
}

fn detail(args: &RunArgs) -> Detail {
    match (args.quiet || args.progress == Progress::None, args.verbose) {
        (true, _) => Detail::Quiet,
        (false, true) => Detail::Verbose,
        (false, false) => Detail::Normal,
    }
}

fn banner(plan: &Plan, run_id: &str, args: &RunArgs) -> String {
    let count = |service| plan.tests.iter().filter(|t| t.target.service() == service).count();
    let mut regions: Vec<&str> =
        plan.lanes.iter().filter_map(|lane| lane.region.as_deref()).collect();
    regions.sort_unstable();
    regions.dedup();
    let place = match (&args.access.simulate, &args.access.endpoint_url) {
        (Some(_), _) => ", simulated",
        (None, Some(_)) => ", at --endpoint-url",
        (None, None) => "",
    };
    let regions =
        if regions.is_empty() { String::new() } else { format!(" in {}", regions.join(", ")) };
    format!(
        "callcheck {}: {} Connect and {} Lex tests{regions}{place}; run {run_id}",
        env!("CARGO_PKG_VERSION"),
        count(ServiceName::Connect),
        count(ServiceName::Lex),
    )
}

/// The ids that were given to callcheck: they are what things are looked up by.
fn ids(collector: &Collector) -> Vec<String> {
    collector.summary().tests().flat_map(|test| test.target.values()).cloned().collect()
}

/// What is shown.
#[derive(Debug)]
struct Show {
    /// How much while the run is under way.
    detail: Detail,
    /// What takes secrets and personal data out of what AWS says.
    redactor: Redactor,
}

/// Shows what happens and keeps the reports current, until the engine is done.
async fn report_while_running(
    collector: &mut Collector,
    mut events: UnboundedReceiver<Event>,
    outputs: &Outputs,
    console: &Console,
    mut show: Show,
) {
    let mut next_write = Instant::now();
    let mut stale = false;
    loop {
        tokio::select! {
            event = events.recv() => {
                let Some(event) = event else { return };
                let event = transcript::explain(show.redactor.event(event));
                collector.take(&event);
                let test = event.kind.test().map(|test| collector.test(test));
                let far = collector.progress();
                if let Some(line) = progress::event(&event, test, far, show.detail) {
                    console.log(&line);
                }
                let news = matches!(
                    event.kind,
                    EventKind::Started { .. }
                        | EventKind::Judged { .. }
                        | EventKind::AttemptEnded { .. }
                        | EventKind::Ended { .. }
                );
                stale |= news;
                if matches!(event.kind, EventKind::Interrupted { .. }) {
                    // Who sent the signal may not wait for what is being stopped. What cannot be
                    // written now is told at the end.
                    let _ = outputs.write(collector.concluded(), Moment::Meanwhile);
                }
            }
            () = sleep_until(next_write), if stale => {
                let began = Instant::now();
                let _ = outputs.write(collector.concluded(), Moment::Meanwhile);
                stale = false;
                next_write = began + WRITE_EVERY.max(began.elapsed() * WRITE_SHARE);
            }
        }
    }
}
