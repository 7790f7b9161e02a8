//! Personal data in what AWS says: phone numbers and e-mail addresses are taken out before any
//! report sees them.
//!
//! Works on events, the one way by which text from AWS reaches a report. Ids, which are given to
//! callcheck or returned to it, are the keys by which things are looked up, and stay.

use std::sync::LazyLock;

use regex::Regex;

use crate::event::{Event, EventKind};
use crate::outcome::{Attempt, AwsError, TestOutcome};

/// What may be an e-mail address, or a run of digits as phone numbers are written: 7 to 15 of
/// them (E.164 allows no more), with the usual marks between.
static PERSONAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let email = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+";
    let phone = r"\+?\(?[0-9](?:[ ().-]{0,3}[0-9]){6,14}";
    Regex::new(&format!("(?<email>{email})|(?<phone>{phone})")).ok()
});

/// Takes personal data out of all that AWS said in an event.
pub fn event(mut event: Event) -> Event {
    match &mut event.kind {
        EventKind::Ended { outcome, .. } => redact_outcome(outcome),
        EventKind::AttemptEnded { message, .. } => redact(message),
        EventKind::Retrying { error, .. } | EventKind::Unreached { error, .. } => {
            redact_error(error);
        }
        EventKind::StartingAnew { reason, .. }
        | EventKind::Stopping { reason, .. }
        | EventKind::LeftRunning { reason, .. } => redact(reason),
        EventKind::Started { .. }
        | EventKind::Moved { .. }
        | EventKind::Paused { .. }
        | EventKind::TooManyFailures { .. }
        | EventKind::TimeUp
        | EventKind::Interrupted { .. } => {}
    }
    event
}

fn redact_outcome(outcome: &mut TestOutcome) {
    redact(&mut outcome.message);
    for attempt in &mut outcome.attempts {
        let Attempt { message, details, .. } = attempt;
        redact(message);
        details.failed_observations.iter_mut().for_each(redact);
        details.failure_reasons.iter_mut().for_each(redact);
        details.notes.iter_mut().for_each(redact);
        details.error.iter_mut().for_each(redact_error);
    }
}

fn redact_error(error: &mut AwsError) {
    redact(&mut error.message);
}

fn redact(text: &mut String) {
    let Some(personal) = PERSONAL.as_ref() else {
        // Without the pattern nothing can be told to be harmless.
        "[redacted]".clone_into(text);
        return;
    };
    let mut shown = String::with_capacity(text.len());
    let (mut copied, mut at) = (0, 0);
    while let Some(captures) = personal.captures_at(text, at) {
        let Some(found) = captures.get(0) else { break };
        let word = match captures.name("email") {
            Some(_) => "[email]",
            None if is_id(text, found.start(), found.end()) => {
                // On behind the word, or at least behind its first character.
                let rest = &text[found.start()..];
                let word = rest.find(|c: char| !joins(c)).unwrap_or(rest.len());
                at = found.start() + word.max(1);
                continue;
            }
            None => "[phone]",
        };
        shown.push_str(&text[copied..found.start()]);
        shown.push_str(word);
        (copied, at) = (found.end(), found.end());
    }
    shown.push_str(&text[copied..]);
    *text = shown;
}

/// Whether a character makes one word with the digits beside it.
fn joins(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/')
}

/// Whether digits stand in a UUID, an ARN or another word, or are a date, rather than a number by
/// themselves.
fn is_id(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    let in_arn = before == Some(':') && after == Some(':');
    let parts: Vec<usize> = text[start..end].split('-').map(str::len).collect();
    before.is_some_and(joins) || after.is_some_and(joins) || in_arn || parts == [4, 2, 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str) -> String {
        let mut text = text.to_owned();
        redact(&mut text);
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
            ("step2 415-555-0123", "step2 [phone]"),
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
            "46 of 500 utterances did not match (90.8 %)",
            "execution BOT0000001",
        ] {
            assert_eq!(redacted(text), text);
        }
    }
}
