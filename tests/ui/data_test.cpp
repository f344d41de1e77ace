// The Data panel: a dataset is opened, looked through and put in order.
#include "imgui_internal.h"
#include "tests/ui/flow.h"

namespace dream::ui {
namespace data_test {

class Data : public Flow {
 protected:
  static std::string in(const std::string& item) { return "//Data###data/**/" + item; }
  void show(ImGuiTestContext* ctx, const std::string& dataset = "data/CarRacing-by-hand") {
    window->ui().run("data");
    ctx->Yield(4);
    if (!dataset.empty()) window->ui().send(OpenDataset{dataset});
    ctx->Yield(4);
  }
  bool disabled(ImGuiTestContext* ctx, const std::string& item) {
    ctx->Yield(3);
    return (ctx->ItemInfo(in(item).c_str()).ItemFlags & ImGuiItemFlags_Disabled) != 0;
  }
  static std::string row(int episode) { return in("###episode_" + std::to_string(episode)); }
  const DataPanel& panel() { return window->ui().data; }
  float top_of(ImGuiTestContext* ctx, int episode) { return ctx->ItemInfo(row(episode).c_str()).RectFull.Min.y; }
};

TEST_F(Data, AnEmptyPanelSaysWhatCanBeOpenedAndOpensIt) {
  open("train");
  act([&](ImGuiTestContext* ctx) {
    show(ctx, "");
    ctx->ItemClick(in("###data\\/foreign").c_str());
    ASSERT_NE(engine.last<OpenDataset>(), nullptr);
    EXPECT_EQ(engine.last<OpenDataset>()->path, "data/foreign");
    ctx->ItemInputValue(in("##dataset").c_str(), "~/some data");
    EXPECT_EQ(engine.last<OpenDataset>()->path, "~/some data") << "Enter opens it";
    ctx->ItemInputValue(in("##dataset").c_str(), "missing");
    ctx->Yield(3);
    EXPECT_FALSE(window->ui().snapshot->data->wrong.empty());
    EXPECT_TRUE(window->ui().snapshot->fault.empty()) << "it is said in place";
  });
}

TEST_F(Data, AFolderThatIsDroppedOnItIsOpened) {
  open("train");
  const auto dataset = folder() / "set", run = folder() / "run";
  std::filesystem::create_directories(dataset);
  std::filesystem::create_directories(run / "checkpoint.safetensors");
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(4);
    window->drop({dataset.string()});
    EXPECT_EQ(engine.count<OpenDataset>(), 0) << "Who does not look at data dreams from it.";
    ASSERT_EQ(engine.count<OpenRun>(), 1);
    show(ctx, "");
    window->drop({dataset.string()});
    ASSERT_EQ(engine.count<OpenDataset>(), 1);
    EXPECT_EQ(engine.last<OpenDataset>()->path, dataset.string());
    ctx->Yield(4);
    window->drop({run.string()});
    EXPECT_EQ(engine.count<OpenDataset>(), 1) << "A run is none.";
    EXPECT_EQ(engine.count<OpenRun>(), 2);
  });
}

