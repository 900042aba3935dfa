"""What `dtbench report` says of records, and the files that it writes."""

import csv
import io
import json
import math
import os
import pathlib
import re

import duckdb
import pandas
import pytest

from conftest import STUDY
from records import AP, SEEDS, SPEED, add, change, dtbench, ok, references, shape

HERE = pathlib.Path(__file__).parent
REAL = {"data.source": "acts.jsonl"}
MEMORY = "memory.peak_allocated_bytes"


def loss(value):
    return {"convergence.val_loss": value}


def policy_seeds(root, policy, scenario="A", *, seeds=SEEDS, speed=1.0, shift=0.0, **options):
    """Seeds of one policy, each with a level of speed and loss; the policy's effect on top."""
    for seed in seeds:
        add(root, scenario, policy, seed, spec=REAL,
            result=loss(5 + 0.1 * seed + shift * (1 + 0.01 * seed)) |
            {SPEED: (100 + seed) * speed * (1 + 0.001 * seed)}, **options)


def said(report):
    (row,) = report()["rows"]
    return row["recommendation"]


# --- the recommendation ---------------------------------------------------------------------------

def test_the_fastest_policy_that_loses_nothing_is_recommended(tmp_path, report):
    policy_seeds(tmp_path, "fp32_true")
    policy_seeds(tmp_path, "amp_bf16", speed=1.5, shift=0.001)
    policy_seeds(tmp_path, "amp_fp16", speed=1.2)
    found = said(report)
    assert (found["policy"], found["strength"], found["provisos"]) == ("amp_bf16", "firm", [])
    assert found["because"].startswith("1.50 [1.50, 1.50] times the samples/s, ")
    assert "validation loss +0.0010 [+0.0010, +0.0010]" in found["because"]
    assert found["against"] == {}
    assert report()["answer"] == "Use amp_bf16 in A."


REJECTED = {
    "worse": (dict(speed=1.5, shift=0.1), "validation loss may be worse by more than 0.0520"),
    "slower": (dict(speed=0.9), "it is not certainly faster: 0.90"),
    "dead": (dict(speed=1.5, nonfinite=3),
             "5 of 5 seeds met a NaN or an infinity (first at step 3)"),
    "stalled": (dict(speed=1.5, outcome="stalled"), "did not train beyond a constant answer"),
    "too large": (dict(speed=1.5, status="out_of_memory"), "5 of 5 seeds ran out of memory"),
}


@pytest.mark.parametrize("name", REJECTED)
def test_a_policy_that_loses_something_is_passed_over_with_the_reason(tmp_path, report, name):
    options, why = REJECTED[name]
    policy_seeds(tmp_path, "fp32_true")
    policy_seeds(tmp_path, "bf16_pure", **options)
    found = said(report)
    assert found["policy"] == "fp32_true"
    assert why in found["against"]["bf16_pure"]


def test_one_dead_seed_of_five_is_enough_to_be_passed_over(tmp_path, report):
    policy_seeds(tmp_path, "fp32_true")
    policy_seeds(tmp_path, "fp16_naive", speed=2, seeds=range(4))
    add(tmp_path, "A", "fp16_naive", 4, spec=REAL, nonfinite=7)
    assert said(report)["against"]["fp16_naive"] == \
        "1 of 5 seeds met a NaN or an infinity (first at step 7)"


def test_average_precision_decides_where_labels_are_many(tmp_path, report):
    for seed in SEEDS:
        add(tmp_path, "C", "fp32_true", seed, spec=REAL, result={AP: 0.5})
        add(tmp_path, "C", "amp_bf16", seed, spec=REAL, result={AP: 0.495, SPEED: 150.0})
        add(tmp_path, "C", "bf16_pure", seed, spec=REAL, result={AP: 0.48, SPEED: 200.0})
    found = said(report)
    assert found["policy"] == "amp_bf16"
    assert "average precision may be worse by more than 0.0100" in found["against"]["bf16_pure"]


def test_the_noise_floor_is_never_recommended(tmp_path, report):
    policy_seeds(tmp_path, "fp32_true")
    policy_seeds(tmp_path, "fp32_perturbed", speed=1.3)
    assert said(report)["policy"] is None


