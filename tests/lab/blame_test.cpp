// Whose fault it is where that is known.
#include <gtest/gtest.h>

#include <cmath>

#include "core/engine/run_file.h"
#include "core/lab/question.h"
#include "core/nn/generator.h"
#include "tests/lab/known_world.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace blame_test {

using namespace test;

bool says(const LabAnswer& answer, const std::string& words) {
  return answer.sentence.find(words) != std::string::npos;
}

TEST(BlameQuestion, APerfectModelHasNothingToBeBlamedFor) {
  const auto answer = answer_about("blame", known_system(Wrong::nothing));
  EXPECT_TRUE(says(answer, "nothing to blame")) << answer.sentence;
  EXPECT_DOUBLE_EQ(number_of(answer, "error").value, 0);
  EXPECT_TRUE(std::isnan(number_of(answer, "share_m").value));
  EXPECT_FALSE(number_of(answer, "share_m").note.empty());
  EXPECT_NEAR(number_of(answer, "score_c").value, 0, 1e-9) << "it drives as the expert does";
  EXPECT_NEAR(number_of(answer, "score_m").value, 0, 1e-9) << "its predictions are as good as what is seen";
}

TEST(BlameQuestion, WrongDynamicsAreMsFault) {
  for (const bool at_random : {false, true}) {
    const auto answer = answer_about("blame", known_system(Wrong::dynamics, at_random));
    EXPECT_TRUE(says(answer, "the main culprit is M")) << answer.sentence;
    EXPECT_DOUBLE_EQ(number_of(answer, "share_v").value, 0);
    EXPECT_GT(number_of(answer, "share_m").low, 90);
    EXPECT_GT(number_of(answer, "share_m_step").value, 80) << "the first step is wrong already";
  }
  EXPECT_GT(number_of(answer_about("blame", known_system(Wrong::dynamics)), "score_m").low, 50)
      << "who acts by such predictions earns little";
}

TEST(BlameQuestion, ADriverByChanceIsNoErrorOfAPerfectDream) {
  const auto answer = answer_about("blame", known_system(Wrong::nothing, true));
  EXPECT_DOUBLE_EQ(number_of(answer, "error").value, 0) << "the real world takes the same actions";
}

TEST(BlameQuestion, AModelThatIsOnlyDeafCompounds) {
  const auto answer = answer_about("blame", known_system(Wrong::deaf, true));
  EXPECT_TRUE(says(answer, "the main culprit is M")) << answer.sentence;
  EXPECT_GT(number_of(answer, "share_m_step").value, 50) << "two of three actions are missed at once";
  EXPECT_GT(number_of(answer, "share_m_compounds").low, 0) << "and where it was wrong it goes on";
}

/// Perfect but for one cell, from which it is carried away: what went wrong there stays wrong.
class Stumbler : public KnownModel {
 public:
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override {
    auto next = KnownModel::imagine(carry, action, knobs, rng);
    const auto there = carry.at("z").slice(1, 5, 6) > 0;
    for (const char* name : {"z", "h"}) next[name] = torch::where(there, next[name].roll(4, 1), next[name]);
    return next;
  }
};

TEST(BlameQuestion, WhatWentWrongIsHealedByTheHalfOfTheStateThatCarriesIt) {
  auto system = known_system(Wrong::nothing, true);
  system->model = std::make_shared<Stumbler>();
  const auto answer = answer_about("blame", system);
  EXPECT_TRUE(says(answer, "the main culprit is M")) << answer.sentence;
  EXPECT_GT(number_of(answer, "share_m_compounds").value, number_of(answer, "share_m_step").value);
  EXPECT_NEAR(number_of(answer, "healed_latent").value, 100, 1e-6) << "all of its state that counts is z";
  EXPECT_NEAR(number_of(answer, "healed_memory").value, 0, 1e-6);
}

