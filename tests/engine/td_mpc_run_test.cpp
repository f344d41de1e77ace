// TD-MPC and TD-MPC2 as recipes, on real environments, as small as they get; and their loss by closed forms.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/td_mpc/td_mpc.h"
#include "core/engine/trainer.h"
#include "core/nn/generator.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace td_mpc_run_test {

using test::expect_same;
using test::message_of;

struct Family {
  const char* recipe;
  std::vector<std::string> settings;
};
const Family second = {"td-mpc2", {"world.latent=16", "world.encoder_units=8"}};
const Family second_episodic = {"td-mpc2", {"world.latent=16", "world.episodic=true", "view.on=false"}};
const Family second_pictures = {"td-mpc2", {"world.latent=16", "world.observe=image", "world.channels=4"}};
const Family first = {"td-mpc", {"world.latent=8", "planner.anneal=6"}};

class TdMpcRun : public ::testing::Test {
 protected:
  TdMpcRun() { torch::set_num_threads(1); }

  std::unique_ptr<System> make(const Family& run, const std::string& name, const std::vector<std::string>& more = {}) {
    RunSpec spec;
    spec.recipe = run.recipe;
    spec.environment = "Pendulum";
    spec.directory = folder_ / name;
    spec.settings = {"train.steps=60",
                     "train.prefill=40",
                     "train.lanes=2",
                     "train.batch=4",
                     "train.length=4",
                     "train.train_ratio=8",
                     "train.evaluate_episodes=2",
                     "world.units=8",
                     "behaviour.units=8",
                     "planner.candidates=6",
                     "planner.from_prior=2",
                     "planner.elites=3",
                     "planner.iterations=2",
                     "planner.horizon=2",
                     "train.gauges=false",
                     "view.depth=2",
                     "view.pictures=2",
                     "view.every=2",
                     "env.repeat=20"};
    for (const auto* list : {&run.settings, &more})
      spec.settings.insert(spec.settings.end(), list->begin(), list->end());
    return make_system(spec);
  }
  test::TempFolder folder_;
};

TEST_F(TdMpcRun, AnInterruptedRunGoesOnBitForBit) {
  for (const auto& run : {second, second_episodic, second_pictures, first}) {
    const std::string whole = std::string(run.recipe) + run.settings[1] + "whole", torn = whole + "torn";
    {
      Trainer trainer(make(run, whole), {1e9, ""}, false);
      while (trainer.advance()) {
      }
      trainer.close();
      const auto parts = std::static_pointer_cast<TdMpcParts>(trainer.system().parts);
      EXPECT_EQ(parts->updates, 1 + (60 - 40) * 8 / 16);
      EXPECT_NE(trainer.system().facts.at("score").find("over 2 unseen episodes"), std::string::npos);
      EXPECT_GT(trainer.system().starts.at("z").size(0), 0);
      EXPECT_EQ(parts->planner->live_options().horizon, 2) << "plans in full once all is learned";
    }
    for (bool more = true, resume = false; more; resume = true) {
      Trainer trainer(make(run, torn), {1e9, ""}, resume);
      for (int i = 0; i < 5 && more; ++i) {
        more = trainer.advance();
        if (more && trainer.current()) trainer.current()->frames();  // to watch changes nothing
      }
      trainer.close();
    }
    expect_same(folder_ / whole, folder_ / torn);
  }
}

TEST_F(TdMpcRun, ItsCurvesAreThere) {
  Trainer trainer(make(second_episodic, "run", {"view.on=true"}), {}, false);
  while (trainer.advance()) {
  }
  for (const auto& view : trainer.system().metrics.views(nullptr)) {
    if (view.name.starts_with("world/") || view.name.starts_with("behaviour/") || view.name.starts_with("view/")) {
      EXPECT_FALSE(view.y.empty()) << view.name;
    }
  }
  EXPECT_FALSE(std::isnan(trainer.system().metrics.last("view/picture")));
  EXPECT_FALSE(std::isnan(trainer.system().metrics.last("world/termination")));
}

