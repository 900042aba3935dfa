"""H2, by speed-up: sessions are the replicates, cards stand side by side."""

import shutil

import numpy as np
import pytest
import scipy.stats as st

from records import SPEED, add, analyse, verdict
from rules import agree, CUDA

# --- H2: speed-up ---------------------------------------------------------------------------------

SESSIONS = range(6)
NOISE = np.array([-1.2, 0.3, 0.9, -0.5, 0.5, 0.0])  # of a session, in units of `noise`


def speeds(runs, scenario, speedup, noise=0.0, length=512, sessions=SESSIONS, card="a card",
           spec=None, seeds=(0,), batch=8, kind="a device"):
    """A cell of fp32_true and one of bf16_pure in each session. `card`: its UUID, on which `kind` of
    card; None: the records name no session."""
    identity = {"device.cuda": {"name": kind}}
    spec = CUDA | {"data.length": length, "model.positions": 1026, "train.batch": batch} | (spec or {})
    for number in sessions:
        where = None if card is None else {"id": f"{number}"} | ({"card": card} if card else {})
        name = f"{scenario}-{length}-{number}-{kind}-{card}"
        for seed in seeds:
            add(runs, scenario, "fp32_true", seed, spec=spec, identity=identity, session=where,
                result={SPEED: 100.0}, folder=f"{name}-fp32_true-{seed}")
            add(runs, scenario, "bf16_pure", seed, spec=spec, identity=identity, session=where,
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


def test_two_cards_of_a_kind_in_the_same_sessions(runs):
    """Half of each pair on each card: no card has a session with all of its cells."""
    for card, scenarios in ("one", "AC"), ("two", "BD"):
        for scenario in scenarios:
            speeds(runs, scenario, 2.2 if scenario in "BD" else 2.0, card=card)
            if scenario == "A":
                speeds(runs, "A", 2.0, length=1024, batch=4, card=card)
    found = verdict(runs, "h2")
    assert (found["verdict"], found["plan"]["done"]) == ("undecided (interim)", 0)


def test_kinds_of_cards_are_told_apart_without_their_uuids(runs):
    """As recorded before the card was: in one machine, whose CPU is the same."""
    for kind, on_b in ("an A6000", 2.2), ("an H100", 2.0):
        all_pairs(runs, on_b, 0.005, card="", kind=kind)
    found = verdict(runs, "h2")
    assert {part["card"] for part in found["parts"]} == {"an A6000", "an H100"}
    assert found["verdict"] == "refuted" and len(found["parts"]) == 6


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


@pytest.mark.parametrize("scenarios", ["BD", "D"])
def test_h2_under_two_policies_of_one_name(runs, scenarios):
    all_pairs(runs, 2.0, 0.005)
    for scenario in scenarios:
        speeds(runs, scenario, 2.6, card="another",
               spec={"policy.optimizer_states": "fp32", "policy.update_rounding": "stochastic"})
    # The reference's own fields are those that ship.
    for run in runs.glob("*-another-fp32_true-*"):
        shutil.rmtree(run)
    found = verdict(runs, "h2")
    assert found["verdict"] == "not_testable"
    assert "more than one policy is called bf16_pure" in found["reason"]
    assert "policy.update_rounding (nearest and stochastic)" in found["reason"]


def test_h2_from_different_programs(runs):
    speeds(runs, "A", 2.0)
    speeds(runs, "B", 2.2)
    for run in runs.glob("B-*"):
        audit = run / "audit.json"
        audit.write_text(audit.read_text().replace('"aaaa"', '"bbbb"'))
    assert "program.source_revision" in verdict(runs, "h2")["reason"]