TEST_F(Data, EpisodesAreChosenByMouseAndKeys) {
  open("train");
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    EXPECT_EQ(panel().current, "episode_0") << "The first one is shown at once.";
    ctx->ItemClick(row(1).c_str());
    EXPECT_EQ(panel().selected, (std::set<std::string>{"episode_1"}));
    ASSERT_NE(engine.last<LookAtEpisode>(), nullptr);
    EXPECT_EQ(engine.last<LookAtEpisode>()->name, "episode_1");
    ctx->KeyDown(ImGuiMod_Shift);
    ctx->ItemClick(row(3).c_str());
    ctx->KeyUp(ImGuiMod_Shift);
    EXPECT_EQ(panel().selected, (std::set<std::string>{"episode_1", "episode_2", "episode_3"}));
    ctx->KeyDown(ImGuiMod_Ctrl);
    ctx->ItemClick(row(2).c_str());
    ctx->KeyUp(ImGuiMod_Ctrl);
    EXPECT_EQ(panel().selected, (std::set<std::string>{"episode_1", "episode_3"}));
    const int drives = engine.count<Drive>();
    ctx->KeyPress(ImGuiKey_DownArrow);
    ctx->Yield(2);
    EXPECT_EQ(panel().current, "episode_3");
    EXPECT_EQ(panel().selected, (std::set<std::string>{"episode_3"}));
    ctx->KeyPress(ImGuiMod_Shift | ImGuiKey_UpArrow);
    ctx->Yield(2);
    EXPECT_EQ(panel().selected, (std::set<std::string>{"episode_2", "episode_3"}));
    EXPECT_EQ(engine.count<Drive>(), drives) << "Nobody drives meanwhile.";
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_A);
    EXPECT_EQ(panel().selected.size(), 7u);
    ctx->KeyPress(ImGuiKey_Escape);
    EXPECT_TRUE(panel().selected.empty());
  });
}

TEST_F(Data, AreSortedByColumn) {
  open("train");
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    const auto names = [&] {
      std::string order;
      for (const auto i : panel().order) order += std::to_string(i);
      return order;
    };
    EXPECT_EQ(names(), "0123456");
    ctx->SetRef(ctx->WindowInfo("//Data###data/episodes").Window);
    ctx->ItemClick("**/return");
    ctx->Yield(2);
    std::vector<double> returns;
    for (const auto i : panel().order) returns.push_back((*window->ui().snapshot->data->episodes)[i].reward);
    EXPECT_TRUE(std::is_sorted(returns.rbegin(), returns.rend())) << "the best first";
    ctx->ItemClick("**/episode");
    ctx->Yield(2);
    EXPECT_EQ(names(), "0123456");
  });
}

TEST_F(Data, AnEpisodeIsScrubbed) {
  open("train");
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    ctx->ItemClick(row(0).c_str());
    ctx->Yield(2);
    const auto first = panel().frame;
    ASSERT_NE(first, nullptr);
    ctx->ItemInputValue(in("##step").c_str(), 40);
    ctx->Yield(2);
    EXPECT_EQ(panel().step, 40);
    EXPECT_NE(panel().frame->pixels, first->pixels);
    ctx->KeyPress(ImGuiKey_RightArrow);
    ctx->Yield(2);
    EXPECT_EQ(panel().step, 41);
    EXPECT_NEAR(panel().returns.back(), [&] {
      double sum = 0;
      for (const double r : engine.data().view.episode->rewards) sum += r;
      return sum;
    }(), 1e-9);
    ctx->ItemClick(row(3).c_str());
    ctx->Yield(2);
    EXPECT_EQ(panel().step, 0) << "another one begins at its beginning";
  });
}

TEST_F(Data, EpisodesAreHeldOutDeletedAndBroughtBack) {
  open("train");
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    for (const char* deed : {"###hold_out", "###delete", "###split", "###undo_data"}) EXPECT_TRUE(disabled(ctx, deed)) << deed;
    ctx->ItemClick(row(2).c_str());
    ctx->ItemClick(in("###hold_out").c_str());
    const EditData* edit = engine.last<EditData>();
    ASSERT_NE(edit, nullptr);
    EXPECT_EQ(edit->what, EditData::Do::hold_out);
    EXPECT_EQ(edit->episodes, std::vector<std::string>{"episode_2"});
    ctx->Yield(2);
    ctx->ItemClick(in("###hold_out").c_str());
    EXPECT_EQ(engine.last<EditData>()->what, EditData::Do::let_in) << "it is the other way round now";
    ctx->ItemClick(in("###delete").c_str());
    ctx->Yield(2);
    const int edits = engine.count<EditData>();
    ctx->ItemClick(in("###cancel").c_str());
    EXPECT_EQ(engine.count<EditData>(), edits) << "It asks first.";
    ctx->Yield(2);
    ctx->ItemClick(row(2).c_str());
    ctx->KeyPress(ImGuiKey_Delete);
    ctx->Yield(2);
    ctx->ItemClick(in("###delete_now").c_str());
    ASSERT_EQ(engine.last<EditData>()->what, EditData::Do::remove);
    ctx->Yield(3);
    EXPECT_EQ(window->ui().snapshot->data->episodes->size(), 6u);
    EXPECT_TRUE(panel().selected.empty()) << "names mean others now";
    ctx->ItemClick(in("###undo_data").c_str());
    EXPECT_EQ(engine.last<EditData>()->what, EditData::Do::undo);
    ctx->Yield(3);
    EXPECT_EQ(window->ui().snapshot->data->episodes->size(), 7u);
  });
}

