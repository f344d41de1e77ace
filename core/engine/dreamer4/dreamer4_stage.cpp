#include "core/engine/dreamer4/dreamer4_stage.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/engine/counters.h"
#include "core/models/gauges.h"
#include "core/nn/generator.h"
#include "core/nn/precision.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr double dreamer4_longest_reading = 0.1;  // of one step while episodes are read

}  // namespace

double dreamer4_decibels(const torch::Tensor& a, const torch::Tensor& b) {
  return -10 * std::log10(std::max((a - b).square().mean().item<double>(), 1e-6));
}

Dreamer4Batch Dreamer4Batch::rows_from(std::int64_t first) const {
  const auto rows = [&](const torch::Tensor& x) { return x.slice(0, first); };
  return {rows(pictures), rows(action), rows(told), rows(reward), rows(terminated), rows(episodes)};
}

Dreamer4Stage::Dreamer4Stage(std::string name, std::string title, std::shared_ptr<Dreamer4Parts> parts, const GenieStageOptions& options,
                             std::vector<torch::Tensor> parameters)
    : Phase(name, std::move(title), "updates/s"),
      parts_(std::move(parts)),
      options_(options),
      rng_(make_generator(parts_->system->device, parts_->rng(name).next64())),
      optimiser_(std::move(parameters), options.optimiser) {}

// -- episodes ---------------------------------------------------------------------------------------------------------

void Dreamer4Stage::begin() {
  auto& feed = *parts_->feed;
  if (feed.reading() || feed.replay().steps() > 0) return;
  const auto& train = parts_->options.train;
  Feed::Options options{.datasets = train.datasets, .budget_gb = train.budget_gb, .online_queue = false, .replay_context = false,
                        .needs = {.pictures = true, .vectors = false, .actions = true}, .streams_from = 0};
  if (train.datasets.empty()) {
    if (!std::filesystem::exists(parts_->own_folder())) throw Error("there are no episodes to learn from; run the phase 'collect' first");
    options.datasets.folders = parts_->own_folder().string();
  }
  feed.open(options, {}, 0, false);
}

Dreamer4Batch Dreamer4Stage::draw(std::int64_t lanes, std::int64_t frames, at::Generator rng) const {
  const auto& feed = *parts_->feed;
  const auto device = parts_->system->device;
  const auto which = torch::randint(feed.replay().frames(), {lanes}, std::move(rng), torch::TensorOptions(torch::kInt64).device(device)).to(torch::kCPU);
  const auto pieces = feed.at({which.data_ptr<std::int64_t>(), which.data_ptr<std::int64_t>() + lanes}, frames);
  const auto turned = [](const torch::Tensor& x) { return x.transpose(0, 1).contiguous(); };
  Dreamer4Batch batch;
  batch.pictures = pictures_of(turned(pieces.image));
  batch.action = parts_->model->seen_action(turned(pieces.action));
  const auto first = turned(pieces.first);
  batch.told = first == 0;
  batch.told.select(1, 0).fill_(false);
  batch.reward = turned(pieces.reward), batch.terminated = turned(pieces.terminated);
  batch.episodes = first.cumsum(1).to(torch::kInt64);
  return batch;
}

Dreamer4Batch Dreamer4Stage::draw() {
  const auto& learn = parts_->options.learn;
  const bool longer = (updates_ + 1) % learn.long_every == 0;
  const auto lanes = longer ? std::max<std::int64_t>(1, options_.batch * learn.short_piece / learn.long_piece) : options_.batch;
  return draw(lanes, longer ? learn.long_piece : learn.short_piece, rng_);
}

torch::Tensor Dreamer4Stage::clean_of(const Dreamer4Batch& batch) const {
  torch::NoGradGuard no_grad;
  return parts_->model->dynamics()->packed(parts_->model->tokenizer()->encode(batch.pictures, batch.episodes));
}

