#include "tests/cli/torch_says.h"

#include <algorithm>
#include <cmath>

#include "core/engine/run_file.h"
#include "core/models/representation.h"

namespace dream::test {

const std::map<std::string, void (*)(System&, Checkpoint&)>& torch_says() {
  static const std::map<std::string, void (*)(System&, Checkpoint&)> all = {
      {"genie", say_genie},
      {"iris", say_iris},
      {"delta-iris", say_delta_iris},
      {"transdreamer", say_tssm},
      {"storm", say_tssm},
      {"diamond", say_diamond},
      {"dreamer-v4", say_dreamer4},
      {"genie-2", say_genie2},
      {"diffusion-forcing", say_diffusion_forcing},
      {"forcing-planner", say_forcing_planner},
      {"h-jepa", say_hjepa},
      {"i-jepa", say_masked_jepa},
      {"v-jepa", say_masked_jepa},
      {"byol", say_two_views},
      {"vicreg", say_two_views},
  };
  return all;
}

const std::vector<RandomRun>& random_runs() {
  static const std::vector<std::string> views = {"encoder.patch=8", "encoder.width=12", "encoder.layers=2", "encoder.heads=2", "view.depth=2"};
  static const auto with = [](std::vector<std::string> some, const std::vector<std::string>& more) {
    some.insert(some.end(), more.begin(), more.end());
    return some;
  };
  static const std::vector<RandomRun> all = {
      {"random_i_jepa", "i-jepa", "TwoRoom", with(views, {"predictor.width=12", "predictor.layers=2", "predictor.heads=2"})},
      {"random_v_jepa", "v-jepa", "TwoRoom", with(views, {"predictor.width=12", "predictor.layers=2", "predictor.heads=2", "encoder.frames=4", "encoder.tubelet=2"})},
      {"random_byol", "byol", "TwoRoom", with(views, {"projector.units=16", "projector.out=8"})},
      {"random_vicreg", "vicreg", "TwoRoom", with(views, {"projector.units=16", "projector.out=8"})},
      {"random_h_jepa", "h-jepa", "TwoRoom",
       {"world.latent=8", "world.depth=2", "world.view.depth=2", "slow.latent=4", "slow.units=8", "slow.view.depth=2", "planner.horizon=3", "planner.candidates=6",
        "planner.elites=2", "planner.iterations=2", "planner.discount=0.9", "far.horizon=3", "far.candidates=6", "far.elites=2", "far.iterations=2", "far.discount=0.8"}},
      {"random_genie_2", "genie-2", "BouncingSquare",
       {"world.frames=4", "autoencoder.width=16", "autoencoder.patch=16", "actions.width=16", "actions.layers=1", "actions.patch=16", "dynamics.width=16", "dynamics.layers=2",
        "train.bfloat16=false"}},
      {"random_diffusion_forcing", "diffusion-forcing", "BouncingSquare",
       {"world.frames=5", "world.horizon=3", "world.patch=4", "world.width=16", "world.depth=3", "world.each=8", "world.attention_from=0", "world.contrast=1",
        "train.bfloat16=false"}},
      {"random_diffusion_forcing_of_v", "diffusion-forcing", "BouncingSquare",
       {"world.frames=5", "world.horizon=3", "world.patch=8", "world.width=16", "world.depth=2", "world.each=8", "world.attention_from=1", "world.tells=velocity", "world.betas=cosine",
        "train.bfloat16=false"}},
      {"random_dyna_neural", "dyna-neural", "KeyDoor", {"world.units=16", "behaviour.units=16", "view.depth=2"}},
      {"random_dyna_neural_of_states", "dyna-neural", "DynaMaze", {"world.units=16", "behaviour.units=16", "view.depth=2"}},
      {"random_forcing_planner", "forcing-planner", "PointMaze",
       {"planner.width=16", "planner.layers=2", "planner.heads=2", "planner.units=24", "planner.stack=2", "planner.tokens=5", "planner.levels=50", "planner.tells=velocity", "planner.guidance=0.5",
        "planner.causal=true", "planner.steps=5", "planner.stabilisation=3", "planner.rest=2"}},
  };
  return all;
}

std::filesystem::path make_random_run(const RandomRun& run, const std::filesystem::path& into) {
  torch::NoGradGuard no_grad;
  torch::manual_seed(2);
  RunSpec spec;
  spec.recipe = run.recipe, spec.environment = run.world, spec.settings = run.settings;
  const auto system = make_system(spec);
  const auto unsettle = [](torch::nn::Module& module) {
    for (auto& weight : module.parameters()) {  // of many inputs less, or roundings would grow from layer to layer
      const auto inputs = weight.dim() > 1 ? static_cast<double>(weight.numel() / weight.size(0)) : 1.0;
      weight.add_(std::min(0.05, 0.5 / std::sqrt(inputs)) * torch::randn_like(weight));
    }
    for (auto& each : module.named_parameters()) {  // a dream that ends shows no more
      if (each.key().ends_with("end.out.bias") || each.key().ends_with("end_out.bias")) each.value().select(0, -1).sub_(4);
      if (each.key() == "dynamics.out.bias") each.value().add_(torch::randn_like(each.value()));  // Dreamer 4 holds latents in [-1, 1]
      if (each.key() == "reward_end.hidden.bias") each.value().add_(2);
      if (each.key() == "reward_end.out.weight") each.value()[4].copy_(-each.value()[4].abs());
    }
    for (auto& each : module.named_buffers())  // by which numbers are standardised
      if (each.key().ends_with("mean") || each.key().ends_with("deviation") || each.key().ends_with("variance"))
        each.value().add_(0.2 * torch::rand_like(each.value()));
  };
  if (system->model) unsettle(*system->model);
  if (system->behaviour) unsettle(*system->behaviour);
  if (system->encoder) unsettle(*system->encoder);
  Checkpoint checkpoint;
  system->store_weights(checkpoint);
  checkpoint.metadata = {{"recipe", run.recipe}, {"environment", run.world}, {"config", system->config.to_toml()}, {run_format_key, std::to_string(run_format)}};
  std::filesystem::create_directories(into / run.name);
  checkpoint.save(into / run.name / "checkpoint.safetensors");
  return into / run.name;
}

void keep_what_is_said(const std::filesystem::path& run, const std::filesystem::path& into) {
  const auto file = checkpoint_path(run);
  const auto says = torch_says().find(Checkpoint::peek(file).text("recipe"));
  if (says == torch_says().end()) return;
  torch::NoGradGuard no_grad;
  auto checkpoint = load_run(file);
  auto& config = checkpoint.metadata["config"];
  for (auto at = config.find("bfloat16 = true"); at != std::string::npos; at = config.find("bfloat16 = true")) config.replace(at, 15, "bfloat16 = false");
  const auto system = load_system(checkpoint, "cpu");
  if (system->model) system->model->eval();
  torch::manual_seed(1);
  Checkpoint said;
  says->second(*system, said);
  std::filesystem::create_directories(into);
  said.save(into / (run.filename().string() + ".safetensors"));
}

}  // namespace dream::test
