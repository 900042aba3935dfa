"""Several processes of `dtbench matrix` on one folder, which may be on several machines."""

import json
import os
import pathlib
import signal
import subprocess
import time

from conftest import BIN, locked
from sweeps import ONE, TWO, states


def test_who_does_not_wait_ends_when_others_hold_the_rest(sweeps):
    shared = [*TWO, "--lease-seconds", 3]
    holder = sweeps.start(*shared, does={"A fp32_true": "wait"})
    sweeps.wait_for_steps("A fp32_true seed 0", 2)
    waiting = sweeps.start(*shared)
    sweeps.wait_for(lambda: "A fp16_naive seed 0" in sweeps.results(), "other cell")
    left = sweeps.run(*shared, "--no-wait", "--json")
    assert left.returncode == 0, left.stderr
    assert states(left) == {"A fp32_true seed 0": "elsewhere", "A fp16_naive seed 0": "done"}
    assert json.loads(left.stdout)["report"] is None  # that is for who sees the end
    text = sweeps.run(*shared, "--no-wait").stdout
    assert "Other processes hold 1 of 2 cells." in text
    assert waiting.poll() is None  # for as long, and by the same lease

    # Who held it may have died: what looks held is watched for as long as a lease lasts.
    for process in (waiting, holder):
        process.kill()
        process.communicate(timeout=60)
    assert set(states(sweeps.run(*shared, "--no-wait", "--json")).values()) == {"done"}


def test_three_processes_share_the_cells(sweeps):
    arguments = ["--preset", "tiny", "--set", "train.steps=3", "--json"]
    processes = [sweeps.start(*arguments, step_s=0.05) for _ in range(3)]
    done = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], done
    started = sweeps.started()
    assert len(started) == len(set(started)) == 42  # none lost, none twice
    for output, _ in done:
        assert json.loads(output)["counts"] == {"done": 42}
    # Each did some of them: the account has a file a process that started a cell.
    assert len(list((sweeps.folder / "runs/.sweep/ledger").glob("*.jsonl"))) == 3
    # Nobody takes a lease only to find the cell done.
    assert {lease.name for lease in (sweeps.folder / "runs/.sweep/leases").glob("*/*")} == {"1"}


def test_a_process_that_dies_leaves_its_cell_to_the_others(sweeps):
    first = sweeps.start(*ONE, does={"A fp32_true": "wait"})
    sweeps.wait_for_steps("A fp32_true seed 0", 2)
    second = sweeps.start(*ONE, "--json")
    sweeps.wait_for(lambda: (sweeps.folder / "runs/.sweep/cells").exists(), "second process")
    time.sleep(1)
    assert second.poll() is None  # it waits for the first
    first.kill()
    first.communicate()
    output, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors
    assert "waiting for other processes, which train 1 of " in errors
    assert json.loads(output)["counts"] == {"done": 1}
    assert sweeps.started() == ["A fp32_true from step 0", "A fp32_true from step 2"]


def foreign_lease(sweeps, cell, number=1):
    """A lease of a process on another machine."""
    folder = sweeps.folder / "runs" / ".sweep" / "leases" / cell / str(number)
    folder.mkdir(parents=True)
    (folder / "holder.json").write_text(
        json.dumps({"host": "elsewhere", "process": 7, "boot_id": "another"}))
    return folder


def cell_id(sweeps):
    dry = json.loads(sweeps.run(*ONE, "--dry-run", "--json").stdout)
    return dry["cells"][0]["cell_id"]


def test_a_lease_of_another_machine_is_respected_while_its_heart_beats(sweeps):
    lease = foreign_lease(sweeps, cell_id(sweeps))
    process = sweeps.start(*ONE, "--lease-seconds", 2)
    for beat in range(12):  # for twice the lease
        time.sleep(0.4)
        with open(lease / "beats.jsonl", "a") as beats:
            beats.write("1\n")
        os.utime(lease / "beats.jsonl", (beat * 1e8, beat * 1e8))  # the time of a file says nothing
        assert process.poll() is None and sweeps.started() == []
    process.communicate(timeout=60)  # now it is silent
    assert process.returncode == 0 and sweeps.started() == ["A fp32_true from step 0"]


def test_what_another_process_could_not_train_is_not_tried_again(sweeps):
    process = sweeps.start(*TWO, "--json", does={"A fp32_true": "wait"})
    sweeps.wait_for_steps("A fp32_true seed 0", 2)
    other = sweeps.start(*TWO, "--json")
    sweeps.wait_for(lambda: "A fp16_naive seed 0" in sweeps.results(), "result of the other cell")
    [pid] = children(process.pid)
    os.kill(pid, signal.SIGKILL)  # the cell fails, and the first process says so
    process.communicate(timeout=60)
    output, errors = other.communicate(timeout=60)
    assert (process.returncode, other.returncode) == (4, 4), errors
    assert "killed by signal 9" in json.loads(output)["cells"][0]["failure"]
    assert sweeps.started() == ["A fp32_true from step 0", "A fp16_naive from step 0"]
    # A matrix that begins later tries it again.
    assert sweeps.run(*TWO).returncode == 0
    assert sweeps.started() == ["A fp32_true from step 0"]


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_run_outside_of_the_matrix_is_waited_for(sweeps):
    assert sweeps.run(*ONE, does={"A fp32_true": "refuse"}).returncode == 3
    sweeps.started()
    with locked(sweeps.records()["A fp32_true seed 0"]):
        process = sweeps.start(*ONE)
        time.sleep(1)
        assert process.poll() is None and sweeps.started() == []
    process.communicate(timeout=60)
    assert process.returncode == 0 and sweeps.started() == ["A fp32_true from step 0"]


def test_clocks_that_jump_change_nothing(sweeps):
    preload = str(BIN / "libjumping_clock.so")
    looks = [subprocess.run(["date", "+%s"], capture_output=True, text=True,
                            env={"LD_PRELOAD": preload, "PATH": os.environ["PATH"]}).stdout
             for _ in range(2)]
    assert abs(int(looks[0]) - time.time()) > 1e7, "the clock does not jump"
    arguments = ["--preset", "tiny", "--set", "train.steps=3", "--scenario", "A", "--json",
                 "--lease-seconds", 2]
    processes = [sweeps.start(*arguments, step_s=0.3, LD_PRELOAD=preload) for _ in range(2)]
    for process in processes:
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        assert json.loads(output)["counts"] == {"done": 7}  # six policies and the noise floor
        assert json.loads(output)["device_s"] < 1e6
    started = sweeps.started()
    assert len(started) == len(set(started)) == 7
