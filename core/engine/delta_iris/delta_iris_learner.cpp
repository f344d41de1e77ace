#include <algorithm>
#include <cmath>

#include "core/engine/delta_iris/delta_iris_recipe.h"
#include "core/engine/frame_learning.h"
#include "core/engine/iris/decayed_optimiser.h"
#include "core/nn/quantiser.h"

namespace dream {
namespace {

class DeltaIrisLearner : public Learner {
 public:
  explicit DeltaIrisLearner(DeltaIrisParts& parts)
      : parts_(parts),
        tokens_(parts.model->tokenizer()->parameters(), parts.model->tokenizer()->decayed(), parts.options.tokens),
        world_(parts.model->transformer()->parameters(), parts.model->transformer()->decayed(), parts.options.transformer),
        actor_(parts.actor_critic->learned(), parts.options.actor) {}

  void update(Feed& feed, std::int64_t number, at::Generator rng) override {
    learn_tokens(feed, number, rng);
    const auto turns = [&](std::int64_t until) { return std::floor(static_cast<double>(until) * parts_.options.world_share); };
    if (number > parts_.options.world_after && turns(number) > turns(number - 1)) learn_world(feed, number, rng);
    if (number > parts_.options.actor_after) learn_to_act(feed, number, rng);
  }
  double frames_per_update() const override { return static_cast<double>(parts_.options.train.batch * parts_.options.train.length); }
  std::int64_t least_steps() const override { return std::max(parts_.options.train.length, parts_.options.behaviour.context + 1); }
  Needs needs() const override { return {true, false}; }

  std::vector<Metrics::Spec> curves() const override {
    return {{"tokens/amount", "Tokenizer: error of pixels", "L1", "update"},
            {"tokens/square", "Tokenizer: squared error of pixels", "L2", "update"},
            {"tokens/worst", "Tokenizer: squared error of each frame's worst pixel", "L2", "update"},
            {"tokens/commitment", "Tokenizer: between what is found and its codes", "MSE", "update"},
            {"tokens/perplexity", "Tokenizer: codes in use, if evenly", "codes", "update"},
            {"tokens/revived", "Tokenizer: codes that were begun anew", "codes", "update"},
            {"world/codes", "Δ-tokens: cross-entropy", "nats", "update"},
            {"world/reward", "Reward: cross-entropy", "nats", "update"},
            {"world/end", "End: cross-entropy", "nats", "update"},
            {"world/gradient", "World model: norm of the gradients", "", "update"},
            {"behaviour/actor", "Actor loss", "", "update"},
            {"behaviour/critic", "Critic loss", "", "update"},
            {"behaviour/entropy", "Entropy of the policy", "nats", "update"},
            {"behaviour/return", "Imagined λ-return", "reward", "update"}};
  }

  void follow_settings() override {
    tokens_.follow(parts_.options.tokens);
    world_.follow(parts_.options.transformer);
    actor_.options() = parts_.options.actor;
  }

  void save(Checkpoint& into, const std::string& prefix) const override {
    tokens_.save(into, prefix + "tokens/");
    world_.save(into, prefix + "world/");
    actor_.save(into, prefix + "actor/");
  }
  void load(const Checkpoint& from, const std::string& prefix) override {
    tokens_.load(from, prefix + "tokens/");
    world_.load(from, prefix + "world/");
    actor_.load(from, prefix + "actor/");
  }

 private:
  void add(const std::string& name, std::int64_t number, const torch::Tensor& term) {
    parts_.system->metrics.add(name, number, term.item<double>());
  }

  /// Of frames with the next one of their episode, and the action between.
  void learn_tokens(Feed& feed, std::int64_t number, at::Generator rng) {
    auto& tokenizer = parts_.model->tokenizer();
    const auto batch = feed.draw_anywhere(parts_.options.pairs, 2);
    const auto goes_on = (batch.first[1] == 0).nonzero().squeeze(1);
    if (goes_on.size(0) == 0) return;
    const auto frames = unit_frames(batch.image.index_select(1, goes_on));
    const auto loss = tokenizer->loss(frames[0], parts_.model->action_numbers(batch.action[1].index_select(0, goes_on)), frames[1]);
    add("tokens/amount", number, loss.amount);
    add("tokens/square", number, loss.square);
    add("tokens/worst", number, loss.worst);
    add("tokens/commitment", number, loss.commitment);
    parts_.system->metrics.add("tokens/perplexity", number, perplexity(loss.codes.flatten(), tokenizer->codes()));
    loss.total.backward();
    tokens_.step();
    parts_.system->metrics.add("tokens/revived", number, static_cast<double>(tokenizer->learn_codes(loss, std::move(rng))));
  }

