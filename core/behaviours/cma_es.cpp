#include "core/behaviours/cma_es.h"

#include "core/nn/torch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>

#include "api/error.h"
#include "core/base/rng.h"

namespace dream {
namespace {

using torch::Tensor;

torch::TensorOptions f64() {
  return torch::TensorOptions().dtype(torch::kFloat64).device(torch::kCPU);
}

Tensor copy_of(std::span<const double> values, at::IntArrayRef shape) {
  Tensor tensor = torch::empty(shape, f64());
  std::copy(values.begin(), values.end(), tensor.data_ptr<double>());
  return tensor;
}

std::vector<double> values_of(const Tensor& tensor) {
  const Tensor flat = tensor.contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

double norm_of(const Tensor& vector) {
  return vector.norm().item<double>();
}

/// Makes the sum of the negative weights at least -limit.
void limit_negative(std::vector<double>& weights, int parents, double limit) {
  const double sum = -std::accumulate(weights.begin() + parents, weights.end(), 0.0);
  if (sum <= limit) return;
  for (auto weight = weights.begin() + parents; weight != weights.end(); ++weight) *weight *= limit / sum;
}

/// Order of the candidates, best first; non-finite costs last, ties by index.
std::vector<std::int64_t> ranking(std::span<const double> costs) {
  std::vector<std::int64_t> order(costs.size());
  std::iota(order.begin(), order.end(), 0);
  const auto key = [&](std::int64_t i) {
    const double cost = costs[static_cast<std::size_t>(i)];
    return std::isfinite(cost) ? cost : std::numeric_limits<double>::infinity();
  };
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return key(a) < key(b); });
  return order;
}

bool all_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

}  // namespace

CmaConstants cma_constants(int dimension, int population, bool active) {
  CmaConstants c;
  const double n = dimension;
  const double lambda = population;

  // Raw weights (49), then the positive ones sum to 1 and the negative ones to -1.
  c.weights.resize(static_cast<std::size_t>(population));
  for (int i = 0; i < population; ++i) {
    c.weights[static_cast<std::size_t>(i)] = std::log((lambda + 1) / 2) - std::log(i + 1.0);
  }
  c.parents = static_cast<int>(std::count_if(c.weights.begin(), c.weights.end(), [](double w) { return w > 0; }));
  const auto split = c.weights.begin() + c.parents;
  const double positive = std::accumulate(c.weights.begin(), split, 0.0);
  const double negative = -std::accumulate(split, c.weights.end(), 0.0);
  for (auto weight = c.weights.begin(); weight != c.weights.end(); ++weight) {
    *weight /= weight < split ? positive : negative;
  }
  const auto squares = [](auto first, auto last) { return std::inner_product(first, last, first, 0.0); };
  c.mu_eff = 1 / squares(c.weights.begin(), split);
  const double mu_eff_negative = 1 / squares(split, c.weights.end());

  // Learning rates (55)-(58). pycma lowers c_1 for populations below 6, adds 1/4 to the numerator of c_mu, and
  // bounds c_sigma (4.5), and damps earlier when µ_eff is large against the dimension.
  c.c_c = (4 + c.mu_eff / n) / (n + 4 + 2 * c.mu_eff / n);
  c.c_1 = std::min(1.0, lambda / 6) * 2 / ((n + 1.3) * (n + 1.3) + c.mu_eff);
  c.c_mu = std::min(1 - c.c_1, 2 * (0.25 + c.mu_eff + 1 / c.mu_eff - 2) / ((n + 2) * (n + 2) + c.mu_eff));
  c.c_sigma = std::min(0.5, (c.mu_eff + 2) / (n + c.mu_eff + 3));
  const double early = std::max(1.0, 3 * (1 - std::pow(0.5, n / 9)));
  c.damping = 1 + c.c_sigma + 2 * std::max(0.0, early * std::sqrt((c.mu_eff - 1) / (n + 1)) - 1);
  c.chi = std::sqrt(2.0) * std::exp(std::lgamma((n + 1) / 2) - std::lgamma(n / 2));
  c.eigen_interval = 1 / (c.c_1 + c.c_mu) / n / 10;

  // Negative weights (50)-(53): no decay of C on average, at most in proportion to their effective number, and
  // small enough that C stays positive definite.
  double scale = 0;
  if (active) scale = 1 + c.c_1 / c.c_mu;
  for (auto weight = split; weight != c.weights.end(); ++weight) *weight *= scale;
  if (active) {
    limit_negative(c.weights, c.parents, (1 - c.c_1 - c.c_mu) / c.c_mu / n);
    limit_negative(c.weights, c.parents, 1 + 2 * mu_eff_negative / (c.mu_eff + 2));
  }
  return c;
}

