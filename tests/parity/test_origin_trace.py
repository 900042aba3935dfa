"""Where a cell died, by `dtbench explain`, and by Transformers on the weights of the checkpoint that
the dead run left: the first module of the forward pass with a result that is not finite, the element,
and what fp16 could not hold there. All documents are one text, so every batch is known."""

import json
import os
import pathlib
import subprocess

import pytest
import torch
import transformers
from safetensors.torch import load_file
from tokenizers import ByteLevelBPETokenizer

BIN = pathlib.Path(os.environ["DTBENCH_BIN"])
SOURCE = pathlib.Path(os.environ["DTBENCH_SOURCE"])
TEXT = " ".join(f"regulation number {i} of the council on the common market of {what}"
                for i, what in enumerate(["wheat", "milk", "wine", "sugar"] * 12))
LENGTH, BATCH = 64, 8
WITH_WEIGHTS = ("embedding", "layer_norm", "conv1d", "linear")
TINY = {"n_layer": 2, "n_embd": 128, "n_head": 2}


def call(folder, *arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DTBENCH_")}
    environment |= {"DTBENCH_CONFIGS": str(SOURCE / "configs"), "DTBENCH_CACHE": str(folder / "cache")}
    process = subprocess.run([BIN / "dtbench", *map(str, arguments)], cwd=folder, env=environment,
                             capture_output=True, text=True, timeout=300)
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def dead(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dead")
    line = json.dumps({"text": TEXT, "labels": ["a", "b"]}) + "\n"
    (folder / "same.jsonl").write_text(64 * line)
    call(folder, "run", "--scenario", "C", "--policy", "fp16_naive", "--preset", "tiny", "--device", "cpu",
         "--data", "same.jsonl", "--lr", "3e-3", "--steps", "60", "--set", "model.dropout=0",
         "--set", "train.eval_examples=2", "--keep-checkpoint")
    [run] = (folder / "runs").iterdir()
    call(folder, "explain", run.name, "--replays", "0")
    return run


def input_ids():
    tokenizer = SOURCE / "configs/tokenizers/synthetic"
    bpe = ByteLevelBPETokenizer(str(tokenizer / "vocab.json"), str(tokenizer / "merges.txt"))
    ids = bpe.encode(TEXT).ids
    assert len(ids) > LENGTH
    return torch.tensor([ids[:LENGTH]] * BATCH)


def trace(weights):
    """Names, inputs and results of the modules with weights, in their order, in fp16. CPUs multiply
    fp16 as fp32 numbers and round once, as tensor cores do and as the engine does."""
    labels = weights["score.weight"].shape[0]
    config = transformers.GPT2Config(
        vocab_size=weights["transformer.wte.weight"].shape[0], n_positions=1024, num_labels=labels,
        attn_implementation="eager", activation_function="gelu_new", pad_token_id=0, **TINY)
    config.n_positions = weights["transformer.wpe.weight"].shape[0]
    model = transformers.GPT2ForSequenceClassification(config)
    names = set(model.state_dict())
    model.load_state_dict({k: v for k, v in weights.items() if k in names}, strict=True)
    seen = []
    for name, module in model.half().eval().named_modules():
        if not list(module.children()) and list(module.parameters()):
            module.register_forward_hook(
                lambda _, given, output, name=name: seen.append((name, given[0], output)))
    with torch.no_grad():
        model(input_ids=input_ids())
    return seen


def test_the_origin_is_transformers_too(dead):
    found = json.loads((dead / "explain.json").read_text())
    weights = load_file(dead / "checkpoint/state.safetensors")
    seen = trace(weights)
    name, given, output = next(entry for entry in seen if not entry[2].isfinite().all())
    origin = found["origin"]
    assert origin["phase"] == "forward"
    # The origin may be an operation between modules (attention, an addition): then the first module
    # after it is Transformers' first.
    modules = [place["module"] for place in found["chain"]
               if place["phase"] == "forward" and place["operation"] in WITH_WEIGHTS]
    assert modules[0] == name
    before = seen[: [entry[0] for entry in seen].index(name)]
    assert before and all(result.isfinite().all() for _, _, result in before)
    if origin["operation"] not in ("conv1d", "linear"):
        return
    assert origin["module"] == name and origin["shape"] == list(output.shape)
    # The element may differ by the order of summation; that it cannot be held may not.
    row = given.double().flatten(0, 1)[origin["element"] // output.shape[-1]]
    column = origin["element"] % output.shape[-1]
    exact = row @ weights[f"{name}.weight"].double()[:, column] + weights[f"{name}.bias"].double()[column]
    assert abs(exact.item()) > 65504 and origin["datatype_largest"] == 65504
    assert origin["exact"] == pytest.approx(exact.item(), rel=2e-2)  # the inputs are fp16 results


def test_the_impossible_step_is_what_its_numbers_make(dead):
    """The step that the update is said to have made follows from the moments by AdamW's formula."""
    found = json.loads((dead / "explain.json").read_text())
    [diagnosis] = [d for d in found["diagnoses"] if d["mechanism"] == "second_moment_underflow"]
    signals = found["signals"][diagnosis["since_step"]]
    step, t, rate = signals["longest_step"], signals["longest_step"]["updates"], signals["learning_rate"]
    m = 0.9 * step["exp_avg_before"] + 0.1 * step["gradient"]
    v = 0.999 * step["exp_avg_sq_before"] + 0.001 * step["gradient"] ** 2
    length = (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)) ** 0.5 + 1e-8)
    assert abs(length) > found["longest_exact_step"]
    assert step["rates"] == pytest.approx(abs(length), rel=1e-2)
    expected = step["weight_before"] * (1 - 0.01 * rate) - rate * length
    assert step["weight_after"] == pytest.approx(expected, rel=2**-10)
