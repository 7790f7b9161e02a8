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
//! Expected and heard are compared word by word ([`super::word_diff`]). That happens here, after personal
//! data is taken out: marks in the middle of a number would hide it from what takes it out.

use super::redact::PLACEHOLDERS;
use super::text::{cut, one_line};
use super::word_diff::{Words, compare, excerpt};
use crate::event::{Event, EventKind};
use crate::outcome::{
    ActionKind, Assertion, Attempt, Details, FlowActionEvent, MessageEvent, StepAction, StepEvent,
    StepFailure, TestOutcome, Transcript, TranscriptStep, Verdict,
};

/// A line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Whether it is the heading of a step, rather than something in it.
    pub(super) is_heading: bool,
    /// What it is about.
    pub(super) label: String,
    /// What there is to say.
    pub(super) words: Vec<Words>,
}

impl Line {
    fn heading(label: impl Into<String>, text: String) -> Self {
        Self { is_heading: true, label: label.into(), words: vec![Words::same(text)] }
    }

    fn detail(label: impl Into<String>, text: &str) -> Self {
        Self::compared(label, vec![Words::same(one_line(text))])
    }

    fn compared(label: impl Into<String>, words: Vec<Words>) -> Self {
        Self { is_heading: false, label: label.into(), words }
    }

