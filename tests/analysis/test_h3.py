"""H3, by non-inferiority: all parts have to hold."""

import numpy as np
import pytest
import scipy.stats as st

from records import AP, AP_CONSTANT, add, verdict
from rules import agree, edited

# --- H3: non-inferiority --------------------------------------------------------------------------

KEPT = {"bf16_pure D": 0.0, "bf16_pure C": -0.05, "amp_bf16 C": 0.0, "amp_bf16 D": 0.0,
        "amp_fp16 C": 0.0, "amp_fp16 D": 0.0}


FORTY = range(8, 48)


def precisions(root, changes, noise=0.001, lead=0.3, seeds=FORTY):
    """`changes`: average precision minus the reference's, by "policy scenario"."""
    random = np.random.default_rng(4)
    values = {}
    for scenario in "CD":
        for seed in seeds:
            add(root, scenario, "fp32_true", seed, result={AP: 0.2 + lead, AP_CONSTANT: 0.2})
    for name, change_ in changes.items():
        policy, scenario = name.split()
        values[name] = change_ + noise * random.standard_normal(len(seeds))
        for seed, value in zip(seeds, values[name], strict=True):
            add(root, scenario, policy, seed,
                result={AP: 0.2 + lead + float(value), AP_CONSTANT: 0.2})
    return values


@pytest.mark.parametrize("changes, expected", [
    ({}, "supported (uncontrolled)"),
    ({"bf16_pure C": 0.0}, "refuted"),          # needs no more than 16 bits
    ({"bf16_pure D": -0.05}, "refuted"),        # RoBERTa needs more, too
    ({"amp_bf16 C": -0.05}, "refuted"),         # AMP does not mend it
    ({"amp_fp16 D": -0.05}, "refuted"),
    ({"bf16_pure C": -0.01}, "undecided"),      # at the margin
])
def test_h3(runs, configs, changes, expected):
    edited(configs, "seeds = 40", "seeds = 20", "h3")  # up to which it is Student's t
    values = precisions(runs, KEPT | changes, seeds=range(8, 28))
    found = verdict(runs, "h3", configs=configs)
    assert found["verdict"] == expected, found["reason"]
    agree(found)
    level = found["interval"]["level"]
    assert level == pytest.approx(1 - 0.05 / 3)  # nothing else of its family is decided
    ends = []
    for part in found["parts"]:
        name = f"{part['policy']} {part['scenario']}"
        inferior = name == "bf16_pure C"
        assert part["claimed"] == ("inferior" if inferior else "not_inferior")
        # Differences of numbers near 0.5, to one of near 0.01: some 100 units in the last place.
        plain = st.ttest_1samp(values[name], 0).confidence_interval(0.95)
        assert [part["difference"]["low"], part["difference"]["high"]] == pytest.approx(plain, abs=1e-13)
        beyond = -0.01 - values[name] if inferior else values[name] + 0.01
        own = st.ttest_1samp(beyond, 0).confidence_interval(level)
        assert [part["low"], part["high"]] == pytest.approx(own, abs=1e-13)
        ends.append((own.low, st.ttest_1samp(beyond, 0).confidence_interval(1 - (1 - level) / 6).high))
    assert len(ends) == 6
    # All parts have to hold: of the smallest.
    assert [found["interval"]["low"], found["interval"]["high"]] == pytest.approx(
        [min(low for low, _ in ends), min(high for _, high in ends)], abs=1e-13)


def test_h3_says_what_its_plan_can_decide(runs):
    precisions(runs, KEPT, seeds=range(8, 13))
    found = verdict(runs, "h3")
    assert (found["verdict"], found["plan"]["done"]) == ("undecided (interim)", 5)
    plan = found["plan"]
    assert plan["planned"] == 40 and 0.6 < plan["power"] < 0.85
    assert 38 <= plan["power_needs"] <= 52
    assert "all 6 parts decide together with probability" in plan["words"]


def test_an_undecided_h3_plans_a_new_study(runs, configs):
    edited(configs, "seeds = 40", "seeds = 10", "h3")
    precisions(runs, KEPT, noise=0.02, seeds=range(8, 18))
    found = verdict(runs, "h3", configs=configs)
    assert found["verdict"] == "undecided" and found["plan"]["new_study"] > 10
    assert f"a new study of about {found['plan']['new_study']} seeds" in found["plan"]["words"]


