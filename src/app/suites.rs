//! The suites that a command line names.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use crate::error::{Error, Kind};
use crate::suite::{self, LoadError, Suite};

/// The files that the command line names: as they are named, and in the place of a pattern such as
/// `tests/**/*.yaml` all files that match it, in alphabetical order. CI hosts and some shells hand
/// patterns on as they are. A file that several patterns match is taken once.
///
/// # Errors
///
/// A pattern is not valid, no file matches it, or a folder cannot be read.
pub(super) fn expand(given: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut taken: HashSet<PathBuf> = given.iter().cloned().collect();
    let mut suites = Vec::new();
    for path in given {
        let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']));
        // A file's name may look like a pattern.
        let Some(pattern) = pattern.filter(|_| !path.exists()) else {
            suites.push(path.clone());
            continue;
        };
        let failed = |cause: String| Error::new(Kind::Invalid, cause).hint(PATTERN_HINT);
        let found = glob::glob(pattern)
            .map_err(|error| failed(format!("the pattern `{pattern}` is not valid: {error}")))?;
        let before = suites.len();
        let mut matched = false;
        for file in found {
            let file =
                file.map_err(|error| failed(format!("failed to look for {pattern}: {error}")))?;
            if !file.is_file() {
                continue;
            }
            matched = true;
            if taken.insert(file.clone()) {
                suites.push(file);
            }
        }
        if !matched {
            return Err(failed(format!("no file matches `{pattern}`")));
        }
        suites[before..].sort();
    }
    Ok(suites)
}

const PATTERN_HINT: &str = "in a pattern, `*` stands for anything within a name, `**` for any folders; \
                            paths are relative to the folder in which callcheck runs";

/// Reads every suite. All problems of all files are told at once.
pub(super) fn load(paths: &[PathBuf]) -> Result<Vec<Suite>, Error> {
    // A value that is no UTF-8 is set all the same: its place will refuse what comes of it.
    let lookup = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
    let mut suites: Vec<Suite> = Vec::new();
    let mut problems = Vec::new();
    let mut hint = None;
    for path in paths {
        match suite::load(path, &lookup) {
            Ok(suite) => suites.push(suite),
            Err(LoadError::Invalid(diagnostics)) => problems.push(diagnostics.render()),
            Err(LoadError::Io { path, source }) => {
                problems.push(format!("error: failed to read {path}: {source}"));
                hint = Some("name a suite: callcheck run SUITE; examples/suite.yaml shows one");
            }
        }
    }
    problems.extend(repeated_names(&suites));
    if problems.is_empty() {
        return Ok(suites);
    }
    let noun = if paths.len() == 1 { "the suite is" } else { "the suites are" };
    let error = Error::new(Kind::Invalid, format!("{noun} invalid; nothing was started"))
        .details(problems.join("\n\n"));
    Err(match hint {
        Some(hint) => error.hint(hint),
        None => error,
    })
}

/// Suite names stand in every report and in client tokens: they are unique in a run.
fn repeated_names(suites: &[Suite]) -> Vec<String> {
    let mut first: HashMap<&str, &Suite> = HashMap::new();
    let mut problems = Vec::new();
    for suite in suites {
        if let Some(other) = first.insert(&suite.name.value, suite) {
            let line = suite.source.position(suite.name.span.start).line;
            problems.push(format!(
                "error: {}:{line}: a second suite is named `{}`; the first is {}",
                suite.source.path(),
                suite.name.value,
                other.source.path()
            ));
        }
    }
    problems
}
