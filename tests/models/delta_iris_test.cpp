#include "core/models/delta_iris.h"

#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/nn/generator.h"
#include "core/nn/optimiser.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace delta_iris_test {

constexpr std::int64_t places = 4, codes = 16, window = 4, side = 16;

DeltaIrisOptions small_model() {
  DeltaIrisOptions options;
  auto& t = options.tokenizer;
  t.channels = t.frame_channels = 16, t.levels = FrameLevels::three;
  t.latent = t.seen = t.width = 8, t.acted = 2, t.tokens = places, t.codes = codes;
  options.transformer = {.width = 64, .layers = 2, .heads = 2, .frames = window, .frame_channels = 16, .levels = FrameLevels::three};
  return options;
}

Spaces small_pictures() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = side, spaces.image_channels = 3;
  spaces.action.choices = {"left", "stay", "right"};
  return spaces;
}

torch::Tensor unit_rows(const torch::Tensor& x) {
  return x / x.norm(2, -1, true);
}

/// With weights that all do something, and codes of length 1.
std::shared_ptr<DeltaIris> made(const DeltaIrisOptions& options = small_model(), const Spaces& spaces = small_pictures()) {
  torch::manual_seed(1);
  auto model = std::make_shared<DeltaIris>(options, spaces);
  torch::NoGradGuard no_grad;
  for (auto& p : model->transformer()->parameters()) p.add_(0.3 * torch::randn_like(p));
  for (auto* layer : {"before.weight", "after.weight", "decoder_actions", "encoder_actions"}) model->tokenizer()->named_parameters()[layer].mul_(20);
  auto codebook = model->tokenizer()->named_buffers()["codebook"];
  codebook.copy_(unit_rows(torch::randn_like(codebook)));
  model->eval();
  return model;
}

Observation noise_seen(std::int64_t batch) {
  return {torch::randint(256, {batch, side, side, 3}, torch::kUInt8), {}};
}

torch::Tensor choice(std::int64_t batch, double value) {
  return torch::full({batch, 1}, value);
}

