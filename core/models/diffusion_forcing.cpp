#include "core/models/diffusion_forcing.h"

#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "core/nn/generator.h"
#include "core/nn/precision.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::uint64_t forcing_surprise_seed = 7;  // of the noise that tells nothing
constexpr double forcing_most_steps = 100;

const Knob forcing_order{.name = "noise_order",
                         .symbol = "M",
                         .title = "Order of the noise",
                         .help =
                             "How the frames to come lose their noise: frame by frame, in a pyramid (each begins a little after the "
                             "one before), or the full sequence at once. Those that are made ahead begin anew under another action.",
                         .minimum = 0,
                         .maximum = 2,
                         .default_value = 0,
                         .whole = true,
                         .choices = {"frame by frame", "pyramid", "full sequence"}};
const Knob forcing_uncertainty{.name = "uncertainty",
                               .symbol = "u",
                               .title = "Uncertainty scale",
                               .help = "Steps by which a frame begins after the one before it: 0 is the full sequence, as many as a "
                                       "frame's steps are frame by frame.",
                               .minimum = 0,
                               .maximum = forcing_most_steps,
                               .default_value = 1,
                               .when = {"noise_order", 1}};

std::vector<Knob> forcing_knobs(const DiffusionForcingOptions& options) {
  const auto levels = static_cast<double>(options.schedule.levels);
  return {{.name = "denoising_steps",
           .symbol = "K",
           .title = "Steps of a frame",
           .help = "In how many steps a frame is made from noise. One gives the mean of all that may come, more decide. More are "
                   "slower.",
           .minimum = 1,
           .maximum = std::min(forcing_most_steps, levels),
           .default_value = static_cast<double>(options.steps),
           .whole = true},
          forcing_order,
          forcing_uncertainty,
          {.name = "stabilisation",
           .symbol = "s",
           .title = "Stabilisation level",
           .help = "Level of noise that its own frames are taken to have when it looks back at them: the higher, the less of them "
                   "it takes for granted.",
           .minimum = 1,
           .maximum = levels / 2,
           .default_value = static_cast<double>(options.stabilisation),
           .whole = true},
          {.name = "eta",
           .symbol = "η",
           .title = "η of the steps",
           .help = "Noise that each step adds again: 0 leaves all chance to the noise that a frame begins with, 1 is ancestral "
                   "sampling.",
           .minimum = 0,
           .maximum = 1,
           .default_value = options.chance,
           .group = temperature}};
}

/// The entry at `at` [B] of a window [B, T, ...] -> [B, ...].
torch::Tensor forcing_entry(const torch::Tensor& window, const torch::Tensor& at) {
  return window.index({torch::arange(window.size(0), at.options()), at});
}

/// `window` [B, T, ...] with `entry` [B, ...] at `at` [B], in the lanes of `where` [B]; nowhere for an `at` of T or more.
torch::Tensor forcing_placed(const torch::Tensor& window, const torch::Tensor& entry, const torch::Tensor& at,
                             const torch::Tensor& where = {}) {
  auto here = torch::arange(window.size(1), at.options()).unsqueeze(0) == at.unsqueeze(1);
  if (where.defined()) here = here & where.unsqueeze(1);
  while (here.dim() < window.dim()) here = here.unsqueeze(-1);
  return torch::where(here, entry.unsqueeze(1).to(window.scalar_type()), window);
}

torch::Tensor forcing_column(const torch::Tensor& numbers) {
  return numbers.unsqueeze(1).to(torch::kFloat32);
}

}  // namespace

