// What does a model think is alike? The latents of held-out frames in two dimensions: the directions in which they vary
// most, and a map of neighbours. Measure 11 of the gauges.
#include <algorithm>
#include <cmath>
#include <set>

#include "core/lab/latent_walk.h"
#include "core/lab/questions/questions.h"
#include "core/lab/tsne.h"
#include "core/lab/watched.h"
#include "core/nn/generator.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {

constexpr std::int64_t map_points = 2000, neighbour_points = 1000;  // of the linear map; of the map of neighbours
constexpr std::size_t map_groups = 4, most_map_groups = 24;
constexpr std::int64_t thumb_side = 24;      // pixels at most
constexpr std::int64_t map_directions = 50;  // that neighbours are looked for in
constexpr std::int64_t map_neighbours = 10;
constexpr std::int64_t walk_steps = 10;
constexpr std::int64_t map_numbers = 12;  // of those that a world shows: colours
constexpr double gathering = 0.6;         // of the time of an answer, for looking at episodes

struct MapColour {
  std::string label, unit;
  std::vector<float> values;
};

/// Held-out frames as points: a row of `latent` and `memory` each.
struct MapPoints {
  std::int64_t stride = 1;  // frames between two points
  std::vector<torch::Tensor> latent, memory, thumbs;
  std::vector<Stretches::From> from;
  std::map<std::string, MapColour> colours;  // by name; those of what is not always there are filled up with NaN
  std::vector<std::string> order;            // of the colours
  std::set<std::string> state;               // those that are the world's own state
  std::vector<std::int64_t> shown;           // which of the numbers that a world shows are colours
  std::size_t episodes = 0;

  void colour(const std::string& label, const std::string& unit, const std::vector<float>& values) {
    auto& there = colours[label];
    if (there.label.empty()) there.label = label, there.unit = unit, order.push_back(label);
    there.values.resize(from.size() - values.size(), std::nanf(""));
    there.values.insert(there.values.end(), values.begin(), values.end());
  }
};

/// What the latent is expected to be, without the noise of the draw.
torch::Tensor map_latent(WorldModel& model, const Carry& carry) {
  const auto belief = model.belief(carry);
  if (belief.posterior.log_probabilities.defined()) return belief.posterior.log_probabilities.exp().flatten(1);
  if (belief.posterior.mean.defined()) return (belief.posterior.log_weights.exp() * belief.posterior.mean).sum(-1);
  return belief.latent.defined() ? belief.latent.flatten(1) : model.features(carry);
}

torch::Tensor thumbs_of(const torch::Tensor& images) {  // uint8 [B, H, W, C] -> uint8 [B, C, h, w]
  auto pictures = unit_pictures(images);
  if (pictures.size(2) > thumb_side || pictures.size(3) > thumb_side)
    pictures = torch::adaptive_avg_pool2d(
        pictures, {std::min(thumb_side, pictures.size(2)), std::min(thumb_side, pictures.size(3))});
  return (pictures * 255).round().to(torch::kUInt8).to(torch::kCPU);
}

