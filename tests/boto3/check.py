"""Talks to a simulator with boto3, which knows AWS's own service models and nothing of callcheck.

    callcheck simulate --scenario tests/boto3/scenario.yaml --port 8080
    python tests/boto3/check.py http://127.0.0.1:8080

Every reply is compared, before boto3 parses it, with the model of its operation: boto3 itself would
pass over a member that is spelled wrongly.
"""

import itertools
import json
import sys
import time
from datetime import datetime, timedelta, timezone

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "us-east-1"
INSTANCE = "11111111-2222-3333-4444-555555555555"
ARN = f"arn:aws:connect:{REGION}:123456789012:instance/{INSTANCE}"
# The account that the simulator names.
ARN_OF_CASES = f"arn:aws:connect:{REGION}:111122223333:instance/{INSTANCE}/test-case"
BOT = {"botId": "BOT0000001", "botAliasId": "TSTALIASID", "localeId": "en_US"}
TYPES = [
    "OverallTestResults",
    "ConversationLevelTestResults",
    "IntentClassificationTestResults",
    "SlotResolutionTestResults",
    "UtteranceLevelResults",
]
# A status that AWS may add; the scenario has it, the model does not.
NOT_IN_THE_MODEL = {"EVALUATING"}
# A member that AWS sends beside those of the model.
BESIDE_THE_MODEL = {"RecordType"}
# Against a hang: on a slow machine all of it takes some ten seconds.
DEADLINE = time.monotonic() + 500

passed = 0


def check(what, holds, expected, seen):
    """Counts a check; the first that does not hold ends the program."""
    global passed
    if not holds:
        sys.exit(f"boto3: {what}\n  expected {expected!r}\n  seen     {seen!r}")
    passed += 1


def equal(what, expected, seen):
    check(what, expected == seen, expected, seen)


def raises(what, code, status, call, client=None):
    """The call fails with that code and status; given `client`, as an exception of its model."""
    try:
        seen = call()
    except ClientError as error:
        reply = error.response
        seen = (reply["Error"]["Code"], reply["ResponseMetadata"]["HTTPStatusCode"])
        equal(what, (code, status), seen)
        check(f"{what}: has a message", reply["Error"].get("Message"), "text", reply)
        if client:
            modelled = getattr(client.exceptions, code)
            check(f"{what}: is modelled", isinstance(error, modelled), code, type(error).__name__)
        return error
    sys.exit(f"boto3: {what}\n  expected {code}\n  seen     {seen!r}")


def compare(shape, value, place):
    """Compares a part of a reply, as JSON, with its shape in the service model."""
    kind = shape.type_name
    wanted = {
        "structure": dict,
        "map": dict,
        "list": list,
        "string": str,
        "boolean": bool,
        "timestamp": (int, float),
        "integer": int,
        "long": int,
    }[kind]
    fits = isinstance(value, wanted) and (kind == "boolean" or not isinstance(value, bool))
    if not fits:
        sys.exit(f"boto3: {place}\n  expected {kind}\n  seen     {value!r}")
    if kind == "structure":
        for name in shape.required_members:
            if name not in value:
                sys.exit(f"boto3: {place}\n  expected {name}\n  seen     {value!r}")
        for name, member in value.items():
            # The last page of a list of Connect has a token that is null.
            if name in BESIDE_THE_MODEL or (name == "NextToken" and member is None):
                continue
            if name not in shape.members:
                sys.exit(f"boto3: {place}\n  expected {list(shape.members)}\n  seen     {name!r}")
            compare(shape.members[name], member, f"{place}.{name}")
    elif kind == "map":
        for key, member in value.items():
            compare(shape.key, key, place)
            compare(shape.value, member, f"{place}.{key}")
    elif kind == "list":
        for number, member in enumerate(value):
            compare(shape.member, member, f"{place}[{number}]")
    elif kind == "string":
        words = shape.metadata.get("enum")
        if words and value not in words and value not in NOT_IN_THE_MODEL:
            sys.exit(f"boto3: {place}\n  expected {words}\n  seen     {value!r}")
    elif kind == "timestamp" and not 1.5e9 < value < 1e10:
        sys.exit(f"boto3: {place}\n  expected epoch seconds\n  seen     {value!r}")


