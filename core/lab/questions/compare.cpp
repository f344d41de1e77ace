// Which run is best? What a run reached, how true its dream is, how large and how fast it is, and what it cost. Several
// runs stand on one board (joined()).
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "api/platform_time.h"
#include "core/base/entries.h"
#include "core/engine/run_file.h"
#include "core/lab/questions/questions.h"

namespace dream {
namespace comparing {
namespace {

constexpr double measured_within = 20, timed_for = 0.8;  // seconds
constexpr double longest_pause = 600;  // seconds between two values of a curve: what is longer was no training

LabNumber plain(const char* name, const char* title, const char* unit, double value, std::string note) {
  return number(name, title, unit, {value, LabNumber::unknown, LabNumber::unknown}, std::move(note));
}

/// "903 ± 28 over 100 unseen episodes": the mean, and its interval from the deviation.
LabNumber score_of_run(const System& system) {
  const auto found = system.facts.find(score_fact);
  double mean = 0, deviation = 0;
  int episodes = 0;
  if (found == system.facts.end() ||
      std::sscanf(found->second.c_str(), "%lf ± %lf over %d", &mean, &deviation, &episodes) != 3 || episodes < 2)
    return plain("score", "Score", "reward", LabNumber::unknown, "this run has not been evaluated");
  const double half = 1.96 * deviation / std::sqrt(episodes);
  auto score = number("score", "Score", "reward", {mean, mean - half, mean + half},
                      "mean return where it was evaluated: " + found->second + "; worlds have units of their own");
  return score;
}

double parameters_of(const torch::nn::Module* module) {
  double count = 0;
  if (module)
    for (const auto& each : module->parameters()) count += static_cast<double>(each.numel());
  return count;
}

/// How far the curves go over updates, and over steps of the world; NaN where none counts them.
std::pair<double, double> updates_and_steps(const System& system) {
  std::map<std::string, double> updates;  // of every phase that counts its own
  double steps = LabNumber::unknown;
  for (const auto& curve : system.metrics.views(nullptr)) {
    if (curve.x.empty() || curve.name.starts_with("gauges/")) continue;
    const auto phase = curve.name.substr(0, curve.name.find('/'));
    if (phase == "learn") {
      if (curve.x_unit == "step") steps = std::isfinite(steps) ? std::max(steps, curve.x.back()) : curve.x.back();
    } else if (curve.x_unit == "update") {
      updates["all"] = std::max(updates["all"], curve.x.back());
    } else if (curve.x_unit == "step") {
      updates[phase] = std::max(updates[phase], curve.x.back());
    }
  }
  double sum = updates.empty() ? LabNumber::unknown : 0;
  for (const auto& [phase, count] : updates) sum += count;
  return {sum, steps};
}

/// By the clock times in the run's event files (TFRecord: length, checksum, payload, checksum; an Event's first field
/// is its time), without pauses.
double hours_of(const std::filesystem::path& run) {
  double seconds = 0;
  bool any = false;
  if (run.empty()) return LabNumber::unknown;
  for (const auto& entry : entries_of(run)) {
    if (!entry.filename().string().starts_with("events.out.tfevents.")) continue;
    std::ifstream in(entry, std::ios::binary);
    double last = -1;
    for (char head[12], begin[9]; in.read(head, 12);) {
      std::uint64_t length = 0;
      std::memcpy(&length, head, 8);
      if (length < 9 || length > (1u << 20) || !in.read(begin, 9) || begin[0] != 0x09) break;
      double at = 0;
      std::memcpy(&at, begin + 1, 8);
      if (last >= 0 && at > last && at - last < longest_pause) seconds += at - last, any = true;
      last = at;
      in.seekg(static_cast<std::streamoff>(length - 9 + 4), std::ios::cur);
    }
  }
  return any ? seconds / 3600 : LabNumber::unknown;
}

/// Imagined steps a second of `lanes` dreams at once, painted where the model paints.
double imagined_rate(Inquiry& inquiry, std::int64_t lanes, double share, const std::string& doing) {
  auto& model = inquiry.model();
  auto rng = inquiry.rng(60);
  const auto axes = static_cast<std::int64_t>(model.actions(inquiry.system().make_env()->spaces()).size());
  const auto action = torch::zeros({lanes, axes}, inquiry.system().device);
  auto carry = model.initial(lanes);
  double began = now_seconds();
  int steps = -3;  // to warm up
  for (; steps < 1 || now_seconds() - began < timed_for; ++steps) {
    if (steps == 0) began = now_seconds();
    carry = model.imagine(carry, action, {}, rng);
    const auto made = model.predict(carry);
    (made.frame.defined() ? made.frame : model.features(carry)).sum().item<float>();  // a card has made it only now
    inquiry.at(share, doing);
  }
  return steps * static_cast<double>(lanes) / (now_seconds() - began);
}

Table settings_of(const System& system) {
  Table table;
  table.columns = {{"setting", "", "", 0}, {"value", "", "", 4}};
  table.rows = {{{0, "recipe"}, {LabNumber::unknown, system.title}},
                {{1, "environment"}, {LabNumber::unknown, system.environment}}};
  for (const auto& field : system.config.fields()) {
    Table::Cell cell{LabNumber::unknown, ""};
    std::visit(
        [&](const auto& value) {
          using T = std::decay_t<decltype(value)>;
          if constexpr (std::is_same_v<T, std::string>) {
            cell.text = value.empty() ? "(none)" : value;
          } else if constexpr (std::is_same_v<T, bool>) {
            cell = {value ? 1.0 : 0.0, value ? "yes" : "no"};
          } else {
            char text[32];
            std::snprintf(text, sizeof text, "%.6g", static_cast<double>(value));
            cell = {static_cast<double>(value), text};
          }
        },
        field.value);
    table.rows.push_back({{static_cast<double>(table.rows.size()), field.key}, cell});
  }
  return table;
}

void ask_compare(Inquiry& inquiry, LabAnswer& answer) {
  auto& system = inquiry.system();
  const auto [updates, steps] = updates_and_steps(system);
  std::error_code failure;
  std::filesystem::path file;
  for (const auto& path : {system.directory / "checkpoint.safetensors", system.directory})
    if (!system.directory.empty() && std::filesystem::is_regular_file(path, failure)) file = path;
  const double bytes =
      file.empty() ? LabNumber::unknown : static_cast<double>(std::filesystem::file_size(file, failure));
  const auto score = score_of_run(system);
  const auto fill = [&](const LabAnswer* dream, double one, double many) {
    answer.numbers = {score};
    for (const auto& [name, title, unit] : {std::tuple{"skill", "Skill against a still picture", ""},
                                            {"usable_horizon", "Usable horizon", "steps"},
                                            {"honest_horizon", "Nearer than a still picture", "steps"},
                                            {"sharpness", "Sharpness of the dream", ""}}) {
      const auto found =
          dream ? std::ranges::find(dream->numbers, name, &LabNumber::name) : std::vector<LabNumber>::const_iterator();
      if (dream && found != dream->numbers.end())
        answer.numbers.push_back(*found);
      else
        answer.numbers.push_back(plain(name, title, unit, LabNumber::unknown,
                                       !dream                 ? "being measured"
                                       : dream->fault.empty() ? "not told"
                                                              : dream->fault));
    }
    answer.numbers.push_back(plain("parameters_model", "Parameters of the model", "", parameters_of(system.model.get()),
                                   "weights that are learned"));
    answer.numbers.push_back(plain("parameters_behaviour", "Parameters of the behaviour", "",
                                   parameters_of(system.behaviour.get()), "weights that are learned; 0: it plans"));
    answer.numbers.push_back(plain("steps", "Steps of the world", "steps", steps,
                                   std::isfinite(steps) ? "of its own and given ones, as far as its curves go"
                                                        : "none of its curves counts them"));
    answer.numbers.push_back(
        plain("updates", "Updates", "", updates,
              std::isfinite(updates) ? "as far as its curves go" : "none of its curves counts them"));
    answer.numbers.push_back(
        plain("imagined_one", "Imagined, one dream", "frames/s", one, "measured now, beside whatever else runs here"));
    answer.numbers.push_back(plain("imagined_many", "Imagined, 16 dreams", "frames/s", many,
                                   "measured now, beside whatever else runs here"));
    const double hours = hours_of(system.directory);
    answer.numbers.push_back(plain("hours", "Training", "h", hours,
                                   std::isfinite(hours)
                                       ? "by the times in its event files, without pauses of over ten minutes"
                                       : "it has no event files"));
    answer.numbers.push_back(plain("bytes", "Size", "MB", bytes / 1e6,
                                   std::isfinite(bytes) ? "of its checkpoint" : "it is not on the disk"));
    answer.figures = {figure("settings", "Settings", "as the run has them", settings_of(system))};
    if (dream) answer.episodes = dream->episodes, answer.steps = dream->steps;
  };
  fill(nullptr, LabNumber::unknown, LabNumber::unknown);
  inquiry.show(answer);
  const double one = imagined_rate(inquiry, 1, 0.02, "times one dream");
  const double many = imagined_rate(inquiry, 16, 0.06, "times 16 dreams");
  fill(nullptr, one, many);
  inquiry.show(answer);
  const auto dream =
      inquiry.answer_of("horizon", std::min(measured_within, inquiry.seconds() - inquiry.elapsed()), 0.1, 1);
  fill(&dream, one, many);
  const auto word = [&](const char* name) {
    return in_figures(std::ranges::find(answer.numbers, name, &LabNumber::name)->value);
  };
  answer.sentence = (std::isfinite(score.value) ? "It reached " + system.facts.at(score_fact)
                                                : std::string("It has not been evaluated")) +
                    "; its dream is of use for " + word("usable_horizon") + " steps (skill " + word("skill") +
                    "), by " + in_figures(parameters_of(system.model.get()) / 1e6) + " million weights that imagine " +
                    word("imagined_one") + " frames/s.";
}

}  // namespace
}  // namespace comparing

Question question_compare() {
  return {"compare", "Which run is best?",
          "What runs reached, how true their dreams are, their size, speed and cost: one row a run.", lacks_true_actions,
          comparing::ask_compare};
}

}  // namespace dream
