#include "ui/slider.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "imgui_internal.h"

namespace dream::ui {
namespace {

constexpr double zero_zone = 0.02;  // the part of a logarithmic track that stands for 0

/// The shortest format that brings this very number back, so that Enter alone changes nothing.
const char* exact_format(double value, char (&format)[16]) {
  for (int digits = 1; digits <= 17; ++digits) {
    char text[40];
    std::snprintf(format, sizeof format, "%%.%dg", digits);
    std::snprintf(text, sizeof text, format, value);
    if (std::strtod(text, nullptr) == value) break;
  }
  return format;
}

}  // namespace

double Scale::floor() const {
  if (low > 0) return low;
  return whole ? std::max(1.0, high / 1e6) : high / 1e6;
}

double Scale::place(double value) const {
  if (!(high > low) || std::isnan(value)) return 0;
  value = std::clamp(value, low, high);
  if (!powers()) return (value - low) / (high - low);
  const double start = low > 0 ? 0 : zero_zone;
  if (value <= 0) return 0;
  return start + (1 - start) * std::max(std::log(value / floor()) / std::log(high / floor()), 0.0);
}

double Scale::exactly(double place) const {
  if (!powers()) return low + place * (high - low);
  const double start = low > 0 ? 0 : zero_zone;
  if (low <= 0 && place < start / 2) return 0;
  return floor() * std::pow(high / floor(), std::max(place - start, 0.0) / (1 - start));
}

double Scale::value(double place, double step) const {
  place = std::clamp(place, 0.0, 1.0);
  double out = place >= 1 ? high : exactly(place);
  if (whole) return std::clamp(std::round(out), low, high);
  // The power of ten below what one step is worth here. Whole powers are exact, so 4e-5 stays 4e-5.
  const double worth = std::abs(exactly(std::min(place + step, 1.0)) - exactly(std::max(place - step, 0.0))) / 2;
  const double power = std::floor(std::log10(worth));
  if (std::isfinite(power) && std::abs(power) <= 22)
    out = power < 0 ? std::round(out * std::pow(10, -power)) / std::pow(10, -power)
                    : std::round(out / std::pow(10, power)) * std::pow(10, power);
  return std::clamp(out, low, high);
}

SliderResult slider(Ui& ui, const char* id, double* value, const Scale& scale, double reset, float width,
                    ImU32 colour) {
  SliderResult result;
  ImGuiWindow* window = ImGui::GetCurrentWindow();
  if (window->SkipItems) return result;
  ImGuiContext& g = *ImGui::GetCurrentContext();
  const ImGuiID item = window->GetID(id);
  const ImVec2 min = window->DC.CursorPos;
  const ImRect box(min, {min.x + width, min.y + ImGui::GetFrameHeight()});
  ImGui::ItemSize(box, ImGui::GetStyle().FramePadding.y);
  if (!ImGui::ItemAdd(box, item, &box, ImGuiItemFlags_Inputable)) return result;
  IMGUI_TEST_ENGINE_ITEM_INFO(item, id, g.LastItemData.StatusFlags | ImGuiItemStatusFlags_Inputable);

  const float radius = ui.px(7), left = box.Min.x + radius, right = std::max(box.Max.x - radius, left + 1);
  const auto x_of = [&](double v) { return left + static_cast<float>(scale.place(v)) * (right - left); };
  const float mouse = g.IO.MousePos.x;
  const bool hovered = ImGui::ItemHoverable(box, item, g.LastItemData.ItemFlags);
  bool typing = ImGui::TempInputIsActive(item);
  if (!typing) {
    const bool clicked = hovered && ImGui::IsMouseClicked(ImGuiMouseButton_Left, ImGuiInputFlags_None, item);
    if (clicked) ImGui::SetKeyOwner(ImGuiKey_MouseLeft, item);
    typing = (clicked && g.IO.KeyCtrl) ||
             (g.NavActivateId == item && (g.NavActivateFlags & ImGuiActivateFlags_PreferInput));
    if (clicked && !typing) {
      ImGui::SetActiveID(item, window);
      ImGui::SetFocusID(item, window);
      ImGui::FocusWindow(window);
      const float off = mouse - x_of(*value);
      const bool on_knob = std::abs(off) <= radius + ui.px(2);
      ui.grab = {*value, *value, on_knob ? off : 0, mouse, on_knob};
      if (ImGui::IsMouseDoubleClicked(ImGuiMouseButton_Left)) {
        ImGui::ClearActiveID();
        result = {reset != *value, true, reset != *value, *value};
        *value = reset;
      }
    }
  }
  if (typing) {
    double typed = *value;
    char format[16];
    if (ImGui::TempInputScalar(box, item, id, ImGuiDataType_Double, &typed, exact_format(*value, format), &scale.low,
                               &scale.high) &&
        std::isfinite(typed)) {
      if (scale.whole) typed = std::clamp(std::round(typed), scale.low, scale.high);
      result = {typed != *value, true, typed != *value, *value};
      *value = typed;
    }
    return result;
  }
  if (g.ActiveId == item) {
    SliderGrab& grab = ui.grab;
    if (!g.IO.MouseDown[ImGuiMouseButton_Left]) {
      ImGui::ClearActiveID();
      result.released = true;
      result.ended = grab.now != grab.before;
    } else {
      const double now = grab.on_knob && mouse == grab.pressed_at
                             ? grab.before
                             : scale.value((mouse - grab.offset - left) / (right - left), 1 / (right - left));
      result.changed = now != grab.now;
      grab.now = now;
      if (result.changed) ImGui::MarkItemEdited(item);
    }
    result.before = grab.before;
    *value = grab.now;
  }

  const Palette& p = ui.color();
  if (colour == 0) colour = p.dream;
  const bool disabled = (g.LastItemData.ItemFlags & ImGuiItemFlags_Disabled) != 0;
  const float middle = (box.Min.y + box.Max.y) / 2, at = x_of(*value);
  ImDrawList* list = window->DrawList;
  list->AddRectFilled({left, middle - ui.px(2)}, {right, middle + ui.px(2)}, p.raised_hover, ui.px(2));
  list->AddRectFilled({left, middle - ui.px(2)}, {at, middle + ui.px(2)}, disabled ? p.grey : colour, ui.px(2));
  const bool lit = hovered || g.ActiveId == item;
  list->AddCircleFilled({at, middle}, radius + (lit ? ui.px(1) : 0),
                        disabled    ? p.grey
                        : ui.dark() ? IM_COL32(245, 245, 250, 255)
                                    : colour);
  return result;
}

}  // namespace dream::ui
