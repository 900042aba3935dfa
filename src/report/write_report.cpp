#include "report/write_report.h"

#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/text.h"
#include "report/html.h"
#include "report/markdown.h"
#include "report/parquet_file.h"
#include "report/record_table.h"
#include "report/step_table.h"

namespace dtbench {
namespace {

std::string json_report(const Json& data) {
  return json_text(data, 1) + "\n";
}

template <std::string (*text_of)(const Table&)>
std::string records_as(const Json& data) {
  return text_of(record_table(data));
}

constexpr std::array<ReportFormat, kReportFormats> kFormats = {
    {{"html", ".html", html_report, nullptr},
     {"markdown", ".md", markdown_report, nullptr},
     {"csv", ".csv", records_as<csv_text>, csv_text},
     {"parquet", ".parquet", records_as<parquet_bytes>, parquet_bytes},
     {"json", ".json", json_report, nullptr}}};

}  // namespace

const std::array<ReportFormat, kReportFormats>& report_formats() {
  return kFormats;
}

const ReportFormat& report_format(const std::string& name) {
  std::vector<std::string> names;
  for (const ReportFormat& format : kFormats) {
    if (name == format.name) return format;
    names.emplace_back(format.name);
  }
  throw usage_error(concat("Unknown format '", name, "'."), suggestion(name, names));
}

void write_report(const Json& data, const ReportFormat& format, const std::filesystem::path& path) {
  write_file_atomically(path, format.make(data));
}

void write_steps(const std::vector<RunRecord>& records, const ReportFormat& format,
                 const std::filesystem::path& path) {
  write_file_atomically(path, format.table(step_table(records)));
}

}  // namespace dtbench
