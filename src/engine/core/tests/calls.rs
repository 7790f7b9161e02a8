//! Which calls are made, when, and with which tokens.

use super::player::{Played, core, play};
use super::*;
use crate::engine::core::{Call, Reply};
use crate::outcome::{ErrorKind, Verdict};

/// A world in which a test is INITIATED, at `running` goes IN_PROGRESS and at `passed` PASSED.
fn one_test(running: f64, passed: f64) -> impl FnMut(Duration, &Call) -> (Duration, Reply) {
    move |now, call| {
        let reply = match call {
            Call::Start(..) => Reply::Start(Ok(accepted("e-1"))),
            Call::Poll(_) if now >= seconds(passed) => Reply::Poll(Ok(snapshot("PASSED"))),
            Call::Poll(_) if now >= seconds(running) => Reply::Poll(Ok(snapshot("IN_PROGRESS"))),
            Call::Poll(_) => Reply::Poll(Ok(snapshot("INITIATED"))),
            other => panic!("unexpected: {other:?}"),
        };
        (Duration::ZERO, reply)
    }
}

#[test]
fn polls_back_off_and_begin_again_when_the_status_changes() {
    let plan = connect_plan(1, "  poll: {min: 2s, max: 10s}");
    let played = play(core(&plan), &mut one_test(20.0, 50.0), &[]);
    // 2, +4, +8, +10: IN_PROGRESS is seen at 24; from there 2, +4, +8, +10, and 10 again.
    assert_eq!(played.times("poll"), [2.0, 6.0, 14.0, 24.0, 26.0, 30.0, 38.0, 48.0, 58.0]);
    assert_eq!(played.outcome(0).verdict, Verdict::Passed);
    assert_eq!(played.outcome(0).message, "3 of 3 observations passed");
}

#[test]
fn a_change_of_status_is_told_once_and_an_end_as_an_end() {
    let plan = connect_plan(1, "");
    let played = play(core(&plan), &mut one_test(5.0, 9.0), &[]);
    let moves = played.events(|event| match &event.kind {
        crate::event::EventKind::Moved { status, .. } => Some(status.clone()),
        _ => None,
    });
    assert_eq!(moves, ["IN_PROGRESS"]);
}

#[test]
fn calls_keep_to_the_rate_and_starts_come_before_polls() {
    let plan = connect_plan(8, "  poll: {min: 1s, max: 1s}");
    let mut next = 0;
    let mut world = |now: Duration, call: &Call| {
        let reply = match call {
            Call::Start(..) => {
                next += 1;
                Reply::Start(Ok(accepted(&format!("e-{next}"))))
            }
            Call::List(_) => Reply::List(Err(error(ErrorClass::Rejected))),
            _ if now >= seconds(10.0) => Reply::Poll(Ok(snapshot("PASSED"))),
            _ => Reply::Poll(Ok(snapshot("INITIATED"))),
        };
        (Duration::ZERO, reply)
    };
    let played = play(core(&plan), &mut world, &[]);
    // A burst of four (AWS's five less one), then two a second; looks come due from 1 s on, but
    // wait until all is started.
    assert_eq!(played.times("start"), [0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 1.5, 2.0]);
    assert_eq!(played.times("list"), [2.5], "it is refused, and not asked for again");
    assert_eq!(played.times("poll")[..3], [3.0, 3.5, 4.0]);
}

