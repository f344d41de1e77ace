#include "core/serve/session.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/base/nearest.h"
#include "core/engine/guests.h"
#include "core/engine/run_file.h"
#include "core/engine/system.h"
#include "core/env/trace.h"
#include "core/nn/in_words.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t most_steps = 100'000;  // of one request

/// The picture of this name; null where there is none, as of the dream where nothing dreams.
const Frame* pictured(const DreamView& view, const std::string& name) {
  const auto found = std::ranges::find(view.frames, name, &Frame::name);
  return found != view.frames.end() && found->image ? &*found : nullptr;
}

constexpr std::int64_t most_seed = std::int64_t{1} << 53;  // that JSON's readers hold exactly

const std::map<std::string, Coupling> couplings = {{"drift", Coupling::drift},
                                                   {"anchored", Coupling::anchored},
                                                   {"reality_leads", Coupling::reality_leads},
                                                   {"dream_leads", Coupling::dream_leads},
                                                   {"awake", Coupling::awake}};

std::vector<std::string> names_in(const CheckedJson& request, const char* field, std::vector<std::string> otherwise) {
  return request.root().contains(field) ? request.texts(request.root(), field) : otherwise;
}

bool flag_in(const CheckedJson& request, const char* field, bool otherwise) {
  const auto found = request.root().find(field);
  if (found == request.root().end()) return otherwise;
  if (!found->is_boolean()) request.fail(std::string("field '") + field + "': true or false was expected");
  return *found;
}

double number_in(const CheckedJson& request, const char* field) {
  const auto& value = request.member(request.root(), field);
  if (!value.is_number()) request.fail(std::string("field '") + field + "': a number was expected");
  return value;
}

int index_in(const CheckedJson& request) {
  return static_cast<int>(request.whole(request.root(), "index", 0, 1'000'000));
}

/// A field that nobody reads is a word mistyped, or from a later protocol: to do the rest would be to do something else.
void refuse_unread(const CheckedJson& request, const std::string& what, const std::vector<std::string>& read) {
  std::vector<std::string> known = {"do", "id", "frames", "probes"};
  known.insert(known.end(), read.begin(), read.end());
  for (const auto& [name, value] : request.root().items()) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto near = nearest(name, known);
    request.fail("'" + what + "' has no field '" + name + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?"));
  }
}

/// The actions to be done, each a list of numbers, a number where it is one alone, or one of them by itself; none: the agent decides.
std::vector<std::vector<float>> actions_in(const CheckedJson& request, const ActionSpace& space) {
  const auto size = space.size();
  std::vector<std::vector<float>> actions;
  const auto& root = request.root();
  const auto add = [&](const CheckedJson::Json& each, const char* field) {
    actions.push_back(request.reals({{field, each.is_number() ? CheckedJson::Json::array({each}) : each}}, field));
  };
  if (root.contains("action") && root.contains("actions")) request.fail("fields 'action' and 'actions': one of them was expected");
  if (root.contains("action")) {
    add(root.at("action"), "action");
  } else if (root.contains("actions")) {
    for (const auto& each : request.list(root, "actions", most_steps)) add(each, "actions");
    if (actions.empty()) request.fail("field 'actions': at least one was expected");
  }
  for (const auto& action : actions) {
    if (action.size() != size) request.fail("an action of this world has " + std::to_string(size) + (size == 1 ? " value" : " values"));
    for (std::size_t axis = 0; axis < size; ++axis)
      if (const auto wrong = no_action(action[axis], space, axis); !wrong.empty()) request.fail(wrong);
  }
  return actions;
}

}  // namespace

Session::Session(const std::filesystem::path& run, const std::string& device, std::uint64_t seed) {
  player_.load(load_with_driver(load_run(checkpoint_path(run)), device), run.string());
  player_.start_at(seed, seed);
}

void Session::take_weights(const Checkpoint& weights, const std::string& title) {
  player_.take_weights(weights, title);
}

/// The moment as it is, made once.
const DreamView& Session::view() {
  if (!view_ || player_.changed()) view_ = player_.view();
  return *view_;
}

Message Session::greeting() {
  const auto& now = view();
  Message message;
  auto& json = message.json;
  json = {{"run", now.run},
          {"world", now.world},
          {"environment", now.environment},
          {"has_model", now.has_model},
          {"has_agent", now.has_behaviour},
          {"steps_per_second", now.natural_rate},
          {"actions", json_of(now.spaces.action)},
          {"probes", now.probe_names}};
  auto& knobs = json["knobs"] = nlohmann::ordered_json::array();
  for (const auto& [knob, value] : now.knobs) knobs.push_back(json_of(knob, value));
  auto& frames = json["frames"] = nlohmann::ordered_json::array();
  for (const auto& frame : now.frames)
    if (frame.image) frames.push_back(frame.name);
  return message;
}

Message Session::answer(const std::string& line) {
  Message message;
  nlohmann::ordered_json id;
  try {
    const CheckedJson request("the request", line);
    if (const auto given = request.root().find("id"); given != request.root().end()) id = *given;
    act(request, message);
  } catch (const std::exception& error) {
    message = {{{"error", in_words(error)}}};
  }
  if (!id.is_null()) message.json["id"] = id;
  return message;
}

