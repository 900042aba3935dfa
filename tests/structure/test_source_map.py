"""The tables that say where things are (CONTRIBUTING.md, docs/contract.md) name files that exist, and
functions that are in them."""

import re

import pytest
from sources import SOURCE

ROOT = SOURCE.parent
TABLES = ["CONTRIBUTING.md", "docs/contract.md"]
IS_FILE = re.compile(r"[\w./*<>-]+\.(?:h|cpp|cu|cuh|js|py|sh|cmake|toml|txt)|[\w./-]+/|[\w-]+/[\w/-]+")
# `word`, and what stands in parentheses behind it: (`clip`, then `Trainer::locate`).
IS_TOLD = re.compile(r"`([^`]+)`(?: \(([^)]*)\))?")
IS_NAME = re.compile(r"`([A-Za-z_]\w*(?:::\w+)*)`")


def rows(text):
    return [line for line in text.splitlines() if line.startswith("| ") and "`" in line]


def found(path, before, root):
    """The files that a path of a row may mean: below src/, src/engine/ or the root, or beside a file
    named before it."""
    pattern = re.sub(r"<\w+>", "*", path.rstrip("/"))
    for folder in [root / "src", root / "src/engine", root, *(file.parent for file in reversed(before))]:
        if files := sorted(folder.glob(pattern)):
            return files
    return []


def is_in(name, file):
    """In the code of the file, or of the other half of its pair; a member with its class."""
    halves = [half.read_text() for half in file.parent.glob(file.stem + ".*")]
    code = re.sub(r"(//|#).*", "", "\n".join(halves)) if file.suffix != ".js" else "\n".join(halves)
    return all(re.search(rf"\b{part}\b", code) for part in name.split("::"))


def faults_of(row, root=ROOT):
    """What a row names that is not there. A name in parentheses belongs to the file before them."""
    faults, before = [], []
    for word, told in IS_TOLD.findall(row):
        if not IS_FILE.fullmatch(word):
            continue
        files = found(word, before, root)
        before += files[:1]
        faults += [] if files else [word]
        if files and files[0].is_file():
            faults += [f"{name} in {files[0].relative_to(root)}" for name in IS_NAME.findall(told)
                       if not is_in(name, files[0])]
        faults += faults_of_files(told, before, root)
    return faults


def faults_of_files(told, before, root):
    """Files in parentheses."""
    words = [word for word in re.findall(r"`([^`]+)`", told) if IS_FILE.fullmatch(word)]
    return [word for word in words if not found(word, before, root)]


@pytest.mark.parametrize("file", TABLES)
def test_what_the_tables_name_is_there(file):
    text = (ROOT / file).read_text()
    assert len(rows(text)) > 40
    assert [fault for row in rows(text) for fault in faults_of(row)] == []


def test_a_row_that_names_what_is_gone_is_seen(tmp_path):
    (tmp_path / "src/engine/ops").mkdir(parents=True)
    (tmp_path / "src/engine/ops/matmul.h").write_text("Tensor linear();")
    (tmp_path / "src/engine/ops/matmul.cpp").write_text("Tensor linear() { return round_once(); }")
    good = "| linear | `engine/ops/matmul.h` (`linear`, `round_once`), `ops/matmul.cpp`, `matmul.h` |"
    assert faults_of(good, tmp_path) == []
    assert faults_of(good.replace("round_once", "round_twice"), tmp_path) == [
        "round_twice in src/engine/ops/matmul.h"]
    assert faults_of(good.replace("`linear`, ", "then `Matrix::linear`, "), tmp_path) == [
        "Matrix::linear in src/engine/ops/matmul.h"]
    (tmp_path / "src/engine/ops/matmul.h").write_text("// Not round_twice.")
    assert faults_of(good.replace("round_once", "round_twice"), tmp_path) != []
    assert faults_of(good.replace("engine/ops/matmul.h", "engine/ops/gone.h"), tmp_path)[0] == (
        "engine/ops/gone.h")
