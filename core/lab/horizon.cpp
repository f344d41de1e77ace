#include "core/lab/horizon.h"

#include <algorithm>

#include "api/error.h"
#include "core/behaviours/pilot.h"
#include "core/engine/lanes.h"

namespace dream {
namespace {

torch::Tensor unit(const torch::Tensor& images) {  // uint8 [B, H, W, C] -> float [B, C, H, W]
  return images.permute({0, 3, 1, 2}).to(torch::kFloat32).div(255);
}

double mse(const torch::Tensor& made, const torch::Tensor& real) {
  return (made.to(torch::kCPU, torch::kFloat32) - real).square().mean().item<double>();
}

}  // namespace

HorizonReport horizon_error(System& system, std::int64_t episodes, std::uint64_t first_seed, std::int64_t context,
                            std::int64_t horizon, double tau, std::int64_t max_steps, std::int64_t dreams,
                            const std::function<void()>& between_steps) {
  torch::NoGradGuard no_grad;
  auto& model = *system.model;
  const auto device = system.device;
  auto rng = make_generator(device, first_seed);
  EnvLanes envs(system.make_env, episodes);
  for (std::int64_t lane = 0; lane < episodes; ++lane) envs.start(lane, first_seed + static_cast<std::uint64_t>(lane));

  HorizonReport report;
  report.episodes = episodes;
  report.frame_mse.assign(static_cast<std::size_t>(horizon), 0);
  report.still_picture_mse = report.mean_picture_mse = report.frame_mse;
  std::vector<char> alive(static_cast<std::size_t>(episodes), 1);
  auto carry = model.initial(episodes);
  auto action = torch::zeros({episodes, static_cast<std::int64_t>(envs.spaces().action.size())}, device);
  double error_sum = 0;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(horizon), 0);
  Carry dream;
  torch::Tensor last_seen;
  std::vector<char> followed;  // lanes that have lived through the whole stretch so far
  const auto knobs = together(model.knobs(), temperature, tau);
  Pilot pilot(system.behaviour, episodes, Mode::judge);
  const auto lanes_of = [](const std::vector<char>& mask) {
    std::vector<std::int64_t> lanes;
    for (std::size_t i = 0; i < mask.size(); ++i) {
      if (mask[i]) lanes.push_back(static_cast<std::int64_t>(i));
    }
    return torch::tensor(lanes, torch::kInt64);
  };
  for (std::int64_t step = 0; max_steps == 0 || step < max_steps; ++step) {
    const auto living = lanes_of(alive);
    if (living.numel() == 0) break;
    if (between_steps) between_steps();
    const auto real = unit(envs.images());
    const auto observation = envs.observation(device);
    carry = model.observe(carry, action, observation, rng);
    const auto seen = model.predict(carry).frame.to(torch::kCPU, torch::kFloat32);
    error_sum += mse(seen.index_select(0, living), real.index_select(0, living)) * static_cast<double>(living.numel());
    report.frames += living.numel();

    const auto within = (step - context) % horizon;
    if (step >= context && !followed.empty()) {
      const auto k = static_cast<std::size_t>(within == 0 ? horizon - 1 : within - 1);
      for (std::size_t i = 0; i < followed.size(); ++i) followed[i] = followed[i] && alive[i];
      const auto lanes = lanes_of(followed);
      if (lanes.numel() > 0) {
        dream = model.imagine(dream, action.repeat({dreams, 1}), knobs, rng);
        const auto n = static_cast<double>(lanes.numel());
        const auto truth = real.index_select(0, lanes);
        const auto frames = model.predict(dream).frame.to(torch::kCPU, torch::kFloat32);
        const auto each =
            frames.reshape({dreams, episodes, -1}).index_select(1, lanes);  // a dream of all lanes per row
        const auto flat = truth.flatten(1);
        report.frame_mse[k] += mse(each, flat) * n;
        report.mean_picture_mse[k] += mse(each.mean(0), flat) * n;
        report.still_picture_mse[k] += mse(last_seen.index_select(0, lanes), truth) * n;
        counts[k] += lanes.numel();
      }
    }
    if (step >= context && within == 0) {  // look, then close the eyes again
      dream = repeated(carry, dreams);
      last_seen = seen;
      followed = alive;
    }
    action = pilot.drive({&model, carry, observation}, rng);
    const auto outcomes = envs.step(action.to(torch::kCPU), alive);
    for (std::size_t i = 0; i < alive.size(); ++i) alive[i] = alive[i] && !outcomes[i].done();
  }
  if (report.frames == 0) throw Error("no frame was seen");
  report.reconstruction_mse = error_sum / static_cast<double>(report.frames);
  report.reconstruction_sum = report.reconstruction_mse * static_cast<double>(envs.spaces().image_bytes());
  const auto reached = static_cast<std::size_t>(std::ranges::find(counts, 0) - counts.begin());
  if (reached == 0)
    throw Error("no episode lasted longer than the " + std::to_string(context) + " steps that are watched first");
  report.frame_mse.resize(reached);
  report.still_picture_mse.resize(reached);
  report.mean_picture_mse.resize(reached);
  for (std::size_t k = 0; k < reached; ++k) {
    report.frame_mse[k] /= static_cast<double>(counts[k]);
    report.mean_picture_mse[k] /= static_cast<double>(counts[k]);
    report.still_picture_mse[k] /= static_cast<double>(counts[k]);
  }
  return report;
}

}  // namespace dream
