#include "data/safetensors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>

#include "base/error.h"
#include "base/json.h"

namespace dtbench {
namespace {

class Safetensors : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() /
                 ("dtbench_safetensors_test_" + std::to_string(getpid()));
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path file(const std::string& bytes) const {
    const auto path = directory_ / "case.safetensors";
    std::filesystem::remove(path);  // file systems flush a file that is truncated and rewritten
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  std::filesystem::path directory_;
};

std::string read_bytes(const std::filesystem::path& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

std::string with_length(std::uint64_t length, const std::string& rest) {
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + rest;
}

// A file of that header, followed by `data_bytes` zeros.
std::string file_of(const std::string& header, std::size_t data_bytes = 0) {
  return with_length(header.size(), header + std::string(data_bytes, '\0'));
}

// A file with one tensor `t` whose entry is as given, followed by 8 zeros.
std::string one_tensor(const std::string& entry) {
  return file_of(R"({"t":)" + entry + "}", 8);
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage) << error.what();
    return error.what();
  }
  return "(accepted)";
}

TEST_F(Safetensors, MalformedFilesAreRefusedWithTheirReason) {
  struct Case {
    std::string bytes;
    std::string expected;
  };
  const std::vector<Case> cases = {
      {"", "expected at least 8 bytes (the header's length), found 0"},
      {"1234567", "expected at least 8 bytes (the header's length), found 7"},
      {with_length(3, "{}"), "the header's length is 3 bytes, but only 2 follow"},
      {with_length(16777217, "{}"), "must be at most 16777216 bytes, found 16777217"},
      {with_length(~std::uint64_t{0}, "{}"), "must be at most 16777216 bytes"},
      {file_of(""), "must be a JSON object"},
      {file_of("[]"), "must be a JSON object"},
      {file_of(" {}"), "must be a JSON object"},
      {file_of("{"), "not valid UTF-8 JSON"},
      {file_of("{} x"), "not valid UTF-8 JSON"},
      {file_of("{/**/}"), "not valid UTF-8 JSON"},
      {file_of(std::string("{}\0 hidden", 10)), "NUL byte"},
      {file_of("{\"__metadata__\":{\"a\":\"\xff\"}}"), "not valid UTF-8 JSON"},
      {file_of("{\"__metadata__\":{\"a\":\"\xc0\x80\"}}"), "not valid UTF-8 JSON"},
      {file_of(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
               R"("\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})"),
       "the name \"a\" occurs twice"},
      {file_of(R"({"__metadata__":{},"__metadata__":{}})"), "\"__metadata__\" occurs twice"},
      {file_of(R"({"__metadata__":{"k":"1","k":"2"}})"), "the name \"k\" occurs twice"},
      {one_tensor(R"({"dtype":"U8","dtype":"I8","shape":[8],"data_offsets":[0,8]})"),
       "the name \"dtype\" occurs twice"},
      {file_of(R"({"t":)" + std::string(100000, '[')), "nests deeper"},
      {file_of(R"({"__metadata__":[]})"), "__metadata__ must be an object of strings, found []"},
      {file_of(R"({"__metadata__":null})"),
       "__metadata__ must be an object of strings, found null"},
      {file_of(R"({"__metadata__":{"step":3}})"),
       "__metadata__ must hold only strings, found 3 under \"step\""},
      {one_tensor("3"), "tensor \"t\": expected {dtype, shape, data_offsets}, found 3"},
      {one_tensor(R"({"shape":[8],"data_offsets":[0,8]})"), "'dtype' is missing"},
      {one_tensor(R"({"dtype":"U8","data_offsets":[0,8]})"), "'shape' is missing"},
      {one_tensor(R"({"dtype":"U8","shape":[8]})"), "'data_offsets' is missing"},
      {one_tensor(R"({"dtype":"U8","shape":[8],"data_offsets":[0,8],"strides":[1]})"),
       "unknown field \"strides\""},
      {one_tensor(R"({"dtype":"F31","shape":[2],"data_offsets":[0,8]})"),
       "unknown dtype \"F31\", expected one of U64,"},
      {one_tensor(R"({"dtype":4,"shape":[2],"data_offsets":[0,8]})"), "unknown dtype 4"},
      {one_tensor(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})"),
       "shape must be a list of integers, found 2"},
      {one_tensor(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"),
       "shape must hold integers from 0 to 2^63 - 1, found -2"},
      {one_tensor(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})"), "2^63 - 1, found 2.0"},
      {one_tensor(R"({"dtype":"F32","shape":["2"],"data_offsets":[0,8]})"),
       "2^63 - 1, found \"2\""},
      {one_tensor(R"({"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,8]})"),
       "2^63 - 1, found 9223372036854775808"},
      {one_tensor(R"({"dtype":"F32","shape":[1e999],"data_offsets":[0,8]})"), "number too large"},
      {one_tensor(R"({"dtype":"F32","shape":[18446744073709551618],"data_offsets":[0,8]})"),
       "2^63 - 1, found 1.84467"},
      // 2^32 x 2^32 elements are 0 modulo 2^64; 2^62 items of 4 bytes are, too.
      {one_tensor(R"({"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]})"),
       "overflows 64 bits"},
      {one_tensor(R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]})"),
       "overflows 64 bits"},
      {one_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":8})"),
       "data_offsets must be [begin, end], two integers from 0, found 8"},
      {one_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[8]})"), "[begin, end]"},
      {one_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4,8]})"), "[begin, end]"},
      {one_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[-8,0]})"), "[begin, end]"},
      {one_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8.0]})"), "[begin, end]"},
      {one_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"), "end before they begin"},
      {one_tensor(R"({"dtype":"F32","shape":[3],"data_offsets":[0,12]})"),
       "data_offsets [0,12] leave the file: 8 bytes follow the header"},
      {one_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[18446744073709551608,8]})"),
       "end before they begin"},
      {one_tensor(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
       "shape [3] of F32 takes 12 bytes, but data_offsets span 8"},
      {one_tensor(R"({"dtype":"F32","shape":[],"data_offsets":[0,8]})"),
       "shape [] of F32 takes 4 bytes, but data_offsets span 8"},
      {file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
               R"("b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}})",
               7),
       "tensor \"b\": begins at byte 3 and overlaps the tensor before it, which ends at 4"},
      {file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
               R"("b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}})",
               4),
       "tensor \"b\": begins at byte 2 and overlaps"},
      {file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
               R"("b":{"dtype":"U8","shape":[2],"data_offsets":[5,7]}})",
               7),
       "tensor \"b\": begins at byte 5 and leaves a hole after byte 4"},
      {one_tensor(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})"),
       "the tensors take 4 bytes, but 8 follow the header"},
      {file_of("{}", 1), "the tensors take 0 bytes, but 1 follow the header"},
  };
  for (const Case& malformed : cases) {
    const auto path = file(malformed.bytes);
    const std::string message = error_of([&] { SafetensorsFile{path}; });
    EXPECT_NE(message.find(malformed.expected), std::string::npos)
        << "expected: " << malformed.expected << "\nfound: " << message;
    EXPECT_NE(message.find(path.string()), std::string::npos) << message;
  }
}

