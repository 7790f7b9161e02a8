//! The records of a Connect execution: JSON in a form that AWS does not document.
//!
//! What is known stands in AWS-FACTS.md, as others have seen it on live accounts. Anything may be
//! missing or different, so this reads what it knows, never fails, and keeps the text.
//!
//! | record | known by | read into |
//! | --- | --- | --- |
//! | an observation | its `Event`; without one, `Type` or `Actions` | a [`TranscriptStep`] |
//! | the completion | its `CompletionReason` or `ExecutionSummary` | a [`CompletionRecord`] |
//! | others, such as INITIATION | | the ids of contacts |

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{CompletionRecord, Record};
use crate::outcome::{
    ActionKind, Assertion, FlowActionEvent, MessageEvent, StepAction, StepEvent, TranscriptStep,
};

/// The longest part of a record's text that is kept, in characters. Longer ones would fill the
/// memory.
const MAX_RECORD_CHARS: usize = 100_000;

/// The most actions of a step that are kept, and as many more that failed: a test case has a few.
const MAX_ACTIONS: usize = 50;

/// The most parameters of an action that are kept.
const MAX_PARAMETERS: usize = 20;

/// A record as the API gives it, beside the fields that name it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Item<'a> {
    pub(super) observation_id: Option<&'a str>,
    pub(super) status: Option<&'a str>,
    pub(super) at: Option<DateTime<Utc>>,
    /// The JSON text.
    pub(super) record: Option<&'a str>,
}

/// Reads a record.
pub(super) fn read(item: Item<'_>) -> Record {
    let text = item.record.unwrap_or_default();
    let parsed = parse(text);
    let value = parsed.as_ref().unwrap_or(&Value::Null);
    // Escapes could hide a number or an id from what takes it out of the reports.
    let plain = parsed.as_ref().filter(|_| text.contains("\\u")).map(Value::to_string);
    let raw = plain.as_deref().or(item.record);
    Record {
        step: is_observation(value, item).then(|| step(value, item)),
        completion: completion(value),
        contact_ids: parsed.as_ref().map_or_else(|| uuids(text), contact_ids),
        raw: raw.map(|raw| raw.chars().take(MAX_RECORD_CHARS).collect()),
    }
}

/// Reads JSON; half of a surrogate pair, as a text that was cut has, is no reason to read nothing.
fn parse(text: &str) -> Option<Value> {
    let whole = serde_json::from_str(text);
    whole.or_else(|_| serde_json::from_str(&without_surrogates(text))).ok()
}

fn without_surrogates(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\u") {
        let (before, escape) = rest.split_at(at);
        let is_surrogate = escape.get(2..4).is_some_and(|hex| {
            let [first, second] = [0, 1].map(|n| hex.as_bytes()[n].to_ascii_lowercase());
            first == b'd' && (second == b'8' || second == b'9' || (b'a'..=b'f').contains(&second))
        });
        plain.push_str(before);
        plain.push_str(if is_surrogate { "\\ufffd" } else { &escape[..2] });
        rest = escape.get(if is_surrogate { 6 } else { 2 }..).unwrap_or_default();
    }
    plain + rest
}

fn is_observation(value: &Value, item: Item<'_>) -> bool {
    // What says too little is known by the fields beside it, which are documented: only a failure is
    // worth showing then.
    let is_failed_item = item.observation_id.is_some() && item.status == Some("FAILED");
    if value.is_null() {
        return is_failed_item
            && !item.record.is_some_and(|text| text.contains("CompletionReason"));
    }
    if completion(value).is_some() {
        return false;
    }
    let has_type = value["Type"].is_string();
    value["Event"].is_object()
        || value["Type"] == "OBSERVATION"
        || value["Actions"].is_array()
        || (!has_type && (is_failed_item || value["Identifier"].is_string()))
}

