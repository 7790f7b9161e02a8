//! What is done today in place of callcheck, each as it is usually written. All meet the same world.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use callcheck::engine::core::{Call, Reply};
use callcheck::plan::{Plan, Target};
use callcheck::service::{CallError, ErrorClass, Execution, Phase};
use fastrand::Rng;

use super::Run;
use super::virtual_time::{Clock, Task};
use super::world::World;

/// Scripts and workers look so often, in milliseconds.
const LOOK: u64 = 2_000;

/// The list is asked for so often, in milliseconds.
const LIST: u64 = 5_000;

/// Where there is a list, so many are in flight.
const IN_FLIGHT: usize = 10;

/// boto3 makes a call up to five times, with random waits of up to 1, 2, 4 and 8 s (its "legacy"
/// mode, which is its default).
const TRIES: u32 = 5;

/// A strategy under way. Its tests are those of one Connect instance.
struct Strategy {
    clock: Clock,
    plan: Arc<Plan>,
    world: RefCell<World>,
    run: RefCell<Run>,
    rng: RefCell<Rng>,
    /// Tests that have not been begun.
    left: RefCell<VecDeque<usize>>,
}

/// A thread for each test: start it, look every two seconds until it is over.
pub(crate) fn script(plan: &Arc<Plan>, world: World) -> (Run, World) {
    play(plan, world, |it| {
        let test = |test| Box::pin(Rc::clone(it).test(test)) as Task;
        (0..it.plan.tests.len()).map(test).collect()
    })
}

/// Five workers, each with one test at a time.
pub(crate) fn workers(plan: &Arc<Plan>, world: World) -> (Run, World) {
    play(plan, world, |it| (0..5).map(|_| Box::pin(Rc::clone(it).worker()) as Task).collect())
}

/// Ten in flight, and one list every five seconds that says what is over.
pub(crate) fn list(plan: &Arc<Plan>, world: World) -> (Run, World) {
    play(plan, world, |it| vec![Box::pin(Rc::clone(it).list()) as Task])
}

fn play(
    plan: &Arc<Plan>,
    world: World,
    tasks: impl Fn(&Rc<Strategy>) -> Vec<Task>,
) -> (Run, World) {
    let strategy = Rc::new(Strategy {
        clock: Clock::default(),
        plan: Arc::clone(plan),
        world: RefCell::new(world),
        run: RefCell::default(),
        rng: RefCell::new(Rng::with_seed(5)),
        left: RefCell::new((0..plan.tests.len()).collect()),
    });
    strategy.clock.run(tasks(&strategy));
    let strategy = Rc::into_inner(strategy).unwrap_or_else(|| unreachable!("all tasks are over"));
    (strategy.run.into_inner(), strategy.world.into_inner())
}

impl Strategy {
    async fn worker(self: Rc<Self>) {
        loop {
            let next = self.left.borrow_mut().pop_front();
            let Some(test) = next else { return };
            Rc::clone(&self).test(test).await;
        }
    }

    async fn test(self: Rc<Self>, test: usize) {
        let target = self.plan.tests[test].target.clone();
        let start = Call::Start(target.clone(), format!("token-{test}"));
        let Some(Reply::Start(Ok(started))) = self.call(start).await else {
            return self.over(None, false);
        };
        let execution = Execution { target, id: started.execution_id };
        loop {
            self.clock.sleep(LOOK).await;
            match self.call(Call::Poll(execution.clone())).await {
                Some(Reply::Poll(Ok(seen))) if matches!(seen.status.phase, Phase::Ended(_)) => {
                    return self.over(Some(&execution.id), true);
                }
                Some(Reply::Poll(Ok(_))) => {}
                _ => return self.over(Some(&execution.id), false),
            }
        }
    }

    async fn list(self: Rc<Self>) {
        // When what is in flight was started, by id.
        let mut open: HashMap<String, u64> = HashMap::new();
        let mut next_list = LIST;
        loop {
            let left = self.left.borrow().front().copied();
            if let Some(test) = left.filter(|_| open.len() < IN_FLIGHT) {
                let target = self.plan.tests[test].target.clone();
                let sent = self.clock.now();
                let start = Call::Start(target, format!("token-{test}"));
                self.left.borrow_mut().pop_front();
                if let Some(Reply::Start(Ok(started))) = self.call(start).await {
                    open.insert(started.execution_id, sent);
                } else {
                    self.over(None, false);
                }
                self.clock.sleep(500).await;
            } else if let Some(oldest) = open.values().min().copied() {
                self.clock.sleep(next_list.saturating_sub(self.clock.now())).await;
                next_list = self.clock.now() + LIST;
                let Target::Connect(of) = &self.plan.tests[0].target else { return };
                let up = self.world.borrow_mut().latency();
                self.clock.sleep(up).await;
                let now = self.clock.now();
                let listed =
                    self.world.borrow_mut().list_all(now, "us-east-1", &of.instance.id, oldest);
                let down = self.world.borrow_mut().latency();
                self.clock.sleep(down).await;
                for (id, over) in listed.unwrap_or_default() {
                    if over && open.remove(&id).is_some() {
                        self.over(Some(&id), true);
                    }
                }
            } else {
                return;
            }
        }
    }

    /// Makes a call as boto3 does; none where it has given up.
    async fn call(&self, call: Call) -> Option<Reply> {
        for attempt in 0..TRIES {
            let up = self.world.borrow_mut().latency();
            self.clock.sleep(up).await;
            let reply = self.world.borrow_mut().answer(self.clock.now(), "us-east-1", &call);
            let down = self.world.borrow_mut().latency();
            self.clock.sleep(down).await;
            if !is_throttled(&reply) {
                return Some(reply);
            }
            let wait = self.rng.borrow_mut().u64(..1_000 << attempt);
            if attempt + 1 < TRIES {
                self.clock.sleep(wait).await;
            }
        }
        None
    }

    fn over(&self, id: Option<&str>, seen: bool) {
        let now = self.clock.now();
        let ended = id.and_then(|id| self.world.borrow_mut().ended(now, id));
        self.run.borrow_mut().over(now, seen, ended);
    }
}

fn is_throttled(reply: &Reply) -> bool {
    let throttled = |error: &CallError| matches!(error.class, ErrorClass::Throttled { .. });
    match reply {
        Reply::Start(Err(error)) | Reply::Poll(Err(error)) => throttled(error),
        _ => false,
    }
}
