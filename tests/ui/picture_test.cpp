// Pictures: what the shader draws against the reference on the processor, and the keys and values of the window.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tests/ui/flow.h"
#include "tests/ui/offscreen.h"
#include "imgui_internal.h"
#include "ui/pictures.h"

namespace dream::ui {
namespace picture_test {

using Look = PictureLook;

constexpr int wide = 15, high = 11;  // of the pictures; odd, so that no seam of theirs is at half

std::shared_ptr<const Image> noise(int channels, unsigned seed) {
  Image image{wide, high, channels, {}};
  for (int i = 0; i < wide * high * channels; ++i) {
    seed = seed * 1664525u + 1013904223u;
    image.pixels.push_back(static_cast<std::uint8_t>(seed >> 24));
  }
  image.pixels[0] = 0, image.pixels[1] = 255;
  return std::make_shared<const Image>(std::move(image));
}

Rgb texel(const Image& image, int x, int y) {
  Rgb out;
  for (int c = 0; c < 3; ++c)
    out[static_cast<std::size_t>(c)] =
        static_cast<float>(
            image.pixels[static_cast<std::size_t>((y * image.width + x) * image.channels + (image.channels == 1 ? 0 : c))]) /
        255;
  return out;
}

/// What a pixel of the screen covers along one axis: two neighbours and the share of the second.
struct Cover {
  int first, second;
  float share;
  bool within() const { return first == second; }  // one pixel of the picture
};

Cover cover(int pixel, int span, int count) {
  const double scale = static_cast<double>(span) / count, low = pixel / scale, up = (pixel + 1) / scale;
  const int a = static_cast<int>(std::floor(low + 1e-9)), b = std::min(static_cast<int>(std::ceil(up - 1e-9)) - 1, count - 1);
  return {a, b, a == b ? 0.0f : static_cast<float>((up - b) / (up - low))};
}

/// The average over the place that a pixel of the screen covers.
Rgb average(const Image& image, const Cover& x, const Cover& y) {
  Rgb out;
  for (std::size_t c = 0; c < 3; ++c) {
    const auto row = [&](int at) {
      return std::lerp(texel(image, x.first, at)[c], texel(image, x.second, at)[c], x.share);
    };
    out[c] = std::lerp(row(y.first), row(y.second), y.share);
  }
  return out;
}

int on_screen(const Image& screen, int x, int y, std::size_t c) {
  return screen.pixels[static_cast<std::size_t>((y * screen.width + x) * 3) + c];
}

std::vector<Look> every_look() {
  std::vector<Look> all;
  for (const bool difference : {false, true})
    for (const Look::Map map : {Look::Map::none, Look::Map::magnitude, Look::Map::diverging})
      for (int channel = 0; channel <= static_cast<int>(Look::Channel::luminance); ++channel)
        for (const float exposure : {-1.0f, 0.0f, 2.0f})
          for (const float gamma : {1.0f, 2.2f})
            all.push_back({exposure, gamma, static_cast<Look::Channel>(channel), map, difference});
  return all;
}

struct Size {
  int across, down;
};

/// A software renderer's power function is some 1/255 off, and a colour map is up to four times as steep.
int allowed(const Look& look) {
  return look.gamma != 1 && look.map != Look::Map::none ? 8 : 2;
}

/// Every look in this size, many pictures in one frame, against shade(). Gives the largest error of a channel, of 255,
/// where 2 are allowed, and in which look.
std::pair<int, std::string> worst(Offscreen& screen, bool dark, int channels, Size size) {
  constexpr int edge = 20, gap = 6;
  const auto here = noise(channels, 7), other = noise(channels, 11);
  const std::vector<Look> looks = every_look();
  const int columns = (1200 - 2 * edge) / (size.across + gap), rows = (800 - 2 * edge) / (size.down + gap);
  int most = 0;
  std::size_t which = 0;
  for (std::size_t first = 0; first < looks.size(); first += static_cast<std::size_t>(columns * rows)) {
    const std::size_t last = std::min(looks.size(), first + static_cast<std::size_t>(columns * rows));
    const auto place = [&](std::size_t i) {
      const int at = static_cast<int>(i - first);
      return std::pair{edge + at % columns * (size.across + gap), edge + at / columns * (size.down + gap)};
    };
    const Image drawn = screen.draw([&](Ui& ui) {
      for (std::size_t i = first; i < last; ++i) {
        const auto [x, y] = place(i);
        const ImVec2 min{static_cast<float>(x), static_cast<float>(y)};
        EXPECT_TRUE(draw_image(ui, "here", here, min,
                               {min.x + static_cast<float>(size.across), min.y + static_cast<float>(size.down)},
                               {looks[i], ui.textures.get("other", other)}));
      }
    });
    for (std::size_t i = first; i < last; ++i) {
      const auto [left, top] = place(i);
      for (int y = 0; y < size.down; ++y) {
        const Cover v = cover(y, size.down, high);
        for (int x = 0; x < size.across; ++x) {
          const Cover h = cover(x, size.across, wide);
          const Rgb wanted = shade(looks[i], average(*here, h, v), average(*other, h, v), dark);
          for (std::size_t c = 0; c < 3; ++c)
            if (const int off = std::abs(on_screen(drawn, left + x, top + y, c) -
                                         static_cast<int>(std::lround(255 * wanted[c])));
                2 * off > most * allowed(looks[i]))
              most = (2 * off + allowed(looks[i]) - 1) / allowed(looks[i]), which = i;
        }
      }
    }
  }
  return {most, description(looks[which], "here", "other")};
}

TEST(PictureShader, IsTheReferenceForEveryLookWithinTwoOf255) {
  for (const bool dark : {true, false}) {
    Offscreen screen(1200, 800, dark);
    for (const int channels : {1, 3})
      for (const Size size : {Size{4 * wide, 4 * high}, Size{71, 53}, Size{wide, high}})
      {
        const auto [off, look] = worst(screen, dark, channels, size);
        EXPECT_LE(off, 2)
            << look << ": " << channels << " channels at " << size.across << " x " << size.down << (dark ? ", dark" : ", light");
      }
  }
}

TEST(PictureShader, PixelsKeepTheirColourAndMixOverOnePixelOfTheScreen) {
  Offscreen screen(400, 300, true);
  const auto picture = noise(3, 3);
  for (const Size size : {Size{16 * wide, 16 * high}, Size{4 * wide, 9 * high}, Size{200, 133}, Size{wide + 1, 2 * high - 1}}) {
    const Image drawn = screen.draw([&](Ui& ui) {
      draw_image(ui, "a", picture, {30, 20}, {30 + static_cast<float>(size.across), 20 + static_cast<float>(size.down)});
    });
    int inside = 0;
    for (int y = 0; y < size.down; ++y)
      for (int x = 0; x < size.across; ++x) {
        const Cover h = cover(x, size.across, wide), v = cover(y, size.down, high);
        inside += h.within() && v.within();
        for (std::size_t c = 0; c < 3; ++c) {
          const int wanted = static_cast<int>(std::lround(255 * average(*picture, h, v)[c]));
          ASSERT_LE(std::abs(on_screen(drawn, 30 + x, 20 + y, c) - wanted), h.within() && v.within() ? 0 : 1)
              << x << ", " << y << " of " << size.across << " x " << size.down;
        }
      }
    if (size.across % wide == 0 && size.down % high == 0) {
      EXPECT_EQ(inside, size.across * size.down) << "whole multiples have no mixed pixel";
    }
  }
}

TEST(PictureShader, SmallerThanItsPixelsLosesNoRow) {
  Offscreen screen(200, 200, true);
  for (int lit = 0; lit < 64; ++lit) {
    Image image{64, 64, 1, std::vector<std::uint8_t>(64 * 64)};
    std::fill_n(image.pixels.begin() + lit * 64, 64, std::uint8_t{255});
    const auto picture = std::make_shared<const Image>(std::move(image));
    const Image drawn = screen.draw([&](Ui& ui) { draw_image(ui, "a", picture, {20, 20}, {68, 68}); });  // 48 x 48
    int most = 0;
    for (int y = 0; y < 48; ++y) most = std::max(most, on_screen(drawn, 40, 20 + y, 0));
    EXPECT_GT(most, 60) << "row " << lit;
  }
}

TEST(PictureShader, StaysWithinItsClipAndLeavesTheRestAsItWas) {
  Offscreen screen(300, 200, true);
  const auto picture = noise(3, 5), other = noise(3, 6);
  const auto words = [](ImDrawList* list) {
    list->AddRectFilled({20, 120}, {280, 180}, IM_COL32(200, 80, 40, 128), 8);
    list->AddText({30, 140}, IM_COL32_WHITE, "blended, and with letters");
  };
  const Image without = screen.draw([&](Ui&) { words(ImGui::GetWindowDrawList()); });
  const Image with = screen.draw([&](Ui& ui) {
    ImDrawList* list = ImGui::GetWindowDrawList();
    list->PushClipRect({60, 40}, {100, 70}, true);
    draw_image(ui, "a", picture, {40, 20}, {140, 100}, {{.exposure = 1, .difference = true}, ui.textures.get("b", other)});
    draw_image(ui, "a", picture, {40, 20}, {140, 100});
    list->PopClipRect();
    words(list);
  });
  int inside = 0;
  for (int y = 0; y < 200; ++y)
    for (int x = 0; x < 300; ++x)
      for (std::size_t c = 0; c < 3; ++c) {
        const bool clipped = x < 60 || x >= 100 || y < 40 || y >= 70;
        const bool same = on_screen(with, x, y, c) == on_screen(without, x, y, c);
        ASSERT_TRUE(!clipped || same) << x << ", " << y;
        inside += !same;
      }
  EXPECT_GT(inside, 40 * 30);
}

TEST(PictureShader, TheDreamBecomesItsDifferenceToTheRealPictureOfThisMoment) {
  Offscreen screen(400, 300, true);
  const auto dreamt = noise(3, 21), real = noise(3, 22);
  const Look look{.exposure = 1, .map = Look::Map::diverging, .difference = true};
  /// Above the words on it, the picture that is drawn is `here` in this look.
  const auto shows = [&](const std::string& name, bool past, const Image& here, const Look& wanted) {
    const std::vector<Frame> frames{{"dream", "", -1, dreamt}, {"real", "", -1, real, past}};
    const ImVec2 size{8 * wide, 16 * high};
    ImVec2 end;
    const Image drawn = screen.draw([&](Ui& ui) {
      ui.actions = make_actions();
      ui.look = look;
      ImGui::SetCursorScreenPos({30, 20});
      draw_picture(ui, name, frames, find_frame(frames, name), name, size, "");
      end = ImGui::GetItemRectMax();
    });
    const int left = static_cast<int>(end.x - size.x), top = static_cast<int>(end.y - size.y);
    int most = 0;
    for (int y = 0; y < high - 2; ++y)
      for (int x = 0; x < wide; ++x) {
        const Rgb colour = shade(wanted, texel(here, x, y), texel(*real, x, y), true);
        for (std::size_t c = 0; c < 3; ++c)
          most = std::max(most, std::abs(on_screen(drawn, left + 8 * x + 4, top + 16 * y + 8, c) -
                                         static_cast<int>(std::lround(255 * colour[c]))));
      }
    return most <= 2;
  };
  EXPECT_TRUE(shows("dream", false, *dreamt, look));
  EXPECT_TRUE(shows("real", false, *real, {})) << "it has nothing to be held against";
  EXPECT_TRUE(shows("dream", true, *dreamt, {})) << "reality has ended: no difference is made up";
}

class Pictures : public Flow {
 protected:
  /// The tooltip, while one is shown.
  static const ImGuiWindow* tooltip() {
    const ImGuiWindow* shown = ImGui::FindWindowByName("##Tooltip_00");
    return shown && shown->Active ? shown : nullptr;
  }
  ImRect rect(ImGuiTestContext* ctx, const char* name) {
    return ctx->ItemInfo((std::string("//Worlds###worlds/") + name).c_str()).RectFull;
  }
  void hold_still() {
    engine.dream().playing = false;
    engine.tick();
  }
};

TEST_F(Pictures, KeysBendThemAndOneKeyPutsThemBack) {
  open();
  act([&](ImGuiTestContext* ctx) {
    const Ui& ui = window->ui();
    const auto press = [&](ImGuiKeyChord chord) {
      ctx->KeyPress(chord);
      ctx->Yield(2);
    };
    EXPECT_FALSE(ctx->ItemExists("//Worlds###worlds/###look dream")) << "nothing is said of a picture as it is";
    press(ImGuiKey_E), press(ImGuiKey_E), press(ImGuiKey_E);
    press(ImGuiMod_Shift | ImGuiKey_E);
    EXPECT_EQ(ui.look, (Look{.exposure = 1}));
    EXPECT_TRUE(ctx->ItemExists("//Worlds###worlds/###look dream"));
    EXPECT_TRUE(ctx->ItemExists("//Worlds###worlds/###look real"));
    EXPECT_FALSE(ctx->ItemExists("//Worlds###worlds/###look difference")) << "a map of values stays as it is";
    press(ImGuiKey_G), press(ImGuiKey_G), press(ImGuiMod_Shift | ImGuiKey_G);
    press(ImGuiKey_N);
    press(ImGuiKey_V);
    EXPECT_EQ(ui.look, (Look{1, 1.1f, Look::Channel::red, Look::Map::magnitude, false}));
    ctx->MouseMove("//Worlds###worlds/###look dream");
    ctx->SleepNoSkip(0.4f, 0.05f);
    EXPECT_NE(tooltip(), nullptr) << "with the way back";
    EXPECT_EQ(description(ui.look, "dream", "real"), "red · exposure +1 stops · gamma 1.1 · magnitude map");
    press(ImGuiMod_Ctrl | ImGuiKey_0);
    EXPECT_EQ(ui.look, Look{});
    press(ImGuiKey_X);
    EXPECT_EQ(ui.look, (Look{.map = Look::Map::diverging, .difference = true}));
    EXPECT_TRUE(ctx->ItemExists("//Worlds###worlds/###look dream"));
    EXPECT_FALSE(ctx->ItemExists("//Worlds###worlds/###look real")) << "it has nothing to be held against";
    ctx->ItemClick("//Worlds###worlds/###look dream");
    ctx->Yield(2);
    EXPECT_EQ(ui.look, Look{});
  });
}

TEST_F(Pictures, TheMenuDoesItTooAndAWorldKeepsItsKeys) {
  open();
  act([&](ImGuiTestContext* ctx) {
    const Ui& ui = window->ui();
    ctx->MenuClick("//##MainMenuBar/View/Picture/Next channel");
    ctx->MenuClick("//##MainMenuBar/View/Picture/More exposure");
    EXPECT_EQ(ui.look, (Look{.exposure = 0.5f, .channel = Look::Channel::red}));
    ctx->MenuClick("//##MainMenuBar/View/Picture/Picture as it is");
    EXPECT_EQ(ui.look, Look{});
    ctx->KeyPress(ImGuiKey_Escape);
  });
  engine.dream().spaces.action.keys.push_back({"e", 1, 1, "boost"});
  engine.tick();
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(2);
    ctx->KeyPress(ImGuiKey_E);
    ctx->Yield(2);
    EXPECT_EQ(window->ui().look, Look{}) << "E drives here";
    EXPECT_EQ(window->ui().keys_of(*window->ui().action("exposure_up")), "");
  });
}

