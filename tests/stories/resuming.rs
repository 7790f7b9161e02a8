//! Runs that were killed or interrupted, and are taken up by another process.
#![cfg(unix)]

use crate::harness::{Outcome, Running, Story};

/// Three tests, of which one fails, one is slow, and one is of Lex.
fn three() -> Story {
    Story::new()
        .connect(&[
            "{name: Menu, test_case_id: c1}",
            "{name: Hours, test_case_id: c2}",
            "{name: Slow, test_case_id: c3, timeout: 20s}",
        ])
        .lex(&["{name: Booking, test_set_id: TESTSET001, expect: {end_to_end: 90%}}"])
        .services(
            "{c2: {runs: [{status: FAILED, after: 1s, observations: [
                {id: hours, status: FAILED, text: nine to five, seen: closed}]}]},
              c3: {runs: [{status: PASSED, after: 75s}]}}",
            "{TESTSET001: {runs: [{status: Completed, after: 1s,
                results: {utterances: 100, matched: 95}}]}}",
            "[]",
        )
        .args(&["--run-id", "nightly-1"])
}

const SAME: [&str; 2] = ["--run-id", "nightly-1"];

fn kill_when(running: Running, executions: usize, ended: usize) -> Outcome {
    running.wait_for(|ledger| {
        let over = ledger.executions.iter().filter(|execution| execution.ended_ms.is_some());
        ledger.executions.len() == executions && over.count() >= ended
    });
    running.signal("KILL");
    running.wait()
}

/// What a report says, without times and ids.
fn told(outcome: &Outcome) -> serde_json::Value {
    let mut report = outcome.json();
    for name in ["started_at", "first_started_at", "seconds"] {
        report.as_object_mut().unwrap().remove(name);
    }
    for test in report["suites"][0]["tests"].as_array_mut().unwrap() {
        test.as_object_mut().unwrap().remove("seconds");
        for attempt in test["attempts"].as_array_mut().unwrap() {
            for name in ["started_at", "ended_at", "seconds"] {
                attempt.as_object_mut().unwrap().remove(name);
            }
            let steps = attempt.pointer_mut("/transcript/steps");
            for step in steps.and_then(|steps| steps.as_array_mut()).into_iter().flatten() {
                step.as_object_mut().unwrap().remove("at");
            }
        }
    }
    report
}

#[test]
fn a_run_that_was_killed_is_taken_up_and_comes_to_the_same_report() {
    let whole = three().begin().wait();
    whole.exits(1);
    let first = kill_when(three().begin(), 4, 3);
    let second = first.again(&SAME).wait();
    second.exits(1);
    assert_eq!(second.ledger.executions.len(), 4, "nothing is started twice");
    assert!(second.stderr.contains("taking up run nightly-1, begun 20"), "{}", second.stderr);
    assert_eq!(told(&second), told(&whole));
    assert!(second.json()["first_started_at"].is_string(), "and says that it was taken up");
    let junit = std::fs::read_to_string(second.file("junit.xml")).unwrap();
    assert!(junit.contains("first_started_at"), "{junit}");
}

#[test]
fn resume_takes_up_the_newest_run_of_these_suites_and_else_begins_a_new_one() {
    let first = three().args(&["--resume"]).begin();
    let first = kill_when(first, 4, 1);
    assert!(first.stderr.contains("nightly-1"));
    // A run of another suite is none of this one's.
    let suite = std::fs::read_to_string(first.file("suite.yaml")).unwrap();
    std::fs::write(first.file("other.yaml"), suite.replace("name: Story", "name: Other")).unwrap();
    let second = first.again(&["--resume"]).wait();
    second.exits(1);
    assert_eq!(second.ledger.executions.len(), 4);
    let third = second.again(&["--resume"]).wait();
    third.exits(1);
    assert!(third.stderr.contains("there is no run to take up"), "{}", third.stderr);
    assert_eq!(third.ledger.executions.len(), 8, "a new run starts all of it");
}

#[test]
fn the_newest_run_is_that_which_began_last_whatever_times_its_files_have() {
    let first = kill_when(three().begin(), 4, 1);
    let second = first.again(&["--run-id", "nightly-0"]);
    second.wait_for(|ledger| ledger.executions.len() > 4);
    second.signal("KILL");
    let second = second.wait();
    // As a cache leaves them.
    let old = std::fs::File::options()
        .append(true)
        .open(second.file(".callcheck/runs/nightly-1.jsonl"))
        .unwrap();
    old.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(60)).unwrap();
    let third = second.again(&["--resume"]).wait();
    third.exits(1);
    assert_eq!(third.json()["run_id"], "nightly-0");
}

