// Who named the keys? A model that has found its own actions in what it sees: what they have to do with those that were
// really taken, which it was never shown, and whether its dream listens to them. Measures 3, 4 and 10 of the gauges.
#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "core/lab/questions/questions.h"
#include "core/lab/starts.h"
#include "core/models/code_gauges.h"
#include "core/models/finds_actions.h"
#include "core/probe/from_tensor.h"

namespace dream {
namespace {
namespace code_asking {

constexpr std::size_t code_episodes = 32;
constexpr std::int64_t horizon = 4;          // of ΔPSNR, as the paper's Δ₄
constexpr std::int64_t context = 4;          // frames that are watched at least
constexpr std::int64_t starts_apart = 12;    // frames between two dreams
constexpr double dead_share = 0.01;          // a code used less is dead
constexpr double hardly = 0.1, clearly = 1;  // dB

FindsActions* finder(const System& system) {
  return dynamic_cast<FindsActions*>(system.model.get());
}

/// Sums of one episode.
struct Lived {
  torch::Tensor counts;  // [codes, true actions]; [codes, 1] where those are no choices
  double told = 0, misled = 0, still = 0,
         pixels = 0;            // squared errors of the last imagined frame; and how many numbers
  double moved = 0, truly = 0;  // Σ|x̂ − x₀|, Σ|x − x₀|
};

struct Codes {
  std::int64_t codes = 0, actions = 0;  // actions: 0 where they are no choices
  std::vector<std::string> code_names, action_names;
  std::vector<Lived> episodes;
  std::vector<Knob> counted;                        // knobs that count: quality is drawn over each
  std::vector<std::vector<double>> values, errors;  // of each of them: where it stood, and the squared error there
  double tried = 0;                                 // numbers of pictures behind each error

