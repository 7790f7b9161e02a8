//! The JSON report: the [`RunSummary`] as it is, versioned. The other reports are made from the
//! same value.

use crate::outcome::RunSummary;

/// The report as indented JSON with a final line break.
///
/// # Errors
///
/// The summary cannot be serialized, which no summary of this crate does.
pub fn render(summary: &RunSummary) -> Result<Vec<u8>, String> {
    let mut bytes = serde_json::to_vec_pretty(summary).map_err(|error| error.to_string())?;
    bytes.push(b'\n');
    Ok(bytes)
}
