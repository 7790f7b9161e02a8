//! Signals to the one process, as CI hosts send them.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::harness::{Running, Story, callcheck, wait_for_output};

/// Tests that never end by themselves.
fn hanging(tests: &[&str]) -> Running {
    Story::new()
        .connect(tests)
        .services(
            "{c1: {runs: [{status: IN_PROGRESS}]}, c2: {runs: [{status: IN_PROGRESS}]}}",
            "{}",
            "[]",
        )
        .begin()
}

#[test]
fn an_interrupt_stops_what_runs_and_reports_it() {
    let running = hanging(&["{name: Menu, test_case_id: c1}", "{name: Hours, test_case_id: c2}"]);
    running.wait_for(|ledger| ledger.executions.len() == 2);
    running.signal("INT");
    let outcome = running.wait();
    outcome.exits(130);
    assert!(outcome.ledger.executions.iter().all(|execution| execution.status == "STOPPED"));
    assert!(outcome.says("Menu").starts_with("error Cancelled:"), "{}", outcome.says("Menu"));
    assert_eq!(outcome.json()["conclusion"], "cancelled");
    assert_eq!(outcome.json()["signal"], "SIGINT");
}

#[test]
fn a_terminate_exits_as_such() {
    let running = hanging(&["{name: Menu, test_case_id: c1}"]);
    running.wait_for(|ledger| !ledger.executions.is_empty());
    running.signal("TERM");
    running.wait().exits(143);
}

#[test]
fn before_the_end_the_report_is_not_green() {
    let running = hanging(&["{name: Menu, test_case_id: c1, blocking: false}"]);
    running.wait_for(|ledger| !ledger.executions.is_empty());
    // The kill leaves the report that was written before the first start.
    running.signal("KILL");
    let outcome = running.wait();
    // Not even where nothing blocks: nothing has been seen to pass.
    assert!(outcome.says("Menu").starts_with("error NotFinished:"), "{}", outcome.says("Menu"));
    assert_eq!(outcome.json()["exit_code"], 3);
}

#[test]
fn a_run_that_is_killed_leaves_the_ids_of_what_it_started() {
    let running = Story::new()
        .connect(&["{name: Menu, test_case_id: c1, timeout: 20s, retries: 1}"])
        .services("{c1: {runs: [{status: FAILED, after: 1s}, {status: IN_PROGRESS}]}}", "{}", "[]")
        .begin();
    running.wait_for(|ledger| ledger.executions.len() == 2);
    // The report is rewritten within five seconds of what is new.
    let report = running.file("report.json");
    running.wait_for(|ledger| {
        let id = &ledger.executions[1].execution_id;
        std::fs::read_to_string(&report).is_ok_and(|report| report.contains(id.as_str()))
    });
    running.signal("KILL");
    let outcome = running.wait();
    let result = outcome.result("Menu");
    assert_eq!((&result["verdict"], &result["kind"]), (&"error".into(), &"not-finished".into()));
    // The attempt that was over has its verdict.
    assert_eq!(result["attempts"][0]["verdict"], "failed");
    assert_eq!(result["attempts"][1]["kind"], "not-finished");
}

#[test]
fn the_simulator_serves_until_it_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let mut child =
        callcheck(folder.path()).arg("simulate").stdout(Stdio::piped()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let address = url.trim().trim_start_matches("http://").to_owned();
    assert!(std::net::TcpStream::connect(address).is_ok());
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn credentials_that_hang_hold_no_signal_up() {
    let folder = tempfile::tempdir().unwrap();
    // Takes the request for credentials, or for the Region, and never replies.
    let chain = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/credentials", chain.local_addr().unwrap());
    for (region, variable) in [
        ("region: us-east-1", "AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        ("owner: nobody", "AWS_EC2_METADATA_SERVICE_ENDPOINT"),
    ] {
        let suite = format!(
            "name: S\n{region}\nconnect: {{instance_id: i-1, test_cases: \
             [{{name: Menu, test_case_id: c1}}]}}\n"
        );
        std::fs::write(folder.path().join("callcheck.yaml"), suite).unwrap();
        interrupted_while(
            &chain,
            callcheck(folder.path()).env_remove("AWS_EC2_METADATA_DISABLED").env(variable, &url),
        );
        let report = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
        assert!(report.contains("interrupted by SIGINT"), "{report}");
    }
}

#[test]
fn a_suite_that_takes_its_time_holds_no_signal_up() {
    let folder = tempfile::tempdir().unwrap();
    let run = ["run", "--quiet", "--junit", "junit.xml", "/dev/stdin"];
    let mut command = callcheck(folder.path());
    command.args(run).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // More than a pipe holds: it is being read, and its end does not come.
    let mut suite = child.stdin.take().unwrap();
    suite.write_all("# not over yet\n".repeat(20_000).as_bytes()).unwrap();
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
    assert_eq!(wait_for_output(child).status.code(), Some(130));
    let report = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    assert!(report.contains("interrupted by SIGINT"), "{report}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_nobody_reads_holds_neither_tests_nor_reports_up() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    // It is full.
    writer.write_all(&[b'.'; 64 * 1024]).unwrap();
    let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]);
    let running = story.begin_with(|command| _ = command.stderr(writer));
    let report = running.file("junit.xml");
    running.wait_for(|_| {
        std::fs::read_to_string(&report).is_ok_and(|text| text.contains("errors=\"0\""))
    });
    drop(reader);
    running.wait().exits(0);
}

/// Begins a run whose JSON report goes to the pipe `pipe`, and waits until all is over but that.
fn waiting_for_a_reader() -> Running {
    let args = ["--json", "pipe", "--run-id", "over"];
    let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]).args(&args);
    let pipe = story.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let running = story.begin();
    let report = running.file("junit.xml");
    running.wait_for(|_| {
        std::fs::read_to_string(&report).is_ok_and(|text| text.contains("errors=\"0\""))
    });
    running
}

#[test]
fn a_report_that_nobody_reads_holds_no_signal_up_for_long() {
    let running = waiting_for_a_reader();
    running.signal("TERM");
    let outcome = running.wait();
    outcome.exits(143);
    assert!(outcome.stderr.contains("nobody reads the JSON report"), "{}", outcome.stderr);
    let said = outcome.says("callcheck.run");
    assert!(said.contains("interrupted by SIGTERM"), "{said}");
}

#[test]
fn a_signal_after_the_last_verdict_leaves_a_run_that_is_over_as_it_is() {
    let running = waiting_for_a_reader();
    running.signal("TERM");
    // Its reader has been slow.
    let report = std::fs::read_to_string(running.file("pipe")).unwrap();
    assert!(report.contains("\"passed\""), "{report}");
    let outcome = running.wait();
    outcome.exits(0);
    let journal = std::fs::read_to_string(outcome.file(".callcheck/runs/over.jsonl")).unwrap();
    assert!(journal.lines().last().unwrap().contains("\"end\""), "{journal}");
}

/// Begins a run, interrupts it once it asks `chain` for something, and sees how it ends.
fn interrupted_while(chain: &TcpListener, command: &mut Command) {
    let child = command.args(["run", "--quiet"]).spawn().unwrap();
    let _request = chain.accept().unwrap();
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
    assert_eq!(wait_for_output(child).status.code(), Some(130));
}
