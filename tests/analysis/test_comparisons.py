"""Which records are paired, which are refused or left out and counted, and what the pairs say."""

import fcntl
import json
import math
import os
import shutil
import struct

import numpy as np
import pytest
import scipy.stats as st
from statsmodels.stats.proportion import proportion_confint

from records import (RATES, SOURCE, SPEED, add, analyse, change, put_all, references, stable_rates,
                     verdict)

# --- what is refused a pairing, and what is left out ----------------------------------------------

REFUSED = {
    "spec.train.learning_rate": {"spec": {"train.learning_rate": 0.5}},
    "spec.train.steps": {"spec": {"train.steps": 31}},
    "spec.engine": {"spec": {"engine": "fused"}},
    "identity.data_fingerprint": {"identity": {"data_fingerprint": "ff"}},
    "identity.data_content_fingerprint": {"identity": {"data_content_fingerprint": "ff"}},
    "identity.initial_weights_file": {"identity": {"initial_weights_file": "ff"}},
    "identity.program.source_revision": {"identity": {"program.source_revision": "bbbb"}},
    "identity.torch": {"identity": {"torch": "2.12.0"}},
    "identity.device.cpu": {"identity": {"device.cpu": "another CPU"}},
}


EIGHT = range(8)


@pytest.fixture
def configs(tmp_path_factory):
    """The shipped configuration with one more hypothesis, of survival at one rate."""
    folder = tmp_path_factory.mktemp("with-mine") / "configs"
    shutil.copytree(SOURCE / "configs", folder)
    (folder / "hypotheses" / "mine.toml").write_text("""
        title = "mine"
        claim = "fp16_naive survives on E and not on C"
        estimand = "survival"
        threshold = 0
        seeds = 8
        [contrast]
        policies = ["fp16_naive"]
        [[contrast.pair]]
        better = "E"
        worse = "C"
        """)
    return folder


def survival(root, dead="C"):
    for scenario in "CE":
        for seed in EIGHT:
            add(root, scenario, "fp16_naive", seed, nonfinite=3 if scenario in dead else None)


@pytest.mark.parametrize("field", REFUSED)
def test_a_cell_that_differs_in_more_than_its_policy_is_refused(tmp_path, configs, field):
    references(tmp_path, "CE", EIGHT)
    survival(tmp_path)
    assert verdict(tmp_path, "mine", configs=configs)["verdict"] == "supported"
    # Seed 4 of C is taken away, and one that does not belong is slipped into its place.
    for run in tmp_path.glob("*"):
        spec, named = (run / "spec.json").read_text(), '"name": "fp16_naive"'
        if '"scenario": "C"' in spec and '"seed": 4' in spec and named in spec:
            shutil.rmtree(run)
    intruder = add(tmp_path, "C", "fp16_naive", 4, nonfinite=3, **REFUSED[field])
    found = analyse(tmp_path)
    (unpaired,) = found["unpaired"]
    assert unpaired["path"] == str(intruder)
    assert [each["field"] for each in unpaired["differing"]] == [field]
    judged = verdict(tmp_path, "mine", configs=configs)
    assert (judged["verdict"], judged["plan"]["done"]) == ("undecided (interim)", 7)
    assert judged["left_out"] == {"unpaired": 1}


def test_other_initial_weights_are_refused_where_they_can_be_compared(tmp_path):
    other = {"initial_weights_fingerprint": "ff"}
    references(tmp_path, "C", [0])
    add(tmp_path, "C", "amp_bf16", 0, identity=other)    # fp32 weights, as the reference
    add(tmp_path, "C", "fp16_naive", 0, identity=other)  # stored in fp16: another fingerprint anyway
    found = analyse(tmp_path)
    (unpaired,) = found["unpaired"]
    assert unpaired["policy"] == "amp_bf16"
    assert [d["field"] for d in unpaired["differing"]] == ["identity.initial_weights_fingerprint"]


