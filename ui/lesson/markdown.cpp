#include "ui/lesson/markdown.h"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "ui/widgets.h"

namespace dream::ui {
namespace {

/// **bold**, *italic*, `code`, [text](address). A sign without its partner is a letter like any other.
std::vector<Inline> parse_spans(const std::string& line) {
  std::vector<Inline> spans;
  Inline now;
  const auto flush = [&] {
    if (!now.text.empty()) spans.push_back(now);
    now.text.clear();
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto closes = [&](const std::string& sign) { return line.find(sign, i + sign.size()) != std::string::npos; };
    if (line[i] == '\\' && i + 1 < line.size() && std::ispunct(static_cast<unsigned char>(line[i + 1]))) {
      now.text += line[++i];
    } else if (line[i] == '`' && closes("`")) {
      flush();
      const std::size_t end = line.find('`', i + 1);
      spans.push_back({.text = line.substr(i + 1, end - i - 1), .bold = now.bold, .italic = false, .code = true});
      i = end;
    } else if (line.compare(i, 2, "**") == 0 && (now.bold || closes("**"))) {
      flush();
      now.bold = !now.bold;
      ++i;
    } else if (line[i] == '*' && (now.italic || closes("*"))) {
      flush();
      now.italic = !now.italic;
    } else if (line[i] == '[' && line.find("](", i) != std::string::npos &&
               line.find(')', line.find("](", i)) != std::string::npos) {
      flush();
      const std::size_t middle = line.find("](", i), end = line.find(')', middle);
      spans.push_back({.text = line.substr(i + 1, middle - i - 1), .bold = now.bold, .italic = now.italic});
      spans.push_back({.text = " (" + line.substr(middle + 2, end - middle - 2) + ")", .address = true});
      i = end;
    } else {
      now.text += line[i];
    }
  }
  flush();
  return spans;
}

/// "- ", "* " or "12. " after `indent` blanks: how long the marker is; 0 for none.
std::size_t marker_length(const std::string& line, std::size_t indent) {
  if (line.compare(indent, 2, "- ") == 0 || line.compare(indent, 2, "* ") == 0) return 2;
  std::size_t digits = 0;
  while (indent + digits < line.size() && std::isdigit(static_cast<unsigned char>(line[indent + digits]))) ++digits;
  return digits > 0 && digits < 4 && line.compare(indent + digits, 2, ". ") == 0 ? digits + 2 : 0;
}

/// Words of several styles, one after the other, wrapped at `width`.
class Writer {
 public:
  Writer(const Ui& ui, float width, float size)
      : ui_(ui), width_(width), size_(size), at_(ImGui::GetCursorScreenPos()) {
    WithFont font(ui.fonts.text, size);
    line_ = ImGui::GetTextLineHeight() * 1.18f;
  }

  void write(const Inline& span, bool heading) {
    WithFont font(span.code              ? ui_.fonts.mono
                  : span.bold || heading ? ui_.fonts.bold
                                         : ui_.fonts.text,
                  span.code ? size_ * 0.92f : size_);
    const float blank = ImGui::CalcTextSize(" ").x;
    std::size_t i = 0;
    while (i < span.text.size()) {
      if (span.text[i] == ' ') {
        x_ += x_ > 0 ? blank : 0;
        ++i;
        continue;
      }
      const std::size_t end = std::min(span.text.find(' ', i), span.text.size());
      word(span, span.text.substr(i, end - i));
      i = end;
    }
  }

  void new_line() { x_ = 0, y_ += line_; }
  float end() {  // the height that was used; the cursor is put below
    const float height = y_ + line_;
    ImGui::Dummy({width_, height});
    return height;
  }

