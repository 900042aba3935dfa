"""Streamed data: a subset costs its row groups, and its rows are those that `datasets` streams."""

import itertools
import json
import subprocess
import sys

import pyarrow
import pyarrow.parquet
import pytest
from conftest import BIN, ok
from published import (EURLEX57K, LEX_GLUE, LEX_GLUE_NAMES, MULTI_EURLEX, OPENWEBTEXT, PARQUET_COPY,
                       SHARED, acts, openwebtext_files, posts)

EXAMPLES, ROW_GROUP = 2000, 250


def prepare(bench, scenario, *arguments, **changes):
    return json.loads(ok(bench("data", "prepare", "--scenario", scenario, "--json", *arguments,
                               **changes)))


def probe(bench, source, **settings):
    """What src/data reads of a source: source_probe, beside the programs."""
    done = subprocess.run([BIN / "source_probe", source, json.dumps(settings)],
                          env=bench.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def many_row_groups(hub):
    """20,000 documents in one file of 80 row groups."""
    texts = [f"{number} {text}" for number, text in
             zip(range(20_000), itertools.cycle(posts()))]
    files = openwebtext_files(texts[:20_000] * 2, ROW_GROUP)
    repository = hub.repository("datasets", OPENWEBTEXT)
    repository.commit(files, PARQUET_COPY)
    return texts, files["plain_text/partial-train/0000.parquet"]


def test_bytes_of_a_subset(hub, bench, many_row_groups):
    texts, file = many_row_groups
    answer = prepare(bench, "A", "--data-examples", EXAMPLES)
    assert answer["counts"]["train"]["documents"] + answer["counts"]["validation"]["documents"] == EXAMPLES
    fetched = sum(request.sent for request in hub.contents() if "parquet" in request.path
                  or request.server == "storage")
    metadata = pyarrow.parquet.ParquetFile(pyarrow.BufferReader(file.content)).metadata
    groups = sum(metadata.row_group(group).column(0).total_compressed_size
                 for group in range(EXAMPLES // ROW_GROUP))
    footer = metadata.serialized_size + 8
    print(f"{EXAMPLES} of 20,000 documents: {fetched:,} bytes fetched, row groups and footer "
          f"{groups + footer:,}, file {len(file.content):,}: ratio {fetched / (groups + footer):.3f}")
    assert groups < fetched <= 1.3 * (groups + footer)
    assert fetched < len(file.content) / 5
    assert not [link for link in bench.cached(hub.repositories["datasets", OPENWEBTEXT])
                if link.suffix == ".parquet"]


def test_the_subset_is_the_same_each_time(bench, many_row_groups):
    first = prepare(bench, "A", "--data-examples", EXAMPLES)
    again = prepare(bench, "A", "--data-examples", EXAMPLES,
                    DTBENCH_CACHE=str(bench.folder / "other"))
    assert first["fingerprint"] == again["fingerprint"]
    stores = [json.loads((bench.folder / cache / "stores" / first["fingerprint"] / "meta.json")
                         .read_text())["files"] for cache in ("dtbench", "other")]
    assert stores[0] == stores[1]
    by_bytes = prepare(bench, "A", "--data-examples", 0, "--data-bytes", 100_000)
    assert by_bytes["fingerprint"] != first["fingerprint"]


def test_a_moved_branch_is_another_data_set(hub, bench):
    first = prepare(bench, "A", "--data-examples", 50)
    repository = hub.repositories["datasets", OPENWEBTEXT]
    pinned = repository.branches[PARQUET_COPY]
    repository.commit(openwebtext_files(posts()[100:200]), PARQUET_COPY)
    moved = prepare(bench, "A", "--data-examples", 50)
    assert moved["sources"]["data"]["commit"] == repository.branches[PARQUET_COPY] != pinned
    assert moved["fingerprint"] != first["fingerprint"]
    back = prepare(bench, "A", "--data-examples", 50, "--data",
                   f"hf://datasets/{OPENWEBTEXT}@{pinned}")
    assert back["fingerprint"] == first["fingerprint"]


def test_rows_are_those_that_datasets_streams(hub, bench):
    """An independent reader of the same address: fsspec, the Python client and pyarrow."""
    pytest.importorskip("datasets", reason="needs the package datasets (requirements/test.txt)")
    # Its own process: huggingface_hub reads the endpoint when it is imported.
    code = ("import json, datasets\n"
            f"stream = datasets.load_dataset('parquet', split='train', streaming=True, data_files="
            f"'hf://datasets/{OPENWEBTEXT}@{PARQUET_COPY}/plain_text/partial-train/*.parquet')\n"
            "print(json.dumps([row['text'] for row in stream.take(1500)]))")
    theirs = subprocess.run([sys.executable, "-c", code], env=bench.environment,
                            capture_output=True, text=True, check=False, timeout=300)
    assert theirs.returncode == 0, theirs.stderr
    ours = probe(bench, f"hf://datasets/{OPENWEBTEXT}@~parquet", with_labels=False, examples=1500)
    assert [text for _, text, _ in ours["documents"]] == json.loads(theirs.stdout)
    assert len(ours["documents"]) == 1500


def test_lex_glue(bench):
    read = probe(bench, f"hf://datasets/{LEX_GLUE}/eurlex")
    assert read["label_list"] == LEX_GLUE_NAMES[:100]
    expected = [[split, act["text"], [label for label in act["level_2"]
                                      if label in LEX_GLUE_NAMES[:100]]]
                for split in ("test", "train", "validation") for act in acts(split)]
    assert read["documents"] == expected
    assert read["unscored"] == sum(label not in LEX_GLUE_NAMES[:100]
                                   for act in acts() for label in act["level_2"])


def test_multi_eurlex(bench):
    read = probe(bench, f"hf://datasets/{MULTI_EURLEX}/en")
    assert len(read["label_list"]) == 21
    assert read["documents"] == [[split, act["text"], act["level_1"]]
                                 for split in ("test", "train", "validation")
                                 for act in acts(split)]


def test_eurlex57k(bench):
    read = probe(bench, f"hf://datasets/{EURLEX57K}/data")
    assert read["documents"] == [[split, act["text"], act["eurovoc_concepts"]]
                                 for split in ("test", "train", "validation")
                                 for act in acts(split)]


@pytest.mark.parametrize("level", ["level_1", "level_2", "level_3"])
def test_levels_of_multi_eurlex_s_own_files(bench, tmp_path, level):
    """Its JSON lines, which hold every language and level: hub_samples has the real rows."""
    folder = SHARED / "hub_samples/multi_eurlex__en_1.0.0"
    read = probe(bench, str(folder), text="text.en", labels=f"eurovoc_concepts.{level}")
    rows = [(split, json.loads(line)) for split, name in
            (("validation", "dev"), ("test", "test"), ("train", "train"))
            for line in (folder / f"{name}.jsonl").read_text("utf-8").splitlines()]
    assert read["documents"] == [[split, row["text"]["en"] or "", row["eurovoc_concepts"][level]]
                                 for split, row in rows]
    assert len(read["documents"]) > 3
