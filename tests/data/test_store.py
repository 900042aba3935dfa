"""Stores from real data against numpy, and prepared by several processes at once."""

import hashlib
import json
import math
import os
import pathlib
import resource
import signal
import subprocess
import time
from collections import Counter

import numpy as np
import pytest
from probes import BIN, SHARED, SOURCE, hugging_face, read_jsonl, require_shared, vocabulary
from tokenizers import processors

LENGTH = 128
DONE, USAGE, RETRYABLE = 0, 2, 3


def command(cache, objective, **settings):
    return [BIN / "prepare_probe", cache, SOURCE / "configs", objective, json.dumps(settings)]


def prepare(cache, objective, **settings):
    done = subprocess.run(command(cache, objective, **settings), capture_output=True, text=True,
                          check=True)
    return Store(done.stdout.strip())


class Store:
    """The store's files as src/data/store.h describes them."""

    def __init__(self, folder):
        self.folder = folder
        with open(f"{folder}/meta.json", encoding="utf-8") as file:
            self.meta = json.load(file)

    def tokens(self, split):
        return np.fromfile(f"{self.folder}/{split}.tokens", np.uint16)

    def documents(self, split):
        return self._cut(self.tokens(split), f"{split}.offsets")

    def labels(self, split):
        return self._cut(np.fromfile(f"{self.folder}/{split}.labels", np.int32),
                         f"{split}.label_offsets")

    def _cut(self, items, offsets):
        bounds = np.fromfile(f"{self.folder}/{offsets}", np.uint64).astype(int)
        assert bounds[0] == 0 and bounds[-1] == len(items)
        return [items[a:b] for a, b in zip(bounds, bounds[1:])]


def files(name):
    vocab, merges = vocabulary(name)
    return {"vocab": str(vocab), "merges": str(merges)}


def roberta():
    """Hugging Face tokenizers with RoBERTa's marks."""
    tokenizer = hugging_face("roberta")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return tokenizer


def test_language_model_store_of_web_posts(tmp_path):
    require_shared()
    path = SHARED / "text/web_posts.jsonl.gz"
    store = prepare(tmp_path, "clm", source=str(path), **files("gpt2"))
    tokenizer = hugging_face("gpt2")
    records = read_jsonl(path)
    for split, chosen in [("train", [r for i, r in enumerate(records) if i % 20 != 19]),
                          ("validation", [r for i, r in enumerate(records) if i % 20 == 19])]:
        expected = [e.ids + [50256] for e in tokenizer.encode_batch([r["text"] for r in chosen])]
        assert [d.tolist() for d in store.documents(split)] == expected
        assert store.meta["counts"][split]["tokens"] == sum(map(len, expected))
    train = np.bincount(store.tokens("train"), minlength=50257) + 0.5
    loss = -np.log(train / train.sum())[store.tokens("validation")].mean()
    assert math.isclose(store.meta["unigram_loss"], loss, rel_tol=1e-12)


# As Transformers' run_mlm groups texts: documents with their marks, joined, cut into blocks.
def test_masked_language_model_store_of_web_posts(tmp_path):
    require_shared()
    path = SHARED / "text/web_posts.jsonl.gz"
    store = prepare(tmp_path, "mlm", architecture="roberta", source=str(path), **files("roberta"))
    meta = store.meta
    assert (meta["token_scheme"], meta["vocab_size"]) == ("roberta", 50265)
    assert (meta["pad_token_id"], meta["mask_token_id"]) == (1, 50264)
    assert meta["special_token_ids"] == [0, 1, 2, 3, 50264]
    records = read_jsonl(path)
    for split, chosen in [("train", [r for i, r in enumerate(records) if i % 20 != 19]),
                          ("validation", [r for i, r in enumerate(records) if i % 20 == 19])]:
        encoded = roberta().encode_batch([r["text"] for r in chosen])
        stream = [token for encoding in encoded for token in encoding.ids]
        assert store.tokens(split).tolist() == stream
        assert [d.tolist() for d in store.documents(split)] == [e.ids for e in encoded]
    text = ~np.isin(np.arange(50265), meta["special_token_ids"])
    train = np.bincount(store.tokens("train"), minlength=50265) * text + 0.5
    targets = store.tokens("validation")[text[store.tokens("validation")]]
    loss = -np.log(train / train.sum())[targets].mean()
    assert math.isclose(meta["unigram_loss"], loss, rel_tol=1e-12)


