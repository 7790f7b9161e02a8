//! What a person reads while a run is under way: a line as each thing happens.

use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::headline;
use super::text::{cut, one_line, short, wait};
use crate::event::{Backpressure, Event, EventKind, KnownBy, Operation, Waited, Waiting, Why};
use crate::outcome::{ServiceName, TestResult, Verdict};

const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// Shorter waits are not told of.
const WORTH_TELLING: Duration = Duration::from_millis(50);

/// From here on, a pause is told of at the usual detail.
const LONG_PAUSE: Duration = Duration::from_secs(5);

/// A line of the log is at most so long, in characters; the reports hold more.
const MOST_LINE: usize = 2000;

/// So much is said while a run is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Nothing but what a person must know at once, such as executions left running.
    Quiet,
    /// Each start, change and end.
    Normal,
    /// Also each call that failed, and each wait.
    Verbose,
}

/// How far a run is: tests that are over, of all.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Tests that are over.
    pub ended: usize,
    /// All tests.
    pub total: usize,
}

/// The line for an event, without a line break; none where it is not for this much detail.
/// `test` is the test that it is about.
pub fn event(
    event: &Event,
    test: Option<&TestResult>,
    progress: Progress,
    detail: Detail,
) -> Option<String> {
    if importance(&event.kind) > detail {
        return None;
    }
    let name = test.map(|test| one_line(&test.name)).unwrap_or_default();
    let (style, word, text) = match &event.kind {
        EventKind::Started { attempt, execution_id, status, known, .. } => {
            let again = if *attempt > 1 { format!("  attempt {attempt}") } else { String::new() };
            let known = match known {
                KnownBy::LookUp => "  adopted: found by looking it up",
                KnownBy::Reply | KnownBy::Journal { .. } => "",
            };
            let text = format!("{name}  {DIM}{}{DIM:#}{again}{known}", one_line(execution_id));
            (DIM, one_line(status), text)
        }
        EventKind::LookingUp { error, .. } => {
            let error = error.as_ref().map(|error| format!(": {}", one_line(&error.to_string())));
            let error = error.unwrap_or_else(|| " before the run was taken up".to_owned());
            let text = format!("{name}  no reply to its start was seen{error}; looking it up");
            (YELLOW, "waiting".into(), text)
        }
        EventKind::LookUpsOff { service, region, error } => {
            let region = region.as_deref().unwrap_or("the default Region");
            let (service, error) = (service_word(*service), one_line(&error.to_string()));
            let text = format!(
                "no list of {service}'s executions in {region}: if the reply to a start is lost, nobody \
                 will know what came of it; {error}"
            );
            (YELLOW, "warning".into(), text)
        }
        EventKind::JournalBroken { why } => {
            let text = format!("the journal cannot be written, so nothing is started: {why}");
            (RED, "error".into(), text)
        }
        EventKind::Moved { status, .. } => (DIM, one_line(status), name),
        EventKind::Judged { outcome, .. } => {
            let (verdict, why) = (outcome.verdict, one_line(&outcome.message));
            (DIM, "reading".into(), format!("{name}  details; {verdict}: {why}"))
        }
        EventKind::Retrying { error, after, .. } => {
            // One that AWS had no room for needs a place again, too.
            let least = if error.status == Some(402) { " at the earliest" } else { "" };
            let error = one_line(&error.to_string());
            (DIM, "retrying".into(), format!("{name}  in {}{least}: {error}", wait(*after)))
        }
        EventKind::StartingAnew { reason, after, .. } => {
            let text = format!("{name}  {}; another start in {}", one_line(reason), wait(*after));
            (YELLOW, "waiting".into(), text)
        }
        EventKind::Unreached { service, region, error } => {
            let region = region.as_deref().unwrap_or("the default Region");
            let error = one_line(&error.to_string());
            let service = service_word(*service);
            let text = format!("no reply from {service} in {region} yet, trying on: {error}");
            (YELLOW, "waiting".into(), text)
        }
        EventKind::Paused { service, region, pause, rate } => {
            let region = region.as_deref().unwrap_or("the default Region");
            let service = service_word(*service);
            let text = format!(
                "AWS throttles {service} in {region}: no call for {}, then {rate:.1} a second",
                wait(*pause)
            );
            (DIM, "waiting".into(), text)
        }
        EventKind::Calling { operation: what, why: reason, again, waited, .. } => {
            let text = format!("{name}  {}", why(*reason, *again, *waited));
            (DIM, operation(*what).into(), text.trim_end().to_owned())
        }
        EventKind::Sweeping { service, place: of, executions, why: reason, waited } => {
            let of = place(*service, of);
            let why = why(*reason, false, *waited);
            let text = format!("what runs on {of}, in place of {executions} looks  {why}");
            (DIM, operation(Operation::List).into(), text.trim_end().to_owned())
        }
        EventKind::SweepsOff { service, place: of, off, why } => {
            let (of, why) = (place(*service, of), one_line(why));
            let long = off.map_or("from now on".to_owned(), |off| format!("for {}", wait(off)));
            let text = format!("no list of what runs on {of}: each is looked at {long}; {why}");
            (YELLOW, "warning".into(), text)
        }
        EventKind::Crowded { service, place: of, because, before, places, in_flight } => {
            let of = place(*service, of);
            let because = match because {
                Backpressure::Full => "AWS has no room",
                Backpressure::Throttled => "AWS throttles",
                Backpressure::NeverRun => "AWS accepted a start and never ran it",
            };
            let text = format!(
                "{because} on {of}: {places} in place of {before} at once for now, {in_flight} are"
            );
            (YELLOW, "waiting".into(), text)
        }
        EventKind::Uncrowded { service, place: from, places, of } => {
            let text = format!("{}: {places} of {of} at once again", place(*service, from));
            (DIM, "room".into(), text)
        }
        EventKind::StillWaiting(counts) => (DIM, "waiting".into(), waiting(*counts)),
        EventKind::Stopping { reason, .. } => {
            (YELLOW, "stopping".into(), format!("{name}  {}", one_line(reason)))
        }
        EventKind::LeftRunning { execution_id, reason, .. } => {
            let id = execution_id.as_deref().map_or("an unknown execution".to_owned(), one_line);
            let text = format!("{name}  {id} may still run: {}", one_line(reason));
            (YELLOW, "warning".into(), text)
        }
        EventKind::AttemptEnded { attempt, .. } => {
            let (number, why) = (attempt.number, one_line(&attempt.message));
            let word = if attempt.verdict == Verdict::Failed { "failed" } else { "error" };
            (YELLOW, word.into(), format!("{name}  attempt {number}: {why}; once more"))
        }
        EventKind::Ended { outcome, .. } => {
            let (style, word) = match outcome.verdict {
                Verdict::Passed => (GREEN, "passed"),
                Verdict::Failed => (RED, "failed"),
                Verdict::Error(_) => (RED, "error"),
                Verdict::NotRun => (YELLOW, "not run"),
            };
            let why = one_line(&headline::message(outcome));
            let Progress { ended, total } = progress;
            let count = format!("{DIM}[{ended}/{total}]{DIM:#}");
            (style, word.into(), format!("{name}  {}  {why} {count}", short(outcome.seconds)))
        }
        EventKind::TooManyFailures { failures } => {
            let tests =
                if *failures == 1 { "1 test has" } else { &format!("{failures} tests have") };
            let text = format!("{tests} not passed: nothing new is started");
            (YELLOW, "stopping".into(), text)
        }
        EventKind::TimeUp => {
            let text = "the run's timeout is up: nothing new is started";
            (YELLOW, "stopping".into(), text.to_owned())
        }
        EventKind::Interrupted { signal } => {
            let text = format!("{signal}: stopping what runs; a second signal leaves at once");
            (YELLOW, "stopping".into(), text)
        }
    };
    let at = short(event.at.as_secs_f64());
    let text = cut(&text, MOST_LINE);
    Some(format!("{DIM}{at:>8}{DIM:#}  {style}{word:<11}{style:#}  {text}"))
}

