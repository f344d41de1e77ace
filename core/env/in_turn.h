#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "core/env/env.h"

namespace dream {

/// Several worlds with continuous actions as one, for whoever learns them all (Hansen et al. 2024, section 4.2): the episode
/// of seed s is one of world s mod n. Vector: the world's number, its own vector, zeros up to the longest. Action: in
/// [-1, 1], as many axes as the world with most; each world takes its first ones, within its own bounds. Rewards, ends,
/// time limits and pictures are the world's own. Costs are left out.
class InTurn final : public Env {
 public:
  struct World {
    std::string name;
    std::unique_ptr<Env> env;
  };
  /// Throws dream::Error for a world with choices, another size of picture or no time limit.
  InTurn(std::string name, std::vector<World> worlds);

  const Spaces& spaces() const override { return spaces_; }
  void reset(std::uint64_t seed) override;
  StepResult step(std::span<const float> action) override;
  void observe_image(std::span<std::uint8_t> out) override;
  void observe_vector(std::span<float> out) override;
  void render(int width, int height, std::span<std::uint8_t> out) override;
  /// The world's own, which says whose it is.
  std::vector<std::byte> save_state() const override;
  void load_state(std::span<const std::byte> state) override;
  std::vector<NamedArray> diagnostics() const override;
  bool expert(std::span<float> action) const override;

 private:
  Env& now(const char* what) const;

  std::string name_;
  std::vector<World> worlds_;
  Spaces spaces_;
  std::size_t turn_;  // whose episode it is; one beyond the last before reset()
};

}  // namespace dream
