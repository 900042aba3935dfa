"""Four processes on one folder, whose clocks are wrong in different ways, and one of which dies now
and then."""

import random
import shutil
import time

from bench import MATRIX, Tally, differences, ended
from shim import preload

CLOCKS = ["-100000000", "100000000", "jump", "0"]


def together(bench, command, shim, draw):
    """(those that were killed, faults)"""
    processes = [bench.start(*command, LD_PRELOAD=str(shim), TORTURE_CLOCK=clock) for clock in CLOCKS]
    time.sleep(draw.uniform(0.5, 4))
    victim = draw.choice(processes)
    landed = victim.poll() is None
    victim.kill()
    faults = []
    for process in processes:
        done = ended(process)
        if process is not victim and done.returncode != 0:
            faults.append(f"one of four: exit code {done.returncode}: {done.stderr[-300:]}")
    return landed, faults


def torture(bench, seconds, seed, seeds=4):
    tally, draw = Tally("clocks", seed), random.Random(seed)
    until = time.monotonic() + seconds
    shim = preload(bench.folder)
    undisturbed = bench.folder / "undisturbed"
    bench.must(*MATRIX, "--seeds", seeds, "--out", undisturbed)
    while tally.tried == 0 or time.monotonic() < until:
        out = bench.folder / "together"
        landed, faults = together(
            bench, [*MATRIX, "--seeds", seeds, "--out", out, "--lease-seconds", 5], shim, draw)
        tally.tried += 1
        tally.landed += landed
        tally.faults += faults + differences(undisturbed, out)
        shutil.rmtree(out)
    tally.note = f"four processes each time, clocks {', '.join(CLOCKS)} s wrong; landed: one killed"
    return tally
