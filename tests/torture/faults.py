"""Every call on files fails once: opening, reading, writing, whole and half, fsync, rename, and so
on, wherever a command makes one. Afterwards the same command must do as if nothing had been.

What `dtbench` itself does is disturbed beside a stand-in for the engine, which starts in no time;
what the engine does, in it alone.
"""

import hashlib
import json
import re
import shutil
import signal
import time

from bench import ENGINE, MATRIX, ONE, SOURCE, STAND_IN, Bench, differences, ended, finished, leftovers, lines, touched
from shim import Faults

RETRY = 3
# What a fault is called in a message: of errno, or of zlib, which does not tell.
NAMED = re.compile("Input/output error|No space left|Cannot allocate memory|cannot be read|damage")
LONGER = ["--set", "train.steps=30"]  # enough to be stopped on the way


class Course:
    """A command, what it needs, and what must come of it, in a folder `work` made anew each time.

    makes   "runs": records; "report": a file; "cache"; "other": what differs each time
    only    the program whose calls fail; within: the folder whose files' calls do
    """

    def __init__(self, name, command, needs=(), makes=None, engine=STAND_IN, only="dtbench", within=""):
        self.name, self.command, self.needs, self.makes = name, command, needs, makes
        self.engine, self.only, self.within = engine, only, within


def run(at):
    """With a first checkpoint, and one in its place."""
    return ["run", *ONE, "--set", "train.steps=4", "--checkpoint-every", 2, "--out", at.work / "runs"]


def resumed(at):
    return ["run", *ONE, *LONGER, "--checkpoint-every", 20, "--out", at.work / "runs"]


def matrix(at, *policies):
    return ["matrix", *ONE, *policies, "--out", at.work / "runs"]


OF_THE_ENGINE = {"makes": "runs", "engine": ENGINE, "only": "dtbench-engine"}
COURSES = {course.name: course for course in (
    Course("data prepare", lambda at: ["data", "prepare", "--scenario", "C", "--preset", "tiny", "--json",
                                       "--data", at.root / "data", "--label-field", "labels"], makes="cache"),
    Course("data list", lambda _: ["data", "list", "--json"], ["cache"]),
    Course("data verify", lambda _: ["data", "verify", "--json"], ["cache"]),
    Course("list", lambda at: ["list", "--json", "--out", at.work / "runs"], ["records"]),
    Course("show", lambda at: ["show", at.first_run(), "--json"], ["records"]),
    Course("analyse", lambda at: ["analyse", "--json", at.work / "runs"], ["records"]),
    Course("compare", lambda at: ["compare", at.work / "runs", at.work / "runs"], ["records"]),
    Course("report", lambda at: ["report", "--format", "json", "--output", at.work / "report", at.work / "runs"],
           ["records"], makes="report"),
    Course("policies", lambda _: ["policies"]),
    Course("run", run, ["cache"], makes="runs"),
    Course("run resumed", resumed, ["cache", f"stopped {STAND_IN}"], makes="runs"),
    Course("matrix", lambda at: matrix(at, "--policy", "bf16_pure"), ["cache"], makes="runs"),
    Course("plan", lambda at: ["plan", *ONE, "--price-per-hour", 1, "--out", at.work / "runs"], ["cache"],
           makes="other"),
    Course("engine", run, ["cache"], **OF_THE_ENGINE),
    Course("engine resumed", resumed, ["cache", f"stopped {ENGINE}"], **OF_THE_ENGINE),
    Course("engine of a matrix", matrix, ["cache"], **OF_THE_ENGINE),
    Course("engine's first peak", run, ["cache without peaks"], within="work/cache/peaks", **OF_THE_ENGINE))}


class Ground:
    """A folder whose files' calls may fail, and in it `work`, which is made anew for each trial."""

    def __init__(self, bench, kept):
        self.root, self.kept = bench.folder / "root", kept
        self.root.mkdir(parents=True)
        self.work = self.root / "work"
        self.faults = Faults(bench.folder, self.root)
        self.benches = {}
        for engine in (ENGINE, STAND_IN):  # its files are no part of this ground
            self.benches[engine] = Bench(bench.beside(engine).program, self.root)
            self.benches[engine].cache = self.work / "cache"
        shutil.copytree(SOURCE / "configs", self.root / "configs")
        (self.root / "data").mkdir()
        for split, count in (("train", 60), ("validation", 12)):
            (self.root / "data" / f"{split}.jsonl").write_text("".join(
                json.dumps({"text": f"{split} document {i} of many words", "labels": [str(i % 5)]}) + "\n"
                for i in range(count)))

    def start(self, course, **changes):
        return self.benches[course.engine].start(*course.command(self), DTBENCH_CONFIGS=str(self.root / "configs"),
                                                 **changes)

    def anew(self, needs):
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        for need in needs:
            shutil.copytree(self.kept / need, self.work, dirs_exist_ok=True)

    def first_run(self):
        return min(run.parent for run in self.work.glob("runs/*/spec.json"))

    def run(self, course, kind=None, number=0):
        self.faults.arm(kind, number)
        return ended(self.start(course, **self.faults.environment(course.only, course.within)))

    def steady(self, text):
        """Output without times of the moment and the place of this ground."""
        return re.sub(r'"(age_s|at|generated_at)": [^,\n]+', "", text.replace(str(self.root), ""))

    def made(self, course):
        """What a command made, to compare with; records are compared by their numbers."""
        return self.steady((self.work / "report").read_text()) if course.makes == "report" else None

    def digest(self):
        """Of every file that a trial may have left otherwise than it was."""
        sum_of_all = hashlib.sha256()
        for path in sorted(self.work.rglob("*")):
            content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            sum_of_all.update(f"{path.relative_to(self.work)}\n{content}\n".encode())
        return sum_of_all.digest()


