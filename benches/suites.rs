//! How long it takes to refuse a suite file that is as wrong as it can be, and how that grows with
//! its size: `cargo bench --bench suites`.
//!
//! Prints figures and asserts nothing. A column "growth" near 2 is what a file of twice the size
//! should cost; near 4, something grows with the square of the size.

use std::io::{Write, stdout};
use std::time::{Duration, Instant};

use callcheck::suite;

/// A wrong file with `n` things wrong in it.
type Make = fn(usize) -> String;

const CASES: [(&str, usize, Make); 5] = [
    ("unknown keys, one a line", 25_000, |n| (0..n).map(|i| format!("k{i}: 1\n")).collect()),
    ("unknown keys in one line", 30_000, |n| {
        let keys: String = (0..n).map(|i| format!("k{i}: 1, ")).collect();
        format!("name: s\nconnect: {{{keys}}}")
    }),
    ("tests of one name in one line", 15_000, |n| {
        let tests = "{name: a, test_case_id: b}, ".repeat(n);
        format!("name: s\nconnect: {{instance_id: i, test_cases: [{tests}]}}")
    }),
    ("tests that merge a chain of merges", 100, |n| {
        let link = |i: usize| format!("x-{i}: &a{i} {{<<: *a{}, k{i}: 1}}\n", i - 1);
        let chain: String = (1..n).map(link).collect();
        let tests = format!("  - {{<<: *a{}}}\n", n - 1).repeat(n / 2);
        format!(
            "x-0: &a0 {{k0: 1}}\n{chain}name: s\nconnect:\n  instance_id: i\n  test_cases:\n{tests}"
        )
    }),
    ("aliases of one wrong test", 2_000, |n| {
        let key = "k".repeat(1000);
        let aliases = "  - *t\n".repeat(n);
        format!(
            "name: s\nconnect:\n  instance_id: i\n  test_cases:\n  - &t {{{key}: 1}}\n{aliases}"
        )
    }),
];

fn main() -> std::io::Result<()> {
    let mut out = stdout();
    writeln!(
        out,
        "{:<32}{:>10}{:>12}{:>12}{:>8}",
        "file", "problems", "ms", "ms for 2n", "growth"
    )?;
    for (name, n, make) in CASES {
        let (once, twice) = (refuse(&make(n)), refuse(&make(2 * n)));
        let growth = twice.as_secs_f64() / once.as_secs_f64();
        let ms = |took: Duration| took.as_secs_f64() * 1000.0;
        writeln!(out, "{name:<32}{n:>10}{:>12.1}{:>12.1}{growth:>8.1}", ms(once), ms(twice))?;
    }
    Ok(())
}

/// The best of a few tries: the others were disturbed by something else.
fn refuse(text: &str) -> Duration {
    let one = || {
        let began = Instant::now();
        let refused = suite::parse("suite.yaml", text, &|_| None).map_err(|it| it.render());
        let took = began.elapsed();
        assert!(refused.is_err(), "the file is not wrong");
        took
    };
    (0..5).map(|_| one()).min().unwrap_or_default()
}