void DiffusionForcingOptions::fields(Config& config) {
  config.add("world.frames", frames, {.help = "Frames of a window, those that are being made among them", .low = 2, .high = 64});
  config.add("world.horizon", horizon,
             {.help = "Frames that are made together in a pyramid or a full sequence; fewer than world.frames", .low = 1, .high = 63});
  config.add("world.patch", network.patch, {.help = "Side of a patch, whose pixels are channels of the first convolution", .unit = "pixels", .low = 1, .high = 64});
  config.add("world.width", network.width, {.help = "Channels of the U-Net's first level; every further one has twice as many", .low = 8, .high = 1024});
  config.add("world.depth", network.levels, {.help = "Levels of the U-Net, each of half the sides", .low = 1, .high = 8});
  config.add("world.heads", network.heads, {.help = "Heads of an attention", .low = 1, .high = 64});
  config.add("world.each", network.each, {.help = "Numbers of a head", .low = 2, .high = 512});
  config.add("world.attention_from", network.attention_from,
             {.help = "First level whose frames look within themselves and back in time, from 0; the middle always does", .low = 0, .high = 8});
  config.add("world.levels", schedule.levels, {.help = "Levels of noise", .low = 2, .high = 10000});
  config.add("world.betas", schedule.betas, {.help = "How noise grows with its level"});
  config.add("world.tells", schedule.tells, {.help = "What the network's output stands for: the noise, the clean frame, or v, a mixture of both"});
  config.add("world.most_noise", schedule.most_noise, {.help = "Every number of noise is held within ±", .low = 1, .high = 100});
  config.add("world.weights", schedule.weights,
             {.help = "How much each level of noise counts: by what a frame and those before it tell of it (fused SNR), by what it tells by itself "
                      "(min-SNR), or all the same"});
  config.add("world.snr_clip", schedule.snr_clip, {.help = "Signal-to-noise ratio beyond which a loss counts no more", .low = 0.1, .high = 1000});
  config.add("world.snr_decay", schedule.snr_decay, {.help = "How much of what the frames before tell is left a frame later", .low = 0, .high = 1});
  config.add("world.contrast", contrast,
             {.help = "Of pictures before noise comes to them (published: 1): the less, the sooner noise hides what is large and even",
              .low = 0.01, .high = 10});
  config.add("world.steps", steps, {.help = "Steps in which a frame is made from noise, unless a knob says otherwise", .low = 1, .high = forcing_most_steps});
  config.add("world.stabilisation", stabilisation,
             {.help = "Level of noise that frames which are there are taken to have, unless a knob says otherwise", .low = 1, .high = 5000});
  config.add("world.eta", chance, {.help = "Noise that each step adds again, unless a knob says otherwise", .low = 0, .high = 1});
  config.add("world.known", known,
             {.help = "Share of pieces that it learns from with a beginning of any length almost without noise (published: 0)", .low = 0, .high = 1});
  config.add("world.outcome", outcome, {.help = "Weight of the losses of reward and end", .low = 0, .high = 100, .live = true});
}

DiffusionForcing::DiffusionForcing(const DiffusionForcingOptions& options, const Spaces& spaces)
    : options_(options),
      shape_{options.frames, spaces.image_channels, spaces.image_height, spaces.image_width},
      action_input_(spaces.action),
      schedule_(options.schedule) {
  if (options.horizon >= options.frames)
    throw Error("world.horizon is " + std::to_string(options.horizon) + ", and a window of " + std::to_string(options.frames) +
                " frames needs one that was seen: it must be less than world.frames");
  if (options.stabilisation > options.schedule.levels / 2)
    throw Error("world.stabilisation is " + std::to_string(options.stabilisation) + ", more than half of world.levels");
  schedule_.levels_of(options.steps);
  network_ = register_module("network", ForcingNetwork(options.network, shape_, action_input_.size()));
  const LayerStyle style{.norm = Norm::none};
  reward_ = register_module("reward", Mlp(network_->hidden_size(), 1, options.network.width, style, 1, 0));
  done_ = register_module("done", Mlp(network_->hidden_size(), 1, options.network.width, style, 1, 0));
}

// -- learning ---------------------------------------------------------------------------------------------------------

/// A level for every frame by itself, int64 [B, T].
torch::Tensor DiffusionForcing::drawn_levels(std::int64_t lanes, std::int64_t frames, const torch::TensorOptions& like,
                                             at::Generator rng) const {
  const auto levels = torch::randint(schedule_.options().levels, {lanes, frames}, rng, like);
  if (options_.known == 0) return levels;
  const auto little = torch::randint(options_.stabilisation, {lanes, frames}, rng, like);
  const auto known = torch::randint(1, std::max<std::int64_t>(2, frames), {lanes, 1}, rng, like) *
                     (torch::rand({lanes, 1}, rng, like.dtype(torch::kFloat32)) < options_.known);
  return torch::where(torch::arange(frames, like).unsqueeze(0) < known, little, levels);
}

