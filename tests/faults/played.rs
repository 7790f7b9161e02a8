//! A seed, played: process after process until the run is finished.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use callcheck::simulator::{Ledger, Scenario, Simulator};
use tempfile::TempDir;

use super::drawn::{Blow, Drawn, draw};

/// No process takes longer.
const PATIENCE: Duration = Duration::from_secs(240);

/// After so many processes a run must have had enough time.
const MOST_PROCESSES: usize = 12;

/// What one process has left.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) blow: Option<Blow>,
    /// Its exit code; none where it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) junit: Option<String>,
    pub(crate) json: Option<serde_json::Value>,
    pub(crate) ledger: Ledger,
    /// Whether the journal says that the run is finished.
    pub(crate) finished: bool,
}

/// A seed with all that came of it.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) drawn: Drawn,
    pub(crate) processes: Vec<Process>,
}

impl Played {
    pub(crate) fn last(&self) -> &Process {
        self.processes.last().unwrap()
    }

    /// All that was said, for a person.
    pub(crate) fn told(&self) -> String {
        let mut text = format!("{}\n{}\n", self.drawn.suites.join("\n"), self.drawn.scenario);
        for process in &self.processes {
            text.push_str(&format!(
                "--- {:?}, exit {:?}\n{}{}\n",
                process.blow, process.code, process.stderr, process.stdout
            ));
        }
        let executions = &self.last().ledger.executions;
        executions.iter().for_each(|execution| text.push_str(&format!("{execution:?}\n")));
        text
    }
}

/// Plays a seed.
pub(crate) fn play(seed: u64) -> Played {
    let drawn = draw(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (number, suite) in drawn.suites.iter().enumerate() {
        let file = format!("suite-{number}.yaml");
        std::fs::write(folder.path().join(&file), suite).unwrap();
        files.push(file);
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let scenario = Scenario::from_yaml(&drawn.scenario)
        .unwrap_or_else(|error| panic!("seed {seed}: {error} in:\n{}", drawn.scenario));
    let simulator = runtime.block_on(Simulator::start(scenario, 0)).unwrap();
    let mut processes: Vec<Process> = Vec::new();
    while processes.len() < MOST_PROCESSES && !processes.last().is_some_and(|it| it.finished) {
        let blow = drawn.blows.get(processes.len()).copied().flatten();
        processes.push(process(&folder, &files, &simulator, seed, blow, processes.is_empty()));
    }
    Played { drawn, processes }
}

fn process(
    folder: &TempDir,
    suites: &[String],
    simulator: &Simulator,
    seed: u64,
    blow: Option<Blow>,
    first: bool,
) -> Process {
    let path = folder.path();
    let run_id = format!("seed-{seed}");
    // One that was begun is found by itself, too.
    let by_id = first || seed.is_multiple_of(2);
    let which = if by_id { vec!["--run-id", &run_id] } else { vec!["--resume"] };
    let output = |name: &str| std::fs::File::create(path.join(name)).unwrap();
    let calls_before = simulator.ledger().calls.len();
    let mut child = Command::new(env!("CARGO_BIN_EXE_callcheck"))
        .current_dir(path)
        .env_clear()
        .env("HOME", path)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
        .args(["run", "--json", "report.json"])
        .args(suites)
        .args(["--endpoint-url", &simulator.url()])
        .args(which)
        .stdout(output("stdout"))
        .stderr(output("stderr"))
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let mut signalled = false;
    let mut due: Option<Instant> = None;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(began.elapsed() < PATIENCE, "seed {seed} hangs: {}", read(path, "stderr"));
        if let Some(blow) = blow.filter(|_| !signalled) {
            let come = simulator.ledger().calls.len() - calls_before >= blow.after_calls;
            if come && due.is_none() {
                due = Some(Instant::now() + Duration::from_millis(blow.after_ms));
            }
            if due.is_some_and(|due| Instant::now() >= due) {
                signal(&child, blow.signal);
                signalled = true;
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    // One that was killed before it had a journal was followed by another run.
    let journals = std::fs::read_dir(path.join(".callcheck/runs")).into_iter().flatten().flatten();
    let mut journals = journals.filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let finished = journals.any(|journal| journal.contains("\"record\":\"end\""));
    let json = std::fs::read(path.join("report.json")).ok();
    Process {
        blow: blow.filter(|_| signalled),
        code: status.code(),
        stdout: read(path, "stdout"),
        stderr: read(path, "stderr"),
        junit: std::fs::read_to_string(path.join("junit.xml")).ok(),
        json: json.map(|json| serde_json::from_slice(&json).unwrap_or(serde_json::Value::Null)),
        ledger: simulator.ledger(),
        finished,
    }
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read(folder.join(name))
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

/// Sends a signal to the process, and to it alone.
fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    // It may have ended just now.
    let _ = Command::new("kill").args(["-s", name, &pid]).stderr(Stdio::null()).status();
}
