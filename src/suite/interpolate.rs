//! `${VAR}`, `${VAR:-default}` and `$${` in scalars.
//!
//! Works on scalars that the parser has already read: whatever a variable holds, it stays one
//! value and can never add structure to the file.

/// Looks a variable up by name.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why a text cannot be interpolated; the range is in bytes of the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A `${` without its `}`.
    Unclosed,
    /// What stands between the braces is not a variable's name.
    BadName(String),
    /// The variable is not set, and there is no default.
    NotSet(String),
    /// A default holds a variable of its own.
    Nested,
    /// The variable holds a credential, which no report may show.
    Secret(String),
    /// The value is longer than any that makes sense.
    TooLong,
}

/// The longest value that variables may make of a scalar, in bytes.
const MAX_VALUE: usize = 64 * 1024;

/// Variables that hold credentials.
const SECRETS: [&str; 6] = [
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "GITHUB_TOKEN",
];

/// Replaces variables in `text`. Gives the text and whether it held any; every flaw is reported,
/// not only the first.
pub(super) fn interpolate(text: &str, lookup: Lookup<'_>) -> Result<(String, bool), Vec<Flaw>> {
    let mut result = String::with_capacity(text.len());
    let mut flaws = Vec::new();
    let mut held = false;
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$${") {
            result.push_str("${");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            held = true;
            let Some(end) = after.find('}') else {
                flaws.push(Flaw::Unclosed);
                break;
            };
            match resolve(&after[..end], lookup) {
                Ok(value) if result.len() + value.len() > MAX_VALUE => {
                    flaws.push(Flaw::TooLong);
                    break;
                }
                Ok(value) => result.push_str(&value),
                Err(flaw) => flaws.push(flaw),
            }
            rest = &after[end + 1..];
        } else {
            result.push('$');
            rest = &rest[1..];
        }
    }
    if !flaws.is_empty() {
        return Err(flaws);
    }
    result.push_str(rest);
    Ok((result, held))
}

fn resolve(inner: &str, lookup: Lookup<'_>) -> Result<String, Flaw> {
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !valid {
        return Err(Flaw::BadName(name.to_owned()));
    }
    if SECRETS.contains(&name) {
        return Err(Flaw::Secret(name.to_owned()));
    }
    if default.is_some_and(|default| default.contains("${")) {
        return Err(Flaw::Nested);
    }
    // As in a shell, `:-` also stands in for a variable that is set to nothing.
    match (lookup(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(Flaw::NotSet(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "ID" => Some("abc".to_owned()),
            "EMPTY" => Some(String::new()),
            "LONG" => Some("x".repeat(40_000)),
            "YAML" => Some("a: {b: c}\n- ${ID}".to_owned()),
            _ => None,
        }
    }

    fn ok(text: &str) -> String {
        interpolate(text, &env).unwrap().0
    }

    #[test]
    fn replaces_variables_and_defaults() {
        assert_eq!(ok("x-${ID}-${ID}"), "x-abc-abc");
        assert_eq!(ok("${NONE:-a:-b}"), "a:-b");
        assert_eq!(ok("${EMPTY:-d}|${EMPTY}|${NONE:-}"), "d||");
    }

    #[test]
    fn a_value_is_not_interpolated_again() {
        assert_eq!(ok("${YAML}"), "a: {b: c}\n- ${ID}");
    }

    #[test]
    fn dollars_that_are_no_variables_stay() {
        assert_eq!(ok("$${ID} costs $5 $ID $"), "${ID} costs $5 $ID $");
        assert!(!interpolate("$${ID}", &env).unwrap().1);
    }

    #[test]
    fn every_flaw_is_told() {
        assert_eq!(
            interpolate("${A} ${1x} ${B", &env).unwrap_err(),
            [Flaw::NotSet("A".into()), Flaw::BadName("1x".into()), Flaw::Unclosed]
        );
        let flaw = |text: &str| interpolate(text, &env).unwrap_err();
        assert_eq!(flaw("${A:-${ID}}"), [Flaw::Nested]);
        assert_eq!(flaw("${LONG}${LONG}"), [Flaw::TooLong]);
        let secret = "AWS_SECRET_ACCESS_KEY";
        assert_eq!(flaw(&format!("${{{secret}:-x}}")), [Flaw::Secret(secret.into())]);
    }
}