struct CmaEs::Impl {
  explicit Impl(const CmaOptions& o)
      : options(o),
        constants(cma_constants(o.dimension, o.population, o.active)),
        mean(o.mean.empty() ? torch::zeros({o.dimension}, f64()) : copy_of(o.mean, {o.dimension})),
        sigma(o.sigma0),
        covariance(torch::eye(o.dimension, f64())),
        axes(torch::eye(o.dimension, f64())),
        lengths(torch::ones({o.dimension}, f64())),
        sigma_path(torch::zeros({o.dimension}, f64())),
        covariance_path(torch::zeros({o.dimension}, f64())) {}

  /// C^(-1/2) x with the latest decomposition; x is [..., N].
  Tensor whiten(const Tensor& x) const { return (x.matmul(axes) / lengths).matmul(axes.t()); }
  void decompose();

  CmaOptions options;
  CmaConstants constants;
  Tensor mean;  // [N]
  double sigma;
  Tensor covariance;       // C, [N, N]
  Tensor axes;             // B, [N, N]: orthonormal eigenvectors in columns, of C as it was last decomposed
  Tensor lengths;          // D, [N]: roots of the eigenvalues, ascending
  Tensor sigma_path;       // p_sigma, [N]
  Tensor covariance_path;  // p_c, [N]
  std::int64_t generation = 0;
  std::int64_t decomposed = 0;  // generation of `axes` and `lengths`
  std::vector<double> best;
  double best_cost = std::numeric_limits<double>::infinity();
  // Spread of the latest costs, for stop_conditions alone.
  double cost_range = std::numeric_limits<double>::infinity();
};

void CmaEs::Impl::decompose() {
  torch::NoGradGuard no_grad;
  covariance = (covariance + covariance.t()) / 2;
  auto [values, vectors] = torch::linalg_eigh(covariance);
  // Rounding alone can make an eigenvalue non-positive, once the condition nears 1/epsilon. Lifting the whole
  // spectrum keeps the axes and bounds the condition, as `limit_condition` in pycma.
  const double smallest = values[0].item<double>();
  const double largest = values[-1].item<double>();
  constexpr double kMaxCondition = 1e14;
  if (!(largest > 0) || !std::isfinite(largest) || !std::isfinite(smallest)) {
    throw Error("CMA-ES: the covariance matrix has largest eigenvalue " + number(largest) +
                ", expected a positive "
                "finite one; restart the search from the last checkpoint with a smaller sigma0");
  }
  if (smallest * kMaxCondition < largest) {
    const double lift = (largest - kMaxCondition * smallest) / (kMaxCondition - 1);
    covariance.diagonal().add_(lift);
    values = (values + lift).clamp_min(largest / kMaxCondition);
  }
  axes = vectors.contiguous();
  lengths = values.sqrt();
  decomposed = generation;
}

CmaEs::CmaEs(const CmaOptions& options) {
  if (options.dimension < 1) {
    throw Error("CMA-ES: dimension is " + std::to_string(options.dimension) + ", expected at least 1");
  }
  if (options.population < 4) {
    throw Error("CMA-ES: population is " + std::to_string(options.population) + ", expected at least 4");
  }
  if (!(options.sigma0 > 0) || !std::isfinite(options.sigma0)) {
    throw Error("CMA-ES: sigma0 is " + number(options.sigma0) + ", expected a positive finite number");
  }
  if (!options.mean.empty() && options.mean.size() != static_cast<std::size_t>(options.dimension)) {
    throw Error("CMA-ES: mean has " + std::to_string(options.mean.size()) + " values, expected " +
                std::to_string(options.dimension));
  }
  if (!all_finite(options.mean)) throw Error("CMA-ES: mean holds a non-finite value, expected finite numbers");
  impl_ = std::make_unique<Impl>(options);
}

CmaEs::~CmaEs() = default;
CmaEs::CmaEs(CmaEs&&) noexcept = default;
CmaEs& CmaEs::operator=(CmaEs&&) noexcept = default;

