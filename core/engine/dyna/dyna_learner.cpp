#include <algorithm>
#include <map>

#include "core/engine/dyna/dyna.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

/// Every step of the world is learned from at once, as it comes; an update plans.
class DynaLearner : public Learner {
 public:
  explicit DynaLearner(DynaParts& parts) : parts_(parts), dyna_(*parts.model, *parts.policy, parts.options) {
    follow_settings();
  }

  void lived(const Episode& piece, bool again) override {
    const auto steps = static_cast<std::int64_t>(piece.length());
    auto& at = here_[piece.lane];
    const bool begins = static_cast<std::int64_t>(piece.vectors.size()) > steps;
    if (begins) at = {state_of(piece, 0), state_of(piece, 0)};
    for (std::int64_t t = 0; t < steps; ++t) {
      const auto frame = t + (begins ? 1 : 0);
      const auto next = state_of(piece, frame);
      if (!again) {
        const auto step = static_cast<std::size_t>(t);
        errors_ += dyna_.learn(at.now, static_cast<std::int64_t>(piece.actions[step]),
                               static_cast<double>(piece.rewards[step]), next, piece.terminated[step] != 0);
        earned_ += static_cast<double>(piece.rewards[step]);
        look(piece, frame, next);
        if (begins && t == 0) look(piece, 0, at.now);
      }
      at.now = next;
    }
  }

  void update(Feed&, std::int64_t number, at::Generator rng) override {
    dyna_.plan(rng);
    auto& metrics = parts_.system->metrics;
    metrics.add("behaviour/error", number, errors_);
    metrics.add("learn/earned", dyna_.time(), earned_);
    errors_ = 0;
    constexpr std::int64_t every = 10;
    if (number % every != 0) return;
    metrics.add("world/known", number, parts_.model->known());
    if (const auto length = greedy_length(); length > 0) metrics.add("behaviour/greedy", number, static_cast<double>(length));
  }
  double frames_per_update() const override { return 1; }
  std::int64_t least_steps() const override { return 1; }

  std::vector<Metrics::Spec> curves() const override {
    return {{"learn/earned", "Reward so far", "reward", "step"},
            {"behaviour/error", "Q: |δ| of the real step", "reward", "update"},
            {"behaviour/greedy", "Greedy way to the end, in the table", "steps", "update"},
            {"world/known", "States and actions that the table knows", "share", "update"}};
  }
  void follow_settings() override { parts_.policy->set(parts_.options.epsilon, parts_.options.discount); }

  void save(Checkpoint& into, const std::string& prefix) const override {
    dyna_.save(into, prefix + "dyna/");
    into.tensors[prefix + "dyna/earned"] = torch::tensor({earned_}, torch::kFloat64);
  }
  void load(const Checkpoint& from, const std::string& prefix) override {
    dyna_.load(from, prefix + "dyna/");
    earned_ = finite_tensor(from, prefix + "dyna/earned", {1}).item<double>();
    here_.clear();
    errors_ = 0;
  }

  std::vector<std::string> probe_names() const override { return {"table/planned"}; }
  void report(ProbeSink& sink) override {
    if (!sink.wants("table/planned")) return;
    sink.put("table/planned", "Planned in this step", "How often the last step's planning learned from each state",
             heatmap_of_states(dyna_.touched().to(torch::kFloat32), parts_.model->columns()));
  }

 private:
  std::int64_t state_of(const Episode& piece, std::int64_t frame) const {
    const auto value = static_cast<std::int64_t>(piece.vectors[static_cast<std::size_t>(frame)]);
    return std::clamp<std::int64_t>(value, 0, parts_.model->states() - 1);
  }
  void look(const Episode& piece, std::int64_t frame, std::int64_t state) {
    if (!piece.frames.empty())
      parts_.model->learn_picture(state, piece.frames.data() + static_cast<std::size_t>(frame) * piece.frame_bytes());
  }

  /// Steps of the greedy policy through the table from where the last episode began to its end, or back to the beginning;
  /// 0 where it leads to neither.
  std::int64_t greedy_length() const {
    if (here_.empty()) return 0;
    const auto begin = here_.begin()->second.began;
    auto state = begin;
    for (std::int64_t step = 1; step <= parts_.model->states(); ++step) {
      const double* q = parts_.policy->row(state);
      const auto known = parts_.model->at(state, std::max_element(q, q + parts_.model->choices()) - q);
      if (known.time == 0) return 0;
      state = known.next;
      if (known.done || (state == begin && known.reward > 0)) return step;
    }
    return 0;
  }

  DynaParts& parts_;
  TabularDyna dyna_;
  struct Place {
    std::int64_t began = 0, now = 0;  // states: where this lane's episode began, and where it stands
  };
  std::map<int, Place> here_;
  double errors_ = 0, earned_ = 0;
};

}  // namespace

std::unique_ptr<Learner> dyna_learner(DynaParts& parts) {
  return std::make_unique<DynaLearner>(parts);
}

}  // namespace dream