void gather_points(Inquiry& inquiry, const Whole& all, MapPoints& points, double from, double to) {
  auto& model = inquiry.model();
  const auto& batch = all.batch;
  const auto names = inquiry.system().make_env()->spaces().vector_names;
  watch(model, batch, batch.steps(), inquiry.rng(1000 + all.first), [&](std::int64_t t, const Carry& carry) {
    inquiry.at(from + (to - from) * static_cast<double>(t) / static_cast<double>(batch.steps()),
               "looks at " + std::to_string(points.episodes + all.frames.size()) + " episodes");
    std::vector<std::int64_t> which;
    for (std::int64_t lane = 0; lane < batch.lanes(); ++lane)
      if (all.real(lane, t) && t % points.stride == 0) which.push_back(lane);
    if (which.empty()) return;
    const auto rows = torch::tensor(which).to(batch.reward.device());
    const auto chosen = [&](const torch::Tensor& x) { return x.index_select(0, rows); };
    points.latent.push_back(cpu_floats(chosen(map_latent(model, carry))));
    if (const auto parts = parts_of(model, carry); parts.latent.defined() && parts.memory.defined())
      points.memory.push_back(cpu_floats(chosen(parts.memory)));
    for (const auto lane : which) points.from.push_back(all.at(lane, t));
    const auto add = [&](const std::string& label, const std::string& unit, const torch::Tensor& values,
                         bool state = false) {
      if (values.defined()) points.colour(label, unit, floats(chosen(values).flatten()));
      if (state) points.state.insert(label);
    };
    add("reward", "", batch.reward[t]);
    add("time in the episode", "steps", torch::full({batch.lanes()}, static_cast<float>(t), batch.reward.options()));
    if (batch.image.defined()) {
      const auto images = chosen(batch.image[t]);
      points.thumbs.push_back(thumbs_of(images));
      if (const auto frame = model.predict(carry).frame; frame.defined())
        add("reconstruction error", "MSE",
            (frame.to(torch::kFloat32) - unit_pictures(batch.image[t])).square().flatten(1).mean(1));
    }
    add("surprise", "nats", model.surprise(carry));
    if (inquiry.system().behaviour) {
      const auto value = inquiry.system().behaviour->value({&model, carry, observation_at(batch, t), batch.reward[t]});
      if (value.defined()) add("value", "", value);
    }
    for (const auto& [name, column] : batch.extra)
      for (std::int64_t i = 0; i < column.size(2); ++i)
        add(column.size(2) == 1 ? name : name + "[" + std::to_string(i) + "]", "", column[t].select(1, i), true);
    // What the world shows in numbers is its state where it tells no other.
    if (!batch.extra.empty() || !batch.vector.defined()) return;
    if (points.shown.empty()) points.shown = most_varying(batch.vector.flatten(0, 1), map_numbers);
    for (const auto i : points.shown)
      add(names.at(static_cast<std::size_t>(i)), "", batch.vector[t].select(1, i), true);
  });
}

/// What points of other episodes that are near say of a colour: 1 − error / spread, by episode. x [N, D].
struct NeighbourGuess {
  std::vector<std::vector<std::size_t>> near;  // of every point: the nearest of other episodes
  NeighbourGuess(const torch::Tensor& x, const std::vector<Stretches::From>& from) {
    const auto n = x.size(0);
    auto episode = torch::empty({n}, torch::kInt64);
    for (std::int64_t i = 0; i < n; ++i)
      episode[i] = static_cast<std::int64_t>(from[static_cast<std::size_t>(i)].episode);
    auto distance = torch::cdist(x.to(torch::kFloat32), x.to(torch::kFloat32));
    distance.masked_fill_(episode.unsqueeze(0) == episode.unsqueeze(1), std::numeric_limits<float>::infinity());
    const auto [nearest, which] = distance.topk(std::min(map_neighbours, n), 1, false);
    near.resize(static_cast<std::size_t>(n));
    const auto found = which.contiguous();
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t k = 0; k < found.size(1); ++k)
        if (std::isfinite(nearest[i][k].item<float>()))
          near[static_cast<std::size_t>(i)].push_back(
              static_cast<std::size_t>(found.data_ptr<std::int64_t>()[i * found.size(1) + k]));
  }
  Interval r2(const std::vector<float>& values, const std::vector<Stretches::From>& from) const {
    double mean = 0, count = 0;
    for (std::size_t i = 0; i < near.size(); ++i)
      if (std::isfinite(values[i])) mean += values[i], ++count;
    mean /= std::max(1.0, count);
    std::map<std::size_t, std::pair<double, double>> each;
    for (std::size_t i = 0; i < near.size(); ++i) {
      if (!std::isfinite(values[i])) continue;
      double guess = 0, told = 0;
      for (const auto other : near[i])
        if (std::isfinite(values[other])) guess += values[other], ++told;
      if (told == 0) continue;
      auto& [missed, around] = each[from[i].episode];
      const double error = values[i] - guess / told, spread = values[i] - mean;
      missed += error * error, around += spread * spread;
    }
    std::vector<double> over, under;
    double spread = 0;
    for (const auto& [episode, sums] : each)
      over.push_back(sums.first), under.push_back(sums.second), spread += sums.second;
    if (over.size() < 2 || spread < 1e-10 * std::max(1.0, mean * mean) * count)
      return {LabNumber::unknown, LabNumber::unknown, LabNumber::unknown};
    const auto lost = bootstrap_ratio(over, under);
    return {1 - lost.value, 1 - lost.high, 1 - lost.low};
  }
};

