//! Runs on one instance under AWS's limits: which calls are made, what is waited for, and that
//! nothing is lost when there is little room.

use chrono::TimeDelta;
use fastrand::Rng;

use super::instance::{Instance, List};
use super::player::{Played, core, play, seeded};
use super::*;
use crate::event::{Backpressure, EventKind, Operation, Why};
use crate::outcome::Verdict;

/// Plays `count` tests; `settings` are keys of the section.
fn run(count: usize, settings: &str, instance: &mut Instance) -> Played {
    play(core(&connect_plan(count, settings)), instance, &[])
}

fn passed(played: &Played) -> usize {
    played.outcomes.values().filter(|outcome| outcome.verdict == Verdict::Passed).count()
}

/// How long after its end the test that ran `number`th was seen to be over.
fn seen_after(played: &Played, instance: &Instance) -> Vec<f64> {
    let mut after = played.events(|event| match &event.kind {
        EventKind::Ended { outcome, .. } => {
            let number = outcome.attempts[0].execution_id()?[2..].parse().ok()?;
            Some((event.at - instance.ended(number)?).as_secs_f64())
        }
        _ => None,
    });
    after.sort_by(f64::total_cmp);
    after
}

#[test]
fn the_first_run_of_a_few_tests_costs_these_calls() {
    let mut instance = Instance::new([9.0; 6]);
    let played = run(6, "", &mut instance);
    // The first is to show that AWS can be reached; then a burst, and two a second.
    assert_eq!(played.times("start"), [0.0, 0.05, 0.05, 0.05, 0.55, 1.05]);
    // While nothing is known of how long tests take, a list every two seconds looks at all.
    assert_eq!(played.times("list"), [2.05, 4.1, 6.15, 8.2, 10.25]);
    // It does not show the first five any more; each is asked for by name. (It has begun with four
    // tokens; the list took one of them.)
    let polls = played.times("poll");
    assert_eq!(polls[..5], [10.3, 10.3, 10.3, 10.75, 11.25]);
    // The sixth has taken the slot of the first, at 9.025 s. It is looked at when it is expected to
    // be over, and an eighth of `poll.min` for good measure; and once before, when there would have
    // been a list if more were under way.
    assert_eq!(polls[5..], [16.35, 18.275]);
    assert_eq!(passed(&played), 6);
}

#[test]
fn many_tests_that_take_the_same_cost_two_calls_each_and_little_beside() {
    for count in [20, 90] {
        let mut instance = Instance::new(vec![9.0; count]);
        let played = run(count, "", &mut instance);
        let bound = count as f64 * 9.0 / 5.0;
        let (took, calls) = (played.over_at.as_secs_f64(), played.calls.len() as f64);
        assert_eq!(passed(&played), count);
        assert_eq!(instance.throttled, 0);
        assert!(took <= if count == 20 { bound + 1.5 } else { bound * 1.02 }, "{count}: {took}");
        assert!(calls <= 2.4 * count as f64, "{count}: {calls}");
        let after = seen_after(&played, &instance);
        assert!(after[count / 2] <= 1.5, "{count}: {after:?}");
    }
}

#[test]
fn awss_clock_may_differ_and_may_be_missing() {
    for ahead in [Some(TimeDelta::minutes(-59)), Some(TimeDelta::minutes(3)), None] {
        let mut instance = Instance::new(vec![9.0; 60]);
        instance.ahead = ahead;
        let played = run(60, "", &mut instance);
        assert_eq!(passed(&played), 60);
        let calls = played.calls.len() as f64;
        assert!(calls <= 3.4 * 60.0, "{ahead:?}: {calls}");
        let after = seen_after(&played, &instance);
        assert!(after[30] <= 2.0, "{ahead:?}: {after:?}");
    }
}

