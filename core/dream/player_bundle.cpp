// A piece of a dream as a file: all that is needed to live it again, and its pictures to check that by.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <tuple>

#include <nlohmann/json.hpp>

#include "api/error.h"
#include "core/dream/bundle.h"
#include "core/dream/player.h"
#include "core/nn/generator.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t most_bundle_steps = 100'000;

torch::Tensor bytes_tensor(const std::vector<std::byte>& bytes) {
  auto tensor = torch::empty({static_cast<std::int64_t>(bytes.size())}, torch::kUInt8);
  if (!bytes.empty()) std::memcpy(tensor.data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

std::vector<std::byte> tensor_bytes(const torch::Tensor& tensor) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(tensor.numel()));
  if (!bytes.empty()) std::memcpy(bytes.data(), tensor.contiguous().data_ptr(), bytes.size());
  return bytes;
}

torch::Tensor bytes_of(const Image& image) {  // uint8 [H, W, C]
  return torch::tensor(image.pixels, torch::kUInt8).view({image.height, image.width, image.channels});
}

nlohmann::json deed_of(const Instant& instant) {
  nlohmann::json knobs = nlohmann::json::object(), held = nlohmann::json::array();
  for (const auto& [name, value] : instant.knobs) knobs[name] = value;
  for (const auto& h : instant.held) held.push_back({h.probe, h.index, h.value});
  return {{"decided", instant.decided},
          {"pilled", instant.pilled},
          {"coupling", static_cast<int>(instant.coupling)},
          {"coupling_steps", instant.coupling_steps},
          {"knobs", knobs},
          {"held", held}};
}

/// A goal of a kept step; undefined where there is none: older bundles knew of none.
torch::Tensor goal_at(const Checkpoint& bundle, const Spaces& spaces, const std::string& name) {
  if (!spaces.goals || !bundle.tensors.contains(name)) return {};
  return bundle.exact(name, {1, spaces.image_height, spaces.image_width, spaces.image_channels});
}

/// Where a bundle begins; `action` [1, A] led there.
Instant first_instant(const Checkpoint& bundle, const nlohmann::json& about, const System& system, const Spaces& spaces,
                      const torch::Tensor& action) {
  const auto like = system.model->initial_shown(1);
  auto start = std::make_shared<Start>();
  start->seed = about.at("seed").get<std::uint64_t>();
  start->env = tensor_bytes(bundle.exact("env", {-1}));
  start->carry = load_carry(bundle, "real/", like);
  if (system.who_drives()) {
    start->memory = system.who_drives()->initial(1);
    Carry kept;  // an older bundle knows of fewer drivers: the others have not begun
    for (const auto& [name, tensor] : start->memory)
      if (bundle.tensors.contains("memory/" + name)) kept[name] = tensor;
    for (auto& [name, tensor] : load_carry(bundle, "memory/", kept)) start->memory[name] = tensor;
  }
  Moment moment;
  moment.action = action;
  moment.first = about.at("first_frame").get<bool>();
  if (spaces.image_bytes() > 0)
    moment.seen.image = bundle.exact("seen/image", {1, spaces.image_height, spaces.image_width, spaces.image_channels});
  if (!spaces.vector_names.empty())
    moment.seen.vector = bundle.finite("seen/vector", {1, static_cast<std::int64_t>(spaces.vector_names.size())});
  moment.seen.goal = goal_at(bundle, spaces, "seen/goal");
  start->watched = {moment};
  Instant begins;
  begins.goal = goal_at(bundle, spaces, "set_goal");
  begins.start = start;
  begins.drawn = begins.dream = load_carry(bundle, "dream/", like);
  begins.real = start->carry, begins.memory = start->memory;
  begins.last_reward = bundle.finite("last_reward", {1}).to(system.device);
  begins.action = action, begins.image = moment.seen.image, begins.history = start->watched;
  about.at("step").get_to(begins.step), about.at("anchored").get_to(begins.anchored);
  about.at("real_over").get_to(begins.real_over), about.at("real_ended").get_to(begins.real_ended);
  about.at("recorded").get_to(begins.recorded);
  about.at("dream_reward").get_to(begins.dream_reward), about.at("real_reward").get_to(begins.real_reward);
  begins.dream_cost = about.value("dream_cost", 0.0);  // older ones knew of none
  begins.real_cost = about.value("real_cost", 0.0);
  return begins;
}

}  // namespace

