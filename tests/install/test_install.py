"""What pip installs, in a virtual environment of its own. Here the files of the build tree are
installed (`cmake --install`), since compiling them again takes minutes; scripts/build-wheel
runs the same tests on what pip built, which DTBENCH_INSTALLED, its Python, names."""

import csv
import json
import os
import pathlib
import subprocess
import sys
import venv

import pytest
from borrow import borrow

BIN = pathlib.Path(os.environ.get("DTBENCH_BIN", "/nonexistent"))
STEPS = 3
CELL = ["run", "--scenario", "C", "--policy", "fp16_naive", "--preset", "tiny", "--steps", str(STEPS)]


class Installed:
    def __init__(self, python, folder):
        self.python, self.folder = pathlib.Path(python), folder
        (self.site,) = self.python.parent.parent.glob("lib/python3.*/site-packages")
        self.package = self.site / "dtbench"
        command = self.python.parent / "dtbench"  # pip's
        self.command = [command] if command.exists() else [self.python, "-m", "dtbench"]

    def start(self, command):
        variables = {k: v for k, v in os.environ.items() if not k.startswith(("DTBENCH_", "LD_", "PYTHONPATH"))}
        return subprocess.run(list(map(str, command)), cwd=self.folder, capture_output=True, text=True,
                              env=variables | {"DTBENCH_CACHE": str(self.folder / "cache")}, timeout=300)

    def __call__(self, *arguments):
        return self.start([*self.command, *arguments])

    def evaluate(self, expression):
        """What a notebook would print as JSON."""
        done = self.start([self.python, "-c", f"import dtbench, json; print(json.dumps({expression}))"])
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("install")
    if python := os.environ.get("DTBENCH_INSTALLED"):
        return Installed(python, folder)
    venv.create(folder / "venv", symlinks=True)
    site = borrow("torch", folder / "venv")
    for package in ("pyarrow", "pandas"):
        borrow(package, folder / "venv")
    subprocess.run(["cmake", "--install", BIN.parent, "--prefix", site], check=True, capture_output=True)
    return Installed(folder / "venv/bin/python", folder)


@pytest.fixture(scope="module")
def trained(installed):
    done = installed(*CELL)
    assert done.returncode == 0, done.stderr
    return installed


def test_the_command_is_there(installed):
    assert installed("--version").stdout == "0.1.0\n"
    assert "fp16_naive" in installed("policies").stdout  # from the configs that came along


def test_a_cell_trains_on_the_environments_torch(trained):
    (run,) = json.loads(trained("list", "--json").stdout)
    assert (run["status"], run["steps_completed"]) == ("completed", STEPS)


def test_the_engine_finds_torch_beside_itself(installed):
    engine = installed.package / "bin/dtbench-engine"
    dynamic = subprocess.run(["readelf", "-d", engine], capture_output=True, text=True, check=True).stdout
    (path,) = [line.partition("[")[2].rstrip("]") for line in dynamic.splitlines() if "PATH" in line]
    assert path == "$ORIGIN/../../torch/lib"
    loaded = installed.start(["ldd", engine]).stdout
    assert f"libtorch_cpu.so => {installed.package}/bin/../../torch/lib/libtorch_cpu.so" in loaded
    assert "torch/lib/libgomp" in loaded  # one thread pool: the wheel's, not the system's
    assert "not found" not in loaded


def test_predictions_for_a_card_have_the_records_that_came_along(installed):
    done = installed("matrix", "--preset", "base", "--scenario", "A", "--policy", "amp_bf16", "--dry-run",
                     "--device", "NVIDIA RTX A6000")
    assert done.returncode == 0, done.stderr


