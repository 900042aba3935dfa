"""Comparing 16-bit results. Two programs with the same rounding points differ only where their fp32
sums, added in another order, straddle a rounding boundary: a flip. Its chance is about the sums'
relative error over the datatype's, 2^-24 / 2^-8 for bf16 and 2^-24 / 2^-11 for fp16. The shape here
is so small that a pass, of about 3 x 10^4 roundings, holds less than one flip in bf16 and a few in
fp16, so nearly all bits agree, while a rounding in another place moves most of them."""

import math

import torch

from harness import Shape, has_zero_gradient
from policies import epsilon

# Heads of 12 channels: 1 / sqrt(12) is no power of two, so that where it rounds can be seen.
BIT_SHAPE = Shape(layers=2, width=24, heads=2, positions=24)
BIT_BATCH = {"samples": 3, "length": 8}
SEEDS = range(5)  # one flip early in a pass moves all that follows: judge several


def same_bits(found, expected):
    """Elementwise; NaN equals NaN."""
    return (found == expected) | (found.isnan() & expected.isnan())


def identical_share(pairs):
    """Of all elements of several (found, expected)."""
    pairs = list(pairs)
    same = sum(int(same_bits(found, expected).sum()) for found, expected in pairs)
    return same / sum(expected.numel() for _, expected in pairs)


def flip_share(dtype, length):
    """A bound for the share of elements that flip in sums of `length` terms: the fp32 sum is off by
    about sqrt(length) 2^-24 of itself and boundaries lie one spacing apart; 4 for sums that come
    out smaller than their terms."""
    return 4 * math.sqrt(length) * epsilon("fp32") / epsilon(dtype)


def within_one_spacing(found, expected, length):
    """Whether each element is the expected one or its neighbour, but for the fp32 error of a sum of
    `length` terms as large as the largest element, where they cancel."""
    found, wide = found.double(), expected.double()
    exponent = torch.frexp(torch.maximum(found.abs(), wide.abs())).exponent - 1
    limits = torch.finfo(expected.dtype)
    spacing = torch.ldexp(torch.full_like(wide, limits.eps), exponent)
    spacing = spacing.clamp(min=limits.tiny * limits.eps)
    inside = math.sqrt(length) * epsilon("fp32") * wide.abs().max()
    return bool(((found - wide).abs() <= spacing + inside).all())


def relative_distance(name, found, expected):
    """|found - expected| / |expected| in the Euclidean norm; `expected` {name: tensor}. A gradient
    that is zero but for rounding is on the scale of its neighbours."""
    names = [name]
    if has_zero_gradient(name):
        names = [name.replace("key", part) for part in ("query", "key", "value")]
    scale = max(expected[other].double().norm().item() for other in names)
    return (found[name].double() - expected[name].double()).norm().item() / (scale or 1.0)


def gradient_bound(dtype, layers):
    """How far two correct gradients may be apart, relatively, even if all their roundings differ:
    each pass rounds about 10 times a layer and as often coming back, each rounding is off by at
    most half a spacing, and independent ones grow as the square root of their number; both
    results are that far from the exact one."""
    return 2 * math.sqrt(2 * 10 * layers) * epsilon(dtype) / 2

