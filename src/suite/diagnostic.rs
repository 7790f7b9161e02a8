//! Problems of a suite, and how a person sees them: `file:line:column`, the line, a caret,
//! what was expected and what to do.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::source::{Source, Span};
use crate::outcome::Place;

/// So many problems of one file are shown; the rest are counted.
const MOST_SHOWN: usize = 50;

/// Problems of a file beyond these are not reported: what is not shown need not be described.
pub(super) const MAX_PROBLEMS: usize = 1000;

/// One thing that is wrong with a suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub span: Span,
    /// What is wrong.
    pub title: String,
    /// What was expected there.
    pub expected: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem at a place.
    pub fn new(span: Span, title: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { span, title: title.into(), expected: expected.into(), hint: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Every problem of one file, in the order of the file.
#[derive(Debug, Clone)]
pub struct Diagnostics {
    source: Source,
    problems: Vec<Problem>,
}

impl Diagnostics {
    /// Sorts the problems by place.
    pub fn new(source: Source, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
        Self { source, problems }
    }

    /// The text for a terminal; colours are in it, for the stream that it goes to to strip.
    pub fn render(&self) -> String {
        let renderer = Renderer::styled();
        let mut blocks: Vec<String> = self
            .problems
            .iter()
            .take(MOST_SHOWN)
            .map(|problem| self.render_one(&renderer, problem))
            .collect();
        if let Some(more) = self.problems.len().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
            let least = if self.problems.len() >= MAX_PROBLEMS { "at least " } else { "" };
            blocks.push(format!("and {least}{more} more problems in {}", self.source.path()));
        }
        blocks.join("\n\n")
    }

    /// What is wrong, line by line, for hosts that show it there.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        self.problems.iter().take(MOST_SHOWN).map(|problem| Place {
            file: self.source.path().to_owned(),
            line: self.source.position(problem.span.start).line,
            message: printable(&format!("{}: {}", problem.title, problem.expected)),
        })
    }

    /// The same without colours, for reports.
    pub fn render_plain(&self) -> String {
        anstream::adapter::strip_str(&self.render()).to_string()
    }

    fn render_one(&self, renderer: &Renderer, problem: &Problem) -> String {
        let position = self.source.position(problem.span.start);
        let (line, line_start) = self.source.line(position.line);
        let at = (problem.span.start - line_start).min(line.len());
        let end = (at + problem.span.len()).min(line.len());
        let window = window(line, at, end);
        let (text, span) = marked(&line[window.clone()], at - window.start, end - window.start);
        let label = printable(&problem.expected);
        let snippet = Snippet::source(text)
            .line_start(position.line)
            .annotation(AnnotationKind::Primary.span(span).label(label));
        let title = Level::ERROR.primary_title(printable(&problem.title));
        let mut group = Group::with_title(title);
        group = if window.start == 0 {
            group.element(snippet.path(self.source.path()))
        } else {
            // The column is told in words where the line does not begin at its beginning.
            let place = format!("{}:{}:{}", self.source.path(), position.line, position.column);
            group.element(Origin::path(place)).element(snippet)
        };
        if let Some(hint) = &problem.hint {
            group = group.element(Level::HELP.with_name("hint").message(printable(hint)));
        }
        renderer.render(&[group])
    }
}

/// Replaces control characters: text of a file must not steer a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// The part of a line that is laid out around a place: all of one that a person wrote, a few
/// thousand bytes of one that may be a megabyte long.
fn window(line: &str, at: usize, end: usize) -> Span {
    const HALF: usize = 2048;
    if line.len() <= 2 * HALF {
        return 0..line.len();
    }
    let from = line.floor_char_boundary(at.saturating_sub(HALF));
    let to = line.ceil_char_boundary((end.min(at + HALF)).saturating_add(HALF).min(line.len()));
    from..to
}

/// A line fit to be shown, and the place of the bytes from `at` to `end` in it. One character
/// stands for one, so that columns stay true.
fn marked(line: &str, at: usize, end: usize) -> (String, Span) {
    let end = line.floor_char_boundary(end);
    let show = |text: &str| printable(text).replace('\t', " ");
    let (before, marked, after) = (show(&line[..at]), show(&line[at..end]), show(&line[end..]));
    let span = before.len()..before.len() + marked.len();
    (format!("{before}{marked}{after}"), span)
}
