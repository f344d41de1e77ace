#include "core/lab/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace dream {
namespace {

constexpr double cannot_tell = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t fewest_rows = 16;

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

torch::Tensor doubles(const torch::Tensor& x) {
  return x.to(torch::kCPU, torch::kFloat64);
}

}  // namespace

Interval bootstrap(std::size_t episodes, const std::function<double(const std::vector<std::size_t>&)>& of) {
  std::vector<std::size_t> chosen(episodes);
  std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  Interval made{episodes == 0 ? cannot_tell : of(chosen), cannot_tell, cannot_tell};
  if (episodes < 3 || !std::isfinite(made.value)) return made;
  constexpr std::size_t resamples = 400;
  std::mt19937_64 chance(1);
  std::vector<double> values;
  for (std::size_t i = 0; i < resamples; ++i) {
    for (auto& each : chosen) each = static_cast<std::size_t>(chance() % episodes);
    if (const double value = of(chosen); std::isfinite(value)) values.push_back(value);
  }
  if (values.size() < resamples / 2) return made;
  std::ranges::sort(values);
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  };
  made.low = at(0.025), made.high = at(0.975);
  return made;
}

Interval bootstrap_mean(const std::vector<double>& each) {
  return bootstrap(each.size(), [&](const auto& chosen) {
    double sum = 0;
    for (const auto i : chosen) sum += each[i];
    return sum / static_cast<double>(chosen.size());
  });
}

Interval bootstrap_ratio(const std::vector<double>& over, const std::vector<double>& under) {
  return bootstrap(over.size(), [&](const auto& chosen) {
    double above = 0, below = 0;
    for (const auto i : chosen) above += over[i], below += under[i];
    return below == 0 ? cannot_tell : above / below;
  });
}

double mean_of(const std::vector<double>& values) {
  return values.empty() ? cannot_tell : sum_of(values) / static_cast<double>(values.size());
}

double deviation_of(const std::vector<double>& values) {
  const double mean = mean_of(values);
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return values.empty() ? cannot_tell : std::sqrt(sum / static_cast<double>(values.size()));
}

std::vector<double> ranks_of(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  for (std::size_t from = 0; from < order.size();) {
    std::size_t to = from;
    while (to < order.size() && values[order[to]] == values[order[from]]) ++to;
    for (std::size_t i = from; i < to; ++i) ranks[order[i]] = (static_cast<double>(from + to) - 1) / 2;
    from = to;
  }
  return ranks;
}

double spearman(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size() || a.size() < fewest_rows) return cannot_tell;
  const auto x = ranks_of(a), y = ranks_of(b);
  const double mean = (static_cast<double>(a.size()) - 1) / 2;
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    xy += (x[i] - mean) * (y[i] - mean), xx += (x[i] - mean) * (x[i] - mean), yy += (y[i] - mean) * (y[i] - mean);
  return xx == 0 || yy == 0 ? cannot_tell : xy / std::sqrt(xx * yy);
}

double psnr(double mse) {
  return mse > 0 ? -10 * std::log10(mse) : mse == 0 ? std::numeric_limits<double>::infinity() : cannot_tell;
}

torch::Tensor ssim(const torch::Tensor& a, const torch::Tensor& b) {
  constexpr std::int64_t window = 11;
  constexpr double sigma = 1.5, c1 = 0.01 * 0.01, c2 = 0.03 * 0.03;
  const auto n = a.size(0), channels = a.size(1);
  if (a.size(2) < window || a.size(3) < window) return torch::full({n}, cannot_tell, torch::kFloat64);
  auto weights = (-(torch::arange(window, torch::kFloat64) - window / 2).square() / (2 * sigma * sigma)).exp();
  weights = weights / weights.sum();
  const auto flat = [](const torch::Tensor& x) { return doubles(x).flatten(0, 1).unsqueeze(1); };
  const auto blurred = [&](const torch::Tensor& x) {
    return torch::conv2d(torch::conv2d(x, weights.view({1, 1, 1, window})), weights.view({1, 1, window, 1}));
  };
  const auto x = flat(a), y = flat(b);
  const auto mx = blurred(x), my = blurred(y);
  const auto vx = blurred(x * x) - mx * mx, vy = blurred(y * y) - my * my, vxy = blurred(x * y) - mx * my;
  const auto map = ((2 * mx * my + c1) * (2 * vxy + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2));
  return map.mean({1, 2, 3}).view({n, channels}).mean(1);
}

Reliability reliability(const std::vector<double>& p, const std::vector<double>& y) {
  constexpr std::size_t bins = 15;
  Reliability made;
  if (p.empty()) return {cannot_tell, cannot_tell, cannot_tell, cannot_tell, {}, {}, {}};
  std::vector<double> confidence(bins, 0), frequency(bins, 0), count(bins, 0);
  const double n = static_cast<double>(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    const auto bin = std::min(bins - 1, static_cast<std::size_t>(std::clamp(p[i], 0.0, 1.0) * bins));
    confidence[bin] += p[i], frequency[bin] += y[i], count[bin] += 1;
    made.brier += (p[i] - y[i]) * (p[i] - y[i]) / n, made.base_rate += y[i] / n;
  }
  made.base_brier = made.base_rate * (1 - made.base_rate);
  for (std::size_t bin = 0; bin < bins; ++bin) {
    if (count[bin] == 0) continue;
    made.ece += std::abs(frequency[bin] - confidence[bin]) / n;
    made.confidence.push_back(confidence[bin] / count[bin]), made.frequency.push_back(frequency[bin] / count[bin]);
    made.count.push_back(count[bin]);
  }
  return made;
}

