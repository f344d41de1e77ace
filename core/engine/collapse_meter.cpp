#include "core/engine/collapse_meter.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "core/behaviours/random_policy.h"
#include "core/engine/linear_readout.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t walk_steps = 16;  // between two frames that are kept
constexpr std::int64_t frames_an_episode = 8;
constexpr double point_spread = 0.02, poor_spread = 0.2;  // deviation of a number where a healthy one has about 1
constexpr std::int64_t most_numbers = 24;                 // of the state that are read
constexpr double line_rank = 2.5;                         // directions: a point has 1, a line little more

std::string number(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, value);
  return text;
}

/// The columns of x [N, K] that vary most, at most so many, in their order.
torch::Tensor loudest(const torch::Tensor& x) {
  if (x.size(1) <= most_numbers) return x;
  return x.index_select(1, std::get<0>(std::get<1>(x.var(0).topk(most_numbers)).sort()));
}

}  // namespace

bool CollapseMeter::knows_places(Env& env) {
  env.reset(0);
  const auto known = env.diagnostics();
  return !known.empty() && known[0].each_step && known[0].values.size() == 2;
}

CollapseMeter::CollapseMeter(Env& env, std::uint64_t seed, std::int64_t frames, std::string remedy)
    : remedy_(std::move(remedy)), places_(knows_places(env)) {
  const auto& spaces = env.spaces();
  images_ = torch::empty({frames, spaces.image_height, spaces.image_width, spaces.image_channels}, torch::kUInt8);
  std::vector<double> state;
  std::vector<float> shown(spaces.vector_names.size());
  for (std::int64_t i = 0; i < frames; ++i) {
    const auto episode = seed + static_cast<std::uint64_t>(i / frames_an_episode);
    RandomPolicy walk(spaces.action, Rng(episode * 1000 + static_cast<std::uint64_t>(i)));
    if (i % frames_an_episode == 0) env.reset(episode);
    for (std::int64_t step = 0; step < walk_steps; ++step)
      if (env.step(walk.next()).done()) env.reset(episode + 1'000'000);
    env.observe_image({images_.data_ptr<std::uint8_t>() + i * images_.stride(0), spaces.image_bytes()});
    bool known = false;
    for (const auto& each : env.diagnostics()) {
      if (!each.each_step || (places_ && known)) continue;
      state.insert(state.end(), each.values.begin(), each.values.end());
      known = true;
    }
    if (known || shown.empty()) continue;
    env.observe_vector(shown);
    state.insert(state.end(), shown.begin(), shown.end());
  }
  if (state.empty() || static_cast<std::int64_t>(state.size()) % frames != 0) return;
  state_ = loudest(torch::tensor(state, torch::kFloat64).view({frames, -1}));
  state_in_words_ = places_ ? "the true place" : "the true state";
}

double CollapseMeter::effective_rank(const torch::Tensor& z) {
  const auto values = torch::linalg_svdvals(z - z.mean(0));
  const double sum = values.sum().item<double>();
  if (!(sum > 0)) return 1;
  const auto shares = values / sum;
  return std::exp(-torch::xlogy(shares, shares).sum().item<double>());
}

double CollapseMeter::pairwise_cosine(const torch::Tensor& z) {
  const auto units = z / z.norm(2, -1, true).clamp_min(1e-12);
  const auto n = static_cast<double>(z.size(0));
  return (units.sum(0).square().sum().item<double>() - units.square().sum().item<double>()) / (n * (n - 1));
}

void CollapseMeter::look(const Encode& encode, Metrics& metrics, std::int64_t update) {
  torch::NoGradGuard no_grad;
  z_ = encode(images_).to(torch::kCPU, torch::kFloat64);
  spread_ = z_.std(0).mean().item<double>();
  rank_ = effective_rank(z_);
  cosine_ = pairwise_cosine(z_);
  metrics.add("collapse/spread", update, spread_);
  metrics.add("collapse/rank", update, rank_);
  metrics.add("collapse/cosine", update, cosine_);
  if (!places_) return;
  read_ = reads(z_);
  metrics.add("collapse/place", update, read_);
}

