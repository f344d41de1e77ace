// Rules about how it learns: curves, settings, weights, data and behaviour.
#include <algorithm>
#include <cmath>

#include "core/lab/diagnosis_rules.h"
#include "core/lab/question.h"

namespace dream::diagnosing {

namespace {

/// What makes the model: pictures, vectors, latents predicted. Their scale says nothing, their course does.
constexpr const char* main_losses[] = {"/image", "/vector", "/reconstruction", "/nll"};

struct Course {
  double first = untold, best = untold, last = untold, rough = untold;
  bool fell() const { return first - best > rough; }
  /// What was lost again of what had been gained, 0 … ∞.
  double lost_again() const { return (last - best) / std::max(first - best, 1e-12); }
};

std::string rate_words(const Field* rate) {
  if (!rate) return "";
  const double ratio = number_of(rate->value) / number_of(rate->initial);
  return "; " + rate->key + " is " + in_figures(number_of(rate->value)) + ", " + in_figures(ratio) +
         " times its default";
}

/// Twentieths of a curve; `rough`: the mean jump from one point to the next in its second half.
Course course_of(const CurveView& curve) {
  Course course;
  course.first = mean_between(curve, 0, 0.05), course.last = mean_between(curve, 0.95, 1);
  course.best = course.first;
  for (int i = 1; i < 20; ++i) course.best = std::min(course.best, mean_between(curve, i / 20.0, (i + 1) / 20.0));
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = curve.y.size() / 2 + 1; i < curve.y.size(); ++i, ++count)
    sum += std::abs(curve.y[i] - curve.y[i - 1]);
  course.rough = count > 0 ? sum / static_cast<double>(count) : 0;
  return course;
}

std::string course_words(const CurveView& curve, const Course& course) {
  return curve.name + ": " + in_figures(course.first) + " at first, " + in_figures(course.best) + " at its best, " +
         in_figures(course.last) + " now (" + std::to_string(curve.y.size()) + " points)";
}

}  // namespace

Found loss_rises(const RunFacts& run) {
  for (const auto* ending : main_losses) {
    const auto* curve = run.curve(ending, 40);
    if (!curve) continue;
    const auto course = course_of(*curve);
    if (course.lost_again() < 0.3 || course.last - course.best < 2 * course.rough) continue;
    const auto* rate = fastest(run);
    return LabFinding{
        Weight::fault,
        "",
        "The loss has risen again: of what the model had learned, " +
            in_figures(100 * std::min(1.0, course.lost_again())) + " % is lost.",
        course_words(*curve, course) + rate_words(rate),
        "Lower the learning rate to a third and go on from an earlier checkpoint; in half precision try float32.",
        "curves",
        key_of(rate)};
  }
  return {};
}

/// Who goes on from weights that have learned begins where the loss stands: the dream tells the two apart.
Found loss_stands(const RunFacts& run) {
  if (run.unseen.skill.value > 0.12) return {};
  for (const auto* ending : main_losses) {
    const auto* curve = run.curve(ending, 40);
    if (!curve) continue;
    const auto course = course_of(*curve);
    if (course.fell()) continue;
    const auto* rate = fastest(run);
    return LabFinding{Weight::fault,
                      "",
                      "The model has learned nothing: its loss stands where it began.",
                      course_words(*curve, course) + "; from point to point it jumps by " + in_figures(course.rough) +
                          rate_words(rate),
                      "Change the learning rate tenfold, down if the curve is rough, up if it is smooth.",
                      "curves",
                      key_of(rate)};
  }
  return {};
}

Found loss_rough(const RunFacts& run) {
  for (const auto* ending : main_losses) {
    const auto* curve = run.curve(ending, 40);
    if (!curve) continue;
    const auto course = course_of(*curve);
    const double gained = course.first - course.last;
    if (!course.fell() || gained <= 0 || course.rough < 0.15 * gained) continue;
    const auto* rate = fastest(run);
    return LabFinding{Weight::warning,
                      "",
                      "The loss swings instead of falling: the steps are too large.",
                      course_words(*curve, course) + "; from point to point it jumps by " + in_figures(course.rough) +
                          ", " + in_figures(100 * course.rough / gained) + " % of all that was gained" +
                          rate_words(rate),
                      "Lower the learning rate to a third.",
                      "curves",
                      key_of(rate)};
  }
  return {};
}

