"""`dtbench demo` beside a stand-in for the engine: what it runs, shows, survives and goes on with."""

import fcntl
import json
import os
import pathlib
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import pytest
from conftest import environment, install, locked
from screen import Screen, test_a_screen_overwrites_erases_and_wraps  # noqa: F401 (runs here)

HERE = pathlib.Path(__file__).parent
POLICIES = ["fp32_true", "amp_fp16", "amp_bf16", "fp16_naive", "bf16_pure", "amp_bf16_8bit"]
CELLS = [f"{scenario} {policy}" for scenario in "ABCDEF" for policy in POLICIES]
ONE = ["--scenario", "A", "--policy", "fp32_true"]
TWO = ["--scenario", "A", "--policy", "fp32_true", "--policy", "fp16_naive"]


class Demo:
    command = "demo"

    def __init__(self, folder, cache):
        self.folder, self.cache = folder, cache
        self.program = install(folder / "installed", (HERE / "stand_in_engine.py").read_text())
        self.log = folder / "log"

    def environment(self, does, step_s=0.0):
        return environment(self.cache, STAND_IN=json.dumps(does), STAND_IN_LOG=str(self.log),
                           STAND_IN_STEP_S=str(step_s), TERM="xterm")

    def run(self, *arguments, does={}):
        return subprocess.run([self.program, "demo", *arguments], cwd=self.folder,
                              env=self.environment(does), capture_output=True, text=True, timeout=300)

    def start(self, *arguments, does={}):
        return subprocess.Popen([self.program, "demo", *arguments], cwd=self.folder,
                                env=self.environment(does), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def started(self):
        """What the engine was started for, since the last call."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines

    def record(self, name):
        for spec in self.folder.glob("runs/*/spec.json"):
            content = json.loads(spec.read_text())
            if name == f"{content['scenario']} {content['policy']['name']}":
                return spec.parent
        return None

    def wait_for(self, condition, what):
        deadline = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < deadline, f"no {what} within two minutes"
            time.sleep(0.01)

    def wait_for_steps(self, name, count):
        def there():
            run = self.record(name)
            file = run and run / "steps.jsonl"
            return file and file.exists() and file.read_text().count("\n") >= count
        self.wait_for(there, f"step of {name}")


@pytest.fixture
def demo(tmp_path, cache):
    return Demo(tmp_path, cache)


def rows_of(process):
    answer = json.loads(process.stdout)
    return {f"{row['scenario']} {row['policy']}": row for row in answer["cells"]}, answer["findings"]


def said(text):
    """Text without the line breaks that its width made."""
    return " ".join(text.split())


# --- what it runs -------------------------------------------------------------------------------


def test_every_scenario_under_every_policy_at_preset_tiny(demo):
    does = {"A fp16_naive": "nonfinite", "B bf16_pure": "crash", "C amp_fp16": "fail",
            "D amp_fp16": "refuse", "E amp_bf16": "skip", "F bf16_pure": "silent"}
    process = demo.run("--json", does=does)
    assert process.returncode == 4
    assert demo.started() == [name + " from step 0" for name in CELLS]
    rows, _ = rows_of(process)
    assert list(rows) == CELLS
    assert {row["preset"] for row in rows.values()} == {"tiny"}

    assert {name: row["status"] for name, row in rows.items() if row["status"] != "completed"} == {
        "A fp16_naive": "diverged", "B bf16_pure": "failed", "C amp_fp16": "failed",
        "D amp_fp16": "failed", "E amp_bf16": "skipped", "F bf16_pure": "failed"}
    assert "killed by signal 11 (Segmentation fault); about to crash" in rows["B bf16_pure"]["reason"]
    assert "exit code 4; the disk is on fire" in rows["C amp_fp16"]["reason"]
    assert rows["D amp_fp16"]["reason"].endswith("The run is not to be had. try: Wait for it.")
    assert "exit code 0" in rows["F bf16_pure"]["reason"]
    assert rows["A fp16_naive"]["first_nonfinite"]["step"] == 3
    # Its record has a validation loss, of before it diverged.
    assert rows["A fp16_naive"]["val_loss"] is None and rows["A fp32_true"]["val_loss"] == 7.0
    # Nothing of a record that could not be finished is passed off as a result.
    assert rows["B bf16_pure"]["steps_completed"] is None

    lines = process.stderr.splitlines()
    ended = [line for line in lines if line.startswith("[")]
    assert [line.split("]")[0] for line in ended] == [f"[{n}/36" for n in range(1, 37)]
    assert all(f"] {name} " in line for name, line in zip(CELLS, ended))
    assert all("; ETA " in line for line in ended)
    assert ended[-1].endswith("ETA 0.0 s")
    assert "\x1b" not in process.stderr + process.stdout

    # Again: only what failed or was skipped is tried anew.
    again = demo.run("--json")
    assert again.returncode == 0
    tried = ["B bf16_pure", "C amp_fp16", "D amp_fp16", "E amp_bf16", "F bf16_pure"]
    assert demo.started() == [f"{name} from step 0" for name in tried]
    assert [line.split("]")[0] for line in again.stderr.splitlines()[1:]] == [
        f"[{n}/36" for n in range(32, 37)]

    # And then nothing at all.
    last = demo.run("--json")
    assert (last.returncode, last.stderr, demo.started()) == (0, "", [])
    assert last.stdout == again.stdout


def test_a_part_of_them(demo):
    process = demo.run("--scenario", "C", "--scenario", "F", "--policy", "bf16_pure", "--policy",
                       "bf16_kahan", "--scenario", "C", "--set", "train.steps=3")
    assert process.returncode == 0, process.stderr
    assert demo.started() == [f"{scenario} {policy} from step 0" for scenario in "CF"
                              for policy in ("bf16_pure", "bf16_kahan")]


def test_the_environment_sets_what_it_sets_elsewhere(demo):
    env = demo.environment({}) | {"DTBENCH_TRAIN_STEPS": "3", "DTBENCH_PRESET": "base"}
    process = subprocess.run([demo.program, "demo", *ONE, "--json"], cwd=demo.folder, env=env,
                             capture_output=True, text=True, timeout=60)
    [row] = json.loads(process.stdout)["cells"]
    assert (row["steps"], row["preset"]) == (3, "tiny")


# --- what goes wrong ----------------------------------------------------------------------------


def test_a_record_of_other_data_fails_its_cell_alone(demo):
    assert demo.run(*TWO).returncode == 0
    result = demo.record("A fp32_true") / "result.json"
    content = json.loads(result.read_text())
    content["data"]["fingerprint"] = "other"
    result.write_text(json.dumps(content))
    process = demo.run(*TWO, "--json")
    rows, _ = rows_of(process)
    assert process.returncode == 4
    assert rows["A fp32_true"]["status"] == "failed" and "other data" in rows["A fp32_true"]["reason"]
    assert rows["A fp32_true"]["val_loss"] is None
    assert rows["A fp16_naive"]["status"] == "completed"


def test_a_cell_that_another_process_trains_is_waited_for(demo):
    assert demo.run(*TWO, does={"A fp32_true": "refuse"}).returncode == 3
    demo.started()
    with locked(demo.record("A fp32_true")):
        process = demo.start(*TWO, "--json")
        time.sleep(1)
        assert process.poll() is None and demo.started() == []
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert demo.started() == ["A fp32_true from step 0"]


def test_a_missing_engine_is_said(demo):
    (demo.program.parent / "dtbench-engine").unlink()
    process = demo.run(*ONE)
    assert process.returncode == 4 and "dtbench-engine" in process.stdout


def test_an_engine_that_cannot_be_executed(demo):
    (demo.program.parent / "dtbench-engine").write_text("#!/nowhere/python\n")
    process = demo.run(*ONE)
    assert process.returncode == 4
    assert "the engine cannot be executed: No such file or directory" in said(process.stdout)


# --- interruption -------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_saves_the_running_cell_and_the_same_command_goes_on(demo, number):
    process = demo.start(*TWO, does={"A fp16_naive": "wait"})
    demo.wait_for_steps("A fp16_naive", 2)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    table = [line.split()[:3] for line in output.splitlines()]
    assert ["fp32_true", "completed", "trained"] in table
    assert ["fp16_naive", "interrupted", "-"] in table
    # Nothing is passed off as the loss at its end.
    [interrupted] = [line for line in output.splitlines() if line.startswith("fp16_naive")]
    assert "7.0000" not in interrupted
    assert "the same command resumes; 1 of 2 cells left" in said(output)
    demo.started()

    again = demo.run(*TWO)
    assert again.returncode == 0
    assert demo.started() == ["A fp16_naive from step 2"]


def test_an_interrupted_demo_starts_no_other_cell(demo):
    process = demo.start(*TWO, does={"A fp32_true": "wait"})
    demo.wait_for_steps("A fp32_true", 2)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert demo.started() == ["A fp32_true from step 0"]
    assert "fp16_naive" not in output.split("F1, AP")[0]


def test_the_engine_saves_when_the_demo_is_killed(demo):
    process = demo.start(*ONE, does={"A fp32_true": "wait"})
    demo.wait_for_steps("A fp32_true", 2)
    process.kill()
    process.communicate()
    result = demo.record("A fp32_true") / "result.json"
    demo.wait_for(result.exists, "result of the engine that lost its parent")
    assert json.loads(result.read_text())["status"] == "interrupted"
    demo.started()
    assert demo.run(*ONE).returncode == 0
    assert demo.started() == ["A fp32_true from step 2"]


# --- what it says -------------------------------------------------------------------------------


def findings(demo, *arguments, does={}):
    return rows_of(demo.run("--json", *arguments, does=does))[1]


def test_it_says_when_the_outcome_decides_nothing(demo):
    found = findings(demo, *TWO, does={"A fp32_true": "stalled"})
    assert "2 of 2 cells finished, and none met a NaN or an infinity in 30 steps" in found["outcome"]
    assert "fp32_true itself is not 'trained' in A," in found["outcome"]
    assert "decides nothing" in found["outcome"]
    assert "synthetic" in found["data"]
    assert "dtbench demo --set train.steps=300" in found["next"] and "40.0 s" in found["next"]


def test_it_says_what_did_not_train_where_fp32_does(demo):
    found = findings(demo, *TWO, does={"A fp16_naive": "nonfinite"})
    assert "1 met a NaN or an infinity within 30 steps: A fp16_naive (step 3)" in found["outcome"]
    assert "Where fp32_true trained (A), these did not train: A fp16_naive (nonfinite)" in found["outcome"]
    assert "decides nothing" not in found["outcome"]
    assert "dtbench run --scenario" in found["next"]


def test_it_says_when_all_is_well(demo):
    assert "every other policy that finished trained, too" in findings(demo, *TWO)["outcome"]


def test_it_says_nothing_of_other_policies_where_there_are_none(demo):
    assert findings(demo, *ONE)["outcome"].endswith("which says nothing about later steps.")


def test_it_says_when_there_is_nothing_to_hold_outcomes_against(demo):
    found = findings(demo, "--scenario", "A", "--policy", "bf16_pure")
    assert "A has no finished fp32_true" in found["outcome"]
    nothing = findings(demo, "--scenario", "B", "--policy", "bf16_pure", does={"B bf16_pure": "crash"})
    assert nothing["outcome"] == "No cell has finished yet."
    assert "dtbench show" in nothing["next"]


def test_the_table_names_the_place_of_the_first_nonfinite_value(demo):
    output = demo.run(*TWO, does={"A fp16_naive": "nonfinite"}).stdout
    assert "first non-finite: step 3, nan in transformer.wte.weight (backward)" in output


# --- on a terminal ------------------------------------------------------------------------------


class Terminal:
    """The demo on a terminal of its own, and what is to be seen there."""

    def __init__(self, demo, columns, rows, *arguments, does={}, step_s=0.0):
        self.screen = Screen(columns, rows)
        self.frames = []
        command = [str(demo.program), demo.command, *arguments]
        self.process, self.descriptor = pty.fork()
        if self.process == 0:
            os.chdir(demo.folder)
            self.resize_to(0, columns, rows)
            os.write(1, b"what was there before\r\n")
            os.execve(command[0], command, demo.environment(does, step_s))

    @staticmethod
    def resize_to(descriptor, columns, rows):
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, until=lambda _: False):
        """Reads until a frame satisfies `until`, or to the end."""
        deadline = time.monotonic() + 120
        while not (self.frames and until(self.frames[-1])):
            assert time.monotonic() < deadline, self.frames[-1:]
            if not select.select([self.descriptor], [], [], 1)[0]:
                continue
            try:
                text = os.read(self.descriptor, 65536).decode()
            except OSError:  # the program has ended
                return
            if not text:
                return
            self.screen.feed(text)
            self.frames.append(self.screen.text())

    def press(self, keys):
        os.write(self.descriptor, keys)

    def echoes(self):
        return bool(termios.tcgetattr(self.descriptor)[3] & termios.ECHO)

    def end(self):
        self.read()
        _, status = os.waitpid(self.process, 0)
        os.close(self.descriptor)
        return os.waitstatus_to_exitcode(status)


@pytest.mark.parametrize("columns", [80, 200])
def test_the_live_table(demo, columns):
    """Redrawn in place, within the width, and gone at the end."""
    arguments = ["--scenario", "A", "--scenario", "D", "--policy", "fp32_true", "--policy",
                 "amp_bf16_8bit"]
    terminal = Terminal(demo, columns, 24, *arguments, step_s=0.02)
    terminal.read(until=lambda frame: "D amp_bf16_8bit: step" in frame)
    before, header, *table = terminal.frames[-1].splitlines()
    assert before == "what was there before"
    assert header.split()[0] == "A"
    assert table[0].split()[:2] == ["fp32_true", "trained"]
    assert table[1].split()[0] == "amp_bf16_8bit"
    assert "3 of 4 cells done, ETA" in table[-1]
    assert terminal.screen.wrapped == 0
    if columns == 200:
        assert header.strip().split("  ")[0].split() == ["A", "gpt2", "clm"]
        assert "trained 7.0000 123/s" in table[0]
    running = [frame for frame in terminal.frames if "A fp32_true: step" in frame]
    assert running and "/30, loss 7.0000, 320.0 samples/s, ETA" in running[0]
    assert any(line.split()[1].endswith("/30") for line in running[0].splitlines()
               if line.startswith("fp32_true"))

    assert terminal.end() == 0
    last = terminal.screen.text().splitlines()
    assert last[0] == "what was there before" and last[1].split()[:2] == ["policy", "status"]
    assert "cells done" not in terminal.screen.text()
    assert terminal.screen.wrapped == 0


def test_a_small_terminal_shows_the_end_of_the_table(demo):
    terminal = Terminal(demo, 40, 6, *TWO, step_s=0.02)
    terminal.read(until=lambda frame: "A fp32_true: step" in frame)
    assert terminal.screen.wrapped == 0
    assert terminal.end() == 0


def test_keys_leave_no_trace_and_ctrl_c_stops(demo):
    terminal = Terminal(demo, 80, 24, *TWO, does={"A fp16_naive": "wait"})
    terminal.read(until=lambda frame: "A fp16_naive: step 2/30" in frame)
    assert not terminal.echoes()
    terminal.press(b"\n\nxyz")
    terminal.press(b"\x03")
    assert terminal.end() == 130
    last = terminal.screen.text()
    assert last.splitlines()[0] == "what was there before"
    assert last.splitlines()[1].split()[:2] == ["policy", "status"]
    assert "xyz" not in last and "^C" not in last and "cells done" not in last
    demo.started()
    assert demo.run(*TWO).returncode == 0
    assert demo.started() == ["A fp16_naive from step 2"]


def test_a_terminal_that_becomes_narrower(demo):
    terminal = Terminal(demo, 120, 24, *TWO, step_s=0.02)
    terminal.read(until=lambda frame: "A fp32_true: step" in frame)
    # This screen does not move what it shows when its width changes; lines of the old table that
    # would fill more than one row are the only ones that matter, and at 119 there are none.
    Terminal.resize_to(terminal.descriptor, 119, 24)
    terminal.screen.columns = 119
    assert terminal.end() == 0
    assert terminal.screen.text().splitlines()[1].split()[:2] == ["policy", "status"]


def test_no_live_table_where_the_terminal_cannot_draw_it(demo):
    env = demo.environment({}) | {"TERM": "dumb"}
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
    assert b"\x1b" not in text and b"[1/1] A fp32_true completed" in text
