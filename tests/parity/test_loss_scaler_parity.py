"""Our loss scaler against torch.amp.GradScaler, bit for bit, over 5,000 scripted steps."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness import run_probe

STEPS = 5000


def scripted_overflows():
    """Rare ones, a storm, and stretches without any."""
    generator = torch.Generator().manual_seed(11)
    found = torch.rand(STEPS, generator=generator) < 0.002
    found[1000:1200] = torch.rand(200, generator=generator) < 0.7
    found[2500:] = False
    found[4800:] = torch.rand(200, generator=generator) < 0.5
    return found


def torch_course(options, found):
    """A GradScaler that sees a gradient of 1 or of infinity in each step."""
    initial, growth, backoff, interval = options
    scaler = torch.amp.GradScaler(
        "cpu",
        init_scale=initial,
        growth_factor=growth,
        backoff_factor=backoff,
        growth_interval=interval,
    )
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.0)
    scaler.scale(weight)  # the scale is made at its first use
    scales, trackers = [], []
    for overflow in found.tolist():
        weight.grad = torch.tensor([torch.inf if overflow else 1.0])
        scaler.step(optimizer)
        scaler.update()
        scales.append(scaler._scale.clone())
        trackers.append(scaler._growth_tracker.clone())
    return torch.stack(scales).reshape(-1), torch.stack(trackers).reshape(-1)


@pytest.mark.parametrize(
    "options",
    [
        (65536.0, 2.0, 0.5, 2000),
        (65536.0, 2.0, 0.5, 100),
        (3e4, 1.7, 0.3, 7),  # products that round
        (2.0**120, 2.0, 0.5, 10),  # growth that would reach infinity
    ],
)
def test_bit_exact(tmp_path, options):
    found = scripted_overflows()
    tensors = {
        "options": torch.tensor(options, dtype=torch.float64),
        "found": found.to(torch.uint8),
    }
    save_file(tensors, tmp_path / "in.safetensors")
    run_probe("scaler", tmp_path / "in.safetensors", tmp_path / "out.safetensors")
    ours = load_file(tmp_path / "out.safetensors")
    scales, trackers = torch_course(options, found)
    assert torch.equal(ours["scale"], scales)
    assert torch.equal(ours["growth_tracker"], trackers)
    assert scales.isfinite().all() and scales.unique().numel() > 4
    # Negative control: one overflow more is seen.
    found[4000] = True
    assert not torch.equal(ours["scale"], torch_course(options, found)[0])
