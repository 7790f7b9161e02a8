"""Reads JUnit reports with junitparser and holds them against the JSON report and the exit code.

usage: check_junit.py CALLCHECK

Runs the example suite on two scenarios and an invalid suite, and reads what comes out. A reader
must show red where callcheck exits with 1, 2 or 3, and green where it exits with 0.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from junitparser import Error, Failure, JUnitXml, Skipped

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(callcheck, folder, *args):
    """Runs callcheck and gives its exit code, its JUnit report and its JSON report."""
    junit, report = folder / "junit.xml", folder / "report.json"
    command = [callcheck, "run", *args, "-q", "--junit", str(junit), "--json", str(report)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    return done.returncode, JUnitXml.fromfile(str(junit)), json.loads(report.read_text())


def count(xml, kind):
    return sum(
        1 for suite in xml for case in suite if any(isinstance(r, kind) for r in case.result)
    )


def expect(what, expected, seen):
    if expected != seen:
        sys.exit(f"junitparser: {what}: expected {expected}, seen {seen}")


def check(callcheck, name, code, *args):
    with tempfile.TemporaryDirectory() as folder:
        exit_code, xml, report = run(callcheck, pathlib.Path(folder), *args)
    expect(f"{name}: exit code", code, exit_code)
    expect(f"{name}: exit code in JSON", code, report["exit_code"])
    failures, errors, skipped = (count(xml, kind) for kind in (Failure, Error, Skipped))
    # The attributes are what most readers show; the elements are what they should be made from.
    expect(f"{name}: failures", xml.failures, failures)
    expect(f"{name}: errors", xml.errors, errors)
    expect(f"{name}: skipped", xml.skipped, skipped)
    expect(f"{name}: tests", xml.tests, sum(len(list(suite)) for suite in xml))
    expect(f"{name}: red", code != 0, failures + errors > 0)

    tests = [test for suite in report["suites"] for test in suite["tests"]]
    gating = [test for test in tests if test["gates"]]
    expect(f"{name}: failed", sum(t["verdict"] == "failed" for t in gating), failures)
    no_verdict = sum(t["verdict"] == "error" for t in gating) + len(report["errors"])
    expect(f"{name}: without verdict", no_verdict, errors)
    for suite in report["suites"]:
        cases = {case.name: case for found in xml for case in found}
        for test in suite["tests"]:
            expect(f"{name}: classname", f"{test['service']}.{suite['name']}",
                   cases[test["name"]].classname)
    return 1


def main():
    callcheck = sys.argv[1]
    example = "examples/suite.yaml"
    runs = check(callcheck, "all passed", 0, example, "--simulate")
    runs += check(callcheck, "mixed", 1, example, "--simulate=examples/scenario.yaml")
    runs += check(callcheck, "timed out", 3, example, "--simulate", "--timeout", "100ms")
    runs += check(callcheck, "invalid", 2, "tests/data/wrong.yaml", "--simulate")
    runs += check(callcheck, "nothing selected", 4, example, "--simulate", "--tag", "none")
    print(f"junitparser: {runs} reports read")


main()
