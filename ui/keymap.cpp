#include "ui/keymap.h"

#include <algorithm>

#include "api/platform_time.h"
#include "imgui_internal.h"

namespace dream::ui {

namespace {

/// A stick that rests a little off its middle is at rest.
float leaning(float amount) {
  constexpr float rest = 0.18f;
  return amount < rest ? 0.0f : std::min((amount - rest) / (1 - rest), 1.0f);
}

/// How far the gamepad presses this key of the world.
float pressed_by(const PadState& pad, ImGuiKey key, bool discrete, bool space_is_bound) {
  const auto most = [](bool cross, std::initializer_list<float> others) {
    float amount = cross ? 1.0f : 0.0f;
    for (const float other : others) amount = std::max(amount, leaning(other));
    return amount;
  };
  // In a world of axes the stick steers alone: leaning it forward is no gas.
  const float forward = discrete ? pad.y : 0;
  float amount = 0;
  if (key == ImGuiKey_LeftArrow) amount = most(pad.left, {-pad.x});
  if (key == ImGuiKey_RightArrow) amount = most(pad.right, {pad.x});
  if (key == ImGuiKey_UpArrow) amount = most(pad.up || (pad.a && !space_is_bound), {pad.gas, forward});
  if (key == ImGuiKey_DownArrow) amount = most(pad.down || pad.b, {pad.brake, -forward});
  if (key == ImGuiKey_Space) amount = most(pad.a, {});
  if (discrete) amount = amount >= 0.5f ? 1.0f : 0.0f;  // a choice is made or not
  return amount;
}

}  // namespace

std::string Keymap::printed(char us_letter) const {
  const std::string there = layout_ ? layout_(us_letter) : std::string();
  return there.empty() ? std::string(1, us_letter) : there;
}

ImGuiKey Keymap::to_key(const std::string& name) const {
  if (name == "left") return ImGuiKey_LeftArrow;
  if (name == "right") return ImGuiKey_RightArrow;
  if (name == "up") return ImGuiKey_UpArrow;
  if (name == "down") return ImGuiKey_DownArrow;
  if (name == "space") return ImGuiKey_Space;
  if (name.size() == 1 && name[0] >= '0' && name[0] <= '9') return static_cast<ImGuiKey>(ImGuiKey_0 + (name[0] - '0'));
  const auto is_letter = [](const std::string& s) { return s.size() == 1 && s[0] >= 'a' && s[0] <= 'z'; };
  if (!is_letter(name)) return ImGuiKey_None;
  const std::string there = printed(name[0]);
  return static_cast<ImGuiKey>(ImGuiKey_A + ((is_letter(there) ? there : name)[0] - 'a'));
}

std::string Keymap::to_label(const std::string& name) const {
  if (name == "left") return "←";
  if (name == "right") return "→";
  if (name == "up") return "↑";
  if (name == "down") return "↓";
  if (name.size() != 1 || (name[0] >= '0' && name[0] <= '9')) return name;
  std::string there = printed(name[0]);
  if (there.size() == 1 && there[0] >= 'a' && there[0] <= 'z') there[0] = static_cast<char>(there[0] - 'a' + 'A');
  return there;
}

std::string Keymap::letters() const {
  std::string all;
  for (const char* letter : {"w", "a", "s", "d"}) {
    const ImGuiKey key = to_key(letter);
    if (std::find(aliases_.begin(), aliases_.end(), key) != aliases_.end())
      all += (all.empty() ? "" : " ") + to_label(letter);
  }
  return all;
}

std::string Keymap::pad_label(const ActionSpace& space, const std::string& name) const {
  const bool fires = std::any_of(space.keys.begin(), space.keys.end(),
                                 [](const KeyBinding& binding) { return binding.key == "space"; });
  const std::string stick = space.discrete() ? "stick or cross " : "cross ";
  if (name == "left") return "stick or cross ←";
  if (name == "right") return "stick or cross →";
  if (name == "up") return stick + "↑, right trigger" + (fires ? "" : ", A");
  if (name == "down") return stick + "↓, left trigger, B";
  return name == "space" ? "A" : "";
}

void Keymap::update(const ActionSpace& space, bool free, double event_time, const std::optional<PadState>& pad) {
  free_ = free;
  const bool same = names_.size() == space.keys.size() &&
                    std::equal(names_.begin(), names_.end(), space.keys.begin(),
                               [](const std::string& name, const KeyBinding& binding) { return name == binding.key; });
  keys_.clear(), aliases_.clear();  // the layout may have changed
  for (const KeyBinding& binding : space.keys) keys_.push_back(to_key(binding.key));
  for (const ImGuiKey key : keys_) {
    ImGuiKey alias = ImGuiKey_None;
    if (key == ImGuiKey_LeftArrow) alias = to_key("a");
    if (key == ImGuiKey_RightArrow) alias = to_key("d");
    if (key == ImGuiKey_UpArrow) alias = to_key("w");
    if (key == ImGuiKey_DownArrow) alias = to_key("s");
    aliases_.push_back(std::find(keys_.begin(), keys_.end(), alias) == keys_.end() ? alias : ImGuiKey_None);
  }
  if (!same) {
    names_.clear();
    for (const KeyBinding& binding : space.keys) names_.push_back(binding.key);
    held_.assign(keys_.size(), 0);
    pressed_order_.assign(keys_.size(), 0);
  }

  const ImGuiIO& io = ImGui::GetIO();
  const bool chord = !captured_ && (io.KeyCtrl || io.KeyAlt || io.KeySuper);  // Ctrl-S is a shortcut, not a brake
  const bool space_is_bound = std::find(keys_.begin(), keys_.end(), ImGuiKey_Space) != keys_.end();
  bool pressed = false, engaged = false;
  for (std::size_t i = 0; i < keys_.size(); ++i) {
    const ImGuiKey key = keys_[i], alias = aliases_[i];
    float amount = 0;
    if (free && !chord &&
        ((key != ImGuiKey_None && ImGui::IsKeyDown(key)) || (alias != ImGuiKey_None && ImGui::IsKeyDown(alias))))
      amount = 1;
    if (free && pad) amount = std::max(amount, pressed_by(*pad, key, space.discrete(), space_is_bound));
    pressed |= amount != held_[i];
    engaged |= amount > 0;
    if (amount > 0 && held_[i] <= 0) pressed_order_[i] = ++presses_;
    held_[i] = amount;
  }

  std::vector<float>& action = action_;
  action.assign(space.size(), 0);
  for (std::size_t i = 0; i < action.size() && i < space.idle.size(); ++i) action[i] = space.idle[i];
  long latest = 0;  // one choice at a time: that of the key pressed last
  for (std::size_t i = 0; i < space.keys.size(); ++i) {
    const KeyBinding& binding = space.keys[i];
    if (held_[i] <= 0 || binding.axis < 0 || static_cast<std::size_t>(binding.axis) >= action.size()) continue;
    float& value = action[static_cast<std::size_t>(binding.axis)];
    if (!space.discrete())
      value += binding.value * held_[i];
    else if (pressed_order_[i] > latest)
      value = binding.value, latest = pressed_order_[i];  // an index is not summed
  }
  for (std::size_t i = 0; i < action.size() && !space.discrete(); ++i) {
    if (i < space.low.size()) action[i] = std::max(action[i], space.low[i]);
    if (i < space.high.size()) action[i] = std::min(action[i], space.high[i]);
  }
  engaged_ = engaged;
  if (pressed) pressed_at_ = event_time > 0 ? event_time : now_seconds();
  // The first idle state is what the engine assumes anyway, so nothing is sent before the first key.
  changed_ = engaged_ != sent_engaged_ || (engaged_ && action_ != sent_action_);
}

std::optional<Drive> Keymap::take_change() {
  if (!changed_) return std::nullopt;
  changed_ = false;
  sent_engaged_ = engaged_;
  sent_action_ = action_;
  return Drive{engaged_, action_, pressed_at_};
}

bool Keymap::owns(ImGuiKey key) const {
  return captured_ ? key != ImGuiKey_Escape : drives(key);
}

bool Keymap::drives(ImGuiKey key) const {
  const auto has = [&](const std::vector<ImGuiKey>& keys) {
    return key != ImGuiKey_None && std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  return has(keys_) || has(aliases_);
}

}  // namespace dream::ui