TEST_F(Data, SplitAndMergeAskForAFolder) {
  open("train");
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    ctx->ItemClick(row(1).c_str());
    ctx->ItemClick(in("###split").c_str());
    ctx->Yield(2);
    ctx->ItemClick(in("###split_now").c_str());
    ASSERT_NE(engine.last<EditData>(), nullptr);
    EXPECT_EQ(engine.last<EditData>()->what, EditData::Do::split);
    EXPECT_EQ(engine.last<EditData>()->path, "data/CarRacing-by-hand-part") << "A free one is offered.";
    ctx->Yield(3);
    ctx->ItemClick(in("###merge").c_str());
    ctx->Yield(2);
    ctx->SetRef(ctx->WindowInfo("//Data###data/deeds").Window);
    ctx->ItemInputValue("##dataset", "data/other");
    EXPECT_EQ(engine.last<EditData>()->what, EditData::Do::merge);
    EXPECT_EQ(engine.last<EditData>()->path, "data/other");
    EXPECT_TRUE(engine.last<EditData>()->episodes.empty());
  });
}

TEST_F(Data, AnotherProgramsIsLabelledAndCopiedAlone) {
  open("train");
  act([&](ImGuiTestContext* ctx) {
    show(ctx, "data/foreign");
    ctx->ItemClick(row(1).c_str());
    EXPECT_TRUE(disabled(ctx, "###delete"));
    EXPECT_TRUE(disabled(ctx, "###merge"));
    EXPECT_FALSE(disabled(ctx, "###hold_out"));
    EXPECT_FALSE(disabled(ctx, "###split"));
    engine.data().view.doing = "splits the dataset";
    ctx->Yield(3);
    EXPECT_TRUE(disabled(ctx, "###split")) << "one after the other";
    ctx->ItemClick(in("###cancel_data").c_str());
    EXPECT_EQ(engine.count<CancelData>(), 1);
  });
}

TEST_F(Data, ThousandsOfEpisodesAreDrawnAsFewAsAreSeen) {
  engine.data().count = 5000;
  open("train");
  act([&](ImGuiTestContext* ctx) {
    show(ctx);
    EXPECT_LT(window->ui().textures.uploads(), 200);
    ctx->ItemClick(row(0).c_str());
    ctx->KeyPress(ImGuiKey_End);
    ctx->Yield(4);
    EXPECT_EQ(panel().current, "episode_4999");
    EXPECT_TRUE(ctx->ItemExists(row(4999).c_str())) << "It is scrolled to.";
    EXPECT_FALSE(ctx->ItemExists(row(9).c_str()));
  });
}

TEST_F(Data, ThePaletteFindsIt) {
  open("play");
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_P);
    ctx->Yield(3);
    ctx->KeyCharsAppend("look through a dataset");
    ctx->Yield(3);
    ctx->KeyPress(ImGuiKey_Enter);
    ctx->Yield(4);
    EXPECT_GE(panel().shown_at, ImGui::GetFrameCount() - 2);
  });
}

}  // namespace data_test
}  // namespace dream::ui
