"""Every verdict of each hypothesis on constructed records, and hypotheses as files."""

import shutil

import numpy as np
import pytest
import scipy.stats as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from records import (AP, AP_CONSTANT, CLAIMED, SEEDS, SOURCE, SPEED, add, analyse, change, dtbench,
                     ok, references, survival, verdict)

CUDA = {"device": "cuda"}


# --- H1: survival ---------------------------------------------------------------------------------

ALL_SURVIVE = dict.fromkeys("EFCD", 5)
NONE_SURVIVES = dict.fromkeys("EFCD", 0)


@pytest.mark.parametrize("survivors, expected", [
    (CLAIMED, "supported"),
    (ALL_SURVIVE, "refuted"),
    (NONE_SURVIVES, "refuted"),
    ({"E": 0, "F": 0, "C": 5, "D": 5}, "refuted"),
    ({"E": 4, "F": 3, "C": 2, "D": 2}, "undecided"),
])
def test_h1(tmp_path, survivors, expected):
    references(tmp_path, "CDEF")
    survival(tmp_path, "fp16_naive", survivors)
    found = verdict(tmp_path, "h1")
    assert found["verdict"] == expected, found["reason"]
    better = [survivors["E"] + survivors["F"], 10]
    worse = [survivors["C"] + survivors["D"], 10]
    evidence = found["evidence"]
    for name, (survived, n) in [("better", better), ("worse", worse)]:
        assert (evidence[name]["survived"], evidence[name]["n"]) == (survived, n)
        assert [evidence[name]["low"], evidence[name]["high"]] == pytest.approx(
            proportion_confint(survived, n, method="beta"))
    p = fisher(better, worse)
    assert evidence["fisher_exact_p"] == pytest.approx(p)
    assert found["seeds"] == 5
    if expected == "supported":
        # The other two of the family cannot be tested here, and count all the same.
        assert found["p_holm"] == pytest.approx(multipletests([p, 1, 1], method="holm")[1][0])
        assert any("generated" in caveat for caveat in found["caveats"])
        assert found["caveats"][-1].endswith(": 'foreach', 'epsilon', 'states', 'sum_labels'")


def fisher(better, worse):
    return st.fisher_exact([[x, n - x] for x, n in (better, worse)]).pvalue


def upper_difference(better, worse, alpha):
    each = 1 - (1 - alpha) ** 0.5
    return (proportion_confint(*better, alpha=each, method="beta")[1]
            - proportion_confint(*worse, alpha=each, method="beta")[0])


def test_h1_says_how_many_more_seeds_would_decide(tmp_path):
    references(tmp_path, "CDEF")
    survival(tmp_path, "fp16_naive", {"E": 4, "F": 3, "C": 2, "D": 2})
    found = verdict(tmp_path, "h1")
    alpha = 0.05 / 3  # enough if it comes first in Holm's order
    for more in range(1, 200):
        n = 10 + 2 * more
        better, worse = (int(0.7 * n + 0.5), n), (int(0.4 * n + 0.5), n)
        if fisher(better, worse) <= alpha or upper_difference(better, worse, alpha) < 0.5:
            break
    assert found["more_seeds"] == more


def test_h1_asks_for_five_seeds_however_clear_it_looks(tmp_path):
    references(tmp_path, "CDEF", range(4))
    survival(tmp_path, "fp16_naive", CLAIMED, range(4))
    found = verdict(tmp_path, "h1")
    assert (found["verdict"], found["seeds"], found["more_seeds"]) == ("undecided", 4, 1)


def test_survival_is_more_than_staying_finite(tmp_path):
    references(tmp_path, "CDEF")
    survival(tmp_path, "fp16_naive", {"E": 5, "F": 5})
    for scenario in "CD":
        for seed in SEEDS:
            add(tmp_path, scenario, "fp16_naive", seed,
                outcome="stalled" if seed % 2 else "diverged_finite")
    assert verdict(tmp_path, "h1")["verdict"] == "supported"


SUM = {"train.bce_reduction": "sum_labels"}
CONTROLS = {"foreach": "fp16_naive_foreach", "epsilon": "fp16_naive_eps",
            "states": "fp16_naive_fp32states"}


