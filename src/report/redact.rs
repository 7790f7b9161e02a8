//! Personal data and secrets in what AWS says: taken out before any report sees them.
//!
//! Works on events, the one way by which text from AWS reaches a report. Ids, which are given to
//! callcheck or returned to it, are the keys by which things are looked up, and stay.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::event::{Event, EventKind};
use crate::outcome::{
    ActionKind, Attempt, AwsError, Conversation, Details, FailedObservation, Said, StepEvent,
    StepFailure, TestOutcome, TranscriptStep, Turn,
};

/// What may be an e-mail address, or a run of digits as numbers are written that belong to a
/// person: 7 or more (a phone number has up to 15 by E.164, a card up to 19, and several may stand
/// together), with the usual marks between. UUIDs, dates, and an IP address with a port are taken
/// for what they are.
static PERSONAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let uuid = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}";
    let date = r"(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])";
    let time = r"(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?";
    let octet = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    let address = format!(r"{octet}(?:\.{octet}){{3}}:[0-9]{{1,5}}");
    let email = r"[\w.%+!#$&'*=?^~-]+@[\w-]+(?:\.[\w-]+)+";
    // A comma only with a blank behind it, as in speech transcripts: lists of numbers are no one's.
    let mark = r"(?:,\s|[\s().\[\]\-\u{2010}-\u{2015}\u{2212}/]){0,3}";
    let number = format!(r"\+?\(?[0-9](?:{mark}[0-9]){{6,80}}");
    let known = format!("{uuid}|{date}{time}|{address}");
    Regex::new(&format!("(?<known>{known})|(?<email>{email})|(?<number>{number})")).ok()
});

/// The longest record that reports keep, in characters, and the longest text of a transcript. An
/// execution of 5 minutes has some dozens of records.
const MAX_TEXT_CHARS: usize = 4000;

/// The form of the ids that AWS gives contacts.
static UUID: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}").ok());

/// What lets in who knows it: parts of a presigned URL, and ids of access keys.
static SECRET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let signed =
        r#"[Xx]-[Aa]mz-(?:[Ss]ignature|[Ss]ecurity-[Tt]oken|[Cc]redential)[=:]\s*[^&\s"']+"#;
    Regex::new(&format!(r"{signed}|\b(?:AKIA|ASIA)[A-Z0-9]{{16}}\b")).ok()
});

/// Takes personal data and secrets out of the events of a run.
#[derive(Debug, Default)]
pub struct Redactor {
    /// Whether personal data is left in; secrets never are.
    shows_personal: bool,
    /// Ids that were given to callcheck or that AWS returned to it: they are never taken out.
    known: HashSet<String>,
    /// Ids of contacts that records have named.
    contacts: HashSet<String>,
}

impl Redactor {
    /// A redactor that leaves `ids` as they are, and personal data where that is to be shown.
    pub fn new(ids: impl IntoIterator<Item = String>, shows_personal: bool) -> Self {
        Self { shows_personal, known: ids.into_iter().collect(), contacts: HashSet::new() }
    }

    /// Takes personal data and secrets out of all that AWS said in an event.
    pub fn event(&mut self, mut event: Event) -> Event {
        match &mut event.kind {
            EventKind::Ended { outcome, .. } => self.outcome(outcome),
            EventKind::Judged { outcome, .. } => self.outcome(outcome),
            EventKind::AttemptEnded { attempt, .. } => {
                self.attempts(std::slice::from_mut(attempt));
            }
            EventKind::Retrying { error, .. }
            | EventKind::LookUpsOff { error, .. }
            | EventKind::Unreached { error, .. } => self.error(error),
            EventKind::LookingUp { error, .. } => {
                if let Some(error) = error {
                    self.error(error);
                }
            }
            EventKind::StartingAnew { reason, .. }
            | EventKind::SweepsOff { why: reason, .. }
            | EventKind::Stopping { reason, .. }
            | EventKind::LeftRunning { reason, .. } => self.text(reason),
            EventKind::Started { execution_id, status, .. } => {
                self.known.insert(execution_id.clone());
                self.text(status);
            }
            EventKind::Moved { status, .. } => self.text(status),
            EventKind::Paused { .. }
            | EventKind::Calling { .. }
            | EventKind::Sweeping { .. }
            | EventKind::Crowded { .. }
            | EventKind::Uncrowded { .. }
            | EventKind::StillWaiting(_)
            | EventKind::TooManyFailures { .. }
            | EventKind::TimeUp
            | EventKind::JournalBroken { .. }
            | EventKind::Interrupted { .. } => {}
        }
        event
    }

