#include "core/models/tssm.h"

#include <ATen/autocast_mode.h>

#include <cmath>
#include <numbers>

#include "api/error.h"
#include "core/nn/categorical.h"
#include "core/nn/picture.h"
#include "core/nn/precision.h"
#include "core/nn/shape.h"

namespace dream {
namespace {

constexpr std::int64_t tssm_bins = 255;
const double torch_scale = 1 / std::sqrt(3.0);  // a layer's first weights as PyTorch draws them, by their deviation

const Knob tssm_tau{.name = "tau",
                    .symbol = "τ",
                    .title = "τ of the latent",
                    .help = "Divides the logits of the prior p(z_t | h_t): low picks every group's likeliest class.",
                    .minimum = 0.05,
                    .maximum = 2,
                    .default_value = 1,
                    .group = temperature};

std::string memory_name(std::size_t layer) {
  return "memory" + std::to_string(layer);
}

Observation rows_of(const SequenceBatch& batch) {
  const auto flat = [](const torch::Tensor& x) { return x.defined() ? x.flatten(0, 1) : x; };
  return {flat(batch.image), flat(batch.vector)};
}

/// The mean of x where `known`, of the same shape.
torch::Tensor known_mean(const torch::Tensor& x, const torch::Tensor& known) {
  return (x * known).sum() / known.sum().clamp_min(1);
}

/// Batch norm's statistics are learned while it lives, and at no other time.
class Learning {
 public:
  explicit Learning(torch::nn::Module& module) : module_(module) { module_.train(); }
  ~Learning() { module_.eval(); }
  Learning(const Learning&) = delete;
  Learning& operator=(const Learning&) = delete;

