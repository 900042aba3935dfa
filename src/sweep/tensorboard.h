// A run's scalars as an event file for TensorBoard, from steps.jsonl and events.jsonl.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace dtbench {

// One record of the TFRecord format (tensorflow/core/lib/io/record_writer.h): length, masked
// CRC-32C of it, the data, masked CRC-32C of that; little-endian.
std::string tf_record(std::string_view data);

// A scalar as a serialized tensorflow.Event (tensorflow/core/util/event.proto).
std::string scalar_event(double wall_time, std::int64_t step, std::string_view tag, float value);

// Writes <run>/tensorboard/events.out.tfevents.0.dtbench anew: loss, gradient norm, learning rate,
// loss scale, samples per second and time of each step, and the scores of each evaluation. Without
// steps nothing is written. Throws Error when it cannot be written.
void write_event_file(const std::filesystem::path& run);

}  // namespace dtbench
