"""Every verdict of each hypothesis on constructed records, and hypotheses as files."""

import math
import shutil

import numpy as np
import pytest
import scipy.stats as st
from statsmodels.stats.proportion import proportion_confint

from records import (AP, AP_CONSTANT, CLAIMED, PLANNED, RATES, SOURCE, SPEED, add, analyse, dtbench,
                     ok, references, stable_rates, verdict)

CUDA = {"device": "cuda"}
ALL_RATES = dict.fromkeys("CDEF", 3)
NO_CLAIM = {"E": 0, "F": 0, "C": 3, "D": 3}
STEP = math.log2(10)  # of the grid of RATES


@pytest.fixture
def configs(tmp_path):
    shutil.copytree(SOURCE / "configs", tmp_path / "configs")
    return tmp_path / "configs"


def edited(configs, old, new, name="h1"):
    file = configs / "hypotheses" / f"{name}.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


@pytest.fixture
def three_rates(configs):
    """H1 with a grid of three rates: fewer records, the same rule."""
    edited(configs, "rates = [3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3]", f"rates = {list(RATES)}")
    return configs


@pytest.fixture
def h1(tmp_path, three_rates):
    """H1's verdict on the records in `runs`."""
    return lambda: verdict(tmp_path / "runs", "h1", configs=three_rates)


@pytest.fixture
def runs(tmp_path):
    return tmp_path / "runs"


def agree(found):
    """The verdict is where the printed interval lies."""
    low, high = (float(str(found["interval"][end])) for end in ("low", "high"))
    threshold = found["interval"]["threshold"]
    side = "above" if low > threshold else "below" if high < threshold else "across"
    assert found["interval"]["side"] == side
    expected = {"above": {"supported", "supported (uncontrolled)", "confounded"},
                "below": {"refuted", "confounded"}, "across": {"undecided"}}[side]
    assert found["verdict"] in expected | {"undecided (interim)"}
    return side


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


def run_controls(runs, stable):
    """All that could confound H1, with the answer that `stable` gives."""
    for policy in CONTROLS.values():
        stable_rates(runs, policy, stable)
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


def test_scenarios_from_different_programs_are_not_judged_together(runs, h1):
    other = {"program.source_revision": "bbbb"}
    for policy, stable in (("fp32_true", ALL_RATES), ("fp16_naive", CLAIMED)):
        stable_rates(runs, policy, {s: stable[s] for s in "CDE"})
        stable_rates(runs, policy, {"F": stable["F"]}, identity=other)
    found = h1()
    assert found["verdict"] == "not_testable"
    assert "identity.program.source_revision" in found["reason"]


# --- survival, as a user's hypothesis -------------------------------------------------------------

MINE = """
    title = "mine"
    claim = "amp_fp16 survives on E and not on C"
    estimand = "survival"
    threshold = {threshold}
    seeds = {seeds}
    [contrast]
    policies = ["amp_fp16"]
    [[contrast.pair]]
    better = "E"
    worse = "C"
    {more}
    """


def survivors(runs, counts, seeds, outcome="trained"):
    references(runs, "CE", seeds)
    for scenario, count in counts.items():
        for place, seed in enumerate(seeds):
            add(runs, scenario, "amp_fp16", seed, nonfinite=None if place < count else 3,
                outcome=outcome)


def mine(configs, threshold=0, seeds=8, more=""):
    (configs / "hypotheses" / "mine.toml").write_text(
        MINE.format(threshold=threshold, seeds=seeds, more=more))


@pytest.mark.parametrize("counts, expected", [
    ({"E": 8, "C": 0}, "supported"), ({"E": 0, "C": 8}, "refuted"), ({"E": 8, "C": 8}, "undecided"),
    ({"E": 6, "C": 3}, "undecided")])
def test_users_add_their_own(runs, configs, counts, expected):
    mine(configs)
    survivors(runs, counts, range(8))
    found = verdict(runs, "mine", configs=configs)
    # A family of its own: the three that ship do not weigh on it.
    assert found["verdict"] == expected and found["interval"]["level"] == 0.95
    agree(found)
    only_better = max(0, counts["E"] - counts["C"])
    only_worse = max(0, counts["C"] - counts["E"])
    a, b = (proportion_confint(k, 8, alpha=0.025, method="beta") for k in (only_better, only_worse))
    assert [found["interval"]["low"], found["interval"]["high"]] == pytest.approx(
        [a[0] - b[1], a[1] - b[0]])


