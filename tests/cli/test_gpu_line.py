"""The line that says which GPU cells are trained on, beside a library in NVML's place."""

import shutil

import pytest
from conftest import BIN, ok

A40 = "GPU: NVIDIA A40, capability 8.6, 45.0 GiB, preferred"
PLANNED = "not preferred (the study is planned for an RTX A6000 or A40)"
CELL = ["--scenario", "A", "--policy", "fp32_true", "--preset", "tiny", "--set", "train.steps=3"]


@pytest.fixture
def nvml(tmp_path):
    """Two A40s, by the environment's FAKE_NVML_SECOND one A40 and another."""
    folder = tmp_path / "driver"
    folder.mkdir()
    shutil.copy(BIN / "fake_nvml.so", folder / "libnvidia-ml.so.1")
    return {"LD_LIBRARY_PATH": str(folder), "CUDA_VISIBLE_DEVICES": "0,1"}


def lines(process, word="GPU"):
    return [line for line in process.stderr.splitlines() if word in line]


@pytest.mark.parametrize("command", ["run", "matrix"])
def test_says_capability_memory_and_whether_it_is_preferred(sweeps, nvml, command):
    process = sweeps.run(*CELL, "--device", "cuda", command=command, **nvml)
    assert process.returncode == 0, process.stderr
    (line,) = lines(process)
    said = A40 if command == "run" else A40.replace("GPU: ", "GPU: 2 x ")
    assert line.endswith(said)
    again = sweeps.run(*CELL, "--device", "cpu", command=command, **nvml)
    assert again.returncode == 0 and lines(again) == []


def test_one_card_of_two_is_one(sweeps, nvml):
    process = sweeps.run(*CELL, "--device", "cuda:1", **nvml)
    assert lines(process)[0].endswith(A40)


def test_another_card_is_not_preferred(sweeps, nvml):
    process = sweeps.run(*CELL, "--device", "cuda", **nvml, FAKE_NVML_SECOND="NVIDIA L40S")
    (line,) = lines(process)
    assert "one of these GPUs: NVIDIA A40, capability 8.6, 45.0 GiB, preferred; " in line
    assert line.endswith(f"NVIDIA L40S, capability 8.9, 45.0 GiB, {PLANNED}")


def test_a_study_says_it_once(sweeps, nvml):
    (sweeps.folder / "m.toml").write_text(
        'scenarios = ["A"]\npolicies = ["fp32_true"]\nseeds = [0]\nset.train.steps = 3\n')
    stage = '[[stage]]\nname = "{0}"\npurpose = "x"\nmatrix = "m.toml"\n'
    (sweeps.folder / "s.toml").write_text(
        'description = "two stages"\n' + stage.format("one") + stage.format("two"))
    process = sweeps.run("s.toml", "--preset", "tiny", "--device", "cuda", command="study", **nvml)
    assert process.returncode == 0, process.stderr
    assert len(lines(process)) == 1


def test_without_a_driver_it_says_so(sweeps, tmp_path):
    process = sweeps.run(*CELL, "--device", "cuda", CUDA_VISIBLE_DEVICES="0")
    if any("capability" in line for line in lines(process)):
        pytest.skip("this machine has a driver")
    assert "GPU: not known: NVML cannot be loaded" in process.stderr


def test_listing_and_dry_runs_ask_no_driver(bench, nvml):
    assert "GPU" not in bench("run", *CELL, "--device", "cuda", "--dry-run", **nvml).stderr
    assert ok(bench("run", *CELL, "--device", "cuda", "--dry-run", **nvml))
