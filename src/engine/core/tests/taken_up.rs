//! Runs that another process has begun, by what its journal says.

use chrono::{DateTime, TimeDelta};
use uuid::Uuid;

use super::player::{Played, World, core, play};
use super::verdicts::never_ran_record;
use super::*;
use crate::engine::core::{Call, Core, Input, Reply, Step};
use crate::engine::journal::known::read;
use crate::engine::journal::record::{ListedTest, Overdue, Record, VERSION};
use crate::event::EventKind;
use crate::outcome::{ErrorKind, Observations, Signal, TestOutcome, Verdict};
use crate::plan::TestIndex;
use crate::service::{Found, FoundExecution, Page, Row};

fn intent(test: TestIndex, attempt: u32, start: usize) -> Record {
    let at = DateTime::UNIX_EPOCH;
    Record::Intent { test, attempt, start, at, aws_at: None, again: false, before: Vec::new() }
}

fn started(test: TestIndex, attempt: u32, start: usize, id: &str) -> Record {
    let execution_id = id.to_owned();
    Record::Started { test, attempt, start, execution_id, adopted: false }
}

fn judged(test: TestIndex, attempt: u32, verdict: Verdict) -> Record {
    let counts = Observations { total: 3, passed: 3, failed: 0 };
    let observations = verdict.is_pass().then_some(counts);
    Record::Judged { test, attempt, verdict, observations, took_ms: Some(9000) }
}

fn stopping(verdict: ErrorKind) -> Record {
    let verdict = Verdict::Error(verdict);
    let status = Some("IN_PROGRESS".to_owned());
    Record::Stopping { test: 0, attempt: 1, start: 1, verdict, overdue: None, status }
}

/// A core that takes up what `records` say of a run of `plan`.
fn taking_up(plan: &Arc<Plan>, records: Vec<Record>) -> Core {
    let run = Record::Run {
        version: VERSION,
        nonce: Uuid::from_u128(1),
        run_id: "run".to_owned(),
        started_at: DateTime::UNIX_EPOCH,
        endpoint: None,
        tests: plan.tests.len(),
    };
    let tests = (0..plan.tests.len()).map(|test| Record::Test(ListedTest::of(plan, test)));
    let all = std::iter::once(run).chain(tests).chain(records);
    let text: String = all.map(|record| serde_json::to_string(&record).unwrap() + "\n").collect();
    let (known, _) = read(text.as_bytes()).unwrap();
    core(plan).taking_up(known.unwrap())
}

/// A world in which executions are as `statuses` say by their ids; new ones are PASSED.
struct Given {
    statuses: &'static [(&'static str, &'static str)],
    records: Result<Vec<Row>, ErrorClass>,
    starts: Vec<String>,
    start_error: Option<ErrorClass>,
    found: Vec<FoundExecution>,
    list_error: Option<ErrorClass>,
}

impl Given {
    fn new(statuses: &'static [(&'static str, &'static str)]) -> Self {
        let (records, starts, found) = (Ok(Vec::new()), Vec::new(), Vec::new());
        Self { statuses, records, starts, start_error: None, found, list_error: None }
    }
}

impl World for Given {
    fn lists(&self) -> bool {
        true
    }

    fn answer(&mut self, now: Duration, call: &Call) -> (Duration, Reply) {
        let reply = match call {
            Call::Start(_, token) => {
                self.starts.push(token.clone());
                match self.start_error {
                    Some(class) => call.failed(error(class)),
                    None => Reply::Start(Ok(accepted("new"))),
                }
            }
            Call::Poll(execution) => {
                let known = self.statuses.iter().find(|(id, _)| *id == execution.id);
                match known.map_or("PASSED", |(_, status)| *status) {
                    "gone" => call.failed(error(ErrorClass::Rejected)),
                    "broken" => call.failed(error(ErrorClass::Ambiguous)),
                    status => Reply::Poll(Ok(snapshot(status))),
                }
            }
            Call::Results(..) => Reply::Results(match &self.records {
                Ok(rows) => Ok(Page { rows: rows.clone(), next_token: None }),
                Err(class) => Err(error(*class)),
            }),
            Call::LookUp(_) if self.list_error.is_some() => {
                call.failed(error(self.list_error.unwrap_or(ErrorClass::Unsent)))
            }
            Call::LookUp(_) => {
                let date = DateTime::from_timestamp(now.as_secs() as i64, 0);
                let found = Found { executions: self.found.clone(), next_token: None, date };
                Reply::LookUp(Ok((found, Default::default())))
            }
            Call::Stop(..) => Reply::Stop(Ok(())),
            Call::List(_) => Reply::List(Ok(Default::default())),
        };
        (Duration::from_millis(10), reply)
    }
}

