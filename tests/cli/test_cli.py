"""The built `dtbench`, as a user meets it: flags, exit codes, messages, records.

DTBENCH_BIN is the folder of the program, DTBENCH_SOURCE the source tree (CMake sets both).
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess

import pytest
from conftest import BIN, SOURCE, dry_run, install, locked, ok, refused

TINY = ["run", "--scenario", "A", "--policy", "fp32_true", "--preset", "tiny"]


# --- the command line ---------------------------------------------------------------------------

FLAGS = {
    "": "help version",
    "run": "help scenario policy preset steps batch micro-batch lr seed init device engine "
           "on-nonfinite data data-examples data-bytes tokenizer vocab merges "
           "text-field label-field length config set out dry-run rerun "
           "keep-checkpoint checkpoint-every",
    "demo": "help scenario policy device config set out json",
    "benchmark": "help model_arch task dtype_config preset batch_size max_steps seq_len micro_batch "
                 "lr seed device data data-examples data-bytes tokenizer vocab merges "
                 "text-field label-field config set out dry-run rerun "
                 "keep-checkpoint checkpoint-every",
    "list": "help out json",
    "show": "help out json",
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
    ("run --scenario A --policy fp32_true", "--tokenizer tokenizer.json"),
    ("benchmark --model_arch gpt2 --task mlm --dtype_config fp32_true", "gpt2 clm (A)"),
    ("benchmark --model_arch roberta --task clm --dtype_config fp32_true", "roberta mlm (B)"),
    ("benchmark --model_arch gpt2 --task clm --dtype_config fp32_true --batch-size 3",
     "Did you mean '--batch_size'?"),
    ("demo --scenario G", "Known: A, B, C, D, E, F."),
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
    ("--set train.warmup_steps=31", "longer than the run"),
    ("--set model.positions=32", "longer than the model"),
    ("--set model.heads=3", "cannot be divided"),
    ("--lr 0", "'train.learning_rate' must be above 0"),
    ("--init random", "must be one of scratch, pretrained, FILE.safetensors"),
    ("--device gpu", "cpu, cuda or cuda:N"),
    ("--on-nonfinite halt", "one of stop, continue"),
    ("--config none.toml", "none.toml"),
    ("--config .", "Cannot read the TOML file '.'"),
    ("--vocab vocab.json", "only 'data.vocab' is given"),
    ("--data missing.jsonl", "missing.jsonl"),
    ("--data spec.csv", "spec.csv"),
    ("--tokenizer t.json --vocab v.json --merges m.txt", "'data.vocab' and 'data.merges' are given besides"),
    ("--data-examples 5", "--set data.synthetic_documents=N"),
    ("--data-bytes many", "a whole number"),
])
def test_a_bad_setting_is_named(bench, flags, said):
    refused(bench(*TINY, *flags.split()), said)


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
    (tmp_path / "vocab.json").write_text("{}")
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


def test_the_defaults_of_benchmark_are_the_specifications(bench, tmp_path):
    """GPT-2 124M and RoBERTa-base, batch 32, 1,000 steps, the scenario's own length."""
    (tmp_path / "vocab.json").write_text("{}")
    data = ["--data", "text.jsonl", "--vocab", "vocab.json", "--merges", "merges.txt"]
    for model, task, scenario, length in [("gpt2", "clm", "A", 1024), ("roberta", "mlm", "B", 512),
                                          ("gpt2", "multi_cls", "C", 512),
                                          ("roberta", "single_cls", "F", 512)]:
        spec = dry_run(bench, "benchmark", "--model_arch", model, "--task", task, "--dtype_config",
                       "amp_fp16", *data)["spec"]
        assert (spec["scenario"], spec["preset"], spec["policy"]["name"]) == (scenario, "base", "amp_fp16")
        assert (spec["train"]["batch"], spec["train"]["steps"], spec["data"]["length"]) == (32, 1000, length)
        assert (spec["model"]["layers"], spec["model"]["width"], spec["model"]["init"]) == (12, 768, "pretrained")


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
    assert len(flags) == 4
    assert json.loads((tmp_path / cell["run_directory"] / "spec.json").read_text()) == cell["spec"]
    assert pathlib.Path(flags[3]).is_relative_to(tmp_path / "cache")
    assert (pathlib.Path(flags[3]) / "meta.json").exists()

    again = bench(*TINY, "--keep-checkpoint", "--checkpoint-every", 7, program=installed)
    assert again.returncode == 42
    assert again.stdout.split()[5:] == ["--keep-checkpoint", "--checkpoint-every", "7"]


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
    refused(bench(*TINY, "--out", "file/runs", program=installed), "file/runs", code=4)
    refused(bench(*TINY, program=installed, DTBENCH_CACHE=str(tmp_path / "file")), "file", code=4)


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


