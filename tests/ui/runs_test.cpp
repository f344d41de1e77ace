// The Runs panel: the list, what can be done with a run, the form of a new run, the queue.
#include "imgui_internal.h"
#include "tests/ui/flow.h"

namespace dream::ui {
namespace runs_test {

using View = RunsPanel::View;

class Runs : public Flow {
 protected:
  static constexpr const char* panel = "//Runs###runs/**/";
  static std::string in(const std::string& item) { return panel + item; }
  void show(ImGuiTestContext* ctx, View view = View::list) {
    window->ui().want_panel = "runs";
    window->ui().runs.view = view;
    ctx->Yield(4);
  }
  void select(ImGuiTestContext* ctx, const std::string& path) {
    std::string id = "###" + path;
    for (std::size_t at = 0; (at = id.find('/', at)) != std::string::npos; at += 2) id.insert(at, "\\");
    ctx->ItemClick(in(id).c_str());
    ctx->Yield(2);
  }
  bool disabled(ImGuiTestContext* ctx, const std::string& item) {
    ctx->Yield(3);
    return (ctx->ItemInfo(in(item).c_str()).ItemFlags & ImGuiItemFlags_Disabled) != 0;
  }
  float height_of(ImGuiTestContext* ctx, const std::string& path) {
    std::string id = "###" + path;
    for (std::size_t at = 0; (at = id.find('/', at)) != std::string::npos; at += 2) id.insert(at, "\\");
    return ctx->ItemInfo(in(id).c_str()).RectFull.Min.y;
  }
  RunView& run(const std::string& path) {
    for (RunView& each : engine.runs())
      if (each.path == path) return each;
    throw std::out_of_range(path);
  }
  RunView made(const std::string& path, const std::string& world, double score) {
    RunView view{path, path, "dreamer-v3", world, "score", true};
    view.name = path.substr(path.rfind('/') + 1);
    view.model = "Dreamer V3";
    view.score = {true, score, 1, "over 9 unseen episodes"};
    return view;
  }
  void rest() {  // nothing is being trained
    engine.train().busy = false;
    engine.tick();
  }
};

TEST_F(Runs, OneClickSelectsTwoOrEnterDream) {
  open();
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    select(ctx, "runs/car");
    EXPECT_EQ(engine.count<OpenRun>(), 0);
    EXPECT_EQ(window->ui().runs.selected, "runs/car");
    ctx->KeyPress(ImGuiKey_Enter);
    ctx->Yield(2);
    ASSERT_EQ(engine.count<OpenRun>(), 1);
    EXPECT_EQ(engine.last<OpenRun>()->path, "runs/car");
    ctx->ItemDoubleClick(in("###assets\\/car").c_str());
    ASSERT_EQ(engine.count<OpenRun>(), 2);
    EXPECT_EQ(engine.last<OpenRun>()->path, "assets/car");
    ctx->ItemDoubleClick(in("###runs\\/old").c_str());
    EXPECT_EQ(engine.count<OpenRun>(), 2) << "It is damaged.";
    EXPECT_TRUE(disabled(ctx, "###dream"));
    EXPECT_EQ(engine.count<StartRun>() + engine.count<TrainRun>(), 0);
  });
}

TEST_F(Runs, OpenByPathOrDrop) {
  open();
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    ctx->ItemInputValue(in("##path").c_str(), "elsewhere/run");
    ctx->ItemClick(in("open").c_str());
    ASSERT_NE(engine.last<OpenRun>(), nullptr);
    EXPECT_EQ(engine.last<OpenRun>()->path, "elsewhere/run");
    ctx->ItemClick(in("rescan").c_str());
    EXPECT_EQ(engine.count<RescanRuns>(), 1);
    window->drop({"dropped/run"});
    EXPECT_EQ(engine.last<OpenRun>()->path, "dropped/run");
  });
}

