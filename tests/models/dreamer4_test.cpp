// Dreamer 4's model: what its loss must come to whatever it has learned, who sees whom, that frame by frame is as all at once, and
// that a batch can be learned by heart.
#include "core/models/dreamer4.h"

#include <gtest/gtest.h>

#include "api/error.h"
#include "core/models/gauges.h"
#include "core/nn/optimiser.h"
#include "tests/data/temp_folder.h"
#include "tests/models/model_test.h"

namespace dream {
namespace dreamer4_test {

using test::seeded;

constexpr std::int64_t lanes = 2, context = 4, finest = 8;

Dreamer4Options small() {
  Dreamer4Options options;
  options.tokenizer = {.patch = 16, .latents = 4, .numbers = 4, .net = {.width = 16, .layers = 2, .heads = 2, .time_every = 2, .hidden = 2}};
  options.dynamics = {.pack = 2, .registers = 1, .finest = finest, .net = {.width = 16, .layers = 4, .heads = 2, .time_every = 2, .context = context, .hidden = 2}};
  options.units = 16, options.bins = 41;
  return options;
}

Spaces four_moves() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64, spaces.image_channels = 3;
  spaces.action.choices = {"left", "right", "up", "down"}, spaces.action.axes = {"choice"}, spaces.action.low = {0}, spaces.action.high = {3};
  return spaces;
}

/// With weights that all do something, also those that begin at 0.
template <class Network>
Network stirred(Network network) {
  torch::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) parameter.add_(0.2 * torch::randn_like(parameter));
  network->eval();
  return network;
}

std::shared_ptr<Dreamer4Model> make() {
  torch::manual_seed(1);
  return stirred(std::make_shared<Dreamer4Model>(small(), four_moves()));
}

/// A bright block that moves as its actions say: pictures [B, T, 3, 64, 64], and the choices [B, T, 1] that led to each.
std::pair<torch::Tensor, torch::Tensor> moving_blocks(std::int64_t count, std::int64_t length) {
  auto pictures = torch::full({count, length, 3, 64, 64}, 0.1);
  auto actions = torch::randint(4, {count, length, 1}, seeded(3)).to(torch::kFloat32);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t x = 16 * (i % 4), y = 16 * (i % 3);
    for (std::int64_t t = 0; t < length; ++t) {
      const auto move = actions[i][t][0].item<std::int64_t>();
      if (t > 0) x = (x + (move == 1 ? 16 : move == 0 ? 48 : 0)) % 64, y = (y + (move == 3 ? 16 : move == 2 ? 48 : 0)) % 64;
      pictures[i][t].slice(1, y, y + 16).slice(2, x, x + 16).fill_(0.9);
    }
  }
  return {pictures, actions};
}

Observation seen_at(const torch::Tensor& pictures, std::int64_t t) {
  return {pictures.select(1, t).mul(255).round().to(torch::kUInt8).permute({0, 2, 3, 1}).contiguous(), {}};
}

/// Frames of noise at any levels, with what they are told.
struct Piece {
  torch::Tensor noisy;
  Dreamer4DynamicsImpl::Given given;
  explicit Piece(std::int64_t frames) {
    noisy = torch::randn({lanes, frames, 2, 8}, seeded(2));
    const auto whole = torch::TensorOptions(torch::kInt64);
    given = {torch::one_hot(torch::randint(4, {lanes, frames}, seeded(4), whole), 4).to(torch::kFloat32), torch::ones({lanes, frames}, torch::kBool),
             torch::randint(finest, {lanes, frames}, seeded(5), whole), torch::full({lanes, frames}, 3, whole)};
    given.told.select(1, 0).fill_(false);
  }
  Dreamer4DynamicsImpl::Given at(std::int64_t t) const {
    return {given.action.select(1, t), given.told.select(1, t), given.level.select(1, t), given.step.select(1, t)};
  }
};

double apart(const torch::Tensor& a, const torch::Tensor& b) { return (a - b).abs().max().item<double>(); }

ShortcutDenoiser always(const torch::Tensor& clean) {
  return [clean](const torch::Tensor& noisy, const torch::Tensor&, const torch::Tensor&, std::int64_t) { return clean.expand_as(noisy); };
}

using Dreamer4 = test::ModelTest;

// -- shortcut forcing -------------------------------------------------------------------------------------------------

