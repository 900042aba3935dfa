"""Files that a user brings: splits that would mean something else than they say, valid data in odd
forms, and hostile bytes. Labels are in test_user_labels.py."""

import gzip
import json
import os
import pathlib
import resource
import subprocess

import pytest
from conftest import BIN, SOURCE, environment, ok, refused
from user_data import examples, prepare, prepared, rows, trial, write

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

MIB = 1 << 20
MOST_MEMORY = 300 * 1000 * 1000  # docs/data.md

# --- splits -------------------------------------------------------------------------------------


def test_words_in_names_tell_the_split(bench, tmp_path):
    for name in ("eurlex_train", "eurlex_dev", "eurlex_test"):
        write(tmp_path / f"d/{name}.jsonl", rows([["only_" + name]] * 3))
    answer, said = prepared(bench, tmp_path / "d")
    counts = answer["counts"]
    assert (counts["train"]["documents"], counts["validation"]["documents"]) == (3, 3)
    assert counts["unused_test_documents"] == 3 and examples(bench, answer)[0] == ["only_eurlex_train"]
    for split, name in (("train", "train"), ("validation", "dev"), ("test", "test")):
        assert any(line.startswith(f"{split}: ") and f"eurlex_{name}.jsonl" in line
                   for line in said.splitlines()), said


@pytest.mark.parametrize("name, split", [
    ("training-00001", "train"), ("Train", "train"), ("a.valid.b", "validation"), ("my_val", "validation"),
    ("dev2", "validation"), ("traindata", "train"), ("DevSet_1", "validation"), ("testing", "test"), ("x-eval", "test"), ("evaluation_1", "test")])
def test_synonyms(bench, tmp_path, name, split):
    for other in {"train", "validation", "test"} - {split}:
        write(tmp_path / f"d/{other}.jsonl", rows([["a"]] * 2))
    write(tmp_path / f"d/{name}.jsonl", rows([["a"]] * 5))
    counts = prepared(bench, tmp_path / "d")[0]["counts"]
    found = {"train": counts["train"]["documents"], "validation": counts["validation"]["documents"],
             "test": counts["unused_test_documents"]}
    assert found == {s: 5 if s == split else 2 for s in found}


def test_names_of_which_some_tell_a_split_are_refused(bench, tmp_path):
    for name in ("train", "contest", "dev"):
        write(tmp_path / f"d/{name}.jsonl", rows([["a"]] * 20))
    refused(prepare(bench, tmp_path / "d"), "contest.jsonl", "says nothing", "Rename")
    (tmp_path / "d/contest.jsonl").rename(tmp_path / "d/train_test.jsonl")
    refused(prepare(bench, tmp_path / "d"), "train_test.jsonl", "two splits")


def test_names_of_the_trials(bench):
    answer, _ = prepared(bench, trial("names/prefixed"))
    lines = {name: len(trial(f"names/prefixed/eurlex_{name}.jsonl").read_text().splitlines())
             for name in ("train", "dev", "test")}
    counts = answer["counts"]
    assert counts["train"]["documents"] <= lines["train"]
    assert counts["unused_test_documents"] == lines["test"]


def test_linked_folders_are_read_once(bench, tmp_path):
    write(tmp_path / "elsewhere/b.jsonl", rows([["b"]] * 20))
    write(tmp_path / "d/real/a.jsonl", rows([["a"]] * 20))
    for link, target in (("linked", tmp_path / "elsewhere"), ("again", tmp_path / "elsewhere"),
                         ("loop", tmp_path / "d"), ("also_real", tmp_path / "d/real")):
        (tmp_path / "d" / link).symlink_to(target)
    counts = prepared(bench, tmp_path / "d")[0]["counts"]
    assert counts["train"]["documents"] + counts["validation"]["documents"] == 40


