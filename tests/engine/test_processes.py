"""A cell of several processes as torchrun starts them, and as somebody does by hand: the numbers of
one process, processes that die, restarts, Ctrl-C. Threads of one process: ranks_test.cpp."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import safetensors.torch

from records import BIN, cell, lines, result

POLICIES = ("fp32_true", "amp_fp16", "amp_bf16", "fp16_naive", "bf16_pure", "amp_bf16_8bit")
TIMES = {"step_ms", "data_ms", "warmup", "conditions"}  # what two equal runs may differ in
SMALL = ["--preset", "tiny", "--set", "train.eval_examples=8", "--set", "model.width=32"]


def command(out, *arguments, scenario="A", policy="fp32_true"):
    return [BIN / "dtbench", "run", "--scenario", scenario, "--policy", policy, *SMALL,
            "--keep-checkpoint", "--out", out, *map(str, arguments)]


@pytest.fixture(scope="session")
def quiet(environment):
    """One thread a process: nothing of OpenMP's, nor of a launcher around the tests."""
    return environment | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_by_hand(environment, processes, line, **changes_of_last):
    """What torchrun sets, set by hand."""
    port = str(free_port())
    started = []
    for rank in range(processes):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes),
               "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        own |= changes_of_last if rank == processes - 1 else {}
        started.append(subprocess.Popen(line, env=environment | own, text=True, stderr=subprocess.PIPE,
                                        stdout=subprocess.PIPE))
    return started


def end_of(started):
    """Exit codes and standard errors, of processes that must all end soon."""
    errors = [process.communicate(timeout=120)[1] for process in started]
    return [process.returncode for process in started], errors


def run(environment, processes, line):
    if processes == 1:
        subprocess.run(line, env=environment, check=True, capture_output=True, timeout=120)
        return
    codes, errors = end_of(start_by_hand(environment, processes, line))
    assert codes == [0] * processes, errors


def numbers(out):
    """Every number of the steps, of the end and of the weights, that is not a time."""
    steps = [{k: v for k, v in s.items() if k not in TIMES} for s in lines(cell(out) / "steps.jsonl")]
    ended = result(out)
    kept = {k: ended[k] for k in ("status", "outcome", "steps_completed", "first_nonfinite", "convergence")}
    weights = safetensors.torch.load_file(cell(out) / "checkpoint" / "state.safetensors")
    return steps, kept, {name: value.tolist() for name, value in weights.items()}


@pytest.mark.parametrize("policy", POLICIES)
def test_processes_give_the_numbers_of_one(quiet, tmp_path, policy):
    """n processes of one micro-batch each, and one process of n: bit for bit."""
    scenario = "ABCDEF"[POLICIES.index(policy)]
    for processes in (2, 4):
        line = lambda out: command(tmp_path / out, "--steps", 2, "--micro-batch", 8 // processes,
                                   scenario=scenario, policy=policy)
        run(quiet, processes, line(f"{processes} processes"))
        run(quiet, 1, line(f"alone {processes}"))
        assert numbers(tmp_path / f"{processes} processes") == numbers(tmp_path / f"alone {processes}")


def test_the_record_of_several_processes(quiet, tmp_path):
    """Samples count once, memory is the largest, and the first process alone records."""
    run(quiet, 2, command(tmp_path / "two", "--steps", 12))
    run(quiet, 1, command(tmp_path / "one", "--steps", 12))
    two, one = result(tmp_path / "two"), result(tmp_path / "one")
    spec = json.loads((cell(tmp_path / "two") / "spec.json").read_text())
    assert spec["train"]["processes"] == 2 and spec["train"]["micro_batch"] == 4
    assert "processes" not in json.loads((cell(tmp_path / "one") / "spec.json").read_text())["train"]
    assert two["cell_id"] != one["cell_id"]  # sums in another order are other numbers
    steps = lines(cell(tmp_path / "two") / "steps.jsonl")
    assert [s["samples"] for s in steps] == [8] * 12
    timed = [s for s in steps if not s["warmup"]]
    seconds = sum(s["step_ms"] for s in timed) / 1e3
    assert two["throughput"]["samples_per_s"] == pytest.approx(8 * len(timed) / seconds)
    assert two["mfu"]["flops_per_step"] == pytest.approx(one["mfu"]["flops_per_step"])
    if one["mfu"]["peak_measured_flops_per_s"]:
        assert two["mfu"]["peak_measured_flops_per_s"] == 2 * one["mfu"]["peak_measured_flops_per_s"]
    of_each = two["memory"]["processes"]
    assert len(of_each) == 2 and "processes" not in one["memory"]
    for peak in ("peak_allocated_bytes", "peak_resident_bytes"):
        assert two["memory"][peak] == max(each[peak] for each in of_each)
    audit = json.loads((cell(tmp_path / "two") / "audit.json").read_text())
    assert [each["device"] for each in audit["processes"]] == ["cpu", "cpu"]
    assert {each["host"] for each in audit["processes"]} == {socket.gethostname()}
    events = lines(cell(tmp_path / "two") / "events.jsonl")
    assert [e["event"] for e in events if e["event"] in ("started", "ended")] == ["started", "ended"]
    # The same command again finds the cell done, in every process.
    before = (cell(tmp_path / "two") / "events.jsonl").read_bytes()
    run(quiet, 2, command(tmp_path / "two", "--steps", 12))
    assert (cell(tmp_path / "two") / "events.jsonl").read_bytes() == before


def wait_for_steps(out, count, started):
    deadline = time.monotonic() + 120
    while sum(len(lines(file)) for file in out.glob("*/steps.jsonl")) < count:
        assert time.monotonic() < deadline and all(p.poll() is None for p in started), end_of(started)
        time.sleep(0.005)


