//! Starts whose reply is lost: what is looked up, adopted, sent again, or not known.

use chrono::{DateTime, TimeDelta};

use super::player::{Played, World, core, play, play_until};
use super::*;
use crate::engine::core::{Call, Reply};
use crate::engine::journal::known::Others;
use crate::engine::journal::record::{Record, target_of};
use crate::event::{EventKind, KnownBy};
use crate::outcome::{ErrorKind, Signal, Verdict};
use crate::service::{Found, FoundExecution, ListRequest};

/// A world in which replies to starts are lost, and `shows` says what AWS lists when, as ids and
/// seconds at which they were begun.
struct Losing<F> {
    lost: usize,
    shows: F,
    others: Others,
    denied: bool,
    begun: usize,
    looked: Vec<(f64, ListRequest)>,
}

impl<F: Fn(f64) -> Vec<(&'static str, f64)>> Losing<F> {
    fn new(lost: usize, shows: F) -> Self {
        let others = Others::default();
        Self { lost, shows, others, denied: false, begun: 0, looked: Vec::new() }
    }
}

impl<F: Fn(f64) -> Vec<(&'static str, f64)>> World for Losing<F> {
    fn lists(&self) -> bool {
        true
    }

    fn answer(&mut self, now: Duration, call: &Call) -> (Duration, Reply) {
        let at = |seconds: f64| {
            DateTime::UNIX_EPOCH + TimeDelta::milliseconds((seconds * 1000.0) as i64)
        };
        let reply = match call {
            Call::LookUp(_) if self.denied => call.failed(error(ErrorClass::Rejected)),
            Call::LookUp(request) => {
                self.looked.push((now.as_secs_f64(), request.clone()));
                let shown = (self.shows)(now.as_secs_f64()).into_iter();
                let executions = shown.map(|(id, begun)| FoundExecution {
                    id: id.to_owned(),
                    status: status("Pending"),
                    created_at: Some(at(begun)),
                });
                let date = Some(at(now.as_secs_f64().floor()));
                let found = Found { executions: executions.collect(), next_token: None, date };
                Reply::LookUp(Ok((found, self.others.clone())))
            }
            Call::Start(..) if self.lost > 0 => {
                self.lost -= 1;
                return (seconds(1.0), call.failed(error(ErrorClass::Ambiguous)));
            }
            Call::Start(..) => {
                self.begun += 1;
                Reply::Start(Ok(accepted(&format!("new-{}", self.begun))))
            }
            Call::Poll(execution) => Reply::Poll(Ok(snapshot(match execution.target.service() {
                crate::outcome::ServiceName::Connect => "PASSED",
                crate::outcome::ServiceName::Lex => "Completed",
            }))),
            Call::Stop(..) => Reply::Stop(Ok(())),
            Call::Results(..) => Reply::Results(Ok(Default::default())),
            Call::List(_) => call.failed(error(ErrorClass::Rejected)),
        };
        (Duration::ZERO, reply)
    }
}

/// A plan of `count` tests of one set; `settings` are more keys of the section.
fn plan_of_set(count: usize, settings: &str) -> Arc<Plan> {
    let tests: String =
        (0..count).map(|i| format!("{{name: t{i}, test_set_id: TESTSET001}}, ")).collect();
    plan(&format!(
        "lex: {{bot_id: BOT0000001, bot_alias_id: TSTALIASID, locale_id: en_US,
           api_mode: NonStreaming, expect: none{settings}, test_executions: [{tests}]}}"
    ))
}

fn adopted(played: &Played) -> Vec<String> {
    played.events(|event| match &event.kind {
        EventKind::Started { execution_id, known: KnownBy::LookUp, .. } => {
            Some(execution_id.clone())
        }
        _ => None,
    })
}

#[test]
fn a_lex_execution_whose_start_had_no_reply_is_adopted_and_every_report_says_so() {
    // One was there before, and one is begun by somebody else much later.
    let shows = |at: f64| match at {
        0.0 => vec![("before", -1.0)],
        _ => vec![("later", 60.0), ("own", 0.5), ("before", -1.0)],
    };
    let plan = lex_plan("none");
    let mut world = Losing::new(1, shows);
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(played.times("start"), [0.0], "it is not sent again");
    assert_eq!(adopted(&played), ["own"]);
    let outcome = played.outcome(0);
    assert_eq!(outcome.verdict, Verdict::Passed);
    assert!(outcome.attempts[0].starts[0].adopted);
    assert!(outcome.attempts[0].details.notes[0].starts_with("adopted"), "{outcome:?}");
    let written = Record::Started {
        test: 0,
        attempt: 1,
        start: 1,
        execution_id: "own".to_owned(),
        adopted: true,
    };
    assert!(played.records.contains(&written), "{:?}", played.records);
    // A second one might show until the grace is over: a minute after the reply was lost.
    assert_eq!(played.times("look up")[..3], [0.0, 1.0, 6.0]);
    assert_eq!(played.times("look up").last(), Some(&61.0));
}