def test_what_is_not_read_is_named(bench, tmp_path):
    write(tmp_path / "d/a.jsonl", rows([["a"]] * 20))
    write(tmp_path / "d/.ipynb_checkpoints/a-checkpoint.jsonl", rows([["a"]] * 20))
    answer, said = prepared(bench, tmp_path / "d")
    assert answer["counts"]["train"]["documents"] == 19 and ".ipynb_checkpoints" in said
    (tmp_path / "d/b.jsonl").symlink_to("nowhere.jsonl")
    refused(prepare(bench, tmp_path / "d"), "b.jsonl", "a link that leads to none")
    (tmp_path / "d/b.jsonl").unlink()
    os.mkfifo(tmp_path / "d/b.jsonl")
    refused(prepare(bench, tmp_path / "d"), "b.jsonl", "something else")


def test_files_of_other_kinds_are_named(bench, tmp_path):
    for name in ("train", "dev"):
        write(tmp_path / f"d/{name}.jsonl", rows([["a"]] * 20))
    for name in ("validation.ndjson", "test.json", "more.JSONL", "train.jsonl.zst", "test.csv"):
        (tmp_path / "d" / name).write_text("{}")
    (tmp_path / "d/README.md").write_text("")
    [line] = [line for line in prepared(bench, tmp_path / "d")[1].splitlines() if "does not end" in line]
    for name in ("validation.ndjson", "test.json", "more.JSONL", "train.jsonl.zst", "test.csv"):
        assert name in line
    assert "README" not in line and "dev.jsonl" not in line


def test_missing_parts_are_an_error(bench, tmp_path):
    for part in (0, 2):
        write(tmp_path / f"d/train-0000{part}-of-00003.jsonl", rows([["a"]] * 20))
    refused(prepare(bench, tmp_path / "d"), "train-*-of-00003.jsonl", "found 2 of 3", "rename them")
    write(tmp_path / "d/train-00001-of-00003.jsonl", rows([["b"]] * 20))
    assert prepared(bench, tmp_path / "d")[0]["counts"]["train"]["documents"] == 57


def test_folders_and_names_that_tell_two_splits(bench, tmp_path):
    write(tmp_path / "d/test/train-0.jsonl", rows([["a"]] * 20))
    refused(prepare(bench, tmp_path / "d"), "test/train-0.jsonl", "two splits, test and train")


def test_copies_are_told(bench, tmp_path):
    content = write(tmp_path / "d/data.jsonl", rows([["a"]] * 20)).read_bytes()
    (tmp_path / "d/data.jsonl.gz").write_bytes(gzip.compress(content))
    (tmp_path / "d/link.jsonl").symlink_to("data.jsonl")
    for _ in range(2):
        said = prepared(bench, tmp_path / "d")[1]
        assert "data.jsonl' and '" in said and "once compressed" in said
        assert "link.jsonl' are the same file" in said


def test_guesses_are_told_again(bench, tmp_path):
    path = write(tmp_path / "a.jsonl", rows([["a"]] * 20 + [None], data_type="text"))
    first, again = (prepared(bench, path)[1] for _ in range(2))
    for line in ("'data_type' is not taken for a split", "every 20th is validation", "1 without labels"):
        assert line in first and line in again, again


