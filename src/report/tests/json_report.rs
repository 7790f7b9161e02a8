use super::*;

#[test]
fn a_report_of_version_1_is_read_and_written_as_it_was() {
    // Who reads reports reads files like this one: its form is a promise.
    let written = String::from_utf8(json_bytes(&everything())).unwrap();
    assert!(written == REPORT, "tests/data/report.json comes out otherwise:\n{written}");
}

#[test]
fn what_is_no_report_of_this_version_is_told() {
    for (text, expected) in [
        ("", "it is no JSON report of callcheck: EOF"),
        ("[]", "it is no JSON report of callcheck"),
        ("{\"name\": \"x\"}", "missing field `version`"),
        ("{\"version\": 2}", "it is a report of version 2; this callcheck reads version 1"),
        ("{\"version\": 1}", "missing field"),
    ] {
        let error = json::read(text.as_bytes()).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn keys_that_a_later_callcheck_may_write_are_passed_over() {
    let text = REPORT.replacen('{', "{\"new\": [1],", 1);
    assert_eq!(json::read(text.as_bytes()).unwrap(), everything());
}

#[test]
fn the_schema_knows_every_key_of_a_report() {
    let schema: serde_json::Value = serde_json::from_str(&json::schema()).unwrap();
    let text = schema.to_string();
    let report: serde_json::Value = serde_json::from_str(REPORT).unwrap();
    let mut keys = Vec::new();
    collect(&report["suites"][0]["tests"], &mut keys);
    assert!(keys.len() > 30);
    for key in keys {
        assert!(text.contains(&format!("\"{key}\"")), "{key}");
    }
}

fn collect(value: &serde_json::Value, keys: &mut Vec<String>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        keys.push(key.clone());
        // The keys of these are names of AWS's and of authors.
        if !["target", "meta", "intents", "slots", "parameters"].contains(&key.as_str()) {
            collect(value, keys);
        }
    }
    value.as_array().into_iter().flatten().for_each(|value| collect(value, keys));
}