fn completion(value: &Value) -> Option<CompletionRecord> {
    let (reason, summary) = (&value["CompletionReason"], &value["ExecutionSummary"]);
    if !reason.is_object() && !summary.is_object() {
        return None;
    }
    let reasons = reason["FailureReasons"].as_array().into_iter().flatten();
    Some(CompletionRecord {
        kind: text(&reason["Type"]),
        reasons: reasons.filter_map(text).collect(),
        message: text(&reason["Message"]),
        // Its counts are not read: they have been seen to disagree with those of the summary call
        // (AWS-FACTS.md), which decides.
        duration_ms: summary["ExecutionDurationMs"].as_u64(),
    })
}

fn step(value: &Value, item: Item<'_>) -> TranscriptStep {
    let own_id = text(&value["Identifier"]).or_else(|| item.observation_id.map(str::to_owned));
    let failed = item.status == Some("FAILED");
    let beside = || item.status.map(str::to_owned);
    let actions = value["Actions"].as_array().into_iter().flatten();
    TranscriptStep {
        id: own_id,
        status: if failed { beside() } else { text(&value["Status"]).or_else(beside) },
        at: item.at,
        event: event(value),
        actions: capped(actions.filter_map(action)),
    }
}

/// The first actions, and those after them that failed.
fn capped(actions: impl Iterator<Item = StepAction>) -> Vec<StepAction> {
    let shown = |(index, action): &(usize, StepAction)| *index < MAX_ACTIONS || action.has_failed();
    actions.enumerate().filter(shown).map(|(_, action)| action).take(2 * MAX_ACTIONS).collect()
}

fn event(record: &Value) -> Option<StepEvent> {
    let event = record["Event"].as_object()?;
    let name = event.get("Type").and_then(text);
    let properties = &event.get("Properties").unwrap_or(&Value::Null);
    if let Some(action) = text(&properties["ActionType"]) {
        let parameters = parameters(&properties["ActionParameters"]);
        return Some(StepEvent::FlowAction(FlowActionEvent { action, parameters }));
    }
    let (expected, said) = (expected(properties), shown(&properties["Text"]));
    let message = match (expected, said, text(&record["ActualEvent"]["Properties"]["Text"])) {
        // Beside what was expected, `Text` is what was heard, even if that is nothing.
        (Some(expected), heard, older) => {
            MessageEvent { expected: Some(expected), heard: heard.or(older) }
        }
        // A form that nobody has seen on a real account, but earlier versions of callcheck assumed.
        (None, expected, Some(heard)) => MessageEvent { expected, heard: Some(heard) },
        (None, Some(text), None) if !text.is_empty() => return Some(StepEvent::Text { text }),
        (None, _, None) => MessageEvent::default(),
    };
    let is_message = name.as_deref().is_some_and(|name| letters(name) == "messagereceived");
    if is_message || message != MessageEvent::default() {
        return Some(StepEvent::Message(message));
    }
    name.map(|name| StepEvent::Other { name })
}

/// What a message was expected to be: `ExpectedText`, or in the same way one of the other forms that a
/// test case may expect.
fn expected(properties: &Value) -> Option<String> {
    let forms = ["ExpectedText", "ExpectedSSML", "ExpectedPromptId", "ExpectedMedia"];
    forms.iter().find_map(|form| shown(&properties[*form]))
}

fn action(value: &Value) -> Option<StepAction> {
    value.as_object()?;
    let (expected, actual) = (&value["ExpectedParameters"], &value["ActualParameters"]);
    let stated = [expected, actual, &value["Parameters"]];
    let of = |key: &str| stated.iter().find_map(|it| it.get(key)).unwrap_or(&Value::Null);
    let name = text(of("ActionType")).or_else(|| text(&value["Type"]));
    let kind = match text(&expected["Namespace"])
        .or_else(|| text(&value["Parameters"]["Namespace"]))
    {
        Some(namespace) => {
            // AWS gives the value itself here. The path again means that there was no value.
            let value =
                actual.get("Namespace").map(|it| shown(it).unwrap_or_else(|| "null".to_owned()));
            let actual = value.filter(|actual| *actual != namespace);
            let operator = text(of("Operator"));
            let expected = shown(of("Operand"));
            ActionKind::Assert(Assertion { namespace, operator, expected, actual })
        }
        None => customer(of("Instruction")).or_else(|| {
            let parameters = stated.iter().map(|it| parameters(it)).find(|it| !it.is_empty());
            let parameters = parameters.unwrap_or_default();
            (name.is_some() || !parameters.is_empty()).then(|| ActionKind::Other {
                name: name.unwrap_or_else(|| "action".to_owned()),
                parameters,
            })
        })?,
    };
    Some(StepAction { id: text(&value["Identifier"]), status: text(&value["Status"]), kind })
}

