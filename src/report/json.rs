//! The JSON report: the [`RunSummary`] as it is, versioned. The other reports are made from the
//! same value, also later, from the file.

use std::io::Write;

use serde::Deserialize;

use crate::outcome::{REPORT_VERSION, RunSummary};

/// Writes the report as indented JSON with a final line break. It is never held in memory: that of a
/// large run is long.
///
/// # Errors
///
/// Those of `to`.
pub fn write(summary: &RunSummary, mut to: impl Write) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut to, summary)?;
    to.write_all(b"\n")
}

/// Reads a report. Keys that are not known are passed over: a later callcheck of the same version
/// may write more of them.
///
/// # Errors
///
/// A sentence that says why it is no report of this version, with the place.
pub fn read(bytes: &[u8]) -> Result<RunSummary, String> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let version = match serde_json::from_slice(bytes) {
        Ok(Versioned { version }) => version,
        Err(error) => return Err(format!("it is no JSON report of callcheck: {error}")),
    };
    if version != REPORT_VERSION {
        return Err(format!(
            "it is a report of version {version}; this callcheck reads version {REPORT_VERSION}"
        ));
    }
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

/// The JSON Schema of the report, with a final line break.
pub fn schema() -> String {
    let schema = schemars::schema_for!(RunSummary);
    format!("{:#}\n", schema.as_value())
}
