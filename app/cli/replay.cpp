#include "api/error.h"
#include "app/cli/verb.h"
#include "core/dream/bundle.h"
#include "core/dream/player.h"
#include "core/engine/guests.h"
#include "core/engine/run_file.h"
#include "core/live/run_list.h"

namespace dream::cli {

Verb replay_verb(CLI::App& app) {
  struct Options {
    std::string bundle, run;
    bool any_weights = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("replay", "Live a kept piece of a dream again, and compare every picture");
  command->add_option("bundle", options->bundle, "The file that the window kept")->required();
  command->add_option("--run", options->run, "The run to dream with (default: the one that it was kept from)");
  command->add_flag("--any-weights", options->any_weights,
                    "Also with other weights than it was kept with: the same actions and chance, another dream");
  return {command, [options](const Common& common) {
            const auto bundle = Checkpoint::load(options->bundle);
            const auto of = about_bundle(bundle);
            const auto run = options->run.empty() ? run_of_bundle(bundle, find_assets(), "runs")
                                                  : std::filesystem::path(options->run);
            torch::set_num_threads(1);  // as the window dreams
            Player player;
            std::string away;
            player.load(load_with_driver(load_run(checkpoint_path(run)), common.device, {}, &away), run.string());
            if (!away.empty()) complain("dreamscope-cli", away);
            const auto lived = player.replay(bundle, options->any_weights);
            std::printf("%s  %s, %s, weights %s\n", options->bundle.c_str(), of.environment.c_str(), run.string().c_str(),
                        of.weights.c_str());
            std::printf("%lld steps lived again, %lld of %lld pictures the same to the last bit\n",
                        static_cast<long long>(lived.steps), static_cast<long long>(lived.equal),
                        static_cast<long long>(lived.steps + 1));
            if (lived.first_other < 0) return;
            throw Error("not the same from step " + std::to_string(lived.first_other) + " on, by at most " +
                        std::to_string(lived.largest) + " of 255 in a channel" +
                        (options->any_weights ? "" : ": another processor or version of Torch rounds otherwise"));
          }};
}

}  // namespace dream::cli
