#include "core/env/registry.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "api/error.h"
#include "core/base/nearest.h"
#include "core/env/bouncing_square.h"
#include "core/env/bridge/away_world.h"
#include "core/env/bridge/gym_env.h"
#include "core/env/car_racing.h"
#include "core/env/cart_pole.h"
#include "core/env/catch.h"
#include "core/env/hidden_order.h"
#include "core/env/in_turn.h"
#include "core/env/key_door.h"
#include "core/env/linear_quadratic.h"
#include "core/env/maze.h"
#include "core/env/minatar.h"
#include "core/env/pendulum.h"
#include "core/env/point_goal.h"
#include "core/env/point_maze.h"
#include "core/env/repeated.h"
#include "core/env/two_room.h"

namespace dream {

const std::vector<EnvEntry>& environments() {
  static const std::vector<EnvEntry> entries = {
      {"CarRacing", "Drive a lap on a random track, seen from above; steer, gas and brake are continuous.",
       [] { return std::make_unique<CarRacing>(); }},
      {"CarRacingDiscrete", "CarRacing with five actions: nothing, right, left, gas, brake.",
       [] { return std::make_unique<CarRacing>(CarRacingOptions{.continuous = false}); }},
      {"CarRacingRandomized", "CarRacing with other colours in every episode.",
       [] { return std::make_unique<CarRacing>(CarRacingOptions{.domain_randomize = true}); }},
      {"MinAtarBreakout", "Keep the ball in play and break the wall, on 10 x 10 cells.",
       [] { return std::make_unique<MinAtarEnv>(MinAtarGame::breakout); }},
      {"MinAtarAsterix", "Collect gold and keep clear of enemies, on 10 x 10 cells.",
       [] { return std::make_unique<MinAtarEnv>(MinAtarGame::asterix); }},
      {"MinAtarFreeway", "Bring a chicken across eight lanes of cars, on 10 x 10 cells.",
       [] { return std::make_unique<MinAtarEnv>(MinAtarGame::freeway); }},
      {"MinAtarSeaquest", "Shoot fish, save divers and mind the oxygen, on 10 x 10 cells.",
       [] { return std::make_unique<MinAtarEnv>(MinAtarGame::seaquest); }},
      {"MinAtarSpaceInvaders", "Shoot the aliens before they come down, on 10 x 10 cells.",
       [] { return std::make_unique<MinAtarEnv>(MinAtarGame::space_invaders); }},
      {"Pendulum", "Swing a pendulum up and hold it there, by a torque that is too weak to lift it at once.",
       [] { return std::make_unique<Pendulum>(); }},
      {"CartPole", "Balance a pole on a cart by pushing the cart left or right.",
       [] { return std::make_unique<CartPole>(); }},
      {"CartPoleSwingUp", "Swing the pole on the cart up and hold it there, pushing as hard as one likes.",
       [] { return std::make_unique<CartPoleSwingUp>(); }},
      {"Catch", "Catch the falling ball with the paddle.", [] { return std::make_unique<Catch>(); }},
      {"KeyDoor", "Amber key, upper door; blue key, lower door. The key is out of sight by then, so remember it.",
       [] { return std::make_unique<KeyDoor>(); }},
      {"HiddenOrder", "Collect things in an order that nobody shows; find it, and remember it for as long as the episode lasts.",
       [] { return std::make_unique<HiddenOrder>(); },
       [](const auto& factors) { return std::make_unique<HiddenOrder>(HiddenOrderOptions::from(factors)); }},
      {"BouncingSquare", "Move a square that bounces off the walls, and keep it in the middle.",
       [] { return std::make_unique<BouncingSquare>(); }},
      {"DynaMaze", "Find the way through a maze of 6 x 9 cells.",
       [] { return std::make_unique<Maze>(MazeKind::dyna); }},
      {"BlockingMaze", "Walk to the goal again and again; after 1000 steps the short way closes.",
       [] { return std::make_unique<Maze>(MazeKind::blocking); }},
      {"ShortcutMaze", "Walk to the goal again and again; after 3000 steps a shorter way opens.",
       [] { return std::make_unique<Maze>(MazeKind::shortcut); }},
      {"LinearQuadratic", "Push a puck to the middle and keep it there; how well that can be done is known exactly.",
       [] { return std::make_unique<LinearQuadratic>(); }},
      {"PointGoal", "Drive from goal to goal between hazards, in which every moment costs; an episode may cost 25.",
       [] { return std::make_unique<PointGoal>(); }},
      {"PointMaze", "Push a point through a maze to a goal, and stay there.",
       [] { return std::make_unique<PointMaze>(); },
       [](const auto& factors) { return std::make_unique<PointMaze>(PointMazeOptions::from(factors)); }},
      {"TwoRoom", "Bring a dot through a door to where a picture shows it, in the other room.",
       [] { return std::make_unique<TwoRoom>(); },
       [](const auto& factors) { return std::make_unique<TwoRoom>(TwoRoomOptions::from(factors)); }},
      {"ControlTrio", "Cart-pole swing-up, pendulum and point robot in turn, for one network that learns all three.",
       [] {
         std::vector<InTurn::World> worlds;
         // A push is held for 0.08 s: energy takes many of its own 0.02 s to gather.
         worlds.push_back({"CartPoleSwingUp", std::make_unique<RepeatedEnv>(std::make_unique<CartPoleSwingUp>(), 4)});
         worlds.push_back({"Pendulum", std::make_unique<Pendulum>()});
         worlds.push_back({"PointGoal", std::make_unique<PointGoal>()});
         return std::make_unique<InTurn>("ControlTrio", std::move(worlds));
       }},
  };
  return entries;
}

namespace {

/// "dot=2,colour=rose" as a map.
std::map<std::string, std::string> factors_of(const std::string& name, const std::string& text) {
  std::map<std::string, std::string> factors;
  std::size_t from = 0;
  while (from < text.size()) {
    const auto end = std::min(text.find(',', from), text.size()), equals = text.find('=', from);
    if (equals >= end) throw Error(fmt::format("'{}': a factor reads name=value, as in TwoRoom[dot=2]", name));
    factors[text.substr(from, equals - from)] = text.substr(equals + 1, end - equals - 1);
    from = end + 1;
  }
  return factors;
}

std::unique_ptr<Env> of_python(const std::string& name) {
  if (auto away = lately_away(name)) return away;
  try {
    return std::make_unique<GymEnv>(name);
  } catch (const Error& error) {
    if (auto away = away_world(name, error.what())) return away;
    throw;
  }
}

}  // namespace

std::unique_ptr<Env> make_env(const std::string& full) {
  if (full.substr(0, full.find('[')).find(':') != std::string::npos) return of_python(full);
  const bool varied = full.ends_with(']') && full.find('[') != std::string::npos;
  const std::string name = varied ? full.substr(0, full.find('[')) : full;
  std::vector<std::string> known;
  for (const EnvEntry& entry : environments()) {
    if (entry.name == name && !varied) return entry.make();
    if (entry.name == name && !entry.vary) throw Error(fmt::format("{} has no factors of variation: leave '[…]' out.", name));
    if (entry.name == name) return entry.vary(factors_of(full, full.substr(name.size() + 1, full.size() - name.size() - 2)));
    known.push_back(entry.name);
  }
  const std::string guess = nearest(name, known);
  throw Error(fmt::format("Unknown environment '{}'{} Known: {}.", name,
                          guess.empty() ? "." : fmt::format("; did you mean '{}'?", guess), fmt::join(known, ", ")));
}

}  // namespace dream
