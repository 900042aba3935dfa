#include "base/torchrun.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "base/error.h"

namespace dtbench {
namespace {

const std::map<std::string, std::string> kOneOfFour = {{"WORLD_SIZE", "4"},
                                                       {"RANK", "3"},
                                                       {"LOCAL_RANK", "1"},
                                                       {"MASTER_ADDR", "node-1"},
                                                       {"MASTER_PORT", "29500"}};

class Torchrun : public ::testing::Test {
 public:
  ~Torchrun() override { clear(); }

 protected:
  static void set(const std::map<std::string, std::string>& variables) {
    clear();
    for (const auto& [name, value] : variables)
      setenv(name.c_str(), value.c_str(), 1);
  }
  static void clear() {
    for (const auto& [name, value] : kOneOfFour)
      unsetenv(name.c_str());
    unsetenv("TORCHELASTIC_USE_AGENT_STORE");
    unsetenv("TORCHELASTIC_RESTART_COUNT");
  }
};

TEST_F(Torchrun, AProcessThatIsAloneIsNoRank) {
  clear();
  EXPECT_FALSE(torchrun_rank());
  set({{"WORLD_SIZE", "1"}});  // some machines set it for everybody
  EXPECT_FALSE(torchrun_rank());
}

TEST_F(Torchrun, ReadsWhatIsSetByHand) {
  set(kOneOfFour);
  const auto launched = torchrun_rank();
  ASSERT_TRUE(launched);
  EXPECT_EQ(launched->rank, 3);
  EXPECT_EQ(launched->processes, 4);
  EXPECT_EQ(launched->local_rank, 1);
  EXPECT_EQ(launched->address, "node-1");
  EXPECT_EQ(launched->port, 29500);
  EXPECT_FALSE(launched->agent_listens);
  EXPECT_EQ(launched->attempt, "0");
}

TEST_F(Torchrun, ReadsWhatTorchrunAdds) {
  auto variables = kOneOfFour;
  variables["TORCHELASTIC_USE_AGENT_STORE"] = std::string("True");
  variables["TORCHELASTIC_RESTART_COUNT"] = std::string("2");
  set(variables);
  EXPECT_TRUE(torchrun_rank()->agent_listens);
  EXPECT_EQ(torchrun_rank()->attempt, "2");
}

TEST_F(Torchrun, NamesWhatIsMissingOrWrong) {
  const std::map<std::string, std::string> wrong = {{"WORLD_SIZE", "2000"},
                                                    {"RANK", "4"},
                                                    {"LOCAL_RANK", "x"},
                                                    {"MASTER_ADDR", ""},
                                                    {"MASTER_PORT", "0"}};
  for (const auto& [name, value] : wrong) {
    auto variables = kOneOfFour;
    variables[name] = value;
    set(variables);
    try {
      torchrun_rank();
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace dtbench
