#include "core/models/gauges.h"

#include <limits>

namespace dream {
namespace {

constexpr double silent_nats = 0.01;
constexpr double no_gauge = std::numeric_limits<double>::quiet_NaN();

torch::Tensor missed_by(const torch::Tensor& a, const torch::Tensor& b) {  // [B, ...] twice -> [B]
  return (a.to(torch::kFloat32) - b.to(torch::kFloat32)).square().flatten(1).mean(1).to(torch::kCPU, torch::kFloat64);
}

/// Of whatever posteriors were seen: how far each is from the mean of all.
class MeanPosterior {
 public:
  void add(const Density& q) {
    if (!q.known()) return;
    kept_.push_back(q);
  }
  bool known() const { return !kept_.empty(); }
  torch::Tensor told() const {  // [T, B, D], nats
    std::vector<torch::Tensor> each;
    if (kept_.front().log_probabilities.defined()) {
      torch::Tensor sum;
      for (const auto& q : kept_) {
        const auto p = q.log_probabilities.exp().to(torch::kFloat64).mean(0, true);
        sum = sum.defined() ? sum + p : p;
      }
      const auto log_mean = (sum / static_cast<double>(kept_.size())).clamp_min(1e-30).log().to(torch::kFloat32);
      for (const auto& q : kept_) each.push_back(kl_of(q, {{}, {}, {}, log_mean}));
      return torch::stack(each);
    }
    std::vector<torch::Tensor> means, variances;
    for (const auto& q : kept_) {
      means.push_back(q.mean.to(torch::kFloat64));
      variances.push_back((2 * q.log_deviation.to(torch::kFloat64)).exp());
    }
    const auto mean = torch::stack(means), variance = torch::stack(variances);  // [T, B, D, 1]
    const auto middle = mean.mean({0, 1}, true);
    const auto wide = (variance + (mean - middle).square()).mean({0, 1}, true);
    return (0.5 * (wide.log() - variance.log()) + 0.5 * ((variance + (mean - middle).square()) / wide - 1)).squeeze(-1);
  }