    fn outcome(&mut self, outcome: &mut TestOutcome) {
        self.attempts(&mut outcome.attempts);
        self.text(&mut outcome.message);
    }

    fn attempts(&mut self, attempts: &mut [Attempt]) {
        for attempt in &mut *attempts {
            let contacts = std::mem::take(&mut attempt.details.contact_ids);
            // What is shorter would be found everywhere; AWS gives UUIDs.
            let ids = contacts.into_iter().filter(|id| id.len() >= 8 && !self.known.contains(id));
            // Also as it is written without its dashes.
            let forms =
                |id: String| [id.to_ascii_lowercase(), id.to_ascii_lowercase().replace('-', "")];
            self.contacts.extend(ids.flat_map(forms));
        }
        for Attempt { message, status, details, .. } in attempts {
            self.text(message);
            status.iter_mut().for_each(|status| self.text(status));
            self.details(details);
        }
    }

    fn details(&self, details: &mut Details) {
        for FailedObservation { id, expected, seen } in &mut details.failed_observations {
            self.text(id);
            expected.iter_mut().chain(&mut *seen).for_each(|text| self.text(text));
        }
        for step in details.transcript.iter_mut().flat_map(|transcript| &mut transcript.steps) {
            let differed = differs(step);
            self.step(step);
            if differed && !differs(step) && hides_something(step) {
                details.notes.push(format!(
                    "{}: expected and actual differ only in personal data that was taken out; \
                     --show-sensitive shows it",
                    step.id.as_deref().unwrap_or("unnamed")
                ));
            }
        }
        let Details { failure_reasons, records, notes, .. } = details;
        failure_reasons.iter_mut().chain(notes).for_each(|text| self.text(text));
        records.iter_mut().for_each(|record| self.long_text(record));
        details.error.iter_mut().for_each(|error| self.error(error));
        let Some(results) = &mut details.results else { return };
        for Conversation { id, .. } in &mut results.mismatched_conversations {
            self.text(id);
        }
        for Turn { text, conversation_id, expected, actual, error, .. } in &mut results.turns {
            self.text(text);
            conversation_id.iter_mut().for_each(|id| self.text(id));
            self.said(expected);
            self.said(actual);
            error.iter_mut().for_each(|error| self.text(error));
        }
    }

    fn step(&self, step: &mut TranscriptStep) {
        let TranscriptStep { id, status, at: _, event, actions } = step;
        id.iter_mut().chain(status).for_each(|text| self.long_text(text));
        match event {
            Some(StepEvent::Message(message)) => {
                let texts = message.expected.iter_mut().chain(&mut message.heard);
                texts.for_each(|text| self.long_text(text));
            }
            Some(StepEvent::Text { text } | StepEvent::Other { name: text }) => {
                self.long_text(text);
            }
            Some(StepEvent::FlowAction(flow)) => {
                self.long_text(&mut flow.action);
                self.named(&mut flow.parameters);
            }
            None => {}
        }
        for action in actions {
            action.id.iter_mut().chain(&mut action.status).for_each(|text| self.long_text(text));
            match &mut action.kind {
                ActionKind::Press { keys: text } | ActionKind::Say { text } => self.long_text(text),
                ActionKind::HangUp => {}
                ActionKind::Assert(it) => {
                    let texts = [&mut it.operator, &mut it.expected, &mut it.actual];
                    let texts = texts.into_iter().flatten();
                    std::iter::once(&mut it.namespace)
                        .chain(texts)
                        .for_each(|text| self.long_text(text));
                }
                ActionKind::Other { name, parameters } => {
                    self.long_text(name);
                    self.named(parameters);
                }
            }
        }
    }