@pytest.mark.parametrize("control", ["bf16_stochastic", "bf16_kahan"])
@pytest.mark.parametrize("on_c, expected", [(0.0, "confounded"), (-0.05, "supported (uncontrolled)")])
def test_h3_is_confounded_where_the_update_is_the_cause(runs, control, on_c, expected):
    precisions(runs, KEPT | {f"{control} C": on_c, f"{control} D": 0.0})
    assert verdict(runs, "h3")["verdict"] == expected


def test_h3_with_all_its_controls(runs):
    precisions(runs, KEPT | {f"{policy} {scenario}": change_ for policy in
                             ("bf16_stochastic", "bf16_kahan")
                             for scenario, change_ in (("C", -0.05), ("D", 0.0))})
    assert verdict(runs, "h3")["verdict"] == "supported"


def test_h3_without_a_reference_worth_losing(runs):
    precisions(runs, KEPT, lead=0.04, seeds=range(8, 13))
    found = verdict(runs, "h3")
    assert found["verdict"] == "not_testable"
    assert "beat the constant answer by 0.05" in found["reason"]


@pytest.mark.parametrize("lead, unplanned, expected", [(0.04, 0.9, "not_testable"), (0.3, 0.0, "refuted")])
def test_h3_takes_the_lead_of_planned_seeds_alone(runs, configs, lead, unplanned, expected):
    edited(configs, "seeds = 40", "seeds = 20", "h3")
    precisions(runs, KEPT | {"bf16_pure C": 0.0}, lead=lead, seeds=range(8, 28))
    for scenario in "CD":
        for seed in [*range(8), *range(100, 150)]:
            add(runs, scenario, "fp32_true", seed, result={AP: unplanned, AP_CONSTANT: 0.2})
    found = verdict(runs, "h3", configs=configs)
    assert found["verdict"] == expected, found["reason"]
    if expected == "refuted":
        assert found["evidence"]["reference_lead"]["C"]["n"] == 20
    else:
        assert "its lead is 0.04" in found["reason"]


def test_h3_scores_a_cell_whose_last_evaluation_is_not_finite_as_the_constant_answer(runs, configs):
    edited(configs, "seeds = 40", "seeds = 20", "h3")
    precisions(runs, {name: change_ for name, change_ in KEPT.items() if name != "bf16_pure C"},
               seeds=range(8, 28))
    for seed in range(8, 28):
        add(runs, "C", "bf16_pure", seed, outcome="nonfinite",
            result={AP: "NaN", AP_CONSTANT: 0.2, "convergence.val_loss": "NaN"})
    found = verdict(runs, "h3", configs=configs)
    assert found["verdict"] == "supported (uncontrolled)", found["reason"]
    (part,) = [p for p in found["parts"] if p["claimed"] == "inferior"]
    assert part["scored_as_constant"] == 20
    assert part["difference"]["mean"] == pytest.approx(0.2 - 0.5, abs=1e-15)


def test_h3_names_the_reference_that_has_no_score(runs, configs):
    edited(configs, "seeds = 40", "seeds = 20", "h3")
    precisions(runs, KEPT, seeds=[8, *range(10, 28)])
    add(runs, "C", "fp32_true", 9, nonfinite=3, result={AP: "NaN", AP_CONSTANT: 0.2})
    found = verdict(runs, "h3", configs=configs)
    assert found["verdict"] == "not_testable"
    assert "fp32_true has no score on C with seed 9" in found["reason"]
    assert "nan" not in found["reason"]


def test_h3_without_amp(runs):
    precisions(runs, {k: v for k, v in KEPT.items() if "amp_fp16" not in k}, seeds=range(8, 13))
    assert "no pairs of amp_fp16" in verdict(runs, "h3")["reason"]


def test_h3_judges_fp16_naive_separately_and_death_scores_as_the_constant_answer(runs):
    precisions(runs, KEPT | {"fp16_naive D": 0.0, "bf16_pure C": 0.0})
    for seed in FORTY:
        add(runs, "C", "fp16_naive", seed, nonfinite=2)
    found = verdict(runs, "h3")
    (separately,) = found["separately"]
    assert (found["policy"], found["verdict"]) == ("bf16_pure", "refuted")
    assert (separately["policy"], separately["verdict"]) == ("fp16_naive", "supported (uncontrolled)")
    (part,) = [p for p in separately["parts"] if p["claimed"] == "inferior"]
    assert part["scored_as_constant"] == 40
    assert part["difference"]["mean"] == pytest.approx(0.2 - 0.5, abs=1e-15)
