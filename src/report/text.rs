//! Text from AWS and from suites made safe to show: it may hold anything.

use std::time::Duration;

/// One line, without control characters: for a terminal and for attributes.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in anstream::adapter::strip_str(text).to_string().chars() {
        let c = if c.is_whitespace() || c.is_control() { ' ' } else { c };
        // A run of white space, such as an indented line break, comes out as one space.
        if c != ' ' || !line.ends_with(' ') {
            line.push(c);
        }
    }
    line.chars().filter(|c| is_shown(*c)).collect::<String>().trim().to_owned()
}

/// Several lines, for the body of an XML element: tabs expanded (quick-junit would drop them),
/// line breaks made one kind, what XML 1.0 forbids left out.
pub(super) fn xml_body(text: &str) -> String {
    let text = anstream::adapter::strip_str(text).to_string();
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', "    ");
    text.chars().filter(|c| is_shown(*c) && (*c == '\n' || !c.is_control())).collect()
}

/// The beginning of a text, in characters, with a mark where more is missing.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Whether a character may stand in a report: XML has no place for U+FFFE and U+FFFF, and
/// direction overrides make text read as what it is not.
fn is_shown(c: char) -> bool {
    let forbidden = matches!(c, '\u{fffe}' | '\u{ffff}');
    let overrides = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !forbidden && !overrides
}

/// A time to a tenth of a second, or in minutes.
pub(super) fn short(seconds: f64) -> String {
    if seconds < 60.0 {
        format!("{seconds:.1}s")
    } else {
        let whole = seconds as u64;
        format!("{}m{:02}s", whole / 60, whole % 60)
    }
}

/// How long is waited: to the millisecond below a second, else as [`short`] has it.
pub(super) fn wait(wait: Duration) -> String {
    match wait.as_millis() {
        millis @ 0..1000 => format!("{millis}ms"),
        _ => short(wait.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_one_safe_line() {
        assert_eq!(one_line("a\r\n\t b\u{1b}[31mc\u{ffff}\u{202e}d "), "a bcd");
    }

    #[test]
    fn a_body_keeps_its_lines() {
        assert_eq!(xml_body("a\tb\r\nc\rd\u{fffe}\u{85}\u{1b}[31m"), "a    b\nc\nd");
    }
}
