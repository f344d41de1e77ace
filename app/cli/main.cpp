#include "core/nn/torch.h"

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <limits>
#include <new>

#include "api/error.h"
#include "app/cli/verb.h"
#include "core/base/nearest.h"
#include "core/base/platform.h"
#include "core/base/trust.h"
#include "core/nn/in_words.h"

namespace {

/// A program that a file brings is asked for before anything was done: the verb then begins anew.
void run_once_trusted(const dream::cli::Verb& verb, const dream::cli::Common& common) {
  using namespace dream;
  while (true) {
    try {
      return verb.run(common);
    } catch (const Untrusted& asked) {
      bool agreed = common.trust;
      if (!agreed && terminal_on_stdin() && terminal_on_stderr()) {
        std::fprintf(stderr,
                     "%s holds a program that can do on this computer whatever you can.\nSHA-256 %s\nRun it, now and later? [y/N] ",
                     printable(asked.file).c_str(), asked.sha256.c_str());
        std::string answer;
        agreed = std::getline(std::cin, answer) && (answer == "y" || answer == "Y" || answer == "yes");
      }
      if (!agreed) throw;
      trust(asked.sha256, asked.file);
    }
  }
}

int run_program(int argc, char** argv) {
  using namespace dream;
  keep_freed_memory();
  CLI::App app("Dreamscope without a window: train, collect, evaluate and inspect learned world models.",
               "dreamscope-cli");
  app.set_version_flag("--version", DREAMSCOPE_VERSION);
  app.require_subcommand(1);

  cli::Common common;
  std::vector<cli::Verb> verbs = {cli::train_verb(app), cli::collect_verb(app), cli::eval_verb(app),
                                  cli::trace_verb(app), cli::bench_verb(app),   cli::info_verb(app),
                                  cli::export_verb(app),  cli::replay_verb(app), cli::lab_verb(app),
                                  cli::serve_verb(app), cli::import_verb(app)};
  for (auto& verb : verbs) {
    verb.command->add_option("--device", common.device, "cpu, cuda or cuda:N")->capture_default_str();
    verb.command->add_option("--threads", common.threads, "Threads of a network's computation; 0 = one per core")
        ->transform(whole_between(0, 1024))
        ->capture_default_str();
    verb.command->add_option("--seed", common.seed, "Seed of everything random")
        ->transform(whole_between(0, verb.largest_seed));
    verb.command->add_flag("--trust", common.trust, "Run the program in a TorchScript file, now and later: it can do whatever you can");
    verb.command->add_flag("--quiet", common.quiet, "No progress, results only");
  }
  const std::string program = "dreamscope-cli";
  catch_interrupts();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return exit_code(program, app.exit(error));
    const std::string word = argc > 1 ? argv[1] : "-";
    std::vector<std::string> names;
    for (const auto& verb : verbs) names.push_back(verb.command->get_name());
    if (!word.starts_with('-') && std::find(names.begin(), names.end(), word) == names.end()) {
      const auto near = nearest(word, names);
      complain(program, "there is no verb '" + printable(word, 80) + "'" +
                            (near.empty() ? "" : "; did you mean '" + near + "'") + ". Try --help.");
      return 2;
    }
    complain(program, std::string(error.what()) + ". Try --help.");
    return 2;
  }
  try {
    if (common.threads > 0) torch::set_num_threads(common.threads);
    for (auto& verb : verbs) {
      if (!verb.command->parsed()) continue;
      common.seed_given = verb.command->count("--seed") > 0;
      run_once_trusted(verb, common);
    }
    return exit_code(program, 0);
  } catch (const std::bad_alloc&) {
    complain(program, "there is not enough memory for this; make the model, the batch or the number of lanes smaller");
  } catch (const std::exception& error) {
    complain(program, in_words(error));
  }
  return exit_code(program, 1);
}

}  // namespace

int main(int argc, char** argv) {
  return dream::end_of(run_program(argc, argv));
}
