//! Plays a core against a world, in virtual time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use uuid::Uuid;

use crate::engine::core::{Action, Call, Chance, Core, Input, Reply};
use crate::engine::journal::record::Record;
use crate::event::{Event, EventKind};
use crate::outcome::{Signal, TestOutcome};
use crate::plan::{Plan, TestIndex};

/// What answers calls: how long after the call, and what.
pub(super) trait World {
    fn answer(&mut self, now: Duration, call: &Call) -> (Duration, Reply);

    /// Whether it answers look-ups; else nothing is ever found.
    fn lists(&self) -> bool {
        false
    }
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
    /// The journal, of which so many records are on disk.
    pub(super) records: Vec<Record>,
    pub(super) on_disk: usize,
    /// The calls, and how many records were given out and how many were on disk then.
    pub(super) disk_at_call: Vec<(EventKind, usize, usize)>,
    pub(super) left_open: bool,
    /// Whether it has come to its end, and when it did, or was killed.
    pub(super) over: bool,
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

    /// The executions that are named as what may still run.
    pub(super) fn left_running(&self) -> HashSet<String> {
        let named = self.events(|event| match &event.kind {
            EventKind::LeftRunning { execution_id, .. } => Some(execution_id.clone()),
            _ => None,
        });
        named.into_iter().flatten().collect()
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
        Call::LookUp(_) => "look up",
        Call::Stop(..) => "stop",
        Call::Results(..) => "results",
    }
}

/// Whether a call may be made while an equal one is on the wire.
fn may_overlap(call: &Call, before: &[(Duration, usize, Call)]) -> bool {
    match call {
        // Each test that asks for a list of its target asks for the same.
        Call::List(_) | Call::LookUp(_) => true,
        // Once a stop was refused, a new look tells how it ended; the one before it told nothing.
        Call::Poll(execution) => before
            .iter()
            .any(|(_, _, call)| matches!(call, Call::Stop(stopped, _) if stopped == execution)),
        Call::Start(..) | Call::Stop(..) | Call::Results(..) => false,
    }
}

/// A core whose waits are the longest of their step: exact times can be told.
pub(super) fn core(plan: &Arc<Plan>) -> Core {
    seeded(plan, 1, Box::new(|| 1.0))
}

pub(super) fn seeded(plan: &Arc<Plan>, nonce: u128, chance: Chance) -> Core {
    Core::new(Arc::clone(plan), DateTime::UNIX_EPOCH, Uuid::from_u128(nonce), chance)
}

/// Plays to the end, with signals at their times; what is to be on disk is there at once.
pub(super) fn play(core: Core, world: &mut impl World, signals: &[(f64, Signal)]) -> Played {
    play_until(core, world, signals, f64::INFINITY, || 0.0)
}

/// The same, until the process is killed; `disk` says how long it takes until a record is on disk.
pub(super) fn play_until(
    mut core: Core,
    world: &mut impl World,
    signals: &[(f64, Signal)],
    killed_at: f64,
    mut disk: impl FnMut() -> f64,
) -> Played {
    let mut played = Played {
        calls: Vec::new(),
        events: Vec::new(),
        outcomes: HashMap::new(),
        records: Vec::new(),
        on_disk: 0,
        disk_at_call: Vec::new(),
        left_open: false,
        over: false,
        over_at: Duration::ZERO,
    };
    let mut replies: BinaryHeap<Reverse<(Duration, u64)>> = BinaryHeap::new();
    let mut on_the_wire: HashMap<u64, (Call, Reply)> = HashMap::new();
    // Records are on disk in their order.
    let mut syncs: VecDeque<(Duration, u64)> = VecDeque::new();
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
                    if matches!(event.kind, EventKind::Calling { .. }) {
                        let (written, on_disk) = (played.records.len(), played.on_disk);
                        played.disk_at_call.push((event.kind.clone(), written, on_disk));
                    }
                    played.events.push(event);
                }
                Action::Persist(record) => {
                    played.records.push(record);
                    let before = syncs.back().map_or(now, |(at, _)| *at);
                    let at = before.max(now + Duration::from_secs_f64(disk()));
                    syncs.push_back((at, played.records.len() as u64));
                }
                Action::Call { id, lane, call } => {
                    let (after, reply) = match &call {
                        Call::LookUp(_) if !world.lists() => {
                            (Duration::ZERO, Reply::LookUp(Ok(Default::default())))
                        }
                        _ => world.answer(now, &call),
                    };
                    let twice = on_the_wire.values().any(|(other, _)| *other == call);
                    let why = may_overlap(&call, &played.calls);
                    assert!(!twice || why, "{call:?} at {now:?} is on the wire already");
                    played.calls.push((now, lane, call.clone()));
                    replies.push(Reverse((now + after, id)));
                    on_the_wire.insert(id, (call, reply));
                }
            }
        }
        played.left_open = core.is_left_open();
        if step.over {
            (played.over, played.over_at) = (true, now);
            return played;
        }
        let reply = replies.peek().map(|Reverse((at, _))| *at);
        let signal = signals.last().map(|(at, _)| *at);
        let sync = syncs.front().map(|(at, _)| *at);
        let next = [reply, signal, sync, step.wake_at].into_iter().flatten().min();
        now = next.expect("a run that is not over waits for something").max(now);
        if now.as_secs_f64() >= killed_at {
            played.over_at = now;
            return played;
        }
        input = if signal.is_some_and(|at| at <= now) {
            signals.pop().map_or(Input::Tick, |(_, signal)| Input::Signal(signal))
        } else if sync.is_some_and(|at| at <= now) {
            let (_, count) = syncs.pop_front().expect("a sync");
            played.on_disk = count as usize;
            Input::OnDisk(count)
        } else if reply.is_some_and(|at| at <= now) {
            let Reverse((_, id)) = replies.pop().expect("a reply");
            let (_, reply) = on_the_wire.remove(&id).expect("its call");
            Input::Reply(id, reply)
        } else {
            Input::Tick
        };
    }
    panic!("the run does not end");
}
