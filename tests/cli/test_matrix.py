"""`dtbench matrix` beside a stand-in for the engine: what it runs, in which order, what it refuses
and survives."""

import json
import os
import signal
import subprocess
import time

import pytest
from conftest import refused
from sweeps import ONE, TWO, failures, said, states
from terminal import Terminal

POLICIES = ["fp32_true", "amp_fp16", "amp_bf16", "fp16_naive", "bf16_pure", "amp_bf16_8bit",
            "fp32_perturbed"]
FOUR = ["--scenario", "A", "--scenario", "C", "--policy", "fp32_true", "--policy", "fp16_naive",
        "--preset", "tiny", "--set", "train.steps=3"]
NAMES = [f"{scenario} {policy} seed 0" for scenario, policies in
         (("A", ["fp32_true", "fp16_naive"]), ("C", ["fp16_naive", "fp32_true"])) for policy in policies]


def in_order(names):
    return [f"{name.split(' seed ')[0]} from step 0" for name in names]


# --- what it runs -------------------------------------------------------------------------------


def test_the_study_once_each_in_rotated_order(sweeps):
    process = sweeps.run("--preset", "tiny", "--set", "train.steps=3", "--json")
    assert process.returncode == 0, process.stderr
    order = [f"{scenario} {POLICIES[(row + place) % 7]} from step 0"
             for row, scenario in enumerate("ABCDEF") for place in range(7)]
    assert sweeps.started() == order
    assert set(states(process).values()) == {"done"} and len(states(process)) == 42
    lines = [line for line in process.stderr.splitlines() if line.startswith("[")]
    assert [line.split("]")[0] for line in lines] == [f"[{n}/42" for n in range(1, 43)]

    again = sweeps.run("--preset", "tiny", "--set", "train.steps=3", "--json")
    assert (again.returncode, again.stderr, sweeps.started()) == (0, "", [])
    assert states(again) == states(process)


def test_seeds_come_round_by_round_and_axes_are_products(sweeps):
    process = sweeps.run(*TWO, "--seeds", 2, "--set", "train.learning_rate=0.001,0.01", "--json")
    assert process.returncode == 0, process.stderr
    assert list(states(process)) == [
        f"A {policy} seed {seed} learning_rate={rate}" for seed in (0, 1)
        for place, rate in enumerate((0.001, 0.01))
        for policy in (["fp32_true", "fp16_naive"], ["fp16_naive", "fp32_true"])[(seed + place) % 2]]
    rates = [json.loads((run / "spec.json").read_text())["train"]["learning_rate"]
             for run in (sweeps.folder / "runs").glob("*") if (run / "spec.json").exists()]
    assert sorted(rates) == [0.001] * 4 + [0.01] * 4