def test_a_file_for_each_document_is_named(bench, tmp_path):
    (tmp_path / "d/train").mkdir(parents=True)
    (tmp_path / "d/train/1.json").write_text("{}")
    refused(prepare(bench, tmp_path / "d"), "EURLEX57K", "JSON lines", "jq")


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_split_fields(bench, tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"

    def documents(values, *flags, field="split"):
        write(path, [row | {field: value} for row, value in zip(rows([["a"]] * len(values)), values)])
        answer, said = prepared(bench, path, *flags)
        counts = answer["counts"]
        return [counts[s]["documents"] for s in ("train", "validation")] + [
            counts["unused_test_documents"]], said

    assert documents(["train"] * 3 + ["valid"] * 2 + ["Testing"])[0] == [3, 2, 1]
    found, said = documents(["text"] * 20, field="data_type")
    assert found == [19, 1, 0] and "'data_type' is not taken for a split" in said and "text" in said
    assert documents(["train"] * 20, "--set", "data.split_field=none")[0] == [19, 1, 0]
    found, said = documents([7] * 20)
    assert found == [19, 1, 0] and "'split' is not taken" in said
    # What could have put documents into the wrong split.
    for values, field, parts in (
            (["text"] * 5 + ["test"] * 5, "data_type", ["'data_type'", "test"]),
            (["trian"] * 20, "split", ["'split'", "trian", "data.split_field=none"]),
            (["train", "x"], "split", ["'split'", "x"])):
        write(path, [row | {field: value} for row, value in zip(rows([["a"]] * len(values)), values)])
        done = prepare(bench, path)  # the line about the first record's field may come before
        assert done.returncode == 2 and all(part in done.stderr for part in parts), done.stderr


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
@pytest.mark.parametrize("name", ["Split", "partition", "subset", "set", "fold"])
def test_a_split_field_of_another_name_is_no_guess(bench, tmp_path, suffix, name):
    words = ["train"] * 5 + ["validation"] * 3 + ["test"] * 2
    path = write(tmp_path / f"a.{suffix}", [row | {name: word} for row, word in zip(rows(["a"] * 10), words)])
    refused(prepare(bench, path), f"in the field '{name}'", "train", f"--set data.split_field={name}",
            "--set data.split_field=none")
    counts = prepared(bench, path, "--set", f"data.split_field={name}")[0]["counts"]
    assert counts["unused_test_documents"] == 2 and counts["validation"]["documents"] == 3
    # Another meaning, and the fields of the document itself, are none.
    write(path, [{"text": "test", "labels": "train", name: "a b"}] * 20)
    assert prepared(bench, path)[0]["counts"]["train"]["documents"] == 19


@pytest.mark.parametrize("flags", [[], ["--set", "data.split_field=split"]])
def test_a_split_that_is_a_class_label(bench, tmp_path, flags):
    feature = {"split": {"names": ["train", "validation", "test"], "_type": "ClassLabel"}}
    table = pa.table({"text": ["a"] * 6, "labels": ["x"] * 6, "split": [0, 0, 0, 1, 2, 2]})
    pq.write_table(table.replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": feature}})}), tmp_path / "a.parquet")
    counts = prepared(bench, "a.parquet", *flags)[0]["counts"]
    assert [counts["train"]["documents"], counts["validation"]["documents"],
            counts["unused_test_documents"]] == [3, 1, 2]


def test_split_fields_of_the_trials(bench):
    counts = prepared(bench, trial("split_valid.jsonl"))[0]["counts"]
    assert counts["validation"]["documents"] == sum(
        json.loads(line)["split"] == "valid" for line in trial("split_valid.jsonl").read_text().splitlines())
    assert "is not taken for a split" in prepared(bench, trial("data_type.jsonl"))[1]


# --- valid files in odd forms -------------------------------------------------------------------

POINTER = ("version https://git-lfs.github.com/spec/v1\noid sha256:" + "0123456789abcdef" * 4 +
           "\nsize 548105171\n")


@pytest.mark.parametrize("name", ["train.jsonl", "train.parquet", "tokenizer.json", "vocab.json"])
def test_git_lfs_pointers_are_named(bench, tmp_path, name):
    (tmp_path / name).write_text(POINTER)
    data = write(tmp_path / "a.jsonl", rows([["a"]] * 20))
    flags = {"tokenizer.json": ["--tokenizer", name],
             "vocab.json": ["--vocab", name, "--merges", name]}.get(name, [])
    refused(prepare(bench, data if flags else name, *flags), name, "Git LFS pointer", "git lfs pull")


@pytest.mark.parametrize("name", ["train.jsonl", "train.parquet", "tokenizer.json"])
def test_git_lfs_pointers_of_the_trials(bench, tmp_path, name):
    data = write(tmp_path / "a.jsonl", rows([["a"]] * 20))
    path = trial("lfs") / name
    flags = ["--tokenizer", path] if name == "tokenizer.json" else []
    refused(prepare(bench, data if flags else path, *flags), "Git LFS pointer")


@pytest.mark.parametrize("name", ["tokenizer_truncation", "tokenizer_sequence"])
def test_tokenizers_of_the_trials(bench, tmp_path, name):
    """The ids are those of the shipped vocabulary, which these were made from."""
    (tmp_path / "tokenizer.json").write_bytes(gzip.decompress(trial(name + ".json.gz").read_bytes()))
    data = write(tmp_path / "a.jsonl", rows([["a"]] * 20))
    for scenario in "CD":
        answer, _ = prepared(bench, data, "--tokenizer", "tokenizer.json", scenario=scenario)
        other, _ = prepared(bench, data, scenario=scenario)
        tokens = [pathlib.Path(a["store"], "train.tokens").read_bytes() for a in (answer, other)]
        assert tokens[0] == tokens[1]


@pytest.mark.parametrize("name, hint", [
    ("a.json", "rename it to .jsonl"), ("a.ndjson", "Rename it"), ("A.JSONL", "Rename it"),
    ("a.csv", "read_csv"), ("a.jsonl.zst", "decompress it")])
def test_files_of_another_kind_say_what_to_do(bench, tmp_path, name, hint):
    write(tmp_path / name, rows([["a"]] * 20))
    refused(prepare(bench, name), "data.source", name, hint)


def test_paths_that_are_none(bench, tmp_path):
    write(tmp_path / "a.jsonl", rows([["a"]] * 20))
    refused(prepare(bench, "a.jsonl/"), "found a file", "Leave out the slash")
    refused(prepare(bench, "https://example.org/a.jsonl"), "https://example.org/a.jsonl", "Download")


def test_a_name_that_is_no_unicode(bench, tmp_path):
    os.rename(write(tmp_path / "a.jsonl", rows([["a"]] * 20)), os.fsencode(tmp_path) + b"/caf\xe9.jsonl")
    done = subprocess.run([os.fsencode(a) for a in (
        BIN / "dtbench", "data", "prepare", "--scenario", "C", "--preset", "tiny", "--json", "--data")] +
        [b"caf\xe9.jsonl"], cwd=tmp_path, env=environment(tmp_path / "cache"), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == "caf\ufffd.jsonl"


def test_a_damaged_store_is_told_in_our_words(bench, tmp_path):
    answer, _ = prepared(bench, write(tmp_path / "a.jsonl", rows([["a"]] * 20)))
    meta = pathlib.Path(answer["store"]) / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"vocab_size": None, "files": 7}))
    done = bench("data", "verify")
    assert done.returncode == 4 and "json.exception" not in done.stdout + done.stderr


