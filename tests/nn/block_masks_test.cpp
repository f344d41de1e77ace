// Masks of I-JEPA and V-JEPA against facebookresearch/ijepa and jepa (golden file by tests/golden/make_ijepa.py).
#include "core/nn/block_masks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "api/error.h"
#include "core/base/npy.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace block_masks_test {

constexpr int batches = 500, pictures = 8;

const Npz& official() {
  static const Npz file = read_npz(DREAMSCOPE_SOURCE_DIR "/tests/golden/ijepa/masks.npz");
  return file;
}

std::vector<float> numbers(const std::string& name) {
  return official().at(name).to_floats();
}

std::set<std::int64_t> set_of(const torch::Tensor& places) {
  return {places.data_ptr<std::int64_t>(), places.data_ptr<std::int64_t>() + places.numel()};
}

TEST(BlockMasks, HaveTheOfficialSizesForTheSameDraws) {
  const auto rows = numbers("sizes");  // side, draw, target's rows and columns, context's
  ASSERT_EQ(rows.size(), 120u * 6u);
  for (std::size_t i = 0; i < rows.size(); i += 6) {
    const auto side = static_cast<std::int64_t>(rows[i]);
    const double draw = static_cast<double>(rows[i + 1]);
    const auto target = block_size(draw, side, side, 0.15, 0.2, 0.75, 1.5, false);
    const auto context = block_size(draw, side, side, 0.85, 1, 1, 1, false);
    EXPECT_EQ(target.rows, static_cast<std::int64_t>(rows[i + 2])) << side << " " << draw;
    EXPECT_EQ(target.columns, static_cast<std::int64_t>(rows[i + 3])) << side << " " << draw;
    EXPECT_EQ(context.rows, static_cast<std::int64_t>(rows[i + 4])) << side << " " << draw;
    EXPECT_EQ(context.columns, static_cast<std::int64_t>(rows[i + 5])) << side << " " << draw;
  }
}

TEST(BlockMasks, OfThePaperCover38To51Of256Patches) {
  for (double draw = 0; draw < 1; draw += 0.01) {
    const auto size = block_size(draw, 16, 16, 0.15, 0.2, 0.75, 1.5, false);
    EXPECT_GE(size.rows * size.columns, 35) << draw;  // 38 before it is made rows and columns
    EXPECT_LE(size.rows * size.columns, 56) << draw;
  }
}

/// How often each patch is seen and hidden, of 4,000 pictures: standard errors are below 0.008.
TEST(BlockMasks, SeeAndHideEveryPatchAsOftenAsTheOfficialOnes) {
  for (const std::int64_t side : {8, 16}) {
    Rng chance(7);
    std::vector<double> seen(static_cast<std::size_t>(side * side)), hidden(seen.size());
    double context = 0, target = 0;
    for (int i = 0; i < batches; ++i) {
      const auto masks = block_masks({}, side, side, pictures, chance);
      context += static_cast<double>(masks.context.size(1)) / batches,
          target += static_cast<double>(masks.targets[0].size(1)) / batches;
      for (const auto at : std::vector(masks.context.data_ptr<std::int64_t>(),
                                       masks.context.data_ptr<std::int64_t>() + masks.context.numel()))
        seen[static_cast<std::size_t>(at)] += 1.0 / (batches * pictures);
      for (const auto& each : masks.targets)
        for (const auto at : std::vector(each.data_ptr<std::int64_t>(), each.data_ptr<std::int64_t>() + each.numel()))
          hidden[static_cast<std::size_t>(at)] += 0.25 / (batches * pictures);
    }
    const auto name = std::to_string(side);
    const auto theirs_seen = numbers("seen" + name), theirs_hidden = numbers("hidden" + name),
               counts = numbers("counts" + name);
    for (std::size_t i = 0; i < seen.size(); ++i) {
      EXPECT_NEAR(seen[i], static_cast<double>(theirs_seen[i]), 0.05) << side << ", patch " << i;
      EXPECT_NEAR(hidden[i], static_cast<double>(theirs_hidden[i]), 0.03) << side << ", patch " << i;
    }
    EXPECT_NEAR(context, static_cast<double>(counts[0]), 0.02 * static_cast<double>(side * side));
    EXPECT_NEAR(target, static_cast<double>(counts[1]), 0.01 * static_cast<double>(side * side));
  }
}

