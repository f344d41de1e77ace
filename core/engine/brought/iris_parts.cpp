#include <algorithm>
#include <cmath>
#include <regex>
#include <utility>

#include "core/engine/brought/brought.h"

namespace dream {
namespace {

using IrisRules = std::vector<std::pair<const char*, const char*>>;

std::string iris_replaced(std::string text, const IrisRules& rules) {
  for (const auto& [from, to] : rules) text = std::regex_replace(text, std::regex(from), to);
  return text;
}

/// Three of theirs where `part` stands for all of them.
TheirParts iris_split(const std::string& name, const std::string& part, const std::vector<std::string>& into) {
  const auto at = name.find(part);
  if (at == std::string::npos) return {{name}};
  TheirParts all;
  for (const auto& one : into) all.push_back({std::string(name).replace(at, part.size(), one)});
  return all;
}

BroughtPlan iris_plan(const TheirWeights& theirs) {
  const std::string tokens = "tokenizer.", world = "world_model.", acts = "actor_critic.";
  const auto levels = theirs.numbered(tokens + "encoder.down.");
  const auto features = theirs.size(acts + "lstm.weight_ih", 1), last = theirs.size(acts + "conv4.weight", 0);
  const auto side = std::llround(std::sqrt(static_cast<double>(features) / static_cast<double>(last))) << 4;  // four poolings
  const auto grid = side >> std::min<std::int64_t>(std::max<std::int64_t>(levels, 1) - 1, 16);
  std::int64_t attention = 0;  // the largest side at which places look at one another
  for (auto i = levels; i-- > 0;)
    if (theirs.numbered(tokens + "encoder.down." + std::to_string(i) + ".attn.") > 0) attention = side >> std::min<std::int64_t>(i, 16);

  BroughtPlan plan;
  plan.settings = {"size=published"};
  const auto set = [&](const char* key, std::int64_t value) { plan.settings.push_back(std::string(key) + "=" + std::to_string(value)); };
  set("side", side);
  set("tokenizer.channels", theirs.size(tokens + "encoder.conv_in.weight", 0)), set("tokenizer.levels", levels);
  set("tokenizer.blocks", theirs.numbered(tokens + "encoder.down.0.block."));
  if (attention > 0) set("tokenizer.attention", attention);
  set("tokenizer.codes", theirs.size(tokens + "embedding.weight", 0)), set("tokenizer.width", theirs.size(tokens + "embedding.weight", 1));
  set("world.width", theirs.size(world + "pos_emb.weight", 1)), set("world.layers", theirs.numbered(world + "transformer.blocks."));
  set("world.frames", theirs.size(world + "pos_emb.weight", 0) / (grid * grid + 1));
  set("behaviour.width", theirs.size(acts + "conv1.weight", 0)), set("behaviour.memory", theirs.size(acts + "lstm.weight_hh", 1));
  plan.actions = theirs.size(acts + "actor_linear.weight", 0);
  plan.parts = [=](const std::string& ours) {
    const auto under = [&](const std::string& prefix, TheirParts parts) {
      for (auto& part : parts) part.name = prefix + part.name;
      return parts;
    };
    const std::string tokenizer = "model/tokenizer.", transformer = "model/transformer.", behaviour = "behaviour/";
    if (ours.starts_with(tokenizer)) return under(tokens, iris_tokenizer_parts(levels, ours.substr(tokenizer.size())));
    if (ours.starts_with(transformer)) return under(world, iris_transformer_parts(ours.substr(transformer.size())));
    return under(acts, iris_actor_critic_parts(ours.substr(behaviour.size())));
  };
  plan.passed_over = [](const std::string& name) -> std::string {
    if (name.starts_with("tokenizer.lpips.")) return "LPIPS, which only its tokenizer's training looks at";
    const bool places = name.starts_with("world_model.") && (name.ends_with(".attn.mask") || name.ends_with(".indices"));
    return places ? "masks and places, which no training changes" : "";
  };
  return plan;
}

}  // namespace

TheirParts iris_tokenizer_parts(std::int64_t levels, const std::string& ours) {
  if (ours == "use") return {};
  static const IrisRules rules = {{"^before", "pre_quant_conv"}, {"^after", "post_quant_conv"}, {"^codebook$", "embedding.weight"},
                                  {"coder\\.in\\.", "coder.conv_in."}, {"coder\\.out\\.", "coder.conv_out."}, {"coder\\.norm\\.", "coder.norm_out."},
                                  {"middle_look", "mid.attn_1"}, {"middle0", "mid.block_1"}, {"middle1", "mid.block_2"},
                                  {"(level.)_block(.)", "$1.block.$2"}, {"(level.)_look(.)", "$1.attn.$2"},
                                  {"encoder.level(.)_resized", "encoder.level$1.downsample.conv"}, {"decoder.level(.)_resized", "decoder.level$1.upsample.conv"},
                                  {"encoder.level", "encoder.down."}, {"\\.seen\\.", ".proj_out."}};
  auto name = iris_replaced(ours, rules);
  // Theirs count the decoder's levels from the largest picture.
  if (const auto at = name.find("decoder.level"); at != std::string::npos)
    name = "decoder.up." + std::to_string(levels - 1 - (name[at + 13] - '0')) + name.substr(at + 14);
  return iris_split(name, "query_key_value", {"q", "k", "v"});
}

TheirParts iris_transformer_parts(const std::string& ours) {
  static const IrisRules rules = {{"^stack.block([0-9]+)_", "transformer.blocks.$1."}, {"^stack.norm", "transformer.ln_f"}, {"norm(.)\\.", "ln$1."},
                                  {"\\.scale$", ".weight"}, {"\\.shift$", ".bias"}, {"\\.attended", ".attn.proj"}, {"\\.up", ".mlp.0"}, {"\\.down", ".mlp.2"},
                                  {"^of_action$", "embedder.embedding_tables.0.weight"}, {"^of_code$", "embedder.embedding_tables.1.weight"},
                                  {"^of_position$", "pos_emb.weight"}, {"^codes_", "head_observations."}, {"^reward_", "head_rewards."},
                                  {"^end_", "head_ends."}, {"\\.hidden", ".head_module.0"}, {"\\.out", ".head_module.2"}};
  return iris_split(iris_replaced(ours, rules), "qkv", {"attn.query", "attn.key", "attn.value"});
}

TheirParts iris_actor_critic_parts(const std::string& ours) {
  if (ours.starts_with("conv")) return {{"conv" + std::to_string(ours[4] - '0' + 1) + ours.substr(5)}};
  if (ours.starts_with("actor") || ours.starts_with("critic")) return {{ours.substr(0, ours.find('.')) + "_linear" + ours.substr(ours.find('.'))}};
  return {{ours}};
}

BroughtKind brought_iris() {
  return {"iris", "iris", "eloialonso/iris, the agent's state dict: checkpoints/last.pt, or a game's of its pretrained models", iris_plan,
          {"tokenizer.pre_quant_conv.weight"}};
}

}  // namespace dream
