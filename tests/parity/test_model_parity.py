"""Our models against Transformers' with the same weights: logits, loss, pooled index, every
gradient, and ten AdamW steps, in fp64 and fp32."""

import pytest
import torch
from safetensors.torch import load_file

import reference
import reference_gpt2
from harness import (
    IGNORED,
    PAD,
    SCENARIOS,
    SHAPE,
    TOLERANCE,
    compare,
    compare_gradients,
    difference,
    gradients_of,
    has_zero_gradient,
    probe_forward,
    run_spec,
)
from policies import uniform_policy

PADDINGS = ["none", "right", "left", "all_pad_row"]


def probe(directory, scenario, dtype, weights, batch, steps=0):
    spec = run_spec(scenario, uniform_policy(dtype), batch)
    return probe_forward(directory, spec, weights, batch, steps)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("dtype", ["fp64", "fp32"])
def test_forward_and_backward(tmp_path, scenario, dtype, padding):
    model = reference.build_model(scenario, dtype)
    batch = reference.build_batch(scenario, padding)
    given = {k: v for k, v in batch.items() if padding != "none" or k != "attention_mask"}
    ours = probe(tmp_path, scenario, dtype, reference.weights_of(model), given)
    logits, loss = reference.forward(model, batch)
    loss.backward()

    suite, tolerance = f"{scenario} {dtype} padding={padding}", TOLERANCE[dtype]
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    found = gradients_of(ours)
    holds = [
        compare(suite, "logits", ours["logits"], logits.detach(), tolerance),
        compare(suite, "loss", ours["loss"], loss.detach().double(), tolerance),
        compare_gradients(suite, found, gradients, tolerance),
    ]
    if SCENARIOS[scenario][0] == "gpt2" and scenario != "A":
        index = reference_gpt2.pooled_index(model.double(), batch)
        holds.append(compare(suite, "pooled_index", ours["pooled_index"], index, 0.0))
    assert all(holds)


def test_padding_learns_nothing(tmp_path):
    """RoBERTa's padding row of the word table gets no gradient from the embedding, and positions
    start behind the padding's."""
    model = reference.build_model("F", "fp64")
    batch = reference.build_batch("F", "right")
    ours = probe(tmp_path, "F", "fp64", reference.weights_of(model), batch)
    gradients = gradients_of(ours)
    words = gradients["roberta.embeddings.word_embeddings.weight"]
    positions = gradients["roberta.embeddings.position_embeddings.weight"]
    pad = PAD["roberta"]
    assert not words[pad].any() and not positions[: pad + 1].any()
    assert positions[pad + 1].any()


@pytest.mark.parametrize("scenario", ["A", "B"])
def test_more_targets_than_the_head_takes_at_once(tmp_path, scenario):
    """The language-model head takes 32 MiB of logits at a time: 19,883 rows in fp64 here."""
    model = reference.build_model(scenario, "fp64")
    length, samples = (96, 256) if scenario == "A" else (94, 800)
    batch = reference.build_batch(scenario, "none", samples=samples, length=length)
    targets = int((batch["targets"] != IGNORED).sum())
    assert targets > 20_000
    ours = probe(tmp_path, scenario, "fp64", reference.weights_of(model), batch)
    _, loss = reference.forward(model, batch)
    loss.backward()
    suite, tolerance = f"{scenario} fp64 {targets} targets", TOLERANCE["fp64"]
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    found = gradients_of(ours)
    holds = [
        compare(suite, "loss", ours["loss"], loss.detach(), tolerance),
        compare_gradients(suite, found, gradients, tolerance),
    ]
    assert all(holds)


