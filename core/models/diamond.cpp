#include "core/models/diamond.h"

#include "api/error.h"
#include "core/nn/generator.h"
#include "core/nn/kernel_path.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t feature_side = 8;
constexpr std::int64_t few_lanes = 4;
constexpr std::uint64_t surprise_noise = 7;  // the seed of noise that tells nothing

std::string frame_name(std::int64_t i) {
  return "frame" + std::to_string(i);
}

Knob steps_knob(const SamplerOptions& options) {
  return {.name = "denoising_steps",
          .symbol = "N",
          .title = "Steps of a frame",
          .help = "In how many steps a frame is made from noise. One gives the mean of all that may come, which is blurred; more decide. "
                  "More are slower.",
          .minimum = 1,
          .maximum = 20,
          .default_value = static_cast<double>(options.steps),
          .whole = true};
}
Knob order_knob(const SamplerOptions& options) {
  return {.name = "order",
          .symbol = "order",
          .title = "Euler or Heun",
          .help = "How a step goes along the gradient: by the one where it begins, or by the mean of it and the one where it leads, which "
                  "takes twice as long.",
          .minimum = 0,
          .maximum = 1,
          .default_value = static_cast<double>(options.order),
          .whole = true,
          .choices = {"Euler", "Heun"}};
}
Knob churn_knob(const SamplerOptions& options) {
  return {.name = "churn",
          .symbol = "S",
          .title = "Churn",
          .help = "Fresh noise in every step: S / N of its level, at most 0.41. It lets later steps mend what earlier ones got wrong.",
          .minimum = 0,
          .maximum = 8,
          .default_value = options.churn};
}
Knob sigma_knob(const SamplerOptions& options) {
  return {.name = "sigma_max",
          .symbol = "σ max",
          .title = "First noise level",
          .help = "How noisy the network is told that its first picture is.",
          .minimum = 0.1,
          .maximum = 80,
          .default_value = options.sigma_max,
          .logarithmic = true};
}
Knob past_knob(const DiamondOptions& options) {
  return {.name = "past_noise",
          .symbol = "σ past",
          .title = "Noise in what it looks back at",
          .help = "Level of the noise that is laid over the frames that it looks back at, of which it is told. Much makes it trust them less: "
                  "what it errs in one frame is not carried on into the next, and what it saw is forgotten sooner.",
          .minimum = options.edm.sigma_min,
          .maximum = 5,
          .default_value = options.past_noise,
          .logarithmic = true};
}
Knob upsampling_knob(const SamplerOptions& options) {
  return {.name = "upsampling_steps",
          .symbol = "M",
          .title = "Steps of making large",
          .help = "In how many steps a small frame is made large. One gives the mean of all that it may be, which is blurred; more decide. "
                  "More are slower.",
          .minimum = 1,
          .maximum = 20,
          .default_value = static_cast<double>(options.steps),
          .whole = true};
}
const Knob noise_knob{.name = "tau_noise",
                      .symbol = "τ",
                      .title = "τ of the noise",
                      .help = "Scales the noise that a frame begins with: near 0 always nearly the same frame.",
                      .minimum = 0,
                      .maximum = 2,
                      .default_value = 1,
                      .group = temperature};

}  // namespace

void DiamondOptions::fields(Config& config, const std::string& prefix) {
  const auto size = [&](const char* name, std::int64_t& value, const char* help, double high) {
    config.add(prefix + name, value, {.help = help, .low = 1, .high = high});
  };
  size("context", context, "Frames that it looks back at, K", 64);
  size("width", width, "Channels of the denoiser", 1024);
  size("levels", levels, "Levels of the denoiser and of the reward and end model; each halves the picture's sides", 6);
  size("depth", depth, "Blocks of a level of the denoiser", 8);
  size("condition", condition, "Numbers that tell the denoiser of noise and actions; the context's actions share them", 4096);
  size("reward_width", reward_width, "Channels of the reward and end model", 1024);
  size("reward_depth", reward_depth, "Blocks of a level of the reward and end model", 8);
  size("reward_condition", reward_condition, "Numbers that tell the reward and end model of the action", 4096);
  size("reward_memory", reward_memory, "Numbers that the reward and end model remembers", 8192);
  config.add(prefix + "offset_noise", edm.offset_noise,
             {.help = "Deviation of the noise that is the same all over a channel of a picture", .low = 0, .high = 2});
  config.add(prefix + "noisy_past", noisy_past,
             {.help = "The frames that it looks back at get noise while it learns, and it is told how much: it learns not to take its own errors for "
                      "what was there"});
  config.add(prefix + "past_noise", past_noise,
             {.help = "Level of that noise in a dream, where no knob says otherwise", .low = edm.sigma_min, .high = 5, .logarithmic = true});
  config.add(prefix + "steps", sampler.steps,
             {.help = "Steps in which a frame is made from noise, where no knob says otherwise", .low = 1, .high = 20});
  config.add(prefix + "order", sampler.order, {.help = "How a step goes along the gradient, likewise"});
  config.add(prefix + "churn", sampler.churn, {.help = "Fresh noise in every step, likewise", .low = 0, .high = 8});
  config.add(prefix + "sigma_max", sampler.sigma_max, {.help = "First noise level, likewise", .low = 0.1, .high = 80});
  upsampler.fields(config, prefix);
}

