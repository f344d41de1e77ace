// One optimiser in two halves: it steps with both or with none.
#include "core/engine/iris/decayed_optimiser.h"

#include <gtest/gtest.h>

#include "api/error.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace decayed_optimiser_test {

class Halves : public ::testing::Test {
 protected:
  static torch::Tensor one() { return torch::ones({3}, torch::requires_grad()); }
  void lose(double of_decayed, double of_others) { (of_decayed * decayed_.sum() + of_others * others_.sum()).backward(); }

  torch::Tensor decayed_ = one(), others_ = one();
  DecayedOptimiser optimiser_{{decayed_, others_},
                              {decayed_},
                              {.kind = OptimiserKind::adam, .learning_rate = 0.1, .clip_norm = 10, .adaptive_clip = 0, .warm_up = 0}};
};

TEST_F(Halves, AGradientThatIsNotFiniteChangesNeitherAndIsForgotten) {
  const double infinite = std::numeric_limits<double>::infinity();
  for (const auto& [first, second] : {std::pair(1.0, infinite), std::pair(infinite, 1.0)}) {
    lose(first, second);
    EXPECT_NE(test::message_of<Error>([&] { optimiser_.step(); }).find("not finite"), std::string::npos);
    EXPECT_TRUE(torch::equal(decayed_, torch::ones({3})));
    EXPECT_TRUE(torch::equal(others_, torch::ones({3})));
  }
  lose(1, 1);
  EXPECT_NEAR(optimiser_.step(), std::sqrt(6.0), 1e-6);
  EXPECT_LT(decayed_.max().item<double>(), 1);
  EXPECT_LT(others_.max().item<double>(), 1);
}

TEST_F(Halves, WhatIsLoadedHasNoGradientOfAStepThatFailed) {
  Checkpoint kept;
  optimiser_.save(kept, "o/");
  lose(1, std::numeric_limits<double>::quiet_NaN());
  optimiser_.load(kept, "o/");
  lose(1, 1);
  EXPECT_NO_THROW(optimiser_.step());
}

}  // namespace decayed_optimiser_test
}  // namespace dream
