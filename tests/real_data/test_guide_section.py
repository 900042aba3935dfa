"""The guide's section on real data, command by command, on a machine that starts with nothing. The
Hub is the stand-in and the models are smaller; nothing else differs."""

import os
import re
import shlex
import pathlib

from conftest import ok
from published import GPT2, LEX_GLUE, SMALL_SHAPE

GUIDE = (pathlib.Path(os.environ["DTBENCH_SOURCE"]) / "docs/guide.md").read_text()
SMALLER = {f"DTBENCH_MODEL_{name.upper()}": str(size) for name, size in SMALL_SHAPE.items()} | {
    "DTBENCH_DATA_LENGTH": "32", "DTBENCH_TRAIN_STEPS": "2", "DTBENCH_TRAIN_BATCH": "4",
    "DTBENCH_TRAIN_EVAL_EXAMPLES": "8"}


def commands():
    [section] = re.findall(r"^## Real data\n(.*?)^## ", GUIDE, re.MULTILINE | re.DOTALL)
    [block] = re.findall(r"^```\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return [re.split(r" {3,}", line)[0] for line in block.splitlines()]


def test_the_section_followed_literally(hub, bench):
    assert len(commands()) == 6
    for command in commands():
        program, *arguments = shlex.split(command)
        assert program == "./dtbench"
        out = ok(bench(*arguments, **SMALLER))
        if "verify" in arguments:
            assert "3 files" in out and "intact" in out
    asked = len(hub.requests)
    for command in commands():
        ok(bench(*shlex.split(command)[1:], HF_HUB_OFFLINE="1", **SMALLER))
    assert len(hub.requests) == asked
    # Each was fetched once, and of OpenWebText a part.
    fetched = [request for request in hub.contents() if request.server == "storage"]
    for kind, name in (("models", GPT2), ("datasets", LEX_GLUE)):
        [files] = hub.repositories[kind, name].commits.values()
        for path, file in files.items():
            if file.large and "ledgar" not in path:
                assert sum(file.hash in request.path for request in fetched) == 1, path
