#pragma once
#include <exception>
#include <filesystem>
#include <string>
#include <utility>

#include "api/error.h"
#include "core/nn/checkpoint.h"

namespace dream {

struct System;

/// What a run's checkpoint says of itself under "format". Version 1 said nothing.
constexpr int run_format = 5;
constexpr const char* run_format_key = "format";

/// Where training stood, for lists of runs: a line "name progress detail" for each phase.
constexpr const char* run_progress_key = "progress";

/// Findings in words (System::facts) stand under this and their name; lists of runs show the score.
constexpr const char* fact_prefix = "fact/";
constexpr const char* score_fact = "score";
constexpr const char* cost_fact = "cost";  // of a world with costs

/// The checkpoint of a run, in today's format whatever it was written in, or what a TorchScript file is as one. Throws
/// dream::Error for one that a newer program has written, and Untrusted (core/base/trust.h) for a program that the user has not
/// agreed to.
///
/// Of a world that another program brings, the folder `clips` beside it may hold a few recorded episodes, a dataset: on a machine that
/// lacks the world they are what dreams begin with.
Checkpoint load_run(const std::filesystem::path& file);
/// The clips beside its file, where there are any (see above).
void remember_world_of(const Checkpoint& checkpoint);

/// Those of a checkpoint.
void load_facts(const Checkpoint& from, System& into);

/// Brings a checkpoint of an older format to today's. Every step is one entry of the table in run_file.cpp.
void migrate(Checkpoint& checkpoint);

/// Whether there is nothing of a training's state in it: an export, for dreaming, evaluating and to begin from.
bool holds_weights_alone(const Checkpoint& checkpoint);

/// Whatever goes wrong in `work` is said with the file that it comes from.
template <typename Work>
auto naming(const std::string& origin, Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const c10::Error& error) {
    throw Error(origin + ": " + error.what_without_backtrace());
  } catch (const Error& error) {
    if (std::string(error.what()).find(origin) != std::string::npos) throw;
    throw Error(origin + ": " + error.what());
  }
}

}  // namespace dream
