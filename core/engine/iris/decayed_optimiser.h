#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/nn/optimiser.h"

namespace dream {

/// AdamW as minGPT, IRIS and Δ-IRIS have it: some weights, those of linear layers, are pulled towards 0, and others are not; the norm of
/// all gradients together is held.
class DecayedOptimiser {
 public:
  DecayedOptimiser(std::vector<torch::Tensor> all, const std::vector<torch::Tensor>& decayed, const OptimiserOptions& options)
      : all_(std::move(all)), decayed_(decayed, of(options, true)), others_(rest(all_, decayed), of(options, false)) {}
  /// As Optimiser::step(): of both or of none.
  double step() {
    const double norm = torch::nn::utils::clip_grad_norm_(all_, clip_);
    if (!std::isfinite(norm)) {
      decayed_.clear(), others_.clear();
      Optimiser::throw_not_finite();
    }
    decayed_.step();
    others_.step();
    return norm;
  }
  void follow(const OptimiserOptions& options) {
    decayed_.options() = of(options, true), others_.options() = of(options, false);
  }
  void save(Checkpoint& into, const std::string& prefix) const {
    decayed_.save(into, prefix + "decayed/"), others_.save(into, prefix + "others/");
  }
  void load(const Checkpoint& from, const std::string& prefix) {
    decayed_.load(from, prefix + "decayed/"), others_.load(from, prefix + "others/");
  }

 private:
  OptimiserOptions of(OptimiserOptions options, bool decays) {
    clip_ = options.clip_norm > 0 ? options.clip_norm : 1e30;
    options.clip_norm = 0;
    if (!decays) options.weight_decay = 0;
    return options;
  }
  static std::vector<torch::Tensor> rest(std::vector<torch::Tensor> all, const std::vector<torch::Tensor>& decayed) {
    std::erase_if(all, [&](const torch::Tensor& p) { return std::ranges::any_of(decayed, [&](const auto& d) { return d.is_same(p); }); });
    return all;
  }
  double clip_ = 1e30;
  std::vector<torch::Tensor> all_;
  Optimiser decayed_, others_;
};

}  // namespace dream
