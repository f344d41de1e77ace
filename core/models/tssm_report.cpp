// What a transformer state-space model shows of itself, and what may be changed by hand.
#include <algorithm>

#include "core/models/tssm.h"
#include "core/probe/from_tensor.h"

namespace dream {

std::vector<std::string> Tssm::probe_names() const {
  auto names = LatentReport::probe_names();
  names.insert(names.end(), {"attention/heads", "hidden/h"});
  if (storm()) names.emplace_back("horizon/reward_bins");
  return names;
}

void Tssm::report(const Carry& carry, ProbeSink& sink) {
  latent_.report(carry, sink);
  if (sink.wants("horizon/reward_bins") && storm()) {
    sink.put("horizon/reward_bins", "Reward in bins", "Two-hot: how likely each bin is, over symlog(r); the forecast is the mean",
             two_hot_.curve(rewards(carry.at("z"), carry.at("h"))[0]));
  }
  if (sink.wants("hidden/h")) {
    const auto h = carry.at("h")[0];
    sink.put("hidden/h", "Deterministic h", "h_t: what attention has made of the past, one cell per number",
             heatmap_from(h, columns_for(h.numel()), -3, 3, true));
  }
  const auto count = static_cast<std::int64_t>(carry.at("count")[0].item<double>());
  if (sink.wants("attention/heads") && count > 0) {
    constexpr std::int64_t shown = 16;  // of the newest moments
    const auto from = std::max<std::int64_t>(0, count - shown), size = count - from;
    auto weights = transformer_->looks(memory_of(carry), count).slice(2, from).slice(3, from);
    weights = weights / weights.sum(-1, true).clamp_min(1e-9);  // of those that are shown
    Attention value;
    value.layers = static_cast<int>(options_.layers), value.heads = static_cast<int>(options_.heads);
    value.queries = value.keys = static_cast<int>(size);
    value.weights = floats(weights);
    for (std::int64_t i = 0; i < size; ++i) {
      value.key_labels.push_back("z,a −" + std::to_string(size - i));
      value.key_ages.push_back(static_cast<int>(size - i));
    }
    value.query_labels = value.key_labels;
    sink.put("attention/heads", "Attention",
             "From which moment (down) to which (right) it looks: a token is what was seen, z, and what was done there, a; the newest is the last",
             std::move(value));
  }
}

Carry Tssm::edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) {
  auto edited = carry;
  edited["z"] = latent_.edited(carry.at("z"), probe, index, value);
  return edited;
}

Carry Tssm::randomise(const Carry& carry, const std::string& probe, at::Generator rng) {
  LatentReport::check_editable(probe, "randomised");
  auto edited = carry;
  edited["z"] = draw(prior_of(carry.at("h")), std::move(rng));
  return edited;
}

}  // namespace dream
