// What is lived through in the real world becomes a dataset: the player hands episodes over, the file thread writes them.
#include <future>

#include "core/data/dataset.h"
#include "core/dream/player.h"
#include "core/engine/system.h"
#include "core/live/live_engine.h"
#include "core/live/live_work.h"

namespace dream {
namespace {

constexpr auto patience = std::chrono::seconds(10);  // that the program's end waits for an episode to be written

/// "CarRacing-by-hand" beside the runs: a world's name may hold what folders' names should not.
std::filesystem::path folder_for(const std::filesystem::path& runs, std::string world) {
  for (char& c : world)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') c = '-';
  return runs.parent_path() / "data" / (world + "-by-hand");
}

}  // namespace

void LiveEngine::keep_episodes(Player& player, bool on) {
  if (!on || !player.loaded()) {
    player.keep_episodes({});
    file_orders_.push([this] { kept_.reset(); });
    auto view = std::make_shared<KeepingView>(*keeping_.get());
    view->on = false;
    keeping_.put(std::move(view));
    return;
  }
  const auto& system = player.system();
  const auto folder = folder_for(options_.runs, system.environment);
  const DatasetInfo info{system.environment, "by hand", system.make_env()->spaces()};
  // What the file thread does has a cause of its own: the command, which is done before or after, would cure its fault.
  player.keep_episodes([this](Episode episode) {
    auto shared = std::make_shared<const Episode>(std::move(episode));
    file_orders_.push([this, shared] {
      if (!kept_) return;  // it could not be opened, which is a fault that nothing has cured
      guarded("kept", [&] {
        kept_->append(*shared);
        auto view = std::make_shared<KeepingView>(*keeping_.get());
        view->episodes = static_cast<std::int64_t>(kept_->episodes()), view->steps = kept_->steps();
        log_.say("kept " + std::to_string(shared->length()) + " steps in " + view->folder);
        keeping_.put(std::move(view));
      });
    });
  });
  file_orders_.push(guarding("kept", [this, folder, info] {
    kept_.reset();
    try {
      kept_ = std::make_shared<DatasetWriter>(folder, info);
    } catch (...) {
      player_orders_.push([this](Player& p) { keep_episodes(p, false); });  // no command, whose success would cure the fault
      throw;
    }
    keeping_.put(std::make_shared<const KeepingView>(KeepingView{true, folder.string(), static_cast<std::int64_t>(kept_->episodes()), kept_->steps()}));
    log_.say("what you drive is kept in " + folder.string());
  }));
}

void LiveEngine::end_keeping() {
  if (!keeping_.get()->on) return;
  auto done = std::make_shared<std::promise<void>>();
  auto written = done->get_future();
  player_orders_.push([this, done](Player& player) {
    player.keep_episodes({});
    file_orders_.push([done] { done->set_value(); });
  });
  written.wait_for(patience);
}

}  // namespace dream
