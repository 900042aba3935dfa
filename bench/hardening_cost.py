#!/usr/bin/env python3
"""What hardened builds cost (cmake/CompileFlags.cmake): listing records, and training steps.

    cmake --preset release ... -B build/plain -DDTBENCH_HARDENED=OFF && cmake --build build/plain
    bench/hardening_cost.py build/release/bin build/plain/bin --records FOLDER [--repeat 21]

Each program lists the records in FOLDER and trains a cell of preset tiny, in turn, the order swapped
each time. Printed: the median of the ratios hardened to plain, and the middle half of them; of `list`
processor time, of training the median time of a step. A folder without dtbench-engine only lists.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile


def list_seconds(folder, records):
    before = os.times()
    subprocess.run([folder / "dtbench", "list", "--out", records, "--json"], check=True,
                   stdout=subprocess.DEVNULL)
    after = os.times()
    return (after.children_user + after.children_system -
            before.children_user - before.children_system)


def step_ms(folder, _):
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([folder / "dtbench", "run", "--scenario", "A", "--policy", "fp32_true", "--preset",
                        "tiny", "--steps", "60", "--out", out], check=True, capture_output=True)
        (steps,) = pathlib.Path(out).glob("*/steps.jsonl")
        lines = [json.loads(line) for line in steps.read_text().splitlines()]
        return statistics.median(line["step_ms"] for line in lines[10:])


def ratios(measure, folders, records, repeat):
    found = []
    for i in range(repeat + 1):
        order = folders if i % 2 else folders[::-1]
        costs = {folder: measure(folder, records) for folder in order}
        found.append(costs[folders[0]] / costs[folders[1]])
    return sorted(found[1:])  # the first fills the page cache


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("hardened", type=pathlib.Path, help="folder of the hardened programs")
    parser.add_argument("plain", type=pathlib.Path, help="of those built with DTBENCH_HARDENED=OFF")
    parser.add_argument("--records", type=pathlib.Path, required=True)
    parser.add_argument("--repeat", type=int, default=21)
    arguments = parser.parse_args()
    folders = [arguments.hardened.resolve(), arguments.plain.resolve()]
    measures = {"list": list_seconds}
    if all((folder / "dtbench-engine").exists() for folder in folders):
        measures["a step of preset tiny"] = step_ms
    for name, measure in measures.items():
        found = ratios(measure, folders, arguments.records, arguments.repeat)
        low, middle, high = statistics.quantiles(found, n=4)
        print(f"{name}: {middle:.3f} times plain, the middle half of {len(found)} pairs "
              f"{low:.3f} to {high:.3f}")


if __name__ == "__main__":
    sys.exit(main())
