// What is wrong with it? Runs that are broken on purpose, each beside a healthy twin that was trained the same way;
// models whose fault is known; and the runs that came with this program.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "core/base/rng.h"
#include "core/data/dataset.h"
#include "core/engine/run_file.h"
#include "core/engine/trainer.h"
#include "core/lab/diagnosis.h"
#include "tests/data/temp_folder.h"
#include "tests/lab/known_world.h"
#include "tests/lab/lab_answers.h"

namespace dream {
namespace diagnose_test {

using namespace test;

std::set<std::string> rules_of(const LabAnswer& answer) {
  std::set<std::string> rules;
  for (const auto& each : answer.findings) rules.insert(each.rule);
  return rules;
}

const LabFinding& finding_of(const LabAnswer& answer, const std::string& rule) {
  for (const auto& each : answer.findings)
    if (each.rule == rule) return each;
  throw std::runtime_error("nothing was found by " + rule + ", but by " + ::testing::PrintToString(rules_of(answer)));
}

// -- models whose fault is known ----------------------------------------------------------------------------------

TEST(DiagnoseQuestion, IsSilentOnAPerfectModel) {
  const auto answer = answer_about("diagnose", known_system(Wrong::nothing, true));
  EXPECT_TRUE(answer.findings.empty()) << ::testing::PrintToString(rules_of(answer));
  EXPECT_NE(answer.sentence.find("Nothing looks wrong"), std::string::npos);
  EXPECT_DOUBLE_EQ(number_of(answer, "skill").value, 1);
  EXPECT_DOUBLE_EQ(number_of(answer, "reward").value, 1);
}

TEST(DiagnoseQuestion, FindsWhatIsKnownToBeWrong) {
  const std::pair<Wrong, const char*> known[] = {{Wrong::deaf, "deaf"},
                                                 {Wrong::copies, "no_skill"},
                                                 {Wrong::dynamics, "prior_unlearned"},
                                                 {Wrong::decoder, "encoder_blind"},
                                                 {Wrong::collapsed, "collapsed"},
                                                 {Wrong::encoder, "reward_blind"}};
  for (const auto& [wrong, rule] : known) {
    const auto answer = answer_about("diagnose", known_system(wrong, true));
    ASSERT_TRUE(rules_of(answer).contains(rule)) << rule << ": " << ::testing::PrintToString(rules_of(answer));
    const auto& found = finding_of(answer, rule);
    EXPECT_FALSE(found.sentence.empty() || found.advice.empty() || found.panel.empty());
    EXPECT_NE(found.evidence.find_first_of("0123456789"), std::string::npos) << found.evidence;
    EXPECT_NE(found.evidence.find(" unseen episodes"), std::string::npos) << "n is told: " << found.evidence;
  }
}

TEST(DiagnoseQuestion, ADreamThatPaysWhatRealityDoesNot) {
  const auto answer = answer_about("diagnose", known_system(Wrong::optimist, true));
  EXPECT_TRUE(rules_of(answer).contains("dream_pays")) << ::testing::PrintToString(rules_of(answer));
  EXPECT_GT(number_of(answer, "overpaid").value, 0.5);
}

TEST(DiagnoseQuestion, AWorldWithoutAnswersSaysNothingOfAModelsEars) {
  // All episodes take the same actions: none is another one's.
  class Staying : public Behaviour {
   public:
    Decision decide(const Seen& seen, const Carry&, Mode, at::Generator) override {
      return {torch::full({seen.lanes(), 1}, 2.0f)};
    }
  };
  const auto system = known_system(Wrong::deaf);
  system->behaviour = std::make_shared<Staying>();
  EXPECT_FALSE(rules_of(answer_about("diagnose", system)).contains("deaf"));
}

// -- curves ---------------------------------------------------------------------------------------------------------

RunFacts facts_with(const std::string& name, const std::function<double(double)>& of, double floor = 0) {
  RunFacts run;
  CurveView curve;
  curve.name = name, curve.x_unit = "update", curve.floor = floor, curve.has_floor = floor > 0;
  Rng rng(1);
  for (int i = 0; i < 200; ++i)
    curve.x.push_back(20.0 * (i + 1)), curve.y.push_back(of(i / 200.0) * (1 + 0.02 * rng.normal()));
  run.curves = {curve};
  return run;
}

std::set<std::string> found_in(const RunFacts& run) {
  std::set<std::string> names;
  for (const auto& rule : diagnosis_rules())
    if (rule.look(run)) names.insert(rule.name);
  return names;
}

TEST(Diagnosis, ReadsCurves) {
  const auto falls = [](double x) { return 3 + 40 * std::exp(-12 * x); };
  using Names = std::set<std::string>;
  EXPECT_EQ(found_in(facts_with("world/image", falls)), Names{});
  EXPECT_EQ(found_in(facts_with("world/image", [&](double x) { return falls(x) + (x > 0.7 ? 300 * (x - 0.7) : 0); })),
            Names{"loss_rises"});
  EXPECT_EQ(found_in(facts_with("m/nll", [](double) { return 1.42; })), (Names{"loss_stands", "m_knows_nothing"}));
  EXPECT_EQ(found_in(facts_with("world/vector", [&](double x) { return falls(x) + 15 * std::sin(300 * x); })),
            Names{"loss_rough"});
  EXPECT_EQ(found_in(facts_with("world/gradient", [](double x) { return x > 0.8 && x < 0.81 ? 1e5 : 30; })),
            Names{"gradient_spikes"});
  EXPECT_EQ(found_in(facts_with("behaviour/actor_gradient", [](double) { return 3e-6; })), Names{"actor_unmoved"});
  EXPECT_EQ(found_in(facts_with("v/kl", [](double) { return 4; }, 16)), Names{"v_says_little"});
  EXPECT_EQ(found_in(facts_with("v/kl", [](double) { return 16.3; }, 16)), Names{});
  EXPECT_EQ(found_in(facts_with("learn/return", [](double) { return 5; })), Names{"return_flat"});
  auto walked = facts_with("learn/return", [](double) { return 5; });
  walked.curves.emplace_back().name = "world/prediction";
  EXPECT_EQ(found_in(walked), Names{}) << "nothing of it learns what is paid";
  walked.curves.emplace_back().name = "world/reward";
  EXPECT_EQ(found_in(walked), Names{"return_flat"});
  EXPECT_EQ(found_in(facts_with("learn/return", [](double x) { return 5 + 3 * x; })), Names{});
  auto still = facts_with("behaviour/entropy", [](double) { return 0.001; });
  still.choices = 4;
  EXPECT_EQ(found_in(still), Names{"policy_collapsed"});
}

TEST(Diagnosis, AConstantInALossHidesNothing) {
  // −log N(x; x̂, 1) of a picture holds 11,292 nats that say nothing.
  const auto loss = [](double x) { return 11292 + 4 + 90 * std::exp(-12 * x); };
  auto run = facts_with("world/image", [](double) { return 0; });
  for (std::size_t i = 0; i < run.curves[0].y.size(); ++i) run.curves[0].y[i] = loss(static_cast<double>(i) / 200);
  EXPECT_TRUE(found_in(run).empty());
  for (std::size_t i = 150; i < 200; ++i) run.curves[0].y[i] = 11292 + 80;
  EXPECT_TRUE(found_in(run).contains("loss_rises"));
}

// -- runs that are broken on purpose ----------------------------------------------------------------------------------

/// A pendulum driven at random, and what is wrong with what was written down.
enum class Data { true_to_life, actions_shuffled, no_rewards, one_episode };

void write_data(const std::filesystem::path& folder, const System& system, Data wrong) {
  const auto env = system.make_env();
  const auto& spaces = env->spaces();
  DatasetWriter writer(folder, {system.environment, "random", spaces});
  Rng rng(3);
  std::vector<Episode> all;
  for (std::uint64_t seed = 0; seed < (wrong == Data::one_episode ? 1 : spaces.action.discrete() ? 100 : 40); ++seed) {
    Episode e;
    e.seed = seed, e.height = spaces.image_height, e.width = spaces.image_width, e.channels = spaces.image_channels;
    e.vector_size = static_cast<int>(spaces.vector_names.size()), e.action_size = 1;
    const auto numbers = spaces.vector_names.size();
    env->reset(seed);
    const auto look = [&] {
      e.frames.resize(e.frames.size() + e.frame_bytes()), e.vectors.resize(e.vectors.size() + numbers);
      env->observe_image({e.frames.data() + e.frames.size() - e.frame_bytes(), e.frame_bytes()});
      env->observe_vector({e.vectors.data() + e.vectors.size() - numbers, numbers});
    };
    look();
    for (StepResult result; !result.done();) {
      const auto action = spaces.action.discrete()
                              ? static_cast<float>(rng.integers(spaces.action.choices.size()))
                              : static_cast<float>(rng.uniform(spaces.action.low[0], spaces.action.high[0]));
      result = env->step({&action, 1});
      e.actions.push_back(action), e.rewards.push_back(wrong == Data::no_rewards ? 0 : result.reward);
      e.terminated.push_back(result.terminated), e.truncated.push_back(result.truncated);
      look();
    }
    all.push_back(std::move(e));
  }
  if (wrong == Data::actions_shuffled) {
    std::vector<float> actions;
    for (const auto& e : all) actions.insert(actions.end(), e.actions.begin(), e.actions.end());
    std::shuffle(actions.begin(), actions.end(), rng);
    auto next = actions.begin();
    for (auto& e : all)
      std::copy_n(next, e.actions.size(), e.actions.begin()), next += static_cast<std::ptrdiff_t>(e.actions.size());
  }
  for (const auto& e : all) writer.append(e);
}

struct Broken {
  Data data = Data::true_to_life;
  std::vector<std::string> settings = {};
  bool frozen = false;  // the encoder's weights are put back after every update
};

class BrokenRuns : public ::testing::Test {
 protected:
  BrokenRuns() { torch::set_num_threads(1); }