TEST_F(Dreamer4, ANetworkThatSaysNothingLosesTheMeanWeight) {
  const auto clean = torch::where(torch::rand({1, finest, 2, 8}, seeded(1)) < 0.5, 1.0, -1.0);
  const ShortcutDraw every{torch::full({1, finest}, 3, torch::kInt64), torch::arange(finest).unsqueeze(0), torch::randn(clean.sizes(), seeded(2))};
  EXPECT_NEAR(shortcut_loss(always(torch::zeros({1})), clean, every, finest, 0).total.item<double>(), 0.49375, 1e-6) << "E z² is 1";
  auto model = std::make_shared<Dreamer4Model>(small(), four_moves());
  const Piece piece(finest);
  EXPECT_EQ(model->dynamics()->forward(piece.noisy, piece.given).clean.abs().max().item<double>(), 0) << "as it begins";
}

TEST_F(Dreamer4, ADrawLiesOnTheGridOfItsStep) {
  const auto clean = torch::zeros({64, 32, 2, 8});
  const auto draw = draw_shortcut(clean, finest, 16, seeded(6));
  EXPECT_TRUE((draw.step.slice(0, 0, 48) == 3).all().item<bool>());
  EXPECT_EQ(draw.step.slice(0, 48).max().item<std::int64_t>(), 2) << "longer than the finest";
  EXPECT_EQ(draw.step.slice(0, 48).min().item<std::int64_t>(), 0);
  const auto grid = torch::full_like(draw.step, finest).bitwise_right_shift(draw.step);
  EXPECT_EQ(draw.level.remainder(grid).abs().max().item<std::int64_t>(), 0);
  EXPECT_TRUE((draw.level + grid <= finest).all().item<bool>()) << "no step goes beyond clean";
  EXPECT_NEAR(draw.level.slice(0, 0, 48).to(torch::kFloat32).mean().item<double>(), 3.5, 0.2);
}

TEST_F(Dreamer4, WhatIsAlwaysTheSameNeedsNoBootstrap) {
  const auto clean = torch::randn({4, 6, 2, 8}, seeded(7));
  const auto loss = shortcut_loss(always(torch::tensor({0.7})), clean, draw_shortcut(clean, finest, 3, seeded(8)), finest, 3);
  EXPECT_LT(loss.bootstrap.item<double>(), 1e-10);
  EXPECT_GT(loss.flow.item<double>(), 0.1);
}

TEST_F(Dreamer4, TheTargetOfALongStepGetsNoGradient) {
  const auto scale = torch::ones({1}, torch::requires_grad());
  const auto clean = torch::randn({4, 6, 2, 8}, seeded(7));
  std::int64_t asked = 0;
  const auto loss = shortcut_loss(
      [&](const torch::Tensor& noisy, const torch::Tensor& level, const torch::Tensor&, std::int64_t first) {
        EXPECT_EQ(torch::GradMode::is_enabled(), ++asked == 1);
        EXPECT_EQ(first, asked == 1 ? 0 : 1);
        return scale * noisy * (1 + 0.1 * level.unsqueeze(-1).unsqueeze(-1));
      },
      clean, draw_shortcut(clean, finest, 3, seeded(8)), finest, 3);
  EXPECT_EQ(asked, 3);
  loss.total.backward();
  EXPECT_GT(scale.grad().abs().item<double>(), 0);
}

TEST_F(Dreamer4, TheLastStepLandsOnWhatItIsTakenFor) {
  const auto z = torch::randn({2, 3}, seeded(1)), target = torch::randn({2, 3}, seeded(2));
  for (const std::int64_t steps : {1, 2, 4, 8}) {
    auto x = z;
    for (std::int64_t i = 0; i < steps; ++i) x = shortcut_step(x, target, i, steps);
    EXPECT_LT(apart(x, target), 1e-6) << steps;
  }
  EXPECT_THROW(shortcut_exponent(6), Error);
}

// -- who sees whom ----------------------------------------------------------------------------------------------------

