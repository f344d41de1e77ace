#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/env/bridge/gym_server.h"
#include "core/env/env.h"
#include "core/env/resizer.h"

namespace dream {

/// An environment that runs in Python: any of Gymnasium's, and what scripts/gym_server.py knows besides. Names and
/// options are listed in docs/worlds.md. Its saved state is the seed and all actions since; it is loaded by living them
/// again.
class GymEnv final : public Env {
 public:
  explicit GymEnv(const std::string& name);

  const Spaces& spaces() const override { return spaces_; }
  void reset(std::uint64_t seed) override;
  StepResult step(std::span<const float> action) override;
  void begin_reset(std::uint64_t seed) override;
  void begin_step(std::span<const float> action) override;
  void observe_image(std::span<std::uint8_t> out) override;
  void observe_vector(std::span<float> out) override;
  void render(int width, int height, std::span<std::uint8_t> out) override;
  std::vector<std::byte> save_state() const override;
  void load_state(std::span<const std::byte> state) override;

  /// Parts of the observation that are neither a picture nor short rows of numbers: nobody sees them.
  const std::vector<std::string>& left_out() const { return server_->description().left_out; }

 private:
  void open();
  void check_started(const char* what) const;
  std::uint32_t checksum() const;

  std::string name_;
  std::shared_ptr<GymServer> server_;
  Spaces spaces_;
  bool grey_ = false;
  std::optional<Resizer> resize_;
  std::vector<std::uint8_t> resized_;
  std::unique_ptr<GymServer::Lane> lane_;  // from the first reset() on: to ask for spaces opens none
  std::uint64_t seed_ = 0;
  std::vector<float> actions_;  // since reset()
  bool started_ = false, done_ = false, resetting_ = false, stepping_ = false;
};

}  // namespace dream