TEST_F(TdMpcRun, ThePlayerDreamsWithIt) {
  Player player;
  player.load(make(second, "run"), "td-mpc2");
  player.watch({"latent/z", "policy/values"});
  for (int i = 1; i < 4; ++i) player.step(now_seconds() + i);
  EXPECT_EQ(player.view()->step, 3);
  EXPECT_FALSE(player.view()->probes.empty());
}

TEST_F(TdMpcRun, RefusesChoicesInWords) {
  RunSpec spec;
  spec.recipe = "td-mpc2";
  spec.environment = "Catch";
  EXPECT_NE(message_of<Error>([&] { make_system(spec); }).find("Gaussian over continuous actions"), std::string::npos);
}

TEST_F(TdMpcRun, ThePublishedConstantsAreTheDefaults) {
  const auto system = make({"td-mpc2", {"size=5m", "env.repeat=1", "world.latent=512"}}, "run");
  const auto parts = std::static_pointer_cast<TdMpcParts>(system->parts);
  EXPECT_DOUBLE_EQ(parts->policy->discount(), 0.975) << "of an episode of 200 steps";
  EXPECT_EQ(parts->model->feature_count(), 512);
  TdMpcRunOptions published;
  published.size = TdSize::s_317m;
  set_published(published, "td-mpc2", 21, 1000);
  EXPECT_EQ(published.behaviour.members, 8);
  EXPECT_EQ(published.planner.iterations, 8);
  EXPECT_EQ(published.planner.candidates + published.planner.from_prior, 512);
  EXPECT_EQ(published.train.prefill, 5000);
}

// -- the loss
// --------------------------------------------------------------------------------------------------------------

class TdMpcLossTest : public ::testing::Test {
 protected:
  TdMpcLossTest() {
    torch::set_num_threads(1);
    torch::manual_seed(3);
    spaces_.vector_names = {"x", "y"};
    spaces_.action.axes = {"a"};
    spaces_.action.low = {-1}, spaces_.action.high = {1}, spaces_.action.idle = {0};
    TdMpcOptions world;
    world.latent = 32, world.units = world.encoder_units = 32;
    TdPolicyOptions behaviour;
    behaviour.units = 32, behaviour.discount = 0.9;
    model_ = std::make_unique<TdMpc>(world, spaces_);
    policy_ = std::make_unique<TdPolicy>(32, spaces_.action, behaviour);
    batch_.vector = torch::randn({4, 8, 2});
    batch_.action = torch::rand({4, 8, 1}) * 2 - 1;
    batch_.reward = torch::randn({4, 8});
    batch_.terminated = torch::zeros({4, 8}), batch_.first = torch::zeros({4, 8}), batch_.last = torch::zeros({4, 8});
  }
  TdModelLoss loss(const SequenceBatch& batch) {
    return td_model_loss(*model_, *policy_, batch, {}, {}, make_generator(torch::kCPU, 1));
  }
  static double term(const TdModelLoss& loss, const std::string& name) {
    for (const auto& [key, value] : loss.terms)
      if (key == name) return value.item<double>();
    return NAN;
  }

  Spaces spaces_;
  std::unique_ptr<TdMpc> model_;
  std::unique_ptr<TdPolicy> policy_;
  SequenceBatch batch_;
};

TEST_F(TdMpcLossTest, BeginsWhereNothingIsKnown) {
  const auto begun = loss(batch_);
  const double nothing = std::log(101.0) * (1 + 0.5 + 0.25) / 3;
  EXPECT_NEAR(term(begun, "reward"), nothing, 1e-5);
  EXPECT_NEAR(term(begun, "value"), nothing, 1e-5);
  EXPECT_NEAR(0.1 * term(begun, "reward"), 0.269215, 1e-5);
  EXPECT_LT(term(begun, "consistency"), 0.03) << "every number is between 0 and 1, 1/8 on average";
  torch::NoGradGuard no_grad;
  const auto z = begun.z[0];
  EXPECT_EQ(policy_->value(z).abs().max().item<double>(), 0);
  EXPECT_EQ(model_->reward_of(model_->reward_logits(z, torch::zeros({8, 1}))).abs().max().item<double>(), 0);
}