@pytest.mark.parametrize("outcome, expected", [("finite", "undecided"), ("trained", "refuted")])
def test_finite_and_trained_are_two_outcomes(runs, configs, outcome, expected):
    mine(configs)
    edited(configs, "threshold = 0", f'outcome = "{outcome}"\n    threshold = 0', "mine")
    references(runs, "CE", range(8))
    for seed in range(8):
        add(runs, "E", "amp_fp16", seed, outcome="stalled")
        add(runs, "C", "amp_fp16", seed)
    found = verdict(runs, "mine", configs=configs)
    assert found["verdict"] == expected
    (part,) = found["parts"]
    assert part["better"] == {"scenario": "E", "finite": 8, "trained": 0, "n": 8}
    assert part["worse"] == {"scenario": "C", "finite": 8, "trained": 8, "n": 8}


def test_a_seed_whose_reference_does_not_train_decides_nothing(runs, configs):
    mine(configs)
    survivors(runs, {"E": 8, "C": 0}, range(7))
    add(runs, "E", "fp32_true", 7, outcome="stalled")
    add(runs, "C", "fp32_true", 7)
    for scenario in "CE":
        add(runs, scenario, "amp_fp16", 7)
    (part,) = verdict(runs, "mine", configs=configs)["parts"]
    assert (part["n"], part["reference_not_trained"]) == (7, 1)


# --- H2: speed-up ---------------------------------------------------------------------------------

SESSIONS = range(6)
NOISE = np.array([-1.2, 0.3, 0.9, -0.5, 0.5, 0.0])  # of a session, in units of `noise`


def speeds(runs, scenario, speedup, noise=0.0, length=512, sessions=SESSIONS, card="a card",
           spec=None, seeds=(0,), batch=8):
    """A cell of fp32_true and one of bf16_pure in each session."""
    spec = CUDA | {"data.length": length, "model.positions": 1026, "train.batch": batch} | (spec or {})
    for number in sessions:
        where = {"id": f"{number}", "card": card} if card else None
        name = f"{scenario}-{length}-{number}-{card}"
        for seed in seeds:
            add(runs, scenario, "fp32_true", seed, spec=spec, result={SPEED: 100.0}, session=where,
                folder=f"{name}-fp32_true-{seed}")
            add(runs, scenario, "bf16_pure", seed, spec=spec, session=where,
                result={SPEED: 100.0 * speedup * float(np.exp(noise * NOISE[number]))},
                folder=f"{name}-bf16_pure-{seed}")


def all_pairs(runs, on_b, noise=0.0, **options):
    """RoBERTa `on_b` times, GPT-2 twice as fast as fp32_true."""
    speeds(runs, "A", 2.0, **options)
    speeds(runs, "A", 2.0, length=1024, batch=4, **options)
    speeds(runs, "C", 2.0, **options)
    for scenario in "BD":
        speeds(runs, scenario, on_b, noise, **options)


@pytest.mark.parametrize("on_b, noise, expected", [
    (2.2, 0.005, "supported"),
    (2.0, 0.005, "refuted"),
    (2.03, 0.005, "undecided"),
])
def test_h2(runs, on_b, noise, expected):
    all_pairs(runs, on_b, noise)
    found = verdict(runs, "h2")
    assert found["verdict"] == expected, found["reason"]
    agree(found)
    assert [part["part"] for part in found["parts"]] == [
        f"{pair}, a device a card"
        for pair in ("B against A at 512", "B against A at 1,024", "D against C")]
    logs = np.log(on_b / 2.0) + noise * NOISE
    level = found["interval"]["level"]
    low, high = st.ttest_1samp(logs, 0).confidence_interval(level)
    for part in found["parts"]:
        assert [part["low"], part["high"]] == pytest.approx([np.exp(low), np.exp(high)], rel=1e-12)
    _, wide = st.ttest_1samp(logs, 0).confidence_interval(1 - (1 - level) / 3)  # of three parts
    assert [found["interval"]["low"], found["interval"]["high"]] == pytest.approx(
        [np.exp(low), np.exp(wide)], rel=1e-12)
    if expected == "undecided":
        assert found["plan"]["new_study"] > 6
        assert "more of this one would not" in found["plan"]["words"]


