#include "core/models/script_model.h"

#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "core/base/sha256.h"
#include "core/nn/generator.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr const char* first_name = "first";
constexpr const char* state_room = "state/";
constexpr std::int64_t longest_bars = 512;  // numbers that are shown as bars; more are a map

std::int64_t lanes_of(const Carry& carry) {
  return carry.at(first_name).size(0);
}

std::vector<Knob> knobs_of_program(const ScriptProgram& program) {
  std::vector<Knob> knobs;
  for (const auto& [name, range] : program.number_lists("knobs")) {
    const bool good = range.size() == 3 && std::ranges::all_of(range, [](double x) { return std::isfinite(x); }) && range[1] < range[2] &&
                      range[1] <= range[0] && range[0] <= range[2] && !name.empty() && name.size() <= 40;
    if (!good)
      throw Error(program.origin() + ": knobs['" + name +
                  "'] must be [default, lowest, highest], three finite numbers with lowest <= default <= highest");
    const bool chance = name == "temperature" || name.starts_with("tau");
    knobs.push_back({.name = name, .symbol = chance ? "τ" : name, .title = name, .help = "What '" + name + "' does is the program's own affair.",
                     .minimum = range[1], .maximum = range[2], .default_value = range[0], .group = chance ? temperature : KnobGroup{}});
  }
  return knobs;
}

/// As what its shape looks like: a number, bars, a picture, a map.
Value value_from(const torch::Tensor& lane) {
  const auto x = lane.to(torch::kCPU, torch::kFloat32);
  if (x.numel() == 1) return Scalar{x.item<double>(), ""};
  if (x.dim() == 3 && (x.size(0) == 1 || x.size(0) == 3)) return image_from(x.clamp(0, 1));
  if (x.dim() == 1 && x.numel() <= longest_bars) return Vector{floats(x), {}, {}, {}};
  const auto low = x.min().item<float>(), high = x.max().item<float>();
  const int columns = x.dim() == 2 ? static_cast<int>(x.size(1)) : columns_for(x.numel());
  const auto reach = std::max({std::abs(low), std::abs(high), 1e-6f});
  return low < 0 ? heatmap_from(x, columns, -reach, reach, true) : heatmap_from(x, columns, 0, reach, false);
}

std::string path_of(const std::string& name) {
  return name.find('/') == std::string::npos ? "program/" + name : name;
}

bool is_editable(const torch::Tensor& like) {
  return like.is_floating_point() && like.dim() == 2 && like.size(1) > 1 && like.size(1) <= longest_bars;
}

}  // namespace

ScriptModel::ScriptModel(const torch::Tensor& bytes, std::shared_ptr<ScriptProgram> program, const Spaces& spaces)
    : program_(std::move(program)), spaces_(spaces) {
  bytes_ = register_buffer("program", bytes.to(program_->device()).clone());
  bytes_version_ = bytes_._version();
  knobs_ = knobs_of_program(*program_);
  torch::NoGradGuard no_grad;
  try_everything();
}

/// Weights were loaded since: they must be this program, whose code is what runs.
ScriptProgram& ScriptModel::program() {
  if (const auto version = static_cast<std::int64_t>(bytes_._version()); version != bytes_version_) {
    const auto values = bytes_.to(torch::kCPU).contiguous();
    if (sha256(values.data_ptr(), values.nbytes()) != program_->sha256())
      throw Error(program_->origin() + ": another program has taken its place; open it anew");
    bytes_version_ = version;
  }
  return *program_;
}

/// As the module has it: what is one number a lane is [B] there, and [B, 1] here, where every tensor has rows.
c10::IValue ScriptModel::own(const Carry& carry) const {
  c10::Dict<std::string, torch::Tensor> dict;
  for (const auto& [name, like] : like_) dict.insert(name, like.dim() == 1 ? carry.at(name).reshape({-1}) : carry.at(name));
  return dict;
}

Carry ScriptModel::next(const char* method, const ScriptProgram::Arguments& offered, std::int64_t batch, double first) {
  auto carry = program().tensors(method, offered, batch);
  for (const auto& [name, like] : like_) {
    const auto found = carry.find(name);
    if (found == carry.end()) program_->fail(method, "returned no '" + name + "', which `initial` has: all of them make the state");
    const auto& now = found->second;
    if (now.sizes().slice(1) != like.sizes().slice(1) || now.scalar_type() != like.scalar_type())
      program_->fail(method, "returned '" + name + "' as " + c10::toString(now.scalar_type()) + ' ' + shape_text(now.sizes()) +
                                 ", and `initial` as " +
                                 c10::toString(like.scalar_type()) + ' ' + shape_text(like.sizes()) + " for one lane: types and shapes never change");
  }
  for (const auto& [name, tensor] : carry)
    if (!like_.contains(name)) program_->fail(method, "returned '" + name + "', which `initial` has not");
  for (auto& [name, tensor] : carry)
    if (tensor.dim() == 1) tensor = tensor.unsqueeze(1);
  carry[first_name] = torch::full({batch, 1}, first, torch::TensorOptions(program_->device()));
  return carry;
}

