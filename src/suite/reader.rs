//! Reading a tree by hand, going on after each error.
//!
//! Derived decoders stop at the first thing that is wrong; this one notes it and reads on, so
//! that a person mends a file once. It knows nothing of suites: the keys come from [`super::decode`].

use std::cell::RefCell;
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::rc::Rc;

use super::diagnostic::{MAX_PROBLEMS, Problem};
use super::interpolate::{Flaw, Lookup, interpolate};
use super::source::{Span, Spanned};
use super::tree::{Node, NodeKind, is_null};

/// YAML's key for what a mapping takes from others.
const MERGE_KEY: &str = "<<";

/// Keys that begin with this are the author's own, such as one that holds an anchor.
const IGNORED_PREFIX: &str = "x-";

/// A key with its value.
type Pair = (Rc<Node>, Rc<Node>);

/// The longest name, id or tag, in characters: what a report can show.
const MAX_TEXT: usize = 300;

/// Collects problems and looks variables up.
pub(super) struct Reader<'a> {
    lookup: Lookup<'a>,
    problems: RefCell<Vec<Problem>>,
    /// The places of problems that are known: what stands under an anchor is read wherever it is used,
    /// and is wrong once.
    known: RefCell<HashSet<(Span, String)>>,
}

/// A value under a key.
#[derive(Clone)]
pub(super) struct Value<'a> {
    reader: &'a Reader<'a>,
    key: &'static str,
    node: Rc<Node>,
}

/// A mapping whose keys are known.
pub(super) struct Fields<'a> {
    reader: &'a Reader<'a>,
    /// What the mapping is, for messages: "a test case".
    what: &'static str,
    /// Where it begins.
    start: Span,
    values: Vec<Value<'a>>,
}

/// A scalar's text after interpolation.
struct Scalar {
    text: String,
    plain: bool,
    from_variable: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: Lookup<'a>) -> Self {
        Self { lookup, problems: RefCell::default(), known: RefCell::default() }
    }

    pub(super) fn report(&self, problem: Problem) {
        let what = problem.title.clone();
        self.report_with(problem.span.clone(), &what, || problem);
    }

    /// Reports a problem that is costly to describe. `describe` is called only if `what` is not known to
    /// be wrong at this place, and there are fewer than [`MAX_PROBLEMS`].
    fn report_with(&self, span: Span, what: &str, describe: impl FnOnce() -> Problem) {
        let is_full = self.problems.borrow().len() >= MAX_PROBLEMS;
        if !is_full && self.known.borrow_mut().insert((span, what.to_owned())) {
            let problem = describe();
            self.problems.borrow_mut().push(problem);
        }
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    /// The pairs of a mapping, with those that its merge keys bring: its own keys win, and then what
    /// is merged first. Reports keys that stand twice in one mapping, and leaves the second out.
    fn merged(&self, pairs: &[Pair]) -> Vec<Pair> {
        let mut merged = Vec::with_capacity(pairs.len());
        self.merge(pairs, &mut HashSet::new(), &mut merged);
        merged
    }

    /// Adds the pairs of a mapping whose keys were not `seen`, and then those of the mappings that its
    /// merge key names.
    fn merge<'p>(&self, pairs: &'p [Pair], seen: &mut HashSet<&'p str>, merged: &mut Vec<Pair>) {
        let mut own: HashSet<&str> = HashSet::new();
        let mut sources = None;
        for pair in pairs {
            let (key, value) = pair;
            let NodeKind::Scalar { text, plain } = &key.kind else {
                merged.push(pair.clone());
                continue;
            };
            let is_merge = *plain && &**text == MERGE_KEY;
            if !own.insert(text) {
                self.report(twice(key.span.clone(), text, is_merge));
            } else if is_merge {
                sources = Some(value);
            } else if seen.insert(text) {
                merged.push(pair.clone());
            }
        }
        let sources = match sources.map(|sources| (sources, &sources.kind)) {
            None => &[][..],
            Some((_, NodeKind::Sequence(items))) => items.as_slice(),
            Some((one, _)) => std::slice::from_ref(one),
        };
        for source in sources {
            match &source.kind {
                NodeKind::Mapping(pairs) => self.merge(pairs, seen, merged),
                _ => self.report(
                    Problem::new(
                        source.span.clone(),
                        format!("`{MERGE_KEY}` cannot merge {}", source.describe()),
                        "expected a mapping, or a list of mappings",
                    )
                    .hint("refer to a mapping by its anchor: `<<: *defaults`"),
                ),
            }
        }
    }

    /// The whole document.
    pub(super) fn document(&'a self, node: Rc<Node>) -> Value<'a> {
        Value { reader: self, key: "suite", node }
    }
}

