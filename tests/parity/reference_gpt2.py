"""GPT-2 of Transformers."""

import torch
from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel

from harness import END_OF_TEXT, SHAPE


def unset_model(objective, shape=SHAPE, **changes):
    config = GPT2Config(
        vocab_size=shape.vocab,
        n_positions=shape.positions,
        n_embd=shape.width,
        n_layer=shape.layers,
        n_head=shape.heads,
        layer_norm_epsilon=shape.epsilon,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        num_labels=shape.labels,
        bos_token_id=END_OF_TEXT,
        eos_token_id=END_OF_TEXT,
        pad_token_id=END_OF_TEXT,
        use_cache=False,
        attn_implementation="eager",
        **changes,
    )
    kind = GPT2LMHeadModel if objective == "clm" else GPT2ForSequenceClassification
    return kind(config)


def pooled_index(model, batch):
    """The index that Transformers pools at: the one position whose logits are the pooled ones.
    `model`: a classifier in fp64."""
    with torch.no_grad():
        given = {name: batch[name] for name in ("input_ids", "attention_mask")}
        pooled = model(**given).logits
        hidden = model.transformer(**given).last_hidden_state
        distance = (model.score(hidden) - pooled.unsqueeze(1)).abs().amax(-1)
    matches = distance < 1e-12
    assert (matches.sum(-1) == 1).all()
    return matches.int().argmax(-1)
