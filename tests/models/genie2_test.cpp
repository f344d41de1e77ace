#include "core/models/genie2.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/nn/generator.h"
#include "core/nn/optimiser.h"

namespace dream {
namespace genie2_test {

constexpr std::int64_t lanes = 2, frames = 4, places = 16, numbers = 4, told_width = 8;

Genie2Options small_genie2() {
  Genie2Options options;
  options.frames = frames;
  options.autoencoder = {.patch = 16, .width = 16, .layers = 1, .heads = 2, .numbers = numbers};
  options.actions.width = 16, options.actions.layers = 1, options.actions.codes.codes = 5,
  options.actions.codes.width = told_width;
  options.dynamics = {.width = 16, .layers = 2, .heads = 2};
  return options;
}

Spaces pictures_alone() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64, spaces.image_channels = 3;
  spaces.action.axes = {"steer", "gas"}, spaces.action.low = {-1, 0}, spaces.action.high = {1, 1};
  return spaces;
}

/// With weights that all do something, also those that begin at 0.
template <class Network>
Network stirred(Network network) {
  torch::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) parameter.add_(0.1 * torch::randn_like(parameter));
  network->eval();
  return network;
}

std::shared_ptr<Genie2Model> make() {
  torch::manual_seed(1);
  return stirred(std::make_shared<Genie2Model>(small_genie2(), pictures_alone()));
}

/// A bright block that moves to the right or down: [B, T, C, 64, 64].
torch::Tensor moving_blocks(std::int64_t count, std::int64_t length = frames) {
  auto pictures = torch::full({count, length, 3, 64, 64}, 0.1);
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t t = 0; t < length; ++t) {
      const auto across = (8 * (i % 3) + (i % 2 == 0 ? 8 * t : 0)) % 48,
                 down = (8 * (i % 4) + (i % 2 == 1 ? 8 * t : 0)) % 48;
      pictures[i][t].slice(1, down, down + 16).slice(2, across, across + 16).fill_(0.9);
    }
  return pictures;
}

Observation seen_at(const torch::Tensor& pictures, std::int64_t t) {
  return {pictures.select(1, t).mul(255).round().to(torch::kUInt8).permute({0, 2, 3, 1}).contiguous(), {}};
}

Carry watched(Genie2Model& model, std::int64_t steps) {
  auto carry = model.initial(lanes);
  const auto pictures = moving_blocks(lanes, steps);
  for (std::int64_t t = 0; t < steps; ++t)
    carry = model.observe(carry, torch::zeros({lanes, 2}), seen_at(pictures, t), {});
  return carry;
}

struct Piece {
  torch::Tensor noisy, levels, actions, told;
};
Piece a_piece(std::int64_t length) {
  return {torch::randn({lanes, length, places, numbers}), torch::rand({lanes, length}),
          torch::randn({lanes, length, told_width}), torch::rand({lanes, length}) < 0.7};
}

TEST(Genie2, AFrameIsToldByItselfAndThoseBeforeItAlone) {
  torch::NoGradGuard no_grad;
  auto dynamics = make()->dynamics();
  const std::int64_t length = 6;
  const auto piece = a_piece(length);
  const auto all = torch::ones_like(piece.told);
  const auto before = dynamics->forward(piece.noisy, piece.levels, piece.actions, all);
  for (std::int64_t t = 0; t < length; ++t) {
    auto noisy = piece.noisy.clone(), levels = piece.levels.clone(), actions = piece.actions.clone();
    noisy.select(1, t) += 1, levels.select(1, t).mul_(0.5), actions.select(1, t) += 1;
    const auto moved = (dynamics->forward(noisy, levels, actions, all) - before).abs().amax({0, 2, 3});
    for (std::int64_t other = 0; other < length; ++other) {
      if (other < t) {
        EXPECT_EQ(moved[other].item<double>(), 0) << t << " reaches back to " << other;
      } else if (other < t + frames) {
        EXPECT_GT(moved[other].item<double>(), 1e-6) << t << " does not reach " << other;
      }
    }
  }
  // As far as blocks · (frames − 1) back, and no further.
  auto noisy = torch::randn({1, 2 * (frames - 1) + 2, places, numbers});
  const auto levels = torch::full({1, noisy.size(1)}, 0.5), none = torch::zeros({1, noisy.size(1), told_width});
  const auto told = torch::zeros({1, noisy.size(1)}, torch::kBool);
  const auto first = dynamics->forward(noisy, levels, none, told);
  noisy.select(1, 0) += 1;
  const auto moved = (dynamics->forward(noisy, levels, none, told) - first).abs().amax({0, 2, 3});
  EXPECT_EQ(moved[-1].item<double>(), 0);
  EXPECT_GT(moved[-2].item<double>(), 0) << "a piece of training is as long as that";
  EXPECT_EQ(small_genie2().piece(), noisy.size(1) - 1);
}

