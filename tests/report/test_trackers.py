"""scripts/to-tracker: what goes into trackio and Weights & Biases. Against a module that notes what it is
told; and, where one of the two is installed, read back with its own readers."""

import importlib.util
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys

import pytest

SOURCE = pathlib.Path(os.environ["DTBENCH_SOURCE"])
RECORDS = SOURCE / "docs/results/h100/base-50-steps"
NOTES = """
import json, os
notes = []
def init(**arguments): notes.append(["init", arguments])
def log(metrics, step): notes.append(["log", metrics, step])
def finish():
    notes.append(["finish"])
    with open(os.environ["NOTES"], "w") as file:
        json.dump([notes, {k: v for k, v in os.environ.items() if k.startswith("WANDB")}], file)
"""


@pytest.fixture
def runs(tmp_path):
    """A cell that finished, one that died, and what is not to be copied."""
    folder = tmp_path / "runs"
    for name in ("A-amp_bf16", "A-fp16_naive"):
        shutil.copytree(RECORDS / name, folder / name)
    shutil.copytree(RECORDS / "A-amp_bf16", folder / "A-amp_bf16.replaced-2026-01-01T000000Z")
    shutil.copytree(RECORDS / "A-amp_bf16", folder / "unfinished")
    (folder / "unfinished/result.json").unlink()
    return folder


def copy(tracker, runs, **changes):
    return subprocess.run([sys.executable, SOURCE / "scripts/to-tracker", tracker, runs, "--project", "study"],
                          cwd=runs.parent, env=os.environ | changes, capture_output=True, text=True, timeout=300)


def noted(tracker, runs):
    (runs.parent / f"{tracker}.py").write_text(NOTES)
    process = copy(tracker, runs, PYTHONPATH=str(runs.parent), NOTES=str(runs.parent / "notes"))
    assert process.returncode == 0, process.stderr
    assert process.stdout == f"2 records copied into project 'study' of {tracker}\n"
    return json.loads((runs.parent / "notes").read_text())


def lines(run, name):
    return [json.loads(line) for line in (run / name).read_text().splitlines()]


@pytest.mark.parametrize("tracker", ["trackio", "wandb"])
def test_each_finished_record_is_a_run_with_its_steps(runs, tracker):
    notes, _ = noted(tracker, runs)
    assert [note[1]["name"] for note in notes if note[0] == "init"] == [
        "A amp_bf16 seed 0 A-amp_bf16", "A fp16_naive seed 0 A-fp16_naive"]
    config = notes[0][1]["config"]
    assert (config["train"]["steps"], config["policy"]["compute"]) == (50, "bf16")
    assert config["result"]["status"] == "completed"
    end = notes.index(["finish"])
    logged = {step: metrics for _, metrics, step in notes[1:end]}
    assert list(logged) == list(range(51))  # in order, the evaluation after the last step among them
    steps = lines(runs / "A-amp_bf16", "steps.jsonl")
    assert [logged[line["step"]]["train/loss"] for line in steps] == [line["loss"] for line in steps]
    first = steps[0]
    assert logged[0]["speed/samples_per_s"] == pytest.approx(first["samples"] / first["step_ms"] * 1000)
    losses = {line["step"]: line["val_loss"] for line in lines(runs / "A-amp_bf16", "events.jsonl")
              if line["event"] == "evaluation"}
    assert {step: metrics["validation/loss"] for step, metrics in logged.items()
            if "validation/loss" in metrics} == losses and set(losses) == {0, 50}


def test_a_death_is_told_by_the_configuration_and_no_nan_is_logged(runs):
    notes, _ = noted("trackio", runs)
    dead = notes[notes.index(["finish"]) + 1:]
    assert dead[0][1]["config"]["result"]["first_nonfinite"]["step"] == 4
    assert all(isinstance(value, float | int) for note in dead if note[0] == "log" for value in note[1].values())
    assert "train/loss" not in dead[-2][1] and dead[-2][2] == 4


def test_wandb_stays_offline_and_leaves_out_what_it_can(runs):
    _, variables = noted("wandb", runs)
    assert variables["WANDB_MODE"] == "offline"
    assert variables["WANDB_DISABLE_GIT"] == variables["WANDB_DISABLE_CODE"] == "true"


def test_further_sessions_are_told_apart(runs):
    shutil.copytree(runs / "A-amp_bf16", runs / "session-2/A-amp_bf16")
    shutil.rmtree(runs / "A-fp16_naive")
    notes, _ = noted("trackio", runs)
    assert [note[1]["name"] for note in notes if note[0] == "init"] == [
        "A amp_bf16 seed 0 A-amp_bf16", "A amp_bf16 seed 0 session-2 A-amp_bf16"]


def test_what_cannot_be_copied(runs):
    process = copy("trackio", runs.parent / "nothing")
    assert process.returncode == 2 and "there is no finished record in" in process.stderr
    if importlib.util.find_spec("wandb") is None:
        process = copy("wandb", runs)
        assert process.returncode == 2 and "pip install wandb" in process.stderr


# --- their own readers ---


def test_trackio_reads_it_back(runs):
    pytest.importorskip("trackio", reason="trackio is not installed (docs/report.md)")
    folder = str(runs.parent / "trackio-data")
    assert copy("trackio", runs, TRACKIO_DIR=folder).returncode == 0
    read = ("import json; from trackio.sqlite_storage import SQLiteStorage as s; "
            "print('\\n' + json.dumps({run: [s.get_logs('study', run), s.get_run_config('study', run)] "
            "for run in s.get_runs('study')}))")
    process = subprocess.run([sys.executable, "-c", read], env=os.environ | {"TRACKIO_DIR": folder},
                             capture_output=True, text=True, timeout=120)
    found = json.loads(process.stdout.splitlines()[-1])
    logs, config = found["A amp_bf16 seed 0 A-amp_bf16"]
    steps = lines(runs / "A-amp_bf16", "steps.jsonl")
    assert [log["train/loss"] for log in logs[:50]] == [line["loss"] for line in steps]
    assert config["result"]["outcome"] == "trained" and len(found) == 2


def wandb_records(file):
    """The log that W&B's run files are (leveldb's log format), as its own protocol buffers."""
    from wandb.proto import wandb_internal_pb2
    data, at, part = file.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack("<IHB", data[at:at + 7])
        part += data[at + 7:at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            record = wandb_internal_pb2.Record()
            record.ParseFromString(part)
            yield record
            part = b""


def test_wandb_reads_it_back(runs):
    pytest.importorskip("wandb", reason="wandb is not installed (docs/report.md)")
    assert copy("wandb", runs).returncode == 0
    files = sorted((runs.parent / "wandb").glob("offline-run-*/*.wandb"))
    assert len(files) == 2
    losses = [json.loads(item.value_json) for record in wandb_records(files[0])
              if record.WhichOneof("record_type") == "history" for item in record.history.item
              if (item.key or "/".join(item.nested_key)) == "train/loss"]
    assert losses == [line["loss"] for line in lines(runs / "A-amp_bf16", "steps.jsonl")]
    process = subprocess.run([sys.executable, "-m", "wandb", "sync", "--dry-run", *(file.parent for file in files)],
                             capture_output=True, text=True, timeout=120)
    assert "Would sync 2 run(s)" in process.stdout + process.stderr