def test_several_cells_at_a_time_divide_the_cores(sweeps):
    engine = sweeps.program.parent / "dtbench-engine"
    engine.write_text(engine.read_text().replace(
        'steps_file = run', '(run / "threads").write_text(os.environ.get("OMP_NUM_THREADS", "all"))\n'
        'steps_file = run', 1))
    process = sweeps.start(*FOUR, "--jobs", 2, does={name.rsplit(" seed")[0]: "wait" for name in NAMES[:2]})
    for name in NAMES[:2]:
        sweeps.wait_for_steps(name, 2)  # both wait at the same time
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    threads = {(run / "threads").read_text() for run in sweeps.records().values()}
    assert threads == {str(max(1, len(os.sched_getaffinity(0)) // 2))}
    assert len(sweeps.started()) == 2


def test_a_matrix_file_and_what_the_command_line_takes_of_it(sweeps):
    (sweeps.folder / "mine.toml").write_text(
        'preset = "tiny"\nseeds = 2\nset.train.steps = 3\n'
        '[[part]]\nscenarios = ["A", "C"]\npolicies = ["fp32_true"]\n'
        '[[part]]\nscenarios = ["C"]\npolicies = ["fp16_naive"]\nset.train.bce_reduction = "sum_labels"\n')
    whole = sweeps.run("--file", "mine.toml", "--dry-run", "--json")
    assert [cell["name"] for cell in json.loads(whole.stdout)["cells"]] == [
        f"{cell} seed {seed}" for seed in (0, 1) for cell in ("A fp32_true", "C fp32_true", "C fp16_naive")]
    part = sweeps.run("--file", "mine.toml", "--scenario", "C", "--seeds", 1, "--json")
    assert list(states(part)) == ["C fp32_true seed 0", "C fp16_naive seed 0"]
    refused(sweeps.run("--file", "mine.toml", "--scenario", "B"), "The matrix 'mine.toml' has no cell of --scenario B")


def test_a_dry_run_trains_nothing_and_tells_what_it_knows(sweeps):
    first = sweeps.run(*TWO, "--dry-run")
    assert first.returncode == 0, first.stderr
    assert "the time of 2 of them is unknown" in said(first.stdout)
    assert sweeps.started() == [] and not (sweeps.folder / "runs").exists()
    assert sweeps.run(*TWO).returncode == 0
    later = json.loads(sweeps.run(*TWO, "--seeds", 2, "--price-per-hour", "7.2", "--dry-run",
                                  "--json").stdout)
    assert [cell["status"] for cell in later["cells"]] == ["completed"] * 2 + ["not run"] * 2
    for cell in later["cells"]:
        assert cell["usd"] == pytest.approx(cell["seconds"] * 7.2 / 3600)
        assert cell["memory_bytes"] > 1e6
    assert later["total"]["unpredicted"] == 0


# --- what goes wrong ----------------------------------------------------------------------------


def test_what_one_cell_does_harms_no_other(sweeps):
    does = {"A fp32_true": "crash", "A fp16_naive": "memory", "C fp16_naive": "fail"}
    process = sweeps.run(*FOUR, "--json", does=does)
    assert process.returncode == 4
    assert states(process) == dict(zip(NAMES, ["failed", "failed", "failed", "done"]))
    why = failures(process)
    assert "killed by signal 11 (Segmentation fault)" in why["A fp32_true seed 0"]
    assert "no memory left on this machine" in why["A fp16_naive seed 0"]
    assert "the disk is on fire" in why["C fp16_naive seed 0"]
    table = sweeps.run(*FOUR, does=does)
    assert "failed: A fp32_true seed 0: the engine: killed by signal 11" in table.stdout
    # Once what was wrong is mended, the same command goes on with those alone.
    sweeps.started()
    assert sweeps.run(*FOUR).returncode == 0
    assert sweeps.started() == in_order(NAMES[:3])


@pytest.mark.parametrize("does", ["wait", "hang"])
def test_a_cell_that_outlasts_its_limit(sweeps, does):
    process = sweeps.run(*TWO, "--cell-timeout", "1", "--json", does={"A fp32_true": does})
    assert process.returncode == 4
    assert states(process) == {"A fp32_true seed 0": "failed", "A fp16_naive seed 0": "done"}
    assert "exceeded its limit of 1.0 s" in failures(process)["A fp32_true seed 0"]
    end = "killed by signal 9" if does == "hang" else "exit code 130"
    assert end in failures(process)["A fp32_true seed 0"]


def test_fail_fast_saves_what_runs_and_starts_no_more(sweeps):
    process = sweeps.run(*FOUR, "--jobs", 2, "--fail-fast", "--json", step_s=0.5,
                         does={"A fp32_true": "wait", "A fp16_naive": "fail"})
    assert process.returncode == 4
    assert states(process) == dict(zip(NAMES, ["waiting", "failed", "waiting", "waiting"]))
    assert sweeps.results()["A fp32_true seed 0"]["status"] == "interrupted"
    sweeps.started()
    assert sweeps.run(*FOUR, "--keep-going").returncode == 0
    assert "A fp32_true from step 2" in sweeps.started()


def test_only_failures_that_may_pass_make_it_retryable(sweeps):
    assert sweeps.run(*TWO, does={"A fp32_true": "refuse"}).returncode == 3
    assert sweeps.run(*TWO, does={"A fp32_true": "fail"}).returncode == 4


def test_other_data_other_spec_and_another_engine_are_refused_with_the_difference(sweeps):
    assert sweeps.run(*FOUR).returncode == 0
    runs = sweeps.records()
    data = runs["A fp32_true seed 0"] / "result.json"
    data.write_text(data.read_text().replace(
        json.loads(data.read_text())["data"]["fingerprint"], "other"))
    spec = runs["A fp16_naive seed 0"] / "spec.json"
    spec.write_text(spec.read_text().replace('"steps": 3', '"steps": 4').replace('"steps":3', '"steps":4'))
    engine = runs["C fp16_naive seed 0"] / "engine.json"
    own = json.loads(engine.read_text())["sha256"]
    engine.write_text(json.dumps({"sha256": "0123"}))
    sweeps.started()

    process = sweeps.run(*FOUR, "--json")
    assert process.returncode == 4 and sweeps.started() == []
    assert states(process) == dict(zip(NAMES, ["failed", "failed", "failed", "done"]))
    why = failures(process)
    assert 'fingerprint is "other"' in why["A fp32_true seed 0"]
    assert "train.steps" in why["A fp16_naive seed 0"]
    assert '"0123"' in why["C fp16_naive seed 0"] and own in why["C fp16_naive seed 0"]
    assert all("--rerun" in text for text in why.values())

    again = sweeps.run(*FOUR, "--rerun", "--json")
    assert again.returncode == 0 and set(states(again).values()) == {"done"}
    assert sweeps.started() == in_order(NAMES[:3])
    assert len(list((sweeps.folder / "runs").glob("*.replaced-*"))) == 3
    # Nothing is refused any more, so there is nothing to train anew.
    assert sweeps.run(*FOUR, "--rerun").returncode == 0 and sweeps.started() == []


def test_a_changed_engine_is_refused_in_the_middle_of_a_cell_too(sweeps):
    process = sweeps.start(*ONE, does={"A fp32_true": "wait"})
    sweeps.wait_for_steps("A fp32_true seed 0", 2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    engine = sweeps.program.parent / "dtbench-engine"
    engine.write_text(engine.read_text() + "# another build\n")
    process = sweeps.run(*ONE, "--json")
    assert process.returncode == 4
    assert "another engine" in failures(process)["A fp32_true seed 0"]
    sweeps.started()
    assert sweeps.run(*ONE, "--rerun").returncode == 0
    assert sweeps.started() == ["A fp32_true from step 0"]


def test_a_damaged_record_fails_its_cell_alone(sweeps):
    assert sweeps.run(*TWO).returncode == 0
    (sweeps.records()["A fp32_true seed 0"] / "result.json").write_text("{")
    process = sweeps.run(*TWO, "--json")
    assert process.returncode == 4
    assert "damaged" in failures(process)["A fp32_true seed 0"]
    assert states(process)["A fp16_naive seed 0"] == "done"


@pytest.mark.parametrize("arguments, parts", [
    (["--price-per-hour", "cheap"], ["--price-per-hour must be", "got 'cheap'"]),
    (["--price-per-hour", "-1"], ["above 0", "'-1'"]),
    (["--price-per-hour", "nan"], ["'nan'"]),
    (["--price-per-hour", "1", "--budget", "inf"], ["--budget must be", "'inf'"]),
    (["--price-per-hour", "1", "--budget", "0"], ["--budget must be"]),
    (["--budget", "5"], ["--price-per-hour"]),
    (["--cell-timeout", "soon"], ["--cell-timeout must be"]),
    (["--seeds", "none"], ["a number of seeds from 1 to 10000"]),
    (["--jobs", "0"], ["--jobs"]),
    (["--set", "train.step=1,2"], ["'train.step'", "'train.steps'"]),
    (["--set", "device=cpu,cuda"], ["A matrix runs on one device"]),
    (["--file", "tniy"], ["Unknown matrix 'tniy'", "Did you mean 'tiny'?"]),
    (["--file", "nowhere.toml"], ["nowhere.toml"]),
])
def test_wrong_arguments_are_named(sweeps, arguments, parts):
    refused(sweeps.run(*ONE, *arguments), *parts)
    assert sweeps.started() == []


def test_foreign_files_in_the_way(sweeps):
    (sweeps.folder / "file").write_text("not a folder")
    process = sweeps.run(*ONE, "--out", "file")
    assert process.returncode == 2 and "file" in process.stderr
    (sweeps.folder / "runs").mkdir()
    (sweeps.folder / "runs" / ".sweep").write_text("not a folder")
    process = sweeps.run(*ONE)
    assert process.returncode == 2 and ".sweep" in process.stderr
    (sweeps.folder / "runs" / ".sweep").unlink()
    leases = sweeps.folder / "runs" / ".sweep" / "leases"
    leases.mkdir(parents=True)
    (leases / "notes.txt").write_text("?")
    assert sweeps.run(*ONE).returncode == 0


def test_a_full_disk_is_said_and_retryable(sweeps):
    disk = sweeps.folder / "runs"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8192k", "tmpfs", disk],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        (disk / "ballast").write_bytes(bytes(8188 * 1024))
        process = sweeps.run(*TWO)
        assert process.returncode == 3, process.stderr
        assert "No space left on device" in process.stderr + process.stdout
        (disk / "ballast").unlink()
        assert sweeps.run(*ONE).returncode == 0
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_missing_engine_is_said(sweeps):
    (sweeps.program.parent / "dtbench-engine").unlink()
    refused(sweeps.run(*ONE), "dtbench-engine", code=4)


# --- interruption -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2])
def test_a_signal_saves_what_runs_and_the_same_command_goes_on(sweeps, number):
    process = sweeps.start(*FOUR, "--jobs", 2, "--json",
                           does={"A fp32_true": "wait", "A fp16_naive": "wait"})
    for name in NAMES[:2]:
        sweeps.wait_for_steps(name, 2)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert json.loads(output)["counts"] == {"waiting": 4}
    assert json.loads((sweeps.folder / "runs/.sweep/summary.json").read_text())["counts"] == {"waiting": 4}
    assert {result["status"] for result in sweeps.results().values()} == {"interrupted"}
    sweeps.started()
    assert sweeps.run(*FOUR).returncode == 0
    assert sweeps.started() == ["A fp32_true from step 2", "A fp16_naive from step 2",
                                *in_order(NAMES[2:])]


def test_a_matrix_that_ignores_a_signal_goes_on(sweeps):
    """nohup, for one."""
    process = sweeps.start(*ONE, step_s=0.3, command="matrix", preexec=lambda: signal.signal(
        signal.SIGHUP, signal.SIG_IGN))
    sweeps.wait_for_steps("A fp32_true seed 0", 1)
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert sweeps.started() == ["A fp32_true from step 0"]


def test_a_second_signal_ends_it_at_once(sweeps):
    process = sweeps.start(*TWO, does={"A fp32_true": "hang"})
    sweeps.wait_for_steps("A fp32_true seed 0", 2)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None  # it waits for the checkpoint
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "The same command resumes; 2 of 2 cells left" in output


def test_sigterm_does_not_wait_for_a_cell_that_hangs(sweeps):
    process = sweeps.start(*TWO, does={"A fp32_true": "hang"})
    sweeps.wait_for_steps("A fp32_true seed 0", 2)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 130
    sweeps.started()
    assert sweeps.run(*TWO).returncode == 0
    assert sweeps.started() == in_order(NAMES[:2])  # no checkpoint was to be had


# --- what it says -------------------------------------------------------------------------------


def test_the_live_table(sweeps):
    arguments = [*FOUR, "--price-per-hour", "3.6", "--jobs", "2"]
    terminal = Terminal(sweeps, 120, 24, *arguments, does={"C fp16_naive": "wait"}, step_s=0.02)
    terminal.read(until=lambda frame: "C fp16_naive seed 0  running" in frame and "2/3" in frame
                  and "3 of 4 cells done, 1 running" in frame)
    lines = terminal.frames[-1].splitlines()
    assert lines[0] == "what was there before"
    assert lines[1].startswith("A fp")  # what ended
    [header] = [line for line in lines if line.startswith("cell ")]
    assert header.split() == ["cell", "state", "step", "loss", "samples/s", "ETA"]
    [running] = [line for line in lines if line.startswith("C fp16_naive seed 0  running")]
    assert running.split()[4:8] == ["running", "2/3", "7.02", "320.0"]
    assert lines[-2].startswith("3 of 4 cells done, 1 running; ") and "USD spent" in lines[-2]
    assert terminal.screen.wrapped == 0
    terminal.press(b"\x03")
    assert terminal.end() == 130
    last = terminal.screen.text().splitlines()
    assert last[0] == "what was there before" and last[1].split() == ["A", "C"]
    assert any(line.startswith("3 of 4 cells are done") for line in last)


def test_a_small_terminal(sweeps):
    terminal = Terminal(sweeps, 40, 6, *TWO, step_s=0.02)
    terminal.read(until=lambda frame: "running" in frame)
    assert terminal.screen.wrapped == 0
    assert terminal.end() == 0


def test_watch_follows_another_process(sweeps):
    process = sweeps.start(*TWO, "--price-per-hour", "3.6", does={"A fp16_naive": "wait"})
    sweeps.wait_for_steps("A fp16_naive seed 0", 2)
    watch = sweeps.start("runs", command="watch")
    line = watch.stderr.readline()
    assert line.startswith("2 cells, 1 of them already done")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    _, rest = watch.communicate(timeout=60)  # nobody works any more
    assert watch.returncode == 0
    assert "1 of 2 cells done" in rest and "USD spent" in rest


def test_watch_on_a_terminal(sweeps):
    process = sweeps.start(*TWO, does={"A fp16_naive": "wait"})
    sweeps.wait_for_steps("A fp16_naive seed 0", 2)
    sweeps.command = "watch"
    terminal = Terminal(sweeps, 100, 24, "runs")
    terminal.read(until=lambda frame: "A fp16_naive seed 0  elsewhere" in frame and "2/3" in frame
                  and "Ctrl-C ends the view, not the training." in frame)
    terminal.press(b"\x03")
    assert terminal.end() == 0
    assert process.poll() is None  # it goes on
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def test_watch_follows_from_before_the_first_cell_until_it_is_stopped(sweeps):
    watch = sweeps.start("runs", "--follow", command="watch")
    assert "waiting for the first cell in 'runs'" in watch.stderr.readline()
    assert sweeps.run(*TWO).returncode == 0
    assert watch.stderr.readline().startswith("2 cells, ")
    assert sweeps.run(*TWO, "--set", "train.steps=4").returncode == 0  # two cells more, listed later
    while not watch.stderr.readline().startswith("[4/4] "):
        pass
    assert watch.poll() is None  # nobody works any more
    watch.send_signal(signal.SIGINT)
    _, rest = watch.communicate(timeout=60)
    assert watch.returncode == 0 and "4 of 4 cells done" in rest


def test_watch_sees_a_failed_cell_tried_again(sweeps):
    assert sweeps.run(*TWO, does={"A fp16_naive": "fail"}).returncode in (3, 4)
    watch = sweeps.start("runs", "--follow", command="watch")
    assert watch.stderr.readline().startswith("2 cells, 1 of them already done")
    assert sweeps.run(*TWO, step_s=0.5).returncode == 0  # longer than from one look to the next
    assert "waiting for other processes" in watch.stderr.readline()
    assert watch.stderr.readline().startswith("[2/2] A fp16_naive seed 0 completed")
    watch.send_signal(signal.SIGINT)
    assert "2 of 2 cells done" in watch.communicate(timeout=60)[1]


def test_watch_refuses_what_is_no_list_of_cells(sweeps):
    assert sweeps.run(*TWO).returncode == 0
    refused(sweeps.run("log", "--follow", command="watch"), "'log' is not a folder of runs")
    for text in ("[]", '{"cells": 3}', '{"cells": [1]}'):
        (sweeps.folder / "runs/.sweep/cells/odd.json").write_text(text)
        refused(sweeps.run("runs", command="watch"), "odd.json' is not a list of cells")


def test_watch_says_when_there_is_nothing(sweeps):
    refused(sweeps.run("nowhere", command="watch"), "'nowhere' is not a folder of runs")
    (sweeps.folder / "empty").mkdir()
    refused(sweeps.run("empty", command="watch"), "There are no cells in 'empty'")
