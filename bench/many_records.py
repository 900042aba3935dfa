#!/usr/bin/env python3
"""What a folder of very many records costs: made by eight processes at a time, listed, analysed and
reported.

    bench/many_records.py --program build/release/bin/dtbench [--records 10000] [--steps 30]
                          [--processes 8] [--repeat 5]

A cell of preset tiny is trained under each of two policies. A stand-in for the engine copies their
records, so that what is measured is the matrix: leases, accounts, records. Printed: seconds, of them
processor time (of all processes), and the largest resident memory of a process; of `list` the fastest
of --repeat runs, of the others one. On a busy machine processor time is what can be compared.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

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


# Runs a command and prints what it cost, its exit code and its lines, then what it printed. A process
# of its own for each: the largest memory is this command's.
WATCHER = """
import resource, subprocess, sys, time
before = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True)
seconds, used = time.monotonic() - before, resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.returncode, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss, done.stdout.count("\\n"))
print(done.stdout, end="")
"""


def start(command, environment=None):
    # Messages go to a file: a matrix writes a line for each cell, and would wait for a pipe that is full
    # while the others wait for its cells.
    messages = tempfile.TemporaryFile("w+")
    return subprocess.Popen([sys.executable, "-c", WATCHER, *map(str, command)], text=True, env=environment,
                            stdout=subprocess.PIPE, stderr=messages), messages


def finish(process, messages):
    """(seconds, processor seconds, bytes of memory), lines and text of what was printed."""
    output, _ = process.communicate()
    costs, text = output.split("\n", 1)
    status, seconds, processor, kibibytes, lines = costs.split()
    if status != "0":
        messages.seek(0)
        raise SystemExit(f"{process.args[3:]}: exit code {status}\n{messages.read()[-2000:]}")
    messages.close()
    return (float(seconds), float(processor), int(kibibytes) * 1024), int(lines), text


def alone(command):
    return finish(*start(command))


def tell(what, seconds, processor, peak, more=""):
    print(f"{what}: {seconds:.2f} s ({processor:.2f} s of processor), {peak / 1e6:,.0f} MB{more}",
          flush=True)


def make_by_processes(program, folder, arguments):
    out = folder / "many"
    command = [program, "matrix", "--scenario", "A", "--preset", "tiny", "--steps", arguments.steps, "--seeds",
               arguments.records // len(POLICIES), "--out", out, "--json"]
    for policy in POLICIES:
        command += ["--policy", policy]
    environment = os.environ | {"STAND_IN_RECORDS": str(folder / "originals"), "STAND_IN_SEED": SEED}
    processes = [start(command, environment) for _ in range(arguments.processes)]
    costs = []
    for process in processes:
        cost, _, text = finish(*process)
        costs.append(cost)
        if json.loads(text)["counts"] != {"done": arguments.records}:
            raise SystemExit(f"matrix: expected {arguments.records} cells done, found {text[-2000:]}")
    seconds, processor, peak = zip(*costs)
    tell(f"matrix, {arguments.processes} processes", max(seconds), sum(processor), max(peak))
    # One that is started again has nothing to do.
    tell("matrix, once more", *alone(command)[0])
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
            tell(" ".join(["list", *more]), *min(runs)[0], f", {runs[0][1]} lines")
        tell("analyse --json", *alone([program, "analyse", "--json", out])[0])
        for form in ("html", "csv"):
            report = folder / f"report.{form}"
            costs, _, _ = alone([program, "report", "--format", form, "--output", report, out])
            tell(f"report --format {form}", *costs, f", {report.stat().st_size / 1e6:.1f} MB written")


if __name__ == "__main__":
    main()
