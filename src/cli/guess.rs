//! Command lines that cannot be parsed.

use std::ffi::OsString;
use std::path::PathBuf;

use super::{DEFAULT_STATE_DIR, DEFAULT_SUITE, JunitLex, ReportArgs};

/// What a command line of `run` that cannot be parsed says of files.
#[derive(Debug)]
pub struct Guess {
    /// Where reports go.
    pub reports: ReportArgs,
    /// Where the journal is kept.
    pub state_dir: PathBuf,
    /// What may name a file that is read.
    pub inputs: Vec<PathBuf>,
}

impl Guess {
    /// Reads a command line as well as it can be; none where it is not of `run`.
    pub fn of(args: &[OsString]) -> Option<Self> {
        let run = args.iter().position(|arg| arg == "run")?;
        let mut args = args[run + 1..].iter().peekable();
        let mut found = ReportArgs {
            junit: PathBuf::from("junit.xml"),
            junit_lex: JunitLex::Set,
            json: None,
            html: None,
            summary: None,
        };
        let mut state_dir = PathBuf::from(DEFAULT_STATE_DIR);
        let mut inputs = vec![PathBuf::from(DEFAULT_SUITE)];
        while let Some(arg) = args.next() {
            let text = arg.to_string_lossy();
            let (flag, value) = match text.split_once('=') {
                Some((flag, value)) => (flag, Some(PathBuf::from(value))),
                None => (&*text, None),
            };
            let mut value = || value.clone().or_else(|| args.next_if(is_value).map(PathBuf::from));
            match flag {
                "--junit" => found.junit = value().unwrap_or(found.junit),
                "--json" => found.json = value().or(found.json),
                "--html" => found.html = value().or(found.html),
                "--summary" => found.summary = value().or(found.summary),
                "--state-dir" => state_dir = value().unwrap_or(state_dir),
                // Of a flag that takes a file, such as --simulate, it is behind the `=`.
                _ => {
                    inputs.push(text.split_once('=').map_or(arg.into(), |(_, value)| value.into()))
                }
            }
        }
        Some(Self { reports: found, state_dir, inputs })
    }
}

fn is_value(arg: &&OsString) -> bool {
    !arg.to_string_lossy().starts_with("--")
}
