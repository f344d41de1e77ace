#include "core/engine/vmc/ctallec_recipe.h"

#include "api/error.h"
#include "core/behaviours/linear_controller.h"
#include "core/env/registry.h"
#include "core/env/resized.h"
#include "core/models/vmc.h"
#include "core/nn/device.h"
#include "core/nn/mixture_kernel.h"

namespace dream {
namespace {

/// The sizes, which an import finds in the files; called as those of `vmc` are.
struct CtallecSizes {
  std::int64_t latent = 32, hidden = 256, mixtures = 5;

  void fields(Config& config) {
    const auto add = [&](const char* key, std::int64_t& target, const char* help, double most) {
      Config::Traits traits;
      traits.help = help, traits.low = 1, traits.high = most;
      config.add(key, target, traits);
    };
    add("v.latent_size", latent, "Size of the latent z", 1024);
    add("m.hidden_size", hidden, "LSTM units of M", 16384);
    add("m.mixtures", mixtures, "Gaussians of whole z, K", most_mixtures);
  }
};

}  // namespace

std::unique_ptr<System> make_vmc_ctallec(const RunSpec& spec) {
  if (!spec.directory.empty())
    throw Error(
        "the recipe vmc-ctallec begins no run and learns nothing: it is what dreamscope-cli import makes of ctallec/world-models' weights "
        "(docs/bring-your-own-model.md)");
  auto system = std::make_unique<System>();
  const auto sizes = std::make_shared<CtallecSizes>();
  sizes->fields(system->config);
  apply_settings(system->config, spec);
  system->recipe = "vmc-ctallec";
  system->title = "World Models (ctallec's V-M-C)";
  system->environment = spec.environment;
  system->device = device_from(spec.device);
  system->make_env = [name = spec.environment]() -> std::unique_ptr<Env> { return std::make_unique<ResizedEnv>(make_env(name), 0, 64, 64); };
  MdnRnnOptions m;
  m.latent_size = sizes->latent;
  m.action_size = static_cast<std::int64_t>(system->make_env()->spaces().action.size());
  m.hidden_size = sizes->hidden;
  m.mixtures = sizes->mixtures;
  m.heads = m.joint = true;
  auto model = std::make_shared<VmcModel>(m, false, VaeKind::ctallec);
  const std::vector<Squash> squash(static_cast<std::size_t>(m.action_size), Squash::raw);
  system->behaviour = std::make_shared<LinearController>(model->feature_count(), squash);
  model->to(system->device);
  system->behaviour->to(system->device);
  system->model = std::move(model);
  system->parts = sizes;
  return system;
}

}  // namespace dream
