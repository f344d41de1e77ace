// The models of TD-MPC and TD-MPC2 with their behaviour, by what is published of them and by closed forms.
#include "core/models/td_mpc.h"

#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/behaviours/td_policy.h"
#include "core/engine/td_mpc/td_mpc.h"
#include "core/nn/generator.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace td_mpc_test {

Spaces world_of(std::int64_t numbers, std::int64_t axes, bool pictures = false) {
  Spaces spaces;
  for (std::int64_t i = 0; i < numbers; ++i) spaces.vector_names.push_back("v" + std::to_string(i));
  for (std::int64_t i = 0; i < axes; ++i) {
    spaces.action.axes.push_back("a" + std::to_string(i));
    spaces.action.low.push_back(-2);
    spaces.action.high.push_back(2);
    spaces.action.idle.push_back(0);
  }
  if (pictures) spaces.image_height = spaces.image_width = 64, spaces.image_channels = 3;
  return spaces;
}

/// Everything that is learned of model and behaviour, pictures for people apart.
std::int64_t count_of(TdMpcRunOptions options, const Spaces& spaces) {
  options.behaviour.discount = 0.99;
  TdMpc model(options.world, spaces);
  TdPolicy policy(model.feature_count(), spaces.action, options.behaviour);
  std::int64_t count = 0;
  for (const auto* module : {static_cast<torch::nn::Module*>(&model), static_cast<torch::nn::Module*>(&policy)})
    for (const auto& p : module->named_parameters())
      if (p.value().requires_grad() && p.key().find("viewing") == std::string::npos) count += p.value().numel();
  return count;
}

TdMpcRunOptions published(const std::string& recipe, TdSize size) {
  TdMpcRunOptions options;
  options.size = size;
  set_published(options, recipe, 6, 500);
  return options;
}

TEST(TdMpc, HasThePublishedParameters) {
  EXPECT_EQ(count_of(published("td-mpc2", TdSize::s_5m), world_of(24, 6)), 4960618);
  EXPECT_EQ(count_of(published("td-mpc2", TdSize::s_5m), world_of(223, 38)), 5159082);
  EXPECT_EQ(count_of(published("td-mpc2", TdSize::tiny), world_of(3, 1)), 179633);
  EXPECT_EQ(count_of(published("td-mpc", TdSize::tiny), world_of(24, 6)), 1507693);
  // Three tasks of up to 22 numbers and two axes, of the published code with its multitask set.
  auto three = world_of(23, 2);
  three.tasks = {"a", "b", "c"};
  EXPECT_EQ(count_of(published("td-mpc2", TdSize::s_5m), three), 5359746);
  // Three pictures of three channels.
  EXPECT_EQ(count_of(published("td-mpc2", TdSize::s_5m), world_of(0, 1, true)), 4856320);
}

/// In worlds in turn every net is told which task it is, and a dream stays in its task.
TEST(TdMpc, ATaskIsEmbeddedAndStaysTheSame) {
  auto spaces = world_of(4, 2);
  spaces.tasks = {"a", "b"};
  TdMpcOptions options;
  options.latent = 16, options.units = 16, options.encoder_units = 16, options.task_numbers = 5;
  torch::manual_seed(1);
  TdMpc model(options, spaces);
  EXPECT_EQ(model.feature_count(), 21);
  auto rng = make_generator(torch::kCPU, 1);
  torch::NoGradGuard no_grad;
  auto vector = torch::randn({2, 4});
  vector.select(1, 0).copy_(torch::tensor({0.0f, 1.0f}));
  vector[1].slice(0, 1).copy_(vector[0].slice(0, 1));  // else they see the same
  auto carry = model.observe(model.initial(2), torch::zeros({2, 2}), {{}, vector}, rng);
  const auto tasks = carry.at("z").slice(1, 16).clone();
  EXPECT_GT((tasks[0] - tasks[1]).abs().max().item<double>(), 1e-4);
  EXPECT_GT((carry.at("z")[0].slice(0, 0, 16) - carry.at("z")[1].slice(0, 0, 16)).abs().max().item<double>(), 1e-6);
  for (int step = 0; step < 3; ++step) carry = model.imagine(carry, torch::zeros({2, 2}), {}, rng);
  EXPECT_TRUE(torch::equal(carry.at("z").slice(1, 16), tasks));
  carry = model.randomise(model.edit(carry, "latent/z", 3, 1), "latent/z", rng);
  EXPECT_TRUE(torch::equal(carry.at("z").slice(1, 16), tasks));
  // Its norm is 1 at most, however long the row that is learned has become.
  for (auto& p : model.named_parameters())
    if (p.key() == "tasks") p.value().fill_(3);
  carry = model.observe(model.initial(2), torch::zeros({2, 2}), {{}, vector}, rng);
  EXPECT_NEAR(carry.at("z").slice(1, 16).norm(2, 1).max().item<double>(), 1, 1e-6);

  options.first = true;
  EXPECT_THROW(TdMpc(options, spaces), Error);
}

