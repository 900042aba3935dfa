"""The built `dtbench`, as a user meets it: flags, exit codes, messages.

DTBENCH_BIN is the folder of the program, DTBENCH_SOURCE the source tree (CMake sets both).
"""

import hashlib
import json
import pathlib
import re
import subprocess

import pytest
from conftest import SOURCE, TINY, dry_run, fingerprint, install, locked, ok, refused, write_result

# --- the command line ---------------------------------------------------------------------------

FLAGS = {
    "": "help version extension",
    "run": "help scenario policy preset steps batch micro-batch length lr seed init device "
           "on-nonfinite data data-examples data-bytes tokenizer vocab merges "
           "text-field label-field config set out dry-run rerun "
           "keep-checkpoint profile health price-per-hour checkpoint-every",
    "demo": "help scenario policy device config set out json",
    "benchmark": "help model_arch task dtype_config preset max_steps batch_size micro_batch seq_len "
                 "lr seed init device on_nonfinite data data-examples data-bytes tokenizer vocab merges "
                 "text-field label-field config set out dry-run rerun "
                 "keep-checkpoint profile health price-per-hour checkpoint-every",
    "list": "help out json",
    "show": "help out all json",
    "analyse": "help json",
    "policies": "help json",
    "data": "help",
    "doctor": "help device price-per-hour json",
    "data prepare": "help scenario preset data data-examples data-bytes tokenizer vocab merges "
                    "text-field label-field length config set json",
    "data list": "help json",
    "data show": "help json",
    "data verify": "help json",
}


@pytest.mark.parametrize("command", FLAGS)
def test_help_shows_these_flags_and_no_others(bench, command):
    text = ok(bench(*command.split(), "--help"))
    lines = [line.split()[0] for line in text.splitlines() if line.startswith("  -")]
    assert [flag.split("--")[1] for flag in lines] == FLAGS[command].split()


def test_help_without_configs(bench):
    assert "--scenario" in ok(bench("run", "--help", DTBENCH_CONFIGS="/nowhere"))


def test_version(bench):
    assert ok(bench("--version")).strip().count(".") == 2


@pytest.mark.parametrize("command, said", [
    ("run --stpes 3", "Did you mean '--steps'?"),
    ("run --stpes=3", "Did you mean '--steps'?"),
    ("lst", "Did you mean 'list'?"),
    ("data prepar", "Did you mean 'prepare'?"),
    ("", "A subcommand is required"),
    ("run --steps", "--steps"),
    ("run --checkpoint-every -1", "--checkpoint-every"),
    ("list more", "more"),
    ("show", "run is required"),
    ("benchmark --model_arch gpt2 --task clm", "--dtype_config is required"),
    ("policies fp32_tru", "Did you mean 'fp32_true'?"),
    ("run --policy fp32_true --preset tiny", "--scenario NAME. Known: A, B, C, D, E, F."),
    ("run --scenario A --preset tiny", "--policy NAME. Known: amp_bf16, "),
    ("run --scenario AA --policy fp32_true --preset tiny", "Did you mean 'A'?"),
    ("run --scenario A --policy fp16_naiv --preset tiny", "Did you mean 'fp16_naive'?"),
    ("run --scenario A --policy fp32_true --preset tinny", "Did you mean 'tiny'?"),
    ("run --scenario A --policy none.toml --preset tiny", "none.toml"),
    ("benchmark --model_arch gpt2 --task mlm --dtype_config fp32_true", "gpt2 clm (A)"),
    ("benchmark --model_arch roberta --task clm --dtype_config fp32_true", "roberta mlm (B)"),
    ("benchmark --model_arch gpt2 --task clm --dtype_config fp32_true --batch-size 3",
     "Did you mean '--batch_size'?"),
    ("demo --scenario G", "own scenarios and policies: A, B, C, D, E, F."),
    ("demo --policy fp16_naiv", "Did you mean 'fp16_naive'?"),
    ("demo --set train.step=3", "Did you mean 'train.steps'?"),
    ("demo --preset small", "Unknown flag '--preset'"),
])
def test_wrong_usage_says_what_to_do(bench, command, said):
    refused(bench(*command.split()), said)


