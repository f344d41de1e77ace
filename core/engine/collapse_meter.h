#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/env/env.h"
#include "core/engine/metrics.h"
#include "core/nn/torch.h"
#include "core/probe/sink.h"

namespace dream {

/// Watches what an encoder tells of a world while it learns: frames of `frames` moments of random walks, with the true place
/// beside each where the world's diagnostics begin with one. Nothing of it is learned from.
class CollapseMeter {
 public:
  using Encode = std::function<torch::Tensor(const torch::Tensor& images)>;  // uint8 [N, H, W, C] -> [N, D]

  CollapseMeter(Env& env, std::uint64_t seed, std::int64_t frames = 512);
  /// Whether this world's diagnostics begin with a place. Resets it.
  static bool knows_places(Env& env);

  /// Encodes them anew, and adds collapse/… to the curves as of `update`.
  void look(const Encode& encode, Metrics& metrics, std::int64_t update);
  static std::vector<Metrics::Spec> curves(bool places);

  /// One sentence where the embeddings have collapsed, or nearly; else empty.
  std::string alarm() const;
  static std::vector<std::string> probe_names();
  void report(ProbeSink& sink) const;

  /// Of embeddings z [N, D], float64: exp of the entropy of the singular values' shares (Roy & Vetterli 2007), and the mean
  /// cosine of two rows.
  static double effective_rank(const torch::Tensor& z);
  static double pairwise_cosine(const torch::Tensor& z);

 private:
  torch::Tensor images_, places_;  // uint8 [N, H, W, C]; float64 [N, 2], undefined where nobody knows
  torch::Tensor z_;                // of the last look, float64 [N, D]
  double spread_ = 0, rank_ = 0, cosine_ = 0, read_ = 0;
};

}  // namespace dream
