#include "core/env/bridge/gym_env.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "api/error.h"
#include "core/base/text.h"
#include "core/env/bridge/gym_python.h"
#include "core/env/paint.h"
#include "core/env/world_fault.h"

namespace dream {
namespace {

constexpr std::size_t usual_steps = 1024;  // that an episode may take before its record of actions grows
constexpr int rendered_side = 64;          // of rendered pictures that are observations, where no size is asked for
constexpr int longest_side = 8192;

// A saved state: this, the name's checksum, seed, done, the observation's checksum, the number of actions, the actions
// as floats, and a checksum over all before.
struct GymStateHead {
  std::uint64_t magic = 0x314d594741455244;  // "DREAGYM1"
  std::uint64_t name = 0, seed = 0;
  std::uint32_t done = 0, observation = 0;
  std::uint64_t actions = 0;
};

std::uint32_t crc_of(const void* data, std::size_t size, std::uint32_t before = 0) {
  return static_cast<std::uint32_t>(::crc32_z(before, static_cast<const Bytef*>(data), size));
}

std::uint8_t grey_of(const std::uint8_t* rgb) {  // ITU-R BT.601
  return static_cast<std::uint8_t>((299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000);
}

/// "64" or "96x128", height first.
std::pair<int, int> sides_of(const std::string& name, const std::string& text) {
  const auto cross = text.find('x');
  const auto height = whole_number(text.substr(0, cross)),
             width = cross == std::string::npos ? height : whole_number(text.substr(cross + 1));
  if (!height || !width || std::min(*height, *width) < 1 || std::max(*height, *width) > longest_side)
    throw Error(fmt::format("{}: option size is '{}', expected 64 or 96x128.", name, printable(text)));
  return {static_cast<int>(*height), static_cast<int>(*width)};
}

/// A picture in the middle of another one, as large as fits.
void draw_inside(std::span<const std::uint8_t> picture, int height, int width, int channels, int wide, int high,
                 std::span<std::uint8_t> out) {
  const double scale = std::min(static_cast<double>(wide) / width, static_cast<double>(high) / height);
  const int w = std::clamp(static_cast<int>(width * scale + 0.5), 1, wide),
            h = std::clamp(static_cast<int>(height * scale + 0.5), 1, high);
  std::vector<std::uint8_t> fitted(static_cast<std::size_t>(w) * h * channels);
  Resizer(height, width, channels, h, w)(picture.data(), width, fitted.data());
  const int left = (wide - w) / 2, top = (high - h) / 2;
  for (int y = 0; y < h; ++y) {
    for (int x = 0; x < w; ++x) {
      const auto* from = &fitted[(static_cast<std::size_t>(y) * w + x) * channels];
      auto* to = &out[(static_cast<std::size_t>(y + top) * wide + x + left) * 3];
      for (int c = 0; c < 3; ++c) to[c] = from[channels == 3 ? c : 0];
    }
  }
}

}  // namespace

GymEnv::GymEnv(const std::string& name)
    : name_(name), server_(GymServer::of(name)), spaces_(server_->description().spaces) {
  const auto read = read_gym_name(name);
  if (spaces_.image_bytes() == 0) return;
  auto size = read.option("size");
  if (size.empty() && server_->description().pixels) size = std::to_string(rendered_side);
  if (!size.empty()) {
    const auto [height, width] = sides_of(name, size);
    resize_.emplace(spaces_.image_height, spaces_.image_width, spaces_.image_channels, height, width);
    spaces_.image_height = height, spaces_.image_width = width;
  }
  grey_ = read.option("grey") == "true" && spaces_.image_channels == 3;
  resized_.resize(spaces_.image_bytes());
  if (grey_) spaces_.image_channels = 1;
}

void GymEnv::check_started(const char* what) const {
  if (!started_) throw Error(fmt::format("{}: {} before reset(); call reset(seed) first.", name_, what));
}

/// A lane of a server that lives: after a server's death the next episode begins in another one.
void GymEnv::open() {
  if (lane_ && !lane_->server().broken()) return;
  lane_.reset();
  if (server_->broken()) server_ = GymServer::of(name_);
  if (server_->description().spaces.vector_names.size() != spaces_.vector_names.size() ||
      server_->description().spaces.action.size() != spaces_.action.size())
    throw Error(fmt::format("{}: its spaces have changed since it was first started.", name_));
  lane_ = std::make_unique<GymServer::Lane>(GymServer::with_room(name_));
}

void GymEnv::begin_reset(std::uint64_t seed) {
  open();
  started_ = stepping_ = false;
  lane_->head().seed = seed_ = seed;
  lane_->ask(/*reset=*/true);
  resetting_ = true;
}

void GymEnv::reset(std::uint64_t seed) {
  if (!resetting_ || seed != seed_) begin_reset(seed);
  resetting_ = false;
  lane_->wait();
  actions_.clear();
  actions_.reserve((spaces_.max_episode_steps > 0 ? static_cast<std::size_t>(spaces_.max_episode_steps) : usual_steps) *
                   spaces_.action.size());
  started_ = true, done_ = false;
}

void GymEnv::begin_step(std::span<const float> action) {
  check_started("step()");
  if (done_) throw Error(fmt::format("{}: step() after the episode's end; call reset(seed) first.", name_));
  const ActionSpace& space = spaces_.action;
  if (action.size() != space.size())
    throw Error(fmt::format("{}: the action has {} values, expected {}.", name_, action.size(), space.size()));
  for (std::size_t axis = 0; axis < action.size(); ++axis) {
    if (!std::isfinite(action[axis]))
      throw Error(fmt::format("{}: action '{}' is not a finite number.", name_, space.axes[axis]));
  }
  const auto at = server_->description().action_at;
  for (std::size_t axis = 0; axis < action.size(); ++axis) {
    const float value = std::clamp(action[axis], space.low[axis], space.high[axis]);
    if (space.discrete())
      *lane_->at<std::int32_t>(at) = static_cast<std::int32_t>(std::lround(value));
    else
      lane_->at<float>(at)[axis] = value;
  }
  lane_->ask(/*reset=*/false);
  stepping_ = true;
}

StepResult GymEnv::step(std::span<const float> action) {
  if (!stepping_) begin_step(action);
  stepping_ = false;
  started_ = false;  // until it has gone well
  lane_->wait();
  const auto& head = lane_->head();
  if (!std::isfinite(head.reward))
    throw WorldFault(fmt::format("{}: step() gave the reward {}, expected a finite number.", name_, head.reward));
  for (std::size_t axis = 0; axis < spaces_.action.size(); ++axis) {
    const auto at = server_->description().action_at;
    actions_.push_back(spaces_.action.discrete() ? static_cast<float>(*lane_->at<std::int32_t>(at))
                                                 : lane_->at<float>(at)[axis]);
  }
  started_ = true;
  done_ = head.terminated || head.truncated;
  return {static_cast<float>(head.reward), head.terminated != 0, head.truncated != 0};
}

void GymEnv::observe_vector(std::span<float> out) {
  check_started("observe_vector()");
  if (out.size() != spaces_.vector_names.size())
    throw Error(fmt::format("{}: the vector buffer has {} values, expected {}.", name_, out.size(),
                            spaces_.vector_names.size()));
  const float* from = lane_->at<float>(server_->description().vector_at);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!std::isfinite(from[i]))
      throw WorldFault(fmt::format("{}: '{}' of the observation is {}, expected a finite number.", name_,
                                   spaces_.vector_names[i], from[i]));
  }
  std::copy_n(from, out.size(), out.data());
}

