// What an RSSM shows of itself, and what may be changed by hand.
#include <sstream>

#include "api/error.h"
#include "core/models/rssm.h"
#include "core/nn/categorical.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr double silent_kl = 0.01;  // nats per group: the frame tells nothing that was not foretold

}  // namespace

std::vector<std::string> Rssm::probe_names() const { return {"latent/z", "latent/kl", "latent/entropy", "hidden/h"}; }

void Rssm::report(const Carry& carry, ProbeSink& sink) {
  const auto groups = options_.groups, classes = options_.classes;
  const auto has = [&](const char* name) { return carry.contains(name); };
  const auto first = [&](const char* name) { return carry.at(name)[0]; };
  if (sink.wants("latent/z") && categorical()) {
    Categorical value;
    value.groups = static_cast<int>(groups);
    value.classes = static_cast<int>(classes);
    if (has("posterior")) value.posterior = floats(first("posterior").exp());
    if (has("prior")) value.prior = floats(first("prior").exp());
    for (const float c : floats(first("z").view({groups, classes}).argmax(-1))) value.drawn.push_back(static_cast<int>(c));
    sink.put("latent/z", "Latent z", "z_t: one class of every group; the posterior q(z_t | h_t, x_t) has seen the frame, the prior p(z_t | h_t) has not", std::move(value), true);
  } else if (sink.wants("latent/z")) {
    Vector bars;
    bars.values = floats(first("z"));
    if (has("posterior")) {
      const auto parts = first("posterior").chunk(2, -1);
      bars.mean = floats(parts[0]);
      bars.deviation = floats(parts[1]);
    }
    sink.put("latent/z", "Latent z", "z_t, a draw from a Gaussian; drag a bar to edit the dream", std::move(bars), true);
  }
  if (sink.wants("latent/kl") && has("posterior")) {
    Vector bars;
    bars.values = floats(kl(first("posterior"), first("prior")));
    sink.put("latent/kl", "KL per group", "KL(q ‖ p) of every group, nats: what the frame told that was not foretold", std::move(bars));
  }
  if (sink.wants("latent/entropy") && categorical() && has("prior")) {
    Vector bars;
    bars.values = floats(categorical_entropy(first("prior").view({groups, classes})));
    sink.put("latent/entropy", "Entropy of the prior", "H[p(z_t | h_t)] of every group, nats: how undecided the dream is", std::move(bars));
  }
  if (sink.wants("hidden/h")) {
    const auto h = first("h");
    sink.put("hidden/h", "Deterministic h", "h_t: what the recurrence remembers, one cell per unit",
             heatmap_from(h, columns_for(h.numel()), -1, 1, true));
  }
}

Carry Rssm::edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) {
  if (probe != "latent/z") throw Error("'" + probe + "' cannot be edited; the editable probe of this model is latent/z");
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
  if (probe != "latent/z") throw Error("'" + probe + "' cannot be randomised; the editable probe of this model is latent/z");
  Carry edited = carry;
  edited["z"] = draw(prior_of(carry.at("h")), rng, {});
  return edited;
}

void Rssm::inspect(const Filtered& filtered) {
  group_kl_ = kl(filtered.posterior, filtered.prior).mean({0, 1});
  if (categorical()) use_ = filtered.posterior.exp().mean({0, 1}).view({options_.groups, options_.classes});
}

std::vector<std::string> Rssm::batch_probe_names() const {
  if (categorical()) return {"batch/kl", "batch/use"};
  return {"batch/kl"};
}

void Rssm::report_batch(ProbeSink& sink) const {
  if (!group_kl_.defined()) return;
  if (sink.wants("batch/kl")) {
    Vector bars;
    bars.values = floats(group_kl_);
    sink.put("batch/kl", "KL per group, over the batch", "Mean KL(q ‖ p) of every group, nats; a group near 0 tells nothing", std::move(bars));
  }
  if (sink.wants("batch/use") && use_.defined()) {
    Heatmap map;
    map.rows = static_cast<int>(options_.groups);
    map.cols = static_cast<int>(options_.classes);
    map.cells = floats(use_);
    sink.put("batch/use", "Use of the classes", "Mean posterior probability over the batch, groups × classes: a dark cell is a dead class, one bright cell alone in its row a collapsed group", std::move(map));
  }
}

std::vector<std::string> Rssm::complaints() const {
  std::vector<std::string> found;
  if (!group_kl_.defined()) return found;
  const auto silent = (group_kl_ < silent_kl).sum().item<std::int64_t>();
  if (silent > 0) {
    std::ostringstream text;
    text << silent << " of " << options_.groups << (categorical() ? " groups" : " dimensions") << " of z have collapsed: their KL is below "
         << silent_kl << " nats, so the frame tells them nothing that the prior has not foretold";
    if (silent == options_.groups) text << ". All of z is unused: lower the free nats or β_rep";
    found.push_back(text.str());
  }
  if (use_.defined()) {
    // A class that only the uniform share keeps alive.
    const auto floor = std::max(1.5 * options_.unimix / static_cast<double>(options_.classes), 1e-4);
    const auto dead = (use_ < floor).sum().item<std::int64_t>();
    if (dead > 0) {
      std::ostringstream text;
      text << dead << " of " << use_.numel() << " classes are dead: no frame of the batch chose them";
      found.push_back(text.str());
    }
  }
  return found;
}

}  // namespace dream
