#include "core/engine/jepa/jepa_learner.h"
#include "core/engine/lecun/lecun_recipe.h"
#include "core/engine/lecun/short_term_memory.h"

namespace dream {
namespace {

OptimiserOptions pupil_optimiser(double learning_rate) {
  return {.kind = OptimiserKind::adam,
          .learning_rate = learning_rate,
          .eps = 1e-8,
          .clip_norm = 10,
          .adaptive_clip = 0,
          .warm_up = 0};
}

/// The model as JEPA learns it. Beside it Mode 2 thinks from states of the batch, towards goals of other lanes and by weights
/// that anybody may ask for; its plans go into the short-term memory, from which the policy learns to do what they do, and the
/// critic what they cost.
class LecunLearner : public JepaLearner {
 public:
  explicit LecunLearner(LecunParts& parts)
      : JepaLearner(parts),
        own_(parts),
        goals_(parts.system->make_env()->spaces().goals),
        teacher_(parts.system->make_env()->spaces().action, thinking(), parts.actor->shared_policy()),
        policy_(parts.actor->policy().policy_parameters(), pupil_optimiser(parts.teach.learning_rate)),
        critic_(parts.actor->policy().critic_parameters(), pupil_optimiser(parts.teach.learning_rate)),
        memory_(parts.teach.room) {}

  std::vector<Metrics::Spec> curves() const override {
    auto specs = JepaLearner::curves();
    specs.push_back({"world/harm", "Harm: error of what a step is foreseen to charge", "MSE", "update"});
    if (!goals_) specs.push_back({"world/reach", "Goal: error of the foreseen reward", "MSE", "update"});
    specs.push_back({"actor/imitation", "Mode 1: (A(s) − what Mode 2 did)²", "MSE", "update"});
    specs.push_back({"critic/loss", "Critic: error of the costs to come, of an average step", "MSE", "update"});
    specs.push_back({"think/goal", "Mode 2: cost of the goal, a step of its plans", "", "update"});
    specs.push_back({"think/harm", "Mode 2: harm, a step of its plans", "", "update"});
    specs.push_back({"think/energy", "Mode 2: energy, a step of its plans", "", "update"});
    return specs;
  }

  void follow_settings() override {
    JepaLearner::follow_settings();
    own_.actor->planner().live_options() = own_.options.planner;
    own_.actor->policy().live_options() = own_.actor_options;
    own_.agent_model->live_options() = own_.costs;
    teacher_.live_options() = thinking();
    policy_.options() = critic_.options() = pupil_optimiser(own_.teach.learning_rate);
  }

  void save(Checkpoint& into, const std::string& prefix) const override {
    JepaLearner::save(into, prefix);
    policy_.save(into, prefix + "policy/");
    critic_.save(into, prefix + "critic/");
    memory_.save(into, prefix + "memory/");
  }
  void load(const Checkpoint& from, const std::string& prefix) override {
    JepaLearner::load(from, prefix);
    policy_.load(from, prefix + "policy/");
    critic_.load(from, prefix + "critic/");
    memory_.load(from, prefix + "memory/");
  }

 private:
  PlannerOptions thinking() const {
    auto options = own_.options.planner;
    options.candidates = own_.teach.candidates, options.iterations = own_.teach.iterations;
    options.warm_start = false;
    return options;
  }

  void learn_more(const SequenceBatch&, const torch::Tensor& z, std::int64_t number, at::Generator rng) override {
    if (number % own_.teach.every == 1 || own_.teach.every == 1 || memory_.size() == 0) think(z, number, rng);
    auto& policy = own_.actor->policy();
    const auto rows = memory_.draw(own_.teach.batch, rng);
    const auto there = [&](const char* name) { return rows.at(name).to(z.device()); };
    const auto features = there("features"), actions = there("actions"), costs = there("costs");
    const double rate = own_.teach.learning_rate * cooled(number);
    auto& metrics = own_.system->metrics;

    const auto steps = std::min(own_.teach.imitated, actions.size(1));
    const auto imitation = policy.imitation(features.slice(1, 0, steps), actions.slice(1, 0, steps));
    metrics.add("actor/imitation", number, imitation.item<double>());
    imitation.backward();
    policy_.options().learning_rate = rate;
    policy_.step();

    torch::Tensor expected;
    {
      torch::NoGradGuard no_grad;
      expected = ShortTermMemory::to_come(costs, policy.to_come(features.select(1, -1), true), policy.discount());
    }
    const auto missed = policy.critic_loss(features.slice(1, 0, -1), expected);
    metrics.add("critic/loss", number, missed.item<double>());
    missed.backward();
    critic_.options().learning_rate = rate;
    critic_.step();
    policy.follow_slowly();
  }

  void think(const torch::Tensor& z, std::int64_t number, at::Generator rng) {
    torch::NoGradGuard no_grad;
    auto& model = *own_.agent_model;
    const auto all = z.flatten(0, 1);
    const auto count = std::min(own_.teach.states, all.size(0));
    const auto any = [&] {
      return all.index_select(0, torch::randint(0, all.size(0), {count}, rng, torch::kInt64).to(z.device()));
    };
    auto states = model.initial(count);
    states["z"] = any();
    if (goals_) states["goal"] = any(), states["aimed"] = torch::ones_like(states.at("aimed"));
    states["weights"] = model.any_weights(count, rng);
    const auto plan = teacher_.plan({&model, states}, {}, rng).best;
    const auto path = LecunActor::follow(model, states, plan, own_.actor->policy(), rng);
    memory_.write({{"features", path.features.cpu()}, {"actions", plan.cpu()}, {"costs", path.costs.cpu()}});
    const auto means = path.costs.mean({0, 1});
    const auto names = choice_names(Drive{});
    for (std::size_t i = 0; i < names.size(); ++i)
      own_.system->metrics.add("think/" + std::string(names[i]), number,
                               means[static_cast<std::int64_t>(i)].item<double>());
  }

  LecunParts& own_;
  bool goals_;
  Planner teacher_;
  Optimiser policy_, critic_;
  ShortTermMemory memory_;
};

}  // namespace

std::unique_ptr<Learner> lecun_learner(LecunParts& parts) {
  return std::make_unique<LecunLearner>(parts);
}

}  // namespace dream