    /// The text behind the label, with its marks.
    pub(super) fn text(&self) -> String {
        self.words.iter().map(Words::plain).collect()
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

/// Every step of an attempt, in order; nothing where AWS has no records of it. Of more than fit into
/// `max_chars`, the first ones are left out, up to the one at which it stopped.
pub(super) fn all(details: &Details, max_chars: usize) -> Vec<String> {
    let Some(transcript) = &details.transcript else { return Vec::new() };
    let numbered = transcript.steps.iter().zip(1..);
    let steps: Vec<Vec<String>> = numbered
        .map(|(step, number)| {
            step_lines(transcript, step, number).iter().map(Line::plain).collect()
        })
        .collect();
    let chars = |lines: &[String]| lines.iter().map(|line| line.chars().count() + 1).sum::<usize>();
    let mut total: usize = steps.iter().map(|lines| chars(lines)).sum();
    let stopped_at = transcript.stop().map_or(steps.len(), |(number, _)| number as usize);
    let mut left_out = 0;
    while total > max_chars && left_out + 1 < stopped_at {
        total -= chars(&steps[left_out]);
        left_out += 1;
    }
    let before = (left_out > 0).then(|| format!("before: {}", count_of_steps(left_out as u64)));
    let shown = steps.into_iter().skip(left_out).flatten();
    before.into_iter().chain(shown).chain(rest(transcript).iter().map(Line::plain)).collect()
}

/// The step at which an attempt stopped, with the step before it; nothing where it passed.
pub(super) fn around_stop(attempt: &Attempt) -> Vec<Line> {
    let transcript = attempt.details.transcript.as_ref().filter(|_| !attempt.verdict.is_pass());
    let Some(transcript) = transcript else { return Vec::new() };
    // Where no record says so, it stopped after the last of them.
    let last = transcript.stop().map_or(transcript.steps.len() as u64, |(number, _)| number);
    let steps = transcript.steps.iter().zip(1..);
    let near = steps.filter(|(_, number)| *number == last || *number + 1 == last);
    let mut lines: Vec<Line> =
        near.flat_map(|(step, number)| step_lines(transcript, step, number)).collect();
    lines.extend(rest(transcript));
    lines
}

/// What there is to say of the steps of which there is no record.
fn rest(transcript: &Transcript) -> Option<Line> {
    if transcript.partial {
        return Some(Line::heading("not read", "further steps".to_owned()));
    }
    let not_reached = Some(transcript.not_reached).filter(|count| *count > 0)?;
    Some(Line::heading("not reached", count_of_steps(not_reached)))
}

fn count_of_steps(count: u64) -> String {
    if count == 1 { "1 step".to_owned() } else { format!("{count} steps") }
}

/// Which step of how many, as far as AWS says.
fn place(transcript: &Transcript, number: u64) -> String {
    match transcript.total {
        Some(total) => format!("step {number} of {total}"),
        None => format!("step {number}"),
    }
}

fn step_lines(transcript: &Transcript, step: &TranscriptStep, number: u64) -> Vec<Line> {
    let status = step.status.as_ref().map(|status| format!(": {}", one_line(status)));
    let title = format!("{}{}", name(step), status.unwrap_or_default());
    let mut lines = vec![Line::heading(place(transcript, number), title)];
    let is_event_wrong = matches!(step.failure(), Some(StepFailure::Event(_)));
    lines.extend(step.event.iter().flat_map(|event| event_lines(event, is_event_wrong)));
    lines.extend(step.actions.iter().map(action_line));
    lines
}

/// The id of a step, or what to call it.
fn name(step: &TranscriptStep) -> String {
    step.id.as_deref().map_or_else(|| "unnamed".to_owned(), one_line)
}

fn event_lines(event: &StepEvent, is_wrong: bool) -> Vec<Line> {
    match event {
        StepEvent::Message(MessageEvent { expected: Some(expected), heard: Some(heard) }) => {
            let (expected, heard) = if is_wrong {
                compare(expected, heard)
            } else {
                let same = |text: &String| vec![Words::same(one_line(text))];
                (same(expected), same(heard))
            };
            let is_empty = heard.iter().all(|words| words.text.is_empty());
            let heard = if is_empty { vec![Words::same("(nothing)")] } else { heard };
            vec![Line::compared("expected", expected), Line::compared("heard", heard)]
        }
        StepEvent::Message(MessageEvent { expected, heard }) => {
            let expected = expected.iter().map(|text| Line::detail("expected", text));
            expected.chain(heard.iter().map(|text| Line::detail("heard", text))).collect()
        }
        StepEvent::Text { text } => vec![Line::detail("text", text)],
        StepEvent::FlowAction(flow) => vec![Line::detail("expected", &flow_action(flow))],
        StepEvent::Other { name } => vec![Line::detail("event", name)],
    }
}

fn action_line(action: &StepAction) -> Line {
    let has_failed = action.has_failed();
    // What failed was not done.
    let done = |done, to_do| if has_failed { to_do } else { done };
    let (label, text) = match &action.kind {
        ActionKind::Press { keys } => (done("pressed", "press"), keys.clone()),
        ActionKind::Say { text } => (done("said", "say"), text.clone()),
        ActionKind::HangUp => (done("hung up", "hang up"), String::new()),
        ActionKind::Assert(it) => ("assert", assertion(it)),
        ActionKind::Other { name, parameters } => {
            ("action", format!("{name}{}", in_brackets(parameters)))
        }
    };
    let text = match (has_failed, text.as_str()) {
        (true, "") => "FAILED".to_owned(),
        (true, text) => format!("FAILED: {text}"),
        (false, _) => text,
    };
    Line::detail(label, &text)
}

fn flow_action(flow: &FlowActionEvent) -> String {
    format!("flow action {}{}", flow.action, in_brackets(&flow.parameters))
}

fn in_brackets<'a>(parameters: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    let parameters: Vec<String> =
        parameters.into_iter().map(|(name, value)| format!("{name} {value}")).collect();
    if parameters.is_empty() { String::new() } else { format!(" ({})", parameters.join(", ")) }
}

/// What is asserted, and the actual value: `$.Queue.Name equals "Billing", was "Sales"`.
fn assertion(assertion: &Assertion) -> String {
    let Assertion { namespace, operator, expected, actual } = assertion;
    let operator = operator.as_deref().map(|operator| format!(" {}", operator_words(operator)));
    let expected = expected.as_ref().map(|expected| format!(" \"{expected}\""));
    let actual = actual.as_ref().map(|actual| format!(", was \"{actual}\""));
    let parts = [operator, expected, actual].map(Option::unwrap_or_default);
    format!("{namespace}{}", parts.concat())
}

/// AWS's name for a comparison as one reads it; one that is not known stays as it is.
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

/// The longest text of what failed, in characters: it is one part of a message.
const MAX_FAILURE_CHARS: usize = 600;

/// The longest text that was expected or heard, in characters, in such a text.
const MAX_QUOTED_CHARS: usize = 250;

/// The longest value of an assertion, in characters, in such a text.
const MAX_VALUE_CHARS: usize = 120;

fn short(text: &str) -> String {
    cut(&one_line(text), MAX_QUOTED_CHARS)
}

/// What failed, in one line: `greeting: expected "… to [-Friday-].", heard "… to {+Thursday+}."`.
/// None where AWS's records do not say.
pub(super) fn failure(details: &Details) -> Option<String> {
    let transcript = details.transcript.as_ref()?;
    let (number, step) = transcript.stop()?;
    let what = what_failed(step.failure()?);
    let what = cut(&one_line(&what), MAX_FAILURE_CHARS);
    Some(format!("{}: {what} ({})", name(step), place(transcript, number)))
}

/// Whether something personal was taken out of a text: then texts that look alike may differ.
fn hides(text: &str) -> bool {
    PLACEHOLDERS.iter().any(|placeholder| text.contains(placeholder))
}

/// An assertion whose long values are cut around the place where they differ.
fn shortened(assertion: &Assertion) -> Assertion {
    let Assertion { expected, actual, .. } = assertion;
    let [left, right] = [expected, actual].map(|text| text.as_deref().unwrap_or_default());
    let same = left.chars().zip(right.chars()).take_while(|(a, b)| a == b).count();
    let around = |text: &String| {
        if text.chars().count() <= MAX_VALUE_CHARS {
            return text.clone();
        }
        let start = same.saturating_sub(MAX_VALUE_CHARS / 2);
        let before = if start > 0 { "…" } else { "" };
        let rest: String = text.chars().skip(start).collect();
        format!("{before}{}", cut(&rest, MAX_VALUE_CHARS))
    };
    let (expected, actual) = (expected.as_ref().map(around), actual.as_ref().map(around));
    Assertion { expected, actual, ..assertion.clone() }
}

fn what_failed(failure: StepFailure<'_>) -> String {
    match failure {
        StepFailure::Action(action) => match &action.kind {
            ActionKind::Assert(it) => format!("expected {}", assertion(&shortened(it))),
            ActionKind::Press { keys } => format!("the customer could not press {keys}"),
            ActionKind::Say { text } => format!("the customer could not say \"{text}\""),
            ActionKind::HangUp => "the customer could not hang up".to_owned(),
            ActionKind::Other { name, .. } => format!("{name} failed"),
        },
        StepFailure::Event(StepEvent::Message(MessageEvent { expected, heard })) => {
            match (expected, heard.as_ref().map(|heard| one_line(heard))) {
                (Some(expected), Some(heard)) if heard.is_empty() => {
                    format!("expected \"{}\", heard nothing", short(expected))
                }
                (Some(expected), Some(heard)) if one_line(expected) == heard && !hides(&heard) => {
                    format!(
                        "expected and heard \"{}\": AWS does not say why it failed",
                        short(expected)
                    )
                }
                (Some(expected), Some(heard)) => {
                    let (expected, heard) = compare(expected, &heard);
                    let [expected, heard] = [expected, heard].map(|words| short(&excerpt(&words)));
                    format!("expected \"{expected}\", heard \"{heard}\"")
                }
                // AWS's record does not say what was heard in its place.
                (Some(expected), None) => {
                    format!("expected \"{}\", nothing recorded", short(expected))
                }
                (None, Some(heard)) => format!("heard \"{}\"", short(&heard)),
                (None, None) => "failed".to_owned(),
            }
        }
        StepFailure::Event(StepEvent::Text { text }) => format!("failed at \"{}\"", short(text)),
        StepFailure::Event(StepEvent::FlowAction(flow)) => {
            format!("expected {}, not recorded", flow_action(flow))
        }
        StepFailure::Event(StepEvent::Other { .. }) | StepFailure::Unknown => "failed".to_owned(),
    }
}

/// Puts what failed before the message of each failed attempt of an event, in the words of every
/// report. To be called once for an event, after personal data is taken out.
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
    use crate::outcome::Observations;

