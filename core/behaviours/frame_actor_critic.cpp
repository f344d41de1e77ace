#include "core/behaviours/frame_actor_critic.h"

#include "api/error.h"
#include "core/behaviours/actor_critic.h"
#include "core/behaviours/random_action.h"
#include "core/models/recent_frames.h"
#include "core/nn/begin_lstm.h"
#include "core/nn/precision.h"
#include "core/nn/shape.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t frame_levels = 4;
constexpr std::int64_t coded = 16;  // numbers of a cell of a coded picture

torch::nn::Conv2d frame_conv(std::int64_t from, std::int64_t to, std::int64_t kernel) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(from, to, kernel).padding(kernel / 2));
}

}  // namespace

void FrameActorCriticOptions::fields(Config& config, const std::string& prefix) {
  const auto live = [&](const char* name, double& value, const char* help, double low, double high, const char* title = "",
                        bool logarithmic = false) {
    config.add(prefix + name, value,
               {.help = help, .low = low, .high = high, .logarithmic = logarithmic, .live = true, .title = title});
  };
  config.add(prefix + "net", net, {.help = "What looks at a frame: residual blocks (DIAMOND), plain convolutions (IRIS) or a coder of pictures (Δ-IRIS)"});
  config.add(prefix + "width", width, {.help = "Channels of its first two levels; the others have twice as many", .low = 1, .high = 1024});
  config.add(prefix + "levels", levels, {.help = "Levels of a coder of pictures: five as published, or three"});
  config.add(prefix + "memory", memory, {.help = "Numbers that it remembers, of an LSTM", .low = 1, .high = 65536});
  config.add(prefix + "horizon", horizon,
             {.help = "Imagined steps, H", .unit = "steps", .low = 1, .high = 200, .live = true, .title = "horizon H"});
  live("discount", discount, "γ: what a reward one step later is worth", 0, 1, "discount γ");
  live("lambda", lambda, "λ of the λ-return: 0 trusts the critic at once, 1 only at the horizon", 0, 1, "λ of the λ-return");
  live("entropy", entropy, "η: weight of the policy's entropy", 0, 1, "entropy η", true);
  live("value_weight", value_weight, "Weight of the critic's loss", 0, 100);
  config.add(prefix + "critic_head", critic_head,
             {.help = "How value is predicted: normal by its squared error, symlog and symexp as two-hot bins"});
  config.add(prefix + "bins", bins, {.help = "Bins of a two-hot critic, an odd number", .low = 3, .high = 1023});
  config.add(prefix + "sign_rewards", sign_rewards, {.help = "Of a reward only the sign is learned from"});
  config.add(prefix + "past_ends", past_ends, {.help = "What is imagined after an end is learned from too (IRIS)"});
  config.add(prefix + "slow", slow, {.help = "Share that stays, at every update, of a slow copy by which λ-returns are made; 0: there is none", .low = 0, .high = 0.9999});
  live("epsilon", epsilon, "ε: share of random actions while collecting", 0, 1, "random actions ε");
  live("temperature", temperature, "Temperature of the choice while it is judged", 0.01, 10, "", true);
  config.add(prefix + "context", context,
             {.help = "Frames before the first imagined one, by which its memory begins", .unit = "frames", .low = 0, .high = 200});
}

FrameActorCritic::FrameActorCritic(at::IntArrayRef picture, const ActionSpace& space, const FrameActorCriticOptions& options)
    : options_(options), space_(space), policy_(space, BoxPolicy::normal, 0), choices_(space.discrete() ? space.choices : space.axes) {
  if (picture.size() != 3 || picture[1] < (1 << frame_levels) || picture[2] < (1 << frame_levels))
    throw Error("an actor-critic on frames needs pictures of at least 16 x 16");
  const bool residual = options.net == FrameNet::residual, coder = options.net == FrameNet::coder;
  auto from = picture[0];
  auto halvings = frame_levels;
  if (coder) {
    coder_ = register_module("coder", FrameCoder(FrameCoderOptions{options.width, options.levels}, false, from, coded));
    from = coded, halvings = frame_halvings;
  }
  if (residual) {
    first_ = register_module("first", frame_conv(from, options.width, 3));
    from = options.width;
  }
  for (std::int64_t i = 0; i < frame_levels && !coder; ++i) {
    const auto to = options.width * (i < 2 ? 1 : 2);
    const auto n = std::to_string(i);
    Level level;
    if (residual) level.norm = register_module("norm" + n, GroupNorm(from));
    level.conv = register_module("conv" + n, frame_conv(from, to, 3));
    if (residual && from != to) level.skip = register_module("skip" + n, frame_conv(from, to, 1));
    levels_.push_back(level);
    from = to;
  }
  const auto size = from * (picture[1] >> halvings) * (picture[2] >> halvings);
  lstm_ = register_module("lstm", torch::nn::LSTMCell(size, options.memory));
  const bool two_hot = options.critic_head != NumberHead::normal;
  if (two_hot) two_hot_ = TwoHot(TwoHot::kind_of(options.critic_head), options.bins, torch::kCPU);
  critic_ = register_module("critic", torch::nn::Linear(options.memory, two_hot ? options.bins : 1));
  actor_ = register_module("actor", torch::nn::Linear(options.memory, policy_.output_size()));
  torch::NoGradGuard no_grad;
  const auto begin_at_zero = [](torch::nn::Linear& head) {
    for (auto& p : head->parameters()) p.zero_();
  };
  if (residual) begin_lstm(*lstm_), begin_at_zero(actor_);
  if (residual || coder) begin_at_zero(critic_);
  if (options.slow <= 0) return;
  auto without = options;
  without.slow = 0;
  slow_ = register_module("slow", std::make_shared<FrameActorCritic>(picture, space, without));
  auto mine = learned(), its = slow_->parameters();
  for (std::size_t i = 0; i < its.size(); ++i) its[i].copy_(mine[i]).set_requires_grad(false);
}

