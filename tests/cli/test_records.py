"""dtbench list and show, on records of each kind."""

import json
import os
import re
import shutil

import pytest
from conftest import TINY, dry_run, locked, ok, refused, write_result


@pytest.fixture
def runs(bench, tmp_path):
    """One record of each kind; name -> folder."""
    made = {}
    for seed, kind in enumerate(["completed", "diverged", "interrupted", "running", "damaged"]):
        cell = dry_run(bench, *TINY, "--seed", seed)
        run = made[kind] = tmp_path / cell["run_directory"]
        run.mkdir(parents=True)
        (run / "spec.json").write_text(json.dumps(cell["spec"]))
        steps = [{"step": n, "loss": 7.6, "grad_norm": 1.0, "lr": 6e-4, "loss_scale": None,
                  "skipped": False, "step_ms": 20.5, "samples": 8, "tokens": 512}
                 for n in range(1, 13)]
        (run / "steps.jsonl").write_text("".join(json.dumps(s) + "\n" for s in steps))
        started = {"at": f"2026-01-0{seed + 1}T00:00:00.000Z", "event": "started"}
        (run / "events.jsonl").write_text(json.dumps(started) + "\n")
    write_result(made["completed"])
    write_result(made["diverged"], status="diverged", outcome="nonfinite", steps_completed=12,
                 started_at="2026-01-02T00:00:00.000Z", convergence={"val_loss": "NaN"},
                 first_nonfinite={"step": 12, "phase": "loss", "kind": "nan"})
    with open(made["running"] / "steps.jsonl", "a") as steps:
        steps.write('{"step": 13, "lo')
    (made["damaged"] / "result.json").write_text('{"status": "comp')
    with locked(made["running"]):
        yield made


def test_list(bench, runs):
    listed = json.loads(ok(bench("list", "--json")))
    assert [run["status"] for run in listed] == list(runs)
    assert [run["cell_id"] for run in listed] == [run.name for run in runs.values()]
    assert [run["steps_completed"] for run in listed] == [30, 12, 12, 12, 12]
    assert [run["outcome"] for run in listed] == ["trained", "nonfinite", None, None, None]
    assert [run["val_loss"] for run in listed] == [5.75, None, None, None, None]
    assert [run["damage"] is None for run in listed] == [True, True, True, True, False]

    header, *rows = ok(bench("list")).splitlines()
    assert header.split() == ["cell", "scenario", "policy", "preset", "seed", "steps", "status",
                              "outcome", "val", "loss", "wall"]
    assert rows[0].split() == [runs["completed"].name, "A", "fp32_true", "tiny", "0", "30/30",
                               "completed", "trained", "5.75", "2.5", "s"]
    assert len(rows) == 5


def test_list_of_nothing(bench):
    assert json.loads(ok(bench("list", "--json"))) == []
    assert "no runs in 'runs'" in bench("list").stderr
    refused(bench("list", "--out", "nosuch"), "There is no folder 'nosuch'.", "--out DIR")


@pytest.mark.parametrize("kind", ["completed", "diverged", "interrupted", "running", "damaged"])
def test_show(bench, runs, kind):
    run = runs[kind]
    shown = json.loads(ok(bench("show", run.name, "--json")))
    assert shown["summary"]["status"] == kind
    assert shown["spec"]["seed"] == list(runs).index(kind)
    assert len(shown["steps"]) == 12 and len(shown["events"]) == 1
    text = ok(bench("show", run.relative_to(run.parents[1])))
    assert f"{kind}" in text and "generated, not real text" in text
    assert ("DAMAGED: " in text and "result.json" in text) == (kind == "damaged")


def test_show_names_a_result_that_is_alone_and_broken(bench, tmp_path):
    (tmp_path / "runs/alone").mkdir(parents=True)
    (tmp_path / "runs/alone/result.json").write_text("{")
    text = ok(bench("show", "runs/alone"))
    assert "DAMAGED: " in text and "result.json" in text
    (tmp_path / "runs/nothing").mkdir()
    refused(bench("show", "runs/nothing"), "is not a run: it holds no spec.json")


def test_show_fits_on_a_screen_and_says_why_it_died(bench, runs):
    run = runs["diverged"]
    first = {"step": 7, "kind": "nan", "tensor": "loss", "phase": "forward",
             "operation": "attention", "module": "transformer.h.0.attn"}
    result = json.loads((run / "result.json").read_text())
    change = {"first_nonfinite": first, "optimizer": {"lost_weight_update_share": 0.125}}
    (run / "result.json").write_text(json.dumps(result | change))
    text = ok(bench("show", run.name))
    assert len(text.splitlines()) <= 40
    assert "step 7, nan in attention of transformer.h.0.attn (forward)" in text
    assert f"'dtbench explain runs/{run.name}'" in text
    assert re.search(r"lost weight updates +12.5 %", text)
    (run / "explain.json").write_text('{"cause": "overflow in attention"}')
    assert "Cause: overflow in attention" in ok(bench("show", run.name))
    assert "Audit" not in text and "Spec (spec.json)" not in text and "Events" not in text
    everything = ok(bench("show", run.name, "--all"))
    for section in ("Result (result.json)", "Events (events.jsonl)", "Spec (spec.json)"):
        assert section in everything
    assert everything.startswith(ok(bench("show", run.name)).split("\n--all")[0])


