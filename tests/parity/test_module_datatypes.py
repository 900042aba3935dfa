"""The datatype of each module's output and of its gradient under mixed precision, against
Transformers' modules under torch's autocast: CUDA's lists on fake tensors, which need no GPU, the
CPU's on real ones."""

import pytest
import torch
from torch._subclasses import FakeTensorMode

import reference
from bits import BIT_BATCH, BIT_SHAPE
from harness import SCENARIOS, probe_forward, probe_report, run_spec
from policies import NAME_OF_DTYPE, TORCH_DTYPE, policy_file

# GPT-2's activation by the policy's `gelu`; RoBERTa's is one kernel in Transformers.
ACTIVATION = {"kernel": "gelu_pytorch_tanh", "composite": "gelu_new"}


class Autocast:
    """torch.autocast turns itself off without a GPU; its switches do not."""

    def __init__(self, device, dtype):
        self.device, self.dtype = device, dtype

    def __enter__(self):
        torch.set_autocast_enabled(self.device, True)
        torch.set_autocast_dtype(self.device, self.dtype)
        torch.autocast_increment_nesting()

    def __exit__(self, *_):
        torch.autocast_decrement_nesting()
        torch.clear_autocast_cache()
        torch.set_autocast_enabled(self.device, False)


def compared_modules(model):
    """Those with weights of their own, and activations: a container's output is its last one's."""
    return {
        name: module
        for name, module in model.named_modules()
        if not list(module.children())
        and not isinstance(module, torch.nn.Dropout)
        and "dropout" not in name
    }


def output_datatypes(model, batch, device, dtype):
    found = {}

    def hook(name):
        def note(module, given, output):
            found[name] = NAME_OF_DTYPE[output.dtype]

        return note

    for name, module in compared_modules(model).items():
        module.register_forward_hook(hook(name))
    with Autocast(device, dtype):
        model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
    return found


HEADS = {"lm_head", "lm_head.decoder"}  # tied: no parameter is named by them


def with_weights(weights):
    """The modules that parameters are named by, and the tied heads."""
    return {name.rpartition(".")[0] for name in weights} | HEADS


def references(scenario, policy):
    changes = {}
    if SCENARIOS[scenario][0] == "gpt2":
        changes = {"activation_function": ACTIVATION[policy["gelu"]]}
    batch = reference.build_batch(scenario, "right", shape=BIT_SHAPE, **BIT_BATCH)
    dtype = TORCH_DTYPE[policy["compute"]]
    if policy["autocast_rules"] == "cpu":
        model = reference.build_model(scenario, "fp32", shape=BIT_SHAPE, **changes)
        return output_datatypes(model, batch, "cpu", dtype)
    with FakeTensorMode(allow_non_fake_inputs=True), torch.device("cuda"):
        model = reference.unset_model(scenario, shape=BIT_SHAPE, **changes)
        fakes = {name: torch.empty_like(value, device="cuda") for name, value in batch.items()}
        return output_datatypes(model, fakes, "cuda", dtype)


CASES = [
    ("amp_bf16", {}),
    ("amp_fp16", {}),
    ("amp_bf16", {"gelu": "composite"}),
    ("amp_bf16", {"autocast_rules": "cpu"}),
    ("amp_bf16", {"autocast_rules": "cpu", "gelu": "composite"}),
]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(("name", "changes"), CASES, ids=str)
def test_datatypes(tmp_path, name, changes, scenario):
    policy = policy_file(name, **changes)
    if SCENARIOS[scenario][0] == "roberta" and policy["gelu"] == "composite":
        policy["gelu"] = "kernel"  # Transformers' RoBERTa has no other
    expected = references(scenario, policy)
    assert set(expected.values()) == {"fp32", policy["compute"]}  # both occur: it says something

    model = reference.build_model(scenario, "fp32", shape=BIT_SHAPE)
    batch = reference.build_batch(scenario, "right", shape=BIT_SHAPE, **BIT_BATCH)
    spec = run_spec(scenario, policy, batch, shape=BIT_SHAPE)
    weights = reference.weights_of(model)
    logits = NAME_OF_DTYPE[probe_forward(tmp_path, spec, weights, batch)["logits"].dtype]
    # Our head is one operation with its loss: what it computes are the logits.
    ours = dict.fromkeys(HEADS & expected.keys(), {"output": logits, "gradient": logits})
    ours |= probe_report(tmp_path)["modules"]
    # An activation, which has no weights to be named by, is compared where it is reported.
    expected = {m: d for m, d in expected.items() if m in ours or m in with_weights(weights)}
    found = {module: ours.get(module, {}).get("output", "not reported") for module in expected}
    assert found == expected
    # A gradient has its tensor's datatype; a cast's backward is a cast.
    # The head of a language model is one operation with its loss: its logits get no gradient tensor.
    inside = {"lm_head", "lm_head.decoder"}
    gradients = {module: ours[module]["gradient"] for module in expected.keys() - inside}
    assert gradients == {module: expected[module] for module in gradients}


def test_the_two_lists_differ():
    """Negative control: each list would be told from the other, and from no mixed precision."""
    lists = [
        references("B", policy_file("amp_bf16", autocast_rules=rules)) for rules in ("cuda", "cpu")
    ]
    assert lists[0]["lm_head.layer_norm"] == "fp32" and lists[1]["lm_head.layer_norm"] == "bf16"
    chains = [
        references("A", policy_file("amp_bf16", autocast_rules=rules, gelu="composite"))
        for rules in ("cuda", "cpu")
    ]
    act = "transformer.h.0.mlp.act"
    assert chains[0][act] == "fp32" and chains[1][act] == "bf16"