TEST_F(Dreamer4, TheAgentSeesAllAndNobodySeesIt) {
  auto model = make();
  auto& dynamics = model->dynamics();
  torch::NoGradGuard no_grad;
  Piece piece(context);
  const auto with = dynamics->forward(piece.noisy, piece.given), without = dynamics->forward(piece.noisy, piece.given, {}, false);
  EXPECT_LT(apart(with.clean, without.clean), 1e-5);
  EXPECT_FALSE(without.agent.defined());
  for (auto& parameter : dynamics->named_parameters(false))
    if (parameter.key() == "agent") parameter.value().add_(1);
  const auto other = dynamics->forward(piece.noisy, piece.given);
  EXPECT_LT(apart(with.clean, other.clean), 1e-5) << "whatever the agent is told";
  EXPECT_GT(apart(with.agent, other.agent), 1e-2);
  piece.given.action = piece.given.action.roll(1, -1);
  const auto acted = dynamics->forward(piece.noisy, piece.given);
  EXPECT_GT(apart(acted.agent.select(1, 1), other.agent.select(1, 1)), 1e-2) << "a reward depends on the action that was drawn";
}

TEST_F(Dreamer4, NothingSeesWhatComesLater) {
  auto model = make();
  auto& dynamics = model->dynamics();
  torch::NoGradGuard no_grad;
  Piece piece(context);
  const auto before = dynamics->forward(piece.noisy, piece.given);
  piece.noisy = piece.noisy.clone();
  piece.noisy.select(1, 3).add_(1);
  piece.given.action = torch::cat({piece.given.action.slice(1, 0, 3), piece.given.action.slice(1, 3).roll(1, -1)}, 1);
  const auto after = dynamics->forward(piece.noisy, piece.given);
  EXPECT_LT(apart(before.clean.slice(1, 0, 3), after.clean.slice(1, 0, 3)), 1e-6);
  EXPECT_LT(apart(before.agent.slice(1, 0, 3), after.agent.slice(1, 0, 3)), 1e-6);
  EXPECT_GT(apart(before.clean.select(1, 3), after.clean.select(1, 3)), 1e-2);
  const auto pictures = moving_blocks(lanes, context).first;
  const auto latents = model->tokenizer()->encode(pictures);
  auto changed = pictures.clone();
  changed.select(1, 3).fill_(0.5);
  const auto others = model->tokenizer()->encode(changed);
  EXPECT_LT(apart(latents.slice(1, 0, 3), others.slice(1, 0, 3)), 1e-6);
  EXPECT_GT(apart(latents.select(1, 3), others.select(1, 3)), 1e-3);
}

TEST_F(Dreamer4, AnotherEpisodeIsNotLookedAt) {
  auto model = make();
  torch::NoGradGuard no_grad;
  const Piece piece(6);
  const auto episodes = torch::tensor({{0, 0, 0, 1, 1, 1}, {0, 0, 0, 1, 1, 1}});
  const auto second = [](const torch::Tensor& x) { return x.slice(1, 3); };
  const auto& [action, told, level, step] = piece.given;
  const auto all = model->dynamics()->forward(piece.noisy, piece.given, episodes);
  const auto alone = model->dynamics()->forward(second(piece.noisy), {second(action), second(told), second(level), second(step)});
  EXPECT_LT(apart(second(all.clean), alone.clean), 1e-5);
  EXPECT_LT(apart(second(all.agent), alone.agent), 1e-5);
  const auto pictures = moving_blocks(lanes, 6).first;
  EXPECT_LT(apart(second(model->tokenizer()->encode(pictures, episodes)), model->tokenizer()->encode(second(pictures))), 1e-5);
}

TEST_F(Dreamer4, ActionsAreHeardFromTheFirstUpdate) {
  auto model = std::make_shared<Dreamer4Model>(small(), four_moves());
  const auto tokens = model->dynamics()->action_tokens(torch::eye(4), torch::ones({4}, torch::kBool)).squeeze(1);
  for (auto& parameter : model->dynamics()->net()->named_parameters(false)) {
    ASSERT_EQ(parameter.key(), "of_place");
    const auto first = tokens + parameter.value()[0];
    const auto normed = first / first.square().mean(-1, true).sqrt();
    EXPECT_GT((normed[0] - normed[1]).square().mean().item<double>(), 0.5)
        << "of two actions the tokens differ as two of unit variance would by 2: where they are a thousandth of their place they do not";
  }
}

// -- frame by frame ---------------------------------------------------------------------------------------------------

