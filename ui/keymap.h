#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/command.h"
#include "api/spaces.h"
#include "imgui.h"
#include "ui/gamepad.h"

namespace dream::ui {

/// Turns held keys and a gamepad into Drive commands, by the bindings that the environment declares. Letters are meant
/// by their place on a US keyboard: the same fingers drive on every layout, whatever is printed there. Arrow bindings
/// also answer to W A S D where those letters are not bound themselves. On a gamepad the stick and the cross are the
/// arrows, the right trigger is up and the left one down; A is space, or up where space is not bound, and B is down. An
/// action of axes follows stick and triggers by how far they are pressed.
class Keymap {
 public:
  /// Once a frame. `free`: the keys may reach the game (no text field has the focus, the window has it).
  /// `event_time` is when the last key event arrived (platform seconds), 0 if unknown. `pad`: what the gamepad says, if
  /// there is one; one that is unplugged lets go.
  void update(const ActionSpace& space, bool free, double event_time, const std::optional<PadState>& pad);

  /// The Drive to send when what the hands do has changed since the last call.
  std::optional<Drive> take_change();

  /// The engine's hands are empty again (another model is there): what is held is sent anew.
  void forget_sent() { sent_engaged_ = false; }

  /// Whether this key drives now, so that no shortcut may have it.
  bool owns(ImGuiKey key) const;
  bool drives(ImGuiKey key) const;  // the same, while nothing is captured

  /// How far each binding of the action space is pressed, 0 … 1 (for the keycaps).
  const std::vector<float>& held() const { return held_; }
  bool engaged() const { return engaged_; }

  bool captured() const { return captured_; }  // every key goes to the game
  void capture(bool on) { captured_ = on; }

  /// What is printed in the present layout on the key that has this letter on a US keyboard: "q" for 'a' on AZERTY.
  using Layout = std::function<std::string(char)>;
  void set_layout(Layout layout) { layout_ = std::move(layout); }

  ImGuiKey to_key(const std::string& name) const;       // ImGuiKey_None when unknown
  std::string to_label(const std::string& name) const;  // "←", "A", "space"
  std::string letters() const;                          // the keys that drive beside the arrows: "W A S D"
  /// What on a gamepad stands for this key of the world: "stick or cross ←"; empty when nothing does.
  std::string pad_label(const ActionSpace& space, const std::string& name) const;

 private:
  std::string printed(char us_letter) const;

  Layout layout_;
  std::vector<ImGuiKey> keys_, aliases_;  // per binding; alias may be None
  std::vector<std::string> names_;        // the bindings that keys_ was made from
  std::vector<float> held_;
  std::vector<long> pressed_order_;  // per binding: counts presses, so that the last one is known
  long presses_ = 0;
  std::vector<float> action_, sent_action_;
  bool engaged_ = false, sent_engaged_ = false, captured_ = false, changed_ = false, free_ = true;
  double pressed_at_ = 0;
};

}  // namespace dream::ui
