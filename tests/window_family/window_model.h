#pragma once
#include "core/config/config.h"
#include "core/models/world_model.h"
#include "core/nn/action_input.h"
#include "core/nn/dense.h"

namespace dream::test {

struct WindowOptions {
  std::int64_t tokens = 4, width = 12;  // frames that it attends to, numbers of a token
  std::int64_t units = 16;

  void fields(Config& config, const std::string& prefix);
};

/// The third family in small: a frame's vector and the action that led there become a token, and the next token is
/// predicted from attention over the last few. The carry is that window, oldest first: "window" [B, W, D], of which
/// "filled" [B, 1] are there. Its noise has a knob.
class WindowModel : public WorldModel {
 public:
  WindowModel(const WindowOptions& options, const Spaces& spaces);

  Carry initial(std::int64_t batch) override;
  Carry observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                at::Generator rng) override;
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override;
  Prediction predict(const Carry& carry) override { return outcome(carry); }  // it paints nothing
  Prediction outcome(const Carry& carry) override;
  std::vector<Knob> knobs() const override;
  torch::Tensor features(const Carry& carry) override;
  std::int64_t feature_count() const override { return 2 * options_.width; }
  std::vector<std::string> probe_names() const override { return {"window/attention"}; }
  void report(const Carry& carry, ProbeSink& sink) override;
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override;
  Carry randomise(const Carry& carry, const std::string& probe, at::Generator rng) override;

  /// The mean of the next token, [B, D].
  torch::Tensor next(const Carry& carry, const torch::Tensor& action);
  /// The vector that a token says, [B, V].
  torch::Tensor decode(const torch::Tensor& token) { return decoder_(token); }
  torch::Tensor token_of(const Carry& carry) const { return carry.at("window").select(1, options_.tokens - 1); }

 private:
  Carry with(const Carry& carry, const torch::Tensor& token) const;
  torch::Tensor weights(const Carry& carry);  // of the attention, [B, W]

  WindowOptions options_;
  ActionInput action_input_;
  Mlp encoder_{nullptr}, next_{nullptr}, decoder_{nullptr}, reward_{nullptr}, done_{nullptr};
  Dense query_{nullptr}, key_{nullptr};
};

}  // namespace dream::test
