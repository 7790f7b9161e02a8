//! The suites that a command line names.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use globset::GlobBuilder;
use walkdir::WalkDir;

use crate::error::{Error, Kind};
use crate::outcome::Place;
use crate::report::writer::identity;
use crate::suite::{self, LoadError, Suite};

/// The files that the command line names: as they are named, and in the place of a pattern such as
/// `tests/**/*.yaml` all files that match it, in alphabetical order. CI hosts and some shells hand
/// patterns on as they are. A pattern takes no file that is named already, follows no link to a folder,
/// and takes what begins with a dot, files and folders, only where it names one.
///
/// Beside them, what keeps it from being all: a pattern is not valid, no file matches it, or a folder
/// cannot be read.
pub(super) fn expand(given: &[PathBuf]) -> (Vec<PathBuf>, Option<Error>) {
    // A file's name may look like a pattern.
    let pattern = |path: &PathBuf| {
        let text = path.to_str().filter(|text| text.contains(WILD));
        text.filter(|_| !path.exists()).map(str::to_owned)
    };
    let named = given.iter().filter(|path| pattern(path).is_none());
    let mut taken: HashSet<PathBuf> = named.map(|path| identity(path)).collect();
    let mut suites = Vec::new();
    let mut problems = Vec::new();
    for path in given {
        let Some(pattern) = pattern(path) else {
            suites.push(path.clone());
            continue;
        };
        match matching(&pattern) {
            Ok(files) => {
                suites.extend(files.into_iter().filter(|file| taken.insert(identity(file))))
            }
            Err(problem) => problems.push(problem),
        }
    }
    let failure = (!problems.is_empty()).then(|| {
        Error::new(Kind::Invalid, problems.join("; ")).hint(
            "in a pattern, `*` stands for anything within a name, `**` for any folders; paths are \
             relative to the folder in which callcheck runs",
        )
    });
    (suites, failure)
}

/// Reads every suite that the command line names.
pub(super) fn load_all(given: &[PathBuf]) -> Result<Vec<Suite>, Error> {
    match expand(given) {
        (suites, None) => load(&suites),
        (_, Some(failure)) => Err(failure),
    }
}

/// What makes a pattern of a path.
const WILD: [char; 4] = ['*', '?', '[', '{'];

/// The files that match a pattern; there is one at least.
fn matching(pattern: &str) -> Result<Vec<PathBuf>, String> {
    // The folder that it begins in is no pattern, whatever its name looks like.
    let mut base = PathBuf::new();
    let mut parts = Path::new(pattern).components().peekable();
    let is_wild = |part: &Component<'_>| part.as_os_str().to_string_lossy().contains(WILD);
    while let Some(part) = parts.next_if(|part| !is_wild(part) || base.join(part).exists()) {
        base.push(part);
    }
    let parts: Vec<Component<'_>> = parts.collect();
    let rest: PathBuf = parts.iter().collect();
    let glob = GlobBuilder::new(&rest.to_string_lossy()).literal_separator(true).build();
    let glob = glob.map_err(|error| format!("the pattern `{pattern}` is not valid: {error}"))?;
    let glob = glob.compile_matcher();
    let is_hidden = |name: &OsStr| name.to_string_lossy().starts_with('.');
    let names_hidden = parts.iter().any(|part| is_hidden(part.as_os_str()));
    let here = Path::new(".");
    let from = if base.as_os_str().is_empty() { here } else { &base };
    // What lies deeper than it can match is not looked into. Braces may hold folders.
    let any_depth = rest.to_string_lossy().contains("**") || rest.to_string_lossy().contains('{');
    let depth = if any_depth { usize::MAX } else { parts.len() };
    let walk = WalkDir::new(from).max_depth(depth).sort_by_file_name().into_iter();
    let walk = walk
        .filter_entry(|entry| entry.depth() == 0 || names_hidden || !is_hidden(entry.file_name()));
    let mut files = Vec::new();
    for entry in walk {
        let entry = entry.map_err(|error| format!("failed to look for `{pattern}`: {error}"))?;
        let inside = entry.path().strip_prefix(from).unwrap_or(entry.path());
        if glob.is_match(inside) && entry.path().is_file() {
            files.push(base.join(inside));
        }
    }
    if files.is_empty() { Err(format!("no file matches `{pattern}`")) } else { Ok(files) }
}

/// Reads every suite. All problems of all files are told at once.
pub(super) fn load(paths: &[PathBuf]) -> Result<Vec<Suite>, Error> {
    // A value that is no UTF-8 is set all the same: its place will refuse what comes of it.
    let lookup = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
    let mut suites: Vec<Suite> = Vec::new();
    let mut problems = Vec::new();
    let mut places = Vec::new();
    let mut hint = None;
    for path in paths {
        match suite::load(path, &lookup) {
            Ok(suite) => suites.push(suite),
            Err(LoadError::Invalid(diagnostics)) => {
                problems.push(diagnostics.render());
                places.extend(diagnostics.places());
            }
            Err(LoadError::Io { path, source }) => {
                let message = format!("failed to read it: {source}");
                problems.push(format!("error: failed to read {path}: {source}"));
                places.push(Place { file: path, line: 1, message });
                hint = Some("name a suite: callcheck run SUITE; examples/suite.yaml shows one");
            }
        }
    }
    for repeated in repeated_names(&suites) {
        problems.push(format!("error: {}:{}: {}", repeated.file, repeated.line, repeated.message));
        places.push(repeated);
    }
    if problems.is_empty() {
        return Ok(suites);
    }
    let noun = if paths.len() == 1 { "the suite is" } else { "the suites are" };
    let error = Error::new(Kind::Invalid, format!("{noun} invalid; nothing was started"))
        .details(problems.join("\n\n"))
        .places(places);
    Err(match hint {
        Some(hint) => error.hint(hint),
        None => error,
    })
}

/// Suite names stand in every report and in client tokens: they are unique in a run.
fn repeated_names(suites: &[Suite]) -> Vec<Place> {
    let mut first: HashMap<&str, &Suite> = HashMap::new();
    let mut problems = Vec::new();
    for suite in suites {
        if let Some(other) = first.insert(&suite.name.value, suite) {
            let line = suite.source.position(suite.name.span.start).line;
            let (name, first) = (&suite.name.value, other.source.path());
            let message = format!("a second suite is named `{name}`; the first is {first}");
            problems.push(Place { file: suite.source.path().to_owned(), line, message });
        }
    }
    problems
}