TEST(Genie2, AFrameThatIsComputedOnceIsAsInTheWhole) {
  torch::NoGradGuard no_grad;
  auto dynamics = make()->dynamics();
  const std::int64_t length = 3 * frames;
  const auto piece = a_piece(length);
  const auto whole = dynamics->forward(piece.noisy, piece.levels, piece.actions, piece.told);
  FrameDiffusionImpl::Cache cache{torch::zeros(dynamics->cache_shape(lanes, frames)),
                                  torch::zeros(dynamics->cache_shape(lanes, frames))};
  for (std::int64_t t = 0; t < length; ++t) {
    const auto past = cache.last(frames - 1);
    FrameDiffusionImpl::Cache own;
    const auto at = torch::full({lanes}, std::min(t, frames - 1), torch::kInt64);
    const auto next = dynamics->next(piece.noisy.select(1, t), piece.levels.select(1, t),
                                     {piece.actions.select(1, t), piece.told.select(1, t), past, at}, &own);
    EXPECT_LT((next - whole.select(1, t)).abs().max().item<double>(), 1e-5) << "frame " << t;
    cache = past.with(own);
  }
}

/// What was seen, then imagined with no distrust, is what the whole piece gives that ends with the same noise.
TEST(Genie2, ADreamByItsCacheIsTheDreamOfTheWhole) {
  torch::NoGradGuard no_grad;
  auto model = make();
  auto& dynamics = model->dynamics();
  const std::int64_t seen = 6, dreamt = 3;
  const KnobValues knobs = {{"denoising_steps", 1.0}, {"distrust", 0.0}};
  auto carry = watched(*model, seen);
  std::vector<torch::Tensor> latents, codes;
  auto watch = model->initial(lanes);
  const auto pictures = moving_blocks(lanes, seen);
  for (std::int64_t t = 0; t < seen; ++t) {
    watch = model->observe(watch, {}, seen_at(pictures, t), {});
    latents.push_back(watch.at("latent")), codes.push_back(model->inferred(watch).select(1, 0));
  }
  for (const auto& name : {"keys", "values"}) EXPECT_TRUE(torch::equal(watch.at(name), carry.at(name)));
  for (std::int64_t t = 0; t < dreamt; ++t) {
    auto rng = make_generator(torch::kCPU, 40 + static_cast<std::uint64_t>(t));
    const auto noise =
        torch::randn({lanes, places, numbers}, make_generator(torch::kCPU, 40 + static_cast<std::uint64_t>(t)));
    codes.push_back(torch::full({lanes}, static_cast<float>(t)));
    auto all = latents;
    all.push_back(noise);
    auto levels = torch::zeros({lanes, static_cast<std::int64_t>(all.size())});
    levels.select(1, -1).fill_(1);
    auto told = torch::ones(levels.sizes(), torch::kBool);
    told.select(1, 0).fill_(false);
    const auto values = model->latent_actions()->values(torch::stack(codes, 1).to(torch::kInt64));
    const auto whole = dynamics->forward(torch::stack(all, 1), levels, values, told).select(1, -1);
    carry = model->imagine(carry, codes.back().unsqueeze(1), knobs, rng);
    EXPECT_LT((carry.at("latent") - model->autoencoder()->within(whole)).abs().max().item<double>(), 1e-5)
        << "step " << t;
    latents.push_back(carry.at("latent"));
  }
}

