#include "core/live/live_engine.h"

#include <algorithm>

#include "api/error.h"
#include "core/base/platform.h"
#include "core/dream/player.h"
#include "core/engine/run_file.h"
#include "core/env/registry.h"
#include "core/live/live_work.h"
#include "core/live/run_list.h"

namespace dream {
namespace {

/// What a fault of this command is cured by: the next command of the same cause that succeeds.
std::string cause_of(const Command& command) {
  if (const auto* field = std::get_if<SetField>(&command)) return "setting " + field->key;
  if (std::holds_alternative<StartRun>(command) || std::holds_alternative<OpenRun>(command)) return "run";
  if (std::holds_alternative<TrainControl>(command)) return "training";
  if (std::holds_alternative<DreamFromReplay>(command)) return "replay";
  if (std::holds_alternative<DreamFrom>(command)) return "start";
  return "dream";
}

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

}  // namespace

LiveEngine::LiveEngine(Options options)
    : options_(std::move(options)),
      dream_(std::make_shared<DreamView>()),
      train_(std::make_shared<TrainView>()),
      runs_(std::make_shared<std::vector<RunView>>()),
      fault_(std::make_shared<Fault>()),
      weights_(nullptr),
      reference_(nullptr),
      watched_(nullptr) {
  player_thread_ = std::jthread([this] { play(); });
  trainer_thread_ = std::jthread([this] { train(); });
  file_thread_ = std::jthread([this] { read_files(); });
  // The dream first: it is what the user waits for.
  const auto shipped = shipped_runs(options_.assets);
  if (!options_.open.empty() || !shipped.empty()) {
    const auto run = options_.open.empty() ? shipped.front() : options_.open;
    file_orders_.push(guarding("run", [this, run] {
      open_run(run.string());
      if (options_.train) send(TrainControl{TrainControl::Do::start, ""});
    }));
  }
  file_orders_.push(guarding("", [this] { scan_runs(); }));
}

LiveEngine::~LiveEngine() {
  close();
}

std::string LiveEngine::close() {
  quit_ = true;
  player_orders_.push([](Player&) {});
  trainer_orders_.push([](TrainerWork&) {});
  file_orders_.push([] {});
  for (auto* thread : {&player_thread_, &trainer_thread_, &file_thread_}) {
    if (thread->joinable()) thread->join();
  }
  return unsaved_;
}

std::shared_ptr<const Snapshot> LiveEngine::latest() const {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->dream = dream_.get();
  snapshot->train = train_.get();
  snapshot->runs = runs_.get();
  snapshot->log = log_.lines();
  snapshot->fault = fault_.get()->text;
  return snapshot;
}

void LiveEngine::send(Command command) {
  const std::string cause = cause_of(command);
  const auto player = [&](auto order) { player_orders_.push(guarding<Player>(cause, std::move(order))); };
  const auto trainer = [&](auto order) { trainer_orders_.push(guarding<TrainerWork>(cause, std::move(order))); };
  std::visit(
      Overloaded{
          [&](DreamControl c) { player([c](Player& p) { p.control(c.what); }); },
          [&](Drive& c) { player([c](Player& p) { p.drive(c); }); },
          [&](SetPilot c) { player([c](Player& p) { p.set_pilot(c.human); }); },
          [&](SetKnob& c) { player([c](Player& p) { p.set_knob(c.name, c.value); }); },
          [&](SetSpeed c) { player([c](Player& p) { p.set_speed(c.steps_per_second); }); },
          [&](StartAt c) { player([c](Player& p) { p.start_at(c.seed); }); },
          [&](GoTo c) { player([c](Player& p) { p.go_to(c.instant); }); },
          [&](SetTwin c) { player([c](Player& p) { p.set_twin(c.on); }); },
          [&](SetAnchor c) { player([c](Player& p) { p.set_anchor(c.every); }); },
          [&](RealityPill) { player([](Player& p) { p.take_pill(); }); },
          [&](EditLatent& c) { player([c](Player& p) { p.edit(c.probe, c.index, c.value); }); },
          [&](HoldLatent& c) { player([c](Player& p) { p.hold({c.probe, c.index, c.value}, c.on); }); },
          [&](RandomiseLatent& c) { player([c](Player& p) { p.randomise(c.probe); }); },
          [&](DreamFromReplay c) { trainer([this, c](TrainerWork& work) { dream_from_replay(work, c.recency); }); },
          [&](DreamFrom& c) { file_orders_.push(guarding(cause, [this, c] { dream_from(c.path); })); },
          [&](WatchProbes& c) {
            player([c](Player& p) { p.watch(c.names); });
            trainer([c](TrainerWork& work) {
              work.look = work.look || work.watched != c.names;
              work.watched = c.names;
            });
          },
          [&](TrainControl& c) { trainer([this, c](TrainerWork& work) { control_training(work, c); }); },
          [&](SetField& c) {
            trainer([c](TrainerWork& work) {
              if (!work.trainer) return;
              // Another run may have come in between: its settings are its own.
              if (!c.run.empty() && c.run != work.trainer->system().directory.string()) return;
              for (const auto& field : work.trainer->system().config.fields()) {
                if (field.key == c.key && !field.live && !field.fixed && work.running)
                  throw Error(c.key + " cannot change while a phase runs: pause first");
              }
              work.trainer->set(c.key, c.value);
            });
          },
          [&](StartRun& c) { trainer([this, c](TrainerWork& work) { start_run(work, c); }); },
          [&](OpenRun& c) { file_orders_.push(guarding(cause, [this, c] { open_run(c.path); })); },
          [&](RescanRuns) { file_orders_.push(guarding("", [this] { scan_runs(); })); },
          [&](DismissFault) {
            fault_.put(std::make_shared<const Fault>());
            trainer([](TrainerWork& work) { work.fault.clear(); });
          },
      },
      command);
}

void LiveEngine::play() {
  name_thread("player");
  compute_with(1);  // the window and the training have the other cores
  Player player;
  std::shared_ptr<const LiveWeights> taken;
  while (!quit_) {
    const double wait = std::min(player.until_due(now_seconds()), 0.25);
    for (auto& order : player_orders_.take(std::chrono::duration<double>(wait))) order(player);
    if (quit_) break;
    if (const auto newest = weights_.get(); newest != taken) {
      taken = newest;
      guarded("dream", [&] {
        if (player.loaded() && same_folder(player.system().directory, taken->directory)) {
          player.take_weights(*taken->values, taken->directory.string() + ", live");
        }
      });
    }
    const double now = now_seconds();
    // A step that fails pauses the dream: one fault, not fifty a second.
    if (player.until_due(now) <= 0 && !guarded("step", [&] { player.step(now); }))
      player.control(DreamControl::Do::pause);
    guarded("", [&] {
      if (player.changed()) dream_.put(player.view());
    });
  }
}

void LiveEngine::read_files() {
  name_thread("files");
  lower_thread_priority();
  compute_with(1);
  while (!quit_) {
    for (auto& order : file_orders_.take(std::chrono::duration<double>(0.5))) order();
    if (!quit_) follow();
  }
}

void LiveEngine::open_run(const std::string& path) {
  const auto file = checkpoint_path(path);
  const auto checkpoint = load_run(file);
  auto system = std::shared_ptr<System>(load_system(checkpoint, options_.device));
  system->directory = std::filesystem::is_directory(path) ? std::filesystem::path(path) : std::filesystem::path();
  const bool shipped = is_shipped(path, options_.assets);
  player_orders_.push(guarding<Player>("run", [this, system, path, shipped](Player& player) {
    player.load(system, shipped ? "shipped: " + std::filesystem::path(path).filename().string() : path);
    log_.say("dreaming with " + path);
  }));
  if (system->directory.empty()) return;
  // A run of the user's own can also be trained on.
  trainer_orders_.push(guarding<TrainerWork>("run", [this, path, shipped](TrainerWork& work) {
    work.shipped = shipped ? path : "";
    if (shipped || (work.trainer && same_folder(work.trainer->system().directory, path))) return;
    if (work.running)
      throw Error("a run is being trained: stop it before " + path + " can be trained; the dream uses it now");
    take_up(work, Trainer::open(path, trainer_options(), options_.device));
    if (!work.trainer->notice().empty()) log_.say(work.trainer->notice());
  }));
}

void LiveEngine::follow() {
  const auto watched = watched_.get();
  if (!watched) {
    told_.clear();
    return;
  }
  const auto by = writer_of(watched->directory);
  if (const auto told = watched->directory.string() + '\n' + by; told != told_) {
    told_ = told;
    trainer_orders_.push([by](TrainerWork& work) { work.trained_by = by; });
  }
  const auto mark = mark_of(watched->directory / "checkpoint.safetensors");
  if (mark == watched->mark || mark == followed_ || mark.changed == 0) return;
  followed_ = mark;
  guarded("follow", [&] {
    auto next = std::make_shared<std::unique_ptr<Trainer>>(
        Trainer::open(watched->directory, trainer_options(), options_.device));
    trainer_orders_.push(guarding<TrainerWork>("follow", [this, watched, next](TrainerWork& work) {
      if (!work.trainer || work.trainer->taken() || work.trainer->system().directory != watched->directory) return;
      work.take(std::move(*next));
      hand_over_weights(work);
    }));
  });
}

/// Opened here, so that a slow disk does not hold the dream.
void LiveEngine::dream_from(const std::string& path) {
  std::shared_ptr<StartSource> source = path.empty() ? start_in_environment() : start_from_file(path);
  player_orders_.push(guarding<Player>("start", [this, source](Player& player) {
    player.start_from(source);
    log_.say(source->name().empty() ? "dreams begin in the environment" : "dreams begin at the " + source->name());
  }));
}

void LiveEngine::take_up(TrainerWork& work, std::unique_ptr<Trainer> trainer) {
  const auto &recipe = trainer->system().recipe, &environment = trainer->system().environment;
  file_orders_.push(guarding("", [this, recipe, environment] { read_reference(recipe, environment); }));
  work.take(std::move(trainer));
}

void LiveEngine::read_reference(const std::string& recipe, const std::string& environment) {
  reference_.put(nullptr);
  for (const auto& shipped : shipped_runs(options_.assets)) {
    const auto file = checkpoint_path(shipped);
    const auto about = Checkpoint::peek(file);
    if (about.text("recipe") != recipe || about.text("environment") != environment) continue;
    auto system = load_system(load_run(file), "cpu");
    reference_.put(std::make_shared<const Metrics>(std::move(system->metrics)));
    return;
  }
}

void LiveEngine::scan_runs() {
  runs_.put(std::make_shared<const std::vector<RunView>>(list_runs(options_.assets, options_.runs)));
}

}  // namespace dream