DenoiserOptions DiamondOptions::denoiser() const {
  return {context, {condition, std::vector<std::int64_t>(static_cast<std::size_t>(levels), width), depth}, noisy_past};
}

RewardEndOptions DiamondOptions::reward_end() const {
  return {{reward_condition, std::vector<std::int64_t>(static_cast<std::size_t>(levels), reward_width), reward_depth}, reward_memory};
}

Diamond::Diamond(const DiamondOptions& options, const Spaces& spaces)
    : options_(options),
      input_(spaces.action),
      channels_(spaces.image_channels),
      height_(spaces.image_height / options.upsampler.factor),
      width_(spaces.image_width / options.upsampler.factor) {
  if (spaces.image_bytes() == 0) throw Error("this model dreams in pictures, and this world shows none");
  const auto factor = options.upsampler.factor;
  if (height_ * factor != spaces.image_height || width_ * factor != spaces.image_width)
    throw Error("pictures of " + std::to_string(spaces.image_width) + " x " + std::to_string(spaces.image_height) +
                " pixels cannot be made " + std::to_string(factor) + " times smaller: world.upsampling must divide their sides");
  const std::int64_t picture[] = {channels_, height_, width_};
  denoiser_ = register_module("denoiser", Denoiser(options.denoiser(), channels_, input_.size()));
  reward_end_ = register_module("reward_end", RewardEnd(options.reward_end(), picture, input_.size()));
  narrow_denoiser_ = Denoiser(options.denoiser(), channels_, input_.size());
  narrow_coder_ = StepCoder(options.reward_end().net, picture, input_.size());
  if (factor > 1) upsampler_ = register_module("upsampler", DiamondUpsampler(options.upsampler, channels_));
}

void Diamond::set_bfloat16(bool on) {
  bfloat16_ = on;
  if (upsampler_) upsampler_->set_bfloat16(on);
}

torch::Tensor Diamond::pictures_of(const torch::Tensor& image) {
  return (image.to(torch::kFloat32) / 127.5 - 1).movedim(-1, -3);
}

Carry Diamond::initial(std::int64_t batch) {
  const auto like = denoiser_->parameters().front().options().requires_grad(false);
  Carry carry;
  const auto gray = torch::zeros({batch, channels_, height_, width_}, like);
  for (std::int64_t i = 0; i <= options_.context; ++i) carry[frame_name(i)] = gray;
  const auto state = reward_end_->initial(batch);
  carry["h"] = state.h, carry["c"] = state.c;
  carry["filled"] = carry["end"] = carry["followed"] = torch::zeros({batch, 1}, like);
  carry["actions"] = torch::zeros({batch, options_.context + 1, input_.size()}, like);
  carry["reward"] = torch::tensor({0.0f, 1.0f, 0.0f}, like).expand({batch, 3}).contiguous();
  return carry;
}

Carry Diamond::initial_shown(std::int64_t batch) {
  auto carry = initial(batch);
  const auto factor = options_.upsampler.factor;
  if (upsampler_) carry["full"] = torch::zeros({batch, channels_, factor * height_, factor * width_}, carry.at("filled").options());
  return carry;
}

namespace {

/// The newest frame is `frame`, and `action` led there.
Carry one_frame_on(const Carry& carry, const torch::Tensor& action, const torch::Tensor& frame, std::int64_t context) {
  Carry next = carry;
  for (std::int64_t i = 0; i < context; ++i) next[frame_name(i)] = carry.at(frame_name(i + 1));
  next[frame_name(context)] = frame;
  const auto& actions = carry.at("actions");
  next["actions"] = torch::cat({actions.slice(1, 1, context), action.unsqueeze(1), torch::zeros_like(action).unsqueeze(1)}, 1);
  next["filled"] = (carry.at("filled") + 1).clamp_max(static_cast<double>(context + 1));
  for (const auto* name : {"denoising", "full", "upsampling"}) next.erase(name);
  return next;
}

}  // namespace

