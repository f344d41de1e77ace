#pragma once
#include <array>
#include <string>

namespace dream::ui {

using Rgb = std::array<float, 3>;  // channel values in [0, 1]

/// How pictures are looked at: what is done to their values before they are shown. Never remembered: a program that
/// starts shows what the model made.
struct PictureLook {
  enum class Channel { all, red, green, blue, luminance };
  enum class Map { none, magnitude, diverging };

  float exposure = 0;  // stops: every one doubles
  float gamma = 1;     // v becomes v^(1/gamma)
  Channel channel = Channel::all;
  Map map = Map::none;      // of one channel, or of the luminance of all
  bool difference = false;  // to another picture: below and above it
  bool operator==(const PictureLook&) const = default;
};

constexpr float most_exposure = 10, least_gamma = 0.2f, most_gamma = 5;

/// The colour in which `here` is shown; a difference is taken to `other`. Without a map a difference of 0 is mid-grey; a
/// diverging map has its middle at a difference of 0, else at half. shaders/picture.frag does the same on the card.
Rgb shade(const PictureLook& look, const Rgb& here, const Rgb& other, bool dark);

/// The weights of red, green and blue in the one value that is shown; all 0 while each is shown as itself.
Rgb channel_weights(const PictureLook& look);

/// What is done to a picture, in words ("red · exposure +2 stops"); `to`: what a difference is taken to. Empty: nothing.
std::string description(const PictureLook& look, const std::string& name, const std::string& to);

}  // namespace dream::ui
