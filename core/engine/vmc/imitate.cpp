#include <algorithm>
#include <cmath>
#include <filesystem>
#include <sstream>

#include "core/behaviours/linear_controller.h"
#include "core/engine/counters.h"
#include "core/engine/population.h"
#include "core/engine/vmc/teacher.h"
#include "core/engine/vmc/vmc_recipe.h"
#include "core/nn/optimiser.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t episodes_a_round = 32, fits = 600, fits_at_once = 20, rows_a_fit = 8192;
constexpr double learning_rate = 3e-3;

/// A first controller for the search, by DAgger (Ross, Gordon & Bagnell 2011): in the first round the teacher drives;
/// then C does, and the teacher says at every step what it would have done there. After each round C is fitted to all
/// that was said so far, by least squares before the squashing, then by Adam after it.
class Imitation : public Phase {
 public:
  explicit Imitation(std::shared_ptr<VmcParts> parts)
      : Phase("imitate", "C begins as another driver", "steps/s"), parts_(std::move(parts)) {}

  void begin() override {
    if (done_) return;
    const auto device = parts_->system->device;
    features_.clear();
    actions_.clear();
    for (std::int64_t round = 0; round < round_; ++round) {
      if (!std::filesystem::exists(file_of(round))) round_ = 0;
    }
    for (std::int64_t round = 0; round < round_; ++round) {
      const auto said = Checkpoint::load(file_of(round));
      features_.push_back(said.finite("features", {-1, parts_->model->feature_count()}).to(device));
      actions_.push_back(said.finite("actions", {features_.back().size(0), axes()}).to(device));
    }
    begin_round();
  }

  double step() override {
    if (done_) return 0;
    double steps = 0;
    for (int repeat = 0; repeat < 4 && !population_->finished(); ++repeat) {
      steps += static_cast<double>(population_->tick());
    }
    if (population_->finished()) fit();
    return steps;
  }

  double progress() const override {
    const auto rounds = parts_->options.c.rounds;
    if (done_) return 1;
    const double fitted = static_cast<double>(fitted_) / fits;
    const double part = population_ ? 0.9 * population_->progress() + 0.1 * fitted : 0;
    return std::min(0.999, (static_cast<double>(round_) + part) / static_cast<double>(rounds));
  }

  std::string detail() const override {
    const auto& options = parts_->options.c;
    if (done_) return "imitates " + options.teacher;
    std::ostringstream text;
    text << "round " << round_ + 1 << " of " << options.rounds << (round_ == 0 ? ", " + options.teacher + " drives" : "");
    if (round_ > 1) text << ", mean return " << std::llround(parts_->system->metrics.last("c/taught"));
    return text.str();
  }

  std::vector<Frame> frames() override {
    if (!lanes_) return {};
    return {{"real", round_ == 0 ? "the teacher drives, lane 1" : "C drives and is taught, lane 1", -1,
             std::make_shared<const Image>(image_from(lanes_->envs().images()[0]))}};
  }

  /// What was said in the rounds before lies in files of its own; a round that was under way begins anew.
  void save(Checkpoint& into) const override {
    into.tensors["imitate.counters"] = torch::tensor({round_, std::int64_t{done_}}, torch::kInt64);
  }
  void load(const Checkpoint& from) override {
    end();
    const auto counters = counters_of(from, "imitate.counters", {"rounds", "imitations"});
    round_ = counters[0];
    done_ = counters[1] > 0;
  }

  void end() override {
    population_.reset();
    lanes_.reset();
    teacher_.reset();
    adam_.reset();
    features_.clear();
    actions_.clear();
    fitted_ = 0;
  }

 private:
  std::int64_t axes() const { return parts_->model->m()->options().action_size; }
  std::filesystem::path folder() const { return parts_->system->directory / "data" / "imitation"; }
  std::filesystem::path file_of(std::int64_t round) const {
    return folder() / (std::to_string(round + 1) + ".safetensors");
  }

  /// All that a round draws begins with it.
  void begin_round() {
    const auto& options = parts_->options.c;
    const auto device = parts_->system->device;
    auto rng = parts_->rng("imitate").fork(static_cast<std::uint64_t>(round_));
    const auto lanes = std::min(options.lanes, episodes_a_round);
    rng_ = make_generator(device, rng.next64());
    draws_ = make_generator(torch::kCPU, rng.next64());
    population_.reset();
    lanes_ = std::make_unique<RealLanes>(parts_->model, device, parts_->system->make_env, lanes, rng.next64());
    if (!teacher_) teacher_ = make_teacher(options.teacher, *parts_->system, lanes);
    before_ = torch::zeros({lanes, axes()});
    before_round_ = static_cast<std::ptrdiff_t>(features_.size());
    population_ = std::make_unique<Population>(
        [this](const Seen& seen, const torch::Tensor&) { return drive(seen); }, *lanes_,
        Population::Options{options.max_steps, options.patience, [this](std::int64_t lane) { teacher_->begins(lane); }});
    std::vector<std::uint64_t> seeds;
    for (std::int64_t lane = 0; lane < lanes_->count(); ++lane) seeds.push_back(rng.integers(first_evaluation_seed));
    distance_ = {};
    population_->begin(1, seeds);
  }

