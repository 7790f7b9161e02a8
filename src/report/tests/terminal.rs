use std::time::Duration;

use super::*;
use crate::event::{Backpressure, Event, EventKind, KnownBy, Operation, Waited, Waiting, Why};
use crate::report::progress::{Detail, Progress, event};
use crate::report::terminal::report;

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn the_end_of_a_run_that_holds_everything_looks_like_this() {
    insta::assert_snapshot!(plain(&report(&friendly())));
}

#[test]
fn hostile_text_stays_on_its_line_and_steers_no_terminal() {
    let text = report(&hostile());
    let plain = plain(&text);
    assert!(!plain.contains('\u{1b}'));
    for line in plain.lines() {
        assert!(!line.trim_start().starts_with("::"), "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

#[test]
fn each_event_has_its_line() {
    let mut summary = friendly();
    let tests = &mut summary.suites[0].tests;
    let rejected = tests.iter().position(|test| test.name == "error start-rejected").unwrap();
    tests.swap(2, rejected);
    let aws = summary.suites[0].tests[2].outcome.attempts[0].details.error.clone().unwrap();
    let kinds = vec![
        EventKind::Started {
            test: 0,
            attempt: 2,
            execution_id: "e-1".to_owned(),
            status: "INITIATED".to_owned(),
            known: KnownBy::Reply,
        },
        EventKind::LookingUp { test: 2, error: Some(Box::new(aws.clone())) },
        EventKind::LookingUp { test: 2, error: None },
        EventKind::Started {
            test: 2,
            attempt: 1,
            execution_id: "e-2".to_owned(),
            status: "InProgress".to_owned(),
            known: KnownBy::LookUp,
        },
        EventKind::LookUpsOff {
            service: ServiceName::Lex,
            region: Some("us-east-1".to_owned()),
            error: Box::new(aws.clone()),
        },
        EventKind::JournalBroken { why: "No space left on device".to_owned() },
        EventKind::Moved { test: 0, status: "IN_PROGRESS".to_owned() },
        EventKind::Retrying { test: 2, error: Box::new(aws), after: Duration::from_millis(1500) },
        EventKind::Paused {
            service: ServiceName::Lex,
            region: Some("us-east-1".to_owned()),
            pause: Duration::from_secs(7),
            rate: 1.3,
        },
        EventKind::Calling {
            test: 0,
            operation: Operation::Start,
            why: Why::Place(Duration::from_millis(61_500)),
            again: true,
            waited: Waited { rate: Duration::from_millis(500), pause: Duration::from_secs(7) },
        },
        EventKind::Calling {
            test: 0,
            operation: Operation::Poll,
            why: Why::Expected(Duration::from_millis(9_050)),
            again: false,
            waited: Waited::default(),
        },
        EventKind::Calling {
            test: 0,
            operation: Operation::Poll,
            why: Why::Spacing(Duration::from_secs(4)),
            again: false,
            waited: Waited::default(),
        },
        EventKind::Sweeping {
            service: ServiceName::Connect,
            place: "i-1".to_owned(),
            executions: 10,
            why: Why::Spacing(Duration::from_secs(2)),
            waited: Waited { rate: Duration::from_millis(1_440), pause: Duration::ZERO },
        },
        EventKind::SweepsOff {
            service: ServiceName::Connect,
            place: "i-1".to_owned(),
            off: Some(Duration::from_secs(300)),
            why: "AccessDenied".to_owned(),
        },
        EventKind::Crowded {
            service: ServiceName::Lex,
            place: "us-east-1".to_owned(),
            because: Backpressure::Full,
            before: 10,
            places: 5,
            in_flight: 7,
        },
        EventKind::StillWaiting(Waiting {
            for_place: 80,
            running: 5,
            queued: 5,
            ..Waiting::default()
        }),
        EventKind::Stopping {
            test: 1,
            execution_id: "e-1".to_owned(),
            reason: "still IN_PROGRESS after its timeout of 5m".to_owned(),
        },
        EventKind::LeftRunning { test: 1, execution_id: None, reason: "no reply".to_owned() },
        EventKind::AttemptEnded {
            test: 4,
            attempt: Box::new(attempt(1, Verdict::Failed, "1 of 3 failed")),
        },
        EventKind::Ended { test: 1, outcome: summary.suites[0].tests[1].outcome.clone() },
        EventKind::Ended { test: 2, outcome: summary.suites[0].tests[2].outcome.clone() },
        EventKind::TooManyFailures { failures: 3 },
        EventKind::TimeUp,
        EventKind::Interrupted { signal: crate::outcome::Signal::Sigterm },
    ];
    let lines: Vec<String> = kinds
        .into_iter()
        .map(|kind| Event { at: Duration::from_millis(62_340), kind })
        .map(|happened| {
            let test = happened.kind.test().map(|test| &summary.suites[0].tests[test]);
            let progress = Progress { ended: 3, total: 7 };
            plain(&event(&happened, test, progress, Detail::Verbose).unwrap())
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn quiet_shows_only_what_must_be_known() {
    let summary = everything();
    let test = summary.suites[0].tests.first();
    let progress = Progress { ended: 0, total: 7 };
    let shown = |kind| event(&Event { at: Duration::ZERO, kind }, test, progress, Detail::Quiet);
    assert!(shown(EventKind::Moved { test: 0, status: "IN_PROGRESS".to_owned() }).is_none());
    let reason = "no reply".to_owned();
    assert!(shown(EventKind::LeftRunning { test: 0, execution_id: None, reason }).is_some());
}
