#include "ui/game.h"

#include "ui/ui.h"

namespace dream::ui {

std::string world_of(const DreamView& dream) {
  return dream.world.substr(0, dream.world.find(" · "));
}

const TimelineStep* present_of(const DreamView& dream) {
  const TimelineView& timeline = dream.timeline;
  return timeline.present < timeline.line.size() ? &timeline.line[timeline.present] : nullptr;
}

void Game::finish(Ui& ui) const {
  if (!yours() || !scores_ || world_.empty()) return;
  const auto [best, first] = ui.settings.best.emplace(world_, score_);
  if (!first && score_ <= best->second) return;
  best->second = score_;
  ui.settings_changed = true;
}

void Game::tick(Ui& ui) {
  constexpr double shown = 5;  // seconds
  const DreamView& dream = ui.dream();
  const bool other = dream.run != run_;
  const bool anew = other || dream.step < step_;
  if (anew) {
    finish(ui);
    by_hand_ = lived_ = 0;
    if (other) ended_.clear();
    for (const std::string begins : {"The dream ", "The episode "})  // another one has begun meanwhile
      if (ended_.starts_with(begins)) ended_.replace(0, 4, "The last ");
  }
  const auto steps = other ? 0 : anew ? dream.step : dream.step - step_;  // what was lived before one looked is nobody's
  lived_ += steps;
  if (dream.hands_on) by_hand_ += steps;
  run_ = dream.run, world_ = world_of(dream), step_ = dream.step;
  scores_ = dream.ready && (dream.has_reward || (dream.twin && !dream.recorded));
  score_ = dream.has_reward ? dream.dream_reward : dream.real_reward;
  if (!dream.ended.empty()) ended_ = dream.ended, ended_at_ = ui.time, finish(ui);
  if (ui.time - ended_at_ > shown) ended_.clear();
}

}  // namespace dream::ui
