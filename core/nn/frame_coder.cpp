#include "core/nn/frame_coder.h"

#include <algorithm>
#include <string>

namespace dream {
namespace {

constexpr std::int64_t frame_groups = 32;

struct FrameLevel {
  std::int64_t times;  // the coder's channels
  bool halves;
};

std::vector<FrameLevel> frame_levels(FrameLevels levels) {
  if (levels == FrameLevels::three) return {{1, true}, {2, true}, {2, true}};
  return {{1, true}, {1, false}, {2, true}, {2, true}, {4, false}};
}

torch::nn::Conv2d coder_conv(std::int64_t from, std::int64_t to, std::int64_t kernel = 3) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, kernel).padding(kernel / 2));
}

GroupNorm coder_norm(std::int64_t channels) {
  return GroupNorm(channels, std::min(frame_groups, channels));
}

}  // namespace

FrameBlockImpl::FrameBlockImpl(std::int64_t from, std::int64_t to) {
  norm1_ = register_module("norm1", coder_norm(from));
  conv1_ = register_module("conv1", coder_conv(from, to));
  norm2_ = register_module("norm2", coder_norm(to));
  conv2_ = register_module("conv2", coder_conv(to, to));
  if (from != to) skip_ = register_module("skip", coder_conv(from, to, 1));
}

torch::Tensor FrameBlockImpl::forward(const torch::Tensor& x) {
  const auto more = conv2_(norm2_->forward(conv1_(norm1_->forward(x, true)), true));
  return more + (skip_.is_empty() ? x : skip_(x));
}

FrameCoderImpl::FrameCoderImpl(const FrameCoderOptions& options, bool decodes, std::int64_t from, std::int64_t to) : decodes_(decodes), resizes_first_(decodes == (options.levels == FrameLevels::five)) {
  const auto plan = frame_levels(options.levels);
  const auto channels = options.channels, deepest = plan.back().times * channels;
  in_ = register_module("in", coder_conv(from, decodes ? deepest : channels));
  auto outer = channels;
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const auto inner = plan[i].times * channels;
    Level level;
    level.block = register_module("block" + std::to_string(i), decodes ? FrameBlock(inner, outer) : FrameBlock(outer, inner));
    if (plan[i].halves) {
      const auto here = options.levels == FrameLevels::five ? inner : outer;
      auto conv = decodes ? coder_conv(here, here) : torch::nn::Conv2d(torch::nn::Conv2dOptions(here, here, 2).stride(2));
      level.resized = register_module("resized" + std::to_string(i), conv);
    }
    levels_.push_back(level);
    outer = inner;
  }
  if (decodes) std::ranges::reverse(levels_);
  const auto last = decodes ? channels : deepest;
  norm_ = register_module("norm", coder_norm(last));
  out_ = register_module("out", coder_conv(last, to));
}

torch::Tensor FrameCoderImpl::forward(torch::Tensor x) {
  x = in_(x.contiguous(at::MemoryFormat::ChannelsLast));
  const auto resize = [&](Level& level) {
    if (!level.resized.is_empty()) x = level.resized(decodes_ ? torch::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}) : x);
  };
  for (auto& level : levels_) {
    if (resizes_first_) resize(level);
    x = level.block(x);
    if (!resizes_first_) resize(level);
  }
  return out_(norm_->forward(x, true));
}

}  // namespace dream
