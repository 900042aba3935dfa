"""Our tokenizer beside Hugging Face tokenizers and tiktoken, on one thread and on two: interleaved
rounds, each measurement in a process of its own on as many cores as it has threads.

Usage: python bench/tokenizer.py BIN VOCAB MERGES TEXT.jsonl[.gz] [ROUNDS]
BIN is the build's folder of programs (configure with -DDTBENCH_BENCH=ON). Text: the field "text".
The vocabulary must be GPT-2's: tiktoken's ids are ranks of merges.
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

PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""


def read_texts(path):
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def hugging_face(vocab, merges, threads):
    """The faster of its two ways: encode_batch_fast leaves the offsets out."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.BPE.from_file(vocab, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return lambda texts: sum(len(encoding.ids) for encoding in tokenizer.encode_batch_fast(texts))


def tiktoken(vocab, merges, threads):
    import tiktoken

    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    alphabet = {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(rest)}
    spelled = json.loads(pathlib.Path(vocab).read_text())
    ranks = {bytes(alphabet[c] for c in token): rank for token, rank in spelled.items()
             if token != "<|endoftext|>"}
    encoding = tiktoken.Encoding("gpt2", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
    return lambda texts: sum(map(len, encoding.encode_ordinary_batch(texts, num_threads=threads)))


PEERS = {"Hugging Face tokenizers": hugging_face, "tiktoken": tiktoken}


def run_peer(name, vocab, merges, text_file, threads):
    """The child's side: one measurement as JSON."""
    work = PEERS[name](vocab, merges, threads)
    texts = pathlib.Path(text_file).read_bytes().decode().split("\0")
    wall, cpu = time.perf_counter(), time.process_time()
    tokens = work(texts)
    print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu,
                      "tokens": tokens}))


def measure(command, threads):
    cores = sorted(os.sched_getaffinity(0))[:threads]
    settings = {"TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false",
                "RAYON_NUM_THREADS": str(threads)}
    done = subprocess.run([*command, str(threads)], capture_output=True, check=True,
                          env=os.environ | settings,
                          preexec_fn=lambda: os.sched_setaffinity(0, cores))
    return json.loads(done.stdout)


def line(name, values, unit):
    spread = f"{min(values):.2f} to {max(values):.2f}"
    return f"  {name}: median {statistics.median(values):.2f} {unit} ({spread})"


def main():
    folder, vocab, merges, path = sys.argv[1:5]
    rounds = int(sys.argv[5]) if len(sys.argv) > 5 else 3
    texts = [text for text in read_texts(path) if "\0" not in text]
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    with tempfile.NamedTemporaryFile() as file:
        file.write("\0".join(texts).encode())
        file.flush()
        commands = {name: [sys.executable, __file__, "--peer", name, vocab, merges, file.name]
                    for name in PEERS}
        commands["dtbench"] = [pathlib.Path(folder) / "tokenizer_bench", vocab, merges, file.name]
        found = {(name, threads): [] for threads in (1, 2) for name in commands}
        for _ in range(rounds):
            for name, threads in found:
                found[name, threads].append(measure(commands[name], threads))
    tokens = {run["tokens"] for runs in found.values() for run in runs}
    assert len(tokens) == 1, f"different token counts: {tokens}"
    print(f"{len(texts)} documents, {megabytes:.1f} MB, {tokens.pop()} tokens, {rounds} rounds")

    def report(clock, threads):
        ours = found["dtbench", threads]
        for name in commands:
            print(line(name, [megabytes / run[clock] for run in found[name, threads]], "MB/s"))
        for name in PEERS:
            ratios = [b[clock] / a[clock] for a, b in zip(ours, found[name, threads])]
            print(line(f"dtbench over {name}", ratios, "times"))

    print("one thread, CPU seconds")
    report("cpu", 1)
    print("two threads, wall seconds")
    report("wall", 2)
    for name in commands:
        print(line(f"{name}, two threads over one",
                   [a["wall"] / b["wall"] for a, b in zip(found[name, 1], found[name, 2])], "times"))
    print(line("scanner over Oniguruma, pre-tokenization alone",
               [run["split_oniguruma"] / run["split"] for run in found["dtbench", 1]], "times"))


if sys.argv[1:2] == ["--peer"]:
    run_peer(*sys.argv[2:6], int(sys.argv[6]))
else:
    main()
