// What the window's engine does with runs' folders, on the thread that reads files.
#include <algorithm>
#include <cmath>
#include <map>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/dream/player.h"
#include "core/engine/run_file.h"
#include "core/live/live_work.h"
#include "core/live/run_folder.h"
#include "core/live/run_list.h"

namespace dream {
namespace {

std::string setting_of(const Field& field) {
  struct Text {
    std::string operator()(bool v) const { return v ? "true" : "false"; }
    std::string operator()(std::int64_t v) const { return std::to_string(v); }
    std::string operator()(double v) const { return number_text(v); }
    std::string operator()(const std::string& v) const { return v; }
  };
  return field.key + '=' + std::visit(Text{}, field.value);
}

std::vector<Field> fields_of(const RunSpec& spec) {
  return make_system(spec)->config.fields();
}

/// What a new run must be told to have the settings of `like`. Choices come first: a size or a preset sets many others.
std::vector<std::string> settings_like(const RunSpec& like) {
  const auto wanted = fields_of(like);
  RunSpec spec;
  spec.recipe = like.recipe;
  spec.environment = like.environment;
  for (const bool choices : {true, false}) {
    const auto now = fields_of(spec);
    for (std::size_t i = 0; i < wanted.size() && i < now.size(); ++i) {
      if (wanted[i].value != now[i].value && (!choices || std::holds_alternative<std::string>(wanted[i].value)))
        spec.settings.push_back(setting_of(wanted[i]));
    }
  }
  return spec.settings;
}

void take_if_it_can_be(Config& config, const std::string& setting) {
  try {
    config.set_text(setting);
  } catch (const Error&) {  // what is wrong is said once, by make_system
  }
}

std::string with_commas(double number) {
  auto text = std::to_string(std::llround(number));
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), 1, ',');
  return text;
}

/// A folder's name for a run of this recipe in this world, without its options: "car-racing-dreamer-v3".
std::string name_for(const std::string& environment, const std::string& recipe) {
  std::string name;
  for (const char c : environment.substr(0, environment.find('['))) {
    const bool upper = c >= 'A' && c <= 'Z', plain = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if ((upper || !plain) && !name.empty() && name.back() != '-') name += '-';
    if (plain) name += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return name + '-' + recipe;
}

}  // namespace

void LiveEngine::describe_run(const DescribeRun& asked) {
  auto view = std::make_shared<NewRunView>();
  view->recipe = asked.recipe, view->environment = asked.environment, view->directory = asked.directory;
  view->settings = asked.settings, view->like = asked.like;
  RunSpec spec;
  std::unique_ptr<System> system;
  try {
    if (!asked.like.empty()) {
      auto checkpoint = Checkpoint::peek(checkpoint_path(as_typed(asked.like)));
      migrate(checkpoint);
      const auto like = spec_of(checkpoint, "cpu");
      view->recipe = like.recipe, view->environment = like.environment;
      view->settings = settings_like(like);
    }
    spec.recipe = view->recipe, spec.environment = view->environment, spec.settings = view->settings;
    system = make_system(spec);
    view->fields = system->config.fields();
  } catch (const std::exception& error) {
    view->wrong = in_words(error);
    try {  // the settings all the same, with what of the given ones can be
      spec.settings.clear();
      system = make_system(spec);
      for (const auto& setting : view->settings) take_if_it_can_be(system->config, setting);
      view->fields = system->config.fields();
    } catch (const std::exception&) {  // this recipe does not serve this world: it has none
    }
  }
  const auto waiting = train_.get();
  const auto is_taken = [&](const std::string& folder) {
    std::error_code ignored;
    return std::filesystem::exists(folder + "/checkpoint.safetensors", ignored) ||
           std::any_of(waiting->queue.begin(), waiting->queue.end(),
                       [&](const QueuedRun& run) { return same_folder(run.run, folder); });
  };
  const auto wanted = (options_.runs / name_for(view->environment, view->recipe)).string();
  view->free_folder = free_folder(wanted).string();
  for (int i = 2; is_taken(view->free_folder); ++i) view->free_folder = wanted + '-' + std::to_string(i);
  const auto directory = as_typed(view->directory);
  std::error_code ignored;
  if (view->wrong.empty() && is_taken(directory)) {
    view->wrong = directory + " holds a run already: choose another folder, or go on with that run";
  } else if (view->wrong.empty() && std::filesystem::exists(directory, ignored) &&
             !std::filesystem::is_directory(directory, ignored)) {
    view->wrong = directory + " is a file; a folder for the new run was expected";
  }
  try {
    if (system) view->expected = expectation(*system);
    if (const auto world = system ? system->make_env() : nullptr; world && world->away()) {
      view->expected = "what needs the real world will not run here: " + world->away()->why;
      if (view->expected.ends_with('.')) view->expected.pop_back();  // the sentence goes on
    }
  } catch (const std::exception&) {  // a damaged run tells nothing
  }
  new_run_.put(std::move(view));
}

