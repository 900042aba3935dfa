// What a spec names and code registers: model families, tasks, optimizers. The built-in ones are
// there from the start; extensions (config/extension.h) add theirs before any spec is read.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace dtbench {

template <typename Entry>
class Registry {
 public:
  // `what` is for messages: "model family". Every Entry has a `name`.
  explicit Registry(const char* what) : what_(what) {}

  // Throws Error (usage) for a name that is taken. What is returned stays where it is.
  const Entry& add(Entry entry) {
    if (find(entry.name) != nullptr)
      throw usage_error(concat("The ", what_, " '", entry.name, "' is registered twice."),
                        "Load an extension once, and give its entries names of their own.");
    return entries_.emplace_back(std::move(entry));
  }

  const Entry* find(std::string_view name) const {
    for (const Entry& entry : entries_)
      if (entry.name == name) return &entry;
    return nullptr;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Entry& entry : entries_)
      names.push_back(entry.name);
    return names;
  }

  const std::deque<Entry>& entries() const { return entries_; }

 private:
  const char* what_;
  std::deque<Entry> entries_;  // a deque: entries are referred to for good
};

// The one registry of a kind; each kind defines its own (built_in_families.cpp, ...).
template <typename Entry>
Registry<Entry>& registry();

// A registered entry as a member of a spec: copied and compared like an enumerator, read and
// written by its name.
template <typename Entry>
class Registered {
 public:
  Registered(const Entry& entry) : entry_(&entry) {}  // NOLINT(*-explicit-*): it stands for it
  Registered(Entry&&) = delete;

  const Entry& operator*() const { return *entry_; }
  const Entry* operator->() const { return entry_; }
  operator const Entry&() const { return *entry_; }  // NOLINT(*-explicit-*)
  friend bool operator==(Registered a, Registered b) { return a.entry_ == b.entry_; }

 private:
  const Entry* entry_;
};

template <typename Entry>
const char* to_string(Registered<Entry> entry) {
  return entry->name.c_str();
}

}  // namespace dtbench