 private:
  torch::nn::Module& module_;
};

}  // namespace

Tssm::Tssm(const TssmOptions& options, const Spaces& spaces)
    : options_(options),
      channels_(spaces.image_channels),
      paints_(spaces.image_bytes() > 0 && (sees_image() || options.paint)),
      action_input_(spaces.action),
      latent_{options.groups, options.classes, options.unimix, "q(z_t | x_t)"} {
  const auto lacks = [&](const char* what, const char* instead) {
    return Error("world.observe = " + name_of(options.observe) + " needs a world with " + what + "; this one has none. Use " + instead);
  };
  if (sees_image() && spaces.image_bytes() == 0) throw lacks("pictures", "vector");
  if (sees_vector() && spaces.vector_names.empty()) throw lacks("vectors", "image");
  if (paints_ && (spaces.image_height != 64 || spaces.image_width != 64)) throw Error("this model sees pictures of 64 x 64 pixels");
  if (options.keep >= options.window)
    throw Error("world.keep = " + std::to_string(options.keep) + " leaves no room in a window of world.window = " +
                std::to_string(options.window) + "; choose fewer");
  const auto latent = latent_size(), token = latent + action_input_.size(), width = options.width;
  transformer_ = MemoryTransformer(options.transformer());
  const auto h = transformer_->out();
  const auto units = storm() ? width : options.units;
  LayerStyle style{Act::relu, Norm::layer, 1e-5, false, Init::fan_in};
  if (!storm()) style = {Act::elu, Norm::none, 1e-3, true, Init::glorot};
  std::int64_t seen = 0;
  if (sees_vector()) {
    const auto size = static_cast<std::int64_t>(spaces.vector_names.size());
    vector_encoder_ = register_module("vector_encoder", Mlp(size, options.vector_layers, units, style));
    vector_decoder_ = register_module("vector_decoder", Mlp(storm() ? latent : latent + h, options.vector_layers, units, style, size));
    seen += units;
  }
  if (storm()) {
    if (sees_image()) bn_encoder_ = register_module("encoder", BatchNormEncoder(channels_, options.depth));
    if (sees_image()) seen += bn_encoder_->size();
    posterior_ = register_module("posterior", Mlp(seen, 0, 0, style, latent, torch_scale));
    auto plain = style;
    plain.act = Act::none;
    token_ = register_module("token", Dense(token, width, style));
    token_again_ = register_module("token_again", Dense(width, width, plain));
    prior_ = register_module("prior", Mlp(h, 0, 0, style, latent, torch_scale));
    if (paints_) bn_decoder_ = register_module("decoder", BatchNormDecoder(latent, channels_, options.depth));
    reward_ = register_module("reward", Mlp(h, options.head_layers, width, style, tssm_bins, torch_scale));
    end_ = register_module("end", Mlp(h, options.head_layers, width, style, 1, torch_scale));
    two_hot_ = TwoHot(TwoHot::Kind::symlog, tssm_bins, torch::kCPU);
  } else {
    CoderOptions coder;
    coder.kind = Coder::valid, coder.depth = options.depth, coder.channels = channels_, coder.style = style;
    if (sees_image()) encoder_ = register_module("encoder", ImageEncoder(coder));
    if (sees_image()) seen += encoder_->size();
    posterior_ = register_module("posterior", Mlp(seen, 1, options.hidden, style, latent));
    token_ = register_module("token", Dense(token, width, style));
    prior_ = register_module("prior", Mlp(h, 1, options.hidden, style, latent));
    if (paints_) decoder_ = register_module("decoder", ImageDecoder(latent, h, coder));
    reward_ = register_module("reward", Mlp(latent + h, options.head_layers, options.units, style, 1));
    end_ = register_module("end", Mlp(latent + h, options.head_layers, options.units, style, 1));
  }
  register_module("transformer", transformer_);
  prior_rows_ = reward_rows_ = end_rows_ = RowMlp(style.act);
  eval();
}

void Tssm::set_bfloat16(bool on) {
  bfloat16_ = on;
  transformer_->set_narrow(on);
}

// -- the parts ---------------------------------------------------------------------------------------------------------

torch::Tensor Tssm::posterior_of(const Observation& seen) {
  std::vector<torch::Tensor> parts;
  if (sees_image()) {
    check_shape(seen.image, {-1, 64, 64, channels_}, "image");
    const bool narrow = at::autocast::is_autocast_enabled(seen.image.device().type());
    const auto x = picture_numbers(seen.image, narrow ? torch::kBFloat16 : torch::kFloat32);
    parts.push_back(storm() ? bn_encoder_(x + 0.5) : encoder_(x));
  }
  if (sees_vector()) parts.push_back(vector_encoder_(symlog(seen.vector.to(torch::kFloat32))));
  return unimix(latent_.grid(posterior_(parts.size() == 1 ? parts[0] : torch::cat(parts, -1))), options_.unimix).flatten(-2);
}

torch::Tensor Tssm::token_of(const torch::Tensor& z, const torch::Tensor& action) {
  const auto token = token_(torch::cat({z, action.to(z.scalar_type())}, -1));
  return storm() ? token_again_(token) : token;
}

torch::Tensor Tssm::prior_of(const torch::Tensor& h) {
  return unimix(latent_.grid(prior_rows_(prior_, h, bfloat16_)), options_.unimix).flatten(-2);
}

torch::Tensor Tssm::decode(const torch::Tensor& z, const torch::Tensor& h) {
  return storm() ? bn_decoder_(z) : decoder_rows_(decoder_, z, h, bfloat16_);
}

torch::Tensor Tssm::decode_vector(const torch::Tensor& z, const torch::Tensor& h) {
  return vector_decoder_(storm() ? z : torch::cat({z, h}, -1)).to(torch::kFloat32);
}

torch::Tensor Tssm::rewards(const torch::Tensor& z, const torch::Tensor& h) {
  return reward_rows_(reward_, storm() ? h : torch::cat({z, h}, -1), bfloat16_).to(torch::kFloat32);
}

torch::Tensor Tssm::ends(const torch::Tensor& z, const torch::Tensor& h) {
  return end_rows_(end_, storm() ? h : torch::cat({z, h}, -1), bfloat16_).to(torch::kFloat32).squeeze(-1);
}

torch::Tensor Tssm::draw(const torch::Tensor& log_probabilities, at::Generator rng) const {
  const auto one_hot = sample_one_hot(latent_.grid(log_probabilities.detach()), std::move(rng)).flatten(-2);
  return torch::GradMode::is_enabled() ? straight_through(one_hot, log_probabilities) : one_hot;
}

Tssm::Remembered Tssm::remember(const torch::Tensor& z, const torch::Tensor& action, const torch::Tensor& first,
                                std::optional<at::Generator> chance) {
  const auto steps = z.size(0), lanes = z.size(1);
  if (steps - 1 > options_.window)
    throw Error("pieces of " + std::to_string(steps) + " moments are longer than a window of world.window = " +
                std::to_string(options_.window) + "; choose a larger one, or a smaller train.length");
  Remembered piece;
  const auto moment = torch::arange(steps, first.options().dtype(torch::kInt64)).unsqueeze(1);
  piece.begin = std::get<0>(((first > 0) * moment).cummax(0));  // [T, B]
  piece.known = (moment > piece.begin).to(torch::kFloat32);
  if (steps == 1) {
    piece.h = torch::zeros({1, lanes, transformer_->out()}, z.options().dtype(torch::kFloat32));
    piece.tokens = torch::zeros({lanes, 0, options_.width}, piece.h.options());
    piece.rows = transformer_->nothing(lanes, 0);
    return piece;
  }
  const auto tokens = token_of(z.slice(0, 0, -1), action_input_(action.slice(0, 1))).transpose(0, 1);  // [B, T - 1, D]
  const auto begin = piece.begin.slice(0, 1).transpose(0, 1), at = moment.slice(0, 1).transpose(0, 1);
  // A token sees those of its own episode up to itself. The one that would lead into an episode sees itself, and is not looked at.
  const auto seen = (begin.unsqueeze(2) == begin.unsqueeze(1)).logical_and(at.unsqueeze(2) >= at.unsqueeze(1))
                        .logical_and((piece.known.slice(0, 1).transpose(0, 1) > 0).unsqueeze(1))
                        .logical_or(torch::eye(steps - 1, begin.options().dtype(torch::kBool)));
  const auto places = (at - begin - 1).clamp_min(0);
  const auto h = transformer_->forward(tokens.contiguous(), places, seen.logical_not(), std::move(chance), &piece.rows).to(torch::kFloat32);
  piece.h = torch::cat({torch::zeros({1, lanes, h.size(2)}, h.options().requires_grad(false)), h.transpose(0, 1)}) * piece.known.unsqueeze(-1);
  piece.tokens = tokens.detach().to(torch::kFloat32);
  return piece;
}

// -- the world model ---------------------------------------------------------------------------------------------------

Carry Tssm::initial(std::int64_t batch) {
  const auto like = torch::TensorOptions().dtype(torch::kFloat32).device(parameters().front().device());
  Carry carry = {{"z", torch::zeros({batch, latent_size()}, like)},
                 {"h", torch::zeros({batch, transformer_->out()}, like)},
                 {"tokens", torch::zeros({batch, options_.window, options_.width}, like)},
                 {"count", torch::zeros({batch, 1}, like)},
                 {"started", torch::zeros({batch, 1}, like)}};
  const auto nothing = transformer_->nothing(batch, options_.window);
  for (std::size_t layer = 0; layer < nothing.size(); ++layer) carry[memory_name(layer)] = nothing[layer];
  return carry;
}

MemoryTransformerImpl::Rows Tssm::memory_of(const Carry& carry) const {
  MemoryTransformerImpl::Rows memory;
  for (std::int64_t layer = 0; layer < options_.layers; ++layer) memory.push_back(carry.at(memory_name(static_cast<std::size_t>(layer))));
  return memory;
}

void Tssm::make_room(Carry& carry) {
  const auto window = carry.at("tokens").size(1), keep = std::min(options_.keep, window - 1);
  const auto full = (carry.at("count").squeeze(1) >= static_cast<double>(window)).nonzero().squeeze(1);
  if (full.size(0) == 0) return;
  const auto kept = carry.at("tokens").index_select(0, full).slice(1, window - keep);
  const auto places = torch::arange(keep, full.options()).expand({full.size(0), keep});
  const auto later = torch::ones({1, keep, keep}, full.options().dtype(torch::kBool)).triu(1);
  MemoryTransformerImpl::Rows rows;
  transformer_->forward(kept, places, later, {}, &rows);
  const auto placed = [&](const std::string& name, const torch::Tensor& newest) {
    const auto rest = torch::zeros({full.size(0), window - keep, newest.size(2)}, newest.options());
    carry[name] = carry.at(name).index_copy(0, full, torch::cat({newest, rest}, 1));
  };
  placed("tokens", kept);
  for (std::size_t layer = 0; layer < rows.size(); ++layer) placed(memory_name(layer), rows[layer]);
  carry["count"] = carry.at("count").index_fill(0, full, static_cast<double>(keep));
}

Carry Tssm::moved(const Carry& carry, const torch::Tensor& action) {
  auto next = carry;
  for (const auto* name : {"prior", "posterior"}) next.erase(name);
  make_room(next);
  const auto count = next.at("count").squeeze(1).to(torch::kInt64), lanes = torch::arange(count.size(0), count.options());
  const auto token = token_of(carry.at("z"), action_input_(action)).to(torch::kFloat32);
  auto memory = memory_of(next);
  next["h"] = transformer_->step(token, memory, count);
  next["tokens"] = next.at("tokens").index_put({lanes, count}, token);
  for (std::size_t layer = 0; layer < memory.size(); ++layer) next[memory_name(layer)] = memory[layer];
  next["count"] = next.at("count") + 1;
  return next;
}

Carry Tssm::observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation, at::Generator rng) {
  const auto& started = carry.at("started");
  Carry next = carry;
  const auto begins = started == 0;
  torch::Tensor posterior;
  {
    const Autocast autocast(in_bfloat16(started), started.device());
    posterior = posterior_of(observation);
    // What led to an episode's first frame is nobody's.
    if (!begins.all().item<bool>()) next = moved(carry, previous_action);
    if (begins.any().item<bool>()) next = where_fresh(begins.squeeze(1), initial(started.size(0)), next);
    next["prior"] = prior_of(next.at("h"));
  }
  next["z"] = draw(posterior, std::move(rng));
  next["started"] = torch::ones_like(started);
  next["posterior"] = posterior;
  return next;
}

