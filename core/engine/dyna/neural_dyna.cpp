#include <algorithm>

#include "core/behaviours/q_network.h"
#include "core/engine/dyna/dyna.h"
#include "core/engine/optimiser_fields.h"
#include "core/engine/seed_field.h"
#include "core/models/one_step_model.h"

namespace dream {
namespace {

OptimiserOptions adam(double learning_rate) {
  return {.kind = OptimiserKind::adam, .learning_rate = learning_rate, .eps = 1e-8, .clip_norm = 10, .adaptive_clip = 0, .warm_up = 0};
}

struct NeuralDynaParts : InterleavedParts {
  struct Options {
    std::int64_t seed = 0;
    OneStepOptions world;
    QNetworkOptions behaviour;
    std::int64_t planning_steps = 4, target_every = 100;
    OptimiserOptions world_optimiser = adam(1e-3), q_optimiser = adam(5e-4);
    InterleavedOptions train;

    void fields(Config& config) {
      seed_field(config, seed);
      world.fields(config, "world.");
      behaviour.fields(config, "behaviour.");
      config.add("dyna.planning_steps", planning_steps,
                 {.help = "Batches of imagined steps that Q learns from after each of real ones; 0 is Q-learning alone",
                  .low = 0, .high = 1000, .live = true, .title = "planning steps n"});
      config.add("dyna.target_every", target_every,
                 {.help = "Updates between two copies of Q, which says what the next state is worth", .low = 1, .high = 1e6, .live = true});
      optimiser_fields(config, "world_optimiser.", world_optimiser, "the model");
      optimiser_fields(config, "q_optimiser.", q_optimiser, "Q");
      train.fields(config, "train.");
    }
  } options;
  std::shared_ptr<OneStepModel> model;
  std::shared_ptr<QNetwork> q;
};

/// Sutton's Dyna with networks in the place of both tables: model and Q learn from real steps, then Q from steps that the
/// model imagines from states that were seen.
class NeuralDynaLearner : public Learner {
 public:
  explicit NeuralDynaLearner(NeuralDynaParts& parts)
      : parts_(parts), world_(parts.model->learned(), parts.options.world_optimiser), q_(parts.q->learned(), parts.options.q_optimiser) {
    if (!parts.model->viewer().is_empty())
      viewer_ = std::make_unique<ViewingTrainer>(parts.model->viewer(), parts.options.world.view);
  }

  void update(Feed& feed, std::int64_t number, at::Generator rng) override {
    const auto& options = parts_.options;
    auto& metrics = parts_.system->metrics;
    auto& model = *parts_.model;
    const auto batch = feed.draw_anywhere(options.train.batch, 2);
    model.fit_scale(batch.vector.flatten(0, 1));
    const auto x = model.input_of(batch.vector[0]), after = model.input_of(batch.vector[1]);
    const auto& action = batch.action[1];
    const auto counts = 1 - batch.first[1];
    const auto world = model.loss(x, action, after, batch.reward[1], batch.terminated[1], counts);
    metrics.add("world/next", number, world.next.item<double>());
    metrics.add("world/reward", number, world.reward.item<double>());
    metrics.add("world/done", number, world.done.item<double>());
    world.total().backward();
    world_.step();
    learn(x, action, batch.reward[1], after, batch.terminated[1], counts, "behaviour/q", number);

    for (std::int64_t i = 0; i < options.planning_steps; ++i) {
      const auto seen = model.input_of(feed.draw_anywhere(options.train.batch, 1).vector[0]);
      auto from = model.initial(seen.size(0));
      from["x"] = seen;
      torch::Tensor tried;
      Carry to;
      {
        torch::NoGradGuard no_grad;
        tried = parts_.q->decide({&model, from}, {}, Mode::collect, rng).action;
        to = model.imagine(from, tried, {}, rng);
      }
      learn(seen, tried, to.at("reward"), to.at("x"), to.at("done"), torch::ones_like(to.at("reward")), "behaviour/q_planned", number);
    }
    if (number % options.target_every == 0) parts_.q->update_slow();
    if (viewer_ && batch.image.defined() && viewer_->due(number))
      metrics.add("view/picture", number, viewer_->learn(x, batch.image[0]));
    auto starts = model.initial(std::min(kept_starts, x.size(0)));
    starts["x"] = x.slice(0, 0, starts.at("x").size(0)).clone();
    parts_.system->starts = std::move(starts);
  }

  double frames_per_update() const override { return static_cast<double>(parts_.options.train.batch); }
  Needs needs() const override { return {false, true}; }
  std::int64_t least_steps() const override { return 2; }
  std::vector<Metrics::Spec> curves() const override {
    return {{"world/next", "Next state: error", "MSE or nats", "update"},
            {"world/reward", "Reward: error", "MSE", "update"},
            {"world/done", "End: cross-entropy", "nats", "update"},
            {"behaviour/q", "Q: error on real steps", "Huber", "update"},
            {"behaviour/q_planned", "Q: error on imagined steps", "Huber", "update"},
            {"view/picture", "Viewing decoder: picture", "MSE", "update"}};
  }
  void follow_settings() override {
    world_.options() = parts_.options.world_optimiser, q_.options() = parts_.options.q_optimiser;
    parts_.q->live_options() = parts_.options.behaviour;
  }
  void save(Checkpoint& into, const std::string& prefix) const override {
    world_.save(into, prefix + "world/");
    q_.save(into, prefix + "q/");
    if (viewer_) viewer_->save(into, prefix + "viewer/");
  }
  void load(const Checkpoint& from, const std::string& prefix) override {
    world_.load(from, prefix + "world/");
    q_.load(from, prefix + "q/");
    if (viewer_) viewer_->load(from, prefix + "viewer/");
  }

 private:
  void learn(const torch::Tensor& x, const torch::Tensor& action, const torch::Tensor& reward, const torch::Tensor& after,
             const torch::Tensor& done, const torch::Tensor& counts, const char* curve, std::int64_t number) {
    const auto loss = parts_.q->loss(x, action, reward, after, done, counts);
    parts_.system->metrics.add(curve, number, loss.item<double>());
    loss.backward();
    q_.step();
  }

  NeuralDynaParts& parts_;
  Optimiser world_, q_;
  std::unique_ptr<ViewingTrainer> viewer_;
};

}  // namespace

std::unique_ptr<System> make_dyna_neural(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<NeuralDynaParts>();
  auto& options = parts->options;
  auto& train = options.train;
  train.steps = 20000, train.batch = 64, train.train_ratio = 16, train.lanes = 4, train.prefill = 500;
  train.online_queue = train.replay_context = train.gauges = train.bfloat16 = false;
  options.fields(system->config);
  system->config.take_as_default();
  apply_settings(system->config, spec);

  begin_interleaved(*system, *parts, spec, options.seed);
  system->title = "Dyna with networks";
  parts->train = &train;
  const auto spaces = system->make_env()->spaces();
  parts->model = std::make_shared<OneStepModel>(options.world, spaces);
  parts->q = std::make_shared<QNetwork>(parts->model->feature_count(), spaces.action, options.behaviour);
  parts->model->to(system->device), parts->q->to(system->device);
  system->model = parts->model;
  system->behaviour = parts->q;
  parts->learner = std::make_unique<NeuralDynaLearner>(*parts);
  system->follow_settings = [p = parts.get()] { p->learner->follow_settings(); };
  complete_interleaved(*system, parts, spec, "Learn: step, model, Q, plan", make_dyna_neural);
  return system;
}

}  // namespace dream
