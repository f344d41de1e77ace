#include "core/live/gallery.h"

#include <algorithm>

#include "api/platform_time.h"
#include "core/engine/guests.h"
#include "core/engine/run_file.h"
#include "core/env/registry.h"
#include "core/live/live_work.h"

namespace dream {
namespace {

constexpr double share_of_a_core = 0.1;
constexpr double most_frames_per_second = 6;  // of one dream
constexpr double measured_over = 2;           // seconds
constexpr int anchored_every = 50;            // steps: long enough to see it drift
constexpr std::int64_t longest_dream = 400;   // steps, then another start
constexpr std::size_t remembered_bytes = 4'000'000;
constexpr int still_side = 160;  // pixels

}  // namespace

void Gallery::watch(const std::vector<std::string>& paths) {
  std::vector<Dream> next;
  for (const auto& path : paths) {
    const auto open = std::ranges::find(dreams_, path, [](const Dream& dream) { return dream.view.path; });
    next.push_back(open != dreams_.end() ? std::move(*open) : Dream());
    next.back().view.path = path;
  }
  dreams_ = std::move(next);
  since_ = 0;
}

/// A picture of the world after a second in which nobody touches it, which is there long before all models are read.
void Gallery::look_at_world(Dream& dream) {
  dream.looked = true;
  try {
    const auto world = Checkpoint::peek(checkpoint_path(dream.view.path)).text("environment");
    if (world.find(':') != std::string::npos) return;  // a program of its own, which takes seconds to begin
    const auto env = make_env(world);
    env->reset(1);
    const auto& idle = env->spaces().action.idle;
    for (int step = 0; step < static_cast<int>(env->spaces().natural_rate) && !env->step(idle).done(); ++step) {
    }
    auto still = std::make_shared<Image>(Image{still_side, still_side, 3, std::vector<std::uint8_t>(3u * still_side * still_side)});
    env->render(still_side, still_side, still->pixels);
    dream.view.world = std::move(still);
  } catch (const std::exception&) {  // what is wrong with it is said when it is opened
  }
}

void Gallery::open(Dream& dream) const {
  auto system = load_with_driver(load_run(checkpoint_path(dream.view.path)), device_);
  dream.player = std::make_unique<Player>(remembered_bytes);
  dream.player->load(std::move(system), dream.view.path);
  dream.player->set_coupling(Coupling::anchored, anchored_every);
}

double Gallery::work() {
  if (const auto unseen = std::ranges::find(dreams_, false, &Dream::looked); unseen != dreams_.end()) {
    look_at_world(*unseen);
    return 0;
  }
  const auto next = std::ranges::min_element(dreams_, {}, [](const Dream& dream) { return dream.due; });
  if (next == dreams_.end()) return 1;
  const double began = now_seconds();
  if (since_ == 0) since_ = began, busy_ = 0, frames_ = 0;
  if (next->due > began) return next->due - began;
  double rest = 0;
  try {
    // To open them all takes seconds, once: the wall should not wait ten times as long.
    const bool fresh = !next->player;
    if (fresh) open(*next);
    auto& player = *next->player;
    if (!fresh) player.step(began);
    const auto glance = player.glance();
    for (const auto& frame : glance.frames) (frame.name == "dream" ? next->view.dream : next->view.real) = frame.image;
    next->view.honesty = glance.honesty;
    if (glance.step >= longest_dream) player.control(DreamControl::Do::new_start);
    next->due = began + 1 / most_frames_per_second;
    const double took = now_seconds() - began;
    ++frames_;
    if (!fresh) busy_ += took, rest = took * (1 - share_of_a_core) / share_of_a_core;
  } catch (const std::exception& error) {
    next->view.fault = in_words(error);
    next->player.reset();
    next->due = 1e300;  // until it is watched anew
  }
  if (const double over = now_seconds() - since_ + rest; over > measured_over) {
    rate_ = static_cast<double>(frames_) / over;
    share_ = busy_ / over;
    since_ = 0;
  }
  return rest;
}

std::shared_ptr<const PreviewsView> Gallery::view() const {
  auto view = std::make_shared<PreviewsView>();
  for (const auto& dream : dreams_) view->all.push_back(dream.view);
  view->frames_per_second = rate_;
  view->share = share_;
  return view;
}

}  // namespace dream
