#include "engine/forensics/rounding_bounds.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "engine/numerics/scalar_type.h"

namespace dtbench {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

at::Tensor row_norms(const at::Tensor& x) {
  return at::linalg_vector_norm(x, 2, at::IntArrayRef{-1}, /*keepdim=*/false, at::kDouble);
}

double count(const at::Tensor& x) {
  return static_cast<double>(x.numel());
}

// One operation in one direction, as a bound sees it.
struct Seen {
  at::TensorList in, given, made;  // in the forward pass `made` are the outputs
  const Rounding& rounding;
  const BoundContext& context;

  double operand(std::size_t i) const {
    return i < rounding.operands.size() ? rounding.operands[i] : 0;
  }
  double inside(double terms) const { return gamma_of(terms, rounding.inside); }
};

using Errors = std::vector<double>;  // of each result, its own rounding on store not included
using Derivation = Errors (*)(const Seen&);

// A product's element is a sum of K products: |error| <= (e_x + e_w + gamma_K) |x| |w|, and
// || |X| |W| || <= ||X|| ||W|| by Cauchy and Schwarz.
Errors affine(const Seen& s) {
  const double terms = static_cast<double>(s.in[0].size(-1)) + 1;
  double error =
      (s.operand(0) + s.operand(1) + s.inside(terms)) * norm_of(s.in[0]) * norm_of(s.in[1]);
  if (s.in.size() > 2 && s.in[2].defined())
    error += (s.operand(2) + s.inside(terms)) * norm_of(s.in[2]) *
             std::sqrt(count(s.made[0]) / count(s.in[2]));
  return {error};
}

Errors affine_backward(const Seen& s) {
  const double dy = norm_of(s.given[0]);
  const auto outputs = static_cast<double>(s.given[0].size(-1));
  const double rows = count(s.given[0]) / outputs;
  return {(s.operand(1) + s.inside(outputs)) * dy * norm_of(s.in[1]),
          (s.operand(0) + s.inside(rows)) * dy * norm_of(s.in[0]),
          s.inside(rows) * dy * std::sqrt(rows)};
}

Errors affine_gain(const Seen& s) {
  const double rows = count(s.given[0]) / static_cast<double>(s.given[0].size(-1));
  return {norm_of(s.in[1]), norm_of(s.in[0]), std::sqrt(rows)};
}

// What a query's scores, and so its probabilities, may be off by.
struct ScoreError {
  double scale;                     // 1 / sqrt(D)
  at::Tensor key_most, value_most;  // the longest key and value of a head [B, H, 1]
  at::Tensor probabilities;         // relative error of a query's probabilities [B, H, T]

