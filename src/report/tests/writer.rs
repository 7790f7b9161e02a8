use super::*;
use crate::report::writer::{Moment, Outputs};

#[test]
fn a_report_that_cannot_be_written_keeps_no_other_from_being() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    let json = folder.path().join("new/report.json");
    let outputs = Outputs {
        junit: Some(taken.clone()),
        json: Some(json.clone()),
        summary: None,
        ..Outputs::default()
    };
    let problems = outputs.write(&everything(), Moment::End).unwrap_err();
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
    let outputs =
        Outputs { junit: Some(junit.clone()), json: None, summary: None, ..Outputs::default() };
    outputs.write(&everything(), Moment::End).unwrap();
    assert!(std::fs::read_to_string(&junit).unwrap().starts_with("<?xml"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn what_would_take_the_place_of_something_else_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let suite = folder.path().join("suite.yaml");
    std::fs::write(&suite, "name: s").unwrap();
    let other_name = folder.path().join("./suite.yaml");
    let clash = |junit: &std::path::Path, json: &std::path::Path| {
        let outputs = Outputs {
            junit: Some(junit.to_owned()),
            json: Some(json.to_owned()),
            ..Outputs::default()
        };
        outputs.clash(std::slice::from_ref(&suite))
    };
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    assert_eq!(clash(&a, &b), None);
    assert!(clash(&a, &a).is_some());
    assert!(clash(&other_name, &b).is_some());
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_and_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real.xml"), folder.path().join("link.xml"));
    std::fs::write(&real, "old").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let outputs =
        Outputs { junit: Some(link.clone()), json: None, summary: None, ..Outputs::default() };
    outputs.write(&everything(), Moment::End).unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(std::fs::read_to_string(&real).unwrap().starts_with("<?xml"));
}

#[test]
fn a_summary_goes_behind_what_is_there_or_in_a_file_of_its_own() {
    use crate::report::writer::Summary;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("summary.md");
    let write = |summary: Summary| {
        std::fs::write(&path, "# Of another step\n").unwrap();
        let outputs =
            Outputs { junit: None, json: None, summary: Some(summary), ..Outputs::default() };
        outputs.summarize(&everything()).unwrap();
        std::fs::read_to_string(&path).unwrap()
    };
    let appended = write(Summary::Append(path.clone()));
    assert!(appended.starts_with("# Of another step\n") && appended.contains("callcheck"));
    assert!(!write(Summary::Replace(path.clone())).contains("another step"));
}
