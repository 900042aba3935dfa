#!/usr/bin/env python3
"""Stands in for dtbench-engine: writes a record like the engine's without training anything, and is as
careful with it: it holds the run's lock, whole files are there or not, and what is ended stays so.

What it does to a cell is told by the environment, STAND_IN = {"A fp16_naive": "crash", ...}:
    (nothing)  completes, outcome trained      stalled    completes, outcome stalled
    nonfinite  a NaN at step 3                 skip       cannot be run here
    fail       its record says why, exit 4     crash      a segmentation fault after a step
    refuse     no record, exit 3               silent     exit 0 without a result
    wait       waits after step 2 for a signal
    hang       after step 2 does nothing, whatever the signal
    memory     its record says that memory was used up, exit 4
STAND_IN_LOG names a file that gets a line a start: "A fp16_naive from step 0".
"""

import fcntl
import json
import os
import pathlib
import signal
import struct
import sys
import time

run = pathlib.Path(sys.argv[sys.argv.index("--run-dir") + 1])
store = pathlib.Path(sys.argv[sys.argv.index("--store") + 1])
spec = json.loads((run / "spec.json").read_text())
scenario, policy = spec["scenario"], spec["policy"]["name"]
name = f"{scenario} {policy}"
what = json.loads(os.environ.get("STAND_IN", "{}")).get(name, "")
steps = spec["train"]["steps"]
checkpoint = run / "checkpoint"
done = int(checkpoint.read_text()) if checkpoint.exists() else 0
loss = 7.0 + 0.01 * "ABCDEF".index(scenario)


def write(file, content):
    new = file.with_name(f"{file.name}.tmp.{os.getpid()}.0")
    new.write_text(content)
    new.rename(file)


def result(status, outcome=None, reason="", nonfinite=None):
    classes = spec["objective"] in ("multi_cls", "single_cls")
    content = {
        "schema_version": 1, "cell_id": run.name, "scenario": scenario, "policy": policy,
        "status": status, "reason": reason, "outcome": outcome, "steps_completed": done,
        "first_nonfinite": nonfinite, "started_at": "2026-01-01T00:00:00.000Z"}
    if status != "skipped":
        content |= {
            "wall_s": 2.0, "throughput": {"samples_per_s": 123.456},
            "mfu": {"vs_measured": None if policy == "fp32_true" else 0.125},
            "memory": {"peak_allocated_bytes": 50 * 2**20},
            "disturbances": [{"kind": "spread", "value": 2.0, "bound": 1.5, "message": "times differ",
                              "remedy": "more steps"}] if name == "C bf16_pure" else [],
            "convergence": {"val_loss": loss,
                            "f1_micro": 0.25 if classes else None,
                            "average_precision_micro": 0.5 if spec["objective"] == "multi_cls" else None},
            "data": {"fingerprint": store.name, "synthetic": True}}
    audit = {"schema_version": 1, "cell_id": run.name, "identity": {"torch": "none"}}
    write(run / "audit.json", json.dumps(audit))
    with open(run / "events.jsonl", "a") as events:
        events.write(json.dumps({"event": "ended", "status": status, "reason": reason}) + "\n")
    write(run / "result.json", json.dumps(content))


def stop(number, _):
    write(checkpoint, str(done))
    result("interrupted", reason="stopped by a signal")
    sys.exit(130)


lock = open(run / "lock", "a+")
fcntl.fcntl(lock, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
for leftover in run.glob("*.tmp.*"):
    leftover.unlink()
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
signal.pthread_sigmask(signal.SIG_SETMASK, [])  # `dtbench run` holds them until its engine is there
if log := os.environ.get("STAND_IN_LOG"):
    with open(log, "a") as file:
        file.write(f"{name} from step {done}\n")

if what == "skip":
    result("skipped", reason="this device cannot do it")
    sys.exit(0)
if what == "refuse":
    print("some words before\nerror: The run is not to be had.\n  try: Wait for it.", file=sys.stderr)
    sys.exit(3)
if what == "silent":
    sys.exit(0)
steps_file = run / "steps.jsonl"
kept = steps_file.read_text().splitlines(keepends=True)[:done]  # to the checkpoint, as the engine does
with open(steps_file, "w") as lines:
    lines.writelines(kept)
    while done < steps:
        time.sleep(float(os.environ.get("STAND_IN_STEP_S", "0")))
        lines.write(json.dumps({"step": done, "loss": loss, "step_ms": 25.0, "samples": 8}) + "\n")
        lines.flush()
        done += 1
        if what == "crash":
            print("about to crash", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGSEGV)
        if what == "hang" and done == 2:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if what in ("wait", "hang") and done == 2:
            while True:
                signal.pause()
        if what == "nonfinite" and done == 4:
            result("diverged", "nonfinite", nonfinite={"step": 3, "kind": "nan", "phase": "backward",
                                                       "tensor": "transformer.wte.weight"})
            sys.exit(0)
if what == "memory":
    result("out_of_memory", reason="no memory left on this machine")
    print("error: out of memory: no memory left on this machine", file=sys.stderr)
    sys.exit(4)
if what == "fail":
    result("failed", reason="the disk is on fire")
    print("error: the disk is on fire", file=sys.stderr)
    sys.exit(4)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])
result("completed", "stalled" if what == "stalled" else "trained")
checkpoint.unlink(missing_ok=True)
