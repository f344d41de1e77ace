#include "core/dream/timeline.h"

#include <algorithm>
#include <set>
#include <utility>

namespace dream {
namespace {

/// What an instant keeps alive that the one before it does not; the frames of its history but the newest are theirs.
std::size_t bytes_of(const Instant& instant, const Instant* before) {
  std::set<const void*> shared;
  std::size_t bytes = sizeof(Instant) + instant.env.size() + instant.history.size() * sizeof(Moment);
  const auto visit = [&](const Instant& of, bool count) {
    const auto one = [&](const torch::Tensor& tensor) {
      if (tensor.defined() && shared.insert(tensor.unsafeGetTensorImpl()).second && count) bytes += tensor.nbytes();
    };
    for (const auto* carry : {&of.drawn, &of.dream, &of.real, &of.memory}) {
      for (const auto& [name, tensor] : *carry) one(tensor);
    }
    for (const auto& carry : of.ahead) {
      for (const auto& [name, tensor] : carry) one(tensor);
    }
    for (const auto* tensor : {&of.last_reward, &of.action, &of.image, &of.chance, &of.stood, &of.goal}) one(*tensor);
    if (!of.history.empty()) one(of.history.back().seen.vector), one(of.history.back().seen.goal);
  };
  if (before) visit(*before, false);
  visit(instant, true);
  return bytes;
}

TimelineStep step_of(Timeline::Id id, const Instant& instant, const Instant* before) {
  // Without a model there is what the real world gave alone.
  const auto earned = [](const Instant& of) { return of.drawn.empty() ? of.real_reward : of.dream_reward; };
  return {id,
          instant.step,
          static_cast<float>(before ? earned(instant) - earned(*before) : 0),
          instant.done_probability,
          static_cast<float>(instant.error),
          instant.real_over,
          instant.step > 0 && instant.anchored == instant.step,
          instant.honest >= 0,
          instant.surprise,
          instant.picture};
}

}  // namespace

void Timeline::clear() {
  first_ += static_cast<Id>(nodes_.size());  // an id is never given twice
  nodes_.clear();
  present_ = none;
  bytes_ = 0;
}

void Timeline::add(Instant instant, Id parent) {
  const auto bytes = bytes_of(instant, kept(parent) ? &node(parent).instant : nullptr);
  present_ = first_ + static_cast<Id>(nodes_.size());
  if (kept(parent)) node(parent).next = present_;
  nodes_.push_back({std::move(instant), parent, none, bytes});
  bytes_ += bytes;
  while (bytes_ > budget_ && first_ != present_) {
    bytes_ -= nodes_.front().bytes;
    nodes_.pop_front();
    ++first_;
  }
}

void Timeline::push(Instant instant, bool begins) {
  add(std::move(instant), begins ? none : present_);
}

void Timeline::replace(Instant instant) {
  auto& present = node(present_);
  if (present.next != none) return add(std::move(instant), present.parent);
  const auto bytes = bytes_of(instant, kept(present.parent) ? &node(present.parent).instant : nullptr);
  bytes_ += bytes - std::exchange(present.bytes, bytes);
  present.instant = std::move(instant);
}

bool Timeline::go(Id id) {
  if (!kept(id)) return false;
  present_ = id;
  for (Id child = id; before(child) != none; child = before(child)) node(before(child)).next = child;
  return true;
}

void Timeline::note(std::shared_ptr<const Image> picture) {
  auto& present = node(present_);
  if (present.instant.picture == picture) return;
  const auto size = [](const Image* image) { return image ? image->pixels.size() : 0; };
  const auto before = size(present.instant.picture.get());
  present.instant.picture = std::move(picture);
  const auto now = size(present.instant.picture.get());
  present.bytes += now - before;
  bytes_ += now - before;
}

std::vector<Timeline::Id> Timeline::path(Id id, std::int64_t step) const {
  std::vector<Id> ids;
  for (; kept(id) && node(id).instant.step > step; id = node(id).parent) ids.push_back(id);
  std::ranges::reverse(ids);
  return ids;
}

TimelineView Timeline::view() const {
  TimelineView view;
  view.bytes = static_cast<double>(bytes_);
  view.budget = static_cast<double>(budget_);
  if (empty()) return view;
  std::vector<Id> line;
  for (Id id = present_; id != none; id = before(id)) line.push_back(id);
  std::ranges::reverse(line);
  view.present = line.size() - 1;
  for (Id id = node(present_).next; id != none; id = node(id).next) line.push_back(id);
  const Instant* last = nullptr;
  for (const Id id : line) {
    view.line.push_back(step_of(id, node(id).instant, last));
    last = &node(id).instant;
  }
  // A branch is named by its end, and leaves the line where its ancestors first lie on it.
  const auto on_line = [&](Id id) { return std::ranges::binary_search(line, id); };
  for (Id id = line.front() + 1; kept(id); ++id) {
    if (node(id).next != none || on_line(id)) continue;
    Id fork = id;
    while (fork > line.front() && !on_line(fork)) fork = before(fork);
    if (fork >= line.front()) view.branches.push_back({id, node(fork).instant.step, node(id).instant.step, node(id).instant.picture});
  }
  return view;
}

}  // namespace dream
