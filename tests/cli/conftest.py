"""What the tests of `dtbench` share. DTBENCH_BIN is the folder of the program, DTBENCH_SOURCE the
source tree (CMake sets both)."""

import fcntl
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess

import pytest

BIN = pathlib.Path(os.environ["DTBENCH_BIN"])
SOURCE = pathlib.Path(os.environ["DTBENCH_SOURCE"])

TINY = ["run", "--scenario", "A", "--policy", "fp32_true", "--preset", "tiny"]


def environment(cache, **changes):
    """The caller's, without any DTBENCH_* of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DTBENCH_")}
    return kept | {"DTBENCH_CONFIGS": str(SOURCE / "configs"), "DTBENCH_CACHE": str(cache)} | changes


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """One cache of tokenized stores for all tests of a file."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def sweeps(tmp_path, cache):
    """`dtbench matrix` and its relatives beside the stand-in engine."""
    from sweeps import Sweeps  # which imports this module
    return Sweeps(tmp_path, cache)


@pytest.fixture
def bench(tmp_path):
    """Runs `dtbench` in an empty folder."""

    def call(*arguments, program=BIN / "dtbench", **changes):
        return subprocess.run([program, *map(str, arguments)], cwd=tmp_path,
                              env=environment(tmp_path / "cache", **changes),
                              capture_output=True, text=True, timeout=120)

    return call


def ok(process):
    assert process.returncode == 0, process.stderr
    return process.stdout


def refused(process, *parts, code=2):
    assert process.returncode == code, (process.returncode, process.stdout, process.stderr)
    # Lines that say what was guessed may come first.
    assert re.search(r"^error: ", process.stderr, re.MULTILINE), process.stderr
    for part in parts:
        assert part in process.stderr
    return process.stderr


def dry_run(bench, *arguments, **environment):
    return json.loads(ok(bench(*arguments, "--dry-run", **environment)))


def install(folder, engine):
    """A copy of the program in `folder`, beside the executable text `engine` as its engine."""
    folder.mkdir()
    shutil.copy(BIN / "dtbench", folder)
    program = folder / "dtbench-engine"
    program.write_text(engine)
    program.chmod(0o755)
    return folder / "dtbench"


class locked:
    """Holds a run's lock, as a training process does."""

    def __init__(self, run):
        self.file = open(run / "lock", "a+")

    def __enter__(self):
        whole_file = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        fcntl.fcntl(self.file, fcntl.F_OFD_SETLK, whole_file)

    def __exit__(self, *_):
        self.file.close()


def fingerprint(tmp_path):
    [meta] = (tmp_path / "cache" / "stores").glob("*/meta.json")
    return json.loads(meta.read_text())["fingerprint"]


def write_result(run, **changes):
    fingerprint = changes.pop("fingerprint", "00")
    result = {
        "schema_version": 1, "cell_id": run.name, "status": "completed", "outcome": "trained",
        "steps_completed": 30, "first_nonfinite": None, "wall_s": 2.5,
        "convergence": {"val_loss": 5.75}, "data": {"fingerprint": fingerprint, "synthetic": True},
        "started_at": "2026-01-01T00:00:00.000Z"} | changes
    (run / "result.json").write_text(json.dumps(result))
