"""The Parquet reader on files that pyarrow writes, and folders of data files."""

import json
import os
import subprocess

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from probes import BIN, SOURCE

USAGE = 2


def probe(path, **settings):
    return subprocess.run([BIN / "source_probe", path, json.dumps(settings)], capture_output=True,
                          text=True, check=False)


def read(path, **settings):
    done = probe(path, **settings)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def documents(path, **settings):
    return read(path, **settings)["documents"]


def refused(path, *parts, **settings):
    done = probe(path, **settings)
    assert done.returncode == USAGE, (done.returncode, done.stdout, done.stderr)
    for part in parts:
        assert part in done.stderr, done.stderr


TEXTS = ["milk", "", None, "漢字 😀", "milk"]
LABELS = [["b", "a", "b"], [], None, ["a", None], ["c"]]
READ = [["train", "milk", ["b", "a", "b"]], ["train", "", []], ["train", "", []],
        ["train", "漢字 😀", ["a"]], ["train", "milk", ["c"]]]


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip", "lz4", "brotli"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_encodings_and_compressions(tmp_path, dictionary, compression):
    table = pa.table({"labels": pa.array(LABELS, pa.list_(pa.string())), "text": TEXTS})
    pq.write_table(table, tmp_path / "a.parquet", compression=compression,
                   use_dictionary=dictionary)
    assert documents(tmp_path / "a.parquet") == READ


@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_page_formats(tmp_path, encoding, version):
    pq.write_table(pa.table({"text": TEXTS, "labels": [1, 2, 3, 4, 5]}), tmp_path / "a.parquet",
                   use_dictionary=False, column_encoding={"text": encoding},
                   data_page_version=version)
    assert [d[1:] for d in documents(tmp_path / "a.parquet")] == [
        ["milk", ["1"]], ["", ["2"]], ["", ["3"]], ["漢字 😀", ["4"]], ["milk", ["5"]]]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view(),
                                  pa.dictionary(pa.int32(), pa.string()),
                                  pa.dictionary(pa.int8(), pa.large_string())], ids=str)
def test_text_of_every_type(tmp_path, kind):
    table = pa.table({"text": pa.array(TEXTS).cast(kind), "labels": pa.array(TEXTS).cast(kind)})
    pq.write_table(table, tmp_path / "a.parquet")
    assert [d[1:] for d in documents(tmp_path / "a.parquet")] == [
        ["milk", ["milk"]], ["", []], ["", []], ["漢字 😀", ["漢字 😀"]], ["milk", ["milk"]]]


@pytest.mark.parametrize("kind", [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(),
                                  pa.uint16(), pa.uint32(), pa.uint64()], ids=str)
def test_labels_of_every_integer_type(tmp_path, kind):
    for name, values, expected in [
            ("one", pa.array([0, None, 100], kind), [["0"], [], ["100"]]),
            ("list", pa.array([[0, 7, 0], None, [100]], pa.list_(kind)), [["0", "7", "0"], [], ["100"]]),
            ("large", pa.array([[], [None, 7], [100]], pa.large_list(kind)), [[], ["7"], ["100"]]),
            ("pair", pa.array([[0, 7], [1, 2], [3, 4]], pa.list_(kind, 2)),
             [["0", "7"], ["1", "2"], ["3", "4"]])]:
        pq.write_table(pa.table({"text": ["a", "b", "c"], "labels": values}),
                       tmp_path / f"{name}.parquet")
        assert [d[2] for d in documents(tmp_path / f"{name}.parquet")] == expected, name


def test_integers_beyond_doubles_are_exact(tmp_path):
    pq.write_table(pa.table({"text": ["a", "b"], "labels": [2**53 + 1, -(2**63)]}),
                   tmp_path / "a.parquet")
    assert [d[2] for d in documents(tmp_path / "a.parquet")] == [
        ["9007199254740993"], ["-9223372036854775808"]]


def test_integers_beyond_signed_ones_are_exact(tmp_path):
    pq.write_table(pa.table({"text": ["a", "b"], "labels": pa.array([2**64 - 1, 2**63], pa.uint64())}),
                   tmp_path / "a.parquet")
    assert [d[2] for d in documents(tmp_path / "a.parquet")] == [["18446744073709551615"], [str(2**63)]]


