#include "core/lab/readout.h"

#include <algorithm>
#include <cmath>

#include "api/error.h"

namespace dream {
namespace {

constexpr std::int64_t most_read = 512;         // columns of a state that are read; a wider one is projected at random
constexpr std::int64_t picture_side = 12;       // of the pictures that a read-out of pixels sees
constexpr std::int64_t most_numbers_read = 24;  // of those that a world shows: the ones that vary most
constexpr std::int64_t few_numbers = 8;
constexpr double to_come_discount = 0.97;

/// Whether two targets are one but for scale and sign.
bool same_target(const torch::Tensor& a, const torch::Tensor& b) {
  const auto x = a.flatten().to(torch::kFloat64) - a.to(torch::kFloat64).mean(),
             y = b.flatten().to(torch::kCPU, torch::kFloat64) - b.to(torch::kCPU, torch::kFloat64).mean();
  return (x * y).sum().abs().item<double>() > 0.999 * (x.norm() * y.norm()).item<double>();
}

torch::Tensor small_pictures(const torch::Tensor& image) {
  const auto pictures = unit_pictures(image);
  const auto h = std::min(picture_side, pictures.size(2)), w = std::min(picture_side, pictures.size(3));
  return torch::adaptive_avg_pool2d(pictures, {h, w}).flatten(1);
}

torch::Tensor narrowed(const torch::Tensor& x) {
  if (x.size(1) <= most_read) return x;
  auto rng = at::detail::createCPUGenerator(17);
  return torch::matmul(x, torch::randn({x.size(1), most_read}, rng) / std::sqrt(static_cast<double>(most_read)));
}

}  // namespace

torch::Tensor targets_of(const Whole& all, const System& system, Readout& sums) {
  const auto& batch = all.batch;
  std::vector<torch::Tensor> columns;
  std::vector<std::string> names;
  const auto add = [&](std::string name, const torch::Tensor& column) {
    names.push_back(std::move(name)), columns.push_back(column.to(torch::kCPU, torch::kFloat64));
  };
  for (const auto& [name, values] : batch.extra) {
    const auto width = values.size(2);
    for (std::int64_t i = 0; i < width; ++i)
      add(width == 1 ? name : name + "[" + std::to_string(i) + "]", values.select(2, i));
    // How fast it changes no single frame shows.
    const auto step = (values.slice(0, 1) - values.slice(0, 0, -1)).norm(2, 2);
    add("change of " + name, torch::cat({torch::zeros_like(values.select(2, 0).slice(0, 0, 1)), step}));
  }
  // A few numbers that are shown say the same in other words, as an angle's cosine: a linear read-out may find them
  // alone.
  const auto numbers = batch.vector.defined() ? batch.vector.size(2) : 0;
  if (numbers > 0 && (batch.extra.empty() || numbers <= few_numbers)) {
    const auto known = system.make_env()->spaces().vector_names;
    if (sums.targets.empty())
      for (const auto i : most_varying(batch.vector.flatten(0, 1), most_numbers_read))
        if (std::ranges::none_of(columns,
                                 [&](const auto& column) { return same_target(column, batch.vector.select(2, i)); }))
          sums.shown.push_back(i);
    for (const auto i : sums.shown)
      add(known.at(static_cast<std::size_t>(i)) + (batch.extra.empty() ? "" : " (shown)"), batch.vector.select(2, i));
  }
  sums.kind = !batch.extra.empty() ? "state variables" : "the numbers that the world shows";
  if (columns.empty()) {
    sums.kind = "time and reward to come, as this world tells nothing of its state";
    const auto steps = batch.steps();
    add("time", torch::arange(steps, torch::kFloat64).unsqueeze(1).expand({steps, batch.lanes()}));
    auto rewards = torch::zeros({steps, batch.lanes()}, torch::kFloat64),
         sum = torch::zeros({batch.lanes()}, torch::kFloat64);
    const auto reward = batch.reward.to(torch::kCPU, torch::kFloat64);
    for (auto t = steps - 2; t >= 0; --t) sum = to_come_discount * sum + reward[t + 1], rewards[t] = sum;
    add("reward to come", rewards);
  }
  sums.targets = names;
  return torch::stack(columns, 2);
}

Interval ReadResult::r2(std::size_t target) const {
  std::vector<double> a, b;
  for (std::size_t e = 0; e < over.size(); ++e) a.push_back(over[e][target]), b.push_back(under[e][target]);
  const auto lost = bootstrap_ratio(a, b);
  return {1 - lost.value, 1 - lost.high, 1 - lost.low};
}

Interval ReadResult::mean_r2() const {
  return bootstrap(over.size(), [&](const auto& chosen) {
    double sum = 0, count = 0;
    for (std::size_t k = 0; k < over.front().size(); ++k) {
      double a = 0, b = 0;
      for (const auto e : chosen) a += over[e][k], b += under[e][k];
      if (b > 0) sum += std::max(0.0, 1 - a / b), ++count;
    }
    return count > 0 ? sum / count : LabNumber::unknown;
  });
}

torch::Tensor read_guess(const torch::Tensor& x, const torch::Tensor& y, const std::vector<std::size_t>& episode,
                         const torch::Tensor& judge, const std::vector<std::size_t>& judge_episode) {
  if (!x.defined() || !judge.defined() || x.size(1) == 0) return {};
  const auto from = narrowed(x), others = narrowed(judge);
  auto made = torch::zeros({judge.size(0), y.size(1)}, torch::kFloat64);
  for (std::size_t fold = 0; fold < 2; ++fold) {
    std::vector<std::int64_t> fit, rest;
    for (std::size_t i = 0; i < episode.size(); ++i)
      if (episode[i] % 2 != fold) fit.push_back(static_cast<std::int64_t>(i));
    for (std::size_t i = 0; i < judge_episode.size(); ++i)
      if (judge_episode[i] % 2 == fold) rest.push_back(static_cast<std::int64_t>(i));
    if (fit.empty() || rest.empty()) return {};
    const auto fitted = torch::tensor(fit), told = torch::tensor(rest);
    std::vector<char> held(fit.size(), 0);
    held.resize(fit.size() + rest.size(), 1);
    const auto known = y.index_select(0, fitted);
    const auto guess = ridge_guess(torch::cat({from.index_select(0, fitted), others.index_select(0, told)}),
                                   torch::cat({known, known.mean(0, true).expand({told.size(0), -1})}), held);
    if (!guess.defined()) return {};
    made.index_copy_(0, told, guess);
  }
  return made;
}

ReadResult judged(const torch::Tensor& guess, const torch::Tensor& truth, const std::vector<std::size_t>& episode) {
  ReadResult made;
  if (!guess.defined() || !truth.defined()) return made;
  const auto real = truth.to(torch::kFloat64), spread = real.var(0, false);
  std::map<std::size_t, std::size_t> row_of;  // of an episode
  for (const auto e : episode) row_of.emplace(e, row_of.size());
  const auto targets = static_cast<std::size_t>(real.size(1));
  made.over.assign(row_of.size(), std::vector<double>(targets, 0)), made.under = made.over;
  const auto missed = (guess - real).square().contiguous(), around = (real - real.mean(0)).square().contiguous();
  for (std::size_t k = 0; k < targets; ++k) {
    if (spread[static_cast<std::int64_t>(k)].item<double>() < 1e-10) continue;  // it does not vary: nothing to tell
    for (std::size_t i = 0; i < episode.size(); ++i) {
      const auto e = row_of.at(episode[i]);
      made.over[e][k] += missed.data_ptr<double>()[i * targets + k],
          made.under[e][k] += around.data_ptr<double>()[i * targets + k];
    }
  }
  return made;
}

std::shared_ptr<System> untrained_twin(const System& system) {
  try {
    RunSpec spec;
    spec.recipe = system.recipe, spec.environment = system.environment;
    spec.toml = system.config.to_toml(), spec.toml_origin = "the run's settings";
    spec.device = system.device.str();
    std::shared_ptr<System> twin = make_system(spec);
    return twin->model || twin->encoder ? twin : nullptr;
  } catch (const Error&) {
    return nullptr;
  }
}

void gather_states(Inquiry& inquiry, const Whole& all, const std::vector<std::int64_t>& ahead, System* twin,
                   Readout& sums, double from, double to) {
  auto& model = inquiry.model();
  const auto& batch = all.batch;
  const auto steps = batch.steps(), lanes = batch.lanes();
  const auto y = targets_of(all, inquiry.system(), sums);
  const double share = (to - from) / 3;
  const auto every = std::clamp<std::int64_t>(steps / 8, 1, Readout::most_start_stride);
  std::vector<Watched> starts;
  std::vector<torch::Tensor> features;
  const auto stride = std::min(every, Readout::most_stride);
  /// Rows of frame t: the lanes that are real, from the second frame on.
  const auto rows_at = [&](std::int64_t t) {
    std::vector<std::int64_t> which;
    for (std::int64_t lane = 0; lane < lanes; ++lane)
      if (t > 0 && t % stride == 0 && all.real(lane, t)) which.push_back(lane);
    return which;
  };
  watch(model, batch, steps, inquiry.rng(700 + all.first), [&](std::int64_t t, const Carry& carry) {
    inquiry.at(from + share * static_cast<double>(t) / static_cast<double>(steps),
               "reads the states of " + std::to_string(all.first + static_cast<std::size_t>(lanes)) + " episodes");
    features.push_back(cpu_floats(model.features(carry)));
    if (t > 0 && t % every == 0) starts.push_back({t, carry});
    const auto which = rows_at(t);
    if (which.empty()) return;
    const auto chosen = torch::tensor(which);
    const auto parts = parts_of(model, carry);
    const auto keep = [&](std::vector<torch::Tensor>& into, const torch::Tensor& x) {
      if (x.defined()) into.push_back(x.to(torch::kCPU).index_select(0, chosen));
    };
    keep(sums.latent, parts.latent), keep(sums.memory, parts.memory), keep(sums.features, features.back()),
        keep(sums.y, y[t]);
    if (batch.image.defined()) keep(sums.pixels, small_pictures(batch.image[t]));
    const double at = static_cast<double>(t) / 100;
    sums.time.push_back(torch::tensor({{at, at * at, at * at * at, std::log1p(100 * at)}})
                            .expand({static_cast<std::int64_t>(which.size()), 4}));
    for (const auto lane : which) sums.episode.push_back(all.at(lane, t).episode);
  });
  const auto parts = std::max(1.0, std::ceil(static_cast<double>(starts.size()) * static_cast<double>(lanes) / 32)) *
                     static_cast<double>(ahead.empty() ? 1 : ahead.back());
  double done = 0;
  if (!ahead.empty())
    imagine_from(model, all, starts, ahead.back(), inquiry.rng(800 + all.first),
                 [&](std::int64_t k, const Carry& carry, const std::vector<Began>& began) {
                   inquiry.at(from + share * (1 + std::min(1.0, ++done / parts)),
                              "imagines " + std::to_string(ahead.back()) + " steps and reads them");
                   if (!std::ranges::count(ahead, k)) return;
                   const auto now = cpu_floats(model.features(carry));
                   std::vector<torch::Tensor> then, before, truth;
                   std::vector<std::int64_t> which;
                   for (std::size_t i = 0; i < began.size(); ++i) {
                     const auto [lane, t] = began[i];
                     if (!all.real(lane, t + k)) continue;
                     which.push_back(static_cast<std::int64_t>(i));
                     then.push_back(features[static_cast<std::size_t>(t + k)][lane]),
                         before.push_back(features[static_cast<std::size_t>(t)][lane]);
                     truth.push_back(y[t + k][lane]);
                     for (auto* rows : {&sums.imagined[k], &sums.real[k], &sums.stale[k]})
                       rows->episode.push_back(all.at(lane, t).episode);
                   }
                   if (which.empty()) return;
                   sums.imagined[k].x.push_back(now.index_select(0, torch::tensor(which)));
                   sums.real[k].x.push_back(torch::stack(then)), sums.stale[k].x.push_back(torch::stack(before));
                   for (auto* rows : {&sums.imagined[k], &sums.real[k], &sums.stale[k]})
                     rows->y.push_back(torch::stack(truth));
                 });
  if (!twin) return;
  watch(*twin->model, batch, steps, inquiry.rng(900 + all.first), [&](std::int64_t t, const Carry& carry) {
    inquiry.at(from + share * (2 + static_cast<double>(t) / static_cast<double>(steps)), "reads an untrained twin");
    const auto which = rows_at(t);
    if (!which.empty())
      sums.untrained.push_back(cpu_floats(twin->model->features(carry)).index_select(0, torch::tensor(which)));
  });
}

}  // namespace dream
