#!/usr/bin/env python3
"""Trains one cell several times and tells how far apart its measurements are.

    bench/repeatability.py --program build/release/bin/dtbench [--runs 10] [--scenario A]
                           [--policy fp32_true] [--preset tiny] [--json] [-- MORE FLAGS OF RUN]

Each run is a process of its own with a record of its own, all of the same cell. Losses must be the
same to the last digit: if they are not, the times are of different work, and the script says so and
ends with 1. Printed for each quantity: median over the runs, the range as a share of the median, and
the half-width of the 95 % confidence interval of the mean (Student's t), likewise. Differences between
two cells that are smaller than the range are not measured.
"""

import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile

import scipy.stats

QUANTITIES = {
    "step, median [ms]": ("throughput", "step_ms", "median"),
    "step, p10 [ms]": ("throughput", "step_ms", "p10"),
    "step, p90 [ms]": ("throughput", "step_ms", "p90"),
    "samples per second": ("throughput", "samples_per_s"),
    "MFU, measured peak": ("mfu", "vs_measured"),
    "peak allocated [bytes]": ("memory", "peak_allocated_bytes"),
    "peak resident [bytes]": ("memory", "peak_resident_bytes"),
    "wall [s]": ("wall_s",),
}


def at(result, path):
    for key in path:
        result = result.get(key) if isinstance(result, dict) else None
    return result


def train(arguments, folder, number):
    out = folder / str(number)
    command = [arguments.program, "run", "--scenario", arguments.scenario, "--policy", arguments.policy,
               "--preset", arguments.preset, "--out", out, *arguments.flags]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    (record,) = out.iterdir()
    steps = [json.loads(line) for line in (record / "steps.jsonl").read_text().splitlines()]
    return json.loads((record / "result.json").read_text()), [step["loss"] for step in steps]


def summary(values):
    middle = statistics.median(values)
    count = len(values)
    half_width = math.nan
    if count > 1:
        half_width = scipy.stats.t.ppf(0.975, count - 1) * statistics.stdev(values) / math.sqrt(count)
    share = (lambda x: x / middle) if middle else (lambda x: math.nan)
    return {"median": middle, "range_share": share(max(values) - min(values)),
            "confidence_share": share(half_width), "values": values}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, type=pathlib.Path, help="the built dtbench")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--scenario", default="A")
    parser.add_argument("--policy", default="fp32_true")
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("flags", nargs="*", help="further flags of dtbench run, after --")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        train(arguments, pathlib.Path(folder), "first")  # prepares the store, measures the peak
        runs = [train(arguments, pathlib.Path(folder), n) for n in range(arguments.runs)]
    results = [result for result, _ in runs]
    equal = all(losses == runs[0][1] for _, losses in runs)
    report = {name: summary(values) for name, path in QUANTITIES.items()
              if None not in (values := [at(result, path) for result in results])}
    disturbed = sorted({one["kind"] for result in results for one in result["disturbances"]})
    if arguments.json:
        print(json.dumps({"quantities": report, "losses_equal": equal, "disturbances": disturbed}, indent=1))
    else:
        print(f"{len(runs)} runs: scenario {arguments.scenario}, {arguments.policy}, {arguments.preset}")
        print(f"{'':26}{'median':>14}{'range':>9}{'95 % CI':>11}")
        for name, row in report.items():
            print(f"{name:26}{row['median']:14.6g}{row['range_share']:8.2%}"
                  f"{'+-':>4}{row['confidence_share']:7.2%}")
        print("losses: " + ("the same in all runs" if equal else "DIFFERENT between runs"))
        print("disturbances: " + (", ".join(disturbed) or "none"))
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
