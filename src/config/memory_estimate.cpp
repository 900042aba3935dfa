#include "config/memory_estimate.h"

#include <algorithm>
#include <cmath>

#include "config/block_sizes.h"
#include "config/cpu_matmul.h"
#include "config/length_buckets.h"

namespace dtbench {
namespace {

std::int64_t bytes_of(Dtype dtype) {
  return dtype == Dtype::kFloat64 ? 8 : dtype == Dtype::kFloat32 ? 4 : 2;
}

double bytes_of(StateFormat format) {
  switch (format) {
    case StateFormat::kFloat64:
      return 8;
    case StateFormat::kFloat32:
      return 4;
    case StateFormat::kBFloat16:
    case StateFormat::kFloat16:
      return 2;
    case StateFormat::kBlockwise8Bit:
      break;
  }
  return 1 + 4.0 / 256;  // a code each, and one fp32 maximum a block of 256
}

// Follows one step of the engine through its fullest moments, all in bytes. nc: tokens of a
// micro-batch times width. c, p, g: the bytes of a number in the compute, parameter and gradient
// datatype, x: of one between the modules, inside: of one that an operation computes with. Modules
// that a policy makes an exception of are not told apart, since their names are the engine's: with
// exceptions, every module is taken to compute in fp32, with casts of its weights beside them. That
// is more than the step takes.
class Moments {
 public:
  Moments(const RunSpec& spec, const ModelShape& shape)
      : shape_(shape),
        excepted_(!spec.policy.exceptions.empty()),
        mixed_(has_master_weights(spec.policy) || excepted_),
        cpu_(spec.device == "cpu"),
        fused_attention_(shape.attention == AttentionForm::kFused),
        wide_on_cpu_(cpu_ && multiplies_as_fp32_on_cpu(spec.policy.compute)),
        language_model_(is_language_model(shape.objective)),
        c_(bytes_of(excepted_ ? Dtype::kFloat32 : spec.policy.compute)),
        p_(bytes_of(spec.policy.parameters)),
        x_(excepted_ ? std::max<std::int64_t>(4, p_) : p_),
        g_(bytes_of(spec.policy.gradients)),
        inside_(std::max<std::int64_t>(4, c_)),
        samples_(spec.train.micro_batch),
        length_(spec.data.length),
        nc_(samples_ * length_ * shape.width),
        mlp_(samples_ * length_ * shape.architecture->mlp_width(shape)),
        targets_(
            target_buckets(spec).padded(full_step(spec).targets * samples_ / spec.train.batch)),
        several_micro_batches_(spec.train.micro_batch * spec.train.processes < spec.train.batch) {}

  // Kept by one layer, as its family says; and, as long, the casts of its products' weights.
  std::int64_t layer() const {
    const KeptByLayer kept = shape_.architecture->kept_by_layer(shape_, mixed_);
    const std::int64_t casts = mixed_ ? layer_matmul_weights(shape_) * c_ : 0;
    return samples_ * length_ * (kept.in_compute * c_ + kept.in_parameters * x_) + casts +
           fused_output();
  }

  // And by the rest: the input of the norm before the first layer or after the last, the mask of
  // attention.
  std::int64_t activations() const {
    const std::int64_t tables = excepted_ && p_ < 4 ? embedding_parameters(shape_) * c_ : 0;
    const std::int64_t mask =
        fused_attention_ ? 0 : shape_.architecture->mask_bytes(shape_, samples_, length_);
    return shape_.layers * layer() + nc_ * x_ + tables + mask;
  }

  // Beside parameters and optimizer states, at the fullest moment.
  std::int64_t fullest() const {
    return std::max(
        {head(), backward_begins(), backward_ends(), clipping(), update(), evaluation()});
  }

  void set_update(std::int64_t bytes) { update_ = bytes; }

 private:
  // Its output, and two numbers a query and head.
  std::int64_t fused_output() const {
    return fused_attention_ ? nc_ * c_ + samples_ * length_ * shape_.heads * 2 * inside_ : 0;
  }

