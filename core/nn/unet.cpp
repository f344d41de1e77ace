#include "core/nn/unet.h"

#include <algorithm>
#include <string>

#include "core/nn/attention.h"
#include "core/nn/gemv_kernel.h"
#include "core/nn/kernel_path.h"
#include "core/nn/threads.h"
#include "core/nn/vector_block.h"

namespace dream {
namespace {

constexpr std::int64_t picture_head = 8;    // numbers of an attention's head
constexpr std::int64_t bend_grain = 512;    // of the condition's map, columns that are worth a thread
constexpr std::int64_t few_conditions = 8;  // rows for which the library reads the weights no faster

std::int64_t bends_of(const std::vector<std::vector<ConditionedBlock>>& levels) {
  std::int64_t count = 0;
  for (const auto& blocks : levels)
    for (const auto& block : blocks) count += block->bends();
  return count;
}

bool is_narrow(const torch::Tensor& x) {
  return x.scalar_type() == torch::kBFloat16;
}

bool all_in_planes(const UNetOptions& options) {
  return std::ranges::all_of(options.channels, planes_take);
}

/// The norm of so many channels by their scales less 1 and shifts, from where `bend` moves on.
PlaneNorm bent_plane(std::int64_t channels, const float*& bend) {
  const PlaneNorm norm{groups_of(channels), 1, bend, bend + channels};
  bend += 2 * channels;
  return norm;
}

/// What `net` makes of pictures one by one.
template <typename Net>
torch::Tensor plane_by_plane(Net& net, const torch::Tensor& x, const torch::Tensor& condition) {
  const auto bends = net.bends(condition);
  torch::Tensor all;
  for (std::int64_t n = 0; n < x.size(0); ++n) {
    const auto made = net.plane(plane_of(x.slice(0, n, n + 1)), bends[n].template const_data_ptr<float>()).x;
    if (!all.defined()) all = torch::empty({x.size(0), made.size(1), made.size(2), made.size(3)}, x.options(), at::MemoryFormat::ChannelsLast);
    all.slice(0, n, n + 1).copy_(made);
  }
  return all;
}

/// Halves the sides; its weights begin orthogonal.
torch::nn::Conv2d shrinking(std::int64_t channels) {
  auto conv = same_conv(channels, channels, 3, 2);
  torch::nn::init::orthogonal_(conv->weight);
  return conv;
}

std::vector<ConditionedBlock> level_down(torch::nn::Module& in, const UNetOptions& options, std::size_t level,
                                         const std::string& prefix) {
  std::vector<ConditionedBlock> blocks;
  auto from = options.channels[level == 0 ? 0 : level - 1];
  const bool attends = options.lowest_attends && level + 1 == options.channels.size();
  for (std::int64_t j = 0; j < options.depth; ++j) {
    blocks.push_back(in.register_module(prefix + std::to_string(level) + "_" + std::to_string(j),
                                        ConditionedBlock(from, options.channels[level], attends)));
    from = options.channels[level];
  }
  return blocks;
}

std::vector<ConditionedBlock> middle_blocks(torch::nn::Module& in, const UNetOptions& options) {
  std::vector<ConditionedBlock> blocks;
  const auto channels = options.channels.back();
  for (const auto* name : {"middle0", "middle1"})
    blocks.push_back(in.register_module(name, ConditionedBlock(channels, channels, true)));
  return blocks;
}

}  // namespace

torch::nn::Conv2d same_conv(std::int64_t from, std::int64_t to, std::int64_t kernel, std::int64_t stride) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, kernel).stride(stride).padding(kernel / 2));
}

torch::Tensor bent_norm(const torch::Tensor& x, Bends& bends, bool in_place) {
  const auto channels = x.size(1);
  const auto bend = bends.take(2 * channels).chunk(2, 1);
  return group_norm(x, groups_of(channels), group_eps, 1 + bend[0], bend[1], true, in_place);
}

Bends ConditionMapImpl::bends(const torch::Tensor& condition, bool narrow) {
  if (narrow && condition.size(0) <= few_conditions && !torch::GradMode::is_enabled() && kernels_serve(condition))
    return Bends(product_(condition, {weight}, {bias}));
  return Bends(forward(condition));
}

