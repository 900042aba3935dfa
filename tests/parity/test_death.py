"""Where training in fp16 dies: the engine's first non-finite value is the oracle's, in step, phase,
kind and tensor."""

from dataclasses import dataclass

import pytest

import reference
from bits import BIT_BATCH, BIT_SHAPE
from exact_sums import ExactSums
from harness import SCENARIOS, probe_forward, probe_report, run_spec
from oracle_ops import Operations
from oracle_training import Trainer
from policies import policy_file

STEPS = 50


@dataclass(frozen=True)
class Death:
    policy: str
    epsilon: float
    rate: float
    phase: str  # as this case is meant; the oracle says the rest


# The contract decides a death's step only where another order of summation does not move it, which
# the test checks: fp16's second moment makes courses chaotic from the third step on.
DEATHS = [
    Death("fp16_naive", 1e-8, 0.1, "loss"),  # weights grow until attention's scores overflow
    Death("fp16_naive", 1e-8, 1.0, "optimizer"),  # an update beyond fp16
    Death("fp16_naive", 0.0, 1e-2, "optimizer"),  # 0 / 0 for weights without a gradient
    Death("fp16_naive_foreach", 1e-8, 1e-3, "optimizer"),  # the same: 1e-8 is 0 in fp16
    Death("fp16_naive_foreach", 1e-4, 1.0, "loss"),
]


def oracle_death(spec, weights, batch, operations):
    trainer = Trainer(spec, BIT_SHAPE, weights, operations=operations)
    return trainer.run(batch, STEPS, stop_at_nonfinite=True).first_nonfinite


def setting(death, scenario):
    model = reference.build_model(scenario, "fp32", shape=BIT_SHAPE, spread=0.05)
    batch = reference.build_batch(scenario, "right", shape=BIT_SHAPE, seed=10, **BIT_BATCH)
    spec = run_spec(
        scenario,
        policy_file(death.policy, epsilon=death.epsilon),
        batch,
        shape=BIT_SHAPE,
        learning_rate=death.rate,
        warmup_steps=0,
        steps=STEPS,
    )
    return spec, reference.weights_of(model), batch


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("death", DEATHS, ids=lambda d: f"{d.policy}-{d.epsilon}-{d.rate}")
def test_first_nonfinite(tmp_path, death, scenario):
    spec, weights, batch = setting(death, scenario)
    expected = oracle_death(spec, weights, batch, Operations)
    assert expected is not None and expected["phase"] == death.phase
    assert oracle_death(spec, weights, batch, ExactSums) == expected
    probe_forward(tmp_path, spec, weights, batch, steps=STEPS)
    found = probe_report(tmp_path)["first_nonfinite"]
    assert found and {key: found[key] for key in expected} == expected


@pytest.mark.parametrize("scenario", ["A", "D"])
def test_a_finite_course_has_none(tmp_path, scenario):
    """Finite is not survival, but it is no death: with an epsilon that fp16 holds all steps are."""
    spec, weights, batch = setting(Death("fp16_naive_eps", 1e-4, 1e-3, ""), scenario)
    assert oracle_death(spec, weights, batch, Operations) is None
    ours = probe_forward(tmp_path, spec, weights, batch, steps=STEPS)
    assert probe_report(tmp_path)["first_nonfinite"] is None
    assert len(ours["losses"]) == STEPS
