"""`dtbench demo`: the matrix of configs/matrices/demo.toml, beside a stand-in for the engine.
test_matrix.py has what it shares with every matrix; what its cells say is tests/report's."""

import json
import os
import pty
import signal
import time

import pytest

from screen import test_a_screen_overwrites_erases_and_wraps  # noqa: F401 (runs here)
from sweeps import Sweeps, failures, said, states
from terminal import Terminal

POLICIES = ["fp32_true", "amp_fp16", "amp_bf16", "fp16_naive", "bf16_pure", "amp_bf16_8bit",
            "fp32_perturbed"]
ONE = ["--scenario", "A", "--policy", "fp32_true"]
TWO = ["--scenario", "A", "--policy", "fp32_true", "--policy", "fp16_naive"]


class Demo(Sweeps):
    command = "demo"

    def start(self, *arguments, command="demo", **options):
        return super().start(*arguments, command=command, **options)


@pytest.fixture
def demo(tmp_path, cache):
    return Demo(tmp_path, cache)


def test_every_scenario_under_every_policy_and_the_noise_floor(demo):
    does = {"A fp16_naive": "nonfinite", "B bf16_pure": "crash", "E amp_bf16": "skip"}
    process = demo.run("--json", does=does)
    assert process.returncode == 4
    assert sorted(states(process)) == sorted(f"{s} {p} seed 0" for s in "ABCDEF" for p in POLICIES)
    assert {name for name, state in states(process).items() if state != "done"} == {"B bf16_pure seed 0"}
    assert "killed by signal 11 (Segmentation fault)" in failures(process)["B bf16_pure seed 0"]
    specs = [json.loads((run / "spec.json").read_text()) for run in demo.records().values()]
    assert {spec["preset"] for spec in specs} == {"tiny"} and {spec["seed"] for spec in specs} == {0}
    assert {spec["data"]["source"] for spec in specs} == {"synthetic"}
    demo.started()

    # Again: what failed, and what the device could not do. Then nothing at all.
    assert demo.run("--json").returncode == 0
    assert sorted(demo.started()) == ["B bf16_pure from step 0", "E amp_bf16 from step 0"]  # two at once
    last = demo.run("--json")
    assert (last.returncode, last.stderr, demo.started()) == (0, "", [])


def test_a_part_of_them(demo):
    process = demo.run("--scenario", "C", "--scenario", "F", "--policy", "bf16_pure", "--policy",
                       "bf16_kahan", "--scenario", "C", "--set", "train.steps=3")
    assert process.returncode == 0, process.stderr
    assert sorted(demo.started()) == sorted(f"{scenario} {policy} from step 0" for scenario in "CF"
                                            for policy in ("bf16_pure", "bf16_kahan"))


def test_the_environment_sets_what_it_sets_elsewhere(demo):
    assert demo.run(*ONE, DTBENCH_TRAIN_STEPS="3", DTBENCH_PRESET="base").returncode == 0
    [run] = demo.records().values()
    spec = json.loads((run / "spec.json").read_text())
    assert (spec["train"]["steps"], spec["preset"]) == (3, "tiny")


def test_it_ends_with_the_matrix_three_sentences_and_the_page(demo):
    process = demo.run(*TWO, does={"A fp16_naive": "nonfinite"})
    assert process.returncode == 0, process.stderr
    assert (demo.folder / "runs/demo-report.html").exists()
    assert process.stdout.endswith("Report for the browser: runs/demo-report.html\n")
    answer = json.loads(demo.run(*TWO, "--json").stdout)
    assert answer["report"] == "runs/demo-report.html" and answer["answer"]
    assert len(answer["closing"]) == 3
    assert answer["closing"][0] == "fp32_true trained in A; a NaN or an infinity ended fp16_naive in A."
    for sentence in answer["closing"]:
        assert said(sentence) in said(process.stdout)
    assert "A fp16_naive seed 0: step 3, nan in transformer.wte.weight (backward)" in process.stdout


def test_a_record_of_other_data_is_made_again(demo):
    assert demo.run(*TWO).returncode == 0
    result = demo.records()["A fp32_true seed 0"] / "result.json"
    content = json.loads(result.read_text())
    content["data"]["fingerprint"] = "other"
    result.write_text(json.dumps(content))
    demo.started()
    assert demo.run(*TWO).returncode == 0
    assert demo.started() == ["A fp32_true from step 0"]
    assert len(list((demo.folder / "runs").glob("*.replaced-*"))) == 1


def test_a_missing_engine_is_said(demo):
    (demo.program.parent / "dtbench-engine").unlink()
    process = demo.run(*ONE)
    assert process.returncode == 4 and "dtbench-engine" in process.stdout + process.stderr


def test_a_signal_saves_the_running_cell_and_the_same_command_goes_on(demo):
    process = demo.start(*TWO, does={"A fp16_naive": "wait"})
    demo.wait_for_steps("A fp16_naive seed 0", 2)
    demo.wait_for(lambda: "A fp32_true seed 0" in demo.results(), "end of the other cell")
    time.sleep(0.5)  # the demo notices
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "The same command resumes; 1 of 2 cells left" in said(output)
    demo.started()
    assert demo.run(*TWO).returncode == 0
    assert demo.started() == ["A fp16_naive from step 2"]


# --- on a terminal ------------------------------------------------------------------------------


def test_keys_leave_no_trace_and_ctrl_c_stops(demo):
    terminal = Terminal(demo, 80, 24, *TWO, does={"A fp16_naive": "wait"})
    terminal.read(until=lambda frame: "A fp16_naive seed 0  running" in frame and "2/" in frame)
    assert not terminal.echoes()
    terminal.press(b"\n\nxyz")
    terminal.press(b"\x03")
    assert terminal.end() == 130
    last = terminal.screen.text()
    assert last.splitlines()[0] == "what was there before"
    assert "xyz" not in last and "^C" not in last and "ETA" not in last


def test_a_terminal_that_becomes_narrower(demo):
    terminal = Terminal(demo, 120, 24, *TWO, step_s=0.02)
    terminal.read(until=lambda frame: "A fp32_true seed 0  running" in frame)
    # This screen does not move what it shows when its width changes; lines of the old table that
    # would fill more than one row are the only ones that matter, and at 119 there are none.
    Terminal.resize_to(terminal.descriptor, 119, 24)
    terminal.screen.columns = 119
    assert terminal.end() == 0


def test_no_live_table_where_the_terminal_cannot_draw_it(demo):
    env = demo.environment() | {"TERM": "dumb"}
    process, descriptor = pty.fork()
    if process == 0:
        os.chdir(demo.folder)
        os.execve(str(demo.program), [str(demo.program), "demo", *ONE], env)
    text = b""
    while True:
        try:
            text += os.read(descriptor, 65536)
        except OSError:
            break
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    assert b"\x1b" not in text and b"[1/1] A fp32_true seed 0 completed" in text
