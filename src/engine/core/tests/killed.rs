//! Whole runs over seeds whose process is killed, interrupted, and taken up by another, until they
//! are finished.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta};
use fastrand::Rng;
use uuid::Uuid;

use super::model::Model;
use super::player::{Played, World, play_until};
use super::properties::{each_verdict_is_the_services, seeds, suite_of};
use super::*;
use crate::engine::core::{Call, Core, Reply};
use crate::engine::journal::known::read;
use crate::engine::journal::record::{ListedTest, Record, VERSION};
use crate::event::{EventKind, Operation};
use crate::outcome::{ErrorKind, Signal, Verdict};

/// A world whose time goes on from one process to the next.
struct Shifted<'m> {
    model: &'m mut Model,
    by: Duration,
}

impl World for Shifted<'_> {
    fn answer(&mut self, now: Duration, call: &Call) -> (Duration, Reply) {
        self.model.answer(now + self.by, call)
    }

    fn lists(&self) -> bool {
        true
    }
}

/// What a run has come to with all its processes.
struct Run {
    plan: Arc<Plan>,
    model: Model,
    processes: Vec<Played>,
    /// When each of them was over, in the model's time.
    over: Vec<Duration>,
}

impl Run {
    fn last(&self) -> &Played {
        self.processes.last().expect("a process")
    }

    /// Whether something had ended when a process was over.
    fn ended_by(&self, ended: Option<Duration>, played: &Played) -> bool {
        let place = self.processes.iter().position(|other| std::ptr::eq(other, played));
        ended.is_some_and(|ended| ended <= self.over[place.expect("one of its processes")])
    }
}

/// The journal as text, as a kill leaves it: what is on disk, perhaps more, and perhaps half a line.
fn left(text: &mut String, played: &Played, rng: &mut Rng) {
    let lines: Vec<String> =
        played.records.iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect();
    let synced: usize = lines[..played.on_disk].iter().map(String::len).sum();
    let all = lines.concat();
    let more = if played.over { all.len() - synced } else { rng.usize(..=all.len() - synced) };
    text.push_str(&all[..synced + more]);
}

/// Plays a run to its end, over as many processes as that takes.
fn run(seed: u64) -> Run {
    let plan = suite_of(seed);
    let mut rng = Rng::with_seed(seed ^ 0x1055);
    let mut model = Model::new(seed, rng.f64() * 0.3);
    model.lists = !seed.is_multiple_of(7);
    model.ahead = TimeDelta::milliseconds(rng.i64(-100_000..100_000));
    let tests: Vec<ListedTest> =
        (0..plan.tests.len()).map(|test| ListedTest::of(&plan, test)).collect();
    let head = Record::Run {
        version: VERSION,
        nonce: Uuid::from_u128(u128::from(seed)),
        run_id: "run".to_owned(),
        started_at: DateTime::UNIX_EPOCH,
        endpoint: None,
        tests: tests.len(),
    };
    let head = std::iter::once(head).chain(tests.into_iter().map(Record::Test));
    let mut text: String =
        head.map(|record| serde_json::to_string(&record).unwrap() + "\n").collect();
    let mut processes: Vec<Played> = Vec::new();
    let (mut by, mut over) = (Duration::ZERO, Vec::new());
    for number in 0.. {
        let (known, whole) = read(text.as_bytes()).unwrap_or_else(|damage| {
            panic!("seed {seed}: {damage} in\n{text}");
        });
        text.truncate(whole);
        if number > 0 {
            let taken_up = Record::TakenUp { at: DateTime::UNIX_EPOCH, tests: None };
            text.push_str(&(serde_json::to_string(&taken_up).unwrap() + "\n"));
        }
        // The wall clock may have been set meanwhile.
        let step = [0, 0, 0, -3600, 3600][rng.usize(..5)];
        let started_at = DateTime::UNIX_EPOCH + by + TimeDelta::seconds(step);
        let mut chance = Rng::with_seed(rng.u64(..));
        let core = Core::new(
            Arc::clone(&plan),
            started_at,
            Uuid::from_u128(u128::from(seed)),
            Box::new(move || chance.f64()),
        );
        let core = core.taking_up(known.expect("a whole list of tests"));
        let killed_at =
            if number < 4 && rng.u8(..3) > 0 { rng.f64() * 70.0 } else { f64::INFINITY };
        let signal = [Signal::Sigint, Signal::Sigterm][rng.usize(..2)];
        let signals: Vec<(f64, Signal)> = match rng.u8(..3) {
            0 if number < 4 => vec![(rng.f64() * 60.0, signal)],
            _ => Vec::new(),
        };
        let mut slow = Rng::with_seed(rng.u64(..));
        let mut world = Shifted { model: &mut model, by };
        let played =
            play_until(core, &mut world, &signals, killed_at, || slow.f64() * slow.f64() * 0.3);
        left(&mut text, &played, &mut rng);
        over.push(by + played.over_at);
        by += played.over_at + seconds([1.0, 10.0, 100.0, 800.0][rng.usize(..4)] * rng.f64());
        let finished = played.over && !played.left_open;
        processes.push(played);
        if finished {
            break;
        }
    }
    Run { plan, model, processes, over }
}