  Interval over_episodes(const std::function<double(const std::vector<const Lived*>&)>& of) const {
    return bootstrap(episodes.size(), [&](const std::vector<std::size_t>& which) {
      std::vector<const Lived*> chosen;
      for (const auto i : which) chosen.push_back(&episodes[i]);
      return of(chosen);
    });
  }
};

torch::Tensor counts_of(const std::vector<const Lived*>& episodes) {
  auto all = torch::zeros_like(episodes.front()->counts);
  for (const auto* each : episodes) all += each->counts;
  return all;
}

double delta_psnr(const std::vector<const Lived*>& episodes) {
  double told = 0, misled = 0;
  for (const auto* each : episodes) told += each->told, misled += each->misled;
  return 10 * std::log10(std::max(misled, 1e-12) / std::max(told, 1e-12));
}

double motion_of(const std::vector<const Lived*>& episodes) {
  double moved = 0, truly = 0;
  for (const auto* each : episodes) moved += each->moved, truly += each->truly;
  return moved / std::max(truly, 1e-12);
}

/// The dreams of one group of episodes that begin at frame t and end `horizon` later, [lanes] of them real to the end.
void dream_from(Inquiry& inquiry, const Whole& all, const std::vector<Carry>& seen, std::int64_t t, Codes& found,
                at::Generator rng) {
  auto& model = inquiry.model();
  const auto& batch = all.batch;
  const auto begun = seen[static_cast<std::size_t>(t)];
  const auto truth = unit_pictures(batch.image[t + horizon]), began = unit_pictures(batch.image[t]);
  const auto code_at = [&](std::int64_t k) {
    return finder(inquiry.system())->inferred(seen[static_cast<std::size_t>(t + k)]);
  };
  const auto other = [&](const torch::Tensor& code) {
    return (code + 1 + torch::randint(found.codes - 1, code.sizes(), rng, code.options()))
        .remainder(static_cast<double>(found.codes));
  };
  // The same chance in every dream of this start, so that what is asked about is all that differs.
  const auto dreamt = [&](bool told, const KnobValues& knobs) {
    auto carry = begun;
    const auto chance = inquiry.rng(8000 + 100 * all.first + static_cast<std::size_t>(t));
    for (std::int64_t k = 1; k <= horizon; ++k)
      carry = model.imagine(carry, told ? code_at(k) : other(code_at(k)), knobs, chance);
    return model.predict(carry).frame.to(torch::kFloat32);
  };
  const auto missed = [&](const torch::Tensor& frame) {
    return doubles_of((frame - truth).square().flatten(1).sum(1));
  };
  const auto frame = dreamt(true, {});
  const auto told = missed(frame), misled = missed(dreamt(false, {})), still = missed(began);
  const auto moved = doubles_of((frame - began).abs().flatten(1).sum(1)),
             truly = doubles_of((truth - began).abs().flatten(1).sum(1));
  std::vector<std::vector<std::vector<double>>> tried(found.counted.size());
  for (std::size_t i = 0; i < found.counted.size(); ++i)
    for (const double value : found.values[i])
      tried[i].push_back(missed(dreamt(true, {{found.counted[i].name, value}})));
  for (std::int64_t lane = 0; lane < batch.lanes(); ++lane) {
    if (!all.real(lane, t + horizon)) continue;
    const auto row = static_cast<std::size_t>(lane);
    auto& lived = found.episodes[all.first + row];
    const auto numbers = static_cast<double>(truth[0].numel());
    lived.told += told[row], lived.misled += misled[row], lived.still += still[row], lived.pixels += numbers;
    lived.moved += moved[row], lived.truly += truly[row];
    found.tried += numbers;
    for (std::size_t i = 0; i < tried.size(); ++i)
      for (std::size_t k = 0; k < tried[i].size(); ++k) found.errors[i][k] += tried[i][k][row];
  }
}

void look_at_codes(Inquiry& inquiry, const Whole& all, Codes& found, double from, double to) {
  const auto& batch = all.batch;
  auto& model = inquiry.model();
  const auto rng = inquiry.rng(7000 + all.first);
  found.episodes.resize(all.first + all.frames.size());
  for (std::size_t lane = 0; lane < all.frames.size(); ++lane)
    found.episodes[all.first + lane].counts =
        torch::zeros({found.codes, std::max<std::int64_t>(1, found.actions)}, torch::kFloat64);
  const auto at = [&](double share) {
    inquiry.at(from + (to - from) * share, "watches " + std::to_string(all.first + all.frames.size()) + " episodes");
  };
  std::vector<Carry> seen;
  watch(model, batch, batch.steps(), rng, [&](std::int64_t t, const Carry& carry) {
    at(0.5 * static_cast<double>(t) / static_cast<double>(batch.steps()));
    seen.push_back(carry);
    if (t == 0) return;
    const auto codes = finder(inquiry.system())->inferred(carry).select(1, 0).to(torch::kCPU);
    for (std::int64_t lane = 0; lane < batch.lanes(); ++lane) {
      if (!all.real(lane, t)) continue;
      const auto action = found.actions > 0 ? batch.action[t][lane][0].item<float>() : 0.0f;
      found.episodes[all.first + static_cast<std::size_t>(lane)]
          .counts[codes[lane].item<std::int64_t>()][static_cast<std::int64_t>(action)] += 1;
    }
  });
  for (auto t = context - 1; t + horizon < batch.steps(); t += starts_apart) {
    at(0.5 + 0.5 * static_cast<double>(t) / static_cast<double>(batch.steps()));
    dream_from(inquiry, all, seen, t, found, rng);
  }
}

LabNumber with_verdict(LabNumber said, bool good, bool bad) {
  said.verdict = good ? LabNumber::Verdict::good : bad ? LabNumber::Verdict::bad : LabNumber::Verdict::none;
  return said;
}

void fill(const Codes& found, LabAnswer& answer) {
  answer.numbers.clear(), answer.figures.clear(), answer.findings.clear();
  answer.episodes = static_cast<std::int64_t>(found.episodes.size());
  std::vector<const Lived*> every;
  for (const auto& each : found.episodes) every.push_back(&each);
  const auto counts = counts_of(every);
  const auto use = counts.sum(1) / counts.sum().clamp_min(1);
  const double spread = std::exp(-torch::xlogy(use, use).sum().item<double>());
  answer.steps = counts.sum().item<std::int64_t>();
  const auto nmi =
      found.actions > 0
          ? found.over_episodes([](const auto& which) { return normalised_mutual_information(counts_of(which)); })
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
  for (const auto* each : every) pixels += each->pixels;
  Interval delta{LabNumber::unknown, LabNumber::unknown, LabNumber::unknown}, motion = delta;
  if (pixels > 0) {
    delta = found.over_episodes(delta_psnr), motion = found.over_episodes(motion_of);
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
  for (std::size_t i = 0; i < found.counted.size() && found.tried > 0; ++i) {
    Curve curve{found.values[i],
                {{found.counted[i].title, {}}, {"the last seen frame again", {}}},
                found.counted[i].title,
                "dB",
                false};
    double still = 0;
    for (const auto* each : every) still += each->still;
    for (const double error : found.errors[i]) {
      curve.lines[0].y.push_back(psnr(error / found.tried));
      curve.lines[1].y.push_back(psnr(still / found.tried));
    }
    curve.lines[1].dashed = true;
    answer.figures.push_back(figure(found.counted[i].name, "Quality over: " + found.counted[i].title,
                                    "PSNR of the fourth imagined frame", std::move(curve)));
  }
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
  for (const auto& knob : inquiry.model().knobs()) {
    if (!knob.whole || !knob.choices.empty()) continue;
    std::vector<double> values;
    for (double value = std::max(1.0, knob.minimum); value < knob.maximum; value *= 2) values.push_back(value);
    values.push_back(knob.maximum);
    found.errors.emplace_back(values.size(), 0.0);
    found.values.push_back(std::move(values)), found.counted.push_back(knob);
  }
  for (std::size_t count = HeldOut::group; count <= code_episodes; count += HeldOut::group) {
    const auto first = count - HeldOut::group;
    const double began = inquiry.elapsed(), from = static_cast<double>(first) / code_episodes,
                 share = static_cast<double>(HeldOut::group) / code_episodes;
    const auto& all = inquiry.episodes(count, from, from + share / 4);
    look_at_codes(inquiry, whole(all, first, HeldOut::group, inquiry.system().device), found, from + share / 4,
                  from + share);
    fill(found, answer);
    inquiry.show(answer);
    if (!inquiry.time_for(1.2 * (inquiry.elapsed() - began))) break;
  }
}

std::string lacks_codes(const System& system) {
  if (auto said = lacks_model(system); !said.empty()) return said;
  if (!finder(system)) return "it takes the world's own actions: there are none that it has found";
  return system.model->actions(system.make_env()->spaces()).discrete() ? ""
                                                                       : "the actions that it has found are no choices";
}

}  // namespace code_asking
}  // namespace

std::string lacks_true_actions(const System& system) {
  if (auto said = lacks_model(system); !said.empty()) return said;
  return code_asking::finder(system)
             ? "it has found actions of its own: what true actions would do in its dream cannot be told"
             : "";
}

Question question_codes() {
  return {"codes", "Who named the keys?",
          "What the actions that it has found have to do with those that were really taken, and whether its dream "
          "listens to them.",
          code_asking::lacks_codes, code_asking::ask_codes};
}

}  // namespace dream
