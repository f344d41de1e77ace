#include "core/engine/vmc/teacher.h"

#include "api/error.h"
#include "core/behaviours/pilot.h"
#include "core/engine/run_file.h"

namespace dream {
namespace {

class Expert final : public Teacher {
 public:
  void begins(std::int64_t) override {}
  torch::Tensor says(const RealLanes& lanes, const torch::Tensor&, at::Generator) override {
    return lanes.envs().experts();
  }
};

class OtherRun final : public Teacher {
 public:
  OtherRun(const std::string& run, const System& pupil, std::int64_t lanes)
      : system_(load_system(load_run(checkpoint_path(run)), pupil.device.str())) {
    if (system_->environment != pupil.environment) {
      throw Error("c.teacher = " + run + " drives " + system_->environment + ", not " + pupil.environment);
    }
    if (!system_->model || !system_->behaviour) throw Error("c.teacher = " + run + " has nobody who drives");
    pilot_ = std::make_unique<Pilot>(system_->behaviour, lanes, Mode::judge);
    carry_ = system_->model->initial(lanes);
    fresh_ = torch::zeros({lanes}, torch::kBool);
  }

  void begins(std::int64_t lane) override {
    pilot_->start(lane);
    fresh_.data_ptr<bool>()[lane] = true;
  }

  torch::Tensor says(const RealLanes& lanes, const torch::Tensor& before, at::Generator rng) override {
    const auto device = system_->device;
    carry_ = where_fresh(fresh_.to(device), system_->model->initial(lanes.count()), carry_);
    fresh_.fill_(false);
    const auto seen = lanes.envs().observation(device);
    carry_ = system_->model->observe(carry_, before.to(device), seen, rng);
    return pilot_->drive({system_->model.get(), carry_, seen}, rng).to(torch::kCPU);
  }

 private:
  std::unique_ptr<System> system_;
  std::unique_ptr<Pilot> pilot_;
  Carry carry_;
  torch::Tensor fresh_;  // bool [L]: an episode begins there
};

}  // namespace

std::unique_ptr<Teacher> make_teacher(const std::string& name, const System& pupil, std::int64_t lanes) {
  if (name != "expert") return std::make_unique<OtherRun>(name, pupil, lanes);
  const auto env = pupil.make_env();
  env->reset(0);
  std::vector<float> action(env->spaces().action.size());
  if (!env->expert(action)) {
    throw Error("c.teacher = expert: " + pupil.environment + " has no driver of its own; name a run that drives it");
  }
  return std::make_unique<Expert>();
}

}  // namespace dream
