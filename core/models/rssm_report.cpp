// What an RSSM shows of itself, and what may be changed by hand.
#include <sstream>

#include "api/error.h"
#include "core/models/rssm.h"
#include "core/nn/categorical.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr double silent_kl = 0.01;  // nats per group: the frame tells nothing that was not predicted
constexpr std::size_t most_named = 6;

/// " (3, 17, 30)": the first few places that are set, as `name` calls them.
template <typename Name>
std::string named_few(const torch::Tensor& set, Name name) {
  const auto which = set.flatten().nonzero().flatten().to(torch::kCPU);
  std::string text;
  for (std::int64_t i = 0; i < which.size(0) && static_cast<std::size_t>(i) < most_named; ++i) {
    text += (i > 0 ? ", " : "") + name(which[i].item<std::int64_t>());
  }
  return " (" + text + (which.size(0) > static_cast<std::int64_t>(most_named) ? " …)" : ")");
}

}  // namespace

std::vector<std::string> Rssm::probe_names() const {
  std::vector<std::string> names = {"latent/z", "latent/kl"};
  if (categorical()) names.insert(names.end(), {"latent/seen", "latent/entropy"});
  names.emplace_back("hidden/h");
  if (options_.reward_head != NumberHead::normal) names.emplace_back("horizon/reward_bins");
  return names;
}

Knob Rssm::temperature() const {
  const char* help = categorical()
                         ? "Divides the logits of the prior p(z_t | h_t): low picks every group's likeliest class."
                         : "Scales the deviation of the prior p(z_t | h_t) by √τ: low takes its mean.";
  return {"tau", "τ", "τ of the latent", help, 0.05, 2, 1, false, false, dream::temperature};
}

std::vector<Knob> Rssm::knobs() const {
  return {temperature()};
}

torch::Tensor Rssm::surprise(const Carry& seen) {
  if (!seen.contains("posterior")) return {};
  return kl(seen.at("posterior"), seen.at("prior")).sum(-1);
}

Belief Rssm::belief(const Carry& carry) {
  const auto density = [&](const char* name) -> Density {
    const auto found = carry.find(name);
    if (found == carry.end()) return {};
    if (categorical()) return {{}, {}, {}, found->second.view({-1, options_.groups, options_.classes})};
    const auto parts = found->second.unsqueeze(-1).chunk(2, 1);
    return {torch::zeros_like(parts[0]), parts[0], parts[1].log(), {}};
  };
  return {carry.at("z"), density("prior"), density("posterior")};
}

Carry Rssm::with_latent(const Carry& memory, const Carry& latent) {
  return {{"h", memory.at("h")}, {"z", latent.at("z")}, {"started", memory.at("started")}};
}

void Rssm::report(const Carry& carry, ProbeSink& sink) {
  const auto groups = options_.groups, classes = options_.classes;
  const auto has = [&](const char* name) { return carry.contains(name); };
  const auto first = [&](const char* name) { return carry.at(name)[0]; };
  const auto classes_of = [&] {
    Categorical value;
    value.groups = static_cast<int>(groups);
    value.classes = static_cast<int>(classes);
    if (has("posterior")) value.posterior = floats(first("posterior").exp());
    if (has("prior")) value.prior = floats(first("prior").exp());
    for (const float c : floats(first("z").view({groups, classes}).argmax(-1)))
      value.drawn.push_back(static_cast<int>(c));
    return value;
  };
  if (sink.wants("latent/z") && categorical()) {
    sink.put("latent/z", "Latent z",
             "z_t: one class of every group. q(z_t | h_t, x_t) has seen the real frame; from p(z_t | h_t), in the "
             "dream's own h_t, the dream draws",
             classes_of(), true);
  } else if (sink.wants("latent/z")) {
    Vector bars;
    bars.values = floats(first("z"));
    if (has("posterior")) {
      const auto parts = first("posterior").chunk(2, -1);
      bars.mean = floats(parts[0]);
      bars.deviation = floats(parts[1]);
    }
    sink.put("latent/z", "Latent z", "z_t, a draw from a Gaussian; drag a bar to edit the dream", std::move(bars),
             true);
  }
  if (sink.wants("latent/kl") && has("posterior")) {
    Vector bars;
    bars.values = floats(kl(first("posterior"), first("prior")));
    sink.put("latent/kl", "KL per group",
             "KL(q ‖ p) of every group in the real world's state, nats: what the frame told that was not predicted",
             std::move(bars));
  }
  if (sink.wants("latent/seen") && categorical() && has("posterior")) {
    sink.put("latent/seen", "Latent z of the real frame",
             "One state, before and after its frame was seen: q(z_t | h_t, x_t) and p(z_t | h_t) with the same h_t. "
             "The KL per group is that of this pair",
             classes_of());
  }
  if (sink.wants("latent/entropy") && categorical() && has("prior")) {
    Vector bars;
    bars.values = floats(categorical_entropy(first("prior").view({groups, classes})));
    sink.put("latent/entropy", "Entropy of the prior",
             "H[p(z_t | h_t)] of every group, nats: how undecided the dream is", std::move(bars));
  }
  if (sink.wants("horizon/reward_bins") && options_.reward_head != NumberHead::normal) {
    sink.put("horizon/reward_bins", "Reward in bins",
             "Two-hot: how likely each bin is, over symlog(r); the forecast is the mean",
             two_hot_.curve(reward_(features(carry))[0]));
  }
  if (sink.wants("hidden/h")) {
    const auto h = first("h");
    sink.put("hidden/h", "Deterministic h", "h_t: what the recurrence remembers, one cell per unit",
             heatmap_from(h, columns_for(h.numel()), -1, 1, true));
  }
}