  /// PlaNet on the pendulum's three numbers, small, 300 updates of given episodes.
  std::set<std::string> diagnosed(const Broken& broken) {
    RunSpec spec;
    spec.recipe = "planet", spec.environment = "Pendulum";
    spec.settings = {"env.repeat=4",          "world.observe=vector", "world.paint=false",
                     "world.deter=48",        "world.hidden=32",      "world.units=32",
                     "world.groups=8",        "world.free_nats=0",    "world_optimiser.learning_rate=3e-3",
                     "planner.candidates=16", "planner.elites=4",     "planner.iterations=1",
                     "planner.horizon=3",     "train.lanes=1",        "train.bfloat16=false"};
    return trained(spec, broken, 300, 24, 8);
  }

  /// The shipped run of Catch, which goes on for some updates of given episodes.
  std::set<std::string> gone_on(const Broken& broken) {
    const auto shipped = std::filesystem::path(DREAMSCOPE_SOURCE_DIR) / "assets/runs/catch/checkpoint.safetensors";
    std::filesystem::create_directories(folder_ / "run");
    std::filesystem::copy_file(shipped, folder_ / "run" / "checkpoint.safetensors");
    auto spec = spec_of(load_run(shipped), "cpu");
    spec.settings.emplace_back("train.bfloat16=false");  // so that every processor goes on alike
    return trained(spec, broken, 80, 4, 9);
  }

