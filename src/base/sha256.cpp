#include "base/sha256.h"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>
#include <vector>

#include "base/read_file.h"
#include "base/text.h"

namespace dtbench {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("libcrypto offers no SHA-256");
}

Sha256::~Sha256() = default;

void Sha256::update(const void* bytes, std::size_t size) {
  EVP_DigestUpdate(state_->context, bytes, size);
}

std::string Sha256::hex_digest() {
  std::array<unsigned char, 32> digest{};
  EVP_DigestFinal_ex(state_->context, digest.data(), nullptr);
  return hexadecimal(digest);
}

std::string sha256_hex(std::string_view text) {
  Sha256 hash;
  hash.update(text);
  return hash.hex_digest();
}

std::string sha256_file(const std::filesystem::path& path) {
  const ReadableFile file(path);
  Sha256 hash;
  std::vector<char> buffer(1 << 20);
  while (const std::size_t got = file.read(buffer.data(), buffer.size()))
    hash.update(buffer.data(), got);
  return hash.hex_digest();
}

}  // namespace dtbench
