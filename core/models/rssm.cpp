#include "core/models/rssm.h"

#include <ATen/autocast_mode.h>

#include <cmath>
#include <numbers>

#include "api/error.h"
#include "core/env/env.h"
#include "core/nn/categorical.h"
#include "core/nn/picture.h"
#include "core/nn/precision.h"
#include "core/nn/shape.h"

namespace dream {
namespace {

torch::Tensor flat(const torch::Tensor& x) {
  return x.flatten(0, 1);
}  // [T, B, ...] -> [T·B, ...]

}  // namespace

Rssm::Rssm(const RssmOptions& options, const Spaces& spaces) : options_(options), spaces_(spaces), action_input_(spaces.action) {
  const bool has_image = spaces.image_bytes() > 0, has_vector = !spaces.vector_names.empty();
  sees_image_ = options.observe != Sees::vector;
  sees_vector_ = options.observe != Sees::image;
  if (sees_image_ && !has_image)
    throw Error("world.observe = " + name_of(options.observe) +
                " needs an environment with pictures; this one has none. Use vector, or, of a world from Python, the option pixels=true");
  if (sees_vector_ && !has_vector)
    throw Error("world.observe = " + name_of(options.observe) +
                " needs an environment with vectors; this one has none. Use image");
  if (has_image && (spaces.image_height != 64 || spaces.image_width != 64))
    throw Error("this model sees pictures of 64 x 64 pixels");
  if (has_image && options.coder == Coder::pool && 4 * options.depth % options.blocks != 0) {
    throw Error("world.depth = " + std::to_string(options.depth) + " gives the decoder " +
                std::to_string(4 * options.depth) +
                " channels, which world.blocks = " + std::to_string(options.blocks) + " blocks cannot share equally");
  }
  if (options.cell == Cell::block_gru && options.blocks > 0 && options.deter % options.blocks != 0)
    throw Error("world.deter = " + std::to_string(options.deter) + " cannot be cut into world.blocks = " + std::to_string(options.blocks) + " equal blocks");
  const auto style_with = [&](Act act) {
    return LayerStyle{act, options.norm, options.eps, options.bias_with_norm, options.init};
  };
  const auto style = style_with(options.act);
  latent_size_ = categorical() ? options.groups * options.classes : options.groups;
  const auto statistics_size = categorical() ? latent_size_ : 2 * latent_size_;
  const auto features = feature_count();

  CoderOptions coder;
  coder.kind = options.coder;
  coder.depth = options.depth;
  coder.channels = spaces.image_channels;
  coder.units = options.units;
  coder.blocks = options.blocks;
  coder.style = style_with(options.coder_act);
  std::int64_t embedded = 0;
  if (sees_image_) {
    image_encoder_ = register_module("image_encoder", ImageEncoder(coder));
    embedded += image_encoder_->size();
  }
  if (sees_vector_) {
    const auto size = static_cast<std::int64_t>(spaces.vector_names.size());
    vector_encoder_ = register_module("vector_encoder", Mlp(size, options.vector_layers, options.units, style));
    vector_decoder_ =
        register_module("vector_decoder", Mlp(features, options.vector_layers, options.units, style, size));
    embedded += options.units;
  }

  RssmCellOptions cell;
  cell.kind = options.cell;
  cell.deter = options.deter;
  cell.latent = latent_size_;
  cell.action = action_input_.size();
  cell.hidden = options.hidden;
  cell.blocks = options.blocks;
  cell.style = cell.gate_style = style;
  if (style.norm == Norm::none) cell.gate_style.norm = Norm::layer;  // V2's only norm is within the cell
  cell_ = register_module("cell", RssmCell(cell));
  prior_ = register_module("prior", Mlp(options.deter, options.prior_layers, options.hidden, style, statistics_size));
  posterior_ = register_module(
      "posterior", Mlp(options.deter + embedded, options.posterior_layers, options.hidden, style, statistics_size));
  if (options.learned_initial) learned_h_ = register_parameter("initial", torch::zeros({options.deter}));

  if (has_image && (sees_image_ || options.paint))
    image_decoder_ = register_module("image_decoder", ImageDecoder(latent_size_, options.deter, coder));
  const bool two_hot = options.reward_head != NumberHead::normal;
  const auto number_head = [&] {
    return Mlp(features, options.reward_layers, options.units, style, two_hot ? options.bins : 1, two_hot ? 0 : 1);
  };
  reward_ = register_module("reward", number_head());
  if (two_hot) two_hot_ = TwoHot(TwoHot::kind_of(options.reward_head), options.bins, torch::kCPU);
  if (options.continue_scale > 0)
    continue_ = register_module("continue", Mlp(features, options.continue_layers, options.units, style, 1));
  if (options.cost_scale > 0) {
    if (!spaces.costs) throw Error("world.cost_scale asks for a head for costs, and this world has none; set it to 0");
    cost_ = register_module("cost", number_head());
  }
}

Rssm::State Rssm::first_state(std::int64_t batch) {
  const auto like = parameters().front().options().requires_grad(false);
  if (!options_.learned_initial)
    return {torch::zeros({batch, options_.deter}, like), torch::zeros({batch, latent_size_}, like)};
  const auto h = torch::tanh(learned_h_).unsqueeze(0).expand({batch, -1});
  return {h, mode(prior_of(h))};
}

Carry Rssm::initial(std::int64_t batch) {
  const auto state = first_state(batch);
  return {
      {"h", state.h}, {"z", state.z}, {"started", torch::zeros({batch, 1}, state.h.options().requires_grad(false))}};
}

torch::Tensor Rssm::statistics(const torch::Tensor& raw) const {
  if (categorical()) {
    auto sizes = raw.sizes().vec();
    sizes.back() = options_.groups;
    sizes.push_back(options_.classes);
    return unimix(raw.view(sizes), options_.unimix).flatten(-2);
  }
  const auto parts = raw.to(torch::kFloat32).chunk(2, -1);
  const auto deviation =
      options_.deviation == Deviation::softplus ? torch::softplus(parts[1]) : 2 * torch::sigmoid(parts[1] / 2);
  return torch::cat({parts[0], deviation + 0.1}, -1);
}

/// z from its statistics and what was drawn: one-hots, which pass the gradient straight through, or a Gaussian's noise.
torch::Tensor Rssm::latent_of(const torch::Tensor& statistics, const torch::Tensor& drawn) const {
  if (!categorical()) {
    const auto parts = statistics.chunk(2, -1);
    return parts[0] + parts[1] * drawn;
  }
  return torch::GradMode::is_enabled() ? straight_through(drawn, statistics) : drawn;
}

torch::Tensor Rssm::draw(const torch::Tensor& statistics, at::Generator rng, double spread) const {
  if (categorical()) {
    const auto log_p = statistics.detach().unflatten(-1, {options_.groups, options_.classes});
    return latent_of(statistics, sample_one_hot(log_p, rng).flatten(-2));
  }
  auto sizes = statistics.sizes().vec();
  sizes.back() = latent_size_;
  return latent_of(statistics, spread * torch::randn(sizes, rng, statistics.options().requires_grad(false)));
}

/// Without a gradient through the choice (danijar/dreamerv3 of 2023; NM512 passes the logits' straight through).
torch::Tensor Rssm::mode(const torch::Tensor& statistics) const {
  if (!categorical()) return statistics.chunk(2, -1)[0];
  const auto log_p = statistics.detach().unflatten(-1, {options_.groups, options_.classes});
  return torch::zeros_like(log_p).scatter_(-1, log_p.argmax(-1, true), 1).flatten(-2);
}

torch::Tensor Rssm::prior_of(const torch::Tensor& h) {
  return statistics(prior_(h));
}

torch::Tensor Rssm::kl(const torch::Tensor& posterior, const torch::Tensor& prior) const {
  if (categorical()) {
    const std::vector<std::int64_t> grid = {options_.groups, options_.classes};
    return categorical_kl(posterior.unflatten(-1, grid), prior.unflatten(-1, grid));
  }
  const auto q = posterior.chunk(2, -1), p = prior.chunk(2, -1);
  return normal_kl(q[0], q[1], p[0], p[1]);
}

torch::Tensor Rssm::picture_target(const torch::Tensor& image, at::Generator rng) const {
  const bool in_bfloat16 = at::autocast::is_autocast_enabled(image.device().type());
  if (!options_.five_bits) return picture_numbers(image, in_bfloat16 ? torch::kBFloat16 : torch::kFloat32);
  const auto x = image.permute({0, 3, 1, 2}).to(torch::kFloat32);
  const auto noise = torch::empty_like(x).uniform_(0, 1.0 / 32, rng);
  return torch::floor(x / 8) / 32 + noise - 0.5;
}

torch::Tensor Rssm::encode(const Observation& observation, at::Generator rng) {
  std::vector<torch::Tensor> parts;
  if (sees_image_) {
    check_shape(observation.image, {-1, 64, 64, spaces_.image_channels}, "image");
    parts.push_back(image_encoder_(picture_target(observation.image, rng)).to(torch::kFloat32));
  }
  if (sees_vector_) {
    const auto x = observation.vector.to(torch::kFloat32);
    parts.push_back(vector_encoder_(options_.symlog_vectors ? symlog(x) : x).to(torch::kFloat32));
  }
  return parts.size() == 1 ? parts[0] : torch::cat(parts, -1);
}

Carry Rssm::observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                    at::Generator rng) {
  const auto& started = carry.at("started");
  torch::Tensor embedded;
  {
    Autocast autocast(in_bfloat16(started), started.device());
    embedded = encode(observation, rng);
  }
  const auto moved = cell_(carry.at("h"), carry.at("z"), action_input_(previous_action) * started);
  const auto h = options_.recurrent ? moved : carry.at("h");
  const auto posterior = statistics(posterior_(torch::cat({h, embedded}, -1)));
  return {{"h", h},
          {"z", draw(posterior, rng)},
          {"started", torch::ones_like(started)},
          {"posterior", posterior},
          {"prior", prior_of(moved)}};
}

