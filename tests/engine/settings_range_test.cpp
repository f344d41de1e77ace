// Every setting of every recipe: what it can be is declared, and is not nonsense.
#include <gtest/gtest.h>

#include "api/error.h"
#include "core/engine/system.h"
#include "core/env/registry.h"

namespace dream {
namespace settings_range_test {

std::unique_ptr<System> system_of(const RecipeEntry& recipe, const std::vector<std::string>& settings = {}) {
  RunSpec spec;
  spec.recipe = recipe.name;
  for (const char* world : {"Pendulum", "CarRacing", "CartPole", "DynaMaze", "PointGoal", "PointMaze", "TwoRoom"}) {
    if (spec.environment = world; recipe.lacks(make_env(world)->spaces()).empty()) break;
  }
  spec.settings = settings;
  return make_system(spec);
}

TEST(SettingsRange, EveryNumberHasTwoEndsAndItsDefaultBetweenThem) {
  for (const auto& recipe : recipes()) {
    if (recipe.by_file) continue;
    for (const auto& field : system_of(recipe)->config.fields()) {
      if (std::holds_alternative<bool>(field.initial) || std::holds_alternative<std::string>(field.initial)) continue;
      SCOPED_TRACE(recipe.name + ", " + field.key);
      EXPECT_GT(field.low, -1e100);
      EXPECT_LT(field.high, 1e100);
      const double initial = std::holds_alternative<double>(field.initial)
                                 ? std::get<double>(field.initial)
                                 : static_cast<double>(std::get<std::int64_t>(field.initial));
      EXPECT_GE(initial, field.low);
      EXPECT_LE(initial, field.high);
    }
  }
}

TEST(SettingsRange, AnOptimiserDividesByMoreThanNothing) {
  for (const auto& recipe : recipes()) {
    if (recipe.by_file) continue;
    for (const auto& field : system_of(recipe)->config.fields()) {
      if (!field.key.ends_with(".eps")) continue;
      EXPECT_THROW(system_of(recipe, {field.key + "=0"}), Error) << recipe.name << ", " << field.key;
    }
  }
}

}  // namespace settings_range_test
}  // namespace dream
