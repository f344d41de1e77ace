#pragma once
#include <cmath>
#include <memory>

#include "core/behaviours/random_action.h"
#include "core/engine/system.h"
#include "core/env/small_env.h"

namespace dream::test {

/// A ring of 16 cells with one dot, a picture of 16 x 16 pixels in which its column is lit: all of the state is in the
/// picture. Choices: one cell back, stay, one cell on. Reward 1 on cell 0. With `ends`, the episode terminates on
/// cell 8.
class Ring : public SmallEnv {
 public:
  static constexpr int cells = 16, limit = 120;
  explicit Ring(bool ends = false) : SmallEnv("Ring", ring_spaces()), ends_(ends) {}
  static Spaces ring_spaces() {
    Spaces spaces;
    spaces.image_height = spaces.image_width = cells, spaces.image_channels = 3;
    spaces.action.choices = {"back", "stay", "on"};
    spaces.action.axes = {"step"}, spaces.action.low = {0}, spaces.action.high = {2}, spaces.action.idle = {1};
    spaces.max_episode_steps = limit;
    return spaces;
  }

  bool expert(std::span<float> action) const override {  // the shorter way to cell 0
    action[0] = cell_ == 0 ? 1.0f : cell_ < cells / 2 ? 0.0f : 2.0f;
    return true;
  }

 protected:
  void begin(Rng& rng) override { cell_ = static_cast<int>(rng.uniform(0, cells)) % cells; }
  Outcome advance(std::span<const float> action) override {
    cell_ = (cell_ + static_cast<int>(action[0]) - 1 + cells) % cells;
    return {cell_ == 0 ? 1.0f : 0.0f, ends_ && cell_ == 8};
  }
  void write_vector(std::span<float>) const override {}
  void paint_observation(paint::Canvas& canvas) const override {
    canvas.clear({0, 0, 0});
    canvas.rectangle(static_cast<float>(cell_) / cells, 0, static_cast<float>(cell_ + 1) / cells, 1, {255, 255, 255});
  }
  std::vector<double> numbers() const override { return {static_cast<double>(cell_)}; }
  bool take(std::span<const double> numbers, int, bool) override {
    if (!whole_within(numbers[0], 0, cells - 1)) return false;
    cell_ = static_cast<int>(numbers[0]);
    return true;
  }
  std::vector<NamedArray> describe() const override {
    return {{"cell", {2}, {std::cos(cell_ * 2 * 3.14159265 / cells), std::sin(cell_ * 2 * 3.14159265 / cells)}}};
  }

