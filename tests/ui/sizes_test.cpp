// Every workspace in every size of a window, with text for a desk and for a hall: nothing is cut, nothing overlaps.
#include <GLFW/glfw3.h>

#include <vector>

#include "imgui_internal.h"
#include "tests/ui/flow.h"

namespace dream::ui {
namespace sizes_test {

struct Case {
  int width, height;
  float text;
  const char* workspace;
};

class Sizes : public Flow, public testing::WithParamInterface<Case> {};

std::string name_of(const testing::TestParamInfo<Case>& info) {
  return std::string(info.param.workspace) + "_" + std::to_string(info.param.height) + "_" +
         std::to_string(static_cast<int>(info.param.text * 10));
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char* workspace : {"play", "train", "debug", "teach"})
    for (const auto& [width, height] : {std::pair(1280, 720), std::pair(1600, 900), std::pair(2560, 1440)})
      for (const float text : {1.0f, 1.5f}) all.push_back({width, height, text, workspace});
  return all;
}

TEST_P(Sizes, NothingIsCutAndTheDreamIsTheLargest) {
  const Case& at = GetParam();
  open(at.workspace);
  glfwSetWindowSize(glfwGetCurrentContext(), at.width, at.height);
  window->ui().settings.text_scale = at.text;
  window->ui().want_reset_layout = true;
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(6);
    window->ui().want_panel = "worlds";  // a tab among others in Train
    ctx->Yield(4);
    ASSERT_EQ(ImGui::GetMainViewport()->Size.x, static_cast<float>(at.width));
    ASSERT_EQ(ImGui::GetMainViewport()->Size.y, static_cast<float>(at.height));

    const auto rect = [&](const char* picture) {
      return ctx->ItemInfo((std::string("//Worlds###worlds/") + picture).c_str(), ImGuiTestOpFlags_NoError).RectFull;
    };
    ASSERT_TRUE(ctx->ItemExists("//Worlds###worlds/dream"));
    EXPECT_GE(rect("dream").GetWidth(), 160);
    for (const char* other : {"real", "reconstruction", "difference"})
      EXPECT_LT(rect(other).GetWidth(), rect("dream").GetWidth()) << other;

    ImGuiTestItemList items;
    ctx->GatherItems(&items, "//Worlds###worlds", 1);
    ASSERT_GE(items.GetSize(), 5);
    for (int i = 0; i < items.GetSize(); ++i) {
      const ImGuiTestItemInfo& item = *items.GetByIndex(i);
      if (item.RectFull.GetArea() <= 0 || item.ParentID != item.Window->ID || item.NavLayer != 0) continue;
      EXPECT_TRUE(item.Window->InnerRect.Contains(item.RectFull)) << item.DebugLabel << " is cut";
      for (int j = i + 1; j < items.GetSize(); ++j) {
        const ImGuiTestItemInfo& other = *items.GetByIndex(j);
        if (other.ParentID != other.Window->ID || other.NavLayer != 0) continue;
        EXPECT_FALSE(item.RectFull.Overlaps(other.RectFull)) << item.DebugLabel << " and " << other.DebugLabel;
      }
    }
    for (const char* shown : {"//##MainMenuBar/**/###world", "//Worlds###worlds/###play"})
      EXPECT_GE(ctx->ItemInfo(shown).RectFull.GetWidth(), 40) << shown;

    items.Clear();
    ctx->GatherItems(&items, "//##MainMenuBar", 2);
    float right = 0;
    for (int i = 0; i < items.GetSize(); ++i) {
      const ImGuiTestItemInfo& item = *items.GetByIndex(i);
      EXPECT_GE(item.RectFull.Min.x, right - 1) << item.DebugLabel << " overlaps its neighbour";
      EXPECT_LE(item.RectFull.Max.x, static_cast<float>(at.width)) << item.DebugLabel << " is cut";
      right = item.RectFull.Max.x;
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Windows, Sizes, testing::ValuesIn(cases()), name_of);

TEST_F(Flow, WhatHasNoRoomIsBehindAButton) {
  open("debug");
  glfwSetWindowSize(glfwGetCurrentContext(), 1280, 720);
  window->ui().settings.text_scale = 1.5f;
  act([&](ImGuiTestContext* ctx) {
    ctx->Yield(8);
    EXPECT_FALSE(ctx->ItemExists("//Worlds###worlds/##speed"));
    ctx->ItemClick("//Worlds###worlds/###more transport");
    ctx->Yield(2);
    ASSERT_FALSE(ImGui::GetCurrentContext()->OpenPopupStack.empty());
    ctx->SetRef(ImGui::GetCurrentContext()->OpenPopupStack.back().Window->ID);
    ctx->ComboClick("##speed/2×");
    ASSERT_NE(engine.last<SetSpeed>(), nullptr);
    EXPECT_FLOAT_EQ(engine.last<SetSpeed>()->steps_per_second, 100);
  });
}

}  // namespace sizes_test
}  // namespace dream::ui
