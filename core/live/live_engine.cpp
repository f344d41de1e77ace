#include "core/live/live_engine.h"

#include <algorithm>

#include "api/data.h"
#include "api/error.h"
#include "core/base/platform.h"
#include "core/dream/arena.h"
#include "core/dream/bundle.h"
#include "core/dream/player.h"
#include "core/engine/run_file.h"
#include "core/engine/weight_history.h"
#include "core/env/registry.h"
#include "core/live/data_browser.h"
#include "core/live/gallery.h"
#include "core/live/live_work.h"
#include "core/live/run_list.h"

namespace dream {
namespace {

constexpr double rescan_seconds = 10;  // between two looks at all runs: others train them too

/// What a fault of this command is cured by: the next command of the same cause that succeeds.
std::string cause_of(const Command& command) {
  if (const auto* field = std::get_if<SetField>(&command)) return "setting " + field->key;
  if (std::holds_alternative<StartRun>(command) || std::holds_alternative<OpenRun>(command) ||
      std::holds_alternative<AnswerForeign>(command))
    return "run";
  if (std::holds_alternative<TrainControl>(command) || std::holds_alternative<TrainRun>(command)) return "training";
  if (std::holds_alternative<QueueControl>(command)) return "queue";
  if (std::holds_alternative<RenameRun>(command) || std::holds_alternative<DuplicateRun>(command) ||
      std::holds_alternative<DeleteRun>(command) || std::holds_alternative<RestoreRun>(command))
    return "folder";
  if (std::holds_alternative<DescribeRun>(command)) return "describe";
  if (std::holds_alternative<DreamFromReplay>(command)) return "replay";
  if (std::holds_alternative<LookAtReplay>(command)) return "look";
  if (std::holds_alternative<CompareCurves>(command)) return "curves";
  if (std::holds_alternative<KeepEpisodes>(command)) return "keep";
  if (std::holds_alternative<DreamFrom>(command) || std::holds_alternative<BeginAt>(command)) return "start";
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
      previews_(std::make_shared<PreviewsView>()),
      new_run_(std::make_shared<NewRunView>()),
      run_files_(std::make_shared<RunFilesView>()),
      lab_(std::make_shared<LabView>()),
      keeping_(std::make_shared<KeepingView>()),
      data_(std::make_shared<DataView>()),
      foreign_(std::make_shared<ForeignView>()),
      arena_(std::make_shared<ArenaView>()),
      fault_(std::make_shared<Fault>()),
      weights_(nullptr),
      reference_(nullptr),
      compared_(std::make_shared<std::vector<Compared>>()),
      watched_(nullptr) {
  player_thread_ = std::jthread([this] { play(); });
  trainer_thread_ = std::jthread([this] { train(); });
  file_thread_ = std::jthread([this] { read_files(); });
  preview_thread_ = std::jthread([this] { dream_previews(); });
  lab_thread_ = std::jthread([this] { answer_questions(); });
  data_thread_ = std::jthread([this] { browse_data(); });
  arena_thread_ = std::jthread([this] { dream_beside(); });
  // The dream first: it is what the user waits for.
  const auto shipped = shipped_runs(options_.assets);
  if (!options_.open.empty() || !shipped.empty()) {
    const auto run = options_.open.empty() ? shipped.front() : options_.open;
    const auto instead = shipped.empty() ? std::filesystem::path() : shipped.front();
    file_orders_.push(guarding("opening", [this, run, instead] {
      try {
        open_run(run.string(), options_.world);
      } catch (...) {
        // Whoever names what cannot be opened reads why inside another dream, not in an empty window.
        if (!instead.empty() && instead != run) guarded("run", [&] { open_run(instead.string(), ""); });
        throw;
      }
      if (options_.train) send(TrainControl{TrainControl::Do::start, ""});
    }));
  }
  file_orders_.push(guarding("", [this] { scan_runs(); }));
}

LiveEngine::~LiveEngine() {
  close();
}

std::string LiveEngine::close() {
  if (!quit_) end_keeping();
  quit_ = true;
  player_orders_.push([](Player&) {});
  trainer_orders_.push([](TrainerWork&) {});
  file_orders_.push([] {});
  preview_orders_.push([](Gallery&) {});
  lab_orders_.push([](LabWork&) {});
  data_orders_.push([](DataBrowser&) {});
  arena_orders_.push([](Arena&) {});
  for (auto* thread : {&player_thread_, &trainer_thread_, &file_thread_, &preview_thread_, &lab_thread_, &data_thread_, &arena_thread_}) {
    if (thread->joinable()) thread->join();
  }
  return unsaved_;
}

std::shared_ptr<const Snapshot> LiveEngine::latest() const {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->dream = dream_.get();
  snapshot->train = train_.get();
  snapshot->runs = runs_.get();
  snapshot->previews = previews_.get();
  snapshot->new_run = new_run_.get();
  snapshot->run_files = run_files_.get();
  snapshot->lab = lab_.get();
  snapshot->keeping = keeping_.get();
  snapshot->data = data_.get();
  snapshot->foreign = foreign_.get();
  snapshot->arena = arena_.get();
  snapshot->log = log_.lines();
  snapshot->fault = fault_.get()->text;
  return snapshot;
}

void LiveEngine::send(Command command) {
  const std::string cause = cause_of(command);
  const auto player = [&](auto order) { player_orders_.push(guarding<Player>(cause, std::move(order))); };
  const auto files = [&](auto order) { file_orders_.push(guarding(cause, std::move(order))); };
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
          [&](SetCoupling c) { player([c](Player& p) { p.set_coupling(c.how, c.steps); }); },
          [&](Follow c) { player([c](Player& p) { p.follow(c.instant); }); },
          [&](DoActions& c) { player([c](Player& p) { p.do_actions(c.actions); }); },
          [&](CompareWith c) { player([c](Player& p) { p.compare_with(c.instant); }); },
          [&](OpenFan& c) { player([c](Player& p) { p.open_fan(c.over, c.knob); }); },
          [&](CloseFan) { player([](Player& p) { p.close_fan(); }); },
          [&](TakeFuture c) { player([c](Player& p) { p.take_future(c.which); }); },
          [&](SeePicture& c) {
            player([c](Player& p) {
              if (c.picture) p.see_picture(*c.picture, c.first);
            });
          },
          [&](SetGoal& c) { player([c = SetGoal{c.x, c.y, c.path.empty() ? "" : as_typed(c.path)}](Player& p) { p.set_goal(c); }); },
          [&](ExplainLatent& c) { player([c](Player& p) { p.explain(c.probe, c.index); }); },
          [&](RealityPill) { player([](Player& p) { p.take_pill(); }); },
          [&](EditLatent& c) { player([c](Player& p) { p.edit(c.probe, c.index, c.value); }); },
          [&](HoldLatent& c) { player([c](Player& p) { p.hold({c.probe, c.index, c.value}, c.on); }); },
          [&](RandomiseLatent& c) { player([c](Player& p) { p.randomise(c.probe); }); },
          [&](DreamFromReplay c) { trainer([this, c](TrainerWork& work) { dream_from_replay(work, c.recency); }); },
          [&](DreamFrom& c) { files([this, c] { dream_from(c.path.empty() ? "" : as_typed(c.path)); }); },
          [&](BeginAt& c) { files([this, c] { begin_at(c.moment); }); },
          [&](AskLab& c) {
            const auto number = ++asked_;
            lab_orders_.push(guarding<LabWork>("lab", [this, c, number](LabWork& work) { ask_lab(work, c, number); }));
          },
          [&](WalkBetween& c) {
            lab_orders_.push(guarding<LabWork>("lab", [this, c](LabWork& work) { walk_between(work, c); }));
          },
          [&](CancelLab c) {
            if (c.all) cancelled_ = asked_.load();
            else cancelled_ = std::max(cancelled_.load(), answering_.load());
            lab_orders_.push([](LabWork&) {});
          },
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
          [&](WatchPreviews& c) { preview_orders_.push([c](Gallery& gallery) { gallery.watch(c.paths); }); },
          [&](SeatArena& c) { seat(c); },
          [&](KeepEpisodes c) { player([this, c](Player& p) { keep_episodes(p, c.on); }); },
          [&](KeepBundle& c) {
            player([this, cause, c](Player& p) {  // written by another thread: a slow disk does not hold the dream
              file_orders_.push(guarding(cause, [this, c, kept = p.keep(c.seconds)] {
                kept.save(c.file);
                log_.say("kept: " + c.file);
              }));
            });
          },
          [&](TrainRun& c) {
            files([this, c, cause, number = ++asked_copies_] {
              auto order = c;
              if (!c.copy.empty()) order.path = copy_run(c.path, c.copy, number).string();
              refuse_shipped(order.path, options_.assets);
              trainer_orders_.push(
                  guarding<TrainerWork>(cause, [this, order](TrainerWork& work) { train_run(work, order); }));
            });
          },
          [&](QueueControl& c) { trainer([this, c](TrainerWork& work) { control_queue(work, c); }); },
          [&](OpenRun& c) { files([this, c] { open_run(as_typed(c.path), c.world); }); },
          [&](AnswerForeign& c) { files([this, c] { answer_foreign(c); }); },
          [&](RescanRuns) { file_orders_.push(guarding("", [this] { scan_runs(); })); },
          [&](DescribeRun& c) { files([this, c] { describe_run(c); }); },
          [&](RenameRun& c) { files([this, c] { rename_run(c); }); },
          [&](DuplicateRun& c) { files([this, c, number = ++asked_copies_] { copy_run(c.path, c.name, number); }); },
          [&](DeleteRun& c) { files([this, c] { delete_run(c); }); },
          [&](RestoreRun& c) { files([this, c] { restore_run(c); }); },
          [&](CancelCopy) { cancelled_copies_ = asked_copies_.load(); },
          [&](CompareCurves& c) { file_orders_.push(guarding(cause, [this, c] { compare_curves(c.runs); })); },
          [&](OpenDataset& c) {
            data_orders_.push([c](DataBrowser& b) { b.open(c.path.empty() ? "" : as_typed(c.path)); });
          },
          [&](LookAtEpisode& c) { data_orders_.push([c](DataBrowser& b) { b.look(c.name); }); },
          [&](EditData& c) {
            if (!c.path.empty()) c.path = as_typed(c.path);
            data_orders_.push([c](DataBrowser& b) { b.edit(c); });
          },
          [&](CancelData) {
            cancel_data_ = true;
            data_orders_.push([this](DataBrowser& b) {
              b.stop();
              cancel_data_ = false;
            });
          },
          [&](LookAtReplay c) { trainer([c](TrainerWork& work) { look_at_replay(work, c.recency); }); },
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
  // Nine futures are nine times a dream's work, and the dream waits for them: they get the cores that it leaves free.
  const int of_a_fan = std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 4);
  bool fanned = false;
  while (!quit_) {
    if (player.fan_open() != fanned) {
      fanned = player.fan_open();
      compute_with(fanned ? of_a_fan : 1);
    }
    const double wait = arena_behind_ > most_behind ? 0.25 : std::min(player.until_due(now_seconds()), 0.25);
    for (auto& order : player_orders_.take(std::chrono::duration<double>(wait))) order(player);
    if (quit_) break;
    if (keeping_.get()->on && !player.keeps_episodes()) keep_episodes(player, false);  // another system was loaded
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
    if (arena_behind_ <= most_behind && player.until_due(now) <= 0 && !guarded("step", [&] { player.step(now); }))
      player.control(DreamControl::Do::pause);
    guarded("", [&] {
      if (!player.changed()) return;
      dream_.put(player.view());
      tell_arena(player);
    });
  }
}

void LiveEngine::read_files() {
  name_thread("files");
  lower_thread_priority();
  compute_with(1);
  while (!quit_) {
    for (auto& order : file_orders_.take(std::chrono::duration<double>(0.5))) {
      if (!quit_) order();
    }
    if (!quit_) guarded("", [&] { follow(); });
    if (!quit_ && now_seconds() - scanned_at_ > rescan_seconds) guarded("", [&] { scan_runs(); });
  }
}

void LiveEngine::dream_previews() {
  name_thread("previews");
  lower_thread_priority();
  compute_with(1);
  Gallery gallery(options_.device);
  double rest = 0;
  while (!quit_) {
    for (auto& order : preview_orders_.take(std::chrono::duration<double>(gallery.empty() ? 1 : rest))) {
      order(gallery);
      previews_.put(gallery.view());
    }
    if (quit_ || gallery.empty()) continue;
    rest = gallery.work();
    previews_.put(gallery.view());
  }
}

void LiveEngine::browse_data() {
  name_thread("data");
  lower_thread_priority();
  DataBrowser browser(
      options_.runs, [this] { return quit_ || cancel_data_; },
      [this](std::shared_ptr<const DataView> view) { data_.put(std::move(view)); },
      [this](const std::string& text, bool wrong) { log_.say(text, wrong ? Log::error : Log::info); });
  browser.find();
  while (!quit_) {
    const auto orders = data_orders_.take(std::chrono::duration<double>(browser.reads() ? 0 : rescan_seconds));
    for (auto& order : orders) {
      if (!quit_) order(browser);
    }
    if (quit_) break;
    if (browser.reads()) browser.read_next();
    else if (orders.empty()) browser.find();
  }
}

void LiveEngine::open_bundle(const std::filesystem::path& file) {
  const auto bundle = std::make_shared<const Checkpoint>(Checkpoint::load(file));
  const auto run = run_of_bundle(*bundle, options_.assets, options_.runs);
  open_run(run.string());
  player_orders_.push(guarding<Player>("run", [this, bundle](Player& player) {
    const auto lived = player.replay(*bundle);
    log_.say(bundle->origin + ": " + std::to_string(lived.steps) + " steps lived again, " +
             (lived.first_other < 0 ? "the same to the last bit"
                                    : "not the same from step " + std::to_string(lived.first_other) + " on"));
  }));
}

void LiveEngine::open_run(const std::string& path, const std::string& world) {
  if (is_bundle(path)) return open_bundle(path);
  if (is_start(path)) return dream_from(path);  // an episode or a picture: dreams begin there
  const auto file = checkpoint_path(path);
  if (shows_weights(file)) return;
  const auto tell_opening = [this](const std::string& name) {
    if (dream_.get()->ready) return;
    auto view = std::make_shared<DreamView>();
    view->opening = name;
    dream_.put(std::move(view));
  };
  tell_opening((std::filesystem::path(path) / "").parent_path().filename().string());
  std::shared_ptr<System> system;
  try {
    system = loaded_if_trusted(path, world);
  } catch (...) {
    tell_opening("");
    throw;
  }
  if (!system) return tell_opening("");
  const bool shipped = is_shipped(path, options_.assets), folder = std::filesystem::is_directory(path);
  // A shipped run is called as in the list of runs, however it was spelled.
  system->directory = !folder  ? std::filesystem::path()
                      : shipped ? options_.assets / "runs" / std::filesystem::weakly_canonical(path).filename()
                                : std::filesystem::path(path);
  system->history = folder ? history_of(path) : std::filesystem::absolute(file).parent_path();  // earlier ones lie together
  player_orders_.push(guarding<Player>("run", [this, system, path, shipped](Player& player) {
    player.load(system, shipped ? "shipped: " + std::filesystem::path(path).filename().string() : path);
    log_.say("dreaming with " + path);
  }));
  if (system->directory.empty() || system->phases.empty()) return;
  // A run of the user's own can also be trained on.
  const auto curves = shipped ? std::make_shared<const std::vector<CurveView>>(system->metrics.views(nullptr)) : nullptr;
  trainer_orders_.push(guarding<TrainerWork>("run", [this, path, shipped, curves](TrainerWork& work) {
    work.shipped = shipped ? path : "";
    work.as_shipped = curves;
    if (shipped || (work.trainer && same_folder(work.trainer->system().directory, path))) return;
    if (work.busy()) {
      log_.say(work.trainer->system().directory.string() + " goes on being trained while the dream uses " + path);
      return;
    }
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
  if (trainer->system().phases.empty())
    throw Error(trainer->system().directory.string() + " holds a program of PyTorch's, which learns nothing here");
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

void LiveEngine::compare_curves(const std::vector<std::string>& runs) {
  auto read = std::make_shared<std::vector<Compared>>();
  for (const auto& run : runs)
    read->push_back({run, std::move(load_system(load_run(checkpoint_path(run)), "cpu")->metrics)});
  compared_.put(std::move(read));
}

void LiveEngine::scan_runs() {
  auto found = std::make_shared<const std::vector<RunView>>(list_runs(options_.assets, options_.runs));
  if (*found != *runs_.get()) runs_.put(std::move(found));
  scanned_at_ = now_seconds();
}

}  // namespace dream
