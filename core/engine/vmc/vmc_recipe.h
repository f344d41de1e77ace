#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/base/choice.h"
#include "core/base/rng.h"
#include "core/data/dataset_sources.h"
#include "core/data/episode_stream.h"
#include "core/engine/lanes.h"
#include "core/engine/random_weights.h"
#include "core/engine/seeds.h"
#include "core/engine/system.h"
#include "core/engine/vmc/frame_source.h"
#include "core/models/vmc.h"

namespace dream {

/// Who drives while data is collected: a Brownian motion of the controls; V-M-C with random weights (published for the car);
/// both good and bad drivers: a third random weights, a third a run's controller that is mixed with a random motion, a
/// third the same controller with shaken actions; or controls that are drawn anew after 1 to 10 steps (published for Doom).
enum class CollectPolicy { brownian, random_weights, mixed, held };
constexpr auto choice_names(CollectPolicy) {
  return names_of_choice("brownian", "random-weights", "mixed", "held");
}

/// Where the search for C begins: at zero (published), or at what imitates a teacher.
enum class SearchStart { zero, imitate };
constexpr auto choice_names(SearchStart) {
  return names_of_choice("zero", "imitate");
}

/// Where the candidates of the search drive: the real environment, or M's dream.
enum class SearchWorld { real, dream };
constexpr auto choice_names(SearchWorld) {
  return names_of_choice("real", "dream");
}

/// Defaults that fit two cores, or the published amounts of data and steps.
enum class Preset { desk, paper };
constexpr auto choice_names(Preset) {
  return names_of_choice("desk", "paper");
}

/// Every setting of the World Models recipe. The defaults fit two cores; where the published run differs (Ha &
/// Schmidhuber 2018, hardmaru/WorldModelsExperiments) its figure stands in the help, and `--set preset=paper` restores
/// it. Layers, losses and sampling are the published ones either way.
struct VmcOptions {
  Preset preset = Preset::desk;
  std::int64_t seed = 1;

  struct Vm {
    std::string from;
  } vm;

  struct Collect {
    CollectPolicy policy = CollectPolicy::brownian;
    std::string driver;
    double noise = 0.3;
    std::int64_t episodes = 200;
    std::int64_t max_steps = 1000;
    std::int64_t lanes = 8;
    GivenDatasets datasets;
    double budget_gb = 4;
  } collect;

  struct V {
    std::int64_t latent_size = 32;
    double learning_rate = 1e-4;
    std::int64_t batch = 100;
    std::int64_t epochs = 10;
    bool bfloat16 = true;
  } v;

  struct M {
    std::int64_t hidden_size = 256;
    std::int64_t mixtures = 5;
    double learning_rate = 1e-3;
    std::int64_t batch = 100;
    std::int64_t sequence = 250;
    std::int64_t steps = 1000;
    double gradient_clip = 1;
    double decay = 1;
    bool heads = false, restarts = false;
    bool bfloat16 = true;
    bool gauges = true;
  } m;

  struct C {
    std::int64_t population = 64;
    std::int64_t episodes = 16;
    std::int64_t generations = 50;
    double sigma0 = 0.1;
    double weight_decay = 0.01;
    std::int64_t max_steps = 1000;
    std::int64_t patience = 0;
    std::int64_t lanes = 64;
    SearchWorld world = SearchWorld::real;
    double tau = 1.0;
    std::string taus;
    std::string squash;
    bool bias = true, cell = false;
    SearchStart start = SearchStart::zero;
    std::string teacher = "expert";
    std::int64_t rounds = 16;
  } c;

  struct Evaluate {
    std::int64_t episodes = 100;
    std::int64_t lanes = 64;
  } evaluate;