Checkpoint Player::keep(double seconds) const {
  if (!system_ || timeline_.empty()) throw Error("there is no dream to keep yet: open a run");
  if (!system_->model) throw Error("this system has no model, so there is no dream to keep");
  torch::NoGradGuard no_grad;
  const auto count = static_cast<std::int64_t>(std::ceil(seconds * static_cast<double>(env_->spaces().natural_rate)));
  const auto path = timeline_.path(timeline_.present(), std::max<std::int64_t>(now_.step - count, 0) - 1);
  if (path.size() < 2) throw Error("there is no step to keep yet: let the dream run");
  const auto& first = timeline_.at(path.front());
  if (timeline_.at(path.back()).weights != first.weights)
    throw Error("the weights changed in between, as a training goes on: what other weights dreamt cannot be replayed");

  Checkpoint file;
  file.metadata = {{"kind", bundle_format},
                   {"run", system_->directory.empty() ? title_ : system_->directory.string()},
                   {"environment", system_->environment},
                   {"recipe", system_->recipe},
                   {"weights", fingerprint(*system_)}};
  nlohmann::json about = {{"seed", first.start->seed},
                          {"step", first.step},
                          {"anchored", first.anchored},
                          {"real_over", first.real_over},
                          {"real_ended", first.real_ended},
                          {"recorded", first.recorded},
                          {"dream_reward", first.dream_reward},
                          {"real_reward", first.real_reward},
                          {"dream_cost", first.dream_cost},
                          {"real_cost", first.real_cost},
                          {"first_frame", first.history.back().first},
                          {"twin", twin_},
                          {"speed", env_->spaces().natural_rate}};
  about["deeds"] = nlohmann::json::array();
  auto& t = file.tensors;
  const auto like = system_->model->initial_shown(1);
  store_carry(file, "dream/", first.drawn, like);
  store_carry(file, "real/", first.real, like);
  if (system_->who_drives()) store_carry(file, "memory/", first.memory, system_->who_drives()->initial(1));
  t["last_reward"] = first.last_reward;
  t["chance"] = first.chance;
  t["env"] = bytes_tensor(first.env);
  const auto keep_goal = [&](const std::string& place, const Instant& instant) {
    if (!env_->spaces().goals) return;
    t[place + "seen/goal"] = instant.history.back().seen.goal;
    if (instant.goal.defined()) t[place + "set_goal"] = instant.goal;
  };
  const auto& seen = first.history.back().seen;
  keep_goal("", first);
  if (seen.image.defined()) t["seen/image"] = seen.image;
  if (seen.vector.defined()) t["seen/vector"] = seen.vector;
  std::vector<torch::Tensor> actions, frames, reals, latents;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const auto& instant = timeline_.at(path[i]);
    actions.push_back(instant.action);
    latents.push_back(system_->model->features(instant.dream).to(torch::kCPU, torch::kFloat32));
    if (instant.picture && instant.ahead.empty())  // as it was shown; to decode 30 s anew would take seconds
      frames.push_back(bytes_of(*instant.picture));
    else if (const auto picture = picture_of(instant.dream); picture.defined())
      frames.push_back(bytes_of(image_from(picture)));
    if (instant.image.defined()) reals.push_back(instant.image[0]);
    about["deeds"].push_back(deed_of(instant));
    if (instant.touched && i > 0) {
      about["deeds"].back()["touched"] = true;
      const auto place = "touched/" + std::to_string(i) + "/";
      store_carry(file, place, instant.drawn, like);
      t[place + "chance"] = instant.chance;
      if (env_->spaces().goals) {  // it may have been another goal, which reaches the real world too
        keep_goal(place, instant);
        store_carry(file, place + "real/", instant.real, like);
        t[place + "env"] = bytes_tensor(instant.env);
        if (system_->who_drives()) store_carry(file, place + "memory/", instant.memory, system_->who_drives()->initial(1));
      }
    }
  }
  t["actions"] = torch::cat(actions);  // [T + 1, A], the first led to the beginning
  t["latents"] = torch::cat(latents);  // [T + 1, F], as behaviours see them
  if (!frames.empty()) t["frames"] = torch::stack(frames);  // uint8 [T + 1, H, W, C]
  if (!reals.empty()) t["real_frames"] = torch::stack(reals);
  file.metadata["dream"] = about.dump();
  return file;
}

