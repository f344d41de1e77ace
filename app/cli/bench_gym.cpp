#include "api/error.h"
#include "app/cli/bench_rows.h"
#include "core/engine/lanes.h"
#include "core/env/registry.h"

namespace dream::cli {
namespace {

/// Random actions in so many lanes, as collecting drives them: all step at once, and those whose episodes end begin
/// anew at once.
Row world_row(const std::string& world, std::int64_t count, double seconds) {
  EnvLanes lanes([&] { return make_env(world); }, count);
  std::uint64_t seed = 0;
  std::vector<Lanes::Start> starts;
  for (std::int64_t lane = 0; lane < count; ++lane) starts.push_back({lane, seed++});
  lanes.start_all(starts);
  const auto& space = lanes.spaces().action;
  const auto axes = static_cast<std::int64_t>(space.size());
  const std::vector<char> all(static_cast<std::size_t>(count), 1);
  const auto low = torch::tensor(space.low), high = torch::tensor(space.high);
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> actions;  // drawn before: what is measured is the world
  for (int i = 0; i < 64; ++i) {
    const auto share = torch::rand({count, axes});
    actions.push_back(space.discrete() ? (share * static_cast<double>(space.choices.size())).floor()
                                       : low + share * (high - low));
  }
  std::size_t turn = 0;
  const auto value = rate(seconds, [&] {
    for (int i = 0; i < 20; ++i) {
      const auto results = lanes.step(actions[turn++ % actions.size()], all);
      starts.clear();
      for (std::int64_t lane = 0; lane < count; ++lane)
        if (results[static_cast<std::size_t>(lane)].done()) starts.push_back({lane, seed++});
      lanes.start_all(starts);
    }
    return static_cast<double>(20 * count);
  });
  return {"world " + world + " " + std::to_string(count), world + ", " + std::to_string(count) + " lanes", "steps/s",
          value};
}

}  // namespace

std::vector<Measurement> world_rows(const std::vector<std::string>& worlds, std::int64_t lanes, double seconds) {
  std::vector<Measurement> rows;
  for (const auto& world : worlds)
    rows.push_back({"world " + world + " " + std::to_string(lanes), [=] { return world_row(world, lanes, seconds); }});
  return rows;
}

}  // namespace dream::cli