#[test]
fn what_an_interrupt_has_stopped_starts_again() {
    let running = three().begin();
    running.wait_for(|ledger| {
        let passed = ledger.executions.iter().filter(|it| it.ended_ms.is_some()).count();
        ledger.executions.len() == 4 && passed == 3
    });
    running.signal("INT");
    let first = running.wait();
    first.exits(130);
    let command = "to take the run up: the same command, with --run-id nightly-1";
    assert!(first.stderr.contains(command), "{}", first.stderr);
    let error = first.json()["errors"][0]["details"].clone();
    assert_eq!(error, "--run-id nightly-1 takes it up, and so does --resume");
    let second = first.again(&["--resume"]).wait();
    second.exits(1);
    assert_eq!(second.says("Slow"), "success");
    let starts = second.result("Slow")["attempts"][0]["starts"].clone();
    assert_eq!(starts.as_array().unwrap().len(), 2, "{starts}");
    assert_eq!(second.ledger.executions.len(), 5);
}

#[test]
fn a_job_that_is_tried_again_under_one_id_begins_the_next_run_where_one_is_finished() {
    let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]).services(
        "{c1: {runs: [{status: STOPPED, after: 1s}, {status: PASSED, after: 1s}]}}",
        "{}",
        "[]",
    );
    let args = ["--run-id", "pipeline-1", "--resume"];
    let first = story.args(&args).run();
    first.exits(3);
    assert_eq!(first.json()["run_id"], "pipeline-1");
    let second = first.again(&args).wait();
    second.exits(0);
    assert_eq!(second.json()["run_id"], "pipeline-1.2");
    assert!(second.stderr.contains("run pipeline-1 is finished: incomplete"), "{}", second.stderr);
    assert_eq!(second.again(&args).wait().json()["run_id"], "pipeline-1.3");
    // Without --resume it is the one that was asked for, or none.
    second.again(&args[..2]).wait().exits(2);
    let long = "x".repeat(64);
    let args = ["--run-id", &long, "--resume"];
    second.again(&args).wait().exits(0);
    second.again(&args).wait().exits(2);
}

#[test]
fn a_finished_run_is_not_run_again_and_leaves_no_green_report() {
    let first = Story::new().connect(&["{name: Menu, test_case_id: c1}"]).args(&SAME).run();
    first.exits(0);
    let second = first.again(&SAME).wait();
    second.exits(2);
    assert!(second.stderr.contains("run nightly-1 is finished: passed"), "{}", second.stderr);
    assert_eq!(second.ledger.executions.len(), 1);
    assert_eq!(second.json()["conclusion"], "invalid");
    assert!(second.says("callcheck.run").contains("is finished"));
}

#[test]
fn a_suite_that_has_changed_is_shown_with_the_difference() {
    let first = kill_when(three().begin(), 4, 1);
    let suite = std::fs::read_to_string(first.file("suite.yaml")).unwrap();
    let changed = suite
        .replace("test_case_id: c2", "test_case_id: c9")
        .replace("{name: Menu, test_case_id: c1}", "{name: Menu, test_case_id: c1, retries: 1}")
        .replace("end_to_end: 90%", "end_to_end: 99%");
    std::fs::write(first.file("suite.yaml"), changed).unwrap();
    let second = first.again(&SAME).wait();
    second.exits(2);
    for line in [
        "the suite is not what it was when run nightly-1 began",
        "Story: connect test Menu: retries was 0, is 1",
        "Story: connect test Hours: test_case_id was c2, is c9",
        "Story: lex test Booking: expect.end_to_end was 90 %, is 99 %",
        "--resume=anyway",
    ] {
        assert!(second.stderr.contains(line), "{line}\n{}", second.stderr);
    }
    assert_eq!(second.ledger.executions.len(), 4, "nothing was started");
    let third = second.again(&["--run-id", "nightly-1", "--resume=anyway"]).wait();
    third.exits(1);
    assert_eq!(third.ledger.executions.len(), 5, "what is another test case is started");
    assert_eq!(third.says("Hours"), "success");
    assert!(third.says("Booking").starts_with("failure"), "it is judged by what is asked now");
}

