#include "core/models/diffusion_forcing.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/nn/generator.h"
#include "core/nn/optimiser.h"

namespace dream {
namespace diffusion_forcing_test {

constexpr std::int64_t lanes = 2, frames = 6, horizon = 3, side = 16, choices = 3;

Spaces small_world() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = side, spaces.image_channels = 3;
  spaces.action.choices = {"stay", "right", "down"};
  spaces.action.axes = {"choice"}, spaces.action.low = {0}, spaces.action.high = {choices - 1};
  return spaces;
}

DiffusionForcingOptions small_options() {
  DiffusionForcingOptions options;
  options.frames = frames, options.horizon = horizon;
  options.network = {.patch = 4, .width = 16, .levels = 2, .heads = 2, .each = 8, .attention_from = 0, .first_kernel = 3};
  options.contrast = 1, options.schedule.tells = DenoiserTells::velocity;  // as published
  return options;
}

/// With weights that all do something, also those that begin at 0.
std::shared_ptr<DiffusionForcing> make(const DiffusionForcingOptions& options = small_options()) {
  torch::manual_seed(1);
  auto model = std::make_shared<DiffusionForcing>(options, small_world());
  torch::NoGradGuard no_grad;
  for (auto& parameter : model->parameters()) parameter.add_(0.1 * torch::randn_like(parameter));
  model->eval();
  return model;
}

/// A bright block that each step moves right or down, as the action of the lane says, or stays.
SequenceBatch moving_blocks(std::int64_t count, std::int64_t length = frames) {
  SequenceBatch batch;
  batch.image = torch::full({length, count, side, side, 3}, 20, torch::kUInt8);
  batch.action = torch::zeros({length, count, 1});
  batch.reward = torch::zeros({length, count}), batch.terminated = torch::zeros({length, count});
  batch.first = torch::zeros({length, count}), batch.last = torch::zeros({length, count});
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t t = 0; t < length; ++t) {
      const auto act = i % choices, across = 4 * ((i + (act == 1 ? t : 0)) % 4), down = 4 * ((i / 2 + (act == 2 ? t : 0)) % 4);
      batch.image[t][i].slice(0, down, down + 4).slice(1, across, across + 4).fill_(230);
      batch.action[t][i].fill_(static_cast<double>(act));
      batch.reward[t][i].fill_(static_cast<double>(down) / side);
    }
  return batch;
}

Carry watched(DiffusionForcing& model, const SequenceBatch& batch, std::int64_t steps) {
  auto carry = model.initial(batch.lanes());
  for (std::int64_t t = 0; t < steps; ++t) carry = model.observe(carry, batch.action[t], {batch.image[t], {}}, {});
  return carry;
}

