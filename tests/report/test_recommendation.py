"""Which policy a report recommends, and what its headline and its closing say."""

import pytest

import records
from conftest import loss
from records import AP, ON_GPU, SEEDS, SPEED, change

ON_CPU = {}


def add(*arguments, identity=ON_GPU, **options):
    return records.add(*arguments, identity=identity, **options)


REAL = {"data.source": "acts.jsonl"}


def policy_seeds(root, policy, scenario="A", *, seeds=SEEDS, speed=1.0, shift=0.0, **options):
    """Seeds of one policy, each with a level of speed and loss; the policy's effect on top."""
    for seed in seeds:
        add(root, scenario, policy, seed, spec=REAL,
            result=loss(5 + 0.1 * seed + shift * (1 + 0.01 * seed)) |
            {SPEED: (100 + seed) * speed * (1 + 0.001 * seed)}, **options)


def said(report):
    (row,) = report()["rows"]
    return row["recommendation"]


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
        "Furthest behind fp32_true without dying: bf16_pure in A, validation loss +0.4080 (a one-ulp "
        "change of the initial weights moves it by 0.0020).",
        "Use amp_bf16 in A."]


def test_a_closing_without_deaths_or_losses(tmp_path, report):
    add(tmp_path, "A", "fp32_true", 0)
    add(tmp_path, "A", "amp_bf16", 0, result={SPEED: 150.0})
    assert report()["closing"] == [
        "fp32_true trained in A, and no policy met a NaN or an infinity.",
        "No policy that stayed finite ended behind fp32_true.",
        "Fastest finite so far: amp_bf16 in A. No recommendation yet: 1 pair of seeds and generated data."]


def test_a_cpu_does_not_say_which_is_fastest(tmp_path, report):
    """Whatever a CPU's times are: policies that trained are named together."""
    for scenario in "AC":
        for policy, speed in (("fp32_true", 100), ("amp_bf16", 150), ("bf16_pure", 300),
                              ("fp32_perturbed", 400)):
            add(tmp_path, scenario, policy, 0, result={SPEED: float(speed)},
                identity=ON_CPU)
    add(tmp_path, "A", "amp_fp16", 0, result={SPEED: 200.0}, identity=ON_CPU)
    told = "(a CPU cannot tell which is fastest)"
    found = report()
    assert found["answer"] == (
        f"Trained like fp32_true so far: amp_fp16 in A; amp_bf16 and bf16_pure in A and C {told}.")
    for row in found["rows"]:
        said = row["recommendation"]
        assert (said["policy"], said["strength"]) == (None, "on_cpu")
        assert said["lead"] == "Trained like fp32_true so far:"
        assert said["because"] == "a CPU cannot tell which is fastest"
    assert [row["recommendation"]["named"] for row in found["rows"]] == \
        ["amp_bf16, amp_fp16 and bf16_pure", "amp_bf16 and bf16_pure"]


def test_a_cpus_speed_is_no_reason_either(tmp_path, report):
    """Nor where five seeds would say more, nor where fp32_true did not train."""
    cpu = {"identity": ON_CPU}
    policy_seeds(tmp_path, "fp32_true", **cpu)
    policy_seeds(tmp_path, "amp_bf16", speed=0.5, **cpu)
    policy_seeds(tmp_path, "bf16_pure", speed=3, shift=0.1, **cpu)
    found = said(report)
    assert (found["policy"], found["named"]) == (None, "amp_bf16 and bf16_pure")
    assert list(found["against"]) == ["bf16_pure"]  # for its loss
    assert "faster" not in str(found["against"])
    for path in tmp_path.glob("*/result.json"):
        change(path, outcome="stalled")
    assert said(report)["because"] == "fp32_true: 5 of 5 seeds did not train beyond a constant answer"


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


def test_a_choice_is_not_denied_by_the_next_sentence(tmp_path, report):
    for seed in SEEDS:
        add(tmp_path, "A", "fp32_true", seed)
        add(tmp_path, "A", "amp_bf16", seed, result={SPEED: 150.0 + seed})
    assert report()["closing"][-1] == "Provisionally, use amp_bf16 in A."


def test_what_did_not_run_is_no_ground(tmp_path, report):
    for seed in SEEDS:
        add(tmp_path, "A", "fp32_true", seed, spec=REAL)
        add(tmp_path, "A", "amp_bf16", seed, spec=REAL, status="failed", outcome=None)
    found = said(report)
    assert (found["policy"], found["strength"], found["pairs"]) == ("fp32_true", "so_far", 0)
    assert report()["closing"][1:] == [
        "No policy could be compared with fp32_true.",
        "Fastest finite so far: fp32_true in A. No recommendation yet: 0 pairs of seeds."]


def test_the_row_with_fewest_pairs_is_told(tmp_path, report):
    for scenario, seeds in (("A", SEEDS), ("C", SEEDS[:1])):
        for seed in seeds:
            add(tmp_path, scenario, "fp32_true", seed, spec=REAL)
    for seed in SEEDS[:4]:
        add(tmp_path, "A", "amp_bf16", seed, spec=REAL, result={SPEED: 150.0 + seed})
    add(tmp_path, "C", "amp_bf16", 0, spec=REAL, result={SPEED: 150.0})
    assert report()["closing"][-1].endswith(" No recommendation yet: 1 pair of seeds.")


def test_pairs_count_and_not_a_policys_own_seeds(tmp_path, report):
    add(tmp_path, "A", "fp32_true", 0, spec=REAL)
    policy_seeds(tmp_path, "amp_bf16", speed=2.5)
    found = said(report)
    assert (found["policy"], found["strength"]) == ("amp_bf16", "so_far")
    assert found["provisos"] == ["1 pair of seeds, which has no interval; 5 are asked for"]
    assert report()["answer"] == "Fastest finite so far: amp_bf16 in A."
    assert report()["closing"][-1] == (
        "Fastest finite so far: amp_bf16 in A. No recommendation yet: 1 pair of seeds.")


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
