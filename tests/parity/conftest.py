"""Shows every comparison with its tolerance and what was measured, also when all pass."""

import itertools
import os

import harness


def summary_lines():
    """One line a comparison; for many of one kind, their number and the worst."""
    for _, group in itertools.groupby(harness.comparisons, key=lambda c: (c.suite, c.kind)):
        group = list(group)
        worst = max(group, key=lambda comparison: comparison.measured)
        if len(group) > 1:
            name = worst.what.removeprefix("transformer.")
            yield worst.line(f"{len(group)} {worst.kind}, worst {name}")
        else:
            yield worst.line()


def pytest_terminal_summary(terminalreporter):
    if not harness.comparisons:
        return
    terminalreporter.section("parity: max |ours - theirs| / max |theirs|")
    for line in summary_lines():
        terminalreporter.write_line(line)


def pytest_sessionfinish():
    path = os.environ.get("DTBENCH_PARITY_REPORT")
    if path and harness.comparisons:
        with open(path, "w", encoding="utf-8") as report:
            report.writelines(comparison.line() + "\n" for comparison in harness.comparisons)
