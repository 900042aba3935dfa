// prepare_store for tests/data/test_store.py: prepare_probe CACHE CONFIGS OBJECTIVE SETTINGS
// OBJECTIVE is clm, mlm, multi_cls or single_cls; SETTINGS a JSON object of DataSpec's fields and
// "architecture". Prints the store's folder.
#include <iostream>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "data/store.h"

namespace {

dtbench::RunSpec spec_of(const std::string& objective, const dtbench::Json& settings) {
  dtbench::RunSpec spec;
  spec.objective = *dtbench::registry<dtbench::Task>().find(objective);
  spec.model.architecture =
      *dtbench::registry<dtbench::ModelFamily>().find(settings.value("architecture", "gpt2"));
  dtbench::DataSpec& data = spec.data;
  data.source = settings.value("source", data.source);
  data.tokenizer = settings.value("tokenizer", data.tokenizer);
  data.vocab = settings.value("vocab", data.vocab);
  data.merges = settings.value("merges", data.merges);
  data.text_field = settings.value("text_field", data.text_field);
  data.label_field = settings.value("label_field", data.label_field);
  data.split_field = settings.value("split_field", data.split_field);
  data.label_form = settings.value("label_form", data.label_form);
  data.examples = settings.value("examples", data.examples);
  data.length = settings.value("length", data.length);
  data.synthetic_documents = settings.value("synthetic_documents", data.synthetic_documents);
  data.synthetic_labels = settings.value("synthetic_labels", data.synthetic_labels);
  return spec;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  try {
    const dtbench::RunSpec spec = spec_of(argv[3], dtbench::Json::parse(argv[4]));
    std::cout << dtbench::prepare_store(spec, argv[1], argv[2]).string() << '\n';
  } catch (const dtbench::Error& error) {
    std::cerr << "error: " << error.what() << '\n';
    return static_cast<int>(error.code());
  }
}
