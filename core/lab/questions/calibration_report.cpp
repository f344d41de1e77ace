#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <span>

#include "core/lab/density_scores.h"
#include "core/lab/questions/calibration.h"

namespace dream {
namespace {

// Bands.
constexpr double slope_low = 0.8, slope_high = 1.25;  // of what came on what was predicted; 1 is right
constexpr double calibrated = 0.05;                   // expected calibration error, and that of a PIT
constexpr double active_part = 0.01;                  // variance or nats: as in `collapse`
constexpr double returns_alike = 0.05;  // deviation of returns, of their mean: less, and there is no slope
constexpr double value_bias = 0.1;      // of the mean return's size

constexpr std::size_t curve_bins = 10, fewest_ends = 5;

LabNumber::Verdict good_or_bad(bool good) {
  return good ? LabNumber::Verdict::good : LabNumber::Verdict::bad;
}

class CalibrationReport {
 public:
  CalibrationReport(Inquiry& inquiry, const Forecasts& seen, LabAnswer& answer)
      : inquiry_(inquiry), seen_(seen), answer_(answer) {}

  void write() {
    answer_.numbers.clear(), answer_.figures.clear();
    end(), reward(), value(), latent(), doubt();
    const auto judged = parts_.size();
    const auto good = std::ranges::count(parts_, true, &std::pair<std::string, bool>::second);
    std::string honest, other;
    for (const auto& [what, verdict] : parts_) {
      auto& list = verdict ? honest : other;
      list += (list.empty() ? "" : ", ") + what;
    }
    for (auto& each : answer_.numbers)
      std::erase_if(each.beside, [](const auto& beside) { return !std::isfinite(beside.value); });
    const auto which = honest.empty() || other.empty() ? honest + other : honest + "; not " + other;
    LabNumber score{"calibration",
                    "What is calibrated",
                    "of all",
                    judged > 0 ? static_cast<double>(good) / static_cast<double>(judged) : LabNumber::unknown,
                    LabNumber::unknown,
                    LabNumber::unknown,
                    judged > 0 ? "the share of " + std::to_string(judged) + " forecasts that can be judged (" + which +
                                     ") that lies within its band"
                               : "nothing that this model predicts can be judged"};
    answer_.numbers.insert(answer_.numbers.begin(), score);
    answer_.sentence = judged == 0 ? "It cannot be told: " + missing_
                                   : std::to_string(good) + " of " + std::to_string(judged) +
                                         " of its forecasts can be taken at their word: " + words_ +
                                         (missing_.empty() ? "." : ". Not told: " + missing_);
    if (answer_.sentence.back() != '.') answer_.sentence += ".";
  }

 private:
  void say(const std::string& words) { words_ += (words_.empty() ? "" : "; ") + words; }
  void lack(const std::string& words) { missing_ += (missing_.empty() ? "" : "; ") + words; }
  LabNumber& add(const char* name, std::string title, const char* unit, const Interval& interval, std::string note) {
    answer_.numbers.push_back(number(name, std::move(title), unit, interval, std::move(note)));
    return answer_.numbers.back();
  }
  static bool within(double slope) { return slope >= slope_low && slope <= slope_high; }

  /// The first line is what was measured, the second what would be right.
  static Curve beside_right(std::vector<double> predicted, std::vector<double> measured, std::string x, std::string y) {
    Curve curve;
    curve.x = std::move(predicted), curve.x_unit = std::move(x), curve.y_unit = std::move(y);
    Line came, right;
    came.label = "what came", came.real = true, came.y = std::move(measured);
    right.label = "calibrated", right.dashed = true, right.y = curve.x;
    curve.lines = {came, right};
    return curve;
  }

  /// What was predicted against what came, in bins.
  void scatter(std::string name, std::string title, std::string caption, std::string x, std::string y,
               const Binned& bins, const Forecasts::At& at) {
    if (bins.predicted.size() < 2) return;
    auto curve = beside_right(bins.predicted, bins.came, std::move(x), std::move(y));
    auto made = figure(std::move(name), std::move(title), std::move(caption), std::move(curve));
    for (const auto worst : bins.worst)
      if (worst < at.size()) made.moments.push_back(inquiry_.moment(at[worst], 0));
    if (made.moments.size() != bins.worst.size()) made.moments.clear();
    answer_.figures.push_back(std::move(made));
  }