  explicit ScoreError(const Seen& s) {
    const auto width = static_cast<double>(s.in[0].size(-1));
    scale = 1 / std::sqrt(width);
    key_most = row_norms(s.in[1]).amax(-1, /*keepdim=*/true);
    value_most = row_norms(s.in[2]).amax(-1, /*keepdim=*/true);
    // |s_ij| <= |q_i| |k_j|; the products, the rounding of the score, and three roundings of its
    // scaling and of the maximum that is taken off.
    const double unit =
        s.operand(0) + s.operand(1) + s.inside(width) + s.rounding.stored + 3 * s.rounding.inside;
    const at::Tensor score = row_norms(s.in[0]) * key_most * scale;
    constexpr double kExpAndQuotient = 8;
    // exp(s + e) = exp(s) (1 + expm1(e)), above and below the fraction.
    probabilities = (2 * unit * score).expm1() + s.inside(keys(s) + kExpAndQuotient);
  }
  static double keys(const Seen& s) { return static_cast<double>(s.in[1].size(2)); }
};

// Probabilities are at most 1 and add up to 1, so a row of the output is no longer than the longest
// value.
Errors attention(const Seen& s) {
  const ScoreError e(s);
  const double rest = s.rounding.stored + s.operand(2) + s.inside(ScoreError::keys(s));
  return {norm_of((e.probabilities + rest) * e.value_most)};
}

Errors attention_backward(const Seen& s) {
  const ScoreError e(s);
  const double stored = s.rounding.stored, keys = ScoreError::keys(s);
  const auto width = static_cast<double>(s.in[0].size(-1));
  const at::Tensor dy = row_norms(s.given[0]);
  const at::Tensor da = dy * e.value_most;  // |dA_ij| and the row's sum of A dA are at most this
  // dV = A^T dO, a query's probabilities being no longer than 1.
  const double queries = std::sqrt(static_cast<double>(s.in[0].size(2)));
  const double dv = queries * norm_of((e.probabilities + stored + s.inside(keys)) * dy);
  // dS_ij = A_ij (dA_ij - sum A dA) / sqrt(D): errors of A, of dA, of the sum, and the rounding.
  const double of_da = s.inside(width) + stored + s.operand(2);
  const at::Tensor ds =
      3 * e.probabilities + 2 * of_da + 2 * stored + s.inside(keys + width) + 2 * stored;
  const at::Tensor slope = da * e.scale;
  const double dq = norm_of(slope * e.key_most * (ds + 2 * (s.inside(keys) + s.operand(1))));
  const at::Tensor in_head = at::linalg_vector_norm(
      slope * (ds + 2 * (s.inside(keys) + s.operand(0))), 2, at::IntArrayRef{-1});
  const at::Tensor q = at::linalg_vector_norm(s.in[0], 2, at::IntArrayRef{-2, -1},
                                              /*keepdim=*/false, at::kDouble);
  return {dq, norm_of(in_head * q), dv};
}

Errors attention_gain(const Seen& s) {
  const ScoreError e(s);
  const at::Tensor q = at::linalg_vector_norm(s.in[0], 2, at::IntArrayRef{-2, -1},
                                              /*keepdim=*/true, at::kDouble)
                           .squeeze(-1);
  const auto most = [](const at::Tensor& x) { return x.max().item<double>(); };
  return {2 * e.scale * most(e.value_most * e.key_most), 2 * e.scale * most(e.value_most * q),
          std::sqrt(static_cast<double>(s.in[0].size(2)))};
}

// Mean, variance and scaling in fp32; taking off the mean amplifies by || x || / || x - mean ||.
struct NormalizedRows {
  at::Tensor scale;      // 1 / sqrt(variance + epsilon) [rows, 1]
  at::Tensor values;     // (x - mean) scale [rows, C]
  at::Tensor amplified;  // || x || scale [rows]
  at::Tensor error;      // of a row's values, relative to their root mean square [rows]
  double terms;

