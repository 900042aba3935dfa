"""The oracle's models: GPT-2 and RoBERTa with their heads over the operations of oracle_ops.py,
parameters by Transformers' names. No dropout."""

import torch

from harness import IGNORED, PAD

# parameters: {name: tensor}; batch: input_ids [B, T], targets as harness.py's batches have them,
# and, where there is padding, attention_mask [B, T]. Hidden states are [B, T, C].


def _lowest_where(forbidden, dtype):
    """An additive mask. The lowest finite value, not -inf: a row without any key is uniform."""
    return torch.zeros(forbidden.shape, dtype=dtype).masked_fill(forbidden, torch.finfo(dtype).min)


def _forbidden_keys(batch):
    if "attention_mask" in batch:
        return (batch["attention_mask"] == 0)[:, None, None, :]  # [B, 1, 1, T]
    return torch.zeros(1, 1, 1, batch["input_ids"].size(1), dtype=torch.bool)


class Oracle:
    """A model of one architecture and objective under a policy's operations."""

    def __init__(self, ops, shape, architecture, objective):
        self.ops, self.shape = ops, shape
        self.architecture, self.objective = architecture, objective

    def logits(self, parameters, batch):
        """[B, T, V] for language models, [B, labels] for classifiers."""
        run = _Pass(self.ops, self.shape, parameters)
        if self.architecture == "gpt2":
            hidden = run.gpt2(batch)
            if self.objective == "clm":
                return run.gpt2_lm_head(hidden)
            rows = torch.arange(len(hidden))
            return run.linear("score", hidden[rows, pooled_index(batch)], bias=False)
        hidden = run.roberta(batch)
        if self.objective == "mlm":
            return run.roberta_lm_head(hidden)
        return run.roberta_classifier(hidden)

    def targets(self, batch):
        """For a language model (b * T + t of the positions that predict, their targets)."""
        labels = batch["targets"]
        if self.objective == "clm":
            last = torch.full_like(labels[:, :1], IGNORED)
            labels = torch.cat([labels[:, 1:], last], 1)
        labels = labels.reshape(-1)
        index = (labels != IGNORED).nonzero().squeeze(1)
        return index, labels[index]

    def count(self, batch, bce_reduction="mean"):
        """The batch's part of N."""
        targets = batch["targets"]
        if self.objective in ("clm", "mlm"):
            return len(self.targets(batch)[0])
        return targets.numel() if bce_reduction == "mean" else len(targets)

    def loss(self, parameters, batch, count=None, scale=1.0):
        """fp64; its gradients come times `scale`. count: N, the batch's own unless given."""
        logits = self.logits(parameters, batch)
        count = count or self.count(batch)
        if self.objective == "multi_cls":
            return self.ops.bce(logits, batch["targets"], count, scale)
        if self.objective == "single_cls":
            return self.ops.cross_entropy(logits, batch["targets"], count, scale)
        index, targets = self.targets(batch)
        rows, causal = logits.flatten(0, 1)[index], self.objective == "clm"
        return self.ops.cross_entropy(rows, targets, count, scale, causal=causal)


def pooled_index(batch):
    """GPT-2's: the rightmost token that is not padding, 0 where there is none. [B]"""
    ids = batch["input_ids"]
    return (torch.arange(ids.size(1)) * (ids != PAD["gpt2"])).argmax(-1)


