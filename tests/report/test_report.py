"""The matrix, the curves and the files of `dtbench report`; test_recommendation.py has its advice."""

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

from conftest import STUDY, loss
from records import add, change, dtbench, ok, references, shape

HERE = pathlib.Path(__file__).parent


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


def lines_of(record):
    return [json.loads(line) for line in (record / "steps.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_steps_are_the_lines_of_all_records(form, tmp_path):
    path = tmp_path / f"steps.{form}"
    ok(dtbench("report", STUDY, "--steps", "--format", form, "--output", path))
    frame = pandas.read_csv(path) if form == "csv" else pandas.read_parquet(path)
    records = [each.parent for each in STUDY.glob("*/steps.jsonl")]
    assert len(frame) == sum(len(lines_of(record)) for record in records) > 1000
    for cell, rows in frame.groupby("cell_id"):
        for name in ("loss", "lr", "step_ms", "lost_weight_updates"):
            recorded = [line[name] for line in lines_of(STUDY / cell)]
            assert rows[name].astype(float).tolist() == pytest.approx([float(x) for x in recorded], nan_ok=True)


def test_a_step_without_a_number_has_none_in_the_table(tmp_path):
    add(tmp_path, "A", "amp_fp16", 0)
    [steps] = tmp_path.glob("*/steps.jsonl")
    steps.write_text('{"step":0,"loss":"NaN","loss_scale":null,"skipped":true,"tokens":"many"}\n{"step":1,"lo')
    ok(dtbench("report", tmp_path, "--steps", "--format", "csv"))
    (row,) = csv.DictReader(io.StringIO((tmp_path / "steps.csv").read_text()))  # the cut line is left out
    assert [row[n] for n in ("policy", "step", "loss", "loss_scale", "skipped", "tokens", "lr")] == [
        "amp_fp16", "0", "NaN", "", "true", "", ""]


@pytest.mark.parametrize("wrong", [["--format", "html"], ["--format", "csv", "--json"]])
def test_steps_need_a_table(tmp_path, wrong):
    add(tmp_path, "A", "fp32_true", 0)
    done = dtbench("report", tmp_path, "--steps", *wrong)
    assert done.returncode == 2 and "--steps writes a table" in done.stderr
    assert not list(tmp_path.glob("steps.*"))


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

