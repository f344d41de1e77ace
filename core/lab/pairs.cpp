#include "core/lab/pairs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>

namespace dream {
namespace {

constexpr double cannot_say = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t fewest_pairs = 16;

bool varies(double spread, double squares) {
  return spread > 1e-12 * std::max(squares, 1e-300);
}

}  // namespace

void Pairs::add(double prediction, double truth, std::size_t of) {
  predicted.push_back(prediction), came.push_back(truth), episode.push_back(of);
}

Pairs together(std::span<const Pairs> parts) {
  Pairs all;
  for (const auto& each : parts)
    for (std::size_t i = 0; i < each.size(); ++i) all.add(each.predicted[i], each.came[i], each.episode[i]);
  return all;
}

Interval over_episodes(const Pairs& pairs, const std::function<double(const PairSums&)>& of) {
  if (pairs.size() < fewest_pairs) return {cannot_say, cannot_say, cannot_say};
  std::map<std::size_t, PairSums> sums;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const double x = pairs.predicted[i], y = pairs.came[i];
    auto& s = sums[pairs.episode[i]];
    s.n += 1, s.x += x, s.y += y, s.xx += x * x, s.yy += y * y, s.xy += x * y;
  }
  std::vector<PairSums> each;
  for (const auto& [episode, s] : sums) each.push_back(s);
  return bootstrap(each.size(), [&](const auto& chosen) {
    PairSums all;
    for (const auto i : chosen) {
      const auto& s = each[i];
      all.n += s.n, all.x += s.x, all.y += s.y, all.xx += s.xx, all.yy += s.yy, all.xy += s.xy;
    }
    return of(all);
  });
}

Interval r2_of(const Pairs& pairs) {
  return over_episodes(
      pairs, [](const PairSums& s) { return varies(s.spread(), s.yy) ? 1 - s.error() / s.spread() : cannot_say; });
}

Interval slope_of(const Pairs& pairs) {
  return over_episodes(pairs, [](const PairSums& s) {
    const double spread = s.xx - s.x * s.x / s.n;
    return varies(spread, s.xx) ? (s.xy - s.x * s.y / s.n) / spread : cannot_say;
  });
}

Interval bias_of(const Pairs& pairs) {
  return over_episodes(pairs, [](const PairSums& s) { return (s.x - s.y) / s.n; });
}

Interval rank_correlation(const Pairs& pairs) {
  auto ranked = pairs;
  ranked.predicted = ranks_of(pairs.predicted), ranked.came = ranks_of(pairs.came);
  return over_episodes(ranked, [](const PairSums& s) {
    const double x = s.xx - s.x * s.x / s.n, y = s.spread();
    return varies(x, s.xx) && varies(y, s.yy) ? (s.xy - s.x * s.y / s.n) / std::sqrt(x * y) : cannot_say;
  });
}

Interval mean_predicted(const Pairs& pairs) {
  std::map<std::size_t, std::pair<double, double>> sums;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    sums[pairs.episode[i]].first += pairs.predicted[i], sums[pairs.episode[i]].second += 1;
  std::vector<double> over, under;
  for (const auto& [e, s] : sums) over.push_back(s.first), under.push_back(s.second);
  return bootstrap_ratio(over, under);
}

double chance_ece(const Pairs& pairs) {
  std::mt19937_64 chance(1);
  std::vector<double> y;
  for (const double p : pairs.predicted) y.push_back(static_cast<double>(chance() >> 11) * 0x1p-53 < p);
  return reliability(pairs.predicted, y).ece;
}

Interval ece_of(const Pairs& pairs) {
  constexpr std::size_t bins = 15;
  std::map<std::size_t, std::array<double, bins>> off;  // Σ (what came − what was said)
  std::map<std::size_t, double> count;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto bin = std::min(bins - 1, static_cast<std::size_t>(std::clamp(pairs.predicted[i], 0.0, 1.0) * bins));
    off[pairs.episode[i]][bin] += pairs.came[i] - pairs.predicted[i], count[pairs.episode[i]] += 1;
  }
  std::vector<std::size_t> episodes;
  for (const auto& [episode, n] : count) episodes.push_back(episode);
  return bootstrap(episodes.size(), [&](const auto& chosen) {
    std::array<double, bins> all{};
    double n = 0;
    for (const auto i : chosen) {
      for (std::size_t bin = 0; bin < bins; ++bin) all[bin] += off[episodes[i]][bin];
      n += count[episodes[i]];
    }
    double sum = 0;
    for (const double each : all) sum += std::abs(each) / n;
    return sum;
  });
}

Binned binned(const Pairs& pairs, std::size_t bins) {
  Binned made;
  std::vector<std::size_t> order(pairs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return pairs.predicted[i]; });
  for (std::size_t bin = 0, from = 0; bin < bins && from < order.size(); ++bin) {
    auto to = std::max(from + 1, (bin + 1) * order.size() / bins);
    // What was predicted alike stays together.
    while (to < order.size() && pairs.predicted[order[to]] == pairs.predicted[order[to - 1]]) ++to;
    double x = 0, y = 0, most = -1;
    std::size_t worst = order[from];
    for (std::size_t i = from; i < to; ++i) {
      const auto pair = order[i];
      x += pairs.predicted[pair], y += pairs.came[pair];
      if (const double error = std::abs(pairs.predicted[pair] - pairs.came[pair]); error > most)
        most = error, worst = pair;
    }
    const auto n = static_cast<double>(to - from);
    made.predicted.push_back(x / n), made.came.push_back(y / n), made.count.push_back(n), made.worst.push_back(worst);
    from = to;
  }
  return made;
}

Binned in_equal_bins(const Pairs& pairs) {
  const auto made = reliability(pairs.predicted, pairs.came);
  return {made.confidence, made.frequency, made.count, {}};
}

}  // namespace dream
