#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/dream_modes.h"

namespace dream::ui {

/// What a learner must reach in a step. `deed` is one of deeds() (ui/lesson/deeds.h) and says what is measured.
struct Reach {
  std::string that;    // the sentence beside the tick
  std::string deed;    // "steps", "error", "knob" …
  std::string name;    // which knob or probe; a word that is to be the case ("you", "train")
  double value = 0;    // at least; 0 or 1 for yes and no
  bool below = false;  // of knobs and probes: at most
  bool operator==(const Reach&) const = default;
};

struct Answer {
  std::string text, why;  // why: said when it is chosen
  bool right = false;
  bool operator==(const Answer&) const = default;
};
struct Question {
  std::string text;
  std::vector<Answer> answers;
  bool operator==(const Question&) const = default;
};

struct LatentHold {  // as HoldLatent
  std::string probe;
  int index = 0;
  double value = 0;
  bool operator==(const LatentHold&) const = default;
};
struct Training {  // of a new run
  std::string recipe, world;
  std::vector<std::string> settings;  // "world.against=none"; "vm.from=run:doom": the folder of a run, as LessonStep::run names one
  bool operator==(const Training&) const = default;
};
struct Scripted {  // hands for so many steps of the dream
  std::vector<double> action;
  int steps = 1;
  bool operator==(const Scripted&) const = default;
};

inline constexpr const char* begun_run = "begun";

/// One step. What it does not name stays as the step before left it.
struct LessonStep {
  std::string title, text;  // text: Markdown
  std::string run;          // the folder's name: of a shipped run, or of one beside the lesson; begun_run: what the lesson has trained
  std::optional<Training> train;  // is begun, and the step waits for it; one that runs already is not stopped
  std::string workspace;
  std::vector<std::string> panels;   // brought to the front
  std::string tab;                   // of the panel Mind: the part of a probe's name before the slash; "all"
  std::string start;                 // "new", "same"
  std::optional<std::int64_t> seed;  // of the start: the same seed, the same start
  std::optional<bool> play, twin;
  std::optional<std::pair<Coupling, int>> coupling;  // and its steps; "anchor = 10" says both, "anchor = 0" that the dream leads
  std::optional<double> speed;  // 1: the world's own pace
  std::string pilot;            // "you", "agent"
  std::map<std::string, double> knobs;
  std::optional<std::vector<LatentHold>> hold;  // in place of all that is held; empty: let go
  std::vector<std::string> actions;             // ids of the groups Dream and View, run in this order
  std::vector<Scripted> drive;
  std::vector<std::string> point;  // things (ui/lesson/things.h), panels or probes
  std::vector<std::string> lock;   // things whose controls stand still
  std::vector<std::string> hide;   // "knobs"
  std::vector<Reach> reach;
  std::optional<Question> question;
  bool operator==(const LessonStep&) const = default;
};

struct Lesson {
  std::string title, about;  // about: one sentence
  std::vector<LessonStep> steps;
  bool operator==(const Lesson&) const = default;
};

/// Reads a lesson. `name` is the file's name in messages. Throws dream::Error, a sentence that names file, step and
/// field, for whatever is not as it must be; unknown keys, panels, workspaces and actions are refused.
Lesson parse_lesson(const std::string& toml, const std::string& name);
/// Of a file of at most 256 kB. Throws dream::Error.
Lesson load_lesson(const std::filesystem::path& file);
/// parse_lesson() of it gives the same lesson.
std::string to_toml(const Lesson& lesson);

/// A run's name as a lesson may give it: one folder's name, no way out of it.
bool is_run_name(const std::string& name);

}  // namespace dream::ui
