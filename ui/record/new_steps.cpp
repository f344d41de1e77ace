#include "ui/record/new_steps.h"

#include <algorithm>

#include "ui/pictures.h"

namespace dream::ui {
namespace {

std::int64_t newest_of(const TimelineView& timeline) {
  std::int64_t newest = timeline.line.empty() ? 0 : timeline.line.back().id;
  for (const TimelineBranch& branch : timeline.branches) newest = std::max(newest, branch.end);
  return newest;
}

}  // namespace

std::shared_ptr<const Image> shown(const DreamView& dream) {
  const Frame* frame = find_frame(dream.frames, dream.has_model ? "dream" : "real");
  return frame ? frame->image : nullptr;
}

NewSteps::NewSteps(const DreamView& dream) {
  if (!dream.timeline.line.empty()) newest_ = newest_of(dream.timeline);
}

std::vector<std::shared_ptr<const Image>> NewSteps::take(const DreamView& dream) {
  const auto& line = dream.timeline.line;
  if (line.empty()) {
    if (dream.step == std::exchange(step_, dream.step)) return {};
    return {shown(dream)};
  }
  const std::size_t present = dream.timeline.present;
  const std::int64_t now = line[present].id;
  std::vector<std::shared_ptr<const Image>> pictures;
  const auto picture = [&](std::size_t i) { return i == present ? shown(dream) : line[i].picture; };
  if (last_ == 0) {
    pictures.push_back(picture(present));
  } else {
    // Ids grow along every line. What is new has been lived; what is not may only have been looked at, unless it plays.
    const auto first = std::ranges::upper_bound(line, last_, {}, &TimelineStep::id) - line.begin();
    for (auto i = static_cast<std::size_t>(first); i <= present; ++i)
      if (line[i].id > newest_ || dream.playing) pictures.push_back(picture(i));
  }
  last_ = now;
  newest_ = std::max({newest_, now, newest_of(dream.timeline)});
  return pictures;
}

}  // namespace dream::ui
