#include "data/tokenizer_json.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/read_file.h"
#include "base/text.h"

namespace dtbench {
namespace {

// The members that an object may have and the values that each may take, null for a member that may
// be missing; no values: any, since ids do not depend on it.
using Members = std::map<std::string, std::vector<Json>>;

// Truncation and padding are left by use and change no id; documents are cut and padded here by
// data.length and the token scheme.
const Members kFile = {{"version", {"1.0"}},   {"truncation", {}}, {"padding", {}},
                       {"added_tokens", {}},   {"normalizer", {}}, {"pre_tokenizer", {}},
                       {"post_processor", {}}, {"decoder", {}},    {"model", {}}};
const Members kByteLevel = {{"type", {"ByteLevel"}},
                            {"add_prefix_space", {false}},
                            {"trim_offsets", {}},
                            {"use_regex", {true, nullptr}}};
// As decoder and post-processor the same type has the same members, of which none matters.
const Members kByteLevelOutput = {
    {"type", {"ByteLevel"}}, {"add_prefix_space", {}}, {"trim_offsets", {}}, {"use_regex", {}}};
const Members kRobertaProcessing = {{"type", {"RobertaProcessing"}},
                                    {"sep", {}},
                                    {"cls", {}},
                                    {"trim_offsets", {}},
                                    {"add_prefix_space", {}}};
const Members kTemplateProcessing = {
    {"type", {"TemplateProcessing"}}, {"single", {}}, {"pair", {}}, {"special_tokens", {}}};
// Every byte has a token, so nothing is ever unknown. The published files of GPT-2 and RoBERTa are
// older than the member type.
const Members kModel = {{"type", {"BPE", nullptr}},
                        {"dropout", {nullptr, 0}},
                        {"unk_token", {}},
                        {"fuse_unk", {}},
                        {"continuing_subword_prefix", {nullptr, ""}},
                        {"end_of_word_suffix", {nullptr, ""}},
                        {"byte_fallback", {nullptr, false}},
                        {"ignore_merges", {nullptr, false}},
                        {"vocab", {}},
                        {"merges", {}}};

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) { result_.path = path; }

  TokenizerJson read() {
    const Json file = read_json_file(result_.path);
    check(file, "", kFile);
    if (!steps_of(file, "normalizer", "normalizers").empty())
      throw unexpected("normalizer", "null or an empty Sequence", file.at("normalizer"));
    check(only_step(file, "pre_tokenizer", "pretokenizers"), "pre_tokenizer", kByteLevel);
    check(only_step(file, "decoder", "decoders"), "decoder", kByteLevelOutput);
    check_post_processors(steps_of(file, "post_processor", "processors"));
    result_.padding_token = member_or_null(file, "/padding/pad_token");
    result_.padding_id = member_or_null(file, "/padding/pad_id");
    const Json model = file.value("model", Json());
    check(model, "model", kModel);
    result_.vocabulary = model.value("vocab", Json());
    if (!result_.vocabulary.is_object())
      throw unexpected("model.vocab", "an object of token: id", result_.vocabulary);
    read_merges(model.value("merges", Json()));
    read_added_tokens(file.value("added_tokens", Json::array()));
    return result_;
  }

 private:
  Error unexpected(const std::string& member, const std::string& expected, const Json& found) {
    const std::string excerpt =
        found.is_structured() ? described(found) : shortened(json_text(found), 80);
    return usage_error(concat("Tokenizer '", result_.path.string(), "' member '", member,
                              "': expected ", expected, ", found ", excerpt, "."),
                       "Only the byte-level BPE of GPT-2 and RoBERTa is supported; use "
                       "their tokenizer.json.");
  }

  // A short value as it is; of a long one its type and names.
  static std::string described(const Json& value) {
    if (const std::string text = json_text(value); text.size() <= 80) return text;
    std::vector<std::string> names;
    for (const auto& [name, member] : value.items())
      if (value.is_object()) names.push_back(name);
    const std::string type = value.is_object() ? text_or(value.value("type", Json()), "") : "";
    return shortened(concat(value.type_name(), type.empty() ? "" : " of type " + type,
                            names.empty() ? "" : " with " + join(names, ", ")),
                     160);
  }

  void check(const Json& object, const std::string& name, const Members& members) {
    if (!object.is_object()) throw unexpected(name, "an object", object);
    const std::string prefix = name.empty() ? "" : name + ".";
    for (const auto& [member, value] : object.items())
      if (!members.contains(member)) throw unexpected(prefix + member, "no such member", value);
    for (const auto& [member, accepted] : members) {
      const Json value = object.value(member, Json());
      if (accepted.empty() || std::find(accepted.begin(), accepted.end(), value) != accepted.end())
        continue;
      std::vector<std::string> choices;
      for (const Json& choice : accepted)
        choices.push_back(choice.dump());
      throw unexpected(prefix + member, join(choices, " or "), value);
    }
  }

