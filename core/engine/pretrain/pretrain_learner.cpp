#include <algorithm>
#include <cmath>
#include <limits>

#include "api/error.h"
#include "core/data/sequences.h"
#include "core/engine/collapse_meter.h"
#include "core/engine/pretrain/pretrain_recipe.h"
#include "core/engine/pretrain/schedules.h"
#include "core/nn/generator.h"

namespace dream {
namespace {

constexpr std::int64_t pretrain_look_every = 100;  // updates
constexpr std::uint64_t pretrain_meter_seed = 0x736565;
constexpr int pretrain_tries = 1000;  // for a clip within one episode

OptimiserOptions pretrain_beside(double rate) {
  return {.kind = OptimiserKind::adam, .learning_rate = rate, .eps = 1e-8, .adaptive_clip = 0, .warm_up = 0};
}

class PretrainLearner : public Learner {
 public:
  explicit PretrainLearner(PretrainParts& parts)
      : parts_(parts),
        matrices_(parts.model->learned(true), parts.options.optimiser),
        others_(parts.model->learned(false), parts.options.optimiser) {
    auto& model = *parts.model;
    if (!model.viewing_weights().empty())
      viewer_ = std::make_unique<Optimiser>(model.viewing_weights(), pretrain_beside(model.view().learning_rate));
    if (model.rival())
      rival_ = std::make_unique<Optimiser>(model.rival()->parameters(), pretrain_beside(parts.options.rival_rate));
  }

  void update(Feed& feed, std::int64_t number, at::Generator rng) override {
    auto& model = *parts_.model;
    auto& metrics = parts_.system->metrics;
    const auto clips = draw(feed.replay(), feed, rng);
    if (number == 1) begin_with(number);
    const auto loss = model.loss(clips, rng);
    metrics.add("encoder/total", number, loss.total.item<double>());
    for (const auto& [name, term] : loss.terms) metrics.add("encoder/" + name, number, term.item<double>());
    loss.total.backward();
    set_rates(number);
    metrics.add("encoder/gradient", number, std::hypot(matrices_.step(), others_.step()));
    const auto momentum = momentum_at(number);
    model.follow(1 - momentum);
    if (viewer_ && (number - 1) % model.view().every == 0)
      metrics.add("view/picture", number, taught(*viewer_, model.viewing_loss()));
    if (rival_ && (number - 1) % parts_.options.rival_every == 0) {
      const auto lost = model.rival()->loss(clips.select(1, 0), rng);
      metrics.add("rival/picture", number,
                  lost.reconstruction.item<double>() / static_cast<double>(clips[0][0].numel()));
      taught(*rival_, lost.total);
    }
    if (number % pretrain_look_every == 0) look(number);
  }

  double frames_per_update() const override {
    return static_cast<double>(parts_.options.train.batch * parts_.model->frames());
  }
  Needs needs() const override { return {true, false, false}; }
  std::int64_t least_steps() const override { return parts_.model->frames(); }

  std::vector<Metrics::Spec> curves() const override {
    std::vector<Metrics::Spec> specs = {{"encoder/total", "Loss", "", "update"}};
    for (const auto& each : parts_.model->curves())
      specs.push_back({"encoder/" + each.name, each.title, each.unit, "update"});
    specs.push_back({"encoder/gradient", "Gradient norm", "", "update"});
    const bool places = CollapseMeter::knows_places(*parts_.system->make_env());
    for (auto& spec : CollapseMeter::curves(places)) specs.push_back(std::move(spec));
    const auto env = parts_.system->make_env();
    env->reset(0);
    if (env->diagnostics().empty() && env->spaces().vector_names.empty()) return with_pictures(std::move(specs));
    const std::string what = places ? "The true place, read by a line from " : "The true state, read by a line from ";
    specs.push_back({"read/encoder", what + "the embedding", "R²", "update"});
    specs.push_back({"read/pixels", what + "raw pixels", "R²", "update"});
    specs.push_back({"read/untrained", what + "the untrained encoder", "R²", "update"});
    if (rival_) specs.push_back({"read/rival", what + "a VAE of as many numbers", "R²", "update"});
    return with_pictures(std::move(specs));
  }

  void follow_settings() override { parts_.follow_model(); }
  void save(Checkpoint& into, const std::string& prefix) const override {
    matrices_.save(into, prefix + "matrices/");
    others_.save(into, prefix + "others/");
    if (viewer_) viewer_->save(into, prefix + "viewer/");
    if (rival_) rival_->save(into, prefix + "rival/");
    into.tensors[prefix + "began"] = torch::tensor({began_spread_, began_read_}, torch::kFloat64);
  }
  void load(const Checkpoint& from, const std::string& prefix) override {
    const auto began = from.exact(prefix + "began", {2}).to(torch::kFloat64).contiguous();
    const auto take = [&](Optimiser& optimiser, const char* name) { optimiser.load(from, prefix + name); };
    take(matrices_, "matrices/"), take(others_, "others/");
    if (viewer_) take(*viewer_, "viewer/");
    if (rival_) take(*rival_, "rival/");
    began_spread_ = began.data_ptr<double>()[0], began_read_ = began.data_ptr<double>()[1];
  }
  void rest() override { parts_.model->rest(); }

  std::vector<Frame> frames(const Feed&) override { return parts_.model->batch_frames(); }
  std::vector<std::string> warnings() const override {
    const auto said = meter_ && looked_ ? meter_->alarm() : std::string();
    return said.empty() ? std::vector<std::string>{} : std::vector<std::string>{said};
  }
  std::vector<std::string> probe_names() const override {
    auto names = parts_.model->probe_names();
    names.push_back("read/table");
    for (auto& name : CollapseMeter::probe_names()) names.push_back(std::move(name));
    return names;
  }
  void report(ProbeSink& sink) override {
    parts_.model->report_batch(sink);
    if (!meter_ || !looked_) return;
    if (sink.wants("read/table") && std::isfinite(began_read_)) put_table(sink);
    meter_->report(sink);
  }

