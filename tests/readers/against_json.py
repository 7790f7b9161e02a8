"""Holds a JUnit report, as the readers see it, against the JSON report and the exit code."""

import collections
import sys

from readers import Counts, Refused, element, parsed


def check(readers, name, code, files, report, lex):
    """Ends the program where a reader sees something else than `report`, in JSON, says."""
    expect(f"{name}: exit code in JSON", code, report["exit_code"])
    wanted = collections.Counter(cases(report, lex))
    found = collections.Counter(
        (case.classname, short_name(case), element(case))
        for file in files
        for suite in parsed(file)
        for case in suite
    )
    expect(f"{name}: cases", wanted - found, found - wanted)
    counts = Counts.of(kind for *_, kind in wanted.elements())
    for reader, read in readers.items():
        hold(f"{reader}: {name}", code, counts, read, files)


def hold(what, code, counts, read, files):
    """Ends the program where one reader does not take `files`, or sees other counts."""
    try:
        seen = read(files)
    except Refused as refused:
        sys.exit(f"{what}: {refused}")
    if seen:
        expect(f"{what}: red", code != 0, seen.red)
        expect(what, counts, seen)


def expect(what, expected, seen):
    if expected != seen:
        sys.exit(f"{what}:\n  expected {expected}\n  seen     {seen}")


def short_name(case):
    """The name of a case; of a turn its record alone, since what was said is made safe and cut."""
    of_turn = case.classname.count(".") == 2
    return case.name.partition(" ")[0] if of_turn else case.name


def cases(report, lex):
    """Each case that JUnit must have: its class name, its name, and `passed` or its element.

    `lex` is what `--junit-lex` says.
    """
    if report["errors"]:
        yield "callcheck.run", "callcheck.run", "error"
    for suite in report["suites"]:
        # A dot would split a class name.
        name = suite["name"].replace(".", "_")
        if not suite["tests"]:
            yield f"callcheck.{name}", "(no test)", "skipped"
        for test in suite["tests"]:
            yield f"{test['service']}.{name}", test["name"], own_element(report, test)
            class_name = f"{test['service']}.{name}.{test['name'].replace('.', '_')}"
            for turn in turns(test, lex):
                matched = turn["result"] == "matched"
                failed = test["gates"] and test["verdict"] == "failed"
                kind = "passed" if matched else "failure" if failed else "skipped"
                yield class_name, f"#{turn['record']}", kind


def turns(test, lex):
    """The turns that have a case of their own: those of the attempt that decided."""
    deciding = [each for each in test["attempts"] if each["verdict"] == test["verdict"]][-1:]
    found = [turn for each in deciding for turn in each.get("results", {}).get("turns", [])]
    wanted = {"set": [], "mismatches": ["mismatched", "execution-error"]}.get(lex)
    return found if wanted is None else [turn for turn in found if turn["result"] in wanted]


def own_element(report, test):
    if not test["gates"]:
        return "skipped"
    if test["flaky"] and report["fail_on_flaky"]:
        return "failure"
    elements = {"passed": "passed", "failed": "failure", "error": "error", "not-run": "skipped"}
    return elements[test["verdict"]]