def test_show_has_every_score_beside_the_constant_answers(bench, runs):
    run = runs["completed"]
    result = json.loads((run / "result.json").read_text())
    result["convergence"] = {"val_loss": 0.5, "f1_micro": 0.61, "f1_macro": 0.25,
                             "f1_macro_constant_predictor": 0.125, "accuracy": None}
    (run / "result.json").write_text(json.dumps(result))
    text = ok(bench("show", run.name))
    assert re.search(r"F1 macro +0\.2500 +0\.1250", text)
    assert re.search(r"F1 micro +0\.6100 +-", text)
    assert "accuracy" not in text


def test_show_finds_a_run_by_the_beginning_of_its_id(bench, runs):
    ids = sorted(run.name for run in runs.values())
    for name in ids:
        shared = max(len(os.path.commonprefix([name, other])) for other in ids if other != name)
        prefix = name[:shared + 1]
        assert json.loads(ok(bench("show", prefix, "--json")))["summary"]["cell_id"] == name
    wrong = ("0" if ids[0][0] != "0" else "1") + ids[0][1:]
    refused(bench("show", wrong), f"Did you mean '{ids[0]}'?")
    refused(bench("show", "zzz"), "There is no run 'zzz'")


def test_show_asks_for_more_of_an_ambiguous_id(bench, runs):
    other = runs["completed"].parent / (runs["completed"].name[:8] + "00000000")
    shutil.copytree(runs["completed"], other)
    refused(bench("show", other.name[:8]), "begins the ids of 2 runs", "Give more digits")


# --- records of others --------------------------------------------------------------------------

STEERING = "\x1b[2J\u009b31m\u202eEVIL\x7f"


@pytest.mark.parametrize("arguments", [["list"], ["show", "--all"], ["report"], ["analyse"],
                                       ["list", "--json"], ["show", "--json"], ["analyse", "--json"]])
def test_no_text_of_a_record_steers_the_terminal(bench, runs, arguments):
    """Values, names of members and values within lists, on standard output and in messages."""
    run = runs["diverged"]
    for file in ("spec.json", "result.json"):
        content = json.loads((run / file).read_text())
        content[STEERING] = [{"message": STEERING, STEERING: [STEERING]}]
        content["disturbances"] = [{"kind": STEERING, "message": STEERING}]
        if file == "result.json":
            content["first_nonfinite"]["tensor"] = STEERING
        (run / file).write_text(json.dumps(content))
    with open(run / "events.jsonl", "a") as events:
        events.write(json.dumps({"at": STEERING, "event": STEERING, STEERING: STEERING}) + "\n")
    command, *flags = arguments
    place = [run] if command == "show" else [] if command == "list" else ["runs"]
    process = bench(command, *place, *flags)
    for text in (process.stdout, process.stderr):
        assert not re.search("[\x1b\x7f\x80-\x9f\u202e]", text)
    if command == "show":
        assert "EVIL" in process.stdout
        if "--json" in flags:
            assert STEERING in json.loads(process.stdout)["spec"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
@pytest.mark.parametrize("file", ["steps.jsonl", "events.jsonl"])
def test_something_else_in_the_place_of_lines_is_damage_of_that_record(bench, runs, make, file):
    run = runs["completed"]
    (run / file).unlink()
    make(run / file)
    shown = json.loads(ok(bench("show", run, "--json")))
    assert file in shown["summary"]["damage"] and shown[file.removesuffix(".jsonl")] == []
    assert "report" in ok(bench("report", "runs")).lower()
    ok(bench("list"))


def test_a_folder_whose_name_is_no_text(bench, runs, tmp_path):
    other = os.fsencode(tmp_path / "runs") + b"/\xff\xfe"
    shutil.copytree(os.fsencode(runs["completed"]), other)
    listed = json.loads(ok(bench("list", "--json")))
    assert len(listed) == len(runs) + 1


def test_a_record_of_very_many_values_is_damage(bench, runs):
    (runs["completed"] / "result.json").write_text('{"a": [' + "{}," * 300_000 + "{}]}")
    [listed] = [one for one in json.loads(ok(bench("list", "--json")))
                if one["cell_id"] == runs["completed"].name]
    assert "more than 200000 values" in listed["damage"]
