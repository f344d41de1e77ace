// Where dreams begin, and systems that lack a part: tiny ones of each kind, in the toy world.
#include "core/dream/start.h"

#include <gtest/gtest.h>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/data/dataset.h"
#include "core/dream/player.h"
#include "core/engine/recorder.h"
#include "tests/data/temp_folder.h"
#include "tests/support/toy.h"

namespace dream {
namespace start_test {

using test::message_of;
using Do = DreamControl::Do;

/// Steers towards what the picture shows as its target, and counts its episode's steps: no model needed.
class ByEye : public Behaviour {
 public:
  Carry initial(std::int64_t lanes) const override { return {{"steps", torch::zeros({lanes, 1})}}; }
  Decision decide(const Seen& seen, const Carry& memory, Mode, at::Generator) override {
    EXPECT_EQ(seen.model, nullptr);
    const auto target = seen.observation.image.slice(1, 0, 32).to(torch::kFloat32).mean({1, 2, 3}) / 255 * 2 - 1;
    const auto steps = memory.at("steps") + 1;
    last_steps = steps[0][0].item<float>();
    last_reward = seen.last_reward.item<float>();
    return {torch::stack({target, torch::zeros_like(target), torch::zeros_like(target)}, 1), {{"steps", steps}}};
  }
  float last_steps = 0, last_reward = 0;
};

/// The toy's model with two actions of its own.
class OwnActions : public test::ToyModel {
 public:
  ActionSpace actions(const Spaces&) const override {
    ActionSpace space;
    space.choices = {"left", "right"};
    space.keys = {{"left", 0, 0, "left"}, {"right", 0, 1, "right"}};
    space.idle = {1};
    return space;
  }
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override {
    return ToyModel::imagine(carry, action * 2 - 1, knobs, rng);
  }
};

class StartTest : public ::testing::Test {
 protected:
  StartTest() { torch::set_num_threads(1); }

  std::shared_ptr<const DreamView> step(Player& player, int count = 1) {
    for (int i = 0; i < count; ++i) player.step(now_ += 0.02);
    return player.view();
  }
  static const Frame& frame(const DreamView& view, const std::string& name) {
    return *std::ranges::find(view.frames, name, &Frame::name);
  }
  /// The toy's target and position off its picture.
  static std::pair<double, double> read(const Image& image) {
    return {image.pixels.front() / 127.5 - 1, image.pixels.back() / 127.5 - 1};
  }
  /// Two episodes of 30 steps: full steering, of targets -1 and 1.
  std::filesystem::path clip() {
    test::ToyEnv env({.length = 30});
    DatasetWriter writer(folder_ / "clip", {"Toy", "test", env.spaces()});
    for (const std::uint64_t seed : {5, 6}) {
      Recorder recorder(env.spaces());
      env.reset(seed);
      const auto look = [&] {
        auto image = torch::empty({64, 64, 3}, torch::kUInt8);
        env.observe_image({image.data_ptr<std::uint8_t>(), env.spaces().image_bytes()});
        return Observation{image, {}};
      };
      recorder.begin(seed, look());
      for (StepResult result; !result.done();) {
        const float action[] = {seed == 5 ? 0.3f : -0.3f, 0, 0};
        result = env.step(action);
        recorder.add(torch::tensor({action[0], 0.0f, 0.0f}), result, look());
      }
      writer.append(recorder.take());
    }
    return folder_ / "clip";
  }
  /// Upper half `high`, lower half `low`.
  std::filesystem::path picture(int width, int height, std::uint8_t high, std::uint8_t low) {
    std::string bytes = "P6 " + std::to_string(width) + " " + std::to_string(height) + " 255\n";
    bytes += std::string(static_cast<std::size_t>(width * height / 2 * 3), static_cast<char>(high));
    bytes += std::string(static_cast<std::size_t>(width * height / 2 * 3), static_cast<char>(low));
    test::write_bytes(folder_ / "picture.ppm", bytes);
    return folder_ / "picture.ppm";
  }

