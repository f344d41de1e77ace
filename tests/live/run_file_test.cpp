// What a run's checkpoint says is judged before it is believed, whatever wrote it.
#include "core/engine/run_file.h"

#include <gtest/gtest.h>

#include <functional>

#include "core/engine/trainer.h"
#include "core/live/run_list.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_dreamer.h"
#include "tests/support/tiny_run.h"

namespace dream {
namespace run_file_test {

using test::message_of;

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

class RunFile : public ::testing::Test {
 protected:
  RunFile() { torch::set_num_threads(1); }
  std::filesystem::path run() const { return folder_ / "run"; }
  std::filesystem::path file() const { return run() / "checkpoint.safetensors"; }
  void begin_dreamer() { Trainer(test::tiny_dreamer({"dreamer-v3", "Catch", {}}, run()), {}, false).close(); }
  /// What opening the run says after `damage`, which must name the file; to dream, to train and to list.
  std::string refusal(const std::function<void(Checkpoint&)>& damage) {
    auto checkpoint = Checkpoint::load(file());
    damage(checkpoint);
    checkpoint.save(file());
    const auto said = message_of<Error>([&] { Trainer::open(run(), {1e9, ""}, "cpu"); });
    EXPECT_SAYS(said, file().string());
    return said;
  }
  static void replace(Checkpoint& checkpoint, const std::string& was, const std::string& with) {
    auto& config = checkpoint.metadata["config"];
    const auto at = config.find(was);
    ASSERT_NE(at, std::string::npos) << config;
    config.replace(at, was.size(), with);
  }
  test::TempFolder folder_;
};

/// A run of today opens in every program to come: a copy of each that is shipped, and one of format 1.
TEST_F(RunFile, ShippedRunsOpen) {
  const auto shipped = shipped_runs(find_assets());
  ASSERT_FALSE(shipped.empty());
  for (const auto& original : shipped) {
    const auto copy = folder_ / original.filename().string();
    std::filesystem::copy(original, copy, std::filesystem::copy_options::recursive);  // with its clips
    const auto trainer = Trainer::open(copy, {1e9, ""}, "cpu");
    EXPECT_SAYS(trainer->notice(), "weights alone") << copy;
    EXPECT_FALSE(trainer->system().metrics.views(nullptr).empty());
  }
  for (const auto& listed : list_runs({}, folder_.path())) EXPECT_TRUE(listed.usable) << listed.detail;
}

TEST_F(RunFile, TheFirstFormatIsBroughtToTodays) {
  Trainer(test::tiny_system(run()), {}, false).close();
  auto old = Checkpoint::load(file());
  EXPECT_EQ(old.text("format"), std::to_string(run_format));
  old.metadata.erase("format");
  old.tensors.erase("evaluate.episodes");
  old.tensors.erase("evaluate.driver");
  old.tensors.erase("c.flat");
  old.tensors["collect.counters"] = torch::zeros({1}, torch::kInt64);
  old.save(file());
  const auto trainer = Trainer::open(run(), {1e9, ""}, "cpu");
  trainer->save();
  EXPECT_EQ(Checkpoint::load(file()).text("format"), std::to_string(run_format));
}

TEST_F(RunFile, LanesOfTheFirstFormatGoOn) {
  {
    Trainer trainer(test::tiny_dreamer({"dreamer-v3", "Catch", {}}, run()), {1e9, "learn"}, false);
    for (int i = 0; i < 5; ++i) trainer.advance();
    trainer.close();
  }
  auto old = Checkpoint::load(file());
  old.metadata.erase("format");
  ASSERT_EQ(old.tensors.erase("learn.experience/lanes/last_reward"), 1u);
  old.save(file());
  const auto trainer = Trainer::open(run(), {1e9, "learn"}, "cpu");
  while (trainer->advance()) {
  }
}

/// Until format 3 V-M-C's optimisers were Torch's own. What they remembered goes on in ours.
TEST_F(RunFile, MomentsOfTorchsOptimisersAreOurs) {
  {
    Trainer trainer(test::tiny_system(run()), {1e9, ""}, false);
    while (trainer.advance() && trainer.current()->name() != "m") {
    }
    trainer.close();
  }
  const auto today = Checkpoint::load(file());
  ASSERT_GT(today.tensors.at("v.adam/steps").item<std::int64_t>(), 0);
  auto old = today;
  old.metadata["format"] = "2";
  for (const auto& [name, tensor] : today.tensors) {
    const auto turned = [&](const std::string& ours, const std::string& torchs) {
      if (!name.starts_with("v.adam/") || !name.ends_with(ours)) return;
      old.tensors.erase(name);
      old.tensors[name.substr(0, name.size() - ours.size()) + torchs] = tensor;
    };
    turned("/first", "/exp_avg");
    turned("/second", "/exp_avg_sq");
    if (name.starts_with("m.adam/")) old.tensors.erase(name);  // M had not begun
  }
  const auto steps = today.tensors.at("v.adam/steps").reshape({});
  for (const auto& [name, tensor] : today.tensors) {
    if (name.starts_with("v.adam/") && name.ends_with("/first"))
      old.tensors[name.substr(0, name.size() - 5) + "step"] = steps;
  }
  old.tensors.erase("v.adam/steps");
  for (const char* phase : {"v.adam", "m.adam"}) {
    old.metadata[phase + std::string("/kind")] = "adam";
    old.tensors[phase + std::string("/parameters")] = torch::tensor(std::int64_t{1}, torch::kInt64);
  }
  old.save(file());
  Trainer::open(run(), {1e9, ""}, "cpu")->save();
  const auto again = Checkpoint::load(file());
  for (const auto& [name, tensor] : today.tensors) {
    if (!name.starts_with("v.adam/") && !name.starts_with("m.adam/")) continue;
    EXPECT_TRUE(torch::equal(again.tensors.at(name), tensor)) << name;
  }
}

TEST_F(RunFile, ANewerFormatIsRefused) {
  Trainer(test::tiny_system(run()), {}, false).close();
  EXPECT_SAYS(refusal([](Checkpoint& c) { c.metadata["format"] = "999"; }), "a newer one has written it");
  EXPECT_FALSE(list_runs({}, folder_.path()).at(0).usable);
  EXPECT_SAYS(refusal([](Checkpoint& c) { c.metadata["format"] = "two"; }), "'two'");
}

/// One number of the settings is another: refused before anything of that size is made.
TEST_F(RunFile, SizesThatDoNotFitTheWeightsAreRefusedBeforeTheyAreMade) {
  begin_dreamer();
  const auto whole = test::read_bytes(file());
  for (const auto& [was, with, field] : {std::tuple{"depth = 2\n", "depth = 1024\n", "world.depth"},
                                         {"hidden = 8\n", "hidden = 16384\n", "world.hidden"},
                                         {"deter = 16\n", "deter = 16384\n", "world.deter"}}) {
    test::write_bytes(file(), whole);
    const auto said = refusal([&](Checkpoint& c) { replace(c, was, with); });
    EXPECT_SAYS(said, "field 'config'");
    EXPECT_SAYS(said, "do not fit the weights");
    EXPECT_SAYS(said, field);
  }
  test::write_bytes(file(), whole);
  const auto said = refusal([&](Checkpoint& c) { replace(c, "units = 8\n", "units = 16\n"); });
  EXPECT_SAYS(said, "shape");
}

TEST_F(RunFile, NoNumberThatIsNoneIsTaken) {
  begin_dreamer();
  const auto whole = test::read_bytes(file());
  const auto loaded = Checkpoint::load(file());
  int damaged = 0;
  for (const auto& [name, tensor] : loaded.tensors) {
    const bool kept = name.starts_with("model/") || name.starts_with("behaviour/") || name.starts_with("starts/") ||
                      name.ends_with("/first") || name.ends_with("/second");
    if (!kept || !tensor.is_floating_point() || tensor.numel() == 0 || ++damaged % 9 != 1) continue;  // some of each
    test::write_bytes(file(), whole);
    const auto said = refusal([&, key = name](Checkpoint& c) {
      auto bad = c.tensors.at(key).clone();
      bad.view(-1)[0] = NAN;
      c.tensors[key] = bad;
    });
    EXPECT_SAYS(said, name);
    EXPECT_SAYS(said, "not finite");
  }
  EXPECT_GT(damaged, 20);
  EXPECT_THROW(load_system(load_run(file()), "cpu"), Error) << "nor to dream with";
}

TEST_F(RunFile, CountersAndCurvesThatCannotBeAreRefused) {
  {
    Trainer trainer(test::tiny_dreamer({"dreamer-v3", "Catch", {}}, run()), {1e9, "learn"}, false);
    for (int i = 0; i < 5; ++i) trainer.advance();
    trainer.close();
  }
  const auto whole = test::read_bytes(file());
  const auto say = [&](const std::function<void(Checkpoint&)>& damage) {
    test::write_bytes(file(), whole);
    return refusal(damage);
  };
  for (const std::int64_t steps : {std::int64_t{-1}, std::int64_t{1} << 60}) {
    EXPECT_SAYS(say([&](Checkpoint& c) { c.tensors["learn.world/steps"].fill_(steps); }), "learn.world/steps");
  }
  EXPECT_SAYS(say([](Checkpoint& c) { c.tensors.at("learn.world/0/second").fill_(-1); }), "learn.world/0/second");
  EXPECT_SAYS(say([](Checkpoint& c) { c.tensors.at("curve/learn/return").fill_(NAN); }), "curve/learn/return");
  EXPECT_SAYS(say([](Checkpoint& c) { c.tensors.at("curve_state/learn/return")[0] = -4; }), "learn/return");
  EXPECT_SAYS(say([](Checkpoint& c) { c.tensors.at("curve_state/learn/return")[1] = 7; }), "learn/return");
  EXPECT_SAYS(say([](Checkpoint& c) { c.tensors["curve/learn/return"] = torch::zeros({2, 5000}); }), "5000");
  EXPECT_SAYS(say([](Checkpoint& c) { c.tensors.at("learn.rng").fill_(255); }), "");
}

TEST_F(RunFile, TextsThatMeanNothingNameTheFileAndTheField) {
  begin_dreamer();
  const auto whole = test::read_bytes(file());
  for (const auto* field : {"recipe", "environment", "config"}) {
    test::write_bytes(file(), whole);
    EXPECT_SAYS(refusal([&](Checkpoint& c) { c.metadata[field] = "nonsense"; }), field);
    test::write_bytes(file(), whole);
    EXPECT_SAYS(refusal([&](Checkpoint& c) { c.metadata.erase(field); }), field);
  }
  test::write_bytes(file(), whole);
  EXPECT_SAYS(refusal([&](Checkpoint& c) { c.metadata["recipe"] = "planet"; }), "");
}

}  // namespace run_file_test
}  // namespace dream
