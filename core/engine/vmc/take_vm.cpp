#include <filesystem>

#include "api/error.h"
#include "core/engine/counters.h"
#include "core/engine/run_file.h"
#include "core/engine/vmc/vmc_recipe.h"

namespace dream {
namespace {

/// V, M and the first moments of dreams out of another run's file, and the clips that its dreams begin with where the world is away: what
/// becomes of that run afterwards is nothing to this one.
class Taking : public Phase {
 public:
  explicit Taking(std::shared_ptr<VmcParts> parts)
      : Phase("vm", "V and M: of another run", "runs/s"), parts_(std::move(parts)) {}

  double step() override {
    auto& system = *parts_->system;
    const std::filesystem::path from = parts_->options.vm.from, clips = checkpoint_path(from).parent_path() / "clips";
    const auto checkpoint = load_run(checkpoint_path(from));
    auto starts = system.starts_in(checkpoint);
    Checkpoint curves;  // how V and M learned is theirs to show wherever they are
    curves.origin = checkpoint.origin;
    for (const auto& [name, tensor] : checkpoint.tensors)
      if (const auto slash = name.find('/'); name.starts_with("curve") && (name.compare(slash + 1, 2, "v/") == 0 || name.compare(slash + 1, 2, "m/") == 0))
        curves.tensors[name] = tensor;
    load_module(checkpoint, "model", *parts_->model);
    system.starts = std::move(starts);
    system.metrics.load(curves);  // there were none before
    if (std::filesystem::exists(clips)) {
      std::error_code failure;
      std::filesystem::copy(clips, system.directory / "clips",
                            std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing, failure);
      if (failure) throw Error(clips.string() + " cannot be copied into the run's folder: " + failure.message());
    }
    taken_ = 1;
    return 1;
  }

  double progress() const override { return static_cast<double>(taken_); }
  std::string detail() const override {
    return (taken_ > 0 ? "taken from " : "of ") + std::filesystem::path(parts_->options.vm.from).filename().string();
  }
  void save(Checkpoint& into) const override { into.tensors["vm.taken"] = torch::tensor({taken_}, torch::kInt64); }
  void load(const Checkpoint& from) override { taken_ = std::min<std::int64_t>(1, counters_of(from, "vm.taken", {"runs that were taken"})[0]); }

 private:
  std::shared_ptr<VmcParts> parts_;
  std::int64_t taken_ = 0;
};

}  // namespace

std::shared_ptr<Phase> take_phase(std::shared_ptr<VmcParts> parts) {
  return std::make_shared<Taking>(std::move(parts));
}

}  // namespace dream
