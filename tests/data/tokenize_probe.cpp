// The tokenizer for tests/data/test_tokenizer_parity.py and bench/tokenizer.py.
//   tokenize_probe encode|decode|split VOCAB MERGES, or TOKENIZER for a tokenizer.json
// Standard input and output are records, each a little-endian uint32 length and as many bytes:
// encode: bytes -> uint16 ids; decode: uint16 ids -> UTF-8; split: UTF-8 -> uint32 lengths of the
// pre-tokenized pieces. Bad input ends the program with the error's message and exit code.
#include <cstdint>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/byte_level_bpe.h"
#include "data/pretokenize.h"

namespace {

bool read_record(std::string& record) {
  std::uint32_t size = 0;
  if (!std::cin.read(reinterpret_cast<char*>(&size), sizeof size)) return false;
  record.resize(size);
  return static_cast<bool>(std::cin.read(record.data(), size));
}

template <typename Container>
void write_record(const Container& items) {
  const auto size = static_cast<std::uint32_t>(items.size() * sizeof(items[0]));
  std::cout.write(reinterpret_cast<const char*>(&size), sizeof size);
  std::cout.write(reinterpret_cast<const char*>(items.data()), size);
}

void run(const std::string& mode, const dtbench::TokenizerFiles& files) {
  const auto bpe = dtbench::ByteLevelBpe::open(files);
  dtbench::BpeEncoder encoder(bpe);
  for (std::string record; read_record(record);) {
    if (mode == "encode") {
      std::vector<std::uint16_t> ids;
      encoder.encode(record, ids);
      write_record(ids);
    } else if (mode == "decode") {
      std::vector<std::uint16_t> ids(record.size() / sizeof(std::uint16_t));
      std::memcpy(ids.data(), record.data(), ids.size() * sizeof(std::uint16_t));
      write_record(bpe.decode(ids));
    } else {
      std::vector<std::uint32_t> lengths;
      for (std::string_view rest = record; !rest.empty(); rest.remove_prefix(lengths.back()))
        lengths.push_back(static_cast<std::uint32_t>(dtbench::next_piece(rest)));
      write_record(lengths);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return 2;
  std::ios::sync_with_stdio(false);
  try {
    run(argv[1], argc == 4 ? dtbench::TokenizerFiles{argv[2], argv[3], ""}
                           : dtbench::TokenizerFiles{"", "", argv[2]});
  } catch (const dtbench::Error& error) {
    std::cerr << error.what() << '\n';
    return static_cast<int>(error.code());
  }
}
