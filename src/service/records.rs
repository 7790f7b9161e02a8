//! The records of a Connect execution: JSON in a form that AWS does not document.
//!
//! What is known of it stands in AWS-FACTS.md and was seen on live accounts. Anything may be
//! missing or otherwise, so that this reads what it knows, never fails, and keeps the text.
//!
//! An observation's `Event` is what it was to observe, as in the language in which test cases are
//! written (AWS: "Observations in the Amazon Connect Testing language"). What there was in its
//! place is looked for under any key that says so.

use serde_json::Value;

use super::Record;
use crate::outcome::FailedObservation;

/// So much of a record is kept, in characters, against one that would fill the memory.
const MOST_CHARS: usize = 100_000;

/// Reads a record; `failed` is what the status beside it says.
pub(super) fn read(observation_id: Option<String>, failed: bool, json: Option<&str>) -> Record {
    let value: Value = json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or(Value::Null);
    let completion = &value["CompletionReason"];
    let reasons = completion["FailureReasons"].as_array().into_iter().flatten();
    let mut contact_ids = Vec::new();
    walk("", &value, &mut |key, text| {
        let key = key.to_lowercase().replace(['_', '-'], "");
        let key = key.trim_end_matches('s');
        if key.ends_with("contactid") && !text.is_empty() {
            contact_ids.push(text.to_owned());
        }
        let of_arn = text.rsplit_once("contact/").filter(|_| key.ends_with("contactarn"));
        contact_ids.extend(of_arn.map(|(_, id)| id.to_owned()));
    });
    let failed = failed || value["Status"] == "FAILED";
    // What cannot be read is an observation by the fields beside it, which are documented.
    let unread = value.is_null() && observation_id.is_some();
    let failed = failed && (value["Type"] == "OBSERVATION" || unread);
    Record {
        failed: failed.then(|| FailedObservation {
            id: text(&value["Identifier"]).or(observation_id).unwrap_or("observation".to_owned()),
            expected: text(&value["Event"]["Properties"]["Text"]),
            seen: seen(&value),
        }),
        reasons: text(&completion["Type"]).into_iter().chain(reasons.filter_map(text)).collect(),
        message: text(&completion["Message"]),
        contact_ids,
        raw: json.map(|json| json.chars().take(MOST_CHARS).collect()),
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The first text under a key that says that it was seen.
fn seen(value: &Value) -> Option<String> {
    let entries = value.as_object()?.iter();
    let said = |key: &str| {
        let when = ["at", "time", "timestamp"].iter().any(|end| key.ends_with(end));
        !when && ["actual", "observed", "received"].iter().any(|word| key.contains(word))
    };
    entries.filter(|(key, _)| said(&key.to_lowercase())).find_map(|(_, value)| {
        text(value).or_else(|| text(&value["Text"])).or_else(|| text(&value["Properties"]["Text"]))
    })
}

/// Shows each text in a value with the key that it stands under: `ContactId` of `ContactId` and of
/// `Contact.Id` alike. A text may be JSON of its own.
fn walk(key: &str, value: &Value, show: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::Object(fields) => {
            for (inner, value) in fields {
                let short = inner.eq_ignore_ascii_case("id") || inner.eq_ignore_ascii_case("arn");
                let whole = if short { format!("{key}{inner}") } else { inner.clone() };
                walk(&whole, value, show);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(key, item, show)),
        Value::String(text) => {
            show(key, text);
            if let Some(inner) = text.starts_with('{').then(|| serde_json::from_str(text).ok()) {
                walk(key, &inner.unwrap_or(Value::Null), show);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_observation_is_read_with_what_was_expected_and_seen() {
        let json = r#"{"Type":"OBSERVATION","Identifier":"greet","Status":"FAILED",
            "Event":{"Properties":{"Text":"Welcome"}},
            "ActualEvent":{"Properties":{"Text":"Goodbye"}}}"#;
        let record = read(Some("o-1".into()), false, Some(json));
        let failed = record.failed.unwrap();
        assert_eq!(failed.to_string(), "greet: expected \"Welcome\", seen \"Goodbye\"");
        assert_eq!(record.raw.as_deref(), Some(json), "the text is kept as it came");

        assert!(read(Some("o-1".into()), true, Some("no JSON")).failed.is_some());
        let record = read(Some("o-1".into()), true, Some(r#"{"Type":"OBSERVATION"}"#));
        assert_eq!(record.failed.unwrap().to_string(), "o-1");
    }

    #[test]
    fn a_completion_is_read_and_is_no_observation() {
        let record = read(
            None,
            true,
            Some(
                r#"{"Type":"COMPLETION","CompletionReason":{"Type":"ERROR",
                    "FailureReasons":["INITIALIZATION_FAILURE"],"Message":"limit reached"}}"#,
            ),
        );
        assert_eq!(record.reasons, ["ERROR", "INITIALIZATION_FAILURE"]);
        assert_eq!(record.message.as_deref(), Some("limit reached"));
        assert_eq!(record.failed, None);
    }

    #[test]
    fn contact_ids_are_found_wherever_they_stand() {
        let json = r#"{"ContactId":"c-1","a":[{"initial_contact_id":"c-2"}],
            "ContactIds":["c-3"],"OtherContactId":7,"ContactIdType":"VOICE",
            "Contact":{"Id":"c-4"},"ContactArn":"arn:x/contact/c-5",
            "Text":"{\"ContactId\":\"c-6\"}","Id":"no"}"#;
        let mut found = read(None, false, Some(json)).contact_ids;
        found.sort();
        assert_eq!(found, ["c-1", "c-2", "c-3", "c-4", "c-5", "c-6"]);
    }

    #[test]
    fn what_is_otherwise_is_no_error() {
        for json in [None, Some(""), Some("[]"), Some("7"), Some(r#"{"CompletionReason":[1]}"#)] {
            let raw = json.map(str::to_owned);
            assert_eq!(read(None, true, json), Record { raw, ..Record::default() }, "{json:?}");
        }
    }
}
