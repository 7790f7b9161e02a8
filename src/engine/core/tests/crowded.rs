//! Where there is little room: queues that are full, accounts that are throttled, others on the
//! instance. Nothing is lost, and what there is of room is used.

use super::instance::Instance;
use super::player::{World, core, play};
use super::quotas::{passed, run};
use super::verdicts::never_ran_record;
use super::*;
use crate::engine::core::{Call, Reply};
use crate::event::{Backpressure, Event, EventKind, Operation};
use crate::outcome::Signal;
use crate::service::{Page, Row};

#[test]
fn a_queue_of_four_and_half_the_rate_still_pass_twelve_of_twelve() {
    let mut instance = Instance::new(vec![9.0; 12]);
    (instance.capacity, instance.rate) = (4, 1.0);
    let played = run(12, "", &mut instance);
    assert_eq!(passed(&played), 12);
    assert!(instance.throttled > 0 && instance.refused > 0, "this is not about full queues");
    let crowded = played.events(|event| match event.kind {
        EventKind::Crowded { because, places, .. } => Some((because, places)),
        _ => None,
    });
    assert_eq!(crowded.first(), Some(&(Backpressure::Full, 5)), "{crowded:?}");
}

#[test]
fn others_on_the_instance_are_waited_for() {
    let mut instance = Instance::new(vec![9.0; 20]);
    instance.others = 4;
    let played = run(20, "", &mut instance);
    assert_eq!(passed(&played), 20);
    // One slot for all of it.
    assert!(played.over_at >= seconds(180.0));
    let calls = played.calls.len() as f64;
    assert!(calls < 0.8 * played.over_at.as_secs_f64(), "{calls} in {:?}", played.over_at);
}

