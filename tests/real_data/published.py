"""The repositories that the scenarios name, under their published ids and laid out as they are on
the Hub, for the stand-in Hub. Texts and labels are the real ones of ../shared/data; weights are
drawn by Transformers, in the published shapes unless a smaller one is asked for."""

import gzip
import io
import json
import os
import pathlib
import sys

import pyarrow
import pyarrow.parquet
import safetensors.torch
import torch
import transformers

SOURCE = pathlib.Path(os.environ.get("DTBENCH_SOURCE", pathlib.Path(__file__).parents[2]))
SHARED = SOURCE.parent / "shared" / "data"
sys.path.insert(0, str(SOURCE / "tests" / "hub"))

from stand_in_hub import File  # noqa: E402

GPT2, ROBERTA = "openai-community/gpt2", "FacebookAI/roberta-base"
OPENWEBTEXT, LEX_GLUE = "Skylion007/openwebtext", "coastalcph/lex_glue"
MULTI_EURLEX, EURLEX57K = "coastalcph/multi_eurlex", "pietrolesci/eurlex-57k"
PARQUET_COPY = "refs/convert/parquet"
LEX_GLUE_NAMES = [str(concept) for concept in range(100163, 100290)]  # 127, the first 100 scored
SPLITS = {"train": "train", "validation": "validation", "test": "test"}

# The published shapes, and one with the published vocabularies and position tables that trains in
# seconds on a CPU: the two differ in these three numbers alone.
PUBLISHED_SHAPE = {"layers": 12, "width": 768, "heads": 12}
SMALL_SHAPE = {"layers": 2, "width": 64, "heads": 2}


def read_jsonl(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def posts():
    return [post["text"] for post in read_jsonl(SHARED / "text/web_posts.jsonl.gz")]


def acts(split=None):
    return [act for act in read_jsonl(SHARED / "eurlex/eurlex_acts.jsonl.gz")
            if split in (None, act["split"])]


def parquet(columns, class_names=None, row_group_size=None, column="labels"):
    """As `datasets` writes it, which keeps the names of class labels in the schema's metadata."""
    table = pyarrow.table(columns)
    if class_names:
        feature = {"feature": {"names": class_names, "_type": "ClassLabel"}, "_type": "Sequence"}
        info = {"info": {"features": {column: feature}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, row_group_size=row_group_size)
    return File(out.getvalue(), large=True)


def class_labels(rows, level, names):
    return pyarrow.array([[names.index(label) for label in row[level]] for row in rows],
                         pyarrow.list_(pyarrow.int64()))


def openwebtext_files(texts, row_group_size=50):
    """The Hub's Parquet copy of a data set above 5 GB: its beginning, in files of some size."""
    half = len(texts) // 2
    return {f"plain_text/partial-train/{number:04}.parquet":
            parquet({"text": part}, row_group_size=row_group_size)
            for number, part in enumerate((texts[:half], texts[half:]))}


def lex_glue_files():
    files = {"README.md": File(b"# LexGLUE\n"),
             "ledgar/train-00000-of-00001.parquet":
             parquet({"text": ["a clause"], "label": pyarrow.array([0])})}
    for split in SPLITS:
        rows = acts(split)
        files[f"eurlex/{split}-00000-of-00001.parquet"] = parquet(
            {"text": [row["text"] for row in rows],
             "labels": class_labels(rows, "level_2", LEX_GLUE_NAMES)}, LEX_GLUE_NAMES, 100)
    return files


def multi_eurlex_files():
    names = sorted({label for act in acts() for label in act["level_1"]})
    files = {}
    for split in SPLITS:
        rows = acts(split)
        files[f"en/{split}-00000-of-00001.parquet"] = parquet(
            {"celex_id": [row["celex_id"] for row in rows], "text": [row["text"] for row in rows],
             "labels": class_labels(rows, "level_1", names)}, names)
    files["de/train-00000-of-00001.parquet"] = parquet({"celex_id": ["x"], "text": ["Verordnung"],
                                                        "labels": [[0]]}, names)
    return files


def eurlex57k_files():
    files = {"eurovoc_concepts/train-00000-of-00001.parquet": parquet({"id": ["1"]})}
    for split in SPLITS:
        rows = acts(split)
        files[f"data/{split}-00000-of-00001.parquet"] = parquet(
            {key: [row[key] for row in rows]
             for key in ("celex_id", "title", "text", "eurovoc_concepts")})
    return files


def tokenizer_json(name):
    """In the form of the published files, which are older than some members of today's."""
    vocabulary = json.loads((SHARED / f"bpe/{name}_vocab.json").read_text("utf-8"))
    merges = (SHARED / "bpe/merges.txt").read_text("utf-8").splitlines()
    byte_level = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True}
    special = (["<|endoftext|>"] if name == "gpt2" else
               ["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    around = ({**byte_level, "trim_offsets": False} if name == "gpt2" else
              {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0],
               "trim_offsets": True, "add_prefix_space": False})
    return File(json.dumps({
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": vocabulary[token], "special": True, "content": token,
                          "single_word": False, "lstrip": token == "<mask>", "rstrip": False,
                          "normalized": name == "gpt2"} for token in special],
        "normalizer": None, "pre_tokenizer": {**byte_level, "add_prefix_space": False},
        "post_processor": around, "decoder": byte_level,
        "model": {"dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                  "end_of_word_suffix": "", "fuse_unk": False, "vocab": vocabulary,
                  "merges": [merge for merge in merges if merge and not merge.startswith("#version")]}},
        ensure_ascii=False).encode())