@pytest.mark.parametrize("control", [*CONTROLS, "sum_labels"])
@pytest.mark.parametrize("answer", ["refuted", "supported"])
def test_h1_is_confounded_by_each_control_that_says_the_opposite(tmp_path, control, answer):
    references(tmp_path, "CDEF")
    survival(tmp_path, "fp16_naive", CLAIMED)
    survivors = ALL_SURVIVE if answer == "refuted" else CLAIMED
    if control == "sum_labels":
        references(tmp_path, "CD", spec=SUM)
        survival(tmp_path, "fp16_naive", {s: survivors[s] for s in "CD"}, spec=SUM)
    else:
        survival(tmp_path, CONTROLS[control], survivors)
    found = verdict(tmp_path, "h1")
    answers = {c["control"]: c["answer"] for c in found["controls"]}
    assert answers[control] == answer
    assert found["verdict"] == ("confounded" if answer == "refuted" else "supported")
    assert (f"'{control}'" in found["reason"]) == (answer == "refuted")


@pytest.mark.parametrize("mean, with_sum, said", [
    (CLAIMED, {"C": 5, "D": 5}, "underflow of gradients"),
    (ALL_SURVIVE, {"C": 0, "D": 0}, "gradients that add up"),
    (CLAIMED, {"C": 1, "D": 0}, None),
])
def test_h1_reports_which_prediction_the_reduction_bears_out(tmp_path, mean, with_sum, said):
    references(tmp_path, "CDEF")
    survival(tmp_path, "fp16_naive", mean)
    references(tmp_path, "CD", spec=SUM)
    survival(tmp_path, "fp16_naive", with_sum, spec=SUM)
    (control,) = [c for c in verdict(tmp_path, "h1")["controls"] if c["control"] == "sum_labels"]
    assert control["shows"]["said"] == said


def test_a_loss_scale_that_helps_names_the_cause_and_confounds_nothing(tmp_path):
    references(tmp_path, "CDEF")
    survival(tmp_path, "fp16_naive", CLAIMED)
    survival(tmp_path, "fp16_scaled", ALL_SURVIVE)
    found = verdict(tmp_path, "h1")
    (control,) = [c for c in found["controls"] if c["control"] == "scaled"]
    assert control["shows"]["said"] == "the loss scale is the cause"
    assert (control["answer"], found["verdict"]) == ("refuted", "supported")


def test_h1_where_the_reference_does_not_train(tmp_path):
    references(tmp_path, "DEF")
    references(tmp_path, "C", outcome="stalled")
    survival(tmp_path, "fp16_naive", CLAIMED)
    found = verdict(tmp_path, "h1")
    assert found["verdict"] == "not_testable"
    assert "fp32_true is not trained on C in any of its 5 seeds" in found["reason"]


def test_a_seed_whose_reference_does_not_train_decides_nothing(tmp_path):
    references(tmp_path, "DEF")
    references(tmp_path, "C", range(4))
    add(tmp_path, "C", "fp32_true", 4, outcome="stalled")
    survival(tmp_path, "fp16_naive", CLAIMED)
    found = verdict(tmp_path, "h1")
    assert (found["verdict"], found["seeds"], found["more_seeds"]) == ("undecided", 4, 1)
    assert found["evidence"]["worse"]["scenarios"]["C"] == {
        "survived": 0, "n": 4, "reference_not_trained": 1}


def test_h1_without_its_cells(tmp_path):
    references(tmp_path, "CDEF")
    found = verdict(tmp_path, "h1")
    assert found["verdict"] == "not_testable"
    assert "no pairs of fp16_naive and fp32_true on E" in found["reason"]


@pytest.mark.parametrize("changes, field", [
    ({"spec": {"train.learning_rate": 0.001}}, "spec.train.learning_rate"),
    ({"identity": {"program.source_revision": "bbbb"}}, "identity.program.source_revision"),
])
def test_two_settings_are_a_question_not_a_choice(tmp_path, changes, field):
    references(tmp_path, "CDEF")
    survival(tmp_path, "fp16_naive", CLAIMED)
    more = range(10, 15)
    references(tmp_path, "C", more, **changes)
    survival(tmp_path, "fp16_naive", {"C": 20}, more, **changes)
    found = verdict(tmp_path, "h1")
    assert found["verdict"] == "not_testable"
    assert "more than one setting on C" in found["reason"] and field in found["reason"]


def test_scenarios_from_different_programs_are_not_judged_together(tmp_path):
    other = {"program.source_revision": "bbbb"}
    references(tmp_path, "CDE")
    survival(tmp_path, "fp16_naive", {"C": 0, "D": 0, "E": 5})
    references(tmp_path, "F", identity=other)
    survival(tmp_path, "fp16_naive", {"F": 5}, identity=other)
    found = verdict(tmp_path, "h1")
    assert found["verdict"] == "not_testable"
    assert "identity.program.source_revision" in found["reason"]


