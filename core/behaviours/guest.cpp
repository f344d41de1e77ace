#include "core/behaviours/guest.h"

namespace dream {

Guest::Guest(std::shared_ptr<WorldModel> model, std::shared_ptr<Behaviour> behaviour, std::int64_t actions, std::int64_t height,
             std::int64_t width)
    : model_(std::move(model)), behaviour_(std::move(behaviour)), actions_(actions), height_(height), width_(width) {}

Carry Guest::initial(std::int64_t lanes) const {
  Carry memory;
  put_part(memory, "model/", model_->initial(lanes));
  put_part(memory, "behaviour/", behaviour_->initial(lanes));
  memory["done"] = torch::zeros({lanes, actions_});
  return memory;
}

/// uint8 [B, H, W, C], as its model sees them.
torch::Tensor Guest::picture(const Seen& seen) const {
  auto frame = seen.observation.image.defined() ? seen.observation.image.permute({0, 3, 1, 2}).to(torch::kFloat32)
                                                : seen.model->predict(seen.carry).frame.to(torch::kFloat32) * 255;
  if (frame.size(2) > height_ || frame.size(3) > width_)
    frame = torch::adaptive_avg_pool2d(frame, {height_, width_});
  else if (frame.size(2) < height_ || frame.size(3) < width_)
    frame = torch::upsample_bilinear2d(frame, {height_, width_}, false);
  return frame.round().clamp(0, 255).to(torch::kUInt8).permute({0, 2, 3, 1}).contiguous();
}

Decision Guest::decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) {
  const auto image = picture(seen);
  const auto carry = model_->observe(part_of(memory, "model/"), memory.at("done").to(image.device()), {.image = image, .vector = {}}, rng);
  auto decision = behaviour_->decide({model_.get(), carry, {.image = image, .vector = {}}, seen.last_reward}, part_of(memory, "behaviour/"), mode, rng);
  Carry after;
  put_part(after, "model/", carry);
  put_part(after, "behaviour/", decision.memory);
  after["done"] = decision.action.to(memory.at("done").device(), torch::kFloat32);
  return {.action = decision.action, .memory = std::move(after)};
}

}  // namespace dream
