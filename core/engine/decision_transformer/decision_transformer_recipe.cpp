#include <algorithm>
#include <deque>

#include "api/error.h"
#include "core/engine/decision_transformer/decision_transformer_recipe.h"
#include "core/engine/optimiser_fields.h"
#include "core/engine/seed_field.h"
#include "core/nn/precision.h"

namespace dream {
namespace {

/// Windows of given episodes with the returns that were still to come in them; what was done is to be said.
class DecisionLearner : public Learner {
 public:
  explicit DecisionLearner(DecisionParts& parts)
      : parts_(parts), optimiser_(parts.behaviour->parameters(), parts.options.optimiser) {}

  void update(Feed& feed, std::int64_t number, at::Generator rng) override {
    know(feed.replay());
    auto& behaviour = *parts_.behaviour;
    const auto window = draw(feed.replay(), rng);
    torch::Tensor loss;
    {
      const Autocast autocast(parts_.options.train.bfloat16 && bfloat16_is_fast(parts_.system->device), parts_.system->device);
      loss = behaviour.loss(window, rng);
    }
    auto& metrics = parts_.system->metrics;
    metrics.add("behaviour/action", number, loss.item<double>());
    loss.backward();
    metrics.add("behaviour/gradient", number, optimiser_.step());
  }

  double frames_per_update() const override { return static_cast<double>(parts_.options.train.batch); }
  Needs needs() const override { return {!parts_.behaviour->sees_vector(), parts_.behaviour->sees_vector()}; }
  std::int64_t least_steps() const override { return 1; }
  std::vector<Metrics::Spec> curves() const override {
    return {{"behaviour/action", "Error of the action", "MSE or nats", "update"},
            {"behaviour/gradient", "Norm of the gradients", "", "update"}};
  }
  void follow_settings() override { optimiser_.options() = parts_.options.optimiser; }
  void save(Checkpoint& into, const std::string& prefix) const override { optimiser_.save(into, prefix + "optimiser/"); }
  void load(const Checkpoint& from, const std::string& prefix) override { optimiser_.load(from, prefix + "optimiser/"); }
  void rest() override { to_go_.clear(), known_ = 0; }

 private:
  /// Returns to go of the episodes that came, and at first what the data's returns and states are like.
  void know(const Replay& replay) {
    const auto there = replay.episodes();
    const auto came = std::min(there, static_cast<std::size_t>(replay.added() - known_));
    known_ = replay.added();
    for (auto i = there - came; i < there; ++i) {
      const auto& episode = replay.episode(i);
      std::vector<float> rest(episode.length());
      double sum = 0;
      for (std::size_t t = episode.length(); t-- > 0;) rest[t] = static_cast<float>(sum += static_cast<double>(episode.rewards[t]));
      to_go_.push_back(std::move(rest));
    }
    while (to_go_.size() > there) to_go_.pop_front();
    if (there == 0) throw Error("the datasets hold no whole episode");
    auto& behaviour = *parts_.behaviour;
    if (behaviour.knows()) return;  // a run that goes on stays with what it learned in
    std::vector<torch::Tensor> states;
    float lowest = to_go_[0].empty() ? 0 : to_go_[0][0], highest = lowest;
    for (std::size_t i = 0; i < there; ++i) {
      const auto& episode = replay.episode(i);
      const auto sum = to_go_[i].empty() ? 0 : to_go_[i][0];
      lowest = std::min(lowest, sum), highest = std::max(highest, sum);
      if (episode.vector_size > 0)
        states.push_back(torch::from_blob(const_cast<float*>(episode.vectors.data()), {static_cast<std::int64_t>(episode.length() + 1), episode.vector_size}).clone());
    }
    torch::Tensor mean = torch::zeros({behaviour.state_size()}), deviation = torch::ones({behaviour.state_size()});
    if (behaviour.sees_vector()) {
      const auto all = torch::cat(states);
      mean = all.mean(0), deviation = all.std(0, false);
    }
    behaviour.know(lowest, highest, highest, mean, deviation);
  }

