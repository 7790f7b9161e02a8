//! What a seed draws: a suite, what the services do, what goes wrong, and when the process is ended.

use fastrand::Rng;

/// A signal to the process, once so many calls have come to the services and a little later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blow {
    pub(crate) signal: &'static str,
    pub(crate) after_calls: usize,
    pub(crate) after_ms: u64,
}

/// What cuts runs short. Drawn apart from all else, so that a seed without any is as it ever was.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    pub(crate) max_failures: Option<usize>,
    /// Whether tests are given less time than some of them take.
    pub(crate) short: bool,
    /// Whether some tests stand in a suite of their own.
    two_suites: bool,
}

/// All that a seed draws.
#[derive(Debug)]
pub(crate) struct Drawn {
    /// One or two of them.
    pub(crate) suites: Vec<String>,
    pub(crate) scenario: String,
    /// What ends each process; none: nothing does.
    pub(crate) blows: Vec<Option<Blow>>,
    /// Names of Lex tests whose set does not match as it is to.
    pub(crate) below: Vec<String>,
    pub(crate) limits: Limits,
}

/// The time of a test that is given too little, in milliseconds.
pub(crate) const SHORT_MS: u64 = 400;

/// The shares of its utterances that a Lex set of which enough match has, and one of which not.
const ENOUGH: (u32, u32) = (96, 80);

impl Limits {
    /// Every fourth seed has some.
    fn draw(seed: u64) -> Self {
        let mut rng = Rng::with_seed(!seed);
        if rng.u8(..4) > 0 {
            return Self::default();
        }
        Self {
            max_failures: rng.bool().then(|| rng.usize(1..4)),
            short: rng.bool(),
            two_suites: rng.bool(),
        }
    }
}

pub(crate) fn draw(seed: u64) -> Drawn {
    let limits = Limits::draw(seed);
    let timeout = if limits.short { format!("{SHORT_MS}ms") } else { "60s".to_owned() };
    let most =
        limits.max_failures.map(|most| format!("max_failures: {most}\n")).unwrap_or_default();
    let mut rng = Rng::with_seed(seed);
    let (cases, sets) = (rng.usize(1..9), rng.usize(0..4));
    let mut test_cases = String::new();
    let (mut connect, mut second) = (String::new(), String::new());
    for case in 0..cases {
        let instance = if rng.u8(..4) == 0 { "i-2" } else { "i-1" };
        let apart = limits.two_suites && case % 2 == 1;
        let suite = if apart { &mut second } else { &mut connect };
        suite.push_str(&format!(
            "    - {{name: case {case}, test_case_id: c{case}, instance_id: {instance}, \
             retries: {}}}\n",
            rng.u8(..3)
        ));
        let mut runs: Vec<String> = (0..rng.usize(1..4)).map(|_| connect_run(&mut rng)).collect();
        // Another start follows after five seconds: seldom, and never for ever.
        if rng.u8(..20) == 0 {
            runs.insert(
                0,
                "{status: FAILED, initialization_failure: true, after: 100ms}".to_owned(),
            );
        }
        test_cases.push_str(&format!("    c{case}: {{runs: [{}]}}\n", runs.join(", ")));
    }
    let (mut test_sets, mut lex, mut below) = (String::new(), String::new(), Vec::new());
    for set in 0..sets {
        // Two tests of one set cannot be told apart by AWS.
        let id = if set > 0 && rng.u8(..4) == 0 { 0 } else { set };
        let retries = rng.u8(..2);
        lex.push_str(&format!(
            "    - {{name: set {set}, test_set_id: TESTSET00{id}, retries: {retries}}}\n"
        ));
        let matched = if rng.u8(..3) > 0 { ENOUGH.0 } else { ENOUGH.1 };
        if id == set {
            let runs: Vec<String> =
                (0..rng.usize(1..3)).map(|_| lex_run(&mut rng, matched)).collect();
            test_sets.push_str(&format!("    TESTSET00{set}: {{runs: [{}]}}\n", runs.join(", ")));
        }
        let bad = match id == set {
            true => matched < 90,
            false => below.contains(&format!("set {id}")),
        };
        below.extend(bad.then(|| format!("set {set}")));
    }
    let lex = if sets == 0 {
        String::new()
    } else {
        format!(
            "lex:\n  bot_id: BOT0000001\n  bot_alias_id: TSTALIASID\n  locale_id: en_US\n  \
             api_mode: NonStreaming\n  expect: {{end_to_end: 90%}}\n  timeout: {timeout}\n  \
             poll: {{min: 60ms, max: 200ms}}\n  \
             limits: {{requests_per_second: 100, burst: 10, in_flight: {}}}\n  \
             test_executions:\n{lex}",
            rng.u8(1..6)
        )
    };
    let in_flight = rng.u8(1..12);
    let suite = |name: &str, tests: &str| {
        format!(
            "name: {name}\nregion: us-east-1\ntimeout: 3m\n{most}connect:\n  instance_id: i-1\n  \
             timeout: {timeout}\n  queue_timeout: 60s\n  poll: {{min: 60ms, max: 200ms}}\n  \
             limits: {{requests_per_second: 100, burst: 10, in_flight: {in_flight}}}\n  \
             test_cases:\n{tests}"
        )
    };
    let mut suites = vec![suite("Seed", &format!("{connect}{lex}"))];
    suites.extend((!second.is_empty()).then(|| suite("Second", &second)));
    let scenario = format!(
        "seed: 0\nconnect:\n  list_lag: {}ms\n  \
         limits: {{concurrent: {}, queue: {}, requests_per_second: {}, burst: {}}}\n  \
         test_cases:\n{test_cases}lex:\n  list_lag: {}ms\n  limits: {{concurrent: {}, \
         requests_per_second: {}, burst: {}}}\n  test_sets:{}\nfaults:\n{}",
        rng.u16(..200),
        rng.u8(1..6),
        rng.u8(6..20),
        rng.u16(40..400),
        rng.u8(5..30),
        rng.u16(..200),
        rng.u8(1..6),
        rng.u16(40..400),
        rng.u8(5..30),
        if test_sets.is_empty() { " {}".to_owned() } else { format!("\n{test_sets}") },
        faults(&mut rng),
    );
    Drawn { suites, scenario, blows: blows(&mut rng), below, limits }
}