TEST_F(Runs, AreSortedByColumnAndScoresWithinTheirWorld) {
  engine.runs() = {made("runs/a", "Pendulum", -200), made("runs/b", "Catch", 0.5), made("runs/c", "Pendulum", -100),
                   made("runs/d", "Catch", 1)};
  engine.runs().front().bytes = 9e9;
  engine.tick();
  open();
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    window->ui().views.clear();
    const auto order = [&] {
      ctx->Yield(3);
      std::string names = "abcd";
      std::sort(names.begin(), names.end(), [&](char x, char y) {
        return height_of(ctx, std::string("runs/") + x) < height_of(ctx, std::string("runs/") + y);
      });
      return names;
    };
    ctx->SetRef(ctx->WindowInfo("//Runs###runs/runs").Window);
    EXPECT_EQ(order(), "abcd") << "as they are found";
    ctx->ItemClick("**/score");
    EXPECT_EQ(order(), "dbca") << "the best first, world by world";
    ctx->ItemClick("**/size");
    EXPECT_EQ(order().front(), 'a');
    ctx->ItemClick("**/world");
    EXPECT_EQ(order(), "bdac");
  });
}

TEST_F(Runs, TheFilterLooksIntoEveryColumn) {
  engine.runs().push_back(made("runs/falls", "Catch", 0.5));
  engine.tick();
  open();
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    const auto shown = [&](const char* words) {
      ctx->ItemInputValue(in("##filter").c_str(), words);
      ctx->Yield(3);
      std::string found;
      for (const char* each : {"assets\\/car", "runs\\/car", "runs\\/old", "runs\\/falls"})
        found += ctx->ItemExists(in(std::string("###") + each).c_str()) ? '1' : '0';
      return found;
    };
    EXPECT_EQ(shown("catch"), "0001") << "world";
    EXPECT_EQ(shown("v-m-c"), "1110") << "model";
    EXPECT_EQ(shown("861"), "1000") << "score";
    EXPECT_EQ(shown("shipped"), "1000") << "badge";
    EXPECT_EQ(shown("carracing runs"), "0110") << "every word";
    EXPECT_EQ(shown("training"), "0100") << "what is trained now";
    EXPECT_EQ(shown("nothing like it"), "0000");
  });
}

TEST_F(Runs, AreRenamedDuplicatedDeletedAndBroughtBack) {
  rest();
  open();
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    select(ctx, "runs/car");
    ctx->ItemClick(in("###rename").c_str());
    ctx->ItemInputValue(in("##name").c_str(), "old");
    EXPECT_EQ(engine.count<RenameRun>(), 0) << "There is one of this name.";
    EXPECT_TRUE(disabled(ctx, "###rename_now"));
    ctx->ItemInputValue(in("##name").c_str(), "new");
    ASSERT_EQ(engine.count<RenameRun>(), 1) << "Enter will do.";
    EXPECT_EQ(engine.last<RenameRun>()->path, "runs/car");
    EXPECT_EQ(engine.last<RenameRun>()->name, "new");
    select(ctx, "runs/car");
    const int driven = engine.count<SetPilot>(), opened = engine.count<OpenRun>();
    ctx->ItemClick(in("###rename").c_str());
    ctx->Yield(3);
    ctx->KeyChars("reed");
    ctx->KeyPress(ImGuiKey_Enter);
    ctx->Yield(2);
    ASSERT_EQ(engine.count<RenameRun>(), 2) << "The field has the focus, its text is chosen.";
    EXPECT_EQ(engine.last<RenameRun>()->name, "reed");
    EXPECT_EQ(engine.count<SetPilot>(), driven) << "and its letters are no shortcuts";
    EXPECT_EQ(engine.count<OpenRun>(), opened);
    select(ctx, "runs/car");
    ctx->ItemClick(in("###rename").c_str());
    ctx->Yield(3);
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(3);
    EXPECT_FALSE(ctx->ItemExists(in("##name").c_str())) << "Esc asks no more.";
    ctx->ItemClick(in("###duplicate").c_str());
    ctx->ItemClick(in("###duplicate_now").c_str());
    ASSERT_EQ(engine.count<DuplicateRun>(), 1);
    EXPECT_EQ(engine.last<DuplicateRun>()->name, "car-copy");
    ctx->ItemClick(in("###delete").c_str());
    EXPECT_EQ(engine.count<DeleteRun>(), 0) << "It asks first.";
    ctx->ItemClick(in("###cancel").c_str());
    ctx->Yield(2);
    ctx->ItemClick(in("###delete").c_str());
    ctx->ItemClick(in("###delete_now").c_str());
    ctx->Yield(3);
    ASSERT_EQ(engine.count<DeleteRun>(), 1);
    EXPECT_FALSE(ctx->ItemExists(in("###runs\\/car").c_str()));
    ctx->ItemClick(in("###restore").c_str());
    ASSERT_EQ(engine.count<RestoreRun>(), 1);
    EXPECT_EQ(engine.last<RestoreRun>()->kept, "runs/.deleted/car");
  });
}

