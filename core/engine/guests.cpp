#include "core/engine/guests.h"

#include "api/error.h"
#include "core/behaviours/guest.h"
#include "core/behaviours/own_or_planned.h"
#include "core/engine/run_file.h"
#include "core/nn/generator.h"

namespace dream {
namespace {

/// It looks at one black picture: whoever needs numbers of the world beside it fails here.
void check_looks_at_pictures(Guest& guest, const Spaces& spaces, const torch::Device& device, const std::string& run) {
  torch::NoGradGuard no_grad;
  const auto image = torch::zeros({1, spaces.image_height, spaces.image_width, spaces.image_channels}, torch::TensorOptions(device).dtype(torch::kUInt8));
  try {
    guest.decide({.observation = {.image = image, .vector = {}}, .last_reward = torch::zeros({1}, device)}, guest.initial(1), Mode::judge, make_generator(device, 0));
  } catch (const std::exception&) {
    throw Error(run + " does not drive by pictures alone, and a dream shows no more");
  }
}

}  // namespace

void invite_driver(System& system, const std::filesystem::path& run) {
  const auto file = checkpoint_path(run);
  const auto home = std::shared_ptr<System>(load_system(load_run(file), system.device.str()));
  const auto name = file.string();
  if (home->environment != system.environment) throw Error(name + " drives in " + home->environment + ", and this run is of " + system.environment);
  if (!home->model || !home->behaviour) throw Error(name + " has nobody who drives by what a model sees");
  const auto spaces = home->make_env()->spaces(), here = system.make_env()->spaces();
  const auto& actions = spaces.action;
  if (actions.size() != here.action.size() || home->model->actions(spaces).size() != actions.size() ||
      (system.model && system.model->actions(here).size() != actions.size()))
    throw Error(name + " has other actions than this run");
  if (spaces.image_bytes() == 0 || here.image_bytes() == 0) throw Error(name + " drives by pictures, which one of the two worlds does not show");
  if (torch::NoGradGuard no_grad; system.model && !system.model->predict(system.model->initial(1)).frame.defined())
    throw Error("this run's dream has no pictures, and " + name + " drives by them");
  const auto guest = std::make_shared<Guest>(home->model, home->behaviour, static_cast<std::int64_t>(actions.size()), spaces.image_height, spaces.image_width);
  check_looks_at_pictures(*guest, spaces, system.device, name);
  if (const auto own = std::dynamic_pointer_cast<OwnOrPlanned>(system.driver)) {
    own->invite(guest, home->title);
  } else if (!system.driver || system.driver == system.behaviour) {
    system.driver = guest;
  } else {
    throw Error("this run has a driver of its own kind, in whose place nobody else drives");
  }
}

std::shared_ptr<System> load_with_driver(const Checkpoint& checkpoint, const std::string& device, const std::string& world, std::string* away) {
  auto system = std::shared_ptr<System>(load_system(checkpoint, device, world));
  const auto asked = system->facts.find(driver_fact);
  if (asked == system->facts.end()) return system;
  try {
    invite_driver(*system, std::filesystem::path(checkpoint.origin).parent_path() / asked->second);
  } catch (const Error& error) {
    if (away) *away = "the driver that this run asks for cannot come: " + std::string(error.what());
  }
  return system;
}

}  // namespace dream
