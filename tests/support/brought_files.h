// The tensors that the authors' checkpoints hold, by their names, with numbers from a hash of the names within a module
// (tests/golden/make_diamond.py, `fill`): what the golden dumps were made of.
#pragma once
#include <map>
#include <string>

#include "core/behaviours/frame_actor_critic.h"
#include "core/models/diamond.h"
#include "core/models/iris.h"
#include "tests/support/their_parts_golden.h"

namespace dream::test {

using TheirFile = std::map<std::string, torch::Tensor>;

/// What a module of ours is made of.
inline void add_theirs(TheirFile& into, const std::string& prefix, const torch::nn::Module& module, const PartsOf& parts_of) {
  torch::NoGradGuard no_grad;
  const auto add = [&](const std::string& name, const torch::Tensor& ours) {
    each_part(ours, parts_of(name), [&](const std::string& theirs, const torch::Tensor& part) {
      auto value = torch::empty(part.sizes());
      HashedGolden::fill(value, theirs);
      into[prefix + theirs] = value;
    });
  };
  for (const auto& p : module.named_parameters()) add(p.key(), p.value());
  for (const auto& b : module.named_buffers()) add(b.key(), b.value());
}

inline Spaces maze_like() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64, spaces.image_channels = 3;
  spaces.action.choices = {"a", "b", "c", "d"};
  return spaces;
}

/// eloialonso/diamond's Agent, published sizes and four actions.
inline TheirFile diamond_file() {
  static const TheirFile once = [] {
    const auto spaces = maze_like();
    Diamond model({}, spaces);
    FrameActorCritic agent({3, 64, 64}, spaces.action, {});
    TheirFile file;
    add_theirs(file, "denoiser.inner_model.", *model.denoiser(), [](const std::string& ours) { return diamond_denoiser_parts({}, ours); });
    add_theirs(file, "rew_end_model.", *model.reward_end(), [](const std::string& ours) { return diamond_reward_end_parts(RewardEndOptions().net, ours); });
    add_theirs(file, "actor_critic.", agent, diamond_actor_critic_parts);
    return file;
  }();
  return once;
}

/// eloialonso/iris's Agent, with what its state dict has besides.
inline TheirFile iris_file() {
  static const TheirFile once = [] {
    const auto spaces = maze_like();
    IrisModel model({}, spaces);
    FrameActorCriticOptions options;
    options.net = FrameNet::plain;
    FrameActorCritic agent({3, 64, 64}, spaces.action, options);
    TheirFile file;
    add_theirs(file, "tokenizer.", *model.tokenizer(), [](const std::string& ours) { return iris_tokenizer_parts(IrisTokenizerOptions().levels, ours); });
    add_theirs(file, "world_model.", *model.transformer(), iris_transformer_parts);
    add_theirs(file, "actor_critic.", agent, iris_actor_critic_parts);
    file["tokenizer.lpips.net.slice1.0.weight"] = torch::zeros({64, 3, 3, 3});
    file["world_model.transformer.blocks.0.attn.mask"] = torch::ones({340, 340});
    file["world_model.head_rewards.indices"] = torch::zeros({20}, torch::kInt64);
    return file;
  }();
  return once;
}

}  // namespace dream::test
