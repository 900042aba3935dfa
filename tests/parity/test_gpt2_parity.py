"""Our GPT-2 against Transformers' with the same weights: logits, loss, pooled index, every gradient,
and ten AdamW steps."""

import pytest
import torch
from safetensors.torch import load_file

import reference_gpt2 as reference
from harness import SHAPE, TOLERANCE, compare, difference, probe_forward, run_spec

OBJECTIVES = ["clm", "single_cls"]
PADDINGS = ["none", "right", "left", "all_pad_row"]


def spec_for(objective, dtype, batch):
    samples, length = batch["input_ids"].shape
    return run_spec(objective, dtype, samples, length)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("dtype", ["fp64", "fp32"])
def test_forward_and_backward(tmp_path, objective, dtype, padding):
    model = reference.build_model(objective, dtype)
    batch = reference.build_batch(objective, padding)
    given = {k: v for k, v in batch.items() if padding != "none" or k != "attention_mask"}
    ours = probe_forward(
        tmp_path, spec_for(objective, dtype, batch), reference.weights_of(model), given
    )
    logits, loss = reference.forward(model, batch)
    loss.backward()

    suite, tolerance = f"gpt2 {objective} {dtype} padding={padding}", TOLERANCE[dtype]
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    holds = [
        compare(suite, "logits", ours["logits"], logits.detach(), tolerance),
        compare(suite, "loss", ours["loss"], loss.detach().double(), tolerance),
    ]
    holds += [
        compare(suite, name, ours[f"grad.{name}"], gradient, tolerance, kind="gradients")
        for name, gradient in gradients.items()
    ]
    assert {f"grad.{name}" for name in gradients} == {n for n in ours if n.startswith("grad.")}
    if objective == "single_cls":
        index = reference.pooled_index(batch)
        holds.append(compare(suite, "pooled_index", ours["pooled_index"], index, 0.0))
    assert all(holds)


def test_more_targets_than_the_head_takes_at_once(tmp_path):
    """The language-model head works through 32 MiB of logits at a time: 19,883 rows in fp64 here."""
    model = reference.build_model("clm", "fp64")
    batch = reference.build_batch("clm", "none", samples=256, length=96)
    ours = probe_forward(
        tmp_path, spec_for("clm", "fp64", batch), reference.weights_of(model), batch
    )
    _, loss = reference.forward(model, batch)
    loss.backward()
    suite, tolerance = "gpt2 clm fp64 24,316 targets", TOLERANCE["fp64"]
    holds = [compare(suite, "loss", ours["loss"], loss.detach(), tolerance)]
    holds += [
        compare(suite, name, ours[f"grad.{name}"], parameter.grad, tolerance, kind="gradients")
        for name, parameter in model.named_parameters()
    ]
    assert all(holds)


def test_weights_files_in_the_forms_that_are_about(tmp_path):
    """What save_pretrained writes, and openai-community/gpt2's form: names without the prefix,
    attention-mask buffers. The same weights give the same bits."""
    model = reference.build_model("clm", "fp32")
    batch = reference.build_batch("clm", "right")
    spec = spec_for("clm", "fp32", batch)
    plain = probe_forward(tmp_path, spec, reference.weights_of(model), batch)

    model.save_pretrained(tmp_path / "saved")
    saved = load_file(tmp_path / "saved" / "model.safetensors")
    bare = {name.removeprefix("transformer."): value for name, value in saved.items()}
    mask = torch.ones(1, 1, SHAPE.positions, SHAPE.positions).tril()
    bare |= {f"h.{layer}.attn.bias": mask.clone() for layer in range(SHAPE.layers)}
    for weights in (saved, bare):
        found = probe_forward(tmp_path, spec, weights, batch)
        assert all(torch.equal(found[name], value) for name, value in plain.items())


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("dtype", ["fp64", "fp32"])
def test_ten_adamw_steps(tmp_path, objective, dtype):
    model = reference.build_model(objective, dtype)
    batch = reference.build_batch(objective, "right")
    spec = spec_for(objective, dtype, batch)
    ours = probe_forward(
        tmp_path, spec, reference.weights_of(model), batch, steps=spec["train"]["steps"]
    )
    theirs = reference.adamw_course(model, batch, spec)

    suite, tolerance = f"gpt2 {objective} {dtype} AdamW x 10", TOLERANCE[dtype]
    # The steps must change enough, and clipping must happen, for this to be a comparison.
    assert theirs["losses"][-1] < 0.9 * theirs["losses"][0]
    assert theirs["grad_norms"].max() > spec["train"]["clip_norm"]
    holds = [compare(suite, name, ours[name], theirs[name], tolerance) for name in theirs]
    if dtype == "fp64":
        # In fp32 a gradient that is zero but for rounding may move a weight either way.
        holds += [
            compare(suite, name, ours[f"parameter.{name}"], value, tolerance, kind="parameters")
            for name, value in reference.weights_of(model).items()
        ]
    assert all(holds)


@pytest.mark.parametrize(
    "change",
    [{"activation_function": "gelu"}, {"layer_norm_epsilon": 1.001e-5}, {"scale_attn_weights": False}],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_reference_is_told_apart(tmp_path, change):
    """Negative control: the comparison sees differences that matter."""
    model = reference.build_model("clm", "fp64")
    batch = reference.build_batch("clm", "right")
    ours = probe_forward(
        tmp_path, spec_for("clm", "fp64", batch), reference.weights_of(model), batch
    )
    if "layer_norm_epsilon" in change:
        for module in model.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.eps = change["layer_norm_epsilon"]
    else:
        model = reference.build_model("clm", "fp64", **change)
    logits, _ = reference.forward(model, batch)
    assert difference(ours["logits"], logits.detach()) > 100 * TOLERANCE["fp64"]

