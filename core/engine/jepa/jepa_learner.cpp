#include "core/engine/jepa/jepa_learner.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/models/open_loop.h"
#include "core/nn/generator.h"

namespace dream {
namespace {

constexpr std::int64_t jepa_look_every = 50;  // updates
constexpr std::uint64_t jepa_meter_seed = 0x6a657061;
constexpr std::int64_t jepa_seen_frames = 2, jepa_dreamt_frames = 30, jepa_shown_lanes = 3;  // of the open-loop picture
constexpr std::int64_t jepa_sheet_updates = 200;                                             // for which it keeps its pieces

}  // namespace

JepaLearner::JepaLearner(JepaParts& parts) : parts_(parts), optimiser_(parts.model->learned(), parts.options.optimiser) {
  if (!parts.model->viewer().is_empty())
    viewer_ = std::make_unique<ViewingTrainer>(parts.model->viewer(), parts.options.world.view);
}

void JepaLearner::update(Feed& feed, std::int64_t number, at::Generator rng) {
  number_ = number;
  auto& metrics = parts_.system->metrics;
  auto& model = *parts_.model;
  const auto batch = feed.draw_anywhere(parts_.options.train.batch, parts_.options.train.length);
  const auto loss = model.loss(batch, parts_.options.world, rng);
  metrics.add("world/total", number, loss.total.item<double>());
  for (const auto& [name, term] : loss.terms) metrics.add("world/" + name, number, term.item<double>());
  loss.total.backward();
  optimiser_.options().learning_rate = parts_.options.optimiser.learning_rate * cooled(number);
  metrics.add("world/gradient", number, optimiser_.step());
  model.follow_slowly(parts_.options.world.slow_share);
  if (viewer_ && viewer_->due(number))
    metrics.add("view/picture", number, viewer_->learn(loss.z.flatten(0, 1), batch.image.flatten(0, 1)));
  learn_more(batch, loss.z, number, rng);
  if (number % jepa_look_every != 1) return;
  if (model.sees_image()) {
    // Its frames are walked for when they are first looked at: who opens a run to dream needs none.
    if (!meter_) meter_ = std::make_unique<CollapseMeter>(*parts_.system->make_env(), jepa_meter_seed);
    meter_->look([&](const torch::Tensor& images) { return model.encode(images.to(parts_.system->device)); }, metrics, number);
  }
  auto starts = model.initial(std::min(kept_starts, batch.lanes()));
  starts["z"] = loss.z[0].slice(0, 0, starts.at("z").size(0)).clone();
  parts_.system->starts = std::move(starts);
}

std::vector<Metrics::Spec> JepaLearner::curves() const {
  std::vector<Metrics::Spec> specs = {
      {"world/total", "Loss", "", "update"},
      {"world/prediction", "Prediction: (z' − h(x'))²", "", "update"},
      {"world/variance", "Variance: what a number lacks of deviation 1", "", "update"},
      {"world/covariance", "Covariance: mean square of two numbers'", "", "update"},
      {"world/sigreg", "SIGReg: distance from a normal", "", "update"},
      {"world/smoothness", "Smoothness: (h(x') − h(x))²", "", "update"},
      {"world/inverse", "Inverse model: error of the action", "MSE", "update"},
      {"world/gradient", "Gradient norm", "", "update"}};
  if (parts_.model->sees_image())
    for (auto& spec : CollapseMeter::curves(CollapseMeter::knows_places(*parts_.system->make_env()))) specs.push_back(std::move(spec));
  if (viewer_) specs.push_back({"view/picture", "Viewing decoder: picture", "MSE", "update"});
  return specs;
}

void JepaLearner::follow_settings() {
  optimiser_.options() = parts_.options.optimiser;
  if (parts_.planner) parts_.planner->live_options() = parts_.options.planner;
}

void JepaLearner::save(Checkpoint& into, const std::string& prefix) const {
  optimiser_.save(into, prefix + "world/");
  if (viewer_) viewer_->save(into, prefix + "viewer/");
}

void JepaLearner::load(const Checkpoint& from, const std::string& prefix) {
  optimiser_.load(from, prefix + "world/");
  if (viewer_) viewer_->load(from, prefix + "viewer/");
}

std::vector<Frame> JepaLearner::frames(const Feed& feed) {
  if (feed.replay().frames() == 0 || !viewer_) return {};
  if (!sheet_.reward.defined() || number_ - sheet_since_ >= jepa_sheet_updates) {
    sheet_ = feed.sheet(jepa_shown_lanes, jepa_seen_frames + jepa_dreamt_frames, Rng(static_cast<std::uint64_t>(number_)));
    sheet_since_ = number_;
  }
  return open_loop_frames(*parts_.model, sheet_, jepa_seen_frames, make_generator(parts_.system->device, 1));
}

Needs JepaLearner::needs() const {
  return {parts_.model->sees_image(), !parts_.model->sees_image()};
}

std::vector<std::string> JepaLearner::warnings() const {
  const auto said = meter_ ? meter_->alarm() : std::string();
  return said.empty() ? std::vector<std::string>{} : std::vector<std::string>{said};
}

std::vector<std::string> JepaLearner::probe_names() const {
  return parts_.model->sees_image() ? CollapseMeter::probe_names() : std::vector<std::string>{};
}

double JepaLearner::cooled(std::int64_t number) const {
  const auto& train = parts_.options.train;
  const double all = static_cast<double>(train.steps - train.prefill) * train.train_ratio / frames_per_update();
  const double share = all > 0 ? std::min(1.0, static_cast<double>(number) / all) : 1;
  return 0.01 + 0.99 * (1 + std::cos(std::numbers::pi * share)) / 2;
}

std::unique_ptr<Learner> jepa_learner(JepaParts& parts) {
  return std::make_unique<JepaLearner>(parts);
}

}  // namespace dream
