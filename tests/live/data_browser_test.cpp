// Datasets in the window's engine: from commands to what is on the disk, over a small dataset of Catch.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "api/data.h"
#include "core/data/dataset.h"
#include "core/data/held_out_label.h"
#include "core/env/env.h"
#include "core/env/registry.h"
#include "core/live/live_engine.h"
#include "tests/data/temp_folder.h"

namespace dream::data_browser_test {

/// Always the same action, from this start on.
Episode catch_episode(std::uint64_t seed, float action) {
  const auto env = make_env("Catch");
  const auto& spaces = env->spaces();
  Episode e;
  e.seed = seed, e.height = spaces.image_height, e.width = spaces.image_width, e.channels = spaces.image_channels;
  e.action_size = 1, e.vector_size = static_cast<int>(spaces.vector_names.size());
  const auto look = [&] {
    e.frames.resize(e.frames.size() + spaces.image_bytes());
    if (spaces.image_bytes() > 0) env->observe_image({e.frames.data() + e.frames.size() - spaces.image_bytes(), spaces.image_bytes()});
    const auto numbers = spaces.vector_names.size();
    e.vectors.resize(e.vectors.size() + numbers);
    if (numbers > 0) env->observe_vector({e.vectors.data() + e.vectors.size() - numbers, numbers});
  };
  env->reset(seed);
  look();
  for (bool over = false; !over;) {
    const auto step = env->step({&action, 1});
    e.actions.push_back(action), e.rewards.push_back(step.reward);
    e.terminated.push_back(step.terminated), e.truncated.push_back(step.truncated);
    over = step.done();
    look();
  }
  return e;
}

class DataBrowserTest : public ::testing::Test {
 protected:
  DataBrowserTest() {
    make(path_, {1, 2, 3, 1, 4});  // the fourth is the first once more
    LiveEngine::Options options;
    options.threads = 1;
    options.runs = folder_ / "runs";
    live_ = std::make_unique<LiveEngine>(options);
  }
  static void make(const std::filesystem::path& path, const std::vector<std::uint64_t>& seeds) {
    const auto env = make_env("Catch");
    DatasetWriter writer(path, {"Catch", "still", env->spaces()});
    for (const auto seed : seeds) writer.append(catch_episode(seed, 1));
  }
  ::testing::AssertionResult comes(const std::function<bool(const DataView&)>& wanted) {
    for (int i = 0; i < 6000; ++i) {
      if (wanted(*live_->latest()->data)) return ::testing::AssertionSuccess();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return ::testing::AssertionFailure() << "wrong '" << data().wrong << "', doing '" << data().doing << "'";
  }
  DataView data() { return *live_->latest()->data; }
  ::testing::AssertionResult open(const std::string& path) {
    const auto before = data().revision;
    live_->send(OpenDataset{path});
    return comes([&](const DataView& d) { return d.revision > before && d.doing.empty() && !d.path.empty(); });
  }
  ::testing::AssertionResult edit(EditData::Do what, std::vector<std::string> episodes, const std::string& path = "") {
    const auto before = data();
    live_->send(EditData{what, std::move(episodes), path, before.revision});
    return comes([&](const DataView& d) { return d.doing.empty() && (d.done != before.done || d.revision != before.revision || d.wrong != before.wrong); });
  }

  test::TempFolder folder_;
  std::filesystem::path path_ = folder_ / "data" / "catch";
  std::unique_ptr<LiveEngine> live_;
};

TEST_F(DataBrowserTest, ADatasetIsKnownOpenedAndLookedThrough) {
  ASSERT_TRUE(comes([&](const DataView& d) { return d.known == std::vector<std::string>{path_.string()}; }));
  ASSERT_TRUE(open("  '" + path_.string() + "/' "));
  const auto d = data();
  EXPECT_EQ(d.environment, "Catch");
  EXPECT_TRUE(d.own);
  EXPECT_EQ(d.fixed, "");
  ASSERT_EQ(d.episodes->size(), 5u);
  EXPECT_EQ(d.read, 5);
  const auto& fourth = (*d.episodes)[3];
  EXPECT_TRUE(fourth.read);
  EXPECT_EQ(fourth.twin, "episode_0");
  EXPECT_EQ(fourth.end, "terminated");
  ASSERT_NE(fourth.thumbnail, nullptr);
  EXPECT_EQ(fourth.thumbnail->pixels.size(), static_cast<std::size_t>(fourth.thumbnail->width * fourth.thumbnail->height * 3));
  EXPECT_LE(std::max(fourth.thumbnail->width, fourth.thumbnail->height), 48);
  ASSERT_EQ(d.actions.size(), 1u);
  EXPECT_EQ(d.actions[0].labels.size(), 3u);
  EXPECT_EQ(d.actions[0].shares[1], 1) << "it always did the same";
  EXPECT_EQ(d.coverage, 0);
  live_->send(LookAtEpisode{"episode_2"});
  ASSERT_TRUE(comes([](const DataView& v) { return v.episode && v.episode->name == "episode_2"; }));
  const auto& e = *data().episode;
  const auto lived = catch_episode(3, 1);
  ASSERT_NE(e.frames, nullptr);
  EXPECT_EQ(*e.frames, lived.frames);
  EXPECT_EQ(e.rewards.size(), lived.length());
  EXPECT_EQ(e.actions, lived.actions);
}

TEST_F(DataBrowserTest, EpisodesAreDeletedSplitMergedLabelledAndBroughtBack) {
  ASSERT_TRUE(open(path_.string()));
  ASSERT_TRUE(edit(EditData::Do::hold_out, {"episode_1"}));
  EXPECT_EQ(data().held_out, 1);
  EXPECT_TRUE((*data().episodes)[1].held_out);
  EXPECT_EQ(held_out_of(path_), std::set<std::string>{"episode_1"});
  ASSERT_TRUE(edit(EditData::Do::remove, {"episode_3"}));
  EXPECT_EQ(data().done, "1 of 5 episodes deleted");
  EXPECT_EQ(Dataset(path_).episodes(), 4u);
  EXPECT_TRUE((*data().episodes)[1].held_out) << "labels stay";
  ASSERT_TRUE(edit(EditData::Do::split, {"episode_0", "episode_3"}, (folder_ / "data" / "part").string()));
  EXPECT_EQ(Dataset(folder_ / "data" / "part").episodes(), 2u);
  EXPECT_EQ(data().episodes->size(), 2u);
  EXPECT_EQ(data().known.size(), 2u) << "it can be opened";
  ASSERT_TRUE(edit(EditData::Do::merge, {}, (folder_ / "data" / "part").string()));
  EXPECT_EQ(data().episodes->size(), 4u);
  for (const std::size_t left : {2u, 4u, 5u}) {
    ASSERT_TRUE(edit(EditData::Do::undo, {}));
    EXPECT_EQ(data().wrong, "");
    EXPECT_EQ(data().episodes->size(), left);
  }
  ASSERT_TRUE(edit(EditData::Do::undo, {}));
  EXPECT_EQ(data().held_out, 0);
  EXPECT_EQ(data().done, "");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "data" / "part"));
}