double CollapseMeter::reads(const torch::Tensor& x) const {
  return state_.defined() ? linear_readout(x, state_) : std::numeric_limits<double>::quiet_NaN();
}

std::vector<Metrics::Spec> CollapseMeter::curves(bool places) {
  std::vector<Metrics::Spec> specs = {
      {"collapse/spread", "Spread of a number of z: 0 is a point", "", "update"},
      {"collapse/rank", "Effective rank of z", "directions", "update"},
      {"collapse/cosine", "Mean cosine of two embeddings: 1 is a point", "", "update"}};
  if (places) specs.push_back({"collapse/place", "The true place, read from z by a line", "R²", "update"});
  return specs;
}

std::string CollapseMeter::alarm() const {
  if (!z_.defined()) return "";
  const auto against = healthy_ == 1 ? std::string(" where about 1 is healthy)") : " where it began with " + number(healthy_, 3) + ")";
  if (spread_ < point_spread * healthy_)
    return "the representation has collapsed: every frame gives nearly the same z (a number deviates by " + number(spread_, 4) + against +
           ". What is left to predict says nothing. " + remedy_;
  if (rank_ < line_rank)
    return "the representation is collapsing: its " + std::to_string(z_.size(1)) + " numbers vary in " + number(rank_, 1) +
           " directions alone. " + remedy_;
  if (spread_ < poor_spread * healthy_)
    return "the representation shrinks (a number of z deviates by " + number(spread_, 3) + against + ". " + remedy_;
  return "";
}

std::vector<std::string> CollapseMeter::probe_names() {
  return {"collapse/map", "collapse/spreads", "collapse/covariance", "collapse/said"};
}

void CollapseMeter::report(ProbeSink& sink) const {
  if (!z_.defined()) return;
  const auto centred = z_ - z_.mean(0);
  if (sink.wants("collapse/map")) {
    const auto directions = std::get<2>(torch::linalg_svd(centred, false)).slice(0, 0, 2);
    auto at = torch::matmul(centred, directions.t());
    // A component has no sign of its own: it takes that of the true place, so that the map does not turn over between two looks.
    if (places_) at = at * torch::where((at * (state_ - state_.mean(0))).sum(0) < 0, -1.0, 1.0);
    at = at.to(torch::kFloat32);
    Points points;
    points.x = floats(at.select(1, 0)), points.y = floats(at.select(1, 1));
    points.x_label = "first principal component", points.y_label = "second";
    if (places_) {
      points.colours.push_back({"true x", "", floats(state_.select(1, 0).to(torch::kFloat32))});
      points.colours.push_back({"true y", "", floats(state_.select(1, 1).to(torch::kFloat32))});
    }
    sink.put("collapse/map", "Where frames lie in z",
             "Embeddings of 512 frames of random walks, coloured by where the agent truly is: neighbours of one colour, and the "
             "map holds the world",
             std::move(points));
  }
  if (sink.wants("collapse/spreads")) {
    Vector bars;
    bars.values = floats(z_.std(0).to(torch::kFloat32));
    sink.put("collapse/spreads", "Spread of every number of z", "Standard deviation over 512 frames; 0 says nothing",
             std::move(bars));
  }
  if (sink.wants("collapse/covariance")) {
    const auto covariance = torch::matmul(centred.t(), centred) / static_cast<double>(z_.size(0) - 1);
    sink.put("collapse/covariance", "Covariance of z", "What two numbers of z say in common; healthy is a diagonal alone",
             heatmap_from(covariance.to(torch::kFloat32), static_cast<int>(z_.size(1)), -1, 1, true));
  }
  if (sink.wants("collapse/said")) {
    const auto warning = alarm();
    auto text = "A number's spread is " + number(spread_, 2) + ", the effective rank " + number(rank_, 1) + " of " +
                std::to_string(z_.size(1)) + ", the mean cosine of two frames " + number(cosine_, 2);
    if (places_) text += "; a line reads " + number(100 * read_, 0) + " % of the true place";
    sink.put("collapse/said", "Collapse meter", "In words",
             Text{warning.empty() ? text + ". No sign of collapse." : text + ". ALARM: " + warning + "."});
  }
}

}  // namespace dream
