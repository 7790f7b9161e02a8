//! What was expected and what was heard, compared word by word.
//!
//! ```text
//! expected: We are open Monday to [-Friday-].
//! heard:    We are open Monday to {+Thursday+}.
//! ```

use similar::{Algorithm, DiffOp, capture_diff_slices_by_key};

use super::text::one_line;

/// Words of a line that have one mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) mark: Mark,
    pub(super) text: String,
}

/// How words differ from those that they are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// They do not differ, or are not compared.
    Same,
    /// They were expected and not heard.
    Expected,
    /// They were heard and not expected.
    Heard,
}

impl Words {
    /// Words that are not compared.
    pub(super) fn same(text: impl Into<String>) -> Self {
        Self { mark: Mark::Same, text: text.into() }
    }

    /// The words with their mark, readable without color.
    pub(super) fn plain(&self) -> String {
        match self.mark {
            Mark::Same => self.text.clone(),
            Mark::Expected => format!("[-{}-]", self.text),
            Mark::Heard => format!("{{+{}+}}", self.text),
        }
    }
}

/// Texts of more words are compared from both ends only: comparing them whole takes too long.
const MAX_COMPARED_WORDS: usize = 200;

/// Expected and heard, each with the words marked that the other does not have. Speech transcripts
/// write the same words with other punctuation and case, so that does not count, unless it is all
/// that differs.
pub(super) fn compare(expected: &str, heard: &str) -> (Vec<Words>, Vec<Words>) {
    let (expected, heard) = (one_line(expected), one_line(heard));
    let (left, right): (Vec<&str>, Vec<&str>) =
        (expected.split_whitespace().collect(), heard.split_whitespace().collect());
    let as_heard = |word: &&str| {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if bare.is_empty() { (*word).to_owned() } else { bare.to_lowercase() }
    };
    let mut changes = differences(&left, &right, as_heard);
    let is_exact =
        left != right && changes.iter().all(|change| matches!(change, DiffOp::Equal { .. }));
    if is_exact {
        changes = differences(&left, &right, |word| (*word).to_owned());
    }
    let (mut of_left, mut of_right) = (Vec::new(), Vec::new());
    for change in changes {
        let mark = |mark| if matches!(change, DiffOp::Equal { .. }) { Mark::Same } else { mark };
        add(&mut of_left, mark(Mark::Expected), &left[change.old_range()], is_exact);
        add(&mut of_right, mark(Mark::Heard), &right[change.new_range()], is_exact);
    }
    (of_left, of_right)
}

fn differences(left: &[&str], right: &[&str], key: impl Fn(&&str) -> String) -> Vec<DiffOp> {
    if left.len().max(right.len()) <= MAX_COMPARED_WORDS {
        return capture_diff_slices_by_key(Algorithm::Myers, left, right, key);
    }
    let is_same = |(a, b): &(&&str, &&str)| key(a) == key(b);
    let begin = left.iter().zip(right).take_while(is_same).count();
    let (left_rest, right_rest) = (&left[begin..], &right[begin..]);
    let ends = left_rest.iter().rev().zip(right_rest.iter().rev());
    let end = ends.take_while(is_same).count();
    let (old_len, new_len) = (left_rest.len() - end, right_rest.len() - end);
    vec![
        DiffOp::Equal { old_index: 0, new_index: 0, len: begin },
        DiffOp::Replace { old_index: begin, old_len, new_index: begin, new_len },
        DiffOp::Equal { old_index: begin + old_len, new_index: begin + new_len, len: end },
    ]
}

/// Adds words to a line. A mark takes in the punctuation at its end only where that counts
/// (`is_exact`).
fn add(line: &mut Vec<Words>, mark: Mark, words: &[&str], is_exact: bool) {
    if words.is_empty() {
        return;
    }
    if !line.is_empty() {
        join(line, " ");
    }
    let text = words.join(" ");
    let bare = text.trim_end_matches(['.', ',', ';', ':', '!', '?']);
    if mark == Mark::Same || bare.is_empty() || is_exact {
        line.push(Words { mark, text });
        return;
    }
    line.push(Words { mark, text: bare.to_owned() });
    if bare.len() < text.len() {
        line.push(Words::same(&text[bare.len()..]));
    }
}