    fn message(id: &str, expected: &str, heard: &str) -> TranscriptStep {
        TranscriptStep {
            id: Some(id.to_owned()),
            status: Some("FAILED".to_owned()),
            event: Some(StepEvent::Message(MessageEvent {
                expected: Some(expected.to_owned()),
                heard: Some(heard.to_owned()),
            })),
            ..TranscriptStep::default()
        }
    }

    fn details(steps: Vec<TranscriptStep>, total: u64) -> Details {
        let mut transcript = Transcript { steps, ..Transcript::default() };
        let failed = transcript.steps.iter().filter(|step| step.failure().is_some()).count() as u64;
        let passed = transcript.steps.len() as u64 - failed;
        transcript.close(Some(Observations { total, passed, failed }), false);
        Details { transcript: Some(transcript), ..Details::default() }
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
        let step = message("menu", "Press 1.", " ");
        assert_eq!(
            failure(&details(vec![step], 1)).unwrap(),
            "menu: expected \"Press 1.\", heard nothing (step 1 of 1)"
        );
        let step = message("same", "Hello.", "Hello.");
        assert_eq!(
            failure(&details(vec![step], 1)).unwrap(),
            "same: expected and heard \"Hello.\": AWS does not say why it failed (step 1 of 1)"
        );
        let step = message("hidden", "mail [email] now", "mail [email] now");
        assert_eq!(
            failure(&details(vec![step], 1)).unwrap(),
            "hidden: expected \"mail [email] now\", heard \"mail [email] now\" (step 1 of 1)"
        );
        let long = failure(&details(vec![message("a", &"x ".repeat(900), &"y ".repeat(900))], 1));
        assert!(long.as_ref().unwrap().len() < 120, "{long:?}");
    }

