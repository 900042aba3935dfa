"""The extensions' numbers against sources of their own: Transformers' Llama and GPT-2, Lion's rule
and the 8-bit format written down in numpy."""

import numpy
import pytest
import safetensors.torch
import torch
import transformers
from runs import BATCH, HEADS, HERE, LAYERS, LENGTH, STEPS, WIDTH, Store, settings, train
from transformers.models.llama import modeling_llama

MLP, THETA = 512, 10000.0
RATE, DECAY, BETA1, BETA2 = 1e-3, 0.1, 0.9, 0.99
EPSILON_32 = 2.0**-24


def llama(vocab, theta=THETA, dtype=torch.float32):
    torch.manual_seed(7)
    config = transformers.LlamaConfig(
        vocab_size=vocab, hidden_size=WIDTH, intermediate_size=MLP, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=HEADS, max_position_embeddings=LENGTH,
        rms_norm_eps=1e-6, tie_word_embeddings=True, attention_bias=False, mlp_bias=False,
        rope_parameters={"rope_type": "default", "rope_theta": theta}, initializer_range=0.1)
    model = transformers.LlamaForCausalLM._from_config(config, attn_implementation="sdpa")
    with torch.no_grad():  # gains of 1 would hide a lost one
        for name, weight in model.named_parameters():
            if "norm" in name:
                weight.add_(0.2 * torch.randn_like(weight))
    return model.to(dtype)


def weights_of(model):
    return {name: value.contiguous() for name, value in model.state_dict().items() if name != "lm_head.weight"}


def loss_of(model, blocks):
    """Mean over all predicted tokens, in fp64 from the logits on."""
    ids = torch.from_numpy(blocks)
    logits = model(ids).logits[:, :-1].double()
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())


def gradients_of(model, blocks):
    model.zero_grad()
    loss = loss_of(model, blocks)
    loss.backward()
    return loss.item(), {name: p.grad.double() for name, p in model.named_parameters()}


class Whole:
    """Cells whose batch is the whole training split, so that the order of the data has no part."""

    def __init__(self, environment, vocab, root):
        self.environment, self.vocab, self.root = environment, vocab, root
        self.init = root / "llama.safetensors"
        safetensors.torch.save_file(weights_of(llama(vocab)), self.init, {"format": "pt"})
        store = Store(environment, self.run(1, batch=1))
        self.training, self.validation = store.blocks("train"), store.blocks("validation")

    def run(self, steps, batch=None, policy="fp32_true"):
        return train(
            self.environment, self.root / "runs",
            "--scenario", HERE / "G.toml", "--init", self.init, "--keep-checkpoint", *settings(
                train__steps=steps, train__batch=batch or len(self.training), train__optimizer="lion",
                train__learning_rate=RATE, train__weight_decay=DECAY, train__clip_norm=1e6,
                train__eval_examples=1000, data__synthetic_documents=20),
            extensions=["llama", "lion"], policy=policy)


@pytest.fixture(scope="module")
def whole(environment, cells, tmp_path_factory):
    vocab = cells.record("llama", "fp32_true").audit["model"]["vocab"]
    return Whole(environment, vocab, tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def runs(whole):
    return [whole.run(steps) for steps in (1, 2, 3)]


def relative(a, b):
    return ((a.double() - b.double()).norm() / b.double().norm()).item()


def test_llama_is_transformers_in_fp32(whole, runs):
    """Loss and every gradient, which Lion's first state is (1 - beta2) times."""
    model = llama(whole.vocab)
    loss, gradients = gradients_of(model, whole.training)
    assert runs[0].steps[0]["loss"] == pytest.approx(loss, rel=1e-6)
    state = runs[0].checkpoint()
    assert sorted(state) == sorted(
        [*gradients, *(f"exp_avg.{name}" for name in gradients), "optimizer_updates"])
    for name, gradient in gradients.items():
        # Some thousand roundings to fp32 on either side.
        assert relative(state[f"exp_avg.{name}"].double() / (1 - BETA2), gradient) < 100 * EPSILON_32, name
    assert runs[0].result["convergence"]["val_loss_first"] == pytest.approx(
        loss_of(model, whole.validation).item(), rel=1e-6)


def test_another_rotation_is_seen(whole, runs):
    other = loss_of(llama(whole.vocab, theta=THETA / 100), whole.training).item()
    assert abs(runs[0].steps[0]["loss"] / other - 1) > 1e-4


def test_llama_is_transformers_in_fp64(whole, monkeypatch):
    """Transformers' norm and angles are in fp32 whatever the model's datatype: here in fp64."""
    def norm(self, x):
        return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)

    def rotary(self, x, position_ids):
        channels = WIDTH // HEADS
        inverse = THETA ** -(torch.arange(0, channels, 2).double() / channels)
        angles = position_ids[..., None].double() * inverse
        angles = torch.cat((angles, angles), dim=-1)
        return angles.cos(), angles.sin()

    monkeypatch.setattr(modeling_llama.LlamaRMSNorm, "forward", norm)
    monkeypatch.setattr(modeling_llama.LlamaRotaryEmbedding, "forward", rotary)
    run = whole.run(1, policy=HERE / "policies/fp64.toml")
    loss, gradients = gradients_of(llama(whole.vocab, dtype=torch.float64), whole.training)
    assert run.steps[0]["loss"] == pytest.approx(loss, rel=1e-13)
    state = run.checkpoint()
    for name, gradient in gradients.items():
        assert relative(state[f"exp_avg.{name}"] / (1 - BETA2), gradient) < 1e-12, name


