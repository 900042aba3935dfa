// The CUDA plug-in's kernels and the engine on a GPU, held to the CPU. Skipped, counted, where
// there is none.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>
#include <tuple>

#include "engine/cuda_device.h"
#include "engine/numerics/device.h"
#include "engine/numerics/finite.h"
#include "engine/numerics/scalar_type.h"
#include "engine/one_parameter.h"
#include "engine/ops/canary.h"
#include "engine/ops/dropout.h"
#include "engine/ops/embedding.h"
#include "engine/small_model.h"
#include "engine/taped.h"
#include "engine/train/trainer.h"

namespace dtbench::testing {
namespace {

TEST_F(Cuda, TheCardIsNamedByItsUuid) {
  const std::string uuid = card_uuid(device_).get<std::string>();
  EXPECT_EQ(uuid.size(), 36);
  EXPECT_NE(uuid, uuid_text({}));
  EXPECT_EQ(card_uuid(device_), uuid);
}

TEST_F(Cuda, DropoutMasksAreTheCpus) {
  const DropoutContext context{0.1, 42, 7, 3};
  for (const std::int64_t channels : {1, 6, 256}) {
    const at::Tensor here = ops::dropout_mask({3, 70, channels}, 5, context, at::kCPU);
    const at::Tensor there = ops::dropout_mask({3, 70, channels}, 5, context, device_);
    EXPECT_TRUE(at::equal(here, there.cpu())) << channels;
  }
}

TEST_F(Cuda, DroppedValuesAndGradientsAreTheCpusBitForBit) {
  const DropoutContext context{0.1, 42, 7, 3};
  for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16, at::kHalf})
    for (const std::int64_t channels : {1, 6, 256}) {
      at::Tensor here = at::randn({3, 70, channels}).to(type);
      here[0][0][0] = std::numeric_limits<double>::infinity();
      const at::Tensor there = here.to(device_).requires_grad_(), upstream = at::randn_like(here);
      here.requires_grad_();
      const at::Tensor kept = ops::dropout(here, 5, context),
                       moved = ops::dropout(there, 5, context);
      EXPECT_TRUE(at::allclose(kept, moved.cpu(), 0, 0, /*equal_nan=*/true)) << c10::toString(type);
      const auto gradient = torch::autograd::grad({kept}, {here}, {upstream});
      const auto moved_gradient = torch::autograd::grad({moved}, {there}, {upstream.to(device_)});
      EXPECT_TRUE(at::equal(gradient[0], moved_gradient[0].cpu())) << c10::toString(type);
    }
}

TEST_F(Cuda, NonFiniteValuesAreFoundInEveryDatatype) {
  for (const at::ScalarType type : {at::kDouble, at::kFloat, at::kBFloat16, at::kHalf}) {
    at::Tensor values = at::ones({300001}, at::TensorOptions(device_).dtype(type));
    EXPECT_FALSE(find_nonfinite(values));
    values[300000] = -std::numeric_limits<double>::infinity();
    EXPECT_TRUE(find_nonfinite(values).infinity);
    EXPECT_FALSE(find_nonfinite(values).nan);
    values[0] = std::numeric_limits<double>::quiet_NaN();
    EXPECT_TRUE(find_nonfinite(values).nan);
  }
}

TEST_F(Cuda, TheFirstTensorWithANonFiniteValueIsFound) {
  const at::TensorOptions options(device_);
  std::vector<at::Tensor> tensors;
  for (const std::int64_t length : {5, 70001, 3, 9})
    tensors.push_back(at::ones({length}, options));
  EXPECT_FALSE(find_first_nonfinite(tensors));
  tensors[3][0] = std::numeric_limits<float>::quiet_NaN();
  tensors[1][70000] = std::numeric_limits<float>::infinity();
  const auto first = find_first_nonfinite(tensors);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->index, 1u);
  EXPECT_TRUE(first->found.infinity);
  EXPECT_FALSE(first->found.nan);
}