TEST(TdMpc, TheDiscountGrowsWithTheEpisode) {
  EXPECT_DOUBLE_EQ(td_discount(1000), 0.995);
  EXPECT_DOUBLE_EQ(td_discount(500), 0.99);
  EXPECT_DOUBLE_EQ(td_discount(200), 0.975);
  EXPECT_DOUBLE_EQ(td_discount(100), 0.95);
  EXPECT_DOUBLE_EQ(td_discount(20), 0.95);
  EXPECT_DOUBLE_EQ(td_discount(0), 0.995);
}

class SmallTdMpc : public ::testing::TestWithParam<bool> {
 protected:
  SmallTdMpc() {
    torch::set_num_threads(1);
    torch::manual_seed(1);
    options_.first = GetParam();
    options_.latent = 16, options_.units = options_.encoder_units = 12, options_.view.depth = 2;
    behaviour_.first = GetParam();
    behaviour_.units = 12, behaviour_.discount = 0.9;
    if (GetParam()) behaviour_.members = 2;
  }
  bool first() const { return GetParam(); }
  TdMpcOptions options_;
  TdPolicyOptions behaviour_;
  at::Generator rng_ = make_generator(torch::kCPU, 1);
};

TEST_P(SmallTdMpc, WatchesAndDreams) {
  torch::NoGradGuard no_grad;
  TdMpc model(options_, world_of(3, 2, true));
  const Observation seen{torch::randint(0, 256, {4, 64, 64, 3}, torch::kUInt8), torch::randn({4, 3})};
  const auto action = torch::rand({4, 2}) * 4 - 2;
  const auto initial = model.initial(4);
  const auto now = model.observe(initial, action, seen, rng_);
  EXPECT_TRUE(torch::equal(now.at("z"), model.observe(initial, -action, seen, rng_).at("z")));
  EXPECT_EQ(now.at("reward").abs().max().item<double>(), 0) << "nothing led to a first frame";
  const auto dreamt = model.imagine(now, action, {}, rng_);
  EXPECT_TRUE(torch::equal(dreamt.at("z"), model.imagine(now, action, {}, rng_).at("z")));
  EXPECT_FALSE(torch::equal(dreamt.at("z"), model.imagine(now, -action, {}, rng_).at("z")));
  for (const auto& [name, tensor] : initial) EXPECT_EQ(tensor.sizes(), dreamt.at(name).sizes()) << name;
  const auto said = model.predict(dreamt);
  EXPECT_EQ(said.frame.sizes(), (std::vector<std::int64_t>{4, 3, 64, 64}));
  EXPECT_EQ(said.reward.sizes(), (std::vector<std::int64_t>{4}));
  EXPECT_FALSE(said.done.defined());
  // What is seen next has the same reward as the dream of it, and says how far it was off.
  const auto next = model.observe(now, action, seen, rng_);
  EXPECT_TRUE(torch::allclose(next.at("reward"), dreamt.at("reward"), 1e-4, 1e-5));
  if (first()) {
    EXPECT_FALSE(model.surprise(next).defined());
    return;
  }
  EXPECT_NEAR(model.surprise(now).abs().max().item<double>(), 0, 1e-5);
  EXPECT_GT(model.surprise(next).min().item<double>(), 0);
  EXPECT_EQ(model.belief(next).posterior.log_probabilities.sizes(), (std::vector<std::int64_t>{4, 2, 8}));
}

