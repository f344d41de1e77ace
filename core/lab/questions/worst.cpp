// Where is a model worst? Held-out frames sorted by what its reconstructions and predictions missed, where in the
// picture it misses, and what it loses, named by size. Measure 4 of the gauges, with the foreground apart.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>

#include "api/error.h"
#include "core/lab/questions/questions.h"
#include "core/lab/readout.h"
#include "core/lab/worst_frames.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::size_t worst_groups = 4, most_worst_groups = 24;
constexpr std::int64_t enough_frames = 1000;
constexpr std::int64_t worst_far = 15;  // imagined steps of a prediction far ahead
constexpr std::int64_t worst_numbers_shown = 24;
constexpr double rare_share = 0.1;     // of the frames: what is in fewer is rare
constexpr double enough_objects = 20;  // to say how many of a size are found
constexpr std::array<std::int64_t, 4> size_limits = {4, 16, 64, 1 << 30};
const std::array<std::string, 4> size_names = {"1–4 pixels", "5–16 pixels", "17–64 pixels", "more than 64"};

double worst_quantile(std::vector<double> values, double share) {
  if (values.empty()) return LabNumber::unknown;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  std::ranges::nth_element(values, at);
  return *at;
}

std::vector<double> worst_column(const std::vector<WorstWay::Frame>& frames, double WorstWay::Frame::*what) {
  std::vector<double> values;
  for (const auto& each : frames) values.push_back(each.*what);
  return values;
}

/// A statistic of the errors of whole episodes.
Interval worst_statistic(const std::vector<WorstWay::Frame>& frames,
                         const std::function<double(const std::vector<double>&)>& of) {
  std::map<std::size_t, std::vector<double>> each;
  for (const auto& frame : frames) each[frame.from.episode].push_back(frame.error);
  std::vector<const std::vector<double>*> episodes;
  for (const auto& [episode, errors] : each) episodes.push_back(&errors);
  return bootstrap(episodes.size(), [&](const auto& chosen) {
    std::vector<double> all;
    for (const auto i : chosen) all.insert(all.end(), episodes[i]->begin(), episodes[i]->end());
    return of(all);
  });
}

/// Σ over / Σ under of some entries, by the bootstrap over the episodes that they are of.
Interval worst_ratio(const std::vector<std::size_t>& episode, const std::vector<double>& over,
                     const std::vector<double>& under) {
  std::map<std::size_t, std::pair<double, double>> each;
  for (std::size_t i = 0; i < episode.size(); ++i)
    each[episode[i]].first += over[i], each[episode[i]].second += under[i];
  std::vector<double> above, below;
  for (const auto& [which, sums] : each) above.push_back(sums.first), below.push_back(sums.second);
  return bootstrap_ratio(above, below);
}

Interval worst_psnr(const Interval& mse) {  // a smaller error is a higher figure
  return {psnr(mse.value), psnr(mse.high), psnr(mse.low)};
}

std::size_t size_class(const SeenObject& object) {
  std::size_t k = 0;
  while (object.area > size_limits[k]) ++k;
  return k;
}

/// Objects of one kind (their size and colour) and the frames that have one.
std::set<std::pair<std::size_t, int>> rare_kinds(const WorstWay& way) {
  std::map<std::pair<std::size_t, int>, std::set<std::pair<std::size_t, std::int64_t>>> frames;
  for (const auto& thing : way.things)
    frames[{size_class(thing.what), thing.what.colour}].insert({thing.from.episode, thing.from.step});
  std::set<std::pair<std::size_t, int>> rare;
  for (const auto& [kind, in] : frames)
    if (static_cast<double>(in.size()) < rare_share * static_cast<double>(way.searched)) rare.insert(kind);
  return rare;
}

struct KeptShare {
  double count = 0, found = 0, energy = 0, missed = 0, worst = -1;
  Stretches::From where;
  void add(const WorstWay::Thing& thing) {
    ++count, found += thing.what.found(), energy += thing.what.energy, missed += thing.what.missed;
    if (thing.what.missed > worst) worst = thing.what.missed, where = thing.from;
  }
  double share_found() const { return count > 0 ? 100 * found / count : LabNumber::unknown; }
  double kept() const { return energy > 0 ? 100 * std::max(0.0, 1 - missed / energy) : LabNumber::unknown; }
};

