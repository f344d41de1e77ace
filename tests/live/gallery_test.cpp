// Previews in the background, and a kept piece of a dream, through the engine as the window uses it.
#include "core/live/gallery.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "core/dream/bundle.h"
#include "core/live/live_engine.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_run.h"

namespace dream {
namespace gallery_test {

class Galleries : public ::testing::Test {
 protected:
  Galleries() { torch::set_num_threads(1); }
  std::string make_run(const std::string& name) {
    Trainer(test::tiny_system(folder_ / name, {}), {}, false).close();
    return (folder_ / name).string();
  }
  std::unique_ptr<LiveEngine> engine(const std::string& open) {
    LiveEngine::Options options;
    options.threads = 1;
    options.runs = folder_.path();
    options.open = open;
    return std::make_unique<LiveEngine>(options);
  }
  ::testing::AssertionResult comes(const Engine& engine, const std::function<bool(const Snapshot&)>& wanted) {
    for (int i = 0; i < 20000; ++i) {
      if (wanted(*engine.latest())) return ::testing::AssertionSuccess();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return ::testing::AssertionFailure() << "fault '" << engine.latest()->fault << "'";
  }
  test::TempFolder folder_;
};

TEST_F(Galleries, EveryRunGoesOnInTurnAndOneThatCannotBeDreamtSaysWhy) {
  const std::vector<std::string> paths = {make_run("a"), (folder_ / "nothing").string(), make_run("b")};
  Gallery gallery("cpu");
  EXPECT_TRUE(gallery.empty());
  gallery.watch(paths);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(gallery.work(), 0) << "all worlds first, one after the other";
  auto view = gallery.view();
  ASSERT_EQ(view->all.size(), 3u);
  ASSERT_NE(view->all[0].world, nullptr);
  EXPECT_EQ(view->all[0].world->pixels.size(), static_cast<std::size_t>(view->all[0].world->width * view->all[0].world->height * 3));
  EXPECT_EQ(view->all[1].world, nullptr);
  EXPECT_EQ(view->all[0].dream, nullptr) << "nothing is read yet";
  EXPECT_EQ(view->all[1].fault, "");
  for (int i = 0; i < 3; ++i) gallery.work();
  view = gallery.view();
  EXPECT_EQ(view->all[0].path, paths[0]);
  EXPECT_NE(view->all[1].fault.find("nothing"), std::string::npos) << view->all[1].fault;
  ASSERT_NE(view->all[0].dream, nullptr);
  ASSERT_NE(view->all[2].real, nullptr);
  EXPECT_EQ(view->all[1].dream, nullptr);
  const auto first = view->all[2].dream;

  EXPECT_GT(gallery.work(), 0) << "it rests, so that the share of the core is kept";
  gallery.watch({paths[2]});
  view = gallery.view();
  ASSERT_EQ(view->all.size(), 1u);
  EXPECT_EQ(view->all[0].dream, first) << "one that is open stays open";
  for (int i = 0; i < 50 && gallery.view()->all[0].dream == first; ++i)
    std::this_thread::sleep_for(std::chrono::duration<double>(gallery.work()));
  EXPECT_NE(gallery.view()->all[0].dream, first) << "it goes on";
}

TEST_F(Galleries, PreviewsComeWhileTheyAreWatched) {
  const auto run = make_run("a");
  const auto live = engine("");
  EXPECT_TRUE(live->latest()->previews->all.empty());
  live->send(WatchPreviews{{run}});
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.previews->all.size() == 1 && s.previews->all[0].dream; }));
  live->send(WatchPreviews{});
  EXPECT_TRUE(comes(*live, [](const Snapshot& s) { return s.previews->all.empty(); }));
}

TEST_F(Galleries, APieceOfADreamIsKeptAndOpened) {
  const auto run = make_run("a");
  const auto file = (folder_ / "kept.safetensors").string();
  {
    const auto live = engine(run);
    ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->ready && s.dream->step > 5; }));
    live->send(KeepBundle{30, file});
    ASSERT_TRUE(comes(*live, [&](const Snapshot&) { return is_bundle(file); }));
  }
  const auto live = engine("");
  live->send(OpenRun{file});
  ASSERT_TRUE(comes(*live, [](const Snapshot& s) { return s.dream->ready && s.dream->timeline.line.size() > 5; }));
  EXPECT_FALSE(live->latest()->dream->playing);
  EXPECT_EQ(live->latest()->dream->timeline.present, 0u);
  EXPECT_EQ(live->latest()->dream->run, run);
  bool same = false;
  const auto log = live->latest()->log;
  for (const auto& line : *log) same = same || line.text.find("the same to the last bit") != std::string::npos;
  EXPECT_TRUE(same);
}

}  // namespace gallery_test
}  // namespace dream