torch::Tensor ConditionMapImpl::rows(const torch::Tensor& condition) {
  if (const auto version = static_cast<std::int64_t>(weight._version()); version != version_) {
    turned_ = weight.detach().t().contiguous();
    version_ = version;
  }
  const auto x = condition.contiguous();
  const auto count = x.size(0), in = x.size(1), out = turned_.size(1);
  auto y = torch::empty({count, out}, x.options());
  const auto *from = x.const_data_ptr<float>(), *w = turned_.const_data_ptr<float>(), *added = bias.const_data_ptr<float>();
  auto* to = y.mutable_data_ptr<float>();
  on_threads(out / vector_block, bend_grain / vector_block, [&](std::int64_t first, std::int64_t last) {  // whole vectors to each
    first *= vector_block, last *= vector_block;
    for (std::int64_t n = 0; n < count; ++n) gemv_columns(in, out, from + n * in, w, added, first, last, to + n * out + first);
  });
  return y;
}

PictureAttentionImpl::PictureAttentionImpl(std::int64_t channels) : heads_(std::max<std::int64_t>(1, channels / picture_head)) {
  norm_ = register_module("norm", GroupNorm(channels));
  query_key_value_ = register_module("query_key_value", same_conv(channels, 3 * channels, 1));
  out_ = register_module("out", same_conv(channels, channels, 1));
  torch::NoGradGuard no_grad;
  out_->weight.zero_(), out_->bias.zero_();
}

torch::Tensor PictureAttentionImpl::forward(const torch::Tensor& picture) {
  const auto x = norm_(picture);
  const auto three = query_key_value_(x);  // [N, 3 C, H, W]
  const auto tokens = three.permute({0, 2, 3, 1}).flatten(1, 2).unsqueeze(2);
  const auto seen = attention(tokens, heads_, false).squeeze(2).unflatten(1, {x.size(2), x.size(3)}).permute({0, 3, 1, 2});
  return torch::GradMode::is_enabled() ? x + out_(seen) : out_(seen).add_(x);
}

ConditionedBlockImpl::ConditionedBlockImpl(std::int64_t from, std::int64_t to, bool attends) : bends_(2 * (from + to)) {
  if (from != to) skip_ = register_module("skip", same_conv(from, to, 1));
  conv1_ = register_module("conv1", same_conv(from, to));
  conv2_ = register_module("conv2", same_conv(to, to));
  if (attends) attention_ = register_module("attention", PictureAttention(to));
  torch::NoGradGuard no_grad;
  conv2_->weight.zero_();
}

torch::Tensor ConditionedBlockImpl::forward(const torch::Tensor& x, Bends& bends) {
  const bool in_place = !torch::GradMode::is_enabled();  // of what nobody else sees
  auto y = conv2_(bent_norm(conv1_(bent_norm(x, bends)), bends, in_place));
  const auto kept = skip_.is_empty() ? x : skip_(x);
  y = in_place ? y.add_(kept) : y + kept;
  return attention_.is_empty() ? y : attention_(y);
}

Plane ConditionedBlockImpl::plane(PlanePool& pool, const PlaneInput& x, const float*& bend) {
  const auto norm1 = bent_plane(conv1_->options.in_channels(), bend), norm2 = bent_plane(conv1_->options.out_channels(), bend);
  const auto made = plane1_(pool, *conv1_, x, &norm1);
  auto y = skip_.is_empty() ? plane2_(pool, *conv2_, {&made}, &norm2, {.plane = x.first})
                            : plane2_(pool, *conv2_, {&made}, &norm2, {.beside = x, .projected = skip_.get()});
  return attention_.is_empty() ? y : plane_of(attention_(y.x));
}

UNetImpl::UNetImpl(const UNetOptions& options) : plane_grow_(options.channels.size()), in_planes_(all_in_planes(options)) {
  const auto& channels = options.channels;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    down_.push_back(level_down(*this, options, i, "down"));
    if (i + 1 < channels.size()) shrink_.push_back(register_module("shrink" + std::to_string(i), shrinking(channels[i])));
  }
  middle_ = middle_blocks(*this, options);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const auto here = channels[i], above = channels[i == 0 ? 0 : i - 1];
    const bool attends = options.lowest_attends && i + 1 == channels.size();
    Blocks blocks;
    for (std::int64_t j = 0; j <= options.depth; ++j) {
      const bool last = j == options.depth;
      blocks.push_back(register_module("up" + std::to_string(i) + "_" + std::to_string(j),
                                       ConditionedBlock(last ? here + above : 2 * here, last ? above : here, attends)));
    }
    up_.push_back(blocks);
    if (i + 1 < channels.size()) grow_.push_back(register_module("grow" + std::to_string(i), same_conv(here, here)));
  }
  const auto bends = bends_of(down_) + bends_of({middle_}) + bends_of(up_);
  bend_ = register_module("bend", ConditionMap(options.condition, bends));
}