def test_nothing_is_recommended_where_the_reference_did_not_train(tmp_path, report):
    policy_seeds(tmp_path, "fp32_true", outcome="stalled")
    policy_seeds(tmp_path, "amp_bf16", speed=1.5, outcome="stalled")
    found = said(report)
    assert found["policy"] is None
    assert found["because"] == (
        "fp32_true: 5 of 5 seeds did not train beyond a constant answer; fastest that stayed "
        "finite: amp_bf16, 1.50 times its samples/s")
    assert report()["answer"] == \
        "No policy can be recommended yet: fp32_true itself is not trained in A."


def test_what_met_a_nan_is_to_be_avoided(tmp_path, report):
    policy_seeds(tmp_path, "fp32_true")
    policy_seeds(tmp_path, "amp_bf16", speed=1.5, shift=0.001)
    policy_seeds(tmp_path, "fp16_naive", nonfinite=3)
    assert report()["answer"] == \
        "Use amp_bf16 in A. Avoid fp16_naive in A: it met a NaN or an infinity."


def test_what_stays_finite_without_training_is_to_be_avoided(tmp_path, report):
    policy_seeds(tmp_path, "fp32_true")
    policy_seeds(tmp_path, "amp_bf16", speed=1.5, shift=0.001)
    policy_seeds(tmp_path, "bf16_pure", speed=2, outcome="stalled")
    assert report()["answer"] == \
        "Use amp_bf16 in A. Avoid bf16_pure in A: it did not train, and fp32_true did."


def test_a_cause_stands_where_somebody_has_found_it(tmp_path, report):
    policy_seeds(tmp_path, "fp32_true")
    policy_seeds(tmp_path, "fp16_naive", nonfinite=3)
    [row] = report()["rows"]
    assert row["policies"]["fp16_naive"]["cause"] == ""
    runs = [path.parent for path in tmp_path.glob("*/spec.json") if "fp16_naive" in path.read_text()]
    (runs[0] / "explain.json").write_text('{"cause": "overflow in attention"}')
    [row] = report()["rows"]
    assert row["policies"]["fp16_naive"]["cause"] == "overflow in attention"
    assert "(first at step 3: overflow in attention)" in row["recommendation"]["against"]["fp16_naive"]
    (runs[0] / "explain.json").write_text("{")  # explains nothing, and spoils nothing
    assert report()["rows"][0]["policies"]["fp16_naive"]["cause"] == ""


def test_three_sentences_close_a_matrix(tmp_path, report):
    policy_seeds(tmp_path, "fp32_true")
    policy_seeds(tmp_path, "fp32_perturbed", shift=0.002)
    policy_seeds(tmp_path, "amp_bf16", speed=1.5, shift=0.001)
    policy_seeds(tmp_path, "bf16_pure", speed=2, shift=0.4)
    policy_seeds(tmp_path, "fp16_naive", nonfinite=3)
    assert report()["closing"] == [
        "fp32_true trained in A; a NaN or an infinity ended fp16_naive in A.",
        "Furthest behind fp32_true without dying: bf16_pure in A, validation loss +0.4080 (one unit in "
        "the last place of the first weights moves it by 0.0020).",
        "Use amp_bf16 in A."]


def test_a_closing_without_deaths_or_losses(tmp_path, report):
    add(tmp_path, "A", "fp32_true", 0)
    add(tmp_path, "A", "amp_bf16", 0, result={SPEED: 150.0})
    assert report()["closing"] == [
        "fp32_true trained in A, and no policy met a NaN or an infinity.",
        "No policy that stayed finite ended behind fp32_true.",
        "Fastest finite so far: amp_bf16 in A. No recommendation yet: 1 seed and generated data."]


def test_a_cpu_does_not_say_which_is_fastest(tmp_path, report):
    """Whatever a CPU's times are: policies that trained are named together."""
    for scenario in "AC":
        for policy, speed in (("fp32_true", 100), ("amp_bf16", 150), ("bf16_pure", 300),
                              ("fp32_perturbed", 400)):
            add(tmp_path, scenario, policy, 0, result={SPEED: float(speed)},
                identity={"device.cpu": "a CPU"})
    add(tmp_path, "A", "amp_fp16", 0, result={SPEED: 200.0}, identity={"device.cpu": "a CPU"})
    told = "(which is fastest, a CPU does not say)"
    assert report()["answer"] == (
        f"Trained like fp32_true so far: amp_fp16 in A; amp_bf16 and bf16_pure in A and C {told}.")


def scored(root, policy, score, constant, speed=1.0, **options):
    for seed in SEEDS:
        add(root, "E", policy, seed, spec=REAL, **options,
            result={"convergence.accuracy": score, "convergence.accuracy_constant_predictor": constant,
                    SPEED: (100 + seed) * speed * (1 + 0.001 * seed)})


