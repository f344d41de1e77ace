#include "core/engine/brought/brought.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "api/error.h"
#include "core/base/nearest.h"
#include "core/base/text.h"
#include "core/engine/run_file.h"
#include "core/engine/system.h"

namespace dream {
namespace {

std::string shape_text(at::IntArrayRef shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}
std::string quoted(const std::string& name) {
  return "'" + printable(name, 120) + "'";
}

const BroughtKind& kind_of(const std::string& name) {
  std::vector<std::string> names;
  std::string known;
  for (const auto& kind : brought_kinds()) {
    if (kind.name == name) return kind;
    names.push_back(kind.name);
    known += (known.empty() ? "" : ", ") + kind.name;
  }
  const auto near = nearest(name, names);
  throw Error("weights of the kind " + quoted(name) + " are not known" + (near.empty() ? "." : "; did you mean '" + near + "'?") + " Those that are: " + known);
}

/// One of theirs by its name, which `used` gets; `needed` says what for.
const torch::Tensor& taken(const TheirWeights& from, const std::string& name, const std::string& needed, std::set<std::string>& used) {
  const auto at = from.tensors.find(name);
  if (at == from.tensors.end()) throw Error(from.origin + ": there is no " + quoted(name) + ", and " + needed);
  used.insert(name);
  return at->second;
}
[[noreturn]] void fail_shape(const TheirWeights& from, const std::string& name, const torch::Tensor& theirs, const std::string& needed) {
  throw Error(from.origin + ": " + quoted(name) + " has the shape " + shape_text(theirs.sizes()) + ", and " + needed);
}

/// A tensor of the run whose parts lie in it in another way than one behind the other.
torch::Tensor made_of_parts(const std::string& ours, const torch::Tensor& target, const TheirWeights& from, const BroughtPlan& plan, const TheirParts& parts,
                            std::set<std::string>& used) {
  std::vector<torch::Tensor> all;
  for (const auto& part : parts) {
    const at::IntArrayRef wanted(part.shape);
    const auto needed = "our '" + ours + "' " + shape_text(target.sizes()) + " is made of one of the shape " + shape_text(wanted);
    const auto& theirs = taken(from, part.name, needed, used);
    if (theirs.sizes() != wanted) fail_shape(from, part.name, theirs, needed);
    all.push_back(theirs.to(target.scalar_type()));
  }
  const auto value = plan.joined(ours, all);
  if (value.sizes() != target.sizes())
    throw Error(from.origin + ": what makes our '" + ours + "' " + shape_text(target.sizes()) + " has the shape " + shape_text(value.sizes()));
  return value.contiguous();
}

/// A tensor of the run, made of theirs; `used` gets their names.
torch::Tensor made(const std::string& ours, const torch::Tensor& target, const TheirWeights& from, const BroughtPlan& plan, std::set<std::string>& used) {
  const auto parts = plan.parts(ours);
  if (parts.empty()) return target;
  if (!parts[0].shape.empty()) return made_of_parts(ours, target, from, plan, parts, used);
  std::vector<torch::Tensor> found;
  std::int64_t rows = 0;
  for (const auto& part : parts) {
    auto wanted = target.sizes().vec();
    if (parts.size() > 1) wanted[0] = part.rows > 0 ? part.rows : wanted[0] / static_cast<std::int64_t>(parts.size());
    const auto needed = "our '" + ours + "' " + shape_text(target.sizes()) + (parts.size() > 1 ? " takes " + shape_text(wanted) + " from it" : " is made of it");
    const auto& theirs = taken(from, part.name, needed, used);
    auto value = theirs.to(target.scalar_type());
    if (plan.turned) value = plan.turned(ours, value);
    if (value.sizes() != at::IntArrayRef(wanted)) fail_shape(from, part.name, theirs, needed);
    rows += value.dim() > 0 ? value.size(0) : 0;
    found.push_back(value);
  }
  if (parts.size() == 1) return found[0].clone();
  if (rows != target.size(0)) throw Error(from.origin + ": what makes our '" + ours + "' " + shape_text(target.sizes()) + " has " + std::to_string(rows) + " rows");
  return torch::cat(found);
}

/// The world's actions, as a sentence has them.
std::string actions_text(const ActionSpace& space) {
  return space.discrete() ? std::to_string(space.choices.size()) + " choices" : std::to_string(space.axes.size()) + " numbers";
}

}  // namespace

std::int64_t TheirWeights::size(const std::string& name, std::int64_t dimension) const {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw Error(origin + ": there is no " + quoted(name) + ", whose shape tells the settings");
  if (dimension >= found->second.dim() || found->second.size(dimension) < 1)
    throw Error(origin + ": " + quoted(name) + " has the shape " + shape_text(found->second.sizes()) + ", which cannot be");
  return found->second.size(dimension);
}

std::int64_t TheirWeights::numbered(const std::string& prefix) const {
  std::int64_t count = 0;
  while (true) {
    const auto begin = prefix + std::to_string(count) + ".";
    const auto at = tensors.lower_bound(begin);
    if (at == tensors.end() || !at->first.starts_with(begin)) return count;
    ++count;
  }
}

const std::vector<BroughtKind>& brought_kinds() {
  static const std::vector<BroughtKind> kinds = {brought_diamond(), brought_iris(), brought_nm512(), brought_danijar(), brought_ctallec()};
  return kinds;
}

std::vector<std::string> take_theirs(Checkpoint& run, const TheirWeights& theirs, const BroughtPlan& plan) {
  std::set<std::string> used;
  for (auto& [name, tensor] : run.tensors) tensor = made(name, tensor, theirs, plan, used);
  std::map<std::string, int> passed;
  for (const auto& [name, tensor] : theirs.tensors) {
    if (used.contains(name)) continue;
    const auto why = plan.passed_over ? plan.passed_over(name) : "";
    if (why.empty()) throw Error(theirs.origin + ": " + quoted(name) + " " + shape_text(tensor.sizes()) + " is left over: nothing in a run of these settings is made of it");
    ++passed[why];
  }
  std::vector<std::string> remarks;
  for (const auto& [why, count] : passed) remarks.push_back("passed over: " + std::to_string(count) + (count == 1 ? " tensor" : " tensors") + " of " + why);
  return remarks;
}

Brought bring(const BroughtSpec& asked) {
  const auto& kind = kind_of(asked.kind);
  const auto theirs = read_their_weights(asked.files, kind);
  const auto plan = kind.plan(theirs);

  RunSpec spec;
  spec.recipe = kind.recipe, spec.environment = asked.environment, spec.settings = plan.settings;
  spec.settings.insert(spec.settings.end(), asked.settings.begin(), asked.settings.end());
  spec.toml_origin = theirs.origin;
  for (const auto& [name, tensor] : theirs.tensors) spec.weights += tensor.numel();  // what is made for them is no larger
  const auto system = make_system(spec);
  const auto space = system->make_env()->spaces().action;
  if (const auto ours = space.discrete() ? space.choices.size() : space.axes.size(); plan.actions > 0 && plan.actions != static_cast<std::int64_t>(ours)) {
    throw Error(theirs.origin + ": these weights know actions of " + std::to_string(plan.actions) + " numbers or choices, and " + asked.environment + " has " +
                actions_text(space));
  }

  Brought brought;
  brought.run.origin = theirs.origin;
  system->store_weights(brought.run);
  leave_out_slow_copies(brought.run, "behaviour");
  brought.remarks = take_theirs(brought.run, theirs, plan);
  brought.remarks.insert(brought.remarks.end(), plan.remarks.begin(), plan.remarks.end());
  naming(theirs.origin, [&] { system->load_weights(brought.run); });  // every number finite, and in its place

  auto& facts = brought.run.metadata;
  facts = {{"recipe", kind.recipe}, {"environment", asked.environment}, {"config", system->config.to_toml()}, {run_format_key, std::to_string(run_format)}};
  facts[std::string(fact_prefix) + "from"] = kind.name + ": " + theirs.facts;
  system->metrics.save(brought.run);
  return brought;
}

}  // namespace dream
