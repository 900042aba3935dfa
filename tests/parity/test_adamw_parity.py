"""Our AdamW against torch's fused one, bit for bit, over 200 steps of recorded gradients."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness import TORCH_DTYPE, compare, run_probe

STEPS = 200
BETAS, EPSILON, WEIGHT_DECAY = (0.9, 0.999), 1e-8, 0.01


def recorded_gradients(dtype):
    """Shapes that fill no vector register evenly, and gradients of every size: rows that are always
    or mostly zero as an embedding's, tiny, subnormal and huge ones, jumps by many orders."""
    generator = torch.Generator().manual_seed(3)

    def normal(*shape):
        return torch.randn(STEPS, *shape, generator=generator, dtype=torch.float64)

    embedding = normal(211, 48)
    embedding[:, 200:] = 0
    embedding[:, :100] *= torch.rand(STEPS, 100, 1, generator=generator) < 0.05
    scale = 10.0 ** torch.randint(-12, 3, (STEPS, 1), generator=generator)
    subnormal = torch.finfo(dtype).tiny / 8
    gradients = {
        "embedding": embedding,
        "matrix": normal(37, 53) * 1e-4,
        "large": normal(190, 191),  # more than one thread's share
        "jumping": normal(1001) * scale,
        "lognormal": normal(64, 65) * torch.exp(4 * normal(64, 1)),
        "subnormal": normal(77) * subnormal,
        "huge": normal(19) * 1e15,
        "scalar": normal(),
        "one": normal(1),
        "bias": normal(48),
        "norm": normal(131),
    }
    return {name: value.to(dtype) for name, value in gradients.items()}


def is_decayed(name):
    return name not in ("bias", "norm")


def torch_course(parameters, gradients, rates, *, fused=True):
    """Each parameter after each step, and the moments after the last."""
    leaves = {name: value.clone().requires_grad_() for name, value in parameters.items()}
    groups = [
        {
            "params": [leaf for name, leaf in leaves.items() if is_decayed(name) == decayed],
            "weight_decay": WEIGHT_DECAY if decayed else 0.0,
        }
        for decayed in (True, False)
    ]
    optimizer = torch.optim.AdamW(groups, lr=0.0, betas=BETAS, eps=EPSILON, fused=fused)
    courses = {name: [] for name in leaves}
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = rates[step].item()
        for name, leaf in leaves.items():
            leaf.grad = gradients[name][step].clone()
        optimizer.step()
        for name, leaf in leaves.items():
            courses[name].append(leaf.detach().clone())
    result = {f"parameter.{name}": torch.stack(course) for name, course in courses.items()}
    for moment in ("exp_avg", "exp_avg_sq"):
        result |= {f"{moment}.{n}": optimizer.state[leaf][moment] for n, leaf in leaves.items()}
    return result


def same_bits(found, expected):
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return False
    flat = [t.contiguous().reshape(-1).view(torch.uint8) for t in (found, expected)]
    return torch.equal(*flat)


@pytest.mark.parametrize("dtype", ["fp32", "fp64"])
def test_fused_bit_exact(tmp_path, dtype):
    gradients = recorded_gradients(TORCH_DTYPE[dtype])
    generator = torch.Generator().manual_seed(5)
    parameters = {
        name: torch.randn(value.shape[1:], generator=generator).to(value.dtype)
        for name, value in gradients.items()
    }
    # Warm-up, then three rates.
    rates = torch.full((STEPS,), 1e-3, dtype=torch.float64)
    rates[:10] *= torch.arange(1, 11) / 10
    rates[100:150], rates[150:] = 3e-2, 5e-5

    tensors = {f"parameter.{name}": value for name, value in parameters.items()}
    tensors |= {f"gradient.{name}": value for name, value in gradients.items()}
    tensors |= {
        "decayed": torch.tensor([is_decayed(name) for name in sorted(gradients)], dtype=torch.uint8),
        "learning_rates": rates,
        "options": torch.tensor([*BETAS, EPSILON, WEIGHT_DECAY], dtype=torch.float64),
    }
    save_file(tensors, tmp_path / "in.safetensors")
    run_probe("adamw", tmp_path / "in.safetensors", tmp_path / "out.safetensors")
    ours = load_file(tmp_path / "out.safetensors")
    theirs = torch_course(parameters, gradients, rates)

    assert ours.keys() == theirs.keys()
    for name in theirs:
        kind = "parameters over all steps" if name.startswith("parameter.") else "moments"
        compare(f"AdamW fused {dtype} x {STEPS}", name, ours[name], theirs[name], 0.0, kind)
    different = [name for name in theirs if not same_bits(ours[name], theirs[name])]
    assert not different
    # Negative control: torch's other arithmetic rounds differently, and the check sees it.
    unfused = torch_course(parameters, gradients, rates, fused=False)
    assert not same_bits(ours["parameter.matrix"], unfused["parameter.matrix"])
    # The course is long and rough enough to say something: no parameter stood still or blew up.
    for name, value in parameters.items():
        course = theirs[f"parameter.{name}"]
        assert course.isfinite().all()
        assert (course[-1] - value).abs().max() > 1e-3 or name == "subnormal"
