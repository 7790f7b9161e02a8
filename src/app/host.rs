//! What the environment tells of the CI host that this runs on.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::Console;
use crate::cli::ReportArgs;
use crate::error::Error;
use crate::outcome::RunSummary;
use crate::report::host::Host;
use crate::report::writer::{Outputs, StepOutputs, Summary, identity};
use crate::report::{github, terminal};

/// The host.
pub(super) fn host() -> Host {
    Host::detect(|name| std::env::var(name).ok())
}

/// A path that an environment variable holds.
fn path_in(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The file of the job's own summary, on GitHub.
fn summary_of_the_job() -> Option<PathBuf> {
    path_in("GITHUB_STEP_SUMMARY")
}

/// Where the later steps of the job look for what came of this one, on GitHub.
fn step_outputs() -> Option<StepOutputs> {
    let path = path_in("GITHUB_OUTPUT")?;
    let delimiter = format!("callcheck-{}", Uuid::new_v4());
    Some(StepOutputs { path, delimiter, place: in_repository })
}

/// Where the Markdown summary goes that was asked for at `path`: behind what is there already
/// where that is the job's own.
pub(super) fn summary_at(path: PathBuf) -> Summary {
    if summary_of_the_job().is_some_and(|job| identity(&job) == identity(&path)) {
        Summary::Append(path)
    } else {
        Summary::Replace(path)
    }
}

/// Where it goes when nothing is asked for.
fn default_summary() -> Option<Summary> {
    summary_of_the_job().map(Summary::Append)
}

/// The commands that the host reads of a run's result; empty where it reads none.
fn annotations(summary: &RunSummary) -> String {
    match host() {
        Host::Github => github::annotations(summary, |file| in_repository(Path::new(file))),
        _ => String::new(),
    }
}

/// A file as the repository knows it: GitHub finds no other, wherever the job's step runs. One that is
/// not in it is named in full.
fn in_repository(file: &Path) -> String {
    let named = file.to_string_lossy().into_owned();
    let Some(workspace) = path_in("GITHUB_WORKSPACE") else { return named };
    let Ok(path) = std::path::absolute(file) else { return named };
    // Either may be reached by way of a link.
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match real(&path).strip_prefix(real(&workspace)) {
        Ok(inside) => inside.to_string_lossy().replace('\\', "/"),
        Err(_) => path.to_string_lossy().into_owned(),
    }
}

/// Where the reports of a run go.
pub(super) fn outputs(args: &ReportArgs) -> Outputs {
    let summary = args.summary.clone().map(summary_at).or_else(default_summary);
    Outputs {
        junit: Some(args.junit.clone()),
        junit_lex: args.junit_lex.into(),
        json: args.json.clone(),
        html: args.html.clone(),
        summary,
        step_outputs: step_outputs(),
    }
}

/// Shows the end of a run, and annotates what there is to be. A report on stdout is for a program, and is to be
/// alone there.
///
/// # Errors
///
/// Stdout cannot be written.
pub(super) fn show(
    summary: &RunSummary,
    outputs: &Outputs,
    console: &Console,
) -> Result<(), Error> {
    let result = terminal::report(summary);
    if outputs.use_stdout() {
        console.log(result.trim_end());
    } else {
        console.show(&result)?;
    }
    annotate(summary, outputs, console);
    Ok(())
}

/// Annotates what is wrong in suites, where the host takes that, beside a run.
pub(super) fn annotate_places(error: &Error, console: &Console) {
    if host() == Host::Github {
        let annotations =
            github::places(&error.for_reports(), |file| in_repository(Path::new(file)));
        if let Err(error) = console.data(&annotations) {
            console.log(&error.to_string());
        }
    }
}

/// Annotates what there is to be, where the host takes that. What keeps it from being is told: the exit
/// code is that of the run.
pub(super) fn annotate(summary: &RunSummary, outputs: &Outputs, console: &Console) {
    let annotations = annotations(summary);
    // The host reads both, and a report on stdout is to be alone there.
    if outputs.use_stdout() {
        annotations.lines().for_each(|line| console.command(line));
    } else if let Err(error) = console.data(&annotations) {
        console.log(&error.to_string());
    }
}
