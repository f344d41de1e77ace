#include "app/cli/verb.h"
#include "api/error.h"

namespace dream::cli {

Verb bench_verb(CLI::App& app) {
  auto* command = app.add_subcommand("bench", "in work");
  return {command, [](const Common&) { throw Error("in work"); }};
}

}  // namespace dream::cli
