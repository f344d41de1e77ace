// Further models that dream beside the player's, in a thread of their own.
#include "core/dream/arena.h"
#include "core/live/live_work.h"
#include "core/live/run_list.h"

namespace dream {

void LiveEngine::dream_beside() {
  name_thread("arena");
  compute_with(1);
  Arena arena(options_.device);
  bool works = false;
  while (!quit_) {
    const auto orders = arena_orders_.take(std::chrono::duration<double>(works ? 0 : 1));
    for (auto& order : orders) order(arena);
    if (quit_) break;
    works = arena.work();
    const bool waited = arena_behind_ > most_behind;
    arena_behind_ = arena.behind();
    if (waited && arena_behind_ <= most_behind) player_orders_.push([](Player&) {});  // it need not wait any longer
    if (works || !orders.empty()) arena_.put(arena.view());
  }
}

void LiveEngine::seat(const SeatArena& command) {
  arena_open_ = !command.runs.empty();
  std::vector<std::string> runs;
  for (const auto& typed : command.runs) {  // shipped ones are called as in the list of runs, however they were spelled
    const auto path = as_typed(typed);
    runs.push_back(is_shipped(path, options_.assets)
                       ? (options_.assets / "runs" / std::filesystem::weakly_canonical(path).filename()).string()
                       : path);
  }
  arena_orders_.push([runs](Arena& arena) { arena.seat(runs); });
  player_orders_.push([this](Player& player) { tell_arena(player); });
}

void LiveEngine::tell_arena(const Player& player) {
  if (!arena_open_) {
    arena_behind_ = 0;
    return;
  }
  arena_orders_.push([line = player.line()](Arena& arena) { arena.hear(line); });
}

}  // namespace dream
