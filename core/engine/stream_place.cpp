#include "core/engine/stream_place.h"

#include "api/error.h"

namespace dream {

void store_place(Checkpoint& into, const std::string& name, const StreamPlace& place) {
  if (place.next == 0) return;
  into.tensors[name] =
      torch::tensor({static_cast<double>(place.oldest), static_cast<double>(place.next), place.learned}, torch::kFloat64);
}

StreamPlace place_in(const Checkpoint& from, const std::string& name) {
  if (!from.tensors.contains(name)) return {};
  const auto stream = from.exact(name, {3}).to(torch::kFloat64).contiguous();
  const auto* place = stream.data_ptr<double>();
  constexpr double most = 1e15;
  if (!(place[0] >= 0 && place[1] > place[0] && place[1] < most && place[2] >= 0 && place[2] < most))
    throw Error(from.origin + ": '" + name + "' is no place in a stream of episodes");
  return {static_cast<std::int64_t>(place[0]), static_cast<std::int64_t>(place[1]), place[2]};
}

}  // namespace dream
