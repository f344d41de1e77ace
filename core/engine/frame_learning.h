#pragma once
#include <string>

#include "core/behaviours/frame_actor_critic.h"
#include "core/engine/metrics.h"
#include "core/nn/optimiser.h"

namespace dream {

/// uint8 [..., H, W, C] -> float [..., C, H, W] in [0, 1].
inline torch::Tensor unit_frames(const torch::Tensor& image) {
  return image.movedim(-1, -3).to(torch::kFloat32) / 255;
}

/// Update `number` of an actor-critic on frames, by what it has lived through in imagination.
inline void improve(FrameActorCritic& agent, Optimiser& optimiser, const FrameActorCritic::Loss& loss, Metrics& metrics, std::int64_t number) {
  for (const auto& [name, term] : loss.terms) {
    if (name != "value") metrics.add("behaviour/" + name, number, term.item<double>());
  }
  loss.total.backward();
  agent.follow_slowly();
  optimiser.step();
}

}  // namespace dream
