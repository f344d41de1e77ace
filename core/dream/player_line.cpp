// A player whose dream others follow, and one that follows.
#include <algorithm>

#include "api/error.h"
#include "core/dream/player.h"

namespace dream {
namespace {

/// "64 x 64 x 3" of uint8 [1, H, W, C]; "no picture".
std::string size_in_words(const torch::Tensor& picture) {
  if (!picture.defined()) return "no picture";
  std::string words;
  for (std::int64_t i = 1; i < picture.dim(); ++i) words += (i > 1 ? " x " : "") + std::to_string(picture.size(i));
  return words;
}

}  // namespace

std::shared_ptr<const DreamLine> Player::line() const {
  if (!system_ || timeline_.empty()) return nullptr;
  auto line = std::make_shared<DreamLine>();
  line->start = now_.start;
  line->environment = system_->environment;
  line->shared = !now_.strange;
  const auto path = timeline_.path(timeline_.present(), 0);
  for (const auto id : path) {
    const auto& then = timeline_.at(id);
    line->steps.push_back({id, then.action, then.anchored == then.step});
  }
  const auto first = path.empty() ? timeline_.present() : timeline_.before(path.front());
  line->whole = first != Timeline::none && timeline_.at(first).step == 0;
  if (line->whole) line->begins = first;
  return line;
}

void Player::begin_beside(const DreamLine& line) {
  torch::NoGradGuard no_grad;
  needs_model();
  if (line.environment != system_->environment)
    throw Error("it dreams of " + system_->environment + ", and this is " + line.environment);
  if (!line.shared || !stage().shares_actions()) throw Error("its actions are a model's own, which no other model takes");
  const auto mine = stage().look();
  const auto& its = line.start->watched.back();
  const auto same = [](const torch::Tensor& a, const torch::Tensor& b) {
    return a.defined() == b.defined() && (!a.defined() || a.sizes() == b.sizes());
  };
  if (!same(mine.image, its.seen.image))
    throw Error("it sees " + size_in_words(mine.image) + ", and the dream that it is to follow " + size_in_words(its.seen.image));
  if (!same(mine.vector, its.seen.vector)) throw Error("it sees other numbers than the dream that it is to follow");
  if (static_cast<std::int64_t>(stage().actions().size()) != its.action.size(1))
    throw Error("it takes " + std::to_string(stage().actions().size()) + " action values, and the dream that it is to follow " +
                std::to_string(its.action.size(1)));
  Start start;
  start.seed = line.start->seed;
  start.env = line.start->env;
  start.watched = line.start->watched;
  stage().see_all(start);
  playing_ = false;
  begin(start);
}

void Player::go_beside(const DreamLine::Step& step) {
  if (now_.dream_over) return;
  if (step.anchored && twin_ && !now_.recorded && !now_.real_over) pill_ = true;
  script_.assign(1, {step.action, false});
  this->step(next_due_);
}

std::vector<float> Player::errors(std::size_t most) const {
  std::vector<float> last;
  for (auto id = timeline_.present(); id != Timeline::none && last.size() < most; id = timeline_.before(id)) {
    const auto& then = timeline_.at(id);
    if (then.step == 0) break;
    last.push_back(then.real_over && then.step != then.real_ended ? -1 : static_cast<float>(then.error));
  }
  std::ranges::reverse(last);
  return last;
}

}  // namespace dream