int CmaEs::dimension() const {
  return impl_->options.dimension;
}
int CmaEs::population() const {
  return impl_->options.population;
}
const CmaConstants& CmaEs::constants() const {
  return impl_->constants;
}

std::vector<double> CmaEs::ask() const {
  torch::NoGradGuard no_grad;
  const Impl& s = *impl_;
  // x_k = m + σ B D z_k (38)-(40)
  Tensor z = torch::empty({s.options.population, s.options.dimension}, f64());
  Rng rng = Rng(s.options.seed).fork("cma_es").fork(static_cast<std::uint64_t>(s.generation));
  std::generate_n(z.data_ptr<double>(), z.numel(), [&] { return rng.normal(); });
  return values_of(s.mean + s.sigma * (z * s.lengths).matmul(s.axes.t()));
}

void CmaEs::tell(std::span<const double> candidates, std::span<const double> costs) {
  torch::NoGradGuard no_grad;
  Impl& s = *impl_;
  const CmaConstants& c = s.constants;
  const std::int64_t population = s.options.population;
  const std::int64_t dimension = s.options.dimension;
  const double n = static_cast<double>(dimension);
  if (costs.size() != static_cast<std::size_t>(population)) {
    throw Error("CMA-ES: got " + std::to_string(costs.size()) + " costs, expected one for each of the " +
                std::to_string(population) + " candidates");
  }
  if (candidates.size() != static_cast<std::size_t>(population * dimension)) {
    throw Error("CMA-ES: got " + std::to_string(candidates.size()) + " candidate values, expected " +
                std::to_string(population) + " x " + std::to_string(dimension));
  }
  if (!all_finite(candidates)) throw Error("CMA-ES: a candidate holds a non-finite value, expected finite numbers");
  if (std::none_of(costs.begin(), costs.end(), [](double cost) { return std::isfinite(cost); })) {
    throw Error("CMA-ES: no cost of generation " + std::to_string(s.generation) +
                " is finite, expected at least one; look for the first non-finite reward");
  }

  const std::vector<std::int64_t> order = ranking(costs);
  const auto best = static_cast<std::size_t>(order.front());
  const auto remember_best = [&] {
    if (costs[best] >= s.best_cost) return;
    const auto row =
        candidates.subspan(best * static_cast<std::size_t>(dimension), static_cast<std::size_t>(dimension));
    s.best.assign(row.begin(), row.end());
    s.best_cost = costs[best];
  };
  if (costs[best] == costs[static_cast<std::size_t>(order.back())]) {
    // The ranking would be the candidates' numbers, and following it a walk at random.
    remember_best();
    s.cost_range = 0;
    ++s.generation;
    return;
  }
  Tensor sorted = torch::empty({population, dimension}, f64());
  for (std::size_t k = 0; k < order.size(); ++k) {
    std::copy_n(candidates.data() + order[k] * dimension, dimension,
                sorted.data_ptr<double>() + static_cast<std::int64_t>(k) * dimension);
  }
  const Tensor y = (sorted - s.mean) / s.sigma;  // [λ, N]
  Tensor weights = copy_of(c.weights, {population});

  // Selection and recombination (41), (42).
  const Tensor step = weights.narrow(0, 0, c.parents).matmul(y.narrow(0, 0, c.parents));
  const Tensor mean = s.mean + s.sigma * step;
  const std::int64_t generation = s.generation + 1;

  // Path of the step size (43), and whether it is too long for p_c to be trusted.
  const Tensor sigma_path =
      (1 - c.c_sigma) * s.sigma_path + std::sqrt(c.c_sigma * (2 - c.c_sigma) * c.mu_eff) * s.whiten(step);
  const double length = norm_of(sigma_path);
  const double start = 1 - std::pow(1 - c.c_sigma, 2.0 * static_cast<double>(generation));
  const bool trusted = length * length / start / n - 1 < 1 + 4 / (n + 1);

  // Covariance (45)-(47). A negative weight is divided by the squared Mahalanobis length of its step, so that one
  // long bad step cannot make C indefinite (46).
  Tensor covariance_path = (1 - c.c_c) * s.covariance_path;
  if (trusted) covariance_path += std::sqrt(c.c_c * (2 - c.c_c) * c.mu_eff) * step;
  const double c_1a = trusted ? c.c_1 : c.c_1 * (1 - c.c_c * (2 - c.c_c));
  const double weight_sum = std::accumulate(c.weights.begin(), c.weights.end(), 0.0);
  if (s.options.active) {
    const std::int64_t rest = population - c.parents;
    const Tensor norms = (y.narrow(0, c.parents, rest).matmul(s.axes) / s.lengths).norm(2, 1) + 1e-9;
    weights.narrow(0, c.parents, rest).mul_(n / norms.square());
  }
  Tensor covariance = s.covariance * (1 - c_1a - c.c_mu * weight_sum);
  covariance.addr_(covariance_path, covariance_path, 1, c.c_1);
  covariance.addmm_((y * weights.unsqueeze(1)).t(), y, 1, c.c_mu);

  // Step size (44); the change of one generation is bounded by a factor e. The floor keeps (x - m) / σ defined long
  // after the search has converged beyond the rounding of the mean.
  const double sigma =
      std::max(1e-100, s.sigma * std::exp(std::min(1.0, c.c_sigma / c.damping * (length / c.chi - 1))));

  if (!covariance.isfinite().all().item<bool>() || !mean.isfinite().all().item<bool>() || !std::isfinite(sigma)) {
    throw Error("CMA-ES: generation " + std::to_string(s.generation) +
                " overflows the covariance matrix, expected candidates near those of ask()");
  }
  remember_best();
  const double worst = costs[static_cast<std::size_t>(order.back())];
  s.cost_range = std::isfinite(worst) ? worst - costs[best] : std::numeric_limits<double>::infinity();
  s.mean = mean;
  s.sigma = sigma;
  s.covariance = covariance;
  s.sigma_path = sigma_path;
  s.covariance_path = covariance_path;
  s.generation = generation;

  if (static_cast<double>(generation) >= static_cast<double>(s.decomposed) + c.eigen_interval) s.decompose();
}

