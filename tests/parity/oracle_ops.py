"""The oracle's operations: where a 16-bit policy rounds (docs/contract.md, "Rounding points").

Each operation widens its operands, computes, and rounds what it stores. Differentiating the casts
puts the backward pass's roundings where the contract has them: the gradient of `x.to(wide)` is
computed wide and rounded once, to x's datatype, and that of `y.to(narrow)` is widened exactly.
"""

import math

import torch
from torch.nn import functional

from policies import TORCH_DTYPE, is_mixed


class Operations:
    """What a policy makes of a model's operations. A subclass that overrides one of them is the
    wrong variant that a comparison must tell apart."""

    def __init__(self, policy, *, sums=None, attention="composed"):
        """sums: the datatype inside operations, fp32 unless said (fp64 for an fp64 policy)."""
        self.policy, self.attention_form = policy, attention
        self.compute = TORCH_DTYPE[policy["compute"]]
        self.wide = sums or torch.promote_types(self.compute, torch.float32)
        self.modules = {}

    def module(self, name, output):
        """Notes the datatypes of a module's output and of its gradient; returns the output."""
        self.modules[name] = {"output": output.dtype, "gradient": None}
        if output.requires_grad:
            output.register_hook(
                lambda gradient: self.modules[name].update(gradient=gradient.dtype)
            )
        return output

    def widen(self, x):
        return x.to(self.wide)

    def operand(self, x):
        """What a matmul takes: under mixed precision a copy in the compute datatype, each matmul
        its own, so that gradients meet in the datatype of x."""
        return x.to(self.compute) if is_mixed(self.policy) else x

    def embedding(self, weight, ids, padding_idx=None):
        rows = functional.embedding(ids, self.widen(weight), padding_idx=padding_idx)
        return rows.to(weight.dtype)

    def add(self, a, b):
        return a + b

    def linear(self, x, weight, bias=None):
        """x [..., I], weight [O, I], bias [O]."""
        x, weight = self.operand(x), self.operand(weight)
        bias = None if bias is None else self.widen(self.operand(bias))
        return functional.linear(self.widen(x), self.widen(weight), bias).to(x.dtype)

    def layer_norm(self, x, weight, bias, epsilon):
        if self.policy["autocast_rules"] == "cuda":
            x = x.float()
        wide = [self.widen(tensor) for tensor in (x, weight, bias)]
        return functional.layer_norm(wide[0], weight.shape, *wide[1:], epsilon).to(x.dtype)

    def gelu(self, x, form):
        """form: "tanh" or "exact"."""
        if self.policy["gelu"] == "composite":
            return self._gelu_new_chain(x) if form == "tanh" else _gelu_python_chain(x)
        approximate = "tanh" if form == "tanh" else "none"
        return functional.gelu(self.widen(x), approximate=approximate).to(x.dtype)

    def _gelu_new_chain(self, x):
        """Transformers' gelu_new, each of torch's operations rounding its own result. `pow` is on
        CUDA's list of operations that autocast runs in fp32, and what follows is fp32 with it."""
        base = x.float() if self.policy["autocast_rules"] == "cuda" else x
        half = 0.5 * x  # first, as there: gradients meet in the reverse order of the operations
        inner = math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(base, 3.0))
        return half * (1.0 + torch.tanh(inner))

    def tanh(self, x):
        return _Tanh.apply(x, self.wide)

    def scores(self, query, key):
        return (self.widen(query) @ self.widen(key).transpose(-1, -2)).to(query.dtype)

    def probabilities(self, scores, mask, width):
        """Scale and mask enter inside the softmax, before any rounding."""
        return (self.widen(scores) * width**-0.5 + mask.to(self.wide)).softmax(-1)

    def attention(self, query, key, value, mask):
        """query, key, value [B, H, T, D]; mask is additive, and broadcasts to [B, H, T, T]."""
        query, key, value = map(self.operand, (query, key, value))
        if self.attention_form == "fused":
            return _FusedAttention.apply(query, key, value, mask, self)
        probabilities = self.probabilities(self.scores(query, key), mask, query.size(-1))
        return (self.widen(probabilities.to(value.dtype)) @ self.widen(value)).to(value.dtype)

    # Fused attention's (arXiv 2307.08691, algorithms 1 and 2), where variants part from it.

    def fused_output(self, p, total, value):
        """p [B, H, T, T]: exp(score - the row's largest); total [B, H, T, 1]: its sums."""
        return self.widen(p.to(value.dtype)) @ self.widen(value) / total

    def fused_row_sums(self, gradient, output, probabilities, their_gradient):
        return (self.widen(gradient) * self.widen(output)).sum(-1, keepdim=True)

    def fused_score_gradient(self, gradient, scale, stored):
        """Rounded, and what is still to be multiplied with."""
        return self.widen(gradient.to(stored)), scale

    def cross_entropy(self, logits, targets, count, scale, *, causal=False):
        """logits [n, V]; the sum over targets [n] / count, fp64. The gradient, times `scale`, is
        that with respect to the logits. causal: GPT-2's, which Transformers itself has in fp32."""
        if self.policy["loss"] == "transformers" and not causal:
            return _cross_entropy_chain(logits, targets, count, scale, self.wide)
        wide = self.widen(logits.detach())
        log_probabilities = wide.log_softmax(-1)
        picked = log_probabilities.gather(1, targets[:, None])
        onehot = functional.one_hot(targets, logits.size(-1))
        gradient = (log_probabilities.exp() - onehot) * (scale / count)
        return _GivenGradient.apply(logits, -picked.double().sum() / count, gradient)

    def bce(self, logits, targets, count, scale):
        """As cross_entropy, for the multi-hot targets [n, labels]."""
        if self.policy["loss"] == "transformers":
            return _bce_chain(logits, targets, count, scale)
        wide = self.widen(logits.detach())
        targets = targets.to(self.wide)
        losses = functional.binary_cross_entropy_with_logits(wide, targets, reduction="none")
        gradient = (wide.sigmoid() - targets) * (scale / count)
        return _GivenGradient.apply(logits, losses.double().sum() / count, gradient)


