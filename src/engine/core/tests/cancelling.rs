//! Signals, too many failures, and what is not started after them.

use super::player::{Played, core, name, play};
use super::*;
use crate::engine::core::{Call, Reply};
use crate::event::EventKind;
use crate::outcome::{ErrorKind, Signal, Verdict};
use crate::service::Listing;

/// Executions are numbered as they are started; the first two run, the others stay queued. Each
/// call takes 100 ms.
fn two_slots() -> impl FnMut(Duration, &Call) -> (Duration, Reply) {
    let mut next = 0;
    move |_, call| {
        let reply = match call {
            Call::Start(..) => {
                next += 1;
                Reply::Start(Ok(accepted(&format!("e-{next}"))))
            }
            Call::Poll(execution) if matches!(execution.id.as_str(), "e-1" | "e-2") => {
                Reply::Poll(Ok(snapshot("IN_PROGRESS")))
            }
            Call::Poll(_) => Reply::Poll(Ok(snapshot("INITIATED"))),
            Call::List(_) => {
                let running = ["e-1", "e-2"].map(|id| (id.to_owned(), status("IN_PROGRESS")));
                Reply::List(Ok(Listing { executions: running.into(), next_token: None }))
            }
            Call::Stop(..) => Reply::Stop(Ok(())),
            other => panic!("unexpected: {other:?}"),
        };
        (Duration::from_millis(100), reply)
    }
}

fn stopped(played: &Played) -> Vec<String> {
    let id = |(_, _, call): &(Duration, usize, Call)| match call {
        Call::Stop(execution, _) => Some(execution.id.clone()),
        _ => None,
    };
    played.calls.iter().filter_map(id).collect()
}

#[test]
fn a_signal_stops_what_is_queued_first_and_the_newest_first() {
    let plan = connect_plan(6, "  limits: {in_flight: 5, requests_per_second: 10, burst: 50}");
    let played = play(core(&plan), &mut two_slots(), &[(10.0, Signal::Sigint)]);
    assert_eq!(stopped(&played), ["e-5", "e-4", "e-3", "e-2", "e-1"]);
    assert!(played.over_at <= seconds(17.0));
    for outcome in played.outcomes.values() {
        assert_eq!(outcome.verdict, Verdict::Error(ErrorKind::Cancelled));
    }
    assert_eq!(played.outcomes.len(), 6);
}

#[test]
fn the_reports_have_their_event_before_the_first_stop() {
    let plan = connect_plan(2, "");
    let played = play(core(&plan), &mut two_slots(), &[(10.0, Signal::Sigterm)]);
    let order = played.events(|event| match &event.kind {
        EventKind::Interrupted { signal } => Some(format!("{signal}")),
        EventKind::Stopping { .. } => Some("stopping".to_owned()),
        _ => None,
    });
    assert_eq!(order, ["SIGTERM", "stopping", "stopping"]);
}

#[test]
fn a_start_on_the_wire_is_waited_for_and_then_stopped() {
    let plan = connect_plan(1, "");
    let mut world = |_: Duration, call: &Call| match call {
        Call::Start(..) => (seconds(2.0), Reply::Start(Ok(accepted("e-1")))),
        Call::Stop(..) => (Duration::ZERO, Reply::Stop(Ok(()))),
        other => panic!("unexpected: {other:?}"),
    };
    let played = play(core(&plan), &mut world, &[(1.0, Signal::Sigint)]);
    assert_eq!(stopped(&played), ["e-1"]);
    assert_eq!(played.over_at, seconds(2.0));
}

#[test]
fn two_signals_at_once_are_one() {
    let plan = connect_plan(6, "  limits: {in_flight: 5, requests_per_second: 10, burst: 50}");
    let signals = [(10.0, Signal::Sigterm), (10.001, Signal::Sigterm)];
    let played = play(core(&plan), &mut two_slots(), &signals);
    assert_eq!(stopped(&played).len(), 5, "GNU timeout signals a process and then its group");
}

