#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "api/error.h"
#include "api/platform_time.h"
#include "app/cli/bench_rows.h"
#include "app/cli/verb.h"
#include "core/base/durable_file.h"
#include "core/base/platform.h"
#include "core/engine/lanes.h"
#include "core/env/registry.h"
#include "core/models/vmc.h"
#include "core/nn/device.h"
#include "core/nn/precision.h"

namespace dream::cli {
namespace {

Row environment_row(double seconds) {
  auto env = make_env("CarRacing");
  std::vector<std::uint8_t> image(env->spaces().image_bytes());
  std::uint64_t seed = 0;
  env->reset(seed);
  int step = 0;
  const auto value = rate(seconds, [&] {
    constexpr int steps = 100;
    for (int i = 0; i < steps; ++i) {
      const float action[] = {++step % 40 < 20 ? 0.2f : -0.2f, 0.3f, 0.0f};
      if (env->step(action).done()) env->reset(++seed);
      env->observe_image(image);
    }
    return static_cast<double>(steps);
  });
  return {"car_racing", "CarRacing, one core, 96×96 frame included", "steps/s", value, {}};
}

Row v_row(double seconds, torch::Device device) {
  Vae v(32);
  v->to(device);
  v->set_bfloat16(bfloat16_is_fast(device));
  auto rng = make_generator(device, 1);
  torch::optim::Adam adam(v->parameters(), 1e-4);
  const auto frames = torch::randint(0, 255, {100, 64, 64, 3}, torch::kUInt8).to(device);
  const auto value = rate(seconds, [&] {
    adam.zero_grad();
    auto loss = v->loss(frames, rng);
    loss.total.backward();
    adam.step();
    loss.kl.item<double>();
    return 100.0;
  });
  return {"v_train", "V training, batch 100", "frames/s", value, {}};
}

Row m_row(double seconds, torch::Device device) {
  MdnRnn m(MdnRnnOptions{});
  m->to(device);
  m->set_bfloat16(bfloat16_is_fast(device));
  torch::optim::Adam adam(m->parameters(), 1e-3);
  constexpr std::int64_t batch = 100, steps = 250;
  const auto z = torch::randn({steps + 1, batch, 32}, device), actions = torch::rand({steps, batch, 3}, device);
  const auto value = rate(seconds, [&] {
    adam.zero_grad();
    auto loss = m->loss(z, actions, {}, {});
    loss.total.backward();
    torch::nn::utils::clip_grad_value_(m->parameters(), 1.0);
    adam.step();
    loss.nll.item<double>();
    return static_cast<double>(batch * steps);
  });
  return {"m_train", "M training, 100 sequences of 250", "transitions/s", value, {}};
}

Row dream_row(double seconds, torch::Device device, std::int64_t batch, bool decode) {
  torch::NoGradGuard no_grad;
  VmcModel model(MdnRnnOptions{});
  model.to(device);
  model.v()->set_bfloat16(bfloat16_is_fast(device));
  model.m()->set_bfloat16(bfloat16_is_fast(device));
  auto rng = make_generator(device, 1);
  auto carry = model.initial(batch);
  const auto action = torch::zeros({batch, 3}, device);
  const auto value = rate(seconds, [&] {
    double units = 0;
    for (int i = 0; i < 10; ++i, units += static_cast<double>(batch)) {
      carry = model.imagine(carry, action, {}, rng);
      if (decode) model.predict(carry).frame.sum().item<float>();
    }
    carry.at("z").sum().item<float>();
    return units;
  });
  if (decode) return {"dream_decode", "Dream step + decode, batch 1", "steps/s", value, {}};
  return {"dream_batch", "Dream step, batch 1024, no decoding", "steps/s", value, {}};
}

}  // namespace

Rate rate(double seconds, const std::function<double()>& work) {
  for (const double until = now_seconds() + seconds / 2; now_seconds() < until;) work();
  Rate best;
  for (int stretch = 0; stretch < 3; ++stretch) {
    if (interrupted()) throw Error("interrupted");
    const double began = now_seconds(), used = processor_seconds();
    double units = 0;
    while (now_seconds() - began < seconds) units += work();
    best.wall = std::max(best.wall, units / (now_seconds() - began));
    best.processor = std::max(best.processor, units / (processor_seconds() - used));
  }
  return best;
}

Verb bench_verb(CLI::App& app) {
  struct Options {
    std::string json;
    std::vector<std::string> only;
    double seconds = 2;
    bool verbose = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand(
      "bench", "Measure this machine; bench/compare.py and bench/compare_dreamer.py set others beside it");
  command->add_option("--json", options->json, "Write the figures to this file");
  command->add_option("--only", options->only, "Measure the rows whose names begin so; repeatable");
  command->add_flag("--verbose", options->verbose, "Say how the time of a row divides, where that is known");
  command->add_option("--seconds", options->seconds, "Length of one measurement; each is the best of three")
      ->check(CLI::Range(0.05, 600.0))
      ->capture_default_str();
  return {command, [options](const Common& common) {
            const auto device = device_from(common.device);
            const double s = options->seconds;
            std::vector<Measurement> rows = {{"car_racing", [&] { return environment_row(s); }},
                                             {"v_train", [&] { return v_row(s, device); }},
                                             {"m_train", [&] { return m_row(s, device); }},
                                             {"dream_decode", [&] { return dream_row(s, device, 1, true); }},
                                             {"dream_batch", [&] { return dream_row(s, device, 1024, false); }}};
            for (auto& row : minatar_rows(s)) rows.push_back(std::move(row));
            for (auto& row : dreamer_rows(s, common.device)) rows.push_back(std::move(row));
            nlohmann::json json;
            json["threads"] = torch::get_num_threads();
            json["device"] = common.device;
            std::printf("%-48s %12s %18s\n", "", "per second", "per CPU second");
            for (const auto& measurement : rows) {
              const auto wanted = [&](const std::string& name) { return measurement.name.starts_with(name); };
              if (!options->only.empty() && std::none_of(options->only.begin(), options->only.end(), wanted)) continue;
              const auto row = measurement.run();
              std::printf("%-48s %12.0f %18.0f %s\n", row.what.c_str(), row.rate.wall, row.rate.processor,
                          row.unit.c_str());
              auto& entry = json["rows"][row.name];
              entry = {{"what", row.what},
                       {"unit", row.unit},
                       {"rate", row.rate.wall},
                       {"per_processor_second", row.rate.processor}};
              for (const auto& [part, seconds] : row.parts) {
                if (options->verbose) std::printf("    %-44s %12.3f s\n", part.c_str(), seconds);
                entry["parts"][part] = seconds;
              }
              std::fflush(stdout);
            }
            if (options->json.empty()) return;
            write_file(options->json, json.dump(2) + "\n");
          }};
}

}  // namespace dream::cli
