//! The transcript of a Connect execution in words: what was said and heard, step by step.
//!
//! ```text
//! step 2 of 5: menu: PASSED
//!   expected: For bookings, press 1.
//!   heard: For bookings, press one.
//!   pressed: 2
//! step 3 of 5: opening-hours: FAILED
//!   expected: We are open Monday to [-Friday-].
//!   heard: We are open Monday to {+Thursday+}.
//! not reached: 2 steps
//! ```
//!
//! Expected and heard are compared word by word. That happens here, once personal data is taken
//! out: marks in the middle of a number would hide it from what takes it out.

use similar::{ChangeTag, TextDiff};

use super::text::one_line;
use crate::event::{Event, EventKind};
use crate::outcome::{
    ActionKind, Attempt, Details, Step, StepAction, StepEvent, TestOutcome, Transcript, Verdict,
};

/// A line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Whether it is the heading of a step, rather than something in it.
    pub(super) is_heading: bool,
    /// What it is about.
    pub(super) label: String,
    /// What there is to say, in parts.
    pub(super) parts: Vec<Part>,
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) mark: Mark,
    pub(super) text: String,
}

/// How a part differs from what it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It does not differ, or is not compared.
    Same,
    /// It was expected and not heard.
    Expected,
    /// It was heard and not expected.
    Heard,
}

impl Part {
    /// The part with its mark, readable without color.
    pub(super) fn plain(&self) -> String {
        match self.mark {
            Mark::Same => self.text.clone(),
            Mark::Expected => format!("[-{}-]", self.text),
            Mark::Heard => format!("{{+{}+}}", self.text),
        }
    }
}

impl Line {
    fn heading(label: String, text: String) -> Self {
        Self { is_heading: true, label, parts: vec![same(text)] }
    }

    fn detail(label: &str, text: impl AsRef<str>) -> Self {
        let parts = vec![same(one_line(text.as_ref()))];
        Self { is_heading: false, label: label.to_owned(), parts }
    }

    /// The text behind the label, with its marks.
    pub(super) fn text(&self) -> String {
        self.parts.iter().map(Part::plain).collect()
    }

    /// The whole line, indented below its heading.
    pub(super) fn plain(&self) -> String {
        let indent = if self.is_heading { "" } else { "  " };
        match self.text().as_str() {
            "" => format!("{indent}{}", self.label),
            text => format!("{indent}{}: {text}", self.label),
        }
    }
}

fn same(text: impl Into<String>) -> Part {
    Part { mark: Mark::Same, text: text.into() }
}

/// Every step of an attempt, in order; nothing where AWS has no records of it.
pub(super) fn all(details: &Details) -> Vec<Line> {
    let Some(transcript) = &details.transcript else { return Vec::new() };
    let steps = transcript.steps.iter().zip(1..);
    let mut lines: Vec<Line> =
        steps.flat_map(|(step, number)| step_lines(transcript, step, number)).collect();
    lines.extend(not_reached(transcript));
    lines
}

/// The step at which an attempt stopped, with the step before it; nothing where it passed.
pub(super) fn around_stop(details: &Details) -> Vec<Line> {
    let Some(transcript) = &details.transcript else { return Vec::new() };
    let last = match transcript.stop() {
        Some((number, _)) => number,
        // All that was recorded has passed: it stopped before the next one.
        None if transcript.not_reached > 0 => transcript.steps.len() as u64,
        None => return Vec::new(),
    };
    let steps = transcript.steps.iter().zip(1..);
    let near = steps.filter(|(_, number)| *number == last || *number + 1 == last);
    let mut lines: Vec<Line> =
        near.flat_map(|(step, number)| step_lines(transcript, step, number)).collect();
    lines.extend(not_reached(transcript));
    lines
}

fn not_reached(transcript: &Transcript) -> Option<Line> {
    let more = match transcript.not_reached {
        0 => return None,
        1 => "1 step".to_owned(),
        more => format!("{more} steps"),
    };
    Some(Line { is_heading: true, label: "not reached".to_owned(), parts: vec![same(more)] })
}

/// Which step of how many, as far as AWS says.
fn place(transcript: &Transcript, number: u64) -> String {
    match transcript.total {
        Some(total) => format!("step {number} of {total}"),
        None => format!("step {number}"),
    }
}

fn step_lines(transcript: &Transcript, step: &Step, number: u64) -> Vec<Line> {
    let status = step.status.as_ref().map(|status| format!(": {}", one_line(status)));
    let title = format!("{}{}", one_line(&step.id), status.unwrap_or_default());
    let mut lines = vec![Line::heading(place(transcript, number), title)];
    lines.extend(step.event.iter().flat_map(|event| event_lines(event, step.has_failed())));
    lines.extend(step.actions.iter().map(action_line));
    lines
}