#[test]
fn a_second_signal_leaves_at_once_and_names_what_is_left() {
    let plan = connect_plan(1, "");
    let mut world = |_: Duration, call: &Call| match call {
        Call::Start(..) => (Duration::ZERO, Reply::Start(Ok(accepted("e-1")))),
        Call::Poll(_) => (Duration::ZERO, Reply::Poll(Ok(snapshot("IN_PROGRESS")))),
        _ => (seconds(100.0), Reply::Stop(Ok(()))),
    };
    let signals = [(10.0, Signal::Sigint), (11.0, Signal::Sigint)];
    let played = play(core(&plan), &mut world, &signals);
    assert_eq!(played.over_at, seconds(11.0));
    let left = played.events(|event| match &event.kind {
        EventKind::LeftRunning { execution_id, .. } => execution_id.clone(),
        _ => None,
    });
    assert_eq!(left, ["e-1"]);
}

#[test]
fn a_run_that_cannot_stop_in_time_leaves_all_the_same() {
    let plan = connect_plan(1, "");
    let mut world = |_: Duration, call: &Call| match call {
        Call::Start(..) => (Duration::ZERO, Reply::Start(Ok(accepted("e-1")))),
        Call::Poll(_) => (Duration::ZERO, Reply::Poll(Ok(snapshot("IN_PROGRESS")))),
        _ => (seconds(100.0), Reply::Stop(Ok(()))),
    };
    let played = play(core(&plan), &mut world, &[(10.0, Signal::Sigint)]);
    assert_eq!(played.over_at, seconds(16.5));
}

#[test]
fn an_end_seen_after_the_signal_still_counts() {
    let plan = connect_plan(1, "");
    let mut world = |_: Duration, call: &Call| match call {
        Call::Start(..) => (Duration::ZERO, Reply::Start(Ok(accepted("e-1")))),
        Call::Poll(_) => (seconds(2.0), Reply::Poll(Ok(snapshot("PASSED")))),
        _ => (seconds(3.0), Reply::Stop(Ok(()))),
    };
    let played = play(core(&plan), &mut world, &[(3.0, Signal::Sigint)]);
    assert_eq!(played.outcome(0).verdict, Verdict::Passed);
}

/// Tests fail one after the other.
fn failing() -> impl FnMut(Duration, &Call) -> (Duration, Reply) {
    let mut next = 0;
    move |_, call| {
        let reply = match call {
            Call::Start(..) => {
                next += 1;
                Reply::Start(Ok(accepted(&format!("e-{next}"))))
            }
            Call::Poll(_) => Reply::Poll(Ok(snapshot("FAILED"))),
            Call::Results(..) => Reply::Results(Ok(Default::default())),
            other => panic!("unexpected: {other:?}"),
        };
        (Duration::ZERO, reply)
    }
}

fn with_max_failures(tests: &str, most: u32) -> Arc<Plan> {
    let limits = "limits: {in_flight: 1}";
    plan(&format!(
        "max_failures: {most}\nconnect: {{instance_id: i, {limits}, test_cases: [{tests}]}}"
    ))
}

#[test]
fn after_max_failures_nothing_new_is_started() {
    let tests =
        "{name: a, test_case_id: a}, {name: b, test_case_id: b}, {name: c, test_case_id: c}";
    let played = play(core(&with_max_failures(tests, 2)), &mut failing(), &[]);
    assert_eq!(played.times("start").len(), 2);
    assert_eq!(played.outcome(1).verdict, Verdict::Failed);
    assert_eq!(played.outcome(2).verdict, Verdict::NotRun);
    assert_eq!(played.outcome(2).message, "not run: max_failures reached (2 not passed)");
}

