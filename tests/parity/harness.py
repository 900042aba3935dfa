"""What the parity suites share: specs, running the probe, comparing and reporting."""

import json
import os
import subprocess
from dataclasses import dataclass

import torch
from safetensors.torch import load_file, save_file

from policies import TORCH_DTYPE  # noqa: F401 - suites take it from here

PROBE = os.path.join(os.environ["DTBENCH_BIN"], "parity_probe")

comparisons = []  # in order; conftest.py shows them

# Tolerances of the contract, relative as in `compare`.
TOLERANCE = {"fp64": 1e-10, "fp32": 1e-5}


@dataclass(frozen=True)
class Shape:
    layers: int = 3
    width: int = 48
    heads: int = 4
    positions: int = 96
    vocab: int = 211
    labels: int = 7
    epsilon: float = 1e-5


SHAPE = Shape()
# GPT-2 has no padding token of its own: the end-of-text token, the last of the vocabulary, serves.
END_OF_TEXT = SHAPE.vocab - 1
PAD = {"gpt2": END_OF_TEXT, "roberta": 1}
IGNORED = -100

# Architecture and objective of the contract's scenarios.
SCENARIOS = {
    "A": ("gpt2", "clm"),
    "B": ("roberta", "mlm"),
    "C": ("gpt2", "multi_cls"),
    "D": ("roberta", "multi_cls"),
    "E": ("gpt2", "single_cls"),
    "F": ("roberta", "single_cls"),
}


def is_decayed(name):
    """Decay applies outside biases and norms."""
    norm = any(part in name for part in (".ln_", "LayerNorm", "layer_norm"))
    return not (norm or name.endswith("bias"))


def run_spec(
    scenario, policy, batch, *, shape=SHAPE, learning_rate=1e-3, warmup_steps=4, steps=10
):
    """A resolved spec: every key that config/run_spec.h knows. `batch` as reference.py makes it."""
    architecture, objective = SCENARIOS[scenario]
    samples, length = batch["input_ids"].shape
    return {
        "scenario": scenario,
        "preset": "tiny",
        "objective": objective,
        "model": {
            "architecture": architecture,
            "layers": shape.layers,
            "width": shape.width,
            "heads": shape.heads,
            "positions": shape.positions,
            "dropout": 0.0,
            "layer_norm_epsilon": shape.epsilon,
            "init": "scratch",
        },
        "data": {
            "source": "synthetic",
            "tokenizer": "",
            "vocab": "",
            "merges": "",
            "text_field": "",
            "label_field": "",
            "split_field": "",
            "examples": 0,
            "bytes": 0,
            "length": length,
            "synthetic_documents": 100,
            "synthetic_labels": shape.labels if objective.endswith("cls") else 0,
        },
        "train": {
            "steps": steps,
            "batch": samples,
            "micro_batch": samples,
            "learning_rate": learning_rate,
            "warmup_steps": warmup_steps,
            "beta1": 0.9,
            "beta2": 0.999,
            "weight_decay": 0.01,
            "clip_norm": 1.0,
            "bce_reduction": "mean",
            "eval_every": 0,
            "eval_examples": 512,
            "on_nonfinite": "stop",
        },
        "policy": policy,
        "seed": 0,
        "device": "cpu",
        "engine": "reference",
    }


def run_probe(*arguments):
    result = subprocess.run([PROBE, *map(str, arguments)], capture_output=True, text=True)
    assert result.returncode == 0, f"parity_probe ended with {result.returncode}: {result.stderr}"


def probe_forward(directory, spec, weights, batch, steps=0):
    """Our engine's logits, loss, gradients and, with steps, AdamW's course, by name."""
    (directory / "spec.json").write_text(json.dumps(spec))
    save_file(weights, directory / "weights.safetensors")
    save_file(batch, directory / "batch.safetensors")
    names = ["spec.json", "weights.safetensors", "batch.safetensors", "out.safetensors"]
    run_probe("forward", *(directory / name for name in names), "--steps", steps)
    return load_file(directory / "out.safetensors")


def probe_report(directory):
    """What `probe_forward` there said besides tensors: first_nonfinite (None, or step, phase, kind
    and tensor) and modules ({name: {"output": datatype, "gradient": datatype}})."""
    return json.loads((directory / "out.safetensors.json").read_text())


def has_zero_gradient(name):
    """Whether a parameter's gradient is zero by mathematics: RoBERTa's key bias, which adds the
    same to all scores of a query, so that the softmax does not see it."""
    return name.endswith("key.bias")


def scale_of(name, tensors):
    """What the differences of a gradient are relative to: its maximum. A gradient that is zero but
    for rounding is on the scale of its neighbours', which in GPT-2 are one tensor with it."""
    names = [name]
    if has_zero_gradient(name):
        names = [name.replace("key", part) for part in ("query", "key", "value")]
    return max(tensors[other].double().abs().max().item() for other in names)


def difference(found, expected, scale=None):
    """max |found - expected| / max |expected| over a tensor (absolute where the reference is all
    zeros): stricter than relative to max(1, max |expected|). Infinite unless shapes, datatypes and
    places of non-finite values agree."""
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return float("inf")
    if not torch.equal(found.isfinite(), expected.isfinite()):
        return float("inf")
    if expected.numel() == 0:
        return 0.0
    scale = scale or expected.double().abs().max().item()
    return (found.double() - expected.double()).abs().max().item() / (scale or 1.0)


@dataclass(frozen=True)
class Note:
    """A measurement to show, which another rule judges."""

    suite: str
    what: str
    kind: str
    measured: float

    def line(self, what=None):
        return f"{self.suite:<42} {what or self.what:<48} {self.measured:8.2e}"


@dataclass(frozen=True)
class Comparison:
    suite: str
    what: str
    kind: str  # comparisons of one kind, as of a model's gradients, are shown by their worst
    measured: float
    tolerance: float

    def line(self, what=None):
        return (
            f"{self.suite:<42} {what or self.what:<48} "
            f"{self.measured:8.2e}  tolerance {self.tolerance:.0e}"
        )


def note(suite, what, measured):
    comparisons.append(Note(suite, what, what, measured))


def compare(suite, what, found, expected, tolerance, kind=None, scale=None):
    """Records one comparison; returns whether it holds: a test makes all before it fails."""
    measured = difference(found, expected, scale)
    comparisons.append(Comparison(suite, what, kind or what, measured, tolerance))
    return measured <= tolerance


def compare_gradients(suite, found, expected, tolerance):
    """All of a model's gradients, {name: tensor}; neither side may have one the other lacks."""
    assert found.keys() == expected.keys()
    holds = [
        compare(
            suite, name, found[name], value, tolerance, "gradients", scale_of(name, expected)
        )
        for name, value in expected.items()
    ]
    return all(holds)


def gradients_of(output):
    """The probe's gradients by their parameters' names."""
    prefix = "grad."
    return {n.removeprefix(prefix): v for n, v in output.items() if n.startswith(prefix)}