TEST_F(Dreamer4, FrameByFrameIsAsAllAtOnceHoweverLong) {
  auto model = make();
  auto& dynamics = model->dynamics();
  torch::NoGradGuard no_grad;
  const std::int64_t frames = 3 * context;
  const Piece piece(frames);
  const auto whole = dynamics->forward(piece.noisy, piece.given);
  BlockCausalImpl::Cache cache{torch::zeros(dynamics->net()->cache_shape(lanes)), torch::zeros(dynamics->net()->cache_shape(lanes))};
  for (std::int64_t t = 0; t < frames; ++t) {
    const auto at = torch::full({lanes}, std::min(t, context - 1), torch::kInt64);
    BlockCausalImpl::Cache kept;
    const auto past = dynamics->net()->past_of(cache.last(context - 1), at);
    const auto one = dynamics->next(piece.noisy.select(1, t), piece.at(t), past, true, &kept);
    EXPECT_LT(apart(one.clean, whole.clean.select(1, t)), 1e-4) << t;
    EXPECT_LT(apart(one.agent, whole.agent.select(1, t)), 1e-4) << t;
    EXPECT_LT(apart(dynamics->next(piece.noisy.select(1, t), piece.at(t), past, false).clean, one.clean), 1e-4) << t;
    cache = cache.with(kept);
  }
}

TEST_F(Dreamer4, APieceWatchedAtOnceLeavesTheSameState) {
  auto model = make();
  auto& dynamics = model->dynamics();
  torch::NoGradGuard no_grad;
  for (const std::int64_t frames : {context - 1, context + 3}) {
    const Piece piece(frames);
    const auto clean = piece.noisy.clamp(-1, 1);
    // Two frames of another episode come first in lane 1.
    auto episodes = torch::zeros({lanes, frames}, torch::kInt64);
    episodes[1].slice(0, 2).fill_(1);
    auto told = piece.given.told.clone();
    told[1][2] = false;
    const auto watched = dynamics->watched(clean, piece.given.action, told, episodes, 0, {});
    auto one = dynamics->initial(lanes);
    for (std::int64_t t = 0; t < frames; ++t) {
      if (t == 2) one.at = one.at * torch::tensor({1, 0});
      one = dynamics->remember(one, clean.select(1, t), piece.given.action.select(1, t), told.select(1, t), 0, {});
    }
    EXPECT_TRUE(torch::equal(watched.at, one.at));
    EXPECT_LT(apart(watched.agent, one.agent), 1e-4);
    const auto ask = [&](const Dreamer4DynamicsImpl::State& state) {
      return dynamics->imagine(state, piece.given.action.select(1, 0), torch::ones({lanes}, torch::kBool), {}, seeded(3)).agent;
    };
    EXPECT_LT(apart(ask(watched), ask(one)), 1e-4);
  }
}

TEST_F(Dreamer4, TheModelSeesAndPaintsAsItsTokenizer) {
  auto model = make();
  torch::NoGradGuard no_grad;
  const std::int64_t frames = 2 * context + 1;
  const auto [drawn, actions] = moving_blocks(lanes, frames);
  const auto pictures = drawn.mul(255).round() / 255;
  const auto latents = model->tokenizer()->encode(pictures), painted = model->tokenizer()->decode(latents);
  auto carry = model->initial(lanes);
  for (std::int64_t t = 0; t < frames; ++t) {
    carry = model->observe(carry, actions.select(1, t), seen_at(pictures, t), seeded(1));
    EXPECT_LT(apart(carry.at("latent"), model->dynamics()->packed(latents.select(1, t))), 1e-4) << t;
    EXPECT_LT(apart(model->predict(carry).frame, painted.select(1, t)), 1e-4) << t;
  }
}

TEST_F(Dreamer4, ACarryKeepsItsShapesAndADreamIsTheGenerators) {
  auto model = make();
  torch::NoGradGuard no_grad;
  const auto [pictures, actions] = moving_blocks(lanes, 2);
  const auto initial = model->initial(lanes);
  auto carry = model->observe(initial, actions.select(1, 0), seen_at(pictures, 0), seeded(1));
  const auto kept = carry.at("keys").clone();
  const auto once = model->imagine(carry, actions.select(1, 1), {}, seeded(2)), again = model->imagine(carry, actions.select(1, 1), {}, seeded(2)),
             other = model->imagine(carry, actions.select(1, 1), {}, seeded(3));
  EXPECT_TRUE(torch::equal(once.at("latent"), again.at("latent")));
  EXPECT_FALSE(torch::equal(once.at("latent"), other.at("latent")));
  EXPECT_TRUE(torch::equal(carry.at("keys"), kept)) << "nothing is changed in place";
  for (int i = 0; i < 2 * context; ++i) carry = model->imagine(carry, actions.select(1, 1), {}, seeded(2));
  for (const auto& [name, tensor] : initial) EXPECT_EQ(carry.at(name).sizes(), tensor.sizes()) << name;
  const auto told = model->predict(carry);
  EXPECT_EQ(told.frame.sizes(), (std::vector<std::int64_t>{lanes, 3, 64, 64}));
  EXPECT_EQ(told.reward.sizes(), (std::vector<std::int64_t>{lanes}));
  EXPECT_TRUE((told.done >= 0).all().item<bool>() && (told.done <= 1).all().item<bool>());
  EXPECT_EQ(model->surprise(carry).sizes(), (std::vector<std::int64_t>{lanes}));
}

