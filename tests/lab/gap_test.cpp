// Whether a dream cheats where that is known.
#include <gtest/gtest.h>

#include <cmath>

#include "core/lab/question.h"
#include "tests/lab/known_world.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace gap_test {

using namespace test;

bool says(const LabAnswer& answer, const std::string& words) {
  return answer.sentence.find(words) != std::string::npos;
}

TEST(GapQuestion, APerfectDreamPaysWhatRealityPays) {
  const auto answer = answer_about("gap", known_system(Wrong::nothing));
  EXPECT_DOUBLE_EQ(number_of(answer, "gap").value, 0);
  EXPECT_EQ(number_of(answer, "gap").verdict, LabNumber::Verdict::good);
  EXPECT_NEAR(number_of(answer, "exploit").value, 0, 1e-9) << "under the same actions reality pays the same";
  EXPECT_TRUE(says(answer, "does not cheat")) << answer.sentence;
  EXPECT_GT(number_of(answer, "return_real").value, 10 * number_of(answer, "return_real").beside.front().value)
      << "and both rank it above random actions";
  EXPECT_GT(number_of(answer, "return_dream").value, 5 * number_of(answer, "return_dream").beside.front().value);
}

TEST(GapQuestion, ChanceEarnsTheSameInBothWorldsOfAPerfectDream) {
  const auto answer = answer_about("gap", known_system(Wrong::nothing, true));
  EXPECT_LT(number_of(answer, "gap").low, 0);
  EXPECT_GT(number_of(answer, "gap").high, 0);
  EXPECT_NEAR(number_of(answer, "exploit").value, 0, 1e-9);
}

TEST(GapQuestion, AnOptimistCheatsInEveryStep) {
  const auto answer = answer_about("gap", known_system(Wrong::optimist, true));
  const auto steps = static_cast<double>(answer.steps) / static_cast<double>(answer.episodes);
  EXPECT_DOUBLE_EQ(number_of(answer, "return_dream").value, steps) << "one in every step";
  EXPECT_GT(number_of(answer, "gap").value / steps, 0.8) << "reality pays one in 16";
  EXPECT_EQ(number_of(answer, "gap").verdict, LabNumber::Verdict::bad);
  EXPECT_TRUE(says(answer, "the dream pays what reality does not")) << answer.sentence;
  EXPECT_GE(number_of(answer, "gap").beside.front().value / steps, 0.8) << "and of random actions as well";
}

TEST(GapQuestion, TheJumpLandsWhereTheDreamPaysAndRealityDoesNot) {
  const auto answer = answer_about("gap", known_system(Wrong::optimist, true));
  EXPECT_NEAR(number_of(answer, "exploit").value, 10, 1e-6) << "ten steps, all paid";
  EXPECT_FALSE(says(answer, "drift")) << "it does so from the first step on";
  const auto& jump = figure_of(answer, "jump");
  ASSERT_EQ(jump.moments.size(), 1u);
  const auto& moment = jump.moments.front();
  ASSERT_TRUE(moment.known());
  Ring ring;
  ring.reset(moment.seed);
  std::vector<float> rewards;
  for (const float action : *moment.actions) rewards.push_back(ring.step({&action, 1}).reward);
  ASSERT_GE(rewards.size(), static_cast<std::size_t>(moment.step) + 10);
  for (std::size_t k = 0; k < 10; ++k) EXPECT_EQ(rewards[static_cast<std::size_t>(moment.step) + k], 0) << k;
  const auto& exploit = figure_of(answer, "exploit");
  const auto& curve = std::get<Curve>(*exploit.value);
  ASSERT_EQ(curve.x.size(), exploit.moments.size());
  EXPECT_DOUBLE_EQ(curve.lines[0].y.back(), static_cast<double>(curve.x.size()));
}

TEST(GapQuestion, ADreamThatDoesNotEndWhereRealityDoesIsFound) {
  // Cell 8 ends real episodes; this model knows of no end, and its driver keeps clear of it unless it goes by chance.
  const auto answer = answer_about("gap", known_system(Wrong::nothing, true, true));
  EXPECT_GT(number_of(answer, "gap").value, 0) << "the dream goes on and earns";
}

TEST(GapQuestion, NobodyButChanceIsAskedOfARunWithoutABehaviour) {
  auto system = known_system(Wrong::optimist);
  system->behaviour = nullptr;
  const auto answer = answer_about("gap", system);
  EXPECT_TRUE(says(answer, "chance earns")) << answer.sentence;
  EXPECT_GT(number_of(answer, "gap").value, 0);
}

