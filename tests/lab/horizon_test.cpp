#include "core/lab/horizon.h"

#include <gtest/gtest.h>

#include "api/error.h"
#include "tests/data/temp_folder.h"
#include "tests/support/toy.h"

namespace dream {
namespace horizon_test {

class HorizonTest : public ::testing::Test {
 protected:
  HorizonTest() { torch::set_num_threads(1); }
};

TEST_F(HorizonTest, ATrueModelStaysTrueWhileAStillPictureDoesNot) {
  const auto system = test::toy_system({.length = 40});
  system->behaviour = test::toy_driver(0, 0.3);  // a steady turn of tanh(0.3): 0.029 a step
  const auto report = horizon_error(*system, 3, 5, 8, 10, 1e-9);
  EXPECT_EQ(report.episodes, 3);
  EXPECT_EQ(report.frames, 3 * 40);
  EXPECT_LT(report.reconstruction_mse, 1e-5);
  EXPECT_DOUBLE_EQ(report.reconstruction_sum, report.reconstruction_mse * 64 * 64 * 3);
  ASSERT_EQ(report.frame_mse.size(), 10u);
  for (std::size_t k = 0; k < 10; ++k) {
    EXPECT_LT(report.frame_mse[k], 1e-5) << k;
    // Half of the picture has moved by 0.0291·(k+1)/2.
    const double moved = 0.02913 * static_cast<double>(k + 1) / 2;
    EXPECT_NEAR(report.still_picture_mse[k] / (moved * moved / 2), 1, 0.3) << k;
  }
}

TEST_F(HorizonTest, AWrongModelGoesWrongStepByStep) {
  const auto system = test::toy_system({.length = 40}, 0.0);  // it believes that nothing moves
  system->behaviour = test::toy_driver(0, 0.3);
  const auto report = horizon_error(*system, 2, 5, 8, 10, 1e-9);
  for (std::size_t k = 0; k < 10; ++k) EXPECT_NEAR(report.frame_mse[k] / report.still_picture_mse[k], 1, 0.05) << k;
}

TEST_F(HorizonTest, LooksNoLongerThanItMay) {
  const auto system = test::toy_system({.length = 40});
  EXPECT_EQ(horizon_error(*system, 2, 5, 8, 10, 1e-9, 25).frames, 2 * 25);
  EXPECT_EQ(horizon_error(*system, 2, 5, 8, 10, 1e-9, 60).frames, 2 * 40) << "the environment ends it before";
  EXPECT_EQ(horizon_error(*system, 2, 5, 8, 10, 1e-9, 19).frames, 2 * 19) << "just long enough";
  EXPECT_EQ(horizon_error(*system, 2, 5, 8, 10, 1e-9, 19).frame_mse.size(), 10u);
  EXPECT_EQ(horizon_error(*system, 2, 5, 8, 10, 1e-9, 18).frame_mse.size(), 9u) << "as far as the episodes went";
}

TEST_F(HorizonTest, TheMeanPictureOfManyDreamsErrsByTheirVarianceThroughTheirNumber) {
  const auto system = test::toy_system({.length = 40});
  system->behaviour = test::toy_driver(0, 0);
  const auto report = horizon_error(*system, 40, 5, 8, 10, 1, 0, 8);
  // The dream's position is a random walk of 0.01 a step about the truth; half of the picture shows half of it.
  const double variance = 10 * 0.01 * 0.01 / 4 / 2;
  EXPECT_NEAR(report.frame_mse[9] / variance, 1, 0.25);
  EXPECT_NEAR(report.mean_picture_mse[9] / (variance / 8), 1, 0.4);
}

TEST_F(HorizonTest, TooShortEpisodesAreSaidSo) {
  const auto system = test::toy_system({.length = 8});
  const auto message = test::message_of<Error>([&] { horizon_error(*system, 2, 5, 8, 10, 1); });
  EXPECT_NE(message.find("longer than the 8 steps"), std::string::npos) << message;
}

}  // namespace horizon_test
}  // namespace dream