def test_row_groups_small_large_and_empty(tmp_path):
    schema = pa.schema({"text": pa.string(), "labels": pa.int64(), "split": pa.string()})
    expected = []
    with pq.ParquetWriter(tmp_path / "a.parquet", schema) as writer:
        for rows in (0, 1, 1000, 0, 3, 0):
            made = [["train" if i % 3 else "test", f"text {len(expected) + i}", [str(i)]]
                    for i in range(rows)]
            writer.write_table(pa.table({"text": [m[1] for m in made],
                                         "labels": list(range(rows)),
                                         "split": [m[0] for m in made]}, schema))
            expected += made
    assert pq.ParquetFile(tmp_path / "a.parquet").metadata.num_row_groups == 6
    answer = read(tmp_path / "a.parquet")
    assert answer["documents"] == expected
    assert answer["progress"] == 1


def test_a_file_without_rows_has_no_documents(tmp_path):
    pq.write_table(pa.table({"text": pa.array([], pa.string()), "labels": pa.array([], pa.int64())}),
                   tmp_path / "a.parquet")
    assert documents(tmp_path / "a.parquet") == []


# --- class labels: metadata as `datasets` writes it ------------------------------------------------


def with_features(table, features):
    info = json.dumps({"info": {"features": features}})
    return table.replace_schema_metadata({"huggingface": info})


NAMES = {"names": ["100149", "100160", "100148"], "_type": "ClassLabel"}


@pytest.mark.parametrize("feature", [{"feature": NAMES, "_type": "Sequence"},
                                     {"feature": NAMES, "_type": "List"}, [NAMES]])
def test_class_labels_give_their_names(tmp_path, feature):
    table = pa.table({"celex_id": ["1", "2", "3"], "text": ["a", "b", "c"],
                      "labels": [[2, 0], [], [1]]})
    pq.write_table(with_features(table, {"labels": feature}), tmp_path / "a.parquet")
    answer = read(tmp_path / "a.parquet")
    assert [d[2] for d in answer["documents"]] == [["100148", "100149"], [], ["100160"]]
    assert answer["label_list"] == NAMES["names"]


def test_a_single_class_label(tmp_path):
    table = pa.table({"text": ["a", "b"], "labels": [2, -1]})  # -1: no class
    pq.write_table(with_features(table, {"labels": NAMES}), tmp_path / "a.parquet")
    assert [d[2] for d in documents(tmp_path / "a.parquet")] == [["100148"], []]
    table = pa.table({"text": ["a", "b"], "labels": [0, 3]})
    pq.write_table(with_features(table, {"labels": NAMES}), tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", "row 2", "'labels'", "a class label in -1..2", "found 3")


def test_class_names_by_number(tmp_path):
    names = {str(i): f"name {i}" for i in range(12)}
    table = pa.table({"text": ["a", "b"], "labels": [2, 11]})
    pq.write_table(with_features(table, {"labels": {"names": names, "_type": "ClassLabel"}}), tmp_path / "a.parquet")
    assert [d[2] for d in documents(tmp_path / "a.parquet")] == [["name 2"], ["name 11"]]


def test_class_names_that_are_equal_are_refused(tmp_path):
    table = pa.table({"text": ["a"], "labels": [0]})
    pq.write_table(with_features(table, {"labels": {"names": ["a", "b", "a"], "_type": "ClassLabel"}}),
                   tmp_path / "a.parquet")
    refused(tmp_path / "a.parquet", "'labels'", "different names", '"a" twice')


def test_metadata_that_says_nothing_of_classes(tmp_path):
    table = pa.table({"text": ["a"], "labels": [7]})
    for metadata in ({"huggingface": "no JSON"}, {"huggingface": "[]"}, {"pandas": "{}"}):
        pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "a.parquet")
        assert documents(tmp_path / "a.parquet") == [["train", "a", ["7"]]]
    pq.write_table(with_features(table, {"labels": {"dtype": "int64", "_type": "Value"}}),
                   tmp_path / "a.parquet")
    assert documents(tmp_path / "a.parquet") == [["train", "a", ["7"]]]


LEX_GLUE = {"feature": {"names": [str(100163 + i) for i in range(127)], "_type": "ClassLabel"},
            "_type": "Sequence"}


def test_lex_glue_scores_the_first_hundred(tmp_path):
    table = pa.table({"text": ["a", "b", "c"], "labels": [[99, 100, 0], [126, 101], [5]]})
    pq.write_table(with_features(table, {"labels": LEX_GLUE}), tmp_path / "a.parquet")
    answer = read(tmp_path / "a.parquet")
    assert [d[2] for d in answer["documents"]] == [["100262", "100163"], [], ["100168"]]
    assert answer["label_list"] == [str(100163 + i) for i in range(100)]
    assert answer["unscored"] == 3


