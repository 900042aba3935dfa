#include "sweep/tensorboard.h"

#include <array>
#include <bit>
#include <boost/crc.hpp>
#include <ctime>

#include "analysis/json_access.h"
#include "base/atomic_file.h"
#include "base/json.h"
#include "record/run_directory.h"

namespace dtbench {
namespace {

// The two messages have five fields of three wire types, so they are encoded here: linking protobuf
// would meet torch's own copy in one process (docs: encoding, protobuf.dev/programming-guides).
enum class Wire : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7)
    bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

std::string key(unsigned field, Wire wire) {
  return varint(field << 3 | static_cast<unsigned>(wire));
}

template <typename Unsigned>
std::string little_endian(Unsigned value) {
  std::string bytes;
  for (std::size_t i = 0; i < sizeof value; ++i)
    bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

std::string bytes_field(unsigned field, std::string_view bytes) {
  return key(field, Wire::kBytes).append(varint(bytes.size())).append(bytes);
}

std::string event(double wall_time, std::int64_t step, const std::string& what) {
  return key(1, Wire::kFixed64) + little_endian(std::bit_cast<std::uint64_t>(wall_time)) +
         key(2, Wire::kVarint) + varint(static_cast<std::uint64_t>(step)) + what;
}

// CRC-32C (RFC 3720), rotated and shifted as the format wants it.
std::uint32_t masked_crc(std::string_view data) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(data.data(), data.size());
  return std::rotr(crc.checksum(), 15) + 0xA282EAD8U;
}

// Seconds since 1970 of "2026-01-31T12:34:56.789Z"; 0 for anything else.
double unix_seconds(const Json& utc) {
  tm parts{};
  if (!utc.is_string()) return 0;
  const char* rest = strptime(utc.get<std::string>().c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  return rest == nullptr ? 0 : static_cast<double>(timegm(&parts));
}

struct Scalar {
  const char* member;
  const char* tag;
};

constexpr std::array kOfAStep = {
    Scalar{"/loss", "train/loss"}, Scalar{"/grad_norm", "train/grad_norm"},
    Scalar{"/lr", "train/learning_rate"}, Scalar{"/loss_scale", "train/loss_scale"},
    Scalar{"/step_ms", "speed/step_ms"}};
constexpr std::array kOfAnEvaluation = {
    Scalar{"/val_loss", "validation/loss"}, Scalar{"/f1_micro", "validation/f1_micro"},
    Scalar{"/f1_macro", "validation/f1_macro"},
    Scalar{"/average_precision_micro", "validation/average_precision_micro"},
    Scalar{"/accuracy", "validation/accuracy"}};

template <std::size_t N>
std::string scalars(const Json& line, const std::array<Scalar, N>& wanted, double wall_time,
                    std::int64_t step) {
  std::string records;
  for (const auto& [member, tag] : wanted)
    if (const auto value = number_or_none(member_or_null(line, member)))
      records += tf_record(scalar_event(wall_time, step, tag, static_cast<float>(*value)));
  return records;
}

std::int64_t step_of(const Json& line) {
  const Json step = member_or_null(line, "/step");
  return step.is_number_integer() ? step.get<std::int64_t>() : 0;
}

}  // namespace

std::string tf_record(std::string_view data) {
  const std::string length = little_endian(std::uint64_t{data.size()});
  std::string record = length + little_endian(masked_crc(length));
  return record.append(data).append(little_endian(masked_crc(data)));
}

std::string scalar_event(double wall_time, std::int64_t step, std::string_view tag, float value) {
  const std::string number =
      key(2, Wire::kFixed32) + little_endian(std::bit_cast<std::uint32_t>(value));
  const std::string summary = bytes_field(1, bytes_field(1, tag) + number);
  return event(wall_time, step, bytes_field(5, summary));
}

void write_event_file(const std::filesystem::path& run) {
  const std::vector<Json> steps = read_lines(run / "steps.jsonl");
  if (steps.empty()) return;
  const std::vector<Json> events = read_lines(run / "events.jsonl");
  const double start = events.empty() ? 0 : unix_seconds(member_or_null(events.front(), "/at"));
  std::string text = tf_record(event(start, 0, bytes_field(3, "brain.Event:2")));
  double wall_time = start;  // steps have durations, no times
  for (const Json& line : steps) {
    const double milliseconds = number_or_none(member_or_null(line, "/step_ms")).value_or(0);
    const auto samples = number_or_none(member_or_null(line, "/samples"));
    wall_time += milliseconds / 1e3;
    text += scalars(line, kOfAStep, wall_time, step_of(line));
    if (milliseconds > 0 && samples)
      text += tf_record(scalar_event(wall_time, step_of(line), "speed/samples_per_s",
                                     static_cast<float>(*samples / milliseconds * 1e3)));
  }
  for (const Json& line : events)
    if (member_or_null(line, "/event") == "evaluation")
      text +=
          scalars(line, kOfAnEvaluation, unix_seconds(member_or_null(line, "/at")), step_of(line));
  const std::filesystem::path folder = run / "tensorboard";
  make_directories(folder);
  write_file_atomically(folder / "events.out.tfevents.0.dtbench", text);
}

}  // namespace dtbench