def test_data_prepare(bench, tmp_path):
    flags = ["data", "prepare", "--scenario", "C", "--preset", "tiny"]
    answer = json.loads(ok(bench(*flags, "--json")))
    assert answer["synthetic"] is True and answer["labels"] == 32 and answer["vocab_size"] == 2048
    assert pathlib.Path(answer["store"]).is_relative_to(tmp_path / "cache")
    assert answer["fingerprint"] in ok(bench(*flags))


def test_data_prepare_serves_every_scenario(bench):
    stores = {scenario: json.loads(ok(bench("data", "prepare", "--scenario", scenario, "--preset",
                                            "tiny", "--json")))["store"] for scenario in "ABCDEF"}
    assert stores["C"] == stores["E"] and stores["D"] == stores["F"]
    assert len(set(stores.values())) == 4


# --- stores -------------------------------------------------------------------------------------

PREPARE = ["data", "prepare", "--preset", "tiny", "--json"]


def stores(bench):
    return json.loads(ok(bench("data", "list", "--json")))


def test_data_list_and_show(bench):
    assert stores(bench) == []
    assert "no stores" in bench("data", "list").stderr
    refused(bench("data", "show"), "Expected one store, found 0")
    made = [json.loads(ok(bench(*PREPARE, "--scenario", scenario))) for scenario in "AC"]
    listed = {store["fingerprint"]: store for store in stores(bench)}
    assert set(listed) == {store["fingerprint"] for store in made}
    for store in made:
        folder, found = pathlib.Path(store["store"]), listed[store["fingerprint"]]
        assert found["bytes"] == sum(file.stat().st_size for file in folder.iterdir())
        assert found["documents"] == sum(store["counts"][s]["documents"] for s in ("train", "validation"))
        assert (found["state"], found["labels"]) == ("whole", store["labels"])
    refused(bench("data", "show"), "found 2", "dtbench data list")
    refused(bench("data", "show", "zz"), "no store 'zz'", made[0]["fingerprint"][:12])

    for name in (made[1]["fingerprint"][:10], made[1]["store"]):
        details = json.loads(ok(bench("data", "show", name, "--json")))
        assert details["counts"] == made[1]["counts"]
    statistics = details["label_statistics"]
    counts = made[1]["counts"]["train"]
    mean = statistics["labels_a_document"]["train"]["mean"]
    assert mean == counts["labels"] / counts["documents"]
    frequencies = [label["train_documents"] for label in statistics["most_frequent"]]
    assert len(frequencies) == 10 and frequencies == sorted(frequencies, reverse=True)


