#pragma once
#include <cstddef>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/engine/system.h"

namespace dream {

/// One moment of a world, as it was or is, on the CPU.
struct Moment {
  Observation seen;
  torch::Tensor action;  // [1, A], which led there, as the model takes actions
  bool first = false;    // of an episode
};

/// Where a dream begins.
struct Start {
  std::uint64_t seed = 0;
  std::vector<std::byte> env;  // the real world's state; empty: none goes with it, as nobody recorded one
  std::deque<Moment> watched;  // what the model sees before it closes its eyes, the last frame last
  Carry carry;                 // what it made of them
  Carry memory;                // what the behaviour remembers
  bool stale = false;          // both are of weights that have been replaced since
};

/// Steps of the world that a model watches at most before a dream begins.
constexpr std::int64_t most_watched = 60;

/// What a start is made with: a system, its real world, what its dreams are bent by.
struct Stage {
  System& system;
  Env& env;
  const KnobValues& knobs;
  at::Generator rng;

  /// What actions are here: the model's own, or the environment's.
  ActionSpace actions() const;
  /// Whether the environment takes the model's actions.
  bool shares_actions() const;
  /// [1, A]: of somebody who touches nothing.
  torch::Tensor idle() const;
  /// The environment's observation, on the CPU.
  Observation look() const;
  /// A moment more is seen. Empty without a model.
  Carry see(const Carry& carry, const Moment& moment) const;
  /// A start whose moments are known: model and behaviour are asked anew.
  void see_all(Start& start) const;
};

/// Where dreams begin: an environment, a recorded clip, a picture.
class StartSource {
 public:
  virtual ~StartSource() = default;
  /// Another seed gives another start where there is more than one. Throws dream::Error where it does not fit the
  /// stage.
  virtual Start next(std::uint64_t seed, const Stage& stage) = 0;
  /// In words: "clip runs/car/data/own". Empty for the environment.
  virtual std::string name() const = 0;
};

/// The environment under the system's own behaviour, watched for a while; nobody at the wheel where there is none.
std::unique_ptr<StartSource> start_in_environment();
/// A moment of an episode: the world is reset with `seed`, the first `step` of `actions` [≥ step, A] are taken, and the last of
/// what was seen is watched. Every seed gives that one start. Its next() throws dream::Error where the actions are not this
/// world's, or the episode ends before.
std::unique_ptr<StartSource> start_in_episode(std::uint64_t seed, std::shared_ptr<const std::vector<float>> actions,
                                              std::int64_t step, const std::string& name);
/// A dataset's folder: its episodes, one after the other, watched for a while each. A picture (PNG, JPEG, BMP): that one
/// moment. Throws dream::Error for what is neither.
std::unique_ptr<StartSource> start_from_file(const std::string& path);
/// The middle of a picture, as this world's are: uint8 [1, H, W, C]. Throws dream::Error for what is none.
torch::Tensor picture_from_file(const std::string& path, const Spaces& spaces);
/// Whether it is one of them, by what is there: a folder with episodes, a file that begins as a picture does.
bool is_start(const std::filesystem::path& path);

}  // namespace dream
