// JEPA and what keeps it from collapsing: against eb_jepa with the same weights and embeddings (golden file by
// tests/golden/make_jepa.py), by closed forms, and as a world model.
#include "core/models/jepa.h"

#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/base/npy.h"
#include "core/behaviours/planner.h"
#include "core/behaviours/wanderer.h"
#include "core/engine/collapse_meter.h"
#include "core/env/two_room.h"
#include "core/nn/generator.h"
#include "core/nn/optimiser.h"

namespace dream {
namespace jepa_test {

Spaces room() {
  return TwoRoom().spaces();
}

JepaOptions small(std::int64_t latent = 16) {
  JepaOptions options;
  options.latent = latent, options.depth = 2, options.inverse_units = 24, options.view.depth = 2;
  return options;
}

torch::Tensor tensor_of(const Npz& file, const std::string& name) {
  const auto& array = file.at(name);
  std::vector<std::int64_t> shape(array.shape.begin(), array.shape.end());
  const auto values = array.view<float>(name);
  return torch::tensor(std::vector<float>(values.begin(), values.end())).view(shape);
}

TEST(Jepa, LosesWhatEbJepaLoses) {
  const auto golden = read_npz(DREAMSCOPE_SOURCE_DIR "/tests/golden/jepa/loss.npz");
  const auto of = [&](const char* name) { return tensor_of(golden, name); };
  auto options = small();
  options.inverse = 1, options.predictor = JepaPredictor::gru;
  Jepa model(options, room());
  {
    torch::NoGradGuard no_grad;
    auto parameters = model.named_parameters();
    const auto take = [&](const std::string& mine, const char* theirs) { parameters[mine].copy_(of(theirs)); };
    take("predictor.weight_ih", "predictor/rnn.weight_ih_l0"), take("predictor.weight_hh", "predictor/rnn.weight_hh_l0");
    take("predictor.bias_ih", "predictor/rnn.bias_ih_l0"), take("predictor.bias_hh", "predictor/rnn.bias_hh_l0");
    take("predicted.scale", "predictor/final_ln.weight"), take("predicted.shift", "predictor/final_ln.bias");
    take("inverse.layer0.linear.weight", "inverse_model/model.0.weight"), take("inverse.layer0.linear.bias", "inverse_model/model.0.bias");
    take("inverse.layer1.linear.weight", "inverse_model/model.2.weight"), take("inverse.layer1.linear.bias", "inverse_model/model.2.bias");
    take("inverse.out.weight", "inverse_model/model.4.weight"), take("inverse.out.bias", "inverse_model/model.4.bias");
  }
  const auto z = of("z"), action = of("action");
  const auto loss = model.loss_of(z, z.slice(0, 1), action, torch::ones({action.size(0), action.size(1)}), options,
                                  make_generator(torch::kCPU, 1));
  EXPECT_NEAR(loss.total.item<double>(), of("total").item<double>(), 1e-4);
  ASSERT_EQ(loss.terms.size(), 6u);
  for (const auto& [name, term] : loss.terms) {
    if (name == "sigreg") continue;  // which is measured along directions of its own
    EXPECT_NEAR(term.item<double>(), of(name.c_str()).item<double>(), 1e-5) << name;
  }
}

TEST(Jepa, LooksForANormalAsEbJepa) {
  const auto golden = read_npz(DREAMSCOPE_SOURCE_DIR "/tests/golden/jepa/loss.npz");
  const auto rows = tensor_of(golden, "z").flatten(0, 1);
  EXPECT_NEAR(sig_reg_along(rows, tensor_of(golden, "directions"), {}).item<double>(),
              tensor_of(golden, "sigreg").item<double>(), 1e-5);
}

/// Of a constant and of normal draws; derived in closed form.
TEST(Regularisers, KnowAPointFromACloud) {
  const auto point = torch::full({100, 8}, 0.3);
  EXPECT_NEAR(variance_hinge(point).item<double>(), 0.99, 1e-6);  // 25 of it are VICReg's 24.75
  EXPECT_NEAR(covariance_off_diagonal(point).item<double>(), 0, 1e-12);
  auto rng = make_generator(torch::kCPU, 3);
  EXPECT_NEAR(sig_reg(torch::zeros({100, 8}), {}, rng).item<double>(), 0.39996, 1e-4);
  const auto cloud = torch::randn({20000, 4}, rng);
  EXPECT_NEAR(variance_hinge(cloud).item<double>(), 0, 0.02);
  EXPECT_LT(sig_reg(cloud, {}, rng).item<double>(), 3 * 1.05 / 20000);
  // x and 2x: covariance 2, both ways.
  const auto one = torch::randn({20000, 1}, rng);
  EXPECT_NEAR(covariance_off_diagonal(torch::cat({one, 2 * one}, 1)).item<double>(), 4, 0.3);
}

/// Its gradient is 0 where all is one point: who has collapsed does not come back by it alone.
TEST(Regularisers, SigRegDoesNotPullAPointApart) {
  auto point = torch::zeros({64, 8}).requires_grad_(true);
  sig_reg(point, {}, make_generator(torch::kCPU, 1)).backward();
  EXPECT_LT(point.grad().abs().max().item<double>(), 1e-7);
}

SequenceBatch walked(std::int64_t steps, std::int64_t lanes) {
  SequenceBatch batch;
  batch.image = torch::empty({steps, lanes, 64, 64, 3}, torch::kUInt8);
  batch.action = torch::zeros({steps, lanes, 2});
  batch.reward = torch::zeros({steps, lanes}), batch.terminated = batch.last = batch.first = torch::zeros({steps, lanes});
  TwoRoom env;
  Rng chance(4);
  for (std::int64_t lane = 0; lane < lanes; ++lane) {
    env.reset(static_cast<std::uint64_t>(lane));
    for (std::int64_t t = 0; t < steps; ++t) {
      if (t > 0) {
        const std::vector<float> step{static_cast<float>(chance.uniform(-2, 2)), static_cast<float>(chance.uniform(-2, 2))};
        env.step(step);
        batch.action[t][lane].copy_(torch::tensor(step));
      }
      env.observe_image({batch.image[t][lane].data_ptr<std::uint8_t>(), 64 * 64 * 3});
    }
  }
  return batch;
}

/// Returns what is lost at first and at last, and the spread of z then.
struct Learned {
  double first = 0, last = 0, spread = 0;
};
Learned by_heart(AntiCollapse against, std::int64_t updates) {
  torch::set_num_threads(1);
  torch::manual_seed(1);
  auto options = small();
  options.against = against, options.slow_share = 0.05;
  Jepa model(options, room());
  Optimiser optimiser(model.learned(), {.kind = OptimiserKind::adam, .learning_rate = 2e-3, .eps = 1e-8, .clip_norm = 2, .adaptive_clip = 0, .warm_up = 0});
  const auto batch = walked(5, 16);
  auto rng = make_generator(torch::kCPU, 1);
  Learned made;
  for (std::int64_t i = 0; i < updates; ++i) {
    const auto loss = model.loss(batch, options, rng);
    made.last = loss.terms.front().second.item<double>();
    if (i == 0) made.first = made.last;
    made.spread = loss.z.flatten(0, 1).std(0).mean().item<double>();
    loss.total.backward();
    optimiser.step();
    model.follow_slowly(options.slow_share);
  }
  return made;
}

TEST(Jepa, WithoutARegulariserItCollapsesWhileItsLossFalls) {
  const auto alone = by_heart(AntiCollapse::none, 150);
  EXPECT_LT(alone.last, 0.05 * alone.first);
  EXPECT_LT(alone.spread, 0.1);
  const auto kept = by_heart(AntiCollapse::vicreg, 150);
  EXPECT_GT(kept.spread, 0.7);
  EXPECT_LT(kept.last, kept.first);
}

TEST(Jepa, EveryRegulariserHasALossOfItsOwn) {
  for (const auto against : {AntiCollapse::sigreg, AntiCollapse::ema, AntiCollapse::byol}) {
    const auto made = by_heart(against, 30);
    EXPECT_TRUE(std::isfinite(made.last)) << name_of(against);
    EXPECT_LT(made.last, made.first) << name_of(against);
  }
}

TEST(Jepa, NoGradientReachesTheSlowEncoder) {
  auto options = small();
  options.against = AntiCollapse::ema;
  Jepa model(options, room());
  model.loss(walked(3, 2), options, make_generator(torch::kCPU, 1)).total.backward();
  for (const auto& p : model.named_parameters())
    EXPECT_TRUE(!p.key().starts_with("slow_encoder") || !p.value().grad().defined()) << p.key();
}

TEST(Jepa, StepsAfterAnEpisodesEndDoNotCount) {
  torch::manual_seed(2);
  auto options = small();
  options.against = AntiCollapse::none;
  Jepa model(options, room());
  auto rng = make_generator(torch::kCPU, 1);
  torch::NoGradGuard no_grad;
  auto batch = walked(4, 3);
  batch.first = torch::zeros({4, 3});
  batch.first[2].fill_(1);
  const auto before = model.loss(batch, options, rng).total.item<double>();
  batch.image[2].fill_(9), batch.image[3].fill_(200);
  EXPECT_EQ(model.loss(batch, options, rng).total.item<double>(), before);
}

TEST(Jepa, PaysWhatTheGoalIsAway) {
  torch::manual_seed(2);
  Jepa model(small(), room());
  auto rng = make_generator(torch::kCPU, 1);
  torch::NoGradGuard no_grad;
  const auto batch = walked(2, 2);
  const auto seen = model.observe(model.initial(2), torch::zeros({2, 2}), {batch.image[0], {}}, rng);
  EXPECT_EQ(model.outcome(seen).reward.abs().max().item<double>(), 0);  // no goal
  const auto there = model.aimed(seen, batch.image[0]);
  EXPECT_LT(model.outcome(there).reward.abs().max().item<double>(), 1e-6);  // one is there
  const auto away = model.aimed(seen, batch.image[0].flip(0));
  const auto expected = (seen.at("z") - seen.at("z").flip(0)).square().mean(-1);
  EXPECT_TRUE(torch::allclose(model.outcome(away).reward, -expected));
  // It stays what it is in a dream, and where a picture comes without one.
  const auto dreamt = model.imagine(away, torch::zeros({2, 2}), {}, rng);
  EXPECT_TRUE(torch::equal(dreamt.at("goal"), away.at("goal")));
  const auto later = model.observe(away, torch::zeros({2, 2}), {batch.image[1], {}}, rng);
  EXPECT_TRUE(torch::equal(later.at("goal"), away.at("goal")));
}

TEST(CollapseMeter, MeasuresWhatIsKnown) {
  auto rng = make_generator(torch::kCPU, 5);
  const auto cloud = torch::randn({4096, 8}, rng, torch::kFloat64);
  EXPECT_NEAR(CollapseMeter::effective_rank(cloud), 8, 0.1);
  EXPECT_NEAR(CollapseMeter::pairwise_cosine(cloud), 0, 0.01);
  const auto line = torch::randn({512, 1}, rng, torch::kFloat64) * torch::ones({1, 8}, torch::kFloat64);
  EXPECT_NEAR(CollapseMeter::effective_rank(line), 1, 1e-6);
  EXPECT_NEAR(CollapseMeter::pairwise_cosine(torch::ones({64, 4}, torch::kFloat64)), 1, 1e-9);
}

TEST(CollapseMeter, SaysInWordsThatItHasCollapsed) {
  TwoRoom env;
  ASSERT_TRUE(CollapseMeter::knows_places(env));
  CollapseMeter meter(env, 1, 64);
  Metrics metrics(CollapseMeter::curves(true));
  meter.look([](const torch::Tensor& images) { return images.flatten(1).to(torch::kFloat32).slice(1, 0, 4096) / 255; }, metrics, 1);
  meter.look([](const torch::Tensor& images) { return torch::ones({images.size(0), 8}); }, metrics, 2);
  EXPECT_NE(meter.alarm().find("has collapsed"), std::string::npos) << meter.alarm();
  auto rng = make_generator(torch::kCPU, 5);
  meter.look([&](const torch::Tensor& images) { return torch::randn({images.size(0), 8}, rng); }, metrics, 3);
  EXPECT_EQ(meter.alarm(), "");
}

TEST(Wanderer, KeepsItsHeadingForAWhileAndItsBounds) {
  const auto spaces = room();
  Wanderer walk(spaces.action, std::make_shared<Planner>(spaces.action, PlannerOptions{}));
  auto rng = make_generator(torch::kCPU, 2);
  auto memory = walk.initial(256);
  torch::Tensor before;
  double along = 0, most = 0;
  for (int step = 0; step < 20; ++step) {
    auto decision = walk.decide({}, memory, Mode::collect, rng);
    memory = decision.memory;
    most = std::max(most, decision.action.norm(2, -1).max().item<double>());
    if (before.defined()) along += (memory.at("heading") * before).sum(-1).mean().item<double>() / 19;
    before = memory.at("heading");
  }
  EXPECT_LE(most, TwoRoom::kStep + 1e-5);
  EXPECT_NEAR(along, 0.89, 0.03);  // the mean cosine of a turn, as that of von Mises with κ = 5
}

}  // namespace jepa_test
}  // namespace dream