Carry Rssm::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) {
  const double tau = knobs.empty() ? 1 : value_of(knobs, temperature());
  const auto& started = carry.at("started");
  Autocast autocast(in_bfloat16(started), started.device());
  const auto moved = cell_(carry.at("h"), carry.at("z"), action_input_(action)).to(torch::kFloat32);
  auto prior = prior_of(moved);
  if (categorical() && tau != 1) {
    prior = torch::log_softmax(prior.unflatten(-1, {options_.groups, options_.classes}) / tau, -1).flatten(-2);
  }
  return {{"h", options_.recurrent ? moved : carry.at("h")},
          {"z", draw(prior, rng, categorical() ? 1 : std::sqrt(tau))},
          {"started", torch::ones_like(started)},
          {"prior", prior}};
}

torch::Tensor Rssm::frame_of(const torch::Tensor& decoded) const {
  return options_.image_loss == ImageLoss::sigmoid ? torch::sigmoid(decoded) : (decoded + 0.5).clamp(0, 1);
}

/// What a head for rewards or costs says, [N].
torch::Tensor Rssm::number_of(const torch::Tensor& raw) const {
  return options_.reward_head == NumberHead::normal ? raw.to(torch::kFloat32).squeeze(-1) : two_hot_.mean(raw);
}

/// The negative log-likelihood of `target` [N].
torch::Tensor Rssm::number_loss(const torch::Tensor& raw, const torch::Tensor& target) const {
  if (options_.reward_head != NumberHead::normal) return two_hot_.loss(raw.to(torch::kFloat32), target);
  return 0.5 * (raw.to(torch::kFloat32).squeeze(-1) - target).square() + 0.5 * std::log(2 * std::numbers::pi);
}

