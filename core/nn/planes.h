#pragma once
#include <vector>

#include "core/nn/group_norm.h"
#include "core/nn/torch.h"

// A network's convolutions without gradients on the processor, in float32, one picture after the other: each is one pass that also norms
// what comes in, adds what stands beside it and sums up what the next norm asks (core/nn/winograd_kernel.h). What comes out depends
// neither on the number of threads nor on the other pictures.

namespace dream {

/// Whether they are faster here than a library's convolutions in bf16: everywhere but on processors that have tiles for those (AMX).
bool planes_are_fast();
/// Float32 on the processor, without gradients or autocast.
bool planes_serve(const torch::Tensor& x);
/// Channels of a picture that they take: a multiple of 16, and few enough for weights that are four times as long when packed.
bool planes_take(std::int64_t channels);

/// A picture [1, C, H, W] in channels-last memory.
struct Plane {
  torch::Tensor x;
  std::vector<double> sums;  // [2, C]: Σ x and Σ x² of every channel
  std::int64_t channels() const { return x.size(1); }
};
/// With its sums: of any float32 picture [1, C, H, W].
Plane plane_of(const torch::Tensor& x);

/// x [N, C, H, W] with channels of zeros up to a multiple of 16, channels last.
torch::Tensor filled_up(const torch::Tensor& x);

/// Memory of planes for whoever makes the same ones again and again.
class PlanePool {
 public:
  /// [1, C, H, W], channels last, of which nobody else holds anything.
  torch::Tensor take(std::int64_t channels, std::int64_t height, std::int64_t width);

 private:
  std::vector<torch::Tensor> all_;
};

/// Group norm of what comes in, times base + scale and shifted, and SiLU of that.
struct PlaneNorm {
  std::int64_t groups = 1;
  float base = 0;
  const float *scale = nullptr, *shift = nullptr;  // [C]
};

PlaneNorm plane_norm(const GroupNormImpl& norm);

struct PlaneInput {
  const Plane* first = nullptr;
  const Plane* second = nullptr;  // its channels stand behind those of the first
  bool doubled = false;           // every pixel stands for 2 × 2
};
struct PlaneAdded {
  const Plane* plane = nullptr;  // of the output's channels
  PlaneInput beside = {};        // or a 1 × 1 convolution of this
  torch::nn::Conv2dImpl* projected = nullptr;
};

/// A 3 × 3 convolution with stride 1 and zeros around, whose weights are packed anew when they have changed. Channels that are no
/// multiple of 16 are filled up with zeros, going in and coming out.
class PlaneConvolution {
 public:
  Plane operator()(PlanePool& pool, torch::nn::Conv2dImpl& layer, const PlaneInput& in, const PlaneNorm* norm = nullptr,
                   const PlaneAdded& added = {});

 private:
  void follow(torch::nn::Conv2dImpl& layer, torch::nn::Conv2dImpl* projected);
  torch::Tensor weights_, projected_, bias_;
  std::vector<float> line_, moments_;
  std::int64_t version_ = -1;
};

}  // namespace dream