def test_roberta_classification_store_of_eurlex(tmp_path):
    require_shared()
    path = SHARED / "eurlex/eurlex_acts.jsonl.gz"
    settings = {"source": str(path), "label_field": "level_1", "length": LENGTH}
    store = prepare(tmp_path, "multi_cls", architecture="roberta", **settings, **files("roberta"))
    records = read_jsonl(path)
    tokenizer = roberta()
    tokenizer.enable_truncation(LENGTH)
    for split in ("train", "validation"):
        texts = [r["text"] for r in records if r["split"] == split]
        documents = [d.tolist() for d in store.documents(split)]
        assert documents == [e.ids for e in tokenizer.encode_batch(texts)]
        assert all(d[0] == 0 and d[-1] == 2 for d in documents)
        assert max(map(len, documents)) == LENGTH
        assert store.meta["counts"][split]["truncated"] == sum(
            len(e.ids) > LENGTH for e in roberta().encode_batch(texts))
    # The labels are those of GPT-2's store.
    gpt2 = prepare(tmp_path, "multi_cls", **settings, **files("gpt2"))
    assert store.folder != gpt2.folder and store.meta["labels"] == gpt2.meta["labels"]
    assert [d.tolist() for d in store.labels("train")] == [d.tolist() for d in gpt2.labels("train")]


def test_roberta_asks_for_its_own_vocabulary(tmp_path):
    require_shared()
    done = subprocess.run(
        command(tmp_path, "mlm", architecture="roberta",
                source=str(SHARED / "text/web_posts.jsonl.gz"), **files("gpt2")),
        capture_output=True, text=True, check=False)
    assert done.returncode == USAGE
    for part in ("gpt2_vocab.json", "found no <s>, <pad>, </s>, <unk>, <mask>",
                 "Use RoBERTa's vocab.json"):
        assert part in done.stderr


# Ids of level_1 are all integers; of the concepts some are not ("c_96124aaf").
@pytest.mark.parametrize("field, key", [("level_1", int), ("eurovoc_concepts", str.encode)])
def test_classification_store_of_eurlex(tmp_path, field, key):
    require_shared()
    path = SHARED / "eurlex/eurlex_acts.jsonl.gz"
    store = prepare(tmp_path, "multi_cls", source=str(path), label_field=field, length=LENGTH,
                    **files("gpt2"))
    records = read_jsonl(path)
    chosen = {s: [r for r in records if r["split"] == s] for s in ("train", "validation")}
    frequency = Counter(label for r in chosen["train"] for label in set(r[field]))
    everything = {label for r in records for label in r[field]}
    order = sorted(everything, key=lambda label: (-frequency[label], key(label)))
    assert store.meta["labels"] == order
    index = {label: i for i, label in enumerate(order)}

    tokenizer = hugging_face("gpt2")
    targets = {}
    for split, rows in chosen.items():
        expected = [e.ids[:LENGTH] for e in tokenizer.encode_batch([r["text"] for r in rows])]
        assert [d.tolist() for d in store.documents(split)] == expected
        labels = [sorted({index[label] for label in r[field]}) for r in rows]
        assert [found.tolist() for found in store.labels(split)] == labels
        targets[split] = np.zeros((len(rows), len(order)))
        for row, found in zip(targets[split], labels):
            row[found] = 1

    train, validation = targets["train"], targets["validation"]
    counts = store.meta["counts"]
    assert counts["unused_test_documents"] == 147
    assert counts["labels"]["total"] == len(order)
    assert counts["labels"]["absent_from_training"] == (train.sum(0) == 0).sum()
    assert counts["labels"]["absent_from_validation"] == (validation.sum(0) == 0).sum()
    assert counts["labels"]["in_validation_but_not_training"] == (
        (train.sum(0) == 0) & (validation.sum(0) > 0)).sum()

    p = (train.sum(0) + 0.5) / (len(train) + 1)
    bce = -(validation * np.log(p) + (1 - validation) * np.log(1 - p)).mean()
    assert math.isclose(store.meta["multi_label_prior_loss"], bce, rel_tol=1e-12)
    first = np.bincount(train.argmax(1), minlength=len(order)) + 0.5
    loss = -np.log(first / first.sum())[validation.argmax(1)].mean()
    assert math.isclose(store.meta["single_label_prior_loss"], loss, rel_tol=1e-12)
    accuracy = (validation.argmax(1) == train.argmax(1).min()).mean()
    assert math.isclose(store.meta["single_label_majority_accuracy"], accuracy, rel_tol=1e-12)