def compare_reply(operation_model, response_dict, **_):
    """Compares each reply that is no error with the model of its operation."""
    if response_dict["status_code"] < 300:
        body = json.loads(response_dict["body"])
        if operation_model.output_shape:
            compare(operation_model.output_shape, body, operation_model.name)
        expected = operation_model.http.get("responseCode", 200)
        equal(f"{operation_model.name}: status", expected, response_dict["status_code"])


def clients(url):
    """Both clients, and a hook that makes each call another caller's: throttling is per caller."""
    session = boto3.Session("AKIDEXAMPLE", "secret", region_name=REGION)
    credentials = session.get_credentials()
    callers = itertools.count()

    def somebody_else(**_):
        credentials.access_key = f"AKID{next(callers):016}"

    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=5,
        read_timeout=10,
    )

    def client(service):
        made = session.client(service, endpoint_url=url, config=config)
        made.meta.events.register("before-parse", compare_reply)
        return made

    return client("connect"), client("lexv2-models"), somebody_else


def until(call, done):
    """Polls until a reply is `done`."""
    while time.monotonic() < DEADLINE:
        reply = call()
        if done(reply):
            return reply
        time.sleep(0.02)
    sys.exit(f"boto3: not done in time: {reply!r}")


def pages(call, items, token, **arguments):
    """All pages of a list, as lists of items."""
    lists = []
    while True:
        reply = call(**arguments)
        lists.append(items(reply))
        after = reply.get(token)
        if not after:
            return lists
        arguments[token] = after


def recent(what, when):
    """A time is a time of today, read in the right unit."""
    now = datetime.now(timezone.utc)
    # The model's clock runs faster than the wall's.
    near = now - timedelta(days=2) < when < now + timedelta(days=2)
    check(f"{what}: is a time of now", near, now, when)


def connect_runs(connect):
    """Start, summary, records, stop."""
    case = {"InstanceId": INSTANCE, "TestCaseId": "passes"}
    started = connect.start_test_case_execution(**case, ClientToken="token-1")
    equal("start: status", "INITIATED", started["Status"])
    equal("start: test case", f"{ARN_OF_CASES}/passes", started["TestCaseId"])
    execution = {**case, "TestCaseExecutionId": started["TestCaseExecutionId"]}

    again = connect.start_test_case_execution(**case, ClientToken="token-1")
    equal("start: the same token", started["TestCaseExecutionId"], again["TestCaseExecutionId"])
    other = connect.start_test_case_execution(**case, ClientToken="token-2")
    check(
        "start: another token",
        other["TestCaseExecutionId"] != started["TestCaseExecutionId"],
        "another execution",
        other["TestCaseExecutionId"],
    )
    # boto3 fills in a token of its own where there is none.
    filled = connect.start_test_case_execution(**case)
    check(
        "start: no token",
        filled["TestCaseExecutionId"]
        not in (started["TestCaseExecutionId"], other["TestCaseExecutionId"]),
        "another execution",
        filled["TestCaseExecutionId"],
    )
    raises(
        "start: the token of another test case",
        "InvalidParameterException",
        400,
        lambda: connect.start_test_case_execution(
            InstanceId=INSTANCE, TestCaseId="fails", ClientToken="token-1"
        ),
        connect,
    )

    def summary(of):
        return until(
            lambda: connect.get_test_case_execution_summary(**of),
            lambda reply: reply["Status"] not in ("INITIATED", "IN_PROGRESS"),
        )

    ended = summary(execution)
    equal("summary: status", "PASSED", ended["Status"])
    recent("summary: start", ended["StartTime"])
    equal("summary: lasts", 2.0, round((ended["EndTime"] - ended["StartTime"]).total_seconds(), 3))
    equal(
        "summary: observations",
        {"TotalObservations": 2, "ObservationsPassed": 2, "ObservationsFailed": 0},
        ended["ObservationSummary"],
    )
    by_arn = connect.get_test_case_execution_summary(**{**execution, "InstanceId": ARN})
    equal("summary: by the ARN of the instance", "PASSED", by_arn["Status"])

    reply = connect.list_test_case_execution_records(**execution)
    check("records: the last page has no token", not reply.get("NextToken"), None, reply)
    records = [json.loads(record["Record"]) for record in reply["ExecutionRecords"]]
    kinds = ["INITIATION", "EXECUTION_START", "OBSERVATION", "OBSERVATION", "COMPLETION"]
    equal("records: types", kinds, [record["Type"] for record in records])
    said = records[2]["Event"]["Properties"]
    equal("records: expected", 'Grüezi, "Example" 👋', said["ExpectedText"])
    equal("records: heard", "Grüezi, example", said["Text"])
    lists = pages(
        connect.list_test_case_execution_records,
        lambda reply: reply["ExecutionRecords"],
        "NextToken",
        **execution,
        MaxResults=2,
    )
    equal("records: pages", [2, 2, 1], [len(page) for page in lists])
    equal("records: the same in pages", reply["ExecutionRecords"], sum(lists, []))

    case = {"InstanceId": INSTANCE, "TestCaseId": "fails"}
    failing = connect.start_test_case_execution(**case)["TestCaseExecutionId"]
    execution = {**case, "TestCaseExecutionId": failing}
    ended = summary(execution)
    equal("summary: failed", "FAILED", ended["Status"])
    equal("summary: failed observations", 1, ended["ObservationSummary"]["ObservationsFailed"])
    failed = connect.list_test_case_execution_records(**execution, Status="FAILED")
    ids = [record["ObservationId"] for record in failed["ExecutionRecords"]]
    equal("records: only those FAILED", ("menu", 2), (ids[0], len(ids)))

    case = {"InstanceId": "unknown-status", "TestCaseId": "unknown"}
    strange = connect.start_test_case_execution(**case)["TestCaseExecutionId"]
    seen = connect.get_test_case_execution_summary(**case, TestCaseExecutionId=strange)
    equal("summary: a status that boto3 does not know", "EVALUATING", seen["Status"])
    check("summary: it has not ended", "EndTime" not in seen, "no EndTime", seen)