class _FusedAttention(torch.autograd.Function):
    """Neither scores nor their gradients are stored; the backward pass computes them again."""

    @staticmethod
    def _powers(ops, query, key, mask):
        scores = ops.widen(query) @ ops.widen(key).transpose(-1, -2) * query.size(-1) ** -0.5
        scores = scores + mask.to(ops.wide)
        return (scores - scores.amax(-1, keepdim=True)).exp()

    @staticmethod
    def forward(ctx, query, key, value, mask, ops):
        p = _FusedAttention._powers(ops, query, key, mask)
        output = ops.fused_output(p, p.sum(-1, keepdim=True), value).to(value.dtype)
        ctx.save_for_backward(query, key, value, mask, output)
        ctx.ops = ops
        return output

    @staticmethod
    def backward(ctx, gradient):
        query, key, value, mask, output = ctx.saved_tensors
        ops, stored = ctx.ops, query.dtype
        p = _FusedAttention._powers(ops, query, key, mask)
        a = p / p.sum(-1, keepdim=True)
        upstream = ops.widen(gradient)
        dv = ops.widen(a.to(stored)).transpose(-1, -2) @ upstream
        da = upstream @ ops.widen(value).transpose(-1, -2)
        ds = a * (da - ops.fused_row_sums(gradient, output, a, da))
        ds, scale = ops.fused_score_gradient(ds, query.size(-1) ** -0.5, stored)
        dq = ds @ ops.widen(key) * scale
        dk = ds.transpose(-1, -2) @ ops.widen(query) * scale
        return dq.to(stored), dk.to(stored), dv.to(stored), None, None


class _Tanh(torch.autograd.Function):
    """The backward pass starts from the output as it is stored."""

    @staticmethod
    def forward(ctx, x, wide):
        output = x.to(wide).tanh().to(x.dtype)
        ctx.save_for_backward(output)
        ctx.wide = wide
        return output

    @staticmethod
    def backward(ctx, gradient):
        output = ctx.saved_tensors[0].to(ctx.wide)
        return (gradient.to(ctx.wide) * (1 - output * output)).to(gradient.dtype), None


class _GivenGradient(torch.autograd.Function):
    """A loss whose gradient is computed with it and rounded once, to the logits' datatype."""

    @staticmethod
    def forward(ctx, logits, loss, gradient):
        ctx.save_for_backward(gradient.to(logits.dtype))
        return loss

    @staticmethod
    def backward(ctx, _):
        return ctx.saved_tensors[0], None, None


def _gelu_python_chain(x):
    return x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))


def log_softmax_backward(gradient, output, wide):
    gradient, probabilities = gradient.to(wide), output.to(wide).exp()
    return (gradient - probabilities * gradient.sum(-1, keepdim=True)).to(output.dtype)


class _LogSoftmax(torch.autograd.Function):
    """Rounded output; the backward pass starts from it, with its sum inside one rounding."""

    @staticmethod
    def forward(ctx, x, wide):
        output = x.to(wide).log_softmax(-1).to(x.dtype)
        ctx.save_for_backward(output)
        ctx.wide = wide
        return output

    @staticmethod
    def backward(ctx, gradient):
        return log_softmax_backward(gradient, ctx.saved_tensors[0], ctx.wide), None


class MeanOfPicked(torch.autograd.Function):
    """nll_loss: the mean over targets rounded, and its gradient -1 / count with both rounded."""

    @staticmethod
    def forward(ctx, log_probabilities, targets, count, wide):
        ctx.save_for_backward(log_probabilities, targets)
        ctx.count = count
        picked = log_probabilities.gather(1, targets[:, None]).to(wide)
        return (-picked.sum() / count).to(log_probabilities.dtype)

    @staticmethod
    def backward(ctx, gradient):
        log_probabilities, targets = ctx.saved_tensors
        share = -(gradient / torch.tensor(ctx.count, dtype=gradient.dtype))
        result = torch.zeros_like(log_probabilities)
        return result.scatter(1, targets[:, None], share.expand(len(targets), 1)), None, None, None


class _Scaled(torch.autograd.Function):
    """A loss as fp64 whose gradient is the scale in the loss's own datatype."""

    @staticmethod
    def forward(ctx, loss, scale):
        ctx.scale = torch.tensor(scale, dtype=torch.float32).to(loss.dtype)
        return loss.double()

    @staticmethod
    def backward(ctx, _):
        return ctx.scale, None


def _cross_entropy_chain(logits, targets, count, scale, wide):
    log_probabilities = _LogSoftmax.apply(logits, wide)
    return _Scaled.apply(MeanOfPicked.apply(log_probabilities, targets, count, wide), scale)


def _bce_chain(logits, targets, count, scale):
    """torch's own operations: fp32 targets make all but the logarithm of the sigmoid fp32."""
    loss = functional.binary_cross_entropy_with_logits(logits, targets.float(), reduction="sum")
    return _Scaled.apply(loss / count, scale)
