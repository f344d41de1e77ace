#include "core/models/td_mpc.h"

#include <cmath>

#include "api/error.h"
#include "core/nn/simplex.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr double least_share = 1e-12;  // of a simplex, below which logarithms do not look

torch::Tensor log_shares(const torch::Tensor& z) {
  return z.clamp_min(least_share).log();
}

/// Pictures uint8 [N, H, W, C], each moved by its own draw of up to `pad` pixels in both directions; its edge is
/// repeated.
torch::Tensor moved_about(const torch::Tensor& image, std::int64_t pad, at::Generator chance) {
  const auto count = image.size(0);
  const auto whole = image.options().dtype(torch::kInt64);
  const auto places = [&](std::int64_t size) {  // [N, size]: where each row or column comes from
    const auto shift = torch::randint(0, 2 * pad + 1, {count, 1}, chance, whole) - pad;
    return (torch::arange(size, whole) + shift).clamp(0, size - 1);
  };
  const auto rows = places(image.size(1)).view({count, -1, 1, 1}).expand(image.sizes());
  const auto columns = places(image.size(2)).view({count, 1, -1, 1}).expand(image.sizes());
  return image.gather(1, rows).gather(2, columns);
}

/// Two hidden layers, as every net but the encoder has them.
StackedOptions two_layers(const TdMpcOptions& o, std::int64_t in, std::int64_t out) {
  const StackedLayer hidden{o.units, !o.first, o.first ? After::elu : After::mish};
  StackedOptions net;
  net.in = in;
  net.layers = {hidden, hidden, {out, false, After::none}};
  net.group = o.group;
  net.init = o.first ? StackedInit::orthogonal : StackedInit::normal;
  return net;
}

}  // namespace

void TdMpcOptions::fields(Config& config, const std::string& prefix) {
  const auto size = [&](const char* name, std::int64_t& target, const char* help, double low, double high) {
    config.add(prefix + name, target, {.help = help, .low = low, .high = high});
  };
  config.add(prefix + "observe", observe,
             {.help = "What the encoder sees; auto: the vector where there is one, else the picture"});
  size("latent", latent, "Numbers of the latent z", 1, 65536);
  if (!first) size("group", group, "Numbers of each simplex of z, which add up to 1 (SimNorm)", 2, 1024);
  size("units", units, "Units of the layers of dynamics, reward and termination", 1, 65536);
  size("encoder_units", encoder_units, "Units of the encoder's layers", 1, 65536);
  if (!first) size("encoder_layers", encoder_layers, "Layers of the encoder, with the one that gives z", 2, 16);
  size("channels", channels, "Channels of the encoder's convolutions, where it sees pictures", 1, 1024);
  size("frames", frames, "Pictures that are seen at once, as one shows no velocity; where it sees pictures", 1, 16);
  size("shift", shift, "Pixels by which pictures are moved about while it learns", 0, 16);
  config.add(prefix + "episodic", episodic,
             {.help = "Learns whether a step was an episode's last; for worlds that end before their time limit"});
  if (!first) {
    size("task_numbers", task_numbers, "Numbers of a task's embedding, in a world of several tasks in turn", 1, 1024);
    size("bins", bins, "Bins of rewards and values, an odd number", 3, 1023);
    config.add(prefix + "limit", limit,
               {.help = "The outermost bins, in symlog space: 10 is a reward of 22025", .low = 0.1, .high = 30});
  }
  view.fields(config, "view.");
}

TdConvsImpl::TdConvsImpl(std::int64_t picture_channels, std::int64_t channels, bool first) : first_(first) {
  struct Stage {
    std::int64_t kernel, stride;
  };
  std::int64_t in = picture_channels, side = 64;
  for (const auto& [kernel, stride] : {Stage{7, 2}, {5, 2}, {3, 2}, {3, first ? 2 : 1}}) {
    const auto conv = torch::nn::Conv2dOptions(in, channels, kernel).stride(stride);
    convs_.push_back(register_module("conv" + std::to_string(convs_.size()), torch::nn::Conv2d(conv)));
    in = channels;
    side = (side - kernel) / stride + 1;
    if (!first) continue;
    torch::nn::init::orthogonal_(convs_.back()->weight, std::sqrt(2.0));
    torch::nn::init::zeros_(convs_.back()->bias);
  }
  size_ = channels * side * side;
}

torch::Tensor TdConvsImpl::forward(torch::Tensor x) {
  for (std::size_t i = 0; i < convs_.size(); ++i) {
    x = convs_[i](x);
    if (first_ || i + 1 < convs_.size()) x = torch::relu(x);
  }
  return x.flatten(1);
}

