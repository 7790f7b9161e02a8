//! What a person sees, and what other programs read.

use quick_junit::TestCaseStatus;

use crate::harness::{Outcome, Story, callcheck};

pub(crate) fn failing() -> Story {
    Story::new().connect(&["{name: Menu, test_case_id: c1, tags: [voice], id: menu}"]).services(
        "{c1: {runs: [{status: FAILED, after: 1s}]}}",
        "{}",
        "[]",
    )
}

fn execution_id(outcome: &Outcome) -> String {
    outcome.ledger.executions[0].execution_id.clone()
}

#[test]
fn the_end_of_the_log_says_what_broke_why_where_and_what_to_look_up() {
    let outcome = failing().run();
    let id = execution_id(&outcome);
    for expected in ["FAILED  Menu", "suite.yaml:12", &id, "aws connect", "1 failed", "(exit 1)"] {
        assert!(outcome.stdout.contains(expected), "{expected} in:\n{}", outcome.stdout);
    }
}

#[test]
fn the_log_shows_each_start_move_and_end() {
    // Long enough, at fifty times the speed, for a look between its start and its end.
    let outcome = Story::new()
        .connect(&["{name: Menu, test_case_id: c1}"])
        .services("{c1: {runs: [{status: FAILED, after: 100s}]}}", "{}", "[]")
        .run();
    for expected in ["INITIATED", "IN_PROGRESS", "failed", "[1/1]"] {
        assert!(outcome.stderr.contains(expected), "{expected} in:\n{}", outcome.stderr);
    }
}

#[test]
fn quiet_says_the_result_only() {
    let outcome = failing().args(&["-q"]).run();
    assert_eq!(outcome.stderr, "");
    assert!(outcome.stdout.contains("FAILED  Menu"));
}

#[test]
fn verbose_tells_of_retries() {
    let outcome = Story::new()
        .connect(&["{name: Menu, test_case_id: c1}"])
        .services("{}", "{}", "[{operation: StartTestCaseExecution, calls: [1], fault: quota}]")
        .args(&["-v"])
        .run();
    outcome.exits(0);
    assert!(outcome.stderr.contains("retrying"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("ServiceQuotaExceededException"), "{}", outcome.stderr);
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    assert!(!failing().run().stdout.contains('\u{1b}'), "a pipe is no terminal");
    assert!(failing().args(&["--color", "always"]).run().stdout.contains("\u{1b}["));
    let outcome = failing().args(&["--color", "never"]).env("CLICOLOR_FORCE", "1").run();
    assert!(!outcome.stdout.contains('\u{1b}'));
}

#[test]
fn junit_names_file_line_and_ids() {
    let outcome = failing().run();
    let case = outcome.case("Menu");
    assert_eq!(case.classname.as_ref().unwrap().as_str(), "connect.Story");
    assert_eq!(case.extra["file"].as_str(), "suite.yaml");
    assert_eq!(case.extra["line"].as_str(), "12");
    assert!(case.time.is_some());
    let property = |name: &str| {
        let found = case.properties.iter().find(|property| property.name.as_str() == name);
        found.map(|property| property.value.as_str().to_owned())
    };
    assert_eq!(property("execution_id"), Some(execution_id(&outcome)));
    assert_eq!(property("region").as_deref(), Some("us-east-1"));
    assert_eq!(property("test_case_id").as_deref(), Some("c1"));
    assert_eq!(property("id").as_deref(), Some("menu"));
    let TestCaseStatus::NonSuccess { description, .. } = case.status else { panic!("not failed") };
    assert!(description.unwrap().as_str().contains("suite.yaml:12"));
}

#[test]
fn the_json_report_has_the_shape_of_its_version() {
    let outcome = failing().args(&["--run-id", "nightly-7"]).run();
    let report = outcome.json();
    assert_eq!(report["version"], 1);
    assert_eq!(report["run_id"], "nightly-7");
    assert_eq!(report["exit_code"], 1);
    let suite = &report["suites"][0];
    assert_eq!((&suite["name"], &suite["file"]), (&"Story".into(), &"suite.yaml".into()));
    let test = &suite["tests"][0];
    for (key, value) in [
        ("service", "connect"),
        ("id", "menu"),
        ("name", "Menu"),
        ("verdict", "failed"),
        ("region", "us-east-1"),
    ] {
        assert_eq!(test[key], value, "{key}");
    }
    assert_eq!(test["line"], 12);
    assert_eq!(test["tags"][0], "voice");
    let attempt = &test["attempts"][0];
    assert_eq!(attempt["number"], 1);
    assert_eq!(attempt["status"], "FAILED");
    assert_eq!(attempt["starts"][0]["execution_id"], execution_id(&outcome).as_str());
    assert_eq!(attempt["starts"][0]["adopted"], false);
    for key in ["started_at", "ended_at", "seconds", "message"] {
        assert!(!attempt[key].is_null(), "{key}");
    }
}

#[test]
fn personal_data_stands_in_no_output_unless_it_is_asked_for() {
    let story = || {
        Story::new().connect(&["{name: Menu, test_case_id: c1, retries: 1}"]).services(
            "{c1: {runs: [{status: FAILED, after: 1s, observations: [
                {id: menu, status: FAILED, text: 'Call +1 415 555 0123 or jane@example.com'}]}]}}",
            "{}",
            "[]",
        )
    };
    let outputs = |outcome: &Outcome| {
        let junit = std::fs::read_to_string(outcome.file("junit.xml")).unwrap();
        [outcome.stdout.clone(), outcome.stderr.clone(), junit, outcome.json().to_string()]
    };
    for output in outputs(&story().run()) {
        assert!(output.contains("Call [phone] or [email]"), "{output}");
        assert!(!output.contains("0123") && !output.contains("jane"), "{output}");
    }
    for output in outputs(&story().args(&["--show-sensitive"]).run()) {
        assert!(output.contains("+1 415 555 0123"), "{output}");
    }
}

