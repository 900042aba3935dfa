// The loss of a head's outputs for documents: the engine's half of a task (config/task.h) as far as
// the model needs it. The built-in tasks' are there from the start; an extension registers its own.
#pragma once

#include <string>
#include <string_view>

#include "config/policy.h"
#include "engine/ops/loss.h"

namespace dtbench {

// outputs [B, outputs] in the compute datatype and the task's targets -> fp64 scalar loss sum /
// normalizer.count, the root of its tape; its gradient is multiplied by normalizer.scale
// (ops/loss.h).
using DocumentLoss = Value (*)(Tape& tape, const Value& outputs, const at::Tensor& targets,
                               const LossNormalizer& normalizer, LossRule rule);

void register_document_loss(const std::string& task, DocumentLoss loss);

// Throws Error (permanent) for a task that the engine has no loss for.
DocumentLoss document_loss(std::string_view task);

}  // namespace dtbench
