// Painting on the dream's picture, and dreaming on from what the encoder makes of it.
#include "ui/brush.h"

#include <algorithm>

#include "imgui_internal.h"
#include "tests/ui/flow.h"
#include "ui/pictures.h"

namespace dream::ui {
namespace brush_test {

class Painting : public Flow {
 protected:
  /// Where a pixel of the canvas is on the screen.
  ImVec2 place(ImGuiTestContext* ctx, float x, float y) {
    const ImRect canvas = ctx->ItemInfo("//Worlds###worlds/canvas dream").RectFull;
    return {canvas.Min.x + canvas.GetWidth() * x / 64, canvas.Min.y + canvas.GetHeight() * y / 64};
  }
  void stroke(ImGuiTestContext* ctx, ImVec2 from, ImVec2 to) {
    ctx->MouseMoveToPos(from);
    ctx->MouseDown();
    ctx->MouseMoveToPos(to);
    ctx->MouseUp();
    ctx->Yield();
  }
  std::array<int, 3> pixel(const Image& image, int x, int y) {
    const auto* at = &image.pixels[static_cast<std::size_t>((y * image.width + x) * 3)];
    return {at[0], at[1], at[2]};
  }
  const Frame* shown(const char* name) {
    frames_ = window->ui().brush.frames(window->ui().dream());
    const auto found = std::ranges::find(frames_, name, &Frame::name);
    return found == frames_.end() ? nullptr : &*found;
  }

 private:
  std::vector<Frame> frames_;
};

TEST(Brush, IsRoundHardAndWithoutGaps) {
  Image image{16, 16, 1, std::vector<std::uint8_t>(256, 0)};
  Brush::paint(image, {8, 8}, {8, 8}, 6, {200, 0, 0});
  const auto at = [&](int x, int y) { return image.pixels[static_cast<std::size_t>(y * 16 + x)]; };
  EXPECT_EQ(at(8, 8), 200);
  EXPECT_EQ(at(10, 8), 200);
  EXPECT_EQ(at(10, 10), 0) << "the corner of the square is not of the circle";
  EXPECT_EQ(at(11, 8), 0);
  std::ranges::fill(image.pixels, std::uint8_t{0});
  Brush::paint(image, {0.2f, 3.1f}, {15.9f, 12.8f}, 1, {9, 0, 0});
  for (int x = 1; x < 15; ++x) {
    int painted = 0;
    for (int y = 0; y < 16; ++y) painted += at(x, y) == 9;
    EXPECT_GE(painted, 1) << x;
    EXPECT_LE(painted, 2) << x;
  }
  Brush::paint(image, {5.95f, 5.95f}, {5.95f, 5.95f}, 1, {7, 0, 0});
  EXPECT_EQ(at(5, 5), 7) << "a click paints the pixel under it";
}

TEST_F(Painting, IsPaintedTakenBackSeenAndUndone) {
  engine.dream().coupling = Coupling::anchored, engine.dream().coupling_steps = 10;
  engine.tick();
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_B);
    ctx->Yield(3);
    EXPECT_FALSE(engine.dream().playing) << "the dream waits";
    const auto before = find_frame(window->ui().dream().frames, "dream")->image;
    // The colour of the car, by a right click; the road is painted with it.
    ctx->MouseMoveToPos(place(ctx, 32.5f, 50.5f));
    ctx->MouseClick(ImGuiMouseButton_Right);
    stroke(ctx, place(ctx, 10.5f, 10.5f), place(ctx, 30.5f, 10.5f));
    stroke(ctx, place(ctx, 50.5f, 20.5f), place(ctx, 50.5f, 40.5f));
    const auto red = pixel(*before, 32, 50);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);  // the second stroke
    ctx->Yield(2);
    EXPECT_EQ(engine.last<SetCoupling>(), nullptr) << "and no setting";
    ctx->KeyPress(ImGuiKey_Enter);
    ctx->Yield(4);
    ASSERT_EQ(engine.count<SeePicture>(), 1);
    const Image& seen = *engine.last<SeePicture>()->picture;
    EXPECT_FALSE(engine.last<SeePicture>()->first) << "what was before is remembered";
    EXPECT_EQ(pixel(seen, 20, 10), red) << "between two samples of the mouse too";
    EXPECT_EQ(pixel(seen, 50, 30), pixel(*before, 50, 30)) << "what was taken back is not there";
    EXPECT_EQ(engine.last<SetCoupling>()->how, Coupling::dream_leads) << "else the next real frame would wipe it out";
    EXPECT_TRUE(engine.dream().playing) << "and the dream goes on";