  // What a member does, one after another: a Sequence does what its parts do.
  std::vector<Json> steps_of(const Json& file, const std::string& member, const char* parts) {
    return flattened(file.value(member, Json()), member, parts);
  }
  std::vector<Json> flattened(const Json& step, const std::string& member, const char* parts) {
    if (step.is_null()) return {};
    if (!step.is_object() || step.value("type", Json()) != "Sequence") return {step};
    check(step, member, {{"type", {"Sequence"}}, {parts, {}}});
    const Json list = step.value(parts, Json());
    if (!list.is_array()) throw unexpected(concat(member, ".", parts), "a list", list);
    std::vector<Json> steps;
    for (const Json& part : list)
      for (Json& inner : flattened(part, member, parts))
        steps.push_back(std::move(inner));
    return steps;
  }
  Json only_step(const Json& file, const std::string& member, const char* parts) {
    std::vector<Json> steps = steps_of(file, member, parts);
    if (steps.size() == 1) return steps.front();
    throw unexpected(member, "ByteLevel alone", file.value(member, Json()));
  }

  // ByteLevel changes nothing but offsets.
  void check_post_processors(const std::vector<Json>& steps) {
    std::size_t marks = 0;
    for (const Json& step : steps) {
      check_post_processor(step);
      marks += step.value("type", Json()) != "ByteLevel";
    }
    if (marks > 1) throw unexpected("post_processor", "one that puts marks around a text", steps);
  }

  // Around a text may stand nothing or RoBERTa's marks: what token schemes put there.
  void check_post_processor(const Json& processor) {
    const std::string member = "post_processor";
    if (!processor.is_object()) throw unexpected(member, "an object or null", processor);
    const Json type = processor.value("type", Json());
    std::vector<Json> around;
    if (type == "RobertaProcessing") {
      check(processor, member, kRobertaProcessing);
      around = {first_of(processor.value("cls", Json())), "A",
                first_of(processor.value("sep", Json()))};
    } else if (type == "TemplateProcessing") {
      check(processor, member, kTemplateProcessing);
      const Json single = processor.value("single", Json::array());
      for (const Json& piece : single)
        around.push_back(id_of(piece));
    } else {
      return check(processor, member, kByteLevelOutput);
    }
    if (around != std::vector<Json>{"A"} && around != std::vector<Json>{"<s>", "A", "</s>"})
      throw unexpected(member, "nothing or <s> and </s> around a text", around);
  }

  static Json id_of(const Json& piece) {
    for (const char* kind : {"Sequence", "SpecialToken"})
      if (piece.is_object() && piece.contains(kind) && piece[kind].is_object())
        return piece[kind].value("id", Json());
    return {};
  }
  static Json first_of(const Json& list) {
    return list.is_array() && !list.empty() ? list.front() : Json();
  }

  void read_merges(const Json& merges) {
    if (!merges.is_array()) throw unexpected("model.merges", "a list", merges);
    for (const Json& merge : merges) {
      std::optional<MergePair> pair;
      if (merge.is_string()) pair = split_merge(merge.get<std::string>());
      if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
        pair = MergePair(merge[0], merge[1]);
      if (!pair)
        throw unexpected(concat("model.merges[", result_.merges.size(), "]"),
                         "two tokens, as a list or with a space between them", merge);
      result_.merges.push_back(*pair);
    }
  }

  void read_added_tokens(const Json& added) {
    if (!added.is_array()) throw unexpected("added_tokens", "a list", added);
    for (const Json& token : added) {
      const bool usable = token.is_object() && token.value("content", Json()).is_string() &&
                          token.value("id", Json()).is_number_unsigned();
      if (!usable) throw unexpected("added_tokens", "objects with id and content", token);
      const std::string content = token["content"];
      if (token.value("special", Json()) != true)
        throw unexpected(concat("added_tokens['", content, "'].special"),
                         "true (others are cut out of text before BPE)",
                         token.value("special", Json()));
      const auto [entry, inserted] = result_.vocabulary.emplace(content, token["id"]);
      if (*entry != token["id"])
        throw unexpected(concat("added_tokens['", content, "'].id"),
                         concat(entry->dump(), " as in model.vocab"), token["id"]);
      result_.special_tokens.push_back(content);
    }
  }

  TokenizerJson result_;
};

}  // namespace

void require_files(const TokenizerFiles& files) {
  if (!files.tokenizer_json.empty()) return require_file(files.tokenizer_json, "data.tokenizer");
  require_file(files.vocab, "data.vocab");
  require_file(files.merges, "data.merges");
}

TokenizerJson read_tokenizer_json(const std::filesystem::path& path) {
  return Reader(path).read();
}

std::optional<MergePair> split_merge(const std::string& line) {
  const std::size_t space = line.find(' ');
  const bool one = space != std::string::npos && space > 0 && space + 1 < line.size() &&
                   line.find(' ', space + 1) == std::string::npos;
  if (!one) return std::nullopt;
  return MergePair(line.substr(0, space), line.substr(space + 1));
}

}  // namespace dtbench