bool UNetImpl::takes_planes(const torch::Tensor& x) const {
  const auto multiple = std::int64_t{1} << shrink_.size();
  return in_planes_ && planes_serve(x) && x.size(2) % multiple == 0 && x.size(3) % multiple == 0;
}

Plane UNetImpl::plane(const Plane& picture, const float* bend) {
  std::vector<std::vector<Plane>> kept;
  Plane x = picture;
  for (std::size_t i = 0; i < down_.size(); ++i) {
    if (i > 0) x = plane_of(shrink_[i - 1](x.x));
    kept.push_back({x});
    for (auto& block : down_[i]) kept.back().push_back(x = block->plane(pool_, {&x}, bend));
  }
  for (auto& block : middle_) x = block->plane(pool_, {&x}, bend);
  for (auto i = up_.size(); i-- > 0;) {
    if (i + 1 < up_.size()) x = plane_grow_[i](pool_, *grow_[i], {.first = &x, .doubled = true});
    for (auto& block : up_[i]) {
      x = block->plane(pool_, {&x, &kept[i].back()}, bend);
      kept[i].pop_back();
    }
  }
  return x;
}

torch::Tensor UNetImpl::forward(const torch::Tensor& picture, const torch::Tensor& condition) {
  if (takes_planes(picture)) return plane_by_plane(*this, picture, condition);
  const auto height = picture.size(2), width = picture.size(3);
  const auto multiple = std::int64_t{1} << shrink_.size();
  const auto missing = [&](std::int64_t side) { return (multiple - side % multiple) % multiple; };
  auto x = picture;
  if (missing(height) + missing(width) > 0) x = torch::constant_pad_nd(x, {0, missing(width), 0, missing(height)});

  auto bends = bend_->bends(condition, is_narrow(x));
  std::vector<std::vector<torch::Tensor>> kept;  // of each level: what came in, and what each block made of it
  for (std::size_t i = 0; i < down_.size(); ++i) {
    if (i > 0) x = shrink_[i - 1](x);
    kept.push_back({x});
    for (auto& block : down_[i]) kept.back().push_back(x = block(x, bends));
  }
  for (auto& block : middle_) x = block(x, bends);
  for (auto i = up_.size(); i-- > 0;) {
    if (i + 1 < up_.size()) x = grow_[i](torch::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}));
    for (std::size_t j = 0; j < up_[i].size(); ++j) x = up_[i][j](torch::cat({x, kept[i][kept[i].size() - 1 - j]}, 1), bends);
  }
  return x.slice(2, 0, height).slice(3, 0, width);
}

DownNetImpl::DownNetImpl(const UNetOptions& options) : in_planes_(all_in_planes(options)) {
  for (std::size_t i = 0; i < options.channels.size(); ++i) {
    down_.push_back(level_down(*this, options, i, "down"));
    if (i + 1 < options.channels.size()) shrink_.push_back(register_module("shrink" + std::to_string(i), shrinking(options.channels[i])));
  }
  middle_ = middle_blocks(*this, options);
  bend_ = register_module("bend", ConditionMap(options.condition, bends_of(down_) + bends_of({middle_})));
}

bool DownNetImpl::takes_planes(const torch::Tensor& x) const {
  return in_planes_ && planes_serve(x);
}

Plane DownNetImpl::plane(Plane x, const float* bend) {
  for (std::size_t i = 0; i < down_.size(); ++i) {
    if (i > 0) x = plane_of(shrink_[i - 1](x.x));
    for (auto& block : down_[i]) x = block->plane(pool_, {&x}, bend);
  }
  for (auto& block : middle_) x = block->plane(pool_, {&x}, bend);
  return x;
}

torch::Tensor DownNetImpl::forward(torch::Tensor x, const torch::Tensor& condition) {
  if (takes_planes(x)) return plane_by_plane(*this, x, condition);
  auto bends = bend_->bends(condition, is_narrow(x));
  for (std::size_t i = 0; i < down_.size(); ++i) {
    if (i > 0) x = shrink_[i - 1](x);
    for (auto& block : down_[i]) x = block(x, bends);
  }
  for (auto& block : middle_) x = block(x, bends);
  return x;
}

}  // namespace dream
