//! The command line.

mod guess;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};
use globset::Glob;

use self::values::{parse_account, parse_glob, parse_region, parse_run_id, parse_url};
use crate::duration::parse_duration;
use crate::exit;
use crate::plan::Turns;
use crate::report::junit::LexCases;

pub use self::guess::Guess;

/// Runs Amazon Connect test cases and Amazon Lex V2 test executions, and fails the build when
/// they fail.
#[derive(Debug, Parser)]
#[command(name = "callcheck", version, after_help = exit::TABLE, max_term_width = 100)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,

    /// When to use colours; NO_COLOR is heeded
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the tests of one or more suites
    #[command(after_help = exit::TABLE)]
    Run(Box<RunArgs>),
    /// Check suites offline: nothing is called
    Validate(ValidateArgs),
    /// Serve a stand-in for both services on loopback, until interrupted
    Simulate(SimulateArgs),
    /// Print the least IAM policy for a run of suites
    IamPolicy(IamPolicyArgs),
    /// Make the other reports again from the JSON report of a run, without AWS
    Render(RenderArgs),
    /// Print a JSON Schema
    Schema {
        /// Of what
        #[arg(default_value = "suite")]
        of: Schema,
    },
    /// Print a completion script
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

/// A run's id is at most so long: it is the name of a file.
pub const LONGEST_RUN_ID: usize = 64;

/// The suite, where none is named.
const DEFAULT_SUITE: &str = "callcheck.yaml";

/// Where the journal is kept, where nothing else is said.
pub const DEFAULT_STATE_DIR: &str = ".callcheck";

/// The arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Suite files, or patterns of them such as 'tests/**/*.yaml'
    #[arg(value_name = "SUITE", default_value = DEFAULT_SUITE)]
    pub suites: Vec<PathBuf>,

    /// Where the reports go.
    #[command(flatten)]
    pub reports: ReportArgs,

    /// Which tests are run.
    #[command(flatten)]
    pub selection: SelectionArgs,

    /// Exit with 0 when nothing is selected
    #[arg(long, help_heading = "Selection")]
    pub allow_empty: bool,

    /// How AWS is reached.
    #[command(flatten)]
    pub access: AccessArgs,

    /// An id for this run, in every report [default: made from the time]. One of a run that was
    /// killed or interrupted takes that up
    #[arg(long, value_name = "ID", value_parser = parse_run_id)]
    pub run_id: Option<String>,

    /// Take up the newest run of these suites that was killed or interrupted, if there is one, or that of
    /// --run-id, which where it is finished is followed by ID.2, ID.3 and on; with `=anyway` even if
    /// suites have changed since
    #[arg(
        long,
        value_name = "WHEN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "unchanged",
        help_heading = "Running"
    )]
    pub resume: Option<Resume>,

    /// New attempts, at most, in place of the suites' `retries`
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(0..=100),
        help_heading = "Running"
    )]
    pub retries: Option<u32>,

    /// How long the whole run may take, in place of the suites' `timeout`
    #[arg(long, value_name = "DUR", value_parser = parse_duration, help_heading = "Running")]
    pub timeout: Option<Duration>,

    /// Start nothing new after the first failure, as `max_failures: 1` does
    #[arg(long, help_heading = "Running")]
    pub fail_fast: bool,

    /// Take a test that passed only after it had failed for failed
    #[arg(long, help_heading = "Running")]
    pub fail_on_flaky: bool,

    /// Of which tests the records and utterances are read, beyond what the verdict hangs on
    #[arg(long, value_name = "WHICH", default_value = "failed", help_heading = "Running")]
    pub details: Details,

    /// Tell the plan, the calls it costs, and how long it takes at least and at most; call nothing
    /// and write nothing
    #[arg(long, help_heading = "Running")]
    pub dry_run: bool,

    /// Where the journal is kept, without which nothing is started: by it --resume takes up a run that
    /// was killed. Also how tests went, for the order of the next starts: `smoke` first, then what
    /// failed, what is new, and what took longest. Not for simulated runs
    #[arg(long, value_name = "DIR", default_value = DEFAULT_STATE_DIR, help_heading = "Running")]
    pub state_dir: PathBuf,

    /// Show phone numbers, e-mail addresses and contact ids that stand in what AWS says
    #[arg(long, help_heading = "Output")]
    pub show_sensitive: bool,

    /// How progress is shown
    #[arg(long, value_name = "HOW", default_value = "auto", help_heading = "Output")]
    pub progress: Progress,

    /// Also tell each call, why it is made now, and what it has waited for
    #[arg(long, short, conflicts_with = "quiet", help_heading = "Output")]
    pub verbose: bool,

    /// Tell the result only
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
}

/// Where reports go.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The JUnit report
    #[arg(long, value_name = "PATH", default_value = "junit.xml", help_heading = "Reports")]
    pub junit: PathBuf,

    /// What JUnit holds of a Lex test set beside its own case
    #[arg(long, value_name = "WHAT", default_value = "set", help_heading = "Reports")]
    pub junit_lex: JunitLex,

    /// The JSON report
    #[arg(long, value_name = "PATH", help_heading = "Reports")]
    pub json: Option<PathBuf>,

    /// The HTML report, one file that needs no other
    #[arg(long, value_name = "PATH", help_heading = "Reports")]
    pub html: Option<PathBuf>,

    /// The Markdown summary [default: appended to $GITHUB_STEP_SUMMARY where it is set]
    #[arg(long, value_name = "PATH", help_heading = "Reports")]
    pub summary: Option<PathBuf>,
}