torch::Tensor Rssm::reward_to_target(const torch::Tensor& reward) const {
  return options_.tanh_rewards ? torch::tanh(reward) : reward;
}

torch::Tensor Rssm::reward_from_target(const torch::Tensor& target) const {
  return options_.tanh_rewards ? torch::atanh(target.clamp(-0.999, 0.999)) : target;
}

Prediction Rssm::outcome(const Carry& carry) {
  const auto x = features(carry);
  Autocast autocast(in_bfloat16(x), x.device());
  Prediction prediction;
  prediction.reward = number_of(reward_(x));
  if (!cost_.is_empty()) prediction.cost = number_of(cost_(x));
  // The head predicts discount·(1 - done).
  if (!continue_.is_empty())
    prediction.done =
        (1 - torch::sigmoid(continue_(x).to(torch::kFloat32).squeeze(-1)) / options_.discount).clamp(0, 1);
  return prediction;
}

Prediction Rssm::predict(const Carry& carry) {
  auto prediction = outcome(carry);
  if (!image_decoder_.is_empty()) {
    Autocast autocast(in_bfloat16(carry.at("z")), carry.at("z").device());
    prediction.frame = frame_of(image_decoder_(carry.at("z"), carry.at("h")).to(torch::kFloat32));
  }
  return prediction;
}