FORTY = ("--steps", 40, "--set", "train.eval_every=100")


@pytest.fixture(scope="session")
def undisturbed(quiet, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    run(quiet, 2, command(out, *FORTY))
    return numbers(out)


def test_a_killed_process_ends_the_others_and_the_cell_goes_on(quiet, undisturbed, tmp_path):
    for victim in (1, 0):
        out = tmp_path / str(victim)
        started = start_by_hand(quiet, 2, command(out, *FORTY, "--checkpoint-every", 10))
        wait_for_steps(out, 5, started)
        started[victim].kill()
        killed = time.monotonic()
        codes, errors = end_of(started)
        assert time.monotonic() - killed < 30
        assert codes[victim] == -signal.SIGKILL and codes[1 - victim] == 3, errors
        assert "another process of this cell's 2 was lost" in errors[1 - victim]
        if victim == 1:  # the first process could save and record
            assert result(out)["status"] == "failed" and "was lost" in result(out)["reason"]
            assert (cell(out) / "checkpoint" / "state.safetensors").exists()
        run(quiet, 2, command(out, *FORTY))
        assert numbers(out) == undisturbed


def test_torchrun_restarts_from_the_checkpoint(quiet, undisturbed, tmp_path):
    """The real one. Which process of a cell is killed is found by its environment."""
    own = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TORCHELASTIC_LOG_LEVEL": "ERROR"}
    started = subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--no-python", "--standalone",
         "--nproc-per-node", "2", "--max-restarts", "1", *command(tmp_path, *FORTY, "--checkpoint-every", 10)],
        env=quiet | own, text=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    wait_for_steps(tmp_path, 15, [started])
    os.kill(engine_of(started.pid, b"RANK=1"), signal.SIGKILL)
    codes, errors = end_of([started])
    assert codes == [0], errors
    assert numbers(tmp_path) == undisturbed
    events = lines(cell(tmp_path) / "events.jsonl")
    resumed = [e["step"] for e in events if e["event"] == "resumed"]
    assert len(resumed) == 1 and resumed[0] >= 10
    assert [e["event"] for e in events].count("started") == 2


def engine_of(parent, variable):
    for pid in children(parent):
        with open(f"/proc/{pid}/environ", "rb") as environ:
            if variable in environ.read().split(b"\0"):
                return pid
    raise AssertionError(f"no process has {variable}")


def children(pid):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(child) for child in listed.stdout.split()]


def test_ctrl_c_saves_once_and_all_stop_after_the_same_step(quiet, undisturbed, tmp_path):
    """One process gets the signal, as on one machine of several: all of them stop."""
    started = start_by_hand(quiet, 2, command(tmp_path, *FORTY))
    wait_for_steps(tmp_path, 5, started)
    started[1].send_signal(signal.SIGINT)
    codes, errors = end_of(started)
    assert codes == [130, 130], errors
    assert result(tmp_path)["status"] == "interrupted"
    events = [e["event"] for e in lines(cell(tmp_path) / "events.jsonl")]
    assert events.count("checkpoint") == 1 and events.count("ended") == 1
    run(quiet, 2, command(tmp_path, *FORTY))
    assert numbers(tmp_path) == undisturbed


def test_ctrl_c_at_both_saves_once(quiet, tmp_path):
    started = start_by_hand(quiet, 2, command(tmp_path, *FORTY))
    wait_for_steps(tmp_path, 5, started)
    for process in started:
        process.send_signal(signal.SIGINT)
    codes, errors = end_of(started)
    assert codes == [130, 130], errors
    events = [e["event"] for e in lines(cell(tmp_path) / "events.jsonl")]
    assert events.count("checkpoint") == 1 and events.count("ended") == 1


def test_a_process_under_other_conditions_is_refused(quiet, tmp_path):
    started = start_by_hand(quiet, 2, command(tmp_path, "--steps", 2), OMP_NUM_THREADS="2")
    codes, errors = end_of(started)
    assert codes == [2, 2], errors
    for error in errors:
        assert "Process 1 of the cell" in error and "/device/threads" in error
    assert result(tmp_path)["status"] == "failed"


def test_a_record_that_is_taken_ends_all_processes(quiet, tmp_path):
    """The first process fails before the cell begins; the others hear of it at once."""
    started = start_by_hand(quiet, 2, command(tmp_path, "--steps", 400))
    wait_for_steps(tmp_path, 1, started)
    second = start_by_hand(quiet, 2, [BIN / "dtbench-engine", "run", "--run-dir", cell(tmp_path),
                                      "--store", tmp_path])
    codes, errors = end_of(second)
    assert codes == [3, 3], errors
    assert "being trained by another process" in errors[1]
    started[0].send_signal(signal.SIGINT)
    assert end_of(started)[0] == [130, 130]


@pytest.mark.parametrize("arguments, named", [
    (("--batch", "6", "--micro-batch", "2"), "'train.micro_batch' = 2 in each of 'train.processes' = 4"),
    (("--device", "cuda:1"), "'device' = 'cuda:1' is one GPU"),
    (("--set", "train.processes=2"), "The cell is one of 2 processes"),
    (("--profile",), "--profile is for a cell of one process"),
])
def test_what_several_processes_cannot_do_is_said(quiet, tmp_path, arguments, named):
    codes, errors = end_of(start_by_hand(quiet, 4, command(tmp_path, "--steps", 2, *arguments)))
    assert codes == [2] * 4, errors
    assert all(named in error for error in errors), errors


def test_a_cell_of_several_processes_does_not_start_as_one(quiet, tmp_path):
    done = subprocess.run(command(tmp_path, "--steps", 2, "--set", "train.processes=2"), env=quiet,
                          capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 2
    assert "torchrun --no-python --nproc-per-node 2" in done.stderr