def test_seeds_are_no_sessions(runs):
    all_pairs(runs, 2.2, 0.005, sessions=[0], seeds=range(8))
    found = verdict(runs, "h2")
    assert (found["verdict"], found["plan"]["done"]) == ("undecided (interim)", 1)
    assert "1 of 6 planned sessions" in found["reason"]
    assert found["parts"][0]["sessions"][0]["ratio"] == pytest.approx(1.1, rel=0.01)


def test_records_that_do_not_say_their_session_count_as_one(runs):
    all_pairs(runs, 2.2, 0.005, sessions=[0], seeds=range(8), card=None)
    found = verdict(runs, "h2")
    assert (found["verdict"], found["plan"]["done"]) == ("undecided (interim)", 1)
    assert any("do not say their session" in caveat for caveat in found["caveats"])


def test_cards_stand_side_by_side(runs):
    all_pairs(runs, 2.2, 0.005, card="one")
    all_pairs(runs, 2.0, 0.005, card="two")
    found = verdict(runs, "h2")
    assert len(found["parts"]) == 6 and found["parts_disagree"]
    assert {part["card"] for part in found["parts"]} == {"a device one", "a device two"}
    assert found["verdict"] == "refuted"  # not on every card


def test_a_card_with_too_few_sessions_stands_beside(runs):
    all_pairs(runs, 2.2, 0.005, card="one")
    all_pairs(runs, 2.0, 0.005, card="two", sessions=range(2))
    found = verdict(runs, "h2")
    assert found["verdict"] == "supported" and len(found["parts"]) == 3
    assert found["evidence"]["cards"] == {"a device one": 6, "a device two": 2}
    assert len(found["evidence"]["cards_with_too_few_sessions"]) == 3


def test_the_same_cell_in_another_session_counts_for_speed_alone(runs):
    all_pairs(runs, 2.2, 0.005)
    found = analyse(runs)
    assert found["records"]["used"] == 10 and found["records"]["excluded"] == {"repeat": 50}
    assert all(policy["metrics"]["samples_per_s"]["n"] == 1
               for setting in found["settings"] for policy in setting["policies"])


def test_h2_on_a_cpu_cannot_be_tested(runs):
    all_pairs(runs, 2.2, spec={"device": "cpu"})
    found = verdict(runs, "h2")
    assert found["verdict"] == "not_testable"
    assert "needs a cuda device: a CPU emulates 16-bit products" in found["reason"]


def test_h2_asks_for_equal_tokens_a_step(runs):
    speeds(runs, "A", 2.0, batch=16)
    speeds(runs, "B", 3.0)
    found = verdict(runs, "h2")
    assert found["verdict"] == "not_testable"
    assert "4096 tokens on B and 8192 on A" in found["reason"]


def test_h2_from_different_programs(runs):
    speeds(runs, "A", 2.0)
    speeds(runs, "B", 2.2)
    for run in runs.glob("B-*"):
        audit = run / "audit.json"
        audit.write_text(audit.read_text().replace('"aaaa"', '"bbbb"'))
    assert "program.source_revision" in verdict(runs, "h2")["reason"]


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


# --- hypotheses as files --------------------------------------------------------------------------