  void fields(Config& config);
  /// Whether M says enough for a dream to have a score.
  bool dream_pays() const { return m.heads || m.restarts; }
  /// c.taus in numbers, rising; empty where a controller is found at c.tau alone. Throws dream::Error.
  std::vector<double> temperatures() const;
  /// Those of DoomTakeCover (doomrnn), in amounts that fit two cores.
  static VmcOptions doom();
};

/// The world of the published Doom experiment: the picture around the horizon, and one axis whose outer thirds are left and right.
constexpr const char* doom_world = "gym:VizdoomTakeCover-v1[crop=20:220,axis=true,limit=2100]";

/// What the phases share.
struct VmcParts {
  VmcOptions options;
  System* system = nullptr;  // owns this
  std::shared_ptr<VmcModel> model;
  std::shared_ptr<class LinearController> controller;
  std::string away;  // why the real world cannot be entered on this machine; empty = it can
  std::function<RandomWeights::Parts()> untrained;  // others of the same shapes, on the CPU
  Replay replay{0};
  FrameSource frames{torch::kCPU, false};  // of the replay, where the device has them

  /// Reads one more episode of the run's datasets into the replay, then takes the frames to the device; false when all
  /// that fits is there.
  bool load_more();
  std::string loading() const;  // "reading episodes: 40"
  std::vector<std::string> notes() const;  // of episodes that do not all fit, in words
  void unload();
  /// Not all fit: the replay holds a part of them, which changes with what is learned().
  bool streams() const { return stream_ != nullptr; }
  void learned(double frames);
  std::int64_t frames_in_all() const { return streams() ? streamed_frames_ : replay.frames(); }
  StreamPlace place() const { return stream_ && complete_ ? stream_->place() : place_; }
  void go_on_from(const StreamPlace& place) { unload(), place_ = place; }
  /// All datasets that it learns from, none of their episodes read yet. Throws dream::Error where there are none.
  std::unique_ptr<DatasetSources> sources() const;
  /// A dataset that this run collects, named for its driver.
  struct Collected {
    std::filesystem::path folder;
    std::string title, random_stream;
    std::int64_t episodes;
    bool untrained = false, driver = false;  // random weights; collect.driver, to which the next two apply
    double noise = 0, weaken = 0;
    bool held = false;
  };
  std::vector<Collected> collected() const;
  Rng rng(const std::string& purpose) const { return Rng(static_cast<std::uint64_t>(options.seed)).fork(purpose); }

 private:
  bool complete_ = false;
  std::unique_ptr<DatasetSources> sources_;  // while they are read
  std::unique_ptr<EpisodeStream> stream_;
  StreamPlace place_;  // that a checkpoint knew
  std::int64_t streamed_frames_ = 0;
};

/// Where C drives: the real environment, or M's dream at c.tau.
std::unique_ptr<Lanes> lanes_of(const VmcParts& parts, SearchWorld world, std::int64_t count, std::uint64_t seed);
KnobValues temperature_of(const VmcParts& parts, double tau);
/// The first lane's picture, where the lanes are real.
std::vector<Frame> lane_frames(Lanes* lanes, const std::string& caption);

std::shared_ptr<Phase> take_phase(std::shared_ptr<VmcParts> parts);  // in the place of the next three, where vm.from names a run
std::shared_ptr<Phase> collect_phase(std::shared_ptr<VmcParts> parts);
std::shared_ptr<Phase> v_phase(std::shared_ptr<VmcParts> parts);
std::shared_ptr<Phase> m_phase(std::shared_ptr<VmcParts> parts);
std::shared_ptr<Phase> imitate_phase(std::shared_ptr<VmcParts> parts);  // where c.start asks for it
std::shared_ptr<Phase> c_phase(std::shared_ptr<VmcParts> parts);
std::shared_ptr<Phase> evaluate_phase(std::shared_ptr<VmcParts> parts);

/// V, M, C and their phases. The recipe of "World Models".
std::unique_ptr<System> make_vmc(const RunSpec& spec);
/// The same as it was published for DoomTakeCover: M foresees the end, and C is found inside the dream.
std::unique_ptr<System> make_vmc_doom(const RunSpec& spec);

}  // namespace dream