TdMpc::TdMpc(const TdMpcOptions& options, const Spaces& spaces)
    : options_(options), spaces_(spaces), action_input_(spaces.action) {
  const bool has_image = spaces.image_bytes() > 0, has_vector = !spaces.vector_names.empty();
  sees_image_ = options.observe == Looks::image || (options.observe == Looks::automatic && !has_vector);
  if (sees_image_ ? !has_image : !has_vector)
    throw Error(std::string("world.observe = ") + name_of(options.observe) + " needs a world that shows " +
                (sees_image_ ? "pictures" : "vectors") + ", and this one shows none");
  if (sees_image_ && (spaces.image_height != 64 || spaces.image_width != 64))
    throw Error("this model sees pictures of 64 x 64 pixels");
  if (simplicial() && options.latent % options.group != 0)
    throw Error("world.latent = " + std::to_string(options.latent) +
                " cannot be cut into groups of world.group = " + std::to_string(options.group));
  if (simplicial()) two_hot_ = TwoHot(TwoHot::Kind::symlog, options.bins, torch::kCPU, options.limit);

  if (!spaces.tasks.empty()) {
    if (options.first || sees_image_) throw Error("a world of several tasks in turn is learned by td-mpc2 from its vector");
    tasks_ = register_parameter("tasks", torch::empty({static_cast<std::int64_t>(spaces.tasks.size()), options.task_numbers}).uniform_(-0.02, 0.02));
  }
  // Encoder. Published convolutions give 512 numbers, as the latent has them; another latent takes a layer more.
  const StackedLayer latent{options.latent, simplicial(), simplicial() ? After::simplex : After::none};
  auto encoder = two_layers(options, 0, 0);
  encoder.layers.clear();
  if (sees_image_) {
    convs_ = register_module("convs", TdConvs(spaces.image_channels * options.frames, options.channels, options.first));
    encoder.in = convs_->size();
  } else {
    encoder.in = static_cast<std::int64_t>(spaces.vector_names.size());
    if (tasks_.defined()) encoder.in += options.task_numbers - 1;  // instead of the task's number
    const StackedLayer hidden{options.encoder_units, !options.first, options.first ? After::elu : After::mish};
    encoder.layers.assign(static_cast<std::size_t>(options.first ? 1 : options.encoder_layers - 1), hidden);
  }
  if (!sees_image_ || options.first || encoder.in != options.latent) {
    encoder.layers.push_back(latent);
    encoder_ = register_module("encoder", StackedMlp(encoder));
  }
  if (options.first) {
    if (convs_) slow_convs_ = register_module("slow_convs", TdConvs(spaces.image_channels * options.frames, options.channels, true));
    slow_encoder_ = register_module("slow_encoder", StackedMlp(encoder));
    update_target(1);
    if (slow_convs_)
      for (auto p : slow_convs_->parameters()) p.requires_grad_(false);
    for (auto p : slow_encoder_->parameters()) p.requires_grad_(false);
  }

  const auto z_and_action = feature_count() + action_input_.size();
  auto dynamics = two_layers(options, z_and_action, options.latent);
  dynamics.layers.back() = latent;
  dynamics_ = register_module("dynamics", StackedMlp(dynamics));
  auto reward = two_layers(options, z_and_action, simplicial() ? options.bins : 1);
  reward.zero_last = true;
  reward_ = register_module("reward", StackedMlp(reward));
  if (options.episodic)
    termination_ = register_module("termination", StackedMlp(two_layers(options, feature_count(), 1)));
  if (has_image && options.view.on)
    viewing_ = register_module("viewing", ViewingDecoder(feature_count(), spaces, options.view.depth));
}

std::vector<torch::Tensor> TdMpc::encoder_parameters() const {
  std::vector<torch::Tensor> all;
  if (convs_) all = convs_->parameters();
  if (encoder_)
    for (const auto& p : encoder_->parameters()) all.push_back(p);
  return all;
}

std::vector<torch::Tensor> TdMpc::other_parameters() const {
  auto all = dynamics_->parameters();
  for (const auto& p : reward_->parameters()) all.push_back(p);
  if (termination_)
    for (const auto& p : termination_->parameters()) all.push_back(p);
  if (tasks_.defined()) all.push_back(tasks_);
  return all;
}

void TdMpc::set_bfloat16(bool on) {
  for (auto* net : {&encoder_, &dynamics_, &reward_, &termination_})
    if (*net) (*net)->set_bfloat16(on);
}

torch::Tensor TdMpc::embedding_of(const torch::Tensor& task) const {
  const auto rows = tasks_.index_select(0, task.flatten().to(torch::kInt64)).unflatten(0, task.sizes());
  return rows / rows.norm(2, -1, true).clamp_min(1);
}

