#include "core/engine/dreamer4/dreamer4_stage.h"

#include <algorithm>
#include <cmath>

#include "core/nn/generator.h"
#include "core/nn/precision.h"

namespace dream {
namespace {

constexpr double dreamer4_hardly = 0.1;  // dB below which actions make no difference

std::vector<torch::Tensor> dreamer4_both(std::vector<torch::Tensor> some, const std::vector<torch::Tensor>& more) {
  some.insert(some.end(), more.begin(), more.end());
  return some;
}

class Dreamer4TokenizerStage : public Dreamer4Stage {
 public:
  explicit Dreamer4TokenizerStage(const std::shared_ptr<Dreamer4Parts>& parts)
      : Dreamer4Stage("tokenizer", "Tokenizer: pictures as a few latents, from patches of which some are hidden", parts, parts->options.tokenizer,
                      parts->model->tokenizer()->parameters()) {}

 private:
  torch::Tensor learn() override {
    const auto batch = draw();
    const auto loss = parts_->model->tokenizer()->loss(batch.pictures, batch.episodes, rng_);
    add_loss("pixels", loss.total);
    return loss.total;
  }
  void measure(const Dreamer4Batch& batch, at::Generator) override {
    auto& tokenizer = parts_->model->tokenizer();
    const auto latents = tokenizer->encode(batch.pictures, batch.episodes);
    const auto rebuilt = tokenizer->decode(latents, batch.episodes);
    add("psnr", dreamer4_decibels(rebuilt, batch.pictures));
    add("deviation", latents.flatten(0, 1).std(0, false).mean().item<double>());
    show(batch.pictures[0][-1], rebuilt[0][-1]);
  }
};

class Dreamer4DynamicsStage : public Dreamer4Stage {
 public:
  explicit Dreamer4DynamicsStage(const std::shared_ptr<Dreamer4Parts>& parts)
      : Dreamer4Stage("dynamics", "Dynamics: latents from noise, the frames before and the action", parts, parts->options.dynamics,
                      parts->model->dynamics()->parameters()) {}
  std::vector<std::string> warnings() const override {
    auto said = Dreamer4Stage::warnings();
    if (last("delta_psnr") < dreamer4_hardly)
      said.push_back("The dream does not listen to its actions: under others it is as near to what happened (Δ PSNR " +
                     std::to_string(last("delta_psnr")).substr(0, 5) + " dB).");
    return said;
  }

 private:
  std::int64_t measured_frames() const override { return parts_->model->dynamics()->context(); }
  torch::Tensor learn() override {
    const auto& learn = parts_->options.learn;
    const auto batch = draw();
    const auto rows = batch.pictures.size(0);
    // Late, as a target that nothing stands behind yet would only disturb.
    const bool bootstraps = updates() >= learn.bootstrap_after;
    const auto longer = bootstraps ? std::clamp<std::int64_t>(std::llround(learn.bootstrap_share * static_cast<double>(rows)), 0, rows - 1) : 0;
    const auto loss = forced(batch, clean_of(batch), longer);
    add_loss("flow", loss.flow);
    if (longer > 0) add_loss("bootstrap", loss.bootstrap);
    return loss.total;
  }
  /// Half of each piece is watched and the other half imagined, under the actions that were taken and under others'.
  void measure(const Dreamer4Batch& batch, at::Generator rng) override {
    auto& dynamics = parts_->model->dynamics();
    const auto clean = clean_of(batch);
    const auto frames = clean.size(1), watched = frames / 2;
    const auto dreamt = [&](const torch::Tensor& action) {
      // The same chance in both, so that the actions are all that differs.
      const auto chance = make_generator(parts_->system->device, parts_->rng("dream").next64());
      const auto until = [&](const torch::Tensor& x) { return x.slice(1, 0, watched); };
      auto state = dynamics->watched(until(clean), until(batch.action), until(batch.told), until(batch.episodes), 0.1, chance);
      std::vector<torch::Tensor> latents = clean.slice(1, 0, watched).unbind(1);
      for (auto t = watched; t < frames; ++t) {
        state = dynamics->imagine(state, action.select(1, t), batch.told.select(1, t), {}, chance);
        latents.push_back(state.latent);
      }
      return parts_->model->tokenizer()->decode(dynamics->unpacked(torch::stack(latents, 1)), batch.episodes).select(1, frames - 1);
    };
    // Where another episode begins there is nothing to be told.
    const auto whole = (batch.episodes.select(1, frames - 1) == batch.episodes.select(1, watched - 1)).nonzero().flatten();
    if (whole.size(0) == 0) return;
    const auto of_whole = [&](const torch::Tensor& x) { return x.index_select(0, whole); };
    const auto truth = batch.pictures.select(1, frames - 1), made = dreamt(batch.action);
    const auto others = batch.action.index({torch::randperm(batch.action.size(0), std::move(rng), batch.told.options().dtype(torch::kInt64))});
    add("psnr", dreamer4_decibels(of_whole(made), of_whole(truth)));
    add("delta_psnr", dreamer4_decibels(of_whole(made), of_whole(truth)) - dreamer4_decibels(of_whole(dreamt(others)), of_whole(truth)));
    show(of_whole(truth)[0], of_whole(made)[0]);
  }
};

class Dreamer4AgentStage : public Dreamer4Stage {
 public:
  explicit Dreamer4AgentStage(const std::shared_ptr<Dreamer4Parts>& parts)
      : Dreamer4Stage("agent", "Agent: what was done next, rewards and ends, as the agent token sees it", parts, parts->options.agent,
                      dreamer4_both(dreamer4_both(parts->model->dynamics()->parameters(), parts->model->head_parameters()),
                                    parts->agent->policy_parameters())) {}

