#include "core/dream/timeline.h"

#include <algorithm>
#include <set>

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
    for (const auto* tensor : {&of.last_reward, &of.action, &of.image, &of.chance}) one(*tensor);
  };
  if (before) visit(*before, false);
  visit(instant, true);
  return bytes;
}

TimelineStep step_of(Timeline::Id id, const Instant& instant, const Instant* before) {
  return {id,
          instant.step,
          static_cast<float>(before ? instant.dream_reward - before->dream_reward : 0),
          instant.done_probability,
          static_cast<float>(instant.error),
          instant.real_over,
          instant.step > 0 && instant.anchored == instant.step};
}

}  // namespace

void Timeline::clear() {
  nodes_.clear();
  present_ = none;
  bytes_ = 0;
}

void Timeline::add(Node node) {
  const auto parent = nodes_.find(node.parent);
  node.bytes = bytes_of(node.instant, parent == nodes_.end() ? nullptr : &parent->second.instant);
  bytes_ += node.bytes;
  present_ = ++last_;
  if (parent != nodes_.end()) parent->second.next = present_;
  nodes_[present_] = std::move(node);
  while (bytes_ > budget_ && nodes_.begin()->first != present_) forget_oldest();
}

void Timeline::push(Instant instant, bool begins) {
  add({std::move(instant), begins ? none : present_, none, 0});
}

void Timeline::replace(Instant instant) {
  auto& node = nodes_.at(present_);
  if (node.next != none) return add({std::move(instant), node.parent, none, 0});
  node.instant = std::move(instant);
}

/// Ids grow along every line, so nothing lies before the smallest: what followed it begins without it.
void Timeline::forget_oldest() {
  const auto oldest = nodes_.begin();
  for (auto& [id, node] : nodes_) {
    if (node.parent == oldest->first) node.parent = none;
  }
  bytes_ -= oldest->second.bytes;
  nodes_.erase(oldest);
}

bool Timeline::go(Id id) {
  if (!nodes_.contains(id)) return false;
  present_ = id;
  for (Id child = id; nodes_.at(child).parent != none; child = nodes_.at(child).parent)
    nodes_.at(nodes_.at(child).parent).next = child;
  return true;
}

TimelineView Timeline::view() const {
  TimelineView view;
  view.bytes = static_cast<double>(bytes_);
  view.budget = static_cast<double>(budget_);
  if (empty()) return view;
  const auto node = [&](Id id) -> const Node& { return nodes_.at(id); };
  std::vector<Id> line;
  for (Id id = present_; id != none; id = node(id).parent) line.push_back(id);
  std::ranges::reverse(line);
  view.present = line.size() - 1;
  for (Id id = node(present_).next; id != none; id = node(id).next) line.push_back(id);
  const Instant* before = nullptr;
  for (const Id id : line) {
    view.line.push_back(step_of(id, node(id).instant, before));
    before = &node(id).instant;
  }
  // A branch is named by its end; it is of this dream where its oldest kept instant is.
  const std::set<Id> on_line(line.begin(), line.end());
  std::set<Id> parents;
  for (const auto& [id, each] : nodes_) parents.insert(each.parent);
  for (const auto& [id, each] : nodes_) {
    if (parents.contains(id) || on_line.contains(id)) continue;
    Id fork = id;
    while (fork != none && !on_line.contains(fork)) fork = node(fork).parent;
    if (fork == none) continue;
    view.branches.push_back({id, node(fork).instant.step, each.instant.step});
  }
  return view;
}

}  // namespace dream