std::span<const double> CmaEs::mean() const {
  return {impl_->mean.data_ptr<double>(), static_cast<std::size_t>(impl_->options.dimension)};
}
double CmaEs::sigma() const {
  return impl_->sigma;
}
double CmaEs::rms_deviation() const {
  return impl_->sigma * std::sqrt(impl_->covariance.diagonal().mean().item<double>());
}
std::int64_t CmaEs::generation() const {
  return impl_->generation;
}
std::int64_t CmaEs::evaluations() const {
  return impl_->generation * impl_->options.population;
}
double CmaEs::condition() const {
  const double ratio = impl_->lengths[-1].item<double>() / impl_->lengths[0].item<double>();
  return ratio * ratio;
}
std::vector<double> CmaEs::variances() const {
  return values_of(impl_->covariance.diagonal());
}
double CmaEs::sigma_path_length() const {
  return norm_of(impl_->sigma_path);
}
std::span<const double> CmaEs::best() const {
  return impl_->best;
}
double CmaEs::best_cost() const {
  return impl_->best_cost;
}

std::vector<std::string> CmaEs::stop_conditions() const {
  const Impl& s = *impl_;
  std::vector<std::string> found;
  if (s.generation == 0) return found;
  const Tensor deviations = s.sigma * s.covariance.diagonal().sqrt();
  const double widest = deviations.max().item<double>();
  const double path = s.sigma * s.covariance_path.abs().max().item<double>();
  if (widest < 1e-11 && path < 1e-11) found.push_back("tolx: steps are below 1e-11 along every coordinate");
  if (s.cost_range < 1e-11) found.push_back("tolfun: the costs of a generation differ by less than 1e-11");
  if (widest > 1e3 * s.options.sigma0) found.push_back("tolfacupx: a deviation grew to 1000 times sigma0");
  if (condition() > 1e14 * (1 - 1e-6)) found.push_back("conditioncov: the condition of C is above 1e14");
  if ((s.mean == s.mean + 0.2 * deviations).any().item<bool>()) {
    found.push_back("noeffectcoord: a step is lost in the rounding of the mean");
  }
  return found;
}

// The arrays of a saved state.
constexpr std::array<std::string_view, 13> kFields = {
    "shape",   "seed",       "counters",        "sigma", "mean",      "covariance", "axes",
    "lengths", "sigma_path", "covariance_path", "best",  "best_cost", "cost_range"};

