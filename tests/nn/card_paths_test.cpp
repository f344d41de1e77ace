// What a graphics card runs in place of the kernels, on the processor, where the two must agree.
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <optional>

#include "core/models/mdn_rnn.h"
#include "core/nn/categorical.h"
#include "core/nn/dense.h"
#include "core/nn/kernel_path.h"
#include "core/nn/norm.h"
#include "core/nn/optimiser.h"
#include "core/nn/picture.h"
#include "core/nn/pool.h"
#include "tests/support/hashed.h"

namespace dream {
namespace card_paths_test {

using test::hashed_float;
using test::relative_error;

/// What `work` gives with the kernels and without them.
template <typename Work>
void expect_alike(double tolerance, const Work& work) {
  const std::vector<torch::Tensor> fused = work();
  const WithoutKernels without;
  const std::vector<torch::Tensor> plain = work();
  ASSERT_EQ(fused.size(), plain.size());
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_LE(relative_error(plain[i], fused[i]), tolerance) << i;
}

TEST(CardPaths, EndWithTheirScope) {
  const auto x = torch::zeros({1});
  EXPECT_TRUE(kernels_serve(x));
  {
    const WithoutKernels outer;
    { const WithoutKernels inner; }
    EXPECT_FALSE(kernels_serve(x));
  }
  EXPECT_TRUE(kernels_serve(x));
}

TEST(CardPaths, TheLibrarysLstmIsOurs) {
  torch::set_num_threads(1);
  Lstm lstm(5, 13);
  test::fill_hashed(*lstm, 10);
  const LstmState state{hashed_float(2, {3, 13}, 0.8), hashed_float(3, {3, 13}, 1.5)};
  const auto weights = hashed_float(4, {7, 3, 13}, 1);  // every output counts differently
  expect_alike(1e-5, [&] {
    lstm->zero_grad();
    const auto x = hashed_float(1, {7, 3, 5}, 2).requires_grad_();
    const auto out = lstm->scan(x, state);
    (out * weights).sum().backward();
    return std::vector<torch::Tensor>{out.detach(), x.grad(), lstm->parameters()[0].grad().clone(),
                                      lstm->parameters()[1].grad().clone()};
  });
  torch::NoGradGuard no_grad;
  expect_alike(1e-6, [&] {
    const auto next = lstm->step(hashed_float(1, {3, 5}, 2), state);
    return std::vector<torch::Tensor>{next.h, next.c, lstm->scan(hashed_float(1, {7, 3, 5}, 2), state)};
  });
}

TEST(CardPaths, MLosesAndDrawsTheSame) {
  torch::set_num_threads(1);
  MdnRnn m(MdnRnnOptions{.latent_size = 6, .action_size = 2, .hidden_size = 20, .mixtures = 3, .heads = true});
  test::fill_hashed(*m, 30);
  const auto z = hashed_float(1, {9, 4, 6}, 1), actions = hashed_float(2, {8, 4, 2}, 1);
  const auto rewards = hashed_float(3, {8, 4}, 1), dones = (hashed_float(4, {8, 4}, 1) > 0.5).to(torch::kFloat32);
  expect_alike(2e-5, [&] {
    m->zero_grad();
    const auto loss = m->loss(z, actions, rewards, dones);
    loss.total.backward();
    std::vector<torch::Tensor> results = {loss.nll.detach(), loss.reward.detach(), loss.done.detach()};
    for (const auto& parameter : m->parameters()) results.push_back(parameter.grad().clone());
    return results;
  });
  torch::NoGradGuard no_grad;
  expect_alike(1e-5, [&] {
    const auto draw = m->draw(hashed_float(5, {50, 20}, 1), 0.7, 1.3, at::make_generator<at::CPUGeneratorImpl>(3));
    return std::vector<torch::Tensor>{draw.z, draw.component};
  });
}

TEST(CardPaths, LayersAreTheSame) {
  torch::set_num_threads(1);
  for (const bool centred : {false, true}) {
    for (const auto act : {NormAct::none, NormAct::relu, NormAct::elu, NormAct::silu, NormAct::tanh, NormAct::mish}) {
      expect_alike(2e-5, [&] {
        std::vector<torch::Tensor> leaves = {hashed_float(1, {9, 21}, 2).requires_grad_(),
                                             hashed_float(2, {21}, 1).requires_grad_()};
        if (centred) leaves.push_back(hashed_float(3, {21}, 1).requires_grad_());
        const auto y = norm_act(leaves[0], leaves[1], centred ? leaves[2] : torch::Tensor(),
                                {.eps = 1e-3f, .centred = centred, .act = act});
        (y * hashed_float(4, {9, 21}, 1)).sum().backward();
        std::vector<torch::Tensor> results = {y.detach()};
        for (const auto& leaf : leaves) results.push_back(leaf.grad());
        return results;
      });
    }
  }
  auto layer = make_output(19, 33, Init::glorot, 1);
  test::fill_hashed(*layer, 50);
  torch::NoGradGuard no_grad;
  expect_alike(1e-6, [&] { return std::vector<torch::Tensor>{apply_linear(layer, hashed_float(6, {2, 19}, 1))}; });
}

TEST(CardPaths, CategoriesAreTheSame) {
  torch::set_num_threads(1);
  expect_alike(1e-5, [] {
    const auto logits = hashed_float(1, {5, 4, 17}, 3).requires_grad_();
    const auto mixed = unimix(logits, 0.01);
    (mixed * hashed_float(2, {5, 4, 17}, 1)).sum().backward();
    return std::vector<torch::Tensor>{mixed.detach(), logits.grad(),
                                      sample_one_hot(mixed.detach(), at::make_generator<at::CPUGeneratorImpl>(7))};
  });
}

TEST(CardPaths, PicturesAreTheSame) {
  torch::set_num_threads(1);
  const auto image = ((hashed_float(3, {5, 8, 6, 3}, 1) + 1) * 127.5).to(torch::kUInt8);
  for (const bool sigmoid : {false, true}) {
    expect_alike(1e-5, [&] {
      const auto made = hashed_float(5, {5, 8, 6, 3}, 2).permute({0, 3, 1, 2}).requires_grad_();
      const auto error = picture_error(made, image, sigmoid);
      (error * hashed_float(4, {5}, 1)).sum().backward();
      const auto pooled_in = hashed_float(6, {5, 8, 6, 3}, 2).permute({0, 3, 1, 2}).requires_grad_();
      const auto pooled = max_pool(pooled_in);
      (pooled * hashed_float(7, {5, 3, 4, 3}, 1)).sum().backward();
      return std::vector<torch::Tensor>{picture_numbers(image, torch::kFloat32), error.detach(), made.grad(),
                                        pooled.detach(), pooled_in.grad()};
    });
  }
}

TEST(CardPaths, AdamStepsInOneOperationAndGoesOnFromItsState) {
  torch::set_num_threads(1);
  const auto train = [](bool fused_first, bool fused_then) {
    torch::nn::Conv2d conv(torch::nn::Conv2dOptions(3, 8, 4).stride(2));
    torch::nn::Linear linear(8, 2);
    test::fill_hashed(*conv, 1);
    test::fill_hashed(*linear, 3);
    conv->weight.set_data(conv->weight.contiguous(at::MemoryFormat::ChannelsLast));
    auto parameters = conv->parameters();
    for (auto& parameter : linear->parameters()) parameters.push_back(parameter);
    Optimiser adam(parameters, {.kind = OptimiserKind::adam,
                                .learning_rate = 1e-2,
                                .eps = 1e-8,
                                .weight_decay = 0.1,
                                .clip_norm = 0.5,
                                .adaptive_clip = 0,
                                .warm_up = 0});
    for (int step = 0; step < 6; ++step) {
      const auto x = hashed_float(static_cast<std::uint32_t>(10 + step), {4, 8, 8, 3}, 1).permute({0, 3, 1, 2});
      auto loss = linear(torch::relu(conv(x)).mean({2, 3})).square().sum();
      loss.backward();
      if (step == 2) linear->bias.mutable_grad() = torch::Tensor();  // not every parameter takes every step
      std::optional<WithoutKernels> card;
      if (step < 3 ? fused_first : fused_then) card.emplace();
      adam.step();
    }
    return parameters;
  };
  const auto plain = train(false, false);
  for (const auto& [first, then] : {std::pair(true, true), std::pair(true, false), std::pair(false, true)}) {
    const auto fused = train(first, then);
    for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_LT(relative_error(fused[i], plain[i]), 1e-5) << i;
  }
}

}  // namespace card_paths_test
}  // namespace dream
