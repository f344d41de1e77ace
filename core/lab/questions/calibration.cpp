// Does it know what it does not know? Predicted reward, end and value against what came, and how unsure it was against
// how wrong. Measures 6, 7, 8 and 16 of the gauges.
#include "core/lab/questions/calibration.h"

#include <algorithm>
#include <cmath>

#include "core/lab/density_scores.h"
#include "core/lab/questions/questions.h"
#include "core/lab/starts.h"

namespace dream {
namespace {

constexpr double most_of_the_cut = 0.5;  // weight of the value at a cut in a return that is still judged
constexpr std::size_t calibration_episodes = 32, calibration_lanes = 64;
constexpr std::int64_t starts_in_episode = 40, longest_calibration_context = 20;

/// The latent that came, against the prior that stood before.
void score_latent(const Belief& belief, const torch::Tensor& before, const Whole& episodes, std::int64_t t,
                  Forecasts& seen) {
  const auto& prior = belief.prior;
  const auto latent = belief.latent.flatten(1).to(torch::kCPU, torch::kFloat32);
  seen.numbers = prior.mean.defined();
  const auto spread = doubles_of(spread_of(prior));
  const auto nll = nll_of(prior, latent);
  torch::Tensor missed = nll.mean(-1), crps, pit, confidence, drawn;  // nats, as the entropy of groups is
  if (seen.numbers) {
    missed = (latent - expected_of(prior)).square().mean(-1);
    crps = crps_of(prior, latent), pit = pit_of(prior, latent);
  } else {
    const auto [most, which] = prior.log_probabilities.to(torch::kCPU, torch::kFloat64).exp().max(-1);
    confidence = most, drawn = (latent.view_as(prior.log_probabilities).argmax(-1) == which).to(torch::kFloat64);
  }
  const auto expected = belief.posterior.known() ? expected_of(belief.posterior) : latent.to(torch::kFloat64);
  const auto entropy =
      belief.posterior.known() ? entropy_of(belief.posterior).to(torch::kCPU, torch::kFloat64) : torch::zeros_like(nll);
  const auto sum = [](torch::Tensor& of, const torch::Tensor& x) { of = of.defined() ? of + x : x; };
  for (std::int64_t lane = 0; lane < episodes.batch.lanes(); ++lane) {
    if (!episodes.real(lane, t)) continue;
    const auto at = episodes.at(lane, t);
    seen.spread.add(spread[static_cast<std::size_t>(lane)], missed[lane].item<double>(), at.episode);
    seen.spread_at.push_back(at), seen.row_episode.push_back(at.episode);
    seen.latent.push_back(latent[lane]), seen.before.push_back(before[lane].to(torch::kCPU, torch::kFloat32));
    seen.nll.push_back(nll[lane]);
    if (seen.numbers)
      seen.crps.push_back(crps[lane]), seen.pit.push_back(pit[lane]);
    else
      seen.confidence.push_back(confidence[lane]), seen.drawn.push_back(drawn[lane]);
    sum(seen.posterior, expected[lane]), sum(seen.square, expected[lane].square()), sum(seen.entropy, entropy[lane]);
  }
}

/// Values against the discounted returns that followed, with the value itself where an episode was cut off.
void score_values(const torch::Tensor& value, const torch::Tensor& reward, const Whole& episodes, std::int64_t context,
                  double discount, Forecasts& seen) {
  for (std::int64_t lane = 0; lane < episodes.batch.lanes(); ++lane) {
    const auto v = doubles_of(value.select(1, lane)), r = doubles_of(reward.select(1, lane));
    const auto last = episodes.frames[static_cast<std::size_t>(lane)] - 1;
    const bool ended = episodes.batch.terminated[last][lane].item<float>() > 0;
    double from_next = ended ? 0 : v[static_cast<std::size_t>(last)], weight = ended ? 0 : 1;
    for (auto t = last - 1; t >= context; --t) {
      const auto i = static_cast<std::size_t>(t);
      from_next = r[i + 1] + discount * from_next, weight *= discount;
      if (weight > most_of_the_cut) continue;
      const auto at = episodes.at(lane, t);
      seen.value_next.add(v[i], from_next, at.episode);
      seen.value_now.add(v[i], r[i] + discount * from_next, at.episode);
      seen.value_at.push_back(at);
    }
  }
}

void look_at_forecasts(Inquiry& inquiry, const Whole& episodes, std::int64_t context, std::int64_t stride,
                       Forecasts& seen, double from, double to, const std::string& doing) {
  auto& model = inquiry.model();
  const auto& batch = episodes.batch;
  const double middle = from + (to - from) / 2;
  std::vector<Watched> watched;
  std::vector<torch::Tensor> values, surprise, spread;
  torch::Tensor before;
  const auto target = model.reward_to_target(batch.reward);
  const auto lanes = static_cast<std::size_t>(batch.lanes());
  watch(model, batch, batch.steps(), inquiry.rng(episodes.first), [&](std::int64_t t, const Carry& carry) {
    inquiry.at(from + (middle - from) * static_cast<double>(t) / static_cast<double>(batch.steps()), doing);
    const auto belief = model.belief(carry);
    const auto known = belief.prior.known() && belief.latent.defined();
    surprise.push_back(t > 0 ? model.surprise(carry) : torch::Tensor());
    spread.push_back(known ? spread_of(belief.prior) : torch::Tensor());
    if (inquiry.system().behaviour) {
      Seen now{&model, carry, observation_at(batch, t)};
      now.last_reward = batch.reward[t];
      if (const auto value = inquiry.system().behaviour->value(now); value.defined())
        values.push_back(value.to(torch::kCPU, torch::kFloat32));
    }
    if (known && t > context) score_latent(belief, before, episodes, t, seen);
    if (belief.latent.defined()) before = belief.latent.flatten(1);
    if (t >= context && (t - context) % stride == 0) {
      watched.push_back({t, carry});
      const auto outcome = model.outcome(carry);
      for (std::int64_t lane = 0; lane < batch.lanes(); ++lane) {
        if (t == 0 || !episodes.real(lane, t)) continue;
        const auto e = episodes.at(lane, t).episode;
        if (outcome.reward.defined())
          seen.reward[0].add(outcome.reward[lane].item<double>(), target[t][lane].item<double>(), e);
        if (outcome.done.defined())
          seen.end[0].add(outcome.done[lane].item<double>(), batch.terminated[t][lane].item<double>(), e);
      }
    }
  });
  if (values.size() == static_cast<std::size_t>(batch.steps())) {
    seen.values = true;
    score_values(torch::stack(values), target, episodes, context, inquiry.system().behaviour->discount(), seen);
  }

  const auto few = std::max<std::size_t>(1, calibration_lanes / lanes);
  for (std::size_t first = 0; first < watched.size(); first += few) {
    const double share = middle + (to - middle) * static_cast<double>(first) / static_cast<double>(watched.size());
    const std::vector<Watched> these(
        watched.begin() + static_cast<std::ptrdiff_t>(first),
        watched.begin() + static_cast<std::ptrdiff_t>(std::min(first + few, watched.size())));
    const auto starts = starts_from(these, episodes, 1);
    if (starts.count() == 0) continue;
    const auto step = doubles_of(starts.step), lane = doubles_of(starts.lane);
    const auto from_there = [&](std::size_t i, std::int64_t k) {
      return episodes.at(static_cast<std::int64_t>(lane[i]), static_cast<std::int64_t>(step[i]) + k);
    };
    const auto real = [&](std::size_t i, std::int64_t k) {
      return episodes.real(static_cast<std::int64_t>(lane[i]), static_cast<std::int64_t>(step[i]) + k);
    };
    const auto last = doubles_of(starts.of(target, 0));
    torch::Tensor promised = torch::zeros({starts.count()}, torch::kFloat64), paid = promised;
    imagine_on(
        model, starts.carry, starts.actions(batch, forecast_distances.back()), {},
        inquiry.rng(100 + 100 * episodes.first + first), [&](std::int64_t k, const Carry& carry) {
          inquiry.at(share, "imagines from " + std::to_string(starts.count()) + " moments");
          const auto found = std::ranges::find(forecast_distances, k);
          if (k > summed_rewards && found == forecast_distances.end()) return;
          const auto made = k == 1 && batch.image.defined() ? model.predict(carry) : model.outcome(carry);
          if (made.reward.defined() && k <= summed_rewards) {
            promised = promised + made.reward.to(torch::kCPU, torch::kFloat64),
            paid = paid + starts.of(target, k).to(torch::kCPU, torch::kFloat64);
            for (std::size_t i = 0; k == summed_rewards && i < step.size(); ++i)
              if (real(i, k))
                seen.reward_sum.add(promised[static_cast<std::int64_t>(i)].item<double>(),
                                    paid[static_cast<std::int64_t>(i)].item<double>(), from_there(i, 0).episode);
          }
          if (found == forecast_distances.end()) return;
          const auto d = static_cast<std::size_t>(found - forecast_distances.begin()) + 1;
          const auto put = [&](Forecasts::ByDistance& into, const torch::Tensor& predicted, const torch::Tensor& came) {
            if (!predicted.defined()) return;
            const auto x = doubles_of(predicted), y = doubles_of(came);
            for (std::size_t i = 0; i < x.size(); ++i) {
              if (!real(i, k)) continue;
              into[d].add(x[i], y[i], from_there(i, 0).episode);
              if (&into == &seen.reward) seen.last_reward[d].add(last[i], y[i], from_there(i, 0).episode);
              if (&into == &seen.reward && d == 1) seen.reward_at.push_back(from_there(i, 0));
              if (&into == &seen.end && y[i] > 0) seen.end_at_end[d].add(x[i], 1, from_there(i, 0).episode);
            }
          };
          put(seen.reward, made.reward, starts.of(target, k));
          put(seen.end, made.done, starts.of(batch.terminated, k));
          if (!made.frame.defined()) return;
          // How wrong the picture of this one step was.
          seen.paints = true;
          const auto now = unit_pictures(starts.of(batch.image, 0)), next = unit_pictures(starts.of(batch.image, 1)),
                     earlier = unit_pictures(starts.of(batch.image, -1));
          const auto apart = [](const torch::Tensor& a, const torch::Tensor& b) {
            return doubles_of((a - b).square().flatten(1).mean(1));
          };
          const auto error = apart(made.frame.to(torch::kFloat32), next), coming = apart(now, next),
                     past = apart(earlier, now);
          for (std::size_t i = 0; i < error.size(); ++i) {
            if (step[i] < 1) continue;
            const auto e = from_there(i, 0).episode;
            const auto t = static_cast<std::size_t>(step[i]) + 1;
            const auto l = static_cast<std::int64_t>(lane[i]);
            seen.change.add(coming[i], error[i], e), seen.last_change.add(past[i], error[i], e);
            if (surprise[t].defined()) seen.surprise.add(surprise[t][l].item<double>(), error[i], e);
            if (spread[t].defined()) seen.doubt.add(spread[t][l].item<double>(), error[i], e);
          }
        });
  }
}

void ask_calibration(Inquiry& inquiry, LabAnswer& answer) {
  Forecasts seen;
  std::int64_t context = 0, stride = 1;
  for (std::size_t count = HeldOut::group; count <= calibration_episodes; count += HeldOut::group) {
    const auto first = count - HeldOut::group;
    const double began = inquiry.elapsed(), from = static_cast<double>(first) / calibration_episodes,
                 share = static_cast<double>(HeldOut::group) / calibration_episodes;
    const auto& all = inquiry.episodes(count, from, from + share / 3);
    const auto those = whole(all, first, HeldOut::group, inquiry.system().device);
    if (first == 0) {
      context =
          std::min<std::int64_t>(context_of(all, inquiry.system().make_env()->spaces()), longest_calibration_context);
      stride = std::max<std::int64_t>(1, those.batch.steps() / starts_in_episode);
    }
    for (std::int64_t lane = 0; lane < those.batch.lanes(); ++lane)
      for (std::int64_t t = 1; those.real(lane, t); ++t)
        seen.rewards.push_back(inquiry.model().reward_to_target(those.batch.reward[t][lane]).item<double>()),
            ++answer.steps;
    look_at_forecasts(inquiry, those, context, stride, seen, from + share / 3, from + share,
                      "watches " + std::to_string(count) + " episodes");
    answer.episodes = static_cast<std::int64_t>(count);
    report_calibration(inquiry, seen, answer);
    inquiry.show(answer);
    if (!inquiry.time_for(1.2 * (inquiry.elapsed() - began))) break;
  }
}

}  // namespace

Question question_calibration() {
  return {"calibration", "Does it know what it does not know?",
          "Predicted reward, end and value against what came, and how unsure it was against how wrong.", lacks_true_actions,
          ask_calibration};
}

}  // namespace dream