/// Of which tests details are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Details {
    /// Of tests that did not pass
    Failed,
    /// Of all tests
    Always,
}

/// Which unfinished run is taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Resume {
    /// One whose suites are as they were
    Unchanged,
    /// Any
    Anyway,
}

/// What JUnit holds of a Lex test set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum JunitLex {
    /// One case, the worst mismatches in its body
    Set,
    /// A case for each mismatch, too
    Mismatches,
    /// A case for each utterance, too
    All,
}

impl From<JunitLex> for LexCases {
    fn from(what: JunitLex) -> Self {
        match what {
            JunitLex::Set => Self::Set,
            JunitLex::Mismatches => Self::Mismatches,
            JunitLex::All => Self::All,
        }
    }
}

impl ReportArgs {
    /// The turns of Lex test sets that the reports are to hold.
    pub fn turns(&self) -> Turns {
        match self.junit_lex {
            JunitLex::Set => Turns::Worst,
            JunitLex::Mismatches => Turns::Mismatches,
            JunitLex::All => Turns::All,
        }
    }
}

/// Which tests are run: "or" within a flag, "and" between flags.
#[derive(Debug, Args)]
pub struct SelectionArgs {
    /// Run tests that have this tag (may be repeated)
    #[arg(long = "tag", value_name = "TAG", help_heading = "Selection")]
    pub tags: Vec<String>,

    /// Run no test that has this tag (may be repeated)
    #[arg(long = "not-tag", value_name = "TAG", help_heading = "Selection")]
    pub not_tags: Vec<String>,

    /// Run tests whose name matches, such as 'Billing*' (may be repeated)
    #[arg(long = "name", value_name = "GLOB", value_parser = parse_glob, help_heading = "Selection")]
    pub names: Vec<Glob>,
}

/// How AWS, or what stands in for it, is reached.
#[derive(Debug, Args)]
pub struct AccessArgs {
    /// The Region, in place of the suites' [default: the AWS chain's]
    #[arg(long, value_parser = parse_region, help_heading = "AWS")]
    pub region: Option<String>,

    /// The profile of the shared AWS configuration
    #[arg(long, help_heading = "AWS")]
    pub profile: Option<String>,

    /// One endpoint for both services
    #[arg(long, value_name = "URL", value_parser = parse_url, help_heading = "AWS")]
    pub endpoint_url: Option<String>,

    /// Run against the built-in simulator, without AWS; optionally with a scenario file
    #[arg(
        long,
        value_name = "SCENARIO",
        num_args = 0..=1,
        require_equals = true,
        conflicts_with_all = ["endpoint_url", "profile"],
        help_heading = "AWS"
    )]
    pub simulate: Option<Option<PathBuf>>,
}

/// The arguments of `validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Suite files, or patterns of them such as 'tests/**/*.yaml'
    #[arg(value_name = "SUITE", default_value = DEFAULT_SUITE)]
    pub suites: Vec<PathBuf>,
}

/// The arguments of `iam-policy`.
#[derive(Debug, Args)]
pub struct IamPolicyArgs {
    /// Suite files, or patterns of them such as 'tests/**/*.yaml'
    #[arg(value_name = "SUITE", default_value = DEFAULT_SUITE)]
    pub suites: Vec<PathBuf>,

    /// Which tests are to be run.
    #[command(flatten)]
    pub selection: SelectionArgs,

    /// The Region, in place of the suites' [default: the AWS chain's]
    #[arg(long, value_parser = parse_region, help_heading = "AWS")]
    pub region: Option<String>,

    /// The profile of the shared AWS configuration, for its Region
    #[arg(long, help_heading = "AWS")]
    pub profile: Option<String>,

    /// The account, where no ARN of the suites names it [default: the one that all ARNs name, else any]
    #[arg(long, value_name = "ID", value_parser = parse_account, help_heading = "AWS")]
    pub account: Option<String>,

    /// Allow any test case of the suites' instances, and any test set, so that the policy stays as it is
    /// when tests come and go
    #[arg(long, help_heading = "AWS")]
    pub any_test: bool,
}

/// The arguments of `render`.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// The JSON report of a run
    #[arg(value_name = "REPORT.json")]
    pub report: PathBuf,

    /// Write the JUnit report
    #[arg(long, value_name = "PATH")]
    pub junit: Option<PathBuf>,

    /// What JUnit holds of a Lex test set beside its own case; the run must have been asked for it
    #[arg(long, value_name = "WHAT", default_value = "set")]
    pub junit_lex: JunitLex,

    /// Write the HTML report
    #[arg(long, value_name = "PATH")]
    pub html: Option<PathBuf>,

    /// Write the Markdown summary; to $GITHUB_STEP_SUMMARY it is appended
    #[arg(long, value_name = "PATH")]
    pub summary: Option<PathBuf>,
}

/// What there is a JSON Schema of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Schema {
    /// Suites
    Suite,
    /// The JSON report
    Report,
}

/// The arguments of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// A scenario file: what the services answer [default: everything passes in a few seconds]
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,

    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// As fits the terminal
    Auto,
    /// A line for each thing that happens
    Plain,
    /// Not at all
    None,
}
