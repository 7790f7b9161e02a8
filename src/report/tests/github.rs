use super::*;
use crate::report::github::annotations;

#[test]
fn each_failure_stands_at_its_line_and_what_passed_does_not() {
    assert_eq!(
        annotations(&everything()),
        "::error file=suites/contact.yaml,line=7,title=FAILED%3A failed::\
         1 of 3 observations failed; menu: Welcome\n\
         ::error file=suites/contact.yaml,line=7,title=ERROR%3A rejected::\
         start-rejected: AWS did not start it\n\
         ::error file=suites/contact.yaml,line=7,title=FAILED%3A failed twice::again\n\
         ::warning file=suites/contact.yaml,line=7,title=FLAKY%3A flaky::\
         passed in attempt 2, after it had failed; 3 of 3 observations passed\n\
         ::warning file=suites/contact.yaml,line=7,title=FAILED%3A known::\
         1 of 3 observations failed; menu: Welcome\n"
    );
    let passed = run(vec![test("t", vec![attempt(1, Verdict::Passed, "ok")])]);
    assert_eq!(annotations(&passed), "");
}

#[test]
fn no_text_makes_a_command_of_its_own() {
    let text = annotations(&hostile());
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.lines().all(|line| line.starts_with("::error")), "{text}");
    let mut summary =
        run(vec![test("a,line=1::x%0A::y", vec![attempt(1, Verdict::Failed, "%0Ab")])]);
    summary.suites[0].file = "a:b,c".to_owned();
    assert_eq!(
        annotations(&summary),
        "::error file=a%3Ab%2Cc,line=7,title=FAILED%3A a%2Cline=1%3A%3Ax%250A%3A%3Ay::%250Ab\n"
    );
}

#[test]
fn at_most_ten_of_a_level_are_told() {
    let failed = |count| {
        let one = || test("t", vec![attempt(1, Verdict::Failed, "no")]);
        annotations(&run((0..count).map(|_| one()).collect()))
    };
    assert_eq!(failed(10).lines().count(), 10);
    assert_eq!(failed(11).lines().count(), 10);
    assert!(failed(11).ends_with("::error::2 more: see the reports\n"));
}