#[test]
fn a_window_halves_when_there_is_no_room_and_grows_again() {
    let mut instance = Instance::new(vec![9.0; 90]);
    instance.capacity = 3;
    let plan = connect_plan(90, "");
    let mut world = |now: Duration, call: &Call| {
        if now > seconds(60.0) {
            instance.capacity = 100;
        }
        instance.answer(now, call)
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(passed(&played), 90);
    let places = played.events(|event| match event.kind {
        EventKind::Crowded { places, .. } => Some(places),
        _ => None,
    });
    assert_eq!(places[..2], [5, 3], "halved, and again, but not below what AWS has accepted");
    let again = played.events(|event| match event.kind {
        EventKind::Uncrowded { places, of, .. } if places == of => Some((event.at, places)),
        _ => None,
    });
    assert!(matches!(again[..], [(at, 10)] if at > seconds(60.0)), "{again:?}");
    // While it is smaller, no start leaves that would be more than it holds; at the end there are
    // ten at once again.
    let (mut open, mut most, mut room): (i32, i32, Option<u32>) = (0, 0, None);
    for event in &played.events {
        match &event.kind {
            EventKind::Crowded { places, .. } => room = Some(*places),
            EventKind::Calling { operation: Operation::Start, .. } => {
                // The first one after it has become smaller; then it may have grown.
                let places = room.take().unwrap_or(10);
                assert!(open < places as i32, "a start with {open} of {places} in flight");
            }
            EventKind::Started { .. } => open += 1,
            EventKind::Ended { .. } => open -= 1,
            _ => {}
        }
        most = if event.at > seconds(100.0) { most.max(open) } else { 0 };
    }
    assert_eq!(most, 10);
}

#[test]
fn after_a_refusal_tests_start_in_the_order_of_the_plan() {
    let tests: String = (0..8)
        .map(|test| match test {
            6 => "    - {name: t6, test_case_id: c6, tags: [smoke]}\n".to_owned(),
            _ => format!("    - {{name: t{test}, test_case_id: c{test}}}\n"),
        })
        .collect();
    let plan = plan(&format!("connect:\n  instance_id: i\n  test_cases:\n{tests}"));
    let mut instance = Instance::new([5.0; 8]);
    instance.others = 4;
    instance.capacity = 4;
    let mut world = |now: Duration, call: &Call| {
        // At first there is no room at all.
        instance.capacity = if now < seconds(3.0) { 0 } else { 100 };
        instance.answer(now, call)
    };
    let played = play(core(&plan), &mut world, &[]);
    let started = played.events(|event| match event.kind {
        EventKind::Started { test, .. } => Some(test),
        _ => None,
    });
    assert_eq!(started, [6, 0, 1, 2, 3, 4, 5, 7]);
}

#[test]
fn a_set_that_lex_has_no_room_for_hinders_no_other() {
    let sets: String = (0..4)
        .map(|set| format!("    - {{name: l{set}, test_set_id: TESTSET00{set}}}\n"))
        .collect();
    let plan = plan(&format!(
        "timeout: 10m\nlex:\n  bot_id: BOT0000001\n  bot_alias_id: TSTALIASID\n  locale_id: en_US\n  \
         api_mode: NonStreaming\n  expect: none\n  limits: {{in_flight: 1}}\n  test_executions:\n{sets}"
    ));
    let mut world = |_: Duration, call: &Call| {
        let reply = match call {
            Call::Start(Target::Lex(lex), _) if lex.test_set_id == "TESTSET000" => {
                Reply::Start(Err(error(ErrorClass::Full { retry_after: None })))
            }
            Call::Start(..) => Reply::Start(Ok(accepted("e"))),
            Call::Poll(_) => Reply::Poll(Ok(snapshot("Completed"))),
            _ => Reply::Results(Ok(Default::default())),
        };
        (Duration::ZERO, reply)
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(passed(&played), 3);
    assert!(played.outcome(0).message.starts_with("not started"), "{}", played.outcome(0).message);
}

#[test]
fn throttling_and_starts_that_come_to_nothing_halve_the_window() {
    let mut instance = Instance::new(vec![9.0; 30]);
    instance.rate = 0.5;
    let played = run(30, "", &mut instance);
    assert_eq!(passed(&played), 30);
    let because = |because: Backpressure| {
        move |event: &Event| match event.kind {
            EventKind::Crowded { because: told, places, .. } if told == because => Some(places),
            _ => None,
        }
    };
    assert_eq!(played.events(because(Backpressure::Throttled)).first(), Some(&5));
    // One that never runs is waited for without its place: the others have it meanwhile.
    let never = never_runs();
    let played = play(core(&connect_plan(12, "  limits: {in_flight: 1}")), &mut { never }, &[]);
    assert_eq!(passed(&played), 12);
    assert_eq!(played.events(because(Backpressure::NeverRun)), [] as [u32; 0], "it has but one");
    let ended = played.events(|event| match event.kind {
        EventKind::Ended { test, .. } => Some(test),
        _ => None,
    });
    assert_eq!(ended.last(), Some(&0), "the others do not wait for it");
    let played = play(core(&connect_plan(12, "")), &mut never_runs(), &[]);
    assert_eq!(played.events(because(Backpressure::NeverRun)), [5], "once a test");
}

/// A world in which the first test is accepted four times and never run, and all pass otherwise.
fn never_runs() -> impl FnMut(Duration, &Call) -> (Duration, Reply) {
    let mut begun = 0;
    let mut first = Vec::new();
    move |_, call| {
        let reply = match call {
            Call::Start(Target::Connect(target), _) => {
                begun += 1;
                let id = format!("e-{begun}");
                if target.test_case_id == "c0" {
                    first.push(id.clone());
                }
                Reply::Start(Ok(accepted(&id)))
            }
            Call::Poll(execution) if first.iter().take(4).any(|id| *id == execution.id) => {
                Reply::Poll(Ok(snapshot("FAILED unobserved")))
            }
            Call::Poll(_) => Reply::Poll(Ok(snapshot("PASSED"))),
            Call::List(_) => Reply::List(Ok(Default::default())),
            _ => {
                let rows = vec![Row::Record(never_ran_record())];
                Reply::Results(Ok(Page { rows, next_token: None }))
            }
        };
        (Duration::ZERO, reply)
    }
}

#[test]
fn a_run_whose_time_is_up_does_not_wait_for_a_pause() {
    let plan = plan(
        "timeout: 15s\nconnect: {instance_id: i, test_cases: [\
         {name: a, test_case_id: a}, {name: b, test_case_id: b}]}",
    );
    let world = |_: Duration, call: &Call| {
        let reply = match call {
            Call::Start(Target::Connect(target), _) if target.test_case_id == "b" => {
                let throttled = ErrorClass::Throttled { retry_after: Some(seconds(90.0)) };
                Reply::Start(Err(error(throttled)))
            }
            Call::Start(..) => Reply::Start(Ok(accepted("e-1"))),
            Call::Poll(_) => Reply::Poll(Ok(snapshot("IN_PROGRESS"))),
            Call::Stop(..) => Reply::Stop(Ok(())),
            _ => Reply::Results(Ok(Default::default())),
        };
        (Duration::ZERO, reply)
    };
    let played = play(core(&plan), &mut { world }, &[]);
    assert!(played.over_at < seconds(20.0), "{:?}", played.over_at);
    assert_eq!(played.times("stop").len(), 1);
    let signals = [(9.0, Signal::Sigterm)];
    let played = play(core(&plan), &mut { world }, &signals);
    assert_eq!(played.times("stop"), [9.0]);
}

#[test]
fn what_others_have_left_is_found_while_own_tests_run_for_long() {
    let mut instance = Instance::new([50.0; 8]);
    let plan = connect_plan(8, "");
    let mut world = |now: Duration, call: &Call| {
        instance.capacity = if now < seconds(20.0) { 2 } else { 100 };
        instance.answer(now, call)
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(passed(&played), 8);
    let early = played.events(|event| match event.kind {
        EventKind::Started { .. } if event.at < seconds(60.0) => Some(()),
        _ => None,
    });
    assert!(early.len() >= 5, "{} were started in a minute", early.len());
}

#[test]
fn an_account_that_gives_less_than_the_suite_asks_for_is_asked_less() {
    let mut instance = Instance::new(vec![9.0; 30]);
    instance.rate = 0.5;
    let played = run(30, "", &mut instance);
    assert_eq!(passed(&played), 30);
    let share = instance.throttled as f64 / played.calls.len() as f64;
    assert!(share < 0.2, "{} of {} throttled", instance.throttled, played.calls.len());
}

#[test]
fn what_cannot_be_reached_is_told_soon_however_many_instances_there_are() {
    let tests: String = (0..60)
        .map(|test| {
            let instance = test / 20;
            format!("    - {{name: t{test}, test_case_id: c, instance_id: i{instance}}}\n")
        })
        .collect();
    let plan = plan(&format!("connect:\n  test_cases:\n{tests}"));
    let mut world = |_: Duration, _: &Call| {
        let lost = error(ErrorClass::Ambiguous);
        (seconds(15.0), Reply::Start(Err(lost)))
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(played.outcomes.len(), 60);
    assert!(played.over_at < seconds(90.0), "{:?}", played.over_at);
}

#[test]
fn starts_that_lex_refuses_keep_nobody_from_looking_at_what_runs() {
    let sets: String = (0..60)
        .map(|set| format!("    - {{name: l{set}, test_set_id: TESTSET{set:03}}}\n"))
        .collect();
    let plan = plan(&format!(
        "lex:\n  bot_id: BOT0000001\n  bot_alias_id: TSTALIASID\n  locale_id: en_US\n  \
         api_mode: NonStreaming\n  expect: none\n  test_executions:\n{sets}"
    ));
    // There is room for one at a time, which takes 20 s.
    let mut begun: Vec<Duration> = Vec::new();
    let mut seen: Vec<Option<Duration>> = Vec::new();
    let mut world = |now: Duration, call: &Call| {
        let reply = match call {
            Call::Start(..) if begun.last().is_some_and(|at| now < *at + seconds(20.0)) => {
                Reply::Start(Err(error(ErrorClass::Full { retry_after: None })))
            }
            Call::Start(..) => {
                begun.push(now);
                seen.push(None);
                Reply::Start(Ok(accepted(&format!("e-{}", begun.len() - 1))))
            }
            Call::Poll(execution) => {
                let number: usize = execution.id[2..].parse().expect("a number");
                let over = now >= begun[number] + seconds(20.0);
                if over {
                    seen[number].get_or_insert(now);
                }
                Reply::Poll(Ok(snapshot(if over { "Completed" } else { "InProgress" })))
            }
            Call::List(_) => Reply::List(Ok(Default::default())),
            _ => Reply::Results(Ok(Default::default())),
        };
        (seconds(0.05), reply)
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(passed(&played), 60);
    for (begun, seen) in begun.iter().zip(&seen) {
        let after = seen.map(|seen| seen.saturating_sub(*begun + seconds(20.0)));
        assert!(after < Some(seconds(65.0)), "an end is seen {after:?} late");
    }
}