#[test]
fn where_nothing_came_of_it_the_same_start_is_sent_again() {
    let plan = lex_plan("none");
    let played = play(core(&plan), &mut Losing::new(1, |_| Vec::new()), &[]);
    assert_eq!(played.times("start"), [0.0, 61.0]);
    let tokens = played.tokens();
    assert_eq!(tokens[0], tokens[1]);
    assert_eq!(played.outcome(0).attempts[0].starts.len(), 1);
    assert_eq!(played.outcome(0).verdict, Verdict::Passed);
}

#[test]
fn a_start_that_is_lost_again_and_again_is_given_up() {
    let plan = lex_plan("none");
    let played = play(core(&plan), &mut Losing::new(9, |_| Vec::new()), &[]);
    assert_eq!(played.times("start").len(), 3);
    let outcome = played.outcome(0);
    assert_eq!(outcome.verdict, Verdict::Error(ErrorKind::StartRejected));
    assert!(outcome.message.contains("asked 3 times"), "{}", outcome.message);
}

#[test]
fn of_two_that_could_be_its_own_neither_is_taken_and_both_are_named() {
    let plan = lex_plan("none");
    let shows = |at: f64| if at > 5.0 { vec![("a", 0.5), ("b", 0.7)] } else { Vec::new() };
    let played = play(core(&plan), &mut Losing::new(1, shows), &[]);
    let outcome = played.outcome(0);
    assert_eq!(outcome.verdict, Verdict::Error(ErrorKind::StartUnknown));
    assert!(outcome.message.ends_with("or none: a, b"), "{}", outcome.message);
    assert_eq!(played.times("start"), [0.0]);
}

#[test]
fn what_another_journal_knows_is_not_taken_and_what_it_may_have_begun_is_not_certain() {
    let plan = lex_plan("none");
    let shows = |at: f64| if at > 0.0 { vec![("other", 0.4), ("own", 0.5)] } else { Vec::new() };
    let mut world = Losing::new(1, shows);
    world.others.executions.insert("other".to_owned());
    assert_eq!(adopted(&play(core(&plan), &mut world, &[])), ["own"]);

    let shows = |at: f64| if at > 0.0 { vec![("whose", 0.5)] } else { Vec::new() };
    let mut world = Losing::new(1, shows);
    let near = DateTime::UNIX_EPOCH + TimeDelta::seconds(20);
    world.others.open.push((target_of(&plan, 0), near));
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::StartUnknown));
    assert!(played.outcome(0).message.contains("whose"), "{}", played.outcome(0).message);

    let mut world = Losing::new(1, shows);
    let far = DateTime::UNIX_EPOCH - TimeDelta::hours(2);
    world.others.open.push((target_of(&plan, 0), far));
    assert_eq!(adopted(&play(core(&plan), &mut world, &[])), ["whose"]);
}

#[test]
fn without_a_list_it_is_not_known_what_came_of_it() {
    let plan = lex_plan("none");
    let mut world = Losing::new(1, |_| Vec::new());
    world.denied = true;
    let played = play(core(&plan), &mut world, &[]);
    assert_eq!(played.times("start"), [0.0]);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::StartUnknown));
    assert!(played.outcome(0).message.contains("SomeException"), "{}", played.outcome(0).message);
}

#[test]
fn tests_of_one_set_are_started_one_after_the_other_and_a_lost_one_holds_the_next_back() {
    let plan = plan(
        "lex: {bot_id: BOT0000001, bot_alias_id: TSTALIASID, locale_id: en_US,
           api_mode: NonStreaming, expect: none, test_executions: [
           {name: a, test_set_id: TESTSET001}, {name: b, test_set_id: TESTSET001},
           {name: c, test_set_id: TESTSET002}]}",
    );
    let shows = |at: f64| if at > 0.0 { vec![("own", 0.5)] } else { Vec::new() };
    let mut world = Losing::new(1, shows);
    let played = play(core(&plan), &mut world, &[]);
    // The third set is another one: it waits for nobody. The second waits for the first.
    assert_eq!(played.times("start").len(), 3);
    assert!(played.times("start")[1] < 2.0, "{:?}", played.times("start"));
    assert_eq!(played.times("start")[2], 61.0, "as soon as it is known what came of the first");
    assert_eq!(adopted(&played), ["own"]);
    let before = world.looked.iter().filter(|(at, _)| *at == 0.0).count();
    assert_eq!(before, 2, "what was there before is asked for once a set");
}