 private:
  /// x [B, T, …] so many steps later, and where that is still the same episode and a step led there.
  static torch::Tensor later(const torch::Tensor& x, std::int64_t steps) {
    return steps == 0 ? x : torch::cat({x.slice(1, steps), torch::zeros_like(x.slice(1, 0, steps))}, 1);
  }
  static torch::Tensor holds(const Dreamer4Batch& batch, std::int64_t steps) {
    auto same = (later(batch.episodes + 1, steps) == batch.episodes + 1) & later(batch.told, steps);
    return same.to(torch::kFloat32);
  }
  static torch::Tensor mean_where(const torch::Tensor& loss, const torch::Tensor& holds) { return (loss * holds).sum() / holds.sum().clamp_min(1); }

  torch::Tensor learn() override {
    const auto& options = parts_->options;
    auto& model = *parts_->model;
    const auto batch = draw();
    const auto clean = clean_of(batch);
    const auto rows = clean.size(0);
    const auto longer = std::clamp<std::int64_t>(std::llround(options.learn.bootstrap_share * static_cast<double>(rows)), 0, rows - 1);
    const auto flow = forced(batch, clean, longer);  // the dynamics goes on, else it would forget
    // The heads see frames with the noise that a dream's have.
    const auto agent = model.dynamics()->shown(clean, batch.action, batch.told, batch.episodes, 0.1, rng_).agent;

    const auto logits = model.reward_logits(agent);
    std::vector<torch::Tensor> rewards, known, actions, done;
    for (std::int64_t n = 0; n < options.world.ahead; ++n) {
      rewards.push_back(later(batch.reward, n)), known.push_back(holds(batch, n));
      actions.push_back(later(batch.action, n + 1)), done.push_back(holds(batch, n + 1));
    }
    const auto reward = mean_where(model.reward_bins().loss(logits, torch::stack(rewards, 2)), torch::stack(known, 2));
    const auto clone = mean_where(parts_->agent->clone_loss(agent, torch::stack(actions, 2)), torch::stack(done, 2));
    const auto end = mean_where(
        torch::binary_cross_entropy_with_logits(model.end_logits(agent), batch.terminated, {}, {}, at::Reduction::None), known.front());
    add_loss("flow", flow.flow), add_loss("reward", reward), add_loss("clone", clone), add_loss("end", end);
    return flow.total + options.learn.reward_weight * (reward + end) + options.learn.clone_weight * clone;
  }
};

class Dreamer4ImaginationStage : public Dreamer4Stage {
 public:
  explicit Dreamer4ImaginationStage(const std::shared_ptr<Dreamer4Parts>& parts)
      : Dreamer4Stage("imagination", "Imagination: a policy from dreams alone, all else as it is", parts, parts->options.imagination,
                      dreamer4_both(parts->agent->policy_parameters(), parts->agent->value_parameters())) {}