/// Far above what the recipe was published with, and the model shows it.
Found learning_rate(const RunFacts& run) {
  const auto* rate = fastest(run);
  if (!rate || !(number_of(rate->value) > 20 * number_of(rate->initial))) return {};
  const auto& look = run.unseen;
  std::string shown;
  const auto add = [&](bool is, const std::string& text) {
    if (is) shown += "; " + text;
  };
  add(look.skill.value <= 0, "skill " + in_figures(look.skill));
  add(look.silent >= 0.9, in_figures(100 * look.silent) + " % of the latent is silent");
  add(loss_rises(run) || loss_rough(run), "the loss swings or rises");
  if (shown.empty()) return {};
  return LabFinding{Weight::fault,
                    "",
                    "A learning rate is far above what this recipe was published with, and the model has broken.",
                    rate->key + " = " + in_figures(number_of(rate->value)) + ", published " +
                        in_figures(number_of(rate->initial)) + shown + n_of(look),
                    "Lower it to a third, and again until the loss falls smoothly.",
                    "fields",
                    rate->key};
}

Found gradient_spikes(const RunFacts& run) {
  for (const auto& curve : run.curves) {
    if (!curve.name.ends_with("gradient") || curve.y.size() < 40) continue;
    std::vector<double> late(curve.y.begin() + static_cast<std::ptrdiff_t>(curve.y.size() / 2), curve.y.end());
    const double most = *std::ranges::max_element(late);
    std::ranges::nth_element(late, late.begin() + static_cast<std::ptrdiff_t>(late.size() / 2));
    const double usual = late[late.size() / 2];
    if (most < 100 * usual || usual <= 0) continue;
    const auto* rate = fastest(run);
    return LabFinding{Weight::warning,
                      "",
                      "Gradients explode now and then.",
                      curve.name + ": " + in_figures(most) + " at most in the second half, usually " +
                          in_figures(usual) + rate_words(rate),
                      "Clip gradients, or lower the learning rate.",
                      "curves",
                      key_of(run.setting("clip_norm"), key_of(rate).c_str())};
  }
  return {};
}

Found actor_unmoved(const RunFacts& run) {
  const auto* curve = run.curve("/actor_gradient", 40);
  if (!curve || !(mean_between(*curve, 0.75, 1) < 1e-5)) return {};
  return LabFinding{
      Weight::fault,
      "",
      "The actor is not learning: almost no gradient reaches it.",
      curve->name + ": " + in_figures(mean_between(*curve, 0.75, 1)) + " in the last quarter; 0.01 to 10 is normal",
      "Look whether the dream pays anything at all (world/reward), then raise the entropy scale.",
      "curves",
      key_of(run.setting("behaviour.entropy"))};
}

/// A loss that weighs nothing although the recipe gives it weight.
Found weightless(const RunFacts& run) {
  for (const auto& each : run.settings) {
    if (!each.key.ends_with("_scale") || number_of(each.value) != 0 || !(number_of(each.initial) > 0)) continue;
    return LabFinding{Weight::warning,
                      "",
                      "A part of the loss has been switched off.",
                      each.key + " = 0, published " + in_figures(number_of(each.initial)) + " (" + each.help + ")",
                      "Set it back, unless this run is about what happens without it.",
                      "fields",
                      each.key};
  }
  return {};
}

Found part_frozen(const RunFacts& run) {
  if (run.begun < 0.2) return {};
  std::int64_t moved = 0;
  for (const auto& part : run.parts) moved += part.changed;
  for (const auto& part : run.parts) {
    if (part.changed > 0 || part.numbers < 32 || moved == 0) continue;
    return LabFinding{Weight::fault,
                      "",
                      "A part of the weights has never learned: " + part.name + ".",
                      "of its " + std::to_string(part.numbers) + " numbers none has changed since " +
                          in_figures(100 * run.since) + " % of the training; of the other weights " +
                          std::to_string(moved) + " have",
                      "Look whether it is given to an optimiser, and whether its gradient is stopped.",
                      "curves",
                      ""};
  }
  return {};
}

