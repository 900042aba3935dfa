#include "data/joined_source.h"

#include <gtest/gtest.h>

namespace dtbench {
namespace {

// Documents of one byte.
class Bytes : public DocumentSource {
 public:
  explicit Bytes(int count) : count_(count) {}
  bool next(SourceDocument& document) override {
    document = {std::nullopt, "x", {}};
    return given_++ < count_;
  }
  double progress() const override { return static_cast<double>(given_) / count_; }

 private:
  int count_, given_ = 0;
};

SourcePart part(std::optional<SourceSplit> split, int documents) {
  return {split, [documents] { return std::make_unique<Bytes>(documents); }};
}

// The progress after each document, and at the end.
std::vector<double> courses(std::vector<SourcePart> parts, SourceLimits limits) {
  JoinedSource source(std::move(parts), limits);
  std::vector<double> progress;
  for (SourceDocument document; source.next(document);)
    progress.push_back(source.progress());
  progress.push_back(source.progress());
  return progress;
}

// A thousandth of the parts is read, but all that is wanted.
TEST(JoinedSource, ProgressIsOfWhatTheLimitsAllow) {
  std::vector<SourcePart> parts(1000, part(std::nullopt, 100));
  EXPECT_EQ(courses(parts, {.examples = 4, .bytes = 0}), (std::vector{0.25, 0.5, 0.75, 1.0, 1.0}));
  EXPECT_EQ(courses(parts, {.examples = 0, .bytes = 2}), (std::vector{0.5, 1.0, 1.0}));
}

TEST(JoinedSource, EachSplitHasItsShareOfTheProgress) {
  const std::vector<SourcePart> parts = {part(SourceSplit::kTrain, 100),
                                         part(SourceSplit::kValidation, 100)};
  EXPECT_EQ(courses(parts, {.examples = 2, .bytes = 0}), (std::vector{0.25, 0.5, 0.75, 1.0, 1.0}));
}

TEST(JoinedSource, ASourceThatEndsBeforeItsLimitsIsDone) {
  EXPECT_EQ(courses({part(std::nullopt, 2)}, {.examples = 100, .bytes = 0}).back(), 1.0);
}

}  // namespace
}  // namespace dtbench
