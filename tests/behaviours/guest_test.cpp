// Somebody from another run drives by the pictures of a dream.
#include "core/behaviours/guest.h"

#include <gtest/gtest.h>

#include "core/behaviours/own_or_planned.h"
#include "core/nn/generator.h"
#include "tests/behaviours/two_states.h"

namespace dream {
namespace guest_test {

/// Its picture is as bright as its state is large.
class Bright : public test::TwoStates {
 public:
  explicit Bright(std::int64_t side) : TwoStates(false), side_(side) {}
  static Carry at(double brightness) {
    const auto x = static_cast<float>(brightness);
    return {{"s", torch::tensor({{1 - x, x}})}};
  }
  Prediction predict(const Carry& carry) override {
    auto said = outcome(carry);
    said.frame = carry.at("s").select(1, 1).view({-1, 1, 1, 1}).expand({-1, 3, side_, side_});
    return said;
  }

 private:
  std::int64_t side_;
};

/// Remembers the mean of what it saw and what was done before it.
class Watches : public test::TwoStates {
 public:
  Watches() : TwoStates(false) {}
  Carry initial(std::int64_t batch) override { return {{"s", torch::zeros({batch, 2})}}; }
  Carry observe(const Carry&, const torch::Tensor& before, const Observation& observation, at::Generator) override {
    EXPECT_EQ(observation.image.sizes().slice(1), (std::vector<std::int64_t>{8, 8, 3}));
    return {{"s", torch::cat({observation.image.to(torch::kFloat32).mean({1, 2, 3}).unsqueeze(1) / 255, before}, 1)}};
  }
};

/// Does what it sees; its memory counts.
class Mirrors : public Behaviour {
 public:
  Carry initial(std::int64_t lanes) const override { return {{"count", torch::zeros({lanes})}}; }
  Decision decide(const Seen& seen, const Carry& memory, Mode, at::Generator) override {
    before = seen.features().select(1, 1);
    return {.action = seen.features().slice(1, 0, 1), .memory = {{"count", memory.at("count") + 1}}};
  }
  torch::Tensor before;
};

TEST(Guest, DrivesByThePictureAlone) {
  const auto mirrors = std::make_shared<Mirrors>();
  Guest guest(std::make_shared<Watches>(), mirrors, 1, 8, 8);
  const auto rng = make_generator(torch::kCPU, 1);
  for (const std::int64_t side : {4, 8, 32}) {
    Bright dream(side);
    auto memory = guest.initial(1);
    auto decision = guest.decide({&dream, Bright::at(0.6)}, memory, Mode::judge, rng);
    EXPECT_NEAR(decision.action.item<double>(), 0.6, 1.0 / 255) << side;
    EXPECT_EQ(mirrors->before.item<double>(), 0);
    decision = guest.decide({&dream, Bright::at(0.2)}, decision.memory, Mode::judge, rng);
    EXPECT_NEAR(decision.action.item<double>(), 0.2, 1.0 / 255);
    EXPECT_NEAR(mirrors->before.item<double>(), 0.6, 1.0 / 255) << "what it did itself";
    EXPECT_EQ(decision.memory.at("behaviour/count").item<double>(), 2);
    EXPECT_EQ(decision.memory.size(), memory.size());
  }
}

TEST(Guest, LooksAtTheWorldWhereItIsThere) {
  Guest guest(std::make_shared<Watches>(), std::make_shared<Mirrors>(), 1, 8, 8);
  const auto image = torch::full({2, 16, 16, 3}, 51, torch::kUInt8);
  const auto decision = guest.decide({.observation = {.image = image, .vector = {}}}, guest.initial(2), Mode::judge, make_generator(torch::kCPU, 1));
  ASSERT_EQ(decision.action.sizes(), (std::vector<std::int64_t>{2, 1}));
  EXPECT_NEAR(decision.action.min().item<double>(), 0.2, 1e-6);
}

/// The knob offers the guest last, and it drives where nobody chooses; each remembers what is its own.
TEST(Guest, IsOneOfTheDrivers) {
  Bright dream(8);
  const auto own = std::make_shared<Mirrors>();
  OwnOrPlanned driver(own, test::TwoStates::box());
  driver.invite(std::make_shared<Guest>(std::make_shared<Watches>(), std::make_shared<Mirrors>(), 1, 8, 8), "World Models");
  const auto knobs = driver.knobs();
  const auto& who = knobs.front();
  ASSERT_EQ(who.choices.size(), 7u);
  EXPECT_EQ(who.choices.back(), "World Models");
  EXPECT_EQ(who.default_value, 6);
  const auto decided = [&](const KnobValues& set, const Carry& memory) {
    return driver.decide({&dream, Bright::at(0.9), {}, {}, set}, memory, Mode::judge, make_generator(torch::kCPU, 1));
  };
  const auto by_guest = decided({}, driver.initial(1)), by_policy = decided({{"driver", 0}}, by_guest.memory);
  EXPECT_NEAR(by_guest.action.item<double>(), 0.9, 1.0 / 255);
  EXPECT_NEAR(by_policy.action.item<double>(), 0.1, 1e-6) << "its own policy sees the state";
  EXPECT_EQ(by_policy.memory.at("guest/behaviour/count").item<double>(), 1);
  EXPECT_EQ(by_policy.memory.at("count").item<double>(), 1);
  ProbeSink sink({"plan/actions"});
  driver.report({&dream, Bright::at(0.9)}, by_guest.memory, sink, make_generator(torch::kCPU, 1));
  const auto probes = sink.take();
  ASSERT_EQ(probes.size(), 1u);
  EXPECT_EQ(std::get<Text>(*probes[0].value).text.find("World Models drives;"), 0u);
}

}  // namespace guest_test
}  // namespace dream
