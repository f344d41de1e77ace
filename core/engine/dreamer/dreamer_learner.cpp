#include <algorithm>
#include <cmath>

#include "core/data/sequences.h"
#include "core/engine/dreamer/dreamer_learner.h"
#include "core/engine/lanes.h"
#include "core/models/open_loop.h"

namespace dream {
namespace {

constexpr double exploding_kl = 1000;          // nats; healthy models stay below a hundred
constexpr std::int64_t open_loop_context = 5;  // frames that the open-loop picture sees
constexpr std::int64_t open_loop_steps = 50;   // that it then imagines
constexpr std::int64_t open_loop_lanes = 3;
constexpr std::int64_t open_loop_updates = 20;  // for which it keeps its sequences, so that they can be seen to improve

}  // namespace

DreamerLearner::DreamerLearner(DreamerParts& parts) : parts_(parts) {
  optimise("world/", "world/gradient", parts.model->parameters(), parts.options.world_optimiser);
  if (const auto* ac = parts.actor_critic.get()) {
    optimise("actor/", "behaviour/actor_gradient", ac->actor_parameters(), parts.options.actor_optimiser);
    optimise("critic/", "behaviour/critic_gradient", ac->critic_parameters(), parts.options.critic_optimiser);
  }
}

void DreamerLearner::optimise(std::string name, std::string curve, std::vector<torch::Tensor> parameters,
                              const OptimiserOptions& options) {
  optimised_.push_back({std::move(name), std::move(curve), options, Optimiser(std::move(parameters), options)});
}

void DreamerLearner::follow_settings() {
  for (auto& [name, curve, options, optimiser] : optimised_) optimiser.options() = options;
}

void DreamerLearner::save(Checkpoint& into, const std::string& prefix) const {
  for (const auto& part : optimised_) part.optimiser.save(into, prefix + part.name);
}

void DreamerLearner::load(const Checkpoint& from, const std::string& prefix) {
  for (auto& part : optimised_) part.optimiser.load(from, prefix + part.name);
}

void DreamerLearner::update(Feed& feed, std::int64_t number, at::Generator rng) {
  const auto& train = parts_.options.train;
  number_ = number;
  batch_ = feed.draw(train.batch, train.length);
  auto world = parts_.model->loss(batch_, rng);
  const bool imagines = parts_.actor_critic != nullptr;
  const auto starts = imagines || feed.keeps_states() ? world.starts_at({}) : Carry{};
  if (feed.keeps_states()) feed.keep(starts);
  for (const auto& [name, term] : world.terms) metrics().add("world/" + name, number, term.item<double>());
  auto total = world.total;
  if (imagines) {
    const auto alive = (1 - batch_.terminated).flatten();
    auto loss = parts_.actor_critic->learn(*parts_.model, starts, alive,
                                           {world.features, batch_.reward, batch_.terminated, batch_.last}, rng);
    for (const auto& [name, term] : loss.terms) metrics().add("behaviour/" + name, number, term.item<double>());
    total = total + loss.actor + loss.critic;
    if (loss.replay_critic.defined()) total = total + loss.replay_critic;
  }
  total.backward();
  for (auto& part : optimised_) metrics().add(part.curve, number, part.optimiser.step());
  if (imagines) parts_.actor_critic->update_target();
  if (number % 50 == 1) look_back(world);
}

/// What looks wrong, and states to begin dreams from.
void DreamerLearner::look_back(const SequenceLoss& world) {
  warnings_ = parts_.model->latent_warnings();
  if (const double kl = metrics().last("world/kl"); kl > exploding_kl) {
    warnings_.push_back("the KL between posterior and prior explodes (" + std::to_string(std::llround(kl)) +
                        " nats): lower the learning rate or raise β_dyn");
  }
  // Nothing comes after an episode's last state.
  const auto going_on = (1 - batch_.last).flatten().nonzero().flatten();
  const auto every = std::max<std::int64_t>(1, going_on.size(0) / kept_starts);
  const auto chosen = going_on.slice(0, 0, every * kept_starts, every);
  if (chosen.size(0) > 0) parts_.system->starts = world.starts_at(chosen);
}

std::vector<Frame> DreamerLearner::frames(const Feed& feed) {
  if (!batch_.image.defined() || feed.replay().frames() == 0) return {};
  if (!sheet_.reward.defined() || number_ - sheet_since_ >= open_loop_updates) {
    // Longer than what is trained on, and of one episode where that lasts; chosen without the run's own chance.
    sheet_ = feed.sheet(open_loop_lanes, open_loop_context + open_loop_steps, Rng(static_cast<std::uint64_t>(number_)));
    sheet_since_ = number_;
  }
  return open_loop_frames(*parts_.model, sheet_, open_loop_context, make_generator(parts_.system->device, 1));
}

std::vector<std::string> DreamerLearner::probe_names() const {
  auto names = parts_.model->batch_probe_names();
  for (const auto* name : {"predicted/reward", "predicted/continue"}) names.emplace_back(name);
  if (parts_.options.world.cost_scale > 0) names.emplace_back("predicted/cost");
  if (parts_.actor_critic) names.emplace_back("predicted/value");
  return names;
}

void DreamerLearner::report(ProbeSink& sink) {
  if (!batch_.reward.defined()) return;
  torch::NoGradGuard no_grad;
  parts_.model->report_batch(sink);
  Valued valued;
  if (auto* ac = parts_.actor_critic.get()) {
    valued = {[ac](const torch::Tensor& features) { return ac->value(features); }, parts_.options.behaviour.discount,
              parts_.options.behaviour.lambda};
  }
  report_predicted(*parts_.model, batch_, open_loop_context, valued, sink, make_generator(parts_.system->device, 1));
}

std::vector<Metrics::Spec> DreamerLearner::curves() const {
  const auto& w = parts_.options.world;
  const auto spec = [](const char* name, const char* title, const char* unit) {
    return Metrics::Spec{name, title, unit, "update"};
  };
  const auto divergence = [&](const char* name, const std::string& title) {
    return Metrics::Spec{name, title, "nats", "update", 0, "free nats"};
  };
  const bool excess = w.free_per == FreePer::excess;
  const std::string before = excess ? "max(0, " : "max(", after = excess ? " − free)" : ", free)";
  std::vector<Metrics::Spec> specs = {
      spec("world/image", w.image_loss == ImageLoss::normal ? "Image: −log N(x; x̂, 1)" : "Image: Σ(x − x̂)²", ""),
      spec("world/vector", w.image_loss == ImageLoss::normal ? "Vector: −log N(x; x̂, 1)" : "Vector: Σ(x − x̂)²", ""),
      spec("world/reward", "Reward: −log p(r)", "nats"),
      spec("world/cost", "Cost: −log p(c), weighed", "nats"),
      spec("world/cost_predicted", "Cost of a step as predicted", "cost"),
      spec("world/cost_real", "Cost of a step as it came", "cost"),
      spec("world/continue", "Continue: −log p(c)", "nats"),
      divergence("world/dynamics", "Dynamics: " + before + "KL(sg(q) ‖ p)" + after),
      divergence("world/representation", "Representation: " + before + "KL(q ‖ sg(p))" + after),
      spec("world/overshooting", "Latent overshooting: KL(sg(q) ‖ p_d)", "nats"),
      divergence("world/kl", "KL(q ‖ p)"),
      spec("world/kl_begin", "KL(q ‖ p) where a replayed piece begins", "nats"),
      spec("world/gradient", "Gradient norm of the world model", "")};
  // What this run has no part for is not listed.
  std::erase_if(specs, [&](const Metrics::Spec& s) {
    return (s.name == "world/image" && w.observe == Sees::vector && !w.paint) ||
           (s.name == "world/vector" && w.observe == Sees::image) ||
           (s.name.starts_with("world/cost") && w.cost_scale <= 0) ||
           (s.name == "world/continue" && w.continue_scale <= 0) ||
           (s.name == "world/overshooting" && w.overshooting < 2);
  });
  if (!parts_.actor_critic) return specs;
  specs.insert(specs.end(),
               {spec("behaviour/actor", "Actor loss", ""), spec("behaviour/critic", "Critic: −log p(R)", "nats"),
                spec("behaviour/replay_critic", "Critic on replayed rewards", "nats"),
                spec("behaviour/entropy", "Entropy of the policy", "nats"),
                spec("behaviour/return", "Imagined λ-return", "reward"),
                spec("behaviour/value", "Imagined value", "reward"),
                spec("behaviour/actor_gradient", "Gradient norm of the actor", ""),
                spec("behaviour/critic_gradient", "Gradient norm of the critic", "")});
  return specs;
}

std::unique_ptr<Learner> dreamer_learner(DreamerParts& parts) {
  if (parts.safe) return std::make_unique<SafeDreamerLearner>(parts);
  return std::make_unique<DreamerLearner>(parts);
}

}  // namespace dream