def arrays(store):
    """The store's arrays by file name, as bytes."""
    return {path.name: path.read_bytes() for path in pathlib.Path(store.folder).iterdir()
            if path.suffix != ".json"}


def test_parquet_and_json_lines_of_the_same_documents_give_the_same_store(tmp_path):
    require_shared()
    if not (BIN / "libdtbench_parquet.so").exists():
        pytest.skip("this build cannot read Parquet")
    import pyarrow
    import pyarrow.compute
    import pyarrow.parquet

    path = SHARED / "eurlex/eurlex_acts.jsonl.gz"
    settings = {"length": LENGTH, **files("gpt2")}
    expected = prepare(tmp_path, "multi_cls", source=str(path), **settings)
    table = pyarrow.Table.from_pylist(read_jsonl(path))
    (tmp_path / "one").mkdir()
    pyarrow.parquet.write_table(table, tmp_path / "one/acts.parquet", row_group_size=100)
    one = prepare(tmp_path, "multi_cls", source=str(tmp_path / "one/acts.parquet"), **settings)
    assert arrays(one) == arrays(expected) and one.folder != expected.folder
    # The same again as a folder of files that tell their splits by name, in another order of files.
    for split in ("train", "validation", "test"):
        part = table.filter(pyarrow.compute.equal(table["split"], split)).drop_columns("split")
        (tmp_path / "many/data").mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(part, tmp_path / f"many/data/{split}-00000-of-00001.parquet")
    many = prepare(tmp_path, "multi_cls", source=str(tmp_path / "many/"), **settings)
    assert arrays(many) == arrays(expected)
    assert many.meta["name"] == "many"
    assert many.meta["labels"] == expected.meta["labels"]
    assert many.meta["counts"] == expected.meta["counts"]


def test_the_first_documents_alone(tmp_path):
    require_shared()
    path = SHARED / "text/web_posts.jsonl.gz"
    store = prepare(tmp_path, "clm", source=str(path), examples=100, **files("gpt2"))
    texts = [r["text"] for r in read_jsonl(path)[:100]]
    expected = [e.ids + [50256] for e in hugging_face("gpt2").encode_batch(texts)]
    assert [d.tolist() for d in store.documents("train")] == [e for i, e in enumerate(expected)
                                                             if i % 20 != 19]
    assert [d.tolist() for d in store.documents("validation")] == expected[19::20]


def test_tokenizer_json_gives_the_same_tokens(tmp_path):
    require_shared()
    file = tmp_path / "tokenizer.json"
    hugging_face("gpt2").save(str(file))
    settings = {"source": str(SHARED / "text/web_posts.jsonl.gz"), "examples": 100}
    store = prepare(tmp_path, "clm", tokenizer=str(file), **settings)
    other = prepare(tmp_path, "clm", **settings, **files("gpt2"))
    assert arrays(store) == arrays(other) and store.folder != other.folder