double apart(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

at::Generator chance(std::uint64_t seed) {
  return make_generator(torch::kCPU, seed);
}

TEST(DiffusionForcing, AFrameIsToldByItselfAndThoseBeforeItAlone) {
  torch::NoGradGuard no_grad;
  auto network = make()->network();
  const auto z = torch::randn({lanes, frames, 3, side, side}), actions = torch::randn({lanes, frames, choices});
  const auto levels = torch::randint(1000, {lanes, frames}, torch::kInt64);
  const auto before = network(z, levels, actions);
  for (std::int64_t t = 0; t < frames; ++t)
    for (int what = 0; what < 3; ++what) {
      auto other = z.clone(), acts = actions.clone();
      auto noise = levels.clone();
      if (what == 0) other.select(1, t) += 1;
      if (what == 1) noise.select(1, t) = (noise.select(1, t) + 500) % 1000;
      if (what == 2) acts.select(1, t) += 1;
      const auto after = network(other, noise, acts);
      const auto moved = (after.output - before.output).abs().amax({0, 2, 3, 4});
      for (std::int64_t at = 0; at < frames; ++at) {
        if (at < t) {
          EXPECT_EQ(moved[at].item<double>(), 0) << t << " reaches back to " << at;
        } else {
          EXPECT_GT(moved[at].item<double>(), 1e-6) << t << " does not reach " << at;
        }
      }
    }
}

TEST(DiffusionForcing, AFrameAfterAKeptPastIsAsInTheWhole) {
  torch::NoGradGuard no_grad;
  auto network = make()->network();
  const auto z = torch::randn({lanes, frames, 3, side, side}), actions = torch::randn({lanes, frames, choices});
  const auto levels = torch::randint(1000, {lanes, frames}, torch::kInt64);
  const auto whole = network(z, levels, actions);
  const auto past = network->past(z, levels, actions);
  for (std::int64_t t = 0; t < frames; ++t) {
    const auto next = network->next(z.select(1, t), levels.select(1, t), actions.select(1, t), past, torch::full({lanes}, t, torch::kInt64));
    EXPECT_LT(apart(next.output, whole.output.select(1, t)), 1e-5) << t;
    EXPECT_LT(apart(next.hidden, whole.hidden.select(1, t)), 1e-5) << t;
  }
}

/// The official loop, over the whole window at every row of the matrix.
torch::Tensor by_the_matrix(DiffusionForcing& model, const Carry& seen, const torch::Tensor& action, std::int64_t steps, double lag,
                            std::uint64_t seed) {
  const auto& schedule = model.schedule();
  const auto context = std::min<std::int64_t>(static_cast<std::int64_t>(seen.at("filled")[0].item<float>()), frames - horizon);
  const auto from = static_cast<std::int64_t>(seen.at("filled")[0].item<float>()) - context;
  auto x = seen.at("frames").slice(1, from, from + context), acts = seen.at("actions").slice(1, from, from + context);
  auto rng = chance(seed);
  for (std::int64_t i = 0; i < horizon; ++i) {
    x = torch::cat({x, schedule.noise(x.select(1, 0).sizes(), x.options(), rng).unsqueeze(1)}, 1);
    acts = torch::cat({acts, torch::one_hot(action.squeeze(1).to(torch::kInt64), choices).unsqueeze(1)}, 1);
  }
  const auto matrix = noise_matrix(steps, horizon, lag), ladder = schedule.levels_of(steps);
  const auto known = torch::full({lanes, context}, -1, torch::kInt64);
  for (std::int64_t m = 0; m + 1 < matrix.size(0); ++m) {
    const auto level = [&](std::int64_t row) { return torch::cat({known, ladder.index({matrix[row]}).unsqueeze(0).expand({lanes, horizon})}, 1); };
    const auto now = level(m), label = now.masked_fill(now < 0, small_options().stabilisation - 1);
    const auto faded = torch::where((now < 0).view({lanes, -1, 1, 1, 1}), schedule.faded(x, label), x);
    const auto told = schedule.told(faded, label, model.network()(faded, label, acts).output);
    const auto next = schedule.step(faded, told, label, torch::where(now == level(m + 1), label, level(m + 1)), 0, {});
    x = torch::where((now == level(m + 1)).view({lanes, -1, 1, 1, 1}), x, next);
    // Ours: a dream goes on from what a picture can show.
    x = torch::where((level(m + 1) < 0).view({lanes, -1, 1, 1, 1}), x.clamp(-1, 1), x);
  }
  return x.slice(1, context);
}

TEST(DiffusionForcing, DreamsByTheMatrixAsTheWholeWindowDoes) {
  torch::NoGradGuard no_grad;
  const std::int64_t steps = 4;
  auto options = small_options();
  const auto model = make(options);
  const auto action = torch::tensor({{1.0f}, {2.0f}});
  for (const std::int64_t seen : {2, 5, 9})
    for (const auto& [order, u, lag] : {std::tuple(1.0, 1.0, 1.0), {1.0, 1.5, 1.5}, {1.0, 0.4, 0.4}, {2.0, 1.0, 0.0}, {0.0, 1.0, 4.0}}) {
      auto carry = watched(*model, moving_blocks(lanes, 9), seen);
      const auto whole = by_the_matrix(*model, carry, action, steps, lag, 5);
      auto rng = chance(5);
      for (std::int64_t i = 0; i < horizon; ++i) {
        carry = model->imagine(carry, action, {{"denoising_steps", steps}, {"noise_order", order}, {"uncertainty", u}}, rng);
        if (order == 0 && seen + i > frames - horizon) break;  // frame by frame the window holds more of what was
        EXPECT_LT(apart(model->predict(carry).frame * 2 - 1, whole.select(1, i)), 2e-4) << seen << " seen, order " << order << ", u " << u << ", frame " << i;
      }
    }
}

TEST(DiffusionForcing, APyramidWhoseFramesWaitForEachOtherIsFrameByFrame) {
  torch::NoGradGuard no_grad;
  const auto model = make();
  const auto dream = [&](const KnobValues& knobs) {
    auto carry = watched(*model, moving_blocks(lanes), 2);
    auto rng = chance(2);
    for (std::int64_t i = 0; i < horizon; ++i) carry = model->imagine(carry, torch::ones({lanes, 1}), knobs, rng);
    return carry.at("frames");
  };
  const auto one = dream({}), pyramid = dream({{"noise_order", 1.0}, {"uncertainty", 4.0}});
  EXPECT_LT(apart(one.slice(1, 0, 5), pyramid.slice(1, 0, 5)), 1e-5);
  EXPECT_GT(apart(one.slice(1, 0, 5), dream({{"noise_order", 1.0}, {"uncertainty", 1.0}}).slice(1, 0, 5)), 1e-3);
}

TEST(DiffusionForcing, WhatIsMadeAheadBelongsToTheActionThatIsHeld) {
  torch::NoGradGuard no_grad;
  const auto model = make();
  const auto seen = watched(*model, moving_blocks(lanes), 3);
  const auto right = torch::full({lanes, 1}, 1.0f), down = torch::full({lanes, 1}, 2.0f);
  const KnobValues full = {{"noise_order", 2.0}};
  const auto first = model->imagine(seen, right, full, chance(1));
  const auto ahead = first.at("frames").select(1, 4).clamp(-1, 1);
  EXPECT_EQ(first.at("levels")[0][4].item<float>(), -1) << "the next one is there already";
  const auto held = model->imagine(first, right, full, chance(2));
  EXPECT_LT(apart(held.at("frames").select(1, 4), ahead), 1e-6);
  EXPECT_FALSE(held.contains("denoising")) << "nothing had to be done";
  const auto turned = model->imagine(first, down, full, chance(2));
  EXPECT_GT(apart(turned.at("frames").select(1, 4), ahead), 1e-3);
  EXPECT_EQ(turned.at("chunk")[0][0].item<float>(), 1) << "a horizon of its own";
  // Lanes by themselves: only the one that turns begins anew.
  const auto both = model->imagine(first, torch::tensor({{1.0f}, {2.0f}}), full, chance(2));
  EXPECT_LT(apart(both.at("frames")[0][4], ahead[0]), 1e-6);
  EXPECT_EQ(both.at("chunk").select(1, 0)[0].item<float>(), 2);
  EXPECT_EQ(both.at("chunk").select(1, 0)[1].item<float>(), 1);
  const auto watched_on = model->observe(first, right, {moving_blocks(lanes).image[4], {}}, {});
  EXPECT_EQ(watched_on.at("chunk")[0][0].item<float>(), 0) << "what was seen counts, not what was on its way";
}

TEST(DiffusionForcing, TheSameChanceDreamsTheSameAndEveryKnobBendsIt) {
  torch::NoGradGuard no_grad;
  const auto model = make();
  const auto dream = [&](std::uint64_t seed, KnobValues knobs) {
    auto carry = watched(*model, moving_blocks(lanes), 3);
    auto rng = chance(seed);
    for (int t = 0; t < 3; ++t) carry = model->imagine(carry, torch::ones({lanes, 1}), knobs, rng);
    return model->predict(carry).frame;
  };
  const auto first = dream(1, {});
  EXPECT_TRUE(torch::equal(first, dream(1, {})));
  EXPECT_FALSE(torch::equal(first, dream(2, {})));
  ASSERT_EQ(model->knobs().front().name, "denoising_steps") << "what lab steps measures";
  for (const auto& knob : model->knobs()) {
    KnobValues around;
    if (!knob.when.knob.empty()) around[knob.when.knob] = knob.when.value;
    const auto with = [&](double value) {
      auto all = around;
      all[knob.name] = value;
      return dream(1, all);
    };
    EXPECT_TRUE(torch::equal(dream(1, around), with(knob.default_value))) << knob.name;
    EXPECT_FALSE(torch::allclose(dream(1, around), with(knob.maximum))) << knob.name;
  }
}

/// A pyramid whose frames wait for each other has the steps and the lag of frame by frame, and another horizon.
TEST(DiffusionForcing, AnotherHorizonBeginsFromNoise) {
  torch::NoGradGuard no_grad;
  const auto model = make();
  const auto switched = [&](std::uint64_t seed) {
    auto carry = model->imagine(watched(*model, moving_blocks(lanes), 3), torch::ones({lanes, 1}), {{"noise_order", 0.0}}, chance(5));
    return model->predict(model->imagine(carry, torch::ones({lanes, 1}), {{"noise_order", 1.0}, {"uncertainty", 100.0}}, chance(seed))).frame;
  };
  EXPECT_FALSE(torch::allclose(switched(1), switched(2)));
}

TEST(DiffusionForcing, GoesOnLongAfterItsWindowIsFull) {
  torch::NoGradGuard no_grad;
  const auto model = make();
  for (const double order : {0.0, 1.0, 2.0}) {
    auto carry = watched(*model, moving_blocks(lanes), 2);
    auto rng = chance(4);
    for (int t = 0; t < 5 * frames; ++t) {
      carry = model->imagine(carry, torch::full({lanes, 1}, static_cast<float>(t / 4 % 3)), {{"noise_order", order}}, rng);
      for (const auto& [name, tensor] : model->initial(lanes)) ASSERT_EQ(carry.at(name).sizes(), tensor.sizes()) << name;
    }
    const auto shown = model->predict(carry);
    EXPECT_TRUE(shown.frame.isfinite().all().item<bool>());
    EXPECT_GE(shown.frame.min().item<double>(), 0);
    EXPECT_LE(shown.frame.max().item<double>(), 1);
    EXPECT_TRUE(shown.reward.isfinite().all().item<bool>());
    EXPECT_GT(shown.frame.std().item<double>(), 0.01);
  }
}

TEST(DiffusionForcing, LanesOfDifferentAgesAreAsEachAlone) {
  torch::NoGradGuard no_grad;
  auto options = small_options();
  options.schedule.most_noise = 1e-6;  // no chance
  const auto model = make(options);
  const auto batch = moving_blocks(lanes, 9);
  const KnobValues pyramid = {{"noise_order", 1.0}};
  const auto action = torch::ones({1, 1});
  const auto young = select_lane(watched(*model, batch, 2), 0);
  const auto old = select_lane(model->imagine(watched(*model, batch, 9), torch::ones({lanes, 1}), pyramid, chance(1)), 1);
  Carry both;
  for (const auto& [name, tensor] : model->initial(1)) both[name] = torch::cat({young.at(name), old.at(name)});
  const auto surprise = model->surprise(both);
  EXPECT_NEAR(surprise[0].item<double>(), model->surprise(young)[0].item<double>(), 1e-2);
  EXPECT_NEAR(surprise[1].item<double>(), model->surprise(old)[0].item<double>(), 1e-2);
  const auto seen = model->observe(both, torch::ones({2, 1}), {batch.image[0], {}}, {});
  const auto dreamt = model->imagine(both, torch::ones({2, 1}), pyramid, chance(1));
  for (std::int64_t lane = 0; lane < 2; ++lane) {
    const auto& from = lane == 0 ? young : old;
    const auto alone = model->observe(from, action, {batch.image[0].slice(0, lane, lane + 1), {}}, {});
    const auto dreamt_alone = model->imagine(from, action, pyramid, chance(1));
    for (const auto& [name, tensor] : model->initial(1)) {
      EXPECT_LT(apart(select_lane(seen, lane).at(name), alone.at(name)), 1e-4) << name << " seen, lane " << lane;
      EXPECT_LT(apart(select_lane(dreamt, lane).at(name), dreamt_alone.at(name)), 1e-4) << name << " dreamt, lane " << lane;
    }
  }
}

TEST(DiffusionForcing, OneBatchIsLearnedByHeart) {
  auto options = small_options();
  options.contrast = 0.25, options.schedule.tells = DenoiserTells::frame;
  torch::manual_seed(1);
  DiffusionForcing model(options, small_world());
  const auto batch = moving_blocks(6);
  Optimiser adam(model.parameters(), {.kind = OptimiserKind::adam, .learning_rate = 4e-3, .eps = 1e-8, .clip_norm = 1, .adaptive_clip = 0, .warm_up = 0});
  auto rng = chance(4);
  constexpr int updates = 150;
  std::vector<double> totals, rewards;
  for (int i = 0; i < updates; ++i) {
    adam.options().learning_rate = 4e-3 * (1 - 0.9 * i / updates);
    const auto loss = model.loss(batch, rng);
    totals.push_back(loss.terms[0].second.item<double>()), rewards.push_back(loss.terms[2].second.item<double>());
    loss.total.backward();
    adam.step();
  }
  const auto mean = [](const std::vector<double>& values, std::size_t from, std::size_t count) {
    double sum = 0;
    for (std::size_t i = from; i < from + count; ++i) sum += values[i] / static_cast<double>(count);
    return sum;
  };
  EXPECT_LT(mean(totals, updates - 40, 40), 0.3 * mean(totals, 0, 5));
  EXPECT_LT(mean(rewards, updates - 40, 40), 0.3 * mean(rewards, 0, 5));
}

TEST(DiffusionForcing, ShowsTheNoiseGo) {
  torch::NoGradGuard no_grad;
  const auto model = make();
  const KnobValues knobs = {{"denoising_steps", 5.0}, {"noise_order", 1.0}, {"uncertainty", 2.0}};
  const auto carry = model->imagine(watched(*model, moving_blocks(lanes), 2), torch::ones({lanes, 1}), knobs, chance(1));
  ProbeSink sink({"noise/matrix", "noise/window", "noise/frame", "noise/ahead"});
  model->report(carry, sink);
  const auto probes = sink.take();
  ASSERT_EQ(probes.size(), 4u);
  const auto& matrix = std::get<Heatmap>(*probes[0].value);
  EXPECT_EQ(matrix.cells.size(), static_cast<std::size_t>((5 + 4 + 1) * horizon));
  EXPECT_EQ(matrix.cells.front(), 5);
  EXPECT_EQ(matrix.cells.back(), 0);
  const auto& window = std::get<Heatmap>(*probes[1].value);
  ASSERT_EQ(window.cells.size(), static_cast<std::size_t>(frames));
  EXPECT_EQ(window.cells[2], -1) << "the frame that was made";
  EXPECT_GT(window.cells[3], 0) << "the next one is on its way";
  EXPECT_GT(window.cells[4], window.cells[3]) << "and has less noise than the one after";
  EXPECT_EQ(std::get<Image>(*probes[2].value).width, 5 * side) << "as many pictures as steps";
  EXPECT_EQ(std::get<Image>(*probes[3].value).width, (horizon - 1) * side);
}

TEST(DiffusionForcing, SaysWhatDoesNotFit) {
  auto options = small_options();
  options.horizon = options.frames;
  EXPECT_ANY_THROW(DiffusionForcing(options, small_world()));
  options = small_options();
  options.network.patch = 5;
  EXPECT_ANY_THROW(DiffusionForcing(options, small_world()));
}

}  // namespace diffusion_forcing_test
}  // namespace dream