    #[test]
    fn a_failed_assert_reads_as_a_sentence_and_is_all_that_failed() {
        for (operator, words) in [
            ("Equals", "equals"),
            ("TextContains", "contains"),
            ("NumberLessOrEqualTo", "is at most"),
            ("Rhymes", "Rhymes"),
        ] {
            let kind = ActionKind::Assert(Assertion {
                namespace: "$.Queue.Name".to_owned(),
                operator: Some(operator.to_owned()),
                expected: Some("Billing".to_owned()),
                actual: Some("Sales".to_owned()),
            });
            let action = StepAction { id: None, status: Some("FAILED".to_owned()), kind };
            // The message that the step waited for came: its words are not what failed.
            let step = TranscriptStep {
                status: Some("PASSED".to_owned()),
                actions: vec![action],
                ..message("queue", "Hello", "Hello there")
            };
            let details = details(vec![step], 1);
            assert_eq!(
                failure(&details).unwrap(),
                format!(
                    "queue: expected $.Queue.Name {words} \"Billing\", was \"Sales\" (step 1 of 1)"
                )
            );
            assert_eq!(all(&details, 1000)[1..3], ["  expected: Hello", "  heard: Hello there"]);
        }
    }

    #[test]
    fn long_values_of_an_assert_are_cut_around_their_difference() {
        let value = |end: &str| Some(format!("{}{end}{}", "B".repeat(500), "D".repeat(500)));
        let assertion = shortened(&Assertion {
            namespace: "$.Attributes.a".to_owned(),
            operator: None,
            expected: value("B"),
            actual: value("C"),
        });
        let (expected, actual) = (assertion.expected.unwrap(), assertion.actual.unwrap());
        assert!(expected.starts_with("…B") && expected.chars().count() < 130, "{expected}");
        assert!(actual.contains('C') && actual.ends_with('…'), "{actual}");
    }

    #[test]
    fn the_log_shows_the_step_that_failed_with_the_one_before_it() {
        let mut steps = ["a", "b", "c"].map(|id| message(id, "x", "y"));
        for step in &mut steps[..2] {
            step.status = Some("PASSED".to_owned());
        }
        let details = details(steps.to_vec(), 5);
        let failed = Attempt {
            number: 1,
            starts: Vec::new(),
            verdict: Verdict::Failed,
            message: String::new(),
            status: None,
            started_at: Default::default(),
            ended_at: Default::default(),
            seconds: 0.0,
            ran: None,
            details: details.clone(),
        };
        let shown: Vec<String> = around_stop(&failed).iter().map(Line::plain).collect();
        assert!(around_stop(&Attempt { verdict: Verdict::Passed, ..failed }).is_empty());
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
        assert_eq!(all(&details, 1000)[0], "step 1 of 5: a: PASSED", "the reports show all");
        // Where that is too long, the step that failed is the last to go.
        let shown = all(&details, 70);
        assert_eq!(shown[..2], ["before: 2 steps", "step 3 of 5: c: FAILED"]);
    }
}