  /// Windows that end at steps which are all as likely; before an episode's first step there is nothing.
  DecisionTransformer::Window draw(const Replay& replay, at::Generator rng) const {
    const auto lanes = parts_.options.train.batch, steps = parts_.options.behaviour.context;
    const auto& any = replay.episode(0);
    const auto values = any.vector_size, actions = any.action_size;
    auto window = DecisionTransformer::Window{torch::zeros({lanes, steps}), {}, torch::zeros({lanes, steps, actions}),
                                              torch::zeros({lanes, steps}, torch::kInt64), torch::zeros({lanes, steps})};
    auto vectors = torch::zeros({lanes, steps, std::max(values, 1)});
    auto images = parts_.behaviour->sees_vector() ? torch::Tensor{}
                                                  : torch::zeros({lanes, steps, any.height, any.width, any.channels}, torch::kUInt8);
    const auto frames = replay.whole_frames();
    for (std::int64_t lane = 0; lane < lanes;) {
      const auto at = replay.position(torch::randint(frames, {1}, rng, torch::kInt64).item<std::int64_t>());
      const auto& episode = replay.episode(at.episode);
      if (at.time >= episode.length()) continue;  // its last frame: nothing was done there
      const auto last = static_cast<std::int64_t>(at.time), first = std::max<std::int64_t>(0, last - steps + 1);
      for (auto time = first; time <= last; ++time) {
        const auto row = lane * steps + (steps - 1 - (last - time));
        const auto from = static_cast<std::size_t>(time);
        window.returns.data_ptr<float>()[row] = to_go_[at.episode][from];
        window.times.data_ptr<std::int64_t>()[row] = time;
        window.present.data_ptr<float>()[row] = 1;
        std::copy_n(episode.actions.data() + from * static_cast<std::size_t>(actions), actions, window.actions.data_ptr<float>() + row * actions);
        if (images.defined())
          std::copy_n(episode.frames.data() + from * episode.frame_bytes(), episode.frame_bytes(),
                      images.data_ptr<std::uint8_t>() + row * static_cast<std::int64_t>(episode.frame_bytes()));
        else
          std::copy_n(episode.vectors.data() + from * static_cast<std::size_t>(values), values, vectors.data_ptr<float>() + row * values);
      }
      ++lane;
    }
    const auto device = parts_.system->device;
    if (images.defined()) {
      const auto coded = parts_.behaviour->state_of({images.flatten(0, 1).to(device), {}});
      window.states = coded.view({lanes, steps, -1});
    } else {
      window.states = vectors.to(device);
    }
    for (auto* tensor : {&window.returns, &window.actions, &window.times, &window.present}) *tensor = tensor->to(device);
    return window;
  }

  DecisionParts& parts_;
  Optimiser optimiser_;
  std::deque<std::vector<float>> to_go_;  // of every episode of the replay
  std::int64_t known_ = 0;                // that were added to it
};

}  // namespace

void DecisionOptions::fields(Config& config) {
  seed_field(config, seed);
  behaviour.fields(config, "policy.");
  optimiser_fields(config, "optimiser.", optimiser, "everything");
  train.fields(config, "train.");
  config.resumable({"train.updates", "train.batch", "train.budget_gb", "train.bfloat16", "train.evaluate_episodes"});
}

std::unique_ptr<System> make_decision_transformer(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<DecisionParts>();
  auto& options = parts->options;
  options.fields(system->config);
  system->config.take_as_default();
  apply_settings(system->config, spec);

  begin_interleaved(*system, *parts, spec, options.seed);
  system->title = options.behaviour.returns ? "Decision Transformer" : "Behaviour cloning";
  parts->behaviour = std::make_shared<DecisionTransformer>(options.behaviour, system->make_env()->spaces());
  parts->behaviour->to(system->device);
  system->behaviour = parts->behaviour;
  parts->learner = std::make_unique<DecisionLearner>(*parts);
  system->follow_settings = [p = parts.get()] { p->learner->follow_settings(); };
  complete_offline(*system, parts, options.train, "Learn: what was done, by the return that came of it");
  return system;
}

}  // namespace dream