#[test]
fn a_set_that_is_to_be_run_in_another_modality_is_another_one() {
    let first = Story::new()
        .connect(&["{name: Slow, test_case_id: c1}"])
        .lex(&["{name: Booking, test_set_id: TESTSET001, expect: none, modality: Text}"])
        .services("{c1: {runs: [{status: PASSED, after: 75s}]}}", "{}", "[]")
        .args(&SAME);
    let first = kill_when(first.begin(), 2, 1);
    let suite = std::fs::read_to_string(first.file("suite.yaml")).unwrap();
    let changed = suite.replace("modality: Text", "modality: Audio");
    std::fs::write(first.file("suite.yaml"), changed).unwrap();
    let second = first.again(&SAME).wait();
    second.exits(2);
    let difference = "Story: lex test Booking: modality was Text, is Audio";
    assert!(second.stderr.contains(difference), "{}", second.stderr);
    let third = second.again(&["--run-id", "nightly-1", "--resume=anyway"]).wait();
    third.exits(0);
    assert_eq!(third.ledger.executions.len(), 3, "it is started anew");
}

#[test]
fn a_damaged_journal_names_its_line_and_nothing_is_started() {
    let first = kill_when(three().begin(), 4, 1);
    let path = first.file(".callcheck/runs/nightly-1.jsonl");
    let mut lines: Vec<String> =
        std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    lines[6] = "{\"record\":\"intent\",".to_owned();
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    let calls = first.ledger.calls.len();
    for args in [&SAME[..], &["--resume"]] {
        let second = first.again(args).wait();
        second.exits(2);
        assert!(
            second.stderr.contains("nightly-1.jsonl cannot be used: line 7 is damaged"),
            "{}",
            second.stderr
        );
        assert_eq!(second.ledger.calls.len(), calls);
    }
    // Of another suite it would not matter.
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"suite\":\"Story\"", "\"suite\":\"Other\"")).unwrap();
    first.again(&["--resume"]).wait().exits(1);
    // A run of its own is not kept from running.
    first.again(&["--run-id", "nightly-2"]).wait().exits(1);
}