TEST_F(Safetensors, WhatIsNotAFileIsNamed) {
  EXPECT_NE(error_of([&] {
              SafetensorsFile(directory_ / "absent.safetensors");
            }).find("Expected a file at"),
            std::string::npos);
  EXPECT_NE(error_of([&] { SafetensorsFile{directory_}; }).find("found a folder"),
            std::string::npos);
}

TEST_F(Safetensors, LongNamesAreCutInMessagesBetweenCharacters) {
  for (const std::string first : {"", "n"}) {
    std::string name = first;
    for (int i = 0; i < 100000; ++i)
      name += "\xc3\xa9";
    const std::string message =
        error_of([&] { SafetensorsFile(file(file_of("{\"" + name + "\":0}"))); });
    EXPECT_LT(message.size(), 1000u);
    EXPECT_NO_THROW(Json(message).dump());
  }
}

TEST_F(Safetensors, TensorsNeedNoOrderAndSpacesMayFollowTheHeader) {
  const SafetensorsFile read(
      file(file_of(R"({"late":{"dtype":"U8","shape":[2],"data_offsets":[4,6]},)"
                   R"("empty":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]},)"
                   R"("early":{"shape":[],"data_offsets":[0,4],"dtype":"F32"}}     )",
                   6)));
  EXPECT_EQ(read.tensors().size(), 3u);
  EXPECT_EQ(read.tensors().at("late").data - read.tensors().at("early").data, 4);
  EXPECT_EQ(read.tensors().at("empty").bytes, 0u);
  EXPECT_TRUE(read.metadata().empty());
}

