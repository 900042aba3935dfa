#!/usr/bin/env python3
"""What a folder of very many records costs: made by eight processes at a time, listed, analysed and
reported.

    bench/many_records.py --program build/release/bin/dtbench [--records 10000] [--steps 30]
                          [--processes 8] [--repeat 5]

A cell of preset tiny is trained under each of two policies. A stand-in for the engine copies their
records, so that what is measured is the matrix: leases, accounts, records. Printed: seconds and the
largest resident memory of a process; of `list` the fastest of --repeat runs, of the others one.
"""

import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
POLICIES = ["fp32_true", "amp_bf16"]
SEED = "987654"  # of the cells that are copied: its digits stand nowhere else in their records


def install(program, folder):
    """A copy of the program beside the stand-in."""
    folder.mkdir()
    shutil.copy(program, folder / "dtbench")
    subprocess.run(["cc", "-O2", "-Wall", "-o", folder / "dtbench-engine", HERE / "stand_in_engine.c"],
                   check=True)
    return folder / "dtbench"


def train_originals(program, folder, steps):
    for policy in POLICIES:
        subprocess.run([program, "run", "--scenario", "A", "--policy", policy, "--preset", "tiny", "--seed",
                        SEED, "--steps", str(steps), "--out", folder / "one"], check=True, capture_output=True)
    for spec in (folder / "one").glob("*/spec.json"):
        name = json.loads(spec.read_text())["policy"]["name"]
        shutil.copytree(spec.parent, folder / "originals" / name)


def largest():
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def alone(command):
    """(seconds, bytes of memory, lines), by a process of its own: the peak is this command's."""
    script = ("import resource, subprocess, sys, time; before = time.monotonic(); "
              "done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True); "
              "print(done.returncode, time.monotonic() - before, "
              "resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, done.stdout.count(chr(10)))")
    done = subprocess.run(["python3", "-c", script, *map(str, command)], check=True, capture_output=True,
                          text=True)
    status, seconds, kibibytes, lines = done.stdout.split()
    if status != "0":
        raise SystemExit(f"{command}: exit code {status}\n{done.stderr[-2000:]}")
    return float(seconds), int(kibibytes) * 1024, int(lines)


def tell(what, seconds, peak, more=""):
    print(f"{what}: {seconds:.2f} s, {peak / 1e6:,.0f} MB{more}", flush=True)


def make_by_processes(program, folder, arguments):
    out = folder / "many"
    command = [program, "matrix", "--scenario", "A", "--preset", "tiny", "--steps", arguments.steps, "--seeds",
               arguments.records // len(POLICIES), "--out", out, "--json"]
    for policy in POLICIES:
        command += ["--policy", policy]
    environment = os.environ | {"STAND_IN_RECORDS": str(folder / "originals"), "STAND_IN_SEED": SEED}
    before = time.monotonic()
    processes = [subprocess.Popen(list(map(str, command)), env=environment, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                 for _ in range(arguments.processes)]
    for process in processes:
        output, errors = process.communicate()
        if process.returncode != 0 or json.loads(output)["counts"] != {"done": arguments.records}:
            raise SystemExit(f"matrix: exit code {process.returncode}\n{output[-2000:]}{errors[-2000:]}")
    tell(f"matrix, {arguments.processes} processes", time.monotonic() - before, largest())
    # One that is started again has nothing to do.
    tell("matrix, once more", *alone(command)[:2])
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, help="dtbench, built")
    parser.add_argument("--records", type=int, default=10000)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        train_originals(arguments.program, folder, arguments.steps)
        out = make_by_processes(install(arguments.program, folder / "installed"), folder, arguments)
        program = arguments.program
        for more in ([], ["--json"]):
            runs = [alone([program, "list", "--out", out, *more]) for _ in range(arguments.repeat)]
            tell(" ".join(["list", *more]), *min(runs)[:2], f", {runs[0][2]} lines")
        tell("analyse --json", *alone([program, "analyse", "--json", out])[:2])
        for form in ("html", "csv"):
            report = folder / f"report.{form}"
            seconds, peak, _ = alone([program, "report", "--format", form, "--output", report, out])
            tell(f"report --format {form}", seconds, peak, f", {report.stat().st_size / 1e6:.1f} MB written")


if __name__ == "__main__":
    main()
