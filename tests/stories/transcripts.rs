//! What the reports tell of the records of a Connect execution, whatever form those have.
//!
//! Each file of `tests/data/records` is a run of a scenario with the records as AWS's API gives them;
//! the text beside it is what a person reads of it.

use std::fs;
use std::path::Path;

use fastrand::Rng;
use quick_junit::TestCaseStatus;
use serde_json::{Map, Value, json};

use crate::harness::{Outcome, Story};

/// The runs of the data files by name.
fn recorded() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/records");
    let mut runs: Vec<(String, Value)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            (name, file["run"].clone())
        })
        .collect();
    runs.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(runs.len() > 20, "{}", runs.len());
    runs
}

/// A run of one test for each of `runs`, with the details of all of them; `form` has further keys of
/// the scenario's section `connect`.
fn story(runs: &[(String, Value)], form: Value) -> Story {
    let tests: Vec<String> =
        runs.iter().map(|(name, _)| format!("{{name: {name}, test_case_id: {name}}}")).collect();
    let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
    let cases: Map<String, Value> =
        runs.iter().map(|(name, run)| (name.clone(), json!({"runs": [run]}))).collect();
    let mut connect = json!({
        "limits": {"requests_per_second": 100_000, "burst": 10_000, "concurrent": 50},
        "test_cases": cases,
    });
    let form = form.as_object().cloned().unwrap_or_default();
    connect.as_object_mut().unwrap().extend(form);
    let scenario = json!({"speed": 50, "connect": connect}).to_string();
    Story::new().connect(&tests).scenario(&scenario).args(&[
        "--details",
        "always",
        "--summary",
        "summary.md",
        "--html",
        "report.html",
    ])
}

/// What a person reads of a test: verdict and message, the transcript as it stands in JUnit, and the
/// notes.
fn told(outcome: &Outcome, name: &str) -> String {
    let result = outcome.result(name);
    let attempt = &result["attempts"][0];
    let word = result["kind"].as_str().or(result["verdict"].as_str()).unwrap();
    let mut lines = vec![format!("{word}: {}", result["message"].as_str().unwrap())];
    let case = outcome.case(name);
    let body = match case.status {
        TestCaseStatus::NonSuccess { description, .. } => description,
        _ => case.system_out,
    };
    let body = body.map(|body| body.as_str().to_owned()).unwrap_or_default();
    let ours = |line: &&str| {
        line.starts_with("step ") || line.starts_with("  ") || line.starts_with("not reached")
    };
    lines.extend(body.lines().filter(ours).map(str::to_owned));
    let notes = attempt["notes"].as_array().into_iter().flatten();
    lines.extend(notes.map(|note| format!("note: {}", note.as_str().unwrap())));
    lines.join("\n") + "\n"
}

