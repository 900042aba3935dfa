"""Help texts, tables, JSON and error messages, word for word: snapshots/NAME.txt.

After a change that is meant, UPDATE_SNAPSHOTS=1 writes them anew; git shows what became different.
"""

import json
import os
import pathlib
import re
import subprocess

import pytest
from conftest import SOURCE, environment, install

HERE = pathlib.Path(__file__).parent
TINY = "run --scenario A --policy fp32_true --preset tiny"
DEMO = "demo --scenario A --scenario C --policy fp32_true --policy fp16_naive --policy bf16_pure"

# After a demonstration of six cells, of which one met a NaN and one crashed.
CASES = {
    "help": "--help",
    "help-demo": "demo --help",
    "help-matrix": "matrix --help",
    "help-plan": "plan --help",
    "help-submit": "submit --help",
    "help-submit-slurm": "submit slurm --help",
    "help-submit-kubernetes": "submit kubernetes --help",
    "help-submit-skypilot": "submit skypilot --help",
    "help-study": "study --help",
    "help-archive": "archive --help",
    "help-explain": "explain --help",
    "help-rescue": "rescue --help",
    "help-completion": "completion --help",
    "help-man": "man --help",
    "help-watch": "watch --help",
    "help-run": "run --help",
    "help-benchmark": "benchmark --help",
    "help-list": "list --help",
    "help-show": "show --help",
    "help-analyse": "analyse --help",
    "help-report": "report --help",
    "help-compare": "compare --help",
    "help-policies": "policies --help",
    "help-doctor": "doctor --help",
    "help-data": "data --help",
    "help-data-prepare": "data prepare --help",
    "help-data-list": "data list --help",
    "help-data-show": "data show --help",
    "help-data-verify": "data verify --help",
    "json-demo": DEMO + " --json",
    "json-list": "list --json",
    "json-show": "show {run} --json",
    "json-policy": "policies amp_fp16 --json",
    "json-dry-run": TINY + " --dry-run",
    "json-data-prepare": "data prepare --scenario C --preset tiny --json",
    "json-data-list": "data list --json",
    "json-data-show": "data show {store} --json",
    "json-data-verify": "data verify --json",
    "table-demo": DEMO,
    "table-list": "list",
    "table-policy": "policies amp_fp16",
    "table-data-list": "data list",
    "table-data-show": "data show {store}",
    "error-command": "lst",
    "error-flag": "run --stpes 3",
    "error-scenario": "run --scenario G --policy fp32_true --preset tiny",
    "error-policy": "run --scenario A --policy fp16_naiv --preset tiny",
    "error-setting": TINY + " --set train.step=3",
    "error-value": TINY + " --steps many",
    "error-contradiction": TINY + " --micro-batch 3",
    "error-missing-data": TINY + " --data none.jsonl",
    "error-missing-run": "show zzz",
    "error-missing-store": "data show zzz",
    "error-benchmark-task": "benchmark --model_arch gpt2 --task mlm --dtype_config fp32_true",
    "error-benchmark-flag": "benchmark --model_arch gpt2 --task clm --batch-size 3",
    "error-matrix-price": "matrix --preset tiny --price-per-hour cheap",
    "error-matrix-file": "matrix --file tniy",
    "error-doctor-device": "doctor --device gpu",
    "error-analyse-folder": "analyse nowhere",
    "error-report-folder": "report nowhere",
    "error-report-format": "report runs --format markdwn",
    "error-compare-folder": "compare runs nowhere",
    "error-demo-preset": "demo --preset small",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("snapshots")


@pytest.fixture(scope="module")
def shown(folder):
    """Runs `dtbench` beside the stand-in engine; what it printed, without what varies."""
    program = install(folder / "installed", (HERE / "stand_in_engine.py").read_text())
    does = json.dumps({"A fp16_naive": "nonfinite", "C bf16_pure": "crash"})

    def call(command):
        process = subprocess.run([program, *command.split()], cwd=folder, capture_output=True,
                                 text=True, timeout=120,
                                 env=environment(folder / "cache", STAND_IN=does))
        text = f"$ dtbench {command}\n{process.stdout}"
        if process.stderr:
            text += f"--- standard error\n{process.stderr}"
        text += f"--- exit code {process.returncode}\n"
        text = text.replace(str(folder), "FOLDER").replace(str(SOURCE), "SOURCE")
        # Before the ids, whose digits a time may have.
        text = re.sub(r'"device_s": [0-9.e-]+', '"device_s": T', text)
        text = re.sub(r"\b[0-9a-f]{64}\b", "FINGERPRINT", text)
        text = re.sub(r"\b[0-9a-f]{16}\b", "CELL", text)
        text = re.sub(r"\b[0-9a-f]{12}\b", "FINGERPRINT", text)
        text = re.sub(r'"age_s": \d+', '"age_s": AGE', text)
        text = re.sub(r"\b\d+ min\b", "0 min", text)
        text = re.sub(r"Device time: [^,\n]*", "Device time: T.", text)
        return re.sub(r"ETA [^\n]*", "ETA", text)

    call(DEMO)
    return call


def diverged(folder):
    """The run that met a NaN."""
    for result in folder.glob("runs/*/result.json"):
        if json.loads(result.read_text())["status"] == "diverged":
            return str(result.parent.relative_to(folder))
    raise AssertionError("no run diverged")


def classification(folder):
    """The store of scenario C."""
    for meta in folder.glob("cache/stores/*/meta.json"):
        if json.loads(meta.read_text())["labels"]:
            return str(meta.parent.relative_to(folder))
    raise AssertionError("no store has labels")


@pytest.mark.parametrize("name", CASES)
def test_is_what_it_was(name, shown, folder):
    text = shown(CASES[name].replace("{run}", diverged(folder)).replace("{store}", classification(folder)))
    file = HERE / "snapshots" / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()


def test_no_snapshot_is_left_over():
    assert {file.stem for file in (HERE / "snapshots").glob("*")} == set(CASES)


def test_every_command_has_its_help_here():
    """Also those under 'data' and 'submit'; the list of commands is the program's own."""
    commands = []
    for parent in ("", "data-", "submit-"):
        text = (HERE / "snapshots" / f"help-{parent}".rstrip("-")).with_suffix(".txt").read_text()
        commands += [parent + name for name in re.findall(r"^  ([a-z]+) {2,}", text.split("Subcommands:\n")[1], re.M)]
    assert len(commands) > 20
    assert {f"help-{command}" for command in commands} <= set(CASES)
