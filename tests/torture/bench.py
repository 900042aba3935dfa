"""The program under torture: how it is started, and what it is to leave behind."""

import json
import os
import pathlib
import re
import shutil
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]
# As small as can be: what is tortured are files and processes.
CELL = ["--preset", "tiny", *(word for setting in (
    "train.steps=3", "train.eval_examples=8", "model.layers=1", "model.width=32", "model.heads=1",
    "data.length=32", "data.synthetic_documents=100") for word in ("--set", setting))]
ONE = ["--scenario", "A", "--policy", "fp32_true", *CELL]
# Two scenarios under two policies: what is trained again and again.
MATRIX = ["matrix", *CELL, "--scenario", "A", "--scenario", "C", "--policy", "fp32_true",
          "--policy", "bf16_pure"]
ENGINE, STAND_IN = "engine", "stand-in"  # what trains: the real one, or tests/cli/stand_in_engine.py
TIMES = {"step_ms", "data_ms", "warmup", "conditions"}  # what two equal runs may differ in
PATIENCE = 3600  # seconds: nothing here takes that long, on a loaded machine either, unless it hangs


class Bench:
    """A folder in which the program runs, with a cache of its own."""

    def __init__(self, program, folder):
        self.program, self.folder = pathlib.Path(program).absolute(), pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cache = self.folder / "cache"

    def beside(self, engine):
        """The same, with a copy of the program that starts this engine."""
        if engine == ENGINE:
            return self
        installed = self.folder / "stand-in"
        if not installed.exists():
            installed.mkdir()
            # By a process of its own: what another thread starts meanwhile would inherit the copy
            # while it is open for writing, and nobody can execute such a file ("text file busy").
            subprocess.run(["cp", self.program, installed], check=True)
            shutil.copy(SOURCE / "tests/cli/stand_in_engine.py", installed / "dtbench-engine")
            (installed / "dtbench-engine").chmod(0o755)
        return Bench(installed / "dtbench", self.folder)

    def another(self, folder):
        """With what this one has in its cache: stores, and peaks that take seconds to measure."""
        bench = Bench(self.program, folder)
        if self.cache.exists():
            shutil.copytree(self.cache, bench.cache)
        return bench

    def environment(self, **changes):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DTBENCH_")}
        return kept | {"DTBENCH_CONFIGS": str(SOURCE / "configs"), "DTBENCH_CACHE": str(self.cache),
                       "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"} | changes

    def start(self, *arguments, **changes):
        return subprocess.Popen([self.program, *map(str, arguments)], cwd=self.folder,
                                env=self.environment(**changes), text=True, errors="replace",
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, start_new_session=True)

    def run(self, *arguments, **changes):
        return ended(self.start(*arguments, **changes))

    def must(self, *arguments, **changes):
        """Its output. For what nothing is done to."""
        process = self.run(*arguments, **changes)
        if process.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, arguments))}: exit code {process.returncode}\n"
                                 f"{process.stdout}{process.stderr}")
        return process.stdout


def ended(process):
    """Waits; what hangs is killed, and its exit code is "hangs"."""
    try:
        output, errors = process.communicate(timeout=PATIENCE)
        code = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        code = "hangs"
    return subprocess.CompletedProcess(process.args, code, output, errors)


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def records(out):
    return {run.parent.name: run.parent for run in sorted(out.glob("*/spec.json"))}


def numbers(run):
    """Every number of a record that is not a time."""
    result = json.loads((run / "result.json").read_text())
    steps = [{key: value for key, value in step.items() if key not in TIMES}
             for step in lines(run / "steps.jsonl")]
    kept = ("cell_id", "status", "outcome", "steps_completed", "first_nonfinite", "convergence")
    return {"steps": steps} | {key: result[key] for key in kept}


def leftovers(folder):
    """Files that nobody will use again: half-written ones, and good ones moved aside."""
    marks = re.compile(r"\.tmp\.\d+\.|\.corrupt|\.replaced-")
    # The files that matrices share have no lock, so half-written ones stay: a few bytes each.
    return [str(path.relative_to(folder)) for path in sorted(folder.rglob("*"))
            if marks.search(path.name) and ".sweep" not in path.relative_to(folder).parts]


def finished(out):
    """Results of cells that are done."""
    results = {run.name: (run / "result.json").read_bytes() for run in records(out).values()
               if (run / "result.json").exists()}
    return {cell: result for cell, result in results.items() if b'"completed"' in result}


def touched(before, out):
    """Cells that were done and were trained again."""
    now = finished(out)
    return [f"{cell}: finished, and touched again" for cell, result in before.items() if now.get(cell) != result]


def differences(undisturbed, tortured, one_end=True):
    """What is lost, twice, different or left over, in words. A cell ends twice where its result could
    not be written after its end; whether one was trained again although it was done is then told by
    touched()."""
    wanted, found = records(undisturbed), records(tortured)
    faults = [f"{cell}: lost" for cell in wanted.keys() - found.keys()]
    faults += [f"{cell}: nobody asked for it" for cell in found.keys() - wanted.keys()]
    for cell in wanted.keys() & found.keys():
        if not (found[cell] / "result.json").exists():
            faults.append(f"{cell}: without a result")
        elif numbers(wanted[cell]) != numbers(found[cell]):
            faults.append(f"{cell}: other numbers")
        ends = [event for event in lines(found[cell] / "events.jsonl")
                if event["event"] == "ended" and event["status"] == "completed"]
        if len(ends) < 1 or len(ends) > 1 and one_end:
            faults.append(f"{cell}: trained to its end {len(ends)} times")
    return faults + [f"{file}: left over" for file in leftovers(tortured)]