    ctx->KeyPress(ImGuiKey_Space);
    ctx->Yield(2);
    EXPECT_TRUE(ctx->ItemExists("//Worlds###worlds/painted"));
    ASSERT_NE(shown("reconstruction"), nullptr);
    EXPECT_GT(shown("reconstruction")->error, 0.0005);
    EXPECT_EQ(shown("painted")->image->pixels, seen.pixels);
    EXPECT_NE(shown("dream")->caption.find("since your painting"), std::string::npos);

    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_Z);
    ctx->Yield(3);
    EXPECT_EQ(engine.last<SetCoupling>()->how, Coupling::anchored);
    ASSERT_NE(engine.last<GoTo>(), nullptr);
    EXPECT_EQ(engine.last<GoTo>()->instant, 241) << "where the dream stood";
    EXPECT_EQ(shown("painted"), nullptr);
    EXPECT_FALSE(ctx->ItemExists("//Worlds###worlds/painted"));
  });
}

TEST_F(Painting, MayBeWhatADreamBeginsWith) {
  open();
  act([&](ImGuiTestContext* ctx) {
    window->ui().run("brush");
    ctx->Yield(3);
    stroke(ctx, place(ctx, 10, 10), place(ctx, 30, 10));
    ctx->ItemClick("//Worlds###worlds/###paint_begin");
    ctx->Yield(4);
    ASSERT_EQ(engine.count<SeePicture>(), 1);
    EXPECT_TRUE(engine.last<SeePicture>()->first);
  });
}

TEST_F(Painting, IsPutBackAndARefusedOneStays) {
  open();
  act([&](ImGuiTestContext* ctx) {
    window->ui().run("brush");
    ctx->Yield(3);
    stroke(ctx, place(ctx, 10, 10), place(ctx, 30, 10));
    engine.refuses_pictures = true;
    ctx->ItemClick("//Worlds###worlds/###paint_on");
    ctx->Yield(4);
    EXPECT_TRUE(window->ui().brush.active()) << "nothing is lost";
    EXPECT_NE(ctx->GetWindowByRef("//###faults"), nullptr) << "and the fault says why";
    EXPECT_TRUE(window->ui().brush.can_undo());
    ctx->KeyPress(ImGuiKey_Escape);
    ctx->Yield(2);
    EXPECT_FALSE(window->ui().brush.active());
    EXPECT_TRUE(engine.dream().playing) << "as before";
    EXPECT_EQ(engine.count<SeePicture>(), 1);
  });
}

TEST_F(Painting, ADroppedPictureStandsBesideItsDream) {
  open();
  act([&](ImGuiTestContext* ctx) {
    ctx->KeyPress(ImGuiKey_F2);
    ctx->Yield(3);
    window->drop({"/home/me/cat.png"});
    ctx->Yield(3);
    EXPECT_FALSE(window->ui().show_home) << "the dream is what one wants to see";
    ASSERT_NE(engine.last<OpenRun>(), nullptr);
    EXPECT_EQ(engine.last<OpenRun>()->path, "/home/me/cat.png");
    EXPECT_TRUE(ctx->ItemExists("//Worlds###worlds/real"));
    engine.dream().source = "picture /home/me/cat.png", engine.dream().recorded = true;
    ctx->Yield(3);
    EXPECT_TRUE(ctx->ItemExists("//Worlds###worlds/picture")) << "as it was cropped";
    EXPECT_TRUE(ctx->ItemExists("//Worlds###worlds/reconstruction"));
    EXPECT_FALSE(ctx->ItemExists("//Worlds###worlds/real"));
  });
}

TEST_F(Painting, SaysWhyThereIsNothingToPaintOn) {
  open();
  const Action* action = window->ui().action("brush");
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(2);
    EXPECT_EQ(action->why_not(window->ui()), "");
    engine.dream().spaces.image_width = engine.dream().spaces.image_height = 0;
    ctx->Yield(2);
    EXPECT_NE(action->why_not(window->ui()).find("no encoder"), std::string::npos);
    engine.dream().spaces.image_width = engine.dream().spaces.image_height = 32;
    ctx->Yield(2);
    EXPECT_NE(action->why_not(window->ui()).find("no decoder"), std::string::npos);
    engine.dream().has_model = false;
    ctx->Yield(2);
    EXPECT_NE(action->why_not(window->ui()).find("no model"), std::string::npos);
    ctx->KeyPress(ImGuiMod_Ctrl | ImGuiKey_B);
    ctx->Yield(2);
    EXPECT_FALSE(window->ui().brush.active());
  });
}

}  // namespace brush_test
}  // namespace dream::ui
