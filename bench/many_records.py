#!/usr/bin/env python3
"""How long `dtbench list` takes over many records.

    bench/many_records.py --program build/release/bin/dtbench [--records 10000] [--steps 30]

One cell of preset tiny is trained, and its record put into a folder so many times, under the ids of
other seeds. Printed: the fastest of five runs of `list`, and of one of `list --json`.
"""

import argparse
import hashlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import time


def cell_id(spec):
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def multiply(run, out, records):
    spec = json.loads((run / "spec.json").read_text())
    for seed in range(records):
        spec["seed"] = seed
        copy = out / cell_id(spec)
        shutil.copytree(run, copy)
        (copy / "spec.json").write_text(json.dumps(spec))
        for name in ("result.json", "audit.json"):
            content = json.loads((copy / name).read_text())
            (copy / name).write_text(json.dumps(content | {"cell_id": copy.name, "seed": seed}))


def seconds(command, times):
    fastest = float("inf")
    for _ in range(times):
        start = time.monotonic()
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        fastest = min(fastest, time.monotonic() - start)
    return fastest, lines.count("\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, help="dtbench, built")
    parser.add_argument("--records", type=int, default=10000)
    parser.add_argument("--steps", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        subprocess.run([arguments.program, "run", "--scenario", "A", "--policy", "fp32_true", "--preset",
                        "tiny", "--steps", str(arguments.steps), "--out", folder / "one"],
                       check=True, capture_output=True)
        (run,) = (folder / "one").iterdir()
        multiply(run, folder / "many", arguments.records)
        for more in ([], ["--json"]):
            fastest, lines = seconds([arguments.program, "list", "--out", folder / "many", *more], 5)
            print(f"list {' '.join(more)}: {fastest:.2f} s for {arguments.records} records, {lines} lines")


if __name__ == "__main__":
    main()