TEST(Genie2, AFreshOneKnowsNothingAtAnyLevel) {
  torch::manual_seed(1);
  Genie2Model model(small_genie2(), pictures_alone());
  const auto latents = torch::randn({16, 7, places, numbers});  // of unit variance, as they are
  const auto loss = model.dynamics()->loss(latents, torch::randn({16, 6, told_width}), make_generator(torch::kCPU, 2));
  EXPECT_NEAR(loss.item<double>(), 1, 0.05) << "v has variance 1";
  torch::NoGradGuard no_grad;
  const auto clean = model.dynamics()->forward(latents, torch::zeros({16, 7}), torch::zeros({16, 7, told_width}),
                                               torch::zeros({16, 7}, torch::kBool));
  EXPECT_TRUE(torch::allclose(clean, latents)) << "what has no noise is told already";
}

TEST(Genie2, NoiseGoesInAStraightLine) {
  const auto x = torch::randn({3, 2, 2}), e = torch::randn({3, 2, 2});
  const auto z = noised(x, e, torch::tensor({0.0f, 0.25f, 1.0f}));
  EXPECT_TRUE(torch::equal(z[0], x[0]));
  EXPECT_TRUE(torch::allclose(z[1], 0.75 * x[1] + 0.25 * e[1]));
  EXPECT_TRUE(torch::equal(z[2], e[2]));
}

/// Latents whose best guess is known: all alike, so that whoever has learned them tells them from any noise.
TEST(Genie2, FromWhoeverKnowsTheFrameAnyNumberOfStepsGivesIt) {
  auto dynamics = make()->dynamics();
  const auto frame = torch::randn({1, 1, places, numbers});
  const auto pieces = frame.expand({4, frames, places, numbers}).contiguous();
  Optimiser adam(dynamics->parameters(), {.kind = OptimiserKind::adam,
                                          .learning_rate = 1e-2,
                                          .eps = 1e-8,
                                          .clip_norm = 1,
                                          .adaptive_clip = 0,
                                          .warm_up = 0});
  auto rng = make_generator(torch::kCPU, 3);
  for (int i = 0; i < 800; ++i) {
    adam.options().learning_rate = 1e-2 * (1 - i / 800.0);
    dynamics->loss(pieces, torch::zeros({4, frames - 1, told_width}), rng).backward();
    adam.step();
  }
  torch::NoGradGuard no_grad;
  const FrameDiffusionImpl::Cache none{torch::zeros(dynamics->cache_shape(lanes, frames - 1)),
                                       torch::zeros(dynamics->cache_shape(lanes, frames - 1))};
  for (const std::int64_t steps : {1, 2, 8}) {
    const auto drawn = dynamics->sample({torch::zeros({lanes, told_width}), torch::zeros({lanes}, torch::kBool), none,
                                         torch::zeros({lanes}, torch::kInt64)},
                                        {.steps = steps}, rng);
    EXPECT_LT((drawn.latents - frame[0]).square().mean().item<double>(), 0.05) << steps << " steps, of a variance of 1";
    EXPECT_EQ(drawn.steps.size(1), steps);
    EXPECT_TRUE(torch::equal(drawn.steps.select(1, steps - 1), drawn.latents)) << "the last step ends on what it tells";
  }
}

