"""dtbench data: prepare, list, show and verify."""

import json
import pathlib
import signal
import subprocess
import time

import pytest
from conftest import BIN, environment, ok, refused


def test_data_prepare(bench, tmp_path):
    flags = ["data", "prepare", "--scenario", "C", "--preset", "tiny"]
    answer = json.loads(ok(bench(*flags, "--json")))
    assert answer["synthetic"] is True and answer["labels"] == 32 and answer["vocab_size"] == 2048
    assert pathlib.Path(answer["store"]).is_relative_to(tmp_path / "cache")
    assert answer["fingerprint"] in ok(bench(*flags))


def test_data_prepare_serves_every_scenario(bench):
    stores = {scenario: json.loads(ok(bench("data", "prepare", "--scenario", scenario, "--preset",
                                            "tiny", "--json")))["store"] for scenario in "ABCDEF"}
    assert stores["C"] == stores["E"] and stores["D"] == stores["F"]
    assert len(set(stores.values())) == 4


# --- stores -------------------------------------------------------------------------------------

PREPARE = ["data", "prepare", "--preset", "tiny", "--json"]


def stores(bench):
    return json.loads(ok(bench("data", "list", "--json")))


def test_data_list_and_show(bench):
    assert stores(bench) == []
    assert "no stores" in bench("data", "list").stderr
    refused(bench("data", "show"), "Expected one store, found 0")
    made = [json.loads(ok(bench(*PREPARE, "--scenario", scenario))) for scenario in "AC"]
    listed = {store["fingerprint"]: store for store in stores(bench)}
    assert set(listed) == {store["fingerprint"] for store in made}
    for store in made:
        folder, found = pathlib.Path(store["store"]), listed[store["fingerprint"]]
        assert found["bytes"] == sum(file.stat().st_size for file in folder.iterdir())
        assert found["documents"] == sum(store["counts"][s]["documents"] for s in ("train", "validation"))
        assert (found["state"], found["labels"]) == ("whole", store["labels"])
    refused(bench("data", "show"), "found 2", "dtbench data list")
    refused(bench("data", "show", "zz"), "no store 'zz'", made[0]["fingerprint"][:12])

    for name in (made[1]["fingerprint"][:10], made[1]["store"]):
        details = json.loads(ok(bench("data", "show", name, "--json")))
        assert details["counts"] == made[1]["counts"]
    statistics = details["label_statistics"]
    counts = made[1]["counts"]["train"]
    mean = statistics["labels_a_document"]["train"]["mean"]
    assert mean == counts["labels"] / counts["documents"]
    frequencies = [label["train_documents"] for label in statistics["most_frequent"]]
    assert len(frequencies) == 10 and frequencies == sorted(frequencies, reverse=True)


