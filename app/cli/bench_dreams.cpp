#include "app/cli/bench_rows.h"
#include "core/engine/interleaved.h"
#include "core/engine/trainer.h"
#include "core/nn/generator.h"

namespace dream::cli {
namespace {

struct DreamSize {
  std::string name, what, recipe;
  std::vector<std::string> settings;  // of its size
  std::vector<std::string> learns;    // of what an update is, of the published ones on an eighth of the batch; without, none is measured
};

std::vector<DreamSize> dream_sizes() {
  const std::string published = "size=published", tiny = "size=tiny";
  return {{"diamond", "DIAMOND 4.4 M, 3 Euler steps", "diamond", {published}, {"learn.actor_after=100000000", "train.batch=4"}},
          {"iris", "IRIS 8.4 M + 4.0 M", "iris", {published}, {"learn.world_after=0", "learn.actor_after=100000000", "learn.frames=32", "train.batch=8"}},
          {"delta_iris", "Δ-IRIS 3.6 M + 4.1 M", "delta-iris", {published},
           {"learn.world_after=0", "learn.world_share=1", "learn.actor_after=100000000", "learn.pairs=40", "train.batch=8"}},
          {"storm", "STORM 16.5 M", "storm", {published}, {"train.batch=2", "learn.imagined=128"}},
          {"transdreamer", "TransDreamer as published", "transdreamer", {published}, {}},
          {"diamond_tiny", "DIAMOND tiny, 32 × 32", "diamond", {tiny}, {"learn.actor_after=100000000"}},
          {"iris_tiny", "IRIS tiny, 32 × 32", "iris", {tiny}, {"learn.world_after=0", "learn.actor_after=100000000"}},
          {"delta_iris_tiny", "Δ-IRIS tiny, 32 × 32", "delta-iris", {tiny}, {"learn.world_after=0", "learn.actor_after=100000000"}},
          {"storm_tiny", "STORM tiny", "storm", {tiny}, {"train.batch=16"}},
          {"transdreamer_tiny", "TransDreamer tiny", "transdreamer", {tiny}, {"train.batch=16"}},
          {"dreamer4_tiny", "Dreamer 4 tiny", "dreamer-v4", {tiny}, {}},
          {"forcing_tiny", "Diffusion Forcing tiny", "diffusion-forcing", {tiny}, {}}};
}

std::unique_ptr<System> dream_system(const DreamSize& size, const std::string& device, const std::filesystem::path& folder,
                                     const std::vector<std::string>& more) {
  RunSpec spec;
  spec.recipe = size.recipe;
  spec.environment = "Catch";
  spec.device = device;
  spec.directory = folder;
  spec.settings = size.settings;
  spec.settings.insert(spec.settings.end(), more.begin(), more.end());
  return make_system(spec);
}

/// One lane from a picture that was seen: imagined steps with their rewards and ends, each decoded into its picture.
Row token_dream_row(double seconds, const DreamSize& size, const std::string& device) {
  torch::NoGradGuard no_grad;
  const BenchFolder folder;
  const auto system = dream_system(size, device, folder.path, {});
  auto& model = *system->model;
  auto rng = make_generator(system->device, 1);
  const auto env = system->make_env();
  const auto& spaces = env->spaces();
  std::vector<std::uint8_t> pixels(spaces.image_bytes());
  env->reset(1);
  env->observe_image(pixels);
  const auto image = torch::tensor(pixels, torch::kUInt8).view({1, spaces.image_height, spaces.image_width, spaces.image_channels}).to(system->device);
  const auto action = torch::ones({1, 1}, torch::TensorOptions(system->device));
  auto carry = model.observe(model.initial(1), action, {.image = image, .vector = {}}, rng);
  const auto value = rate(seconds, [&] {
    carry = model.imagine(carry, action, {}, rng);
    model.predict(carry).frame.sum().item<float>();
    return 1.0;
  });
  return {size.name + "_dream", size.what + ": dream + decode", "frames/s", value};
}

/// Updates as the trainer makes them, of random experience, drawing it included.
Row token_update_row(double seconds, const DreamSize& size, const std::string& device) {
  const BenchFolder folder;
  auto settings = size.learns;
  settings.insert(settings.end(), {"train.steps=1000000", "train.prefill=2000", "train.lanes=8", "train.train_ratio=100000"});
  Trainer trainer(dream_system(size, device, folder.path, settings), {1e9, "learn", 0}, false);
  trainer.take();
  const auto parts = std::static_pointer_cast<InterleavedParts>(trainer.system().parts);
  while (parts->updates == 0 && trainer.advance()) {
  }
  const auto value = rate(seconds, [&] {
    const auto before = parts->updates;
    while (parts->updates == before) trainer.advance();
    return static_cast<double>(parts->updates - before);
  });
  return {size.name + "_update", size.what + ": update", "updates/s", value};
}

}  // namespace

std::vector<Measurement> dream_rows(double seconds, const std::string& device) {
  std::vector<Measurement> rows;
  for (const auto& size : dream_sizes()) {
    rows.push_back({size.name + "_dream", [=] { return token_dream_row(seconds, size, device); }});
    if (!size.learns.empty()) rows.push_back({size.name + "_update", [=] { return token_update_row(seconds, size, device); }});
  }
  return rows;
}

}  // namespace dream::cli