std::vector<torch::Tensor> FrameActorCritic::learned() const {
  std::vector<torch::Tensor> all;
  const auto everything = named_parameters();
  for (const auto& item : everything)
    if (!item.key().starts_with("slow.")) all.push_back(item.value());
  return all;
}

void FrameActorCritic::follow_slowly() {
  if (!slow_) return;
  torch::NoGradGuard no_grad;
  auto mine = learned(), its = slow_->parameters();
  for (std::size_t i = 0; i < its.size(); ++i) its[i].lerp_(mine[i], 1 - options_.slow);
}

void FrameActorCritic::set_bfloat16(bool on) {
  bfloat16_ = on;
  if (slow_) slow_->set_bfloat16(on);
}

Carry FrameActorCritic::initial(std::int64_t lanes) const {
  const auto zero = torch::zeros({lanes, options_.memory}, actor_->weight.options().requires_grad(false));
  return {{"h", zero}, {"c", zero}};
}

torch::Tensor FrameActorCritic::encoded(const torch::Tensor& frame) {
  if (options_.net == FrameNet::coder) return coder_(frame).permute({0, 2, 3, 1}).flatten(1).to(torch::kFloat32);
  auto x = (2 * frame - 1).contiguous(at::MemoryFormat::ChannelsLast);
  if (options_.net == FrameNet::plain) {
    for (auto& level : levels_) x = torch::relu(torch::max_pool2d(level.conv(x), 2));
  } else {
    x = first_(x);
    for (auto& level : levels_) {
      const auto more = level.conv(level.norm->forward(x, true));
      x = torch::max_pool2d((level.skip.is_empty() ? x : level.skip(x)) + more, 2);
    }
  }
  return x.flatten(1).to(torch::kFloat32);
}

FrameActorCritic::Looked FrameActorCritic::look(const torch::Tensor& frame, const Carry& memory) {
  torch::Tensor seen;
  {
    Autocast autocast(bfloat16_, frame.device());
    seen = encoded(frame);
  }
  const auto [h, c] = lstm_(seen, std::make_tuple(memory.at("h"), memory.at("c")));
  return {actor_(h), critic_(h), {{"h", h}, {"c", c}}};
}

Carry FrameActorCritic::remember(const torch::Tensor& frames, const torch::Tensor& there) {
  torch::NoGradGuard no_grad;
  auto memory = initial(frames.size(1));
  for (std::int64_t k = 0; k < frames.size(0); ++k) {
    // Where a frame is missing the memory stays what it was.
    memory = where_fresh(there[k] == 0, memory, look(frames[k], memory).memory);
  }
  return memory;
}

torch::Tensor FrameActorCritic::frame_of(const Seen& seen) const {
  if (auto* keeper = dynamic_cast<RecentFrames*>(seen.model)) return keeper->recent_frames(seen.carry).frame[-1];
  if (seen.model != nullptr) {
    if (auto frame = seen.model->predict(seen.carry).frame; frame.defined()) return frame;
  }
  if (!seen.observation.image.defined()) throw Error("the actor-critic on frames is shown no picture");
  return seen.observation.image.permute({0, 3, 1, 2}).to(torch::kFloat32) / 255;
}

Decision FrameActorCritic::decide(const Seen& seen, const Carry& memory, Mode mode, at::Generator rng) {
  const auto looked = look(frame_of(seen), memory);
  const bool tempered = mode == Mode::judge && policy_.discrete();
  auto action = policy_.to_environment(policy_.sample(tempered ? looked.policy / options_.temperature : looked.policy, rng));
  if (mode == Mode::collect && options_.epsilon > 0) {
    const auto random = torch::rand({action.size(0), 1}, rng, action.options()) < options_.epsilon;
    action = torch::where(random, random_action(space_, action.size(0), rng, action.device()), action);
  }
  return {action, looked.memory};
}

torch::Tensor FrameActorCritic::mean_value(const torch::Tensor& critic) const {
  return options_.critic_head == NumberHead::normal ? critic.squeeze(-1) : two_hot_.mean(critic);
}

