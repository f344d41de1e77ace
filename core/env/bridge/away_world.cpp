#include "core/env/bridge/away_world.h"

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "api/error.h"

namespace dream {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto believed = std::chrono::minutes(1);

class AwayWorld final : public Env {
 public:
  AwayWorld(Spaces spaces, Away away) : spaces_(std::move(spaces)), away_(std::move(away)) {}
  const Spaces& spaces() const override { return spaces_; }
  const Away* away() const override { return &away_; }
  void reset(std::uint64_t) override { refuse(); }
  StepResult step(std::span<const float>) override { refuse(); }
  void observe_image(std::span<std::uint8_t>) override { refuse(); }
  void observe_vector(std::span<float>) override { refuse(); }
  void render(int, int, std::span<std::uint8_t>) override { refuse(); }
  std::vector<std::byte> save_state() const override { refuse(); }
  void load_state(std::span<const std::byte>) override { refuse(); }

 private:
  [[noreturn]] void refuse() const { throw Error(away_.why); }

  Spaces spaces_;
  Away away_;
};

struct Remembered {
  std::string clips;
  std::function<Spaces()> read;
  std::optional<Spaces> spaces = {};
  std::string why = {};
  Clock::time_point tried = {};
};

/// The worlds, and who may touch them.
struct Memory {
  std::mutex guard;
  std::map<std::string, Remembered> worlds;
};

Memory& memory() {
  static Memory all;
  return all;
}

}  // namespace

void remember_world(const std::string& name, const std::string& clips, std::function<Spaces()> read) {
  auto& [guard, worlds] = memory();
  const std::lock_guard lock(guard);
  auto& world = worlds[name];
  if (world.clips == clips) return;
  world.clips = clips, world.read = std::move(read), world.spaces.reset();
}

std::unique_ptr<Env> away_world(const std::string& name, const std::string& why) {
  auto& [guard, worlds] = memory();
  const std::lock_guard lock(guard);
  const auto found = worlds.find(name);
  if (found == worlds.end()) return nullptr;
  auto& world = found->second;
  if (!world.spaces) world.spaces = world.read();
  world.why = why, world.tried = Clock::now();
  return std::make_unique<AwayWorld>(*world.spaces, Away{why, world.clips});
}

std::unique_ptr<Env> lately_away(const std::string& name) {
  auto& [guard, worlds] = memory();
  const std::lock_guard lock(guard);
  const auto found = worlds.find(name);
  if (found == worlds.end() || !found->second.spaces || Clock::now() - found->second.tried > believed) return nullptr;
  return std::make_unique<AwayWorld>(*found->second.spaces, Away{found->second.why, found->second.clips});
}

}  // namespace dream
