// Curves as a user reads them: their own axes, what lies under the mouse, other runs over them, and what is kept.
#include "ui/plots.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "tests/ui/flow.h"
#include "tests/ui/offscreen.h"
#include "ui/curve_files.h"
#include "ui/plot_data.h"

namespace dream::ui {
namespace plots_test {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

TEST(PlotData, EveryColumnKeepsItsLeastAndItsGreatest) {
  std::vector<double> x, y, out_x, out_y;
  for (int i = 0; i < 300000; ++i) x.push_back(i), y.push_back(i == 77777 ? 1000.0 : i == 33333 ? -1000.0 : 0.0);
  y[5] = nan;
  pick_points(x, y, {0, 299999, 250, false}, out_x, out_y);
  EXPECT_LE(out_x.size(), 502u);
  EXPECT_GE(out_x.size(), 250u);
  EXPECT_EQ(*std::max_element(out_y.begin(), out_y.end()), 1000);
  EXPECT_EQ(*std::min_element(out_y.begin(), out_y.end()), -1000);
  EXPECT_TRUE(std::is_sorted(out_x.begin(), out_x.end()));
  pick_points(x, y, {1000, 1010, 250, false}, out_x, out_y);
  EXPECT_EQ(out_x.front(), 999) << "what is zoomed into is whole, with one point beyond either end";
  EXPECT_EQ(out_x.back(), 1011);
  EXPECT_EQ(out_x.size(), 13u);
  pick_points(x, y, {1, 299999, 250, true}, out_x, out_y);
  EXPECT_EQ(out_x[0], 0);
  EXPECT_EQ(std::count_if(out_x.begin(), out_x.end(), [](double at) { return at > 0 && at < 9; }), 7)
      << "logarithmic columns: the first points stand alone, but 0 shares one with 1";
  EXPECT_EQ(std::ranges::count_if(out_y, [](double value) { return std::isnan(value); }), 1) << "5 is a gap";
  std::fill(y.begin() + 100000, y.begin() + 150000, nan);
  pick_points(x, y, {0, 299999, 250, false}, out_x, out_y);
  EXPECT_GT(std::ranges::count_if(out_y, [](double value) { return std::isnan(value); }), 35) << "no line goes over a sixth that is not there";
  pick_points({1, 2, 3}, {4, 5}, {0, 9, 100, false}, out_x, out_y);
  EXPECT_EQ(out_x.size(), 2u) << "Unequal lengths: the shorter counts.";
  pick_points({}, {}, {0, 1, 100, false}, out_x, out_y);
  EXPECT_TRUE(out_x.empty());
}

TEST(PlotData, ARunningMeanBeginsAtTheFirstValueAndPassesOverWhatIsNoNumber) {
  std::vector<double> out;
  smooth({4, 4, nan, 8}, 0.5, out);
  EXPECT_DOUBLE_EQ(out[0], 4);
  EXPECT_DOUBLE_EQ(out[1], 4);
  EXPECT_DOUBLE_EQ(out[2], 4);
  EXPECT_DOUBLE_EQ(out[3], (0.125 * 4 + 0.25 * 4 + 0.5 * 8) / 0.875);
  smooth({3, 1, 2}, 0, out);
  EXPECT_EQ(out, (std::vector<double>{3, 1, 2}));
}

TEST(PlotData, AValueIsTakenBetweenItsNeighboursAndNotBeyondTheEnds) {
  EXPECT_DOUBLE_EQ(value_at({0, 10, 20}, {1, 2, 6}, 15), 4);
  EXPECT_DOUBLE_EQ(value_at({0, 10, 20}, {1, 2, 6}, 20), 6);
  EXPECT_TRUE(std::isnan(value_at({0, 10, 20}, {1, 2, 6}, 21)));
  EXPECT_TRUE(std::isnan(value_at({0, 10, 20}, {1, 2, 6}, -1)));
  EXPECT_TRUE(std::isnan(value_at({}, {}, 0)));
}

TEST(PlotData, ATableHoldsEveryLine) {
  CurveView curve;
  curve.name = "v/kl", curve.unit = "nats, per frame", curve.x_unit = "step";
  curve.x = {0, 10}, curve.y = {4, 8};
  curve.reference_x = {0}, curve.reference_y = {3};
  curve.others = {{"runs/a \"b\"", {5}, {0.125}}};
  EXPECT_EQ(csv_of("runs/car", curve, 0.5),
            "run,step,\"v/kl [nats, per frame]\",smoothed\r\n"
            "runs/car,0,4,4\r\n"
            "runs/car,10,8,6.66666666667\r\n"
            "shipped run,0,3,\r\n"
            "\"runs/a \"\"b\"\"\",5,0.125,\r\n");
}

/// WCAG's contrast of two colours.
double contrast(const std::uint8_t* a, const std::uint8_t* b) {
  const auto luminance = [](const std::uint8_t* rgb) {
    double sum = 0;
    const double weights[] = {0.2126, 0.7152, 0.0722};
    for (int c = 0; c < 3; ++c) {
      const double v = rgb[c] / 255.0;
      sum += weights[c] * (v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4));
    }
    return sum;
  };
  const double x = luminance(a), y = luminance(b);
  return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

TEST(PlotPictures, TheReferenceStandsOutFromItsGroundInBothThemes) {
  for (const bool dark : {true, false}) {
    Offscreen screen(200, 120, dark);
    const std::vector<double> none, x{0, 100}, y{1, 3};
    const Image drawn = screen.draw([&](Ui& ui) {
      CurveLook look;
      look.reference_x = &x, look.reference_y = &y;
      draw_curve(ui, "plot", none, none, ImGui::GetContentRegionAvail(), look);
    });
    const auto pixel = [&](int column, int row) {
      return &drawn.pixels[static_cast<std::size_t>((row * drawn.width + column) * 3)];
    };
    double most = 0;
    for (int row = 10; row < 110; ++row) most = std::max(most, contrast(pixel(100, row), pixel(100, 12)));
    EXPECT_GE(most, 3) << (dark ? "dark" : "light");
  }
}

class Plots : public Flow {
 protected:
  void SetUp() override {
    open("train");
    act([&](ImGuiTestContext* ctx) { ctx->Yield(4); });
  }
  bool is_there(ImGuiTestContext* ctx, const char* curve) {
    ctx->SetRef(ctx->WindowInfo("//Curves###curves/curves").Window);
    return ctx->ItemExists((std::string(curve) + "/##plot").c_str());
  }
  ImRect plot(ImGuiTestContext* ctx, const char* curve) {
    EXPECT_TRUE(is_there(ctx, curve)) << curve;
    return ctx->ItemInfo((std::string(curve) + "/##plot").c_str()).RectFull;
  }
  PlotState& state(const char* curve) { return window->ui().plots[curve]; }
  void choose(ImGuiTestContext* ctx, const char* curve, const char* item) {
    ctx->MouseMoveToPos(plot(ctx, curve).GetCenter());
    ctx->MouseClick(ImGuiMouseButton_Right);
    ctx->Yield(2);
    ctx->ItemClick((std::string("//$FOCUSED/") + item).c_str());
    ctx->Yield(5);
  }
};

TEST_F(Plots, TheAxesFollowOnesOwnRunAndNotTheShippedOne) {
  const CurveView& nll = engine.train().curves[2];  // 60 of the shipped run's 400 points
  EXPECT_DOUBLE_EQ(state("m/nll").x[1], nll.x.back());
  EXPECT_LT(state("m/nll").x[1], nll.reference_x.back() / 4);
  EXPECT_GT(state("m/nll").y[0], 1.05) << "the shipped run goes down to 0.9";
  EXPECT_DOUBLE_EQ(state("c/best").x[1], engine.train().curves[3].reference_x.back()) << "it has no point of its own";
  act([&](ImGuiTestContext* ctx) {
    CurveView& growing = engine.train().curves[2];
    growing.x.push_back(growing.x.back() + 500), growing.y.push_back(growing.y.back());
    ctx->Yield(3);
    EXPECT_DOUBLE_EQ(state("m/nll").x[1], growing.x.back());
  });
}

TEST_F(Plots, WheelDragAndDoubleClickZoomMoveAndFit) {
  act([&](ImGuiTestContext* ctx) {
    const PlotState before = state("v/kl");
    ctx->MouseMoveToPos(plot(ctx, "v\\/kl").GetCenter());
    ctx->MouseWheelY(2);
    ctx->Yield(3);
    const PlotState zoomed = state("v/kl");
    EXPECT_FALSE(zoomed.follow);
    EXPECT_LT(zoomed.x[1] - zoomed.x[0], 0.95 * (before.x[1] - before.x[0]));
    EXPECT_LT(zoomed.y[1] - zoomed.y[0], 0.95 * (before.y[1] - before.y[0]));
    EXPECT_EQ(state("m/nll").follow, true) << "its neighbour stays";
    const ImVec2 middle = plot(ctx, "v\\/kl").GetCenter();
    ctx->MouseDown();
    ctx->MouseMoveToPos({middle.x - 40, middle.y});
    ctx->MouseUp();
    ctx->Yield(2);
    EXPECT_GT(state("v/kl").x[0], zoomed.x[0]);
    EXPECT_NEAR(state("v/kl").x[1] - state("v/kl").x[0], zoomed.x[1] - zoomed.x[0], 1e-6);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_1);
    ctx->Yield(4);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_2);
    ctx->Yield(4);
    EXPECT_GT(state("v/kl").x[0], zoomed.x[0]) << "it is remembered";
    ctx->MouseMoveToPos(plot(ctx, "v\\/kl").GetCenter());
    ctx->MouseDoubleClick();
    ctx->Yield(3);
    EXPECT_TRUE(state("v/kl").follow);
    EXPECT_DOUBLE_EQ(state("v/kl").x[1], before.x[1]);
  });
}

