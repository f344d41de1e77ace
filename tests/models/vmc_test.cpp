// V, M and C together.
#include "core/models/vmc.h"

#include <gtest/gtest.h>

#include <cmath>

#include "api/error.h"
#include "core/behaviours/linear_controller.h"
#include "core/probe/from_tensor.h"
#include "tests/models/model_test.h"

namespace dream {
namespace vmc_test {

using test::golden;
using test::golden_frames;
using test::hashed_float;
using test::relative_error;
using test::seeded;
using test::tolerance;

using VmcTest = test::ModelTest;

TEST_F(VmcTest, TheControllerEqualsPyTorch) {
  LinearController controller(288, {Squash::tanh, Squash::half, Squash::cut});
  const auto flat = test::hashed(5, {867}) * 0.2;
  controller.set_flat({flat.data_ptr<double>(), flat.data_ptr<double>() + 867});
  EXPECT_LT(relative_error(controller.act(hashed_float(6, {4, 288}, 1)), golden("c/action")), tolerance);
}

TEST_F(VmcTest, ShowsTheMixtureAsItWasTempered) {
  torch::NoGradGuard no_grad;
  VmcModel model(MdnRnnOptions{});
  test::fill_hashed(*model.m(), 200);
  const auto z = hashed_float(3, {21, 2, 32}, 2), actions = hashed_float(4, {20, 2, 3}, 1);
  auto state = model.m()->initial(2);
  for (std::int64_t t = 0; t < 20; ++t) state = model.m()->step(z[t], actions[t], state);
  auto carry = model.imagine(
      {{"z", z[19]}, {"h", torch::zeros({2, 256})}, {"c", torch::zeros({2, 256})}, {"started", torch::ones({2, 1})}},
      actions[19], {{"tau_mixture", 0.5}, {"tau_sigma", 0.25}}, seeded(1));
  carry["h"] = state.h;
  ProbeSink sink({"mixture/z"});
  model.report(carry, sink);
  const auto probes = sink.take();
  ASSERT_EQ(probes.size(), 1u);
  const auto& shown = std::get<Mixture>(*probes[0].value);
  EXPECT_LT(relative_error(torch::tensor(shown.weights).view({32, 5}), golden("m/tempered")[0]), tolerance);
  EXPECT_LT(relative_error(torch::tensor(shown.deviations).view({32, 5}), golden("m/log_deviation")[0].exp() * 0.5),
            tolerance);
  const auto entropy = -(golden("m/tempered")[0] * golden("m/tempered")[0].log()).sum(-1);
  EXPECT_LT(relative_error(torch::tensor(shown.entropy), entropy), tolerance);
}

class SmallVmc : public test::ModelTest {
 protected:
  SmallVmc() : model_(MdnRnnOptions{4, 3, 8, 3, true}) { frames_.image = golden_frames().slice(0, 0, 2); }
  torch::NoGradGuard no_grad_;
  VmcModel model_;
  Observation frames_;
};

TEST_F(SmallVmc, TheFirstFrameOfALaneDoesNotStepTheLstm) {
  const auto action = hashed_float(1, {2, 3}, 1);
  const auto first = model_.observe(model_.initial(2), action, frames_, seeded(1));
  EXPECT_EQ(first.at("h").abs().max().item<double>(), 0) << "the paper has h_0 = 0";
  const auto second = model_.observe(first, action, frames_, seeded(2));
  const auto stepped = model_.m()->step(first.at("z"), action, {first.at("h"), first.at("c")});
  EXPECT_TRUE(torch::equal(second.at("h"), stepped.h));

  // One lane begins anew beside one that goes on.
  const auto mixed = where_fresh(torch::tensor({true, false}), model_.initial(2), second);
  const auto third = model_.observe(mixed, action, frames_, seeded(3));
  EXPECT_EQ(third.at("h")[0].abs().max().item<double>(), 0);
  EXPECT_GT(third.at("h")[1].abs().max().item<double>(), 0);
}

TEST_F(SmallVmc, ImaginesWithTheStateThatTheControllerSaw) {
  const auto action = hashed_float(1, {2, 3}, 1);
  const auto seen = model_.observe(model_.initial(2), action, frames_, seeded(1));
  const auto before = seen.at("z").clone();
  const auto dream = model_.imagine(seen, action, {}, seeded(2));
  EXPECT_TRUE(torch::equal(seen.at("z"), before)) << "a carry is a value";
  EXPECT_TRUE(torch::equal(dream.at("h"), model_.m()->step(before, action, {seen.at("h"), seen.at("c")}).h));
  EXPECT_TRUE(torch::equal(model_.features(dream), torch::cat({dream.at("z"), dream.at("h")}, 1)));
  EXPECT_EQ(model_.feature_count(), 12);
  EXPECT_TRUE(torch::equal(dream.at("z"), model_.imagine(seen, action, {}, seeded(2)).at("z")));
  EXPECT_FALSE(torch::equal(dream.at("z"), model_.imagine(seen, action, {}, seeded(3)).at("z")));

  const auto prediction = model_.predict(dream);
  EXPECT_EQ(prediction.frame.sizes(), (std::vector<std::int64_t>{2, 3, 64, 64}));
  EXPECT_GE(prediction.frame.min().item<double>(), 0);
  EXPECT_LE(prediction.frame.max().item<double>(), 1);
  const auto outcome = model_.outcome(dream);
  EXPECT_FALSE(outcome.frame.defined());
  EXPECT_TRUE(torch::equal(outcome.reward, prediction.reward));
  EXPECT_TRUE(((outcome.done > 0) & (outcome.done < 1)).all().item<bool>());
  EXPECT_FALSE(VmcModel(MdnRnnOptions{4, 3, 8, 3, false}).outcome(dream).reward.defined());

  const auto lane = select_lane(dream, 1);
  EXPECT_TRUE(torch::equal(lane.at("h")[0], dream.at("h")[1]));
}

// doomrnn: M is told of an episode's first frame once, C sees [z, c, h], and a moment that is lived pays 1.
TEST_F(SmallVmc, IsToldWhereAnEpisodeBegins) {
  MdnRnnOptions options{4, 3, 8, 3};
  options.restarts = true;
  VmcModel model(options, true);
  const auto action = hashed_float(1, {2, 3}, 1);
  const auto first = model.observe(model.initial(2), action, frames_, seeded(1));
  EXPECT_TRUE(torch::equal(first.at("first"), torch::ones({2, 1})));
  const LstmState state{first.at("h"), first.at("c")};
  const auto told = model.m()->step(first.at("z"), action, state, torch::ones({2, 1}));
  const auto dream = model.imagine(first, action, {}, seeded(2));
  EXPECT_TRUE(torch::equal(dream.at("h"), told.h));
  EXPECT_FALSE(torch::equal(told.h, model.m()->step(first.at("z"), action, state, torch::zeros({2, 1})).h));
  EXPECT_TRUE(torch::equal(model.observe(first, action, frames_, seeded(2)).at("h"), told.h));
  EXPECT_EQ(dream.at("first").abs().max().item<double>(), 0);
  EXPECT_EQ(model.observe(first, action, frames_, seeded(2)).at("first").abs().max().item<double>(), 0);
  EXPECT_TRUE(torch::equal(model.features(dream), torch::cat({dream.at("z"), dream.at("c"), dream.at("h")}, 1)));
  EXPECT_EQ(model.feature_count(), 20);
  EXPECT_EQ(model.probe_names().back(), "hidden/c");
  EXPECT_TRUE(torch::equal(model.outcome(dream).reward, torch::ones({2})));
  EXPECT_TRUE(torch::equal(model.outcome(dream).done, torch::sigmoid(model.m()->output(dream.at("h")).done_logit)));
  EXPECT_TRUE(torch::equal(model.with_latent(first, dream).at("first"), first.at("first")));
}

TEST_F(SmallVmc, PublishesWhatIsWatchedAlone) {
  const auto action = torch::zeros({2, 3});
  const auto seen = model_.observe(model_.initial(2), action, frames_, seeded(1));
  const auto dream = model_.imagine(seen, action, {{"tau_mixture", 0.5}, {"tau_sigma", 4}}, seeded(2));
  ProbeSink none({});
  model_.report(dream, none);
  EXPECT_TRUE(none.take().empty());

  ProbeSink of_frame({"latent/z", "mixture/z"});
  model_.report(seen, of_frame);
  const auto encoder = of_frame.take();
  ASSERT_EQ(encoder.size(), 1u) << "nothing was drawn from a mixture yet";
  const auto& bars = std::get<Vector>(*encoder[0].value);
  EXPECT_TRUE(encoder[0].editable);
  EXPECT_EQ(bars.values.size(), 4u);
  EXPECT_FLOAT_EQ(bars.deviation[2], std::exp(0.5f * seen.at("log_variance")[0][2].item<float>()));

  const auto names = model_.probe_names();
  ProbeSink all({names.begin(), names.end()});
  model_.report(dream, all);
  const auto probes = all.take();
  ASSERT_EQ(probes.size(), names.size());
  for (const auto& probe : probes) {
    if (const auto* mixture = std::get_if<Mixture>(probe.value.get())) {
      EXPECT_EQ(mixture->dims, 4);
      EXPECT_EQ(mixture->components, 3);
      ASSERT_EQ(mixture->drawn.size(), 4u);
      for (int dim = 0; dim < 4; ++dim) {
        const auto first = static_cast<std::size_t>(dim) * 3;
        EXPECT_NEAR(mixture->weights[first] + mixture->weights[first + 1] + mixture->weights[first + 2], 1, 1e-5);
        EXPECT_GE(mixture->drawn[static_cast<std::size_t>(dim)], 0);
        EXPECT_LT(mixture->drawn[static_cast<std::size_t>(dim)], 3);
        EXPECT_FLOAT_EQ(mixture->draw[static_cast<std::size_t>(dim)], dream.at("z")[0][dim].item<float>());
      }
    }
  }
}

TEST_F(VmcTest, ShowsEveryUnitOfTheLstm) {
  torch::NoGradGuard no_grad;
  for (const auto& [hidden, cols] : {std::pair{256, 32}, {8, 8}, {100, 25}, {48, 24}, {257, 257}}) {
    VmcModel model(MdnRnnOptions{4, 3, hidden, 3, false});
    auto carry = model.initial(1);
    carry["h"] = torch::arange(hidden).view({1, hidden}).to(torch::kFloat32);
    ProbeSink sink({"hidden/h"});
    model.report(carry, sink);
    const auto probes = sink.take();
    ASSERT_EQ(probes.size(), 1u);
    const auto& map = std::get<Heatmap>(*probes[0].value);
    EXPECT_EQ(map.cols, cols);
    EXPECT_EQ(map.rows * map.cols, hidden);
    ASSERT_EQ(map.cells.size(), static_cast<std::size_t>(hidden));
    EXPECT_EQ(map.cells.back(), static_cast<float>(hidden - 1));
  }
  EXPECT_THROW(heatmap_from(torch::zeros({10}), 4, -1, 1, true), Error) << "no cell is dropped in silence";
}

TEST_F(SmallVmc, EditsOneLatentOfACopy) {
  const auto seen = model_.observe(model_.initial(2), torch::zeros({2, 3}), frames_, seeded(1));
  const auto edited = model_.edit(seen, "latent/z", 2, -1.5);
  EXPECT_EQ(edited.at("z")[0][2].item<double>(), -1.5);
  EXPECT_NE(seen.at("z")[0][2].item<double>(), -1.5);
  EXPECT_TRUE(torch::equal(edited.at("z").slice(1, 0, 2), seen.at("z").slice(1, 0, 2)));
  EXPECT_THROW(model_.edit(seen, "latent/z", 4, 0), Error);
  EXPECT_THROW(model_.edit(seen, "latent/z", -1, 0), Error);
  EXPECT_THROW(model_.edit(seen, "hidden/h", 0, 0), Error);
  EXPECT_THROW(model_.randomise(seen, "hidden/h", seeded(1)), Error);
  const auto random = model_.randomise(seen, "latent/z", seeded(1));
  EXPECT_FALSE(torch::equal(random.at("z"), seen.at("z")));
  EXPECT_TRUE(torch::equal(random.at("h"), seen.at("h")));
}

}  // namespace vmc_test
}  // namespace dream
