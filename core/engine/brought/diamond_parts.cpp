#include <algorithm>
#include <cmath>
#include <utility>

#include "core/engine/brought/brought.h"

namespace dream {
namespace {

using DiamondMap = std::pair<std::string, std::int64_t>;  // a linear map of theirs, and its rows

std::int64_t diamond_digit(const std::string& place, std::size_t at) {
  return at < place.size() && place[at] >= '0' && place[at] <= '9' ? place[at] - '0' : 0;
}

/// What is in a block.
std::string diamond_block_name(std::string rest) {
  const auto exchange = [&](const std::string& ours, const std::string& theirs) {
    if (const auto at = rest.find(ours); at != std::string::npos) rest.replace(at, ours.size(), theirs);
  };
  exchange("skip", "proj");
  exchange("attention.norm", "attn.norm.norm");
  exchange("attention.query_key_value", "attn.qkv_proj");
  exchange("attention.out", "attn.out_proj");
  return rest;
}

/// "down0_1.conv1.weight": theirs count the levels on the way up from the smallest picture.
std::string diamond_unet_name(const UNetOptions& unet, const std::string& ours) {
  const auto dot = std::min(ours.find('.'), ours.size() - 1);
  const auto place = ours.substr(0, dot), rest = diamond_block_name(ours.substr(dot + 1));
  const auto last = static_cast<std::int64_t>(unet.channels.size()) - 1;
  const auto digit = [&](std::size_t at) { return std::to_string(diamond_digit(place, at)); };
  if (place.starts_with("down")) return "d_blocks." + digit(4) + ".resblocks." + digit(6) + "." + rest;
  if (place.starts_with("up")) return "u_blocks." + std::to_string(last - diamond_digit(place, 2)) + ".resblocks." + digit(4) + "." + rest;
  if (place.starts_with("middle")) return "mid_blocks.resblocks." + digit(6) + "." + rest;
  if (place.starts_with("shrink")) return "downsamples." + std::to_string(diamond_digit(place, 6) + 1) + ".conv." + rest;
  if (place.starts_with("grow")) return "upsamples." + std::to_string(last - diamond_digit(place, 4)) + ".conv." + rest;
  return ours;
}

/// The maps that bend the norms, in the order in which a picture meets them.
std::vector<DiamondMap> diamond_bending(const UNetOptions& unet, bool ascends) {
  std::vector<DiamondMap> maps;
  const auto& channels = unet.channels;
  const auto block = [&](const std::string& place, std::int64_t from, std::int64_t to) {
    maps.emplace_back(place + ".norm1.linear", 2 * from);
    maps.emplace_back(place + ".norm2.linear", 2 * to);
  };
  const auto place = [](const char* way, std::size_t level, std::int64_t j) { return way + std::to_string(level) + "_" + std::to_string(j); };
  for (std::size_t i = 0; i < channels.size(); ++i)
    for (std::int64_t j = 0; j < unet.depth; ++j) block(place("down", i, j), channels[j == 0 && i > 0 ? i - 1 : i], channels[i]);
  for (const auto* middle : {"middle0", "middle1"}) block(middle, channels.back(), channels.back());
  for (auto i = channels.size(); ascends && i-- > 0;) {
    const auto here = channels[i], above = channels[i == 0 ? 0 : i - 1];
    for (std::int64_t j = 0; j < unet.depth; ++j) block(place("up", i, j), 2 * here, here);
    block(place("up", i, unet.depth), here + above, above);
  }
  return maps;
}

template <typename Name>
TheirParts diamond_bend_parts(const std::vector<DiamondMap>& maps, const std::string& ours, const Name& theirs) {
  TheirParts parts;
  for (const auto& [place, rows] : maps) parts.push_back({theirs(place + ours.substr(ours.rfind('.'))), rows});
  return parts;
}

std::string diamond_denoiser_name(const UNetOptions& unet, const std::string& ours) {
  if (ours == "frequencies") return "noise_emb.weight";
  if (ours == "past_frequencies") return "noise_cond_emb.weight";
  if (ours == "action_embedding") return "act_emb.0.weight";
  const auto dot = std::min(ours.find('.'), ours.size() - 1);
  const auto module = ours.substr(0, dot), rest = ours.substr(dot + 1);
  if (module == "condition1") return "cond_proj.0." + rest;
  if (module == "condition2") return "cond_proj.2." + rest;
  if (module == "in") return "conv_in." + rest;
  if (module == "out") return "conv_out." + rest;
  if (module == "norm") return "norm_out.norm." + rest;
  return "unet." + diamond_unet_name(unet, rest);
}

std::string diamond_reward_end_name(const UNetOptions& net, const std::string& ours) {
  if (ours == "coder.action_embedding") return "act_emb.weight";
  if (ours.starts_with("coder.in.")) return "encoder.conv_in." + ours.substr(9);
  if (ours.starts_with("hidden.")) return "head.0." + ours.substr(7);
  if (ours.starts_with("out.")) return "head.2." + ours.substr(4);
  if (!ours.starts_with("coder.net.")) return ours;  // the LSTM
  const auto name = diamond_unet_name(net, ours.substr(10));
  if (name.starts_with("d_blocks")) return "encoder.blocks" + name.substr(8);
  if (name.starts_with("mid_blocks")) return "encoder.blocks." + std::to_string(net.channels.size()) + name.substr(10);
  return "encoder." + name;
}

/// The side of a picture that a network halved `times` to this many numbers of so many channels.
std::int64_t diamond_side(std::int64_t numbers, std::int64_t channels, std::int64_t times) {
  return std::llround(std::sqrt(static_cast<double>(numbers) / static_cast<double>(channels))) << std::min<std::int64_t>(times, 16);
}

BroughtPlan diamond_plan(const TheirWeights& theirs) {
  const std::string world = "denoiser.inner_model.", pays = "rew_end_model.", acts = "actor_critic.";
  UNetOptions unet, net;
  const auto width = theirs.size(world + "conv_in.weight", 0), levels = theirs.numbered(world + "unet.d_blocks.");
  const auto channels = theirs.size(world + "conv_out.weight", 0);
  const auto context = std::max<std::int64_t>(1, theirs.size(world + "conv_in.weight", 1) / channels - 1);
  unet.condition = 2 * theirs.size(world + "noise_emb.weight", 1);
  unet.channels.assign(static_cast<std::size_t>(std::max<std::int64_t>(1, levels)), width);
  unet.depth = theirs.numbered(world + "unet.d_blocks.0.resblocks.");
  const auto reward_width = theirs.size(pays + "encoder.conv_in.weight", 0);
  net.condition = theirs.size(pays + "act_emb.weight", 1);
  net.channels.assign(static_cast<std::size_t>(std::max<std::int64_t>(1, theirs.numbered(pays + "encoder.blocks.") - 1)), reward_width);
  net.depth = theirs.numbered(pays + "encoder.blocks.0.resblocks.");
  const auto memory = theirs.size(pays + "lstm.weight_hh_l0", 1);
  const auto side = diamond_side(theirs.size(pays + "lstm.weight_ih_l0", 1), reward_width, static_cast<std::int64_t>(net.channels.size()) - 1);

  BroughtPlan plan;
  const auto set = [&](const char* key, std::int64_t value) { plan.settings.push_back(std::string(key) + "=" + std::to_string(value)); };
  plan.settings = {"size=published"};
  set("side", side), set("world.context", context);
  set("world.width", width), set("world.levels", levels), set("world.depth", unet.depth), set("world.condition", unet.condition);
  set("world.reward_width", reward_width), set("world.reward_depth", net.depth);
  set("world.reward_condition", net.condition), set("world.reward_memory", memory);
  set("behaviour.width", theirs.size(acts + "encoder.encoder.0.weight", 0)), set("behaviour.memory", theirs.size(acts + "lstm.weight_hh", 1));
  plan.actions = theirs.size(acts + "actor_linear.weight", 0);
  plan.parts = [=](const std::string& ours) {
    const auto under = [&](const std::string& prefix, TheirParts parts) {
      for (auto& part : parts) part.name = prefix + part.name;
      return parts;
    };
    const std::string denoiser = "model/denoiser.", reward_end = "model/reward_end.", behaviour = "behaviour/";
    if (ours.starts_with(denoiser)) return under(world, diamond_denoiser_parts(unet, ours.substr(denoiser.size())));
    if (ours.starts_with(reward_end)) return under(pays, diamond_reward_end_parts(net, ours.substr(reward_end.size())));
    return under(acts, diamond_actor_critic_parts(ours.substr(behaviour.size())));
  };
  return plan;
}

}  // namespace

TheirParts diamond_denoiser_parts(const UNetOptions& unet, const std::string& ours) {
  const auto name = [&](const std::string& each) { return diamond_denoiser_name(unet, each); };
  if (!ours.starts_with("unet.bend.")) return {{name(ours)}};
  return diamond_bend_parts(diamond_bending(unet, true), ours, [&](const std::string& place) { return name("unet." + place); });
}

TheirParts diamond_reward_end_parts(const UNetOptions& net, const std::string& ours) {
  const auto name = [&](const std::string& each) { return diamond_reward_end_name(net, each); };
  if (!ours.starts_with("coder.net.bend.")) return {{name(ours)}};
  return diamond_bend_parts(diamond_bending(net, false), ours, [&](const std::string& place) { return name("coder.net." + place); });
}

TheirParts diamond_actor_critic_parts(const std::string& ours) {
  const auto dot = std::min(ours.find('.'), ours.size() - 1);
  const auto module = ours.substr(0, dot), rest = ours.substr(dot + 1);
  if (module == "actor" || module == "critic") return {{module + "_linear." + rest}};
  if (module == "first") return {{"encoder.encoder.0." + rest}};
  if (module == "lstm") return {{ours}};
  const auto block = std::to_string(1 + 2 * diamond_digit(module, module.size() - 1));  // a pooling follows each
  const auto* part = module.starts_with("norm") ? ".f.0.norm." : module.starts_with("conv") ? ".f.2." : ".skip_projection.";
  return {{"encoder.encoder." + block + part + rest}};
}

BroughtKind brought_diamond() {
  return {"diamond", "diamond", "eloialonso/diamond, the agent's state dict: agent_versions/*.pt, or a game's of atari_100k/models", diamond_plan,
          {"denoiser.inner_model.noise_emb.weight"}};
}

}  // namespace dream
