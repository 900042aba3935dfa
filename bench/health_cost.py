#!/usr/bin/env python3
"""What --health leaves behind in a step's time, and how long a sample takes.

    bench/health_cost.py --program build/release/bin/dtbench [--steps 1024] [--scenario A]
                         [--policy fp32_true] [--preset tiny] [--json] [-- MORE FLAGS OF RUN]

Trains one cell with --health full, which samples every n-th step of a long run (n = 4 of 1,024): the
weights are copied before that step, its tensors are read after it. Both are outside of the step's
time, but they leave colder caches. So each sampled step and the one after it are compared with the
next, and so is the one after that, as a control: medians of the ratios of neighbours, with the 95 %
interval that order statistics give. Neighbours share what else the machine does.
"""

import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile

EVERY = 4  # at least: the sampled step, the one after it, what they are compared with, the control
FIRST = 68  # steps up to 64 are sampled in another rhythm


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def train(arguments, out):
    command = [arguments.program, "run", "--scenario", arguments.scenario, "--policy", arguments.policy,
               "--preset", arguments.preset, "--steps", str(arguments.steps), "--health", "full",
               "--out", out, *arguments.flags]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    (record,) = pathlib.Path(out).iterdir()
    return record


def median_of(values):
    values = sorted(values)
    half = 1.96 * math.sqrt(len(values)) / 2
    low, high = (values[round(len(values) / 2 + side * half)] for side in (-1, 1))
    return {"median": statistics.median(values), "low": low, "high": high, "n": len(values)}


def measured(record):
    steps = [step["step_ms"] for step in lines(record / "steps.jsonl")]
    samples = [line["step"] for line in lines(record / "health.jsonl") if "classes" in line]
    regular = [step for step in samples if step >= FIRST and step + 3 < len(steps)]
    ratio = {name: median_of([steps[step + place] / steps[step + 2] for step in regular])
             for name, place in (("sampled", 0), ("after", 1), ("control", 3))}
    wall_ms = json.loads((record / "result.json").read_text())["wall_s"] * 1e3
    evaluations_ms = 1e3 * sum(event.get("seconds", 0) for event in lines(record / "events.jsonl"))
    return {**ratio, "step_ms": statistics.median(steps),
            "sample_ms": (wall_ms - evaluations_ms - sum(steps)) / len(samples)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=1024)
    parser.add_argument("--scenario", default="A")
    parser.add_argument("--policy", default="fp32_true")
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("flags", nargs="*", help="more flags of dtbench run, after --")
    arguments = parser.parse_args()
    if arguments.steps < 256 * (EVERY - 1) + 1:
        parser.error(f"--steps: fewer than {256 * (EVERY - 1) + 1} have no steps between samples to compare with")
    with tempfile.TemporaryDirectory() as folder:
        found = measured(train(arguments, folder))
    if arguments.json:
        json.dump(found, sys.stdout, indent=1)
        return
    for name in ("sampled", "after", "control"):
        print("{0:8} {median:.3f} [{low:.3f}, {high:.3f}] of {n}".format(name, **found[name]))
    print(f"a step takes {found['step_ms']:.1f} ms, a sample {found['sample_ms']:.1f} ms beside it")


main()