TEST_P(SmallTdMpc, ShowsAndTakesItsLatent) {
  torch::NoGradGuard no_grad;
  TdMpc model(options_, world_of(3, 2));
  const auto carry = model.observe(model.initial(2), torch::zeros({2, 2}), {{}, torch::randn({2, 3})}, rng_);
  ProbeSink sink({"latent/z", "latent/kl", "horizon/reward_bins"});
  model.report(carry, sink);
  const auto probes = sink.take();
  ASSERT_EQ(probes.size(), model.probe_names().size());
  if (!first()) {
    EXPECT_EQ(std::get<Categorical>(*probes[0].value).groups, 2);
  }
  const auto edited = model.edit(carry, "latent/z", 9, 0.5);
  const auto z = edited.at("z")[1];
  EXPECT_EQ(z[9].item<double>(), first() ? 0.5 : 1);
  if (!first()) {
    EXPECT_EQ(z.slice(0, 8).sum().item<double>(), 1);
    EXPECT_TRUE(torch::allclose(model.randomise(carry, "latent/z", rng_).at("z").sum(-1), torch::full({2}, 2.0)));
  }
  EXPECT_NE(test::message_of<Error>([&] { model.edit(carry, "latent/z", 16, 0); }).find("0 to 15"), std::string::npos);
  EXPECT_NE(test::message_of<Error>([&] { model.edit(carry, "hidden/h", 0, 0); }).find("cannot be edited"),
            std::string::npos);
}

TEST_P(SmallTdMpc, SeesPictures) {
  torch::NoGradGuard no_grad;
  options_.observe = Looks::image;
  options_.channels = 4;
  options_.frames = 1;
  TdMpc model(options_, world_of(3, 1, true));
  EXPECT_TRUE(model.sees_image());
  const auto image = torch::randint(0, 256, {2, 3, 64, 64, 3}, torch::kUInt8);
  const auto z = model.encode({image, {}});
  ASSERT_EQ(z.sizes(), (std::vector<std::int64_t>{2, 3, 16}));
  EXPECT_TRUE(torch::allclose(z[1][2], model.encode({image[1][2].unsqueeze(0), {}})[0], 1e-4, 1e-5));
  EXPECT_FALSE(torch::allclose(z, model.encode({image, {}}, rng_))) << "moved about while it learns";
  const auto plain = torch::full({2, 64, 64, 3}, 77, torch::kUInt8);
  EXPECT_TRUE(torch::equal(model.encode({plain, {}}), model.encode({plain, {}}, rng_))) << "its edge is repeated";
}

/// What observe() keeps in the carry is what the learner puts together from a piece.
TEST_P(SmallTdMpc, SeesThePicturesBeforeInADriveAndInTheReplay) {
  torch::NoGradGuard no_grad;
  options_.observe = Looks::image;
  options_.channels = 4;
  options_.frames = 3;
  TdMpc model(options_, world_of(3, 1, true));
  ASSERT_EQ(model.past(), 2);
  SequenceBatch batch;
  batch.image = torch::randint(1, 256, {6, 2, 64, 64, 3}, torch::kUInt8);
  batch.reward = torch::randn({6, 2});
  batch.action = torch::randn({6, 2, 1});
  batch.terminated = torch::zeros({6, 2}), batch.last = torch::zeros({6, 2}), batch.first = torch::zeros({6, 2});
  batch.first[3][1] = 1;  // of the second lane an episode begins in between
  const auto piece = with_past_pictures(batch, 2);
  ASSERT_EQ(piece.image.sizes(), (std::vector<std::int64_t>{4, 2, 64, 64, 9}));
  EXPECT_TRUE(torch::equal(piece.reward, batch.reward.slice(0, 2)));
  const auto z = model.encode({piece.image, {}});
  Carry carry;
  for (std::int64_t lane = 0; lane < 2; ++lane) {
    for (std::int64_t t = 0; t < 6; ++t) {
      if (t == 0 || batch.first[t][lane].item<bool>()) carry = model.initial(1);
      carry = model.observe(carry, batch.action[t].slice(0, lane, lane + 1), {batch.image[t].slice(0, lane, lane + 1), {}}, rng_);
      if (t < 2) continue;
      EXPECT_TRUE(torch::allclose(carry.at("z")[0], z[t - 2][lane], 1e-4, 1e-5)) << lane << ", " << t;
    }
  }
  // After a dream the next picture stands for those before.
  const auto one = batch.image[0].slice(0, 0, 1), action = batch.action[0].slice(0, 0, 1);
  carry = model.observe(model.imagine(carry, action, {}, rng_), action, {one, {}}, rng_);
  EXPECT_TRUE(torch::allclose(carry.at("z"), model.encode({one.repeat({1, 1, 1, 3}), {}}), 1e-4, 1e-5));
}