  test::TempFolder folder_;
  double now_ = now_seconds();
};

TEST_F(StartTest, ASystemWithoutAModelActsInTheRealWorld) {
  auto system = test::toy_system({.length = 12});
  system->model = nullptr;
  const auto driver = std::make_shared<ByEye>();
  system->behaviour = driver;
  Player player;
  player.load(system, "by eye");
  auto view = player.view();
  EXPECT_TRUE(view->ready);
  EXPECT_FALSE(view->has_model);
  EXPECT_EQ(frame(*view, "dream").image, nullptr);
  EXPECT_NE(frame(*view, "dream").caption.find("no model"), std::string::npos);
  ASSERT_NE(frame(*view, "real").image, nullptr);
  const auto [target, from] = read(*frame(*view, "real").image);
  EXPECT_NEAR(from, 0, 0.01);
  view = step(player, 5);
  EXPECT_NEAR(read(*frame(*view, "real").image).second, 5 * 0.1 * target, 0.02);
  EXPECT_EQ(driver->last_steps, 5);
  EXPECT_NEAR(driver->last_reward, 1, 1e-3) << "it steers at the target, which the toy pays with 1";
  EXPECT_NEAR(view->real_reward, 5, 0.01);

  player.set_twin(false);
  step(player, 7);
  EXPECT_EQ(driver->last_steps, 12) << "the real world is all there is, twin or not";
  step(player);  // its episode is over: the next one
  view = step(player);
  EXPECT_EQ(driver->last_steps, 1) << "the memory begins anew with the episode";
  EXPECT_EQ(view->step, 1);
  EXPECT_NE(read(*frame(*view, "real").image).first, target);

  EXPECT_NE(message_of<Error>([&] { player.edit("latent/x", 0, 1); }).find("no model"), std::string::npos);
  EXPECT_NE(message_of<Error>([&] { player.start_from(start_from_file(clip().string())); }).find("no model"),
            std::string::npos);
  player.drive({true, {0, 0, 0}, 0});
  const double here = read(*frame(*view, "real").image).second;
  EXPECT_NEAR(read(*frame(*step(player), "real").image).second, here, 1e-6) << "a person can drive";
  Checkpoint weights;
  system->store_weights(weights);
  player.take_weights(weights, "newer");
  EXPECT_EQ(step(player)->run_title, "newer");
}

TEST_F(StartTest, NoDreamBeginsMomentsBeforeAnEpisodesEndAndTheEndIsExplained) {
  Player player;
  player.load(test::toy_system({.length = 1000, .terminated = 64}), "toy");  // 60 steps are watched where there is room
  EXPECT_EQ(step(player, 20)->ended, "") << "Four steps before the end there is nothing to play.";
  std::string said;
  for (int i = 0; i < 44 && said.empty(); ++i) said = step(player)->ended;
  EXPECT_EQ(said.rfind("The real episode ended at step ", 0), 0u) << said;
}

TEST_F(StartTest, PeopleDriveWhereThereIsNoBehaviour) {
  auto system = test::toy_system();
  system->behaviour = nullptr;
  Player player;
  player.load(system, "nobody");
  player.watch({"latent/x"});
  player.set_knob("tau_sigma", 0);
  auto view = step(player, 3);
  EXPECT_FALSE(view->has_behaviour);
  EXPECT_EQ(view->action, (std::vector<float>{0, 0, 0})) << "nobody touches the wheel";
  const auto position = [](const DreamView& v) { return std::get<Vector>(*v.probes.at(0).value).values[1]; };
  const double from = position(*view);
  player.drive({true, {1, 0, 0}, 0});
  EXPECT_NEAR(position(*step(player, 2)), from + 0.2, 0.01);
  Checkpoint weights;
  system->store_weights(weights);
  player.take_weights(weights, "newer");
  player.control(Do::restart);
  EXPECT_EQ(step(player)->step, 1);
}

TEST_F(StartTest, AModelMayBringActionsOfItsOwn) {
  auto system = test::toy_system();
  system->model = std::make_shared<OwnActions>();
  system->behaviour = nullptr;
  Player player;
  player.load(system, "own");
  player.watch({"latent/x"});
  player.set_knob("tau_sigma", 0);
  auto view = player.view();
  EXPECT_EQ(view->spaces.action.choices, (std::vector<std::string>{"left", "right"}));
  EXPECT_TRUE(view->recorded) << "the real world cannot take these actions: it stands still";
  const auto position = [](const DreamView& v) { return std::get<Vector>(*v.probes.at(0).value).values[1]; };
  const double from = position(*view);
  player.drive({true, {0}, 0});
  EXPECT_NEAR(position(*step(player, 2)), from - 0.2, 0.01);
  player.drive({true, {1}, 0});
  view = step(player, 3);
  EXPECT_NEAR(position(*view), from + 0.1, 0.01);
  EXPECT_EQ(view->real_reward, 0);
  EXPECT_THROW(player.drive({true, {0, 0, 0}, 0}), Error) << "those are the environment's";
  player.drive({});
  EXPECT_EQ(step(player)->action, (std::vector<float>{1})) << "its own idle action";
}

TEST_F(StartTest, ADreamBeginsAtAClip) {
  Player player;
  EXPECT_THROW(player.start_from(start_from_file(clip().string())), Error) << "nothing is loaded";
  std::filesystem::remove_all(folder_ / "clip");
  player.load(test::toy_system(), "toy");
  player.watch({"latent/x"});
  player.set_knob("tau_sigma", 0);
  EXPECT_EQ(player.view()->source, "");
  const auto path = clip().string();
  player.start_from(start_from_file(path));
  auto view = player.view();
  EXPECT_EQ(view->source, "clip " + path);
  EXPECT_EQ(view->step, 0);
  EXPECT_TRUE(view->recorded);
  const auto bars = [](const DreamView& v) { return std::get<Vector>(*v.probes.at(0).value).values; };
  EXPECT_NEAR(bars(*view)[1], 15 * 0.03, 0.01) << "half of the episode was watched";
  EXPECT_NEAR(read(*frame(*view, "real").image).second, 15 * 0.03, 0.01);
  EXPECT_NEAR(view->action[0], 0.3, 1e-6) << "the recorded action led there";
  const double target = bars(*view)[0];
  EXPECT_NEAR(bars(*step(player))[1], 15 * 0.03 + 0.1 * std::tanh(target), 0.01) << "and its own driver goes on";

  player.control(Do::new_start);
  EXPECT_NEAR(bars(*player.view())[1], -15 * 0.03, 0.01) << "the next episode";
  player.control(Do::new_start);
  EXPECT_NEAR(bars(*player.view())[1], 15 * 0.03, 0.01) << "and the first again";

  player.load(test::toy_system(), "another model of the same world");
  EXPECT_EQ(player.view()->source, "clip " + path) << "the clip stays";
  player.start_from(start_in_environment());
  EXPECT_EQ(player.view()->source, "");
  EXPECT_FALSE(player.view()->recorded);
}

TEST_F(StartTest, ADreamBeginsAtAPicture) {
  Player player;
  player.load(test::toy_system(), "toy");
  player.watch({"latent/x"});
  const auto bars = [&] { return std::get<Vector>(*player.view()->probes.at(0).value).values; };
  player.start_from(start_from_file(picture(64, 64, 255, 64).string()));
  EXPECT_NEAR(bars()[0], 1, 0.01);
  EXPECT_NEAR(bars()[1], 64 / 127.5 - 1, 0.01);
  EXPECT_TRUE(player.view()->recorded);
  EXPECT_EQ(step(player, 3)->step, 3);
  // Any size: the middle of it, in the model's proportions.
  player.start_from(start_from_file(picture(300, 90, 0, 191).string()));
  EXPECT_NEAR(bars()[0], -1, 0.02);
  EXPECT_NEAR(bars()[1], 191 / 127.5 - 1, 0.02);
  player.start_from(start_from_file(DREAMSCOPE_SOURCE_DIR "/tests/golden/viewers/heatmap.png"));
  EXPECT_NE(player.view()->source.find("heatmap.png"), std::string::npos);
}

TEST_F(StartTest, WhatDoesNotFitIsRefusedAndTheDreamGoesOn) {
  Player player;
  player.load(test::toy_system(), "toy");
  step(player, 4);
  const auto refused = [&](const std::string& path) {
    return message_of<Error>([&] { player.start_from(start_from_file(path)); });
  };
  test::write_bytes(folder_ / "notes.txt", "no picture");
  EXPECT_NE(refused((folder_ / "notes.txt").string()).find("a PNG, JPEG or BMP"), std::string::npos);
  EXPECT_NE(refused((folder_ / "missing.png").string()).find("missing.png"), std::string::npos);
  auto cut = test::read_bytes(DREAMSCOPE_SOURCE_DIR "/tests/golden/viewers/heatmap.png");
  test::write_bytes(folder_ / "cut.png", cut.substr(0, cut.size() / 2));
  EXPECT_NE(refused((folder_ / "cut.png").string()).find("damaged"), std::string::npos);
  Spaces other = test::ToyEnv().spaces();
  other.image_height = 32;
  {
    DatasetWriter writer(folder_ / "small", {"Toy", "test", other});
    Recorder recorder(other);
    recorder.begin(1, {torch::zeros({32, 64, 3}, torch::kUInt8), {}});
    recorder.add(torch::zeros({3}), {0, true, false}, {torch::zeros({32, 64, 3}, torch::kUInt8), {}});
    writer.append(recorder.take());
  }
  const auto small = refused((folder_ / "small").string());
  EXPECT_NE(small.find("32 x 64 x 3"), std::string::npos) << small;
  EXPECT_NE(small.find("64 x 64 x 3"), std::string::npos) << small;
  EXPECT_EQ(player.view()->step, 4);
  EXPECT_EQ(player.view()->source, "");
}

}  // namespace start_test
}  // namespace dream