void GymEnv::observe_image(std::span<std::uint8_t> out) {
  check_started("observe_image()");
  if (out.size() != spaces_.image_bytes())
    throw Error(
        fmt::format("{}: the image buffer has {} values, expected {}.", name_, out.size(), spaces_.image_bytes()));
  const auto& seen = server_->description().spaces;
  const auto* from = lane_->at<std::uint8_t>(server_->description().picture_at);
  if (resize_) {
    (*resize_)(from, seen.image_width, grey_ ? resized_.data() : out.data());
    from = resized_.data();
  } else if (!grey_) {
    std::copy_n(from, out.size(), out.data());
  }
  for (std::size_t i = 0; grey_ && i < out.size(); ++i) out[i] = grey_of(from + 3 * i);
}

void GymEnv::render(int width, int height, std::span<std::uint8_t> out) {
  check_started("render()");
  if (width < 1 || height < 1 || width > longest_side || height > longest_side)
    throw Error(
        fmt::format("{}: cannot render at {} x {}, expected 1 to {} a side.", name_, width, height, longest_side));
  if (out.size() != static_cast<std::size_t>(width) * height * 3)
    throw Error(fmt::format("{}: the render buffer has {} values, expected {}.", name_, out.size(),
                            static_cast<std::size_t>(width) * height * 3));
  paint::Canvas canvas(width, height, out);
  canvas.clear(paint::kNight);
  const auto& said = server_->description();
  if (said.renders) {
    int rows = 0, columns = 0;
    const auto picture = lane_->render(rows, columns);
    return draw_inside(picture, rows, columns, 3, width, height, out);
  }
  if (const auto& seen = said.spaces; seen.image_bytes() > 0)
    return draw_inside({lane_->at<std::uint8_t>(said.picture_at), seen.image_bytes()}, seen.image_height,
                       seen.image_width, seen.image_channels, width, height, out);
  // Nothing to be seen: its numbers as bars, squashed into (-1, 1).
  canvas.rectangle(0, 0, 1, 1, paint::kGround);
  const auto count = spaces_.vector_names.size();
  for (std::size_t i = 0; i < count; ++i) {
    const auto x = static_cast<float>(i) / static_cast<float>(count), wide = 0.8f / static_cast<float>(count);
    const float y = 0.5f - 0.45f * std::tanh(lane_->at<float>(said.vector_at)[i]);
    canvas.rectangle(x, std::min(y, 0.5f), x + wide, std::max(y, 0.5f) + 0.005f, paint::kSky);
  }
}

