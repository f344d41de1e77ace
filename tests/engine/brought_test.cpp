// Weights of others as runs (core/engine/brought): with the names and shapes of the authors' files, and numbers from a hash of the
// names, a run says what the authors' code has said (tests/golden/make_diamond.py, make_iris.py).
#include <gtest/gtest.h>

#include <algorithm>

#include "api/error.h"
#include "core/behaviours/frame_actor_critic.h"
#include "core/engine/brought/brought.h"
#include "core/engine/run_file.h"
#include "core/engine/system.h"
#include "core/models/diamond.h"
#include "core/models/iris.h"
#include "core/nn/generator.h"
#include "core/behaviours/actor_critic.h"
#include "core/models/rssm.h"
#include "tests/engine/brought_fixture.h"
#include "tests/models/golden_cases.h"
#include "tests/support/brought_files.h"
#include "tests/support/hashed_golden.h"

namespace dream {
namespace brought_test {

using test::HashedGolden;

using BroughtTest = test::BroughtTest;

/// As in the golden test of the actor-critics: what it says of the first frames of the dump.
void close_actor_critic(const HashedGolden& golden, System& system) {
  auto& agent = dynamic_cast<FrameActorCritic&>(*system.behaviour);
  const auto frames = (test::hashed_pictures("frames", {16, 3, 3, 64, 64}) + 1) / 2;
  auto memory = agent.initial(3);
  for (int t = 0; t < 3; ++t) {
    const auto looked = agent.look(frames[t], memory);
    memory = looked.memory;
    EXPECT_LT(test::relative_error(looked.policy, golden("logits")[t]), 1e-5) << t;
    EXPECT_LT(test::relative_error(looked.critic.squeeze(-1), golden("value")[t]), 1e-5) << t;
  }
}

TEST_F(BroughtTest, DiamondSaysWhatTheAuthorsCodeSays) {
  torch::NoGradGuard no_grad;
  const auto system = opened(brought(test::diamond_file(), "diamond"));
  auto& model = dynamic_cast<Diamond&>(*system->model);
  const HashedGolden golden("diamond/denoiser.npz"), rew_end("diamond/rew_end.npz"), acts("diamond/actor_critic.npz");
  constexpr std::int64_t batch = 2, context = 4;
  const auto choices = [](const char* name, std::int64_t steps) {
    return torch::one_hot(((test::hashed_by_name(name, {batch, steps}) + 1) * 2).to(torch::kInt64).clamp_max(3), 4).to(torch::kFloat32);
  };
  const auto frames = test::hashed_pictures("frames", {batch, context + 1, 3, 64, 64});
  const auto sigma = torch::tensor({1.0f, 0.1f});
  const auto noisy = frames.select(1, context) + 0.3 * 1.7f * test::hashed_by_name("offset", {batch, 3, 1, 1}) +
                     sigma.view({2, 1, 1, 1}) * 1.7f * test::hashed_by_name("noise", {batch, 3, 64, 64});
  const auto output = model.network_output(noisy, conditioners(sigma, {}), frames.slice(1, 0, context), choices("actions", context + 1).slice(1, 0, context));
  golden.close("output", output.slice(2, 0, 64, 4).slice(3, 0, 64, 4), 1e-5);

  constexpr std::int64_t steps = 6;
  const auto seen = test::hashed_pictures("long", {batch, steps + 1, 3, 64, 64}).transpose(0, 1);
  auto& net = model.reward_end();
  const auto said = net->forward(net->look(seen.slice(0, 0, steps), choices("long actions", steps + 1).transpose(0, 1).slice(0, 0, steps), seen.slice(0, 1)), net->initial(batch));
  rew_end.close("reward", said.reward, 1e-5);
  rew_end.close("end", said.end, 1e-5);
  close_actor_critic(acts, *system);
}

TEST_F(BroughtTest, IrisSaysWhatTheAuthorsCodeSays) {
  torch::NoGradGuard no_grad;
  const auto what = brought(test::iris_file(), "iris");
  ASSERT_EQ(what.remarks.size(), 2u);
  EXPECT_NE(what.remarks[0].find("LPIPS"), std::string::npos) << what.remarks[0];
  const auto system = opened(what);
  auto& model = dynamic_cast<IrisModel&>(*system->model);
  const HashedGolden tokens("iris/tokenizer.npz"), world("iris/world_model.npz");
  const auto pictures = (test::hashed_pictures("pictures", {1, 2, 3, 64, 64})[0] + 1) / 2;
  const auto encoded = model.tokenizer()->encode(pictures);
  tokens.close("z", encoded.z, 1e-5);
  EXPECT_TRUE(torch::equal(encoded.codes, tokens("codes").to(torch::kInt64)));
  tokens.close("rebuilt", model.tokenizer()->decode(encoded.quantised), 1e-5);

  constexpr std::int64_t frames = 20, longer = 23;
  const auto whole = [](const char* name, std::vector<std::int64_t> shape, std::int64_t below) {
    return ((test::hashed_by_name(name, std::move(shape)) + 1) * static_cast<double>(below) / 2).floor().to(torch::kInt64).clamp(0, below - 1);
  };
  const auto codes = whole("codes", {2, longer, 16}, 512).slice(1, 0, frames);
  const auto actions = torch::one_hot(whole("actions", {2, longer}, 4), 4).to(torch::kFloat32).slice(1, 0, frames);
  const auto logits = model.transformer()->forward(codes, actions);
  world.close("reward", logits.reward, 1e-5);
  world.close("end", logits.end, 1e-5);
  const auto ours = logits.codes.slice(1, 0, logits.codes.size(1), 9);
  EXPECT_LT(test::relative_error(ours, world("logits").slice(1, 0, ours.size(1))), 1e-5);
}

/// The dumps hold NM512's weights under its names (tests/golden/make_dreamer_v3_23.py): as its latest.pt has them.
TheirWeights nm512_weights(const test::Golden& golden, const Checkpoint& dump) {
  TheirWeights theirs;
  theirs.origin = "'latest.pt'";
  for (const auto& [name, tensor] : dump.tensors) {
    if (!name.starts_with("weight/")) continue;
    auto bare = name.substr(7);
    const bool acts = bare.starts_with("actor.") || bare.starts_with("value."), slow = bare.starts_with("slow_value.");
    theirs.tensors[(acts || slow ? "_task_behavior." : "_wm.") + (slow ? "_" + bare : bare)] = tensor;
    if (!acts && !slow) theirs.tensors["_task_behavior._world_model." + bare] = tensor;
  }
  theirs.tensors["_task_behavior.ema_vals"] = golden("in/ema_vals");
  return theirs;
}

TEST_F(BroughtTest, Nm512SaysWhatItsCodeSays) {
  torch::NoGradGuard no_grad;
  for (const auto& each : test::golden_cases()) {
    if (each.constants != "2023") continue;
    SCOPED_TRACE(each.file);
    test::Golden golden(each.file);
    const auto theirs = nm512_weights(golden, Checkpoint::load(DREAMSCOPE_SOURCE_DIR "/tests/golden/dreamer/" + each.file + ".safetensors"));
    const auto plan = brought_nm512().plan(theirs);
    const auto options = test::options_of(each);
    const auto spaces = test::spaces_of(each);
    Rssm model(options.world, spaces);
    ActorCritic agent(model.feature_count(), spaces.action, options.behaviour);
    Checkpoint run;
    store_module(run, "model", model);
    store_module(run, "behaviour", agent);
    leave_out_slow_copies(run, "behaviour");
    const auto remarks = take_theirs(run, theirs, plan);
    EXPECT_EQ(remarks.size(), 2u);
    load_module(run, "model", model);
    load_module(run, "behaviour", agent);
    const auto wanted = each.behaviour([&](const std::string& name) { return golden("weight/" + name); });
    for (const auto& p : agent.named_parameters())
      EXPECT_TRUE(p.key().starts_with("slow_") || torch::equal(p.value(), wanted.at(p.key()))) << p.key();

    const auto batch = test::batch_of(golden, each);
    Observation seen;
    if (batch.image.defined()) seen.image = batch.image.flatten(0, 1);
    if (batch.vector.defined()) seen.vector = batch.vector.flatten(0, 1);
    const auto rng = make_generator(torch::kCPU, 1);
    const auto filtered = model.filter(model.encode(seen, rng), batch, rng, test::given_of(golden));
    EXPECT_LT(test::relative_error(filtered.h, golden.steps("out/deter")), 1e-5);
    EXPECT_LT(test::relative_error(filtered.posterior, test::statistics_of(golden, "out/post", options.world.unimix).transpose(0, 1)), 1e-5);
    const auto outcome = model.outcome({{"h", filtered.h.flatten(0, 1)}, {"z", filtered.z.flatten(0, 1)}});
    EXPECT_LT(test::relative_error(outcome.reward, golden.steps("out/reward").flatten()), 1e-5);
    const auto has = [&](const char* setting) { return std::ranges::find(plan.settings, setting) != plan.settings.end(); };
    EXPECT_TRUE(has("world.deter=16") && has("world.hidden=12") && has("behaviour.actor_layers=2") && has("world.reward_layers=2"));
    EXPECT_TRUE(has(each.image ? "world.observe=both" : "world.observe=vector"));
  }
}

TEST_F(BroughtTest, Nm512ShapesTellTheSettings) {
  RunSpec spec;
  spec.recipe = "dreamer-v3", spec.environment = "Catch";
  spec.settings = {"constants=2023", "size=s", "world.observe=image", "world.deter=24", "world.hidden=16", "world.units=12", "world.groups=3", "world.classes=32", "world.depth=4",
                   "behaviour.units=12", "world.reward_layers=1", "behaviour.actor_layers=3"};
  const auto system = make_system(spec);
  Checkpoint weights;
  system->store_weights(weights);
  leave_out_slow_copies(weights, "behaviour");
  // Names need no shapes but these.
  TheirWeights like;
  const auto shape = [&](const std::string& name, std::vector<std::int64_t> sizes) { like.tensors[name] = torch::zeros(sizes); };
  shape("_wm.encoder._cnn.layers.0.weight", {4, 3, 4, 4}), shape("_wm.encoder._cnn.layers.9.weight", {32, 16, 4, 4}), shape("_wm.dynamics.W", {1, 24});
  shape("_wm.dynamics._img_in_layers.0.weight", {16, 99}), shape("_wm.dynamics._imgs_stat_layer.weight", {96, 16}), shape("_wm.heads.reward.layers.Reward_linear0.weight", {12, 120});
  shape("_task_behavior.actor.layers.Actor_linear0.weight", {12, 120}), shape("_task_behavior.actor.mean_layer.weight", {3, 12}), shape("_task_behavior.ema_vals", {2});
  const auto plan = brought_nm512().plan(like);
  std::map<std::string, torch::Tensor> theirs;
  for (const auto& [name, tensor] : weights.tensors) {
    if (!name.starts_with("model/") && !name.starts_with("behaviour/")) continue;
    for (const auto& part : plan.parts(name)) {
      auto value = tensor;
      if (name == "model/initial") value = tensor.view({1, -1});
      if (name == "model/posterior.layer0.linear.weight")
        value = torch::cat({tensor.slice(1, 0, 24), tensor.slice(1, 24).reshape({16, 16, 32}).transpose(1, 2).flatten(1)}, 1);
      theirs["agent_state_dict." + part.name] = value.clone();
    }
  }
  const auto again = opened(brought(theirs, "nm512", "Catch"));
  Checkpoint ours;
  again->store_weights(ours);
  for (const auto& [name, tensor] : weights.tensors)
    EXPECT_TRUE(torch::equal(tensor, ours.tensors.at(name))) << name;
}

TEST_F(BroughtTest, TheRunSaysWhereItIsFromAndDreams) {
  auto tensors = test::diamond_file();
  const auto what = brought(tensors, "diamond");
  EXPECT_TRUE(holds_weights_alone(what.run));
  const auto& from = what.run.metadata.at("fact/from");
  EXPECT_NE(from.find("diamond: theirs.safetensors, SHA-256 "), std::string::npos) << from;
  EXPECT_EQ(from.size() - from.rfind(' ') - 1, 64u) << from;
  const auto system = opened(what);
  auto rng = make_generator(torch::kCPU, 1);
  torch::NoGradGuard no_grad;
  const auto next = system->model->imagine(system->model->initial(1), torch::one_hot(torch::zeros({1}, torch::kInt64), 4).to(torch::kFloat32), {}, rng);
  EXPECT_EQ(system->model->predict(next).frame.sizes(), (at::IntArrayRef{1, 3, 64, 64}));
}

TEST_F(BroughtTest, ShapesTellTheSettings) {
  // A file of other sizes: the run's settings are those, and every tensor has its place.
  auto make = [] {
    RunSpec spec;
    spec.recipe = "diamond", spec.environment = "DynaMaze";
    spec.settings = {"size=published", "side=32", "world.width=16", "world.levels=3", "world.depth=1", "world.condition=32", "world.context=2", "world.reward_width=8",
                     "world.reward_depth=1", "world.reward_condition=16", "world.reward_memory=24", "behaviour.width=4", "behaviour.memory=20"};
    return make_system(spec);
  };
  const auto system = make();
  Checkpoint weights;
  system->store_weights(weights);
  UNetOptions unet{32, {16, 16, 16}, 1}, net{16, {8, 8, 8}, 1};
  std::map<std::string, torch::Tensor> theirs;
  const auto add = [&](const std::string& prefix, const std::string& their_prefix, const test::PartsOf& parts) {
    for (const auto& [name, tensor] : weights.tensors)
      if (name.starts_with(prefix))
        test::each_part(tensor, parts(name.substr(prefix.size())), [&](const std::string& their, const torch::Tensor& part) { theirs[their_prefix + their] = part.clone(); });
  };
  add("model/denoiser.", "denoiser.inner_model.", [&](const std::string& ours) { return diamond_denoiser_parts(unet, ours); });
  add("model/reward_end.", "rew_end_model.", [&](const std::string& ours) { return diamond_reward_end_parts(net, ours); });
  add("behaviour/", "actor_critic.", diamond_actor_critic_parts);
  const auto again = opened(brought(theirs, "diamond"));
  EXPECT_EQ(fingerprint(*again), fingerprint(*system));
}

TEST_F(BroughtTest, WhatDoesNotFitIsNamedByBothNamesAndShapes) {
  auto missing = test::iris_file();
  missing.erase("world_model.pos_emb.weight");
  refused(missing, "iris", {"there is no 'world_model.pos_emb.weight'"});
  auto lost = test::diamond_file();
  lost.erase("denoiser.inner_model.unet.u_blocks.0.resblocks.1.norm2.linear.bias");
  refused(lost, "diamond", {"'denoiser.inner_model.unet.u_blocks.0.resblocks.1.norm2.linear.bias'", "'model/denoiser.unet.bend.bias' [", "[128]"});
  auto misshapen = test::diamond_file();
  misshapen["rew_end_model.head.2.weight"] = torch::zeros({4, 512});
  refused(misshapen, "diamond", {"'rew_end_model.head.2.weight' has the shape [4, 512]", "'model/reward_end.out.weight' [5, 512]"});
  auto more = test::diamond_file();
  more["actor_critic.extra.weight"] = torch::zeros({3});
  refused(more, "diamond", {"'actor_critic.extra.weight' [3] is left over"});
  auto infinite = test::diamond_file();
  infinite["actor_critic.actor_linear.bias"] = torch::full({4}, INFINITY);
  refused(infinite, "diamond", {"behaviour/actor.bias"});
  refused(test::iris_file(), "diamond", {"has no weights of the kind diamond", "noise_emb"});
  refused(test::diamond_file(), "diamond", {"actions of 4", "Catch has 3 choices"}, "Catch");
  refused(test::diamond_file(), "dimond", {"did you mean 'diamond'"});
}

TEST_F(BroughtTest, WhatStandsAroundTheModelIsLeftOut) {
  std::map<std::string, torch::Tensor> trainer;
  for (const auto& [name, tensor] : test::diamond_file()) trainer["agent." + std::string(name).insert(name.find('.') + 1, "_orig_mod.")] = tensor;
  trainer["optimizer.state.0.exp_avg"] = torch::zeros({3});
  const auto plain = brought(test::diamond_file(), "diamond"), wrapped = brought(trainer, "diamond");
  EXPECT_EQ(fingerprint(*opened(plain)), fingerprint(*opened(wrapped)));
}

}  // namespace brought_test
}  // namespace dream