#[test]
fn after_max_failures_no_start_is_sent_again() {
    let plan = plan(
        "max_failures: 1\nconnect: {instance_id: i, test_cases: [\
         {name: a, test_case_id: a}, {name: b, test_case_id: b}]}",
    );
    let mut starts = 0;
    let mut world = |_: Duration, call: &Call| {
        starts += 1;
        let class = match call {
            Call::Start(crate::plan::Target::Connect(target), _) if target.test_case_id == "a" => {
                ErrorClass::Ambiguous
            }
            _ => ErrorClass::Rejected,
        };
        (Duration::ZERO, Reply::Start(Err(error(class))))
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(starts, 2);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::StartUnknown));
}

#[test]
fn a_flaky_pass_counts_as_a_failure_where_it_fails_the_build() {
    // The second instance has one place: `c` waits there while `a` fails and then passes.
    let text = "name: s\nregion: us-east-1\nmax_failures: 1\nconnect: {instance_id: i, \
                limits: {in_flight: 1}, test_cases: [{name: a, test_case_id: a, retries: 1}, \
                {name: b, test_case_id: b, instance_id: j}, \
                {name: c, test_case_id: c, instance_id: j}]}";
    let suite = crate::suite::parse("s", text, &|_| None).unwrap();
    for (fail_on_flaky, third) in [(false, Verdict::Passed), (true, Verdict::NotRun)] {
        let options = Options { fail_on_flaky, ..Options::default() };
        let plan = Arc::new(Plan::new(std::slice::from_ref(&suite), &options));
        let mut polls = 0;
        let mut world = |now: Duration, call: &Call| {
            let reply = match call {
                Call::Start(crate::plan::Target::Connect(target), _) => {
                    Reply::Start(Ok(accepted(&target.test_case_id)))
                }
                Call::Results(..) => Reply::Results(Ok(Default::default())),
                Call::Poll(execution) if execution.id == "a" => {
                    polls += 1;
                    Reply::Poll(Ok(snapshot(if polls == 1 { "FAILED" } else { "PASSED" })))
                }
                _ if now < seconds(20.0) => Reply::Poll(Ok(snapshot("IN_PROGRESS"))),
                _ => Reply::Poll(Ok(snapshot("PASSED"))),
            };
            (Duration::ZERO, reply)
        };
        let played = play(core(&plan), &mut world, &[]);
        assert!(played.outcome(0).flaky);
        assert_eq!(played.outcome(2).verdict, third);
    }
}

#[test]
fn what_does_not_block_does_not_count_as_a_failure() {
    let tests = "{name: a, test_case_id: a, blocking: false}, {name: b, test_case_id: b}";
    let played = play(core(&with_max_failures(tests, 1)), &mut failing(), &[]);
    assert_eq!(played.times("start").len(), 2);
}

#[test]
fn what_runs_when_the_failures_are_too_many_runs_to_its_end() {
    let plan = plan(
        "max_failures: 1\nconnect: {instance_id: i, limits: {in_flight: 2}, test_cases: [\
         {name: a, test_case_id: a}, {name: b, test_case_id: b}, {name: c, test_case_id: c}]}",
    );
    let mut next = 0;
    let mut world = |now: Duration, call: &Call| {
        let reply = match call {
            Call::Start(..) => {
                next += 1;
                Reply::Start(Ok(accepted(&format!("e-{next}"))))
            }
            Call::Poll(execution) if execution.id == "e-1" => Reply::Poll(Ok(snapshot("FAILED"))),
            Call::Poll(_) if now > seconds(20.0) => Reply::Poll(Ok(snapshot("PASSED"))),
            Call::Poll(_) => Reply::Poll(Ok(snapshot("IN_PROGRESS"))),
            Call::Results(..) => Reply::Results(Ok(Default::default())),
            other => panic!("unexpected: {}", name(other)),
        };
        (Duration::ZERO, reply)
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(played.outcome(1).verdict, Verdict::Passed);
    assert_eq!(played.outcome(2).verdict, Verdict::NotRun);
}
