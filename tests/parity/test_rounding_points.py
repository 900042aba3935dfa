"""Our engine's 16-bit gradients against the oracle's, bit for bit: where the contract and a wrong
variant part, the engine sides with the contract."""

import functools

import pytest

import reference
import rivals
from bits import (
    BIT_BATCH,
    BIT_SHAPE,
    SEEDS,
    gradient_bound,
    identical_share,
    relative_distance,
    same_bits,
)
from exact_sums import ExactSums
from harness import SCENARIOS, gradients_of, note, probe_forward, run_spec
from oracle_ops import Operations
from oracle_training import Trainer
from policies import is_mixed, policy_file

POLICIES = {
    "bf16_pure": policy_file("bf16_pure"),
    "fp16_naive": policy_file("fp16_naive"),
    "amp_bf16": policy_file("amp_bf16"),
    "amp_fp16_noscale": policy_file("amp_fp16_noscale"),
    "amp_bf16 as on the CPU": policy_file("amp_bf16", autocast_rules="cpu"),
    "amp_bf16 gelu": policy_file("amp_bf16", gelu="composite"),
    "bf16_pure gelu": policy_file("bf16_pure", gelu="composite"),
    "bf16_pure loss": policy_file("bf16_pure", loss="transformers"),
    "bf16_pure fused": policy_file("bf16_pure"),
    "fp16_naive fused": policy_file("fp16_naive"),
    "amp_bf16 fused": policy_file("amp_bf16"),
}

COMPOSED = [
    rivals.ScoresRoundAfterTheScale,
    rivals.ScoresNotRounded,
    rivals.SoftmaxGoesBackFromRounded,
]
FUSED = [
    rivals.ComposedAttention,
    rivals.FusedRoundsNormalized,
    rivals.FusedRowSumsOfUnrounded,
    rivals.FusedScaleBeforeRounding,
]


def attention_of(policy):
    return "fused" if policy.endswith(" fused") else "composed"


def rivals_of(policy, scenario):
    """Those that compute something else there."""
    architecture, objective = SCENARIOS[scenario]
    fields = POLICIES[policy]
    mixed, roberta = is_mixed(fields), architecture == "roberta"
    found = list(FUSED if attention_of(policy) == "fused" else COMPOSED)
    found += [rivals.BiasAddedAfterRounding]
    if fields["loss"] == "contract":
        found += [rivals.LogitsNotRounded, rivals.LossGradientRoundsBeforeScaleAndMean]
    elif objective != "clm":
        found += [rivals.LossOfTheContract]
    chain = fields["gelu"] == "composite"
    found += [rivals.GeluAsAKernel if chain else rivals.GeluAsAChain]
    found += [rivals.ResidualStreamInTheComputeDatatype] if mixed else []
    found += [rivals.NormInTheComputeDatatype] if mixed and roberta else []
    found += [rivals.NormRoundsBeforeScaleAndShift] if not mixed else []
    found += [rivals.EmbeddingGradientSummedIn16Bits] if not mixed and roberta else []
    found += [rivals.OneRoundingOfTiedGradients] if not mixed and objective.endswith("lm") else []
    found += [rivals.TanhGoesBackFromUnrounded] if roberta and objective != "mlm" else []
    return found


@functools.cache
def setting(policy, scenario, seed):
    model = reference.build_model(scenario, "fp32", shape=BIT_SHAPE, seed=seed)
    batch = reference.build_batch(scenario, "right", shape=BIT_SHAPE, seed=seed + 10, **BIT_BATCH)
    spec = run_spec(scenario, POLICIES[policy], batch, shape=BIT_SHAPE)
    if attention_of(policy) == "fused":
        spec["model"]["attention"] = "fused"
    return spec, reference.weights_of(model), batch


@functools.cache
def oracle_gradients(policy, scenario, seed, operations=Operations):
    spec, weights, batch = setting(policy, scenario, seed)
    trainer = Trainer(spec, BIT_SHAPE, weights, operations=operations)
    return trainer.loss_and_gradients(batch)[1]


def verdict(engine, contract, rival):
    """Of the elements where contract and rival differ, the shares that the engine has as either;
    arguments: {seed: {name: tensor}}."""
    parted = with_contract = with_rival = 0
    for seed, gradients in contract.items():
        for name, value in gradients.items():
            differ = ~same_bits(value, rival[seed][name])
            parted += int(differ.sum())
            with_contract += int((differ & same_bits(engine[seed][name], value)).sum())
            with_rival += int((differ & same_bits(engine[seed][name], rival[seed][name])).sum())
    assert parted >= 20, "the rival computes the same: it tells nothing"
    return with_contract / parted, with_rival / parted


def judge(suite, engine, policy, scenario):
    """What is wrong with an engine's gradients, {seed: {name: tensor}}: a list of sentences."""
    contract = {seed: oracle_gradients(policy, scenario, seed) for seed in SEEDS}
    spec, _, _ = setting(policy, scenario, 0)
    bound = gradient_bound(spec["policy"]["compute"], BIT_SHAPE.layers)
    wrong = []
    for seed in SEEDS:
        assert engine[seed].keys() == contract[seed].keys()
        for name, value in contract[seed].items():
            assert engine[seed][name].dtype == value.dtype, name
            distance = relative_distance(name, engine[seed], contract[seed])
            if not distance <= bound:
                wrong.append(f"{name}, seed {seed}: off by {distance:.1e}, bound {bound:.1e}")
    share = identical_share(
        (engine[seed][name], value) for seed in SEEDS for name, value in contract[seed].items()
    )
    note(suite, "share of gradients' elements that are not bit-identical", 1 - share)
    for rival in rivals_of(policy, scenario):
        other = {seed: oracle_gradients(policy, scenario, seed, rival) for seed in SEEDS}
        with_contract, with_rival = verdict(engine, contract, other)
        if not with_contract > with_rival:
            wrong.append(
                f"{rival.__name__} explains {with_rival:.3f} of the elements where it parts from "
                f"the contract, which explains {with_contract:.3f}"
            )
    return wrong


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("policy", POLICIES)
def test_gradients(tmp_path, policy, scenario):
    engine = {}
    for seed in SEEDS:
        spec, weights, batch = setting(policy, scenario, seed)
        engine[seed] = gradients_of(probe_forward(tmp_path, spec, weights, batch))
    wrong = judge(f"{scenario} {policy}, one pass", engine, policy, scenario)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("scenario", ["A", "B", "D"])
@pytest.mark.parametrize("policy", ["bf16_pure", "amp_bf16", "bf16_pure gelu", "bf16_pure loss", "bf16_pure fused"])
def test_the_judge(policy, scenario):
    """An engine that sums in another order passes; one that rounds elsewhere does not, wherever."""
    exact = {seed: oracle_gradients(policy, scenario, seed, ExactSums) for seed in SEEDS}
    assert not judge(f"{scenario} {policy}, fp64 sums", exact, policy, scenario)
    for rival in rivals_of(policy, scenario):
        engine = {seed: oracle_gradients(policy, scenario, seed, rival) for seed in SEEDS}
        wrong = judge(f"{scenario} {policy}, {rival.__name__}", engine, policy, scenario)
        assert any(sentence.startswith(rival.__name__) for sentence in wrong)