def test_hashes_and_vocabulary_in_the_store(tmp_path):
    store = prepare(tmp_path, "clm", **SYNTHETIC)
    folder = pathlib.Path(store.folder)
    assert store.meta["files"] == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir() if path.name != "meta.json"}
    vocab = json.loads(vocabulary("synthetic")[0].read_text())
    assert json.loads((folder / "vocabulary.json").read_text()) == sorted(vocab, key=vocab.get)


def test_single_string_labels_of_a_hub_sample(tmp_path):
    require_shared()
    path = SHARED / "hub_samples/lex_glue__ledgar_1.0.0/ledgar.jsonl"
    store = prepare(tmp_path, "single_cls", source=str(path), label_field="clause_type", length=64)
    assert store.meta["labels"] == ["Erisa", "Waivers", "Amendments", "Construction",
                                    "Specific Performance"]
    assert [found.tolist() for found in store.labels("train")] == [[1], [0]]
    assert [found.tolist() for found in store.labels("validation")] == [[2], [2]]


SYNTHETIC = {"synthetic_documents": 3000, "synthetic_labels": 32, "length": 512}


def content(folder):
    return {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir()}


def test_thread_count_does_not_change_a_store(tmp_path):
    stores = []
    every = os.sched_getaffinity(0)
    for i, cores in enumerate([{min(every)}, every]):
        cache = tmp_path / str(i)
        done = subprocess.run(command(cache, "multi_cls", **SYNTHETIC), capture_output=True,
                              text=True, check=True,
                              preexec_fn=lambda cores=cores: os.sched_setaffinity(0, cores))
        stores.append(content(done.stdout.strip()))
    assert stores[0] == stores[1]


def test_concurrent_preparers_all_succeed(tmp_path):
    processes = [subprocess.Popen(command(tmp_path, "clm", **SYNTHETIC), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True) for _ in range(6)]
    answers = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [DONE] * 6, answers
    assert len({out for out, _ in answers}) == 1
    assert any("waiting for another process" in err for _, err in answers), answers
    alone = prepare(tmp_path / "alone", "clm", **SYNTHETIC)
    assert content(answers[0][0].strip()) == content(alone.folder)
    left = {entry.name for entry in os.scandir(tmp_path / "stores")}
    name = os.path.basename(alone.folder)
    assert left == {name, f"{name}.lock"}


def test_killed_preparers_leave_no_broken_store(tmp_path):
    arguments = command(tmp_path, "clm", **SYNTHETIC)
    killed = 0
    for delay in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3):
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        for entry in os.scandir(tmp_path / "stores") if (tmp_path / "stores").exists() else ():
            if entry.is_dir() and ".tmp." not in entry.name:
                assert "meta.json" in os.listdir(entry)
    assert killed > 0
    whole = prepare(tmp_path, "clm", **SYNTHETIC)
    alone = prepare(tmp_path / "alone", "clm", **SYNTHETIC)
    assert content(whole.folder) == content(alone.folder)
    assert not [e.name for e in os.scandir(tmp_path / "stores") if ".tmp." in e.name]


def test_a_write_that_fails_is_named_and_leaves_nothing(tmp_path):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = subprocess.run(command(tmp_path, "clm", **SYNTHETIC), capture_output=True, text=True,
                          preexec_fn=limit, check=False)
    assert done.returncode == RETRYABLE  # the limit may be another next time
    assert "Cannot write" in done.stderr and "train.tokens" in done.stderr
    assert all(entry.name.endswith(".lock") for entry in os.scandir(tmp_path / "stores"))
    assert prepare(tmp_path, "clm", **SYNTHETIC).meta["counts"]["train"]["documents"] == 2700