TEST_F(Dreamer4, LanesOfAnyAgeGoTheirOwnWay) {
  auto model = make();
  torch::NoGradGuard no_grad;
  const auto [pictures, actions] = moving_blocks(lanes, 4);
  auto both = model->initial(lanes);
  for (std::int64_t t = 0; t < 3; ++t) both = model->observe(both, actions.select(1, t), seen_at(pictures, t), seeded(1));
  both = begun_anew(1, model->initial(lanes), both);
  both = model->observe(both, actions.select(1, 3), seen_at(pictures, 3), seeded(1));
  EXPECT_EQ(both.at("filled").flatten()[0].item<float>(), 4);
  EXPECT_EQ(both.at("filled").flatten()[1].item<float>(), 1);
  const auto fresh = model->observe(model->initial(lanes), actions.select(1, 2), seen_at(pictures, 3), seeded(1));
  EXPECT_LT(apart(both.at("latent")[1], fresh.at("latent")[1]), 1e-5);
  EXPECT_LT(apart(both.at("agent")[1], fresh.at("agent")[1]), 1e-5) << "no action led to a first frame";
  EXPECT_GT(apart(both.at("agent")[0], fresh.at("agent")[0]), 1e-3);
}

TEST_F(Dreamer4, StepsAreAKnobInPowersOfTwo) {
  auto model = make();
  torch::NoGradGuard no_grad;
  const auto [pictures, actions] = moving_blocks(lanes, 2);
  const auto seen = model->observe(model->initial(lanes), actions.select(1, 0), seen_at(pictures, 0), seeded(1));
  const auto knobs = model->knobs();
  ASSERT_TRUE(knobs.front().whole);
  EXPECT_EQ(knobs.front().maximum, finest);
  for (const auto& [asked, made] : std::vector<std::pair<double, std::int64_t>>{{1, 1}, {3, 2}, {4, 4}, {7, 4}, {8, 8}}) {
    const auto carry = model->imagine(seen, actions.select(1, 1), {{"steps", asked}}, seeded(2));
    EXPECT_EQ(carry.at("denoising").size(1), made) << asked;
    EXPECT_LT(apart(carry.at("latent"), carry.at("denoising").select(1, made - 1).clamp(-1, 1)), 1e-5) << "the last is the frame";
  }
}

TEST_F(Dreamer4, ALatentCanBeEditedAndAFrameDrawnAnew) {
  auto model = make();
  torch::NoGradGuard no_grad;
  const auto [pictures, actions] = moving_blocks(lanes, 3);
  auto seen = model->observe(model->initial(lanes), actions.select(1, 0), seen_at(pictures, 0), seeded(1));
  seen = model->observe(seen, actions.select(1, 1), seen_at(pictures, 1), seeded(1));
  const auto edited = model->edit(seen, "latent/z", 3, 0.9);
  EXPECT_NEAR(edited.at("latent").flatten(1)[0][3].item<double>(), 0.9, 1e-6);
  EXPECT_TRUE(torch::equal(edited.at("filled"), seen.at("filled")));
  EXPECT_LT(apart(edited.at("keys").slice(4, 0, context - 1), seen.at("keys").slice(4, 0, context - 1)), 1e-6) << "earlier frames stay";
  EXPECT_GT(apart(model->predict(edited).frame, model->predict(seen).frame), 1e-4);
  EXPECT_GT(apart(model->imagine(edited, actions.select(1, 2), {}, seeded(2)).at("latent"),
                  model->imagine(seen, actions.select(1, 2), {}, seeded(2)).at("latent")),
            1e-5);
  EXPECT_FALSE(torch::equal(model->randomise(seen, "latent/z", seeded(4)).at("latent"), model->randomise(seen, "latent/z", seeded(5)).at("latent")));
  EXPECT_NE(test::message_of<Error>([&] { model->edit(seen, "latent/z", 16, 0); }).find("elements 0 to 15"), std::string::npos);
  EXPECT_NE(test::message_of<Error>([&] { model->edit(seen, "latent/h", 0, 0); }).find("the editable probe"), std::string::npos);
}

