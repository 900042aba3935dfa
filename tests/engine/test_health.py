"""--health: what a record says of its run's numbers, and that nothing else changes."""

import json
import shutil
import signal
import subprocess
import time

import pytest
from records import BIN, cell, lines, result

POLICIES = ("fp32_true", "amp_fp16", "amp_bf16", "fp16_naive", "bf16_pure", "amp_bf16_8bit")
TIMES = {"step_ms", "data_ms", "warmup", "conditions"}


def command(out, *arguments, scenario="C", policy="fp32_true"):
    return [BIN / "dtbench", "run", "--scenario", scenario, "--policy", policy, "--preset", "tiny", "--device", "cpu",
            "--set", "train.eval_examples=8", "--out", out, *arguments]


def dtbench(environment, *arguments):
    return subprocess.run([BIN / "dtbench", *map(str, arguments)], env=environment, capture_output=True, text=True,
                          timeout=300, check=False)


def train(environment, out, *arguments, **names):
    done = subprocess.run(command(out, *arguments, **names), env=environment, capture_output=True, text=True,
                          timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return cell(out)


def numbers(run):
    """Every number of a record that is not a time, and every byte of its last checkpoint."""
    steps = [{k: v for k, v in s.items() if k not in TIMES} for s in lines(run / "steps.jsonl")]
    ended = json.loads((run / "result.json").read_text())
    kept = ("cell_id", "status", "outcome", "first_nonfinite", "convergence", "optimizer", "loss_scale")
    weights = (run / "checkpoint" / "state.safetensors").read_bytes()
    return steps, {k: ended[k] for k in kept}, ended["memory"]["peak_allocated_bytes"], tensors_of(weights)


def tensors_of(content):
    """A safetensors file without its metadata, which tell times."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + length])
    header.pop("__metadata__", None)
    return header, content[8 + length:]


@pytest.mark.parametrize("policy", POLICIES)
def test_no_level_changes_a_number(environment, tmp_path, policy):
    def trained(level, seed=0):
        return numbers(train(environment, tmp_path / f"{level}-{seed}", "--steps", "12", "--health", level,
                             "--keep-checkpoint", "--seed", str(seed), policy=policy))

    off = trained("off")
    assert trained("light") == off and trained("full") == off
    assert not (cell(tmp_path / "off-0") / "health.jsonl").exists()
    assert len(lines(cell(tmp_path / "light-0") / "health.jsonl")) >= 3
    # The control: what is compared tells cells apart.
    other = trained("off", seed=1)
    assert all(a != b for a, b in ((off[0], other[0]), (off[1], other[1]), (off[3], other[3])))


def test_a_dead_run_says_why(environment, tmp_path):
    run = train(environment, tmp_path, "--steps", "30", "--lr", "3e-3", "--health", "light", policy="fp16_naive")
    [why] = [line for line in lines(run / "health.jsonl") if "why" in line]
    assert why["step"] == result(tmp_path)["first_nonfinite"]["step"] and why["kind"] == "nonfinite"
    assert "underflowed in" in why["why"] and "learning rates (exact AdamW: at most 7.27)" in why["why"]
    assert why["why"] in dtbench(environment, "show", run).stdout
    shown = json.loads(dtbench(environment, "show", run, "--json").stdout)
    assert shown["health"] == lines(run / "health.jsonl")


def test_every_class_is_there(environment, tmp_path):
    run = train(environment, tmp_path, "--steps", "3", "--health", "full", policy="bf16_pure")
    samples = lines(run / "health.jsonl")
    assert [sample["step"] for sample in samples] == [0, 1, 2]
    for sample in samples:
        classes = {(entry["class"], entry["layer"]): entry for entry in sample["classes"]}
        assert {name for name, _ in classes} == {
            "activations", "activation_gradients", "weights", "weight_gradients", "updates", "exp_avg", "exp_avg_sq"}
        assert {layer for name, layer in classes if name == "weights"} == {None, 0, 1}
        assert [entry["layer"] for entry in sample["attention"]] == [0, 1]
        for entry in classes.values():
            zeros = round(entry["zeros"] * entry["elements"])
            assert sum(entry.get("exponents", {"counts": []})["counts"]) == entry["elements"] - zeros
        assert all(update["lost"] > 0 and update["descent_quality"] < 2 for update in sample["updates"]
                   if update["parameter"].endswith("c_fc.weight"))


@pytest.fixture(scope="session")
def undisturbed(environment, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    return (train(environment, out, "--steps", "10", "--health", "full") / "health.jsonl").read_bytes()


def interrupted(environment, out, arguments, number, after):
    """A run that `number` ends once it has `after` lines of health; False if it finished before that."""
    shutil.rmtree(out)
    out.mkdir()
    process = subprocess.Popen(command(out, *arguments), env=environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        files = list(out.glob("*/health.jsonl"))
        if files and len(lines(files[0])) >= after:
            break
        time.sleep(0.001)
    process.send_signal(number)
    return process.wait(timeout=120) != 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("after", [1, 4, 8])
def test_an_interrupted_run_resumes_its_health(environment, undisturbed, tmp_path, number, after):
    arguments = ("--steps", "10", "--health", "full", "--checkpoint-every", "3")
    assert any(interrupted(environment, tmp_path, arguments, number, after) for _ in range(5))
    # As a writer leaves it that was killed in the middle of a line.
    with (cell(tmp_path) / "health.jsonl").open("ab") as file:
        file.write(b'{"step": 9, "cla')
    run = train(environment, tmp_path, *arguments)
    events = [event["event"] for event in lines(run / "events.jsonl")]
    assert "resumed" in events or "restarted" in events
    assert (run / "health.jsonl").read_bytes() == undisturbed


def test_damage_is_damage(environment, tmp_path):
    run = train(environment, tmp_path, "--steps", "3", "--health", "light")
    assert "DAMAGED" not in dtbench(environment, "show", run).stdout
    file = run / "health.jsonl"
    file.write_text("{\n" + file.read_text())
    assert "DAMAGED: health.jsonl, line 1: not JSON" in dtbench(environment, "show", run).stdout


def test_an_unknown_level_is_refused(environment, tmp_path):
    refused = subprocess.run(command(tmp_path, "--health", "some"), env=environment, capture_output=True, text=True,
                             timeout=60, check=False)
    assert refused.returncode == 2 and "--health" in refused.stderr and "light" in refused.stderr
    assert not list(tmp_path.iterdir())
