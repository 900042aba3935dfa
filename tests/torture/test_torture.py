"""scripts/torture, in short; and that each of its parts would see what is wrong."""

import json
import os
import pathlib
import re
import subprocess
import time

import campaign
import clocks
import disks
import faults
import kills
import pytest
import signals
from bench import CELL, ENGINE, SOURCE, STAND_IN, Bench, differences, finished, leftovers, touched
from shim import KINDS, Faults

BIN = pathlib.Path(os.environ["DTBENCH_BIN"])
SEED = 2026


@pytest.fixture
def bench(tmp_path):
    return Bench(BIN / "dtbench", tmp_path)


# Of so many trials: the real engine's take a second each.
@pytest.mark.parametrize(("part", "most"), [
    (lambda bench: kills.Part(bench, {ENGINE: 1}, seeds=1, kills=4), 1),
    (lambda bench: kills.Part(bench, {STAND_IN: 2}), 2),
    (lambda bench: signals.Part(bench, ["run", "matrix beside a stand-in", "data prepare", "report"]), 16),
    (lambda bench: clocks.Part(bench, {STAND_IN: 1}), 1),
    (lambda bench: disks.Part(bench, ["matrix", "data prepare"]), 20),
    (lambda bench: faults.Part(bench, ["data prepare", "matrix", "engine"]), 24)],
    ids=["kills", "kills beside a stand-in", "signals", "clocks", "disks", "faults"])
def test_nothing_comes_of_it(tmp_path, part, most):
    figures = campaign.Figures(tmp_path / "figures.json")
    try:
        campaign.torture(part, BIN / "dtbench", tmp_path, figures, SEED, jobs=2, most=most)
    except disks.Cannot as why:
        pytest.skip(str(why))
    assert figures.faults == []
    assert len(figures.trials) == most
    assert sum(trial["landed"] for trial in figures.trials.values()) > 0


class Rehearsal:
    """A part of three trials, one of which finds a fault the first time."""
    made = []

    def __init__(self, bench):
        self.bench = bench

    def trials(self):
        return ["one: 1", "one: 2", "other: 1"]

    def worker(self, _):
        def trial(name, draw):
            self.made.append(name)
            again = self.made.count(name) > 1
            return draw.randint(1, 6), ["lost"] if name == "one: 2" and not again else []
        return trial


def test_a_call_goes_on_where_another_ended(tmp_path):
    def torture(**limits):
        figures = campaign.Figures(tmp_path / "figures.json")
        campaign.torture(Rehearsal, "dtbench", tmp_path / str(len(Rehearsal.made)), figures, SEED, **limits)
        return figures

    torture(seconds=0)
    assert len(Rehearsal.made) == 1
    torture(jobs=2)
    assert sorted(Rehearsal.made) == ["one: 1", "one: 2", "other: 1"]
    figures = torture()
    assert Rehearsal.made.count("one: 2") == 2 and len(Rehearsal.made) == 4
    torture()
    assert len(Rehearsal.made) == 4
    draws = {name: campaign.random.Random(f"{SEED} {name}").randint(1, 6) for name in Rehearsal.made}
    one, other = figures.rows("rehearsal")
    assert one[:6] == ["rehearsal", "one", 2, 2, draws["one: 1"] + draws["one: 2"], 0]
    assert other[:6] == ["rehearsal", "other", 1, 1, draws["other: 1"], 0]


def test_the_script_says_what_it_did(tmp_path):
    def script(*arguments):
        return subprocess.run([SOURCE / "scripts/torture", *arguments, "--folder", tmp_path], capture_output=True,
                              text=True, check=False)

    assert script("--figures").stdout == "no trials yet\n"
    done = script("0", "--program", BIN / "dtbench", "--part", "disks", "--seed", "7")
    assert done.returncode == 0, done.stdout + done.stderr
    if "not done" not in done.stdout:
        assert done.stdout == script("--figures").stdout and done.stdout.startswith("seed 7, ")
        assert re.search(r"^disks  all      \s+1  [\d,]+ ", done.stdout, re.MULTILINE), done.stdout
    done = script("--program", "nowhere")
    assert done.returncode == 2 and "nowhere" in done.stderr