TEST_F(Dreamer4, ItShowsItsStepsItsLatentAndWhereItLooks) {
  auto model = make();
  torch::NoGradGuard no_grad;
  const auto [pictures, actions] = moving_blocks(lanes, 2);
  auto carry = model->observe(model->initial(lanes), actions.select(1, 0), seen_at(pictures, 0), seeded(1));
  carry = model->imagine(carry, actions.select(1, 1), {}, seeded(1));
  ProbeSink sink({"denoising/steps", "latent/z", "attention/time"});
  model->report(carry, sink);
  const auto probes = sink.take();
  ASSERT_EQ(probes.size(), 3u);
  EXPECT_EQ(std::get<Image>(*probes[0].value).width, 4 * 64);
  EXPECT_EQ(std::get<Heatmap>(*probes[1].value).rows, 2);
  const auto& looks = std::get<Attention>(*probes[2].value);
  EXPECT_EQ(looks.queries, static_cast<int>(looks.query_labels.size()));
  EXPECT_EQ(looks.keys, context);
  float sum = 0;
  for (int key = 0; key < looks.keys; ++key) sum += looks.weights[static_cast<std::size_t>(key)];
  EXPECT_NEAR(sum, 1, 1e-4);
  EXPECT_EQ(looks.weights[0], 0) << "two frames are there, of four";
}

// -- learning ---------------------------------------------------------------------------------------------------------

TEST_F(Dreamer4, LearnsABatchByHeartAndDreamsIt) {
  auto options = small();
  options.tokenizer.net.width = options.dynamics.net.width = 32, options.tokenizer.most_masked = 0.1;
  auto model = std::make_shared<Dreamer4Model>(options, four_moves());
  const auto [pictures, actions] = moving_blocks(8, context);
  const OptimiserOptions adam{.kind = OptimiserKind::adam, .learning_rate = 2e-3, .eps = 1e-8, .clip_norm = 1, .adaptive_clip = 0, .warm_up = 0};
  auto rng = seeded(9);
  Optimiser tokenizer(model->tokenizer()->parameters(), adam);
  double first = 0, last = 0;
  for (int i = 0; i < 200; ++i) {
    const auto loss = model->tokenizer()->loss(pictures, {}, rng).total;
    (i == 0 ? first : last) = loss.item<double>();
    loss.backward();
    tokenizer.step();
  }
  EXPECT_LT(last, 0.1 * first);
  torch::Tensor clean;
  {
    torch::NoGradGuard no_grad;
    clean = model->dynamics()->packed(model->tokenizer()->encode(pictures));
  }
  Optimiser dynamics(model->dynamics()->parameters(), adam);
  auto told = torch::ones({8, context}, torch::kBool);
  told.select(1, 0).fill_(false);
  const auto seen = model->seen_action(actions);
  for (int i = 0; i < 250; ++i) {
    const auto draw = draw_shortcut(clean, finest, i < 100 ? 0 : 2, rng);
    const auto loss = shortcut_loss(
        [&](const torch::Tensor& noisy, const torch::Tensor& level, const torch::Tensor& step, std::int64_t from) {
          return model->dynamics()->forward(noisy, {seen.slice(0, from), told.slice(0, from), level, step}, {}, false).clean;
        },
        clean, draw, finest, i < 100 ? 0 : 2);
    (i == 0 ? first : last) = loss.total.item<double>();
    loss.total.backward();
    dynamics.step();
  }
  EXPECT_LT(last, 0.3 * first);
  torch::NoGradGuard no_grad;
  auto carry = model->initial(8);
  for (std::int64_t t = 0; t < 3; ++t) carry = model->observe(carry, actions.select(1, t), seen_at(pictures, t), rng);
  const auto error_after = [&](const torch::Tensor& action) {
    return (model->predict(model->imagine(carry, action, {}, seeded(1))).frame - pictures.select(1, 3)).square().mean().item<double>();
  };
  const auto right = error_after(actions.select(1, 3)), wrong = error_after((actions.select(1, 3) + 1).remainder(4));
  EXPECT_LT(right, 0.7 * wrong) << "it listens to its actions";
}

}  // namespace dreamer4_test
}  // namespace dream