    fn named(&self, values: &mut BTreeMap<String, String>) {
        *values = std::mem::take(values)
            .into_iter()
            .map(|(mut name, mut value)| {
                self.text(&mut name);
                self.long_text(&mut value);
                (name, value)
            })
            .collect();
    }

    /// Text that may be very long: it is cut, but only once personal data is taken out, since half of
    /// a number would not be known for one.
    fn long_text(&self, text: &mut String) {
        self.text(text);
        if let Some((end, _)) = text.char_indices().nth(MAX_TEXT_CHARS) {
            text.truncate(end);
            text.push('…');
        }
    }

    fn said(&self, said: &mut Said) {
        let Said { prompt, transcript, slots, .. } = said;
        prompt.iter_mut().chain(transcript).chain(slots.values_mut()).for_each(|t| self.text(t));
    }

    fn error(&self, error: &mut AwsError) {
        self.text(&mut error.message);
        error.code.iter_mut().for_each(|code| self.text(code));
    }

    fn text(&self, text: &mut String) {
        visible(text);
        // No secret is written without one of these.
        if text.contains(['-', 'A']) {
            secrets(text);
        }
        if self.shows_personal {
            return;
        }
        if !self.contacts.is_empty() {
            self.contact_ids(text);
        }
        // Most texts hold neither, and a set has 200,000 of them.
        if text.contains(|c: char| c.is_ascii_digit() || c == '@') {
            self.numbers_and_addresses(text);
        }
    }

    /// Takes out the ids of contacts, word by word: a run may have thousands of them.
    fn contact_ids(&self, text: &mut String) {
        let is_mark = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        let is_contact = |word: &&str| self.contacts.contains(&word.to_ascii_lowercase());
        let words = text.split(is_mark).filter(is_contact);
        // The name of a recording begins with the id of its contact, and goes on.
        let uuids = UUID.as_ref().map(|uuid| uuid.find_iter(text).map(|found| found.as_str()));
        let uuids = uuids.into_iter().flatten().filter(is_contact);
        let found: HashSet<&str> = words.chain(uuids).collect();
        let shown = found.into_iter().fold(None, |shown: Option<String>, id| {
            Some(shown.as_deref().unwrap_or(text).replace(id, "[contact]"))
        });
        if let Some(shown) = shown {
            *text = shown;
        }
    }

    fn numbers_and_addresses(&self, text: &mut String) {
        let Some(personal) = PERSONAL.as_ref() else {
            // Without the pattern nothing can be told to be harmless.
            "[redacted]".clone_into(text);
            return;
        };
        let mut shown = String::with_capacity(text.len());
        let (mut copied, mut at) = (0, 0);
        while let Some(captures) = personal.captures_at(text, at) {
            let Some(found) = captures.get(0) else { break };
            at = found.end();
            let word = match (captures.name("known"), captures.name("email")) {
                // More digits behind it make it another thing.
                (Some(_), _) if !continues(text, found.end()) => continue,
                (_, Some(_)) => "[email]",
                _ if self.is_id(text, found.start(), found.end()) => continue,
                _ => "[phone]",
            };
            shown.push_str(&text[copied..found.start()]);
            shown.push_str(word);
            copied = found.end();
        }
        shown.push_str(&text[copied..]);
        *text = shown;
    }

    /// Whether digits stand in an ARN, are an id that is known, or are few and part of a word,
    /// rather than a number that belongs to a person.
    fn is_id(&self, text: &str, start: usize, end: usize) -> bool {
        let before = text[..start].chars().next_back();
        let after = text[end..].chars().next();
        let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let digits = text[start..end].chars().filter(char::is_ascii_digit).count();
        let plain = digits == end - start;
        let word = text[..start].rsplit(|c: char| c.is_whitespace() || c == '"').next();
        let in_arn = before == Some(':')
            && after == Some(':')
            && word.is_some_and(|word| word.starts_with("arn:"));
        let in_word = (joins(before) || joins(after)) && plain && digits < DIGITS_IN_WORD;
        in_arn || in_word || self.known.contains(word_at(text, start))
    }
}

