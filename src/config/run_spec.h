// The resolved specification of one cell. Plain structs: parsed and validated once, then const.
// Its canonical JSON is spec.json; the hash of that is the cell's id.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "config/policy.h"

namespace dtbench {

enum class Architecture { kGpt2, kRoberta };
enum class Objective { kCausalLm, kMaskedLm, kMultiLabel, kSingleLabel };

// The model's shape as far as the configuration decides it; vocabulary and label count come from
// the data (config/model_shape.h joins them).
struct ModelSpec {
  Architecture architecture = Architecture::kGpt2;
  std::int64_t layers = 12;
  std::int64_t width = 768;  // C, "n_embd" / "hidden_size"
  std::int64_t heads = 12;
  std::int64_t positions = 1024;  // rows of the position table ("n_positions"; RoBERTa's holds 2
                                  // more than its longest sequence)
  double dropout = 0.1;           // residuals, embeddings and heads; attention probabilities have 0
  double layer_norm_epsilon = 1e-5;
  std::string init = "scratch";  // "scratch", or a safetensors file, a path or an address on the
                                 // Hub (config/hub_address.h)
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
  double learning_rate = 0;         // constant after a linear warm-up
  std::int64_t warmup_steps = 100;  // min(100, steps / 10) unless set
  double beta1 = 0.9;
  double beta2 = 0.999;
  double weight_decay = 0.01;  // not on biases and norms
  double clip_norm = 1.0;
  std::string bce_reduction = "mean";  // "mean" | "sum_labels"
  std::int64_t eval_every = 0;  // steps between evaluations; 0: before the first step and after
                                // the last only (those two always happen)
  std::int64_t eval_examples = 512;   // at most so many validation examples
  std::string on_nonfinite = "stop";  // "stop" | "continue"
};

struct RunSpec {
  std::string scenario;  // "A".."F"
  std::string preset;
  Objective objective = Objective::kCausalLm;
  ModelSpec model;
  DataSpec data;
  TrainSpec train;
  DtypePolicy policy;
  std::int64_t seed = 0;       // 0 .. 2^32 - 1
  std::string device = "cpu";  // "cpu", "cuda", "cuda:N"
  std::string engine = "reference";
};

const char* to_string(Architecture value);  // "gpt2", "roberta"
const char* to_string(Objective value);     // "clm", "mlm", "multi_cls", "single_cls"

inline bool is_language_model(Objective objective) {
  return objective == Objective::kCausalLm || objective == Objective::kMaskedLm;
}

Json to_json(const RunSpec& spec);
// The exact inverse of to_json: every key must be there, none besides. Validates.
RunSpec run_spec_from_json(const Json& json, const std::string& origin);

// Throws Error (usage) naming the field for values out of range and settings that contradict
// each other (a length beyond the position table, a micro-batch that does not divide the batch
// ...).
void validate(const RunSpec& spec);

// Throws Error (usage) unless `device` is "cpu", "cuda" or "cuda:N".
void require_device(const std::string& device);

// The first 16 hexadecimal digits of the SHA-256 of the spec's canonical JSON.
std::string cell_id(const RunSpec& spec);
std::string cell_id(const Json& spec);  // of a recorded one

}  // namespace dtbench
