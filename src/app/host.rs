//! What the environment tells of the CI host that this runs on.

use std::path::{Path, PathBuf};

use crate::outcome::RunSummary;
use crate::report::github;
use crate::report::host::Host;
use crate::report::writer::Summary;

/// The host.
pub(super) fn host() -> Host {
    Host::detect(|name| std::env::var(name).ok())
}

/// The file of the job's own summary, on GitHub.
fn summary_of_the_job() -> Option<PathBuf> {
    std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Where the Markdown summary goes that was asked for at `path`: behind what is there already
/// where that is the job's own.
pub(super) fn summary_at(path: PathBuf) -> Summary {
    let real = |path: &Path| {
        std::fs::canonicalize(path)
            .or_else(|_| std::path::absolute(path))
            .unwrap_or_else(|_| path.to_owned())
    };
    if summary_of_the_job().is_some_and(|job| real(&job) == real(&path)) {
        Summary::Append(path)
    } else {
        Summary::Replace(path)
    }
}

/// Where it goes when nothing is asked for.
pub(super) fn default_summary() -> Option<Summary> {
    summary_of_the_job().map(Summary::Append)
}

/// The commands that the host reads of a run's result; empty where it reads none.
pub(super) fn annotations(summary: &RunSummary) -> String {
    match host() {
        Host::Github => github::annotations(summary, in_repository),
        _ => String::new(),
    }
}

/// A file as the repository knows it: GitHub finds no other, wherever the job's step runs.
fn in_repository(file: &str) -> String {
    let workspace = std::env::var_os("GITHUB_WORKSPACE").filter(|path| !path.is_empty());
    let found = workspace.and_then(|workspace| {
        let path = std::path::absolute(file).ok()?;
        // Either may be reached by way of a link.
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let inside = real(&path).strip_prefix(real(Path::new(&workspace))).ok()?.to_owned();
        Some(inside.to_string_lossy().replace('\\', "/"))
    });
    found.unwrap_or_else(|| file.to_owned())
}
