"""The oracle against Transformers where nothing rounds: fp64 and fp32. What holds the engine to the
oracle in 16 bits rests on this and on test_oracle_rounding.py."""

import pytest

import reference
from harness import (
    SCENARIOS,
    SHAPE,
    TOLERANCE,
    compare,
    compare_gradients,
    has_zero_gradient,
    run_spec,
)
from oracle_models import Oracle
from oracle_training import Trainer
from policies import uniform_policy


@pytest.mark.parametrize("padding", ["none", "right", "left", "all_pad_row"])
@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("dtype", ["fp64", "fp32"])
def test_forward_and_backward(scenario, dtype, padding):
    model = reference.build_model(scenario, dtype)
    batch = reference.build_batch(scenario, padding)
    spec = run_spec(scenario, uniform_policy(dtype), batch)
    trainer = Trainer(spec, SHAPE, reference.weights_of(model))
    found_logits = trainer.model.logits(trainer.parameters, batch)
    found_loss, found = trainer.loss_and_gradients(batch)
    logits, loss = reference.forward(model, batch)
    loss.backward()

    suite, tolerance = f"oracle {scenario} {dtype} padding={padding}", TOLERANCE[dtype]
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    holds = [
        compare(suite, "logits", found_logits.detach(), logits.detach(), tolerance),
        compare(suite, "loss", logits.new_tensor(found_loss), loss.detach(), tolerance),
        compare_gradients(suite, found, gradients, tolerance),
    ]
    assert all(holds)


@pytest.mark.parametrize("micro_batch", [6, 2, 1])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_ten_adamw_steps(scenario, micro_batch):
    """Also in micro-batches of ragged counts: only sums over the whole batch agree."""
    model = reference.build_model(scenario, "fp64")
    batch = reference.build_batch(scenario, "right")
    spec = run_spec(scenario, uniform_policy("fp64"), batch)
    spec["train"]["micro_batch"] = micro_batch
    trainer = Trainer(spec, SHAPE, reference.weights_of(model))
    ours = trainer.run(batch, 10).tensors()
    theirs = reference.adamw_course(model, batch, spec)
    suite, tolerance = f"oracle {scenario} AdamW x 10, {micro_batch} at a time", TOLERANCE["fp64"]
    holds = [compare(suite, name, ours[name], theirs[name], tolerance) for name in theirs]
    holds += [
        compare(suite, name, trainer.parameters[name].detach(), value, tolerance, "parameters")
        for name, value in reference.weights_of(model).items()
        if not has_zero_gradient(name)
    ]
    assert all(holds)


class MeanOfMeans(Oracle):
    """What a trainer does that divides each micro-batch's loss by its own count."""

    def loss(self, parameters, batch, count=None, scale=1.0):
        whole, part = 6, len(batch["targets"])
        return super().loss(parameters, batch, self.count(batch) * whole / part, scale)


@pytest.mark.parametrize("scenario", ["A", "B"])
def test_a_mean_of_means_is_told_apart(scenario):
    """Negative control of the ten steps in micro-batches."""
    model = reference.build_model(scenario, "fp64")
    batch = reference.build_batch(scenario, "right")
    spec = run_spec(scenario, uniform_policy("fp64"), batch)
    spec["train"]["micro_batch"] = 2
    trainer = Trainer(spec, SHAPE, reference.weights_of(model))
    right, _ = trainer.loss_and_gradients(batch)
    trainer.model = MeanOfMeans(trainer.ops, SHAPE, *SCENARIOS[scenario])
    wrong, _ = trainer.loss_and_gradients(batch)
    assert abs(wrong - right) > 100 * TOLERANCE["fp64"] * right
