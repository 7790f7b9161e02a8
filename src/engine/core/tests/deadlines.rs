//! The three deadlines, and what is stopped at each.

use super::player::{core, play};
use super::*;
use crate::engine::core::{Call, Reply};
use crate::event::EventKind;
use crate::outcome::{ErrorKind, Verdict};
use crate::service::{Page, Record, Row};

/// A world in which tests stay as they are for ever, unless they are stopped.
fn hanging(word: &'static str) -> impl FnMut(Duration, &Call) -> (Duration, Reply) {
    let mut next = 0;
    move |_, call| {
        let reply = match call {
            Call::Start(..) => {
                next += 1;
                Reply::Start(Ok(accepted(&format!("e-{next}"))))
            }
            Call::Poll(_) => Reply::Poll(Ok(snapshot(word))),
            Call::List(_) => Reply::List(Ok(Default::default())),
            Call::LookUp(_) => Reply::LookUp(Ok(Default::default())),
            Call::Stop(..) => Reply::Stop(Ok(())),
            Call::Results(..) => {
                let record = Record { raw: Some("{}".to_owned()), ..Record::default() };
                Reply::Results(Ok(Page { rows: vec![Row::Record(record)], next_token: None }))
            }
        };
        (Duration::ZERO, reply)
    }
}

#[test]
fn a_test_that_runs_too_long_is_looked_at_once_more_and_stopped() {
    let plan = connect_plan(1, "  timeout: 15s");
    let played = play(core(&plan), &mut hanging("IN_PROGRESS"), &[]);
    // It left the queue at the poll at 2 s, so that its time is up at 17 s.
    assert_eq!(played.times("poll"), [2.0, 4.0, 8.0, 16.0, 17.0]);
    assert_eq!(played.times("stop"), [17.0]);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::TimedOut));
    assert_eq!(played.outcome(0).message, "still IN_PROGRESS after its timeout of 15s; stopped");
    // What it did until then is the clue.
    assert_eq!(played.outcome(0).attempts[0].details.records, ["{}"]);
}

#[test]
fn a_test_that_stays_queued_is_stopped_at_its_queue_timeout() {
    let plan = connect_plan(1, "  queue_timeout: 20s\n  timeout: 1s");
    let played = play(core(&plan), &mut hanging("INITIATED"), &[]);
    assert_eq!(played.times("stop"), [20.0]);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::QueuedOut));
}

#[test]
fn an_end_just_before_the_deadline_is_not_missed() {
    let plan = connect_plan(1, "  timeout: 15s");
    let mut world = |now: Duration, call: &Call| {
        let reply = match call {
            Call::Start(..) => Reply::Start(Ok(accepted("e-1"))),
            Call::Poll(_) if now > seconds(16.5) => Reply::Poll(Ok(snapshot("PASSED"))),
            Call::Poll(_) => Reply::Poll(Ok(snapshot("IN_PROGRESS"))),
            other => panic!("unexpected: {other:?}"),
        };
        (Duration::ZERO, reply)
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(played.outcome(0).verdict, Verdict::Passed);
    assert_eq!(played.over_at, seconds(17.0));
}

#[test]
fn a_test_that_leaves_the_queue_at_the_last_look_has_its_own_time() {
    let plan = connect_plan(1, "  queue_timeout: 20s\n  timeout: 100s");
    let mut world = |now: Duration, call: &Call| {
        let reply = match call {
            Call::Start(..) => Reply::Start(Ok(accepted("e-1"))),
            Call::Poll(_) if now >= seconds(60.0) => Reply::Poll(Ok(snapshot("PASSED"))),
            Call::Poll(_) if now >= seconds(20.0) => Reply::Poll(Ok(snapshot("IN_PROGRESS"))),
            Call::Poll(_) => Reply::Poll(Ok(snapshot("INITIATED"))),
            other => panic!("unexpected: {other:?}"),
        };
        (Duration::ZERO, reply)
    };
    assert_eq!(play(core(&plan), &mut world, &[]).outcome(0).verdict, Verdict::Passed);
}

#[test]
fn the_runs_time_ends_what_runs_and_what_waits() {
    let plan = plan(
        "timeout: 30s\nconnect: {instance_id: i, limits: {in_flight: 1}, test_cases: [\
         {name: a, test_case_id: a}, {name: b, test_case_id: b}]}",
    );
    let played = play(core(&plan), &mut hanging("IN_PROGRESS"), &[]);
    assert_eq!(played.times("start").len(), 1);
    assert_eq!(played.times("stop"), [30.0]);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::TimedOut));
    assert_eq!(
        played.outcome(0).message,
        "still IN_PROGRESS when the run's timeout of 30s was up; stopped"
    );
    assert_eq!(played.outcome(1).verdict, Verdict::Error(ErrorKind::TimedOut));
    assert!(played.outcome(1).attempts.is_empty());
}