using KeptByKind = std::array<std::array<KeptShare, 3>, 4>;  // size · all, common, rare

KeptByKind kept_by_kind(const WorstWay& way) {
  KeptByKind made;
  const auto rare = rare_kinds(way);
  for (const auto& thing : way.things) {
    auto& of_size = made[size_class(thing.what)];
    of_size[0].add(thing), of_size[rare.contains({size_class(thing.what), thing.what.colour}) ? 2 : 1].add(thing);
  }
  return made;
}

LabFigure objects_table(Inquiry& inquiry, const WorstSums& sums) {
  const auto seen = kept_by_kind(sums.seen), far = kept_by_kind(sums.far);
  Table table;
  const auto ahead = std::to_string(sums.ahead);
  table.columns = {
      {"Objects", "",
       "what touches and stands out of the background, by its area and by how seldom its size and colour are seen"},
      {"per frame", "", "in the true pictures", 2},
      {"found", "%", "of which the reconstruction misses less than half of the energy", 0},
      {"kept", "%", "of their energy Σ(truth − background)² in the reconstruction; 0: no better than the background",
       0},
      {"found, " + ahead + " ahead", "%", "in a prediction " + ahead + " steps ahead", 0},
      {"kept, " + ahead + " ahead", "%", "of their energy in a prediction " + ahead + " steps ahead", 0}};
  auto made = figure("objects", "What is lost, by size",
                     "objects in " + std::to_string(sums.seen.searched) + " held-out frames stand out of " +
                         (sums.background->is_local() ? "their neighbourhood (9 × 9 median)" : "the median frame") +
                         " by 0.1; rare: their size and colour are in less than a tenth of the frames",
                     Table{});
  for (std::size_t k = 0; k < size_limits.size(); ++k)
    for (std::size_t rarity = 0; rarity < 3; ++rarity) {
      const auto& a = seen[k][rarity];
      const auto& b = far[k][rarity];
      if (a.count == 0 || (rarity > 0 && a.count == seen[k][0].count)) continue;
      const std::string name = size_names[k] + (rarity == 1 ? ", common" : rarity == 2 ? ", rare" : "");
      table.rows.push_back({{static_cast<double>(table.rows.size()), name},
                            {a.count / static_cast<double>(sums.seen.searched), ""},
                            {a.share_found(), ""},
                            {a.kept(), ""},
                            {b.share_found(), ""},
                            {b.kept(), ""}});
      made.moments.push_back(inquiry.moment(a.where, 0));
    }
  made.value = std::make_shared<const Value>(std::move(table));
  return made;
}

LabFigure worst_sheet(Inquiry& inquiry, const WorstWay& way, const std::string& caption) {
  std::vector<torch::Tensor> truths, made, differences;
  LabFigure sheet;
  for (const auto& each : way.worst) {
    truths.push_back(each.truth), made.push_back(each.made),
        differences.push_back(((each.made - each.truth).abs() * 2.5).clamp(0, 1));
    sheet.moments.push_back(inquiry.moment(each.begin, 0));
    sheet.column_labels.push_back(in_figures(psnr(each.error)) + " dB");
  }
  const auto columns = static_cast<int>(truths.size());
  truths.insert(truths.end(), made.begin(), made.end()),
      truths.insert(truths.end(), differences.begin(), differences.end());
  sheet.name = way.name, sheet.title = way.title, sheet.caption = caption;
  sheet.value = std::make_shared<const Value>(sheet_of(torch::stack(truths), columns));
  sheet.columns = columns, sheet.rows = 3;
  sheet.row_labels = {"truth", way.verb, "difference"};
  return sheet;
}