template <typename T, std::size_t N>
TensorView view(const char* dtype, std::vector<std::int64_t> shape, const std::array<T, N>& items) {
  return {dtype, std::move(shape), reinterpret_cast<const std::byte*>(items.data()), sizeof(T) * N};
}

const std::array<float, 6> kFloats = {1.5f, -2.0f, 0.0f, -0.0f, 3e-45f, 3.4e38f};
const std::array<std::uint16_t, 3> kHalves = {0x3f80, 0x7fc0, 0x8001};
const std::array<std::int64_t, 1> kInteger = {-7};
const std::array<std::uint8_t, 5> kBytes = {0, 1, 127, 128, 255};

std::map<std::string, TensorView> sample_tensors() {
  return {{"weight", view("F32", {2, 3}, kFloats)},
          {"half", view("BF16", {3}, kHalves)},
          {"scalar", view("I64", {}, kInteger)},
          {"bytes", view("U8", {5, 1}, kBytes)},
          {"empty", {"F16", {4, 0}, nullptr, 0}},
          {"name \"quoted\" \n \xc3\xa9", view("I8", {5}, kBytes)}};
}

TEST_F(Safetensors, WhatIsWrittenReadsBack) {
  const auto path = directory_ / "model.safetensors";
  const std::map<std::string, std::string> metadata = {{"format", "pt"},
                                                       {"note", "\xe2\x82\xac\t"}};
  write_safetensors(path, sample_tensors(), metadata);
  const SafetensorsFile read(path);
  EXPECT_EQ(read.metadata(), metadata);
  EXPECT_EQ(read.path(), path);
  ASSERT_EQ(read.tensors().size(), sample_tensors().size());
  for (const auto& [name, expected] : sample_tensors()) {
    const TensorView& found = read.tensors().at(name);
    EXPECT_EQ(found.dtype, expected.dtype) << name;
    EXPECT_EQ(found.shape, expected.shape) << name;
    ASSERT_EQ(found.bytes, expected.bytes) << name;
    EXPECT_TRUE(expected.bytes == 0 || std::memcmp(found.data, expected.data, found.bytes) == 0)
        << name;
  }
}

TEST_F(Safetensors, AMovedFileKeepsItsMapping) {
  const auto path = directory_ / "model.safetensors";
  write_safetensors(path, sample_tensors(), {});
  SafetensorsFile first(path);
  const SafetensorsFile second(std::move(first));
  EXPECT_EQ(std::memcmp(second.tensors().at("bytes").data, kBytes.data(), sizeof kBytes), 0);
}

// The layout of the Python package 0.8.0: datatype, then name; header padded to 8 bytes.
TEST_F(Safetensors, LayoutIsTheReferenceWriters) {
  const auto path = directory_ / "model.safetensors";
  const std::array<std::uint8_t, 1> a = {0x61}, b = {0x62};
  write_safetensors(
      path,
      {{"b", view("U8", {1}, b)}, {"a", view("U8", {1}, a)}, {"z", view("F32", {2, 3}, kFloats)}},
      {{"format", "pt"}});
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"z":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("a":{"dtype":"U8","shape":[1],"data_offsets":[24,25]},)"
      R"("b":{"dtype":"U8","shape":[1],"data_offsets":[25,26]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  const std::string floats(reinterpret_cast<const char*>(kFloats.data()), sizeof kFloats);
  EXPECT_EQ(read_bytes(path), with_length(padded.size(), padded + floats + "ab"));
  write_safetensors(path, {}, {});
  EXPECT_EQ(read_bytes(path), with_length(8, "{}      "));
}

