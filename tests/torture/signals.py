"""Signals that ask to stop, at random moments of every command: exit code 130 within seconds, no
process left, nothing lost."""

import os
import pathlib
import random
import re
import shutil
import signal
import time

from bench import CELL, MATRIX, Tally, differences, ended, leftovers

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2]
MARK = "TORTURE_MARK"


def courses(folder):
    """Commands by name, with the folder that holds their records."""
    out, records = folder / "out", folder / "records"
    one = ["--scenario", "A", "--policy", "fp32_true", *CELL]
    return {
        "run": (["run", *one, "--out", out], out),
        "matrix": ([*MATRIX, "--out", out], out),
        "data prepare": (["data", "prepare", "--scenario", "C", "--preset", "tiny", "--set",
                          "data.synthetic_documents=20000"], None),
        "data list": (["data", "list"], None),
        "data verify": (["data", "verify"], None),
        "plan": (["plan", *one, "--price-per-hour", 1, "--out", out], None),
        "report": (["report", "--output", folder / "report.html", records], None),
        "list": (["list", "--out", records], None),
        "show": (["show", min(records.glob("*/spec.json")).parent], None),
        "analyse": (["analyse", records], None),
        "compare": (["compare", records, records], None),
        "watch": (["watch", records], None),
        "explain": (["explain", "--replays", 0, min(records.glob("*/spec.json")).parent], None),
        "doctor": (["doctor"], None),
        "policies": (["policies"], None),
    }


def processes_with(mark):
    """Those that a command left behind."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:
            pass
    return found


def wait_for_none(mark, seconds=15):
    until = time.monotonic() + seconds
    while left := processes_with(mark):
        if time.monotonic() > until:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            return [f"{len(left)} processes left"]
        time.sleep(0.02)
    return []


def wait_until_caught(process, number):
    """A signal before `main` ends any program; from its first line on this one answers for it."""
    bit = 1 << (number - 1)
    while process.poll() is None:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        caught, blocked = (int(re.search(rf"^{name}:\t(\w+)", status, re.MULTILINE)[1], 16)
                           for name in ("SigCgt", "SigBlk"))
        if (caught | blocked) & bit:
            return
        time.sleep(0.0005)


def shoot(bench, command, number, after, mark):
    """(whether it was at work, exit code, seconds until it ended, output)"""
    process = bench.start(*command, **{MARK: mark})
    wait_until_caught(process, number)
    time.sleep(after)
    at_work = process.poll() is None
    process.send_signal(number)
    sent = time.monotonic()
    done = ended(process)
    return at_work, done.returncode, time.monotonic() - sent, done.stdout + done.stderr


def duration(bench, command):
    """And whether it ends well; some commands have nothing to say of these records."""
    started = time.monotonic()
    process = bench.run(*command)
    return time.monotonic() - started, process.returncode


class Course:
    def __init__(self, bench, name, command, out):
        self.bench, self.name, self.command, self.out = bench, name, command, out
        self.clear()
        self.seconds, self.code = duration(bench, command)
        self.undisturbed = bench.folder / f"undisturbed {name}"
        if out is not None:
            out.rename(self.undisturbed)

    def clear(self):
        if self.out is not None:
            shutil.rmtree(self.out, ignore_errors=True)
        if self.name == "data prepare":
            shutil.rmtree(self.bench.cache, ignore_errors=True)

    def shot(self, number, draw):
        """(whether the signal met it at work, what is wrong)"""
        self.clear()
        mark = f"{MARK} {draw.random()}"
        after = draw.uniform(0, self.seconds)
        at_work, code, seconds, output = shoot(self.bench, self.command, number, after, mark)
        faults = wait_for_none(mark)
        if code not in (130, self.code):
            faults.append(f"exit code {code}: {output.strip()[-200:]}")
        if at_work and seconds > 10:
            faults.append(f"{seconds:.0f} s until it ended")
        faults += self.afterwards()
        return at_work and code == 130, [f"{self.name}, {number.name} after {after:.3f} s: {fault}"
                                         for fault in faults]

    def afterwards(self):
        if self.out is None and self.name != "data prepare":
            return []
        again = self.bench.run(*self.command)
        if again.returncode != self.code:
            return [f"afterwards exit code {again.returncode}: {again.stderr.strip()[-200:]}"]
        faults = [f"{file}: left over" for file in leftovers(self.bench.cache)]
        return faults + (differences(self.undisturbed, self.out) if self.out is not None else [])


def torture(bench, seconds, seed, names=None):
    """Every command (or those with `names`) under every signal, again and again; at least one."""
    tally, draw = Tally("signals", seed), random.Random(seed)
    bench.must(*MATRIX, "--out", bench.folder / "records")
    all_courses = [Course(bench, name, command, out)
                   for name, (command, out) in courses(bench.folder).items() if names is None or name in names]
    until = time.monotonic() + seconds
    shots = [(course, number) for course in all_courses for number in SIGNALS]
    met = {course.name: 0 for course in all_courses}
    while tally.tried == 0 or time.monotonic() < until:
        draw.shuffle(shots)
        for course, number in shots:
            landed, faults = course.shot(number, draw)
            tally.tried += 1
            tally.landed += landed
            met[course.name] += landed
            tally.faults += faults
            if time.monotonic() > until:
                break
    tally.note = ", ".join(f"{name} {count}" for name, count in met.items())
    return tally