TEST(Genie2, OneStepOfTheFlowIsWhatItTellsAndTwoAreEuler) {
  torch::NoGradGuard no_grad;
  auto model = make();
  auto& dynamics = model->dynamics();
  const auto seen = watched(*model, 5);
  const auto past = FrameDiffusionImpl::Cache{seen.at("keys"), seen.at("values")}.last(frames - 1);
  const FrameDiffusionImpl::Given given{torch::randn({lanes, told_width}), torch::ones({lanes}, torch::kBool), past,
                                        torch::full({lanes}, frames - 1, torch::kInt64)};
  const auto noise = torch::randn({lanes, places, numbers}, make_generator(torch::kCPU, 5));
  const auto at = [&](const torch::Tensor& z, double k) { return dynamics->next(z, torch::full({lanes}, k), given); };
  const auto rng = [] { return make_generator(torch::kCPU, 5); };
  EXPECT_TRUE(torch::allclose(dynamics->sample(given, {.steps = 1}, rng()).latents, at(noise, 1)));
  // dz/dk = ε̂ − x̂ = (z − x̂) / k, half a step of it.
  const auto half = noise - 0.5 * (noise - at(noise, 1));
  EXPECT_TRUE(torch::allclose(dynamics->sample(given, {.steps = 2}, rng()).latents, at(half, 0.5), 1e-4, 1e-5));
  const FrameDiffusionImpl::Given untold{given.action, torch::zeros({lanes}, torch::kBool), past, given.at};
  const auto without = dynamics->next(noise, torch::ones({lanes}), untold);
  EXPECT_TRUE(
      torch::allclose(dynamics->sample(given, {.steps = 1, .guidance = 0}, rng()).latents, without, 1e-4, 1e-5));
  EXPECT_TRUE(torch::allclose(dynamics->sample(given, {.steps = 1, .guidance = 3}, rng()).latents,
                              without + 3 * (at(noise, 1) - without), 1e-4, 1e-5));
}

TEST(Genie2, TheSameChanceDreamsTheSameAndEveryKnobBendsIt) {
  torch::NoGradGuard no_grad;
  auto model = make();
  const auto dream = [&](std::uint64_t seed, const KnobValues& knobs) {
    auto carry = watched(*model, 3);
    auto rng = make_generator(torch::kCPU, seed);
    for (int t = 0; t < 3; ++t) carry = model->imagine(carry, torch::full({lanes, 1}, t % 5), knobs, rng);
    return carry.at("latent");
  };
  const auto first = dream(1, {});
  EXPECT_TRUE(torch::equal(first, dream(1, {})));
  EXPECT_FALSE(torch::equal(first, dream(2, {})));
  for (const auto& knob : model->knobs()) {
    EXPECT_TRUE(torch::equal(first, dream(1, {{knob.name, knob.default_value}}))) << knob.name;
    EXPECT_FALSE(torch::allclose(first, dream(1, {{knob.name, knob.maximum}}))) << knob.name;
  }
}

TEST(Genie2, ItsCarryKeepsItsShapeAndLanesOfDifferentAgesAreAsEachAlone) {
  torch::NoGradGuard no_grad;
  auto model = make();
  const auto young = select_lane(watched(*model, 2), 0), old = select_lane(watched(*model, frames + 2), 1);
  Carry both;
  for (const auto& [name, tensor] : young) both[name] = torch::cat({tensor, old.at(name)});
  for (const auto& [name, tensor] : model->initial(lanes)) EXPECT_EQ(both.at(name).sizes(), tensor.sizes()) << name;
  const auto surprise = model->surprise(both);
  EXPECT_NEAR(surprise[0].item<double>(), model->surprise(young).item<double>(), 1e-3);
  EXPECT_NEAR(surprise[1].item<double>(), model->surprise(old).item<double>(), 1e-3);
  const auto seen = seen_at(moving_blocks(lanes), 0);
  const auto next = model->observe(both, {}, seen, {});
  // Without chance: no distrust, and noise that counts for nothing.
  const KnobValues sure = {{"distrust", 0.0}, {"tau_noise", 0.0}};
  const auto dreamt = model->imagine(both, torch::ones({2, 1}), sure, make_generator(torch::kCPU, 1));
  for (const auto& [name, tensor] : model->initial(lanes)) EXPECT_EQ(dreamt.at(name).sizes(), tensor.sizes()) << name;
  EXPECT_EQ(model->predict(dreamt).frame.sizes(), (std::vector<std::int64_t>{lanes, 3, 64, 64}));
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    const auto& from = lane == 0 ? young : old;
    const auto alone = model->observe(from, {}, {seen.image.slice(0, lane, lane + 1), {}}, {});
    const auto dreamt_alone = model->imagine(from, torch::ones({1, 1}), sure, make_generator(torch::kCPU, 1));
    for (const auto& [name, tensor] : model->initial(1)) {
      EXPECT_LT((select_lane(next, lane).at(name) - alone.at(name)).abs().max().item<double>(), 1e-4) << name;
      EXPECT_LT((select_lane(dreamt, lane).at(name) - dreamt_alone.at(name)).abs().max().item<double>(), 1e-4) << name;
    }
  }
}