DiffusionForcing::Loss DiffusionForcing::loss(const SequenceBatch& batch, at::Generator rng) {
  const auto clean = frames_of(batch.image.permute({1, 0, 4, 2, 3}));  // [B, T, C, H, W]
  auto actions = action_input_(batch.action).transpose(0, 1).contiguous();
  actions.select(1, 0).zero_();  // what led to the first is not told
  const auto lanes = clean.size(0), frames = clean.size(1);
  const auto levels = drawn_levels(lanes, frames, actions.options().dtype(torch::kInt64), rng);
  const auto noise = schedule_.noise(clean.sizes(), clean.options(), rng);
  ForcingNetworkImpl::Said said;
  {
    const Autocast autocast(bfloat16_, clean.device());
    said = network_(schedule_.noised(clean, levels, noise), levels, actions);
  }
  const auto missed = (said.output - schedule_.target(clean, levels, noise)).square().flatten(2).mean(2);  // [B, T]
  Loss made;
  made.total = (missed * schedule_.weights(levels)).mean();
  made.terms = {{"denoising", made.total.detach()}, {"plain", missed.detach().mean()}};
  if (frames < 2) return made;
  // A frame tells as much of what it brought as is left of it.
  const auto left = schedule_.kept(levels).to(torch::kFloat32).slice(1, 1), hidden = said.hidden.slice(1, 1);
  const auto of = [&](const torch::Tensor& each) { return (each * left).sum() / left.sum().clamp_min(1e-6); };
  const auto rewards = batch.reward.transpose(0, 1).slice(1, 1), ends = batch.terminated.transpose(0, 1).slice(1, 1);
  const auto reward = of((reward_(hidden).squeeze(-1) - rewards).square());
  const auto done = of(torch::binary_cross_entropy_with_logits(done_(hidden).squeeze(-1), ends, {}, {}, at::Reduction::None));
  made.total = made.total + options_.outcome * (reward + done);
  made.terms.push_back({"reward", reward.detach()});
  made.terms.push_back({"done", done.detach()});
  return made;
}

// -- the window -------------------------------------------------------------------------------------------------------

Carry DiffusionForcing::initial(std::int64_t batch) {
  const auto like = torch::TensorOptions().dtype(torch::kFloat32).device(network_->parameters().front().device());
  return {{"frames", torch::zeros({batch, shape_.frames, shape_.channels, shape_.height, shape_.width}, like)},
          {"levels", torch::full({batch, shape_.frames}, -1, like)},
          {"actions", torch::zeros({batch, shape_.frames, action_input_.size()}, like)},
          {"filled", torch::zeros({batch, 1}, like)},
          {"chunk", torch::zeros({batch, 4}, like)},
          {"hidden", torch::zeros({batch, network_->hidden_size()}, like)}};
}

DiffusionForcing::Window DiffusionForcing::opened(const Carry& carry) {
  return {carry.at("frames"), carry.at("actions"), carry.at("levels").to(torch::kInt64), carry.at("filled").squeeze(1).to(torch::kInt64),
          carry.at("chunk").select(1, 0).to(torch::kInt64)};
}

Carry DiffusionForcing::closed(const Window& window, const Way& way, const torch::Tensor& hidden) const {
  auto chunk = torch::stack({window.done.to(torch::kFloat32), torch::full_like(window.done, way.steps, torch::kFloat32),
                             torch::full_like(window.done, way.lag, torch::kFloat32), torch::full_like(window.done, way.horizon, torch::kFloat32)}, 1);
  return {{"frames", window.frames},
          {"levels", window.levels.to(torch::kFloat32)},
          {"actions", window.actions},
          {"filled", forcing_column(window.at)},
          {"chunk", chunk},
          {"hidden", hidden}};
}