fn taken_up(plan: &Arc<Plan>, records: Vec<Record>, world: &mut Given) -> Played {
    play(taking_up(plan, records), world, &[])
}

fn ids(outcome: &TestOutcome) -> Vec<Vec<Option<&str>>> {
    let starts = outcome.attempts.iter().map(|attempt| attempt.starts.iter());
    starts.map(|starts| starts.map(|start| start.execution_id.as_deref()).collect()).collect()
}

#[test]
fn what_has_passed_is_not_asked_for_again() {
    let records = vec![intent(0, 1, 1), started(0, 1, 1, "e-1"), judged(0, 1, Verdict::Passed)];
    let played = taken_up(&connect_plan(1, ""), records, &mut Given::new(&[]));
    assert!(played.calls.is_empty(), "{:?}", played.calls);
    let outcome = played.outcome(0);
    assert_eq!(outcome.verdict, Verdict::Passed);
    assert_eq!(outcome.message, "3 of 3 observations passed");
    assert_eq!((ids(outcome), outcome.attempts[0].seconds), (vec![vec![Some("e-1")]], 9.0));
    assert_eq!(outcome.attempts[0].status.as_deref(), Some("PASSED"));
}

#[test]
fn what_has_failed_is_read_again_and_stays_failed_whatever_can_be_read() {
    let records = || vec![intent(0, 1, 1), started(0, 1, 1, "e-1"), judged(0, 1, Verdict::Failed)];
    let plan = connect_plan(1, "");
    let mut world = Given::new(&[("e-1", "FAILED")]);
    let played = taken_up(&plan, records(), &mut world);
    assert_eq!(played.outcome(0).message, "the execution failed");
    assert_eq!(played.times("results").len(), 1);
    let played = taken_up(&plan, records(), &mut Given::new(&[("e-1", "gone")]));
    let outcome = played.outcome(0);
    assert_eq!(outcome.verdict, Verdict::Failed);
    assert!(outcome.message.starts_with("failed when it was first seen"), "{}", outcome.message);
    assert!(world.starts.is_empty() && played.times("stop").is_empty());
    // Not even where its records say by now that it never ran.
    let mut world = Given::new(&[("e-1", "FAILED unobserved")]);
    world.records = Ok(vec![Row::Record(never_ran_record())]);
    assert_eq!(taken_up(&plan, records(), &mut world).outcome(0).verdict, Verdict::Failed);
    assert!(world.starts.is_empty(), "a verdict stands");
}

#[test]
fn what_runs_is_followed_and_attempts_before_it_are_told() {
    let plan = connect_plan(1, "  retries: 1");
    let mut records = vec![intent(0, 1, 1), started(0, 1, 1, "e-1"), judged(0, 1, Verdict::Failed)];
    records.extend([intent(0, 2, 1), started(0, 2, 1, "e-2")]);
    let mut world = Given::new(&[("e-1", "FAILED"), ("e-2", "PASSED")]);
    let played = taken_up(&plan, records, &mut world);
    let outcome = played.outcome(0);
    assert_eq!((outcome.verdict, outcome.flaky), (Verdict::Passed, true));
    assert_eq!(ids(outcome), [[Some("e-1")], [Some("e-2")]]);
    assert!(world.starts.is_empty());
    // An interrupt ends both, and stops what runs.
    let mut records = vec![intent(0, 1, 1), started(0, 1, 1, "e-1"), judged(0, 1, Verdict::Failed)];
    records.extend([intent(0, 2, 1), started(0, 2, 1, "e-2")]);
    let mut world = Given::new(&[("e-1", "FAILED"), ("e-2", "IN_PROGRESS")]);
    let core = taking_up(&plan, records);
    let played = play(core, &mut world, &[(0.0, Signal::Sigterm)]);
    assert_eq!(played.outcome(0).verdict, Verdict::Failed);
    assert_eq!(played.times("stop").len(), 1);
}

