//! The one place that writes reports to disk.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{json, junit};
use crate::outcome::RunSummary;

/// Where reports go.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    /// JUnit XML.
    pub junit: Option<PathBuf>,
    /// JSON.
    pub json: Option<PathBuf>,
}

impl Outputs {
    /// Writes every report. One that cannot be written does not keep the others from being.
    ///
    /// # Errors
    ///
    /// A sentence for each report that could not be written.
    pub fn write(&self, summary: &RunSummary) -> Result<(), Vec<String>> {
        type Render = fn(&RunSummary) -> Result<Vec<u8>, String>;
        let formats: [(&Option<PathBuf>, &str, Render); 2] =
            [(&self.junit, "JUnit", junit::render), (&self.json, "JSON", json::render)];
        let mut problems = Vec::new();
        for (path, name, render) in formats {
            let Some(path) = path else { continue };
            let written = render(summary)
                .and_then(|bytes| replace(path, &bytes).map_err(|error| error.to_string()));
            if let Err(error) = written {
                problems.push(format!(
                    "failed to write the {name} report to {}: {error}",
                    path.display()
                ));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// Puts `bytes` in the place of a file in one step, so that whoever reads it, or kills this
/// process, never finds half a report. Missing folders are made.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    // A device or a pipe, such as /dev/stdout, can only be written to, never replaced.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
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
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
