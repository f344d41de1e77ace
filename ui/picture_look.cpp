#include "ui/picture_look.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ui/theme.h"

namespace dream::ui {

Rgb channel_weights(const PictureLook& look) {
  switch (look.channel) {
    case PictureLook::Channel::red: return {1, 0, 0};
    case PictureLook::Channel::green: return {0, 1, 0};
    case PictureLook::Channel::blue: return {0, 0, 1};
    case PictureLook::Channel::all:
      if (look.map == PictureLook::Map::none) return {0, 0, 0};
      break;
    case PictureLook::Channel::luminance: break;
  }
  return {0.2126f, 0.7152f, 0.0722f};
}

Rgb shade(const PictureLook& look, const Rgb& here, const Rgb& other, bool dark) {
  const Rgb weights = channel_weights(look);
  Rgb v = here;
  for (std::size_t i = 0; look.difference && i < 3; ++i) v[i] -= other[i];
  if (weights != Rgb{}) v.fill(v[0] * weights[0] + v[1] * weights[1] + v[2] * weights[2]);
  for (float& each : v) {
    each *= std::exp2(look.exposure);
    each = std::copysign(std::pow(std::abs(each), 1 / look.gamma), each);
  }
  if (look.map != PictureLook::Map::none) {
    const bool magnitude = look.map == PictureLook::Map::magnitude;
    const ImVec4 colour = to_vec(magnitude ? magnitude_colour(std::abs(v[0]))
                                           : signed_colour(look.difference ? v[0] : 2 * v[0] - 1, dark));
    return {colour.x, colour.y, colour.z};
  }
  for (float& each : v) each = std::clamp(look.difference ? 0.5f + 0.5f * each : each, 0.0f, 1.0f);
  return v;
}

std::string description(const PictureLook& look, const std::string& name, const std::string& to) {
  std::string said;
  const auto say = [&](const std::string& what) { said += (said.empty() ? "" : " · ") + what; };
  const auto figure = [](const char* format, float value) {
    char text[32];
    std::snprintf(text, sizeof text, format, static_cast<double>(value));
    return std::string(text);
  };
  static constexpr const char *channels[] = {"", "red", "green", "blue", "luminance"},
                              *maps[] = {"", "magnitude map", "signed map"};
  if (look.difference) say(name + " − " + to);
  if (look.channel != PictureLook::Channel::all) say(channels[static_cast<int>(look.channel)]);
  if (look.exposure != 0) say("exposure " + figure("%+g", look.exposure) + " stops");
  if (look.gamma != 1) say("gamma " + figure("%g", look.gamma));
  if (look.map != PictureLook::Map::none) say(maps[static_cast<int>(look.map)]);
  return said;
}

}  // namespace dream::ui
