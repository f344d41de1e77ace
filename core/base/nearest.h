#pragma once
#include <string>
#include <vector>

namespace dream {

/// The nearest of `names` to `wrong` by edit distance, or "" when nothing is near. For "did you mean …".
std::string nearest(const std::string& wrong, const std::vector<std::string>& names);

}  // namespace dream
