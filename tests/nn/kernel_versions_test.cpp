#include <gtest/gtest.h>

#include <vector>

#include "core/nn/gemv_kernel.h"
#include "core/nn/lstm_kernel.h"
#include "core/nn/mixture_kernel.h"
#include "core/nn/product_kernel.h"
#include "core/nn/sample_kernel.h"
#include "tests/support/kernel_versions.h"

namespace dream {
namespace kernel_versions_test {

#ifdef DREAM_VERSIONS_CAN_BE_FOUND

using test::append, test::expect_versions_alike, test::numbers;

constexpr std::int64_t rows = 3, hidden = 21;  // no multiple of a vector

TEST(KernelVersions, Lstm) {
  expect_versions_alike<decltype(lstm_pointwise)>("_ZN5dream14lstm_pointwiseE", 1e-6, [](auto* kernel) {
    auto gates = numbers(1, rows * 4 * hidden, 3), before = numbers(2, rows * hidden, 2);
    std::vector<float> cell(rows * hidden), out(rows * hidden);
    kernel(rows, hidden, 1, gates.data(), before.data(), cell.data(), out.data());
    append(gates, cell), append(gates, out);
    return gates;
  });
  using Backward = decltype(lstm_pointwise_backward);
  expect_versions_alike<Backward>("_ZN5dream23lstm_pointwise_backwardE", 1e-6, [](auto* kernel) {
    constexpr auto cells = rows * hidden;
    auto gates = numbers(1, 4 * cells, 0.9), before = numbers(2, cells, 2), cell = numbers(3, cells, 2);
    auto gradient = numbers(4, cells, 1), back = numbers(5, cells, 1);
    kernel(rows, hidden, gates.data(), before.data(), cell.data(), gradient.data(), back.data());
    append(gates, back);
    return gates;
  });
}

TEST(KernelVersions, Mixtures) {
  constexpr std::int64_t count = 37, mixtures = 5;
  expect_versions_alike<decltype(mixture_nll_gradient)>("_ZN5dream20mixture_nll_gradientE", 1e-5, [](auto* kernel) {
    const auto outputs = numbers(1, count * 3 * mixtures, 2), values = numbers(2, count, 3);
    std::vector<float> gradient(outputs.size());
    gradient.push_back(static_cast<float>(kernel(count, mixtures, outputs.data(), values.data(), gradient.data())));
    return gradient;
  });
  expect_versions_alike<decltype(mixture_sample)>("_ZN5dream14mixture_sampleE", 1e-5, [](auto* kernel) {
    const auto outputs = numbers(1, count * 3 * mixtures, 2), normal = numbers(3, count, 2);
    auto uniform = numbers(2, count, 0.5);
    for (auto& u : uniform) u += 0.5f;
    std::vector<float> value(count);
    std::vector<std::int64_t> component(count);
    kernel(count, mixtures, outputs.data(), 0.7f, 1.2f, uniform.data(), normal.data(), value.data(), component.data());
    for (const auto k : component) value.push_back(static_cast<float>(k));
    return value;
  });
}

TEST(KernelVersions, Layers) {
  expect_versions_alike<decltype(gemv_columns)>("_ZN5dream12gemv_columnsE", 1e-5, [](auto* kernel) {
    const auto x = numbers(1, 19, 1), w = numbers(2, 19 * 45, 1), bias = numbers(3, 45, 1);
    std::vector<float> y(42);
    kernel(19, 45, x.data(), w.data(), bias.data(), 2, 44, y.data());
    return y;
  });
}

TEST(KernelVersions, StrideTwo) {
  const StrideTwo shape{14, 16};
  using Tiles = void(const StrideTwo&, std::int64_t, const float*, float*);
  expect_versions_alike<Tiles>("_ZN5dream14winograd_tilesERKNS_9StrideTwoElPKfPf", 0, [&](auto* kernel) {
    const auto input = numbers(1, 2 * 14 * 14 * 16, 1);
    std::vector<float> tiles(9 * 2 * 9 * 64);
    kernel(shape, 2, input.data(), tiles.data());
    return tiles;
  });
  using Outputs = void(const StrideTwo&, std::int64_t, std::int64_t, const float*, const float*, float*);
  expect_versions_alike<Outputs>("_ZN5dream16winograd_outputsERKNS_9StrideTwoEllPKfS4_Pf", 1e-6, [&](auto* kernel) {
    const auto products = numbers(1, 9 * 2 * 9 * 32, 1), bias = numbers(2, 32, 1);
    std::vector<float> output(2 * 6 * 6 * 32);
    kernel(shape, 2, 32, products.data(), bias.data(), output.data());
    return output;
  });
}

#endif

TEST(KernelVersions, TheProductOfAnyNumberOfRows) {
  for (const std::int64_t rows : {1, 3, 7, 20}) {
    const auto x = test::hashed_float(1, {rows, 37}, 1), w = test::hashed_float(2, {37, 64}, 1);
    const auto bias = test::hashed_float(3, {64}, 1);
    const auto packed = w.view({37, 2, 32}).transpose(0, 1).contiguous();
    const auto check = [&](auto* version) {
      auto y = torch::full({rows, 64}, -77.0f);
      version(rows, 37, 64, x.const_data_ptr<float>(), packed.template const_data_ptr<float>(),
              bias.const_data_ptr<float>(), y.template data_ptr<float>());
      EXPECT_LT(test::relative_error(y, torch::addmm(bias, x, w)), 1e-5) << rows;
      version(rows, 37, 64, x.const_data_ptr<float>(), packed.template const_data_ptr<float>(), nullptr,
              y.template data_ptr<float>());
      EXPECT_LT(test::relative_error(y, torch::mm(x, w)), 1e-5) << rows;
    };
    check(packed_product);
    check(packed_product_plain);
#ifdef DREAM_PRODUCT_VERSIONS
    if (__builtin_cpu_supports("x86-64-v3")) check(packed_product_v3);
    if (__builtin_cpu_supports("x86-64-v4")) check(packed_product_v4);
#endif
  }
}

/// The sum itself: max(0, Σ w·x + bias), [frames, 31, 31, 32].
TEST(KernelVersions, FirstConvolutionIsTheSumItself) {
  constexpr int frames = 2;
  std::vector<std::uint8_t> bytes(frames * 64 * 64 * 3);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>((i * 2654435761u) >> 24);
  const auto image = torch::from_blob(bytes.data(), {frames, 64, 64, 3}, torch::kUInt8);
  const auto weight = test::hashed_float(1, {48, 32}, 0.1), bias = test::hashed_float(2, {32}, 1);
  const auto kernel = weight.view({4, 4, 3, 32}).permute({3, 2, 0, 1});
  const auto expected = torch::relu(torch::conv2d(image.permute({0, 3, 1, 2}).to(torch::kFloat32), kernel, bias, 2))
                            .permute({0, 2, 3, 1})
                            .contiguous();
  const auto check = [&](auto* version) {
    auto output = torch::full({frames, 31, 31, 32}, -77.0f);
    version(frames, bytes.data(), weight.const_data_ptr<float>(), bias.const_data_ptr<float>(),
            output.data_ptr<float>());
    EXPECT_LT(test::relative_error(output, expected), 1e-5);
  };
  check(first_convolution);
  check(first_convolution_plain);
#ifdef DREAM_X86_VERSIONS
  if (__builtin_cpu_supports("x86-64-v3")) check(first_convolution_v3);
  if (__builtin_cpu_supports("x86-64-v4")) check(first_convolution_v4);
#endif
}

TEST(KernelVersions, TheFirstConvolutionInPairsIsTheSumOfRoundedWeights) {
  if (!first_convolution_narrow_serves()) GTEST_SKIP() << "this processor has no products of bf16 pairs";
  constexpr int frames = 3;
  std::vector<std::uint8_t> bytes(frames * 64 * 64 * 3);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>((i * 2654435761u) >> 24);
  const auto image = torch::from_blob(bytes.data(), {frames, 64, 64, 3}, torch::kUInt8);
  const auto weight = test::hashed_float(1, {48, 32}, 0.1).to(torch::kBFloat16), bias = test::hashed_float(2, {32}, 1);
  const auto kernel = weight.to(torch::kFloat32).view({4, 4, 3, 32}).permute({3, 2, 0, 1});
  const auto expected =
      torch::relu(torch::conv2d(image.permute({0, 3, 1, 2}).to(torch::kFloat32), kernel, bias, 2)).permute({0, 2, 3, 1}).contiguous();
  const auto pairs = weight.view({24, 2, 32}).transpose(1, 2).contiguous();
  auto output = torch::full({frames, 31, 31, 32}, -77.0f);
  first_convolution_narrow(frames, bytes.data(), reinterpret_cast<const Bf16*>(pairs.const_data_ptr()), bias.const_data_ptr<float>(),
                           output.data_ptr<float>());
  EXPECT_LT(test::relative_error(output, expected), 1e-5);
}

}  // namespace kernel_versions_test
}  // namespace dream
