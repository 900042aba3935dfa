// The resolved specification of one cell. Plain structs: parsed and validated once, then const.
// Its canonical JSON is spec.json; the hash of that is the cell's id. A new field is a member here
// and a row of the tables in run_spec.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/json.h"
#include "config/attention_form.h"
#include "config/enum_names.h"
#include "config/model_family.h"
#include "config/optimizer_kind.h"
#include "config/policy.h"
#include "config/task.h"

namespace dtbench {

// What multi-label BCE is divided by: documents x labels, or documents only.
enum class BceReduction { kMean, kSumLabels };
constexpr auto names_of(BceReduction) {
  return std::array{EnumName{BceReduction::kMean, "mean"},
                    EnumName{BceReduction::kSumLabels, "sum_labels"}};
}

// At the first NaN or infinity.
enum class OnNonfinite { kStop, kContinue };
constexpr auto names_of(OnNonfinite) {
  return std::array{EnumName{OnNonfinite::kStop, "stop"},
                    EnumName{OnNonfinite::kContinue, "continue"}};
}

// Where a head's initial weights come from if the body's come from a file.
enum class InitHead { kFile, kDrawn };
constexpr auto names_of(InitHead) {
  return std::array{EnumName{InitHead::kFile, "file"}, EnumName{InitHead::kDrawn, "drawn"}};
}

enum class Engine { kReference };  // one so far; every spec names it
constexpr auto names_of(Engine) {
  return std::array{EnumName{Engine::kReference, "reference"}};
}

// The model's shape as far as the configuration decides it; vocabulary and label count come from
// the data (config/model_shape.h joins them).
struct ModelSpec {
  Registered<ModelFamily> architecture = gpt2_family();
  std::int64_t layers = 12;
  std::int64_t width = 768;  // C, "n_embd" / "hidden_size"
  std::int64_t heads = 12;
  std::int64_t positions = 1024;  // rows of the position table ("n_positions"; RoBERTa's holds 2
                                  // more than its longest sequence)
  double dropout = 0.1;           // residuals, embeddings and heads; attention probabilities have 0
  double layer_norm_epsilon = 1e-5;
  AttentionForm attention = AttentionForm::kComposed;  // left out of JSON when "composed"
  std::string init = "scratch";  // "scratch", or a safetensors file, a path or an address on the
                                 // Hub (config/hub_address.h)
  InitHead init_head = InitHead::kFile;  // left out of JSON when "file"
};

struct DataSpec {
  std::string source = "synthetic";  // "synthetic", or a .parquet / .jsonl / .jsonl.gz file, or a
                                     // folder of them; on the Hub, too (config/hub_address.h)
  std::string tokenizer;             // tokenizer.json, a path or an address on the Hub; or
  std::string vocab;                 // vocab.json, with
  std::string merges;                // merges.txt; all "": the shipped synthetic BPE
  std::string text_field;            // these three: "": the one that known data sets have
  std::string label_field;           // (data/source_fields.h)
  std::string split_field;           // "none": no field
  std::string label_form;            // data/label_form.h; left out of JSON when ""
  std::int64_t examples = 0;   // at most so many documents of each split, the first ones; 0: all
  std::int64_t bytes = 0;      // at most so many bytes of their text; 0: all
  std::int64_t length = 1024;  // T: block length (LM), truncation (classification)
  std::int64_t synthetic_documents = 0;  // size and label count of the generated corpus; 0 unless
  std::int64_t synthetic_labels = 0;     // source is "synthetic"
};

struct TrainSpec {
  std::int64_t steps = 1000;
  std::int64_t batch = 32;          // samples in the global batch
  std::int64_t micro_batch = 32;    // divides batch; k = batch / micro_batch
  std::int64_t processes = 1;       // that share a step's micro-batches, the same number each
  std::int64_t length_buckets = 0;  // sizes that batches are padded to; 0: as long as they are
                                    // (config/length_buckets.h)
  Registered<OptimizerKind> optimizer = adamw();
  double learning_rate = 0;         // constant after a linear warm-up
  std::int64_t warmup_steps = 100;  // the preset's, whatever `steps` is (ADR 0023)
  double beta1 = 0.9;
  double beta2 = 0.999;
  double weight_decay = 0.01;  // not on biases and norms
  double clip_norm = 1.0;
  BceReduction bce_reduction = BceReduction::kMean;
  std::int64_t eval_every = 0;  // steps between evaluations; 0: before the first step and after
                                // the last only (those two always happen)
  std::int64_t eval_examples = 512;  // at most so many validation examples
  OnNonfinite on_nonfinite = OnNonfinite::kStop;
};

struct RunSpec {
  std::string scenario;  // "A".."F"
  std::string preset;
  Registered<Task> objective = causal_lm();
  ModelSpec model;
  DataSpec data;
  TrainSpec train;
  DtypePolicy policy;
  std::int64_t seed = 0;       // 0 .. 2^32 - 1
  std::string device = "cpu";  // "cpu", "cuda", "cuda:N"
  Engine engine = Engine::kReference;
};

// The spec as it is recorded: fields at their historical value are left out (config/fields.h).
Json to_json(const RunSpec& spec);
// With every field.
Json to_whole_json(const RunSpec& spec);
// The inverse of both: every key must be there but those with a historical value, and none besides.
// Validates.
RunSpec run_spec_from_json(const Json& json, const std::string& origin);

// Throws Error (usage) naming the field for values out of range and settings that contradict
// each other (a length beyond the position table, a micro-batch that does not divide the batch
// ...).
void validate(const RunSpec& spec);
// Its first part: every number within the range that its row of the table gives.
void require_spec_ranges(const RunSpec& spec);

// Throws Error (usage) unless `device` is "cpu", "cuda" or "cuda:N".
void require_device(const std::string& device);

// The first 16 hexadecimal digits of the SHA-256 of the spec's canonical JSON (ADR 0018).
std::string cell_id(const RunSpec& spec);
std::string cell_id(const Json& spec);  // of a recorded one

}  // namespace dtbench
