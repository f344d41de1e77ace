#include <algorithm>

#include "core/engine/brought/brought.h"

namespace dream {
namespace {

/// NM512's name of "layer0.norm.scale" of an MLP whose layers are called so.
std::string nm512_layer(const std::string& layers, const std::string& rest) {
  const auto number = rest.substr(5, rest.find('.') - 5);
  if (rest.ends_with(".linear.weight")) return layers + "_linear" + number + ".weight";
  return layers + "_norm" + number + (rest.ends_with(".scale") ? ".weight" : ".bias");
}

/// Of a norm within a list of layers.
std::string nm512_norm(const std::string& place, const std::string& rest) {
  return place + (rest.ends_with("scale") ? ".weight" : ".bias");
}

std::string nm512_world(const std::string& ours) {
  const auto dot = std::min(ours.find('.'), ours.size() - 1);
  const auto part = ours.substr(0, dot), rest = ours.substr(dot + 1);
  const bool out = rest.starts_with("out.");
  const auto after_out = out ? rest.substr(3) : "";
  const auto head = [&](const std::string& place, const std::string& name) {
    return out ? place + ".mean_layer" + after_out : nm512_layer(place + ".layers." + name, rest);
  };
  const auto step = [&](const std::string& place) { return rest.ends_with("linear.weight") ? place + ".0.weight" : nm512_norm(place + ".1", rest); };
  /// A convolution, a norm and an activation for each of their numbers.
  const auto coder = [&](const std::string& place, const std::string& layer) {
    const bool norm = rest.starts_with("norm");
    const auto begin = norm ? 4 : layer.size();
    const auto at = 3 * (rest[begin] - '0') + (norm ? 1 : 0);
    const auto name = place + std::to_string(at);
    return norm ? nm512_norm(name + ".norm", rest) : name + rest.substr(begin + 1);
  };
  if (ours == "initial") return "dynamics.W";
  if (part == "vector_encoder") return nm512_layer("encoder._mlp.layers.Encoder", rest);
  if (part == "vector_decoder") return nm512_layer("heads.decoder._mlp.layers.Decoder", rest);
  if (part == "image_encoder") return coder("encoder._cnn.layers.", "conv");
  if (part == "image_decoder") return rest.starts_with("dense") ? "heads.decoder._cnn._linear_layer" + rest.substr(5) : coder("heads.decoder._cnn.layers.", "deconv");
  if (part == "cell" && rest.starts_with("in.")) return step("dynamics._img_in_layers");
  if (ours == "cell.gates.weight") return "dynamics._cell.layers.GRU_linear.weight";
  if (ours.starts_with("cell.gate_norm")) return nm512_norm("dynamics._cell.layers.GRU_norm", rest);
  if (part == "prior") return out ? "dynamics._imgs_stat_layer" + after_out : step("dynamics._img_out_layers");
  if (part == "posterior") return out ? "dynamics._obs_stat_layer" + after_out : step("dynamics._obs_out_layers");
  if (part == "reward") return head("heads.reward", "Reward");
  if (part == "continue") return head("heads.cont", "Cont");
  return ours;
}

/// Theirs has a picture's embedding channel by channel, ours pixel by pixel; [N, h + C · 4 · 4 + vector].
torch::Tensor pixels_first(const torch::Tensor& weight, std::int64_t h, std::int64_t channels) {
  const auto end = h + 16 * channels;
  if (weight.dim() != 2 || weight.size(1) < end) return weight;
  const auto picture = weight.slice(1, h, end).reshape({weight.size(0), channels, 16}).transpose(1, 2).flatten(1);
  return torch::cat({weight.slice(1, 0, h), picture, weight.slice(1, end)}, 1);
}

BroughtPlan nm512_plan(const TheirWeights& theirs) {
  const std::string world = "_wm.", acts = "_task_behavior.";
  const bool pictures = theirs.has(world + "encoder._cnn.layers.0.weight"), numbers = theirs.has(world + "encoder._mlp.layers.Encoder_linear0.weight");
  const bool box = theirs.has(acts + "actor.std_layer.weight"), range = theirs.has(acts + "ema_vals");
  const auto layers = [&](const std::string& place) {
    std::int64_t count = 0;
    while (theirs.has(place + "_linear" + std::to_string(count) + ".weight")) ++count;
    return count;
  };
  const auto h = theirs.size(world + "dynamics.W", 1), hidden = theirs.size(world + "dynamics._img_in_layers.0.weight", 0);
  const auto depth = pictures ? theirs.size(world + "encoder._cnn.layers.0.weight", 0) : 0;
  const auto channels = pictures ? theirs.size(world + "encoder._cnn.layers.9.weight", 0) : 0;
  constexpr std::int64_t classes = 32;

  BroughtPlan plan;
  const auto set = [&](const char* key, std::int64_t value) { plan.settings.push_back(std::string(key) + "=" + std::to_string(value)); };
  plan.settings = {"constants=2023", "size=s", std::string("world.observe=") + (pictures && numbers ? "both" : pictures ? "image" : "vector")};
  set("world.deter", h), set("world.hidden", hidden), set("world.units", theirs.size(world + "heads.reward.layers.Reward_linear0.weight", 0));
  set("world.classes", classes), set("world.groups", std::max<std::int64_t>(1, theirs.size(world + "dynamics._imgs_stat_layer.weight", 0) / classes));
  if (pictures) set("world.depth", depth);
  else plan.settings.emplace_back("world.paint=false");
  if (numbers) set("world.vector_layers", layers(world + "encoder._mlp.layers.Encoder"));
  set("world.reward_layers", layers(world + "heads.reward.layers.Reward")), set("world.continue_layers", layers(world + "heads.cont.layers.Cont"));
  set("behaviour.units", theirs.size(acts + "actor.layers.Actor_linear0.weight", 0));
  set("behaviour.actor_layers", layers(acts + "actor.layers.Actor")), set("behaviour.critic_layers", layers(acts + "value.layers.Value"));
  plan.actions = theirs.size(acts + "actor.mean_layer.weight", 0);
  const auto vector_out = [vectors = theirs.tensors](const std::string& which) {  // one of theirs for each part of a vector
    TheirParts parts;
    const std::string place = "_wm.heads.decoder._mlp.mean_layer.";
    for (auto at = vectors.lower_bound(place); at != vectors.end() && at->first.starts_with(place); ++at)
      if (at->first.ends_with("." + which)) parts.push_back({at->first, at->second.dim() > 0 ? at->second.size(0) : 0});
    return parts;
  };
  plan.parts = [=](const std::string& ours) -> TheirParts {
    const std::string model = "model/", behaviour = "behaviour/";
    if (ours.starts_with(model + "vector_decoder.out.")) return vector_out(ours.substr(ours.rfind('.') + 1));
    if (ours.starts_with(model)) return {{world + nm512_world(ours.substr(model.size()))}};
    const auto name = ours.substr(behaviour.size());
    if (name == "return_range") return range ? TheirParts{{acts + "ema_vals"}} : TheirParts{};
    if (name == "updates") return {};
    const auto rest = name.substr(name.find('.') + 1), last = ours.substr(ours.rfind('.'));
    const bool actor = name.starts_with("actor.");
    if (!rest.starts_with("out.")) return {{nm512_layer(acts + (actor ? "actor.layers.Actor" : "value.layers.Value"), rest)}};
    if (actor && box) return {{acts + "actor.mean_layer" + last}, {acts + "actor.std_layer" + last}};
    return {{acts + (actor ? "actor" : "value") + ".mean_layer" + last}};
  };
  plan.turned = [=](const std::string& ours, const torch::Tensor& value) {
    if (ours == "model/initial") return value.flatten();
    return ours == "model/posterior.layer0.linear.weight" && pictures ? pixels_first(value, h, channels) : value;
  };
  plan.passed_over = [=](const std::string& name) -> std::string {
    if (name.starts_with(acts + "_world_model.") || name.starts_with("_expl_behavior.")) return "second copies, of what another part has";
    return name.starts_with(acts + "_slow_value.") ? "the slow critic, which begins as the critic" : "";
  };
  return plan;
}

}  // namespace

BroughtKind brought_nm512() {
  return {"nm512", "dreamer-v3", "NM512/dreamerv3-torch: latest.pt, of a latent of classes", nm512_plan, {"_wm.dynamics._img_in_layers.0.weight"}};
}

}  // namespace dream
