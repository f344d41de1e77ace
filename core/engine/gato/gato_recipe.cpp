#include "core/engine/gato/gato_recipe.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

#include "api/error.h"
#include "core/engine/optimiser_fields.h"
#include "core/engine/seed_field.h"
#include "core/nn/precision.h"

namespace dream {
namespace {

/// Minari's "CartPole-v1" is our CartPole.
std::string without_version(const std::string& environment) {
  const auto at = environment.rfind("-v");
  const bool version = at != std::string::npos && environment.find_first_not_of("0123456789", at + 2) == std::string::npos;
  return version ? environment.substr(0, at) : environment;
}

/// Every batch holds as many pieces of every line as of any other; what was done in them is to be said.
class GatoLearner : public Learner {
 public:
  explicit GatoLearner(GatoParts& parts) : parts_(parts), optimiser_(parts.behaviour->parameters(), parts.options.optimiser) {
    for (const auto& world : parts.behaviour->worlds())
      tokens_.emplace(world, GatoTokens(world, world_as_seen(world, 1, 64)->spaces(), parts.behaviour->vocabulary()));
  }

  Fitting fitting() const override {
    return [this](const DatasetInfo& info) -> Fit {
      const auto world = without_version(info.environment);
      const auto found = tokens_.find(world);
      if (found == tokens_.end())
        return {"holds episodes of " + info.environment + ", and this run's worlds are " + parts_.options.behaviour.worlds +
                    "; policy.worlds names them before it learns",
                ""};
      try {
        const GatoTokens given(world, info.spaces, parts_.behaviour->vocabulary());
        const auto& wanted = found->second;
        if (given.seen() == wanted.seen() && given.done() == wanted.done() && given.action_count() == wanted.action_count()) return {};
        return {"holds other numbers or actions than " + world + " has", ""};
      } catch (const Error& error) {
        return {std::string("cannot be learned from: ") + error.what(), ""};
      }
    };
  }

  void update(Feed& feed, std::int64_t number, at::Generator rng) override {
    if (known_ != feed.replay().added()) know(feed.replay());
    auto& behaviour = *parts_.behaviour;
    auto& metrics = parts_.system->metrics;
    double sum = 0;
    for (const auto& task : tasks_) {
      const auto windows = draw(feed.replay(), task, rng);
      torch::Tensor loss;
      {
        const Autocast autocast(parts_.options.train.bfloat16 && bfloat16_is_fast(parts_.system->device), parts_.system->device);
        loss = behaviour.network()->loss(windows, rng);
      }
      metrics.add(curve_of(task.line), number, loss.item<double>());
      sum += loss.item<double>();
      (loss / static_cast<double>(tasks_.size())).backward();
    }
    metrics.add("behaviour/action", number, sum / static_cast<double>(tasks_.size()));
    follow_settings();
    const double done = std::min(1.0, static_cast<double>(number) / static_cast<double>(parts_.options.train.updates));
    optimiser_.options().learning_rate *= 0.1 + 0.45 * (1 + std::cos(std::numbers::pi * done));
    metrics.add("behaviour/gradient", number, optimiser_.step());
  }

  double frames_per_update() const override { return static_cast<double>(parts_.options.train.batch); }
  std::int64_t least_steps() const override { return 1; }
  std::vector<Metrics::Spec> curves() const override {
    std::vector<Metrics::Spec> curves = {{"behaviour/action", "Error of the action, mean of the lines", "nats", "update"},
                                         {"behaviour/gradient", "Norm of the gradients", "", "update"}};
    const auto& lines = parts_.behaviour->lines();
    for (std::size_t i = 0; i < lines.size(); ++i)
      curves.push_back({curve_of(i), "Error of the action: " + lines[i].text, "nats", "update"});
    return curves;
  }
  void follow_settings() override { optimiser_.options() = parts_.options.optimiser; }
  void save(Checkpoint& into, const std::string& prefix) const override { optimiser_.save(into, prefix + "optimiser/"); }
  void load(const Checkpoint& from, const std::string& prefix) override { optimiser_.load(from, prefix + "optimiser/"); }
  void rest() override { tasks_.clear(), known_ = 0; }

 private:
  /// The episodes that are examples of a line.
  struct Task {
    std::size_t line;
    std::vector<std::size_t> episodes;
    std::vector<std::int64_t> ends;  // running count of their steps
  };

  static std::string curve_of(std::size_t line) { return "behaviour/line" + std::to_string(line + 1); }

