"""Writes adamw_8bit.bin: two steps of bitsandbytes' block-wise 8-bit AdamW by its CUDA kernel.

    python -m venv v && v/bin/pip install torch==2.11.0 bitsandbytes==0.50.2 numpy
    v/bin/python adamw_8bit.py OUT        on a machine with a GPU

For each of the steps 2 and 10 of one run, little-endian, COUNT elements in blocks of 256, the last
of 44: before the step weights (fp32), gradients (fp32), codes of the first and of the second moment
(uint8), scales of their blocks (fp32); after it weights, codes and scales. Rows of 44 gradients have
log-normal scales, every seventh gradient is 0, and in step 10 one is NaN and one infinite."""

import pathlib
import sys

import numpy
import torch
from bitsandbytes import functional

COUNT = 16 * 256 + 44
RATE, BETAS, EPSILON, DECAY = 1e-3, (0.9, 0.999), 1e-8, 0.1
random = numpy.random.default_rng(2026)


def gradient(step):
    rows = numpy.exp(2 * random.standard_normal(-(-COUNT // 44)))
    values = random.standard_normal(COUNT) * numpy.repeat(rows, 44)[:COUNT]
    values[::7] = 0
    if step == 10:
        values[700], values[4100] = numpy.nan, numpy.inf
    return torch.from_numpy(values.astype(numpy.float32)).cuda()


weight = torch.from_numpy(random.standard_normal(COUNT).astype(numpy.float32)).cuda()
maps = [functional.create_dynamic_map(signed=signed).cuda() for signed in (True, False)]
codes = [torch.zeros(COUNT, dtype=torch.uint8, device="cuda") for _ in maps]
scales = [torch.zeros(-(-COUNT // 256), device="cuda") for _ in maps]
kept = []
for step in range(1, 11):
    g = gradient(step)
    before = [weight, g, *codes, *scales]
    kept += [part.cpu().numpy().tobytes() for part in before] if step in (2, 10) else []
    functional.optimizer_update_8bit_blockwise(
        "adam", g, weight, *codes, *BETAS, 0.0, 0.0, EPSILON, step, RATE, *maps, *scales,
        weight_decay=DECAY, gnorm_scale=1.0, skip_zeros=False)  # fmt: skip
    kept += [part.cpu().numpy().tobytes() for part in (weight, *codes, *scales)] if step in (2, 10) else []
pathlib.Path(sys.argv[1]).write_bytes(b"".join(kept))
