#include "analysis/sessions.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace dtbench {
namespace {

std::optional<double> mean_log_speed(const Session& session, const std::string& scenario,
                                     const std::string& policy) {
  const auto policies = session.cells.find(scenario);
  if (policies == session.cells.end()) return std::nullopt;
  const auto cells = policies->second.find(policy);
  if (cells == policies->second.end()) return std::nullopt;
  double sum = 0;
  std::size_t n = 0;
  for (const Cell* cell : cells->second)
    if (const auto speed = cell->measured("/throughput/samples_per_s");
        cell->completed() && speed) {
      sum += std::log(*speed);
      ++n;
    }
  if (n == 0) return std::nullopt;
  return sum / static_cast<double>(n);
}

}  // namespace

std::map<std::string, std::vector<Session>> sessions_of(const std::vector<const Cell*>& cells) {
  std::map<std::string, std::map<std::string, Session>> by_card;
  for (const Cell* cell : cells) {
    Session& session = by_card[cell->card][cell->session];
    session.id = cell->session;
    session.cells[cell->scenario][cell->policy].push_back(cell);
    const std::string at = text_or(member_or_null(cell->result, "/started_at"), "");
    if (session.began.empty() || at < session.began) session.began = at;
  }
  std::map<std::string, std::vector<Session>> sorted;
  for (auto& [card, sessions] : by_card) {
    std::vector<Session>& list = sorted[card];
    for (auto& [id, session] : sessions)
      list.push_back(std::move(session));
    std::sort(list.begin(), list.end(), [](const Session& a, const Session& b) {
      return std::tie(a.began, a.id) < std::tie(b.began, b.id);
    });
  }
  return sorted;
}

std::optional<double> log_speedup(const Session& session, const std::string& scenario,
                                  const std::string& policy) {
  const auto here = mean_log_speed(session, scenario, policy);
  const auto there = mean_log_speed(session, scenario, kReferencePolicy);
  if (!here || !there) return std::nullopt;
  return *here - *there;
}

}  // namespace dtbench
