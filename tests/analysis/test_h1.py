"""H1, by largest stable rates: every verdict, looks, controls, what cannot be tested."""

import shutil

import pytest

from records import (CLAIMED, PLANNED, RATES, add, analyse, dtbench, ok, references,
                     stable_rates, verdict)
from rules import agree, edited, ALL_RATES, NO_CLAIM, STEP

# --- H1: largest stable rates ---------------------------------------------------------------------

def rates_of(runs, stable, **options):
    stable_rates(runs, "fp32_true", ALL_RATES, **options)
    stable_rates(runs, "fp16_naive", stable, **options)


@pytest.mark.parametrize("stable, expected", [
    (CLAIMED, "supported (uncontrolled)"),
    (NO_CLAIM, "refuted"),
    (ALL_RATES, "undecided"),                        # nothing dies
    (dict.fromkeys("CDEF", 0), "undecided"),         # everything does: censored, nothing is known
    ({"E": 2, "F": 2, "C": 1, "D": 1}, "undecided"),  # one step of the grid tells nothing
    ({"E": 3, "F": 3, "C": 1, "D": 1}, "supported (uncontrolled)"),
    ({"E": 3, "F": 3, "C": 0, "D": 3}, "undecided"),  # RoBERTa has no difference
])
def test_h1(runs, h1, stable, expected):
    rates_of(runs, stable)
    found = h1()
    assert found["verdict"] == expected, found["reason"]
    agree(found)
    assert found["plan"]["done"] == 8
    assert found["interval"]["unit"] == "octaves"
    gpt2, roberta = found["parts"]
    assert (gpt2["part"], roberta["part"]) == ("GPT-2, E against C", "RoBERTa, F against D")
    if stable == CLAIMED:
        # E survives the highest rate, C not the lowest: at least the grid's whole width, no end.
        assert gpt2["low"] == pytest.approx(2 * STEP) and gpt2["high"] == "Infinity"
        assert found["p"] == pytest.approx(2 / 2**8, rel=1e-6)  # the rarest of 256 assignments
    if stable["E"] == 3 and stable["C"] == 1:
        assert [gpt2["low"], gpt2["high"]] == pytest.approx([STEP, 2 * STEP])
    if stable == ALL_RATES:  # never narrower than a step
        assert [gpt2["low"], gpt2["high"]] == pytest.approx([-STEP / 2, STEP / 2])


def test_architectures_that_disagree_are_said_to(runs, h1):
    rates_of(runs, {"E": 3, "C": 0, "F": 0, "D": 3})
    found = h1()
    assert found["verdict"] == "refuted" and found["parts_disagree"]
    assert "the parts disagree: GPT-2, E against C above, RoBERTa, F against D below" in found["reason"]


def test_finite_and_trained_at_the_reference_rate_stand_beside(runs, h1):
    stable_rates(runs, "fp32_true", ALL_RATES)
    stable_rates(runs, "fp16_naive", CLAIMED | {"E": 0})
    for place, rate in enumerate(RATES):
        for seed in range(16, 17):  # not planned
            add(runs, "E", "fp32_true", seed, spec={"train.learning_rate": rate})
    found = h1()
    worse = found["parts"][0]["worse"]["at_reference_rate"]
    better = found["parts"][1]["better"]["at_reference_rate"]
    assert worse == {"rate": 3e-4, "finite": 0, "trained": 0}
    assert better == {"rate": 3e-4, "finite": 8, "trained": 8}
    assert found["left_out"] == {"seed_not_planned": 3}


def test_a_death_at_a_lower_rate_ends_what_is_stable(runs, h1):
    stable_rates(runs, "fp32_true", ALL_RATES)
    stable_rates(runs, "fp16_naive", CLAIMED | {"E": 0})
    for run in runs.glob("*"):
        text = (run / "spec.json").read_text()
        if '"scenario": "E"' in text and '"fp16_naive"' in text and '"learning_rate": 0.0003' in text:
            shutil.rmtree(run)
    for seed in PLANNED:
        add(runs, "E", "fp16_naive", seed, spec={"train.learning_rate": 3e-4})
    (first, *_) = h1()["parts"][0]["better"]["by_seed"]
    assert first["policy"]["largest_stable_rate"] is None  # 3e-4 survives, 3e-5 does not
    assert first["policy"]["censored"] == "low" and first["reference"]["censored"] == "high"


