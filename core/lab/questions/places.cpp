// What does a behaviour expect where? The agent is put at every place of its world; what the model sees there, for the
// first time, says what it expects to earn and to pay.
#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "core/engine/seeds.h"
#include "core/lab/questions/questions.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {
namespace placing {

constexpr int grid = 30;                 // places from edge to edge, both ways
constexpr int painted = 300;             // pixels a side, a multiple of the grid
constexpr std::size_t most_starts = 12;  // of the world, each with a map of its own
constexpr std::int64_t draws = 4;        // of the latent, over which the mean is taken

std::string lacks_places(const System& system) {
  if (!system.behaviour) return "nobody acts in it who could expect anything";
  return system.make_env()->spaces().places ? "" : "its world has no places where one could be put";
}

/// One start of the world: what is expected at each of the places.
struct PlaceMap {
  std::vector<std::size_t> cells;  // of the grid, row by row, where the agent can stand
  std::vector<char> costs;         // whether standing still there costs something
  std::vector<float> value, cost;  // expected; no costs where the behaviour thinks of none
  std::shared_ptr<const Image> picture;
};

PlaceMap look_from_everywhere(Inquiry& inquiry, Env& env, std::uint64_t start) {
  const auto at = [&] {
    inquiry.at(static_cast<double>(start) / most_starts, "looks from everywhere, start " + std::to_string(start + 1));
  };
  at();
  auto& system = inquiry.system();
  const auto spaces = env.spaces();
  PlaceMap map;
  env.reset(first_evaluation_seed + start);
  Image picture{painted, painted, 3, std::vector<std::uint8_t>(painted * painted * 3)};
  env.render(painted, painted, picture.pixels);
  map.picture = std::make_shared<const Image>(std::move(picture));
  const auto begun = env.save_state();
  std::vector<torch::Tensor> images, vectors;
  for (std::size_t cell = 0; cell < grid * grid; ++cell) {
    env.load_state(begun);
    if (!env.stand_at((static_cast<double>(cell % grid) + 0.5) / grid, (static_cast<double>(cell / grid) + 0.5) / grid))
      continue;
    map.cells.push_back(cell);
    if (spaces.image_bytes() > 0) {
      images.push_back(torch::empty({spaces.image_height, spaces.image_width, spaces.image_channels}, torch::kUInt8));
      env.observe_image({images.back().data_ptr<std::uint8_t>(), spaces.image_bytes()});
    }
    if (!spaces.vector_names.empty()) {
      vectors.push_back(torch::empty({static_cast<std::int64_t>(spaces.vector_names.size())}));
      env.observe_vector({vectors.back().data_ptr<float>(), spaces.vector_names.size()});
    }
    if (spaces.costs) map.costs.push_back(env.step(spaces.action.idle).cost > 0);
  }
  if (map.cells.empty()) throw Error("there is no place in this world where its agent can stand");
  torch::NoGradGuard no_grad;
  const auto there = [&](const std::vector<torch::Tensor>& parts) {
    return parts.empty() ? torch::Tensor{} : torch::stack(parts).to(system.device);
  };
  Seen seen{.model = system.model.get(), .observation = {there(images), there(vectors)}};
  torch::Tensor value, cost;
  const auto rng = inquiry.rng(start);
  for (std::int64_t draw = 0; draw < (system.model ? draws : 1); ++draw) {
    if (system.model) {
      const auto count = static_cast<std::int64_t>(map.cells.size());
      const auto nothing = torch::zeros({count, static_cast<std::int64_t>(spaces.action.size())},
                                        torch::TensorOptions().device(system.device));
      seen.carry = system.model->observe(system.model->initial(count), nothing, seen.observation, rng);
    }
    const auto add = [](torch::Tensor& sum, const torch::Tensor& of) {
      if (of.defined()) sum = sum.defined() ? sum + of : of;
    };
    at();
    add(value, system.behaviour->value(seen));
    add(cost, system.behaviour->expected_cost(seen));
  }
  const auto share = 1.0 / static_cast<double>(system.model ? draws : 1);
  if (value.defined()) map.value = floats((value * share).flatten());
  if (cost.defined()) map.cost = floats((cost * share).flatten());
  if (map.value.empty() && map.cost.empty()) throw Error("its behaviour expects nothing of a state: it has no critic");
  return map;
}

LabFigure drawn(const PlaceMap& map, const std::vector<float>& values, std::string name, std::string title,
                std::string caption) {
  const auto [low, high] = std::ranges::minmax(values);
  Heatmap cells{
      grid, grid, low, std::max(high, low + 1e-6f), false, std::vector<float>(grid * grid, std::nanf("")), map.picture};
  for (std::size_t i = 0; i < values.size(); ++i) cells.cells[map.cells[i]] = values[i];
  return figure(std::move(name), std::move(title), std::move(caption), std::move(cells));
}

/// Of a place that costs and one that does not: how often the first is expected to be dearer (the area under the ROC
/// curve).
double told_apart(const PlaceMap& map) {
  const std::vector<double> expected(map.cost.begin(), map.cost.end());
  const auto ranks = ranks_of(expected);
  double sum = 0, dear = 0;
  for (std::size_t i = 0; i < ranks.size(); ++i)
    if (map.costs[i]) sum += ranks[i], ++dear;
  const double free = static_cast<double>(ranks.size()) - dear;
  return dear > 0 && free > 0 ? (sum - dear * (dear - 1) / 2) / (dear * free) : LabNumber::unknown;
}

/// Mean of what is expected to be paid where standing still costs, or where it does not.
double mean_cost(const PlaceMap& map, bool where_it_costs) {
  double sum = 0, count = 0;
  for (std::size_t i = 0; i < map.cost.size(); ++i)
    if ((map.costs[i] != 0) == where_it_costs) sum += static_cast<double>(map.cost[i]), ++count;
  return count > 0 ? sum / count : LabNumber::unknown;
}

void fill(const std::vector<PlaceMap>& maps, LabAnswer& answer) {
  const auto& first = maps.front();
  answer.numbers.clear(), answer.figures.clear();
  answer.episodes = static_cast<std::int64_t>(maps.size());
  const std::string where = "of the " + std::to_string(first.cells.size()) +
                            " places of this start, each seen as if an episode began there, at rest";
  const auto mean_over = [&](const auto& of) {
    std::vector<double> each;
    for (const auto& map : maps)
      if (const double value = of(map); std::isfinite(value)) each.push_back(value);
    if (each.empty()) return Interval{LabNumber::unknown, LabNumber::unknown, LabNumber::unknown};
    return bootstrap_mean(each);
  };
  answer.sentence = "It was put at " + std::to_string(first.cells.size()) + " places of its world.";
  if (!first.value.empty()) {
    const auto best =
        mean_over([](const PlaceMap& map) { return static_cast<double>(*std::ranges::max_element(map.value)); });
    const auto worst =
        mean_over([](const PlaceMap& map) { return static_cast<double>(*std::ranges::min_element(map.value)); });
    answer.numbers.push_back(
        number("best", "Best place", "return", best,
               "the most that it expects to earn anywhere, discounted, as its model is taught rewards; mean of " +
                   std::to_string(maps.size()) + " starts"));
    answer.numbers.push_back(
        number("worst", "Worst place", "return", worst, "the least that it expects to earn anywhere"));
    answer.sentence += " It expects to earn from " + in_figures(worst.value) + " to " + in_figures(best.value) +
                       " there (discounted).";
    answer.figures.push_back(
        drawn(first, first.value, "value", "What it expects to earn where", "discounted return, " + where));
  }
  if (!first.cost.empty() && !first.costs.empty()) {
    const auto inside = mean_over([](const PlaceMap& map) { return mean_cost(map, true); });
    const auto outside = mean_over([](const PlaceMap& map) { return mean_cost(map, false); });
    auto apart = number("cost_told", "Dear places told from free ones", "", mean_over(told_apart),
                        "how often a place where standing still costs is expected to be dearer than one where it does "
                        "not: 1 always, 0.5 by chance (area under the ROC curve)");
    apart.verdict = apart.low > 0.8    ? LabNumber::Verdict::good
                    : apart.high < 0.6 ? LabNumber::Verdict::bad
                                       : LabNumber::Verdict::none;
    apart.beside = {{"chance", 0.5}};
    answer.numbers.push_back(apart);
    answer.numbers.push_back(number("cost_inside", "Expected cost where it costs", "cost", inside,
                                    "discounted, mean over places where standing still costs"));
    answer.numbers.push_back(
        number("cost_outside", "Expected cost elsewhere", "cost", outside, "discounted, mean over the other places"));
    answer.sentence += " It expects to pay " + in_figures(inside.value) + " where standing still costs and " +
                       in_figures(outside.value) + " elsewhere: of two such places it knows the dearer " +
                       in_figures(100 * apart.value) + " times in 100.";
    answer.figures.push_back(
        drawn(first, first.cost, "cost", "What it expects to pay where", "discounted cost, " + where));
  }
}

void ask_places(Inquiry& inquiry, LabAnswer& answer) {
  const auto env = inquiry.system().make_env();
  std::vector<PlaceMap> maps;
  double last = 0;
  for (std::size_t start = 0; start < most_starts && (start == 0 || inquiry.time_for(last)); ++start) {
    const double began = inquiry.elapsed();
    maps.push_back(look_from_everywhere(inquiry, *env, start));
    fill(maps, answer);
    inquiry.show(answer);
    last = inquiry.elapsed() - began;
  }
}

}  // namespace placing
}  // namespace

Question question_places() {
  return {"places", "What does it expect where?",
          "What it expects to earn, and to pay, at every place of its world, laid over the picture.",
          placing::lacks_places, placing::ask_places};
}

}  // namespace dream
