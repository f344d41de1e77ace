#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "app/program.h"

namespace dream::cli {

/// What every verb takes.
struct Common {
  std::string device = "cpu";
  int threads = 0;  // 0 = as many as there are processors
  std::uint64_t seed = 1;
  bool seed_given = false;
  bool quiet = false;
  bool trust = false;  // programs that files bring may run
};

/// A verb adds its subcommand with its options and returns what it does; the function throws dream::Error with the one
/// sentence that the user sees.
struct Verb {
  CLI::App* command = nullptr;
  std::function<void(const Common&)> run;
  std::int64_t largest_seed = std::numeric_limits<std::int64_t>::max();
};

Verb train_verb(CLI::App& app);
Verb collect_verb(CLI::App& app);
Verb eval_verb(CLI::App& app);
Verb trace_verb(CLI::App& app);
Verb bench_verb(CLI::App& app);
Verb info_verb(CLI::App& app);
Verb export_verb(CLI::App& app);
Verb import_verb(CLI::App& app);
Verb replay_verb(CLI::App& app);
Verb lab_verb(CLI::App& app);
Verb serve_verb(CLI::App& app);

}  // namespace dream::cli