Found few_episodes(const RunFacts& run) {
  if (run.data_episodes < 0 || run.data_episodes > 3) return {};
  return LabFinding{Weight::fault,
                    "",
                    run.data_episodes == 1 ? "All of it was learned from a single episode."
                                           : "All of it was learned from a handful of episodes.",
                    std::to_string(run.data_episodes) + " episodes of " + std::to_string(run.data_steps) +
                        " steps together are in its data",
                    "Collect more: what is not in the data cannot be learned, and nothing tells it from chance.",
                    "batch",
                    key_of(run.setting("datasets"), key_of(run.setting("collect.episodes")).c_str())};
}

Found overfitted(const RunFacts& run) {
  if (!run.own) return {};
  const auto& own = *run.own;
  const auto& look = run.unseen;
  // By the share of the variance that is left: of pictures that were seen, else of what was imagined.
  const bool seen = std::isfinite(own.rebuilt.value) && std::isfinite(look.rebuilt.value);
  const double here = 1 - (seen ? own.rebuilt.value : own.skill.value),
               there = 1 - (seen ? look.rebuilt.value : look.skill.value);
  if (!(there > 3 * std::max(here, 0.01)) || !(there > 0.2)) return {};
  return LabFinding{Weight::warning,
                    "",
                    "It knows its own episodes by heart and not the world.",
                    (seen ? "of the variance of pictures it leaves " : "of the error of what stands still it leaves ") +
                        in_figures(100 * here) + " % in " + std::to_string(own.episodes) +
                        " episodes that it was trained on and " + in_figures(100 * there) + " % in unseen ones" +
                        n_of(look),
                    "Collect fresher data, or train less on what there is.",
                    "batch",
                    key_of(run.setting("train_ratio"), key_of(run.setting("epochs")).c_str())};
}

Found policy_collapsed(const RunFacts& run) {
  const auto* curve = run.curve("/entropy", 40);
  if (!curve) return {};
  const double now = mean_between(*curve, 0.9, 1);
  const bool discrete = run.choices > 1;
  const double least =
      discrete ? 0.02 * std::log(static_cast<double>(run.choices)) : -4.0 * static_cast<double>(run.axes);
  if (!(now < least)) return {};
  return LabFinding{Weight::warning,
                    "",
                    "The policy has stopped trying: it always does the same.",
                    curve->name + ": " + in_figures(now) + " nats of late" +
                        (discrete ? ", of " + in_figures(std::log(static_cast<double>(run.choices))) + " for " +
                                        std::to_string(run.choices) + " choices"
                                  : std::string()),
                    "Raise the entropy scale.",
                    "curves",
                    key_of(run.setting("behaviour.entropy"))};
}

/// A model that learns neither what is paid nor what to do collects by walks, whose return need not rise.
bool seeks_nothing(const RunFacts& run) {
  bool models = false;
  for (const auto& curve : run.curves) {
    if (curve.name.find("reward") != std::string::npos && !curve.name.starts_with("evaluate/")) return false;
    if (curve.name.starts_with("behaviour/") || curve.name.starts_with("c/")) return false;
    models = models || curve.name.starts_with("world/");
  }
  return models;
}

Found return_flat(const RunFacts& run) {
  const auto* curve = run.curve("learn/return", 60);
  if (!curve) curve = run.curve("c/mean", 60);
  if (!curve || seeks_nothing(run)) return {};
  // Searches at several temperatures stand one after the other in it, each begun at zero.
  if (const auto* taus = run.setting("c.taus"); taus && taus->value != FieldValue(std::string())) return {};
  const auto third = static_cast<std::ptrdiff_t>(curve->y.size() / 3);
  const std::vector<double> early(curve->y.begin(), curve->y.begin() + third),
      late(curve->y.end() - third, curve->y.end());
  const double rise = mean_of(late) - mean_of(early);
  const double error = std::hypot(deviation_of(early), deviation_of(late)) / std::sqrt(static_cast<double>(third));
  if (rise > 2 * error && rise > 0) return {};
  // The same return ever sooner is better, where it is one that is sought.
  if (const auto* length = run.curve("learn/episode_length", 60);
      length && rise >= 0 && mean_of(late) > 0 && mean_between(*length, 0.67, 1) < 0.8 * mean_between(*length, 0, 0.33))
    return {};
  return LabFinding{
      Weight::warning,
      "",
      "The return does not rise.",
      curve->name + ": " + in_figures(mean_of(early)) + " in the first third, " + in_figures(mean_of(late)) +
          " in the last, ± " + in_figures(2 * error) + " (" + std::to_string(curve->y.size()) + " points)",
      "If the dream is good, look at what it pays and at the entropy; if it is not, the model comes first.",
      "curves",
      key_of(run.setting("behaviour.entropy"), key_of(run.setting("c.sigma0")).c_str())};
}