TEST_F(Pictures, TheValuesUnderTheMouseAreThoseOfThePictures) {
  hold_still();
  open();
  act([&](ImGuiTestContext* ctx) {
    const auto frames = engine.latest()->dream->frames;
    const Image &dreamt = *find_frame(frames, "dream")->image, &real = *find_frame(frames, "real")->image;
    window->ui().look.exposure = 2;  // what is said are the model's own values
    const ImRect at = rect(ctx, "dream");
    ASSERT_GT(at.GetWidth(), 200);
    const auto channel = [](const Image& image, int x, int y, int c) {
      return static_cast<int>(image.pixels[static_cast<std::size_t>((y * image.width + x) * image.channels + c)]);
    };
    for (const auto& [x, y] : {std::pair{0, 0}, {10, 33}, {dreamt.width - 1, 30}}) {
      ctx->MouseMoveToPos({at.Min.x + at.GetWidth() * (static_cast<float>(x) + 0.5f) / static_cast<float>(dreamt.width),
                           at.Min.y + at.GetHeight() * (static_cast<float>(y) + 0.5f) / static_cast<float>(dreamt.height)});
      ctx->Yield(3);
      const PixelMark& told = window->ui().pixel;
      EXPECT_EQ(told.x, x);
      EXPECT_EQ(told.y, y);
      const auto line = [&](const auto& value, bool signs) {
        std::string whole, unit;
        char figure[16];
        for (int c = 0; c < 3; ++c) {
          const int v = value(c);
          std::snprintf(figure, sizeof figure, signs && v != 0 ? "%+5d" : "%5d", v), whole += figure;
          std::snprintf(figure, sizeof figure, signs && v != 0 ? "%+7.3f" : "%7.3f", v / 255.0), unit += figure;
        }
        return whole + "  " + unit;
      };
      const auto has = [&](const std::string& wanted) {
        EXPECT_NE(std::ranges::find(told.lines, wanted), told.lines.end()) << wanted << " is not told";
      };
      for (const Image* image : {&dreamt, &real}) has(line([&](int c) { return channel(*image, x, y, c); }, false));
      has(line([&](int c) { return channel(dreamt, x, y, c) - channel(real, x, y, c); }, true));
      const ImGuiWindow* shown = tooltip();
      ASSERT_NE(shown, nullptr);
      EXPECT_FALSE(shown->Rect().Overlaps(at)) << "it hides nothing of what is looked at";
    }
    ctx->KeyDown(ImGuiKey_LeftArrow);
    ctx->Yield(3);
    EXPECT_EQ(tooltip(), nullptr) << "who drives wants to see the window";
    ctx->KeyUp(ImGuiKey_LeftArrow);
  });
}

TEST_F(Pictures, AProgramThatStartsShowsThemAsTheyAre) {
  open("play", folder());
  window->ui().look = {.exposure = -8};
  act([](ImGuiTestContext* ctx) { ctx->Yield(3); });
  close();
  open("play", folder());
  EXPECT_EQ(window->ui().look, Look{});
}

}  // namespace picture_test
}  // namespace dream::ui
