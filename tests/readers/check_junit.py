"""Reads JUnit reports with five readers and holds them against the JSON report and the exit code.

usage: check_junit.py CALLCHECK NPM_PREFIX

Makes reports of many kinds with callcheck and has each reader of readers.py read each. A reader
must show red where callcheck exits with 1, 2, 3, 4 or 130, and must not where it exits with 0. That
this check itself can go red is shown first.
"""

import collections
import functools
import json
import pathlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from against_json import check, expect
from readers import readers
from self_test import self_test

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """A run of callcheck, and the exit code that it must have."""

    name: str
    code: int
    args: list
    # What callcheck is started by.
    under: tuple = ()
    # What JUnit holds of Lex test sets.
    lex: str = "set"
    # How many tests must have each verdict, where that is what the run is for.
    verdicts: dict = field(default_factory=dict)


PASSES = ["examples/suite.yaml", "--simulate"]
MIXED = ["examples/suite.yaml", "--simulate=examples/scenario.yaml"]
EVERYTHING = ["tests/readers/everything.yaml", "tests/readers/credentials.yaml",
              "--simulate=tests/readers/everything-scenario.yaml"]
UNTIL_FAILED = ["tests/readers/until-failed.yaml",
                "--simulate=tests/readers/everything-scenario.yaml"]
ONLY_FLAKY = [*MIXED, "--name", "Caller without an account*"]

RUNS = [
    Run("all passed", 0, PASSES),
    Run("mixed", 1, MIXED),
    Run("mixed, flaky fails", 1, [*MIXED, "--fail-on-flaky"]),
    Run("flaky", 0, ONLY_FLAKY),
    Run("flaky fails", 1, [*ONLY_FLAKY, "--fail-on-flaky"]),
    Run("timed out", 3, [*PASSES, "--timeout", "100ms"]),
    Run("invalid", 2, ["tests/data/wrong.yaml", "--simulate"]),
    Run("nothing selected", 4, [*PASSES, "--tag", "none"]),
    Run("nothing selected, as allowed", 0, [*PASSES, "--tag", "none", "--allow-empty"]),
    Run("everything", 1, EVERYTHING),
    Run("everything, mismatches", 1, EVERYTHING, lex="mismatches"),
    Run("everything, utterances", 1, EVERYTHING, lex="all"),
    Run("until a test fails", 1, [*UNTIL_FAILED, "--fail-fast"],
        verdicts={"failed": 2, "error": 1, "not-run": 4}),
    # In the foreground: in a group of its own, callcheck would get the signal twice.
    Run("interrupted", 130, PASSES,
        ("timeout", "--foreground", "--preserve-status", "--signal=INT", "2")),
]


def read(all_readers, callcheck, run):
    """Runs callcheck, and has all readers read what comes out."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        junit, report = folder / "junit.xml", folder / "report.json"
        reports = ["--junit", junit, "--json", report]
        lex = ["--junit-lex", run.lex]
        command = [*run.under, callcheck, "run", *run.args, "--quiet", *reports, *lex]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        if done.returncode != run.code:
            sys.exit(f"{run.name}: exit code {done.returncode}, not {run.code}\n{done.stderr}")
        # A long report comes in parts: junit.xml, junit.part2.xml, …
        files = sorted(folder.glob("junit*.xml"))
        seen = json.loads(report.read_bytes())
        check(all_readers, run.name, run.code, files, seen, run.lex)
        if run.verdicts:
            expect(f"{run.name}: verdicts", run.verdicts, collections.Counter(
                test["verdict"] for suite in seen["suites"] for test in suite["tests"]))
        rendered = folder / "rendered" / "junit.xml"
        subprocess.run([callcheck, "render", report, "--junit", rendered, *lex], cwd=ROOT,
                       capture_output=True, check=True, timeout=60)
        for file in files:
            if (rendered.parent / file.name).read_bytes() != file.read_bytes():
                sys.exit(f"{run.name}: {file.name} is another when it is rendered again")


def main():
    callcheck, npm = sys.argv[1:]
    all_readers = readers(npm)
    self_test(all_readers)
    # Most of the time is spent in waiting for the simulator.
    with ThreadPoolExecutor() as pool:
        list(pool.map(functools.partial(read, all_readers, callcheck), RUNS))
    print(f"{len(RUNS)} reports read by {', '.join(all_readers)}")


main()