  void by_distance(std::string name, std::string title, std::string caption, std::string unit,
                   const Forecasts::ByDistance& dream, const Forecasts::ByDistance* other, const std::string& label,
                   const std::string& base) {
    Curve curve;
    curve.x_unit = "imagined steps", curve.y_unit = std::move(unit);
    Line line, beside, zero;
    line.label = "dream", beside.label = label, zero.label = base, beside.dashed = zero.dashed = true;
    for (std::size_t d = 1; d < dream.size(); ++d) {
      const auto r2 = r2_of(dream[d]);
      curve.x.push_back(static_cast<double>(forecast_distances[d - 1]));
      line.y.push_back(r2.value), line.low.push_back(r2.low), line.high.push_back(r2.high);
      if (other) beside.y.push_back(std::max(r2_of((*other)[d]).value, -1.0));
      zero.y.push_back(0);
    }
    if (std::ranges::none_of(line.y, [](double y) { return std::isfinite(y); })) return;
    curve.lines = {line, zero};
    if (other) curve.lines.push_back(beside);
    answer_.figures.push_back(figure(std::move(name), std::move(title), std::move(caption), std::move(curve)));
  }

  void end() {
    const auto& near = seen_.end[1];
    if (near.size() == 0) return lack("it does not predict an end");
    const auto imagined = [](const Forecasts::ByDistance& of) { return together(std::span(of).subspan(1)); };
    const auto all = imagined(seen_.end), at_end = imagined(seen_.end_at_end);
    const std::set<std::size_t> ended(at_end.episode.begin(), at_end.episode.end());
    if (ended.size() < fewest_ends)
      return lack(ended.empty() ? "no episode ended while it was watched, so P(end) cannot be judged (it said " +
                                           in_figures(mean_of(all.predicted)) + " on average)"
                                     : "too few episodes ended to judge P(end)");
    const auto skill = r2_of(all);  // of probabilities, R² is 1 − Brier score / that of the base rate
    auto& brier = add("end_skill", "Skill of P(end)", "", skill,
                      "1 − Brier score / that of the base rate, all distances together: 1 is perfect, 0 knows no more "
                      "than how often episodes end; good where the whole interval is above 0");
    brier.beside = {{"base rate", 0}, {"perfect", 1}};
    const bool good = std::isfinite(skill.low) ? skill.low > 0 : skill.value > 0;
    brier.verdict = good_or_bad(good);
    parts_.emplace_back("P(end)", good);
    add("end_ece", "Calibration error of P(end)", "", ece_of(all),
        "expected |P(end) − how often it ended| over 15 bins; ends are rare, so that it is small for any model that "
        "calls them rare")
        .beside = {{"base rate", mean_of(all.came)}, {"by chance", chance_ece(all)}};
    add("end_recall", "P(end) where it ended", "", mean_predicted(at_end),
        "the mean of what was said of the steps that were the last")
        .beside = {{"elsewhere", mean_said(all, false)}, {"seen, not imagined", mean_said(seen_.end[0], true)}};
    say("P(end) has a skill of " + in_figures(skill) + " over the base rate of " + in_figures(mean_of(all.came)));
    scatter("end_reliability", "Reliability of P(end)",
            "15 bins of " + std::to_string(all.size()) + " forecasts 1 to " + std::to_string(forecast_distances.back()) +
                " steps ahead, " + std::to_string(at_end.size()) + " of them of a last step",
            "P(end)", "how often it ended", in_equal_bins(all), {});
    by_distance("end_by_distance", "Skill of P(end) by distance", "1 − Brier score / that of the base rate", "skill",
                seen_.end, nullptr, "", "base rate");
  }
  static double mean_said(const Pairs& of, bool ended) {
    std::vector<double> p;
    for (std::size_t i = 0; i < of.size(); ++i)
      if ((of.came[i] > 0) == ended) p.push_back(of.predicted[i]);
    return mean_of(p);
  }