/// How much detail it takes for an event to be shown.
fn importance(kind: &EventKind) -> Detail {
    match kind {
        EventKind::Started { .. }
        | EventKind::Moved { .. }
        | EventKind::AttemptEnded { .. }
        | EventKind::StartingAnew { .. }
        | EventKind::LookingUp { .. }
        | EventKind::LookUpsOff { .. }
        | EventKind::Unreached { .. }
        | EventKind::SweepsOff { .. }
        | EventKind::Crowded { .. }
        | EventKind::StillWaiting(_)
        | EventKind::Ended { .. }
        | EventKind::Stopping { .. } => Detail::Normal,
        // What has passed is told in a moment.
        EventKind::Judged { outcome, .. } if !outcome.verdict.is_pass() => Detail::Normal,
        EventKind::Uncrowded { places, of, .. } if places == of => Detail::Normal,
        // Throttled for a moment is throttled by nobody's fault.
        EventKind::Paused { pause, .. } if *pause >= LONG_PAUSE => Detail::Normal,
        EventKind::Judged { .. }
        | EventKind::Uncrowded { .. }
        | EventKind::Retrying { .. }
        | EventKind::Calling { .. }
        | EventKind::Sweeping { .. }
        | EventKind::Paused { .. } => Detail::Verbose,
        EventKind::LeftRunning { .. }
        | EventKind::JournalBroken { .. }
        | EventKind::TooManyFailures { .. }
        | EventKind::TimeUp
        | EventKind::Interrupted { .. } => Detail::Quiet,
    }
}

