// Several models beside one dream: the same start, the same actions, back and forth.
#include "core/dream/arena.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "api/platform_time.h"
#include "core/live/live_engine.h"
#include "tests/data/temp_folder.h"
#include "tests/support/tiny_run.h"

namespace dream {
namespace arena_test {

class Arenas : public ::testing::Test {
 protected:
  Arenas() { torch::set_num_threads(1); }
  std::string make_run(const std::string& name, const std::vector<std::string>& settings = {}) {
    Trainer(test::tiny_system(folder_ / name, settings), {}, false).close();
    return (folder_ / name).string();
  }
  std::string make_catch(const std::string& name, const char* recipe = "dreamer-v3") {
    RunSpec spec;
    spec.recipe = recipe, spec.environment = "Catch", spec.directory = folder_ / name;
    Trainer(make_system(spec), {}, false).close();
    return (folder_ / name).string();
  }
  static void load(Player& player, const std::string& run) {
    player.load(std::shared_ptr<System>(load_system(Checkpoint::load(checkpoint_path(run)), "cpu")), run);
    player.set_pilot(true);
  }
  void go(Player& player, int steps) {
    for (int i = 0; i < steps; ++i) player.step(now_ += 0.02);
  }
  static void drain(Arena& arena) {
    for (int i = 0; i < 10'000 && arena.work(); ++i) {
    }
    EXPECT_EQ(arena.behind(), 0);
  }
  static std::vector<std::uint8_t> real_of(Player& player) {
    const auto glance = player.glance();
    for (const auto& frame : glance.frames)
      if (frame.name == "real") return frame.image->pixels;
    return {};
  }
  static void expect_beside(Arena& arena, Player& lead, std::int64_t step) {
    arena.hear(lead.line());
    drain(arena);
    const auto view = arena.view();
    for (const auto& rival : view->rivals) {
      EXPECT_EQ(rival.fault, "");
      EXPECT_EQ(rival.step, step);
      EXPECT_EQ(rival.behind, 0);
      ASSERT_NE(rival.real, nullptr);
      EXPECT_EQ(rival.real->pixels, real_of(lead)) << "its own real world is where the leader's is";
      EXPECT_EQ(static_cast<std::int64_t>(rival.errors.size()), step);
    }
  }
  test::TempFolder folder_;
  double now_ = now_seconds();
};

TEST_F(Arenas, AllLiveTheSameActionsFromTheSameStart) {
  Player lead;
  load(lead, make_run("lead"));
  lead.drive({true, {0.3f, 1, 0}, 0});
  Arena arena("cpu");
  EXPECT_FALSE(arena.work()) << "nobody is there";
  arena.seat({make_run("small"), make_run("other", {"v.latent_size=6"})});
  expect_beside(arena, lead, 0);
  go(lead, 7);
  expect_beside(arena, lead, 7);
  EXPECT_GT(arena.view()->rivals[0].ms, 0);
  EXPECT_GT(arena.view()->rivals[1].parameters, arena.view()->rivals[0].parameters);
  EXPECT_GE(arena.view()->rivals[0].error, 0);
  EXPECT_TRUE(arena.view()->rivals[0].honesty.known);
  const auto there = arena.view()->rivals[0].dream;

  // Back by four steps, another way from there, back to the first one: what was dreamt is there again.
  const auto end = lead.view()->timeline.line.back().id;
  for (int i = 0; i < 4; ++i) lead.control(DreamControl::Do::back);
  expect_beside(arena, lead, 3);
  lead.drive({true, {-1, 0, 1}, 0});
  go(lead, 2);
  expect_beside(arena, lead, 5);
  EXPECT_NE(arena.view()->rivals[0].dream->pixels, there->pixels);
  lead.go_to(end);
  expect_beside(arena, lead, 7);
  EXPECT_EQ(arena.view()->rivals[0].dream->pixels, there->pixels);

  // Who comes later lives through all of it; another start is another start for all.
  arena.seat({(folder_ / "small").string(), (folder_ / "other").string(), (folder_ / "lead").string()});
  arena.hear(lead.line());
  EXPECT_TRUE(arena.work()) << "it is opened";
  EXPECT_TRUE(arena.work());
  EXPECT_GT(arena.behind(), 0);
  expect_beside(arena, lead, 7);
  lead.control(DreamControl::Do::new_start);
  expect_beside(arena, lead, 0);
  go(lead, 1);
  expect_beside(arena, lead, 1);
}

TEST_F(Arenas, WhereTheDreamStandsOnARealFrameAllOfThemDo) {
  Player lead;
  load(lead, make_run("lead"));
  Arena arena("cpu");
  arena.seat({make_run("small")});
  lead.set_coupling(Coupling::anchored, 4);
  go(lead, 4);
  expect_beside(arena, lead, 4);
  EXPECT_EQ(arena.view()->rivals[0].honesty.now, 0) << "the stretch begins anew";
  go(lead, 1);
  expect_beside(arena, lead, 5);
  EXPECT_LE(arena.view()->rivals[0].honesty.now, 1);
}

TEST_F(Arenas, WhoSeesLessFollowsWhoSeesMoreAndNotTheOtherWayRound) {
  Player lead;
  load(lead, make_catch("large"));
  Arena arena("cpu");
  arena.seat({make_catch("small", "iris")});
  go(lead, 3);
  arena.hear(lead.line());
  drain(arena);
  auto view = arena.view();
  EXPECT_EQ(view->rivals[0].fault, "");
  EXPECT_EQ(view->rivals[0].step, 3);
  ASSERT_NE(view->rivals[0].real, nullptr);
  EXPECT_EQ(view->rivals[0].real->width, 32);
  EXPECT_GE(view->rivals[0].error, 0) << "of its own picture against its own real one";
  load(lead, (folder_ / "small").string());
  arena.seat({(folder_ / "large").string()});
  arena.hear(lead.line());
  drain(arena);
  EXPECT_NE(arena.view()->rivals[0].fault.find("let the one lead that sees more"), std::string::npos) << arena.view()->rivals[0].fault;
}

TEST_F(Arenas, WhoCannotFollowSaysWhyAndComesBack) {
  Player lead;
  load(lead, make_catch("catch"));
  Arena arena("cpu");
  arena.seat({make_run("car"), (folder_ / "nothing").string(), make_catch("other")});
  arena.hear(lead.line());
  drain(arena);
  auto view = arena.view();
  EXPECT_NE(view->rivals[0].fault.find("dreams of CarRacing, and this is Catch"), std::string::npos) << view->rivals[0].fault;
  EXPECT_NE(view->rivals[1].fault.find("nothing"), std::string::npos) << view->rivals[1].fault;
  EXPECT_EQ(view->rivals[2].fault, "");
  EXPECT_NE(view->rivals[2].dream, nullptr);
  load(lead, (folder_ / "car").string());
  arena.hear(lead.line());
  drain(arena);
  view = arena.view();
  EXPECT_EQ(view->rivals[0].fault, "") << "it can follow this dream";
  EXPECT_NE(view->rivals[2].fault.find("dreams of Catch"), std::string::npos) << view->rivals[2].fault;
}

TEST_F(Arenas, TheWindowsEngineDreamsBesideAndWaitsForTheSlowest) {
  const auto run = make_run("lead"), other = make_run("small");
  LiveEngine::Options options;
  options.threads = 1;
  options.runs = folder_.path();
  options.open = run;
  LiveEngine live(options);
  const auto comes = [&](const std::function<bool(const Snapshot&)>& wanted) {
    for (int i = 0; i < 20000; ++i) {
      if (wanted(*live.latest())) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  };
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.dream->ready; }));
  EXPECT_GT(live.latest()->dream->parameters, 0);
  live.send(SetSpeed{0});  // as fast as it can
  live.send(SeatArena{{other}});
  ASSERT_TRUE(comes([](const Snapshot& s) { return s.arena->rivals.size() == 1 && s.arena->rivals[0].step > 20 && s.arena->rivals[0].behind <= 2; }));
  for (int i = 0; i < 20; ++i) {
    const auto now = live.latest();
    EXPECT_LE(now->dream->step - now->arena->rivals[0].step, 8) << "nobody is left behind";
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  live.send(DreamControl{DreamControl::Do::pause});
  EXPECT_TRUE(comes([](const Snapshot& s) { return !s.dream->playing && s.arena->rivals[0].step == s.dream->step; }));
  live.send(SeatArena{});
  EXPECT_TRUE(comes([](const Snapshot& s) { return s.arena->rivals.empty(); }));
  const auto step = live.latest()->dream->step;
  live.send(DreamControl{DreamControl::Do::play});
  EXPECT_TRUE(comes([&](const Snapshot& s) { return s.dream->step != step; })) << "alone it goes on";
}

}  // namespace arena_test
}  // namespace dream
