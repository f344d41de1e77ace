// Δ-IRIS's networks against the authors' code with the same weights (tests/golden/make_delta_iris.py).
#include <regex>

#include "core/behaviours/frame_actor_critic.h"
#include "core/models/delta_iris.h"
#include "core/nn/generator.h"
#include "tests/support/their_parts_golden.h"

namespace dream {
namespace delta_iris_golden_test {

constexpr std::int64_t actions = 4, codes = 1024, places = 4, frames = 26, dreamed = 32;

using Rules = std::vector<std::pair<const char*, const char*>>;

std::string replaced(std::string text, const Rules& rules) {
  for (const auto& [from, to] : rules) text = std::regex_replace(text, std::regex(from), to);
  return text;
}

/// A part of a coder as published, by its place in theirs, a sequence.
std::string coder_part(const std::string& ours, bool decodes) {
  static const bool halves[] = {true, false, true, true, false};
  std::map<std::string, int> at = {{"in", 0}};
  int next = 1;
  for (int i = 0; i < 5; ++i) {
    const int level = decodes ? 4 - i : i;
    const auto n = std::to_string(level);
    if (decodes && halves[level]) at["resized" + n] = next++;
    at["block" + n] = next++;
    if (!decodes && halves[level]) at["resized" + n] = next++;
  }
  at["norm"] = next, at["out"] = next + 2;
  const auto dot = ours.find('.');
  const auto name = ours.substr(0, dot);
  const Rules rules = {{"\\.norm1", ".f.0"}, {"\\.conv1", ".f.2"}, {"\\.norm2", ".f.3"}, {"\\.conv2", ".f.5"}, {"\\.skip", ".skip_projection"}};
  const auto rest = replaced(ours.substr(dot), rules);
  return std::to_string(at.at(name)) + (name.starts_with("resized") ? ".conv" : "") + rest;
}

/// Where a name of ours begins with `mine`, the coder's part behind `its`.
bool of_coder(const std::string& ours, const std::string& mine, const std::string& its, bool decodes, TheirParts& parts) {
  if (!ours.starts_with(mine)) return false;
  parts = {{its + coder_part(ours.substr(mine.size()), decodes)}};
  return true;
}

TheirParts tokenizer_parts(const std::string& ours) {
  TheirParts parts;
  if (ours == "codebook" || ours == "use" || ours == "updates") return {};
  if (of_coder(ours, "encoder.", "encoder.encoder.", false, parts) || of_coder(ours, "decoder.", "decoder.decoder.", true, parts) ||
      of_coder(ours, "frame_coder.", "frame_cnn.encoder.", false, parts))
    return parts;
  const Rules rules = {{"^(..)coder_actions$", "$1coder_act_emb.weight"}, {"^before", "quantizer.pre_quant_proj"},
                       {"^after", "quantizer.post_quant_proj"}};
  return {{replaced(ours, rules)}};
}

TheirParts world_parts(const std::string& ours) {
  static const Rules rules = {{"^stack.block([0-9]+)_norm1", "transformer.blocks.$1.sa.ln"},
                              {"^stack.block([0-9]+)_norm2", "transformer.blocks.$1.mlp.ln"},
                              {"^stack.block([0-9]+)_attended", "transformer.blocks.$1.sa.attention.proj"},
                              {"^stack.block([0-9]+)_up", "transformer.blocks.$1.mlp.mlp.0"},
                              {"^stack.block([0-9]+)_down", "transformer.blocks.$1.mlp.mlp.2"},
                              {"^stack.norm", "transformer.ln"}, {"^frame_norm", "frame_cnn.2"}, {"\\.scale$", ".weight"}, {"\\.shift$", ".bias"},
                              {"^of_action$", "act_emb.weight"}, {"^of_code$", "latents_emb.weight"}, {"^of_position$", "transformer.pos_emb.weight"},
                              {"^codes_", "head_latents."}, {"^reward_", "head_rewards."}, {"^end_", "head_ends."},
                              {"\\.hidden", ".head_module.0"}, {"\\.out", ".head_module.2"}};
  TheirParts parts;
  if (of_coder(ours, "frame_coder.", "frame_cnn.0.encoder.", false, parts)) return parts;
  if (const auto at = ours.find("_qkv."); at != std::string::npos) {
    const auto layer = "transformer.blocks." + ours.substr(11, at - 11) + ".sa.";
    for (const char* one : {"query", "key", "value"}) parts.push_back({layer + one + ours.substr(at + 4)});
    return parts;
  }
  return {{replaced(ours, rules)}};
}

TheirParts actor_parts(const std::string& ours) {
  TheirParts parts;
  if (of_coder(ours, "coder.", "cnn.0.encoder.", false, parts)) return parts;
  return {{replaced(ours, {{"^(actor|critic)\\.", "$1_linear."}})}};
}

TheirParts agent_parts(const std::string& ours) {
  const bool slow = ours.starts_with("slow.");
  auto parts = actor_parts(slow ? ours.substr(5) : ours);
  for (auto& part : parts) part.name = (slow ? "target_model." : "model.") + part.name;
  return parts;
}

/// Whole numbers below `below`.
torch::Tensor whole(const char* name, std::vector<std::int64_t> shape, std::int64_t below) {
  return ((test::hashed_by_name(name, std::move(shape)) + 1) * static_cast<double>(below) / 2).floor().to(torch::kInt64).clamp(0, below - 1);
}

torch::Tensor one_hots(const torch::Tensor& index) {
  return torch::one_hot(index, actions).to(torch::kFloat32);
}

/// [lanes, count, 3, 64, 64]: a picture of which a quarter changes from frame to frame.
torch::Tensor moving(const std::string& name, std::int64_t lanes, std::int64_t count) {
  auto all = ((test::hashed_pictures(name, {lanes, 1, 3, 64, 64}) + 1) / 2).repeat({1, count, 1, 1, 1});
  all.slice(3, 16, 48).slice(4, 16, 48).copy_((test::hashed_pictures(name + "/change", {lanes, count, 3, 32, 32}) + 1) / 2);
  return all;
}

torch::Tensor unit_rows(const torch::Tensor& x) {
  return x / x.norm(2, -1, true);
}

torch::Tensor every_other(const torch::Tensor& pictures) {
  return pictures.slice(-1, 0, pictures.size(-1), 2).slice(-2, 0, pictures.size(-2), 2);
}

class DeltaIrisGolden : public ::testing::Test {
 protected:
  DeltaIrisGolden() { torch::set_num_threads(1); }

