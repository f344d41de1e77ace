#include "core/models/jepa.h"

#include "api/error.h"
#include "core/nn/picture.h"
#include "core/nn/precision.h"
#include "core/nn/stacked_mlp.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr LayerStyle jepa_style{Act::relu, Norm::layer, 1e-5, true, Init::fan_in};
constexpr std::int64_t narrow_pictures = 32;  // from here on bf16 gains more than its conversions cost

/// Two hidden layers without a norm.
Mlp two_hidden(std::int64_t in, std::int64_t units, std::int64_t out) {
  auto style = jepa_style;
  style.norm = Norm::none;
  return Mlp(in, 2, units, style, out);
}

/// Mean over the rows that count, `within` [T, B].
torch::Tensor mean_where(const torch::Tensor& rows, const torch::Tensor& within) {
  return (rows * within).sum() / within.sum().clamp_min(1);
}

}  // namespace

void JepaOptions::fields(Config& config, const std::string& prefix) {
  config.add(prefix + "observe", observe,
             {.help = "What the encoder sees: image, vector, or auto: the vector where the world has one and no picture is to be "
                      "reached"});
  config.add(prefix + "latent", latent, {.help = "Numbers of z", .low = 2, .high = 4096});
  config.add(prefix + "depth", depth, {.help = "Channels of the encoder are multiples of this", .low = 1, .high = 256});
  config.add(prefix + "predictor", predictor,
             {.help = "What makes the next z: gru, as published, with z for its state; residual, two layers that change z; "
                      "transformer, attention over the last moments that changes it"});
  config.add(prefix + "predictor_units", predictor_units,
             {.help = "residual and transformer: width of its layers", .low = 1, .high = 8192});
  config.add(prefix + "predictor_layers", predictor_layers, {.help = "transformer: its blocks", .low = 1, .high = 32});
  config.add(prefix + "predictor_heads", predictor_heads, {.help = "transformer: heads of attention, which divide its width", .low = 1, .high = 64});
  config.add(prefix + "window", window,
             {.help = "transformer: moments that it looks at, the present one among them", .unit = "steps", .low = 1, .high = 64});
  config.add(prefix + "inverse_units", inverse_units,
             {.help = "Width of the network that tells the action from two states", .low = 1, .high = 4096});
  config.add(prefix + "vector_units", vector_units,
             {.help = "Width of the encoder's two layers where it sees a vector", .low = 1, .high = 8192});
  config.add(prefix + "against", against,
             {.help = "What keeps z from collapsing: vicreg, variance and covariance; sigreg, like a standard normal; ema, "
                      "predicted is a slow encoder's z; byol, likewise, by angle; none, the prediction alone",
              .live = true,
              .title = "against collapse"});
  const auto weight = [&](const char* name, double& value, const char* help) {
    config.add(prefix + name, value, {.help = help, .low = 0, .high = 1000, .live = true});
  };
  weight("variance", variance, "vicreg: weight of what a number's deviation lacks of 1");
  weight("covariance", covariance, "vicreg: weight of the mean squared covariance of two numbers");
  weight("sigreg", sigreg, "sigreg: weight of the distance from a standard normal");
  weight("smoothness", smoothness, "vicreg, sigreg: weight of how far z moves in a step");
  weight("inverse", inverse, "vicreg, sigreg: weight of the action that is told from two states");
  config.add(prefix + "slow_share", slow_share,
             {.help = "ema, byol: by how much the slow encoder follows an update", .low = 0, .high = 1, .live = true});
  config.add(prefix + "directions", directions.directions,
             {.help = "sigreg: random directions along which z is looked at", .low = 1, .high = 65536, .live = true});
  view.fields(config, prefix + "view.");
}

