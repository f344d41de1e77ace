#include "ui/theme.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "implot.h"
#include "ui/embedded.h"

namespace dream::ui {
namespace {

constexpr ImU32 rgb(unsigned hex) {
  return IM_COL32((hex >> 16) & 0xff, (hex >> 8) & 0xff, hex & 0xff, 0xff);
}

/// Everything but the subscripts U+2080 … U+209F.
constexpr ImWchar not_subscripts[] = {0x0001, 0x207f, 0x20a0, 0xffff, 0};

ImFont* add_font(const char* name, ImFont* into = nullptr, float scale = 1, float down = 0,
                 const ImWchar* exclude = nullptr) {
  const EmbeddedFile file = embedded_file(name);
  ImFontConfig config;
  config.FontDataOwnedByAtlas = false;
  config.ExtraSizeScale = scale;
  config.MergeMode = into != nullptr;
  config.DstFont = into;
  config.GlyphOffset.y = down;
  config.GlyphExcludeRanges = exclude;
  return ImGui::GetIO().Fonts->AddFontFromMemoryTTF(const_cast<void*>(file.data), static_cast<int>(file.size), 16.0f,
                                                    &config);
}

}  // namespace

Fonts load_fonts() {
  Fonts fonts;
  // Roboto first; then symbols (arrows, subscripts) from DejaVu and icons from Font Awesome, each only where it lacks.
  // Subscripts come first and larger: DejaVu's own are hard to read at this size.
  fonts.text = add_font("text");
  add_font("symbols", fonts.text, 1.2f, 1, not_subscripts);
  add_font("symbols", fonts.text, 0.92f);
  add_font("icons", fonts.text, 0.82f, 1);
  fonts.bold = add_font("bold");
  add_font("symbols", fonts.bold, 1.2f, 1, not_subscripts);
  add_font("symbols", fonts.bold, 0.92f);
  add_font("icons", fonts.bold, 0.82f, 1);
  // ImGui sizes a font by its line height; Noto Sans Mono's is tall, so its letters are brought up to Roboto's.
  fonts.mono = add_font("mono", nullptr, 1.13f);
  add_font("symbols", fonts.mono, 0.96f);
  add_font("icons", fonts.mono, 0.8f, 1);
  return fonts;
}

const Palette& palette(bool dark, bool contrast) {
  static constexpr Palette night{.background = rgb(0x15161b),
                                 .panel = rgb(0x1c1e26),
                                 .well = rgb(0x121318),
                                 .raised = rgb(0x282b35),
                                 .raised_hover = rgb(0x343844),
                                 .border = rgb(0x2b2e39),
                                 .text = rgb(0xe8e9ee),
                                 .muted = rgb(0x9296a4),
                                 .faint = rgb(0x343741),
                                 .dream = rgb(0xa78bfa),
                                 .dream_soft = rgb(0x35295a),
                                 .real = rgb(0x4ade80),
                                 .real_soft = rgb(0x1d4630),
                                 .grey = rgb(0x8b8f9c),
                                 .warning = rgb(0xfbbf24),
                                 .fault = rgb(0xf87171),
                                 .blue = rgb(0x60a5fa),
                                 .pink = rgb(0xf0abfc)};
  static constexpr Palette day{.background = rgb(0xf1f2f6),
                               .panel = rgb(0xffffff),
                               .well = rgb(0xe9ebf1),
                               .raised = rgb(0xdfe2ea),
                               .raised_hover = rgb(0xd0d4df),
                               .border = rgb(0xd3d7e0),
                               .text = rgb(0x16181f),
                               .muted = rgb(0x585e6d),
                               .faint = rgb(0xc9cdd8),
                               .dream = rgb(0x6d3ee8),
                               .dream_soft = rgb(0xd9cdfb),
                               .real = rgb(0x0f8a41),
                               .real_soft = rgb(0xbfe8cd),
                               .grey = rgb(0x6f7584),
                               .warning = rgb(0xa85b00),
                               .fault = rgb(0xc32222),
                               .blue = rgb(0x1f6fd6),
                               .pink = rgb(0xb5179e)};
  static constexpr Palette bright_night = [] {
    Palette p = night;
    p.background = p.panel = rgb(0x08090b), p.well = rgb(0x000000), p.raised = rgb(0x2e323e);
    p.raised_hover = rgb(0x444a5a), p.border = rgb(0x6b7080), p.text = rgb(0xffffff), p.muted = rgb(0xced2dc);
    p.faint = rgb(0x4c5160), p.dream = rgb(0xc4b0ff), p.real = rgb(0x6ef29c), p.grey = rgb(0xb4b9c6);
    return p;
  }();
  static constexpr Palette bright_day = [] {
    Palette p = day;
    p.background = p.panel = rgb(0xffffff), p.raised = rgb(0xd5d9e3), p.raised_hover = rgb(0xbfc5d3);
    p.border = rgb(0x7b8190), p.text = rgb(0x000000), p.muted = rgb(0x30343e), p.faint = rgb(0xa2a8b6);
    p.dream = rgb(0x5420c8), p.real = rgb(0x06602b), p.grey = rgb(0x484d59);
    return p;
  }();
  if (contrast) return dark ? bright_night : bright_day;
  return dark ? night : day;
}

ImU32 fade(ImU32 colour, float alpha) {
  const ImU32 a = static_cast<ImU32>(std::lround(static_cast<float>(colour >> IM_COL32_A_SHIFT) * alpha));
  return (colour & ~IM_COL32_A_MASK) | (std::min<ImU32>(a, 255) << IM_COL32_A_SHIFT);
}

ImU32 blend(ImU32 a, ImU32 b, float t) {
  ImU32 out = 0;
  for (int shift = 0; shift < 32; shift += 8) {
    const float from = static_cast<float>((a >> shift) & 0xff), to = static_cast<float>((b >> shift) & 0xff);
    out |= static_cast<ImU32>(std::lround(from + (to - from) * t)) << shift;
  }
  return out;
}

ImVec4 to_vec(ImU32 colour) {
  return ImGui::ColorConvertU32ToFloat4(colour);
}

ImU32 magnitude_colour(float t) {
  static constexpr std::array<ImU32, 6> stops{rgb(0x15161b), rgb(0x2d2a5e), rgb(0x3f5aa6),
                                              rgb(0x3d94b4), rgb(0x62c78c), rgb(0xf4e663)};
  const float at = std::clamp(std::isfinite(t) ? t : 0.0f, 0.0f, 1.0f) * (stops.size() - 1);
  const std::size_t i = std::min<std::size_t>(static_cast<std::size_t>(at), stops.size() - 2);
  return blend(stops[i], stops[i + 1], at - static_cast<float>(i));
}

ImU32 signed_colour(float t, bool dark) {
  t = std::clamp(std::isfinite(t) ? t : 0.0f, -1.0f, 1.0f);
  const ImU32 middle = dark ? rgb(0x2a2350) : rgb(0xf2effa);
  return t < 0 ? blend(middle, rgb(0x3f7fd8), -t) : blend(middle, dark ? rgb(0xee9ad8) : rgb(0xc02695), t);
}

void apply_theme(bool dark, float scale, bool contrast) {
  const Palette& p = palette(dark, contrast);
  ImGuiStyle& style = ImGui::GetStyle();
  style = ImGuiStyle();
  style.WindowPadding = {14, 10};
  style.FramePadding = {9, 5};
  style.ItemSpacing = {8, 6};
  style.ItemInnerSpacing = {7, 5};
  style.CellPadding = {6, 3};
  style.IndentSpacing = 16;
  style.ScrollbarSize = 11;
  style.GrabMinSize = 14;
  style.WindowBorderSize = 0;
  style.ChildBorderSize = 0;
  style.PopupBorderSize = 1;
  style.FrameBorderSize = 0;
  style.TabBorderSize = 0;
  style.TabBarBorderSize = 0;
  style.TabBarOverlineSize = 0;
  style.WindowRounding = 8;
  style.ChildRounding = 6;
  style.FrameRounding = 5;
  style.PopupRounding = 8;
  style.ScrollbarRounding = 6;
  style.GrabRounding = 8;
  style.TabRounding = 5;
  style.DockingSeparatorSize = 2;
  style.SeparatorTextBorderSize = 1;
  style.HoverStationaryDelay = 0.12f;
  style.HoverDelayShort = 0.25f;
  style.ScaleAllSizes(scale);
  style.FontSizeBase = 16;
  style.FontScaleMain = scale;
  style.AntiAliasedLinesUseTex = true;
  style.CircleTessellationMaxError = 0.4f;

  const auto set = [&](ImGuiCol slot, ImU32 colour) { style.Colors[slot] = to_vec(colour); };
  set(ImGuiCol_Text, p.text);
  set(ImGuiCol_TextDisabled, p.muted);
  set(ImGuiCol_WindowBg, p.panel);
  set(ImGuiCol_ChildBg, IM_COL32_BLACK_TRANS);
  set(ImGuiCol_PopupBg, dark ? rgb(0x23262f) : rgb(0xffffff));
  set(ImGuiCol_Border, p.border);
  set(ImGuiCol_BorderShadow, IM_COL32_BLACK_TRANS);
  set(ImGuiCol_FrameBg, p.raised);
  set(ImGuiCol_FrameBgHovered, p.raised_hover);
  set(ImGuiCol_FrameBgActive, p.raised_hover);
  for (const ImGuiCol slot : {ImGuiCol_TitleBg, ImGuiCol_TitleBgActive, ImGuiCol_TitleBgCollapsed}) set(slot, p.panel);
  set(ImGuiCol_MenuBarBg, p.panel);
  set(ImGuiCol_ScrollbarBg, IM_COL32_BLACK_TRANS);
  set(ImGuiCol_ScrollbarGrab, p.raised);
  set(ImGuiCol_ScrollbarGrabHovered, p.raised_hover);
  set(ImGuiCol_ScrollbarGrabActive, p.muted);
  set(ImGuiCol_CheckMark, p.dream);
  set(ImGuiCol_CheckboxSelectedBg, p.raised);
  set(ImGuiCol_SliderGrab, dark ? rgb(0xf4f4f8) : p.dream);
  set(ImGuiCol_SliderGrabActive, p.dream);
  set(ImGuiCol_Button, p.raised);
  set(ImGuiCol_ButtonHovered, p.raised_hover);
  set(ImGuiCol_ButtonActive, blend(p.raised_hover, p.dream, 0.35f));
  set(ImGuiCol_Header, p.dream_soft);
  set(ImGuiCol_HeaderHovered, p.raised_hover);
  set(ImGuiCol_HeaderActive, p.dream_soft);
  set(ImGuiCol_Separator, p.border);
  set(ImGuiCol_SeparatorHovered, p.dream);
  set(ImGuiCol_SeparatorActive, p.dream);
  set(ImGuiCol_ResizeGrip, IM_COL32_BLACK_TRANS);
  set(ImGuiCol_ResizeGripHovered, p.dream);
  set(ImGuiCol_ResizeGripActive, p.dream);
  set(ImGuiCol_Tab, IM_COL32_BLACK_TRANS);
  set(ImGuiCol_TabHovered, p.raised_hover);
  set(ImGuiCol_TabSelected, p.dream_soft);
  set(ImGuiCol_TabDimmed, IM_COL32_BLACK_TRANS);
  set(ImGuiCol_TabDimmedSelected, p.dream_soft);
  set(ImGuiCol_TabSelectedOverline, p.dream);
  set(ImGuiCol_TabDimmedSelectedOverline, p.dream);
  set(ImGuiCol_DockingPreview, fade(p.dream, 0.5f));
  set(ImGuiCol_DockingEmptyBg, p.background);
  set(ImGuiCol_TableHeaderBg, p.panel);
  set(ImGuiCol_TableBorderStrong, p.border);
  set(ImGuiCol_TableBorderLight, p.border);
  set(ImGuiCol_TableRowBgAlt, fade(p.raised, 0.3f));
  set(ImGuiCol_TextSelectedBg, fade(p.dream, 0.4f));
  set(ImGuiCol_InputTextCursor, p.dream);
  set(ImGuiCol_DragDropTarget, p.dream);
  set(ImGuiCol_NavCursor, p.dream);
  set(ImGuiCol_ModalWindowDimBg, IM_COL32(0, 0, 0, 90));

  ImPlotStyle& plot = ImPlot::GetStyle();
  plot = ImPlotStyle();
  plot.PlotBorderSize = 0;
  plot.PlotPadding = {0, 0};
  plot.LabelPadding = {4 * scale, 3 * scale};
  plot.PlotMinSize = {40, 24};
  plot.MajorTickLen = plot.MinorTickLen = {0, 0};
  plot.LegendPadding = {6 * scale, 6 * scale};
  plot.MousePosPadding = {6 * scale, 4 * scale};
  plot.Colors[ImPlotCol_FrameBg] = {0, 0, 0, 0};
  plot.Colors[ImPlotCol_PlotBg] = to_vec(p.well);
  plot.Colors[ImPlotCol_PlotBorder] = {0, 0, 0, 0};
  plot.Colors[ImPlotCol_AxisGrid] = to_vec(p.faint);
  plot.Colors[ImPlotCol_AxisText] = to_vec(p.muted);
  plot.Colors[ImPlotCol_AxisBg] = {0, 0, 0, 0};
  plot.Colors[ImPlotCol_InlayText] = to_vec(p.muted);
}

}  // namespace dream::ui
