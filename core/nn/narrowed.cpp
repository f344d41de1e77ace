#include "core/nn/narrowed.h"

#include "core/nn/bf16_bits.h"
#include "core/nn/narrow_product_kernel.h"
#include "core/nn/threads.h"

namespace dream {
namespace {

constexpr std::int64_t narrow_grain = 1 << 18;  // products that are worth a thread
constexpr std::int64_t narrow_lanes = 2 * vector_block;

std::int64_t version_of(const std::vector<torch::Tensor>& weights) {
  std::int64_t version = 0;
  for (const auto& weight : weights) version += static_cast<std::int64_t>(weight._version());
  return version;
}

}  // namespace

void Narrowed::follow(const torch::nn::Module& from, torch::nn::Module& to) {
  const auto weights = from.parameters();
  const auto version = version_of(weights);
  if (version == version_) return;
  torch::NoGradGuard no_grad;
  const auto narrow = to.named_parameters();
  std::size_t i = 0;
  for (const auto& item : narrow) {
    auto weight = item.value();
    const auto& wide = weights[i++];
    const bool bias = item.key().ends_with(".bias") && narrow[item.key().substr(0, item.key().size() - 4) + "weight"].dim() == 4;
    weight.requires_grad_(false);
    if (wide.dim() == 4) {
      weight.set_data(wide.detach().to(torch::kBFloat16).contiguous(at::MemoryFormat::ChannelsLast));
    } else {
      weight.set_data(bias ? wide.detach().to(torch::kBFloat16) : wide.detach());
    }
  }
  version_ = version;
}

torch::Tensor NarrowProduct::operator()(const torch::Tensor& x, const std::vector<torch::Tensor>& weights,
                                        const std::vector<torch::Tensor>& biases) {
  torch::NoGradGuard no_grad;
  if (const auto version = version_of(weights) + version_of(biases); version != version_) {
    weight_ = torch::cat(weights, 1).detach();
    const auto missing = (narrow_lanes - weight_.size(1) % narrow_lanes) % narrow_lanes;
    weight_ = torch::constant_pad_nd(weight_, {0, missing}).to(torch::kBFloat16).contiguous();
    bias_ = biases.front().detach().clone();
    for (std::size_t i = 1; i < biases.size(); ++i) bias_ += biases[i];
    version_ = version;
  }
  const auto rows = x.size(0), in = weight_.size(1), out = weight_.size(0);
  const auto input = (in == x.size(1) ? x : torch::constant_pad_nd(x, {0, in - x.size(1)})).contiguous();
  auto y = torch::empty({rows, out}, input.options());
  const auto* from = input.const_data_ptr<float>();
  auto* to = y.mutable_data_ptr<float>();
  on_threads(out, std::max<std::int64_t>(1, narrow_grain / in), [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = 0; row < rows; ++row)
      narrow_rows(in, first, last, from + row * in, bits(weight_.const_data_ptr<at::BFloat16>()), bias_.const_data_ptr<float>(), to + row * out);
  });
  return y;
}

}  // namespace dream