def test_other_draws_are_refused_whatever_the_weights_are_stored_in(tmp_path):
    references(tmp_path, "C", [0])
    add(tmp_path, "C", "fp16_naive", 0, identity={"initial_draws_fingerprint": "ff"})
    (unpaired,) = analyse(tmp_path)["unpaired"]
    assert [d["field"] for d in unpaired["differing"]] == ["identity.initial_draws_fingerprint"]


def test_a_seed_without_its_reference(tmp_path):
    references(tmp_path, "C", [0])
    add(tmp_path, "C", "amp_bf16", 1)
    (unpaired,) = analyse(tmp_path)["unpaired"]
    assert (unpaired["nearest"], unpaired["differing"], unpaired["seed"]) == (None, [], 1)


def lock(run):
    file = open(run / "lock", "a+")
    fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    return file


def test_every_record_that_is_left_out_is_counted(tmp_path):
    references(tmp_path, "C", [0])
    runs = [add(tmp_path, "C", "amp_bf16", seed) for seed in range(1, 13)]
    for run, status in zip(runs, ["skipped", "out_of_memory", "failed", "interrupted"]):
        change(run / "result.json", status=status, reason="because")
    (runs[4] / "result.json").unlink()
    held = lock(runs[5])
    change(runs[6] / "result.json", schema_version=2)
    change(runs[7] / "result.json", cell_id="0123456789abcdef")
    (runs[8] / "audit.json").write_text("{")
    (runs[9] / "audit.json").unlink()
    change(runs[10] / "result.json", first_nonfinite="yes")
    shutil.copytree(runs[11], tmp_path / "a-copy")
    add(tmp_path, "C", "fp32_true", 12)
    found = analyse(tmp_path)
    held.close()
    why = {path_["path"]: path_["why"] for path_ in found["excluded"]}
    expected = ["skipped", "out_of_memory", "failed", "unfinished", "unfinished", "unfinished",
                "other_schema", "foreign", "damaged", "damaged", "damaged"]
    assert [why[str(run)] for run in runs[:11]] == expected
    assert list(why.values()).count("duplicate") == 1
    assert found["records"] == {
        "read": 15, "used": 3, "unpaired": 0,
        "excluded": {name: (expected + ["duplicate"]).count(name)
                     for name in {*expected, "duplicate"}}}
    (reason,) = [e["reason"] for e in found["excluded"] if e["path"] == str(runs[6])]
    assert "schema version 2, this program reads 1" in reason


def test_cells_left_out_are_counted_with_the_verdict(tmp_path, configs):
    references(tmp_path, "CE", EIGHT)
    for scenario in "CE":
        for seed in EIGHT:
            add(tmp_path, scenario, "fp16_naive", seed,
                status="out_of_memory" if scenario == "C" and seed < 2 else "completed")
    add(tmp_path, "C", "fp16_naive", 8)
    add(tmp_path, "C", "fp32_true", 8)
    found = verdict(tmp_path, "mine", configs=configs)
    assert (found["verdict"], found["plan"]["done"]) == ("undecided (interim)", 6)
    assert found["left_out"] == {"out_of_memory": 2, "seed_not_planned": 2}


# --- comparisons ----------------------------------------------------------------------------------

def one_setting(root):
    (setting,) = analyse(root)["settings"]
    return setting, {p["policy"]: p for p in setting["policies"]}


def test_differences_and_ratios(tmp_path):
    random = np.random.default_rng(8)
    losses, speeds_ = random.normal(5, 0.1, (2, 6)), random.lognormal(4, 0.1, (2, 6))
    for seed in range(6):
        for policy, row in (("fp32_true", 0), ("bf16_pure", 1)):
            add(tmp_path, "C", policy, seed,
                result={"convergence.val_loss": losses[row, seed], SPEED: speeds_[row, seed],
                        "mfu.vs_measured": 0.5 if row else 0.25})
    add(tmp_path, "C", "fp32_true", 6)
    add(tmp_path, "C", "bf16_pure", 6, nonfinite=1, result={"convergence.val_loss": "NaN"})
    _, policies = one_setting(tmp_path)
    metrics = policies["bf16_pure"]["metrics"]
    loss = st.ttest_rel(losses[1], losses[0]).confidence_interval(0.95)
    found = metrics["val_loss"]
    assert [found["low"], found["high"]] == pytest.approx([loss.low, loss.high], abs=1e-12)
    assert (found["n"], found["left_out"], found["method"]) == (6, 1, "student_t")
    logs = st.ttest_rel(*np.log(speeds_[::-1])).confidence_interval(0.95)
    found = metrics["samples_per_s"]
    assert [found["low"], found["high"]] == pytest.approx(np.exp([logs.low, logs.high]), rel=1e-12)
    assert metrics["mfu_vs_measured"]["ratio"] == pytest.approx(2)
    assert metrics["mfu_vs_spec"]["n"] == 0
    assert policies["bf16_pure"]["stability"]["trained"]["count"] == 6


