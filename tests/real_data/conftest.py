"""`dtbench` against a stand-in Hub that serves the published repositories (published.py)."""

import json
import os
import pathlib
import subprocess

import pytest
from published import SHARED, SMALL_SHAPE, publish
from stand_in_hub import StandInHub

BIN = pathlib.Path(os.environ["DTBENCH_BIN"])
CONFIGS = pathlib.Path(os.environ["DTBENCH_SOURCE"]) / "configs"
SHAPE = [word for name, size in SMALL_SHAPE.items() for word in ("--set", f"model.{name}={size}")]
ANY_POLICY = ["--length", "32", *SHAPE, "--steps", "3", "--batch", "4",
              "--set", "train.eval_examples=16"]
SHORT = ["--policy", "fp32_true", *ANY_POLICY]


class Bench:
    """A machine: its two caches, and the network it has."""

    def __init__(self, hub, folder):
        self.hub, self.folder = hub, folder
        kept = {key: value for key, value in os.environ.items()
                if not key.startswith(("DTBENCH_", "HF_", "HUGGING"))}
        self.environment = kept | {
            "DTBENCH_CONFIGS": str(CONFIGS), "DTBENCH_CACHE": str(folder / "dtbench"),
            "DTBENCH_DEVICE": "cpu",  # preset base asks for one to be named
            "HOME": str(folder / "home"), "HF_ENDPOINT": hub.url,
            "HF_HUB_CACHE": str(folder / "hub"), "OMP_WAIT_POLICY": "passive"}

    def __call__(self, *arguments, **changes):
        return subprocess.run([BIN / "dtbench", *map(str, arguments)], cwd=self.folder,
                              env=self.environment | changes, capture_output=True, text=True,
                              timeout=600)

    def record(self, out):
        [run] = [path for path in (self.folder / out).iterdir() if ".replaced-" not in path.name]
        read = {name: json.loads((run / f"{name}.json").read_text())
                for name in ("spec", "audit", "result")}
        steps = [json.loads(line) for line in (run / "steps.jsonl").read_text().splitlines()]
        return read | {"losses": [step["loss"] for step in steps]}

    def cached(self, repository):
        """The files of a repository in the Hub's cache, as links."""
        folder = repository.kind + "--" + repository.id.replace("/", "--")
        return sorted((self.folder / "hub" / folder / "snapshots").rglob("*.*"))


def ok(process):
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


def refused(process, code, *parts):
    assert process.returncode == code, (process.returncode, process.stdout, process.stderr)
    assert "error: " in process.stderr
    for part in parts:
        assert part in process.stderr, process.stderr
    return process.stderr


@pytest.fixture(scope="session")
def published_files():
    """The repositories' files, made once."""
    if not SHARED.is_dir():
        pytest.skip(f"needs real data in {SHARED}")
    hub = StandInHub()
    publish(hub, SMALL_SHAPE)
    hub.close()
    return {key: (repository.branches, repository.commits)
            for key, repository in hub.repositories.items()}


@pytest.fixture
def hub(published_files):
    hub = StandInHub()
    for (kind, name), (branches, commits) in published_files.items():
        repository = hub.repository(kind, name)
        repository.branches, repository.commits = dict(branches), {
            commit: dict(files) for commit, files in commits.items()}
    yield hub
    hub.close()


@pytest.fixture
def bench(hub, tmp_path):
    return Bench(hub, tmp_path)