/// What the simulated customer does.
fn customer(instruction: &Value) -> Option<ActionKind> {
    let properties = &instruction["Properties"];
    let value = ["Value", "Text", "SSML"].iter().find_map(|key| shown(&properties[*key]));
    match letters(instruction["Type"].as_str()?).as_str() {
        "dtmfinput" => Some(ActionKind::Press { keys: value.unwrap_or_default() }),
        "utterance" => Some(ActionKind::Say { text: value.unwrap_or_default() }),
        "disconnect" => Some(ActionKind::HangUp),
        _ => None,
    }
}

/// The fields of an object as text, those of objects in it as `Outer.Inner`.
fn parameters(value: &Value) -> BTreeMap<String, String> {
    fn add(into: &mut BTreeMap<String, String>, prefix: &str, fields: &Map<String, Value>) {
        for (key, value) in fields.iter().filter(|(key, _)| *key != "ActionType") {
            let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match value {
                Value::Object(inner) => add(into, &key, inner),
                _ if into.len() >= MAX_PARAMETERS => {}
                _ => into.extend(shown(value).map(|value| (key, value))),
            }
        }
    }
    let mut parameters = BTreeMap::new();
    if let Some(fields) = value.as_object() {
        add(&mut parameters, "", fields);
    }
    parameters
}

/// A text that says something.
fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A value as it is shown: a text as it is, anything else as JSON.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// AWS's word without case and marks: `MessageReceived` and `MESSAGE_RECEIVED` alike.
fn letters(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// The ids of contacts, wherever they stand.
fn contact_ids(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk("", value, &mut |key, text| {
        let key = letters(key);
        let key = key.trim_end_matches('s');
        if key.ends_with("contactid") || key.ends_with("contact") {
            found.push(text.to_owned());
        }
        // An ARN, whatever its key is.
        found.extend(text.rsplit_once("/contact/").map(|(_, id)| id.to_owned()));
    });
    found.retain(|id| !id.is_empty());
    found
}

/// Every UUID of a text: in one that cannot be read, any of them may be a contact's.
fn uuids(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '-';
    let words = text.split(|c| !is_part(c));
    words.filter(|word| uuid::Uuid::try_parse(word).is_ok()).map(str::to_owned).collect()
}

/// Shows each text in a value with the key that it stands under: `ContactId` of `ContactId` and of
/// `Contact.Id` alike. A text may be JSON of its own.
fn walk(key: &str, value: &Value, show: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::Object(fields) => {
            // A pair: `{"Name": "ContactId", "Value": …}`. An assert's value stands under its path.
            let pairs = [
                (&value["Name"], &value["Value"]),
                (&value["Key"], &value["Value"]),
                (
                    &value["ExpectedParameters"]["Namespace"],
                    &value["ActualParameters"]["Namespace"],
                ),
            ];
            for (name, value) in pairs {
                if let (Some(name), Some(text)) = (name.as_str(), value.as_str()) {
                    show(name, text);
                }
            }
            for (inner, value) in fields {
                let short = inner.eq_ignore_ascii_case("id") || inner.eq_ignore_ascii_case("arn");
                let whole = if short { format!("{key}{inner}") } else { inner.clone() };
                walk(&whole, value, show);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(key, item, show)),
        Value::String(text) => {
            show(key, text);
            let may_be_json = text.trim_start().starts_with(['{', '[']);
            if let Some(inner) = Some(text).filter(|_| may_be_json).and_then(|text| parse(text)) {
                walk(key, &inner, show);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
