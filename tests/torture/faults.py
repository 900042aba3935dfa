"""Every call on files fails once: opening, reading, writing, whole and half, fsync, rename, and so
on, wherever a command makes one. Afterwards the same command must do as if nothing had been."""

import json
import random
import re
import shutil
import signal
import time

from bench import CELL, MATRIX, PATIENCE, SOURCE, Bench, Tally, differences, ended, leftovers, lines
from shim import Faults

ONE = ["--scenario", "A", "--policy", "fp32_true"]
RETRY = 3
# What a fault is called in a message: of errno, or of zlib, which does not tell.
NAMED = re.compile("Input/output error|No space left|Cannot allocate memory|cannot be read|damage")


class Course:
    """A command, what it needs, and what must come of it. `work` is a folder made anew each time."""

    def __init__(self, name, command, needs=(), makes=None):
        self.name, self.command, self.needs, self.makes = name, command, needs, makes


COURSES = [
    Course("data prepare", lambda at: ["data", "prepare", "--scenario", "C", "--preset", "tiny", "--json",
                                       "--data", at.root / "data", "--label-field", "labels"], makes="cache"),
    Course("list", lambda at: ["list", "--json", "--out", at.work / "runs"], ["records"]),
    Course("show", lambda at: ["show", at.first_run(), "--json"], ["records"]),
    Course("analyse", lambda at: ["analyse", "--json", at.work / "runs"], ["records"]),
    Course("report", lambda at: ["report", "--format", "json", "--output", at.work / "report", at.work / "runs"],
           ["records"], makes="report"),
    Course("run", lambda at: ["run", *ONE, *CELL, "--checkpoint-every", 1, "--out", at.work / "runs"],
           ["cache"], makes="runs"),
    Course("run, resumed", lambda at: ["run", *ONE, *CELL, "--set", "train.steps=6", "--checkpoint-every", 1,
                                       "--out", at.work / "runs"], ["cache", "checkpoint"], makes="runs"),
    Course("matrix", lambda at: [*MATRIX[:-6], "--scenario", "A", "--policy", "fp32_true", "--policy",
                                 "bf16_pure", "--out", at.work / "runs"], ["cache"], makes="runs"),
]


class Ground:
    """A folder whose files' calls may fail, and in it one for each trial."""

    def __init__(self, program, folder):
        self.root = folder / "root"
        self.root.mkdir(parents=True)
        self.work = self.root / "work"
        self.kept = folder / "kept"  # outside of it: what trials are made from
        self.kept.mkdir()
        self.faults = Faults(folder, self.root)
        self.bench = Bench(program, self.root)
        self.bench.cache = self.work / "cache"
        shutil.copytree(SOURCE / "configs", self.root / "configs")
        (self.root / "data").mkdir()
        for split, count in (("train", 60), ("validation", 12)):
            (self.root / "data" / f"{split}.jsonl").write_text("".join(
                json.dumps({"text": f"{split} document {i} of many words", "labels": [str(i % 5)]}) + "\n"
                for i in range(count)))
        self.make_kept()

    def make_kept(self):
        """The cache of a store, records, and a run with a checkpoint, by the program itself."""
        self.anew([])
        self.must(["data", "prepare", "--scenario", "A", "--preset", "tiny"])
        shutil.copytree(self.work / "cache", self.kept / "cache")
        self.must([*MATRIX, "--out", self.work / "runs"])
        (self.kept / "records").mkdir()
        shutil.copytree(self.work / "runs", self.kept / "records" / "runs")
        self.keep_checkpoint()

    def keep_checkpoint(self):
        [resumed] = [course for course in COURSES if course.name == "run, resumed"]
        while True:
            self.anew(["cache"])
            process = self.bench.start(*resumed.command(self), **self.environment())
            while process.poll() is None and not any(
                    len(lines(steps)) >= 3 for steps in self.work.glob("runs/*/steps.jsonl")):
                time.sleep(0.002)
            process.send_signal(signal.SIGTERM)
            if ended(process).returncode == 130:
                break
        (self.kept / "checkpoint").mkdir()
        shutil.copytree(self.work / "runs", self.kept / "checkpoint" / "runs")

    def environment(self):
        return {"DTBENCH_CONFIGS": str(self.root / "configs")}

    def must(self, arguments):
        return self.bench.must(*arguments, **self.environment())

    def anew(self, needs):
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        for need in needs:
            shutil.copytree(self.kept / need, self.work if need != "cache" else self.work / "cache",
                            dirs_exist_ok=True)

    def first_run(self):
        return min(run.parent for run in self.work.glob("runs/*/spec.json"))

    def run(self, course, kind=None, number=0):
        self.faults.arm(kind, number)
        return self.bench.run(*course.command(self), **self.environment(), **self.faults.environment())