@pytest.mark.parametrize("die, expected", [("CD", "supported (uncontrolled)"), ("EF", "refuted")])
def test_a_cell_whose_last_evaluation_alone_is_not_finite_is_dead(runs, h1, die, expected):
    stable_rates(runs, "fp32_true", ALL_RATES)
    stable_rates(runs, "fp16_naive", {s: 3 for s in "CDEF" if s not in die})
    stable_rates(runs, "fp16_naive", dict.fromkeys(die, 3), outcome="nonfinite",
                 result={"convergence.val_loss": "NaN"})
    found = h1()
    assert found["verdict"] == expected, found["reason"]
    part = found["parts"][0]["worse" if "C" in die else "better"]
    assert part["at_reference_rate"] == {"rate": 3e-4, "finite": 0, "trained": 0}
    assert part["by_seed"][0]["policy"]["censored"] == "low"


def test_sensitivity_is_the_mean_distance_to_the_best_loss(runs, h1):
    for scenario in "CDEF":
        for rate, final in zip(RATES, (5.0, 4.0, 9.0), strict=True):
            for seed in PLANNED:
                for policy in ("fp32_true", "fp16_naive"):
                    dies = policy == "fp16_naive" and rate == RATES[2]
                    add(runs, scenario, policy, seed, nonfinite=3 if dies else None,
                        spec={"train.learning_rate": rate}, result={"convergence.val_loss": final})
    (first, *_) = h1()["parts"][0]["better"]["by_seed"]
    # min(loss, 7) - 4 of 5, 4 and 9 (or death, which counts with the initial 7).
    assert first["reference"]["sensitivity"] == pytest.approx((1 + 0 + 3) / 3)
    assert first["policy"]["sensitivity"] == pytest.approx((1 + 0 + 3) / 3)


# --- looks ----------------------------------------------------------------------------------------

def test_seven_of_eight_seeds_are_no_verdict_however_clear(runs, h1):
    rates_of(runs, CLAIMED, seeds=range(8, 15))
    found = h1()
    assert (found["verdict"], found["plan"]["done"]) == ("undecided (interim)", 7)
    assert "7 of 8 planned seeds" in found["reason"]
    assert "seed 15 of fp16_naive on E" in found["reason"]


def test_one_missing_cell_is_a_missing_seed(runs, h1):
    rates_of(runs, CLAIMED)
    gone = next(run for run in runs.glob("*") if '"seed": 9' in (run / "spec.json").read_text())
    shutil.rmtree(gone)
    found = h1()
    assert (found["verdict"], found["plan"]["done"]) == ("undecided (interim)", 7)


def test_seeds_outside_of_the_plan_decide_nothing(runs, h1):
    rates_of(runs, CLAIMED, seeds=range(8))
    assert h1()["verdict"] == "not_testable"
    rates_of(runs, NO_CLAIM)
    assert h1()["verdict"] == "refuted"


def test_seeds_after_a_look_that_decided_change_nothing(runs, h1, three_rates):
    edited(three_rates, "seeds = 8\n", "seeds = 24\nlooks = [12, 24]\n")
    rates_of(runs, CLAIMED, seeds=range(8, 20))
    first = h1()
    assert first["verdict"] == "supported (uncontrolled)"
    assert first["interval"]["level"] == pytest.approx(1 - 0.05 / 3 / 2)  # the look's share
    rates_of(runs, NO_CLAIM, seeds=range(20, 32))
    again = h1()
    assert again["verdict"] == first["verdict"] and again["interval"] == first["interval"]


# --- controls -------------------------------------------------------------------------------------

SUM = {"train.bce_reduction": "sum_labels"}
CONTROLS = {"foreach": "fp16_naive_foreach", "epsilon": "fp16_naive_eps",
            "states": "fp16_naive_fp32states"}


def run_controls(runs, stable, only=(*CONTROLS, "sum_labels")):
    """All that could confound H1, with the answer that `stable` gives."""
    for control, policy in CONTROLS.items():
        if control in only:
            stable_rates(runs, policy, stable)
    if "sum_labels" not in only:
        return
    for policy in ("fp32_true", "fp16_naive"):
        rates = {s: 3 if policy == "fp32_true" else stable[s] for s in "CD"}
        stable_rates(runs, policy, rates, spec=SUM)


