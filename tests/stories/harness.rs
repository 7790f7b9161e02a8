//! A run of the binary as a person would start it, in a folder and an environment of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use callcheck::simulator::{Ledger, Scenario, Simulator};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Ends a story that hangs. On a slow machine the longest takes some ten seconds.
const HANG_TIMEOUT: Duration = Duration::from_secs(300);

/// Fast polls and no limits to speak of: the simulator's time runs fifty times as fast, too. The
/// deadlines are ones that no machine is slow enough to reach.
const CONNECT: &str = "
connect:
  instance_id: i-1
  timeout: 5m
  queue_timeout: 5m
  poll: {min: 20ms, max: 50ms}
  limits: {requests_per_second: 1000, burst: 100, in_flight: 20}
  test_cases:
";

const LEX: &str = "
lex:
  bot_id: BOT0000001
  bot_alias_id: TSTALIASID
  locale_id: en_US
  api_mode: NonStreaming
  timeout: 5m
  poll: {min: 20ms, max: 50ms}
  limits: {requests_per_second: 1000, burst: 100, in_flight: 20}
  test_executions:
";

/// A story that is being set up.
pub(crate) struct Story {
    folder: TempDir,
    suite: String,
    scenario: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    runtime: Runtime,
}

/// How it went.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) ledger: Ledger,
    stage: Arc<Stage>,
}

/// What goes on when a process ends: the services, and the folder with what was left in it.
struct Stage {
    folder: TempDir,
    simulator: Simulator,
    env: Vec<(String, String)>,
    /// Keeps the simulator alive.
    _runtime: Runtime,
}

/// A binary that is under way.
pub(crate) struct Running {
    child: Child,
    stage: Arc<Stage>,
}

impl Story {
    /// A suite named `Story`, with nothing in it yet.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            suite: "name: Story\nregion: us-east-1\ntimeout: 10m\n".to_owned(),
            scenario: "speed: 50\nconnect: &limits\n".to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
        }
    }

    /// Adds the section `connect`; each line is a test, in braces.
    pub(crate) fn connect(mut self, tests: &[&str]) -> Self {
        self.suite.push_str(CONNECT);
        self.add(tests);
        self
    }

    /// Adds the section `lex` likewise.
    pub(crate) fn lex(mut self, tests: &[&str]) -> Self {
        self.suite.push_str(LEX);
        self.add(tests);
        self
    }

    fn add(&mut self, tests: &[&str]) {
        for test in tests {
            self.suite.push_str(&format!("    - {test}\n"));
        }
    }

    /// Replaces the whole suite.
    pub(crate) fn suite(mut self, text: &str) -> Self {
        text.clone_into(&mut self.suite);
        self
    }

    /// What the services do: keys `test_cases`, `test_sets` and `faults` of a scenario, as YAML
    /// in flow style.
    pub(crate) fn services(mut self, test_cases: &str, test_sets: &str, faults: &str) -> Self {
        self.scenario = scenario(test_cases, test_sets, faults);
        self
    }

    /// Replaces the whole scenario.
    pub(crate) fn scenario(mut self, text: &str) -> Self {
        text.clone_into(&mut self.scenario);
        self
    }

    /// Adds arguments to `run SUITE`.
    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The folder in which it runs.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Begins it and does not wait.
    pub(crate) fn begin(self) -> Running {
        self.begin_with(|_| {})
    }

    /// The same, with what `set` does to the process before.
    pub(crate) fn begin_with(self, set: impl FnOnce(&mut Command)) -> Running {
        let scenario = if self.scenario.contains("&limits") {
            scenario("{}", "{}", "[]")
        } else {
            self.scenario
        };
        let scenario = Scenario::from_yaml(&scenario)
            .unwrap_or_else(|error| panic!("{error} in:\n{scenario}"));
        let simulator = self.runtime.block_on(Simulator::start(scenario, 0)).unwrap();
        std::fs::write(self.folder.path().join("suite.yaml"), &self.suite).unwrap();
        let stage = Stage { folder: self.folder, simulator, env: self.env, _runtime: self.runtime };
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        Arc::new(stage).begin(&args, set)
    }

    /// Plays it to the end.
    pub(crate) fn run(self) -> Outcome {
        self.begin().wait()
    }
}

impl Stage {
    fn begin(self: Arc<Self>, args: &[&str], set: impl FnOnce(&mut Command)) -> Running {
        let mut command = callcheck(self.folder.path());
        let json: &[&str] = if args.contains(&"--json") { &[] } else { &["--json", "report.json"] };
        command
            .args(["run", "suite.yaml", "--endpoint-url", &self.simulator.url()])
            .args(json)
            .args(args)
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        set(&mut command);
        let child = command.spawn().unwrap();
        Running { child, stage: self }
    }
}

