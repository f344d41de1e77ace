#include "core/behaviours/gato_network.h"

#include <cmath>
#include <numbers>

namespace dream {
namespace {

constexpr double deviation = 0.02;  // of what is learned, as it begins: GPT-2's

/// Waves over the numbers -1 … 1, of 1/2 to 64 periods: the nearer two numbers, the more alike their vectors. [bins, D].
torch::Tensor waves(std::int64_t bins, std::int64_t width) {
  const auto numbers = from_bins(torch::arange(bins), bins).unsqueeze(1);
  const auto rates = std::numbers::pi * torch::logspace(-1, 6, width, 2);
  return deviation * std::numbers::sqrt2 * (numbers * rates + 2 * std::numbers::pi * torch::rand({width})).cos();
}

}  // namespace

GatoNetworkImpl::GatoNetworkImpl(const GatoNetworkOptions& options, const GatoVocabulary& vocabulary)
    : options_(options), actions_(vocabulary.actions()), separator_(vocabulary.separator()) {
  const auto d = options.net.width;
  const auto learned = [&](const char* name, std::int64_t rows) {
    return register_parameter(name, deviation * torch::randn({rows, d}));
  };
  of_token_ = learned("of_token", vocabulary.size());
  {
    torch::NoGradGuard no_grad;
    of_token_.slice(0, 0, vocabulary.bins()).copy_(waves(vocabulary.bins(), d));
  }
  of_place_ = learned("of_place", GatoTokens::most_seen);
  of_step_ = learned("of_step", options.context);
  patches_ = register_module("patches", PatchEmbedding(64, options.channels, d));
  net_ = register_module("net", Transformer(options.net));
}

torch::Tensor GatoNetworkImpl::see(const GatoTokens& tokens, const torch::Tensor& image, const torch::Tensor& vector) {
  const auto seen = tokens.sees_picture() ? patches_(image) : torch::embedding(of_token_, tokens.of_vector(vector));
  return seen + of_place_.slice(0, 0, tokens.seen());
}

torch::Tensor GatoNetworkImpl::forward(const Window& window, std::vector<torch::Tensor>* weights, std::optional<at::Generator> chance) {
  const auto lanes = window.seen.size(0), steps = window.seen.size(1), seen = window.seen.size(2), d = options_.net.width;
  const auto done = window.actions.size(2), words = window.line.size(0), each = seen + 1 + done;
  const auto line = torch::embedding(of_token_, window.line) + of_place_.slice(0, 0, words);
  const auto apart = of_token_[separator_].expand({lanes, steps, 1, d});
  const auto of_step = of_step_.slice(0, options_.context - steps).unsqueeze(1);  // the window's last is always the newest
  auto told = window.actions;
  if (!options_.recalls_actions) told = torch::cat({told.slice(2, 0, done - 1), torch::full_like(told.slice(2, 0, 1), separator_)}, 2);
  const auto rows = torch::cat({window.seen, apart, torch::embedding(of_token_, told)}, 2) + of_step;
  const auto tokens = torch::cat({line.unsqueeze(0).expand({lanes, words, d}), rows.reshape({lanes, steps * each, d})}, 1);
  const auto there = window.present.repeat_interleave(each, 1);
  const auto present = torch::cat({torch::ones({lanes, words}, there.options()), there}, 1);
  // What is said after the separator, and after every axis but the last.
  const auto said = net_(tokens, present, weights, std::move(chance)).slice(1, words).view({lanes, steps, each, d}).slice(2, seen, seen + done);
  return said.matmul(of_token_.slice(0, 0, actions_).t()).to(torch::kFloat32);
}

torch::Tensor GatoNetworkImpl::loss(const Window& window, std::optional<at::Generator> chance) {
  const auto each = -forward(window, nullptr, std::move(chance)).log_softmax(-1).gather(-1, window.actions.unsqueeze(-1)).squeeze(-1).mean(-1);
  return (each * window.present).sum() / window.present.sum().clamp_min(1);
}

}  // namespace dream
