"""Four processes on one folder, whose clocks are wrong in different ways, and one of which dies."""

import shutil
import time

from bench import ENGINE, MATRIX, STAND_IN, differences, ended
from shim import preload

CLOCKS = ["-100000000", "100000000", "jump", "0"]  # seconds
TRIALS = {ENGINE: 6, STAND_IN: 30}
SEEDS = 4


class Part:
    def __init__(self, bench, counts=TRIALS):
        self.bench, self.counts, self.shim = bench, counts, preload(bench.folder)
        self.wanted, self.seconds = {}, {}
        for engine in counts:
            out = bench.folder / f"wanted {engine}"
            started = time.monotonic()
            bench.beside(engine).must(*self.command(out))
            self.wanted[engine], self.seconds[engine] = out, time.monotonic() - started

    def command(self, out):
        return [*MATRIX, "--seeds", SEEDS, "--lease-seconds", 5, "--out", out]

    def trials(self):
        return [f"{engine}: {number}" for engine, count in self.counts.items() for number in range(count)]

    def worker(self, bench):
        def trial(name, draw):
            engine = name.split(":")[0]
            out = bench.folder / "together"
            shutil.rmtree(out, ignore_errors=True)
            landed, faults = self.together(bench.beside(engine), out, self.seconds[engine], draw)
            return landed, faults + differences(self.wanted[engine], out)
        return trial

    def together(self, bench, out, seconds, draw):
        """(whether one died at work, what is wrong)"""
        processes = [bench.start(*self.command(out), LD_PRELOAD=str(self.shim), TORTURE_CLOCK=clock)
                     for clock in CLOCKS]
        time.sleep(draw.uniform(0, seconds))
        victim = draw.choice(processes)
        victim.kill()
        done = {process: ended(process) for process in processes}
        faults = [f"one of four: exit code {process.returncode}: {process.stderr[-300:]}"
                  for process in done.values() if process.returncode != 0 and process is not done[victim]]
        return done[victim].returncode != 0, faults