  std::int64_t gradients() const { return parameter_count(shape_) * g_; }
  // Those of earlier micro-batches, and a set of their own where they have a datatype of their own.
  std::int64_t standing_gradients() const {
    return several_micro_batches_ || g_ != p_ ? gradients() : 0;
  }

  std::int64_t decoder() const { return language_model_ ? shape_.vocab * shape_.width : 0; }
  // A GPU's copy with rows of zeros added.
  std::int64_t aligned_decoder() const {
    return cpu_ || shape_.vocab % 8 == 0 ? 0 : decoder() * c_;
  }
  std::int64_t chunk_rows() const {
    const std::int64_t operand = wide_on_cpu_ ? inside_ : c_;
    return lm_head_chunk(targets_, shape_.vocab, operand, cpu_ ? kLmHeadBytes : kLmHeadBytesOnGpu);
  }

  // One chunk of the language model's head: logits, and what the products need beside them.
  std::int64_t chunk() const {
    const std::int64_t logits = chunk_rows() * shape_.vocab;
    if (wide_on_cpu_) return logits * (c_ + inside_);  // the operands are wide already
    // The weight's gradient adds up in fp32: of 16-bit operands on the CPU through fp32 copies, on
    // a GPU through one more sum.
    const bool in_parts = chunk_rows() < targets_;
    const std::int64_t wide = !in_parts || c_ == inside_ ? 0 : cpu_ ? logits : decoder();
    return logits * c_ + wide * inside_;
  }

  // The end of the forward pass, with the gradients that the head computes with its loss.
  std::int64_t head() const {
    if (!language_model_) return 0;
    const std::int64_t hidden = targets_ * shape_.width;
    const std::int64_t cast = (mixed_ ? (decoder() + hidden) * c_ : 0) +
                              (wide_on_cpu_ ? (decoder() + hidden) * inside_ : 0) +
                              aligned_decoder();
    const std::int64_t once = wide_on_cpu_ ? inside_ + c_ : c_;  // a product, and it rounded
    const std::int64_t sum = decoder() * (chunk_rows() < targets_ ? inside_ : once);
    return standing_gradients() + activations() + nc_ * x_ + hidden * (x_ + c_) + cast + sum +
           chunk();
  }

  // The last layer's MLP is where most activations are alive. Its incoming gradient is in the
  // residual's datatype. 16-bit on the CPU: dropout works on fp32 copies. Then the gradient of its
  // width that the last product returns, and of its weight.
  std::int64_t layer_work() const {
    const std::int64_t weight = shape_.architecture->mlp_width(shape_) * shape_.width;
    const std::int64_t dropout = c_ == inside_ || !cpu_ ? 2 * c_ : 2 * c_ + 3 * inside_;
    const std::int64_t product = (nc_ + mlp_) * (wide_on_cpu_ ? c_ + inside_ : c_);
    const std::int64_t weights = weight * (wide_on_cpu_ ? inside_ + c_ : mixed_ ? c_ + p_ : p_);
    return nc_ * x_ + std::max(nc_ * dropout, product + weights);
  }

  // In composed attention probabilities (on the CPU in fp32), their gradient and the scores' (on a
  // GPU in place) are alive at once; in either form, gradients of q, k and v; the MLP's activations
  // of that layer, twice its width and two inputs a token, are gone.
  std::int64_t attention_work() const {
    const std::int64_t scores = std::min(cpu_ ? kAttentionBlockBytes : kAttentionBlockBytesOnGpu,
                                         samples_ * shape_.heads * length_ * length_ * inside_);
    const std::int64_t in_stored = scores / inside_ * c_;
    const std::int64_t composed =
        cpu_ ? 3 * scores + (c_ == inside_ ? 0 : in_stored) : 2 * in_stored;
    return nc_ * (2 * x_ + 3 * c_) + (fused_attention_ ? 0 : composed) - 2 * (mlp_ + nc_) * c_;
  }

  std::int64_t work() const { return std::max(layer_work(), attention_work()); }