@pytest.mark.parametrize("content, hint", [
    (b'[{"text": "a"}]\n', "jq -c"), (b'{\n"text": "a"\n}\n', "jq -c"), (b'{"text": "a", "labels": NaN}', "no NaN"),
    ('{"text": "a"}'.encode("utf-16"), "UTF-16"), (b"BZh91AY&SY\x00\x01", "Decompress"),
    (b"\xfd7zXZ\x00\x00", "Decompress"), (b"\x28\xb5\x2f\xfd\x04", "Decompress"),
    (gzip.compress(gzip.compress(b'{"text": "a"}')), "Decompress"),
    (b'{"text": "a", "labels": "a"}\r{"text": "b", "labels": "b"}\r', "carriage returns"),
    (b'{"text": "a", "labels": 1.5}', "texts or integers"), (b'{"text": "a", "labels": {}}', "data.label_field"),
    (b'{"text": 7, "labels": "a"}', "data.text_field")])
def test_malformed_lines_say_what_to_do(bench, tmp_path, content, hint):
    (tmp_path / "a.jsonl").write_bytes(content)
    refused(prepare(bench, "a.jsonl"), "a.jsonl' line 1", "try: ", hint)


def test_many_names_in_a_record_cost_nothing(tmp_path):
    inner = {str(i): 1 for i in range(100)}
    for _ in range(90):
        inner = {"k" * 100_000: inner}
    (tmp_path / "a.jsonl").write_text("".join(
        json.dumps({"text": "a", "labels": "b", "m": inner if i == 0 else 1}) + "\n" for i in range(20)))
    bounded(tmp_path, "a.jsonl", status=0)
    (tmp_path / "a.jsonl").write_text(json.dumps({"txt": "a", "labels": "b", "m": inner}) + "\n")
    bounded(tmp_path, "a.jsonl", "expected a field 'text'", "Did you mean 'txt'")


