// A map of neighbours, on data whose neighbours are known.
#include "core/lab/tsne.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/nn/generator.h"

namespace dream {
namespace tsne_test {

struct Blobs {
  torch::Tensor x;  // [3·each, 20]
  std::int64_t each = 60;
};

Blobs three_blobs() {
  Blobs blobs;
  auto rng = make_generator(torch::kCPU, 3);
  const auto noise = torch::randn({3 * blobs.each, 20}, rng), centres = 12 * torch::eye(20).slice(0, 0, 3);
  blobs.x = noise + centres.repeat_interleave(blobs.each, 0);
  return blobs;
}

TEST(Tsne, NeighbourhoodsAreAsWideAsAskedFor) {
  const auto p = neighbour_probabilities(three_blobs().x, 30);
  EXPECT_NEAR((p.sum(1) - 1).abs().max().item<double>(), 0, 1e-5);
  EXPECT_EQ(p.diagonal().abs().max().item<double>(), 0);
  const auto entropy = -(p * p.clamp_min(1e-30).log()).sum(1);
  EXPECT_NEAR(entropy.min().item<double>(), std::log(30.0), 1e-3);
  EXPECT_NEAR(entropy.max().item<double>(), std::log(30.0), 1e-3);
}

TEST(Tsne, AFewPointsAreNotAskedForMoreNeighboursThanTheyHave) {
  const auto p = neighbour_probabilities(torch::arange(7, torch::kFloat32).unsqueeze(1), 30);
  EXPECT_NEAR(-(p * p.clamp_min(1e-30).log()).sum(1).max().item<double>(), std::log(2.0), 1e-3);
  EXPECT_TRUE(tsne(torch::zeros({5, 3}), {}).isfinite().all().item<bool>()) << "all at one place";
  EXPECT_EQ(tsne(torch::zeros({1, 3}), {}).size(0), 1);
}

TEST(Tsne, BlobsThatAreApartStayApart) {
  const auto blobs = three_blobs();
  const auto y = tsne(blobs.x, {});
  auto distance = torch::cdist(y, y);
  distance.fill_diagonal_(1e9);
  const auto nearest = distance.argmin(1) / blobs.each, own = torch::arange(3 * blobs.each) / blobs.each;
  EXPECT_TRUE((nearest.floor() == own.floor()).all().item<bool>()) << "every point's nearest neighbour is of its blob";
  // Not only that: the gap between two blobs is wider than a blob.
  std::vector<torch::Tensor> centres;
  double widest = 0;
  for (std::int64_t k = 0; k < 3; ++k) {
    const auto blob = y.slice(0, k * blobs.each, (k + 1) * blobs.each);
    centres.push_back(blob.mean(0));
    widest = std::max(widest, (blob - centres.back()).norm(2, 1).mean().item<double>());
  }
  for (std::size_t k = 0; k < 3; ++k) EXPECT_GT((centres[k] - centres[(k + 1) % 3]).norm().item<double>(), 2 * widest);
}

TEST(Tsne, TheSameDataGivesTheSameMap) {
  const auto blobs = three_blobs();
  EXPECT_TRUE(torch::equal(tsne(blobs.x, {}), tsne(blobs.x, {})));
}

TEST(Tsne, CanBeLeft) {
  struct Enough {};
  int steps = 0;
  const auto leave = [&](double) {
    if (++steps == 5) throw Enough{};
  };
  EXPECT_THROW(tsne(three_blobs().x, {}, leave), Enough);
}

}  // namespace tsne_test
}  // namespace dream