Carry Tssm::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) {
  const double tau = knobs.empty() ? 1 : value_of(knobs, tssm_tau);
  const Autocast autocast(in_bfloat16(carry.at("z")), carry.at("z").device());
  auto next = moved(carry, action);
  auto prior = prior_of(next.at("h"));
  if (tau != 1) prior = torch::log_softmax(latent_.grid(prior) / tau, -1).flatten(-2);
  next["z"] = draw(prior, std::move(rng));
  next["started"] = torch::ones_like(carry.at("started"));
  next["prior"] = prior;
  return next;
}

std::vector<Knob> Tssm::knobs() const {
  return {tssm_tau};
}

Prediction Tssm::outcome(const Carry& carry) {
  const auto &z = carry.at("z"), &h = carry.at("h");
  const Autocast autocast(in_bfloat16(z), z.device());
  Prediction prediction;
  const auto reward = rewards(z, h);
  prediction.reward = storm() ? two_hot_.mean(reward) : reward.squeeze(-1);
  prediction.done = torch::sigmoid(ends(z, h));
  return prediction;
}

Prediction Tssm::predict(const Carry& carry) {
  auto prediction = outcome(carry);
  const Autocast autocast(in_bfloat16(carry.at("z")), carry.at("z").device());
  if (paints_) prediction.frame = frame_of(decode(carry.at("z"), carry.at("h")).to(torch::kFloat32));
  return prediction;
}

