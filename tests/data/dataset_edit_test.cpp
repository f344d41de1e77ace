// Datasets that are edited: nothing is lost, numbers and totals are right, and what cannot be is said.
#include "core/data/dataset_edit.h"

#include <algorithm>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/data/dataset_sources.h"
#include "core/data/held_out_label.h"
#include "core/data/minari.h"
#include "tests/data/dataset_fixture.h"

namespace dream::dataset_edit_test {

using test::episode_of;
using test::expect_equal;
using test::info_of;
using test::message_of;

class DatasetEditTest : public ::testing::Test {
 protected:
  std::filesystem::path make(const std::string& name, std::size_t count, std::uint64_t first = 0) {
    DatasetWriter writer(folder_ / name, info_);
    for (std::size_t i = 0; i < count; ++i) writer.append(episode_of(info_, 3 + i, first + i));
    return folder_ / name;
  }
  static std::vector<std::uint64_t> seeds(const std::filesystem::path& path) {
    const Dataset dataset(path);
    std::vector<std::uint64_t> all;
    std::int64_t steps = 0;
    for (std::size_t i = 0; i < dataset.episodes(); ++i) {
      EXPECT_EQ(dataset.name(i), "episode_" + std::to_string(i));
      const auto episode = dataset.read(i);
      all.push_back(episode.seed), steps += static_cast<std::int64_t>(episode.length());
    }
    const auto metadata = minari::read_metadata(path);
    EXPECT_EQ(metadata.episodes, all.size());
    EXPECT_EQ(metadata.steps, steps);
    EXPECT_EQ(dataset.steps(), steps);
    return all;
  }
  bool left_over() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path()))
      if (entry.path().filename().string().ends_with(".edit")) return true;
    return false;
  }
  using Seeds = std::vector<std::uint64_t>;

  test::TempFolder folder_;
  DatasetInfo info_ = info_of(8, 6, 3, 2);
};

TEST_F(DatasetEditTest, DeletedEpisodesGoAndComeBack) {
  const auto path = make("a", 5);
  label_held_out(path, {"episode_1", "episode_4"});
  const auto edit = delete_episodes(path, {"episode_0", "episode_4"});
  EXPECT_EQ(edit.said, "2 of 5 episodes deleted");
  EXPECT_EQ(seeds(path), (Seeds{1, 2, 3}));
  EXPECT_EQ(held_out_of(path), (EpisodeNames{"episode_0"})) << "the label goes along with its episode";
  expect_equal(Dataset(path).read(1), episode_of(info_, 5, 2));
  EXPECT_FALSE(left_over());
  { DatasetWriter(path, info_).append(episode_of(info_, 4, 9)); }  // it goes on from there
  EXPECT_EQ(seeds(path), (Seeds{1, 2, 3, 9}));
  take_back(edit);
  EXPECT_EQ(seeds(path), (Seeds{0, 1, 2, 3, 4}));
  EXPECT_EQ(held_out_of(path), (EpisodeNames{"episode_1", "episode_4"}));
  EXPECT_TRUE(std::filesystem::exists(path / ".deleted" / "data-2" / "metadata.json")) << "nor is what came in between lost";
}

TEST_F(DatasetEditTest, AllMayGo) {
  const auto path = make("a", 2);
  take_back(delete_episodes(path, {"episode_0", "episode_1"}));
  delete_episodes(path, {"episode_0", "episode_1"});
  EXPECT_EQ(seeds(path), Seeds{});
}

TEST_F(DatasetEditTest, WhatOthersAddedToTheMetadataStays) {
  const auto path = make("a", 3);
  auto text = test::read_bytes(minari::metadata_file(path));
  text.insert(text.find('{') + 1, "\"author\": \"somebody\",");
  test::write_bytes(minari::metadata_file(path), text);
  delete_episodes(path, {"episode_1"});
  EXPECT_NE(test::read_bytes(minari::metadata_file(path)).find("somebody"), std::string::npos);
  EXPECT_EQ(seeds(path), (Seeds{0, 2}));
}

TEST_F(DatasetEditTest, WhatIsStoppedChangesNothing) {
  const auto path = make("a", 4);
  int asked = 0;
  const auto soon = [&](double) { return ++asked < 2; };
  EXPECT_NE(message_of<Error>([&] { delete_episodes(path, {"episode_0"}, soon); }).find("stopped"), std::string::npos);
  asked = 0;
  EXPECT_NE(message_of<Error>([&] { split_dataset(path, {"episode_0", "episode_1"}, folder_ / "b", soon); }), "");
  const auto more = make("c", 3, 10);
  asked = 0;
  EXPECT_NE(message_of<Error>([&] { merge_datasets(path, more, soon); }), "");
  EXPECT_EQ(seeds(path), (Seeds{0, 1, 2, 3}));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "b"));
  EXPECT_FALSE(left_over());
}