# --- hostile bytes ------------------------------------------------------------------------------

DEEP = '{"a":' * 10_000 + "1" + "}" * 10_000


def test_deep_values_are_refused_by_every_reader(bench, tmp_path):
    data = write(tmp_path / "a.jsonl", rows([["a"]] * 20))
    deep = tmp_path / "deep.jsonl"
    deep.write_text(f'{{"text": "a", "labels": ["a"], "x": {DEEP}}}\n')
    refused(prepare(bench, deep), "deep.jsonl' line 1", "deeper")
    for flags in (["--tokenizer", "deep.jsonl"], ["--vocab", "deep.jsonl", "--merges", "deep.jsonl"]):
        refused(prepare(bench, data, *flags), "deep.jsonl", "deeper")
    answer, _ = prepared(bench, data)
    (pathlib.Path(answer["store"]) / "meta.json").write_text(DEEP)
    assert json.loads(ok(bench("data", "list", "--json")))[0]["state"] == "damaged"
    assert bench("data", "verify").returncode == 4
    record = tmp_path / "runs/cell"
    record.mkdir(parents=True)
    for name in ("spec.json", "result.json", "audit.json", "events.jsonl", "steps.jsonl"):
        (record / name).write_text(DEEP + "\n")
    for command in (["list"], ["list", "--json"], ["show", "cell"], ["analyse"], ["report"]):
        done = bench(*command, "--out", "runs") if command[0] != "report" else bench(
            "report", "runs", "--out", "report.html")
        assert done.returncode in (0, 2), (command, done.returncode, done.stderr[-500:])
        assert len(done.stderr) < 20_000


def test_no_reader_waits_for_a_pipe(bench, tmp_path):
    """Each file in its turn is a pipe that nobody writes to."""
    data = write(tmp_path / "a.jsonl", rows([["a"], ["b"]] * 20))
    pipe = tmp_path / "pipe.jsonl"
    for name in ("pipe.jsonl", "pipe.json", "pipe.toml", "pipe.safetensors", "pipe.parquet", "pipe.so"):
        os.mkfifo(tmp_path / name)
    vocabulary = SOURCE / "configs/tokenizers/synthetic"
    dry = ["run", "--scenario", "A", "--preset", "tiny", "--dry-run"]
    for command in (
            ["data", "prepare", "--scenario", "C", "--preset", "tiny", "--data", pipe],
            ["data", "prepare", "--scenario", "C", "--preset", "tiny", "--data", "pipe.parquet"],
            ["data", "prepare", "--scenario", "C", "--preset", "tiny", "--data", data, "--tokenizer", "pipe.json"],
            ["data", "prepare", "--scenario", "C", "--preset", "tiny", "--data", data,
             "--vocab", vocabulary / "vocab.json", "--merges", "pipe.json"],
            [*dry, "--policy", "pipe.toml"], [*dry, "--policy", "fp32_true", "--config", "pipe.toml"],
            [*dry, "--policy", "fp32_true", "--extension", "pipe.so"],
            ["matrix", "--file", "pipe.toml", "--preset", "tiny", "--dry-run"],
            ["run", "--scenario", "A", "--preset", "tiny", "--policy", "fp32_true", "--init", "pipe.safetensors"]):
        refused(bench(*command), "pipe.")
    answer, _ = prepared(bench, data)
    store = pathlib.Path(answer["store"])
    for name in sorted(path.name for path in store.iterdir()):
        kept = (store / name).read_bytes()
        (store / name).unlink()
        os.mkfifo(store / name)
        assert bench("data", "show", store).returncode in (0, 2), name
        assert bench("data", "list").returncode == 0, name
        (store / name).unlink()
        (store / name).write_bytes(kept)
    record = tmp_path / "runs/cell"
    record.mkdir(parents=True)
    for name in ("spec.json", "result.json", "audit.json", "events.jsonl", "steps.jsonl", "study.json",
                 "explain.json", "lock", "engine.json"):
        os.mkfifo(record / name)
    for command in (["list", "--out", "runs"], ["show", "cell"], ["analyse", "runs"], ["report", "runs"],
                    ["compare", "runs", "runs"], ["watch", "runs"]):
        done = bench(*command)
        assert done.returncode in (0, 2, 4), (command, done.returncode, done.stderr[-500:])