Rssm::Filtered Rssm::filter(const torch::Tensor& embedded, const SequenceBatch& batch, at::Generator rng,
                            const Given& given) {
  const auto steps = batch.steps(), lanes = batch.lanes();
  const auto keep = (1 - batch.first).unsqueeze(-1);  // [T, B, 1]
  const auto actions = (action_input_(batch.action) * keep).unbind(0);
  // What the frames say is known before the recurrence begins: only the part of h is left for each step.
  torch::Tensor share;
  {
    Autocast autocast(bfloat16_, embedded.device());
    share = posterior_->part(embedded, options_.deter).to(torch::kFloat32);
  }
  const auto shares = share.view({steps, lanes, -1}).unbind(0), kept = keep.unbind(0);
  const auto fresh = batch.first.to(torch::kCPU).sum(1).contiguous();  // lanes that begin an episode at each step
  const auto* any_fresh = fresh.data_ptr<float>();
  const auto first = first_state(lanes);
  State state = given.h.defined() ? State{given.h, given.z} : first;
  std::vector<torch::Tensor> hs, zs, posteriors, predicted_from;
  for (std::int64_t t = 0; t < steps; ++t) {
    const auto i = static_cast<std::size_t>(t);
    if (any_fresh[t] > 0 && (t > 0 || given.h.defined())) {
      state.h = torch::lerp(first.h, state.h, kept[i]);
      state.z = torch::lerp(first.z, state.z, kept[i]);
    }
    const auto moved = cell_(state.h, state.z, actions[i]);
    if (options_.recurrent)
      state.h = moved;
    else
      predicted_from.push_back(moved);
    const auto posterior = statistics(posterior_->forward_with(state.h, shares[i]));
    state.z = given.draws.defined() ? latent_of(posterior, given.draws[t]) : draw(posterior, rng);
    hs.push_back(state.h);
    zs.push_back(state.z);
    posteriors.push_back(posterior);
  }
  Filtered filtered{torch::stack(hs), torch::stack(zs), torch::stack(posteriors), {}};
  Autocast autocast(bfloat16_, embedded.device());
  filtered.prior =
      prior_of(flat(options_.recurrent ? filtered.h : torch::stack(predicted_from))).view({steps, lanes, -1});
  return filtered;
}

torch::Tensor Rssm::free(const torch::Tensor& kl) const {
  if (options_.free_per == FreePer::step) return kl.clamp_min(options_.free_nats).mean();
  if (options_.free_per == FreePer::mean) return kl.mean().clamp_min(options_.free_nats);
  return (kl - options_.free_nats).clamp_min(0).mean();
}