torch::Tensor ridge_guess(const torch::Tensor& x, const torch::Tensor& y, const std::vector<char>& held_out) {
  std::vector<std::int64_t> fit, judge;
  for (std::size_t i = 0; i < held_out.size(); ++i) (held_out[i] ? judge : fit).push_back(static_cast<std::int64_t>(i));
  if (fit.size() < fewest_rows || judge.size() < fewest_rows) return {};
  const auto rows = [](const torch::Tensor& of, const std::vector<std::int64_t>& which) {
    return doubles(of).index_select(0, torch::tensor(which));
  };
  const auto all_x = rows(x, fit), all_y = rows(y, fit);
  const auto fitted = [](const torch::Tensor& from, const torch::Tensor& to) {
    const auto mean = from.mean(0), scale = from.std(0, false).clamp_min(1e-8), middle = to.mean(0);
    const auto z = (from - mean) / scale;
    const auto gram = torch::matmul(z.t(), z), with = torch::matmul(z.t(), to - middle);
    const double count = static_cast<double>(z.size(0));
    return [=](const torch::Tensor& now, double strength) {
      const auto weights =
          torch::linalg_solve(gram + strength * count * torch::eye(gram.size(0), torch::kFloat64), with, true);
      return torch::matmul((now - mean) / scale, weights) + middle;
    };
  };
  const auto few = std::max<std::int64_t>(1, all_x.size(0) / 5), many = all_x.size(0) - few;
  const auto trial = fitted(all_x.slice(0, 0, many), all_y.slice(0, 0, many));
  const auto spread = all_y.var(0, false).clamp_min(1e-12);
  double best = 1e-3, least = std::numeric_limits<double>::infinity();
  for (const double strength : {1e-5, 1e-3, 1e-1, 1.0, 10.0}) {
    const auto guess = trial(all_x.slice(0, many), strength);
    const double error = ((guess - all_y.slice(0, many)).square().mean(0) / spread).mean().item<double>();
    if (error < least) least = error, best = strength;
  }
  return fitted(all_x, all_y)(rows(x, judge), best);
}

std::vector<double> ridge_r2(const torch::Tensor& x, const torch::Tensor& y, const std::vector<char>& held_out) {
  std::vector<double> made(static_cast<std::size_t>(y.size(1)), cannot_tell);
  const auto guess = ridge_guess(x, y, held_out);
  if (!guess.defined()) return made;
  std::vector<std::int64_t> judge;
  for (std::size_t i = 0; i < held_out.size(); ++i)
    if (held_out[i]) judge.push_back(static_cast<std::int64_t>(i));
  const auto truth = doubles(y).index_select(0, torch::tensor(judge));
  const auto error = (guess - truth).square().sum(0), around = (truth - truth.mean(0)).square().sum(0);
  for (std::size_t k = 0; k < made.size(); ++k) {
    const double spread = around[static_cast<std::int64_t>(k)].item<double>();
    if (spread > 1e-12 * static_cast<double>(judge.size()))
      made[k] = 1 - error[static_cast<std::int64_t>(k)].item<double>() / spread;
  }
  return made;
}

double participation_ratio(const torch::Tensor& x) {
  if (x.size(0) < static_cast<std::int64_t>(fewest_rows)) return cannot_tell;
  const auto centred = doubles(x) - doubles(x).mean(0);
  // Σλ and Σλ² are the covariance's trace and squared norm; the smaller Gram matrix has the same.
  const auto gram =
      centred.size(0) < centred.size(1) ? torch::matmul(centred, centred.t()) : torch::matmul(centred.t(), centred);
  const double squares = gram.square().sum().item<double>(), trace = gram.trace().item<double>();
  return squares == 0 ? cannot_tell : trace * trace / squares;
}

Principal principal_components(const torch::Tensor& x, std::int64_t count) {
  Principal made;
  const auto all = doubles(x);
  made.mean = all.mean(0);
  const auto centred = all - made.mean;
  count = std::min({count, centred.size(0), centred.size(1)});
  const auto [values, vectors] = torch::linalg_eigh(torch::matmul(centred.t(), centred));  // rising
  made.directions = vectors.slice(1, vectors.size(1) - count).flip(1);
  // A direction and its opposite are one: the largest element is made positive, so that the same data gives the same
  // map.
  const auto largest = made.directions.gather(0, made.directions.abs().argmax(0, true)).sign();
  made.directions = made.directions * largest;
  made.coordinates = torch::matmul(centred, made.directions);
  const double sum = values.clamp_min(0).sum().item<double>();
  for (std::int64_t i = 0; i < count; ++i)
    made.share.push_back(sum > 0 ? values[values.size(0) - 1 - i].item<double>() / sum : cannot_tell);
  return made;
}

}  // namespace dream