Jepa::EncoderImpl::EncoderImpl(const JepaOptions& options, std::int64_t channels, std::int64_t numbers) {
  auto style = jepa_style;
  style.norm = Norm::none;
  if (numbers > 0) {
    layers = register_module("layers", Mlp(numbers, 2, options.vector_units, jepa_style));
  } else {
    convs = register_module("convs", ImageEncoder(CoderOptions{.kind = Coder::same, .depth = options.depth, .channels = channels, .style = style}));
  }
  flat = register_module("flat", torch::nn::Linear(numbers > 0 ? options.vector_units : convs->size(), options.latent));
  norm = register_module("norm", NormLayer(options.latent, jepa_style));
}

torch::Tensor Jepa::EncoderImpl::forward(const torch::Tensor& seen) {
  return norm(flat(layers ? layers(seen) : convs(seen)).to(torch::kFloat32));
}

Jepa::Jepa(const JepaOptions& options, const Spaces& spaces) : options_(options), action_input_(spaces.action) {
  const auto numbers = static_cast<std::int64_t>(spaces.vector_names.size());
  sees_image_ = options.observe == Looks::image || (options.observe == Looks::automatic && (numbers == 0 || spaces.goals));
  if (!sees_image_ && numbers == 0) throw Error("world.observe = vector: this world shows no vector; set it to image");
  if (sees_image_ && (spaces.image_height != 64 || spaces.image_width != 64))
    throw Error("this model sees pictures of 64 x 64 pixels");
  encoder_ = register_module("encoder", Encoder(options, spaces.image_channels, sees_image_ ? 0 : numbers));
  slow_encoder_ = register_module("slow_encoder", Encoder(options, spaces.image_channels, sees_image_ ? 0 : numbers));
  follow_slowly(1);
  for (auto p : slow_encoder_->parameters()) p.requires_grad_(false);
  if (options.predictor == JepaPredictor::gru) {
    predictor_ = register_module("predictor", torch::nn::GRUCell(action_input_.size(), options.latent));
  } else if (options.predictor == JepaPredictor::transformer) {
    looking_back_ = register_module("looking_back", LookingBack(LookingBackOptions{.latent = options.latent,
                                                                                   .action = action_input_.size(),
                                                                                   .width = options.predictor_units,
                                                                                   .layers = options.predictor_layers,
                                                                                   .heads = options.predictor_heads,
                                                                                   .window = options.window}));
  } else {
    change_ = register_module("change", two_hidden(options.latent + action_input_.size(), options.predictor_units, options.latent));
  }
  predicted_ = register_module("predicted", NormLayer(options.latent, jepa_style));
  inverse_ = register_module("inverse", two_hidden(2 * options.latent, options.inverse_units, action_input_.size()));
  foretell_ = register_module("foretell", two_hidden(options.latent, options.latent, options.latent));
  if (options.view.on && spaces.image_bytes() > 0) viewer_ = register_module("viewer", ViewingDecoder(options.latent, spaces, options.view.depth));
}

std::vector<torch::Tensor> Jepa::learned() const {
  std::vector<torch::Tensor> all;
  for (const auto& p : named_parameters())
    if (!p.key().starts_with("slow_encoder") && !p.key().starts_with("viewer")) all.push_back(p.value());
  return all;
}

void Jepa::follow_slowly(double share) {
  dream::follow_slowly(*slow_encoder_, *encoder_, share);
}

torch::Tensor Jepa::encode_by(Encoder& encoder, const torch::Tensor& seen) {
  const auto sizes = seen.sizes();
  const auto leading = sizes.slice(0, sizes.size() - (sees_image_ ? 3 : 1)).vec();
  if (!sees_image_) return encoder(seen.flatten(0, -2)).unflatten(0, leading);
  const auto flat = seen.flatten(0, -4);
  const bool narrow = bfloat16_ && flat.size(0) >= narrow_pictures;
  const Autocast autocast(narrow, flat.device());
  const auto pictures = picture_numbers(flat, narrow ? torch::kBFloat16 : torch::kFloat32);
  return encoder(pictures).unflatten(0, leading);
}

