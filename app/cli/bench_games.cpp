#include "app/cli/bench_rows.h"
#include "core/env/minatar.h"

namespace dream::cli {
namespace {

Row minatar_row(MinAtarGame game, const std::string& name, const std::string& title, double seconds) {
  MinAtarEnv env(game);
  std::vector<std::uint8_t> planes(env.spaces().vector_names.size());
  std::uint64_t seed = 0;
  std::uint32_t noise = 1;
  env.reset(seed);
  const auto value = rate(seconds, [&] {
    constexpr int steps = 1000;
    for (int i = 0; i < steps; ++i) {
      noise = noise * 1664525 + 1013904223;  // a generator that costs nothing beside the game; its upper bits
      const auto action = static_cast<float>(((noise >> 16) * 6) >> 16);
      if (env.step({&action, 1}).done()) env.reset(++seed);
      env.planes(planes);
    }
    return static_cast<double>(steps);
  });
  return {name, "MinAtar " + title + ", one core, planes included", "steps/s", value};
}

}  // namespace

std::vector<Measurement> minatar_rows(double seconds) {
  std::vector<Measurement> rows;
  const auto add = [&](MinAtarGame game, const std::string& name, const std::string& title) {
    rows.push_back({name, [=] { return minatar_row(game, name, title, seconds); }});
  };
  add(MinAtarGame::breakout, "minatar_breakout", "Breakout");
  add(MinAtarGame::asterix, "minatar_asterix", "Asterix");
  add(MinAtarGame::freeway, "minatar_freeway", "Freeway");
  add(MinAtarGame::seaquest, "minatar_seaquest", "Seaquest");
  add(MinAtarGame::space_invaders, "minatar_space_invaders", "Space Invaders");
  return rows;
}

}  // namespace dream::cli