TEST(Genie2, OneBatchIsLearnedByHeart) {
  torch::manual_seed(1);
  auto options = small_genie2();
  options.autoencoder.width = options.dynamics.width = 32;
  auto model = std::make_shared<Genie2Model>(options, pictures_alone());
  const auto pictures = moving_blocks(6, options.piece());
  auto rng = make_generator(torch::kCPU, 4);
  const auto learn = [&](torch::nn::Module& network, int updates, const std::function<torch::Tensor()>& loss) {
    Optimiser adam(network.parameters(), {.kind = OptimiserKind::adam,
                                          .learning_rate = 5e-3,
                                          .eps = 1e-8,
                                          .clip_norm = 1,
                                          .adaptive_clip = 0,
                                          .warm_up = 0});
    double first = 0, last = 0;
    for (int i = 0; i < updates; ++i) {
      adam.options().learning_rate = 5e-3 * (1 - 0.9 * i / updates);
      const auto total = loss();
      last = total.item<double>();
      if (i == 0) first = last;
      total.backward();
      adam.step();
    }
    return std::pair(first, last);
  };
  const auto [blank, rebuilt] =
      learn(*model->autoencoder(), 200, [&] { return model->autoencoder()->loss(pictures, rng).total; });
  EXPECT_LT(rebuilt, 0.1 * blank);
  torch::Tensor latents, actions;
  {
    torch::NoGradGuard no_grad;
    latents = model->autoencoder()->latents(pictures);
    EXPECT_NEAR(latents.std().item<double>(), 1, 0.3) << "standardised";
    actions = torch::zeros({6, options.piece() - 1, told_width});
    for (std::int64_t i = 0; i < 6; ++i) actions[i].select(1, i % 2).fill_(1);
  }
  const auto [unknown, known] =
      learn(*model->dynamics(), 400, [&] { return model->dynamics()->loss(latents, actions, rng); });
  EXPECT_LT(known, 0.35 * unknown) << "that each frame goes on as its block moves";
}

TEST(Genie2, ShowsHowAFrameIsMade) {
  torch::NoGradGuard no_grad;
  auto model = make();
  const auto carry = model->imagine(watched(*model, 3), torch::ones({lanes, 1}),
                                    {{"denoising_steps", 3.0}, {"guidance", 2.0}}, make_generator(torch::kCPU, 1));
  ProbeSink sink({"denoising/steps", "denoising/heard", "latent/z", "actions/use"});
  model->report(carry, sink);
  const auto probes = sink.take();
  ASSERT_EQ(probes.size(), 4u);
  const auto& film = std::get<Image>(*probes[0].value);
  EXPECT_EQ(film.width, 3 * 64);
  EXPECT_EQ(film.height, 64);
  EXPECT_EQ(std::get<Heatmap>(*probes[1].value).cells.size(), static_cast<std::size_t>(places));
}

}  // namespace genie2_test
}  // namespace dream
