//! The core, fed with times and replies: no clock, no socket, no task.

mod calls;
mod cancelling;
mod crowded;
mod deadlines;
mod instance;
mod killed;
mod lost;
mod model;
mod player;
mod properties;
mod quotas;
mod reading;
mod taken_up;
mod verdicts;

use std::sync::Arc;
use std::time::Duration;

use crate::outcome::{AwsError, Observations};
use crate::plan::{Options, Plan, Target};
use crate::service::{CallError, End, ErrorClass, Phase, Snapshot, Started, Status};
use crate::suite;

/// The plan of a suite; `tests` is what follows its name.
fn plan(tests: &str) -> Arc<Plan> {
    let text = format!("name: Suite\nregion: us-east-1\n{tests}");
    let suite = suite::parse("suite.yaml", &text, &|_| None)
        .unwrap_or_else(|diagnostics| panic!("{}", diagnostics.render_plain()));
    Arc::new(Plan::new(&[suite], &Options::default()))
}

/// A plan of `count` Connect tests named `t0`, `t1` …; `settings` are keys of the section.
fn connect_plan(count: usize, settings: &str) -> Arc<Plan> {
    let tests: String =
        (0..count).map(|i| format!("    - {{name: t{i}, test_case_id: c{i}}}\n")).collect();
    plan(&format!("connect:\n  instance_id: i\n{settings}\n  test_cases:\n{tests}"))
}

/// A plan of one Lex test that expects `expect`.
fn lex_plan(expect: &str) -> Arc<Plan> {
    plan(&format!(
        "lex: {{bot_id: BOT0000001, bot_alias_id: TSTALIASID, locale_id: en_US,
           api_mode: NonStreaming, expect: {expect},
           test_executions: [{{name: t0, test_set_id: TESTSET001}}]}}"
    ))
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn status(word: &str) -> Status {
    let phase = match word {
        "INITIATED" | "Pending" => Phase::Queued,
        "PASSED" => Phase::Ended(End::Passed),
        "FAILED" | "Failed" => Phase::Ended(End::Failed),
        "STOPPED" | "Stopped" => Phase::Ended(End::Stopped),
        "Completed" => Phase::Ended(End::Completed),
        _ => Phase::Running,
    };
    Status { word: word.to_owned(), phase }
}

/// What a status call says. `FAILED unobserved` is FAILED without any observation.
fn snapshot(word: &str) -> Snapshot {
    if let Some((word, _)) = word.split_once(' ') {
        return Snapshot { observations: None, ..snapshot(word) };
    }
    let observations = Observations { total: 3, passed: 3, failed: 0 };
    let known = matches!(word, "PASSED" | "FAILED").then_some(observations);
    Snapshot {
        status: status(word),
        observations: known,
        failure_reasons: Vec::new(),
        took: None,
        ended_at: None,
    }
}

fn accepted(id: &str) -> Started {
    Started { execution_id: id.to_owned(), status: status("INITIATED") }
}

fn error(class: ErrorClass) -> CallError {
    // Where there was no reply there is nothing of AWS's in the error.
    let replied = !matches!(
        class,
        ErrorClass::Unsent | ErrorClass::CredentialsSource | ErrorClass::Ambiguous
    );
    CallError {
        class,
        error: Box::new(AwsError {
            operation: "Operation".to_owned(),
            code: Some("SomeException".to_owned()),
            message: "no".to_owned(),
            status: replied.then_some(400),
            request_id: Some("r-1".to_owned()),
        }),
    }
}
