#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "api/command.h"
#include "api/spaces.h"
#include "imgui.h"

namespace dream::ui {

/// A gamepad as the keymap reads it: deflections in [0, 1] toward each direction, the stick's and the cross's together;
/// the right trigger and A are up, the left trigger and B are down.
struct PadState {
  float left = 0, right = 0, up = 0, down = 0;
};

/// From ImGui's gamepad keys of this frame. A stick that rests a little off its middle is at rest.
PadState pad_state();

/// Turns held keys and a gamepad into Drive commands, by the bindings that the environment declares. Arrow bindings
/// also answer to W A S D where those letters are not bound themselves.
class Keymap {
 public:
  /// Once a frame. `free`: the keys may reach the game (no text field has the focus, the window has it).
  /// `event_time` is when the last key event arrived (platform seconds), 0 if unknown.
  void update(const ActionSpace& space, bool free, double event_time);

  /// The Drive to send when what the hands do has changed since the last call.
  std::optional<Drive> take_change();

  /// Whether this key drives now, so that no shortcut may have it.
  bool owns(ImGuiKey key) const;

  /// How far each binding of the action space is pressed, 0 … 1 (for the keycaps).
  const std::vector<float>& held() const { return held_; }
  bool engaged() const { return engaged_; }

  bool captured() const { return captured_; }  // every key goes to the game
  void capture(bool on) { captured_ = on; }

  static ImGuiKey to_key(const std::string& name);       // ImGuiKey_None when unknown
  static std::string to_label(const std::string& name);  // "←", "A", "space"

 private:
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
