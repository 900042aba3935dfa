// What a model is trained for, as far as the configuration and the reports know it. A spec names it
// as its objective. Targets, collation and loss are the engine's half.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/registry.h"

namespace dtbench {

struct ModelFamily;

// kBlocks: a stream of text cut into blocks (language models, predicting tokens). kDocuments: each
// document with its labels.
enum class TaskReads { kBlocks, kDocuments };

// What a family must have: attention that looks back only, or a mask token and attention that
// looks both ways.
enum class TaskNeeds { kAnyFamily, kCausalAttention, kMaskToken };

// The measure by which policies are held against fp32_true, and the loss of quality that is still
// called none: the contract's margins.
struct Quality {
  std::string metric = "val_loss";                // a key of analyse()'s metrics
  std::string pointer = "/convergence/val_loss";  // into result.json
  std::string name = "validation loss";
  bool higher_is_better = false;
  double margin = 0.01;
  bool relative = true;  // the margin is a share of fp32_true's value
};

struct Task {
  std::string name;   // in specs: "clm"
  std::string title;  // for people: "causal language model"
  TaskReads reads = TaskReads::kDocuments;
  TaskNeeds needs = TaskNeeds::kAnyFamily;
  bool takes_bce_reduction = false;  // whether train.bce_reduction may be other than "mean"
  std::string normalizer;            // what its loss is divided by, counted over the global batch
  Quality quality;
  // Predictions of a global batch whose sequences are all full.
  std::int64_t (*targets)(std::int64_t samples, std::int64_t length) = nullptr;
  // Outputs of the head for a document, of as many labels in the data; none for kBlocks.
  std::int64_t (*outputs)(std::int64_t labels) = nullptr;
};

// To be called by an extension as it is loaded. Throws Error (usage) for an incomplete entry.
const Task& register_task(Task task);

Registered<Task> causal_lm();
Registered<Task> masked_lm();
Registered<Task> multi_label();
Registered<Task> single_label();

// It reads blocks and predicts tokens; else it reads documents.
bool is_language_model(const Task& task);

// Names of the families that can be trained for it.
bool suits(const Task& task, const ModelFamily& family);
std::vector<std::string> suitable_families(const Task& task);

template <>
Registry<Task>& registry<Task>();

}  // namespace dtbench