TEST(BlameQuestion, AWrongEncoderOrDecoderIsVsFault) {
  for (const auto wrong : {Wrong::encoder, Wrong::decoder}) {
    const auto answer = answer_about("blame", known_system(wrong, true));
    EXPECT_TRUE(says(answer, "the main culprit is V")) << answer.sentence;
    EXPECT_GT(number_of(answer, "share_v").low, 80);
    EXPECT_LT(std::abs(number_of(answer, "share_m").value), 20);
  }
}

TEST(BlameQuestion, ADriverByChanceIsToBlameForTheScore) {
  const auto answer = answer_about("blame", known_system(Wrong::nothing, true));
  EXPECT_TRUE(says(answer, "the score is C's fault")) << answer.sentence;
  EXPECT_EQ(number_of(answer, "return").verdict, LabNumber::Verdict::bad);
  EXPECT_NEAR(number_of(answer, "score_c").value, 100, 10) << "all that an expert earns above chance";
}

TEST(BlameQuestion, WhoIsShownSomethingElseIsNotToBlame) {
  const auto answer = answer_about("blame", known_system(Wrong::encoder));
  EXPECT_FALSE(says(answer, "the score is C's fault")) << answer.sentence;
  EXPECT_TRUE(says(answer, "V and M come before C")) << answer.sentence;
}

TEST(BlameQuestion, EveryErrorHasItsLineAndEveryStepItsMoment) {
  const auto answer = answer_about("blame", known_system(Wrong::deaf, true));
  const auto& errors = figure_of(answer, "errors");
  const auto& curve = std::get<Curve>(*errors.value);
  EXPECT_EQ(curve.lines.size(), 5u);
  ASSERT_EQ(curve.x.size(), errors.moments.size());
  for (const auto& moment : errors.moments) {
    ASSERT_TRUE(moment.known());
    EXPECT_LE(static_cast<std::size_t>(moment.step), moment.actions->size());
  }
  for (const auto& line : curve.lines) EXPECT_EQ(line.y.size(), curve.x.size()) << line.label;
  double sum = 0;
  for (const char* name : {"share_v", "share_m", "share_chance", "share_c"}) sum += number_of(answer, name).value;
  EXPECT_NEAR(sum, 100, 1e-6);
}

TEST(BlameQuestion, PeopleAreNotBlamed) {
  auto system = known_system(Wrong::dynamics);
  system->behaviour = nullptr;
  const auto answer = answer_about("blame", system);
  EXPECT_TRUE(says(answer, "people drive")) << answer.sentence;
  EXPECT_TRUE(says(answer, "the main culprit is M")) << answer.sentence;
}

/// A shipped run in which the weights of some of its networks have changed places.
std::shared_ptr<System> shuffled(const std::string& run, const std::vector<std::string>& networks) {
  torch::set_num_threads(1);
  std::shared_ptr<System> system =
      load_system(load_run(DREAMSCOPE_SOURCE_DIR "/assets/runs/" + run + "/checkpoint.safetensors"), "cpu");
  torch::NoGradGuard no_grad;
  auto rng = make_generator(torch::kCPU, 5);
  std::size_t changed = 0;
  for (const auto& item : system->model->named_parameters()) {
    auto weights = item.value();
    for (const auto& network : networks) {
      if (!item.key().starts_with(network + ".")) continue;
      weights.copy_(weights.flatten()
                        .index_select(0, torch::randperm(weights.numel(), rng, torch::kInt64))
                        .view(weights.sizes()));
      ++changed;
    }
  }
  if (changed == 0) throw std::runtime_error(run + " has no network of such a name");
  return system;
}

TEST(BlameQuestion, ShuffledWeightsAreFoundWhereTheyAre) {
  const auto m = answer_about("blame", shuffled("catch", {"prior"}), 10);
  EXPECT_TRUE(says(m, "the main culprit is M")) << m.sentence;
  const auto v = answer_about("blame", shuffled("catch", {"image_encoder"}), 10);
  EXPECT_TRUE(says(v, "the main culprit is V")) << v.sentence;
}

}  // namespace blame_test
}  // namespace dream
