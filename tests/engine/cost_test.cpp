// Costs go from the world to whoever learns from them, or judges by them.
#include <gtest/gtest.h>

#include <numeric>

#include "core/data/dataset.h"
#include "core/data/replay.h"
#include "core/data/sequences.h"
#include "core/engine/collector.h"
#include "core/engine/experience.h"
#include "core/engine/gauge_watch.h"
#include "core/engine/population.h"
#include "core/env/registry.h"
#include "core/lab/held_out.h"
#include "tests/data/temp_folder.h"

namespace dream {
namespace cost_test {

/// To and fro over the arena, and so through hazards.
class Wandering : public Behaviour {
 public:
  Carry initial(std::int64_t lanes) const override { return {{"time", torch::zeros({lanes, 1})}}; }
  Decision decide(const Seen&, const Carry& memory, Mode, at::Generator) override {
    const auto& time = memory.at("time");
    return {torch::cat({(time * 0.15).sin(), (time * 0.11).cos()}, 1), {{"time", time + 1}}};
  }
};

std::shared_ptr<System> wandering() {
  torch::set_num_threads(1);
  auto system = std::make_shared<System>();
  system->recipe = "wandering", system->environment = "PointGoal";
  system->behaviour = std::make_shared<Wandering>();
  system->make_env = [] { return make_env("PointGoal"); };
  return system;
}

/// What the same actions cost in the same world.
std::vector<float> costs_again(const Episode& episode) {
  auto env = make_env("PointGoal");
  env->reset(episode.seed);
  std::vector<float> costs;
  for (std::size_t t = 0; t < episode.length(); ++t)
    costs.push_back(env->step(std::span(episode.actions).subspan(2 * t, 2)).cost);
  return costs;
}

double sum_of(const std::vector<float>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

void expect_costs(const Episode& episode) {
  const auto& column = episode.extra.at("cost");
  EXPECT_EQ(column.width, 1);
  EXPECT_FALSE(column.per_frame);
  EXPECT_EQ(column.values, costs_again(episode));
  EXPECT_EQ(episode.cost(), sum_of(column.values));
}

TEST(Cost, IsInCollectedDatasets) {
  const test::TempFolder folder;
  {
    Collector collector(
        {folder / "data", 3, 250, 2, Rng(1), 0}, "PointGoal", [] { return make_env("PointGoal"); }, nullptr, "random");
    while (collector.written() < 3) collector.step();
  }
  const Dataset dataset(folder / "data");
  double all = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto episode = dataset.read(i);
    expect_costs(episode);
    all += episode.cost();
  }
  EXPECT_GT(all, 0);
}

/// On the disk, in the replay and in what is drawn from it; where it is interrupted in the middle of an episode as
/// well.
TEST(Cost, IsInWhatALearnerReplays) {
  const test::TempFolder folder;
  const auto system = wandering();
  Replay replay(1 << 26, 1);
  Experience::Options options;
  options.directory = folder / "lived";
  options.lanes = 2;
  std::vector<Experience::Done> done;
  Checkpoint saved;
  {
    Replay first(1 << 26, 1);
    Experience lived(options, *system, [&](const Episode& piece) { first.extend(piece); });
    for (int step = 0; step < 100; ++step) lived.step();
    lived.save(saved, "x/");
  }
  {
    Experience lived(options, *system, [&](const Episode& piece) { replay.extend(piece); });
    lived.load(saved, "x/", 0);
    for (int step = 100; step < 300; ++step) {
      for (const auto& each : lived.step()) done.push_back(each);
    }
  }
  const Dataset dataset(folder / "lived");
  ASSERT_EQ(dataset.episodes(), 2u);
  ASSERT_EQ(done.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto episode = dataset.read(i);
    expect_costs(episode);
    expect_costs(replay.episode(i));
    EXPECT_EQ(done[i].cost, episode.cost());
    EXPECT_GT(done[i].cost, 0);
  }
  const auto batch = sequences_at(replay, {0, 251}, 251);  // both episodes, whole
  const auto& column = batch.extra.at("cost");
  ASSERT_EQ(column.sizes(), (torch::IntArrayRef{251, 2, 1}));
  for (std::int64_t lane = 0; lane < 2; ++lane) {
    const auto expected = torch::tensor(replay.episode(static_cast<std::size_t>(lane)).extra.at("cost").values);
    EXPECT_EQ(column[0][lane].item<float>(), 0);  // nothing has led to the first frame
    EXPECT_TRUE(torch::equal(column.slice(0, 1).select(1, lane).flatten(), expected));
  }
}

TEST(Cost, IsInHeldOutEpisodesAndUnseenPieces) {
  const auto system = wandering();
  HeldOut held_out(*system, 250);
  double all = 0;
  for (const auto& each : held_out.first(4)) {
    expect_costs(each.data);
    all += each.data.cost();
  }
  EXPECT_GT(all, 0);
  const auto pieces = drive_unseen(*system, 8, 200);
  const auto& column = pieces.batch.extra.at("cost");
  EXPECT_EQ(column.sizes(), (torch::IntArrayRef{201, 8, 1}));
  EXPECT_EQ(column[0].abs().sum().item<float>(), 0);
  EXPECT_GT(column.sum().item<float>(), 0);
}

TEST(Cost, OfEpisodesIsScoredBesideTheirReturn) {
  const auto system = wandering();
  RealLanes lanes(nullptr, torch::kCPU, system->make_env, 2, 1);
  Pilot pilot(system->behaviour, 2, Mode::judge);
  auto rng = make_generator(torch::kCPU, 1);
  Population::Options options;
  options.begins = [&](std::int64_t lane) { pilot.start(lane); };
  const auto act = [&](const Seen& seen, const torch::Tensor&) { return pilot.drive(seen, rng); };
  Population population(act, lanes, options);
  const std::vector<std::uint64_t> seeds{5, 6, 7};
  population.begin(1, seeds);
  for (int tick = 0; tick < 300; ++tick) population.tick();  // into the second of one lane
  Checkpoint saved, memory;
  population.save(saved, "p/");
  pilot.save(memory, "p/");
  while (!population.finished()) population.tick();
  const auto results = population.results();
  double mean = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    auto env = make_env("PointGoal");
    env->reset(seeds[i]);
    double cost = 0;
    for (int t = 0; t < 250; ++t) {
      const auto time = torch::full({1, 1}, static_cast<double>(t));
      const auto action = torch::cat({(time * 0.15).sin(), (time * 0.11).cos()}, 1).contiguous();
      cost += env->step({action.data_ptr<float>(), 2}).cost;
    }
    EXPECT_EQ(results[i].cost, cost) << i;
    mean += cost / 3;
  }
  EXPECT_NEAR(cost_of(results).mean, mean, 1e-9);
  EXPECT_GT(mean, 0);

