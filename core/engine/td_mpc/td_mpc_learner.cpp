#include <algorithm>

#include "core/engine/lanes.h"
#include "core/engine/td_mpc/td_mpc.h"
#include "core/models/open_loop.h"
#include "core/nn/precision.h"

namespace dream {
namespace {

constexpr std::int64_t td_kept_starts = 64;  // states that a run keeps to begin dreams from
constexpr std::int64_t td_look_every = 50;   // updates
constexpr std::int64_t td_seen_frames = 5, td_dreamt_frames = 50, td_shown_lanes = 3;  // of the open-loop picture
constexpr std::int64_t td_sheet_updates = 200;  // for which it keeps its sequences

/// Model and Q-functions from pieces of the replay, then the policy from the states that the model imagined over them
/// (Hansen et al. 2024, algorithm 1).
class TdMpcLearner : public Learner {
 public:
  explicit TdMpcLearner(TdMpcParts& parts)
      : parts_(parts),
        encoder_(parts.model->encoder_parameters(), {}),
        rest_(rest_of(parts), {}),
        policy_(parts.policy->policy_parameters(), {}) {
    if (parts.model->viewing())
      viewing_ = std::make_unique<ViewingTrainer>(parts.model->viewing(), parts.options.world.view);
    set_optimisers();
  }

  void update(Feed& feed, std::int64_t number, at::Generator rng) override;
  double frames_per_update() const override {
    return static_cast<double>(parts_.options.train.batch * parts_.options.train.length);
  }
  Needs needs() const override { return {parts_.model->sees_image(), !parts_.model->sees_image()}; }
  std::int64_t least_steps() const override { return parts_.options.train.length + parts_.model->past(); }
  std::vector<Metrics::Spec> curves() const override;
  void follow_settings() override {
    set_optimisers();
    anneal();
  }
  void save(Checkpoint& into, const std::string& prefix) const override {
    encoder_.save(into, prefix + "encoder/");
    rest_.save(into, prefix + "rest/");
    policy_.save(into, prefix + "policy/");
    if (viewing_) viewing_->save(into, prefix + "viewing/");
  }
  void load(const Checkpoint& from, const std::string& prefix) override {
    encoder_.load(from, prefix + "encoder/");
    rest_.load(from, prefix + "rest/");
    policy_.load(from, prefix + "policy/");
    if (viewing_) viewing_->load(from, prefix + "viewing/");
  }
  void rest() override {
    sheet_ = {};
    parts_.system->follow_settings();  // plans are what they will be when all is learned
  }

  std::vector<Frame> frames(const Feed& feed) override;
  std::vector<std::string> warnings() const override { return warnings_; }
  std::vector<std::string> probe_names() const override {
    return {"predicted/reward", "predicted/continue", "predicted/value"};
  }
  void report(ProbeSink& sink) override;

 private:
  static std::vector<torch::Tensor> rest_of(const TdMpcParts& parts) {
    auto all = parts.model->other_parameters();
    for (const auto& p : parts.policy->q_parameters()) all.push_back(p);
    return all;
  }
  void add(const std::string& name, std::int64_t number, double value) {
    parts_.system->metrics.add(name, number, value);
  }
  void set_optimisers();
  void anneal();
  void look_back(const TdModelLoss& loss, const SequenceBatch& batch);