  explicit NormalizedRows(const Seen& s) {
    const at::Tensor x = s.in[0].reshape({-1, s.in[0].size(-1)}).to(at::kDouble);
    terms = static_cast<double>(x.size(1));
    const at::Tensor centered = x - x.mean(1, /*keepdim=*/true);
    scale = (centered.square().mean(1, /*keepdim=*/true) + s.context.layer_norm_epsilon).rsqrt();
    values = centered * scale;
    amplified = row_norms(x) * scale.squeeze(1);
    error = (2 * s.inside(2 * terms) + 4 * s.rounding.inside + 2 * s.operand(0)) * amplified /
            std::sqrt(terms);
  }
  double longest_column() const {
    return at::linalg_vector_norm(values, 2, at::IntArrayRef{0}).amax().item<double>();
  }
};

Errors layer_norm(const Seen& s) {
  const NormalizedRows rows(s);
  const double weight = s.in[1].abs().max().to(at::kDouble).item<double>();
  const double n = static_cast<double>(rows.values.size(0));
  return {weight * std::sqrt(rows.terms) * norm_of(rows.error) +
          (s.operand(1) + 2 * s.rounding.inside) * weight * norm_of(rows.values) +
          (s.operand(2) + 2 * s.rounding.inside) * norm_of(s.in[2]) * std::sqrt(n)};
}

Errors layer_norm_backward(const Seen& s) {
  const NormalizedRows rows(s);
  const auto n = static_cast<double>(rows.values.size(0));
  const at::Tensor dy = s.given[0].reshape(rows.values.sizes()).to(at::kDouble);
  const at::Tensor g = row_norms(dy * s.in[1].to(at::kDouble)) * rows.scale.squeeze(1);
  const double length = norm_of(dy);
  // Three terms, none longer than g.
  const double each = s.inside(rows.terms + 4) + s.operand(1);
  return {norm_of(g * (5 * rows.error + 3 * each)),
          length * (norm_of(rows.error) +
                    (rows.error.max().item<double>() + s.inside(n)) * rows.longest_column()),
          length * s.inside(n) * std::sqrt(n)};
}

Errors layer_norm_gain(const Seen& s) {
  const NormalizedRows rows(s);
  const double weight = s.in[1].abs().max().to(at::kDouble).item<double>();
  return {3 * weight * rows.scale.max().item<double>(), rows.longest_column(),
          std::sqrt(static_cast<double>(rows.values.size(0)))};
}

// |x gelu'(x)| <= 1.13 |x|; eight roundings in fp32, whichever form.
constexpr double kGeluSlope = 1.13, kGeluRoundings = 8;

Errors gelu(const Seen& s) {
  return {(kGeluSlope * s.operand(0) + kGeluRoundings * s.rounding.inside) * norm_of(s.in[0])};
}

// |x gelu''(x)| < 1.
Errors gelu_backward(const Seen& s) {
  return {(s.operand(0) + 2 * kGeluRoundings * s.rounding.inside) * norm_of(s.given[0])};
}

Errors gelu_gain(const Seen& /*s*/) {
  return {kGeluSlope};
}

constexpr double kTanhRoundings = 4;

Errors tanh(const Seen& s) {
  return {(s.operand(0) + kTanhRoundings * s.rounding.inside) * norm_of(s.made[0])};
}

Errors tanh_backward(const Seen& s) {
  return {(s.operand(0) + kTanhRoundings * s.rounding.inside) * norm_of(s.given[0])};
}

// Nothing is computed: what differs was rounded on its way in.
Errors moved(const Seen& s) {
  Errors errors;
  for (const at::Tensor& x : s.made)
    errors.push_back(s.operand(0) * norm_of(x));
  return errors;
}

Errors exact(const Seen& s) {
  return Errors(s.made.size(), 0.0);
}

Errors moved_gain(const Seen& s) {
  return Errors(s.made.size(), 1.0);
}

// A mask of zeros and one other number, in fp32.
Errors dropout(const Seen& s) {
  return {(s.operand(0) + 2 * s.rounding.inside) * norm_of(s.made[0])};
}

Errors dropout_backward(const Seen& s) {
  return {2 * s.rounding.inside * norm_of(s.made[0])};
}

// The mask's other number is what it made of the largest gradient that it kept.
Errors dropout_gain(const Seen& s) {
  const at::Tensor kept = s.given[0].masked_fill(s.made[0] == 0, 0).abs();
  const double largest = kept.max().to(at::kDouble).item<double>();
  return {largest > 0 ? s.made[0].abs().max().to(at::kDouble).item<double>() / largest : 1};
}

Errors add(const Seen& s) {
  const double rows = std::sqrt(count(s.made[0]) / count(s.in[1]));
  return {s.operand(0) * norm_of(s.in[0]) + s.operand(1) * norm_of(s.in[1]) * rows};
}

double rows_added_to(const Seen& s, const at::Tensor& x) {
  return x.defined() ? count(s.given[0]) / count(x) : 1;
}

// To an operand that was added to every row come the gradients of all of them.
Errors add_backward(const Seen& s) {
  Errors errors;
  for (const at::Tensor& x : s.made) {
    const double rows = rows_added_to(s, x);
    errors.push_back(s.inside(rows - 1) * std::sqrt(rows) * norm_of(s.given[0]));
  }
  return errors;
}

Errors add_gain(const Seen& s) {
  Errors gains;
  for (const at::Tensor& x : s.made)
    gains.push_back(std::sqrt(rows_added_to(s, x)));
  return gains;
}

double tokens_of(const Seen& s) {
  return count(s.given[0]) / static_cast<double>(s.given[0].size(-1));
}

// A row of the table gets at most as many gradients as there are tokens.
Errors embedding_backward(const Seen& s) {
  return {s.inside(tokens_of(s)) * std::sqrt(tokens_of(s)) * norm_of(s.given[0])};
}

Errors embedding_gain(const Seen& s) {
  return {std::sqrt(tokens_of(s))};
}

// Softmax and its logarithm of rows of logits whose errors are known.
struct LossRows {
  at::Tensor loss;         // absolute error of a row's loss
  at::Tensor probability;  // relative error of a row's probabilities

