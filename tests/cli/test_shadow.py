"""dtbench explain --against: another policy, another run, and what cannot be compared."""

import json

import pytest
from conftest import ok, refused

CELL = ["run", "--preset", "tiny", "--steps", "12", "--device", "cpu",
        "--set", "train.eval_examples=8"]


def trained(bench, tmp_path, *arguments):
    before = set((tmp_path / "runs").glob("*"))
    ok(bench(*CELL, *arguments))
    [run] = set((tmp_path / "runs").glob("*")) - before
    return run


def test_a_run_that_dies_beside_the_reference(bench, tmp_path):
    run = trained(bench, tmp_path, "--scenario", "C", "--policy", "fp16_naive")
    files = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
    dies_at = json.loads((run / "result.json").read_text())["first_nonfinite"]["step"]
    text = ok(bench("explain", run.name[:6], "--against", "fp32_true"))
    assert f"Cell {run.name}: scenario C, fp16_naive (cpu) against fp32_true (cpu)" in text
    assert len(text.splitlines()) <= 40 and max(map(len, text.splitlines())) <= 120
    found = json.loads(ok(bench("explain", run.name, "--against", "fp32_true", "--json",
                                "--steps", str(dies_at + 1))))
    # The run's own steps, bit for bit, to the one that kills it.
    recorded = [json.loads(line) for line in (run / "steps.jsonl").read_text().splitlines()]
    assert [step["run"]["loss"] for step in found["steps"]] == [step["loss"] for step in recorded]
    assert found["steps"][-1]["run"]["nonfinite"] and not found["steps"][-1]["against"]["nonfinite"]
    first = found["first_above"]
    assert first["step"] < dies_at and (first["flushed"] > 0 or first["nonfinite"])
    # Nothing in the record has changed.
    assert {path.name: path.stat().st_mtime_ns for path in run.iterdir()} == files


def test_two_runs(bench, tmp_path):
    reference = trained(bench, tmp_path, "--scenario", "A", "--policy", "fp32_true")
    other = trained(bench, tmp_path, "--scenario", "A", "--policy", "amp_bf16")
    other_seed = trained(bench, tmp_path, "--scenario", "A", "--policy", "amp_bf16", "--seed", "3")
    same = json.loads(ok(bench("explain", reference.name, "--against", reference.name, "--json")))
    assert same["first_above"] is None and len(same["steps"]) == 3
    for step in same["steps"]:
        assert step["drift"]["all"] == 0 and step["run"] == step["against"]
        assert {place["error"] for place in step["places"]} == {0}
        assert {place["apart"] for place in step["places"]} == {0}
    found = json.loads(ok(bench("explain", other.name, "--against", reference.name, "--json")))
    assert found["against"]["cell_id"] == reference.name and found["first_above"] is None
    assert found["steps"][0]["drift"]["all"] > 0 and found["kept_bytes"] > 0
    later = json.loads(ok(bench("explain", other.name, "--against", "fp32_true", "--from", "2",
                                "--steps", "1", "--json")))
    [step] = later["steps"]
    recorded = [json.loads(line) for line in (other / "steps.jsonl").read_text().splitlines()]
    assert (step["step"], step["run"]["loss"]) == (2, recorded[2]["loss"])
    refused(bench("explain", other.name, "--against", other_seed.name), "differ in", "seed")


@pytest.mark.parametrize("arguments, said", [
    (["--against", "no_such_policy"], "neither a policy nor a run"),
    (["--against", "tf32"], "TF32"),
    (["--against", "fp32_true", "--from", "12"], "there is no step 12"),
    (["--against", "fp32_true", "--replays", "1"], "excludes"),
    (["--steps", "2"], "--against"),
])
def test_what_cannot_be_compared(bench, tmp_path, arguments, said):
    run = trained(bench, tmp_path, "--scenario", "A", "--policy", "bf16_pure")
    refused(bench("explain", run.name, *arguments), said)
