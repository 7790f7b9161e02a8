use super::*;
use crate::report::github::{annotations, outputs};

fn annotated(summary: &RunSummary) -> String {
    annotations(summary, str::to_owned)
}

#[test]
fn each_failure_stands_at_its_line_and_what_passed_does_not() {
    insta::assert_snapshot!(annotated(&friendly()));
    let passed = run(vec![test("t", vec![attempt(1, Verdict::Passed, "ok")])]);
    assert_eq!(annotated(&passed), "");
}

#[test]
fn no_text_makes_a_command_of_its_own() {
    let text = annotated(&hostile());
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.lines().all(|line| line.starts_with("::error")), "{text}");
    let mut summary =
        run(vec![test("a,line=1::x%0A::y", vec![attempt(1, Verdict::Failed, "%0Ab")])]);
    summary.suites[0].file = "a:b,c".to_owned();
    assert_eq!(
        annotated(&summary),
        "::error file=a%3Ab%2Cc,line=7,title=FAILED%3A a%2Cline=1%3A%3Ax%250A%3A%3Ay::%250Ab\n"
    );
}

#[test]
fn names_of_failed_tests_leave_room_for_what_else_a_job_hands_on() {
    let failed = |name: &str| test(name, vec![attempt(1, Verdict::Failed, "no")]);
    let name = "n".repeat(1000);
    let text = outputs(&run((0..5000).map(|_| failed(&name)).collect()), &[], "end");
    let names = text.lines().skip_while(|line| *line != "failed-tests<<end").nth(1).unwrap();
    let names: Vec<String> = serde_json::from_str(names).unwrap();
    assert!((90..100).contains(&names.len()), "{}", names.len());
    assert!(text.contains("failed<<end\n5000\nend\n"), "{}", &text[..200]);
}

#[test]
fn at_most_ten_of_a_level_are_told() {
    let failed = |count| {
        let one = || test("t", vec![attempt(1, Verdict::Failed, "no")]);
        annotated(&run((0..count).map(|_| one()).collect()))
    };
    assert_eq!(failed(10).lines().count(), 10);
    assert_eq!(failed(11).lines().count(), 10);
    assert!(failed(11).ends_with("::error::2 more: see the reports\n"));
}