Carry Rssm::edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) {
  if (probe != "latent/z")
    throw Error("'" + probe + "' cannot be edited; the editable probe of this model is latent/z");
  if (index < 0 || index >= latent_size_) {
    throw Error("latent/z has elements 0 to " + std::to_string(latent_size_ - 1) + ", not " + std::to_string(index));
  }
  Carry edited = carry;
  auto z = carry.at("z").clone();
  if (categorical()) {  // the class is forced, whatever the value
    auto group = z.view({z.size(0), options_.groups, options_.classes}).select(1, index / options_.classes);
    group.zero_();
    group.select(1, index % options_.classes).fill_(1);
  } else {
    z.select(1, index).fill_(value);
  }
  edited["z"] = z;
  return edited;
}

Carry Rssm::randomise(const Carry& carry, const std::string& probe, at::Generator rng) {
  if (probe != "latent/z")
    throw Error("'" + probe + "' cannot be randomised; the editable probe of this model is latent/z");
  Carry edited = carry;
  edited["z"] = draw(prior_of(carry.at("h")), rng);
  return edited;
}

std::vector<std::string> Rssm::batch_probe_names() const {
  if (categorical()) return {"batch/kl", "batch/use", "batch/entropy"};
  return {"batch/kl"};
}

torch::Tensor Rssm::batch_kl() const {
  return kl(last_.posterior, last_.prior).mean(at::IntArrayRef{0, 1});
}

torch::Tensor Rssm::batch_use() const {
  return last_.posterior.exp().mean(at::IntArrayRef{0, 1}).view({options_.groups, options_.classes});
}

void Rssm::report_batch(ProbeSink& sink) const {
  if (!last_.posterior.defined()) return;
  torch::NoGradGuard no_grad;
  const auto bars = [&](const char* name, const char* title, const char* caption, const torch::Tensor& values) {
    Vector value;
    value.values = floats(values);
    sink.put(name, title, caption, std::move(value));
  };
  if (sink.wants("batch/kl")) {
    bars("batch/kl", "KL per group, over the batch",
         "Mean KL(q ‖ p) of every group, nats; a group near 0 tells nothing", batch_kl());
  }
  if (!categorical()) return;
  if (sink.wants("batch/use")) {
    const auto use = batch_use();
    Heatmap map;
    map.rows = static_cast<int>(options_.groups);
    map.cols = static_cast<int>(options_.classes);
    map.cells = floats(use);
    sink.put("batch/use", "Use of the classes",
             "Mean posterior probability over the batch, groups × classes: a dark cell is a dead class, one bright "
             "cell alone in its row a collapsed group",
             std::move(map));
  }
  if (sink.wants("batch/entropy")) {
    const auto entropy = categorical_entropy(last_.posterior.unflatten(-1, {options_.groups, options_.classes}))
                             .mean(at::IntArrayRef{0, 1});
    bars("batch/entropy", "Entropy of the posterior, over the batch",
         "Mean H[q(z_t | h_t, x_t)] of every group, nats: near 0 every frame decides, near ln(classes) none does",
         entropy);
  }
}

std::vector<std::string> Rssm::latent_warnings() const {
  std::vector<std::string> found;
  if (!last_.posterior.defined()) return found;
  torch::NoGradGuard no_grad;
  const auto silent = batch_kl() < silent_kl;
  if (const auto count = silent.sum().item<std::int64_t>(); count > 0) {
    std::ostringstream text;
    text << count << " of " << options_.groups << (categorical() ? " groups" : " dimensions") << " of z have collapsed"
         << named_few(silent, [](std::int64_t g) { return std::to_string(g); }) << ": their KL is below " << silent_kl
         << " nats, so the frame tells them nothing that the prior has not predicted. ";
    text << (count == options_.groups ? "All of z is unused: lower the free nats or β_rep"
                                      : "If more follow, lower the free nats or β_rep");
    found.push_back(text.str());
  }
  if (!categorical()) return found;
  // A class that only the uniform share keeps alive.
  const auto dead = batch_use() < std::max(1.5 * options_.unimix / static_cast<double>(options_.classes), 1e-4);
  if (const auto count = dead.sum().item<std::int64_t>(); count > 0) {
    const auto name = [&](std::int64_t i) {
      return std::to_string(i / options_.classes) + "." + std::to_string(i % options_.classes);
    };
    found.push_back(
        std::to_string(count) + " of " + std::to_string(dead.numel()) + " classes are dead" + named_few(dead, name) +
        ", as group.class: no frame of the batch chose them. A larger unimix or more varied data keeps them in use");
  }
  return found;
}

}  // namespace dream
