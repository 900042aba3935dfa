"""Labels of a user's data that would mean something else than they say."""

import json
import pathlib

import pytest
from conftest import ok, refused
from user_data import examples, prepare, prepared, rows, trial, write

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

VECTORS = [[i % 2, 0, 1, 0, 0, (i // 2) % 2, 0, 0] for i in range(40)]
ONES = [[str(j) for j, one in enumerate(vector) if one] for vector in VECTORS]


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_vectors_of_zeros_and_ones_are_no_ids(bench, tmp_path, suffix):
    path = write(tmp_path / f"a.{suffix}", rows(VECTORS))
    refused(prepare(bench, path), f"a.{suffix}' ", "0 or 1 for each of 8 classes", "first 32 documents",
            "--set data.label_form=multi_hot")
    answer, _ = prepared(bench, path, "--set", "data.label_form=multi_hot")
    assert answer["labels"] == 8
    # Labels go by frequency in training; examples are the first three documents.
    assert [sorted(labels) for labels in examples(bench, answer)] == ONES[:3]
    ids, _ = prepared(bench, path, "--set", "data.label_form=ids")
    assert ids["labels"] == 2 and ids["fingerprint"] != answer["fingerprint"]


@pytest.mark.parametrize("kind", [float, bool])
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_vectors_of_floats_and_flags(bench, tmp_path, suffix, kind):
    path = write(tmp_path / f"a.{suffix}", rows([[kind(v) for v in vector] for vector in VECTORS]))
    refused(prepare(bench, path), "'labels'", "--set data.label_form=multi_hot")
    answer, _ = prepared(bench, path, "--set", "data.label_form=multi_hot")
    assert [sorted(labels) for labels in examples(bench, answer)] == ONES[:3]


def test_few_vectors_are_told_at_the_end(bench, tmp_path):
    path = write(tmp_path / "a.jsonl", rows(VECTORS[:20]))
    refused(prepare(bench, path), "0 or 1 for each of 8 classes", "first 20 documents")


def test_what_is_no_vector_is_read_as_ids(bench, tmp_path):
    for labels in ([[0, 1], [1], [0]] * 20, [[0, 1, 0], [1], [0]] * 20, [[0], [1]] * 20, [0, 1] * 20):
        assert prepared(bench, write(tmp_path / "a.jsonl", rows(labels)))[0]["labels"] == 2


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_vectors_of_two_classes(bench, tmp_path, suffix):
    """As ids every document would have both labels."""
    path = write(tmp_path / f"a.{suffix}", rows([[1, 0], [0, 1]] * 20))
    refused(prepare(bench, path), "each of 2 classes", "--set data.label_form=multi_hot")
    answer, _ = prepared(bench, path, "--set", "data.label_form=multi_hot")
    assert examples(bench, answer) == [["0"], ["1"], ["0"]]
    assert prepared(bench, path, "--set", "data.label_form=ids")[0]["labels"] == 2


def test_a_fixed_size_list_of_two_classes(bench, tmp_path):
    labels = pa.array([[1, 0], [0, 1]] * 20, pa.list_(pa.int64(), 2))
    pq.write_table(pa.table({"text": ["a"] * 40, "labels": labels}), tmp_path / "a.parquet")
    refused(prepare(bench, "a.parquet"), "each of 2 classes")


@pytest.mark.parametrize("odd", [[0, 0, None, 0, 0, 1, 0, 0], [0, 0, -100, 0, 0, 1, 0, 0], [1], [None]])
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_one_irregular_document_hides_no_vectors(bench, tmp_path, suffix, odd):
    for labels in ([odd, *VECTORS], VECTORS[:9] + [odd] + VECTORS[9:]):
        path = write(tmp_path / f"a.{suffix}", rows(labels))
        refused(prepare(bench, path), "each of 8 classes", "--set data.label_form=multi_hot")
        done = prepare(bench, path, "--set", "data.label_form=multi_hot")
        found = {None: "null", 1: "values", -100: "-100"}[odd[0] if len(odd) == 1 else odd[2]]
        refused(done, f"a.{suffix}' ", f"found {found}" if found != "values" else "values after",
                "Write 0 or 1 for every class")


def test_vectors_of_minus_one_and_one(bench, tmp_path):
    path = write(tmp_path / "a.jsonl", rows([[v or -1 for v in vector] for vector in VECTORS]))
    refused(prepare(bench, path), "each of 8 classes")
    refused(prepare(bench, path, "--set", "data.label_form=multi_hot"), "line 1", "found -1")


@pytest.mark.parametrize("form", ["[{}]", "{}", "({})"])
@pytest.mark.parametrize("separator, spelled", [(", ", "{}"), (" ", "{}"), (" ", "{}."), (",", "{}.0")])
def test_vectors_as_text(bench, tmp_path, form, separator, spelled):
    texts = [form.format(separator.join(map(spelled.format, vector))) for vector in VECTORS]
    path = write(tmp_path / "a.jsonl", rows(texts))
    refused(prepare(bench, path), "line 1", "looks like a list", "--set data.label_form=multi_hot")
    answer, _ = prepared(bench, path, "--set", "data.label_form=multi_hot")
    assert [sorted(labels) for labels in examples(bench, answer)] == ONES[:3]
    refused(prepare(bench, path, "--set", "data.label_form=text_list"), "each of 8 classes",
            "--set data.label_form=multi_hot")


@pytest.mark.parametrize("labels, parts", [
    ([[0, 1, 1], [0, 1]], ["line 2", "2 values after documents with 3"]),
    ([[0, 1, 1], [0, 2, 0]], ["line 2", "found 2"])])
def test_vectors_must_be_alike(bench, tmp_path, labels, parts):
    path = write(tmp_path / "a.jsonl", rows(labels))
    refused(prepare(bench, path, "--set", "data.label_form=multi_hot"), *parts)


@pytest.mark.parametrize("text", ["['100163', '100164']", "100163,100164", "100163 100164",
                                  "[100163 100164]", "100163; 100164", "100163|100164"])
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_list_as_text_is_no_id(bench, tmp_path, text, suffix):
    path = write(tmp_path / f"a.{suffix}", rows([text] * 20))
    refused(prepare(bench, path), "looks like a list", text, "--set data.label_form=text_list")
    answer, _ = prepared(bench, path, "--set", "data.label_form=text_list")
    assert answer["labels"] == 2 and sorted(examples(bench, answer)[0]) == ["100163", "100164"]
    assert prepared(bench, path, "--set", "data.label_form=ids")[0]["labels"] == 1


@pytest.mark.parametrize("text, names", [
    ("['Common Agricultural Policy', 'fisheries']", ["Common Agricultural Policy", "fisheries"]),
    ("['Common Agricultural Policy']", ["Common Agricultural Policy"]),
    ('["Agriculture, forestry", "x0"]', ["Agriculture, forestry", "x0"]),
    ('["worker\'s rights"]', ["worker's rights"]), (r"['worker\'s rights', 'a']", ["worker's rights", "a"]),
    ("['Fish' 'milk, cheese']", ["Fish", "milk, cheese"]), ("{'a|b'}", ["a|b"]),
    (r'["caf\u00e9", "\ud83d\ude00"]', ["caf\u00e9", "\U0001f600"]), ("['a', None]", ["a"]),
    ("Common Agricultural Policy|fish", ["Common Agricultural Policy", "fish"]),
    ("Common Agricultural Policy", ["Common Agricultural Policy"]), ("worker's rights, fish", ["fish", "worker's rights"]),
    ("12 c_7f", ["12", "c_7f"])])
def test_quotes_delimit_names(bench, tmp_path, text, names):
    path = write(tmp_path / "a.jsonl", rows(["['x', 'y']", text] * 10))
    answer, _ = prepared(bench, path, "--set", "data.label_form=text_list")
    assert sorted(examples(bench, answer)[1]) == sorted(names)


@pytest.mark.parametrize("text, why", [
    ("['a', 'b]", "a quote in it does not end"), ("['a' b, 'c']", 'there is "b" beside'),
    ("[['a'], ['b']]", "another list"), ("[1 0 ... 0 1]", "left out"), (r"['\x4', 'b']", "an escape")])
def test_what_is_no_list_is_refused(bench, tmp_path, text, why):
    path = write(tmp_path / "a.jsonl", rows(["['x', 'y']"] * 20 + [text]))
    refused(prepare(bench, path, "--set", "data.label_form=text_list"), "line 21", why, "JSON list")


def test_an_empty_text_is_no_label(bench, tmp_path):
    path = write(tmp_path / "a.jsonl", rows(["a", "", "a"] * 20))
    answer, said = prepared(bench, path)
    assert answer["labels"] == 1 and "19 without labels" in said


def test_names_with_commas_are_ids(bench, tmp_path):
    path = write(tmp_path / "a.jsonl", rows(["Fish, and milk", "3 wise men"] * 10))
    assert prepared(bench, path)[0]["labels"] == 2


def test_an_unknown_form_is_named(bench, tmp_path):
    path = write(tmp_path / "a.jsonl", rows(["a"] * 20))
    refused(prepare(bench, path, "--set", "data.label_form=multihot"), "data.label_form",
            "Did you mean 'multi_hot'")
    refused(bench("run", "--scenario", "C", "--policy", "fp32_true", "--preset", "tiny", "--dry-run", "--set",
                  "data.label_form=multihot"), "data.label_form", "Did you mean 'multi_hot'")


def test_a_spec_without_a_form_is_as_it_was(bench):
    spec = json.loads(ok(bench("run", "--scenario", "C", "--policy", "fp32_true", "--preset", "tiny",
                               "--dry-run")))["spec"]
    assert "label_form" not in spec["data"]


def test_vectors_of_the_trials(bench):
    refused(prepare(bench, trial("multihot.jsonl")), "each of 8 classes", "data.label_form=multi_hot")
    answer, _ = prepared(bench, trial("multihot.jsonl"), "--set", "data.label_form=multi_hot")
    assert answer["labels"] == 8


def test_null_labels_are_dropped_and_counted(bench, tmp_path):
    labels = [["a"], None, [None], ["a", None], "a"] * 8
    counts = []
    for suffix in ("jsonl", "parquet"):
        path = write(tmp_path / f"a.{suffix}", rows([["a"] if x == "a" else x for x in labels]))
        answer, said = prepared(bench, path)
        counts.append([answer["counts"][s]["dropped_unlabelled"] for s in ("train", "validation")])
        assert "without labels" in said
    assert counts[0] == counts[1] and sum(counts[0]) == 16


def test_null_labels_of_the_trials(bench):
    answer, _ = prepared(bench, trial("null_labels.jsonl"))
    labels = [json.loads(line)["labels"]
              for line in trial("null_labels.jsonl").read_text().splitlines()]
    nulls = sum(not label or label == [None] for label in labels)
    assert None in labels and nulls == sum(answer["counts"][s]["dropped_unlabelled"]
                                      for s in ("train", "validation"))


def test_a_lone_surrogate_is_repaired_and_counted(bench, tmp_path):
    texts = ["cut \ud83d", "\ude00 cut", "whole 😀", "\\ud83d spelled", "two \ud83d\ud83d\ude00"]
    path = write(tmp_path / "a.jsonl", [{"text": text, "labels": ["a"], "split": split}
                                        for split in ("train", "dev") for text in texts])
    answer, said = prepared(bench, path)
    assert answer["counts"]["repaired_lines"] == 6 and "6 documents were no valid Unicode" in said
    shown = json.loads(ok(bench("data", "show", answer["store"], "--json")))["examples"]
    assert [e["text"] for e in shown] == ["cut \ufffd", "\ufffd cut", "whole 😀"]


def test_surrogates_of_the_trials(bench):
    answer, _ = prepared(bench, trial("surrogates.jsonl"))
    assert answer["counts"]["repaired_lines"] > 0


def test_labels_that_are_not_scored_are_told(bench, tmp_path):
    names = [str(100163 + i) for i in range(127)]
    feature = {"text": {"_type": "Value"}, "labels": {"feature": {"names": names, "_type": "ClassLabel"},
                                                      "_type": "Sequence"}}
    table = pa.table({"text": [f"t {i}" for i in range(40)], "labels": [[i, 99 + i % 28] for i in range(40)]})
    pq.write_table(table.replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": feature}})}), tmp_path / "a.parquet")
    answer, said = prepared(bench, tmp_path / "a.parquet")
    removed = answer["counts"]["labels"]["unscored_removed"]
    assert removed == sum(99 + i % 28 >= 100 for i in range(40))
    assert f"{removed} labels of documents are left out" in said and "100 labels remain" in said


@pytest.mark.parametrize("label", ["caf\u00e9", "\\ud83d"])
def test_labels_that_are_no_unicode_do_not_merge(bench, tmp_path, label):
    line = f'{{"text": "a", "labels": ["x", "{label}"]}}\n'
    (tmp_path / "a.jsonl").write_bytes(line.encode("latin-1") * 20)
    refused(prepare(bench, "a.jsonl"), "line 1", "expected a label in UTF-8", "iconv")
    # A replacement character that is in the file is a character like others.
    write(tmp_path / "a.jsonl", rows(["\ufffd"] * 20))
    assert prepared(bench, "a.jsonl")[0]["labels"] == 1


def test_labels_of_parquet_that_are_no_unicode(bench, tmp_path):
    labels = pa.Array.from_buffers(pa.string(), 2, pa.array([b"a\xe9", b"b"]).buffers())
    pq.write_table(pa.table({"text": ["a", "b"], "labels": labels}), tmp_path / "a.parquet")
    refused(prepare(bench, "a.parquet"), "row 1", "'labels'", "expected a label in UTF-8")


@pytest.mark.parametrize("line", ['{"text": "a", "labels": "a", "labels": "b"}',
                                  '{"text": "a", "labels": "a", "split": "train", "split": "test"}'])
def test_names_that_occur_twice_are_refused(bench, tmp_path, line):
    (tmp_path / "a.jsonl").write_text((line + "\n") * 20)
    refused(prepare(bench, "a.jsonl"), "line 1", "occurs twice")
