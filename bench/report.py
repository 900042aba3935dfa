#!/usr/bin/env python3
"""How long `dtbench report` takes over many records, and how large its file is.

The records are those of docs/results/small-50-steps, every cell repeated with other seeds and made
longer: real specs, audits and results, and whole lines of steps.jsonl with losses of a made-up
curve.
"""

import argparse
import hashlib
import json
import os
import pathlib
import random
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent
TEMPLATES = SOURCE / "docs/results/small-50-steps"


def cell_id(spec):
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read(path):
    return json.loads(path.read_text())


def moved(template, seed, steps, root):
    """The template's record with another seed and number of steps."""
    spec, audit, result = (read(template / f"{name}.json") for name in ("spec", "audit", "result"))
    draw = random.Random(f"{template.name} {seed}")
    spec["seed"] = result["seed"] = seed
    spec["train"]["steps"] = steps
    completed = result["status"] == "completed"
    result["steps_completed"] = steps if completed else steps // 2
    if not completed:
        result["first_nonfinite"]["step"] = result["steps_completed"]
    for name in ("val_loss", "average_precision_micro", "f1_micro", "accuracy"):
        if result["convergence"][name] is not None:
            result["convergence"][name] *= 1 + draw.gauss(0, 0.01)
    result["throughput"]["samples_per_s"] *= 1 + draw.gauss(0, 0.02)
    result["outcome"] = "trained" if completed else "nonfinite"
    for name, decided_by in (("draws", ""), ("weights", spec["policy"]["parameters"])):
        audit["identity"][f"initial_{name}_fingerprint"] = hashlib.sha256(
            f"{spec['scenario']} {seed} {decided_by}".encode()).hexdigest()
    audit["cell_id"] = result["cell_id"] = cell_id(spec)
    run = root / result["cell_id"]
    run.mkdir()
    for name, value in (("spec", spec), ("audit", audit), ("result", result)):
        (run / f"{name}.json").write_text(json.dumps(value))
    (run / "events.jsonl").write_bytes((template / "events.jsonl").read_bytes())
    line = (template / "steps.jsonl").read_text().splitlines()[1]
    values = json.loads(line)
    head, tail = (json.dumps(values | {"loss": "@"}, separators=(",", ":"), sort_keys=True)
                  .split('"loss":"@"'))
    head = head.replace(f'"grad_norm":{values["grad_norm"]!r}', '"grad_norm":%r')
    tail = tail.replace(f'"step":{values["step"]},', '"step":%d,')
    with open(run / "steps.jsonl", "w") as out:
        for step in range(result["steps_completed"]):
            loss = 2 + 5 / (1 + step / 100) + draw.gauss(0, 0.05)
            out.write(head % draw.random() + f'"loss":{loss!r}' + tail % step + "\n")
        if not completed:
            out.write(head % draw.random() + '"loss":"NaN"' + tail % (steps // 2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=SOURCE / "build/release/bin/dtbench", help="dtbench")
    parser.add_argument("--seeds", type=int, default=28, help="of each of 36 cells")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the records, made if missing")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = arguments.keep or pathlib.Path(temporary)
        if not root.is_dir() or not any(root.iterdir()):
            root.mkdir(exist_ok=True)
            for template in sorted(TEMPLATES.iterdir()):
                for seed in range(arguments.seeds):
                    moved(template, seed, arguments.steps, root)
        runs = [run for run in root.iterdir() if run.is_dir()]
        size = sum(file.stat().st_size for run in runs for file in run.iterdir())
        print(f"{len(runs)} records of {arguments.steps} steps, {size / 1e6:.0f} MB")
        for form in ("html", "markdown", "csv", "parquet", "json"):
            output = root / f"report.{form}"
            begun = time.monotonic()
            subprocess.run(
                [arguments.program, "report", root, "--format", form, "--output", output],
                check=True, stdout=subprocess.DEVNULL,
                env=os.environ | {"DTBENCH_CONFIGS": str(SOURCE / "configs")})
            print(f"{form}: {time.monotonic() - begun:.2f} s, {output.stat().st_size / 1e6:.2f} MB")


main()