#[test]
fn each_form_of_records_is_told_as_the_text_beside_it() {
    let runs = recorded();
    let outcome = story(&runs, json!({})).run();
    outcome.exits(1);
    for (name, _) in &runs {
        let path = format!("{}/tests/data/records/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        let seen = told(&outcome, name);
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(seen, expected, "{path}: what is seen, then what is expected");
    }
    // Every report shows the same.
    let wrong =
        "expected \"… five, Monday to [-Friday-].\", heard \"… five, Monday to {+Thursday+}.\"";
    let read = |name: &str| fs::read_to_string(outcome.file(name)).unwrap();
    let unescaped = |text: String| text.replace("&quot;", "\"").replace("\\\"", "\"");
    for text in [
        outcome.stdout.clone(),
        outcome.stderr.clone(),
        unescaped(read("junit.xml")),
        unescaped(read("report.json")),
        unescaped(read("report.html")),
    ] {
        assert!(text.contains(wrong), "{text}");
    }
    // In Markdown, brackets are escaped.
    let summary = read("summary.md");
    assert!(summary.contains("expected \"… five, Monday to &#91;-Friday-&#93;.\""), "{summary}");
    assert!(summary.contains("\\{+Thursday+\\}"), "{summary}");
}

#[test]
fn the_raw_text_of_every_record_is_kept() {
    let runs: Vec<(String, Value)> =
        recorded().into_iter().filter(|(name, _)| name == "unreadable").collect();
    let outcome = story(&runs, json!({})).run();
    let records = &outcome.result("unreadable")["attempts"][0]["records"];
    assert_eq!(records, &json!(["{\"Type\":\"OBSERVATION\",", "", "null", "[1,2]", "null"]));
}

#[test]
fn nothing_personal_is_left_in_any_part_of_a_transcript() {
    let runs: Vec<(String, Value)> =
        recorded().into_iter().filter(|(name, _)| name == "personal").collect();
    let outcome = story(&runs, json!({})).run();
    let read = |name: &str| fs::read_to_string(outcome.file(name)).unwrap();
    let reports = ["junit.xml", "report.json", "report.html", "summary.md"].map(read);
    for text in reports.iter().chain([&outcome.stdout, &outcome.stderr]) {
        for personal in ["0123", "0199", "jane", "8f1c7a52"] {
            assert!(!text.contains(personal), "{personal} in:\n{text}");
        }
    }
}

/// Any JSON, now and then of a form that is known.
fn any_json(rng: &mut Rng, depth: u32) -> Value {
    let words =
        ["FAILED", "PASSED", "TIMEOUT", "Assert", "$.Queue.Name", "", "press 1", "\u{0}\u{202e}"];
    let keys = ["Type", "Status", "Event", "Properties", "Text", "ExpectedText", "Actions", "x"];
    match rng.u8(..if depth == 0 { 5 } else { 7 }) {
        0 => Value::Null,
        1 => json!(rng.bool()),
        2 => json!(rng.i64(..)),
        3 | 4 => json!(words[rng.usize(..words.len())]),
        5 => (0..rng.usize(..4)).map(|_| any_json(rng, depth - 1)).collect(),
        _ => (0..rng.usize(..4))
            .map(|_| (keys[rng.usize(..keys.len())].to_owned(), any_json(rng, depth - 1)))
            .collect::<Map<String, Value>>()
            .into(),
    }
}

/// Takes parts of a value out, or puts anything in their place.
fn scramble(value: &mut Value, rng: &mut Rng) {
    match value {
        _ if rng.u8(..12) == 0 => *value = any_json(rng, 3),
        Value::Object(fields) => {
            fields.retain(|_, _| rng.u8(..10) > 0);
            fields.values_mut().for_each(|value| scramble(value, rng));
        }
        Value::Array(items) => {
            items.retain(|_| rng.u8(..10) > 0);
            rng.shuffle(items);
            items.iter_mut().for_each(|value| scramble(value, rng));
        }
        _ => {}
    }
}

/// Records of the known forms with anything changed in them, under either status.
fn scrambled(known: &[(String, Value)], rng: &mut Rng) -> Value {
    let mut run = known[rng.usize(..known.len())].1.clone();
    run["status"] = json!(["PASSED", "FAILED", "STOPPED"][rng.usize(..3)]);
    for item in run["records"].as_array_mut().unwrap() {
        scramble(&mut item["Record"], rng);
        if rng.u8(..10) == 0 {
            let text = item["Record"].to_string();
            let cut = text.floor_char_boundary(rng.usize(..=text.len()));
            item["Record"] = json!(&text[..cut]);
        }
    }
    run
}

#[test]
fn no_record_of_any_shape_breaks_a_run_or_contradicts_its_verdict() {
    let mut rng = Rng::with_seed(14);
    let known = recorded();
    let runs: Vec<(String, Value)> =
        (0..300).map(|n| (format!("t{n}"), scrambled(&known, &mut rng))).collect();
    let outcome = story(&runs, json!({})).run();
    outcome.exits(1);
    let (report, junit) = (outcome.json(), outcome.junit());
    let results = report["suites"][0]["tests"].as_array().unwrap();
    let told = results.iter().filter(|test| test["attempts"][0]["transcript"]["steps"].is_array());
    assert!(told.count() > 200, "most of what is left can be read");
    let cases = &junit.test_suites[0].test_cases;
    for (((name, run), result), case) in runs.iter().zip(results).zip(cases) {
        assert_eq!((&result["name"], case.name.as_str()), (&json!(name), name.as_str()));
        let attempt = &result["attempts"][0];
        let (verdict, message) = (&result["verdict"], result["message"].as_str().unwrap());
        let transcript = &attempt["transcript"];
        let counts = &attempt["observations"];
        let say = format!("{name}: {result:#}");
        let recorded = transcript["steps"].as_array().map_or(0, Vec::len) as u64;
        let total = transcript["total"].as_u64();
        assert!(total.is_none_or(|total| total >= recorded), "{say}");
        if run["status"] == "PASSED" && counts["total"].as_u64() > Some(0) {
            assert_eq!(verdict, "passed", "{say}");
            assert!(!message.contains("expected") && !message.contains("FAILED"), "{say}");
            assert_eq!(transcript["stopped_at"], Value::Null, "{say}");
            assert_eq!(transcript["not_reached"], Value::Null, "{say}");
            assert_eq!(attempt["failed_observations"], Value::Null, "{say}");
            assert!(matches!(case.status, TestCaseStatus::Success { .. }), "{say}");
        }
        if run["status"] == "FAILED" && counts["total"].as_u64() > Some(0) {
            assert_eq!(verdict, "failed", "{say}");
            let (failed, total) = (counts["failed"].as_u64().unwrap(), &counts["total"]);
            let counted = format!("{failed} of {total} observations failed");
            assert_eq!(message.contains("observations failed"), failed > 0, "{say}");
            assert!(failed == 0 || message.contains(&counted), "{say}");
        }
        if run["status"] == "STOPPED" {
            assert_eq!(&result["kind"], "stopped", "{say}");
            assert!(!message.contains("TIMEOUT"), "{say}");
        }
        let stopped = transcript["stopped_at"].as_u64().unwrap_or_default();
        assert!(stopped <= recorded, "{say}");
    }
}

#[test]
fn a_form_that_is_turned_off_gives_the_same_verdicts() {
    let runs: Vec<(String, Value)> = ["FAILED", "PASSED"]
        .map(|status| {
            let step =
                json!({"id": "menu", "status": status, "text": "press 1", "seen": "press two"});
            (status.to_owned(), json!({"status": status, "after": "1s", "observations": [step]}))
        })
        .to_vec();
    let older = json!({
        "record_form": "plain",
        "record_type": false,
        "test_cases_named_by": "id",
        "end_token": "absent",
        "stopped_type": "STOPPED",
    });
    for form in [json!({}), older] {
        let outcome = story(&runs, form).run();
        outcome.exits(1);
        assert_eq!(
            outcome.says("FAILED"),
            "failure ObservationFailed: menu: expected \"press [-1-]\", heard \"press {+two+}\" \
             (step 1 of 1); 1 of 1 observations failed; OBSERVE_EVENT"
        );
        assert_eq!(outcome.says("PASSED"), "success");
    }
}

#[cfg(unix)]
#[test]
fn a_lost_start_is_found_though_lists_name_test_cases_by_their_arns() {
    let running = Story::new()
        .connect(&["{name: Menu, test_case_id: c1}", "{name: Hours, test_case_id: c2}"])
        .services(
            "{c1: {runs: [{status: IN_PROGRESS}]}, c2: {runs: [{status: IN_PROGRESS}]}}",
            "{}",
            "[{operation: StartTestCaseExecution, target: c1, every: true, fault: reset_after}]",
        )
        .begin();
    running.wait_for(|ledger| {
        let lost = ledger.calls.iter().any(|call| call.fault.is_some());
        lost && ledger.executions.len() == 2
    });
    // What the start has begun is known by a list alone, and stopped.
    running.signal("INT");
    let outcome = running.wait();
    outcome.exits(130);
    for execution in &outcome.ledger.executions {
        assert_eq!(execution.status, "STOPPED", "{}", outcome.stderr);
    }
}

#[test]
fn a_quota_on_a_start_is_waited_for_and_elsewhere_it_is_a_rejection() {
    let outcome = Story::new()
        .connect(&["{name: Menu, test_case_id: c1}", "{name: Hours, test_case_id: c2}"])
        .services(
            "{c2: {runs: [{status: FAILED, after: 1s}]}}",
            "{}",
            "[{operation: StartTestCaseExecution, target: c1, calls: [1], fault: limit},
              {operation: ListTestCaseExecutionRecords, every: true, fault: limit}]",
        )
        .run();
    outcome.exits(1);
    assert_eq!(outcome.says("Menu"), "success");
    let notes = &outcome.result("Hours")["attempts"][0]["notes"];
    assert!(notes[0].as_str().unwrap().contains("LimitExceededException"), "{notes}");
    assert_eq!(outcome.calls("ListTestCaseExecutionRecords"), 1, "a rejection is not retried");
    assert!(!outcome.stderr.contains("throttle"), "{}", outcome.stderr);
}

