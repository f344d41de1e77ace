#include "core/engine/priorities.h"

#include <algorithm>

#include "api/error.h"
#include "core/nn/carry.h"

namespace dream {
namespace {

constexpr double least = 1e-6;  // so that nothing is out of reach for good

}  // namespace

/// The replay's frames have come and gone.
void Priorities::follow(const Replay& replay) {
  if (dropped_ < 0) dropped_ = replay.dropped();
  const auto gone = std::clamp<std::int64_t>(replay.dropped() - dropped_, 0, known_.size(0));
  if (gone > 0) known_ = known_.slice(0, gone).clone();
  dropped_ = replay.dropped();
  const auto more = replay.whole_frames() - known_.size(0);
  if (more > 0) known_ = torch::cat({known_, torch::full({more}, largest_)});
  if (more < 0) known_ = torch::full({replay.whole_frames()}, largest_);  // another replay than was known
}

Priorities::Draw Priorities::draw(const Replay& replay, std::int64_t lanes, at::Generator rng) {
  follow(replay);
  const auto open = replay.frames() - known_.size(0);
  const auto all = torch::cat({known_, torch::full({open}, largest_)}).clamp_min(least).pow(alpha_);
  const auto chosen = torch::multinomial(all, lanes, true, rng);
  Draw draw;
  draw.begins.assign(chosen.const_data_ptr<std::int64_t>(), chosen.const_data_ptr<std::int64_t>() + lanes);
  const auto probability = all.index_select(0, chosen) / all.sum();
  draw.weights = (probability * static_cast<double>(replay.frames())).pow(-beta_);
  draw.weights = draw.weights / draw.weights.max();
  drawn_ = draw.begins;
  return draw;
}

void Priorities::set(const torch::Tensor& errors) {
  const auto values = errors.to(torch::kCPU, torch::kFloat32).contiguous();
  for (std::size_t i = 0; i < drawn_.size(); ++i) {
    const float p = values.const_data_ptr<float>()[i];
    largest_ = std::max(largest_, static_cast<double>(p));
    if (drawn_[i] < known_.size(0)) known_.data_ptr<float>()[drawn_[i]] = p;
  }
}

void Priorities::save(Checkpoint& into, const std::string& prefix) const {
  into.tensors[prefix + "known"] = known_.clone();
  into.tensors[prefix + "dropped"] = torch::tensor({dropped_}, torch::kInt64);
  into.tensors[prefix + "largest"] = torch::tensor({largest_}, torch::kFloat64);
}

void Priorities::load(const Checkpoint& from, const std::string& prefix) {
  const auto known = finite_tensor(from, prefix + "known", {-1}), largest = finite_tensor(from, prefix + "largest", {1});
  if ((known < 0).any().item<bool>()) throw Error(from.origin + ": '" + prefix + "known' must hold no negative number");
  known_ = known.to(torch::kFloat32).clone();
  largest_ = largest.item<double>();
  dropped_ = from.tensors.contains(prefix + "dropped") ? from.get(prefix + "dropped", {1}).item<std::int64_t>() : -1;
}

}  // namespace dream
