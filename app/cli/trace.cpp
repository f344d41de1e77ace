#include "app/cli/verb.h"
#include "api/error.h"

namespace dream::cli {

Verb trace_verb(CLI::App& app) {
  auto* command = app.add_subcommand("trace", "in work");
  return {command, [](const Common&) { throw Error("in work"); }};
}

}  // namespace dream::cli
