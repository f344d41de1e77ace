// Files of PyTorch's in the window: weights without code are listed, programs run once the user has agreed.
#include "api/error.h"
#include "core/base/trust.h"
#include "core/engine/guests.h"
#include "core/engine/run_file.h"
#include "core/engine/script/script_recipe.h"
#include "core/live/live_work.h"
#include "core/nn/weight_views.h"

namespace dream {

bool LiveEngine::shows_weights(const std::filesystem::path& file) {
  constexpr std::size_t bars = 32;
  if (foreign_file(file) != ForeignFile::weights) return false;
  auto view = std::make_shared<ForeignView>();
  view->path = file.string();
  view->bytes = static_cast<double>(std::filesystem::file_size(file));
  view->weights = saved_weight_views(file, bars);
  log_.say(view->path + " holds weights without code: they can be looked at");
  foreign_.put(std::move(view));
  return true;
}

std::shared_ptr<System> LiveEngine::loaded_if_trusted(const std::string& path, const std::string& world) {
  const auto file = checkpoint_path(path);
  try {
    std::string away;
    auto system = load_with_driver(load_run(file), options_.device, world, &away);
    if (!away.empty()) log_.say(away, Log::warning);
    return system;
  } catch (const Untrusted& asked) {
    auto view = std::make_shared<ForeignView>();
    view->path = path, view->sha256 = asked.sha256, view->world = world;
    view->bytes = static_cast<double>(std::filesystem::file_size(file));
    log_.say(asked.what());
    foreign_.put(std::move(view));
    return nullptr;
  }
}

void LiveEngine::answer_foreign(const AnswerForeign& command) {
  const auto asked = *foreign_.get();
  if (asked.path != command.path || asked.sha256 != command.sha256) return;  // another question has taken its place
  foreign_.put(std::make_shared<const ForeignView>());
  if (!command.run || asked.sha256.empty()) return;
  trust(asked.sha256, asked.path);
  open_run(asked.path, asked.world);
}

}  // namespace dream
