//! What goes wrong on the way, and what must not come of it.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;

use crate::harness::{Story, callcheck};

#[test]
fn lost_replies_and_errors_start_nothing_twice_and_lose_no_verdict() {
    let outcome = Story::new()
        .connect(&["{name: Menu, test_case_id: c1}", "{name: Hours, test_case_id: c2}"])
        .services(
            "{}",
            "{}",
            "[{operation: StartTestCaseExecution, target: c1, calls: [1], fault: reset_after},
              {operation: StartTestCaseExecution, target: c2, calls: [1], fault: error, status: 500},
              {operation: GetTestCaseExecutionSummary, calls: [1], fault: throttle, retry_after: 0},
              {operation: GetTestCaseExecutionSummary, calls: [2], fault: garbage},
              {operation: GetTestCaseExecutionSummary, calls: [3], fault: html}]",
        )
        .args(&["-v"])
        .run();
    outcome.exits(0);
    // Each of the five faults is met by the engine: the SDK has retried none of them by itself.
    let met = outcome.ledger.calls.iter().filter(|call| call.fault.is_some()).count();
    let told =
        outcome.stderr.matches("retrying").count() + outcome.stderr.matches("waiting").count();
    assert_eq!((met, told >= 5), (5, true), "{}", outcome.stderr);
    assert_eq!(outcome.ledger.executions.len(), 2, "one execution a start");
    assert_eq!(outcome.calls("StartTestCaseExecution"), 4);
}

#[test]
fn the_sdk_retries_nothing_by_itself() {
    let outcome = Story::new()
        .lex(&["{name: Booking, test_set_id: TESTSET001, expect: none}"])
        .services(
            "{}",
            "{}",
            "[{operation: StartTestExecution, every: true, fault: error, status: 500}]",
        )
        .run();
    outcome.exits(3);
    // Each is followed by a look at what came of it.
    assert_eq!(outcome.calls("StartTestExecution"), 3);
    assert!(outcome.calls("ListTestExecutions") > 3);
    assert!(outcome.says("Booking").contains("asked 3 times"), "{}", outcome.says("Booking"));
}

#[test]
fn a_lex_start_whose_reply_is_lost_is_found_and_not_made_again() {
    let outcome = Story::new()
        .lex(&["{name: Booking, test_set_id: TESTSET001, expect: none}"])
        .services("{}", "{}", "[{operation: StartTestExecution, calls: [1], fault: reset_after}]")
        .args(&["--summary", "summary.md"])
        .run();
    outcome.exits(0);
    assert_eq!(outcome.ledger.executions.len(), 1);
    assert_eq!(outcome.calls("StartTestExecution"), 1);
    // Every report says that it was adopted.
    let start = &outcome.result("Booking")["attempts"][0]["starts"][0];
    assert_eq!(start["adopted"], true);
    let note = |text: &str| text.contains("adopted: the reply to its start was lost");
    assert!(note(&outcome.stdout), "{}", outcome.stdout);
    assert!(note(&std::fs::read_to_string(outcome.file("summary.md")).unwrap()));
    assert!(note(&std::fs::read_to_string(outcome.file("junit.xml")).unwrap()));
}

#[test]
fn a_lex_start_that_cannot_be_looked_up_is_not_known() {
    let outcome = Story::new()
        .lex(&["{name: Booking, test_set_id: TESTSET001, expect: none}"])
        .services(
            "{}",
            "{}",
            "[{operation: StartTestExecution, calls: [1], fault: reset_after},
              {operation: ListTestExecutions, every: true, fault: error, status: 403}]",
        )
        .run();
    outcome.exits(3);
    assert_eq!(outcome.ledger.executions.len(), 1);
    assert!(outcome.says("Booking").starts_with("error StartUnknown:"));
    assert!(outcome.stderr.contains("may still run"), "{}", outcome.stderr);
}

#[test]
fn a_full_queue_and_a_conflict_are_waited_for() {
    let outcome = Story::new()
        .connect(&["{name: Menu, test_case_id: c1}"])
        .lex(&["{name: Booking, test_set_id: TESTSET001, expect: none}"])
        .services(
            "{}",
            "{}",
            "[{operation: StartTestCaseExecution, calls: [1], fault: quota},
              {operation: StartTestExecution, calls: [1], fault: error, status: 409}]",
        )
        .run();
    outcome.exits(0);
    assert_eq!(outcome.calls("StartTestCaseExecution"), 2);
    assert_eq!(outcome.calls("StartTestExecution"), 2);
}

#[test]
fn a_test_that_aws_never_ran_is_started_again() {
    let suite = "name: Story\nregion: us-east-1\nconnect:\n  instance_id: i\n  \
                 poll: {min: 20ms, max: 50ms}\n  test_cases: [{name: Menu, test_case_id: c1}]\n";
    let outcome = Story::new()
        .suite(suite)
        .services(
            "{c1: {runs: [{status: FAILED, after: 1s, initialization_failure: true},
                {status: PASSED, after: 1s}]}}",
            "{}",
            "[]",
        )
        .run();
    outcome.exits(0);
    assert_eq!(outcome.ledger.executions.len(), 2);
    assert_eq!(outcome.result("Menu")["attempts"][0]["starts"].as_array().unwrap().len(), 2);
    assert!(outcome.stderr.contains("another start in"), "{}", outcome.stderr);
}

