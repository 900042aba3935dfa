#include "hub/content_hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>

#include "base/sha256.h"
#include "base/text.h"
#include "data/local_file.h"

namespace dtbench {
namespace {

constexpr std::size_t kSha1Digits = 40;
constexpr std::size_t kSha256Digits = 64;

std::string git_object_id(const std::filesystem::path& path) {
  constexpr std::int64_t kChunk = std::int64_t{1} << 20;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha1(), nullptr) != 1)
    throw std::runtime_error("libcrypto offers no SHA-1");
  LocalFile file(path);
  const std::string header = concat("blob ", file.size());
  EVP_DigestUpdate(context.get(), header.c_str(), header.size() + 1);
  for (std::int64_t at = 0; at < file.size(); at += kChunk) {
    const std::string bytes = file.read(at, std::min(kChunk, file.size() - at));
    EVP_DigestUpdate(context.get(), bytes.data(), bytes.size());
  }
  std::array<unsigned char, kSha1Digits / 2> digest{};
  EVP_DigestFinal_ex(context.get(), digest.data(), nullptr);
  return hexadecimal(digest);
}

}  // namespace

bool is_content_hash(const std::string& name) {
  return (name.size() == kSha1Digits || name.size() == kSha256Digits) && is_hexadecimal(name);
}

bool is_sha256(const std::string& name) {
  return name.size() == kSha256Digits && is_hexadecimal(name);
}

std::string content_hash(const std::filesystem::path& file, const std::string& like) {
  return like.size() == kSha256Digits ? sha256_file(file) : git_object_id(file);
}

}  // namespace dtbench