def test_records_as_a_data_frame_hold_what_the_csv_holds(trained):
    assert trained("report", "--format", "csv", "--output", "records.csv").returncode == 0
    (row,) = csv.DictReader((trained.folder / "records.csv").open(newline=""))
    read = trained.evaluate("json.loads(dtbench.read('runs').to_json(orient='records'))")
    assert len(read) == 1 and list(read[0]) == list(row)
    assert read[0]["policy"] == "fp16_naive" and read[0]["steps_completed"] == STEPS
    assert read[0]["val_loss"] == pytest.approx(float(row["val_loss"]), rel=1e-9)


def test_steps_hold_the_numbers_of_the_record(trained):
    (record,) = (trained.folder / "runs").glob("*/steps.jsonl")
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    loss, names, kind = trained.evaluate(
        "(lambda t: [t['loss'].to_pylist(), t.column_names[:6], str(t.schema.field('step').type)])"
        "(dtbench.read('runs', 'steps', arrow=True))")
    assert loss == [line["loss"] for line in lines] and len(loss) == STEPS
    assert names == ["cell_id", "path", "scenario", "policy", "preset", "seed"] and kind == "int64"


def test_what_cannot_be_read_is_an_error_with_the_programs_words(installed):
    done = installed.start([installed.python, "-c",
                            "import dtbench\ntry: dtbench.read('nowhere')\n"
                            "except dtbench.Error as e: print(e.code, e)"])
    assert done.stdout.startswith("2 error: ") and "'nowhere'" in done.stdout
    wrong = installed.start([installed.python, "-c", "import dtbench; dtbench.read('runs', 'step')"])
    assert "what must be 'records' or 'steps', got 'step'" in wrong.stderr


@pytest.fixture
def other_torch(installed, tmp_path):
    """Puts a torch of another version in torch's place, or none; the real one is back afterwards."""
    real, kept = installed.site / "torch", installed.site / "torch-kept"
    real.rename(kept)

    def put(version):
        (tmp_path / "torch").mkdir()
        (tmp_path / "torch/lib").symlink_to(kept.resolve() / "lib")
        (tmp_path / "torch/version.py").write_text(f"__all__ = ['__version__']\n__version__ = '{version}'\n")
        real.symlink_to(tmp_path / "torch")

    yield put
    real.unlink(missing_ok=True)
    kept.rename(real)


def built_on(installed):
    return (installed.package / "bin/built-on-torch").read_text().splitlines()[0]


def test_another_torch_is_refused_before_anything_trains(installed, other_torch):
    other_torch("2.99.1")
    done = installed(*CELL, "--rerun")
    assert done.returncode == 4
    assert f"built on torch {built_on(installed)}, but torch 2.99.1 is in" in done.stderr
    assert "pip install torch==" in done.stderr
    assert installed("list").returncode == 0  # needs none


def test_no_torch_is_said(installed, other_torch):
    done = installed(*CELL, "--rerun")
    assert done.returncode == 4 and "there is no torch in" in done.stderr


def test_the_same_torch_for_another_device_is_taken(installed, other_torch):
    other_torch(built_on(installed).partition("+")[0] + "+another")
    done = installed(*CELL, "--out", "other")
    assert done.returncode == 0, done.stderr


def test_shells_and_man_get_their_files(installed):
    share = installed.site / "share"
    if not share.is_dir():  # pip puts them beside bin/
        share = installed.python.parent.parent / "share"
    for file, beginning in {"bash-completion/completions/dtbench": "# bash completion of dtbench",
                            "zsh/site-functions/_dtbench": "#compdef dtbench",
                            "fish/vendor_completions.d/dtbench.fish": "# fish completion of dtbench",
                            "man/man1/dtbench.1": '.\\" by'}.items():
        assert (share / file).read_text().startswith(beginning), file
    assert (share / "doc/dtbench/guide.md").exists()


def test_nothing_of_the_build_machine_is_left_in_a_wheel(installed):
    if not os.environ.get("DTBENCH_INSTALLED"):
        pytest.skip("of what pip built alone: scripts/build-wheel")
    for program in (installed.package / "bin").iterdir():
        assert b"pip-build-env" not in program.read_bytes(), program