def connect_stops(connect):
    """Stop of what runs and of what has ended."""
    case = {"InstanceId": "stops", "TestCaseId": "hangs"}
    hangs = connect.start_test_case_execution(**case)["TestCaseExecutionId"]
    execution = {**case, "TestCaseExecutionId": hangs}
    runs = connect.get_test_case_execution_summary(**execution)
    equal("stop: before", "IN_PROGRESS", runs["Status"])
    connect.stop_test_case_execution(**execution, ClientToken="stop-1")
    stopped = connect.get_test_case_execution_summary(**execution)
    equal("stop: after", "STOPPED", stopped["Status"])
    recent("stop: end", stopped["EndTime"])
    connect.stop_test_case_execution(**execution, ClientToken="stop-1")
    again = connect.get_test_case_execution_summary(**execution)
    equal("stop: the same token is one stop", stopped["EndTime"], again["EndTime"])
    raises(
        "stop: of what has ended",
        "InvalidRequestException",
        400,
        lambda: connect.stop_test_case_execution(**execution, ClientToken="stop-2"),
        connect,
    )


def connect_lists(connect):
    """The queue of 100, and lists over it."""
    case = {"InstanceId": "full", "TestCaseId": "hangs"}
    ids = [connect.start_test_case_execution(**case)["TestCaseExecutionId"] for _ in range(100)]
    equal("start: 100 executions", 100, len(set(ids)))
    raises(
        "start: the queue is full",
        "ServiceQuotaExceededException",
        402,
        lambda: connect.start_test_case_execution(**case),
        connect,
    )

    def found(**filters):
        return pages(
            connect.list_test_case_executions,
            lambda reply: [item["TestCaseExecutionId"] for item in reply["TestCaseExecutions"]],
            "NextToken",
            InstanceId="full",
            **filters,
        )

    equal("list: one page of 100", [sorted(ids)], [sorted(page) for page in found()])
    lists = found(MaxResults=30)
    equal("list: pages", [30, 30, 30, 10], [len(page) for page in lists])
    equal("list: all of them, once", sorted(ids), sorted(sum(lists, [])))
    equal("list: five run", 5, len(found(Status="IN_PROGRESS")[0]))
    equal("list: the others wait", 95, len(found(Status="INITIATED")[0]))
    equal("list: of another test case", [[]], found(TestCaseId="passes"))
    equal("list: by name", 100, len(found(TestCaseName="Test case hangs")[0]))
    hour_ago = int((time.time() - 3600) * 1000)
    equal("list: started since", 100, len(found(StartTime=hour_ago)[0]))
    equal("list: started before", [[]], found(EndTime=hour_ago))
    reply = connect.list_test_case_executions(InstanceId="full", MaxResults=1)
    item = reply["TestCaseExecutions"][0]
    equal("list: test case", "hangs", item["TestCaseId"].rsplit("/", 1)[-1])
    check("list: by its ARN", item["TestCaseId"].startswith("arn:"), "an ARN", item)
    recent("list: start", item["StartTime"])

    connect.stop_test_case_execution(**case, TestCaseExecutionId=ids[0])
    equal("list: the next one has taken the slot", 5, len(found(Status="IN_PROGRESS")[0]))
    connect.start_test_case_execution(**case)
    equal("list: and there is room for one more", 101, len(sum(found(), [])))

    cases = connect.list_test_cases(InstanceId="full", MaxResults=1000)["TestCaseSummaryList"]
    by_id = {case["Id"]: case for case in cases}
    equal("test cases: name", "Passes", by_id["passes"]["Name"])
    equal("test cases: published", "PUBLISHED", by_id["passes"]["Status"])
    equal("test cases: not published", "SAVED", by_id["unpublished"]["Status"])
    check("test cases: what is missing", "missing" not in by_id, "not there", by_id)
    paginator = connect.get_paginator("list_test_cases")
    few = paginator.paginate(InstanceId="full", PaginationConfig={"PageSize": 3})
    ids = [case["Id"] for page in few for case in page["TestCaseSummaryList"]]
    equal("test cases: boto3's own paginator", list(by_id), ids)


