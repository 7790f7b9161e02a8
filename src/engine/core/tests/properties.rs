//! Whole runs over seeds: what must hold whatever happens.

use std::collections::{HashMap, HashSet};

use fastrand::Rng;

use super::model::Model;
use super::player::{Played, play, seeded};
use super::*;
use crate::engine::core::Call;
use crate::event::EventKind;
use crate::outcome::{ErrorKind, ServiceName, Signal, TestOutcome, Verdict};
use crate::plan::TestIndex;

/// Seeds of each property: `CALLCHECK_SEEDS`, or 300. A failing seed is printed and replays exactly.
pub(super) fn seeds() -> u64 {
    std::env::var("CALLCHECK_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(300)
}

/// A suite of both services, as large as the seed says.
pub(super) fn suite_of(seed: u64) -> Arc<Plan> {
    let mut rng = Rng::with_seed(seed);
    let tests = |rng: &mut Rng, count: usize, make: &dyn Fn(usize) -> String| {
        let one =
            |i: usize, rng: &mut Rng| format!("    - {{{}, retries: {}}}\n", make(i), rng.u8(..3));
        (0..count).map(|i| one(i, rng)).collect::<String>()
    };
    let (connect, lex) = (rng.usize(1..25), rng.usize(1..6));
    // Two instances share the requests of their Region.
    let connect = tests(&mut rng, connect, &|i| {
        let case = if seed % 5 == 1 { i / 2 } else { i };
        format!("name: c{i}, test_case_id: c{case}, instance_id: i{}", i / 13)
    });
    // Tests of one set cannot be told apart by AWS.
    let lex = match seed % 3 {
        0 => tests(&mut rng, lex, &|i| format!("name: l{i}, test_set_id: TESTSET00{}", i / 3)),
        _ => tests(&mut rng, lex, &|i| format!("name: l{i}, test_set_id: TESTSET00{i}")),
    };
    let in_flight = rng.u8(1..12);
    let most = match rng.u8(..4) {
        0 => format!("max_failures: {}\n", rng.u8(1..4)),
        _ => String::new(),
    };
    let timeout = if rng.u8(..4) == 0 { "40s" } else { "20m" };
    plan(&format!(
        "timeout: {timeout}\n{most}connect:\n  instance_id: i\n  timeout: 1m\n  queue_timeout: 5m\n  \
         limits: {{in_flight: {in_flight}}}\n  test_cases:\n{connect}\
         lex:\n  bot_id: BOT0000001\n  bot_alias_id: TSTALIASID\n  locale_id: en_US\n  \
         api_mode: NonStreaming\n  expect: {{end_to_end: 80%}}\n  timeout: 2m\n  \
         test_executions:\n{lex}"
    ))
}

fn run(seed: u64, faults: f64, signals: &[(f64, Signal)]) -> (Arc<Plan>, Model, Played) {
    let plan = suite_of(seed);
    let mut model = Model::new(seed, faults);
    model.lists = !seed.is_multiple_of(5);
    let mut rng = Rng::with_seed(seed ^ 0xca11);
    let core = seeded(&plan, u128::from(seed), Box::new(move || rng.f64()));
    let played = play(core, &mut model, signals);
    (plan, model, played)
}

/// Runs `check` over seeds: calm ones, and ones with ever more faults.
fn over_seeds(check: impl Fn(u64, &Plan, &Model, &Played)) {
    for seed in 0..seeds() {
        let faults = (seed % 4) as f64 * 0.1;
        let (plan, model, played) = run(seed, faults, &[]);
        check(seed, &plan, &model, &played);
    }
}

/// Each verdict is the service's, and what it has told of an end is never lost again.
pub(super) fn each_verdict_is_the_services(
    seed: u64,
    model: &Model,
    outcomes: &HashMap<TestIndex, TestOutcome>,
) {
    for (test, outcome) in outcomes {
        for attempt in &outcome.attempts {
            let Some(id) = attempt.execution_id() else { continue };
            let execution = model.find(id);
            let (told, expected) = (attempt.verdict, execution.verdict());
            // Lex's verdict hangs on its results, too, for which there may be no time.
            let must = model.told.contains_key(id)
                && execution.service == ServiceName::Connect
                && matches!(expected, Verdict::Passed | Verdict::Failed);
            let agrees = told == expected || matches!(told, Verdict::Error(_)) && !must;
            assert!(agrees, "seed {seed}, test {test}, {id}: {told} of {execution:?}");
        }
        let passed = outcome.attempts.iter().any(|attempt| attempt.verdict.is_pass());
        assert_eq!(outcome.verdict.is_pass(), passed, "seed {seed}, test {test}");
    }
}

#[test]
fn every_test_ends_in_one_verdict_and_it_is_the_services() {
    over_seeds(|seed, plan, model, played| {
        assert_eq!(played.outcomes.len(), plan.tests.len(), "seed {seed}");
        each_verdict_is_the_services(seed, model, &played.outcomes);
    });
}

#[test]
fn every_end_is_seen_soon() {
    over_seeds(|seed, _, model, played| {
        let known: HashMap<String, Duration> = played
            .events(|event| match &event.kind {
                EventKind::Started { execution_id, .. } => Some((execution_id.clone(), event.at)),
                _ => None,
            })
            .into_iter()
            .collect();
        for (id, told_at) in &model.told_at {
            // A start whose reply was lost is not known before it is sent again.
            let Some(ended) = model.find(id).ended.map(|at| at.max(known[id])) else { continue };
            // Faults of every third call, AWS's pauses and a lower rate after them are among it; a
            // test that nobody looks at would be seen at its queue_timeout, after five minutes.
            let after = told_at.saturating_sub(ended);
            assert!(after < seconds(240.0), "seed {seed}: {id} is seen {after:?} after its end");
        }
    });
}

#[test]
fn without_faults_nothing_is_lost_and_nothing_throttled() {
    for seed in 0..seeds() {
        let (plan, model, played) = run(seed, 0.0, &[]);
        assert_eq!(model.throttled, 0, "seed {seed}");
        for (test, outcome) in &played.outcomes {
            // Others may stop a test, and a run may be given too little time; AWS loses nothing.
            let told = [ErrorKind::Stopped, ErrorKind::TimedOut];
            let lost = matches!(outcome.verdict, Verdict::Error(kind) if !told.contains(&kind));
            let name = &plan.tests[*test].name;
            assert!(!lost, "seed {seed}, {name}: {outcome:?}");
        }
    }
}

#[test]
fn a_token_is_of_one_start_and_a_start_is_one_execution() {
    over_seeds(|seed, _, model, played| {
        let mut targets: HashMap<&str, &Target> = HashMap::new();
        for (_, _, call) in &played.calls {
            let Call::Start(target, token) = call else { continue };
            let first = targets.entry(token).or_insert(target);
            assert_eq!(*first, target, "seed {seed}: a token of two tests");
        }
        let mut seen = HashSet::new();
        for execution in &model.executions {
            // Also for Lex, which has no tokens: what it is told apart by here is never sent.
            let new = seen.insert(&execution.token);
            assert!(new, "seed {seed}: {} was started twice by one start", execution.target);
        }
        let attempts: usize = played.outcomes.values().map(|outcome| outcome.attempts.len()).sum();
        assert!(model.executions.len() <= attempts, "seed {seed}: more executions than attempts");
    });
}

#[test]
fn the_rate_is_never_exceeded() {
    over_seeds(|seed, plan, _, played| {
        for lane in 0..plan.lanes.len() {
            let times: Vec<Duration> =
                played.calls.iter().filter(|(_, l, _)| *l == lane).map(|(at, ..)| *at).collect();
            // Four at once, then two a second: of any five in a row, the last comes half a second
            // after the first; of any n more, that many halves.
            for (first, window) in times.iter().enumerate() {
                for (more, at) in times[first..].iter().enumerate().skip(4) {
                    let least = Duration::from_millis(500) * (more as u32 - 3);
                    assert!(*at >= *window + least, "seed {seed}, lane {lane}: {window:?} {at:?}");
                    if more > 20 {
                        break;
                    }
                }
            }
        }
    });
}

#[test]
fn the_window_is_never_exceeded() {
    over_seeds(|seed, plan, _, played| {
        let mut open: Vec<HashSet<usize>> = vec![HashSet::new(); plan.windows.len()];
        for event in &played.events {
            match &event.kind {
                EventKind::Started { test, .. } => {
                    let window = plan.tests[*test].window;
                    open[window].insert(*test);
                    let most = plan.windows[window].in_flight as usize;
                    assert!(open[window].len() <= most, "seed {seed}");
                }
                EventKind::Ended { test, .. }
                | EventKind::Judged { test, .. }
                | EventKind::AttemptEnded { test, .. } => {
                    open[plan.tests[*test].window].remove(test);
                }
                _ => {}
            }
        }
    });
}

#[test]
fn what_runs_on_aws_is_never_more_than_the_window() {
    // Held against the service's own ledger, not against what was heard of it.
    over_seeds(|seed, plan, model, _| {
        let of_instance = |window: &&crate::plan::Window| window.instance_id.is_some();
        let windows = plan.windows.iter().filter(of_instance);
        let most = windows.map(|window| window.in_flight as usize).sum();
        assert!(model.most_connect <= most, "seed {seed}: {} of {most}", model.most_connect);
    });
}

#[test]
fn after_the_runs_time_or_max_failures_nothing_is_started() {
    over_seeds(|seed, _, _, played| {
        let closed = played.events.iter().find(|event| {
            matches!(event.kind, EventKind::TooManyFailures { .. } | EventKind::TimeUp)
        });
        let Some(closed) = closed.map(|event| event.at) else { return };
        let is_start = |call: &Call| matches!(call, Call::Start(..));
        let late = played.calls.iter().any(|(at, _, call)| *at > closed && is_start(call));
        assert!(!late, "seed {seed}: a start after {closed:?}");
    });
}

#[test]
fn after_a_signal_nothing_is_started_and_the_run_is_over_in_time() {
    for seed in 0..seeds() {
        let at = 1.0 + (seed % 40) as f64;
        let (plan, model, played) = run(seed, 0.1, &[(at, Signal::Sigint)]);
        let signalled = seconds(at);
        assert!(played.over_at <= signalled + seconds(7.0) || played.over_at < signalled);
        let late = played
            .calls
            .iter()
            .filter(|(when, _, call)| *when > signalled && matches!(call, Call::Start(..)))
            .count();
        assert_eq!(late, 0, "seed {seed}");
        assert_eq!(played.outcomes.len(), plan.tests.len(), "seed {seed}");
        // What was started and is not over is either stopped or named.
        let named = played.left_running();
        let known: HashSet<&str> = played
            .outcomes
            .values()
            .flat_map(|outcome| &outcome.attempts)
            .filter_map(|attempt| attempt.execution_id())
            .collect();
        for (index, execution) in model.executions.iter().enumerate() {
            let id = format!("e-{index}");
            let left = execution.ended.is_none() && known.contains(id.as_str());
            let lex = execution.service == ServiceName::Lex;
            assert!(!left || named.contains(&id), "seed {seed}: {id} (lex: {lex}) is not named");
        }
    }
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..20 {
        let (_, _, first) = run(seed, 0.2, &[]);
        let (_, _, second) = run(seed, 0.2, &[]);
        assert_eq!(first.calls, second.calls, "seed {seed}");
        assert_eq!(first.events, second.events, "seed {seed}");
    }
}
