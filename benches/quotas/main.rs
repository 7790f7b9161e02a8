//! How fast a run is under AWS's quotas, and what it costs in calls: callcheck's core beside what is
//! done today, against the simulator's models in virtual time. `cargo bench --bench quotas` prints
//! the tables of docs/performance.md, and fails where a goal is missed.
//!
//! Each row is made in a process of its own, so that its peak of memory is its own.

mod callcheck;
mod scale;
mod socket;
mod strategies;
mod virtual_time;
mod world;

use std::error::Error;
use std::io::{Write, stdout};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use ::callcheck::plan::{Options, Plan};
use ::callcheck::simulator::Scenario;
use ::callcheck::suite;
use fastrand::Rng;

use world::World;

type Failure = Box<dyn Error>;

/// AWS runs so many at once on an instance.
const SLOTS: f64 = 5.0;

/// AWS's requests a second, and its burst.
const RATE: (f64, f64) = (2.0, 5.0);

const LOADS: [&str; 5] =
    ["20 of 9 s", "90 of 9 s", "500 of 9 s", "90 of 8.5 to 10.5 s", "90 of 8 to 300 s"];

const STRATEGIES: [&str; 4] = ["callcheck", "a thread a test", "five workers", "a list every 5 s"];

/// What came of a run. Times in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// When the last test was over.
    over_at: u64,
    /// Tests whose verdict was not seen.
    lost: usize,
    /// How long after its end on AWS each was seen.
    seen_after: Vec<u64>,
}

impl Run {
    /// A test is over at `now`. `seen` is whether its verdict was, `ended` when it ended on AWS.
    pub(crate) fn over(&mut self, now: u64, seen: bool, ended: Option<u64>) {
        self.over_at = self.over_at.max(now);
        match ended.filter(|_| seen) {
            Some(ended) => self.seen_after.push(now.saturating_sub(ended)),
            None => self.lost += 1,
        }
    }
}

/// The figures of a row.
struct Row {
    name: String,
    tests: usize,
    /// Whether all tests take the same.
    uniform: bool,
    /// The time that it took, and the least that it could.
    took: f64,
    bound: f64,
    calls: f64,
    throttled: u64,
    lost: usize,
    most_open: usize,
    /// Seconds, the median and the most.
    seen_after: (f64, f64),
}

impl Row {
    /// The figures of a `run` of tests that take `millis`, at the cost of `calls`.
    fn new(name: &str, millis: &[u64], mut run: Run, calls: u64, throttled: u64) -> Self {
        let seconds = |millis: u64| millis as f64 / 1000.0;
        let total = seconds(millis.iter().sum::<u64>());
        let longest = seconds(millis.iter().copied().max().unwrap_or(0));
        let tests = millis.len();
        let least_calls = (2.0 * tests as f64 - RATE.1) / RATE.0;
        run.seen_after.sort_unstable();
        let seen = &run.seen_after;
        let median = seen.get(seen.len() / 2).copied().unwrap_or(0);
        Self {
            name: name.to_owned(),
            tests,
            uniform: millis.iter().all(|each| *each == millis[0]),
            took: seconds(run.over_at),
            bound: (total / SLOTS).max(longest).max(least_calls),
            calls: calls as f64 / tests as f64,
            throttled,
            lost: run.lost,
            most_open: 0,
            seen_after: (seconds(median), seconds(seen.last().copied().unwrap_or(0))),
        }
    }

    fn print(&self) -> std::io::Result<()> {
        let Self { name, took, bound, calls, throttled, lost, most_open, .. } = self;
        let (median, most) = self.seen_after;
        let ratio = took / bound;
        let memory = peak_memory().map_or("?".to_owned(), |mb| format!("{mb:.0} MB"));
        writeln!(
            stdout(),
            "| {name:<41} | {took:>7.1} s | {ratio:>5.3} | {calls:>5.2} | {throttled:>4} | {lost:>4} \
             | {most_open:>3} | {median:>5.2} s | {most:>6.2} s | {memory:>6} |"
        )
    }

    /// Holds callcheck's figures against the goals of DESIGN.md §9. Gives those that are missed.
    fn missed(&self) -> Vec<String> {
        // The bounds of time and calls are for tests that take the same (DESIGN.md §9).
        let uniform = self.uniform;
        let many = self.tests >= 90;
        let in_time =
            if many { self.took <= self.bound * 1.02 } else { self.took <= self.bound + 1.5 };
        let goals = [
            (!uniform || in_time, "time"),
            (!uniform || !many || self.calls <= 2.4, "calls"),
            (self.throttled == 0, "throttled"),
            (self.lost == 0, "lost"),
            (self.seen_after.0 <= 1.5, "seen after the end"),
        ];
        let missed = goals.iter().filter(|(held, _)| !held);
        missed.map(|(_, goal)| format!("{}: {goal}", self.name)).collect()
    }
}

