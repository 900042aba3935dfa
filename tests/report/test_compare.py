"""`dtbench compare`: what changed between two sets of runs, and what is only noise."""

import json

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.multitest import multipletests

from records import AP, SPEED, add, change, dtbench, ok

SEEDS = range(5)


def compare(before, after):
    return json.loads(ok(dtbench("compare", before, after, "--json")))


@pytest.fixture
def sets(tmp_path):
    """Adds the same cell to both sets, with a result of its own in each."""
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()

    def put(scenario, policy, seed, old=None, new=None, **only_after):
        return (add(before, scenario, policy, seed, result=old or {}),
                add(after, scenario, policy, seed, result=new or old or {}, **only_after))

    put.before, put.after = before, after
    return put


def test_equal_sets_have_nothing_that_changed(sets):
    for seed in SEEDS:
        sets("A", "bf16_pure", seed, {"convergence.val_loss": 5 + seed})
    found = compare(sets.before, sets.after)
    assert (found["pairs"], found["states"], found["differing"]) == (5, [], [])
    (group,) = found["groups"]
    assert group["metrics"]["val_loss"]["mean"] == 0
    assert not any(metric["changed"] for metric in group["metrics"].values())
    assert "Nothing changed beyond noise" in ok(dtbench("compare", sets.before, sets.after))


def test_ratios_differences_and_p_values_are_those_of_scipy_and_statsmodels(sets):
    draw = np.random.default_rng(7)
    speeds, losses = 100 + draw.normal(0, 3, (2, 5)), 5 + draw.normal(0, 0.1, (2, 5))
    speeds[1] *= 1.1
    for seed in SEEDS:
        old, new = ({SPEED: speeds[side][seed], "convergence.val_loss": losses[side][seed]}
                    for side in (0, 1))
        sets("A", "bf16_pure", seed, old, new)
    found = compare(sets.before, sets.after)
    (group,) = found["groups"]
    speed, loss = group["metrics"]["samples_per_s"], group["metrics"]["val_loss"]
    logs, differences = np.log(speeds[1] / speeds[0]), losses[1] - losses[0]
    assert speed["ratio"] == pytest.approx(np.exp(logs.mean()))
    assert speed["p"] == pytest.approx(scipy.stats.ttest_1samp(logs, 0).pvalue)
    assert loss["mean"] == pytest.approx(differences.mean())
    assert loss["p"] == pytest.approx(scipy.stats.ttest_1samp(differences, 0).pvalue)
    interval = scipy.stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert (loss["low"], loss["high"]) == pytest.approx(tuple(interval))
    metrics = list(group["metrics"].values())
    adjusted = multipletests([metric["p"] for metric in metrics], method="holm")[1]
    assert [metric["p_holm"] for metric in metrics] == pytest.approx(list(adjusted))
    assert found["tests"] == len(metrics)


def test_a_change_beyond_noise_is_named(sets):
    for seed in SEEDS:
        speed = 100.0 + seed
        sets("A", "bf16_pure", seed, {SPEED: speed}, {SPEED: speed * (1.2 + 0.001 * seed)})
        sets("C", "bf16_pure", seed, {AP: 0.5 + 0.01 * seed}, {AP: 0.5 + 0.01 * ((seed + 1) % 5)})
    found = compare(sets.before, sets.after)
    groups = {group["scenario"]: group["metrics"] for group in found["groups"]}
    assert groups["A"]["samples_per_s"]["changed"] is True
    assert groups["C"]["average_precision_micro"]["changed"] is False
    text = ok(dtbench("compare", sets.before, sets.after))
    changed = text[text.index("Changed beyond noise"):text.index("Every cell ended as before")]
    assert "samples_per_s  1.202 [1.200, 1.204]" in changed
    assert "average_precision" not in changed


