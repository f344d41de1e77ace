#pragma once
#include <functional>
#include <optional>

#include "api/spaces.h"
#include "core/behaviours/behaviour.h"
#include "core/config/config.h"
#include "core/models/diffusion_schedule.h"
#include "core/models/sequence_denoiser.h"

namespace dream {

/// The constants of the planners of buoyancy99/diffusion-forcing (configurations/algorithm/df_planning.yaml, maze2d_umaze).
struct ForcingPlannerOptions {
  SequenceDenoiserOptions net;
  std::int64_t stack = 10;   // steps in a token
  std::int64_t tokens = 30;  // of a plan, beside the first one, which is what is seen
  /// snr_decay is that of a step, not of a token.
  DiffusionScheduleOptions schedule{.betas = BetaSchedule::linear, .tells = DenoiserTells::frame, .most_noise = 20,
                                    .weights = NoiseWeights::min_snr, .snr_decay = 0.98};
  std::int64_t steps = 50;          // of sampling a token
  std::int64_t stabilisation = 10;  // levels of noise that what is seen is taken to have
  NoiseOrder order = NoiseOrder::pyramid;
  double uncertainty = 1;      // of a pyramid: steps by which a token begins after the one before
  double guidance = 2;         // 0: none
  double rest = 8;             // how much it counts, beside 1 for being at the goal, that velocities and actions are small
  std::int64_t replan = 50;    // steps of a plan that are made
  std::int64_t futures = 1;    // that guidance is averaged over

  void fields(Config& config, const std::string& prefix);
};

/// Planning by Diffusion Forcing (Chen et al. 2024, section 4.2), as buoyancy99/diffusion-forcing has it (df_planning.py, commit
/// 475e0bc). A token holds `stack` steps of (what is done, what is seen then), normalised; the first token holds what is seen now. A
/// plan is sampled from noise: tokens lose theirs in a pyramid, so that what is near is decided before what is far, and every step
/// goes uphill on nearness to the goal, by the gradient through the denoiser. Its first `replan` steps are made, then it plans anew.
///
/// Where x, y and goal_x, goal_y are in the vector, their names say (Spaces::vector_names). The goal is no part of what is diffused: it
/// comes in by guidance alone. The other numbers are taken for velocities: guidance asks that they come to rest.
///
/// Monte-Carlo guidance: tokens that have not begun are noise alone, so other noise in their place is another future; the gradient
/// is the mean over so many (the paper's; its code has one).
///
/// It has no model. Memory: "plan" [B, H, D] in the world's units, H = stack · tokens steps of x, y, other numbers and actions; "at"
/// [B, 1], the next of them; "goal" [B, 2], which it is for. With another goal it plans anew.
class ForcingPlanner : public Behaviour {
 public:
  /// Throws dream::Error where the world shows no x, y, goal_x and goal_y, or its actions are choices.
  ForcingPlanner(const ForcingPlannerOptions& options, const Spaces& spaces);
  /// Why a world of these spaces cannot be planned in; "" where it can.
  static std::string lacks(const Spaces& spaces);