 private:
  std::set<std::string> trained(RunSpec spec, const Broken& broken, int updates, int batch, int length) {
    const auto data = folder_ / "data", run = folder_ / "run";
    write_data(data, *make_system(spec), broken.data);
    const auto steps = Dataset(data).steps();
    spec.directory = run;
    const auto number = [](const char* key, double value) { return std::string(key) + std::to_string(value); };
    spec.settings.insert(spec.settings.end(),
                         {"train.prefill=0", "train.datasets=" + data.string(), "train.steps=" + std::to_string(steps),
                          "train.batch=" + std::to_string(batch), "train.length=" + std::to_string(length),
                          number("train.train_ratio=", 1.0 * updates * batch * length / static_cast<double>(steps))});
    spec.settings.insert(spec.settings.end(), broken.settings.begin(), broken.settings.end());
    {
      Trainer trainer(make_system(spec), {1e9, "learn"}, std::filesystem::exists(run / "checkpoint.safetensors"));
      const auto& model = *trainer.system().model;
      std::map<std::string, torch::Tensor> begun;
      for (const auto& item : model.named_parameters())
        if (item.key().find("_encoder.") != std::string::npos) begun[item.key()] = item.value().detach().clone();
      EXPECT_FALSE(begun.empty());
      for (int i = 0; trainer.advance(); ++i) {
        torch::NoGradGuard no_grad;
        if (broken.frozen)
          for (const auto& item : model.named_parameters())
            if (begun.contains(item.key())) item.value().copy_(begun.at(item.key()));
        if (i % 100 == 50) trainer.save();  // and keep the weights of then
      }
      trainer.close();
    }
    auto system = std::shared_ptr<System>(load_system(load_run(checkpoint_path(run)), "cpu"));
    system->directory = run;
    const auto answer = answer_about("diagnose", system, 30);
    return rules_of(answer);
  }

