// The house's floors: every room includes rooms of lower floors alone, its own, and none beside it. This is the list.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace dream {
namespace rooms_test {

const std::vector<std::vector<std::string>> floors = {
    {"api"},                     // what crosses between the window and everything else
    {"answers"},                 // the laboratory's, as files
    {"core/base"},               // random streams, files, the operating system
    {"core/env", "core/probe"},  // worlds; what models publish
    {"core/config", "core/nn"},  // settings; carries, generators, layers, checkpoints
    {"core/data"},               // episodes, datasets, replay
    {"core/models"},             //
    {"core/behaviours"},         //
    {"core/engine"},             // phases, trainer, recipes
    {"core/lab", "core/dream"},  // analyses; the player
    {"core/live", "core/serve"},  // joins engine, player and laboratory for the window; lets other programs in
    {"app"}};

/// What the window's own room may include: it knows no others.
const std::set<std::string> window_may = {"ui", "api", "answers"};

std::string room_of(const std::filesystem::path& path) {
  auto part = path.begin();
  const auto first = part->string();
  return first == "core" && ++part != path.end() ? first + "/" + part->string() : first;
}

TEST(Rooms, IncludesGoDownwards) {
  std::map<std::string, std::size_t> floor;
  for (std::size_t i = 0; i < floors.size(); ++i) {
    for (const auto& room : floors[i]) floor[room] = i;
  }
  const std::filesystem::path root = DREAMSCOPE_SOURCE_DIR;
  int includes = 0;
  for (const auto* top : {"answers", "api", "core", "ui", "app"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / top)) {
      const auto ending = entry.path().extension();
      if (ending != ".h" && ending != ".cpp") continue;
      const auto file = entry.path().lexically_relative(root);
      const auto room = room_of(file);
      ASSERT_TRUE(room == "ui" || floor.contains(room)) << file << " is in a room that has no floor yet: add it above";
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) {
        const auto begin = line.find('"');
        if (!line.starts_with("#include") || begin == std::string::npos) continue;
        const auto included = room_of(line.substr(begin + 1, line.find('"', begin + 1) - begin - 1));
        if (included == room || (included != "ui" && !floor.contains(included))) continue;  // not of this house
        ++includes;
        if (room == "ui") {
          EXPECT_TRUE(window_may.contains(included)) << file << ": " << line;
        } else if (included == "ui") {
          EXPECT_EQ(room, "app") << file << ": " << line;
        } else {
          EXPECT_LT(floor[included], floor[room]) << file << ": " << line;
        }
      }
    }
  }
  EXPECT_GT(includes, 200);
}

}  // namespace rooms_test
}  // namespace dream
