#include "ui/transport.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>

#include "ui/control_row.h"
#include "ui/knobs.h"
#include "ui/record/recording.h"
#include "ui/sentence.h"
#include "ui/widgets.h"

namespace dream::ui {
namespace {

constexpr float sentence_width = 340;  // that a sentence takes in one line

float sentence_height(const Ui& ui, const Hands& hands) {
  return std::max(hands.keys ? ui.px(24) : 0, static_cast<float>(hands.lines) * ImGui::GetTextLineHeight());
}

float between(const Ui& ui) {
  return ui.px(6);
}

std::string what_keys_do(const Ui& ui, const DreamView& dream) {
  const std::string letters = ui.keymap.letters();
  return std::string(dream.human_pilot || !dream.has_behaviour ? "Hold to drive; nobody does while no key is held."
                                                               : "Hold to take over; let go to hand back.") +
         (letters.empty() ? " A gamepad drives too." : " " + letters + " and a gamepad drive too.");
}

void draw_key(Ui& ui, const DreamView& dream, std::size_t i) {
  const KeyBinding& binding = dream.spaces.action.keys[i];
  keycap(ui, ui.keymap.to_label(binding.key).c_str(), i < ui.keymap.held().size() ? ui.keymap.held()[i] : 0);
  tip(ui, binding.label.c_str(), what_keys_do(ui, dream).c_str());
}

/// The keys with what they do, one below the other.
void list_keys(Ui& ui, const DreamView& dream) {
  for (std::size_t i = 0; i < dream.spaces.action.keys.size(); ++i) {
    draw_key(ui, dream, i);
    ImGui::SameLine(0, ui.px(8));
    text(ui.color().muted, "%s", dream.spaces.action.keys[i].label.c_str());
  }
}

/// The keycaps, the key that captures, and the sentence of this moment: always in the same place.
void draw_sentence(Ui& ui, const DreamView& dream, const Hands& hands, float width) {
  const ImVec2 from = ImGui::GetCursorScreenPos();
  if (hands.keys) {
    for (std::size_t i = 0; i < dream.spaces.action.keys.size(); ++i) {
      draw_key(ui, dream, i);
      ImGui::SameLine(0, ui.px(6));
    }
    keycap(ui, ui.keymap.captured() ? "Esc" : "Tab", ui.keymap.captured() ? 1.0f : 0.0f);
    tip(ui, "Where keys go",
        "Tab gives every key to the game, Esc takes them back. While a text field has the focus, keys are its alone.");
    ImGui::SameLine(0, ui.px(10));
  }
  const Sentence said = sentence(ui);
  const float room = from.x + width - ImGui::GetCursorScreenPos().x, lines = static_cast<float>(hands.lines) + 0.5f;
  float relative = 0.94f;
  const auto fits = [&] {
    WithFont font(ui.fonts.text, relative);
    return ImGui::CalcTextSize(said.text.c_str(), nullptr, false, room).y < lines * ImGui::GetTextLineHeight();
  };
  while (relative > 0.7f && !fits()) relative -= 0.06f;  // a long sentence keeps to its lines
  WithFont small(ui.fonts.text, relative);
  const ImVec2 size = ImGui::CalcTextSize(said.text.c_str(), nullptr, false, room);
  const ImVec2 at{ImGui::GetCursorScreenPos().x, from.y + std::max(0.0f, (sentence_height(ui, hands) - size.y) / 2)};
  ImGui::GetWindowDrawList()->AddText(nullptr, 0, at, said.colour, said.text.c_str(), nullptr, room);
  ImGui::SetCursorScreenPos(at);
  ImGui::Dummy({room, size.y});
  tip(ui, "Now", said.text.c_str());
}

void draw_speed(Ui& ui, const DreamView& dream, float width) {
  static constexpr float factors[] = {0.25f, 0.5f, 1, 2, 4, 0};
  static constexpr const char* labels[] = {"0.25×", "0.5×", "1×", "2×", "4×", "max"};
  const float natural = std::max(dream.natural_rate, 1.0f);
  int chosen = dream.steps_per_second <= 0 ? 5 : -1;
  for (int i = 0; i < 5 && chosen < 0; ++i)
    if (std::abs(factors[i] * natural - dream.steps_per_second) < 0.05f * dream.steps_per_second) chosen = i;
  char other[16];  // a pace that a lesson or the command line has set
  std::snprintf(other, sizeof other, "%.2g×", static_cast<double>(dream.steps_per_second / natural));
  ImGui::SetNextItemWidth(width);
  ImGui::BeginDisabled(!dream.ready);
  const bool slow = dream.ready && dream.playing && dream.measured_rate > 0 && dream.measured_rate < 0.7f * dream.steps_per_second;
  if (slow) ImGui::PushStyleColor(ImGuiCol_Text, ui.color().warning);
  const bool open = ImGui::BeginCombo("##speed", chosen < 0 ? other : labels[chosen]);
  if (slow) ImGui::PopStyleColor();
  if (open) {
    for (int i = 0; i < 6; ++i) {
      if (ImGui::Selectable(labels[i], i == chosen)) {
        ui.undoable("speed", SetSpeed{dream.steps_per_second}, SetSpeed{factors[i] * natural});
        ui.send(SetSpeed{factors[i] * natural});
      }
    }
    ImGui::EndCombo();
  }
  ImGui::EndDisabled();
  char pace[224];
  const int said = std::snprintf(pace, sizeof pace, "Dream steps per second: 1× is %.0f steps/s, the pace of the real world; max is as fast as it can.",
                                 static_cast<double>(natural));
  if (slow)
    std::snprintf(pace + said, sizeof pace - static_cast<std::size_t>(said), " Amber: it makes %.1f of %.0f a second here.",
                  static_cast<double>(dream.measured_rate), static_cast<double>(dream.steps_per_second));
  tip(ui, "Speed", dream.ready ? pace : "No dream yet.");
}

void draw_pilot(Ui& ui, const DreamView& dream) {
  ImGui::BeginDisabled(!dream.ready || !dream.has_behaviour);
  const char* nobody = "Nobody else can drive here: nothing was trained to.";
  const int who =
      segmented(ui, "pilot", {"you", "agent"}, dream.human_pilot || !dream.has_behaviour ? 0 : 1,
                {dream.has_behaviour ? "While no key is held nobody drives. M switches." : nobody,
                 dream.has_behaviour ? "While no key is held the trained agent drives. M switches." : nobody});
  ImGui::EndDisabled();
  if (who >= 0) ui.send(SetPilot{who == 0});
}

float button_width(const char* label) {
  return ImGui::CalcTextSize(label).x + 2 * ImGui::GetStyle().FramePadding.x;
}

/// The ones that are needed most come first.
std::vector<Control> controls_of(Ui& ui, const DreamView& dream) {
  const float square = ui.px(44), speed = ui.px(82);
  const auto fixed = [](float width, auto draw) { return Control{width, width, draw}; };
  std::vector<Control> all{
      fixed(square, [&ui](float wide) { action_button(ui, icon::restart, "restart", false, wide); }),
      fixed(square,
            [&ui, &dream](float wide) {
              action_button(ui, dream.playing ? icon::pause : icon::play, "play", true, wide);
            }),
      fixed(square, [&ui](float wide) { action_button(ui, icon::step, "step", false, wide); }),
      fixed(speed, [&ui, &dream](float wide) { draw_speed(ui, dream, wide); }),
  };
  std::ranges::move(knob_controls(ui, dream), std::back_inserter(all));
  all.push_back(
      fixed(button_width("you") + ui.px(3) + button_width("agent"), [&ui, &dream](float) { draw_pilot(ui, dream); }));
  for (const KnobView* choice : choices_of(dream))
    all.push_back(fixed(choice_width(ui, *choice), [&ui, choice](float wide) { draw_choice(ui, *choice, wide); }));
  if (dream.worlds.size() > 1)
    all.push_back(fixed(world_list_width(ui, dream), [&ui, &dream](float wide) { draw_world_list(ui, dream, wide); }));
  const std::string shuffle = std::string(icon::shuffle) + "  new start";
  all.push_back(
      fixed(button_width(shuffle.c_str()), [&ui, shuffle](float) { action_button(ui, shuffle.c_str(), "new_start"); }));
  all.push_back(fixed(record_button_width(ui, false), [&ui](float wide) { draw_record_button(ui, wide); }));
  return all;
}

}  // namespace

Hands hands_for(Ui& ui, const DreamView& dream, ImVec2 panel) {
  Hands hands;
  const bool low = panel.y < ui.px(400);
  const float keys = static_cast<float>(dream.spaces.action.keys.size() + 1) * ui.px(34);
  hands.keys = !low && keys + ui.px(sentence_width) < panel.x;
  hands.lines = panel.x < ui.px(sentence_width) ? 2 : 1;
  hands.rows = low ? 1 : rows_for(ui, controls_of(ui, dream), panel.x, 2);
  hands.height = sentence_height(ui, hands) + static_cast<float>(hands.rows) * (between(ui) + ImGui::GetFrameHeight());
  return hands;
}

void draw_transport(Ui& ui, const DreamView& dream, const Hands& hands, float width,
                    const std::function<void()>& more) {
  const ImVec2 from = ImGui::GetCursorScreenPos();
  draw_sentence(ui, dream, hands, width);
  ImGui::SetCursorScreenPos({from.x, from.y + sentence_height(ui, hands) + between(ui)});
  const bool hides_keys = !hands.keys && !dream.spaces.action.keys.empty();
  const auto behind = [&] {
    if (more) more();
    if (hides_keys) list_keys(ui, dream);
  };
  control_row(ui, "transport", controls_of(ui, dream), width, hands.rows,
              more || hides_keys ? std::function<void()>(behind) : std::function<void()>());
}

}  // namespace dream::ui
