#!/usr/bin/env python3
"""What each step of `dtbench matrix` asks of a file system: counted in real processes, for the
simulation (scale.cpp), which reads it from costs.json.

    bench/scale/counts.py --program build/test/bin/dtbench --write     counts, and writes costs.json
    bench/scale/counts.py --program ... --compare build/test/bin/scale real runs beside simulated ones
    bench/scale/counts.py --storage FOLDER                             times the operations there

A cell only waits (waiting_engine.c). Calls are counted by count.c, which also makes every process
take itself for another machine's, as on a cluster.
"""

import argparse
import collections
import ctypes
import json
import mmap
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
COSTS = SOURCE / "bench/scale/costs.json"
KINDS = ["open", "stat", "list", "read", "write", "sync", "rename", "make", "remove", "lock"]
AREAS = ["lease", "account", "record", "other"]  # what the files are for
QUIET = ["--lease-seconds", 3600]  # no heartbeat comes between


class Counts(collections.Counter):
    """By (area, kind)."""

    def __sub__(self, other):
        return Counts({key: self[key] - other[key] for key in self.keys() | other.keys()
                       if self[key] != other[key]})

    def scaled(self, factor):
        return Counts({key: count * factor for key, count in self.items()})

    def of(self, *areas):
        return Counts({key: count for key, count in self.items() if key[0] in areas})

    def kinds(self):
        sums = collections.Counter()
        for (_, kind), count in self.items():
            sums[kind] += count
        return {kind: round(sums[kind], 3) for kind in KINDS if round(sums[kind], 3)}


