#include "hardware/spec_sheet.h"

#include <fstream>

#include "config/support.h"

namespace dtbench {
namespace {

// Figures of NVIDIA's documents, typed in here apart from configs/hardware.toml.
struct Expected {
  const char* name;
  double fp32, tf32, half, gb_per_s;
};
constexpr Expected kSheets[] = {{"NVIDIA RTX A6000", 38.7, 77.4, 154.8, 768},
                                {"NVIDIA A40", 37.4, 74.8, 149.7, 696},
                                {"NVIDIA A100-SXM4-40GB", 19.5, 156, 312, 1555},
                                {"NVIDIA A100-SXM4-80GB", 19.5, 156, 312, 2039},
                                {"NVIDIA A100 80GB PCIe", 19.5, 156, 312, 1935},
                                {"NVIDIA H100 80GB HBM3", 67, 494.5, 989, 3350},
                                {"NVIDIA H100 PCIe", 51, 378, 756, 2000},
                                {"NVIDIA H200", 67, 494.5, 989, 4800},
                                {"NVIDIA L40S", 91.6, 183, 362.05, 864},
                                {"NVIDIA GeForce RTX 4090", 82.6, 82.6, 165.2, 1008},
                                {"NVIDIA GeForce RTX 3090", 35.6, 35.6, 71, 936}};

TEST(SpecSheet, EachDeviceHasItsFiguresAndTheirSources) {
  for (const Expected& expected : kSheets) {
    const auto sheet = find_spec_sheet(source_configs(), expected.name);
    ASSERT_TRUE(sheet) << expected.name;
    EXPECT_DOUBLE_EQ(sheet->fp32->value, expected.fp32 * 1e12) << expected.name;
    EXPECT_DOUBLE_EQ(sheet->tf32->value, expected.tf32 * 1e12) << expected.name;
    EXPECT_DOUBLE_EQ(sheet->half->value, expected.half * 1e12) << expected.name;
    EXPECT_DOUBLE_EQ(sheet->memory->value, expected.gb_per_s * 1e9) << expected.name;
    for (const auto& figure : {sheet->fp32, sheet->tf32, sheet->half, sheet->memory})
      EXPECT_NE(figure->source.find("NVIDIA"), std::string::npos) << expected.name;
  }
}

// With fp32 accumulation a tensor core of a GA102 or AD102 card does 16-bit products four times
// (professional: A6000, A40) or twice (GeForce) as fast as its fp32 units; the TF32 rate is half.
TEST(SpecSheet, FiguresOfOneChipFitEachOther) {
  const auto ratio = [](const char* name) {
    const auto sheet = find_spec_sheet(source_configs(), name);
    return sheet->half->value / sheet->fp32->value;
  };
  EXPECT_NEAR(ratio("NVIDIA RTX A6000"), 4, 0.01);
  EXPECT_NEAR(ratio("NVIDIA A40"), 4, 0.01);
  EXPECT_NEAR(ratio("NVIDIA GeForce RTX 3090"), 2, 0.01);
  EXPECT_NEAR(ratio("NVIDIA GeForce RTX 4090"), 2, 0.01);
  for (const Expected& device : kSheets) {
    const auto sheet = find_spec_sheet(source_configs(), device.name);
    EXPECT_NEAR(sheet->half->value / sheet->tf32->value, 2, 0.03) << device.name;
  }
}

TEST(SpecSheet, TheStudysGpusArePreferred) {
  for (const Expected& device : kSheets) {
    const std::string name = device.name;
    EXPECT_EQ(find_spec_sheet(source_configs(), name)->preferred,
              name == "NVIDIA RTX A6000" || name == "NVIDIA A40")
        << name;
  }
}

TEST(SpecSheet, OtherDevicesHaveNone) {
  for (const char* name : {"NVIDIA GeForce RTX 4090 D", "NVIDIA GeForce RTX 4090 Laptop GPU",
                           "NVIDIA GeForce RTX 3090 Ti", "NVIDIA H200 NVL", "NVIDIA L40",
                           "NVIDIA A100-SXM4-40GB MIG 3g.20gb", "Tesla T4", "AMD EPYC", ""})
    EXPECT_FALSE(find_spec_sheet(source_configs(), name)) << name;
}

TEST(SpecSheet, ThePeakGoesByTheOperandsDatatype) {
  const auto sheet = find_spec_sheet(source_configs(), "NVIDIA A40");
  EXPECT_EQ(matmul_peak(*sheet, Dtype::kFloat32, false)->value, sheet->fp32->value);
  EXPECT_EQ(matmul_peak(*sheet, Dtype::kFloat32, true)->value, sheet->tf32->value);
  EXPECT_EQ(matmul_peak(*sheet, Dtype::kBFloat16, false)->value, sheet->half->value);
  EXPECT_EQ(matmul_peak(*sheet, Dtype::kFloat16, true)->value, sheet->half->value);
  EXPECT_FALSE(matmul_peak(*sheet, Dtype::kFloat64, false));
  EXPECT_EQ(matmul_datatype(Dtype::kFloat32, true), "tf32");
  EXPECT_EQ(matmul_datatype(Dtype::kFloat32, false), "fp32");
  EXPECT_EQ(matmul_datatype(Dtype::kBFloat16, true), "bf16");
}

TEST(SpecSheet, AFigureThatIsNotPrintedIsNone) {
  const TemporaryFolder folder;
  folder.write("hardware.toml",
               "[sources]\ns = \"a sheet\"\n[[device]]\nnames = [\"X\"]\n"
               "half = { tflops = 1.5, source = \"s\" }\n");
  const auto sheet = find_spec_sheet(folder.path(), "X");
  ASSERT_TRUE(sheet);
  EXPECT_FALSE(sheet->fp32);
  EXPECT_DOUBLE_EQ(sheet->half->value, 1.5e12);
  EXPECT_EQ(sheet->half->source, "a sheet");
}

TEST(SpecSheet, AFigureWithoutASourceIsRefused) {
  const TemporaryFolder folder;
  for (const char* figure : {"half = { tflops = 1 }", "half = { tflops = 1, source = \"t\" }",
                             "half = { gflops = 1, source = \"s\" }"}) {
    folder.write("hardware.toml", std::string("[sources]\ns = \"a sheet\"\n[[device]]\n"
                                              "names = [\"X\"]\n") +
                                      figure + "\n");
    EXPECT_TRUE(says(usage_message([&] { find_spec_sheet(folder.path(), "X"); }),
                     "figures { tflops or gb_per_s, source }"))
        << figure;
  }
}

}  // namespace
}  // namespace dtbench
