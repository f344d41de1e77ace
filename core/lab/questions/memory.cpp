// What does a model remember? What it knows of what is hidden from it, whether what it remembers helps, and which state
// of the world can be read from it. Measures 12 and 13 of the gauges.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/lab/occlusion.h"
#include "core/lab/questions/questions.h"
#include "core/lab/readout.h"
#include "core/nn/generator.h"

namespace dream {
namespace {

constexpr std::size_t memory_groups = 4, most_memory_groups = 24;
constexpr std::size_t enough_rows = 1200;  // that a read-out is fitted and judged on
constexpr double most_psnr = 60;           // dB: nothing is nearer than the pictures' own 256 levels
constexpr double readable = 0.1;           // R² above which imagining can lose something
const std::vector<std::int64_t> read_ahead = {1, 5, 15, 30};

struct MemorySums {
  Occlusion hidden;
  Readout states;
  std::shared_ptr<System> twin;
  double rate = 1;
  std::size_t episodes = 0;
};

std::vector<std::size_t> memory_rows(std::size_t count) {
  std::vector<std::size_t> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = i;
  return all;
}

double recall_psnr(double mse) {
  return std::min(most_psnr, psnr(mse));
}

double recall_mean(const std::vector<double>& values, const std::vector<std::size_t>& chosen) {
  double sum = 0;
  for (const auto i : chosen) sum += values[i];
  return sum / static_cast<double>(chosen.size());
}

Interval recall_gap(const RecallErrors& errors) {
  return bootstrap(errors.full.size(), [&](const auto& chosen) {
    return recall_psnr(recall_mean(errors.full, chosen)) - recall_psnr(recall_mean(errors.cut, chosen));
  });
}

std::vector<double> hidden_axis(std::int64_t steps) {
  std::vector<double> x;
  for (std::int64_t k = 1; k <= steps; ++k) x.push_back(static_cast<double>(k));
  return x;
}

/// Σ of the rows, as a share of another Σ: of every step.
std::vector<double> error_shares(const StepRows& over, const StepRows& under) {
  std::vector<double> y;
  for (std::size_t k = 0; k < over.front().size(); ++k) {
    double a = 0, b = 0;
    for (std::size_t e = 0; e < over.size(); ++e) a += over[e][k], b += under[e][k];
    y.push_back(b > 0 ? a / b : LabNumber::unknown);
  }
  return y;
}

void answer_hidden(Inquiry& inquiry, const MemorySums& sums, LabAnswer& answer) {
  const auto& hidden = sums.hidden;
  const auto n = hidden.from.size();
  const auto steps = hidden.steps;
  auto& numbers = answer.numbers;
  const auto seconds = [&](const HiddenErrors& errors) {
    return bootstrap(n, [&](const auto& chosen) { return known_steps(errors, chosen) / sums.rate; });
  };
  const auto away = seconds(hidden.away);
  const auto in_steps = [&](const Interval& interval) { return in_figures(interval.value * sums.rate) + " steps"; };
  numbers.push_back(
      number("permanence", "Object permanence", "s", away,
             "seconds of looking away for which the dream knows what moves better than the last picture seen and than "
             "the mean frame, on pixels that move (by more than 0.05) in that step; at most " +
                 in_figures(static_cast<double>(steps) / sums.rate) + " s were tried"));
  numbers.back().beside = {
      {"against the still picture alone", known_steps(hidden.away, memory_rows(n), false) / sums.rate}};
  if (!std::isfinite(away.value))
    numbers.back().note = "nothing moved while it was hidden", numbers.back().beside.clear();
  numbers.push_back(number("permanence_steps", "The same in steps", "steps",
                           {away.value * sums.rate, away.low * sums.rate, away.high * sums.rate},
                           "imagined steps until that is no longer so"));
  numbers.back().beside = {{"a still picture", 0}, {"tried", static_cast<double>(steps)}};
  const auto quarter = seconds(hidden.quarter);
  numbers.push_back(number(
      "permanence_quarter", "Behind a cover", "s", quarter,
      "the same while a quarter of the picture is covered with the mean colour and the model goes on looking; under "
      "the cover, at five places. A model whose encoder sees the cover as a thing loses what is behind it at once"));
  numbers.push_back(number("permanence_covered", "Blindfolded", "s", seconds(hidden.covered),
                           "the same while all of the picture is covered and the model goes on looking"));
  const auto tenth = std::min<std::int64_t>(10, steps);
  auto change = number("hidden_change", "Hidden change explained after " + std::to_string(tenth), "",
                       bootstrap(n, [&](const auto& chosen) { return change_explained(hidden.away, chosen, tenth); }),
                       "1 − error / error of the last picture seen, on pixels that changed while nobody looked: 1 "
                       "knows what happened, 0 remembers what was there. What only looks its last view up has 0");
  change.beside = {{"last view", 0}, {"behind a cover", change_explained(hidden.quarter, memory_rows(n), tenth)}};
  numbers.push_back(change);
  std::int64_t recalled = 0;  // after so many steps of looking away
  for (const auto& each : hidden.recall)
    if (each.after <= tenth) recalled = each.after;
  for (const auto& [after, name, title] : {std::tuple{std::int64_t{0}, "context_gap", "Memory helps"},
                                           std::tuple{recalled, "recall_gap", "Memory helps after looking away"}}) {
    const auto there = std::ranges::find(hidden.recall, after, &RecallErrors::after);
    if (there == hidden.recall.end() || (after == 0 && name == std::string("recall_gap"))) continue;
    auto gap = number(name, title, "dB", recall_gap(*there),
                      "PSNR one step after a real frame, seen " +
                          std::string(after == 0 ? "with all that came before"
                                                 : "after " + std::to_string(after) + " imagined steps") +
                          ", minus that of a model which has seen that frame alone. Above 0: what it remembers helps; "
                          "below: it hinders");
    gap.verdict = gap.low > 0    ? LabNumber::Verdict::good
                  : gap.high < 0 ? LabNumber::Verdict::bad
                                 : LabNumber::Verdict::none;
    gap.beside = {{"with memory", recall_psnr(mean_of(there->full))},
                  {"that frame alone", recall_psnr(mean_of(there->cut))}};
    numbers.push_back(gap);
  }
  answer.sentence = std::isfinite(away.value)
                        ? "When it looks away, it knows for " + in_figures(away.value) + " s (" + in_steps(away) +
                              ") better than a still picture or the mean frame what moves; behind a cover for " +
                              in_figures(quarter.value) + " s."
                        : "Nothing moved while it was hidden: what it would know of it cannot be told.";
  if (const auto& gap = numbers.back(); gap.name == std::string("recall_gap") && std::isfinite(gap.value))
    answer.sentence +=
        " After " + std::to_string(recalled) + " steps of looking away, what it remembers makes the next picture " +
        in_figures(std::abs(gap.value)) + " dB " + (gap.value >= 0 ? "better" : "worse") + " than one frame alone.";

  std::vector<LabMoment> moments;  // of every step: where it went most wrong
  for (std::size_t k = 0; k < static_cast<std::size_t>(steps); ++k) {
    std::size_t worst = 0;
    for (std::size_t e = 1; e < n; ++e)
      if (hidden.away.made[e][k] > hidden.away.made[worst][k]) worst = e;
    moments.push_back(inquiry.moment(hidden.from[worst], hidden.context));
  }
  const auto plot = [&](std::string name, std::string title, std::string caption, std::string unit,
                        std::vector<Line> lines) {
    Curve curve{hidden_axis(steps), std::move(lines), "steps since it was last seen", std::move(unit)};
    auto made = figure(std::move(name), std::move(title), std::move(caption), std::move(curve));
    made.moments = moments;
    answer.figures.push_back(std::move(made));
  };
  const auto lines = [&](const HiddenErrors& errors) { return error_shares(errors.made, errors.still); };
  plot("hidden", "What moves while it is hidden",
       "error on hidden pixels that move, as a share of the last picture's error: under 1 the model knows more than "
       "what was there; " +
           std::to_string(n) + " episodes",
       "error / still picture's",
       {{"looks away", lines(hidden.away)},
        {"behind a cover", lines(hidden.quarter)},
        {"blindfolded", lines(hidden.covered)},
        {"last picture", std::vector<double>(static_cast<std::size_t>(steps), 1), false, {}, {}, true},
        {"mean frame", error_shares(hidden.away.middle, hidden.away.still), false, {}, {}, true}});
  if (hidden.sheet.defined()) {
    const auto columns = static_cast<int>(hidden.shown.size());
    auto sheet = figure("pictures", "Hidden and imagined",
                        "the first held-out episode; the cover is of the mean colour", sheet_of(hidden.sheet, columns));
    sheet.columns = columns, sheet.rows = 4;
    sheet.row_labels = {"truth", "what it is shown", "what it makes of it", "looks away"};
    for (const auto k : hidden.shown)
      sheet.column_labels.push_back(std::to_string(k)),
          sheet.moments.push_back(inquiry.moment(hidden.from.front(), hidden.context));
    answer.figures.push_back(std::move(sheet));
  }
  const auto explained = [&](const HiddenErrors& errors) {
    auto y = error_shares(errors.changed, errors.changed_still);
    for (double& value : y) value = 1 - value;
    return y;
  };
  plot("change", "Hidden change explained",
       "1 − error / the last picture's, on pixels that are no longer as they were when last seen", "share explained",
       {{"looks away", explained(hidden.away)},
        {"behind a cover", explained(hidden.quarter)},
        {"last picture", std::vector<double>(static_cast<std::size_t>(steps), 0), false, {}, {}, true}});
  Curve recall;
  recall.x_unit = "imagined steps before the frame", recall.y_unit = "PSNR, dB";
  Line full{"with memory", {}}, cut{"that frame alone", {}, false, {}, {}, true};
  auto made = figure("recall", "Does memory help?",
                     "PSNR of the picture one step after a real frame was shown again; at most 60 dB", Curve{});
  for (const auto& each : hidden.recall) {
    recall.x.push_back(static_cast<double>(each.after));
    full.y.push_back(recall_psnr(mean_of(each.full))), cut.y.push_back(recall_psnr(mean_of(each.cut)));
    made.moments.push_back(
        inquiry.moment(hidden.from[static_cast<std::size_t>(std::ranges::max_element(each.full) - each.full.begin())],
                       hidden.context));
  }
  recall.lines = {full, cut};
  made.value = std::make_shared<const Value>(std::move(recall));
  answer.figures.push_back(std::move(made));
}

void answer_states(Inquiry& inquiry, const MemorySums& sums, LabAnswer& answer) {
  const auto& states = sums.states;
  const auto y = stacked_rows(states.y).to(torch::kFloat64);
  const auto& episode = states.episode;
  const auto read = [&](const std::vector<torch::Tensor>& parts, const torch::Tensor& targets) {
    inquiry.at(0.98, "reads " + states.kind + " from its states");
    const auto x = stacked_rows(parts);
    if (x.defined() && x.size(0) != y.size(0)) return ReadResult{};
    return judged(read_guess(x, targets, episode, x, episode), targets, episode);
  };
  auto chance = make_generator(torch::kCPU, 5);
  const auto permuted = y.index_select(0, torch::randperm(y.size(0), chance, torch::kInt64));
  struct Source {
    std::string name, title, note;
    ReadResult result;
  };
  std::vector<Source> sources = {
      {"latent", "latent", "the latent alone", read(states.latent, y)},
      {"memory", "memory", "what the behaviour sees besides the latent", read(states.memory, y)},
      {"pixels", "pixels", "the frame's own pixels, at most 12 × 12", read(states.pixels, y)},
      {"time", "time alone", "the time in the episode, as a curve: what is alike in every episode needs no model",
       read(states.time, y)},
      {"untrained", "untrained", "the same model as it begins", read(states.untrained, y)},
      {"permuted", "permuted", "labels of other moments: a read-out that finds nothing has 0 or less",
       read(states.features, permuted)}};
  // One fit reads the posterior's features and everything that was imagined.
  const auto x = stacked_rows(states.features);
  std::vector<torch::Tensor> judge = {x};
  std::vector<std::size_t> judge_episode = episode;
  std::vector<std::pair<std::int64_t, const Readout::Rows*>> later;
  for (const auto* by_steps : {&states.imagined, &states.real, &states.stale})
    for (const auto& [k, rows] : *by_steps) {
      if (rows.x.empty()) continue;
      judge.push_back(stacked_rows(rows.x)), later.emplace_back(k, &rows);
      judge_episode.insert(judge_episode.end(), rows.episode.begin(), rows.episode.end());
    }
  inquiry.at(0.99, "reads " + states.kind + " from imagined states");
  const auto guess = read_guess(x, y, episode, torch::cat(judge), judge_episode);
  auto& numbers = answer.numbers;
  const ReadResult all = guess.defined() ? judged(guess.slice(0, 0, x.size(0)), y, episode) : ReadResult{};
  if (!all.known()) {
    numbers.push_back({"readout", "State that can be read", "R²", LabNumber::unknown, LabNumber::unknown,
                       LabNumber::unknown, "too few frames of too few episodes"});
    return;
  }
  sources.insert(sources.begin() + 2, Source{"all", "both", "all that the behaviour sees", all});
  auto readout = number("readout", "State that can be read", "R²", all.mean_r2(),
                        "mean R² of a linear read-out of " + states.kind +
                            " from all that the behaviour sees, on episodes that it was not fitted on; 1: all of it, "
                            "0: none (a target that is told worse than by its mean counts as 0). " +
                            std::to_string(y.size(0)) + " frames");
  for (const auto& each : sources)
    if (each.name != "all" && each.result.known()) readout.beside.push_back({each.title, each.result.mean_r2().value});
  numbers.push_back(readout);
  for (const auto& each : sources)
    if ((each.name == "latent" || each.name == "memory") && each.result.known())
      numbers.push_back(number("readout_" + each.name, "… from the " + each.title + " alone", "R²",
                               each.result.mean_r2(), each.note));

  // What imagining loses of what can be read at all.
  std::map<std::int64_t, std::array<ReadResult, 3>> ahead;
  auto row = x.size(0);
  for (const auto& [k, rows] : later) {
    const auto count = static_cast<std::int64_t>(rows->episode.size());
    const std::size_t which = rows == &states.imagined.at(k) ? 0 : rows == &states.real.at(k) ? 1 : 2;
    ahead[k][which] = judged(guess.slice(0, row, row + count), stacked_rows(rows->y), rows->episode);
    row += count;
  }
  std::vector<std::size_t> told;
  for (std::size_t k = 0; k < states.targets.size(); ++k)
    if (all.r2(k).value > readable) told.push_back(k);
  const auto mean_of_told = [&](const ReadResult& result, const std::vector<std::size_t>& chosen) {
    double sum = 0;
    for (const auto k : told) {
      double a = 0, b = 0;
      for (const auto e : chosen) a += result.over[e][k], b += result.under[e][k];
      sum += b > 0 ? std::max(0.0, 1 - a / b) / static_cast<double>(told.size()) : 0;
    }
    return sum;
  };
  Curve curve;
  curve.x_unit = "imagined steps", curve.y_unit = "R²";
  std::vector<Line> lines = {
      {"imagined", {}}, {"seen", {}, false, {}, {}, true}, {"state of the start", {}, false, {}, {}, true}};
  for (const auto& [k, results] : ahead) {
    if (told.empty() || !std::ranges::all_of(results, &ReadResult::known)) continue;
    curve.x.push_back(static_cast<double>(k));
    for (std::size_t i = 0; i < 3; ++i)
      lines[i].y.push_back(mean_of_told(results[i], memory_rows(results[i].over.size())));
    if (k != 15 && !(k < 15 && k == ahead.rbegin()->first)) continue;
    const auto transfer = bootstrap(results[0].over.size(), [&](const auto& chosen) {
      const double real = mean_of_told(results[1], chosen);
      return real > 0 ? mean_of_told(results[0], chosen) / real : LabNumber::unknown;
    });
    auto number_of_it =
        number("transfer", "State kept after " + std::to_string(k) + " imagined steps", "", transfer,
               "R² read from imagined states / R² read from states that were seen at the same time, of what can be "
               "read at all (R² above 0.1); 1: nothing is lost. 0.8 and more: good, under 0.5: bad (our own band)");
    if (!std::isfinite(transfer.value))
      number_of_it.note = "nothing could be read from the states that were seen so many steps later";
    number_of_it.verdict = transfer.value >= 0.8  ? LabNumber::Verdict::good
                           : transfer.value < 0.5 ? LabNumber::Verdict::bad
                                                  : LabNumber::Verdict::none;
    number_of_it.beside = {
        {"state of the start", lines[1].y.back() > 0 ? lines[2].y.back() / lines[1].y.back() : LabNumber::unknown}};
    numbers.push_back(number_of_it);
  }
  Table table;
  table.columns = {{states.kind, "", "", 0}};
  for (const auto& each : sources) table.columns.push_back({each.title, "R²", each.note, 2});
  for (const auto& [k, results] : ahead)
    table.columns.push_back({std::to_string(k) + " ahead", "R²", "from states imagined so many steps ahead", 2});
  for (std::size_t k = 0; k < states.targets.size(); ++k) {
    std::vector<Table::Cell> cells = {{static_cast<double>(k), states.targets[k]}};
    const auto put = [&](const ReadResult& result) {
      double below = 0;
      for (const auto& each : result.under) below += each[k];
      const double value = result.known() && below > 0 ? result.r2(k).value : LabNumber::unknown;
      cells.push_back({value, !std::isfinite(value) ? "–" : value < -1 ? "< −1" : ""});
    };
    for (const auto& each : sources) put(each.result);
    for (const auto& [steps, results] : ahead) put(results[0]);
    table.rows.push_back(std::move(cells));
  }
  answer.figures.push_back(figure("readout", "What can be read from its state",
                                  "R² of a linear read-out of " + states.kind +
                                      ", fitted on every other episode and judged on the rest; beside it: pixels, the "
                                      "time alone, an untrained twin, permuted labels",
                                  std::move(table)));
  if (!curve.x.empty()) {
    curve.lines = std::move(lines);
    answer.figures.push_back(figure("transfer", "What imagining keeps of it",
                                    "mean R² of what can be read at all, from imagined states; what was seen at the "
                                    "same time, and the state of the start standing still, beside it",
                                    std::move(curve)));
  }
  answer.sentence += " A linear read-out of " + states.kind + " finds R² " +
                     in_figures({readout.value, readout.low, readout.high}) + " in its state";
  for (const auto& each : readout.beside)
    if (each.label == "pixels") answer.sentence += ", " + in_figures(each.value) + " in the pixels";
  answer.sentence += ".";
}

void answer_memory(Inquiry& inquiry, const MemorySums& sums, LabAnswer& answer) {
  answer.numbers.clear(), answer.figures.clear();
  answer.episodes = static_cast<std::int64_t>(sums.episodes);
  answer.steps = static_cast<std::int64_t>(sums.states.episode.size());
  if (!sums.hidden.from.empty())
    answer_hidden(inquiry, sums, answer);
  else {
    const std::string why = sums.hidden.paints ? "the episodes end before anything could be hidden"
                                               : "this model paints nothing, or this world shows no picture";
    answer.sentence = "What it knows of what is hidden cannot be told: " + why + ".";
    answer.numbers.push_back(
        {"permanence", "Object permanence", "s", LabNumber::unknown, LabNumber::unknown, LabNumber::unknown, why});
  }
  answer_states(inquiry, sums, answer);
}

void ask_memory(Inquiry& inquiry, LabAnswer& answer) {
  MemorySums sums;
  std::size_t groups = memory_groups;
  std::vector<std::int64_t> ahead;
  double last_words = 0;  // seconds that the answer itself takes
  for (std::size_t group = 0; group < groups; ++group) {
    double began = inquiry.elapsed();
    const double share = 0.97 / static_cast<double>(groups), from = share * static_cast<double>(group);
    const auto first = group * HeldOut::group;
    const auto& episodes = inquiry.episodes(first + HeldOut::group, from, from + share * 0.3);
    if (group == 0) {
      const auto spaces = inquiry.system().make_env()->spaces();
      sums.rate = std::max(1e-3, static_cast<double>(spaces.natural_rate));
      sums.hidden.context = context_of(episodes, spaces);
      sums.hidden.steps = horizon_within(episodes, sums.hidden.context, Occlusion::longest_hidden + 2) - 2;
      for (const auto k : read_ahead)
        if (k <= horizon_within(episodes, 1, k)) ahead.push_back(k);
      sums.twin = untrained_twin(inquiry.system());
    }
    if (sums.hidden.steps > 0) {
      const std::vector<LivedEpisode> these(episodes.begin() + static_cast<std::ptrdiff_t>(first),
                                            episodes.begin() + static_cast<std::ptrdiff_t>(first + HeldOut::group));
      measure_occlusion(inquiry, these, first, sums.hidden, from + share * 0.3, from + share * 0.6);
      if (group == 0 && !sums.hidden.from.empty()) answer_hidden(inquiry, sums, answer), inquiry.show(answer);
    }
    gather_states(inquiry, whole(episodes, first, HeldOut::group, inquiry.system().device), ahead, sums.twin.get(),
                  sums.states, from + share * 0.6, from + share);
    sums.episodes = first + HeldOut::group;
    if (group == 0) {
      groups = std::clamp(enough_rows / std::max<std::size_t>(1, sums.states.episode.size()) + 1, memory_groups,
                          most_memory_groups);
      const double answering = inquiry.elapsed();
      answer_memory(inquiry, sums, answer);
      inquiry.show(answer);
      began += inquiry.elapsed() - answering, last_words = 1.5 * (inquiry.elapsed() - answering);
    }
    if (!inquiry.time_for(inquiry.elapsed() - began + last_words)) break;
  }
  answer_memory(inquiry, sums, answer);
}

}  // namespace

Question question_memory() {
  return {"memory", "What does it remember?",
          "What it knows of what is hidden from it, whether memory helps, and which state of the world can be read "
          "from it.",
          lacks_true_actions, ask_memory};
}

}  // namespace dream
