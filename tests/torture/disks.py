"""Disks that are full, at every size, and disks that are read-only."""

import contextlib
import os
import shutil
import subprocess

from bench import ENGINE, MATRIX, ONE, STAND_IN, differences, finished, leftovers, touched

PAGE = 4           # KiB: sizes of a tmpfs differ by pages
COARSE = 512       # KiB, from where not every size is tried
LARGEST = 1 << 20  # KiB: everything fits


class Cannot(Exception):
    """This user may not mount a file system."""


@contextlib.contextmanager
def disk(folder, kibibytes):
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", folder],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Cannot(done.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def remount(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def used(folder):
    status = os.statvfs(folder)
    return (status.f_blocks - status.f_bfree) * status.f_frsize // 1024


def sizes_to(largest):
    """Each one, as long as files are small; a large one fails in many places alike."""
    return [*range(2 * PAGE, min(largest, COARSE), PAGE), *range(COARSE, largest, COARSE)]


class Course:
    """A command whose files, or those that it makes, are on the disk."""

    def __init__(self, name, engine, command, runs=None, cache=None):
        self.name, self.engine, self.command, self.runs, self.cache = name, engine, command, runs, cache

    def run(self, bench):
        place = bench.folder / "disk"
        changes = {"DTBENCH_CACHE": str(place / self.cache)} if self.cache else {}
        return bench.beside(self.engine).run(*self.command(bench, place), **changes)


def run(_, place):
    return ["run", *ONE, "--checkpoint-every", 1, "--keep-checkpoint", "--out", place / "runs"]


COURSES = {course.name: course for course in (
    Course("run", ENGINE, run, runs="runs"),
    Course("matrix", STAND_IN, lambda _, place: [*MATRIX, "--out", place / "runs"], runs="runs"),
    Course("report", STAND_IN, lambda bench, place: ["report", "--output", place / "report.html",
                                                     bench.folder / "records"]),
    Course("data prepare", STAND_IN, lambda *_: ["data", "prepare", "--scenario", "C", "--preset", "tiny"],
           cache="cache"))}


def wrong_end(process, code, words):
    told = process.stdout + process.stderr
    if process.returncode == 0 or process.returncode == code and words in told.lower():
        return []
    return [f"exit code {process.returncode}: {told.strip()[-300:]}"]


class Part:
    def __init__(self, bench, courses=tuple(COURSES)):
        self.bench, self.wanted, self.sizes = bench, {}, {}
        self.records = bench.folder / "records"
        bench.beside(STAND_IN).must(*MATRIX, "--out", self.records)
        place = bench.folder / "disk"
        for course in map(COURSES.get, courses):
            with disk(place, LARGEST):
                process = course.run(bench)
                assert process.returncode == 0, process.stderr
                # Half-written files come on top of what remains.
                self.sizes[course.name] = sizes_to(2 * used(place))
                if course.runs:
                    self.wanted[course.name] = bench.folder / f"wanted {course.name}"
                    shutil.copytree(place / course.runs, self.wanted[course.name])

    def trials(self):
        return [f"{name}: {size} KiB" for name, sizes in self.sizes.items() for size in sizes] + [
            f"{name}: read-only" for name in self.sizes]

    def worker(self, bench):
        shutil.copytree(self.records, bench.folder / "records")

        def trial(name, _):
            course, what = name.split(": ")
            return self.at(bench, COURSES[course], what)
        return trial

    def at(self, bench, course, what):
        """(whether it did not fit, what is wrong then)"""
        place = bench.folder / "disk"
        read_only = what == "read-only"
        with disk(place, LARGEST if read_only else int(what.split()[0])):
            if read_only:
                remount(place, "ro")
            process = course.run(bench)
            faults = wrong_end(process, *((4, "read-only file system") if read_only else (3, "no space left")))
            remount(place, f"rw,size={LARGEST}k")
            return process.returncode != 0, faults + self.afterwards(bench, course, place)

    def afterwards(self, bench, course, place):
        runs = place / course.runs if course.runs else None
        done = finished(runs) if runs else None
        again = course.run(bench)
        if again.returncode != 0:
            return [f"afterwards exit code {again.returncode}: {again.stderr.strip()[-300:]}"]
        faults = [f"{file}: left over" for file in leftovers(place)]
        if runs:
            faults += touched(done, runs) + differences(self.wanted[course.name], runs, one_end=False)
        return faults