fn event_lines(event: &StepEvent, has_failed: bool) -> Vec<Line> {
    match event {
        StepEvent::Message { expected: Some(expected), heard: Some(heard), .. } => {
            let (expected, heard) = if has_failed {
                compare(expected, heard)
            } else {
                (vec![same(one_line(expected))], vec![same(one_line(heard))])
            };
            let line =
                |label: &str, parts| Line { is_heading: false, label: label.to_owned(), parts };
            vec![line("expected", expected), line("heard", or_nothing(heard))]
        }
        StepEvent::Message { expected, heard, text } => [
            ("expected", expected),
            ("heard", heard),
            ("text", text), // AWS does not say whether it was expected or heard.
        ]
        .into_iter()
        .filter_map(|(label, text)| Some(Line::detail(label, text.as_ref()?)))
        .collect(),
        StepEvent::FlowAction { .. } => vec![Line::detail("expected", flow_action(event))],
        StepEvent::Other { name } => vec![Line::detail("event", name)],
    }
}

fn or_nothing(parts: Vec<Part>) -> Vec<Part> {
    if parts.iter().all(|part| part.text.is_empty()) { vec![same("(nothing)")] } else { parts }
}

fn action_line(action: &StepAction) -> Line {
    let has_failed = action.has_failed();
    let failed = if has_failed { "FAILED: " } else { "" };
    // What failed was not done.
    let done = |done, to_do| if has_failed { to_do } else { done };
    let (label, text) = match &action.kind {
        ActionKind::Press { keys } => (done("pressed", "press"), keys.clone()),
        ActionKind::Say { text } => (done("said", "say"), text.clone()),
        ActionKind::HangUp => (done("hung up", "hang up"), String::new()),
        ActionKind::Assert { .. } => ("assert", assertion(&action.kind)),
        ActionKind::Other { name, parameters } => {
            ("action", format!("{name}{}", in_brackets(parameters)))
        }
    };
    Line::detail(label, format!("{failed}{text}"))
}

fn flow_action(event: &StepEvent) -> String {
    match event {
        StepEvent::FlowAction { action, parameters } => {
            format!("flow action {action}{}", in_brackets(parameters))
        }
        _ => String::new(),
    }
}

fn in_brackets<'a>(parameters: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    let parameters: Vec<String> =
        parameters.into_iter().map(|(name, value)| format!("{name} {value}")).collect();
    if parameters.is_empty() { String::new() } else { format!(" ({})", parameters.join(", ")) }
}

/// What is asserted, and the value that there was: `$.Queue.Name equals "Billing", was "Sales"`.
fn assertion(kind: &ActionKind) -> String {
    let ActionKind::Assert { namespace, operator, expected, actual } = kind else {
        return String::new();
    };
    let operator = operator.as_deref().map(|operator| format!(" {}", operator_words(operator)));
    let expected = expected.as_ref().map(|expected| format!(" \"{expected}\""));
    let actual = actual.as_ref().map(|actual| format!(", was \"{actual}\""));
    let parts = [operator, expected, actual].map(Option::unwrap_or_default);
    format!("{namespace}{}", parts.concat())
}

/// AWS's word for a comparison as one reads it; one that is not known stays as it is.
fn operator_words(operator: &str) -> &str {
    match operator {
        "Equals" => "equals",
        "TextStartsWith" => "starts with",
        "TextEndsWith" => "ends with",
        "TextContains" => "contains",
        "NumberGreaterThan" => "is greater than",
        "NumberGreaterOrEqualTo" => "is at least",
        "NumberLessThan" => "is less than",
        "NumberLessOrEqualTo" => "is at most",
        other => other,
    }
}

/// What failed, in one line: `greeting: expected "… to [-Friday-].", heard "… to {+Thursday+}."`.
/// None where AWS's records do not say.
pub(super) fn failure(details: &Details) -> Option<String> {
    let transcript = details.transcript.as_ref()?;
    let (number, step) = transcript.stop()?;
    let what = what_failed(step)?;
    let id = one_line(&step.id);
    Some(format!("{id}: {} ({})", one_line(&what), place(transcript, number)))
}

