"""The whole program against Transformers and torch: dtbench-engine trains from a store, a weights
file and a spec; its record is compared. The store holds exactly one global batch, so each step is
the same batch in some order, and the mean over it does not depend on the order."""

import json
import os
import subprocess

import numpy
import pytest
import torch
from safetensors.torch import save_file

import reference
from harness import END_OF_TEXT, SHAPE, TOLERANCE, compare, run_spec
from policies import uniform_policy

ENGINE = os.path.join(os.environ["DTBENCH_BIN"], "dtbench-engine")


def write_split(store, split, documents, labels):
    """The files of data/store.h; returns the split's counts."""
    def write(extension, values, dtype):
        numpy.array(values, dtype=dtype).tofile(store / f"{split}.{extension}")

    tokens = [token for document in documents for token in document]
    write("tokens", tokens, "<u2")
    write("offsets", numpy.cumsum([0] + [len(document) for document in documents]), "<u8")
    write("label_offsets", numpy.cumsum([0] + [len(own) for own in labels]), "<u8")
    write("labels", [label for own in labels for label in own], "<i4")
    return {
        "documents": len(documents),
        "tokens": len(tokens),
        "labels": sum(len(own) for own in labels),
    }


def write_store(store, batch, objective):
    """Training and validation are both this batch."""
    documents, labels = [], []
    for row, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True):
        documents.append(row[mask.bool()].tolist())
        labels.append([])
    if objective == "single_cls":
        # A second, higher label must not matter: the first is the target.
        labels = [sorted({int(target), SHAPE.labels - 1}) for target in batch["targets"]]
    if objective == "multi_cls":
        labels = [row.nonzero().flatten().tolist() for row in batch["targets"]]
    store.mkdir()
    splits = ("train", "validation")
    counts = {split: write_split(store, split, documents, labels) for split in splits}
    meta = {
        "store_version": 3,
        "name": "parity",
        "synthetic": True,
        "fingerprint": "0" * 64,
        "vocab_size": SHAPE.vocab,
        "token_scheme": "gpt2",
        "pad_token_id": END_OF_TEXT,
        "mask_token_id": None,
        "special_token_ids": [END_OF_TEXT],
        "labels": list(map(str, range(SHAPE.labels))) if objective.endswith("cls") else [],
        "counts": counts,
        "files": {},
        "unigram_loss": 5.0,
        "single_label_prior_loss": 2.0,
        "single_label_majority_accuracy": 0.1,
        "multi_label_prior_loss": 1.0,
    }
    (store / "meta.json").write_text(json.dumps(meta))


def train(directory, spec, batch, weights):
    write_store(directory / "store", batch, spec["objective"])
    save_file(weights, directory / "weights.safetensors")
    spec["model"]["init"] = str(directory / "weights.safetensors")
    run = directory / "run"
    run.mkdir()
    (run / "spec.json").write_text(json.dumps(spec))
    result = subprocess.run(
        [ENGINE, "run", "--run-dir", run, "--store", directory / "store"],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    steps = [json.loads(line) for line in (run / "steps.jsonl").read_text().splitlines()]
    return steps, json.loads((run / "result.json").read_text())


def series(steps, field):
    return torch.tensor([step[field] for step in steps], dtype=torch.float64)


@pytest.mark.parametrize("micro_batch", [8, 2])
@pytest.mark.parametrize("scenario", ["A", "C", "E"])
@pytest.mark.parametrize("dtype", ["fp64", "fp32"])
def test_training_run(tmp_path, scenario, dtype, micro_batch):
    model = reference.build_model(scenario, dtype)
    padding = "none" if scenario == "A" else "right"
    batch = reference.build_batch(scenario, padding, samples=8)
    if scenario == "A":
        batch["targets"] = batch["input_ids"].clone()
    spec = run_spec(scenario, uniform_policy(dtype), batch)
    spec["train"]["micro_batch"] = micro_batch
    steps, result = train(tmp_path, spec, batch, reference.weights_of(model))
    theirs = reference.adamw_course(model, batch, spec)
    with torch.no_grad():
        _, trained = reference.forward(model, batch)

    accumulation = 8 // micro_batch
    suite, tolerance = f"training {scenario} {dtype} k={accumulation}", TOLERANCE[dtype]
    assert [step["step"] for step in steps] == list(range(spec["train"]["steps"]))
    validation = torch.tensor(result["convergence"]["val_loss"], dtype=torch.float64)
    assert all(
        [
            compare(suite, "losses of 10 steps", series(steps, "loss"), theirs["losses"], tolerance),
            compare(
                suite, "gradient norms", series(steps, "grad_norm"), theirs["grad_norms"], tolerance
            ),
            compare(suite, "validation loss", validation, trained.double(), tolerance),
        ]
    )
