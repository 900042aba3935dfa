"""Datatype policies as the engine resolves them (src/config/policy.h)."""

import os
import tomllib

import torch

TORCH_DTYPE = {
    "fp64": torch.float64,
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
NAME_OF_DTYPE = {dtype: name for name, dtype in TORCH_DTYPE.items()}

FOLDER = os.path.join(os.environ["DTBENCH_SOURCE"], "configs", "policies")
THE_SIX = ["fp32_true", "amp_fp16", "amp_bf16", "fp16_naive", "bf16_pure", "amp_bf16_8bit"]
# TF32 needs a GPU that has it. The other two draw at random: stochastic rounding, moved weights.
CONTROLS = [
    "fp16_naive_foreach",
    "fp16_naive_eps",
    "fp16_naive_fp32states",
    "fp16_scaled",
    "amp_fp16_noscale",
    "bf16_pure_foreach",
    "bf16_kahan",
]

_DEFAULTS = {
    "parameters": "fp32",
    "autocast_rules": "none",
    "tf32": False,
    "loss": "contract",
    "gelu": "kernel",
    "loss_scaling": False,
    "optimizer_arithmetic": "fused",
    "update_rounding": "nearest",
    "epsilon": 1e-8,
    "perturb_initial_ulp": 0,
}
_LOSS_SCALE = {
    "initial": 65536.0,
    "growth_factor": 2.0,
    "backoff_factor": 0.5,
    "growth_interval": 2000,
}


def policy(given):
    """Every field of a policy of which some are given."""
    full = _DEFAULTS | {key: value for key, value in given.items() if key != "description"}
    full["loss_scale"] = _LOSS_SCALE | given.get("loss_scale", {})
    for follower in ("compute", "gradients", "optimizer_states"):
        full.setdefault(follower, full["parameters"])
    full.setdefault("embedding_states", full["optimizer_states"])
    return full


def uniform_policy(dtype):
    """Computes and stores everything in one datatype."""
    return policy({"name": f"parity_{dtype}", "parameters": dtype})


def policy_file(name, **changes):
    """A policy of configs/policies, with fields changed."""
    with open(os.path.join(FOLDER, f"{name}.toml"), "rb") as file:
        return policy(tomllib.load(file) | {"name": name} | changes)


def is_mixed(policy):
    return policy["autocast_rules"] != "none"


def epsilon(dtype):
    """The spacing of the numbers above 1 in a datatype of the policies."""
    return torch.finfo(TORCH_DTYPE[dtype]).eps
