#include "core/base/rng.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

#include "api/error.h"
#include "core/base/npy.h"

namespace dream {
namespace rng_test {

TEST(Rng, EqualsNumPysGenerator) {
  const Npz data = read_npz(std::string(DREAMSCOPE_SOURCE_DIR) + "/tests/golden/car_racing/numpy.npz");
  for (const std::uint64_t seed : {0ull, 1ull, 42ull, 4294967301ull, 18446744073709551615ull}) {
    Rng rng(seed);
    for (const double expected : data.at("random_" + std::to_string(seed)).view<double>("random")) {
      EXPECT_EQ(rng.random(), expected) << seed;
    }
    const auto integers = data.at("integers_" + std::to_string(seed)).view<std::int64_t>("integers");
    const std::uint64_t bounds[] = {3, 3, 7, 1000, 1ull << 31, 1ull << 32, 1ull << 40};
    for (std::size_t i = 0; i < integers.size(); ++i) {
      EXPECT_EQ(rng.integers(bounds[i]), static_cast<std::uint64_t>(integers[i])) << seed << ", bound " << bounds[i];
    }
    for (const double expected : data.at("uniform_" + std::to_string(seed)).view<double>("uniform")) {
      EXPECT_EQ(rng.uniform(-3, 5), expected) << seed;
    }
  }
}

TEST(Rng, ResumesFromItsState) {
  Rng rng(7);
  rng.next32();  // leaves half a draw behind, which is state too
  Rng resumed(rng.state());
  EXPECT_EQ(resumed, rng);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(resumed.next32(), rng.next32());
  EXPECT_EQ(resumed.normal(), rng.normal());
}

TEST(Rng, ForksDependOnSeedAndNameAlone) {
  Rng rng(5);
  const Rng early = rng.fork("collector");
  for (int i = 0; i < 10; ++i) rng.next64();
  EXPECT_EQ(early, rng.fork("collector"));

  std::set<std::uint64_t> firsts;
  for (const char* name : {"a", "b", "collector", ""}) firsts.insert(rng.fork(name).next64());
  for (std::uint64_t key = 0; key < 100; ++key) firsts.insert(rng.fork(key).next64());
  firsts.insert(rng.fork("a").fork("b").next64());
  firsts.insert(rng.fork("b").fork("a").next64());
  firsts.insert(Rng(5).next64());
  firsts.insert(Rng(6).fork("a").next64());
  EXPECT_EQ(firsts.size(), 4u + 100u + 4u);
}

TEST(Rng, NormalHasItsMoments) {
  Rng rng(3);
  double sum = 0, squares = 0, fourth = 0;
  constexpr int n = 200000;
  for (int i = 0; i < n; ++i) {
    const double x = rng.normal();
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
  }
  EXPECT_NEAR(sum / n, 0, 0.01);
  EXPECT_NEAR(squares / n, 1, 0.02);
  EXPECT_NEAR(fourth / n, 3, 0.1);
}

TEST(Rng, CategoricalFollowsItsWeights) {
  Rng rng(3);
  const std::vector<float> weights{1, 0, 3};
  int counts[3] = {};
  for (int i = 0; i < 40000; ++i) ++counts[rng.categorical(weights)];
  EXPECT_EQ(counts[1], 0);
  EXPECT_NEAR(counts[2] / 40000.0, 0.75, 0.01);
  EXPECT_THROW(rng.categorical(std::vector<float>{0, 0}), Error);
  EXPECT_THROW(rng.categorical(std::vector<float>{1, NAN}), Error);
  EXPECT_THROW(rng.integers(0), Error);
}

}  // namespace rng_test
}  // namespace dream
