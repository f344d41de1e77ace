#include "core/nn/space_time.h"

#include <gtest/gtest.h>

#include "api/error.h"
#include "core/nn/patches.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace space_time_test {

constexpr std::int64_t frames = 5, places = 6, width = 8;

SpaceTime make() {
  torch::manual_seed(1);
  SpaceTime network(SpaceTimeOptions{width, 2, 2, places, frames});
  network->eval();
  return network;
}

TEST(SpaceTime, AChangedTokenChangesItsFrameAndLaterOnesAlone) {
  torch::NoGradGuard no_grad;
  auto network = make();
  const auto x = torch::randn({2, frames, places, width});
  const auto before = network->forward(x);
  for (std::int64_t t = 0; t < frames; ++t) {
    auto other = x.clone();
    other.select(1, t).select(1, 3) += torch::randn({2, width});
    const auto after = network->forward(other);
    EXPECT_TRUE(torch::equal(after.slice(1, 0, t), before.slice(1, 0, t))) << "frame " << t;
    const auto moved = (after - before).abs().amax({0, 3});  // [T, S]
    EXPECT_GT(moved.slice(0, t).min().item<double>(), 1e-6) << "all places of this frame and of all later ones";
  }
}

TEST(SpaceTime, OneMoreFrameIsWhatTheWholeIs) {
  torch::NoGradGuard no_grad;
  auto network = make();
  const auto x = torch::randn({3, frames, places, width});
  SpaceTimeImpl::Past past;
  const auto whole = network->forward(x, &past);
  const auto at = torch::tensor({0, 2, 4}, torch::kInt64), lane = torch::arange(3);
  const auto next = network->next(x.index({lane, at}), past, at);
  EXPECT_LT((next - whole.index({lane, at})).abs().max().item<double>(), 1e-5)
      << "each lane with as much of the past as it has";
}

TEST(SpaceTime, HasTheParametersThatItSays) {
  std::int64_t count = 0;
  for (const auto& parameter : make()->parameters()) count += parameter.numel();
  EXPECT_EQ(count, 2 * (16 * width * width + 19 * width) + (places + frames + 2) * width);
  EXPECT_NE(test::message_of<Error>([] {
              SpaceTime(SpaceTimeOptions{8, 1, 3, 4, 4});
            }).find("must divide"),
            std::string::npos);
}

TEST(SpaceTime, ByDistanceAPieceOfAnyLengthIsItsWindowsAndAConditionBeginsAsNone) {
  torch::manual_seed(1);
  constexpr std::int64_t each = 3, length = 2 * frames + 1;
  SpaceTimeOptions options{width, 2, 2, places, frames};
  options.by_distance = true, options.condition = each;
  SpaceTime network(options);
  std::int64_t count = 0;
  for (const auto& parameter : network->parameters()) count += parameter.numel();
  EXPECT_EQ(count, 2 * (16 * width * width + 19 * width + 9 * width * (each + 1)) + 2 * width * (each + 1) +
                       (places + 2) * width + 2 * frames);
  torch::NoGradGuard no_grad;
  const auto x = torch::randn({1, length, places, width}), none = torch::zeros({1, length, each}),
             told = torch::randn({1, length, each});
  EXPECT_TRUE(torch::equal(network->forward(x, nullptr, none), network->forward(x, nullptr, told)));
  for (auto& parameter : network->parameters()) parameter.add_(0.1 * torch::randn_like(parameter));
  EXPECT_FALSE(torch::allclose(network->forward(x, nullptr, none), network->forward(x, nullptr, told)));
  // The last frame of one block's windows knows nothing of where they begin.
  options.layers = 1;
  SpaceTime one(options);
  const auto whole = one->forward(x, nullptr, told),
             window = one->forward(x.slice(1, length - frames), nullptr, told.slice(1, length - frames));
  EXPECT_LT((whole.select(1, length - 1) - window.select(1, frames - 1)).abs().max().item<double>(), 1e-5);
}

TEST(Patches, ComeInTheOrderOfReadingAndGoBack) {
  const auto pictures = torch::arange(2 * 3 * 4 * 6).to(torch::kFloat32).view({2, 3, 4, 6});
  const auto patches = patches_of(pictures, 2);
  EXPECT_EQ(patches.sizes(), (std::vector<std::int64_t>{2, 6, 12}));
  EXPECT_EQ(patches[0][4][0].item<float>(), pictures[0][0][2][2].item<float>()) << "second row, second column";
  EXPECT_TRUE(torch::equal(joined_patches(patches, 2, 4, 6), pictures));
}

}  // namespace space_time_test
}  // namespace dream