 protected:
  TempFolder folder_;
};

using Names = std::set<std::string>;

/// What the runs below are found by.
const Names told_of = {"prior_unlearned", "weightless",  "reward_blind", "learning_rate", "loss_rises",
                       "loss_stands",     "loss_rough",  "part_frozen",  "few_episodes",  "overfitted",
                       "collapsed",       "kl_vanished", "encoder_blind"};

TEST_F(BrokenRuns, NothingIsToldOfTheHealthyTwin) {
  for (const auto& rule : diagnosed({})) EXPECT_FALSE(told_of.contains(rule)) << rule;
}

TEST_F(BrokenRuns, TheHealthyTwinOfCatchIsOnlyYoung) {
  EXPECT_EQ(gone_on({}), Names{"young"});
}

TEST_F(BrokenRuns, ActionsShuffled) {
  const auto rules = gone_on({Data::actions_shuffled});
  EXPECT_TRUE(rules.contains("deaf")) << ::testing::PrintToString(rules);
}

TEST_F(BrokenRuns, KlScaleZero) {
  const auto rules = diagnosed({Data::true_to_life, {"world.dynamics_scale=0", "world.representation_scale=0"}});
  EXPECT_TRUE(rules.contains("prior_unlearned") && rules.contains("weightless")) << ::testing::PrintToString(rules);
}

TEST_F(BrokenRuns, FreeNatsThatHideTheKl) {
  const auto rules = diagnosed({Data::true_to_life, {"world.free_nats=100"}});
  EXPECT_TRUE(rules.contains("prior_unlearned")) << ::testing::PrintToString(rules);
}

TEST_F(BrokenRuns, RewardsCutOff) {
  const auto rules = diagnosed({Data::no_rewards});
  EXPECT_TRUE(rules.contains("reward_blind")) << ::testing::PrintToString(rules);
}

TEST_F(BrokenRuns, LearningRateTimesThirty) {
  const auto rules = diagnosed({Data::true_to_life, {"world_optimiser.learning_rate=0.09"}});
  EXPECT_TRUE(rules.contains("learning_rate")) << ::testing::PrintToString(rules);
}

TEST_F(BrokenRuns, EncoderFrozen) {
  const auto rules = diagnosed({Data::true_to_life, {}, true});
  EXPECT_TRUE(rules.contains("part_frozen")) << ::testing::PrintToString(rules);
}

TEST_F(BrokenRuns, OneEpisode) {
  const auto rules = diagnosed({Data::one_episode});
  EXPECT_TRUE(rules.contains("few_episodes")) << ::testing::PrintToString(rules);
}

// -- the runs that came with this program -----------------------------------------------------------------------------

const std::filesystem::path shipped = std::filesystem::path(DREAMSCOPE_SOURCE_DIR) / "assets/runs";

/// All that is read and nothing that is measured: the laboratory's own verb measures them.
TEST(DiagnoseShipped, TheirCurvesAndSettingsAreHealthy) {
  int runs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(shipped)) {
    if (!entry.is_directory()) continue;
    const auto system = load_system(load_run(checkpoint_path(entry.path())), "cpu");
    RunFacts run;
    run.curves = system->metrics.views(nullptr), run.settings = system->config.fields();
    const auto& action = system->make_env()->spaces().action;
    run.choices = action.choices.size(), run.axes = action.axes.size();
    // Its policy had only begun to learn when it was stopped, as its card says.
    const auto known = entry.path().filename() == "catch_iris" ? Names{"return_flat"} : Names{};
    EXPECT_EQ(found_in(run), known) << entry.path();
    ++runs;
  }
  EXPECT_GE(runs, 9);
}

TEST(DiagnoseShipped, NothingIsFoundInTheSmallestWorlds) {
  torch::set_num_threads(1);
  for (const auto* name : {"catch", "key_door"}) {
    auto system = std::shared_ptr<System>(load_system(load_run(checkpoint_path(shipped / name)), "cpu"));
    system->directory = shipped / name;
    EXPECT_EQ(rules_of(answer_about("diagnose", system, 30)), Names{}) << name;
  }
}

}  // namespace diagnose_test
}  // namespace dream