  torch::Tensor drive(const Seen& seen) {
    const auto features = seen.features();
    const auto said = teacher_->says(*lanes_, before_, rng_);
    const auto did = parts_->controller->act(features).to(torch::kCPU);
    const auto rows = torch::tensor(population_->busy(), torch::kInt64);
    features_.push_back(features.index_select(0, rows.to(features.device())));
    actions_.push_back(said.index_select(0, rows).to(features.device()));
    distance_.sum += (did - said).square().mean(1).index_select(0, rows).sum().item<double>();
    distance_.rows += static_cast<double>(rows.numel());
    return before_ = round_ == 0 ? said : did;
  }

  void fit() {
    auto& controller = *parts_->controller;
    auto& metrics = parts_->system->metrics;
    if (!adam_) {
      metrics.add("c/imitation", round_ + 1, distance_.sum / distance_.rows);
      metrics.add("c/taught", round_ + 1, population_->mean_rewards()[0]);
      keep_round();
      features_ = {torch::cat(features_)};
      actions_ = {torch::cat(actions_)};
      const auto known = controller.flat();
      parameters_ = round_ == 0 ? controller.nearest_parameters(features_[0], actions_[0])
                                : torch::tensor(known, torch::kFloat64).to(features_[0].device(), torch::kFloat32);
      parameters_.requires_grad_();
      adam_ = std::make_unique<Optimiser>(std::vector<torch::Tensor>{parameters_},
                                          OptimiserOptions{.kind = OptimiserKind::adam,
                                                           .learning_rate = learning_rate,
                                                           .eps = 1e-8,
                                                           .adaptive_clip = 0,
                                                           .warm_up = 0,
                                                           .measure = false});
    }
    const auto& features = features_[0];
    for (int i = 0; i < fits_at_once && fitted_ < fits; ++i, ++fitted_) {
      adam_->options().learning_rate = learning_rate * (1 - static_cast<double>(fitted_) / fits);
      const auto count = features.size(0);
      const auto rows =
          torch::randint(count, {std::min(rows_a_fit, count)}, draws_, torch::kInt64).to(features.device());
      (controller.act_with(parameters_, features.index_select(0, rows)) - actions_[0].index_select(0, rows))
          .square()
          .mean()
          .backward();
      adam_->step();
    }
    if (fitted_ < fits) return;
    const auto flat = parameters_.detach().to(torch::kCPU, torch::kFloat64).contiguous();
    controller.set_flat({flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()});
    adam_.reset();
    fitted_ = 0;
    done_ = ++round_ >= parts_->options.c.rounds;
    if (!done_) return begin_round();
    std::error_code ignored;
    std::filesystem::remove_all(folder(), ignored);
  }

  /// What was said in this round, for who goes on after a kill.
  void keep_round() const {
    const auto joined = [&](const std::vector<torch::Tensor>& rows) {
      return torch::cat(std::vector<torch::Tensor>(rows.begin() + before_round_, rows.end())).to(torch::kCPU);
    };
    Checkpoint said;
    said.tensors["features"] = joined(features_);
    said.tensors["actions"] = joined(actions_);
    std::filesystem::create_directories(folder());
    said.save(file_of(round_));
  }

  std::shared_ptr<VmcParts> parts_;
  std::unique_ptr<RealLanes> lanes_;
  std::unique_ptr<Teacher> teacher_;
  std::unique_ptr<Population> population_;
  at::Generator rng_, draws_;
  torch::Tensor before_;                          // [L, A]: what was done last
  std::vector<torch::Tensor> features_, actions_;  // [rows, F], [rows, A]: of all rounds
  struct {
    double sum = 0, rows = 0;
  } distance_;  // of this round
  torch::Tensor parameters_;
  std::unique_ptr<Optimiser> adam_;
  std::ptrdiff_t before_round_ = 0;  // entries of features_ from earlier rounds
  std::int64_t round_ = 0, fitted_ = 0;
  bool done_ = false;
};

}  // namespace

std::shared_ptr<Phase> imitate_phase(std::shared_ptr<VmcParts> parts) {
  return std::make_shared<Imitation>(std::move(parts));
}

}  // namespace dream
