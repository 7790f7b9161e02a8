use std::time::Duration;

use globset::{Glob, GlobSetBuilder};

use super::*;
use crate::suite;

fn suites(texts: &[&str]) -> Vec<Suite> {
    let read = |text: &&str| {
        suite::parse("s.yaml", text, &|_| None)
            .unwrap_or_else(|diagnostics| panic!("{}", diagnostics.render_plain()))
    };
    texts.iter().map(read).collect()
}

const TWO_SERVICES: &str = "
name: Both
connect:
  instance_id: i
  test_cases:
    - {name: Billing by voice, test_case_id: a, tags: [smoke, voice]}
    - {name: Billing by chat, test_case_id: b, tags: [chat]}
    - {name: Hours, test_case_id: c, instance_id: other, tags: [voice, slow]}
lex:
  bot_id: BOT0000001
  bot_alias_id: TSTALIASID
  locale_id: en_US
  api_mode: NonStreaming
  expect: none
  test_executions: [{name: Booking, test_set_id: TESTSET001, tags: [smoke]}]
";

fn select(tags: &[&str], not_tags: &[&str], globs: &[&str]) -> Vec<String> {
    let owned = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
    let mut names = GlobSetBuilder::new();
    for glob in globs {
        names.add(Glob::new(glob).unwrap());
    }
    let selection =
        Selection { tags: owned(tags), not_tags: owned(not_tags), names: names.build().unwrap() };
    let options = Options { selection, ..Options::default() };
    let plan = Plan::new(&suites(&[TWO_SERVICES]), &options);
    plan.tests.into_iter().map(|test| test.name).collect()
}

#[test]
fn a_selection_is_or_within_a_flag_and_and_between_flags() {
    let all = ["Billing by voice", "Billing by chat", "Hours", "Booking"];
    assert_eq!(select(&[], &[], &[]), all);
    assert_eq!(select(&["smoke", "chat"], &[], &[]), [all[0], all[1], all[3]]);
    assert_eq!(select(&["voice"], &["slow"], &[]), [all[0]]);
    assert_eq!(select(&["smoke"], &[], &["Billing*"]), [all[0]]);
    assert_eq!(select(&[], &[], &["Hours", "Book*"]), [all[2], all[3]]);
    assert!(select(&["smok"], &[], &[]).is_empty());
}

#[test]
fn defaults_are_filled_in_by_service() {
    let plan = Plan::new(&suites(&[TWO_SERVICES]), &Options::default());
    let (connect, lex) = (&plan.tests[0], &plan.tests[3]);
    assert_eq!(connect.timeout, Duration::from_secs(360));
    assert_eq!(lex.timeout, Duration::from_secs(3600));
    assert_eq!(connect.queue_timeout, Duration::from_secs(1800));
    assert_eq!(
        (connect.poll.min, connect.poll.max),
        (Duration::from_secs(2), Duration::from_secs(10))
    );
    assert_eq!((lex.poll.min, lex.poll.max), (Duration::from_secs(5), Duration::from_secs(30)));
    assert!(connect.blocking);
    assert_eq!(connect.retries, 0);
    assert_eq!(plan.timeout, Duration::from_secs(7200));
}

#[test]
fn lanes_are_services_in_regions_and_windows_are_instances() {
    let plan = Plan::new(&suites(&[TWO_SERVICES]), &Options::default());
    assert_eq!(plan.lanes.len(), 2);
    let instances: Vec<_> = plan.windows.iter().map(|window| window.instance_id.clone()).collect();
    assert_eq!(instances, [Some("i".to_owned()), Some("other".to_owned()), None]);
    assert_eq!(plan.windows[0].lane, plan.windows[1].lane);
    assert_eq!(plan.windows[0].in_flight, 10);
    assert_eq!(plan.windows[2].in_flight, 5);
}

#[test]
fn suites_on_one_lane_keep_to_the_smallest_limit() {
    let suite = |name: &str, limits: &str| {
        format!(
            "name: {name}\nconnect: {{instance_id: i, limits: {limits},
             test_cases: [{{name: t, test_case_id: t}}]}}"
        )
    };
    let (a, b) = (suite("a", "{requests_per_second: 1, in_flight: 7}"), suite("b", "{burst: 3}"));
    let plan = Plan::new(&suites(&[&a, &b]), &Options::default());
    assert_eq!(plan.lanes.len(), 1);
    assert_eq!(plan.lanes[0].requests_per_second, 1.0);
    assert_eq!(plan.lanes[0].burst, 3);
    assert_eq!(plan.windows[0].in_flight, 7);
}

#[test]
fn the_region_comes_from_the_flag_the_suite_the_arn_and_then_the_chain() {
    let region = |suite_region: &str, instance: &str, flag: Option<&str>| {
        let text = format!(
            "name: s\n{suite_region}\nconnect: {{instance_id: '{instance}',
             test_cases: [{{name: t, test_case_id: t}}]}}"
        );
        let options = Options {
            region: flag.map(str::to_owned),
            default_region: Some("ca-central-1".to_owned()),
            ..Options::default()
        };
        Plan::new(&suites(&[&text]), &options).region(0).map(str::to_owned).unwrap()
    };
    let arn = "arn:aws:connect:eu-west-2:111122223333:instance/i";
    assert_eq!(region("region: eu-west-2", arn, Some("us-west-2")), "us-west-2");
    assert_eq!(region("region: us-east-1", "i", None), "us-east-1");
    assert_eq!(region("", arn, None), "eu-west-2");
    assert_eq!(region("", "i", None), "ca-central-1");
}