TEST_F(Safetensors, WriterRefusesWhatItCouldNotReadBack) {
  const auto path = directory_ / "refused.safetensors";
  const auto error = [&](const std::string& name, const TensorView& tensor,
                         const std::map<std::string, std::string>& metadata = {}) {
    return error_of([&] { write_safetensors(path, {{name, tensor}}, metadata); });
  };
  const TensorView good = view("U8", {5}, kBytes);
  for (const std::string& message :
       {error("t", view("F31", {5}, kBytes)), error("t", view("U8", {4}, kBytes)),
        error("t", view("U8", {-5}, kBytes)), error("__metadata__", good)})
    EXPECT_NE(message.find("Cannot write tensor"), std::string::npos) << message;
  EXPECT_NE(error("bad \xff name", good).find("must be UTF-8"), std::string::npos);
  EXPECT_NE(error("t", good, {{"k", std::string(17u << 20, 'v')}}).find("at most 16777216"),
            std::string::npos);
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

TEST_F(Safetensors, AWriteThatFailsKeepsTheOldFile) {
  const auto path = directory_ / "model.safetensors";
  write_safetensors(path, {}, {});
  const std::vector<std::byte> large(1u << 20);
  // A file-size limit stands in for a full disk.
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{4096, limit.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(write_safetensors(path, {{"t", {"U8", {1 << 20}, large.data(), large.size()}}}, {}),
               Error);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(read_bytes(path), with_length(8, "{}      "));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
}

// One random fault: flipped bits, a byte of JSON in the header, a cut, an insertion, a new length.
std::string mutated(std::string bytes, std::mt19937& random) {
  static const std::string kJson = "{}[]\",:0123456789-.eE \\untrfalse";
  const auto below = [&](std::size_t bound) { return random() % bound; };
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  for (std::size_t fault = 0, faults = 1 + below(3); fault < faults && bytes.size() > 8; ++fault) {
    const std::size_t in_header = 8 + below(std::min<std::size_t>(header, bytes.size() - 8));
    switch (below(6)) {
      case 0:
        bytes[below(bytes.size())] ^= static_cast<char>(1u << below(8));
        break;
      case 1:
        bytes[in_header] = kJson[below(kJson.size())];
        break;
      case 2:
        bytes.resize(below(bytes.size()));
        break;
      case 3:
        bytes.insert(in_header, 1, kJson[below(kJson.size())]);
        break;
      case 4:
        bytes.erase(in_header, 1 + below(4));
        break;
      default:
        bytes[below(8)] = static_cast<char>(below(256));
    }
  }
  return bytes;
}

TEST_F(Safetensors, RandomFaultsAreRefusedOrRead) {
  const auto path = directory_ / "model.safetensors";
  write_safetensors(path, sample_tensors(), {{"format", "pt"}});
  const std::string valid = read_bytes(path);
  std::mt19937 random(20240131);
  int read = 0, refused = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::string bytes = mutated(valid, random);
    const auto mutant = file(bytes);
    try {
      const SafetensorsFile opened(mutant);
      ++read;
      std::size_t total = 0;
      unsigned sum = 0;
      for (const auto& [name, tensor] : opened.tensors()) {
        total += tensor.bytes;
        for (std::size_t i = 0; i < tensor.bytes; ++i)
          sum += static_cast<unsigned>(tensor.data[i]);
      }
      std::uint64_t header = 0;
      std::memcpy(&header, bytes.data(), sizeof header);
      EXPECT_EQ(total, bytes.size() - 8 - header);
      unsigned expected = 0;
      for (std::size_t i = 8 + header; i < bytes.size(); ++i)
        expected += static_cast<unsigned char>(bytes[i]);
      EXPECT_EQ(sum, expected);
    } catch (const Error& error) {
      ++refused;
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      EXPECT_NO_THROW(Json(error.what()).dump());  // records can hold the message: it is UTF-8
    }
  }
  // Both happen often enough to mean something.
  EXPECT_GT(read, 100);
  EXPECT_GT(refused, 5000);
}

}  // namespace
}  // namespace dtbench