def test_h1_is_supported_where_every_control_was_run(runs, h1):
    rates_of(runs, CLAIMED)
    run_controls(runs, CLAIMED)
    found = h1()
    assert found["verdict"] == "supported", found["reason"]
    answers = {c["control"]: c["answer"] for c in found["controls"]}
    assert answers == {**dict.fromkeys([*CONTROLS, "sum_labels"], "supported"),
                       "scaled": "not_testable"}  # which cannot confound


def test_h1_without_a_control_is_uncontrolled_on_every_screen(runs, h1, three_rates, tmp_path):
    rates_of(runs, CLAIMED)
    found = h1()
    assert found["verdict"] == "supported (uncontrolled)"
    assert "'foreach', 'epsilon', 'states', 'sum_labels'" in found["reason"]
    assert ": supported (uncontrolled)\n" in ok(dtbench("analyse", runs, configs=three_rates))
    for form in ("markdown", "html", "json"):
        file = tmp_path / f"report.{form}"
        ok(dtbench("report", runs, "--format", form, "--output", file, configs=three_rates))
        assert "supported (uncontrolled)" in file.read_text()


@pytest.mark.parametrize("changes, said", [
    ({"spec": {"train.steps": 1}}, "spec.train.steps (1 and "),
    ({"spec": {"data.synthetic_documents": 7}}, "spec.data.synthetic_documents (7 and "),
    ({"spec": {"preset": "mine"}}, "spec.preset (mine and tiny)"),
    # A cell is the same one in another program; so another spec, too.
    ({"identity": {"program.source_revision": "bbbb"}, "spec": {"preset": "mine"}},
     "identity.program.source_revision (bbbb and aaaa), spec.preset (mine and tiny)"),
    ({"identity": {"data_fingerprint": "other"}, "spec": {"data.source": "mine"}},
     "identity.data_fingerprint (other and "),
])
def test_a_control_of_another_study_was_not_run(runs, h1, changes, said):
    """Nothing dies in it, and it could not object to anything."""
    rates_of(runs, CLAIMED)
    run_controls(runs, CLAIMED, only=["epsilon", "states", "sum_labels"])
    stable_rates(runs, "fp32_true", ALL_RATES, **changes)
    stable_rates(runs, "fp16_naive_foreach", ALL_RATES, **changes)
    found = h1()
    (control,) = [c for c in found["controls"] if c["control"] == "foreach"]
    assert found["verdict"] == "supported (uncontrolled)"
    assert f"'foreach' (run in another study: on C, {said}" in found["reason"]
    assert control["answer"] == "not_testable" and said in control["reason"]


def test_a_control_may_differ_in_what_it_changes(runs, h1, three_rates):
    """Here in the data, and so in their fingerprints."""
    edited(three_rates, 'where.C.train.bce_reduction = "sum_labels"',
           'where.C.train.bce_reduction = "sum_labels"\nwhere.C.data.length = 32')
    rates_of(runs, CLAIMED)
    run_controls(runs, CLAIMED, only=CONTROLS)
    for policy, stable in ("fp32_true", 3), ("fp16_naive", 0):
        stable_rates(runs, policy, {"C": stable}, spec=SUM | {"data.length": 32},
                     identity={"data_fingerprint": "shorter"})
        stable_rates(runs, policy, {"D": stable}, spec=SUM)
    assert h1()["verdict"] == "supported"


@pytest.mark.parametrize("control", ["foreach", "sum_labels"])
def test_h1_is_confounded_by_a_control_that_says_the_opposite(runs, h1, control):
    rates_of(runs, CLAIMED)
    if control == "sum_labels":
        stable_rates(runs, "fp32_true", {"C": 3, "D": 3}, spec=SUM)
        stable_rates(runs, "fp16_naive", {"C": 3, "D": 3}, spec=SUM)
        expected = "supported (uncontrolled)"  # E and F survive all rates: no difference is no opposite
    else:
        stable_rates(runs, CONTROLS[control], NO_CLAIM)
        expected = "confounded"
    found = h1()
    assert found["verdict"] == expected, found["reason"]
    assert (f"'{control}' (refuted)" in found["reason"]) == (expected == "confounded")