/// The posterior of t against the prior imagined for t from the state d steps before, for every d from 2 on; distance 1
/// is the KL of the loss itself. The free nats are granted as there. google-research/planet as released also counts the
/// places beyond a sequence's end, where its loss is not a number, and leaves the farthest distance out.
torch::Tensor Rssm::overshoot(const Filtered& filtered, const SequenceBatch& batch, at::Generator rng,
                              const Given& given) {
  const auto steps = batch.steps(), lanes = batch.lanes();
  const auto target = filtered.posterior.detach();
  const auto keep = 1 - batch.first;
  const auto actions = action_input_(batch.action) * keep.unsqueeze(-1);
  const auto first = first_state(lanes);
  const auto before = [&](const torch::Tensor& initial, const torch::Tensor& begin, const torch::Tensor& states) {
    const auto shifted = torch::cat({(begin.defined() ? begin : initial).unsqueeze(0), states.slice(0, 0, -1)});
    return torch::lerp(initial.unsqueeze(0), shifted, keep.unsqueeze(-1));
  };
  torch::Tensor h = before(first.h, given.h, filtered.h), z = before(first.z, given.z, filtered.z);
  torch::Tensor inside = torch::ones_like(keep);  // no new episode on the way
  std::vector<torch::Tensor> divergences;
  for (std::int64_t d = 0; d < std::min(options_.overshooting, steps); ++d) {
    const auto left = steps - d;
    const auto moved =
        cell_(flat(h.slice(0, 0, left)), flat(z.slice(0, 0, left)), flat(actions.slice(0, d))).view({left, lanes, -1});
    if (options_.recurrent) h = moved;
    const auto prior = prior_of(flat(moved)).view({left, lanes, -1});
    z = given.open.defined() ? latent_of(prior, given.open[d].slice(0, 0, left)) : draw(prior, rng);
    if (d == 0) continue;
    inside = inside.slice(0, 0, left) * keep.slice(0, d);
    divergences.push_back(kl(target.slice(0, d), prior).sum(-1).masked_select(inside > 0));
  }
  const auto all = divergences.empty() ? torch::zeros({0}, h.options()) : torch::cat(divergences);
  return all.numel() > 0 ? free(all) : torch::zeros({}, h.options());
}

SequenceLoss Rssm::loss(const SequenceBatch& batch, at::Generator rng) {
  Given given;
  if (!batch.before.empty()) {
    const auto first = first_state(batch.lanes());
    const auto& started = batch.before.at("started");
    given.h = torch::lerp(first.h, batch.before.at("h"), started);
    given.z = torch::lerp(first.z, batch.before.at("z"), started);
  }
  return loss(batch, rng, given);
}

