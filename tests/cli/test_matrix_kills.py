"""`dtbench matrix` with the real engine: cells that crash and that use up their memory, TensorBoard's
files."""

import json
import os
import signal

import pytest
from conftest import BIN
from sweeps import Sweeps, failures, states

TINY = ["--preset", "tiny", "--set", "train.steps=3", "--set", "train.eval_examples=8"]


@pytest.fixture
def sweeps(tmp_path, cache):
    return Sweeps(tmp_path, cache, program=BIN / "dtbench")


def shoot(sweeps, policy, number):
    """Ends the engine of the long cell of a policy, once it has trained a step."""
    def at_work():
        for spec in (sweeps.folder / "runs").glob("*/spec.json"):
            content = json.loads(spec.read_text())
            steps = spec.parent / "steps.jsonl"
            if (content["policy"]["name"] == policy and content["train"]["steps"] == 20000
                    and steps.exists() and steps.read_text()):
                return spec.parent
        return None

    sweeps.wait_for(at_work, f"step of {policy}")
    started = json.loads((at_work() / "events.jsonl").read_text().splitlines()[0])
    os.kill(started["process"], number)


def test_a_cell_that_is_shot_harms_no_other(sweeps):
    process = sweeps.start(*TINY, "--scenario", "A", "--policy", "fp32_true", "--policy", "bf16_pure",
                           "--set", "train.steps=20000,3", "--json")
    shoot(sweeps, "fp32_true", signal.SIGSEGV)
    shoot(sweeps, "bf16_pure", signal.SIGKILL)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 4, errors
    ends = {cell["name"]: (cell["state"], cell["failure"]) for cell in json.loads(output)["cells"]}
    assert "killed by signal 11" in ends["A fp32_true seed 0 steps=20000"][1]
    assert "killed by signal 9" in ends["A bf16_pure seed 0 steps=20000"][1]
    assert ends["A fp32_true seed 0 steps=3"][0] == ends["A bf16_pure seed 0 steps=3"][0] == "done"


def test_a_cell_that_uses_up_its_memory_harms_no_other(tmp_path, cache):
    """The engine under a limit that one of two batches exceeds."""
    installed = tmp_path / "installed"
    installed.mkdir()
    (installed / "dtbench").write_bytes((BIN / "dtbench").read_bytes())
    (installed / "dtbench-engine").write_text(
        f"#!/bin/sh\nulimit -v 6000000\nexec {BIN / 'dtbench-engine'} \"$@\"\n")
    for program in installed.iterdir():
        program.chmod(0o755)
    sweeps = Sweeps(tmp_path, cache, program=installed / "dtbench")
    process = sweeps.run(*TINY, "--scenario", "C", "--policy", "fp32_true", "--json",
                         "--set", "train.batch=8,300000")
    assert process.returncode == 4, process.stderr
    ends = {name.rsplit("batch=")[1]: state for name, state in states(process).items()}
    assert ends == {"8": "done", "300000": "failed"}
    [why] = failures(process).values()
    assert "out of memory" in why
    statuses = {json.loads(result.read_text())["status"]
                for result in (tmp_path / "runs").glob("*/result.json")}
    assert statuses == {"completed", "out_of_memory"}


def test_tensorboard_reads_every_scalar(sweeps):
    accumulators = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="tensorboard of requirements/test.txt is not installed")
    process = sweeps.run("--preset", "tiny", "--scenario", "C", "--policy", "fp16_scaled", "--tensorboard",
                         "--set", "train.steps=6", "--set", "train.eval_every=2")
    assert process.returncode == 0, process.stderr
    [run] = sweeps.records().values()
    accumulator = accumulators.EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0})
    accumulator.Reload()

    def series(tag):
        return [(event.step, event.value) for event in accumulator.Scalars(tag)]

    def recorded(file, member, where=lambda line: True):
        lines = [json.loads(line) for line in (run / file).read_text().splitlines()]
        return [(line["step"], pytest.approx(float(line[member]), rel=1e-6, nan_ok=True))
                for line in lines if where(line) and line[member] is not None]

    for tag, member in {"train/loss": "loss", "train/grad_norm": "grad_norm", "train/learning_rate": "lr",
                        "train/loss_scale": "loss_scale", "speed/step_ms": "step_ms"}.items():
        assert series(tag) == recorded("steps.jsonl", member) and series(tag)
    for tag, member in {"validation/loss": "val_loss", "validation/f1_micro": "f1_micro",
                        "validation/f1_macro": "f1_macro",
                        "validation/average_precision_micro": "average_precision_micro"}.items():
        evaluations = recorded("events.jsonl", member, lambda line: line["event"] == "evaluation")
        assert series(tag) == evaluations and len(evaluations) == 4
    rates = [(line["step"], pytest.approx(line["samples"] / line["step_ms"] * 1e3, rel=1e-6))
             for line in map(json.loads, (run / "steps.jsonl").read_text().splitlines())]
    assert series("speed/samples_per_s") == rates
    assert set(accumulator.Tags()["scalars"]) == {
        "train/loss", "train/grad_norm", "train/learning_rate", "train/loss_scale", "speed/step_ms",
        "speed/samples_per_s", "validation/loss", "validation/f1_micro", "validation/f1_macro",
        "validation/average_precision_micro"}
    times = [event.wall_time for event in accumulator.Scalars("train/loss")]
    assert times == sorted(times) and times[0] > 1.7e9