/// Adds text that belongs to no mark to the end of a line.
fn join(line: &mut Vec<Words>, text: &str) {
    match line.last_mut().filter(|last| last.mark == Mark::Same) {
        Some(last) => last.text.push_str(text),
        None => line.push(Words::same(text)),
    }
}

/// Words that are shown on each side of a difference in one line.
const CONTEXT_WORDS: usize = 3;

/// Words of one mark that are shown in one line.
const MAX_MARKED_WORDS: usize = 12;

/// The words that differ with a few around them, in one line.
pub(super) fn excerpt(line: &[Words]) -> String {
    if line.iter().all(|words| words.mark == Mark::Same) {
        return line.iter().map(Words::plain).collect();
    }
    let last = line.len() - 1;
    let shown = |(index, part): (usize, &Words)| {
        // Words with the blanks behind them.
        let words: Vec<&str> = part.text.split_inclusive(' ').collect();
        let (before, after) = match part.mark {
            Mark::Same if index == 0 => (0, CONTEXT_WORDS),
            Mark::Same if index == last => (CONTEXT_WORDS, 0),
            Mark::Same => (CONTEXT_WORDS, CONTEXT_WORDS),
            Mark::Expected | Mark::Heard => (MAX_MARKED_WORDS / 2, MAX_MARKED_WORDS / 2),
        };
        // A mark for one word that is left out would be no shorter.
        if words.len() <= before + after + 1 {
            return part.plain();
        }
        let head = words[..before].concat();
        let tail = words[words.len() - after..].concat();
        let gap = if after == 0 { "…" } else { "… " };
        Words { mark: part.mark, text: format!("{head}{gap}{tail}") }.plain()
    };
    line.iter().enumerate().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(expected: &str, heard: &str) -> (String, String) {
        let (left, right) = compare(expected, heard);
        // Without its marks, a text is what it was.
        let text =
            |line: &[Words]| line.iter().map(|words| words.text.as_str()).collect::<String>();
        assert_eq!((text(&left).as_str(), text(&right).as_str()), (expected, heard));
        let plain = |line: &[Words]| line.iter().map(Words::plain).collect::<String>();
        (plain(&left), plain(&right))
    }

    #[test]
    fn the_words_that_differ_are_marked_on_both_sides() {
        for (expected, heard, left, right) in [
            ("press 1", "press one", "press [-1-]", "press {+one+}"),
            ("to Friday.", "to Thursday.", "to [-Friday-].", "to {+Thursday+}."),
            ("good day", "good day", "good day", "good day"),
            ("a b c d", "a d", "a [-b c-] d", "a d"),
            ("one two", "three four", "[-one two-]", "{+three four+}"),
            ("welcome", "", "[-welcome-]", ""),
            ("grüß Gott", "grüß dich", "grüß [-Gott-]", "grüß {+dich+}"),
            // A transcript writes the same words otherwise: only the wrong one is marked.
            (
                "For sales, press 1. Goodbye.",
                "for sales press one goodbye",
                "For sales, press [-1-]. Goodbye.",
                "for sales press {+one+} goodbye",
            ),
            // Where that is all that differs, it is shown.
            ("Hello, Jane", "hello Jane", "[-Hello,-] Jane", "{+hello+} Jane"),
            ("Hello world!", "Hello world.", "Hello [-world!-]", "Hello {+world.+}"),
            ("$5.00", "$500", "[-$5.00-]", "{+$500+}"),
            ("? !", "? ?", "? [-!-]", "? {+?+}"),
        ] {
            let (l, r) = compared(expected, heard);
            assert_eq!((l.as_str(), r.as_str()), (left, right), "{expected} / {heard}");
        }
    }

    #[test]
    fn long_texts_are_compared_from_both_ends() {
        let text = |middle: &str| {
            let side = vec!["word"; MAX_COMPARED_WORDS].join(" ");
            format!("{side} {middle} {side}")
        };
        let (left, right) = compared(&text("one x two"), &text("three x"));
        assert!(left.contains("word [-one x two-] word"), "{left}");
        assert!(right.contains("word {+three x+} word"), "{right}");
    }
}