/// A scenario whose services answer as often as they are asked.
fn scenario(test_cases: &str, test_sets: &str, faults: &str) -> String {
    let limits = "requests_per_second: 100000, burst: 10000";
    format!(
        "speed: 50\n\
         connect: {{limits: {{{limits}}}, default: {{status: PASSED, after: 1s}}, \
         test_cases: {test_cases}}}\n\
         lex: {{limits: {{{limits}}}, default: {{status: Completed, after: 1s}}, \
         test_sets: {test_sets}}}\n\
         faults: {faults}\n"
    )
}

/// The binary, in a folder, knowing nothing of the machine it runs on.
pub(crate) fn callcheck(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callcheck"));
    command
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        // Asking a metadata service that is not there takes seconds.
        .env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

impl Running {
    /// Waits until the services have seen what `seen` looks for.
    pub(crate) fn wait_for(&self, seen: impl Fn(&Ledger) -> bool) {
        let began = Instant::now();
        while !seen(&self.stage.simulator.ledger()) {
            let ledger = self.stage.simulator.ledger();
            assert!(began.elapsed() < HANG_TIMEOUT, "it never came: {ledger:?}");
            std::thread::yield_now();
        }
    }

    /// A file of the folder in which it runs.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.stage.folder.path().join(name)
    }

    /// Begins another process beside it.
    pub(crate) fn beside(&self, args: &[&str]) -> Running {
        Arc::clone(&self.stage).begin(args, |_| {})
    }

    /// Sends a signal to the process, and to it alone.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn wait(self) -> Outcome {
        let output = wait_for_output(self.child);
        Outcome {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            ledger: self.stage.simulator.ledger(),
            stage: self.stage,
        }
    }
}

/// Waits for the end of a process whose output is piped; it must come.
pub(crate) fn wait_for_output(mut child: Child) -> Output {
    let (done, waited) = std::sync::mpsc::channel();
    let pid = child.id();
    fn read(from: Option<impl std::io::Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = from.map(|mut from| from.read_to_end(&mut bytes));
            bytes
        })
    }
    let (stdout, stderr) = (read(child.stdout.take()), read(child.stderr.take()));
    std::thread::spawn(move || done.send(child.wait()));
    let Ok(status) = waited.recv_timeout(HANG_TIMEOUT) else {
        let _ = Command::new("kill").args(["-s", "KILL", &pid.to_string()]).status();
        panic!("callcheck does not end: {}", String::from_utf8_lossy(&stderr.join().unwrap()));
    };
    Output {
        status: status.unwrap(),
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
    }
}

impl Outcome {
    /// Asserts the exit code, and shows what was said where it is another.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.stderr, self.stdout);
        self
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.stage.folder.path().join(name)
    }

    /// Begins another process where this one has ended, against the same services.
    pub(crate) fn again(&self, args: &[&str]) -> Running {
        Arc::clone(&self.stage).begin(args, |_| {})
    }

    /// The JUnit report as another program reads it.
    pub(crate) fn junit(&self) -> quick_junit::Report {
        let xml = std::fs::read_to_string(self.file("junit.xml")).unwrap();
        quick_junit::Report::deserialize_from_str(&xml).unwrap_or_else(|error| {
            panic!("{error} in:\n{xml}");
        })
    }

    /// The case of a test.
    #[track_caller]
    pub(crate) fn case(&self, name: &str) -> TestCase {
        let report = self.junit();
        let mut cases = report.test_suites.into_iter().flat_map(|suite| suite.test_cases);
        cases.find(|case| case.name.as_str() == name).unwrap_or_else(|| panic!("no case {name}"))
    }

    /// What JUnit says of a test: `success`, `skipped`, `failure TYPE: MESSAGE` …
    #[track_caller]
    pub(crate) fn says(&self, name: &str) -> String {
        let text = |text: Option<quick_junit::XmlString>| {
            text.map(|text| text.as_str().to_owned()).unwrap_or_default()
        };
        match self.case(name).status {
            TestCaseStatus::Success { .. } => "success".to_owned(),
            TestCaseStatus::Skipped { message, .. } => format!("skipped: {}", text(message)),
            TestCaseStatus::NonSuccess { kind, message, ty, .. } => {
                let kind = match kind {
                    NonSuccessKind::Failure => "failure",
                    NonSuccessKind::Error => "error",
                };
                format!("{kind} {}: {}", text(ty), text(message))
            }
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.file("report.json")).unwrap()).unwrap()
    }

    /// The result of a test in the JSON report.
    #[track_caller]
    pub(crate) fn result(&self, name: &str) -> Value {
        let report = self.json();
        let tests = report["suites"][0]["tests"].as_array().unwrap();
        let found = tests.iter().find(|test| test["name"] == name);
        found.unwrap_or_else(|| panic!("no test {name}")).clone()
    }

    /// How many calls of an operation came to the service.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.ledger.calls.iter().filter(|call| call.operation == operation).count()
    }
}
