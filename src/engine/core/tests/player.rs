//! Plays a core against a world, in virtual time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use uuid::Uuid;

use crate::engine::core::{Action, Call, Chance, Core, Input, Reply};
use crate::event::{Event, EventKind};
use crate::outcome::{Signal, TestOutcome};
use crate::plan::{Plan, TestIndex};

/// What answers calls: how long after the call, and what.
pub(super) trait World {
    fn answer(&mut self, now: Duration, call: &Call) -> (Duration, Reply);
}

impl<F: FnMut(Duration, &Call) -> (Duration, Reply)> World for F {
    fn answer(&mut self, now: Duration, call: &Call) -> (Duration, Reply) {
        self(now, call)
    }
}

/// All that a run has brought about.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) calls: Vec<(Duration, usize, Call)>,
    pub(super) events: Vec<Event>,
    pub(super) outcomes: HashMap<TestIndex, TestOutcome>,
    pub(super) over_at: Duration,
}

impl Played {
    /// The times of the calls of a kind, in seconds.
    pub(super) fn times(&self, kind: &str) -> Vec<f64> {
        let of_kind = self.calls.iter().filter(|(_, _, call)| name(call) == kind);
        of_kind.map(|(at, _, _)| at.as_secs_f64()).collect()
    }

    pub(super) fn tokens(&self) -> Vec<String> {
        let token = |(_, _, call): &(Duration, usize, Call)| match call {
            Call::Start(_, token) => Some(token.clone()),
            _ => None,
        };
        self.calls.iter().filter_map(token).collect()
    }

    pub(super) fn outcome(&self, test: TestIndex) -> &TestOutcome {
        &self.outcomes[&test]
    }

    /// The events that `wanted` picks, each as what it gives.
    pub(super) fn events<T>(&self, wanted: impl FnMut(&Event) -> Option<T>) -> Vec<T> {
        self.events.iter().filter_map(wanted).collect()
    }
}

/// What a call is called in tests.
pub(super) fn name(call: &Call) -> &'static str {
    match call {
        Call::Start(..) => "start",
        Call::Poll(_) => "poll",
        Call::List(_) => "list",
        Call::Stop(..) => "stop",
        Call::Results(..) => "results",
    }
}

/// A core whose waits are the longest of their step: exact times can be told.
pub(super) fn core(plan: &Arc<Plan>) -> Core {
    seeded(plan, 1, Box::new(|| 1.0))
}

pub(super) fn seeded(plan: &Arc<Plan>, nonce: u128, chance: Chance) -> Core {
    Core::new(Arc::clone(plan), DateTime::UNIX_EPOCH, Uuid::from_u128(nonce), chance)
}

/// Plays to the end, with signals at their times.
pub(super) fn play(mut core: Core, world: &mut impl World, signals: &[(f64, Signal)]) -> Played {
    let mut played = Played {
        calls: Vec::new(),
        events: Vec::new(),
        outcomes: HashMap::new(),
        over_at: Duration::ZERO,
    };
    let mut replies: BinaryHeap<Reverse<(Duration, u64)>> = BinaryHeap::new();
    let mut contents: HashMap<u64, Reply> = HashMap::new();
    let mut signals: Vec<(Duration, Signal)> =
        signals.iter().rev().map(|(at, signal)| (Duration::from_secs_f64(*at), *signal)).collect();
    let (mut now, mut input) = (Duration::ZERO, Input::Tick);
    for _ in 0..2_000_000 {
        let step = core.handle(now, input);
        for action in step.actions {
            match action {
                Action::Emit(event) => {
                    if let EventKind::Ended { test, outcome } = &event.kind {
                        let twice = played.outcomes.insert(*test, outcome.clone());
                        assert!(twice.is_none(), "test {test} has ended twice");
                    }
                    played.events.push(event);
                }
                Action::Call { id, lane, call } => {
                    let (after, reply) = world.answer(now, &call);
                    played.calls.push((now, lane, call));
                    replies.push(Reverse((now + after, id)));
                    contents.insert(id, reply);
                }
            }
        }
        if step.over {
            played.over_at = now;
            return played;
        }
        let reply = replies.peek().map(|Reverse((at, _))| *at);
        let signal = signals.last().map(|(at, _)| *at);
        let next = [reply, signal, step.wake_at].into_iter().flatten().min();
        now = next.expect("a run that is not over waits for something").max(now);
        input = if signal.is_some_and(|at| at <= now) {
            signals.pop().map_or(Input::Tick, |(_, signal)| Input::Signal(signal))
        } else if reply.is_some_and(|at| at <= now) {
            let Reverse((_, id)) = replies.pop().expect("a reply");
            Input::Reply(id, contents.remove(&id).expect("its content"))
        } else {
            Input::Tick
        };
    }
    panic!("the run does not end");
}
