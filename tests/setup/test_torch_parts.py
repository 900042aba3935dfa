"""scripts/setup.sh installs the part of torch that a machine without a GPU needs, or all of it, and makes
the first into the second in place. By the real pip, from wheels made here."""

import importlib.metadata
import pathlib
import re
import subprocess
import zipfile

import pytest
import torch
from packaging.requirements import Requirement

ROOT = pathlib.Path(__file__).resolve().parents[2]
TORCH = pathlib.Path(torch.__file__).parent
PINS = dict(line.split("==") for line in (ROOT / "requirements/torch-cpu.txt").read_text().splitlines()
            if not line.startswith("#"))
PINNED_TORCH = re.search(r"^torch==(.*)$", (ROOT / "requirements/torch.txt").read_text(), re.MULTILINE)[1]
pinned = pytest.mark.skipif(torch.__version__.split("+")[0] != PINNED_TORCH,
                            reason=f"torch {torch.__version__} is not the pinned one")


def requirements_of(package, extras=("",)):
    """What the metadata of an installed package asks for on this system."""
    for line in importlib.metadata.requires(package):
        requirement = Requirement(line)
        if any(not requirement.marker or requirement.marker.evaluate({"extra": extra}) for extra in extras):
            yield requirement


@pinned
def test_the_pins_are_those_of_torch():
    [toolkit] = [one for one in requirements_of("torch") if one.name == "cuda-toolkit"]
    asked = {one.name: str(one.specifier) for one in requirements_of("cuda-toolkit", sorted(toolkit.extras))}
    for name, version in PINS.items():
        # The toolkit asks for a series ("13.0.96.*"), which pip filled.
        assert Requirement(f"x{asked[name]}").specifier.contains(version)
        assert importlib.metadata.version(name) == version


@pinned
def test_they_hold_every_library_that_the_engine_loads():
    system = {"libc.so.6", "libm.so.6", "libdl.so.2", "librt.so.1", "libpthread.so.0", "libgcc_s.so.1",
              "libstdc++.so.6", "ld-linux-x86-64.so.2"}
    there = {path.name for name in PINS for path in importlib.metadata.files(name)}
    there |= {path.name for path in (TORCH / "lib").iterdir()}
    for library in ("libtorch_cpu.so", "libc10.so"):
        dynamic = subprocess.run(["readelf", "-d", TORCH / "lib" / library], capture_output=True, text=True)
        needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic.stdout))
        assert needed and needed - system <= there


def make_wheel(folder, name, version, requires=(), files=()):
    information = f"{name}-{version}.dist-info"
    metadata = "".join(f"Requires-Dist: {one}\n" for one in requires)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for file, content in files:
            wheel.writestr(file, content)
        wheel.writestr(f"{information}/METADATA",
                       f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}")
        wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{information}/RECORD", "")


@pytest.fixture
def wheels(tmp_path):
    """An index with a torch that depends on five packages, two of them those of torch-cpu.txt."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    names = [*PINS, "nvidia-cudnn-cu13", "sympy", "triton"]
    for name in names:
        make_wheel(folder, name.replace("-", "_"), PINS.get(name, "1.0"))
    make_wheel(folder, "torch", PINNED_TORCH, names,
               [("torch/version.py", f"__version__ = '{PINNED_TORCH}'\n"),
                ("torch/include/ATen/ATen.h", ""), ("torch/lib/libtorch_cpu.so", "")])
    return folder


@pytest.fixture
def set_up(tmp_path, wheels):
    """Installs torch for "cpu" or "whole", and returns its folder, the packages there and what was said."""

    def run(part, code=0):
        script = (f"root={ROOT}; source $root/scripts/setup.sh; cache={tmp_path}; log={tmp_path}/log; "
                  f"torch_choice={tmp_path}/choice; : >$log; torch=; "
                  f"[[ -e $torch_choice ]] && read -r torch <$torch_choice; "
                  f"[[ $torch && ({part} == cpu || $(torch_is_whole; echo $?) == 0) ]] || install_torch {part}; "
                  f"echo $torch")
        process = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env={
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheels)})
        assert process.returncode == code, process.stderr
        folder = pathlib.Path(process.stdout.strip()) if code == 0 else None
        packages = {path.name.split("-")[0] for path in folder.parent.glob("*.dist-info")} if folder else set()
        return folder, packages - {"pip", "setuptools"}, process.stderr

    return run


def test_without_a_gpu_what_the_engine_links(set_up):
    folder, packages, said = set_up("cpu")
    assert packages == {"torch", "nvidia_cuda_runtime", "nvidia_cuda_cupti"}
    assert f"installing torch=={PINNED_TORCH} nvidia-cuda-runtime==" in said

    # All of it comes to the same place, on which programs that are built already rely.
    whole, packages, said = set_up("whole")
    assert whole == folder
    assert packages == {"torch", "nvidia_cuda_runtime", "nvidia_cuda_cupti", "nvidia_cudnn_cu13", "sympy",
                        "triton"}
    assert f"installing torch=={PINNED_TORCH} into" in said
    assert set_up("whole")[2] == set_up("cpu")[2] == ""


def test_all_of_it_is_enough_without_a_gpu(set_up):
    whole, packages, _ = set_up("whole")
    assert "triton" in packages
    assert set_up("cpu") == (whole, packages, "")


def test_a_part_stays_usable_where_the_rest_is_not_to_be_had(set_up, wheels):
    folder, packages, _ = set_up("cpu")
    (wheels / "triton-1.0-py3-none-any.whl").unlink()
    _, _, said = set_up("whole", code=3)
    assert f"could not install torch=={PINNED_TORCH}" in said
    assert set_up("cpu") == (folder, packages, "")
