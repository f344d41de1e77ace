// The transformer state-space models of STORM and TransDreamer: token by token as at once, what is remembered and what is not, and that
// a batch is learned.
#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/models/tssm.h"
#include "core/nn/generator.h"
#include "core/nn/optimiser.h"

namespace dream {
namespace tssm_test {

constexpr std::int64_t lanes = 3, window = 8;

Spaces tssm_catch() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64, spaces.image_channels = 3;
  spaces.action.choices = {"left", "stay", "right"};
  return spaces;
}

TssmOptions tiny_options(TssmKind kind) {
  TssmOptions options;
  options.kind = kind;
  options.groups = options.classes = 4, options.width = 16, options.layers = 2, options.heads = 2, options.each = 8, options.between = 24;
  options.window = window, options.keep = 5, options.depth = 2, options.hidden = options.units = 16;
  options.dropout = 0.1;
  return options;
}

std::shared_ptr<Tssm> tiny(TssmKind kind) {
  torch::manual_seed(7);
  return std::make_shared<Tssm>(tiny_options(kind), tssm_catch());
}

at::Generator chance(std::uint64_t seed) {
  return make_generator(torch::kCPU, seed);
}

SequenceBatch some_batch(std::int64_t steps, std::uint64_t seed = 1) {
  const auto rng = chance(seed);
  SequenceBatch batch;
  batch.image = torch::randint(256, {steps, lanes, 64, 64, 3}, rng, torch::kUInt8);
  batch.action = torch::randint(3, {steps, lanes, 1}, rng, torch::kFloat32);
  batch.reward = torch::randn({steps, lanes}, rng);
  batch.terminated = batch.last = batch.first = torch::zeros({steps, lanes});
  return batch;
}

class TssmTest : public ::testing::TestWithParam<TssmKind> {
 protected:
  TssmTest() { torch::set_num_threads(1); }
};

void expect_close(const torch::Tensor& a, const torch::Tensor& b, double tolerance = 1e-5) {
  ASSERT_EQ(a.sizes(), b.sizes());
  EXPECT_LT((a - b).abs().max().item<double>(), tolerance);
}

TEST_P(TssmTest, StepByStepIsAsAtOnce) {
  torch::NoGradGuard no_grad;
  const auto model = tiny(GetParam());
  auto batch = some_batch(window + 1);
  batch.first[4][1] = 1;  // lane 1 begins another episode there
  std::vector<torch::Tensor> zs, hs;
  auto carry = model->initial(lanes);
  for (std::int64_t t = 0; t < batch.steps(); ++t) {
    carry = where_fresh(batch.first[t] > 0, model->initial(lanes), carry);
    carry = model->observe(carry, batch.action[t], {batch.image[t], {}}, chance(static_cast<std::uint64_t>(t)));
    zs.push_back(carry.at("z"));
    hs.push_back(carry.at("h"));
  }
  const auto piece = model->remember(torch::stack(zs), batch.action, batch.first, {});
  expect_close(piece.h, torch::stack(hs));
  EXPECT_EQ(piece.known[4][1].item<float>(), 0);
  EXPECT_EQ(piece.h[4][1].abs().max().item<float>(), 0) << "nothing leads into an episode";
}

TEST_P(TssmTest, NoMomentSeesLaterOnesNorOtherEpisodes) {
  torch::NoGradGuard no_grad;
  const auto model = tiny(GetParam());
  auto batch = some_batch(window + 1);
  batch.first[3].fill_(1);
  const auto z = torch::one_hot(torch::randint(4, {window + 1, lanes, 4}, chance(3), torch::kInt64), 4).to(torch::kFloat32).flatten(2);
  const auto before = model->remember(z, batch.action, batch.first, {}).h;
  for (std::int64_t changed = 0; changed <= window; ++changed) {
    auto other = z.clone();
    other[changed] = z[changed].roll(1, -1);
    const auto after = model->remember(other, batch.action, batch.first, {}).h;
    for (std::int64_t t = 0; t <= window; ++t) {
      const bool same_episode = (t < 3) == (changed < 3);
      const double difference = (after[t] - before[t]).abs().max().item<double>();
      if (t <= changed || !same_episode)
        EXPECT_EQ(difference, 0) << changed << " " << t;
      else
        EXPECT_GT(difference, 0) << changed << " " << t;
    }
  }
}

TEST_P(TssmTest, AFullWindowBeginsANewOneOfItsLastTokens) {
  torch::NoGradGuard no_grad;
  const auto model = tiny(GetParam());
  auto carry = model->initial(2);
  const auto action = torch::ones({2, 1});
  carry = model->observe(carry, action, {torch::zeros({2, 64, 64, 3}, torch::kUInt8), {}}, chance(0));
  std::vector<torch::Tensor> zs = {carry.at("z")};
  const auto shapes = model->initial(2);
  for (std::int64_t i = 0; i < window + 3; ++i) {
    carry = model->imagine(carry, action, {}, chance(static_cast<std::uint64_t>(i)));
    zs.push_back(carry.at("z"));
    for (const auto& [name, tensor] : shapes) EXPECT_EQ(carry.at(name).sizes(), tensor.sizes()) << name;
    EXPECT_LE(carry.at("count").max().item<double>(), window);
  }
  // 8 tokens were there, 5 of them were kept, 3 more have come.
  EXPECT_EQ(carry.at("count")[0].item<double>(), 8);
  const auto newest = torch::stack(std::vector<torch::Tensor>(zs.end() - 9, zs.end()));
  const auto piece = model->remember(newest, torch::ones({9, 2, 1}), torch::zeros({9, 2}), {});
  expect_close(carry.at("h"), piece.h[8]);
}

TEST_P(TssmTest, StartsAreTheStatesOfTheirMoments) {
  const auto model = tiny(GetParam());
  auto batch = some_batch(window + 1);
  batch.first[4][1] = 1;
  const auto z = torch::one_hot(torch::randint(4, {window + 1, lanes, 4}, chance(3), torch::kInt64), 4).to(torch::kFloat32).flatten(2);
  const auto loss = model->loss(batch, chance(0), z);
  torch::NoGradGuard no_grad;
  const auto starts = loss.starts_at(torch::arange(lanes * (window + 1)));
  auto carry = model->initial(lanes);
  for (std::int64_t t = 0; t <= window; ++t) {
    if (t > 0) carry = model->imagine(carry, batch.action[t], {}, chance(0));
    carry = where_fresh(batch.first[t] > 0, model->initial(lanes), carry);
    carry["z"] = z[t];
    const auto at = [&](const char* name) { return starts.at(name).slice(0, t * lanes, (t + 1) * lanes); };
    for (const auto* name : {"z", "h", "count", "tokens", "memory0", "memory1"}) expect_close(at(name), carry.at(name));
  }
  // The last of a short context, in a window that just holds it.
  const auto seen = model->having_seen(batch, window, chance(5));
  EXPECT_EQ(seen.at("count")[0].item<double>(), window);
  EXPECT_EQ(seen.at("count")[1].item<double>(), window - 4);
}

TEST_P(TssmTest, TheSameChanceGivesTheSameDreamAndNothingIsLearnedByDreaming) {
  torch::NoGradGuard no_grad;
  const auto model = tiny(GetParam());
  std::map<std::string, torch::Tensor> before;
  for (const auto& b : model->named_buffers()) before[b.key()] = b.value().clone();
  const auto dream = [&] {
    const auto rng = chance(4);
    auto carry = model->observe(model->initial(1), torch::zeros({1, 1}), {torch::full({1, 64, 64, 3}, 9, torch::kUInt8), {}}, rng);
    for (int i = 0; i < 3; ++i) carry = model->imagine(carry, torch::ones({1, 1}), {}, rng);
    return model->predict(carry);
  };
  const auto first = dream(), second = dream();
  EXPECT_TRUE(torch::equal(first.frame, second.frame));
  EXPECT_TRUE(torch::equal(first.reward, second.reward));
  EXPECT_EQ(first.frame.sizes(), (std::vector<std::int64_t>{1, 3, 64, 64}));
  for (const auto& b : model->named_buffers()) EXPECT_TRUE(torch::equal(b.value(), before[b.key()])) << b.key();
}

TEST_P(TssmTest, WeightsInBf16SayNearlyTheSameAndFollowTheirOwn) {
  torch::NoGradGuard no_grad;
  const auto model = tiny(GetParam());
  const auto start = model->observe(model->initial(1), torch::zeros({1, 1}), {torch::full({1, 64, 64, 3}, 99, torch::kUInt8), {}}, chance(1));
  const auto painted = [&](bool narrow) {
    model->set_bfloat16(narrow);
    return model->predict(model->imagine(start, torch::ones({1, 1}), {{"tau", 0.05}}, chance(2))).reward;
  };
  expect_close(painted(true), painted(false), 0.05);
  for (auto& p : model->parameters()) p.mul_(1.5);
  expect_close(painted(true), painted(false), 0.2);
}

/// Where the window is full, what is kept goes through the transformer as a sequence, not row by row.
TEST_P(TssmTest, DreamsInBf16PastItsWindow) {
  torch::NoGradGuard no_grad;
  const auto model = tiny(GetParam());
  const auto past = [&](bool narrow) {
    model->set_bfloat16(narrow);
    auto carry = model->observe(model->initial(1), torch::zeros({1, 1}), {torch::full({1, 64, 64, 3}, 99, torch::kUInt8), {}}, chance(1));
    for (std::int64_t i = 0; i <= window; ++i) carry = model->imagine(carry, torch::ones({1, 1}), {{"tau", 0.05}}, chance(2));
    EXPECT_LE(carry.at("count").item<double>(), window);
    return model->outcome(carry).reward;
  };
  expect_close(past(true), past(false), 0.1);
}

TEST_P(TssmTest, LearnsABatchByHeart) {
  torch::manual_seed(7);
  auto options = tiny_options(GetParam());
  options.dropout = 0, options.depth = 4;
  Tssm model(options, tssm_catch());
  auto batch = some_batch(window);
  // Flat pictures, each of its own gray.
  batch.image = (torch::rand({window, lanes, 1, 1, 1}, chance(8)) * 255).to(torch::kUInt8).expand({window, lanes, 64, 64, 3}).contiguous();
  Optimiser optimiser(model.parameters(), {.kind = OptimiserKind::adam, .learning_rate = 3e-3, .eps = 1e-8, .clip_norm = 100, .adaptive_clip = 0, .warm_up = 0});
  const auto term = [](const SequenceLoss& loss, const std::string& name) {
    for (const auto& [each, value] : loss.terms)
      if (each == name) return value.item<double>();
    return std::nan("");
  };
  double reward = 0, image = 0;
  for (int i = 0; i < 80; ++i) {
    const auto loss = model.loss(batch, chance(static_cast<std::uint64_t>(i)));
    if (i == 0) reward = term(loss, "reward"), image = term(loss, "image");
    loss.total.backward();
    optimiser.step();
  }
  const auto loss = model.loss(batch, chance(1000));
  EXPECT_LT(term(loss, "reward"), GetParam() == TssmKind::storm ? 0.7 * reward : reward - 0.2);
  EXPECT_LT(term(loss, "image"), GetParam() == TssmKind::storm ? 0.3 * image : image);
}

/// One that sees vectors learns them, and to paint what they mean, from which nothing else learns.
TEST_P(TssmTest, SeesVectorsAndPaintsForPeople) {
  torch::manual_seed(7);
  auto options = tiny_options(GetParam());
  options.observe = Sees::vector, options.dropout = 0, options.depth = 4, options.paint_every = 1;
  auto spaces = tssm_catch();
  spaces.vector_names = {"x", "y", "there"};
  Tssm model(options, spaces);
  auto batch = some_batch(window);
  batch.vector = torch::rand({window, lanes, 3}, chance(8));
  const auto gray = batch.vector.slice(2, 0, 1).unsqueeze(-1).unsqueeze(-1);
  batch.image = (gray * 255).to(torch::kUInt8).expand({window, lanes, 64, 64, 3}).contiguous();
  const auto term = [](const SequenceLoss& loss, const std::string& name) {
    for (const auto& [each, value] : loss.terms)
      if (each == name) return value.item<double>();
    return std::nan("");
  };
  const auto gradient = [&](const std::string& of) { return model.named_parameters()[of].grad().clone(); };
  const auto first = model.loss(batch, chance(0));
  first.total.backward();
  const auto seen = gradient("vector_encoder.layer0.linear.weight");
  EXPECT_GT(seen.abs().max().item<double>(), 0);
  model.zero_grad();
  auto dark = batch;
  dark.image = torch::ones_like(batch.image);
  model.loss(dark, chance(0)).total.backward();
  EXPECT_TRUE(torch::equal(gradient("vector_encoder.layer0.linear.weight"), seen)) << "the picture is for people";
  model.zero_grad();
  Optimiser optimiser(model.parameters(), {.kind = OptimiserKind::adam, .learning_rate = 3e-3, .eps = 1e-8, .clip_norm = 100, .adaptive_clip = 0, .warm_up = 0});
  for (int i = 0; i < 120; ++i) {
    model.loss(batch, chance(static_cast<std::uint64_t>(i))).total.backward();
    optimiser.step();
  }
  const auto last = model.loss(batch, chance(1000));
  EXPECT_LT(term(last, "vector"), 0.5 * term(first, "vector"));
  EXPECT_LT(term(last, "image"), term(first, "image"));

  torch::NoGradGuard no_grad;
  auto carry = model.initial(2);
  carry = model.observe(carry, torch::ones({2, 1}), {{}, batch.vector[0].slice(0, 0, 2)}, chance(1));
  carry = model.imagine(carry, torch::ones({2, 1}), {}, chance(2));
  EXPECT_EQ(model.predict(carry).frame.sizes(), (std::vector<std::int64_t>{2, 3, 64, 64}));
  options.paint = false;
  Tssm unseen(options, spaces);
  EXPECT_FALSE(unseen.predict(unseen.initial(1)).frame.defined());
  options.observe = Sees::both;
  Tssm both(options, spaces);
  EXPECT_EQ(both.observe(both.initial(lanes), torch::ones({lanes, 1}), {batch.image[0], batch.vector[0]}, chance(1)).at("z").size(0), lanes);
  EXPECT_THROW(Tssm(options, tssm_catch()), Error) << "this world shows no vector";
}

TEST_P(TssmTest, SaysWhatItBelievesAndCanBeEdited) {
  torch::NoGradGuard no_grad;
  const auto model = tiny(GetParam());
  auto carry = model->initial(2);
  for (int i = 0; i < 3; ++i) carry = model->observe(carry, torch::ones({2, 1}), {torch::full({2, 64, 64, 3}, 60 * i, torch::kUInt8), {}}, chance(1));
  EXPECT_EQ(model->surprise(carry).sizes(), (std::vector<std::int64_t>{2}));
  EXPECT_GT(model->surprise(carry).min().item<double>(), 0);
  const auto belief = model->belief(carry);
  EXPECT_EQ(belief.posterior.log_probabilities.sizes(), (std::vector<std::int64_t>{2, 4, 4}));
  expect_close(kl_of(belief.posterior, belief.prior).sum(1), model->surprise(carry), 1e-4);
  const auto edited = model->edit(carry, "latent/z", 6, 1);
  EXPECT_EQ(edited.at("z")[0].slice(0, 4, 8).argmax().item<std::int64_t>(), 2);
  EXPECT_TRUE(torch::equal(model->with_latent(carry, edited).at("z"), edited.at("z")));
  EXPECT_TRUE(torch::equal(model->with_latent(carry, edited).at("memory1"), carry.at("memory1")));
  EXPECT_THROW(model->edit(carry, "hidden/h", 0, 1), Error);
  EXPECT_THROW(model->edit(carry, "latent/z", 16, 1), Error);
}

TEST_P(TssmTest, RefusesWhatDoesNotFit) {
  auto options = tiny_options(GetParam());
  options.keep = window;
  EXPECT_THROW(Tssm(options, tssm_catch()), Error);
  EXPECT_THROW(Tssm(tiny_options(GetParam()), Spaces{}), Error);
  const auto model = tiny(GetParam());
  EXPECT_THROW(model->loss(some_batch(window + 2), chance(0)), Error);
}

INSTANTIATE_TEST_SUITE_P(Both, TssmTest, ::testing::Values(TssmKind::storm, TssmKind::transdreamer),
                         [](const auto& each) { return each.param == TssmKind::storm ? "Storm" : "TransDreamer"; });

TEST(Tssm, BeginsAsTheFormulasSay) {
  torch::manual_seed(1);
  auto options = tiny_options(TssmKind::storm);
  options.groups = options.classes = 8, options.width = 64, options.each = 32;
  Tssm model(options, tssm_catch());
  const auto loss = model.loss(some_batch(window), chance(0));
  for (const auto& [name, value] : loss.terms) {
    if (name == "reward") {
      EXPECT_NEAR(value.item<double>(), std::log(255.0), 0.4);
    }
    if (name == "dynamics" || name == "representation") {
      EXPECT_GE(value.item<double>(), 1) << "free nats";
    }
  }
}

}  // namespace tssm_test
}  // namespace dream
