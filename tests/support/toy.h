#pragma once
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "api/error.h"
#include "core/base/rng.h"
#include "core/behaviours/linear_controller.h"
#include "core/engine/lanes.h"
#include "core/engine/system.h"
#include "core/env/env.h"
#include "core/probe/from_tensor.h"

namespace dream::test {

/// A world whose best driver is known. A seed gives a target in [-1, 1]; the upper half of the picture is as bright as
/// the target is high, the lower half as the position, to which every step adds a tenth of the steering. Reward: 1 -
/// (steer - target)².
struct ToyOptions {
  int length = 50;     // truncated after so many steps
  int terminated = 0;  // > 0: terminated after so many steps instead
};

class ToyEnv : public Env {
 public:
  explicit ToyEnv(ToyOptions options = {}) : options_(options) {
    spaces_.image_height = spaces_.image_width = 64;
    spaces_.image_channels = 3;
    spaces_.action.axes = {"steer", "gas", "brake"};
    spaces_.action.low = {-1, 0, 0};
    spaces_.action.high = {1, 1, 1};
    spaces_.action.idle = {0, 0, 0};
    spaces_.max_episode_steps = options.length;
  }

  const Spaces& spaces() const override { return spaces_; }
  void reset(std::uint64_t seed) override { state_ = {static_cast<float>(Rng(seed).uniform(-1, 1)), 0, 0}; }

  StepResult step(std::span<const float> action) override {
    if (action.size() != 3) throw Error("the toy takes three values");
    for (const float value : action) {
      if (!std::isfinite(value)) throw Error("an action that is not finite");
    }
    if (over()) throw Error("the toy's episode is over");
    const float steer = std::clamp(action[0], -1.0f, 1.0f);
    state_.position = std::clamp(state_.position + 0.1f * steer, -1.0f, 1.0f);
    ++state_.steps;
    const float miss = steer - state_.target;
    return {1 - miss * miss, options_.terminated > 0 && state_.steps >= options_.terminated,
            state_.steps >= options_.length};
  }

  void observe_image(std::span<std::uint8_t> out) override {
    const auto half = out.size() / 2;
    std::fill(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(half), shade(state_.target));
    std::fill(out.begin() + static_cast<std::ptrdiff_t>(half), out.end(), shade(state_.position));
  }
  void render(int, int, std::span<std::uint8_t> out) override {
    std::fill(out.begin(), out.end(), shade(state_.position));
  }

  std::vector<std::byte> save_state() const override {
    std::vector<std::byte> bytes(sizeof state_);
    std::memcpy(bytes.data(), &state_, sizeof state_);
    return bytes;
  }
  void load_state(std::span<const std::byte> bytes) override {
    if (bytes.size() != sizeof state_) throw Error("not a toy's state");
    std::memcpy(&state_, bytes.data(), sizeof state_);
  }

  float target() const { return state_.target; }

 private:
  struct State {
    float target = 0, position = 0;
    std::int32_t steps = 0;
  };
  static std::uint8_t shade(float value) { return static_cast<std::uint8_t>(std::lround((value + 1) / 2 * 255)); }
  bool over() const {
    return state_.steps >= options_.length || (options_.terminated > 0 && state_.steps >= options_.terminated);
  }
  ToyOptions options_;
  Spaces spaces_;
  State state_;
};

/// A world model that knows the toy: it reads target and position off the picture and imagines the true motion, with
/// noise of 0.01·√τ_σ on the position. Its one weight scales the motion: 0.1 is the truth.
class ToyModel : public WorldModel {
 public:
  explicit ToyModel(double motion = 0.1) { motion_ = register_parameter("motion", torch::full({1}, motion)); }

  Carry initial(std::int64_t batch) override {
    return {{"x", torch::zeros({batch, 2})}, {"age", torch::zeros({batch, 1})}};
  }
  Carry observe(const Carry& carry, const torch::Tensor&, const Observation& observation, at::Generator rng) override {
    const auto image = observation.image.to(torch::kFloat32).div(255);
    const auto x = torch::stack({image.slice(1, 0, 32).mean({1, 2, 3}), image.slice(1, 32).mean({1, 2, 3})}, 1) * 2 - 1;
    return {{"x", x + 1e-4 * torch::randn(x.sizes(), rng)}, {"age", carry.at("age") + 1}};
  }
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) override {
    const auto& x = carry.at("x");
    const auto noise = 0.01 * std::sqrt(value_of(knobs, tau())) * torch::randn({x.size(0)}, rng);
    const auto position = (x.select(1, 1) + motion_ * action.select(1, 0) + noise).clamp(-1, 1);
    return {{"x", torch::stack({x.select(1, 0), position}, 1)}, {"age", carry.at("age") + 1}};
  }
  static Knob tau() {
    return {"tau_sigma", "σ", "τ of σ", "Shakes the position.", 0, 10, 1, false, false, temperature};
  }
  std::vector<Knob> knobs() const override { return {tau()}; }
  Prediction predict(const Carry& carry) override {
    auto prediction = outcome(carry);
    const auto level = (carry.at("x") + 1) / 2;  // [B, 2]
    prediction.frame = level.view({-1, 1, 2, 1, 1}).expand({-1, 3, 2, 32, 64}).reshape({-1, 3, 64, 64});
    return prediction;
  }
  Prediction outcome(const Carry& carry) override {
    Prediction prediction;
    prediction.reward = carry.at("x").select(1, 1);  // the position, to have one
    prediction.done = (carry.at("age").select(1, 0) > 90.5).to(torch::kFloat32);
    return prediction;
  }
  torch::Tensor features(const Carry& carry) override { return carry.at("x"); }
  std::int64_t feature_count() const override { return 2; }
  std::vector<std::string> probe_names() const override { return {"latent/x"}; }
  void report(const Carry& carry, ProbeSink& sink) override {
    if (!sink.wants("latent/x")) return;
    Vector bars;
    bars.values = floats(carry.at("x")[0]);
    bars.mean = bars.values;
    bars.deviation = {1, 1};
    sink.put("latent/x", "x", "target and position", std::move(bars), true);
  }
  Carry edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) override {
    if (probe != "latent/x") throw Error("'" + probe + "' cannot be edited");
    if (index < 0 || index > 1) throw Error("latent/x has two dimensions");
    auto edited = carry;
    edited["x"] = carry.at("x").clone();
    edited["x"].select(1, index).fill_(value);
    return edited;
  }
  Carry randomise(const Carry& carry, const std::string&, at::Generator rng) override {
    auto edited = carry;
    edited["x"] = torch::randn(carry.at("x").sizes(), rng);
    return edited;
  }

 private:
  torch::Tensor motion_;
};

/// A driver of the toy: steer = tanh(weight · target + bias).
inline std::shared_ptr<LinearController> toy_driver(double weight, double bias = 0) {
  auto driver = std::make_shared<LinearController>(2, std::vector<Squash>{Squash::tanh, Squash::half, Squash::cut});
  driver->set_flat({bias, 0, 0, weight, 0, 0, 0, 0, 0});
  return driver;
}

/// The toy with its model and a driver, to dream with.
inline std::shared_ptr<System> toy_system(ToyOptions options = {}, double motion = 0.1) {
  auto system = std::make_shared<System>();
  system->recipe = "toy";
  system->environment = "Toy";
  system->title = "Toy model";
  system->model = std::make_shared<ToyModel>(motion);
  system->behaviour = toy_driver(1);
  system->make_env = [options] { return std::make_unique<ToyEnv>(options); };
  return system;
}

}  // namespace dream::test
