"""Programs that read JUnit reports and know nothing of callcheck: what each of them sees.

A reader takes the files of one report, which may come in parts, and gives its counts, or None where
it only takes them or does not. Where one merely warns, or goes on without a file, it is made to
refuse here: a person would miss it. What they make of the elements:

| reader | counts | a test that passed in the end, with flakyFailure or flakyError |
| --- | --- | --- |
| junitparser | attributes, and elements | passed |
| xmllint | | |
| xunit-viewer | elements | neither red nor green: `?` |
| junit-report-merger | the sums of the suites' attributes | passed |
| datadog-ci | | |

All but junitparser and xmllint take U+FFFF, and worse: they are no check of well-formedness.
"""

import functools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

from junitparser import Error, Failure, JUnitXml, JUnitXmlError, Skipped

NO_NETWORK = pathlib.Path(__file__).with_name("no_network.cjs")
ELEMENTS = {Failure: "failure", Error: "error", Skipped: "skipped"}


class Refused(Exception):
    """A reader does not take a report, or what it says of one contradicts itself."""


@dataclass(frozen=True)
class Counts:
    """What a reader shows of a report; a test that is none of the three has passed."""

    tests: int
    failures: int
    errors: int
    skipped: int

    @classmethod
    def of(cls, elements):
        """Counts one element, or `passed`, for each test."""
        elements = list(elements)
        return cls(len(elements), *map(elements.count, ELEMENTS.values()))

    @property
    def red(self):
        return self.failures + self.errors > 0


def readers(npm):
    """Every reader by its name. `npm` is the prefix where package.json is installed."""
    bin_folder = pathlib.Path(npm, "node_modules", ".bin").resolve(strict=True)
    return {
        "junitparser": by_junitparser,
        "xmllint": by_xmllint,
        "xunit-viewer": functools.partial(by_xunit_viewer, bin_folder / "xunit-viewer"),
        "junit-report-merger": functools.partial(by_merger, bin_folder / "junit-report-merger"),
        "datadog-ci": functools.partial(by_datadog_ci, bin_folder / "datadog-ci"),
    }


def by_junitparser(files):
    """Most readers show the attributes: they must say what the elements do."""
    reports = [parsed(file) for file in files]
    for report in reports:
        agree("testsuites", report, [case for suite in report for case in suite])
        for suite in report:
            agree(suite.name, suite, list(suite))
    return Counts.of(element(case) for report in reports for suite in report for case in suite)


def agree(name, stated, cases):
    attributes = Counts(stated.tests, stated.failures, stated.errors, stated.skipped)
    elements = Counts.of(map(element, cases))
    if attributes != elements:
        raise Refused(f"{name}: {attributes} in attributes, {elements} in elements")


def parsed(file):
    """The suites of a file."""
    try:
        return JUnitXml.fromfile(str(file))
    except (SyntaxError, JUnitXmlError) as error:
        raise Refused(f"{file.name}: {error}") from error


def element(case):
    """What junitparser shows a case as: `passed`, or the name of its element."""
    return " and ".join(ELEMENTS[type(result)] for result in case.result) or "passed"


def by_xmllint(files):
    said("xmllint", "--noout", "--nonet", *files)


def by_xunit_viewer(program, files):
    """Takes a folder. Of a file that it cannot parse it tells, and goes on with the others."""
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            shutil.copy(file, folder)
        shown = node(program, "--results", folder, "--output", "false", "--console",
                     "--clear", "false", "--no-color")
    if shown.startswith("Failed to parse"):
        raise Refused(shown)
    # The last line: `2 failure, 1 flakyFailure, 3 passed`. An element that it does not know is a
    # status like the others, and looks like `?`.
    last = shown.rstrip("\n").rpartition("\n")[2]
    tests = {status: int(count) for count, status in re.findall(r"(\d+) ([^,]+)", last)}
    known = {"passed", *ELEMENTS.values(), "flakyFailure", "flakyError"}
    if not tests.keys() <= known:
        raise Refused(f"tests that are neither red nor green: {last}")
    return Counts(sum(tests.values()), *(tests.get(kind, 0) for kind in ELEMENTS.values()))


def by_merger(program, files):
    """Adds up what the files say; what comes out is read as a file of ours is."""
    with tempfile.TemporaryDirectory() as folder:
        merged = pathlib.Path(folder, "merged.xml")
        shown = node(program, merged, *files)
        if shown != f"Done. {len(files)} files processed.\n":
            raise Refused(shown)
        return by_junitparser([merged])


def by_datadog_ci(program, files):
    """Of an invalid file it tells; it goes on with the others and exits with 0, even with none."""
    shown = node(program, "junit", "upload", "--dry-run", "--skip-git-metadata-upload",
                 "--service", "callcheck", *files)
    uploaded = re.findall(r"^\[DRYRUN\] Uploading jUnit XML test report file in (.+)$", shown, re.M)
    if sorted(uploaded) != sorted(map(str, files)):
        raise Refused(shown)


def node(*args):
    """What a program of node says on stdout; it has no network."""
    return said("node", "--require", NO_NETWORK, *args)


def said(*command):
    """What a program says on stdout."""
    # datadog-ci does nothing without a key, and takes up what it finds of a CI host in its
    # environment and of git where it stands: it gets none of either.
    environment = {"PATH": os.environ["PATH"], "DD_API_KEY": "none"}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, encoding="utf-8",
            errors="replace", timeout=60
        )
    if done.returncode != 0:
        raise Refused(f"exit code {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout
