"""Shows that each reader's check goes red: one that cannot would agree with anything."""

import contextlib
import pathlib
import sys
import tempfile

from against_json import hold
from readers import Counts, Refused, node

# Both parts of a report have the same suite, as callcheck's have.
PART = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="callcheck" tests="5" skipped="1" failures="1" errors="1">
  <testsuite name="suite" tests="5" skipped="1" failures="1" errors="1">
    <testcase name="passes" classname="{0}"/>
    <testcase name="flaky" classname="{0}"><flakyFailure message="at first"/></testcase>
    <testcase name="fails" classname="{0}"><failure message="why" type="Low">b</failure></testcase>
    <testcase name="error" classname="{0}"><error message="why" type="Poll">b</error></testcase>
    <testcase name="skipped" classname="{0}"><skipped message="why"/></testcase>
  </testsuite>
</testsuites>
"""
COUNTS = Counts(tests=10, failures=2, errors=2, skipped=2)
GOOD = PART.format("lex.suite.second")
FAILURE = '<failure message="why" type="Low">b</failure>'

# What is wrong with the second part, the part, and who must see it.
BROKEN = [
    # Inside a tag: junit-report-merger closes elements itself.
    ("cut off", GOOD[: GOOD.index("</failure") + 4],
     {"junitparser", "xmllint", "xunit-viewer", "junit-report-merger", "datadog-ci"}),
    ("U+FFFF", GOOD.replace("why", "\uffff"),
     {"junitparser", "xmllint", "junit-report-merger"}),
    ("a failure removed", GOOD.replace(FAILURE, "").replace('failures="1"', 'failures="0"'),
     {"junitparser", "xunit-viewer", "junit-report-merger"}),
    ("a failure that the attributes deny", GOOD.replace('failures="1"', 'failures="0"'),
     {"junitparser", "junit-report-merger"}),
    ("an element that is no verdict", GOOD.replace("flakyFailure", "system-err"),
     {"xunit-viewer"}),
    ("a case twice", GOOD.replace('"passes"', '"flaky"'),
     {"xunit-viewer"}),
]


def self_test(readers):
    """Ends the program where a reader refuses a good report, or nobody minds a broken one."""
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder, name) for name in ("junit.xml", "junit.part2.xml")]
        files[0].write_text(PART.format("lex.suite"), encoding="utf-8")
        files[1].write_text(GOOD, encoding="utf-8")
        for reader, read in readers.items():
            hold(f"self-test: {reader}", 1, COUNTS, read, files)
        for fault, text, seen_by in BROKEN:
            files[1].write_text(text, encoding="utf-8")
            for reader in seen_by:
                with refusal(f"{reader} and {fault}"):
                    hold(reader, 1, COUNTS, readers[reader], files)
    for code, counts in [(0, COUNTS), (3, Counts(tests=1, failures=0, errors=0, skipped=0))]:
        with refusal(f"exit code {code} and {counts}"):
            hold("", code, counts, lambda _, seen=counts: seen, [])
    with refusal("a reader that goes to the network"):
        node("--eval", "fetch('http://127.0.0.1').catch(() => {})")


@contextlib.contextmanager
def refusal(what):
    try:
        yield
    except (Refused, SystemExit):
        return
    sys.exit(f"self-test: nothing is said of {what}")
