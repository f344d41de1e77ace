#include "core/behaviours/linear_controller.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

#include "core/nn/shape.h"
#include "core/probe/from_tensor.h"

namespace dream {

Squash squash_from(const std::string& name) {
  if (name == "tanh") return Squash::tanh;
  if (name == "half") return Squash::half;
  if (name == "cut") return Squash::cut;
  throw Error("c.squash: '" + name + "' is not a squash; it is tanh, half or cut, one per action axis");
}

LinearController::LinearController(std::int64_t features, std::vector<Squash> squash, bool bias, std::vector<double> temperatures, double usual)
    : features_(features), bias_(bias), squash_(std::move(squash)), temperatures_(std::move(temperatures)) {
  parameters_ = register_parameter("parameters", torch::zeros({count()}), /*requires_grad=*/false);
  if (temperatures_.empty()) return;
  const auto distance = [usual](double temperature) { return std::abs(temperature - usual); };
  usual_ = static_cast<std::size_t>(std::ranges::min_element(temperatures_, {}, distance) - temperatures_.begin());
  found_ = register_parameter("found", torch::zeros({static_cast<std::int64_t>(temperatures_.size()), count()}), /*requires_grad=*/false);
}

void LinearController::keep(std::size_t temperature) {
  torch::NoGradGuard no_grad;
  found_[static_cast<std::int64_t>(temperature)].copy_(parameters_);
}

namespace {

std::string name_of(double temperature) {
  std::ostringstream text;
  text << "\xcf\x84 = " << std::fixed << std::setprecision(2) << temperature;
  return text.str();
}

}  // namespace

std::vector<DreamtWay> LinearController::ways() const {
  std::vector<DreamtWay> all;
  for (std::size_t i = 0; i < temperatures_.size(); ++i) {
    if (!found_[static_cast<std::int64_t>(i)].any().item<bool>()) continue;
    all.push_back({name_of(temperatures_[i]), {{knobs().front().name, static_cast<double>(i)}}, temperatures_[i]});
  }
  return all;
}

std::vector<Knob> LinearController::knobs() const {
  if (temperatures_.empty()) return {};
  std::vector<std::string> names;
  for (const auto temperature : temperatures_) names.push_back("C of " + name_of(temperature));
  return {{"found_at", "C of", "The temperature at which the controller was found",
           "Each was found inside this model's dream at that temperature. In a calm dream one learns what the dream gets wrong.", 0,
           static_cast<double>(names.size() - 1), static_cast<double>(usual_), false, true, {}, std::move(names)}};
}

torch::Tensor LinearController::squashed(const torch::Tensor& raw) const {
  const auto bent = torch::tanh(raw);
  std::vector<torch::Tensor> columns;
  for (std::size_t axis = 0; axis < squash_.size(); ++axis) {
    auto column = (squash_[axis] == Squash::raw ? raw : bent).select(1, static_cast<std::int64_t>(axis));
    if (squash_[axis] == Squash::half) column = (column + 1) / 2;
    if (squash_[axis] == Squash::cut) column = column.clamp(0, 1);
    columns.push_back(column);
  }
  return torch::stack(columns, 1);
}

Decision LinearController::decide(const Seen& seen, const Carry&, Mode, at::Generator) {
  if (temperatures_.empty()) return {act(seen.features())};
  const auto chosen = std::min(static_cast<std::size_t>(value_of(seen.knobs, knobs().front())), temperatures_.size() - 1);
  const auto found = found_[static_cast<std::int64_t>(chosen)];
  return {act_with(found.any().item<bool>() ? found : parameters_, seen.features())};
}

torch::Tensor LinearController::act(const torch::Tensor& features) const {
  return act_with(parameters_, features);
}

torch::Tensor LinearController::act_with(const torch::Tensor& parameters, const torch::Tensor& features) const {
  check_shape(features, {-1, features_}, "controller features");
  check_shape(parameters, {count()}, "controller parameters");
  const auto weights = parameters.slice(0, biases()).view({features_, axes()});
  return squashed(bias_ ? torch::addmm(parameters.slice(0, 0, axes()), features, weights) : features.mm(weights));
}

torch::Tensor LinearController::nearest_parameters(const torch::Tensor& features, const torch::Tensor& actions) const {
  check_shape(features, {-1, features_}, "controller features");
  check_shape(actions, {features.size(0), axes()}, "controller actions");
  torch::NoGradGuard no_grad;
  constexpr double most = 0.98, beyond = -0.5, ridge = 1e-3;
  std::vector<torch::Tensor> columns;
  for (std::size_t axis = 0; axis < squash_.size(); ++axis) {
    auto bent = actions.select(1, static_cast<std::int64_t>(axis)).to(torch::kFloat64);
    if (squash_[axis] == Squash::raw) {
      columns.push_back(bent);
      continue;
    }
    if (squash_[axis] == Squash::half) bent = bent * 2 - 1;
    auto raw = torch::atanh(bent.clamp(-most, most));
    if (squash_[axis] == Squash::cut) raw = torch::where(bent <= 0, torch::full_like(raw, beyond), raw);
    columns.push_back(raw);
  }
  const auto wide = features.to(torch::kFloat64);
  const auto rows = bias_ ? torch::cat({torch::ones({wide.size(0), 1}, wide.options()), wide}, 1) : wide;
  const auto square = rows.t().mm(rows) / rows.size(0) + ridge * torch::eye(rows.size(1), wide.options());
  const auto solved = at::linalg_solve(square, rows.t().mm(torch::stack(columns, 1)) / rows.size(0));
  return solved.flatten().to(torch::kFloat32);  // the biases' row comes first, as in the flat order
}

torch::Tensor LinearController::act_as(const torch::Tensor& parameters, const torch::Tensor& candidate,
                                       const torch::Tensor& features) const {
  check_shape(parameters, {-1, count()}, "controller population");
  check_shape(features, {candidate.size(0), features_}, "controller features");
  const auto rows = parameters.index_select(0, candidate);
  const auto weights = rows.slice(1, biases()).view({-1, features_, axes()});
  const auto raw = torch::bmm(features.unsqueeze(1), weights).squeeze(1);
  return squashed(bias_ ? raw + rows.slice(1, 0, axes()) : raw);
}

void LinearController::set_flat(const std::vector<double>& parameters) {
  const auto flat = torch::tensor(parameters, torch::kFloat64);
  check_shape(flat, {count()}, "controller parameters");
  torch::NoGradGuard no_grad;
  parameters_.copy_(flat);
}

std::vector<double> LinearController::flat() const {
  const auto values = floats(parameters_);
  return {values.begin(), values.end()};
}

}  // namespace dream
