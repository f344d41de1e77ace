#include "core/models/vmc.h"

#include <cmath>

#include "core/nn/precision.h"
#include "core/nn/shape.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

const Knob tau_mixture{"tau_mixture",
                       "τ mix",
                       "τ of the mixture",
                       "Divides the logits of the mixture weights π: low picks the likeliest component.",
                       0.05,
                       2,
                       1,
                       false,
                       false,
                       temperature};
const Knob tau_sigma{"tau_sigma", "σ",   "τ of σ",     "Scales the deviation of the drawn component by √τ.", 0.05, 2, 1,
                     false,       false, temperature};

}  // namespace

VmcModel::VmcModel(const MdnRnnOptions& options, bool cell_is_seen, VaeKind v)
    : v_(register_module("v", Vae(options.latent_size, v))), m_(register_module("m", MdnRnn(options))), cell_is_seen_(cell_is_seen) {}

Carry VmcModel::initial(std::int64_t batch) {
  const auto state = m_->initial(batch);
  const auto zeros = [&](std::int64_t size) { return torch::zeros({batch, size}, state.h.options()); };
  Carry carry{{"z", zeros(m_->options().latent_size)}, {"h", state.h}, {"c", state.c}, {"started", zeros(1)}};
  if (m_->options().restarts) carry["first"] = zeros(1);
  return carry;
}

LstmState VmcModel::stepped(const Carry& carry, const torch::Tensor& action) {
  return m_->step(carry.at("z"), action, {carry.at("h"), carry.at("c")}, m_->options().restarts ? carry.at("first") : torch::Tensor());
}

Carry VmcModel::observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                        at::Generator rng) {
  const auto posterior = v_->encode(observation.image);
  const auto& started = carry.at("started");
  const auto next = stepped(carry, previous_action);
  const auto z = v_->kind() == VaeKind::ctallec ? posterior.mean : posterior.sample(rng);
  Carry seen{{"z", z},                               {"h", next.h * started},  {"c", next.c * started},
             {"started", torch::ones_like(started)}, {"mean", posterior.mean}, {"log_variance", posterior.log_variance}};
  if (m_->options().restarts) seen["first"] = 1 - started;
  return seen;
}

Carry VmcModel::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) {
  const double mixture = value_of(knobs, tau_mixture), sigma = value_of(knobs, tau_sigma);
  const auto next = stepped(carry, action);
  const auto draw = m_->draw(next.h, mixture, sigma, rng);
  const auto& started = carry.at("started");
  Carry dreamt{{"z", draw.z},
               {"h", next.h},
               {"c", next.c},
               {"started", started},
               {"component", draw.component},
               {"tau_mixture", torch::full_like(started, mixture)},
               {"tau_sigma", torch::full_like(started, sigma)}};
  if (m_->options().restarts) dreamt["first"] = torch::zeros_like(started);
  return dreamt;
}

Prediction VmcModel::predict(const Carry& carry) {
  auto prediction = outcome(carry);
  prediction.frame = v_->decode(carry.at("z"));
  return prediction;
}

Prediction VmcModel::outcome(const Carry& carry) {
  Prediction prediction;
  if (!m_->options().heads && !m_->options().restarts) return prediction;
  const auto out = m_->outcome(carry.at("h"));
  // Where M knows no more than whether it goes on, every moment that is lived pays 1 (doomrnn.py).
  prediction.reward = out.reward.defined() ? out.reward : torch::ones_like(out.done_logit);
  prediction.done = torch::sigmoid(out.done_logit);
  return prediction;
}

torch::Tensor VmcModel::surprise(const Carry& seen) {
  if (!seen.contains("mean")) return {};
  const auto out = m_->output(seen.at("h"));
  return latent_nll(out, seen.at("mean"));
}

Belief VmcModel::belief(const Carry& carry) {
  Belief belief;
  belief.latent = carry.at("z");
  const auto out = m_->output(carry.at("h"));
  belief.prior = {out.log_weights, out.mean, out.log_deviation, {}};
  if (carry.contains("mean")) {
    const auto mean = carry.at("mean").unsqueeze(-1);
    belief.posterior = {torch::zeros_like(mean), mean, 0.5 * carry.at("log_variance").unsqueeze(-1), {}};
  }
  return belief;
}

