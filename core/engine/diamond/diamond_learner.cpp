#include <algorithm>

#include "core/engine/diamond/diamond_recipe.h"
#include "core/engine/frame_learning.h"
#include "core/nn/generator.h"
#include "core/nn/precision.h"

namespace dream {
namespace {

/// Pieces of which the frames before the last episode that begins in them are not there: gray, and nothing done in them.
struct DiamondPiece {
  torch::Tensor frames;   // [T, B, C, H, W] in [-1, 1]
  torch::Tensor actions;  // [T, B, A]: done in each frame, as a network sees it; none in the last
  torch::Tensor there;    // [T, B]
};

DiamondPiece piece_of(const SequenceBatch& batch, const Diamond& model) {
  const auto going_on = 1 - batch.first.slice(0, 1);  // frame t + 1 follows frame t
  const auto none = torch::zeros_like(batch.first.slice(0, 0, 1));
  const auto there = torch::cat({going_on.flip(0).cumprod(0).flip(0), none + 1});
  const auto frames = model.frames_of(batch.image) * there.view({there.size(0), there.size(1), 1, 1, 1});
  const auto done = model.action_input()(batch.action.slice(0, 1)) * there.slice(0, 0, -1).unsqueeze(-1);
  return {frames, torch::cat({done, torch::zeros_like(done.slice(0, 0, 1))}), there};
}

class DiamondLearner : public Learner {
 public:
  explicit DiamondLearner(DiamondParts& parts)
      : parts_(parts),
        denoiser_(parts.model->denoiser()->parameters(), parts.options.denoiser),
        reward_end_(parts.model->reward_end()->parameters(), parts.options.reward_end),
        actor_(parts.actor_critic->learned(), parts.options.actor) {}

  void update(Feed& feed, std::int64_t number, at::Generator rng) override {
    learn_to_denoise(feed, number, rng);
    learn_rewards_and_ends(feed, number, rng);
    if (number > parts_.options.actor_after) learn_to_act(feed, number, rng);
    if (number % starts_every == 1) keep_starts(feed, rng);
  }
  double frames_per_update() const override { return static_cast<double>(parts_.options.train.batch); }
  std::int64_t least_steps() const override { return std::max(parts_.options.length, piece_frames()); }
  std::string least_steps_by() const override { return "learn.length"; }
  Needs needs() const override { return {true, false}; }

  std::vector<Metrics::Spec> curves() const override {
    std::vector<Metrics::Spec> all = {{"world/denoising", "Denoiser: error of what is left to say", "MSE", "update"},
            {"world/reward", "Reward: cross-entropy of its sign", "nats", "update"},
            {"world/end", "End: cross-entropy", "nats", "update"},
            {"world/gradient", "Denoiser: norm of the gradients", "", "update"},
            {"behaviour/actor", "Actor loss", "", "update"},
            {"behaviour/critic", "Critic: (v − R)²", "", "update"},
            {"behaviour/entropy", "Entropy of the policy", "nats", "update"},
            {"behaviour/return", "Imagined λ-return", "reward", "update"}};
    if (!parts_.upsampling) return all;
    for (auto& curve : parts_.upsampling->learner->curves()) all.push_back(std::move(curve));
    return all;
  }

  void follow_settings() override {
    denoiser_.options() = parts_.options.denoiser;
    reward_end_.options() = parts_.options.reward_end;
    actor_.options() = parts_.options.actor;
  }

  void save(Checkpoint& into, const std::string& prefix) const override {
    denoiser_.save(into, prefix + "denoiser/");
    reward_end_.save(into, prefix + "reward_end/");
    actor_.save(into, prefix + "actor/");
  }
  void load(const Checkpoint& from, const std::string& prefix) override {
    denoiser_.load(from, prefix + "denoiser/");
    reward_end_.load(from, prefix + "reward_end/");
    actor_.load(from, prefix + "actor/");
  }

 private:
  static constexpr std::int64_t starts_every = 20;

  /// Of what the denoiser learns from: those that it looks back at, one after them, and those after its own.
  std::int64_t piece_frames() const { return parts_.options.world.context + 1 + parts_.options.own_frames; }

  void add(const std::string& name, std::int64_t number, const torch::Tensor& term) {
    parts_.system->metrics.add(name, number, term.item<double>());
  }

  /// Pieces of `steps` frames, `recent` of them from the newest quarter of the replay, which has seen the behaviour of today.
  SequenceBatch draw(Feed& feed, std::int64_t lanes, std::int64_t steps, at::Generator rng) {
    auto chance = drawn_stream(std::move(rng));
    const auto frames = static_cast<std::uint64_t>(feed.replay().frames()), older = frames - frames / 4;
    std::vector<std::int64_t> begins;
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const bool newest = frames >= 4 && chance.random() < parts_.options.recent;
      begins.push_back(static_cast<std::int64_t>(newest ? older + chance.integers(frames - older) : chance.integers(older)));
    }
    return feed.at(begins, steps);
  }

