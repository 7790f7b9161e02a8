//! The records of a Connect execution: JSON in a form that AWS does not document.
//!
//! What is known of it stands in AWS-FACTS.md and was seen on live accounts. Anything may be
//! missing or otherwise, so that this reads what it knows and never fails.

use serde_json::Value;

use super::Record;

/// Reads a record; `failed` is what the status beside it says.
pub(super) fn read(observation_id: Option<String>, failed: bool, json: Option<&str>) -> Record {
    let value: Value = json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or(Value::Null);
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let is_observation = value["Type"] == "OBSERVATION";
    let completion = &value["CompletionReason"];
    let reasons = completion["FailureReasons"].as_array().into_iter().flatten();
    Record {
        observation_id: text(&value["Identifier"]).or(observation_id),
        failed: is_observation && (failed || value["Status"] == "FAILED"),
        text: text(&value["Event"]["Properties"]["Text"]),
        reasons: text(&completion["Type"]).into_iter().chain(reasons.filter_map(text)).collect(),
        message: text(&completion["Message"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_observation_and_a_completion_are_read() {
        let record = read(
            Some("o-1".into()),
            false,
            Some(
                r#"{"Type":"OBSERVATION","Identifier":"greet","Status":"FAILED",
                    "Event":{"Properties":{"Text":"Welcome"}}}"#,
            ),
        );
        assert_eq!(record.observation_id.as_deref(), Some("greet"));
        assert!(record.failed);
        assert_eq!(record.text.as_deref(), Some("Welcome"));

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
        assert!(!record.failed, "a completion is not an observation");
    }

    #[test]
    fn what_is_otherwise_is_no_error() {
        for json in [None, Some(""), Some("[]"), Some("7"), Some(r#"{"CompletionReason":[1]}"#)] {
            assert_eq!(read(None, true, json), Record::default(), "{json:?}");
        }
    }
}