def test_one_seed_cannot_be_told_from_noise(sets):
    sets("A", "bf16_pure", 0, {SPEED: 100.0}, {SPEED: 200.0})
    found = compare(sets.before, sets.after)
    speed = found["groups"][0]["metrics"]["samples_per_s"]
    assert (speed["ratio"], speed["p"], speed["changed"], found["tests"]) == (2, None, None, 0)
    assert "no cell has two seeds in both sets" in ok(dtbench("compare", sets.before, sets.after))


def test_cells_that_ended_otherwise_are_named(sets):
    sets("A", "fp16_naive", 0, nonfinite=3)
    sets("A", "bf16_pure", 0, status="out_of_memory")
    sets("A", "amp_fp16", 0, outcome="stalled")
    found = compare(sets.before, sets.after)
    assert {(each["policy"], each["before"], each["after"]) for each in found["states"]} == {
        ("fp16_naive", "trained", "nonfinite at step 3"), ("bf16_pure", "trained", "out_of_memory"),
        ("amp_fp16", "trained", "stalled")}
    assert found["pairs"] == 2
    assert found["after"]["excluded"] == {"out_of_memory": 1}


def test_disturbed_timings_of_either_set_are_counted(sets):
    disturbed = {"disturbances": [{"kind": "other_load"}]}
    for seed, (before, after) in enumerate([(True, False), (False, True), (True, True),
                                            (False, False)]):
        for run, is_disturbed in zip(sets("A", "bf16_pure", seed), (before, after)):
            change(run / "result.json", **disturbed if is_disturbed else {})
    assert "Timings were disturbed in 3 of 4 pairs, which may explain differences in speed and MFU." in (
        ok(dtbench("compare", sets.before, sets.after)))


def test_timings_without_a_disturbance_are_not_talked_about(sets):
    sets("A", "bf16_pure", 0)
    assert "disturbed" not in ok(dtbench("compare", sets.before, sets.after))


def test_what_the_sets_were_made_with_is_told_apart(sets):
    for seed in SEEDS:
        sets("A", "fp32_true", seed,
             identity={"program.source_revision": "bbbb", "device.cpu": "another"})
    assert compare(sets.before, sets.after)["differing"] == [
        {"field": "device.cpu", "before": "a CPU", "after": "another", "pairs": 5},
        {"field": "program.source_revision", "before": "aaaa", "after": "bbbb", "pairs": 5}]


def test_cells_are_paired_across_devices(sets):
    add(sets.before, "A", "fp32_true", 0)
    add(sets.after, "A", "fp32_true", 0, spec={"device": "cuda"}, result={SPEED: 300.0})
    (group,) = compare(sets.before, sets.after)["groups"]
    assert group["metrics"]["samples_per_s"]["ratio"] == pytest.approx(3)


@pytest.mark.parametrize("field", ("data_fingerprint", "data_content_fingerprint",
                                   "initial_weights_fingerprint"))
def test_cells_of_other_data_or_weights_are_not_paired(sets, field):
    sets("A", "fp32_true", 0, identity={field: "ff"})
    found = compare(sets.before, sets.after)
    assert found["pairs"] == 0
    (refused,) = found["refused"]
    assert [each["field"] for each in refused["differing"]] == [field]
    assert "Not paired, because these fields differ" in ok(dtbench("compare", sets.before, sets.after))


def test_what_is_in_one_set_alone_is_listed(sets):
    sets("A", "fp32_true", 0)
    add(sets.before, "A", "amp_fp16", 0)
    add(sets.after, "A", "fp32_true", 0, spec={"train.steps": 31})
    change(add(sets.after, "B", "fp32_true", 0, folder="newer") / "result.json", schema_version=9)
    found = compare(sets.before, sets.after)
    assert [each["policy"] for each in found["only_before"]] == ["amp_fp16"]
    assert sorted(each["state"] for each in found["only_after"]) == ["other_schema", "trained"]
    assert "newer: other_schema: result.json has schema version 9" in ok(
        dtbench("compare", sets.before, sets.after))


def test_a_folder_that_is_not_there_is_named(sets):
    process = dtbench("compare", sets.before, "nowhere")
    assert process.returncode == 2
    assert "There is no folder 'nowhere'." in process.stderr
