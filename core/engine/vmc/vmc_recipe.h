#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/data/dataset_sources.h"
#include "core/engine/random_weights.h"
#include "core/engine/seeds.h"
#include "core/engine/system.h"
#include "core/models/vmc.h"

namespace dream {

/// Every setting of the World Models recipe. The defaults fit two cores; where the published run differs (Ha &
/// Schmidhuber 2018, hardmaru/WorldModelsExperiments) its figure stands in the help, and `--set preset=paper` restores
/// it. Layers, losses and sampling are the published ones either way.
struct VmcOptions {
  std::string preset = "desk";
  std::int64_t seed = 1;

  struct Collect {
    std::string policy = "brownian";
    std::int64_t episodes = 200;
    std::int64_t max_steps = 1000;
    std::int64_t lanes = 8;
    std::string datasets;
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
    bool heads = false;
    bool bfloat16 = true;
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
    std::string world = "real";
    double tau = 1.0;
    std::string squash;
  } c;

  struct Evaluate {
    std::int64_t episodes = 100;
  } evaluate;

  void fields(Config& config);
};

/// What the five phases share.
struct VmcParts {
  VmcOptions options;
  System* system = nullptr;  // owns this
  std::shared_ptr<VmcModel> model;
  std::shared_ptr<class LinearController> controller;
  std::function<RandomWeights::Parts()> untrained;  // others of the same shapes, on the CPU
  Replay replay{0};

  /// Reads one more episode of the run's datasets into the replay; false when all that fits is there.
  bool load_more();
  std::string loading() const;  // "reading episodes: 40"
  void unload();
  std::filesystem::path own_data() const;  // the dataset that this run collects, named for its driver
  Rng rng(const std::string& purpose) const { return Rng(static_cast<std::uint64_t>(options.seed)).fork(purpose); }

 private:
  bool complete_ = false;
  std::unique_ptr<DatasetSources> sources_;  // while they are read
};

std::shared_ptr<Phase> collect_phase(std::shared_ptr<VmcParts> parts);
std::shared_ptr<Phase> v_phase(std::shared_ptr<VmcParts> parts);
std::shared_ptr<Phase> m_phase(std::shared_ptr<VmcParts> parts);
std::shared_ptr<Phase> c_phase(std::shared_ptr<VmcParts> parts);
std::shared_ptr<Phase> evaluate_phase(std::shared_ptr<VmcParts> parts);

/// V, M, C and their phases. The recipe of "World Models".
std::unique_ptr<System> make_vmc(const RunSpec& spec);

}  // namespace dream
