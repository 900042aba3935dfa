"""--health: what a record says of its own numbers, without being asked."""

import json

import pytest
from conftest import ok, refused

CELL = ["run", "--scenario", "C", "--preset", "tiny", "--device", "cpu",
        "--set", "train.eval_examples=8"]


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def trained(bench, tmp_path, out, *arguments):
    ok(bench(*CELL, "--out", out, *arguments))
    [run] = (tmp_path / out).iterdir()
    return run


@pytest.mark.parametrize("policy", ["amp_bf16", "fp16_naive"])
def test_losses_are_bit_for_bit_those_without(bench, tmp_path, policy):
    runs = {level: trained(bench, tmp_path, level, "--policy", policy, "--steps", "12", "--health", level)
            for level in ("off", "light", "full")}
    # It is no part of a cell's identity.
    assert len({run.name for run in runs.values()}) == 1
    assert not (runs["off"] / "health.jsonl").exists()
    numbers = {level: [[step[key] for key in ("loss", "grad_norm", "loss_scale", "lost_v_updates")]
                       for step in lines(run / "steps.jsonl")] for level, run in runs.items()}
    assert numbers["light"] == numbers["off"] and numbers["full"] == numbers["off"]
    results = {level: json.loads((run / "result.json").read_text()) for level, run in runs.items()}
    for key in ("convergence", "first_nonfinite"):
        assert results["light"][key] == results["off"][key] == results["full"][key]
    memory = {level: result["memory"]["peak_allocated_bytes"] for level, result in results.items()}
    assert memory["light"] == memory["off"] == memory["full"]


def test_a_dead_run_says_why(bench, tmp_path):
    run = trained(bench, tmp_path, "runs", "--policy", "fp16_naive", "--steps", "30", "--lr", "3e-3")
    [why] = [line for line in lines(run / "health.jsonl") if "why" in line]
    assert why["step"] == json.loads((run / "result.json").read_text())["first_nonfinite"]["step"]
    assert "underflowed in" in why["why"] and "learning rates (exact AdamW: at most 7.27)" in why["why"]
    assert why["why"] in ok(bench("show", run.name))


def test_a_run_that_goes_on_has_each_step_once(bench, tmp_path):
    run = trained(bench, tmp_path, "runs", "--policy", "fp32_true", "--steps", "9", "--health", "full",
                  "--keep-checkpoint", "--checkpoint-every", "4")
    whole = lines(run / "health.jsonl")
    assert [line["step"] for line in whole] == list(range(9))
    assert {len(line["classes"]) for line in whole} == {len(whole[0]["classes"])}


def test_an_unknown_level(bench):
    refused(bench(*CELL, "--policy", "fp32_true", "--health", "some"), "--health", "light")
