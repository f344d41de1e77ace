#include "core/base/nearest.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <utility>

namespace dream {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`: optimal string alignment.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::string after_last_dot(const std::string& key) {
  return key.substr(key.rfind('.') + 1);
}

}  // namespace

std::string nearest(const std::string& wrong, const std::vector<std::string>& names) {
  constexpr std::size_t longest = 200;  // nobody mistypes more, and the cost grows with the square
  if (wrong.empty() || wrong.size() > longest) return "";
  const std::string sought = lower(wrong);
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, wrong.size() / 3) + 1;
  for (const std::string& name : names) {
    if (name.size() > longest) continue;
    const std::string candidate = lower(name);
    std::size_t edits = distance(sought, candidate);
    // The right name without its section, or in another one, is near too.
    if (after_last_dot(candidate) == after_last_dot(sought)) edits = std::min<std::size_t>(edits, 1);
    if (edits < best_distance) {
      best = name;
      best_distance = edits;
    }
  }
  return best;
}

}  // namespace dream
