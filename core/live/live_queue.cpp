// Runs that wait to be trained: the next one is begun when one is complete, and what waits outlives the program.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/live/live_work.h"

namespace dream {

void LiveEngine::start_queued(TrainerWork& work) {
  while (!work.running && !work.queue.empty()) {
    const auto next = std::move(work.queue.front());
    work.queue.pop_front();
    guarded("queue", [&] {
      if (const auto* begun = std::get_if<StartRun>(&next.order)) {
        start_run(work, *begun);
        control_training(work, {TrainControl::Do::start, ""});
      } else {
        train_run(work, std::get<TrainRun>(next.order));
      }
    });
  }
  keep_queue(work);
}

namespace {

std::filesystem::path queue_file(const std::filesystem::path& runs) {
  return runs / ".queue.json";
}

/// As it is written down; "" where nothing waits.
template <typename Queue>
std::string kept_text(const Queue& queue) {
  auto all = nlohmann::json::array();
  for (const auto& [id, order] : queue) {
    if (const auto* begun = std::get_if<StartRun>(&order))
      all.push_back({{"recipe", begun->recipe}, {"world", begun->environment}, {"folder", begun->directory}, {"settings", begun->settings}});
    else
      all.push_back({{"folder", std::get<TrainRun>(order).path}});
  }
  return all.empty() ? "" : all.dump(1) + "\n";
}

}  // namespace

void LiveEngine::keep_queue(TrainerWork& work) {
  const auto text = kept_text(work.queue);
  if (text == work.kept_queue) return;
  work.kept_queue = text;
  guarded("queue file", [&] {
    const auto file = queue_file(options_.runs);
    if (text.empty()) {
      std::filesystem::remove(file);
      return;
    }
    make_folder(options_.runs);
    write_file(file, text);
  });
}

void LiveEngine::recall_queue(TrainerWork& work) {
  const auto file = queue_file(options_.runs);
  if (!std::filesystem::exists(file)) return;
  guarded("queue file", [&] {
    const auto all = nlohmann::json::parse(read_text_file(file, 1 << 20), nullptr, false);
    if (!all.is_array()) throw Error(file.string() + " is damaged: a list of the runs that wait was expected. It is left as it is");
    for (const auto& each : all) {
      const auto text = [&](const char* key) { return each.is_object() && each.contains(key) && each[key].is_string() ? each[key].get<std::string>() : std::string(); };
      if (text("folder").empty()) continue;
      if (text("recipe").empty()) {
        work.queue.push_back({++work.queued, TrainRun{text("folder"), "", false, true}});
        continue;
      }
      StartRun begun{text("recipe"), text("world"), text("folder"), {}, false, true};
      if (each.contains("settings") && each["settings"].is_array())
        for (const auto& setting : each["settings"])
          if (setting.is_string()) begun.settings.push_back(setting.get<std::string>());
      work.queue.push_back({++work.queued, std::move(begun)});
    }
    if (!work.queue.empty())
      log_.say(std::to_string(work.queue.size()) + (work.queue.size() == 1 ? " run waits" : " runs wait") + " to be trained since the last time: Runs, queue");
    work.kept_queue = kept_text(work.queue);
  });
}

void LiveEngine::control_queue(TrainerWork& work, const QueueControl& command) {
  auto& queue = work.queue;
  const auto found = std::find_if(queue.begin(), queue.end(), [&](const auto& q) { return q.id == command.id; });
  if (found == queue.end()) return;  // its turn has come meanwhile
  if (command.what == QueueControl::Do::remove) {
    queue.erase(found);
    return keep_queue(work);
  }
  if (work.busy())
    throw Error(work.trainer->system().directory.string() + " is being trained: stop it before the next one is begun");
  std::rotate(queue.begin(), found, found + 1);
  start_queued(work);
}

}  // namespace dream