Carry Diamond::observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation, at::Generator) {
  const auto begun = (carry.at("filled") > 0).to(torch::kFloat32);
  const auto seen = pictures_of(observation.image);
  auto next = one_frame_on(carry, begun * input_(previous_action), small_pictures(seen, options_.upsampler.factor), options_.context);
  if (upsampler_) next["full"] = seen;
  const auto nothing = initial(observation.image.size(0));
  for (const auto* name : {"h", "c", "reward", "end", "followed"}) next[name] = nothing.at(name);
  return next;
}

Carry Diamond::having_seen(const torch::Tensor& frames, const torch::Tensor& actions, const torch::Tensor& there) {
  auto carry = initial(frames.size(1));
  const auto nothing = carry;
  for (std::int64_t t = 0; t < frames.size(0); ++t) {
    const auto action = t == 0 ? torch::zeros_like(carry.at("actions").select(1, 0)) : input_(actions[t - 1]);
    const auto begun = (carry.at("filled") > 0).to(torch::kFloat32);
    carry = where_fresh(there[t] == 0, nothing, one_frame_on(carry, begun * action, frames[t], options_.context));
  }
  return carry;
}

bool Diamond::narrows(const torch::Tensor& x) const {
  return bfloat16_ && on_processor(x.device()) && !torch::GradMode::is_enabled();
}

torch::Tensor Diamond::network_output(const torch::Tensor& noisy, const Conditioners& c, const torch::Tensor& past,
                                      const torch::Tensor& actions, const torch::Tensor& past_sigma) {
  const auto condition = denoiser_->condition(c.noise, actions, options_.noisy_past ? told_noise(past_sigma) : torch::Tensor());
  auto* net = &denoiser_;
  if (narrows(noisy) && !(planes_are_fast() && denoiser_->takes_planes(noisy))) {
    denoiser_weights_.follow(*denoiser_, *narrow_denoiser_);
    net = &narrow_denoiser_;
  }
  return (*net)->forward(noisy * c.in, past.flatten(1, 2) / options_.edm.sigma_data, condition);
}

torch::Tensor Diamond::denoised(const torch::Tensor& x, double sigma, const torch::Tensor& past, const torch::Tensor& actions, double past_noise) {
  const auto level = [&](double of) { return torch::full({x.size(0)}, of, x.options()); };
  const auto c = conditioners(level(sigma), options_.edm);
  return edm_denoised(x, network_output(x, c, past, actions, level(past_noise)), c);
}

torch::Tensor Diamond::denoising_loss(const torch::Tensor& frames, const torch::Tensor& actions, const torch::Tensor& there,
                                      const std::function<Noised(const torch::Tensor& frame)>& noised) {
  const auto context = options_.context;
  auto past = frames.slice(0, 0, context).unbind();
  std::vector<torch::Tensor> losses;
  for (std::int64_t t = context; t < frames.size(0); ++t) {
    const auto& x = frames[t];
    auto before = torch::stack(past, 1);
    torch::Tensor past_sigma;
    if (options_.noisy_past) {
      const auto told = noised(before.flatten(1, 2));
      before = told.frame.view_as(before), past_sigma = told.sigma;
    }
    const auto [sigma, noisy] = noised(x);
    const auto c = conditioners(sigma, options_.edm);
    const auto output = network_output(noisy, c, before, actions.slice(0, t - context, t).transpose(0, 1), past_sigma);
    const auto error = (output - edm_target(x, noisy, c)).square().flatten(1).mean(1);
    const auto& counts = there[t - 1];  // an episode's first frame follows nothing
    losses.push_back((counts * error).sum() / counts.sum().clamp_min(1));
    past.erase(past.begin());
    past.push_back(torch::where(counts.view({-1, 1, 1, 1}) > 0, edm_denoised(noisy, output.detach(), c), x));
  }
  return torch::stack(losses).mean();
}

torch::Tensor Diamond::past_of(const Carry& carry, std::int64_t first) const {
  std::vector<torch::Tensor> frames;
  for (std::int64_t i = first; i < first + options_.context; ++i) frames.push_back(carry.at(frame_name(i)));
  return torch::stack(frames, 1);
}

