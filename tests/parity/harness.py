"""What the parity suites share: specs, running the probe, comparing and reporting."""

import json
import os
import subprocess
from dataclasses import dataclass

import torch
from safetensors.torch import load_file, save_file

PROBE = os.path.join(os.environ["DTBENCH_BIN"], "parity_probe")

comparisons = []  # in order; conftest.py shows them

TORCH_DTYPE = {"fp64": torch.float64, "fp32": torch.float32}
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


def policy(dtype):
    """A policy that computes and stores everything in one datatype."""
    return {
        "name": f"parity_{dtype}",
        "parameters": dtype,
        "compute": dtype,
        "autocast_rules": "none",
        "tf32": False,
        "loss": "contract",
        "gelu": "kernel",
        "gradients": dtype,
        "loss_scaling": False,
        "loss_scale": {
            "initial": 65536.0,
            "growth_factor": 2.0,
            "backoff_factor": 0.5,
            "growth_interval": 2000,
        },
        "optimizer_states": dtype,
        "embedding_states": dtype,
        "optimizer_arithmetic": "fused",
        "update_rounding": "nearest",
        "epsilon": 1e-8,
        "perturb_initial_ulp": 0,
    }


def run_spec(objective, dtype, batch, length, *, learning_rate=1e-3, warmup_steps=4):
    """A resolved spec: every key that config/run_spec.h knows."""
    classifies = objective == "single_cls"
    return {
        "scenario": "E" if classifies else "A",
        "preset": "tiny",
        "objective": objective,
        "model": {
            "architecture": "gpt2",
            "layers": SHAPE.layers,
            "width": SHAPE.width,
            "heads": SHAPE.heads,
            "positions": SHAPE.positions,
            "dropout": 0.0,
            "layer_norm_epsilon": SHAPE.epsilon,
            "init": "scratch",
        },
        "data": {
            "source": "synthetic",
            "vocab": "",
            "merges": "",
            "text_field": "text",
            "label_field": "labels",
            "split_field": "split",
            "length": length,
            "synthetic_documents": 100,
            "synthetic_labels": SHAPE.labels if classifies else 0,
        },
        "train": {
            "steps": 10,
            "batch": batch,
            "micro_batch": batch,
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
        "policy": policy(dtype),
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


def difference(found, expected):
    """max |found - expected| / max |expected| over a tensor (absolute where the reference is all
    zeros): stricter than relative to max(1, max |expected|). Infinite unless shapes, datatypes and
    places of non-finite values agree."""
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return float("inf")
    if not torch.equal(found.isfinite(), expected.isfinite()):
        return float("inf")
    if expected.numel() == 0:
        return 0.0
    scale = expected.double().abs().max().item()
    return (found.double() - expected.double()).abs().max().item() / (scale or 1.0)


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


def compare(suite, what, found, expected, tolerance, kind=None):
    """Records one comparison; returns whether it holds, so that a test makes all before it fails."""
    measured = difference(found, expected)
    comparisons.append(Comparison(suite, what, kind or what, measured, tolerance))
    return measured <= tolerance