#[test]
fn a_long_transcript_keeps_the_step_that_failed_in_every_report() {
    let step = |n: usize, status: &str, heard: &str| {
        let text = "word ".repeat(90);
        json!({"id": format!("step-{n}"), "status": status, "text": text, "seen": heard})
    };
    let mut steps: Vec<Value> = (0..60).map(|n| step(n, "PASSED", &"word ".repeat(90))).collect();
    steps.push(step(60, "FAILED", "something else"));
    let run = json!({"status": "FAILED", "after": "1s", "observations": steps});
    let outcome = story(&[("long".to_owned(), run)], json!({})).run();
    let read = |name: &str| fs::read_to_string(outcome.file(name)).unwrap();
    for text in [read("junit.xml"), read("summary.md"), read("report.html"), outcome.stdout.clone()]
    {
        assert!(text.contains("step 61 of 61"), "{}", text.len());
        assert!(text.contains("list-test-case-execution-records"), "{}", text.len());
    }
    assert!(read("summary.md").contains("before: "));
}

#[test]
fn what_could_not_be_read_is_not_said_to_be_not_reached() {
    let steps: Vec<Value> = (0..120)
        .map(|n| json!({"id": format!("step-{n}"), "status": "PASSED", "text": "x"}))
        .collect();
    let run = json!({"status": "FAILED", "after": "1s", "observations": steps});
    let mut scenario: Value = json!({"speed": 50, "connect": {"test_cases": {"c1": {"runs": [run]}},
        "limits": {"requests_per_second": 100_000, "burst": 10_000}}});
    // A page has 100 records: the second one cannot be read.
    scenario["faults"] = json!([{"operation": "ListTestCaseExecutionRecords", "calls": [2],
        "fault": "error", "status": 400}]);
    let outcome = Story::new()
        .connect(&["{name: Menu, test_case_id: c1}"])
        .scenario(&scenario.to_string())
        .run();
    let transcript = &outcome.result("Menu")["attempts"][0]["transcript"];
    assert_eq!(transcript["partial"], true);
    assert_eq!(transcript["not_reached"], Value::Null);
    assert!(outcome.stdout.contains("not read     further steps"), "{}", outcome.stdout);
}