Carry Diamond::followed_by(Carry carry, const torch::Tensor& before, const torch::Tensor& action, const torch::Tensor& after) {
  auto* coder = &reward_end_->coder();
  if (narrows(before) && !(planes_are_fast() && (*coder)->takes_planes(before))) {
    coder_weights_.follow(*reward_end_->coder(), *narrow_coder_);
    coder = &narrow_coder_;
  }
  const auto seen = (*coder)->forward(before, action, after);
  const RewardEndImpl::State state{carry.at("h"), carry.at("c")};
  const auto said = narrows(before) && seen.size(0) <= few_lanes ? reward_end_->step(seen, state)
                                                                 : reward_end_->forward(seen.unsqueeze(0), state);
  carry["h"] = said.state.h, carry["c"] = said.state.c;
  carry["reward"] = said.reward[0].softmax(-1);
  carry["end"] = said.end[0].softmax(-1).slice(1, 1);
  return carry;
}

Carry Diamond::followed(const Carry& carry) {
  const auto behind = carry.at("followed").squeeze(1) == 0;
  if (!behind.any().item<bool>()) return carry;
  // As imagination begins in the paper: with nothing remembered, over the frames that are looked back at.
  auto made = carry;
  const auto nothing = initial(behind.size(0));
  for (const auto* name : {"h", "c", "reward", "end"}) made[name] = nothing.at(name);
  for (auto i = options_.context - carry.at("filled").max().item<std::int64_t>() + 1; i < options_.context; ++i) {
    if (i < 1) continue;
    const auto next = followed_by(made, carry.at(frame_name(i)), carry.at("actions").select(1, i), carry.at(frame_name(i + 1)));
    const auto there = carry.at("filled") > static_cast<double>(options_.context - i);  // frame i is there, [B, 1]
    for (const auto* name : {"h", "c", "reward", "end"}) made[name] = torch::where(there, next.at(name), made.at(name));
  }
  auto next = carry;
  for (const auto* name : {"h", "c", "reward", "end"}) next[name] = torch::where(behind.unsqueeze(1), made.at(name), carry.at(name));
  next["followed"] = torch::ones_like(carry.at("followed"));
  return next;
}

namespace {

/// uint8 [B, steps, C, H, W]: after each step.
torch::Tensor film_of(const Sampled& sampled) {
  return ((torch::stack(sampled.steps, 1).clamp(-1, 1) + 1) * 127.5).round().to(torch::kUInt8);
}

}  // namespace

Carry Diamond::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& knobs, at::Generator rng) {
  const auto now = followed(carry);
  const auto done = input_(action);
  auto past = past_of(now, 1);
  const double past_noise = value_of(knobs, past_knob(options_));
  if (options_.noisy_past) past = past + past_noise * torch::randn(past.sizes(), rng, past.options());
  const auto actions = torch::cat({now.at("actions").slice(1, 1, options_.context), done.unsqueeze(1)}, 1);
  auto sampler = options_.sampler;
  sampler.steps = static_cast<std::int64_t>(value_of(knobs, steps_knob(sampler)));
  sampler.order = value_of(knobs, order_knob(sampler)) > 0.5 ? SamplerOrder::heun : SamplerOrder::euler;
  // The network does not tell levels below the offset noise apart: what it errs there, divided by such a level, would be Heun's noise.
  if (sampler.order == SamplerOrder::heun) sampler.sigma_min = std::max(sampler.sigma_min, options_.edm.offset_noise);
  sampler.churn = value_of(knobs, churn_knob(sampler));
  sampler.sigma_max = std::max(value_of(knobs, sigma_knob(sampler)), sampler.sigma_min);
  const auto& newest = now.at(frame_name(options_.context));
  const auto noise = [&] { return torch::randn(newest.sizes(), rng, newest.options()); };
  const auto sampled = edm_sample(
      value_of(knobs, noise_knob) * noise(), sampler,
      [&](const torch::Tensor& x, double sigma) { return denoised(x, sigma, past, actions, past_noise); }, noise);
  const auto frame = in_levels(sampled.x);
  auto next = followed_by(one_frame_on(now, done, frame, options_.context), newest, done, frame);
  next["denoising"] = film_of(sampled);
  if (upsampler_ && carry.contains("full")) {
    const auto steps = static_cast<std::int64_t>(value_of(knobs, upsampling_knob(options_.upsampler.sampler)));
    const auto large = upsampler_->sample(frame, carry.at("full"), steps, value_of(knobs, noise_knob), rng);
    next["full"] = large.x;
    next["upsampling"] = film_of(large);
  }
  return next;
}

std::vector<Knob> Diamond::knobs() const {
  const auto& sampler = options_.sampler;
  std::vector<Knob> all{steps_knob(sampler), order_knob(sampler), churn_knob(sampler), sigma_knob(sampler), noise_knob};
  if (options_.noisy_past) all.push_back(past_knob(options_));
  if (upsampler_) all.push_back(upsampling_knob(options_.upsampler.sampler));
  return all;
}

