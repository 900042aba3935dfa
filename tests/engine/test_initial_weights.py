"""Weights as others write them: a run from any form of the same weights has the same numbers, bit for
bit, as one from the plain file; what cannot be taken is refused and named."""

import json

import pytest
import safetensors.torch
import torch
import transformers

from records import cell, lines, result
from test_run_process import run

# Preset tiny (configs/presets/tiny.toml) with the shipped vocabulary.
VOCAB, LABELS, LAYERS, WIDTH, HEADS, LENGTH = 2048, 32, 2, 128, 2, 64
CLASSES = {
    "A": transformers.GPT2LMHeadModel,
    "B": transformers.RobertaForMaskedLM,
    "C": transformers.GPT2ForSequenceClassification,
    "D": transformers.RobertaForSequenceClassification,
}
WORDS = {"A": "transformer.wte.weight", "B": "roberta.embeddings.word_embeddings.weight"}
COPY = {"A": "lm_head.weight", "B": "lm_head.decoder.weight"}


def model_of(scenario, labels=LABELS):
    torch.manual_seed(3)
    if scenario in "AC":
        config = transformers.GPT2Config(
            vocab_size=VOCAB, n_positions=LENGTH, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS, num_labels=labels,
            pad_token_id=VOCAB - 1)
    else:
        config = transformers.RobertaConfig(
            vocab_size=VOCAB, max_position_embeddings=LENGTH + 2, hidden_size=WIDTH, num_hidden_layers=LAYERS,
            num_attention_heads=HEADS, intermediate_size=4 * WIDTH, type_vocab_size=1, pad_token_id=1,
            num_labels=labels)
    return CLASSES[scenario](config)


def cloned(tensors):
    return {name: tensor.clone() for name, tensor in tensors.items()}


def parameters(model):
    """Each once, under the name that save_pretrained keeps."""
    return cloned(dict(model.named_parameters()))


class Runs:
    def __init__(self, environment, folder):
        self.environment, self.folder, self.count = environment, folder, 0

    def start(self, scenario, init, *arguments):
        self.count += 1
        self.out = self.folder / f"runs-{self.count}"
        return run(self.environment, self.out, "--steps", "2", "--init", str(init), *arguments, scenario=scenario)

    def losses(self, scenario, init, *arguments):
        done = self.start(scenario, init, *arguments)
        assert done.returncode == 0, done.stderr
        self.audit = json.loads((cell(self.out) / "audit.json").read_text())
        convergence = result(self.out)["convergence"]
        return [(s["loss"], s["grad_norm"]) for s in lines(cell(self.out) / "steps.jsonl")], convergence

    def fingerprint(self):
        return self.audit["identity"]["initial_weights_fingerprint"]

    def refused(self, scenario, init, *fragments, arguments=()):
        done = self.start(scenario, init, *arguments)
        assert done.returncode == 2, (done.returncode, done.stderr)
        for fragment in fragments:
            assert fragment in done.stderr, (fragment, done.stderr)


@pytest.fixture
def runs(environment, tmp_path):
    return Runs(environment, tmp_path)


def save(tensors, file):
    safetensors.torch.save_file(tensors, file)
    return file


def under(prefix, tensors):
    return {prefix + name: tensor for name, tensor in tensors.items()}


def with_older_norms(tensors):
    def older(name):
        return name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")

    renamed = {older(name): tensor for name, tensor in tensors.items()}
    assert len(set(renamed) - set(tensors)) == 2 * (1 + 2 * LAYERS)
    return renamed


@pytest.mark.parametrize("scenario", ["A", "B"])
def test_every_form_of_a_language_model(runs, tmp_path, scenario):
    model = model_of(scenario)
    plain = runs.losses(scenario, save(parameters(model), tmp_path / "plain.safetensors"))
    fingerprint = runs.fingerprint()

    def same(init):
        assert runs.losses(scenario, init) == plain
        assert runs.fingerprint() == fingerprint

    # safetensors' own way of saving a model with tied weights keeps one name of each.
    safetensors.torch.save_model(model, str(tmp_path / "saved_model.safetensors"))
    kept = safetensors.torch.load_file(tmp_path / "saved_model.safetensors")
    assert (COPY[scenario] in kept) != (WORDS[scenario] in kept)
    same(tmp_path / "saved_model.safetensors")
    # Whichever it keeps, the other one alone is enough, too.
    swap = {COPY[scenario]: WORDS[scenario], WORDS[scenario]: COPY[scenario]}
    same(save({swap.get(name, name): t for name, t in kept.items()}, tmp_path / "swapped.safetensors"))

    compiled = torch.compile(model)  # wraps; nothing is compiled before it is called
    same(save(cloned(compiled.state_dict()), tmp_path / "compiled.safetensors"))
    assert all(name.startswith("_orig_mod.") for name in compiled.state_dict())
    same(save(under("module._orig_mod.", parameters(model)), tmp_path / "wrapped.safetensors"))
    if scenario == "B":
        same(save(with_older_norms(parameters(model)), tmp_path / "older.safetensors"))

    model.save_pretrained(tmp_path / "shards", max_shard_size="400KB")
    index = tmp_path / "shards" / "model.safetensors.index.json"
    assert len(set(json.loads(index.read_text())["weight_map"].values())) > 1
    same(index)