  // `error`, `largest` [rows]: of the logits.
  LossRows(const at::Tensor& error, const at::Tensor& largest, double classes, const Seen& s) {
    const double sums = s.inside(classes + 8);
    const at::Tensor exponent = error + 3 * s.rounding.inside * largest;
    // log-sum-exp moves no farther than its logits.
    loss = 2 * exponent + sums + 6 * s.rounding.inside * (largest + std::log(classes));
    probability = (2 * exponent).expm1() + sums + 8 * s.rounding.inside;
  }
};

at::Tensor head_logits_most(const Seen& s) {
  at::Tensor most = row_norms(s.in[0]) * row_norms(s.in[1]).max();
  if (s.in[2].defined()) most = most + s.in[2].abs().max().to(at::kDouble);
  return most;
}

LossRows head_rows(const Seen& s) {
  const double unit = s.operand(0) + s.operand(1) + s.operand(2) + s.rounding.stored +
                      s.inside(static_cast<double>(s.in[0].size(-1)) + 1);
  const at::Tensor most = head_logits_most(s);
  return {unit * most, most, static_cast<double>(s.in[1].size(0)), s};
}

Errors lm_head_loss(const Seen& s) {
  return {head_rows(s).loss.sum().item<double>() / s.context.loss_targets};
}

// The gradient of a row's logits has a sum of magnitudes of at most 2 scale / N.
Errors lm_head_loss_backward(const Seen& s) {
  const double factor = s.context.loss_scale / s.context.loss_targets;
  const auto classes = static_cast<double>(s.in[1].size(0));
  const auto rows = static_cast<double>(s.in[0].size(0));
  const at::Tensor row = head_rows(s).probability + 2 * s.rounding.stored;
  const double longest = row_norms(s.in[1]).max().item<double>();
  return {factor * longest * norm_of(row + 2 * (s.operand(1) + s.inside(classes))),
          factor * norm_of(s.in[0]) * norm_of(row + 2 * (s.operand(0) + s.inside(rows))),
          factor * (row + 2 * s.inside(rows)).sum().item<double>()};
}

LossRows document_rows(const Seen& s) {
  const at::Tensor largest = s.in[0].abs().amax(-1).to(at::kDouble);
  return {s.operand(0) * largest, largest, static_cast<double>(s.in[0].size(-1)), s};
}

Errors cross_entropy(const Seen& s) {
  return {document_rows(s).loss.sum().item<double>() / s.context.loss_targets};
}

Errors cross_entropy_backward(const Seen& s) {
  return {s.context.loss_scale / s.context.loss_targets * norm_of(document_rows(s).probability)};
}

// max(x, 0) + log(1 + e^-|x|) - t x: at most |x| + 1 each, 8 roundings; slope at most 1.
Errors binary_cross_entropy(const Seen& s) {
  const double sum = s.in[0].abs().sum(at::kDouble).item<double>();
  return {((s.operand(0) + 8 * s.rounding.inside) * sum + 8 * s.rounding.inside * count(s.in[0])) /
          s.context.loss_targets};
}

// A sigmoid's slope is at most 1/4.
Errors binary_cross_entropy_backward(const Seen& s) {
  return {
      s.context.loss_scale / s.context.loss_targets *
      (8 * s.rounding.inside * std::sqrt(count(s.in[0])) + s.operand(0) / 4 * norm_of(s.in[0]))};
}

struct Operation {
  Derivation forward, backward, gain;
  // Whether results are computed, and so rounded on store, or are operands as they came.
  bool computes = true, computes_backward = true;
};

const std::map<std::string_view, Operation>& operations() {
  static const std::map<std::string_view, Operation> all{
      {"linear", {affine, affine_backward, affine_gain}},
      {"conv1d", {affine, affine_backward, affine_gain}},
      {"attention", {attention, attention_backward, attention_gain}},
      {"layer_norm", {layer_norm, layer_norm_backward, layer_norm_gain}},
      {"gelu", {gelu, gelu_backward, gelu_gain}},
      {"tanh", {tanh, tanh_backward, moved_gain}},
      {"dropout", {dropout, dropout_backward, dropout_gain}},
      {"add", {add, add_backward, add_gain}},
      {"lm_head_loss", {lm_head_loss, lm_head_loss_backward, exact}},
      {"cross_entropy", {cross_entropy, cross_entropy_backward, exact}},
      {"binary_cross_entropy", {binary_cross_entropy, binary_cross_entropy_backward, exact}},
      {"embedding", {moved, embedding_backward, embedding_gain, false}},
      {"reshape", {moved, exact, moved_gain, false, false}},
      {"select_rows", {moved, exact, moved_gain, false, false}},
      {"split", {moved, exact, moved_gain, false, false}},
      {"split_heads", {moved, exact, moved_gain, false, false}},
      {"merge_heads", {moved, exact, moved_gain, false, false}},
  };
  return all;
}

Bounds bounds_of(const Errors& errors, const Seen& s, bool computes) {
  Bounds bounds;
  for (std::size_t i = 0; i < s.made.size(); ++i) {
    if (!s.made[i].defined()) {
      bounds.emplace_back();
      continue;
    }
    const double store = computes ? s.rounding.results[i] * norm_of(s.made[i]) : 0;
    bounds.emplace_back(errors.at(i) + store);
  }
  return bounds;
}

Bounds none(std::size_t results) {
  return Bounds(results, std::nullopt);
}

}  // namespace

