#!/usr/bin/env python3
"""Two builds of dtbench-engine, interleaved in one run: has a revision become slower or larger?

    python bench/revisions.py OLDER NEWER [--rounds 10] [--steps 12] [--set train.length_buckets=0]

OLDER and NEWER are folders with dtbench and dtbench-engine. Both train the cells of side_by_side.py
on a CPU, from the same weights (drawn from seed 0), each from the spec that its own dtbench resolves;
--set adds a setting to the newer one's. For each scenario and policy it prints the median step time of
both, the ratio older / newer (median over rounds, lowest and highest), the peak memory of both, and
how far their losses are apart.
"""

import argparse
import pathlib
import statistics
import tempfile

import side_by_side as bench

POLICIES = ["fp32_true", "amp_bf16", "bf16_pure", "amp_bf16_8bit"]
WARMUP = 2


class Side:
    """One build. Has what side_by_side asks of its own arguments."""

    device = "cpu"

    def __init__(self, folder, settings=()):
        self.bin, self.settings, self.runs = folder.resolve(), settings, []

    def train(self, scenario, policy, steps):
        shape = bench.SHAPES["cpu"][scenario]
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            bench.write_store(folder / "store", scenario, shape)
            spec = bench.resolved_spec(self, scenario, shape, policy, steps, "scratch", self.settings)
            self.runs.append(bench.run_ours(self, folder, spec))

    def step_ms(self):
        return [statistics.median(run["step_ms"][WARMUP:]) for run in self.runs]

    def mib(self):
        return statistics.median(run["peak_bytes"] for run in self.runs) / 2**20


def compare(older, newer, scenario, policy, rounds, steps):
    for turn in range(rounds):
        for side in (older, newer) if turn % 2 == 0 else (newer, older):
            side.train(scenario, policy, steps)
    ratios = [a / b for a, b in zip(older.step_ms(), newer.step_ms(), strict=True)]
    apart = max(abs(a - b) / abs(a)
                for a, b in zip(older.runs[0]["losses"], newer.runs[0]["losses"], strict=True))
    print(f"{scenario} {policy:<16}{statistics.median(older.step_ms()):8.1f} ms"
          f"{statistics.median(newer.step_ms()):8.1f} ms   {statistics.median(ratios):5.2f} "
          f"({min(ratios):.2f} to {max(ratios):.2f})   {older.mib():5.0f} MiB, {newer.mib():5.0f} MiB   "
          + ("equal losses" if apart == 0 else f"apart by {apart:.1e}"), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("older", type=pathlib.Path)
    parser.add_argument("newer", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--policies", nargs="+", default=POLICIES)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    if arguments.steps <= WARMUP:
        parser.error(f"--steps must be more than {WARMUP}, which are not counted, got {arguments.steps}")
    print(f"{'':18}{'older':>11}{'newer':>11}   older/newer (lowest to highest)   memory   losses")
    for scenario in bench.SCENARIOS:
        for policy in arguments.policies:
            compare(Side(arguments.older), Side(arguments.newer, arguments.set), scenario, policy,
                    arguments.rounds, arguments.steps)


if __name__ == "__main__":
    main()