/// What runs of this recipe in this world tell of how long one takes. Only what is written there: no guess.
std::string LiveEngine::expectation(System& like) {
  const auto runs = runs_.get();
  std::string own;
  for (const RunView& run : *runs) {
    if (!run.usable || run.recipe != like.recipe || run.environment != like.environment) continue;
    if (!run.shipped) {
      if (own.empty() && !run.training.empty()) own = run.path + " stands at " + run.training;
      continue;
    }
    if (expected_for_ == run.path) return expected_;
    expected_for_ = run.path;
    expected_.clear();
    like.metrics.load(Checkpoint::load(checkpoint_path(run.path)));
    std::map<std::string, double> longest;  // of what the curves of its training count
    for (const auto& curve : like.metrics.views(nullptr)) {
      if (!curve.x.empty() && !curve.name.starts_with("evaluate/"))
        longest[curve.x_unit] = std::max(longest[curve.x_unit], curve.x.back());
    }
    for (const auto& [unit, count] : longest)
      expected_ += (expected_.empty() ? "the shipped run " + run.name + " took " : ", ") + with_commas(count) + ' ' +
                   unit + (count == 1 ? "" : "s");
    return expected_;
  }
  return own;
}

void LiveEngine::rename_run(const RenameRun& command) {
  require_own(command.path, options_.assets);
  const auto to = dream::rename_run(command.path, command.name);
  log_.say(command.path + " is now " + to.string());
  scan_runs();
  moved(command.path, to);
}

/// Player and trainer go on with a run under its new name; an empty one: it is gone.
void LiveEngine::moved(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (!to.empty()) {
    player_orders_.push(guarding<Player>("folder", [from, to](Player& player) {
      if (player.loaded() && same_folder(player.system().directory, from)) player.rename(to);
    }));
  }
  trainer_orders_.push(guarding<TrainerWork>("folder", [this, from, to](TrainerWork& work) {
    if (!work.trainer || !same_folder(work.trainer->system().directory, from)) return;
    if (to.empty())
      work.take(nullptr);
    else
      take_up(work, Trainer::open(to, trainer_options(), options_.device));
  }));
}

std::filesystem::path LiveEngine::copy_run(const std::string& path, const std::string& name, std::int64_t number) {
  const auto run = std::filesystem::path(as_typed(path));
  const bool shipped = is_shipped(run, options_.assets);
  const auto to = (shipped ? options_.runs : (run / "").lexically_normal().parent_path().parent_path()) / name;
  auto view = *run_files_.get();
  view.copying = run.string() + " to " + to.string();
  view.progress = 0;
  double told = 0;
  const auto done = [&] {
    view.copying.clear();
    run_files_.put(std::make_shared<const RunFilesView>(view));
  };
  try {
    dream::copy_run(run, to, [&](double bytes, double all) {
      if (const double now = now_seconds(); now - told > 0.1) {
        told = now;
        view.progress = all > 0 ? bytes / all : 1;
        run_files_.put(std::make_shared<const RunFilesView>(view));
      }
      return cancelled_copies_ < number && !quit_;
    });
  } catch (...) {
    done();
    throw;
  }
  done();
  log_.say(run.string() + " was copied to " + to.string());
  scan_runs();
  return to;
}

void LiveEngine::delete_run(const DeleteRun& command) {
  require_own(command.path, options_.assets);
  const auto kept = dream::delete_run(command.path);
  log_.say(command.path + " was moved to " + kept.string());
  auto view = *run_files_.get();
  view.deleted.push_back({command.path, kept.string()});
  run_files_.put(std::make_shared<const RunFilesView>(std::move(view)));
  scan_runs();
  moved(command.path, {});
}

void LiveEngine::restore_run(const RestoreRun& command) {
  auto view = *run_files_.get();
  const auto found = std::find_if(view.deleted.begin(), view.deleted.end(),
                                  [&](const DeletedRun& run) { return run.kept == command.kept; });
  if (found == view.deleted.end()) return;
  dream::restore_run(found->kept, found->path);
  log_.say(found->path + " is back");
  view.deleted.erase(found);
  run_files_.put(std::make_shared<const RunFilesView>(std::move(view)));
  scan_runs();
}

}  // namespace dream
