//! Bad input: exit 2 or 4, a clear message, a report, and not one call.

use crate::harness::{Outcome, Story, callcheck};

#[track_caller]
fn no_call(outcome: &Outcome) {
    assert!(outcome.ledger.calls.is_empty(), "{:?}", outcome.ledger.calls);
}

/// The one error that the report holds.
fn run_error(outcome: &Outcome) -> String {
    assert_eq!(outcome.junit().errors, 1);
    outcome.says("callcheck.run")
}

#[test]
fn a_bad_suite_is_exit_2_with_every_problem_and_no_call() {
    let outcome = Story::new()
        .suite("name: s\ntimout: 5m\nconnect:\n  test_cases:\n  - {name: t, retries: x}\n")
        .run();
    outcome.exits(2);
    no_call(&outcome);
    for expected in [
        "suite.yaml:2:1",
        "did you mean `timeout`?",
        "suite.yaml:5:24",
        "`test_case_id` is missing",
        "`instance_id` is missing",
    ] {
        assert!(outcome.stderr.contains(expected), "{expected} in:\n{}", outcome.stderr);
    }
    assert_eq!(run_error(&outcome), "error RunError: the suite is invalid; nothing was started");
    assert_eq!(outcome.json()["conclusion"], "invalid");
    assert_eq!(outcome.json()["exit_code"], 2);
}

#[test]
fn nothing_selected_is_exit_4_unless_it_may_be() {
    let story = || Story::new().connect(&["{name: Menu, test_case_id: c1, tags: [voice]}"]);
    let outcome = story().args(&["--tag", "voise"]).run();
    outcome.exits(4);
    no_call(&outcome);
    assert!(outcome.stderr.contains("tags in the suites: voice"), "{}", outcome.stderr);
    assert!(run_error(&outcome).contains("none of 1 tests is selected"));
    assert_eq!(outcome.json()["conclusion"], "empty");

    let outcome = story().args(&["--tag", "voise", "--allow-empty"]).run();
    outcome.exits(0);
    no_call(&outcome);
    assert!(outcome.says("(no test)").starts_with("skipped"));
}

#[test]
fn only_what_is_selected_is_run() {
    let outcome = Story::new()
        .connect(&[
            "{name: Billing by voice, test_case_id: c1, tags: [voice]}",
            "{name: Billing by chat, test_case_id: c2, tags: [chat]}",
            "{name: Hours, test_case_id: c3, tags: [voice]}",
        ])
        .args(&["--name", "Billing*", "--not-tag", "chat"])
        .run();
    outcome.exits(0);
    assert_eq!(outcome.junit().tests, 1);
    assert_eq!(outcome.ledger.executions.len(), 1);
}

#[test]
fn two_suites_of_one_name_are_refused() {
    let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]);
    let other = "name: Story\nconnect: {instance_id: i, test_cases: []}\n";
    std::fs::write(story.path().join("other.yaml"), other).unwrap();
    let outcome = story.args(&["other.yaml"]).run();
    outcome.exits(2);
    no_call(&outcome);
    assert!(outcome.stderr.contains("a second suite is named `Story`"), "{}", outcome.stderr);
}

#[test]
fn a_wrong_command_line_leaves_no_old_green_report() {
    let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]);
    std::fs::write(story.path().join("junit.xml"), "<testsuites/>").unwrap();
    let outcome = story.args(&["--no-such-flag"]).run();
    outcome.exits(2);
    no_call(&outcome);
    assert!(run_error(&outcome).contains("the command line is invalid"));
}

#[test]
fn an_old_green_report_goes_wherever_the_command_line_breaks() {
    for args in [
        &["--junit", "my.xml", "--timeout", "0s"][..],
        &["--bogus", "--junit", "my.xml"],
        &["--junit=my.xml", "--retries", "99999999999"],
        &["--junit", "my.xml", "--endpoint-url", "htp://x"],
    ] {
        let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]);
        std::fs::write(story.path().join("my.xml"), "<testsuites/>").unwrap();
        let outcome = story.args(args).run();
        outcome.exits(2);
        let report = std::fs::read_to_string(outcome.file("my.xml")).unwrap();
        assert!(report.contains("the command line is invalid"), "{args:?}: {report}");
    }
}

