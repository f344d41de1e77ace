// Whether forecasts can be taken at their word, where it is known.
#include <gtest/gtest.h>

#include "tests/lab/known_world.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace calibration_test {

using namespace test;

TEST(CalibrationQuestion, APerfectModelKnowsItsRewards) {
  const auto answer = answer_about("calibration", known_system(Wrong::nothing, true));
  EXPECT_DOUBLE_EQ(number_of(answer, "reward_r2").value, 1);
  EXPECT_NEAR(number_of(answer, "reward_slope").value, 1, 1e-9);
  EXPECT_EQ(number_of(answer, "reward_slope").verdict, LabNumber::Verdict::good);
  EXPECT_DOUBLE_EQ(number_of(answer, "calibration").value, 1);
  EXPECT_NE(answer.sentence.find("no episode ended"), std::string::npos) << answer.sentence;
  EXPECT_NE(answer.sentence.find("expects no return"), std::string::npos) << answer.sentence;
}

TEST(CalibrationQuestion, AnOptimistsRewardsAreNotTakenAtTheirWord) {
  const auto answer = answer_about("calibration", known_system(Wrong::optimist, true));
  EXPECT_LT(number_of(answer, "reward_r2").value, 0);
  EXPECT_EQ(number_of(answer, "reward_r2").verdict, LabNumber::Verdict::bad);
  EXPECT_LT(number_of(answer, "calibration").value, 1);
}

/// P(end) = a constant, or the truth.
class Ending : public KnownModel {
 public:
  explicit Ending(double p) : p_(p) {}
  Prediction outcome(const Carry& carry) override {
    auto made = KnownModel::outcome(carry);
    made.done = p_ < 0 ? carry.at("z").select(1, 8).clone() : torch::full_like(made.reward, p_);
    return made;
  }

 private:
  double p_;
};

LabAnswer about_ends(double p) {
  auto system = known_system(Wrong::nothing, true, true);
  system->model = std::make_shared<Ending>(p);
  return answer_about("calibration", system);
}

TEST(CalibrationQuestion, TheTruthAboutEndsHasSkillOneAndAConstantNone) {
  const auto knows = about_ends(-1);
  EXPECT_DOUBLE_EQ(number_of(knows, "end_skill").value, 1);
  EXPECT_NEAR(number_of(knows, "end_ece").value, 0, 1e-9);
  EXPECT_DOUBLE_EQ(number_of(knows, "end_recall").value, 1);
  const double rate = number_of(knows, "end_ece").beside.front().value;
  ASSERT_GT(rate, 0);
  const auto guesses = about_ends(rate);
  EXPECT_NEAR(number_of(guesses, "end_ece").value, 0, 1e-6) << "calibrated";
  EXPECT_NEAR(number_of(guesses, "end_skill").value, 0, 1e-6) << "and of no use";
  EXPECT_NEAR(number_of(about_ends(0.9), "end_ece").value, 0.9 - rate, 1e-6);
}

/// A latent of two numbers that is drawn around nothing with a deviation that comes and goes; the prior says `share` of
/// it.
class Wavering : public KnownModel {
 public:
  explicit Wavering(double share) : share_(share) {}
  Carry observe(const Carry& carry, const torch::Tensor& action, const Observation& seen, at::Generator rng) override {
    auto made = KnownModel::observe(carry, action, seen, rng);
    const auto cell = made.at("z").argmax(-1, true).to(torch::kFloat32);
    made["width"] = (0.2 + 0.2 * cell).expand({-1, 2}).contiguous();
    made["drawn"] = made["width"] * torch::randn({cell.size(0), 2}, rng);
    return made;
  }
  Belief belief(const Carry& carry) override {
    if (!carry.contains("drawn")) return {};
    const auto normal = [](const torch::Tensor& mean, const torch::Tensor& deviation) {
      return Density{torch::zeros_like(mean).unsqueeze(-1), mean.unsqueeze(-1), deviation.log().unsqueeze(-1), {}};
    };
    const auto& z = carry.at("drawn");
    return {z, normal(torch::zeros_like(z), share_ * carry.at("width")), normal(z, torch::full_like(z, 0.01))};
  }

 private:
  double share_;
};

LabAnswer about_wavering(double share) {
  auto system = known_system(Wrong::nothing, true);
  system->model = std::make_shared<Wavering>(share);
  return answer_about("calibration", system);
}

TEST(CalibrationQuestion, APriorThatIsRightIsCalibratedAndATooNarrowOneIsNot) {
  const auto right = about_wavering(1), narrow = about_wavering(0.2);
  EXPECT_LT(number_of(right, "pit_error").value, 0.02);
  EXPECT_EQ(number_of(right, "pit_error").verdict, LabNumber::Verdict::good);
  EXPECT_GT(number_of(narrow, "pit_error").value, 0.15);
  EXPECT_EQ(number_of(narrow, "pit_error").verdict, LabNumber::Verdict::bad);
  EXPECT_LT(number_of(right, "crps").value, number_of(narrow, "crps").value);
  EXPECT_LT(number_of(right, "crps").value, number_of(right, "crps").beside.front().value)
      << "it knows the width, one Gaussian does not";
  // As unsure as wrong, in every bin.
  const auto& curve = std::get<Curve>(*figure_of(right, "spread").value);
  for (std::size_t i = 0; i < curve.x.size(); ++i) EXPECT_NEAR(curve.lines[0].y[i] / curve.x[i], 1, 0.25) << i;
  EXPECT_EQ(figure_of(right, "spread").moments.size(), curve.x.size());
}

/// Expects `share` of the return that cell 0 pays for being stood on.
class Expecting : public RingDriver {
 public:
  Expecting(double share, double more) : share_(share), more_(more) {}
  torch::Tensor value(const Seen& seen) override {
    // From a cell it takes d steps to 0, and 1 is paid at every step from then on: γ^(d−1) / (1 − γ), no later than
    // now.
    const auto cell = seen.carry.at("z").argmax(-1);
    const auto way = torch::minimum(cell, Ring::cells - cell).clamp_min(1).to(torch::kFloat32);
    return share_ * torch::pow(discount(), way - 1) / (1 - discount()) + more_;
  }
  double discount() const override { return 0.9; }

 private:
  double share_, more_;
};

LabAnswer about_values(double share, double more) {
  auto system = known_system(Wrong::nothing);
  system->behaviour = std::make_shared<Expecting>(share, more);
  return answer_about("calibration", system);
}

TEST(CalibrationQuestion, ValuesThatAreRightHaveNoBias) {
  const auto right = about_values(1, 0);
  EXPECT_NEAR(number_of(right, "value_bias").value, 0, 1e-3);
  EXPECT_EQ(number_of(right, "value_bias").verdict, LabNumber::Verdict::good);
  EXPECT_NEAR(number_of(right, "implied_reward").value, number_of(right, "implied_reward").beside.front().value, 0.1);
  const auto high = about_values(1.5, 0);
  EXPECT_GT(number_of(high, "value_bias").value, 2);
  EXPECT_EQ(number_of(high, "value_bias").verdict, LabNumber::Verdict::bad);
}

}  // namespace calibration_test
}  // namespace dream
