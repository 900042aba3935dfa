"""All six scenarios of preset base from the published repositories: on a machine with an empty
cache, and again without a network. The models are smaller than the published ones (published.py
says in what), which published_shapes.py makes up for."""

import hashlib
import json

import huggingface_hub
import pytest
from conftest import ANY_POLICY, SHAPE, SHORT, ok, refused
from published import GPT2, LEX_GLUE, OPENWEBTEXT, PARQUET_COPY, ROBERTA

SCENARIOS = {
    "A": (GPT2, OPENWEBTEXT, PARQUET_COPY), "B": (ROBERTA, OPENWEBTEXT, PARQUET_COPY),
    "C": (GPT2, LEX_GLUE, "main"), "D": (ROBERTA, LEX_GLUE, "main"),
    "E": (GPT2, LEX_GLUE, "main"), "F": (ROBERTA, LEX_GLUE, "main")}
NEW_HEAD = {"C": ["score.weight"], "E": ["score.weight"]} | dict.fromkeys(
    "DF", ["classifier.dense.bias", "classifier.dense.weight", "classifier.out_proj.bias",
           "classifier.out_proj.weight"])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_from_an_empty_cache_and_again_offline(hub, bench, scenario):
    model, dataset, branch = SCENARIOS[scenario]
    command = ["run", "--scenario", scenario, *SHORT]
    ok(bench(*command, "--out", "online"))
    asked = len(hub.requests)
    ok(bench(*command, "--out", "offline", HF_HUB_OFFLINE="1"))
    assert len(hub.requests) == asked
    online, offline = bench.record("online"), bench.record("offline")
    assert online["spec"] == offline["spec"]
    assert online["result"]["data"] == offline["result"]["data"]
    assert len(online["losses"]) == 3 and online["losses"] == offline["losses"]
    assert online["result"]["convergence"] == offline["result"]["convergence"]

    # What the record says of where all this came from.
    spec, audit = online["spec"], online["audit"]
    assert spec["model"]["init"] == f"hf://{model}/model.safetensors"
    assert spec["data"]["tokenizer"] == f"hf://{model}/tokenizer.json"
    commits = {name: hub.repositories[kind, name].branches[at] for kind, name, at in
               (("models", model, "main"), ("datasets", dataset, branch))}
    assert audit["sources"] == {
        "data": {"address": spec["data"]["source"], "commit": commits[dataset]},
        "tokenizer": {"address": spec["data"]["tokenizer"], "commit": commits[model]},
        "initial_weights": {"address": spec["model"]["init"], "commit": commits[model]}}
    assert audit["sources"] == offline["audit"]["sources"]
    weights = hub.repositories["models", model].commits[commits[model]]["model.safetensors"]
    assert audit["identity"]["initial_weights_file"] == weights.hash
    assert sorted(audit["model"]["newly_drawn"]) == NEW_HEAD.get(scenario, [])
    labels = {"A": 0, "B": 0}.get(scenario, 100)
    assert audit["model"]["labels"] == labels
    assert online["result"]["data"]["synthetic"] is False


def test_offline_with_no_store_but_what_was_downloaded(bench):
    """The data set's files, which are wanted whole, are in the Hub's cache: a store is made anew."""
    command = ["data", "prepare", "--scenario", "C", "--length", "32"]
    online = ok(bench(*command))
    assert ok(bench(*command, HF_HUB_OFFLINE="1", DTBENCH_CACHE=str(bench.folder / "other"))
              ).replace("/other/", "/dtbench/") == online


def test_offline_with_what_the_python_client_downloaded(hub, bench):
    """Streamed data is not in the Hub's cache. The error says how it gets there, and that works."""
    command = ["data", "prepare", "--scenario", "A", "--data-examples", "100"]
    online = ok(bench(*command))
    other = {"HF_HUB_OFFLINE": "1", "DTBENCH_CACHE": str(bench.folder / "other")}
    message = refused(bench(*command, **other), 4, OPENWEBTEXT, PARQUET_COPY,
                      "plain_text/partial-train/0000.parquet", "HF_HUB_OFFLINE", "hf download")
    [fetch] = [line for line in message.splitlines() if "hf download" in line]
    assert f"hf download {OPENWEBTEXT} --repo-type dataset --revision {PARQUET_COPY}" in fetch
    huggingface_hub.snapshot_download(OPENWEBTEXT, repo_type="dataset", revision=PARQUET_COPY,
                                      endpoint=hub.url, cache_dir=bench.folder / "hub")
    assert ok(bench(*command, **other)).replace("/other/", "/dtbench/") == online