torch::Tensor FrameActorCritic::value(const Seen& seen) {
  const auto frame = frame_of(seen);
  auto memory = initial(frame.size(0));
  if (auto* keeper = dynamic_cast<RecentFrames*>(seen.model)) {
    const auto recent = keeper->recent_frames(seen.carry);
    memory = remember(recent.frame.slice(0, 0, -1), recent.there.slice(0, 0, -1));
  }
  return mean_value(look(frame, memory).critic);
}

FrameActorCritic::Dreamed FrameActorCritic::imagine(const Start& start, const World& world, at::Generator rng) {
  std::vector<torch::Tensor> policies, critics, actions, rewards, ends, slow;
  const auto begun = [&](FrameActorCritic& of) { return start.context.defined() ? of.remember(start.context, start.there) : of.initial(start.frame.size(0)); };
  auto memory = begun(*this);
  Carry slow_memory;
  if (slow_) slow_memory = begun(*slow_);
  auto frame = start.frame;
  const auto value_slowly = [&] {
    const auto looked = slow_->look(frame, slow_memory);
    slow_memory = looked.memory;
    slow.push_back(mean_value(looked.critic));
  };
  for (std::int64_t t = 0; t < options_.horizon; ++t) {
    const auto looked = look(frame, memory);
    memory = looked.memory;
    torch::NoGradGuard no_grad;
    if (slow_) value_slowly();
    const auto action = policy_.sample(looked.policy, rng);
    auto step = world(policy_.to_environment(action));
    frame = step.frame;
    policies.push_back(looked.policy);
    critics.push_back(looked.critic);
    actions.push_back(action);
    rewards.push_back(step.reward);
    ends.push_back(step.end);
  }
  torch::Tensor last;
  {
    torch::NoGradGuard no_grad;
    if (slow_) value_slowly();
    else last = mean_value(look(frame, memory).critic).unsqueeze(0);
  }
  const auto critic = torch::stack(critics);
  Dreamed dreamed{torch::stack(policies), critic, torch::stack(actions), torch::stack(rewards), torch::stack(ends), {}};
  if (slow_) {
    const auto values = torch::stack(slow);
    dreamed.next = values.slice(0, 1), dreamed.slow = values.slice(0, 0, -1);
  } else {
    dreamed.next = torch::cat({mean_value(critic).detach().slice(0, 1), last});
  }
  return dreamed;
}

FrameActorCritic::Loss FrameActorCritic::loss(const Dreamed& dreamed, at::Generator rng) {
  const auto going_on = 1 - dreamed.end;
  const auto reward = options_.sign_rewards ? dreamed.reward.sign() : dreamed.reward;
  const auto lambda = torch::full_like(reward, options_.lambda);
  const auto returns = lambda_return(reward, options_.discount * going_on, dreamed.next, lambda, dreamed.next[-1]);
  auto weight = torch::ones_like(reward);
  if (!options_.past_ends) weight = torch::cat({weight.slice(0, 0, 1), torch::cumprod(going_on, 0).slice(0, 0, -1)});
  const auto mean = [&](const torch::Tensor& x) { return (weight * x).sum() / weight.sum(); };

  const auto value = mean_value(dreamed.critic);
  const auto entropy = mean(policy_.entropy(dreamed.policy, rng));
  const auto expected = dreamed.slow.defined() ? dreamed.slow : value;
  const auto actor = -mean(policy_.log_prob(dreamed.policy, dreamed.action) * (returns - expected).detach());
  const auto critic = mean(options_.critic_head == NumberHead::normal ? (value - returns).square()
                                                                      : two_hot_.loss(dreamed.critic, returns));
  return {actor + options_.value_weight * critic - options_.entropy * entropy,
          {{"actor", actor.detach()},
           {"critic", critic.detach()},
           {"entropy", entropy.detach()},
           {"return", mean(returns)},
           {"value", mean(value.detach())}}};
}

void FrameActorCritic::report(const Seen& seen, const Carry& memory, ProbeSink& sink, at::Generator) {
  Seen lane = seen;
  lane.carry = select_lane(seen.carry, 0);
  if (sink.wants("policy/action")) {
    const auto looked = look(frame_of(lane).slice(0, 0, 1), select_lane(memory, 0));
    Vector bars;
    bars.labels = choices_;
    if (policy_.discrete()) {
      bars.values = floats(policy_.probabilities(looked.policy)[0]);
    } else {
      const auto [mean, deviation] = policy_.mean_deviation(looked.policy);
      bars.values = bars.mean = floats(mean[0]);
      bars.deviation = floats(deviation[0]);
    }
    sink.put("policy/action", "Policy",
             policy_.discrete() ? "π(a | frame, memory): the probability of every action"
                                : "π(a | frame, memory): mean ± deviation of every axis, in [-1, 1]",
             std::move(bars));
  }
  if (sink.wants("policy/memory")) {
    const auto h = memory.at("h")[0];
    sink.put("policy/memory", "Memory of the policy", "h: what the actor-critic's LSTM remembers of earlier frames",
             heatmap_from(h, columns_for(h.numel()), -1, 1, true));
  }
}

}  // namespace dream
