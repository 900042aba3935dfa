"""Hypotheses of users: survival as an estimand, and files that make no sense."""

import pytest
from statsmodels.stats.proportion import proportion_confint

from records import add, analyse, dtbench, ok, references, verdict
from rules import agree, edited

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
    ("h1", "seeds = 8\n", "seeds = 1001\n", "'seeds' is 1001"),
    ("h1", "first_seed = 8", "first_seed = 9223372036854775807", "'first_seed' is 92233"),
    ("h1", "first_seed = 8", "first_seed = 7", "Seed 7 is planned and is among 'excluded_seeds'"),
    ("h1", "seeds = 8\n", "seeds = 8\nlooks = [8, 4]\n", "'looks' do not ascend"),
    ("h1", "seeds = 8\n", "seeds = 16\nlooks = [8]\n", "'looks' do not ascend to the planned"),
    # The best outcome that eight seeds can have is not rare enough for two looks.
    ("h1", "seeds = 8\n", "seeds = 16\nlooks = [8, 16]\n", "With 8 seeds not even the best"),
    ("h1", "seeds = 8\n", "seeds = 16\nlooks = [8, 16]\n", "Plan at least 9 seeds"),
    ("h1", "alpha = 0.05", "alpha = 0.01", "not even the best or the worst possible outcome decides"),
    ("h1", "threshold = 0", "threshold = 10", "not even the best or the worst possible outcome decides"),
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
    assert "With 5 seeds not even the best or the worst possible outcome decides" in process.stderr
    assert "Plan at least 7 seeds" in process.stderr


def test_no_folder_and_an_empty_one(tmp_path):
    process = dtbench("analyse", tmp_path / "nowhere")
    assert process.returncode == 2 and "There is no folder" in process.stderr
    found = analyse(tmp_path)
    assert found["records"]["read"] == 0
    assert {v["verdict"] for v in found["verdicts"]} == {"not_testable"}
    assert "0 records read" in ok(dtbench("analyse", tmp_path))
