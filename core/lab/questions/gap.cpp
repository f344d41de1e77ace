// Does it cheat? The same behaviour, from the same moments, in the dream and in the real world. Measure 9 of the
// gauges.
#include "core/lab/questions/gap.h"

#include <algorithm>
#include <cmath>

#include "api/error.h"
#include "core/lab/questions/questions.h"

namespace dream {
namespace gap {
namespace {

constexpr std::size_t most_starts = 32;
constexpr double share_of_earned = 0.1;   // of what is earned above random actions: a gap within it is small

std::vector<double> means_of(const std::vector<std::vector<double>>& each) {
  std::vector<double> means;
  for (const auto& copies : each) means.push_back(mean_of(copies));
  return means;
}

std::vector<double> flattened(const std::vector<std::vector<double>>& each) {
  std::vector<double> all;
  for (const auto& copies : each) all.insert(all.end(), copies.begin(), copies.end());
  return all;
}

std::vector<double> less(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

Line level(std::string label, const Interval& interval, std::size_t count, bool real, bool dashed) {
  Line line;
  line.label = std::move(label), line.real = real, line.dashed = dashed;
  line.y.assign(count, interval.value);
  if (!dashed && std::isfinite(interval.low))
    line.low.assign(count, interval.low), line.high.assign(count, interval.high);
  return line;
}

}  // namespace

void tell(Inquiry& inquiry, const Sums& sums, LabAnswer& answer) {
  answer.numbers.clear(), answer.figures.clear();
  const auto n = sums.starts();
  answer.episodes = static_cast<std::int64_t>(n);
  answer.steps = answer.episodes * sums.steps;
  const auto usual = means_of(sums.dreams[sums.usual]);
  const auto dreams = flattened(sums.dreams[sums.usual]);
  const auto whose = std::string(sums.drives ? "the behaviour" : "chance");
  const auto in_dream = bootstrap_mean(usual), real = bootstrap_mean(sums.real),
             gap = bootstrap_mean(less(usual, sums.real));
  const auto chance_dream = means_of(sums.chance);
  const auto chance_gap = bootstrap_mean(less(chance_dream, sums.chance_real));
  const double spread = deviation_of(sums.real), chance_real = mean_of(sums.chance_real);
  const double earned = std::abs(real.value - chance_real);
  const double band = std::max(spread, share_of_earned * earned);
  const auto over = "over at most " + std::to_string(sums.steps) + " steps from the same " + std::to_string(n) +
                    " moments, " + std::to_string(sums.context) + " steps into unseen episodes";

  auto number_gap =
      number("gap", "Gap: dream − reality", "", gap,
             "return in " + std::to_string(dreams.size()) + " dreams less that in reality, " + over +
                 "; good: within the spread of real returns or a tenth of what is earned above random actions (" +
                 in_figures(band) + "), bad: beyond it for sure, of eight moments at least");
  const bool honest = std::abs(gap.value) <= band;
  const bool surely = n >= enough_to_tell && (gap.low > 0 || gap.high < 0);
  number_gap.verdict = honest ? LabNumber::Verdict::good : surely ? LabNumber::Verdict::bad : LabNumber::Verdict::none;
  number_gap.beside = {{"random actions", chance_gap.value}, {"spread of real returns", spread}};
  auto number_dream = number("return_dream", "Return in the dream", "", in_dream,
                             "of " + whose + " in " + std::to_string(dreams.size()) + " dreams " + over + "; spread " +
                                 in_figures(deviation_of(dreams)));
  number_dream.beside = {{"random actions", mean_of(chance_dream)}};
  auto number_real =
      number("return_real", "Return in reality", "", real,
             "of " + whose + " in the episodes that were lived through, " + over + "; spread " + in_figures(spread));
  number_real.beside = {{"random actions", chance_real}};
  answer.numbers = {
      number_gap, number_dream, number_real,
      number("gap_random", "Gap of random actions", "", chance_gap, "the same for random actions, " + over)};
  const double rank = n >= 16 ? spearman(usual, sums.real) : LabNumber::unknown;
  answer.numbers.push_back({"rank", "Rank correlation over starts", "", rank, LabNumber::unknown, LabNumber::unknown,
                            std::isfinite(rank)
                                ? "Spearman: whether moments from which reality pays more do so in the dream"
                                : "fewer than 16 moments, or all of them pay the same"});
  auto exploit = number("exploit", "Dearest error", "", {sums.worst.excess, LabNumber::unknown, LabNumber::unknown},
                        "what " + std::to_string(sums.window) +
                            " dreamed steps pay at most beyond reality under the same actions, of " +
                            std::to_string(sums.excesses.size()) +
                            " dreams; late in a dream it may be drift, as nobody watches the road");
  exploit.beside = {{"mean of all dreams", mean_of(sums.excesses)},
                    {"in the first " + std::to_string(sums.window) + " steps", mean_of(sums.early)},
                    {"the other way round", *std::ranges::max_element(sums.shortfalls)}};
  answer.numbers.push_back(std::move(exploit));

  const auto bounds =
      std::isfinite(gap.low) ? " (" + in_figures(gap.low) + " to " + in_figures(gap.high) + ")" : std::string();
  answer.sentence = "Over at most " + std::to_string(sums.steps) + " steps from the same " + std::to_string(n) +
                    " moments " + whose + " earns " + in_figures(in_dream.value) + " in the dream and " +
                    in_figures(real.value) + " in reality: a gap of " + in_figures(gap.value) + bounds;
  if (honest)
    answer.sentence += ", within " + in_figures(band) + ": the dream does not cheat.";
  else if (!surely)
    answer.sentence += n < enough_to_tell ? ", but fewer than eight moments are too few to call it cheating."
                                         : ", too uncertain to call it cheating.";
  else if (gap.value > 0)
    answer.sentence += ", more than " + in_figures(band) + ": the dream pays what reality does not.";
  else
    answer.sentence += ": the dream pays less than reality, so it does not cheat, but it is wrong by more than " +
                       in_figures(band) + ".";
  if (sums.drives && n >= enough_to_tell && (real.value > chance_real) != (in_dream.value > mean_of(chance_dream)))
    answer.sentence += " It does not even rank the behaviour above random actions as reality does.";

  Table table;
  table.columns = {{sums.symbol.empty() ? "dreams" : sums.symbol, "", "what the dreams are bent by", 2},
                   {"dream", "", "mean return", 2},
                   {"spread", "", "of dreams", 2},
                   {"dreams", "", "", 0},
                   {"gap", "", "dream − reality", 2},
                   {"from", "", "95 %, bootstrap over episodes", 2},
                   {"to", "", "", 2}};
  Line dreamt;
  dreamt.label = "in the dream";
  for (std::size_t value = 0; value < sums.values.size(); ++value) {
    const auto each = means_of(sums.dreams[value]);
    const auto all = flattened(sums.dreams[value]);
    const auto here = bootstrap_mean(each), apart = bootstrap_mean(less(each, sums.real));
    dreamt.y.push_back(here.value), dreamt.low.push_back(here.low), dreamt.high.push_back(here.high);
    const auto bound = [](double x) { return Table::Cell{x, std::isfinite(x) ? "" : "?"}; };
    table.rows.push_back({{sums.values[value], sums.symbol.empty() ? "as learned" : in_figures(sums.values[value])},
                          {here.value, ""},
                          {deviation_of(all), ""},
                          {static_cast<double>(all.size()), std::to_string(all.size())},
                          {apart.value, ""},
                          bound(apart.low),
                          bound(apart.high)});
  }
  if (!std::isfinite(dreamt.low.front())) dreamt.low.clear(), dreamt.high.clear();
  const auto caption = "mean return " + over + "; bands: 95 % over episodes";
  if (sums.values.size() > 1) {
    Curve curve;
    curve.x = sums.values, curve.x_unit = sums.symbol, curve.y_unit = "return";
    const auto count = sums.values.size();
    curve.lines = {dreamt, level("in reality", real, count, true, false),
                   level("random, dream", bootstrap_mean(chance_dream), count, false, true),
                   level("random, reality", bootstrap_mean(sums.chance_real), count, true, true)};
    answer.figures.push_back(figure("returns", "Return in dreams and in reality", caption, std::move(curve)));
  } else {
    Vector bars;
    const auto add = [&](const char* label, const std::vector<double>& each) {
      bars.labels.push_back(label);
      bars.values.push_back(static_cast<float>(mean_of(each))), bars.mean.push_back(bars.values.back());
      bars.deviation.push_back(static_cast<float>(deviation_of(each)));
    };
    add("dream", dreams), add("reality", sums.real), add("random, dream", flattened(sums.chance)),
        add("random, reality", sums.chance_real);
    answer.figures.push_back(figure("returns", "Return in dreams and in reality",
                                    "mean return " + over + "; the marks are the mean and the spread",
                                    std::move(bars)));
  }

  const auto& twin = sums.worst;
  const auto moment = [&](std::int64_t k) {
    return LabMoment{inquiry.system().directory.string(), twin.seed,
                     twin.began + std::clamp<std::int64_t>(k, 0, twin.lived), twin.actions};
  };
  Curve cheat;
  cheat.x_unit = "imagined steps", cheat.y_unit = "rewards so far";
  cheat.lines = {{"in the dream", {}, false}, {"in reality, same actions", {}, true}};
  double paid = 0, true_paid = 0;
  for (std::size_t k = 0; k < twin.dreamt.size(); ++k) {
    cheat.x.push_back(static_cast<double>(k + 1));
    cheat.lines[0].y.push_back(paid += twin.dreamt[k]), cheat.lines[1].y.push_back(true_paid += twin.real[k]);
  }
  // A click anywhere begins before the step that pays; the window's first step is the jump.
  const bool exploited = twin.excess > 0.01 * std::max({std::abs(real.value), spread, 1e-4});
  auto made =
      figure("exploit",
             exploited ? "Where the dream pays and reality does not" : "Nowhere does the dream pay more than reality",
             "the dream of all " + std::to_string(sums.excesses.size()) + " in which " + std::to_string(sums.window) +
                 " steps pay most beyond reality: by " + in_figures(twin.excess) + " after " + std::to_string(twin.at) +
                 " imagined steps",
             std::move(cheat));
  for (std::size_t k = 0; k < twin.dreamt.size(); ++k) made.moments.push_back(moment(static_cast<std::int64_t>(k)));
  // After many steps under a dream's actions the real world has gone elsewhere: then most dreams pay more, and did not
  // at first.
  const bool drift = mean_of(sums.excesses) > 0.5 * twin.excess && mean_of(sums.early) < 0.25 * twin.excess;
  if (exploited)
    answer.sentence +=
        " At worst " + std::to_string(sums.window) +
        (sums.window == 1 ? " dreamed step pays " : " dreamed steps pay ") + in_figures(twin.excess) +
        " beyond reality under the same actions, from imagined step " + std::to_string(twin.at + 1) + " on" +
        (drift ? ", but so do most dreams that late, and not in their first steps: drift rather than a trick." : ".");
  answer.figures.push_back(std::move(made));
  if (exploited) {
    Table jump;
    jump.columns = {{"moment", "", "a click begins there"},
                    {"step", "", "of the episode", 0},
                    {"dream", "", "its rewards in the window", 3},
                    {"reality", "", "under the same actions", 3}};
    double in_window = 0, truly = 0;
    for (std::int64_t k = twin.at;
         k < twin.at + std::min<std::int64_t>(sums.window, static_cast<std::int64_t>(twin.dreamt.size())); ++k)
      in_window += twin.dreamt[static_cast<std::size_t>(k)], truly += twin.real[static_cast<std::size_t>(k)];
    const auto there = moment(twin.at);
    jump.rows = {{{0, "the dream pays, reality does not"},
                  {static_cast<double>(there.step), std::to_string(there.step)},
                  {in_window, ""},
                  {truly, ""}}};
    auto row = figure("jump", "The dearest moment", "where the window begins", std::move(jump));
    row.moments = {there};
    answer.figures.push_back(std::move(row));
  }
  if (sums.values.size() > 1)
    answer.figures.push_back(figure("values", "Setting by setting", caption, std::move(table)));
}

namespace {

void ask_gap(Inquiry& inquiry, LabAnswer& answer) {
  if (!inquiry.model().outcome(inquiry.model().initial(1)).reward.defined())
    throw Error("this model predicts no reward: its dreams have no score that could be held against the real one");
  Sums sums;
  auto ways = ways_of(inquiry.system());
  LabAnswer of_starts = answer;  // without the ways
  const auto say = [&] {
    answer = of_starts;
    tell(ways, answer);
    inquiry.show(answer);
  };
  // Whole dreams first: each way's own figures are what its search was after.
  const double for_ways = ways.all.empty() ? 0 : 0.7;
  for (std::size_t more = HeldOut::group; !ways.all.empty() && ways.episodes() < Ways::most && inquiry.time_for(0); more = ways.episodes()) {
    more = std::min(more, Ways::most - ways.episodes());
    const auto share = [&](std::size_t episodes) { return for_ways * static_cast<double>(episodes) / Ways::most; };
    const double began = inquiry.elapsed();
    measure(inquiry, ways, more, share(ways.episodes()), share(ways.episodes() + more));
    say();
    if (inquiry.elapsed() > for_ways * inquiry.seconds() || !inquiry.time_for(2 * (inquiry.elapsed() - began))) break;
  }
  for (std::size_t count = HeldOut::group; count <= most_starts; count += HeldOut::group) {
    const auto first = count - HeldOut::group;
    const auto share = [&](std::size_t starts) { return for_ways + (1 - for_ways) * static_cast<double>(starts) / most_starts; };
    const double began = inquiry.elapsed(), from = share(first), to = share(count);
    const auto& lived = inquiry.episodes(count, from, (from + to) / 2);
    const std::vector<LivedEpisode> these(lived.begin() + static_cast<std::ptrdiff_t>(first),
                                          lived.begin() + static_cast<std::ptrdiff_t>(count));
    if (first == 0) sums.context = context_of(these, inquiry.system().make_env()->spaces());
    measure(inquiry, these, first, sums, (from + to) / 2, to);
    if (sums.starts() == 0) continue;
    tell(inquiry, sums, of_starts);
    say();
    if (!inquiry.time_for(inquiry.elapsed() - began)) break;
  }
  if (sums.starts() == 0 && ways.episodes() == 0) throw Error("no held-out episode was long enough");
}

}  // namespace
}  // namespace gap

Question question_gap() {
  return {
      "gap", "Does it cheat?",
      "The same behaviour's return in the dream and in the real world, over the temperature; and where the dream pays "
      "and reality does not.",
      [](const System& system) {
        if (const auto lacks = lacks_true_actions(system); !lacks.empty()) return lacks;
        const auto spaces = system.make_env()->spaces();
        return std::string(system.model->actions(spaces).size() == spaces.action.size()
                               ? ""
                               : "its model brings actions of its own: the real world cannot be driven by its dreams");
      },
      gap::ask_gap};
}

}  // namespace dream
