"""dtbench explain, on cells that the engine trains: one that dies, one that does not."""

import json
import shutil

import pytest
from conftest import ok, refused

CELL = ["run", "--scenario", "C", "--preset", "tiny", "--steps", "30", "--device", "cpu",
        "--set", "train.eval_examples=8"]


PROVED_OR_NOT = ("proved", "consistent")


@pytest.fixture(scope="module")
def dead(tmp_path_factory):
    """The folder of a run that died, copied by each test that changes it."""
    import subprocess

    from conftest import BIN, environment
    folder = tmp_path_factory.mktemp("dead")
    call = [BIN / "dtbench", *CELL, "--policy", "fp16_naive"]
    process = subprocess.run(call, cwd=folder, env=environment(folder / "cache"),
                             capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    [run] = (folder / "runs").iterdir()
    return run


@pytest.fixture
def run(dead, tmp_path):
    shutil.copytree(dead, tmp_path / "runs" / dead.name)
    return tmp_path / "runs" / dead.name


def test_a_death_is_explained(bench, run):
    text = ok(bench("explain", run.name[:6], "--replays", "1"))
    found = json.loads((run / "explain.json").read_text())
    # A course with such steps is chaotic: on another CPU a control may outlive the window.
    assert found["cause"] == "second moments underflow" and found["verdict"] in PROVED_OR_NOT
    assert f"Cause: {found['cause']} ({found['verdict']})" in text
    # The same death as the record's, replayed bit for bit.
    recorded = json.loads((run / "result.json").read_text())["first_nonfinite"]
    assert found["first_nonfinite"]["step"] == recorded["step"]
    assert found["origin"]["operation"] == recorded["operation"]
    assert found["origin"]["module"] == recorded["module"]
    assert found["replay"] == {"steps": recorded["step"] + 1, "steps_equal": recorded["step"] + 1,
                               "differs": "", "step_repeats": True}
    roles = {trial["id"]: trial["role"] for trial in found["trials"]}
    assert roles["states"] == "remedy" and roles["gradients"] == "control"
    # What fp16 could not hold, from the operands in fp64.
    assert abs(found["origin"]["exact"]) > found["origin"]["datatype_largest"] == 65504
    # The answer fits a screen of 100 columns; the table may be as wide as it is.
    assert max(len(line) for line in text.splitlines()) <= 100


def test_an_answer_is_kept(bench, run):
    """A dead run leaves a diagnosis; a proof takes its place, and stays until it is asked again."""
    left = json.loads((run / "explain.json").read_text())
    assert (left["verdict"], left["trials"]) == ("diagnosed", [])
    before = (run / "explain.json").stat().st_mtime_ns
    for name in (run, f"{run}/", run.name):  # a shell completes a folder with a slash
        assert json.loads(ok(bench("explain", name, "--replays", "0", "--json"))) == left
    assert (run / "explain.json").stat().st_mtime_ns == before
    proved = json.loads(ok(bench("explain", run, "--replays", "1", "--json")))
    assert proved["verdict"] in PROVED_OR_NOT and proved["diagnoses"] == left["diagnoses"]
    before = (run / "explain.json").stat().st_mtime_ns
    assert json.loads(ok(bench("explain", run, "--json"))) == proved
    assert (run / "explain.json").stat().st_mtime_ns == before
    ok(bench("explain", run, "--again", "--replays", "0"))
    assert json.loads((run / "explain.json").read_text())["verdict"] == "diagnosed"


def test_a_record_that_another_machine_made_is_said_to_differ(bench, run):
    steps = run / "steps.jsonl"
    lines = [json.loads(line) for line in steps.read_text().splitlines()]
    lines[2]["loss"] *= 1.0000001
    steps.write_text("".join(json.dumps(line) + "\n" for line in lines))
    text = ok(bench("explain", run.name, "--again", "--replays", "0"))
    assert "agrees with the record in 2 of" in text and "step 2: loss was" in text


def test_nothing_to_explain(bench, tmp_path):
    ok(bench(*CELL, "--policy", "bf16_pure"))
    [alive] = (tmp_path / "runs").iterdir()
    refused(bench("explain", alive.name), "stayed finite", "dtbench show")
    assert not (alive / "explain.json").exists()
    (alive / "result.json").unlink()
    refused(bench("explain", alive.name), "has not ended", "resumes")
    refused(bench("explain", "nosuch"), "There is no run 'nosuch'")
    (tmp_path / "runs" / "empty").mkdir()
    refused(bench("explain", "empty"), "is not a run")


def test_a_renamed_folder_is_refused(bench, run):
    run.rename(run.with_name("mine"))
    refused(bench("explain", "mine"), "not named after its cell", run.name)


def test_a_rescue_survives(bench, run, tmp_path):
    text = ok(bench("rescue", run.name))
    policy = run / "fp16_naive_states.toml"
    assert str(policy.relative_to(tmp_path)) in text
    results = {result["policy"]: result for result in (
        json.loads(path.read_text()) for path in (tmp_path / "runs").glob("*/result.json"))}
    assert set(results) == {"fp16_naive", "fp16_naive_states", "fp32_true", "amp_bf16"}
    rescued = results["fp16_naive_states"]
    assert (rescued["status"], rescued["steps_completed"]) == ("completed", 30)
    assert f"{rescued['convergence']['val_loss']:.4f}" in text
    # The file is the policy that was trained, and a control that ships has the same fields.
    shown = json.loads(ok(bench("policies", policy, "--json")))
    shipped = json.loads(ok(bench("policies", "fp16_naive_fp32states", "--json")))
    names = ("name", "description")
    assert {k: v for k, v in shown.items() if k not in names} == \
        {k: v for k, v in shipped.items() if k not in names}
    ok(bench("run", "--scenario", "C", "--preset", "tiny", "--policy", policy, "--dry-run"))
    assert ok(bench("rescue", run.name)) == text  # nothing is trained again


def test_no_rescue_is_known(bench, run):
    ok(bench("explain", run, "--replays", "1"))
    explained = json.loads((run / "explain.json").read_text())
    explained["proof"]["change"] = ""
    (run / "explain.json").write_text(json.dumps(explained))
    refused(bench("rescue", run), "No change is known", "dtbench explain", code=4)