TEST_F(Plots, ControlsHoldForAllCurvesAndTheMenuForOne) {
  act([&](ImGuiTestContext* ctx) {
    ctx->ItemInputValue("//Curves###curves/##smoothing", 0.5f);
    ctx->Yield(2);
    for (const char* name : {"v/kl", "m/nll", "c/best"}) EXPECT_NEAR(state(name).smoothing, 0.5, 1e-6) << name;
    ctx->ItemClick("//Curves###curves/shipped run");
    ctx->Yield(2);
    EXPECT_FALSE(state("v/kl").reference);
    choose(ctx, "v\\/kl", "shipped run");
    EXPECT_TRUE(state("v/kl").reference);
    EXPECT_FALSE(state("m/nll").reference);
    choose(ctx, "v\\/kl", "logarithmic y");
    EXPECT_EQ(state("v/kl").log_y, 1);
    choose(ctx, "v\\/kl", "logarithmic x");
    EXPECT_GT(state("v/kl").x[0], 0) << "0 has no place on a logarithmic axis";
    engine.train().curves[2].y[3] = -1;
    ctx->Yield(2);
    ctx->MouseMoveToPos(plot(ctx, "m\\/nll").GetCenter());
    ctx->MouseClick(ImGuiMouseButton_Right);
    ctx->Yield(2);
    EXPECT_TRUE(ctx->ItemInfo("//$FOCUSED/logarithmic y").ItemFlags & ImGuiItemFlags_Disabled);
    EXPECT_NE(why_no_log(engine.train().curves[2].y).find("-1.000"), std::string::npos);
    ctx->PopupCloseAll();
  });
}