#[test]
fn many_tests_of_one_set_follow_each_other_at_once() {
    let plan = plan_of_set(5, ", limits: {requests_per_second: 50, burst: 50}");
    let played = play(core(&plan), &mut Losing::new(0, |_| Vec::new()), &[]);
    assert_eq!(played.times("start"), [0.0; 5], "each waits for the reply to the one before");
    assert_eq!(played.times("look up"), [0.0], "what was there before is asked for once");
}

/// A world in which one start is lost and those after it are slow; what was begun before it ends
/// meanwhile.
struct Slow<F> {
    losing: Losing<F>,
    lost: usize,
    starts: usize,
}

impl<F: Fn(f64) -> Vec<(&'static str, f64)>> World for Slow<F> {
    fn lists(&self) -> bool {
        true
    }

    fn answer(&mut self, now: Duration, call: &Call) -> (Duration, Reply) {
        self.starts += usize::from(matches!(call, Call::Start(..)));
        self.losing.lost = usize::from(self.starts == self.lost);
        let (after, reply) = self.losing.answer(now, call);
        match call {
            Call::Start(..) if self.starts > self.lost => (seconds(40.0), reply),
            Call::Poll(_) if self.starts <= self.lost => {
                (after, Reply::Poll(Ok(snapshot("InProgress"))))
            }
            _ => (after, reply),
        }
    }
}

#[test]
fn a_start_that_is_on_the_wire_is_not_sent_again_when_another_test_of_its_set_ends() {
    let plan = plan_of_set(3, "");
    let losing = Losing::new(0, |now| if now < 2.0 { Vec::new() } else { vec![("lost-1", 0.5)] });
    let played = play(core(&plan), &mut Slow { losing, lost: 2, starts: 0 }, &[]);
    assert_eq!(played.times("start").len(), 3, "{:?}", played.times("start"));
    assert_eq!(adopted(&played), ["lost-1"]);
}

#[test]
fn what_may_come_of_a_start_that_is_on_the_wire_is_not_taken_for_another_ones() {
    let plan = plan(
        "connect: {instance_id: i, test_cases: [{name: other, test_case_id: o},
           {name: lost, test_case_id: c}, {name: slow, test_case_id: c}]}",
    );
    let losing = Losing::new(0, |_| vec![("whose", 0.5)]);
    let mut world = Slow { losing, lost: 2, starts: 0 };
    let played = play(core(&plan), &mut world, &[(1.2, Signal::Sigint)]);
    assert_eq!(played.times("start"), [0.0; 3], "the last is on the wire still");
    assert!(adopted(&played).is_empty());
    let lost = played.outcome(1);
    assert_eq!(lost.verdict, Verdict::Error(ErrorKind::StartUnknown), "{lost:?}");
    assert!(lost.message.contains("whose"), "{}", lost.message);
}

#[test]
fn a_client_token_that_may_be_forgotten_is_not_sent_again_before_it_was_looked_up() {
    let plan = connect_plan(1, "");
    let mut starts = 0;
    let mut world = Losing::new(1, |at: f64| if at > 600.0 { vec![("own", 0.5)] } else { vec![] });
    // After the lost reply AWS throttles for eleven minutes.
    let played = play(
        core(&plan),
        &mut Throttling { inner: &mut world, until: 660.0, starts: &mut starts },
        &[],
    );
    assert_eq!(adopted(&played), ["own"]);
    let late = played.times("start").iter().filter(|at| **at > 602.0).count();
    assert_eq!(late, 0, "{:?}", played.times("start"));
}

/// Throttles all but the first start until a time.
struct Throttling<'w, W> {
    inner: &'w mut W,
    until: f64,
    starts: &'w mut usize,
}

