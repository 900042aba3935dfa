#include "sweep/matrix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>

#include "base/error.h"
#include "config/config_files.h"
#include "temporary_folder.h"

namespace dtbench {
namespace {

using Names = std::vector<std::string>;

std::filesystem::path shipped_configs() {
  return std::filesystem::path(std::getenv("DTBENCH_SOURCE")) / "configs";
}

ResolveRequest tiny() {
  ResolveRequest request;
  request.configs = shipped_configs();
  request.preset = "tiny";
  return request;
}

Names names_of(const std::vector<MatrixCell>& cells) {
  Names names;
  for (const MatrixCell& cell : cells)
    names.push_back(cell.name);
  return names;
}

Matrix one_part(MatrixPart part) {
  return {"", "", {std::move(part)}};
}

class MatrixFile {
 public:
  explicit MatrixFile(const std::string& text) { std::ofstream(path()) << text; }
  std::string path() const { return folder_.path() / "matrix.toml"; }
  Matrix read() const { return read_matrix(shipped_configs(), path()); }
  std::string error() const {
    try {
      read();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUsage);
      return error.what();
    }
    return "no error";
  }

 private:
  TemporaryFolder folder_;
};

TEST(Matrix, GoesRoundByRoundAndRotatesThePolicies) {
  const auto cells = matrix_cells(
      one_part({{"A", "D"}, {"fp32_true", "amp_fp16", "bf16_pure"}, Names{"0", "1"}, {}, {}}),
      tiny());
  EXPECT_EQ(names_of(cells),
            (Names{"A fp32_true seed 0", "A amp_fp16 seed 0", "A bf16_pure seed 0",
                   "D amp_fp16 seed 0", "D bf16_pure seed 0", "D fp32_true seed 0",
                   "A amp_fp16 seed 1", "A bf16_pure seed 1", "A fp32_true seed 1",
                   "D bf16_pure seed 1", "D fp32_true seed 1", "D amp_fp16 seed 1"}));
  EXPECT_EQ(cells.front().round, 0U);
  EXPECT_EQ(cells.back().round, 1U);
}

TEST(Matrix, ScenariosInPartsOfTheirOwnBeginWithOtherPoliciesToo) {
  const auto cells = matrix_cells({"",
                                   "",
                                   {{{"A"}, {"fp32_true", "amp_fp16"}, {}, {}, {}},
                                    {{"D"}, {"fp32_true", "amp_fp16"}, {}, {}, {}}}},
                                  tiny());
  EXPECT_EQ(names_of(cells), (Names{"A fp32_true seed 0", "A amp_fp16 seed 0", "D amp_fp16 seed 0",
                                    "D fp32_true seed 0"}));
}

TEST(Matrix, SessionsAndValuesOfAxesBeginWithOtherPoliciesToo) {
  Matrix matrix = one_part({{"A"}, {"fp32_true", "amp_fp16"}, {}, {}, {}});
  matrix.parts[0].axes = {{"train.batch", {"4", "8"}, "here"}};
  const Names once = {"A fp32_true seed 0 batch=4", "A amp_fp16 seed 0 batch=4",
                      "A amp_fp16 seed 0 batch=8", "A fp32_true seed 0 batch=8"};
  EXPECT_EQ(names_of(matrix_cells(matrix, tiny())), once);
  matrix.rotation = 1;
  EXPECT_EQ(names_of(matrix_cells(matrix, tiny())), (Names{once[1], once[0], once[3], once[2]}));
}

TEST(Matrix, EveryPolicyTakesEveryPlaceOfItsGroupAsOftenAsAnyOther) {
  // Six scenarios by seven policies, the noise floor among them: seven rounds make it even.
  const Names seeds = {"0", "1", "2", "3", "4", "5", "6"};
  const auto cells = matrix_cells(one_part({{}, {}, seeds, {}, {}}), tiny());
  ASSERT_EQ(cells.size(), 294U);
  std::map<std::string, std::map<std::size_t, int>> places;
  for (std::size_t i = 0; i < cells.size(); ++i)
    ++places[cells[i].spec.policy.name][i % 7];
  for (const auto& [policy, counts] : places)
    for (std::size_t place = 0; place < 7; ++place)
      EXPECT_EQ(counts.at(place), 6) << policy << " at place " << place;
}

TEST(Matrix, AxesAreProductsAndStandInNames) {
  MatrixPart part{{"A"}, {"fp32_true"}, Names{"7"}, {}, {}};
  part.axes = {{"train.learning_rate", {"0.001", "0.01"}, "here"}, {"train.batch", {"4", "8"}, ""}};
  const auto cells = matrix_cells(one_part(part), tiny());
  EXPECT_EQ(names_of(cells), (Names{"A fp32_true seed 7 learning_rate=0.001 batch=4",
                                    "A fp32_true seed 7 learning_rate=0.001 batch=8",
                                    "A fp32_true seed 7 learning_rate=0.01 batch=4",
                                    "A fp32_true seed 7 learning_rate=0.01 batch=8"}));
  EXPECT_EQ(cells[2].spec.train.learning_rate, 0.01);
  EXPECT_EQ(cells[2].spec.train.batch, 4);
  EXPECT_EQ(cells[2].spec.seed, 7);
}

TEST(Matrix, ACellOfTwoPartsIsOneCell) {
  const MatrixPart part{{"A"}, {"fp32_true", "bf16_pure"}, {}, {}, {}};
  const MatrixPart control{{"A"}, {"bf16_pure", "bf16_kahan"}, {}, {}, {}};
  EXPECT_EQ(names_of(matrix_cells({"", "", {part, control}}, tiny())),
            (Names{"A fp32_true seed 0", "A bf16_pure seed 0", "A bf16_kahan seed 0"}));
}

TEST(Matrix, CellsThatOnlyTheirPartsSettingsTellApartSayThem) {
  const Setting steps{"train.steps", "3", "matrix"};
  const MatrixPart part{{"C", "A"}, {"fp32_true"}, {}, {steps}, {}};
  MatrixPart control{{"C"}, {"fp32_true"}, {}, {steps}, {}};
  control.settings.push_back({"train.bce_reduction", "sum_labels", "matrix"});
  EXPECT_EQ(names_of(matrix_cells({"", "", {part, control}}, tiny())),
            (Names{"C fp32_true seed 0", "A fp32_true seed 0",
                   "C fp32_true seed 0 bce_reduction=sum_labels"}));
}

TEST(Matrix, AxesOfTheCommandLineAreSettingsWithCommas) {
  std::vector<Setting> settings = {{"train.batch", "4,8", "--set train.batch=4,8"},
                                   {"train.steps", "3", "--set train.steps=3"},
                                   {"data.source", "a,b.jsonl", "--data"}};
  const std::vector<Axis> axes = take_axes(settings);
  ASSERT_EQ(axes.size(), 1U);
  EXPECT_EQ(axes[0].key, "train.batch");
  EXPECT_EQ(axes[0].values, (Names{"4", "8"}));
  ASSERT_EQ(settings.size(), 2U);
  EXPECT_EQ(settings[1].value, "a,b.jsonl");
}

TEST(MatrixFile, PartsTakeWhatStandsOutsideOfThem) {
  const Matrix matrix = MatrixFile(R"(
    preset = "tiny"
    seeds = [3, 5]
    set.train.steps = 4
    policies = ["fp32_true"]
    [[part]]
    scenarios = ["A"]
    axes.train.learning_rate = [6e-4, 6e-3]
    [[part]]
    scenarios = ["C"]
    policies = ["bf16_pure"]
    seeds = 1
    set.train.steps = 2
  )")
                            .read();
  ResolveRequest request;
  request.configs = shipped_configs();
  const auto cells = matrix_cells(matrix, request);
  EXPECT_EQ(names_of(cells), (Names{"A fp32_true seed 3 learning_rate=0.0006",
                                    "A fp32_true seed 3 learning_rate=0.006", "C bf16_pure seed 0",
                                    "A fp32_true seed 5 learning_rate=0.0006",
                                    "A fp32_true seed 5 learning_rate=0.006"}));
  EXPECT_EQ(cells[0].spec.train.steps, 4);
  EXPECT_EQ(cells[2].spec.train.steps, 2);
  EXPECT_EQ(cells[0].spec.preset, "tiny");
}

TEST(MatrixFile, TheCommandLineAndTheEnvironmentWin) {
  const Matrix matrix = MatrixFile(
                            "preset = \"tiny\"\nset.train.steps = 4\nset.train.batch = 4\n"
                            "scenarios = [\"A\"]\npolicies = [\"fp32_true\"]\n")
                            .read();
  ResolveRequest request;
  request.configs = shipped_configs();
  request.environment = {{"train.steps", "5", "DTBENCH_TRAIN_STEPS"}};
  request.command_line = {{"train.batch", "2", "--set train.batch=2"}};
  const auto cells = matrix_cells(matrix, request);
  ASSERT_EQ(cells.size(), 1U);
  EXPECT_EQ(cells[0].spec.train.steps, 5);
  EXPECT_EQ(cells[0].spec.train.batch, 2);
}

TEST(MatrixFile, NamesWhatItDoesNotKnow) {
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  const std::string key = MatrixFile("sceanrios = [\"A\"]").error();
  EXPECT_TRUE(has(key, "'sceanrios'") && has(key, "Did you mean 'scenarios'?")) << key;
  const std::string axis = MatrixFile("axes.train.lerning_rate = [1]").error();
  EXPECT_TRUE(has(axis, "'train.lerning_rate'") && has(axis, "'train.learning_rate'")) << axis;
  const std::string setting = MatrixFile("set.train.setps = 1").error();
  EXPECT_TRUE(has(setting, "'train.setps'") && has(setting, "matrix.toml")) << setting;
  const std::string scalar = MatrixFile("axes.train.steps = 3").error();
  EXPECT_TRUE(has(scalar, "'axes.train.steps' must be a list of values, got 3")) << scalar;
  const std::string seeds = MatrixFile("seeds = 0").error();
  EXPECT_TRUE(has(seeds, "a number of seeds from 1 to 10000")) << seeds;
  const std::string none = MatrixFile("policies = []").error();
  EXPECT_TRUE(has(none, "'policies' must be a list of names, or left out for the six, got []"))
      << none;
  const std::string nothing = MatrixFile("# all of it in comments").error();
  EXPECT_TRUE(has(nothing, "is empty") && has(nothing, "docs/matrix.md")) << nothing;
  const std::string policy = MatrixFile("axes.policy = [\"fp32_true\"]").error();
  EXPECT_TRUE(has(policy, "'policy' is not a setting of a matrix's cells")) << policy;
  const std::string part = MatrixFile("[[part]]\nscenario = [\"A\"]").error();
  EXPECT_TRUE(has(part, "part[0].scenario")) << part;
}

TEST(MatrixFile, AllThatAreShippedExpand) {
  const std::map<std::string, std::size_t> expected = {
      {"demo", 42},          {"tiny", 210},        {"h1_real", 160},    {"learning_rate", 630},
      {"batch_labels", 600}, {"study_rates", 84},  {"study_h1", 1568},  {"study_h3", 800},
      {"study_labels", 288}, {"study_speed", 100}, {"study_table", 210}};
  const Names shipped = config_names(shipped_configs(), ConfigKind::kMatrix);
  ASSERT_EQ(shipped.size(), expected.size());
  for (const std::string& name : shipped) {
    ResolveRequest request;
    request.configs = shipped_configs();
    // What preset base asks for.
    request.environment = {{"data.source", "data.jsonl", "test"},
                           {"data.vocab", "vocab.json", "test"},
                           {"data.merges", "merges.txt", "test"}};
    if (name == "demo" || name == "tiny" || name == "batch_labels" || name == "h1_real" ||
        name == "study_labels")
      request.environment.clear();
    EXPECT_EQ(matrix_cells(read_matrix(shipped_configs(), name), request).size(), expected.at(name))
        << name;
  }
}

// 10^20 cells are refused before they take all memory.
TEST(Matrix, ProductsAreBounded) {
  MatrixPart part{{"A"}, {"fp32_true"}, {}, {}, {}};
  for (int axis = 0; axis < 10; ++axis)
    part.axes.push_back({"train.batch", Names(100, "8"), "here"});
  expect_error([&] { matrix_cells(one_part(part), tiny()); }, ExitCode::kUsage,
               {"at most 100000 cells", "1e+20", "x 100 values of train.batch"});
  MatrixPart seeds{{"A"}, {"fp32_true"}, seeds_from_count("10000", "here"), {}, {}};
  seeds.axes = {{"train.batch", Names(11, "8"), "here"}};
  expect_error([&] { matrix_cells(one_part(seeds), tiny()); }, ExitCode::kUsage, {"110000"});
}

}  // namespace
}  // namespace dtbench