#[test]
fn a_window_holds_back_what_has_no_place() {
    let plan = connect_plan(3, "  limits: {in_flight: 1}");
    let mut started: Vec<Duration> = Vec::new();
    let mut world = |now: Duration, call: &Call| {
        let reply = match call {
            Call::Start(..) => {
                started.push(now);
                Reply::Start(Ok(accepted(&format!("e-{}", started.len()))))
            }
            _ => Reply::Poll(Ok(snapshot("PASSED"))),
        };
        (Duration::ZERO, reply)
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(played.times("start"), [0.0, 2.0, 4.0]);
}

/// Plays a test whose first starts are answered with `errors`.
fn with_start_errors(plan: &Arc<Plan>, errors: &[ErrorClass]) -> Played {
    let mut errors = errors.iter().copied();
    let mut world = move |_: Duration, call: &Call| {
        let reply = match (call, errors.len()) {
            (Call::Start(..), 0) => Reply::Start(Ok(accepted("e-1"))),
            (Call::Start(..), _) => Reply::Start(Err(error(errors.next().unwrap()))),
            (Call::Poll(_), _) => {
                let last = if plan_is_lex(call) { "Completed" } else { "PASSED" };
                Reply::Poll(Ok(snapshot(last)))
            }
            (Call::Results(..), _) => Reply::Results(Ok(Default::default())),
            (other, _) => panic!("unexpected: {other:?}"),
        };
        (Duration::ZERO, reply)
    };
    play(core(plan), &mut world, &[])
}

fn plan_is_lex(call: &Call) -> bool {
    let Call::Poll(execution) = call else { return false };
    execution.target.service() == crate::outcome::ServiceName::Lex
}

#[test]
fn a_start_without_a_reply_is_sent_again_with_the_same_token() {
    let played = with_start_errors(&connect_plan(1, ""), &[ErrorClass::Ambiguous; 3]);
    assert_eq!(played.times("start"), [0.0, 0.5, 1.5, 3.5]);
    let tokens = played.tokens();
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
    assert_eq!(played.outcome(0).verdict, Verdict::Passed);
}

#[test]
fn a_lex_start_that_never_left_is_sent_again() {
    let played = with_start_errors(&lex_plan("none"), &[ErrorClass::Unsent; 2]);
    assert_eq!(played.times("start"), [0.0, 0.5, 1.5]);
    assert_eq!(played.outcome(0).verdict, Verdict::Passed);
}

#[test]
fn tokens_differ_between_tests_and_runs_and_between_attempts() {
    let plan = connect_plan(2, "  retries: 1");
    let fail = |_: Duration, call: &Call| {
        let reply = match call {
            Call::Start(..) => Reply::Start(Ok(accepted("e"))),
            Call::Poll(_) => Reply::Poll(Ok(snapshot("FAILED"))),
            _ => Reply::Results(Ok(Default::default())),
        };
        (Duration::ZERO, reply)
    };
    let mut tokens = play(core(&plan), &mut { fail }, &[]).tokens();
    let other_run = super::player::seeded(&plan, 2, Box::new(|| 1.0));
    tokens.extend(play(other_run, &mut { fail }, &[]).tokens());
    assert_eq!(tokens.len(), 8);
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 8, "a token was used twice");
}

#[test]
fn throttling_pauses_the_lane_as_long_as_aws_asks() {
    let throttled = ErrorClass::Throttled { retry_after: Some(seconds(7.0)) };
    let played = with_start_errors(&connect_plan(1, ""), &[throttled, throttled]);
    // A start that was throttled waits a little longer than the lane: half a second, then one.
    assert_eq!(played.times("start"), [0.0, 7.5, 15.5]);
}

#[test]
fn throttling_without_a_word_pauses_longer_each_time() {
    let throttled = ErrorClass::Throttled { retry_after: None };
    let played = with_start_errors(&connect_plan(1, ""), &[throttled; 3]);
    // Pauses of 1, 2 and 4 s, and then 0.5, 1 and 2 s.
    assert_eq!(played.times("start"), [0.0, 1.5, 4.5, 10.5]);
}

#[test]
fn a_full_queue_is_waited_for() {
    let mut errors = [ErrorClass::Full { retry_after: None }; 12].to_vec();
    // However long that took, a reply that is lost afterwards is not the end.
    errors.extend([ErrorClass::Ambiguous, ErrorClass::Unsent]);
    let played = with_start_errors(&connect_plan(1, ""), &errors);
    assert_eq!(played.times("start").len(), 15);
    assert!(played.times("start")[12] > 120.0, "{:?}", played.times("start"));
    assert_eq!(played.outcome(0).verdict, Verdict::Passed);
}

#[test]
fn a_full_queue_is_left_alone_as_long_as_aws_asks() {
    let full = ErrorClass::Full { retry_after: Some(seconds(7.0)) };
    let played = with_start_errors(&connect_plan(1, ""), &[full, full]);
    assert_eq!(played.times("start"), [0.0, 7.0, 14.0]);
}

#[test]
fn what_cannot_be_reached_at_all_is_told_once_for_all_tests() {
    let plan = connect_plan(50, "  limits: {in_flight: 2}");
    for (class, kind, why) in [
        (ErrorClass::Unsent, ErrorKind::StartRejected, "AWS could not be reached"),
        (ErrorClass::CredentialsSource, ErrorKind::Credentials, "the AWS credentials are no good"),
    ] {
        let mut world = |_: Duration, _: &Call| (Duration::ZERO, Reply::Start(Err(error(class))));
        let played = play(core(&plan), &mut world, &[]);
        assert!(played.over_at < seconds(60.0), "{:?}", played.over_at);
        assert_eq!(played.outcomes.len(), 50);
        for outcome in played.outcomes.values() {
            assert_eq!(outcome.verdict, Verdict::Error(kind));
            assert!(outcome.message.starts_with(why), "{}", outcome.message);
        }
    }
}