impl<'a> Value<'a> {
    pub(super) fn span(&self) -> Span {
        self.node.span.clone()
    }

    /// Notes that the value is not what its key asks for.
    pub(super) fn refuse(&self, expected: impl AsRef<str>) -> Problem {
        Problem::new(
            self.span(),
            format!("invalid `{}`", self.key),
            format!("expected {}", expected.as_ref()),
        )
    }

    /// Notes that the value is not what its key asks for, and gives none.
    pub(super) fn complain<T>(&self, expected: &str) -> Option<T> {
        self.reader.report(self.refuse(expected));
        None
    }

    fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        let expected = format!("{expected}, found {}", self.node.describe());
        self.reader.report(self.refuse(expected));
        None
    }

    fn scalar(&self, expected: &str) -> Option<Scalar> {
        let NodeKind::Scalar { text, plain } = &self.node.kind else {
            return self.wrong_type(expected);
        };
        if *plain && is_null(text) {
            return self.wrong_type(expected);
        }
        match interpolate(text, self.reader.lookup) {
            Ok((text, from_variable)) => Some(Scalar { text, plain: *plain, from_variable }),
            Err(flaws) => {
                for flaw in flaws {
                    self.reader.report(describe_flaw(self.span(), flaw));
                }
                None
            }
        }
    }

    /// Reads a scalar by `parse`, whose error says what was expected.
    pub(super) fn parse<T>(&self, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let scalar = self.scalar(parse("").err().as_deref().unwrap_or("a value"))?;
        parse(&scalar.text)
            .map_err(|expected| self.reader.report(self.about_variable(&scalar, expected)))
            .ok()
    }

    /// Reads a typed scalar: one that was quoted is text, unless a variable stood in it.
    fn typed<T>(&self, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let scalar = self.scalar(expected)?;
        let value = parse(&scalar.text).filter(|_| scalar.plain || scalar.from_variable);
        if value.is_none() {
            let found = if scalar.plain || scalar.from_variable { "" } else { ", found text" };
            self.reader.report(self.about_variable(&scalar, format!("{expected}{found}")));
        }
        value
    }

    /// A variable may hold a secret: its value is never part of a message.
    fn about_variable(&self, scalar: &Scalar, expected: impl AsRef<str>) -> Problem {
        let problem = self.refuse(expected);
        if scalar.from_variable {
            problem.hint("the value comes from a variable and is not shown; check what it holds")
        } else {
            problem
        }
    }

    /// One line of visible text. Runs of spaces count as one, as every report shows them: what
    /// is told apart here must be told apart there.
    pub(super) fn text(&self) -> Option<String> {
        self.parse(|text| {
            let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
            let line = words.join(" ");
            if line.is_empty() || line.chars().count() > MAX_TEXT || line.contains(is_invisible) {
                Err(format!("one line of visible text, of at most {MAX_TEXT} characters"))
            } else {
                Ok(line)
            }
        })
    }

    /// An id, read as it was written.
    pub(super) fn id(&self, check: fn(&str) -> Result<(), String>) -> Option<String> {
        self.parse(|text| check(text).map(|()| text.to_owned()))
    }

    /// A whole number within bounds.
    pub(super) fn integer(&self, bounds: RangeInclusive<u32>) -> Option<u32> {
        let expected = format!("a whole number from {} to {}", bounds.start(), bounds.end());
        self.typed(&expected, |text| text.parse().ok().filter(|number| bounds.contains(number)))
    }

    /// A number above 0; decimals are allowed.
    pub(super) fn positive_number(&self) -> Option<f64> {
        self.typed("a number from 0.01 to 10000", |text| {
            text.parse().ok().filter(|number| (0.01..=10_000.0).contains(number))
        })
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        // The words of YAML 1.2's core schema; `yes` and `on` are not among them.
        self.typed("true or false", |text| match text {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        })
    }

    /// One of a few words.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&'static str, T)]) -> Option<T> {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let scalar = self.scalar(&known.join(" or "))?;
        let found = words.iter().find(|(word, _)| *word == scalar.text);
        if found.is_none() {
            self.reader.report_with(self.span(), "not one of the words", || {
                let problem = self.about_variable(&scalar, known.join(" or "));
                match nearest(&scalar.text, &known).filter(|_| !scalar.from_variable) {
                    Some(word) => problem.hint(format!("did you mean `{word}`?")),
                    None => problem,
                }
            });
        }
        found.map(|(_, value)| *value)
    }

    /// Whether it is the scalar `word`.
    pub(super) fn is_word(&self, word: &str) -> bool {
        let NodeKind::Scalar { text, .. } = &self.node.kind else { return false };
        interpolate(text, self.reader.lookup).is_ok_and(|(text, _)| text == word)
    }

    /// The elements of a list.
    pub(super) fn list(&self) -> Option<Vec<Value<'a>>> {
        let NodeKind::Sequence(items) = &self.node.kind else {
            return self.wrong_type("a list");
        };
        let value = |node: &Rc<Node>| Value { node: Rc::clone(node), ..self.clone() };
        Some(items.iter().map(value).collect())
    }

    /// A mapping whose keys are names of the author's own. A name that comes twice is noted.
    pub(super) fn named(&self) -> Option<Vec<(String, Value<'a>)>> {
        let NodeKind::Mapping(pairs) = &self.node.kind else {
            return self.wrong_type("a mapping");
        };
        let mut named: Vec<(String, Value<'a>)> = Vec::new();
        let mut seen = HashSet::new();
        for (key, node) in self.reader.merged(pairs) {
            let span = key.span.clone();
            let Some(name) = Value { node: key, ..self.clone() }.text() else {
                continue;
            };
            // Names that differ as they are written may be one as they are read.
            if !seen.insert(name.clone()) {
                self.reader.report(twice(span, &name, false));
                continue;
            }
            named.push((name, Value { node, ..self.clone() }));
        }
        Some(named)
    }

    /// A mapping with keys out of `keys`. Unknown and repeated keys are noted and left out; those of the
    /// author's own are passed over.
    pub(super) fn fields(
        &self,
        what: &'static str,
        keys: &'static [&'static str],
    ) -> Option<Fields<'a>> {
        let NodeKind::Mapping(pairs) = &self.node.kind else {
            return self.wrong_type(&format!("{what}, which is a mapping"));
        };
        let start = pairs.first().map_or_else(|| self.span(), |(key, _)| key.span.clone());
        let mut fields = Fields { reader: self.reader, what, start, values: Vec::new() };
        for (key, node) in self.reader.merged(pairs) {
            fields.add(&key, node, keys);
        }
        Some(fields)
    }
}