#[test]
fn a_report_is_no_part_of_another_and_not_the_history() {
    for (args, said) in [
        (
            &["--junit", "r.xml", "--html", "r.part2.xml"],
            "r.part2.xml is to be a part of the JUnit",
        ),
        (&["--junit", "r.xml", "--html", ".callcheck/history.json"], "two things are to be in"),
        (&["--junit", "same.xml", "--html", "sub/../same.xml"], "two things are to be in"),
    ] {
        let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]);
        let outcome = story.args(args).run();
        no_call(outcome.exits(2));
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
}

#[test]
fn a_report_never_takes_the_place_of_a_suite_or_of_another_report() {
    let outcome = Story::new()
        .connect(&["{name: Menu, test_case_id: c1}"])
        .args(&["--junit", "./suite.yaml"])
        .run();
    outcome.exits(2);
    no_call(&outcome);
    assert!(std::fs::read_to_string(outcome.file("suite.yaml")).unwrap().contains("Menu"));
    let same = Story::new().connect(&["{name: Menu, test_case_id: c1}"]);
    no_call(same.args(&["--junit", "report.json"]).run().exits(2));
}

#[test]
fn a_region_flag_that_an_arn_contradicts_is_refused() {
    let arn = "arn:aws:connect:eu-west-2:111122223333:instance/i-1";
    let test = format!("{{name: Menu, test_case_id: c1, instance_id: '{arn}'}}");
    let suite = format!("name: s\nconnect: {{test_cases: [{test}]}}\n");
    let outcome = Story::new().suite(&suite).args(&["--region", "us-east-1"]).run();
    no_call(outcome.exits(2));
    let outcome = Story::new().suite(&suite).args(&["--region", "eu-west-2"]).run();
    outcome.exits(0);
}

#[test]
fn run_ids_that_cannot_name_a_file_are_refused() {
    for id in ["../x", "", "-x", ".x", "a b", &"x".repeat(65)] {
        let argument = format!("--run-id={id}");
        let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]).args(&[&argument]);
        no_call(story.run().exits(2));
    }
}

#[test]
fn without_a_region_it_says_where_to_set_one() {
    let suite = "name: s\nconnect: {instance_id: i, test_cases: [{name: t, test_case_id: t}]}\n";
    let outcome = Story::new().suite(suite).run();
    outcome.exits(2);
    no_call(&outcome);
    assert!(outcome.stderr.contains("AWS_REGION"), "{}", outcome.stderr);
    no_call(Story::new().suite(suite).env("AWS_REGION", "").run().exits(2));
    no_call(Story::new().suite(suite).env("AWS_REGION", "Ohio").run().exits(2));
    let outcome = Story::new().suite(suite).env("AWS_REGION", "eu-west-2").args(&["-q"]).run();
    assert_eq!(outcome.result("t")["region"], "eu-west-2");
}

#[test]
fn validate_tells_good_from_bad_without_a_network() {
    let folder = tempfile::tempdir().unwrap();
    let good = "name: s\nconnect: {instance_id: i, test_cases: [{name: t, test_case_id: t}]}\n";
    std::fs::write(folder.path().join("good.yaml"), good).unwrap();
    std::fs::write(folder.path().join("bad.yaml"), "name: [").unwrap();
    let validate = |file: &str| callcheck(folder.path()).args(["validate", file]).output().unwrap();
    let output = validate("good.yaml");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "good.yaml: ok, 1 tests (1 Connect, 0 Lex)\n"
    );
    assert_eq!(validate("bad.yaml").status.code(), Some(2));
    assert_eq!(validate("missing.yaml").status.code(), Some(2));
}

#[test]
fn the_suite_that_the_readme_shows_is_valid() {
    let readme = include_str!("../../README.md");
    let suite = readme.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("callcheck.yaml"), suite).unwrap();
    let validate = callcheck(folder.path())
        .arg("validate")
        .env("CONNECT_INSTANCE_ID", "11111111-2222-3333-4444-555555555555")
        .output()
        .unwrap();
    assert_eq!(validate.status.code(), Some(0), "{}", String::from_utf8_lossy(&validate.stderr));
}

#[test]
fn the_schema_is_printed_as_it_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let output = callcheck(folder.path()).arg("schema").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), callcheck::suite::SCHEMA);
}

