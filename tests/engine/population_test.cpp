// Lanes and populations over a toy world whose best driver is known.
#include "core/engine/population.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/platform.h"
#include "core/behaviours/cma_es.h"
#include "tests/data/temp_folder.h"
#include "tests/support/toy.h"

namespace dream {
namespace population_test {

/// Lanes that give each seed's own stream of rewards: reward of step t (from 1) is script(seed, t); an episode ends
/// where the script says so.
class ScriptedLanes : public Lanes {
 public:
  using Script = std::function<StepResult(std::uint64_t seed, std::int64_t step, float action)>;
  ScriptedLanes(std::int64_t count, Script script)
      : script_(std::move(script)), seeds_(static_cast<std::size_t>(count)), steps_(seeds_) {}
  std::int64_t count() const override { return static_cast<std::int64_t>(seeds_.size()); }
  void start(std::int64_t lane, std::uint64_t seed) override {
    seeds_[static_cast<std::size_t>(lane)] = seed;
    steps_[static_cast<std::size_t>(lane)] = 0;
    started.push_back(seed);
  }
  Seen look() override { return {}; }
  std::vector<StepResult> step(const torch::Tensor& actions, const std::vector<char>& active) override {
    std::vector<StepResult> results(seeds_.size());
    for (std::size_t lane = 0; lane < seeds_.size(); ++lane) {
      if (active[lane])
        results[lane] = script_(seeds_[lane], static_cast<std::int64_t>(++steps_[lane]),
                                actions[static_cast<std::int64_t>(lane)][0].item<float>());
    }
    return results;
  }
  void save(Checkpoint&, const std::string&) const override {}
  void load(const Checkpoint&, const std::string&) override {}
  std::vector<std::uint64_t> started;

 private:
  Script script_;
  std::vector<std::uint64_t> seeds_, steps_;
};

/// The candidate's number as its action.
torch::Tensor number(const Seen&, const torch::Tensor& candidate) {
  return candidate.to(torch::kFloat32).unsqueeze(1);
}

void play(Population& population) {
  while (!population.finished()) ASSERT_GT(population.tick(), 0);
}

TEST(Population, EveryCandidatePlaysEverySeedOnce) {
  ScriptedLanes lanes(3, [](std::uint64_t seed, std::int64_t step, float action) {
    return StepResult{step == 1 ? action + 100 * static_cast<float>(seed) : 0, step == static_cast<std::int64_t>(seed),
                      false};
  });
  Population population(number, lanes, {});
  population.begin(4, {2, 5, 3});
  double before = -1;
  while (!population.finished()) {
    EXPECT_GE(population.progress(), before);
    before = population.progress();
    population.tick();
  }
  EXPECT_EQ(population.progress(), 1);
  ASSERT_EQ(population.results().size(), 12u);
  const std::uint64_t seeds[] = {2, 5, 3};
  for (std::size_t job = 0; job < 12; ++job) {
    EXPECT_EQ(population.results()[job].reward,
              static_cast<double>(job / 3) + 100.0 * static_cast<double>(seeds[job % 3]));
    EXPECT_EQ(population.results()[job].steps, static_cast<std::int64_t>(seeds[job % 3]));
  }
  EXPECT_EQ(population.mean_rewards(), (std::vector<double>{1000.0 / 3, 1003.0 / 3, 1006.0 / 3, 1009.0 / 3}));
  EXPECT_EQ(lanes.started.size(), 12u);
  EXPECT_EQ(population.tick(), 0) << "nothing is left to step";
}

TEST(Population, EpisodesEndAtTheirLimit) {
  ScriptedLanes lanes(2, [](std::uint64_t, std::int64_t, float) { return StepResult{1, false, false}; });
  Population population(number, lanes, {.max_steps = 7});
  population.begin(3, {1});
  play(population);
  for (const auto& result : population.results()) {
    EXPECT_EQ(result.steps, 7);
    EXPECT_EQ(result.reward, 7);
  }
}

TEST(Population, PatienceChargesTheRestAtTheDryRate) {
  // +10 at steps 1 and 4, -1 otherwise; the third seed goes on being rewarded.
  const auto script = [](std::uint64_t seed, std::int64_t step, float) {
    const bool rewarded = seed == 9 ? step % 3 == 1 : step == 1 || step == 4;
    return StepResult{rewarded ? 10.0f : -1.0f, false, false};
  };
  ScriptedLanes lanes(2, script);
  Population population(number, lanes, {.max_steps = 100, .patience = 5});
  population.begin(1, {1, 9});
  play(population);
  // Steps 5 to 9 are dry: given up at 9 with 10 - 2 + 10 - 5, and 91 more steps at -1 each.
  EXPECT_EQ(population.results()[0].steps, 9);
  EXPECT_DOUBLE_EQ(population.results()[0].reward, 13 - 91);
  EXPECT_EQ(population.results()[1].steps, 100);

  // The same as what playing on would have given.
  ScriptedLanes again(1, script);
  Population patient(number, again, {.max_steps = 100, .patience = 0});
  patient.begin(1, {1});
  play(patient);
  EXPECT_DOUBLE_EQ(patient.results()[0].reward, population.results()[0].reward);
  EXPECT_EQ(patient.results()[0].steps, 100);
}

// -- real lanes over the toy -----------------------------------------------------------------------------------

class ToyLanes : public ::testing::Test {
 protected:
  ToyLanes() { torch::set_num_threads(1); }
  std::unique_ptr<Env> make() const { return std::make_unique<ToyEnvType>(test::ToyOptions{20, 0}); }
  using ToyEnvType = test::ToyEnv;