def outcome(ground, course):
    """What a command made, to compare with; records by their numbers."""
    if course.makes == "report":
        return json.loads((ground.work / "report").read_text())
    return None


def steady(text):
    """Output without times of the moment."""
    return re.sub(r'"(age_s|at|generated_at)": [^,\n]+', "", text)


class Trial:
    def __init__(self, ground, course):
        self.ground, self.course = ground, course
        ground.anew(course.needs)
        process = ground.run(course)
        assert process.returncode == 0, process.stderr
        self.output = steady(process.stdout)
        self.made = outcome(ground, course)
        self.calls = ground.faults.calls()
        self.wanted = ground.kept / f"wanted {course.name}"
        if course.makes == "runs":
            shutil.copytree(ground.work / "runs", self.wanted)

    def points(self):
        return [(kind, number) for kind, count in self.calls.items() for number in range(1, count + 1)]

    def at(self, kind, number):
        """(whether the fault was met, what is wrong then)"""
        self.ground.anew(self.course.needs)
        process = self.ground.run(self.course, kind, number)
        if not self.ground.faults.landed():
            return False, []
        where = self.ground.faults.what().replace(str(self.ground.root), "")
        faults = self.wrong_end(process, kind) + self.wrong_afterwards()
        return True, [f"{self.course.name}, {kind} {number} ({where}): {fault}" for fault in faults]

    def wrong_end(self, process, kind):
        told = process.stdout + process.stderr
        if process.returncode == 0:
            same = self.course.makes is not None or steady(process.stdout) == self.output
            return [] if same or NAMED.search(told) else ["exit code 0 with another answer, which does not say why"]
        if process.returncode != RETRY and not (process.returncode == 4 and kind == "map"):
            return [f"exit code {process.returncode}: {told.strip()[-300:]}"]
        return [] if NAMED.search(told) else [f"does not say why: {told.strip()[-300:]}"]

    def wrong_afterwards(self):
        again = self.ground.run(self.course)
        if again.returncode != 0:
            return [f"afterwards exit code {again.returncode}: {(again.stdout + again.stderr).strip()[-300:]}"]
        faults = [f"{file}: left over" for file in leftovers(self.ground.work)]
        if self.course.makes == "runs":
            return faults + differences(self.wanted, self.ground.work / "runs")
        if self.course.makes != "runs" and steady(again.stdout) != self.output:
            faults.append("afterwards another answer")
        if outcome(self.ground, self.course) != self.made:
            faults.append("afterwards another result")
        return faults


def torture(bench, seconds, seed, courses=COURSES):
    """Every point once, in random order, as long as the time lasts; a share of it for each course."""
    tally, draw = Tally("faults", seed), random.Random(seed)
    ground = Ground(bench.program, bench.folder)
    counts = []
    started = time.monotonic()
    for place, course in enumerate(courses, 1):
        trial = Trial(ground, course)
        points = trial.points()
        draw.shuffle(points)
        met = 0
        for kind, number in points:
            if time.monotonic() > started + seconds * place / len(courses) and met > 0:
                break
            landed, faults = trial.at(kind, number)
            tally.tried += 1
            met += landed
            tally.faults += faults
        tally.landed += met
        counts.append(f"{course.name} {met} of {len(points)}")
    tally.note = ", ".join(counts)
    return tally
