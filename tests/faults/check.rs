//! What must hold of a seed that was played, by the simulator's own ledger.

use std::collections::HashMap;
use std::fmt;

use callcheck::simulator::ExecutionEntry;
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use serde_json::Value;

use super::drawn;
use super::played::{Played, Process};

/// What seeds came to.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) seeds: usize,
    processes: usize,
    pub(crate) killed: usize,
    pub(crate) interrupted: usize,
    calls: usize,
    faults: usize,
    executions: usize,
    tests: usize,
    verdicts: HashMap<String, usize>,
    pub(crate) adopted: usize,
    unknown: usize,
    /// Seeds of which something did not hold.
    failed: HashMap<&'static str, usize>,
}

/// What does not hold of a seed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something was begun twice, or that nobody had asked for.
    Duplicate(String),
    /// A verdict is lost, or is not the service's.
    Verdict(String),
    /// A report is broken, contradicts another or the exit code, or is green too early.
    Report(String),
    /// Something else: it hangs, or leaves running what it could have stopped.
    Other(String),
}

/// What the figures call them.
const FAILURES: [&str; 4] =
    ["duplicates", "lost or wrong verdicts", "broken or green reports", "other failures"];

impl Failure {
    fn name(&self) -> &'static str {
        match self {
            Self::Duplicate(_) => FAILURES[0],
            Self::Verdict(_) => FAILURES[1],
            Self::Report(_) => FAILURES[2],
            Self::Other(_) => FAILURES[3],
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Duplicate(why) | Self::Verdict(why) | Self::Report(why) | Self::Other(why)) =
            self;
        write!(f, "{}: {why}", self.name())
    }
}