@pytest.mark.parametrize("flags, said", [
    ("--steps many", "'train.steps' must be a whole number, got \"many\" in --steps"),
    ("--set train.step=3", "Did you mean 'train.steps'?"),
    ("--set train.steps", "--set needs KEY=VALUE"),
    ("--set policy.epsilon=1", "a policy is one value"),
    ("--seed -1", "'seed' must be between 0 and 4294967295, got -1"),
    ("--seed 4294967296", "got 4294967296"),
    ("--micro-batch 3", "does not divide 'train.batch' = 8"),
    ("--set train.warmup_steps=-1", "'train.warmup_steps' must be at least 0, got -1"),
    ("--set train.length_buckets=-1", "'train.length_buckets' must be between 0 and 64, got -1"),
    ("--set train.length_buckets=off", "'train.length_buckets' must be a whole number, got"),
    ("--set model.positions=32", "longer than the model"),
    ("--set model.heads=3", "cannot be divided"),
    ("--lr 0", "'train.learning_rate' must be above 0"),
    ("--init random", "must be one of scratch, pretrained, FILE.safetensors, FILE.safetensors.index.json"),
    ("--device gpu", "cpu, cuda or cuda:N"),
    ("--on-nonfinite halt", "one of stop, continue"),
    ("--config none.toml", "none.toml"),
    ("--config .", "'.': expected a regular file, found a folder"),
    ("--vocab vocab.json", "only 'data.vocab' is given"),
    ("--data missing.jsonl", "missing.jsonl"),
    ("--data owner/texts", "begins with hf://datasets/"),
    ("--data hf://owner/texts/folder", "--data hf://datasets/owner/texts/folder"),
    ("--init none.safetensors", "expected a file at 'none.safetensors', found none"),
    ("--data spec.csv", "spec.csv"),
    ("--tokenizer t.json --vocab v.json --merges m.txt", "'data.vocab' and 'data.merges' are given too"),
    ("--data-examples 5", "--set data.synthetic_documents=N"),
    ("--data-bytes many", "a whole number"),
])
def test_a_bad_setting_is_named(bench, flags, said):
    refused(bench(*TINY, *flags.split()), said)


def test_preset_base_on_a_cpu_has_to_be_asked_for(bench):
    base = ["run", "--scenario", "A", "--policy", "fp32_true"]
    refused(bench(*base), "On this machine's CPU the cell would take some ", "--device cpu if you mean it")
    refused(bench("matrix", "--scenario", "A", "--seeds", "2"), "its 14 cells would take some ")
    assert bench(*base, "--dry-run").returncode == 0
    # It goes on to the weights.
    refused(bench(*base, "--device", "cpu", "--init", "none.safetensors"), "none.safetensors")


def test_unknown_environment_variable(bench):
    refused(bench(*TINY, DTBENCH_TRAIN_STPES="3"), "DTBENCH_TRAIN_STPES",
            "Did you mean 'DTBENCH_TRAIN_STEPS'?")


def test_bytes_that_are_no_utf8(bench):
    refused(bench(*TINY, "--set", b"data.text_field=\xff".decode(errors="surrogateescape"),
                  "--dry-run"), "UTF-8")


# --- the resolved spec --------------------------------------------------------------------------