SequenceLoss Rssm::loss(const SequenceBatch& batch, at::Generator rng, const Given& given) {
  const auto steps = batch.steps(), lanes = batch.lanes();
  SequenceLoss loss;
  const auto add = [&](const char* name, const torch::Tensor& term, double scale) {
    const auto part = scale * term;
    loss.total = loss.total.defined() ? loss.total + part : part;
    loss.terms.emplace_back(name, term.detach());
  };
  // -log N(x; mean, 1) before V3, which leaves the constants away.
  const auto likelihood = [&](const torch::Tensor& squares,
                              const torch::Tensor& made) {  // squares: Σ error² of each moment
    if (options_.image_loss != ImageLoss::normal) return squares.mean();
    return 0.5 * squares.mean() + 0.5 * std::log(2 * std::numbers::pi) * static_cast<double>(made[0].numel());
  };
  Observation seen;
  if (batch.image.defined()) seen.image = flat(batch.image);
  if (batch.vector.defined()) seen.vector = flat(batch.vector);
  const auto device = batch.reward.device();
  torch::Tensor embedded;
  {
    Autocast autocast(bfloat16_, device);
    embedded = encode(seen, rng);
  }
  const auto filtered = filter(embedded, batch, rng, given);
  const auto h = flat(filtered.h), z = flat(filtered.z);
  const auto features = torch::cat({z, h}, -1);
  loss.features = features.view({steps, lanes, -1});

  {
    Autocast autocast(bfloat16_, device);
    if (!image_decoder_.is_empty()) {
      // A model that does not see pictures paints them all the same, for people; that sends no gradient back.
      const auto some = [&](const torch::Tensor& x) { return x.slice(0, 0, x.size(0), options_.paint_every); };
      const auto decoded = sees_image_ ? image_decoder_(z, h) : image_decoder_(some(z.detach()), some(h.detach()));
      const auto image = sees_image_ ? seen.image : some(seen.image);
      const auto squares = options_.five_bits
                               ? (decoded.to(torch::kFloat32) - picture_target(image, rng)).square().sum({1, 2, 3})
                               : picture_error(decoded, image, options_.image_loss == ImageLoss::sigmoid);
      add("image", likelihood(sees_image_ ? squares : mean_where_given(squares, image), decoded), 1);
    }
    if (sees_vector_) {
      const auto made = vector_decoder_(features).to(torch::kFloat32);
      const auto error = made - (options_.symlog_vectors ? symlog(seen.vector) : seen.vector);
      add("vector", likelihood(error.square().sum(-1), made), options_.vector_scale);
    }
    add("reward", number_loss(reward_(features), reward_to_target(flat(batch.reward))).mean(), options_.reward_scale);
    if (!cost_.is_empty()) {
      const auto found = batch.extra.find(cost_column);
      if (found == batch.extra.end()) throw Error("these episodes say nothing of costs, which this model learns");
      const auto raw = cost_(features), cost = flat(found->second).squeeze(-1);
      const auto weight = torch::where(cost >= 1, options_.cost_weight, 1.0).to(torch::kFloat32);
      add("cost", (weight * number_loss(raw, cost)).mean(), options_.cost_scale);
      torch::NoGradGuard no_grad;
      loss.terms.emplace_back("cost_predicted", number_of(raw).mean());
      loss.terms.emplace_back("cost_real", cost.mean());
    }
    if (!continue_.is_empty()) {
      const auto logits = continue_(features).to(torch::kFloat32).squeeze(-1);
      const auto target = (1 - flat(batch.terminated)) * options_.discount;
      add("continue", torch::binary_cross_entropy_with_logits(logits, target), options_.continue_scale);
    }
  }
  // Each side learns by itself: the prior to predict, the posterior to be predicted.
  const double both = options_.dynamics_scale + options_.representation_scale, share = options_.kl_balance;
  add("dynamics", free(kl(filtered.posterior.detach(), filtered.prior).sum(-1)),
      share > 0 ? share * both : options_.dynamics_scale);
  add("representation", free(kl(filtered.posterior, filtered.prior.detach()).sum(-1)),
      share > 0 ? (1 - share) * both : options_.representation_scale);
  if (options_.overshooting >= 2)
    add("overshooting", overshoot(filtered, batch, rng, given), options_.overshooting_scale);
  {
    torch::NoGradGuard no_grad;
    const auto each = kl(filtered.posterior, filtered.prior).sum(-1);
    loss.terms.emplace_back("kl", each.mean());
    loss.terms.emplace_back("kl_begin", each[0].mean());  // where the past is known least
    last_ = {filtered.posterior.detach(), filtered.prior.detach()};
  }
  loss.starts_at = [h = h.detach(), z = z.detach()](const torch::Tensor& moments) -> Carry {
    const auto at = [&](const torch::Tensor& all) { return moments.defined() ? all.index_select(0, moments) : all; };
    const auto count = moments.defined() ? moments.size(0) : h.size(0);
    return {{"h", at(h)}, {"z", at(z)}, {"started", torch::ones({count, 1}, h.options())}};
  };
  return loss;
}

}  // namespace dream