@pytest.mark.parametrize("name, old, new, said", [
    ("h1", "first_seed", "first_sed", "Did you mean 'first_seed'?"),
    ("h1", 'better = "E"', 'bettr = "E"', "Did you mean 'contrast.pair[0].better'?"),
    ("h1", 'better = "E"', 'better = "G"', "Unknown scenario 'G'"),
    ("h1", 'better = "E"', 'better = ["E"]', "'contrast.pair[0].better' must be text"),
    ("h1", 'better = "E"', 'better = "C"', "'C' stands on both sides"),
    ("h1", 'name = "RoBERTa, F against D"', 'name = "GPT-2, E against C"', "Two [[contrast.pair]]"),
    ("h1", '"stable_rate"', '"stable_rat"', "Did you mean 'stable_rate'?"),
    ("h1", '["fp16_naive"]', '["fp16_naiv"]', "Did you mean 'fp16_naive'?"),
    ("h1", "threshold = 0", "", "The key 'threshold' is missing"),
    ("h1", "alpha = 0.05", "alpha = 5", "'alpha' is 5"),
    ("h1", "seeds = 8\n", "seeds = 7\n", "'seeds' is 7"),
    ("h1", "seeds = 8\n", "", "'seeds' is 0"),
    ("h1", "first_seed = 8", "first_seed = 7", "Seed 7 is planned and is among 'excluded_seeds'"),
    ("h1", "seeds = 8\n", "seeds = 8\nlooks = [8, 4]\n", "'looks' do not ascend"),
    ("h1", "seeds = 8\n", "seeds = 16\nlooks = [8]\n", "'looks' do not ascend to the planned"),
    # The best outcome that eight seeds can have is not rare enough for two looks.
    ("h1", "seeds = 8\n", "seeds = 16\nlooks = [8, 16]\n", "With 8 seeds not even the best"),
    ("h1", "seeds = 8\n", "seeds = 16\nlooks = [8, 16]\n", "Plan at least 9 seeds"),
    ("h1", "alpha = 0.05", "alpha = 0.01", "not even the best possible outcome decides"),
    ("h1", "threshold = 0", "threshold = 10", "not even the best possible outcome decides"),
    ("h1", "threshold = 0", "threshold = 10", "beyond what can be measured"),
    ("h1", "rates = [3e-6,", "rates = [3e-5,", "'rates' are no ascending grid"),
    ("h1", "reference_rate = 3e-4", "reference_rate = 2e-4", "which is not in 'rates'"),
    ("h1", 'C.train.bce_reduction = "mean"', "C.train.learning_rate = 0.1", "'rates' says which"),
    ("h1", "confounds = false", "confound = false", "Did you mean 'control[4].confounds'?"),
    ("h1", 'policy = "fp16_scaled"', "", "Control 'scaled' changes nothing"),
    ("h1", 'policy = "fp16_scaled"', 'policy = "fp16_scale"', "Did you mean 'fp16_scaled'?"),
    ("h1", 'C.train.bce_reduction = "mean"', 'C.train.bce_reductio = "mean"', "bce_reduction'?"),
    ("h1", 'C.train.bce_reduction = "mean"', "C.train.bce_reduction = 3", "must be text"),
    ("h1", 'D.train.bce_reduction = "mean"', 'B.train.bce_reduction = "mean"', "Unknown key 'where.B'"),
    ("h1", "alpha = 0.05", "alpha = 0.05\nreference_lead = 0.1", "'reference_lead' does not go with"),
    ("h1", "alpha = 0.05", "alpha = 0.05\nsessions = 6", "'sessions' does not go with"),
    ("h2", "sessions = 6", "sessions = 5", "'sessions' is 5"),
    ("h2", 'policies = ["bf16_pure"]', 'policies = ["bf16_pure"]\nsafe_policies = ["tf32"]',
     "'contrast.safe_policies' does not go with"),
    ("h3", 'safe_policies = ["amp_bf16", "amp_fp16"]', "", "'contrast.safe_policies' does not go"),
    ("h3", 'replaces = "fp16_naive"', 'replaces = "fp16"', "replaces 'fp16'"),
    ("h3", 'name = "Kahan"', 'name = "Kahan"\nif_better = "x"', "go with stable_rate"),
])
def test_a_file_that_makes_no_sense_is_refused(tmp_path, configs, name, old, new, said):
    edited(configs, old, new, name)
    process = dtbench("analyse", tmp_path, configs=configs)
    assert process.returncode == 2
    assert said in process.stderr and f"{name}.toml" in process.stderr


def test_a_plan_of_shares_that_cannot_decide_is_refused(tmp_path, configs):
    mine(configs, seeds=5)
    process = dtbench("analyse", tmp_path, configs=configs)
    assert process.returncode == 2
    assert "With 5 seeds not even the best possible outcome decides" in process.stderr
    assert "Plan at least 7 seeds" in process.stderr


def test_no_folder_and_an_empty_one(tmp_path):
    process = dtbench("analyse", tmp_path / "nowhere")
    assert process.returncode == 2 and "There is no folder" in process.stderr
    found = analyse(tmp_path)
    assert found["records"]["read"] == 0
    assert {v["verdict"] for v in found["verdicts"]} == {"not_testable"}
    assert "0 records read" in ok(dtbench("analyse", tmp_path))