def test_dry_run_is_the_cell(bench, tmp_path):
    answer = dry_run(bench, *TINY)
    canonical = json.dumps(answer["spec"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert answer["cell_id"] == hashlib.sha256(canonical.encode()).hexdigest()[:16]
    assert answer["run_directory"] == "runs/" + answer["cell_id"]
    # GPT2LMHeadModel(GPT2Config(vocab_size=2048, n_positions=64, n_embd=128, n_layer=2, n_head=2))
    assert answer["parameters"] == 667136
    assert answer["flops_per_full_step"]["palm"] == (6 * 667136 + 12 * 2 * 128 * 64) * 8 * 64
    assert list(tmp_path.iterdir()) == []


def test_every_cell_has_its_own_id(bench):
    ids = [dry_run(bench, "run", "--preset", "tiny", "--scenario", scenario, "--policy", policy,
                   "--seed", seed)["cell_id"]
           for scenario in "AC" for policy in ("fp32_true", "bf16_pure") for seed in (0, 1)]
    assert len(set(ids)) == 8


def test_precedence(bench, tmp_path):
    def steps(*flags, **environment):
        return dry_run(bench, *TINY, *flags, **environment)["spec"]["train"]["steps"]

    (tmp_path / "run.toml").write_text("[train]\nsteps = 40\n")
    config = ["--config", "run.toml"]
    assert steps() == 30
    assert steps(*config) == 40
    assert steps(*config, DTBENCH_TRAIN_STEPS="50") == 50
    assert steps(*config, "--steps", "60", DTBENCH_TRAIN_STEPS="50") == 60
    assert steps(*config, "--set", "train.steps=70", DTBENCH_TRAIN_STEPS="50") == 70


def test_a_config_file_can_name_the_whole_cell(bench, tmp_path):
    (tmp_path / "run.toml").write_text('scenario = "C"\npolicy = "bf16_pure"\npreset = "tiny"\n')
    spec = dry_run(bench, "run", "--config", "run.toml")["spec"]
    assert (spec["scenario"], spec["policy"]["name"], spec["preset"]) == ("C", "bf16_pure", "tiny")


def test_a_policy_of_ones_own(bench, tmp_path):
    (tmp_path / "double.toml").write_text('parameters = "fp64"\n')
    spec = dry_run(bench, "run", "--scenario", "A", "--preset", "tiny", "--policy", "double.toml")
    assert spec["spec"]["policy"]["optimizer_states"] == "fp64"


def test_labels_of_a_file_are_unknown_before_it_is_read(bench):
    answer = dry_run(bench, "run", "--scenario", "C", "--preset", "tiny", "--policy", "fp32_true",
                     "--data", "acts.jsonl")
    assert answer["parameters"] is None and "labels" in answer["unknown"]


def test_benchmark_is_run_by_another_name(bench, tmp_path):
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).write_text("{}")
    data = ["--data", "text.jsonl", "--vocab", "vocab.json", "--merges", "merges.txt"]
    for length in [], ["64"]:
        named = dry_run(bench, "run", "--scenario", "A", "--policy", "amp_bf16", *data, "--batch", "32",
                        "--steps", "1000", "--micro-batch", "4", "--lr", "1e-3", "--seed", "7",
                        *(["--length"] + length if length else []))
        other = dry_run(bench, "benchmark", "--model_arch", "gpt2", "--task", "clm", "--dtype_config",
                        "amp_bf16", "--batch_size", "32", "--max_steps", "1000", "--micro_batch", "4",
                        "--lr", "1e-3", "--seed", "7", *data,
                        *(["--seq_len"] + length if length else []))
        assert other == named and named["spec"]["preset"] == "base"


def test_the_defaults_of_benchmark_are_the_specifications(bench):
    """GPT-2 124M and RoBERTa-base as published, batch 32, 1,000 steps, the scenario's own length."""
    published = {"gpt2": "hf://openai-community/gpt2", "roberta": "hf://FacebookAI/roberta-base"}
    for model, task, scenario, length in [("gpt2", "clm", "A", 1024), ("roberta", "mlm", "B", 512),
                                          ("gpt2", "multi_cls", "C", 512),
                                          ("roberta", "single_cls", "F", 512)]:
        spec = dry_run(bench, "benchmark", "--model_arch", model, "--task", task, "--dtype_config",
                       "amp_fp16")["spec"]
        assert (spec["scenario"], spec["preset"], spec["policy"]["name"]) == (scenario, "base", "amp_fp16")
        assert (spec["train"]["batch"], spec["train"]["steps"], spec["data"]["length"]) == (32, 1000, length)
        assert (spec["model"]["layers"], spec["model"]["width"]) == (12, 768)
        assert spec["model"]["init"] == published[model] + "/model.safetensors"


def test_policies(bench):
    names = {path.stem for path in (SOURCE / "configs" / "policies").glob("*.toml")}
    assert {line.split()[0] for line in ok(bench("policies")).splitlines()} == names
    listed = json.loads(ok(bench("policies", "--json")))
    assert {policy["name"] for policy in listed} == names
    one = json.loads(ok(bench("policies", "amp_fp16", "--json")))
    assert one["compute"] == "fp16" and one["loss_scale"]["initial"] == 65536
    shown = ok(bench("policies", "amp_fp16"))
    assert all(f"  {field}" in shown for field in one if field not in ("name", "description"))


# --- the documents ------------------------------------------------------------------------------


def test_the_documented_policy_is_one(bench, tmp_path):
    text = (SOURCE / "docs" / "configuration.md").read_text()
    toml = text.split("```toml\n")[1].split("```")[0]
    (tmp_path / "mine.toml").write_text(toml)
    policy = json.loads(ok(bench("policies", "mine.toml", "--json")))
    assert (policy["gradients"], policy["embedding_states"]) == ("bf16", "fp32")


def test_the_record_schema_has_every_key_of_a_spec(bench):
    text = (SOURCE / "docs" / "record-schema.md").read_text()
    section = text.split("## spec.json")[1].split("\n## ")[0]
    for group, value in dry_run(bench, *TINY)["spec"].items():
        keys = [f"{group}." + key for key in value] if group in ("model", "data", "train") else [group]
        for key in keys:
            assert f"`{key}`" in section or f"`.{key.split('.')[1]}`" in section, key


# --- becoming the engine ------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path):
    """A copy of the program beside an engine that only tells how it was called."""
    return install(tmp_path / "installed",
                   '#!/bin/sh\nfor argument; do echo "$argument"; done\nexit 42\n')


def test_run_prepares_and_becomes_the_engine(bench, installed, tmp_path):
    cell = dry_run(bench, *TINY)
    process = bench(*TINY, program=installed)
    assert process.returncode == 42, process.stderr
    command, *flags = process.stdout.split()
    assert command == "run" and flags[:3] == ["--run-dir", cell["run_directory"], "--store"]
    assert len(flags) == 6
    assert flags[4] == "--session" and re.fullmatch("[0-9a-f]+", flags[5])
    assert json.loads((tmp_path / cell["run_directory"] / "spec.json").read_text()) == cell["spec"]
    assert pathlib.Path(flags[3]).is_relative_to(tmp_path / "cache")
    assert (pathlib.Path(flags[3]) / "meta.json").exists()

    again = bench(*TINY, "--keep-checkpoint", "--checkpoint-every", 7, program=installed)
    assert again.returncode == 42
    assert again.stdout.split()[7:] == ["--keep-checkpoint", "--checkpoint-every", "7"]


def test_a_missing_engine_is_said(bench, installed):
    (installed.parent / "dtbench-engine").unlink()
    refused(bench(*TINY, program=installed), "dtbench-engine", code=4)


def test_a_finished_cell_is_not_trained_again(bench, installed, tmp_path):
    assert bench(*TINY, program=installed).returncode == 42
    run = tmp_path / dry_run(bench, *TINY)["run_directory"]
    write_result(run, status="completed", fingerprint=fingerprint(tmp_path))
    told = ok(bench(*TINY, program=installed))
    assert told.splitlines() == [str(run.relative_to(tmp_path)),
                                 "completed, trained: 30 of 30 steps, validation loss 5.75, 2.5 s"]

    write_result(run, status="skipped", outcome=None, steps_completed=0, convergence={},
                 wall_s=None, reason="no GPU here", data={})
    # What was skipped here yesterday may be possible today: the engine decides anew.
    assert bench(*TINY, program=installed).returncode == 42

    write_result(run, status="completed", fingerprint="other data")
    refused(bench(*TINY, program=installed), "other data", "--rerun")
    write_result(run, status="interrupted")
    assert bench(*TINY, program=installed).returncode == 42


def test_rerun_keeps_the_old_record(bench, installed, tmp_path):
    assert bench(*TINY, program=installed).returncode == 42
    run = tmp_path / dry_run(bench, *TINY)["run_directory"]
    write_result(run, status="completed", fingerprint=fingerprint(tmp_path))
    assert bench(*TINY, "--rerun", program=installed).returncode == 42
    assert not (run / "result.json").exists()
    [aside] = run.parent.glob(run.name + ".replaced-*")
    assert json.loads((aside / "result.json").read_text())["status"] == "completed"
    assert len(json.loads(ok(bench("list", "--json")))) == 1


def test_a_running_cell_is_left_alone(bench, installed, tmp_path):
    assert bench(*TINY, program=installed).returncode == 42
    run = tmp_path / dry_run(bench, *TINY)["run_directory"]
    with locked(run):
        refused(bench(*TINY, program=installed), "being trained by another process", code=3)
        refused(bench(*TINY, "--rerun", program=installed), "by another process", code=3)
    assert bench(*TINY, program=installed).returncode == 42


def test_a_damaged_record_is_not_gone_on_with(bench, installed, tmp_path):
    assert bench(*TINY, program=installed).returncode == 42
    run = tmp_path / dry_run(bench, *TINY)["run_directory"]
    (run / "steps.jsonl").write_text("garbage\n")
    refused(bench(*TINY, program=installed), "steps.jsonl, line 1", "--rerun")
    assert bench(*TINY, "--rerun", program=installed).returncode == 42


def test_a_place_that_cannot_be_written_is_named(bench, installed, tmp_path):
    (tmp_path / "file").write_text("")
    refused(bench(*TINY, "--out", "file/runs", program=installed), "file/runs")
    refused(bench(*TINY, program=installed, DTBENCH_CACHE=str(tmp_path / "file")), "file")


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk],
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip("a file system of 64 KiB cannot be mounted here: " + mounted.stderr.strip())
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_retryable_and_leaves_nothing_half_written(bench, installed, small_disk):
    refused(bench(*TINY, program=installed, DTBENCH_CACHE=str(small_disk)), "No space left", "try:",
            code=3)
    assert list(small_disk.rglob("*.tmp.*")) == []


def test_a_policy_of_ones_own_has_a_name_of_its_own(bench, tmp_path):
    own = tmp_path / "fp32_true.toml"
    own.write_text('parameters = "bf16"\n')
    refused(bench(*TINY[:3], "--policy", own, "--preset", "tiny", "--dry-run"),
            "differs from the shipped policy of the same name, 'fp32_true'", "Rename the file")
    own.write_text((SOURCE / "configs/policies/fp32_true.toml").read_text())
    assert ok(bench(*TINY[:3], "--policy", own, "--preset", "tiny", "--dry-run"))


def test_preset_base_on_a_cpu_has_to_be_asked_for(bench):
    cell = ["run", "--scenario", "A", "--policy", "fp32_true"]
    refused(bench(*cell), "Preset base is for a GPU, and no device is named", "would take some",
            "--device cpu if you mean it")
    said = bench(*cell, "--device", "cpu", HF_HUB_OFFLINE="1")
    assert said.returncode != 0 and "Preset base" not in said.stderr
