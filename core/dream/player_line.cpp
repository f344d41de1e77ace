// A player whose dream others follow, and one that follows.
#include <algorithm>

#include "api/error.h"
#include "core/dream/player.h"
#include "core/env/resizer.h"

namespace dream {
namespace {

/// "64 x 64 x 3" of uint8 [1, H, W, C]; "no picture".
std::string size_in_words(const torch::Tensor& picture) {
  if (!picture.defined()) return "no picture";
  std::string words;
  for (std::int64_t i = 1; i < picture.dim(); ++i) words += (i > 1 ? " x " : "") + std::to_string(picture.size(i));
  return words;
}

/// A picture of another model's size, as one sees it whose own is `mine`: what is finer becomes coarser. Anything else is as it was.
torch::Tensor as_small_as(const torch::Tensor& mine, const torch::Tensor& picture) {
  if (!mine.defined() || !picture.defined() || mine.sizes() == picture.sizes() || mine.size(3) != picture.size(3)) return picture;
  if (mine.size(1) > picture.size(1) || mine.size(2) > picture.size(2)) return picture;
  const auto pixels = [&](int axis) { return static_cast<int>(picture.size(axis)); };
  const auto from = picture.contiguous();
  auto small = torch::empty_like(mine);
  Resizer(pixels(1), pixels(2), pixels(3), static_cast<int>(mine.size(1)), static_cast<int>(mine.size(2)))(
      from.data_ptr<std::uint8_t>(), pixels(2), small.data_ptr<std::uint8_t>());
  return small;
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
    line->steps.push_back({id, then.action, then.anchored == then.step, then.pilled});
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
  auto watched = line.start->watched;
  for (auto& moment : watched) {
    moment.seen.image = as_small_as(mine.image, moment.seen.image);
    moment.seen.goal = as_small_as(mine.goal, moment.seen.goal);
  }
  const auto& its = watched.back();
  const auto same = [](const torch::Tensor& a, const torch::Tensor& b) {
    return a.defined() == b.defined() && (!a.defined() || a.sizes() == b.sizes());
  };
  if (!same(mine.image, its.seen.image))
    throw Error("it sees " + size_in_words(mine.image) + ", and the dream that it is to follow " + size_in_words(its.seen.image) +
                "; let the one lead that sees more");
  if (!same(mine.vector, its.seen.vector)) throw Error("it sees other numbers than the dream that it is to follow");
  if (static_cast<std::int64_t>(stage().actions().size()) != its.action.size(1))
    throw Error("it takes " + std::to_string(stage().actions().size()) + " action values, and the dream that it is to follow " +
                std::to_string(its.action.size(1)));
  Start start;
  start.seed = line.start->seed;
  start.env = line.start->env;
  start.watched = std::move(watched);
  stage().see_all(start);
  playing_ = false;
  begin(start);
}

void Player::go_beside(const DreamLine::Step& step) {
  if (now_.dream_over) return;
  if (twin_ && !now_.recorded && !now_.real_over) pill_ = step.pilled, anchor_next_ = step.anchored && !step.pilled;
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