  void learn_to_denoise(Feed& feed, std::int64_t number, at::Generator rng) {
    const auto piece = piece_of(draw(feed, parts_.options.train.batch, piece_frames(), rng), *parts_.model);
    torch::Tensor loss;
    {
      const Autocast autocast(parts_.bfloat16, piece.frames.device());
      loss = parts_.model->denoising_loss(piece.frames, piece.actions, piece.there, [&](const torch::Tensor& frame) {
        const auto& edm = parts_.options.world.edm;
        const auto sigma = draw_sigma(frame.size(0), edm, rng, frame.options());
        return Diamond::Noised{sigma, with_noise(frame, sigma, edm, rng)};
      });
    }
    add("world/denoising", number, loss.detach());
    loss.backward();
    parts_.system->metrics.add("world/gradient", number, denoiser_.step());
  }

  void learn_rewards_and_ends(Feed& feed, std::int64_t number, at::Generator rng) {
    auto& net = parts_.model->reward_end();
    const auto batch = draw(feed, parts_.options.train.batch, parts_.options.length, std::move(rng));
    const auto steps = batch.steps() - 1;
    const auto frames = parts_.model->frames_of(batch.image);
    const auto alive = (1 - batch.first.slice(0, 1)).cumprod(0);  // within the episode that the piece begins in
    torch::Tensor seen;
    {
      const Autocast autocast(parts_.bfloat16, frames.device());
      seen = net->look(frames.slice(0, 0, steps), parts_.model->action_input()(batch.action.slice(0, 1)), frames.slice(0, 1));
    }
    const auto said = net->forward(seen, net->initial(batch.lanes()));
    const auto [reward, end] = reward_end_loss(said, batch.reward.slice(0, 1), batch.terminated.slice(0, 1), alive);
    add("world/reward", number, reward.detach());
    add("world/end", number, end.detach());
    (reward + end).backward();
    reward_end_.step();
  }

  /// States to imagine from: K frames each, of which the last is not an episode's last.
  Carry starts(Feed& feed, at::Generator rng) {
    torch::NoGradGuard no_grad;
    auto& model = *parts_.model;
    const auto batch = draw(feed, parts_.options.imagined, parts_.options.world.context, std::move(rng));
    const auto goes_on = (batch.last[batch.steps() - 1] == 0).nonzero().squeeze(1);
    const auto of = [&](const torch::Tensor& x) { return x.index_select(1, goes_on); };
    const auto piece = piece_of(batch, model);
    return model.having_seen(of(piece.frames), of(batch.action.slice(0, 1)), of(piece.there));
  }

  void learn_to_act(Feed& feed, std::int64_t number, at::Generator rng) {
    auto& model = *parts_.model;
    auto carry = starts(feed, rng);
    if (carry.at("filled").size(0) == 0) return;
    const auto frame_of = [&] { return model.recent_frames(carry).frame[-1]; };
    const auto recent = model.recent_frames(carry);
    const auto context = std::min(parts_.options.behaviour.context, recent.frame.size(0) - 1);
    const auto before = [&](const torch::Tensor& x) { return x.slice(0, -1 - context, -1); };
    const auto loss = parts_.actor_critic->learn(
        {before(recent.frame), before(recent.there), frame_of()},
        [&](const torch::Tensor& action) {
          carry = model.imagine(carry, action, {}, rng);
          // What came is drawn, as frames are.
          const auto reward = carry.at("reward").multinomial(1, true, rng).squeeze(1).to(torch::kFloat32) - 1;
          const auto end = torch::rand(reward.sizes(), rng, reward.options()) < carry.at("end").squeeze(1);
          return FrameActorCritic::Step{frame_of(), reward, end.to(torch::kFloat32)};
        },
        rng);
    improve(*parts_.actor_critic, actor_, loss, parts_.system->metrics, number);
  }

  void keep_starts(Feed& feed, at::Generator rng) {
    auto carry = starts(feed, std::move(rng));
    if (carry.at("filled").size(0) == 0) return;
    for (auto& [name, tensor] : carry) tensor = tensor.slice(0, 0, kept_starts).clone();
    parts_.system->starts = std::move(carry);
  }

  DiamondParts& parts_;
  Optimiser denoiser_, reward_end_, actor_;
};

}  // namespace

std::unique_ptr<Learner> diamond_learner(DiamondParts& parts) {
  return std::make_unique<DiamondLearner>(parts);
}

}  // namespace dream
