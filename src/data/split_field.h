// The field of a record that names its split.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/document_source.h"

namespace dtbench {

// Asked for, or the first known field (data/source_fields.h) whose value in the first record names
// a split. A known field of another meaning is none, and a line says so; should it name a split
// later on, that is an error, since documents would be in the wrong one. So is a field of another
// name whose first value names a split, until somebody says whether it does.
class SplitField {
 public:
  // What a record has under a name: nothing; text; or another value, `shown` in messages.
  struct Value {
    bool present = false;
    std::optional<std::string> text{};
    std::string shown{};
  };
  using LookUp = std::function<Value(const std::string& name)>;
  using Names = std::vector<std::string>;
  using Others = std::function<Names()>;  // of a record's other fields that may tell a split
  using Fail = std::function<Error(const std::string& message, const std::string& hint)>;

  // `asked`: a name, "" for the known ones, or kNoSplitField. `origin` stands in messages.
  SplitField(std::string asked, std::string origin);

  // Of the next record. Throws `fail` of a message.
  std::optional<SourceSplit> read(const LookUp& look_up, const Others& others, const Fail& fail);
  const Names& notes() const { return notes_; }  // the lines that were said

 private:
  void choose(const LookUp& look_up, const Others& others, const Fail& fail);
  void expect_none(const LookUp& look_up, const Fail& fail) const;

  std::string name_, origin_;
  bool known_ = false;  // the field is one of the known ones, if any
  bool first_ = true;
  Names notes_;
};

}  // namespace dtbench
