"""Every policy file on every scenario, a few steps of a small model: a result each time, and a
record that says what was computed in which datatype. The files are read here by Python's own TOML
parser."""

import json
import subprocess
import tomllib

import pytest
from records import BIN, CONFIGS, cell, lines, result

POLICIES = {p.stem: tomllib.loads(p.read_text()) for p in (CONFIGS / "policies").glob("*.toml")}
SCENARIOS = ("A", "B", "C", "D", "E", "F")
SMALL = ["--preset", "tiny", "--steps", "3", "--batch", "4", "--set", "model.width=32"]
SMALL += ["--set", "train.eval_examples=8"]


def test_all_are_here():
    assert len(POLICIES) == 16


def states_of(policy):
    """The optimizer states' datatypes, sorted; the embeddings' may be others."""
    states = policy["optimizer_states"]
    return ", ".join(sorted({states, policy.get("embedding_states", states)}))


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", sorted(POLICIES))
def test_ends_with_a_result(environment, tmp_path, name, scenario):
    policy = POLICIES[name]
    done = subprocess.run(
        [BIN / "dtbench", "run", "--scenario", scenario, "--policy", name, *SMALL, "--out", tmp_path],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )
    assert done.returncode == 0, done.stderr
    ended = result(tmp_path)
    if policy.get("tf32"):
        assert ended["status"] == "skipped" and "TF32" in ended["reason"]
        return
    assert ended["status"] in ("completed", "diverged"), ended
    assert (ended["status"] == "diverged") == (ended["first_nonfinite"] is not None)

    audit = json.loads((cell(tmp_path) / "audit.json").read_text())
    assert audit["datatypes"]["parameters"] == policy["parameters"]
    assert audit["datatypes"]["optimizer_states"] == states_of(policy)

    steps = lines(cell(tmp_path) / "steps.jsonl")
    assert [s["step"] for s in steps] == list(range(ended["steps_completed"]))
    assert len(steps) == 3 or ended["status"] == "diverged"
    for step in steps:
        if policy.get("loss_scaling"):
            assert step["loss_scale"] > 0
        else:
            assert step["loss_scale"] is None and not step["skipped"]