#[test]
fn a_list_that_cannot_be_trusted_loses_nothing() {
    let lists = [
        List::Lags,
        List::DropsOne,
        List::RepeatsToken,
        List::ShowsAll,
        List::Empty,
        List::Breaks,
        List::Throttled,
        List::Slow,
    ];
    for list in lists {
        let mut rng = Rng::with_seed(1);
        let mut instance = Instance::new((0..40).map(|_| 2.0 + 60.0 * rng.f64()));
        instance.list = list;
        let played = run(40, "", &mut instance);
        assert_eq!(passed(&played), 40, "{list:?}");
        let after = seen_after(&played, &instance);
        // One that takes seven seconds is as late as that, twice; each that is throttled is a pause.
        let usual = if matches!(list, List::Slow | List::Throttled) { 15.0 } else { 5.0 };
        // The last resort is a look by name, every ten seconds or, where a list seems right, every
        // minute.
        assert!(after[20] < usual && after[39] < 65.0, "{list:?}: {after:?}");
        // Nor does it drive callcheck to ask all the time: two a second are there to be had.
        let (took, calls) = (played.over_at.as_secs_f64(), played.calls.len() as f64);
        assert!(calls < 1.6 * took, "{list:?}: {calls} calls in {took} s");
    }
}

#[test]
fn where_nobody_may_list_it_is_said_once_and_each_is_asked_for() {
    let mut instance = Instance::new(vec![20.0; 12]);
    instance.list = List::Denied;
    let played = run(12, "", &mut instance);
    assert_eq!(passed(&played), 12);
    assert_eq!(played.times("list").len(), 1);
    let said = played.events(|event| match &event.kind {
        EventKind::SweepsOff { place, .. } => Some(place.clone()),
        _ => None,
    });
    assert_eq!(said, ["i"]);
}

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
    let mut world = |now: Duration, call: &crate::engine::core::Call| {
        if now > seconds(60.0) {
            instance.capacity = 100;
        }
        super::player::World::answer(&mut instance, now, call)
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(passed(&played), 90);
    let places = played.events(|event| match event.kind {
        EventKind::Crowded { places, .. } => Some(places),
        _ => None,
    });
    assert_eq!(places[..2], [5, 2], "halved, and halved again");
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
fn every_call_says_why_it_is_made_now_and_what_it_has_waited_for() {
    let mut instance = Instance::new(vec![9.0; 12]);
    let played = run(12, "", &mut instance);
    let whys = played.events(|event| match event.kind {
        EventKind::Calling { why, .. } => Some(why),
        _ => None,
    });
    assert!(whys.contains(&Why::Swept));
    assert!(whys.iter().any(|why| matches!(why, Why::Expected(took) if *took < seconds(9.2))));
    assert!(whys.iter().any(|why| matches!(why, Why::Place(waited) if *waited > seconds(9.0))));
    let waited = played.events(|event| match event.kind {
        EventKind::Calling { test: 4, waited, .. } => Some(waited.rate),
        _ => None,
    });
    assert_eq!(waited[0], seconds(0.5), "the fifth start waits for the fifth token");
    let calls = played.calls.len();
    let swept = played.times("list").len();
    assert_eq!(whys.len() + swept, calls, "each call is told");
}

#[test]
fn a_run_that_is_quiet_says_what_it_waits_for() {
    let mut instance = Instance::new(vec![290.0; 7]);
    let played = run(7, "", &mut instance);
    let told = played.events(|event| match event.kind {
        EventKind::StillWaiting(waiting) => Some((event.at.as_secs(), waiting)),
        _ => None,
    });
    let (at, first) = told[0];
    assert_eq!((at, first.running, first.queued), (62, 5, 2));
    let times: Vec<u64> = told.iter().map(|(at, _)| *at).collect();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 60), "{times:?}");
}

#[test]
fn slots_are_never_idle_while_something_waits() {
    for seed in 0..200 {
        let mut rng = Rng::with_seed(seed);
        let longest = 6.0 + 100.0 * rng.f64();
        let lengths: Vec<f64> = (0..40).map(|_| 6.0 + (longest - 6.0) * rng.f64()).collect();
        let mut instance = Instance::new(lengths);
        instance.latency = seconds(0.02 + 0.2 * rng.f64());
        let chance = Box::new(move || rng.f64());
        let plan = connect_plan(40, "");
        let played = play(seeded(&plan, u128::from(seed), chance), &mut instance, &[]);
        assert_eq!(passed(&played), 40, "seed {seed}");
        assert_eq!(instance.throttled, 0, "seed {seed}");
        // The first four are started at once, the fifth half a second later.
        let idle = instance.idle(seconds(1.0));
        assert_eq!(idle, Duration::ZERO, "seed {seed}: {idle:?} idle");
    }
}

