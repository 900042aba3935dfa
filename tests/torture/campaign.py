"""Trials of a part, several at once, and what came of them, which outlasts a call.

A part is a class `Part(bench)`, made once with what nothing is done to. Its `trials()` are names,
"course: what", and `worker(bench)` is a function that makes one of them in a folder of its own:
(name, source of randomness) -> (how often something was done that met the program at work, what is
wrong then, in words).
"""

import concurrent.futures
import datetime
import json
import random
import threading
import time

from bench import Bench

SECONDS_BETWEEN_SAVES = 5


class Figures:
    """By trial: {"date", "seed", "seconds", "landed", "faults"}; and how many each course has."""

    def __init__(self, file):
        self.file = file
        kept = json.loads(file.read_text()) if file.exists() else {"all": {}, "trials": {}}
        self.all, self.trials = kept["all"], kept["trials"]
        self.faults = []  # of this call
        self.saved = time.monotonic()

    def begin(self, names):
        """Those that are left: faults are tried again."""
        for name in names:
            course = name.split(":")[0]
            self.all[course] = 0
        for name in names:
            self.all[name.split(":")[0]] += 1
        return [name for name in names if self.trials.get(name, {"faults": True})["faults"]]

    def put(self, name, seed, seconds, landed, faults):
        self.trials[name] = {"date": f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}", "seed": seed,
                             "seconds": round(seconds, 3), "landed": int(landed), "faults": faults}
        self.faults += [f"{name}: {fault}" for fault in faults]
        if time.monotonic() - self.saved > SECONDS_BETWEEN_SAVES:
            self.save()

    def save(self):
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps({"all": self.all, "trials": self.trials}, indent=0))
        new.replace(self.file)
        self.saved = time.monotonic()

    def landed(self):
        return sum(trial["landed"] for trial in self.trials.values())

    def rows(self, part):
        """A course each: part, course, trials, of how many, landed, faults, seconds."""
        for course, count in self.all.items():
            trials = [trial for name, trial in self.trials.items() if name.split(":")[0] == course]
            yield [part, course, len(trials), count, sum(trial["landed"] for trial in trials),
                   sum(len(trial["faults"]) for trial in trials),
                   round(sum(trial["seconds"] for trial in trials))]


def torture(part, program, folder, figures, seed, jobs=1, seconds=None, most=None):
    """Makes the trials that are left, in random order, until all are done, or the time is over (one
    at least), or there were so many."""
    prepared = part(Bench(program, folder / "undisturbed"))
    names = figures.begin(prepared.trials())
    random.Random(seed).shuffle(names)
    left = iter(names[:most])
    until = time.monotonic() + seconds if seconds is not None else float("inf")
    lock, over = threading.Lock(), threading.Event()

    def work(number):
        trial = prepared.worker(prepared.bench.another(folder / f"worker-{number}"))
        while not over.is_set():
            with lock:
                name = next(left, None)
            if name is None:
                return
            started = time.monotonic()
            # Its own randomness: a trial is the same one whatever came before it.
            landed, faults = trial(name, random.Random(f"{seed} {name}"))
            with lock:
                figures.put(name, seed, time.monotonic() - started, landed, faults)
            if time.monotonic() > until:
                over.set()

    try:
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            try:
                for one in [pool.submit(work, number) for number in range(jobs)]:
                    one.result()
            finally:
                over.set()  # Ctrl-C: what is under way comes to its end
    finally:
        figures.save()
