#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "api/error.h"
#include "core/engine/brought/brought.h"

namespace dream {
namespace {

/// What theirs call a layer or a norm of ours; # is a number.
const std::map<std::string, std::string>& danijar_places() {
  static const auto places = [] {
    std::map<std::string, std::string> all = {
        {"vector_encoder.layer#.linear", "enc/mlp#"}, {"vector_encoder.layer#.norm", "enc/mlp#norm"},
        {"vector_decoder.layer#.linear", "dec/mlp/linear#"}, {"vector_decoder.layer#.norm", "dec/mlp/norm#"},
        {"cell.from_h.linear", "dyn/dynin0"}, {"cell.from_h.norm", "dyn/dynin0norm"}, {"cell.from_z.linear", "dyn/dynin1"},
        {"cell.from_z.norm", "dyn/dynin1norm"}, {"cell.from_a.linear", "dyn/dynin2"}, {"cell.from_a.norm", "dyn/dynin2norm"},
        {"cell.dynamics", "dyn/dynhid0"}, {"cell.dynamics_norm", "dyn/dynhid0norm"}, {"cell.gates", "dyn/dyngru"},
        {"prior.layer#.linear", "dyn/prior#"}, {"prior.layer#.norm", "dyn/prior#norm"}, {"prior.out", "dyn/priorlogit"},
        {"posterior.layer#.linear", "dyn/obs#"}, {"posterior.layer#.norm", "dyn/obs#norm"}, {"posterior.out", "dyn/obslogit"},
        {"image_encoder.conv#", "enc/cnn#"}, {"image_encoder.norm#", "enc/cnn#norm"},
        {"image_decoder.block", "dec/sp0"}, {"image_decoder.stochastic.linear", "dec/sp1"}, {"image_decoder.stochastic.norm", "dec/sp1norm"},
        {"image_decoder.space", "dec/sp2"}, {"image_decoder.space_norm", "dec/spnorm"}, {"image_decoder.conv0", "dec/imgout"}};
    const std::map<std::string, std::string> heads = {
        {"reward", "rew"}, {"continue", "con"}, {"actor", "pol"}, {"critic", "val"}, {"slow_critic", "slowval"}};
    for (const auto& [ours, theirs] : heads) {
      all[ours + ".layer#.linear"] = theirs + "/mlp/linear#", all[ours + ".layer#.norm"] = theirs + "/mlp/norm#";
      all[ours + ".out"] = theirs + (ours == "continue" ? "/head/logit" : "/head/logits");
    }
    for (int i = 0; i < 3; ++i) {  // theirs count the decoder's stages from the picture inwards
      const auto name = "dec/conv" + std::to_string(i);
      all["image_decoder.conv" + std::to_string(i + 1)] = name, all["image_decoder.norm" + std::to_string(2 - i)] = name + "norm";
    }
    return all;
  }();
  return places;
}

/// Theirs of "reward.layer0.linear": "rew/mlp/linear0".
std::string danijar_place(const std::string& ours) {
  const auto& places = danijar_places();
  if (const auto found = places.find(ours); found != places.end()) return found->second;
  const std::string digits = "0123456789";
  const auto digit = std::min(ours.find_first_of(digits), ours.size()), after = std::min(ours.find_first_not_of(digits, digit), ours.size());
  const auto found = places.find(ours.substr(0, digit) + "#" + ours.substr(after));
  if (found == places.end()) return ours;
  auto name = found->second;
  return name.replace(name.find('#'), 1, ours.substr(digit, after - digit));
}

/// What stands between `before` and the next slash in their names, in the order of these words.
std::set<std::string> danijar_keys(const TheirWeights& theirs, const std::string& before) {
  std::set<std::string> keys;
  for (auto at = theirs.tensors.lower_bound(before); at != theirs.tensors.end() && at->first.starts_with(before); ++at)
    keys.insert(at->first.substr(before.size(), at->first.find('/', before.size()) - before.size()));
  return keys;
}

/// The networks' shape. Throws where a run of ours cannot have it, whatever its settings are.
DanijarShape danijar_shape(const TheirWeights& theirs) {
  DanijarShape shape;
  shape.deter = theirs.size("dyn/dynin0/kernel", 0), shape.blocks = theirs.size("dyn/dynhid0/kernel", 0);
  const auto actions = danijar_keys(theirs, "pol/head/");
  if (actions.size() != 1)
    throw Error(theirs.origin + ": its agent takes " + std::to_string(actions.size()) + " actions at once, and one of ours takes 1");
  shape.action = *actions.begin();
  shape.box = theirs.has("pol/head/" + shape.action + "/mean/kernel");
  if (theirs.has("enc/mlp0/kernel")) shape.embedded = theirs.size("enc/mlp0/kernel", 1);
  for (const auto& key : danijar_keys(theirs, "dec/vec/")) {
    if (!theirs.has("dec/vec/" + key + "/pred/kernel"))
      throw Error(theirs.origin + ": its agent sees '" + key + "' as a choice among several, and a run of ours sees numbers and pictures");
    shape.vectors.emplace_back(key, theirs.size("dec/vec/" + key + "/pred/kernel", 1));
  }
  if (shape.embedded > 0 && shape.vectors.empty())
    throw Error(theirs.origin + ": its encoder sees vectors, and there is no 'dec/vec/…/pred/kernel' to decode them");
  return shape;
}

BroughtPlan danijar_plan(const TheirWeights& theirs) {
  const auto shape = danijar_shape(theirs);
  const bool pictures = theirs.has("enc/cnn0/kernel"), numbers = shape.embedded > 0;
  const auto layers = [&](const std::string& before) {
    theirs.size(before + "0/kernel", 0);  // or it says that there is none
    std::int64_t count = 1;
    while (theirs.has(before + std::to_string(count) + "/kernel")) ++count;
    return count;
  };
  constexpr std::int64_t groups = 32;

  BroughtPlan plan;
  const auto set = [&](const char* key, std::int64_t value) { plan.settings.push_back(std::string(key) + "=" + std::to_string(value)); };
  plan.settings = {"constants=2024", std::string("world.observe=") + (pictures && numbers ? "both" : pictures ? "image" : "vector")};
  set("world.deter", shape.deter), set("world.blocks", shape.blocks), set("world.hidden", theirs.size("dyn/dynin0/kernel", 1));
  set("world.groups", groups), set("world.classes", std::max<std::int64_t>(2, theirs.size("dyn/priorlogit/kernel", 1) / groups));
  set("world.units", theirs.size("rew/mlp/linear0/kernel", 1)), set("world.bins", theirs.size("rew/head/logits/kernel", 1));
  set("world.prior_layers", layers("dyn/prior")), set("world.posterior_layers", layers("dyn/obs"));
  set("world.reward_layers", layers("rew/mlp/linear")), set("world.continue_layers", layers("con/mlp/linear"));
  if (numbers) set("world.vector_layers", layers("enc/mlp"));
  if (pictures) {
    const auto depth = std::max<std::int64_t>(1, theirs.size("enc/cnn0/kernel", 3) / 2);
    const auto area = theirs.size("dec/sp0/kernel", 0) * theirs.size("dec/sp0/kernel", 2) / (4 * depth);
    const auto side = std::llround(std::sqrt(static_cast<double>(area))) << 4;  // four poolings
    const auto pixels = std::to_string(side) + " x " + std::to_string(side);
    if (side != 64) throw Error(theirs.origin + ": its agent sees pictures of " + pixels + " pixels, and one of ours 64 x 64");
    set("world.depth", depth);
  } else {
    plan.settings.emplace_back("world.paint=false");
  }
  set("behaviour.units", theirs.size("pol/mlp/linear0/kernel", 1)), set("behaviour.bins", theirs.size("val/head/logits/kernel", 1));
  set("behaviour.actor_layers", layers("pol/mlp/linear")), set("behaviour.critic_layers", layers("val/mlp/linear"));
  if (!shape.box) plan.settings.emplace_back("behaviour.unimix=0");  // theirs is told of 1 % and forgets it
  plan.actions = theirs.size("dyn/dynin2/kernel", 0);
  plan.parts = [=](const std::string& ours) { return danijar_parts(shape, ours.substr(ours.find('/') + 1)); };
  plan.turned = [=](const std::string& ours, const torch::Tensor& value) { return danijar_turned(shape, ours.substr(ours.find('/') + 1), value); };
  plan.passed_over = [](const std::string& name) -> std::string {
    if (name.starts_with("opt/")) return "the optimiser's state";
    return name.starts_with("slowval/") || name.starts_with("slowval_count") ? "the slow critic, which begins as the critic" : "";
  };
  return plan;
}

}  // namespace

TheirParts danijar_parts(const DanijarShape& shape, const std::string& ours) {
  if (ours == "updates") return {};
  if (ours == "return_range") return {{"retnorm/lo/value"}, {"retnorm/hi/value"}};
  const auto dot = std::min(ours.rfind('.'), ours.size());
  const auto place = ours.substr(0, dot), leaf = ours.ends_with(".weight") ? "/kernel" : "/" + ours.substr(std::min(dot + 1, ours.size()));
  if (place == "vector_decoder.out") {
    TheirParts all;
    for (const auto& [key, numbers] : shape.vectors) all.push_back({"dec/vec/" + key + "/pred" + leaf, numbers});
    return all;
  }
  if (place != "actor.out") return {{danijar_place(place) + leaf}};
  const auto head = "pol/head/" + shape.action;
  return shape.box ? TheirParts{{head + "/mean" + leaf}, {head + "/stddev" + leaf}} : TheirParts{{head + "/logits" + leaf}};
}

torch::Tensor danijar_turned(const DanijarShape& shape, const std::string& ours, const torch::Tensor& theirs) {
  if (ours == "return_range") return theirs.flatten();
  const bool blocked = ours == "cell.dynamics.bias" || ours == "cell.gates.bias" || ours == "image_decoder.block.bias";
  if (blocked && theirs.numel() > 0 && theirs.numel() % shape.blocks == 0) return theirs.reshape({shape.blocks, 1, -1});
  if (theirs.dim() == 4) return theirs.permute({3, 2, 0, 1}).contiguous();
  if (theirs.dim() != 2) return theirs;
  auto kernel = theirs;
  if (ours.ends_with("layer0.linear.weight")) {
    const auto module = ours.substr(0, ours.find('.'));
    const auto h = kernel.slice(0, 0, shape.deter), rest = kernel.slice(0, shape.deter);
    if (module == "posterior") kernel = torch::cat({h, rest.slice(0, shape.embedded), rest.slice(0, 0, shape.embedded)});
    if (module == "reward" || module == "continue" || module == "actor" || module.ends_with("critic")) kernel = torch::cat({rest, h});
  }
  return kernel.t().contiguous();
}

BroughtKind brought_danijar() {
  return {"danijar", "dreamer-v3", "danijar/dreamerv3 of 2024: what scripts/bring_danijar.py has made of a run's ckpt", danijar_plan,
          {"dyn/dynin0/kernel"}};
}

}  // namespace dream
