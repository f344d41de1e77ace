#pragma once
#include "core/nn/torch.h"

#include <string>
#include <vector>

#include "core/base/choice.h"
#include "core/nn/checkpoint.h"

namespace dream {

enum class OptimiserKind { adam, laprop };
constexpr auto choice_names(OptimiserKind) {
  return names_of_choice("adam", "laprop");
}

struct OptimiserOptions {
  OptimiserKind kind = OptimiserKind::laprop;
  double learning_rate = 4e-5, eps = 1e-20, weight_decay = 0;  // decay: times the learning rate
  double beta1 = 0.9, beta2 = 0.999;
  double clip_value = 0;        // every element of a gradient is held to ± this; 0 = none
  double clip_norm = 0;         // of all gradients together; 0 = none
  double adaptive_clip = 0.3;   // AGC: each tensor's gradient is held below this share of its weight's norm; 0 = none
  std::int64_t warm_up = 1000;  // steps over which the learning rate rises linearly from 0; 0 = none
  /// The gradients' norm is measured and has to be finite. To ask for it waits for a graphics card; who checks its losses
  /// by itself may go without.
  bool measure = true;
};

/// Adam (Kingma & Ba 2015; decoupled weight decay) or LaProp (Ziyin et al. 2020), with clipping by elements, by the global
/// norm, or adaptive (Brock et al. 2021). On the processor, Adam's numbers are those of torch::optim::Adam.
class Optimiser {
 public:
  Optimiser(std::vector<torch::Tensor> parameters, const OptimiserOptions& options);
  /// Takes one step with the gradients that are there, and clears them. Returns the gradients' global norm before
  /// clipping by it, 0 where it is not measured. Throws dream::Error, and changes nothing, when it is not finite.
  double step();
  void clear();
  [[noreturn]] static void throw_not_finite();
  OptimiserOptions& options() { return options_; }
  std::int64_t steps() const { return steps_; }
  void save(Checkpoint& into, const std::string& prefix) const;
  /// Clears gradients too, as those of a step that failed.
  void load(const Checkpoint& from, const std::string& prefix);

 private:
  double norm_of_gradients() const;
  void step_fused(double rate, double clip);
  OptimiserOptions options_;
  std::vector<torch::Tensor> parameters_, first_, second_;
  std::int64_t steps_ = 0;
};

}  // namespace dream