torch::Tensor Jepa::next(const Before& before, const torch::Tensor& z, const torch::Tensor& action) {
  if (predictor_) return predicted_(predictor_(action, z));
  return predicted_(z + (looking_back_ ? looking_back_(before, z, action) : change_(torch::cat({z, action}, -1))));
}

Jepa::Before Jepa::before_of(const Carry& carry) const {
  return looking_back_ ? Before{carry.at("before"), carry.at("moments")} : Before{};
}

Carry Jepa::moved_on(const Carry& carry, const torch::Tensor& action) const {
  Carry later = carry;
  if (!looking_back_) return later;
  auto [tokens, count] = LookingBackImpl::then(before_of(carry), carry.at("z"), action);
  later["before"] = std::move(tokens), later["moments"] = std::move(count);
  return later;
}

Jepa::Loss Jepa::loss(const SequenceBatch& batch, const JepaOptions& options, at::Generator rng) {
  const auto& seen = sees_image_ ? batch.image : batch.vector;
  const auto z = encode(seen);
  auto goal = z.slice(0, 1);
  if (options.against == AntiCollapse::ema || options.against == AntiCollapse::byol) {
    torch::NoGradGuard no_grad;
    goal = encode_by(slow_encoder_, seen.slice(0, 1));
  }
  // A piece may go over into another episode: from there on nothing counts.
  const auto within = torch::cumprod(1 - batch.first.slice(0, 1), 0);
  return loss_of(z, goal, action_input_(batch.action.slice(0, 1)), within, options, rng);
}

Jepa::Loss Jepa::loss_of(const torch::Tensor& z, const torch::Tensor& goal, const torch::Tensor& action,
                         const torch::Tensor& within, const JepaOptions& options, at::Generator rng) {
  std::vector<torch::Tensor> imagined;
  Before before;
  if (looking_back_) before = {looking_back_->nothing(z.size(1)).tokens, torch::zeros({z.size(1), 1}, z.options().requires_grad(false))};
  for (std::int64_t t = 0; t < action.size(0); ++t) {
    const auto now = t == 0 ? z[0] : imagined.back();
    imagined.push_back(next(before, now, action[t]));
    if (looking_back_) before = LookingBackImpl::then(before, now, action[t]);
  }
  const auto expected = torch::stack(imagined);  // [T − 1, B, D]
  Loss made;
  // All of it is measured, and what does not weigh sends no gradient: so a collapse is seen in what would work against it.
  const auto add = [&](const char* name, bool weighs, double weight, const auto& term) {
    const torch::AutoGradMode gradient(weighs);
    const auto value = term();
    if (weighs) made.total = made.total.defined() ? made.total + weight * value : weight * value;
    made.terms.emplace_back(name, value.detach());
  };
  const auto rows = z.flatten(0, 1);
  const bool vicreg = options.against == AntiCollapse::vicreg, sigreg = options.against == AntiCollapse::sigreg;
  add("prediction", true, 1, [&] {
    const auto missed = options.against == AntiCollapse::byol
                            ? byol_distance(foretell_->forward(expected), goal)
                            : (expected - goal).square().mean(-1);
    return mean_where(missed, within);
  });
  add("variance", vicreg, options.variance, [&] { return variance_hinge(rows); });
  add("covariance", vicreg, options.covariance, [&] { return covariance_off_diagonal(rows); });
  add("sigreg", sigreg, options.sigreg, [&] { return sig_reg(rows, options.directions, rng); });
  add("smoothness", vicreg || sigreg, options.smoothness,
      [&] { return mean_where((z.slice(0, 1) - z.slice(0, 0, -1)).square().mean(-1), within); });
  add("inverse", vicreg || sigreg, options.inverse, [&] {
    const auto told = inverse_->forward(torch::cat({z.slice(0, 0, -1), z.slice(0, 1)}, -1));
    return mean_where((told - action).square().mean(-1), within);
  });
  made.z = z.detach();
  made.states = torch::cat({z.slice(0, 0, 1), expected.slice(0, 0, -1)});
  return made;
}

// -- as a world model -------------------------------------------------------------------------------------------------

