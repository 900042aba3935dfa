// A third model family: a decoder as Llama's (Touvron et al. 2023, arXiv 2302.13971), as
// Transformers' LlamaForCausalLM and LlamaForSequenceClassification compute it, its head tied to
// the word embeddings, with three operations of its own: RMS norm, rotary positions and the gate of
// SwiGLU. B samples, T tokens, C width, H heads of D channels, M width of the MLP.
#include "config/extension.h"
#include "config/model_shape.h"

#ifdef DTBENCH_EXTENSION_ENGINE
#include <ATen/ATen.h>

#include <memory>
#include <vector>

#include "engine/model/model_builder.h"
#include "engine/model/module_scope.h"
#include "engine/numerics/scalar_type.h"
#include "engine/ops/attention.h"
#include "engine/ops/cast.h"
#include "engine/ops/elementwise.h"
#include "engine/ops/rearrange.h"
#endif

namespace {

using dtbench::ModelShape;

// Two thirds of 4C, as three matrices are to cost what two of 4C do; in multiples of 8.
std::int64_t mlp_width(const ModelShape& shape) {
  return (8 * shape.width / 3 + 7) / 8 * 8;
}

std::int64_t table(const ModelShape& shape) {
  return shape.vocab * shape.width;
}

// Of q, k, v and the output of attention, of gate, up and down.
std::int64_t matmul_weights(const ModelShape& shape) {
  return 4 * shape.width * shape.width + 3 * shape.width * mlp_width(shape);
}

// Two norms a layer and one after the last; no biases.
std::int64_t trunk_parameters(const ModelShape& shape) {
  return shape.layers * (matmul_weights(shape) + 2 * shape.width) + shape.width;
}

std::int64_t head_parameters(const ModelShape& shape) {
  return is_language_model(shape.objective) ? 0 : shape.width * shape.labels;
}

std::int64_t head_matmul_weights(const ModelShape& shape) {
  return shape.width * (is_language_model(shape.objective) ? shape.vocab : shape.labels);
}

// q, k and v, the operands of five products and what the gate multiplies: under mixed precision q,
// k and v, and gate and up, each cast their common input. Inputs of two norms.
dtbench::KeptByLayer kept_by_layer(const ModelShape& shape, bool mixed) {
  const std::int64_t inputs = mixed ? 3 + 2 : 1 + 1;
  return {(inputs + 4) * shape.width + 3 * mlp_width(shape), 2 * shape.width};
}

std::int64_t mask_bytes(const ModelShape& shape, std::int64_t samples, std::int64_t length) {
  return (is_language_model(shape.objective) ? 1 : samples) * length * length;
}

void check(const dtbench::RunSpec& spec) {
  const dtbench::ModelSpec& model = spec.model;
  if (model.dropout != 0)
    throw dtbench::usage_error(
        dtbench::concat("A Llama drops nothing: 'model.dropout' must be 0, got ", model.dropout,
                        "."),
        "--set model.dropout=0");
  if (model.heads > 0 && model.width % (2 * model.heads) != 0)
    throw dtbench::usage_error(
        dtbench::concat("Rotary positions turn pairs of channels: a head's channels must be even, "
                        "got 'model.width' = ",
                        model.width, " and 'model.heads' = ", model.heads, "."));
}

dtbench::ModelFamily describe_llama() {
  dtbench::ModelFamily family;
  family.name = "llama";
  family.title = "Llama";
  family.causal = true;
  family.tokens = {{"<|endoftext|>"}, "", "<|endoftext|>",
                   "<|endoftext|>",   "", "Take GPT-2's vocab.json."};
  family.check = check;
  family.embedding_parameters = table;
  family.trunk_parameters = trunk_parameters;
  family.head_parameters = head_parameters;
  family.layer_matmul_weights = matmul_weights;
  family.head_matmul_weights = head_matmul_weights;
  family.mlp_width = mlp_width;
  family.kept_by_layer = kept_by_layer;
  family.mask_bytes = mask_bytes;
  return family;
}

}  // namespace

#ifdef DTBENCH_EXTENSION_ENGINE