/// A ring that is dreamed of without rewards, or bent by a temperature that pays.
class BentModel : public KnownModel {
 public:
  explicit BentModel(bool pays) : pays_(pays) {}
  std::vector<Knob> knobs() const override {
    return {{"tau", "τ", "τ", "chance", 0.5, 2, 1, false, false, temperature}};
  }
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& values, at::Generator rng) override {
    auto next = KnownModel::imagine(carry, action, values, rng);
    next["dreams"] = next["dreams"] * value_of(values, knobs().front());
    return next;
  }
  Prediction outcome(const Carry& carry) override {
    return {{}, pays_ ? carry.at("dreams").squeeze(1) : torch::Tensor(), {}};
  }

 private:
  bool pays_;
};

TEST(GapQuestion, FollowsWhatTheDreamIsBentBy) {
  auto system = known_system(Wrong::nothing, true);
  system->model = std::make_shared<BentModel>(true);
  const auto answer = answer_about("gap", system);
  const auto& curve = std::get<Curve>(*figure_of(answer, "returns").value);
  EXPECT_EQ(curve.x, (std::vector<double>{0.5, 0.8, 1, 1.15, 1.3})) << "within the knob's range";
  const auto steps = static_cast<double>(answer.steps) / static_cast<double>(answer.episodes);
  for (std::size_t i = 0; i < curve.x.size(); ++i)
    EXPECT_NEAR(curve.lines.front().y[i], curve.x[i] * steps, 1e-3 * steps);
  EXPECT_NEAR(number_of(answer, "return_dream").value, steps, 1e-3 * steps) << "the answer is about the default";
}

/// Knows two ways: to stand still, found in dreams of 0.5, and to walk to where it is paid, found in dreams of 0.8.
class TwoWays : public RingDriver {
 public:
  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override {
    const auto way = seen.knobs.find("way");
    if (way == seen.knobs.end() || way->second > 0) return RingDriver::decide(seen, memory, mode, rng);
    return {torch::ones({seen.lanes(), 1})};
  }
  std::vector<DreamtWay> ways() const override { return {{"τ = 0.50", {{"way", 0}}, 0.5}, {"τ = 0.80", {{"way", 1}}, 0.8}}; }
};

// Dreams pay their temperature in each of 120 steps; reality one on cell 0 alone.
TEST(GapQuestion, EachWayToActIsTriedInItsOwnDreamsAndOutside) {
  auto system = known_system(Wrong::nothing);
  system->model = std::make_shared<BentModel>(true);
  system->behaviour = std::make_shared<TwoWays>();
  const auto answer = answer_about("gap", system);
  const auto &still = number_of(answer, "found_0"), &walks = number_of(answer, "found_1");
  EXPECT_NEAR(still.beside.at(0).value, 60, 1e-3);
  EXPECT_NEAR(walks.beside.at(0).value, 96, 1e-3);
  EXPECT_LT(still.value, 25) << "paid only where an episode began on cell 0";
  EXPECT_GT(walks.value, Ring::limit - Ring::cells / 2);
  EXPECT_EQ(still.verdict, LabNumber::Verdict::bad);
  EXPECT_EQ(walks.verdict, LabNumber::Verdict::good);
  const auto& first = answer.figures.at(0);
  EXPECT_EQ(first.name, "ways");
  const auto& curve = std::get<Curve>(*first.value);
  EXPECT_EQ(curve.x, (std::vector<double>{0.5, 0.8}));
  EXPECT_DOUBLE_EQ(curve.lines[1].y[1], walks.value);
  EXPECT_NEAR(curve.lines[0].y[0], 60, 1e-3);
  EXPECT_EQ(std::get<Table>(*figure_of(answer, "ways_table").value).rows.size(), 2u);
  EXPECT_TRUE(says(answer, "that of τ = 0.80 earns most in its own, 96")) << answer.sentence;
  EXPECT_TRUE(says(answer, "1 of them surely earn")) << answer.sentence;
  EXPECT_TRUE(says(answer, "from the same")) << "and what was asked before is told as well: " << answer.sentence;
  EXPECT_TRUE(answer_about("gap", known_system(Wrong::nothing)).figures.at(0).name == "returns") << "who knows one way is asked as ever";
}

TEST(GapQuestion, AModelWithoutRewardsSaysSo) {
  auto system = known_system(Wrong::nothing);
  system->model = std::make_shared<BentModel>(false);
  Bench bench(system);
  const auto answer = ask(question("gap"), bench, {});
  EXPECT_NE(answer.fault.find("predicts no reward"), std::string::npos) << answer.fault;
}

}  // namespace gap_test
}  // namespace dream
