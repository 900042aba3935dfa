"""Time and dollars to the loss that fp32_true ends at, of records whose answers are worked by hand:
100 steps, and losses after 0, 25, 50, 75 and 100 of them."""

import csv
import io
import math

import numpy as np
import pytest
import scipy.stats as st

from records import AT, analyse, dtbench, ok, trained

REFERENCE = (7.0, 6.0, 5.0, 4.5, 4.6)  # ends at 4.6, and was there after 75 steps


def of(root, policy="bf16_pure"):
    (setting,) = analyse(root)["settings"]
    (found,) = [p for p in setting["policies"] if p["policy"] == policy]
    return found["to_target"], setting["reference"]["to_target"]


def test_the_first_point_at_or_below_the_target(tmp_path):
    trained(tmp_path, "fp32_true", 0, REFERENCE, price=(20.0, 0.02))
    # Equal at 50, above again at 75: the first crossing counts.
    trained(tmp_path, "bf16_pure", 0, (7.0, 6.5, 4.6, 5.0, 4.0), ms=50.0, price=(10.0, 0.005))
    found, reference = of(tmp_path)
    (seed,) = found["by_seed"]
    assert (seed["outcome"], seed["target"]) == ("reached", 4.6)
    assert (seed["step"], seed["previous_step"]) == (50, 25)
    assert [seed["seconds"], seed["previous_seconds"]] == pytest.approx([2.5, 1.25])
    assert seed["usd"] == pytest.approx(0.00125)  # 2.5 s at 0.0005 USD/s
    (own,) = reference["by_seed"]
    assert (own["target"], own["step"], own["previous_step"]) == (4.6, 75, 50)
    assert [own["seconds"], own["usd"]] == pytest.approx([7.5, 0.0075])
    assert (reference["on"], reference["on_cpu"], reference["within_steps"]) == ("points", False, 25)
    assert found["steps"]["ratio"] == pytest.approx(50 / 75)
    assert found["seconds"]["ratio"] == pytest.approx(1 / 3)
    assert found["usd"]["ratio"] == pytest.approx(1 / 6)
    assert (found["seconds"]["low"], found["seconds"]["n"]) == (None, 1)  # one seed, no interval


def test_a_policy_that_is_fp32_true_has_a_ratio_of_exactly_one(tmp_path):
    for seed in range(3):
        for policy in ("fp32_true", "bf16_pure"):
            trained(tmp_path, policy, seed, [loss + seed for loss in REFERENCE], ms=100.1 + seed,
                    price=(20.0, 0.02))
    found, _ = of(tmp_path)
    for amount in ("steps", "seconds", "usd"):
        assert [found[amount][key] for key in ("ratio", "median", "low", "high")] == [1, 1, 1, 1]


def test_who_did_not_reach_it_is_counted_beside(tmp_path):
    for seed in range(6):
        trained(tmp_path, "fp32_true", seed, REFERENCE)
    trained(tmp_path, "bf16_pure", 0, (7.0, 6.0, 4.0, 3.0, 2.0), ms=50.0)
    trained(tmp_path, "bf16_pure", 1, (7.0, 6.0, 5.5, 4.7, 4.8))           # comes close
    trained(tmp_path, "bf16_pure", 2, (7.0, 6.0, 5.2), nonfinite=60)       # dies before
    trained(tmp_path, "bf16_pure", 3, (7.0, 6.0, 4.0), nonfinite=60)       # dies after
    trained(tmp_path, "bf16_pure", 4, (4.0, 6.0, 5.0, "NaN", "Infinity"))  # the start is no merit
    found, _ = of(tmp_path)
    assert [found[name] for name in ("n", "reached", "not_reached", "died")] == [5, 2, 2, 1]
    assert [each["outcome"] for each in found["by_seed"]] == [
        "reached", "not_reached", "died", "reached", "not_reached"]
    assert [each["best_loss"] for each in found["by_seed"]] == [2.0, 4.7, 5.2, 4.0, 5.0]
    assert [each["step"] for each in found["by_seed"]] == [50, None, None, 50, None]
    assert found["steps"]["n"] == 2 and found["steps"]["ratio"] == pytest.approx(50 / 75)
    assert found["usd"]["n"] == 0 and found["usd"]["ratio"] is None  # no record has a price


MISSING = {
    "not_improved": {"losses": (7.0, 6.0, 6.0, 7.0, 7.0)},
    "not_finite": {"losses": (7.0, 6.0, 5.0), "nonfinite": 60},
    "no_points": {"losses": ()},
}


@pytest.mark.parametrize("why", MISSING)
def test_a_reference_that_sets_no_target_is_counted_with_its_reason(tmp_path, why):
    trained(tmp_path, "fp32_true", 0, **MISSING[why])
    trained(tmp_path, "bf16_pure", 0, REFERENCE)
    found, reference = of(tmp_path)
    assert found["without_target"] == reference["without_target"] == {why: 1}
    assert (found["reached"], found["by_seed"]) == (0, [])
    assert reference["by_seed"][0]["missing"] == why
    table = "Until fp32_true's last loss" in ok(dtbench("analyse", tmp_path))
    assert table == (why != "no_points")  # of what nobody measured there is nothing to say


