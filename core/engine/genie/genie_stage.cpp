#include "core/engine/genie/genie_stage.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/engine/counters.h"
#include "core/models/code_gauges.h"
#include "core/nn/generator.h"
#include "core/nn/precision.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr double hardly = 0.1;  // dB of ΔPSNR below which codes make no difference

/// Another code than each of these, all others as likely.
torch::Tensor other_codes(const torch::Tensor& codes, std::int64_t count, at::Generator rng) {
  return (codes + 1 + torch::randint(count - 1, codes.sizes(), std::move(rng), codes.options())).remainder(count);
}

class GenieActionsStage : public GenieStage {
 public:
  explicit GenieActionsStage(const std::shared_ptr<GenieParts>& parts)
      : GenieStage("actions", "Latent actions: what happened between two frames", parts, parts->options.actions,
                   parts->model->latent_actions()->parameters()) {}

  std::vector<std::string> warnings() const override {
    auto said = parts_->notes();
    const double used = last("perplexity"), delta = last("delta_psnr");
    const auto codes = static_cast<double>(latent_actions()->codes());
    if (used < 1.2)
      said.push_back("The action model has collapsed: nearly all that happens gets one of its " +
                     std::to_string(latent_actions()->codes()) +
                     " codes. Raise actions.balance, or lower the learning rate.");
    else if (used < 0.5 * codes)
      said.push_back("Fewer than half of the codes are in use: they tell " + std::to_string(used).substr(0, 3) +
                     " things apart.");
    if (used >= 1.2 && delta < hardly)
      said.push_back("The codes tell the next frame nothing yet: with another code it is told as well (ΔPSNR " +
                     std::to_string(delta).substr(0, 5) + " dB).");
    return said;
  }

 private:
  torch::Tensor learn(const torch::Tensor& pictures) override {
    auto& network = latent_actions();
    network->set_balance(parts_->latent.balance);
    network->train();
    last_ = network->loss(pictures, rounds());
    network->eval();
    add_loss("pixels", last_.pixels);
    add("balance", last_.balance);
    return last_.total;
  }
  void after_step() override {
    auto& quantiser = latent_actions()->quantiser();
    const auto found = last_.encoded.detach().flatten(0, 1);
    if (rounds())
      quantiser->revive(found, last_.index, parts_->latent.patience);
    else
      quantiser->spread(found);
    last_ = {};
  }
  bool rounds() const { return updates() >= parts_->latent.unrounded; }
  void measure(const GenieParts::Pieces& unseen, at::Generator rng) override {
    auto& network = latent_actions();
    const auto count = network->codes();
    const auto codes = network->codes_of(unseen.pictures);
    const auto before = unseen.pictures.slice(1, 0, unseen.pictures.size(1) - 1), after = unseen.pictures.slice(1, 1);
    const auto told = network->painted(before, codes);
    add("perplexity", perplexity(codes, count));
    add("delta_psnr",
        decibels(told, after) - decibels(network->painted(before, other_codes(codes, count, std::move(rng))), after));
    add("motion", (told - before).abs().mean() / (after - before).abs().mean().clamp_min(1e-6));
    const auto use = torch::bincount(codes.flatten(), {}, count).to(torch::kFloat32);
    const auto moved =
        torch::bincount(codes.flatten(), (after - before).abs().mean({2, 3, 4}).flatten(), count).to(torch::kFloat32);
    parts_->model->know_codes(use / use.sum(), moved / use.clamp_min(1));
    const auto truth = parts_->system->make_env()->spaces().action;
    if (truth.discrete() && parts_->acted())
      add("nmi", normalised_mutual_information(counted_together(codes, unseen.actions.select(2, 0), count,
                                                                static_cast<std::int64_t>(truth.choices.size()))));
    show(after[0][-1], told[0][-1]);
  }
  LatentActionsImpl::Loss last_;
};

}  // namespace

double decibels(const torch::Tensor& a, const torch::Tensor& b) {
  return -10 * std::log10(std::max((a - b).square().mean().item<double>(), 1e-6));
}

GenieStage::GenieStage(std::string name, std::string title, std::shared_ptr<GenieParts> parts,
                       const GenieStageOptions& options, std::vector<torch::Tensor> parameters)
    : Phase(name, std::move(title), "pieces/s"),
      parts_(std::move(parts)),
      options_(options),
      rng_(make_generator(parts_->system->device, parts_->rng(name).next64())),
      optimiser_(std::move(parameters), options.optimiser) {}

double GenieStage::step() {
  if (parts_->load_more()) return 0;
  const auto& train = parts_->options.train;
  optimiser_.options() = options_.optimiser;
  const double done = static_cast<double>(updates_) / static_cast<double>(options_.updates);
  optimiser_.options().learning_rate *= 0.1 + 0.45 * (1 + std::cos(std::numbers::pi * std::min(1.0, done)));
  {
    Autocast autocast(train.bfloat16 && bfloat16_is_fast(parts_->system->device), parts_->system->device);
    learn(parts_->draw(false, options_.batch, piece(), rng_).pictures).backward();
  }
  optimiser_.step();
  after_step();
  parts_->learned(static_cast<double>(options_.batch * piece()));
  if (const auto made = updates_ + 1; made % train.measure_every == 0 || made == options_.updates) {
    torch::NoGradGuard no_grad;
    // Always the same pieces, so that what changes is the network.
    auto chosen = make_generator(parts_->system->device, parts_->rng("measure").next64());
    measure(parts_->draw(true, train.measured, parts_->model->frames(), chosen), chosen);
  }
  ++updates_;
  return static_cast<double>(options_.batch);
}