Carry ScriptModel::initial(std::int64_t batch) {
  return next("initial", {{"batch", batch}}, batch, 1);
}

torch::Tensor ScriptModel::action_of(const torch::Tensor& action) const {
  const auto choices = static_cast<std::int64_t>(spaces_.action.choices.size());
  if (choices == 0 || (choices > 1 && action.size(-1) == choices)) return action.to(torch::kFloat32);
  return torch::one_hot(action.squeeze(-1).to(torch::kInt64).clamp(0, choices - 1), choices).to(torch::kFloat32);
}

Carry ScriptModel::observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation, at::Generator rng) {
  const auto& first = carry.at(first_name);
  ScriptProgram::Arguments offered = {{"carry", own(carry)},
                                      {"action", action_of(previous_action) * (1 - first)},
                                      {"first", first.squeeze(1)},
                                      {"generator", rng}};
  if (observation.image.defined()) offered["image"] = observation.image.permute({0, 3, 1, 2}).to(torch::kFloat32).div(255).contiguous();
  if (observation.vector.defined()) offered["vector"] = observation.vector.to(torch::kFloat32);
  return next("observe", offered, lanes_of(carry));
}

Carry ScriptModel::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) {
  c10::Dict<std::string, double> values;
  for (const auto& knob : knobs_) values.insert(knob.name, value_of(knobs, knob));
  return next("imagine", {{"carry", own(carry)}, {"action", action_of(action)}, {"generator", rng}, {"knobs", values}}, lanes_of(carry));
}

Prediction ScriptModel::decoded(const char* method, const Carry& carry) {
  const auto batch = lanes_of(carry);
  const auto said = program().tensors(method, {{"carry", own(carry)}}, batch);
  Prediction prediction;
  for (const auto& [name, tensor] : said) {
    if (name == "frame") {
      if (tensor.dim() != 4 || tensor.size(1) != spaces_.image_channels || tensor.size(2) != spaces_.image_height ||
          tensor.size(3) != spaces_.image_width)
        program_->fail(method, "returned a frame " + shape_text(tensor.sizes()) + "; the picture here is " +
                                   shape_text({batch, spaces_.image_channels, spaces_.image_height, spaces_.image_width}) +
                                   ": the attribute `image_size` says how large it is wanted");
      prediction.frame = tensor.to(torch::kFloat32).clamp(0, 1);
    } else if (name == "reward" || name == "done" || name == "cost") {
      if (tensor.numel() != batch)
        program_->fail(method, "returned '" + name + "' as " + shape_text(tensor.sizes()) + "; " + shape_text({batch}) + " was expected");
      const auto flat = tensor.to(torch::kFloat32).reshape({batch});
      if (name == "done" && (flat.lt(0) | flat.gt(1)).any().item<bool>())
        program_->fail(method, "returned a 'done' that is no probability, from 0 to 1");
      (name == "reward" ? prediction.reward : name == "done" ? prediction.done : prediction.cost) = flat;
    } else {
      program_->fail(method, "returned '" + name + "'; it may return frame, reward, done and cost");
    }
  }
  return prediction;
}

Prediction ScriptModel::predict(const Carry& carry) {
  return decoded("decode", carry);
}

Prediction ScriptModel::outcome(const Carry& carry) {
  auto prediction = decoded(program_->has("outcome") ? "outcome" : "decode", carry);
  prediction.frame = torch::Tensor();
  return prediction;
}

torch::Tensor ScriptModel::surprise(const Carry& seen) {
  if (!program_->has("surprise")) return {};
  const auto batch = lanes_of(seen);
  const auto nats = program().tensor("surprise", {{"carry", own(seen)}}, batch);
  if (nats.numel() != batch) program_->fail("surprise", "returned " + shape_text(nats.sizes()) + "; [" + std::to_string(batch) + "] was expected");
  return nats.reshape({batch});
}

torch::Tensor ScriptModel::features(const Carry& carry) {
  const auto batch = lanes_of(carry);
  if (program_->has("features")) {
    const auto x = program().tensor("features", {{"carry", own(carry)}}, batch);
    if (x.dim() != 2 || (feature_count_ > 0 && x.size(1) != feature_count_))
      program_->fail("features", "returned " + shape_text(x.sizes()) + "; a row of always as many numbers for each lane was expected");
    return x;
  }
  std::vector<torch::Tensor> all;
  for (const auto& [name, like] : like_)
    if (like.is_floating_point()) all.push_back(carry.at(name).reshape({batch, -1}));
  return all.empty() ? torch::zeros({batch, 0}, torch::TensorOptions(program_->device())) : torch::cat(all, 1);
}

