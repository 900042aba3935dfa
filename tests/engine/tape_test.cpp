// The tape by itself: the order in which gradients meet, what it frees when, what an observer sees;
// and the list of a step's nodes for each scenario, held to golden files.
#include "engine/tape/tape.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "base/text.h"
#include "engine/model/differentiate.h"
#include "engine/ops/elementwise.h"
#include "engine/small_model.h"
#include "source_folder.h"

namespace dtbench::testing {
namespace {

using Mode = Tape::Mode;

at::Tensor scalar(double value, at::ScalarType type = at::kFloat) {
  return at::full({}, value, type);
}

// factor x, whose gradient is dy times factor.
Value scaled(Tape& tape, const Value& x, double factor) {
  return tape.record("scaled", {x}, x.tensor() * factor,
                     [factor](Tensors dy) -> Tensors { return {dy[0] * factor}; });
}

std::map<std::size_t, at::Tensor> gradients_of(Tape& tape, const Value& root) {
  std::map<std::size_t, at::Tensor> all;
  tape.backward(root, at::ones_like(root.tensor()), [&](std::size_t index, at::Tensor gradient) {
    EXPECT_TRUE(all.emplace(index, std::move(gradient)).second) << "delivered twice";
  });
  return all;
}

// Uses of x in the order 1, 2^-24, 2^-24. Backwards, the small ones meet first and give 2^-23,
// which 1 can hold; in the forward order 1 + 2^-24 rounds to 1, twice.
TEST(Tape, GradientsMeetInTheReverseOfTheForwardOrder) {
  const auto gradient = [](std::initializer_list<double> factors) {
    Tape tape(Mode::kDifferentiate);
    const Value x = tape.leaf(scalar(1), 0, "x");
    std::vector<Value> parts;
    for (const double factor : factors)
      parts.push_back(scaled(tape, x, factor));
    Value sum = parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i)
      sum = ops::add(tape, sum, parts[i]);
    return gradients_of(tape, sum).at(0).item<float>();
  };
  EXPECT_EQ(gradient({1, 0x1p-24, 0x1p-24}), 1 + 0x1p-23f);
  EXPECT_EQ(gradient({0x1p-24, 0x1p-24, 1}), 1);
}

// add hands one tensor to both of its inputs; adding to one of them must not change the other.
TEST(Tape, ASharedGradientIsNotAddedToInPlace) {
  Tape tape(Mode::kDifferentiate);
  const Value a = tape.leaf(scalar(1), 0, "a"), b = tape.leaf(scalar(1), 1, "b");
  const Value more = scaled(tape, a, 10);
  const Value sum = ops::add(tape, ops::add(tape, a, b), more);
  const auto found = gradients_of(tape, sum);
  EXPECT_EQ(found.at(0).item<float>(), 11);
  EXPECT_EQ(found.at(1).item<float>(), 1);
}

// A tied parameter is one value: its gradient is whole when its earliest use has been passed, and
// parameters nearer to the root have come before.
TEST(Tape, ALeafIsDeliveredOnceItCanNotGrowAnyMore) {
  Tape tape(Mode::kDifferentiate);
  const Value tied = tape.leaf(scalar(1), 0, "tied"), other = tape.leaf(scalar(1), 1, "other");
  const Value early = scaled(tape, tied, 2);
  const Value middle = ops::add(tape, early, scaled(tape, other, 3));
  const Value root = ops::add(tape, middle, scaled(tape, tape.leaf(scalar(1), 0, "tied"), 5));
  std::vector<std::pair<std::size_t, float>> order;
  tape.backward(root, scalar(1), [&](std::size_t index, const at::Tensor& gradient) {
    order.emplace_back(index, gradient.item<float>());
  });
  const std::vector<std::pair<std::size_t, float>> wanted = {{1, 3}, {0, 7}};
  EXPECT_EQ(order, wanted);
}

TEST(Tape, SavedTensorsAreFreedAsTheBackwardPassGoesBy) {
  Tape tape(Mode::kDifferentiate);
  std::vector<c10::weak_intrusive_ptr<c10::StorageImpl>> saved;
  const auto keeping = [&](const Value& x) {
    at::Tensor kept = at::ones({8});
    saved.emplace_back(kept.storage().getWeakStorageImpl());
    return tape.record("keeping", {x}, x.tensor() * 2, [kept, &saved](Tensors dy) -> Tensors {
      int alive = 0;
      for (const auto& one : saved)
        alive += one.expired() ? 0 : 1;
      return {dy[0] + alive};
    });
  };
  Value x = tape.leaf(scalar(1), 0, "x");
  for (int i = 0; i < 3; ++i)
    x = keeping(x);
  // Three alive in the last node's backward pass, then two, then one.
  EXPECT_EQ(gradients_of(tape, x).at(0).item<float>(), 1 + 3 + 2 + 1);
}

TEST(Tape, WhatCannotBeDifferentiatedSaysSo) {
  Tape forward_only(Mode::kForwardOnly);
  const Value x = forward_only.leaf(scalar(1), 0, "x");
  EXPECT_THROW(forward_only.backward(x, scalar(1), {}), std::logic_error);

  Tape constant(Mode::kDifferentiate);
  EXPECT_THROW(constant.backward(Value(scalar(1)), scalar(1), {}), std::logic_error);

  Tape wrong(Mode::kDifferentiate);
  const Value y = wrong.record("wrong", {wrong.leaf(scalar(1), 0, "x")}, scalar(2),
                               [](const Tensors&) -> Tensors { return {}; });
  EXPECT_THROW(wrong.backward(y, scalar(1), {}), std::logic_error);

  Tape mixed(Mode::kDifferentiate);
  const Value z = mixed.leaf(scalar(1), 0, "x");
  const Value narrow = mixed.record(
      "narrow", {z}, scalar(2), [](const Tensors&) -> Tensors { return {scalar(1, at::kHalf)}; });
  const Value both = ops::add(mixed, narrow, scaled(mixed, z, 2));
  EXPECT_THROW(mixed.backward(both, scalar(1), [](std::size_t, const at::Tensor&) {}),
               std::logic_error);
}

// --- The nodes of a step ---

// One line a node: phase, operation, module, layer, values.
class NodeList : public NodeObserver {
 public:
  void on_leaf(std::int32_t id, std::string_view name) override { names_[id] = name; }

