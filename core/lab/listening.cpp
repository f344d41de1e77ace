#include "core/lab/listening.h"

#include <algorithm>
#include <cmath>

#include "core/lab/starts.h"

namespace dream {
namespace {

constexpr std::int64_t listening_context = 4;  // frames that are watched at least
constexpr std::int64_t starts_apart = 12;      // frames between two dreams

double sum_of(const std::vector<const Listened*>& episodes, double Listened::*what) {
  double sum = 0;
  for (const auto* each : episodes) sum += each->*what;
  return std::max(sum, 1e-12);
}

}  // namespace

FindsActions* finder_of(const System& system) {
  return dynamic_cast<FindsActions*>(system.model.get());
}

Listening::Listening(Inquiry& inquiry, const std::vector<LivedEpisode>& episodes, std::size_t first, double from,
                     double to, const std::function<void(const Whole& all, std::int64_t t, const Carry& seen)>& each)
    : inquiry_(inquiry), all_(whole(episodes, first, HeldOut::group, inquiry.system().device)) {
  const auto steps = all_.batch.steps();
  watch(inquiry.model(), all_.batch, steps, inquiry.rng(7000 + first), [&](std::int64_t t, const Carry& carry) {
    inquiry.at(from + (to - from) * static_cast<double>(t) / static_cast<double>(steps),
               "watches " + std::to_string(first + all_.frames.size()) + " episodes");
    seen_.push_back(carry);
    if (each) each(all_, t, carry);
  });
}

std::vector<std::int64_t> Listening::starts() const {
  std::vector<std::int64_t> found;
  for (auto t = listening_context - 1; t + listening_steps < all_.batch.steps(); t += starts_apart) found.push_back(t);
  return found;
}

torch::Tensor Listening::action_at(std::int64_t t) const {
  auto* finder = finder_of(inquiry_.system());
  return finder ? finder->inferred(seen_.at(static_cast<std::size_t>(t))) : all_.batch.action[t];
}

void Listening::dream(std::int64_t t, const KnobValues& knobs, std::vector<Listened>& episodes,
                      at::Generator rng) const {
  auto& model = inquiry_.model();
  const auto& batch = all_.batch;
  const auto& begun = seen_.at(static_cast<std::size_t>(t));
  const auto truth = unit_pictures(batch.image[t + listening_steps]), began = unit_pictures(batch.image[t]);
  const auto choices = static_cast<std::int64_t>(model.actions(inquiry_.system().make_env()->spaces()).choices.size());
  const auto other = [&](const torch::Tensor& action) {
    if (choices < 2) return action.roll(1, 0);  // another episode's
    return (action + 1 + torch::randint(choices - 1, action.sizes(), rng, action.options()))
        .remainder(static_cast<double>(choices));
  };
  const auto dreamt = [&](bool told) {
    auto carry = begun;
    const auto chance = inquiry_.rng(8000 + 100 * all_.first + static_cast<std::size_t>(t));
    for (std::int64_t k = 1; k <= listening_steps; ++k)
      carry = model.imagine(carry, told ? action_at(t + k) : other(action_at(t + k)), knobs, chance);
    return model.predict(carry).frame.to(torch::kFloat32);
  };
  const auto missed = [&](const torch::Tensor& frame) {
    return doubles_of((frame - truth).square().flatten(1).sum(1));
  };
  const auto frame = dreamt(true);
  const auto told = missed(frame), misled = missed(dreamt(false)), still = missed(began);
  const auto moved = doubles_of((frame - began).abs().flatten(1).sum(1)),
             truly = doubles_of((truth - began).abs().flatten(1).sum(1));
  episodes.resize(std::max(episodes.size(), all_.first + all_.frames.size()));
  for (std::int64_t lane = 0; lane < batch.lanes(); ++lane) {
    if (!all_.real(lane, t + listening_steps)) continue;
    const auto row = static_cast<std::size_t>(lane);
    auto& lived = episodes[all_.first + row];
    lived.told += told[row], lived.misled += misled[row], lived.still += still[row];
    lived.pixels += static_cast<double>(truth[0].numel());
    lived.moved += moved[row], lived.truly += truly[row];
  }
}

double psnr_of(const std::vector<const Listened*>& episodes) {
  return psnr(sum_of(episodes, &Listened::told) / sum_of(episodes, &Listened::pixels));
}

double delta_psnr_of(const std::vector<const Listened*>& episodes) {
  return 10 * std::log10(sum_of(episodes, &Listened::misled) / sum_of(episodes, &Listened::told));
}

double motion_of(const std::vector<const Listened*>& episodes) {
  return sum_of(episodes, &Listened::moved) / sum_of(episodes, &Listened::truly);
}

Interval over_listened(const std::vector<Listened>& episodes,
                       const std::function<double(const std::vector<const Listened*>&)>& of) {
  return bootstrap(episodes.size(), [&](const std::vector<std::size_t>& which) {
    std::vector<const Listened*> chosen;
    for (const auto i : which) chosen.push_back(&episodes[i]);
    return of(chosen);
  });
}

}  // namespace dream