#[test]
fn of_several_suites_the_longest_timeout_and_the_fewest_failures_hold() {
    let suite = |name: &str, head: &str| {
        format!("name: {name}\n{head}\nconnect: {{instance_id: i, test_cases: []}}")
    };
    let a = suite("a", "timeout: 10m\nmax_failures: 9");
    let b = suite("b", "timeout: 3h\nmax_failures: 5");
    let plan = Plan::new(&suites(&[&a, &b]), &Options::default());
    assert_eq!(plan.timeout, Duration::from_secs(3 * 3600));
    assert_eq!(plan.max_failures, Some(5));
    let options = Options {
        timeout: Some(Duration::from_secs(60)),
        max_failures: Some(1),
        ..Options::default()
    };
    let plan = Plan::new(&suites(&[&a, &b]), &options);
    assert_eq!((plan.timeout, plan.max_failures), (Duration::from_secs(60), Some(1)));
}

#[test]
fn retries_of_the_command_line_replace_those_of_the_suite() {
    let text =
        "name: s\nconnect: {instance_id: i, retries: 3, test_cases: [{name: t, test_case_id: t}]}";
    let options = Options { retries: Some(0), ..Options::default() };
    assert_eq!(Plan::new(&suites(&[text]), &options).tests[0].retries, 0);
}

/// A plan of `count` Connect tests with `settings` of their section, and one Lex set where wanted.
fn forecast(count: usize, settings: &str, lex: bool, history: History) -> Forecast {
    let mut text = format!("name: S\nconnect:\n  instance_id: i\n{settings}  test_cases:\n");
    for test in 0..count {
        text.push_str(&format!("    - {{name: t{test}, test_case_id: c{test}}}\n"));
    }
    if lex {
        text.push_str(
            "lex: {bot_id: BOT0000001, bot_alias_id: TSTALIASID, locale_id: en_US,\n\
             api_mode: NonStreaming, expect: none,\n\
             test_executions: [{name: set, test_set_id: TESTSET001}]}\n",
        );
    }
    let options = Options { history, ..Options::default() };
    Plan::new(&suites(&[&text]), &options).forecast()
}

/// A history in which tests of suite `S` took so many seconds.
fn took(tests: &[(&str, u64)]) -> History {
    let past = |seconds: u64| Past { passed: true, took: Duration::from_secs(seconds) };
    let test =
        |(name, seconds): &(&str, u64)| (identity("S", ServiceName::Connect, name), past(*seconds));
    tests.iter().map(test).collect()
}

#[test]
fn a_forecast_counts_calls_and_bounds_the_time_from_both_sides() {
    let seconds = Duration::from_secs;
    let ninety = forecast(90, "", false, History::default());
    assert_eq!((ninety.calls, ninety.assumed, ninety.known), (180, 90, 0));
    // 90 chat tests of 9 s in five slots; at worst 89 of 6 minutes in five, and then the last.
    assert_eq!((ninety.least, ninety.most), (seconds(162), seconds(89 * 360 / 5 + 360)));
    // One list every ten seconds; before that, one every two until the first have ended.
    assert_eq!(ninety.looks, 16 + 4);
    // With few in flight there are fewer slots; retries and a time limit of their own count.
    let few = forecast(
        4,
        "  limits: {in_flight: 2}\n  retries: 1\n  timeout: 1m\n",
        false,
        History::default(),
    );
    assert_eq!((few.least, few.most), (seconds(18), seconds(3 * 120 / 2 + 120)));
    // What fits into the slots takes as long as the longest of it.
    assert_eq!(forecast(5, "", false, History::default()).most, seconds(360));
    // At a request every ten seconds, calls are what takes the time.
    let slow =
        forecast(10, "  limits: {requests_per_second: 0.1, burst: 1}\n", false, History::default());
    assert_eq!(slow.least, seconds(190));
}

#[test]
fn a_forecast_goes_by_the_last_time_and_says_what_it_does_not_know() {
    let history = took(&[("t0", 100), ("t1", 20)]);
    let forecast = forecast(3, "", true, history);
    assert_eq!((forecast.known, forecast.assumed, forecast.unknown), (2, 1, 1));
    assert_eq!(forecast.least, Duration::from_secs(100), "the longest of them");
    assert_eq!(forecast.calls, 3 * 2 + 5);
    // The Lex set may take an hour.
    assert_eq!(forecast.most, Duration::from_secs(3600));
}

#[test]
fn smoke_goes_first_then_what_failed_then_what_is_new_then_what_took_longest() {
    let text = "
name: S
connect:
  instance_id: i
  test_cases:
    - {name: quick, test_case_id: a}
    - {name: slow, test_case_id: b}
    - {name: new, test_case_id: c}
    - {name: failed, test_case_id: d}
    - {name: failed slowly, test_case_id: e}
    - {name: smoke, test_case_id: f, tags: [voice, smoke]}
";
    let past = |name: &str, passed: bool, seconds: u64| {
        let past = Past { passed, took: Duration::from_secs(seconds) };
        (identity("S", ServiceName::Connect, name), past)
    };
    let history: History = [
        past("quick", true, 9),
        past("slow", true, 200),
        past("failed", false, 10),
        past("failed slowly", false, 20),
        past("smoke", true, 1),
    ]
    .into_iter()
    .collect();
    let names = |history: History| -> Vec<String> {
        let options = Options { history, ..Options::default() };
        let plan = Plan::new(&suites(&[text]), &options);
        plan.order.iter().map(|test| plan.tests[*test].name.clone()).collect()
    };
    assert_eq!(names(history), ["smoke", "failed slowly", "failed", "new", "slow", "quick"]);
    let unknown = ["smoke", "quick", "slow", "new", "failed", "failed slowly"];
    assert_eq!(names(History::default()), unknown, "otherwise as in the suite");
}
