// A further task, in one file: regression of a document's number of labels, by the squared error.
#include "config/extension.h"
#include "config/task.h"

DTBENCH_EXTENSION {
  dtbench::Task task;
  task.name = "label_count";
  task.title = "regression of the number of labels";
  task.normalizer = "documents";
  task.targets = [](std::int64_t samples, std::int64_t /*length*/) { return samples; };
  task.outputs = [](std::int64_t /*labels*/) { return std::int64_t{1}; };
  dtbench::register_task(std::move(task));
}
