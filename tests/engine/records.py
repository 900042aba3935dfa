"""What the engine's process tests share: where the programs are, and how records are read."""

import json
import os
import pathlib

BIN = pathlib.Path(os.environ["DTBENCH_BIN"])
CONFIGS = pathlib.Path(os.environ["DTBENCH_SOURCE"]) / "configs"


def lines(path):
    """The whole lines of a JSON lines file; none while it is not there."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]


def cell(out):
    (directory,) = [d for d in pathlib.Path(out).iterdir() if ".replaced-" not in d.name]
    return directory


def result(out):
    return json.loads((cell(out) / "result.json").read_text())
