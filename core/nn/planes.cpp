#include "core/nn/planes.h"

#include <ATen/autocast_mode.h>

#include <functional>

#include "core/nn/group_norm_kernel.h"
#include "core/nn/kernel_path.h"
#include "core/nn/threads.h"
#include "core/nn/winograd_kernel.h"

namespace dream {
namespace {

constexpr std::int64_t most_plane_channels = 128;
constexpr std::int64_t tiles_worth_a_thread = 8;
constexpr std::int64_t packing_grain = 16;  // channels
constexpr std::int64_t pixels_summed = 64;  // sums of few numbers are exact enough in float32

/// The calling thread's own, of at least so many numbers; kept.
float* plane_scratch(std::int64_t count) {
  thread_local std::vector<float> memory;
  constexpr std::size_t line = 64;
  const auto needed = static_cast<std::size_t>(count) + line / sizeof(float);
  if (memory.size() < needed) memory.resize(needed);
  const auto begin = reinterpret_cast<std::uintptr_t>(memory.data());
  return memory.data() + ((line - begin % line) % line) / sizeof(float);
}

void shared_rows(std::int64_t rows, std::int64_t grain, const std::function<void(std::int64_t first, std::int64_t last)>& work) {
  rows <= grain ? work(0, rows) : on_threads(rows, grain, work);
}

const float* plane_numbers(const torch::Tensor& t) {
  return t.const_data_ptr<float>();
}

/// parts [count, 2, C] added up in their order -> [2, C].
std::vector<double> summed_parts(const std::vector<float>& parts, std::size_t size) {
  std::vector<double> sums(size);
  for (std::size_t i = 0; i < parts.size(); ++i) sums[i % size] += parts[i];
  return sums;
}

}  // namespace

bool planes_are_fast() {
#if defined(__x86_64__)
  static const bool tiles = __builtin_cpu_supports("amx-bf16");
  return !tiles;
#else
  return true;
#endif
}

bool planes_serve(const torch::Tensor& x) {
  return kernels_serve(x) && x.scalar_type() == torch::kFloat32 && !torch::GradMode::is_enabled() && !at::autocast::is_autocast_enabled(at::kCPU);
}

bool planes_take(std::int64_t channels) {
  return channels % panel == 0 && channels <= most_plane_channels;
}

Plane plane_of(const torch::Tensor& x) {
  Plane plane{x.contiguous(at::MemoryFormat::ChannelsLast), {}};
  const auto channels = x.size(1), pixels = x.size(2) * x.size(3), count = (pixels + pixels_summed - 1) / pixels_summed;
  std::vector<float> parts(static_cast<std::size_t>(2 * count * channels));
  const auto* numbers = plane_numbers(plane.x);
  for (std::int64_t k = 0; k < count; ++k) {
    auto* sums = parts.data() + 2 * k * channels;
    channel_moments(std::min(pixels_summed, pixels - k * pixels_summed), channels, numbers + k * pixels_summed * channels, sums, sums + channels);
  }
  plane.sums = summed_parts(parts, static_cast<std::size_t>(2 * channels));
  return plane;
}

torch::Tensor filled_up(const torch::Tensor& x) {
  return torch::constant_pad_nd(x, {0, 0, 0, 0, 0, padded(x.size(1)) - x.size(1)}).contiguous(at::MemoryFormat::ChannelsLast);
}

PlaneNorm plane_norm(const GroupNormImpl& norm) {
  return {norm.groups(), 0, plane_numbers(norm.scale()), plane_numbers(norm.shift())};
}

torch::Tensor PlanePool::take(std::int64_t channels, std::int64_t height, std::int64_t width) {
  const std::int64_t sizes[] = {1, channels, height, width};
  for (const auto& plane : all_) {
    if (plane.use_count() == 1 && plane.storage().use_count() == 1 && plane.sizes() == at::IntArrayRef(sizes)) return plane;
  }
  all_.push_back(torch::empty(sizes, torch::TensorOptions().dtype(torch::kFloat32), at::MemoryFormat::ChannelsLast));
  return all_.back();
}

void PlaneConvolution::follow(torch::nn::Conv2dImpl& layer, torch::nn::Conv2dImpl* projected) {
  auto version = static_cast<std::int64_t>(layer.weight._version() + layer.bias._version());
  if (projected) version += static_cast<std::int64_t>(projected->weight._version() + projected->bias._version());
  if (version == version_) return;
  const auto weight = layer.weight.detach().contiguous();
  const auto outputs = weight.size(0), inputs = weight.size(1), columns = padded(outputs), wide = padded(inputs);
  const auto like = weight.options().requires_grad(false);
  if (!weights_.defined()) weights_ = torch::empty({winograd_points * columns * wide}, like);
  bias_ = torch::zeros({columns}, like);
  bias_.slice(0, 0, outputs).copy_(layer.bias.detach());
  on_threads(wide, packing_grain, [&](std::int64_t from, std::int64_t to) {
    pack_winograd(outputs, inputs, from, to, plane_numbers(weight), weights_.mutable_data_ptr<float>());
  });
  if (projected) {
    bias_.slice(0, 0, outputs) += projected->bias.detach();
    projected_ = projected->weight.detach().view({columns / panel, panel, -1}).transpose(1, 2).contiguous();
  }
  version_ = version;
}

Plane PlaneConvolution::operator()(PlanePool& pool, torch::nn::Conv2dImpl& layer, const PlaneInput& in, const PlaneNorm* norm,
                                   const PlaneAdded& added) {
  follow(layer, added.projected);
  const auto& x = in.first->x;
  FusedConvolution of;
  of.height = x.size(2) << in.doubled, of.width = x.size(3) << in.doubled, of.doubled = in.doubled;
  std::vector<double> sums;
  const auto take = [&](PixelSource& source, const Plane* plane) {
    if (plane) source = {plane_numbers(plane->x), plane->channels()};
  };
  take(of.sources[0], in.first);
  take(of.sources[1], in.second);
  take(of.beside[0], added.beside.first);
  take(of.beside[1], added.beside.second);
  of.inputs = of.sources[0].channels + of.sources[1].channels;
  of.outputs = bias_.size(0);
  of.weights = plane_numbers(weights_), of.bias = plane_numbers(bias_);
  if (norm) {
    line_.resize(static_cast<std::size_t>(2 * of.inputs));
    for (std::size_t which = 0; which < 2; ++which) {  // Σ x of all channels, then Σ x²
      for (const auto* plane : {in.first, in.second}) {
        if (!plane) continue;
        const auto half = plane->sums.size() / 2;
        sums.insert(sums.end(), plane->sums.begin() + static_cast<std::ptrdiff_t>(which * half),
                    plane->sums.begin() + static_cast<std::ptrdiff_t>((which + 1) * half));
      }
    }
    norm_line({x.size(2) * x.size(3), of.inputs, norm->groups, group_eps, norm->base, norm->scale, norm->shift}, sums.data(), line_.data(),
              line_.data() + of.inputs);
    of.rate = line_.data(), of.offset = of.rate + of.inputs;
  }
  if (added.plane) of.kept = plane_numbers(added.plane->x);
  if (added.projected) of.beside_weights = plane_numbers(projected_);
  Plane made{pool.take(of.outputs, of.height, of.width), {}};
  of.y = made.x.mutable_data_ptr<float>();
  moments_.resize(static_cast<std::size_t>(2 * of.tile_rows() * of.outputs));
  of.moments = moments_.data();
  shared_rows(of.tile_rows(), std::max<std::int64_t>(1, tiles_worth_a_thread / of.tiles_across()), [&](std::int64_t first, std::int64_t last) {
    fused_convolution(of, first, last, plane_scratch(winograd_scratch(of)));
  });
  made.sums = summed_parts(moments_, static_cast<std::size_t>(2 * of.outputs));
  return made;
}

}  // namespace dream