#[test]
fn however_often_it_is_killed_nothing_is_started_twice_and_no_verdict_is_lost() {
    let mut figures = Figures::default();
    for seed in 0..seeds() {
        let run = run(seed);
        figures.kills += run.processes.len() - 1;
        each_execution_belongs_to_one_start(seed, &run, &mut figures);
        each_verdict_is_the_services(seed, &run.model, &run.last().outcomes);
        for played in &run.processes {
            nobody_waits_for_nothing(seed, played);
            each_start_has_its_intent_on_disk(seed, played);
            nothing_is_started_once_enough_have_failed(seed, played);
            what_an_interrupt_leaves_running_is_named(seed, &run, played, &mut figures);
        }
    }
    let Figures { kills, adopted, unknown, interrupted } = figures;
    let shows = kills > 0 && adopted > 0 && unknown > 0 && interrupted > 0;
    assert!(shows, "{kills} {adopted} {unknown} {interrupted}");
}

/// What the seeds have shown.
#[derive(Default)]
struct Figures {
    kills: usize,
    adopted: usize,
    unknown: usize,
    interrupted: usize,
}

fn each_execution_belongs_to_one_start(seed: u64, run: &Run, figures: &mut Figures) {
    let outcomes = &run.last().outcomes;
    assert_eq!(outcomes.len(), run.plan.tests.len(), "seed {seed}");
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut without_id: HashMap<&str, usize> = HashMap::new();
    for (test, outcome) in outcomes {
        let target = match &run.plan.tests[*test].target {
            Target::Connect(target) => &target.test_case_id,
            Target::Lex(target) => &target.test_set_id,
        };
        for start in outcome.attempts.iter().flat_map(|attempt| &attempt.starts) {
            figures.adopted += usize::from(start.adopted);
            match &start.execution_id {
                Some(id) => *known.entry(id.clone()).or_default() += 1,
                None => *without_id.entry(target).or_default() += 1,
            }
        }
    }
    figures.unknown += without_id.values().sum::<usize>();
    for (id, times) in &known {
        assert_eq!(*times, 1, "seed {seed}: {id} is told of as of several starts");
    }
    // Nothing was begun that no report tells of, but what is told of as not known.
    for (index, execution) in run.model.executions.iter().enumerate() {
        if !known.contains_key(&format!("e-{index}")) {
            let left = without_id.entry(&execution.target).or_default();
            assert!(*left > 0, "seed {seed}: e-{index} is a duplicate: {execution:?}");
            *left -= 1;
        }
    }
}

fn each_start_has_its_intent_on_disk(seed: u64, played: &Played) {
    for (calling, written, on_disk) in &played.disk_at_call {
        let EventKind::Calling { test, operation: Operation::Start, .. } = calling else {
            continue;
        };
        // The last of the test's intents: that of this attempt and start.
        let last = played.records[..*written].iter().rposition(
            |record| matches!(record, Record::Intent { test: meant, .. } if meant == test),
        );
        assert!(last.is_some_and(|last| last < *on_disk), "seed {seed}: test {test}");
    }
}

/// While tests wait for a place, something runs, or AWS has no room, which lasts three minutes here.
fn nobody_waits_for_nothing(seed: u64, played: &Played) {
    let idle = played.events(|event| match event.kind {
        EventKind::StillWaiting(waiting) => {
            let busy = waiting.running + waiting.queued + waiting.to_start + waiting.results;
            (busy == 0 && waiting.no_room == 0 && waiting.paused.is_none()).then_some(event.at)
        }
        _ => None,
    });
    assert!(idle.len() < 10, "seed {seed}: everybody waits for a place at {idle:?}");
}

fn nothing_is_started_once_enough_have_failed(seed: u64, played: &Played) {
    let closed = played
        .events
        .iter()
        .find(|event| matches!(event.kind, EventKind::TooManyFailures { .. } | EventKind::TimeUp));
    let Some(closed) = closed.map(|event| event.at) else { return };
    let is_start = |call: &Call| matches!(call, Call::Start(..));
    let late = played.calls.iter().any(|(at, _, call)| *at > closed && is_start(call));
    assert!(!late, "seed {seed}: a start after {closed:?}");
}

fn what_an_interrupt_leaves_running_is_named(
    seed: u64,
    run: &Run,
    played: &Played,
    figures: &mut Figures,
) {
    let signals = played.events(|event| match event.kind {
        EventKind::Interrupted { .. } => Some(event.at),
        _ => None,
    });
    let (Some(at), true) = (signals.first(), played.over) else { return };
    figures.interrupted += 1;
    assert!(played.over_at <= *at + seconds(7.0), "seed {seed}");
    let named = played.left_running();
    // What it had begun, or taken up, has either ended, was stopped, or is named.
    for outcome in played.outcomes.values() {
        let cancelled = Verdict::Error(ErrorKind::Cancelled);
        let Some(last) = outcome.attempts.last() else { continue };
        let Some(id) = last.execution_id().filter(|_| last.verdict == cancelled) else { continue };
        let ended = run.ended_by(run.model.find(id).ended, played);
        assert!(ended || named.contains(id), "seed {seed}: {id} is left and not named");
    }
}