void Session::act(const CheckedJson& request, Message& message) {
  const auto& root = request.root();
  const auto text = [&](const char* field) { return request.text(root, field); };
  struct Deed {
    std::vector<std::string> reads;  // its fields
    std::function<void()> act;
  };
  const std::map<std::string, Deed> deeds = {
      {"step", {{"action", "actions", "count", "idle"}, [&] { step(request); }}},
      {"look", {{}, [] {}}},
      {"start",
       {{"seed", "chance"}, [&] {
         const auto seed = request.whole(root, "seed", 0, most_seed);
         const auto chance = root.contains("chance") ? request.whole(root, "chance", 0, most_seed) : seed;
         player_.start_at(static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(chance));
       }}},
      {"go_to", {{"moment"}, [&] { player_.go_to(request.whole(root, "moment", 0, most_seed)); }}},
      {"knob", {{"name", "value"}, [&] { player_.set_knob(text("name"), number_in(request, "value")); }}},
      {"edit",
       {{"probe", "index", "value"}, [&] { player_.edit(text("probe"), index_in(request), static_cast<float>(number_in(request, "value"))); }}},
      {"hold",
       {{"probe", "index", "value", "on"}, [&] {
         const bool on = flag_in(request, "on", true);
         player_.hold({text("probe"), index_in(request), on ? static_cast<float>(number_in(request, "value")) : 0.0f}, on);
       }}},
      {"randomise", {{"probe"}, [&] { player_.randomise(text("probe")); }}},
      {"pill", {{}, [&] { player_.take_pill(); }}},
      {"couple",
       {{"how", "steps"}, [&] {
         const auto how = couplings.find(text("how"));
         if (how == couplings.end()) request.fail("field 'how': drift, anchored, reality_leads, dream_leads or awake was expected");
         player_.set_coupling(how->second, root.contains("steps") ? static_cast<int>(request.whole(root, "steps", 0, 1000)) : 0);
       }}},
      {"twin", {{"on"}, [&] { player_.set_twin(flag_in(request, "on", true)); }}},
      {"describe", {{}, [] {}}},
  };
  const auto what = text("do");
  const auto found = deeds.find(what);
  if (found == deeds.end()) {
    std::vector<std::string> names;
    for (const auto& [name, deed] : deeds) names.push_back(name);
    const auto near = nearest(what, names);
    request.fail("nothing is called '" + what + "'" + (near.empty() ? "" : "; did you mean '" + near + "'?"));
  }
  refuse_unread(request, what, found->second.reads);
  const auto wanted = names_in(request, "probes", {});
  const auto& offered = view().probe_names;
  for (const auto& name : wanted)
    if (std::ranges::find(offered, name) == offered.end()) request.fail("this dream has no probe '" + name + "'; 'describe' lists them");
  for (const auto& name : names_in(request, "frames", {}))
    if (!pictured(view(), name)) request.fail("there is no picture '" + name + "' here");
  player_.watch({wanted.begin(), wanted.end()});
  found->second.act();
  if (what == "describe") {
    message = greeting();
  } else {
    show(request, message);
  }
}

void Session::step(const CheckedJson& request) {
  const auto& root = request.root();
  const auto actions = actions_in(request, view().spaces.action);
  auto count = root.contains("count") ? request.whole(root, "count", 1, most_steps) : 1;
  if (!actions.empty()) count *= static_cast<std::int64_t>(actions.size());
  if (count > most_steps) request.fail("fields 'count' and 'actions': " + std::to_string(count) + " steps are more than the " + std::to_string(most_steps) + " of a request");
  player_.set_pilot(actions.empty() && flag_in(request, "idle", false));
  for (std::int64_t i = 0; i < count; ++i) {
    if (actions.empty())
      player_.drive({});
    else
      player_.drive({true, actions[static_cast<std::size_t>(i) % actions.size()], 0});
    player_.step(now_seconds());
    if (player_.over()) break;
  }
  player_.drive({});
}

/// The moment that the dream is at.
void Session::show(const CheckedJson& request, Message& message) {
  const auto& now = view();
  const auto& present = now.timeline.line.at(now.timeline.present);
  const auto number = [](double value, bool known) { return known ? nlohmann::ordered_json(value) : nlohmann::ordered_json(); };
  auto& json = message.json;
  json = {{"step", now.step},
          {"moment", present.id},
          {"action", now.action},
          {"reward", number(static_cast<double>(present.reward), now.has_reward)},
          {"dream_reward", number(now.dream_reward, now.has_reward)},
          {"real_reward", number(now.real_reward, now.twin)},
          {"done_probability", number(static_cast<double>(now.done_probability), now.has_done)},
          {"surprise", present.surprise},
          {"ended", now.ended}};
  if (const auto vector = player_.vector(); vector.defined()) json["vector"] = floats(vector);
  if (now.cost_limit >= 0) json["dream_cost"] = number(now.dream_cost, now.has_cost), json["real_cost"] = number(now.real_cost, now.twin);
  auto& frames = json["frames"] = nlohmann::ordered_json::array();
  for (const auto& name : names_in(request, "frames", {})) {
    const auto* found = pictured(now, name);
    if (found) frames.push_back(json_of(*found, message));  // else what was done has taken it away
  }
  auto& probes = json["probes"] = nlohmann::ordered_json::array();
  for (const auto& probe : now.probes) probes.push_back(json_of(probe, message));
}

}  // namespace dream