TEST(BlockMasks, KeepTargetsOutOfTheContextAndListsAsLong) {
  Rng chance(1);
  for (int i = 0; i < 50; ++i) {
    const auto masks = block_masks({}, 8, 8, 16, chance);
    ASSERT_EQ(masks.targets.size(), 4u);
    for (std::int64_t picture = 0; picture < 16; ++picture) {
      const auto seen = set_of(masks.context[picture].contiguous());
      EXPECT_EQ(seen.size(), static_cast<std::size_t>(masks.context.size(1))) << "no patch twice";
      EXPECT_GT(seen.size(), 4u);
      for (const auto& each : masks.targets)
        for (const auto at : set_of(each[picture].contiguous())) EXPECT_FALSE(seen.contains(at));
    }
  }
}

TEST(BlockMasks, ReachTheEdgesOnlyWhereThatIsAskedFor) {
  const auto reaches = [](bool edges) {
    Rng chance(2);
    bool last = false;
    for (int i = 0; i < 50; ++i) {
      const auto masks = block_masks({.edges = edges}, 8, 8, 8, chance);
      for (const auto& each : masks.targets)
        last = last || (each % 8 == 7).any().item<bool>() || (each >= 56).any().item<bool>();
      last = last || (masks.context >= 56).any().item<bool>();
    }
    return last;
  };
  EXPECT_FALSE(reaches(false));
  EXPECT_TRUE(reaches(true));
}

TEST(BlockMasks, ThatCannotBeAreRefused) {
  Rng chance(1);
  EXPECT_NE(test::message_of<Error>([&] { block_masks({.least = 20}, 8, 8, 4, chance); }).find("encoder.patch"),
            std::string::npos);
  EXPECT_NE(test::message_of<Error>([&] {
              tube_masks({.blocks = 1, .share = 1, .aspect_least = 1, .aspect_most = 1}, 4, 8, 8, 4, chance);
            }).find("nothing to see"),
            std::string::npos);
}

/// A clip's masks last through all time, and what is not hidden is seen.
TEST(TubeMasks, AreTheOfficialOnes) {
  const auto theirs_seen = numbers("clip_seen"), counts = numbers("clip_counts");
  const TubeMaskOptions ways[] = {{}, {.blocks = 2, .share = 0.7}};
  for (std::size_t way = 0; way < 2; ++way) {
    Rng chance(5);
    std::vector<double> seen(4 * 64);
    double context = 0, target = 0;
    for (int i = 0; i < batches; ++i) {
      const auto masks = tube_masks(ways[way], 4, 8, 8, pictures, chance);
      ASSERT_EQ(masks.targets.size(), 1u);
      context += static_cast<double>(masks.context.size(1)) / batches,
          target += static_cast<double>(masks.targets[0].size(1)) / batches;
      for (std::int64_t picture = 0; picture < pictures; ++picture) {
        const auto shown = set_of(masks.context[picture].contiguous());
        for (const auto at : set_of(masks.targets[0][picture].contiguous())) EXPECT_FALSE(shown.contains(at));
        for (const auto at : shown) seen[static_cast<std::size_t>(at)] += 1.0 / (batches * pictures);
      }
    }
    EXPECT_NEAR(context, static_cast<double>(counts[2 * way]), 0.02 * 256);
    EXPECT_NEAR(target, static_cast<double>(counts[2 * way + 1]), 0.02 * 256);
    for (std::size_t i = 0; i < seen.size(); ++i)
      EXPECT_NEAR(seen[i], static_cast<double>(theirs_seen[256 * way + i]), 0.06) << way << ", patch " << i;
  }
}

}  // namespace block_masks_test
}  // namespace dream
