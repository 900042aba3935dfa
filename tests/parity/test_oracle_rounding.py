"""The oracle's operations in 16 bits against torch's own on the CPU: the same bits where torch
rounds at the contract's points, and a literal list of where it does not, with what torch does."""

import pytest
import torch
from torch.nn import functional
from transformers.activations import GELUActivation, NewGELUActivation

from bits import flip_share, identical_share, within_one_spacing
from oracle_ops import MeanOfPicked, Operations, log_softmax_backward
from policies import TORCH_DTYPE, uniform_policy

DTYPES = ["bf16", "fp16"]
ROWS, WIDTH, OUT = 240, 64, 96


def operations(dtype, **changes):
    return Operations(uniform_policy(dtype) | changes)


def normal(dtype, *shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator).to(TORCH_DTYPE[dtype])


def results(function, inputs, gradient=None):
    """Output and gradients of the floating inputs."""
    leaves = [x.detach().clone().requires_grad_() for x in inputs]
    output = function(*leaves)
    output.backward(gradient)
    return [output.detach()] + [leaf.grad for leaf in leaves]


def compare(dtype, theirs, ours, inputs, gradient):
    """Outputs and gradients are the same but for flips of sums of at most ROWS terms."""
    pairs = zip(
        results(theirs, inputs, gradient), results(ours, inputs, gradient), strict=True
    )
    for found, expected in pairs:
        assert found.dtype == expected.dtype
        assert within_one_spacing(found, expected, ROWS)
        share = identical_share([(found, expected)])
        assert share >= 1 - max(flip_share(dtype, ROWS), 1 / expected.numel()), share


@pytest.mark.parametrize("dtype", DTYPES)
class TestAgreement:
    @pytest.mark.parametrize("bias", [True, False])
    def test_linear(self, dtype, bias):
        inputs = [normal(dtype, ROWS, WIDTH), normal(dtype, OUT, WIDTH, seed=1)]
        inputs += [normal(dtype, OUT, seed=2)] if bias else []
        gradient = normal(dtype, ROWS, OUT, seed=3)
        compare(dtype, functional.linear, operations(dtype).linear, inputs, gradient)

    def test_layer_norm_forward(self, dtype):
        inputs = layer_norm_inputs(dtype)
        theirs = functional.layer_norm(inputs[0], (WIDTH,), *inputs[1:], 1e-5)
        ours = operations(dtype).layer_norm(*inputs, 1e-5)
        assert within_one_spacing(theirs, ours, WIDTH)
        assert identical_share([(theirs, ours)]) >= 1 - flip_share(dtype, WIDTH)

    @pytest.mark.parametrize("form", ["tanh", "exact"])
    def test_gelu(self, dtype, form):
        approximate = "tanh" if form == "tanh" else "none"
        compare(
            dtype,
            lambda x: functional.gelu(x, approximate=approximate),
            lambda x: operations(dtype).gelu(x, form),
            [normal(dtype, ROWS, WIDTH)],
            normal(dtype, ROWS, WIDTH, seed=1),
        )

    @pytest.mark.parametrize("form", ["tanh", "exact"])
    def test_gelu_composite(self, dtype, form):
        chain = NewGELUActivation() if form == "tanh" else GELUActivation(use_gelu_python=True)
        ours = operations(dtype, gelu="composite")
        inputs, gradient = [normal(dtype, ROWS, WIDTH)], normal(dtype, ROWS, WIDTH, seed=1)
        compare(dtype, chain, lambda x: ours.gelu(x, form), inputs, gradient)

    def test_tanh(self, dtype):
        inputs, gradient = [normal(dtype, ROWS, WIDTH)], normal(dtype, ROWS, WIDTH, seed=1)
        compare(dtype, torch.tanh, operations(dtype).tanh, inputs, gradient)

    def test_embedding_of_rows_used_once(self, dtype):
        ids = torch.randperm(ROWS, generator=torch.Generator().manual_seed(0))[:40]
        compare(
            dtype,
            lambda table: functional.embedding(ids, table, padding_idx=int(ids[0])),
            lambda table: operations(dtype).embedding(table, ids, padding_idx=int(ids[0])),
            [normal(dtype, ROWS, WIDTH)],
            normal(dtype, 40, WIDTH, seed=1),
        )

    def test_attention_with_an_fp32_softmax(self, dtype):
        tokens, width = 40, 12
        inputs = [normal(dtype, 2, 4, tokens, width, seed=seed) for seed in range(3)]
        mask = causal_mask(tokens)

        def theirs(query, key, value):
            scores = (query @ key.transpose(-1, -2)).float() * width**-0.5 + mask
            return scores.softmax(-1).to(value.dtype) @ value

        gradient = normal(dtype, 2, 4, tokens, width, seed=3)
        ours = operations(dtype).attention
        compare(dtype, theirs, lambda q, k, v: ours(q, k, v, mask), inputs, gradient)

    @pytest.mark.parametrize("causal", [True, False])
    def test_fused_attention(self, dtype, causal):
        """torch's own fused kernel sides with the contract where that parts from other ways to
        round. It does not agree bit for bit: its exponential is an approximation."""
        tokens, width = 40, 12
        inputs = [normal(dtype, 2, 4, tokens, width, seed=seed) for seed in range(3)]
        mask = causal_mask(tokens) if causal else torch.zeros(1)
        kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
        theirs = kernel(*inputs, 0.0, causal)[0]

        def share(attention):
            return identical_share([(theirs, attention(*inputs, mask))])

        def unrounded(query, key, value, mask):
            scores = query.float() @ key.float().transpose(-1, -2) * width**-0.5 + mask
            return (scores.softmax(-1) @ value.float()).to(value.dtype)

        fused = share(Operations(uniform_policy(dtype), attention="fused").attention)
        assert fused > share(operations(dtype).attention) + 0.05
        assert fused > share(unrounded) + 0.05

    def test_cross_entropy_of_the_contract(self, dtype):
        """The gradient of an fp32 loss through a cast: one rounding."""
        logits, targets = 3 * normal(dtype, 50, WIDTH), torch.arange(50)
        ours = operations(dtype)
        found = results(lambda x: functional.cross_entropy(x.float(), targets), [logits])
        expected = results(lambda x: ours.cross_entropy(x, targets, 50, 1.0), [logits])
        torch.testing.assert_close(found[0].double(), expected[0], rtol=1e-6, atol=0)
        assert identical_share([(found[1], expected[1])]) >= 1 - flip_share(dtype, WIDTH)

    def test_bce_of_transformers(self, dtype):
        logits = 3 * normal(dtype, 6, 7)
        targets = (normal("fp32", 6, 7, seed=1) > 0.5).float()
        ours = operations(dtype, loss="transformers")
        found = results(
            lambda x: functional.binary_cross_entropy_with_logits(x, targets), [logits]
        )
        expected = results(lambda x: ours.bce(x, targets, 42, 1.0), [logits])
        assert found[0].dtype == torch.float32
        torch.testing.assert_close(found[0].double(), expected[0], rtol=1e-6, atol=0)
        assert identical_share([(found[1], expected[1])]) == 1

    def test_cross_entropy_of_transformers(self, dtype):
        """From torch's own log_softmax on, whose forward pass is an exception below."""
        logits, targets = 3 * normal(dtype, 50, WIDTH), torch.arange(50)
        stored = logits.log_softmax(-1)
        mean = results(lambda x: functional.nll_loss(x, targets), [stored])
        ours = results(lambda x: MeanOfPicked.apply(x, targets, 50, torch.float32), [stored])
        assert mean[0].dtype == TORCH_DTYPE[dtype]
        assert torch.equal(mean[0], ours[0]) and torch.equal(mean[1], ours[1])
        back = torch._log_softmax_backward_data(mean[1], stored, -1, stored.dtype)
        expected = log_softmax_backward(mean[1], stored, torch.float32)
        assert identical_share([(back, expected)]) >= 1 - flip_share(dtype, WIDTH)