#[test]
fn pauses_go_on_growing_while_replies_of_the_same_burst_come_in() {
    let plan = connect_plan(4, "");
    let mut calls = 0;
    let mut world = |now: Duration, call: &Call| {
        calls += 1;
        let throttled = ErrorClass::Throttled { retry_after: None };
        match call {
            // One of the burst is slow and works; the others are throttled at once.
            Call::Start(..) if calls == 1 => (seconds(0.5), Reply::Start(Ok(accepted("e-1")))),
            Call::Start(..) if now < seconds(5.0) => {
                (Duration::ZERO, Reply::Start(Err(error(throttled))))
            }
            Call::Start(..) => (Duration::ZERO, Reply::Start(Ok(accepted(&format!("e-{calls}"))))),
            _ => (Duration::ZERO, Reply::Poll(Ok(snapshot("PASSED")))),
        }
    };
    let played = play(core(&plan), &mut world, &[]);
    let pauses = played.events(|event| match &event.kind {
        crate::event::EventKind::Paused { pause, .. } => Some(pause.as_secs()),
        _ => None,
    });
    assert_eq!(pauses[..2], [1, 2], "{pauses:?}");
}

#[test]
fn starts_that_are_throttled_for_ever_keep_nobody_from_looking_at_what_runs() {
    let plan = connect_plan(3, "");
    let mut world = |now: Duration, call: &Call| {
        let throttled = ErrorClass::Throttled { retry_after: None };
        let reply = match call {
            Call::Start(crate::plan::Target::Connect(target), _) if target.test_case_id == "c0" => {
                Reply::Start(Ok(accepted("e-1")))
            }
            Call::Start(..) if now < seconds(600.0) => Reply::Start(Err(error(throttled))),
            Call::Start(..) => Reply::Start(Ok(accepted("e-2"))),
            _ if now >= seconds(20.0) => Reply::Poll(Ok(snapshot("PASSED"))),
            _ => Reply::Poll(Ok(snapshot("IN_PROGRESS"))),
        };
        (seconds(0.1), reply)
    };
    let played = play(core(&plan), &mut world, &[]);
    assert!(played.outcome(0).seconds < 60.0, "{}", played.outcome(0).seconds);
}

#[test]
fn clocks_that_differ_are_tried_once_more_and_once_only() {
    let skew = ErrorClass::ClockSkew { denied: false };
    let played = with_start_errors(&connect_plan(1, ""), &[skew]);
    assert_eq!(played.outcome(0).verdict, Verdict::Passed);
    let played = with_start_errors(&connect_plan(1, ""), &[skew; 2]);
    assert_eq!(played.times("start").len(), 2);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::Credentials));
    // Access that is denied for good is one test's affair, whatever the clock says.
    let denied = ErrorClass::ClockSkew { denied: true };
    let played = with_start_errors(&connect_plan(1, ""), &[denied; 2]);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::StartRejected));
}

#[test]
fn a_rejected_start_ends_its_test_and_no_other() {
    let plan = connect_plan(2, "");
    let mut world = |_: Duration, call: &Call| {
        let reply = match call {
            Call::Start(crate::plan::Target::Connect(target), _) if target.test_case_id == "c0" => {
                Reply::Start(Err(error(ErrorClass::Rejected)))
            }
            Call::Start(..) => Reply::Start(Ok(accepted("e-2"))),
            _ => Reply::Poll(Ok(snapshot("PASSED"))),
        };
        (Duration::ZERO, reply)
    };
    let played = play(core(&plan), &mut world, &[]);
    let outcome = played.outcome(0);
    assert_eq!(outcome.verdict, Verdict::Error(ErrorKind::StartRejected));
    assert_eq!(
        outcome.message,
        "AWS did not start it: Operation: SomeException: no (request id r-1)"
    );
    assert_eq!(played.outcome(1).verdict, Verdict::Passed);
}

#[test]
fn bad_credentials_end_every_test_of_their_lane() {
    let plan = connect_plan(20, "");
    let mut world = |_: Duration, call: &Call| match call {
        Call::Start(..) => (Duration::ZERO, Reply::Start(Err(error(ErrorClass::Credentials)))),
        other => panic!("unexpected: {other:?}"),
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(played.outcomes.len(), 20);
    for outcome in played.outcomes.values() {
        assert_eq!(outcome.verdict, Verdict::Error(ErrorKind::Credentials));
    }
    assert_eq!(played.calls.len(), 1, "the others wait for the first reply");
}

#[test]
fn a_poll_that_fails_is_made_again() {
    let plan = connect_plan(1, "");
    let mut polls = 0;
    let mut world = |_: Duration, call: &Call| {
        let reply = match call {
            Call::Start(..) => Reply::Start(Ok(accepted("e-1"))),
            _ => {
                polls += 1;
                match polls {
                    // A new execution need not be found at once: consistency is not promised.
                    1 => Reply::Poll(Err(error(ErrorClass::Rejected))),
                    2 => Reply::Poll(Err(error(ErrorClass::Ambiguous))),
                    _ => Reply::Poll(Ok(snapshot("PASSED"))),
                }
            }
        };
        (Duration::ZERO, reply)
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(played.times("poll"), [2.0, 2.5, 3.5]);
    assert_eq!(played.outcome(0).verdict, Verdict::Passed);
}