#[test]
fn a_start_that_was_throttled_to_the_end_says_so() {
    let plan =
        plan("timeout: 30s\nconnect: {instance_id: i, test_cases: [{name: a, test_case_id: a}]}");
    let mut world = |_: Duration, _: &Call| {
        let throttled = ErrorClass::Throttled { retry_after: None };
        (Duration::ZERO, Reply::Start(Err(error(throttled))))
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::Throttled));
    assert!(played.outcome(0).message.contains("SomeException"), "{}", played.outcome(0).message);
}

#[test]
fn what_lex_cannot_stop_is_named() {
    let plan = lex_plan("none, timeout: 60s");
    let played = play(core(&plan), &mut hanging("InProgress"), &[]);
    assert!(played.times("stop").is_empty());
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::TimedOut));
    let left = played.events(|event| match &event.kind {
        EventKind::LeftRunning { execution_id, .. } => execution_id.clone(),
        _ => None,
    });
    assert_eq!(left, ["e-1"]);
}

#[test]
fn a_status_that_cannot_be_read_to_the_end_is_an_error_of_its_own() {
    let plan = connect_plan(1, "  queue_timeout: 60s");
    let mut world = |_: Duration, call: &Call| {
        let reply = match call {
            Call::Start(..) => Reply::Start(Ok(accepted("e-1"))),
            Call::Poll(_) => Reply::Poll(Err(error(ErrorClass::Ambiguous))),
            _ => Reply::Stop(Ok(())),
        };
        (Duration::ZERO, reply)
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::Poll));
    // The last look is tried for a while; then, since it may run, it is stopped.
    assert_eq!(played.times("stop"), [75.5]);
    let error = &played.outcome(0).attempts[0].details.error;
    assert!(error.is_some(), "what went wrong outlives the stop that worked");
}

#[test]
fn a_last_look_that_is_throttled_is_tried_again() {
    let plan = connect_plan(1, "  timeout: 15s");
    let mut looks = 0;
    let mut world = |now: Duration, call: &Call| {
        let reply = match call {
            Call::Start(..) => Reply::Start(Ok(accepted("e-1"))),
            Call::Poll(_) if now < seconds(17.0) => Reply::Poll(Ok(snapshot("IN_PROGRESS"))),
            Call::Poll(_) => {
                looks += 1;
                let throttled = ErrorClass::Throttled { retry_after: None };
                match looks {
                    1 => Reply::Poll(Err(error(throttled))),
                    _ => Reply::Poll(Ok(snapshot("PASSED"))),
                }
            }
            other => panic!("unexpected: {other:?}"),
        };
        (Duration::ZERO, reply)
    };
    assert_eq!(play(core(&plan), &mut world, &[]).outcome(0).verdict, Verdict::Passed);
}

#[test]
fn a_stop_that_aws_refuses_is_followed_by_one_more_look() {
    let plan = connect_plan(1, "  timeout: 5s");
    let run = |after: &'static str| {
        let mut stopped = false;
        let mut world = move |_: Duration, call: &Call| {
            let reply = match call {
                Call::Start(..) => Reply::Start(Ok(accepted("e-1"))),
                Call::Poll(_) if stopped => Reply::Poll(Ok(snapshot(after))),
                Call::Poll(_) => Reply::Poll(Ok(snapshot("IN_PROGRESS"))),
                _ => {
                    stopped = true;
                    Reply::Stop(Err(error(ErrorClass::Rejected)))
                }
            };
            (Duration::ZERO, reply)
        };
        play(core(&plan), &mut world, &[])
    };
    assert_eq!(run("PASSED").outcome(0).verdict, Verdict::Passed, "it had ended just before");
    let played = run("IN_PROGRESS");
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::TimedOut));
    assert_eq!(played.times("stop").len(), 1);
    let notes = &played.outcome(0).attempts[0].details.notes;
    assert!(notes[0].contains("it could not be stopped"), "{notes:?}");
}

#[test]
fn a_stop_whose_reply_was_lost_is_this_runs_stop() {
    let plan = connect_plan(1, "  timeout: 5s");
    let mut stops = 0;
    let mut world = |_: Duration, call: &Call| {
        let reply = match call {
            Call::Start(..) => Reply::Start(Ok(accepted("e-1"))),
            Call::Poll(_) if stops > 0 => Reply::Poll(Ok(snapshot("STOPPED"))),
            Call::Poll(_) => Reply::Poll(Ok(snapshot("IN_PROGRESS"))),
            _ => {
                stops += 1;
                let lost = if stops == 1 { ErrorClass::Ambiguous } else { ErrorClass::Rejected };
                Reply::Stop(Err(error(lost)))
            }
        };
        (Duration::ZERO, reply)
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::TimedOut));
    assert!(played.outcome(0).message.ends_with("; stopped"), "{}", played.outcome(0).message);
}

