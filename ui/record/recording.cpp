#include "ui/record/recording.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ui/desktop.h"
#include "ui/pictures.h"
#include "ui/ui.h"
#include "ui/widgets.h"
#include "ui/words.h"

namespace dream::ui {
namespace {

constexpr double window_rate = 30;  // pictures per second, at most

bool can_be_filmed(const std::shared_ptr<const Image>& image) {
  return image && image->width > 0 && image->height > 0 &&
         (image->channels == 1 || image->channels == 3 || image->channels == 4) &&
         image->pixels.size() == static_cast<std::size_t>(image->width) * static_cast<std::size_t>(image->height) *
                                     static_cast<std::size_t>(image->channels);
}

}  // namespace

FilmFormat film_format(const Ui& ui) {
  const std::string& chosen = ui.settings.film_format;
  if (chosen == "gif" || chosen == "png") return chosen == "gif" ? FilmFormat::gif : FilmFormat::png;
  return why_no_mp4().empty() ? FilmFormat::mp4 : FilmFormat::gif;
}

void Recording::start(Ui& ui, What what) {
  if (busy()) return;
  const FilmFormat format = film_format(ui);
  what_ = what;
  beside_ = what == What::dream && ui.settings.film_beside;
  stopped_ = false;
  rate_ = what == What::window ? window_rate : std::max(1.0, static_cast<double>(ui.dream().natural_rate));
  at_ = 0;
  began_ = ui.time;
  state_ = {};
  if (what == What::window)
    reader_.emplace();
  else
    steps_.emplace(ui.dream());
  FilmWriter::Options options;
  options.lower_priority = lower_priority_;
  writer_ = std::make_unique<FilmWriter>(
      format, screenshot_path(what == What::window ? "window" : "dream", extension_of(format)), rate_, options);
}

void Recording::stop() {
  if (!on()) return;
  stopped_ = true;
  if (reader_)
    while (std::optional<FilmPicture> picture = reader_->take(true)) writer_->add(*std::move(picture));
  reader_.reset();
  steps_.reset();
  writer_->stop();
}

void Recording::tick(Ui& ui) {
  if (!writer_) return;
  if (steps_) add_steps(ui);
  state_ = writer_->state();
  if (!state_.open) stop();  // it has ended by itself
  if (!state_.done) return;
  writer_.reset();
  say_end(ui, state_);
}

/// Beside the real world only the present can be seen: a step that no frame of the window showed lengthens the one
/// before.
void Recording::add_steps(const Ui& ui) {
  const auto pictures = steps_->take(ui.dream());
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    FilmPicture picture{.at = at_, .worlds = {pictures[i]}};
    if (beside_) {
      ++at_;
      if (i + 1 < pictures.size()) continue;
      const Frame* real = find_frame(ui.dream().frames, "real");
      picture.worlds.push_back(real ? real->image : nullptr);
    }
    if (!std::ranges::all_of(picture.worlds, can_be_filmed)) continue;
    if (picture.worlds.back()->width != picture.worlds.front()->width ||
        picture.worlds.back()->height != picture.worlds.front()->height)
      continue;
    if (!beside_) ++at_;
    writer_->add(std::move(picture));
  }
}

void Recording::window_drawn(const Ui& ui, GLFWwindow* window) {
  if (!reader_) return;
  const auto now = static_cast<std::int64_t>(std::floor((ui.time - began_) * rate_));
  if (now < at_) return;
  at_ = now + 1;
  reader_->ask(window, now);
  if (std::optional<FilmPicture> picture = reader_->take(false)) writer_->add(*std::move(picture));
}

std::string Recording::seconds() const {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(at_) / rate_);
  return text;
}

std::string Recording::figures() const {
  return seconds() + " · " + short_bytes(state_.bytes);
}

void Recording::say_end(Ui& ui, const FilmWriter::State& state) const {
  if (state.file.empty()) {
    const std::string why = state.why.empty() ? "No picture came." : state.why;
    ui.note(1, why);
    return ui.say("Nothing was recorded: " + why);
  }
  char length[32];
  std::snprintf(length, sizeof length, "%.1f s, ", state.seconds);
  std::string said = "Kept " + std::string(length) + counted(state.written, "frame") + ": " + state.file.string();
  if (state.dropped > 0)
    said += ". " + with_separators(state.dropped) + " more came faster than they could be written and are left out";
  if (!state.why.empty()) said += ". " + state.why;
  ui.say(said);
}

}  // namespace dream::ui
