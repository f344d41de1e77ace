#include "app/cli/bench_rows.h"
#include "core/behaviours/linear_controller.h"
#include "core/engine/lanes.h"
#include "core/engine/population.h"
#include "core/env/registry.h"
#include "core/env/resized.h"
#include "core/models/vmc.h"
#include "core/nn/device.h"
#include "core/nn/kernel_path.h"
#include "core/nn/optimiser.h"
#include "core/nn/precision.h"

namespace dream::cli {
namespace {

// Of the published sizes, z = 32, a = 3, h = 256, K = 5, by the layers' shapes: 2 · outputs · inputs of each.
constexpr double z = 32, h = 256;
constexpr double encode_flop = 2.0 * (31 * 31 * 32 * (3 * 16) + 14 * 14 * 64 * (32 * 16) + 6 * 6 * 128 * (64 * 16) +
                                      2 * 2 * 256 * (128 * 16) + 1024 * 2 * z);
constexpr double decode_flop =
    2.0 * (z * 1024 + 1024 * 128 * 25 + 5 * 5 * 128 * 64 * 25 + 13 * 13 * 64 * 32 * 36 + 30 * 30 * 32 * 3 * 36);
constexpr double lstm_flop = 2.0 * (z + 3 + h) * 4 * h, mixture_flop = 2.0 * h * z * 15;
constexpr double control_flop = 2.0 * (z + h) * 3;
// Backward is twice forward; pixels take no gradient.
constexpr double v_train_flop = 3 * (encode_flop + decode_flop) - 2.0 * 31 * 31 * 32 * (3 * 16);
constexpr double m_train_flop = 3 * (lstm_flop + mixture_flop);

Optimiser adam_of(std::vector<torch::Tensor> parameters, double clip_value = 0) {
  return {std::move(parameters),
          {.kind = OptimiserKind::adam,
           .learning_rate = 1e-4,
           .eps = 1e-8,
           .clip_value = clip_value,
           .adaptive_clip = 0,
           .warm_up = 0,
           .measure = false}};
}

Row v_row(double seconds, const torch::Device& device) {
  Vae v(32);
  v->to(device);
  v->set_bfloat16(bfloat16_is_fast(device));
  auto rng = make_generator(device, 1);
  auto adam = adam_of(v->parameters());
  const auto frames = torch::randint(0, 255, {100, 64, 64, 3}, torch::kUInt8).to(device);
  const auto value = rate(seconds, [&] {
    torch::Tensor kl;
    const int updates = device.is_cpu() ? 1 : 20;  // of a graphics card the losses are asked for together
    for (int update = 0; update < updates; ++update) {
      auto loss = v->loss(frames, rng);
      loss.total.backward();
      adam.step();
      kl = loss.kl;
    }
    kl.item<double>();
    return 100.0 * updates;
  });
  return {"v_train", "V training, batch 100", "frames/s", value, {}, v_train_flop};
}

Row m_row(double seconds, const torch::Device& device) {
  MdnRnn m(MdnRnnOptions{});
  m->to(device);
  m->set_bfloat16(bfloat16_is_fast(device));
  auto adam = adam_of(m->parameters(), 1);
  constexpr std::int64_t batch = 100, steps = 250;
  const auto latents = torch::randn({steps + 1, batch, 32}, device), actions = torch::rand({steps, batch, 3}, device);
  const auto value = rate(seconds, [&] {
    auto loss = m->loss(latents, actions, {}, {});
    loss.total.backward();
    adam.step();
    loss.nll.item<double>();
    return static_cast<double>(batch * steps);
  });
  return {"m_train", "M training, 100 sequences of 250", "transitions/s", value, {}, m_train_flop};
}

std::shared_ptr<VmcModel> make_model(const torch::Device& device) {
  auto model = std::make_shared<VmcModel>(MdnRnnOptions{});
  model->to(device);
  model->v()->set_bfloat16(bfloat16_is_fast(device));
  model->m()->set_bfloat16(bfloat16_is_fast(device));
  return model;
}

constexpr std::int64_t fan = 9;  // futures of one moment, which are to cost no more than three single dreams

Row dream_row(double seconds, const torch::Device& device, std::int64_t batch, bool decode) {
  torch::NoGradGuard no_grad;
  const auto model = make_model(device);
  auto rng = make_generator(device, 1);
  auto carry = model->initial(batch);
  const auto action = torch::zeros({batch, 3}, device);
  const auto value = rate(seconds, [&] {
    double units = 0;
    for (int i = 0; i < 10; ++i, units += static_cast<double>(batch)) {
      carry = model->imagine(carry, action, {}, rng);
      if (decode) model->predict(carry).frame.sum().item<float>();
    }
    carry.at("z").sum().item<float>();
    return units;
  });
  constexpr double flop = lstm_flop + mixture_flop;
  if (batch == fan) return {"dream_fan", "Nine futures: step + decode, batch 9", "steps/s", value, {}, flop + decode_flop};
  if (decode) return {"dream_decode", "Dream step + decode, batch 1", "steps/s", value, {}, flop + decode_flop};
  return {"dream_batch", "Dream step, batch 1024, no decoding", "steps/s", value, {}, flop};
}

/// Candidates of a search on real tracks, as CMA-ES plays them.
Row search_row(double seconds, const torch::Device& device) {
  torch::NoGradGuard no_grad;
  const auto model = make_model(device);
  const std::int64_t lane_count = device.is_cpu() ? 64 : 1024, candidates = 64;
  const auto make = []() -> std::unique_ptr<Env> {
    return std::make_unique<ResizedEnv>(make_env("CarRacing"), 84, 64, 64);
  };
  RealLanes lanes(model, device, make, lane_count, 1);
  LinearController controller(model->feature_count(), {Squash::tanh, Squash::half, Squash::cut});
  const auto rows = (torch::randn({candidates, controller.count()}) * 0.1).to(device);
  const auto act = [&](const Seen& seen, const torch::Tensor& candidate) {
    const auto features = seen.features();
    return controller.act_as(rows, candidate.to(features.device()), features);
  };
  Population population(act, lanes, {});
  std::uint64_t seed = 0;
  const auto value = rate(seconds, [&] {
    if (seed == 0 || population.finished()) {
      std::vector<std::uint64_t> seeds;
      for (int track = 0; track < 16; ++track) seeds.push_back(++seed);
      population.begin(candidates, seeds);
    }
    double steps = 0;
    for (int tick = 0; tick < 10 && !population.finished(); ++tick) steps += static_cast<double>(population.tick());
    return steps;
  });
  return {"search", "Search for C, 64 candidates on real tracks", "steps/s", value,
          {},       encode_flop + lstm_flop + control_flop};
}

}  // namespace

Peaks measure_peaks(double seconds, const torch::Device& device) {
  torch::NoGradGuard no_grad;
  const auto peak = [&](at::ScalarType type) {
    const std::int64_t size = device.is_cuda() ? 8192 : 2048;
    const auto a = torch::randn({size, size}).to(device, type), b = torch::randn({size, size}).to(device, type);
    const int products = device.is_cpu() ? 1 : 20;
    const auto found = rate(seconds, [&] {
      torch::Tensor product;
      for (int i = 0; i < products; ++i) product = torch::mm(a, b);
      product.flatten()[0].item<float>();
      return static_cast<double>(products);
    });
    return found.wall * 2.0 * static_cast<double>(size) * static_cast<double>(size) * static_cast<double>(size);
  };
  return {peak(torch::kFloat32), bfloat16_is_fast(device) ? peak(torch::kBFloat16) : 0};
}

std::vector<Measurement> vmc_rows(double seconds, const torch::Device& device) {
  return {{"v_train", [=] { return v_row(seconds, device); }},
          {"m_train", [=] { return m_row(seconds, device); }},
          {"dream_decode", [=] { return dream_row(seconds, device, 1, true); }},
          {"dream_fan", [=] { return dream_row(seconds, device, fan, true); }},
          {"dream_batch", [=] { return dream_row(seconds, device, 1024, false); }},
          {"search", [=] { return search_row(seconds, device); }}};
}

}  // namespace dream::cli
