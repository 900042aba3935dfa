"""Runs as a user starts, kills, resumes and breaks them: the built programs, real signals."""

import json
import os
import pathlib
import signal
import subprocess
import time

import pytest
import safetensors
import safetensors.torch

from records import BIN, cell, lines, result

TIMES = {"step_ms", "data_ms", "warmup", "conditions"}  # what two equal runs may differ in
TINY = ["--preset", "tiny", "--set", "train.eval_examples=8"]


def command(out, *arguments, scenario="A", policy="fp32_true"):
    return [BIN / "dtbench", "run", "--scenario", scenario, "--policy", policy, *TINY, "--out", out, *arguments]


def run(environment, out, *arguments, scenario="A", policy="fp32_true", **changes):
    return subprocess.run(
        command(out, *arguments, scenario=scenario, policy=policy),
        env=environment | changes,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def numbers(out):
    """Every number of a record that is not a time."""
    steps = [{k: v for k, v in s.items() if k not in TIMES} for s in lines(cell(out) / "steps.jsonl")]
    ended = result(out)
    kept = ("cell_id", "status", "outcome", "steps_completed", "first_nonfinite", "convergence", "data")
    evaluations = {
        (e["step"], e["val_loss"])
        for e in lines(cell(out) / "events.jsonl")
        if e["event"] == "evaluation"
    }
    return steps, {k: ended[k] for k in kept}, evaluations


def wait_for(condition, process, what):
    deadline = time.monotonic() + 120
    while not condition():
        if process.poll() is not None:
            pytest.fail(f"the run ended with {process.returncode} before {what}")
        if time.monotonic() > deadline:
            pytest.fail(f"no {what} within two minutes")
        time.sleep(0.005)


def start_and_signal(environment, out, condition, number, *arguments):
    """Starts a run, sends `number` when `condition` holds, and returns exit code and output."""
    process = subprocess.Popen(
        command(out, *arguments), env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    wait_for(condition, process, "the moment for the signal")
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    return process.returncode, errors


def steps_done(out):
    def count():
        directories = list(pathlib.Path(out).glob("*/steps.jsonl"))
        return len(lines(directories[0])) if directories else 0

    return count


TEN_STEPS = ("--steps", "10", "--set", "train.eval_every=3")  # as often as checkpoints


@pytest.fixture(scope="session")
def undisturbed(environment, tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    done = run(environment, out, *TEN_STEPS)
    assert done.returncode == 0, done.stderr
    return numbers(out)


@pytest.mark.parametrize("after", [0, 1, 2, 4, 5, 7, 9])
def test_a_killed_run_resumes_to_the_same_numbers(environment, undisturbed, tmp_path, after):
    """SIGKILL after any step, with checkpoints every third: from the last one, or from the start."""
    count = steps_done(tmp_path)
    code, _ = start_and_signal(
        environment, tmp_path, lambda: count() >= after, signal.SIGKILL, *TEN_STEPS, "--checkpoint-every", "3"
    )
    if code == 0:  # the run was faster than the signal: nothing was killed, so nothing is shown
        pytest.skip("the run ended before it could be killed")
    assert code == -signal.SIGKILL
    assert not (cell(tmp_path) / "result.json").exists() if list(tmp_path.iterdir()) else True
    again = run(environment, tmp_path, *TEN_STEPS, "--checkpoint-every", "3")
    assert again.returncode == 0, again.stderr
    assert numbers(tmp_path) == undisturbed
    if after >= 4:
        resumed = [e for e in lines(cell(tmp_path) / "events.jsonl") if e["event"] == "resumed"]
        assert resumed and resumed[0]["step"] % 3 == 0 and resumed[0]["step"] > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2])
def test_a_signal_saves_and_a_second_start_goes_on(environment, undisturbed, tmp_path, number):
    count = steps_done(tmp_path)
    code, errors = start_and_signal(environment, tmp_path, lambda: count() >= 3, number, *TEN_STEPS)
    if code == 0:
        pytest.skip("the run ended before the signal")
    assert code == 130, errors
    assert "saving a checkpoint" in errors
    assert result(tmp_path)["status"] == "interrupted"
    assert 3 <= result(tmp_path)["steps_completed"] < 10
    assert (cell(tmp_path) / "checkpoint" / "state.safetensors").exists()
    again = run(environment, tmp_path, *TEN_STEPS)
    assert again.returncode == 0, again.stderr
    assert numbers(tmp_path) == undisturbed
    assert not (cell(tmp_path) / "checkpoint").exists()


def test_a_signal_while_the_engine_loads_is_not_lost(environment, tmp_path):
    """From the moment at which `dtbench` becomes the engine, which takes a second to load torch."""
    def is_engine():
        return pathlib.Path(f"/proc/{process.pid}/exe").resolve().name == "dtbench-engine"

    process = subprocess.Popen(command(tmp_path, *TEN_STEPS), env=environment, stderr=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    wait_for(is_engine, process, "the engine")
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert result(tmp_path)["status"] == "interrupted"


def test_nohup_outlasts_its_terminal(environment, tmp_path):
    count = steps_done(tmp_path)
    process = subprocess.Popen(["nohup", *command(tmp_path, *TEN_STEPS)], env=environment,
                               stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    wait_for(lambda: count() >= 1, process, "a step")
    process.send_signal(signal.SIGHUP)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert result(tmp_path)["status"] == "completed"


def test_all_processes_of_a_job_are_signalled_at_once(environment, tmp_path):
    """Slurm and systemd signal the engine, too, which then hears it twice: once from the matrix."""
    process = subprocess.Popen([BIN / "dtbench", "matrix", *TINY, "--scenario", "A", "--policy", "fp32_true",
                                "--steps", "2000", "--out", tmp_path], env=environment,
                               stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    count = steps_done(tmp_path)
    wait_for(lambda: count() >= 3, process, "steps")
    engine = int(pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
    for pid in (engine, process.pid):
        os.kill(pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    [run] = [path.parent for path in tmp_path.glob("*/spec.json")]
    assert json.loads((run / "result.json").read_text())["status"] == "interrupted"
    assert (run / "checkpoint" / "state.safetensors").exists()


def limited(limits, *arguments):
    """A command under `ulimit`."""
    return ["sh", "-c", f'ulimit {limits}; exec "$@"', "sh", *map(str, arguments)]


def test_a_limit_on_files_is_an_error_like_a_full_disk(environment, tmp_path):
    """SIGXFSZ would end the program without a word."""
    done = subprocess.run(limited("-f 128", *command(tmp_path, *TEN_STEPS, "--keep-checkpoint")),
                          env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 3, done.stderr
    assert "File too large" in done.stderr and "ulimit -f" in done.stderr
    again = run(environment, tmp_path, *TEN_STEPS)
    assert again.returncode == 0, again.stderr


def test_memory_that_runs_out_while_torch_loads_is_an_error(environment):
    """torch's libraries throw before main, where nobody can catch it."""
    codes = {}
    for kibibytes in range(300_000, 600_000, 10_000):
        done = subprocess.run(limited(f"-v {kibibytes}", BIN / "dtbench-engine", "--version"), env=environment,
                              capture_output=True, text=True, timeout=120)
        codes.setdefault(done.returncode, done.stderr)
    # 127: the loader itself, which maps the libraries, had too little.
    assert set(codes) == {127, 4, 0}, codes
    assert "out of memory while torch was loaded" in codes[4]


def test_a_signal_in_a_long_step_gives_the_step_up(environment, tmp_path):
    """One step of this shape takes minutes; the run must not wait for it."""
    heavy = ["--steps", "5", "--batch", "4096", "--micro-batch", "4096", "--set", "model.width=512"]
    heavy += ["--set", "train.eval_examples=2"]
    events = lambda: [
        e
        for d in tmp_path.glob("*/events.jsonl")
        for e in lines(d)
        if e["event"] == "evaluation"
    ]
    code, errors = start_and_signal(environment, tmp_path, lambda: len(events()) > 0, signal.SIGINT, *heavy)
    assert code == 130, errors
    assert result(tmp_path)["status"] == "interrupted"
    assert result(tmp_path)["steps_completed"] == 0
    assert lines(cell(tmp_path) / "steps.jsonl") == []
    assert (cell(tmp_path) / "checkpoint" / "state.safetensors").exists()


def test_resuming_under_other_conditions_is_refused_and_loses_nothing(environment, tmp_path):
    count = steps_done(tmp_path)
    begun = environment | {"OMP_NUM_THREADS": "2"}
    code, _ = start_and_signal(begun, tmp_path, lambda: count() >= 2, signal.SIGINT, *TEN_STEPS)
    if code == 0:
        pytest.skip("the run ended before the signal")
    before, ended = (cell(tmp_path) / "steps.jsonl").read_bytes(), result(tmp_path)
    again = run(environment, tmp_path, *TEN_STEPS, OMP_NUM_THREADS="1")
    assert again.returncode == 2
    assert "/device/threads" in again.stderr and "--rerun" in again.stderr
    assert (cell(tmp_path) / "steps.jsonl").read_bytes() == before
    assert result(tmp_path) == ended
    assert (cell(tmp_path) / "checkpoint" / "state.safetensors").exists()


def test_a_complete_cell_is_not_trained_again_but_on_request(environment, tmp_path):
    assert run(environment, tmp_path, "--steps", "2").returncode == 0
    first = result(tmp_path)
    again = run(environment, tmp_path, "--steps", "2")
    assert again.returncode == 0
    assert result(tmp_path) == first
    rerun = run(environment, tmp_path, "--steps", "2", "--rerun")
    assert rerun.returncode == 0, rerun.stderr
    assert result(tmp_path)["started_at"] != first["started_at"]
    kept = [d for d in tmp_path.iterdir() if ".replaced-" in d.name]
    assert json.loads((kept[0] / "result.json").read_text()) == first


def test_a_record_names_its_session_and_on_a_cpu_no_card(environment, tmp_path):
    assert run(environment, tmp_path, "--steps", "1").returncode == 0
    session = json.loads((cell(tmp_path) / "audit.json").read_text())["session"]
    assert session["id"] and session["card"] is None


def test_a_complete_cell_is_not_served_for_other_initial_weights(environment, tmp_path):
    done = run(environment, tmp_path / "first", "--steps", "1", "--keep-checkpoint")
    assert done.returncode == 0, done.stderr
    weights = tmp_path / "weights.safetensors"
    kept = cell(tmp_path / "first") / "checkpoint" / "state.safetensors"
    with safetensors.safe_open(kept, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys() if name.startswith("transformer.")}
    again = ("--steps", "1", "--init", str(weights))
    safetensors.torch.save_file(tensors, weights)
    assert run(environment, tmp_path / "second", *again).returncode == 0
    assert run(environment, tmp_path / "second", *again).returncode == 0
    safetensors.torch.save_file({name: tensor / 2 for name, tensor in tensors.items()}, weights)
    other = run(environment, tmp_path / "second", *again)
    assert other.returncode == 2
    assert "weights.safetensors" in other.stderr and "--rerun" in other.stderr


@pytest.mark.parametrize("scenario, policy", [("A", "amp_fp16"), ("B", "fp32_true"), ("C", "bf16_pure")])
def test_a_longer_run_extends_a_shorter_one(environment, tmp_path, scenario, policy):
    """Bit for bit, at every length: within the warm-up, at the preset's, beyond it."""
    steps = {}
    for length in 2, 7, 30, 60:
        out = tmp_path / str(length)
        assert run(environment, out, "--steps", str(length), scenario=scenario, policy=policy).returncode == 0
        steps[length] = numbers(out)[0]
    assert len({s["lr"] for s in steps[60][:3]}) == 3 and len({s["lr"] for s in steps[60][2:]}) == 1
    for length in 2, 7, 30:
        assert steps[length] == steps[60][:length]


def test_a_divergence_is_a_result_with_its_place(environment, tmp_path):
    # The rate climbs to 1e38 by the third step, so the death may come at any rate on the way.
    done = run(environment, tmp_path, "--steps", "10", "--lr", "1e38")
    assert done.returncode == 0, done.stderr
    ended = result(tmp_path)
    assert ended["status"] == "diverged" and ended["outcome"] == "nonfinite"
    place = ended["first_nonfinite"]
    steps = lines(cell(tmp_path) / "steps.jsonl")
    assert place["step"] == steps[-1]["step"] == ended["steps_completed"] - 1 < 9
    assert place["phase"] in ("forward", "loss", "backward", "optimizer") and place["kind"] in ("nan", "inf")
    assert place["tensor"]
    assert place["learning_rate"] == steps[-1]["lr"] == pytest.approx(1e38 * min(1, len(steps) / 3))
    assert place["learning_rate_sum"] == pytest.approx(sum(s["lr"] for s in steps[:-1]))


def test_on_request_training_goes_on_after_a_nonfinite_value(environment, tmp_path):
    done = run(
        environment, tmp_path, "--steps", "6", "--lr", "1e38", "--set", "train.warmup_steps=0",
        "--on-nonfinite", "continue",
    )
    assert done.returncode == 0, done.stderr
    steps = lines(cell(tmp_path) / "steps.jsonl")
    assert len(steps) == 6 and steps[-1]["loss"] in ("NaN", "Infinity", "-Infinity")
    assert result(tmp_path)["outcome"] == "nonfinite"


def test_micro_batches_change_the_numbers_by_rounding_alone(environment, tmp_path):
    losses, weights = [], []
    for micro in ("8", "2"):
        out = tmp_path / micro
        assert run(environment, out, "--steps", "5", "--micro-batch", micro).returncode == 0
        losses.append([s["loss"] for s in lines(cell(out) / "steps.jsonl")])
        audit = json.loads((cell(out) / "audit.json").read_text())
        weights.append(audit["identity"]["initial_weights_fingerprint"])
    assert weights[0] == weights[1]
    # Five updates of fp32 training: a few hundred units in the last place, far below what another
    # mask, order or normalization would do.
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_every_policy_starts_from_the_same_draws(environment, tmp_path):
    def identity(policy, seed):
        out = tmp_path / f"{policy}-{seed}"
        assert run(environment, out, "--steps", "1", "--seed", seed, policy=policy).returncode == 0
        return json.loads((cell(out) / "audit.json").read_text())["identity"]

    reference = identity("fp32_true", "0")
    for policy in "bf16_pure", "fp16_naive", "fp32_perturbed":
        other = identity(policy, "0")
        assert other["initial_draws_fingerprint"] == reference["initial_draws_fingerprint"]
        assert other["initial_weights_fingerprint"] != reference["initial_weights_fingerprint"]
    other_seed = identity("fp32_true", "1")
    assert other_seed["initial_draws_fingerprint"] != reference["initial_draws_fingerprint"]


def test_what_the_engine_cannot_do_is_a_recorded_skip(environment, tmp_path):
    done = run(environment, tmp_path, "--device", "cuda:77", "--price-per-hour", "2")
    assert done.returncode == 0, done.stderr
    assert result(tmp_path)["status"] == "skipped" and "CUDA" in result(tmp_path)["reason"]
    assert result(tmp_path)["price_usd"] is None


def test_a_profile_stands_beside_a_record_that_it_does_not_change(environment, tmp_path):
    plain, profiled = tmp_path / "plain", tmp_path / "profiled"
    assert run(environment, plain, "--steps", "3", scenario="C").returncode == 0
    done = run(environment, profiled, "--steps", "3", "--profile", scenario="C")
    assert done.returncode == 0, done.stderr
    assert numbers(profiled) == numbers(plain)
    assert not (cell(plain) / "profile.json").exists()
    profile = json.loads((cell(profiled) / "profile.json").read_text())
    assert sum(part["ms"] for part in profile["parts"]) == pytest.approx(profile["step_ms"])
    slowest = max(profile["parts"], key=lambda part: part["ms"])
    assert done.stdout.splitlines()[1].split()[:2] == [*slowest["name"].split(), str(slowest["calls"])][:2]
    shown = subprocess.run([BIN / "dtbench", "show", cell(profiled)], env=environment,
                           capture_output=True, text=True, check=True).stdout
    assert done.stdout in shown
    # A complete cell is not trained again, and says what it lacks.
    again = run(environment, plain, "--steps", "3", "--profile", scenario="C")
    assert again.returncode == 0 and "--rerun" in again.stderr
    assert "--rerun" not in run(environment, profiled, "--steps", "3", "--profile", scenario="C").stderr


def test_a_price_an_hour_prices_the_record(environment, tmp_path):
    assert run(environment, tmp_path, "--steps", "2", "--price-per-hour", "7.2").returncode == 0
    recorded = result(tmp_path)
    assert recorded["price_usd"] == pytest.approx(recorded["wall_s"] * 0.002, rel=1e-12)


def test_an_environment_that_forces_tf32_is_refused(environment, tmp_path):
    done = run(environment, tmp_path, "--steps", "2", NVIDIA_TF32_OVERRIDE="1")
    assert done.returncode == 2
    assert "NVIDIA_TF32_OVERRIDE=1" in done.stderr and "Unset" in done.stderr
    assert result(tmp_path)["status"] == "failed"


def test_pretrained_weights_are_never_replaced_by_others(environment, tmp_path):
    out = tmp_path / "out"
    done = run(environment, out, "--init", "pretrained", HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path))
    assert done.returncode == 4
    assert "'model.safetensors' of model 'openai-community/gpt2'" in done.stderr
    assert not out.exists()


def test_malformed_weights_are_named(environment, tmp_path):
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"\xff" * 64)
    done = run(environment, tmp_path / "out", "--init", str(weights))
    assert done.returncode == 2
    assert "weights.safetensors" in done.stderr
    assert result(tmp_path / "out")["status"] == "failed"
    assert "weights.safetensors" in result(tmp_path / "out")["reason"]


def test_a_second_process_on_the_same_cell_is_turned_away(environment, tmp_path):
    process = subprocess.Popen(
        command(tmp_path, "--steps", "500"), env=environment, stderr=subprocess.DEVNULL
    )
    count = steps_done(tmp_path)
    wait_for(lambda: count() >= 1, process, "the first step")
    second = run(environment, tmp_path, "--steps", "500")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert second.returncode == 3, second.stderr
    assert str(cell(tmp_path)) in second.stderr


def test_the_record_is_readable_while_the_run_goes_on(environment, tmp_path):
    process = subprocess.Popen(
        command(tmp_path, "--steps", "500"), env=environment, stderr=subprocess.DEVNULL
    )
    count = steps_done(tmp_path)
    wait_for(lambda: count() >= 2, process, "two steps")
    listed = subprocess.run(
        [BIN / "dtbench", "list", "--json", "--out", tmp_path],
        env=environment, capture_output=True, text=True, check=True,
    )
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 130
    (run_listed,) = json.loads(listed.stdout)
    assert run_listed["status"] == "running"


def test_a_full_disk_ends_the_run_and_keeps_what_was_written(environment, tmp_path):
    """A file system of 64 KiB: the run must end with a clear error and whole lines."""
    out = tmp_path / "full"
    out.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", out], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs privileges")
    try:
        done = run(environment, out, "--steps", "2000")
        assert done.returncode == 3, done.stderr
        assert "No space left on device" in done.stderr and "--out" in done.stderr
        steps = lines(cell(out) / "steps.jsonl")
        assert [s["step"] for s in steps] == list(range(len(steps))) and steps
    finally:
        subprocess.run(["umount", out], check=True)


