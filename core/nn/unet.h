#pragma once
#include <utility>
#include <vector>

#include "core/nn/group_norm.h"
#include "core/nn/narrowed.h"
#include "core/nn/planes.h"
#include "core/nn/torch.h"

// The blocks of DIAMOND's networks (eloialonso/diamond, src/models/blocks.py), after the U-Nets of diffusion models (Ho et al.
// 2020; Dhariwal & Nichol 2021). Pictures [N, C, H, W]; a condition [N, condition] bends every norm. Where planes serve, the networks go
// through their pictures one by one in float32 (core/nn/planes.h).

namespace dream {

torch::nn::Conv2d same_conv(std::int64_t from, std::int64_t to, std::int64_t kernel = 3, std::int64_t stride = 1);

/// What a condition does to all norms of a network: one linear map of it, of which each takes its part in turn.
class Bends {
 public:
  explicit Bends(torch::Tensor all) : all_(std::move(all)) {}  // [N, Σ 2 C]
  /// The next norm's, [N, 2 C]: s and shift.
  torch::Tensor take(std::int64_t count) {
    taken_ += count;
    return all_.slice(1, taken_ - count, taken_);
  }

 private:
  torch::Tensor all_;
  std::int64_t taken_ = 0;
};

/// SiLU of a group norm whose scale 1 + s and shift a condition has made.
torch::Tensor bent_norm(const torch::Tensor& x, Bends& bends, bool in_place = false);

/// Every place looks at every other, in heads of 8 numbers, and what it sees is added to the norm of what came in, as in diamond's
/// code; begins by adding nothing.
class PictureAttentionImpl : public torch::nn::Module {
 public:
  explicit PictureAttentionImpl(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& picture);

 private:
  std::int64_t heads_;
  GroupNorm norm_{nullptr};
  torch::nn::Conv2d query_key_value_{nullptr}, out_{nullptr};
};
TORCH_MODULE(PictureAttention);

/// Norm, SiLU, convolution, twice, added to what came in; the second convolution begins at zero.
class ConditionedBlockImpl : public torch::nn::Module {
 public:
  ConditionedBlockImpl(std::int64_t from, std::int64_t to, bool attends);
  torch::Tensor forward(const torch::Tensor& x, Bends& bends);
  /// The same of one picture, or of two whose channels stand side by side; `bend` moves on by bends().
  Plane plane(PlanePool& pool, const PlaneInput& x, const float*& bend);
  std::int64_t bends() const { return bends_; }  // numbers that it takes

 private:
  std::int64_t bends_;
  torch::nn::Conv2d skip_{nullptr}, conv1_{nullptr}, conv2_{nullptr};
  PlaneConvolution plane1_, plane2_;
  PictureAttention attention_{nullptr};
};
TORCH_MODULE(ConditionedBlock);

/// The linear map of the condition. Of few rows, where the network around it is narrowed, by a product in bf16.
class ConditionMapImpl : public torch::nn::LinearImpl {
 public:
  using LinearImpl::LinearImpl;
  Bends bends(const torch::Tensor& condition, bool narrow);
  /// The same in float32 for planes, whose numbers depend neither on other rows nor on threads: [N, condition] -> [N, Σ 2 C].
  torch::Tensor rows(const torch::Tensor& condition);

 private:
  NarrowProduct product_;
  torch::Tensor turned_;  // [condition, Σ 2 C]
  std::int64_t version_ = -1;
};
TORCH_MODULE(ConditionMap);

struct UNetOptions {
  std::int64_t condition = 256;
  std::vector<std::int64_t> channels = {64, 64, 64, 64};  // of each level; every level halves the picture's sides
  std::int64_t depth = 2;                                 // blocks of a level, one more on the way up
  bool lowest_attends = false;                            // the blocks of the smallest pictures, and not the two in the middle alone
};

/// The way down, two blocks that attend, and the way up again, whose every block also sees what came out on the way down. Sides that
/// do not halve evenly are padded.
class UNetImpl : public torch::nn::Module {
 public:
  explicit UNetImpl(const UNetOptions& options);
  /// [N, channels[0], H, W] -> the same.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& condition);
  /// Whether it goes through these as planes, whose sides halve evenly.
  bool takes_planes(const torch::Tensor& x) const;
  /// One of them, [1, channels[0], H, W], with its row of bends(). The pool's memory lasts as long as somebody holds it.
  Plane plane(const Plane& x, const float* bend);
  torch::Tensor bends(const torch::Tensor& condition) { return bend_->rows(condition); }  // [N, Σ 2 C]
  PlanePool& pool() { return pool_; }

 private:
  using Blocks = std::vector<ConditionedBlock>;
  std::vector<Blocks> down_, up_;  // of each level, from the widest picture on
  Blocks middle_;
  std::vector<torch::nn::Conv2d> shrink_, grow_;  // between levels i and i + 1
  std::vector<PlaneConvolution> plane_grow_;
  PlanePool pool_;
  bool in_planes_ = false;  // its channels are such as planes take
  ConditionMap bend_{nullptr};
};
TORCH_MODULE(UNet);

/// The way down alone, and the two blocks: [N, channels[0], H, W] -> [N, channels.back(), H / 2^(levels − 1), …].
class DownNetImpl : public torch::nn::Module {
 public:
  explicit DownNetImpl(const UNetOptions& options);
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& condition);
  bool takes_planes(const torch::Tensor& x) const;
  Plane plane(Plane x, const float* bend);
  torch::Tensor bends(const torch::Tensor& condition) { return bend_->rows(condition); }
  PlanePool& pool() { return pool_; }

 private:
  std::vector<std::vector<ConditionedBlock>> down_;
  std::vector<ConditionedBlock> middle_;
  std::vector<torch::nn::Conv2d> shrink_;
  PlanePool pool_;
  bool in_planes_ = false;
  ConditionMap bend_{nullptr};
};
TORCH_MODULE(DownNet);

}  // namespace dream
