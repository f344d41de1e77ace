// What do more steps bring? Of a model whose frames are made in several: how near its dreams come to what happened,
// whether they listen to their actions, and how many frames a second it makes, over the number of steps. Measures 3 and
// 10 of the gauges.
#include <algorithm>
#include <cmath>

#include "api/platform_time.h"
#include "core/lab/listening.h"
#include "core/lab/questions/questions.h"

namespace dream {
namespace {
namespace step_asking {

constexpr std::size_t step_episodes = 16;
constexpr double as_good = 0.1;           // dB below the default that nobody sees
constexpr std::int64_t timed_frames = 8;  // of one dream, for the pace

/// A model's knob that counts: how much work goes into a frame.
const Knob* budget_of(const std::vector<Knob>& knobs) {
  const auto found = std::ranges::find_if(knobs, [](const Knob& knob) { return knob.whole && knob.choices.empty(); });
  return found == knobs.end() ? nullptr : &*found;
}

struct Tried {
  double steps = 0;
  std::vector<Listened> episodes;
  double frames = 0, seconds = 0;  // of one dream alone
};

/// How long one dream takes that goes on from frame t.
void time_dream(Inquiry& inquiry, const Listening& listening, std::int64_t t, const KnobValues& knobs, Tried& tried) {
  auto& model = inquiry.model();
  auto carry = listening.one(t);
  const auto action = listening.action_at(t).slice(0, 0, 1);
  const auto rng = inquiry.rng(9000);
  for (std::int64_t k = 0; k <= timed_frames; ++k) {
    const double began = now_seconds();
    carry = model.imagine(carry, action, knobs, rng);
    if (const auto frame = model.predict(carry).frame; frame.defined()) frame.sum().item<float>();  // a card has made it only now
    if (k > 0) tried.seconds += now_seconds() - began, ++tried.frames;  // the first warms up
  }
}

void fill(const Knob& knob, const std::vector<Tried>& all, LabAnswer& answer) {
  answer.numbers.clear(), answer.figures.clear(), answer.findings.clear();
  answer.episodes = static_cast<std::int64_t>(all.front().episodes.size());
  std::vector<double> x, pace;
  Line told{knob.title, {}}, still{"the last seen frame again", {}}, delta{"Δ₄PSNR", {}};
  still.dashed = true;
  Table table;
  table.columns = {{"steps", "", knob.help, 0},
                   {"PSNR", "dB", "of the fourth imagined frame", 2},
                   {"Δ₄PSNR", "dB", "the same against the dream under other actions", 2},
                   {"motion", "", "mean |x̂ − x₀| over mean |x − x₀|", 2},
                   {"pace", "frames/s", "of one dream, here and beside what else runs", 1}};
  const auto of_default = std::ranges::find(all, knob.default_value, &Tried::steps);
  const double few = [&] {
    for (const auto& tried : all) {
      const auto lost = bootstrap(answer.episodes, [&](const std::vector<std::size_t>& which) {
        std::vector<const Listened*> here, there;
        for (const auto i : which) here.push_back(&tried.episodes[i]), there.push_back(&of_default->episodes[i]);
        return psnr_of(there) - psnr_of(here);
      });
      if (lost.high < as_good || tried.steps == knob.default_value) return tried.steps;
    }
    return knob.default_value;
  }();
  const auto add = [](Line& line, const Interval& interval) {
    line.y.push_back(interval.value), line.low.push_back(interval.low), line.high.push_back(interval.high);
  };
  for (const auto& tried : all) {
    const auto quality = over_listened(tried.episodes, psnr_of), listens = over_listened(tried.episodes, delta_psnr_of),
               moves = over_listened(tried.episodes, motion_of);
    x.push_back(tried.steps), pace.push_back(tried.frames / std::max(tried.seconds, 1e-9));
    add(told, quality), add(delta, listens);
    still.y.push_back(over_listened(tried.episodes, [](const auto& which) {
                        double missed = 0, pixels = 0;
                        for (const auto* each : which) missed += each->still, pixels += each->pixels;
                        return psnr(missed / std::max(pixels, 1e-12));
                      }).value);
    table.rows.push_back({{tried.steps, ""},
                          {quality.value, in_figures(quality)},
                          {listens.value, in_figures(listens)},
                          {moves.value, in_figures(moves)},
                          {pace.back(), ""}});
    if (tried.steps != knob.default_value) continue;
    answer.numbers.push_back(
        number("psnr", "PSNR of the fourth imagined frame", "dB", quality, "in as many steps as it begins with"));
    answer.numbers.push_back(
        number("delta_psnr", "Δ₄PSNR", "dB", listens, "the same against the dream under other actions"));
    answer.numbers.push_back(number("pace", "Frames of one dream", "frames/s",
                                    {pace.back(), LabNumber::unknown, LabNumber::unknown},
                                    "decoded, on this machine and beside what else runs on it"));
  }
  answer.numbers.push_back(
      number("enough", "Steps that are enough", "", {few, LabNumber::unknown, LabNumber::unknown},
             "the fewest at which the fourth frame is surely less than 0.1 dB worse than at the default of " +
                 in_figures(knob.default_value)));
  const auto curve = [&](std::string name, std::string title, std::string caption, std::vector<Line> lines,
                         std::string unit) {
    answer.figures.push_back(figure(std::move(name), std::move(title), std::move(caption),
                                    Curve{x, std::move(lines), knob.title, std::move(unit), false}));
  };
  curve("quality", "Quality over the steps", "PSNR of the fourth imagined frame; bands: 95 % over episodes",
        {told, still}, "dB");
  curve("listens", "Whether it listens, over the steps", "PSNR under the actions that led there less that under others",
        {delta}, "dB");
  curve("pace", "Pace over the steps", "frames of one dream, decoded", {{"one dream", pace}}, "frames/s");
  answer.figures.push_back(
      figure("table", "Over the steps", "of " + std::to_string(answer.episodes) + " episodes", std::move(table)));
  const auto at = static_cast<std::size_t>(of_default - all.begin());
  answer.sentence = "In " + in_figures(knob.default_value) + " steps the fourth imagined frame has " +
                    in_figures(told.y[at]) + " dB, in one " + in_figures(told.y.front()) + ", in " +
                    in_figures(x.back()) + " " + in_figures(told.y.back()) + "; " + in_figures(few) +
                    (few == 1 ? " is" : " are") + " enough, and one dream then goes at " +
                    in_figures(pace[static_cast<std::size_t>(std::ranges::find(x, few) - x.begin())]) + " frames/s.";
  if (few < knob.default_value)
    answer.findings.push_back({LabFinding::Weight::note, "steps_idle", "Fewer steps would do.",
                               "With " + in_figures(few) + " the dream is surely less than 0.1 dB worse than with " +
                                   in_figures(knob.default_value) + ".",
                               "Set them lower: dreams are faster.", "", knob.name});
}

void ask_steps(Inquiry& inquiry, LabAnswer& answer) {
  const auto knobs = inquiry.model().knobs();
  const auto& knob = *budget_of(knobs);
  std::vector<double> values = {knob.default_value, knob.maximum};
  for (double value = std::max(1.0, knob.minimum); value < knob.maximum; value *= 2) values.push_back(value);
  std::ranges::sort(values);
  std::vector<Tried> all;
  for (const double value : values)
    if (all.empty() || all.back().steps != value) all.push_back({value, {}});
  for (std::size_t count = HeldOut::group; count <= step_episodes; count += HeldOut::group) {
    const auto first = count - HeldOut::group;
    const double began = inquiry.elapsed(), from = static_cast<double>(first) / step_episodes,
                 share = static_cast<double>(HeldOut::group) / step_episodes;
    const auto& episodes = inquiry.episodes(count, from, from + share / 8);
    const Listening listening(inquiry, episodes, first, from + share / 8, from + share / 4);
    const auto starts = listening.starts();
    if (starts.empty()) {
      answer.sentence = "Its episodes are too short: four frames are watched and four imagined.";
      return;
    }
    // Group by group, so that a moment without time leaves all values with the same episodes.
    auto further = all;
    for (std::size_t i = 0; i < further.size(); ++i) {
      const KnobValues wish = {{knob.name, further[i].steps}};
      const auto rng = inquiry.rng(7000 + first);  // the same others for all
      for (std::size_t k = 0; k < starts.size(); ++k) {
        inquiry.at(from + share * (0.25 + 0.75 *
                                              (static_cast<double>(i) +
                                               static_cast<double>(k) / static_cast<double>(starts.size())) /
                                              static_cast<double>(further.size())),
                   in_figures(further[i].steps) + " steps");
        listening.dream(starts[k], wish, further[i].episodes, rng);
      }
      time_dream(inquiry, listening, starts.front(), wish, further[i]);
    }
    all = std::move(further);
    fill(knob, all, answer);
    inquiry.show(answer);
    if (!inquiry.time_for(1.2 * (inquiry.elapsed() - began))) break;
  }
}

std::string lacks_steps(const System& system) {
  if (auto said = lacks_model(system); !said.empty()) return said;
  return budget_of(system.model->knobs()) ? "" : "its frames are made in one go: no knob says in how many steps";
}

}  // namespace step_asking
}  // namespace

Question question_steps() {
  return {"steps", "What do more steps bring?",
          "How near dreams come to what happened, and how fast they are, over the number of steps in which a frame is "
          "made.",
          step_asking::lacks_steps, step_asking::ask_steps};
}

}  // namespace dream
