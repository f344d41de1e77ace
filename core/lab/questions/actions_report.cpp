#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/lab/questions/actions.h"
#include "core/lab/questions/questions.h"

namespace dream {
namespace {

constexpr double deaf_reliance = 0.03, listening_reliance = 0.16;  // WorldModelScope's bands
constexpr double reacting = 1.5;                                   // times what chance alone changes

bool told(const Interval& interval) {
  return std::isfinite(interval.value);
}

double summed(const std::vector<std::vector<double>>& rows, const std::vector<std::size_t>& chosen) {
  double sum = 0;
  for (const auto e : chosen)
    for (const double value : rows[e]) sum += value;
  return sum;
}

/// More to some action than to chance.
bool reacts_to_some(const ActionsSeen& seen) {
  const double chance = bootstrap_ratio(seen.chance, seen.effects).value;
  return std::ranges::any_of(
      seen.effect, [&](const auto& each) { return bootstrap_ratio(each, seen.effects).value > reacting * chance; });
}

/// Says whether it listens, in words.
std::string tell_reliance(const ActionsSeen& seen, LabAnswer& answer) {
  const auto n = seen.starts.size();
  const std::string of = seen.paints ? "pictures" : "features", steps = std::to_string(seen.horizon) + " steps";
  const bool reacts = reacts_to_some(seen);
  if (seen.distinct < 2) {
    answer.numbers.push_back(
        {"reliance", "Reliance on actions", "", LabNumber::unknown, LabNumber::unknown, LabNumber::unknown,
         "the same action was taken in all of these episodes, so that no other can be held against it"});
    return "Whether it listens cannot be told by these episodes, in which the same action was always taken";
  }
  std::string deaf = "Whether it listens cannot be told: nothing moved under any actions";
  const auto reliance_on = [&](Way way) {
    return bootstrap(n, [&, way](const auto& chosen) {
      const double wrong = summed(seen.error[way], chosen);
      return wrong > 0 ? 1 - summed(seen.error[as_done], chosen) / wrong : LabNumber::unknown;
    });
  };
  const auto reliance = reliance_on(shuffled_way);
  auto made = number("reliance", "Reliance on actions", "", reliance,
                     "1 − error / error under another moment's actions, by the same chance, over " + steps + " of " +
                         of + ": up to 0.03 it is deaf, from 0.16 it listens");
  if (!told(reliance))
    made.note = "there is no error under any actions";
  else
    made.verdict = reliance.value <= deaf_reliance        ? LabNumber::Verdict::bad
                   : reliance.value >= listening_reliance ? LabNumber::Verdict::good
                                                          : LabNumber::Verdict::none;
  for (const auto way : {idle_way, reversed_way})
    if (const double value = reliance_on(way).value; std::isfinite(value))
      made.beside.push_back({way == idle_way ? "against idle" : "against backwards", value});
  answer.numbers.push_back(made);
  if (told(reliance))
    deaf = (reliance.value >= listening_reliance ? "It listens: "
            : reacts                             ? "It reacts to actions, but hardly as the world does: "
            : reliance.value <= deaf_reliance    ? "It is deaf to actions: "
                                                 : "It hardly listens: ") +
           std::string("its error over ") + steps + " falls by " +
           in_figures({100 * reliance.value, 100 * reliance.low, 100 * reliance.high}) +
           " % when it is told the true actions instead of another moment's";
  if (seen.paints) {
    const auto gain = bootstrap(n, [&](const auto& chosen) {
      const double right = summed(seen.error[as_done], chosen), wrong = summed(seen.error[shuffled_way], chosen);
      return right > 0 && wrong > 0 ? 10 * std::log10(wrong / right) : LabNumber::unknown;
    });
    answer.numbers.push_back(number("delta_psnr", "Gain by the true actions", "dB", gain,
                                    told(gain)
                                        ? "10 log10(error under other actions / error)"
                                        : "the dream has no error at all under the true actions, or none under any"));
  }
  const auto divergence = bootstrap_ratio(seen.apart, seen.moved);
  answer.numbers.push_back(number(
      "divergence", "What one action changes", "of a step", divergence,
      "|p(a) − p(a')| / |z' − z|: how far two other actions lead expected latents apart in one step, of how far the "
      "real one moves: 1 where all that moves is moved by actions; by other families 0.5 is low and 0.06 dead"));
  if (!told(divergence)) answer.numbers.back().note = "no latent moved, or the same action was taken everywhere";
  return deaf;
}

/// How well the action is read from the states before and after a step.
void tell_inversion(const ActionsSeen& seen, LabAnswer& answer) {
  const auto all = [](const std::vector<torch::Tensor>& rows) { return torch::stack(rows); };
  const auto read = [&](const torch::Tensor& x) {
    double sum = 0, known = 0;
    for (const double r2 : ridge_r2(x, all(seen.action), seen.held_out))
      if (std::isfinite(r2)) sum += std::max(-1.0, r2), known += 1;
    return known > 0 ? sum / known : LabNumber::unknown;
  };
  const auto before = seen.before.empty() ? torch::zeros({0, 1}) : all(seen.before);
  const bool readable = before.size(0) >= 4 * before.size(1);  // half of them to fit, with two states each
  LabNumber inversion{"inversion",
                      "The action, read from a dreamt step",
                      "R²",
                      readable ? read(torch::cat({before, all(seen.dreamt)}, 1)) : LabNumber::unknown,
                      LabNumber::unknown,
                      LabNumber::unknown,
                      "by ridge regression from the latents before and after a step (without the memory, which was "
                      "told the action), fitted on half of the episodes, judged on the others; the mean over axes or "
                      "choices; what the state alone tells is what the driver does in it"};
  if (std::isfinite(inversion.value))
    inversion.beside = {{"from a real step", read(torch::cat({before, all(seen.after)}, 1))},
                        {"from the state alone", read(before)}};
  else
    inversion.note = "there are fewer moments than numbers to fit, or the same action was always taken";
  answer.numbers.push_back(inversion);
}

/// What each action does to the picture; says which does most and least.
std::string tell_effects(const std::vector<HeldAction>& actions, const ActionsSeen& seen, LabAnswer& answer,
                         Vector& bars) {
  const auto chance = bootstrap_ratio(seen.chance, seen.effects), motion = bootstrap_ratio(seen.motion, seen.effects);
  const bool reacts = reacts_to_some(seen);
  const double scale = seen.paints ? 100 : 1;
  const std::string unit = seen.paints ? "% of full scale" : "in features";
  std::string strongest, weakest;
  double most = -1, least = -1;
  for (std::size_t a = 0; a < actions.size(); ++a) {
    auto effect = bootstrap_ratio(seen.effect[a], seen.effects);
    for (double* x : {&effect.value, &effect.low, &effect.high}) *x *= scale;
    std::string name = "effect_";
    for (const char c : actions[a].name)
      name += std::isalnum(static_cast<unsigned char>(c)) ? static_cast<char>(std::tolower(c))
              : static_cast<unsigned char>(c) < 128       ? '_'
                                                          : 'm';
    auto made = number(name, "Effect of " + actions[a].name, unit, effect,
                       "mean |change of the " + std::string(seen.paints ? "picture" : "features") +
                           "| against idling by the same chance, after the action was held for " +
                           std::to_string(seen.horizon) +
                           " steps; bad where no action changes half as much again as chance alone");
    if (told(chance)) made.beside = {{"chance alone", scale * chance.value}};
    if (seen.paints && told(motion)) made.beside.push_back({"what really moves", scale * motion.value});
    if (std::isfinite(effect.value)) {
      if (!reacts) made.verdict = LabNumber::Verdict::bad;
      if (most < 0 || effect.value > most) most = effect.value, strongest = actions[a].name;
      if (least < 0 || effect.value < least) least = effect.value, weakest = actions[a].name;
    }
    answer.numbers.push_back(made);
    bars.values.push_back(static_cast<float>(effect.value)), bars.labels.push_back(actions[a].name);
    bars.mean.push_back(static_cast<float>(scale * chance.value)), bars.deviation.push_back(0);
  }
  std::string words;
  if (most > 0)
    words += ". '" + strongest + "' moves " + (seen.paints ? "the picture" : "its features") + " most (" +
             in_figures(most) + (seen.paints ? " %" : "") + " against idling, chance alone " +
             in_figures(scale * chance.value) + ")" +
             (weakest == strongest ? "" : ", '" + weakest + "' least (" + in_figures(least) + ")");
  else if (most == 0)
    words += ". No action moves " + std::string(seen.paints ? "the picture" : "its features") + " at all";
  return words;
}

LabFigure sheet_of_effects(const ActionSpace& space, const std::vector<HeldAction>& actions, const ActionsSeen& seen,
                           Inquiry& inquiry) {
  const auto columns = static_cast<int>(seen.shown.size());
  auto sheet = figure("effects", "What each action does",
                      "imagined from one held-out moment while the action is held, by the same chance; below each, the "
                      "difference to idle × 2.5: grey is none",
                      sheet_of(seen.sheet, columns));
  sheet.columns = columns, sheet.rows = 1 + 2 * static_cast<int>(actions.size());
  sheet.row_labels = {space.discrete() ? space.choices[static_cast<std::size_t>(idle_of(space)[0])] + " (idle)"
                                       : "idle"};
  for (const auto& each : actions) sheet.row_labels.push_back(each.name), sheet.row_labels.push_back("− idle");
  for (const auto k : seen.shown)
    sheet.column_labels.push_back(std::to_string(k)), sheet.moments.push_back(inquiry.moment(seen.sheet_from, 0));
  return sheet;
}

LabFigure errors_by_way(const ActionsSeen& seen, double begun) {
  const std::string of = seen.paints ? "pictures" : "features";
  Curve curve;
  curve.x_unit = "imagined steps", curve.y_unit = seen.paints ? "MSE" : "mean squared error";
  for (const auto k : seen.compared) curve.x.push_back(static_cast<double>(k));
  const auto line = [&](std::string label, const std::vector<std::vector<double>>& rows, bool dashed) {
    Line made;
    made.label = std::move(label), made.dashed = dashed;
    for (std::size_t k = 0; k < curve.x.size(); ++k) {
      std::vector<double> step;
      for (const auto& row : rows) step.push_back(row[k]);
      const auto each = bootstrap_ratio(step, seen.starts);
      made.y.push_back(each.value);
      if (!dashed) made.low.push_back(each.low), made.high.push_back(each.high);
    }
    if (!made.low.empty() && !std::isfinite(made.low.front())) made.low.clear(), made.high.clear();
    curve.lines.push_back(std::move(made));
  };
  for (std::size_t way = 0; way < ways; ++way) line(way_names[way], seen.error[way], way != as_done);
  line(seen.paints ? "still picture" : "still features", seen.still, true);
  auto error =
      figure("error", "Error under other actions",
             "of imagined " + of + ", by the same chance; " + std::to_string(static_cast<std::int64_t>(begun)) +
                 " moments of " + std::to_string(seen.starts.size()) + " episodes",
             std::move(curve));
  error.moments = seen.worst;
  return error;
}

}  // namespace

void report_actions(const ActionSpace& space, const std::vector<HeldAction>& actions, const ActionsSeen& seen,
                    Inquiry& inquiry, LabAnswer& answer) {
  answer.numbers.clear(), answer.figures.clear();
  answer.episodes = static_cast<std::int64_t>(seen.starts.size());
  const double begun = std::accumulate(seen.starts.begin(), seen.starts.end(), 0.0);
  answer.steps = static_cast<std::int64_t>(begun) * seen.horizon;
  answer.sentence = tell_reliance(seen, answer);
  tell_inversion(seen, answer);
  Vector bars;
  answer.sentence += tell_effects(actions, seen, answer, bars) + ".";
  if (seen.sheet.defined()) answer.figures.push_back(sheet_of_effects(space, actions, seen, inquiry));
  if (!bars.values.empty())
    answer.figures.push_back(figure("effect", "How much each action changes",
                                    std::string(seen.paints ? "% of full scale" : "in features") +
                                        " against idling after " + std::to_string(seen.horizon) +
                                        " steps; mark: what chance alone changes",
                                    std::move(bars)));
  answer.figures.push_back(errors_by_way(seen, begun));
}

}  // namespace dream
