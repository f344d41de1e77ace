#pragma once
#include "core/nn/torch.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/behaviours/behaviour.h"
#include "core/env/env.h"
#include "core/nn/checkpoint.h"
#include "core/nn/generator.h"

namespace dream {

/// A batch of worlds that are driven side by side: real environments seen through a model, or the model's own dreams.
/// Lanes start and end one by one; the networks always run on the whole batch.
class Lanes {
 public:
  virtual ~Lanes() = default;
  virtual std::int64_t count() const = 0;
  virtual void start(std::int64_t lane, std::uint64_t seed) = 0;
  struct Start {
    std::int64_t lane;
    std::uint64_t seed;
  };
  /// Several at once, which is faster where a world takes its time to begin.
  virtual void start_all(const std::vector<Start>& starts) {
    for (const auto& [lane, seed] : starts) start(lane, seed);
  }
  /// Takes in what the lanes show now: what a behaviour decides by. Advances the random streams: call it once per step.
  virtual Seen look() = 0;
  /// Steps the lanes whose `active` is set. actions [L, A] on the CPU.
  virtual std::vector<StepResult> step(const torch::Tensor& actions, const std::vector<char>& active) = 0;
  virtual void save(Checkpoint& into, const std::string& prefix) const = 0;
  virtual void load(const Checkpoint& from, const std::string& prefix) = 0;
};

/// Environments on Torch's thread pool, one batch of observations. No model.
class EnvLanes {
 public:
  /// The pictures lie where `device` fetches them fastest.
  EnvLanes(const std::function<std::unique_ptr<Env>()>& make, std::int64_t count, torch::Device device = torch::kCPU);
  std::int64_t count() const { return static_cast<std::int64_t>(envs_.size()); }
  void start(std::int64_t lane, std::uint64_t seed);
  void start_all(const std::vector<Lanes::Start>& starts);
  std::vector<StepResult> step(const torch::Tensor& actions, const std::vector<char>& active);
  /// From here on a world's fault ends that lane's episode alone: the step counts as one that changed nothing, and truncates. Its
  /// next start is tried twice; three faults with no step between them throw, as every one does without this.
  void outlive_faults() { outlives_ = true; }
  /// Whether this lane's last step was such a one.
  bool broken(std::int64_t lane) const { return in_a_row_[static_cast<std::size_t>(lane)] > 0; }
  /// What such worlds have said: the episodes that it ended, and the last of it.
  struct Faults {
    std::int64_t count = 0;
    std::string last;
    /// A sentence for whoever watches; empty where there was none.
    std::string told() const;
  };
  const Faults& faults() const { return faults_; }
  const torch::Tensor& images() const { return images_; }    // uint8 [L, H, W, C]; undefined where there are none
  const torch::Tensor& vectors() const { return vectors_; }  // float [L, V]; undefined where there are none
  Observation observation(const torch::Device& device) const;
  Observation observation_of(std::int64_t lane) const;  // without the batch dimension, on the CPU
  /// What the environments' own experts would do now, [L, A] on the CPU; undefined where they have none.
  torch::Tensor experts() const;
  const Spaces& spaces() const { return envs_.front()->spaces(); }
  void save(Checkpoint& into, const std::string& prefix) const;
  void load(const Checkpoint& from, const std::string& prefix);

 private:
  void observe(std::int64_t lane);
  void begin(std::int64_t lane, std::uint64_t seed);
  void on_all_threads(std::int64_t count, const std::function<void(std::int64_t)>& work) const;
  std::vector<std::unique_ptr<Env>> envs_;
  torch::Tensor images_, vectors_, goals_;
  bool outlives_ = false;
  std::vector<int> in_a_row_;  // faults of each lane since a step of it went well
  Faults faults_;
};

/// Real environments; the carry is the model's posterior, empty where there is no model.
class RealLanes : public Lanes {
 public:
  RealLanes(std::shared_ptr<WorldModel> model, torch::Device device, const std::function<std::unique_ptr<Env>()>& make,
            std::int64_t count, std::uint64_t seed);
  std::int64_t count() const override { return envs_.count(); }
  void start(std::int64_t lane, std::uint64_t seed) override { start_all({{lane, seed}}); }
  void start_all(const std::vector<Start>& starts) override;
  Seen look() override;
  std::vector<StepResult> step(const torch::Tensor& actions, const std::vector<char>& active) override;
  void save(Checkpoint& into, const std::string& prefix) const override;
  void load(const Checkpoint& from, const std::string& prefix) override;
  const EnvLanes& envs() const { return envs_; }
  void outlive_faults() { envs_.outlive_faults(); }
  const Carry& carry() const { return carry_; }  // that look() has left

 private:
  std::shared_ptr<WorldModel> model_;
  torch::Device device_;
  EnvLanes envs_;
  Carry carry_;
  torch::Tensor previous_action_;  // [L, A]
  torch::Tensor last_reward_;      // [L]
  at::Generator rng_;
};

/// States to begin dreams from, for a run that has kept none: `count` lanes of the real world as its model sees them, each some steps
/// of random actions further than the one before.
Carry starts_in_world(std::shared_ptr<WorldModel> model, torch::Device device, const std::function<std::unique_ptr<Env>()>& make,
                      std::int64_t count, std::uint64_t seed);

/// Dreams from the start states that a run has kept. An episode ends where the model gives more than even odds that
/// it does, or after `max_steps`. Needs a model that predicts reward; throws dream::Error otherwise.
class DreamLanes : public Lanes {
 public:
  DreamLanes(std::shared_ptr<WorldModel> model, Carry starts, std::int64_t count, std::int64_t max_steps,
             const KnobValues& knobs, std::uint64_t seed);
  std::int64_t count() const override { return static_cast<std::int64_t>(age_.size()); }
  void start(std::int64_t lane, std::uint64_t seed) override { start_all({{lane, seed}}); }
  void start_all(const std::vector<Start>& starts) override;
  Seen look() override;
  std::vector<StepResult> step(const torch::Tensor& actions, const std::vector<char>& active) override;
  void save(Checkpoint& into, const std::string& prefix) const override;
  void load(const Checkpoint& from, const std::string& prefix) override;
  const Carry& carry() const { return carry_; }  // that look() has left
  /// What the dreams are bent by from the next step on.
  void bend(const KnobValues& knobs) { knobs_ = knobs; }

 private:
  std::shared_ptr<WorldModel> model_;
  Carry starts_, carry_;
  std::int64_t max_steps_;
  KnobValues knobs_;
  torch::Tensor last_reward_;  // [L], in the environment's units
  std::vector<std::int64_t> age_;
  at::Generator rng_;
};

}  // namespace dream