  // The gradient of the language model's decoder waits for the embedding's, to which it is tied.
  std::int64_t backward_begins() const {
    const std::int64_t cast_back = mixed_ ? decoder() * c_ : 0;
    return standing_gradients() + activations() +
           std::max(decoder() * p_ + work(), decoder() * p_ + cast_back);
  }

  // The first layer, with the others' gradients there; and the embedding, with all.
  std::int64_t backward_ends() const {
    const std::int64_t tables = embedding_parameters(shape_) * p_;
    const std::int64_t all = parameter_count(shape_) * p_;
    const std::int64_t others = several_micro_batches_ && g_ == p_ ? 0 : all - tables;
    const std::int64_t first_layer = others + decoder() * p_ + layer() + nc_ * x_ + work();
    // 16-bit rows are added up in fp32 on the CPU.
    const bool wide = cpu_ && p_ == 2;
    const std::int64_t embedding = others + decoder() * p_ + shape_.vocab * shape_.width * p_ +
                                   (wide ? (shape_.vocab * shape_.width + nc_) * 4 : 0) + nc_ * p_;
    return standing_gradients() + std::max(first_layer, embedding);
  }

  // Scaling takes a 16-bit gradient at a time through fp32; the largest is a table of the
  // embedding or a weight of the MLP.
  std::int64_t clipping() const {
    const std::int64_t largest = shape_.width * std::max({shape_.vocab, shape_.labels,
                                                          shape_.architecture->mlp_width(shape_)});
    return gradients() + (g_ == inside_ ? 0 : largest * 2 * inside_);
  }

  std::int64_t update() const { return gradients() + update_; }

  // Gradients stay until the next step clears them. Two layers of the MLP at work, no loss's
  // gradient.
  std::int64_t evaluation() const {
    const std::int64_t cast = (mixed_ ? decoder() * c_ : 0) + aligned_decoder();
    const std::int64_t logits = language_model_ ? chunk_rows() * shape_.vocab * c_ : 0;
    const std::int64_t wide =
        wide_on_cpu_ ? (language_model_ ? chunk_rows() * shape_.vocab + decoder() : mlp_) * inside_
                     : 0;
    return gradients() +
           std::max(nc_ * (2 * x_ + c_) + 2 * mlp_ * c_, nc_ * 2 * x_ + cast + logits) + wide;
  }

  const ModelShape& shape_;
  bool excepted_, mixed_, cpu_, fused_attention_, wide_on_cpu_, language_model_;
  std::int64_t c_, p_, x_, g_, inside_, samples_, length_, nc_, mlp_, targets_;
  bool several_micro_batches_;
  std::int64_t update_ = 0;
};

std::int64_t state_bytes(const RunSpec& spec, std::int64_t count, std::int64_t embedding) {
  const DtypePolicy& policy = spec.policy;
  const double moments =
      static_cast<double>(spec.train.optimizer->states.size()) *
      (static_cast<double>(count - embedding) * bytes_of(policy.optimizer_states) +
       static_cast<double>(embedding) * bytes_of(policy.embedding_states));
  const bool kahan = policy.update_rounding == UpdateRounding::kKahan;
  return std::llround(moments) + (kahan ? count * bytes_of(policy.parameters) : 0);
}

}  // namespace

MemoryEstimate estimate_memory(const RunSpec& spec, const ModelShape& shape) {
  const DtypePolicy& policy = spec.policy;
  const std::int64_t count = parameter_count(shape);
  Moments moments(spec, shape);
  // foreach compares with copies of weights and second moments, and has a denominator for each.
  if (policy.optimizer_arithmetic == OptimizerArithmetic::kForeach)
    moments.set_update(count * (bytes_of(policy.parameters) +
                                static_cast<std::int64_t>(2 * bytes_of(policy.optimizer_states))));

  MemoryEstimate estimate{};
  estimate.parameters = count * bytes_of(policy.parameters);
  estimate.gradients = count * bytes_of(policy.gradients);
  estimate.optimizer_state = state_bytes(spec, count, embedding_parameters(shape));
  estimate.activations = moments.activations();
  estimate.total = estimate.parameters + estimate.optimizer_state + moments.fullest();
  return estimate;
}

}  // namespace dtbench
