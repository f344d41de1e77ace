// The training half of the window's engine: the trainer's thread and what it is told.
#include <algorithm>

#include "api/error.h"
#include "core/base/platform.h"
#include "core/dream/player.h"
#include "core/engine/weight_history.h"
#include "core/env/registry.h"
#include "core/live/live_work.h"
#include "core/live/run_list.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr double publish_seconds = 0.1;  // between two views of the training
constexpr double weights_seconds = 2;    // between two copies of the weights for the player
constexpr double showing_share = 0.1;    // of the training's time may go into pictures and probes of its batch

}  // namespace

void LiveEngine::train() {
  name_thread("trainer");
  lower_thread_priority();
  compute_with(options_.threads > 0 ? options_.threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  TrainerWork work;
  std::uint64_t version = 0;
  double published_at = 0;
  bool changed = true;  // since then
  const auto publish = [&](bool with_frames) {
    published_at = now_seconds();
    changed = false;
    guarded("publish", [&] {
      auto view = training_view(work, with_frames);
      view->version = ++version, view->published_at = published_at;
      train_.put(std::move(view));
    });
  };
  recall_queue(work);
  while (!quit_) {
    for (auto& order : trainer_orders_.take(std::chrono::duration<double>(work.busy() ? 0 : 0.25))) {
      changed = true;
      order(work);
    }
    if (quit_) break;
    if (work.trainer && work.busy()) {
      changed = true;
      advance(work);
      if (work.one_step && work.trainer->units() > 0) {  // reading and collecting first are no step of the training
        work.one_step = false, work.show_at = 0;
        publish(true);
      }
      if (now_seconds() - work.weights_at > weights_seconds) {
        work.weights_at = now_seconds();
        guarded("weights", [&] { hand_over_weights(work); });
      }
    }
    // The time since the last checkpoint, and the reference that the file thread reads, change by themselves.
    if (work.trainer) changed = true;
    if (changed && now_seconds() - published_at > (work.running ? publish_seconds : 0.5)) publish(work.running || work.look);
    tell_what_is_watched(work);
  }
  try {
    if (work.trainer) work.trainer->close();
  } catch (const std::exception& error) {
    unsaved_ = in_words(error);
  }
}

/// One step of the training; after the last one, or one that failed, what waits is begun.
void LiveEngine::advance(TrainerWork& work) {
  try {
    if (work.trainer->advance()) return;
    work.running = work.one_step = false;
    work.trainer->close();
    log_.say("all phases of " + work.trainer->system().directory.string() + " are complete");
    start_queued(work);
  } catch (const std::exception& error) {
    work.running = work.one_step = false;
    work.fault = in_words(error);
    log_.say(work.fault, Log::error);
    if (work.queue.empty()) return;
    // The next one is begun all the same, and what went wrong here stays to be read.
    fault_.put(std::make_shared<const Fault>(Fault{"training", work.fault}));
    start_queued(work);
  }
}

std::shared_ptr<TrainView> LiveEngine::training_view(TrainerWork& work, bool with_frames) {
  auto view = std::make_shared<TrainView>();
  view->fault = work.fault;
  for (const RecipeEntry& entry : recipes())
    if (!entry.by_file) view->recipes.push_back({entry.name, entry.title + ": " + entry.help, entry.world});
  for (const EnvEntry& entry : environments()) view->environments.push_back({entry.name, entry.help});
  for (const auto& [id, order] : work.queue) {
    if (const auto* begun = std::get_if<StartRun>(&order))
      view->queue.push_back({id, begun->directory, begun->recipe, begun->environment});
    else
      view->queue.push_back({id, std::get<TrainRun>(order).path, "", ""});
  }
  if (!work.trainer) {
    if (work.as_shipped) view->curves = *work.as_shipped;
    return view;
  }
  const auto reference = reference_.get();
  auto& system = work.trainer->system();
  view->open = true, view->busy = work.busy();
  view->run = system.directory.string(), view->recipe = system.recipe, view->environment = system.environment;
  view->phases = work.trainer->phases(view->busy);
  view->curves = system.metrics.views(reference.get());
  const auto compared = compared_.get();
  for (const auto& other : *compared) {
    other.curves.lay_over(other.run, view->curves);
    view->compared.push_back(other.run);
  }
  view->fields = system.config.fields();
  view->saved_seconds_ago = work.trainer->saved_seconds_ago();
  if (!work.trainer->taken()) view->trained_by = work.trained_by;
  view->memory_bytes = system.memory_bytes ? system.memory_bytes() : 0;
  view->budget_bytes = system.budget_bytes ? system.budget_bytes() : 0;
  if (auto* phase = work.trainer->current()) {
    if (with_frames) guarded("", [&] { show_batch(*phase, work); });
    view->frames = work.frames, view->probes = work.probes, view->probe_names = work.probe_names;
    view->warnings = phase->warnings();
    view->replay_frames = phase->replay_frames(), view->replay_frame = work.replay_frame;
  }
  return view;
}

void LiveEngine::control_training(TrainerWork& work, const TrainControl& command) {
  if (!work.trainer) {
    refuse_shipped(work.shipped, options_.assets);
    throw Error("no run is open; start a new one, or open one from the list");
  }
  auto& trainer = *work.trainer;
  using Do = TrainControl::Do;
  if (command.what == Do::start || command.what == Do::step) {
    if (!command.phase.empty()) trainer.choose(command.phase);
    trainer.take();
    work.fault.clear();
    work.running = command.what == Do::start;
    work.one_step = !work.running;
    return;
  }
  work.running = work.one_step = false;
  if (command.what == Do::pause) return;
  trainer.close();
  trainer.choose("");
}

void LiveEngine::start_run(TrainerWork& work, const StartRun& command) {
  const auto directory = as_typed(command.directory);
  if (directory.empty()) throw Error("the new run needs a folder, for example runs/car");
  const bool busy = work.busy();
  if (busy && !command.stop_training && !command.queued) {
    throw Error(work.trainer->system().directory.string() +
                " is being trained: stop it before another run is begun, or let it be stopped");
  }
  std::error_code ignored;
  const auto is_waiting = [&](const TrainerWork::Queued& waiting) {
    const auto* order = std::get_if<StartRun>(&waiting.order);
    return order && same_folder(order->directory, directory);
  };
  if (std::filesystem::is_regular_file(std::filesystem::path(directory) / "checkpoint.safetensors", ignored) ||
      std::any_of(work.queue.begin(), work.queue.end(), is_waiting))
    throw Error(directory + " holds a run already: choose another folder, or open that run to go on with it");
  RunSpec spec;
  spec.recipe = command.recipe;
  spec.environment = command.environment;
  spec.directory = directory;
  spec.settings = command.settings;
  spec.device = options_.device;
  auto system = make_system(spec);
  if (busy && command.queued) {  // it is known now that it can be begun
    work.queue.push_back({++work.queued, command});
    std::get<StartRun>(work.queue.back().order).directory = directory;
    keep_queue(work);
    log_.say(directory + " is begun after the training under way");
    return;
  }
  take_up(work, std::make_unique<Trainer>(std::move(system), trainer_options(), false));
  log_.say("new run in " + directory);
  file_orders_.push(guarding("", [this] { scan_runs(); }));
}

void LiveEngine::train_run(TrainerWork& work, const TrainRun& command) {
  const bool open = work.trainer && same_folder(work.trainer->system().directory, command.path);
  if (work.busy() && !open) {
    if (command.queued) {
      work.queue.push_back({++work.queued, command});
      keep_queue(work);
      log_.say(command.path + " is trained after the training under way");
      return;
    }
    if (!command.stop_training)
      throw Error(work.trainer->system().directory.string() + " is being trained: stop it before " + command.path +
                  " is trained, or let it be stopped");
  }
  if (!open) take_up(work, Trainer::open(command.path, trainer_options(), options_.device));
  if (!work.trainer->notice().empty()) log_.say(work.trainer->notice());
  control_training(work, {TrainControl::Do::start, ""});
}

void LiveEngine::hand_over_weights(TrainerWork& work) {
  weights_.put(
      std::make_shared<const LiveWeights>(LiveWeights{work.trainer->weights(), work.trainer->system().directory}));
}

void LiveEngine::tell_what_is_watched(TrainerWork& work) {
  const auto before = watched_.get();
  if (!work.trainer || work.trainer->taken()) {
    if (before) watched_.put(nullptr);
    return;
  }
  const Watched now{work.trainer->system().directory, work.trainer->mark()};
  if (!before || *before != now) watched_.put(std::make_shared<const Watched>(now));
}

/// Pictures and probes of the batch, as far as somebody looks and the training can spare the time.
void LiveEngine::show_batch(Phase& phase, TrainerWork& work) {
  const double began = now_seconds();
  if (began < work.show_at && !work.look) return;
  work.look = false;
  work.frames = phase.frames();
  work.probe_names = phase.probe_names();
  ProbeSink sink(work.watched);
  phase.report(sink);
  work.probes = sink.take();
  const double now = now_seconds();
  work.show_at = now + (now - began) * (1 - showing_share) / showing_share;
}

void LiveEngine::look_at_replay(TrainerWork& work, double recency) {
  work.replay_frame = {};
  const auto* phase = work.trainer ? work.trainer->current() : nullptr;
  if (!phase || phase->replay_frames() == 0) return;
  const auto piece = phase->replay_piece(recency);
  if (!piece.image.defined()) return;
  const auto last = piece.image[piece.steps() - 1][0].to(torch::kCPU);
  work.replay_frame = {"replay", "where the dream would begin", -1, std::make_shared<const Image>(image_from(last))};
}

void LiveEngine::dream_from_replay(TrainerWork& work, double recency) {
  const auto* phase = work.trainer ? work.trainer->current() : nullptr;
  if (!phase || phase->replay_frames() == 0) {
    throw Error("there is no replay to dream from: it exists while a phase that collects is running or paused");
  }
  // The player takes the weights of this moment, and its own copy of the system where it dreams with another run.
  const auto piece = phase->replay_piece(recency);
  const auto weights = work.trainer->weights();
  const auto directory = work.trainer->system().directory;
  player_orders_.push(guarding<Player>("replay", [this, piece, weights, directory](Player& player) {
    const auto title = directory.string() + ", live";
    if (player.loaded() && player.system().directory == directory) {
      player.take_weights(*weights, title);
    } else {
      auto system = std::shared_ptr<System>(load_system(*weights, options_.device));
      system->directory = directory;
      system->history = history_of(directory);
      player.load(std::move(system), title);
    }
    player.begin_at(piece);
  }));
}

}  // namespace dream