def gpt2_model(shape):
    torch.manual_seed(1)
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(
        n_layer=shape["layers"], n_embd=shape["width"], n_head=shape["heads"]))


def roberta_model(shape):
    torch.manual_seed(2)
    return transformers.RobertaForMaskedLM(transformers.RobertaConfig(
        vocab_size=50265, num_hidden_layers=shape["layers"], hidden_size=shape["width"],
        num_attention_heads=shape["heads"], intermediate_size=4 * shape["width"],
        max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5, pad_token_id=1))


def safetensors_file(tensors):
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    return File(safetensors.torch.save(tensors, metadata={"format": "pt"}), large=True)


def gpt2_weights(shape):
    """openai-community/gpt2's tensors: no prefix, no head (it is tied), the attention's masks."""
    tensors = {name.removeprefix("transformer."): tensor
               for name, tensor in gpt2_model(shape).state_dict().items()
               if name.startswith("transformer.")}
    for layer in range(shape["layers"]):
        tensors[f"h.{layer}.attn.bias"] = torch.ones(1024, 1024).tril().view(1, 1, 1024, 1024)
    return safetensors_file(tensors)


def roberta_weights(shape):
    """FacebookAI/roberta-base's: the prefix, the head without its tied decoder, a pooler."""
    tensors = {name: tensor for name, tensor in roberta_model(shape).state_dict().items()
               if not name.startswith("lm_head.decoder")}
    tensors["roberta.embeddings.position_ids"] = torch.arange(514).expand(1, -1)
    width = shape["width"]
    tensors["roberta.pooler.dense.weight"] = torch.zeros(width, width)
    tensors["roberta.pooler.dense.bias"] = torch.zeros(width)
    return safetensors_file(tensors)


def publish(hub, shape):
    """All of them, on the stand-in Hub."""
    for name, kind, files, branch in (
            (GPT2, "models", {"tokenizer.json": tokenizer_json("gpt2"),
                              "model.safetensors": gpt2_weights(shape)}, "main"),
            (ROBERTA, "models", {"tokenizer.json": tokenizer_json("roberta"),
                                 "model.safetensors": roberta_weights(shape)}, "main"),
            (OPENWEBTEXT, "datasets", openwebtext_files(posts()), PARQUET_COPY),
            (LEX_GLUE, "datasets", lex_glue_files(), "main"),
            (MULTI_EURLEX, "datasets", multi_eurlex_files(), "main"),
            (EURLEX57K, "datasets", eurlex57k_files(), "main")):
        hub.repository(kind, name).commit(files, branch)
