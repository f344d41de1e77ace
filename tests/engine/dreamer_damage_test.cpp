// What a run's checkpoint says is judged before anything is done with it, and before anything is deleted.
#include <gtest/gtest.h>

#include "api/error.h"
#include "core/data/dataset.h"
#include "core/engine/dreamer/dreamer.h"
#include "core/engine/trainer.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace dreamer_damage_test {

using test::message_of;

class DreamerDamageTest : public ::testing::Test {
 protected:
  DreamerDamageTest() {
    torch::set_num_threads(1);
    Trainer trainer(run(), {1e9, "learn"}, false);
    for (int i = 0; i < 12; ++i) trainer.advance();
    trainer.close();
    whole_ = Checkpoint::load(file());
    episodes_ = Dataset(own()).episodes();
  }
  std::unique_ptr<System> run() const {
    return test::tiny_dreamer({"dreamer-v3", "Catch", {"train.steps=400"}}, folder_ / "run");
  }
  std::filesystem::path file() const { return folder_ / "run" / "checkpoint.safetensors"; }
  std::filesystem::path own() const { return folder_ / "run" / "data" / "own"; }
  /// What resuming says to the checkpoint as `change` leaves it.
  template <typename Change>
  std::string said_to(const Change& change) const {
    auto checkpoint = whole_;
    for (auto& [name, tensor] : checkpoint.tensors) tensor = tensor.clone();
    change(checkpoint.tensors);
    checkpoint.save(file());
    const auto message = message_of<Error>([&] {
      Trainer trainer(run(), {1e9, "learn"}, true);
      for (int i = 0; i < 3; ++i) trainer.advance();
    });
    EXPECT_GE(Dataset(own()).episodes(), episodes_) << message;
    return message;
  }
  test::TempFolder folder_;
  Checkpoint whole_;
  std::size_t episodes_ = 0;
};

TEST_F(DreamerDamageTest, EveryValueIsJudgedAndNothingIsDeletedBefore) {
  ASSERT_GT(episodes_, 4u);
  ASSERT_GT(whole_.tensors.at("learn.experience/episode0/rewards").numel(), 0) << "it is under way";
  using Tensors = std::map<std::string, torch::Tensor>;
  const auto refused = [&](const std::string& name, const auto& change) {
    const auto message = said_to([&](Tensors& tensors) { change(tensors.at(name)); });
    EXPECT_NE(message.find(name), std::string::npos) << name << ": " << message;
    EXPECT_NE(message.find("checkpoint.safetensors"), std::string::npos) << message;
  };
  const std::string counters = "learn.experience/counters";
  refused(counters, [](torch::Tensor& t) { t.zero_(); });
  for (const std::int64_t bad : {std::int64_t{0}, std::int64_t{1} << 31, std::int64_t{-1}, INT64_MIN, INT64_MAX}) {
    for (int i = 0; i < 3; ++i) {
      if (i == 2 && bad > 0) continue;  // more episodes than there are: told with the folder
      refused(counters, [&](torch::Tensor& t) { t[i] = bad; });
    }
  }
  refused(counters, [](torch::Tensor& t) { t = t.slice(0, 0, 2).clone(); });
  refused(counters, [](torch::Tensor& t) { t = t.to(torch::kFloat32); });
  refused("learn.counters", [](torch::Tensor& t) { t[0] = -3; });
  refused("learn.counters", [](torch::Tensor& t) { t[1] = t[0] + 1; });
  refused("learn.counters", [](torch::Tensor& t) { t[2] = std::int64_t{1} << 31; });
  refused("learn.counters", [](torch::Tensor& t) { t[3] = -1; });
  refused("learn.ratio", [](torch::Tensor& t) { t[0] = NAN; });
  refused("learn.ratio", [](torch::Tensor& t) { t[0] = -1e18; });
  refused("learn.draws", [](torch::Tensor& t) { t = t.to(torch::kFloat64); });
  refused("learn.experience/generator", [](torch::Tensor& t) { t.fill_(255); });
  refused("learn.rng", [](torch::Tensor& t) { t.fill_(255); });
  refused("learn.experience/lanes/env", [](torch::Tensor& t) { t.fill_(255); });
  refused("learn.experience/lanes/carry_h", [](torch::Tensor& t) { t.fill_(NAN); });
  refused("learn.experience/lanes/previous_action", [](torch::Tensor& t) { t.fill_(NAN); });
  refused("learn.experience/episode0/rewards", [](torch::Tensor& t) { t = torch::full_like(t, NAN); });
  refused("learn.experience/episode0/actions", [](torch::Tensor& t) { t = torch::full_like(t, 7); });
  refused("evaluate.updates", [](torch::Tensor& t) { t[0] = -5; });
  EXPECT_NE(said_to([&](Tensors& tensors) { tensors.at(counters)[2] = 1000; }).find("1000"), std::string::npos);
  EXPECT_NE(said_to([&](Tensors& tensors) { tensors.erase(counters); }).find(counters), std::string::npos);
  EXPECT_EQ(said_to([](Tensors&) {}), "") << "and the whole one goes on";
}

/// Weights without a run beside episodes of another: they are nobody's to drop.
TEST_F(DreamerDamageTest, EpisodesThatTheCheckpointDoesNotKnowStay) {
  std::filesystem::remove(file());
  const auto message = message_of<Error>([&] {
    Trainer trainer(run(), {1e9, "learn"}, false);
    for (int i = 0; i < 3; ++i) trainer.advance();
  });
  EXPECT_NE(message.find(std::to_string(episodes_) + " episodes that this run's checkpoint does not know"),
            std::string::npos)
      << message;
  EXPECT_EQ(Dataset(own()).episodes(), episodes_);
}

}  // namespace dreamer_damage_test
}  // namespace dream
