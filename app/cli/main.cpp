#include "core/nn/torch.h"

#include <algorithm>
#include <cstdio>

#include "api/error.h"
#include "app/cli/verb.h"
#include "core/base/nearest.h"
#include "core/base/platform.h"

int main(int argc, char** argv) {
  using namespace dream;
  keep_freed_memory();
  CLI::App app("Dreamscope without a window: train, collect, evaluate and inspect learned world models.",
               "dreamscope-cli");
  app.set_version_flag("--version", DREAMSCOPE_VERSION);
  app.require_subcommand(1);

  cli::Common common;
  std::vector<cli::Verb> verbs = {cli::train_verb(app), cli::collect_verb(app), cli::eval_verb(app),
                                  cli::trace_verb(app), cli::bench_verb(app),   cli::info_verb(app),
                                  cli::export_verb(app)};
  for (auto& verb : verbs) {
    verb.command->add_option("--device", common.device, "cpu, cuda or cuda:N")->capture_default_str();
    verb.command->add_option("--threads", common.threads, "Threads of a network's computation; 0 = one per core")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
    verb.command->add_option("--seed", common.seed, "Seed of everything random");
    verb.command->add_flag("--quiet", common.quiet, "No progress, results only");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    const std::string word = argc > 1 ? argv[1] : "-";
    std::vector<std::string> names;
    for (const auto& verb : verbs) names.push_back(verb.command->get_name());
    if (!word.starts_with('-') && std::find(names.begin(), names.end(), word) == names.end()) {
      const auto near = nearest(word, names);
      std::fprintf(stderr, "dreamscope-cli: there is no verb '%s'%s. Try --help.\n", word.c_str(),
                   near.empty() ? "" : ("; did you mean '" + near + "'").c_str());
      return 2;
    }
    std::fprintf(stderr, "dreamscope-cli: %s. Try --help.\n", error.what());
    return 2;
  }
  try {
    catch_interrupts();
    if (common.threads > 0) torch::set_num_threads(common.threads);
    for (auto& verb : verbs) {
      if (!verb.command->parsed()) continue;
      common.seed_given = verb.command->count("--seed") > 0;
      verb.run(common);
    }
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "dreamscope-cli: %s\n", error.what());
  } catch (const c10::Error& error) {
    std::fprintf(stderr, "dreamscope-cli: Torch failed: %s\n", error.what_without_backtrace());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "dreamscope-cli: %s\n", error.what());
  }
  return 1;
}
