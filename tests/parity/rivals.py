"""Wrong variants of the oracle, one for each of the contract's rounding points: what an engine
might do instead. The comparisons must tell each from the contract (negative controls)."""

import torch
from torch.nn import functional

from bits import BIT_SHAPE
from oracle_ops import Operations
from oracle_optimizer import AdamW


def is_head(weight):
    return weight.size(0) in (BIT_SHAPE.vocab, BIT_SHAPE.labels)


class LogitsNotRounded(Operations):
    """The loss sees the head's fp32 sums."""

    def linear(self, x, weight, bias=None):
        if not is_head(weight):
            return super().linear(x, weight, bias)
        x, weight = (self.widen(self.operand(part)) for part in (x, weight))
        bias = None if bias is None else self.widen(self.operand(bias))
        return functional.linear(x, weight, bias)

    def cross_entropy(self, logits, *given, **options):
        logits = _GradientRounded.apply(logits, self.compute)
        return super().cross_entropy(logits, *given, **options)

    def bce(self, logits, *given):
        return super().bce(_GradientRounded.apply(logits, self.compute), *given)


class _GradientRounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, dtype):
        ctx.dtype = dtype
        return x

    @staticmethod
    def backward(ctx, gradient):
        return gradient.to(ctx.dtype).to(gradient.dtype), None


class ScoresRoundAfterTheScale(Operations):
    def probabilities(self, scores, mask, width):
        scaled = (self.widen(scores) * width**-0.5).to(scores.dtype)
        return (self.widen(scaled) + mask.to(self.wide)).softmax(-1)


class ScoresNotRounded(Operations):
    def attention(self, query, key, value, mask):
        query, key, value = map(self.operand, (query, key, value))
        scores = self.widen(query) @ self.widen(key).transpose(-1, -2)
        probabilities = self.probabilities(scores, mask, query.size(-1)).to(value.dtype)
        return (self.widen(probabilities) @ self.widen(value)).to(value.dtype)


class SoftmaxGoesBackFromRounded(Operations):
    def attention(self, query, key, value, mask):
        query, key, value = map(self.operand, (query, key, value))
        scores = self.widen(self.scores(query, key)) * query.size(-1) ** -0.5 + mask.to(self.wide)
        probabilities = _StoredSoftmax.apply(scores, value.dtype)
        return (self.widen(probabilities) @ self.widen(value)).to(value.dtype)


class _StoredSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, scores, dtype):
        output = scores.softmax(-1).to(dtype)
        ctx.save_for_backward(output)
        ctx.wide = scores.dtype
        return output

    @staticmethod
    def backward(ctx, gradient):
        output, gradient = ctx.saved_tensors[0].to(ctx.wide), gradient.to(ctx.wide)
        return output * (gradient - (gradient * output).sum(-1, keepdim=True)), None


class ComposedAttention(Operations):
    def __init__(self, policy, **_):
        super().__init__(policy)


class FusedRoundsNormalized(Operations):
    def fused_output(self, p, total, value):
        return self.widen((p / total).to(value.dtype)) @ self.widen(value)


class FusedRowSumsOfUnrounded(Operations):
    def fused_row_sums(self, gradient, output, probabilities, their_gradient):
        return (probabilities * their_gradient).sum(-1, keepdim=True)


class FusedScaleBeforeRounding(Operations):
    def fused_score_gradient(self, gradient, scale, stored):
        return self.widen((gradient * scale).to(stored)), 1.0


class BiasAddedAfterRounding(Operations):
    def linear(self, x, weight, bias=None):
        output = super().linear(x, weight)
        return output if bias is None else output + self.operand(bias)


class NormRoundsBeforeScaleAndShift(Operations):
    def layer_norm(self, x, weight, bias, epsilon):
        ones, zeros = torch.ones_like(weight), torch.zeros_like(bias)
        return super().layer_norm(x, ones, zeros, epsilon) * weight + bias