class Ground:
    """A folder with dtbench beside an engine that waits, and what its processes asked for."""

    def __init__(self, program, folder):
        self.folder = pathlib.Path(folder).resolve()
        installed = self.folder / "installed"
        installed.mkdir(parents=True)
        self.program = pathlib.Path(shutil.copy(program, installed / "dtbench"))
        self.library = installed / "count.so"
        here = SOURCE / "bench/scale"
        for command in (["-shared", "-fPIC", "-o", self.library, here / "count.c"],
                        ["-o", installed / "dtbench-engine", here / "waiting_engine.c"]):
            subprocess.run(["cc", "-O1", "-Wall", "-Werror", *command], check=True)
        file = self.folder / "counts"
        file.write_bytes(bytes(ctypes.sizeof(ctypes.c_long) * len(AREAS) * len(KINDS)))
        with file.open("r+b") as opened:
            self.memory = mmap.mmap(opened.fileno(), 0)
        self.table = (ctypes.c_long * len(KINDS) * len(AREAS)).from_buffer(self.memory)
        self.finish(self.start("warm", 1))  # the cache of data

    def start(self, out, cells, seconds=0.0, more=(), counted=True, gated=False):
        """A process. Its cells take so long, or until they are let go."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DTBENCH_")}
        out = self.folder / out
        environment = kept | {"DTBENCH_CONFIGS": str(SOURCE / "configs"),
                              "DTBENCH_CACHE": str(self.folder / "cache"), "SCALE_CELL_S": str(seconds)}
        if gated:
            environment["SCALE_GATED"] = "yes"
        if counted:
            environment |= {"LD_PRELOAD": str(self.library), "SCALE_ROOT": str(out),
                            "SCALE_COUNTS": str(self.folder / "counts")}
        command = [self.program, "matrix", "--scenario", "A", "--policy", "fp32_true", "--preset", "tiny",
                   "--steps", 1, "--seeds", cells, "--out", out, "--json", *more]
        return subprocess.Popen(list(map(str, command)), env=environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self, process):
        output, errors = process.communicate()
        if process.returncode != 0 or set(json.loads(output)["counts"]) != {"done"}:
            raise SystemExit(f"matrix: exit code {process.returncode}\n{output[-2000:]}{errors[-2000:]}")

    def clear(self):
        ctypes.memset(self.table, 0, ctypes.sizeof(self.table))

    def counts(self):
        return Counts({(area, kind): count for area, row in zip(AREAS, self.table)
                       for kind, count in zip(KINDS, row) if count})

    def wait_for(self, condition):
        while not condition():
            time.sleep(0.02)
        self.settled()

    def settled(self):
        """The counts, once they stand still for half a second."""
        while True:
            before = self.counts()
            time.sleep(0.5)
            if self.counts() == before:
                return before

    def at_work(self, out, cells):
        """Waits until the engine works on so many cells, or has: the counts then."""
        folder = self.folder / out
        while len(list(folder.glob("*/steps.jsonl"))) < cells:
            time.sleep(0.02)
        return self.settled()

    def let_go(self, out):
        for steps in (self.folder / out).glob("*/steps.jsonl"):
            (steps.parent / "go").touch()


def count_cells(ground):
    """(before the first cell of eleven, and of three; from the middle of a cell to that of the next;
    from the middle of the last to the end, of one and of three)."""
    def begin(out, cells):
        ground.clear()
        process = ground.start(out, cells, more=QUIET, gated=True)
        return process, ground.at_work(out, 1)

    process, before_eleven = begin("eleven", 11)
    process.send_signal(signal.SIGINT)
    process.communicate()
    process, middle = begin("one", 1)
    ground.let_go("one")
    ground.finish(process)
    end_of_one = ground.counts() - middle
    process, before_three = begin("three", 3)
    middles = [before_three]
    for cell in (2, 3):
        ground.let_go("three")
        middles.append(ground.at_work("three", cell))
    ground.let_go("three")
    ground.finish(process)
    return before_eleven, before_three, middles[2] - middles[1], end_of_one, ground.counts() - middles[2]


def count_beats(ground):
    ground.clear()
    process = ground.start("beats", 1, more=["--lease-seconds", 6], gated=True)  # one a second
    ground.at_work("beats", 1)
    while not ground.counts()["account", "write"]:
        time.sleep(0.02)
    before = ground.settled()  # after the first, which opens the account
    while (ground.counts() - before)["lease", "write"] < 3:
        time.sleep(0.02)
    difference = ground.settled() - before
    ground.let_go("beats")
    ground.finish(process)
    return difference.scaled(1 / difference["lease", "write"])


def observe(ground, out, cells, more=()):
    """(one look at a cell that another process holds; from a look at all of them to the end; all of
    some looks)."""
    holder = ground.start(out, cells, more=[*QUIET, "--jobs", cells], counted=False, gated=True)
    ground.at_work(out, cells)
    ground.clear()
    observer = ground.start(out, cells, more=[*QUIET, *more])

    def after_looks(count):
        """Between two looks at all cells, half a second apart."""
        while True:
            now = ground.counts()
            time.sleep(0.1)
            if now["lease", "list"] >= count and ground.counts() == now:
                return now
    before = after_looks(2 * cells)
    after = after_looks(before["lease", "list"] + 2 * cells)
    ground.let_go(out)
    ground.finish(holder)
    ground.finish(observer)
    looks = after - before
    held = looks.of("lease", "record").scaled(1 / looks["lease", "list"])
    end = (ground.counts() - after).of("lease", "record")
    more_looks = end["lease", "list"] - cells  # each cell is listed once more when it is free
    return held, end - held.scaled(more_looks), looks


def measure(ground):
    """The steps of costs.json."""
    before_eleven, before_three, cell, end_of_one, end_of_three = count_cells(ground)
    first_look = (before_eleven - before_three).scaled(1 / 8)
    last_look = (end_of_three - end_of_one).scaled(1 / 2).of("lease", "record")
    account = cell.of("account")
    finish = end_of_one.of("lease", "record") - last_look
    take = cell.of("lease", "record", "other") - finish
    start = before_three - first_look.scaled(3) - take
    start.update(end_of_one.of("other"))
    finish["account", "write"] = account["account", "write"]
    held, few, _ = observe(ground, "few", 2)
    _, many, _ = observe(ground, "many", 6)
    seen_done = (many - few).scaled(1 / 4) - last_look
    return {name: counts.kinds() for name, counts in {
        "start": start, "first_look": first_look, "take": take, "look_held": held, "seen_done": seen_done,
        "finish": finish, "last_look": last_look,
        "beat": count_beats(ground)}.items()} | count_accounts(ground, account)


def count_accounts(ground, of_one):
    """Reading them: the listing, each, what has changed; and the budget's lock."""
    folder = ground.folder / "accounts/.sweep/ledger"
    folder.mkdir(parents=True)
    others = 10
    for number in range(others):
        line = {"attempt": 1, "cell": f"other {number}", "wall_s": 1.0, "device_s": 1.0}
        (folder / f"{number}.jsonl").write_text(json.dumps(line) + "\n")
    ground.clear()
    process = ground.start("accounts", 3, more=QUIET, gated=True)
    ground.at_work("accounts", 1)
    ground.let_go("accounts")
    before = ground.at_work("accounts", 2)
    ground.let_go("accounts")
    of_eleven = (ground.at_work("accounts", 3) - before).of("account")
    ground.let_go("accounts")
    ground.finish(process)
    each = (of_eleven - of_one).scaled(1 / others)
    rest = (of_one - each).kinds()
    _, _, looks = observe(ground, "budget", 2, ["--price-per-hour", 1, "--budget", 100])
    lock = looks.of("other").scaled(1 / looks["other", "lock"])
    return {"reading": {"list": rest["list"]}, "account": each.kinds(),
            "changed_account": {kind: rest[kind] for kind in ("open", "read")}, "lock": lock.kinds()}