def connect_errors(connect):
    """Each error is the exception that the model names."""

    def start(case, instance="errors"):
        return lambda: connect.start_test_case_execution(InstanceId=instance, TestCaseId=case)

    raises("start: missing", "ResourceNotFoundException", 404, start("missing"), connect)
    raises("start: not published", "InvalidRequestException", 400, start("unpublished"), connect)
    raises("start: denied", "AccessDeniedException", 403, start("denied"), connect)
    raises("start: internal", "InternalServiceException", 500, start("breaks"), connect)
    equal("start: after the internal error", "INITIATED", start("breaks")()["Status"])
    elsewhere = ARN.replace(REGION, "eu-central-1")
    away = start("passes", elsewhere)
    raises("start: another Region", "ResourceNotFoundException", 404, away, connect)
    raises(
        "summary: no such execution",
        "ResourceNotFoundException",
        404,
        lambda: connect.get_test_case_execution_summary(
            InstanceId="errors", TestCaseId="passes", TestCaseExecutionId="no-such-execution"
        ),
        connect,
    )
    raises(
        "list: a token of nowhere",
        "InvalidParameterException",
        400,
        lambda: connect.list_test_case_executions(InstanceId="errors", NextToken="nowhere"),
        connect,
    )


def lex_start(lex, test_set, **arguments):
    """Starts a test set on the bot."""
    return lex.start_test_execution(
        testSetId=test_set, target={"botAliasTarget": BOT}, apiMode="NonStreaming", **arguments
    )


def lex_ended(lex, execution):
    """The description of an execution, once it has ended."""
    return until(
        lambda: lex.describe_test_execution(testExecutionId=execution),
        lambda reply: reply["testExecutionStatus"] in ("Completed", "Failed", "Stopped"),
    )