std::uint32_t GymEnv::checksum() const {
  const auto& said = server_->description();
  const auto numbers = crc_of(lane_->at<float>(said.vector_at), 4 * said.spaces.vector_names.size());
  return crc_of(lane_->at<std::uint8_t>(said.picture_at), said.spaces.image_bytes(), numbers);
}

std::vector<std::byte> GymEnv::save_state() const {
  check_started("save_state()");
  const GymStateHead head{.name = crc_of(name_.data(), name_.size()),
                          .seed = seed_,
                          .done = done_ ? 1u : 0u,
                          .observation = checksum(),
                          .actions = actions_.size()};
  std::vector<std::byte> state;
  const auto add = [&](std::span<const std::byte> bytes) { state.insert(state.end(), bytes.begin(), bytes.end()); };
  add(std::as_bytes(std::span(&head, 1)));
  add(std::as_bytes(std::span(actions_)));
  const auto crc = crc_of(state.data(), state.size());
  add(std::as_bytes(std::span(&crc, 1)));
  return state;
}

void GymEnv::load_state(std::span<const std::byte> state) {
  GymStateHead head, ours;
  if (state.size() >= sizeof head) std::memcpy(&head, state.data(), sizeof head);
  if (state.size() < sizeof head + 4 || head.magic != ours.magic || head.name != crc_of(name_.data(), name_.size()))
    throw Error(fmt::format("{}: these bytes are not a saved state of {}.", name_, name_));
  std::uint32_t crc = 0;
  std::memcpy(&crc, state.data() + state.size() - sizeof crc, sizeof crc);
  const auto bytes = state.subspan(sizeof head, state.size() - sizeof head - sizeof crc);
  const auto axes = spaces_.action.size();
  if (crc != crc_of(state.data(), state.size() - sizeof crc) || head.actions != bytes.size() / sizeof(float) ||
      bytes.size() % sizeof(float) != 0 || head.actions % axes != 0 || head.done > 1)
    throw Error(fmt::format("{}: the saved state is damaged (its checksum does not match).", name_));
  std::vector<float> actions(head.actions);
  if (!actions.empty()) std::memcpy(actions.data(), bytes.data(), bytes.size());
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const auto axis = i % axes;
    if (!(actions[i] >= spaces_.action.low[axis] && actions[i] <= spaces_.action.high[axis]))
      throw Error(fmt::format("{}: the saved state holds impossible values.", name_));
  }
  const bool here = started_ && seed_ == head.seed && actions == actions_;
  if (!here) {
    open();
    lane_->relive(head.seed, actions, head.observation);
  }
  seed_ = head.seed, actions_ = std::move(actions), done_ = head.done == 1;
  actions_.reserve(std::max(actions_.size() + 1, usual_steps) * 2);
  started_ = true, resetting_ = stepping_ = false;
}

}  // namespace dream
