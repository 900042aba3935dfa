// The engine's half of a task (config/task.h): targets, loss, scores and the best constant answer.
// The built-in tasks are there from the start; an extension registers its own.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "engine/model/document_loss.h"
#include "engine/train/constant_predictor.h"
#include "engine/train/scores.h"
#include "engine/train/targets.h"

namespace dtbench {

struct TaskEngine {
  std::string task;  // its name in specs: "clm"
  std::unique_ptr<TargetMaker> (*targets)(const TokenStore& store, const RunSpec& spec) = nullptr;
  // Documents: of the head's outputs. Null for language models, whose head brings its loss.
  DocumentLoss loss = nullptr;
  // Null: nothing but the loss.
  std::unique_ptr<Scores> (*scores)(std::int64_t outputs) = nullptr;
  ConstantPredictor (*constant)(const TokenStore& store, const BatchSource& source,
                                std::int64_t evaluated, const RunSpec& spec) = nullptr;
};

void register_task_engine(const TaskEngine& engine);

// Throws Error (permanent) for a task that the engine cannot train.
const TaskEngine& task_engine(std::string_view task);

}  // namespace dtbench
