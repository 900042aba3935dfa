// Reports as files.
#pragma once

#include <array>
#include <filesystem>
#include <string>

#include "base/json.h"

namespace dtbench {

struct ReportFormat {
  const char* name;
  const char* extension;
  std::string (*make)(const Json& data);
};

inline constexpr std::size_t kReportFormats = 5;

// html, markdown, csv, parquet, json.
const std::array<ReportFormat, kReportFormats>& report_formats();

// Throws Error (usage) for an unknown name, with the nearest.
const ReportFormat& report_format(const std::string& name);

// Atomically. `data`: report_data.
void write_report(const Json& data, const ReportFormat& format, const std::filesystem::path& path);

}  // namespace dtbench
