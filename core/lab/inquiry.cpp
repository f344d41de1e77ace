#include <algorithm>
#include <cmath>
#include <filesystem>

#include "api/error.h"
#include "api/platform_time.h"
#include "core/base/nearest.h"
#include "core/lab/board.h"
#include "core/lab/question.h"
#include "core/nn/generator.h"
#include "core/probe/from_tensor.h"

namespace dream {

Inquiry::Inquiry(Bench& bench, Asker asker, std::vector<LivedEpisode> glimpse)
    : bench_(bench), asker_(std::move(asker)), glimpse_(std::move(glimpse)), began_(now_seconds()) {}

const std::vector<LivedEpisode>& Inquiry::episodes(std::size_t count, double from, double to) {
  const auto doing = "drives " + std::to_string(count) + " unseen episodes";
  const auto between = [&](double share) { at(from + (to - from) * share, doing); };
  if (glimpse_.empty()) return bench_.held_out.first(count, between);
  if (glimpse_.size() < count) throw Error("a glimpse tells nothing");
  return glimpse_;
}

double Inquiry::elapsed() const {
  return now_seconds() - began_;
}

void Inquiry::at(double share, const std::string& doing) {
  if (elapsed() > (glimpse_.empty() ? 1 : 2) * asker_.seconds) {
    if (!glimpse_.empty()) throw Error("this takes longer than a glimpse");
    if (shown_) throw TimeIsUp{};
  }
  if (asker_.progress) asker_.progress(share, doing);
}

LabAnswer Inquiry::answer_of(const std::string& question, double seconds, double from, double to) {
  if (!glimpse_.empty()) throw Error("this takes longer than a glimpse");
  if (asker_.kept)
    if (auto kept = asker_.kept(question)) return *kept;
  Asker asker;
  asker.seconds = seconds;
  asker.progress = [&](double share, const std::string& doing) { at(from + (to - from) * share, doing); };
  return ask(dream::question(question), bench_, asker);
}

void Inquiry::show(const LabAnswer& answer) {
  shown_ = answer;
  if (asker_.show) asker_.show(answer);
}

at::Generator Inquiry::rng(std::uint64_t purpose) const {
  return make_generator(bench_.system->device, 1000 + purpose);
}

const Question& question(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& each : questions()) {
    if (each.name == name) return each;
    names.push_back(each.name);
  }
  const auto near = nearest(name, names);
  std::string known;
  for (const auto& each : names) known += (known.empty() ? "" : ", ") + each;
  throw Error("the laboratory has no question '" + name + "'" + (near.empty() ? "." : "; did you mean '" + near + "'?") +
              " They are: " + known);
}

namespace {

constexpr double glimpse_share = 0.08, glimpse_seconds = 5, glimpse_drive_seconds = 2;

Inquiry::Asker part_of(Inquiry::Asker asker, double from, double to) {
  asker.progress = [told = asker.progress, from, to](double share, const std::string& doing) {
    if (told) told(from + (to - from) * share, doing);
  };
  return asker;
}

/// The first figures within seconds, whatever the question: what it says of the beginning of four episodes. Nothing
/// where that is too little.
std::optional<LabAnswer> ask_of_a_glimpse(const Question& question, Bench& bench, Inquiry::Asker asker,
                                          LabAnswer answer) {
  const auto drives = part_of(asker, 0, glimpse_share / 2);
  asker = part_of(asker, glimpse_share / 2, glimpse_share);
  asker.seconds = std::min(asker.seconds, glimpse_seconds);
  try {
    auto few =
        bench.held_out.glimpse([&](double share) { drives.progress(share, "drives a little"); }, glimpse_drive_seconds);
    if (few.empty()) return {};
    std::size_t steps = 0;
    for (const auto& each : few) steps = std::max(steps, each.data.length());
    Inquiry inquiry(bench, asker, std::move(few));
    question.ask(inquiry, answer);
    asker.show(answer);
    answer.sentence += " There was no time for more than the first " + std::to_string(steps) + " steps of 4 episodes.";
    return answer;
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

LabAnswer ask(const Question& question, Bench& bench, const Inquiry::Asker& asker) {
  LabAnswer answer;
  answer.question = question.name;
  answer.runs = {bench.system->directory.string()};
  bench.glimpsed = false;
  const double began = now_seconds();
  try {
    answer.fault = question.lacks ? question.lacks(*bench.system) : "";
    auto shown = asker;
    if (asker.show) {
      shown.show = [&](const LabAnswer& so_far) {
        auto copy = so_far;
        copy.seconds = now_seconds() - began;
        asker.show(copy);
      };
    }
    torch::NoGradGuard no_grad;
    std::optional<LabAnswer> glimpsed;
    if (shown.show && answer.fault.empty()) {
      glimpsed = ask_of_a_glimpse(question, bench, shown, answer);
      shown = part_of(shown, glimpse_share, 1);
    }
    shown.seconds = std::max(1.0, asker.seconds - (now_seconds() - began));
    Inquiry inquiry(bench, shown);
    const std::string first_look = glimpsed ? glimpsed->sentence : "";
    if (glimpsed) inquiry.fall_back_on(std::move(*glimpsed));
    try {
      if (answer.fault.empty()) question.ask(inquiry, answer);
    } catch (const TimeIsUp&) {
      if (!inquiry.shown()) throw;  // the time of who asked this on the way to another answer
      answer = *inquiry.shown();
      bench.glimpsed = answer.sentence == first_look;
    }
  } catch (const Error& error) {
    answer.fault = error.what();
  } catch (const c10::Error& error) {
    answer.fault = std::string("Torch failed: ") + error.what_without_backtrace();
  }
  answer.seconds = now_seconds() - began;
  answer.complete = true;
  return answer;
}

namespace {

/// Of two axes one goes on with the other, as steps do; measured places, as predicted rewards, do not.
bool one_axis(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size())), b.begin());
}

}  // namespace

