#include <algorithm>

#include "api/error.h"
#include "core/engine/forcing_planner/forcing_planner_recipe.h"

namespace dream {
namespace {

/// Pieces of episodes as long as a plan: what was done, what was seen then.
class PlannerLearner : public Learner {
 public:
  explicit PlannerLearner(PlannerParts& parts) : parts_(parts), optimiser_(parts.behaviour->parameters(), parts.options.optimiser) {
    spaces_ = parts.system->make_env()->spaces();
    spaces_.image_height = spaces_.image_width = spaces_.image_channels = 0;  // nothing is learned from pictures
  }

  void update(Feed& feed, std::int64_t number, at::Generator rng) override {
    auto& planner = *parts_.behaviour;
    if (begun_of_ != feed.replay().added() || begins_.empty()) find_begins(feed.replay());
    if (!planner.knows()) know(feed.replay());
    const auto lanes = parts_.options.train.batch;
    const auto [seen, done] = pieces(feed.replay(), lanes, rng);
    const auto loss = planner.loss(seen, done, planner.draw(lanes, rng));
    auto& metrics = parts_.system->metrics;
    metrics.add("planner/loss", number, loss.total.item<double>());
    metrics.add("planner/plain", number, loss.plain.item<double>());
    loss.total.backward();
    metrics.add("planner/gradient", number, optimiser_.step());
  }

  double frames_per_update() const override {
    return static_cast<double>(parts_.options.train.batch * parts_.behaviour->horizon());
  }
  std::int64_t least_steps() const override { return parts_.behaviour->horizon(); }
  Fitting fitting() const override { return fit_to(spaces_, parts_.system->environment, {false, true, true}); }
  std::vector<Metrics::Spec> curves() const override {
    return {{"planner/loss", "Denoising: error, as it is weighed", "", "update"},
            {"planner/plain", "Denoising: error, all levels alike", "", "update"},
            {"planner/gradient", "Norm of the gradients", "", "update"}};
  }
  void follow_settings() override { optimiser_.options() = parts_.options.optimiser; }
  void save(Checkpoint& into, const std::string& prefix) const override { optimiser_.save(into, prefix + "optimiser/"); }
  void load(const Checkpoint& from, const std::string& prefix) override { optimiser_.load(from, prefix + "optimiser/"); }
  void rest() override { begins_.clear(); }

 private:
  /// Running count of the frames that a piece can begin at, episode by episode.
  void find_begins(const Replay& replay) {
    begins_.clear(), begun_of_ = replay.added();
    std::int64_t count = 0;
    for (std::size_t i = 0; i < replay.episodes(); ++i) {
      count += std::max<std::int64_t>(0, static_cast<std::int64_t>(replay.episode(i).length()) - parts_.behaviour->horizon() + 1);
      begins_.push_back(count);
    }
    if (count > 0) return;
    begins_.clear();
    throw Error("no episode lasts for a plan of " + std::to_string(parts_.behaviour->horizon()) +
                " steps: planner.tokens times planner.stack must be less, or the episodes longer");
  }

  static torch::Tensor vectors_of(const Episode& episode, std::int64_t from, std::int64_t frames) {
    const auto size = static_cast<std::int64_t>(episode.vector_size);
    return torch::from_blob(const_cast<float*>(episode.vectors.data()) + from * size, {frames, size});
  }
  static torch::Tensor actions_of(const Episode& episode, std::int64_t from, std::int64_t steps) {
    const auto size = static_cast<std::int64_t>(episode.action_size);
    return torch::from_blob(const_cast<float*>(episode.actions.data()) + from * size, {steps, size});
  }

  /// What the data's numbers are like; a run that goes on stays with what it learned in.
  void know(const Replay& replay) {
    auto& planner = *parts_.behaviour;
    std::vector<torch::Tensor> seen, done;
    for (std::size_t i = 0; i < replay.episodes(); ++i) {
      const auto& episode = replay.episode(i);
      const auto steps = static_cast<std::int64_t>(episode.length());
      seen.push_back(vectors_of(episode, 0, steps + 1)), done.push_back(actions_of(episode, 0, steps));
    }
    const auto states = planner.seen_of(torch::cat(seen).to(parts_.system->device)), actions = torch::cat(done).to(parts_.system->device);
    planner.know(torch::cat({states.mean(0), actions.mean(0)}), torch::cat({states.std(0, false), actions.std(0, false)}));
  }

  /// Each frame from which an episode goes on for a plan is as likely to begin one.
  std::pair<torch::Tensor, torch::Tensor> pieces(const Replay& replay, std::int64_t lanes, at::Generator rng) const {
    const auto steps = parts_.behaviour->horizon();
    const auto which = torch::randint(begins_.back(), {lanes}, rng, torch::TensorOptions(torch::kInt64).device(parts_.system->device)).cpu();
    std::vector<torch::Tensor> seen, done;
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const auto draw = which.data_ptr<std::int64_t>()[lane];
      const auto found = std::ranges::upper_bound(begins_, draw);
      const auto& episode = replay.episode(static_cast<std::size_t>(found - begins_.begin()));
      const auto from = draw - (found == begins_.begin() ? 0 : *(found - 1));
      seen.push_back(vectors_of(episode, from, steps + 1)), done.push_back(actions_of(episode, from, steps));
    }
    const auto device = parts_.system->device;
    return {parts_.behaviour->seen_of(torch::stack(seen).to(device)), torch::stack(done).to(device)};
  }

  PlannerParts& parts_;
  Optimiser optimiser_;
  Spaces spaces_;
  std::vector<std::int64_t> begins_;
  std::int64_t begun_of_ = -1;  // episodes that were added then
};

}  // namespace

std::unique_ptr<Learner> planner_learner(PlannerParts& parts) {
  return std::make_unique<PlannerLearner>(parts);
}

}  // namespace dream