  void reward() {
    const auto& near = seen_.reward[1];
    if (near.size() == 0) return lack("it does not predict rewards");
    const auto r2 = r2_of(near), slope = slope_of(near), last = r2_of(seen_.last_reward[1]);
    auto& explained = add("reward_r2", "Rewards explained", "", r2,
                          "R² one imagined step ahead, in the units of the model's target: 1 is perfect, 0 is as good "
                          "as the mean; good above both the mean and the last reward");
    if (!std::isfinite(r2.value)) {
      explained.note = near.size() < 16 ? "there are fewer than 16 forecasts"
                                        : "the reward was always the same: there is nothing to explain";
      return lack("rewards, which were always the same");
    }
    explained.beside = {{"always the mean", 0},
                        {"always the last reward", last.value},
                        {"seen, not imagined", r2_of(seen_.reward[0]).value}};
    const bool better = r2.value > 0 && !(last.value >= r2.value);
    explained.verdict = good_or_bad(better);
    auto& size = add("reward_slope", "Size of rewards", "", slope,
                     "slope of the real reward on the predicted one: 1 is right, below 1 forecasts are too bold, above "
                     "1 too timid; good from 0.8 to 1.25");
    if (std::isfinite(slope.value))
      size.verdict = good_or_bad(within(slope.value));
    else
      size.note = "its forecast is always the same";
    if (const auto sum = r2_of(seen_.reward_sum); std::isfinite(sum.value))
      add("reward_sum_r2", "Rewards of " + std::to_string(summed_rewards) + " steps together", "", sum,
          "R² of their sum: right where it does not matter in which of these steps a reward comes")
          .beside = {{"always the mean", 0}};
    for (const bool positive : {true, false}) {
      Pairs those;
      double squares = 0;
      for (std::size_t i = 0; i < near.size(); ++i)
        if (positive ? near.came[i] > 0 : near.came[i] < 0)
          those.add(std::pow(near.predicted[i] - near.came[i], 2), 0, near.episode[i]),
              squares += near.came[i] * near.came[i];
      if (those.size() == 0 || those.size() == near.size()) continue;
      auto error = mean_predicted(those);
      for (double* x : {&error.value, &error.low, &error.high}) *x = std::sqrt(*x);
      add(positive ? "reward_error_positive" : "reward_error_negative",
          positive ? "Error where reward is positive" : "Error where reward is negative", "", error,
          "root mean squared, of " +
              in_figures(100.0 * static_cast<double>(those.size()) / static_cast<double>(near.size())) +
              " % of the steps")
          .beside = {{"always 0", std::sqrt(squares / static_cast<double>(those.size()))}};
    }
    const bool good = better && within(slope.value);
    parts_.emplace_back("reward", good);
    say("it explains " + in_figures(100 * r2.value) + " % of rewards one step ahead (slope " + in_figures(slope) + ")");
    scatter("reward_reliability", "Rewards: predicted and real",
            "means of " + std::to_string(curve_bins) + " bins of " + std::to_string(near.size()) +
                " forecasts one imagined step ahead",
            "predicted reward", "real reward", binned(near, curve_bins), seen_.reward_at);
    by_distance("reward_by_distance", "Rewards explained by distance", "R² of the reward of exactly that step", "R²",
                seen_.reward, &seen_.last_reward, "always the last reward", "always the mean");
  }