TEST_F(Runs, WhatIsShippedOrTrainedIsLeftAlone) {
  open();
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    select(ctx, "assets/car");
    EXPECT_TRUE(disabled(ctx, "###rename"));
    EXPECT_TRUE(disabled(ctx, "###delete"));
    EXPECT_FALSE(disabled(ctx, "###duplicate"));
    select(ctx, "runs/car");  // it is being trained
    for (const char* deed : {"###rename", "###delete", "###duplicate", "###train_this"})
      EXPECT_TRUE(disabled(ctx, deed)) << deed;
    engine.train().busy = false;
    EXPECT_FALSE(disabled(ctx, "###rename"));
    run("runs/car").trained_by = "process 7 on alpha";
    for (const char* deed : {"###rename", "###delete", "###duplicate", "###train_this"})
      EXPECT_TRUE(disabled(ctx, deed)) << deed << " while another program trains it";
    EXPECT_FALSE(disabled(ctx, "###dream"));
  });
}

TEST_F(Runs, TrainingAShippedOneCopiesItFirst) {
  rest();
  open();
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    select(ctx, "assets/car");
    ctx->ItemClick(in("###train_this").c_str());
    EXPECT_EQ(engine.count<TrainRun>(), 0) << "It asks first.";
    ctx->Yield(2);
    ctx->ItemClick(in("###train_copy").c_str());
    ASSERT_EQ(engine.count<TrainRun>(), 1);
    EXPECT_EQ(engine.last<TrainRun>()->path, "assets/car");
    EXPECT_EQ(engine.last<TrainRun>()->copy, "car-2") << "runs/car is there already";
    EXPECT_FALSE(engine.last<TrainRun>()->stop_training);
    select(ctx, "runs/car");
    ctx->ItemClick(in("###train_this").c_str());
    ASSERT_EQ(engine.count<TrainRun>(), 2) << "One's own needs no question.";
    EXPECT_EQ(engine.last<TrainRun>()->copy, "");
  });
}

TEST_F(Runs, TrainingAnotherAsksWhileOneIsTrained) {
  engine.runs().push_back(made("runs/falls", "Catch", 0.5));
  engine.tick();
  open();
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    select(ctx, "runs/falls");
    const auto answer = [&](const char* with) {
      ctx->ItemClick(in("###train_this").c_str());
      ctx->Yield(2);
      ctx->ItemClick(in(with).c_str());
      ctx->Yield(2);
    };
    answer("###keep_training");
    EXPECT_EQ(engine.count<TrainRun>(), 0);
    answer("###after");
    ASSERT_EQ(engine.count<TrainRun>(), 1);
    EXPECT_TRUE(engine.last<TrainRun>()->queued && !engine.last<TrainRun>()->stop_training);
    answer("###stop_first");
    ASSERT_EQ(engine.count<TrainRun>(), 2);
    EXPECT_TRUE(engine.last<TrainRun>()->stop_training && !engine.last<TrainRun>()->queued);
  });
}

TEST_F(Runs, AnyWorldsNameMayBeTyped) {
  rest();
  open();
  act([&](ImGuiTestContext* ctx) {
    window->ui().run("new_run");
    ctx->Yield(5);
    ctx->SetRef(ctx->WindowInfo("//Runs###runs/new").Window);
    ctx->ItemClick("##environment");
    ctx->Yield(2);
    ctx->ItemClick("//$FOCUSED/##typed");
    ctx->KeyCharsReplaceEnter("gym:CartPole-v1");
    ctx->Yield(5);
    EXPECT_EQ(window->ui().settings.new_run.environment, "gym:CartPole-v1") << "and no list takes it away";
    const DescribeRun* asked = engine.last<DescribeRun>();
    ASSERT_NE(asked, nullptr);
    EXPECT_EQ(asked->environment, "gym:CartPole-v1");
  });
}