def test_survival_by_step(tmp_path):
    references(tmp_path, "C", range(6))
    steps = [3, 3, None, 7, 29, None]
    for seed, step in enumerate(steps):
        add(tmp_path, "C", "fp16_naive", seed, nonfinite=step)
    _, policies = one_setting(tmp_path)
    stability = policies["fp16_naive"]["stability"]
    assert [(s["step"], s["at_risk"], s["events"]) for s in stability["kaplan_meier"]] == [
        (3, 6, 2), (7, 4, 1), (29, 3, 1)]
    assert [s["survival"] for s in stability["kaplan_meier"]] == pytest.approx([4 / 6, 3 / 6, 2 / 6])
    assert stability["outcomes"] == {"nonfinite": 4, "trained": 2}
    assert [stability[which]["count"] for which in ("finite", "trained")] == [2, 2]
    assert [stability["finite"]["low"], stability["finite"]["high"]] == pytest.approx(
        proportion_confint(2, 6, method="beta"))


def test_finite_and_trained_are_counted_apart(tmp_path):
    references(tmp_path, "C", range(4))
    for seed, outcome in enumerate(("trained", "stalled", "diverged_finite")):
        add(tmp_path, "C", "bf16_pure", seed, outcome=outcome)
    add(tmp_path, "C", "bf16_pure", 3, nonfinite=2)
    stability = one_setting(tmp_path)[1]["bf16_pure"]["stability"]
    assert [stability[which]["count"] for which in ("finite", "trained")] == [3, 1]


# --- learning rates -------------------------------------------------------------------------------

def test_the_map_of_rates_and_policies(tmp_path):
    stable_rates(tmp_path, "fp32_true", {"C": 3}, range(2))
    stable_rates(tmp_path, "fp16_naive", {"C": 1}, range(2))
    for seed in range(2):  # at one rate alone: counted, and of no seed's largest
        add(tmp_path, "C", "bf16_pure", seed, spec={"train.learning_rate": RATES[1]})
    references(tmp_path, "D", range(2))  # one rate is no map
    (group,) = analyse(tmp_path)["rates"]
    assert (group["scenario"], group["rates"]) == ("C", list(RATES))
    policies = {p["policy"]: p for p in group["policies"]}
    counts = {name: [(m["n"], m["finite"], m["trained"]) for m in p["map"]]
              for name, p in policies.items()}
    assert counts == {"fp32_true": [(2, 2, 2)] * 3, "fp16_naive": [(2, 2, 2), (2, 0, 0), (2, 0, 0)],
                      "bf16_pure": [(0, 0, 0), (2, 2, 2), (0, 0, 0)]}
    naive, pure = policies["fp16_naive"]["by_seed"], policies["bf16_pure"]["by_seed"]
    assert pure == []
    assert [s["largest_stable_rate"] for s in naive] == [RATES[0]] * 2
    assert naive[0]["log2_over_reference"] == pytest.approx(math.log2(RATES[0] / RATES[2]))
    assert [s["censored"] for s in policies["fp32_true"]["by_seed"]] == ["high"] * 2
    # Final losses 5; death counts with the initial 7: (0 + 2 + 2) / 3.
    assert naive[0]["sensitivity"] == pytest.approx(4 / 3)