def test_multi_eurlex_of_level_2_scores_all(tmp_path):
    """The same 127 names, with celex_id beside them."""
    table = pa.table({"celex_id": ["1"], "text": ["a"], "labels": [[99, 100, 126]]})
    pq.write_table(with_features(table, {"labels": LEX_GLUE}), tmp_path / "a.parquet")
    answer = read(tmp_path / "a.parquet")
    assert [d[2] for d in answer["documents"]] == [["100262", "100263", "100289"]]
    assert len(answer["label_list"]) == 127 and answer["unscored"] == 0


def test_eurlex57k(tmp_path):
    pq.write_table(pa.table({"celex_id": ["1"], "title": ["t"], "text": ["a"],
                             "eurovoc_concepts": [["1565", "c_96124aaf"]]}), tmp_path / "a.parquet")
    assert documents(tmp_path / "a.parquet") == [["train", "a", ["1565", "c_96124aaf"]]]


def test_counts_of_a_prepared_lex_glue(tmp_path):
    """Unscored, repeated, missing and unseen labels, as `dtbench data prepare` counts them."""
    (tmp_path / "eurlex").mkdir()
    for split, labels in [("train", [[99, 100, 0], [126], [5, 5], None, []]),
                          ("validation", [[7], [0, 120]]), ("test", [[8], [125]])]:
        table = pa.table({"text": [f"{split} {i}" for i in range(len(labels))],
                          "labels": pa.array(labels, pa.list_(pa.int64()))})
        pq.write_table(with_features(table, {"labels": LEX_GLUE}),
                       tmp_path / f"eurlex/{split}-00000-of-00001.parquet")
    done = subprocess.run([BIN / "dtbench", "data", "prepare", "--scenario", "C", "--preset", "tiny",
                           "--data", tmp_path / "eurlex", "--json"], capture_output=True, text=True,
                          check=True, env=os.environ | {"DTBENCH_CACHE": str(tmp_path / "cache"),
                                                        "DTBENCH_CONFIGS": str(SOURCE / "configs")})
    answer = json.loads(done.stdout)
    assert (answer["name"], answer["labels"]) == ("eurlex", 100)
    counts = answer["counts"]
    # Of training two documents remain, of three labels; 7 is in validation alone.
    assert counts["labels"] == {"total": 100, "absent_from_training": 97, "absent_from_validation": 98,
                                "in_validation_but_not_training": 1, "repetitions_removed": 1,
                                "unscored_removed": 4}
    assert (counts["train"]["documents"], counts["train"]["dropped_unlabelled"]) == (2, 3)
    assert (counts["validation"]["documents"], counts["validation"]["dropped_unlabelled"]) == (2, 0)
    assert counts["unused_test_documents"] == 2


# --- only what is asked for is read ---------------------------------------------------------------


def test_other_columns_may_be_of_any_type_and_damaged(tmp_path):
    """Damage in the pages of a column that nobody asked for is never seen, in one that is, it is."""
    path = tmp_path / "a.parquet"
    table = pa.table({"extra": [b"\x00\xff" * 50000, b"b" * 50000], "text": ["milk", "fish"],
                      "labels": [1, 2], "struct": [{"x": 1}, {"x": 2}]})
    pq.write_table(table, path, compression="none", use_dictionary=False, write_statistics=False)
    columns = pq.ParquetFile(path).metadata.row_group(0)
    extra, text = columns.column(0), columns.column(1)
    whole = path.read_bytes()

    def damage(column):
        start = column.data_page_offset
        path.write_bytes(whole[:start] + b"\xff" * 16 + whole[start + 16:])

    damage(extra)
    assert [d[1:] for d in documents(path)] == [["milk", ["1"]], ["fish", ["2"]]]
    damage(text)
    refused(path, str(path), "a complete Parquet file")


def test_labels_are_not_read_for_language_models(tmp_path):
    pq.write_table(pa.table({"text": ["a"], "labels": [1.5]}), tmp_path / "a.parquet")
    assert documents(tmp_path / "a.parquet", with_labels=False) == [["train", "a", []]]
    refused(tmp_path / "a.parquet", "'labels'", "expected a string, an integer, or a list",
            "found double")