#[test]
fn what_a_cancel_has_stopped_starts_again_and_what_a_deadline_has_does_not() {
    let plan = connect_plan(1, "");
    let records = |kind| vec![intent(0, 1, 1), started(0, 1, 1, "e-1"), stopping(kind)];
    let mut world = Given::new(&[("e-1", "STOPPED")]);
    let played = taken_up(&plan, records(ErrorKind::Cancelled), &mut world);
    let outcome = played.outcome(0);
    assert_eq!(outcome.verdict, Verdict::Passed);
    assert_eq!(ids(outcome), [[Some("e-1"), Some("new")]], "another start of the same attempt");
    let mut world = Given::new(&[("e-1", "STOPPED")]);
    let played = taken_up(&plan, records(ErrorKind::TimedOut), &mut world);
    let outcome = played.outcome(0);
    assert_eq!(outcome.verdict, Verdict::Error(ErrorKind::TimedOut));
    // As the process that stopped it would have told.
    assert_eq!(outcome.message, "still IN_PROGRESS after its timeout of 6m; stopped");
    assert_eq!(outcome.attempts[0].status.as_deref(), Some("IN_PROGRESS"));
    assert!(world.starts.is_empty());
    let mut records_of_run = records(ErrorKind::TimedOut);
    if let Some(Record::Stopping { overdue, .. }) = records_of_run.last_mut() {
        *overdue = Some(Overdue::Run);
    }
    let played = taken_up(&plan, records_of_run, &mut Given::new(&[("e-1", "STOPPED")]));
    let expected = "still IN_PROGRESS when the run's timeout of 2h was up; stopped";
    assert_eq!(played.outcome(0).message, expected);
    // One that ended by itself before it was stopped has its own verdict.
    let mut world = Given::new(&[("e-1", "FAILED")]);
    let played = taken_up(&plan, records(ErrorKind::Cancelled), &mut world);
    assert_eq!(played.outcome(0).verdict, Verdict::Failed);
}

#[test]
fn nothing_starts_again_once_nothing_is_started_any_more() {
    let plan = connect_plan(1, "");
    let records = vec![intent(0, 1, 1), started(0, 1, 1, "e-1"), stopping(ErrorKind::Cancelled)];
    let mut core = taking_up(&plan, records);
    let poll = |step: &Step| {
        step.actions.iter().find_map(|action| match action {
            crate::engine::core::Action::Call { id, call: Call::Poll(_), .. } => Some(*id),
            _ => None,
        })
    };
    let id = poll(&core.handle(Duration::ZERO, Input::Tick)).expect("it is looked at");
    core.handle(seconds(0.1), Input::JournalBroken("No space left on device".to_owned()));
    let stopped = Reply::Poll(Ok(snapshot("STOPPED")));
    let step = core.handle(seconds(0.2), Input::Reply(id, stopped));
    let calls = step
        .actions
        .iter()
        .any(|action| matches!(action, crate::engine::core::Action::Call { .. }));
    assert!(step.over && !calls, "{:?}", step.actions);
}

#[test]
fn a_connect_start_that_was_only_meant_is_sent_with_the_same_token() {
    let plan = connect_plan(1, "");
    let whole = play(core(&plan), &mut Given::new(&[]), &[]);
    let mut world = Given::new(&[]);
    let played = taken_up(&plan, vec![intent(0, 1, 1)], &mut world);
    assert_eq!(world.starts, whole.tokens());
    assert_eq!(played.outcome(0).verdict, Verdict::Passed);
}