torch::Tensor TdMpc::encode_by(TdConvs& convs, StackedMlp& encoder, const Observation& observation,
                               const std::optional<at::Generator>& chance) {
  if (tasks_.defined()) {
    const auto task = embedding_of(observation.vector.select(-1, 0));
    return torch::cat({encoder(torch::cat({observation.vector.slice(-1, 1), task}, -1)), task}, -1);
  }
  if (!sees_image_) return encoder(observation.vector);
  const auto sizes = observation.image.sizes();
  const auto leading = sizes.slice(0, sizes.size() - 3).vec();
  auto image = observation.image.flatten(0, -4);
  if (chance && options_.shift > 0) image = moved_about(image, options_.shift, *chance);
  const auto numbers = image.permute({0, 3, 1, 2}).to(torch::kFloat32) / 255;
  const auto seen = convs(options_.first ? numbers : numbers - 0.5);
  return (encoder ? encoder(seen) : sim_norm(seen, options_.group)).unflatten(0, leading);
}

torch::Tensor TdMpc::encode(const Observation& observation, const std::optional<at::Generator>& chance) {
  return encode_by(convs_, encoder_, observation, chance);
}

torch::Tensor TdMpc::encode_slowly(const Observation& observation, const std::optional<at::Generator>& chance) {
  return encode_by(slow_convs_, slow_encoder_, observation, chance);
}

void TdMpc::update_target(double share) {
  if (!options_.first) return;
  if (slow_convs_) follow_slowly(*slow_convs_, *convs_, share);
  follow_slowly(*slow_encoder_, *encoder_, share);
}

torch::Tensor TdMpc::next(const torch::Tensor& z, const torch::Tensor& action) {
  return with_task_of(z, dynamics_(torch::cat({z, action}, -1)));
}

torch::Tensor TdMpc::reward_logits(const torch::Tensor& z, const torch::Tensor& action) {
  return reward_(torch::cat({z, action}, -1));
}

torch::Tensor TdMpc::reward_of(const torch::Tensor& logits) const {
  return simplicial() ? two_hot_.mean(logits) : logits.to(torch::kFloat32).squeeze(-1);
}

torch::Tensor TdMpc::reward_loss(const torch::Tensor& logits, const torch::Tensor& reward) const {
  return simplicial() ? two_hot_.loss(logits, reward) : (logits.to(torch::kFloat32).squeeze(-1) - reward).square();
}

torch::Tensor TdMpc::termination_logit(const torch::Tensor& z) {
  return termination_(z).to(torch::kFloat32).squeeze(-1);
}

Carry TdMpc::initial(std::int64_t batch) {
  const auto like = parameters().front().options().requires_grad(false);
  Carry carry{{"z", torch::zeros({batch, feature_count()}, like)}, {"reward", torch::zeros({batch, 1}, like)}};
  if (past() > 0) carry["past"] = no_past(batch).contiguous();
  return carry;
}

torch::Tensor TdMpc::no_past(std::int64_t batch) const {
  const auto like = torch::TensorOptions(parameters().front().device()).dtype(torch::kUInt8);
  return torch::zeros({1}, like).expand({batch, spaces_.image_height, spaces_.image_width, spaces_.image_channels * past()});
}

/// The pictures before `image` [B, H, W, C] and itself; it stands for those that are not known.
torch::Tensor TdMpc::with_past(const Carry& carry, const torch::Tensor& image) const {
  const auto& before = carry.at("past");
  const auto known = (before != 0).flatten(1).any(1).view({-1, 1, 1, 1});
  return torch::cat({torch::where(known, before, image.repeat({1, 1, 1, past()})), image}, -1);
}

Carry TdMpc::observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                     at::Generator) {
  const auto pictures = past() > 0 ? with_past(carry, observation.image) : observation.image;
  const auto &before = carry.at("z"), z = encode({pictures, observation.vector});
  // A latent of zeros is none: nothing was expected where an episode begins.
  const auto began = (before != 0).any(-1, true).to(torch::kFloat32);  // [B, 1]
  const auto action = action_input_(previous_action);
  const auto logits = reward_logits(before, action);
  Carry seen{{"z", z}, {"reward", reward_of(logits).unsqueeze(-1) * began}, {"reward_logits", logits}};
  if (past() > 0) seen["past"] = pictures.slice(-1, spaces_.image_channels).contiguous();
  if (simplicial()) {
    const auto posterior = log_shares(latent_of(z));
    seen["posterior"] = posterior;
    seen["prior"] = torch::where(began > 0, log_shares(latent_of(next(before, action))), posterior);
  }
  return seen;
}

Carry TdMpc::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues&, at::Generator) {
  const auto& z = carry.at("z");
  const auto scaled = action_input_(action);
  const auto logits = reward_logits(z, scaled);
  Carry dreamt{{"z", next(z, scaled)}, {"reward", reward_of(logits).unsqueeze(-1)}, {"reward_logits", logits}};
  if (past() > 0) dreamt["past"] = no_past(z.size(0));  // nothing is seen in a dream
  return dreamt;
}

