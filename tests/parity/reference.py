"""Transformers as the reference: models, batches, losses and training steps of each scenario."""

import torch
from torch.nn import functional

import reference_gpt2
import reference_roberta
from harness import END_OF_TEXT, IGNORED, PAD, SCENARIOS, SHAPE, is_decayed
from policies import TORCH_DTYPE

_OF = {"gpt2": reference_gpt2, "roberta": reference_roberta}
# RoBERTa's tokens begin after <s>, <pad>, </s>, <unk>; GPT-2's end before its end-of-text.
_FIRST_TOKEN = {"gpt2": 0, "roberta": 4}


def unset_model(scenario, shape=SHAPE, **changes):
    """As Transformers makes it."""
    architecture, objective = SCENARIOS[scenario]
    return _OF[architecture].unset_model(objective, shape, **changes)


def build_model(scenario, dtype, *, seed=0, spread=0.15, shape=SHAPE, **changes):
    """Weights far from their usual start (biases, norms, padding rows and all), so that none can
    hide."""
    model = unset_model(scenario, shape, **changes)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            value = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            norm_weight = not is_decayed(name) and name.endswith(".weight")
            parameter.copy_(1 + 0.2 * value if norm_weight else spread * value)
    return model.to(TORCH_DTYPE[dtype])


def weights_of(model):
    """By name, tied weights once."""
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def build_batch(scenario, padding, *, seed=1, samples=6, length=40, shape=SHAPE):
    """input_ids, attention_mask and targets: labels [B, T] as Transformers takes them, before the
    shift (clm) or at masked positions (mlm); multi-hot fp32 [B, labels]; or classes [B].

    padding: "none", "right", "left", or "all_pad_row", which is "right" with one row of padding
    alone.
    """
    architecture, objective = SCENARIOS[scenario]
    generator = torch.Generator().manual_seed(seed)
    first = _FIRST_TOKEN[architecture]
    ids = torch.randint(first, END_OF_TEXT, (samples, length), generator=generator)
    mask = torch.ones(samples, length, dtype=torch.int64)
    if padding != "none":
        for row in range(1, samples):  # the first stays full, others lose 1 to length - 1 tokens
            lost = int(torch.randint(1, length, (1,), generator=generator))
            if padding == "all_pad_row" and row == 3:
                lost = length
            mask[row, :lost] = 0
            if padding != "left":
                mask[row] = mask[row].flip(0)
        ids[mask == 0] = PAD[architecture]
    targets = _targets(objective, ids, mask, generator, shape)
    return {"input_ids": ids, "attention_mask": mask, "targets": targets}


def _targets(objective, ids, mask, generator, shape):
    samples = len(ids)
    if objective == "single_cls":
        return torch.randint(0, shape.labels, (samples,), generator=generator)
    if objective == "multi_cls":
        multi_hot = torch.rand(samples, shape.labels, generator=generator) < 0.3
        multi_hot[:, 0] |= ~multi_hot.any(1)  # each document has a label
        return multi_hot.float()
    targets = ids.clone()
    if objective == "mlm":
        chosen = torch.rand(ids.shape, generator=generator) < 0.3
        targets[~chosen] = IGNORED
        ids[chosen & (torch.rand(ids.shape, generator=generator) < 0.8)] = END_OF_TEXT  # <mask>
    else:
        targets[0, 5:9] = IGNORED  # real tokens that are no targets
    targets[mask == 0] = IGNORED
    return targets


def forward(model, batch):
    """Logits and loss, in an fp64 model in fp64: the casts of Transformers' own LM loss to fp32
    would hide everything below 1e-7."""
    double = next(model.parameters()).dtype == torch.float64
    targets = batch["targets"].double() if _is_multi_hot(batch) and double else batch["targets"]
    output = model(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=targets
    )
    if not (double and hasattr(model, "lm_head")):
        return output.logits, output.loss
    logits = output.logits
    if model.config.model_type == "gpt2":
        logits, targets = logits[:, :-1], targets[:, 1:]
    own = functional.cross_entropy(
        logits.reshape(-1, logits.size(-1)), targets.reshape(-1), ignore_index=IGNORED
    )
    # The same loss, to the rounding of Transformers' cast.
    torch.testing.assert_close(own.float(), output.loss.float(), rtol=1e-5, atol=0)
    return output.logits, own


def _is_multi_hot(batch):
    return batch["targets"].is_floating_point()


def adamw_course(model, batch, spec):
    """Losses and gradient norms of AdamW steps on one batch, as the contract sets them up: decay on
    all but biases and norms, linear warm-up, clipping by the global norm."""
    train = spec["train"]
    decayed, plain = [], []
    for name, parameter in model.named_parameters():
        (decayed if is_decayed(name) else plain).append(parameter)
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