#[test]
fn one_that_aws_refuses_and_shows_nothing_of_is_rejected_and_asked_for_no_longer() {
    let mut world = Given::new(&[]);
    world.start_error = Some(ErrorClass::Rejected);
    let played = taken_up(&connect_plan(1, ""), vec![intent(0, 1, 1)], &mut world);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::StartRejected));
    assert_eq!(world.starts.len(), 1);
    assert!(played.over_at < seconds(120.0), "{:?}", played.over_at);
}

#[test]
fn a_start_that_aws_never_answers_is_not_sent_for_ever() {
    let mut world = Given::new(&[]);
    world.start_error = Some(ErrorClass::Ambiguous);
    let played = taken_up(&connect_plan(1, ""), vec![intent(0, 1, 1)], &mut world);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::StartUnknown));
    assert!(played.over_at < seconds(1200.0), "{:?}", played.over_at);
}

#[test]
fn look_ups_that_are_throttled_for_ever_end_with_the_runs_time() {
    let plan = plan(
        "timeout: 1m\nlex: {bot_id: BOT0000001, bot_alias_id: TSTALIASID, locale_id: en_US,
           api_mode: NonStreaming, expect: none,
           test_executions: [{name: a, test_set_id: TESTSET001}]}",
    );
    let mut world = Given::new(&[]);
    world.list_error = Some(ErrorClass::Throttled { retry_after: None });
    let played = taken_up(&plan, vec![intent(0, 1, 1)], &mut world);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::StartUnknown));
    assert!(played.over_at < seconds(90.0), "{:?}", played.over_at);
}

#[test]
fn of_two_lost_starts_of_one_test_case_neither_takes_the_one_execution() {
    let plan = plan(
        "connect: {instance_id: i, test_cases: [{name: a, test_case_id: c},
           {name: b, test_case_id: c}]}",
    );
    let mut world = Given::new(&[]);
    let begun = DateTime::UNIX_EPOCH + TimeDelta::seconds(1);
    let status = status("IN_PROGRESS");
    world.found = vec![FoundExecution { id: "whose".to_owned(), status, created_at: Some(begun) }];
    let core = taking_up(&plan, vec![intent(0, 1, 1), intent(1, 1, 1)]);
    let played = play(core, &mut world, &[(0.0, Signal::Sigint)]);
    for test in 0..2 {
        let outcome = played.outcome(test);
        assert_eq!(outcome.verdict, Verdict::Error(ErrorKind::StartUnknown), "{outcome:?}");
        assert!(outcome.message.contains("whose"), "{}", outcome.message);
    }
    assert!(world.starts.is_empty() && played.times("stop").is_empty());
}

#[test]
fn a_test_waits_while_it_is_looked_up_what_came_of_another_ones_start_of_its_set() {
    let plan = plan(
        "lex: {bot_id: BOT0000001, bot_alias_id: TSTALIASID, locale_id: en_US,
           api_mode: NonStreaming, expect: none, test_executions: [
           {name: a, test_set_id: TESTSET001}, {name: b, test_set_id: TESTSET001}]}",
    );
    let mut world = Given::new(&[("own", "Completed"), ("new", "Completed")]);
    let begun = DateTime::UNIX_EPOCH + TimeDelta::seconds(1);
    let status = status("Pending");
    world.found = vec![FoundExecution { id: "own".to_owned(), status, created_at: Some(begun) }];
    let mut meant = intent(0, 1, 1);
    if let Record::Intent { aws_at, .. } = &mut meant {
        *aws_at = Some(DateTime::UNIX_EPOCH);
    }
    let played = taken_up(&plan, vec![meant], &mut world);
    assert_eq!(ids(played.outcome(0)), [[Some("own")]]);
    assert!(played.outcome(0).attempts[0].starts[0].adopted);
    assert_eq!(ids(played.outcome(1)), [[Some("new")]]);
    let looked = played.events(|event| match &event.kind {
        EventKind::Started { test: 0, .. } => Some(event.at.as_secs_f64()),
        _ => None,
    });
    assert!(played.times("start")[0] > looked[0], "{:?} {looked:?}", played.times("start"));
}