TEST_F(Runs, ARecipeOfOneWorldBringsIt) {
  rest();
  engine.train().recipes.push_back({"vmc-doom", "The same for Doom.", "gym:Doom-v1[crop=20:220]"});
  open();
  act([&](ImGuiTestContext* ctx) {
    window->ui().run("new_run");
    ctx->Yield(5);
    ctx->SetRef(ctx->WindowInfo("//Runs###runs/new").Window);
    ctx->ComboClick("##environment/Other");
    ctx->ComboClick("##recipe/vmc");
    EXPECT_EQ(window->ui().settings.new_run.environment, "Other") << "it serves many";
    ctx->ComboClick("##recipe/vmc-doom");
    ctx->Yield(5);
    EXPECT_EQ(window->ui().settings.new_run.environment, "gym:Doom-v1[crop=20:220]");
    ASSERT_NE(engine.last<DescribeRun>(), nullptr);
    EXPECT_EQ(engine.last<DescribeRun>()->environment, "gym:Doom-v1[crop=20:220]");
    ctx->ComboClick("##environment/CarRacing");
    ctx->Yield(3);
    EXPECT_EQ(window->ui().settings.new_run.environment, "CarRacing") << "another may be chosen all the same";
  });
}

TEST_F(Runs, ANewRunIsStartedFromTheForm) {
  rest();
  open();
  act([&](ImGuiTestContext* ctx) {
    window->ui().run("new_run");
    ctx->Yield(5);
    EXPECT_EQ(window->ui().runs.directory, "runs/free") << "A free folder is offered.";
    ctx->ItemInputValue(in("##directory").c_str(), "runs/second");
    ctx->SetRef(ctx->WindowInfo("//Runs###runs/new").Window);
    ctx->ComboClick("##environment/Other");
    ctx->ItemInputValue(in("##setting").c_str(), "m.reward_head=false");
    EXPECT_EQ(window->ui().texts["new/setting"], "") << "It is given, and the next one can be typed.";
    ctx->ItemInputValue(in("##setting").c_str(), "epochs");
    ctx->ItemInputValue(in("v.epochs/##value").c_str(), "3");
    ctx->Yield(3);
    ctx->ItemClick(in("###start").c_str());
    const StartRun* start = engine.last<StartRun>();
    ASSERT_NE(start, nullptr);
    EXPECT_EQ(start->recipe, "vmc");
    EXPECT_EQ(start->environment, "Other");
    EXPECT_EQ(start->directory, "runs/second");
    EXPECT_EQ(start->settings, (std::vector<std::string>{"m.reward_head=false", "v.epochs=3"}));
    EXPECT_FALSE(start->stop_training || start->queued);
  });
}

TEST_F(Runs, SettingsOfANewRunAreFoundByTheirMeaningAndTakenBack) {
  rest();
  open();
  act([&](ImGuiTestContext* ctx) {
    show(ctx, View::form);
    const auto there = [&](const char* key) {
      ctx->Yield(2);
      return ctx->ItemExists(in(std::string(key) + "/##value").c_str());
    };
    ctx->ItemInputValue(in("##setting").c_str(), "passes");
    EXPECT_TRUE(there("v.epochs"));
    EXPECT_FALSE(there("v.batch"));
    ctx->ItemInputValue(in("v.epochs/##value").c_str(), "4");
    EXPECT_EQ(window->ui().settings.new_run.settings, std::vector<std::string>{"v.epochs=4"});
    ctx->ItemClick(in("v.epochs/###take_back").c_str());
    EXPECT_TRUE(window->ui().settings.new_run.settings.empty());
  });
}

TEST_F(Runs, WhatIsWrongIsSaidBeforeARunIsOpened) {
  rest();
  open();
  act([&](ImGuiTestContext* ctx) {
    show(ctx, View::form);
    EXPECT_FALSE(disabled(ctx, "###start"));
    ctx->ItemInputValue(in("##directory").c_str(), "runs/./car/");
    EXPECT_TRUE(disabled(ctx, "###start")) << "It holds a run.";
    ctx->ItemInputValue(in("##directory").c_str(), "runs/car2");
    EXPECT_FALSE(disabled(ctx, "###start"));
    ctx->ItemInputValue(in("##setting").c_str(), "v.nonsense=1");
    EXPECT_TRUE(disabled(ctx, "###start"));
    ASSERT_NE(engine.last<DescribeRun>(), nullptr);
    EXPECT_EQ(engine.last<DescribeRun>()->settings, std::vector<std::string>{"v.nonsense=1"});
    ctx->ItemClick(in("v.nonsense/###take_back").c_str());
    EXPECT_FALSE(disabled(ctx, "###start"));
    const int asked = engine.count<DescribeRun>();
    ctx->Yield(10);
    EXPECT_EQ(engine.count<DescribeRun>(), asked) << "Asked only when the form changes.";
  });
}

