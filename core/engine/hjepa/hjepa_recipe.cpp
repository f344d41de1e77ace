#include "core/engine/hjepa/hjepa_recipe.h"

#include "api/error.h"
#include "core/behaviours/wanderer.h"
#include "core/engine/jepa/jepa_learner.h"
#include "core/nn/precision.h"

namespace dream {
namespace {

/// The lower level as JEPA learns it, and from its states the upper one.
class HjepaLearner : public JepaLearner {
 public:
  explicit HjepaLearner(HjepaParts& parts)
      : JepaLearner(parts), own_(parts), slow_(parts.levels->slow().learned(), parts.options.optimiser) {
    if (parts.levels->slow().viewer())
      viewer_ = std::make_unique<ViewingTrainer>(parts.levels->slow().viewer(), parts.slow.view);
  }

  std::int64_t least_steps() const override { return own_.options.train.length; }
  std::vector<Metrics::Spec> curves() const override {
    auto specs = JepaLearner::curves();
    specs.push_back({"slow/prediction", "Upper level: (w' − g(h(x')))² a stride on, and two", "", "update"});
    specs.push_back({"slow/variance", "Upper level: what a number lacks of deviation 1", "", "update"});
    specs.push_back({"slow/covariance", "Upper level: mean square of two numbers' covariance", "", "update"});
    specs.push_back({"slow/slowness", "Upper level: how far w moves in a step", "", "update"});
    specs.push_back({"slow/inverse", "Upper level: error of the mean action", "MSE", "update"});
    if (viewer_) specs.push_back({"slow/picture", "Upper level's viewing decoder: picture", "MSE", "update"});
    return specs;
  }
  void follow_settings() override {
    JepaLearner::follow_settings();
    slow_.options() = own_.options.optimiser;
    own_.two->near().live_options() = own_.options.planner;
    own_.two->far().live_options() = own_.far;
  }
  void save(Checkpoint& into, const std::string& prefix) const override {
    JepaLearner::save(into, prefix);
    slow_.save(into, prefix + "slow/");
    if (viewer_) viewer_->save(into, prefix + "slow_viewer/");
  }
  void load(const Checkpoint& from, const std::string& prefix) override {
    JepaLearner::load(from, prefix);
    slow_.load(from, prefix + "slow/");
    if (viewer_) viewer_->load(from, prefix + "slow_viewer/");
  }

 private:
  void learn_more(const SequenceBatch& batch, const torch::Tensor& z, std::int64_t number, at::Generator) override {
    auto& slow = own_.levels->slow();
    auto& metrics = own_.system->metrics;
    const auto loss = slow.loss(z, slow.action_input()(batch.action.slice(0, 1)), batch.first, own_.slow);
    for (const auto& [name, term] : loss.terms) metrics.add("slow/" + name, number, term.item<double>());
    loss.total.backward();
    slow_.options().learning_rate = own_.options.optimiser.learning_rate * cooled(number);
    slow_.step();
    if (viewer_ && viewer_->due(number))
      metrics.add("slow/picture", number, viewer_->learn(loss.w.flatten(0, 1), batch.image.flatten(0, 1)));
  }

  HjepaParts& own_;
  Optimiser slow_;
  std::unique_ptr<ViewingTrainer> viewer_;
};

}  // namespace

std::unique_ptr<Learner> hjepa_learner(HjepaParts& parts) {
  return std::make_unique<HjepaLearner>(parts);
}

std::unique_ptr<System> make_hjepa(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<HjepaParts>();
  auto& options = parts->options;
  auto& train = options.train;
  options.planner.horizon = 12;
  parts->far = options.planner;
  parts->far.horizon = 8, parts->far.warm_start = false, parts->far.noise_exponent = 0.5;
  train.steps = 30000, train.batch = 16, train.length = 17, train.train_ratio = 48, train.lanes = 8,
  train.prefill = 4000;
  train.evaluate_episodes = 20;  // every step of them is planned, twice
  train.online_queue = train.replay_context = train.gauges = false;
  options.fields(system->config);
  parts->slow.fields(system->config, "slow.");
  parts->far.fields(system->config, "far.");
  system->config.take_as_default();
  apply_settings(system->config, spec);
  if (train.length <= parts->slow.stride)
    throw Error("train.length = " + std::to_string(train.length) + " holds no stride of slow.stride = " +
                std::to_string(parts->slow.stride) + " steps; raise the first or lower the other");

  begin_interleaved(*system, *parts, spec, options.seed);
  system->title = "Hierarchical JEPA";
  parts->train = &train;
  const auto spaces = system->make_env()->spaces();
  parts->levels = std::make_shared<Hjepa>(options.world, parts->slow, spaces);
  parts->model = parts->levels;
  parts->model->set_bfloat16(train.bfloat16 && bfloat16_is_fast(system->device));
  parts->two = std::make_shared<TwoLevelPlanner>(spaces.action, parts->far, options.planner, parts->slow.latent);
  const auto behaviour = std::make_shared<Wanderer>(spaces.action, parts->two);
  parts->model->to(system->device), behaviour->to(system->device);
  system->model = parts->model;
  system->behaviour = system->driver = behaviour;  // it plans at both levels; a plan at one would be JEPA's
  parts->learner = hjepa_learner(*parts);
  system->follow_settings = [p = parts.get()] { p->learner->follow_settings(); };
  complete_interleaved(*system, parts, spec, "Learn: wander, predict steps and strides", make_hjepa);
  return system;
}

}  // namespace dream
