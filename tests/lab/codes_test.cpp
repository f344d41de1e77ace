// What found actions have to do with the true ones: models of the ring that have found them under other names, or not
// at all.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/models/finds_actions.h"
#include "tests/lab/known_world.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace codes_test {

/// Its code c is the ring's action (c + 1) mod 3, as it sees the dot move; or, blind, code 0 whatever it sees.
class Finder : public test::KnownModel, public FindsActions {
 public:
  Finder(test::Wrong wrong, bool blind) : KnownModel(wrong), blind_(blind) {}
  ActionSpace actions(const Spaces& environment) const override {
    auto space = environment.action;
    space.choices = {"code 1", "code 2", "code 3"};
    return space;
  }
  Carry initial(std::int64_t batch) override {
    auto carry = KnownModel::initial(batch);
    carry["code"] = torch::zeros({batch, 1});
    return carry;
  }
  Carry observe(const Carry& carry, const torch::Tensor& action, const Observation& seen, at::Generator rng) override {
    auto next = KnownModel::observe(carry, action, seen, rng);
    const auto moved =
        (next.at("z").argmax(-1) - carry.at("z").argmax(-1) + 1).remainder(test::Ring::cells);  // 0 back, 1 stay, 2 on
    next["code"] =
        blind_ ? torch::zeros_like(carry.at("code")) : (moved + 2).remainder(3).unsqueeze(1).to(torch::kFloat32);
    return next;
  }
  Carry imagine(const Carry& carry, const torch::Tensor& code, const KnobValues& knobs, at::Generator rng) override {
    auto next = KnownModel::imagine(carry, (code + 1).remainder(3), knobs, rng);
    next["code"] = code;
    return next;
  }
  torch::Tensor inferred(const Carry& seen) override { return seen.at("code"); }

 private:
  bool blind_;
};

LabAnswer about(test::Wrong wrong, bool blind = false) {
  auto system = test::known_system(wrong, true);
  system->model = std::make_shared<Finder>(wrong, blind);
  return test::answer_about("codes", system, 0);
}

bool finds(const LabAnswer& answer, const std::string& rule) {
  return std::ranges::any_of(answer.findings, [&](const LabFinding& finding) { return finding.rule == rule; });
}

TEST(Codes, OfOneWhoHasFoundTheActionsAreAPermutationOfThem) {
  const auto answer = about(test::Wrong::nothing);
  EXPECT_NEAR(test::number_of(answer, "nmi").value, 1, 1e-9);
  EXPECT_NEAR(test::number_of(answer, "codes_used").value, 3, 0.2);
  EXPECT_GT(test::number_of(answer, "delta_psnr").value, 1);
  EXPECT_NEAR(test::number_of(answer, "motion").value, 1, 1e-6);
  const auto& matrix = std::get<Heatmap>(*test::figure_of(answer, "matrix").value);
  for (int code = 0; code < 3; ++code)
    for (int action = 0; action < 3; ++action)
      EXPECT_FLOAT_EQ(matrix.cells[static_cast<std::size_t>(3 * code + action)],
                      action == (code + 1) % 3 ? 1.0f : 0.0f);
  EXPECT_TRUE(answer.findings.empty());
}

TEST(Codes, ThatAreOneAreSaidToHaveCollapsed) {
  const auto answer = about(test::Wrong::nothing, true);
  EXPECT_TRUE(std::isnan(test::number_of(answer, "nmi").value));
  EXPECT_NEAR(test::number_of(answer, "codes_used").value, 1, 1e-9);
  EXPECT_TRUE(finds(answer, "codes_collapsed"));
}

TEST(Codes, ThatTheDreamIgnoresAreSaidToBe) {
  const auto answer = about(test::Wrong::deaf);
  EXPECT_NEAR(test::number_of(answer, "nmi").value, 1, 1e-9) << "they are found all the same";
  EXPECT_NEAR(test::number_of(answer, "delta_psnr").value, 0, 1e-9);
  EXPECT_TRUE(finds(answer, "codes_ignored"));
}

TEST(Codes, AreAskedOfThoseAloneWhoHaveFoundSome) {
  EXPECT_NE(question("codes").lacks(*test::known_system(test::Wrong::nothing)), "");
}

}  // namespace codes_test
}  // namespace dream