TEST_F(DatasetEditTest, ADatasetIsSplitAndPutTogetherAgain) {
  const auto path = make("a", 5);
  label_held_out(path, {"episode_3"});
  const auto edit = split_dataset(path, {"episode_1", "episode_3"}, folder_ / "b");
  EXPECT_EQ(seeds(path), (Seeds{0, 2, 4}));
  EXPECT_EQ(seeds(folder_ / "b"), (Seeds{1, 3}));
  EXPECT_EQ(held_out_of(folder_ / "b"), (EpisodeNames{"episode_1"}));
  EXPECT_TRUE(held_out_of(path).empty());
  EXPECT_EQ(Dataset(folder_ / "b").info().policy, info_.policy);
  const auto added = merge_datasets(path, folder_ / "b");
  EXPECT_EQ(seeds(path), (Seeds{0, 2, 4, 1, 3}));
  EXPECT_EQ(held_out_of(path), (EpisodeNames{"episode_4"}));
  take_back(added);
  EXPECT_EQ(seeds(path), (Seeds{0, 2, 4}));
  EXPECT_TRUE(held_out_of(path).empty());
  take_back(edit);
  EXPECT_EQ(seeds(path), (Seeds{0, 1, 2, 3, 4}));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "b"));
  EXPECT_EQ(seeds(folder_ / ".deleted" / "b"), (Seeds{1, 3}));
}

TEST_F(DatasetEditTest, WhatHasGrownSinceIsNotTakenBack) {
  const auto path = make("a", 2), more = make("b", 1, 5);
  const auto edit = merge_datasets(path, more);
  { DatasetWriter(path, info_).append(episode_of(info_, 4, 9)); }
  EXPECT_NE(message_of<Error>([&] { take_back(edit); }).find("holds 4 episodes by now"), std::string::npos);
  EXPECT_EQ(seeds(path), (Seeds{0, 1, 5, 9}));
}

TEST_F(DatasetEditTest, WhatCannotBeIsSaid) {
  const auto path = make("a", 3);
  const auto said = [&](auto&& action) { return message_of<Error>(action); };
  EXPECT_NE(said([&] { delete_episodes(path, {"episode_7"}); }).find("has no episode 'episode_7'"), std::string::npos);
  EXPECT_NE(said([&] { delete_episodes(path, {}); }).find("no episode was named"), std::string::npos);
  EXPECT_NE(said([&] { split_dataset(path, {"episode_0"}, path); }).find("exists already"), std::string::npos);
  EXPECT_NE(said([&] { merge_datasets(path, path / "data"); }).find("is the dataset that is open"), std::string::npos);
  const auto other = info_of(8, 6, 3, 5);
  { DatasetWriter(folder_ / "vectors", other).append(episode_of(other, 3, 0)); }
  EXPECT_NE(said([&] { merge_datasets(path, folder_ / "vectors"); }).find("vectors of 5 numbers"), std::string::npos);
  const auto larger = info_of(16, 6, 3, 2);
  { DatasetWriter(folder_ / "larger", larger).append(episode_of(larger, 3, 0)); }
  EXPECT_NE(said([&] { merge_datasets(path, folder_ / "larger"); }).find("16 × 6 × 3"), std::string::npos);
  auto elsewhere = info_;
  elsewhere.environment = "Elsewhere";
  { DatasetWriter(folder_ / "elsewhere", elsewhere).append(episode_of(elsewhere, 3, 0)); }
  EXPECT_NE(said([&] { merge_datasets(path, folder_ / "elsewhere"); }).find("Elsewhere"), std::string::npos);
  EXPECT_EQ(seeds(path), (Seeds{0, 1, 2}));
}

TEST_F(DatasetEditTest, WhatIsBeingWrittenIsLeftAlone) {
  const auto path = make("runs/car/data/own", 3);
  const auto refused = [&](const char* who) {
    EXPECT_NE(message_of<Error>([&] { delete_episodes(path, {"episode_0"}); }).find("being written"), std::string::npos) << who;
    EXPECT_NE(message_of<Error>([&] { split_dataset(path, {"episode_0"}, folder_ / "b"); }), "") << who;
    EXPECT_NE(message_of<Error>([&] { merge_datasets(path, make("c", 1, 7)); }), "") << who;
    EXPECT_NE(why_fixed(Dataset(path), path), "") << who;
  };
  {
    const DatasetWriter writing(path, info_);
    refused("a writer");
  }
  {
    const FolderLock training(folder_ / "runs/car");
    refused("the run's training");
  }
  EXPECT_EQ(why_fixed(Dataset(path), path), "");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "b"));
  EXPECT_EQ(seeds(path), (Seeds{0, 1, 2}));
}