@pytest.mark.parametrize("key", ["a" + ".a" * 100_000 + " = 1\n", "[a" + ".a" * 100_000 + "]\n",
                                 "x = { a" + ".a" * 100_000 + " = 1 }\n"])
def test_deep_keys_of_toml_are_refused(bench, tmp_path, key):
    (tmp_path / "deep.toml").write_text("# a.comment.that.is.long" + ".a" * 100 + "\n" +
                                        'b = "a.text' + ".a" * 100 + '"\n' + key)
    for flags in (["--policy", "deep.toml"], ["--policy", "fp32_true", "--config", "deep.toml"]):
        refused(bench("run", "--scenario", "A", "--preset", "tiny", "--dry-run", *flags), "line 3",
                "at most 32 parts")


def test_deep_inputs_of_the_trials(bench, tmp_path):
    refused(prepare(bench, trial("deep_object.jsonl.gz")), "line 1", "deeper")
    (tmp_path / "deep.toml").write_bytes(gzip.decompress(trial("deep_keys_policy.toml.gz").read_bytes()))
    refused(bench("run", "--scenario", "A", "--preset", "tiny", "--policy", "deep.toml", "--dry-run"),
            "at most 32 parts")


@pytest.mark.parametrize("line", ['{"a": 1e999}', '{"a": "\udcff"}', "\x00{}"])
def test_a_record_of_no_json_is_damage_of_that_record(bench, tmp_path, line):
    record = tmp_path / "runs/cell"
    record.mkdir(parents=True)
    for name in ("spec.json", "result.json", "audit.json"):
        (record / name).write_bytes(line.encode("utf-8", "surrogateescape"))
    listed = json.loads(ok(bench("list", "--out", "runs", "--json")))
    assert len(listed) == 1 and "result.json" in json.dumps(listed)


def measured(tmp_path, *arguments):
    """The exit status, messages and the peak of resident memory of one command."""
    script = ("import resource, subprocess, sys; "
              "done = subprocess.run(sys.argv[1:], capture_output=True, text=True); "
              "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); "
              "print(done.stderr)")
    done = subprocess.run(["python3", "-c", script, BIN / "dtbench", *arguments], cwd=tmp_path,
                          env=environment(tmp_path / "cache"), capture_output=True, text=True,
                          check=True, timeout=300)
    head, _, said = done.stdout.partition("\n")
    status, kilobytes = map(int, head.split())
    return status, said, kilobytes * 1024


def bounded(tmp_path, path, *parts, status=2, scenario="C"):
    found, said, peak = measured(tmp_path, "data", "prepare", "--scenario", scenario, "--preset", "tiny",
                                 "--data", path)
    assert found == status, said
    for part in parts:
        assert part in said, said
    assert peak < MOST_MEMORY, f"{peak / 1e6:.0f} MB"


