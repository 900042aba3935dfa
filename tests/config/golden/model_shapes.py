"""Writes model_shapes.json: parameter counts and FLOPs as Transformers and torch count them.

    python tests/config/golden/model_shapes.py

FLOPs are torch's FlopCounterMode over one forward and backward pass of full sequences with eager
attention; `attention_flops` are those of the batched products among them, which Transformers does
not halve for causal attention. Transformers applies the language-model heads and GPT-2's `score`
at every token, RoBERTa's classification head at the first.
"""

import json
import pathlib

import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM
from transformers import AutoModelForSequenceClassification, GPT2Config, RobertaConfig

CLASSES = {
    "clm": AutoModelForCausalLM,
    "mlm": AutoModelForMaskedLM,
    "multi_cls": AutoModelForSequenceClassification,
    "single_cls": AutoModelForSequenceClassification,
}
SIZES = {
    "base": dict(layers=12, width=768, heads=12, samples=1, length=256),
    "tiny": dict(layers=2, width=128, heads=2, samples=8, length=64),
}


def config(architecture, size, labels):
    labels = labels or 2
    if architecture == "gpt2":
        return GPT2Config(
            vocab_size=50257, n_positions=1024, n_embd=size["width"], n_layer=size["layers"],
            n_head=size["heads"], num_labels=labels, pad_token_id=50256, use_cache=False,
            attn_implementation="eager")
    return RobertaConfig(
        vocab_size=50265, max_position_embeddings=514, hidden_size=size["width"],
        num_hidden_layers=size["layers"], num_attention_heads=size["heads"],
        intermediate_size=4 * size["width"], type_vocab_size=1, num_labels=labels,
        attn_implementation="eager")


def flops(model, size):
    ids = torch.zeros(size["samples"], size["length"], dtype=torch.long)
    positions = torch.arange(size["length"]).expand_as(ids)
    with FlopCounterMode(display=False) as counter:
        logits = model(input_ids=ids, position_ids=positions).logits
        logits.sum().backward()
    by_operation = counter.get_flop_counts()["Global"]
    attention = sum(n for op, n in by_operation.items() if "bmm" in str(op))
    return counter.get_total_flops(), attention


def main():
    cases = []
    for size_name, size in SIZES.items():
        for architecture, objective, labels in [
                ("gpt2", "clm", 0), ("roberta", "mlm", 0), ("gpt2", "multi_cls", 4271),
                ("roberta", "multi_cls", 4271), ("gpt2", "single_cls", 32),
                ("roberta", "single_cls", 32)]:
            cfg = config(architecture, size, labels)
            model = CLASSES[objective].from_config(cfg)
            total, attention = flops(model, size)
            cases.append({
                "size": size_name, "architecture": architecture, "objective": objective,
                "labels": labels, "vocab": cfg.vocab_size,
                "positions": cfg.max_position_embeddings, **size,
                "parameters": model.num_parameters(), "flops": total,
                "attention_flops": attention})
    lines = ",\n ".join(json.dumps(case) for case in cases)
    versions = json.dumps({"torch": torch.__version__, "transformers": transformers.__version__})
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(f'{{"versions": {versions},\n "cases": [\n {lines}]}}\n')


if __name__ == "__main__":
    main()
