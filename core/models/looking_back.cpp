#include "core/models/looking_back.h"

namespace dream {

LookingBackImpl::LookingBackImpl(const LookingBackOptions& options) : options_(options) {
  embed_ = register_module("embed", Linear(torch::nn::Linear(options.latent + options.action, options.width)));
  attention_ = register_module("attention", Transformer(TransformerOptions{
                                                .width = options.width, .layers = options.layers, .heads = options.heads, .dropout = 0, .between = Between::gelu}));
  read_ = register_module("read", Linear(torch::nn::Linear(options.width, options.latent)));
  torch::nn::init::zeros_(read_->weight);
  torch::nn::init::zeros_(read_->bias);
  place_ = register_parameter("place", 0.02 * torch::randn({options.window, options.width}));
}

LookingBackImpl::Before LookingBackImpl::nothing(std::int64_t batch) const {
  const auto like = place_.options().requires_grad(false);
  return {torch::zeros({batch, options_.window - 1, options_.latent + options_.action}, like), torch::full({batch, 1}, -1, like)};
}

LookingBackImpl::Before LookingBackImpl::then(const Before& before, const torch::Tensor& z, const torch::Tensor& action) {
  const auto room = before.tokens.size(1);
  const auto all = torch::cat({before.tokens, torch::cat({z, action}, -1).unsqueeze(1)}, 1);
  return {all.slice(1, 1), (before.count + 1).clamp_max(static_cast<double>(room))};
}

torch::Tensor LookingBackImpl::forward(const Before& before, const torch::Tensor& z, const torch::Tensor& action) {
  const auto last = options_.window - 1;
  const auto tokens = torch::cat({before.tokens, torch::cat({z, action}, -1).unsqueeze(1)}, 1);
  const auto age = torch::arange(last, -1, -1, before.count.options());  // those that are there stand at the end
  const auto present = (age <= before.count.clamp_min(0)).to(torch::kFloat32);
  return read_(attention_(embed_(tokens) + place_, present).select(1, last));
}

}  // namespace dream
