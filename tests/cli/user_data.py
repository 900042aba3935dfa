"""What the tests of users' data share. Inputs of ../shared/trials are tried where that folder is."""

import json

import pytest
from conftest import SOURCE, ok

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

TRIALS = SOURCE.parent / "shared/trials"


def trial(name):
    if not TRIALS.is_dir():
        pytest.skip(f"needs the inputs in {TRIALS}")
    return TRIALS / name


def prepare(bench, data, *flags, scenario="C"):
    return bench("data", "prepare", "--scenario", scenario, "--preset", "tiny", "--json", "--data",
                 data, *flags)


def prepared(bench, data, *flags, **settings):
    done = prepare(bench, data, *flags, **settings)
    return json.loads(ok(done)), done.stderr


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def rows(labels, **more):
    return [{"text": f"text {i}", "labels": label, **more} for i, label in enumerate(labels)]


def examples(bench, answer):
    shown = json.loads(ok(bench("data", "show", answer["store"], "--json")))
    return [example["labels"] for example in shown["examples"]]
