#include "cli/study_forecast.h"

#include <set>

#include "analysis/hypothesis_file.h"
#include "analysis/verdicts.h"
#include "base/places.h"
#include "base/table.h"
#include "base/text.h"
#include "cli/amounts.h"
#include "cli/sweep_view.h"
#include "record/status.h"

namespace dtbench {
namespace {

// What a chosen rate changes, no duration does.
std::map<std::string, ChosenRate> rates_if_known(const StudyOptions& options, const Study& study,
                                                 const StudyStage& stage) {
  try {
    return rates_of_stage(options, study, stage);
  } catch (const Error& error) {
    if (error.code() != ExitCode::kRetryable) throw;
    return {};
  }
}

// Cells that an earlier stage trains cost nothing again.
Json stage_json(const StudyOptions& options, const Study& study, const StudyStage& stage,
                const std::optional<CardPredictor>& card, std::set<std::filesystem::path>& seen) {
  const auto rates = rates_if_known(options, study, stage);
  std::vector<SweepCell> cells = stage_cells(options, stage, rates);
  const SweepOptions sweep = stage_options(options, study, stage, cells);
  predict_all(card, cells, sweep);
  std::size_t done = 0, unpredicted = 0, shared = 0;
  double device_s = 0;
  for (const SweepCell& cell : cells) {
    if (!seen.insert(cell.run).second)
      ++shared;
    else if (is_whole(read_run(cell.run, RecordFiles::kSpecAndResult)))
      ++done;
    else if (!cell.predicted_s)
      ++unpredicted;
    else
      device_s += *cell.predicted_s * sweep.slots.front().share;
  }
  return {{"name", stage.name},
          {"session", stage.session},
          {"purpose", stage.purpose},
          {"hypotheses", stage.hypotheses},
          {"cells", cells.size()},
          {"done", done},
          {"of_earlier_stages", shared},
          {"unpredicted", unpredicted},
          {"hours", unpredicted == 0 ? Json(device_s / 3600) : Json()},
          {"usd", unpredicted == 0 && sweep.price_per_hour
                      ? Json(cost_of(device_s, *sweep.price_per_hour))
                      : Json()},
          {"rates", rates.empty() ? Json() : Json(rates_in_words(rates))},
          {"rates_from", stage.rates_from}};
}

// Running sums, and up to which stage the budget pays.
void add_up(Json& forecast, const std::optional<double>& budget) {
  double hours = 0, usd = 0, affordable = 0;
  std::size_t cells = 0;
  bool known = true, priced = true, pays = true;
  for (Json& stage : forecast["stages"]) {
    cells += stage.at("cells").get<std::size_t>();
    known = known && stage.at("hours").is_number();
    priced = priced && stage.at("usd").is_number();
    if (known) hours += stage.at("hours").get<double>();
    if (priced) usd += stage.at("usd").get<double>();
    pays = pays && priced && (!budget || usd <= *budget);
    stage["usd_so_far"] = priced ? Json(usd) : Json();
    stage["affordable"] = budget ? Json(pays) : Json();
    if (pays) affordable = usd;
  }
  forecast["total"] = {{"cells", cells},
                       {"hours", known ? Json(hours) : Json()},
                       {"usd", priced ? Json(usd) : Json()},
                       {"budget", number_or_null(budget)},
                       {"reserve_usd", budget && priced ? Json(*budget - affordable) : Json()}};
}

Json decides_json(const Study& study) {
  const std::vector<Hypothesis> hypotheses = load_hypotheses(configs_folder());
  Json list = Json::array();
  for (const Json& verdict : verdicts(hypotheses, {}, {}))
    if (study.note.rules.contains(verdict.at("hypothesis").get<std::string>()))
      list.push_back({{"hypothesis", verdict.at("hypothesis")},
                      {"claim", verdict.at("claim")},
                      {"plan", verdict.at("plan").at("words")}});
  return list;
}

std::string hours_text(const Json& hours) {
  return hours.is_number() ? formatted("%.1f", hours.get<double>()) : "-";
}

std::string usd_text(const Json& amount) {
  return amount.is_number() ? usd(amount.get<double>()) : "-";
}

std::string upper(std::string text) {
  for (char& letter : text)
    letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return text;
}

std::string decided_by(const Json& stage) {
  std::vector<std::string> names;
  for (const Json& name : stage.at("hypotheses"))
    names.push_back(upper(readable(name)));
  return names.empty() ? "-" : join(names, ", ");
}

std::string stage_title(const Json& stage) {
  return title_of(readable(stage.at("name")), stage.at("session").get<std::int64_t>());
}

std::string total_sentence(const Json& forecast) {
  const Json& total = forecast.at("total");
  std::string text = concat(readable(total.at("cells")), " cells");
  if (total.at("hours").is_number())
    text +=
        concat(", ", hours_text(total.at("hours")), " hours of ", readable(forecast.at("device")));
  if (total.at("usd").is_number()) text += concat(", ", usd_text(total.at("usd")), " USD");
  if (!total.at("hours").is_number())
    text +=
        "; hours are unknown, because no record here tells how long such cells take: "
        "--device CARD predicts for a card, and --budget trains a few steps of each kind first";
  text += '.';
  if (!total.at("reserve_usd").is_number()) return text;
  std::string last;
  for (const Json& stage : forecast.at("stages"))
    if (stage.at("affordable") == true) last = stage_title(stage);
  if (last.empty())
    return concat(text, " The budget of ", usd_text(total.at("budget")),
                  " USD does not pay for the first stage.");
  const bool all = forecast.at("stages").back().at("affordable") == true;
  return concat(text, " The budget of ", usd_text(total.at("budget")), " USD pays for ",
                all ? "all of it" : concat("everything up to '", last, "'"), " and leaves ",
                usd_text(total.at("reserve_usd")), " in reserve.");
}

}  // namespace

Json study_forecast(const StudyOptions& options, const Study& study) {
  Json forecast = {{"study", study.name},
                   {"description", study.description},
                   {"sha256", study.note.sha256},
                   {"stages", Json::array()}};
  const std::optional<CardPredictor> card = card_predictor(options.matrix);
  std::set<std::filesystem::path> seen;
  for (const StudyStage& stage : study.stages)
    forecast["stages"].push_back(stage_json(options, study, stage, card, seen));
  const std::vector<SweepCell> first = stage_cells(options, study.stages.front(), {});
  forecast["device"] = card_of(options.matrix).value_or(first.front().spec.device);
  forecast["rests_on"] = card ? Json(card->records()) : Json();
  add_up(forecast, sweep_options(options.matrix, first).budget);
  forecast["decides"] = decides_json(study);
  return forecast;
}

std::string study_forecast_text(const Json& forecast) {
  Rows rows = {{"stage", "for", "cells", "done", "hours", "USD", "USD so far"}};
  std::string purposes;
  for (const Json& stage : forecast.at("stages")) {
    rows.push_back({stage_title(stage), decided_by(stage), readable(stage.at("cells")),
                    readable(stage.at("done")), hours_text(stage.at("hours")),
                    usd_text(stage.at("usd")), usd_text(stage.at("usd_so_far"))});
    if (stage.at("session") != 1) continue;
    std::string purpose = concat(readable(stage.at("name")), ": ", readable(stage.at("purpose")));
    if (stage.at("rates").is_string())
      purpose += concat(" Rates: ", readable(stage.at("rates")), ".");
    else if (stage.at("rates_from") != "")
      purpose += concat(" Rates: as stage '", readable(stage.at("rates_from")), "' will choose.");
    purposes += wrapped(purpose, kProse);
  }
  std::string text = wrapped(concat("Study ", readable(forecast.at("study")), ": ",
                                    readable(forecast.at("description"))),
                             kProse) +
                     "\n" + aligned(rows, {2, 2}) + "\n" +
                     wrapped(total_sentence(forecast), kProse) + "\n" + purposes +
                     "\nWhat it can decide:\n";
  for (const Json& each : forecast.at("decides"))
    text += wrapped(concat(upper(readable(each.at("hypothesis"))), ": ", readable(each.at("claim")),
                           ". ", readable(each.at("plan")), "."),
                    kProse);
  if (forecast.at("rests_on").is_string())
    text +=
        "\n" + wrapped(concat("Hours are predicted from ", readable(forecast.at("rests_on")),
                              ": matrix products by the ratio of the cards' peaks, the rest by "
                              "that of their bandwidths (configs/hardware.toml). Cells that "
                              "die early are counted at full length, so the real cost is lower."),
                       kProse);
  return text;
}

}  // namespace dtbench