  void value() {
    if (!seen_.values) return lack("its behaviour expects no return");
    // Which rewards a value counts is its family's convention: the one that leaves no more than half of the error is
    // it.
    const auto missed = [](const Pairs& pairs) {
      return over_episodes(pairs, [](const PairSums& s) { return s.error(); }).value;
    };
    const bool now = missed(seen_.value_now) < 0.5 * missed(seen_.value_next);
    const auto& pairs = now ? seen_.value_now : seen_.value_next;
    if (pairs.size() < 16) return lack("values, as episodes are too short for the discounted return to be known");
    const auto r2 = r2_of(pairs), slope = slope_of(pairs), bias = bias_of(pairs);
    const double size = std::abs(mean_of(pairs.came)), discount = inquiry_.system().behaviour->discount();
    const std::string counted =
        now ? ", counted from the reward just received (which fits better than from the next one)"
            : ", counted from the next reward";
    auto& off = add("value_bias", "Bias of values", "", bias,
                    "mean of value − discounted return that followed" + counted +
                        "; an episode that was cut off goes on with the value there, where that weighs no more than "
                        "half; good within 10 % of the mean return");
    const bool fair = std::abs(bias.value) <= value_bias * size;
    off.beside = {{"mean return", mean_of(pairs.came)}, {"mean value", mean_of(pairs.predicted)}};
    off.verdict = good_or_bad(fair);
    const bool alike = deviation_of(pairs.came) < returns_alike * size;
    auto& steep = add("value_slope", "Size of values", "",
                      alike ? Interval{LabNumber::unknown, LabNumber::unknown, LabNumber::unknown} : slope,
                      alike ? "returns were nearly all alike"
                            : "slope of the return on the value: 1 is right; good from 0.8 to 1.25");
    const bool sized = alike || !std::isfinite(slope.value) || within(slope.value);
    if (!alike && std::isfinite(slope.value)) steep.verdict = good_or_bad(sized);
    if (!alike)
      add("value_r2", "Returns explained", "", r2, "R² of the value, against always the mean return").beside = {
          {"always the mean", 0}};
    if (discount < 1)
      add("implied_reward", "Reward that values imply", "a step",
          over_episodes(pairs, [&](const PairSums& s) { return (1 - discount) * s.x / s.n; }),
          "(1 − γ) · value: what each step would have to bring for ever")
          .beside = {{"mean reward", mean_of(seen_.rewards)}};
    const bool good = fair && sized;
    parts_.emplace_back("value", good);
    say("values are " + in_figures(std::abs(bias.value)) + (bias.value < 0 ? " too low" : " too high") +
        " at a mean return of " + in_figures(mean_of(pairs.came)) +
        (alike ? "" : " (slope " + in_figures(slope) + ")"));
    scatter(
        "value_reliability", "Values and returns",
        "means of " + std::to_string(curve_bins) + " bins of " + std::to_string(pairs.size()) + " moments" + counted,
        "value", "discounted return", binned(pairs, curve_bins), seen_.value_at);
  }

  /// Which numbers or groups tell one frame from another, as in `collapse`: noise is calibrated in any model.
  torch::Tensor telling() const {
    const auto n = static_cast<double>(seen_.nll.size());
    const auto mean = seen_.posterior / n;
    auto made = seen_.square / n - mean.square();
    if (!seen_.numbers) {
      const auto groups = seen_.nll.front().size(0);
      made = -torch::xlogy(mean, mean).view({groups, -1}).sum(-1) - seen_.entropy / n;
    }
    return (made > active_part).nonzero().squeeze(1);
  }

  void latent() {
    if (seen_.nll.size() < 16) return lack("it expects no latent");
    const auto active = telling();
    if (active.size(0) == 0) return lack("its latent, which tells no frame from another");
    const auto rows = [&](const std::vector<torch::Tensor>& of) { return torch::stack(of).index_select(1, active); };
    const std::string about = " of the " + std::to_string(active.size(0)) + " (of " +
                              std::to_string(seen_.nll.front().size(0)) + ") " +
                              (seen_.numbers ? "numbers" : "groups") + " of the latent that tell frames apart";
    double off = LabNumber::unknown;
    if (seen_.numbers)
      off = quantiles(rows(seen_.pit), about);
    else
      off = sureness(rows(seen_.confidence), rows(seen_.drawn), about);
    parts_.emplace_back("latent", off <= calibrated);
    scores(rows(seen_.nll), seen_.numbers ? rows(seen_.crps) : torch::Tensor(), active);
  }

