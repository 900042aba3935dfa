"""GPT-2 of Transformers as the reference: models, batches, losses and training steps."""

import torch
from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel

from harness import END_OF_TEXT, SHAPE, TORCH_DTYPE

IGNORED = -100


def build_model(objective, dtype, *, seed=0, **changes):
    """Weights far from their usual start (biases, norms and all), so that none can hide."""
    config = GPT2Config(
        vocab_size=SHAPE.vocab,
        n_positions=SHAPE.positions,
        n_embd=SHAPE.width,
        n_layer=SHAPE.layers,
        n_head=SHAPE.heads,
        layer_norm_epsilon=SHAPE.epsilon,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        num_labels=SHAPE.labels,
        bos_token_id=END_OF_TEXT,
        eos_token_id=END_OF_TEXT,
        pad_token_id=END_OF_TEXT,
        use_cache=False,
        attn_implementation="eager",
        **changes,
    )
    kind = GPT2LMHeadModel if objective == "clm" else GPT2ForSequenceClassification
    model = kind(config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            value = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            norm_weight = ".ln_" in name and name.endswith(".weight")
            parameter.copy_(1 + 0.2 * value if norm_weight else 0.15 * value)
    return model.to(TORCH_DTYPE[dtype])


def weights_of(model):
    """By name, the tied head once."""
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def build_batch(objective, padding, *, seed=1, samples=6, length=40):
    """input_ids, attention_mask and targets [B, T] (labels as Transformers takes them) or [B].

    padding: "none", "right", "left", or "all_pad_row", which is "right" with one row of padding
    alone.
    """
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, END_OF_TEXT, (samples, length), generator=generator)
    mask = torch.ones(samples, length, dtype=torch.int64)
    if padding != "none":
        for row in range(1, samples):  # the first stays full, others lose 1 to length - 1 tokens
            lost = int(torch.randint(1, length, (1,), generator=generator))
            if padding == "all_pad_row" and row == 3:
                lost = length
            mask[row, : lost] = 0
            if padding != "left":
                mask[row] = mask[row].flip(0)
        ids[mask == 0] = END_OF_TEXT
    batch = {"input_ids": ids, "attention_mask": mask}
    if objective == "clm":
        targets = ids.clone()
        targets[mask == 0] = IGNORED
        targets[0, 5:9] = IGNORED  # real tokens that are no targets
    else:
        targets = torch.randint(0, SHAPE.labels, (samples,), generator=generator)
    return batch | {"targets": targets}


def forward(model, batch):
    """Logits and loss. Transformers' own LM loss casts logits to fp32, which would hide everything
    below 1e-7, so an fp64 model gets torch's cross-entropy of the shifted logits instead."""
    output = model(
        input_ids=batch["input_ids"],
        attention_mask=batch["attention_mask"],
        labels=batch["targets"],
    )
    if output.logits.dtype == torch.float64 and isinstance(model, GPT2LMHeadModel):
        shifted = output.logits[:, :-1].reshape(-1, output.logits.size(-1))
        own = torch.nn.functional.cross_entropy(
            shifted, batch["targets"][:, 1:].reshape(-1), ignore_index=IGNORED
        )
        # The same loss, to the rounding of Transformers' cast.
        torch.testing.assert_close(own.float(), output.loss.float(), rtol=1e-5, atol=0)
        return output.logits, own
    return output.logits, output.loss


def pooled_index(batch):
    """The index that Transformers pools at: the one position whose logits are the pooled ones."""
    model = build_model("single_cls", "fp64")
    with torch.no_grad():
        pooled = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        hidden = model.transformer(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
        ).last_hidden_state
        distance = (model.score(hidden) - pooled.unsqueeze(1)).abs().amax(-1)
    matches = distance < 1e-12
    assert (matches.sum(-1) == 1).all()
    return matches.int().argmax(-1)


def adamw_course(model, batch, spec):
    """Losses and gradient norms of AdamW steps on one batch, as the contract sets them up: decay on
    all but biases and norms, linear warm-up, clipping by the global norm."""
    train = spec["train"]
    decayed, plain = [], []
    for name, parameter in model.named_parameters():
        is_plain = name.endswith(".bias") or ".ln_" in name
        (plain if is_plain else decayed).append(parameter)
    optimizer = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": train["weight_decay"]},
            {"params": plain, "weight_decay": 0.0},
        ],
        lr=train["learning_rate"],
        betas=(train["beta1"], train["beta2"]),
        eps=spec["policy"]["epsilon"],
        fused=True,
    )
    losses, norms = [], []
    for step in range(train["steps"]):
        for group in optimizer.param_groups:
            group["lr"] = train["learning_rate"] * min(1.0, (step + 1) / train["warmup_steps"])
        optimizer.zero_grad()
        _, loss = forward(model, batch)
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), train["clip_norm"]).item())
        optimizer.step()
        losses.append(loss.item())
    return {
        "losses": torch.tensor(losses, dtype=torch.float64),
        "grad_norms": torch.tensor(norms, dtype=torch.float64),
    }