  // Interrupted, it costs the same.
  Population again(act, lanes, options);
  again.begin(1, seeds);
  again.load(saved, "p/");
  pilot.load(memory, "p/");
  while (!again.finished()) again.tick();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(again.results()[i].cost, results[i].cost) << i;

  // A run says it as a curve and in words; one of a world without costs does not.
  const auto spaces = system->make_env()->spaces();
  system->metrics = Metrics({{"evaluate/reward", "Return", "reward", "episode"},
                             cost_curve("evaluate/cost", "Cost of unseen episodes", "episode", spaces)});
  publish_score(*system, results, "episodes");
  EXPECT_EQ(system->metrics.last("evaluate/cost"), results[2].cost);
  EXPECT_EQ(system->facts.at("cost"), cost_in_words(results, "episodes"));
  EXPECT_TRUE(system->facts.at("cost").ends_with(" over 3 unseen episodes")) << system->facts.at("cost");
  System other;
  other.metrics = Metrics({{"evaluate/reward", "Return", "reward", "episode"}});
  publish_score(other, {{1, 9}}, "episodes");
  EXPECT_FALSE(other.facts.contains("cost"));
}

TEST(Cost, IsNoColumnWhereAWorldHasNone) {
  const test::TempFolder folder;
  {
    Collector collector(
        {folder / "data", 1, 9, 1, Rng(1), 0}, "Catch", [] { return make_env("Catch"); }, nullptr, "random");
    while (collector.written() < 1) collector.step();
  }
  const auto episode = Dataset(folder / "data").read(0);
  EXPECT_TRUE(episode.extra.empty());
  EXPECT_EQ(episode.cost(), 0);
}

}  // namespace cost_test
}  // namespace dream