  double quantiles(const torch::Tensor& pit, const std::string& about) {
    const auto levels = torch::arange(1, static_cast<std::int64_t>(pit_levels) + 1, torch::kFloat64) /
                        static_cast<double>(pit_levels + 1);
    std::map<std::size_t, torch::Tensor> of;  // each episode: how many came below each level; the last: how many in all
    for (std::int64_t row = 0; row < pit.size(0); ++row) {
      const auto below = torch::cat({(pit[row].unsqueeze(1) <= levels).to(torch::kFloat64).sum(0),
                                     torch::full({1}, static_cast<double>(pit.size(1)), torch::kFloat64)});
      auto& sum = of[seen_.row_episode[static_cast<std::size_t>(row)]];
      sum = sum.defined() ? sum + below : below;
    }
    std::vector<torch::Tensor> each;
    for (const auto& [episode, sum] : of) each.push_back(sum);
    torch::Tensor share;
    const auto off = bootstrap(each.size(), [&](const auto& chosen) {
      auto all = torch::zeros_like(each[0]);
      for (const auto e : chosen) all += each[e];
      const auto now = all.slice(0, 0, -1) / all[-1];
      if (!share.defined()) share = now;  // the first is of all episodes
      return (now - levels).abs().mean().template item<double>();
    });
    auto& exact = add("pit_error", "Calibration error of the prior", "", off,
                      "mean |share of latents below the prior's quantile − that quantile| at 19 levels" + about +
                          ": 0 is calibrated, good up to 0.05");
    exact.beside = {{"always far too narrow", (levels - 0.5).abs().mean().item<double>()}};
    exact.verdict = good_or_bad(off.value <= calibrated);
    say("the prior's quantiles are off by " + in_figures(off));
    const auto list = [](const torch::Tensor& x) {
      return std::vector<double>(x.const_data_ptr<double>(), x.const_data_ptr<double>() + x.numel());
    };
    auto curve = beside_right(list(levels), list(share), "quantile of the prior", "share of latents below");
    answer_.figures.push_back(figure("pit", "Quantiles of the prior",
                                     "Flat in the middle: too narrow; steep: too wide;" + about, std::move(curve)));
    return off.value;
  }

  double sureness(const torch::Tensor& p, const torch::Tensor& y, const std::string& about) {
    Pairs pairs;
    const auto confidence = p.contiguous(), drawn = y.contiguous();
    for (std::int64_t i = 0; i < confidence.numel(); ++i)
      pairs.add(confidence.data_ptr<double>()[i], drawn.data_ptr<double>()[i],
                seen_.row_episode[static_cast<std::size_t>(i / confidence.size(1))]);
    const auto ece = ece_of(pairs);
    auto& sure = add("confidence_ece", "Calibration error of the prior", "", ece,
                     "expected |P(likeliest class) − how often it was drawn| over 15 bins" + about +
                         ": 0 is calibrated, good up to 0.05");
    sure.beside = {{"by chance", chance_ece(pairs)},
                   {"mean confidence", mean_of(pairs.predicted)},
                   {"how often right", mean_of(pairs.came)}};
    sure.verdict = good_or_bad(ece.value <= calibrated);
    say("the prior's confidence is off by " + in_figures(ece));
    scatter("confidence", "Confidence of the prior",
            "15 bins of " + std::to_string(pairs.size()) + " classes, one step ahead", "P(likeliest class)",
            "how often it was drawn", in_equal_bins(pairs), {});
    return ece.value;
  }