double unit_roundoff(at::ScalarType type) {
  return epsilon(dtype_of(type)) / 2;
}

double norm_of(const at::Tensor& x) {
  return at::linalg_vector_norm(x, 2, {}, /*keepdim=*/false, at::kDouble).item<double>();
}

double gamma_of(double n, double u) {
  return n * u < 1 ? n * u / (1 - n * u) : kInfinity;
}

Bounds forward_bounds(const Node& node, at::TensorList in, at::TensorList out,
                      const Rounding& rounding, const BoundContext& context) {
  const auto found = operations().find(node.operation);
  if (found == operations().end()) return none(out.size());
  const Seen seen{in, {}, out, rounding, context};
  return bounds_of(found->second.forward(seen), seen, found->second.computes);
}

namespace {

const Operation* known(const Node& node, at::TensorList made) {
  const auto found = operations().find(node.operation);
  const bool wanted =
      std::any_of(made.begin(), made.end(), [](const at::Tensor& x) { return x.defined(); });
  return found == operations().end() || !wanted ? nullptr : &found->second;
}

}  // namespace

Bounds backward_bounds(const Node& node, at::TensorList in, at::TensorList given,
                       at::TensorList made, const Rounding& rounding, const BoundContext& context) {
  const Operation* operation = known(node, made);
  if (operation == nullptr) return none(made.size());
  const Seen seen{in, given, made, rounding, context};
  return bounds_of(operation->backward(seen), seen, operation->computes_backward);
}

Bounds backward_gains(const Node& node, at::TensorList in, at::TensorList given,
                      at::TensorList made, const BoundContext& context) {
  const Operation* operation = known(node, made);
  if (operation == nullptr) return none(made.size());
  const Rounding exactly;
  const Seen seen{in, given, made, exactly, context};
  return bounds_of(operation->gain(seen), seen, /*computes=*/false);
}

}  // namespace dtbench