# --- beside the simulation ------------------------------------------------------------------------


def simulated(scale, *arguments, costs=COSTS):
    done = subprocess.run(list(map(str, [scale, "--costs", costs, "--whole", *arguments])), check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)


def totals_beside(ground, scale, processes, cells, seconds):
    """(real, simulated) operations of a whole matrix."""
    out = f"{processes} x {cells}"
    ground.clear()
    for process in [ground.start(out, cells, seconds) for _ in range(processes)]:
        ground.finish(process)
    # Storage as here: what a step costs is processor time, some 0.02 ms a call.
    model = simulated(scale, "--gpus", processes, "--cells", cells, "--seconds", seconds, "--read-ms", 0.02,
                      "--write-ms", 0.05, "--reads-per-second", 1e6, "--writes-per-second", 1e6)
    return sum(ground.counts().values()), model["operations"]


def compare(ground, scale):
    print(f"{'processes':>9} {'cells':>6} {'s a cell':>8} {'real':>9} {'simulated':>9}")
    for processes, cells, seconds in [(1, 10, 0.5), (2, 20, 1), (4, 40, 1), (8, 80, 2), (8, 1000, 0.2)]:
        real, model = totals_beside(ground, scale, processes, cells, seconds)
        print(f"{processes:9} {cells:6} {seconds:8} {real:9,} {model:9,.0f}", flush=True)


# --- storage --------------------------------------------------------------------------------------


def time_storage(folder, repeat=300):
    """Medians in ms of operations in a folder, as the scheduler makes them."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        root = pathlib.Path(name)
        operations = {
            "new file, write, sync, rename": lambda i: replace(root / f"file{i % 20}"),
            "new folder": lambda i: os.mkdir(root / f"folder{i}"),
            "listing": lambda i: os.listdir(root / f"folder{i}"),
            "stat": lambda i: os.stat(root / f"file{i % 20}"),
            "open, read": lambda i: (root / f"file{i % 20}").read_bytes()}
        for what, operation in operations.items():
            times = []
            for i in range(repeat):
                begin = time.perf_counter()
                operation(i)
                times.append(1e3 * (time.perf_counter() - begin))
            print(f"{what}: {statistics.median(times):.3f} ms")


def replace(file):
    new = file.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT)
    os.write(descriptor, bytes(100))
    os.fsync(descriptor)
    os.close(descriptor)
    os.rename(new, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", help="dtbench, built")
    parser.add_argument("--write", action="store_true", help="write costs.json")
    parser.add_argument("--compare", metavar="SCALE", help="the simulation, built")
    parser.add_argument("--storage", metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.storage:
        return time_storage(arguments.storage)
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(arguments.program, pathlib.Path(folder) / "ground")
        if arguments.compare:
            return compare(ground, arguments.compare)
        steps = measure(ground)
        text = "{\n" + ",\n".join(f'  "{name}": {json.dumps(counts)}' for name, counts in steps.items()) + "\n}\n"
        print(text, end="")
        if arguments.write:
            COSTS.write_text(text)


if __name__ == "__main__":
    main()
