// Common random numbers: under every policy of configs/policies the same initial weights, batches,
// masks and dropout masks, whatever the micro-batch and the number of threads. So the datatype is
// the only thing that differs between the cells of a scenario.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "config/resolve.h"
#include "engine/model/initial_weights.h"
#include "engine/numerics/scalar_type.h"
#include "engine/small_model.h"
#include "engine/train/trainer.h"

namespace dtbench::testing {
namespace {

std::vector<DtypePolicy> policies() {
  std::vector<DtypePolicy> all;
  for (const std::string& name : policy_names(configs_folder()))
    if (name != "tf32") all.push_back(policy_named(name));  // a mode of CUDA's
  return all;
}

RunSpec narrow_spec(const std::string& scenario, const DtypePolicy& policy) {
  RunSpec spec = tiny_spec(scenario);
  spec.model.width = 32;
  spec.train.eval_examples = 1;
  spec.policy = policy;
  return spec;
}

class Threads {
 public:
  explicit Threads(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  ~Threads() { at::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

TEST(PairedTrials, CoverEveryPolicy) {
  EXPECT_EQ(policies().size(), 15u);
}

// What a policy's weights are if the draw is fp32_true's: moved up by its ulp, then cast.
at::Tensor from_same_draw(const at::Tensor& drawn, const DtypePolicy& policy) {
  at::Tensor value = drawn.detach();
  if (policy.name == "fp32_perturbed") value = at::nextafter(value, at::full_like(value, INFINITY));
  return value.to(scalar_type(policy.parameters));
}

void expect_same_draw(const ParameterSet& found, const ParameterSet& drawn,
                      const DtypePolicy& policy) {
  for (const Parameter& parameter : drawn.all())
    EXPECT_TRUE(at::equal(found.at(parameter.name).value, from_same_draw(parameter.value, policy)))
        << policy.name << ' ' << parameter.name;
}

TEST(PairedTrials, InitialWeightsAreCastsOfOneDraw) {
  for (const Architecture architecture : {Architecture::kGpt2, Architecture::kRoberta}) {
    const ModelShape shape = small_shape(architecture, Objective::kMultiLabel, 5);
    const SmallModel reference(shape, policy_named("fp32_true"));
    for (const DtypePolicy& policy : policies()) {
      const Threads two(2);
      SmallModel paired(shape, policy);
      perturb_by_ulp(paired.parameters, policy.perturb_initial_ulp);
      expect_same_draw(paired.parameters, reference.parameters, policy);
    }
  }
}

// As a run draws them, whatever its micro-batch.
TEST(PairedTrials, ATrainersInitialWeightsAreCastsOfOneDraw) {
  for (const char* scenario : {"A", "D"}) {
    const RunSpec spec = narrow_spec(scenario, policy_named("fp32_true"));
    const TokenStore store(tiny_store(spec));
    const Trainer reference(spec, store, at::kCPU);
    for (const char* policy : {"fp32_perturbed", "amp_fp16", "fp16_naive", "bf16_pure"}) {
      RunSpec paired = narrow_spec(scenario, policy_named(policy));
      paired.train.micro_batch = 2;
      const Trainer trainer(paired, store, at::kCPU);
      expect_same_draw(trainer.parameters(), reference.parameters(), paired.policy);
    }
  }
}

// Negative control: what the draw is keyed with.
TEST(PairedTrials, InitialWeightsDifferByNameAndSeed) {
  const SmallModel small(at::kFloat, 0), reseeded(at::kFloat, 0, 2);
  const auto weight = [](const SmallModel& model, const char* name) {
    return model.parameters.at(name).value;
  };
  const char* first = "transformer.h.0.attn.c_attn.weight";
  EXPECT_FALSE(
      at::equal(weight(small, first), weight(small, "transformer.h.1.attn.c_attn.weight")));
  EXPECT_FALSE(at::equal(weight(small, first), weight(reseeded, first)));
}

// Everything that a batch holds, micro-batch after micro-batch, of the first three steps.
std::vector<at::Tensor> batches(const RunSpec& spec, const TokenStore& store) {
  BatchSource source(store, spec);
  std::vector<at::Tensor> all;
  for (std::int64_t step = 0; step < 3; ++step) {
    const GlobalBatch batch = source.training_batch(step);
    std::vector<at::Tensor> ids, targets;
    for (std::int64_t first = 0; first < batch.samples; first += spec.train.micro_batch) {
      const MicroBatch micro = slice(batch, first, spec.train.micro_batch, at::kCPU);
      ids.push_back(micro.input_ids);
      targets.push_back(micro.targets);
    }
    all.push_back(at::cat(ids));
    all.push_back(at::cat(targets));
  }
  return all;
}

bool equal(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const at::Tensor& x, const at::Tensor& y) { return at::equal(x, y); });
}

TEST(PairedTrials, BatchesAndTokenMasksAreTheSame) {
  for (const char* scenario : {"A", "B", "D"}) {
    RunSpec spec = narrow_spec(scenario, policy_named("fp32_true"));
    const TokenStore store(tiny_store(spec));
    const auto wanted = batches(spec, store);
    for (const DtypePolicy& policy : policies())
      for (const std::int64_t micro : {8, 2, 1}) {
        RunSpec paired = narrow_spec(scenario, policy);
        paired.train.micro_batch = micro;
        const Threads two(2);
        EXPECT_TRUE(equal(batches(paired, store), wanted)) << scenario << policy.name << micro;
      }
    spec.seed += 1;  // negative control
    EXPECT_FALSE(equal(batches(spec, store), wanted)) << scenario;
  }
}

// --- Dropout masks, as they act inside a model ---
//
// All parameters zero but one: then the residual stream is a constant until the one dropout site
// under test, the mask after it, and every later module hands its pattern on, up to a LayerNorm
// that maps kept and dropped channels of a token to two values.

class Capture : public NodeObserver {
 public:
  explicit Capture(std::string module) : module_(std::move(module)) {}
  void on_node(const Node& node, Phase, at::TensorList, at::TensorList out) override {
    if (node.module == module_) last = out.front().to(at::kDouble);
  }
  at::Tensor last;

