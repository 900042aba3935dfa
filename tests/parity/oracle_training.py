"""The oracle's training step: accumulation, loss scale, clipping, AdamW, and what it reports."""

from dataclasses import dataclass, field

import torch

from oracle_models import Oracle
from oracle_ops import Operations
from oracle_optimizer import AdamW
from policies import TORCH_DTYPE


class LossScale:
    """torch's GradScaler. Without scaling the scale is 1 and nothing is skipped."""

    def __init__(self, policy):
        self.active, self.settings = policy["loss_scaling"], policy["loss_scale"]
        self.value = self.settings["initial"] if self.active else 1.0
        self.finite_steps = 0

    def update(self, skipped):
        if not self.active:
            return
        if skipped:
            self.value *= self.settings["backoff_factor"]
            self.finite_steps = 0
            return
        self.finite_steps += 1
        if self.finite_steps == self.settings["growth_interval"]:
            grown = self.value * self.settings["growth_factor"]
            if torch.tensor(grown, dtype=torch.float32).isfinite():
                self.value = grown
            self.finite_steps = 0


@dataclass
class Course:
    """What the steps showed. first_nonfinite: None, or step, phase, kind and tensor."""

    losses: list = field(default_factory=list)
    grad_norms: list = field(default_factory=list)
    loss_scales: list = field(default_factory=list)  # the scale that the step used
    skipped: list = field(default_factory=list)
    first_nonfinite: dict | None = None

    def tensors(self):
        skipped = torch.tensor(self.skipped, dtype=torch.uint8)
        series = {name: getattr(self, name) for name in ("losses", "grad_norms", "loss_scales")}
        return {
            name: torch.tensor(values, dtype=torch.float64) for name, values in series.items()
        } | {"skipped": skipped}


def find_nonfinite(phase, tensors):
    """The first tensor of {name: tensor} with a NaN or an infinity; NaN names it when both are."""
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            kind = "nan" if tensor.isnan().any() else "inf"
            return {"phase": phase, "kind": kind, "tensor": name}
    return None


class Trainer:
    def __init__(self, spec, shape, weights, operations=Operations, optimizer=AdamW):
        self.spec, self.policy, self.train = spec, spec["policy"], spec["train"]
        dtype = TORCH_DTYPE[self.policy["parameters"]]
        self.parameters = {
            name: value.detach().to(dtype).clone().requires_grad_()
            for name, value in weights.items()
        }
        attention = spec["model"].get("attention", "composed")
        self.ops = operations(self.policy, attention=attention)
        architecture = spec["model"]["architecture"]
        self.model = Oracle(self.ops, shape, architecture, spec["objective"])
        values = {name: leaf.detach() for name, leaf in self.parameters.items()}
        self.optimizer = optimizer(values, self.policy, self.train)
        self.scale = LossScale(self.policy)
        self.course = Course()

    def micro_batches(self, batch):
        size = self.train["micro_batch"]
        for start in range(0, len(batch["input_ids"]), size):
            yield {name: tensor[start : start + size] for name, tensor in batch.items()}

    def loss_and_gradients(self, batch):
        """Of the global batch: the loss, fp64, and gradients times the loss scale as stored."""
        count = self.model.count(batch, self.train["bce_reduction"])
        stored = TORCH_DTYPE[self.policy["gradients"]]
        gradients = {}
        loss = 0.0
        leaves = list(self.parameters.values())
        for micro_batch in self.micro_batches(batch):
            part = self.model.loss(self.parameters, micro_batch, count, self.scale.value)
            loss += part.item()
            found = torch.autograd.grad(part, leaves, materialize_grads=True)
            for name, gradient in zip(self.parameters, found, strict=True):
                gradient = gradient.to(stored)
                gradients[name] = gradients[name] + gradient if name in gradients else gradient
        return loss, gradients

    def norm(self, gradients, inverse):
        """Of all unscaled gradients: squares in fp32 whatever their datatype, summed in fp64."""
        wide = [
            gradient.to(torch.promote_types(gradient.dtype, torch.float32)) * inverse
            for gradient in gradients.values()
        ]
        return sum(gradient.square().sum(dtype=torch.float64) for gradient in wide).sqrt()

    def update(self, gradients, inverse, norm, rate):
        """Unscales, clips and steps. Gradients stored in 16 bits under a scale stay as they are:
        one factor inside the optimizer does all."""
        coefficient = torch.clamp(self.train["clip_norm"] / (norm + 1e-6), max=1.0)
        if self.scale.active and self.policy["gradients"] in ("fp16", "bf16"):
            self.optimizer.step(gradients, rate, multiplier=inverse * coefficient)
            return
        clipped = {}
        for name, gradient in gradients.items():
            unscaled = gradient * inverse if self.scale.active else gradient
            wide = torch.promote_types(gradient.dtype, torch.float32)
            clipped[name] = (unscaled.to(wide) * coefficient).to(gradient.dtype)
        self.optimizer.step(clipped, rate)

    @torch.no_grad()
    def step(self, batch):
        step, course = len(self.course.losses), self.course
        with torch.enable_grad():
            loss, gradients = self.loss_and_gradients(batch)
        inverse = 1.0 / self.scale.value
        norm = self.norm(gradients, inverse)
        overflow = find_nonfinite("backward", gradients)
        skipped = self.scale.active and overflow is not None
        course.losses.append(loss)
        course.grad_norms.append(norm.item())
        course.loss_scales.append(self.scale.value)
        course.skipped.append(skipped)
        found = None  # what a scaler catches is no death, and a loss that is not finite is caught, too
        if not skipped:
            found = find_nonfinite("loss", {"loss": torch.tensor(loss)})
            found = found or overflow or find_nonfinite("backward", {"grad_norm": norm})
            warmup = max(1, self.train["warmup_steps"])
            rate = self.train["learning_rate"] * min(1.0, (step + 1) / warmup)
            self.update(gradients, inverse, norm, rate)
            found = found or find_nonfinite("optimizer", self.parameters)
        self.scale.update(skipped)
        if found and course.first_nonfinite is None:
            course.first_nonfinite = {"step": step} | found

    def run(self, batch, steps, *, stop_at_nonfinite=False):
        for _ in range(steps):
            self.step(batch)
            if stop_at_nonfinite and self.course.first_nonfinite:
                break
        return self.course
