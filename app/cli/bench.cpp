#include <ATen/Parallel.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "api/error.h"
#include "api/platform_time.h"
#include "app/cli/bench_rows.h"
#include "app/cli/verb.h"
#include "core/base/durable_file.h"
#include "core/base/platform.h"
#include "core/env/registry.h"
#include "core/nn/device.h"

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
  return {"car_racing", "CarRacing, one core, 96×96 frame included", "steps/s", value};
}

}  // namespace

BenchFolder::BenchFolder() {
  std::random_device chance;
  path = std::filesystem::temp_directory_path() / ("dreamscope-bench-" + std::to_string(chance()));
  std::filesystem::create_directories(path);
}

BenchFolder::~BenchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

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
    std::vector<std::string> only, worlds, videos;
    std::int64_t lanes = 8;
    double seconds = 2;
    bool verbose = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand(
      "bench", "Measure this machine; network work beside its large matrix product. bench/compare.py and "
      "bench/compare_dreamer.py set others beside it");
  command->add_option("--json", options->json, "Write the figures to this file");
  command->add_option("--only", options->only, "Measure the rows whose names begin so; repeatable");
  command->add_option("--world", options->worlds, "Measure this world alone, random actions; repeatable. bench/compare_gym.py sets "
                      "plain Python beside it");
  command->add_option("--video", options->videos, "Measure the reading of this video alone, to 64 × 64; repeatable. bench/compare_video.py "
                      "sets others beside it");
  command->add_option("--lanes", options->lanes, "Instances of --world side by side")->transform(whole_between(1, 4096))->capture_default_str();
  command->add_flag("--verbose", options->verbose, "Say how the time of a row divides, where that is known");
  command->add_option("--seconds", options->seconds, "Length of one measurement; each is the best of three")
      ->transform(number_between(0.05, 600))
      ->capture_default_str();
  return {command, [options](const Common& common) {
            if (!options->json.empty()) check_destination(options->json);
            const auto device = device_from(common.device);
            const double s = options->seconds;
            std::vector<Measurement> rows = {{"car_racing", [&] { return environment_row(s); }}};
            for (auto& row : vmc_rows(s, device)) rows.push_back(std::move(row));
            for (auto& row : minatar_rows(s)) rows.push_back(std::move(row));
            for (auto& row : dreamer_rows(s, common.device)) rows.push_back(std::move(row));
            for (auto& row : planning_rows(s, common.device)) rows.push_back(std::move(row));
            for (auto& row : representation_rows(s, common.device)) rows.push_back(std::move(row));
            for (auto& row : dream_rows(s, common.device)) rows.push_back(std::move(row));
            for (auto& row : video_rows(s)) rows.push_back(std::move(row));
            if (!options->videos.empty()) rows = video_rows(s, options->videos);
            if (!options->worlds.empty()) rows = world_rows(options->worlds, options->lanes, s);
            const auto wanted = [&](const Measurement& row) {
              return options->only.empty() || std::ranges::any_of(options->only, [&](const std::string& name) { return row.name.starts_with(name); });
            };
            if (std::ranges::none_of(rows, wanted)) {
              std::string known;
              for (const auto& row : rows) known += (known.empty() ? "" : ", ") + row.name;
              throw Error("no row's name begins as --only says; the rows are: " + known);
            }
            nlohmann::json json;
            json["threads"] = at::get_num_threads();
            json["device"] = common.device;
            std::printf("%-48s %12s %18s\n", "", "per second", "per CPU second");
            Peaks peaks;
            for (const auto& measurement : rows) {
              if (!wanted(measurement)) continue;
              const auto row = measurement.run();
              const int digits = row.rate.wall < 100 ? 2 : 0;
              std::printf("%-48s %12.*f %18.*f %s\n", row.what.c_str(), digits, row.rate.wall, digits, row.rate.processor,
                          row.unit.c_str());
              auto& entry = json["rows"][row.name];
              entry = {{"what", row.what},
                       {"unit", row.unit},
                       {"rate", row.rate.wall},
                       {"per_processor_second", row.rate.processor}};
              if (row.flop > 0) {
                if (peaks.float32 == 0) peaks = measure_peaks(s, device);
                const double reached = row.rate.wall * row.flop;
                std::printf("    %.4g GFLOP each, %.0f GFLOP/s", row.flop / 1e9, reached / 1e9);
                entry["flop"] = row.flop;
                const auto share = [&](const char* type, double peak, const char* before) {
                  if (peak == 0) return;
                  std::printf("%s%.0f %% of %.0f %s", before, 100 * reached / peak, peak / 1e9, type);
                  entry[std::string("share_of_") + type + "_peak"] = reached / peak;
                  json[std::string("peak_") + type] = peak;
                };
                share("float32", peaks.float32, ": ");
                share("bfloat16", peaks.bfloat16, ", ");
                std::printf("\n");
              }
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