fn connect_run(rng: &mut Rng) -> String {
    let after = rng.u16(50..900);
    match rng.u8(..10) {
        0 => format!("{{status: STOPPED, after: {after}ms}}"),
        1..4 => format!(
            "{{status: FAILED, after: {after}ms, observations: [{{id: a, status: PASSED, text: t}}, \
             {{id: b, status: FAILED, text: expected, seen: other}}]}}"
        ),
        _ => format!(
            "{{status: PASSED, after: {after}ms, observations: \
             [{{id: a, status: PASSED, text: t}}]}}"
        ),
    }
}

fn lex_run(rng: &mut Rng, matched: u32) -> String {
    let after = rng.u16(50..900);
    match rng.u8(..8) {
        0 => format!("{{status: Failed, after: {after}ms}}"),
        1 => format!("{{status: Stopped, after: {after}ms}}"),
        _ => format!(
            "{{status: Completed, after: {after}ms, pending_for: {}ms, \
             results: {{utterances: 100, matched: {matched}}}}}",
            rng.u16(..200)
        ),
    }
}

/// The operations that callcheck calls; starts are drawn more often.
const OPERATIONS: [&str; 12] = [
    "StartTestCaseExecution",
    "StartTestCaseExecution",
    "StartTestExecution",
    "StartTestExecution",
    "StartTestExecution",
    "GetTestCaseExecutionSummary",
    "ListTestCaseExecutionRecords",
    "StopTestCaseExecution",
    "ListTestCaseExecutions",
    "DescribeTestExecution",
    "ListTestExecutions",
    "ListTestExecutionResultItems",
];

fn faults(rng: &mut Rng) -> String {
    let mut faults = String::new();
    for _ in 0..rng.usize(3..12) {
        let operation = OPERATIONS[rng.usize(..OPERATIONS.len())];
        let is_stop = operation == "StopTestCaseExecution";
        let when = match rng.bool() {
            true => format!("rate: 0.{:02}", rng.u8(2..25)),
            false => format!("calls: [{}, {}]", rng.u8(1..4), rng.u8(4..9)),
        };
        // An attempt that hangs takes fifteen seconds: those are rare, and never many.
        let hangs = ["hang", "hang_after", "late, delay: 300ms"];
        let (when, what) = match rng.u8(..40) {
            0 => (format!("calls: [{}]", rng.u8(1..4)), hangs[rng.usize(..3)].to_owned()),
            1..8 => (when, "reset_before".to_owned()),
            8..16 => (when, "reset_after".to_owned()),
            16..20 => (when, format!("error, status: {}", [500, 503][rng.usize(..2)])),
            20..22 => (when, format!("error, status: 500, acts: {}", rng.bool())),
            // The reply to a stop says nothing but that it is done: no client can tell that it is not.
            22..25 => (when, format!("garbage, acts: {}", rng.bool() || is_stop)),
            25..28 => (when, format!("html, acts: {}", rng.bool())),
            28..31 => (when, "throttle".to_owned()),
            31..33 => (when, "throttle, retry_after: 1".to_owned()),
            33..35 if operation.starts_with("List") => (when, "empty_page".to_owned()),
            35..37 if operation.starts_with("List") => (when, "repeat_page".to_owned()),
            33..37 if operation == "StartTestCaseExecution" => (when, "quota".to_owned()),
            33..37 if operation == "StartTestExecution" => (when, "error, status: 409".to_owned()),
            _ => (when, format!("delay, delay: {}ms", rng.u16(10..400))),
        };
        faults.push_str(&format!("  - {{operation: {operation}, {when}, fault: {what}}}\n"));
    }
    faults
}

fn blows(rng: &mut Rng) -> Vec<Option<Blow>> {
    (0..rng.usize(0..5))
        .map(|_| {
            let signal = match rng.u8(..10) {
                0 => "INT",
                1..3 => "TERM",
                3 => return None,
                _ => "KILL",
            };
            let after_ms = if rng.bool() { 0 } else { rng.u64(..60) };
            Some(Blow { signal, after_calls: rng.usize(..40), after_ms })
        })
        .collect()
}