namespace {

using namespace dtbench;

// The operations: fp32 inside (fp64 for fp64), one rounding of the output and of each gradient.

// x / sqrt(mean(x^2) + epsilon) x weight (Zhang and Sennrich 2019, arXiv 1910.07467). x [..., C],
// weight [C]. The output has x's datatype.
Value rms_norm(Tape& tape, const Value& x, const Value& weight, double epsilon,
               const ComputeRules& rules) {
  const Value input = ops::as_operand(tape, CastOp::kLayerNorm, x, rules);
  const at::ScalarType stored = input.scalar_type(), inside = accumulation_type(stored);
  const at::Tensor wide = input.tensor().to(inside), gain = weight.tensor().to(inside);
  const at::Tensor rstd = (wide.square().mean(-1, /*keepdim=*/true) + epsilon).rsqrt();
  return tape.record(
      "rms_norm", {input, weight}, (wide * rstd).mul_(gain).to(stored),
      [x = input.tensor(), weight = weight.tensor(), rstd, inside](Tensors gradients) -> Tensors {
        const at::Tensor normed = x.to(inside) * rstd, dy = gradients[0].to(inside);
        const at::Tensor dweight = (dy * normed).flatten(0, -2).sum(0);
        const at::Tensor upstream = dy * weight.to(inside);
        const at::Tensor along = (upstream * normed).mean(-1, /*keepdim=*/true);
        return {((upstream - normed * along) * rstd).to(x.scalar_type()),
                dweight.to(weight.scalar_type())};
      });
}

// The angles by which position t turns channel pair i: t / base^(2 i / D) (Su et al. 2021, arXiv
// 2104.09864). Both halves of a head have the same.
struct Rotation {
  at::Tensor cosine, sine;  // [T, D]

  Rotation(std::int64_t tokens, std::int64_t channels, at::ScalarType inside,
           const c10::Device& device) {
    constexpr double kBase = 10000;
    const at::TensorOptions in_double = at::TensorOptions(device).dtype(at::kDouble);
    const at::Tensor exponents = at::arange(0, channels, 2, in_double) / channels;  // [D/2]
    const at::Tensor angles =
        at::outer(at::arange(tokens, in_double), at::pow(kBase, exponents).reciprocal());
    const at::Tensor both = at::cat({angles, angles}, -1);
    cosine = both.cos().to(inside);
    sine = both.sin().to(inside);
  }

  // x [B, H, T, D], turned forwards or, for gradients, backwards. Channel i goes with i + D/2.
  at::Tensor turned(const at::Tensor& x, bool forwards) const {
    const at::Tensor wide = x.to(cosine.scalar_type());
    const auto halves = wide.chunk(2, -1);
    const at::Tensor quarter = at::cat({-halves[1], halves[0]}, -1).mul_(sine);
    const at::Tensor along = wide * cosine;
    return (forwards ? along + quarter : along - quarter).to(x.scalar_type());
  }
};

Value rotary(Tape& tape, const Value& x, const Rotation& rotation) {
  return tape.record(
      "rotary", {x}, rotation.turned(x.tensor(), /*forwards=*/true),
      [rotation](Tensors dy) -> Tensors { return {rotation.turned(dy[0], /*forwards=*/false)}; });
}

// gate sigmoid(gate) up (Shazeer 2020, arXiv 2002.05202), both [B, T, M]; one sample after another,
// so that the copies in fp32 are small.
at::Tensor gated(const at::Tensor& gate, const at::Tensor& up, at::ScalarType inside) {
  at::Tensor y = at::empty_like(gate);
  for (std::int64_t b = 0; b < gate.size(0); ++b)
    y[b].copy_(at::silu(gate[b].to(inside)).mul_(up[b].to(inside)));
  return y;
}

Tensors gated_backward(const at::Tensor& dy, const at::Tensor& gate, const at::Tensor& up,
                       at::ScalarType inside) {
  at::Tensor dgate = at::empty_like(gate), dup = at::empty_like(up);
  for (std::int64_t b = 0; b < gate.size(0); ++b) {
    const at::Tensor x = gate[b].to(inside), upstream = dy[b].to(inside);
    const at::Tensor share = x.sigmoid();
    dup[b].copy_((x * share).mul_(upstream));
    // d silu / dx = s + x s (1 - s)
    dgate[b].copy_((1 - share).mul_(x).add_(1).mul_(share).mul_(upstream).mul_(up[b].to(inside)));
  }
  return {dgate, dup};
}

Value silu_gate(Tape& tape, const Value& gate, const Value& up) {
  const at::ScalarType inside = accumulation_type(gate.scalar_type());
  return tape.record("silu_gate", {gate, up}, gated(gate.tensor(), up.tensor(), inside),
                     [gate = gate.tensor(), up = up.tensor(), inside](Tensors dy) -> Tensors {
                       return gated_backward(dy[0], gate, up, inside);
                     });
}

struct RmsNorm {
  std::string name;
  const Parameter* weight = nullptr;  // [C]
  double epsilon = 0;