/// Moves each lane's window on until `room` [B] places are free behind what is there.
void DiffusionForcing::make_room(Window& window, const torch::Tensor& room) const {
  const auto shift = (window.at - (shape_.frames - room)).clamp_min(0);
  if (shift.max().item<std::int64_t>() == 0) return;
  const auto from = (torch::arange(shape_.frames, shift.options()).unsqueeze(0) + shift.unsqueeze(1)).clamp_max(shape_.frames - 1);
  const auto lane = torch::arange(shift.size(0), shift.options()).unsqueeze(1);
  for (auto* each : {&window.frames, &window.actions, &window.levels}) *each = each->index({lane, from});
  window.at = window.at - shift;
}

ForcingNetworkImpl::Past DiffusionForcing::past_of(const Window& window, std::int64_t label) {
  const auto known = std::max<std::int64_t>(1, window.at.max().item<std::int64_t>());
  const auto levels = torch::full({window.at.size(0), known}, label, window.at.options());
  return network_->past(schedule_.faded(window.frames.slice(1, 0, known), levels), levels, window.actions.slice(1, 0, known));
}

Carry DiffusionForcing::observe(const Carry& carry, const torch::Tensor& previous_action, const Observation& observation,
                                at::Generator) {
  auto window = opened(carry);
  make_room(window, torch::ones_like(window.at));
  const auto frame = frames_of(observation.image.permute({0, 3, 1, 2}));
  const auto action = action_input_(previous_action) * forcing_column(window.at > 0);
  const auto label = options_.stabilisation - 1;
  const auto levels = torch::full_like(window.at, label);
  const auto said = network_->next(schedule_.faded(frame, levels), levels, action, past_of(window, label), window.at);
  window.frames = forcing_placed(window.frames, frame, window.at);
  window.actions = forcing_placed(window.actions, action, window.at);
  window.at = window.at + 1, window.done = torch::zeros_like(window.done);
  window.levels = torch::full_like(window.levels, -1);
  return closed(window, {.steps = 0, .horizon = 0, .lag = 0, .chance = 0, .levels = {}}, said.hidden);
}

// -- the dream --------------------------------------------------------------------------------------------------------

/// Noise in the places of the horizon, under `action` [B, A], in lanes whose horizon is done, was of another way or under another
/// action.
void DiffusionForcing::begin_horizon(Window& window, const Carry& carry, const torch::Tensor& action, const Way& way,
                                     at::Generator rng) {
  const auto& chunk = carry.at("chunk");
  const auto held = forcing_entry(window.actions, window.at.clamp_max(shape_.frames - 1));
  const auto fresh = (window.done == 0) | (window.done >= way.horizon) | (chunk.select(1, 1) != static_cast<double>(way.steps)) |
                     (chunk.select(1, 2) != static_cast<float>(way.lag)) |
                     (chunk.select(1, 3) != static_cast<double>(way.horizon)) | (held != action).any(-1);
  make_room(window, torch::where(fresh, way.horizon, way.horizon - window.done));
  window.done = torch::where(fresh, torch::zeros_like(window.done), window.done);
  if (!fresh.any().item<bool>()) return;
  for (std::int64_t i = 0; i < way.horizon; ++i) {
    const auto noise = schedule_.noise(window.frames.select(1, 0).sizes(), window.frames.options(), rng);
    window.frames = forcing_placed(window.frames, noise, window.at + i, fresh);
    window.actions = forcing_placed(window.actions, action, window.at + i, fresh);
    window.levels = forcing_placed(window.levels, way.levels[-1].to(window.at.device()).expand_as(window.at), window.at + i, fresh);
  }
}

