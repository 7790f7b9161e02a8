use super::*;
use crate::report::writer::Outputs;

#[test]
fn a_report_that_cannot_be_written_keeps_no_other_from_being() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    let json = folder.path().join("new/report.json");
    let outputs = Outputs { junit: Some(taken.clone()), json: Some(json.clone()) };
    let problems = outputs.write(&everything()).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].contains("JUnit") && problems[0].contains("taken"), "{problems:?}");
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    assert_eq!(report["version"], 1);
}

#[test]
fn a_report_takes_the_place_of_the_last_one_and_leaves_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("junit.xml");
    std::fs::write(&junit, "old").unwrap();
    let outputs = Outputs { junit: Some(junit.clone()), json: None };
    outputs.write(&everything()).unwrap();
    assert!(std::fs::read_to_string(&junit).unwrap().starts_with("<?xml"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