torch::Tensor Tssm::reward_to_target(const torch::Tensor& reward) const {
  return storm() ? reward : torch::tanh(reward);
}

torch::Tensor Tssm::reward_from_target(const torch::Tensor& target) const {
  return storm() ? target : torch::atanh(target.clamp(-0.999, 0.999));
}

Carry Tssm::with_latent(const Carry& memory, const Carry& latent) {
  auto both = memory;
  for (const auto* name : {"prior", "posterior"}) both.erase(name);
  both["z"] = latent.at("z");
  return both;
}

// -- learning ----------------------------------------------------------------------------------------------------------

void Tssm::add_reconstructions(const Observation& seen, const torch::Tensor& z, const torch::Tensor& h, const torch::Tensor& known,
                               const std::function<void(const char* name, const torch::Tensor& term, double scale)>& add) {
  if (paints_) {
    // A model that does not see pictures paints them all the same, for people; that sends no gradient back.
    const auto some = [&](const torch::Tensor& x) { return sees_image() ? x : x.detach().slice(0, 0, x.size(0), options_.paint_every); };
    const auto image = some(seen.image), decoded = decode(some(z), some(h));
    auto error = picture_error(storm() ? decoded.to(torch::kFloat32) - 0.5 : decoded, image, false);
    error = !sees_image() ? mean_where_given(error, image) : storm() ? error.mean() : known_mean(error, known);
    if (!storm()) {
      const double sigma = options_.image_deviation;
      const double constant = (0.5 * std::log(2 * std::numbers::pi) + std::log(sigma)) * static_cast<double>(decoded[0].numel());
      error = error / (2 * sigma * sigma) + constant;
    }
    // Who paints for people is not to crowd the others out of the gradients' norm, which is cut for all together.
    add("image", error, sees_image() ? 1 : 0.01);
  }
  if (!sees_vector()) return;
  // Of an episode's first moment too, unlike TransDreamer's pictures: in short episodes much is seen there alone.
  const auto error = (decode_vector(z, h) - symlog(seen.vector.to(torch::kFloat32))).square().sum(-1);
  add("vector", error.mean(), options_.vector_scale);
}

