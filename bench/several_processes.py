#!/usr/bin/env python3
"""What a second process is worth: one cell by 1 and 2 processes of one thread each, on this CPU.

    bench/several_processes.py --program build/release/bin/dtbench [--scenario A] [--preset tiny] [--steps 60] [--rounds 3]

Printed are samples/s of each (medians over rounds, in turn) and the scaling efficiency, which is the
rate of 2 over twice the rate of 1, at the same global batch. 4 processes are run for their numbers alone: with one
micro-batch each they must be those of 1 process with 4 micro-batches, bit for bit.
"""

import argparse
import json
import os
import pathlib
import socket
import statistics
import subprocess
import tempfile

TIMES = {"step_ms", "data_ms", "warmup", "conditions"}


def environment(rank, processes, port):
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DTBENCH_") or k in ("DTBENCH_CONFIGS", "DTBENCH_CACHE")}
    kept |= {"OMP_NUM_THREADS": "1"}
    if processes == 1:
        return kept
    return kept | {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes),
                   "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}


def train(program, out, processes, arguments):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "run", "--policy", "fp32_true", "--out", out, "--rerun", *map(str, arguments)]
    started = [subprocess.Popen(command, env=environment(rank, processes, port), stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) for rank in range(processes)]
    codes = [process.wait() for process in started]
    assert codes == [0] * processes, codes
    (run,) = [file.parent for file in pathlib.Path(out).glob("*/result.json") if ".replaced-" not in str(file)]
    steps = [json.loads(line) for line in (run / "steps.jsonl").read_text().splitlines()]
    return json.loads((run / "result.json").read_text()), steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, help="dtbench, built")
    parser.add_argument("--preset", default="tiny")
    parser.add_argument("--scenario", default="A")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    cell = ["--scenario", given.scenario, "--preset", given.preset, "--steps", given.steps,
            "--set", "train.eval_examples=8"]
    with tempfile.TemporaryDirectory() as temporary:
        rates = {1: [], 2: []}
        for _ in range(given.rounds):
            for processes, of_each in rates.items():
                result, _ = train(given.program, f"{temporary}/{processes}", processes, cell)
                of_each.append(result["throughput"]["samples_per_s"])
        rate = {processes: statistics.median(of_each) for processes, of_each in rates.items()}
        for processes, of_each in rates.items():
            print(f"{processes} process{'es' if processes > 1 else '  '}: {rate[processes]:8.1f} samples/s "
                  f"(rounds: {', '.join(f'{one:.1f}' for one in of_each)})")
        print(f"2 over 1: {rate[2] / rate[1]:.2f}; scaling efficiency {rate[2] / rate[1] / 2:.0%}, "
              f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")

        quarter = [*cell, "--micro-batch", 2]
        numbers = [[{k: v for k, v in step.items() if k not in TIMES} for step in
                    train(given.program, f"{temporary}/q{processes}", processes, quarter)[1]] for processes in (1, 4)]
        print("4 processes: the numbers of 1 process with 4 micro-batches, bit for bit:", numbers[0] == numbers[1])


if __name__ == "__main__":
    main()
