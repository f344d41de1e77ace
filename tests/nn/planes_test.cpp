// Convolutions by planes: the kernel's versions against the sum itself in float64, and networks that go through planes against the same
// with ATen's operations.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/nn/kernel_path.h"
#include "core/nn/unet.h"
#include "core/nn/winograd_kernel.h"
#include "tests/support/hashed.h"

namespace dream {
namespace planes_test {

using test::hashed_float;
using test::relative_error;

constexpr auto last = at::MemoryFormat::ChannelsLast;
constexpr double exact = 5e-6;  // of float32

torch::Tensor picture(std::uint32_t stream, std::int64_t channels, std::int64_t height, std::int64_t width) {
  return hashed_float(stream, {1, height, width, channels}, 2).permute({0, 3, 1, 2});
}

struct Case {
  std::int64_t height, width, first, second, outputs;
  bool norm = true, doubled = false, kept = false, beside = false;
};
const Case cases[] = {{8, 8, 16, 0, 16},
                      {64, 64, 64, 0, 64, true, false, true},
                      {4, 4, 32, 0, 16, false},
                      {1, 1, 16, 0, 16, false},
                      {5, 7, 16, 32, 48, true, false, false, true},
                      {16, 16, 64, 64, 64, true, false, false, true},
                      {3, 70, 16, 0, 32, true, false, true},
                      {37, 130, 16, 16, 16},
                      {12, 20, 48, 0, 80, false, true},
                      {6, 10, 16, 0, 32, true, true}};

/// A convolution with all that it reads and writes.
struct Laid {
  explicit Laid(const Case& each)
      : x(picture(1, each.first, each.height >> each.doubled, each.width >> each.doubled)),
        second(picture(2, std::max<std::int64_t>(1, each.second), each.height >> each.doubled, each.width >> each.doubled)),
        kept(picture(3, each.outputs, each.height, each.width)),
        weight(hashed_float(4, {each.outputs, each.first + each.second, 3, 3}, 0.2)),
        projected(hashed_float(5, {each.outputs, each.first + each.second}, 0.2)),
        bias(hashed_float(6, {each.outputs}, 1)),
        line(hashed_float(7, {2, each.first + each.second}, 1)),
        y(torch::full({1, each.outputs, each.height, each.width}, -77.0f).contiguous(last)) {
    const auto inputs = each.first + each.second;
    packed = torch::empty({winograd_points * inputs * each.outputs});
    pack_winograd(each.outputs, inputs, 0, inputs, weight.const_data_ptr<float>(), packed.mutable_data_ptr<float>());
    beside = projected.view({each.outputs / panel, panel, inputs}).transpose(1, 2).contiguous();
    of.height = each.height, of.width = each.width, of.inputs = inputs, of.outputs = each.outputs, of.doubled = each.doubled;
    of.sources[0] = {x.const_data_ptr<float>(), each.first};
    if (each.second > 0) of.sources[1] = {second.const_data_ptr<float>(), each.second};
    if (each.norm) of.rate = line.const_data_ptr<float>(), of.offset = of.rate + inputs;
    of.weights = packed.const_data_ptr<float>(), of.bias = bias.const_data_ptr<float>();
    if (each.kept) of.kept = kept.const_data_ptr<float>();
    if (each.beside) of.beside[0] = of.sources[0], of.beside[1] = of.sources[1], of.beside_weights = beside.const_data_ptr<float>();
    of.y = y.mutable_data_ptr<float>();
    moments = torch::full({of.tile_rows(), 2, each.outputs}, -77.0f);
    of.moments = moments.mutable_data_ptr<float>();
    scratch = torch::full({winograd_scratch(of)}, std::numeric_limits<float>::quiet_NaN());
  }
  torch::Tensor wanted(const Case& each) const {
    const auto wide = [](const torch::Tensor& t) { return t.to(torch::kFloat64); };
    auto all = wide(each.second > 0 ? torch::cat({x, second}, 1) : x);
    const auto raw = all;
    if (each.norm) all = torch::silu(all * wide(line[0]).view({1, -1, 1, 1}) + wide(line[1]).view({1, -1, 1, 1}));
    if (each.doubled) all = torch::upsample_nearest2d(all, {each.height, each.width});
    auto sum = torch::conv2d(all, wide(weight), wide(bias), 1, 1);
    if (each.kept) sum = sum + wide(kept);
    if (each.beside) sum = sum + torch::conv2d(raw, wide(projected).unsqueeze(-1).unsqueeze(-1));
    return sum;
  }
  torch::Tensor x, second, kept, weight, projected, bias, line, y, packed, beside, moments, scratch;
  FusedConvolution of;
};

template <typename Check>
void each_version(const Check& check) {
  check(fused_convolution);
  check(fused_convolution_plain);
#ifdef DREAM_X86_VERSIONS
  if (__builtin_cpu_supports("x86-64-v3")) check(fused_convolution_v3);
  if (__builtin_cpu_supports("x86-64-v4")) check(fused_convolution_v4);
#endif
}

TEST(WinogradKernel, IsTheSumItself) {
  for (const auto& each : cases) {
    each_version([&](auto* version) {
      Laid laid(each);
      version(laid.of, 0, laid.of.tile_rows(), laid.scratch.template data_ptr<float>());
      const auto wanted = laid.wanted(each);
      EXPECT_LT(relative_error(laid.y, wanted), exact) << each.height << " x " << each.width << ", " << each.first << " + " << each.second;
      const auto lines = torch::constant_pad_nd(wanted, {0, 0, 0, 4 * laid.of.tile_rows() - each.height}).unflatten(2, {-1, 4});
      EXPECT_LT(relative_error(laid.moments.select(1, 0), lines.sum({0, 3, 4}).t()), 2e-5);
      EXPECT_LT(relative_error(laid.moments.select(1, 1), lines.square().sum({0, 3, 4}).t()), 2e-5);
    });
  }
}

TEST(WinogradKernel, DoesNotDependOnHowRowsAreSharedOut) {
  for (const auto& each : cases) {
    each_version([&](auto* version) {
      Laid whole(each), shared(each);
      const auto rows = whole.of.tile_rows();
      version(whole.of, 0, rows, whole.scratch.template data_ptr<float>());
      for (auto row = rows - 1; row >= 0; --row) version(shared.of, row, row + 1, shared.scratch.template data_ptr<float>());
      EXPECT_TRUE(torch::equal(whole.y, shared.y)) << each.height << " x " << each.width;
      EXPECT_TRUE(torch::equal(whole.moments, shared.moments)) << each.height << " x " << each.width;
    });
  }
}

TEST(WinogradKernel, WhatIsNoNumberStays) {
  const Case each{16, 16, 16, 0, 16};
  each_version([&](auto* version) {
    Laid laid(each);
    laid.x[0][3][5][6] = std::numeric_limits<float>::quiet_NaN();
    version(laid.of, 0, 4, laid.scratch.template data_ptr<float>());
    EXPECT_TRUE(laid.y.slice(2, 4, 7).slice(3, 5, 8).isnan().all().template item<bool>());
    EXPECT_FALSE(laid.y.slice(2, 8).isnan().any().template item<bool>()) << "where it is not seen";
    EXPECT_TRUE(laid.moments[1].isnan().all().template item<bool>());
  });
}

class Planes : public ::testing::Test {
 protected:
  Planes() { torch::set_num_threads(1); }
  ~Planes() override { torch::set_num_threads(1); }
  torch::NoGradGuard no_grad_;
};

TEST_F(Planes, AConvolutionOfANormAndItsWeightsAsTheyChange) {
  auto layer = same_conv(32, 3);
  test::fill_hashed(*layer, 1);
  GroupNorm norm(32);
  test::fill_hashed(*norm, 5);
  const auto x = picture(9, 32, 12, 9);
  PlanePool pool;
  PlaneConvolution convolution;
  const auto made = [&] {
    const auto in = plane_of(x);
    const auto by = plane_norm(*norm);
    return convolution(pool, *layer, {&in}, &by);
  };
  const auto wanted = [&] {
    const auto wide = [](const torch::Tensor& t) { return t.to(torch::kFloat64); };
    const auto y = torch::silu(at::group_norm(wide(x), norm->groups(), wide(norm->scale()), wide(norm->shift()), group_eps));
    return torch::conv2d(y, wide(layer->weight), wide(layer->bias), 1, 1);
  };
  const auto first = made();
  EXPECT_LT(relative_error(first.x.slice(1, 0, 3), wanted()), exact);
  EXPECT_EQ(first.x.slice(1, 3).abs().max().item<double>(), 0) << "channels that fill up";
  const auto sums = wanted().sum({0, 2, 3});
  for (std::int64_t c = 0; c < 3; ++c) EXPECT_NEAR(first.sums[static_cast<std::size_t>(c)], sums[c].item<double>(), 1e-3);
  layer->weight.mul_(-0.5);
  EXPECT_LT(relative_error(made().x.slice(1, 0, 3), wanted()), exact);
  layer->bias.add_(1);
  EXPECT_LT(relative_error(made().x.slice(1, 0, 3), wanted()), exact);
}

TEST_F(Planes, ThePoolGivesNothingThatSomebodyHolds) {
  PlanePool pool;
  const auto first = pool.take(16, 4, 4);
  auto second = pool.take(16, 4, 4);
  EXPECT_NE(first.data_ptr(), second.data_ptr());
  const auto* memory = second.data_ptr();
  auto part = second.variable_data().slice(1, 0, 3);  // which knows nothing of where it comes from
  second = torch::Tensor();
  EXPECT_NE(pool.take(16, 4, 4).data_ptr(), memory) << "a part of it is held";
  part = torch::Tensor();
  EXPECT_EQ(pool.take(16, 4, 4).data_ptr(), memory);
  EXPECT_NE(pool.take(16, 4, 8).data_ptr(), memory);
}

template <typename Net>
void expect_planes(Net net, std::int64_t channels, std::int64_t height, std::int64_t width) {
  test::fill_hashed(*net, 1);
  const auto x = hashed_float(90, {3, channels, height, width}, 1), condition = hashed_float(91, {3, 32}, 1);
  ASSERT_TRUE(net->takes_planes(x));
  const auto planes = net(x, condition);
  {
    const WithoutKernels without;
    EXPECT_FALSE(net->takes_planes(x));
    const auto wanted = net(x, condition);
    EXPECT_LT(relative_error(planes, wanted), 2e-5);
    net->to(torch::kFloat64);
    const auto true_one = net(x.to(torch::kFloat64), condition.to(torch::kFloat64));
    EXPECT_LT(relative_error(planes, true_one), 2e-5);
    net->to(torch::kFloat32);
  }
  torch::set_num_threads(2);
  EXPECT_TRUE(torch::equal(net(x, condition), planes)) << "by two threads";
  torch::set_num_threads(1);
  for (std::int64_t n = 0; n < 3; ++n)
    EXPECT_TRUE(torch::equal(net(x.slice(0, n, n + 1), condition.slice(0, n, n + 1)), planes.slice(0, n, n + 1))) << "alone, " << n;
  const torch::AutoGradMode gradients(true);
  EXPECT_FALSE(net->takes_planes(x));
  EXPECT_TRUE(net(x, condition).requires_grad());
}

TEST_F(Planes, NetworksSayWhatTheySayWithoutThem) {
  const UNetOptions options{.condition = 32, .channels = {16, 32}, .depth = 1, .lowest_attends = true};
  expect_planes(UNet(options), 16, 16, 24);
  expect_planes(DownNet(options), 16, 15, 9);
  const auto uneven = torch::zeros({1, 16, 15, 16});
  EXPECT_FALSE(UNet(options)->takes_planes(uneven));
  EXPECT_FALSE(UNet(UNetOptions{.condition = 32, .channels = {16, 24}, .depth = 1})->takes_planes(torch::zeros({1, 16, 16, 16})));
  EXPECT_FALSE(UNet(UNetOptions{.condition = 32, .channels = {16, 256}, .depth = 1})->takes_planes(torch::zeros({1, 16, 16, 16})));
}

}  // namespace planes_test
}  // namespace dream