  void know(const Replay& replay) {
    tasks_.clear();
    const auto& lines = parts_.behaviour->lines();
    for (std::size_t i = 0; i < lines.size(); ++i) {
      Task task{i, {}, {}};
      std::int64_t steps = 0;
      for (std::size_t e = 0; e < replay.episodes(); ++e) {
        const auto& episode = replay.episode(e);
        double sum = 0;
        for (const float reward : episode.rewards) sum += static_cast<double>(reward);
        if (without_version(episode.world) != lines[i].world || sum < lines[i].least || sum > lines[i].most) continue;
        task.episodes.push_back(e);
        task.ends.push_back(steps += static_cast<std::int64_t>(episode.length()));
      }
      if (!task.episodes.empty()) tasks_.push_back(std::move(task));
    }
    if (tasks_.empty()) throw Error("the datasets hold no episode that is an example of one of its lines");
    const auto own = without_version(parts_.system->environment);
    if (std::ranges::none_of(tasks_, [&](const Task& task) { return lines[task.line].world == own; }))
      throw Error("no given episode is of " + own + ", in which this run acts; name one of their worlds by --env, or give episodes of " + own);
    known_ = replay.added();
  }

  /// Windows that end at steps which are all as likely; before an episode's first step there is nothing.
  GatoNetworkImpl::Window draw(const Replay& replay, const Task& task, at::Generator rng) {
    const auto& options = parts_.options;
    const auto& line = parts_.behaviour->lines()[task.line];
    const auto& tokens = tokens_.at(line.world);
    const auto lanes = std::max<std::int64_t>(1, options.train.batch / static_cast<std::int64_t>(tasks_.size()));
    const auto steps = options.behaviour.network.context, axes = tokens.done();
    const auto picture = tokens.sees_picture();
    auto actions = torch::zeros({lanes, steps, axes}), present = torch::zeros({lanes, steps});
    auto seen = picture ? torch::zeros({lanes, steps, 64, 64, 3}, torch::kUInt8) : torch::zeros({lanes, steps, tokens.seen()});
    const auto ends = torch::randint(task.ends.back(), {lanes}, rng, torch::kInt64);
    for (std::int64_t lane = 0; lane < lanes; ++lane) {
      const auto end = ends[lane].item<std::int64_t>();
      const auto which = static_cast<std::size_t>(std::ranges::upper_bound(task.ends, end) - task.ends.begin());
      const auto& episode = replay.episode(task.episodes[which]);
      const auto last = end - (which == 0 ? 0 : task.ends[which - 1]), first = std::max<std::int64_t>(0, last - steps + 1);
      const auto count = static_cast<std::size_t>(last - first + 1), from = static_cast<std::size_t>(first);
      const auto row = (lane + 1) * steps - static_cast<std::int64_t>(count);
      const auto copy = [&]<class T>(const std::vector<T>& values, std::size_t width, torch::Tensor& to) {
        std::copy_n(values.data() + from * width, count * width, to.data_ptr<T>() + row * static_cast<std::int64_t>(width));
      };
      copy(episode.actions, static_cast<std::size_t>(axes), actions);
      picture ? copy(episode.frames, episode.frame_bytes(), seen) : copy(episode.vectors, static_cast<std::size_t>(episode.vector_size), seen);
      std::fill_n(present.data_ptr<float>() + row, count, 1.0f);
    }
    const auto device = parts_.system->device;
    const auto flat = seen.flatten(0, 1).to(device);
    auto& behaviour = *parts_.behaviour;
    const auto vectors = behaviour.network()->see(tokens, picture ? flat : torch::Tensor{}, picture ? torch::Tensor{} : flat);
    return {behaviour.vocabulary().line(line.text).to(device), vectors.view({lanes, steps, tokens.seen(), -1}),
            tokens.of_action(actions.to(device)), present.to(device)};
  }

  GatoParts& parts_;
  Optimiser optimiser_;
  std::map<std::string, GatoTokens> tokens_;  // by world
  std::vector<Task> tasks_;
  std::int64_t known_ = 0;  // episodes that the replay had got when they were made
};

}  // namespace

void GatoRecipeOptions::fields(Config& config) {
  seed_field(config, seed);
  behaviour.fields(config, "policy.");
  optimiser_fields(config, "optimiser.", optimiser, "everything");
  train.fields(config, "train.");
  config.resumable({"train.updates", "train.batch", "train.budget_gb", "train.bfloat16", "train.evaluate_episodes"});
}

std::unique_ptr<System> make_gato(const RunSpec& spec) {
  auto system = std::make_unique<System>();
  const auto parts = std::make_shared<GatoParts>();
  auto& options = parts->options;
  options.fields(system->config);
  system->config.take_as_default();
  apply_settings(system->config, spec);

  begin_interleaved(*system, *parts, spec, options.seed);
  system->title = "Gato";
  parts->behaviour = std::make_shared<Gato>(options.behaviour, spec.environment, system->make_env()->spaces());
  parts->behaviour->to(system->device);
  system->behaviour = parts->behaviour;
  system->worlds = parts->behaviour->worlds();
  parts->learner = std::make_unique<GatoLearner>(*parts);
  system->follow_settings = [p = parts.get()] { p->learner->follow_settings(); };
  complete_offline(*system, parts, options.train, "Learn: what was done there, by the line that it is told");
  return system;
}

}  // namespace dream