/// The words that replace personal data.
pub(super) const PLACEHOLDERS: [&str; 4] = ["[phone]", "[email]", "[contact]", "[secret]"];

/// Whether something was taken out of what a step that failed expected.
fn hides_something(step: &TranscriptStep) -> bool {
    let expected = match step.failure() {
        Some(StepFailure::Action(action)) => match &action.kind {
            ActionKind::Assert(it) => it.expected.as_ref(),
            _ => None,
        },
        Some(StepFailure::Event(StepEvent::Message(it))) => it.expected.as_ref(),
        _ => None,
    };
    let hides = |text: &String| PLACEHOLDERS.iter().any(|placeholder| text.contains(placeholder));
    expected.is_some_and(hides)
}

/// Whether a step that failed shows a difference between what was expected and what came.
fn differs(step: &TranscriptStep) -> bool {
    match step.failure() {
        Some(StepFailure::Action(action)) => match &action.kind {
            ActionKind::Assert(it) => it.expected != it.actual,
            _ => false,
        },
        Some(StepFailure::Event(StepEvent::Message(it))) => it.expected != it.heard,
        _ => false,
    }
}

/// So many digits in a row are a number though letters stand beside them: `tel4155550123`. Ids
/// of Lex have seven and fewer.
const DIGITS_IN_WORD: usize = 9;

/// Whether what ends at a place goes on with digits.
fn continues(text: &str, end: usize) -> bool {
    text[end..].trim_start_matches(['.', '-', '/']).starts_with(|c: char| c.is_ascii_digit())
}

/// Text without what shows nothing: it could stand in the middle of a number, and reports leave it
/// out.
fn visible(text: &mut String) {
    let hidden = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    if text.contains(hidden) {
        let plain = anstream::adapter::strip_str(text).to_string();
        *text = plain.replace(hidden, "");
    }
}

fn secrets(text: &mut String) {
    let shown = match SECRET.as_ref() {
        Some(secret) => secret.replace_all(text, "[secret]"),
        None => std::borrow::Cow::Owned("[redacted]".to_owned()),
    };
    if let std::borrow::Cow::Owned(shown) = shown {
        *text = shown;
    }
}

/// The word that begins at a place.
fn word_at(text: &str, start: usize) -> &str {
    let rest = &text[start..];
    &rest[..rest.find(|c: char| !joins(c)).unwrap_or(rest.len())]
}