#[test]
fn a_report_on_stdout_is_alone_there() {
    let story = failing().args(&["--json", "/dev/stdout"]).env("GITHUB_ACTIONS", "true");
    let before = "what another step has said\n";
    let file = story.path().join("out.txt");
    std::fs::write(&file, before).unwrap();
    let to = std::fs::OpenOptions::new().append(true).open(&file).unwrap();
    let outcome = story.begin_with(|command| _ = command.stdout(to)).wait();
    outcome.exits(1);
    let text = std::fs::read_to_string(outcome.file("out.txt")).unwrap();
    let report = text.strip_prefix(before).unwrap();
    let report: serde_json::Value = serde_json::from_str(report).unwrap();
    assert_eq!(report["conclusion"], "failed");
    for said in ["FAILED  Menu", "\n::error file=suite.yaml,line=12,"] {
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
    let again = outcome.file("again.xml");
    let to = std::fs::File::create(&again).unwrap();
    let report = outcome.file("out.json");
    std::fs::write(&report, text.strip_prefix(before).unwrap()).unwrap();
    let render = ["render", "out.json", "--junit", "/dev/stdout"];
    let status = callcheck(report.parent().unwrap()).args(render).stdout(to).status().unwrap();
    assert!(status.success());
    let text = std::fs::read_to_string(again).unwrap();
    assert!(quick_junit::Report::deserialize_from_str(&text).is_ok(), "{text}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_in_a_folder_of_the_devices_is_a_file() {
    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = memory.path().join("report.xml");
    let outcome = failing().args(&["--junit", path.to_str().unwrap()]).run();
    outcome.exits(1);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(quick_junit::Report::deserialize_from_str(&text).is_ok(), "{text}");
}

#[test]
fn a_summary_that_cannot_be_written_is_found_before_the_first_start() {
    let story = failing().args(&["--summary", "folder"]);
    std::fs::create_dir(story.path().join("folder")).unwrap();
    let outcome = story.run();
    outcome.exits(3);
    assert!(outcome.ledger.calls.is_empty());
    assert!(outcome.stderr.contains("failed to write the summary to folder"), "{}", outcome.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_its_reader_does_not_take_leaves_nothing_green() {
    let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]);
    let outcome = story.args(&["--json", "/dev/full", "--summary", "summary.md"]).run();
    outcome.exits(3);
    assert!(outcome.says("callcheck.run").contains("failed to write the JSON report"));
    let text = std::fs::read_to_string(outcome.file("summary.md")).unwrap();
    assert!(text.starts_with("❌ **callcheck: incomplete**"), "{text}");
    // What is known by then, a stream says, too.
    let outcome = outcome.again(&["--json", "/dev/stdout", "--summary", "/dev/full"]).wait();
    outcome.exits(3);
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((&report["exit_code"], &report["conclusion"]), (&3.into(), &"incomplete".into()));
}

#[test]
fn a_summary_of_an_earlier_run_does_not_stay() {
    let story = failing().args(&["--summary", "summary.md"]);
    std::fs::write(story.path().join("summary.md"), "passed\n").unwrap();
    let running = story.services("{c1: {runs: [{status: IN_PROGRESS}]}}", "{}", "[]").begin();
    running.wait_for(|ledger| ledger.executions.len() == 1);
    running.signal("KILL");
    let text = std::fs::read_to_string(running.wait().file("summary.md")).unwrap();
    assert!(text.contains("incomplete"), "{text}");
}

#[test]
fn missing_folders_of_reports_are_made() {
    let outcome = failing().args(&["--junit", "a/b/junit.xml"]).run();
    outcome.exits(1);
    assert!(outcome.file("a/b/junit.xml").exists());
}

#[test]
fn the_log_folds_where_the_host_knows_how() {
    for (name, open, close) in [
        ("GITHUB_ACTIONS", "::group::callcheck: progress\n", "::endgroup::\n"),
        ("GITLAB_CI", ":callcheck_progress[collapsed=true]\r", ":callcheck_progress\r"),
        ("TF_BUILD", "##[group]callcheck: progress\n", "##[endgroup]\n"),
        ("BUILDKITE", "--- callcheck: progress\n", "+++ callcheck: result\n"),
    ] {
        let log = failing().env(name, "true").run().stderr;
        let (opened, closed) = (log.find(open), log.find(close));
        assert!(opened.is_some() && opened < closed, "{name}:\n{log}");
    }
    let log = failing().run().stderr;
    assert!(!log.contains("progress"), "{log}");
    let log = failing().env("GITHUB_ACTIONS", "true").args(&["-q"]).run().stderr;
    assert_eq!(log, "");
}

#[test]
fn no_text_from_aws_or_a_suite_is_a_command_of_the_host() {
    let outcome = Story::new()
        .connect(&["{name: '##vso[task.complete]', test_case_id: c1, retries: 1}"])
        .services(
            "{c1: {runs: [{status: FAILED, after: 1s, observations: [
                {id: '::error::x', status: FAILED, text: '##[error]##vso[a]##teamcity[b]'}]}]}}",
            "{}",
            "[]",
        )
        .args(&["-v"])
        .run();
    outcome.exits(1);
    for text in [&outcome.stdout, &outcome.stderr] {
        for command in ["##[", "##vso[", "##teamcity[", "\n::"] {
            assert!(!text.contains(command), "{command:?} in:\n{text}");
        }
    }
    // Nor is anything of a suite that cannot be read, or of the command line.
    let outcome = failing().suite("##vso[x]: &a [\n::error::y\n").run();
    assert!(!outcome.stderr.contains("##vso[") && !outcome.stderr.contains("\n::"));
    let outcome = failing().args(&["--run-id", "x\n::error::y ##[z]"]).run();
    outcome.exits(2);
    assert!(!outcome.stderr.contains("\n::") && !outcome.stderr.contains("##["));
}