 private:
  std::string module_;
};

struct Site {
  std::uint32_t number;
  std::vector<std::string> ones;  // filled with 1 beside the norms' weights
  std::string identity;           // a square weight, set to the identity; "" for none
  std::string seen_at;            // the module whose output shows the pattern
};

// GPT-2: after the embeddings; then each layer's attention and MLP.
std::vector<Site> gpt2_sites() {
  std::vector<Site> sites{{0, {"transformer.wpe.weight"}, "", "transformer.ln_f"}};
  for (const std::uint32_t layer : {0u, 1u}) {
    const std::string h = "transformer.h." + std::to_string(layer);
    sites.push_back({1 + 2 * layer, {h + ".attn.c_proj.bias"}, "", "transformer.ln_f"});
    sites.push_back({2 + 2 * layer, {h + ".mlp.c_proj.bias"}, "", "transformer.ln_f"});
  }
  return sites;
}

// RoBERTa: the same, and two in the classification head.
std::vector<Site> roberta_sites() {
  const std::string last = "roberta.encoder.layer.1.output.LayerNorm";
  std::vector<Site> sites{{0, {"roberta.embeddings.LayerNorm.bias"}, "", last}};
  for (const std::uint32_t layer : {0u, 1u}) {
    const std::string l = "roberta.encoder.layer." + std::to_string(layer);
    sites.push_back({1 + 2 * layer, {l + ".attention.output.dense.bias"}, "", last});
    sites.push_back({2 + 2 * layer, {l + ".output.dense.bias"}, "", last});
  }
  sites.push_back({5, {last + ".bias"}, "classifier.dense.weight", "classifier.dense"});
  sites.push_back(
      {6, {"classifier.dense.bias"}, "classifier.out_proj.weight", "classifier.out_proj"});
  return sites;
}

void prepare(SmallModel& small, const Site& site) {
  for (const Parameter& parameter : small.parameters.all()) {
    const bool norm =
        parameter.kind == ParameterKind::kVector && parameter.name.ends_with(".weight");
    parameter.value.detach().fill_(norm ? 1 : 0);
  }
  for (const std::string& name : site.ones)
    small.parameters.at(name).value.detach().fill_(1);
  if (!site.identity.empty()) {
    const at::Tensor value = small.parameters.at(site.identity).value.detach();
    value.copy_(at::eye(kWidth));
  }
}

// True where a channel was kept, [samples, tokens, C].
at::Tensor kept(SmallModel& small, const Site& site, const DropoutContext& dropout,
                std::int64_t micro) {
  prepare(small, site);
  const at::Tensor ids = at::arange(2, 2 + 4 * 6, at::kLong).view({4, 6});
  std::vector<at::Tensor> parts;
  for (std::int64_t first = 0; first < 4; first += micro) {
    Capture capture(site.seen_at);
    Tape tape(Tape::Mode::kForwardOnly, &capture);
    ForwardContext context{tape, small.rules, dropout};
    context.dropout.first_sample = static_cast<std::uint32_t>(first);
    const MicroBatch batch{ids.narrow(0, first, micro), {}, {}, {}};
    small.model.logits(batch, context);
    const at::Tensor& seen = capture.last;
    parts.push_back(seen > (seen.amax(-1, true) + seen.amin(-1, true)) / 2);
  }
  return at::cat(parts);
}

constexpr DropoutContext kDropout{0.5, 3, 11, 0};

at::Tensor drawn(const Site& site, at::IntArrayRef shape, const DropoutContext& context) {
  return ops::dropout_mask(shape, site.number, context, at::kCPU) > 0;
}

struct Transformer {
  Architecture architecture;
  std::vector<Site> sites;
};

std::vector<Transformer> transformers() {
  return {{Architecture::kGpt2, gpt2_sites()}, {Architecture::kRoberta, roberta_sites()}};
}

TEST(PairedTrials, EveryDropoutSiteHasTheSameMaskUnderEveryPolicy) {
  for (const Transformer& transformer : transformers())
    for (const DtypePolicy& policy : policies()) {
      SmallModel small(small_shape(transformer.architecture, Objective::kSingleLabel, kWidth),
                       policy);
      for (const Site& site : transformer.sites)
        for (const std::int64_t micro : {4, 1}) {
          const Threads threads(micro == 1 ? 2 : 1);
          const at::Tensor found = kept(small, site, kDropout, micro);
          EXPECT_TRUE(at::equal(found, drawn(site, found.sizes(), kDropout)))
              << policy.name << ", site " << site.number << ", micro-batch " << micro;
        }
    }
}

// Negative control: another step, seed, sample or site draws another mask, inside the model, too.
TEST(PairedTrials, DropoutMasksDifferByWhatTheyAreKeyedWith) {
  for (const Transformer& transformer : transformers()) {
    SmallModel small(small_shape(transformer.architecture, Objective::kSingleLabel, kWidth),
                     policy_named("fp32_true"));
    std::vector<at::Tensor> masks;
    for (const Site& site : transformer.sites) {
      const at::Tensor base = kept(small, site, kDropout, 4);
      EXPECT_FALSE(at::equal(kept(small, site, {0.5, 4, 11, 0}, 4), base)) << site.number;
      EXPECT_FALSE(at::equal(kept(small, site, {0.5, 3, 12, 0}, 4), base)) << site.number;
      EXPECT_FALSE(at::equal(base[0], base[1])) << site.number;
      for (const at::Tensor& other : masks)
        EXPECT_FALSE(at::equal(other, base)) << site.number;
      masks.push_back(base);
    }
  }
}

}  // namespace
}  // namespace dtbench::testing
