#pragma once
#include "api/spaces.h"
#include "core/config/config.h"
#include "core/models/viewing_decoder.h"
#include "core/models/world_model.h"
#include "core/nn/action_input.h"
#include "core/nn/dense.h"

namespace dream {

struct OneStepOptions {
  std::int64_t layers = 2, units = 128;
  ViewingOptions view;

  void fields(Config& config, const std::string& prefix);
};

/// What follows one step, of a world that shows all of its state as numbers: by how much each changes, what it pays, and
/// whether it ends. Of a world with a number of states, which one follows.
///
/// Carry: "x" [B, F], the numbers scaled to deviation 1, or a one-hot of the state; "reward" and "done" [B].
class OneStepModel : public WorldModel {
 public:
  /// Throws dream::Error for a world without a vector.
  OneStepModel(const OneStepOptions& options, const Spaces& spaces);

  /// Follows what the numbers of the world are like, over the first steps: `vectors` [N, V].
  void fit_scale(const torch::Tensor& vectors);
  torch::Tensor input_of(const torch::Tensor& vector) const;  // [N, V] -> [N, F]

  struct Loss {
    torch::Tensor next, reward, done;  // scalars with gradient
    torch::Tensor total() const { return next + reward + done; }
  };
  /// Of steps that were made: x, after [N, F]; action [N, A]; reward, done [N]; `counts` [N], 0 where there was none.
  Loss loss(const torch::Tensor& x, const torch::Tensor& action, const torch::Tensor& after, const torch::Tensor& reward,
            const torch::Tensor& done, const torch::Tensor& counts);
  ViewingDecoder& viewer() { return viewer_; }
  std::vector<torch::Tensor> learned() const;  // all but the viewer's

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  Prediction predict(const Carry& carry) override;
  Prediction outcome(const Carry& carry) override { return {{}, carry.at("reward"), carry.at("done")}; }
  torch::Tensor features(const Carry& carry) override { return carry.at("x"); }
  std::int64_t feature_count() const override { return size_; }
  std::vector<std::string> probe_names() const override { return {"latent/x"}; }
  void report(const Carry& carry, ProbeSink& sink) override;
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

 private:
  struct Heads {
    torch::Tensor next, reward, done;  // change of x or logits of the state [N, F]; [N]; logit [N]
  };
  Heads heads(const torch::Tensor& x, const torch::Tensor& action);
  bool states_;  // a one-hot
  std::int64_t size_;
  std::vector<std::string> names_;
  ActionInput input_;
  torch::Tensor mean_, deviation_, seen_;  // of the world's numbers; how many batches they were fitted to
  Mlp trunk_{nullptr};
  torch::nn::Linear next_{nullptr}, reward_{nullptr}, done_{nullptr};
  ViewingDecoder viewer_{nullptr};
};

}  // namespace dream
