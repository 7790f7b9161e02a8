//! Five slots and a line before them; times in milliseconds.

use super::*;

/// A plan that takes `length` from its slot to PASSED.
fn passes_after(length: u64) -> Plan {
    Plan { held: 0, steps: vec![Step { after: length, status: "PASSED".into() }], ends: true }
}

/// A plan that never ends by itself.
fn never_ends() -> Plan {
    Plan { held: 0, steps: Vec::new(), ends: false }
}

#[test]
fn five_run_and_the_sixth_waits() {
    let mut queue = Queue::new(5);
    let jobs: Vec<usize> = (0..6).map(|_| queue.push(0, passes_after(1_000))).collect();
    for &job in &jobs[..5] {
        assert_eq!(queue.stage(0, job), Stage::Running);
    }
    assert_eq!(queue.stage(999, jobs[5]), Stage::Waiting);
    assert_eq!(queue.active(), 6);
}

#[test]
fn an_end_frees_its_slot_at_that_very_moment() {
    let mut queue = Queue::new(1);
    let [first, second, third] = [0, 10, 20].map(|now| queue.push(now, passes_after(1_000)));
    // Nobody asks before all is over, and still each took the slot when the one before it ended.
    queue.advance(10_000);
    assert_eq!(
        [first, second, third].map(|it| queue.running_at(10_000, it).unwrap()),
        [0, 1_000, 2_000]
    );
    assert_eq!([first, second, third].map(|it| queue.ended(it).unwrap()), [1_000, 2_000, 3_000]);
    assert_eq!(queue.active(), 0);
}

#[test]
fn the_line_is_first_in_first_out() {
    let mut queue = Queue::new(1);
    queue.push(0, passes_after(100));
    // The longest came first: length is no reason to be overtaken.
    let jobs = [500, 10, 300].map(|length| queue.push(1, passes_after(length)));
    queue.advance(1_000);
    assert_eq!(jobs.map(|job| queue.running_at(1_000, job).unwrap()), [100, 600, 610]);
}

#[test]
fn a_stop_of_a_running_job_lets_the_next_one_in() {
    let mut queue = Queue::new(1);
    let running = queue.push(0, never_ends());
    let next = queue.push(0, passes_after(100));
    assert!(queue.stop(40, running));
    assert_eq!(queue.stage(40, running), Stage::Stopped);
    assert_eq!(queue.ended(running), Some(40));
    assert_eq!(queue.stage(40, next), Stage::Running);
}

#[test]
fn a_job_stopped_in_the_line_never_runs() {
    let mut queue = Queue::new(1);
    queue.push(0, passes_after(100));
    let waiting = queue.push(0, passes_after(100));
    let behind = queue.push(0, passes_after(100));
    assert!(queue.stop(50, waiting));
    queue.advance(1_000);
    assert_eq!(queue.running_at(1_000, waiting), None);
    assert_eq!(queue.running_at(1_000, behind), Some(100));
}

#[test]
fn what_has_ended_cannot_be_stopped() {
    let mut queue = Queue::new(1);
    let job = queue.push(0, passes_after(100));
    assert!(!queue.stop(100, job), "the end came first");
    assert_eq!(queue.stage(100, job), Stage::Shown("PASSED"));
    let other = queue.push(200, never_ends());
    assert!(queue.stop(300, other));
    assert!(!queue.stop(301, other), "it was stopped already");
    assert_eq!(queue.ended(other), Some(300));
}

#[test]
fn a_job_shows_each_stage_in_turn_and_says_when_it_moved() {
    let mut queue = Queue::new(1);
    let step = |after, status: &str| Step { after, status: status.into() };
    let steps = vec![step(100, "EVALUATING"), step(200, "PASSED")];
    let job = queue.push(1_000, Plan { held: 50, steps, ends: true });
    for (now, stage, moved) in [
        (1_000, Stage::Held, 1_000),
        (1_049, Stage::Held, 1_000),
        (1_050, Stage::Running, 1_050),
        (1_150, Stage::Shown("EVALUATING"), 1_150),
        (1_349, Stage::Shown("EVALUATING"), 1_150),
        (1_350, Stage::Shown("PASSED"), 1_350),
        (9_999, Stage::Shown("PASSED"), 1_350),
    ] {
        queue.advance(now);
        assert_eq!(queue.stage(now, job), stage, "at {now}");
        assert_eq!(queue.moved_at(now, job), moved, "at {now}");
    }
}

#[test]
fn a_job_that_never_ends_keeps_its_slot() {
    let mut queue = Queue::new(1);
    let lost = queue.push(0, never_ends());
    let behind = queue.push(0, passes_after(1));
    queue.advance(u64::MAX);
    assert_eq!(queue.stage(u64::MAX, lost), Stage::Running);
    assert_eq!(queue.stage(u64::MAX, behind), Stage::Waiting);
}

#[test]
fn jobs_of_no_length_do_not_fill_the_line() {
    let mut queue = Queue::new(1);
    for _ in 0..100 {
        let job = queue.push(7, passes_after(0));
        assert_eq!(queue.ended(job), Some(7));
    }
    assert_eq!(queue.active(), 0);
}