@pytest.mark.parametrize("row_groups", ["one", "many"])
def test_memory_is_bounded_whatever_the_size(tmp_path, row_groups):
    """350 MB of text, uncompressed, in a row group or in seven."""
    text = ("".join(map(chr, range(32, 127))) * 106)[:10000]
    rows = 35_000
    part = pa.table({"text": [text[i:] + text[:i] for i in range(1000)], "labels": range(1000)})
    with pq.ParquetWriter(tmp_path / "a.parquet", part.schema, compression="none",
                          use_dictionary=False) as writer:
        if row_groups == "one":
            batches = part.to_batches()
            table = pa.Table.from_batches(batches * (rows // 1000))
            writer.write_table(table, row_group_size=rows)
        else:
            for _ in range(7):
                writer.write_table(pa.concat_tables([part] * 5))
    metadata = pq.ParquetFile(tmp_path / "a.parquet").metadata
    assert metadata.num_row_groups == (1 if row_groups == "one" else 7)
    answer = read(tmp_path / "a.parquet", quiet=True)
    assert (answer["count"], answer["bytes"]) == (rows, 10_000 * rows)
    assert answer["peak_bytes"] < 300_000_000


def test_a_few_documents_cost_their_row_groups_and_the_footer(tmp_path):
    text = ("".join(map(chr, range(32, 127))) * 106)[:10000]
    part = pa.table({"text": [text[i:] + text[:i] for i in range(100)], "labels": range(100),
                     "other": [text] * 100})
    with pq.ParquetWriter(tmp_path / "a.parquet", part.schema, compression="none",
                          use_dictionary=False) as writer:
        for _ in range(20):
            writer.write_table(part)
    size = (tmp_path / "a.parquet").stat().st_size
    nothing = read(tmp_path / "a.parquet", quiet=True, examples=1)["read_bytes"]
    answer = read(tmp_path / "a.parquet", quiet=True, examples=200)
    assert answer["count"] == 200
    # Two of the twenty groups, of their 10,000 bytes of text, not of "other".
    assert answer["read_bytes"] - nothing < 1.05 * 200 * 10_100
    assert nothing < 1.05 * 100 * 10_100 + 300_000 < size / 10


# --- faults ---------------------------------------------------------------------------------------


def test_missing_columns_list_those_there(tmp_path):
    pq.write_table(pa.table({"body": ["a"], "topic": [1]}), tmp_path / "a.parquet")
    path = tmp_path / "a.parquet"
    refused(path, str(path), "'text' (data.text_field)", "Known: body, topic")
    refused(path, "'labels' or 'eurovoc_concepts' (data.label_field)", "Known: body, topic", text="body")
    refused(path, "'topics'", "Did you mean 'topic'?", text="body", labels="topics")
    refused(path, "'part' (data.split_field)", text="body", labels="topic", split="part")
    assert documents(path, text="body", labels="topic") == [["train", "a", ["1"]]]


def test_columns_of_other_types(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table([["a"], ["b"], [1]], names=["text", "text", "labels"]), path)
    refused(path, "'text'", "several columns of this name")
    pq.write_table(pa.table({"text": [b"a"], "labels": [[[1]]], "split": [1]}), path)
    refused(path, "'text'", "expected a string", "found binary")
    pq.write_table(pa.table({"text": ["a"], "labels": [[[1]]], "split": [1]}), path)
    refused(path, "'labels'", "list<")
    pq.write_table(pa.table({"text": ["a"], "labels": [1], "split": [1]}), path)
    refused(path, "'split'", "found int64", split="split")
    assert documents(path) == [["train", "a", ["1"]]]  # of another meaning
    pq.write_table(pa.table({"text": ["a", "b"], "labels": [1, 1], "split": ["train", "trian"]}), path)
    refused(path, "row 2", "'split'", '"validation"', '"trian"')
    pq.write_table(pa.table({"text": ["a"], "labels": [1], "split": pa.array([None], pa.string())}), path)
    refused(path, "row 1", "'split'", "null", split="split")


def test_files_that_are_no_parquet_or_cut_short(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["milk"] * 1000, "labels": list(range(1000))}), path)
    whole = path.read_bytes()
    for content in (b"", b"PAR1", b"text\nmilk\n", whole[:-1], whole[: len(whole) // 2],
                    whole[:-8] + b"\xff\xff\xff\x7f" + whole[-4:], whole[:-40] + whole[-8:]):
        path.write_bytes(content)
        refused(path, str(path), "a complete Parquet file", "Copy or download the file again")


def test_ill_formed_utf8_is_repaired_and_counted(tmp_path):
    text = pa.Array.from_buffers(pa.string(), 2, pa.array([b"a\xff", b"b"]).buffers())
    pq.write_table(pa.table({"text": text, "labels": [1, 2]}), tmp_path / "a.parquet")
    answer = read(tmp_path / "a.parquet")
    assert [d[1] for d in answer["documents"]] == ["a\ufffd", "b"]
    assert answer["repaired"] == 1


# --- folders, splits and limits -------------------------------------------------------------------


def write(path, *texts, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"text": list(texts), "labels": [1] * len(texts), **columns})
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))