def test_the_constant_answer_is_not_recommended(tmp_path, report):
    scored(tmp_path, "fp32_true", 0.6, 0.3)
    scored(tmp_path, "amp_bf16", 0.6, 0.3, speed=1.2)
    scored(tmp_path, "bf16_pure", 0.3, 0.3, speed=1.5)
    found = said(report)
    assert found["policy"] == "amp_bf16"
    assert found["against"]["bf16_pure"] == \
        "its accuracy is no better than the constant answer's: 0.3000 against 0.3000"


def test_nothing_is_recommended_where_all_are_the_constant_answer(tmp_path, report):
    for policy in ("fp32_true", "amp_bf16"):
        scored(tmp_path, policy, 0.3, 0.3)
    found = said(report)
    assert found["policy"] is None
    assert found["because"].startswith("fp32_true: its accuracy is no better than the constant")


def test_lost_updates_and_skipped_steps_stand_beside_a_difference(tmp_path, report):
    policy_seeds(tmp_path, "fp32_true")
    for seed in SEEDS:
        for policy, extra in (("bf16_pure", {"optimizer": {"lost_weight_update_share": 0.52}}),
                              ("amp_fp16", {"loss_scale": {"skipped_steps": 3}})):
            run = add(tmp_path, "A", policy, seed, spec=REAL, result=loss(9.0) | {SPEED: 200.0 + seed})
            change(run / "result.json", **extra)
    found = said(report)["against"]
    assert found["bf16_pure"].endswith("(rounding loses 52 % of its weights' updates)")
    assert found["amp_fp16"].endswith("(its loss scale skips 3 steps)")


def test_pairs_count_and_not_a_policys_own_seeds(tmp_path, report):
    add(tmp_path, "A", "fp32_true", 0, spec=REAL)
    policy_seeds(tmp_path, "amp_bf16", speed=2.5)
    found = said(report)
    assert (found["policy"], found["strength"]) == ("amp_bf16", "so_far")
    assert found["provisos"] == ["1 pair of seeds, which has no interval; 5 are asked for"]
    assert report()["answer"] == "Fastest finite so far: amp_bf16 in A."


def test_five_pairs_of_generated_data_are_provisional(tmp_path, report):
    for policy, speed in (("fp32_true", 1), ("amp_bf16", 1.5)):
        for seed in SEEDS:
            add(tmp_path, "A", policy, seed, result={SPEED: (100 + seed) * speed})
    assert (said(report)["policy"], said(report)["strength"]) == ("amp_bf16", "provisional")
    assert report()["answer"] == "Provisionally, use amp_bf16 in A."


def test_the_reference_too_is_only_provisional_on_little_ground(tmp_path, report):
    policy_seeds(tmp_path, "fp32_true")
    add(tmp_path, "A", "amp_bf16", 0, spec=REAL, result={SPEED: 90.0})
    found = said(report)
    assert (found["policy"], found["strength"]) == ("fp32_true", "so_far")
    assert found["provisos"] == ["1 pair of seeds, which has no interval; 5 are asked for"]


def test_one_seed_of_generated_data_is_no_advice(tmp_path, report):
    add(tmp_path, "A", "fp32_true", 0)
    add(tmp_path, "A", "amp_bf16", 0, result={SPEED: 150.0})
    found = said(report)
    assert (found["policy"], found["strength"]) == ("amp_bf16", "so_far")
    assert found["provisos"] == ["1 pair of seeds, which has no interval; 5 are asked for",
                                 "generated data"]
    assert report()["answer"] == "Fastest finite so far: amp_bf16 in A."


# --- the matrix -----------------------------------------------------------------------------------

def test_rows_of_one_scenario_are_told_apart_by_what_differs(tmp_path, report):
    for rate in (0.1, 0.2):
        add(tmp_path, "A", "fp32_true", 0, spec={"train.learning_rate": rate})
    add(tmp_path, "B", "fp32_true", 0)
    assert [row["label"] for row in report()["rows"]] == \
        ["A, train.learning_rate 0.1", "A, train.learning_rate 0.2", "B"]


def test_policies_of_one_name_and_other_fields_have_columns_of_their_own(tmp_path, report):
    add(tmp_path, "A", "amp_bf16", 0)
    add(tmp_path, "A", "amp_bf16", 0, spec={"policy.epsilon": 1e-4})
    assert report()["policies"][-1] == "amp_bf16 (2)"


