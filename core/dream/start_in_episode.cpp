#include "api/error.h"
#include "core/dream/start.h"

namespace dream {
namespace {

class LivedAgain : public StartSource {
 public:
  LivedAgain(std::uint64_t seed, std::shared_ptr<const std::vector<float>> actions, std::int64_t step, std::string name)
      : seed_(seed), actions_(std::move(actions)), step_(static_cast<std::size_t>(step)), name_(std::move(name)) {}
  std::string name() const override { return name_; }

  Start next(std::uint64_t, const Stage& stage) override {
    const auto before = stage.env.save_state();
    try {
      return live(stage);
    } catch (const Error&) {
      stage.env.load_state(before);
      throw;
    }
  }

 private:
  Start live(const Stage& stage) const {
    auto& env = stage.env;
    const auto axes = env.spaces().action.size();
    if (axes == 0 || actions_->size() % axes != 0 || actions_->size() < step_ * axes)
      throw Error("the moment's actions are not those of this world, which have " + std::to_string(axes) +
                  " values each");
    Start start;
    start.seed = seed_;
    env.reset(seed_);
    const auto see = [&](const torch::Tensor& action) {
      start.watched.push_back({stage.look(), action, start.watched.empty()});
      if (start.watched.size() > static_cast<std::size_t>(most_watched) + 1) start.watched.pop_front();
    };
    const auto nothing = torch::zeros({1, static_cast<std::int64_t>(stage.actions().size())});
    see(nothing);
    for (std::size_t step = 0; step < step_; ++step) {
      const std::span<const float> action(actions_->data() + step * axes, axes);
      if (env.step(action).done())
        throw Error("the episode ends with step " + std::to_string(step + 1) + ", before the moment at step " +
                    std::to_string(step_));
      // A model with actions of its own finds them in the frames.
      see(stage.shares_actions() ? torch::tensor(std::vector<float>(action.begin(), action.end())).unsqueeze(0)
                                 : nothing);
    }
    // What is watched begins in the middle of the episode: nothing came before it that the model would know.
    start.watched.front().first = true;
    start.env = env.save_state();
    stage.see_all(start);
    return start;
  }

  std::uint64_t seed_;
  std::shared_ptr<const std::vector<float>> actions_;
  std::size_t step_;
  std::string name_;
};

}  // namespace

std::unique_ptr<StartSource> start_in_episode(std::uint64_t seed, std::shared_ptr<const std::vector<float>> actions,
                                              std::int64_t step, const std::string& name) {
  return std::make_unique<LivedAgain>(seed, std::move(actions), step, name);
}

}  // namespace dream