def test_a_folder_offline_needs_its_list_of_files(hub, bench):
    """Single files that the Python client downloaded may be some of a folder's, or all of them. The
    error says how the list gets there, and that works."""
    command = ["data", "prepare", "--scenario", "C", "--length", "32"]
    cache = {"endpoint": hub.url, "cache_dir": bench.folder / "hub"}
    huggingface_hub.hf_hub_download(GPT2, "tokenizer.json", **cache)
    for split in ("train", "validation", "test"):
        huggingface_hub.hf_hub_download(LEX_GLUE, f"eurlex/{split}-00000-of-00001.parquet",
                                        repo_type="dataset", **cache)
    refused(bench(*command, HF_HUB_OFFLINE="1"), 4, "The list of files", "HF_HUB_OFFLINE",
            f'hf download {LEX_GLUE} --repo-type dataset --revision main --include "eurlex/*"')
    huggingface_hub.snapshot_download(LEX_GLUE, repo_type="dataset", allow_patterns=["eurlex/*"],
                                      **cache)
    ok(bench(*command, HF_HUB_OFFLINE="1"))


def test_the_record_names_what_was_read(bench):
    """The second fingerprint is of the store's files: meta.json has their hashes."""
    ok(bench("run", "--scenario", "C", *ANY_POLICY, "--policy", "fp32_true"))
    identity = bench.record("runs")["audit"]["identity"]
    store = bench.folder / "dtbench" / "stores" / identity["data_fingerprint"]
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
             for path in store.iterdir() if path.name != "meta.json"}
    assert identity["data_content_fingerprint"] == hashlib.sha256(
        json.dumps(files, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def test_weights_are_paired_across_policies(bench):
    """The new head too: it is drawn by the counter-based generator, whatever the policy."""
    fingerprints = {}
    for policy in ("fp32_true", "amp_bf16"):
        ok(bench("run", "--scenario", "D", *ANY_POLICY, "--policy", policy, "--out", policy))
        fingerprints[policy] = bench.record(policy)["audit"]["identity"]
    one, other = fingerprints.values()
    assert one["initial_weights_fingerprint"] == other["initial_weights_fingerprint"]
    assert one["data_fingerprint"] == other["data_fingerprint"]
    ok(bench("run", "--scenario", "D", *SHORT, "--seed", "1", "--out", "seed"))
    another = bench.record("seed")["audit"]["identity"]
    assert another["initial_weights_file"] == one["initial_weights_file"]
    assert another["initial_weights_fingerprint"] != one["initial_weights_fingerprint"]


def test_scratch_needs_no_weights_and_says_so(hub, bench):
    ok(bench("run", "--scenario", "A", *SHORT, "--init", "scratch", "--out", "scratch"))
    record = bench.record("scratch")
    assert record["spec"]["model"]["init"] == "scratch"
    assert record["audit"]["identity"]["initial_weights_file"] == ""
    assert "initial_weights" not in record["audit"]["sources"]
    assert not any("model.safetensors" in request.path for request in hub.requests)


def test_the_interface_of_the_specification(bench):
    ok(bench("benchmark", "--model_arch", "gpt2", "--task", "clm", "--dtype_config", "bf16_pure",
             "--batch_size", "4", "--max_steps", "2", "--seq_len", "32", *SHAPE,
             "--set", "train.eval_examples=8"))
    assert bench.record("runs")["result"]["steps_completed"] == 2


def test_dry_run_asks_nobody_and_knows_the_costs(hub, bench):
    answer = json.loads(ok(bench("run", "--scenario", "A", "--policy", "fp32_true", "--dry-run")))
    assert answer["parameters"] == 124439808  # GPT-2's, as published
    assert not hub.requests