class NormInTheComputeDatatype(Operations):
    """Under mixed precision it shows in RoBERTa alone, whose residual stream comes from norms: what
    follows GPT-2's are products, which round anyway."""

    def layer_norm(self, x, weight, bias, epsilon):
        return super().layer_norm(x, weight, bias, epsilon).to(self.compute)


class ResidualStreamInTheComputeDatatype(Operations):
    def add(self, a, b):
        return super().add(a, b).to(self.compute).to(torch.promote_types(a.dtype, b.dtype))


class GeluAsAChain(Operations):
    def gelu(self, x, form):
        return Operations(self.policy | {"gelu": "composite"}).gelu(x, form)


class GeluAsAKernel(Operations):
    def gelu(self, x, form):
        return Operations(self.policy | {"gelu": "kernel"}).gelu(x, form)


class LossOfTheContract(Operations):
    def __init__(self, policy, **options):
        super().__init__(policy | {"loss": "contract"}, **options)


class TanhGoesBackFromUnrounded(Operations):
    def tanh(self, x):
        return self.widen(x).tanh().to(x.dtype)


class LossGradientRoundsBeforeScaleAndMean(Operations):
    def cross_entropy(self, logits, targets, count, scale, **options):
        later = self._later(logits, scale / count)
        return super().cross_entropy(later, targets, count, count, **options)

    def bce(self, logits, targets, count, scale):
        return super().bce(self._later(logits, scale / count), targets, count, count)

    def _later(self, logits, factor):
        return _GradientTimes.apply(logits, factor)


class _GradientTimes(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return (gradient.float() * ctx.factor).to(gradient.dtype), None


class EmbeddingGradientSummedIn16Bits(Operations):
    def embedding(self, weight, ids, padding_idx=None):
        return _Rows.apply(weight, ids, padding_idx)


class _Rows(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, ids, padding_idx):
        ctx.save_for_backward(ids)
        ctx.rows, ctx.padding_idx = len(weight), padding_idx
        return weight[ids]

    @staticmethod
    def backward(ctx, gradient):
        ids, width = ctx.saved_tensors[0].flatten(), gradient.size(-1)
        total = torch.zeros(ctx.rows, width, dtype=gradient.dtype)
        for row, part in zip(ids, gradient.reshape(-1, width), strict=True):
            if row != ctx.padding_idx:
                total[row] += part
        return total, None, None


class OneRoundingOfTiedGradients(Operations):
    """The head's and the embedding's gradients meet in fp32."""

    def __init__(self, policy, **options):
        super().__init__(policy, **options)
        self.tied = {}

    def widened(self, weight):
        return self.tied.setdefault(weight, self.widen(weight))

    def embedding(self, weight, ids, padding_idx=None):
        rows = functional.embedding(ids, self.widened(weight), padding_idx=padding_idx)
        return rows.to(weight.dtype)

    def linear(self, x, weight, bias=None):
        if weight not in self.tied:
            return super().linear(x, weight, bias)
        bias = None if bias is None else self.widen(bias)
        return functional.linear(self.widen(x), self.tied[weight], bias).to(x.dtype)


class DecayOnAll(AdamW):
    def decay_of(self, name):
        return self.train["weight_decay"]


class DecayAfterTheStep(AdamW):
    def updated(self, weight, mean, square, rate, decay):
        return super().updated(weight, mean, square, rate, 0.0) * (1 - rate * decay)


class RoundedMomentsUpdate(AdamW):
    """The update uses the moments as they are stored."""

    def moments(self, stored, gradient):
        moments = super().moments(stored, gradient)
        return [value.to(old.dtype).to(gradient.dtype) for value, old in zip(moments, stored)]


class UnroundedMomentsStored(AdamW):
    def _new_state(self, name):
        return [torch.zeros(self.parameters[name].shape) for _ in range(2)]


class EpsilonInsideTheRoot(AdamW):
    def updated(self, weight, mean, square, rate, decay):
        correction1, correction2 = self._corrections()
        weight = weight - rate * decay * weight
        denominator = (square / correction2 + self.policy["epsilon"]).sqrt()
        return weight - rate / correction1 * (mean / denominator)
