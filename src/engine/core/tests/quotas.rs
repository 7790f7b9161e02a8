//! Runs on one instance under AWS's limits: which calls are made, what is waited for, and that
//! nothing is lost when there is little room.

use chrono::TimeDelta;
use fastrand::Rng;

use super::instance::{Instance, List};
use super::player::{Played, core, play, seeded};
use super::*;
use crate::event::{EventKind, Why};
use crate::outcome::Verdict;

/// Plays `count` tests; `settings` are keys of the section.
pub(super) fn run(count: usize, settings: &str, instance: &mut Instance) -> Played {
    play(core(&connect_plan(count, settings)), instance, &[])
}

pub(super) fn passed(played: &Played) -> usize {
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
