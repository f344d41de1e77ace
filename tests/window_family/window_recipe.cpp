#include "tests/window_family/window_recipe.h"

#include "core/behaviours/actor_critic.h"
#include "core/engine/interleaved.h"
#include "core/nn/optimiser.h"
#include "tests/window_family/window_model.h"

namespace dream::test {
namespace {

struct Options {
  std::int64_t seed = 0, imagined = 16;  // starts of a batch of imagination
  WindowOptions world;
  ActorCriticOptions behaviour;
  OptimiserOptions optimiser{.kind = OptimiserKind::adam,
                             .learning_rate = 3e-3,
                             .eps = 1e-8,
                             .clip_norm = 100,
                             .adaptive_clip = 0,
                             .warm_up = 0};
  InterleavedOptions train;

  void fields(Config& config) {
    config.add("seed", seed, {.help = "Seed of everything that this run draws", .low = 0, .high = 2147483647});
    config.add("imagined", imagined, {.help = "Starts of a batch of imagination", .low = 1, .high = 4096});
    world.fields(config, "world.");
    behaviour.fields(config, "behaviour.");
    train.fields(config, "train.");
  }
};

struct Parts : InterleavedParts {
  Options options;
  std::shared_ptr<WindowModel> model;
  std::shared_ptr<ActorCritic> actor_critic;
};

/// Two losses, one after the other: tokens and what follows them from sequences, then the actor-critic from short
/// contexts of a batch of its own (as STORM does).
class WindowLearner : public Learner {
 public:
  explicit WindowLearner(Parts& parts)
      : parts_(parts),
        world_(parts.model->parameters(), parts.options.optimiser),
        actor_(parts.actor_critic->actor_parameters(), parts.options.optimiser),
        critic_(parts.actor_critic->critic_parameters(), parts.options.optimiser) {}

  double frames_per_update() const override {
    return static_cast<double>(parts_.options.train.batch * parts_.options.train.length);
  }
  std::int64_t least_steps() const override { return parts_.options.train.length; }
  std::vector<Metrics::Spec> curves() const override {
    return {{"world/token", "Token: error of the next one", "MSE", "update"},
            {"world/vector", "Vector: Σ(x − x̂)²", "", "update"},
            {"world/reward", "Reward: error", "MSE", "update"},
            {"world/done", "Done: cross-entropy", "nats", "update"},
            {"behaviour/actor", "Actor loss", "", "update"},
            {"behaviour/critic", "Critic: −log p(R)", "nats", "update"},
            {"behaviour/return", "Imagined λ-return", "reward", "update"}};
  }

  void update(Feed& feed, std::int64_t number, at::Generator rng) override {
    learn_world(feed.draw(parts_.options.train.batch, parts_.options.train.length), number, rng);
    const auto contexts = feed.draw_anywhere(parts_.options.imagined, parts_.options.world.tokens);
    Carry starts;
    {
      torch::NoGradGuard no_grad;
      starts = parts_.model->initial(contexts.lanes());
      for (std::int64_t t = 0; t < contexts.steps(); ++t) starts = see(starts, contexts, t, rng);
    }
    const auto alive = 1 - contexts.terminated[contexts.steps() - 1];
    const auto loss = parts_.actor_critic->learn(*parts_.model, starts, alive, {}, rng);
    for (const auto& [name, term] : loss.terms) {
      if (name == "actor" || name == "critic" || name == "return") add("behaviour/" + name, number, term);
    }
    (loss.actor + loss.critic).backward();
    actor_.step();
    critic_.step();
    world_.clear();
    parts_.actor_critic->update_target();
    parts_.system->starts = starts;
  }

  void save(Checkpoint& into, const std::string& prefix) const override {
    world_.save(into, prefix + "world/");
    actor_.save(into, prefix + "actor/");
    critic_.save(into, prefix + "critic/");
  }
  void load(const Checkpoint& from, const std::string& prefix) override {
    world_.load(from, prefix + "world/");
    actor_.load(from, prefix + "actor/");
    critic_.load(from, prefix + "critic/");
  }

 private:
  void add(const std::string& name, std::int64_t number, const torch::Tensor& term) {
    parts_.system->metrics.add(name, number, term.item<double>());
  }

  Carry see(const Carry& carry, const SequenceBatch& batch, std::int64_t t, at::Generator rng) {
    auto& model = *parts_.model;
    return model.observe(where_fresh(batch.first[t] > 0, model.initial(batch.lanes()), carry), batch.action[t],
                         {{}, batch.vector[t]}, rng);
  }

  void learn_world(const SequenceBatch& batch, std::int64_t number, at::Generator rng) {
    auto& model = *parts_.model;
    auto carry = model.initial(batch.lanes());
    torch::Tensor token, vector, reward, done;
    const auto sum = [](torch::Tensor& to, const torch::Tensor& term) { to = to.defined() ? to + term : term; };
    for (std::int64_t t = 0; t < batch.steps(); ++t) {
      const auto within = 1 - batch.first[t];
      const auto predicted = model.next(carry, batch.action[t]);
      carry = see(carry, batch, t, rng);
      const auto now = model.token_of(carry);
      sum(token, ((predicted - now.detach()).square().mean(-1) * within).mean());
      sum(vector, (model.decode(now) - batch.vector[t]).square().sum(-1).mean());
      const auto outcome = model.outcome(carry);
      sum(reward, ((outcome.reward - batch.reward[t]).square() * within).mean());
      sum(done, torch::binary_cross_entropy(outcome.done, batch.terminated[t]));
    }
    add("world/token", number, token);
    add("world/vector", number, vector);
    add("world/reward", number, reward);
    add("world/done", number, done);
    (token + vector + reward + done).backward();
    world_.step();
  }

  Parts& parts_;
  Optimiser world_, actor_, critic_;
};

}  // namespace

std::unique_ptr<System> make_window(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  auto parts = std::make_shared<Parts>();
  auto& options = parts->options;
  options.behaviour.replay_critic = 0;
  options.train.replay_context = false;
  options.fields(system->config);
  system->config.take_as_default();
  apply_settings(system->config, spec);
  system->title = "Window of tokens";
  begin_interleaved(*system, *parts, spec, options.seed);
  parts->train = &options.train;
  const auto spaces = system->make_env()->spaces();
  parts->model = std::make_shared<WindowModel>(options.world, spaces);
  parts->actor_critic = std::make_shared<ActorCritic>(parts->model->feature_count(), spaces.action, options.behaviour);
  system->model = parts->model;
  system->behaviour = parts->actor_critic;
  parts->learner = std::make_unique<WindowLearner>(*parts);
  complete_interleaved(*system, parts, spec, "Learn: collect, tokens, behaviour", make_window);
  return system;
}

RecipeEntry window_entry() {
  return {"window", "Window of tokens", "A small third family, for tests", make_window, [](const Spaces& spaces) {
            return spaces.vector_names.empty() ? "it sees vectors, and this world shows none" : "";
          }};
}

}  // namespace dream::test