def test_both_names_with_other_values(runs, tmp_path):
    for scenario in ("A", "B"):
        tensors = cloned(model_of(scenario).state_dict())
        tensors[COPY[scenario]][7, 1] += 1e-6
        runs.refused(scenario, save(tensors, tmp_path / "untied.safetensors"),
                     f"'{COPY[scenario]}' is not '{WORDS[scenario]}'")
    tensors = cloned(model_of("B").state_dict())
    tensors["lm_head.decoder.bias"][3] += 1
    runs.refused("B", save(tensors, tmp_path / "untied.safetensors"), "'lm_head.decoder.bias' is not 'lm_head.bias'")


def test_one_tensor_under_two_names(runs, tmp_path):
    tensors = parameters(model_of("A"))
    tensors["module.transformer.ln_f.bias"] = tensors["transformer.ln_f.bias"].clone()
    runs.refused("A", save(tensors, tmp_path / "twice.safetensors"), "'module.transformer.ln_f.bias'",
                 "'transformer.ln_f.bias'", "names of one tensor")


@pytest.mark.parametrize("scenario, head", [
    ("C", {"score.weight"}),
    ("D", {f"classifier.{layer}.{part}" for layer in ("dense", "out_proj") for part in ("weight", "bias")}),
])
def test_a_head_of_another_width(runs, tmp_path, scenario, head):
    other = save(parameters(model_of(scenario, labels=5)), tmp_path / "five_labels.safetensors")
    runs.refused(scenario, other, "has shape [5, 128]", "model.init_head=drawn")
    drawn = ("--set", "model.init_head=drawn")
    found = runs.losses(scenario, other, *drawn)
    assert set(runs.audit["model"]["newly_drawn"]) == head
    # As from a file that holds the body alone.
    body = {name: t for name, t in parameters(model_of(scenario, labels=5)).items() if name not in head}
    assert runs.losses(scenario, save(body, tmp_path / "body.safetensors")) == found
    # A file whose head fits says which head is meant.
    fitting = save(parameters(model_of(scenario)), tmp_path / "fitting.safetensors")
    assert runs.losses(scenario, fitting) != runs.losses(scenario, fitting, *drawn)


def test_a_head_to_be_drawn_where_there_is_none(runs, tmp_path):
    drawn = ("--set", "model.init_head=drawn")
    file = save(parameters(model_of("A")), tmp_path / "plain.safetensors")
    runs.refused("A", file, "no weights of its own that could be drawn again", arguments=drawn)
    runs.refused("C", "scratch", "'model.init_head' = 'drawn'", arguments=drawn)


def test_shards_that_do_not_fit_their_index(runs, tmp_path):
    model_of("A").save_pretrained(tmp_path, max_shard_size="400KB")
    index = tmp_path / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    shards = sorted(set(content["weight_map"].values()))
    runs.refused("A", tmp_path / shards[0], f"one of {len(shards)} files (shards)", "model.safetensors.index.json")

    moved = next(name for name, shard in content["weight_map"].items() if shard == shards[0])

    def changed(**places):
        index.write_text(json.dumps({"weight_map": content["weight_map"] | places}))
        return index

    runs.refused("A", changed(**{moved: shards[1]}), f"holds the tensor '{moved}'", "index")
    runs.refused("A", changed(absent=shards[0]), f"'{shards[0]}' holds the tensor 'absent'", "lacks")
    runs.refused("A", changed(**{moved: "../elsewhere.safetensors"}), "beside the index", "../elsewhere")
    index.write_text("{}")
    runs.refused("A", index, "weight_map")
    index.write_text(json.dumps(content))
    (tmp_path / shards[1]).unlink()
    runs.refused("A", index, f"names the shard '{shards[1]}', which is not beside it")


def test_a_complete_cell_is_not_served_for_other_shards(runs, tmp_path):
    model = model_of("A")
    model.save_pretrained(tmp_path, max_shard_size="400KB")
    index = tmp_path / "model.safetensors.index.json"
    runs.losses("A", index)
    again = ("--steps", "2", "--init", str(index))
    assert run(runs.environment, runs.out, *again).returncode == 0
    with torch.no_grad():
        model.transformer.ln_f.bias += 1
    model.save_pretrained(tmp_path, max_shard_size="400KB")
    other = run(runs.environment, runs.out, *again)
    assert other.returncode == 2 and "other initial weights" in other.stderr


def test_what_is_refused_names_what_is_there(runs, tmp_path):
    torch.save(model_of("A").state_dict(), tmp_path / "pytorch_model.bin")
    runs.refused("A", tmp_path / "pytorch_model.bin", "pickle of torch", "save_file")
    (tmp_path / "pytorch_model.bin").rename(tmp_path / "renamed.safetensors")
    runs.refused("A", tmp_path / "renamed.safetensors", "pickle of torch")

    llama = under("model.", {"layers.0.self_attn.q_proj.weight": torch.ones(2, 2), "norm.weight": torch.ones(2)})
    runs.refused("A", save(llama, tmp_path / "llama.safetensors"), "lacks the tensor 'transformer.wte.weight'",
                 "'model.layers.0.self_attn.q_proj.weight'", "'model.norm.weight'")
