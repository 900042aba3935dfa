"""The other side of side_by_side.py: Transformers' eager model under a policy, on the spec's batch.

    transformers_peer.py FOLDER                  trains as FOLDER/spec.json says; JSON on stdout
    transformers_peer.py --draw SCENARIO OUT SHAPE   draws the weights both sides start from
"""

import contextlib
import json
import pathlib
import sys
import time

import numpy
import torch
import transformers
from process_memory import peak_resident_bytes, resident_bytes
from safetensors.torch import load_file, save_file

DTYPE = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
MASK_STREAM = 3


def philox(counters, key):
    """Philox 4x32-10 (Salmon et al. 2011) on counters [n, 4]: words [n, 4]."""
    c = [counters[:, i].astype(numpy.uint64) for i in range(4)]
    k0, k1 = (numpy.uint64(word) for word in key)
    low = numpy.uint64(0xFFFFFFFF)
    for _ in range(10):
        p0, p1 = c[0] * numpy.uint64(0xD2511F53), c[2] * numpy.uint64(0xCD9E8D57)
        c = [(p1 >> numpy.uint64(32)) ^ c[1] ^ k0, p1 & low, (p0 >> numpy.uint64(32)) ^ c[3] ^ k1, p0 & low]
        k0, k1 = (k0 + numpy.uint64(0x9E3779B9)) & low, (k1 + numpy.uint64(0xBB67AE85)) & low
    return numpy.stack(c, axis=1)


def masked(tokens, step, batch, vocab, mask_id):
    """Input ids and labels of dtbench's dynamic masking, 80/10/10 (docs/adr/0003)."""
    length = len(tokens)
    counters = numpy.zeros((batch * length, 4), numpy.uint32)
    counters[:, 0] = step
    counters[:, 1] = numpy.repeat(numpy.arange(batch), length)
    counters[:, 2] = numpy.tile(numpy.arange(length), batch)
    words = philox(counters, (0, MASK_STREAM))
    threshold = [round(p * 2**32) for p in (0.15, 0.8, 0.9)]
    ids = numpy.tile(tokens, batch)
    labels = numpy.where(words[:, 0] < threshold[0], ids, -100)
    random = [((int(w[2]) << 32 | int(w[3])) * vocab) >> 64 for w in words]
    changed = numpy.where(words[:, 1] < threshold[1], mask_id, numpy.where(words[:, 1] < threshold[2], random, ids))
    ids = numpy.where(labels >= 0, changed, ids)
    return (torch.from_numpy(a.astype(numpy.int64)).view(batch, length) for a in (ids, labels))


def build(scenario, shape, positions):
    if scenario == "A":
        return transformers.GPT2LMHeadModel(transformers.GPT2Config(
            vocab_size=shape["vocab"], n_positions=positions, n_embd=shape["width"],
            n_layer=shape["layers"], n_head=shape["heads"], use_cache=False,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0))  # fmt: skip
    return transformers.RobertaForMaskedLM(transformers.RobertaConfig(
        vocab_size=shape["vocab"], hidden_size=shape["width"], num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"], intermediate_size=4 * shape["width"],
        max_position_embeddings=positions, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0))  # fmt: skip


def draw(scenario, path, shape):
    torch.manual_seed(0)
    model = build(scenario, shape, shape["length"] + (2 if scenario == "B" else 0))
    save_file({name: p.detach().clone() for name, p in model.named_parameters()}, path)


def load(folder, spec):
    weights = load_file(folder / "weights.safetensors")
    vocab = weights["transformer.wte.weight" if spec["scenario"] == "A"
                    else "roberta.embeddings.word_embeddings.weight"].shape[0]  # fmt: skip
    model = build(spec["scenario"], spec["model"] | {"vocab": vocab}, spec["model"]["positions"])
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected and all("decoder" in name or "lm_head.weight" in name for name in missing)
    return model.train().to(spec["device"], DTYPE[spec["policy"]["parameters"]]), vocab


def input_and_labels(folder, spec, vocab):
    """For each step. Made beforehand, as dtbench makes them while the step before runs."""
    tokens = numpy.fromfile(folder / "store" / "train.tokens", "<u2")[: spec["data"]["length"]].astype(numpy.int64)
    batch, steps = spec["train"]["batch"], spec["train"]["steps"]
    if spec["scenario"] == "B":
        return [tuple(masked(tokens, step, batch, vocab, vocab - 1)) for step in range(steps)]
    ids = torch.from_numpy(numpy.tile(tokens, batch)).view(batch, -1)
    return [(ids, ids)] * steps


def forbid_reduced_precision():
    """What dtbench forbids."""
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False


def train(folder):
    spec = json.loads((folder / "spec.json").read_text())
    policy, settings = spec["policy"], spec["train"]
    forbid_reduced_precision()
    device = spec["device"]
    model, vocab = load(folder, spec)
    mixed = policy["autocast_rules"] != "none"
    groups = [
        {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": settings["weight_decay"]},
        {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings["learning_rate"], eps=policy["epsilon"], fused=True)
    scaler = torch.amp.GradScaler(device, enabled=policy["loss_scaling"])
    batches = input_and_labels(folder, spec, vocab)
    result = {"step_ms": [], "losses": []}
    before = resident_bytes()
    for ids, labels in batches:
        started = time.perf_counter()
        cast = torch.autocast(device, DTYPE[policy["compute"]]) if mixed else contextlib.nullcontext()
        optimizer.zero_grad()
        with cast:
            loss = model(input_ids=ids.to(device), labels=labels.to(device)).loss
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings["clip_norm"])
        scaler.step(optimizer)
        scaler.update()
        result["losses"].append(loss.item())
        if device == "cuda":
            torch.cuda.synchronize()
        result["step_ms"].append((time.perf_counter() - started) * 1e3)
    peak = torch.cuda.max_memory_allocated() if device == "cuda" else peak_resident_bytes() - before
    print(json.dumps(result | {"peak_bytes": peak}))


if sys.argv[1] == "--draw":
    draw(sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
else:
    train(pathlib.Path(sys.argv[1]))