  /// Proper scores of the prior, beside what knows the latent's distribution alone, and beside one around the last
  /// latent.
  void scores(const torch::Tensor& nll, const torch::Tensor& crps, const torch::Tensor& active) {
    const auto per_row = [&](const torch::Tensor& each) {
      Pairs pairs;
      for (std::int64_t i = 0; i < each.size(0); ++i)
        pairs.add(each[i].mean().item<double>(), 0, seen_.row_episode[static_cast<std::size_t>(i)]);
      return mean_predicted(pairs);
    };
    const auto came = torch::stack(seen_.latent).to(torch::kFloat64),
               before = torch::stack(seen_.before).to(torch::kFloat64);
    if (!seen_.numbers) {
      const auto rate = came.mean(0).view({seen_.nll.front().size(0), -1}).index_select(0, active);
      add("nll", "−log p of the latent", "nats a group", per_row(nll),
          "of the classes that were drawn, under the prior")
          .beside = {{"each class as often as ever", -torch::xlogy(rate, rate).sum(-1).mean().item<double>()}};
      return;
    }
    const auto x = came.index_select(1, active), last = before.index_select(1, active);
    const auto about_mean = gaussian(x.mean(0, true), x.std(0, false, true).clamp_min(1e-6));
    const auto about_last = gaussian(last, (x - last).square().mean(0, true).sqrt().clamp_min(1e-6));
    const auto score = [&](const char* name, const char* unit, const char* title, const torch::Tensor& rows,
                           torch::Tensor (*scores_of)(const Density&, const torch::Tensor&), const char* note) {
      add(name, title, unit, per_row(rows), note).beside = {
          {"one Gaussian", scores_of(about_mean, x).mean().item<double>()},
          {"around the last latent", scores_of(about_last, x).mean().item<double>()}};
    };
    score("crps", "", "CRPS of the prior", crps, crps_of,
          "continuous ranked probability score, the mean over those numbers: 0 is perfect");
    score("nll", "nats a number", "−log p of the latent", nll, nll_of,
          "of what was drawn of the posterior, under the prior");
  }

  /// How `said` ranks the errors of pictures, which should be better than `change` does; nothing where that cannot be
  /// told.
  std::optional<Interval> ranked(const char* name, const char* title, const Pairs& said, const char* other,
                                 const Pairs& change, const char* note, const char* flat) {
    if (said.size() < 16) return {};
    const auto rank = rank_correlation(said);
    auto& made = add(name, title, "", rank, note);
    if (!std::isfinite(rank.value)) {
      made.note = flat;
      return {};
    }
    made.beside = {{other, rank_correlation(change).value}};
    const bool good = rank.value > 0 && !(made.beside.front().value >= rank.value);
    made.verdict = good              ? LabNumber::Verdict::good
                   : rank.value <= 0 ? LabNumber::Verdict::bad
                                     : LabNumber::Verdict::none;
    parts_.emplace_back(name, good);
    return rank;
  }

  void doubt() {
    const auto& width = seen_.spread;
    if (width.size() >= 16) {
      auto bins = binned(width, curve_bins);
      if (seen_.numbers)
        for (double& y : bins.came) y = std::sqrt(y);
      scatter("spread", "How unsure, and how wrong",
              seen_.numbers ? "the prior's deviation and the root mean squared error of its mean, in tenths of all "
                              "steps by the deviation"
                            : "the prior's entropy and −log p of what was drawn, the mean over groups in nats, in "
                              "tenths of all steps by the entropy",
              seen_.numbers ? "deviation" : "entropy [nats]", seen_.numbers ? "error" : "−log p [nats]", bins,
              seen_.spread_at);
    }
    if (!seen_.paints) return lack("it paints no pictures, whose error its doubts could be held against");
    const auto doubted =
        ranked("doubt", "Doubt against error", seen_.doubt, "last change", seen_.last_change,
               "Spearman's rank correlation of the prior's spread with the error of the picture imagined one step "
               "ahead: good above 0 and above that of how much the picture has just changed",
               "it was always as unsure, or never wrong");
    if (doubted) say("its doubt ranks its errors by " + in_figures(*doubted));
    const auto surprised = ranked("surprise", "Surprise against error", seen_.surprise, "change", seen_.change,
                                  "Spearman's rank correlation of its surprise at a frame with the error of the "
                                  "picture imagined for it: good above 0 and above that of how much the picture changed",
                                  "it was always as surprised, or never wrong");
    if (surprised)
      say("its surprise by " + in_figures(*surprised) + ", the change of the picture alone by " +
          in_figures(rank_correlation(seen_.change).value));
    if (!doubted && !surprised) lack("how its doubt goes with its errors, as one of them never varies");
  }

  Inquiry& inquiry_;
  const Forecasts& seen_;
  LabAnswer& answer_;
  std::vector<std::pair<std::string, bool>> parts_;  // what could be judged, and whether it is within its band
  std::string words_, missing_;
};

}  // namespace

void report_calibration(Inquiry& inquiry, const Forecasts& seen, LabAnswer& answer) {
  CalibrationReport(inquiry, seen, answer).write();
}

}  // namespace dream