/// Evenly `most` of `n`.
std::vector<std::int64_t> map_rows(std::int64_t n, std::int64_t most) {
  std::vector<std::int64_t> which;
  const auto count = std::min(n, most);
  for (std::int64_t i = 0; i < count; ++i) which.push_back(i * n / count);
  return which;
}

/// The points `which` as a value, with their moments.
LabFigure points_figure(Inquiry& inquiry, const MapPoints& all, const std::vector<std::int64_t>& which,
                        const torch::Tensor& places, std::string name, std::string title, std::string caption,
                        std::string x_label, std::string y_label) {
  Points value;
  auto xy = torch::zeros({places.size(0), 2});
  const auto known = std::min<std::int64_t>(2, places.size(1));
  xy.slice(1, 0, known).copy_(places.slice(1, 0, known));
  value.x = floats(xy.select(1, 0)), value.y = floats(xy.select(1, 1));
  value.x_label = std::move(x_label), value.y_label = std::move(y_label);
  for (const auto& label : all.order) {
    const auto& colour = all.colours.at(label);
    Points::Colour chosen{colour.label, colour.unit, {}};
    for (const auto i : which)
      chosen.values.push_back(static_cast<std::size_t>(i) < colour.values.size()
                                  ? colour.values[static_cast<std::size_t>(i)]
                                  : std::nanf(""));
    value.colours.push_back(std::move(chosen));
  }
  auto made = figure(std::move(name), std::move(title), std::move(caption), Points{});
  for (const auto i : which) made.moments.push_back(inquiry.moment(all.from[static_cast<std::size_t>(i)], 0));
  if (!all.thumbs.empty()) {
    const auto thumbs = torch::cat(all.thumbs).index_select(0, torch::tensor(which));
    value.thumb_height = static_cast<int>(thumbs.size(2)), value.thumb_width = static_cast<int>(thumbs.size(3)),
    value.thumb_columns = 40;
    value.thumbnails =
        std::make_shared<const Image>(sheet_of(thumbs.to(torch::kFloat32).div(255), value.thumb_columns));
    value.thumb_columns = std::min<int>(value.thumb_columns, static_cast<int>(thumbs.size(0)));
  }
  made.value = std::make_shared<const Value>(std::move(value));
  return made;
}

std::string map_percent(double share) {
  return in_figures(std::round(100 * share)) + " %";
}

LabFigure linear_map(Inquiry& inquiry, const MapPoints& points, const Principal& principal, std::int64_t most,
                     const std::string& name, const std::string& of) {
  const auto axis = [&](std::size_t i) {
    return "component " + std::to_string(i + 1) +
           (i < principal.share.size() ? " (" + map_percent(principal.share[i]) + " of the variance)" : "");
  };
  const auto which = map_rows(principal.coordinates.size(0), most);
  return points_figure(inquiry, points, which, principal.coordinates.index_select(0, torch::tensor(which)), name,
                       "Where " + of + " vary most",
                       "principal components of " + of + " of held-out frames; a click begins there", axis(0), axis(1));
}

LabNumber told_number(const std::string& label, const Interval& told, double all, double by_chance) {
  auto made = number("told_" + label, "Alike in " + label, "R²", told,
                     "what the ten nearest points of other episodes in the map say of it: 1: alike there is alike in "
                     "this, 0: it has nothing to do with it");
  made.beside = {{"all of the latent", all}, {"shuffled", by_chance}};
  if (!std::isfinite(told.value)) made.note = "it does not vary among these frames", made.beside.clear();
  return made;
}