Found critic_lags(const RunFacts& run) {
  const auto *value = run.curve("/value", 200), *target = run.curve("behaviour/return", 200);
  if (!value || !target) return {};
  const double v = mean_between(*value, 0.9, 1), r = mean_between(*target, 0.9, 1);
  const auto [low, high] = std::ranges::minmax(target->y);
  const double size = std::max({std::abs(r), high - low, 1e-6});
  if (!(std::abs(v - r) > 0.5 * size)) return {};
  return LabFinding{Weight::warning,
                    "",
                    "The critic is far from the returns that it is taught.",
                    value->name + ": " + in_figures(v) + " of late, " + target->name + ": " + in_figures(r),
                    "Raise the critic's learning rate, or lower the actor's.",
                    "curves",
                    key_of(run.setting("critic_optimiser.learning_rate"))};
}

Found young(const RunFacts& run) {
  double updates = 0, steps = 0;
  for (const auto& each : run.curves) {
    if (each.x.empty() || each.name.starts_with("gauges/")) continue;
    if (each.x_unit == "update") updates = std::max(updates, each.x.back());
    if (each.name == "learn/return") steps = std::max(steps, each.x.back());
  }
  if (updates <= 0) return {};
  const auto *batch = run.setting("train.batch"), *length = run.setting("train.length");
  const double frames = batch && length ? number_of(batch->value) * number_of(length->value) : untold;
  const double replayed = frames * updates / steps;
  if (updates >= 1000 && !(replayed < 2)) return {};
  return LabFinding{
      Weight::note,
      "",
      replayed < 2 ? "There is more data than training: most frames were seen less than twice." : "This run is young.",
      in_figures(updates) + " updates" +
          (std::isfinite(replayed) ? ", every step of the world replayed " + in_figures(replayed) + " times"
                                   : std::string()) +
          "; the runs that came with this program took 2,300 to 9,300",
      replayed < 2 ? "Raise the train ratio." : "Wait before you judge it.",
      "train",
      key_of(run.setting("train_ratio"))};
}

Found m_knows_nothing(const RunFacts& run) {
  constexpr double of_noise = 1.4189;  // −log N(z; 0, 1) of z ~ N(0, 1): what knows nothing pays
  const auto* curve = run.curve("m/nll", 40);
  if (!curve || !(mean_between(*curve, 0.9, 1) >= of_noise - 0.02)) return {};
  return LabFinding{Weight::fault,
                    "",
                    "M predicts the next latent no better than a standard normal does.",
                    curve->name + ": " + in_figures(mean_between(*curve, 0.9, 1)) +
                        " nats per dimension of late; 1.42 is chance, 1.0 a trained M",
                    "Train M longer, and see whether V tells frames apart.",
                    "curves",
                    key_of(run.setting("m.learning_rate"))};
}

Found v_says_little(const RunFacts& run) {
  const auto* curve = run.curve("v/kl", 40);
  if (!curve || !curve->has_floor || !(mean_between(*curve, 0.9, 1) < 0.8 * curve->floor)) return {};
  return LabFinding{Weight::warning,
                    "",
                    "V's latent says less than it may say for free.",
                    curve->name + ": " + in_figures(mean_between(*curve, 0.9, 1)) + " nats of late, free are " +
                        in_figures(curve->floor),
                    "Train V longer or with another step size: a trained V is pinned at its tolerance.",
                    "curves",
                    key_of(run.setting("v.learning_rate"))};
}

}  // namespace dream::diagnosing