impl Figures {
    pub(crate) fn count(&mut self, failure: &Failure) {
        *self.failed.entry(failure.name()).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.processes += other.processes;
        self.killed += other.killed;
        self.interrupted += other.interrupted;
        self.calls += other.calls;
        self.faults += other.faults;
        self.executions += other.executions;
        self.tests += other.tests;
        self.adopted += other.adopted;
        self.unknown += other.unknown;
        for (verdict, count) in &other.verdicts {
            *self.verdicts.entry(verdict.clone()).or_default() += count;
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seeds                       {}", self.seeds)?;
        writeln!(f, "processes                   {}", self.processes)?;
        writeln!(f, "  killed with SIGKILL       {}", self.killed)?;
        writeln!(f, "  interrupted               {}", self.interrupted)?;
        writeln!(f, "calls                       {}", self.calls)?;
        writeln!(f, "  that met a fault          {}", self.faults)?;
        writeln!(f, "tests                       {}", self.tests)?;
        let mut verdicts: Vec<_> = self.verdicts.iter().collect();
        verdicts.sort();
        for (verdict, count) in verdicts {
            writeln!(f, "  {verdict:<26}{count}")?;
        }
        writeln!(f, "executions                  {}", self.executions)?;
        writeln!(f, "  adopted                   {}", self.adopted)?;
        writeln!(f, "  of starts not known       {}", self.unknown)?;
        for name in FAILURES {
            writeln!(f, "{name:<28}{}", self.failed.get(name).copied().unwrap_or_default())?;
        }
        Ok(())
    }
}

/// Holds a seed to what must be true of it. Gives what it came to.
///
/// # Errors
///
/// What is not true.
pub(crate) fn check(played: &Played) -> Result<Figures, Failure> {
    let mut figures = Figures { processes: played.processes.len(), ..Figures::default() };
    for process in &played.processes {
        check_process(played, process)?;
        match process.blow.map(|blow| blow.signal) {
            Some("KILL") => figures.killed += 1,
            Some(_) => figures.interrupted += 1,
            None => {}
        }
    }
    let last = played.last();
    if !last.finished {
        return Err(Failure::Other("the run never comes to its end".to_owned()));
    }
    figures.calls = last.ledger.calls.len();
    figures.faults = last.ledger.calls.iter().filter(|call| call.fault.is_some()).count();
    figures.executions = last.ledger.executions.len();
    check_end(played, last, &mut figures)?;
    Ok(figures)
}

/// What holds whenever a process has ended, however it did.
fn check_process(played: &Played, process: &Process) -> Result<(), Failure> {
    let signal = process.blow.map(|blow| blow.signal);
    match (process.code, signal) {
        (Some(0 | 1 | 3), _) | (None, Some("KILL")) => {}
        (Some(130), Some("INT")) | (Some(143), Some("TERM")) => {}
        // The signal came before there was anybody to take it.
        (None, Some(_)) if process.ledger.calls.is_empty() => {}
        (None, Some(_)) if process.stderr.is_empty() => {}
        (code, signal) => {
            return Err(Failure::Other(format!("exit {code:?} after {signal:?}")));
        }
    }
    let (Some(junit), Some(json)) = (&process.junit, &process.json) else {
        // A process that was killed before it could write anything has started nothing either.
        return match process.ledger.calls.is_empty() {
            true => Ok(()),
            false => Err(Failure::Report("there are calls and no report".to_owned())),
        };
    };
    if json.is_null() {
        return Err(Failure::Report("the JSON report is broken".to_owned()));
    }
    let report = Report::deserialize_from_str(junit)
        .map_err(|error| Failure::Report(format!("the JUnit report is broken: {error}")))?;
    let red = report.test_suites.iter().flat_map(|suite| &suite.test_cases).any(|case| {
        matches!(
            case.status,
            TestCaseStatus::NonSuccess {
                kind: NonSuccessKind::Failure | NonSuccessKind::Error,
                ..
            }
        )
    });
    let said = json["exit_code"].as_i64().unwrap_or(-1);
    // JUnit is written last: a kill may come between the two, and then it is the one that is not green yet.
    let lags = red && said == 0 && process.code.is_none();
    if red == (said == 0) && !lags {
        return Err(Failure::Report(format!("JUnit is red: {red}, JSON says {said}")));
    }
    if let Some(code) = process.code.filter(|code| i64::from(*code) != said) {
        return Err(Failure::Report(format!("exit {code}, and the report says {said}")));
    }
    // A report is green only where every test has been seen to pass.
    if said == 0 {
        for test in tests(json) {
            let id = test["attempts"].as_array().and_then(|all| all.last()).map(execution_id);
            let execution = id.flatten().and_then(|id| find(process, &id));
            let passed = execution.is_some_and(|it| is_pass(played, test, it));
            if !passed {
                let why = format!("a green report, and {} did not pass", test["name"]);
                return Err(Failure::Report(why));
            }
        }
    }
    // What a signal leaves running is named, each on a line of its own. On a slow machine it may come
    // before the process has read the journal: then it knows of nothing, and says that it started nothing.
    let knows = !process.stderr.contains("nothing was started");
    if knows && matches!(process.code, Some(130 | 143)) {
        let left = |what: &str| {
            let says = |line: &&str| line.contains(what) && line.contains("may still run");
            process.stderr.lines().filter(says).count()
        };
        let open = process.ledger.executions.iter().filter(|it| it.ended_ms.is_none());
        let open = open.filter(|it| it.service == "connect" && left(&it.execution_id) == 0);
        let unnamed: Vec<&str> = open.map(|it| it.execution_id.as_str()).collect();
        if unnamed.len() > left("an unknown execution") {
            let why = format!("left running and not named: {}", unnamed.join(", "));
            return Err(Failure::Other(why));
        }
    }
    Ok(())
}

/// What holds once the run is finished.
fn check_end(played: &Played, last: &Process, figures: &mut Figures) -> Result<(), Failure> {
    let none = || Failure::Report("there is no report".to_owned());
    let json = last.json.as_ref().ok_or_else(none)?;
    let mut told: HashMap<String, usize> = HashMap::new();
    let mut unknown: HashMap<String, usize> = HashMap::new();
    for test in tests(json) {
        figures.tests += 1;
        let verdict = match test["kind"].as_str() {
            Some(kind) => format!("error({kind})"),
            None => test["verdict"].as_str().unwrap_or_default().to_owned(),
        };
        let lost = [
            "poll",
            "results-unavailable",
            "credentials",
            "not-finished",
            "cancelled",
            "throttled",
            "queued-out",
        ];
        let kind = test["kind"].as_str();
        let limits = &played.drawn.limits;
        let unasked = match kind {
            Some("timed-out") => !limits.short,
            // Nothing is started again, either, once that is reached (`check_not_run`).
            Some("not-started") => limits.max_failures.is_none(),
            _ => false,
        };
        if unasked || kind.is_some_and(|kind| lost.contains(&kind)) {
            let (name, message) = (&test["name"], &test["message"]);
            return Err(Failure::Verdict(format!("{name} has none: {verdict}: {message}")));
        }
        *figures.verdicts.entry(verdict).or_default() += 1;
        let target = target_of(test);
        let attempts = test["attempts"].as_array().cloned().unwrap_or_default();
        for attempt in &attempts {
            for start in attempt["starts"].as_array().into_iter().flatten() {
                figures.adopted += usize::from(start["adopted"] == true);
                match start["execution_id"].as_str() {
                    Some(id) => *told.entry(id.to_owned()).or_default() += 1,
                    None => *unknown.entry(target.clone()).or_default() += 1,
                }
            }
            check_attempt(played, last, test, attempt)?;
        }
    }
    figures.unknown = unknown.values().sum();
    check_not_run(played, json)?;
    if let Some((id, times)) = told.iter().find(|(_, times)| **times > 1) {
        return Err(Failure::Duplicate(format!("{id} is told of {times} times")));
    }
    for execution in &last.ledger.executions {
        let id = &execution.execution_id;
        if !told.contains_key(id) {
            let target = execution.test_case_id.as_ref().or(execution.test_set_id.as_ref());
            let left = unknown.entry(target.cloned().unwrap_or_default()).or_default();
            if *left == 0 {
                return Err(Failure::Duplicate(format!("{id} is nobody's: {execution:?}")));
            }
            *left -= 1;
        } else if execution.ended_ms.is_none() && execution.service == "connect" {
            return Err(Failure::Other(format!("{id} is left running")));
        }
    }
    Ok(())
}

/// Nothing is left out but for `max_failures`, once so many have not passed.
fn check_not_run(played: &Played, json: &Value) -> Result<(), Failure> {
    let is_left_out = |test: &Value| test["verdict"] == "not-run" || test["kind"] == "not-started";
    let left_out = tests(json).filter(|test| is_left_out(test)).count();
    let not_passed = tests(json).filter(|test| test["verdict"] != "passed" && !is_left_out(test));
    let not_passed = not_passed.count();
    let most = played.drawn.limits.max_failures;
    if left_out > 0 && most.is_none_or(|most| not_passed < most) {
        let why = format!("{left_out} not run, {not_passed} not passed, max_failures {most:?}");
        return Err(Failure::Verdict(why));
    }
    Ok(())
}

/// Each attempt has the verdict that its execution has on the service.
fn check_attempt(
    played: &Played,
    last: &Process,
    test: &Value,
    attempt: &Value,
) -> Result<(), Failure> {
    let Some(id) = execution_id(attempt) else { return Ok(()) };
    let execution =
        find(last, &id).ok_or_else(|| Failure::Verdict(format!("{id} was never begun")))?;
    let verdict = attempt["verdict"].as_str().unwrap_or_default();
    // Whatever it comes to later, it was not over in its time.
    if attempt["kind"] == "timed-out" {
        let ran = execution.ended_ms.zip(execution.started_ms).map(|(end, start)| end - start);
        let was_over = ran.is_some_and(|ran| ran < drawn::SHORT_MS * 3 / 4);
        if was_over && !matches!(execution.status.as_str(), "STOPPED" | "Stopped") {
            return Err(Failure::Verdict(format!("timed out, and it was over: {execution:?}")));
        }
        return Ok(());
    }
    let never_ran = execution.started_ms.is_none() && attempt["kind"] == "not-started";
    let expected = match execution.status.as_str() {
        "STOPPED" | "Stopped" => "error",
        _ if never_ran => "error",
        _ if is_pass(played, test, execution) => "passed",
        _ => "failed",
    };
    if verdict != expected {
        let name = &test["name"];
        return Err(Failure::Verdict(format!("{name}: {verdict}, and {id} is {execution:?}")));
    }
    Ok(())
}

fn is_pass(played: &Played, test: &Value, execution: &ExecutionEntry) -> bool {
    let name = test["name"].as_str().unwrap_or_default();
    match execution.status.as_str() {
        "PASSED" => true,
        "Completed" => !played.drawn.below.iter().any(|below| below == name),
        _ => false,
    }
}

fn tests(json: &Value) -> impl Iterator<Item = &Value> {
    let suites = json["suites"].as_array().into_iter().flatten();
    suites.flat_map(|suite| suite["tests"].as_array().into_iter().flatten())
}

fn target_of(test: &Value) -> String {
    let target = &test["target"];
    let id = target["test_case_id"].as_str().or(target["test_set_id"].as_str());
    id.unwrap_or_default().to_owned()
}

/// The execution that an attempt stands for.
fn execution_id(attempt: &Value) -> Option<String> {
    let start = attempt["starts"].as_array()?.last()?;
    Some(start["execution_id"].as_str()?.to_owned())
}

fn find<'p>(process: &'p Process, id: &str) -> Option<&'p ExecutionEntry> {
    process.ledger.executions.iter().find(|execution| execution.execution_id == id)
}