  TdMpcParts& parts_;
  Optimiser encoder_, rest_, policy_;  // rest: dynamics, reward, termination and the Q-functions
  std::unique_ptr<ViewingTrainer> viewing_;
  SequenceBatch sheet_;  // what the open-loop picture shows
  std::int64_t number_ = 0, sheet_since_ = 0;
  std::vector<std::string> warnings_;
};

void TdMpcLearner::set_optimisers() {
  const auto& o = parts_.options;
  encoder_.options() = td_adam(o.learning_rate * o.encoder_share, 1e-8, 0);
  rest_.options() = td_adam(o.learning_rate, 1e-8, 0);
  policy_.options() = td_adam(o.learning_rate, o.policy_eps, o.clip_norm);
}

/// TD-MPC begins with short plans that are not sure of themselves. An update is a step of its schedule.
void TdMpcLearner::anneal() {
  const auto& o = parts_.options;
  if (o.anneal <= 0) return;
  const double done = std::min(1.0, static_cast<double>(parts_.updates) / static_cast<double>(o.anneal));
  auto& plan = parts_.planner->live_options();
  plan.horizon =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(1 + done * static_cast<double>(o.planner.horizon - 1)));
  plan.least_deviation = std::max(o.planner.least_deviation, 0.5 + done * (o.planner.least_deviation - 0.5));
}

void TdMpcLearner::update(Feed& feed, std::int64_t number, at::Generator rng) {
  const auto& o = parts_.options;
  number_ = number;
  const auto past = parts_.model->past();
  const auto drawn = feed.draw_anywhere(o.train.batch, o.train.length + past);
  const auto batch = with_past_pictures(drawn, past);
  TdModelLoss model;
  {
    const Autocast autocast(parts_.bfloat16, parts_.system->device);
    model = td_model_loss(*parts_.model, *parts_.policy, batch, o.loss, {}, rng);
  }
  for (const auto& [name, term] : model.terms)
    add(name == "value" ? "behaviour/value_loss" : "world/" + name, number, term.item<double>());
  model.total.backward();
  auto all = rest_of(parts_);
  for (const auto& p : parts_.model->encoder_parameters()) all.push_back(p);
  add("world/gradient", number, clip_together(all, o.clip_norm));
  encoder_.step();
  rest_.step();

  TdPolicy::Loss policy;
  {
    const Autocast autocast(parts_.bfloat16, parts_.system->device);
    policy = td_policy_loss(*parts_.policy, model, o.loss, {}, rng);
  }
  add("behaviour/policy", number, policy.total.item<double>());
  policy.total.backward();
  add("behaviour/gradient", number, policy_.step());
  parts_.policy->update_target(number);
  if (number % o.behaviour.target_every == 0) parts_.model->update_target(o.behaviour.target_share);
  if (!o.world.first) {
    add("behaviour/policy_entropy", number, policy.entropy.item<double>());
    add("behaviour/scale", number, parts_.policy->scale());
  }
  add("behaviour/return", number, model.target.mean().item<double>());

  if (viewing_ && drawn.image.defined() && viewing_->due(number))
    add("view/picture", number, viewing_->learn(model.seen.flatten(0, 1), drawn.image.slice(0, past).flatten(0, 1)));
  if (number % td_look_every == 1) look_back(model, batch);
}

/// What looks wrong, and states to begin dreams from.
void TdMpcLearner::look_back(const TdModelLoss& loss, const SequenceBatch& batch) {
  warnings_.clear();
  if (!parts_.options.world.episodic && batch.terminated.any().item<bool>()) {
    warnings_.emplace_back(
        "episodes of this world end before their time limit, and the model does not learn when: its dreams go on. "
        "Begin a run with world.episodic = true");
  }
  // With the room for pictures beside it a state takes much more.
  const auto most = parts_.model->past() > 0 ? td_kept_starts / 8 : td_kept_starts;
  const auto going_on = (1 - batch.last[0]).nonzero().flatten().slice(0, 0, most);
  if (going_on.size(0) == 0) return;
  parts_.system->starts = parts_.model->initial(going_on.size(0));
  parts_.system->starts["z"] = loss.z[0].index_select(0, going_on);
  parts_.system->starts["reward"] = batch.reward[0].index_select(0, going_on).unsqueeze(-1);
}

std::vector<Frame> TdMpcLearner::frames(const Feed& feed) {
  if (feed.replay().frames() == 0) return {};
  if (!sheet_.reward.defined() || number_ - sheet_since_ >= td_sheet_updates) {
    // Chosen without the run's own chance.
    sheet_ = feed.sheet(td_shown_lanes, td_seen_frames + td_dreamt_frames, Rng(static_cast<std::uint64_t>(number_)));
    sheet_since_ = number_;
  }
  if (!sheet_.image.defined()) return {};
  return open_loop_frames(*parts_.model, sheet_, td_seen_frames, make_generator(parts_.system->device, 1));
}

void TdMpcLearner::report(ProbeSink& sink) {
  if (!sheet_.reward.defined()) return;
  torch::NoGradGuard no_grad;
  const Valued valued{[p = parts_.policy.get()](const torch::Tensor& z) { return p->value(z); },
                      parts_.policy->discount(), 1};
  report_predicted(*parts_.model, sheet_, td_seen_frames, valued, sink, make_generator(parts_.system->device, 1));
}

std::vector<Metrics::Spec> TdMpcLearner::curves() const {
  const bool first = parts_.options.world.first;
  const auto spec = [](const char* name, const char* title, const char* unit) {
    return Metrics::Spec{name, title, unit, "update"};
  };
  std::vector<Metrics::Spec> specs = {
      spec("world/consistency", "Consistency: (d(z, a) − h(x'))²", ""),
      spec("world/reward", first ? "Reward: (r − r̂)²" : "Reward: −log p(r)", first ? "" : "nats"),
      spec("world/gradient", "Gradient norm of model and Q-functions", ""),
      spec("behaviour/value_loss", first ? "Q-functions: (Q − target)²" : "Q-functions: −log p(target)",
           first ? "" : "nats"),
      spec("behaviour/return", "What the Q-functions learn: r + γ Q(z', π(z'))", "reward"),
      spec("behaviour/policy", "Policy loss", ""),
      spec("behaviour/gradient", "Gradient norm of the policy", "")};
  if (parts_.options.world.episodic) specs.push_back(spec("world/termination", "Termination: −log p(d)", "nats"));
  if (!first) {
    specs.push_back(spec("behaviour/policy_entropy", "Entropy of the policy", "nats"));
    specs.push_back(spec("behaviour/scale", "Scale S of the values in the policy's loss", "reward"));
  }
  if (viewing_) specs.push_back(spec("view/picture", "Pictures for people: error", "MSE"));
  return specs;
}

}  // namespace

std::unique_ptr<Learner> td_mpc_learner(TdMpcParts& parts) {
  return std::make_unique<TdMpcLearner>(parts);
}

}  // namespace dream
