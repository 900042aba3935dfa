#!/usr/bin/env python3
"""What scheduling costs: how much of a tiny matrix's time is not spent in its cells.

    bench/scheduling_cost.py --program build/release/bin/dtbench [--seeds 1] [--steps 30]

The 42 cells of preset tiny are trained one at a time. Two costs are printed, each as a share of the
whole time: the time in which no engine lived (before, between and after the cells, as the matrix' own
account has it), and the processor time of the scheduling process, which the cells have to do without.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time


def own_seconds(pid):
    """Processor time of a process without its children; None once it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def account(out):
    """Seconds in which engines lived: of each attempt the last line counts."""
    attempts = {}
    for file in (out / ".sweep" / "ledger").glob("*.jsonl"):
        for line in map(json.loads, file.read_text().splitlines()):
            attempts[file.name, line["attempt"]] = line["wall_s"]
    return sum(attempts.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, help="dtbench, built")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        out = pathlib.Path(temporary)
        start = time.monotonic()
        process = subprocess.Popen([arguments.program, "matrix", "--preset", "tiny", "--seeds",
                                    str(arguments.seeds), "--steps", str(arguments.steps), "--out", out],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        processor = 0.0
        while process.poll() is None:
            processor = own_seconds(process.pid) or processor
            time.sleep(0.05)
        whole = time.monotonic() - start
        cells = account(out)
    print(f"{42 * arguments.seeds} cells in {whole:.1f} s, exit code {process.returncode}")
    print(f"no engine lived for {whole - cells:.2f} s: {(whole - cells) / whole:.2%}")
    print(f"the scheduler's processor time: {processor:.2f} s: {processor / whole:.2%}")


if __name__ == "__main__":
    main()