std::map<std::string, std::vector<double>> CmaEs::state() const {
  const Impl& s = *impl_;
  return {
      {"shape", {double(s.options.dimension), double(s.options.population), s.options.active ? 1.0 : 0.0}},
      {"seed", {double(s.options.seed >> 32), double(s.options.seed & 0xffffffffULL)}},
      {"counters", {double(s.generation), double(s.decomposed)}},
      {"sigma", {s.sigma}},
      {"mean", values_of(s.mean)},
      {"covariance", values_of(s.covariance)},
      {"axes", values_of(s.axes)},
      {"lengths", values_of(s.lengths)},
      {"sigma_path", values_of(s.sigma_path)},
      {"covariance_path", values_of(s.covariance_path)},
      {"best", s.best},
      {"best_cost", {s.best_cost}},
      {"cost_range", {s.cost_range}},
  };
}

void CmaEs::restore(const std::map<std::string, std::vector<double>>& state) {
  auto fresh = std::make_unique<Impl>(impl_->options);
  Impl& s = *fresh;
  const auto fail = [](const std::string& field, const std::string& found, const std::string& expected) {
    throw Error("CMA-ES state, field '" + field + "': found " + found + ", expected " + expected);
  };
  for (const auto& [name, values] : state) {
    if (std::find(kFields.begin(), kFields.end(), name) == kFields.end())
      fail(name, "an unknown field", "one that CmaEs::state() writes");
  }
  // Reads one array of the given length.
  const auto read = [&](const char* name, std::int64_t size, bool finite = true) -> const std::vector<double>& {
    const auto found = state.find(name);
    if (found == state.end()) fail(name, "nothing", std::to_string(size) + " values");
    if (found->second.size() != static_cast<std::size_t>(size)) {
      fail(name, std::to_string(found->second.size()) + " values", std::to_string(size));
    }
    if (finite && !all_finite(found->second)) fail(name, "a non-finite value", "finite numbers");
    return found->second;
  };
  // Reads a whole number.
  const auto whole = [&](const char* name, double value, double limit) {
    if (!(value >= 0 && value <= limit) || value != std::floor(value)) {
      fail(name, number(value), "a whole number from 0 to " + number(limit));
    }
    return static_cast<std::uint64_t>(value);
  };

  const std::vector<double>& shape = read("shape", 3);
  const std::vector<double> mine = {double(s.options.dimension), double(s.options.population),
                                    s.options.active ? 1.0 : 0.0};
  if (shape != mine) {
    const auto text = [](const std::vector<double>& v) {
      return "dimension " + number(v[0]) + ", population " + number(v[1]) + ", active " + number(v[2]);
    };
    fail("shape", text(shape), text(mine));
  }
  const std::int64_t n = s.options.dimension;
  const std::vector<double>& seed = read("seed", 2);
  s.options.seed = whole("seed", seed[0], 4294967295.0) << 32 | whole("seed", seed[1], 4294967295.0);
  const std::vector<double>& counters = read("counters", 2);
  s.generation = static_cast<std::int64_t>(whole("counters", counters[0], 1e12));
  s.decomposed = static_cast<std::int64_t>(whole("counters", counters[1], counters[0]));
  s.sigma = read("sigma", 1)[0];
  if (!(s.sigma > 0)) fail("sigma", number(s.sigma), "a positive number");
  s.mean = copy_of(read("mean", n), {n});
  s.covariance = copy_of(read("covariance", n * n), {n, n});
  s.axes = copy_of(read("axes", n * n), {n, n});
  s.lengths = copy_of(read("lengths", n), {n});
  if ((s.axes.t().matmul(s.axes) - torch::eye(n, f64())).abs().max().item<double>() > 1e-6) {
    fail("axes", "columns that are not orthonormal", "the eigenvectors of the covariance");
  }
  if (!(s.lengths > 0).all().item<bool>()) fail("lengths", "a value of 0 or below", "positive numbers");
  if (!(s.covariance.diagonal() > 0).all().item<bool>()) {
    fail("covariance", "a variance of 0 or below", "positive numbers on the diagonal");
  }
  s.sigma_path = copy_of(read("sigma_path", n), {n});
  s.covariance_path = copy_of(read("covariance_path", n), {n});
  s.best = read("best", s.generation > 0 ? n : 0);
  s.best_cost = read("best_cost", 1, s.generation > 0)[0];
  s.cost_range = read("cost_range", 1, false)[0];
  impl_ = std::move(fresh);
}

}  // namespace dream
