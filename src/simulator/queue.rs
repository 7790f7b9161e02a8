//! The line of executions before a fixed number of slots: who waits, who runs, what each shows at a given moment.
//!
//! Both services work this way, so both models stand on it. It knows neither names nor clocks: every call
//! brings the time in milliseconds, and whatever happened up to that time is worked out then.

use std::collections::VecDeque;

/// What an execution will do once it has a slot. Times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How long it holds its slot and still shows the first status of the service (INITIATED, Pending).
    pub held: u64,
    /// The statuses it comes to, one after the other; before the first it is running.
    pub steps: Vec<Step>,
    /// Whether the last status is an end. If not, the execution keeps its slot until it is stopped.
    pub ends: bool,
}

/// One status of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Milliseconds after the step before it.
    pub after: u64,
    /// The status, as the service spells it.
    pub status: String,
}

impl Plan {
    /// Milliseconds from leaving the held stage to the end; `None` when it never ends.
    pub fn length(&self) -> Option<u64> {
        self.ends.then(|| self.steps.iter().fold(0u64, |sum, step| sum.saturating_add(step.after)))
    }
}

/// Where an execution stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage<'a> {
    /// It has no slot yet.
    Waiting,
    /// It has a slot, and still shows the first status.
    Held,
    /// It runs.
    Running,
    /// It shows the status that its plan has come to.
    Shown(&'a str),
    /// It was stopped through the API.
    Stopped,
}

#[derive(Debug)]
struct Job {
    created: u64,
    slot_at: Option<u64>,
    ended: Option<u64>,
    stopped: bool,
    plan: Plan,
}

impl Job {
    fn running_at(&self) -> Option<u64> {
        Some(self.slot_at?.saturating_add(self.plan.held))
    }

    fn end_at(&self) -> Option<u64> {
        Some(self.running_at()?.saturating_add(self.plan.length()?))
    }
}

/// The line itself. Jobs are known by the number that [`Queue::push`] gave them, counted from 0.
#[derive(Debug)]
pub(super) struct Queue {
    slots: usize,
    jobs: Vec<Job>,
    running: Vec<usize>,
    waiting: VecDeque<usize>,
}

impl Queue {
    /// A line before `slots` slots.
    pub(super) fn new(slots: usize) -> Queue {
        Queue { slots, jobs: Vec::new(), running: Vec::new(), waiting: VecDeque::new() }
    }

    /// Puts a job at the end of the line at `now`; it runs at once if a slot is free.
    pub(super) fn push(&mut self, now: u64, plan: Plan) -> usize {
        self.advance(now);
        let number = self.jobs.len();
        self.jobs.push(Job { created: now, slot_at: None, ended: None, stopped: false, plan });
        self.waiting.push_back(number);
        self.fill(now);
        // A plan of no length is over the moment it has a slot.
        self.advance(now);
        number
    }

    /// Works out all that happened up to `now`: each end frees a slot for the first in line, at that very moment.
    pub(super) fn advance(&mut self, now: u64) {
        loop {
            let next = self
                .running
                .iter()
                .enumerate()
                .filter_map(|(place, &number)| Some((self.jobs[number].end_at()?, place)))
                .min();
            let Some((end, place)) = next.filter(|&(end, _)| end <= now) else {
                return;
            };
            let number = self.running.remove(place);
            self.jobs[number].ended = Some(end);
            self.fill(end);
        }
    }

    /// Ends a job at `now`. Gives `false` when it had ended already.
    pub(super) fn stop(&mut self, now: u64, number: usize) -> bool {
        self.advance(now);
        let Some(job) = self.jobs.get_mut(number).filter(|job| job.ended.is_none()) else {
            return false;
        };
        job.ended = Some(now);
        job.stopped = true;
        self.running.retain(|&other| other != number);
        self.waiting.retain(|&other| other != number);
        self.fill(now);
        self.advance(now);
        true
    }

    /// How many jobs have not ended, as of the last time given.
    pub(super) fn active(&self) -> usize {
        self.running.len() + self.waiting.len()
    }

    /// Where job `number` stands at `now`, which must not lie before the last time given.
    pub(super) fn stage(&self, now: u64, number: usize) -> Stage<'_> {
        let job = &self.jobs[number];
        if job.stopped {
            return Stage::Stopped;
        }
        let Some(running) = job.running_at() else {
            return Stage::Waiting;
        };
        if now < running {
            return Stage::Held;
        }
        let mut due = running;
        let mut stage = Stage::Running;
        for step in &job.plan.steps {
            due = due.saturating_add(step.after);
            if due > now {
                break;
            }
            stage = Stage::Shown(&step.status);
        }
        stage
    }

    /// When the job was put in line.
    pub(super) fn created(&self, number: usize) -> u64 {
        self.jobs[number].created
    }

    /// When the job began to run, if it had by `now`. One that ended while held never did.
    pub(super) fn running_at(&self, now: u64, number: usize) -> Option<u64> {
        let job = &self.jobs[number];
        let last = job.ended.unwrap_or(now).min(now);
        job.running_at().filter(|&at| at <= last)
    }

    /// When the job ended, if it has, as of the last time given.
    pub(super) fn ended(&self, number: usize) -> Option<u64> {
        self.jobs[number].ended
    }

    /// When the job last moved from one stage to the next, up to `now`.
    pub(super) fn moved_at(&self, now: u64, number: usize) -> u64 {
        let job = &self.jobs[number];
        if let Some(ended) = job.ended {
            return ended;
        }
        let mut last = job.created;
        if let Some(mut due) = job.running_at() {
            for after in std::iter::once(0).chain(job.plan.steps.iter().map(|step| step.after)) {
                due = due.saturating_add(after);
                if due <= now {
                    last = due;
                }
            }
        }
        last
    }

    fn fill(&mut self, at: u64) {
        while self.running.len() < self.slots {
            let Some(number) = self.waiting.pop_front() else {
                return;
            };
            self.jobs[number].slot_at = Some(at);
            self.running.push(number);
        }
    }
}

#[cfg(test)]
mod tests;
