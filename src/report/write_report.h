// Reports as files.
#pragma once

#include <array>
#include <filesystem>
#include <string>

#include "base/json.h"
#include "record/run_directory.h"
#include "report/table.h"

namespace dtbench {

struct ReportFormat {
  const char* name;
  const char* extension;
  std::string (*make)(const Json& data);
  std::string (*table)(const Table& table);  // null where the format holds no flat table
};

inline constexpr std::size_t kReportFormats = 5;

// html, markdown, csv, parquet, json.
const std::array<ReportFormat, kReportFormats>& report_formats();

// Throws Error (usage) for an unknown name, with the nearest.
const ReportFormat& report_format(const std::string& name);

// Atomically. `data`: report_data.
void write_report(const Json& data, const ReportFormat& format, const std::filesystem::path& path);

// The records' steps, as step_table. `format` has a table.
void write_steps(const std::vector<RunRecord>& records, const ReportFormat& format,
                 const std::filesystem::path& path);

}  // namespace dtbench
