#include "core/engine/random_weights.h"

#include "core/nn/generator.h"
#include "core/nn/threads.h"

namespace dream {
namespace {

constexpr double largest_scale = 0.01;
constexpr double file_units = 10000;

void draw_weights(torch::nn::Module& module, double scale, at::Generator rng) {
  for (auto& parameter : module.parameters()) parameter.cauchy_(0, scale, rng);
}

}  // namespace

RandomWeights::RandomWeights(const std::function<Parts()>& make, std::int64_t lanes, std::int64_t action_size)
    : actions_(torch::zeros({lanes, action_size})) {
  for (std::int64_t lane = 0; lane < lanes; ++lane) lanes_.push_back({make(), make_generator(torch::kCPU, 0), {}, {}});
}

void RandomWeights::start(std::int64_t lane, Rng rng) {
  torch::NoGradGuard no_grad;
  auto& [parts, generator, carry, memory] = lanes_[static_cast<std::size_t>(lane)];
  const double scale = rng.uniform(0, largest_scale);
  generator = make_generator(torch::kCPU, rng.next64());
  draw_weights(*parts.behaviour, scale, generator);
  draw_weights(*parts.model, scale / file_units, generator);
  carry = parts.model->initial(1);
  memory = parts.behaviour->initial(1);
  actions_[lane].zero_();
}

torch::Tensor RandomWeights::act(const torch::Tensor& images) {
  // Within a task the networks compute on one thread, so that nothing depends on how many there are.
  on_threads(actions_.size(0), 1, [&](std::int64_t first, std::int64_t last) {
    torch::NoGradGuard no_grad;
    for (auto lane = first; lane < last; ++lane) {
      auto& [parts, generator, carry, memory] = lanes_[static_cast<std::size_t>(lane)];
      if (carry.empty()) continue;
      Observation seen;
      seen.image = images.slice(0, lane, lane + 1);
      auto action = actions_.slice(0, lane, lane + 1);
      carry = parts.model->observe(carry, action, seen, generator);
      auto decision = parts.behaviour->decide({parts.model.get(), carry, seen}, memory, Mode::judge, generator);
      memory = std::move(decision.memory);
      action.copy_(decision.action.nan_to_num(0, 0, 0));
    }
  });
  return actions_.clone();
}

}  // namespace dream