fn what_failed(step: &Step) -> Option<String> {
    if let Some(action) = step.failed_action() {
        return Some(match &action.kind {
            kind @ ActionKind::Assert { .. } => format!("expected {}", assertion(kind)),
            ActionKind::Press { keys } => format!("the customer could not press {keys}"),
            ActionKind::Say { text } => format!("the customer could not say \"{text}\""),
            ActionKind::HangUp => "the customer could not hang up".to_owned(),
            ActionKind::Other { name, .. } => format!("{name} failed"),
        });
    }
    if !step.has_failed() {
        return None;
    }
    Some(match &step.event {
        Some(StepEvent::Message { expected: Some(expected), heard: Some(heard), .. }) => {
            let (expected, heard) = compare(expected, heard);
            match excerpt(&heard).as_str() {
                "" => format!("expected \"{}\", heard nothing", excerpt(&expected)),
                heard => format!("expected \"{}\", heard \"{heard}\"", excerpt(&expected)),
            }
        }
        Some(StepEvent::Message { expected: Some(expected), .. }) => {
            format!("expected \"{expected}\", not heard")
        }
        Some(StepEvent::Message { heard: Some(heard), .. }) => format!("heard \"{heard}\""),
        Some(StepEvent::Message { text: Some(text), .. }) => format!("failed at \"{text}\""),
        Some(event @ StepEvent::FlowAction { .. }) => {
            format!("expected {}, not observed", flow_action(event))
        }
        _ => "failed".to_owned(),
    })
}

/// Expected and heard, each with the words marked that the other does not have.
fn compare(expected: &str, heard: &str) -> (Vec<Part>, Vec<Part>) {
    let (expected, heard) = (one_line(expected), one_line(heard));
    let diff = TextDiff::from_unicode_words(expected.as_str(), heard.as_str());
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Equal => {
                push(&mut left, Mark::Same, change.value());
                push(&mut right, Mark::Same, change.value());
            }
            ChangeTag::Delete => push(&mut left, Mark::Expected, change.value()),
            ChangeTag::Insert => push(&mut right, Mark::Heard, change.value()),
        }
    }
    (joined(left), joined(right))
}

fn push(parts: &mut Vec<Part>, mark: Mark, text: &str) {
    match parts.last_mut().filter(|last| last.mark == mark) {
        Some(last) => last.text.push_str(text),
        None => parts.push(Part { mark, text: text.to_owned() }),
    }
}

/// Makes one mark of two with nothing but a blank between them, and leaves the blanks at the ends of
/// a mark out of it.
fn joined(parts: Vec<Part>) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::new();
    let mut parts = parts.into_iter().peekable();
    while let Some(part) = parts.next() {
        let is_blank = part.mark == Mark::Same && part.text.trim().is_empty();
        let between = joined.last().map(|last| last.mark).filter(|mark| {
            *mark != Mark::Same && parts.peek().is_some_and(|next| next.mark == *mark)
        });
        match between.filter(|_| is_blank) {
            Some(mark) => push(&mut joined, mark, &part.text),
            None => push(&mut joined, part.mark, &part.text),
        }
    }
    let mut trimmed = Vec::new();
    for Part { mark, text } in joined {
        let body = text.trim();
        if mark == Mark::Same || body.is_empty() {
            // A blank alone is no word that differs.
            push(&mut trimmed, Mark::Same, &text);
            continue;
        }
        let start = text.len() - text.trim_start().len();
        for (mark, text) in
            [(Mark::Same, &text[..start]), (mark, body), (Mark::Same, &text[start + body.len()..])]
        {
            if !text.is_empty() {
                push(&mut trimmed, mark, text);
            }
        }
    }
    trimmed
}

/// Words that are shown on each side of a difference in one line.
const CONTEXT_WORDS: usize = 3;

/// The words that differ with a few around them, in one line.
fn excerpt(parts: &[Part]) -> String {
    if parts.iter().all(|part| part.mark == Mark::Same) {
        return parts.iter().map(Part::plain).collect();
    }
    let last = parts.len() - 1;
    let shown = |(index, part): (usize, &Part)| {
        if part.mark != Mark::Same {
            return part.plain();
        }
        // Words with the blanks behind them.
        let words: Vec<&str> = part.text.split_inclusive(' ').collect();
        let before = if index == 0 { 0 } else { CONTEXT_WORDS };
        let after = if index == last { 0 } else { CONTEXT_WORDS };
        // A mark for one word that is left out would be no shorter.
        if words.len() <= before + after + 1 {
            return part.text.clone();
        }
        let head = words[..before].concat();
        let tail = words[words.len() - after..].concat();
        let gap = match (before, after) {
            (0, _) => "… ",
            (_, 0) => "…",
            _ => "… ",
        };
        format!("{head}{gap}{tail}")
    };
    parts.iter().enumerate().map(shown).collect()
}

/// Puts what failed before the message of each failed attempt of an event, in the words of every
/// report. To be called once for an event, when personal data is taken out.
pub fn explain(mut event: Event) -> Event {
    match &mut event.kind {
        EventKind::Ended { outcome, .. } => explain_outcome(outcome),
        EventKind::Judged { outcome, .. } => explain_outcome(outcome),
        EventKind::AttemptEnded { attempt, .. } => explain_attempt(attempt),
        _ => {}
    }
    event
}

