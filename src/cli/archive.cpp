#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/commands.h"
#include "record/run_summary.h"
#include "sweep/archive.h"

namespace dtbench {
namespace {

constexpr std::chrono::seconds kBetweenLooks(5);

struct ArchiveOptions {
  std::string out, to;
  bool follow = false;
};

std::string in_words(const ArchiveCount& count) {
  return concat(count.copied + count.there + count.unfinished, " records: ", count.copied,
                " copied, ", count.there, " there already, ", count.unfinished, " not finished");
}

// Until a signal ends the program; what it leaves half-copied, the next call removes.
void follow(Archive& archive) {
  std::string said;
  for (;; std::this_thread::sleep_for(kBetweenLooks)) {
    std::string news;
    try {
      const ArchiveCount count = archive.copy();
      if (count.copied > 0 || said.empty()) news = in_words(count);
      if (!news.empty()) log_info(news);
    } catch (const Error& error) {
      if (error.code() != ExitCode::kRetryable) throw;
      news = error.what();
      if (news != said) log_warning(concat(news, "\n  Going on once it is mended."));
    }
    if (!news.empty()) said = news;
  }
}

void archive_records(const ArchiveOptions& options) {
  // Where a matrix is still to begin, there is nothing to follow yet.
  if (!options.follow)
    runs_in(options.out, "Name the root folder of records: dtbench archive runs --to DIR.",
            RecordFiles::kSpecAndResult);
  Archive archive(options.out, options.to);
  if (options.follow) follow(archive);
  std::cout << in_words(archive.copy()) << ".\n";
}

}  // namespace

void add_archive_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "archive",
      "copy finished records to another disk and verify each copy; those already there are kept");
  const auto options = std::make_shared<ArchiveOptions>();
  command->add_option("folder", options->out, "root folder of records")->required();
  command->add_option("--to", options->to, "folder to copy to, such as a mounted disk")->required();
  command->add_flag("--follow", options->follow,
                    "keep checking for finished records, every 5 seconds, until Ctrl-C");
  command->callback([options] { archive_records(*options); });
}

}  // namespace dtbench