  Carry initial(std::int64_t lanes) const override;
  Decision decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) override;
  std::vector<Knob> knobs() const override;
  std::vector<std::string> probe_names() const override { return {"plan/picture", "plan/path", "plan/actions", "noise/matrix"}; }
  void report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator rng) override;

  // -- what it learns ---------------------------------------------------------------------------------------------------

  std::int64_t horizon() const { return options_.stack * options_.tokens; }  // H, steps
  std::int64_t bundle() const { return mean_.size(0); }                      // D, numbers of a step
  /// Mean and deviation of every number of a bundle, both [D].
  void know(const torch::Tensor& mean, const torch::Tensor& deviation);
  bool knows() const { return known_.item<float>() > 0; }
  /// Of a vector [..., V] the numbers that are diffused, [..., S], x and y first.
  torch::Tensor seen_of(const torch::Tensor& vector) const { return vector.index_select(-1, seen_columns_); }
  torch::Tensor goal_of(const torch::Tensor& vector) const { return vector.index_select(-1, goal_columns_); }

  struct Drawn {           // chance of a batch
    torch::Tensor levels;  // int64 [B, 1 + N], of tokens from `ends` on all noise
    torch::Tensor ends;    // int64 [B], 2 … 1 + N: tokens that are there; the others weigh a twentieth
    torch::Tensor noise;   // [B, 1 + N, stack · D]
  };
  Drawn draw(std::int64_t lanes, at::Generator rng) const;
  struct Loss {
    torch::Tensor total;  // with gradient
    torch::Tensor plain;  // squared error of tokens, all levels alike
  };
  /// Of pieces: what was seen [B, H + 1, S] and done [B, H, A], in the world's units.
  Loss loss(const torch::Tensor& seen, const torch::Tensor& done, const Drawn& drawn);

  // -- how it plans -----------------------------------------------------------------------------------------------------

  struct Way {
    std::int64_t steps = 50, futures = 1;
    double lag = 1, guidance = 2, rest = 8;
  };
  /// How near plans are to the goal, [B], at most 0: of clean tokens [B, 1 + N, stack · D] for a start and goal, both [B, D],
  /// normalised, over so many steps.
  torch::Tensor nearness(const torch::Tensor& clean, const torch::Tensor& start, const torch::Tensor& goal, std::int64_t horizon,
                         double rest = 8) const;
  /// One step of sampling: `z` [B, 1 + N, stack · D] with levels `from` and `to`, int64 [1 + N]; of `waits`, bool [1 + N], nothing is decided.
  torch::Tensor step(const torch::Tensor& z, const torch::Tensor& from, const torch::Tensor& to, const torch::Tensor& waits, const torch::Tensor& start,
                     const torch::Tensor& goal, std::int64_t horizon, const Way& way, at::Generator rng);
  /// From noise [B, ⌈horizon / stack⌉, stack · D] a plan [B, horizon, D], normalised, as start and goal are. `rows` gets what it looked like
  /// before every step and after the last.
  torch::Tensor plan(const torch::Tensor& start, const torch::Tensor& goal, std::int64_t horizon, const Way& way, const torch::Tensor& noise,
                     at::Generator rng, std::vector<torch::Tensor>* rows = nullptr);

  SequenceDenoiser& network() { return network_; }
  /// Another denoiser in the network's place: noisy tokens [B, T, stack · D] and levels [B, T] -> what the schedule's option says.
  using Denoiser = std::function<torch::Tensor(const torch::Tensor&, const torch::Tensor&)>;
  void denoise_by(Denoiser denoiser) { denoiser_ = std::move(denoiser); }
  const DiffusionSchedule& schedule() const { return schedule_; }
  ForcingPlannerOptions& live_options() { return options_; }

  /// Where x and y lie in the world's picture: at x_at + x_scale x of its width and y_at + y_scale y of its height.
  struct Places {
    double x_at = 0, x_scale = 0, y_at = 0, y_scale = 0;
  };
  void show_on(std::optional<Places> places) { places_ = places; }

 private:
  Way way_of(const KnobValues& knobs) const;
  std::int64_t replan_of(const KnobValues& knobs) const;
  torch::Tensor said(const torch::Tensor& tokens, const torch::Tensor& levels) { return denoiser_ ? denoiser_(tokens, levels) : network_(tokens, levels); }
  torch::Tensor first_token(const torch::Tensor& start) const { return start.unsqueeze(1).repeat({1, 1, options_.stack}); }
  torch::Tensor normalised(const torch::Tensor& bundles) const { return (bundles - mean_) / deviation_; }
  torch::Tensor start_of(const torch::Tensor& seen) const;  // [B, S] -> [B, D], normalised; nothing is done there
  Image picture_of(const torch::Tensor& image, const torch::Tensor& path) const;

  ForcingPlannerOptions options_;
  ActionSpace space_;
  std::vector<std::string> seen_names_;
  torch::Tensor seen_columns_, goal_columns_;  // int64
  torch::Tensor kinds_;                        // [D, K]: position, the others in pairs, action
  torch::Tensor mean_, deviation_, known_;
  DiffusionSchedule schedule_;
  SequenceDenoiser network_{nullptr};
  Denoiser denoiser_;
  std::optional<Places> places_;

  /// How the last plan of a single lane came about, to be shown.
  struct Thought {
    torch::Tensor plan;  // as it went into memory
    torch::Tensor rows;  // [R, H, D] in the world's units
    Way way;
  };
  Thought thought_;
};

}  // namespace dream