// 512 gradients of 1/512 on one row: 1 in fp32, 0.5 where they are added in bf16.
TEST_F(Cuda, ARowsGradientsAreSummedInFp32) {
  const at::TensorOptions options = at::TensorOptions(device_).dtype(at::kBFloat16);
  const at::Tensor table = at::zeros({3, 4}, options).requires_grad_();
  const at::Tensor rows = ops::embedding(table, at::ones({512}, options.dtype(at::kLong)));
  const at::Tensor gradient =
      torch::autograd::grad({rows}, {table}, {at::full_like(rows, 1.0 / 512)}).front();
  EXPECT_TRUE(at::equal(gradient[1].cpu(), at::ones({4}, at::kBFloat16)));
}

// Both devices compute by one header, each operation rounded once: bit for bit.
TEST_F(Cuda, OptimizersAreTheCpusBitForBit) {
  struct Case {
    at::ScalarType weights, gradients;
    StateFormat states;
    UpdateRounding rounding;
    double factor;
  };
  constexpr auto kNearest = UpdateRounding::kNearest;
  const at::Tensor initial = at::randn({70, 101});
  for (const Case& c :
       {Case{at::kDouble, at::kDouble, StateFormat::kFloat64, kNearest, 1},
        Case{at::kFloat, at::kFloat, StateFormat::kFloat32, kNearest, 1},
        Case{at::kBFloat16, at::kFloat, StateFormat::kBFloat16, kNearest, 1},
        Case{at::kHalf, at::kHalf, StateFormat::kFloat16, kNearest, 0.7 / 1024},
        Case{at::kHalf, at::kHalf, StateFormat::kFloat32, kNearest, 1},
        Case{at::kBFloat16, at::kBFloat16, StateFormat::kBFloat16, UpdateRounding::kKahan, 1},
        Case{at::kBFloat16, at::kBFloat16, StateFormat::kBFloat16, UpdateRounding::kStochastic, 1},
        Case{at::kFloat, at::kFloat, StateFormat::kBlockwise8Bit, kNearest, 0.3},
        Case{at::kBFloat16, at::kFloat, StateFormat::kBlockwise8Bit, kNearest, 1}}) {
    AdamWOptions options = adamw_with(c.states, OptimizerArithmetic::kFused, c.rounding);
    options.weight_decay = 0.01;
    OneParameter here(initial.to(c.weights), options, c.gradients);
    OneParameter there(initial.to(c.weights).to(device_), options, c.gradients);
    const at::Tensor row_scales = at::randn({70, 1}).mul_(3).exp_();
    for (int t = 0; t < 20; ++t) {
      at::Tensor gradient = (at::randn({70, 101}) * row_scales).to(c.gradients);
      if (t == 5 && c.states == StateFormat::kBlockwise8Bit) gradient[3][3] = std::nan("");
      const UpdateCounts cpu = here.step(gradient, 1e-3, c.factor);
      const UpdateCounts gpu = there.step(gradient.to(device_), 1e-3, c.factor);
      ASSERT_TRUE(at::equal(here.weight(), there.weight().cpu())) << c10::toString(c.weights);
      EXPECT_EQ(cpu.elements, gpu.elements);
      EXPECT_EQ(cpu.lost_weight_updates, gpu.lost_weight_updates);
      EXPECT_EQ(cpu.lost_v_updates, gpu.lost_v_updates);
      EXPECT_EQ(cpu.zero_point_hits, gpu.zero_point_hits);
      EXPECT_EQ(cpu.eight_bit_elements, gpu.eight_bit_elements);
      for (const char* state : {"exp_avg", "exp_avg_sq"})
        ASSERT_TRUE(at::equal(here.state(state), there.state(state).cpu())) << state;
    }
  }
}

TEST_F(Cuda, TheCanaryPassesWithoutTf32) {
  for (const CanaryCheck& check : run_canary(device_))
    EXPECT_TRUE(check.passed()) << check.operation << ": " << check.error;
}

// Negative control on the real thing: with TF32 on, tensor cores cut the operands. In a process of
// its own: NVIDIA's libraries read once, when they start, that TF32 is forbidden.
TEST(CudaTf32, TheCanaryCatchesTf32) {
  const DeviceChoice choice = choose_device("cuda");
  if (choice.unavailable) GTEST_SKIP() << *choice.unavailable;
  unsetenv("NVIDIA_TF32_OVERRIDE");
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        set_float32_precision(/*tf32=*/true);
        int caught = 0;
        for (const CanaryCheck& check : run_canary(choice.device))
          if (check.operation.starts_with("mm") && !check.passed()) ++caught;
        _exit(caught);
      },
      ::testing::ExitedWithCode(2), "");
}

