#include "tests/app/learner.h"

#include <map>
#include <sstream>

#include "imgui_internal.h"
#include "ui/coupling.h"
#include "ui/lesson/things.h"
#include "ui/panel_list.h"

namespace dream::ui {
namespace {

const char* const worlds = "//Worlds###worlds";
const char* const mind = "//Mind###mind";

/// Clicks in the dream, in one room after the other.
void aim(ImGuiTestContext* ctx, int times) {
  const auto dream = ctx->ItemInfo((std::string(worlds) + "/dream").c_str()).RectFull;
  for (int i = 0; i < times; ++i) {
    const float across = i % 2 == 0 ? 0.2f : 0.8f;
    ctx->MouseMoveToPos({dream.Min.x + across * dream.GetWidth(), dream.Min.y + 0.7f * dream.GetHeight()});
    ctx->MouseClick(ImGuiMouseButton_Left);
    ctx->Yield(2);
  }
}

}  // namespace

bool Learner::sees(const std::string& name) {
  if (const Panel* panel = find_panel(name)) {
    const ImGuiWindow* there = ImGui::FindWindowByName(window_name(*panel).c_str());
    if (there && there->WasActive && !there->Hidden) return true;
  }
  const Thing* thing = find_thing(name);  // one that has no room is behind the dots, which are pointed at then
  if (thing && (name == "drive" || name == "knobs") && lessons_of().seen("More")) return true;
  if (!thing) return lessons_of().seen(name);
  return std::ranges::any_of(thing->titles, [&](const std::string& title) { return lessons_of().seen(title); });
}

/// The shortcut that a sentence names in brackets: "Begin anew (R)."
const Action* Learner::key_in(const std::string& sentence) {
  const std::size_t from = sentence.rfind('('), to = sentence.rfind(')');
  if (from == std::string::npos || to == std::string::npos) return nullptr;
  std::istringstream words(sentence.substr(from + 1, to - from - 1));
  for (std::string word; words >> word;)
    for (const Action& action : window->ui().actions)
      if (window->ui().keys_of(action) == word) return &action;
  return nullptr;
}

void Learner::press(ImGuiTestContext* ctx, const Reach& reach) {
  const Action* action = key_in(reach.that);
  ASSERT_TRUE(action) << "no key is named: " << reach.that;
  const int times = reach.deed == "playing" ? 1 : static_cast<int>(reach.value);
  for (int i = 0; i < times; ++i) {
    const std::uint64_t before = dream().version;
    ctx->KeyPress(action->chord);
    if (!until(ctx, reach.that, [&] { return dream().version != before; })) return;
    if (reach.deed == "starts") ctx->Yield(20);  // and a look at it
  }
}

void Learner::watch(ImGuiTestContext* ctx, const Reach& reach, std::size_t which) {
  if (key_in(reach.that)) return press(ctx, reach);
  if (!dream().playing) ctx->KeyPress(ImGuiKey_Space);
  until(ctx, reach.that, [&] { return reached(which); });
}

void Learner::drive(ImGuiTestContext* ctx, const Reach& reach, std::size_t which) {
  if (!dream().playing) ctx->KeyPress(ImGuiKey_Space);
  const auto keys = dream().spaces.action.keys;
  const bool up = std::ranges::any_of(keys, [](const KeyBinding& each) { return each.key == "up"; });
  const ImGuiKey key = up || keys.empty() ? ImGuiKey_UpArrow : window->ui().keymap.to_key(keys.back().key);
  ctx->KeyDown(key);
  until(ctx, reach.that, [&] { return reached(which); });
  ctx->KeyUp(key);
}

void Learner::drag_bars(ImGuiTestContext* ctx, const Reach& reach) {
  const ImRect bars = ctx->ItemInfo((std::string(mind) + "/**/bars").c_str()).RectFull;
  for (int i = 0; i < static_cast<int>(reach.value); ++i) {
    const float x = bars.Min.x + bars.GetWidth() * (0.2f + 0.25f * static_cast<float>(i));
    ctx->MouseMoveToPos({x, bars.GetCenter().y});
    ctx->MouseDown();
    for (int up = 1; up < 5; ++up) ctx->MouseMoveToPos({x, bars.GetCenter().y - bars.GetHeight() * 0.08f * static_cast<float>(up)});
    ctx->MouseUp();
    ctx->Yield(2);
  }
}

/// A token in the middle of the grid, then a code; another token where the code was the one that stood there.
void Learner::exchange_tokens(ImGuiTestContext* ctx, const Reach& reach) {
  const ImRect book = ctx->ItemInfo((std::string(mind) + "/**/codebook").c_str()).RectFull;
  for (int i = 0; i < static_cast<int>(reach.value); ++i) {
    const float side = book.GetHeight() / 8;
    ctx->MouseMoveToPos({book.Min.x - side * (1.5f + 2 * static_cast<float>(i)), book.Min.y + 3 * side});
    ctx->MouseClick();
    ctx->MouseMoveToPos({book.Min.x + 0.3f * book.GetWidth(), book.Min.y + 0.5f * side});
    ctx->MouseClick();
    ctx->Yield(2);
  }
}

void Learner::hold(ImGuiTestContext* ctx, const Reach& reach) {
  if (reach.value > 1) return ctx->ItemClick((std::string(mind) + "/**/###keep").c_str());
  const ImRect cells = ctx->ItemInfo((std::string(mind) + "/**/prior").c_str()).RectFull;
  ctx->MouseMoveToPos({cells.Min.x + cells.GetWidth() * 0.3f, cells.Min.y + cells.GetHeight() * 0.3f});
  ctx->MouseClick();
}

void Learner::couple(ImGuiTestContext* ctx, const Reach& reach) {
  const auto how = reach.deed == "anchor" ? anchored_every(static_cast<int>(reach.value)).how : coupling_called(reach.name);
  const std::string way = how == Coupling::anchored ? "re-anchored" : coupling_text(how, 0);
  ctx->ItemClick((std::string(worlds) + "/###coupling").c_str());
  ctx->ItemClick(("//$FOCUSED/" + way).c_str());
}

void Learner::set_knob(ImGuiTestContext* ctx, const Reach& reach) {
  if (const Action* action = key_in(reach.that)) return ctx->KeyPress(action->chord);
  const auto knobs = dream().knobs;  // the snapshot that holds them is gone with the frame
  for (const KnobView& each : knobs) {
    if (each.knob.name != reach.name) continue;
    const std::string slider = std::string(worlds) + "/##";
    const bool linked = !each.knob.group.name.empty() && ctx->ItemExists((slider + each.knob.group.name).c_str());
    std::string there = slider + (linked ? each.knob.group.name : reach.name);
    const bool hidden = !ctx->ItemExists(there.c_str());  // it has no room, and is behind the dots
    if (hidden) {
      ctx->ItemClick((std::string(worlds) + "/###more transport").c_str());
      there = "//$FOCUSED/##" + reach.name;
    }
    if (each.knob.choices.empty()) {
      ctx->ItemInputValue(there.c_str(), static_cast<float>(reach.value));
    } else {
      ctx->ItemClick(there.c_str());
      ctx->ItemClick(("//$FOCUSED/" + each.knob.choices.at(static_cast<std::size_t>(reach.value))).c_str());
    }
    if (hidden) ctx->PopupCloseAll();
  }
}

/// In the run's settings, where the lesson points: "world.against=vicreg".
void Learner::choose(ImGuiTestContext* ctx, const std::string& setting) {
  const std::size_t equals = setting.find('=');
  const std::string key = setting.substr(0, equals);
  if (!until(ctx, key + " is in sight", [&] { return lessons_of().seen(key); })) return;
  ctx->Yield(3);  // it may be scrolled to
  ctx->MouseMoveToPos(lessons_of().middle_of(key));
  ctx->MouseClick();
  ctx->Yield(3);
  ctx->ItemClick(("//$FOCUSED/" + setting.substr(equals + 1)).c_str());
}

void Learner::do_it(ImGuiTestContext* ctx, const Reach& reach, std::size_t which) {
  const std::string& deed = reach.deed;
  if (deed == "steps" || deed == "error" || deed == "untrue" || deed == "probe")
    watch(ctx, reach, which);
  else if (deed == "playing" || deed == "pills" || deed == "starts" || deed == "behind")
    press(ctx, reach);
  else if (deed == "driven")
    drive(ctx, reach, which);
  else if (deed == "edits")
    ctx->ItemExists((std::string(mind) + "/**/codebook").c_str()) ? exchange_tokens(ctx, reach) : drag_bars(ctx, reach);
  else if (deed == "goals")
    aim(ctx, static_cast<int>(reach.value));
  else if (deed == "rolls")
    ctx->ItemClick((std::string(mind) + "/**/###randomise").c_str());
  else if (deed == "held")
    hold(ctx, reach);
  else if (deed == "released")
    ctx->ItemClick((std::string(mind) + "/**/###release").c_str());
  else if (deed == "anchor" || deed == "coupling")
    couple(ctx, reach);
  else if (deed == "knob")
    set_knob(ctx, reach);
  else if (deed == "curve")
    until(ctx, reach.that, [&] { return reached(which); }, 400);  // it learns by itself
  else if (deed == "setting")
    choose(ctx, reach.name);
  else if (deed == "tab")
    ctx->ItemClick((std::string(mind) + "/mind/###" + reach.name).c_str());
  else
    ADD_FAILURE() << "The learner does not know how '" << deed << "' is done.";
  until(ctx, reach.that, [&] { return reached(which); });
}

void Learner::answer(ImGuiTestContext* ctx, const Question& question) {
  const auto choose = [&](std::size_t i) {
    const auto key = static_cast<ImGuiKey>(ImGuiKey_1 + static_cast<int>(i));
    if (window->ui().keymap.owns(key))  // it drives here
      ctx->ItemClick(("//Lesson###lesson/**/$$" + std::to_string(i) + "/###answer").c_str());
    else
      ctx->KeyPress(key);
    ctx->Yield(2);
    EXPECT_EQ(lessons_of().answered(), static_cast<int>(i));
  };
  std::size_t right = 0;
  for (std::size_t i = 0; i < question.answers.size(); ++i) {
    if (question.answers[i].right) {
      right = i;
      continue;
    }
    choose(i);
    EXPECT_EQ(lessons_of().missing(), "First: answer the question.") << question.answers[i].text;
  }
  choose(right);
}

}  // namespace dream::ui
