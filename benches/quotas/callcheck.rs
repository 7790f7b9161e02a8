//! callcheck's own core against the world.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use callcheck::engine::core::{Action, Call, CallId, Core, Input, Reply};
use callcheck::event::EventKind;
use callcheck::plan::Plan;
use chrono::DateTime;
use uuid::Uuid;

use super::Run;
use super::world::{BEGUN, World};

/// What a core that plays in virtual time waits for.
enum Pending {
    /// A call is on its way.
    Call { lane: usize, call: Call },
    /// A reply is.
    Reply(Reply),
    /// A record of the journal is, to the disk.
    Sync(u64),
}

/// How long it takes until a record is on disk, in milliseconds.
const SYNC: u64 = 5;

/// Plays a run. Gives what came of it, and the time that the core itself took.
pub(crate) fn play(plan: &Arc<Plan>, world: &mut World) -> (Run, Duration) {
    let mut rng = fastrand::Rng::with_seed(11);
    let began = DateTime::from_timestamp_millis(BEGUN as i64).unwrap_or_default();
    let chance = Box::new(move || rng.f64());
    let mut core = Core::new(Arc::clone(plan), began, Uuid::from_u128(1), chance);
    let mut order: BinaryHeap<Reverse<(u64, u64, CallId)>> = BinaryHeap::new();
    let mut pending: HashMap<CallId, Pending> = HashMap::new();
    let (mut sequence, mut records, mut now, mut input) = (0, 0, 0, Input::Tick);
    let mut run = Run::default();
    let mut spent = Duration::ZERO;
    loop {
        let at = Instant::now();
        let step = core.handle(Duration::from_millis(now), input);
        spent += at.elapsed();
        for action in step.actions {
            match action {
                Action::Call { id, lane, call } => {
                    sequence += 1;
                    order.push(Reverse((now + world.latency(), sequence, id)));
                    pending.insert(id, Pending::Call { lane, call });
                }
                Action::Persist(_) => {
                    sequence += 1;
                    records += 1;
                    // Calls are numbered from 0 up.
                    let id = CallId::MAX - records;
                    order.push(Reverse((now + SYNC, sequence, id)));
                    pending.insert(id, Pending::Sync(records));
                }
                Action::Emit(event) => {
                    if let EventKind::Ended { outcome, .. } = event.kind {
                        let last = outcome.attempts.last();
                        let id = last.and_then(|attempt| attempt.execution_id());
                        let passed = outcome.verdict.is_pass();
                        run.over(now, passed, id.and_then(|id| world.ended(now, id)));
                    }
                }
            }
        }
        if step.over {
            return (run, spent);
        }
        input = loop {
            let next = order.peek().map(|Reverse((at, ..))| *at);
            // The core wakes at whole milliseconds, not before its time.
            let wake = step.wake_at.map(|at| at.as_micros().div_ceil(1000) as u64);
            let Some(at) = [next, wake].into_iter().flatten().min() else {
                break Input::Tick;
            };
            now = now.max(at);
            if next.is_none_or(|next| next > now) {
                break Input::Tick;
            }
            let Some(Reverse((_, _, id))) = order.pop() else { break Input::Tick };
            match pending.remove(&id) {
                Some(Pending::Call { lane, call }) => {
                    let region = plan.lanes[lane].region.clone().unwrap_or_default();
                    let reply = world.answer(now, &region, &call);
                    sequence += 1;
                    order.push(Reverse((now + world.latency(), sequence, id)));
                    pending.insert(id, Pending::Reply(reply));
                }
                Some(Pending::Reply(reply)) => break Input::Reply(id, reply),
                Some(Pending::Sync(count)) => break Input::OnDisk(count),
                None => {}
            }
        };
    }
}
