"""The tables that say where things are (CONTRIBUTING.md, docs/contract.md) name files that exist, and
functions that are in them."""

import re

import pytest
from sources import SOURCE as SRC

SOURCE = SRC.parent
TABLES = ["CONTRIBUTING.md", "docs/contract.md"]
IS_FILE = re.compile(r"[\w./*<>-]+\.(?:h|cpp|cu|cuh|js|py|sh|cmake|toml|txt)|[\w./-]+/|[\w-]+/[\w/-]+")
# `word`, or names in parentheses behind a file: (`clip`, `Trainer::locate`).
IS_TOLD = re.compile(r"\((`[A-Za-z_][\w:]*`(?:, `[A-Za-z_][\w:]*`)*)|`([^`]+)`")


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
    """In the file, or in the other half of its pair."""
    texts = [half.read_text() for half in file.parent.glob(file.stem + ".*")]
    return any(re.search(rf"\b{name.split('::')[-1]}\b", text) for text in texts)


def faults_of(row, root=SOURCE):
    """What a row names that is not there."""
    faults, before = [], []
    for names, word in IS_TOLD.findall(row):
        if IS_FILE.fullmatch(word):
            files = found(word, before, root)
            before += files[:1]
            faults += [] if files else [word]
        elif names and before and before[-1].is_file():
            faults += [f"{name} in {before[-1].relative_to(root)}"
                       for name in re.findall(r"[\w:]+", names) if not is_in(name, before[-1])]
    return faults


@pytest.mark.parametrize("file", TABLES)
def test_what_the_tables_name_is_there(file):
    text = (SOURCE / file).read_text()
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
    assert faults_of(good.replace("engine/ops/matmul.h", "engine/ops/gone.h"), tmp_path)[0] == (
        "engine/ops/gone.h")