TEST_F(Runs, ANewRunTakesTheSettingsOfAnother) {
  rest();
  open();
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    select(ctx, "assets/car");
    ctx->ItemClick(in("###like_this").c_str());
    ctx->Yield(5);
    EXPECT_EQ(window->ui().runs.view, View::form);
    EXPECT_EQ(window->ui().settings.new_run.environment, "Other");
    EXPECT_EQ(window->ui().settings.new_run.settings, std::vector<std::string>{"v.epochs=3"});
    EXPECT_EQ(window->ui().runs.directory, "runs/free");
    EXPECT_FALSE(disabled(ctx, "###start"));
  });
}

TEST_F(Runs, ANewRunAsksBeforeItStopsTheOneThatIsTrained) {
  open();
  act([&](ImGuiTestContext* ctx) {
    const auto answer = [&](const char* with) {
      show(ctx, View::form);
      ctx->ItemInputValue(in("##directory").c_str(), "runs/second");
      ctx->ItemClick(in("###start").c_str());
      ctx->Yield(2);
      ctx->ItemClick(in(with).c_str());
      ctx->Yield(2);
    };
    answer("###keep_training");
    EXPECT_EQ(engine.count<StartRun>(), 0) << "runs/car is being trained.";
    answer("###stop_first");
    ASSERT_EQ(engine.count<StartRun>(), 1);
    EXPECT_EQ(engine.last<StartRun>()->directory, "runs/second");
    EXPECT_TRUE(engine.last<StartRun>()->stop_training) << "else the engine refuses it";
    answer("###after");
    ASSERT_EQ(engine.count<StartRun>(), 2);
    EXPECT_TRUE(engine.last<StartRun>()->queued && !engine.last<StartRun>()->stop_training);
    EXPECT_EQ(window->ui().runs.view, View::queue);
  });
}

TEST_F(Runs, TheQueueIsListedAndChanged) {
  engine.train().queue = {{4, "runs/second", "vmc", "CarRacing"}, {9, "runs/third", "", ""}};
  engine.tick();
  open();
  act([&](ImGuiTestContext* ctx) {
    show(ctx, View::queue);
    EXPECT_TRUE(disabled(ctx, "$$9/###start_queued")) << "runs/car is being trained.";
    ctx->ItemClick(in("$$9/###remove_queued").c_str());
    ASSERT_EQ(engine.count<QueueControl>(), 1);
    EXPECT_EQ(engine.last<QueueControl>()->id, 9);
    EXPECT_EQ(engine.last<QueueControl>()->what, QueueControl::Do::remove);
    engine.train().busy = false;
    ctx->Yield(3);
    ctx->ItemClick(in("$$4/###start_queued").c_str());
    EXPECT_EQ(engine.last<QueueControl>()->id, 4);
    EXPECT_EQ(engine.last<QueueControl>()->what, QueueControl::Do::start);
  });
}

TEST_F(Runs, TheFormIsRememberedBetweenLaunches) {
  rest();
  const auto home = folder();
  open("play", home);
  act([&](ImGuiTestContext* ctx) {
    show(ctx, View::form);
    ctx->SetRef(ctx->WindowInfo("//Runs###runs/new").Window);
    ctx->ComboClick("##environment/Other");
    ctx->ItemInputValue(in("##setting").c_str(), "v.epochs=7");
  });
  close();
  open("play", home);
  EXPECT_EQ(window->ui().settings.new_run.environment, "Other");
  EXPECT_EQ(window->ui().settings.new_run.settings, std::vector<std::string>{"v.epochs=7"});
}

TEST_F(Runs, ACopyUnderWayCanBeStopped) {
  engine.run_files().copying = "runs/car to runs/car-copy";
  engine.run_files().progress = 0.4;
  engine.tick();
  open();
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    ctx->ItemClick(in("###cancel_copy").c_str());
    EXPECT_EQ(engine.count<CancelCopy>(), 1);
  });
}

}  // namespace runs_test
}  // namespace dream::ui