double apart(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

class DeltaIrisTest : public ::testing::Test {
 protected:
  DeltaIrisTest() {
    torch::set_num_threads(1);
    torch::manual_seed(1);
  }
  at::Generator rng(std::uint64_t seed = 1) { return make_generator(torch::kCPU, seed); }
  Carry begun(DeltaIris& model, std::int64_t batch) { return model.observe(model.initial(batch), choice(batch, 0), noise_seen(batch), rng()); }
};

TEST_F(DeltaIrisTest, BeginsByKnowingNothing) {
  torch::NoGradGuard no_grad;
  DeltaIrisTransformer model(DeltaIrisTransformerOptions{}, at::IntArrayRef{3, 64, 64}, 4, 1024, 4);
  const auto actions = torch::one_hot(torch::randint(4, {1, 3}, torch::kInt64), 4).to(torch::kFloat32);
  const auto all = torch::ones({1, 3});
  const auto frames = torch::rand({1, 3, 3, 64, 64}), reward = torch::randn({1, 3});
  const auto loss = model->loss(frames, actions, torch::randint(1024, {1, 3, 4}, torch::kInt64), reward, torch::zeros({1, 3}), all, all);
  EXPECT_NEAR(loss.codes.item<double>(), std::log(1024), 0.05);
  EXPECT_NEAR(loss.reward.item<double>(), std::log(3), 0.1);
  EXPECT_NEAR(loss.end.item<double>(), std::log(2), 0.1);
  EXPECT_NEAR(loss.total.item<double>(), 0.1 * loss.codes.item<double>() + loss.reward.item<double>() + 0.1 * loss.end.item<double>(), 1e-6);
  EXPECT_EQ(model->named_parameters()["of_position"].size(0), 156);
}

TEST_F(DeltaIrisTest, NoTokenKnowsALaterOne) {
  torch::NoGradGuard no_grad;
  auto model = made()->transformer();
  const auto frames = torch::rand({1, window, 3, side, side});
  const auto actions = torch::one_hot(torch::randint(3, {1, window}, torch::kInt64), 3).to(torch::kFloat32);
  const auto seen = torch::randint(codes, {1, window, places}, torch::kInt64);
  const auto before = model->forward(frames, actions, seen);
  const auto changed = [&](const DeltaIrisTransformerImpl::Logits& after) {
    return ((after.codes - before.codes).abs().amax(-1)[0] > 1e-6).flatten();
  };
  for (std::int64_t t = 0; t < window; ++t) {
    for (std::int64_t k = 0; k < places; ++k) {
      auto other = seen.clone();
      other[0][t][k] = (other[0][t][k] + 1) % codes;
      const auto after = model->forward(frames, actions, other);
      const auto at = t * places + k + 1;  // of what is told behind it
      EXPECT_FALSE(changed(after).slice(0, 0, at).any().item<bool>()) << t << ", " << k;
      EXPECT_LT(apart(after.reward.slice(1, 0, t + 1), before.reward.slice(1, 0, t + 1)), 1e-6) << t;
      if (t == window - 1 && k == places - 1) continue;  // nothing is told behind the last
      EXPECT_TRUE(changed(after).slice(0, at).any().item<bool>()) << t << ", " << k;
    }
    auto acted = actions.clone(), shown = frames.clone();
    acted[0][t] = acted[0][t].roll(1), shown[0][t] = 1 - shown[0][t];
    for (const auto& after : {model->forward(frames, acted, seen), model->forward(shown, actions, seen)}) {
      EXPECT_FALSE(changed(after).slice(0, 0, t * places).any().item<bool>()) << t;
      EXPECT_TRUE(changed(after)[t * places].item<bool>()) << "the first Δ-token knows frame and action";
      EXPECT_GT(apart(after.reward.select(1, t), before.reward.select(1, t)), 1e-6);
    }
  }
}

TEST_F(DeltaIrisTest, WhatDoesNotFollowTeachesNothing) {
  torch::NoGradGuard no_grad;
  auto model = made()->transformer();
  auto frames = torch::rand({2, window, 3, side, side}), reward = torch::randn({2, window});
  auto seen = torch::randint(codes, {2, window, places}, torch::kInt64);
  const auto actions = torch::one_hot(torch::randint(3, {2, window}, torch::kInt64), 3).to(torch::kFloat32);
  auto follows = torch::ones({2, window});
  follows[1].slice(0, 2).zero_();
  const auto loss = [&] { return model->loss(frames, actions, seen, reward, torch::zeros({2, window}), follows, follows).total.item<double>(); };
  const auto before = loss();
  frames[1].slice(0, 2).fill_(0.5), reward[1].slice(0, 2).neg_(), seen[1].slice(0, 2).copy_((seen[1].slice(0, 2) + 5) % codes);
  EXPECT_EQ(loss(), before) << "ends of episodes within a piece";
  seen[1][1][3] = (seen[1][1][3] + 1) % codes;
  EXPECT_NE(loss(), before);
}

TEST_F(DeltaIrisTest, CodesAreThoseOfTheLargestCosine) {
  torch::NoGradGuard no_grad;
  auto model = made()->tokenizer();
  const auto action = torch::one_hot(torch::randint(3, {5}, torch::kInt64), 3).to(torch::kFloat32);
  const auto before = torch::rand({5, 3, side, side}), next = torch::rand({5, 3, side, side});
  const auto encoded = model->encode(before, action, next);
  EXPECT_LT(apart(encoded.z.norm(2, -1), torch::ones({5, places})), 1e-5);
  const auto all = model->values(torch::arange(codes));
  EXPECT_TRUE(torch::equal(encoded.codes, torch::cdist(encoded.z, all.unsqueeze(0)).argmin(-1))) << "of rows of one length the nearest";
  const auto frames = model->frames(before, action, encoded.codes);
  EXPECT_LT(apart(frames * 255, (frames * 255).round()), 1e-3) << "of 256 levels";
  EXPECT_TRUE(frames.min().item<double>() >= 0 && frames.max().item<double>() <= 1);
  // Each token is of its own quarter of the picture, whatever the convolutions see over its edge; the action is of all of it.
  EXPECT_GT(apart(model->frames(before, action.roll(1, 1), encoded.codes), frames), 0.003);
  EXPECT_GT(apart(model->frames(next, action, encoded.codes), frames), 0.003);
}

TEST_F(DeltaIrisTest, CodesThatNobodyUsesAreRevivedInTime) {
  auto options = small_model().tokenizer;
  options.codes = 64, options.revive_until = 2;
  DeltaIrisTokenizer model(options, at::IntArrayRef{3, side, side}, 3);
  torch::NoGradGuard no_grad;
  auto use = model->named_buffers()["use"];
  DeltaIrisTokenizerImpl::Loss batch;
  batch.encoded = unit_rows(torch::randn({6, 8}));
  batch.codes = torch::zeros({6}, torch::kInt64);
  const auto few = [&](std::int64_t in_use) { use.copy_(torch::where(torch::arange(64) < in_use, 1.0 / static_cast<double>(in_use), 0.0)); };
  few(8);
  EXPECT_EQ(model->learn_codes(batch, rng()), 6) << "no more than there are rows";
  few(64);
  EXPECT_EQ(model->learn_codes(batch, rng()), 0) << "all are in use";
  few(8);
  EXPECT_EQ(model->learn_codes(batch, rng()), 0) << "its time is over";
  few(1);
  EXPECT_EQ(model->learn_codes(batch, rng()), 6) << "hardly one is in use";
  EXPECT_LT(apart(model->named_buffers()["codebook"].norm(2, -1), torch::ones({64})), 1e-5);
}

TEST_F(DeltaIrisTest, DrawsByWhatItExpects) {
  torch::NoGradGuard no_grad;
  auto model = made();
  auto& transformer = model->transformer();
  const auto action = torch::one_hot(torch::tensor({std::int64_t{0}, std::int64_t{2}}), 3).to(torch::kFloat32);
  auto memory = transformer->see(transformer->nothing(2), action, torch::zeros({2, places}, torch::kInt64), torch::rand({2, 3, side, side})).memory;
  auto frame = torch::rand({2, 3, side, side});
  for (std::int64_t t = 1; t < 2 * window + 2; ++t) {
    const auto painter = [&](const torch::Tensor& told) { return model->tokenizer()->frames(frame, action, told); };
    const auto drawn = transformer->draw(memory, action, 1, torch::rand({2, places}), painter);
    const auto seen = transformer->see(memory, action, drawn.codes, drawn.frame);
    EXPECT_LT(apart(drawn.expected, seen.expected), 1e-4) << t;
    EXPECT_LT(apart(drawn.reward, seen.reward), 1e-4) << t;
    EXPECT_LT(apart(drawn.end, seen.end), 1e-4) << t;
    EXPECT_LT(apart(drawn.state, seen.state), 1e-4) << t;
    EXPECT_LT(apart(drawn.memory.pages.back(), seen.memory.pages.back()), 1e-4) << t;
    EXPECT_TRUE(torch::equal(drawn.frame, painter(drawn.codes)));
    EXPECT_EQ(drawn.emptied.all().item<bool>(), t == window || t == 2 * window) << t;
    EXPECT_EQ(drawn.memory.count[0].item<std::int64_t>(), (t % window) + 1) << t;
    memory = drawn.memory, frame = drawn.frame;
  }
  const auto painter = [&](const torch::Tensor&) { return frame; };
  const auto cold = transformer->draw(memory, action, 1e-3, torch::rand({2, places}), painter);
  EXPECT_TRUE(torch::equal(cold.codes, cold.expected.argmax(-1))) << "without heat it draws the likeliest";
}

TEST_F(DeltaIrisTest, TheLibraryStepsAsTheKernelsDo) {
  auto narrow = small_model();
  narrow.transformer.width = 16;  // too few for the kernels
  for (const auto& options : {small_model(), narrow}) {
    auto model = made(options);
    torch::NoGradGuard no_grad;
    auto& transformer = model->transformer();
    const auto frames = torch::rand({2, window, 3, side, side});
    const auto actions = torch::one_hot(torch::randint(3, {2, window}, torch::kInt64), 3).to(torch::kFloat32);
    const auto seen = torch::randint(codes, {2, window, places}, torch::kInt64);
    const auto whole = transformer->forward(frames, actions, seen);
    auto next = transformer->see(transformer->nothing(2), actions.select(1, 0), seen.select(1, 0), frames.select(1, 0));
    for (std::int64_t t = 0; t + 1 < window; ++t) {
      next = transformer->see(next.memory, actions.select(1, t), seen.select(1, t), frames.select(1, t + 1));
      EXPECT_LT(apart(next.expected, whole.codes.select(1, t).log_softmax(-1)), 1e-4) << t;
      EXPECT_LT(apart(next.reward, whole.reward.select(1, t)), 1e-4) << t;
    }
  }
}

TEST_F(DeltaIrisTest, TheSameChanceGivesTheSameDream) {
  auto model = made();
  const auto carry = begun(*model, 2), kept = carry;
  const auto dream = [&](Carry from, std::uint64_t seed, int steps) {
    auto chance = rng(seed);
    for (int i = 0; i < steps; ++i) from = model->imagine(from, choice(2, i % 3), {}, chance);
    return from;
  };
  const auto a = dream(carry, 3, 6), b = dream(carry, 3, 6), c = dream(carry, 4, 6);
  for (const auto& [name, tensor] : a) EXPECT_TRUE(torch::equal(tensor, b.at(name))) << name;
  EXPECT_FALSE(torch::equal(a.at("codes"), c.at("codes")));
  for (int steps = 0; steps < 7; ++steps) {
    const auto now = dream(carry, 3, steps);
    for (const auto& [name, tensor] : model->initial(2)) {
      ASSERT_TRUE(now.contains(name)) << name;
      EXPECT_EQ(now.at(name).sizes(), tensor.sizes()) << name;
      EXPECT_EQ(now.at(name).scalar_type(), tensor.scalar_type()) << name;
    }
  }
  for (const auto& [name, tensor] : kept) EXPECT_TRUE(torch::equal(tensor, carry.at(name))) << name;
  // A step makes one page, and shares the others.
  EXPECT_EQ(model->imagine(carry, choice(2, 1), {}, rng()).at("page00").data_ptr(), carry.at("page01").data_ptr());
  // The fifth frame had no room, as four fit.
  EXPECT_EQ(a.at("since")[0].item<double>(), 2);
  EXPECT_EQ(a.at("filled")[0].item<double>(), 3);
  EXPECT_NEAR(a.at("reward").sum(1)[0].item<double>(), 1, 1e-5);
  EXPECT_TRUE(torch::equal(model->predict(a).frame, a.at("frame")));
}

TEST_F(DeltaIrisTest, ADreamThatWasRewoundGoesOnBitForBit) {
  auto model = made();
  auto chance = rng(5);
  std::vector<Carry> line = {begun(*model, 1)};
  std::vector<at::Tensor> states;
  for (int i = 0; i < 9; ++i) {
    states.push_back(chance.get_state());
    line.push_back(model->imagine(line.back(), choice(1, i % 3), {}, chance));
  }
  for (const std::size_t from : {0u, 3u, 7u}) {
    auto again = rng(0);
    again.set_state(states[from]);
    auto carry = line[from];
    for (auto i = from; i < 9; ++i) carry = model->imagine(carry, choice(1, static_cast<double>(i % 3)), {}, again);
    for (const auto& [name, tensor] : line[9]) EXPECT_TRUE(torch::equal(tensor, carry.at(name))) << name << " from " << from;
  }
}

TEST_F(DeltaIrisTest, LanesBeginAnewByThemselves) {
  auto model = made();
  auto carry = begun(*model, 2);
  for (int i = 0; i < 5; ++i) carry = model->observe(carry, choice(2, 1), noise_seen(2), rng());
  carry = begun_anew(1, model->initial(2), carry);
  const auto seen = noise_seen(2);
  const auto both = model->observe(carry, choice(2, 2), seen, rng());
  const auto alone = model->observe(model->initial(1), choice(1, 0), {seen.image.slice(0, 1), {}}, rng());
  EXPECT_LT(apart(both.at("state")[1], alone.at("state")[0]), 1e-5);
  EXPECT_EQ(both.at("filled").squeeze(1).sum().item<double>(), 3 + 1) << "the other was emptied with its fifth frame, and this is its seventh";
  EXPECT_EQ(both.at("codes")[1].abs().sum().item<double>(), 0) << "a first frame has no Δ-tokens";
  EXPECT_EQ(both.at("reward")[1][1].item<double>(), 1) << "and no action led there";
  EXPECT_EQ(both.at("surprise")[1].item<double>(), 0);
  EXPECT_GT(both.at("surprise")[0].item<double>(), 0);
  EXPECT_LT(apart(both.at("frame"), seen.image.permute({0, 3, 1, 2}) / 255.0), 1e-6) << "what is seen stays as it is";
}

TEST_F(DeltaIrisTest, ATokenCanBeExchanged) {
  auto model = made();
  {
    torch::NoGradGuard no_grad;  // so that it is not sure of every token
    model->transformer()->named_parameters()["codes_out.weight"].mul_(0.1);
  }
  const auto first = begun(*model, 1);
  auto carry = first;
  for (int i = 0; i < 3; ++i) carry = model->imagine(carry, choice(1, 1), {}, rng());
  for (const bool emptied : {false, true}) {
    if (emptied) carry = model->imagine(carry, choice(1, 1), {}, rng());
    EXPECT_EQ(carry.at("since")[0].item<double>() == 0, emptied);
    const auto code = carry.at("codes")[0][2].item<std::int64_t>(), other = (code + 3) % codes;
    const auto exchanged = model->edit(carry, "tokens/grid", 2 * codes + other, 1);
    EXPECT_EQ(exchanged.at("codes")[0][2].item<std::int64_t>(), other);
    EXPECT_GT(apart(exchanged.at("frame"), carry.at("frame")), 0.003);
    EXPECT_GT(apart(exchanged.at("state"), carry.at("state")), 1e-4) << "what is remembered of it is changed as well";
    const auto back = model->edit(exchanged, "tokens/grid", 2 * codes + code, 1);
    for (const char* name : {"codes", "state", "frame", "filled"}) EXPECT_LT(apart(back.at(name), carry.at(name)), 1e-4) << name;
    // What led to a window's first frame is not looked at.
    const auto looked_at = [&](const Carry& of) { return of.at("page03").slice(2, emptied ? places + 1 : 0); };
    EXPECT_LT(apart(looked_at(back), looked_at(carry)), 1e-4);
    EXPECT_EQ(exchanged.at("page02").data_ptr(), carry.at("page02").data_ptr());
    bool another = false;
    for (std::uint64_t seed = 0; seed < 4 && !another; ++seed)
      another = !torch::equal(model->randomise(carry, "tokens/grid", rng(seed)).at("codes"), carry.at("codes"));
    EXPECT_TRUE(another);
  }
  const auto same = model->edit(first, "tokens/grid", 3, 1), drawn = model->randomise(first, "tokens/grid", rng());
  for (const auto& [name, tensor] : first) EXPECT_TRUE(torch::equal(tensor, same.at(name)) && torch::equal(tensor, drawn.at(name))) << name;
  EXPECT_NE(test::message_of<Error>([&] { model->edit(carry, "tokens/grid", places * codes, 1); }).find("no element 64"), std::string::npos);
  EXPECT_NE(test::message_of<Error>([&] { model->edit(carry, "memory/window", 0, 1); }).find("cannot be edited"), std::string::npos);
}

TEST_F(DeltaIrisTest, SurpriseIsWhatTheTokensTold) {
  auto model = made();
  auto carry = begun(*model, 3);
  carry = model->observe(carry, choice(3, 2), noise_seen(3), rng());
  const auto belief = model->belief(carry);
  EXPECT_EQ(belief.latent.sizes(), (std::vector<std::int64_t>{3, places * codes}));
  EXPECT_LT(apart(kl_of(belief.posterior, belief.prior).sum(1), model->surprise(carry)), 0.02);
  EXPECT_FALSE(model->surprise(model->imagine(carry, choice(3, 0), {}, rng())).defined());
}

TEST_F(DeltaIrisTest, TheLatentIsThePresentFrame) {
  auto model = made();
  auto carry = begun(*model, 2), other = begun(*model, 2);
  for (int i = 0; i < 2; ++i) {
    carry = model->observe(carry, choice(2, 2), noise_seen(2), rng());
    other = model->observe(other, choice(2, 1), noise_seen(2), rng());
  }
  const auto same = model->with_latent(carry, carry);
  for (const auto& [name, tensor] : model->initial(2)) EXPECT_LT(apart(same.at(name), carry.at(name)), 1e-4) << name;
  const auto mixed = model->with_latent(carry, other);
  EXPECT_TRUE(torch::equal(mixed.at("frame"), other.at("frame")));
  EXPECT_EQ(mixed.at("page00").data_ptr(), carry.at("page00").data_ptr());
  const auto forgetful = model->with_latent(model->initial(2), other);
  EXPECT_EQ(forgetful.at("filled")[0].item<double>(), 1);
  const auto image = (other.at("frame") * 255).round().to(torch::kUInt8).permute({0, 2, 3, 1}).contiguous();
  EXPECT_LT(apart(forgetful.at("state"), model->observe(model->initial(2), choice(2, 0), {image, {}}, rng()).at("state")), 1e-5);
}

TEST_F(DeltaIrisTest, TakesContinuousActions) {
  auto spaces = small_pictures();
  spaces.action.choices.clear();
  spaces.action.axes = {"steer", "gas"}, spaces.action.low = {-1, 0}, spaces.action.high = {1, 1};
  auto model = made(small_model(), spaces);
  const auto carry = model->observe(model->initial(2), torch::zeros({2, 2}), noise_seen(2), rng());
  const auto a = model->imagine(carry, torch::tensor({{-1.0f, 0.0f}, {0.5f, 1.0f}}), {}, rng(3));
  const auto b = model->imagine(carry, torch::tensor({{1.0f, 0.0f}, {0.5f, 1.0f}}), {}, rng(3));
  EXPECT_GT(apart(a.at("expected")[0], b.at("expected")[0]), 1e-4);
  EXPECT_TRUE(torch::equal(a.at("expected")[1], b.at("expected")[1]));
  EXPECT_LT(apart(a.at("acted"), torch::tensor({{-1.0f, -1.0f}, {0.5f, 1.0f}})), 1e-6);
}

TEST_F(DeltaIrisTest, RewardsMayBeNumbers) {
  auto options = small_model();
  options.transformer.reward = DeltaReward::number;
  auto model = made(options);
  const auto carry = model->imagine(begun(*model, 2), choice(2, 1), {}, rng());
  EXPECT_EQ(carry.at("reward").sizes(), model->initial(2).at("reward").sizes());
  EXPECT_TRUE(torch::equal(model->outcome(carry).reward, carry.at("reward").squeeze(1)));
  EXPECT_EQ(model->reward_to_target(torch::tensor(2.5f)).item<float>(), 2.5f);
  EXPECT_EQ(made()->reward_to_target(torch::tensor(2.5f)).item<float>(), 1);
}

TEST_F(DeltaIrisTest, Bfloat16IsCloseToFloat32) {
  auto model = made();
  {
    torch::NoGradGuard no_grad;
    for (auto& p : model->transformer()->parameters()) p.mul_(0.3);
  }
  const auto run = [&](bool narrow) {
    model->set_bfloat16(narrow);
    torch::manual_seed(2);
    auto carry = begun(*model, 2);
    for (int i = 0; i < 5; ++i) carry = model->observe(carry, choice(2, i % 3), noise_seen(2), rng());
    return carry;
  };
  const auto exact = run(false), narrow = run(true);
  EXPECT_EQ(narrow.at("state").scalar_type(), torch::kFloat32);
  const auto deviation = exact.at("state").std().item<double>();
  EXPECT_LT((exact.at("state") - narrow.at("state")).square().mean().sqrt().item<double>(), 0.1 * deviation);
  EXPECT_GT(apart(exact.at("state"), narrow.at("state")), 0) << "it was another product";
  const auto loss = [&](bool on) {
    model->set_bfloat16(on);
    torch::manual_seed(4);
    return model->tokenizer()->loss(torch::rand({4, 3, side, side}), torch::eye(4, 3), torch::rand({4, 3, side, side})).total.item<double>();
  };
  EXPECT_NEAR(loss(true), loss(false), 0.03 * loss(false));
}

/// A block that goes round, by chance one or two corners at a time: what the frame before does not tell is in the Δ-tokens.
TEST_F(DeltaIrisTest, LearnsOneBatchByHeart) {
  auto options = small_model();
  options.tokenizer.width = 16;
  auto model = std::make_shared<DeltaIris>(options, small_pictures());
  auto corner = torch::zeros({4, 3, side, side});
  for (std::int64_t i = 0; i < 4; ++i) corner[i].fill_(0.2).slice(1, 8 * (i / 2), 8 * (i / 2) + 8).slice(2, 8 * (i % 2), 8 * (i % 2) + 8).fill_(0.9);
  const auto from = torch::tensor({0, 1, 2, 3, 0, 1, 2, 3}, torch::kInt64), to = torch::tensor({1, 2, 3, 0, 2, 3, 0, 1}, torch::kInt64);
  const auto frame = corner.index({from}), next = corner.index({to});
  const auto action = torch::zeros({8, 3}).index_fill_(1, torch::tensor({std::int64_t{1}}), 1);
  OptimiserOptions adam{.kind = OptimiserKind::adam, .learning_rate = 2e-3, .eps = 1e-8, .clip_norm = 10, .adaptive_clip = 0, .warm_up = 0};
  Optimiser of_tokens(model->tokenizer()->parameters(), adam);
  double first = 0, last = 0;
  auto chance = rng();
  for (int i = 0; i < 250; ++i) {
    const auto loss = model->tokenizer()->loss(frame, action, next);
    last = loss.square.item<double>();
    if (i == 0) first = last;
    loss.total.backward();
    of_tokens.step();
    model->tokenizer()->learn_codes(loss, chance);
  }
  EXPECT_LT(last, 0.02 * first);
  torch::Tensor told;
  {
    torch::NoGradGuard no_grad;
    told = model->tokenizer()->tokens(frame, action, next);
    EXPECT_FALSE(torch::equal(told[0], told[4])) << "one frame before and one action, two frames after";
  }
  // One round, by one corner at a time; the reward tells that it is in the last one.
  const auto frames = corner.unsqueeze(0).expand({8, -1, -1, -1, -1}), codes_told = told.slice(0, 0, 4).unsqueeze(0).expand({8, -1, -1});
  const auto actions = action.slice(0, 0, 4).unsqueeze(0).expand({8, -1, -1}).contiguous();
  auto reward = torch::zeros({8, window}), end = torch::zeros({8, window});
  reward.select(1, 2).fill_(2), end.select(1, 2).fill_(1);
  const auto all = torch::ones({8, window});
  Optimiser of_world(model->transformer()->parameters(), adam);
  for (int i = 0; i < 80; ++i) {
    const auto loss = model->transformer()->loss(frames, actions, codes_told, reward, end, all, all);
    last = loss.codes.item<double>() + loss.reward.item<double>() + loss.end.item<double>();
    loss.total.backward();
    of_world.step();
  }
  EXPECT_LT(last, 0.2);
  torch::NoGradGuard no_grad;
  const auto image = (corner.slice(0, 0, 1) * 255).round().to(torch::kUInt8).permute({0, 2, 3, 1}).contiguous();
  auto carry = model->observe(model->initial(1), choice(1, 0), {image, {}}, rng());
  for (std::int64_t i = 1; i < window; ++i) {
    carry = model->imagine(carry, choice(1, 1), {{"tau_tokens", 0.1}}, rng());
    EXPECT_LT((model->predict(carry).frame - corner[i]).abs().mean().item<double>(), 0.05) << i;
    EXPECT_NEAR(model->predict(carry).reward.item<double>(), i == 3, 0.2) << i;
    EXPECT_NEAR(model->predict(carry).done.item<double>(), i == 3, 0.2) << i;
  }
}

TEST_F(DeltaIrisTest, ShowsItsTokensAndWhatItRemembers) {
  auto model = made();
  auto carry = begun(*model, 1);
  const auto shown = [&] {
    ProbeSink sink({"tokens/grid", "tokens/change", "memory/window", "outcome/reward"});
    model->report(carry, sink);
    return sink.take();
  };
  ASSERT_EQ(shown().size(), 2u) << "a first frame has no Δ-tokens";
  EXPECT_NE(std::get<Text>(*shown()[0].value).text.find("holds 1 of 4 frames. It has not been emptied"), std::string::npos);
  carry = model->imagine(carry, choice(1, 2), {}, rng());
  auto probes = shown();
  ASSERT_EQ(probes.size(), 4u);
  EXPECT_TRUE(probes[0].editable);
  const auto& tokens = std::get<Tokens>(*probes[0].value);
  EXPECT_EQ(tokens.rows * tokens.cols, places);
  EXPECT_EQ(tokens.vocabulary, codes);
  EXPECT_EQ(tokens.use.size(), static_cast<std::size_t>(codes));
  ASSERT_EQ(tokens.likely.size(), 4u * 8);
  for (std::int64_t k = 0; k < places; ++k) {
    const auto p = carry.at("expected")[0][k].exp();
    const auto code = tokens.codes[static_cast<std::size_t>(k)];
    EXPECT_EQ(code, carry.at("codes")[0][k].item<int>());
    EXPECT_NEAR(tokens.chance[static_cast<std::size_t>(k)], p[code].item<float>(), 1e-6);
    EXPECT_EQ(tokens.likely[static_cast<std::size_t>(8 * k)], p.argmax().item<int>());
  }
  EXPECT_EQ(std::get<Image>(*probes[1].value).width, 3 * side);
  EXPECT_EQ(std::get<Vector>(*probes[3].value).values.size(), 4u);
  for (int i = 0; i < 3; ++i) carry = model->imagine(carry, choice(1, 0), {}, rng());
  EXPECT_NE(std::get<Text>(*shown()[2].value).text.find("holds 1 of 4 frames. It has just been emptied"), std::string::npos);
}

TEST_F(DeltaIrisTest, SaysWhatItCannotServe) {
  auto spaces = small_pictures();
  spaces.image_width = 24;
  EXPECT_NE(test::message_of<Error>([&] { DeltaIris model(small_model(), spaces); }).find("three times"), std::string::npos);
  auto options = small_model();
  options.tokenizer.tokens = 9;
  EXPECT_NE(test::message_of<Error>([&] { DeltaIris model(options, small_pictures()); }).find("tokenizer.tokens = 9"), std::string::npos);
  options = small_model();
  options.transformer.width = 66, options.transformer.heads = 2;
  EXPECT_NE(test::message_of<Error>([&] { DeltaIris model(options, small_pictures()); }).find("world.width = 66"), std::string::npos);
}

}  // namespace delta_iris_test
}  // namespace dream