def test_a_quality_is_the_mean_over_seeds_that_came_to_their_end(tmp_path, report):
    references(tmp_path, "A", seeds=range(3))
    for seed, value in enumerate((4.0, 5.0)):
        add(tmp_path, "A", "bf16_pure", seed, result=loss(value))
    add(tmp_path, "A", "bf16_pure", 2, nonfinite=3, result=loss(99.0))
    entry = report()["rows"][0]["policies"]["bf16_pure"]
    assert entry["quality"] == {"mean": 4.5, "low": 4.0, "high": 5.0, "n": 2}
    assert entry["states"] == {"nonfinite": 1, "trained": 2}
    assert entry["first_nonfinite"] == [3, 3]


def test_a_run_that_ended_before_its_audit_stands_in_its_row(tmp_path, report):
    add(tmp_path, "A", "fp32_true", 0)
    run = add(tmp_path, "A", "bf16_pure", 0, status="out_of_memory")
    (run / "audit.json").unlink()
    (row,) = report()["rows"]
    assert row["policies"]["bf16_pure"]["states"] == {"out_of_memory": 1}


# --- nothing is dropped ---------------------------------------------------------------------------

def damaged_set(root):
    add(root, "A", "fp32_true", 0)
    change(add(root, "A", "fp32_true", 1, folder="newer") / "result.json", schema_version=2)
    change(add(root, "A", "fp32_true", 2, folder="foreign") / "audit.json", cell_id="0" * 16)
    (add(root, "A", "fp32_true", 3, folder="broken") / "spec.json").write_text("{")
    add(root, "A", "fp32_true", 0, folder="twice")
    with open(add(root, "A", "fp32_true", 4, folder="half") / "steps.jsonl", "a") as steps:
        steps.write("no JSON\n")
    add(root, "A", "amp_fp16", 0, folder="alone", spec={"train.batch": 4, "train.micro_batch": 4})


def test_records_that_do_not_count_are_named_and_counted(tmp_path, report):
    damaged_set(tmp_path)
    found = report()
    assert found["records"] == {
        "read": 7, "used": 1, "unpaired": 1,
        "excluded": {"damaged": 2, "duplicate": 1, "foreign": 1, "other_schema": 1}}
    assert {cell["id"]: cell["state"] for cell in found["cells"] if not cell["counts"]} == {
        "newer": "other_schema", "foreign": "foreign", "broken": "damaged", "half": "damaged",
        "twice": "duplicate"}
    for form in ("markdown", "csv"):
        text = ok_file(tmp_path, tmp_path / "out", form)
        for folder in ("newer", "foreign", "broken", "half", "alone"):
            assert folder in text
    assert "steps.jsonl, line 4: not JSON" in text


def ok_file(folder, path, form):
    ok(dtbench("report", folder, "--format", form, "--output", path))
    return path.read_text()


def test_cells_without_a_record_are_named(tmp_path, report):
    references(tmp_path, "AB", seeds=[0])
    add(tmp_path, "A", "amp_fp16", 0)
    missing = report()["missing"]
    assert len(missing) == 9
    assert {"row": "B", "policy": "amp_fp16"} in missing


def test_an_empty_folder_has_a_report_that_says_so(tmp_path, report):
    assert report()["answer"] == "There are no records to base an answer on."
    assert "There are no records" in ok_file(tmp_path, tmp_path / "r.html", "html")


def test_folders_are_put_together_and_one_named_twice_is_read_once(tmp_path, report):
    for folder, policy in (("a", "fp32_true"), ("b", "amp_bf16")):
        add(tmp_path / folder, "A", policy, 0)
    found = report(tmp_path / "a", tmp_path / "b", tmp_path / "b" / "..", tmp_path / "a" / ".")
    assert found["records"] == {"read": 2, "used": 2, "unpaired": 0, "excluded": {}}


# --- curves ---------------------------------------------------------------------------------------

def series(report, name="loss"):
    (cell,) = report()["cells"]
    return cell["series"][name]


def test_a_short_curve_is_whole(tmp_path, report):
    add(tmp_path, "A", "fp32_true", 0, losses=[7.0, 6.0, "NaN", 5.5])
    assert series(report) == {"step": [0, 1, 2, 3], "value": [7.0, 6.0, "NaN", 5.5]}


