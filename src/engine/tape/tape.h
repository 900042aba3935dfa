// The step as an explicit program: the operations of one forward pass in the order in which they
// ran, each with what turns its outputs' gradients into its inputs' (reverse-mode differentiation
// on a tape; Griewank and Walther 2008, "Evaluating Derivatives", section 4). It takes the place of
// torch's autograd, so that every operation has a name, a module and a layer, gradients meet in the
// order that the contract states, and an observer can see each node in both directions.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/SmallVector.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "record/phase.h"

namespace dtbench {

using Tensors = c10::SmallVector<at::Tensor, 4>;

// A tensor of the step and its place on the tape; or a constant, which has no place and gets no
// gradient; or nothing, where an operation's input is optional.
class Value {
 public:
  Value() = default;
  explicit Value(at::Tensor constant) : tensor_(std::move(constant)) {}

  const at::Tensor& tensor() const { return tensor_; }
  bool defined() const { return tensor_.defined(); }
  std::int64_t size(std::int64_t dim) const { return tensor_.size(dim); }
  at::IntArrayRef sizes() const { return tensor_.sizes(); }
  at::ScalarType scalar_type() const { return tensor_.scalar_type(); }

 private:
  friend class Tape;
  Value(at::Tensor tensor, std::int32_t id) : tensor_(std::move(tensor)), id_(id) {}

  at::Tensor tensor_;
  std::int32_t id_ = -1;
};

using Values = c10::SmallVector<Value, 4>;

// One operation of a step.
struct Node {
  std::string_view operation;  // "linear", "attention", ...
  std::string_view module;     // as in Transformers: "transformer.h.0.attn.c_attn"
  std::int64_t layer;          // -1 outside the layers
  Phase phase;                 // of its forward half: kForward or kLoss
  // Values by number: the leaves and the outputs of nodes in the order in which they appeared; -1
  // for a constant or an absent input.
  std::span<const std::int32_t> inputs, outputs;
};

// Sees every node twice, and costs nothing where there is none. It must not change the tensors,
// unless it is a shadow (forensics/shadow_comparison.h): that gives each operation another run's
// operands, by overwriting forward outputs where they are and by before_backward.
class NodeObserver {
 public:
  virtual ~NodeObserver() = default;
  // The passes of a micro-batch begin.
  virtual void on_begin() {}
  // A parameter takes part for the first time in this pass, as value `id`.
  virtual void on_leaf(std::int32_t /*id*/, std::string_view /*name*/) {}
  // kForward or kLoss: `in` are the inputs, `out` the outputs. kBackward: `in` are the outputs'
  // gradients, `out` the inputs'; those that nobody wants are undefined.
  virtual void on_node(const Node& node, Phase phase, at::TensorList in, at::TensorList out) = 0;
  // The gradients of a node's outputs, before its backward half reads them: may be replaced by
  // others of the same shapes and datatypes.
  virtual void before_backward(const Node&, Tensors& /*gradients*/) {}
  // What a node's backward half returned has been added where gradients meet, and handed over where
  // they are whole.
  virtual void on_gradients_added() {}
};

class Tape {
 public:
  enum class Mode { kForwardOnly, kDifferentiate };

  // `observer` is not owned and may be null.
  explicit Tape(Mode mode, NodeObserver* observer = nullptr);
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  bool differentiates() const { return mode_ == Mode::kDifferentiate; }

  // Parameter `index` under its name, which must outlive the tape. The same index is the same value
  // each time: gradients of tied uses meet there.
  Value leaf(const at::Tensor& parameter, std::size_t index, std::string_view name);

  // Gradients of a node's inputs from those of its outputs, in their order. Undefined: no gradient.
  // What it captured is freed once it has been called.
  using Backward = std::function<Tensors(Tensors)>;

  // An operation has been computed. The name must be a literal.
  Value record(std::string_view operation, std::initializer_list<Value> inputs, at::Tensor output,
               Backward backward);
  Values record(std::string_view operation, std::initializer_list<Value> inputs, Tensors outputs,
                Backward backward);

  // Called with a leaf's index and its whole gradient as soon as no earlier node can add to it.
  using LeafSink = std::function<void(std::size_t index, at::Tensor gradient)>;

  // From d root / d root = `gradient` to every leaf, once: the tape is empty afterwards. Nodes run
  // in the exact reverse of their order; gradients that meet at a value are added in its datatype,
  // in that order.
  void backward(const Value& root, const at::Tensor& gradient, const LeafSink& sink);

  // While it lives, nodes belong to the module, the layer or the phase. Names must outlive the
  // tape.
  class InModule {
   public:
    InModule(Tape& tape, std::string_view name);
    ~InModule();
    InModule(const InModule&) = delete;
    InModule& operator=(const InModule&) = delete;

   private:
    Tape& tape_;
    std::string_view before_;
  };
  class InLayer {
   public:
    InLayer(Tape& tape, std::int64_t layer);
    ~InLayer();
    InLayer(const InLayer&) = delete;
    InLayer& operator=(const InLayer&) = delete;

   private:
    Tape& tape_;
  };
  class InLoss {
   public:
    explicit InLoss(Tape& tape);
    ~InLoss();
    InLoss(const InLoss&) = delete;
    InLoss& operator=(const InLoss&) = delete;

   private:
    Tape& tape_;
  };

 private:
  using Ids = c10::SmallVector<std::int32_t, 4>;

  struct Entry {
    std::string_view operation, module;
    std::int64_t layer;
    Phase phase;
    Ids inputs, outputs;
    Backward backward;

    Node node() const { return {operation, module, layer, phase, inputs, outputs}; }
  };
  struct ValueState {
    at::Tensor gradient;     // as far as it has been added up
    std::int64_t leaf = -1;  // the parameter's index
    std::int32_t uses = 0;   // of a leaf, by nodes that have not been differentiated
  };

  Entry make_entry(std::string_view operation, std::initializer_list<Value> inputs) const;
  std::int32_t new_value();
  void differentiate(Entry entry, const LeafSink& sink);
  void add_gradient(std::int32_t id, at::Tensor gradient);
  void release_inputs(const Ids& inputs, const LeafSink& sink);

  Mode mode_;
  NodeObserver* observer_;
  std::string_view module_;
  std::int64_t layer_ = -1;
  Phase phase_ = Phase::kForward;
  std::vector<Entry> entries_;
  std::vector<ValueState> values_;
  std::vector<std::int32_t> id_of_leaf_;  // by parameter index; -1: not met yet
};

}  // namespace dtbench
