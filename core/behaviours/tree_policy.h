#pragma once
#include <memory>
#include <vector>

#include "api/spaces.h"
#include "core/behaviours/behaviour.h"
#include "core/behaviours/search_tree.h"
#include "core/config/config.h"
#include "core/nn/dense.h"
#include "core/nn/value_support.h"

namespace dream {

struct TreePolicyOptions {
  SearchOptions search;
  std::int64_t layers = 1, units = 64;  // of the heads of policy and value
  std::int64_t support = 20;            // values are told apart from −support to support, as h takes them
  double noise_alpha = 0.25, noise_share = 0.25;  // Dirichlet noise in the root's prior while collecting
  double temperature = 1;               // of the choice by visits while collecting; 0: the most visited

  void fields(Config& config, const std::string& prefix);
};

/// MuZero's f, policy and value of a state, and what a tree search in the model makes of them. All lanes search at once:
/// every simulation is one batch of the model. With no simulations the policy acts by itself.
///
/// Leaves beside a step what the policy is to learn: "visits" [B, A], shares that sum to 1, and "search_value" [B, 1].
class TreePolicy : public Behaviour {
 public:
  /// Throws dream::Error where actions are no choices.
  TreePolicy(std::int64_t features, const ActionSpace& space, const TreePolicyOptions& options);

  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  torch::Tensor value(const Seen& seen) override { return support_.mean(value_logits(seen.features())); }
  double discount() const override { return options_.search.discount; }
  std::vector<Knob> knobs() const override { return {simulations()}; }
  std::vector<std::string> probe_names() const override { return {"search/tree", "search/policy"}; }
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

  torch::Tensor policy_logits(const torch::Tensor& features) { return policy_->forward(features); }  // [..., A]
  torch::Tensor value_logits(const torch::Tensor& features) { return value_->forward(features); }    // [..., bins]
  const ValueSupport& support() const { return support_; }

  /// A search from every lane, `simulations` deep, [B] of them; with noise at the root where they are `exploring`.
  /// `kept`, where given, gets the states of the nodes: of node n, lane b, at [n, b, ...].
  std::vector<SearchTree> search(const Seen& seen, std::int64_t simulations, bool exploring, at::Generator rng,
                                 Carry* kept = nullptr);
  TreePolicyOptions& live_options() { return options_; }

 private:
  Knob simulations() const;
  Image picture_of(const Seen& lane, const SearchTree& tree, const Carry& kept, std::int64_t nodes) const;

  TreePolicyOptions options_;
  ActionSpace space_;
  ValueSupport support_;
  Mlp policy_{nullptr}, value_{nullptr};
};

}  // namespace dream