def test_evaluations_that_the_spec_asks_for_are_the_curve(tmp_path):
    falling = (7.0, 3.0, 3.0, 3.0, 3.0)  # of points: everybody would be there after 25 steps
    trained(tmp_path, "fp32_true", 0, falling, evaluations=REFERENCE)
    trained(tmp_path, "bf16_pure", 0, falling, evaluations=(7.0, 6.0, 5.0, 5.0, 4.6))
    found, reference = of(tmp_path)
    assert reference["on"] == "evaluations"
    assert (found["by_seed"][0]["target"], found["by_seed"][0]["step"]) == (4.6, 100)


def test_a_step_that_was_evaluated_twice_counts_once(tmp_path):
    trained(tmp_path, "fp32_true", 0, REFERENCE)
    run = trained(tmp_path, "bf16_pure", 0, REFERENCE)
    lines = (run / "events.jsonl").read_text().splitlines(keepends=True)
    (run / "events.jsonl").write_text("".join(lines[:3] + lines[2:]))
    found, _ = of(tmp_path)
    assert (found["by_seed"][0]["step"], found["by_seed"][0]["previous_step"]) == (75, 50)


def test_intervals_are_those_of_other_ratios(tmp_path):
    random = np.random.default_rng(15)
    ms = random.lognormal(4, 0.2, (2, 6))
    steps = [25, 50, 75, 100, 50, 25]
    for seed in range(6):
        trained(tmp_path, "fp32_true", seed, REFERENCE, ms=ms[0, seed])
        losses = [4.0 if step >= steps[seed] else 7.0 for step in AT]
        trained(tmp_path, "bf16_pure", seed, losses, ms=ms[1, seed])
    found, _ = of(tmp_path)
    logs = np.log(np.array(steps) * ms[1] / (75 * ms[0]))
    limits = st.ttest_1samp(logs, 0).confidence_interval(0.95)
    summary = found["seconds"]
    # Sums of up to 100 rounded times: relative errors of some hundred units of 2^-52.
    assert summary["ratio"] == pytest.approx(math.exp(np.mean(logs)), rel=1e-12)
    assert [summary["low"], summary["high"]] == pytest.approx(np.exp(list(limits)), rel=1e-11)
    assert summary["median"] == pytest.approx(np.median(np.exp(logs)), rel=1e-12)
    assert summary["method"] == "student_t"


def test_the_table_says_who_reached_it_and_what_a_cpu_is_worth(tmp_path):
    for seed in range(2):
        trained(tmp_path / "gpu", "fp32_true", seed, REFERENCE)
        trained(tmp_path / "cpu", "fp32_true", seed, REFERENCE, cpu=True)
    trained(tmp_path / "gpu", "bf16_pure", 0, REFERENCE, ms=50.0, price=(10.0, 0.005))
    trained(tmp_path / "gpu", "bf16_pure", 1, (7.0, 6.0, 5.2), nonfinite=60)
    trained(tmp_path / "cpu", "bf16_pure", 0, REFERENCE, cpu=True)
    text = ok(dtbench("analyse", tmp_path / "gpu"))
    (row,) = [line.split() for line in text.splitlines() if "1 of 2, 1 died" in line]
    assert [row[0], *row[6:]] == ["bf16_pure", "-", "75", "25", "3.75", "0.001875", "1.000", "0.500"]
    emulated = "A CPU emulates 16-bit products"
    assert emulated not in " ".join(text.split())
    assert emulated in " ".join(ok(dtbench("analyse", tmp_path / "cpu")).split())


def test_the_report_has_columns_and_a_table(tmp_path):
    trained(tmp_path, "fp32_true", 0, REFERENCE, price=(20.0, 0.02))
    trained(tmp_path, "bf16_pure", 0, (7.0, 6.5, 4.6, 5.0, 4.0), ms=50.0, price=(10.0, 0.005))
    trained(tmp_path, "amp_bf16", 0, (7.0, 6.0, 5.5, 5.0, 4.7))
    ok(dtbench("report", tmp_path, "--format", "csv", "--output", tmp_path / "r.csv"))
    rows = {row["policy"]: row
            for row in csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text()))}
    columns = ("target_step", "target_s", "target_usd")
    assert [float(rows["fp32_true"][name]) for name in columns] == pytest.approx([75, 7.5, 0.0075])
    assert [float(rows["bf16_pure"][name]) for name in columns] == pytest.approx([50, 2.5, 0.00125])
    assert [rows["amp_bf16"][name] for name in columns] == ["", "", ""]
    ok(dtbench("report", tmp_path, "--format", "markdown", "--output", tmp_path / "r.md"))
    text = (tmp_path / "r.md").read_text()
    assert "## Until the validation loss that fp32_true ends at" in text
    assert "| bf16_pure | 1 of 1 | - | 50 | 25 | 2.5 | 0.00125 | 0.667 | 0.333 |" in text
    assert "| amp_bf16 | 0 of 1 | - | - | - | - | - | - | - |" in text