SequenceLoss Tssm::loss(const SequenceBatch& batch, at::Generator rng, const torch::Tensor& draws) {
  const Learning learning(*this);
  const auto steps = batch.steps(), lanes = batch.lanes();
  SequenceLoss loss;
  const auto add = [&](const char* name, const torch::Tensor& term, double scale) {
    loss.total = loss.total.defined() ? loss.total + scale * term : scale * term;
    loss.terms.emplace_back(name, term.detach());
  };
  const auto seen = rows_of(batch);
  const auto device = batch.reward.device();
  const Autocast autocast(bfloat16_, device);
  const auto posterior = posterior_of(seen).view({steps, lanes, -1});
  const auto z = draws.defined() ? straight_through(draws, posterior) : draw(posterior, rng);
  const auto chance = draws.defined() || options_.dropout <= 0 ? std::optional<at::Generator>{} : std::optional<at::Generator>{rng};
  const auto piece = remember(z, batch.action, batch.first, chance);
  const auto &h = piece.h, &known = piece.known;
  const auto prior = prior_of(h);
  const auto flat = [](const torch::Tensor& x) { return x.flatten(0, 1); };
  const auto grid = [&](const torch::Tensor& x) { return x.view({steps, lanes}); };
  loss.features = torch::cat({z, h}, -1);

  add_reconstructions(seen, flat(z), flat(h), flat(known), add);
  const auto said = rewards(flat(z), flat(h)), wanted = reward_to_target(flat(batch.reward));
  const auto error = storm() ? two_hot_.loss(said, wanted)
                             : 0.5 * (said.squeeze(-1) - wanted).square() + 0.5 * std::log(2 * std::numbers::pi);
  add("reward", known_mean(grid(error), known), options_.reward_scale);
  const auto ended = torch::binary_cross_entropy_with_logits(ends(flat(z), flat(h)), flat(batch.terminated), {}, {}, at::Reduction::None);
  add("continue", known_mean(grid(ended), known), options_.continue_scale);

  // Each side learns by itself: the prior to predict, the posterior to be predicted. Free is of the mean.
  const auto free = [&](const torch::Tensor& q, const torch::Tensor& p) {
    return known_mean(latent_.kl(q, p).sum(-1), known).clamp_min(options_.free_nats);
  };
  add("dynamics", free(posterior.detach(), prior), options_.dynamics_scale);
  add("representation", free(posterior, prior.detach()), options_.representation_scale);
  torch::NoGradGuard no_grad;
  const auto each = latent_.kl(posterior, prior).sum(-1);
  loss.terms.emplace_back("kl", known_mean(each, known));
  const auto where = (known > 0).flatten().nonzero().squeeze(1);
  last_ = {flat(posterior).detach().index_select(0, where), flat(prior).detach().index_select(0, where)};
  loss.starts_at = [this, z = z.detach(), action = batch.action, first = batch.first](const torch::Tensor& moments) {
    torch::NoGradGuard quiet;
    const auto all = torch::arange(z.size(0) * z.size(1), torch::TensorOptions().dtype(torch::kInt64).device(z.device()));
    const Autocast narrow(bfloat16_, z.device());
    return state_at(remember(z, action, first, {}), z, moments.defined() ? moments : all, options_.window);
  };
  return loss;
}