  static RmsNorm create(ParameterSet& parameters, const std::string& name, std::int64_t width,
                        double epsilon) {
    return {name, &parameters.create(name + ".weight", {width}, kOnes, ParameterKind::kVector),
            epsilon};
  }
  Value operator()(const Value& x, const ForwardContext& context) const {
    const ModuleScope norm(context, name);
    const ForwardContext& in = norm.context();
    return norm.leave(rms_norm(context.tape, norm.enter(x), leaf(weight, in), epsilon, in.rules),
                      CastOp::kLayerNorm, x.scalar_type());
  }
};

class LlamaLayer {
 public:
  LlamaLayer(ParameterSet& parameters, const ModelShape& shape, double epsilon, std::int64_t layer)
      : name_(concat("model.layers.", layer)), layer_(layer), heads_(shape.heads) {
    const ParameterSet::InLayer in_layer(parameters, layer);
    const std::int64_t width = shape.width, wide = mlp_width(shape);
    const auto linear = [&](const char* name, std::int64_t in, std::int64_t out) {
      return Linear::create_without_bias(parameters, concat(name_, ".", name), in, out);
    };
    self_attn_ = name_ + ".self_attn";
    mlp_ = name_ + ".mlp";
    q_proj_ = linear("self_attn.q_proj", width, width);
    k_proj_ = linear("self_attn.k_proj", width, width);
    v_proj_ = linear("self_attn.v_proj", width, width);
    o_proj_ = linear("self_attn.o_proj", width, width);
    gate_proj_ = linear("mlp.gate_proj", width, wide);
    up_proj_ = linear("mlp.up_proj", width, wide);
    down_proj_ = linear("mlp.down_proj", wide, width);
    input_norm_ = RmsNorm::create(parameters, name_ + ".input_layernorm", width, epsilon);
    post_attention_norm_ =
        RmsNorm::create(parameters, name_ + ".post_attention_layernorm", width, epsilon);
  }

  // x [B, T, C] -> [B, T, C]
  Value forward(const Value& x, const Rotation& rotation, const ops::AttentionMask& mask,
                const ForwardContext& context) const {
    const Tape::InLayer in_layer(context.tape, layer_);
    const ModuleScope layer(context, name_);
    const ForwardContext& in = layer.context();
    const Value input = layer.enter(x);
    const Value attended =
        ops::add(context.tape, input, attention(input_norm_(input, in), rotation, mask, in));
    return layer.leave(
        ops::add(context.tape, attended, mlp(post_attention_norm_(attended, in), in)), CastOp::kAdd,
        x.scalar_type());
  }

 private:
  Value attention(const Value& x, const Rotation& rotation, const ops::AttentionMask& mask,
                  const ForwardContext& context) const {
    Tape& tape = context.tape;
    const ModuleScope self_attn(context, self_attn_);
    const ForwardContext& in = self_attn.context();
    const Value input = self_attn.enter(x);
    // [B, H, T, D]
    const Value query = rotary(tape, ops::split_heads(tape, q_proj_(input, in), heads_), rotation);
    const Value key = rotary(tape, ops::split_heads(tape, k_proj_(input, in), heads_), rotation);
    const Value value = ops::split_heads(tape, v_proj_(input, in), heads_);
    const Value heads = ops::attention(tape, query, key, value, mask);
    return self_attn.leave(o_proj_(ops::merge_heads(tape, heads), in), CastOp::kMatmul,
                           x.scalar_type());
  }

