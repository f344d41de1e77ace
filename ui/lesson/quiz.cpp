#include "ui/lesson/quiz.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "ui/pictures.h"

namespace dream::ui {
namespace {

constexpr double patience = 10;  // seconds that the dream may take to answer

/// Wilson's interval at one standard error: the middle and half of its width.
std::pair<double, double> wilson(int right, int asked) {
  const double n = asked, p = right / n, base = 1 + 1 / n;
  return {(p + 0.5 / n) / base, std::sqrt(p * (1 - p) / n + 0.25 / (n * n)) / base};
}

}  // namespace

double Quiz::Accuracy::low() const {
  const auto [middle, half] = wilson(right, asked);
  return middle - half;
}
double Quiz::Accuracy::high() const {
  const auto [middle, half] = wilson(right, asked);
  return middle + half;
}

std::string Quiz::why_not(const Ui& ui) {
  const DreamView& dream = ui.dream();
  if (!dream.ready) return "No dream yet: open a run first.";
  if (!dream.has_model) return "This run has no model: it acts in the real world alone, and nothing is dreamt.";
  if (!dream.source.empty()) return "This dream begins at a recording: no real world goes on beside it.";
  if (dream.recorded) return "No real world goes on beside this dream.";
  const Frame* frame = find_frame(dream.frames, "dream");
  if (!frame || !frame->image) return "This model paints no pictures: there is nothing to compare.";
  return "";
}

void Quiz::begin(Ui& ui) {
  const DreamView& dream = ui.dream();
  if (!why_not(ui).empty()) return;
  if (run_ != dream.run) run_ = dream.run, at_ = 0, longest_ = static_cast<int>(horizons.size()) - 1, answers_.clear();
  if (!std::exchange(busy_, true))
    played_ = dream.playing, human_ = dream.human_pilot, twin_ = dream.twin, coupling_ = {dream.coupling, dream.coupling_steps};
  trouble_.clear();
  failed_ = 0;
  real_left_ = std::bernoulli_distribution()(rng_);
  clip_painted_ = painted_;
  ui.engine.send(SetTwin{true});
  ui.engine.send(SetCoupling{Coupling::drift, 0});  // the agent drives well; the dream must follow
  ui.engine.send(SetPilot{false});
  want_start(ui);
}

void Quiz::want_start(Ui& ui) {
  state_ = State::making;
  dreamt_.clear(), real_.clear(), seen_.clear();
  error_ = -1;
  ui.engine.send(DreamControl{DreamControl::Do::pause});
  ui.engine.send(DreamControl{DreamControl::Do::new_start});
  sent_at_ = ui.dream().version, sent_time_ = ui.time;
}

void Quiz::stop(Ui& ui) {
  state_ = State::idle;
  if (!std::exchange(busy_, false)) return;
  ui.engine.send(coupling_);
  ui.engine.send(SetPilot{human_});
  if (!twin_) ui.engine.send(SetTwin{false});
  if (played_) ui.engine.send(DreamControl{DreamControl::Do::play});
}

/// An episode was over before its clip: another start, and after some a shorter clip.
void Quiz::ask_again(Ui& ui, const std::string& why) {
  if (++failed_ < 8) return want_start(ui);
  failed_ = 0;
  longest_ = at_ - 1;
  at_ = 0;
  if (longest_ >= 0) return want_start(ui);
  trouble_ = why;
  stop(ui);
}

void Quiz::frame(Ui& ui) {
  const DreamView& dream = ui.dream();
  const bool hidden = ImGui::GetFrameCount() > shown_ + 2, other_run = dream.run != run_;
  if (busy_ && (hidden || other_run || !why_not(ui).empty())) return stop(ui);
  if (state_ != State::making) return;
  const auto made = static_cast<std::int64_t>(dreamt_.size());
  if (ui.time - sent_time_ > patience) {
    trouble_ = "The dream did not answer within 10 s; try again.";
    return stop(ui);
  }
  if (dream.version == sent_at_ || dream.playing || dream.step > made) return;  // the answer is on its way
  const Frame *dreamt = find_frame(dream.frames, "dream"), *real = find_frame(dream.frames, "real"),
              *seen = find_frame(dream.frames, "reconstruction");
  if (dream.step < made - 1 || !real || real->past)
    return ask_again(ui, "Every episode that was tried ended at once: there is no clip to show.");
  if (dream.step < made || !dreamt->image || !real->image) return;
  dreamt_.push_back(dreamt->image), real_.push_back(real->image);
  seen_.push_back(seen && seen->image ? seen->image : real->image);
  error_ = dreamt->error;
  if (made == horizon()) {
    state_ = State::asking;
    return;
  }
  ui.engine.send(DreamControl{DreamControl::Do::step});
  sent_at_ = dream.version, sent_time_ = ui.time;
}

std::shared_ptr<const Image> Quiz::picture(bool left, int step) const {
  const auto& real = clip_painted_ ? seen_ : real_;
  const auto& clip = left != real_left_ && step > 0 ? dreamt_ : real;
  if (clip.empty()) return nullptr;
  return clip[static_cast<std::size_t>(std::clamp(step, 0, static_cast<int>(clip.size()) - 1))];
}

void Quiz::answer(bool left) {
  if (state_ != State::asking) return;
  answers_.push_back({horizon(), real_left_, left == real_left_, clip_painted_, error_});
  state_ = State::told;
  at_ = at_ >= longest_ ? 0 : at_ + 1;
}

Quiz::Accuracy Quiz::accuracy(int horizon) const {
  Accuracy sum;
  for (const Answered& answer : answers_)
    if (answer.horizon == horizon && answer.painted == painted_) ++sum.asked, sum.right += answer.right;
  return sum;
}

std::string Quiz::csv() const {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out << "horizon,real_side,answered_right,real_clip,mse\n";
  for (const Answered& a : answers_) {
    out << a.horizon << ',' << (a.real_left ? "left" : "right") << ',' << (a.right ? 1 : 0) << ','
        << (a.painted ? "painted" : "camera") << ',';
    if (a.error >= 0) out << a.error;
    out << '\n';
  }
  return out.str();
}

}  // namespace dream::ui
