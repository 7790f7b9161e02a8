//! YAML text to a tree whose every key and value knows its place.
//!
//! Built from the parser's events, with bounds on size, depth and what aliases expand to, so
//! that no file, however hostile, costs more than a moment. Scalars are kept as they were
//! written: what a scalar means is for the place that reads it to say.

use std::collections::HashMap;
use std::rc::Rc;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError};

use super::diagnostic::Problem;
use super::source::Span;

/// Collections may be nested so deep; a suite needs five.
const MAX_DEPTH: usize = 32;

/// A file may come to so many bytes, with aliases counted as often as they are used: a file of
/// the largest size does, without any.
const MAX_WEIGHT: usize = 8 * 1024 * 1024;

/// What a node weighs beside its text.
const NODE_WEIGHT: usize = 16;

/// A node of the document.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Where it stands.
    pub(super) span: Span,
    /// What it is.
    pub(super) kind: NodeKind,
    /// What it weighs, with all that is in it.
    weight: usize,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum NodeKind {
    /// A single value.
    Scalar {
        /// Its text, with YAML's escapes undone and nothing else.
        text: Rc<str>,
        /// Whether it was written without quotes (and not as a block).
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Rc<Node>>),
    /// Keys with their values, in order; a key may occur twice.
    Mapping(Vec<(Rc<Node>, Rc<Node>)>),
}

impl Node {
    /// What to call it in a message.
    pub(super) fn describe(&self) -> &'static str {
        match &self.kind {
            NodeKind::Scalar { text, plain: true } if is_null(text) => "nothing",
            NodeKind::Scalar { .. } => "a single value",
            NodeKind::Sequence(_) => "a list",
            NodeKind::Mapping(_) => "a mapping",
        }
    }
}

/// Whether a plain scalar stands for no value (YAML 1.2 core schema).
pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Reads the one document of `text`. A syntax error stands alone, since nothing after it can be
/// relied on.
pub(super) fn parse(text: &str) -> Result<Rc<Node>, Problem> {
    if let Some(at) = text.find('\0') {
        return Err(Problem::new(
            at..at + 1,
            "the file holds a NUL byte",
            "text only; this is not a YAML file",
        ));
    }
    let mut builder = Builder::default();
    let mut end = 0;
    for item in Parser::new_from_str(text) {
        let (event, span) = item.map_err(|error| syntax_problem(text, &error))?;
        if let Some(tag) = span.tag_span().and_then(|tag| tag.byte_range()) {
            return Err(Problem::new(tag, "YAML tags mean nothing here", "expected a plain value")
                .hint("remove the tag; quotes make a value text"));
        }
        let span = span.byte_range().unwrap_or(end..end);
        end = span.end.max(end);
        builder.event(event, span)?;
    }
    builder.root.ok_or_else(|| {
        Problem::new(0..0, "the file is empty", "a suite, which begins with `name:`")
            .hint("see examples/suite.yaml, or run `callcheck schema`")
    })
}

fn syntax_problem(text: &str, error: &ScanError) -> Problem {
    let at = error.marker().byte_offset().unwrap_or(text.len()).min(text.len());
    let width = text[at..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    let problem = Problem::new(at..at + width, format!("not valid YAML: {}", error.info()), "here");
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    if line.contains("${") || line.ends_with('$') && text[at..].starts_with('{') {
        return problem.hint("inside `{ }` and `[ ]`, YAML wants quotes around it: \"${VAR}\"");
    }
    problem.hint("mend this first: what follows a syntax error cannot be read")
}

/// A collection that is being read.
struct Open {
    span: Span,
    anchor: usize,
    children: Vec<Rc<Node>>,
    mapping: bool,
    weight: usize,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    weight: usize,
    root: Option<Rc<Node>>,
    documents: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(Problem::new(
                        span,
                        "a second document begins here",
                        "one document a file",
                    )
                    .hint("put each suite in a file of its own: `callcheck run a.yaml b.yaml`"));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let weight = NODE_WEIGHT + text.len();
                self.weigh(weight, &span)?;
                let kind = NodeKind::Scalar { text: text.into(), plain };
                self.place(Node { span, kind, weight }, anchor);
                Ok(())
            }
            Event::SequenceStart(_, anchor, _) => self.begin(span, anchor, false),
            Event::MappingStart(_, anchor, _) => self.begin(span, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => {
                self.finish(span);
                Ok(())
            }
            Event::Alias(id) => match self.anchors.get(&id) {
                Some(node) => {
                    // The alias keeps the place where it is used: that is where a reader looks.
                    let node = Rc::clone(node);
                    self.weigh(node.weight, &span)?;
                    self.place(Node { span, ..Node::clone(&node) }, 0);
                    Ok(())
                }
                None => Err(Problem::new(
                    span,
                    "this alias stands inside what it names",
                    "an anchor that ends before its alias",
                )),
            },
            _ => Ok(()),
        }
    }

    fn begin(&mut self, span: Span, anchor: usize, mapping: bool) -> Result<(), Problem> {
        if self.open.len() >= MAX_DEPTH {
            return Err(Problem::new(
                span,
                format!("nested more than {MAX_DEPTH} deep"),
                "a suite, whose deepest place is five levels down",
            ));
        }
        self.weigh(NODE_WEIGHT, &span)?;
        self.open.push(Open { span, anchor, children: Vec::new(), mapping, weight: NODE_WEIGHT });
        Ok(())
    }

    fn finish(&mut self, end: Span) {
        let Some(open) = self.open.pop() else { return };
        let span = open.span.start..end.end.max(open.span.end);
        let kind = if open.mapping {
            let mut children = open.children.into_iter();
            let mut pairs = Vec::with_capacity(children.len() / 2);
            while let (Some(key), Some(value)) = (children.next(), children.next()) {
                pairs.push((key, value));
            }
            NodeKind::Mapping(pairs)
        } else {
            NodeKind::Sequence(open.children)
        };
        self.place(Node { span, kind, weight: open.weight }, open.anchor);
    }

    /// Weighs values as they come, an alias as all that it stands for, so that a bomb of aliases
    /// ends before it is built.
    fn weigh(&mut self, weight: usize, span: &Span) -> Result<(), Problem> {
        self.weight = self.weight.saturating_add(weight);
        if self.weight > MAX_WEIGHT {
            return Err(Problem::new(
                span.clone(),
                "the file is too large, counting each use of an alias",
                "a suite of a sensible size",
            )
            .hint("split the suite, or use fewer aliases"));
        }
        Ok(())
    }

    fn place(&mut self, node: Node, anchor: usize) {
        let node = Rc::new(node);
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        match self.open.last_mut() {
            Some(parent) => {
                parent.weight += node.weight;
                parent.children.push(node);
            }
            None => self.root = Some(node),
        }
    }
}
