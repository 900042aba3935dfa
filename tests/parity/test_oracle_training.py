"""The oracle's training step against torch's own parts, GradScaler and fused AdamW, and closed
forms of Kahan summation and of the 8-bit quantiser."""

import pytest
import torch

import reference
from harness import SHAPE, run_spec
from oracle_optimizer import BLOCK, AdamW, Moment8Bit, dynamic_map
from oracle_training import LossScale, Trainer
from policies import TORCH_DTYPE, epsilon, policy_file, uniform_policy

TRAIN = {"beta1": 0.9, "beta2": 0.999, "weight_decay": 0.01}


def test_loss_scale_follows_torchs_scaler():
    """5,000 scripted steps, growth every 20: the same scale after each."""
    generator = torch.Generator().manual_seed(0)
    policy = policy_file("amp_fp16", loss_scale={"growth_interval": 20})
    ours = LossScale(policy)
    theirs = torch.amp.GradScaler("cpu", growth_interval=20)
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], lr=0.0)
    for _ in range(5000):
        overflows = bool(torch.rand(1, generator=generator) < 0.04)
        theirs.scale(weight.sum())
        weight.grad = torch.tensor([float("inf") if overflows else 1.0])
        assert theirs.get_scale() == ours.value
        theirs.step(optimizer)
        theirs.update()
        ours.update(overflows)
    assert theirs.get_scale() == ours.value


def gradients(dtype, steps=50, count=4999):
    """Of every size, some always zero."""
    generator = torch.Generator().manual_seed(1)
    sizes = torch.exp(4 * torch.randn(count, generator=generator) - 4)
    sizes[::7] = 0
    return (torch.randn(steps, count, generator=generator) * sizes).to(TORCH_DTYPE[dtype])


@pytest.mark.parametrize("dtype", ["fp64", "fp32", "bf16", "fp16"])
def test_fused_adamw(dtype):
    """torch's fused kernel is fp32 inside and rounds on store, too. fp32 fuses multiplications and
    additions or not, so its last bits may differ."""
    given = gradients(dtype)
    start = 0.05 * torch.randn(given.size(1), generator=torch.Generator().manual_seed(2))
    start = start.to(given.dtype)  # small enough that steps of 1e-3 move most weights in bf16
    theirs = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.AdamW([theirs], lr=1e-3, weight_decay=0.01, fused=True)
    ours = {"weight": start.clone()}
    adamw = AdamW(ours, uniform_policy(dtype), TRAIN)
    for gradient in given:
        theirs.grad = gradient.clone()
        optimizer.step()
        adamw.step({"weight": gradient}, 1e-3)
    expected = theirs.detach()
    assert torch.equal(ours["weight"].isfinite(), expected.isfinite())
    finite = expected.isfinite()
    same = (ours["weight"] == expected)[finite].double().mean()
    if dtype in ("bf16", "fp16"):
        # Three stores a step, each a flip where two fp32 roundings straddle a boundary.
        flips = 3 * len(given) * 2 * epsilon("fp32") / epsilon(dtype)
        assert same >= 1 - flips
    else:
        tolerance = 50 * torch.finfo(given.dtype).eps
        torch.testing.assert_close(ours["weight"], expected, rtol=tolerance, atol=tolerance)
    assert (expected != start).double().mean() > 0.5


def one_update(policy, weight, gradient, steps=1, rate=1e-3, decay=0.0):
    parameters = {"weight": torch.tensor(weight, dtype=TORCH_DTYPE[policy["parameters"]])}
    adamw = AdamW(parameters, policy, TRAIN | {"weight_decay": decay})
    for _ in range(steps):
        adamw.step({"weight": torch.tensor(gradient, dtype=parameters["weight"].dtype)}, rate)
    return parameters["weight"], adamw


def test_foreach_in_fp16_divides_by_zero():
    """Closed form of one step from 1 in fp16, where epsilon is 0 and 0.001 g^2 vanishes."""
    weight, _ = one_update(policy_file("fp16_naive_foreach"), [1.0] * 4, [0, 1e-4, 1e-3, 1])
    assert weight[0].isnan() and weight[1] == weight[2] == -float("inf")
    assert weight[3].item() == pytest.approx(0.99902, abs=1e-5)
    fused, _ = one_update(policy_file("fp16_naive"), [1.0] * 4, [0, 1e-4, 1e-3, 1])
    assert fused.isfinite().all()


def test_an_unrounded_second_moment_updates_and_a_rounded_one_is_stored():
    """0.001 (1e-4)^2 is zero in fp16, but the step of size rate was taken with it."""
    weight, adamw = one_update(policy_file("fp16_naive"), [0.0], [1e-4])
    assert weight.item() == pytest.approx(-1e-3, rel=2e-3)
    assert adamw.states["weight"][1].item() == 0
    assert adamw.states["weight"][0].item() == pytest.approx(1e-5, rel=0.01)


