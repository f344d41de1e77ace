#include "core/behaviours/linear_controller.h"

#include "core/nn/shape.h"
#include "core/probe/from_tensor.h"

namespace dream {

Squash squash_from(const std::string& name) {
  if (name == "tanh") return Squash::tanh;
  if (name == "half") return Squash::half;
  if (name == "cut") return Squash::cut;
  throw Error("c.squash: '" + name + "' is not a squash; it is tanh, half or cut, one per action axis");
}

LinearController::LinearController(std::int64_t features, std::vector<Squash> squash)
    : features_(features), squash_(std::move(squash)) {
  parameters_ = register_parameter("parameters", torch::zeros({count()}), /*requires_grad=*/false);
}

torch::Tensor LinearController::squashed(const torch::Tensor& raw) const {
  const auto bent = torch::tanh(raw);
  std::vector<torch::Tensor> columns;
  for (std::size_t axis = 0; axis < squash_.size(); ++axis) {
    auto column = bent.select(1, static_cast<std::int64_t>(axis));
    if (squash_[axis] == Squash::half) column = (column + 1) / 2;
    if (squash_[axis] == Squash::cut) column = column.clamp(0, 1);
    columns.push_back(column);
  }
  return torch::stack(columns, 1);
}

Decision LinearController::decide(const Seen& seen, const Carry&, Mode, at::Generator) {
  return {act(seen.features())};
}

torch::Tensor LinearController::act(const torch::Tensor& features) const {
  return act_with(parameters_, features);
}

torch::Tensor LinearController::act_with(const torch::Tensor& parameters, const torch::Tensor& features) const {
  check_shape(features, {-1, features_}, "controller features");
  check_shape(parameters, {count()}, "controller parameters");
  return squashed(
      torch::addmm(parameters.slice(0, 0, axes()), features, parameters.slice(0, axes()).view({features_, axes()})));
}

torch::Tensor LinearController::nearest_parameters(const torch::Tensor& features, const torch::Tensor& actions) const {
  check_shape(features, {-1, features_}, "controller features");
  check_shape(actions, {features.size(0), axes()}, "controller actions");
  torch::NoGradGuard no_grad;
  constexpr double most = 0.98, beyond = -0.5, ridge = 1e-3;
  std::vector<torch::Tensor> columns;
  for (std::size_t axis = 0; axis < squash_.size(); ++axis) {
    auto bent = actions.select(1, static_cast<std::int64_t>(axis)).to(torch::kFloat64);
    if (squash_[axis] == Squash::half) bent = bent * 2 - 1;
    auto raw = torch::atanh(bent.clamp(-most, most));
    if (squash_[axis] == Squash::cut) raw = torch::where(bent <= 0, torch::full_like(raw, beyond), raw);
    columns.push_back(raw);
  }
  const auto wide = features.to(torch::kFloat64);
  const auto rows = torch::cat({torch::ones({wide.size(0), 1}, wide.options()), wide}, 1);
  const auto square = rows.t().mm(rows) / rows.size(0) + ridge * torch::eye(rows.size(1), wide.options());
  const auto solved = at::linalg_solve(square, rows.t().mm(torch::stack(columns, 1)) / rows.size(0));
  return solved.flatten().to(torch::kFloat32);  // the biases' row comes first, as in the flat order
}

torch::Tensor LinearController::act_as(const torch::Tensor& parameters, const torch::Tensor& candidate,
                                       const torch::Tensor& features) const {
  check_shape(parameters, {-1, count()}, "controller population");
  check_shape(features, {candidate.size(0), features_}, "controller features");
  const auto rows = parameters.index_select(0, candidate);
  const auto weights = rows.slice(1, axes()).view({-1, features_, axes()});
  return squashed(torch::bmm(features.unsqueeze(1), weights).squeeze(1) + rows.slice(1, 0, axes()));
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
