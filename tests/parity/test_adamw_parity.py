"""Our AdamW against torch's, bit for bit, over 200 steps of recorded gradients, in both arithmetics
and every datatype."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness import compare, run_probe

STEPS = 200
BETAS, WEIGHT_DECAY = (0.9, 0.999), 0.01
DTYPES = {
    "fp64": torch.float64,
    "fp32": torch.float32,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
# torch's fused kernel on the CPU uses a fused multiply-add in whole vector registers and none in a
# tensor's last numel mod W elements (W at most 64: fp16 with 1024 bits); ours treats all elements
# alike. Filled up to a multiple of this, every element of torch's is in a whole register.
WHOLE_REGISTERS = 64


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


def learning_rates():
    """Warm-up, then three rates."""
    rates = torch.full((STEPS,), 1e-3, dtype=torch.float64)
    rates[:10] *= torch.arange(1, 11) / 10
    rates[100:150], rates[150:] = 3e-2, 5e-5
    return rates


def filled(tensor):
    flat = tensor.reshape(-1)
    return torch.nn.functional.pad(flat, (0, -flat.numel() % WHOLE_REGISTERS))


def torch_course(parameters, gradients, *, fused, epsilon):
    """Each parameter after each step, and the states after the last."""
    leaves = {name: filled(value).requires_grad_() for name, value in parameters.items()}
    groups = [
        {
            "params": [leaf for name, leaf in leaves.items() if is_decayed(name) == decayed],
            "weight_decay": WEIGHT_DECAY if decayed else 0.0,
        }
        for decayed in (True, False)
    ]
    optimizer = torch.optim.AdamW(
        groups, lr=0.0, betas=BETAS, eps=epsilon, fused=fused, foreach=not fused
    )

    def unfilled(name, tensor):
        shape = parameters[name].shape
        return tensor.detach()[: parameters[name].numel()].reshape(shape).clone()

    courses = {name: [] for name in leaves}
    for step, rate in enumerate(learning_rates().tolist()):
        for group in optimizer.param_groups:
            group["lr"] = rate
        for name, leaf in leaves.items():
            leaf.grad = filled(gradients[name][step])
        optimizer.step()
        for name, leaf in leaves.items():
            courses[name].append(unfilled(name, leaf))
    result = {f"parameter.{name}": torch.stack(course) for name, course in courses.items()}
    for name, leaf in leaves.items():
        for moment in ("exp_avg", "exp_avg_sq"):
            result[f"{moment}.{name}"] = unfilled(name, optimizer.state[leaf][moment])
    result["optimizer_updates"] = torch.tensor(STEPS)
    return result


def same_bits(found, expected):
    """NaN at the same places, whatever their payload, and all other bits equal."""
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return False
    if not torch.equal(found.isnan(), expected.isnan()):
        return False
    flat = [t.nan_to_num(0, torch.inf, -torch.inf).reshape(-1) for t in (found, expected)]
    return torch.equal(*(t.view(torch.uint8) for t in flat))


def our_course(directory, parameters, gradients, arithmetic, epsilon):
    tensors = {f"parameter.{name}": value for name, value in parameters.items()}
    tensors |= {f"gradient.{name}": value for name, value in gradients.items()}
    tensors |= {
        "decayed": torch.tensor([is_decayed(name) for name in sorted(gradients)], dtype=torch.uint8),
        "learning_rates": learning_rates(),
        "options": torch.tensor([*BETAS, epsilon, WEIGHT_DECAY], dtype=torch.float64),
    }
    save_file(tensors, directory / "in.safetensors")
    run_probe("adamw", directory / "in.safetensors", directory / "out.safetensors", arithmetic)
    return load_file(directory / "out.safetensors")


@pytest.mark.parametrize(
    ("arithmetic", "dtype", "epsilon"),
    [(arithmetic, dtype, 1e-8) for arithmetic in ("fused", "foreach") for dtype in DTYPES]
    + [("foreach", "fp16", 1e-4)],  # 1e-8 is 0 in fp16: most of it is NaN
)
def test_bit_exact(tmp_path, arithmetic, dtype, epsilon):
    gradients = recorded_gradients(DTYPES[dtype])
    generator = torch.Generator().manual_seed(5)
    parameters = {
        name: torch.randn(value.shape[1:], generator=generator).to(value.dtype)
        for name, value in gradients.items()
    }
    fused = arithmetic == "fused"
    ours = our_course(tmp_path, parameters, gradients, arithmetic, epsilon)
    theirs = torch_course(parameters, gradients, fused=fused, epsilon=epsilon)

    assert ours.keys() == theirs.keys()
    for name in theirs:
        kind = "parameters over all steps" if name.startswith("parameter.") else "states"
        found, expected = (t[name].double().nan_to_num(7e77, 8e88, -8e88) for t in (ours, theirs))
        suite = f"AdamW {arithmetic} {dtype} eps {epsilon:.0e} x {STEPS}"
        compare(suite, name, found, expected, 0.0, kind)
    different = [name for name in theirs if not same_bits(ours[name], theirs[name])]
    assert not different
    # Negative control: torch's other arithmetic rounds differently, and the check sees it.
    other = torch_course(parameters, gradients, fused=not fused, epsilon=epsilon)
    assert not same_bits(ours["parameter.large"], other["parameter.large"])
    # The course is long and rough enough to say something: no parameter stood still or blew up,
    # save in fp16, which cannot hold the huge ones' moments, nor an epsilon of 1e-8 in foreach.
    large = theirs["parameter.large"]
    assert (large[-1] - parameters["large"]).abs().nan_to_num(0).max() > 1e-3
    assert large.isfinite().all() or (arithmetic, dtype, epsilon) == ("foreach", "fp16", 1e-8)
    for name, value in parameters.items():
        if dtype != "fp16" and name != "subnormal":
            course = theirs[f"parameter.{name}"]
            assert course.isfinite().all()
            assert (course[-1] - value).abs().max() > 1e-3