Carry VmcModel::with_latent(const Carry& memory, const Carry& latent) {
  Carry both{{"z", latent.at("z")}, {"h", memory.at("h")}, {"c", memory.at("c")}, {"started", memory.at("started")}};
  if (m_->options().restarts) both["first"] = memory.at("first");
  return both;
}

torch::Tensor VmcModel::features(const Carry& carry) {
  if (cell_is_seen_) return torch::cat({carry.at("z"), carry.at("c"), carry.at("h")}, 1);
  return torch::cat({carry.at("z"), carry.at("h")}, 1);
}

std::int64_t VmcModel::feature_count() const {
  return m_->options().latent_size + m_->options().hidden_size * (cell_is_seen_ ? 2 : 1);
}

std::vector<Knob> VmcModel::knobs() const {
  return {tau_mixture, tau_sigma};
}

std::vector<std::string> VmcModel::probe_names() const {
  std::vector<std::string> names = {"latent/z", "mixture/z", "hidden/h"};
  if (cell_is_seen_) names.push_back("hidden/c");
  return names;
}

void VmcModel::report(const Carry& carry, ProbeSink& sink) {
  if (sink.wants("latent/z")) {
    Vector bars;
    bars.values = floats(carry.at("z")[0]);
    if (carry.contains("mean")) {
      bars.mean = floats(carry.at("mean")[0]);
      bars.deviation = floats(torch::exp(0.5 * carry.at("log_variance")[0]));
    }
    sink.put("latent/z", "Latent z", "z_t: what V keeps of a frame; drag a bar to edit the dream", std::move(bars),
             true);
  }
  if (sink.wants("mixture/z") && carry.contains("component")) {
    const double tau_mixture = carry.at("tau_mixture")[0].item<double>();
    const double tau_sigma = carry.at("tau_sigma")[0].item<double>();
    const auto out = m_->output(carry.at("h").slice(0, 0, 1));
    const auto log_weights = torch::log_softmax(out.log_weights[0] / tau_mixture, -1);
    const auto weights = log_weights.exp();
    Mixture mixture;
    mixture.dims = static_cast<int>(weights.size(0));
    mixture.components = static_cast<int>(weights.size(1));
    mixture.weights = floats(weights);
    mixture.means = floats(out.mean[0]);
    mixture.deviations = floats(out.log_deviation[0].exp() * std::sqrt(tau_sigma));
    mixture.entropy = floats(-(weights * log_weights).sum(-1));
    mixture.draw = floats(carry.at("z")[0]);
    for (const float component : floats(carry.at("component")[0])) mixture.drawn.push_back(static_cast<int>(component));
    sink.put("mixture/z", "Mixture of z", "p(z_t | z_{t-1}, a_{t-1}, h_{t-1}): five Gaussians per dimension, τ applied",
             std::move(mixture));
  }
  if (sink.wants("hidden/h")) {
    sink.put("hidden/h", "Hidden h", "h_t: what M remembers, one cell per LSTM unit",
             heatmap_from(carry.at("h")[0], columns_for(m_->options().hidden_size), -1, 1, true));
  }
  if (cell_is_seen_ && sink.wants("hidden/c")) {
    sink.put("hidden/c", "Cell c", "c_t: the LSTM's own store, which this controller sees as well",
             heatmap_from(carry.at("c")[0], columns_for(m_->options().hidden_size), -3, 3, true));
  }
}

Carry VmcModel::edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) {
  if (probe != "latent/z")
    throw Error("'" + probe + "' cannot be edited; the editable probe of this model is latent/z");
  if (index < 0 || index >= m_->options().latent_size) {
    throw Error("latent/z has dimensions 0 to " + std::to_string(m_->options().latent_size - 1) + ", not " +
                std::to_string(index));
  }
  Carry edited = carry;
  auto z = carry.at("z").clone();
  z.select(1, index).fill_(value);
  edited["z"] = z;
  return edited;
}

Carry VmcModel::randomise(const Carry& carry, const std::string& probe, at::Generator rng) {
  if (probe != "latent/z")
    throw Error("'" + probe + "' cannot be randomised; the editable probe of this model is latent/z");
  Carry edited = carry;
  edited["z"] = torch::randn(carry.at("z").sizes(), rng, carry.at("z").options());
  return edited;
}

}  // namespace dream