 private:
  std::vector<Metrics::Spec> with_pictures(std::vector<Metrics::Spec> specs) const {
    if (rival_) specs.push_back({"rival/picture", "VAE: picture", "MSE", "update"});
    if (viewer_) specs.push_back({"view/picture", "Viewing network: picture", "MSE", "update"});
    return specs;
  }

  static double taught(Optimiser& optimiser, const torch::Tensor& loss) {
    loss.backward();
    optimiser.step();
    return loss.item<double>();
  }

  /// Clips that lie within an episode each, all as likely: uint8 [B, T, H, W, C].
  torch::Tensor draw(const Replay& replay, const Feed& feed, at::Generator rng) const {
    const auto frames = parts_.model->frames();
    auto chance = drawn_stream(rng);
    std::vector<std::int64_t> begins;
    for (int tries = 0; static_cast<std::int64_t>(begins.size()) < parts_.options.train.batch; ++tries) {
      if (tries >= pretrain_tries)
        throw Error("hardly an episode lasts for a clip of " + std::to_string(frames) +
                    " frames: encoder.frames must be less");
      const auto at = static_cast<std::int64_t>(chance.integers(static_cast<std::uint64_t>(replay.whole_frames())));
      const auto position = replay.position(at);
      if (static_cast<std::int64_t>(position.time) + frames >
          static_cast<std::int64_t>(replay.episode(position.episode).length()) + 1)
        continue;
      begins.push_back(at), tries = 0;
    }
    return feed.at(begins, frames).image.transpose(0, 1).contiguous();
  }

  void set_rates(std::int64_t number) {
    const auto& o = parts_.options;
    auto options = o.optimiser;
    const double peak = options.learning_rate;
    options.learning_rate =
        warm_then_cosine(number, options.warm_up, o.train.updates, o.first_rate * peak, peak, o.last_rate * peak);
    options.weight_decay = along_cosine(number, o.train.updates, options.weight_decay, o.last_decay);
    options.warm_up = 0;
    matrices_.options() = options;
    options.weight_decay = 0;
    others_.options() = options;
  }

  double momentum_at(std::int64_t number) const {
    const auto& o = parts_.options;
    return o.rise == MomentumRise::line ? along_line(number, o.train.updates, o.momentum, o.last_momentum)
                                        : along_cosine(number - 1, o.train.updates, o.momentum, o.last_momentum);
  }

  CollapseMeter& meter() {
    // Its frames are walked for when they are first looked at: who opens a run to look around needs none.
    if (!meter_) {
      meter_ = std::make_unique<CollapseMeter>(*parts_.system->make_env(), pretrain_meter_seed, 512, parts_.remedy);
      pixels_read_ = meter_->reads(meter_->images().flatten(1));
    }
    meter_->hold_against(began_spread_);
    return *meter_;
  }

  torch::Tensor embed(const torch::Tensor& images) const {
    return parts_.model->embed_pictures(images.to(parts_.system->device));
  }

  /// What the untrained encoder tells, before the first update.
  void begin_with(std::int64_t number) {
    torch::NoGradGuard no_grad;
    const auto z = embed(meter().images());
    began_spread_ = z.std(0).mean().item<double>(), began_read_ = meter_->reads(z);
    look(number);
  }

  void look(std::int64_t number) {
    torch::NoGradGuard no_grad;
    auto& metrics = parts_.system->metrics;
    torch::Tensor z;
    meter().look([&](const torch::Tensor& images) { return z = embed(images); }, metrics, number);
    looked_ = true;
    if (!std::isfinite(began_read_)) return;
    metrics.add("read/encoder", number, meter_->reads(z));
    metrics.add("read/pixels", number, pixels_read_);
    metrics.add("read/untrained", number, began_read_);
    if (!rival_) return;
    std::vector<torch::Tensor> means;
    for (const auto& few : meter_->images().split(64))
      means.push_back(parts_.model->rival()->encode(few.to(parts_.system->device)).mean);
    metrics.add("read/rival", number, meter_->reads(torch::cat(means)));
  }

  void put_table(ProbeSink& sink) const {
    const auto& metrics = parts_.system->metrics;
    Table table;
    table.columns = {{"from", "", "", 0},
                     {meter_->state_in_words(), "R²", "of ridge regression, on frames that it was not fitted on", 3}};
    const auto row = [&](const char* from, double value) {
      table.rows.push_back({{static_cast<double>(table.rows.size()), from}, {value, ""}});
    };
    row("the embedding", metrics.last("read/encoder"));
    row("raw pixels", pixels_read_);
    row("the untrained encoder", began_read_);
    if (rival_) row("a VAE of as many numbers", metrics.last("read/rival"));
    sink.put("read/table", "What a line reads",
             "Of 512 frames of random walks, each way of telling them as numbers held against the others",
             std::move(table));
  }

  PretrainParts& parts_;
  Optimiser matrices_, others_;
  std::unique_ptr<Optimiser> viewer_, rival_;
  std::unique_ptr<CollapseMeter> meter_;
  bool looked_ = false;
  double began_spread_ = 1, began_read_ = std::numeric_limits<double>::quiet_NaN();  // of the untrained encoder
  double pixels_read_ = 0;
};

}  // namespace

std::unique_ptr<Learner> pretrain_learner(PretrainParts& parts) {
  return std::make_unique<PretrainLearner>(parts);
}

}  // namespace dream