@pytest.mark.parametrize("mean, with_sum, said", [
    ({"C": 0, "D": 0}, {"C": 2, "D": 2}, "underflow of gradients"),
    ({"C": 3, "D": 3}, {"C": 0, "D": 0}, "gradients that add up"),
    ({"C": 1, "D": 1}, {"C": 2, "D": 2}, None),  # within a step of the grid
])
def test_h1_reports_which_prediction_the_reduction_bears_out(runs, h1, mean, with_sum, said):
    rates_of(runs, {"E": 3, "F": 3} | mean)
    stable_rates(runs, "fp32_true", {"C": 3, "D": 3}, spec=SUM)
    stable_rates(runs, "fp16_naive", with_sum, spec=SUM)
    (control,) = [c for c in h1()["controls"] if c["control"] == "sum_labels"]
    assert control["shows"]["said"] == said


# --- what cannot be tested ------------------------------------------------------------------------

def test_h1_where_the_reference_does_not_train(runs, h1):
    stable_rates(runs, "fp32_true", dict.fromkeys("DEF", 3))
    stable_rates(runs, "fp32_true", {"C": 3}, outcome="stalled")
    stable_rates(runs, "fp16_naive", CLAIMED)
    found = h1()
    assert found["verdict"] == "not_testable"
    assert "fp32_true is not trained on C at any rate in any of its 8 seeds" in found["reason"]


def test_h1_says_where_the_reference_seldom_trains(runs, h1):
    """One trained cell of a scenario is enough for a verdict, which says so."""
    stable_rates(runs, "fp16_naive", CLAIMED)
    stable_rates(runs, "fp32_true", dict.fromkeys("DEF", 3))
    stable_rates(runs, "fp32_true", {"C": 3}, PLANNED[:1])
    stable_rates(runs, "fp32_true", {"C": 3}, PLANNED[1:], outcome="stalled")
    found = h1()
    assert found["verdict"] == "supported (uncontrolled)"
    said = [caveat for caveat in found["caveats"] if "at some rate" in caveat]
    assert said == ["fp32_true trains in 1 of 8 seeds at some rate on C"]


def test_h1_without_its_cells(runs, h1):
    references(runs, "CDEF")
    found = h1()
    assert found["verdict"] == "not_testable" and found["interval"] is None
    assert "no pairs of fp16_naive and fp32_true on E" in found["reason"]


@pytest.mark.parametrize("changes, field", [
    ({"spec": {"train.weight_decay": 0.5}}, "spec.train.weight_decay"),
    ({"identity": {"program.source_revision": "bbbb"}}, "identity.program.source_revision"),
])
def test_two_settings_are_a_question_not_a_choice(runs, h1, changes, field):
    for policy, stable in (("fp32_true", ALL_RATES), ("fp16_naive", CLAIMED)):
        stable_rates(runs, policy, {s: stable[s] for s in "DEF"})
        stable_rates(runs, policy, {"C": stable["C"]}, PLANNED[:4])
        stable_rates(runs, policy, {"C": stable["C"]}, PLANNED[4:], **changes)
    found = h1()
    assert found["verdict"] == "not_testable"
    assert "more than one setting on C" in found["reason"] and field in found["reason"]


@pytest.mark.parametrize("scenarios, places", [("EF", (0, 1, 2)), ("EF", (1,)), ("E", (2,))])
def test_policies_of_one_name_with_other_fields_are_not_judged_together(runs, h1, scenarios, places):
    """On some scenarios, or at some rates alone."""
    stable_rates(runs, "fp32_true", ALL_RATES)
    stable_rates(runs, "fp16_naive", {s: n for s, n in CLAIMED.items() if s not in scenarios})
    for scenario in scenarios:
        for place, rate in enumerate(RATES):
            for seed in PLANNED:
                add(runs, scenario, "fp16_naive", seed, spec={"train.learning_rate": rate} | (
                    {"policy.epsilon": 1e-4} if place in places else {}))
    found = h1()
    assert found["verdict"] == "not_testable"
    assert "more than one policy is called fp16_naive" in found["reason"]
    assert "policy.epsilon (" in found["reason"]


def test_scenarios_from_different_programs_are_not_judged_together(runs, h1):
    other = {"program.source_revision": "bbbb"}
    for policy, stable in (("fp32_true", ALL_RATES), ("fp16_naive", CLAIMED)):
        stable_rates(runs, policy, {s: stable[s] for s in "CDE"})
        stable_rates(runs, policy, {"F": stable["F"]}, identity=other)
    found = h1()
    assert found["verdict"] == "not_testable"
    assert "identity.program.source_revision" in found["reason"]
