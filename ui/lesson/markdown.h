#pragma once
#include <string>
#include <vector>

#include "ui/ui.h"

namespace dream::ui {

/// The part of Markdown that lessons use: headings, paragraphs, lists, code, and in them **bold**, *italic*, `code` and
/// [links](…), whose text alone is shown, with the address behind it.
struct Inline {
  std::string text;
  bool bold = false, italic = false, code = false, address = false;
  bool operator==(const Inline&) const = default;
};
struct Block {
  enum class Kind { paragraph, heading, item, code };
  Kind kind = Kind::paragraph;
  int level = 0;       // of a heading 1 … 3; of an item how deep, from 0
  std::string marker;  // of an item: "•", "2."
  std::vector<Inline> spans;
  bool operator==(const Block&) const = default;
};
std::vector<Block> parse_markdown(const std::string& text);

/// Draws it at the cursor, wrapped to what is available, and advances the cursor.
void draw_markdown(const Ui& ui, const std::vector<Block>& blocks);

}  // namespace dream::ui