// Masks, batches and casts are equal, so that only the order of fp32 sums differs; in 16 bits that
// flips a rounding here and there, which moves a loss by at most one spacing (relative to the
// loss), and each update may flip each weight's rounding once more. By its losses an untrained
// model could pass for a trained one. By the norm of its gradients it could not: each has passed
// through some 30 operations, of which each may flip by a spacing.
TEST_F(Cuda, StepsEqualTheCpusUpToRounding) {
  for (const char* scenario : {"A", "B", "C", "D", "E", "F"})
    for (const char* policy : {"fp32_true", "amp_fp16", "amp_bf16", "fp16_naive_fp32states",
                               "bf16_pure", "amp_bf16_8bit"}) {
      RunSpec spec = tiny_spec(scenario);
      spec.policy = policy_named(policy);
      const TokenStore store(tiny_store(spec));
      Trainer here(spec, store, at::kCPU), there(spec, store, device_);
      EXPECT_EQ(here.parameters().fingerprint(), there.parameters().fingerprint());
      const bool exact = spec.policy.compute == Dtype::kFloat32;
      for (std::int64_t step = 0; step < 3; ++step) {
        Trainer::Gradients on_cpu = here.compute_gradients(step);
        Trainer::Gradients on_cuda = there.compute_gradients(step);
        here.apply_gradients(on_cpu);
        there.apply_gradients(on_cuda);
        const double flips = static_cast<double>(step + 1) / 2;
        // The longest sum is one over the vocabulary's 2,048 logits.
        const double order = reduction_tolerance(Dtype::kFloat32, Dtype::kFloat32, 2048);
        const double tolerance = exact ? order : epsilon(spec.policy.compute) * flips;
        EXPECT_NEAR(on_cpu.event.loss, on_cuda.event.loss, tolerance * on_cpu.event.loss)
            << scenario << ' ' << policy << " step " << step;
        const double chain = 30 * (exact ? order : epsilon(spec.policy.compute));
        EXPECT_NEAR(on_cpu.event.grad_norm, on_cuda.event.grad_norm,
                    chain * static_cast<double>(step + 1) * on_cpu.event.grad_norm)
            << scenario << ' ' << policy << " step " << step;
      }
    }
}

// While it lives, torch's calls that wait for the device throw.
class RefuseWaiting {
 public:
  RefuseWaiting() { cuda_plugin().refuse_waiting(true); }
  ~RefuseWaiting() { cuda_plugin().refuse_waiting(false); }
  RefuseWaiting(const RefuseWaiting&) = delete;
  RefuseWaiting& operator=(const RefuseWaiting&) = delete;
};

TEST_F(Cuda, AStepIsLaunchedWithoutWaiting) {
  for (const char* scenario : {"A", "B", "C", "D", "E", "F"})
    for (const char* policy : {"fp32_true", "amp_fp16", "amp_bf16", "fp16_naive", "fp16_scaled",
                               "bf16_pure", "bf16_stochastic", "amp_bf16_8bit"}) {
      RunSpec spec = tiny_spec(scenario);
      spec.policy = policy_named(policy);
      spec.train.micro_batch = spec.train.batch / 2;
      const TokenStore store(tiny_store(spec));
      Trainer trainer(spec, store, device_);
      for (std::int64_t step = 0; step < 3; ++step) {
        std::optional<Trainer::Gradients> gradients;
        {
          const RefuseWaiting refused;
          ASSERT_NO_THROW({
            gradients = trainer.compute_gradients(step);
            trainer.launch_update(*gradients);
          }) << scenario
             << ' ' << policy << " step " << step;
        }
        trainer.finish_step(*gradients);
        EXPECT_GT(gradients->event.loss, 0) << scenario << ' ' << policy;
      }
    }
}