impl<'a> Fields<'a> {
    fn add(&mut self, key: &Node, node: Rc<Node>, keys: &'static [&'static str]) {
        let NodeKind::Scalar { text, .. } = &key.kind else {
            let title = "a key must be a single word";
            self.reader.report(Problem::new(key.span.clone(), title, key.describe()));
            return;
        };
        if text.starts_with(IGNORED_PREFIX) {
            return;
        }
        let Some(known) = keys.iter().copied().find(|known| *known == &**text) else {
            let describe = || unknown_key(key.span.clone(), text, self.what, keys);
            self.reader.report_with(key.span.clone(), self.what, describe);
            return;
        };
        self.values.push(Value { reader: self.reader, key: known, node });
    }

    /// Where the mapping begins.
    pub(super) fn start(&self) -> Span {
        self.start.clone()
    }

    /// The value under a key, where there is one.
    pub(super) fn value(&self, key: &str) -> Option<&Value<'a>> {
        self.values.iter().find(|value| value.key == key)
    }

    /// Reads the value under a key, where there is one.
    pub(super) fn get<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Value<'a>) -> Option<T>,
    ) -> Option<Spanned<T>> {
        let value = self.value(key)?;
        Some(Spanned::new(read(value)?, value.span()))
    }

    /// The same for a key that must be there.
    pub(super) fn require<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Value<'a>) -> Option<T>,
    ) -> Option<Spanned<T>> {
        if self.value(key).is_none() {
            self.missing(key, format!("{} needs `{key}`", self.what));
        }
        self.get(key, read)
    }

    /// Notes a problem that lies between the values.
    pub(super) fn refuse(&self, problem: Problem) {
        self.reader.report(problem);
    }

    /// Notes that a key is missing.
    pub(super) fn missing(&self, key: &str, why: impl Into<String>) {
        self.reader.report(Problem::new(self.start(), format!("`{key}` is missing"), why));
    }
}

