#include "api/error.h"
#include "core/engine/brought/brought.h"

namespace dream {
namespace {

const std::string ctallec_rnn = "rnn.", ctallec_v = "model/v.", ctallec_m = "model/m.", ctallec_c = "behaviour/parameters";

/// The gates of an LSTM of PyTorch's, [4H, …], in the order that ours has.
torch::Tensor ctallec_gates(const torch::Tensor& theirs) {
  const auto gate = theirs.chunk(4);
  return torch::cat({gate[0], gate[2], gate[1], gate[3]});
}

/// What the mixtures' layer gives, [(2z + 1)K + 2, …], in the order that ours has.
torch::Tensor ctallec_outputs(const CtallecShape& shape, const torch::Tensor& theirs) {
  const auto numbers = shape.latent * shape.mixtures;
  auto sizes = theirs.sizes().vec();
  sizes[0] = shape.mixtures;
  sizes.insert(sizes.begin() + 1, shape.latent);
  const auto by_latent = [&](std::int64_t first) { return theirs.slice(0, first, first + numbers).reshape(sizes).transpose(0, 1); };  // [z, K, …]
  return torch::cat({torch::cat({by_latent(0), by_latent(numbers)}, 1).flatten(0, 1), theirs.slice(0, 2 * numbers)});
}

CtallecShape ctallec_shape(const TheirWeights& theirs) {
  for (const auto& [name, part] : {std::pair{"encoder.fc_mu.weight", "V is missing, which lies in vae/best.tar"}, {"gmm_linear.weight", "M is missing, which lies in mdrnn/best.tar"}})
    if (!theirs.has(name)) throw Error(theirs.origin + ": " + part + ": there is no '" + name + "'");
  CtallecShape shape;
  shape.cell = theirs.has(ctallec_rnn + "weight_ih");
  shape.drives = theirs.has("fc.weight");
  const std::string end = shape.cell ? "" : "_l0";
  shape.latent = theirs.size("encoder.fc_mu.weight", 0), shape.hidden = theirs.size(ctallec_rnn + "weight_hh" + end, 1);
  const auto inputs = theirs.size(ctallec_rnn + "weight_ih" + end, 1), outputs = theirs.size("gmm_linear.weight", 0);
  const auto each = 2 * shape.latent + 1;
  shape.actions = inputs - shape.latent, shape.mixtures = (outputs - 2) / each;
  const auto z = std::to_string(shape.latent);
  if (shape.actions < 1)
    throw Error(theirs.origin + ": '" + ctallec_rnn + "weight_ih" + end + "' takes " + std::to_string(inputs) + " numbers; an action and V's z, of " + z + " numbers, were expected");
  if (shape.mixtures < 1 || shape.mixtures * each + 2 != outputs)
    throw Error(theirs.origin + ": 'gmm_linear.weight' has " + std::to_string(outputs) + " rows; as V's z has " + z + " numbers, " + std::to_string(each) +
                " for each component and 2 more were expected");
  return shape;
}

BroughtPlan ctallec_plan(const TheirWeights& theirs) {
  const auto shape = ctallec_shape(theirs);
  BroughtPlan plan;
  const auto set = [&](const char* key, std::int64_t value) { plan.settings.push_back(std::string(key) + "=" + std::to_string(value)); };
  set("v.latent_size", shape.latent), set("m.hidden_size", shape.hidden), set("m.mixtures", shape.mixtures);
  plan.actions = shape.actions;
  plan.parts = [=](const std::string& ours) { return ctallec_parts(shape, ours); };
  // Theirs is log σ, ours log σ².
  plan.turned = [](const std::string& ours, const torch::Tensor& value) { return ours.starts_with(ctallec_v + "log_variance.") ? 2 * value : value; };
  plan.joined = [=](const std::string& ours, const std::vector<torch::Tensor>& all) { return ctallec_joined(shape, ours, all); };
  if (!shape.drives) plan.remarks.push_back("there is no controller among these files (ctrl/best.tar): C's weights are 0, and it does nothing");
  plan.remarks.push_back("M's rewards are noise where it was trained without --include_reward: no file tells");
  return plan;
}

}  // namespace

TheirParts ctallec_parts(const CtallecShape& shape, const std::string& ours) {
  const auto gates = 4 * shape.hidden, outputs = (2 * shape.latent + 1) * shape.mixtures + 2, seen = shape.latent + shape.hidden;
  const std::string end = shape.cell ? "" : "_l0";
  if (ours == ctallec_c) return shape.drives ? TheirParts{{"fc.weight", 0, {shape.actions, seen}}, {"fc.bias", 0, {shape.actions}}} : TheirParts{};
  if (ours == ctallec_m + "lstm.kernel")
    return {{ctallec_rnn + "weight_ih" + end, 0, {gates, shape.actions + shape.latent}}, {ctallec_rnn + "weight_hh" + end, 0, {gates, shape.hidden}}};
  if (ours == ctallec_m + "lstm.bias") return {{ctallec_rnn + "bias_ih" + end, 0, {gates}}, {ctallec_rnn + "bias_hh" + end, 0, {gates}}};
  if (ours == ctallec_m + "output_weight") return {{"gmm_linear.weight", 0, {outputs, shape.hidden}}};
  if (ours == ctallec_m + "output_bias") return {{"gmm_linear.bias", 0, {outputs}}};
  const auto name = ours.substr(ctallec_v.size()), leaf = name.substr(name.rfind('.'));
  if (name.starts_with("conv")) return {{"encoder." + name}};
  if (name.starts_with("mean.")) return {{"encoder.fc_mu" + leaf}};
  if (name.starts_with("log_variance.")) return {{"encoder.fc_logsigma" + leaf}};
  return {{name.starts_with("expand.") ? "decoder.fc1" + leaf : "decoder." + name}};
}

torch::Tensor ctallec_joined(const CtallecShape& shape, const std::string& ours, const std::vector<torch::Tensor>& theirs) {
  if (ours == ctallec_c) return torch::cat({theirs[1], theirs[0].t().flatten()});
  if (ours == ctallec_m + "output_bias") return ctallec_outputs(shape, theirs[0]);
  if (ours == ctallec_m + "output_weight") return ctallec_outputs(shape, theirs[0]).t();
  if (ours == ctallec_m + "lstm.bias") {
    auto bias = ctallec_gates(theirs[0] + theirs[1]);
    bias.slice(0, 2 * shape.hidden, 3 * shape.hidden).sub_(1);  // of the gate f
    return bias;
  }
  const auto action = theirs[0].slice(1, 0, shape.actions), z = theirs[0].slice(1, shape.actions);
  return ctallec_gates(torch::cat({z, action, theirs[1]}, 1)).t();
}

BroughtKind brought_ctallec() {
  return {"ctallec", "vmc-ctallec", "ctallec/world-models: vae/best.tar, mdrnn/best.tar and, where it has been trained, ctrl/best.tar", ctallec_plan,
          {"encoder.fc_mu.weight", "gmm_linear.weight", "fc.weight"}};
}

}  // namespace dream
