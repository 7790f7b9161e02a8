//! How the core bears large runs: several instances and Regions, and Lex test sets among them.

use std::io::{Write, stdout};

use callcheck::simulator::Scenario;

use super::world::World;
use super::{Failure, callcheck as ours, peak_memory, plan};

/// Instances that the Connect tests are spread over, each in a Region of its own.
const INSTANCES: usize = 8;

/// One test in so many is a Lex test execution.
const LEX: usize = 20;

/// Plays a run of so many tests and prints its figures.
pub(crate) fn row(tests: usize) -> Result<Vec<String>, Failure> {
    let mut text = String::from("name: Benchmark\nregion: us-east-1\ntimeout: 480h\n");
    let mut connect = String::new();
    let mut lex = String::new();
    for number in 0..tests {
        if number % LEX == 0 {
            lex.push_str(&format!("    - {{name: t{number}, test_set_id: SET{number:07}}}\n"));
        } else {
            let region = format!("xx-place-{}", number % INSTANCES);
            let arn =
                format!("arn:aws:connect:{region}:111122223333:instance/i{}", number % INSTANCES);
            connect.push_str(&format!(
                "    - {{name: t{number}, test_case_id: c{number}, instance_id: '{arn}'}}\n"
            ));
        }
    }
    text.push_str(&format!("connect:\n  test_cases:\n{connect}"));
    text.push_str(&format!(
        "lex:\n  bot_id: BOT0000001\n  bot_alias_id: TSTALIASID\n  locale_id: en_US\n  \
         api_mode: NonStreaming\n  expect: {{end_to_end: 90%}}\n  test_executions:\n{lex}"
    ));
    let plan = plan(&text.replacen("region: us-east-1\n", "", 1))?;
    let scenario = Scenario::from_yaml("connect: {default: {status: PASSED, after: 9s}}")?;
    let mut world = World::new(scenario);
    let (run, spent) = ours::play(&plan, &mut world);
    let each = spent.as_secs_f64() * 1e6 / tests as f64;
    let memory = peak_memory().map_or("?".to_owned(), |mb| format!("{mb:.0} MB"));
    let calls = world.calls as f64 / tests as f64;
    writeln!(
        stdout(),
        "| {tests:>10} | {:>10.0} s | {calls:>5.2} | {each:>13.1} µs | {memory:>6} |",
        run.over_at as f64 / 1000.0
    )?;
    let held = run.lost == 0 && world.throttled == 0;
    Ok(if held { Vec::new() } else { vec![format!("{tests}: lost or throttled")] })
}