# --- H2: speed-up ---------------------------------------------------------------------------------

def speeds(root, scenario, speedup, noise, length=512, seeds=SEEDS, spec=CUDA, batch=8):
    """Pairs at `speedup` times a seed's deviation, which has mean 0 and spread `noise` in logs."""
    deviations = np.array([-1.2, 0.3, 0.9, -0.5, 0.5])[list(seeds)]
    spec = spec | {"data.length": length, "model.positions": 1026, "train.batch": batch}
    for seed, deviation in zip(seeds, deviations, strict=True):
        add(root, scenario, "fp32_true", seed, spec=spec, result={SPEED: 100.0})
        add(root, scenario, "bf16_pure", seed, spec=spec,
            result={SPEED: 100.0 * speedup * float(np.exp(noise * deviation))})


@pytest.mark.parametrize("on_b, noise, expected", [
    (2.2, 0.005, "supported"),
    (2.0, 0.005, "refuted"),
    (1.8, 0.005, "refuted"),
    (2.03, 0.005, "undecided"),
])
def test_h2(tmp_path, on_b, noise, expected):
    speeds(tmp_path, "A", 2.0, 0)
    speeds(tmp_path, "B", on_b, noise)
    found = verdict(tmp_path, "h2")
    assert found["verdict"] == expected, found["reason"]
    logs = np.log(on_b / 2.0) + noise * np.array([-1.2, 0.3, 0.9, -0.5, 0.5])
    test = st.ttest_1samp(logs, np.log(1.02))
    # The logarithm of a ratio near 1 keeps an absolute, not a relative, precision.
    assert found["evidence"]["ratio"] == pytest.approx(np.exp(np.mean(logs)), rel=1e-14)
    low, high = test.confidence_interval(0.95)
    assert [found["evidence"]["low"], found["evidence"]["high"]] == pytest.approx(
        [np.exp(low), np.exp(high)], rel=1e-12)
    assert min(found["p_supports"], found["p_refutes"]) == pytest.approx(test.pvalue, rel=1e-8)
    if expected == "undecided":
        n = found["seeds"] + found["more_seeds"]
        sd, distance = np.std(logs, ddof=1), abs(np.mean(logs) - np.log(1.02))

        def reaches(count):
            limit = st.t.isf(0.05 / 3 / 2, count - 1) + st.t.isf(0.2, count - 1)
            return limit * sd <= distance * np.sqrt(count)

        assert reaches(n) and not reaches(n - 1)


def test_h2_on_a_cpu_cannot_be_tested(tmp_path):
    speeds(tmp_path, "A", 2.0, 0, spec={"device": "cpu"})
    speeds(tmp_path, "B", 3.0, 0, spec={"device": "cpu"})
    found = verdict(tmp_path, "h2")
    assert found["verdict"] == "not_testable"
    assert "needs a cuda device: a CPU emulates 16-bit products" in found["reason"]


def test_h2_at_native_lengths_alone_cannot_be_tested(tmp_path):
    speeds(tmp_path, "A", 2.0, 0, length=1024)
    speeds(tmp_path, "B", 3.0, 0)
    assert "no pairs of bf16_pure and fp32_true on A" in verdict(tmp_path, "h2")["reason"]


def test_h2_asks_for_equal_tokens_a_step(tmp_path):
    speeds(tmp_path, "A", 2.0, 0, batch=16)
    speeds(tmp_path, "B", 3.0, 0)
    found = verdict(tmp_path, "h2")
    assert found["verdict"] == "not_testable"
    assert "4096 tokens on B and 8192 on A" in found["reason"]


@pytest.mark.parametrize("native, expected", [(2.6, "confounded"), (2.0, "supported")])
def test_h2_is_confounded_by_native_lengths(tmp_path, native, expected):
    speeds(tmp_path, "A", 2.0, 0)
    speeds(tmp_path, "B", 2.2, 0.005)
    speeds(tmp_path, "A", native, 0, length=1024)
    assert verdict(tmp_path, "h2")["verdict"] == expected


def test_h2_says_whose_timings_were_disturbed(tmp_path):
    speeds(tmp_path, "A", 2.0, 0)
    speeds(tmp_path, "B", 2.2, 0.005)
    run = next(run for run in tmp_path.glob("*") if '"scenario": "B"' in (run / "spec.json").read_text())
    change(run / "result.json", disturbances=[{"kind": "other_load"}])
    assert "pairs on B with disturbed timings: 1" in verdict(
        tmp_path, "h2")["caveats"]