def splits(path, **settings):
    return [[d[1], d[0]] for d in documents(path, **settings)]


def test_names_in_a_folder_tell_the_split(tmp_path):
    write(tmp_path / "data/train-00001-of-00002.parquet", "c")
    write(tmp_path / "data/train-00000-of-00002.parquet", "b")
    write(tmp_path / "data/dev.jsonl", "a")
    write(tmp_path / "en/test/0000.parquet", "d")
    write(tmp_path / "en/partial-validation/0000.parquet", "e")
    (tmp_path / "README.md").write_text("not data")
    assert splits(tmp_path) == [["a", "validation"], ["b", "train"], ["c", "train"],
                                ["e", "validation"], ["d", "test"]]
    write(tmp_path / "testimony.jsonl", "f")
    refused(tmp_path, "testimony.jsonl", "says nothing")


def test_a_column_goes_before_the_name(tmp_path):
    write(tmp_path / "train.parquet", "a", "b", split=["test", "train"])
    write(tmp_path / "validation.parquet", "c")
    assert splits(tmp_path) == [["a", "test"], ["b", "train"], ["c", "validation"]]


def test_without_a_validation_file_every_twentieth_document_of_the_folder_is_validation(tmp_path):
    texts = [str(i) for i in range(50)]
    write(tmp_path / "train-0.parquet", *texts[:15])
    write(tmp_path / "train-1.jsonl", *texts[15:])
    write(tmp_path / "test.parquet", "x")
    found = splits(tmp_path)
    assert found == [["x", "test"]] + [[t, "validation" if t in ("19", "39") else "train"] for t in texts]


def test_the_name_of_a_single_file_says_nothing(tmp_path):
    write(tmp_path / "test.jsonl", *"abc")
    assert splits(tmp_path / "test.jsonl") == [["a", "train"], ["b", "train"], ["c", "train"]]


def test_limits_take_the_first_documents_of_each_split(tmp_path):
    write(tmp_path / "train-0.parquet", "aaaa", "b")
    write(tmp_path / "train-1.parquet", "cc", "d")
    write(tmp_path / "validation.jsonl", "eee", "ff", "g")
    assert splits(tmp_path, examples=1) == [["aaaa", "train"], ["eee", "validation"]]
    assert [d[0] for d in splits(tmp_path, examples=3)] == ["aaaa", "b", "cc", "eee", "ff", "g"]
    assert [d[0] for d in splits(tmp_path, examples=9)] == ["aaaa", "b", "cc", "d", "eee", "ff", "g"]
    # "cc" is the first that does not fit, so "d" is not taken either.
    assert [d[0] for d in splits(tmp_path, bytes=6)] == ["aaaa", "b", "eee", "ff", "g"]
    assert [d[0] for d in splits(tmp_path, bytes=6, examples=1)] == ["aaaa", "eee"]
    # A file is one run of documents whatever its split field says.
    write(tmp_path / "one/all.parquet", "a", "b", "c", split=["test", "train", "dev"])
    assert splits(tmp_path / "one/all.parquet", examples=2) == [["a", "test"], ["b", "train"]]


def test_files_beyond_the_limits_are_not_opened(tmp_path):
    write(tmp_path / "a.parquet", "a", "b")
    (tmp_path / "b.parquet").write_bytes(b"no Parquet")
    assert [d[0] for d in splits(tmp_path, examples=2)] == ["a", "b"]
    refused(tmp_path, "b.parquet", examples=3)


def test_sources_that_are_not_there(tmp_path):
    refused(tmp_path / "none.parquet", "data.source", "none.parquet", "found none")
    refused(tmp_path, "data.source", ".parquet, .jsonl or .jsonl.gz", "found none")
    (tmp_path / "a.csv").write_text("text\n")
    refused(tmp_path / "a.csv", ".parquet, .jsonl or .jsonl.gz file or a folder", "a.csv'")
