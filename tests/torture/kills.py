"""SIGKILLs at random moments of a matrix of real cells."""

import os
import pathlib
import random
import shutil
import signal
import time

from bench import MATRIX, Tally, differences, ended

LONGEST = 1.5  # seconds until a kill: about a cell, so that most kills meet one at work
SEEDS = 3      # twelve cells: trained once, then killed again and again, each time from the start


def children(pid):
    try:
        return [int(child) for child in
                pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def kill(process, with_engines):
    """Whether it was there to be killed. Alone, or together with its engines: one that outlives the
    matrix saves a checkpoint."""
    engines = children(process.pid)
    process.kill()
    if with_engines:
        for engine in engines:
            try:
                os.kill(engine, signal.SIGKILL)
            except ProcessLookupError:
                pass
    process.communicate()
    return process.returncode == -signal.SIGKILL


def campaign(bench, out, draw, most, until):
    """Kills one matrix until it ends: (kills that landed, those that met an engine at work)."""
    command = [*MATRIX, "--seeds", SEEDS, "--out", out]
    landed = at_work = 0
    while landed < most and time.monotonic() < until:
        process = bench.start(*command)
        time.sleep(draw.uniform(0, LONGEST))
        working = bool(children(process.pid))
        if not kill(process, with_engines=draw.random() < 0.5):
            break  # it had come to its end
        landed += 1
        at_work += working
    bench.must(*command)
    return landed, at_work


def torture(bench, seconds, seed, most=10**9):
    """Until the time is over or `most` kills landed."""
    tally, draw = Tally("kills", seed), random.Random(seed)
    until = time.monotonic() + seconds
    undisturbed = bench.folder / "undisturbed"
    bench.must(*MATRIX, "--seeds", SEEDS, "--out", undisturbed)
    at_work = 0
    while tally.landed < most and (time.monotonic() < until or tally.landed == 0):
        killed = bench.folder / "killed"
        landed, working = campaign(bench, killed, draw, most - tally.landed, max(until, time.monotonic() + LONGEST))
        tally.faults += differences(undisturbed, killed)
        tally.landed += landed
        at_work += working
        shutil.rmtree(killed)
    tally.tried = tally.landed
    tally.note = f"{at_work} while an engine was at work"
    return tally