def test_a_long_curve_keeps_its_extremes_its_ends_and_what_is_not_finite(tmp_path, report):
    losses = [5 + math.sin(step / 50) for step in range(5000)]
    losses[1234], losses[2345], losses[3456] = 900.0, -900.0, "Infinity"
    add(tmp_path, "A", "fp32_true", 0, losses=losses)
    kept = dict(zip(*(series(report)[key] for key in ("step", "value"))))
    assert len(kept) <= 210
    assert (kept[1234], kept[2345], kept[3456]) == (900.0, -900.0, "Infinity")
    assert 0 in kept and 4999 in kept
    assert {3455, 3457} <= kept.keys()  # the curve ends and begins there
    for step, value in kept.items():  # five digits
        assert value == losses[step] or value == pytest.approx(losses[step], rel=1e-4)


def test_the_loss_scale_is_kept_where_it_changes(tmp_path, report):
    run = add(tmp_path, "A", "amp_fp16", 0)
    scales = [65536.0] * 10 + [32768.0] * 5 + [65536.0] * 5
    (run / "steps.jsonl").write_text("".join(
        json.dumps({"step": step, "loss": 5, "loss_scale": scale, "skipped": step == 10}) + "\n"
        for step, scale in enumerate(scales)))
    assert series(report, "loss_scale") == {"step": [0, 10, 15, 19],
                                            "value": [65536.0, 32768.0, 65536.0, 65536.0]}
    (cell,) = report()["cells"]
    assert cell["series"]["skipped"] == [10]


def test_the_band_is_the_range_of_the_reference(tmp_path, report):
    for seed, losses in enumerate(([5, 4, 3], [6, 3, 3], [5.5, 5, "NaN"])):
        add(tmp_path, "A", "fp32_true", seed, losses=losses)
    (row,) = report()["rows"]
    assert row["band"] == {"n": 3, "step": [0, 1, 2], "low": [5, 3, 3], "high": [6, 5, 3]}
    assert row["curves"]["fp32_true"] == {"n": 3, "step": [0, 1, 2], "value": [5.5, 4, 3]}


# --- files ----------------------------------------------------------------------------------------

def compare(name, text):
    file = HERE / "snapshots" / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(text)
    assert text == file.read_text()


def test_markdown_of_the_study(tmp_path):
    compare("markdown", ok_file(STUDY, tmp_path / "r.md", "markdown").replace(str(STUDY), "STUDY"))


def test_csv_of_the_study(tmp_path):
    compare("csv", ok_file(STUDY, tmp_path / "r.csv", "csv").replace(str(STUDY), "STUDY"))


def test_the_fields_of_the_json(report):
    compare("json-fields", json.dumps(shape(report(STUDY)), indent=1) + "\n")


def test_a_report_is_a_function_of_the_records(tmp_path):
    for form in ("html", "json", "parquet"):
        first, second = tmp_path / f"1.{form}", tmp_path / f"2.{form}"
        for path in (first, second):
            ok(dtbench("report", STUDY, "--format", form, "--output", path))
        assert first.read_bytes() == second.read_bytes()


def test_json_goes_to_a_file_or_to_standard_output(tmp_path, report):
    add(tmp_path, "A", "fp32_true", 0)
    assert json.loads(ok_file(tmp_path, tmp_path / "out.json", "json")) == report()


def test_the_report_lies_in_the_first_folder_unless_said(tmp_path):
    add(tmp_path, "A", "fp32_true", 0)
    printed = ok(dtbench("report", tmp_path))
    assert printed.endswith(f"Report: {tmp_path}/report.html\n")
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")


@pytest.fixture(scope="module")
def parquet(tmp_path_factory):
    path = tmp_path_factory.mktemp("parquet") / "r.parquet"
    ok(dtbench("report", STUDY, "--format", "parquet", "--output", path))
    return path


def records_of_the_study():
    return {path.parent.name: json.loads(path.read_text()) for path in STUDY.glob("*/result.json")}


def test_pandas_reads_the_parquet_file(parquet):
    frame = pandas.read_parquet(parquet).set_index("cell_id")
    results = records_of_the_study()
    assert len(frame) == len(results) == 36
    for name, result in results.items():
        row = frame.loc[name]
        assert row["val_loss"] == result["convergence"]["val_loss"]
        assert row["peak_allocated_bytes"] == result["memory"]["peak_allocated_bytes"]
        for key in ("policy", "scenario", "seed"):
            assert row[key] == result[key]
    assert pandas.isna(frame["mfu_vs_spec"]).all()  # a CPU has no data sheet
    assert frame["synthetic"].dtype == bool and not frame["synthetic"].any()


