#include "core/engine/pretrain/pretrain_recipe.h"

#include "core/engine/optimiser_fields.h"
#include "core/engine/seed_field.h"

namespace dream {
namespace {

/// The half that all four have in common; `world` declares the model's settings, `make` makes it.
std::unique_ptr<System> pretrained(
    const RunSpec& spec, const std::string& title, const std::shared_ptr<PretrainParts>& parts,
    const std::function<void(Config&)>& world,
    const std::function<std::shared_ptr<SelfSupervised>(const Spaces&, bool rival)>& make) {
  auto system = std::make_unique<System>();
  auto& options = parts->options;
  options.fields(system->config);
  world(system->config);
  system->config.take_as_default();
  apply_settings(system->config, spec);

  begin_interleaved(*system, *parts, spec, options.seed);
  system->title = title;
  parts->model = make(system->make_env()->spaces(), options.rival);
  parts->model->to(system->device);
  system->encoder = parts->model;
  parts->learner = pretrain_learner(*parts);
  system->follow_settings = [p = parts.get()] { p->learner->follow_settings(); };
  complete_offline(*system, parts, options.train, "Learn to see", &options.collect);
  return system;
}

std::unique_ptr<System> pretrain_masked(const RunSpec& spec, const std::string& title,
                                        const std::shared_ptr<PretrainParts>& parts) {
  auto& world = parts->masked;
  parts->remedy = "Set learn.target to ema, as published; where it is, its pictures may differ in too little that could be foretold";
  return pretrained(
      spec, title, parts, [&](Config& config) { world.fields(config); },
      [p = parts.get()](const Spaces& spaces, bool rival) {
        auto model = std::make_shared<MaskedJepa>(p->masked, spaces, rival);
        p->follow_model = [p, m = model.get()] { m->options() = p->masked; };
        return model;
      });
}

std::unique_ptr<System> pretrain_two_views(const RunSpec& spec, const std::string& title,
                                           const std::shared_ptr<PretrainParts>& parts) {
  // Published decays are a millionth, of LARS; AdamW's is times the learning rate.
  parts->options.optimiser.weight_decay = parts->options.last_decay = 1e-6;
  parts->options.rise = MomentumRise::cosine;
  return pretrained(
      spec, title, parts, [p = parts.get()](Config& config) { p->two_views.fields(config); },
      [p = parts.get()](const Spaces& spaces, bool rival) {
        auto model = std::make_shared<TwoViews>(p->two_views, spaces, rival);
        p->follow_model = [p, m = model.get()] { m->options() = p->two_views; };
        return model;
      });
}

}  // namespace

void PretrainOptions::fields(Config& config) {
  seed_field(config, seed);
  collect.fields(config, "collect.");
  train.data_fields(config, "train.", "; empty: it collects its own, by random actions");
  optimiser_fields(config, "learn.", optimiser, "the encoder and what is behind it");
  const auto share = [&](const char* name, double& value, const char* help) {
    config.add(std::string("learn.") + name, value, {.help = help, .low = 0, .high = 1, .live = true});
  };
  share("first_rate", first_rate, "Share of the learning rate that it begins with");
  share("last_rate", last_rate, "Share of the learning rate that it ends with, after half a cosine");
  share("last_decay", last_decay, "To which the weight decay goes, along half a cosine");
  share("momentum", momentum,
        "How much the slow copy of the encoder stays what it was in an update, at first; 0: it is the encoder");
  share("last_momentum", last_momentum, "And at last");
  config.add("learn.rise", rise, {.help = "How it gets there: line, as I-JEPA; cosine, as BYOL"});
  config.add("rival.on", rival,
             {.help = "A VAE of as many numbers learns from the same pictures, to hold what can be read against"});
  config.add("rival.every", rival_every, {.help = "Updates between two of its own", .low = 1, .high = 10000});
  config.add("rival.learning_rate", rival_rate,
             {.help = "Step size of its Adam", .low = 1e-6, .high = 1, .logarithmic = true});
  config.resumable({"collect.episodes", "collect.lanes", "train.batch", "train.budget_gb"});
}

std::unique_ptr<System> make_i_jepa(const RunSpec& spec) {
  return pretrain_masked(spec, "I-JEPA", std::make_shared<PretrainParts>());
}

std::unique_ptr<System> make_v_jepa(const RunSpec& spec) {
  const auto parts = std::make_shared<PretrainParts>();
  parts->masked.encoder.frames = 8, parts->masked.encoder.tubelet = 2;
  parts->options.momentum = 0.998, parts->options.optimiser.clip_norm = 10;
  parts->options.train.batch = 16;
  return pretrain_masked(spec, "V-JEPA", parts);
}

std::unique_ptr<System> make_byol(const RunSpec& spec) {
  const auto parts = std::make_shared<PretrainParts>();
  parts->two_views.kind = TwoViewsKind::byol;
  parts->remedy = "Set learn.target to ema and learn.predictor on";
  return pretrain_two_views(spec, "BYOL", parts);
}

std::unique_ptr<System> make_vicreg(const RunSpec& spec) {
  const auto parts = std::make_shared<PretrainParts>();
  parts->two_views.kind = TwoViewsKind::vicreg;
  parts->remedy = "Raise learn.variance";
  return pretrain_two_views(spec, "VICReg", parts);
}

}  // namespace dream
