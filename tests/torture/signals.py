"""Signals that ask to stop, at random moments of every command: exit code 130 within seconds, no
process left, nothing lost."""

import os
import pathlib
import re
import shutil
import signal
import time

from bench import ENGINE, MATRIX, ONE, STAND_IN, differences, ended, leftovers

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2]
TRIALS = 10   # of a command under a signal
SECONDS = 10  # until it has ended
MARK = "TORTURE_MARK"


def first_run(bench):
    return min((bench.folder / "records").glob("*/spec.json")).parent


class Course:
    def __init__(self, name, command, engine=ENGINE, runs=None, prepares=False):
        self.name, self.command, self.engine, self.runs, self.prepares = name, command, engine, runs, prepares

    def start(self, bench, **changes):
        return bench.beside(self.engine).start(*self.command(bench), **changes)

    def clear(self, bench):
        if self.runs:
            shutil.rmtree(bench.folder / self.runs, ignore_errors=True)
        if self.prepares:
            shutil.rmtree(bench.cache / "stores", ignore_errors=True)


COURSES = {course.name: course for course in (
    Course("run", lambda at: ["run", *ONE, "--out", at.folder / "out"], runs="out"),
    Course("matrix", lambda at: [*MATRIX, "--out", at.folder / "out"], runs="out"),
    Course("matrix beside a stand-in", lambda at: [*MATRIX, "--out", at.folder / "out"], STAND_IN, runs="out"),
    Course("data prepare", lambda at: ["data", "prepare", "--scenario", "C", "--preset", "tiny", "--set",
                                       "data.synthetic_documents=20000"], prepares=True),
    Course("data list", lambda _: ["data", "list"]),
    Course("data verify", lambda _: ["data", "verify"]),
    Course("plan", lambda at: ["plan", *ONE, "--price-per-hour", 1, "--out", at.folder / "out"], runs="out"),
    Course("report", lambda at: ["report", "--output", at.folder / "report.html", at.folder / "records"]),
    Course("list", lambda at: ["list", "--out", at.folder / "records"]),
    Course("show", lambda at: ["show", first_run(at)]),
    Course("analyse", lambda at: ["analyse", at.folder / "records"]),
    Course("compare", lambda at: ["compare", at.folder / "records", at.folder / "records"]),
    Course("watch", lambda at: ["watch", at.folder / "records"]),
    Course("explain", lambda at: ["explain", "--again", "--replays", 0, first_run(at)]),
    Course("doctor", lambda _: ["doctor"]),
    Course("policies", lambda _: ["policies"]))}


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


def shoot(process, number, after):
    """(whether it was at work, exit code, seconds until it ended, output)"""
    wait_until_caught(process, number)
    time.sleep(after)
    at_work = process.poll() is None
    process.send_signal(number)
    sent = time.monotonic()
    done = ended(process)
    return at_work, done.returncode, time.monotonic() - sent, done.stdout + done.stderr


class Part:
    def __init__(self, bench, courses=tuple(COURSES)):
        self.bench, self.seconds, self.codes = bench, {}, {}
        bench.must(*MATRIX, "--out", bench.folder / "records")
        for name in courses:
            course = COURSES[name]
            course.clear(bench)
            started = time.monotonic()
            # Some commands have nothing to say of these records.
            self.codes[name] = ended(course.start(bench)).returncode
            self.seconds[name] = time.monotonic() - started
            if course.runs:
                (bench.folder / course.runs).rename(self.wanted(course))

    def wanted(self, course):
        return self.bench.folder / f"wanted {course.name}"

    def trials(self):
        return [f"{name}: {number.name} {i}" for name in self.seconds for number in SIGNALS for i in range(TRIALS)]

    def worker(self, bench):
        shutil.copytree(self.bench.folder / "records", bench.folder / "records")

        def trial(name, draw):
            course, what = name.split(": ")
            return self.shot(bench, COURSES[course], signal.Signals[what.split()[0]], draw)
        return trial

    def shot(self, bench, course, number, draw):
        """(whether it ended the command, what is wrong)"""
        course.clear(bench)
        mark = f"{MARK} {draw.random()}"
        after = draw.uniform(0, self.seconds[course.name])
        at_work, code, seconds, output = shoot(course.start(bench, **{MARK: mark}), number, after)
        faults = wait_for_none(mark)
        if code not in (130, self.codes[course.name]):
            faults.append(f"exit code {code}: {output.strip()[-200:]}")
        if at_work and seconds > SECONDS:
            faults.append(f"{seconds:.0f} s until it ended")
        faults += self.afterwards(bench, course)
        return at_work and code == 130, [f"after {after:.3f} s: {fault}" for fault in faults]

    def afterwards(self, bench, course):
        if not course.runs and not course.prepares:
            return []
        again = ended(course.start(bench))
        if again.returncode != self.codes[course.name]:
            return [f"afterwards exit code {again.returncode}: {again.stderr.strip()[-200:]}"]
        faults = [f"{file}: left over" for file in leftovers(bench.cache)]
        return faults + (differences(self.wanted(course), bench.folder / course.runs) if course.runs else [])
