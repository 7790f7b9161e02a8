//! Parses the command line, calls the app, prints the error, returns the exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use callcheck::app::{self, Console};
use callcheck::cli::Cli;
use callcheck::exit;
use clap::{ColorChoice, Parser};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => {
            let console = Console::new(ColorChoice::Auto);
            let text = error.render().ansi().to_string();
            // Help and version are no errors, and go to stdout.
            if !error.use_stderr() {
                let _ = console.data(&text);
                return ExitCode::from(exit::PASSED);
            }
            app::report_invalid_command_line(&args, &error, &console);
            console.log(text.trim_end());
            console.flush();
            return ExitCode::from(exit::INVALID);
        }
    };
    let console = Console::new(cli.color);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            console.log(&format!("error: failed to start: {error}"));
            console.flush();
            return ExitCode::from(exit::INCOMPLETE);
        }
    };
    let code = runtime.block_on(app::main(cli, &console)).unwrap_or_else(|error| {
        console.log(&error.to_string());
        exit::code(error.kind.conclusion(), None)
    });
    console.flush();
    // Calls that nobody waits for any more do not hold the exit up.
    runtime.shutdown_background();
    ExitCode::from(code)
}