def test_kahan_moves_where_bf16_stalls():
    """A weight of 1 with steps of 1e-3, under half its spacing of 2^-8 below 1."""
    plain, _ = one_update(policy_file("bf16_pure"), [1.0], [1.0], steps=100)
    kahan, _ = one_update(policy_file("bf16_kahan"), [1.0], [1.0], steps=100)
    assert plain.item() == 1
    assert kahan.item() == pytest.approx(0.9, abs=2**-8)


def test_the_maps_of_8_bit_states():
    """Zero, one and the numbers that the literature gives (Dettmers et al. 2021)."""
    signed, unsigned = dynamic_map(True), dynamic_map(False)
    assert len(signed) == len(unsigned) == len(signed.unique()) == len(unsigned.unique()) == 256
    assert signed[127] == 0 and unsigned[0] == 0 and signed[255] == unsigned[255] == 1
    assert signed[0].item() == pytest.approx(-0.99296875, abs=1e-7)
    # The smallest step of the second moment, relative to its block's maximum: 1e-6 of 0.325.
    assert unsigned[1].item() == pytest.approx(3.25e-7, rel=1e-6)


def test_block_wise_storage():
    moment = Moment8Bit(BLOCK + 3, signed=True)
    value = torch.linspace(-1, 1, BLOCK + 3)
    value[-3:] = torch.tensor([1e-9, 0.0, -1e-9])  # a short block of its own scale
    moment.store(value)
    loaded = moment.load()
    assert loaded[-3:].tolist() == pytest.approx([1e-9, 0.0, -0.99296875e-9], rel=1e-6)
    assert (loaded[:BLOCK] - value[:BLOCK]).abs().max() < 0.01
    # A value's code never has the other sign, however small it is.
    tiny = torch.full((BLOCK,), -1e-12)
    tiny[0] = 1.0
    moment = Moment8Bit(BLOCK, signed=True)
    moment.store(tiny)
    assert (moment.load()[1:] < 0).all()
    moment.store(torch.zeros(BLOCK))
    assert not moment.load().any()


def test_8_bit_states_take_a_nonfinite_gradient_for_none():
    count = 4096
    policy = policy_file("amp_bf16_8bit")
    gradient = torch.ones(count)
    gradient[5] = float("nan")
    parameters = {"weight": torch.ones(count)}
    adamw = AdamW(parameters, policy, TRAIN)
    adamw.step({"weight": gradient}, 1e-3)
    assert parameters["weight"][5] == 1
    # Decay after the step, where torch decays first.
    assert parameters["weight"][6].item() == pytest.approx((1 - 1e-3) * (1 - 1e-5), abs=1e-7)
    assert adamw.states["weight"][0].load()[5] == 0
    small = AdamW({"weight": torch.ones(4095)}, policy, TRAIN)
    assert small.states["weight"][0].dtype == torch.float32


def overflowing(steps, **changes):
    """fp16_scaled whose first scales overflow."""
    policy = policy_file("fp16_scaled", epsilon=1e-4, loss_scale={"initial": 2.0**24} | changes)
    model = reference.build_model("E", "fp32")
    batch = reference.build_batch("E", "right")
    spec = run_spec("E", policy, batch)
    trainer = Trainer(spec, SHAPE, reference.weights_of(model))
    before = {name: value.detach().clone() for name, value in trainer.parameters.items()}
    trainer.run(batch, steps)
    return trainer, before


def test_a_skipped_window_leaves_all_but_the_scale_and_the_schedule():
    trainer, before = overflowing(1)
    assert trainer.course.skipped == [True] and trainer.course.first_nonfinite is None
    assert trainer.scale.value == 2.0**23 and trainer.optimizer.updates == 0
    for name, value in trainer.parameters.items():
        assert torch.equal(value, before[name])
        assert not any(moment.any() for moment in trainer.optimizer.states[name])
    trainer, _ = overflowing(12)
    course = trainer.course
    skips = course.skipped.count(True)
    assert 0 < skips < 12 and course.skipped[:skips] == [True] * skips
    assert course.loss_scales[skips] == 2.0 ** (24 - skips)
    assert trainer.optimizer.updates == 12 - skips


def test_gradients_of_micro_batches_round_in_their_datatype():
    """512 additions of 1/512 are 0.5 in bf16, by the stall at 0.5: 1 with fp32 gradients."""
    for stored, expected in (("bf16", 0.5), ("fp32", 1.0)):
        policy = policy_file("bf16_pure", gradients=stored)
        model = reference.build_model("E", "fp32")
        batch = reference.build_batch("E", "none", samples=512, length=1)
        spec = run_spec("E", policy, batch)
        spec["train"]["micro_batch"] = 1
        trainer = Trainer(spec, SHAPE, reference.weights_of(model))
        constant = {"weight": torch.tensor([2.0], dtype=torch.bfloat16, requires_grad=True)}
        trainer.parameters = constant
        trainer.model.loss = lambda parameters, batch, count, scale: (
            parameters["weight"].sum() / count
        )
        _, gradients = trainer.loss_and_gradients(batch)
        assert gradients["weight"].item() == expected