/// Errors of one way from the worst frame on, so that a click on the curve begins a dream at such a frame.
LabFigure sorted_errors(Inquiry& inquiry, const WorstSums& sums) {
  Curve curve;
  curve.x_unit = "% of the frames", curve.y_unit = "MSE", curve.log_y = true;
  auto made =
      figure("sorted", "Errors, the worst first",
             "mean squared error of a frame; the frame at x % is missed by more than every one to its right", Curve{});
  auto frames = sums.seen.frames;
  std::ranges::stable_sort(frames, std::greater<>{}, &WorstWay::Frame::error);
  constexpr int points = 100;
  const auto along = [&](std::vector<double> errors) {
    std::ranges::sort(errors, std::greater<>{});
    std::vector<double> y;
    for (int i = 0; i <= points; ++i)
      y.push_back(errors.empty() ? LabNumber::unknown
                                 : std::max(1e-9, errors[static_cast<std::size_t>(i) * (errors.size() - 1) / points]));
    return y;
  };
  for (int i = 0; i <= points; ++i) {
    curve.x.push_back(100.0 * i / points);
    made.moments.push_back(inquiry.moment(frames[static_cast<std::size_t>(i) * (frames.size() - 1) / points].from, 0));
  }
  curve.lines = {{"reconstruction", along(worst_column(frames, &WorstWay::Frame::error))}};
  if (!sums.next.frames.empty())
    curve.lines.push_back({"1 step ahead", along(worst_column(sums.next.frames, &WorstWay::Frame::error))});
  if (!sums.far.frames.empty() && sums.ahead > 1)
    curve.lines.push_back(
        {std::to_string(sums.ahead) + " steps ahead", along(worst_column(sums.far.frames, &WorstWay::Frame::error))});
  curve.lines.push_back({"mean frame", along(worst_column(frames, &WorstWay::Frame::middle)), false, {}, {}, true});
  made.value = std::make_shared<const Value>(std::move(curve));
  return made;
}

/// The world's own numbers, read linearly from features: those that are read worst come first.
std::string worst_numbers(Inquiry& inquiry, const WorstSums& sums, LabAnswer& answer) {
  const auto names = inquiry.system().make_env()->spaces().vector_names;
  const auto x = stacked_rows(sums.features), all = stacked_rows(sums.numbers);
  if (!x.defined() || names.size() != static_cast<std::size_t>(all.size(1))) return "";
  const auto which = most_varying(all, worst_numbers_shown);
  if (which.empty()) return " The numbers that it shows do not vary.";
  const auto chosen = torch::tensor(which);
  const auto y = all.index_select(1, chosen).to(torch::kFloat64);
  std::vector<std::size_t> episode, far_episode;
  for (const auto& row : sums.rows) episode.push_back(row.episode);
  for (const auto& row : sums.far_rows) far_episode.push_back(row.episode);
  const bool far = !far_episode.empty();
  auto judge = x;
  auto judge_episode = episode;
  if (far)
    judge = torch::cat({x, stacked_rows(sums.far_features)}),
    judge_episode.insert(judge_episode.end(), far_episode.begin(), far_episode.end());
  const auto guess = read_guess(x, y, episode, judge, judge_episode);
  if (!guess.defined()) return " Its numbers were too few to be read.";
  const auto seen = judged(guess.slice(0, 0, x.size(0)), y, episode);
  const auto later =
      far ? judged(guess.slice(0, x.size(0)), stacked_rows(sums.far_numbers).index_select(1, chosen), far_episode)
          : ReadResult{};
  struct Row {
    std::string name;
    double seen, far, worst;
    Stretches::From where;
  };
  std::vector<Row> rows;
  for (std::size_t k = 0; k < which.size(); ++k) {
    const auto column = static_cast<std::int64_t>(k);
    const auto missed = (guess.slice(0, 0, x.size(0)).select(1, column) - y.select(1, column)).abs();
    const auto worst = missed.argmax().item<std::int64_t>();
    rows.push_back({names[static_cast<std::size_t>(which[k])], seen.r2(k).value,
                    later.known() ? later.r2(k).value : LabNumber::unknown, missed[worst].item<double>(),
                    sums.rows[static_cast<std::size_t>(worst)]});
  }
  std::ranges::stable_sort(rows, {}, &Row::seen);
  Table table;
  table.columns = {
      {"Number", "", ""},
      {"R² seen", "", "of a linear read-out from what the behaviour sees, on episodes that it was not fitted on", 2},
      {"R² after " + std::to_string(sums.ahead), "", "the same from imagined states", 2},
      {"worst error", "", "in its own units"}};
  auto made = figure(
      "numbers", "The world's numbers, the worst first",
      "what a linear read-out makes of the numbers that the world shows, fitted on every other episode" +
          std::string(names.size() > which.size() ? "; of " + std::to_string(names.size()) + " those that vary most"
                                                  : ""),
      Table{});
  for (const auto& row : rows) {
    table.rows.push_back({{static_cast<double>(table.rows.size()), row.name},
                          {row.seen, ""},
                          {row.far, !std::isfinite(row.far) ? "–"
                                    : row.far < -1          ? "< −1"
                                                            : ""},
                          {row.worst, ""}});
    made.moments.push_back(inquiry.moment(row.where, 0));
  }
  made.value = std::make_shared<const Value>(std::move(table));
  answer.figures.push_back(std::move(made));
  return " Of the numbers that the world shows, '" + rows.front().name + "' can be read worst from its state (R² " +
         in_figures(rows.front().seen) + ").";
}

