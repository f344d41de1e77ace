// How long is a dream true? Open-loop imagination under the actions that were really taken, against the truth and
// against what needs no model. Measures 1, 2 and 4 of the gauges.
#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "core/lab/questions/questions.h"
#include "core/models/rollout.h"

namespace dream {
namespace {

constexpr std::int64_t longest_horizon = 200;
constexpr std::size_t most_episodes = 32;
constexpr std::size_t near_steps = 15;  // as far as behaviours look ahead: beyond, every dream of chance is another one
constexpr std::size_t foreseen_steps = 5;  // of costs: far enough to brake or to turn
constexpr double half_explained = 0.5;  // R² below which a dream is of no more use
const std::vector<std::int64_t> shown_steps = {1, 2, 5, 10, 20, 50, 100, 150, 200};

/// What one way of predicting missed: [episodes][steps].
using Missed = std::vector<std::vector<double>>;

struct HorizonSums {
  std::int64_t context = 0, horizon = 0;
  // Pictures: the dream, the last frame standing still, the mean frame, the dream under other episodes' actions; the
  // decoded posterior. Latents (features): the dream, persistence, constant velocity, the spread of the truth.
  Missed frame, still, mean_frame, shuffled, rebuilt, latent, latent_still, latent_velocity, latent_spread,
      latent_shuffled;
  Missed reward, true_reward, cost, true_cost, end, true_end;
  std::vector<std::vector<double>> similarity;  // SSIM at shown_steps
  Missed edges, true_edges;                     // of imagined and true pictures at these
  std::vector<Stretches::From> from;            // of every row
  torch::Tensor sheet;                          // truth, dream and difference of the first stretch [3·n, C, H, W]
  bool paints = false, rewards = false, costs = false, ends = false;
};

std::vector<double> column_means(const Missed& rows, const std::vector<std::size_t>& chosen) {
  std::vector<double> sum(rows.empty() ? 0 : rows.front().size(), 0);
  for (const auto row : chosen)
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += rows[row][k] / static_cast<double>(chosen.size());
  return sum;
}

std::vector<std::size_t> all_of(const Missed& rows) {
  std::vector<std::size_t> all(rows.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return all;
}

double total(const Missed& rows, const std::vector<std::size_t>& chosen, std::size_t steps = longest_horizon) {
  double sum = 0;
  for (const auto row : chosen)
    for (std::size_t k = 0; k < std::min(steps, rows[row].size()); ++k) sum += rows[row][k];
  return sum;
}

void append(Missed& to, const torch::Tensor& missed) {  // [K, B]
  const auto rows = missed.t().to(torch::kCPU, torch::kFloat64).contiguous();
  for (std::int64_t lane = 0; lane < rows.size(0); ++lane)
    to.emplace_back(rows[lane].data_ptr<double>(), rows[lane].data_ptr<double>() + rows.size(1));
}

/// What always the mean of all of them misses.
Missed spread_of(Missed rows) {
  double sum = 0, count = 0;
  for (const auto& row : rows)
    for (const double value : row) sum += value, ++count;
  for (auto& row : rows)
    for (double& value : row) value = (value - sum / count) * (value - sum / count);
  return rows;
}

torch::Tensor each_lane(const torch::Tensor& a, const torch::Tensor& b) {  // [B, ...] twice -> [B]
  return (a.to(torch::kFloat32) - b.to(torch::kFloat32)).square().flatten(1).mean(1).to(torch::kCPU);
}

/// How much neighbouring pixels differ, [B, C, H, W] -> [B]: what blur takes from a picture.
torch::Tensor edges_of(const torch::Tensor& pictures) {
  const auto differ = [&](std::int64_t along) { return pictures.to(torch::kFloat32).diff(1, along).abs().flatten(1).mean(1); };
  return (differ(-1) + differ(-2)).to(torch::kCPU);
}

/// One group of episodes, watched and then imagined.
void measure(Inquiry& inquiry, const std::vector<LivedEpisode>& episodes, std::size_t first_episode, HorizonSums& sums,
             double from, double to) {
  auto& model = inquiry.model();
  const auto context = sums.context, horizon = sums.horizon;
  auto made = stretches(episodes, context + horizon, 1, inquiry.system().device);
  if (made.from.empty()) return;
  const auto& batch = made.batch;
  const auto lanes = batch.lanes();
  const double share = (to - from) / 3;
  const auto told = [&](double at, std::int64_t k) {
    inquiry.at(at + share * static_cast<double>(k) / static_cast<double>(horizon),
               "imagines " + std::to_string(horizon) + " steps of " +
                   std::to_string(sums.from.size() + static_cast<std::size_t>(lanes)) + " episodes");
  };
  // The whole stretch as the posterior sees it.
  std::vector<torch::Tensor> truth_features, rebuilt;
  Carry start;
  watch(model, batch, context + horizon + 1, inquiry.rng(first_episode), [&](std::int64_t t, const Carry& carry) {
    if (t < context - 1) return;
    truth_features.push_back(model.features(carry).to(torch::kFloat32));
    if (t == context) start = carry;
    if (t <= context) return;
    told(from, t - context);
    if (const auto seen = model.predict(carry).frame; seen.defined())
      rebuilt.push_back(each_lane(seen, unit_pictures(batch.image[t])));
  });
  const auto actions = batch.action.slice(0, context + 1);
  const auto real = [&](std::int64_t k) { return unit_pictures(batch.image[context + k]); };
  const bool paints = !rebuilt.empty();
  std::vector<torch::Tensor> frame, latent, reward, cost, end;
  std::vector<std::vector<double>> similar(static_cast<std::size_t>(lanes)), sharp = similar, true_sharp = similar;
  std::vector<torch::Tensor> truths, dreams, differences;
  imagine_on(model, start, actions, {}, inquiry.rng(500 + first_episode), [&](std::int64_t k, const Carry& carry) {
    told(from + share, k);
    latent.push_back(each_lane(model.features(carry), truth_features[static_cast<std::size_t>(k + 1)]));
    const auto predicted = paints ? model.predict(carry) : model.outcome(carry);
    const auto t = context + k;
    if (predicted.reward.defined())
      reward.push_back(
          (predicted.reward.to(torch::kFloat32) - model.reward_to_target(batch.reward[t])).square().to(torch::kCPU));
    if (predicted.cost.defined() && made.cost.defined())
      cost.push_back((predicted.cost.to(torch::kCPU, torch::kFloat32) - made.cost[t]).square());
    if (predicted.done.defined())
      end.push_back((predicted.done.to(torch::kFloat32) - batch.terminated[t]).square().to(torch::kCPU));
    if (!paints) return;
    frame.push_back(each_lane(predicted.frame, real(k)));
    if (!std::ranges::count(shown_steps, k)) return;
    const auto alike = ssim(predicted.frame, real(k));
    const auto edges = edges_of(predicted.frame), true_edges = edges_of(real(k));
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const auto at = static_cast<std::size_t>(lane);
      similar[at].push_back(alike[lane].item<double>());
      sharp[at].push_back(edges[lane].item<double>()), true_sharp[at].push_back(true_edges[lane].item<double>());
    }
    if (sums.sheet.defined()) return;
    const auto t0 = real(k)[0].to(torch::kCPU), d0 = predicted.frame[0].to(torch::kCPU, torch::kFloat32);
    truths.push_back(t0), dreams.push_back(d0), differences.push_back(((t0 - d0).abs() * 2.5).clamp(0, 1));
  });
  std::vector<torch::Tensor> shuffled, latent_shuffled;
  // Another episode's actions; a single lane gets its own ones the other way round.
  const auto others = lanes > 1 ? actions.roll(1, 1) : actions.flip(0);
  imagine_on(model, start, others, {}, inquiry.rng(500 + first_episode), [&](std::int64_t k, const Carry& carry) {
    told(from + 2 * share, k);
    latent_shuffled.push_back(each_lane(model.features(carry), truth_features[static_cast<std::size_t>(k + 1)]));
    if (paints) shuffled.push_back(each_lane(model.predict(carry).frame, real(k)));
  });

  const auto features = torch::stack(truth_features);  // from one step before the start on
  const auto spread =
      (features - features.mean({0, 1})).square().mean(-1).mean().expand({horizon, lanes}).to(torch::kCPU);
  std::vector<torch::Tensor> still, velocity, mean_frame, stands;
  torch::Tensor middle;
  if (paints) middle = unit_pictures(batch.image.slice(0, 0, context + 1)).mean({0, 1});
  for (std::int64_t k = 1; k <= horizon; ++k) {
    stands.push_back(each_lane(features[1], features[k + 1]));
    velocity.push_back(each_lane(features[1] + static_cast<double>(k) * (features[1] - features[0]), features[k + 1]));
    if (!paints) continue;
    still.push_back(each_lane(real(0), real(k)));
    mean_frame.push_back(each_lane(middle.expand_as(real(k)), real(k)));
  }
  append(sums.latent, torch::stack(latent)), append(sums.latent_shuffled, torch::stack(latent_shuffled));
  append(sums.latent_still, torch::stack(stands)), append(sums.latent_velocity, torch::stack(velocity));
  append(sums.latent_spread, spread);
  if (!reward.empty()) {
    sums.rewards = true;
    const auto target = model.reward_to_target(batch.reward.slice(0, context + 1)).to(torch::kCPU);
    append(sums.reward, torch::stack(reward)), append(sums.true_reward, target);
  }
  if (!cost.empty()) {
    sums.costs = true;
    const auto paid = made.cost.slice(0, context + 1);
    append(sums.cost, torch::stack(cost)), append(sums.true_cost, paid);
  }
  if (!end.empty()) {
    sums.ends = true;
    const auto over = batch.terminated.slice(0, context + 1).to(torch::kCPU);
    append(sums.end, torch::stack(end)), append(sums.true_end, over);
  }
  if (paints) {
    sums.paints = true;
    append(sums.frame, torch::stack(frame)), append(sums.still, torch::stack(still));
    append(sums.mean_frame, torch::stack(mean_frame)), append(sums.shuffled, torch::stack(shuffled));
    append(sums.rebuilt, torch::stack(rebuilt));
    sums.similarity.insert(sums.similarity.end(), similar.begin(), similar.end());
    sums.edges.insert(sums.edges.end(), sharp.begin(), sharp.end());
    sums.true_edges.insert(sums.true_edges.end(), true_sharp.begin(), true_sharp.end());
    if (!sums.sheet.defined()) {
      truths.insert(truths.end(), dreams.begin(), dreams.end());
      truths.insert(truths.end(), differences.begin(), differences.end());
      sums.sheet = torch::stack(truths);
    }
  }
  for (const auto& each : made.from) sums.from.push_back({each.episode + first_episode, each.step});
}

/// The first step at which `error` has passed `limit`, counted from 1 as what could be used before it: 0 = none could.
std::int64_t first_crossing(const std::vector<double>& error, const std::vector<double>& limit, double share) {
  for (std::size_t k = 0; k < error.size(); ++k)
    if (error[k] > share * limit[k]) return static_cast<std::int64_t>(k);
  return static_cast<std::int64_t>(error.size());
}

/// The steps, counted from 1, over which a dream is nearer than `still`, without a break. A first picture that is soft does not end it before
/// it began: it may begin within the first `near_steps`. {0, 0}: never there.
struct Nearer {
  std::int64_t from = 0, to = 0;
};
Nearer nearer_than(const std::vector<double>& still, const std::vector<double>& error) {
  const auto steps = error.size(), look = std::min(steps, near_steps);
  std::size_t from = 0;
  while (from < look && error[from] > still[from]) ++from;
  if (from == look) return {};
  auto to = from;
  while (to < steps && error[to] <= still[to]) ++to;
  return {static_cast<std::int64_t>(from) + 1, static_cast<std::int64_t>(to)};
}

Line line_of(std::string label, const Missed& rows, bool band, bool baseline, double scale = 1) {
  Line line;
  line.label = std::move(label);
  line.y = column_means(rows, all_of(rows));
  line.dashed = baseline;
  for (double& y : line.y) y *= scale;
  if (!band || rows.size() < 3) return line;
  for (std::size_t k = 0; k < line.y.size(); ++k) {
    double sum = 0;
    for (const auto& row : rows) sum += (row[k] * scale - line.y[k]) * (row[k] * scale - line.y[k]);
    const auto n = static_cast<double>(rows.size());
    const double half = 1.96 * std::sqrt(sum / (n - 1) / n);
    line.low.push_back(line.y[k] - half), line.high.push_back(line.y[k] + half);
  }
  return line;
}

std::vector<double> steps_axis(std::int64_t count) {
  std::vector<double> x;
  for (std::int64_t k = 1; k <= count; ++k) x.push_back(static_cast<double>(k));
  return x;
}

void answer_horizon(Inquiry& inquiry, const HorizonSums& sums, LabAnswer& answer) {
  answer.numbers.clear(), answer.figures.clear();
  const auto n = sums.from.size();
  answer.episodes = static_cast<std::int64_t>(n);
  answer.steps = static_cast<std::int64_t>(n) * sums.horizon;
  const auto& dream = sums.paints ? sums.frame : sums.latent;
  const auto& still = sums.paints ? sums.still : sums.latent_still;
  const auto& spread = sums.paints ? sums.mean_frame : sums.latent_spread;
  const auto& shuffled = sums.paints ? sums.shuffled : sums.latent_shuffled;
  const std::string of = sums.paints ? "pictures" : "latents";
  const auto skill_over = [&](const Missed& error, const Missed& baseline, std::size_t steps) {
    return bootstrap(n, [&, steps](const auto& chosen) {
      const double below = total(baseline, chosen, steps);
      return below > 0 ? 1 - total(error, chosen, steps) / below : LabNumber::unknown;
    });
  };
  const auto near = std::min(near_steps, static_cast<std::size_t>(sums.horizon));
  auto skill = number("skill", "Skill over " + std::to_string(near) + (near == 1 ? " step" : " steps"), "",
                      skill_over(dream, still, near),
                      "1 − error / error of the last frame standing still, in " + of +
                          ": 1 is perfect, 0 is no better than a copy. Above 0.12: modest, 0.7: strong");
  skill.verdict = std::isfinite(skill.value) ? (skill.value > 0.12 ? LabNumber::Verdict::good
                                                : skill.value <= 0 ? LabNumber::Verdict::bad
                                                                   : LabNumber::Verdict::none)
                                             : LabNumber::Verdict::none;
  const auto mean_skill = skill_over(still, spread, near);
  skill.beside = {{"copy", 0}, {"perfect", 1}};
  if (std::isfinite(mean_skill.value))
    skill.beside.push_back({"mean frame", 1 - 1 / std::max(1e-9, 1 - mean_skill.value)});
  if (!std::isfinite(skill.value)) skill.note = "nothing moved in these episodes: there is no error to be better than";
  const auto usable = bootstrap(n, [&](const auto& chosen) {
    return static_cast<double>(first_crossing(column_means(dream, chosen), column_means(spread, chosen), half_explained));
  });
  const auto honest = bootstrap(n, [&](const auto& chosen) {
    return static_cast<double>(nearer_than(column_means(still, chosen), column_means(dream, chosen)).to);
  });
  const auto honest_from = nearer_than(column_means(still, all_of(still)), column_means(dream, all_of(dream))).from;
  const bool ran_out = usable.value >= static_cast<double>(sums.horizon);
  answer.numbers = {skill,
                    number("skill_long", "Skill over all " + std::to_string(sums.horizon) + " steps", "",
                           skill_over(dream, still, longest_horizon),
                           "the same over the whole horizon: a dream by chance that has lost the truth errs by up to "
                           "twice what the mean picture does, so it may well be negative"),
                    number("usable_horizon", "Usable horizon", "steps", usable,
                           "imagined steps until less than half of the variance is explained (error > 0.5 × the mean " +
                               std::string(sums.paints ? "frame's)" : "latent's)") +
                               (ran_out ? "; it was not reached within what was imagined" : "")),
                    number("honest_horizon", "Nearer than a still picture", "steps", honest,
                           "the imagined step up to which the dream is nearer to the truth than a picture that stands still, without a break "
                           "since the first at which it is; 0: it is not within " + std::to_string(near))};
  if (honest_from > 1) answer.numbers[3].beside = {{"from step", static_cast<double>(honest_from)}};
  answer.numbers[2].beside = {
      {"a still picture", static_cast<double>(first_crossing(column_means(still, all_of(still)),
                                                             column_means(spread, all_of(spread)), half_explained))}};
  const auto reliance = bootstrap(n, [&](const auto& chosen) {
    const double wrong = total(shuffled, chosen, near);
    return wrong > 0 ? 1 - total(dream, chosen, near) / wrong : LabNumber::unknown;
  });
  answer.numbers.push_back(
      number("action_reliance", "Reliance on actions", "", reliance,
             "1 − error / error under another episode's actions, over " + std::to_string(near) +
                 " steps: 0.03 and less is a model that does not listen, 0.16 and more one that does"));
  if (const auto latent_skill = skill_over(sums.latent, sums.latent_still, near); sums.paints)
    answer.numbers.push_back(
        number("latent_skill", "Skill in latents", "", latent_skill,
               "the same for what the behaviour sees of a state, against a latent that stands still"));
  if (sums.costs) {
    const auto ahead = std::min(foreseen_steps, static_cast<std::size_t>(sums.horizon));
    answer.numbers.push_back(number("cost_skill", "Costs foreseen over " + std::to_string(ahead) + (ahead == 1 ? " step" : " steps"), "",
                                    skill_over(sums.cost, spread_of(sums.true_cost), ahead),
                                    "1 − squared error / that of always the mean cost: 1 foresees every one, 0 is no better than "
                                    "knowing how often they come. Nobody can keep below a limit by what is not foreseen"));
    answer.numbers.back().beside = {{"always the mean", 0}};
  }
  if (const auto error = column_means(sums.latent, all_of(sums.latent)); error.size() >= 4 && error[0] > 0)
    answer.numbers.push_back({"drift", "Drift of latents over 4 steps", "×", error[3] / error[0], LabNumber::unknown,
                              LabNumber::unknown, "error at step 4 / error at step 1: about 2 is fine, 7 is bad"});
  if (sums.paints) {
    const auto ceiling = bootstrap(n, [&](const auto& chosen) {
      return psnr(total(sums.rebuilt, chosen) /
                  (static_cast<double>(chosen.size()) * static_cast<double>(sums.horizon)));
    });
    answer.numbers.push_back(number("reconstruction_psnr", "Reconstruction", "dB", ceiling,
                                    "PSNR of the decoded posterior: what no dream of this model can pass"));
    const auto dreamt = bootstrap(n, [&](const auto& chosen) {
      return psnr(total(sums.frame, chosen) / (static_cast<double>(chosen.size()) * static_cast<double>(sums.horizon)));
    });
    answer.numbers.push_back(
        number("dream_psnr", "The dream", "dB", dreamt, "PSNR of the pooled error over all imagined steps"));
    answer.numbers.back().beside = {
        {"still picture", psnr(total(sums.still, all_of(sums.still)) / static_cast<double>(answer.steps))},
        {"mean frame", psnr(total(sums.mean_frame, all_of(sums.mean_frame)) / static_cast<double>(answer.steps))}};
  }
  if (sums.paints && !sums.edges.front().empty())
    answer.numbers.push_back(number("sharpness", "Sharpness of the dream", "",
                                    bootstrap(n, [&](const auto& chosen) {
                                      const double truth = total(sums.true_edges, chosen);
                                      return truth > 0 ? total(sums.edges, chosen) / truth : LabNumber::unknown;
                                    }),
                                    "how much neighbouring pixels differ, over the same in the true pictures: 1 is as sharp, less is "
                                    "blurred, more has edges that are not there. It does not say that they are in the right place"));
  const auto in_words = [&](const Interval& interval) {
    return in_figures(interval.value) + (interval.value == 1 ? " step" : " steps");
  };
  answer.sentence =
      "The dream explains more than half of what happens for " + (ran_out ? "all of the " : std::string()) +
      in_words(usable) + (ran_out ? " that were imagined" : "") +
      " and is nearer to the truth than a picture that stands still for " + in_words(honest) +
      (honest_from > 1 ? ", from step " + std::to_string(honest_from) + " on" : std::string()) + "; over the first " +
      std::to_string(near) + " its skill is " + in_figures({skill.value, skill.low, skill.high}) + ".";

  const auto x = steps_axis(sums.horizon);
  std::vector<LabMoment> moments;  // of every step: where it went most wrong
  for (std::size_t k = 0; k < x.size(); ++k) {
    std::size_t worst = 0;
    for (std::size_t row = 1; row < n; ++row)
      if (dream[row][k] > dream[worst][k]) worst = row;
    moments.push_back(inquiry.moment(sums.from[worst], sums.context));
  }
  const auto plot = [&](std::string name, std::string title, std::string caption, std::string unit,
                        std::vector<Line> lines) {
    Curve curve;
    curve.x = x, curve.x_unit = "imagined steps", curve.y_unit = std::move(unit), curve.lines = std::move(lines);
    auto made = figure(std::move(name), std::move(title), std::move(caption), std::move(curve));
    made.moments = moments;
    answer.figures.push_back(std::move(made));
  };
  const auto after = ", after " + std::to_string(sums.context) + " frames that were watched; band: 95 % over " +
                     std::to_string(n) + " episodes";
  if (sums.paints) {
    plot("error", "Error of imagined pictures", "mean squared error per channel value, under the true actions" + after,
         "MSE",
         {line_of("dream", sums.frame, true, false), line_of("still picture", sums.still, false, true),
          line_of("mean frame", sums.mean_frame, false, true), line_of("other actions", sums.shuffled, false, true),
          line_of("reconstruction", sums.rebuilt, false, true)});
    auto loudness = line_of("dream", sums.frame, false, false),
         quiet = line_of("still picture", sums.still, false, true),
         limit = line_of("reconstruction", sums.rebuilt, false, true);
    for (auto* line : {&loudness, &quiet, &limit})
      for (double& y : line->y) y = psnr(y);
    plot("psnr", "PSNR of imagined pictures", "of the pooled error" + after, "dB", {loudness, quiet, limit});
    const auto rows = static_cast<std::int64_t>(sums.similarity.front().size());
    Curve alike;
    alike.x_unit = "imagined steps", alike.y_unit = "SSIM";
    for (std::int64_t i = 0; i < rows; ++i)
      alike.x.push_back(static_cast<double>(shown_steps[static_cast<std::size_t>(i)]));
    alike.lines = {line_of("dream", sums.similarity, true, false)};
    if (rows > 0 && std::isfinite(alike.lines[0].y[0]))
      answer.figures.push_back(figure("ssim", "Structural similarity",
                                      "SSIM of the imagined picture with the real one" + after, std::move(alike)));
    if (sums.sheet.defined()) {
      auto pictures = figure("pictures", "Truth, dream, difference", "the first held-out episode; differences × 2.5",
                             sheet_of(sums.sheet, rows));
      pictures.columns = static_cast<int>(rows), pictures.rows = 3;
      pictures.row_labels = {"truth", "dream", "difference"};
      for (std::int64_t i = 0; i < rows; ++i) {
        pictures.column_labels.push_back(std::to_string(shown_steps[static_cast<std::size_t>(i)]));
        pictures.moments.push_back(inquiry.moment(sums.from.front(), sums.context));
      }
      answer.figures.push_back(std::move(pictures));
    }
  }
  plot("latent", "Error of imagined latents", "of what the behaviour sees, against the posterior's" + after,
       "mean squared error",
       {line_of("dream", sums.latent, true, false), line_of("still latent", sums.latent_still, false, true),
        line_of("constant velocity", sums.latent_velocity, false, true),
        line_of("other actions", sums.latent_shuffled, false, true)});
  // Constant velocity leaves every scale within a few steps: it must not flatten the others.
  if (auto curve = std::get<Curve>(*answer.figures.back().value); true) {
    const double most = 3 * *std::ranges::max_element(curve.lines[1].y);
    for (double& y : curve.lines[2].y)
      if (y > most) y = LabNumber::unknown;
    answer.figures.back().value = std::make_shared<const Value>(std::move(curve));
  }
  if (sums.rewards)
    plot("reward", "Error of imagined rewards", "squared, in the units of the model's target" + after, "squared error",
         {line_of("dream", sums.reward, true, false), line_of("always the mean", spread_of(sums.true_reward), false, true)});
  if (sums.costs)
    plot("cost", "Error of imagined costs", "squared" + after, "squared error",
         {line_of("dream", sums.cost, true, false), line_of("always the mean", spread_of(sums.true_cost), false, true)});
  if (sums.ends)
    plot("end", "Error of the imagined end",
         "Brier score of P(this step was the last)" + after + "; all of them lasted so long, so hardly any end is among these: calibration asks of those", "Brier score",
         {line_of("dream", sums.end, true, false), line_of("always the base rate", spread_of(sums.true_end), false, true)});
}

void ask_horizon(Inquiry& inquiry, LabAnswer& answer) {
  HorizonSums sums;
  double last = 0;
  for (std::size_t count = HeldOut::group; count <= most_episodes; count += HeldOut::group) {
    const auto first = count - HeldOut::group;
    const double began = inquiry.elapsed(), from = static_cast<double>(first) / most_episodes,
                 to = static_cast<double>(count) / most_episodes;
    const auto& all = inquiry.episodes(count, from, from + (to - from) / 2);
    const std::vector<LivedEpisode> these(all.begin() + static_cast<std::ptrdiff_t>(first),
                                          all.begin() + static_cast<std::ptrdiff_t>(count));
    if (first == 0) {
      sums.context = context_of(these, inquiry.system().make_env()->spaces());
      sums.horizon = horizon_within(these, sums.context, longest_horizon);
      if (sums.horizon < 1) throw Error("the episodes end before anything could be imagined");
    }
    measure(inquiry, these, first, sums, from + (to - from) / 2, to);
    if (sums.from.empty()) continue;
    answer_horizon(inquiry, sums, answer);
    inquiry.show(answer);
    last = inquiry.elapsed() - began;
    if (!inquiry.time_for(last)) break;
  }
  if (sums.from.empty()) throw Error("no held-out episode was long enough");
}

}  // namespace

Question question_horizon() {
  return {"horizon", "How long is it true?",
          "Error over imagined steps against the truth, and against what needs no model: skill and usable horizon.",
          lacks_true_actions, ask_horizon};
}

}  // namespace dream
