#pragma once
#include <memory>
#include <string>
#include <vector>

#include "api/spaces.h"
#include "core/models/script_program.h"
#include "core/models/world_model.h"

namespace dream {

/// A world model that came as a TorchScript module (docs/bring-your-own-model.md). Its carry is the module's own, with "first"
/// [B, 1] beside it: 1 while nothing was seen. Its one weight is the file itself, "program" uint8 [N], so that checkpoints,
/// exports and fingerprints hold all of it.
class ScriptModel : public WorldModel {
 public:
  /// Asks the module once for everything that it has, and throws dream::Error for what does not fit the contract or this world:
  /// shapes, types, something else for the same generator.
  ScriptModel(const torch::Tensor& bytes, std::shared_ptr<ScriptProgram> program, const Spaces& spaces);

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation, at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  std::vector<Knob> knobs() const override { return knobs_; }
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override;
  torch::Tensor surprise(const Carry& seen) override;
  Belief belief(const Carry& carry) override;
  Carry with_latent(const Carry& memory, const Carry& latent) override;
  torch::Tensor features(const Carry& carry) override;
  std::int64_t feature_count() const override { return feature_count_; }
  std::vector<std::string> probe_names() const override { return probe_names_; }
  void report(const Carry& carry, ProbeSink& sink) override;
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

  /// What the module's own behaviour would do, [B, A] in the environment's units; see `act` of the contract.
  torch::Tensor act(const Carry& carry, at::Generator rng);
  bool acts() const { return program_->has("act"); }

 private:
  ScriptProgram& program();  // that of the bytes
  c10::IValue own(const Carry& carry) const;
  Carry next(const char* method, const ScriptProgram::Arguments& offered, std::int64_t batch, double first = 0);
  Prediction decoded(const char* method, const Carry& carry);
  torch::Tensor action_of(const torch::Tensor& action) const;
  void try_everything();

  std::shared_ptr<ScriptProgram> program_;
  Spaces spaces_;
  torch::Tensor bytes_;            // the buffer "program"
  std::int64_t bytes_version_ = 0;  // that it was when it was last known to be the program's
  Carry like_;                     // what initial(1) gave, without "first"
  std::string latent_name_;        // of the state's tensors; empty: the module names none
  std::vector<Knob> knobs_;
  std::vector<std::string> probe_names_;
  std::int64_t feature_count_ = 0;
};

}  // namespace dream