TEST_F(DatasetEditTest, AnotherProgramsIsCopiedAndStaysAsItIs) {
  const std::filesystem::path golden = DREAMSCOPE_SOURCE_DIR "/tests/golden/minari/mixed";
  ASSERT_TRUE(is_dataset(golden));
  const auto foreign = folder_ / "foreign";
  std::filesystem::copy(golden, foreign, std::filesystem::copy_options::recursive);
  const Dataset before(foreign);
  EXPECT_NE(message_of<Error>([&] { delete_episodes(foreign, {before.name(0)}); }).find("another program"), std::string::npos);
  EXPECT_NE(message_of<Error>([&] { merge_datasets(foreign, make("a", 1)); }).find("another program"), std::string::npos);
  const auto edit = split_dataset(foreign, {before.name(0)}, folder_ / "mine");
  EXPECT_EQ(Dataset(foreign).episodes(), before.episodes());
  const Dataset mine(folder_ / "mine");
  ASSERT_EQ(mine.episodes(), 1u);
  EXPECT_TRUE(mine.appendable());
  EXPECT_EQ(mine.read(0).actions, before.read(0).actions);
  EXPECT_EQ(mine.read(0).vectors, before.read(0).vectors);
  hold_out(foreign, {before.name(0)}, true);
  EXPECT_EQ(held_out_of(foreign), EpisodeNames{before.name(0)});
  EXPECT_EQ(Dataset(foreign).episodes(), before.episodes()) << "and still opens";
  take_back(edit);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "mine"));
}

TEST_F(DatasetEditTest, HeldOutEpisodesAreNotLearnedFrom) {
  const auto path = make("a", 4);
  const auto edit = hold_out(path, {"episode_1", "episode_2"}, true);
  hold_out(path, {"episode_2"}, false);
  EXPECT_EQ(held_out_of(path), EpisodeNames{"episode_1"});
  DatasetSources sources({path}, fit_to(info_.spaces, info_.environment));
  EXPECT_EQ(sources.episodes(), 3u);
  ASSERT_EQ(sources.notes().size(), 1u);
  EXPECT_NE(sources.notes()[0].find("1 of 4 episodes are held out"), std::string::npos);
  Replay replay(std::size_t{1} << 20);
  while (sources.read_into(replay)) {
  }
  EXPECT_EQ(replay.steps(), 3 + 5 + 6) << "all but the second, of four steps";
  take_back(edit);
  EXPECT_TRUE(held_out_of(path).empty());
  EXPECT_FALSE(std::filesystem::exists(held_out_file(path)));
  hold_out(path, {"episode_0", "episode_1", "episode_2", "episode_3"}, true);
  EXPECT_TRUE(DatasetSources({path}, fit_to(info_.spaces, info_.environment)).empty());
}

TEST_F(DatasetEditTest, DamagedLabelsAreSaidAndNothingIsLearnedInSpiteOfThem) {
  const auto path = make("a", 2);
  for (const char* text : {"{", "[]", "{}", "{\"held_out\": 3}", "{\"held_out\": [1]}", ""}) {
    test::write_bytes(held_out_file(path), text);
    const auto said = message_of<Error>([&] { DatasetSources({path}, fit_to(info_.spaces, info_.environment)); });
    EXPECT_NE(said.find("held_out.json"), std::string::npos) << text << ": " << said;
    EXPECT_NE(message_of<Error>([&] { hold_out(path, {"episode_0"}, true); }), "") << text;
    EXPECT_NE(message_of<Error>([&] { delete_episodes(path, {"episode_0"}); }), "") << text;
  }
  EXPECT_EQ(seeds(path), (Seeds{0, 1}));
}

TEST_F(DatasetEditTest, WhatComesInTheirPlacesIsNotHeldOut) {
  const auto path = make("a", 4);
  label_held_out(path, {"episode_0", "episode_3"});
  { DatasetWriter(path, info_).keep(2); }
  EXPECT_EQ(held_out_of(path), EpisodeNames{"episode_0"});
}

}  // namespace dream::dataset_edit_test