/// How long each test of a load takes, in milliseconds.
fn load(name: &str) -> Vec<u64> {
    let mut rng = Rng::with_seed(3);
    let mut drawn = |count: usize, from: u64, to: u64| {
        std::iter::repeat_with(|| rng.u64(from..=to)).take(count).collect()
    };
    match name {
        "20 of 9 s" => vec![9_000; 20],
        "90 of 9 s" => vec![9_000; 90],
        "500 of 9 s" => vec![9_000; 500],
        "90 of 8.5 to 10.5 s" => drawn(90, 8_500, 10_500),
        _ => drawn(90, 8_000, 300_000),
    }
}

/// A plan of Connect tests, with `settings` of their section, and a scenario in which they take
/// `millis`.
fn prepare(millis: &[u64], settings: &str) -> Result<(Arc<Plan>, Scenario), Failure> {
    let mut text = format!(
        "name: Benchmark\nregion: us-east-1\ntimeout: 48h\nconnect:\n  instance_id: i-1\n{settings}  \
         test_cases:\n"
    );
    let mut scenario = String::from("connect:\n  test_cases:\n");
    for (number, millis) in millis.iter().enumerate() {
        text.push_str(&format!("    - {{name: t{number}, test_case_id: c{number}}}\n"));
        let run = format!("{{status: PASSED, after: {millis}ms}}");
        scenario.push_str(&format!("    c{number}: {{runs: [{run}]}}\n"));
    }
    Ok((plan(&text)?, Scenario::from_yaml(&scenario)?))
}

fn plan(text: &str) -> Result<Arc<Plan>, Failure> {
    let suite = suite::parse("benchmark.yaml", text, &|_| None)
        .map_err(|diagnostics| diagnostics.render_plain())?;
    Ok(Arc::new(Plan::new(&[suite], &Options::default())))
}

fn compare(load_name: &str, strategy: &str) -> Result<Vec<String>, Failure> {
    let millis = load(load_name);
    let (plan, scenario) = prepare(&millis, "")?;
    let mut world = World::new(scenario);
    let run = match strategy {
        "callcheck" => callcheck::play(&plan, &mut world).0,
        other => {
            let strategy = match other {
                "a thread a test" => strategies::script,
                "five workers" => strategies::workers,
                _ => strategies::list,
            };
            let (run, after) = strategy(&plan, world);
            world = after;
            run
        }
    };
    let name = format!("{load_name}: {strategy}");
    let mut row = Row::new(&name, &millis, run, world.calls, world.throttled);
    row.most_open = world.most_open;
    row.print()?;
    Ok(if strategy == "callcheck" { row.missed() } else { Vec::new() })
}

/// The most memory that this process has had, in MB, where the system says so (Linux).
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kb: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kb / 1000.0)
}

/// Makes one row. Gives the goals that it misses.
fn row(args: &[&str]) -> Result<Vec<String>, Failure> {
    match args {
        ["compare", load, strategy] => compare(load, strategy),
        ["socket"] => socket::row(),
        ["scale", tests] => scale::row(tests.parse()?),
        _ => Err(format!("no such row: {args:?}").into()),
    }
}

/// Makes a row in a process of its own.
fn spawn(args: &[&str]) -> Result<bool, Failure> {
    let status = Command::new(std::env::current_exe()?).arg("row").args(args).status()?;
    Ok(status.success())
}

fn all() -> Result<bool, Failure> {
    let mut held = true;
    let head = |title: &str, columns: &str| {
        let line = columns.split('|').map(|column| "-".repeat(column.len()));
        let line: Vec<String> = line.collect();
        writeln!(stdout(), "\n{title}\n\n|{columns}|\n|{}|", line.join("|"))
    };
    let columns = " tests: strategy                           |      time | ratio | calls | 429s | lost | \
                   top |  median |      max | memory ";
    head("Virtual time", columns)?;
    for load in LOADS {
        for strategy in STRATEGIES {
            held &= spawn(&["compare", load, strategy])?;
        }
    }
    head("Through a socket and the SDK, 20 times as fast", columns)?;
    held &= spawn(&["socket"])?;
    head("Scale: the core", " executions | virtual time | calls | CPU an execution | memory ")?;
    for tests in ["100", "1000", "10000"] {
        held &= spawn(&["scale", tests])?;
    }
    writeln!(stdout(), "\n{}", if held { "all goals held" } else { "a goal was missed" })?;
    Ok(held)
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let held = match args.split_first() {
        Some((&"row", args)) => row(args).and_then(|missed| {
            for goal in &missed {
                writeln!(stdout(), "missed: {goal}")?;
            }
            Ok(missed.is_empty())
        }),
        _ => all(),
    };
    match held {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}