def test_policies_of_one_name_and_other_fields_have_maps_of_their_own(tmp_path):
    stable_rates(tmp_path, "amp_bf16", {"C": 3}, range(1))
    stable_rates(tmp_path, "amp_bf16", {"C": 0}, range(1), spec={"policy.epsilon": 1e-4})
    finite = sorted(sum(m["finite"] for m in group["policies"][0]["map"])
                    for group in analyse(tmp_path)["rates"])
    assert finite == [0, 3]


def test_divergence_beside_the_noise_floor(tmp_path):
    random = np.random.default_rng(9)
    reference = random.normal(5, 1, (4, 20))
    noise = reference + random.normal(0, 1e-6, (4, 20))
    policy = reference + random.normal(0, 1e-2, (4, 20))
    for seed in range(4):
        for name, curve in (("fp32_true", reference), ("fp32_perturbed", noise),
                            ("bf16_pure", policy)):
            add(tmp_path, "C", name, seed, losses=list(curve[seed]))
        add(tmp_path, "C", "fp16_naive", seed, losses=[*policy[seed][:7], "NaN", 3.0], nonfinite=7)
    _, policies = one_setting(tmp_path)
    found = policies["bf16_pure"]["divergence"]
    apart, floor = abs(policy - reference), abs(noise - reference)
    # Losses of size 5 subtracted: absolute errors of some units of 2^-52 x 5.
    for name, reduce in (("max", np.max), ("time_mean", np.mean)):
        assert found[name]["mean"] == pytest.approx(np.mean(reduce(apart, axis=1)), abs=1e-14)
        ratios = np.log(reduce(apart, axis=1) / reduce(floor, axis=1))
        over = found["over_noise_floor"][name]
        assert over["ratio"] == pytest.approx(np.exp(np.mean(ratios)), rel=1e-12)
        limits = st.ttest_1samp(ratios, 0).confidence_interval(0.95)
        assert [over["low"], over["high"]] == pytest.approx(np.exp(list(limits)), rel=1e-10)
    dead = policies["fp16_naive"]["divergence"]
    assert [each["steps"] for each in dead["by_seed"]] == [7] * 4
    assert dead["by_seed"][2]["max"] == pytest.approx(np.max(apart[2][:7]), abs=1e-14)
    assert policies["fp32_perturbed"]["divergence"]["over_noise_floor"]["max"]["ratio"] == 1


def test_more_than_twenty_seeds_are_resampled(tmp_path):
    random = np.random.default_rng(10)
    for seed in range(21):
        add(tmp_path, "C", "fp32_true", seed)
        add(tmp_path, "C", "bf16_pure", seed,
            result={"convergence.val_loss": 5 + float(random.normal())})
    first, second = analyse(tmp_path), analyse(tmp_path)
    metric = first["settings"][0]["policies"][0]["metrics"]["val_loss"]
    assert (metric["n"], metric["method"]) == (21, "bca_bootstrap")
    assert first == second


def test_one_seed_has_no_interval(tmp_path):
    references(tmp_path, "C", [0])
    add(tmp_path, "C", "bf16_pure", 0)
    _, policies = one_setting(tmp_path)
    metric = policies["bf16_pure"]["metrics"]["val_loss"]
    assert (metric["n"], metric["mean"], metric["low"], metric["sd"]) == (1, 0, None, None)


def test_a_policy_changed_under_its_name_is_another_policy(tmp_path):
    references(tmp_path, "C", [0, 1])
    add(tmp_path, "C", "bf16_pure", 0)
    add(tmp_path, "C", "bf16_pure", 1, spec={"policy.epsilon": 1e-6})
    (setting,) = analyse(tmp_path)["settings"]
    assert [p["policy"] for p in setting["policies"]] == ["bf16_pure", "bf16_pure"]
    assert [len(p["seeds"]) for p in setting["policies"]] == [1, 1]