LabAnswer joined(const Question& question, const std::vector<LabAnswer>& answers,
                 const std::vector<std::string>& names) {
  if (answers.size() == 1) return answers.front();
  LabAnswer all;
  all.question = question.name;
  all.complete = true;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto& each = answers[i];
    const auto& name = names[i];
    all.runs.insert(all.runs.end(), each.runs.begin(), each.runs.end());
    all.sentence +=
        (all.sentence.empty() ? "" : "\n") + name + ": " + (each.fault.empty() ? each.sentence : each.fault);
    all.episodes += each.episodes, all.steps += each.steps, all.seconds += each.seconds;
    all.complete = all.complete && each.complete;
    for (auto number : each.numbers) number.run = name, all.numbers.push_back(std::move(number));
    for (auto finding : each.findings) finding.run = name, all.findings.push_back(std::move(finding));
    for (const auto& figure : each.figures) {
      // A run's own curve (the first line) goes into the plot that another run began, where both have the same axes.
      const auto* curve = std::get_if<Curve>(figure.value.get());
      const auto there = std::ranges::find(all.figures, figure.name, &LabFigure::name);
      const auto* begun = there == all.figures.end() ? nullptr : std::get_if<Curve>(there->value.get());
      if (curve && begun && !curve->lines.empty() && begun->y_unit == curve->y_unit && begun->x_unit == curve->x_unit &&
          one_axis(begun->x, curve->x)) {
        auto both = *begun;
        auto line = curve->lines.front();
        line.label = name;
        // One axis for all: the longer one.
        const auto& longer = curve->x.size() > both.x.size() ? curve->x : both.x;
        both.x = longer;
        line.y.resize(both.x.size(), LabNumber::unknown);
        if (!line.low.empty())
          line.low.resize(both.x.size(), LabNumber::unknown), line.high.resize(both.x.size(), LabNumber::unknown);
        both.lines.push_back(std::move(line));
        for (auto& other : both.lines) {
          other.y.resize(both.x.size(), LabNumber::unknown);
          if (!other.low.empty())
            other.low.resize(both.x.size(), LabNumber::unknown), other.high.resize(both.x.size(), LabNumber::unknown);
        }
        there->value = std::make_shared<const Value>(std::move(both));
        there->moments.clear();
      } else if (curve && !curve->lines.empty() && there == all.figures.end()) {
        auto alone = figure;
        auto first = *curve;
        first.lines.resize(1);
        first.lines.front().label = name;
        alone.value = std::make_shared<const Value>(std::move(first));
        alone.caption = "one line a run; its baselines are in its own answer";
        all.figures.push_back(std::move(alone));
      } else if ((curve && !curve->lines.empty()) || (!curve && figure.name != "settings")) {
        auto own = figure;
        own.name += "@" + name;
        own.title = name + ": " + own.title;
        all.figures.push_back(std::move(own));
      }
    }
  }
  // The board is what is asked for by `compare`; elsewhere it stands below the pictures.
  if (!all.numbers.empty())
    all.figures.insert(question.name == "compare" ? all.figures.begin() : all.figures.end(), board_of(answers, names));
  if (auto settings = differences_in("settings", answers, names)) all.figures.push_back(std::move(*settings));
  bool any = false;
  for (const auto& each : answers) any = any || each.fault.empty();
  if (!any) all.fault = all.sentence;
  return all;
}

std::string lacks_model(const System& system) {
  return system.model ? "" : "this system has no model: it acts in the real world alone";
}

LabNumber number(std::string name, std::string title, std::string unit, const Interval& interval, std::string note) {
  return {std::move(name), std::move(title), std::move(unit), interval.value,
          interval.low,    interval.high,    std::move(note)};
}

std::string in_figures(double value) {
  if (!std::isfinite(value)) return value > 0 ? "∞" : value < 0 ? "−∞" : "?";
  const double size = std::abs(value);
  char text[32];
  if (value == std::floor(value) && size < 1e7) return std::to_string(static_cast<long long>(value));
  std::snprintf(text, sizeof text,
                size >= 1000               ? "%.0f"
                : size >= 100              ? "%.0f"
                : size >= 10               ? "%.1f"
                : size >= 0.1 || size == 0 ? "%.2f"
                : size >= 0.001            ? "%.4f"
                                           : "%.1e",
                value);
  return text;
}

std::string in_figures(const Interval& interval) {
  if (!std::isfinite(interval.low)) return in_figures(interval.value);
  return in_figures(interval.value) + " (" + in_figures(interval.low) + " to " + in_figures(interval.high) + ")";
}

std::string short_name(const std::string& run) {
  auto path = std::filesystem::path(run);
  if (!path.has_filename()) path = path.parent_path();
  return path.filename().string();
}

Image sheet_of(const torch::Tensor& pictures, std::int64_t columns) {
  const auto n = pictures.size(0), c = pictures.size(1), h = pictures.size(2), w = pictures.size(3);
  columns = std::max<std::int64_t>(1, std::min(columns, n));
  const auto rows = (n + columns - 1) / columns;
  auto all = pictures.to(torch::kCPU, torch::kFloat32).clamp(0, 1);
  if (rows * columns > n) all = torch::cat({all, torch::zeros({rows * columns - n, c, h, w})});
  return image_from(all.view({rows, columns, c, h, w}).permute({2, 0, 3, 1, 4}).reshape({c, rows * h, columns * w}));
}

}  // namespace dream
