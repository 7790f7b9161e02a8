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
