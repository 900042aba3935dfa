"""scripts/torture, in short; and that each of its parts would see what is wrong."""

import json
import os
import pathlib
import subprocess
import time

import clocks
import disks
import faults
import kills
import pytest
import signals
from bench import CELL, SOURCE, Bench, differences, leftovers
from shim import KINDS, Faults

BIN = pathlib.Path(os.environ["DTBENCH_BIN"])
SEED = 2026


@pytest.fixture
def bench(tmp_path):
    return Bench(BIN / "dtbench", tmp_path)


@pytest.mark.parametrize("torture", [
    lambda bench: kills.torture(bench, 0, SEED, most=6),
    lambda bench: signals.torture(bench, 6, SEED),
    lambda bench: clocks.torture(bench, 0, SEED, seeds=1),
    lambda bench: disks.torture(bench, 4, SEED),
    lambda bench: faults.torture(bench, 12, SEED)], ids=["kills", "signals", "clocks", "disks", "faults"])
def test_nothing_comes_of_it(bench, torture):
    tally = torture(bench)
    if tally.note.startswith("not done"):
        pytest.skip(tally.note)
    assert tally.faults == []
    assert tally.landed > 0


def test_the_script_says_what_it_did(tmp_path):
    done = subprocess.run([SOURCE / "scripts/torture", "0.01", "--program", BIN / "dtbench", "--part", "clocks",
                           "--seed", "7"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 7" in done.stdout and done.stdout.splitlines()[-1].startswith("clocks")
    done = subprocess.run([SOURCE / "scripts/torture", "--program", "nowhere"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 2 and "nowhere" in done.stderr


# --- what would be seen -------------------------------------------------------------------------


@pytest.fixture
def twice(bench):
    for out in ("one", "other"):
        bench.must("matrix", *CELL, "--scenario", "A", "--policy", "fp32_true", "--policy", "bf16_pure",
                   "--out", bench.folder / out)
    return bench.folder / "one", bench.folder / "other"


def test_what_is_lost_twice_or_different_is_seen(twice):
    one, other = twice
    assert differences(one, other) == []
    first, second = sorted(other.glob("*/"))[-2:]
    steps = (first / "steps.jsonl").read_text().splitlines(keepends=True)
    (first / "steps.jsonl").write_text("".join(steps + steps[-1:]))
    events = (second / "events.jsonl").read_text().splitlines(keepends=True)
    (second / "events.jsonl").write_text("".join(events + events[-1:]))
    (second / "spec.json.tmp.12.ab").write_text("half")
    assert sorted(differences(one, other)) == sorted(
        [f"{first.name}: other numbers", f"{second.name}: trained to its end 2 times",
         f"{second.name}/spec.json.tmp.12.ab: left over"])
    (first / "result.json").unlink()
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
    ground = faults.Ground.__new__(faults.Ground)
    ground.root, ground.kept = tmp_path / "root", tmp_path / "kept"
    (ground.kept / "records/runs/cell").mkdir(parents=True)
    (ground.kept / "records/runs/cell/spec.json").write_text("{}")
    ground.root.mkdir()
    ground.work = ground.root / "work"
    ground.faults = Faults(tmp_path, ground.root)
    ground.bench = Bench(program, ground.root)
    [course] = [course for course in faults.COURSES if course.name == "list"]
    met, found = faults.Trial(ground, course).at("read", 1)
    assert met and len(found) == 1 and "another answer" in found[0]


def test_processes_that_outlive_a_command_are_seen(bench):
    mark = f"{signals.MARK} of this test {time.time()}"
    process = subprocess.Popen(["sleep", "60"], env=os.environ | {signals.MARK: mark})
    assert signals.wait_for_none(mark, seconds=0.1) == ["1 processes left"]
    process.wait()
    assert leftovers(bench.folder) == []
