//! The wire from outside: HTTP written by hand, over sockets on 127.0.0.1, as no SDK would send it.
//!
//! The server runs on a runtime of its own, so that the tests can read and write as they come.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::simulator::{Scenario, Simulator};

/// Ends a test that hangs: none takes longer than a second or two on a slow machine.
const HANG_TIMEOUT: Duration = Duration::from_secs(120);

const START: &str = "/test-cases/instance-1/a/start-execution";

/// A simulator of a scenario, and what it runs on.
struct Served {
    simulator: Simulator,
    runtime: Runtime,
}

/// What came back.
#[derive(Debug)]
struct Seen {
    status: u16,
    head: String,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect(&self.body)
    }

    /// Status, code, and message, which Connect and Lex spell differently.
    fn error(&self, message: &str) -> (u16, &str, String) {
        let code = self.header("x-amzn-errortype").unwrap();
        (self.status, code, self.json()[message].as_str().unwrap().to_owned())
    }
}

fn serve(scenario: &str) -> Served {
    let runtime = Runtime::new().unwrap();
    let scenario = Scenario::from_yaml(scenario).expect(scenario);
    let simulator = runtime.block_on(Simulator::start(scenario, 0)).unwrap();
    Served { simulator, runtime }
}

impl Served {
    /// Sends bytes as they are and reads until the connection is closed.
    fn raw(&self, request: &[u8]) -> Vec<u8> {
        let url = self.simulator.url();
        let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(HANG_TIMEOUT)).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{error}"),
        }
        answer
    }

    /// One request with these headers beside the usual ones.
    fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Seen {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        );
        let answer = String::from_utf8(self.raw(request.as_bytes())).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Seen { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// One request, signed for a Region and the service that its path belongs to.
    fn call_in(&self, region: &str, method: &str, path: &str, body: &str) -> Seen {
        let service = if path.starts_with("/test-case") { "connect" } else { "lex" };
        let headers = format!(
            "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/{region}/{service}/\
             aws4_request, SignedHeaders=host, Signature=0123456789abcdef\r\n"
        );
        self.send(method, path, &headers, body)
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Seen {
        self.call_in("us-east-1", method, path, body)
    }

    /// How many executions the services know of.
    fn executions(&self) -> usize {
        self.simulator.ledger().executions.len()
    }
}

#[test]
fn a_start_a_summary_and_the_ledger_tell_of_one_execution() {
    let served = serve("");
    let started = served.call("PUT", START, r#"{"ClientToken": "token"}"#);
    assert_eq!(started.status, 200);
    assert_eq!(started.header("content-type"), Some("application/json"));
    let id = started.json()["TestCaseExecutionId"].as_str().unwrap().to_owned();
    let path = format!("/test-cases/instance-1/a/{id}/summary");
    let summary = served.call("GET", &path, "");
    assert_eq!(summary.json()["Status"], "IN_PROGRESS");

    let ledger = served.simulator.ledger();
    assert_eq!(ledger.executions[0].execution_id, id);
    assert_eq!(ledger.executions[0].client_token.as_deref(), Some("token"));
    let calls: Vec<_> =
        ledger.calls.iter().map(|it| (it.operation, it.target.as_str(), it.status)).collect();
    assert_eq!(
        calls,
        [("StartTestCaseExecution", "a", 200), ("GetTestCaseExecutionSummary", &*id, 200)]
    );
    assert_eq!(summary.header("x-amzn-requestid"), Some(&*ledger.calls[1].request_id));
    assert_ne!(ledger.calls[0].request_id, ledger.calls[1].request_id);
    let served_ledger = served.send("GET", "/_simulator/ledger", "", "");
    assert_eq!(served_ledger.json()["calls"], json!(ledger.calls));
}

#[test]
fn a_body_that_is_no_json_object_is_400_and_starts_nothing() {
    let served = serve("connect: {limits: {burst: 50}}\nlex: {limits: {burst: 50}}");
    for body in ["{", "[]", "\"text\"", "{\"ClientToken\": 5}", "\u{0}"] {
        for (method, path) in [("PUT", START), ("POST", "/testsets/TESTSET001/testexecutions")] {
            let seen = served.call(method, path, body);
            assert_eq!(seen.status, 400, "{path} {body}");
        }
    }
    assert_eq!(served.executions(), 0);
}

#[test]
fn a_path_or_method_that_is_no_operation_is_404() {
    let served = serve("");
    for (method, path) in [
        ("GET", "/"),
        ("GET", START),
        ("PUT", "/test-cases/instance-1/a/b/start-execution"),
        ("PUT", "/testsets/TESTSET001"),
        ("GET", "/%2e%2e/%00"),
    ] {
        let seen = served.call(method, path, "");
        assert_eq!(seen.status, 404, "{method} {path}");
        assert_eq!(seen.header("x-amzn-errortype"), Some("UnknownOperationException"));
    }
    assert_eq!(served.simulator.ledger().calls[0].operation, "Unknown");
}

#[test]
fn a_call_that_is_not_signed_is_403() {
    let served = serve("");
    for headers in ["", "Authorization: Basic YTpi\r\n", "Authorization: AWS4-HMAC-SHA256 \r\n"] {
        let seen = served.send("PUT", START, headers, "{}");
        assert_eq!(seen.status, 403, "{headers}");
    }
    assert_eq!(served.executions(), 0);
}

#[test]
fn the_region_is_that_of_the_signature() {
    let served = serve("");
    let started = served.call_in("eu-central-1", "PUT", START, "{}").json();
    let id = started["TestCaseExecutionId"].as_str().unwrap();
    let path = format!("/test-cases/instance-1/a/{id}/summary");
    assert_eq!(served.call_in("us-east-1", "GET", &path, "").status, 404);
    assert_eq!(served.call_in("eu-central-1", "GET", &path, "").status, 200);
}

#[test]
fn a_body_over_1_mib_is_413_and_one_of_1_mib_is_read() {
    let served = serve("");
    let body = |length: usize| format!("{{\"ClientToken\": \"a\"{}}}", " ".repeat(length - 20));
    assert_eq!(body(100).len(), 100);
    assert_eq!(served.call("PUT", START, &body(1024 * 1024)).status, 200);
    assert_eq!(served.call("PUT", START, &body(1024 * 1024 + 1)).status, 413);
    assert_eq!(served.executions(), 1);
}

#[test]
fn the_sixth_call_of_a_burst_is_throttled_and_lex_says_how_long_to_wait() {
    let slow = "limits: {requests_per_second: 0.001}";
    let served = serve(&format!("connect: {{{slow}}}\nlex: {{{slow}}}"));
    for (path, message) in [("/testsets", "message"), ("/test-cases-summary/i", "Message")] {
        let method = if path == "/testsets" { "POST" } else { "GET" };
        for nth in 1..=5 {
            assert_eq!(served.call(method, path, "").status, 200, "{path}, call {nth}");
        }
        let sixth = served.call(method, path, "");
        assert_eq!(sixth.error(message), (429, "ThrottlingException", "Rate exceeded".to_owned()));
        let wait = sixth.header("retry-after").map(|it| it.parse::<u64>().unwrap());
        match message {
            // 1000 s a token, less what went by since the first call.
            "message" => assert!((900..=1000).contains(&wait.unwrap()), "{wait:?}"),
            _ => assert_eq!(wait, None, "Connect's model has no such header"),
        }
    }
    // Another Region is another budget.
    assert_eq!(served.call_in("eu-central-1", "POST", "/testsets", "").status, 200);
}

#[test]
fn a_reset_closes_the_connection_with_nothing_sent() {
    let served = serve(
        "faults:\n\
         - {operation: StartTestCaseExecution, calls: [1], fault: reset_before}\n\
         - {operation: StartTestCaseExecution, calls: [2], fault: reset_after}\n",
    );
    let request = format!(
        "PUT {START} HTTP/1.1\r\nHost: localhost\r\nAuthorization: AWS4-HMAC-SHA256 \
         Credential=A/20260101/us-east-1/connect/aws4_request, SignedHeaders=host, Signature=0\
         \r\nContent-Length: 2\r\n\r\n{{}}"
    );
    assert_eq!(served.raw(request.as_bytes()), b"");
    assert_eq!(served.executions(), 0, "the service did not act");
    assert_eq!(served.raw(request.as_bytes()), b"");
    assert_eq!(served.executions(), 1, "it acted, and nobody heard of it");
    let calls = served.simulator.ledger().calls;
    assert_eq!([calls[0].fault, calls[1].fault], [Some("reset_before"), Some("reset_after")]);
    assert_eq!((calls[1].status, calls.len()), (0, 2));
    assert_eq!(served.call("PUT", START, "{}").status, 200, "the third call meets no fault");
}

#[test]
fn faults_answer_in_the_words_of_the_scenario_and_of_the_service() {
    let served = serve(
        "faults:\n\
         - {operation: ListTestSets, calls: [1], fault: throttle, retry_after: 7}\n\
         - {operation: ListTestSets, calls: [2], fault: error, status: 418, code: Odd, message: No}\n\
         - {operation: ListTestSets, calls: [3], fault: garbage}\n\
         - {operation: ListTestSets, calls: [4], fault: html}\n\
         - {operation: StartTestCaseExecution, target: a, every: true, fault: quota}\n",
    );
    let [throttled, odd, garbage, html] = [(); 4].map(|()| served.call("POST", "/testsets", ""));
    assert_eq!((throttled.status, throttled.header("retry-after")), (429, Some("7")));
    assert_eq!(odd.error("message"), (418, "Odd", "No".to_owned()));
    assert_eq!(garbage.status, 200);
    assert!(serde_json::from_str::<Value>(&garbage.body).is_err());
    assert_eq!((html.status, html.header("content-type")), (502, Some("text/html")));
    let quota = served.call("PUT", START, "{}");
    assert_eq!(
        (quota.error("Message").0, quota.error("Message").1),
        (402, "ServiceQuotaExceededException")
    );
    assert_eq!(served.executions(), 0);
    assert_eq!(served.call("PUT", &START.replace("/a/", "/b/"), "{}").status, 200);
}

#[test]
fn a_fault_of_a_test_case_meets_calls_on_its_executions() {
    let served = serve(
        "faults: [{operation: GetTestCaseExecutionSummary, target: a, every: true, fault: error}]",
    );
    let summary_of = |case: &str| {
        let started = served.call("PUT", &START.replace("/a/", &format!("/{case}/")), "{}");
        let reply: Value = serde_json::from_str(&started.body).unwrap();
        let id = reply["TestCaseExecutionId"].as_str().unwrap().to_owned();
        let path = START.replace("/a/start-execution", &format!("/{case}/{id}/summary"));
        served.call("GET", &path, "").status
    };
    assert_eq!((summary_of("a"), summary_of("b")), (500, 200));
}

#[test]
fn an_arn_in_the_path_comes_percent_encoded_and_means_its_instance() {
    let served = serve("");
    let arn = "arn%3Aaws%3Aconnect%3Aus-east-1%3A123456789012%3Ainstance%2Finstance-1";
    let started = served.call("PUT", &START.replace("instance-1", arn), "{}");
    assert_eq!(started.status, 200);
    let id = started.json()["TestCaseExecutionId"].as_str().unwrap().to_owned();
    let path = format!("/test-cases/instance-1/a/{id}/summary");
    assert_eq!(served.call("GET", &path, "").status, 200);
}

#[test]
fn pages_lead_from_one_to_the_next_and_the_last_has_the_token_of_the_scenario() {
    let null = Some(Value::Null);
    for (end, last) in [("absent", None), ("empty", Some(json!(""))), ("explicit_null", null)] {
        let served = serve(&format!("connect: {{end_token: {end}, limits: {{burst: 50}}}}"));
        for _ in 0..3 {
            served.call("PUT", START, "{}");
        }
        let path = "/test-case-executions/instance-1?maxResults=2";
        let first = served.call("GET", path, "").json();
        let token = first["NextToken"].as_str().unwrap();
        let encoded: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let second = served.call("GET", &format!("{path}&nextToken={encoded}"), "").json();
        let count = |page: &Value| page["TestCaseExecutions"].as_array().unwrap().len();
        assert_eq!((count(&first), count(&second)), (2, 1));
        assert_eq!(second.get("NextToken"), last.as_ref());
        let nonsense = served.call("GET", &format!("{path}&nextToken=nonsense"), "");
        assert_eq!(nonsense.error("Message").1, "InvalidParameterException");
    }
}

#[test]
fn pages_are_as_large_as_the_service_models_allow() {
    let served = serve("connect: {limits: {burst: 50}}");
    for (path, most) in [("/test-case-executions/i", 100), ("/test-cases-summary/i", 1000)] {
        let status = |max: u32| served.call("GET", &format!("{path}?maxResults={max}"), "").status;
        assert_eq!([status(0), status(1), status(most), status(most + 1)], [400, 200, 200, 400]);
    }
    for path in ["/testsets", "/testexecutions"] {
        let status =
            |max| served.call("POST", path, &json!({"maxResults": max}).to_string()).status;
        assert_eq!([status(1000), status(1001)], [200, 400]);
    }
}

#[test]
fn replies_name_a_test_case_by_its_arn_and_records_by_a_type_unless_that_is_turned_off() {
    let arn = "arn:aws:connect:us-east-1:111122223333:instance/instance-1/test-case/a";
    let (live, off) = ("", "connect: {test_cases_named_by: id, record_type: false}");
    for (scenario, name, kind) in [(live, arn, json!("INITIATION")), (off, "a", Value::Null)] {
        let served = serve(scenario);
        let started = served.call("PUT", START, "{}").json();
        assert_eq!(started["TestCaseId"], name);
        let list = served.call("GET", "/test-case-executions/instance-1", "").json();
        assert_eq!(list["TestCaseExecutions"][0]["TestCaseId"], name);
        let id = started["TestCaseExecutionId"].as_str().unwrap();
        let path = format!("/test-cases/instance-1/a/{id}/records");
        assert_eq!(served.call("GET", &path, "").json()["ExecutionRecords"][0]["RecordType"], kind);
    }
}

#[test]
fn times_are_seconds_unless_the_scenario_says_milliseconds() {
    for (unit, per_second) in [("seconds", 1.0), ("milliseconds", 1000.0)] {
        let served = serve(&format!("connect: {{timestamps: {unit}}}"));
        let started = served.call("PUT", START, "{}").json();
        let id = started["TestCaseExecutionId"].as_str().unwrap();
        let path = format!("/test-cases/instance-1/a/{id}/summary");
        let time = served.call("GET", &path, "").json()["StartTime"].as_f64().unwrap();
        let years = time / per_second / 31_557_600.0 + 1970.0;
        assert!((2024.0..2200.0).contains(&years), "{unit}: {time}");
    }
}

#[test]
fn dropping_the_simulator_closes_its_port() {
    let served = serve("");
    let address = served.simulator.url().replace("http://", "");
    let mut open = TcpStream::connect(&address).unwrap();
    open.set_read_timeout(Some(HANG_TIMEOUT)).unwrap();
    drop(served.simulator);
    // The runtime lives on: it is the drop that closes, not the end of everything.
    match open.read(&mut [0]) {
        Ok(read) => assert_eq!(read, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    // The connections go first and the port a moment later, as soon as the runtime comes to it.
    let began = Instant::now();
    while TcpStream::connect(&address).is_ok() {
        assert!(began.elapsed() < HANG_TIMEOUT, "the port stays open");
        std::thread::yield_now();
    }
    drop(served.runtime);
}