TEST_P(SmallTdMpc, RefusesWhatItCannotServe) {
  options_.observe = Looks::image;
  EXPECT_NE(test::message_of<Error>([&] { TdMpc(options_, world_of(3, 1)); }).find("pictures"), std::string::npos);
  options_.observe = Looks::vector;
  EXPECT_NE(test::message_of<Error>([&] { TdMpc(options_, world_of(0, 1, true)); }).find("vectors"), std::string::npos);
  Spaces choices;
  choices.action.choices = {"left", "right"};
  EXPECT_NE(test::message_of<Error>([&] { TdPolicy(16, choices.action, behaviour_); }).find("choices"),
            std::string::npos);
}

TEST_P(SmallTdMpc, ActsWithinItsBounds) {
  torch::NoGradGuard no_grad;
  const auto spaces = world_of(3, 2);
  TdMpc model(options_, spaces);
  TdPolicy policy(16, spaces.action, behaviour_);
  for (auto& p : policy.parameters()) p.data().normal_(0, 1);
  const Seen seen{&model, model.observe(model.initial(64), torch::zeros({64, 2}), {{}, torch::randn({64, 3})}, rng_)};
  for (const auto mode : {Mode::collect, Mode::judge}) {
    const auto action = policy.decide(seen, {}, mode, rng_).action;
    ASSERT_EQ(action.sizes(), (std::vector<std::int64_t>{64, 2}));
    EXPECT_LE(action.abs().max().item<double>(), 2);
  }
  const auto best = policy.decide(seen, {}, Mode::judge, rng_).action;
  EXPECT_TRUE(torch::equal(best, policy.decide(seen, {}, Mode::judge, rng_).action));
  EXPECT_FALSE(torch::equal(best, policy.decide(seen, {}, Mode::collect, rng_).action));
  const auto value = policy.value(seen);
  EXPECT_EQ(value.sizes(), (std::vector<std::int64_t>{64}));
  const auto each = policy.q_of(policy.q_logits(seen.features(), best / 2));
  EXPECT_TRUE(torch::allclose(value, first() ? each.amin(0) : each.mean(0), 1e-4, 1e-5));
  ProbeSink sink({"policy/action", "policy/values"});
  policy.report(seen, {}, sink, rng_);
  EXPECT_EQ(sink.take().size(), 2u);
}

/// The policy's loss moves the policy alone; S follows the range of the values.
TEST_P(SmallTdMpc, ThePolicyLearnsAlone) {
  TdPolicy policy(16, world_of(3, 2).action, behaviour_);
  for (auto& p : policy.q_parameters()) p.data().normal_(0, 1);
  const auto z = torch::rand({3, 5, 16}).requires_grad_();
  const auto noise = policy.noise_for(z, rng_);
  const auto loss = policy.loss(z, torch::ones({3, 5}), 0.5, noise, torch::tensor({0, 1}), {});
  loss.total.backward();
  EXPECT_FALSE(z.grad().defined());
  for (const auto& p : policy.policy_parameters()) EXPECT_TRUE(p.grad().defined());
  for (const auto& p : policy.q_parameters()) EXPECT_FALSE(p.grad().defined());
  for (const auto& p : policy.q_parameters()) EXPECT_TRUE(p.requires_grad());
  // States that do not count change nothing.
  auto valid = torch::ones({3, 5});
  valid.select(1, 4).zero_();
  const auto spoilt = torch::cat({z.slice(1, 0, 4), 9 * z.slice(1, 4)}, 1);
  TdPolicy other(16, world_of(3, 2).action, behaviour_);
  follow_slowly(other, policy, 1);
  policy.named_buffers()["scale"].fill_(1);
  const auto a = policy.loss(z, valid, 0.5, noise, torch::tensor({0, 1}), {}).total.item<double>();
  const auto b = other.loss(spoilt, valid, 0.5, noise, torch::tensor({0, 1}), {}).total.item<double>();
  EXPECT_NEAR(a, b, 1e-6 * std::max(1.0, std::abs(a)));
}

INSTANTIATE_TEST_SUITE_P(Both, SmallTdMpc, ::testing::Bool(),
                         [](const auto& of) { return of.param ? "TdMpc" : "TdMpc2"; });

}  // namespace td_mpc_test
}  // namespace dream
