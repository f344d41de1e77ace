#include "core/engine/counters.h"

#include "api/error.h"

namespace dream {

std::vector<std::int64_t> counters_of(const Checkpoint& from, const std::string& name,
                                      const std::vector<std::string>& meanings) {
  constexpr std::int64_t most = std::int64_t{1} << 50;
  const auto tensor = from.exact(name, {static_cast<std::int64_t>(meanings.size())}).contiguous();
  if (tensor.scalar_type() != torch::kInt64) throw Error(from.origin + ": '" + name + "' must hold whole numbers");
  std::vector<std::int64_t> counters;
  for (std::size_t i = 0; i < meanings.size(); ++i) {
    const auto value = tensor.data_ptr<std::int64_t>()[i];
    if (value < 0 || value > most) {
      throw Error(from.origin + ": '" + name + "' counts " + std::to_string(value) + " " + meanings[i] +
                  "; the checkpoint is damaged");
    }
    counters.push_back(value);
  }
  return counters;
}

}  // namespace dream
