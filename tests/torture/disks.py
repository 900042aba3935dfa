"""Disks that are full, at every size, and disks that are read-only."""

import contextlib
import random
import shutil
import subprocess
import time

from bench import CELL, MATRIX, Tally, differences, leftovers

SMALLEST, LARGEST = 8, 3000  # KiB: a matrix of four cells fits into the last


class Cannot(Exception):
    pass


@contextlib.contextmanager
def disk(folder, kibibytes):
    """A file system of this size (tmpfs), if this user may mount one."""
    folder.mkdir(exist_ok=True)
    options = f"size={kibibytes}k"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True,
                          text=True, check=False)
    if done.returncode != 0:
        raise Cannot(done.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def remount(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def commands(folder):
    place = folder / "disk"
    out = place / "runs"
    return {
        "run": (["run", "--scenario", "A", "--policy", "fp32_true", *CELL, "--checkpoint-every", 1,
                 "--out", out], out),
        "matrix": ([*MATRIX, "--out", out], out),
        "report": (["report", "--output", place / "report.html", folder / "records"], None),
        "data prepare": (["data", "prepare", "--scenario", "C", "--preset", "tiny"], None),
    }


def wrong(process, code, words):
    told = process.stdout + process.stderr
    if process.returncode == 0:
        return []
    if process.returncode != code or not any(word in told for word in words):
        return [f"exit code {process.returncode}: {told.strip()[-300:]}"]
    return []


class Course:
    def __init__(self, bench, name, command, out):
        self.bench, self.name, self.command, self.out = bench, name, command, out
        self.place = bench.folder / "disk"
        self.wanted = bench.folder / f"wanted {name}"
        with disk(self.place, 1 << 20):
            self.run()
            if out is not None:
                shutil.copytree(out, self.wanted)

    def run(self):
        # The store's folder is on the disk only where it is what the command makes.
        cache = {"DTBENCH_CACHE": str(self.place / "cache")} if self.name == "data prepare" else {}
        return self.bench.run(*self.command, **cache)

    def full(self, kibibytes):
        """(whether it was too small, what is wrong)"""
        with disk(self.place, kibibytes):
            process = self.run()
            faults = wrong(process, 3, ["No space left", "no space left"])
            remount(self.place, "size=1g")
            return process.returncode != 0, self.told(f"{kibibytes} KiB", faults + self.afterwards())

    def read_only(self):
        with disk(self.place, 1 << 20):
            remount(self.place, "ro")
            process = self.run()
            faults = wrong(process, 4, ["Read-only file system"])
            remount(self.place, "rw")
            return process.returncode != 0, self.told("read-only", faults + self.afterwards())

    def afterwards(self):
        again = self.run()
        if again.returncode != 0:
            return [f"afterwards exit code {again.returncode}: {again.stderr.strip()[-300:]}"]
        faults = [f"{file}: left over" for file in leftovers(self.place)]
        return faults + (differences(self.wanted, self.out) if self.out is not None else [])

    def told(self, what, faults):
        return [f"{self.name}, {what}: {fault}" for fault in faults]


def torture(bench, seconds, seed):
    tally, draw = Tally("disks", seed), random.Random(seed)
    bench.must(*MATRIX, "--out", bench.folder / "records")
    try:
        courses = [Course(bench, name, command, out)
                   for name, (command, out) in commands(bench.folder).items()]
    except Cannot as why:
        tally.note = f"not done: {why}"
        return tally
    until = time.monotonic() + seconds
    for course in courses:
        trials = [course.read_only]
        while trials:
            landed, faults = trials.pop()()
            tally.tried += 1
            tally.landed += landed
            tally.faults += faults
    while time.monotonic() < until:
        course = draw.choice(courses)
        size = round(SMALLEST * (LARGEST / SMALLEST) ** draw.random())
        landed, faults = course.full(size)
        tally.tried += 1
        tally.landed += landed
        tally.faults += faults
    tally.note = f"tmpfs of {SMALLEST} to {LARGEST} KiB, and read-only; landed: the disk was too small"
    return tally
