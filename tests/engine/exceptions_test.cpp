// Exceptions by module: what they compute, held bit for bit to the same module built in fp32, whose
// inputs and weights are the 16-bit ones cast up and whose results are rounded once; what is left
// as it was; and what is refused.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "engine/model/differentiate.h"
#include "engine/model/gpt2.h"
#include "engine/model/module_names.h"
#include "engine/model/roberta.h"
#include "engine/model/roberta_heads.h"
#include "engine/numerics/scalar_type.h"
#include "engine/ops/attention.h"
#include "engine/small_model.h"
#include "engine/train/trainer.h"

namespace dtbench::testing {
namespace {

using Modules = std::vector<std::string>;

DtypePolicy with_exceptions(const char* base, const Modules& modules) {
  DtypePolicy policy = policy_named(base);
  for (const std::string& module : modules)
    policy.exceptions.push_back({module, Dtype::kFloat32});
  return policy_from_json(to_json(policy), "the test");
}

// A part of a model: its modules in a parameter set, as a function.
using Function = std::function<Value(const Value&, const ForwardContext&)>;
using Build = std::function<Function(ParameterSet&)>;
using Weights = std::map<std::string, at::Tensor>;

// What one pass through it gives.
struct Passed {
  at::Tensor output, input_gradient;
  Weights gradients;
};

ParameterSet parameters_of(const DtypePolicy& policy) {
  return {at::TensorOptions().dtype(scalar_type(policy.parameters)), 3};
}

// Larger than they are drawn, so that 16 bits round where fp32 does not; biases and norms, too.
Weights weights_of(const Build& build, const DtypePolicy& policy) {
  ParameterSet parameters = parameters_of(policy);
  build(parameters);
  Weights weights;
  for (const Parameter& parameter : parameters.all())
    weights[parameter.name] = parameter.value.mul(8).add(0.1);
  return weights;
}

Function with_weights(const Build& build, ParameterSet& parameters, const Weights& weights) {
  Function module = build(parameters);
  for (const Parameter& parameter : parameters.all())
    at::Tensor(parameter.value).copy_(weights.at(parameter.name));
  return module;
}

// `upstream` undefined: ones.
Passed pass_through(const Build& build, const DtypePolicy& policy, const Weights& weights,
                    const at::Tensor& x, const at::Tensor& upstream) {
  constexpr std::size_t kInput = 1000;
  constexpr DropoutContext kDropout{.probability = 0.1, .seed = 1, .step = 3};
  ParameterSet parameters = parameters_of(policy);
  const Function module = with_weights(build, parameters, weights);
  Tape tape(Tape::Mode::kDifferentiate);
  const Value y = module(tape.leaf(x, kInput, "input"), {tape, compute_rules(policy), kDropout});
  Passed result{y.tensor(), {}, {}};
  const at::Tensor dy = upstream.defined() ? upstream : at::ones_like(y.tensor());
  tape.backward(y, dy.to(y.scalar_type()), [&](std::size_t index, at::Tensor gradient) {
    if (index == kInput)
      result.input_gradient = std::move(gradient);
    else
      result.gradients[parameters.all()[index].name] = std::move(gradient);
  });
  return result;
}

bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         at::equal(a.flatten().view(at::kByte), b.flatten().view(at::kByte));
}

// Every result of `excepted` is the fp32 module's, rounded once to the datatype that `plain` has it
// in.
void expect_rounded_once(const Passed& excepted, const Passed& wide, const Passed& plain,
                         const std::string& what) {
  const auto rounded = [](const at::Tensor& wanted, const at::Tensor& like) {
    return wanted.to(like.scalar_type());
  };
  EXPECT_TRUE(same_bits(excepted.output, rounded(wide.output, plain.output))) << what;
  EXPECT_TRUE(
      same_bits(excepted.input_gradient, rounded(wide.input_gradient, plain.input_gradient)))
      << what;
  for (const auto& [name, gradient] : plain.gradients)
    EXPECT_TRUE(same_bits(excepted.gradients.at(name), rounded(wide.gradients.at(name), gradient)))
        << what << ' ' << name;
}

ModelShape shape_of(Registered<ModelFamily> family, Registered<Task> task) {
  return small_shape(family, task, is_language_model(task) ? 0 : 5);
}

struct Part {
  const char* name;  // of the module
  const char* exception;
  Build build;
  bool differs_in_16_bits, differs_when_mixed;  // from the module without the exception
};

template <typename Module>
Build single(const Module& create) {
  return [create](ParameterSet& parameters) {
    return [module = create(parameters)](const Value& x, const ForwardContext& context) {
      return module(x, context);
    };
  };
}

template <typename Block>
Build block(Registered<ModelFamily> family) {
  return [family](ParameterSet& parameters) {
    auto made =
        std::make_shared<Block>(parameters, shape_of(family, single_label()), 1e-5, /*layer=*/0);
    return [made](const Value& x, const ForwardContext& context) {
      return made->forward(
          x, ops::make_mask(AttentionForm::kComposed, /*causal=*/true, x.size(1), {}, at::kCPU),
          context);
    };
  };
}

// One LayerNorm, one product, one activation, and layers whole. An operation that has fp32 inside
// rounds at its edges anyway: alone it differs only where mixed precision rounds its operands.
std::vector<Part> parts() {
  return {{"norm", "norm",
           single([](ParameterSet& set) { return LayerNorm::create(set, "norm", kWidth, 1e-5); }),
           false, false},
          {"conv1d", "conv1d",
           single([](ParameterSet& set) { return Conv1d::create(set, "conv1d", kWidth, 32); }),
           false, true},
          {"linear", "linear",
           single([](ParameterSet& set) { return Linear::create(set, "linear", kWidth, 32); }),
           false, true},
          {"act", "*", single([](ParameterSet&) { return Gelu{"act", Gelu::Form::kTanh}; }), false,
           false},
          {"GPT-2's layer", "transformer.h.*", block<Gpt2Block>(gpt2_family()), true, true},
          {"RoBERTa's layer", "roberta.encoder.layer.0", block<RobertaLayer>(roberta_family()),
           true, true}};
}

at::Tensor input_of(at::ScalarType type) {
  at::manual_seed(7);
  return at::randn({2, 6, kWidth}, at::kDouble).mul(3).to(type);
}

TEST(Exceptions, AModuleComputesInFp32AndRoundsOnce) {
  for (const char* base : {"fp16_naive", "bf16_pure", "amp_fp16_noscale", "amp_bf16"})
    for (const Part& part : parts()) {
      const DtypePolicy plain = policy_named(base);
      const at::Tensor x = input_of(scalar_type(plain.parameters));
      const Weights weights = weights_of(part.build, plain);
      const at::Tensor y = pass_through(part.build, plain, weights, x, {}).output;
      at::manual_seed(11);
      const at::Tensor dy = at::randn(y.sizes(), at::kDouble).to(y.scalar_type());
      const Passed narrow = pass_through(part.build, plain, weights, x, dy);
      const Passed excepted =
          pass_through(part.build, with_exceptions(base, {part.exception}), weights, x, dy);
      const Passed wide =
          pass_through(part.build, policy_named("fp32_true"), weights, x.to(at::kFloat), dy);
      const std::string what = concat(base, ": ", part.name);
      expect_rounded_once(excepted, wide, narrow, what);
      const bool differs =
          has_master_weights(plain) ? part.differs_when_mixed : part.differs_in_16_bits;
      // A CPU's own bf16 products may add up in another order than fp32 ones.
      if (!differs && plain.compute != Dtype::kFloat16) continue;
      EXPECT_NE(same_bits(excepted.output, narrow.output), differs) << what;
    }
}

// --- In a model ---

// All results by module and operation, in their order.
class Results : public NodeObserver {
 public:
  struct Result {
    std::string module, operation;
    Phase phase;
    std::vector<at::Tensor> out;
  };
  void on_node(const Node& node, Phase phase, at::TensorList, at::TensorList out) override {
    Result result{std::string(node.module), std::string(node.operation), phase, {}};
    for (const at::Tensor& x : out)
      result.out.push_back(x.defined() ? x.clone() : x);
    all_.push_back(std::move(result));
  }
  const std::vector<Result>& all() const { return all_; }

