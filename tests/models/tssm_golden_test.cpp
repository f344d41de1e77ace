// STORM's and TransDreamer's networks, losses and gradients against the authors' code (tests/golden/make_tssm.py).
#include <gtest/gtest.h>

#include "core/behaviours/actor_critic.h"
#include "core/models/tssm.h"
#include "core/nn/generator.h"
#include "tests/support/hashed_golden.h"

namespace dream {
namespace tssm_golden_test {

using test::hashed_by_name;
using test::HashedGolden;
using test::parameter_count;

constexpr std::int64_t batch = 2, steps = 5, actions = 4;

Spaces tssm_world() {
  Spaces spaces;
  spaces.image_height = spaces.image_width = 64, spaces.image_channels = 3;
  spaces.action.choices = {"a", "b", "c", "d"};
  return spaces;
}

torch::Tensor one_hots(const std::string& name, std::vector<std::int64_t> shape, std::int64_t classes) {
  const auto chosen = ((hashed_by_name(name, std::move(shape)) + 1) * classes / 2).to(torch::kInt64).clamp_max(classes - 1);
  return torch::one_hot(chosen, classes).to(torch::kFloat32);
}
torch::Tensor time_first(const torch::Tensor& x) {
  return x.transpose(0, 1).contiguous();
}

/// Inputs under the names of one of the two, with a draw of z [T, B, Z].
struct Given {
  Given(const std::string& prefix, std::int64_t groups, const torch::Tensor& action) {
    const auto image = ((hashed_by_name(prefix + "/image", {batch, steps, 3, 64, 64}) + 1) * 127.5f).round();
    pieces.image = time_first(image.permute({0, 1, 3, 4, 2})).to(torch::kUInt8);
    z = time_first(one_hots(prefix + "/z", {batch, steps, groups}, groups).flatten(2));
    pieces.action = time_first(action);
    pieces.reward = time_first(3 * hashed_by_name(prefix + "/reward", {batch, steps}));
    pieces.terminated = time_first((hashed_by_name(prefix + "/end", {batch, steps}) > 0.3).to(torch::kFloat32));
    pieces.first = pieces.last = torch::zeros({steps, batch});
  }
  SequenceBatch pieces;
  torch::Tensor z;
};

std::string replaced(const std::string& text, const std::string& from, const std::string& to) {
  return text.starts_with(from) ? to + text.substr(from.size()) : text;
}
/// A norm's scale and shift are its weight and bias there.
std::string norm_words(const std::string& place, const std::string& rest) {
  return place + (rest.ends_with("scale") ? ".weight" : rest.ends_with("shift") ? ".bias" : rest.substr(rest.rfind('.')));
}

/// A block's part; queries, keys and values, one matrix here, are three there.
std::string block_part(const std::string& ours, const char* const (&theirs)[4]) {
  static const char* const parts[] = {"_norm1.", "_attended.", "_norm2.", "_up.", "_down."};
  for (int i = 0; i < 5; ++i)
    if (const auto at = ours.find(parts[i]); at != std::string::npos)
      return norm_words(i == 3 ? std::string(theirs[3]) + "1" : i == 4 ? std::string(theirs[3]) + "2" : theirs[i], ours.substr(at));
  return "";
}

void fill_qkv(torch::nn::Module& model, const std::string& layer, const std::string& place, const char* const (&names)[3], const std::string& ending) {
  const auto weight = model.named_parameters()["transformer.block" + layer + "_qkv.weight"];
  const auto parts = weight.chunk(3);
  for (std::size_t i = 0; i < 3; ++i) HashedGolden::fill(parts[i], place + names[i] + ending);
}
void close_qkv(const HashedGolden& golden, torch::nn::Module& model, const std::string& layer, const std::string& place,
               const char* const (&names)[3], const std::string& ending) {
  const auto parts = model.named_parameters()["transformer.block" + layer + "_qkv.weight"].grad().chunk(3);
  for (std::size_t i = 0; i < 3; ++i) golden.close_gradient(place + names[i] + ending, parts[i], 1e-3);
}

// -- STORM -------------------------------------------------------------------------------------------------------------

std::string storm_name(const std::string& ours) {
  const auto number = [&](std::size_t at) { return ours[at] - '0'; };
  if (ours.find("running") != std::string::npos || ours.find("tracked") != std::string::npos || ours.find("_qkv") != std::string::npos) return "";
  if (ours.starts_with("encoder.conv")) return "encoder.backbone." + std::to_string(3 * number(12)) + ours.substr(13);
  if (ours.starts_with("encoder.norm")) return "encoder.backbone." + std::to_string(3 * number(12) + 1) + ours.substr(13);
  if (ours.starts_with("decoder.dense")) return "image_decoder.backbone.0" + ours.substr(13);
  if (ours.starts_with("decoder.norm")) return "image_decoder.backbone." + std::to_string(3 * number(12) + 2) + ours.substr(13);
  if (ours.starts_with("decoder.deconv")) return "image_decoder.backbone." + std::to_string(3 * number(14) + 4) + ours.substr(15);
  if (ours.starts_with("posterior.out")) return "dist_head.post_head" + ours.substr(13);
  if (ours.starts_with("prior.out")) return "dist_head.prior_head" + ours.substr(9);
  const std::string stack = "storm_transformer.";
  if (ours.starts_with("token.linear")) return stack + "stem.0.weight";
  if (ours.starts_with("token.norm")) return norm_words(stack + "stem.1", ours);
  if (ours.starts_with("token_again.linear")) return stack + "stem.3.weight";
  if (ours.starts_with("token_again.norm")) return norm_words(stack + "stem.4", ours);
  if (ours == "transformer.positions") return stack + "position_encoding.pos_emb.weight";
  if (ours.starts_with("transformer.norm.")) return norm_words(stack + "layer_norm", ours);
  if (ours.starts_with("transformer.block")) {
    static const char* const parts[] = {"slf_attn.layer_norm", "slf_attn.fc", "pos_ffn.layer_norm", "pos_ffn.w_"};
    return stack + "layer_stack." + ours.substr(17, 1) + "." + block_part(ours, parts);
  }
  for (const auto& [head, theirs] : {std::pair<std::string, std::string>{"reward.", "reward_decoder."}, {"end.", "termination_decoder."}}) {
    if (!ours.starts_with(head)) continue;
    const auto rest = ours.substr(head.size());
    if (rest.starts_with("out")) return theirs + (head == "end." ? "head.0" : "head") + rest.substr(3);
    const auto layer = 3 * (rest[5] - '0');
    if (rest.find("linear") != std::string::npos) return theirs + "backbone." + std::to_string(layer) + ".weight";
    return norm_words(theirs + "backbone." + std::to_string(layer + 1), rest);
  }
  return "?" + ours;
}

constexpr const char* storm_qkv[] = {"w_qs", "w_ks", "w_vs"};
std::string storm_attention(const std::string& layer) {
  return "storm_transformer.layer_stack." + layer + ".slf_attn.";
}

std::shared_ptr<Tssm> small_storm() {
  TssmOptions options;
  options.width = 64, options.heads = 4, options.each = 16, options.between = 128, options.window = 8, options.keep = 4;
  auto model = std::make_shared<Tssm>(options, tssm_world());
  HashedGolden::fill(*model, storm_name);
  for (const auto* layer : {"0", "1"}) fill_qkv(*model, layer, storm_attention(layer), storm_qkv, ".weight");
  return model;
}

double term_of(const SequenceLoss& loss, const std::string& name) {
  for (const auto& [term, value] : loss.terms)
    if (term == name) return value.item<double>();
  ADD_FAILURE() << "no term " << name;
  return 0;
}

TEST(StormGolden, NetworksAndLossesAreTheAuthors) {
  torch::set_num_threads(1);
  const HashedGolden golden("tssm/storm.npz");
  const auto model = small_storm();
  const Given given("storm", 32, one_hots("storm/action", {batch, steps, actions}, actions).select(2, 0).argmax(-1, true).to(torch::kFloat32));
  const auto loss = model->loss(given.pieces, make_generator(torch::kCPU, 0), given.z);
  loss.total.backward();
  for (const auto& [ours, theirs] : {std::pair{"image", "image_loss"}, {"reward", "reward_loss"}, {"continue", "end_loss"}, {"dynamics", "dynamics"},
                                     {"representation", "representation"}, {"kl", "kl"}})
    EXPECT_NEAR(term_of(loss, ours), golden.number(theirs), 1e-4 * std::abs(golden.number(theirs))) << ours;
  golden.close("total", loss.total.detach());
  golden.close_gradients(*model, storm_name, 1e-3);
  for (const auto* layer : {"0", "1"}) close_qkv(golden, *model, layer, storm_attention(layer), storm_qkv, ".weight");

  // What was learned of the one batch is its statistics: the parts in eval() say what theirs do.
  torch::NoGradGuard no_grad;
  const auto image = given.pieces.image.flatten(0, 1);
  const auto z = given.z.flatten(0, 1);
  golden.close("eval_posterior", model->posterior_of({.image = image, .vector = {}}).view({steps, batch, -1}).transpose(0, 1));
  golden.close("eval_painted", model->decode(z, {}).view({steps, batch, 3, 64, 64}).transpose(0, 1).slice(3, 0, 64, 8).slice(4, 0, 64, 8));
  const auto piece = model->remember(given.z, given.pieces.action, given.pieces.first, {});
  const auto h = piece.h.slice(0, 1);
  golden.close("h", h.transpose(0, 1));
  golden.close("prior", model->prior_of(h).transpose(0, 1));
  golden.close("reward", model->rewards({}, h).transpose(0, 1));
  golden.close("end", model->ends({}, h).transpose(0, 1));
  auto carry = model->initial(batch);
  std::vector<torch::Tensor> cached, rewards;
  for (std::int64_t t = 0; t + 1 < steps; ++t) {
    carry["z"] = given.z[t];
    carry = model->imagine(carry, given.pieces.action[t + 1], {}, make_generator(torch::kCPU, 0));
    cached.push_back(carry.at("h"));
    rewards.push_back(model->outcome(carry).reward);
  }
  golden.close("cached", torch::stack(cached, 1));
  golden.close("eval_reward", torch::stack(rewards, 1));
}

ActorCriticOptions storm_agent() {
  ActorCriticOptions options;
  options.unimix = 0, options.actor_out_scale = 1, options.act = Act::relu, options.norm = Norm::layer, options.eps = 1e-5;
  options.bias_with_norm = false, options.critic_head = NumberHead::symlog, options.actor_layers = options.critic_layers = 2;
  return options;
}

TEST(StormGolden, TheAgentsPiecesAreTheAuthors) {
  const HashedGolden golden("tssm/storm.npz");
  auto options = storm_agent();
  options.units = 16;
  ActorCritic agent(24, tssm_world().action, options);
  HashedGolden::fill(agent, [](const std::string& ours) -> std::string {
    if (!ours.starts_with("actor.") && !ours.starts_with("critic.")) return "";
    const auto dot = ours.find('.');
    const auto net = ours.substr(0, dot + 1), rest = ours.substr(dot + 1);
    if (rest.starts_with("out")) return net + "6" + rest.substr(3);
    const auto layer = 3 * (rest[5] - '0');
    return rest.find("linear") != std::string::npos ? net + std::to_string(layer) + ".weight" : norm_words(net + std::to_string(layer + 1), rest);
  });
  const auto seen = time_first(hashed_by_name("storm/seen", {batch, steps + 1, 24}));
  const auto value = agent.value(seen).detach();
  golden.close("agent_value", value.transpose(0, 1));
  // Their return counts the value of the state itself where the paper has that of the next one: here it is given so.
  const auto live = 0.9f * time_first(1 - (hashed_by_name("storm/stops", {batch, steps}) > 0.6).to(torch::kFloat32));
  const auto returns = lambda_return(time_first(hashed_by_name("storm/gained", {batch, steps})), live, value.slice(0, 0, steps),
                                     torch::full({steps, batch}, 0.8), value[steps]);
  golden.close("agent_returns", returns.transpose(0, 1));
  const TwoHot two_hot(TwoHot::Kind::symlog, 255, torch::kCPU);
  golden.close("agent_value_loss", two_hot.loss(golden("agent_raw").slice(1, 0, steps), golden("agent_returns")).mean());
  ActorCritic::Dreamed dreamed{seen, torch::zeros({steps + 1, batch, actions}), torch::zeros({steps + 1, batch}), torch::ones({steps + 1, batch})};
  const auto loss = agent.loss(dreamed, torch::ones({batch}), {}, make_generator(torch::kCPU, 0));
  for (const auto& [name, term] : loss.terms) {
    if (name == "entropy") golden.close("agent_entropy", term);
  }
}

TEST(StormGolden, ThePublishedSizeHasTheAuthorsParameters) {
  const HashedGolden golden("tssm/storm.npz");
  const Tssm model({}, tssm_world());
  std::map<std::string, std::int64_t> counts;
  for (const auto& p : model.named_parameters()) counts[p.key().substr(0, p.key().find('.'))] += p.value().numel();
  counts["transformer"] += counts["token"] + counts["token_again"];
  for (const auto* part : {"encoder", "posterior", "prior", "decoder", "transformer", "reward", "end"})
    EXPECT_EQ(static_cast<double>(counts[part]), golden.number(std::string("count/") + part)) << part;
  EXPECT_EQ(parameter_count(model), 16505987);
  EXPECT_EQ(golden.number("count/world"), 16505987);
  auto options = storm_agent();
  options.units = 512;
  const ActorCritic agent(model.feature_count(), tssm_world().action, options);
  std::int64_t actor = 0, critic = 0;
  for (const auto& p : agent.actor_parameters()) actor += p.numel();
  for (const auto& p : agent.critic_parameters()) critic += p.numel();
  EXPECT_EQ(actor, 1052676);
  EXPECT_EQ(critic, 1181439);
  EXPECT_EQ(static_cast<double>(actor + critic), golden.number("count/actor") + golden.number("count/critic"));
}

// -- TransDreamer ------------------------------------------------------------------------------------------------------

std::string trans_name(const std::string& ours) {
  const auto ending = ours.substr(ours.rfind('.'));
  if (ours.find("_qkv") != std::string::npos || ours == "transformer.positions") return "";
  if (ours.starts_with("encoder.conv")) return "dynamic.img_enc.enc." + ours.substr(12, 1) + ".net" + ending;
  if (ours.starts_with("token.")) return "dynamic.act_stoch_mlp.net" + ending;
  if (ours.starts_with("decoder.dense")) return "img_dec.fc.net" + ending;
  if (ours.starts_with("decoder.deconv")) return "img_dec.dec." + ours.substr(14, 1) + ".net" + ending;
  if (ours.starts_with("transformer.block")) {
    static const char* const parts[] = {"mah.layer_norm", "mah.out_net.net", "pos_ff.layer_norm", "#"};
    const auto part = block_part(ours, parts);
    return "dynamic.cell.layers." + ours.substr(17, 1) + "." +
           replaced(replaced(part, "#1", "pos_ff.CoreNet.0.net"), "#2", "pos_ff.CoreNet.2.net");
  }
  for (const auto& [head, theirs] : {std::pair<std::string, std::string>{"posterior.", "dynamic.post_stoch_mlp.enc."},
                                     {"prior.", "dynamic.prior_stoch_mlp.enc."}, {"reward.", "reward.dec."}, {"end.", "pcont.dec."}}) {
    if (!ours.starts_with(head)) continue;
    const auto rest = ours.substr(head.size());
    const bool heads = head == "reward." || head == "end.";
    return theirs + std::to_string(rest.starts_with("out") ? (heads ? 8 : 2) : 2 * (rest[5] - '0')) + ".net" + ending;
  }
  return "?" + ours;
}

constexpr const char* trans_qkv[] = {"q_net", "k_net", "v_net"};
std::string trans_attention(const std::string& layer) {
  return "dynamic.cell.layers." + layer + ".mah.";
}

TssmOptions trans_options() {
  TssmOptions options;
  options.kind = TssmKind::transdreamer;
  options.unimix = 0, options.depth = 48, options.head_layers = 4, options.window = 50, options.keep = 25;
  options.image_deviation = 0.3, options.continue_scale = 5, options.dynamics_scale = 0.08, options.representation_scale = 0.02;
  options.free_nats = 0;
  return options;
}

TEST(TransDreamerGolden, NetworksAndLossesAreTheAuthors) {
  torch::set_num_threads(1);
  const HashedGolden golden("tssm/transdreamer.npz");
  auto options = trans_options();
  options.groups = options.classes = 8, options.width = 40, options.layers = 2, options.heads = 4, options.each = 12, options.between = 48;
  options.hidden = 24, options.units = 16;
  Tssm model(options, tssm_world());
  HashedGolden::fill(model, trans_name);
  for (const auto* layer : {"0", "1"}) fill_qkv(model, layer, trans_attention(layer), trans_qkv, ".net.weight");
  {
    // Actions come before latents there, pictures channel by channel, and the head says that it goes on.
    torch::NoGradGuard no_grad;
    const auto weights = model.named_parameters();
    auto token = weights["token.linear.weight"];
    token.copy_(torch::cat({token.slice(1, actions), token.slice(1, 0, actions)}, 1).clone());
    auto posterior = weights["posterior.layer0.linear.weight"];
    posterior.copy_(posterior.clone().view({options.hidden, -1, 2, 2}).permute({0, 2, 3, 1}).flatten(1));
    weights["end.out.weight"].neg_();
    weights["end.out.bias"].neg_();
  }
  const Given given("trans", 8, one_hots("trans/action", {batch, steps}, actions).argmax(-1, true).to(torch::kFloat32));
  const auto loss = model.loss(given.pieces, make_generator(torch::kCPU, 0), given.z);
  loss.total.backward();
  for (const auto& [ours, theirs] : {std::pair{"image", "image_loss"}, {"reward", "reward_loss"}, {"continue", "end_loss"}})
    EXPECT_NEAR(term_of(loss, ours), golden.number(theirs), 1e-4 * std::abs(golden.number(theirs))) << ours;
  EXPECT_NEAR(0.08 * term_of(loss, "dynamics") + 0.02 * term_of(loss, "representation"), golden.number("kl_loss"), 1e-4 * golden.number("kl_loss"));
  golden.close("total", loss.total.detach());
  golden.close_gradients(model, trans_name, 1e-3);
  for (const auto* layer : {"0", "1"}) close_qkv(golden, model, layer, trans_attention(layer), trans_qkv, ".net.weight");

  torch::NoGradGuard no_grad;
  golden.close("posterior", model.posterior_of({.image = given.pieces.image.flatten(0, 1), .vector = {}}).view({steps, batch, -1}).transpose(0, 1));
  const auto piece = model.remember(given.z, given.pieces.action, given.pieces.first, {});
  const auto h = piece.h.slice(0, 1), z = given.z.slice(0, 1);
  golden.close("h", h.transpose(0, 1));
  golden.close("prior", model.prior_of(h).transpose(0, 1));
  golden.close("reward", model.rewards(z, h).transpose(0, 1));
  golden.close("end", model.ends(z, h).transpose(0, 1).unsqueeze(-1));
  golden.close("painted", model.decode(z.flatten(0, 1), h.flatten(0, 1)).view({steps - 1, batch, 3, 64, 64}).transpose(0, 1)
                              .slice(3, 0, 64, 8).slice(4, 0, 64, 8));
}

TEST(TransDreamerGolden, ThePublishedSizeHasTheAuthorsParameters) {
  const HashedGolden golden("tssm/transdreamer.npz");
  auto options = trans_options();
  options.width = 600, options.layers = 6, options.hidden = 600, options.units = 400;
  const Tssm model(options, tssm_world());
  std::map<std::string, std::int64_t> counts;
  for (const auto& p : model.named_parameters()) counts[p.key().substr(0, p.key().find('.'))] += p.value().numel();
  for (const auto* part : {"encoder", "posterior", "prior", "decoder", "transformer", "token", "reward", "end"})
    EXPECT_EQ(static_cast<double>(counts[part]), golden.number(std::string("count/") + part)) << part;
  EXPECT_EQ(parameter_count(model), 41024317) << "their sum, which a float32 of the file does not hold";
}

}  // namespace tssm_golden_test
}  // namespace dream
