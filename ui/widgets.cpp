#include "ui/widgets.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <sstream>

#include "imgui_internal.h"
#include "ui/lesson/lesson_runner.h"

namespace dream::ui {

WithFont::WithFont(ImFont* font, float relative) {
  ImGui::PushFont(font, ImGui::GetStyle().FontSizeBase * relative);
}
WithFont::~WithFont() {
  ImGui::PopFont();
}

void mark(const Ui& ui, const std::string& name) {
  if (ui.lessons) ui.lessons->mark(ui, name);
}

ImVec2 place_beside(ImVec2 min, ImVec2 max, ImVec2 size, float gap, bool upright) {
  const ImRect item(min, max);
  const ImGuiViewport* screen = ImGui::GetMainViewport();
  const ImRect area(screen->Pos, {screen->Pos.x + screen->Size.x, screen->Pos.y + screen->Size.y});
  const ImVec2 most{std::max(area.Min.x, area.Max.x - size.x), std::max(area.Min.y, area.Max.y - size.y)};
  const auto inside = [&](ImVec2 at) {
    return ImVec2{std::clamp(at.x, area.Min.x, most.x), std::clamp(at.y, area.Min.y, most.y)};
  };
  const ImVec2 below{item.Min.x, item.Max.y + gap}, above{item.Min.x, item.Min.y - gap - size.y},
      right{item.Max.x + gap, item.Min.y}, left{item.Min.x - gap - size.x, item.Min.y};
  for (const ImVec2 at : upright ? std::array{right, left, below, above} : std::array{below, above, right, left}) {
    const ImVec2 fits = inside(at);
    if (!ImRect(fits, {fits.x + size.x, fits.y + size.y}).Overlaps(item)) return fits;
  }
  return inside({ImGui::GetMousePos().x + 4 * gap, ImGui::GetMousePos().y + 4 * gap});
}

void tip(const Ui& ui, const char* title, const char* sentence, const char* keys, ImVec2 more) {
  if (ui.lessons)
    if (const std::string& locked = ui.lessons->mark(ui, title); !locked.empty()) sentence = locked.c_str();
  if (!ImGui::IsItemHovered(ImGuiHoveredFlags_ForTooltip | ImGuiHoveredFlags_AllowWhenDisabled)) return;
  const float wrap = ui.px(340);
  const ImVec2 padding{ui.px(12), ui.px(9)};
  const bool has_keys = keys && *keys, has_sentence = sentence && *sentence;
  ImVec2 size;
  {
    WithFont bold(ui.fonts.bold);
    size = ImGui::CalcTextSize(title);
  }
  if (has_keys) size.x += ui.px(12) + ImGui::CalcTextSize(keys).x;
  if (has_sentence) {
    const ImVec2 wide = ImGui::CalcTextSize(sentence, nullptr, false, wrap);
    size = {std::max(size.x, wide.x), size.y + ImGui::GetStyle().ItemSpacing.y + wide.y};
  }
  size = {std::max(size.x, more.x) + 2 * padding.x, size.y + more.y + 2 * padding.y};
  const ImVec2 min = ImGui::GetItemRectMin(), max = ImGui::GetItemRectMax();
  ImGui::SetNextWindowPos(place_beside(min, max, size, ui.px(6), max.y - min.y > 2 * size.y));
  ImGui::PushStyleVar(ImGuiStyleVar_WindowPadding, padding);
  if (ImGui::BeginTooltip()) {
    {
      WithFont bold(ui.fonts.bold);
      ImGui::TextUnformatted(title);
    }
    if (has_keys) {
      ImGui::SameLine(0, ui.px(12));
      text(ui.color().muted, "%s", keys);
    }
    if (has_sentence) {
      ImGui::PushTextWrapPos(padding.x + wrap);
      ImGui::PushStyleColor(ImGuiCol_Text, ui.color().muted);
      ImGui::TextUnformatted(sentence);
      ImGui::PopStyleColor();
      ImGui::PopTextWrapPos();
    }
    ImGui::EndTooltip();
  }
  ImGui::PopStyleVar();
}

void text(ImU32 colour, const char* format, ...) {
  va_list args;
  va_start(args, format);
  ImGui::PushStyleColor(ImGuiCol_Text, colour);
  ImGui::TextV(format, args);
  ImGui::PopStyleColor();
  va_end(args);
}

void mono(const Ui& ui, ImU32 colour, const char* format, ...) {
  va_list args;
  va_start(args, format);
  WithFont font(ui.fonts.mono, 0.9f);
  ImGui::PushStyleColor(ImGuiCol_Text, colour);
  ImGui::TextV(format, args);
  ImGui::PopStyleColor();
  va_end(args);
}

void header(const Ui& ui, const std::string& title, ImU32 colour, const std::string& note, float width) {
  if (width <= 0) width = ImGui::GetContentRegionAvail().x;
  const ImVec2 at = ImGui::GetCursorScreenPos();
  ImDrawList* list = ImGui::GetWindowDrawList();
  float used = 0;
  const float height = ImGui::GetTextLineHeight();
  {
    WithFont bold(ui.fonts.bold, 0.96f);
    const std::string shown = fitted(title, width);
    list->AddText(at, colour, shown.c_str());
    used = ImGui::CalcTextSize(shown.c_str()).x;
  }
  ImGui::Dummy({width, height});
  if (note.empty()) return;
  WithFont small(ui.fonts.text, 0.88f);
  const float space = width - used - ui.px(12);
  if (space < ui.px(16)) return;
  const float wanted = ImGui::CalcTextSize(note.c_str()).x;
  const float y = at.y + (height - ImGui::GetTextLineHeight()) * 0.6f;
  const ImVec2 from{at.x + width - std::min(wanted, space), y};
  ImGui::PushStyleColor(ImGuiCol_Text, ui.color().muted);
  ImGui::RenderTextEllipsis(list, from, {at.x + width, y + ImGui::GetTextLineHeight()}, at.x + width, note.c_str(),
                            nullptr, nullptr);
  ImGui::PopStyleColor();
  if (wanted > space && ImGui::IsItemHovered()) tip(ui, title.c_str(), note.c_str());
}

bool button(const Ui& ui, const char* label, const char* title, const char* sentence, const ButtonLook& look) {
  const bool disabled = !look.why_not.empty();
  if (look.small) ImGui::PushStyleVar(ImGuiStyleVar_FramePadding, {ui.px(7), ui.px(2)});
  if (look.accent && !disabled) {
    ImGui::PushStyleColor(ImGuiCol_Button, ui.color().dream);
    ImGui::PushStyleColor(ImGuiCol_ButtonHovered, blend(ui.color().dream, IM_COL32_WHITE, 0.15f));
    ImGui::PushStyleColor(ImGuiCol_Text, ui.dark() ? IM_COL32(24, 16, 48, 255) : IM_COL32_WHITE);
  }
  ImGui::BeginDisabled(disabled);
  const bool clicked = ImGui::Button(label, {look.width, 0});
  ImGui::EndDisabled();
  if (look.accent && !disabled) ImGui::PopStyleColor(3);
  if (look.small) ImGui::PopStyleVar();
  tip(ui, title, disabled ? look.why_not.c_str() : sentence, look.keys);
  return clicked;
}

bool action_button(Ui& ui, const char* label, const char* id, bool accent, float width) {
  const Action* action = ui.action(id);
  if (!action) return false;
  ButtonLook look;
  look.accent = accent;
  const std::string keys = ui.keys_of(*action);
  look.keys = keys.c_str();
  look.why_not = action->why_not ? action->why_not(ui) : "";
  look.width = width;
  const std::string named = std::string(label) + "###" + id;
  const bool clicked = button(ui, named.c_str(), action->title.c_str(), action->help.c_str(), look);
  if (clicked) action->run(ui);
  return clicked;
}

int segmented(const Ui& ui, const char* id, const std::vector<std::string>& labels, int chosen,
              const std::vector<std::string>& sentences) {
  int clicked = -1;
  const float y = ImGui::GetCursorPosY();  // kept by hand: in a menu bar SameLine() goes back to the bar's own line
  ImGui::PushID(id);
  for (int i = 0; i < static_cast<int>(labels.size()); ++i) {
    if (i) ImGui::SameLine(0, ui.px(3)), ImGui::SetCursorPosY(y);
    const bool on = i == chosen;
    ImGui::PushStyleColor(ImGuiCol_Button, on ? ui.color().dream_soft : ui.color().raised);
    ImGui::PushStyleColor(ImGuiCol_Text, on ? ui.color().text : ui.color().muted);
    if (on) ImGui::PushStyleColor(ImGuiCol_ButtonHovered, ui.color().dream_soft);
    const std::size_t at = static_cast<std::size_t>(i);
    if (ImGui::Button(labels[at].c_str())) clicked = i;
    ImGui::PopStyleColor(on ? 3 : 2);
    if (at < sentences.size()) {
      const std::string shown = labels[at].substr(0, labels[at].find("##"));
      tip(ui, shown.c_str(), sentences[at].c_str());
    }
  }
  ImGui::PopID();
  return clicked;
}

void keycap(const Ui& ui, const char* label, float amount, ImVec2 min_size) {
  const Palette& p = ui.color();
  WithFont font(ui.fonts.text, 0.88f * std::max(1.0f, min_size.y / ui.px(26)));
  const ImVec2 wanted = ImGui::CalcTextSize(label);
  const ImVec2 size{std::max({wanted.x + ui.px(12), min_size.x, ui.px(24)}), std::max(ui.px(24), min_size.y)};
  const ImVec2 at = ImGui::GetCursorScreenPos(), end{at.x + size.x, at.y + size.y};
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled(at, end, blend(p.well, p.dream, amount), ui.px(5));
  list->AddRect(at, end, blend(p.raised_hover, p.dream, amount), ui.px(5));
  list->AddText({at.x + (size.x - wanted.x) / 2, at.y + (size.y - wanted.y) / 2},
                amount > 0.5f && ui.dark() ? IM_COL32(24, 16, 48, 255)
                : amount > 0.5f            ? IM_COL32_WHITE
                                           : p.text,
                label);
  ImGui::Dummy(size);
}

void progress_bar(const Ui& ui, double fraction, ImU32 colour, float width, float height) {
  const ImVec2 at = ImGui::GetCursorScreenPos();
  const float line = ImGui::GetTextLineHeight();
  const float y = at.y + (line - height) / 2;
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->AddRectFilled({at.x, y}, {at.x + width, y + height}, ui.color().raised, height / 3);
  const float filled = static_cast<float>(std::clamp(fraction, 0.0, 1.0)) * width;
  if (filled > 1) list->AddRectFilled({at.x, y}, {at.x + filled, y + height}, colour, std::min(height / 3, filled / 2));
  ImGui::Dummy({width, line});
}

Well well(const Ui& ui, const char* id, ImVec2 size) {
  Well out;
  out.min = ImGui::GetCursorScreenPos();
  size = {std::max(size.x, 4.0f), std::max(size.y, 4.0f)};
  out.max = {out.min.x + size.x, out.min.y + size.y};
  ImGui::InvisibleButton(id, size);
  out.hovered = ImGui::IsItemHovered();
  out.active = ImGui::IsItemActive();
  ImGui::GetWindowDrawList()->AddRectFilled(out.min, out.max, ui.color().well, ui.px(5));
  return out;
}

void right_text(ImDrawList* list, float right, float y, ImU32 colour, const char* string) {
  list->AddText({right - ImGui::CalcTextSize(string).x, y}, colour, string);
}

void fill_under(ImDrawList* list, const std::vector<ImVec2>& points, float y0, ImU32 colour) {
  if (points.size() < 2) return;
  const int quads = static_cast<int>(points.size()) - 1;
  const ImVec2 white = ImGui::GetFontTexUvWhitePixel();
  list->PrimReserve(quads * 6, quads * 4);
  for (int i = 0; i < quads; ++i) {
    const ImVec2 a = points[static_cast<std::size_t>(i)], b = points[static_cast<std::size_t>(i) + 1];
    list->PrimQuadUV(a, b, {b.x, y0}, {a.x, y0}, white, white, white, white, colour);
  }
}

void centred_note(const Ui& ui, ImVec2 min, ImVec2 max, const std::string& note) {
  WithFont small(ui.fonts.text, 0.9f);
  const float width = std::max(max.x - min.x - ui.px(16), 10.0f);
  const ImVec2 size = ImGui::CalcTextSize(note.c_str(), nullptr, false, width);
  const ImVec2 at{min.x + (max.x - min.x - size.x) / 2, min.y + (max.y - min.y - size.y) / 2};
  ImDrawList* list = ImGui::GetWindowDrawList();
  list->PushClipRect(min, max, true);
  list->AddText(nullptr, 0, at, ui.color().muted, note.c_str(), nullptr, width);
  list->PopClipRect();
}

std::string fitted(const std::string& whole, float room) {
  if (ImGui::CalcTextSize(whole.c_str()).x <= room) return whole;
  std::string cut = whole;
  while (!cut.empty()) {
    while (!cut.empty() && (static_cast<unsigned char>(cut.back()) & 0xC0) == 0x80) cut.pop_back();  // a whole letter
    if (!cut.empty()) cut.pop_back();
    while (!cut.empty() && cut.back() == ' ') cut.pop_back();
    if (ImGui::CalcTextSize((cut + "…").c_str()).x <= room) break;
  }
  return cut + "…";
}

std::string group_of(const std::string& key) {
  const auto dot = key.find('.');
  return dot == std::string::npos ? "" : key.substr(0, dot);
}

std::string setting_name(const Field& field) {
  if (field.title.empty()) return field.key;  // of no recipe: typed by hand
  const std::string group = group_of(field.key);
  return group.empty() ? field.title : group + " · " + field.title;
}

bool holds(const std::string& text, const std::string& wanted) {
  const auto lower = [](std::string s) {
    for (char& c : s) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return s;
  };
  const std::string where = lower(text);
  std::istringstream words(lower(wanted));
  for (std::string word; words >> word;)
    if (where.find(word) == std::string::npos) return false;
  return true;
}

std::string short_time(double seconds) {
  char out[48];
  if (!(seconds >= 0)) return "";
  if (seconds < 90)
    std::snprintf(out, sizeof out, "%.0f s", seconds);
  else if (seconds < 90 * 60)
    std::snprintf(out, sizeof out, "%.0f min", seconds / 60);
  else if (seconds < 36 * 3600)
    std::snprintf(out, sizeof out, "%d h %02d min", static_cast<int>(seconds / 3600),
                  static_cast<int>(seconds / 60) % 60);
  else
    std::snprintf(out, sizeof out, "%.1f days", seconds / 86400);
  return out;
}

std::string short_bytes(double bytes) {
  char out[32];
  if (bytes >= 1e9)
    std::snprintf(out, sizeof out, "%.2f GB", bytes / 1e9);
  else if (bytes >= 1e6)
    std::snprintf(out, sizeof out, "%.0f MB", bytes / 1e6);
  else
    std::snprintf(out, sizeof out, "%.0f kB", bytes / 1e3);
  return out;
}

std::string short_number(double value) {
  char out[32];
  if (value == 0) value = 0;  // never -0
  const double size = std::abs(value);
  if (!std::isfinite(value))
    std::snprintf(out, sizeof out, "%s", std::isnan(value) ? "not a number" : "infinite");
  else if (size != 0 && (size < 1e-3 || size >= 1e6))
    std::snprintf(out, sizeof out, "%.2e", value);
  else
    std::snprintf(out, sizeof out, "%.*f",
                  size >= 1000  ? 0
                  : size >= 100 ? 1
                  : size >= 10  ? 2
                  : size >= 1   ? 3
                                : 4,
                  value);
  return out;
}

std::string axis_number(double value) {
  char out[32];
  std::snprintf(out, sizeof out, "%.3g", value);
  return out;
}

std::string with_separators(std::int64_t number) {
  std::string out = std::to_string(number);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(out.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3)
    out.insert(static_cast<std::size_t>(at), 1, ',');
  return out;
}

std::string subscript(int number) {
  static constexpr const char* digits[] = {"₀", "₁", "₂", "₃", "₄", "₅", "₆", "₇", "₈", "₉"};
  std::string out;
  for (const char c : std::to_string(std::max(number, 0))) out += digits[c - '0'];
  return out;
}

}  // namespace dream::ui
