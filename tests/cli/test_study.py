"""`dtbench study` beside a stand-in for the engine: stages, chosen rates, notes in records, money."""

import hashlib
import json
import signal

import pytest
from conftest import SOURCE, refused
from sweeps import said

RATES = """
scenarios = ["A", "C"]
policies = ["fp32_true"]
seeds = [0, 1]
set.train.steps = 3
axes.train.learning_rate = [3e-4, 1e-4]
"""
MAIN = """
policies = ["fp32_true", "fp16_naive"]
scenarios = ["A", "C"]
seeds = [8, 9]
set.train.steps = 3
"""
STUDY = """
description = "two stages"

[[stage]]
name = "rates"
purpose = "Rates."
matrix = "rates.toml"

[[stage]]
name = "main"
purpose = "The question."
matrix = "main.toml"
hypotheses = ["h1"]
rates_from = "rates"

[[stage]]
name = "main"
session = 2
matrix = "main.toml"
hypotheses = ["h1"]
rates_from = "rates"
"""
TINY = ["--preset", "tiny", "--device", "cpu"]


@pytest.fixture
def study(sweeps):
    for name, text in (("rates.toml", RATES), ("main.toml", MAIN), ("two.toml", STUDY)):
        (sweeps.folder / name).write_text(text)
    return lambda *arguments, **options: sweeps.run("two.toml", *TINY, *arguments, command="study",
                                                    **options)


def notes(sweeps, out="runs/two"):
    return {run.parent: json.loads(run.read_text())
            for run in sorted((sweeps.folder / out).glob("**/study.json")) if ".sweep" not in run.parts}


def spec(run):
    return json.loads((run / "spec.json").read_text())


def sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_stages_run_in_order_at_the_rate_that_the_first_chose(sweeps, study):
    process = study("--json")
    assert process.returncode == 0, process.stderr
    order = [line.removesuffix(" from step 0") for line in sweeps.started()]
    assert sorted(order[:8]) == ["A fp32_true"] * 4 + ["C fp32_true"] * 4
    assert len(order) == 8 + 8 + 8 and order[8:].count("C fp16_naive") == 4
    # All losses are alike, so the lower rate is taken, not the first of the list.
    main = [run for run, note in notes(sweeps).items() if "main" in note["stages"]]
    assert len(main) == 16
    assert {spec(run)["train"]["learning_rate"] for run in main} == {1e-4}
    assert len([run for run in main if run.parent.name == "session-2"]) == 8
    summary = json.loads(process.stdout)
    assert [(stage["stage"], stage["done"]) for stage in summary["stages"]] == [
        ("rates", 8), ("main", 8), ("main, session 2", 8)]
    assert "stage main: 8 cells; rates: A 0.0001, C 0.0001" in process.stderr

    again = study("--json")
    assert (again.returncode, sweeps.started()) == (0, [])


def test_watch_says_which_stage_it_is_and_sees_every_session(sweeps, study):
    process = sweeps.start("two.toml", *TINY, command="study", does={"C fp16_naive": "wait"})
    sweeps.wait_for_steps("C fp16_naive seed 8", 2, out="runs/two")
    watch = sweeps.start("runs/two", command="watch")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    _, errors = watch.communicate(timeout=60)
    assert errors.splitlines()[-1].endswith("; stage 2 of 3 (main)"), errors
    assert study("--json").returncode == 0
    last = sweeps.run("runs/two", command="watch").stderr.splitlines()[-1]
    # Sessions are the same cells in a folder of their own: 8 rates, 8 and 8.
    assert last == "24 of 24 cells done; stage 3 of 3 (main, session 2)"


def test_a_record_names_the_rule_it_was_made_under(sweeps, study):
    study()
    rule = SOURCE / "configs/hypotheses/h1.toml"
    for run, note in notes(sweeps).items():
        assert note["study"] == "two" and note["rules"] == {"h1": sha256(rule)}
        assert note["hypotheses"] == (["h1"] if "main" in note["stages"] else [])
    assert len({note["sha256"] for note in notes(sweeps).values()}) == 1

    # Another text of the study is another study, and a note is never rewritten.
    before = notes(sweeps)
    (sweeps.folder / "main.toml").write_text(MAIN + "# another text\n")
    study()
    assert notes(sweeps) == before


def test_a_rule_changed_after_the_data_is_told(sweeps, study):
    study()
    run, note = next((run, note) for run, note in notes(sweeps).items() if note["hypotheses"])
    note["rules"]["h1"] = "0" * 64  # as if trained under an earlier text
    (run / "study.json").write_text(json.dumps(note))
    verdict, = json.loads(study("--json").stdout)["verdicts"]
    assert verdict["hypothesis"] == "h1"
    assert verdict["rule"]["cells_under_another"] == 1 and verdict["rule"]["cells_under_this_text"] == 7
    assert any("rule was changed after 1" in caveat for caveat in verdict["caveats"])


def test_an_interrupted_study_resumes(sweeps, study):
    process = sweeps.start("two.toml", *TINY, "--json", command="study", does={"C fp16_naive": "wait"})
    sweeps.wait_for_steps("C fp16_naive seed 8", 2, out="runs/two")
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    begun = [line for line in sweeps.started() if line.endswith("from step 0")]
    process = study("--json")
    assert process.returncode == 0, process.stderr
    resumed = sweeps.started()
    assert resumed[0] == "C fp16_naive from step 2"  # where it was stopped
    assert len(begun) + len(resumed) - 1 == 24  # and nothing twice
    assert sum(stage["done"] for stage in json.loads(process.stdout)["stages"]) == 24


