use super::*;

#[test]
fn shares_are_compared_without_rounding() {
    let share = Share::parse("97.5%").unwrap();
    assert!(share.is_met(975, 1000));
    assert!(!share.is_met(974, 1000));
    let third = Share::parse("33.333333333%").unwrap();
    assert!(third.is_met(1, 3));
    assert!(!Share::parse("33.333333334%").unwrap().is_met(1, 3));
    assert!(Share::parse("100%").unwrap().is_met(200_000, 200_000));
    assert!(!Share::parse("100%").unwrap().is_met(199_999, 200_000));
}

#[test]
fn what_is_no_share_is_refused() {
    for text in ["95", "%", "101%", "100.000000001%", "-1%", "1.%", ".5%", "1.0000000001%", "a%"] {
        assert!(Share::parse(text).is_err(), "{text}");
    }
    assert_eq!(Share::parse("97.50%").unwrap().to_string(), "97.5 %");
}

#[test]
fn ids_that_cannot_be_valid_are_refused() {
    assert!(check_lex_id("TSTALIASID").is_ok());
    assert!(check_lex_id("0123456789").is_ok());
    for text in ["", "SHORT", "ELEVENCHARS", "TEN-CHARS1", "ÄÄÄÄÄ"] {
        assert!(check_lex_id(text).is_err(), "{text}");
    }
    assert!(check_region("us-gov-west-1").is_ok());
    assert!(check_region("us-east").is_err());
    assert!(check_region("US-EAST-1").is_err());
    assert!(check_locale("es_419").is_ok());
    assert!(check_locale("en-US").is_err());
}

#[test]
fn a_test_case_arn_gives_its_id_and_its_instance() {
    let arn = "arn:aws-us-gov:connect:us-gov-west-1:111122223333:instance/i-1/test-case/c_1";
    let case = TestCaseId::parse(arn).unwrap();
    let instance = case.instance.unwrap();
    assert_eq!((case.id.as_str(), instance.id.as_str()), ("c_1", "i-1"));
    assert_eq!(instance.region.as_deref(), Some("us-gov-west-1"));
    assert_eq!(instance.account.as_deref(), Some("111122223333"));
    assert_eq!(TestCaseId::parse("c-1").unwrap().instance, None);
    let instance_arn = "arn:aws:connect:us-east-1:111122223333:instance/i-1";
    for bad in ["", "a b", "i-1/test-case/c-1", instance_arn, "arn:aws:connect"] {
        assert!(TestCaseId::parse(bad).is_err(), "{bad}");
    }
    for end in ["/test-case/", "/test-case/a/b", "/test-case/a:1", "/flow/a"] {
        assert!(TestCaseId::parse(&format!("{instance_arn}{end}")).is_err(), "{end}");
    }
}

#[test]
fn an_instance_arn_gives_its_id_and_region() {
    let arn = "arn:aws:connect:eu-west-2:111122223333:instance/abc-1";
    let instance = InstanceId::parse(arn).unwrap();
    assert_eq!(instance.id, "abc-1");
    assert_eq!(instance.region.as_deref(), Some("eu-west-2"));
    for bad in
        ["", "a b", "a/b", "arn:aws:lex:eu-west-2:111122223333:instance/a", "arn:aws:connect"]
    {
        assert!(InstanceId::parse(bad).is_err(), "{bad}");
    }
    assert!(InstanceId::parse(&format!("{arn}/contact-flow/x")).is_err());
}
