#include "core/behaviours/lagrangian.h"

#include <algorithm>

namespace dream {
namespace {

constexpr double first_integral = 1e-3, first_multiplier = 1e-6;
constexpr double smoothing = 0.95;         // of the averages of error and cost
constexpr std::int64_t derivative_delay = 10;  // episodes
constexpr double penalty_growth = 1e-5, most_penalty = 1;

torch::Tensor number(double value) {
  return torch::full({1}, value, torch::kFloat64);
}

}  // namespace

void LagrangianOptions::fields(Config& config, const std::string& prefix) {
  const auto live = [&](const char* name, double& value, const char* help, double high, const char* title) {
    config.add(prefix + name, value, {.help = help, .low = 0, .high = high, .live = true, .title = title});
  };
  config.add(prefix + "lagrangian", kind,
             {.help = "Who sets the multiplier λ: pid, from what real episodes cost; augmented, from imagined costs"});
  live("cost_limit", limit,
       "What an episode may cost; augmented: what an imagined cost return may be on average", 1e6, "cost limit");
  live("kp", proportional, "PID: λ per unit of the smoothed error, cost − limit", 100, "proportional gain k_p");
  live("ki", integral, "PID: λ per unit of the error's sum over episodes", 100, "integral gain k_i");
  live("kd", derivative, "PID: λ per unit by which the smoothed cost has risen in ten episodes", 100,
       "derivative gain k_d");
  live("most_multiplier", most, "λ never exceeds this; too low, and the limit cannot be kept", 1e6, "largest λ");
  config.add(prefix + "penalty", penalty,
             {.help = "Augmented: c at first, of ψ = λg + c/2·g²; at 5e-9, as published, λ is 2.6e-4 after 5,000 updates of "
                      "g = 10",
              .low = 1e-12,
              .high = 1,
              .logarithmic = true,
              .title = "first penalty c"});
  config.add(prefix + "pessimistic", pessimistic,
             {.help = "Augmented: imagined cost returns are added over the horizon, not averaged"});
}

Lagrangian::Lagrangian(const LagrangianOptions& options) : options_(options) {
  multiplier_ = register_buffer("multiplier", number(augmented() ? first_multiplier : 0));
  integral_ = register_buffer("integral", number(first_integral));
  error_ = register_buffer("error", number(0));
  cost_ = register_buffer("cost", number(0));
  past_ = register_buffer("past", torch::zeros({derivative_delay}, torch::kFloat64));
  penalty_ = register_buffer("penalty", number(options.penalty));
}

void Lagrangian::episode(double cost) {
  if (augmented()) return;
  const auto& o = options_;
  const double e = cost - o.limit;
  integral_.add_(o.integral * e).clamp_(0, o.most);
  error_.mul_(smoothing).add_((1 - smoothing) * e);
  cost_.mul_(smoothing).add_((1 - smoothing) * cost);
  const auto rise = (cost_ - past_[0]).clamp_min(0);
  multiplier_.copy_((o.proportional * error_ + integral_ + o.derivative * rise).clamp(0, o.most));
  past_.copy_(torch::cat({past_.slice(0, 1), cost_}));
}

torch::Tensor Lagrangian::penalise(const torch::Tensor& returns) {
  const auto g = (options_.pessimistic ? returns.sum(0) : returns).mean() - options_.limit;
  const double l = multiplier(), c = penalty_.item<double>(), next = l + c * g.item<double>();
  multiplier_.fill_(std::max(0.0, next));
  penalty_.fill_(std::min(c * (1 + penalty_growth), most_penalty));
  return next > 0 ? l * g + c / 2 * g.square() : torch::full_like(g, -l * l / (2 * c)).detach();
}

}  // namespace dream