Prediction Diamond::outcome(const Carry& carry) {
  const auto now = followed(carry);
  const auto& reward = now.at("reward");
  return {{}, reward.select(1, 2) - reward.select(1, 0), now.at("end").squeeze(1)};
}

torch::Tensor Diamond::shown(const Carry& carry) const {
  const auto& frame = carry.at(frame_name(options_.context));
  if (!upsampler_) return frame;
  return carry.contains("full") ? carry.at("full") : upsampler_->enlarged(frame).clamp(-1, 1);
}

Prediction Diamond::predict(const Carry& carry) {
  auto prediction = outcome(carry);
  prediction.frame = (shown(carry) + 1) / 2;
  return prediction;
}

torch::Tensor Diamond::surprise(const Carry& seen) {
  const auto& frame = seen.at(frame_name(options_.context));
  const auto noise = torch::randn(frame.sizes().slice(1), make_generator(frame.device(), surprise_noise), frame.options());
  const auto expected = denoised(noise.expand_as(frame), options_.sampler.sigma_max, past_of(seen, 0),
                                 seen.at("actions").slice(1, 0, options_.context), options_.edm.sigma_min);
  const auto told = 0.5 * (frame - expected).square().flatten(1).sum(1);
  return torch::where(seen.at("filled").squeeze(1) > 1, told, torch::zeros_like(told));
}

torch::Tensor Diamond::features(const Carry& carry) {
  return torch::adaptive_avg_pool2d(past_of(carry, 1).flatten(1, 2), {feature_side, feature_side}).flatten(1);
}

std::int64_t Diamond::feature_count() const {
  return options_.context * channels_ * feature_side * feature_side;
}

RecentFrames::Frames Diamond::recent_frames(const Carry& carry) {
  std::vector<torch::Tensor> frames, there;
  for (std::int64_t i = 1; i <= options_.context; ++i) {
    frames.push_back((carry.at(frame_name(i)) + 1) / 2);
    there.push_back((carry.at("filled").squeeze(1) > static_cast<double>(options_.context - i)).to(torch::kFloat32));
  }
  return {torch::stack(frames), torch::stack(there)};
}

std::vector<std::string> Diamond::probe_names() const {
  std::vector<std::string> names{"denoising/steps", "denoising/context", "outcome/probabilities"};
  if (upsampler_) names.insert(names.begin() + 1, "denoising/full");
  return names;
}

void Diamond::report(const Carry& carry, ProbeSink& sink) {
  const auto row = [](const torch::Tensor& frames) {  // [N, C, H, W] side by side
    return image_from(torch::cat(((frames.clamp(-1, 1) + 1) / 2).to(torch::kCPU, torch::kFloat32).unbind(0), 2));
  };
  if (carry.contains("denoising") && sink.wants("denoising/steps"))
    sink.put("denoising/steps", "From noise to a frame",
             "The frame after each step, from the noisiest on the left to the one that is shown: x at σ of the next step",
             row(carry.at("denoising")[0].to(torch::kFloat32) / 127.5 - 1));
  if (upsampler_ && carry.contains("upsampling") && sink.wants("denoising/full")) {
    const auto frame = carry.at(frame_name(options_.context)).slice(0, 0, 1);
    const auto large = upsampler_->enlarged(frame);
    const auto pixels = torch::upsample_nearest2d(frame, large.sizes().slice(2));
    sink.put("denoising/full", "From small to large",
             "The small frame, the same by bicubic interpolation, and what the upsampler makes of it: after each step, the last on the right",
             row(torch::cat({pixels, large, carry.at("upsampling")[0].to(torch::kFloat32) / 127.5 - 1})));
  }
  if (sink.wants("denoising/context"))
    sink.put("denoising/context", "What it looks back at", "The last K frames, the newest on the right: all that it knows of the past",
             row(past_of(carry, 1)[0]));
  if (sink.wants("outcome/probabilities")) {
    const auto now = followed(select_lane(carry, 0));
    Vector bars;
    bars.values = floats(torch::cat({now.at("reward")[0], now.at("end")[0]}));
    bars.labels = {"r < 0", "r = 0", "r > 0", "end"};
    sink.put("outcome/probabilities", "Reward and end",
             "P of the reward's sign, and of an end, by the network that looks at both frames", std::move(bars));
  }
}

Carry Diamond::edit(const Carry&, const std::string& probe, std::int64_t, double) {
  throw Error("'" + probe + "' cannot be edited; this model has no editable probe");
}

Carry Diamond::randomise(const Carry&, const std::string& probe, at::Generator) {
  throw Error("'" + probe + "' cannot be randomised; this model has no editable probe");
}

}  // namespace dream