void answer_unpainted(Inquiry& inquiry, const WorstSums& sums, LabAnswer& answer) {
  if (sums.latent.empty())
    throw Error("this model paints nothing, and the episodes end before anything could be imagined");
  auto frames = sums.latent;
  std::ranges::stable_sort(frames, std::greater<>{}, &WorstWay::Frame::error);
  const auto mean = worst_statistic(frames, mean_of);
  answer.numbers = {number("latent_error", "Error of predicted latents", "", mean,
                           "mean squared error of what the behaviour sees, " + std::to_string(sums.ahead) +
                               " imagined steps ahead, against the posterior's"),
                    {"latent_worst", "The worst of them", "×",
                     mean.value > 0 ? frames.front().error / mean.value : LabNumber::unknown, LabNumber::unknown,
                     LabNumber::unknown, mean.value > 0 ? "times the mean" : "no prediction was wrong"}};
  Curve curve;
  curve.x_unit = "% of the predictions", curve.y_unit = "mean squared error of features";
  auto made = figure("latent", "Errors of predicted latents, the worst first",
                     "this model paints nothing: what is compared is what the behaviour sees", Curve{});
  std::vector<double> y;
  for (int i = 0; i <= 100; ++i) {
    const auto& frame = frames[static_cast<std::size_t>(i) * (frames.size() - 1) / 100];
    curve.x.push_back(i), y.push_back(frame.error), made.moments.push_back(inquiry.moment(frame.from, 0));
  }
  curve.lines = {{"prediction", std::move(y)}};
  made.value = std::make_shared<const Value>(std::move(curve));
  answer.figures.push_back(std::move(made));
  answer.sentence =
      "This model paints nothing, so which pictures it gets wrong cannot be told; its worst prediction of a latent, " +
      std::to_string(sums.ahead) + " steps ahead, is " + in_figures(answer.numbers[1].value) +
      " times as wrong as the mean one.";
}