TEST_F(DataBrowserTest, WhatIsWrongIsASentenceAndWhatWasOpenStays) {
  ASSERT_TRUE(open(path_.string()));
  live_->send(OpenDataset{(folder_ / "nowhere").string()});
  ASSERT_TRUE(comes([](const DataView& d) { return !d.wrong.empty(); }));
  EXPECT_NE(data().wrong.find("nowhere"), std::string::npos);
  EXPECT_EQ(data().path, path_.string());
  ASSERT_TRUE(edit(EditData::Do::remove, {"episode_9"}));
  EXPECT_NE(data().wrong.find("episode_9"), std::string::npos);
  live_->send(EditData{EditData::Do::remove, {"episode_0"}, "", data().revision - 1});
  ASSERT_TRUE(comes([](const DataView& d) { return d.wrong.find("meanwhile") != std::string::npos; }));
  EXPECT_EQ(Dataset(path_).episodes(), 5u) << "names of another opening name nothing";
  EXPECT_EQ(live_->latest()->fault, "");
  const DatasetWriter writing(path_, Dataset(path_).info());
  ASSERT_TRUE(edit(EditData::Do::remove, {"episode_0"}));
  EXPECT_NE(data().wrong.find("being written"), std::string::npos);
  ASSERT_TRUE(open(path_.string()));
  EXPECT_EQ(data().wrong, "");
  EXPECT_NE(data().fixed, "");
}

TEST_F(DataBrowserTest, WhatIsDamagedIsToldAndTheRestIsShown) {
  test::write_bytes(held_out_file(path_), "{\"held_out\": 3}");
  const auto file = path_ / "data" / "episodes" / "episode_000002.hdf5";
  test::write_bytes(file, test::read_bytes(file).substr(0, 600));
  ASSERT_TRUE(open(path_.string()));
  const auto d = data();
  EXPECT_EQ(d.damaged.size(), 2u);
  EXPECT_EQ(d.episodes->size(), 4u);
  EXPECT_EQ(d.read, 4);
}

TEST_F(DataBrowserTest, ReadingIsStoppedAndTheProgramEndsMeanwhile) {
  std::vector<std::uint64_t> many(200);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = i;
  make(folder_ / "data" / "many", many);
  live_->send(OpenDataset{(folder_ / "data" / "many").string()});
  live_->send(CancelData{});
  ASSERT_TRUE(comes([](const DataView& d) { return d.episodes->size() == 200u && d.doing.empty(); }));
  EXPECT_LT(data().read, 200);
  live_->send(OpenDataset{(folder_ / "data" / "many").string()});
  EXPECT_EQ(live_->close(), "");
}

}  // namespace dream::data_browser_test
