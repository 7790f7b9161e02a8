use super::*;
use crate::report::html;

pub(super) fn page(summary: &RunSummary) -> String {
    let mut page = Vec::new();
    html::write(summary, &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

/// Every tag is one that the report writes.
#[track_caller]
pub(super) fn check_html(page: &str, seed: u64) {
    const TAGS: [&str; 24] = [
        "!doctype html",
        "html lang=\"en\"",
        "/html",
        "head",
        "/head",
        "body",
        "/body",
        "title",
        "/title",
        "style",
        "/style",
        "h1",
        "/h1",
        "p",
        "/p",
        "pre",
        "/pre",
        "table",
        "/table",
        "summary",
        "/summary",
        "/details",
        "/h2",
        "br",
    ];
    let begins = [
        "meta ",
        "span class=\"",
        "/span",
        "h2",
        "details",
        "b class=\"",
        "b>",
        "/b",
        "small",
        "/small",
        "tr",
        "/tr",
        "td",
        "th",
    ];
    for (at, _) in page.match_indices('<') {
        let tag = &page[at + 1..page[at..].find('>').unwrap() + at];
        let ours =
            TAGS.contains(&tag) || tag == "b" || begins.iter().any(|begin| tag.starts_with(begin));
        assert!(ours, "seed {seed}: <{tag}>");
        assert!(!tag.contains("on") || tag.starts_with("meta"), "seed {seed}: <{tag}>");
    }
}

#[test]
fn the_page_of_a_run_that_holds_everything_looks_like_this() {
    insta::assert_snapshot!(page(&friendly()));
}

#[test]
fn hostile_text_is_no_part_of_the_page() {
    let page = page(&hostile());
    check_html(&page, 0);
    for bad in ["<script", "\u{1b}", "\u{202e}", "\u{ffff}"] {
        assert!(!page.contains(bad), "{bad}: {page}");
    }
}

#[test]
fn a_page_of_many_failures_can_be_shown_and_says_what_it_leaves_out() {
    let failed = |n: usize| test(&format!("t{n}"), vec![attempt(1, Verdict::Failed, "no")]);
    let mut tests: Vec<TestResult> = (0..600).map(failed).collect();
    tests.insert(0, test("never", Vec::new()));
    let page = page(&run(tests));
    assert_eq!(page.matches("<pre>").count(), 500);
    assert!(page.contains("<p>100 more:"), "{}", page.len());
    assert_eq!(page.matches("never").count(), 1, "what was not run stands in the table alone");
}

#[test]
fn what_fails_the_build_comes_first_and_is_open() {
    let failed = |name| test(name, vec![attempt(1, Verdict::Failed, "no")]);
    let mut trial = failed("trial");
    trial.blocking = false;
    let page = page(&run(vec![trial, failed("menu")]));
    let (menu, trial) = (page.find("<b>menu</b>").unwrap(), page.find("<b>trial</b>").unwrap());
    assert!(menu < trial, "{page}");
    assert_eq!(page.matches("<details open>").count(), 1, "{page}");
}