/// The rows of the matrix until the next frame has no noise. Returns what that was taken for at each of them, [B, rows, C, H, W].
torch::Tensor DiffusionForcing::take_rows(Window& window, ForcingNetworkImpl::Past& past, std::int64_t label, const Way& way,
                                          at::Generator rng) {
  const auto done = window.done.cpu();
  const auto until = [&](const torch::Tensor& frame) {
    return way.steps + (frame.to(torch::kFloat64) * way.lag).floor().to(torch::kInt64);
  };
  const auto begin = torch::where(done > 0, until(done - 1), torch::zeros_like(done)), end = until(done);
  const auto columns = way.horizon - done.min().item<std::int64_t>(), rows = (end - begin).max().item<std::int64_t>();
  const auto column = done.unsqueeze(1) + torch::arange(columns, torch::kInt64);  // [B, columns]
  const auto levels_in = [&](std::int64_t row) {
    const auto m = torch::minimum(begin + row, end).unsqueeze(1);
    return way.levels.index({(until(column) - m).clamp(0, way.steps)});
  };
  const auto device = window.at.device();
  std::vector<torch::Tensor> frames, film;
  for (std::int64_t c = 0; c < columns; ++c)
    frames.push_back(forcing_entry(window.frames, (window.at + c).clamp_max(shape_.frames - 1)));
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto from = levels_in(row), to = torch::where(column < way.horizon, levels_in(row + 1), from);
    const auto moves = (from != to).any(0);
    auto last = columns - 1;
    while (last > 0 && !moves[last].item<bool>()) --last;  // those behind wait: nobody looks at them
    for (std::int64_t c = 0; c <= last; ++c) {
      const auto at = (window.at + c).clamp_max(shape_.frames - 1);
      const auto now = from.select(1, c).clone().masked_fill(from.select(1, c) < 0, label).to(device);
      const auto after = torch::where(from.select(1, c) == to.select(1, c), now.cpu(), to.select(1, c)).to(device);
      auto& z = frames[static_cast<std::size_t>(c)];
      ForcingNetworkImpl::Past own;
      const auto said = network_->next(z, now, forcing_entry(window.actions, at), past, at, c < last ? &own : nullptr);
      const auto told = schedule_.told(z, now, said.output);
      z = schedule_.step(z, told, now, after, way.chance, rng);
      if (c == 0) film.push_back(told.clean);
      for (std::size_t i = 0; i < own.windows.size(); ++i) {
        auto& windows = past.windows[i];
        if (windows.size(1) < shape_.frames)
          windows = torch::constant_pad_nd(windows, {0, 0, 0, 0, 0, shape_.frames - windows.size(1)});
        windows = forcing_placed(windows, own.windows[i], at);
      }
    }
  }
  const auto levels = levels_in(rows).to(device);
  for (std::int64_t c = 0; c < columns; ++c) {
    const auto there = (column.select(1, c) < way.horizon).to(device);
    const auto& frame = frames[static_cast<std::size_t>(c)];
    window.frames = forcing_placed(window.frames, c == 0 ? frame.clamp(-options_.contrast, options_.contrast) : frame, window.at + c, there);
    window.levels = forcing_placed(window.levels, levels.select(1, c), window.at + c, there);
  }
  return film.empty() ? torch::Tensor() : torch::stack(film, 1);
}

Carry DiffusionForcing::imagine(const Carry& carry, const torch::Tensor& action, const KnobValues& values, at::Generator rng) {
  const auto all = knobs();
  const auto whole = [&](const Knob& knob) { return std::llround(value_of(values, knob)); };
  const auto order = static_cast<NoiseOrder>(std::clamp<std::int64_t>(whole(forcing_order), 0, 2));
  Way way{.steps = whole(all[0]), .horizon = order == NoiseOrder::frame_by_frame ? 1 : options_.horizon, .lag = 0,
          .chance = value_of(values, all[4]), .levels = {}};
  way.lag = lag_of(order, way.steps, std::min(value_of(values, forcing_uncertainty), static_cast<double>(way.steps)));
  way.levels = schedule_.levels_of(way.steps);
  const auto label = whole(all[3]) - 1;

  auto window = opened(carry);
  const auto input = action_input_(action).to(torch::kFloat32);
  begin_horizon(window, carry, input, way, rng);
  auto past = past_of(window, label);
  const auto film = take_rows(window, past, label, way, rng);
  const auto levels = torch::full_like(window.at, label);
  const auto said = network_->next(schedule_.faded(forcing_entry(window.frames, window.at), levels), levels, input, past, window.at);
  window.at = window.at + 1, window.done = window.done + 1;
  auto next = closed(window, way, said.hidden);
  if (film.defined()) next["denoising"] = film;
  return next;
}

