//! How the core bears large runs: several instances and Regions, and Lex test sets among them.

use std::io::{Write, stdout};

use callcheck::simulator::Scenario;

use super::world::World;
use super::{Failure, callcheck as ours, peak_memory, plan};

/// Instances that the Connect tests are spread over, and Regions that those are in: the instances of
/// a Region share its requests.
const INSTANCES: usize = 8;
const REGIONS: usize = 4;

/// One test in so many is a Lex test execution.
const LEX: usize = 20;

/// The goal for memory, in MB.
const MOST_MEMORY: f64 = 100.0;

/// Plays a run of so many tests and prints its figures.
pub(crate) fn row(tests: usize) -> Result<Vec<String>, Failure> {
    let mut text = String::from("name: Benchmark\ntimeout: 480h\n");
    let mut connect = String::new();
    let mut lex = String::new();
    for number in 0..tests {
        if number % LEX == 0 {
            lex.push_str(&format!("    - {{name: t{number}, test_set_id: SET{number:07}}}\n"));
        } else {
            let region = format!("xx-place-{}", number % REGIONS);
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
    let plan = plan(&text)?;
    let scenario = Scenario::from_yaml("connect: {default: {status: PASSED, after: 9s}}")?;
    let mut world = World::new(scenario);
    let (run, spent) = ours::play(&plan, &mut world);
    let each = spent.as_secs_f64() * 1e6 / tests as f64;
    let most = peak_memory();
    let memory = most.map_or("?".to_owned(), |mb| format!("{mb:.0} MB"));
    let calls = world.calls as f64 / tests as f64;
    writeln!(
        stdout(),
        "| {tests:>10} | {:>10.0} s | {calls:>5.2} | {each:>13.1} µs | {memory:>6} |",
        run.over_at as f64 / 1000.0
    )?;
    let goals = [
        (run.lost == 0 && world.throttled == 0, "lost or throttled"),
        (most.is_none_or(|most| most <= MOST_MEMORY), "memory"),
    ];
    let missed = goals.iter().filter(|(held, _)| !held);
    Ok(missed.map(|(_, goal)| format!("{tests}: {goal}")).collect())
}