 private:
  std::vector<Result> all_;
};

std::vector<Results::Result> results_of(const ModelShape& shape, const DtypePolicy& policy) {
  Results results;
  SmallModel small(shape, policy);
  const GlobalBatch batch = ragged_batch(shape);
  differentiate(small.model, slice(batch, 0, batch.samples, at::kCPU),
                {small.rules, {.probability = 0.1, .seed = 1, .step = 3}, &results},
                {static_cast<double>(batch.targets), 1.0}, into(small.parameters));
  return results.all();
}

bool is_inside(const std::string& module, const std::string& of) {
  return module == of || module.starts_with(of + ".");
}

// Without the nodes of the excepted module.
std::vector<const Results::Result*> others(const std::vector<Results::Result>& all,
                                           const std::string& excepted) {
  std::vector<const Results::Result*> rest;
  for (const Results::Result& result : all)
    if (!is_inside(result.module, excepted)) rest.push_back(&result);
  return rest;
}

bool is_one_of(const std::string& name, std::initializer_list<const char*> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Logits that an exception leaves unrounded reach the loss as they are (model/module_scope.h).
bool takes_unrounded_logits(const std::string& excepted, const std::string& operation) {
  return is_one_of(excepted, {"classifier", "classifier.out_proj"}) &&
         is_one_of(operation, {"reshape", "cross_entropy"});
}

// Outside, the same operations in the same datatypes; before it, the same bits; inside, fp32, but
// for what only moves numbers before they enter.
void expect_local(const ModelShape& shape, const char* base, const std::string& module) {
  const auto with = results_of(shape, with_exceptions(base, {module}));
  const auto without = results_of(shape, policy_named(base));
  const auto here = others(with, module), there = others(without, module);
  ASSERT_EQ(here.size(), there.size()) << base << ' ' << module;
  bool before = true;
  std::size_t equal = 0;
  for (std::size_t i = 0; i < here.size(); ++i) {
    EXPECT_EQ(here[i]->operation, there[i]->operation);
    EXPECT_EQ(here[i]->module, there[i]->module);
    for (std::size_t k = 0; k < here[i]->out.size(); ++k) {
      const at::Tensor &a = here[i]->out[k], &b = there[i]->out[k];
      if (!a.defined()) continue;
      if (!takes_unrounded_logits(module, here[i]->operation)) {
        EXPECT_EQ(a.scalar_type(), b.scalar_type()) << base << ' ' << here[i]->operation;
      }
      before = before && same_bits(a, b);
      equal += before ? 1 : 0;
    }
  }
  // The first node of the module that has one comes after at least so many others.
  std::size_t first = 0;
  while (!is_inside(with[first].module, module))
    ++first;
  EXPECT_GE(equal, first) << base << ' ' << module;
  for (const Results::Result& result : with) {
    if (!is_inside(result.module, module)) continue;
    if (is_one_of(result.operation, {"cast", "reshape", "select_rows"})) continue;
    for (const at::Tensor& x : result.out) {
      if (!x.defined() || x.dim() == 0) continue;
      EXPECT_EQ(x.scalar_type(), at::kFloat) << result.operation;
    }
  }
}

TEST(Exceptions, NeighboursStayAsTheyAre) {
  for (const char* base : {"fp16_naive", "amp_bf16"}) {
    const ModelShape gpt2 = shape_of(gpt2_family(), causal_lm());
    const ModelShape roberta = shape_of(roberta_family(), single_label());
    for (const char* module : {"transformer.h.1.ln_2", "transformer.h.1.attn", "transformer.h.1",
                               "transformer.h.0.mlp", "transformer.ln_f", "lm_head"})
      expect_local(gpt2, base, module);
    for (const char* module :
         {"roberta.encoder.layer.1.attention.self", "roberta.encoder.layer.0.output.dense",
          "roberta.encoder.layer.1", "classifier.out_proj", "classifier", "roberta.embeddings"})
      expect_local(roberta, base, module);
  }
}

// One attention: neither scores nor probabilities are rounded, and what leaves it is, once. The
// judge is attention in fp64 on the same 16-bit numbers.
class OneAttention {
 public:
  OneAttention() : weights_(weights_of(layer_, policy_named("bf16_pure"))) {}

  // The largest error of the module's output, in units of its last place.
  double units(const DtypePolicy& policy) const {
    Results results;
    ParameterSet parameters = parameters_of(policy);
    const Function module = with_weights(layer_, parameters, weights_);
    Tape tape(Tape::Mode::kForwardOnly, &results);
    module(Value(input_of(at::kBFloat16)), {tape, compute_rules(policy)});
    at::Tensor in, out;
    for (const Results::Result& result : results.all()) {
      if (result.module == "transformer.h.0.ln_1" && !in.defined()) in = result.out[0];
      if (is_inside(result.module, "transformer.h.0.attn")) out = result.out[0];
    }
    const at::Tensor wanted = judged(in.to(at::kDouble));
    const at::Tensor unit = at::pow(2.0, wanted.abs().log2().floor()) * 0x1p-7;
    return ((out.to(at::kDouble) - wanted).abs() / unit).max().item<double>();
  }

 private:
  at::Tensor weight(const char* name) const {
    return weights_.at(concat("transformer.h.0.attn.", name)).to(at::kDouble);
  }

  at::Tensor judged(const at::Tensor& x) const {
    const std::int64_t channels = kWidth / kHeads;
    const at::Tensor qkv =
        at::addmm(weight("c_attn.bias"), x.view({-1, kWidth}), weight("c_attn.weight"))
            .view({x.size(0), x.size(1), 3, kHeads, channels})
            .permute({2, 0, 3, 1, 4});
    const at::Tensor scores =
        at::matmul(qkv[0], qkv[1].transpose(-1, -2)) / std::sqrt(static_cast<double>(channels));
    const at::Tensor masked = scores.masked_fill(ops::causal_mask(x.size(1), {}, at::kCPU),
                                                 std::numeric_limits<double>::lowest());
    const at::Tensor heads = at::matmul(at::softmax(masked, -1), qkv[2]);
    const at::Tensor merged = heads.transpose(1, 2).reshape({-1, kWidth});
    return at::addmm(weight("c_proj.bias"), merged, weight("c_proj.weight")).view(x.sizes());
  }

  Build layer_ = block<Gpt2Block>(gpt2_family());
  Weights weights_;
};

TEST(Exceptions, ScoresAndProbabilitiesOfAnAttentionAreNotRounded) {
  const OneAttention attention;
  // Half a unit is the rounding at the edge. fp32 adds less than a hundredth: it has 2^-17 of a
  // unit, of terms that are at most some hundred times as large as a result.
  EXPECT_LE(attention.units(with_exceptions("bf16_pure", {"transformer.h.0.attn"})), 0.51);
  EXPECT_GT(attention.units(policy_named("bf16_pure")), 1);
  EXPECT_GT(attention.units(with_exceptions("bf16_pure", {"transformer.h.0.mlp"})), 1);
}

// Logits of an excepted head are not rounded, nor is their gradient: loss and gradients are those
// of a head in fp32 on the same hidden states.
TEST(Exceptions, LogitsReachTheLossInFp32) {
  const struct {
    ModelShape shape;
    const char* head;
    const char* loss;
  } cases[] = {
      {shape_of(gpt2_family(), causal_lm()), "lm_head", "lm_head_loss"},
      {shape_of(roberta_family(), masked_lm()), "lm_head.decoder", "lm_head_loss"},
      {shape_of(gpt2_family(), single_label()), "score", "cross_entropy"},
      {shape_of(roberta_family(), multi_label()), "classifier.out_proj", "binary_cross_entropy"}};
  for (const auto& one : cases) {
    const auto loss_of = [&](const DtypePolicy& policy) {
      for (const Results::Result& result : results_of(one.shape, policy))
        if (result.operation == one.loss && result.phase != Phase::kBackward)
          return result.out[0].item<double>();
      return std::nan("");
    };
    // The same hidden states, since all of the rest is as it was.
    const double with = loss_of(with_exceptions("fp16_naive", {one.head}));
    const double without = loss_of(policy_named("fp16_naive"));
    EXPECT_NE(with, without) << one.head;
    EXPECT_NEAR(with, without, 1e-3) << one.head;
    for (const Results::Result& result :
         results_of(one.shape, with_exceptions("fp16_naive", {one.head}))) {
      if (result.operation != one.loss || result.phase != Phase::kBackward) continue;
      EXPECT_EQ(result.out[0].scalar_type(), at::kFloat) << one.head;
    }
  }
}

// All modules excepted, mixed precision is fp32_true bit for bit: nothing else is in 16 bits.
TEST(Exceptions, OfAllModulesLeaveNothingIn16Bits) {
  const struct {
    ModelShape shape;
    Modules modules, all_but_one;
  } cases[] = {
      {shape_of(gpt2_family(), causal_lm()), {"transformer", "lm_head"}, {"transformer"}},
      {shape_of(gpt2_family(), multi_label()), {"transformer.h.*", "score"}, {"transformer.h.*"}},
      {shape_of(roberta_family(), masked_lm()),
       {"roberta", "lm_head"},
       {"roberta.encoder.layer.0", "lm_head"}},
      {shape_of(roberta_family(), single_label()),
       {"roberta.encoder.layer.*", "classifier"},
       {"roberta.encoder.layer.*", "classifier.dense"}}};
  for (const auto& one : cases) {
    const GlobalBatch batch = ragged_batch(one.shape);
    const auto trained = [&](const DtypePolicy& policy) {
      SmallModel small(one.shape, policy);
      return accumulate(small, batch, batch.samples, {.probability = 0.1, .seed = 1, .step = 3});
    };
    const Accumulated wide = trained(policy_named("fp32_true"));
    const Accumulated excepted = trained(with_exceptions("amp_bf16", one.modules));
    EXPECT_EQ(excepted.loss, wide.loss);
    for (std::size_t i = 0; i < wide.gradients.size(); ++i)
      EXPECT_TRUE(same_bits(excepted.gradients[i], wide.gradients[i])) << i;
    EXPECT_NE(trained(with_exceptions("amp_bf16", one.all_but_one)).loss, wide.loss);
  }
}

// --- What there is, and what is refused ---

TEST(Exceptions, KnowTheModulesOfAModel) {
  const auto names = [](Registered<ModelFamily> family, Registered<Task> task) {
    SmallModel small(shape_of(family, task), policy_named("fp16_naive"));
    const Modules all = module_names(small.model, small.rules, at::kCPU);
    return std::set<std::string>(all.begin(), all.end());
  };
  // Those on the tape are among them.
  for (const auto& [family, task] :
       {std::pair{gpt2_family(), causal_lm()}, std::pair{roberta_family(), masked_lm()},
        std::pair{gpt2_family(), multi_label()}, std::pair{roberta_family(), single_label()}}) {
    const std::set<std::string> known = names(family, task);
    for (const Results::Result& result :
         results_of(shape_of(family, task), policy_named("amp_fp16"))) {
      if (result.module.empty()) continue;
      EXPECT_TRUE(known.contains(result.module)) << result.module;
    }
  }
  EXPECT_TRUE(names(gpt2_family(), causal_lm()).contains("transformer.h.1.mlp"));
  EXPECT_FALSE(names(gpt2_family(), causal_lm()).contains("transformer.h.2"));
}

TEST(Exceptions, ForNoModuleAreRefusedWithTheNearest) {
  RunSpec spec = tiny_spec("C");
  const TokenStore store(tiny_store(spec));
  spec.policy = with_exceptions("fp16_naive", {"transformer.h.*.ln2"});
  try {
    const Trainer trainer(spec, store, at::kCPU);
    FAIL() << "a module that no model has";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    const std::string message = error.what();
    EXPECT_NE(message.find("'transformer.h.*.ln2'"), std::string::npos) << message;
    EXPECT_NE(message.find("Did you mean 'transformer.h.*.ln_2'?"), std::string::npos) << message;
  }
  spec.policy = with_exceptions("fp16_naive", {"transformer.h.*.ln_2"});
  EXPECT_NO_THROW(Trainer(spec, store, at::kCPU));
}

}  // namespace
}  // namespace dtbench::testing
