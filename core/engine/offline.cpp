#include "core/engine/offline.h"

#include <algorithm>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/engine/counters.h"
#include "core/engine/evaluate.h"
#include "core/engine/population.h"
#include "core/nn/generator.h"

namespace dream {
namespace {

constexpr double longest_reading = 0.1;  // of one step while the data are read

class Offline : public Phase {
 public:
  Offline(std::shared_ptr<InterleavedParts> parts, const OfflineOptions& options, std::string title, std::filesystem::path own,
          std::string own_by, std::string name)
      : Phase(std::move(name), std::move(title), "updates/s"),
        parts_(std::move(parts)),
        options_(options),
        own_(std::move(own)),
        own_by_(std::move(own_by)),
        generator_(make_generator(parts_->system->device, parts_->rng(this->name()).next64())) {}

  void begin() override {
    if (parts_->feed->reading() || parts_->feed->replay().steps() > 0) return;
    const bool walked = options_.datasets.empty() && !own_.empty();
    if (walked && !std::filesystem::exists(own_)) throw Error("there are no episodes to learn from; run the phase '" + own_by_ + "' first");
    if (options_.datasets.empty() && !walked)
      throw Error("train.datasets names no dataset: this recipe learns from given episodes alone, as collect makes them");
    Feed::Options options{.datasets = options_.datasets, .budget_gb = options_.budget_gb, .online_queue = false, .replay_context = false,
                          .needs = parts_->learner->needs(), .fitting = parts_->learner->fitting(), .streams_from = 0,
                          .best_share = options_.best_share};
    if (walked) options.datasets.folders = own_.string();
    parts_->feed->open(options, {}, 0, false);
  }

  double step() override {
    auto& feed = *parts_->feed;
    parts_->system->follow_settings();
    parts_->learner->follow_settings();
    if (feed.reading()) {
      for (const double began = now_seconds(); feed.read_more();) {
        if (now_seconds() - began > longest_reading) return 0;
      }
      if (feed.replay().steps() < parts_->learner->least_steps())
        throw Error((options_.datasets.empty() ? own_.string() : options_.datasets.folders) + " holds " + std::to_string(feed.replay().steps()) + " steps, and a batch takes " +
                    std::to_string(parts_->learner->least_steps()));
    }
    parts_->learner->update(feed, parts_->updates + 1, generator_);
    ++parts_->updates;
    feed.learned(parts_->learner->frames_per_update());
    return 1;
  }

  double progress() const override {
    return std::min(1.0, static_cast<double>(parts_->updates) / static_cast<double>(options_.updates));
  }
  std::string detail() const override {
    return parts_->feed->reading() ? parts_->feed->detail() : std::to_string(parts_->updates) + " updates";
  }
  void save(Checkpoint& into) const override {
    into.tensors[name() + ".counters"] = torch::tensor({parts_->updates}, torch::kInt64);
    parts_->feed->save_draws(into, name() + ".draws");
    store_generator(into, name() + ".rng", generator_);
    parts_->learner->save(into, name() + ".");
  }
  void load(const Checkpoint& from) override {
    const auto counters = counters_of(from, name() + ".counters", {"updates"});
    parts_->feed->close();  // first, as an open stream's place would take that of the checkpoint
    parts_->learner->load(from, name() + ".");
    parts_->feed->load_draws(from, name() + ".draws");
    load_generator(from, name() + ".rng", generator_);
    parts_->updates = counters[0];
  }
  void end() override {
    parts_->feed->close();
    parts_->learner->rest();
  }
  std::vector<Frame> frames() override { return parts_->learner->frames(*parts_->feed); }
  std::vector<std::string> warnings() const override {
    auto all = parts_->learner->warnings();
    all.insert(all.end(), parts_->feed->notes().begin(), parts_->feed->notes().end());
    return all;
  }
  std::vector<std::string> probe_names() const override { return parts_->learner->probe_names(); }
  void report(ProbeSink& sink) override { parts_->learner->report(sink); }

 private:
  std::shared_ptr<InterleavedParts> parts_;
  const OfflineOptions& options_;
  std::filesystem::path own_;
  std::string own_by_;
  at::Generator generator_;
};

}  // namespace

void OfflineOptions::data_fields(Config& config, const std::string& prefix, const std::string& or_else) {
  config.add(prefix + "updates", updates, {.help = "Updates in all", .low = 1, .high = 1e9, .live = true});
  config.add(prefix + "batch", batch, {.help = "Pieces of a batch", .low = 1, .high = 4096});
  datasets.fields(config, prefix, "Dataset folders, separated by ':', whose episodes it learns from" + or_else);
  config.add(prefix + "budget_gb", budget_gb,
             {.help = "Memory that they may take", .unit = "GB", .low = 0.01, .high = 1e4, .title = "memory budget"});
}

void OfflineOptions::fields(Config& config, const std::string& prefix) {
  data_fields(config, prefix);
  config.add(prefix + "best_share", best_share,
             {.help = "Share of each world's episodes that it learns from, those of the highest returns; 0.1 without returns is "
                      "the cloning of the best tenth",
              .low = 0.001, .high = 1});
  config.add(prefix + "bfloat16", bfloat16,
             {.help = "bf16 matrix products where the processor has them; weights stay float32"});
  config.add(prefix + "evaluate_episodes", evaluate_episodes, {.help = "Unseen episodes at the end", .low = 1, .high = 1e6});
}

std::shared_ptr<Phase> offline_phase(std::shared_ptr<InterleavedParts> parts, const OfflineOptions& options, std::string title,
                                     std::filesystem::path own, std::string own_by, std::string name) {
  return std::make_shared<Offline>(std::move(parts), options, std::move(title), std::move(own), std::move(own_by), std::move(name));
}

void complete_offline(System& system, const std::shared_ptr<InterleavedParts>& parts, const OfflineOptions& options,
                      std::string title, const WalkOptions* walk) {
  parts->feed = std::make_unique<Feed>(system, parts->rng("replay"));
  auto curves = parts->learner->curves();
  if (system.behaviour) {
    curves.push_back({"evaluate/reward", "Return of unseen episodes", "reward", "episode"});
    const auto spaces = system.make_env()->spaces();
    if (spaces.costs) curves.push_back(cost_curve("evaluate/cost", "Cost of unseen episodes", "episode", spaces));
  }
  system.metrics = Metrics(std::move(curves));
  system.parts = parts;
  system.memory_bytes = [p = parts.get()] { return static_cast<double>(p->feed->replay().bytes()); };
  system.budget_bytes = [&options] { return options.budget_gb * 1e9; };
  std::filesystem::path walked;
  if (walk && options.datasets.empty()) {
    walked = system.directory / "data" / (walk->expert ? "expert" : "random");
    system.phases.push_back(walk_phase(system, *walk, walked, parts->rng("collect")));
  }
  system.phases.push_back(offline_phase(parts, options, std::move(title), walked));
  if (system.behaviour)
    system.phases.push_back(evaluate_phase(system, {[&options] { return options.evaluate_episodes; }, [p = parts.get()] { return p->updates; }}));
}

}  // namespace dream