#[test]
fn a_pattern_stands_for_every_file_that_matches() {
    let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]);
    let folder = story.path().join("more/bots");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["b", "a"] {
        let text = format!(
            "name: {name}\nregion: us-east-1\nconnect: {{instance_id: i-1, test_cases: \
             [{{name: {name}, test_case_id: c2}}]}}\n"
        );
        std::fs::write(folder.join(format!("{name}.yaml")), text).unwrap();
    }
    let outcome = story.args(&["more/**/*.yaml", "more/bots/a*"]).run();
    outcome.exits(0);
    let report = outcome.json();
    let suites: Vec<_> =
        report["suites"].as_array().unwrap().iter().map(|suite| suite["file"].clone()).collect();
    assert_eq!(suites, ["suite.yaml", "more/bots/a.yaml", "more/bots/b.yaml"]);
}

#[test]
fn a_pattern_that_nothing_matches_is_no_pass() {
    let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]);
    let outcome = story.args(&["more/*.yaml"]).run();
    no_call(outcome.exits(2));
    assert!(run_error(&outcome).contains("failed to look for `more/*.yaml`"), "{}", outcome.stderr);
    let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]);
    let outcome = story.args(&["*.yml"]).run();
    no_call(outcome.exits(2));
    assert!(run_error(&outcome).contains("no file matches `*.yml`"), "{}", outcome.stderr);
}

#[test]
fn a_pattern_takes_each_file_once_and_leaves_links_and_hidden_folders() {
    let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]);
    let folder = story.path().to_owned();
    std::fs::create_dir_all(folder.join(".hidden")).unwrap();
    std::fs::create_dir_all(folder.join("a")).unwrap();
    std::fs::write(folder.join(".hidden/b.yaml"), "not: a suite").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("..", folder.join("a/up")).unwrap();
    let whole = folder.join("*.yaml");
    let outcome = story.args(&["**/*.yaml", "./*.yaml", whole.to_str().unwrap()]).run();
    outcome.exits(0);
    assert_eq!(outcome.json()["suites"].as_array().unwrap().len(), 1);
    // One that is asked for is looked into.
    let outcome = outcome.again(&[".hidden/*.yaml"]).wait();
    outcome.exits(2);
    assert!(outcome.stderr.contains("b.yaml"), "{}", outcome.stderr);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_matters_where_the_pattern_reaches_it() {
    let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]);
    let closed = story.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o000);
    std::fs::set_permissions(&closed, mode).unwrap();
    let outcome = story.args(&["./*.yaml"]).run();
    outcome.exits(0);
    // Root reads everything.
    let is_root = std::fs::read_dir(&closed).is_ok();
    let outcome = outcome.again(&["**/*.yaml"]).wait();
    outcome.exits(if is_root { 0 } else { 2 });
    let said = outcome.stderr.contains("failed to look for `**/*.yaml`");
    assert_eq!(said, !is_root, "{}", outcome.stderr);
}

#[test]
fn a_command_line_that_breaks_takes_no_suite_away() {
    let broken: [&[&str]; 7] = [
        &["--junit", "a=b.yaml", "a=b.yaml", "--retries", "many"],
        &["--junit", "suite.yaml", "--retries", "many"],
        // It may be the suite, where none is named.
        &["--junit", "callcheck.yaml", "--retries", "many"],
        &["--state-dir", "s", "--junit", "s/runs/r.jsonl", "--retries", "many"],
        &["--junit", "more.yaml", "m*.yaml", "--retries", "many"],
        &["--json", "more.yaml", "--simulate=more.yaml", "--retries", "many"],
        &["nothing*", "m*.yaml", "--junit", "more.yaml"],
    ];
    for args in broken {
        let story = Story::new().connect(&["{name: Menu, test_case_id: c1}"]).args(args);
        std::fs::create_dir_all(story.path().join("s/runs")).unwrap();
        let kept = ["suite.yaml", "more.yaml", "callcheck.yaml", "a=b.yaml", "s/runs/r.jsonl"];
        for name in &kept[1..] {
            std::fs::write(story.path().join(name), "name: More\n").unwrap();
        }
        let outcome = story.run();
        no_call(outcome.exits(2));
        for name in kept {
            let text = std::fs::read_to_string(outcome.file(name)).unwrap();
            assert!(text.starts_with("name: "), "{args:?}: {text}");
        }
    }
}