/// Whether a character makes one word with the digits beside it.
fn joins(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{MessageEvent, Transcript};

    fn redacted(text: &str) -> String {
        let mut text = text.to_owned();
        Redactor::new(["41555501239".to_owned()], false).text(&mut text);
        text
    }

    #[test]
    fn phone_numbers_and_addresses_are_taken_out() {
        for (text, expected) in [
            ("call +1 (415) 555-0123 now", "call [phone] now"),
            ("tel:+14155550123", "tel:[phone]"),
            ("\"0041 79 123 45 67\"", "\"[phone]\""),
            ("from 415.555.0123.", "from [phone]."),
            ("mail jane.doe+x@mail.example.com!", "mail [email]!"),
            ("+14155550123, +14155550124", "[phone], [phone]"),
            ("+14155550123: busy", "[phone]: busy"),
            ("Caller:4155550123", "Caller:[phone]"),
            ("step2 415-555-0123", "step[phone]"),
            ("card 4111 1111 1111 1111!", "card [phone]!"),
            ("card 4111111111111111", "card [phone]"),
            ("41555501238", "[phone]"),
            ("Call 1-800-555-0123 24/7", "Call [phone]"),
            ("card 4111 1111 1111 1111 12/27", "card [phone]"),
            ("415 555 0123 4th street", "[phone]th street"),
            ("0171/1234567 or 030/12345678", "[phone] or [phone]"),
            ("415-555-0123-", "[phone]-"),
            ("415\u{2011}555\u{2011}0123", "[phone]"),
            ("415\u{a0}555\u{a0}0123.", "[phone]."),
            ("4155550123 4155550124", "[phone]"),
            ("+14155550123/+14155550124", "[phone]/[phone]"),
            ("josé@example.com, jane@exämple.com", "[email], [email]"),
            ("o'brien@example.com", "[email]"),
            ("4155550123/4155550124-4155550125", "[phone]"),
            ("415-555-0123x99 and tel4155550123", "[phone]x99 and tel[phone]"),
            ("phone-4155550123, queue_4155550123", "phone-[phone], queue_[phone]"),
            ("415\u{1b}[0m555\u{0}\u{200b}0123", "[phone]"),
            ("jane\u{1b}[0m@example\u{ad}.com", "[email]"),
            ("02.123.45.67 or 06.12.34.56.78", "[phone] or [phone]"),
            ("2234-56-78", "[phone]"),
            (
                "Caller:+14155550123:busy or sip:4155550123:5060",
                "Caller:[phone]:busy or sip:[phone]:5060",
            ),
            ("415, 555, 0123.", "[phone]."),
            ("4 1 5, 5 5 5, 0 1 2 3", "[phone]"),
        ] {
            assert_eq!(redacted(text), expected);
        }
    }

    #[test]
    fn ids_times_and_counts_stay() {
        for text in [
            "11111111-0000-4000-8000-000000000001 not found",
            "arn:aws:connect:us-east-1:111122223333:instance/11111111-2222-3333-4444-555555555555",
            "at 2026-11-21T02:12:00Z",
            "on 2026-11-21",
            "at 2026-11-21 02:12:00",
            "from 10.120.33.41:443",
            "a 12345678-1234-1234-1234-123456789012 b",
            "46 of 500 utterances did not match (90.8 %)",
            "execution BOT0000001",
            "[1,2,3,4,5,6,7,8]",
            "test case 41555501239 is not there",
        ] {
            assert_eq!(redacted(text), text);
        }
    }

    #[test]
    fn secrets_are_taken_out_even_where_personal_data_is_shown() {
        // Put together here: nothing in the shape of a key stands in the source.
        let key = format!("ASIA{}", "X".repeat(16));
        let mut text = format!(
            "+14155550123 https://s3/x?X-Amz-Credential={key}%2Fx&X-Amz-Signature=abc&y=1 {key}"
        );
        Redactor::new(Vec::new(), true).text(&mut text);
        assert_eq!(text, "+14155550123 https://s3/x?[secret]&[secret]&y=1 [secret]");
    }

    #[test]
    fn a_difference_that_was_taken_out_is_told() {
        let step = TranscriptStep {
            id: Some("menu".to_owned()),
            status: Some("FAILED".to_owned()),
            event: Some(StepEvent::Message(MessageEvent {
                expected: Some("Account 12345678".to_owned()),
                heard: Some("Account 87654321".to_owned()),
            })),
            ..TranscriptStep::default()
        };
        let transcript = Some(Transcript { steps: vec![step], ..Transcript::default() });
        let mut details = Details { transcript, ..Details::default() };
        Redactor::new(Vec::new(), false).details(&mut details);
        assert!(details.notes[0].contains("differ only in personal data"), "{details:?}");
    }

    #[test]
    fn contact_ids_are_taken_out_wherever_they_recur_and_execution_ids_never() {
        let (contact, execution) = ("0d9f6f2a-contact", "0d9f6f2a-execution");
        let mut redactor = Redactor::new(Vec::new(), false);
        let started = EventKind::Started {
            test: 0,
            attempt: 1,
            execution_id: execution.to_owned(),
            status: "INITIATED".to_owned(),
            known: crate::event::KnownBy::Reply,
        };
        redactor.event(Event { at: std::time::Duration::ZERO, kind: started });
        redactor.contacts.insert(contact.to_owned());
        let details = Details {
            contact_ids: vec![contact.to_owned(), execution.to_owned()],
            records: vec![format!("{{\"ContactId\":\"{contact}\"}}")],
            notes: vec![format!("{}, {execution}", contact.to_uppercase())],
            ..Details::default()
        };
        let mut details = details;
        redactor.details(&mut details);
        assert_eq!(details.records, ["{\"ContactId\":\"[contact]\"}"]);
        assert_eq!(details.notes, [format!("[contact], {execution}")]);
    }
}