/// Why a call is made now, and what it has waited for.
fn why(why: Why, again: bool, waited: Waited) -> String {
    let mut parts = Vec::new();
    match why {
        Why::Next => {}
        Why::Place(waited) if waited < WORTH_TELLING => {}
        Why::Place(waited) => parts.push(format!("waited {} for a place", wait(waited))),
        Why::Spacing(after) => parts.push(format!("{} after the last", wait(after))),
        Why::Expected(took) => {
            parts.push(format!("expected to be over: tests here took up to {}", wait(took)));
        }
        Why::Swept => parts.push("over, by the list of what runs".to_owned()),
        Why::TakenUp => parts.push("begun before the run was taken up".to_owned()),
        Why::Deadline => parts.push("its time is up: the last look".to_owned()),
    }
    if again {
        parts.push("once more".to_owned());
    }
    let Waited { rate, pause } = waited;
    for (waited, what) in [(pause, "since AWS throttled"), (rate, "for the request rate")] {
        if waited >= WORTH_TELLING {
            parts.push(format!("waited {} {what}", wait(waited)));
        }
    }
    parts.join("; ")
}

fn operation(operation: Operation) -> &'static str {
    match operation {
        Operation::Start => "start",
        Operation::Poll => "look",
        Operation::List => "list",
        Operation::LookUp => "look up",
        Operation::Stop => "stop",
        Operation::Results => "read",
    }
}

fn service_word(service: ServiceName) -> &'static str {
    match service {
        ServiceName::Connect => "Connect",
        ServiceName::Lex => "Lex",
    }
}

/// A window in words.
fn place(service: ServiceName, place: &str) -> String {
    match service {
        ServiceName::Connect => format!("instance {}", one_line(place)),
        ServiceName::Lex => format!("Lex in {}", one_line(place)),
    }
}

fn waiting(waiting: Waiting) -> String {
    let Waiting { for_place, no_room, to_start, queued, running, results, paused } = waiting;
    let parts = [
        (running, "running"),
        (queued, "in AWS's queue"),
        (to_start, "to be started"),
        (results, "to be read"),
        (for_place, "waiting for a place"),
    ];
    let told = parts.iter().filter(|(count, _)| *count > 0);
    let mut told: Vec<String> = told.map(|(count, what)| format!("{count} {what}")).collect();
    if no_room > 0 {
        told.push(format!("{no_room} of those since AWS had no room"));
    }
    let paused = paused
        .map(|pause| format!("; AWS throttles, so that there is no call for {}", wait(pause)));
    format!("still at it, as last seen: {}{}", told.join(", "), paused.unwrap_or_default())
}
