#pragma once
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "api/value.h"

namespace dream {

// What the laboratory answers. Every figure is a number with its interval and what it is held against, or a value that
// a viewer draws; none knows which family it is about.

/// A step of an episode that was really lived: the world's seed and what was done until then live it again (BeginAt).
struct LabMoment {
  std::string run;  // whose dream is to begin there; its folder
  std::uint64_t seed = 0;
  std::int64_t step = 0;                              // actions lived through before it
  std::shared_ptr<const std::vector<float>> actions;  // [≥ step, A], row-major, as the environment takes them
  bool known() const { return actions != nullptr; }
};

struct LabNumber {
  enum class Verdict { none, good, bad };
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  std::string name, title, unit;         // "usable_horizon", "Usable horizon", "steps"
  double value = unknown;                // NaN: cannot tell, and `note` says why
  double low = unknown, high = unknown;  // 95 % interval; NaN: none
  std::string note = {};                 // how it is measured and judged, in a sentence
  Verdict verdict = Verdict::none;       // by the band that `note` states
  struct Beside {
    std::string label;
    double value = 0;
  };
  std::vector<Beside> beside = {};  // baselines of the same measurement
  std::string run = {};             // whose, in an answer about several runs
};

struct LabFigure {
  std::string name, title, caption;
  std::shared_ptr<const Value> value;
  /// Where its elements come from: one for every point of Points, row of a Table, x of a Curve, column of an Image; or
  /// none.
  std::vector<LabMoment> moments = {};
  int columns = 0, rows = 0;  // of an Image that is a sheet of pictures: how many side by side, above each other
  std::vector<std::string> row_labels = {}, column_labels = {};  // of such a sheet
  bool film = false;                                             // its columns follow one another: they can be played
};

/// What an experienced colleague would say of a run.
struct LabFinding {
  enum class Weight { note, warning, fault };
  Weight weight = Weight::note;
  std::string rule;  // the name of what was found: "kl_vanished"
  std::string sentence, evidence, advice;
  std::string panel, setting;  // where to look, and what to turn: a panel's id, a setting's or a knob's name
  std::string run = {};
};

struct LabAnswer {
  std::string question;           // its name: "horizon"
  std::vector<std::string> runs;  // folders
  std::string sentence;           // the answer in words
  std::vector<LabNumber> numbers;
  std::vector<LabFigure> figures;  // the first is the answer as a picture, the others are its evidence
  std::vector<LabFinding> findings = {};
  std::int64_t episodes = 0, steps = 0;  // held-out ones that it rests on
  double seconds = 0;                    // that it took
  bool complete = false;                 // false: first figures, which are being refined
  bool kept = false;                     // read from the disk: same weights, same question
  std::string fault = {};                // why there is no answer; empty = there is one
};

struct LabQuestionView {
  std::string name, title, help;  // "horizon", "How long is it true?", one sentence
};

struct LabView {
  std::vector<LabQuestionView> questions;
  std::vector<std::shared_ptr<const LabAnswer>>
      answers;  // of this session, the newest first; one for each question and runs
  struct Waiting {
    std::string question;
    std::vector<std::string> runs;
  };
  std::vector<Waiting> queue;             // the first is being answered
  double progress = 0, eta_seconds = -1;  // of the first: 0 … 1; < 0: unknown
  std::string doing;                      // "imagines 200 steps of 8 episodes"
};

}  // namespace dream
