"""The oracle's AdamW: fused, foreach, Kahan and 8-bit block-wise, as docs/contract.md has them."""

import torch
from torch.optim.adamw import adamw

from harness import is_decayed
from policies import TORCH_DTYPE

BLOCK = 256
FEWEST_FOR_8_BIT = 4096


def is_embedding(name):
    tables = (".wte.", ".wpe.", "_embeddings.")
    return any(table in name for table in tables)


def dynamic_map(signed):
    """The 256 codes of Dettmers et al. 2021 (arXiv 2110.02861) in ascending order: for each of
    seven powers of ten the means of neighbours in an even division of [0.1, 1]; 0; 1."""
    codes = [0.0, 1.0]
    for i in range(7):
        boundaries = torch.linspace(0.1, 1, 2**i + 1 if signed else 2 ** (i + 1) + 1)
        magnitudes = (10 ** (i - 6)) * ((boundaries[:-1] + boundaries[1:]) / 2.0)
        codes += magnitudes.tolist()
        if signed:
            codes += (-magnitudes).tolist()
    return torch.tensor(sorted(codes))


class Moment8Bit:
    """A moment stored as codes and one absolute maximum a block of the flattened tensor."""

    def __init__(self, count, signed):
        self.signed, self.map = signed, dynamic_map(signed)
        self.codes = torch.full((count,), int((self.map == 0).nonzero()))
        self.maxima = torch.zeros((count + BLOCK - 1) // BLOCK)

    def load(self):
        return self.map[self.codes] * self.maxima.repeat_interleave(BLOCK)[: len(self.codes)]

    def store(self, value):
        blocks = torch.nn.functional.pad(value, (0, -len(value) % BLOCK)).view(-1, BLOCK)
        self.maxima = blocks.abs().amax(1)
        scaled = value / self.maxima.repeat_interleave(BLOCK)[: len(value)]
        scaled = scaled.nan_to_num(0.0)  # a block of zeros
        midpoints = (self.map[1:] + self.map[:-1]) / 2
        self.codes = torch.bucketize(scaled, midpoints)
        if self.signed:  # a code of the other sign goes to its neighbour
            wrong = self.map[self.codes].signbit() != scaled.signbit()
            self.codes += torch.where(wrong, torch.where(scaled > 0, 1, -1), 0)


class AdamW:
    """parameters: {name: tensor}, updated in place."""

    def __init__(self, parameters, policy, train):
        self.parameters, self.policy, self.train = parameters, policy, train
        self.updates = 0
        self.states = {name: self._new_state(name) for name in parameters}
        self.compensations = {name: torch.zeros_like(value) for name, value in parameters.items()}

    def _new_state(self, name):
        value = self.parameters[name]
        form = self.policy["embedding_states" if is_embedding(name) else "optimizer_states"]
        if form == "blockwise_8bit":
            if value.numel() >= FEWEST_FOR_8_BIT:
                return [Moment8Bit(value.numel(), signed) for signed in (True, False)]
            form = "fp32"
        return [torch.zeros(value.shape, dtype=TORCH_DTYPE[form]) for _ in range(2)]

    def step(self, gradients, rate, multiplier=1.0):
        """gradients {name: tensor}; multiplier: what unscales and clips those stored in 16 bits."""
        self.updates += 1
        if self.policy["optimizer_arithmetic"] == "foreach":
            self._foreach(gradients, rate)
            return
        for name, gradient in gradients.items():
            decay = self.decay_of(name)
            wide = torch.promote_types(gradient.dtype, torch.float32)
            gradient = gradient.to(wide) * multiplier
            if isinstance(self.states[name][0], Moment8Bit):
                self._step_8bit(name, gradient, rate, decay)
            else:
                self._step_fused(name, gradient, rate, decay)

    def decay_of(self, name):
        return self.train["weight_decay"] if is_decayed(name) else 0.0

    def _corrections(self):
        beta1, beta2 = self.train["beta1"], self.train["beta2"]
        return 1 - beta1**self.updates, 1 - beta2**self.updates

    def moments(self, stored, gradient):
        """The new moments, unrounded, of the stored ones."""
        beta1, beta2 = self.train["beta1"], self.train["beta2"]
        mean, square = (moment.to(gradient.dtype) for moment in stored)
        mean = mean + (1 - beta1) * (gradient - mean)
        return mean, beta2 * square + (1 - beta2) * gradient * gradient

    def updated(self, weight, mean, square, rate, decay):
        correction1, correction2 = self._corrections()
        weight = weight - rate * decay * weight
        denominator = square.sqrt() / correction2**0.5 + self.policy["epsilon"]
        return weight - rate / correction1 * (mean / denominator)

    def _step_fused(self, name, gradient, rate, decay):
        parameter, stored = self.parameters[name], self.states[name]
        mean, square = self.moments(stored, gradient)
        weight = parameter.to(gradient.dtype)
        kahan = self.policy["update_rounding"] == "kahan"
        if kahan:  # the weight is what is stored and what its rounding lost
            weight = weight + self.compensations[name].to(gradient.dtype)
        weight = self.updated(weight, mean, square, rate, decay)
        parameter.copy_(weight)
        if kahan:
            self.compensations[name].copy_(weight - parameter.to(gradient.dtype))
        for moment, value in zip(stored, (mean, square), strict=True):
            moment.copy_(value)

    def _step_8bit(self, name, gradient, rate, decay):
        """As bitsandbytes: decay after the step, epsilon inside the bias correction."""
        parameter, stored = self.parameters[name], self.states[name]
        flat, finite = gradient.flatten(), gradient.flatten().isfinite()
        beta1, beta2 = self.train["beta1"], self.train["beta2"]
        mean, square = (moment.load() for moment in stored)
        mean = torch.where(finite, mean * beta1 + (1 - beta1) * flat, 0.0)
        square = torch.where(finite, square * beta2 + (1 - beta2) * flat * flat, 0.0)
        correction1, correction2 = self._corrections()
        root = correction2**0.5
        denominator = square.sqrt() + root * self.policy["epsilon"]
        change = rate * root / correction1 * (mean / denominator)
        weight = parameter.flatten()
        stepped = (weight - change) * (1 - rate * decay)
        parameter.copy_(torch.where(finite, stepped, weight).view_as(parameter))
        for moment, value in zip(stored, (mean, square), strict=True):
            moment.store(value)

    def _foreach(self, gradients, rate):
        """torch's own: every operation rounds its result."""
        for decayed in (True, False):
            names = [name for name in gradients if is_decayed(name) == decayed]
            adamw(
                [self.parameters[name] for name in names],
                [gradients[name] for name in names],
                [self.states[name][0] for name in names],
                [self.states[name][1] for name in names],
                [],
                [torch.tensor(self.updates - 1.0) for _ in names],
                foreach=True,
                amsgrad=False,
                beta1=self.train["beta1"],
                beta2=self.train["beta2"],
                lr=rate,
                weight_decay=self.train["weight_decay"] if decayed else 0.0,
                eps=self.policy["epsilon"],
                maximize=False,
            )