/// How well neighbours in the map, and in all of the latent, tell each colour.
void answer_told(Inquiry& inquiry, const MapPoints& points, const Principal& principal,
                 const std::vector<std::int64_t>& which, const torch::Tensor& map, LabAnswer& answer) {
  std::vector<Stretches::From> from;
  for (const auto i : which) from.push_back(points.from[static_cast<std::size_t>(i)]);
  const auto chosen = principal.coordinates.index_select(0, torch::tensor(which));
  inquiry.at(0.96, "asks neighbours");
  const NeighbourGuess all(chosen, from), linear(chosen.slice(1, 0, 2), from);
  std::unique_ptr<NeighbourGuess> near;
  if (map.defined()) near = std::make_unique<NeighbourGuess>(map, from);
  auto chance = make_generator(torch::kCPU, 9);
  const auto order = torch::randperm(static_cast<std::int64_t>(which.size()), chance, torch::kInt64);
  Table table;
  table.columns = {{"Told by neighbours", "", "what the ten nearest points of other episodes say of it", 0},
                   {"all of the latent", "R²", "neighbours in the first 50 directions of the latent", 2},
                   {"map of neighbours", "R²", "neighbours in the map", 2},
                   {"two components", "R²", "neighbours in the first two directions", 2},
                   {"shuffled", "R²", "the labels of other points: neighbours that tell nothing have about −0.1", 2}};
  double best = -std::numeric_limits<double>::infinity();
  std::string best_label, worst_label;
  double worst = std::numeric_limits<double>::infinity();
  std::vector<double> state_told, state_all, state_chance;
  for (const auto& label : points.order) {
    const auto& colour = points.colours.at(label);
    std::vector<float> values, shuffled;
    for (const auto i : which)
      values.push_back(static_cast<std::size_t>(i) < colour.values.size() ? colour.values[static_cast<std::size_t>(i)]
                                                                          : std::nanf(""));
    for (std::int64_t i = 0; i < order.size(0); ++i)
      shuffled.push_back(values[static_cast<std::size_t>(order[i].item<std::int64_t>())]);
    const auto told = all.r2(values, from), told_linear = linear.r2(values, from),
               told_near =
                   near ? near->r2(values, from) : Interval{LabNumber::unknown, LabNumber::unknown, LabNumber::unknown},
               by_chance = all.r2(shuffled, from);
    const auto cell = [](const Interval& interval) {
      return Table::Cell{interval.value, std::isfinite(interval.value) ? in_figures(interval) : "–"};
    };
    table.rows.push_back({{static_cast<double>(table.rows.size()), label},
                          cell(told),
                          cell(told_near),
                          cell(told_linear),
                          cell(by_chance)});
    const auto& shown = near ? told_near : told_linear;
    const bool state = points.state.contains(label);
    if (state && std::isfinite(shown.value))
      state_told.push_back(shown.value), state_all.push_back(told.value), state_chance.push_back(by_chance.value);
    if (!state) answer.numbers.push_back(told_number(label, shown, told.value, by_chance.value));
    if (!std::isfinite(shown.value)) continue;
    if (shown.value > best) best = shown.value, best_label = label;
    if (shown.value < worst) worst = shown.value, worst_label = label;
  }
  if (!points.state.empty()) {
    auto state = told_number("state", {mean_of(state_told), LabNumber::unknown, LabNumber::unknown}, mean_of(state_all),
                             mean_of(state_chance));
    state.title = "Alike in the world's state",
    state.note += ". The mean of its " + std::to_string(state_told.size()) + " numbers that vary";
    answer.numbers.push_back(state);
  }
  if (!best_label.empty()) {
    answer.sentence += " States that are near one another there are most alike in " + best_label +
                       " (neighbours of other episodes tell it with R² " + in_figures(best) + ")";
    answer.sentence +=
        worst_label == best_label ? "." : " and least in " + worst_label + " (" + in_figures(worst) + ").";
  }
  answer.figures.push_back(figure("told", "What being near says",
                                  "R² of what the ten nearest points of other episodes say, " +
                                      std::to_string(which.size()) + " frames; beside it: labels of other points",
                                  std::move(table)));
}

