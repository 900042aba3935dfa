"""What `dtbench explain --against` says of an operation, and what torch says of it from the same
weights and text: the error of rounding alone, and how far apart two runs are."""

import json

import pytest
import torch
import transformers
from safetensors.torch import save_file

from test_origin_trace import BATCH, TEXT, call, input_ids

WIDTH, LABELS = 64, 2


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(3)
    config = transformers.GPT2Config(vocab_size=2048, n_positions=64, n_layer=1, n_embd=WIDTH, n_head=2,
                                     num_labels=LABELS, pad_token_id=0)
    state = transformers.GPT2ForSequenceClassification(config).state_dict()
    folder = tmp_path_factory.mktemp("shadow")
    return folder, {name: value.clone() for name, value in state.items()}


def places_of(folder, state, policy):
    save_file(state, folder / "model.safetensors")
    line = json.dumps({"text": TEXT, "labels": ["a", "b"]}) + "\n"
    (folder / "same.jsonl").write_text(64 * line)
    call(folder, "run", "--scenario", "C", "--policy", policy, "--preset", "tiny", "--device", "cpu",
         "--data", "same.jsonl", "--steps", "2", "--out", f"runs-{policy}", "--set", "model.dropout=0",
         "--set", "model.init=model.safetensors", "--set", "model.layers=1", "--set", f"model.width={WIDTH}",
         "--set", "model.heads=2", "--set", "model.positions=64", "--set", "train.eval_examples=2",
         "--set", f"train.batch={BATCH}", "--set", f"train.micro_batch={BATCH}")
    [run] = (folder / f"runs-{policy}").iterdir()
    shadow = json.loads(call(folder, "explain", run, "--against", "fp32_true", "--steps", "1", "--json"))
    [step] = shadow["steps"]
    return {(place["phase"], place["operation"], place["module"]): place for place in step["places"]}


def relative(a, b):
    return ((a.double() - b.double()).norm() / b.double().norm()).item()


def layer_norm(x, state, name):
    return torch.nn.functional.layer_norm(x.float(), (WIDTH,), state[f"{name}.weight"].float(),
                                          state[f"{name}.bias"].float())


def test_errors_are_torchs(weights):
    """bf16 throughout: the first layer's LayerNorm and query, key and value, from their operands."""
    folder, state = weights
    places = places_of(folder, state, "bf16_pure")
    rounded = {name: value.bfloat16() for name, value in state.items()}
    ids = input_ids()
    exact = rounded["transformer.wte.weight"].float()[ids] + rounded["transformer.wpe.weight"].float()
    x = exact.bfloat16()
    place = places["forward", "add", "transformer"]
    assert place["error"] == pytest.approx(relative(x, exact), rel=1e-6)

    normal = layer_norm(x, rounded, "transformer.h.0.ln_1")
    given = normal.bfloat16()
    place = places["forward", "layer_norm", "transformer.h.0.ln_1"]
    assert place["error"] == pytest.approx(relative(given, normal), rel=1e-2)

    name = "transformer.h.0.attn.c_attn"
    product = given.double() @ rounded[f"{name}.weight"].double() + rounded[f"{name}.bias"].double()
    place = places["forward", "conv1d", name]
    assert place["error"] == pytest.approx(relative(product.bfloat16(), product), rel=1e-2)
    # Its bound by hand: one rounding to bf16, and sums of WIDTH products and a bias in fp32, on
    # either side; what fp32 adds to the store is 2^-24.
    u, inside = 2.0**-8, (WIDTH + 1) * 2.0**-24
    lengths = given.double().norm() * rounded[f"{name}.weight"].double().norm() / product.norm()
    assert place["bound"] == pytest.approx(u + 2.0**-24 + 2 * inside * lengths.item(), rel=1e-3)
    assert 0 < place["error"] < place["bound"] and not place["above"]


def test_how_far_apart_the_runs_are_is_torchs(weights):
    """The logits of the whole model, its weights being those that bf16 stores under both."""
    folder, state = weights
    stored = {name: value.bfloat16().float() for name, value in state.items()}
    (folder / "stored").mkdir()
    places = places_of(folder / "stored", stored, "bf16_pure")
    config = transformers.GPT2Config(vocab_size=2048, n_positions=64, n_layer=1, n_embd=WIDTH, n_head=2,
                                     num_labels=LABELS, pad_token_id=0, attn_implementation="eager")
    model = transformers.GPT2ForSequenceClassification(config)
    model.load_state_dict(stored)
    with torch.no_grad():
        full = model.eval()(input_ids=input_ids()).logits
        half = model.bfloat16()(input_ids=input_ids()).logits
    # All documents are the same: a few numbers, whose last bits differ by the order of sums.
    apart = places["forward", "linear", "score"]["apart"]
    assert apart == pytest.approx(relative(half, full), rel=1)
    assert 0 < apart < 0.1
