#include "config/hub_address.h"

#include "config/support.h"

namespace dtbench {
namespace {

HubAddress parse(const std::string& text) {
  return parse_hub_address(text, "data.source");
}

// The forms that fsspec (huggingface_hub's HfFileSystem) and DuckDB document.
TEST(HubAddress, Forms) {
  struct Row {
    const char* text;
    bool dataset;
    const char *id, *revision, *path;
  };
  for (const Row& row : {
           Row{"hf://openai-community/gpt2", false, "openai-community/gpt2", "main", ""},
           Row{"hf://openai-community/gpt2/model.safetensors", false, "openai-community/gpt2",
               "main", "model.safetensors"},
           Row{"hf://datasets/a/b", true, "a/b", "main", ""},
           Row{"hf://datasets/a/b/", true, "a/b", "main", ""},
           Row{"hf://datasets/a/b/c/d.parquet", true, "a/b", "main", "c/d.parquet"},
           Row{"hf://datasets/a/b@v1.0/c", true, "a/b", "v1.0", "c"},
           Row{"hf://datasets/a/b@~parquet", true, "a/b", "refs/convert/parquet", ""},
           Row{"hf://datasets/a/b@~parquet/c", true, "a/b", "refs/convert/parquet", "c"},
           Row{"hf://datasets/a/b@refs/convert/parquet/c", true, "a/b", "refs/convert/parquet",
               "c"},
           Row{"hf://datasets/a/b@refs/pr/12/c", true, "a/b", "refs/pr/12", "c"},
           Row{"hf://datasets/a/b@refs%2Fpr%2F12/c", true, "a/b", "refs/pr/12", "c"},
           Row{"hf://datasets/a/b@feature%2fx", true, "a/b", "feature/x", ""},
           Row{"hf://datasets/a/b@100%/c%2Fd", true, "a/b", "100%", "c%2Fd"},
           Row{"hf://a/b@0123456789012345678901234567890123456789/c@d", false, "a/b",
               "0123456789012345678901234567890123456789", "c@d"},
       }) {
    const HubAddress address = parse(row.text);
    EXPECT_EQ(address.dataset, row.dataset) << row.text;
    EXPECT_EQ(address.id, row.id) << row.text;
    EXPECT_EQ(address.revision, row.revision) << row.text;
    EXPECT_EQ(address.path, row.path) << row.text;
  }
}

TEST(HubAddress, WhatIsNone) {
  EXPECT_FALSE(is_hub_address("data.parquet"));
  EXPECT_FALSE(is_hub_address("hf:/a/b"));
  for (const char* text : {"hf://", "hf://a", "hf://datasets/a", "hf:///b", "hf://a/", "hf://a/@v",
                           "hf://a/b@", "hf://a/b@/c"}) {
    EXPECT_TRUE(is_hub_address(text));
    const std::string message = usage_message([&] { parse(text); });
    EXPECT_TRUE(says(message, "'data.source' must be an address on the Hub")) << message;
    EXPECT_TRUE(says(message, text));
  }
}

TEST(HubAddress, AMissingOwnerIsNamed) {
  for (const char* text : {"hf://gpt2", "hf://datasets/glue", "hf://gpt2/model.safetensors",
                           "hf://gpt2/tokenizer.json"})
    EXPECT_TRUE(says(usage_message([&] { parse(text); }), "OWNER seems to be missing")) << text;
}

}  // namespace
}  // namespace dtbench