 private:
  bool ends_;
  int cell_ = 0;
};

/// What is wrong with a model of the ring, by construction.
enum class Wrong {
  nothing,    // perfect: every step is known
  copies,     // imagining changes nothing
  deaf,       // imagines "on", whatever the action is
  dynamics,   // imagining goes to a cell that has nothing to do with the last one: M's weights shuffled
  encoder,    // reads the picture as another cell: V's weights shuffled
  decoder,    // paints grey
  soft,       // paints grey in the first three imagined steps, and then what it knows
  collapsed,  // the latent says nothing: posterior and prior are uniform; what is seen goes into h alone
  optimist    // in a dream every step is paid
};

/// Carry: "z" [B, 16], the cell as it is seen or imagined; "h" [B, 16], the cell that was expected; "dreams" [B, 1]. Of a soft one also
/// "softly" [B, 1]: steps since it saw.
class KnownModel : public WorldModel {
 public:
  explicit KnownModel(Wrong wrong = Wrong::nothing) : wrong_(wrong) {
    register_buffer("unused", torch::zeros({1}));
    // A fixed derangement far from the ring's order.
    std::vector<std::int64_t> other;
    for (std::int64_t i = 0; i < Ring::cells; ++i) other.push_back((i * 5 + 3) % Ring::cells);
    other_ = torch::tensor(other);
  }
  Carry initial(std::int64_t batch) override {
    return seen_since({{"z", torch::zeros({batch, Ring::cells})},
                       {"h", torch::zeros({batch, Ring::cells})},
                       {"dreams", torch::zeros({batch, 1})}},
                      torch::zeros({batch, 1}));
  }
  Carry observe(const Carry& carry, const torch::Tensor& action, const Observation& seen, at::Generator) override {
    auto cell = seen.image.to(torch::kFloat32).mean({1, 3}).argmax(-1);
    if (wrong_ == Wrong::encoder) cell = other_.index_select(0, cell);
    const auto z = one_hot(cell);
    return seen_since({{"z", z},
                       {"h", wrong_ == Wrong::collapsed ? z : moved(carry.at("z"), action)},
                       {"dreams", torch::zeros({z.size(0), 1})}},
                      torch::zeros({z.size(0), 1}));
  }
  Carry imagine(const Carry& carry, const torch::Tensor& action, const KnobValues&, at::Generator) override {
    const auto next = moved(wrong_ == Wrong::collapsed ? carry.at("h") : carry.at("z"), action);
    return seen_since({{"z", next}, {"h", next}, {"dreams", torch::ones({next.size(0), 1})}},
                      wrong_ == Wrong::soft ? carry.at("softly") + 1 : torch::Tensor());
  }
  Prediction predict(const Carry& carry) override {
    auto made = outcome(carry);
    const auto column = carry.at("z").view({-1, 1, 1, Ring::cells}).expand({-1, 3, Ring::cells, Ring::cells});
    made.frame = wrong_ == Wrong::decoder ? torch::full_like(column, 1.0 / Ring::cells) : column.clone();
    if (wrong_ == Wrong::soft) {
      const auto softly = carry.at("softly").view({-1, 1, 1, 1});
      made.frame = torch::where((softly > 0) & (softly < 4), torch::full_like(column, 0.5), column);
    }
    return made;
  }
  Prediction outcome(const Carry& carry) override {
    auto reward = carry.at("z").select(1, 0);
    if (wrong_ == Wrong::optimist)
      reward = torch::where(carry.at("dreams").squeeze(1) > 0, torch::ones_like(reward), reward);
    return {{}, reward, torch::zeros_like(reward)};
  }
  Belief belief(const Carry& carry) override {
    const auto density = [&](const torch::Tensor& p) {
      const auto soft =
          wrong_ == Wrong::collapsed ? torch::full_like(p, 1.0 / Ring::cells) : 0.999 * p + 0.001 / Ring::cells;
      return Density{{}, {}, {}, (soft / soft.sum(-1, true)).log().unsqueeze(1)};
    };
    return {carry.at("z"), density(carry.at("h")),
            carry.at("dreams")[0].item<float>() > 0 ? Density{} : density(carry.at("z"))};
  }
  Carry with_latent(const Carry& memory, const Carry& latent) override {
    return {{"z", latent.at("z")}, {"h", memory.at("h")}, {"dreams", memory.at("dreams")}};
  }
  torch::Tensor surprise(const Carry& seen) override {
    const auto b = belief(seen);
    return kl_of(b.posterior, b.prior).sum(-1);
  }
  torch::Tensor features(const Carry& carry) override { return torch::cat({carry.at("z"), carry.at("h")}, 1); }
  std::int64_t feature_count() const override { return 2 * Ring::cells; }
  std::vector<std::string> probe_names() const override { return {}; }
  void report(const Carry&, ProbeSink&) override {}
  Carry edit(const Carry& carry, const std::string&, std::int64_t, double) override { return carry; }
  Carry randomise(const Carry& carry, const std::string&, at::Generator) override { return carry; }

 private:
  Carry seen_since(Carry carry, const torch::Tensor& softly) const {
    if (wrong_ == Wrong::soft) carry["softly"] = softly;
    return carry;
  }
  static torch::Tensor one_hot(const torch::Tensor& cell) {
    return torch::one_hot(cell, Ring::cells).to(torch::kFloat32);
  }
  torch::Tensor moved(const torch::Tensor& z, const torch::Tensor& action) const {
    if (wrong_ == Wrong::copies) return z;
    auto cell = z.argmax(-1) + (wrong_ == Wrong::deaf ? torch::ones({z.size(0)}, torch::kInt64)
                                                      : action.select(1, 0).to(torch::kInt64) - 1);
    cell = (cell + Ring::cells).remainder(Ring::cells);
    if (wrong_ == Wrong::dynamics) cell = other_.index_select(0, cell);
    return one_hot(cell);
  }
  Wrong wrong_;
  torch::Tensor other_;
};

/// Goes the shorter way to cell 0 by what the model says of the state; or wherever chance leads.
class RingDriver : public Behaviour {
 public:
  explicit RingDriver(bool at_random = false) : at_random_(at_random) {}
  Decision decide(const Seen& seen, const Carry&, Mode, at::Generator rng) override {
    const auto lanes = seen.lanes();
    if (at_random_ || !seen.model) return {random_action(Ring::ring_spaces().action, lanes, rng, torch::kCPU)};
    const auto cell = seen.carry.at("z").argmax(-1);
    const auto action =
        torch::where(cell == 0, torch::ones_like(cell),
                     torch::where(cell < Ring::cells / 2, torch::zeros_like(cell), torch::full_like(cell, 2)));
    return {action.to(torch::kFloat32).unsqueeze(1)};
  }

 private:
  bool at_random_;
};

/// A system about the ring, with nothing to train. Its dreams start on every cell.
inline std::shared_ptr<System> known_system(Wrong wrong, bool random_driver = false, bool ends = false) {
  auto system = std::make_shared<System>();
  system->recipe = "known", system->environment = "Ring", system->title = "Known model";
  system->model = std::make_shared<KnownModel>(wrong);
  system->behaviour = std::make_shared<RingDriver>(random_driver);
  system->make_env = [ends] { return std::make_unique<Ring>(ends); };
  const auto cells = torch::eye(Ring::cells);
  system->starts = {{"z", cells}, {"h", cells}, {"dreams", torch::zeros({Ring::cells, 1})}};
  return system;
}

}  // namespace dream::test