def test_two_seeds_of_h2_are_too_few(tmp_path):
    speeds(tmp_path, "A", 2.0, 0, seeds=range(2))
    speeds(tmp_path, "B", 3.0, 0, seeds=range(2))
    found = verdict(tmp_path, "h2")
    assert (found["verdict"], found["more_seeds"]) == ("undecided", 3)


# --- H3: non-inferiority --------------------------------------------------------------------------

KEPT = {"bf16_pure D": 0.0, "bf16_pure C": -0.05, "amp_bf16 C": 0.0, "amp_bf16 D": 0.0,
        "amp_fp16 C": 0.0, "amp_fp16 D": 0.0}


def precisions(root, changes, noise=0.001, lead=0.3, seeds=SEEDS):
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
    ({}, "supported"),
    ({"bf16_pure C": 0.0}, "refuted"),          # needs no more than 16 bits
    ({"bf16_pure D": -0.05}, "refuted"),        # RoBERTa needs more, too
    ({"amp_bf16 C": -0.05}, "refuted"),         # AMP does not mend it
    ({"amp_fp16 D": -0.05}, "refuted"),
    ({"bf16_pure C": -0.0102}, "undecided"),    # at the margin
])
def test_h3(tmp_path, changes, expected):
    values = precisions(tmp_path, KEPT | changes)
    found = verdict(tmp_path, "h3")
    assert found["verdict"] == expected, found["reason"]
    p_values = []
    for part in found["evidence"]["parts"]:
        name = f"{part['policy']} {part['scenario']}"
        test = st.ttest_1samp(values[name], -0.01)
        # Differences of numbers near 0.5, to one of near 0.01: some 100 units in the last place.
        assert [part["low"], part["high"]] == pytest.approx(
            test.confidence_interval(0.95), abs=1e-13)
        claimed_above = name != "bf16_pure C"
        above = test.pvalue if test.statistic > 0 else 2 - test.pvalue
        p_values.append(above if claimed_above else 2 - above)
    assert len(p_values) == 6
    # All parts have to hold.
    assert found["p_supports"] == pytest.approx(min(1, max(p_values)), rel=1e-8)
    if expected == "undecided":
        assert found["more_seeds"] is None or found["more_seeds"] > 10


def test_h3_with_too_much_noise_says_how_many_seeds(tmp_path):
    precisions(tmp_path, KEPT, noise=0.02)
    found = verdict(tmp_path, "h3")
    assert found["verdict"] == "undecided" and found["more_seeds"] > 1


@pytest.mark.parametrize("control", ["bf16_stochastic", "bf16_kahan"])
@pytest.mark.parametrize("on_c, expected", [(0.0, "confounded"), (-0.05, "supported")])
def test_h3_is_confounded_where_the_update_is_the_cause(tmp_path, control, on_c, expected):
    precisions(tmp_path, KEPT | {f"{control} C": on_c, f"{control} D": 0.0})
    assert verdict(tmp_path, "h3")["verdict"] == expected


def test_h3_without_a_reference_worth_losing(tmp_path):
    precisions(tmp_path, KEPT, lead=0.04)
    found = verdict(tmp_path, "h3")
    assert found["verdict"] == "not_testable"
    assert "beat the constant answer by 0.05" in found["reason"]


def test_h3_without_amp(tmp_path):
    precisions(tmp_path, {k: v for k, v in KEPT.items() if "amp_fp16" not in k})
    assert "no pairs of amp_fp16" in verdict(tmp_path, "h3")["reason"]


def test_h3_judges_fp16_naive_separately_and_death_scores_as_the_constant_answer(tmp_path):
    precisions(tmp_path, KEPT | {"fp16_naive D": 0.0, "bf16_pure C": 0.0})
    for seed in SEEDS:
        add(tmp_path, "C", "fp16_naive", seed, nonfinite=2)
    found = verdict(tmp_path, "h3")
    (separately,) = found["separately"]
    assert (found["policy"], found["verdict"]) == ("bf16_pure", "refuted")
    assert (separately["policy"], separately["verdict"]) == ("fp16_naive", "supported")
    (part,) = [p for p in separately["evidence"]["parts"] if p["claimed"] == "inferior"]
    assert part["scored_as_constant"] == 5
    assert part["mean"] == pytest.approx(0.2 - 0.5, abs=1e-15)


