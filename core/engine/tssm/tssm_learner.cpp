#include <algorithm>

#include "core/engine/tssm/tssm_recipe.h"
#include "core/models/open_loop.h"
#include "core/nn/generator.h"

namespace dream {
namespace {

constexpr std::int64_t tssm_open_loop_context = 5;   // frames that the open-loop picture sees
constexpr std::int64_t tssm_open_loop_steps = 20;    // that it then imagines
constexpr std::int64_t tssm_open_loop_lanes = 3;
constexpr std::int64_t tssm_open_loop_updates = 20;  // for which it keeps its sequences, so that they can be seen to improve
constexpr std::int64_t tssm_starts_every = 50;

/// The world model from a batch of sequences; then actor and critic from what is imagined after short contexts of a batch of its own
/// (STORM), or after moments of the same batch (TransDreamer).
class TssmLearner : public Learner {
 public:
  explicit TssmLearner(TssmParts& parts)
      : parts_(parts),
        world_(parts.model->parameters(), parts.options.world_optimiser),
        actor_(parts.actor_critic->actor_parameters(), parts.options.actor_optimiser),
        critic_(parts.actor_critic->critic_parameters(), parts.options.critic_optimiser) {}

  void update(Feed& feed, std::int64_t number, at::Generator rng) override {
    auto& model = *parts_.model;
    const auto& options = parts_.options;
    number_ = number;
    batch_ = feed.draw(options.train.batch, options.train.length);
    const auto world = model.loss(batch_, rng);
    for (const auto& [name, term] : world.terms) add("world/" + name, number, term);
    world.total.backward();
    metrics().add("world/gradient", number, world_.step());

    const auto [starts, alive] = options.context > 0 ? after_contexts(feed, rng) : after_moments(world, rng);
    const auto loss = parts_.actor_critic->learn(model, starts, alive, {}, rng);
    for (const auto& [name, term] : loss.terms) add("behaviour/" + name, number, term);
    (loss.actor + loss.critic).backward();
    metrics().add("behaviour/actor_gradient", number, actor_.step());
    metrics().add("behaviour/critic_gradient", number, critic_.step());
    world_.clear();  // gradients that came through the dynamics
    parts_.actor_critic->update_target();
    if (number % tssm_starts_every == 1) look_back(world);
  }
  double frames_per_update() const override { return static_cast<double>(parts_.options.train.batch * parts_.options.train.length); }
  std::int64_t least_steps() const override { return std::max(parts_.options.train.length, parts_.options.context); }
  Needs needs() const override {
    const auto sees = parts_.options.world.observe;
    return {sees != Sees::vector, sees != Sees::image};
  }

  std::vector<Metrics::Spec> curves() const override {
    const bool storm = parts_.options.world.kind == TssmKind::storm;
    const auto spec = [](const char* name, const char* title, const char* unit) { return Metrics::Spec{name, title, unit, "update"}; };
    const auto divergence = [](const char* name, const char* title) { return Metrics::Spec{name, title, "nats", "update", 0, "free nats"}; };
    std::vector<Metrics::Spec> all;
    if (parts_.options.world.observe != Sees::image) all.push_back(spec("world/vector", "Vector: Σ(symlog x − x̂)²", ""));
    const std::vector<Metrics::Spec> others = {
            spec("world/image", storm ? "Image: Σ(x − x̂)²" : "Image: −log N(x; x̂, σ²)", ""),
            spec("world/reward", "Reward: −log p(r)", "nats"),
            spec("world/continue", "End: −log p(end)", "nats"),
            divergence("world/dynamics", "Dynamics: max(KL(sg(q) ‖ p), free)"),
            divergence("world/representation", "Representation: max(KL(q ‖ sg(p)), free)"),
            spec("world/kl", "KL(q ‖ p)", "nats"),
            spec("world/gradient", "Gradient norm of the world model", ""),
            spec("behaviour/actor", "Actor loss", ""),
            spec("behaviour/critic", "Critic: −log p(R)", "nats"),
            spec("behaviour/entropy", "Entropy of the policy", "nats"),
            spec("behaviour/return", "Imagined λ-return", "reward"),
            spec("behaviour/value", "Imagined value", "reward"),
            spec("behaviour/actor_gradient", "Gradient norm of the actor", ""),
            spec("behaviour/critic_gradient", "Gradient norm of the critic", "")};
    all.insert(all.end(), others.begin(), others.end());
    return all;
  }

