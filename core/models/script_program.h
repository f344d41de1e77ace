#pragma once
#include <ATen/core/ivalue.h>
#include <torch/types.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/nn/carry.h"

namespace dream {

/// A TorchScript module that the user lets run, and the checks of what it returns: everything that the rest of the program sees of
/// it is finite, of the type and shape that was expected, and nothing that was handed in has changed. Methods take the arguments
/// that they name, of those that are offered; docs/bring-your-own-model.md has the list.
///
/// What it throws, and what it returns wrongly, becomes a dream::Error that names file, method and what was expected.
class ScriptProgram {
 public:
  using Arguments = std::map<std::string, c10::IValue>;

  /// `bytes`: the file, uint8 [N]; `origin` names it in messages. Throws Untrusted, before anything of it is parsed, where the user
  /// has not agreed to its SHA-256, and dream::Error for a file that is no TorchScript, and for a module without what it must have.
  ScriptProgram(const torch::Tensor& bytes, std::string origin, const torch::Device& device);
  ~ScriptProgram();
  ScriptProgram(const ScriptProgram&) = delete;
  ScriptProgram& operator=(const ScriptProgram&) = delete;

  const std::string& origin() const { return origin_; }
  const std::string& sha256() const { return sha256_; }
  const torch::Device& device() const { return device_; }
  std::int64_t parameter_count() const;

  bool has(const std::string& method) const { return takes_.contains(method); }
  bool takes(const std::string& method, const std::string& argument) const;

  /// Attributes; the second where the module has none of this name. Throw dream::Error for one of another type.
  std::string text(const std::string& name, const std::string& otherwise) const;
  std::vector<std::int64_t> wholes(const std::string& name) const;
  std::map<std::string, std::vector<double>> number_lists(const std::string& name) const;

  /// A method that returns Dict[str, Tensor], each of them [batch, ...], float32 and finite, or whole numbers or bool.
  Carry tensors(const std::string& method, const Arguments& offered, std::int64_t batch);
  /// A method that returns a Tensor, float32 [batch, ...], finite.
  torch::Tensor tensor(const std::string& method, const Arguments& offered, std::int64_t batch);

  /// Throws dream::Error: "FILE: `method` …".
  [[noreturn]] void fail(const std::string& method, const std::string& what) const;

 private:
  struct Module;
  c10::IValue call(const std::string& method, const Arguments& offered);
  torch::Tensor checked(const std::string& method, const std::string& name, const torch::Tensor& tensor, std::int64_t batch) const;

  std::string origin_, sha256_;
  torch::Device device_;
  std::unique_ptr<Module> module_;
  std::map<std::string, std::vector<std::string>> takes_;  // arguments of each method
};

/// "[2, 3]"
std::string shape_text(at::IntArrayRef sizes);

/// What a checkpoint calls the bytes of a program, uint8 [N].
constexpr const char* program_key = "model/program";

}  // namespace dream