ShortcutLoss Dreamer4Stage::forced(const Dreamer4Batch& batch, const torch::Tensor& clean, std::int64_t longer) {
  auto& dynamics = parts_->model->dynamics();
  const auto draw = draw_shortcut(clean, dynamics->finest(), longer, rng_);
  const auto denoiser = [&](const torch::Tensor& noisy, const torch::Tensor& level, const torch::Tensor& step, std::int64_t first) {
    const auto rows = batch.rows_from(first);
    return dynamics->forward(noisy, {rows.action, rows.told, level, step}, rows.episodes, false).clean;
  };
  return shortcut_loss(denoiser, clean, draw, dynamics->finest(), longer);
}

// -- the phase --------------------------------------------------------------------------------------------------------

double Dreamer4Stage::step() {
  auto& feed = *parts_->feed;
  parts_->system->follow_settings();
  for (const double began = now_seconds(); feed.read_more();)
    if (now_seconds() - began > dreamer4_longest_reading) return 0;
  const auto& train = parts_->options.train;
  const auto device = parts_->system->device;
  const auto longest = std::max(parts_->options.learn.long_piece, parts_->model->dynamics()->context());
  if (feed.replay().steps() < longest)
    throw Error("the episodes hold " + std::to_string(feed.replay().steps()) + " steps, and a piece takes " + std::to_string(longest));
  if (updates_ == 0) start();
  optimiser_.options() = options_.optimiser;
  const double done = static_cast<double>(updates_) / static_cast<double>(options_.updates);
  optimiser_.options().learning_rate *= 0.1 + 0.45 * (1 + std::cos(std::numbers::pi * std::min(1.0, done)));
  torch::Tensor loss;
  {
    const Autocast autocast(train.bfloat16 && bfloat16_is_fast(device), device);
    loss = learn();
  }
  loss.backward();
  optimiser_.step();
  feed.learned(static_cast<double>(options_.batch * parts_->options.learn.short_piece));
  if (const auto made = updates_ + 1; made % train.measure_every == 0 || made == options_.updates) {
    torch::NoGradGuard no_grad;
    auto chosen = make_generator(device, parts_->rng("measure").next64());
    measure(draw(train.measured, measured_frames(), chosen), chosen);
  }
  ++updates_;
  return 1;
}

double Dreamer4Stage::progress() const { return std::min(1.0, static_cast<double>(updates_) / static_cast<double>(options_.updates)); }

std::string Dreamer4Stage::detail() const {
  return parts_->feed->reading() ? parts_->feed->detail() : "update " + std::to_string(updates_) + " of " + std::to_string(options_.updates);
}

void Dreamer4Stage::save(Checkpoint& into) const {
  into.tensors[name() + ".counters"] = torch::tensor({updates_}, torch::kInt64);
  store_generator(into, name() + ".rng", rng_);
  optimiser_.save(into, name() + ".optimiser/");
  parts_->feed->save_draws(into, "data.draws");
}

void Dreamer4Stage::load(const Checkpoint& from) {
  const auto counters = counters_of(from, name() + ".counters", {"updates"});
  parts_->feed->close();  // first, as an open stream's place would take that of the checkpoint
  optimiser_.load(from, name() + ".optimiser/");
  parts_->feed->load_draws(from, "data.draws");
  load_generator(from, name() + ".rng", rng_);
  updates_ = counters[0];
}

void Dreamer4Stage::end() {
  if (progress() < 1 || name() == "imagination") parts_->feed->close();  // otherwise the next one learns from the same
  real_ = made_ = torch::Tensor();
}

std::vector<Frame> Dreamer4Stage::frames() {
  if (!real_.defined()) return {};
  return {{"real", "a piece's last frame", -1, std::make_shared<const Image>(image_from(real_.cpu()))},
          {"reconstruction", title(), (real_ - made_).square().mean().item<double>(), std::make_shared<const Image>(image_from(made_.cpu()))}};
}

void Dreamer4Stage::add(const std::string& curve, double value) {
  if (std::isfinite(value)) parts_->system->metrics.add(name() + "/" + curve, updates_ + 1, value);
}

void Dreamer4Stage::add_loss(const std::string& curve, const torch::Tensor& value) {
  parts_->system->metrics.add(name() + "/" + curve, updates_ + 1, value.item<double>());
}

}  // namespace dream
