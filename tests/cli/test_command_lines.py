"""Wrong command lines: every command, every class of mistake. Each message says what was expected,
what came and what to try, and nothing is left behind."""

import os
import pathlib
import re
import subprocess

import pytest
from conftest import BIN, environment, refused

USAGE = 2


def text(*arguments):
    done = subprocess.run([BIN / "dtbench", *arguments], capture_output=True, text=True, check=True,
                          env=environment("/nonexistent"))
    return done.stdout


def subcommands(help_text):
    _, _, listed = help_text.partition("Subcommands:\n")
    return re.findall(r"^  (\w[\w-]*)", listed, re.MULTILINE)


def commands():
    """All of them, the inner ones too: ("data", "list")."""
    found = []
    for name in subcommands(text("--help")):
        inner = subcommands(text(name, "--help"))
        found += [(name, deeper) for deeper in inner] if inner else [(name,)]
    return found


COMMANDS = commands()
IDS = [" ".join(command) for command in COMMANDS]


def flags(command):
    """Its flags with whether each takes a value."""
    found = {}
    for line in text(*command, "--help").splitlines():
        if match := re.match(r"\s+(?:-\w,)?(--[\w-]+)(?: ([A-Z]+)\b)?", line):
            found[match[1]] = match[2] is not None
    return found


def mistaken(bench, tmp_path, command, *arguments, parts=()):
    said = refused(bench(*command, *arguments), *parts, code=USAGE)
    # What to try, or what was expected in place of what came.
    assert "try:" in said or " must be " in said, said
    assert list(tmp_path.iterdir()) in ([], [tmp_path / "cache"]), said


def test_all_commands_are_found():
    assert {("run",), ("matrix",), ("data", "prepare"), ("report",)} <= set(COMMANDS)
    assert len(COMMANDS) >= 16 and all("--help" in flags(command) for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=IDS)
def test_unknown_flags(bench, tmp_path, command):
    name = "dtbench " + " ".join(command)
    mistaken(bench, tmp_path, command, "--nonsense", parts=["Unknown flag '--nonsense'", name, "Known:"])
    mistaken(bench, tmp_path, command, "--nonsense=" + "x" * 100_000, parts=["Unknown flag"])


@pytest.mark.parametrize("command", COMMANDS, ids=IDS)
def test_misspelt_flags_are_told_from_what_is_near(bench, tmp_path, command):
    for flag in flags(command):
        if flag == "--help" or len(flag) < 7:
            continue
        misspelt = flag[:-2] + flag[-1] + flag[-2] + "x"
        mistaken(bench, tmp_path, command, misspelt, parts=[f"Unknown flag '{misspelt}'", "Did you mean"])


@pytest.mark.parametrize("command", COMMANDS, ids=IDS)
def test_flags_without_their_value(bench, tmp_path, command):
    for flag, valued in flags(command).items():
        if valued:
            mistaken(bench, tmp_path, command, flag, parts=[flag])


@pytest.mark.parametrize("command", COMMANDS, ids=IDS)
def test_values_that_cannot_be(bench, tmp_path, command):
    """Whole numbers and numbers are told from text."""
    for line in text(*command, "--help").splitlines():
        match = re.match(r"\s+(?:-\w,)?(--[\w-]+) (?:INT|UINT|FLOAT)", line)
        if match:
            mistaken(bench, tmp_path, command, match[1], "many", parts=["many"])


@pytest.mark.parametrize("command", COMMANDS, ids=IDS)
def test_arguments_beyond_those_there_are(bench, tmp_path, command):
    mistaken(bench, tmp_path, command, *["surplus"] * 9)


@pytest.mark.parametrize("arguments, parts", [
    ([], []), (["rum"], ["Unknown command 'rum'", "Did you mean 'run'"]), (["data"], []),
    (["data", "lst"], ["Unknown command 'lst'", "Did you mean 'list'"]),
    (["--versoin"], ["Unknown flag '--versoin'", "Did you mean '--version'"])])
def test_commands_that_are_missing_or_unknown(bench, tmp_path, arguments, parts):
    mistaken(bench, tmp_path, arguments, parts=parts)


@pytest.mark.parametrize("setting, parts", [
    ("train.step=3", ["train.step", "Did you mean 'train.steps'"]), ("train.steps=x", ["train.steps", "x"]),
    ("train.steps", ["train.steps"]), ("=3", []), ("policy.x=1", ["policy"]),
    (".".join("a" * 50_000) + "=1", [])])
def test_settings(bench, tmp_path, setting, parts):
    mistaken(bench, tmp_path, ["run", "--scenario", "A", "--policy", "fp32_true", "--preset", "tiny",
                               "--dry-run"], "--set", setting, parts=parts)


@pytest.mark.parametrize("flag, value, parts", [
    ("--scenario", "Z", ["Z"]), ("--policy", "fp32_ture", ["fp32_ture", "fp32_true"]),
    ("--preset", "tniy", ["tniy", "tiny"]), ("--device", "gpu", ["gpu", "cuda"]),
    ("--config", "none.toml", ["none.toml"])])
