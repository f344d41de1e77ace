// What the window keeps for itself, damaged: the default comes back, and the log says so.
#include "ui/layout.h"

#include <fstream>
#include <random>
#include <regex>

#include "imgui_internal.h"
#include "tests/ui/flow.h"

namespace dream::ui {
namespace layout_test {

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class Layouts : public Flow {
 protected:
  /// A layout of the workspace Train as a user leaves it, and a small window that shows Play.
  void SetUp() override {
    home_ = folder();
    std::ofstream(home_ / "window.conf") << "place=0 0 1000 640\n";
    open("train", home_);
    act([&](ImGuiTestContext* ctx) {
      ctx->Yield(8);
      const ImGuiDockNode* node = ImGui::FindWindowByName("Batch###batch")->DockNode;
      ctx->MouseMoveToPos({node->Pos.x - 1, node->Pos.y + 100});  // the splitter
      ctx->MouseDown();
      ctx->MouseMoveToPos({node->Pos.x - 61, node->Pos.y + 100});
      ctx->MouseUp();
      ctx->Yield(2);
    });
    show("play");
    good_ = read(file());
    ASSERT_FALSE(good_.empty());
  }
  std::filesystem::path file() const { return home_ / "layout-train.ini"; }
  void show(const char* workspace) {
    window->ui().want_workspace = workspace;
    for (int i = 0; i < 9; ++i) window->frame();
  }
  /// Shows Train with this layout; how many lines it wrote into the log.
  std::size_t show(const std::string& layout) {
    std::ofstream(file(), std::ios::binary | std::ios::trunc) << layout;
    const std::size_t notes = window->ui().notes.size();
    show("train");
    EXPECT_EQ(panel_damage(window->ui().panel_open), "") << layout;
    const std::size_t written = window->ui().notes.size() - notes;
    show("play");
    window->ui().notes.clear();
    return written;
  }

  std::filesystem::path home_;
  std::string good_;
};

TEST_F(Layouts, OneThatIsWholeIsTakenAsItIs) {
  EXPECT_EQ(layout_damage(good_), "");
  EXPECT_EQ(show(good_), 0u);
}

TEST_F(Layouts, ANodeWithoutASizeOrASplitWithOneSideGivesTheDefaultAndALine) {
  const std::regex leaf("(DockNode  ID=0x[0-9A-F]+ Parent=0x[0-9A-F]+ SizeRef=)[0-9]+,[0-9]+");
  ASSERT_TRUE(std::regex_search(good_, leaf)) << good_;
  EXPECT_EQ(show(std::regex_replace(good_, leaf, "$010,0")), 1u) << "every node has a size of 0";
  EXPECT_EQ(show(std::regex_replace(good_, leaf, "$010,0", std::regex_constants::format_first_only)), 1u);
  const std::size_t last = good_.rfind("  DockNode"), end = good_.find('\n', last);
  EXPECT_EQ(show(good_.substr(0, last) + good_.substr(end + 1)), 1u) << "a split with one side";
  EXPECT_EQ(show(std::regex_replace(good_, std::regex("Split=[XY]"), "")), 1u) << "children of no split";
  EXPECT_EQ(show(std::regex_replace(good_, std::regex("SizeRef=[0-9]+,"), "SizeRef=99999,")), 1u)
      << "one beside which nothing has room";
}

TEST_F(Layouts, AnyDamageLeavesAWindowThatCanBeUsed) {
  std::mt19937 random(13);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % std::max<std::size_t>(n, 1)); };
  const auto mutated = [&](std::string text) {
    const std::size_t body = text.find('\n') + 1;  // the heading is whole, so that the rest is looked at
    for (std::size_t i = 0; i <= below(3); ++i) {
      const std::size_t at = body + below(text.size() - body), size = 1 + below(40);
      switch (below(6)) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, size);
          break;
        case 2:
          text.insert(at, text.substr(body + below(text.size() - body), size));
          break;
        case 3: {  // a whole line is lost
          const std::size_t from = text.rfind('\n', at) + 1;
          text.erase(from, text.find('\n', at) - from + 1);
          break;
        }
        case 4: {  // another number
          const std::size_t digit = text.find_first_of("0123456789", at);
          static const char* numbers[] = {"0", "-1", "7", "99999", "99999999999", "2147483647"};
          if (digit == std::string::npos) break;
          const std::size_t end = std::min(text.find_first_not_of("0123456789", digit), text.size());
          text.replace(digit, end - digit, numbers[below(6)]);
          break;
        }
        case 5:
          text.resize(at);
          break;
      }
      if (text.size() <= body + 2) text = good_;
    }
    return text;
  };
  std::size_t refused = 0;
  for (int i = 0; i < 250 && !HasFailure(); ++i) refused += show(mutated(good_));
  EXPECT_GT(refused, 50u) << "Many of these are no layouts.";
  EXPECT_LT(refused, 250u) << "Not every byte is a matter of the layout.";
}

TEST_F(Layouts, DamagedSettingsAreSaidAndTheDefaultsStand) {
  close();
  std::ofstream(home_ / "window.conf") << "text_scale=1e30\nplace=0 0 1 1\ntheme=\x01\nsmooth=yes\nnonsense\nfuture=7\n";
  open("play", home_);
  const Ui& ui = window->ui();
  EXPECT_EQ(ui.settings.text_scale, 1);
  EXPECT_TRUE(ui.settings.dark);
  EXPECT_FALSE(ui.settings.smooth);
  EXPECT_EQ(ui.notes.size(), 5u) << "A key of another version is no damage.";
  for (const LogLine& line : ui.notes) EXPECT_NE(line.text.find("window.conf"), std::string::npos) << line.text;
}

}  // namespace layout_test
}  // namespace dream::ui