fn explain_outcome(outcome: &mut TestOutcome) {
    let said_by = outcome.deciding().filter(|attempt| attempt.message == outcome.message);
    let number = said_by.map(|attempt| attempt.number);
    outcome.attempts.iter_mut().for_each(explain_attempt);
    if let Some(attempt) = outcome.attempts.iter().find(|it| Some(it.number) == number) {
        outcome.message.clone_from(&attempt.message);
    }
}

fn explain_attempt(attempt: &mut Attempt) {
    let failed = attempt.verdict == Verdict::Failed;
    if let Some(failure) = failure(&attempt.details).filter(|_| failed) {
        attempt.message = format!("{failure}; {}", attempt.message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, expected: &str, heard: &str) -> Step {
        Step {
            id: id.to_owned(),
            status: Some("FAILED".to_owned()),
            event: Some(StepEvent::Message {
                expected: Some(expected.to_owned()),
                heard: Some(heard.to_owned()),
                text: None,
            }),
            ..Step::default()
        }
    }

    fn details(steps: Vec<Step>, total: u64) -> Details {
        let mut transcript = Transcript { steps, ..Transcript::default() };
        transcript.close(Some(total), false);
        Details { transcript: Some(transcript), ..Details::default() }
    }

    #[track_caller]
    fn compared(expected: &str, heard: &str) -> (String, String) {
        let (left, right) = compare(expected, heard);
        // Without its marks, a text is what it was.
        let text = |parts: &[Part]| parts.iter().map(|part| part.text.as_str()).collect::<String>();
        assert_eq!((text(&left).as_str(), text(&right).as_str()), (expected, heard));
        let plain = |parts: &[Part]| parts.iter().map(Part::plain).collect::<String>();
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
        ] {
            let (l, r) = compared(expected, heard);
            assert_eq!((l.as_str(), r.as_str()), (left, right), "{expected} / {heard}");
        }
    }

    #[test]
    fn a_failure_shows_the_difference_with_a_few_words_around_it() {
        let step = message(
            "opening-hours",
            "We are open from nine to five, Monday to Friday.",
            "We are open from nine to five, Monday to Thursday.",
        );
        assert_eq!(
            failure(&details(vec![step], 3)).unwrap(),
            "opening-hours: expected \"… five, Monday to [-Friday-].\", \
             heard \"… five, Monday to {+Thursday+}.\" (step 1 of 3)"
        );
        let step = message("menu", "Press 1.", "");
        assert_eq!(
            failure(&details(vec![step], 1)).unwrap(),
            "menu: expected \"[-Press 1.-]\", heard nothing (step 1 of 1)"
        );
    }

    #[test]
    fn a_failed_assert_reads_as_a_sentence() {
        for (operator, words) in [
            ("Equals", "equals"),
            ("TextContains", "contains"),
            ("NumberLessOrEqualTo", "is at most"),
            ("Rhymes", "Rhymes"),
        ] {
            let kind = ActionKind::Assert {
                namespace: "$.Queue.Name".to_owned(),
                operator: Some(operator.to_owned()),
                expected: Some("Billing".to_owned()),
                actual: Some("Sales".to_owned()),
            };
            let action = StepAction { id: None, status: Some("FAILED".to_owned()), kind };
            // The message that the step waited for came: it is not what failed.
            let step = Step {
                status: Some("PASSED".to_owned()),
                actions: vec![action],
                ..message("queue", "Hello", "Hello there")
            };
            assert_eq!(
                failure(&details(vec![step], 1)).unwrap(),
                format!(
                    "queue: expected $.Queue.Name {words} \"Billing\", was \"Sales\" (step 1 of 1)"
                )
            );
        }
    }

    #[test]
    fn the_log_shows_the_step_that_failed_with_the_one_before_it() {
        let mut steps = ["a", "b", "c"].map(|id| message(id, "x", "y"));
        for step in &mut steps[..2] {
            step.status = Some("PASSED".to_owned());
        }
        let details = details(steps.to_vec(), 5);
        let shown: Vec<String> = around_stop(&details).iter().map(Line::plain).collect();
        assert_eq!(
            shown,
            [
                "step 2 of 5: b: PASSED",
                "  expected: x",
                "  heard: y",
                "step 3 of 5: c: FAILED",
                "  expected: [-x-]",
                "  heard: {+y+}",
                "not reached: 2 steps",
            ]
        );
        assert!(all(&details)[0].plain().contains("step 1 of 5: a"), "the reports show all");
    }
}