def test_data_show_decodes_what_was_encoded(bench, tmp_path):
    texts = ["Milk prices: 漢字 😀\n  and\tbutter.", "fish", "eggs"]
    rows = [{"text": text, "labels": [i], "split": "train"} for i, text in enumerate(texts)]
    rows.append({"text": "more", "labels": [0], "split": "validation"})
    (tmp_path / "acts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    # RoBERTa's tokens <s> and </s> stand around.
    for scenario, begin, end in (("C", "", ""), ("D", "<s>", "</s>")):
        made = json.loads(ok(bench(*PREPARE, "--scenario", scenario, "--data", "acts.jsonl")))
        examples = json.loads(ok(bench("data", "show", made["store"], "--json")))["examples"]
        assert [e["text"] for e in examples] == [begin + text + end for text in texts]
        assert [e["labels"] for e in examples] == [["0"], ["1"], ["2"]]
        assert "漢字 😀" in ok(bench("data", "show", made["store"]))


@pytest.mark.parametrize("file", ["train.tokens", "validation.labels", "train.offsets",
                                  "vocabulary.json", "meta.json"])
def test_data_verify_quarantines_a_store_with_one_changed_bit(bench, tmp_path, file):
    made = json.loads(ok(bench(*PREPARE, "--scenario", "C")))
    other = json.loads(ok(bench(*PREPARE, "--scenario", "A")))
    assert ok(bench("data", "verify")).count(": whole") == 2
    store = pathlib.Path(made["store"])
    before = {path.name: path.read_bytes() for path in store.iterdir()}
    damaged = bytearray(before[file])
    at = len(damaged) // 2
    while file.endswith("json") and not chr(damaged[at]).isalnum():  # JSON stays JSON
        at += 1
    damaged[at] ^= 1
    (store / file).write_bytes(damaged)
    answer = bench("data", "verify", "--json")
    assert answer.returncode == 4 and file in answer.stderr and "is now" in answer.stderr
    faults = {item["path"]: item for item in json.loads(answer.stdout)}
    assert faults[other["store"]] == {"path": other["store"], "fault": None, "quarantined_as": None}
    aside = faults[made["store"]]["quarantined_as"]
    assert aside == made["store"] + ".corrupt.1" and pathlib.Path(aside).is_dir()
    assert not store.exists()
    assert sorted(s["state"] for s in stores(bench)) == ["quarantined", "whole"]
    # The next preparation makes the very same bytes.
    assert json.loads(ok(bench(*PREPARE, "--scenario", "C"))) == made
    assert {path.name: path.read_bytes() for path in store.iterdir()} == before
    ok(bench("data", "verify"))


def test_limits_make_other_stores(bench, tmp_path):
    rows = [{"text": f"text {i}", "labels": [i % 3]} for i in range(80)]
    (tmp_path / "acts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def documents(*flags):
        made = json.loads(ok(bench(*PREPARE, "--scenario", "C", "--data", "acts.jsonl", *flags)))
        return made["fingerprint"], made["counts"]["train"]["documents"], \
            made["counts"]["validation"]["documents"]

    everything = documents()
    assert everything[1:] == (76, 4)
    assert documents("--data-examples", "40")[1:] == (38, 2)
    assert documents("--data-bytes", str(10 * 6 + 30 * 7))[1:] == (38, 2)
    assert len({documents(*flags)[0] for flags in [(), ("--data-examples", "40"),
                                                  ("--data-bytes", "270"), ("--data-examples", "80")]}) == 4
    refused(bench(*PREPARE, "--scenario", "C", "--data", "acts.jsonl", "--data-examples", "10"),
            "validation split", "data.examples and data.bytes")


# --- records ------------------------------------------------------------------------------------


def fingerprint(tmp_path):
    [meta] = (tmp_path / "cache" / "stores").glob("*/meta.json")
    return json.loads(meta.read_text())["fingerprint"]


def write_result(run, **changes):
    fingerprint = changes.pop("fingerprint", "00")
    result = {
        "schema_version": 1, "cell_id": run.name, "status": "completed", "outcome": "trained",
        "steps_completed": 30, "first_nonfinite": None, "wall_s": 2.5,
        "convergence": {"val_loss": 5.75}, "data": {"fingerprint": fingerprint, "synthetic": True},
        "started_at": "2026-01-01T00:00:00.000Z"} | changes
    (run / "result.json").write_text(json.dumps(result))


@pytest.fixture
def runs(bench, tmp_path):
    """One record of each kind; name -> folder."""
    made = {}
    for seed, kind in enumerate(["completed", "diverged", "interrupted", "running", "damaged"]):
        cell = dry_run(bench, *TINY, "--seed", seed)
        run = made[kind] = tmp_path / cell["run_directory"]
        run.mkdir(parents=True)
        (run / "spec.json").write_text(json.dumps(cell["spec"]))
        steps = [{"step": n, "loss": 7.6, "grad_norm": 1.0, "lr": 6e-4, "loss_scale": None,
                  "skipped": False, "step_ms": 20.5, "samples": 8, "tokens": 512}
                 for n in range(1, 13)]
        (run / "steps.jsonl").write_text("".join(json.dumps(s) + "\n" for s in steps))
        started = {"at": f"2026-01-0{seed + 1}T00:00:00.000Z", "event": "started"}
        (run / "events.jsonl").write_text(json.dumps(started) + "\n")
    write_result(made["completed"])
    write_result(made["diverged"], status="diverged", outcome="nonfinite", steps_completed=12,
                 started_at="2026-01-02T00:00:00.000Z", convergence={"val_loss": "NaN"},
                 first_nonfinite={"step": 12, "phase": "loss", "kind": "nan"})
    with open(made["running"] / "steps.jsonl", "a") as steps:
        steps.write('{"step": 13, "lo')
    (made["damaged"] / "result.json").write_text('{"status": "comp')
    with locked(made["running"]):
        yield made


def test_list(bench, runs):
    listed = json.loads(ok(bench("list", "--json")))
    assert [run["status"] for run in listed] == list(runs)
    assert [run["cell_id"] for run in listed] == [run.name for run in runs.values()]
    assert [run["steps_completed"] for run in listed] == [30, 12, 12, 12, 12]
    assert [run["outcome"] for run in listed] == ["trained", "nonfinite", None, None, None]
    assert [run["val_loss"] for run in listed] == [5.75, None, None, None, None]
    assert [run["damage"] is None for run in listed] == [True, True, True, True, False]

    header, *rows = ok(bench("list")).splitlines()
    assert header.split() == ["cell", "scenario", "policy", "preset", "seed", "steps", "status",
                              "outcome", "val", "loss", "wall"]
    assert rows[0].split() == [runs["completed"].name, "A", "fp32_true", "tiny", "0", "30/30",
                               "completed", "trained", "5.75", "2.5", "s"]
    assert len(rows) == 5


def test_list_of_nothing(bench):
    assert json.loads(ok(bench("list", "--json"))) == []
    assert "no runs in 'runs'" in bench("list").stderr


@pytest.mark.parametrize("kind", ["completed", "diverged", "interrupted", "running", "damaged"])
def test_show(bench, runs, kind):
    run = runs[kind]
    shown = json.loads(ok(bench("show", run.name, "--json")))
    assert shown["summary"]["status"] == kind
    assert shown["spec"]["seed"] == list(runs).index(kind)
    assert len(shown["steps"]) == 12 and len(shown["events"]) == 1
    text = ok(bench("show", run.relative_to(run.parents[1])))
    assert f"{kind}" in text and "generated, not real text" in text
    assert ("DAMAGED: " in text and "result.json" in text) == (kind == "damaged")


def test_show_finds_a_run_by_the_beginning_of_its_id(bench, runs):
    ids = sorted(run.name for run in runs.values())
    for name in ids:
        shared = max(len(os.path.commonprefix([name, other])) for other in ids if other != name)
        prefix = name[:shared + 1]
        assert json.loads(ok(bench("show", prefix, "--json")))["summary"]["cell_id"] == name
    wrong = ("0" if ids[0][0] != "0" else "1") + ids[0][1:]
    refused(bench("show", wrong), f"Did you mean '{ids[0]}'?")
    refused(bench("show", "zzz"), "There is no run 'zzz'")


def test_show_asks_for_more_of_an_ambiguous_id(bench, runs):
    other = runs["completed"].parent / (runs["completed"].name[:8] + "00000000")
    shutil.copytree(runs["completed"], other)
    refused(bench("show", other.name[:8]), "begins 2 runs", "more of its digits")


# --- doctor --------------------------------------------------------------------------------------

OFFLINE = {"HF_ENDPOINT": "https://hub.invalid", "https_proxy": "", "HTTPS_PROXY": ""}


def test_doctor_on_a_cpu(bench, tmp_path):
    """The study needs a GPU, so the exit code is 4, but everything about the CPU is told."""
    process = bench("doctor", "--device", "cpu", "--json", "--price-per-hour", "0.5", **OFFLINE)
    assert process.returncode == 4, process.stderr
    found = json.loads(process.stdout)
    assert found["ready"] is False
    assert found["study"]["obstacles"] == ["the device is a CPU; preset base is made for a GPU"]
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
    for said in ("TF32 canary", "fp16 products", "amp_bf16_8bit", "copy in memory", "36 cells",
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


def test_doctor_refuses_what_is_no_device(bench):
    refused(bench("doctor", "--device", "gpu"), "'device' must be cpu, cuda or cuda:N, got 'gpu'")
    refused(bench("doctor", "--price-per-hour", "-1"), "--price-per-hour")


def test_doctor_without_an_engine(bench, tmp_path):
    shutil.copy(BIN / "dtbench", tmp_path / "dtbench")
    process = bench("doctor", "--json", program=tmp_path / "dtbench", **OFFLINE)
    assert process.returncode == 4
    assert "dtbench-engine" in json.loads(process.stdout)["study"]["obstacles"][0]
