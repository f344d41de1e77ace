#include "ui/words.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ui/widgets.h"

namespace dream::ui {

std::string pace_of(const DreamView& dream) {
  if (!dream.ready) return "·";
  if (!dream.playing) return "paused";
  return std::to_string(std::lround(dream.measured_rate)) + " fps";
}

std::string state_of(const TrainView& train, double now) {
  const std::string by = train.trained_by.substr(0, train.trained_by.find(" on "));
  const std::string run = train.run + (by.empty() ? "" : " · trained by " + by);
  if (train.saved_seconds_ago < 0) return run;
  const double since = train.published_at > 0 ? std::max(now - train.published_at, 0.0) : 0;
  return run + " · saved " + short_time(train.saved_seconds_ago + since) + " ago";
}

std::string no_warning(const TrainView& train) {
  constexpr std::size_t enough = 20;  // points of a curve before silence means something …
  constexpr double early = 0.1;       // … and little as long as no more of a phase is done
  std::size_t most = 0;
  for (const CurveView& curve : train.curves) most = std::max(most, curve.y.size());
  if (!train.open) return "";
  if (most == 0) return "Nothing has been trained yet.";
  if (most < enough) return "Too early to say what looks wrong.";
  double done = 1;  // of the phase that was begun last
  for (const PhaseView& phase : train.phases) done = phase.progress > 0 ? phase.progress : done;
  if (done >= early) return "No warnings.";
  return "No warnings yet, which says little after " + std::to_string(static_cast<int>(done * 100)) + " % of this phase.";
}

std::string setting_text(const FieldValue& value) {
  if (const bool* on = std::get_if<bool>(&value)) return *on ? "true" : "false";
  if (const std::int64_t* whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
  if (const std::string* words = std::get_if<std::string>(&value)) return *words;
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", std::get<double>(value));
  return text;
}

std::string usual_text(const HonestyClock& clock) {
  return (clock.crossed ? "" : "> ") + std::to_string(clock.usual);
}

std::string usual_steps(const HonestyClock& clock) {
  return usual_text(clock) + (clock.crossed && clock.usual == 1 ? " step" : " steps");
}

std::string counted(std::int64_t count, const std::string& what, const std::string& several) {
  return with_separators(count) + " " + (count == 1 ? what : several.empty() ? what + "s" : several);
}

std::string world_label(const std::string& world) {
  const auto colon = world.find(':'), bracket = world.find('['), space = world.find(' ');
  if (colon == std::string::npos || colon > std::min(bracket, space)) return world;
  const auto closed = bracket == std::string::npos || bracket > space ? std::string::npos : world.find(']', bracket);
  const auto rest = closed == std::string::npos ? std::string() : world.substr(closed + 1);
  const auto name = world.substr(colon + 1, closed == std::string::npos ? std::string::npos : bracket - colon - 1);
  return name + rest;
}

}  // namespace dream::ui