 private:
  void word(const Inline& span, const std::string& word) {
    const ImVec2 size = ImGui::CalcTextSize(word.c_str());
    if (x_ > 0 && x_ + size.x > width_) new_line();
    const Palette& p = ui_.color();
    ImDrawList* list = ImGui::GetWindowDrawList();
    const ImVec2 from{at_.x + x_, at_.y + y_};
    if (span.code)
      list->AddRectFilled({from.x - ui_.px(2), from.y}, {from.x + size.x + ui_.px(2), from.y + size.y}, p.raised,
                          ui_.px(3));
    const int first = list->VtxBuffer.Size;
    list->AddText(from, span.address ? p.muted : p.text, word.c_str());
    if (span.italic)  // the fonts have no slanted face: letters are leant
      for (int i = first; i < list->VtxBuffer.Size; ++i)
        list->VtxBuffer[i].pos.x += (from.y + size.y * 0.8f - list->VtxBuffer[i].pos.y) * 0.18f;
    x_ += size.x;
  }

  const Ui& ui_;
  float width_, size_;
  ImVec2 at_;
  float x_ = 0, y_ = 0, line_ = 0;
};

}  // namespace

std::vector<Block> parse_markdown(const std::string& text) {
  std::vector<Block> blocks;
  std::string paragraph;  // or the item under way
  Block open;
  const auto flush = [&] {
    if (!paragraph.empty()) {
      open.spans = parse_spans(paragraph);
      blocks.push_back(open);
    }
    paragraph.clear();
    open = {};
  };
  std::istringstream in(text);
  bool code = false;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.starts_with("```")) {
      flush();
      if (!code) blocks.push_back({.kind = Block::Kind::code, .level = 0, .marker = {}, .spans = {}});
      code = !code;
      continue;
    }
    if (code) {
      blocks.back().spans.push_back({.text = line, .bold = false, .italic = false, .code = true});
      continue;
    }
    const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
    const std::size_t signs = std::min(line.find_first_not_of('#'), line.size());
    if (indent == line.size()) {
      flush();
    } else if (signs > 0 && signs <= 3 && signs < line.size() && line[signs] == ' ') {
      flush();
      blocks.push_back({.kind = Block::Kind::heading,
                        .level = static_cast<int>(signs),
                        .marker = {},
                        .spans = parse_spans(line.substr(signs + 1))});
    } else if (const std::size_t marker = marker_length(line, indent); marker > 0) {
      flush();
      const std::string sign = line.substr(indent, marker - 1);
      open = {.kind = Block::Kind::item,
              .level = static_cast<int>(indent / 2),
              .marker = std::isdigit(static_cast<unsigned char>(sign[0])) ? sign : "•",
              .spans = {}};
      paragraph = line.substr(indent + marker);
    } else {
      paragraph += (paragraph.empty() ? "" : " ") + line.substr(indent);
    }
  }
  flush();
  return blocks;
}

void draw_markdown(const Ui& ui, const std::vector<Block>& blocks) {
  ImGui::PushStyleVar(ImGuiStyleVar_ItemSpacing, {ImGui::GetStyle().ItemSpacing.x, ui.px(5)});
  for (const Block& block : blocks) {
    const bool heading = block.kind == Block::Kind::heading, item = block.kind == Block::Kind::item;
    const float size = !heading ? 1.0f : block.level == 1 ? 1.3f : block.level == 2 ? 1.15f : 1.05f;
    const float left = ImGui::GetCursorPosX();
    const float inset = item                              ? ui.px(20) * static_cast<float>(1 + block.level)
                        : block.kind == Block::Kind::code ? ui.px(8)
                                                          : 0;
    if (item) {
      const ImVec2 at = ImGui::GetCursorScreenPos();
      right_text(ImGui::GetWindowDrawList(), at.x + inset - ui.px(6), at.y, ui.color().dream, block.marker.c_str());
    }
    ImGui::SetCursorPosX(left + inset);
    Writer writer(ui, ImGui::GetContentRegionAvail().x, size);
    for (std::size_t i = 0; i < block.spans.size(); ++i) {
      if (block.kind == Block::Kind::code && i > 0) writer.new_line();
      writer.write(block.spans[i], heading);
    }
    writer.end();
    ImGui::SetCursorPosX(left);
    if (!item) ImGui::Dummy({0, ui.px(3)});
  }
  ImGui::PopStyleVar();
}

}  // namespace dream::ui
