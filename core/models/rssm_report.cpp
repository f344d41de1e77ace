// What an RSSM shows of itself, and what may be changed by hand.
#include "api/error.h"
#include "core/models/rssm.h"
#include "core/probe/from_tensor.h"

namespace dream {
std::vector<std::string> Rssm::probe_names() const {
  auto names = categorical() ? LatentReport::probe_names() : std::vector<std::string>{"latent/z", "latent/kl"};
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
  if (categorical()) return latent_report().belief(carry);
  const auto density = [&](const char* name) -> Density {
    const auto found = carry.find(name);
    if (found == carry.end()) return {};
    const auto parts = found->second.unsqueeze(-1).chunk(2, 1);
    return {torch::zeros_like(parts[0]), parts[0], parts[1].log(), {}};
  };
  return {carry.at("z"), density("prior"), density("posterior")};
}

Carry Rssm::with_latent(const Carry& memory, const Carry& latent) {
  return {{"h", memory.at("h")}, {"z", latent.at("z")}, {"started", memory.at("started")}};
}

void Rssm::report(const Carry& carry, ProbeSink& sink) {
  const auto has = [&](const char* name) { return carry.contains(name); };
  const auto first = [&](const char* name) { return carry.at(name)[0]; };
  if (categorical()) latent_report().report(carry, sink);
  if (!categorical() && sink.wants("latent/z")) {
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
  if (!categorical() && sink.wants("latent/kl") && has("posterior")) {
    Vector bars;
    bars.values = floats(kl(first("posterior"), first("prior")));
    sink.put("latent/kl", "KL per group", kl_caption, std::move(bars));
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
  auto report = latent_report();
  if (!categorical()) report.classes = 1;
  Carry edited = carry;
  edited["z"] = report.edited(carry.at("z"), probe, index, value);
  return edited;
}

Carry Rssm::randomise(const Carry& carry, const std::string& probe, at::Generator rng) {
  LatentReport::check_editable(probe, "randomised");
  Carry edited = carry;
  edited["z"] = draw(prior_of(carry.at("h")), rng);
  return edited;
}

std::vector<std::string> Rssm::batch_probe_names() const {
  return categorical() ? LatentReport::batch_probe_names() : std::vector<std::string>{"batch/kl"};
}

torch::Tensor Rssm::batch_kl() const {
  return kl(last_.posterior, last_.prior).mean(at::IntArrayRef{0, 1});
}

void Rssm::report_batch(ProbeSink& sink) const {
  if (categorical()) return latent_report().report_batch(last_.posterior, last_.prior, sink);
  if (!last_.posterior.defined() || !sink.wants("batch/kl")) return;
  torch::NoGradGuard no_grad;
  Vector value;
  value.values = floats(batch_kl());
  sink.put("batch/kl", "KL per group, over the batch", batch_kl_caption, std::move(value));
}

std::vector<std::string> Rssm::latent_warnings() const {
  if (categorical()) return latent_report().warnings(last_.posterior, last_.prior);
  if (!last_.posterior.defined()) return {};
  torch::NoGradGuard no_grad;
  auto collapsed = collapse_warning(batch_kl(), "dimensions");
  return collapsed.empty() ? std::vector<std::string>{} : std::vector<std::string>{std::move(collapsed)};
}

}  // namespace dream
