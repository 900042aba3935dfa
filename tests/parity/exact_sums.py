"""The oracle's twin: the same rounding points around fp64 sums. What it differs by, another order
of summation may differ by, too; where it takes another course, the contract does not decide one."""

import torch

from oracle_ops import Operations


class ExactSums(Operations):
    def __init__(self, policy, **options):
        super().__init__(policy, sums=torch.float64, **options)