#[test]
fn the_least_policy_is_printed_and_what_is_not_known_is_said() {
    let suite = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/suite.yaml");
    let folder = tempfile::tempdir().unwrap();
    let print = |args: &[&str]| {
        let output =
            callcheck(folder.path()).args(["iam-policy", suite]).args(args).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), stderr)
    };
    let (code, policy, notes) = print(&["--tag", "smoke", "--account", "111122223333"]);
    assert_eq!(code, Some(0), "{notes}");
    insta::assert_snapshot!(policy);
    assert!(
        notes.contains("note: not tried on an account") && !notes.contains("--account"),
        "{notes}"
    );
    let (_, policy, notes) = print(&[]);
    assert!(policy.contains("arn:aws:lex:us-east-1:*:test-set/TESTSET001"), "{policy}");
    assert!(notes.contains("--account"), "{notes}");
    let (code, policy, notes) = print(&["--tag", "none"]);
    assert_eq!((code, policy.as_str()), (Some(4), ""), "{notes}");
    let (code, _, notes) = print(&["--tag", "none", "--allow-empty"]);
    assert_eq!(code, Some(2), "{notes}");
    let (code, _, notes) = print(&["--account", "1"]);
    assert_eq!(code, Some(2), "{notes}");
}

#[test]
fn no_call_is_made_that_the_policy_does_not_allow() {
    // All that may come of a test: a failure with its records, a time that is up, a lost reply, and so
    // many at once that they are listed.
    let mut tests: Vec<String> =
        (3..15).map(|n| format!("{{name: Passes {n}, test_case_id: c{n}}}")).collect();
    tests.push("{name: Fails, test_case_id: c1}".to_owned());
    tests.push("{name: Hangs, test_case_id: c2, timeout: 500ms}".to_owned());
    let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
    let story = Story::new()
        .connect(&tests)
        .lex(&["{name: Below, test_set_id: TESTSET001, expect: {end_to_end: 95%}}"])
        .services(
            "{c1: {runs: [{status: FAILED, after: 1s}]}, c2: {runs: [{status: IN_PROGRESS}]}}",
            "{TESTSET001: {runs: [{status: Completed, after: 1s, \
             results: {utterances: 10, matched: 1}}]}}",
            "[{operation: StartTestExecution, calls: [1], fault: reset_after}]",
        );
    let folder = story.path().to_owned();
    let outcome = story.args(&["--details", "always"]).run();
    outcome.exits(1);
    let policy = callcheck(&folder).args(["iam-policy", "suite.yaml"]).output().unwrap();
    let policy: serde_json::Value = serde_json::from_slice(&policy.stdout).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|it| it["Action"].as_array().unwrap());
    let mut unused: Vec<&str> = actions.map(|action| action.as_str().unwrap()).collect();
    for call in &outcome.ledger.calls {
        let allowed = |action: &&str| action.ends_with(&format!(":{}", call.operation));
        assert!(
            policy.to_string().contains(&format!(":{}\"", call.operation)),
            "{}",
            call.operation
        );
        unused.retain(|action| !allowed(action));
    }
    // AWS asks for it with the results.
    assert_eq!(unused, ["lex:ListTestSetRecords"], "nor is more allowed than is called");
}

#[test]
fn a_suite_of_arns_alone_says_all_that_a_run_needs() {
    let arn = "arn:aws:connect:eu-west-2:111122223333:instance/i-1/test-case/c1";
    let suite = format!(
        "x-common: &common {{poll: {{min: 20ms, max: 50ms}}}}\nname: Story\nconnect:\n  <<: *common\n  \
         test_cases: [{{name: Menu, test_case_id: '{arn}'}}]\n"
    );
    let outcome = Story::new().suite(&suite).run();
    outcome.exits(0);
    let execution = &outcome.ledger.executions[0];
    assert_eq!(execution.region, "eu-west-2");
    assert_eq!(execution.test_case_id.as_deref(), Some("c1"), "the id is what AWS is sent");
    assert_eq!(outcome.result("Menu")["target"]["instance_id"], "i-1");
    let folder = outcome.file("suite.yaml").parent().unwrap().to_owned();
    let policy = callcheck(&folder).args(["iam-policy", "suite.yaml"]).output().unwrap();
    let policy = String::from_utf8(policy.stdout).unwrap();
    assert!(policy.contains("111122223333") && policy.contains("test-case/c1"), "{policy}");
    // It agrees with the command line, too, or nothing is started.
    let elsewhere = outcome.again(&["--region", "us-east-1"]).wait();
    elsewhere.exits(2);
    assert!(elsewhere.stderr.contains("ARN is not of --region us-east-1"), "{}", elsewhere.stderr);
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let folder = tempfile::tempdir().unwrap();
        let output = callcheck(folder.path()).args(["completions", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && script.contains("iam-policy"), "{shell}: {script}");
    }
}