class ReadingReducer : public Reducer {
 public:
  Share share() const override { return {}; }
  void reduce(std::size_t, const at::Tensor& gradient) override { gradient.sum().item<double>(); }
  void finish(const at::Tensor&) override {}
  std::optional<NonFiniteOrigin::Place> first_found(
      const std::optional<NonFiniteOrigin::Place>& mine) override {
    return mine;
  }
};

// Negative control: one number that is read within a step.
TEST_F(Cuda, AWaitWithinAStepIsSeen) {
  RunSpec spec = tiny_spec("E");
  const TokenStore store(tiny_store(spec));
  ReadingReducer reducer;
  Trainer trainer(spec, store, device_, {}, &reducer);
  const RefuseWaiting refused;
  EXPECT_THROW(trainer.compute_gradients(0), c10::Error);
}

// Skipped, held, released, clipped and plain steps, decided where the scalars lie.
TEST_F(Cuda, DecisionsAreTheCpus) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const char* policy : {"fp32_true", "amp_fp16", "fp16_scaled", "bf16_pure"}) {
    const DtypePolicy chosen = policy_named(policy);
    const auto parameters_on = [&](const c10::Device& device) {
      auto parameters = std::make_unique<ParameterSet>(
          at::TensorOptions(device).dtype(scalar_type(chosen.parameters)), 0,
          scalar_type(chosen.gradients));
      parameters->create("w", {7, 3}, kOnes, ParameterKind::kMatrix);
      return parameters;
    };
    const auto here = parameters_on(at::kCPU), there = parameters_on(device_);
    WeightUpdate on_cpu(*here, chosen, TrainSpec{}, 0), on_cuda(*there, chosen, TrainSpec{}, 0);
    std::int64_t step = 0;
    for (const double scale : {1e-3, 3e3, infinity, 1e-3, 2.0}) {
      const at::Tensor gradient =
          at::full({7, 3}, scale, at::kDouble).to(scalar_type(chosen.gradients));
      WeightUpdate::Window cpu, cuda;
      for (auto [parameters, update, window] :
           {std::tuple{here.get(), &on_cpu, &cpu}, std::tuple{there.get(), &on_cuda, &cuda}}) {
        parameters->clear_gradients();
        parameters->add_gradient(0, gradient.to(parameters->values()[0].device()));
        update->begin({step, 1e-2, 3, /*hold_nonfinite=*/true});
        update->record_loss(0, at::full({}, 0.5, at::kDouble));
        update->finish_gradients();
        update->apply();
        *window = update->read();
      }
      ++step;
      EXPECT_EQ(cpu.skipped, cuda.skipped) << policy << scale;
      EXPECT_EQ(cpu.held, cuda.held) << policy << scale;
      EXPECT_EQ(on_cpu.loss_scale(), on_cuda.loss_scale()) << policy << scale;
      EXPECT_EQ(on_cpu.updates(), on_cuda.updates()) << policy << scale;
      EXPECT_EQ(on_cpu.update_counts().elements, on_cuda.update_counts().elements);
      if (std::isfinite(scale)) {
        EXPECT_NEAR(cpu.grad_norm, cuda.grad_norm, 1e-6 * cpu.grad_norm) << policy << scale;
        EXPECT_NEAR(cpu.factor, cuda.factor, 1e-6 * cpu.factor) << policy << scale;
      }
    }
    EXPECT_LT(on_cpu.updates(), step) << policy;
  }
}

// No atomic sums, no choice of kernels by speed: a run can be made again bit for bit.
TEST_F(Cuda, TheSameStepsTwiceGiveTheSameBits) {
  for (const char* scenario : {"A", "B", "C", "F"}) {
    RunSpec spec = tiny_spec(scenario);
    spec.policy = policy_named("amp_bf16");
    const TokenStore store(tiny_store(spec));
    const auto weights_after_three_steps = [&] {
      Trainer trainer(spec, store, device_);
      for (std::int64_t step = 0; step < 3; ++step) {
        Trainer::Gradients gradients = trainer.compute_gradients(step);
        trainer.apply_gradients(gradients);
      }
      return trainer.parameters().fingerprint();
    };
    const std::string first = weights_after_three_steps();
    EXPECT_EQ(first, weights_after_three_steps()) << scenario;
  }
}

}  // namespace
}  // namespace dtbench::testing