 private:
  std::vector<Density> kept_;
};

}  // namespace

torch::Tensor pictures_of(const torch::Tensor& images) {
  return images.movedim(-1, -3).to(torch::kFloat32).div(255);
}

StepErrors StepErrors::of(const std::vector<std::size_t>& lanes) const {
  if (!known()) return {};
  const auto which = torch::tensor(std::vector<std::int64_t>(lanes.begin(), lanes.end()));
  const auto chosen = [&](const torch::Tensor& x) { return x.index_select(1, which); };
  return {chosen(dream), chosen(still), chosen(mean), chosen(others)};
}

Gauged gauge(WorldModel& model, const SequenceBatch& batch, std::int64_t context, at::Generator rng, const AtStep& seen,
             const AtStep& dreamt) {
  torch::NoGradGuard no_grad;
  const auto horizon = batch.steps() - 1 - context;
  std::vector<torch::Tensor> features, kls;
  MeanPosterior posteriors;
  Carry start;
  // Watching goes on with a stream of its own, so that both dreams begin with the same draws.
  auto noise = rng.clone();
  watch(model, batch, batch.steps(), rng, [&](std::int64_t t, const Carry& carry) {
    if (t >= context) features.push_back(model.features(carry));
    if (t == context) start = carry;
    if (t > 0) {  // nothing was predicted before an episode's first frame
      const auto belief = model.belief(carry);
      posteriors.add(belief.posterior);
      if (const auto kl = kl_of(belief.posterior, belief.prior); kl.defined()) kls.push_back(kl.to(torch::kFloat64));
    }
    if (seen) seen(t, carry);
  });
  Gauged made;
  if (posteriors.known()) {
    const auto told = posteriors.told();
    made.told = told.mean({0, 1}).to(torch::kCPU), made.step_told = told.sum(-1).mean(0).to(torch::kCPU);
  }
  if (!kls.empty()) {
    const auto kl = torch::stack(kls);
    made.kl = kl.mean({0, 1}).to(torch::kCPU), made.step_kl = kl.sum(-1).mean(0).to(torch::kCPU);
  }

  const auto actions = batch.action.slice(0, context + 1);
  const auto rewards = model.reward_to_target(batch.reward);  // [T, B]
  const auto imagined = [&](const torch::Tensor& under, torch::Tensor StepErrors::*part, const AtStep& each) {
    std::vector<torch::Tensor> painted, paid, felt;
    auto same = noise.clone();
    imagine_on(model, start, under, {}, same, [&](std::int64_t k, const Carry& carry) {
      felt.push_back(missed_by(model.features(carry), features[static_cast<std::size_t>(k)]));
      const auto made_of = batch.image.defined() ? model.predict(carry) : model.outcome(carry);
      if (made_of.frame.defined()) painted.push_back(missed_by(made_of.frame, pictures_of(batch.image[context + k])));
      if (made_of.reward.defined())
        paid.push_back(missed_by(made_of.reward.unsqueeze(1), rewards[context + k].unsqueeze(1)));
      if (each) each(k, carry);
    });
    made.latents.*part = torch::stack(felt);
    if (!painted.empty()) made.pictures.*part = torch::stack(painted);
    if (!paid.empty()) made.rewards.*part = torch::stack(paid);
  };
  imagined(actions, &StepErrors::dream, dreamt);
  // A single lane gets its own actions the other way round.
  imagined(batch.lanes() > 1 ? actions.roll(1, 1) : actions.flip(0), &StepErrors::others, {});

  const auto baselines = [&](StepErrors& errors, const torch::Tensor& middle,
                             const std::function<torch::Tensor(std::int64_t)>& real) {
    std::vector<torch::Tensor> still, mean;
    for (std::int64_t k = 1; k <= horizon; ++k) {
      still.push_back(missed_by(real(0), real(k)));
      mean.push_back(missed_by(middle.expand_as(real(k)), real(k)));
    }
    errors.still = torch::stack(still), errors.mean = torch::stack(mean);
  };
  const auto felt = torch::stack(features).to(torch::kFloat32);
  baselines(made.latents, felt.mean({0, 1}), [&](std::int64_t k) { return felt[k]; });
  if (made.rewards.known())
    baselines(made.rewards, rewards.slice(0, 1).mean().view({1, 1}),
              [&](std::int64_t k) { return rewards[context + k].unsqueeze(1); });
  if (made.pictures.known())
    baselines(made.pictures, pictures_of(batch.image).mean({0, 1}),
              [&](std::int64_t k) { return pictures_of(batch.image[context + k]); });
  return made;
}

const StepErrors& Gauged::errors() const {
  if (pictures.known()) return pictures;
  return rewards.known() && rewards.still.sum().item<double>() > 0 ? rewards : latents;
}

const char* Gauged::what() const {
  const auto* used = &errors();
  return used == &pictures ? "picture" : used == &rewards ? "reward" : "latent";
}

double skill_of(const StepErrors& errors) {
  if (!errors.known()) return no_gauge;
  const double still = errors.still.sum().item<double>();
  return still > 0 ? 1 - errors.dream.sum().item<double>() / still : no_gauge;
}

double reliance_of(const StepErrors& errors) {
  if (!errors.known()) return no_gauge;
  const double others = errors.others.sum().item<double>();
  return others > 0 ? 1 - errors.dream.sum().item<double>() / others : no_gauge;
}

double usable_horizon_of(const StepErrors& errors) {
  if (!errors.known() || errors.mean.sum().item<double>() <= 0) return no_gauge;
  const auto lost = (errors.dream.sum(1) > 0.5 * errors.mean.sum(1)).to(torch::kInt64);
  return lost.any().item<bool>() ? static_cast<double>(lost.argmax(0).item<std::int64_t>())
                                 : static_cast<double>(lost.size(0));
}

double silent_share_of(const Gauged& gauged) {
  return gauged.told.defined() ? (gauged.told < silent_nats).to(torch::kFloat64).mean().item<double>() : no_gauge;
}

}  // namespace dream