Player::Replayed Player::replay(const Checkpoint& bundle, bool any_weights) {
  needs_model();
  torch::NoGradGuard no_grad;
  const auto of = about_bundle(bundle);
  if (of.environment != system_->environment || of.recipe != system_->recipe)
    throw Error(bundle.origin + " is of " + of.environment + " and recipe " + of.recipe + "; this run is of " +
                system_->environment + " and " + system_->recipe);
  if (!any_weights && of.weights != fingerprint(*system_))
    throw Error(bundle.origin + " was dreamt with other weights (" + of.weights + ") than this run has now (" +
                fingerprint(*system_) + "), so it would not come out the same");
  // What comes from outside may turn out damaged half-way: the dream under way then stands as it stood.
  const auto before = std::tuple(now_, timeline_, knob_values_, held_, coupling_, coupling_steps_, twin_, playing_, pill_, drive_,
                                 compared_with_, rng_.get_state(), env_->save_state());
  auto fan = std::move(fan_);
  const auto give_up = [&] {
    torch::Tensor chance;
    std::vector<std::byte> env;
    std::tie(now_, timeline_, knob_values_, held_, coupling_, coupling_steps_, twin_, playing_, pill_, drive_, compared_with_, chance, env) = before;
    fan_ = std::move(fan);
    rng_.set_state(chance);
    env_->load_state(env);
    script_.clear();
    changed_ = true;
  };
  try {
    const auto about = nlohmann::json::parse(bundle.text("dream"));
    const auto& deeds = about.at("deeds");
    const auto steps = static_cast<std::int64_t>(deeds.size()) - 1;
    if (steps < 1 || steps > most_bundle_steps) throw Error(bundle.origin + ": it holds no steps, or too many");
    const auto width = static_cast<std::int64_t>(stage().actions().size());
    const auto actions = bundle.finite("actions", {steps + 1, width}).to(torch::kFloat32);
    const auto like = system_->model->initial_shown(1);

    const auto& spaces = env_->spaces();
    auto begins = first_instant(bundle, about, *system_, spaces, actions.slice(0, 0, 1).clone());
    begins.strange = !stage().shares_actions();
    const auto chance = bundle.exact("chance", {-1});
    auto rng = make_generator(system_->device, 1);
    rng.set_state(chance);  // throws for a foreign state before anything is changed
    if (!begins.recorded) env_->load_state(begins.start->env);

    const auto frames = bundle.tensors.contains("frames") ? bundle.exact("frames", {steps + 1, -1, -1, -1}) : torch::Tensor();
    Replayed report;
    const auto look = [&](std::int64_t i) {
      if (!frames.defined()) return;
      const auto other = bytes_of(image_from(picture_of(now_.dream)));
      if (other.sizes() != frames[i].sizes()) throw Error(bundle.origin + ": pictures of another size than the model's");
      const int most = (other.to(torch::kInt32) - frames[i].to(torch::kInt32)).abs().max().item<int>();
      report.equal += most == 0;
      report.largest = std::max(report.largest, most);
      if (most > 0 && report.first_other < 0) report.first_other = now_.step;
    };
    const auto bend = [&](const nlohmann::json& deed) {
      knob_values_.clear();
      for (const auto& [name, value] : deed.at("knobs").items()) set_knob(name, value.get<double>());
      held_.clear();
      for (const auto& h : deed.at("held")) {
        held_.push_back({h.at(0).get<std::string>(), h.at(1).get<int>(), h.at(2).get<float>()});
        system_->model->edit(now_.drawn, held_.back().probe, held_.back().index, static_cast<double>(held_.back().value));
      }
      const auto how = deed.at("coupling").get<int>();
      if (how < 0 || how > static_cast<int>(Coupling::awake)) throw Error("no such coupling: " + std::to_string(how));
      set_coupling(static_cast<Coupling>(how), deed.at("coupling_steps").get<int>());
    };
    twin_ = about.at("twin").get<bool>();
    playing_ = pill_ = false;
    drive_ = {};
    script_.clear();
    compared_with_ = Timeline::none;
    now_ = std::move(begins);
    bend(deeds.at(0));
    now_.dream = with_held(now_.drawn);
    rng_.set_state(chance);
    timeline_.clear();
    remember();
    const auto beginning = timeline_.present();
    look(0);
    for (std::int64_t i = 1; i <= steps; ++i) {
      const auto& deed = deeds.at(static_cast<std::size_t>(i));
      bend(deed);
      if (deed.at("pilled").get<bool>()) take_pill();
      script_ = {{actions.slice(0, i, i + 1).clone(), deed.at("decided").get<bool>()}};
      step(next_due_);
      if (deed.contains("touched")) {
        const std::string place = "touched/" + std::to_string(i) + "/";
        now_.drawn = load_carry(bundle, place, like);
        rng_.set_state(bundle.exact(place + "chance", {-1}));
        if (const auto seen = goal_at(bundle, spaces, place + "seen/goal"); seen.defined()) {
          now_.history.back().seen.goal = seen, now_.goal = goal_at(bundle, spaces, place + "set_goal");
          now_.real = load_carry(bundle, place + "real/", like);
          now_.env = tensor_bytes(bundle.exact(place + "env", {-1}));
          if (!now_.env.empty()) env_->load_state(now_.env);
          if (system_->who_drives()) now_.memory = load_carry(bundle, place + "memory/", system_->who_drives()->initial(1));
        }
        replace_present();
      }
      look(i);
      ++report.steps;
    }
    go_to(beginning);
    return report;
  } catch (const nlohmann::json::exception& error) {
    give_up();
    throw Error(bundle.origin + ": the description of the dream is damaged (" + error.what() + ")");
  } catch (...) {
    give_up();
    throw;
  }
}

}  // namespace dream