#[test]
fn a_state_directory_that_cannot_be_written_is_found_before_the_first_start() {
    let outcome = Story::new()
        .connect(&["{name: Menu, test_case_id: c1}"])
        .args(&["--state-dir", "suite.yaml/state"])
        .run();
    outcome.exits(3);
    assert!(outcome.stderr.contains("state directory suite.yaml/state"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("--state-dir"), "{}", outcome.stderr);
    assert!(outcome.ledger.calls.is_empty());
    assert_eq!(outcome.json()["exit_code"], 3);
}

#[test]
fn a_lock_that_cannot_be_taken_is_not_taken_for_another_process() {
    let first = kill_when(three().begin(), 4, 1);
    let lock = first.file(".callcheck/runs/nightly-1.lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    let second = first.again(&["--resume"]).wait();
    second.exits(3);
    assert!(second.stderr.contains("nightly-1.lock is no file"), "{}", second.stderr);
    assert_eq!(second.ledger.executions.len(), 4, "nothing is started a second time");
}

#[test]
fn no_report_takes_the_place_of_a_journal() {
    let outcome = Story::new()
        .connect(&["{name: Menu, test_case_id: c1}"])
        .args(&["--run-id", "r", "--junit", ".callcheck/runs/r.jsonl"])
        .run();
    outcome.exits(2);
    assert!(outcome.stderr.contains("among the journals"), "{}", outcome.stderr);
    assert!(outcome.ledger.calls.is_empty());
}

#[test]
fn a_journal_that_is_deleted_while_it_is_written_is_missed() {
    let running = Story::new()
        .connect(&["{name: Menu, test_case_id: c1, retries: 1}", "{name: Hours, test_case_id: c2}"])
        .services("{c1: {runs: [{status: FAILED, after: 40s}, {status: PASSED}]}}", "{}", "[]")
        .begin();
    running.wait_for(|ledger| ledger.executions.len() == 2);
    std::fs::remove_dir_all(running.file(".callcheck")).unwrap();
    let outcome = running.wait();
    outcome.exits(1);
    assert!(outcome.stderr.contains("somebody has deleted it"), "{}", outcome.stderr);
    assert_eq!(outcome.ledger.executions.len(), 2, "without it nothing is started");
    assert_eq!(outcome.says("Hours"), "success", "and what runs is seen to its end");
    assert!(outcome.says("callcheck.run").contains("the journal could not be written"));
    // Under its id all would be started again.
    assert!(!outcome.stderr.contains("to take the run up"), "{}", outcome.stderr);
}

#[test]
fn a_run_whose_end_is_not_on_disk_is_not_green() {
    // A report of more than a pipe holds: until it is read, the run does not get to its end.
    let tags: Vec<String> = (0..50).map(|i| format!("{i}-{}", "t".repeat(80))).collect();
    let test =
        |i: usize| format!("{{name: Menu {i}, test_case_id: c{i}, tags: [{}]}}", tags.join(", "));
    let tests: Vec<String> = (0..20).map(test).collect();
    let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
    let args = ["--run-id", "r", "--json", "/dev/stdout"];
    let running = Story::new().connect(&tests).args(&args).begin();
    let journal = running.file(".callcheck/runs/r.jsonl");
    running.wait_for(|_| {
        let text = std::fs::read_to_string(&journal).unwrap_or_default();
        text.matches("\"judged\"").count() == tests.len()
    });
    std::fs::remove_dir_all(running.file(".callcheck")).unwrap();
    let outcome = running.wait();
    outcome.exits(3);
    assert!(outcome.stderr.contains("somebody has deleted it"), "{}", outcome.stderr);
    assert!(outcome.says("callcheck.run").contains("the journal could not be written"));
    assert_eq!(outcome.says("Menu 0"), "success");
}

#[test]
fn a_run_that_is_under_way_is_not_begun_a_second_time() {
    let running = three().begin();
    running.wait_for(|ledger| ledger.executions.len() == 4);
    let beside = running.beside(&["--run-id", "nightly-1", "--junit", "other.xml"]).wait();
    beside.exits(2);
    assert!(beside.stderr.contains("is under way in another process"), "{}", beside.stderr);
    // One that is under way is no unfinished one.
    let beside = running.beside(&["--resume", "--name", "Menu", "--junit", "third.xml"]).wait();
    beside.exits(0);
    assert!(beside.stderr.contains("run nightly-1 is under way"), "{}", beside.stderr);
    assert!(beside.stderr.contains("there is no run to take up"), "{}", beside.stderr);
    running.wait().exits(1);
}

#[test]
fn two_runs_of_one_set_do_not_adopt_each_others() {
    // The reply to the first start is lost; a second run starts the same set just then.
    let story = |run_id: &str| {
        Story::new()
            .lex(&["{name: Booking, test_set_id: TESTSET001, expect: none}"])
            .services(
                "{}",
                "{TESTSET001: {runs: [{status: Completed, after: 60s}]}}",
                "[{operation: StartTestExecution, calls: [1], fault: reset_after}]",
            )
            .args(&["--run-id", run_id])
    };
    let first = story("a").begin();
    first.wait_for(|ledger| ledger.executions.len() == 1);
    let second = first.beside(&["--run-id", "b", "--junit", "b.xml", "--json", "b.json"]).wait();
    second.exits(0);
    let first = first.wait();
    first.exits(0);
    assert_eq!(first.ledger.executions.len(), 2);
    let id = |name: &str| {
        let report: serde_json::Value =
            serde_json::from_slice(&std::fs::read(first.file(name)).unwrap()).unwrap();
        let start = &report["suites"][0]["tests"][0]["attempts"][0]["starts"][0];
        (start["execution_id"].clone(), start["adopted"].clone())
    };
    let (a, b) = (id("report.json"), id("b.json"));
    assert_eq!((&a.1, &b.1), (&true.into(), &false.into()));
    assert_ne!(a.0, b.0);
}

#[test]
fn with_other_credentials_a_run_goes_on_where_it_was_refused() {
    let first = Story::new()
        .connect(&[
            "{name: Menu, test_case_id: c1}",
            "{name: Hours, test_case_id: c2, timeout: 20s}",
        ])
        .services(
            "{c2: {runs: [{status: PASSED, after: 50s}]}}",
            "{}",
            "[{operation: GetTestCaseExecutionSummary, target: c2, calls: [3], fault: error,
               status: 403, code: ExpiredTokenException, message: The security token is expired}]",
        )
        .args(&SAME)
        .run();
    first.exits(3);
    assert!(first.says("Hours").starts_with("error CredentialsError"), "{}", first.says("Hours"));
    assert!(first.stderr.contains("to take the run up"), "{}", first.stderr);
    let second = first.again(&SAME).wait();
    second.exits(0);
    assert_eq!(second.ledger.executions.len(), 2);
}

#[test]
fn a_simulated_run_keeps_no_journal() {
    let folder = tempfile::tempdir().unwrap();
    let suite = "name: s\nconnect: {instance_id: i, test_cases: [{name: t, test_case_id: t}]}\n";
    std::fs::write(folder.path().join("suite.yaml"), suite).unwrap();
    std::fs::write(folder.path().join("fast.yaml"), "speed: 50\n").unwrap();
    for _ in 0..2 {
        let output = crate::harness::callcheck(folder.path())
            .args(["run", "suite.yaml", "--simulate=fast.yaml", "--run-id", "r", "--resume"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("a simulated run leaves nothing to take up"), "{said}");
    }
    assert!(!folder.path().join(".callcheck").exists());
}
