//! The fault harness: the real process against the simulator over seeds. Each seed draws a suite,
//! quotas, faults, and moments at which the process is killed or interrupted; it is taken up until
//! the run is finished. What came of it is held against the simulator's own ledger.
//!
//! `cargo test` plays 40 seeds. More, with the figures:
//!
//! ```text
//! CALLCHECK_FAULT_SEEDS=1000 cargo test --test faults -- --nocapture
//! CALLCHECK_FAULT_FROM=1000 CALLCHECK_FAULT_SEEDS=1000 cargo test …    the thousand after those
//! CALLCHECK_FAULT_SEED=17 cargo test --test faults -- --nocapture    one, with all that was said
//! ```
#![cfg(unix)]
// A seed that fails panics, and figures are printed, for a person.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

mod check;
mod drawn;
mod played;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use self::check::Figures;

/// Seeds that are played in `cargo test`.
const USUAL: u64 = 40;

/// Seeds that are played at once: most of the time each of them waits.
const AT_ONCE: usize = 12;

/// Seeds that have failed once, and what was mended.
const REGRESSIONS: &[(u64, &str)] = &[
    (12, "an end that a signal left unread was written down as failed, and had never run"),
    (944, "a test was started while it was looked up what came of another one's start of its set"),
    (982, "results were given up when one page of them came round again"),
    (
        345,
        "a start was sent again while it was on the wire, once another test of its set had ended",
    ),
    (929, "JUnit was green before JSON was, where the process was killed between the two"),
    (239, "what never ran was given up when the records that said so came round again"),
];

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Plays seeds, and gives what they came to and which of them failed.
fn play_all(seeds: Vec<u64>) -> (Figures, Vec<(u64, String)>) {
    let next = AtomicU64::new(0);
    let all = Mutex::new((Figures::default(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(seeds.len()) {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                    let played = played::play(*seed);
                    let figures = check::check(&played);
                    let mut all = all.lock().unwrap();
                    all.0.seeds += 1;
                    match figures {
                        Ok(figures) => all.0.add(&figures),
                        Err(failure) => {
                            all.0.count(&failure);
                            all.1.push((*seed, format!("{failure}\n{}", played.told())));
                        }
                    }
                }
            });
        }
    });
    all.into_inner().unwrap()
}

fn hold(seeds: Vec<u64>) -> Figures {
    let (figures, failed) = play_all(seeds);
    for (seed, why) in &failed {
        println!("seed {seed}: {why}\n");
    }
    println!("{figures}");
    let failed: Vec<u64> = failed.into_iter().map(|(seed, _)| seed).collect();
    assert!(failed.is_empty(), "seeds that failed: {failed:?}");
    figures
}

#[test]
fn nothing_is_lost_and_nothing_runs_twice() {
    if let Some(seed) = number("CALLCHECK_FAULT_SEED") {
        let played = played::play(seed);
        println!("{}", played.told());
        return check::check(&played).map(drop).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
    let from = number("CALLCHECK_FAULT_FROM").unwrap_or(0);
    let seeds = number("CALLCHECK_FAULT_SEEDS").unwrap_or(USUAL);
    let figures = hold((from..from + seeds).collect());
    // Else the seeds would show nothing.
    assert!(figures.killed > 0 && figures.interrupted > 0 && figures.adopted > 0, "{figures}");
}

#[test]
fn seeds_that_failed_once_hold() {
    hold(REGRESSIONS.iter().map(|(seed, _)| *seed).collect());
}