def test_lion_by_its_rule(whole, runs):
    """Three steps: gradients by Transformers at the weights before each, the rest by numpy in fp32,
    bit for bit wherever the direction is not within rounding of 0."""
    one = numpy.float32
    before = weights_of(llama(whole.vocab))
    moments = {name: torch.zeros_like(value) for name, value in before.items()}
    for run in runs:
        model = llama(whole.vocab)
        model.load_state_dict(before | {"lm_head.weight": before["model.embed_tokens.weight"]})
        _, gradients = gradients_of(model, whole.training)
        state = run.checkpoint()
        assert state["optimizer_updates"].item() == len(run.steps)
        for name, weight in before.items():
            m, g = moments[name].double(), gradients[name]
            assert relative(state[f"exp_avg.{name}"], BETA2 * m + (1 - BETA2) * g) < 100 * EPSILON_32, name
            direction = BETA1 * m + (1 - BETA1) * g
            clear = (direction.abs() > 1e-4 * direction.abs().max()).numpy()
            assert clear.mean() > 0.5 or "embed" in name
            decay = 0 if "norm" in name else DECAY
            rate = run.steps[-1]["lr"]
            step = numpy.sign(direction.numpy()).astype(one) * one(rate)
            expected = weight.numpy() * one(1 - rate * decay) - step
            assert (state[name].numpy()[clear] == expected[clear]).all(), name
        before = {name: state[name] for name in before}
        moments = {name: state[f"exp_avg.{name}"] for name in before}


def signed_map():
    """bitsandbytes' dynamic map, as its documentation has it."""
    values = [0.0, 1.0]
    for decade in range(7):
        bounds = numpy.linspace(0.1, 1, 2**decade + 1)
        means = (bounds[:-1] + bounds[1:]) / 2 * 10.0 ** (decade - 6)
        values += [*means, *-means]
    return numpy.sort(numpy.array(values))


def test_lion_in_8_bits(whole, runs):
    """The same gradients as fp32's, so the same state before it is stored in 8 bits."""
    run = whole.run(1, policy=HERE / "policies/blockwise_states.toml")
    exact, stored, codes = runs[0].checkpoint(), run.checkpoint(), signed_map()
    assert len(codes) == 256
    seen = 0
    for name in weights_of(llama(whole.vocab)):
        assert torch.equal(stored[name], exact[name]), name
        m = exact[f"exp_avg.{name}"].numpy().reshape(-1)
        code = stored[f"exp_avg.{name}"]
        if m.size < 4096:
            assert numpy.array_equal(code.numpy().reshape(-1), m), name
            continue
        assert code.dtype == torch.uint8
        blocks = numpy.pad(m, (0, -m.size % 256)).reshape(-1, 256)
        largest = abs(blocks).max(1)
        assert numpy.array_equal(stored[f"exp_avg_absmax.{name}"].numpy(), largest), name
        x = (m.astype(float) / numpy.where(largest == 0, 1, largest).repeat(256)[: m.size])
        chosen = codes[code.numpy().reshape(-1)]
        nearest = abs(codes[None, :] - x[:, None]).min(1)
        # A negative value nearest to 0 gets the code below it, which keeps its sign.
        kept = (x < 0) & (code.numpy().reshape(-1) == 126)
        assert (abs(chosen - x)[~kept] <= nearest[~kept] + 1e-7).all(), name
        assert not ((x < 0) & (chosen >= 0)).any(), name
        seen += m.size
    assert run.steps[0]["eight_bit_elements"] == seen > 0


def test_updates_too_small_for_bf16(cells):
    """Below 1 bf16's spacing is 1/256, so a gain of 1 loses every step of 1e-3; fp32 loses none."""
    gains = (2 * LAYERS + 1) * WIDTH
    assert cells.record("lion", "bf16_pure").steps[0]["lost_weight_updates"] == gains
    assert cells.record("lion", "fp32_true").steps[0]["lost_weight_updates"] == 0


def test_regression_is_transformers(cells, environment):
    """Validation loss after training, document by document without padding, and the constant."""
    record = cells.record("label_count", "fp32_true")
    store = Store(environment, record)
    convergence, count = record.result["convergence"], record.audit["data"]["evaluated_examples"]
    truth = store.label_counts("validation")[:count]
    assert len(set(truth)) > 1
    assert convergence["val_loss_constant_predictor"] == pytest.approx(
        ((truth - store.label_counts("train").mean()) ** 2).mean(), rel=1e-12)

    spec = record.spec["model"]
    model = transformers.GPT2ForSequenceClassification(transformers.GPT2Config(
        vocab_size=record.audit["model"]["vocab"], n_positions=spec["positions"], n_embd=WIDTH,
        n_layer=LAYERS, n_head=HEADS, num_labels=1, problem_type="regression")).eval()
    weights = {k: v for k, v in record.checkpoint().items() if k in model.state_dict()}
    missing = model.load_state_dict(weights, strict=False).missing_keys
    assert not missing
    losses = [model(torch.from_numpy(document)[None], labels=torch.tensor([wanted], dtype=torch.float32)).loss.item()
              for document, wanted in zip(store.documents("validation"), truth)]
    assert convergence["val_loss"] == pytest.approx(numpy.mean(losses), rel=1e-5)
    assert record.result["steps_completed"] == STEPS and record.steps[0]["samples"] == BATCH