# --- hypotheses as files --------------------------------------------------------------------------

@pytest.fixture
def configs(tmp_path):
    shutil.copytree(SOURCE / "configs", tmp_path / "configs")
    return tmp_path / "configs"


def edited(configs, old, new, name="h1"):
    file = configs / "hypotheses" / f"{name}.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


@pytest.mark.parametrize("name, old, new, said", [
    ("h1", "minimum_seeds", "minimum_seed", "Did you mean 'minimum_seeds'?"),
    ("h1", 'better = ["E", "F"]', 'bettr = ["E", "F"]', "Did you mean 'contrast.better'?"),
    ("h1", 'better = ["E", "F"]', 'better = ["E", "G"]', "Unknown scenario 'G'"),
    ("h1", 'better = ["E", "F"]', 'better = "E"', "'contrast.better' must be a list"),
    ("h1", 'better = ["E", "F"]', 'better = ["E", "C"]', "'C' is on both sides"),
    ("h1", 'better = ["E", "F"]', "better = [1]", "'contrast.better[0]' must be text"),
    ("h1", '"survival"', '"survivl"', "Did you mean 'survival'?"),
    ("h1", '["fp16_naive"]', '["fp16_naiv"]', "Did you mean 'fp16_naive'?"),
    ("h1", "margin = 0.5", "margin = 1.5", "'margin' is 1.5"),
    ("h1", "margin = 0.5", "", "The key 'margin' is missing"),
    ("h1", "alpha = 0.05", "alpha = 5", "'alpha' is 5"),
    ("h1", "minimum_seeds = 5", "minimum_seeds = 1", "'minimum_seeds' is 1"),
    ("h1", "confounds = false", "confound = false", "Did you mean 'control[4].confounds'?"),
    ("h1", 'policy = "fp16_scaled"', "", "Control 'scaled' changes nothing"),
    ("h1", 'policy = "fp16_scaled"', 'policy = "fp16_scale"', "Did you mean 'fp16_scaled'?"),
    ("h1", "C.train.bce_reduction", "C.train.bce_reductio", "train.bce_reduction'?"),
    ("h1", 'C.train.bce_reduction = "mean"', "C.train.bce_reduction = 3", "must be text"),
    ("h1", "D.train", "B.train", "Unknown key 'where.B'"),
    ("h1", "alpha = 0.05", "alpha = 0.05\nreference_lead = 0.1", "'reference_lead' does not apply to"),
    ("h2", "equal_tokens_per_step", "safe_policies = ['tf32']\nequal_tokens_per_step",
     "'contrast.safe_policies' does not fit"),
    ("h3", 'safe_policies = ["amp_bf16", "amp_fp16"]', "", "'contrast.safe_policies' does not fit"),
    ("h3", 'replaces = "fp16_naive"', 'replaces = "fp16"', "replaces 'fp16'"),
    ("h3", 'name = "Kahan"', 'name = "Kahan"\nif_better = "x"', "apply only to estimand"),
])
def test_a_file_that_makes_no_sense_is_refused(tmp_path, configs, name, old, new, said):
    edited(configs, old, new, name)
    process = dtbench("analyse", tmp_path, configs=configs)
    assert process.returncode == 2
    assert said in process.stderr and f"{name}.toml" in process.stderr


def test_users_add_their_own(tmp_path, configs):
    (configs / "hypotheses" / "mine.toml").write_text("""
        title = "mine"
        claim = "amp_fp16 survives where fp16_naive does not matter"
        estimand = "survival"
        margin = 0.5
        [contrast]
        policies = ["amp_fp16"]
        better = ["E"]
        worse = ["C"]
        """)
    runs = tmp_path / "runs"
    references(runs, "CE")
    survival(runs, "amp_fp16", {"E": 5, "C": 0})
    found = verdict(runs, "mine", configs=configs)
    # A family of its own: the three that ship do not weigh on it.
    assert found["verdict"] == "supported"
    assert found["p_holm"] == pytest.approx(fisher((5, 5), (0, 5)))


def test_no_folder_and_an_empty_one(tmp_path):
    process = dtbench("analyse", tmp_path / "nowhere")
    assert process.returncode == 2 and "There is no folder" in process.stderr
    found = analyse(tmp_path)
    assert found["records"]["read"] == 0
    assert {v["verdict"] for v in found["verdicts"]} == {"not_testable"}
    assert "0 records read" in ok(dtbench("analyse", tmp_path))
