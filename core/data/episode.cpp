#include "core/data/episode.h"

#include <algorithm>
#include <numeric>

#include "core/env/env.h"

namespace dream {

void Episode::append(const Episode& piece) {
  const auto add = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
  for (const auto& [name, column] : piece.extra) {
    auto& mine = extra[name];
    mine.width = column.width, mine.per_frame = column.per_frame;
  }
  fill_columns();  // as far as this one goes, also of names that are new
  for (const auto& [name, column] : piece.extra) add(extra[name].values, column.values);
  add(frames, piece.frames);
  add(vectors, piece.vectors);
  add(actions, piece.actions);
  add(rewards, piece.rewards);
  add(terminated, piece.terminated);
  add(truncated, piece.truncated);
  fill_columns();
}

void Episode::cut(std::size_t steps) {
  if (steps >= length()) return;
  frames.resize((steps + 1) * frame_bytes());
  vectors.resize((steps + 1) * static_cast<std::size_t>(vector_size));
  actions.resize(steps * static_cast<std::size_t>(action_size));
  rewards.resize(steps), terminated.resize(steps), truncated.resize(steps);
  states.clear();
  fill_columns();
}

void Episode::fill_columns() {
  for (auto& [name, column] : extra) {
    column.values.resize(column.rows(length()) * static_cast<std::size_t>(column.width));
  }
}

double Episode::cost() const {
  const auto found = extra.find(cost_column);
  return found == extra.end() ? 0 : std::accumulate(found->second.values.begin(), found->second.values.end(), 0.0);
}

bool is_column_name(const std::string& name) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !name.empty() && name.size() <= 64 && name.find_first_not_of('.') != std::string::npos &&
         std::ranges::all_of(name, good);
}

}  // namespace dream
