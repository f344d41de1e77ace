// Whether a latent has collapsed, where it is known.
#include <gtest/gtest.h>

#include "tests/lab/known_world.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace collapse_test {

using namespace test;

TEST(CollapseQuestion, APerfectModelIsHealthyThoughItIsNeverSurprised) {
  const auto answer = answer_about("collapse", known_system(Wrong::nothing, true));
  EXPECT_DOUBLE_EQ(number_of(answer, "active").value, 1);
  EXPECT_EQ(number_of(answer, "active").verdict, LabNumber::Verdict::good);
  EXPECT_NEAR(number_of(answer, "kl").value, 0, 1e-5) << "posterior = prior, as the next frame is certain";
  EXPECT_DOUBLE_EQ(number_of(answer, "posterior_is_prior").value, 1);
  EXPECT_GT(number_of(answer, "kl_first").value, 1) << "but the first frame tells where it is";
  EXPECT_NE(answer.sentence.find("has not collapsed"), std::string::npos) << answer.sentence;
}

TEST(CollapseQuestion, ACopiedPosteriorIsACollapse) {
  const auto answer = answer_about("collapse", known_system(Wrong::collapsed, true));
  EXPECT_DOUBLE_EQ(number_of(answer, "active").value, 0);
  EXPECT_EQ(number_of(answer, "active").verdict, LabNumber::Verdict::bad);
  EXPECT_NEAR(number_of(answer, "kl_first").value, 0, 1e-6);
  EXPECT_NEAR(number_of(answer, "prior_entropy").value, std::log(16.0), 1e-5);
  EXPECT_NE(answer.sentence.find("It has collapsed"), std::string::npos) << answer.sentence;
}

/// One number that goes evenly through what a test wants of it, whatever the world does.
class Counting : public KnownModel {
 public:
  /// Groups of classes that are used in turn, one of which always stays where it is.
  Counting(std::int64_t used, bool stuck) : used_(used), stuck_(stuck) {}
  Carry observe(const Carry& carry, const torch::Tensor& action, const Observation& seen, at::Generator rng) override {
    auto made = KnownModel::observe(carry, action, seen, rng);
    made["count"] = carry.contains("count") ? carry.at("count") + 1 : torch::zeros({carry.at("z").size(0), 1});
    return made;
  }
  Carry initial(std::int64_t batch) override {
    auto made = KnownModel::initial(batch);
    made["count"] = torch::full({batch, 1}, -1.0);
    return made;
  }
  Belief belief(const Carry& carry) override {
    const auto turn = carry.at("count").squeeze(1).to(torch::kInt64).remainder(used_);
    const auto one = torch::one_hot(turn, Ring::cells).to(torch::kFloat32),
               other = torch::one_hot(stuck_ ? torch::zeros_like(turn) : turn, Ring::cells).to(torch::kFloat32);
    const auto z = torch::stack({one, other}, 1);
    return {z.flatten(1), {{}, {}, {}, torch::full_like(z, -std::log(16.0))}, {{}, {}, {}, (z + 1e-12).log()}};
  }

 private:
  std::int64_t used_;
  bool stuck_;
};

LabAnswer about_counting(std::int64_t used, bool stuck) {
  auto system = known_system(Wrong::nothing, true);
  system->model = std::make_shared<Counting>(used, stuck);
  return answer_about("collapse", system);
}

TEST(CollapseQuestion, ClassesThatAreUsedAlikeHaveThePerplexityOfTheirCount) {
  const auto all = about_counting(16, false);
  EXPECT_NEAR(number_of(all, "perplexity").value, 16, 0.05);
  EXPECT_DOUBLE_EQ(number_of(all, "dead_classes").value, 0);
  EXPECT_NEAR(number_of(all, "kl").value, 2 * std::log(16.0), 1e-3)
      << "a uniform prior against one class in each of two groups";
  const auto half = about_counting(4, false);
  EXPECT_NEAR(number_of(half, "perplexity").value, 4, 0.05);
  EXPECT_DOUBLE_EQ(number_of(half, "dead_classes").value, 0.75);
}

TEST(CollapseQuestion, AGroupThatSaysNothingIsNamed) {
  const auto answer = about_counting(16, true);
  EXPECT_DOUBLE_EQ(number_of(answer, "active").value, 0.5);
  EXPECT_NE(answer.sentence.find("Silent: 1."), std::string::npos) << answer.sentence;
  const auto& usage = std::get<Heatmap>(*figure_of(answer, "usage").value);
  EXPECT_EQ(usage.rows, 2);
  EXPECT_EQ(usage.cols, 16);
  EXPECT_NEAR(usage.cells[16], 1, 1e-6) << "the second group's first class is all that it uses";
}

/// Features that lie along one line, or never move; no latent.
class Flat : public KnownModel {
 public:
  explicit Flat(bool moves) : moves_(moves) {}
  Belief belief(const Carry&) override { return {}; }
  torch::Tensor features(const Carry& carry) override {
    const auto cell = carry.at("z").argmax(-1, true).to(torch::kFloat32);
    return torch::ones({cell.size(0), 8}) + (moves_ ? cell * torch::arange(8) : torch::zeros({cell.size(0), 8}));
  }

 private:
  bool moves_;
};

TEST(CollapseQuestion, FeaturesAlongOneLineUseOneDirection) {
  auto system = known_system(Wrong::nothing, true);
  system->model = std::make_shared<Flat>(true);
  const auto line = answer_about("collapse", system);
  EXPECT_NEAR(number_of(line, "directions").value, 1, 1e-6);
  EXPECT_NE(line.sentence.find("It has collapsed"), std::string::npos) << line.sentence;
  system->model = std::make_shared<Flat>(false);
  const auto still = answer_about("collapse", system);
  EXPECT_TRUE(std::isnan(number_of(still, "directions").value));
  EXPECT_NE(still.sentence.find("never change"), std::string::npos) << still.sentence;
}

TEST(CollapseQuestion, AsManyDirectionsAsARingHasCells) {
  const auto answer = answer_about("collapse", known_system(Wrong::nothing, true));
  const double directions = number_of(answer, "directions").value;
  EXPECT_GT(directions, 10);
  EXPECT_LE(directions, 30.1) << "z and h, a ring of 16 cells each";
}

}  // namespace collapse_test
}  // namespace dream
