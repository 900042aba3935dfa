// Writes a tokenized store: documents of a source, through the tokenizer, into a folder's files.
#pragma once

#include <filesystem>

#include "data/byte_level_bpe.h"
#include "data/document_source.h"
#include "data/store.h"
#include "data/token_scheme.h"

namespace dtbench {

struct StoreContent {
  bool language_model = false;  // one stream; labels are not kept
  std::int64_t max_tokens = 0;  // classification: longer documents are cut
  TokenScheme scheme;
};

// Fills `directory`, which exists and is empty, and completes `meta` (name, synthetic and
// fingerprint are the caller's) as its meta.json, written last. Documents are encoded on all cores
// and stay in order. Throws Error (usage) when either split is left without documents.
void build_store(DocumentSource& source, const ByteLevelBpe& bpe, const StoreContent& content,
                 StoreMeta meta, const std::filesystem::path& directory);

}  // namespace dtbench