void ask_map(Inquiry& inquiry, LabAnswer& answer) {
  MapPoints points;
  std::size_t groups = map_groups;
  double last = 0;
  const auto show_linear = [&](const Principal& principal) {
    answer.numbers.clear(), answer.figures.clear();
    answer.episodes = static_cast<std::int64_t>(points.episodes),
    answer.steps = static_cast<std::int64_t>(points.from.size());
    const double two =
        (principal.share.empty() ? 0 : principal.share[0]) + (principal.share.size() > 1 ? principal.share[1] : 0);
    answer.numbers.push_back({"explained", "Two components explain", "%",
                              std::isfinite(two) ? 100 * two : LabNumber::unknown, LabNumber::unknown,
                              LabNumber::unknown,
                              std::isfinite(two) ? "of the variance of what the latent is expected to be"
                                                 : "the latents of these frames are all the same"});
    const double ratio = participation_ratio(torch::cat(points.latent));
    answer.numbers.push_back({"directions", "Directions in use", "", ratio, LabNumber::unknown, LabNumber::unknown,
                              "participation ratio (Σλ)² / Σλ² of the latent's covariance, of " +
                                  std::to_string(points.latent.front().size(1)) + " numbers"});
    answer.sentence = "Of " + std::to_string(points.from.size()) + " held-out frames of " +
                      std::to_string(points.episodes) + " episodes, two directions show " +
                      (std::isfinite(two) ? map_percent(two) : "none") + " of how the latents vary; about " +
                      in_figures(ratio) + " are in use.";
    answer.figures.push_back(linear_map(inquiry, points, principal, map_points, "components", "latents"));
  };
  Principal principal;
  for (std::size_t group = 0; group < groups; ++group) {
    const double began = inquiry.elapsed(), share = 0.7 / static_cast<double>(groups),
                 from = share * static_cast<double>(group);
    const auto first = group * HeldOut::group;
    const auto& episodes = inquiry.episodes(first + HeldOut::group, from, from + share / 2);
    const auto all = whole(episodes, first, HeldOut::group, inquiry.system().device);
    if (group == 0) {
      std::int64_t frames = 0;
      for (const auto n : all.frames) frames += n;
      groups = std::clamp<std::size_t>(static_cast<std::size_t>(map_points / std::max<std::int64_t>(1, frames)) + 1,
                                       map_groups, most_map_groups);
      points.stride = std::max<std::int64_t>(1, frames * static_cast<std::int64_t>(groups) / map_points);
    }
    gather_points(inquiry, all, points, from + share / 2, from + share);
    points.episodes = first + HeldOut::group;
    last = inquiry.elapsed() - began;
    const bool more = group + 1 < groups && inquiry.elapsed() + last < gathering * inquiry.seconds();
    if (group > 0 && more) continue;
    principal = principal_components(torch::cat(points.latent), map_directions);
    show_linear(principal);
    inquiry.show(answer);
    if (!more) break;
  }
  const auto n = static_cast<std::int64_t>(points.from.size());
  // The two states that are farthest from each other in the map, from the centre outwards and back.
  const auto plane = principal.coordinates.slice(1, 0, 2);
  const auto distance = torch::cdist(plane, plane).flatten();
  const auto far = distance.argmax().item<std::int64_t>();
  const auto a = inquiry.moment(points.from[static_cast<std::size_t>(far / n)], 0),
             b = inquiry.moment(points.from[static_cast<std::size_t>(far % n)], 0);
  inquiry.at(0.72, "walks between two states");
  const auto walk = walk_latents(inquiry.system(), a, b, walk_steps);
  // Its time is the square of its points: with little time for the answer it has fewer.
  const auto which = map_rows(n, std::min(neighbour_points, static_cast<std::int64_t>(20 * inquiry.seconds())));
  const auto x = principal.coordinates.index_select(0, torch::tensor(which));
  torch::Tensor map;
  if (n >= 4) {
    const auto told = [&](double share) {
      inquiry.at(0.74 + 0.2 * share, "draws a map of " + std::to_string(which.size()) + " neighbours");
    };
    map = tsne(x, {}, told);
    answer.figures.push_back(
        points_figure(inquiry, points, which, map, "neighbours", "A map of neighbours",
                      "t-SNE (perplexity 30) of the latents' first " + std::to_string(x.size(1)) +
                          " directions: what is near here is near there; distances between islands mean nothing",
                      "", ""));
  }
  if (walk.lacks.empty())
    answer.figures.push_back(walk.sheet(a, b));
  else
    answer.sentence += " A walk cannot be shown: " + walk.lacks + ".";
  if (!points.memory.empty()) {
    inquiry.at(0.95, "maps the memory");
    answer.figures.push_back(linear_map(inquiry, points, principal_components(torch::cat(points.memory), 2),
                                        neighbour_points, "memory", "memories"));
  }
  answer_told(inquiry, points, principal, which, map, answer);
}

}  // namespace

Question question_map() {
  return {"map", "What does it think is alike?",
          "Held-out frames by their latents in two dimensions, coloured by reward, time, error or state; a walk "
          "between two.",
          lacks_model, ask_map};
}

}  // namespace dream
