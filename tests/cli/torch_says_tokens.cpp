// Of families whose models are transformers over tokens, or make frames from noise.
#include "core/behaviours/dreamer4_agent.h"
#include "core/behaviours/frame_actor_critic.h"
#include "core/models/delta_iris.h"
#include "core/models/diamond.h"
#include "core/models/dreamer4.h"
#include "core/models/genie.h"
#include "core/models/iris.h"
#include "core/models/tssm.h"
#include "core/nn/generator.h"
#include "tests/cli/torch_says.h"

namespace dream::test {
namespace {

constexpr std::int64_t batch_that_is_said = 2;

/// [B, C, H, W] in [0, 1], in `front` rows of such.
torch::Tensor random_pictures(const Spaces& spaces, std::vector<std::int64_t> front, std::int64_t smaller = 1) {
  front.insert(front.end(), {batch_that_is_said, spaces.image_channels, spaces.image_height / smaller, spaces.image_width / smaller});
  return torch::rand(front);
}

torch::Tensor random_inputs(std::vector<std::int64_t> shape) {
  return 2 * torch::rand(shape) - 1;
}

/// What the actor-critic on frames says of three of them, one after the other.
void say_looks(System& system, const Spaces& spaces, Checkpoint& said, std::int64_t smaller = 1) {
  auto& agent = dynamic_cast<FrameActorCritic&>(*system.behaviour);
  const auto frames = random_pictures(spaces, {3}, smaller);
  auto memory = agent.initial(batch_that_is_said);
  std::vector<torch::Tensor> policy, value;
  for (const auto& frame : frames.unbind()) {
    const auto looked = agent.look(frame, memory);
    policy.push_back(looked.policy), value.push_back(looked.critic.squeeze(-1)), memory = looked.memory;
  }
  said.tensors["frames"] = frames, said.tensors["policy"] = torch::stack(policy), said.tensors["value"] = torch::stack(value);
}

/// A frame from noise: what it was given, and at each look of the denoiser x, and what it took the picture for.
void say_sampling(Diamond& model, const std::string& name, const SamplerOptions& sampler, const torch::Tensor& past, const torch::Tensor& actions, Checkpoint& said) {
  std::vector<torch::Tensor> x, taken_for, noises;
  const auto noise = [&] {
    noises.push_back(torch::randn_like(past.select(1, 0)));
    return noises.back();
  };
  const auto begin = noise();
  const double past_noise = model.options().past_noise;
  const auto sampled = edm_sample(
      begin, sampler,
      [&](const torch::Tensor& noisy, double sigma) {
        const auto level = [&](double of) { return torch::full({noisy.size(0)}, of); };
        const auto c = conditioners(level(sigma), model.options().edm);
        x.push_back(noisy), taken_for.push_back(edm_denoised(noisy, model.network_output(noisy, c, past, actions, level(past_noise)), c));
        return taken_for.back();
      },
      noise);
  said.tensors[name + "noise"] = torch::stack(noises), said.tensors[name + "x"] = torch::stack(x);
  said.tensors[name + "denoised"] = torch::stack(taken_for), said.tensors[name + "frame"] = in_levels(sampled.x);
}

}  // namespace

/// No dream shows it: its world stands still, as it does not know the model's actions.
void say_genie(System& system, Checkpoint& said) {
  auto& model = dynamic_cast<GenieModel&>(*system.model);
  const auto pictures = torch::rand({2, model.frames(), 3, 64, 64});
  said.tensors = {{"pictures", pictures}, {"tokens", model.tokenizer()->tokens(pictures)}, {"codes", model.latent_actions()->codes_of(pictures)}};
  said.tensors["rebuilt"] = model.tokenizer()->pictures(said.tensors["tokens"]);
  said.tensors["painted"] = model.latent_actions()->painted(pictures.slice(1, 0, -1), said.tensors["codes"]);
}

void say_iris(System& system, Checkpoint& said) {
  auto& model = dynamic_cast<IrisModel&>(*system.model);
  const auto spaces = system.make_env()->spaces();
  auto& tokenizer = model.tokenizer();
  const auto pictures = random_pictures(spaces, {});
  const auto encoded = tokenizer->encode(pictures);
  const auto frames = model.transformer()->frames() - 1;
  const auto codes = torch::randint(tokenizer->codes(), {batch_that_is_said, frames, tokenizer->places()}, torch::kInt64);
  const auto actions = random_inputs({batch_that_is_said, frames, model.transformer()->named_parameters()["of_action"].size(0)});
  const auto logits = model.transformer()->forward(codes, actions);
  said.tensors = {{"pictures", pictures}, {"z", encoded.z}, {"tokens", encoded.codes}, {"rebuilt", tokenizer->pictures(encoded.codes)}, {"codes", codes}, {"actions", actions},
                  {"logits", logits.codes}, {"reward", logits.reward}, {"end", logits.end}};
  say_looks(system, spaces, said);
}

void say_delta_iris(System& system, Checkpoint& said) {
  auto& model = dynamic_cast<DeltaIris&>(*system.model);
  const auto spaces = system.make_env()->spaces();
  auto& tokenizer = model.tokenizer();
  const auto width = model.transformer()->named_parameters()["of_action"].size(0), frames = model.transformer()->frames() - 1;
  const auto frame = random_pictures(spaces, {}), action = random_inputs({batch_that_is_said, width}), after = random_pictures(spaces, {});
  const auto encoded = tokenizer->encode(frame, action, after);
  const auto film = random_pictures(spaces, {frames}).transpose(0, 1).contiguous();
  const auto codes = torch::randint(tokenizer->codes(), {batch_that_is_said, frames, tokenizer->places()}, torch::kInt64);
  const auto actions = random_inputs({batch_that_is_said, frames, width});
  const auto logits = model.transformer()->forward(film, actions, codes);
  said.tensors = {{"frame", frame}, {"action", action}, {"after", after}, {"z", encoded.z}, {"tokens", encoded.codes},
                  {"painted", tokenizer->decode(frame, action, tokenizer->values(encoded.codes)).clamp(0, 1)}, {"film", film}, {"codes", codes}, {"actions", actions},
                  {"logits", logits.codes}, {"reward", model.transformer()->mean_reward(logits.reward)}, {"end", logits.end}};
  say_looks(system, spaces, said);
}

/// The world's numbers, of states; no dream shows them.
void say_tssm(System& system, Checkpoint& said) {
  auto& model = dynamic_cast<Tssm&>(*system.model);
  if (model.options().observe == Sees::image) return;
  const auto z = torch::rand({batch_that_is_said, model.latent_size()}), h = random_inputs({batch_that_is_said, model.feature_count() - model.latent_size()});
  said.tensors = {{"z", z}, {"h", h}, {"vector", model.decode_vector(z, h)}};
}

void say_diamond(System& system, Checkpoint& said) {
  auto& model = dynamic_cast<Diamond&>(*system.model);
  const auto spaces = system.make_env()->spaces();
  const auto context = model.options().context, width = model.action_input().size(), factor = model.options().upsampler.factor;
  const auto past = in_levels(2 * random_pictures(spaces, {context}, factor).transpose(0, 1).contiguous() - 1), actions = random_inputs({batch_that_is_said, context, width});
  said.tensors = {{"past", past}, {"actions", actions}};
  say_sampling(model, "euler_", {.steps = 3}, past, actions, said);
  say_sampling(model, "heun_", {.steps = 2, .sigma_min = 0.3, .order = SamplerOrder::heun, .churn = 0.5}, past, actions, said);
  if (auto& upsampler = model.upsampler(); !upsampler.is_empty()) {  // in one step
    auto rng = make_generator(torch::kCPU, 3), again = make_generator(torch::kCPU, 3);
    const auto before = in_levels(2 * random_pictures(spaces, {}) - 1);
    said.tensors["large_before"] = before, said.tensors["large"] = upsampler->sample(past.select(1, -1), before, 1, 1, rng).x;
    said.tensors["large_noise"] = torch::stack({torch::randn(before.sizes(), again), torch::randn(before.sizes(), again)});
  }
  auto& reward_end = model.reward_end();
  auto state = reward_end->initial(batch_that_is_said);
  std::vector<torch::Tensor> reward, end;
  for (std::int64_t i = 0; i + 1 < context; ++i) {
    const auto seen = reward_end->coder()->forward(past.select(1, i), actions.select(1, i), past.select(1, i + 1));
    const auto told = reward_end->forward(seen.unsqueeze(0), state);
    reward.push_back(told.reward[0].softmax(-1)), end.push_back(told.end[0].softmax(-1).select(1, 1)), state = told.state;
  }
  said.tensors["reward"] = torch::stack(reward), said.tensors["end"] = torch::stack(end);
  say_looks(system, spaces, said, factor);
}

/// Three frames that are seen and more than it looks back at that are dreamt, with all that is drawn.
void say_dreamer4(System& system, Checkpoint& said) {
  auto& model = dynamic_cast<Dreamer4Model&>(*system.model);
  auto& agent = dynamic_cast<Dreamer4Agent&>(*system.behaviour);
  const auto spaces = system.make_env()->spaces();
  constexpr std::int64_t watched = 3;
  const auto dreamt = model.dynamics()->context() + 2;
  auto rng = make_generator(torch::kCPU, 3), again = make_generator(torch::kCPU, 3);  // `again` draws the same once more
  auto carry = model.initial(batch_that_is_said);
  std::map<std::string, std::vector<torch::Tensor>> all;
  for (std::int64_t t = 0; t < watched + dreamt; ++t) {
    const auto action = spaces.action.discrete() ? torch::randint(static_cast<std::int64_t>(spaces.action.choices.size()), {batch_that_is_said, 1}).to(torch::kFloat32)
                                                 : torch::tensor(spaces.action.low) + torch::rand({batch_that_is_said, static_cast<std::int64_t>(spaces.action.size())}) *
                                                                                          (torch::tensor(spaces.action.high) - torch::tensor(spaces.action.low));
    const auto noise = [&] { return torch::randn(carry.at("latent").sizes(), again); };
    all["action"].push_back(model.seen_action(action));
    if (t < watched) {
      const auto image = torch::randint(256, {batch_that_is_said, spaces.image_height, spaces.image_width, spaces.image_channels}).to(torch::kUInt8);
      all["pictures"].push_back(image.permute({0, 3, 1, 2}).to(torch::kFloat32) / 255);
      carry = model.observe(carry, action, {image, {}}, rng);
    } else {
      all["begin"].push_back(noise());
      carry = model.imagine(carry, action, {}, rng);
    }
    all["doubt"].push_back(noise());
    const auto told = model.predict(carry);
    const auto says = [&](const char* head) { return agent.named_children()[head]->as<MlpImpl>()->forward(carry.at("agent")); };
    all["latent"].push_back(carry.at("latent")), all["agent"].push_back(carry.at("agent")), all["reward"].push_back(told.reward), all["end"].push_back(told.done);
    all["frame"].push_back(told.frame), all["policy"].push_back(says("policy").slice(1, 0, agent.head().output_size()));
    all["value"].push_back(says("value"));  // logits: bins reach to 5e8, so that the mean of those that learned nothing is rounding
  }
  for (const auto& [name, tensors] : all) said.tensors[name] = torch::stack(tensors);
}

const std::vector<RandomRun>& random_runs_of_tokens() {
  static const std::vector<std::string> frames = {"behaviour.width=8", "behaviour.memory=8", "train.bfloat16=false"};
  static const std::vector<std::string> states = {"world.groups=4", "world.classes=4", "world.width=16", "world.heads=2", "world.each=8", "world.between=16", "world.window=6",
                                                  "world.keep=3", "world.depth=2", "behaviour.units=16", "train.length=5", "learn.imagined=5", "train.bfloat16=false"};
  static const std::vector<std::string> dreamer = {"world.context=3", "tokenizer.patch=16", "tokenizer.width=16", "tokenizer.latents=4", "tokenizer.heads=2", "dynamics.width=16",
                                                   "dynamics.layers=2", "dynamics.heads=2", "heads.units=16", "heads.bins=41", "train.bfloat16=false"};
  static const auto with = [](std::vector<std::string> some, const std::vector<std::string>& more) {
    some.insert(some.end(), more.begin(), more.end());
    return some;
  };
  static const std::vector<RandomRun> all = {
      {"random_iris", "iris", "Catch",
       with(frames, {"side=16", "tokenizer.channels=8", "tokenizer.codes=16", "tokenizer.width=8", "tokenizer.attention=16", "world.width=64", "world.layers=2", "world.heads=2",
                     "world.frames=3", "train.length=3"})},
      {"random_delta_iris", "delta-iris", "CarRacing",
       with(frames, {"side=32", "tokenizer.codes=16", "tokenizer.width=8", "tokenizer.latent=8", "tokenizer.levels=five", "world.width=64", "world.layers=2", "world.heads=2",
                     "world.frames=3", "train.length=3", "world.levels=five", "world.reward=number", "behaviour.levels=five",
                     "tokenizer.channels=64", "tokenizer.frame_channels=64", "world.frame_channels=64", "behaviour.width=64"})},
      {"random_transdreamer", "transdreamer", "Catch", with(states, {"world.observe=image", "world.hidden=16", "world.units=16"})},
      {"random_storm", "storm", "Catch", with(states, {"world.observe=both", "learn.context=4"})},
      {"random_diamond", "diamond", "Catch",
       with(frames, {"side=32", "world.width=32", "world.levels=2", "world.condition=16", "world.reward_width=4", "world.reward_condition=8", "world.reward_memory=8",
                     "world.upsampling=2", "world.upsampler_width=8", "world.upsampler_levels=2", "world.upsampler_condition=16", "world.upsampling_steps=1"})},
      {"random_diamond_of_noisy_past", "diamond", "TwoRoom",
       with(frames, {"side=16", "world.width=8", "world.levels=3", "world.depth=2", "world.condition=16", "world.reward_width=4", "world.reward_condition=8", "world.reward_memory=8",
                     "world.noisy_past=true"})},
      {"random_dreamer4", "dreamer-v4", "Catch", dreamer},
      {"random_dreamer4_of_a_box", "dreamer-v4", "TwoRoom",
       with(dreamer, {"tokenizer.layers=3", "tokenizer.time_every=1", "dynamics.pack=1", "dynamics.registers=1", "dynamics.finest=16", "dynamics.time_every=1", "heads.ahead=1"})},
  };
  return all;
}

}  // namespace dream::test