def test_a_stage_whose_cells_cannot_start_says_why(sweeps, study):
    """With a budget, too: there the calibration is what fails."""
    (sweeps.folder / "bad.jsonl").write_text('{"text": 7}\n')
    for arguments in ([], ["--price-per-hour", "3.6", "--budget", "1"]):
        process = study("--data", "bad.jsonl", *arguments)
        assert process.returncode in (2, 3, 4)
        reasons = [line for line in process.stderr.splitlines() if "stage rates: 4 of 8 cells: 'bad.jsonl' line 1" in line]
        assert len(reasons) == 2 and sweeps.started() == []  # no labels for C, no text for A


def test_fewer_seeds_are_the_first_of_each_stage(sweeps, study):
    process = study("--seeds", 1, "--json")
    assert process.returncode == 0, process.stderr
    assert {spec(run)["seed"] for run in notes(sweeps)} == {0, 8}


def test_money_that_ends_leaves_later_stages_alone(sweeps, study):
    # A cell takes at least 0.6 s, so at least 6 USD: the 8 of the first stage 48, all 24 144.
    process = study("--price-per-hour", 36000, "--budget", 100, "--json", step_s=0.2)
    stages = json.loads(process.stdout)["stages"]
    assert stages[-1]["left_out"] > 0 and len(stages) < 3
    assert "stages have not begun" in study("--price-per-hour", 36000, "--budget", 100).stdout


def test_the_shipped_study_fits_200_dollars_of_an_a6000(sweeps):
    process = sweeps.run("seed", "--dry-run", "--device", "NVIDIA RTX A6000", "--price-per-hour", 0.49,
                         "--budget", 200, "--json", command="study")
    assert process.returncode == 0, process.stderr
    plan = json.loads(process.stdout)
    cells = {(stage["name"], stage["session"]): stage["cells"] for stage in plan["stages"]}
    # By hand: 4 scenarios x 7 rates x 8 seeds x 6 policies, and 2 x 7 x 8 x 2 of the summed loss.
    assert cells["h1", 1] == 4 * 7 * 8 * 6 + 2 * 7 * 8 * 2 == 1568
    assert cells["h3", 1] == 2 * 40 * 10 and cells["rates", 1] == 6 * 7 * 2
    assert [session for name, session in cells if name == "speed"] == [1, 2, 3, 4, 5, 6]
    total = plan["total"]
    assert total["cells"] == sum(cells.values()) and 0 < total["usd"] < 200
    assert total["usd"] == pytest.approx(0.49 * total["hours"])
    assert {each["hypothesis"] for each in plan["decides"]} == {"h1", "h2", "h3"}
    assert sweeps.started() == []


@pytest.mark.parametrize("change, words", [
    (("rates_from = \"rates\"", "rates_from = \"later\""), "'later', which is no earlier stage"),
    (("hypotheses = [\"h1\"]", "hypotheses = [\"h9\"]"), "Unknown hypothesis 'h9'"),
    (("session = 2", "session = 3"), "session 3 where session 2 is next"),
    (("purpose", "purpos"), "purpos"),
    (("main.toml", "absent.toml"), "absent.toml"),
])
def test_a_study_that_cannot_be_is_refused(sweeps, study, change, words):
    (sweeps.folder / "two.toml").write_text(STUDY.replace(*change))
    process = study()
    assert words in said(refused(process))


def test_the_device_of_a_stages_matrix_is_heard(sweeps):
    """Preset base on a CPU has to be asked for, in the matrix as well as in the command."""
    stage = ("""preset = "base"
scenarios = ["A"]
policies = ["fp32_true"]
set.train.steps = 3
set.model.init = "scratch"
set.data.source = "synthetic"
set.data.synthetic_documents = 100
set.data.tokenizer = ""
""")
    (sweeps.folder / "one.toml").write_text(
        'description = "one stage"\n[[stage]]\nname = "main"\npurpose = "The question."\n'
        'matrix = "main.toml"\n')
    (sweeps.folder / "main.toml").write_text(stage)
    refused(sweeps.run("one.toml", command="study"), "Preset base is for a GPU, and no device is named")
    assert sweeps.started() == []
    (sweeps.folder / "main.toml").write_text(stage + 'set.device = "cpu"\n')
    process = sweeps.run("one.toml", command="study")
    assert "no device is named" not in process.stderr and "stage main: 1 cells" in process.stderr


def test_a_card_is_predicted_for_not_trained_on(sweeps):
    process = sweeps.run("seed", "--device", "NVIDIA RTX A6000", command="study")
    refused(process, "--dry-run")
    process = sweeps.run("seed", "--dry-run", "--device", "nvidia rtx a6000", "--json", command="study")
    assert process.returncode == 0, process.stderr  # a card's name in any case
    process = sweeps.run("seed", "--dry-run", "--device", "NVIDIA RTX A600", command="study")
    refused(process, "NVIDIA RTX A6000")
