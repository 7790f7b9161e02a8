//! A suite file's text, and where in it a byte stands.

use std::ops::Range;

/// The largest suite file that is read, in bytes: room for some 5,000 tests.
pub(super) const MAX_BYTES: u64 = 1024 * 1024;

/// A range of bytes of a suite file.
pub type Span = Range<usize>;

/// A value and the place in the file where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// A value with its place.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A position as editors count it: line and column (in characters) from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// A file's text with its line starts.
#[derive(Debug, Clone)]
pub struct Source {
    path: String,
    text: String,
    line_starts: Vec<usize>,
    /// How many characters stand before each block of [`BLOCK`] bytes: a line may be a megabyte
    /// long, and hold thousands of places that are asked for.
    chars_before: Vec<usize>,
}

/// Bytes that are counted at once.
const BLOCK: usize = 1024;

/// Whether a byte begins a character (of UTF-8).
fn begins_char(byte: &&u8) -> bool {
    **byte & 0xc0 != 0x80
}

impl Source {
    /// Takes a text; `path` is what messages call it.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let line_starts =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let chars = |block: &[u8]| block.iter().filter(begins_char).count();
        let mut chars_before = vec![0];
        for block in text.as_bytes().chunks(BLOCK) {
            chars_before.push(chars_before[chars_before.len() - 1] + chars(block));
        }
        Self { path: path.into(), text, line_starts, chars_before }
    }

    /// The path as the user gave it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The position of a byte; one past the end counts as the end.
    pub fn position(&self, byte: usize) -> Position {
        let line = self.line_starts.partition_point(|start| *start <= byte);
        let before = self.chars_before(byte) - self.chars_before(self.line_starts[line - 1]);
        Position { line, column: before + 1 }
    }

    fn chars_before(&self, byte: usize) -> usize {
        let byte = byte.min(self.text.len());
        let block = byte / BLOCK;
        let rest = &self.text.as_bytes()[block * BLOCK..byte];
        self.chars_before[block] + rest.iter().filter(begins_char).count()
    }

    /// The line (from 1) without its line break, and the byte at which it starts.
    pub fn line(&self, number: usize) -> (&str, usize) {
        let start = self.line_starts[number - 1];
        let end = self.line_starts.get(number).copied().unwrap_or(self.text.len());
        (self.text[start..end].trim_end_matches(['\n', '\r']), start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let source = Source::new("s.yaml", "añb\r\nzweite\n");
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(3), Position { line: 1, column: 3 }, "ñ is two bytes");
        assert_eq!(source.position(6), Position { line: 2, column: 1 });
        assert_eq!(source.position(13), Position { line: 3, column: 1 });
        assert_eq!(source.position(99), Position { line: 3, column: 1 });
        assert_eq!(source.line(1), ("añb", 0));
        assert_eq!(source.line(3), ("", 13));
        let source = Source::new("s.yaml", format!("x\n{}y", "ñ".repeat(5000)));
        assert_eq!(source.position(10_002), Position { line: 2, column: 5001 });
    }
}