def test_duckdb_reads_the_parquet_file(parquet):
    rows = duckdb.sql(f"""select scenario, count(*), avg(samples_per_s) from '{parquet}'
                          where status = 'completed' group by scenario
                          order by scenario""").fetchall()
    expected = {}
    for result in records_of_the_study().values():
        if result["status"] == "completed":
            rates = expected.setdefault(result["scenario"], [])
            rates.append(result["throughput"]["samples_per_s"])
    assert {row[0]: row[1] for row in rows} == {key: len(rates) for key, rates in expected.items()}
    for name, _, mean in rows:
        assert mean == pytest.approx(sum(expected[name]) / len(expected[name]))


def test_csv_and_parquet_hold_the_same(parquet, tmp_path):
    rows = list(csv.DictReader(io.StringIO(ok_file(STUDY, tmp_path / "r.csv", "csv"))))
    frame = pandas.read_parquet(parquet)
    assert list(rows[0]) == list(frame.columns)
    for row, (_, other) in zip(rows, frame.iterrows(), strict=True):
        for name, text in row.items():
            if text == "":
                assert other[name] == "" or pandas.isna(other[name])
            elif isinstance(other[name], float):
                assert float(text) == other[name] or text == "NaN"


def test_the_table_has_what_tells_cells_apart(tmp_path):
    add(tmp_path, "C", "fp32_true", 0, spec={"train.learning_rate": 0.001})
    (row,) = csv.DictReader(io.StringIO(ok_file(tmp_path, tmp_path / "r.csv", "csv")))
    spec = json.loads(next(tmp_path.glob("*/spec.json")).read_text())
    assert row["learning_rate"] == "0.001" and row["bce_reduction"] == "mean"
    assert (int(row["batch"]), int(row["length"])) == (spec["train"]["batch"], spec["data"]["length"])


def test_csv_quotes_what_a_record_says(tmp_path):
    add(tmp_path, "A", "fp32_true", 0, status="failed")
    [result] = tmp_path.glob("*/result.json")
    reason = 'a "quoted", broken\nline'
    change(result, reason=reason)
    (row,) = csv.DictReader(io.StringIO(ok_file(tmp_path, tmp_path / "r.csv", "csv"), newline=""))
    assert row["reason"] == reason


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_has_nothing_that_a_spreadsheet_computes(tmp_path, begin):
    add(tmp_path, "A", "fp32_true", 0, status="failed")
    [result] = tmp_path.glob("*/result.json")
    change(result, reason=begin + "HYPERLINK(0)")
    ok_file(tmp_path, tmp_path / "r.csv", "csv")
    with open(tmp_path / "r.csv", newline="") as file:  # carriage returns as they are
        (row,) = csv.DictReader(file)
    assert row["reason"] == "'" + begin + "HYPERLINK(0)"


def test_text_of_a_record_is_no_markup_in_the_page(tmp_path):
    add(tmp_path, "A", "fp32_true", 0, status="failed")
    [result] = tmp_path.glob("*/result.json")
    change(result, reason="</script><script>alert(1)</script><!--")
    html = ok_file(tmp_path, tmp_path / "r.html", "html")
    assert "alert(1)" in html and "</script><script>alert(1)" not in html
    (data,) = re.findall(r'<script id="data" [^>]*>(.*?)</script>', html, re.DOTALL)
    assert json.loads(data)["cells"][0]["reason"] == "</script><script>alert(1)</script><!--"


# --- refusals -------------------------------------------------------------------------------------

def refused(code, *arguments):
    process = dtbench("report", *arguments)
    assert process.returncode == code, process.stderr
    return process.stderr


def test_what_is_wrong_is_said(tmp_path):
    assert "There is no folder 'nowhere'." in refused(2, "nowhere")
    assert "Did you mean 'markdown'?" in refused(2, tmp_path, "--format", "markdwn")
    (tmp_path / "file").write_text("")
    beyond = tmp_path / "file" / "x.html"
    said = refused(2, tmp_path, "--output", beyond)
    assert f"no folder '{beyond.parent}' for the report" in said and "--output FILE" in said
    assert "is a folder" in refused(2, tmp_path, "--output", tmp_path)
    assert not list(tmp_path.glob("*.tmp*"))

