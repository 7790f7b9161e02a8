use super::*;
use crate::report::markdown::render;

#[test]
fn the_summary_of_a_run_that_holds_everything_looks_like_this() {
    let summary = friendly();
    insta::assert_snapshot!(render(&summary, 0));
}

#[test]
fn hostile_text_stays_text() {
    let text = render(&hostile(), 0);
    for bad in ["<b>", "::error", "\u{1b}", "\u{202e}", "\u{ffff}"] {
        assert!(!text.contains(bad), "{bad}: {text}");
    }
    let mut summary = run(vec![test("a | b `c` [d](http://e) @f #1 **g** ![h](i)", Vec::new())]);
    summary.suites[0].file = "x|y\nz".to_owned();
    let text = render(&summary, 0);
    let row = text.lines().find(|line| line.contains("NOT RUN")).unwrap();
    let bars = row.replace("\\|", "").matches('|').count();
    assert_eq!(bars, 7, "{row}");
    for bad in ["](", "@f", " #1", " **", "http://"] {
        assert!(!row.contains(bad), "{bad}: {row}");
    }
}

#[test]
fn a_summary_stays_below_what_github_takes_and_says_what_it_left_out() {
    let failed = || test(&"n".repeat(250), vec![attempt(1, Verdict::Failed, &"m".repeat(250))]);
    let many = run((0..5000).map(|_| failed()).collect());
    // GitHub takes 1 MiB of all that is in the file.
    let before = 800 * 1024;
    assert!(before + render(&many, before).len() < 1024 * 1024);
    let text = render(&many, 0);
    assert!(text.len() < 1024 * 1024, "{}", text.len());
    assert!(text.contains(" more tests: see the other reports"));
    assert!(
        text.starts_with("❌ **callcheck: failed**: 5000 tests: 5000 failed;"),
        "{}",
        &text[..80]
    );
}
