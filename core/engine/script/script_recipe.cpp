#include "core/engine/script/script_recipe.h"

#include <algorithm>
#include <fstream>

#include "api/error.h"
#include "core/base/durable_file.h"
#include "core/base/text.h"
#include "core/base/trust.h"
#include "core/base/zip_names.h"
#include "core/behaviours/script_driver.h"
#include "core/engine/run_file.h"
#include "core/engine/system.h"
#include "core/env/registry.h"
#include "core/env/resized.h"
#include "core/models/script_model.h"
#include "core/nn/device.h"
#include "core/nn/state_dict.h"

namespace dream {
namespace {

constexpr std::int64_t largest_picture = 1024;
constexpr std::uint64_t largest_program = std::uint64_t{8} << 30;

/// The world, with its picture as large as the module wants it.
std::function<std::unique_ptr<Env>()> env_for(const ScriptProgram& program, const std::string& world) {
  const auto size = program.wholes("image_size");
  if (size.empty()) return [world] { return make_env(world); };
  const auto fits = [](std::int64_t n) { return n >= 1 && n <= largest_picture; };
  if (size.size() < 2 || size.size() > 3 || !std::ranges::all_of(size, fits))
    throw Error(program.origin() + ": the module's attribute 'image_size' must be [height, width] or [height, width, rows], numbers from 1 to 1024");
  const auto height = static_cast<int>(size[0]), width = static_cast<int>(size[1]), rows = size.size() > 2 ? static_cast<int>(size[2]) : 0;
  const auto own = make_env(world)->spaces();
  if (own.image_height == height && own.image_width == width && rows == 0) return [world] { return make_env(world); };
  return [=]() -> std::unique_ptr<Env> { return std::make_unique<ResizedEnv>(make_env(world), rows, height, width); };
}

torch::Tensor bytes_of(const std::filesystem::path& path) {
  const auto size = regular_file_size(path);
  if (size > largest_program) throw Error(path.string() + " is larger than 8 GB, and no program is");
  auto bytes = torch::empty({static_cast<std::int64_t>(size)}, torch::kUInt8);
  std::ifstream in(path, std::ios::binary);
  if (!in.read(static_cast<char*>(bytes.data_ptr()), static_cast<std::streamsize>(size))) throw Error(path.string() + " cannot be read");
  return bytes;
}

bool has_part(const std::vector<std::string>& names, const std::string& part) {
  return std::ranges::any_of(names, [&](const std::string& name) { return name == part || name.ends_with('/' + part); });
}

}  // namespace

std::unique_ptr<System> make_torchscript(const RunSpec& spec) {
  if (!spec.program.defined() || spec.program.is_meta())  // of a checkpoint that was only looked into
    throw Error(
        "the recipe torchscript begins no run and learns nothing: it is what a TorchScript file is opened with, by its name "
        "(docs/bring-your-own-model.md)");
  auto system = std::make_unique<System>();
  apply_settings(system->config, spec);
  system->recipe = "torchscript";
  system->title = "PyTorch's program";
  system->environment = spec.environment;
  system->directory = spec.directory;
  system->device = device_from(spec.device);
  auto origin = spec.toml_origin;  // "FILE, field 'config'"
  origin = origin.empty() ? "the program" : origin.substr(0, origin.rfind(", field"));
  const auto program = std::make_shared<ScriptProgram>(spec.program, origin, system->device);
  system->make_env = env_for(*program, spec.environment);
  auto model = std::make_shared<ScriptModel>(spec.program, program, system->make_env()->spaces());
  if (model->acts()) system->behaviour = std::make_shared<ScriptDriver>();
  system->model = std::move(model);
  return system;
}

ForeignFile foreign_file(const std::filesystem::path& path) {
  if (!is_torch_save(path)) return ForeignFile::none;
  const auto names = zip_names(path);
  if (has_part(names, "constants.pkl") && !has_part(names, "serialized_exported_program.json")) return ForeignFile::script;
  for (const auto* part : {"serialized_exported_program.json", "archive_format", "archive_version"})
    if (has_part(names, part)) return ForeignFile::exported;
  return ForeignFile::weights;
}

Checkpoint load_foreign(const std::filesystem::path& path, ForeignFile kind) {
  const auto origin = path.string();
  if (kind == ForeignFile::exported)
    throw Error(origin +
                " was written by torch.export, and LibTorch has no interpreter for its graphs, only for code that a compiler made of them "
                "for one kind of machine: write the module with torch.jit.save instead (docs/bring-your-own-model.md)");
  check_zip(path);
  if (const auto names = zip_names(path); !names.empty() && !has_part(names, "data.pkl"))
    throw Error(origin + " is a zip archive, and none that PyTorch has written");
  if (kind != ForeignFile::script)
    throw Error(origin +
                " holds weights without the code that they belong to: nothing can be dreamt with them. dreamscope-cli info shows what is "
                "in it; docs/bring-your-own-model.md says how to bring the code");
  Checkpoint checkpoint;
  checkpoint.origin = origin;
  const auto bytes = bytes_of(path);
  const ScriptProgram program(bytes, origin, torch::kCPU);
  const auto world = program.text("environment", "");
  if (world.empty()) throw Error(origin + ": the module has no attribute 'environment', the name of the world that it acts in, as \"CarRacing\"");
  checkpoint.tensors[program_key] = bytes;
  checkpoint.metadata = {{"recipe", "torchscript"}, {"environment", world}, {"config", ""}, {run_format_key, std::to_string(run_format)},
                         {std::string(fact_prefix) + "program", "TorchScript, " + std::to_string(program.parameter_count()) +
                                                                    " parameters, SHA-256 " + program.sha256()}};
  return checkpoint;
}

}  // namespace dream