TEST_F(Plots, OtherRunsAreChosenAndLaidOver) {
  act([&](ImGuiTestContext* ctx) {
    ctx->ItemClick("//Curves###curves/###compare");
    ctx->Yield(2);
    ctx->ItemClick("//$FOCUSED/assets\\/car##assets\\/car");
    ctx->Yield(2);
    ASSERT_NE(engine.last<CompareCurves>(), nullptr);
    EXPECT_EQ(engine.last<CompareCurves>()->runs, std::vector<std::string>{"assets/car"});
    EXPECT_FALSE(ctx->ItemExists("//$FOCUSED/runs\\/car##runs\\/car")) << "not with itself";
    ctx->ItemClick("//$FOCUSED/assets\\/car##assets\\/car");
    ctx->Yield(2);
    EXPECT_TRUE(engine.last<CompareCurves>()->runs.empty());
    ctx->PopupCloseAll();
  });
}

TEST_F(Plots, ACurveIsSavedAsATableAndAsAPictureWithoutReplacingAnything) {
  const std::filesystem::path home = folder();
  const char* before = std::getenv("HOME");
  const std::string home_before = before ? before : "";
  setenv("HOME", home.c_str(), 1);
  std::filesystem::create_directory(home / "Pictures");
  act([&](ImGuiTestContext* ctx) {
    choose(ctx, "v\\/kl", "save as CSV");
    choose(ctx, "v\\/kl", "save as CSV");
    choose(ctx, "v\\/kl", "save as PNG");
    ctx->Yield(5);
  });
  setenv("HOME", home_before.c_str(), 1);
  int tables = 0, pictures = 0;
  for (const auto& entry : std::filesystem::directory_iterator(home / "Pictures")) {
    EXPECT_NE(entry.path().string().find("v-kl"), std::string::npos);
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    if (entry.path().extension() == ".csv") {
      ++tables;
      EXPECT_EQ(bytes, csv_of("runs/car", engine.train().curves[1], PlotState().smoothing));
    } else {
      ++pictures;
      EXPECT_EQ(bytes.substr(1, 3), "PNG");
      EXPECT_GT(bytes.size(), 1000u);
    }
  }
  EXPECT_EQ(tables, 2);
  EXPECT_EQ(pictures, 1);
  ASSERT_EQ(window->ui().notes.size(), 3u);
  for (const LogLine& note : window->ui().notes)
    EXPECT_NE(note.text.find((home / "Pictures").string()), std::string::npos) << note.text;
}

TEST_F(Plots, WhatHasNoPointLeavesItsPlaceAndAFreshRunSaysWhatCanBeDone) {
  act([&](ImGuiTestContext* ctx) {
    const float shared = plot(ctx, "v\\/kl").GetHeight();
    CurveView& best = engine.train().curves[3];
    best.reference_x.clear(), best.reference_y.clear();
    engine.train().curves[2] = best;
    ctx->Yield(3);
    EXPECT_FALSE(is_there(ctx, "c\\/best"));
    EXPECT_GT(plot(ctx, "v\\/kl").GetHeight(), 1.5f * shared);
    for (CurveView& curve : engine.train().curves) curve = best;
    engine.train().busy = false;
    ctx->Yield(3);
    ctx->ItemClick("//Curves###curves/###train_start");
    ASSERT_NE(engine.last<TrainControl>(), nullptr);
    EXPECT_EQ(engine.last<TrainControl>()->what, TrainControl::Do::start);
  });
}

}  // namespace plots_test
}  // namespace dream::ui
