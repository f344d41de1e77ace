#include "core/engine/live_engine.h"

#include <algorithm>

#include "api/error.h"
#include "core/base/platform.h"
#include "core/dream/player.h"
#include "core/engine/run_list.h"
#include "core/env/registry.h"

namespace dream {
namespace {

constexpr double publish_seconds = 0.1;  // between two views of the training
constexpr double weights_seconds = 2;    // between two copies of the weights for the player
constexpr double showing_share = 0.1;    // of the training's time may go into pictures and probes of its batch

std::string words_of(const std::exception& error) {
  if (const auto* torch_error = dynamic_cast<const c10::Error*>(&error)) {
    return std::string("Torch failed: ") + torch_error->what_without_backtrace();
  }
  return error.what();
}

/// Whether two spellings name one folder. An empty one names none.
bool same_folder(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code ignored;
  return !a.empty() && !b.empty() &&
         std::filesystem::weakly_canonical(a / "", ignored) == std::filesystem::weakly_canonical(b / "", ignored);
}

/// Threads of the calling thread's networks. Torch gives a thread that computes for the first time the number that any
/// thread has set last, so that moment is brought forward.
void compute_with(int threads) {
  torch::get_num_threads();
  torch::set_num_threads(threads);
}

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

}  // namespace

/// What the trainer thread owns.
struct LiveEngine::TrainerWork {
  std::unique_ptr<Trainer> trainer;
  bool running = false, one_step = false, failed = false, look = false;  // look: something else is watched now
  std::string fault;
  double weights_at = 0, show_at = 0;  // not before
  std::set<std::string> watched;       // probes that the window shows
  std::vector<Frame> frames;           // what was made last, and for which
  std::vector<Probe> probes;
  std::vector<std::string> probe_names;

