"""SIGKILLs at random moments of a matrix: of the matrix, of its engines, or of both at once."""

import os
import pathlib
import shutil
import signal
import time

from bench import ENGINE, MATRIX, STAND_IN, differences, ended, finished, records, touched

KILLS = 20  # of a trial
TRIALS = {ENGINE: 25, STAND_IN: 50}
SEEDS = 2   # eight cells: trained to their end through all these kills, then again from the start
VICTIMS = ["matrix", "engines", "both"]  # engines that outlive their matrix save a checkpoint


def children(pid):
    try:
        return [int(child) for child in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def kill(process, victim):
    """Whether anybody died of it."""
    engines = children(process.pid)
    if victim != "engines":
        process.kill()
    for engine in engines if victim != "matrix" else []:
        try:
            os.kill(engine, signal.SIGKILL)
        except ProcessLookupError:
            pass
    if victim == "engines":
        return bool(engines)
    return process.wait() == -signal.SIGKILL


class Part:
    def __init__(self, bench, counts=TRIALS, seeds=SEEDS, kills=KILLS):
        self.bench, self.counts, self.seeds, self.kills = bench, counts, seeds, kills
        self.wanted, self.longest = {}, {}
        for engine in counts:
            out = self.wanted[engine] = bench.folder / f"wanted {engine}"
            started = time.monotonic()
            bench.beside(engine).must(*self.command(out))
            # Most kills meet a cell at work, and some cells come to their end.
            self.longest[engine] = 1.5 * (time.monotonic() - started) / len(records(out))

    def command(self, out):
        return [*MATRIX, "--seeds", self.seeds, "--out", out]

    def trials(self):
        return [f"{engine}: {number}" for engine, count in self.counts.items() for number in range(count)]

    def worker(self, bench):
        def trial(name, draw):
            engine = name.split(":")[0]
            landed, faults = 0, []
            while landed < self.kills and not faults:
                out = bench.folder / "killed"
                shutil.rmtree(out, ignore_errors=True)
                here, faults = self.until_it_ends(bench.beside(engine), out, engine, draw, self.kills - landed)
                landed += here
                faults += differences(self.wanted[engine], out, one_end=False)
            return landed, faults
        return trial

    def until_it_ends(self, bench, out, engine, draw, most):
        """Kills one matrix until it ends well: (kills that landed, what is wrong)"""
        landed, done, faults = 0, {}, []
        while True:
            before = landed
            process = bench.start(*self.command(out))
            while landed < most and process.poll() is None:
                time.sleep(draw.uniform(0, self.longest[engine]))
                landed += kill(process, draw.choice(VICTIMS))
            process = ended(process)
            faults += touched(done, out)
            done = finished(out)
            if process.returncode == 0:
                return landed, faults
            # Of a cell whose engine was killed, a matrix that lives on says that it failed.
            if landed == before or process.returncode not in (-signal.SIGKILL, 3, 4):
                told = (process.stdout + process.stderr).strip()[-300:]
                return landed, [*faults, f"exit code {process.returncode}: {told}"]
