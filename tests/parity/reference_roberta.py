"""RoBERTa of Transformers."""

from transformers import RobertaConfig, RobertaForMaskedLM, RobertaForSequenceClassification

from harness import PAD, SHAPE


def unset_model(objective, shape=SHAPE, **changes):
    config = RobertaConfig(
        vocab_size=shape.vocab,
        max_position_embeddings=shape.positions,
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=4 * shape.width,
        layer_norm_eps=shape.epsilon,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        num_labels=shape.labels,
        bos_token_id=0,
        pad_token_id=PAD["roberta"],
        eos_token_id=2,
        attn_implementation="eager",
        **changes,
    )
    kind = RobertaForMaskedLM if objective == "mlm" else RobertaForSequenceClassification
    return kind(config)