CONTRADICTIONS = {
    "steps": ({"steps_completed": 3}, "completed with 3 of"),
    "outcome": ({"outcome": "Trained!"}, 'outcome is "Trained!"'),
    "loss": ({"convergence.val_loss": "NaN"}, "trained without a finite validation loss"),
    "rate": ({"throughput.samples_per_s": -1.0}, "samples_per_s is -1"),
    "infinite rate": ({"throughput.samples_per_s": "Infinity"}, 'samples_per_s is "Infinity"'),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_result_that_contradicts_itself_is_damaged(tmp_path, name):
    references(tmp_path, "C", [0])
    changes, reason = CONTRADICTIONS[name]
    run = add(tmp_path, "C", "amp_bf16", 0)
    result = json.loads((run / "result.json").read_text())
    put_all(result, changes)
    (run / "result.json").write_text(json.dumps(result))
    found = analyse(tmp_path)
    (excluded,) = found["excluded"]
    assert (excluded["path"], excluded["why"]) == (str(run), "damaged")
    assert reason in excluded["reason"]


def test_a_finished_run_without_its_steps_is_damaged(tmp_path):
    references(tmp_path, "C", [0])
    run = add(tmp_path, "C", "amp_bf16", 0)
    (run / "steps.jsonl").unlink()
    (excluded,) = analyse(tmp_path)["excluded"]
    assert (excluded["why"], excluded["reason"]) == ("damaged", "steps.jsonl is missing")


def test_the_reference_is_known_by_its_fields_and_not_by_its_name(tmp_path):
    add(tmp_path, "C", "fp32_true", 0, spec={"policy.parameters": "bf16"})
    add(tmp_path, "C", "amp_bf16", 0)
    found = analyse(tmp_path)
    (excluded,) = found["excluded"]
    assert excluded["why"] == "foreign"
    assert excluded["reason"] == 'a policy called fp32_true with parameters "bf16" in place of "fp32"'
    assert len(found["unpaired"]) == 1


@pytest.mark.parametrize("field, value, said", [
    ("epsilon", 1e-2, "epsilon 0.01 in place of 1e-08"),
    ("optimizer_arithmetic", "foreach", 'optimizer_arithmetic "foreach" in place of "fused"'),
    ("loss", "transformers", 'loss "transformers" in place of "contract"'),
    ("loss_scale.initial", 1024, "loss_scale.initial 1024 in place of 65536.0"),
    ("autocast", "everything", 'autocast "everything" in place of null'),  # no field of ours
])
def test_a_reference_with_another_field_never_takes_the_place_of_the_real_one(tmp_path, field, value, said):
    other = add(tmp_path, "C", "fp32_true", 0, spec={f"policy.{field}": value}, folder="a-first")
    change(other / "result.json", started_at="2025-01-01T00:00:00.000Z")
    add(tmp_path, "C", "fp32_true", 0, folder="b-second",
        result={"convergence.val_loss": 4.0})
    add(tmp_path, "C", "amp_bf16", 0)
    found = analyse(tmp_path)
    (excluded,) = found["excluded"]
    assert (excluded["path"], excluded["why"]) == (str(other), "foreign")
    assert excluded["reason"] == f"a policy called fp32_true with {said}"
    (setting,) = found["settings"]
    (pair,) = setting["policies"][0]["metrics"]["val_loss"]["by_seed"]
    assert pair["reference"] == 4.0


RESULTS = SOURCE / "docs/results"


def test_the_committed_references_are_the_real_one():
    specs = [json.loads(file.read_text()) for file in RESULTS.rglob("spec.json")]
    references = [spec for spec in specs if spec["policy"]["name"] == "fp32_true"]
    assert len(references) > 10
    foreign = [each for each in analyse(RESULTS)["excluded"] if each["why"] == "foreign"]
    assert foreign == []


def test_a_cell_whose_last_evaluation_alone_is_not_finite_is_dead_after_its_last_step(tmp_path):
    references(tmp_path, "C", [0, 1])
    add(tmp_path, "C", "bf16_pure", 0)
    add(tmp_path, "C", "bf16_pure", 1, outcome="nonfinite", result={"convergence.val_loss": "NaN"})
    (setting,) = analyse(tmp_path)["settings"]
    stability = setting["policies"][0]["stability"]
    assert stability["finite"]["count"] == 1
    (point,) = stability["kaplan_meier"]
    assert (point["step"], point["events"], point["survival"]) == (setting["spec"]["train"]["steps"], 1, 0.5)
