"""`dtbench submit slurm` on a real Slurm: tasks that share a matrix, and what a cluster does to them.

Cells are real ones of a few seconds. Each that was disturbed must have the numbers of an undisturbed
one, each step once and one end. scripts/slurm-trial does the same at more length.
"""

import json
import re

import pytest

from bench import Bench, torture
from slurm import Cluster, missing, processes_with, wait_for

if missing():
    pytest.skip(f"no {', '.join(missing())} on this machine (requirements/apt-test.txt)", allow_module_level=True)

COMMON = ["--preset", "tiny", "--device", "cpu", "--set", "train.eval_examples=8", "--lease-seconds", 2]
SHORT = ["matrix", "--scenario", "A", "--scenario", "C", "--policy", "fp32_true", "--policy", "bf16_pure",
         "--policy", "fp16_naive", "--set", "train.steps=3", *COMMON]
# Long enough to be met at work, with a checkpoint only where somebody asks for it.
LONG = ["matrix", "--scenario", "A", "--policy", "fp32_true", "--policy", "bf16_pure", "--set",
        "train.steps=80", *COMMON]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("slurm"), nodes=3)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def bench(tmp_path, cache):
    return Bench(tmp_path, cache)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, cache):
    """The records of LONG."""
    bench = Bench(tmp_path_factory.mktemp("undisturbed"), cache)
    process = bench.run(*LONG, "--jobs", 2, OMP_NUM_THREADS="1")
    assert process.returncode == 0, process.stderr
    return bench.folder / "runs"


def submit(cluster, bench, matrix, *options):
    return bench.submit(cluster, "--cpus", 1, *options, *matrix)


def log_of(bench, job, task=0):
    return (bench.folder / f"runs/.sweep/slurm/{job}_{task}.log").read_text()


def nodes_of(bench, job, task=0):
    return re.findall(r"on (\S+), requeued", log_of(bench, job, task))


def events(bench):
    """Of all cells."""
    return [event["event"] for run in torture.records(bench.folder / "runs").values()
            for event in torture.lines(run / "events.jsonl")]


def steps(bench):
    return sum(len(torture.lines(run / "steps.jsonl"))
               for run in torture.records(bench.folder / "runs").values())


def wait_for_steps(bench, count=10):
    wait_for(lambda: steps(bench) >= count, f"{count} steps")


def test_tasks_share_the_cells(cluster, bench):
    job = submit(cluster, bench, SHORT, "--at-once", 3)
    wait_for(lambda: list((bench.folder / "runs").glob("*/spec.json")), "cell")
    watch = bench.run("watch", "runs")
    assert watch.returncode == 0 and "6/6" in watch.stderr, watch.stderr
    ends = cluster.wait_until_over(job)
    assert set(ends.values()) == {("COMPLETED", "0:0", 0)} and len(ends) == 3
    runs = torture.records(bench.folder / "runs")
    statuses = [json.loads((run / "result.json").read_text())["status"] for run in runs.values()]
    assert statuses == ["completed"] * 6
    assert events(bench).count("ended") == 6
    assert len({node for task in range(3) for node in nodes_of(bench, job, task)}) == 3

    again = submit(cluster, bench, SHORT, "--at-once", 2)  # nothing is left to do
    assert set(cluster.wait_until_over(again).values()) == {("COMPLETED", "0:0", 0)}
    assert events(bench).count("ended") == 6


def test_a_warned_task_saves_and_goes_on_when_it_is_requeued(cluster, bench, undisturbed):
    job = submit(cluster, bench, LONG, "--at-once", 1)
    wait_for_steps(bench)
    cluster.call("scancel", "--batch", "--signal=USR2", f"{job}_0")  # as shortly before the time limit
    wait_for(lambda: cluster.ends(job)[f"{job}_0"][2] == 1, "requeue")
    saved = torture.records(bench.folder / "runs")
    assert any((run / "checkpoint").exists() for run in saved.values())
    assert cluster.wait_until_over(job)[f"{job}_0"] == ("COMPLETED", "0:0", 1)
    assert len(nodes_of(bench, job)) == 2
    assert events(bench).count("resumed") == 1
    assert torture.differences(undisturbed, bench.folder / "runs") == []