  void follow_settings() override {
    world_.options() = parts_.options.world_optimiser;
    actor_.options() = parts_.options.actor_optimiser;
    critic_.options() = parts_.options.critic_optimiser;
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
    for (auto* optimiser : {&world_, &actor_, &critic_}) optimiser->clear();  // gradients of a step that failed
  }
  void rest() override { batch_ = sheet_ = {}; }

  std::vector<Frame> frames(const Feed& feed) override {
    if (!batch_.image.defined() || feed.replay().frames() == 0) return {};
    if (!sheet_.reward.defined() || number_ - sheet_since_ >= tssm_open_loop_updates) {
      sheet_ = feed.sheet(tssm_open_loop_lanes, tssm_open_loop_context + tssm_open_loop_steps, Rng(static_cast<std::uint64_t>(number_)));
      sheet_since_ = number_;
    }
    return open_loop_frames(*parts_.model, sheet_, tssm_open_loop_context, make_generator(parts_.system->device, 1));
  }
  std::vector<std::string> warnings() const override { return parts_.model->latent_warnings(); }
  std::vector<std::string> probe_names() const override {
    auto names = parts_.model->batch_probe_names();
    names.insert(names.end(), {"predicted/reward", "predicted/continue", "predicted/value"});
    return names;
  }
  void report(ProbeSink& sink) override {
    if (!batch_.reward.defined()) return;
    torch::NoGradGuard no_grad;
    parts_.model->report_batch(sink);
    const Valued valued = {[ac = parts_.actor_critic.get()](const torch::Tensor& features) { return ac->value(features); },
                           parts_.options.behaviour.discount, parts_.options.behaviour.lambda};
    report_predicted(*parts_.model, batch_, tssm_open_loop_context, valued, sink, make_generator(parts_.system->device, 1));
  }

 private:
  struct Starts {
    Carry states;
    torch::Tensor alive;  // [N]
  };
  Metrics& metrics() const { return parts_.system->metrics; }
  void add(const std::string& name, std::int64_t number, const torch::Tensor& term) { metrics().add(name, number, term.item<double>()); }

  /// A window that holds the context and what is imagined: a state is then as small as can be.
  Starts after_contexts(Feed& feed, at::Generator rng) {
    const auto& options = parts_.options;
    const auto contexts = feed.draw_anywhere(options.imagined, options.context);
    const auto window = std::min(options.world.window, options.context + options.behaviour.horizon);
    return {parts_.model->having_seen(contexts, window, std::move(rng)), 1 - contexts.terminated[contexts.steps() - 1]};
  }
  Starts after_moments(const SequenceLoss& world, at::Generator rng) {
    const auto all = batch_.steps() * batch_.lanes();
    const auto drawn = torch::randperm(all, rng, torch::TensorOptions().dtype(torch::kInt64).device(batch_.reward.device()));
    const auto moments = drawn.slice(0, 0, std::min(parts_.options.imagined, all));
    return {world.starts_at(moments), (1 - batch_.terminated).flatten().index_select(0, moments)};
  }

  /// States to begin dreams from: nothing comes after an episode's last.
  void look_back(const SequenceLoss& world) {
    const auto going_on = (1 - batch_.last).flatten().nonzero().flatten();
    const auto every = std::max<std::int64_t>(1, going_on.size(0) / kept_starts);
    const auto chosen = going_on.slice(0, 0, every * kept_starts, every);
    if (chosen.size(0) > 0) parts_.system->starts = world.starts_at(chosen);
  }

  TssmParts& parts_;
  Optimiser world_, actor_, critic_;
  SequenceBatch batch_, sheet_;  // the last one; what the open-loop picture shows
  std::int64_t number_ = 0, sheet_since_ = 0;
};

}  // namespace

std::unique_ptr<Learner> tssm_learner(TssmParts& parts) {
  return std::make_unique<TssmLearner>(parts);
}

}  // namespace dream
