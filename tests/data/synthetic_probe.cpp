// Writes the first documents of the generated corpus as JSON lines: synthetic_probe DOCUMENTS
// LABELS
#include <iostream>
#include <string>

#include "base/json.h"
#include "data/synthetic_corpus.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  dtbench::SyntheticSource source(std::stoll(argv[1]), std::stoll(argv[2]));
  constexpr const char* kSplits[] = {"train", "validation", "test"};
  for (dtbench::SourceDocument document; source.next(document);)
    std::cout << dtbench::Json{{"text", document.text},
                               {"labels", document.labels},
                               {"split", kSplits[static_cast<int>(document.split.value())]}}
              << '\n';
}
