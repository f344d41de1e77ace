#include <cmath>
#include <map>

#include "core/behaviours/actor_critic.h"
#include "tests/models/rssm_small.h"

namespace dream {
namespace rssm_sizes_test {

using test::count;
using test::pixels;
using test::published;

/// Parameters by part: "dynamics", "encoder", "decoder", "reward", "continue", "actor", "critic".
std::map<std::string, std::int64_t> parts_of(const DreamerOptions& o, const Spaces& spaces) {
  Rssm model(o.world, spaces);
  ActorCritic behaviour(model.feature_count(), spaces.action, o.behaviour);
  std::map<std::string, std::int64_t> parts;
  const std::map<std::string, std::string> names = {{"cell", "dynamics"},
                                                    {"prior", "dynamics"},
                                                    {"posterior", "dynamics"},
                                                    {"image_encoder", "encoder"},
                                                    {"image_decoder", "decoder"}};
  for (const auto& child : model.named_children())
    parts[names.contains(child.key()) ? names.at(child.key()) : child.key()] += count(*child.value());
  for (const auto& child : behaviour.named_children()) {
    if (child.key() != "slow_critic") parts[child.key()] = count(*child.value());
  }
  for (const auto& name : {"dynamics", "encoder", "decoder", "reward", "continue", "actor", "critic"})
    parts["total"] += parts[name];
  return parts;
}

class RssmSizes : public test::ModelTest {};

TEST_F(RssmSizes, ThePapersParameterCounts) {
  const auto v1 = parts_of(published("dreamer-v1", false), pixels(6, false));
  EXPECT_EQ(v1.at("encoder"), 690144);
  EXPECT_EQ(v1.at("decoder"), 3795555);
  EXPECT_EQ(v1.at("dynamics"), 557920);
  EXPECT_EQ(v1.at("reward"), 253201);
  EXPECT_EQ(v1.at("critic"), 413601);
  EXPECT_EQ(v1.at("actor"), 578412);
  EXPECT_EQ(parts_of(published("planet", false), pixels(6, false)).at("dynamics"), 557320);
  const auto v2 = parts_of(published("dreamer-v2", true), pixels(18, true, 1));
  EXPECT_EQ(v2.at("encoder"), 1549776);
  EXPECT_EQ(v2.at("dynamics"), 5664848);
  EXPECT_EQ(v2.at("decoder"), 10497553);
  EXPECT_EQ(v2.at("total"), 22245398);
}

/// All sizes of V3 (2024) are multiples of one number of units u: h has 8 u, the classes and the channels u / 16. Every
/// weight has at most two sides that grow with u, so a count is a polynomial of degree two in u, and three small models
/// tell all. The largest would take 6 GB.
TEST_F(RssmSizes, TheSizesOfDreamerV3) {
  std::map<std::string, std::vector<double>> small;  // at u = 64, 128, 256
  for (const std::int64_t u : {64, 128, 256}) {
    auto o = published("dreamer-v3", true);
    o.world.deter = 8 * u;
    o.world.hidden = o.world.units = o.behaviour.units = u;
    o.world.classes = o.world.depth = u / 16;
    for (const auto& [part, size] : parts_of(o, pixels(17))) small[part].push_back(static_cast<double>(size));
  }
  const auto at = [&](const std::string& part, double u) {
    const auto& y = small.at(part);
    const double a = 64, b = 128, c = 256;
    return std::llround(y[0] * (u - b) * (u - c) / ((a - b) * (a - c)) +
                        y[1] * (u - a) * (u - c) / ((b - a) * (b - c)) +
                        y[2] * (u - a) * (u - b) / ((c - a) * (c - b)));
  };
  const std::map<std::string, std::int64_t> totals = {{"1m", 687875},     {"12m", 10498259},  {"25m", 23495475},
                                                      {"50m", 41658259},  {"100m", 93480531}, {"200m", 165965075},
                                                      {"400m", 372920979}};
  for (const auto& [size, total] : totals) {
    const auto w = published("dreamer-v3", true, size).world;
    EXPECT_EQ(w.deter, 8 * w.units) << size;
    EXPECT_EQ(w.hidden, w.units) << size;
    EXPECT_EQ(w.classes, w.units / 16) << size;
    EXPECT_EQ(w.depth, w.units / 16) << size;
    EXPECT_EQ(at("total", static_cast<double>(w.units)), total) << size;
  }
  EXPECT_EQ(static_cast<std::int64_t>(small.at("total")[0]), 687875);  // counted, not computed
  EXPECT_EQ(static_cast<std::int64_t>(small.at("total")[2]), 10498259);
  const std::map<std::string, std::int64_t> large = {
      {"dynamics", 95495168}, {"encoder", 3492864}, {"decoder", 20282115}, {"reward", 10749183},
      {"continue", 10488833}, {"actor", 12606481},  {"critic", 12850431}};
  for (const auto& [part, size] : large) EXPECT_EQ(at(part, 1024), size) << part;
}

/// Hafner et al. 2023 name their sizes in millions.
TEST_F(RssmSizes, TheSizesOfTheFirstDreamerV3) {
  const std::vector<std::pair<const char*, double>> sizes = {{"xs", 8}, {"s", 18}, {"m", 37}, {"l", 77}, {"xl", 200}};
  for (const auto& [size, millions] : sizes) {
    const auto total = parts_of(published("dreamer-v3", true, size, "2023"), pixels(18)).at("total");
    EXPECT_NEAR(static_cast<double>(total) / 1e6, millions, 0.5 + millions / 400) << size;
  }
}

}  // namespace rssm_sizes_test
}  // namespace dream