def test_a_node_that_dies_loses_and_doubles_nothing(cluster, bench, undisturbed):
    job = submit(cluster, bench, LONG, "--at-once", 2)
    wait_for_steps(bench)
    [node] = nodes_of(bench, job, 0)
    cluster.kill_node(node)
    cluster.call("scontrol", "update", f"nodename={node}", "state=down", "reason=dead")
    ends = cluster.wait_until_over(job)
    cluster.start_node(node)
    cluster.call("scontrol", "update", f"nodename={node}", "state=resume")
    assert ends[f"{job}_0"] == ("COMPLETED", "0:0", 1)
    assert nodes_of(bench, job, 0)[0] == node != nodes_of(bench, job, 0)[1]
    assert torture.differences(undisturbed, bench.folder / "runs") == []


def test_a_node_that_is_cut_off_trains_no_cell_twice(cluster, bench, undisturbed):
    """Its daemon died, the task lives on, and Slurm starts the task once more elsewhere."""
    job = submit(cluster, bench, LONG, "--at-once", 1)
    wait_for_steps(bench)
    [node] = nodes_of(bench, job)
    cluster.kill_daemon(node)
    cluster.call("scontrol", "update", f"nodename={node}", "state=down", "reason=silent")
    wait_for(lambda: len(nodes_of(bench, job)) == 2, "second start")
    ends = cluster.wait_until_over(job)
    wait_for(lambda: not processes_with(f"SLURMD_NODENAME={node}"), "end of what was cut off")
    cluster.start_node(node)
    cluster.call("scontrol", "update", f"nodename={node}", "state=resume")
    assert ends[f"{job}_0"][0] == "COMPLETED"
    assert torture.differences(undisturbed, bench.folder / "runs") == []
    assert "resumed" not in events(bench)


def test_cancelled_and_submitted_again(cluster, bench, undisturbed):
    job = submit(cluster, bench, LONG, "--at-once", 2)
    wait_for(lambda: len(torture.records(bench.folder / "runs")) == 2, "both cells")
    wait_for_steps(bench, 20)
    cluster.call("scancel", job)
    ends = cluster.wait_until_over(job)
    assert {state for state, _, _ in ends.values()} == {"CANCELLED"}
    runs = torture.records(bench.folder / "runs").values()
    # Slurm signals the engine as well as dtbench, which does so once more: both have saved.
    assert all((run / "checkpoint").exists() for run in runs)
    again = submit(cluster, bench, LONG, "--at-once", 2)
    assert {state for state, _, _ in cluster.wait_until_over(again).values()} == {"COMPLETED"}
    assert events(bench).count("resumed") == 2
    assert torture.differences(undisturbed, bench.folder / "runs") == []


def spent(bench):
    """By all processes: the last line of an attempt counts."""
    attempts = {}
    for file in (bench.folder / "runs/.sweep/ledger").glob("*.jsonl"):
        for line in torture.lines(file):
            attempts[file.name, line["attempt"]] = line["device_s"]
    return attempts


def test_the_budget_is_that_of_all_tasks(cluster, bench):
    """At a dollar a second it pays for the first seed, which is trained already, and half of another."""
    first = submit(cluster, bench, [*SHORT, "--price-per-hour", 3600], "--at-once", 3)
    assert {state for state, _, _ in cluster.wait_until_over(first).values()} == {"COMPLETED"}
    cost = sum(spent(bench).values())
    budget = 1.5 * cost
    matrix = [*SHORT, "--seeds", 3, "--price-per-hour", 3600, "--budget", f"{budget:.2f}"]
    job = submit(cluster, bench, matrix, "--at-once", 3)
    ends = cluster.wait_until_over(job)
    assert {state for state, _, _ in ends.values()} == {"COMPLETED"}
    done = events(bench).count("ended")
    assert 6 <= done < 18
    # Each of three tasks may have been at work on a cell that took longer than predicted.
    assert sum(spent(bench).values()) <= budget + 3 * max(spent(bench).values())
    assert any("The budget does not pay for" in log_of(bench, job, task) for task in range(3))

    before = len(spent(bench))
    again = submit(cluster, bench, matrix, "--at-once", 1)
    cluster.wait_until_over(again)
    assert len(spent(bench)) <= before + 1  # what is left pays for one cell at most
