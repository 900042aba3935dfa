"""The README's commands and those of the guide's list of commands, run one after another in one
folder with the built programs: all but ./test.sh, which runs this. The cells train two steps instead
of thirty; nothing else differs. And the README's length."""

import json
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import pytest
from conftest import BIN, SOURCE, environment

README = (SOURCE / "README.md").read_text()
# The guide's section on real data needs a Hub: tests/real_data/test_guide_section.py.
[GUIDE] = re.findall(r"^## All commands\n(.*?)^## ", (SOURCE / "docs/guide.md").read_text(),
                     re.MULTILINE | re.DOTALL)
MOST_WORDS = 1000


def commands(text):
    """The first column of each line of a code block that begins with a program's name."""
    found = []
    for block in re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            command = re.split(r" {3,}", line.removeprefix("$ "))[0]
            if re.match(r"(\./dtbench|python3 benchmark\.py|\./test\.sh)\b", command):
                found.append(command)
    return found


COMMANDS = dict.fromkeys(commands(README) + commands(GUIDE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Looks like the source tree after a build."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "dtbench").symlink_to(BIN / "dtbench")
    shutil.copy(SOURCE / "benchmark.py", folder)
    return folder


def run_command(folder, command, **changes):
    words = shlex.split(command)
    if words[0] == "python3":
        words[0] = sys.executable
    # A cell that is to die, or to train, needs its steps.
    whole = "--policy fp16_naive" in command or "--policy fp32_true --out trained" in command
    steps = {} if whole else {"DTBENCH_TRAIN_STEPS": "2", "DTBENCH_TRAIN_WARMUP_STEPS": "1"}
    env = environment(folder / "cache", DTBENCH_TRAIN_EVAL_EXAMPLES="8", **steps, **changes)
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=1200)


def a_run(folder, command):
    runs = {path.parent.name: json.loads(path.read_text()) for path in folder.glob("runs/*/result.json")}
    fitting = [name for name, result in runs.items()
               if result["first_nonfinite"] or "explain" not in command]
    return sorted(fitting)[0]


def test_the_readme_is_short():
    """Words as `wc -w` counts them: runs of characters between blanks. Tables with their bars, code
    blocks and addresses of links count, too."""
    assert len(README.split()) <= MOST_WORDS


def test_the_quick_start_begins_with_the_demo():
    assert commands(README)[0] == "./dtbench demo"
    assert "./test.sh" in commands(README)


def test_the_guide_lists_every_command():
    shown = subprocess.run([BIN / "dtbench", "--help"], capture_output=True, text=True, check=True).stdout
    for command in re.findall(r"^  ([a-z]+) ", shown.split("Subcommands:")[1], re.MULTILINE):
        assert f"`{command}`" in GUIDE or command == "benchmark", command


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "./test.sh"])
def test_the_command_does_what_it_says(folder, command):
    process = run_command(folder, command.replace("RUN", a_run(folder, command)) if "RUN" in command else command)
    # doctor's exit code says whether the study, which needs a GPU, can run here.
    expected = (0, 4) if "doctor" in command else (0,)
    assert process.returncode in expected, process.stdout + process.stderr
    if "doctor" in command:
        assert "TF32 canary" in process.stdout
    if command.startswith("./dtbench explain"):
        assert "Cause: second moments underflow (" in process.stdout
    if command == "./dtbench demo":
        assert "[42/42]" in process.stderr
        assert re.search(r"^fp32_true( +\S+){6}$", process.stdout, re.MULTILINE)
        again = run_command(folder, command)
        assert (again.returncode, again.stderr, again.stdout) == (0, "", process.stdout)


def test_the_demo_is_long_enough_to_train(folder):
    process = run_command(folder, "./dtbench demo --policy fp32_true --out trained")
    assert process.returncode == 0, process.stderr
    assert "fp32_true trained in all six scenarios" in " ".join(process.stdout.split())


def test_benchmark_from_another_folder(folder, tmp_path):
    words = [sys.executable, str(folder / "benchmark.py"), "--model_arch", "gpt2", "--task", "multi_cls",
             "--dtype_config", "amp_fp16", "--batch_size", "32", "--max_steps", "2", "--preset", "tiny",
             "--set", "train.eval_examples=8"]
    process = subprocess.run(words, cwd=tmp_path, env=environment(folder / "cache"),
                             capture_output=True, text=True, timeout=600)
    assert process.returncode == 0, process.stderr
    [result] = pathlib.Path(tmp_path).glob("runs/*/result.json")
    assert '"steps_completed": 2' in result.read_text()
