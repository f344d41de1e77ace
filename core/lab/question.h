#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/lab.h"
#include "core/lab/held_out.h"
#include "core/lab/statistics.h"

namespace dream {

/// Whoever asked no longer wants to know.
struct Cancelled {};
/// There are figures, and no time to refine them further.
struct TimeIsUp {};

/// One run on the bench: its system, and the held-out episodes that its questions share.
struct Bench {
  static constexpr std::int64_t episode_steps = 320;  // of a held-out episode: enough to watch 60 and imagine 200
  explicit Bench(std::shared_ptr<System> of, HeldOutDriver driver = {})
      : system(std::move(of)), held_out(*system, episode_steps, std::move(driver)) {}
  std::shared_ptr<System> system;
  HeldOut held_out;
  std::string kept_weights;  // its fingerprint, once somebody has asked
  bool glimpsed = false;     // the last answer rests on the beginnings of episodes alone: there was no time for more
};

/// What a question is given while it is answered, by whoever asked.
class Inquiry {
 public:
  struct Asker {
    double seconds = 60;                                                   // that an answer may take
    std::function<void(double share, const std::string& doing)> progress;  // may throw Cancelled; empty: nobody looks
    std::function<void(const LabAnswer&)> show;                            // figures so far
    std::vector<std::string> all_runs = {};                                // that are asked about together
    /// What is kept with the run as the answer to another question; empty: nothing is.
    std::function<std::optional<LabAnswer>(const std::string& question)> kept = {};
  };
  /// With a `glimpse` it is a first look at these episodes, without time for more.
  Inquiry(Bench& bench, Asker asker, std::vector<LivedEpisode> glimpse = {});

  System& system() { return *bench_.system; }
  WorldModel& model() { return *bench_.system->model; }
  /// The first `count` held-out episodes, whose driving is `from` … `to` of the work.
  const std::vector<LivedEpisode>& episodes(std::size_t count, double from = 0, double to = 0.3);
  LabMoment moment(const Stretches::From& from, std::int64_t further) {
    return glimpse_.empty() ? bench_.held_out.moment(from.episode, from.step + further)
                            : bench_.held_out.moment(glimpse_.at(from.episode), from.step + further);
  }

  double elapsed() const;
  /// Whether there is time for what took `seconds` before.
  bool time_for(double seconds) const { return glimpse_.empty() && elapsed() + seconds < asker_.seconds; }
  double seconds() const { return asker_.seconds; }
  /// Called often, between two pieces of work of well under a second: `share` of all is done. Throws Cancelled, and
  /// TimeIsUp once figures have been shown and the time is over: they are the answer.
  void at(double share, const std::string& doing);
  /// Another question's answer about this run: the one that is kept, or what is found within so many seconds, which are
  /// `from` … `to` of the work.
  LabAnswer answer_of(const std::string& question, double seconds, double from, double to);
  /// Figures that could be the answer, and are being refined.
  void show(const LabAnswer& answer);
  const std::optional<LabAnswer>& shown() const { return shown_; }
  /// An answer for the case that the time is up before anything better.
  void fall_back_on(LabAnswer answer) { shown_ = std::move(answer); }
  /// Always the same stream for the same purpose.
  at::Generator rng(std::uint64_t purpose) const;

 private:
  Bench& bench_;
  Asker asker_;
  std::vector<LivedEpisode> glimpse_;
  double began_;
  std::optional<LabAnswer> shown_;
};

/// A question that any run can be asked, whatever its family.
struct Question {
  std::string name, title, help;
  /// Why this system cannot be asked; "" where it can.
  std::function<std::string(const System&)> lacks;
  /// Fills sentence, numbers, figures and findings. Throws dream::Error where it cannot be told at all.
  std::function<void(Inquiry&, LabAnswer&)> ask;
};

/// Every question, in the order in which the window lists them. A new one is a file in core/lab/questions and a line in
/// questions.cpp.
const std::vector<Question>& questions();
/// Throws dream::Error for an unknown one, naming the nearest.
const Question& question(const std::string& name);

/// One run's answer. What goes wrong is the answer's fault; Cancelled goes through.
LabAnswer ask(const Question& question, Bench& bench, const Inquiry::Asker& asker);
/// Several runs' answers as one: their curves over the same axis in one plot, their numbers below one another.
LabAnswer joined(const Question& question, const std::vector<LabAnswer>& answers,
                 const std::vector<std::string>& names);

/// Of systems without a model, or without one that paints.
std::string lacks_model(const System& system);

// -- for questions ---------------------------------------------------------------------------------------------
LabNumber number(std::string name, std::string title, std::string unit, const Interval& interval, std::string note);
template <typename V>
LabFigure figure(std::string name, std::string title, std::string caption, V value) {
  return {std::move(name), std::move(title), std::move(caption), std::make_shared<const Value>(std::move(value))};
}
/// "12.3", with as many digits as tell something; "?" for NaN.
std::string in_figures(double value);
/// "0.42 (0.31 to 0.55)"
std::string in_figures(const Interval& interval);
/// A name that people know a run by: its folder's.
std::string short_name(const std::string& run);
/// `pictures` [N, C, H, W] in [0, 1] as a sheet, `columns` side by side.
Image sheet_of(const torch::Tensor& pictures, std::int64_t columns);

}  // namespace dream
