//! The one place that writes reports to disk.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{json, junit, markdown};
use crate::outcome::RunSummary;

/// When reports are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the end: what has not ended stands as an error.
    Meanwhile,
    /// At the end.
    End,
}

/// Where reports go.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    /// JUnit XML.
    pub junit: Option<PathBuf>,
    /// JSON.
    pub json: Option<PathBuf>,
    /// The Markdown summary, written once, at the end.
    pub summary: Option<Summary>,
}

/// Where the Markdown summary goes.
#[derive(Debug, Clone)]
pub enum Summary {
    /// Behind what other steps of a job have written there.
    Append(PathBuf),
    /// In a file of its own.
    Replace(PathBuf),
}

impl Summary {
    fn path(&self) -> &PathBuf {
        match self {
            Self::Append(path) | Self::Replace(path) => path,
        }
    }

    fn write(&self, text: &str) -> std::io::Result<()> {
        match self {
            Self::Append(path) => {
                let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
                file.write_all(text.as_bytes())
            }
            Self::Replace(path) => put(path, text.as_bytes()),
        }
    }
}

impl Outputs {
    fn paths(&self) -> impl Iterator<Item = &Path> {
        let summary = self.summary.as_ref().map(Summary::path);
        self.junit.iter().chain(&self.json).chain(summary).map(PathBuf::as_path)
    }

    /// Says which report would take the place of another, or of one of the files that are read.
    pub fn clash(&self, inputs: &[PathBuf]) -> Option<String> {
        let mut taken: Vec<PathBuf> = inputs.iter().map(|input| identity(input)).collect();
        for path in self.paths().filter(|path| !is_stream(path)) {
            let path_identity = identity(path);
            if taken.contains(&path_identity) {
                return Some(format!("two things are to be in {}", path.display()));
            }
            taken.push(path_identity);
        }
        None
    }

    /// Writes every report. One that cannot be written does not keep the others from being.
    ///
    /// # Errors
    ///
    /// A sentence for each report that could not be written.
    pub fn write(&self, summary: &RunSummary, moment: Moment) -> Result<(), Vec<String>> {
        type Render = fn(&RunSummary) -> Result<Vec<u8>, String>;
        let formats: [(&Option<PathBuf>, &str, Render); 2] =
            [(&self.junit, "JUnit", junit::render), (&self.json, "JSON", json::render)];
        let mut problems = Vec::new();
        for (path, name, render) in formats {
            let Some(path) = path else { continue };
            // What is written to a stream cannot be taken back: it gets the last word only.
            if moment == Moment::Meanwhile && is_stream(path) {
                continue;
            }
            let written = render(summary)
                .and_then(|bytes| put(path, &bytes).map_err(|error| error.to_string()));
            if let Err(error) = written {
                let path = path.display();
                problems.push(format!("failed to write the {name} report to {path}: {error}"));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Writes the Markdown summary; to be called once.
    ///
    /// # Errors
    ///
    /// A sentence that says what kept it from being written.
    pub fn summarize(&self, summary: &RunSummary) -> Result<(), String> {
        let Some(to) = &self.summary else { return Ok(()) };
        to.write(&markdown::render(summary)).map_err(|error| {
            format!("failed to write the summary to {}: {error}", to.path().display())
        })
    }
}

/// Whether a path is a device or a pipe, such as /dev/stdout: written to, never replaced.
fn is_stream(path: &Path) -> bool {
    path.starts_with("/dev")
        || path.starts_with("/proc")
        || std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// A path by which two names of one file are known to be one.
fn identity(path: &Path) -> PathBuf {
    std::fs::canonicalize(path)
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}

/// Puts `bytes` in the place of a file in one step, so that whoever reads it, or kills this
/// process, never finds half a report. Missing folders are made, and links followed.
fn put(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if is_stream(path) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".callcheck-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As a plain file would have it: a later step of the job may run as another user.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}
