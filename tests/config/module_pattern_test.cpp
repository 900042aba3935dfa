#include "config/module_pattern.h"

#include "config/support.h"

namespace dtbench {
namespace {

TEST(ModulePattern, AStarIsAnyOnePart) {
  EXPECT_TRUE(matches_module("transformer.h.*.ln_2", "transformer.h.11.ln_2"));
  EXPECT_TRUE(matches_module("*.ln_f", "transformer.ln_f"));
  EXPECT_TRUE(matches_module("score", "score"));
  EXPECT_FALSE(matches_module("transformer.h.*", "transformer.h.0.ln_1"));
  EXPECT_FALSE(matches_module("transformer.h.*.ln_2", "transformer.h.ln_2"));
  EXPECT_FALSE(matches_module("transformer.h.*.ln_2", "transformer.h.0.ln_1"));
  EXPECT_FALSE(matches_module("*", "transformer.h"));
}

TEST(ModulePattern, CoversWhatLiesInAModule) {
  EXPECT_TRUE(covers_module("transformer.h.*", "transformer.h.3.mlp.c_fc"));
  EXPECT_TRUE(covers_module("transformer", "transformer"));
  EXPECT_FALSE(covers_module("transformer.h.1", "transformer.h.10.mlp"));
  EXPECT_FALSE(covers_module("transformer.h.1.mlp", "transformer.h.1"));
}

TEST(ModulePattern, PartsAreNamesOrAStarAlone) {
  for (const char* pattern : {"a", "*", "a.*.b", "lm_head"})
    EXPECT_TRUE(is_module_pattern(pattern)) << pattern;
  for (const char* pattern : {"", ".", "a..b", ".a", "a.", "ln_*", "**", "a.*b"})
    EXPECT_FALSE(is_module_pattern(pattern)) << pattern;
}

TEST(ModulePattern, OfNoModuleNamesTheNearest) {
  const std::vector<std::string> modules = {"transformer.h.0.ln_1", "transformer.h.1.ln_1",
                                            "transformer.h.0.ln_2", "transformer.h.1.ln_2"};
  require_module("transformer.h.1.ln_1", modules);
  require_module("transformer.*.*.ln_1", modules);
  const std::string message =
      usage_message([&] { require_module("transformer.h.*.ln2", modules); });
  EXPECT_TRUE(says(message, "an exception for 'transformer.h.*.ln2'"));
  EXPECT_TRUE(says(message, "Did you mean 'transformer.h.*.ln_2'?"));
  EXPECT_TRUE(says(message, "Known: transformer.h.*.ln_1, transformer.h.*.ln_2."));
  EXPECT_TRUE(says(usage_message([&] { require_module("transformer.h.2.ln_1", modules); }),
                   "transformer.h.2.ln_1"));
}

}  // namespace
}  // namespace dtbench
