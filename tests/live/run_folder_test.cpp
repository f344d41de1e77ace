// What is done to a run's folder, and what the list of runs says of it.
#include "core/live/run_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/base/platform.h"
#include "core/engine/run_file.h"
#include "core/live/run_list.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_run.h"

namespace dream {
namespace run_folder_test {

namespace fs = std::filesystem;
using test::message_of;

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

class RunFolder : public ::testing::Test {
 protected:
  fs::path make(const std::string& name) {
    const auto run = folder_ / name;
    fs::create_directories(run / "data");
    test::write_bytes(run / "checkpoint.safetensors", "weights of " + name);
    test::write_bytes(run / "data" / "episodes.hdf5", std::string(3 << 20, 'e'));
    return run;
  }
  static std::string weights(const fs::path& run) { return test::read_bytes(run / "checkpoint.safetensors"); }
  static bool all(double, double) { return true; }
  /// What everything refuses, and leaves as it was.
  void refused(const std::function<void()>& deed, const std::string& part) {
    std::vector<fs::path> before, after;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) before.push_back(entry.path());
    EXPECT_SAYS(message_of<Error>(deed), part);
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) after.push_back(entry.path());
    EXPECT_EQ(before, after);
  }
  test::TempFolder folder_;
};

TEST_F(RunFolder, IsRenamedInItsPlace) {
  const auto run = make("car");
  EXPECT_EQ(rename_run(run / "", "fast car"), folder_ / "fast car");
  EXPECT_FALSE(fs::exists(run));
  EXPECT_EQ(weights(folder_ / "fast car"), "weights of car");
}

TEST_F(RunFolder, NoNameLeadsElsewhereOrOntoAnother) {
  const auto run = make("car");
  make("other");
  fs::create_directory(folder_ / "empty");
  for (const char* name : {"", ".", "..", "../out", "a/b", ".hidden", "a\nb", "a\\b"})
    refused([&] { rename_run(run, name); }, "no name for a run");
  refused([&] { rename_run(run, "other"); }, "exists already");
  refused([&] { rename_run(run, "empty"); }, "exists already");
  refused([&] { copy_run(run, folder_ / "other", all); }, "exists already");
  refused([&] { rename_run(folder_ / "empty", "x"); }, "no run's folder");
  refused([&] { delete_run(folder_ / "empty"); }, "no run's folder");
  refused([&] { delete_run(folder_.path()); }, "no run's folder");
}

TEST_F(RunFolder, IsLeftAloneWhileItIsTrained) {
  const auto run = make("car");
  const FolderLock trains(run);
  for (const auto& deed : std::initializer_list<std::function<void()>>{
           [&] { rename_run(run, "x"); }, [&] { delete_run(run); }, [&] { copy_run(run, folder_ / "x", all); }}) {
    refused(deed, "is being trained (process " + std::to_string(::getpid()));
  }
}

TEST_F(RunFolder, IsLockedByAPlainFileAlone) {
  const auto run = make("car"), precious = folder_ / "precious";
  std::ofstream(precious) << "years of work";
  std::filesystem::create_symlink(precious, run / ".lock");
  refused([&] { FolderLock lock(run); }, "no plain file");
  EXPECT_EQ(writer_of(run), "");
  EXPECT_EQ(test::read_bytes(precious), "years of work");
  std::filesystem::remove(run / ".lock");
  ASSERT_EQ(::mkfifo((run / ".lock").c_str(), 0600), 0);  // whoever opened this to read would wait for ever
  refused([&] { FolderLock lock(run); }, "no plain file");
  EXPECT_EQ(writer_of(run), "");
}

TEST_F(RunFolder, IsCopiedWhole) {
  const auto run = make("car");
  { const FolderLock was_trained(run); }
  double last = 0;
  copy_run(run, folder_ / "new" / "copy", [&](double done, double all) {
    EXPECT_GE(done, last);
    EXPECT_LE(done, all);
    last = done;
    EXPECT_FALSE(fs::exists(folder_ / "new" / "copy")) << "not before it is complete";
    return true;
  });
  EXPECT_GT(last, 3 << 20);
  EXPECT_EQ(weights(folder_ / "new" / "copy"), weights(run));
  EXPECT_EQ(test::read_bytes(folder_ / "new" / "copy" / "data" / "episodes.hdf5"),
            test::read_bytes(run / "data" / "episodes.hdf5"));
  EXPECT_FALSE(fs::exists(folder_ / "new" / "copy" / ".lock")) << "who trained the first does not train the copy";
}

TEST_F(RunFolder, NothingIsLeftOfACopyThatIsStopped) {
  const auto run = make("car");
  refused([&] { copy_run(run, folder_ / "copy", [](double done, double all) { return done < all / 2; }); }, "stopped");
}

TEST_F(RunFolder, IsBroughtBackFromWhereItWasDeletedTo) {
  const auto first = delete_run(make("car"));
  EXPECT_EQ(first, folder_ / ".deleted" / "car");
  const auto second = delete_run(make("car"));
  EXPECT_EQ(second, folder_ / ".deleted" / "car-2");
  EXPECT_TRUE(list_runs({}, folder_.path()).empty());
  restore_run(second, folder_ / "car");
  EXPECT_EQ(weights(folder_ / "car"), "weights of car");
  refused([&] { restore_run(first, folder_ / "car"); }, "exists already");
  EXPECT_EQ(free_folder(folder_ / "car"), folder_ / "car-2");
  EXPECT_EQ(free_folder(folder_ / "bus"), folder_ / "bus");
}

TEST_F(RunFolder, TheListSaysHowFarARunIsAndHowLarge) {
  Trainer trainer(test::tiny_system(folder_ / "car"), {1e9, ""}, false);
  while (trainer.phases(true)[0].progress < 1) trainer.advance();
  trainer.save();
  const auto trained = list_runs({}, folder_.path());
  ASSERT_EQ(trained.size(), 1u);
  EXPECT_NE(trained[0].trained_by, "");
  trainer.close();
  const auto runs = list_runs({}, folder_.path());
  const auto& run = runs[0];
  EXPECT_TRUE(run.usable) << run.detail;
  EXPECT_EQ(run.name, "car");
  EXPECT_EQ(run.model, "World Models (V-M-C)");
  EXPECT_FALSE(run.shipped);
  EXPECT_EQ(run.trained_by, "");
  EXPECT_NEAR(run.progress, 1.0 / 5, 1e-6) << "one of five phases";
  EXPECT_EQ(run.training.rfind("collect 100 %", 0), 0u) << run.training;
  EXPECT_GE(run.bytes, static_cast<double>(fs::file_size(folder_ / "car" / "checkpoint.safetensors")));
  EXPECT_EQ(run.changed, mark_of(folder_ / "car" / "checkpoint.safetensors").changed / 1'000'000'000);
  EXPECT_FALSE(run.score.known);
}

TEST(RunScores, AreNumbersWhereTheyReadAsSuch) {
  const auto score = score_from("-205.5 ± 106 over 100 unseen episodes");
  EXPECT_TRUE(score.known);
  EXPECT_EQ(score.mean, -205.5);
  EXPECT_EQ(score.deviation, 106);
  EXPECT_EQ(score.of, "over 100 unseen episodes");
  for (const char* text : {"", "good", "3", "3 +- 2", "3 ± x over 4 episodes"}) EXPECT_FALSE(score_from(text).known);
}

}  // namespace run_folder_test
}  // namespace dream