  static void fill(DeltaIrisTokenizer& model) {
    test::fill_parts(*model, tokenizer_parts);
    torch::NoGradGuard no_grad;
    model->named_buffers()["codebook"].copy_(unit_rows(test::hashed_by_name("quantizer.codebook", {codes, 64})));
  }
  static DeltaIrisTokenizer tokenizer() {
    DeltaIrisTokenizer model(DeltaIrisTokenizerOptions{}, at::IntArrayRef{3, 64, 64}, actions);
    fill(model);
    return model;
  }
  static DeltaIrisTransformer world(DeltaReward reward = DeltaReward::sign) {
    DeltaIrisTransformerOptions options;
    options.reward = reward;
    DeltaIrisTransformer model(options, at::IntArrayRef{3, 64, 64}, places, codes, actions);
    test::fill_parts(*model, world_parts);
    return model;
  }
};

TEST_F(DeltaIrisGolden, TokenizerIsTheAuthors) {
  const test::HashedGolden golden("delta_iris/tokenizer.npz");
  auto model = tokenizer();
  EXPECT_EQ(static_cast<double>(test::parameter_count(*model)), golden.number("count"));
  EXPECT_EQ(test::parameter_count(*model), 4'065'715);
  const auto seen = moving("frames", 2, 3);
  const auto frame = seen.slice(1, 0, 2).flatten(0, 1), next = seen.slice(1, 1).flatten(0, 1);
  const auto action = one_hots(whole("actions", {2, 3}, actions).slice(1, 0, 2).flatten());
  {
    torch::NoGradGuard no_grad;
    const auto encoded = model->encode(frame, action, next);
    golden.close("z", encoded.z);
    EXPECT_TRUE(torch::equal(encoded.codes, golden("codes").to(torch::kInt64)));
    const auto rebuilt = every_other(model->frames(frame, action, encoded.codes)), theirs = golden("rebuilt");
    EXPECT_LT((rebuilt - theirs).abs().max().item<double>(), 1.01 / 255) << "of 256 levels";
    EXPECT_LT(((rebuilt - theirs).abs() > 1e-6).sum().item<int>(), 5);
  }
  const auto loss = model->loss(frame, action, next);
  const auto near = [&](const torch::Tensor& ours, double weight, const char* theirs) {
    EXPECT_NEAR(weight * ours.item<double>(), golden.number(theirs), 1e-4 * golden.number(theirs)) << theirs;
  };
  near(loss.commitment, 0.02, "commitment_loss");
  near(loss.amount, 0.1, "reconstruction_loss_l1");
  near(loss.square, 1, "reconstruction_loss_l2");
  near(loss.worst, 0.01, "reconstruction_loss_l2_worst_pixel");
  double all = 0;
  for (const char* name : {"commitment_loss", "reconstruction_loss_l1", "reconstruction_loss_l2", "reconstruction_loss_l2_worst_pixel"})
    all += golden.number(name);
  EXPECT_NEAR(loss.total.item<double>(), all, 1e-4 * all);
  loss.total.backward();
  test::close_part_gradients(golden, *model, tokenizer_parts, 2e-4);
}

TEST_F(DeltaIrisGolden, TheCodebookFollowsAsTheAuthors) {
  const test::HashedGolden golden("delta_iris/tokenizer.npz");
  auto model = tokenizer();
  const auto rng = make_generator(torch::kCPU, 1);
  torch::NoGradGuard no_grad;
  const auto seen = moving("frames", 2, 3);
  const auto action = one_hots(whole("actions", {2, 3}, actions).slice(1, 0, 2).flatten());
  EXPECT_EQ(model->learn_codes(model->loss(seen.slice(1, 0, 2).flatten(0, 1), action, seen.slice(1, 1).flatten(0, 1)), rng), 0);
  const auto codebook = model->named_buffers()["codebook"];
  golden.close("codebook", codebook.slice(0, 0, codes, 8));
  golden.close("freqs", model->use());
  EXPECT_NEAR(model->entropy(), golden.number("entropy"), 1e-4);
  // Eight of 1,024 codes are in use: of the others as many are revived as there are rows.
  model->named_buffers()["use"].copy_(torch::where(torch::arange(codes) < 8, 1.0 / 8, 0.0));
  DeltaIrisTokenizerImpl::Loss batch;
  batch.encoded = unit_rows(test::hashed_by_name("rows", {24, 64})), batch.codes = whole("stood for", {24}, 8);
  EXPECT_EQ(static_cast<double>(model->learn_codes(batch, rng)), golden.number("revived"));
  golden.close("freqs_sorted", std::get<0>(model->use().sort()));
  golden.close("codebook_first", codebook.slice(0, 0, 8));
  const auto revived = (model->use().slice(0, 8) > 0).nonzero().squeeze(1) + 8;
  ASSERT_EQ(revived.size(0), 24);
  const auto which = codebook.index_select(0, revived).matmul(batch.encoded.t());
  EXPECT_GT(which.amax(1).min().item<double>(), 1 - 1e-5) << "each is one of the rows";
  EXPECT_GT(which.amax(0).min().item<double>(), 1 - 1e-5) << "and each row is one of them";
}

TEST_F(DeltaIrisGolden, WorldModelIsTheAuthors) {
  const test::HashedGolden golden("delta_iris/world_model.npz");
  auto model = world();
  EXPECT_EQ(static_cast<double>(test::parameter_count(*model)), golden.number("count"));
  EXPECT_EQ(test::parameter_count(*model), 3'577'257);
  const auto seen = moving("seen", 2, frames), taken = one_hots(whole("taken", {2, frames}, actions));
  // Theirs has zeros in the place of the last Δ-tokens, and learns none of them.
  const auto told = torch::cat({whole("codes", {2, frames - 1, places}, codes), torch::zeros({2, 1, places}, torch::kInt64)}, 1);
  {
    torch::NoGradGuard no_grad;
    const auto logits = model->forward(seen, taken, told);
    golden.close("logits", logits.codes.flatten(1, 2).slice(1, 0, frames * places, 9));
    golden.close("reward", logits.reward);
    golden.close("end", logits.end);
  }
  auto alive = torch::ones({2, frames}), end = torch::zeros({2, frames});
  alive[1].slice(0, 13).zero_();
  end[1][12] = 1;
  auto follows = alive.clone();
  follows.select(1, frames - 1).zero_();
  const auto reward = whole("rewards", {2, frames}, 5).to(torch::kFloat32) - 2;
  const auto loss = model->loss(seen, taken, told, reward, end, follows, alive);
  EXPECT_NEAR(0.1 * loss.codes.item<double>(), golden.number("loss_latents"), 1e-4);
  EXPECT_NEAR(loss.reward.item<double>(), golden.number("loss_rewards"), 1e-4);
  EXPECT_NEAR(0.1 * loss.end.item<double>(), golden.number("loss_ends"), 1e-5);
  loss.total.backward();
  test::close_part_gradients(golden, *model, world_parts, 2e-4);
  torch::NoGradGuard no_grad;
  const auto of_numbers = world(DeltaReward::number)->loss(seen, taken, told, reward, end, follows, alive);
  EXPECT_NEAR(of_numbers.reward.item<double>(), golden.number("loss_of_numbers"), 1e-4 * golden.number("loss_of_numbers"));
}

/// WorldModelEnv, past a full memory, with Δ-tokens and frames that the hash has drawn: of frames that a decoder paints a difference of one
/// level is soon the whole picture.
TEST_F(DeltaIrisGolden, StepsThroughAFullMemoryAreTheAuthors) {
  const test::HashedGolden golden("delta_iris/dream.npz");
  torch::NoGradGuard no_grad;
  auto tokens = tokenizer();
  auto model = world();
  const auto seen = torch::cat({moving("start", 2, 3), moving("painted", 2, dreamed)}, 1);
  const auto done = one_hots(whole("done", {2, 2 + dreamed}, actions)), drawn = whole("drawn", {2, dreamed, places}, codes);
  auto next = model->see(model->nothing(2), torch::zeros({2, actions}), torch::zeros({2, places}, torch::kInt64), seen.select(1, 0));
  for (std::int64_t t = 0; t < 2 + dreamed; ++t) {
    const auto action = done.select(1, t), frame = seen.select(1, t + 1);
    const auto told = t < 2 ? tokens->tokens(seen.select(1, t), action, frame) : drawn.select(1, t - 2);
    next = model->see(next.memory, action, told, frame);
    EXPECT_EQ(next.emptied.all().item<bool>(), t + 1 == frames) << t;
    if (t != 2 && t != frames - 1 && t != frames && t != frames + 1 && t != dreamed) continue;
    const auto step = "step" + std::to_string(t - 2) + "/";
    EXPECT_LT(test::relative_error(next.expected.slice(2, 0, codes, 5), golden(step + "logits")), 1e-4) << t;
    golden.close(step + "reward", next.reward);
    EXPECT_LT(test::relative_error(next.end, golden(step + "end").log_softmax(-1)), 1e-4) << t;
    golden.close(step + "state", next.state);
  }
}

TEST_F(DeltaIrisGolden, ActorCriticIsTheAuthors) {
  const test::HashedGolden golden("delta_iris/actor_critic.npz");
  ActionSpace four;
  four.choices = {"a", "b", "c", "d"};
  FrameActorCriticOptions options;
  options.net = FrameNet::coder, options.slow = 0.995;
  options.horizon = 20, options.context = 5, options.discount = 0.995, options.entropy = 0.002, options.sign_rewards = false;
  FrameActorCritic agent({3, 64, 64}, four, options);
  std::int64_t own = 0;
  for (const auto& p : agent.learned()) own += p.numel();
  EXPECT_EQ(own, 3'608'245);
  EXPECT_EQ(static_cast<double>(own), golden.number("count"));
  test::fill_parts(agent, agent_parts);
  const auto all = moving("imagined", 3, 26).transpose(0, 1).contiguous();
  FrameActorCritic::Start start{all.slice(0, 0, 5), torch::ones({5, 3}), all[5]};
  std::int64_t t = 0;
  const auto rng = make_generator(torch::kCPU, 1);
  auto dreamed = agent.imagine(start, [&](const torch::Tensor&) {
    const auto at = t++;
    return FrameActorCritic::Step{all[6 + at], golden("reward")[at], golden("end")[at]};
  }, rng);
  golden.close("logits", dreamed.policy.detach());
  golden.close("value", dreamed.critic.detach().squeeze(-1));
  golden.close("slow", dreamed.slow);
  golden.close("bootstrap", dreamed.next[-1]);
  dreamed.action = one_hots(golden("action").to(torch::kInt64));
  const auto loss = agent.loss(dreamed, rng);
  golden.close("loss", loss.total.detach(), 2e-4);
  for (const auto& [name, term] : loss.terms) {
    if (name == "actor" || name == "critic" || name == "entropy") golden.close(name, term);
  }
  loss.total.backward();
  test::close_part_gradients(golden, agent, [](const std::string& ours) { return ours.starts_with("slow.") ? TheirParts{} : actor_parts(ours); });
  agent.follow_slowly();
  golden.close("followed", agent.named_parameters()["slow.actor.weight"]);
}

}  // namespace delta_iris_golden_test
}  // namespace dream