  void on_node(const Node& node, Phase phase, at::TensorList, at::TensorList out) override {
    const bool backward = phase == Phase::kBackward;
    text_ << to_string(phase) << '\t' << node.operation << '\t' << node.module << '\t' << node.layer
          << '\t' << values(backward ? node.outputs : node.inputs) << " -> "
          << values(backward ? node.inputs : node.outputs) << '\t' << types(out) << '\n';
  }

  std::string text() const { return text_.str(); }

 private:
  std::string values(std::span<const std::int32_t> ids) const {
    std::string all;
    for (const std::int32_t id : ids) {
      const auto name = names_.find(id);
      all += (all.empty() ? "" : ", ") + (id < 0                 ? "-"
                                          : name == names_.end() ? concat('%', id)
                                                                 : name->second);
    }
    return all;
  }
  static std::string types(at::TensorList tensors) {
    std::string all;
    for (const at::Tensor& tensor : tensors)
      all += (all.empty() ? "" : ", ") +
             (tensor.defined() ? concat(c10::toString(tensor.scalar_type()), tensor.sizes()) : "-");
    return all;
  }

  std::map<std::int32_t, std::string> names_;
  std::ostringstream text_;
};

struct Scenario {
  const char* name;
  Registered<ModelFamily> architecture;
  Registered<Task> objective;
  std::int64_t labels;
};

const Scenario kScenarios[] = {
    {"A", gpt2_family(), causal_lm(), 0},    {"B", roberta_family(), masked_lm(), 0},
    {"C", gpt2_family(), multi_label(), 5},  {"D", roberta_family(), multi_label(), 5},
    {"E", gpt2_family(), single_label(), 5}, {"F", roberta_family(), single_label(), 5}};

constexpr DropoutContext kDropout{.probability = 0.1, .seed = 1, .step = 3};

struct Differentiated {
  at::Tensor loss;
  std::vector<at::Tensor> gradients;
};

Differentiated one_step(const Scenario& scenario, NodeObserver* observer) {
  const ModelShape shape = small_shape(scenario.architecture, scenario.objective, scenario.labels);
  SmallModel small(shape, policy_named("amp_bf16"));
  const GlobalBatch batch = ragged_batch(shape);
  const at::Tensor loss = differentiate(
      small.model, slice(batch, 0, batch.samples, at::kCPU), {small.rules, kDropout, observer},
      {static_cast<double>(batch.targets), 1.0}, into(small.parameters));
  return {loss, small.parameters.gradients()};
}

// To write the files anew: DTBENCH_WRITE_GOLDEN=1 test_engine --gtest_filter=Nodes*
TEST(Nodes, OfAStepAreThoseOfTheGoldenFile) {
  for (const Scenario& scenario : kScenarios) {
    NodeList list;
    one_step(scenario, &list);
    const auto path =
        source_folder() / "tests/engine/golden" / concat("nodes_", scenario.name, ".tsv");
    if (std::getenv("DTBENCH_WRITE_GOLDEN") != nullptr) std::ofstream(path) << list.text();
    std::ifstream file(path);
    std::stringstream golden;
    golden << file.rdbuf();
    EXPECT_EQ(list.text(), golden.str()) << path;
  }
}

// Every node appears in both directions, the second time in the reverse order.
class BothWays : public NodeObserver {
 public:
  void on_node(const Node& node, Phase phase, at::TensorList, at::TensorList) override {
    (phase == Phase::kBackward ? backward : forward).push_back(node.outputs[0]);
    EXPECT_FALSE(node.operation.empty());
    EXPECT_FALSE(node.module.empty() && phase != Phase::kBackward && !ends(node)) << node.operation;
  }
  std::vector<std::int32_t> forward, backward;

 private:
  // Between the transformer and its head nodes belong to no module.
  static bool ends(const Node& node) {
    return node.operation == "reshape" || node.operation == "select_rows" ||
           node.phase == Phase::kLoss;
  }
};

TEST(Nodes, AreSeenInBothDirectionsAndWatchingChangesNothing) {
  for (const Scenario& scenario : kScenarios) {
    BothWays seen;
    const Differentiated watched = one_step(scenario, &seen), alone = one_step(scenario, nullptr);
    std::reverse(seen.backward.begin(), seen.backward.end());
    EXPECT_EQ(seen.forward, seen.backward) << scenario.name;
    EXPECT_TRUE(at::equal(watched.loss, alone.loss)) << scenario.name;
    for (std::size_t i = 0; i < alone.gradients.size(); ++i)
      EXPECT_TRUE(at::equal(watched.gradients[i], alone.gradients[i])) << scenario.name << i;
  }
}

}  // namespace
}  // namespace dtbench::testing
