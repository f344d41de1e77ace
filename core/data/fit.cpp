#include "core/data/fit.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "core/env/resizer.h"

namespace dream {
namespace {

std::string picture_text(int height, int width, int channels) {
  return std::to_string(height) + " × " + std::to_string(width) + " × " + std::to_string(channels);
}

std::string action_text(const ActionSpace& action) {
  if (action.discrete()) return "one of " + std::to_string(action.choices.size()) + " choices";
  const auto axes = action.axes.size();
  return std::to_string(axes) + (axes == 1 ? " axis" : " axes");
}

std::string number_text(float value) {
  auto text = std::to_string(value);
  text.erase(std::min(text.find_last_not_of('0') + 1, text.size()));
  if (text.ends_with('.')) text.pop_back();
  return text;
}

/// The first axis whose bounds both sides know, and which differ.
std::string other_bounds(const ActionSpace& have, const ActionSpace& want) {
  for (std::size_t axis = 0; axis < std::min(have.low.size(), want.low.size()); ++axis) {
    const float known[] = {have.low[axis], have.high[axis], want.low[axis], want.high[axis]};
    if (!std::all_of(std::begin(known), std::end(known), [](float v) { return std::isfinite(v); })) continue;
    const float most = 1e-3f * (want.high[axis] - want.low[axis]);
    if (std::abs(known[0] - known[2]) <= most && std::abs(known[1] - known[3]) <= most) continue;
    return "holds actions whose axis " + std::to_string(axis) + " goes from " + number_text(known[0]) + " to " +
           number_text(known[1]) + ", and that of ENV from " + number_text(known[2]) + " to " + number_text(known[3]);
  }
  return "";
}

std::string refusal_of(const Spaces& have, const Spaces& want, const Needs& needs) {
  const bool pictures = want.image_bytes() > 0 && needs.pictures, vectors = !want.vector_names.empty() && needs.vectors;
  if (pictures && have.image_bytes() == 0) return "holds no pictures, and ENV is learned from pictures here";
  if (vectors && have.vector_names.size() != want.vector_names.size()) {
    const auto there = have.vector_names.size();
    return (there == 0 ? std::string("holds no vectors") : "holds vectors of " + std::to_string(there) + " numbers") +
           ", and ENV has vectors of " + std::to_string(want.vector_names.size());
  }
  if (!needs.actions) return "";
  if (have.action.size() == 0 && want.action.size() > 0)
    return "holds no actions, and what was done in ENV is learned from here; a video has its own in a CSV beside it, and genie learns without";
  if (have.action.size() != want.action.size() || have.action.choices.size() != want.action.choices.size())
    return "holds actions of " + action_text(have.action) + ", and ENV has " + action_text(want.action);
  return other_bounds(have.action, want.action);
}

/// uint8 [pixels, from] -> [pixels, to].
std::vector<std::uint8_t> recoloured(const std::vector<std::uint8_t>& frames, int from, int to) {
  const auto pixels = frames.size() / static_cast<std::size_t>(from);
  std::vector<std::uint8_t> out(pixels * static_cast<std::size_t>(to));
  for (std::size_t i = 0; i < pixels; ++i) {
    const auto* in = frames.data() + i * static_cast<std::size_t>(from);
    const auto grey = from >= 3 ? static_cast<std::uint8_t>((299 * in[0] + 587 * in[1] + 114 * in[2] + 500) / 1000) : in[0];
    for (int c = 0; c < to; ++c) out[i * static_cast<std::size_t>(to) + static_cast<std::size_t>(c)] = to >= 3 && from >= 3 ? in[std::min(c, from - 1)] : grey;
  }
  return out;
}

void fit_pictures(Episode& e, const Spaces& want, Resizer* resizer) {
  const auto count = e.length() + 1, bytes = want.image_bytes();
  if (bytes == 0) {
    e.frames.clear(), e.height = e.width = e.channels = 0;
    return;
  }
  if (e.frames.empty()) {
    e.frames.assign(count * bytes, 0);
  } else {
    if (e.channels != want.image_channels) e.frames = recoloured(e.frames, e.channels, want.image_channels);
    if (resizer) {
      std::vector<std::uint8_t> resized(count * bytes);
      const auto from = e.frames.size() / count;
      for (std::size_t t = 0; t < count; ++t) (*resizer)(e.frames.data() + t * from, e.width, resized.data() + t * bytes);
      e.frames = std::move(resized);
    }
  }
  e.height = want.image_height, e.width = want.image_width, e.channels = want.image_channels;
}

}  // namespace

Fitting fit_to(const Spaces& want, const std::string& environment, Needs needs) {
  return [want, environment, needs](const DatasetInfo& info) -> Fit {
    const auto& have = info.spaces;
    Fit fit;
    fit.refusal = refusal_of(have, want, needs);
    if (const auto at = fit.refusal.find("ENV"); at != std::string::npos) fit.refusal.replace(at, 3, environment);
    if (!fit.refusal.empty()) return fit;
    const auto axes = want.action.size();
    fit.acted = have.action.size() == axes && have.action.choices.size() == want.action.choices.size();
    const bool sized = have.image_height == want.image_height && have.image_width == want.image_width;
    const bool coloured = have.image_channels == want.image_channels, pictured = have.image_bytes() > 0;
    const auto numbers = want.vector_names.size();
    if (sized && coloured && have.vector_names.size() == numbers && fit.acted) return fit;
    std::shared_ptr<Resizer> resizer;
    if (pictured && want.image_bytes() > 0 && !(sized && coloured)) {
      fit.note = "holds pictures of " + picture_text(have.image_height, have.image_width, have.image_channels) + ", which become " +
                 picture_text(want.image_height, want.image_width, want.image_channels);
      if (!sized)
        resizer = std::make_shared<Resizer>(have.image_height, have.image_width, want.image_channels, want.image_height, want.image_width);
    } else if (!pictured && want.image_bytes() > 0) {
      fit.note = "holds no pictures; what the model has in mind is painted from this run's own alone";
    }
    if (!fit.acted) fit.note += (fit.note.empty() ? "holds " : "; it holds ") + std::string(have.action.size() == 0 ? "no actions" : "other actions") + ", and none are looked at here";
    fit.apply = [want, resizer, numbers, axes, acted = fit.acted](Episode& e) {
      fit_pictures(e, want, resizer.get());
      if (!acted) {
        e.action_size = static_cast<int>(axes);
        e.actions.resize(e.length() * axes);
        for (std::size_t i = 0; i < e.actions.size(); ++i) e.actions[i] = i % axes < want.action.idle.size() ? want.action.idle[i % axes] : 0;
      }
      if (static_cast<std::size_t>(e.vector_size) == numbers) return;
      e.vectors.assign((e.length() + 1) * numbers, 0.0f);
      e.vector_size = static_cast<int>(numbers);
    };
    return fit;
  };
}

}  // namespace dream