def layer_norm_inputs(dtype):
    return [normal(dtype, ROWS, WIDTH), normal(dtype, WIDTH, seed=1), normal(dtype, WIDTH)]


def causal_mask(tokens):
    future = torch.ones(tokens, tokens).triu(1) > 0
    return torch.zeros(tokens, tokens).masked_fill(future, torch.finfo(torch.float32).min)


def summed_in_16_bits(rows):
    """[n, ...]: row after row, each sum rounded."""
    total = torch.zeros_like(rows[0])
    for row in rows:
        total = total + row
    return total


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.usefixtures("one_thread")
class TestExceptions:
    """Where torch on the CPU is no judge. Each test shows the contract's value in a closed form or
    names what torch does instead, and that this explains every bit of it."""

    def test_embedding_gradients_are_summed_in_16_bits(self, dtype):
        # Adding 1 to 2 / epsilon rounds back to it: 256 in bf16, 2048 in fp16.
        stall = int(2 / torch.finfo(TORCH_DTYPE[dtype]).eps)
        ids = torch.zeros(2 * stall, dtype=torch.int64)
        table, gradient = normal(dtype, 4, 8), torch.ones(2 * stall, 8, dtype=TORCH_DTYPE[dtype])
        theirs = results(lambda table: functional.embedding(ids, table), [table], gradient)[1]
        ours = results(lambda table: operations(dtype).embedding(table, ids), [table], gradient)[1]
        assert (theirs[0] == stall).all()
        assert (ours[0] == 2 * stall).all()

    def test_layer_norm_keeps_its_statistics_in_16_bits(self, dtype):
        x, weight, bias = layer_norm_inputs(dtype)
        gradient = normal(dtype, ROWS, WIDTH, seed=2)
        theirs = results(
            lambda *given: functional.layer_norm(given[0], (WIDTH,), *given[1:], 1e-5),
            [x, weight, bias],
            gradient,
        )[1]
        ours = results(
            lambda *given: operations(dtype).layer_norm(*given, 1e-5), [x, weight, bias], gradient
        )[1]
        _, mean, inverse = torch.native_layer_norm(x, (WIDTH,), weight, bias, 1e-5)
        assert mean.dtype == inverse.dtype == TORCH_DTYPE[dtype]
        normalized = (x.float() - mean.float()) * inverse.float()
        scaled = gradient.float() * weight.float()
        average = scaled.mean(-1, keepdim=True)
        projection = normalized * (scaled * normalized).mean(-1, keepdim=True)
        explained = (inverse.float() * (scaled - average - projection)).to(x.dtype)
        assert identical_share([(theirs, explained)]) >= 1 - flip_share(dtype, WIDTH)
        assert identical_share([(theirs, ours)]) < 0.8

    def test_layer_norm_sums_parameters_gradients_in_16_bits(self, dtype):
        x, weight, bias = layer_norm_inputs(dtype)
        gradient = normal(dtype, ROWS, WIDTH, seed=2)
        theirs = results(
            lambda *given: functional.layer_norm(given[0], (WIDTH,), *given[1:], 1e-5),
            [x, weight, bias],
            gradient,
        )[3]
        ours = results(
            lambda *given: operations(dtype).layer_norm(*given, 1e-5), [x, weight, bias], gradient
        )[3]
        assert torch.equal(theirs, summed_in_16_bits(gradient))
        exact = gradient.double().sum(0)
        assert (ours.double() - exact).norm() < 0.2 * (theirs.double() - exact).norm()

    def test_softmax_goes_back_from_rounded_probabilities(self, dtype):
        """Transformers' eager attention in 16 bits throughout: its softmax stores what it rounded.
        Scores also round once more, after the scale."""
        scores, gradient = normal(dtype, 50, WIDTH), normal(dtype, 50, WIDTH, seed=1)
        theirs = results(lambda x: x.softmax(-1), [scores], gradient)[1]
        ours = results(lambda x: x.float().softmax(-1).to(x.dtype), [scores], gradient)[1]
        stored, wide = scores.softmax(-1).float(), gradient.float()
        explained = stored * (wide - (wide * stored).sum(-1, keepdim=True))
        explained = explained.to(scores.dtype)
        assert identical_share([(theirs, explained)]) >= 1 - flip_share(dtype, WIDTH)
        assert identical_share([(theirs, ours)]) < 0.8

    def test_log_softmax_keeps_its_sum_in_16_bits(self, dtype):
        """And that sum's logarithm, before it subtracts. CUDA's kernel rounds its result only, and
        so does the oracle."""
        logits = 3 * normal(dtype, 50, WIDTH)
        theirs, wide = logits.log_softmax(-1), logits.float()
        largest = wide.amax(-1, keepdim=True)
        total = (wide - largest).exp().sum(-1, keepdim=True).to(logits.dtype)
        logarithm = total.float().log().to(logits.dtype)
        explained = (wide - largest - logarithm.float()).to(logits.dtype)
        assert identical_share([(theirs, explained)]) >= 1 - flip_share(dtype, WIDTH)
        once = wide.log_softmax(-1).to(logits.dtype)
        assert identical_share([(theirs, once)]) < 0.98

    def test_a_mean_of_many_losses_is_summed_in_16_bits(self, dtype):
        """32,768 rows of a loss of ln 64: the sum is beyond fp16."""
        logits = torch.zeros(32768, 64, dtype=TORCH_DTYPE[dtype])
        targets = torch.zeros(32768, dtype=torch.int64)
        theirs = functional.cross_entropy(logits, targets).item()
        ours = operations(dtype, loss="transformers").cross_entropy(logits, targets, 32768, 1.0)
        rounded = torch.tensor(64.0, dtype=torch.float64).log().to(TORCH_DTYPE[dtype]).item()
        assert ours.item() == rounded
        assert theirs == float("inf") if dtype == "fp16" else theirs > rounded


def test_the_composite_gelus_gradient_is_nan_where_its_cube_overflows():
    """fp16 at |x| = 200, where the kernel's is 1 and 0."""
    x = torch.tensor([200.0, -200.0], dtype=torch.float16)
    one = torch.ones_like(x)
    for form in ("tanh", "exact"):
        kernel = results(lambda x: operations("fp16").gelu(x, form), [x], one)
        assert torch.equal(kernel[1], torch.tensor([1.0, 0.0], dtype=torch.float16))
    chain = operations("fp16", gelu="composite")
    assert results(lambda x: chain.gelu(x, "tanh"), [x], one)[1].isnan().all()