/// What lies beyond an episode's end changes nothing, and a piece that begins with a last frame does not count at all.
TEST_F(TdMpcLossTest, DoesNotLookBeyondAnEpisodesEnd) {
  for (auto& p : policy_->q_parameters()) p.data().normal_(0, 0.3);
  for (auto& p : model_->parameters()) p.data().normal_(0, 0.3);
  batch_.first[2][0] = 1;  // lane 0: a transition counts, then another episode begins
  batch_.first[1][1] = 1;  // lane 1: nothing counts
  auto other = batch_;
  other.vector = batch_.vector.clone(), other.reward = batch_.reward.clone(), other.action = batch_.action.clone();
  for (const auto& [lane, from] : {std::pair{0, 2}, {1, 1}}) {
    other.vector.select(1, lane).slice(0, from).fill_(5);
    other.reward.select(1, lane).slice(0, from).fill_(100);
    other.action.select(1, lane).slice(0, from).fill_(0.5);
  }
  other.vector[0][1].fill_(-5);
  const auto a = loss(batch_), b = loss(other);
  EXPECT_EQ(a.valid.select(1, 0).sum().item<double>(), 2);
  EXPECT_EQ(a.valid.select(1, 1).sum().item<double>(), 0);
  EXPECT_EQ(a.valid.select(1, 2).sum().item<double>(), 4);
  EXPECT_NEAR(a.total.item<double>(), b.total.item<double>(), 1e-5);
  const auto policy_loss = [&](const TdModelLoss& model) {
    policy_->named_buffers()["scale"].fill_(1);
    return td_policy_loss(*policy_, model, {}, {}, make_generator(torch::kCPU, 2)).total.item<double>();
  };
  EXPECT_NEAR(policy_loss(a), policy_loss(b), 1e-5);
}

TEST_F(TdMpcLossTest, ATerminationEndsTheReturn) {
  for (auto& p : policy_->parameters()) p.data().normal_(0, 0.3);
  batch_.terminated[3].fill_(1);
  const auto target = loss(batch_).target;
  EXPECT_TRUE(torch::allclose(target[2], batch_.reward[3]));
  EXPECT_FALSE(torch::allclose(target[1], batch_.reward[2]));
}

/// Of a world whose next state and reward follow from state and action, one batch is learned by heart.
TEST_F(TdMpcLossTest, LearnsABatchByHeart) {
  for (std::int64_t t = 1; t < 4; ++t) {
    batch_.vector[t].copy_(batch_.vector[t - 1] + 0.5 * batch_.action[t]);
    batch_.reward[t].copy_(batch_.vector[t].sum(-1));
  }
  auto all = model_->encoder_parameters();
  for (const auto& p : model_->other_parameters()) all.push_back(p);
  for (const auto& p : policy_->q_parameters()) all.push_back(p);
  Optimiser optimiser(all, td_adam(1e-3, 1e-8, 20));
  const auto begun = loss(batch_);
  for (int i = 0; i < 500; ++i) {
    loss(batch_).total.backward();
    optimiser.step();
    policy_->update_target(i + 1);
  }
  const auto learned = loss(batch_);
  EXPECT_LT(term(learned, "reward"), 0.45 * term(begun, "reward")) << "a two-hot target keeps some entropy";
  EXPECT_LT(term(learned, "consistency"), 2e-3);
  torch::NoGradGuard no_grad;
  const auto said = model_->reward_of(model_->reward_logits(learned.z[0], batch_.action[1]));
  EXPECT_LT((said - batch_.reward[1]).abs().mean().item<double>(), 0.3) << "of rewards about 1.4 wide";
}

}  // namespace td_mpc_run_test
}  // namespace dream