#[test]
fn milliseconds_where_seconds_are_due_are_accepted() {
    let suite = "name: Story\nregion: us-east-1\nconnect:\n  instance_id: i\n  \
                 poll: {min: 20ms, max: 50ms}\n  test_cases: [{name: Menu, test_case_id: c1}]\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("suite.yaml"), suite).unwrap();
    let scenario = "speed: 50\nconnect: {timestamps: milliseconds, \
                    default: {status: PASSED, after: 10s}}\n";
    std::fs::write(folder.path().join("scenario.yaml"), scenario).unwrap();
    let output = callcheck(folder.path())
        .args(["run", "suite.yaml", "--simulate=scenario.yaml", "--json", "report.json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let seconds = report["suites"][0]["tests"][0]["attempts"][0]["seconds"].as_f64().unwrap();
    assert!((9.0..12.0).contains(&seconds), "AWS's own clock says ten seconds, not {seconds}");
}

#[test]
fn without_credentials_every_test_says_so_and_nothing_hangs() {
    let story = Story::new()
        .connect(&["{name: Menu, test_case_id: c1}", "{name: Hours, test_case_id: c2}"]);
    let outcome = story.env("AWS_ACCESS_KEY_ID", "").env("AWS_SECRET_ACCESS_KEY", "").run();
    outcome.exits(3);
    assert!(outcome.ledger.calls.is_empty(), "{:?}", outcome.ledger.calls);
    for name in ["Menu", "Hours"] {
        assert!(
            outcome.says(name).starts_with("error CredentialsError:"),
            "{}",
            outcome.says(name)
        );
    }
}

#[test]
fn credentials_that_aws_refuses_end_the_run_at_once() {
    let outcome = Story::new()
        .connect(&["{name: Menu, test_case_id: c1}", "{name: Hours, test_case_id: c2}"])
        .services(
            "{}",
            "{}",
            "[{operation: StartTestCaseExecution, every: true, fault: error, status: 403,
               code: ExpiredTokenException, message: The security token is expired}]",
        )
        .run();
    outcome.exits(3);
    assert!(outcome.says("Hours").contains("ExpiredTokenException"), "{}", outcome.says("Hours"));
}

#[test]
fn a_report_that_cannot_be_written_is_found_before_the_first_start() {
    let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]);
    std::fs::create_dir(story.path().join("taken")).unwrap();
    let outcome = story.args(&["--junit", "taken"]).run();
    outcome.exits(3);
    assert!(outcome.stderr.contains("failed to write the JUnit report to taken"));
    assert_eq!(outcome.json()["exit_code"], 3, "the report that can be written says so too");
    assert!(outcome.ledger.calls.is_empty());
}

#[test]
fn the_user_agent_names_the_app() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let head = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut buffer = [0; 1024];
            let read = stream.read(&mut buffer).unwrap();
            head.extend_from_slice(&buffer[..read]);
        }
        let refuse = "HTTP/1.1 404 Not Found\r\nx-amzn-errortype: ResourceNotFoundException\r\n\
                      content-length: 2\r\nconnection: close\r\n\r\n{}";
        stream.write_all(refuse.as_bytes()).unwrap();
        String::from_utf8_lossy(&head).into_owned()
    });
    let folder = tempfile::tempdir().unwrap();
    let suite = "name: s\nconnect: {instance_id: i, test_cases: [{name: t, test_case_id: t}]}\n";
    std::fs::write(folder.path().join("suite.yaml"), suite).unwrap();
    let output = callcheck(folder.path())
        .args(["run", "suite.yaml", "--region", "us-east-1", "--endpoint-url", &url])
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "not-a-secret")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let head = head.join().unwrap().to_lowercase();
    assert!(head.contains(concat!("app/callcheck-", env!("CARGO_PKG_VERSION"))), "{head}");
}

#[cfg(unix)]
#[test]
fn a_file_that_is_over_the_limit_is_found_before_the_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let tests: String =
        (0..200).map(|i| format!("    - {{name: t{i}, test_case_id: c{i}}}\n")).collect();
    let suite =
        format!("name: s\nregion: us-east-1\nconnect:\n  instance_id: i\n  test_cases:\n{tests}");
    std::fs::write(folder.path().join("suite.yaml"), suite).unwrap();
    // Of 512 or 1,024 bytes each.
    let script = "ulimit -f 8; exec \"$0\" run suite.yaml --simulate";
    let output = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_callcheck")])
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("failed to write the JUnit report") && said.contains("large"), "{said}");
}

#[test]
fn credentials_that_expire_before_the_run_can_be_over_are_warned_of() {
    // Thirty tests take 54 s at least, five at a time.
    let tests: Vec<String> =
        (0..30).map(|i| format!("{{name: t{i}, test_case_id: c{i}}}")).collect();
    let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
    for (left, warns) in [(45, true), (3000, false)] {
        let story = Story::new().connect(&tests);
        let until = chrono::Utc::now() + chrono::TimeDelta::seconds(left);
        let credentials = serde_json::json!({
            "Version": 1,
            "AccessKeyId": "AKIDEXAMPLE",
            "SecretAccessKey": "not-a-secret",
            "SessionToken": "not-a-token",
            "Expiration": until.to_rfc3339(),
        });
        std::fs::write(story.path().join("credentials.json"), credentials.to_string()).unwrap();
        std::fs::create_dir(story.path().join(".aws")).unwrap();
        let profile = "[default]\ncredential_process = /bin/cat credentials.json\n";
        std::fs::write(story.path().join(".aws/config"), profile).unwrap();
        let outcome = story.env("AWS_ACCESS_KEY_ID", "").env("AWS_SECRET_ACCESS_KEY", "").run();
        outcome.exits(0);
        let warned = outcome.stderr.contains("warning: the AWS credentials expire at");
        assert_eq!(warned, warns, "{}", outcome.stderr);
    }
}