fn unknown_key(span: Span, text: &str, what: &str, keys: &[&str]) -> Problem {
    let title = format!("unknown key `{}`", shorten(text));
    let problem = Problem::new(span, title, format!("not a key of {what}"));
    problem.hint(match nearest(text, keys) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known keys: {}", keys.join(", ")),
    })
}

/// A key stands twice in one mapping.
fn twice(span: Span, key: &str, is_merge: bool) -> Problem {
    let title = format!("duplicate key `{}`", shorten(key));
    let problem = Problem::new(span, title, "already set in this mapping");
    if is_merge {
        problem.hint("to merge several mappings, use a list: `<<: [*a, *b]`")
    } else {
        problem
    }
}

/// The nearest of the known words, if one is near enough to have been meant.
fn nearest<'w>(text: &str, words: &[&'w str]) -> Option<&'w str> {
    const NEAR: f64 = 0.7;
    // A hostile key may be a megabyte long; no typo is.
    if text.len() > 64 {
        return None;
    }
    let lower = text.to_lowercase();
    let score = |word: &str| strsim::normalized_damerau_levenshtein(&lower, &word.to_lowercase());
    let best = words.iter().copied().max_by(|a, b| score(a).total_cmp(&score(b)))?;
    (score(best) >= NEAR).then_some(best)
}

/// Characters that show nothing, or change how what follows is shown.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
        || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// The beginning of a text that may be a megabyte long.
pub(super) fn shorten(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn describe_flaw(span: Span, flaw: Flaw) -> Problem {
    match flaw {
        Flaw::Unclosed => {
            Problem::new(span, "`${` without its `}`", "expected ${VAR} or ${VAR:-default}")
                .hint("write `$${` for a literal `${`")
        }
        Flaw::Nested => Problem::new(
            span,
            "a default holds a variable of its own",
            "expected plain text after `:-`",
        ),
        Flaw::TooLong => Problem::new(span, "its variables make this value too long", "here")
            .hint("what they hold is not shown; check it"),
        Flaw::Secret(name) => Problem::new(
            span,
            format!("{name} holds a secret"),
            "what stands here is in every report",
        )
        .hint("credentials come from the AWS chain, never from a suite"),
        Flaw::BadName(name) => Problem::new(
            span,
            format!("`{}` cannot be a variable", shorten(&name)),
            "expected a name of letters, digits and `_`",
        )
        .hint("write `$${` for a literal `${`"),
        Flaw::NotSet(name) => Problem::new(
            span,
            format!("the variable {} is not set", shorten(&name)),
            "expected it in the environment",
        )
        .hint(format!("set it, or give it a default: ${{{}:-…}}", shorten(&name))),
    }
}
