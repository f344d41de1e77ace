#include "core/dream/arena.h"

#include <algorithm>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/engine/run_file.h"
#include "core/nn/in_words.h"
#include "core/nn/parameter_count.h"

namespace dream {
namespace {

constexpr std::size_t remembered_bytes = 64'000'000;  // of each one's timeline
constexpr std::size_t errors_shown = 240;
constexpr double weight_of_new = 0.1;  // in the mean of the times that a step took

}  // namespace

void Arena::seat(const std::vector<std::string>& runs) {
  std::vector<Rival> next;
  for (const auto& run : runs) {
    if (next.size() == most || std::ranges::any_of(next, [&](const Rival& r) { return r.view.run == run; })) continue;
    const auto open = std::ranges::find(rivals_, run, [](const Rival& rival) { return rival.view.run; });
    next.push_back(open != rivals_.end() ? std::move(*open) : Rival());
    next.back().view.run = run;
  }
  rivals_ = std::move(next);
}

void Arena::hear(std::shared_ptr<const DreamLine> line) {
  const bool anew = line && (!line_ || line->start != line_->start);
  line_ = std::move(line);
  for (auto& rival : rivals_) {
    rival.new_line = true;
    if (anew) rival.view.fault.clear();  // what could not be opened may be there now, and what could not follow that dream may follow this one
  }
}

void Arena::open(Rival& rival) const {
  const auto system = std::shared_ptr<System>(load_system(load_run(checkpoint_path(rival.view.run)), device_));
  rival.view.title = system->title;
  rival.view.world = system->environment;
  rival.view.parameters = system->model ? parameter_count(*system->model) : 0;
  rival.player = std::make_unique<Player>(remembered_bytes);
  rival.player->load(system, rival.view.run);
}

std::int64_t Arena::stand(Rival& rival) const {
  auto& player = *rival.player;
  if (rival.start != line_->start) return -1;
  const auto at = [&](Timeline::Id id) {
    const auto own = rival.lived.find(id);
    if (own == rival.lived.end()) return false;
    if (player.present() != own->second) player.go_to(own->second);
    return true;
  };
  try {
    for (auto steps = line_->steps.size(); steps > 0; --steps)
      if (at(line_->steps[steps - 1].id)) return static_cast<std::int64_t>(steps);
    return at(line_->begins) ? 0 : -1;
  } catch (const Error&) {  // it has forgotten that instant
    return -1;
  }
}

void Arena::go_on(Rival& rival) {
  const auto began = now_seconds();
  auto done = stand(rival);
  const bool begins = done < 0;
  if (begins) {
    if (!line_->whole) throw Error("it comes in when the dream begins anew: the first steps of this one are not kept any more");
    rival.lived.clear();
    rival.player->begin_beside(*line_);
    rival.start = line_->start;
    rival.lived[line_->begins] = rival.player->present();
    done = 0;
  }
  const auto all = static_cast<std::int64_t>(line_->steps.size());
  const bool goes = !begins && done < all && !rival.player->over();
  if (goes) {
    const auto& step = line_->steps[static_cast<std::size_t>(done)];
    rival.player->go_beside(step);
    rival.lived[step.id] = rival.player->present();
    ++done;
  }
  rival.left = rival.player->over() ? 0 : all - done;
  rival.new_line = false;
  look(rival, goes ? now_seconds() - began : 0);
}

/// What is shown of it. A step takes what it took to dream and to paint.
void Arena::look(Rival& rival, double seconds) const {
  const auto began = now_seconds();
  const auto glance = rival.player->glance();
  auto& view = rival.view;
  view.dream = view.real = nullptr;
  view.error = -1;
  for (const auto& frame : glance.frames) {
    if (frame.name == "dream") view.error = frame.error;
    (frame.name == "dream" ? view.dream : view.real) = frame.image;
  }
  view.honesty = glance.honesty;
  view.step = glance.step;
  view.behind = rival.left;
  view.ended = rival.player->over();
  view.errors = rival.player->errors(errors_shown);
  if (seconds <= 0) return;
  const double ms = (seconds + now_seconds() - began) * 1e3;
  view.ms = view.ms > 0 ? view.ms + weight_of_new * (ms - view.ms) : ms;
}

bool Arena::work() {
  if (!line_) return false;
  const auto waits = [](const Rival& r) { return r.view.fault.empty() && (!r.player || r.new_line || r.left > 0); };
  Rival* next = nullptr;
  for (auto& rival : rivals_)
    if (waits(rival) && (!next || !rival.player || (next->player && rival.left > next->left))) next = &rival;
  if (!next) return false;
  try {
    if (!next->player) open(*next);
    else go_on(*next);
  } catch (const std::exception& error) {
    next->view.fault = in_words(error);
    next->left = 0;
    next->new_line = false;
    next->start.reset();
  }
  return true;
}

std::int64_t Arena::behind() const {
  std::int64_t most_left = 0;
  for (const auto& rival : rivals_) most_left = std::max(most_left, rival.left + (rival.new_line && rival.view.fault.empty() ? 1 : 0));
  return most_left;
}

std::shared_ptr<const ArenaView> Arena::view() const {
  auto view = std::make_shared<ArenaView>();
  for (const auto& rival : rivals_) view->rivals.push_back(rival.view);
  return view;
}

}  // namespace dream