def lex_runs(lex):
    """Start, describe, list."""
    started = lex_start(lex, "TESTSET001")
    equal("start: target", {"botAliasTarget": BOT}, started["target"])
    equal("start: modality", "Text", started["testExecutionModality"])
    check("start: no status", "testExecutionStatus" not in started, "none", started)
    execution = started["testExecutionId"]
    again = lex_start(lex, "TESTSET001")["testExecutionId"]
    check("start: twice is two executions", again != execution, "another one", again)

    ended = lex_ended(lex, execution)
    equal("describe: status", "Completed", ended["testExecutionStatus"])
    equal("describe: name of the set", "mixed", ended["testSetName"])
    recent("describe: start", ended["creationDateTime"])
    lasted = (ended["lastUpdatedDateTime"] - ended["creationDateTime"]).total_seconds()
    equal("describe: lasts", 2.0, round(lasted, 3))

    failed = lex_ended(lex, lex_start(lex, "FAILS00001")["testExecutionId"])
    equal("describe: failed", "Failed", failed["testExecutionStatus"])
    equal("describe: why", ["No such alias."], failed["failureReasons"])

    hangs = lex_start(lex, "HANGS00001", testExecutionModality="Text")["testExecutionId"]
    seen = lex.describe_test_execution(testExecutionId=hangs)["testExecutionStatus"]
    equal("describe: one that hangs", "InProgress", seen)
    reply = lex.list_test_execution_result_items(
        testExecutionId=hangs, resultFilterBy={"resultTypeFilter": "OverallTestResults"}
    )
    items = reply["testExecutionResults"].get("overallTestResults", {}).get("items", [])
    equal("results: none before the end", [], items)

    def listed(**arguments):
        return pages(
            lex.list_test_executions,
            lambda reply: [item["testExecutionId"] for item in reply["testExecutions"]],
            "nextToken",
            **arguments,
        )

    lists = listed(maxResults=3)
    equal("list: pages", [3, 1], [len(page) for page in lists])
    newest = sum(lists, [])
    equal("list: newest first", [hangs, failed["testExecutionId"], again, execution], newest)
    oldest = listed(sortBy={"attribute": "CreationDateTime", "order": "Ascending"})[0]
    equal("list: oldest first", newest[::-1], oldest)
    return execution


def lex_results(lex, execution):
    """All five types, in pages."""

    def results(kind, of=execution, **arguments):
        # The slots are the one type whose member is named otherwise.
        member = kind[0].lower() + kind[1:]
        member = {
            "slotResolutionTestResults": "intentLevelSlotResolutionTestResults",
            "utteranceLevelResults": "utteranceLevelTestResults",
        }.get(member, member)
        only = arguments.pop("only", None)
        filters = {"resultTypeFilter": kind}
        if only:
            filters["conversationLevelTestResultsFilterBy"] = {"endToEndResult": only}

        def items(reply):
            found = reply["testExecutionResults"]
            equal(f"results: {kind} and no other", [member], list(found))
            return found[member]["items"]

        return pages(
            lex.list_test_execution_result_items,
            items,
            "nextToken",
            testExecutionId=of,
            resultFilterBy=filters,
            **arguments,
        )

    overall, conversations, intents, slots, utterances = (
        results(kind, maxResults=1000) for kind in TYPES
    )
    single = {"Matched": 2400, "Mismatched": 90, "ExecutionError": 10}
    multi = {"Matched": 15, "Mismatched": 3, "ExecutionError": 2}
    seen = {row["multiTurnConversation"]: row["endToEndResultCounts"] for row in overall[0]}
    equal("results: overall", {False: single, True: multi}, seen)
    totals = [row["totalResultCount"] for row in overall[0]]
    equal("results: overall totals", [2500, 20], totals)

    by_result = {}
    for row in conversations[0]:
        by_result[row["endToEndResult"]] = by_result.get(row["endToEndResult"], 0) + 1
    equal("results: conversations", multi, by_result)
    for only, count in multi.items():
        kept = results(TYPES[1], only=only)[0]
        seen = (len(kept), {row["endToEndResult"] for row in kept})
        equal(f"results: conversations {only}", (count, {only}), seen)

    counts = {
        (row["intentName"], row["multiTurnConversation"]): row["resultCounts"] for row in intents[0]
    }
    cancelled = counts[("CancelOrder", False)]
    equal("results: an intent", 500, cancelled["totalResultCount"])
    # `omit_zero_counts` is on, as AWS's model allows.
    expected = {"Matched": 470, "Mismatched": 30}
    equal("results: zeros are left out", expected, cancelled["intentMatchResultCounts"])

    slot = slots[0][0]["slotResolutionResults"][0]
    equal("results: a slot", ("BookHotel", "City"), (slots[0][0]["intentName"], slot["slotName"]))
    expected = {"Matched": 1890, "Mismatched": 10}
    equal("results: its counts", expected, slot["resultCounts"]["slotMatchResultCounts"])

    equal("results: utterances in pages", [1000, 1000, 560], [len(page) for page in utterances])
    rows = sum(utterances, [])
    numbers = [row["recordNumber"] for row in rows]
    equal("results: each record once", list(range(1, 2561)), numbers)
    by_result = {}
    for row in rows[:2500]:
        seen = row["turnResult"]["user"]["endToEndResult"]
        by_result[seen] = by_result.get(seen, 0) + 1
    equal("results: utterances agree with the counts", single, by_result)

    heard = lex_ended(lex, lex_start(lex, "TESTSET002")["testExecutionId"])
    equal("describe: audio", "Audio", heard["testExecutionModality"])
    overall = results(TYPES[0], of=heard["testExecutionId"])[0][0]
    equal("results: speech", 4, overall["speechTranscriptionResultCounts"]["Matched"])
    for kind in TYPES:
        results(kind, of=heard["testExecutionId"])