torch::Tensor ScriptModel::act(const Carry& carry, at::Generator rng) {
  const auto batch = lanes_of(carry);
  const auto said = program().tensor("act", {{"carry", own(carry)}, {"generator", rng}}, batch);
  const auto& space = spaces_.action;
  const auto wide = static_cast<std::int64_t>(space.discrete() ? space.choices.size() : space.size());
  if (said.dim() != 2 || said.size(1) != wide)
    program_->fail("act", "returned " + shape_text(said.sizes()) + "; " + shape_text({batch, wide}) + " was expected, " +
                              (space.discrete() ? "the choice with the largest number is taken" : "a number for each axis"));
  if (space.discrete()) return said.argmax(1, true).to(torch::kFloat32);
  const auto bound = [&](const std::vector<float>& ends) { return torch::tensor(ends).to(said.device()); };
  return torch::minimum(torch::maximum(said, bound(space.low)), bound(space.high));
}

Belief ScriptModel::belief(const Carry& carry) {
  Belief belief;
  if (latent_name_.empty()) return belief;
  const auto batch = lanes_of(carry);
  belief.latent = carry.at(latent_name_).flatten(1);
  if (!program_->has("belief")) return belief;
  auto said = program().tensors("belief", {{"carry", own(carry)}}, batch);
  const auto take = [&](const std::string& name) {
    const auto found = said.find(name);
    if (found == said.end()) return torch::Tensor();
    auto tensor = found->second.to(torch::kFloat32);
    said.erase(found);
    return tensor;
  };
  for (auto* density : {&belief.prior, &belief.posterior}) {
    const std::string whose = density == &belief.prior ? "prior_" : "posterior_";
    const auto classes = take(whose + "probabilities");
    if (classes.defined()) {
      if (classes.dim() != 3 || classes.numel() != belief.latent.numel() || classes.lt(0).any().item<bool>())
        program_->fail("belief", "returned '" + whose + "probabilities' as " + shape_text(classes.sizes()) +
                                     "; [B, groups, classes] of the latent, none below 0, was expected");
      density->log_probabilities = (classes / classes.sum(-1, true).clamp_min(1e-8)).clamp_min(1e-8).log();
      continue;
    }
    auto mean = take(whose + "mean"), deviation = take(whose + "deviation"), weights = take(whose + "weights");
    if (!mean.defined()) continue;
    if (mean.dim() == 2) mean = mean.unsqueeze(2);
    if (deviation.defined() && deviation.dim() == 2) deviation = deviation.unsqueeze(2);
    if (!weights.defined() && mean.dim() == 3 && mean.size(2) == 1) weights = torch::ones_like(mean);
    const bool good = mean.dim() == 3 && mean.size(1) == belief.latent.size(1) && deviation.defined() && deviation.sizes() == mean.sizes() &&
                      weights.defined() && weights.sizes() == mean.sizes() && deviation.gt(0).all().item<bool>() && weights.ge(0).all().item<bool>();
    if (!good)
      program_->fail("belief", "returned '" + whose + "mean' as " + shape_text(mean.sizes()) + "; it, '" + whose +
                                   "deviation' (above 0) and, of mixtures, '" +
                                   whose + "weights' are [B, numbers] or [B, numbers, components] of the latent");
    density->log_weights = (weights / weights.sum(-1, true).clamp_min(1e-8)).clamp_min(1e-8).log();
    density->mean = mean, density->log_deviation = deviation.log();
  }
  if (!said.empty())
    program_->fail("belief", "returned '" + said.begin()->first +
                                 "'; it may return prior_ and posterior_ probabilities, or mean, deviation and weights");
  return belief;
}

Carry ScriptModel::with_latent(const Carry& memory, const Carry& latent) {
  if (latent_name_.empty()) return {};
  auto joined = memory;
  joined[latent_name_] = latent.at(latent_name_);
  return joined;
}

void ScriptModel::report(const Carry& carry, ProbeSink& sink) {
  for (const auto& [name, like] : like_) {
    const auto path = state_room + name;
    if (sink.wants(path)) sink.put(path, name, "'" + name + "' of the program's state", value_from(carry.at(name)[0]), is_editable(like));
  }
  const auto wanted = [&](const std::string& path) { return !path.starts_with(state_room) && sink.wants(path); };
  if (!program_->has("probes") || std::ranges::none_of(probe_names_, wanted)) return;
  const auto lane = select_lane(carry, 0);
  for (const auto& [name, tensor] : program().tensors("probes", {{"carry", own(lane)}}, 1)) {
    const auto path = path_of(name);
    if (sink.wants(path)) sink.put(path, name, "What the program says of itself as '" + name + "'", value_from(tensor[0]));
  }
}

