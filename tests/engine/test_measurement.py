"""What a run records about its own measurement: peaks, MFU, memory beside its prediction."""

import json
import pathlib
import signal
import subprocess
import sys
import time

import pytest
import safetensors
import safetensors.torch

from records import BIN, cell, lines, result

MEASURING = "measuring this device's rate of"


def train(environment, out, *arguments, scenario="A", policy="fp32_true"):
    command = [BIN / "dtbench", "run", "--preset", "tiny", "--scenario", scenario, "--policy", policy,
               "--set", "train.eval_examples=8", "--out", out, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=True)


@pytest.fixture
def own_cache(environment, tmp_path):
    """The shared stores, but no measured peak."""
    cache = tmp_path / "cache"
    cache.mkdir()
    stores = pathlib.Path(environment["DTBENCH_CACHE"]) / "stores"
    stores.mkdir(exist_ok=True)
    (cache / "stores").symlink_to(stores)
    return environment | {"DTBENCH_CACHE": str(cache)}


def test_the_peak_is_measured_once_a_datatype_after_the_last_step(own_cache, tmp_path):
    first = train(own_cache, tmp_path / "1")
    assert MEASURING + " fp32" in first.stderr
    assert first.stderr.index("step 30/30") < first.stderr.index(MEASURING)
    second = train(own_cache, tmp_path / "2", "--seed", "1")
    assert MEASURING not in second.stderr
    other = train(own_cache, tmp_path / "3", policy="bf16_pure")
    assert MEASURING + " bf16" in other.stderr

    mfu = [result(tmp_path / out)["mfu"] for out in "123"]
    kept = {}
    for file in (pathlib.Path(own_cache["DTBENCH_CACHE"]) / "peaks").glob("*.json"):
        peak = json.loads(file.read_text())
        kept[peak["key"]["datatype"]] = peak["flops_per_s"]
        assert peak["flops_per_s"] == max(shape["flops_per_s"] for shape in peak["sweep"])
    assert [m["peak_measured_flops_per_s"] for m in mfu] == [kept["fp32"], kept["fp32"], kept["bf16"]]
    for m in mfu:
        assert m["vs_measured"] == m["achieved_flops_per_s"] / m["peak_measured_flops_per_s"]
        assert 0 < m["vs_measured"] < 1
        assert m["peak_spec_flops_per_s"] is None and m["vs_spec"] is None  # a CPU has no sheet


def test_mfu_can_be_computed_from_the_steps(environment, tmp_path):
    train(environment, tmp_path)
    timed = [s for s in lines(cell(tmp_path) / "steps.jsonl") if not s["warmup"]]
    seconds = sum(s["step_ms"] for s in timed) / 1e3
    mfu = result(tmp_path)["mfu"]
    assert mfu["achieved_flops_per_s"] == pytest.approx(sum(s["flops_needed"] for s in timed) / seconds)
    throughput = result(tmp_path)["throughput"]
    assert throughput["samples_per_s"] == pytest.approx(8 * len(timed) / seconds)
    assert throughput["tokens_per_s"] == pytest.approx(8 * 64 * len(timed) / seconds)
    assert throughput["timed_steps"] == 27 and throughput["warmup_steps"] == 3