#[test]
fn what_may_still_run_is_not_tried_again() {
    let plan = lex_plan("none, timeout: 10s, retries: 2, retry_on: [error]");
    let played = play(core(&plan), &mut hanging("InProgress"), &[]);
    assert_eq!(played.times("start").len(), 1);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::TimedOut));
}

#[test]
fn a_run_ends_though_what_it_cannot_stop_leaves_the_queue_at_the_last_moment() {
    let plan = plan(
        "timeout: 21s\nconnect: {instance_id: i, queue_timeout: 20s, timeout: 10m,
         test_cases: [{name: a, test_case_id: a}]}",
    );
    let mut world = |now: Duration, call: &Call| match call {
        Call::Start(..) => (Duration::ZERO, Reply::Start(Ok(accepted("e-1")))),
        Call::Poll(_) if now < seconds(21.0) => {
            (Duration::ZERO, Reply::Poll(Ok(snapshot("INITIATED"))))
        }
        Call::Poll(_) => (Duration::ZERO, Reply::Poll(Ok(snapshot("IN_PROGRESS")))),
        _ => (seconds(2.0), Reply::Stop(Err(error(ErrorClass::Rejected)))),
    };
    let played = play(core(&plan), &mut world, &[]);
    assert!(played.over_at < seconds(40.0), "{:?}", played.over_at);
}

#[test]
fn after_the_runs_time_no_start_is_sent_again() {
    let plan =
        plan("timeout: 5s\nconnect: {instance_id: i, test_cases: [{name: a, test_case_id: a}]}");
    let mut starts = 0;
    let mut world = |_: Duration, _: &Call| {
        starts += 1;
        // The first may have acted; from then on AWS has no room, for ever.
        let class = if starts == 1 {
            ErrorClass::Ambiguous
        } else {
            ErrorClass::Full { retry_after: None }
        };
        (Duration::ZERO, Reply::Start(Err(error(class))))
    };
    let played = play(core(&plan), &mut world, &[]);
    // What came of it is looked up for two seconds.
    assert_eq!(played.over_at, seconds(7.0));
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::StartUnknown));
    assert_eq!(played.outcome(0).attempts[0].starts.len(), 1, "the start stands in the report");
    assert!(played.times("start").iter().all(|at| *at <= 5.0));
}

#[test]
fn results_are_read_on_for_a_while_after_the_runs_time_and_not_for_ever() {
    let plan = plan(
        "timeout: 10s\nlex: {bot_id: BOT0000001, bot_alias_id: TSTALIASID, locale_id: en_US,
         api_mode: NonStreaming, expect: {end_to_end: 1%},
         test_executions: [{name: t, test_set_id: TESTSET001}]}",
    );
    let mut world = |_: Duration, call: &Call| {
        let throttled = ErrorClass::Throttled { retry_after: None };
        let reply = match call {
            Call::Start(..) => Reply::Start(Ok(accepted("e-1"))),
            Call::Poll(_) => Reply::Poll(Ok(snapshot("Completed"))),
            _ => Reply::Results(Err(error(throttled))),
        };
        (Duration::ZERO, reply)
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::ResultsUnavailable));
    assert_eq!(played.over_at, seconds(130.0));
    // The same where the end is only seen by the last look.
    let mut late = |now: Duration, call: &Call| match call {
        Call::Poll(_) if now < seconds(10.0) => {
            (Duration::ZERO, Reply::Poll(Ok(snapshot("InProgress"))))
        }
        call => world(now, call),
    };
    assert_eq!(play(core(&plan), &mut late, &[]).over_at, seconds(130.0));
}

#[test]
fn a_stop_that_cannot_be_made_is_told() {
    let plan = connect_plan(1, "  timeout: 5s");
    let mut world = |_: Duration, call: &Call| {
        let reply = match call {
            Call::Start(..) => Reply::Start(Ok(accepted("e-1"))),
            Call::Poll(_) => Reply::Poll(Ok(snapshot("IN_PROGRESS"))),
            _ => Reply::Stop(Err(error(ErrorClass::Ambiguous))),
        };
        (Duration::ZERO, reply)
    };
    let played = play(core(&plan), &mut world, &[]);
    assert!(played.times("stop").len() > 3, "{:?}", played.times("stop"));
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::TimedOut));
    let left = played.events(|event| match &event.kind {
        EventKind::LeftRunning { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(left.len(), 1);
}