void answer_worst(Inquiry& inquiry, WorstSums& sums, LabAnswer& answer) {
  answer.numbers.clear(), answer.figures.clear();
  answer.episodes = static_cast<std::int64_t>(sums.episodes);
  answer.steps = static_cast<std::int64_t>(std::max(sums.seen.frames.size(), sums.latent.size()));
  if (!sums.paints) {
    answer_unpainted(inquiry, sums, answer);
    answer.sentence += worst_numbers(inquiry, sums, answer);
    return;
  }
  const auto ahead = std::to_string(sums.ahead);
  sums.far.title = "Worst predictions, " + ahead + " steps ahead";
  const auto mean = worst_statistic(sums.seen.frames, mean_of);
  const double middle = mean_of(worst_column(sums.seen.frames, &WorstWay::Frame::middle));
  const auto at_share = [](double share) {
    return [share](const std::vector<double>& errors) { return worst_quantile(errors, share); };
  };
  const double worst = sums.seen.worst.front().error;
  auto& numbers = answer.numbers;
  numbers.push_back(
      number("psnr", "Whole picture", "dB", worst_psnr(mean), "PSNR of the pooled error of all reconstructions"));
  numbers.back().beside = {{"mean frame", psnr(middle)}};
  auto front = number("foreground_psnr", "Foreground", "dB",
                      worst_psnr(worst_ratio(sums.seen.episode, sums.seen.missed, sums.seen.area)),
                      "the same on pixels that stand out of the background alone. 10 dB nearer than the mean frame: "
                      "good; 3 dB and less: what matters is lost (our own band)");
  front.beside = {{"whole", psnr(mean.value)},
                  {"mean frame", psnr(worst_ratio(sums.seen.episode, sums.seen.middle_missed, sums.seen.area).value)}};
  if (!std::isfinite(mean.value) || std::isnan(front.value))
    front.note = "nothing stands out of the background in these episodes";
  else if (const double gain = front.value - front.beside[1].value; true)
    front.verdict = gain >= 10  ? LabNumber::Verdict::good
                    : gain <= 3 ? LabNumber::Verdict::bad
                                : LabNumber::Verdict::none;
  numbers.push_back(front);
  for (const auto& [name, title, share] : {std::tuple{"p95", "Error that 5 % of the frames exceed", 0.95},
                                           std::tuple{"p99", "Error that 1 % of the frames exceed", 0.99},
                                           std::tuple{"worst", "The worst frame's error", 1.0}}) {
    numbers.push_back(number(name, title, "MSE", worst_statistic(sums.seen.frames, at_share(share)),
                             "mean squared error of a reconstruction"));
    numbers.back().beside = {
        {"mean", mean.value},
        {"mean frame's", worst_quantile(worst_column(sums.seen.frames, &WorstWay::Frame::middle), share)}};
  }
  numbers.push_back(
      {"worst_to_mean", "The worst against the mean", "×", mean.value > 0 ? worst / mean.value : LabNumber::unknown,
       LabNumber::unknown, LabNumber::unknown,
       mean.value > 0 ? "error of the worst reconstruction / mean error" : "no reconstruction was wrong"});
  const auto ahead_number = [&](const WorstWay& way, const std::string& name, const std::string& title) {
    if (way.frames.empty()) return;
    numbers.push_back(number(name, title, "dB", worst_psnr(worst_statistic(way.frames, mean_of)),
                             "PSNR of the pooled error of predictions"));
    numbers.back().beside = {{"reconstruction", psnr(mean.value)},
                             {"mean frame", psnr(mean_of(worst_column(way.frames, &WorstWay::Frame::middle)))}};
  };
  ahead_number(sums.next, "psnr_1", "One step ahead");
  if (sums.ahead > 1) ahead_number(sums.far, "psnr_far", ahead + " steps ahead");

  // Small ones are what a mean error does not show.
  const auto kinds = kept_by_kind(sums.seen);
  const auto smallest =
      std::ranges::find_if(kinds, [](const auto& of_size) { return of_size[0].count >= enough_objects; });
  auto small =
      number("small_found", "Smallest objects found", "%", {LabNumber::unknown, LabNumber::unknown, LabNumber::unknown},
             "hardly anything stands out of the background in these episodes");
  if (smallest != kinds.end()) {
    const auto size = static_cast<std::size_t>(smallest - kinds.begin());
    std::vector<std::size_t> episode;
    std::vector<double> found, all;
    for (const auto& thing : sums.seen.things)
      if (size_class(thing.what) == size)
        episode.push_back(thing.from.episode), found.push_back(100.0 * thing.what.found()), all.push_back(1);
    small = number("small_found", "Objects of " + size_names[size] + " found", "%", worst_ratio(episode, found, all),
                   "the smallest that often stand out of the background: of how many the reconstruction keeps more "
                   "than half. 90 and more: good, under 50: bad (our own band)");
    small.verdict = small.value >= 90  ? LabNumber::Verdict::good
                    : small.value < 50 ? LabNumber::Verdict::bad
                                       : LabNumber::Verdict::none;
  }
  numbers.push_back(small);

  std::string lost;
  for (std::size_t k = 0; k < size_limits.size(); ++k)
    if (kinds[k][0].count > 0)
      lost += (lost.empty() ? "" : ", ") + std::string("of ") + size_names[k] + " " +
              in_figures(std::round(kinds[k][0].share_found())) + " %";
  answer.sentence = "The worst of " + std::to_string(sums.seen.frames.size()) +
                    " held-out frames is reconstructed at " + in_figures(psnr(worst)) +
                    " dB, where the mean error is " + in_figures(psnr(mean.value)) + " dB";
  if (mean.value > 0) answer.sentence += " (" + in_figures(worst / mean.value) + " times as wrong)";
  answer.sentence += lost.empty() ? "; nothing stands out of the background."
                                  : "; of what stands out of the background it finds, by size: " + lost + ".";

  answer.figures.push_back(worst_sheet(inquiry, sums.seen,
                                       "the decoded posterior of frames that it has just seen; of frames within " +
                                           std::to_string(WorstSums::apart) +
                                           " steps one is shown; differences × 2.5; a click begins there"));
  if (!sums.seen.things.empty()) answer.figures.push_back(objects_table(inquiry, sums));
  const auto map = sums.pixel_error / static_cast<double>(sums.pixel_frames);
  answer.figures.push_back(
      figure("pixels", "Where in the picture",
             "mean squared error of every pixel over " + std::to_string(sums.pixel_frames) + " reconstructions",
             heatmap_from(map, static_cast<int>(map.size(1)), 0, std::max(1e-6f, map.max().item<float>()), false)));
  if (!sums.next.worst.empty())
    answer.figures.push_back(worst_sheet(
        inquiry, sums.next, "one imagined step, under the action that was taken; a click begins at the frame before"));
  if (!sums.far.worst.empty() && sums.ahead > 1)
    answer.figures.push_back(worst_sheet(
        inquiry, sums.far,
        ahead + " imagined steps, under the actions that were taken; a click begins where it was imagined from"));
  answer.figures.push_back(sorted_errors(inquiry, sums));
  answer.sentence += worst_numbers(inquiry, sums, answer);
}