def lex_sets_and_errors(lex):
    """Test sets, and each error as the exception that the model names."""
    described = lex.describe_test_set(testSetId="TESTSET001")
    equal("set: name", "mixed", described["testSetName"])
    equal("set: status", "Ready", described["status"])
    equal("set: turns", 2560, described["numTurns"])
    waiting = lex.describe_test_set(testSetId="NOTREADY01")["status"]
    equal("set: one that is not ready", "Importing", waiting)

    lists = pages(lex.list_test_sets, lambda reply: reply["testSets"], "nextToken", maxResults=4)
    ids = [item["testSetId"] for item in sum(lists, [])]
    check("sets: those of the scenario", {"TESTSET001", "NOTREADY01"} <= set(ids), "both", ids)
    check("sets: in pages, each once", len(lists) > 1 and len(ids) == len(set(ids)), "once", ids)
    by_name = lex.list_test_sets(sortBy={"attribute": "TestSetName", "order": "Descending"})
    names = [item["testSetName"] for item in by_name["testSets"]]
    equal("sets: sorted", sorted(names, reverse=True), names)

    def start(test_set):
        return lambda: lex_start(lex, test_set)

    raises("start: not ready", "ConflictException", 409, start("NOTREADY01"), lex)
    raises("start: missing", "ResourceNotFoundException", 404, start("MISSING001"), lex)
    raises("start: not an id", "ValidationException", 400, start("TEST-SET-1"), lex)
    # AWS answers so, though the model of Lex has no such exception.
    raises("start: denied", "AccessDeniedException", 403, start("DENIED0001"))
    raises("start: internal", "InternalServerException", 500, start("BREAKS0001"), lex)
    raises("start: quota", "ServiceQuotaExceededException", 402, start("BREAKS0001"), lex)
    raises(
        "describe: no such execution",
        "ResourceNotFoundException",
        404,
        lambda: lex.describe_test_execution(testExecutionId="NOSUCHID01"),
        lex,
    )
    raises(
        "list: a token of nowhere",
        "ValidationException",
        400,
        lambda: lex.list_test_executions(nextToken="nowhere"),
        lex,
    )


def throttled(connect, lex):
    """Five calls at once, and the sixth is too many; each service has its own budget."""
    for call in (lambda: connect.list_test_cases(InstanceId="i"), lex.list_test_sets):
        for _ in range(5):
            call()
        client = connect if call != lex.list_test_sets else lex
        error = raises("the sixth call of a burst", "ThrottlingException", 429, call, client)
        wait = error.response["ResponseMetadata"]["HTTPHeaders"].get("retry-after")
        if client is lex:
            check("throttling: Lex says how long to wait", wait and int(wait) >= 1, "seconds", wait)


def main():
    connect, lex, somebody_else = clients(sys.argv[1])
    # One caller first, with its budget of five calls; then another caller for every call.
    throttled(connect, lex)
    for client in (connect, lex):
        client.meta.events.register("before-sign", somebody_else)
    connect_runs(connect)
    connect_stops(connect)
    connect_errors(connect)
    connect_lists(connect)
    execution = lex_runs(lex)
    lex_results(lex, execution)
    lex_sets_and_errors(lex)
    print(f"boto3: {passed} checks passed")


if __name__ == "__main__":
    main()
