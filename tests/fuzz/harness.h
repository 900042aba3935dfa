// The fuzzers' harnesses: each gives bytes that a stranger may have written to one of the readers
// and uses what comes out. A reader may throw Error and nothing else.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dtbench {

struct Harness {
  const char* name;  // of its corpus, too: tests/fuzz/corpus/NAME
  void (*read)(std::string_view bytes);
};

std::span<const Harness> harnesses();

// What escaped the harness that is no Error; nothing when it returned or threw one.
std::optional<std::string> fault_of(void (*read)(std::string_view), std::string_view bytes);

// Readers of several files: what stands between lines of "%%". The last part takes the rest; parts
// that are not there are empty.
std::vector<std::string_view> parts_of(std::string_view bytes, std::size_t count);

// A folder of a harness, which this process has for itself.
std::filesystem::path scratch_folder(const std::string& harness);
// A file in it. `bytes` become its content.
std::filesystem::path scratch_file(const std::string& harness, const std::string& name,
                                   std::string_view bytes);

// A property of what was read. Throws std::logic_error, which is a fault.
void require(bool property, const char* what);

void fuzz_encoder(std::string_view bytes);
void fuzz_events(std::string_view bytes);
void fuzz_headers(std::string_view bytes);
void fuzz_health(std::string_view bytes);
void fuzz_jsonl(std::string_view bytes);
void fuzz_ledger(std::string_view bytes);
void fuzz_listing(std::string_view bytes);
void fuzz_result(std::string_view bytes);
void fuzz_safetensors(std::string_view bytes);
void fuzz_settings(std::string_view bytes);
void fuzz_spec(std::string_view bytes);
void fuzz_steps(std::string_view bytes);
void fuzz_store(std::string_view bytes);
void fuzz_tokenizer(std::string_view bytes);
void fuzz_toml(std::string_view bytes);
void fuzz_vocabulary(std::string_view bytes);

}  // namespace dtbench