# --- what would be seen -------------------------------------------------------------------------


@pytest.fixture
def twice(bench):
    for out in ("one", "other"):
        bench.beside(STAND_IN).must("matrix", *CELL, "--scenario", "A", "--policy", "fp32_true", "--policy",
                                    "bf16_pure", "--out", bench.folder / out)
    return bench.folder / "one", bench.folder / "other"


def test_what_is_lost_twice_or_different_is_seen(twice):
    one, other = twice
    assert differences(one, other) == [] and touched(finished(one), other) == []
    first, second = sorted(other.glob("*/"))[-2:]
    steps = (first / "steps.jsonl").read_text().splitlines(keepends=True)
    (first / "steps.jsonl").write_text("".join(steps + steps[-1:]))
    events = (second / "events.jsonl").read_text().splitlines(keepends=True)
    (second / "events.jsonl").write_text("".join(events + events[-1:]))
    (second / "spec.json.tmp.12.ab").write_text("half")
    assert sorted(differences(one, other)) == sorted(
        [f"{first.name}: other numbers", f"{second.name}: trained to its end 2 times",
         f"{second.name}/spec.json.tmp.12.ab: left over"])
    assert f"{second.name}: trained to its end 2 times" not in differences(one, other, one_end=False)
    (first / "result.json").unlink()
    assert touched(finished(one), other) == [f"{first.name}: finished, and touched again"]
    (second / "spec.json").unlink()
    assert f"{first.name}: without a result" in differences(one, other)
    assert f"{second.name}: lost" in differences(one, other)


def test_every_kind_of_call_is_seen_and_fails(tmp_path):
    """By another program than ours, whose calls are known."""
    root = tmp_path / "root"
    root.mkdir()
    shim = Faults(tmp_path, root)
    outside = "import os, pathlib; p = pathlib.Path('outside'); p.write_text('x'); p.read_text()"
    calls = ("import os, mmap; os.mkdir('d'); f = os.open('d/f', os.O_RDWR | os.O_CREAT); os.write(f, b'ab'); "
             "os.fsync(f); os.pread(f, 1, 0); os.ftruncate(f, 2); mmap.mmap(f, 2); os.rename('d/f', 'd/g'); "
             "os.listdir('d'); os.unlink('d/g')")

    def run(code, folder):
        subprocess.run(["rm", "-rf", root / "d"], check=True)
        return subprocess.run(["python3", "-I", "-S", "-B", "-c", code], cwd=folder, capture_output=True, text=True,
                              env=os.environ | shim.environment())

    shim.arm()
    assert run(outside, tmp_path).returncode == 0
    assert set(shim.calls().values()) == {0}
    assert run(calls, root).returncode == 0
    counted = shim.calls()
    assert all(counted[kind] > 0 for kind in KINDS), counted
    for kind in KINDS:
        shim.arm(kind, 1)
        done = run(calls, root)
        assert shim.landed() and "d" in shim.what(), kind
        assert (done.returncode != 0) == (kind != "short write"), kind


def test_a_command_that_hides_a_fault_is_seen(tmp_path):
    """It takes what cannot be read for nothing, and ends with 0."""
    program = tmp_path / "dtbench"
    program.write_text("#!/bin/sh\ncat \"$4\"/*/spec.json 2>/dev/null; exit 0\n")
    program.chmod(0o755)
    ground = faults.Ground(Bench(program, tmp_path), tmp_path / "kept")
    (ground.kept / "records/runs/cell").mkdir(parents=True)
    (ground.kept / "records/runs/cell/spec.json").write_text("{}")
    course = faults.Course("list", faults.COURSES["list"].command, ["records"], only=None)
    trial = faults.Trial(ground, course, faults.Undisturbed(ground, course))
    met, found = trial.at("read", 1)
    assert met and len(found) == 1 and "another answer" in found[0]


def test_processes_that_outlive_a_command_are_seen(bench):
    mark = f"{signals.MARK} of this test {time.time()}"
    process = subprocess.Popen(["sleep", "60"], env=os.environ | {signals.MARK: mark})
    assert signals.wait_for_none(mark, seconds=0.1) == ["1 processes left"]
    process.wait()
    assert leftovers(bench.folder) == []
