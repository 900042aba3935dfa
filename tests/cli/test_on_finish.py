"""--on-finish of `matrix` and `study`, beside a stand-in for the engine: when it runs, what it is told,
and that nothing it does costs a result."""

import json
import signal

import pytest
from sweeps import said, states

ONE = ["--scenario", "A", "--policy", "fp32_true", "--preset", "tiny", "--set", "train.steps=3"]
TWO = [*ONE, "--policy", "fp16_naive"]
# What it is told, and whether what `matrix` writes was there already.
TELL = ('env | grep ^FINISHED_ | sort > told; ls "$FINISHED_OUT"/.sweep/summary.json "$FINISHED_OUT"/*.html > files; '
        'echo a word on standard output')
PAID = ["--price-per-hour", 36, "--budget"]


def told(sweeps):
    file = sweeps.folder / "told"
    return dict(line.removeprefix("FINISHED_").split("=") for line in file.read_text().splitlines()) \
        if file.exists() else None


def facts(sweeps, status, code, cells, done, failed=0, left_out=0):
    return {"STATUS": status, "EXIT_CODE": str(code), "CELLS": str(cells), "DONE": str(done),
            "FAILED": str(failed), "LEFT_OUT": str(left_out), "OUT": str(sweeps.folder / "runs")}


def test_it_runs_last_and_is_told_how_it_ended(sweeps):
    process = sweeps.run(*TWO, "--on-finish", TELL, "--json")
    assert process.returncode == 0, process.stderr
    assert told(sweeps) == facts(sweeps, "done", 0, 2, 2)
    assert len((sweeps.folder / "files").read_text().split()) == 2
    assert set(states(process).values()) == {"done"}  # standard output is JSON and nothing else
    assert "a word on standard output" in process.stderr
    assert "--on-finish ended with exit code 0" in process.stderr


def test_nothing_is_said_without_it(sweeps):
    assert "on-finish" not in sweeps.run(*ONE).stderr


def test_cells_that_failed_are_counted(sweeps):
    process = sweeps.run(*TWO, "--on-finish", TELL, does={"A fp16_naive": "fail"})
    assert process.returncode == 4
    assert told(sweeps) == facts(sweeps, "failed", 4, 2, 1, failed=1)


def test_what_the_budget_left_out_is_counted(sweeps):
    """Calibrations of 1 cent each, then one cell at 3 cents, which the budget pays for once."""
    priced = [*TWO, "--on-finish", TELL, *PAID]
    assert sweeps.run(*priced, "1e9").returncode == 0
    assert told(sweeps)["STATUS"] == "done"
    process = sweeps.run(*priced, "1e-9", "--seeds", 2)
    assert process.returncode in (0, 2), process.stderr
    assert told(sweeps)["STATUS"] in ("budget", "failed")
    assert (told(sweeps)["LEFT_OUT"], told(sweeps)["DONE"]) == ("2", "2")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2])
def test_after_a_signal_of_a_scheduler_it_runs(sweeps, number):
    process = sweeps.start(*ONE, "--on-finish", TELL, does={"A fp32_true": "wait"})
    sweeps.wait_for_steps("A fp32_true seed 0", 2)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert told(sweeps) == facts(sweeps, "stopped", 130, 1, 0)
    assert sweeps.results()["A fp32_true seed 0"]["status"] == "interrupted"  # saved first


def test_a_repeated_signal_does_not_keep_it_from_running(sweeps):
    """As Slurm sends them: to all processes, more than once. Those that come late go to the command."""
    process = sweeps.start(*ONE, "--on-finish", "trap 'echo passed on > passed' TERM; " + TELL +
                           "; while ! [ -e passed ]; do sleep 0.05; done", does={"A fp32_true": "wait"})
    sweeps.wait_for_steps("A fp32_true seed 0", 2)

    def saved():
        # Not after that: the command gets a signal that comes before its trap is set, and ends.
        process.send_signal(signal.SIGTERM)
        return sweeps.results().get("A fp32_true seed 0", {}).get("status") == "interrupted"

    sweeps.wait_for(saved, "record that is saved")
    sweeps.wait_for(lambda: (sweeps.folder / "told").exists() and (sweeps.folder / "told").read_text(), "command")
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and (sweeps.folder / "passed").exists(), errors
    assert told(sweeps)["STATUS"] == "stopped"


def test_after_ctrl_c_it_does_not_run(sweeps):
    process = sweeps.start(*ONE, "--on-finish", TELL, does={"A fp32_true": "wait"})
    sweeps.wait_for_steps("A fp32_true seed 0", 2)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "--on-finish was not run, because of Ctrl-C" in errors
    assert told(sweeps) is None and (sweeps.folder / "runs/.sweep/summary.json").exists()


@pytest.mark.parametrize("command, how", [
    ("exit 7", "--on-finish ended with exit code 7"), ("nonexistent-upload", "--on-finish ended with exit code 127: there is no such command"),
    ("kill -9 $$", "--on-finish was ended by signal 9"), ("echo 'unclosed", "--on-finish ended with exit code 2")])
def test_a_bad_command_is_told_and_costs_nothing(sweeps, command, how):
    process = sweeps.run(*ONE, "--on-finish", command, "--json")
    assert process.returncode == 0 and states(process) == {"A fp32_true seed 0": "done"}
    assert f"warning: {how}" in said(process.stderr) and "The records in 'runs' are whole" in process.stderr
    assert sweeps.results()["A fp32_true seed 0"]["status"] == "completed"


def test_it_does_not_run_where_nothing_was_trained(sweeps):
    for arguments in (["--dry-run"], ["--scenario", "Z"], ["--budget", 3], ["--device", "NVIDIA RTX A6000"]):
        sweeps.run(*ONE, *arguments, "--on-finish", TELL)
        assert told(sweeps) is None, arguments


def test_it_runs_after_an_error_that_ends_the_matrix(sweeps):
    """The disk of the records goes away: nobody is there to see it, and the machine costs money."""
    runs = sweeps.folder / "runs"
    (runs / ".sweep").mkdir(parents=True)
    (runs / ".sweep/leases").write_text("in the way")
    process = sweeps.run(*ONE, "--on-finish", TELL)
    assert process.returncode not in (0, 130), process.stderr
    assert told(sweeps)["STATUS"] == "failed" and told(sweeps)["EXIT_CODE"] == str(process.returncode)


def test_a_study_sums_up_its_stages(sweeps):
    (sweeps.folder / "one.toml").write_text(
        'scenarios = ["A"]\npolicies = ["fp32_true", "bf16_pure"]\nset.train.steps = 3\n')
    (sweeps.folder / "two.toml").write_text(
        'description = "d"\n' + "".join(f'[[stage]]\nname = "{name}"\npurpose = "p"\nmatrix = "one.toml"\n'
                                         for name in ("first",)) +
        '[[stage]]\nname = "first"\nsession = 2\nmatrix = "one.toml"\n')
    process = sweeps.run("two.toml", "--preset", "tiny", "--device", "cpu", "--out", "runs", "--on-finish",
                         TELL.replace("summary", "study"), command="study", does={"A bf16_pure": "fail"})
    assert process.returncode == 4, process.stderr
    assert told(sweeps) == facts(sweeps, "failed", 4, 4, 2, failed=2)
    assert json.loads((sweeps.folder / "runs/.sweep/study.json").read_text())["stages_planned"] == 2