void ask_worst(Inquiry& inquiry, LabAnswer& answer) {
  WorstSums sums;
  std::size_t groups = worst_groups;
  for (std::size_t group = 0; group < groups; ++group) {
    const double began = inquiry.elapsed(), share = 1 / static_cast<double>(groups),
                 from = share * static_cast<double>(group);
    const auto first = group * HeldOut::group;
    const auto& episodes = inquiry.episodes(first + HeldOut::group, from, from + share * 0.4);
    if (group == 0) {
      sums.context = context_of(episodes, inquiry.system().make_env()->spaces());
      sums.ahead = horizon_within(episodes, sums.context, worst_far);
    }
    const auto all = whole(episodes, first, HeldOut::group, inquiry.system().device);
    measure_worst(inquiry, all, sums, from + share * 0.4, from + share);
    sums.episodes = first + HeldOut::group;
    if (group == 0) {
      const auto frames = std::accumulate(all.frames.begin(), all.frames.end(), std::int64_t{0});
      groups = std::clamp(static_cast<std::size_t>(enough_frames / frames) + 1, worst_groups, most_worst_groups);
    }
    const bool more = group + 1 < groups && inquiry.time_for(1.1 * (inquiry.elapsed() - began));
    if (group > 0 && more && groups > worst_groups) continue;  // short episodes: nobody needs an answer after every few
    answer_worst(inquiry, sums, answer);
    inquiry.show(answer);
    if (!more) break;
  }
}

}  // namespace

Question question_worst() {
  return {
      "worst", "Where is it worst?",
      "The worst reconstructions and predictions first, where in the picture it misses, and which objects it loses.",
      lacks_true_actions, ask_worst};
}

}  // namespace dream
