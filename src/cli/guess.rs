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
        let mut args = args.iter().skip(1).peekable();
        // The command is the first that is no flag of all commands.
        loop {
            match args.next()?.to_string_lossy() {
                flag if flag == "--color" => drop(args.next()),
                flag if flag.starts_with('-') => {}
                command if command == "run" => break,
                _ => return None,
            }
        }
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
                Some((flag, value)) if flag.starts_with('-') => (flag, Some(PathBuf::from(value))),
                _ => (&*text, None),
            };
            // Of a flag that takes a file, such as --simulate, it is behind the `=`.
            let input = value.clone().unwrap_or_else(|| arg.into());
            let mut value = || value.clone().or_else(|| args.next_if(is_value).map(PathBuf::from));
            match flag {
                "--junit" => found.junit = value().unwrap_or(found.junit),
                "--json" => found.json = value().or(found.json),
                "--html" => found.html = value().or(found.html),
                "--summary" => found.summary = value().or(found.summary),
                "--state-dir" => state_dir = value().unwrap_or(state_dir),
                _ => inputs.push(input),
            }
        }
        Some(Self { reports: found, state_dir, inputs })
    }
}

fn is_value(arg: &&OsString) -> bool {
    !arg.to_string_lossy().starts_with("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(line: &str) -> Option<Guess> {
        Guess::of(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn only_the_command_run_has_reports() {
        for line in ["callcheck", "callcheck validate run --bogus", "callcheck help run extra"] {
            assert!(guess(line).is_none(), "{line}");
        }
        for line in ["callcheck run", "callcheck --color never run", "callcheck --color=never run"]
        {
            assert!(guess(line).is_some(), "{line}");
        }
    }

    #[test]
    fn what_may_be_read_is_an_input() {
        let guess =
            guess("callcheck run a=b.yaml --simulate=c.yaml --junit=j.xml --json r").unwrap();
        for input in ["callcheck.yaml", "a=b.yaml", "c.yaml"] {
            assert!(guess.inputs.contains(&PathBuf::from(input)), "{input}: {:?}", guess.inputs);
        }
        let reports = (guess.reports.junit, guess.reports.json);
        assert_eq!(reports, (PathBuf::from("j.xml"), Some(PathBuf::from("r"))));
    }
}