  /// Of the frames of the episode that a piece begins in, as far as another follows.
  void learn_world(Feed& feed, std::int64_t number, at::Generator rng) {
    auto& model = *parts_.model;
    const auto batch = feed.draw(parts_.options.train.batch, parts_.options.train.length);
    const auto follows = (1 - batch.first.slice(0, 1)).cumprod(0);  // [T − 1, B]: frame t + 1 is of the same episode
    if (follows.sum().item<double>() == 0) return;
    const auto steps = follows.size(0), lanes = follows.size(1);
    const auto frames = unit_frames(batch.image);
    const auto before = frames.slice(0, 0, steps), actions = model.action_numbers(batch.action.slice(0, 1));
    torch::Tensor codes;
    {
      torch::NoGradGuard no_grad;
      codes = model.tokenizer()->tokens(before.flatten(0, 1), actions.flatten(0, 1), frames.slice(0, 1).flatten(0, 1)).view({steps, lanes, -1});
    }
    const auto by_lane = [](const torch::Tensor& x) { return x.transpose(0, 1); };
    const auto loss = model.transformer()->loss(by_lane(before), by_lane(actions), by_lane(codes), by_lane(batch.reward.slice(0, 1)),
                                                by_lane(batch.terminated.slice(0, 1)), by_lane(follows), by_lane(follows), std::move(rng));
    add("world/codes", number, loss.codes);
    add("world/reward", number, loss.reward);
    add("world/end", number, loss.end);
    loss.total.backward();
    parts_.system->metrics.add("world/gradient", number, world_.step());
  }

  /// In frames that the model paints on from a few real ones, which model and actor-critic have both seen.
  void learn_to_act(Feed& feed, std::int64_t number, at::Generator rng) {
    auto& model = *parts_.model;
    FrameActorCritic::Start start;
    Carry carry;
    {
      torch::NoGradGuard no_grad;
      const auto context = parts_.options.behaviour.context;
      const auto batch = feed.draw_anywhere(parts_.options.imagined, context + 1);
      const auto goes_on = (batch.last[context] == 0).nonzero().squeeze(1);
      const auto lanes = goes_on.size(0);
      if (lanes == 0) return;
      const auto of = [&](const torch::Tensor& x) { return x.index_select(1, goes_on); };
      const auto image = of(batch.image), action = of(batch.action), first = of(batch.first);
      const auto nothing = model.initial(lanes);
      carry = nothing;
      for (std::int64_t t = 0; t <= context; ++t) {
        carry = where_fresh(first[t] > 0.5, nothing, carry);
        carry = model.observe(carry, action[t], {image[t], {}}, rng);
      }
      if (context > 0) {
        start.context = unit_frames(image.slice(0, 0, context));
        start.there = (1 - first.slice(0, 1)).flip(0).cumprod(0).flip(0);
      }
      start.frame = model.predict(carry).frame;
    }
    const auto loss = parts_.actor_critic->learn(
        start,
        [&](const torch::Tensor& action) {
          carry = model.imagine(carry, action, {}, rng);
          const auto told = model.predict(carry);
          const auto reward = model.signs() ? carry.at("reward").multinomial(1, true, rng).squeeze(1).to(torch::kFloat32) - 1 : told.reward;
          const auto end = torch::rand(reward.sizes(), rng, reward.options()) < told.done;
          return FrameActorCritic::Step{told.frame, reward, end.to(torch::kFloat32)};
        },
        rng);
    improve(*parts_.actor_critic, actor_, loss, parts_.system->metrics, number);
  }

  DeltaIrisParts& parts_;
  DecayedOptimiser tokens_, world_;
  Optimiser actor_;
};

}  // namespace

std::unique_ptr<Learner> delta_iris_learner(DeltaIrisParts& parts) {
  return std::make_unique<DeltaIrisLearner>(parts);
}

}  // namespace dream
