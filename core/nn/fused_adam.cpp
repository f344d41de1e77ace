#include "core/nn/fused_adam.h"

#include <map>

namespace dream {

void fused_step(torch::optim::Adam& adam) {
  torch::NoGradGuard no_grad;
  for (auto& group : adam.param_groups()) {
    const auto& options = static_cast<const torch::optim::AdamOptions&>(group.options());
    std::vector<torch::Tensor> parameters, gradients, first, second, steps;
    std::map<std::int64_t, torch::Tensor> counts;  // those that have always been stepped together share theirs
    for (auto& parameter : group.params()) {
      if (!parameter.grad().defined()) continue;
      auto& state = adam.state()[parameter.unsafeGetTensorImpl()];
      if (!state) {
        auto fresh = std::make_unique<torch::optim::AdamParamState>();
        fresh->exp_avg(torch::zeros_like(parameter));
        fresh->exp_avg_sq(torch::zeros_like(parameter));
        state = std::move(fresh);
      }
      auto& moments = static_cast<torch::optim::AdamParamState&>(*state);
      moments.step(moments.step() + 1);
      auto& count = counts[moments.step()];
      if (!count.defined()) count = torch::full({}, static_cast<double>(moments.step()), parameter.options());
      auto gradient = parameter.grad();
      // The operation walks through memory: what it is given must lie alike.
      if (gradient.strides() != parameter.strides()) gradient = torch::empty_like(parameter).copy_(gradient);
      parameters.push_back(parameter);
      gradients.push_back(gradient);
      first.push_back(moments.exp_avg());
      second.push_back(moments.exp_avg_sq());
      steps.push_back(count);
    }
    if (parameters.empty()) continue;
    at::_fused_adam_(parameters, gradients, first, second, {}, steps, options.lr(), std::get<0>(options.betas()),
                     std::get<1>(options.betas()), options.weight_decay(), options.eps(), /*amsgrad=*/false,
                     /*maximize=*/false);
  }
}

}  // namespace dream