  Value mlp(const Value& x, const ForwardContext& context) const {
    const ModuleScope mlp(context, mlp_);
    const ForwardContext& in = mlp.context();
    const Value input = mlp.enter(x);
    const Value gate = gate_proj_(input, in);  // [B, T, M]
    return mlp.leave(down_proj_(silu_gate(context.tape, gate, up_proj_(input, in)), in),
                     CastOp::kMatmul, x.scalar_type());
  }

  std::string name_, self_attn_, mlp_;
  std::int64_t layer_, heads_;
  Linear q_proj_, k_proj_, v_proj_, o_proj_, gate_proj_, up_proj_, down_proj_;
  RmsNorm input_norm_, post_attention_norm_;
};

class Llama : public Transformer {
 public:
  Llama(ParameterSet& parameters, const ModelShape& shape, double epsilon)
      : attention_(shape.attention),
        embed_tokens_(
            Embedding::create(parameters, "model.embed_tokens", shape.vocab, shape.width)),
        channels_(shape.width / shape.heads) {
    layers_.reserve(static_cast<std::size_t>(shape.layers));
    for (std::int64_t layer = 0; layer < shape.layers; ++layer)
      layers_.emplace_back(parameters, shape, epsilon, layer);
    norm_ = RmsNorm::create(parameters, "model.norm", shape.width, epsilon);
  }

  Value forward(const at::Tensor& input_ids, const at::Tensor& attention_mask,
                const ForwardContext& context) const override {
    const ModuleScope model(context, "model");
    const ForwardContext& in = model.context();
    const std::int64_t tokens = input_ids.size(1);
    const ops::AttentionMask mask =
        ops::make_mask(attention_, /*causal=*/true, tokens, attention_mask, input_ids.device());
    Value x = embed_tokens_(input_ids, in);  // [B, T, C]
    const Rotation rotation(tokens, channels_, accumulation_type(context.rules.compute),
                            input_ids.device());
    for (const LlamaLayer& layer : layers_)
      x = layer.forward(x, rotation, mask, in);
    return model.leave(norm_(x, in), CastOp::kLayerNorm, embed_tokens_.weight->value.scalar_type());
  }

  const Parameter& word_embeddings() const override { return *embed_tokens_.weight; }

 private:
  AttentionForm attention_;
  Embedding embed_tokens_;
  std::int64_t channels_;
  std::vector<LlamaLayer> layers_;
  RmsNorm norm_;
};

// Angles of the rotation, which older checkpoints carry.
bool is_unused(std::string_view name) {
  return name.ends_with("rotary_emb.inv_freq");
}

ModelBuilder llama_builder() {
  ModelBuilder builder{.family = "llama"};
  builder.weights = {.body = "model.",
                     .heads = {"lm_head.", "score."},
                     .ties = {{"lm_head.weight", "model.embed_tokens.weight"}},
                     .endings = {},
                     .unused = is_unused};
  builder.transformer = [](ParameterSet& parameters, const ModelShape& shape,
                           double epsilon) -> std::unique_ptr<Transformer> {
    return std::make_unique<Llama>(parameters, shape, epsilon);
  };
  builder.language_model_head = [](ParameterSet&, const ModelShape&, double,
                                   const Parameter& word_embeddings) {
    return std::make_unique<LanguageModelHead>(Linear{"lm_head", &word_embeddings, nullptr});
  };
  builder.classification_head = [](ParameterSet& parameters,
                                   const ModelShape& shape) -> std::unique_ptr<ClassificationHead> {
    return std::make_unique<LastTokenClassifier>(parameters, shape);
  };
  return builder;
}

}  // namespace

#endif  // DTBENCH_EXTENSION_ENGINE

DTBENCH_EXTENSION {
  dtbench::register_model_family(describe_llama());
#ifdef DTBENCH_EXTENSION_ENGINE
  dtbench::register_model_builder(llama_builder());
#endif
}