Prediction TdMpc::outcome(const Carry& carry) {
  Prediction said;
  said.reward = carry.at("reward").squeeze(-1);
  if (termination_) said.done = torch::sigmoid(termination_logit(carry.at("z")));
  return said;
}

Prediction TdMpc::predict(const Carry& carry) {
  auto said = outcome(carry);
  if (viewing_) said.frame = viewing_(carry.at("z"));
  return said;
}

torch::Tensor TdMpc::surprise(const Carry& seen) {
  const auto found = belief(seen);
  return found.posterior.known() ? kl_of(found.posterior, found.prior).sum(-1) : torch::Tensor{};
}

Belief TdMpc::belief(const Carry& carry) {
  Belief found;
  found.latent = latent_of(carry.at("z"));
  if (!simplicial()) return found;
  const auto density = [&](const char* name) -> Density {
    const auto there = carry.find(name);
    return there == carry.end() ? Density{} : Density{{}, {}, {}, groups_of(there->second)};
  };
  found.posterior = density("posterior");
  // What was dreamt is the dynamics' own word.
  found.prior = carry.contains("prior") ? density("prior") : Density{{}, {}, {}, groups_of(log_shares(found.latent))};
  return found;
}

// -- what it shows of itself
// --------------------------------------------------------------------------------------------

std::vector<std::string> TdMpc::probe_names() const {
  if (!simplicial()) return {"latent/z"};
  return {"latent/z", "latent/kl", "horizon/reward_bins"};
}

void TdMpc::report(const Carry& carry, ProbeSink& sink) {
  const auto z = latent_of(carry.at("z")[0]);
  if (sink.wants("latent/z") && simplicial()) {
    Categorical value;
    value.groups = static_cast<int>(options_.latent / options_.group);
    value.classes = static_cast<int>(options_.group);
    const bool seen = carry.contains("posterior");
    if (seen) value.posterior = floats(z);
    value.prior = floats(seen ? carry.at("prior")[0].exp() : z);
    sink.put("latent/z", "Latent z",
             "z_t: simplices whose numbers add up to 1, one a row. h(x_t) has seen the real frame; d(z, a) is what the "
             "dynamics make of the state before",
             std::move(value), true);
  } else if (sink.wants("latent/z")) {
    Vector bars;
    bars.values = floats(z);
    sink.put("latent/z", "Latent z", "z_t = h(x_t) of a real frame, d(z, a) in a dream; drag a bar to edit the dream",
             std::move(bars), true);
  }
  if (sink.wants("latent/kl") && carry.contains("posterior")) {
    const auto found = belief(carry);
    Vector bars;
    bars.values = floats(kl_of(found.posterior, found.prior)[0]);
    sink.put("latent/kl", "KL per simplex",
             "KL(h(x_t) ‖ d(z, a)) of every simplex, nats: what the frame told that the dynamics had not expected",
             std::move(bars));
  }
  if (sink.wants("horizon/reward_bins") && simplicial() && carry.contains("reward_logits")) {
    sink.put("horizon/reward_bins", "Reward in bins",
             "Two-hot: how likely each bin is, over symlog(r), of the step that led here; the forecast is the mean",
             two_hot_.curve(carry.at("reward_logits")[0]));
  }
}

Carry TdMpc::edit(const Carry& carry, const std::string& probe, std::int64_t index, double value) {
  if (probe != "latent/z")
    throw Error("'" + probe + "' cannot be edited; the editable probe of this model is latent/z");
  if (index < 0 || index >= options_.latent) {
    throw Error("latent/z has elements 0 to " + std::to_string(options_.latent - 1) + ", not " + std::to_string(index));
  }
  Carry edited = carry;
  auto z = carry.at("z").clone();
  if (simplicial()) {  // all of the simplex lies on one class, whatever the value
    auto simplex = groups_of(latent_of(z)).select(1, index / options_.group);
    simplex.zero_();
    simplex.select(1, index % options_.group).fill_(1);
  } else {
    z.select(1, index).fill_(value);
  }
  edited["z"] = z;
  return edited;
}

Carry TdMpc::randomise(const Carry& carry, const std::string& probe, at::Generator rng) {
  if (probe != "latent/z")
    throw Error("'" + probe + "' cannot be randomised; the editable probe of this model is latent/z");
  Carry edited = carry;
  const auto &whole = carry.at("z"), z = latent_of(whole);
  if (simplicial()) {  // it has no prior: every point of a simplex is as likely
    const auto shares = -torch::rand(z.sizes(), rng, z.options()).clamp_min(1e-12).log();
    const auto groups = groups_of(shares);
    edited["z"] = with_task_of(whole, (groups / groups.sum(-1, true)).flatten(-2));
  } else {
    edited["z"] = z.mean(-1, true) + z.std(-1, false, true) * torch::randn(z.sizes(), rng, z.options());
  }
  return edited;
}

}  // namespace dream