Carry Tssm::state_at(const Remembered& piece, const torch::Tensor& z, const torch::Tensor& moments, std::int64_t window) const {
  const auto lanes = z.size(1), length = piece.tokens.size(1);
  const auto lane = moments.remainder(lanes);
  const auto begin = piece.begin.flatten().index_select(0, moments);
  const auto count = moments.floor_divide(lanes) - begin;
  const auto slot = torch::arange(window, moments.options()).unsqueeze(0);
  const auto there = (slot < count.unsqueeze(1)).unsqueeze(-1);
  const auto from = (begin.unsqueeze(1) + slot).clamp_max(std::max<std::int64_t>(0, length - 1));
  const auto taken = [&](const torch::Tensor& x) {
    if (length == 0) return torch::zeros({moments.size(0), window, x.size(2)}, x.options());
    return x.index({lane.unsqueeze(1), from}) * there;
  };
  Carry carry = {{"z", z.flatten(0, 1).index_select(0, moments)},
                 {"h", piece.h.flatten(0, 1).index_select(0, moments)},
                 {"tokens", taken(piece.tokens)},
                 {"count", count.to(torch::kFloat32).unsqueeze(1)},
                 {"started", torch::ones({moments.size(0), 1}, piece.h.options())}};
  for (std::size_t layer = 0; layer < piece.rows.size(); ++layer) carry[memory_name(layer)] = taken(piece.rows[layer]);
  return carry;
}

Carry Tssm::having_seen(const SequenceBatch& batch, std::int64_t window, at::Generator rng) {
  torch::NoGradGuard no_grad;
  const auto steps = batch.steps(), lanes = batch.lanes();
  const Autocast autocast(bfloat16_, batch.reward.device());
  const auto z = draw(posterior_of(rows_of(batch)), std::move(rng)).view({steps, lanes, -1});
  const auto newest = torch::arange((steps - 1) * lanes, steps * lanes, torch::TensorOptions().dtype(torch::kInt64).device(z.device()));
  return state_at(remember(z, batch.action, batch.first, {}), z, newest, window);
}

}  // namespace dream
