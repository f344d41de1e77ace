// Who named the keys? A model that has found its own actions in what it sees: what they have to do with those that were
// really taken, which it was never shown, and whether its dream listens to them. Measures 3, 4 and 10 of the gauges.
#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "core/lab/listening.h"
#include "core/lab/questions/questions.h"
#include "core/models/code_gauges.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {
namespace code_asking {

constexpr std::size_t code_episodes = 32;
constexpr double dead_share = 0.01;          // a code used less is dead
constexpr double hardly = 0.1, clearly = 1;  // dB

struct Codes {
  std::int64_t codes = 0, actions = 0;  // actions: 0 where they are no choices
  std::vector<std::string> code_names, action_names;
  std::vector<torch::Tensor> counts;  // of each episode, [codes, true actions]; [codes, 1] where those are no choices
  std::vector<Listened> dreams;       // of each episode
};

torch::Tensor counts_of(const Codes& found, const std::vector<std::size_t>& episodes) {
  auto all = torch::zeros_like(found.counts.front());
  for (const auto i : episodes) all += found.counts[i];
  return all;
}

void look_at_codes(Inquiry& inquiry, const std::vector<LivedEpisode>& episodes, std::size_t first, Codes& found,
                   double from, double to) {
  const auto columns = std::max<std::int64_t>(1, found.actions);
  while (found.counts.size() < first + HeldOut::group)
    found.counts.push_back(torch::zeros({found.codes, columns}, torch::kFloat64));
  const Listening listening(
      inquiry, episodes, first, from, (from + to) / 2, [&](const Whole& all, std::int64_t t, const Carry& seen) {
        if (t == 0) return;
        const auto codes = finder_of(inquiry.system())->inferred(seen).select(1, 0).to(torch::kCPU);
        for (std::int64_t lane = 0; lane < all.batch.lanes(); ++lane) {
          if (!all.real(lane, t)) continue;
          const auto action = found.actions > 0 ? all.batch.action[t][lane][0].item<float>() : 0.0f;
          found.counts[first + static_cast<std::size_t>(lane)][codes[lane].item<std::int64_t>()]
                      [static_cast<std::int64_t>(action)] += 1;
        }
      });
  const auto rng = inquiry.rng(7000 + first);
  const auto starts = listening.starts();
  for (std::size_t i = 0; i < starts.size(); ++i) {
    inquiry.at((from + to) / 2 + (to - from) / 2 * static_cast<double>(i) / static_cast<double>(starts.size()),
               "imagines in " + std::to_string(found.counts.size()) + " episodes");
    listening.dream(starts[i], {}, found.dreams, rng);
  }
}

LabNumber with_verdict(LabNumber said, bool good, bool bad) {
  said.verdict = good ? LabNumber::Verdict::good : bad ? LabNumber::Verdict::bad : LabNumber::Verdict::none;
  return said;
}

void fill(const Codes& found, LabAnswer& answer) {
  answer.numbers.clear(), answer.figures.clear(), answer.findings.clear();
  answer.episodes = static_cast<std::int64_t>(found.counts.size());
  std::vector<std::size_t> every(found.counts.size());
  for (std::size_t i = 0; i < every.size(); ++i) every[i] = i;
  const auto counts = counts_of(found, every);
  const auto use = counts.sum(1) / counts.sum().clamp_min(1);
  const double spread = std::exp(-torch::xlogy(use, use).sum().item<double>());
  answer.steps = counts.sum().item<std::int64_t>();
  const auto nmi =
      found.actions > 0
          ? bootstrap(every.size(),
                      [&](const auto& which) { return normalised_mutual_information(counts_of(found, which)); })
          : Interval{LabNumber::unknown, LabNumber::unknown, LabNumber::unknown};
  answer.numbers.push_back(with_verdict(
      number("nmi", "What codes and true actions tell of each other", "", nmi,
             found.actions > 0
                 ? "mutual information over the geometric mean of the entropies (NMI): 1 where each tells the other, 0 "
                   "nothing. The model was never shown the true actions. Good above 0.5"
                 : "cannot be told: the true actions are no choices"),
      nmi.low > 0.5, nmi.high < 0.1));
  std::string dead;
  for (std::int64_t i = 0; i < found.codes; ++i)
    if (use[i].item<double>() < dead_share)
      dead += (dead.empty() ? "" : ", ") + found.code_names[static_cast<std::size_t>(i)];
  auto used = number("codes_used", "Codes in use", "codes", {spread, LabNumber::unknown, LabNumber::unknown},
                     "perplexity: as many as there would be if all in use were used alike" +
                         (dead.empty() ? "" : "; hardly ever: " + dead));
  used.beside = {{"there are", static_cast<double>(found.codes)}};
  answer.numbers.push_back(with_verdict(used, false, spread < 1.2));
  double pixels = 0;
  for (const auto& each : found.dreams) pixels += each.pixels;
  Interval delta{LabNumber::unknown, LabNumber::unknown, LabNumber::unknown}, motion = delta;
  if (pixels > 0) {
    delta = over_listened(found.dreams, delta_psnr_of), motion = over_listened(found.dreams, motion_of);
    answer.numbers.push_back(with_verdict(
        number("delta_psnr", "Δ₄PSNR", "dB", delta,
               "the fourth imagined frame under the inferred codes against other codes; above 1 it clearly listens, "
               "below 0.1 hardly"),
        delta.low > clearly, delta.high < hardly));
    auto moves =
        number("motion", "Imagined motion, as a share of the true", "", motion,
               "mean |x̂ − x₀| over mean |x − x₀|, four steps on: a dream that stands still can have a high ΔPSNR too");
    moves.beside = {{"true", 1}};
    answer.numbers.push_back(moves);
  }
  Heatmap map{static_cast<int>(found.codes), static_cast<int>(counts.size(1)), 0, 1, false, {}, {}};
  map.cells = floats(counts / counts.sum(1, true).clamp_min(1));
  Table table;
  table.columns.push_back({"code", "", "one of the model's own actions", 0});
  table.columns.push_back({"use", "%", "how often it was inferred", 1});
  for (const auto& name : found.action_names)
    table.columns.push_back({name, "%", "how often this was really done when the code was inferred", 0});
  for (std::int64_t i = 0; i < found.codes; ++i) {
    std::vector<Table::Cell> row = {{static_cast<double>(i), found.code_names[static_cast<std::size_t>(i)]},
                                    {100 * use[i].item<double>(), ""}};
    for (std::size_t k = 0; k < found.action_names.size(); ++k)
      row.push_back(
          {100.0 * static_cast<double>(map.cells[static_cast<std::size_t>(i) * static_cast<std::size_t>(map.cols) + k]),
           ""});
    table.rows.push_back(std::move(row));
  }
  std::string columns;
  for (const auto& name : found.action_names) columns += (columns.empty() ? "" : ", ") + name;
  if (found.actions > 0)
    answer.figures.push_back(figure("matrix", "Which code is which action",
                                    "rows: codes; columns: " + columns + "; each row sums to 1", std::move(map)));
  answer.figures.push_back(
      figure("table", "Use of the codes", "of " + std::to_string(answer.steps) + " steps", std::move(table)));
  answer.sentence =
      "Of its " + std::to_string(found.codes) + " codes it uses as many as " + in_figures(spread) + " (perplexity)";
  if (std::isfinite(nmi.value))
    answer.sentence += "; with the true actions, which it never saw, they share " + in_figures(nmi.value) +
                       " of what there is to know";
  if (pixels > 0)
    answer.sentence += "; under the inferred ones the dream is " + in_figures(delta.value) +
                       " dB nearer to what happened than under others";
  answer.sentence += ".";
  if (spread < 1.2)
    answer.findings.push_back({LabFinding::Weight::fault, "codes_collapsed", "The action model has collapsed.",
                               "Nearly all that happens gets one code: perplexity " + in_figures(spread) + ".",
                               "Raise the weight of the codes' balance, or lower the learning rate.", "",
                               "actions.balance"});
  else if (!dead.empty())
    answer.findings.push_back({LabFinding::Weight::note, "codes_dead",
                               "Some codes are hardly ever inferred: " + dead + ".",
                               "Each in less than 1 % of the steps.", "Fewer codes would do.", "", "actions.codes"});
  if (pixels > 0 && delta.high < hardly)
    answer.findings.push_back({LabFinding::Weight::fault, "codes_ignored", "The dream does not listen to its codes.",
                               "Under others it is as near to what happened: Δ₄PSNR " + in_figures(delta) + " dB.",
                               "Train the dynamics for longer.", "", "dynamics.updates"});
}

void ask_codes(Inquiry& inquiry, LabAnswer& answer) {
  const auto spaces = inquiry.system().make_env()->spaces();
  const auto own = inquiry.model().actions(spaces);
  Codes found;
  found.codes = static_cast<std::int64_t>(own.choices.size()), found.code_names = own.choices;
  found.actions = static_cast<std::int64_t>(spaces.action.choices.size()), found.action_names = spaces.action.choices;
  for (std::size_t count = HeldOut::group; count <= code_episodes; count += HeldOut::group) {
    const auto first = count - HeldOut::group;
    const double began = inquiry.elapsed(), from = static_cast<double>(first) / code_episodes,
                 share = static_cast<double>(HeldOut::group) / code_episodes;
    const auto& all = inquiry.episodes(count, from, from + share / 4);
    look_at_codes(inquiry, all, first, found, from + share / 4, from + share);
    fill(found, answer);
    inquiry.show(answer);
    if (!inquiry.time_for(1.2 * (inquiry.elapsed() - began))) break;
  }
}

std::string lacks_codes(const System& system) {
  if (auto said = lacks_model(system); !said.empty()) return said;
  if (!finder_of(system)) return "it takes the world's own actions: there are none that it has found";
  return system.model->actions(system.make_env()->spaces()).discrete() ? ""
                                                                       : "the actions that it has found are no choices";
}

}  // namespace code_asking
}  // namespace

std::string lacks_true_actions(const System& system) {
  if (auto said = lacks_model(system); !said.empty()) return said;
  return finder_of(system) ? "it has found actions of its own: what true actions would do in its dream cannot be told"
                           : "";
}

Question question_codes() {
  return {"codes", "Who named the keys?",
          "What the actions that it has found have to do with those that were really taken, and whether its dream "
          "listens to them.",
          code_asking::lacks_codes, code_asking::ask_codes};
}

}  // namespace dream
