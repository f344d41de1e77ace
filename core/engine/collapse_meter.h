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

/// Watches what an encoder tells of a world while it learns: frames of `frames` moments of random walks, with the world's
/// true state beside each: its place where the diagnostics begin with one, else all of them, else the numbers that it shows
/// which vary most. Nothing of it is learned from.
class CollapseMeter {
 public:
  using Encode = std::function<torch::Tensor(const torch::Tensor& images)>;  // uint8 [N, H, W, C] -> [N, D]

  /// `remedy`: what to do where all embeddings are one, in words.
  CollapseMeter(Env& env, std::uint64_t seed, std::int64_t frames = 512, std::string remedy = "Set world.against to vicreg or sigreg");
  /// Whether this world's diagnostics begin with a place. Resets it.
  static bool knows_places(Env& env);

  /// Encodes them anew, and adds collapse/… to the curves as of `update`.
  void look(const Encode& encode, Metrics& metrics, std::int64_t update);
  static std::vector<Metrics::Spec> curves(bool places);

  /// What its alarm holds a number's spread against; 1 unless it is told.
  void hold_against(double spread) { healthy_ = spread; }
  const torch::Tensor& images() const { return images_; }
  /// What a line reads of the true state in rows x [N, D] about images() (linear_readout()); NaN where nobody knows it.
  double reads(const torch::Tensor& x) const;
  /// "the true place": what that state is, in words; "" where nobody knows it.
  const std::string& state_in_words() const { return state_in_words_; }

  /// One sentence where the embeddings have collapsed, or nearly; else empty.
  std::string alarm() const;
  static std::vector<std::string> probe_names();
  void report(ProbeSink& sink) const;

  /// Of embeddings z [N, D], float64: exp of the entropy of the singular values' shares (Roy & Vetterli 2007), and the mean
  /// cosine of two rows.
  static double effective_rank(const torch::Tensor& z);
  static double pairwise_cosine(const torch::Tensor& z);

 private:
  std::string remedy_, state_in_words_;
  torch::Tensor images_, state_;  // uint8 [N, H, W, C]; float64 [N, K], undefined where nobody knows
  bool places_ = false;           // the state is a place, [N, 2]
  torch::Tensor z_;                // of the last look, float64 [N, D]
  double healthy_ = 1, spread_ = 0, rank_ = 0, cosine_ = 0, read_ = 0;
};

}  // namespace dream
