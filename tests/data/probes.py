"""What the Python tests of data share: the probes, the real data, and the tokenizers to compare."""

import gzip
import json
import os
import pathlib
import struct
import subprocess

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

SOURCE = pathlib.Path(os.environ["DTBENCH_SOURCE"])
BIN = pathlib.Path(os.environ["DTBENCH_BIN"])
SHARED = SOURCE.parent / "shared" / "data"

VOCABULARIES = {
    "synthetic": (SOURCE / "configs/tokenizers/synthetic/vocab.json",
                  SOURCE / "configs/tokenizers/synthetic/merges.txt"),
    "gpt2": (SHARED / "bpe/gpt2_vocab.json", SHARED / "bpe/merges.txt"),
    "roberta": (SHARED / "bpe/roberta_vocab.json", SHARED / "bpe/merges.txt"),
}


def require_shared():
    if not SHARED.is_dir():
        pytest.skip(f"needs real data in {SHARED}")


def vocabulary(name):
    files = VOCABULARIES[name]
    if name != "synthetic":
        require_shared()
    return files


def hugging_face(name):
    vocab, merges = vocabulary(name)
    tokenizer = Tokenizer(models.BPE.from_file(str(vocab), str(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def tokenize_probe(name, mode, records):
    return probe_files(vocabulary(name), mode, records)


def probe_files(files, mode, records):
    """Runs records (bytes) through tokenize_probe; the answers are bytes."""
    framed = b"".join(struct.pack("<I", len(r)) + r for r in records)
    done = subprocess.run([BIN / "tokenize_probe", mode, *files], input=framed,
                          capture_output=True, check=True)
    answers, at = [], 0
    while at < len(done.stdout):
        (size,) = struct.unpack_from("<I", done.stdout, at)
        answers.append(done.stdout[at + 4 : at + 4 + size])
        at += 4 + size
    assert len(answers) == len(records)
    return answers


def read_jsonl(path):
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(
        encoding="utf-8")
    with opened as lines:
        return [json.loads(line) for line in lines]