#[test]
fn where_starts_and_ends_take_all_requests_no_look_waits_for_ever() {
    let mut instance = Instance::new(vec![1.0; 150]);
    let played = run(150, "", &mut instance);
    assert_eq!(passed(&played), 150);
    let after = seen_after(&played, &instance);
    assert!(after[149] < 25.0, "{after:?}");
    // Requests are the bound here, and none is wasted.
    let bound = (2.0 * 150.0 - 5.0) / 2.0;
    assert!(played.over_at.as_secs_f64() <= 1.05 * bound, "{:?}", played.over_at);
}

#[test]
fn a_test_that_takes_longer_than_the_others_is_looked_at_all_the_same() {
    // Also where AWS tells no times, and others end all the while.
    let mut instance = Instance::new((0..60).map(|test| if test == 20 { 12.0 } else { 9.0 }));
    instance.ahead = None;
    let played = run(60, "", &mut instance);
    assert_eq!(passed(&played), 60);
    let after = seen_after(&played, &instance);
    assert!(after[59] < 12.0, "{after:?}");
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
    let mut world = |now: Duration, call: &crate::engine::core::Call| {
        // At first there is no room at all.
        instance.capacity = if now < seconds(3.0) { 0 } else { 100 };
        super::player::World::answer(&mut instance, now, call)
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
    use crate::engine::core::{Call, Reply};
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
        move |event: &crate::event::Event| match event.kind {
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
fn never_runs()
-> impl FnMut(Duration, &crate::engine::core::Call) -> (Duration, crate::engine::core::Reply) {
    use crate::engine::core::{Call, Reply};
    use crate::service::{Page, Record, Row};
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
                let reasons = vec!["INITIALIZATION_FAILURE".to_owned()];
                let record = Record { reasons, ..Record::default() };
                Reply::Results(Ok(Page { rows: vec![Row::Record(record)], next_token: None }))
            }
        };
        (Duration::ZERO, reply)
    }
}

#[test]
fn short_tests_after_long_ones_leave_no_slot_idle_for_long() {
    // What was learned says that tests take 25 s, and then they take one.
    let mut instance = Instance::new((0..25).map(|test| if test < 5 { 25.0 } else { 1.0 }));
    let played = run(25, "", &mut instance);
    assert_eq!(passed(&played), 25);
    // After 25 s there are 40 starts and ends left to be asked for, two a second.
    assert!(played.over_at < seconds(25.0 + 20.0 + 4.0), "{:?}", played.over_at);
}

#[test]
fn a_test_is_looked_at_when_it_was_over_the_last_time() {
    let text = "name: Suite\nregion: us-east-1\nconnect: {instance_id: i, test_cases: [\
                {name: t0, test_case_id: c0}]}";
    let suite = crate::suite::parse("suite.yaml", text, &|_| None).expect("a suite");
    let past = crate::plan::Past { passed: true, took: seconds(7.0) };
    let identity = crate::plan::identity("Suite", crate::outcome::ServiceName::Connect, "t0");
    let history = [(identity, past)].into_iter().collect();
    let options = crate::plan::Options { history, ..Default::default() };
    let plan = Arc::new(crate::plan::Plan::new(&[suite], &options));
    let mut instance = Instance::new([7.0]);
    let played = play(core(&plan), &mut instance, &[]);
    assert_eq!(played.times("poll"), [7.3]);
}

#[test]
fn a_run_whose_time_is_up_does_not_wait_for_a_pause() {
    use crate::engine::core::{Call, Reply};
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
    let signals = [(9.0, crate::outcome::Signal::Sigterm)];
    let played = play(core(&plan), &mut { world }, &signals);
    assert_eq!(played.times("stop"), [9.0]);
}

#[test]
fn what_others_have_left_is_found_while_own_tests_run_for_long() {
    let mut instance = Instance::new([50.0; 8]);
    let plan = connect_plan(8, "");
    let mut world = |now: Duration, call: &crate::engine::core::Call| {
        instance.capacity = if now < seconds(20.0) { 2 } else { 100 };
        super::player::World::answer(&mut instance, now, call)
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
    let mut world = |_: Duration, _: &crate::engine::core::Call| {
        let lost = error(ErrorClass::Ambiguous);
        (seconds(15.0), crate::engine::core::Reply::Start(Err(lost)))
    };
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(played.outcomes.len(), 60);
    assert!(played.over_at < seconds(90.0), "{:?}", played.over_at);
}

#[test]
fn starts_that_lex_refuses_keep_nobody_from_looking_at_what_runs() {
    use crate::engine::core::{Call, Reply};
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