def test_data_show_decodes_what_was_encoded(bench, tmp_path):
    texts = ["Milk prices: 漢字 😀\n  and\tbutter.", "fish", "eggs"]
    rows = [{"text": text, "labels": [i], "split": "train"} for i, text in enumerate(texts)]
    rows.append({"text": "more", "labels": [0], "split": "validation"})
    (tmp_path / "acts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    # RoBERTa's tokens <s> and </s> stand around.
    for scenario, begin, end in (("C", "", ""), ("D", "<s>", "</s>")):
        made = json.loads(ok(bench(*PREPARE, "--scenario", scenario, "--data", "acts.jsonl")))
        examples = json.loads(ok(bench("data", "show", made["store"], "--json")))["examples"]
        assert [e["text"] for e in examples] == [begin + text + end for text in texts]
        assert [e["labels"] for e in examples] == [["0"], ["1"], ["2"]]
        assert "漢字 😀" in ok(bench("data", "show", made["store"]))


@pytest.mark.parametrize("file", ["train.tokens", "validation.labels", "train.offsets",
                                  "vocabulary.json", "meta.json"])
def test_data_verify_quarantines_a_store_with_one_changed_bit(bench, tmp_path, file):
    made = json.loads(ok(bench(*PREPARE, "--scenario", "C")))
    other = json.loads(ok(bench(*PREPARE, "--scenario", "A")))
    assert ok(bench("data", "verify")).count(": whole") == 2
    store = pathlib.Path(made["store"])
    before = {path.name: path.read_bytes() for path in store.iterdir()}
    damaged = bytearray(before[file])
    at = len(damaged) // 2
    while file.endswith("json") and not chr(damaged[at]).isalnum():  # JSON stays JSON
        at += 1
    damaged[at] ^= 1
    (store / file).write_bytes(damaged)
    answer = bench("data", "verify", "--json")
    assert answer.returncode == 4 and file in answer.stderr and "moved to" in answer.stderr
    faults = {item["path"]: item for item in json.loads(answer.stdout)}
    assert faults[other["store"]] == {"path": other["store"], "fault": None, "quarantined_as": None}
    aside = faults[made["store"]]["quarantined_as"]
    assert aside == made["store"] + ".corrupt.1" and pathlib.Path(aside).is_dir()
    assert not store.exists()
    assert sorted(s["state"] for s in stores(bench)) == ["quarantined", "whole"]
    # The next preparation makes the very same bytes.
    assert json.loads(ok(bench(*PREPARE, "--scenario", "C"))) == made
    assert {path.name: path.read_bytes() for path in store.iterdir()} == before
    ok(bench("data", "verify"))


def test_a_store_with_one_changed_bit_is_not_used(bench):
    made = json.loads(ok(bench(*PREPARE, "--scenario", "C")))
    tokens = pathlib.Path(made["store"]) / "train.tokens"
    before = tokens.read_bytes()
    tokens.write_bytes(bytes([before[0] ^ 1]) + before[1:])
    again = bench(*PREPARE, "--scenario", "C")
    assert json.loads(ok(again)) == made and tokens.read_bytes() == before
    assert "preparing a damaged store again" in again.stderr and "train.tokens: its SHA-256 was" in (
        again.stderr)
    assert (pathlib.Path(made["store"] + ".corrupt.1") / "train.tokens").is_file()


def test_limits_make_other_stores(bench, tmp_path):
    rows = [{"text": f"text {i}", "labels": [i % 3]} for i in range(80)]
    (tmp_path / "acts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def documents(*flags):
        made = json.loads(ok(bench(*PREPARE, "--scenario", "C", "--data", "acts.jsonl", *flags)))
        return made["fingerprint"], made["counts"]["train"]["documents"], \
            made["counts"]["validation"]["documents"]

    everything = documents()
    assert everything[1:] == (76, 4)
    assert documents("--data-examples", "40")[1:] == (38, 2)
    assert documents("--data-bytes", str(10 * 6 + 30 * 7))[1:] == (38, 2)
    assert len({documents(*flags)[0] for flags in [(), ("--data-examples", "40"),
                                                  ("--data-bytes", "270"), ("--data-examples", "80")]}) == 4
    refused(bench(*PREPARE, "--scenario", "C", "--data", "acts.jsonl", "--data-examples", "10"),
            "validation split", "data.examples and data.bytes")


LONG = ["data", "prepare", "--scenario", "C", "--preset", "tiny", "--set", "data.synthetic_documents=1000000"]


def start_long(tmp_path):
    """Preparing that takes minutes; from when it writes."""
    process = subprocess.Popen([BIN / "dtbench", *LONG], cwd=tmp_path, env=environment(tmp_path / "cache"),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while not list((tmp_path / "cache/stores").glob("*.tmp.*/train.tokens")):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.01)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2])
def test_preparing_ends_with_130(tmp_path, number):
    process = start_long(tmp_path)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors.endswith("interrupted\n"), errors


def test_what_a_killed_preparer_left_goes_with_the_next_store(bench, tmp_path):
    """Whatever that store holds; but not what somebody still writes."""
    process = start_long(tmp_path)
    process.kill()
    process.communicate()
    ok(bench("data", "prepare", "--scenario", "C", "--preset", "tiny"))
    assert list((tmp_path / "cache/stores").glob("*.tmp.*")) == []
    process = start_long(tmp_path)
    ok(bench("data", "prepare", "--scenario", "D", "--preset", "tiny"))
    assert len(list((tmp_path / "cache/stores").glob("*.tmp.*"))) == 1
    process.kill()
    process.communicate()


def test_nothing_in_the_cache_is_not_whole(bench, tmp_path):
    refused(bench("data", "verify", "hf://datasets/nobody/nothing", HF_HOME=str(tmp_path)),
            "'hf://datasets/nobody/nothing' is not in the cache")