  std::unique_ptr<RealLanes> lanes(std::int64_t count, std::uint64_t seed = 1) const {
    return std::make_unique<RealLanes>(
        std::make_shared<test::ToyModel>(), torch::kCPU, [this] { return make(); }, count, seed);
  }
  Population::Actor actor(const std::vector<double>& candidates) const {
    const auto rows = torch::tensor(candidates, torch::kFloat64).view({-1, 9}).to(torch::kFloat32);
    return [rows, this](const Seen& seen, const torch::Tensor& candidate) {
      return driver_->act_as(rows, candidate, seen.features());
    };
  }
  std::shared_ptr<LinearController> driver_ = test::toy_driver(0);
};

TEST_F(ToyLanes, ResultsDoNotDependOnTheNumberOfLanes) {
  const std::vector<double> candidates = {0, 0, 0, 1, 0, 0, 0, 0, 0, /**/ 0.5, 0, 0, -1, 0, 0, 0.2, 0, 0};
  std::vector<std::vector<double>> means;
  for (const std::int64_t count : {1, 3, 8}) {
    const auto worlds = lanes(count);
    Population population(actor(candidates), *worlds, {});
    population.begin(2, {11, 12, 13});
    play(population);
    means.push_back(population.mean_rewards());
  }
  for (const auto& mean : means) {
    for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(mean[i], means[0][i], 0.02);  // the encoder's noise alone differs
  }
  EXPECT_GT(means[0][0], means[0][1] + 1) << "steering towards the target is better than away from it";
}

TEST_F(ToyLanes, CmaEsFindsTheKnownDriver) {
  CmaOptions options;
  options.dimension = 9;
  options.population = 10;
  options.sigma0 = 0.3;
  options.seed = 4;
  CmaEs es(options);
  double first = 0, last = 0;
  std::vector<std::vector<double>> generations;
  for (int run = 0; run < 2; ++run) {  // the second time: the same to the last bit
    CmaEs search(options);
    std::vector<double> means;
    for (std::uint64_t generation = 0; generation < 30; ++generation) {
      const auto candidates = search.ask();
      const auto worlds = lanes(16, generation);
      Population population(actor(candidates), *worlds, {});
      population.begin(10, {100 + generation, 200 + generation, 300 + generation});
      play(population);
      std::vector<double> costs;
      for (const double reward : population.mean_rewards()) costs.push_back(-reward), means.push_back(reward);
      search.tell(candidates, costs);
    }
    generations.push_back(means);
  }
  EXPECT_EQ(generations[0], generations[1]);
  for (int i = 0; i < 10; ++i) {
    first += generations[0][static_cast<std::size_t>(i)] / 10;
    last += generations[0][generations[0].size() - 1 - static_cast<std::size_t>(i)] / 10;
  }
  EXPECT_GT(last, 19) << "of 20; it began at " << first;
  EXPECT_LT(first, 16);
}

TEST_F(ToyLanes, GoesOnBitForBitFromTheMiddleOfAGeneration) {
  test::TempFolder folder;
  std::vector<double> candidates;
  Rng rng(5);
  for (int i = 0; i < 5 * 9; ++i) candidates.push_back(rng.normal());
  const std::vector<std::uint64_t> seeds = {7, 8, 9};
  const auto results = [&](int interrupt_every) {
    auto worlds = lanes(4, 3);
    auto population =
        std::make_unique<Population>(actor(candidates), *worlds, Population::Options{.max_steps = 15, .patience = 6});
    population->begin(5, seeds);
    for (int tick = 1; !population->finished(); ++tick) {
      population->tick();
      if (interrupt_every == 0 || tick % interrupt_every != 0) continue;
      Checkpoint checkpoint;
      population->save(checkpoint, "p/");
      checkpoint.save(folder / "c.safetensors");
      population.reset();
      worlds = lanes(4, 99);  // whatever they were made with, the checkpoint decides
      population =
          std::make_unique<Population>(actor(candidates), *worlds, Population::Options{.max_steps = 15, .patience = 6});
      population->begin(5, seeds);
      population->load(Checkpoint::load(folder / "c.safetensors"), "p/");
    }
    std::vector<double> rewards;
    for (const auto& result : population->results()) rewards.push_back(result.reward);
    return rewards;
  };
  const auto uninterrupted = results(0);
  EXPECT_EQ(results(1), uninterrupted);
  EXPECT_EQ(results(4), uninterrupted);
}

/// A run of a graphics card is taken up on a processor: the states of their generators differ in size.
TEST(Generators, GoOnFromAnotherDevice) {
  Checkpoint from;
  from.origin = "run/checkpoint.safetensors";
  from.tensors["rng"] = torch::arange(16).to(torch::kUInt8);
  auto one = make_generator(torch::kCPU, 1), two = make_generator(torch::kCPU, 2);
  load_generator(from, "rng", one);
  load_generator(from, "rng", two);
  EXPECT_TRUE(torch::equal(torch::rand({4}, one), torch::rand({4}, two)));
  store_generator(from, "rng", one);
  load_generator(from, "rng", two);
  EXPECT_TRUE(torch::equal(torch::rand({4}, one), torch::rand({4}, two)));
  from.tensors["rng"] = torch::zeros({17}, torch::kUInt8);
  EXPECT_THROW(load_generator(from, "rng", one), Error);
}

TEST_F(ToyLanes, RefusesADamagedPopulation) {
  const auto worlds = lanes(2);
  Population population(actor(std::vector<double>(9)), *worlds, {});
  population.begin(1, {1, 2, 3});
  population.tick();
  Checkpoint whole;
  population.save(whole, "p/");
  whole.origin = "run/checkpoint.safetensors";
  const auto refused = [&](const std::string& name, const torch::Tensor& value) {
    auto damaged = whole;
    damaged.tensors[name] = value;
    const auto message = test::message_of<Error>([&] { population.load(damaged, "p/"); });
    EXPECT_NE(message.find(name), std::string::npos) << message;
  };
  refused("p/lanes", torch::zeros({3, 5}, torch::kFloat64));
  refused("p/lanes", torch::full({2, 5}, 99.0, torch::kFloat64));
  refused("p/queue", torch::tensor({9, 0}, torch::kInt64));
  refused("p/queue", torch::tensor({1, 2}, torch::kInt64));
  refused("p/lane_env_ends", torch::tensor({12, 5}, torch::kInt64));
  refused("p/lane_env_ends", torch::tensor({12, 1 << 30}, torch::kInt64));
  refused("p/lane_rng", torch::zeros({3}, torch::kUInt8));
  population.load(whole, "p/");
  play(population);
}

TEST_F(ToyLanes, AFailingEnvironmentIsReportedByItsOwnError) {
  const auto worlds = lanes(2);
  worlds->start(0, 1);
  EXPECT_THROW(worlds->step(torch::full({2, 3}, NAN), {1, 1}), Error);
}

TEST(Score, IsSaidInWordsWithAsManyDigitsAsItDeserves) {
  System system;
  system.metrics = Metrics({{"evaluate/reward", "Return", "reward", "episode"}});
  publish_score(system, {{1, 9}, {0, 9}, {1, 9}, {1, 9}}, "episodes");
  EXPECT_EQ(system.facts.at("score"), "0.75 ± 0.43 over 4 unseen episodes");
  publish_score(system, {{800, 1000}, {899, 1000}}, "tracks");
  EXPECT_EQ(system.facts.at("score"), "850 ± 50 over 2 unseen tracks");
  EXPECT_EQ(system.metrics.last("evaluate/reward"), 899);
  publish_score(system, {{-0.001, 9}, {0.0005, 9}}, "episodes");
  EXPECT_EQ(system.facts.at("score"), "-0.000250 ± 0.000750 over 2 unseen episodes")
      << "small worlds have small returns";
  publish_score(system, {{-0.3, 9}, {0.299, 9}}, "episodes");
  EXPECT_EQ(system.facts.at("score"), "0.00 ± 0.30 over 2 unseen episodes") << "and no -0.00";
  publish_score(system, {{1 + 1e-15, 9}, {1, 9}}, "episodes");
  EXPECT_EQ(system.facts.at("score"), "1.00 ± 0.00 over 2 unseen episodes") << "and no 6.66e-16";
}

// -- dream lanes -----------------------------------------------------------------------------------------------

TEST_F(ToyLanes, DreamsBeginAtKeptStatesAndEndWhereTheModelSays) {
  const auto model = std::make_shared<test::ToyModel>();
  const Carry starts = {{"x", torch::tensor({{0.5f, 0.0f}, {-0.5f, 0.2f}})}, {"age", torch::tensor({{88.0f}, {0.0f}})}};
  DreamLanes dreams(model, starts, 2, 12, {{"tau_sigma", 0}}, 1);
  dreams.start(0, 10);  // 10 mod 2: the first, three steps before its end
  dreams.start(1, 11);
  EXPECT_TRUE(torch::equal(dreams.look().features(), starts.at("x")));
  const auto action = torch::tensor({{1.0f, 0.0f, 0.0f}, {0.0f, 0.0f, 0.0f}});
  const auto first = dreams.step(action, {1, 1});
  EXPECT_NEAR(first[0].reward, 0.1, 1e-6);
  EXPECT_NEAR(first[1].reward, 0.2, 1e-6);
  dreams.step(action, {1, 1});
  const auto third = dreams.step(action, {1, 1});
  EXPECT_TRUE(third[0].terminated);
  EXPECT_FALSE(third[1].done());
  for (int step = 4; step <= 11; ++step) EXPECT_FALSE(dreams.step(action, {0, 1})[1].done()) << step;
  EXPECT_TRUE(dreams.step(action, {0, 1})[1].truncated) << "after max_steps";

  const auto none = test::message_of<Error>([&] { DreamLanes(model, {}, 1, 10, {}, 1); });
  EXPECT_NE(none.find("start states"), std::string::npos) << none;
}

}  // namespace population_test
}  // namespace dream