def test_long_lines_are_refused_before_they_take_memory(tmp_path):
    with gzip.open(tmp_path / "a.jsonl.gz", "wb", 1) as file:
        file.write(b'{"labels": ["a"], "text": "')
        for _ in range(1000):
            file.write(b"a" * MIB)
    assert (tmp_path / "a.jsonl.gz").stat().st_size < 10 * MIB
    bounded(tmp_path, "a.jsonl.gz", "a.jsonl.gz' line 1", "at most 16.0 MiB", "Split")


def test_lines_of_very_many_values_are_refused(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a", "labels": ["a"], "x": [' + "0," * 7_000_000 + "0]}\n")
    bounded(tmp_path, "a.jsonl", "line 1", "more than 1000000 values")


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_long_documents_are_refused(tmp_path, suffix):
    write(tmp_path / f"a.{suffix}", [{"text": "b c", "labels": ["a"]},
                                     {"text": "b c " * (MIB + 1), "labels": ["a"]}])
    bounded(tmp_path, f"a.{suffix}", f"a.{suffix}' ", " 2", "at most 4.0 MiB", "Split the document")


@pytest.mark.parametrize("piece", ["a", "b c ", "中"])
def test_the_longest_documents_fit_into_memory(tmp_path, piece):
    """A text without any place to cut takes the most."""
    text = piece * (4 * MIB // len(piece.encode()))
    (tmp_path / "a.jsonl").write_text("".join(
        json.dumps({"text": text, "labels": ["a"], "split": split}) + "\n" for split in
        ("train", "train", "validation")))
    bounded(tmp_path, "a.jsonl", status=0)


def test_a_parquet_value_of_hundreds_of_megabytes(tmp_path):
    write(tmp_path / "a.parquet", [{"text": "a" * (300 * MIB), "labels": ["a"]}])
    bounded(tmp_path, "a.parquet", "a.parquet' row 1", "Split the document")


def test_a_dictionary_that_unfolds(tmp_path):
    values = pa.DictionaryArray.from_arrays([0] * 1000, ["a" * (3 * MIB)])
    pq.write_table(pa.table({"text": values, "labels": ["a"] * 1000}), tmp_path / "a.parquet",
                   compression="zstd", store_schema=False)
    bounded(tmp_path, "a.parquet", "a.parquet' row", "memory")


@pytest.mark.parametrize("name", ["dictionary_bomb.parquet", "large_text.parquet"])
def test_bombs_of_the_trials(tmp_path, name):
    bounded(tmp_path, trial(name), name, " row ", scenario="A")


def test_values_in_messages_are_short_and_plain(bench, tmp_path):
    done = bench("data", "prepare", "--scenario", "C", "--preset", "tiny", "--data",
                 "\x1b]0;x\x07\u009b31m" + "a" * 100_000)
    assert done.returncode == 2 and len(done.stderr) < 10_000
    assert "\x1b" not in done.stderr and "\u009b" not in done.stderr and "bytes left out" in done.stderr


def test_a_cache_of_another_user_is_refused(bench, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    (tmp_path / "cache").mkdir()
    os.chown(tmp_path / "cache", 12345, 12345)
    refused(bench("data", "list"), "belongs to another user", "12345", "DTBENCH_CACHE", code=4)


@pytest.mark.parametrize("arguments", [["data", "list", "--json"], ["list", "--json"], ["policies"],
                                       ["--help"], ["--version"],
                                       ["run", "--scenario", "A", "--policy", "fp32_true", "--preset",
                                        "tiny", "--dry-run"]])
def test_output_that_cannot_be_written_is_an_error(tmp_path, arguments):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([BIN / "dtbench", *arguments], cwd=tmp_path, stdout=full,
                              env=environment(tmp_path / "cache"), stderr=subprocess.PIPE, text=True,
                              check=False)
    assert done.returncode == 3 and "standard output" in done.stderr, (done.returncode, done.stderr)