impl<W: World> World for Throttling<'_, W> {
    fn lists(&self) -> bool {
        true
    }

    fn answer(&mut self, now: Duration, call: &Call) -> (Duration, Reply) {
        let is_start = matches!(call, Call::Start(..));
        *self.starts += usize::from(is_start);
        if is_start && *self.starts > 1 && now < seconds(self.until) {
            let retry_after = Some(seconds(100.0));
            return (Duration::ZERO, call.failed(error(ErrorClass::Throttled { retry_after })));
        }
        self.inner.answer(now, call)
    }
}

#[test]
fn on_a_signal_what_came_of_a_start_is_looked_up_and_stopped() {
    let plan = connect_plan(1, "");
    let shows = |_: f64| vec![("own", 0.5)];
    let played = play(core(&plan), &mut Losing::new(1, shows), &[(0.7, Signal::Sigint)]);
    assert_eq!(played.times("start"), [0.0]);
    assert_eq!(adopted(&played), ["own"]);
    assert_eq!(played.times("stop").len(), 1);
    assert!(played.over_at < seconds(7.0), "{:?}", played.over_at);
    assert_eq!(played.outcome(0).verdict, Verdict::Error(ErrorKind::Cancelled));
}

#[test]
fn a_start_waits_until_its_intent_is_on_disk() {
    let plan = connect_plan(1, "");
    let mut world = Losing::new(0, |_| Vec::new());
    let played = play_until(core(&plan), &mut world, &[], f64::INFINITY, || 3.0);
    assert_eq!(played.times("start"), [3.0]);
    assert!(matches!(played.records[0], Record::Intent { test: 0, attempt: 1, start: 1, .. }));
}

#[test]
fn an_intent_that_is_old_is_written_again_before_its_start_is_sent() {
    let plan = lex_plan("none");
    let mut world = Losing::new(0, |_| Vec::new());
    let mut starts = 1;
    let mut world = Throttling { inner: &mut world, until: 150.0, starts: &mut starts };
    let played = play(core(&plan), &mut world, &[]);
    let intents: Vec<DateTime<chrono::Utc>> = played
        .records
        .iter()
        .filter_map(|record| match record {
            Record::Intent { at, start: 1, .. } => Some(*at),
            _ => None,
        })
        .collect();
    let sent = played.times("start");
    for at in &sent {
        let good = intents.iter().any(|intent| {
            let age = at - (*intent - DateTime::UNIX_EPOCH).as_seconds_f64();
            (0.0..60.0).contains(&age)
        });
        assert!(good, "the start at {at} has no intent of the last minute: {intents:?}");
    }
    assert!(sent.len() > 1 && intents.len() > 1);
}

#[test]
fn with_a_broken_journal_nothing_is_started_and_what_runs_is_seen_to_its_end() {
    let plan = connect_plan(3, "  limits: {in_flight: 1}");
    let mut core = core(&plan);
    let mut step = core.handle(Duration::ZERO, crate::engine::core::Input::Tick);
    step = match step.actions.first() {
        Some(_) => core.handle(Duration::ZERO, crate::engine::core::Input::OnDisk(1)),
        None => step,
    };
    let start = step.actions.iter().find_map(|action| match action {
        crate::engine::core::Action::Call { id, .. } => Some(*id),
        _ => None,
    });
    let begun = Reply::Start(Ok(accepted("e-1")));
    core.handle(seconds(0.1), crate::engine::core::Input::Reply(start.unwrap(), begun));
    let why = "No space left on device".to_owned();
    let step = core.handle(seconds(0.2), crate::engine::core::Input::JournalBroken(why));
    let ended = |step: &crate::engine::core::Step| -> Vec<Verdict> {
        let verdict = |action: &crate::engine::core::Action| match action {
            crate::engine::core::Action::Emit(event) => match &event.kind {
                EventKind::Ended { outcome, .. } => Some(outcome.verdict),
                _ => None,
            },
            _ => None,
        };
        step.actions.iter().filter_map(verdict).collect()
    };
    assert_eq!(ended(&step), [Verdict::Error(ErrorKind::NotFinished); 2]);
    assert!(!step.over && core.is_left_open());
    let step = core.handle(seconds(3.0), crate::engine::core::Input::Tick);
    let poll = step.actions.iter().find_map(|action| match action {
        crate::engine::core::Action::Call { id, call: Call::Poll(_), .. } => Some(*id),
        _ => None,
    });
    let passed = Reply::Poll(Ok(snapshot("PASSED")));
    let step = core.handle(seconds(3.1), crate::engine::core::Input::Reply(poll.unwrap(), passed));
    assert_eq!(ended(&step), [Verdict::Passed]);
    assert!(step.over);
}