Carry ScriptModel::edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) {
  const auto name = probe.starts_with(state_room) ? probe.substr(std::string(state_room).size()) : "";
  const auto like = like_.find(name);
  if (like == like_.end() || !is_editable(like->second)) throw Error("'" + probe + "' cannot be edited; rows of numbers of the state can");
  if (index < 0 || index >= like->second.size(1))
    throw Error("'" + probe + "' has the elements 0 to " + std::to_string(like->second.size(1) - 1) + ", not " + std::to_string(index));
  Carry edited = carry;
  edited[name] = carry.at(name).clone();
  edited[name].select(1, index).fill_(value);
  return edited;
}

Carry ScriptModel::randomise(const Carry& carry, const std::string& probe, at::Generator rng) {
  const auto prior = !latent_name_.empty() && probe == state_room + latent_name_ ? belief(carry).prior : Density{};
  if (!prior.known()) throw Error("'" + probe + "' cannot be drawn anew: the program does not say from what (`belief`, prior)");
  torch::Tensor drawn;
  if (prior.log_probabilities.defined()) {
    const auto& logs = prior.log_probabilities;
    drawn = torch::one_hot(torch::multinomial(logs.flatten(0, 1).exp(), 1, false, rng).squeeze(1), logs.size(2));
  } else {
    const auto component = torch::multinomial(prior.log_weights.flatten(0, 1).exp(), 1, false, rng).view({prior.mean.size(0), -1, 1});
    const auto mean = prior.mean.gather(2, component), deviation = prior.log_deviation.gather(2, component).exp();
    drawn = mean + deviation * torch::randn(mean.sizes(), rng, mean.options());
  }
  Carry changed = carry;
  changed[latent_name_] = drawn.to(torch::kFloat32).view_as(carry.at(latent_name_));
  return changed;
}

void ScriptModel::try_everything() {
  constexpr std::int64_t batch = 2;
  auto one = program().tensors("initial", {{"batch", std::int64_t{1}}}, 1);
  if (one.empty()) program_->fail("initial", "returned no tensor; what the module remembers between two steps was expected");
  if (one.contains(first_name)) program_->fail("initial", "returned a tensor 'first'; this name is taken, choose another");
  like_ = std::move(one);
  auto carry = initial(batch);
  const auto options = torch::TensorOptions(program_->device());
  const auto rows = [&](const std::vector<float>& row) { return torch::tensor(row).repeat({batch, 1}).to(program_->device()); };
  const auto action = spaces_.action.discrete() ? torch::zeros({batch, 1}, options) : rows(spaces_.action.idle);
  Observation seen;
  if (spaces_.image_bytes() > 0)
    seen.image = torch::zeros({batch, spaces_.image_height, spaces_.image_width, spaces_.image_channels}, options.dtype(torch::kUInt8));
  if (!spaces_.vector_names.empty()) seen.vector = torch::zeros({batch, static_cast<std::int64_t>(spaces_.vector_names.size())}, options);
  // Twice from the same generator: what comes of a state is then the same to the last bit, or no dream could be lived again.
  const auto twice = [&](const char* method, const auto& step) {
    const auto a = step(make_generator(program_->device(), 1)), b = step(make_generator(program_->device(), 1));
    for (const auto& [name, tensor] : a)
      if (!torch::equal(tensor, b.at(name)))
        program_->fail(method, "gives another '" + name +
                                   "' for the same state and generator: it must draw with generator=generator, and keep nothing to itself");
    return a;
  };
  carry = twice("observe", [&](at::Generator rng) { return observe(carry, action, seen, rng); });
  carry = twice("imagine", [&](at::Generator rng) { return imagine(carry, action, {}, rng); });
  predict(carry), outcome(carry), surprise(carry);
  latent_name_ = program_->text("latent", "");
  if (!latent_name_.empty() && (!like_.contains(latent_name_) || !like_.at(latent_name_).is_floating_point()))
    throw Error(program_->origin() + ": the module's attribute 'latent' is '" + latent_name_ + "', and its state has no such tensor of float32");
  if (program_->has("belief") && latent_name_.empty())
    program_->fail("belief", "says what it believes of a latent, and no attribute 'latent' names it");
  belief(carry);
  feature_count_ = features(carry).size(1);
  if (acts()) act(carry, make_generator(program_->device(), 1));
  for (const auto& [name, like] : like_) probe_names_.push_back(state_room + name);
  if (!program_->has("probes")) return;
  for (const auto& [name, tensor] : program().tensors("probes", {{"carry", own(select_lane(carry, 0))}}, 1)) {
    const auto path = path_of(name);
    if (std::ranges::count(probe_names_, path) > 0) program_->fail("probes", "returned '" + name + "', which the state has already");
    value_from(tensor[0]);
    probe_names_.push_back(path);
  }
}

}  // namespace dream
