#include <algorithm>

#include "core/engine/frame_learning.h"
#include "core/engine/iris/decayed_optimiser.h"
#include "core/engine/iris/iris_recipe.h"
#include "core/nn/quantiser.h"

namespace dream {
namespace {

class IrisLearner : public Learner {
 public:
  explicit IrisLearner(IrisParts& parts)
      : parts_(parts),
        tokens_(parts.model->tokenizer()->parameters(), parts.options.tokens),
        world_(parts.model->transformer()->parameters(), parts.model->transformer()->decayed(), parts.options.transformer),
        actor_(parts.actor_critic->learned(), parts.options.actor) {}

  void update(Feed& feed, std::int64_t number, at::Generator rng) override {
    learn_tokens(feed, number);
    if (number > parts_.options.world_after) learn_world(feed, number, rng);
    if (number > parts_.options.actor_after) learn_to_act(feed, number, rng);
  }
  double frames_per_update() const override { return static_cast<double>(parts_.options.train.batch * parts_.options.train.length); }
  std::int64_t least_steps() const override { return std::max(parts_.options.train.length, parts_.options.behaviour.context + 1); }
  Needs needs() const override { return {true, false}; }

  std::vector<Metrics::Spec> curves() const override {
    return {{"tokens/reconstruction", "Tokenizer: error of pixels", "L1", "update"},
            {"tokens/detail", "Tokenizer: error of neighbours' differences", "L1", "update"},
            {"tokens/codebook", "Tokenizer: between what is found and its codes", "MSE", "update"},
            {"tokens/perplexity", "Tokenizer: codes in use, if evenly", "codes", "update"},
            {"world/codes", "Tokens: cross-entropy of the next", "nats", "update"},
            {"world/reward", "Reward: cross-entropy of its sign", "nats", "update"},
            {"world/end", "End: cross-entropy", "nats", "update"},
            {"world/gradient", "Transformer: norm of the gradients", "", "update"},
            {"behaviour/actor", "Actor loss", "", "update"},
            {"behaviour/critic", "Critic: (v − R)²", "", "update"},
            {"behaviour/entropy", "Entropy of the policy", "nats", "update"},
            {"behaviour/return", "Imagined λ-return", "reward", "update"}};
  }

  void follow_settings() override {
    tokens_.options() = parts_.options.tokens;
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

  void learn_tokens(Feed& feed, std::int64_t number) {
    auto& tokenizer = parts_.model->tokenizer();
    const auto batch = feed.draw_anywhere(parts_.options.frames, 1);
    const auto loss = tokenizer->loss(unit_frames(batch.image[0]));
    add("tokens/reconstruction", number, loss.reconstruction);
    add("tokens/detail", number, loss.detail);
    add("tokens/codebook", number, loss.codebook);
    parts_.system->metrics.add("tokens/perplexity", number, perplexity(loss.codes.flatten(), tokenizer->codes()));
    loss.total.backward();
    tokens_.step();
    tokenizer->note_use(loss);
  }

  /// Of the frames of the episode that a piece begins in.
  void learn_world(Feed& feed, std::int64_t number, at::Generator rng) {
    auto& model = *parts_.model;
    const auto batch = feed.draw(parts_.options.train.batch, parts_.options.train.length);
    const auto follows = (1 - batch.first.slice(0, 1)).cumprod(0);  // [T − 1, B]: frame t + 1 is of the same episode
    if (follows.sum().item<double>() == 0) return;
    const auto alive = torch::cat({torch::ones_like(batch.first.slice(0, 0, 1)), follows});
    torch::Tensor codes;
    {
      torch::NoGradGuard no_grad;
      codes = model.tokenizer()->tokens(unit_frames(batch.image).flatten(0, 1)).view({batch.steps(), batch.lanes(), -1});
    }
    const auto by_lane = [](const torch::Tensor& x) { return x.transpose(0, 1); };
    const auto loss = model.transformer()->loss(by_lane(codes), by_lane(model.action_numbers(batch.action.slice(0, 1))), by_lane(batch.reward.slice(0, 1)),
                                                by_lane(batch.terminated.slice(0, 1)), by_lane(alive), by_lane(follows), std::move(rng));
    add("world/codes", number, loss.codes);
    add("world/reward", number, loss.reward);
    add("world/end", number, loss.end);
    loss.total.backward();
    parts_.system->metrics.add("world/gradient", number, world_.step());
  }

  /// In frames that the model draws from the last of a few real ones, of which the actor-critic sees the reconstructions.
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
      const auto image = batch.image.index_select(1, goes_on);
      if (context > 0) {
        const auto before = unit_frames(image.slice(0, 0, context)).flatten(0, 1);
        const auto shown = model.tokenizer()->pictures(model.tokenizer()->tokens(before));
        start.context = shown.view({context, lanes, shown.size(1), shown.size(2), shown.size(3)});
        start.there = (1 - batch.first.index_select(1, goes_on).slice(0, 1)).flip(0).cumprod(0).flip(0);
      }
      const auto nothing_done = torch::zeros({lanes, batch.action.size(2)}, batch.action.options());
      carry = model.observe(model.initial(lanes), nothing_done, {image[context], {}}, rng);
      start.frame = model.predict(carry).frame;
    }
    const auto loss = parts_.actor_critic->learn(
        start,
        [&](const torch::Tensor& action) {
          carry = model.imagine(carry, action, {}, rng);
          const auto reward = carry.at("reward").multinomial(1, true, rng).squeeze(1).to(torch::kFloat32) - 1;
          const auto end = torch::rand(reward.sizes(), rng, reward.options()) < carry.at("end").squeeze(1);
          return FrameActorCritic::Step{model.predict(carry).frame, reward, end.to(torch::kFloat32)};
        },
        rng);
    improve(*parts_.actor_critic, actor_, loss, parts_.system->metrics, number);
  }

  IrisParts& parts_;
  Optimiser tokens_;
  DecayedOptimiser world_;
  Optimiser actor_;
};

}  // namespace

std::unique_ptr<Learner> iris_learner(IrisParts& parts) {
  return std::make_unique<IrisLearner>(parts);
}

}  // namespace dream