std::vector<Knob> DiffusionForcing::knobs() const {
  return forcing_knobs(options_);
}

Prediction DiffusionForcing::predict(const Carry& carry) {
  auto made = outcome(carry);
  const auto newest = (carry.at("filled").squeeze(1).to(torch::kInt64) - 1).clamp_min(0);
  made.frame = pictures_of(forcing_entry(carry.at("frames"), newest));
  return made;
}

Prediction DiffusionForcing::outcome(const Carry& carry) {
  const auto& hidden = carry.at("hidden");
  return {{}, reward_(hidden).squeeze(-1), torch::sigmoid(done_(hidden).squeeze(-1))};
}

torch::Tensor DiffusionForcing::surprise(const Carry& seen) {
  auto window = opened(seen);
  window.at = (window.at - 1).clamp_min(0);
  const auto frame = forcing_entry(window.frames, window.at);
  const auto noise = schedule_.noise(frame.sizes().slice(1), frame.options(), make_generator(frame.device(), forcing_surprise_seed));
  const auto z = noise.expand_as(frame).contiguous();
  const auto levels = torch::full_like(window.at, schedule_.options().levels - 1);
  const auto said = network_->next(z, levels, forcing_entry(window.actions, window.at), past_of(window, options_.stabilisation - 1), window.at);
  return 0.5 * ((frame - schedule_.told(z, levels, said.output).clean) / options_.contrast).square().flatten(1).sum(1);
}

// -- what it shows ----------------------------------------------------------------------------------------------------

std::vector<std::string> DiffusionForcing::probe_names() const {
  return {"noise/matrix", "noise/window", "noise/frame", "noise/ahead"};
}

void DiffusionForcing::report(const Carry& carry, ProbeSink& sink) {
  const auto chunk = carry.at("chunk")[0].cpu();
  const auto done = chunk[0].item<std::int64_t>(), steps = chunk[1].item<std::int64_t>();
  const auto filled = carry.at("filled")[0][0].item<std::int64_t>();
  const auto pictures = [&](const torch::Tensor& frames) {  // [N, C, H, W] side by side
    return image_from(torch::cat(pictures_of(frames).clamp(0, 1).to(torch::kCPU).unbind(0), 2));
  };
  if (steps > 0 && sink.wants("noise/matrix"))
    sink.put("noise/matrix", "Scheduling matrix",
             "Steps that each frame of the horizon (across) has still to go, row by row from the top: its noise",
             heatmap_from(noise_matrix(steps, options_.horizon, chunk[2].item<double>()).to(torch::kFloat32),
                          static_cast<int>(options_.horizon), 0, static_cast<float>(steps), false));
  if (sink.wants("noise/window"))
    sink.put("noise/window", "Noise of the window",
             "Level of every frame of the window, oldest first; −1 has none, and the last ones are on their way",
             heatmap_from(carry.at("levels")[0], static_cast<int>(shape_.frames), -1, static_cast<float>(schedule_.options().levels - 1), false));
  if (carry.contains("denoising") && sink.wants("noise/frame"))
    sink.put("noise/frame", "From noise to a frame", "What it took the frame for at each row, from the first on the left to the last: x̂",
             pictures(carry.at("denoising")[0]));
  if (done > 0 && filled < shape_.frames && sink.wants("noise/ahead")) {
    const auto ahead = std::min(options_.horizon - done, shape_.frames - filled);
    if (ahead > 0 && carry.at("levels")[0][filled].item<double>() >= 0)
      sink.put("noise/ahead", "Frames on their way", "What is there of the frames of the horizon that come next, with the noise that they have",
               pictures(carry.at("frames")[0].slice(0, filled, filled + ahead)));
  }
}

Carry DiffusionForcing::edit(const Carry&, const std::string& probe, std::int64_t, double) {
  throw Error("'" + probe + "' cannot be edited; this model has no editable probe");
}

Carry DiffusionForcing::randomise(const Carry&, const std::string& probe, at::Generator) {
  throw Error("'" + probe + "' cannot be randomised; this model has no editable probe");
}

}  // namespace dream