def test_names_that_are_not_there(bench, tmp_path, flag, value, parts):
    arguments = {"--scenario": "A", "--policy": "fp32_true", "--preset": "tiny"} | {flag: value}
    mistaken(bench, tmp_path, ["run", "--dry-run"], *[a for pair in arguments.items() for a in pair],
             parts=parts)


# Every reader of a path that a user names: {} is the path.
DRY = "run --scenario A --policy fp32_true --preset tiny --dry-run"
RUN = "run --scenario A --policy fp32_true --preset tiny"
CARD = ["--device", "NVIDIA RTX A6000"]
FILES = {
    "tokenizer": f"{DRY} --tokenizer {{}}.json",
    "tokenizer of a run": f"{RUN} --tokenizer {{}}.json",
    "vocabulary": f"{DRY} --vocab {{}}.json --merges there.txt",
    "merges": f"{DRY} --vocab there.json --merges {{}}.txt",
    "merges of a run": f"{RUN} --vocab there.json --merges {{}}.txt",
    "data": f"{RUN} --data {{}}.jsonl",
    "data to prepare": "data prepare --scenario C --preset tiny --data {}.parquet",
    "folder of data": f"{RUN} --data {{}}",
    "weights": f"{RUN} --init {{}}.safetensors",
    "index of weights": f"{RUN} --init {{}}.safetensors.index.json",
    "settings": f"{DRY} --config {{}}.toml",
    "policy": "run --scenario A --preset tiny --dry-run --policy {}.toml",
    "scenario": "run --policy fp32_true --preset tiny --dry-run --scenario {}.toml",
    "policy to explain": "policies {}.toml",
    "policy of a matrix": "matrix --dry-run --policy {}.toml --preset tiny",
    "matrix": "matrix --dry-run --file {}.toml",
    "study": "study --dry-run {}.toml",
    "extension": "--extension {}.so policies",
}
FOLDERS = {
    "list": "list --out {}", "analyse": "analyse {}", "report": "report {}", "compare": "compare {} {}",
    "watch": "watch {}", "show": "show 0123 --out {}", "explain": "explain 0123 --out {}",
    "rescue": "rescue 0123 --out {}", "run of show": "show {}", "run of explain": "explain {}",
    "store": "data show {}", "store to verify": "data verify {}",
    "records of another card": "plan --preset base --scenario A --policy fp32_true --records {} CARD",
}


def command_with(template, path):
    words = [word.format(path) for word in template.split()]
    return [a for word in words for a in (CARD if word == "CARD" else [word])]


def named(bench, template, path):
    said = refused(bench(*command_with(template, path)), str(path).strip("'"), code=USAGE)
    assert "\n  try: " in said, said
    return said


@pytest.fixture
def there(tmp_path):
    """Files that are there, so that only the path in question is not."""
    for name in ("there.json", "there.txt"):
        (tmp_path / name).write_text("{}")


@pytest.mark.parametrize("template", (FILES | FOLDERS).values(), ids=FILES | FOLDERS)
def test_a_path_that_is_not_there(bench, there, template):
    named(bench, template, "absent")
    named(bench, template, "no/such/folder/absent")


@pytest.mark.parametrize("template", FOLDERS.values(), ids=FOLDERS)
def test_a_file_in_the_place_of_a_folder(bench, there, template):
    named(bench, template, "there.json")


@pytest.mark.parametrize("template", FILES.values(), ids=FILES)
def test_a_file_in_the_place_of_a_folder_above(bench, there, template):
    named(bench, template, "there.json/below")


@pytest.mark.parametrize("template", [template for template in FILES.values() if "{}" + ".so" not in template],
                         ids=[name for name in FILES if name != "extension"])
def test_what_is_near_is_named(bench, tmp_path, there, template):
    path = re.search(r"\{\}(\S*)", template)[1]
    (tmp_path / f"corpus-of-laws{path}").write_text("")
    said = named(bench, template, "corpus-of-lws")
    assert f"Did you mean 'corpus-of-laws{path}'?" in said, said


@pytest.mark.parametrize("arguments", [f"{RUN} --out there.json", f"{RUN} --out there.json/runs",
                                       "matrix --scenario A --policy fp32_true --preset tiny --out there.json"])
def test_a_place_to_write_that_is_a_file(bench, there, arguments):
    refused(bench(*arguments.split()), "there.json", code=USAGE)


def test_environment_variables(bench, tmp_path):
    said = refused(bench("list", DTBENCH_TRAIN_STEP="3"), code=USAGE) if bench(
        "list", DTBENCH_TRAIN_STEP="3").returncode else ""
    assert not said or "DTBENCH_TRAIN_STEPS" in said
    said = refused(bench("run", "--scenario", "A", "--policy", "fp32_true", "--preset", "tiny", "--dry-run",
                         DTBENCH_TRAIN_STEP="3"), "DTBENCH_TRAIN_STEP", code=USAGE)
    assert "DTBENCH_TRAIN_STEPS" in said
    assert os.environ.get("DTBENCH_BIN") and pathlib.Path(BIN).is_dir()
