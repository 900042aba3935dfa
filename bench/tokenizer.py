"""Our tokenizer beside Hugging Face tokenizers: CPU seconds of one thread, interleaved rounds.

Usage: python bench/tokenizer.py BIN VOCAB MERGES TEXT.jsonl[.gz] [ROUNDS]
BIN is the build's folder of programs (configure with -DDTBENCH_BENCH=ON). Text: the field "text".
"""

import gzip
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tokenizers  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402


def read_texts(path):
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def hugging_face(vocab, merges, texts):
    """The faster of its two ways: encode_batch_fast leaves the offsets out."""
    tokenizer = Tokenizer(models.BPE.from_file(vocab, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    start = time.process_time()
    encodings = tokenizer.encode_batch_fast(texts)
    seconds = time.process_time() - start
    return {"encode": seconds, "tokens": sum(len(encoding.ids) for encoding in encodings)}


def ours(program, vocab, merges, text_file):
    done = subprocess.run([program, vocab, merges, text_file], capture_output=True, check=True)
    return json.loads(done.stdout)


def line(name, values, unit):
    spread = f"{min(values):.2f} to {max(values):.2f}"
    return f"{name}: median {statistics.median(values):.2f} {unit} ({spread})"


def main():
    folder, vocab, merges, path = sys.argv[1:5]
    rounds = int(sys.argv[5]) if len(sys.argv) > 5 else 3
    program = pathlib.Path(folder) / "tokenizer_bench"
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    texts = read_texts(path)
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0".join(text.encode() for text in texts))
        file.flush()
        pairs = []
        for _ in range(rounds):
            pairs.append((hugging_face(vocab, merges, texts), ours(program, vocab, merges, file.name)))
            assert pairs[-1][0]["tokens"] == pairs[-1][1]["tokens"], "different token counts"
    print(f"{len(texts)} documents, {megabytes:.1f} MB, {pairs[0][1]['tokens']} tokens, {rounds} rounds, "
          f"tokenizers {tokenizers.__version__}")
    print(line("Hugging Face tokenizers", [megabytes / a["encode"] for a, _ in pairs], "MB/s"))
    print(line("dtbench", [megabytes / b["encode"] for _, b in pairs], "MB/s"))
    print(line("ratio", [a["encode"] / b["encode"] for a, b in pairs], "times"))
    print(line("scanner over Oniguruma, pre-tokenization alone",
               [b["split_oniguruma"] / b["split"] for _, b in pairs], "times"))


main()
