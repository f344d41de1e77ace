#pragma once
#include <string>
#include <vector>

#include "core/models/belief.h"
#include "core/nn/carry.h"
#include "core/probe/sink.h"

namespace dream {

/// What a latent of `groups` categoricals of `classes` shows of itself, and what may be changed by hand: of carries with "z" [B, Z]
/// (one-hots), "prior" and "posterior" (log-probabilities, as far as they are known).
struct LatentReport {
  std::int64_t groups = 32, classes = 32;
  double unimix = 0;
  std::string seen = "q(z_t | h_t, x_t)";  // what its posterior is called

  static std::vector<std::string> probe_names() { return {"latent/z", "latent/kl", "latent/seen", "latent/entropy"}; }
  static std::vector<std::string> batch_probe_names() { return {"batch/kl", "batch/use", "batch/entropy"}; }

  /// [..., Z] -> [..., G, C].
  torch::Tensor grid(const torch::Tensor& x) const { return x.unflatten(-1, {groups, classes}); }
  torch::Tensor kl(const torch::Tensor& posterior, const torch::Tensor& prior) const;  // [..., G]
  Belief belief(const Carry& carry) const;
  /// Of carries that have seen: Σ KL(q ‖ p) [B]; undefined for others.
  torch::Tensor surprise(const Carry& carry) const;

  void report(const Carry& carry, ProbeSink& sink) const;
  /// Of a batch: posterior and prior [..., Z].
  void report_batch(const torch::Tensor& posterior, const torch::Tensor& prior, ProbeSink& sink) const;
  std::vector<std::string> warnings(const torch::Tensor& posterior, const torch::Tensor& prior) const;

  /// z with class `index` of all groups' classes forced, whatever the value; with one class a group is a number, and becomes `value`. Throws
  /// dream::Error where there is none, or another probe is meant.
  torch::Tensor edited(const torch::Tensor& z, const std::string& probe, std::int64_t index, double value) const;
  /// Throws dream::Error unless the probe is the latent.
  static void check_editable(const std::string& probe, const char* what);
};

inline constexpr const char* kl_caption =
    "KL(q ‖ p) of every group in the real world's state, nats: what the frame told that was not predicted";
inline constexpr const char* batch_kl_caption = "Mean KL(q ‖ p) of every group, nats; a group near 0 tells nothing";

/// That groups, or dimensions, have collapsed, by each one's mean KL [G]; empty where none has.
std::string collapse_warning(const torch::Tensor& kl, const char* what);

}  // namespace dream
