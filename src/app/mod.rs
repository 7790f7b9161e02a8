//! The one place that wires the parts together: load, plan, run, report.

mod collect;
mod console;
mod ending;
mod forecast;
mod history;
mod host;
mod iam_policy;
mod journal;
mod prepare;
mod refused;
mod render;
mod run;
mod suites;

use std::path::Path;

use clap::CommandFactory;

use crate::cli::{Cli, Command, Schema, SimulateArgs, ValidateArgs};
use crate::engine::signals::{self, Signals};
use crate::error::{Error, Kind};
use crate::exit;
use crate::outcome::{Conclusion, ServiceName, Signal};
use crate::report::json;
use crate::simulator::{Scenario, Simulator};
use crate::suite;

pub use console::Console;
pub use refused::report_invalid_command_line;

/// Does what the command line says. Gives the exit code.
///
/// # Errors
///
/// What kept it from being done; for `run`, the reports tell of it already.
pub async fn main(cli: Cli, console: &Console) -> Result<u8, Error> {
    match cli.command {
        Command::Run(args) => run::run(*args, console).await,
        Command::Validate(args) => validate(&args, console),
        Command::Simulate(args) => simulate(&args, console).await,
        Command::IamPolicy(args) => iam_policy::iam_policy(&args, console).await,
        Command::Render(args) => render::render(&args, console),
        Command::Schema { of } => {
            match of {
                Schema::Suite => console.data(suite::SCHEMA)?,
                Schema::Report => console.data(&json::schema())?,
            }
            Ok(exit::PASSED)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "callcheck", &mut script);
            console.data(&String::from_utf8_lossy(&script))?;
            Ok(exit::PASSED)
        }
    }
}

fn validate(args: &ValidateArgs, console: &Console) -> Result<u8, Error> {
    let suites = suites::load_all(&args.suites);
    for suite in suites.inspect_err(|error| host::annotate_places(error, console))? {
        let count = |service| suite.tests.iter().filter(|t| t.target.service() == service).count();
        console.show(&format!(
            "{}: ok, {} tests ({} Connect, {} Lex)\n",
            suite.source.path(),
            suite.tests.len(),
            count(ServiceName::Connect),
            count(ServiceName::Lex),
        ))?;
    }
    Ok(exit::PASSED)
}

async fn simulate(args: &SimulateArgs, console: &Console) -> Result<u8, Error> {
    let scenario = load_scenario(args.scenario.as_deref())?;
    let mut signals = listen()?;
    let simulator = start_simulator(scenario, args.port).await?;
    console.data(&format!("{}\n", simulator.url()))?;
    console.log("serving Amazon Connect and Lex V2; Ctrl-C ends it");
    console.log(&format!("try: callcheck run SUITE --endpoint-url {}", simulator.url()));
    signals.recv().await;
    Ok(exit::PASSED)
}

/// Listens for signals. What does not end by itself in time after one is ended.
fn listen() -> Result<Signals, Error> {
    #[expect(clippy::exit, reason = "whoever could return is what hangs")]
    fn leave(signal: Signal) -> ! {
        std::process::exit(i32::from(exit::code(Conclusion::Cancelled, Some(signal))))
    }
    signals::listen(leave).map_err(|error| {
        Error::new(Kind::Environment, format!("failed to listen for signals: {error}"))
    })
}

/// Does what may wait for a disk, a large folder, or a program at the other end of a pipe, so that signals
/// are heeded meanwhile.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

async fn start_simulator(scenario: Scenario, port: u16) -> Result<Simulator, Error> {
    Simulator::start(scenario, port).await.map_err(|error| {
        Error::new(Kind::Environment, format!("failed to serve on 127.0.0.1:{port}: {error}"))
            .hint("--port 0 takes a free port")
    })
}

/// Reads the scenario file, or takes the default one.
fn load_scenario(path: Option<&Path>) -> Result<Scenario, Error> {
    let Some(path) = path else { return Ok(Scenario::default()) };
    let failed = |cause: String| {
        Error::new(
            Kind::Invalid,
            format!("failed to read the scenario {}: {cause}", path.display()),
        )
        .hint("examples/scenario.yaml shows every key")
    };
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    Scenario::from_yaml(&text).map_err(|error| failed(error.to_string()))
}