/// A plan of nine tests of which one may fail; `settings` are keys of the section.
fn plan_of_one_failure(settings: &str) -> Arc<Plan> {
    let tests: String =
        (0..9).map(|i| format!("    - {{name: t{i}, test_case_id: c{i}}}\n")).collect();
    plan(&format!("max_failures: 1\nconnect:\n  instance_id: i\n{settings}  test_cases:\n{tests}"))
}

/// What a journal says of an attempt.
fn attempt(test: TestIndex, number: u32, id: &str, verdict: Verdict) -> [Record; 3] {
    [intent(test, number, 1), started(test, number, 1, id), judged(test, number, verdict)]
}

#[test]
fn what_has_failed_before_counts_before_anything_is_started() {
    let stopped = Verdict::Error(ErrorKind::Stopped);
    for (retries, verdict, world) in [
        (0, Verdict::Failed, Given::new(&[("e-1", "FAILED")])),
        (1, Verdict::Failed, Given::new(&[("e-1", "FAILED"), ("e-2", "FAILED")])),
        (0, stopped, Given::new(&[("e-1", "STOPPED")])),
        // It cannot be read.
        (0, Verdict::Failed, Given::new(&[("e-1", "broken")])),
    ] {
        let plan = plan_of_one_failure(&format!("  retries: {retries}\n"));
        let attempts = (1..=retries + 1).map(|n| attempt(0, n, &format!("e-{n}"), verdict));
        let mut world = world;
        let played = taken_up(&plan, attempts.flatten().collect(), &mut world);
        assert!(world.starts.is_empty(), "{verdict}: {:?}", played.times("start"));
        assert_eq!(played.outcome(0).verdict, verdict);
        assert_eq!(played.outcome(8).verdict, Verdict::NotRun);
        assert!(played.over_at < seconds(300.0), "{:?}", played.over_at);
    }
}

#[test]
fn a_lost_start_that_came_to_nothing_waits_for_the_failures_before_it_too() {
    let plan = plan(
        "max_failures: 1\nlex: {bot_id: BOT0000001, bot_alias_id: TSTALIASID, locale_id: en_US,
           api_mode: NonStreaming, expect: none, test_executions: [
           {name: a, test_set_id: TESTSET001}, {name: b, test_set_id: TESTSET002}]}",
    );
    let mut records = attempt(0, 1, "e-1", Verdict::Failed).to_vec();
    records.push(intent(1, 1, 1));
    // It is read late.
    let mut world = Given::new(&[("e-1", "broken")]);
    let played = taken_up(&plan, records, &mut world);
    assert!(world.starts.is_empty(), "{:?}", played.times("start"));
    assert_eq!(played.outcome(0).verdict, Verdict::Failed);
}

#[test]
fn what_does_not_count_holds_nobody_back() {
    // It does not block.
    let plan = plan_of_one_failure("  blocking: false\n");
    let records = attempt(0, 1, "e-1", Verdict::Failed).to_vec();
    let played = taken_up(&plan, records, &mut Given::new(&[("e-1", "broken")]));
    assert!(played.times("start")[0] < 2.0, "{:?}", played.times("start"));
    // It is tried again.
    let plan = plan_of_one_failure("  retries: 1\n  limits: {in_flight: 1}\n");
    let records = attempt(0, 1, "e-1", Verdict::Failed).to_vec();
    let played = taken_up(&plan, records, &mut Given::new(&[("e-1", "FAILED")]));
    assert_eq!((played.outcome(0).verdict, played.outcome(0).flaky), (Verdict::Passed, true));
    assert!(played.over_at < seconds(120.0), "{:?}", played.over_at);
}
