//! What values of flags may be.

use globset::Glob;
use url::Url;

use super::LONGEST_RUN_ID;
use crate::suite::check_region;

pub(super) fn parse_glob(text: &str) -> Result<Glob, String> {
    Glob::new(text).map_err(|error| error.kind().to_string())
}

pub(super) fn parse_region(text: &str) -> Result<String, String> {
    check_region(text).map(|()| text.to_owned()).map_err(|expected| format!("expected {expected}"))
}

pub(super) fn parse_account(text: &str) -> Result<String, String> {
    let valid = text.len() == 12 && text.chars().all(|c| c.is_ascii_digit());
    let expected = "expected the twelve digits of an AWS account";
    if valid { Ok(text.to_owned()) } else { Err(expected.to_owned()) }
}

pub(super) fn parse_url(text: &str) -> Result<String, String> {
    let expected = |why: String| format!("expected a URL such as http://127.0.0.1:8080{why}");
    let url = Url::parse(text).map_err(|error| expected(format!(": {error}")))?;
    // The SDK takes the text as it is, and less of it than a browser would.
    let plain = text.chars().all(|c| c.is_ascii_graphic());
    let (_, rest) = text.split_once("://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let has_host = url.has_host() && !host.is_empty() && !host.ends_with(':');
    if plain && has_host && ["http", "https"].contains(&url.scheme()) {
        Ok(text.to_owned())
    } else {
        Err(expected(String::new()))
    }
}

/// A run id names files: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`.
pub(super) fn parse_run_id(text: &str) -> Result<String, String> {
    let valid = text.len() <= LONGEST_RUN_ID
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if valid {
        Ok(text.to_owned())
    } else {
        Err("expected up to 64 letters, digits, `.`, `_` and `-`, a letter or digit first".into())
    }
}

#[cfg(test)]
mod tests {
    use super::parse_url;

    #[test]
    fn an_endpoint_is_a_url_that_leads_somewhere() {
        for good in ["http://127.0.0.1:8080", "https://[::1]:1/base", "https://proxy.example.com"] {
            assert_eq!(parse_url(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "htp://x",
            "localhost:8080",
            "http://",
            "http:///path",
            "http:x",
            "http://127.0.0.1:99999",
            "http://127.0.0.1:",
            "http://[::1",
            "http://ex\u{e4}mple",
            "http://a b",
            "http://x\n",
        ] {
            assert!(parse_url(bad).is_err(), "{bad}");
        }
    }
}
