//! What CI hosts read from a log: sections that fold, and commands, which no text from AWS or from
//! a suite may ever be.
//!
//! | host | a section | commands |
//! | --- | --- | --- |
//! | GitHub | `::group::` | lines that begin with `::`; `##[` anywhere |
//! | GitLab | `section_start:` | only behind an escape sequence |
//! | Azure Pipelines | `##[group]` | `##[`, `##vso[` anywhere |
//! | Buildkite | `---`, `+++` | the same, at the begin of a line |
//! | TeamCity | `##teamcity[blockOpened` | `##teamcity[` anywhere |

use std::borrow::Cow;

use anstream::adapter::strip_str;

/// A CI host, as far as its log knows sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// Azure Pipelines.
    Azure,
    /// Buildkite.
    Buildkite,
    /// TeamCity.
    Teamcity,
    /// Any other, or none.
    Other,
}

impl Host {
    /// The host by the variables that it sets.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_true = |name| variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if is_true("GITHUB_ACTIONS") {
            Self::Github
        } else if is_true("GITLAB_CI") {
            Self::Gitlab
        } else if is_true("TF_BUILD") {
            Self::Azure
        } else if is_true("BUILDKITE") {
            Self::Buildkite
        } else if variable("TEAMCITY_VERSION").is_some() {
            Self::Teamcity
        } else {
            Self::Other
        }
    }

    /// The line that opens the section of the log in which the progress of a run stands: folded,
    /// where the host can. `now` is the time in seconds since 1970.
    pub fn open_progress(self, now: i64) -> Option<String> {
        let line = match self {
            Self::Github => "::group::callcheck: progress".to_owned(),
            Self::Gitlab => format!(
                "\u{1b}[0Ksection_start:{now}:callcheck_progress[collapsed=true]\r\
                 \u{1b}[0Kcallcheck: progress"
            ),
            Self::Azure => "##[group]callcheck: progress".to_owned(),
            Self::Buildkite => "--- callcheck: progress".to_owned(),
            Self::Teamcity => "##teamcity[blockOpened name='callcheck: progress']".to_owned(),
            Self::Other => return None,
        };
        Some(line)
    }

    /// The line that closes it again, and, where sections close one another, opens that of the
    /// result.
    pub fn close_progress(self, now: i64) -> Option<String> {
        let line = match self {
            Self::Github => "::endgroup::".to_owned(),
            Self::Gitlab => {
                format!("\u{1b}[0Ksection_end:{now}:callcheck_progress\r\u{1b}[0K")
            }
            Self::Azure => "##[endgroup]".to_owned(),
            Self::Buildkite => "+++ callcheck: result".to_owned(),
            Self::Teamcity => "##teamcity[blockClosed name='callcheck: progress']".to_owned(),
            Self::Other => return None,
        };
        Some(line)
    }
}

/// Text for a log, in which no host finds a command, whichever it is: one that would be is taken
/// apart by a space.
pub fn defuse(text: &str) -> Cow<'_, str> {
    if !["##", "::", "---", "+++", "~~~", "^^^"].iter().any(|mark| text.contains(mark)) {
        return Cow::Borrowed(text);
    }
    // A host may take a carriage return for the end of a line.
    let lines: Vec<String> = text.split(['\n', '\r']).map(defuse_line).collect();
    Cow::Owned(lines.join("\n"))
}

fn defuse_line(line: &str) -> String {
    let mut safe = String::with_capacity(line.len() + 4);
    let mut rest = line;
    while let Some(at) = rest.find("##") {
        let word = rest[at..].trim_start_matches('#');
        let marks = rest.len() - at - word.len();
        let is_command = word.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        // All marks but the last, and that one apart from them.
        safe.push_str(&rest[..at + marks - 1]);
        safe.push_str(if is_command.starts_with('[') { " #" } else { "#" });
        rest = word;
    }
    safe.push_str(rest);
    // Colours are taken away before a host sees a line.
    let plain = strip_str(&safe).to_string();
    let plain = plain.trim_start();
    let begins = |mark: &str| plain.starts_with(mark);
    if begins("::") {
        return safe.replacen("::", ": :", 1);
    }
    // Buildkite's marks count at the very begin only.
    if ["---", "+++", "~~~", "^^^"].into_iter().any(begins) {
        return format!(" {safe}");
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_command_of_any_host_is_left() {
        for (text, expected) in [
            ("::error::x", ": :error::x"),
            ("  ::error::x", "  : :error::x"),
            ("a ::error::x", "a ::error::x"),
            ("a ##[error]x", "a # #[error]x"),
            ("###[group]", "## #[group]"),
            ("x ##vso[task.setvariable]y", "x # #vso[task.setvariable]y"),
            ("##teamcity[buildStop]", "# #teamcity[buildStop]"),
            ("## a heading", "## a heading"),
            ("--- x\n+++ y", " --- x\n +++ y"),
            ("\u{1b}[1m::error::x", "\u{1b}[1m: :error::x"),
            ("a: b", "a: b"),
            ("a ::x\r::error::y", "a ::x\n: :error::y"),
        ] {
            assert_eq!(defuse(text), expected);
        }
    }

    #[test]
    fn each_host_is_known_by_its_variables() {
        for (name, value, host) in [
            ("GITHUB_ACTIONS", "true", Host::Github),
            ("GITLAB_CI", "true", Host::Gitlab),
            ("TF_BUILD", "True", Host::Azure),
            ("BUILDKITE", "true", Host::Buildkite),
            ("TEAMCITY_VERSION", "2026.1", Host::Teamcity),
            ("GITHUB_ACTIONS", "false", Host::Other),
        ] {
            let variable = |asked: &str| (asked == name).then(|| value.to_owned());
            assert_eq!(Host::detect(variable), host, "{name}");
        }
    }
}