  void take(std::unique_ptr<Trainer> next) {
    if (trainer) trainer->close();
    auto watching = std::move(watched);
    *this = {};
    trainer = std::move(next);
    watched = std::move(watching);
  }
};

LiveEngine::LiveEngine(Options options)
    : options_(std::move(options)),
      dream_(std::make_shared<DreamView>()),
      train_(std::make_shared<TrainView>()),
      runs_(std::make_shared<std::vector<RunView>>()),
      fault_(std::make_shared<std::string>()),
      weights_(nullptr),
      reference_(nullptr) {
  player_thread_ = std::jthread([this] { play(); });
  trainer_thread_ = std::jthread([this] { train(); });
  file_thread_ = std::jthread([this] { read_files(); });
  // The dream first: it is what the user waits for.
  const auto shipped = shipped_runs(options_.assets);
  if (!options_.open.empty() || !shipped.empty()) {
    file_orders_.push(
        [this, run = options_.open.empty() ? shipped.front() : options_.open] { open_run(run.string()); });
  }
  file_orders_.push([this] { scan_runs(); });
}

LiveEngine::~LiveEngine() {
  quit_ = true;
  player_orders_.push([](Player&) {});
  trainer_orders_.push([](TrainerWork&) {});
  file_orders_.push([] {});
}

void LiveEngine::fault(const std::string& text) {
  log_.say(text, Log::error);
  fault_.put(std::make_shared<const std::string>(text));
}

template <typename Work>
bool LiveEngine::guarded(Work&& work) {
  try {
    work();
    return true;
  } catch (const std::exception& error) {
    fault(words_of(error));
    return false;
  }
}

std::shared_ptr<const Snapshot> LiveEngine::latest() const {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->dream = dream_.get();
  snapshot->train = train_.get();
  snapshot->runs = runs_.get();
  snapshot->log = log_.lines();
  snapshot->fault = *fault_.get();
  return snapshot;
}

void LiveEngine::send(Command command) {
  const auto player = [this](PlayerOrder order) { player_orders_.push(std::move(order)); };
  const auto trainer = [this](TrainerOrder order) { trainer_orders_.push(std::move(order)); };
  std::visit(
      Overloaded{
          [&](DreamControl c) { player([c](Player& p) { p.control(c.what); }); },
          [&](Drive& c) { player([c](Player& p) { p.drive(c); }); },
          [&](SetPilot c) { player([c](Player& p) { p.set_pilot(c.human); }); },
          [&](SetTemperature c) { player([c](Player& p) { p.set_temperature(c.mixture, c.sigma); }); },
          [&](SetSpeed c) { player([c](Player& p) { p.set_speed(c.steps_per_second); }); },
          [&](SetTwin c) { player([c](Player& p) { p.set_twin(c.on); }); },
          [&](EditLatent& c) { player([c](Player& p) { p.edit(c.probe, c.index, c.value); }); },
          [&](HoldLatent& c) { player([c](Player& p) { p.hold({c.probe, c.index, c.value}, c.on); }); },
          [&](RandomiseLatent& c) { player([c](Player& p) { p.randomise(c.probe); }); },
          [&](DreamFromReplay c) { trainer([this, c](TrainerWork& work) { dream_from_replay(work, c.place); }); },
          [&](WatchProbes& c) {
            player([c](Player& p) { p.watch(c.names); });
            trainer([c](TrainerWork& work) {
              work.look = work.look || work.watched != c.names;
              work.watched = c.names;
            });
          },
          [&](TrainControl& c) {
            trainer([c](TrainerWork& work) {
              if (!work.trainer) throw Error("no run is open; start a new one, or open one from the list");
              if (!c.phase.empty() && c.what != TrainControl::Do::pause && c.what != TrainControl::Do::stop)
                work.trainer->choose(c.phase);
              switch (c.what) {
                case TrainControl::Do::start:
                case TrainControl::Do::step:
                  if (work.failed) work.trainer->reload();
                  work.failed = false;
                  work.fault.clear();
                  work.running = c.what == TrainControl::Do::start;
                  work.one_step = !work.running;
                  break;
                case TrainControl::Do::pause:
                  work.running = work.one_step = false;
                  break;
                case TrainControl::Do::stop:
                  work.running = work.one_step = false;
                  work.trainer->close();
                  work.trainer->choose("");
                  break;
              }
            });
          },
          [&](SetField& c) {
            trainer([c](TrainerWork& work) {
              if (work.trainer) work.trainer->set(c.key, c.value);
            });
          },
          [&](StartRun& c) {
            trainer([this, c](TrainerWork& work) {
              if (c.directory.empty()) throw Error("the new run needs a folder, for example runs/car");
              RunSpec spec;
              spec.recipe = c.recipe;
              spec.environment = c.environment;
              spec.directory = c.directory;
              spec.settings = c.settings;
              spec.device = options_.device;
              auto next = std::make_unique<Trainer>(make_system(spec),
                                                    Trainer::Options{options_.checkpoint_seconds, ""}, false);
              take_up(work, std::move(next));
              log_.say("new run in " + c.directory);
              file_orders_.push([this] { scan_runs(); });
            });
          },
          [&](OpenRun& c) { file_orders_.push([this, c] { open_run(c.path); }); },
          [&](RescanRuns) { file_orders_.push([this] { scan_runs(); }); },
          [&](DismissFault) {
            fault_.put(std::make_shared<const std::string>());
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
    for (auto& order : player_orders_.take(std::chrono::duration<double>(wait))) guarded([&] { order(player); });
    if (quit_) break;
    if (const auto newest = weights_.get(); newest != taken) {
      taken = newest;
      guarded([&] {
        if (player.loaded() && same_folder(player.system().directory, taken->directory)) {
          player.take_weights(*taken->values, taken->directory.string() + ", live");
        }
      });
    }
    const double now = now_seconds();
    // A step that fails pauses the dream: one fault, not fifty a second.
    if (player.until_due(now) <= 0 && !guarded([&] { player.step(now); })) player.control(DreamControl::Do::pause);
    guarded([&] {
      if (player.changed()) dream_.put(player.view());
    });
  }
}

void LiveEngine::train() {
  name_thread("trainer");
  yield_to_others();
  compute_with(options_.threads > 0 ? options_.threads
                                    : static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  TrainerWork work;
  std::uint64_t version = 0;
  double published_at = 0;
  bool changed = true;  // since then
  const auto publish = [&](bool with_frames) {
    auto view = std::make_shared<TrainView>();
    view->version = ++version;
    view->fault = work.fault;
    for (const RecipeEntry& entry : recipes()) view->recipes.push_back({entry.name, entry.title + ": " + entry.help});
    for (const EnvEntry& entry : environments()) view->environments.push_back({entry.name, entry.help});
    if (work.trainer) {
      const auto reference = reference_.get();
      auto& system = work.trainer->system();
      view->open = true;
      view->busy = work.running || work.one_step;
      view->run = system.directory.string();
      view->recipe = system.recipe;
      view->environment = system.environment;
      view->phases = work.trainer->phases(view->busy);
      view->curves = system.metrics.views(reference.get());
      view->fields = system.config.fields();
      view->saved_seconds_ago = work.trainer->saved_seconds_ago();
      view->memory_bytes = system.memory_bytes ? system.memory_bytes() : 0;
      view->budget_bytes = system.budget_bytes ? system.budget_bytes() : 0;
      if (auto* phase = work.trainer->current()) {
        if (with_frames) guarded([&] { show_batch(*phase, work); });
        view->frames = work.frames;
        view->probes = work.probes;
        view->probe_names = work.probe_names;
        view->warnings = phase->warnings();
        view->replay_frames = phase->replay_frames();
      }
    }
    train_.put(std::move(view));
    published_at = now_seconds();
    changed = false;
  };
  while (!quit_) {
    const bool busy = work.running || work.one_step;
    for (auto& order : trainer_orders_.take(std::chrono::duration<double>(busy ? 0 : 0.25))) {
      changed = true;
      guarded([&] { order(work); });
    }
    if (quit_) break;
    if (work.trainer && (work.running || work.one_step)) {
      changed = true;
      try {
        if (!work.trainer->advance()) {
          work.running = work.one_step = false;
          work.trainer->close();
          log_.say("all phases of " + work.trainer->system().directory.string() + " are complete");
        }
      } catch (const std::exception& error) {
        work.running = work.one_step = false;
        work.failed = true;
        work.fault = words_of(error);
        log_.say(work.fault, Log::error);
      }
      if (work.one_step && work.trainer->units() > 0) {  // reading and collecting first are no step of the training
        work.one_step = false;
        work.show_at = 0;
        publish(true);
      }
      if (now_seconds() - work.weights_at > weights_seconds) {
        work.weights_at = now_seconds();
        weights_.put(std::make_shared<const LiveWeights>(
            LiveWeights{work.trainer->weights(), work.trainer->system().directory}));
      }
    }
    // The time since the last checkpoint, and the reference that the file thread reads, change by themselves.
    if (work.trainer) changed = true;
    if (changed && now_seconds() - published_at > (work.running ? publish_seconds : 0.5))
      publish(work.running || work.look);
  }
  if (work.trainer) guarded([&] { work.trainer->close(); });
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

void LiveEngine::dream_from_replay(TrainerWork& work, double place) {
  const auto* phase = work.trainer ? work.trainer->current() : nullptr;
  if (!phase || phase->replay_frames() == 0) {
    throw Error("there is no replay to dream from: it exists while a phase that collects is running or paused");
  }
  // The player takes the weights of this moment, and its own copy of the system where it dreams with another run.
  const auto piece = phase->replay_piece(place);
  const auto weights = work.trainer->weights();
  const auto directory = work.trainer->system().directory;
  player_orders_.push([this, piece, weights, directory](Player& player) {
    const auto title = directory.string() + ", live";
    if (player.loaded() && player.system().directory == directory) {
      player.take_weights(*weights, title);
    } else {
      auto system = std::shared_ptr<System>(load_system(*weights, options_.device));
      system->directory = directory;
      player.load(std::move(system), title);
    }
    player.begin_at(piece);
  });
}

void LiveEngine::read_files() {
  name_thread("files");
  yield_to_others();
  compute_with(1);
  while (!quit_) {
    for (auto& order : file_orders_.take(std::chrono::duration<double>(0.5))) guarded([&] { order(); });
  }
}

void LiveEngine::open_run(const std::string& path) {
  const auto file = checkpoint_path(path);
  const auto checkpoint = Checkpoint::load(file);
  auto system = std::shared_ptr<System>(load_system(checkpoint, options_.device));
  system->directory = std::filesystem::is_directory(path) ? std::filesystem::path(path) : std::filesystem::path();
  const bool shipped = is_shipped(path, options_.assets);
  player_orders_.push([this, system, path, shipped](Player& player) {
    player.load(system, shipped ? "shipped: " + std::filesystem::path(path).filename().string() : path);
    log_.say("dreaming with " + path);
  });
  if (system->directory.empty() || shipped) return;
  // A run of the user's own can also be trained on.
  trainer_orders_.push([this, path, checkpoint](TrainerWork& work) {
    if (work.trainer && same_folder(work.trainer->system().directory, path)) return;
    if (work.running)
      throw Error("a run is being trained: stop it before " + path + " can be trained; the dream uses it now");
    RunSpec spec;
    spec.recipe = checkpoint.text("recipe");
    spec.environment = checkpoint.text("environment");
    spec.toml = checkpoint.text("config");
    spec.toml_origin = path;
    spec.directory = path;
    spec.device = options_.device;
    auto next = std::make_unique<Trainer>(make_system(spec), Trainer::Options{options_.checkpoint_seconds, ""}, true);
    take_up(work, std::move(next));
  });
}

void LiveEngine::take_up(TrainerWork& work, std::unique_ptr<Trainer> trainer) {
  const auto &recipe = trainer->system().recipe, &environment = trainer->system().environment;
  file_orders_.push([this, recipe, environment] { read_reference(recipe, environment); });
  work.take(std::move(trainer));
}

void LiveEngine::read_reference(const std::string& recipe, const std::string& environment) {
  reference_.put(nullptr);
  for (const auto& shipped : shipped_runs(options_.assets)) {
    const auto file = checkpoint_path(shipped);
    const auto about = Checkpoint::peek(file);
    if (about.text("recipe") != recipe || about.text("environment") != environment) continue;
    auto system = load_system(Checkpoint::load(file), "cpu");
    reference_.put(std::make_shared<const Metrics>(std::move(system->metrics)));
    return;
  }
}

void LiveEngine::scan_runs() {
  runs_.put(std::make_shared<const std::vector<RunView>>(list_runs(options_.assets, options_.runs)));
}

}  // namespace dream
