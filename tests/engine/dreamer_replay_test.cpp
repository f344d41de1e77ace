// The replay of Dreamer V3 (2024) within a run: latents kept beside the frames, and what is new first.
#include <gtest/gtest.h>

#include <utility>

#include "api/error.h"
#include "core/data/sequences.h"
#include "core/engine/dreamer/dreamer.h"
#include "core/engine/lanes.h"
#include "core/engine/trainer.h"
#include "core/models/rssm.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"

namespace dream {
namespace dreamer_replay_test {

using test::all_of;
using test::expect_same;
using test::message_of;
using test::TempFolder;

const test::DreamerRun v3 = {"dreamer-v3", "Catch", {}};

class DreamerReplay : public ::testing::Test {
 protected:
  DreamerReplay() { torch::set_num_threads(1); }
  TempFolder folder_;
};

/// The actor leaves beside every frame what the model remembered there: h is what the cell makes of the h, z and action
/// before it, as far as bf16 can say. An update writes its own over the frames of its batch.
TEST_F(DreamerReplay, TheReplayKeepsWhatTheModelRemembered) {
  Trainer trainer(test::tiny_dreamer(v3, folder_ / "run", {"train.train_ratio=0", "train.steps=2000"}), {1e9, "learn"},
                  false);
  const auto parts = std::static_pointer_cast<DreamerParts>(trainer.system().parts);
  const auto& replay = parts->feed->replay();
  while (replay.episodes() < 3) ASSERT_TRUE(trainer.advance());
  const auto model = std::dynamic_pointer_cast<Rssm>(parts->model);
  {
    torch::NoGradGuard no_grad;
    const auto& episode = replay.episode(2);
    const auto steps = static_cast<std::int64_t>(episode.length());
    const auto begin = static_cast<std::int64_t>(replay.episode(0).length() + replay.episode(1).length()) + 2;
    const auto kept = carry_of(states_at(replay, {begin}, steps).squeeze(1), model->initial(1));
    EXPECT_TRUE(kept.at("started").eq(1).all().item<bool>());
    EXPECT_TRUE(kept.at("z").view({steps, 3, -1}).sum(-1).eq(1).all().item<bool>()) << "one-hots";
    auto actions = torch::tensor(episode.actions).view({steps, 1});
    auto before = kept;
    for (auto& [name, tensor] : before) tensor = tensor.slice(0, 0, -1);
    const auto predicted = model->imagine(before, actions.slice(0, 0, -1), {}, make_generator(torch::kCPU, 1)).at("h");
    EXPECT_LT((predicted - kept.at("h").slice(0, 1)).abs().max().item<double>(), 0.01);
    EXPECT_GT((kept.at("h").slice(0, 1) - kept.at("h").slice(0, 0, -1)).abs().max().item<double>(), 0.02);
  }
  trainer.set("train.train_ratio", 4.0);
  const auto all = [&] { return states_between(replay, 0, replay.whole_frames()).to(torch::kFloat32); };
  auto was = all();
  while (parts->updates == 0) {
    was = all();
    ASSERT_TRUE(trainer.advance());
  }
  const auto changed = (all().slice(0, 0, was.size(0)) - was).abs().sum(1).gt(0).sum().item<std::int64_t>();
  EXPECT_GT(changed, 0);
  EXPECT_LE(changed, 12) << "a batch of two pieces of six";
}

/// Episodes that no longer fit are forgotten in the same order, and what is known of the others stays with them.
TEST_F(DreamerReplay, AFullReplayResumesBitForBit) {
  for (const auto& [name, every] : {std::pair{"whole", 1000}, {"torn", 7}}) {
    for (bool more = true; more;) {
      Trainer trainer(test::tiny_dreamer(v3, folder_ / name, {"train.steps=300", "train.bfloat16=false"}),
                      {1e9, "learn"}, true);
      const auto parts = std::static_pointer_cast<DreamerParts>(trainer.system().parts);
      // Five episodes: less than the setting allows, which is read when the phase begins and then put back.
      const auto allowed = std::exchange(parts->options.train.budget_gb, 7e-4);
      for (int i = 0; i < every && more; ++i) {
        more = trainer.advance();
        parts->options.train.budget_gb = allowed;
      }
      if (more) {
        EXPECT_LE(parts->feed->replay().episodes(), 5u);
      }
      trainer.close();
    }
  }
  EXPECT_GT(all_of(folder_ / "whole").at("learn.replay/counters")[1].item<std::int64_t>(), 100);
  expect_same(folder_ / "whole", folder_ / "torn");
}

/// A run of before there was a queue goes on, and takes nothing that it has for new. What a checkpoint says of a replay
/// is not believed where it cannot be.
TEST_F(DreamerReplay, OlderAndOddCheckpoints) {
  const auto begun = [&](const std::string& name) {
    return std::make_unique<Trainer>(test::tiny_dreamer(v3, folder_ / name, {"train.steps=400"}),
                                     Trainer::Options{1e9, "learn"}, true);
  };
  const auto run = folder_ / "run";
  {
    const auto trainer = begun("run");
    for (int i = 0; i < 12; ++i) trainer->advance();
    trainer->close();
  }
  const auto whole = Checkpoint::load(run / "checkpoint.safetensors");
  const auto frames = whole.tensors.at("learn.replay/states").size(0);
  const auto fresh = whole.tensors.at("learn.replay/fresh");
  ASSERT_GT(frames, 40);
  ASSERT_EQ(fresh.numel(), 2) << "lanes";
  EXPECT_LT(fresh.sum().item<std::int64_t>(), 12 + 2 * 6) << "all but the last pieces have been replayed";
  // Once it has been read anew, of both lanes together; what was collected by then is new as well and taken off.
  const auto fresh_after = [&](Checkpoint checkpoint) {
    checkpoint.save(run / "checkpoint.safetensors");
    const auto trainer = begun("run");
    const auto parts = std::static_pointer_cast<DreamerParts>(trainer->system().parts);
    trainer->set("train.train_ratio", 0.0);
    while (parts->feed->replay().frames() < frames || trainer->current()->detail().find("reading") != std::string::npos)
      trainer->advance();
    const auto& replay = parts->feed->replay();
    EXPECT_EQ(parts->updates, whole.tensors.at("learn.counters")[0].item<std::int64_t>());
    return replay.fresh(0) + replay.fresh(1) - (replay.frames() - frames);
  };
  EXPECT_EQ(fresh_after(whole), fresh.sum().item<std::int64_t>());
  auto older = whole;
  std::erase_if(older.tensors, [](const auto& entry) { return entry.first.starts_with("learn.replay/"); });
  for (auto& [name, tensor] : older.tensors) {
    if (name.ends_with("/states")) tensor = torch::zeros({0}, torch::kBFloat16);
  }
  EXPECT_LE(fresh_after(older), 2 * 11) << "what is under way alone";
  auto odd = whole;
  odd.tensors["learn.replay/fresh"] = torch::tensor({INT64_MAX, std::int64_t{3}}, torch::kInt64);
  const auto most = fresh_after(odd);
  EXPECT_LE(most, frames) << "no more than there are";
  EXPECT_GE(most, frames / 2 - 11 + 3) << "all of one lane";
  const auto refused = [&](const std::string& name, const torch::Tensor& tensor) {
    odd = whole;
    odd.tensors[name] = tensor;
    EXPECT_NE(message_of<Error>([&] { fresh_after(odd); }).find(name), std::string::npos) << name;
  };
  refused("learn.replay/fresh", torch::tensor({-1, 0}, torch::kInt64));
  refused("learn.replay/fresh", torch::zeros({3}, torch::kInt64));
  refused("learn.replay/counters", torch::tensor({INT64_MIN, INT64_MAX}, torch::kInt64));
  refused("learn.replay/states", torch::zeros({frames, 7}, torch::kBFloat16));
  refused("learn.replay/states", torch::full_like(whole.tensors.at("learn.replay/states"), NAN));
}

}  // namespace dreamer_replay_test
}  // namespace dream