Carry Jepa::initial(std::int64_t batch) {
  const auto like = encoder_->flat->weight.options().requires_grad(false);
  Carry nothing{{"z", torch::zeros({batch, options_.latent}, like)},
                {"goal", torch::zeros({batch, options_.latent}, like)},
                {"aimed", torch::zeros({batch, 1}, like)}};
  if (!looking_back_) return nothing;
  auto [tokens, count] = looking_back_->nothing(batch);
  nothing["before"] = std::move(tokens), nothing["moments"] = std::move(count);
  return nothing;
}

Carry Jepa::observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation, at::Generator) {
  Carry seen = looking_back_ ? moved_on(carry, action_input_(previous_action)) : carry;
  if (observation.goal.defined()) seen = aimed(seen, observation.goal);
  seen["z"] = encode(sees_image_ ? observation.image : observation.vector);
  return seen;
}

Carry Jepa::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues&, at::Generator) {
  const auto done = action_input_(action);
  Carry dreamt = moved_on(carry, done);
  dreamt["z"] = next(before_of(carry), carry.at("z"), done);
  return dreamt;
}

Carry Jepa::aimed(const Carry& carry, const torch::Tensor& goal) {
  Carry to = carry;
  to["goal"] = encode(goal);
  to["aimed"] = torch::ones_like(carry.at("aimed"));
  return to;
}

torch::Tensor Jepa::distance(const Carry& carry) const {
  return (carry.at("z") - carry.at("goal")).square().mean(-1) * carry.at("aimed").squeeze(-1);
}

Prediction Jepa::outcome(const Carry& carry) {
  Prediction said;
  said.reward = -distance(carry);
  return said;
}

Prediction Jepa::predict(const Carry& carry) {
  auto said = outcome(carry);
  if (viewer_) said.frame = viewer_(carry.at("z"));
  return said;
}

Belief Jepa::belief(const Carry& carry) {
  Belief found;
  found.latent = carry.at("z");
  return found;
}

std::vector<std::string> Jepa::probe_names() const {
  return {"latent/z", "goal/picture", "goal/distance"};
}

void Jepa::report(const Carry& carry, ProbeSink& sink) {
  if (sink.wants("latent/z")) {
    Vector bars;
    bars.values = floats(carry.at("z")[0]);
    sink.put("latent/z", "Latent z", "z = h(x) of a real frame, LN(GRU(a, z)) or LN(z + f(…, z, a)) in a dream; drag a bar to edit the dream",
             std::move(bars), true);
  }
  if (carry.at("aimed")[0].item<float>() == 0) return;
  if (sink.wants("goal/picture") && viewer_)
    sink.put("goal/picture", "The goal as it is understood", "What the viewing decoder makes of h(x*)",
             image_from(viewer_(carry.at("goal"))[0]));
  if (sink.wants("goal/distance"))
    sink.put("goal/distance", "Distance to the goal", "|z − h(x*)|², a number's mean: what the plan brings down",
             Scalar{distance(carry)[0].item<double>(), ""});
}

Carry Jepa::edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) {
  if (probe != "latent/z") throw Error("'" + probe + "' cannot be edited; the editable probe of this model is latent/z");
  if (index < 0 || index >= options_.latent)
    throw Error("latent/z has elements 0 to " + std::to_string(options_.latent - 1) + ", not " + std::to_string(index));
  Carry edited = carry;
  edited["z"] = carry.at("z").clone();
  edited["z"].select(1, index).fill_(value);
  return edited;
}

Carry Jepa::randomise(const Carry& carry, const std::string& probe, at::Generator rng) {
  if (probe != "latent/z")
    throw Error("'" + probe + "' cannot be randomised; the editable probe of this model is latent/z");
  Carry edited = carry;  // it has no prior: numbers of the deviation that the norm gives them
  const auto& z = carry.at("z");
  edited["z"] = torch::randn(z.sizes(), rng, z.options());
  return edited;
}

}  // namespace dream