double GenieStage::progress() const {
  return std::min(1.0, static_cast<double>(updates_) / static_cast<double>(options_.updates));
}

std::string GenieStage::detail() const {
  return updates_ == 0 ? parts_->loading()
                       : "update " + std::to_string(updates_) + " of " + std::to_string(options_.updates);
}

void GenieStage::save(Checkpoint& into) const {
  into.tensors[name() + ".counters"] = torch::tensor({updates_}, torch::kInt64);
  store_generator(into, name() + ".rng", rng_);
  optimiser_.save(into, name() + ".optimiser/");
  parts_->save_place(into);
}

void GenieStage::load(const Checkpoint& from) {
  const auto counters = counters_of(from, name() + ".counters", {"updates"});
  optimiser_.load(from, name() + ".optimiser/");
  load_generator(from, name() + ".rng", rng_);
  parts_->load_place(from);
  updates_ = counters[0];
}

void GenieStage::end() {
  if (progress() < 1 || name() == "dynamics") parts_->unload();  // otherwise the next network learns from the same
  real_ = made_ = torch::Tensor();
}

std::vector<Frame> GenieStage::frames() {
  if (!real_.defined()) return {};
  return {{"real", "an unseen piece", -1, std::make_shared<const Image>(image_from(real_.cpu()))},
          {"reconstruction", title(), (real_ - made_).square().mean().item<double>(),
           std::make_shared<const Image>(image_from(made_.cpu()))}};
}

void GenieStage::add(const std::string& curve, double value) {
  if (std::isfinite(value)) parts_->system->metrics.add(name() + "/" + curve, updates_ + 1, value);
}

void GenieStage::add_loss(const std::string& curve, const torch::Tensor& value) {
  parts_->system->metrics.add(name() + "/" + curve, updates_ + 1, value.item<double>());
}

void GenieStage::show(const torch::Tensor& real, const torch::Tensor& made) {
  real_ = real, made_ = made.to(torch::kFloat32).clamp(0, 1);
}

std::vector<std::string> GenieDynamicsStage::warnings() const {
  auto said = parts_->notes();
  if (last("delta_psnr") < hardly)
    said.push_back("The dream does not listen to its actions: under others it is as near to what happened (Δ PSNR " +
                   std::to_string(last("delta_psnr")).substr(0, 5) + " dB).");
  return said;
}

void GenieDynamicsStage::measure(const GenieParts::Pieces& unseen, at::Generator rng) {
  auto& model = *parts_->model;
  const auto frames = unseen.pictures.size(1), watched = frames / 2, lanes = unseen.pictures.size(0);
  const auto codes = latent_actions()->codes_of(unseen.pictures);
  auto seen = model.initial(lanes);
  const auto bytes = unseen.pictures.mul(255).round().to(torch::kUInt8).permute({0, 1, 3, 4, 2}).contiguous();
  for (std::int64_t t = 0; t < watched; ++t) seen = model.observe(seen, {}, {bytes.select(1, t), {}}, rng);
  // The same chance in both, so that the codes are all that differs.
  const auto dreamt = [&](const torch::Tensor& under) {
    auto dream = seen;
    const auto chance = make_generator(parts_->system->device, parts_->rng("dream").next64());
    for (auto t = watched; t < frames; ++t)
      dream = model.imagine(dream, under.select(1, t - 1).unsqueeze(1).to(torch::kFloat32), {}, chance);
    return dream.at("frame");
  };
  const auto truth = unseen.pictures.select(1, frames - 1), began = unseen.pictures.select(1, watched - 1);
  const auto made = dreamt(codes);
  add("psnr", decibels(made, truth));
  add("delta_psnr",
      decibels(made, truth) - decibels(dreamt(other_codes(codes, latent_actions()->codes(), rng)), truth));
  add("motion", (made - began).abs().mean() / (truth - began).abs().mean().clamp_min(1e-6));
  show(truth[0], made[0]);
}

std::shared_ptr<Phase> genie_actions_phase(std::shared_ptr<GenieParts> parts) {
  return std::make_shared<GenieActionsStage>(parts);
}

std::vector<Metrics::Spec> genie_action_curves() {
  return {{"actions/pixels", "Latent actions: error of the next frame; 1 = the last one again", "", "update"},
          {"actions/balance", "Latent actions: −H(E p)", "nats", "update"},
          {"actions/perplexity", "Latent actions: codes in use, perplexity", "codes", "update"},
          {"actions/delta_psnr", "Latent actions: ΔPSNR, the inferred code against another", "dB", "update"},
          {"actions/motion", "Latent actions: painted motion, as a share of the true", "", "update"},
          {"actions/nmi", "Latent actions: what codes and true actions tell of each other (NMI)", "", "update"}};
}

std::vector<Metrics::Spec> genie_dream_curves() {
  return {{"dynamics/psnr", "Dynamics: last frame of a dream under inferred codes", "dB", "update"},
          {"dynamics/delta_psnr", "Dynamics: ΔPSNR, inferred codes against others", "dB", "update"},
          {"dynamics/motion", "Dynamics: imagined motion, as a share of the true", "", "update"}};
}

}  // namespace dream