def test_an_interrupted_run_measures_no_peak(own_cache, tmp_path):
    command = [BIN / "dtbench", "run", "--preset", "tiny", "--scenario", "A", "--policy", "fp32_true",
               "--steps", "3000", "--out", tmp_path / "run"]
    process = subprocess.Popen(command, env=own_cache, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not any(lines(path) for path in (tmp_path / "run").glob("*/steps.jsonl")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and MEASURING not in said
    assert result(tmp_path / "run")["mfu"]["vs_measured"] is None


def test_a_cache_that_cannot_be_written_costs_the_peak_alone(environment, tmp_path):
    train(environment, tmp_path / "1")
    # A file where the folder should be: also root cannot write there.
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "stores").symlink_to(pathlib.Path(environment["DTBENCH_CACHE"]) / "stores")
    (cache / "peaks").write_text("")
    done = train(environment | {"DTBENCH_CACHE": str(cache)}, tmp_path / "2", "--seed", "1")
    assert "the measured peak is left out" in done.stderr
    assert result(tmp_path / "2")["status"] == "completed"
    assert result(tmp_path / "2")["mfu"]["vs_measured"] is None


def test_a_step_given_up_at_a_non_finite_value_is_not_timed(environment, tmp_path):
    train(environment, tmp_path, scenario="C", policy="fp16_naive")
    ended = result(tmp_path)
    steps = lines(cell(tmp_path) / "steps.jsonl")
    assert ended["status"] == "diverged"
    assert ended["throughput"]["timed_steps"] == len(steps) - ended["throughput"]["warmup_steps"] - 1
    timed = sum(s["step_ms"] for s in steps[:-1] if not s["warmup"]) / 1e3
    samples = sum(s["samples"] for s in steps[:-1] if not s["warmup"])
    assert ended["throughput"]["samples_per_s"] == pytest.approx(samples / timed)


def test_the_peak_of_a_resumed_run_is_that_of_all_its_processes(environment, tmp_path):
    command = [BIN / "dtbench", "run", "--preset", "tiny", "--scenario", "A", "--policy", "fp32_true",
               "--steps", "400", "--checkpoint-every", "5", "--out", tmp_path]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("*/checkpoint/*.safetensors")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.wait()
    # As though the first process had held a terabyte.
    file, = cell(tmp_path).glob("checkpoint/*.safetensors")
    with safetensors.safe_open(file, "pt") as checkpoint:
        metadata = checkpoint.metadata()
    state = json.loads(metadata["training_state"])
    assert 1 << 20 < state["peak_memory"]["peak_allocated_bytes"] < 1 << 30
    state["peak_memory"]["peak_allocated_bytes"] = 1 << 40
    metadata["training_state"] = json.dumps(state)
    safetensors.torch.save_file(safetensors.torch.load_file(file), file, metadata)
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)
    memory = result(tmp_path)["memory"]
    assert memory["peak_allocated_bytes"] == 1 << 40
    assert memory["peak_resident_bytes"] < 1 << 40


@pytest.mark.parametrize("scenario", "ABCDEF")
def test_memory_stands_beside_its_prediction(environment, tmp_path, scenario):
    train(environment, tmp_path, scenario=scenario)
    memory = result(tmp_path)["memory"]
    predicted = memory["predicted"]
    assert predicted["parameters_bytes"] == memory["parameters_bytes"]
    assert predicted["gradients_bytes"] == memory["gradients_bytes"]
    assert predicted["optimizer_state_bytes"] == memory["optimizer_state_bytes"]
    # Documents may be shorter than the formula's full sequences.
    low = 0.9 if scenario in "AB" else 0.5
    assert low * predicted["total_bytes"] < memory["peak_allocated_bytes"] < 1.1 * predicted["total_bytes"]
    assert memory["peak_resident_bytes"] > memory["peak_allocated_bytes"]


def test_conditions_are_sampled_and_disturbances_said(environment, tmp_path):
    done = train(environment, tmp_path)
    samples = [s["conditions"] for s in lines(cell(tmp_path) / "steps.jsonl") if s["conditions"]]
    assert samples and lines(cell(tmp_path) / "steps.jsonl")[-1]["conditions"] is not None
    ended = result(tmp_path)
    assert ended["conditions"]["samples"] == len(samples)
    assert ended["conditions"]["load_average"] == max(s["load_average"] for s in samples)
    assert ("the timings were disturbed" in done.stderr) == bool(ended["disturbances"])
    for one in ended["disturbances"]:
        assert one["value"] > one["bound"] and one["remedy"] in done.stderr


def test_the_peak_is_not_the_starting_programs(environment, tmp_path):
    """getrusage's maximum outlives exec; a notebook that starts a run may hold gigabytes."""
    held = 2**30
    command = [str(BIN / "dtbench"), "run", "--preset", "tiny", "--scenario", "E", "--policy", "fp32_true",
               "--steps", "2", "--set", "train.eval_examples=8", "--out", str(tmp_path)]
    launcher = ("import os, sys; big = b'x' * int(sys.argv[1]); "
                "os.execv(sys.argv[2], sys.argv[2:])")
    subprocess.run([sys.executable, "-c", launcher, str(held), *command], env=environment, check=True,
                   capture_output=True, timeout=300)
    assert 0 < result(tmp_path)["memory"]["peak_resident_bytes"] < held


def test_no_allocation_escapes_the_count(environment, tmp_path):
    """torch warns when memory is freed that its profiler, whose place the count takes, did not see."""
    assert "profiling" not in train(environment, tmp_path, scenario="C").stderr
