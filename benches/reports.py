"""Measures what large runs and their reports cost callcheck, and prints the figures.

usage: reports.py CALLCHECK [UTTERANCES]

CALLCHECK is a release build. The simulator runs in a process of its own, limits raised.

 - A Lex test set of 200,000 utterances (the service model's bound), a tenth of which did not match,
   to all reports with `--junit-lex all`: user and system time, peak memory (goal: 5 s, 600 MB).
 - 1,000 tests, of which 300 failed: JUnit alone, from the JSON report (goal: 100 ms).
 - 100, 1,000 and 10,000 tests on eight instances, a twentieth of them Lex test sets, to JUnit and JSON:
   user and system time a test, peak memory (goal: 100 MB).

Times are of one machine at one moment: compare ratios.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

LIMITS = "requests_per_second: 9000, burst: 9000"

SCENARIO = """
speed: 100
connect:
  limits: {{concurrent: 5000, queue: 5000, requests_per_second: 1000000, burst: 100000}}
  default: {{status: PASSED, after: 1s}}
  test_cases: {{{cases}}}
lex:
  limits: {{requests_per_second: 1000000, burst: 100000}}
  test_sets:
    TESTSET001:
      runs:
        - status: Completed
          after: 1s
          results:
            utterances: {utterances}
            matched: {matched}
            intents:
              BookHotel: {{total: {half}, matched: {half_matched}}}
              CancelOrder: {{total: {half}, matched: {half_matched}}}
"""

LEX = f"""
name: Large set
region: us-east-1
lex:
  bot_id: BOT0000001
  bot_alias_id: TSTALIASID
  locale_id: en_US
  api_mode: NonStreaming
  poll: {{min: 50ms, max: 100ms}}
  limits: {{{LIMITS}}}
  expect: {{end_to_end: 95%, intent: 80%}}
  test_executions: [{{name: All utterances, test_set_id: TESTSET001}}]
"""

CONNECT = f"""
name: Many tests
region: us-east-1
connect:
  instance_id: i-1
  poll: {{min: 50ms, max: 100ms}}
  limits: {{{LIMITS}, in_flight: 1000}}
  test_cases:
"""


def measured(command, folder):
    """Runs a command to its end and gives exit code, wall s, user s, system s, peak MB."""
    began = time.monotonic()
    child = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    wall = time.monotonic() - began
    return child.returncode, wall, usage.ru_utime, usage.ru_stime, usage.ru_maxrss * unit / 1e6


def large_set(callcheck, folder, url, utterances):
    (folder / "lex.yaml").write_text(LEX)
    reports = ["--junit", "lex.xml", "--json", "lex.json", "--summary", "lex.md"]
    command = [callcheck, "run", "lex.yaml", "-q", "--endpoint-url", url, *reports]
    print(f"\n{utterances} utterances       exit   wall s   user s    sys s  peak MB   parts  size MB")
    for what in ("set", "mismatches", "all"):
        code, wall, user, system, peak = measured([*command, "--junit-lex", what], folder)
        written = list(folder.glob("lex*.xml"))
        size = sum(path.stat().st_size for path in [*written, folder / "lex.json"]) / 1e6
        print(f"--junit-lex {what:<12} {code:>4} {wall:8.2f} {user:8.2f} {system:8.2f} {peak:8.0f}"
              f" {len(written):>7} {size:>8.1f}")


def many_tests(callcheck, folder, url, tests):
    entries = (f"    - {{name: Test {i}, test_case_id: c{i}}}\n" for i in range(tests))
    (folder / "many.yaml").write_text(CONNECT + "".join(entries))
    reports = ["--junit", "many.xml", "--json", "many.json"]
    code = measured([callcheck, "run", "many.yaml", "-q", "--endpoint-url", url, *reports], folder)[0]
    report = json.loads((folder / "many.json").read_text())
    failed = sum(test["verdict"] == "failed" for test in report["suites"][0]["tests"])
    render = [callcheck, "render", "many.json", "--junit", "again.xml"]
    times = sorted(sum(measured(render, folder)[2:4]) for _ in range(11))
    size = (folder / "again.xml").stat().st_size / 1e6
    print(f"\n{tests} tests, {failed} failed (exit {code}): JUnit of {size:.1f} MB from JSON, the whole"
          f" process: {times[5] * 1000:.0f} ms user+sys (median of 11; from {times[0] * 1000:.0f}"
          f" to {times[-1] * 1000:.0f})")


def large_run(callcheck, folder, url, tests):
    shared = f"  poll: {{min: 50ms, max: 100ms}}\n  limits: {{{LIMITS}}}\n"
    suites = []
    # A suite file holds at most 1 MiB.
    for first in range(0, tests, 5000):
        numbers = range(first, min(first + 5000, tests))
        cases = "".join(f"    - {{name: Test {i}, test_case_id: r{i}, instance_id: i{i % 8}}}\n"
                        for i in numbers if i % 20)
        sets = "".join(f"    - {{name: Set {i}, test_set_id: SET{i:07}}}\n"
                       for i in numbers if not i % 20)
        lex = LEX.split("lex:\n")[1].split("  poll")[0]
        suite = folder / f"large{first}.yaml"
        suite.write_text(f"name: Large {first}\nregion: us-east-1\nconnect:\n{shared}  test_cases:\n"
                         f"{cases}lex:\n{lex}{shared}  expect: {{end_to_end: 90%}}\n"
                         f"  test_executions:\n{sets}")
        suites.append(suite.name)
    command = [callcheck, "run", *suites, "-q", "--endpoint-url", url, "--json", "large.json"]
    code, wall, user, system, peak = measured(command, folder)
    each = (user + system) / tests * 1000
    print(f"{tests:>6} tests (exit {code}): {wall:5.1f} s, {each:.2f} ms user+sys a test, {peak:.0f} MB")


def main():
    callcheck = str(pathlib.Path(sys.argv[1]).resolve())
    utterances = int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
    tests = 1000
    cases = ", ".join(f"c{i}: {{runs: [{{status: FAILED, after: 1s}}]}}" for i in range(300))
    half = utterances // 2
    scenario = SCENARIO.format(cases=cases, utterances=utterances, matched=utterances * 9 // 10,
                               half=half, half_matched=half * 9 // 10)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "scenario.yaml").write_text(scenario)
        simulator = subprocess.Popen([callcheck, "simulate", "--scenario", "scenario.yaml"],
                                     cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            os.environ.update(AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY="not-a-secret",
                              AWS_EC2_METADATA_DISABLED="true")
            url = simulator.stdout.readline().decode().strip()
            large_set(callcheck, folder, url, utterances)
            many_tests(callcheck, folder, url, tests)
            print()
            for count in (100, 1000, 10_000):
                large_run(callcheck, folder, url, count)
        finally:
            simulator.kill()
            simulator.wait()


main()
