"""Reading a Parquet file beside pyarrow: the same columns on one thread, interleaved, each in a process
of its own. Then the time that preparing a data set of EUR-Lex's length takes on all cores.

Usage: python bench/parquet.py BIN TEXT.jsonl[.gz] VOCAB MERGES [ROUNDS]
BIN is the build's folder of programs (configure with -DDTBENCH_BENCH=ON). The fields "text" and
"eurovoc_concepts" of TEXT are repeated until there are 50,000 documents with some 7,000 bytes each,
each begun with its number, and written as Parquet with zstd, snappy and no compression.

"pyarrow, batches" decodes the columns in batches and goes no further; "pyarrow, texts" also makes the
strings that a program can use, as dtbench does for each document.
"""

import gzip
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import pyarrow as pa
import pyarrow.parquet as pq

from process_memory import peak_resident_bytes

DOCUMENTS = 50_000
COLUMNS = ["text", "eurovoc_concepts"]


def write_files(path, folder):
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as lines:
        acts = [json.loads(line) for line in lines]
    texts = [f"{i} {acts[i % len(acts)]['text']}" for i in range(DOCUMENTS)]
    labels = [acts[i % len(acts)]["eurovoc_concepts"] for i in range(DOCUMENTS)]
    table = pa.table({"celex_id": [str(i) for i in range(DOCUMENTS)], "text": texts,
                      "eurovoc_concepts": labels})
    for compression in ("zstd", "snappy", "none"):
        pq.write_table(table, folder / f"{compression}.parquet", compression=compression,
                       row_group_size=10_000)


def run_pyarrow(path, to_python):
    """The child's side: one measurement as JSON."""
    pq.ParquetFile(path).close()
    wall, cpu = time.perf_counter(), time.process_time()
    documents = size = 0
    file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    for batch in file.iter_batches(256, columns=COLUMNS, use_threads=False):
        documents += len(batch)
        if to_python:
            size += sum(len(text.as_buffer()) for text in batch.column(0))
            batch.column(1).to_pylist()
    print(json.dumps({"documents": documents, "wall": time.perf_counter() - wall,
                      "cpu": time.process_time() - cpu,
                      "peak_bytes": peak_resident_bytes()}))


def measure(command):
    done = subprocess.run(command, capture_output=True, check=True,
                          preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}))
    return json.loads(done.stdout)


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def compare(folder, program, rounds):
    for path in sorted(folder.glob("*.parquet")):
        commands = {
            "dtbench": [program, path],
            "pyarrow, batches": [sys.executable, __file__, "--pyarrow", path, "batches"],
            "pyarrow, texts": [sys.executable, __file__, "--pyarrow", path, "texts"],
        }
        found = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                found[name].append(measure(command))
                assert found[name][-1]["documents"] == DOCUMENTS
        text = found["dtbench"][0]["bytes"] / 1e6
        print(f"{path.stem}: {path.stat().st_size / 1e6:.0f} MB, {text:.0f} MB of text")
        for name, runs in found.items():
            peak = max(run["peak_bytes"] for run in runs) / 1e6
            print(f"  {name:18} CPU {spread([run['cpu'] for run in runs])} s, "
                  f"wall {spread([run['wall'] for run in runs])} s, peak {peak:.0f} MB")
        for name in list(found)[1:]:
            ratios = [ours["cpu"] / theirs["cpu"] for ours, theirs in zip(found["dtbench"], found[name])]
            print(f"  dtbench over {name}: {spread(ratios)} times its CPU time")


def prepare(folder, program, vocab, merges):
    with tempfile.TemporaryDirectory() as cache:
        command = [program, "data", "prepare", "--scenario", "C", "--preset", "small", "--length", "512",
                   "--data", folder / "zstd.parquet", "--vocab", vocab, "--merges", merges, "--json"]
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        before, start = usage.ru_utime + usage.ru_stime, time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True,
                              env=os.environ | {"DTBENCH_CACHE": cache})
        seconds = time.perf_counter() - start
        cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    counts = json.loads(done.stdout)["counts"]
    documents = sum(counts[split]["documents"] for split in ("train", "validation"))
    print(f"dtbench data prepare: {documents} documents in {seconds:.1f} s on "
          f"{len(os.sched_getaffinity(0))} cores ({cpu.ru_utime + cpu.ru_stime - before:.1f} s of CPU)")


def main():
    binaries, path, vocab, merges = sys.argv[1:5]
    rounds = int(sys.argv[5]) if len(sys.argv) > 5 else 3
    binaries = pathlib.Path(binaries)
    print(f"pyarrow {pa.__version__}, {DOCUMENTS} documents, {rounds} rounds")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_files(path, folder)
        compare(folder, binaries / "parquet_bench", rounds)
        prepare(folder, binaries / "dtbench", vocab, merges)


if sys.argv[1:2] == ["--pyarrow"]:
    run_pyarrow(sys.argv[2], sys.argv[3] == "texts")
else:
    main()
