// Shared by the tests of src/config.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"
#include "config/resolve.h"
#include "source_folder.h"
#include "temporary_folder.h"

namespace dtbench {

// What `action` says to the user when it fails; "" when it does not. Its exit code must be 2.
template <typename Action>
std::string usage_message(Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage) << error.what();
    return error.what();
  }
  return "";
}

inline ::testing::AssertionResult says(const std::string& message, const std::string& part) {
  if (message.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "'" << part << "' is not in: " << message;
}

inline ResolveRequest tiny_request(const std::string& scenario = "A",
                                   const std::string& policy = "fp32_true") {
  ResolveRequest request;
  request.configs = source_configs();
  request.scenario = scenario;
  request.policy = policy;
  request.preset = "tiny";
  return request;
}

inline Setting flag(const std::string& key, const std::string& value) {
  return {key, value, "--set " + key};
}

}  // namespace dtbench
