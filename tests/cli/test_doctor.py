"""dtbench doctor."""

import json
import shutil

import pytest
from conftest import BIN, install, refused

OFFLINE = {"HF_ENDPOINT": "https://hub.invalid", "https_proxy": "", "HTTPS_PROXY": ""}


def test_doctor_on_a_cpu(bench, tmp_path):
    """The study needs a GPU, so the exit code is 4, but everything about the CPU is told."""
    process = bench("doctor", "--device", "cpu", "--json", "--price-per-hour", "0.5", **OFFLINE)
    assert process.returncode == 4, process.stderr
    found = json.loads(process.stdout)
    assert found["ready"] is False
    assert found["study"]["obstacles"] == ["the device is a CPU; preset base needs a GPU"]
    assert "hub.invalid" in found["hub"]["unreachable"]
    assert any("Hub" in warning for warning in found["warnings"])
    assert found["disk"]["free_bytes"] > 0
    engine = found["engine"]
    assert engine["canary_passed"] is True
    policies = {policy["name"]: policy["unsupported"] for policy in engine["policies"]}
    assert policies["fp16_naive"] is None and policies["amp_bf16"] is None
    assert "tensor cores" in policies["tf32"]
    assert engine["copy_bytes_per_s"] > 0
    for datatype in ("fp32", "bf16", "fp16"):
        assert engine["products"][datatype]["flops_per_s"] > 0
        assert engine["products"][datatype]["key"]["datatype"] == datatype
    assert len(list((tmp_path / "cache" / "peaks").glob("*.json"))) == 3
    study = found["study"]
    assert study["cells"] == 36 and study["steps"] == 1000
    assert 4e9 < study["memory_bytes"] < 48e9
    assert study["price_usd"] == pytest.approx(0.5 * study["hours"])
    rates = {name: peak["flops_per_s"] for name, peak in engine["products"].items()}
    seconds = sum(flops / (0.4 * rates[name]) for name, flops in study["flops"].items())
    assert study["hours"] == pytest.approx(seconds / 3600)


def test_doctor_speaks_to_people(bench):
    process = bench("doctor", "--device", "cpu", **OFFLINE)
    assert process.returncode == 4
    for said in ("TF32 canary", "fp16 matmuls", "amp_bf16_8bit", "memory copy", "36 cells",
                 "The study (preset base) cannot run here"):
        assert said in process.stdout
    assert "error: The study (preset base) cannot run on this machine." in process.stderr


def test_doctor_without_a_gpu_says_why(bench):
    if shutil.which("nvidia-smi"):
        pytest.skip("this machine has a GPU")
    process = bench("doctor", "--device", "cuda", "--json", **OFFLINE)
    assert process.returncode == 4
    (obstacle,) = json.loads(process.stdout)["study"]["obstacles"]
    assert obstacle.startswith("cuda: ")


def test_a_build_without_plugins_says_what_it_cannot_do(bench, tmp_path):
    program = install(tmp_path / "bin", "#!/bin/sh\necho '{}'\n")
    found = json.loads(bench("doctor", "--json", program=program, **OFFLINE).stdout)
    parquet, hub = found["missing_plugins"]
    assert "cannot read Parquet" in parquet and "no Hub client" in hub
    assert set(found["missing_plugins"]) <= set(found["warnings"])
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    prepare = ["data", "prepare", "--scenario", "C", "--preset", "tiny"]
    refused(bench(*prepare, "--data", "a.parquet", program=program), "Parquet cannot be read",
            "libdtbench_parquet.so' was not found", "give the data as .jsonl", code=4)
    refused(bench(*prepare, "--data", "hf://datasets/a/b", program=program), "The Hub cannot be used",
            "libdtbench_hub.so' was not found", "--data, --tokenizer, --init", code=4)


def test_doctor_refuses_what_is_no_device(bench):
    refused(bench("doctor", "--device", "gpu"), "'device' must be cpu, cuda or cuda:N, got 'gpu'")
    refused(bench("doctor", "--price-per-hour", "-1"), "--price-per-hour")


def test_doctor_without_an_engine(bench, tmp_path):
    shutil.copy(BIN / "dtbench", tmp_path / "dtbench")
    process = bench("doctor", "--json", program=tmp_path / "dtbench", **OFFLINE)
    assert process.returncode == 4
    assert "dtbench-engine" in json.loads(process.stdout)["study"]["obstacles"][0]