def test_weights_files_in_the_forms_that_are_about(tmp_path):
    """What save_pretrained writes, and openai-community/gpt2's form: names without the prefix,
    attention-mask buffers. The same weights give the same bits."""
    model = reference.build_model("A", "fp32")
    batch = reference.build_batch("A", "right")
    plain = probe(tmp_path, "A", "fp32", reference.weights_of(model), batch)

    model.save_pretrained(tmp_path / "saved")
    saved = load_file(tmp_path / "saved" / "model.safetensors")
    bare = {name.removeprefix("transformer."): value for name, value in saved.items()}
    mask = torch.ones(1, 1, SHAPE.positions, SHAPE.positions).tril()
    bare |= {f"h.{layer}.attn.bias": mask.clone() for layer in range(SHAPE.layers)}
    for weights in (saved, bare):
        found = probe(tmp_path, "A", "fp32", weights, batch)
        assert all(torch.equal(found[name], value) for name, value in plain.items())


@pytest.mark.parametrize("scenario", ["B", "D"])
def test_roberta_weights_files(tmp_path, scenario):
    """What save_pretrained writes, and FacebookAI/roberta-base's form: the tied decoder besides,
    buffers of position ids."""
    model = reference.build_model(scenario, "fp32")
    batch = reference.build_batch(scenario, "right")
    plain = probe(tmp_path, scenario, "fp32", reference.weights_of(model), batch)

    model.save_pretrained(tmp_path / "saved")
    saved = load_file(tmp_path / "saved" / "model.safetensors")
    complete = {name: value.clone() for name, value in model.state_dict().items()}
    complete["roberta.embeddings.position_ids"] = torch.arange(SHAPE.positions)[None]
    for weights in (saved, complete):
        found = probe(tmp_path, scenario, "fp32", weights, batch)
        assert all(torch.equal(found[name], value) for name, value in plain.items())


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("dtype", ["fp64", "fp32"])
def test_ten_adamw_steps(tmp_path, scenario, dtype):
    model = reference.build_model(scenario, dtype)
    batch = reference.build_batch(scenario, "right")
    spec = run_spec(scenario, uniform_policy(dtype), batch)
    ours = probe(tmp_path, scenario, dtype, reference.weights_of(model), batch, steps=10)
    theirs = reference.adamw_course(model, batch, spec)

    suite, tolerance = f"{scenario} {dtype} AdamW x 10", TOLERANCE[dtype]
    # The steps must change enough, and clipping must happen, for this to be a comparison.
    assert theirs["losses"][-1] < 0.9 * theirs["losses"][0]
    assert theirs["grad_norms"].max() > spec["train"]["clip_norm"]
    holds = [compare(suite, name, ours[name], theirs[name], tolerance) for name in theirs]
    if dtype == "fp64":
        # A gradient that is zero but for rounding may move a weight either way: in fp32 any, in
        # fp64 those that are zero by mathematics.
        holds += [
            compare(suite, name, ours[f"parameter.{name}"], value, tolerance, kind="parameters")
            for name, value in reference.weights_of(model).items()
            if not has_zero_gradient(name)
        ]
    assert all(holds)


CHANGES = {
    "activation_function": ("A", {"activation_function": "gelu"}),
    "scale_attn_weights": ("A", {"scale_attn_weights": False}),
    "hidden_act": ("B", {"hidden_act": "gelu_pytorch_tanh"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_reference_is_told_apart(tmp_path, change):
    """Negative control: the comparison sees differences that matter."""
    scenario, configuration = CHANGES[change]
    model = reference.build_model(scenario, "fp64")
    batch = reference.build_batch(scenario, "right")
    ours = probe(tmp_path, scenario, "fp64", reference.weights_of(model), batch)
    changed = reference.build_model(scenario, "fp64", **configuration)
    logits, _ = reference.forward(changed, batch)
    assert difference(ours["logits"], logits.detach()) > 100 * TOLERANCE["fp64"]


@pytest.mark.parametrize("scenario", ["A", "B"])
def test_another_epsilon_is_told_apart(tmp_path, scenario):
    model = reference.build_model(scenario, "fp64")
    batch = reference.build_batch(scenario, "right")
    ours = probe(tmp_path, scenario, "fp64", reference.weights_of(model), batch)
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = 1.001 * SHAPE.epsilon
    logits, _ = reference.forward(model, batch)
    assert difference(ours["logits"], logits.detach()) > 100 * TOLERANCE["fp64"]
