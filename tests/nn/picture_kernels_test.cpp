// The kernels of the picture coders against ATen's own operations: pooling, pixels to numbers, the error of a picture.
#include <gtest/gtest.h>

#include "core/nn/picture.h"
#include "core/nn/pool.h"
#include "tests/support/hashed.h"

namespace dream {
namespace picture_kernels_test {

using test::hashed_float;
using test::relative_error;

torch::Tensor channels_last(std::uint32_t stream, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  return hashed_float(stream, {n, h, w, c}, 2).permute({0, 3, 1, 2});
}

TEST(PoolKernel, EqualsAten) {
  for (const std::int64_t channels : {1, 3, 8, 12, 16, 33}) {
    for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
      const auto x = channels_last(1, 3, channels, 6, 4).to(type),
                 weight = channels_last(2, 3, channels, 3, 2).to(type);
      auto fused_in = x.clone().requires_grad_(true), plain_in = x.clone().requires_grad_(true);
      const auto fused = max_pool(fused_in), plain = torch::max_pool2d(plain_in, 2);
      EXPECT_TRUE(fused.equal(plain)) << channels;
      (fused * weight).sum().backward();
      (plain * weight).sum().backward();
      EXPECT_TRUE(fused_in.grad().equal(plain_in.grad())) << channels;
    }
  }
}

TEST(PoolKernel, OfEqualsTheFirstGetsTheGradient) {
  auto x = torch::ones({1, 1, 2, 2}).requires_grad_(true);
  max_pool(x).sum().backward();
  EXPECT_TRUE(x.grad().flatten().equal(torch::tensor({1.0f, 0.0f, 0.0f, 0.0f})));
}

TEST(PictureKernel, EqualsAten) {
  const auto image = ((hashed_float(3, {5, 7, 9, 3}, 1) + 1) * 127.5).to(torch::kUInt8);
  const auto target = image.permute({0, 3, 1, 2}).to(torch::kFloat32) / 255;
  EXPECT_LT(relative_error(picture_numbers(image, torch::kFloat32), target - 0.5), 1e-6);
  EXPECT_TRUE(
      picture_numbers(image, torch::kBFloat16).equal(picture_numbers(image, torch::kFloat32).to(torch::kBFloat16)));
  const auto weight = hashed_float(4, {5}, 1);
  for (const bool sigmoid : {false, true}) {
    const auto made = channels_last(5, 5, 3, 7, 9);
    auto fused_in = made.clone().requires_grad_(true), plain_in = made.clone().requires_grad_(true);
    const auto fused = picture_error(fused_in, image, sigmoid);
    const auto plain = ((sigmoid ? torch::sigmoid(plain_in) : plain_in + 0.5) - target).square().sum({1, 2, 3});
    EXPECT_LT(relative_error(fused, plain), 1e-6);
    (fused * weight).sum().backward();
    (plain * weight).sum().backward();
    EXPECT_LT(relative_error(fused_in.grad(), plain_in.grad()), 1e-5);
    // In bf16 the same numbers, read rounded.
    const auto narrow = made.to(torch::kBFloat16);
    EXPECT_LT(relative_error(picture_error(narrow, image, sigmoid),
                             picture_error(narrow.to(torch::kFloat32), image, sigmoid)),
              1e-6);
  }
}

}  // namespace picture_kernels_test
}  // namespace dream