def keep(ground):
    """What trials are made from, by the program itself: stores, records, runs with a checkpoint."""
    def take(name):
        shutil.copytree(ground.work, ground.kept / name)

    def must(course, needs, *signals):
        ground.anew(needs)
        process = ground.start(course, STAND_IN='{"A fp32_true": "wait"}' if signals else "{}")
        for number in signals:
            while process.poll() is None and not any(
                    len(lines(steps)) >= 2 for steps in ground.work.glob("runs/*/steps.jsonl")):
                time.sleep(0.001)
            process.send_signal(number)
        return ended(process).returncode

    everything = Course("", lambda at: [*MATRIX, "--out", at.work / "runs"], engine=ENGINE)
    assert must(everything, []) == 0
    (ground.kept / "cache").mkdir(parents=True)
    shutil.move(ground.work / "cache", ground.kept / "cache")
    take("records")
    shutil.copytree(ground.kept / "cache/cache/stores", ground.kept / "cache without peaks/cache/stores")
    for engine in (ENGINE, STAND_IN):
        while must(Course("", resumed, engine=engine), ["cache"], signal.SIGTERM) != 130:
            pass  # it had come to its end
        shutil.rmtree(ground.work / "cache")
        take(f"stopped {engine}")


class Undisturbed:
    """What a course makes and says, and its calls."""

    def __init__(self, ground, course):
        ground.anew(course.needs)
        # Where it begins, the command is known to do well: where a fault left this state, too.
        self.good_states = {ground.digest()}
        process = ground.run(course)
        assert process.returncode == 0, process.stdout + process.stderr
        self.output, self.made = ground.steady(process.stdout), ground.made(course)
        self.calls = ground.faults.calls()
        self.wanted = ground.kept / f"wanted {course.name}"
        if course.makes == "runs":
            shutil.copytree(ground.work / "runs", self.wanted)


class Trial:
    def __init__(self, ground, course, undisturbed):
        self.ground, self.course, self.undisturbed = ground, course, undisturbed

    def at(self, kind, number):
        """(whether the fault was met, what is wrong then)"""
        self.ground.anew(self.course.needs)
        process = self.ground.run(self.course, kind, number)
        if not self.ground.faults.landed():
            return False, []
        where = self.ground.faults.what().replace(str(self.ground.root), "")
        faults = self.wrong_end(process, kind)
        state = self.ground.digest()
        if state not in self.undisturbed.good_states:
            later = self.wrong_afterwards()
            faults += later
            if not later:
                self.undisturbed.good_states.add(state)
        return True, [f"{where}: {fault}" for fault in faults]

    def wrong_end(self, process, kind):
        told = process.stdout + process.stderr
        if process.returncode == 0:
            same = self.course.makes is not None or self.ground.steady(process.stdout) == self.undisturbed.output
            return [] if same or NAMED.search(told) else ["exit code 0 with another answer, which does not say why"]
        if process.returncode != RETRY and not (process.returncode == 4 and kind == "map"):
            return [f"exit code {process.returncode}: {told.strip()[-300:]}"]
        return [] if NAMED.search(told) else [f"does not say why: {told.strip()[-300:]}"]

    def wrong_afterwards(self):
        runs = self.ground.work / "runs"
        done = finished(runs)
        again = self.ground.run(self.course)
        if again.returncode != 0:
            return [f"afterwards exit code {again.returncode}: {(again.stdout + again.stderr).strip()[-300:]}"]
        faults = [f"{file}: left over" for file in leftovers(self.ground.work)]
        if self.course.makes == "runs":
            return faults + touched(done, runs) + differences(self.undisturbed.wanted, runs, one_end=False)
        if self.course.makes != "other" and self.ground.steady(again.stdout) != self.undisturbed.output:
            faults.append("afterwards another answer")
        if self.ground.made(self.course) != self.undisturbed.made:
            faults.append("afterwards another result")
        return faults


class Part:
    def __init__(self, bench, courses=tuple(COURSES)):
        self.bench = bench
        ground = Ground(bench, bench.folder / "kept")
        keep(ground)
        self.undisturbed = {name: Undisturbed(ground, COURSES[name]) for name in courses}

    def trials(self):
        return [f"{name}: {kind} {number}" for name, undisturbed in self.undisturbed.items()
                for kind, count in undisturbed.calls.items() for number in range(1, count + 1)]

    def worker(self, bench):
        ground = Ground(bench, self.bench.folder / "kept")

        def trial(name, _):
            course, point = name.split(": ")
            kind, number = point.rsplit(" ", 1)
            return Trial(ground, COURSES[course], self.undisturbed[course]).at(kind, int(number))
        return trial