 private:
  void start() override { parts_->agent->keep_clone(); }

  Dreamer4Agent::Dreamed dream(const Dreamer4Batch& batch) {
    torch::NoGradGuard no_grad;
    const NarrowedOnce narrowed;
    auto& model = *parts_->model;
    auto& agent = *parts_->agent;
    auto& dynamics = model.dynamics();
    const auto& learn = parts_->options.learn;
    auto state = dynamics->watched(clean_of(batch), batch.action, batch.told, batch.episodes, 0.1, rng_);
    const auto always = torch::ones_like(state.at, torch::kBool);
    Dreamer4Agent::Dreamed dreamed;
    std::vector<torch::Tensor> features = {state.agent}, actions, rewards, going_on;
    for (std::int64_t t = 0; t < learn.horizon; ++t) {
      actions.push_back(agent.sample(state.agent, rng_));
      state = dynamics->imagine(state, model.seen_action(agent.head().to_environment(actions.back())), always, {.steps = learn.steps}, rng_);
      features.push_back(state.agent);
      rewards.push_back(model.reward_of(state.agent)), going_on.push_back(1 - torch::sigmoid(model.end_logits(state.agent)));
    }
    return {torch::stack(features), torch::stack(actions), torch::stack(rewards), torch::stack(going_on),
            1 - batch.terminated.select(1, batch.terminated.size(1) - 1)};
  }

  torch::Tensor learn() override {
    const auto loss = parts_->agent->loss(dream(draw(options_.batch, parts_->model->dynamics()->context(), rng_)));
    add_loss("policy", loss.policy), add_loss("value", loss.value);
    add("return", loss.returns.item<double>()), add("better", loss.better.item<double>()), add("divergence", loss.divergence.item<double>());
    return loss.policy + loss.value;
  }
};

}  // namespace

std::vector<Metrics::Spec> dreamer4_curves() {
  return {{"tokenizer/pixels", "Tokenizer: error of pixels, some of them hidden", "MSE", "update"},
          {"tokenizer/psnr", "Tokenizer: pictures rebuilt", "dB", "update"},
          {"tokenizer/deviation", "Tokenizer: deviation of a latent's number over frames", "", "update"},
          {"dynamics/flow", "Dynamics: |ẑ − z|² of the finest steps", "", "update"},
          {"dynamics/bootstrap", "Dynamics: long steps against two of half their length", "", "update"},
          {"dynamics/psnr", "Dynamics: last frame of a dream", "dB", "update"},
          {"dynamics/delta_psnr", "Dynamics: ΔPSNR, the actions against another piece's", "dB", "update"},
          {"agent/flow", "Agent: |ẑ − z|² of the finest steps", "", "update"},
          {"agent/reward", "Agent: −log p(r)", "nats", "update"},
          {"agent/clone", "Agent: −log π of what was done", "nats", "update"},
          {"agent/end", "Agent: cross-entropy of the end", "nats", "update"},
          {"imagination/policy", "Imagination: PMPO", "", "update"},
          {"imagination/value", "Imagination: −log p(R)", "nats", "update"},
          {"imagination/return", "Imagination: λ-return", "reward", "update"},
          {"imagination/better", "Imagination: share of actions that did better than expected", "", "update"},
          {"imagination/divergence", "Imagination: KL(π ‖ prior)", "nats", "update"}};
}

std::vector<std::shared_ptr<Phase>> dreamer4_stages(const std::shared_ptr<Dreamer4Parts>& parts) {
  return {std::make_shared<Dreamer4TokenizerStage>(parts), std::make_shared<Dreamer4DynamicsStage>(parts), std::make_shared<Dreamer4AgentStage>(parts),
          std::make_shared<Dreamer4ImaginationStage>(parts)};
}

}  // namespace dream
