// Several ranks of one cell, each in a thread of this process, over the real backend: what they
// exchange, the sums of their gradients, and steps that are those of one process. Processes of
// their own: test_processes.py.
#include "engine/distributed/ranks.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <functional>
#include <thread>
#include <torch/csrc/distributed/c10d/HashStore.hpp>

#include "engine/cuda_device.h"
#include "engine/distributed/rank_reducer.h"
#include "engine/numerics/scalar_type.h"
#include "engine/small_model.h"
#include "engine/train/trainer.h"
#include "engine/train/training_state.h"

namespace dtbench::testing {
namespace {

void in_ranks(int size, const std::function<void(Ranks&)>& work) {
  // Torch's flight recorder, of which a process has one, notes a group without a lock: it is made
  // for one rank a process.
  ::setenv("TORCH_FR_BUFFER_SIZE", "0", 1);
  const auto store = c10::make_intrusive<c10d::HashStore>();
  std::vector<std::exception_ptr> thrown(static_cast<std::size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      try {
        Ranks ranks(store, rank, size);
        work(ranks);
      } catch (...) {
        thrown[static_cast<std::size_t>(rank)] = std::current_exception();
      }
    });
  for (std::thread& thread : threads)
    thread.join();
  for (const std::exception_ptr& error : thrown)
    if (error) std::rethrow_exception(error);
}

std::string text_of(int rank) {
  return std::string(static_cast<std::size_t>(3 * rank), 'x') + std::to_string(rank);
}

TEST(Ranks, ExchangeWhatEachKnows) {
  in_ranks(3, [](Ranks& ranks) {
    EXPECT_FALSE(ranks.any(false));
    EXPECT_TRUE(ranks.any(ranks.rank() == 2));
    EXPECT_EQ(ranks.gather(text_of(ranks.rank())),
              (std::vector<std::string>{"0", "xxx1", "xxxxxx2"}));
    EXPECT_EQ(ranks.gather(""), (std::vector<std::string>{"", "", ""}));
    EXPECT_EQ(ranks.from_first(text_of(ranks.rank() + 1)), "xxx1");
    at::Tensor values = at::full({2, 3}, ranks.rank() + 0.5, at::kBFloat16);
    ranks.copy_from_first(values);
    EXPECT_TRUE(at::equal(values, at::full({2, 3}, 0.5, at::kBFloat16)));
    const at::Tensor scalar = at::full({}, ranks.rank() + 7, at::kLong);
    ranks.copy_from_first(scalar);
    EXPECT_EQ(scalar.item<std::int64_t>(), 7);
  });
}

// How rank 0's wait for the others ends when one of them is gone.
LostRank loss_of_rank_1(const std::optional<LastWords>& words) {
  std::optional<LostRank> seen;
  in_ranks(2, [&](Ranks& ranks) {
    if (ranks.rank() == 1) {
      if (words) ranks.tell(*words);
      return;
    }
    try {
      ranks.any(false);
    } catch (const LostRank& lost) {
      seen = lost;
    }
  });
  return seen.value();
}

TEST(Ranks, ALostRankEndsTheOthersWithItsClass) {
  const LostRank silent = loss_of_rank_1(std::nullopt);
  EXPECT_EQ(silent.status(), Status::kFailed);
  EXPECT_EQ(silent.code(), ExitCode::kRetryable);
  const LostRank told =
      loss_of_rank_1(LastWords{Status::kOutOfMemory, ExitCode::kPermanent, "no memory left"});
  EXPECT_EQ(told.status(), Status::kOutOfMemory);
  EXPECT_EQ(told.code(), ExitCode::kPermanent);
  EXPECT_STREQ(told.what(), "process 1 of 2 ended: no memory left");
}

// A gradient of each rank, the same ones whoever asks.
at::Tensor gradient_of(std::int64_t rank, std::int64_t index, at::ScalarType type) {
  const std::int64_t size = 7 * index + 3;  // no multiple of the number of ranks
  return at::arange(1, size + 1, at::kDouble)
      .mul(0.37 * static_cast<double>(rank + 1) + static_cast<double>(index))
      .sin()
      .to(type);
}

std::vector<at::Tensor> reduced(int size, at::ScalarType type, std::int64_t bucket_bytes) {
  constexpr std::int64_t kGradients = 5;
  std::vector<std::vector<at::Tensor>> of_ranks(static_cast<std::size_t>(size));
  in_ranks(size, [&](Ranks& ranks) {
    RankReducer reducer(ranks, bucket_bytes);
    std::vector<at::Tensor>& gradients = of_ranks[static_cast<std::size_t>(ranks.rank())];
    for (std::int64_t i = 0; i < kGradients; ++i)
      reducer.reduce(static_cast<std::size_t>(i),
                     gradients.emplace_back(gradient_of(ranks.rank(), i, type)));
    at::Tensor losses = at::full({2 * size}, -1, at::kDouble);
    losses.narrow(0, 2 * ranks.rank(), 2).fill_(ranks.rank());
    reducer.finish(losses);
    for (int slot = 0; slot < 2 * size; ++slot)
      EXPECT_EQ(losses[slot].item<double>(), slot / 2);
  });
  for (const auto& gradients : of_ranks)
    for (std::size_t i = 0; i < gradients.size(); ++i)
      EXPECT_TRUE(at::equal(gradients[i], of_ranks.front()[i])) << "ranks differ";
  return of_ranks.front();
}

// The bound of the contract: each of n - 1 additions rounds once.
TEST(RankReducer, SumsAreWithinTheBoundOfTheReduction) {
  for (const Dtype type : {Dtype::kFloat64, Dtype::kFloat32, Dtype::kBFloat16, Dtype::kFloat16})
    for (const int size : {2, 4}) {
      const auto sums = reduced(size, scalar_type(type), RankReducer::kBucketBytes);
      for (std::size_t i = 0; i < sums.size(); ++i) {
        at::Tensor exact = at::zeros(sums[i].sizes(), at::kDouble), magnitude = exact.clone();
        for (int rank = 0; rank < size; ++rank) {
          const at::Tensor part =
              gradient_of(rank, static_cast<std::int64_t>(i), scalar_type(type)).to(at::kDouble);
          exact += part;
          magnitude += part.abs();
        }
        const double unit = epsilon(type) / 2;
        const double bound = (size - 1) * unit / (1 - (size - 1) * unit);
        // fp64's exact sum is not at hand: it gets as much again.
        const double slack = type == Dtype::kFloat64 ? 2 : 1 + 1e-9;
        EXPECT_TRUE(((sums[i].to(at::kDouble) - exact).abs() <= slack * bound * magnitude)
                        .all()
                        .item<bool>())
            << to_string(type) << ", " << size << " ranks";
      }
    }
}

// bf16 has a spacing of 2 at 256: 256 + 1 + 1 is 256 when each addition rounds, in the ranks'
// order; summed first, or in fp32, it would be 258.
TEST(RankReducer, EachAdditionRoundsInTheRanksOrder) {
  in_ranks(3, [](Ranks& ranks) {
    RankReducer reducer(ranks);
    const at::Tensor gradient = at::full({1}, ranks.rank() == 0 ? 256 : 1, at::kBFloat16);
    reducer.reduce(0, gradient);
    reducer.finish(at::zeros({3}, at::kDouble));
    EXPECT_EQ(gradient.item<double>(), 256);
  });
}

TEST(RankReducer, BucketsChangeNoBit) {
  for (const at::ScalarType type : {at::kFloat, at::kHalf}) {
    const auto whole = reduced(4, type, RankReducer::kBucketBytes);
    for (const std::int64_t bytes : {1, 40, 100}) {
      const auto split = reduced(4, type, bytes);
      for (std::size_t i = 0; i < whole.size(); ++i)
        EXPECT_TRUE(at::equal(split[i], whole[i])) << bytes;
    }
  }
}

// The six policies, each on another scenario; and fp64.
struct Case {
  const char* name;
  const char* scenario;
};
constexpr Case kCases[] = {{"fp32_true", "A"},  {"amp_fp16", "B"},       {"amp_bf16", "C"},
                           {"fp16_naive", "D"}, {"bf16_pure", "E"},      {"amp_bf16_8bit", "F"},
                           {"fp64", "A"},       {"bf16_stochastic", "B"}};

RunSpec spec_of(const Case& one, std::int64_t micro_batch) {
  RunSpec spec = tiny_spec(one.scenario);
  if (one.name == std::string("fp64"))
    spec.policy.parameters = spec.policy.compute = spec.policy.gradients = Dtype::kFloat64;
  else
    spec.policy = policy_named(one.name);
  spec.model.width = 32;
  spec.train.micro_batch = micro_batch;
  spec.train.eval_examples = 2;
  return spec;
}

struct Trained {
  std::vector<double> losses;
  std::vector<at::Tensor> values;  // weights after the last step; in fp64 the first one's gradients
  std::vector<std::optional<NonFiniteEvent>> events;
};

Trained train(const RunSpec& spec, Reducer* reducer, const c10::Device& device = at::kCPU) {
  const TokenStore store(tiny_store(spec));
  Trainer trainer(spec, store, device, {}, reducer);
  const bool has_optimizer = spec.policy.parameters != Dtype::kFloat64;  // it computes in fp32
  Trained trained;
  for (std::int64_t step = 0; step < (has_optimizer ? 2 : 1); ++step) {
    Trainer::Gradients gradients = trainer.compute_gradients(step);
    if (has_optimizer) trained.events.push_back(trainer.apply_gradients(gradients));
    trained.losses.push_back(gradients.event.loss);
  }
  const ParameterSet& parameters = trainer.parameters();
  for (std::size_t i = 0; i < parameters.all().size(); ++i) {
    const at::Tensor value = has_optimizer ? parameters.all()[i].value : parameters.gradient(i);
    trained.values.push_back(value.to(at::kCPU, /*non_blocking=*/false, /*copy=*/true));
  }
  return trained;
}

// NaN is NaN.
bool same_losses(const Trained& a, const Trained& b) {
  return std::equal(a.losses.begin(), a.losses.end(), b.losses.begin(), b.losses.end(),
                    [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

using MakeReducer = std::function<std::unique_ptr<Reducer>(Ranks&)>;
std::unique_ptr<Reducer> faithful(Ranks& ranks) {
  return std::make_unique<RankReducer>(ranks, std::int64_t{1} << 14);
}

// What rank 0 comes to; all others must come to the same bits.
Trained train_in_ranks(const RunSpec& spec, int size, const MakeReducer& make = faithful) {
  tiny_store(spec);  // once, not by all ranks at the same time
  std::vector<Trained> all(static_cast<std::size_t>(size));
  in_ranks(size, [&](Ranks& ranks) {
    const std::unique_ptr<Reducer> reducer = make(ranks);
    all[static_cast<std::size_t>(ranks.rank())] = train(spec, reducer.get());
  });
  for (const Trained& trained : all)
    EXPECT_TRUE(same_losses(trained, all.front()));
  return all.front();
}

bool same_bits(const Trained& a, const Trained& b) {
  bool same = same_losses(a, b);
  for (std::size_t i = 0; i < a.values.size(); ++i)
    same = same && at::equal(a.values[i], b.values[i]);
  return same;
}

class SeveralRanks : public ::testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Policies, SeveralRanks, ::testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string(one.param.name); });

// n ranks of one micro-batch each add gradients as one process of n micro-batches does.
TEST_P(SeveralRanks, AreOneProcessOfAsManyMicroBatchesBitForBit) {
  for (const int size : {2, 4}) {
    const RunSpec spec = spec_of(GetParam(), 8 / size);
    EXPECT_TRUE(same_bits(train_in_ranks(spec, size), train(spec, nullptr))) << size << " ranks";
  }
}

// Negative control: a reducer that leaves one rank's gradients out.
class Forgetful : public RankReducer {
 public:
  explicit Forgetful(Ranks& ranks) : RankReducer(ranks) {}
  void reduce(std::size_t index, const at::Tensor& gradient) override {
    if (share().index == 1) gradient.zero_();
    RankReducer::reduce(index, gradient);
  }
};

TEST_P(SeveralRanks, ARankThatIsForgottenIsSeen) {
  const RunSpec spec = spec_of(GetParam(), 4);
  const Trained forgetful =
      train_in_ranks(spec, 2, [](Ranks& ranks) { return std::make_unique<Forgetful>(ranks); });
  EXPECT_FALSE(same_bits(forgetful, train(spec, nullptr)));
}

// Beside one process that takes the batch whole.
TEST(SeveralRanksInFp64, EqualOneBatchTo1e12) {
  const Case fp64{"fp64", "A"};
  const Trained whole = train(spec_of(fp64, 8), nullptr);
  for (const int size : {2, 4})
    for (const std::int64_t micro_batch : {8 / size, 1}) {
      const Trained split = train_in_ranks(spec_of(fp64, micro_batch), size);
      EXPECT_LE(relative_difference(split.values, whole.values), 1e-12);
      for (std::size_t step = 0; step < whole.losses.size(); ++step)
        EXPECT_NEAR(split.losses[step], whole.losses[step], 1e-12 * whole.losses[step]);
    }
}

// A rate that no weight survives: every rank reports the event that one process reports.
TEST(SeveralRanks, FindTheSameFirstNonfiniteValue) {
  RunSpec spec = spec_of(kCases[0], 4);
  spec.train.learning_rate = 1e38;
  spec.train.warmup_steps = 0;
  const Trained alone = train(spec, nullptr);
  const Trained ranks = train_in_ranks(spec, 2);
  ASSERT_TRUE(alone.events.back());
  ASSERT_TRUE(ranks.events.back());
  EXPECT_FALSE(alone.events.back()->operation.empty());
  EXPECT_EQ(to_json(*ranks.events.back()), to_json(*alone.events.back()));
}

// NCCL, for which each rank needs a GPU of its own.
TEST_F(Cuda, TwoGpusGiveTheNumbersOfOne) {
  const DeviceChoice second = choose_device("cuda:1");
  if (second.unavailable) GTEST_SKIP() << *second.unavailable;
  for (const Case& one : kCases) {
    const RunSpec spec = spec_of(one, 4);
    tiny_store(spec);
    const Trained alone = train(spec, nullptr, device_);
    in_ranks(2, [&](Ranks& ranks) {
      const c10::Device own(c10::kCUDA, static_cast<c10::DeviceIndex>(ranks.rank()));
      ranks.use(own);
      EXPECT_TRUE(same_bits(train(spec, faithful(ranks).get(), own), alone)) << one.name;
    });
  }
}

}  // namespace
}  // namespace dtbench::testing