class _Pass:
    """One forward pass."""

    def __init__(self, ops, shape, parameters):
        self.ops, self.shape, self.parameters = ops, shape, parameters

    def linear(self, name, x, *, bias=True, transposed=False):
        weight = self.parameters[f"{name}.weight"]
        weight = weight.T if transposed else weight
        return self.ops.module(
            name, self.ops.linear(x, weight, self.parameters[f"{name}.bias"] if bias else None)
        )

    def conv1d(self, name, x):
        """A linear layer whose weight is stored [in, out]."""
        return self.linear(name, x, transposed=True)

    def layer_norm(self, name, x):
        weight, bias = (self.parameters[f"{name}.{part}"] for part in ("weight", "bias"))
        return self.ops.module(name, self.ops.layer_norm(x, weight, bias, self.shape.epsilon))

    def embedding(self, name, ids, padding_idx=None):
        weight = self.parameters[f"{name}.weight"]
        return self.ops.module(name, self.ops.embedding(weight, ids, padding_idx))

    def attention(self, query, key, value, mask):
        def split(x):
            return x.unflatten(-1, (self.shape.heads, -1)).transpose(1, 2)  # [B, H, T, D]

        output = self.ops.attention(split(query), split(key), split(value), mask)
        return output.transpose(1, 2).flatten(2)

    def gpt2(self, batch):
        ids = batch["input_ids"]
        positions = torch.arange(ids.size(1))
        future = positions[None, :] > positions[:, None]  # [T, T]
        mask = _lowest_where(future | _forbidden_keys(batch), self.ops.wide)
        x = self.ops.add(
            self.embedding("transformer.wte", ids), self.embedding("transformer.wpe", positions)
        )
        for layer in range(self.shape.layers):
            x = self.gpt2_block(f"transformer.h.{layer}", x, mask)
        return self.layer_norm("transformer.ln_f", x)

    def gpt2_block(self, name, x, mask):
        query_key_value = self.conv1d(f"{name}.attn.c_attn", self.layer_norm(f"{name}.ln_1", x))
        attended = self.attention(*query_key_value.chunk(3, -1), mask)
        x = self.ops.add(self.conv1d(f"{name}.attn.c_proj", attended), x)
        inner = self.conv1d(f"{name}.mlp.c_fc", self.layer_norm(f"{name}.ln_2", x))
        inner = self.ops.module(f"{name}.mlp.act", self.ops.gelu(inner, "tanh"))
        return self.ops.add(x, self.conv1d(f"{name}.mlp.c_proj", inner))

    def gpt2_lm_head(self, hidden):
        weight = self.parameters["transformer.wte.weight"]
        return self.ops.module("lm_head", self.ops.linear(hidden, weight))

    def roberta(self, batch):
        ids, pad = batch["input_ids"], PAD["roberta"]
        real = (ids != pad).long()
        positions = real.cumsum(1) * real + pad
        name = "roberta.embeddings"
        x = self.ops.add(
            self.embedding(f"{name}.word_embeddings", ids, padding_idx=pad),
            self.embedding(f"{name}.token_type_embeddings", torch.zeros_like(ids)),
        )
        x = self.ops.add(
            x, self.embedding(f"{name}.position_embeddings", positions, padding_idx=pad)
        )
        x = self.layer_norm(f"{name}.LayerNorm", x)
        mask = _lowest_where(_forbidden_keys(batch), self.ops.wide)
        for layer in range(self.shape.layers):
            x = self.roberta_layer(f"roberta.encoder.layer.{layer}", x, mask)
        return x

    def roberta_layer(self, name, x, mask):
        projections = [
            self.linear(f"{name}.attention.self.{part}", x) for part in ("query", "key", "value")
        ]
        attended = self.linear(
            f"{name}.attention.output.dense", self.attention(*projections, mask)
        )
        x = self.layer_norm(f"{name}.attention.output.LayerNorm", self.ops.add(attended, x))
        inner = self.linear(f"{name}.intermediate.dense", x)
        inner = self.ops.module(
            f"{name}.intermediate.intermediate_act_fn", self.ops.gelu(inner, "exact")
        )
        output = self.linear(f"{name}.output.dense", inner)
        return self.layer_norm(f"{name}.output.LayerNorm", self.ops.add(output, x))

    def roberta_lm_head(self, hidden):
        x = self.ops.gelu(self.linear("lm_head.dense", hidden), "exact")
        x = self.layer_norm("lm_head.layer_norm", x)
        weight = self.parameters["roberta.embeddings.word_embeddings.weight"]
        logits = self.ops.linear(x, weight, self.parameters["lm_head.bias"])
        return self.ops.module("lm_head.decoder", logits)

    def roberta_classifier(self, hidden):
        x = self.ops.tanh(self.linear("classifier.dense", hidden[:, 0]))
        return self.linear("classifier.out_proj", x)
