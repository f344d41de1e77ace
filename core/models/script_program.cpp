#include "core/models/script_program.h"

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <sstream>

#include "api/error.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/base/trust.h"

namespace dream {
namespace {

/// Every method that is called here, with the arguments that it may name, and whether there must be one.
struct Known {
  const char* method;
  std::set<std::string> arguments;
  bool needed = false;
};
const std::vector<Known>& known_methods() {
  static const std::vector<Known> known = {
      {"initial", {"batch"}, true},
      {"observe", {"carry", "action", "image", "vector", "first", "generator"}, true},
      {"imagine", {"carry", "action", "generator", "knobs"}, true},
      {"decode", {"carry"}, true},
      {"outcome", {"carry"}},
      {"features", {"carry"}},
      {"surprise", {"carry"}},
      {"belief", {"carry"}},
      {"probes", {"carry"}},
      {"act", {"carry", "generator"}}};
  return known;
}

/// What Torch says of a script that threw ends with it; before stands the way there.
std::string last_line(const std::string& text) {
  std::istringstream lines(text);
  std::string last;
  for (std::string line; std::getline(lines, line);)
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  return printable(last, 200);
}

std::string listed(const std::set<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

std::string shape_text(at::IntArrayRef sizes) {
  std::string text;
  for (const auto size : sizes) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return '[' + text + ']';
}

struct ScriptProgram::Module {
  torch::jit::Module script;
};

ScriptProgram::ScriptProgram(const torch::Tensor& bytes, std::string origin, const torch::Device& device)
    : origin_(std::move(origin)), device_(device), module_(std::make_unique<Module>()) {
  if (!bytes.defined() || bytes.scalar_type() != torch::kUInt8 || bytes.dim() != 1 || bytes.numel() == 0)
    throw Error(origin_ + ": the program in it is no row of bytes");
  const auto values = bytes.to(torch::kCPU).contiguous();
  sha256_ = dream::sha256(values.data_ptr(), values.nbytes());
  if (!is_trusted(sha256_)) throw Untrusted(origin_, sha256_);
  try {
    std::istringstream file(std::string(static_cast<const char*>(values.data_ptr()), values.nbytes()));
    module_->script = torch::jit::load(file, device_, false);
    module_->script.eval();
  } catch (const std::exception& error) {
    const std::string what = error.what();
    throw Error(origin_ + " cannot be read as a TorchScript module: " + printable(what.substr(0, what.find('\n')), 200));
  }
  for (auto parameter : module_->script.parameters()) parameter.requires_grad_(false);
  for (const auto& known : known_methods()) {
    const auto method = module_->script.find_method(known.method);
    if (!method) {
      if (known.needed)
        throw Error(origin_ + ": the module has no method `" + known.method +
                    "`; it must have initial, observe, imagine and decode (docs/bring-your-own-model.md)");
      continue;
    }
    auto& arguments = takes_[known.method];
    const auto& schema = method->function().getSchema().arguments();
    for (std::size_t i = 1; i < schema.size(); ++i) {  // the first is the module, whatever it is called
      const auto& argument = schema[i];
      if (!known.arguments.contains(argument.name()) && !argument.default_value())
        fail(known.method, "takes an argument '" + printable(argument.name(), 60) + "'; it may take " + listed(known.arguments));
      if (known.arguments.contains(argument.name())) arguments.push_back(argument.name());
    }
  }
}

ScriptProgram::~ScriptProgram() = default;

std::int64_t ScriptProgram::parameter_count() const {
  std::int64_t count = 0;
  for (const auto& parameter : module_->script.parameters()) count += parameter.numel();
  return count;
}

bool ScriptProgram::takes(const std::string& method, const std::string& argument) const {
  const auto found = takes_.find(method);
  return found != takes_.end() && std::ranges::count(found->second, argument) > 0;
}

void ScriptProgram::fail(const std::string& method, const std::string& what) const {
  throw Error(origin_ + ": `" + method + "` " + what);
}

std::string ScriptProgram::text(const std::string& name, const std::string& otherwise) const {
  if (!module_->script.hasattr(name)) return otherwise;
  const auto value = module_->script.attr(name);
  if (!value.isString()) throw Error(origin_ + ": the module's attribute '" + name + "' is no text");
  return value.toStringRef();
}

std::vector<std::int64_t> ScriptProgram::wholes(const std::string& name) const {
  if (!module_->script.hasattr(name)) return {};
  const auto value = module_->script.attr(name);
  if (!value.isIntList()) throw Error(origin_ + ": the module's attribute '" + name + "' is no List[int]");
  return value.toIntVector();
}

std::map<std::string, std::vector<double>> ScriptProgram::number_lists(const std::string& name) const {
  if (!module_->script.hasattr(name)) return {};
  const auto value = module_->script.attr(name);
  std::map<std::string, std::vector<double>> found;
  const auto refuse = [&] { throw Error(origin_ + ": the module's attribute '" + name + "' is no Dict[str, List[float]]"); };
  if (!value.isGenericDict()) refuse();
  for (const auto& item : value.toGenericDict()) {
    if (!item.key().isString() || !item.value().isDoubleList()) refuse();
    found[item.key().toStringRef()] = item.value().toDoubleVector();
  }
  return found;
}

c10::IValue ScriptProgram::call(const std::string& method, const Arguments& offered) {
  std::unordered_map<std::string, c10::IValue> given;
  std::vector<std::pair<torch::Tensor, std::int64_t>> versions;  // what was handed in must not change
  const auto watch = [&](const torch::Tensor& tensor) {
    if (tensor.defined()) versions.emplace_back(tensor, tensor._version());
  };
  for (const auto& name : takes_.at(method)) {
    const auto found = offered.find(name);
    if (found == offered.end()) fail(method, "takes '" + name + "', and there is none in this world");
    given[name] = found->second;
    if (found->second.isTensor()) watch(found->second.toTensor());
    if (found->second.isGenericDict()) {
      for (const auto& item : found->second.toGenericDict())
        if (item.value().isTensor()) watch(item.value().toTensor());
    }
  }
  c10::IValue result;
  try {
    // Unoptimised: an executor that specialises itself after a few calls need not give the same bits before and after.
    const torch::jit::GraphOptimizerEnabledGuard plain(false);
    result = module_->script.get_method(method)({}, given);
  } catch (const std::exception& error) {
    fail(method, "failed: " + last_line(error.what()));
  }
  for (const auto& [tensor, version] : versions)
    if (tensor._version() != version) fail(method, "changes in place what it was given; it must make new tensors, as dreams go back to old ones");
  return result;
}

torch::Tensor ScriptProgram::checked(const std::string& method, const std::string& name, const torch::Tensor& tensor, std::int64_t batch) const {
  const auto about = name.empty() ? std::string("a tensor") : "'" + printable(name, 60) + "'";
  if (!tensor.defined() || tensor.layout() != torch::kStrided) fail(method, "returned for " + about + " no plain tensor");
  if (tensor.dim() == 0 || tensor.size(0) != batch)
    fail(method, "returned " + about + " of shape " + shape_text(tensor.sizes()) + " for a batch of " + std::to_string(batch) +
                     ": the batch comes first");
  if (!c10::isIntegralType(tensor.scalar_type(), true) && !tensor.is_floating_point())
    fail(method, "returned " + about + " of type " + c10::toString(tensor.scalar_type()) + "; float32 was expected");
  // Its own memory: a module that keeps what it returned could change it later.
  auto value = tensor.is_floating_point() ? tensor.to(device_, torch::kFloat32) : tensor.to(device_);
  if (value.is_floating_point() && !value.isfinite().all().item<bool>()) fail(method, "returned " + about + " with a number that is not finite");
  return value;
}

Carry ScriptProgram::tensors(const std::string& method, const Arguments& offered, std::int64_t batch) {
  const auto result = call(method, offered);
  if (!result.isGenericDict()) fail(method, "returned a " + result.tagKind() + "; Dict[str, Tensor] was expected");
  Carry found;
  for (const auto& item : result.toGenericDict()) {
    if (!item.key().isString() || !item.value().isTensor()) fail(method, "returned a dictionary of something else than names and tensors");
    const auto& name = item.key().toStringRef();
    found[name] = checked(method, name, item.value().toTensor(), batch);
  }
  return found;
}

torch::Tensor ScriptProgram::tensor(const std::string& method, const Arguments& offered, std::int64_t batch) {
  const auto result = call(method, offered);
  if (!result.isTensor()) fail(method, "returned a " + result.tagKind() + "; a Tensor was expected");
  return checked(method, "", result.toTensor(), batch).to(torch::kFloat32);
}

}  // namespace dream
